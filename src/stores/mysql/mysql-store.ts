// A store in a schema of a MySQL or MariaDB server, written over one connection.
//
// One batch is one transaction. First its journal's position moves on, which must change exactly one row: that row is
// also the lock that keeps a second writer out. Then come the rows, in INSERT statements of many rows each; what the
// batch adds to live_orders and account_sequences; COMMIT. While the server works on one statement the next is written.
//
//   UPDATE journal_positions ─→ INSERT … INSERT ─→ live orders, account sequences ─→ COMMIT
//       │ no row changed            │ a row refused: ROLLBACK, and once more entry by entry     │ lost
//       └─→ StoreMismatch           └ anything else: the connection is dropped, StoreUnavailable ┘
//
// Whoever did not hear the answer to a COMMIT does not know whether the batch is in. So after any failure the connection
// is dropped, which rolls back what was not committed, and the next one asks for the position: it tells.
//
// What a commit is worth is a matter of the server's settings (server-settings.ts); here it counts as confirmed.

import { assert } from '../../base/assert.ts'
import type { Log } from '../../base/log.ts'
import { MysqlConnection, MysqlError, MysqlTrouble } from '../../base/mysql.ts'
import type { Definitions } from '../../domain/definitions.ts'
import { isTerminal, type OrderStatus } from '../../domain/order-status.ts'
import { Kind } from '../../protocol/kinds.ts'
import {
  accountAt,
  decodeOrderEvent,
  EventOffset,
  MalformedEvent,
  type SnapshotEvent,
} from '../../protocol/order-events.ts'
import { type AccountSequences, noSequences, SequenceBook } from '../account-sequences.ts'
import type { EventBatch } from '../event-batch.ts'
import { EventColumns } from '../event-columns.ts'
import {
  checkOwner,
  type JournalPositions,
  type OrderStore,
  type PieceByPiece,
  type SetAside,
  StoreMismatch,
  StoreUnavailable,
  type UnavailableState,
} from '../order-store.ts'
import { putAccepted, putReport, putRow, putSnapshot, type RowShape, rowShapes, sequenceValues } from '../row-shapes.ts'
import type { MysqlEndpoint } from '../store-endpoint.ts'
import { RowStatements, RowTooLarge, STATEMENT_BYTES } from './row-statements.ts'
import { createSchema, migrateMysql, readLatest } from './schema.ts'
import { tellUnsafeSettings } from './server-settings.ts'

export interface MysqlStoreOptions {
  readonly definitions: Definitions
  /** Is told what the settings of the server put at risk. */
  readonly log?: Pick<Log, 'warning'>
}

/** Statements on the way: one the server works on, and one behind it. */
const STATEMENTS_MAX = 2
/** A writer that vanished without a word holds its locks so long. One with nothing to do connects again when it has. */
const IDLE_SECONDS = 300
/** Ids of one DELETE or SELECT. */
const IDS_PER_STATEMENT = 1_000
/** What the server's limit leaves for a statement, beside the packet's own head. */
const PACKET_RESERVE_BYTES = 1 << 10
/** Text of a reason that is kept in set_aside. */
const REASON_CHARACTERS_MAX = 2_000

/** What lives as long as a connection. */
interface Link {
  readonly connection: MysqlConnection
  readonly rows: ReturnType<typeof rowStatements>
  /** Statements that were handed over and not answered, oldest first. */
  readonly unanswered: Promise<void>[]
  /** The first failure among them. */
  failure: unknown
  /** How the statements of the batch at hand are sent; undefined where nobody needs a turn between them. */
  pieces: PieceByPiece | undefined
}

export class MysqlStore implements OrderStore {
  readonly name: string
  readonly #endpoint: MysqlEndpoint
  readonly #definitions: Definitions
  readonly #columns: EventColumns
  readonly #sequences: SequenceBook
  /** Rows of account_sequences that were read for the batch at hand. */
  readonly #found = new Map<number, AccountSequences>()
  readonly #positions = new Map<string, number>()
  #link: Link | undefined
  /** The batch whose COMMIT was under way when the connection failed. */
  #inDoubt: { readonly journal: string; readonly lastSequence: number } | undefined
  /** Orders accepted in the batch at hand that have not ended in it, and their accounts. */
  readonly #accepted = new Map<number, number>()
  /** Orders of earlier batches that ended in the batch at hand. */
  readonly #ended: number[] = []
  /** The last snapshot of each account in the batch at hand. */
  readonly #snapshots = new Map<number, SnapshotEvent>()

