// The MySQL store that is being rebuilt, as its rebuilder treats it. While it is under way the store belongs to nobody who
// writes or reads: its owner says so, and its positions are at 0, so that a server that has it open is refused with its
// next batch, and one that opens it sees whose it is. Rows go in by the writer's own road; here are the steps around it.
//
//   owner                   what is known where the rebuild was interrupted
//   rebuild emptying <id>   some tables are empty: empty all of them again
//   rebuild stores <id>     rows come from another store: go on behind what each account has
//   rebuild journals <id>   rows come from the journals: go on behind their positions
//   <id>                    done

import { MysqlConnection, MysqlError } from '../base/mysql.ts'
import { type JournalPositions, StoreUnavailable } from '../stores/order-store.ts'
import type { StoreValue } from '../stores/readable-store.ts'
import type { MysqlEndpoint } from '../stores/store-endpoint.ts'
import { REBUILD_OWNER } from './store-status.ts'

/** Where the rows of a rebuild come from. */
export type RebuildFrom = 'stores' | 'journals'

/** What stands in place of a journal while rows come from another store. */
export const REBUILD_JOURNAL = 'rebuild'

/** Everything but positions and owner, which change in one transaction. */
const TABLES = [
  'submissions',
  'execution_reports',
  'replace_client_order_ids',
  'live_orders',
  'order_execution_inventory_entries',
  'order_execution_inventory_sequences',
  'order_execution_inventory_excluded_orders',
  'account_sequences',
  'set_aside',
]

/** Emptying large tables takes a while, and whoever reads them keeps it waiting. */
const STATEMENT_TIMEOUT_MS = 600_000

export class RebuildTarget {
  readonly #connection: MysqlConnection
  readonly #name: string
  readonly #installation: string

  static async open(endpoint: MysqlEndpoint, installation: string): Promise<RebuildTarget> {
    try {
      const connection = await MysqlConnection.open({ ...endpoint, statementTimeoutMs: STATEMENT_TIMEOUT_MS })
      return new RebuildTarget(connection, endpoint.name, installation)
    } catch (error) {
      throw unavailable(endpoint.name, error)
    }
  }

  private constructor(connection: MysqlConnection, name: string, installation: string) {
    this.#connection = connection
    this.#name = name
    this.#installation = installation
  }

  /** What an earlier rebuild from there has left, which can be gone on with. */
  async isBegun(from: RebuildFrom): Promise<boolean> {
    const [row] = await this.#guarded(() => this.#connection.queryLists('SELECT installation FROM store_owner'))
    return row?.[0] === this.#owner(from)
  }

  /** Takes the store away from everybody and empties it. */
  async empty(journals: readonly string[], from: RebuildFrom): Promise<void> {
    await this.#transaction(async connection => {
      // In this order the position's row is locked first, as by a writer: none is in the middle of a batch then.
      await connection.run('DELETE FROM journal_positions')
      for (const journal of journals) await connection.run('INSERT INTO journal_positions VALUES (?, 0)', [journal])
      await this.#setOwner(connection, this.#owner('emptying'))
    })
    for (const table of TABLES) await this.#guarded(() => this.#connection.run(`TRUNCATE TABLE ${table}`))
    await this.#transaction(connection => this.#setOwner(connection, this.#owner(from)))
  }

  /** Takes it away from everybody again, where it was given back too early. */
  async takeAgain(journals: readonly string[], rebuilt: number): Promise<void> {
    await this.#transaction(async connection => {
      await connection.run('DELETE FROM journal_positions')
      for (const journal of journals) await connection.run('INSERT INTO journal_positions VALUES (?, 0)', [journal])
      await connection.run('INSERT INTO journal_positions VALUES (?, ?)', [REBUILD_JOURNAL, rebuilt])
      await this.#setOwner(connection, this.#owner('stores'))
    })
  }

  /** Gives the store back, at these positions, or at those it has. */
  async finish(contents: {
    readonly positions?: JournalPositions
    /** Rows of set_aside. */
    readonly setAside?: readonly (readonly StoreValue[])[]
    /** Where accounts stand whose last entries were set aside. */
    readonly accountEnds?:
      | ReadonlyMap<number, { readonly orderSequence: number; readonly reportSequence: number }>
      | undefined
  }): Promise<void> {
    const { positions, setAside = [], accountEnds = new Map() } = contents
    await this.#transaction(async connection => {
      if (positions !== undefined) {
        await connection.run('DELETE FROM journal_positions')
        for (const [journal, sequence] of positions) {
          await connection.run('INSERT INTO journal_positions VALUES (?, ?)', [journal, sequence])
        }
      }
      for (const row of setAside) await connection.run('REPLACE INTO set_aside VALUES (?, ?, ?, ?)', [...row])
      for (const [account, { orderSequence, reportSequence }] of accountEnds) {
        await connection.run('UPDATE account_sequences SET order_sequence = ?, report_sequence = ? WHERE account = ?', [
          orderSequence,
          reportSequence,
          account,
        ])
      }
      await this.#setOwner(connection, this.#installation)
    })
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  #owner(stage: RebuildFrom | 'emptying'): string {
    return `${REBUILD_OWNER}${stage} ${this.#installation}`
  }

  /** Whoever had it: the operator named this store to be emptied. */
  async #setOwner(connection: MysqlConnection, owner: string): Promise<void> {
    await connection.run('REPLACE INTO store_owner (id, installation) VALUES (1, ?)', [owner])
  }

  async #transaction(work: (connection: MysqlConnection) => Promise<unknown>): Promise<void> {
    await this.#guarded(async () => {
      await this.#connection.run('START TRANSACTION')
      await work(this.#connection)
      await this.#connection.run('COMMIT')
    })
  }

  /** After a failure the connection is not used again: what it was in the middle of is rolled back. */
  async #guarded<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      this.#connection.destroy()
      throw unavailable(this.#name, error)
    }
  }
}

function unavailable(name: string, error: unknown): unknown {
  return error instanceof MysqlError ? new StoreUnavailable(`${name}: ${error.message}`, { cause: error }) : error
}
