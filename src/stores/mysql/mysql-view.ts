// Views of a MySQL store: read-only transactions over a connection of the reader's own, each on one snapshot of the
// tables. The connection is opened with the first view and kept; one that fails is dropped, and the next view opens
// another. Amounts and times are made whole numbers by the server, out of exact decimals.

import { MysqlConnection, MysqlError } from '../../base/mysql.ts'
import { StoreUnavailable } from '../order-store.ts'
import {
  type Dialect,
  type HeldView,
  inViewOf,
  type ReadableStore,
  type Row,
  type SequenceRange,
  type StoreValue,
  type StoreView,
} from '../readable-store.ts'
import type { MysqlEndpoint } from '../store-endpoint.ts'

/** Times that DATETIME(6) holds and the server's functions take: from the epoch on, to the end of the year 9999. */
const TIME_MAX = Date.UTC(9999, 11, 31) * 1000

export const mysqlDialect: Dialect = {
  amount: expression => `CAST(${expression} * 1000000 AS SIGNED)`,
  time: expression => `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${expression})`,
  timeLiteral: us => (Number.isSafeInteger(us) && us >= 0 && us <= TIME_MAX ? timeText(us) : undefined),
  // A list of nothing is not SQL; nothing equals NULL.
  list: values => ({ sql: `(${values.length === 0 ? 'NULL' : values.join(', ')})`, parameters: [] }),
  behind: ([first, second], [a, b]) => `((${first} = ${a} AND ${second} > ${b}) OR ${first} > ${a})`,
  join: 'STRAIGHT_JOIN',
  searchPlaces: 32,
}

/** Ranges of one statement: the server looks at each before it begins, and has a bound on how many it considers. */
const RANGES_PER_STATEMENT = 250

export class MysqlReader implements ReadableStore {
  readonly name: string
  readonly #endpoint: MysqlEndpoint
  #connection: MysqlConnection | undefined

  constructor(endpoint: MysqlEndpoint) {
    this.name = endpoint.name
    this.#endpoint = endpoint
  }

  async view(): Promise<HeldView> {
    const wasOpen = this.#connection !== undefined
    try {
      return await this.#begin()
    } catch (error) {
      // A connection that lay idle may have been closed by the server long ago; nothing was read over it yet.
      if (wasOpen && error instanceof StoreUnavailable) return await this.#begin()
      throw error
    }
  }

  inView<Result>(work: (view: StoreView) => Promise<Result>): Promise<Result> {
    return inViewOf(this, work)
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await connection?.close()
  }

  async #begin(): Promise<HeldView> {
    const connection = await this.#guarded(async () => {
      const connection = this.#connection ?? (await MysqlConnection.open(this.#endpoint))
      if (this.#connection === undefined) {
        this.#connection = connection
        await connection.run('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ')
      }
      await connection.run('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
      return connection
    })
    const rows = (sql: string, parameters: readonly StoreValue[] = []) =>
      this.#guarded(async () => (await connection.queryLists(sql, parameters)) as readonly Row[])
    return {
      dialect: mysqlDialect,
      rows,
      rowsInRanges: (select, table, ranges) => rowsInRanges(rows, select, table, ranges),
      close: async () => {
        // What failed has dropped the connection, and the transaction with it.
        if (this.#connection !== connection) return
        await this.#guarded(() => connection.run('COMMIT'))
      },
    }
  }

  /** Runs `work`; after a failure the connection is not used again. */
  async #guarded<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof MysqlError)) throw error
      this.#connection?.destroy()
      this.#connection = undefined
      throw new StoreUnavailable(`${this.name}: ${error.message}`, { cause: error })
    }
  }
}

async function rowsInRanges(
  rows: (sql: string) => Promise<readonly Row[]>,
  select: string,
  table: string,
  ranges: readonly SequenceRange[],
): Promise<readonly Row[]> {
  const lists: Promise<readonly Row[]>[] = []
  for (let at = 0; at < ranges.length; at += RANGES_PER_STATEMENT) {
    const conditions = ranges
      .slice(at, at + RANGES_PER_STATEMENT)
      .map(
        ({ account, first, last }) =>
          `(${table}.account = ${account} AND ${table}.query_sequence BETWEEN ${first} AND ${last})`,
      )
    lists.push(rows(`${select} (${conditions.join(' OR ')}) ORDER BY ${table}.account, ${table}.query_sequence`))
  }
  return lists.length === 1 ? await lists[0]! : (await Promise.all(lists)).flat()
}

/** As a DATETIME(6) in UTC. */
function timeText(us: number): string {
  const seconds = Math.floor(us / 1e6)
  const text = new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')
  return `TIMESTAMP'${text}.${String(us - seconds * 1e6).padStart(6, '0')}'`
}