  /**
   * Connects, makes the schema and its tables where they are not there, and brings them to the present version.
   * @throws StoreUnavailable, StoreMismatch, SchemaTooNew
   */
  static async open(endpoint: MysqlEndpoint, options: MysqlStoreOptions): Promise<MysqlStore> {
    const store = new MysqlStore(endpoint, options)
    const { log } = options
    try {
      await store.#asking(async ({ connection }) => {
        await migrateMysql(connection, endpoint.schema)
        if (log !== undefined) await tellUnsafeSettings(connection, endpoint.name, log)
      })
      await store.positions()
    } catch (error) {
      await store.close()
      throw error
    }
    return store
  }

  private constructor(endpoint: MysqlEndpoint, options: MysqlStoreOptions) {
    this.name = endpoint.name
    this.#endpoint = endpoint
    this.#definitions = options.definitions
    this.#columns = new EventColumns(options.definitions)
    this.#sequences = new SequenceBook(account => this.#found.get(account) ?? noSequences(account))
  }

  async positions(): Promise<JournalPositions> {
    return this.#asking(link => this.#readPositions(link))
  }

  async apply(batch: EventBatch, pieces?: PieceByPiece): Promise<readonly SetAside[]> {
    if (batch.count === 0) return []
    const setAside = this.#link?.connection.isOpen ? undefined : await this.#resume(batch)
    if (setAside !== undefined) return setAside
    const end = this.#positions.get(batch.journal) ?? 0
    if (batch.firstSequence !== end + 1) {
      throw new StoreMismatch(
        `${this.name}: journal ${batch.journal} gives ${batch.firstSequence} to a store that ends at ${end}`,
      )
    }
    return this.#asking(async link => {
      link.pieces = pieces
      for (const rows of Object.values(link.rows)) rows.aimAt(pieces?.statementBytes ?? STATEMENT_BYTES)
      const applied = (await this.#applyWhole(link, batch)) ?? (await this.#applyOneByOne(link, batch))
      this.#positions.set(batch.journal, batch.lastSequence)
      return applied
    })
  }

  /** What is committed is confirmed: how safe that is, the server's settings say. */
  async confirm(): Promise<JournalPositions> {
    return new Map(this.#positions)
  }

  async owner(): Promise<string | undefined> {
    return this.#asking(async ({ connection }) => {
      const [row] = await connection.query('SELECT installation FROM store_owner WHERE id = 1')
      await connection.run('ROLLBACK')
      return row === undefined ? undefined : String(row.installation)
    })
  }

  async claim(installation: string, from?: string): Promise<void> {
    await this.#asking(async ({ connection }) => {
      if (from === undefined) {
        await connection.run(
          'INSERT INTO store_owner (id, installation) VALUES (1, ?) ON DUPLICATE KEY UPDATE installation = installation',
          [installation],
        )
      } else {
        await connection.run('UPDATE store_owner SET installation = ? WHERE id = 1 AND installation = ?', [
          installation,
          from,
        ])
      }
      await connection.run('COMMIT')
    })
    // What the table says now is what everybody sees, whoever came first and whatever became of the statement.
    checkOwner(await this.owner(), installation)
  }

  async close(): Promise<void> {
    const link = this.#link
    this.#link = undefined
    await link?.connection.close()
  }

  /**
   * After a failure: connects again and finds out where the tables are. Where the batch that was in doubt is in, it is
   * done; what of it was set aside stands in the tables.
   */
  async #resume(batch: EventBatch): Promise<readonly SetAside[] | undefined> {
    return this.#asking(async link => {
      const positions = await this.#readPositions(link)
      const { journal, firstSequence, lastSequence } = batch
      const wasUnderWay = this.#inDoubt?.journal === journal && this.#inDoubt.lastSequence === lastSequence
      if (!wasUnderWay || positions.get(journal) !== lastSequence) {
        this.#inDoubt = undefined
        return undefined
      }
      const rows = await link.connection.query(
        'SELECT sequence, reason FROM set_aside WHERE journal = ? AND sequence BETWEEN ? AND ? ORDER BY sequence',
        [journal, firstSequence, lastSequence],
      )
      await link.connection.run('ROLLBACK')
      this.#inDoubt = undefined
      return rows.map(({ sequence, reason }) => ({ journal, sequence: Number(sequence), reason: String(reason) }))
    })
  }

  async #readPositions({ connection }: Link): Promise<JournalPositions> {
    const rows = await connection.query('SELECT journal, sequence FROM journal_positions')
    // Ends the transaction that reading began: the next look is to see what is there then.
    await connection.run('ROLLBACK')
    const positions = new Map(rows.map(({ journal, sequence }) => [String(journal), Number(sequence)]))
    const hasMoved =
      positions.size !== this.#positions.size ||
      [...positions].some(([journal, sequence]) => this.#positions.get(journal) !== sequence)
    if (hasMoved) {
      // Somebody else may have written; or our own last batch is in after all.
      this.#sequences.clear()
      this.#positions.clear()
      for (const [journal, sequence] of positions) this.#positions.set(journal, sequence)
    }
    return positions
  }

  /** Writes all entries in one go; undefined, and nothing is written, where the server refuses one of them. */
  async #applyWhole(link: Link, batch: EventBatch): Promise<readonly SetAside[] | undefined> {
    const setAside: SetAside[] = []
    await this.#beginBatch(link, batch)
    try {
      for (let i = 0; i < batch.count; i++) {
        try {
          this.#read(batch, i)
          this.#putRows(link, batch, i)
        } catch (error) {
          if (!(error instanceof MalformedEvent)) throw error
          // It was refused before any row of it was put, so the others need not be written again.
          this.#setAside(link, batch, i, error, setAside)
          continue
        }
        this.#noteEvent()
        if (link.unanswered.length >= STATEMENTS_MAX) await oldestAnswered(link)
      }
      await this.#finishBatch(link)
      await allAnswered(link)
    } catch (error) {
      if (!isRefusal(error)) throw error
      await this.#takeBack(link)
      return undefined
    }
    await this.#commit(link, batch)
    return setAside
  }

  /** Writes each entry by itself and sets aside those that the server refuses. */
  async #applyOneByOne(link: Link, batch: EventBatch): Promise<readonly SetAside[]> {
    const setAside: SetAside[] = []
    await this.#beginBatch(link, batch)
    for (let i = 0; i < batch.count; i++) {
      send(link, 'SAVEPOINT entry')
      try {
        this.#read(batch, i)
        this.#putRows(link, batch, i)
        this.#flushRows(link)
        await allAnswered(link)
        this.#noteEvent()
      } catch (error) {
        if (!isRefusal(error)) throw error
        await answeredOrRefused(link)
        clearRows(link)
        this.#snapshots.clear()
        send(link, 'ROLLBACK TO SAVEPOINT entry')
        this.#setAside(link, batch, i, error, setAside)
        await allAnswered(link)
      }
    }
    await this.#finishBatch(link)
    await this.#commit(link, batch)
    return setAside
  }

  async #beginBatch(link: Link, batch: EventBatch): Promise<void> {
    const { journal, firstSequence, lastSequence } = batch
    await this.#findSequences(link, batch)
    const changed = this.#positions.has(journal)
      ? await link.connection.run('UPDATE journal_positions SET sequence = ? WHERE journal = ? AND sequence = ?', [
          lastSequence,
          journal,
          firstSequence - 1,
        ])
      : await link.connection.run('INSERT IGNORE INTO journal_positions (journal, sequence) VALUES (?, ?)', [
          journal,
          lastSequence,
        ])
    if (changed !== 1) {
      throw new StoreMismatch(
        `${this.name}: journal ${journal} is not at ${firstSequence - 1} any more: somebody else writes to these tables`,
      )
    }
  }

  /** Reads the rows of accounts that are not known yet. */
  async #findSequences({ connection }: Link, batch: EventBatch): Promise<void> {
    const unknown = new Set<number>()
    for (let i = 0; i < batch.count; i++) {
      const start = batch.starts[i]!
      if (batch.starts[i + 1]! - start < EventOffset.reportSequence + 8) continue
      const account = accountAt(batch.bytes, start)
      if (!this.#sequences.knows(account)) unknown.add(account)
    }
    this.#found.clear()
    for (const accounts of pagesOf([...unknown])) {
      const rows = await connection.query(
        'SELECT account, order_sequence, report_sequence, order_timestamp_slack, report_timestamp_slack, ' +
          "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', order_timestamp) AS order_us, " +
          "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', report_timestamp) AS report_us " +
          `FROM account_sequences WHERE account IN (${accounts.join(', ')})`,
      )
      for (const row of rows) {
        const sequences = noSequences(Number(row.account))
        sequences.orderSequence = Number(row.order_sequence)
        sequences.reportSequence = Number(row.report_sequence)
        sequences.orderTimestamp = Number(row.order_us)
        sequences.orderTimestampSlack = Number(row.order_timestamp_slack)
        sequences.reportTimestamp = Number(row.report_us)
        sequences.reportTimestampSlack = Number(row.report_timestamp_slack)
        this.#found.set(sequences.account, sequences)
      }
    }
  }

  #read(batch: EventBatch, index: number): void {
    this.#columns.read(batch.bytes, batch.starts[index]!, batch.starts[index + 1]!)
  }

  /** Puts the rows of the event that was read from this place of the batch. @throws MalformedEvent before any of them */
  #putRows(link: Link, batch: EventBatch, index: number): void {
    const event = this.#columns
    this.#sequences.check(event)
    switch (event.kind) {
      case Kind.OrderAccepted:
        putAccepted(event, link.rows.submissions, link.rows)
        break
      case Kind.ExecutionReport:
        putReport(event, link.rows)
        break
      default: {
        const start = batch.starts[index]!
        const snapshot = decodeOrderEvent(batch.bytes, start, batch.starts[index + 1]! - start)
        if (snapshot.kind !== Kind.InventorySnapshot) throw new MalformedEvent('not an inventory snapshot')
        this.#snapshots.set(snapshot.account, snapshot)
      }
    }
  }

  /** Remembers what the rows at the end of the batch depend on. */
  #noteEvent(): void {
    const event = this.#columns
    if (event.kind === Kind.OrderAccepted) {
      this.#accepted.set(event.orderId, event.account)
    } else if (event.kind === Kind.ExecutionReport && isTerminal(event.status as OrderStatus)) {
      if (!this.#accepted.delete(event.orderId)) this.#ended.push(event.orderId)
    }
    this.#sequences.note(event)
  }

  #setAside(link: Link, batch: EventBatch, index: number, error: unknown, into: SetAside[]): void {
    const sequence = batch.firstSequence + index
    const reason = (error instanceof Error ? error.message : String(error)).slice(0, REASON_CHARACTERS_MAX)
    const body = batch.bytes.subarray(batch.starts[index], batch.starts[index + 1])
    try {
      putRow(link.rows.setAside, [batch.journal, sequence, reason, body])
    } catch (tooLarge) {
      if (!(tooLarge instanceof RowTooLarge)) throw tooLarge
      const message = `${this.name} cannot even set aside entry ${sequence} of ${batch.journal}: raise max_allowed_packet`
      throw new StoreUnavailable(message, { cause: error, state: 'full' })
    }
    link.rows.setAside.flush()
    this.#sequences.noteSetAside(body, this.#columns, error)
    into.push({ journal: batch.journal, sequence, reason })
  }

  /** Sends the rows that stand for the whole batch. */
  async #finishBatch(link: Link): Promise<void> {
    this.#flushRows(link)
    for (const orderIds of pagesOf(this.#ended)) {
      send(link, `DELETE FROM live_orders WHERE order_id IN (${orderIds.join(', ')})`)
    }
    for (const [orderId, account] of this.#accepted) {
      putRow(link.rows.liveOrders, [orderId, account])
      if (link.unanswered.length >= STATEMENTS_MAX) await oldestAnswered(link)
    }
    for (const sequences of this.#sequences.changed) {
      putRow(link.rows.accountSequences, sequenceValues(sequences))
      if (link.unanswered.length >= STATEMENTS_MAX) await oldestAnswered(link)
    }
    for (const rows of Object.values(link.rows)) rows.flush()
    await allAnswered(link)
  }

  /** Sends the rows of events, and of snapshots in the place of those that are there. */
  #flushRows(link: Link): void {
    const { submissions, plainReports, fills, fullReports, replaceReports, replaceClOrdIds } = link.rows
    submissions.flush()
    plainReports.flush()
    fills.flush()
    fullReports.flush()
    replaceReports.flush()
    replaceClOrdIds.flush()
    if (this.#snapshots.size === 0) return
    for (const accounts of pagesOf([...this.#snapshots.keys()])) {
      for (const table of ['sequences', 'entries', 'excluded_orders']) {
        send(link, `DELETE FROM order_execution_inventory_${table} WHERE account IN (${accounts.join(', ')})`)
      }
    }
    for (const snapshot of this.#snapshots.values()) putSnapshot(snapshot, this.#definitions, link.rows)
    link.rows.inventorySequences.flush()
    link.rows.inventoryEntries.flush()
    link.rows.inventoryExcludedOrders.flush()
    this.#snapshots.clear()
  }

  async #commit(link: Link, batch: EventBatch): Promise<void> {
    await allAnswered(link)
    this.#inDoubt = { journal: batch.journal, lastSequence: batch.lastSequence }
    await link.connection.run('COMMIT')
    this.#inDoubt = undefined
    this.#accepted.clear()
    this.#ended.length = 0
    this.#found.clear()
    this.#sequences.accept()
  }

  /** Takes back what was written of a batch, and what was remembered of it; the connection stays. */
  async #takeBack(link: Link): Promise<void> {
    await answeredOrRefused(link)
    clearRows(link)
    this.#forgetBatch()
    await link.connection.run('ROLLBACK')
  }

  #forgetBatch(): void {
    this.#accepted.clear()
    this.#ended.length = 0
    this.#snapshots.clear()
    this.#found.clear()
    this.#sequences.abandon()
  }

  /** Runs `work` over the connection, which is opened where it is not; after a failure it is not used again. */
  async #asking<Result>(work: (link: Link) => Promise<Result>): Promise<Result> {
    try {
      this.#link = this.#link?.connection.isOpen ? this.#link : await this.#connect()
      return await work(this.#link)
    } catch (error) {
      const link = this.#link
      this.#link = undefined
      link?.connection.destroy()
      // The answers that are still to come fail with the connection, and nobody waits for them.
      if (link !== undefined) link.unanswered.length = 0
      this.#forgetBatch()
      throw this.#storeFailure(error)
    }
  }

  async #connect(): Promise<Link> {
    const { schema, statementTimeoutMs } = this.#endpoint
    const connection = await MysqlConnection.open({ ...this.#endpoint, schema: undefined })
    try {
      await readLatest(connection)
      await createSchema(connection, schema)
      // Whoever waits for a lock is to be told before the whole statement is given up. Without autocommit no statement
      // is committed by itself, also not one that was sent before it was known that the transaction is gone.
      const lockSeconds = Math.max(1, Math.floor(statementTimeoutMs / 2_000))
      await connection.run(
        `SET SESSION innodb_lock_wait_timeout = ${lockSeconds}, wait_timeout = ${IDLE_SECONDS}, autocommit = 0`,
      )
      const [row] = await connection.query('SELECT @@max_allowed_packet AS packet_bytes')
      const bytesMax = Number(row?.packet_bytes) - PACKET_RESERVE_BYTES
      assert(bytesMax > 0, 'the server says how large a packet may be')
      const link: Link = {
        connection,
        rows: rowStatements(bytesMax, sql => send(link, sql)),
        unanswered: [],
        failure: undefined,
        pieces: undefined,
      }
      return link
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  /** What a failure means to the writer; a failure of our own code stays what it is. */
  #storeFailure(error: unknown): unknown {
    if (!(error instanceof MysqlError)) return error
    const message = `${this.name}: ${error.message}`
    if (error.trouble === MysqlTrouble.Mismatch) return new StoreMismatch(message, { cause: error })
    return new StoreUnavailable(message, { cause: error, state: states[error.trouble] })
  }
}

const states: Readonly<Record<Exclude<MysqlTrouble, typeof MysqlTrouble.Mismatch>, UnavailableState>> = {
  // Only a row of the store's own is ever refused outside a batch, and then it is somebody else's change of the tables.
  [MysqlTrouble.RowRefused]: 'busy',
  [MysqlTrouble.TryAgain]: 'busy',
  [MysqlTrouble.Away]: 'away',
  [MysqlTrouble.ReadOnly]: 'read only',
  [MysqlTrouble.Full]: 'full',
  [MysqlTrouble.Denied]: 'away',
  [MysqlTrouble.Other]: 'away',
}

/** The tables that take rows in statements of many. */
function rowStatements(bytesMax: number, send: (sql: string) => void) {
  const rows = (shape: RowShape, tail = '') => new RowStatements({ shape, tail, bytesMax, send })
  const { accountSequences } = rowShapes
  const replaced = accountSequences.columns.map(({ name }) => `${name} = VALUES(${name})`).join(', ')
  return {
    submissions: rows(rowShapes.submission),
    plainReports: rows(rowShapes.plainReport),
    fills: rows(rowShapes.fill),
    fullReports: rows(rowShapes.fullReport),
    replaceReports: rows(rowShapes.replaceReport),
    replaceClOrdIds: rows(rowShapes.replaceClOrdId),
    inventorySequences: rows(rowShapes.inventorySequence),
    inventoryEntries: rows(rowShapes.inventoryEntry),
    inventoryExcludedOrders: rows(rowShapes.inventoryExcludedOrder),
    liveOrders: rows(rowShapes.liveOrder),
    accountSequences: rows(accountSequences, ` ON DUPLICATE KEY UPDATE ${replaced}`),
    setAside: rows(rowShapes.setAside),
  }
}

function clearRows(link: Link): void {
  for (const rows of Object.values(link.rows)) rows.clear()
}

/** Hands a statement over without waiting for its answer; `allAnswered` throws what became of it. */
function send(link: Link, sql: string): void {
  const { connection, pieces, unanswered } = link
  const asked = pieces === undefined ? connection.run(sql) : sendAlone(link, sql, pieces)
  const answer = asked.then(
    () => undefined,
    error => {
      link.failure ??= error
    },
  )
  unanswered.push(answer)
}

/** Sends a statement as a piece of its own, once those before it are answered. */
async function sendAlone({ connection, unanswered }: Link, sql: string, pieces: PieceByPiece): Promise<number> {
  await unanswered.at(-1)
  return pieces.piece(() => connection.run(sql))
}

async function oldestAnswered(link: Link): Promise<void> {
  await link.unanswered.shift()
  throwFailure(link)
}

async function allAnswered(link: Link): Promise<void> {
  while (link.unanswered.length > 0) await link.unanswered.shift()
  throwFailure(link)
}

/** Waits for all answers; only refusals are let pass. */
async function answeredOrRefused(link: Link): Promise<void> {
  try {
    await allAnswered(link)
  } catch (error) {
    if (!isRefusal(error)) throw error
  }
}

function throwFailure(link: Link): void {
  if (link.failure === undefined) return
  const error = link.failure
  link.failure = undefined
  throw error
}

/** True where the entry is at fault, so that writing it again would fail again. */
function isRefusal(error: unknown): boolean {
  if (error instanceof MalformedEvent || error instanceof RowTooLarge) return true
  return error instanceof MysqlError && error.trouble === MysqlTrouble.RowRefused
}

function* pagesOf(ids: readonly number[]): Generator<readonly number[]> {
  for (let at = 0; at < ids.length; at += IDS_PER_STATEMENT) yield ids.slice(at, at + IDS_PER_STATEMENT)
}
