// The embedded store: one SQLite file, written by one thread.
//
// Its commits are not synced (synchronous = NORMAL): after a power failure the file is as it was some commits ago, rows
// and positions alike, since they change together, and the writer copies the rest again from the journals, which are the
// truth and were synced. The one thing that must not happen is that a journal deletes what only an unsynced commit
// holds; so a position counts as confirmed only once a checkpoint has synced it (`confirm`).
//
// Its speed comes from binding little: columns that most reports leave empty have defaults, and there is a statement for
// reports that use nothing else. An order that is accepted and ends within one batch never enters live_orders.

import fs from 'node:fs'
import path from 'node:path'
import { type Database, openDatabase, type Statement, sqliteErrorCode } from '../base/sqlite.ts'
import type { Definitions } from '../domain/definitions.ts'
import { isTerminal, type OrderStatus } from '../domain/order-status.ts'
import { Kind } from '../protocol/kinds.ts'
import { decodeOrderEvent, MalformedEvent } from '../protocol/order-events.ts'
import { type AccountSequences, noSequences, SequenceBook } from './account-sequences.ts'
import type { EventBatch } from './event-batch.ts'
import { EventColumns } from './event-columns.ts'
import {
  checkOwner,
  type JournalPositions,
  type OrderStore,
  type SetAside,
  StoreMismatch,
  StoreUnavailable,
} from './order-store.ts'
import { RowInsert } from './row-insert.ts'
import { putAccepted, putReport, putRow, putSnapshot, rowShapes, sequenceValues } from './row-shapes.ts'
import { migrate } from './schema.ts'

export interface EmbeddedStoreOptions {
  readonly file: string
  /** What the log and the metrics call it. */
  readonly name?: string
  readonly definitions: Definitions
  /** Memory for pages of the file, in bytes. */
  readonly cacheBytes?: number
}

/** Large pages: rows of many accounts touch many pages of the sequence indexes, and fewer large ones are fewer writes. */
const PAGE_BYTES = 8192
const CACHE_BYTES = 128 << 20

// SQLite's result codes for a row that the tables refuse, as opposed to a disk that does: too big, constraint, mismatch.
const ROW_REFUSED = new Set([18, 19, 20])

/** The disk is full. */
const SQLITE_FULL = 13

// Corrupt, not a database; and a row of the store's own making refused, which only rows that are not its own explain.
const FILE_DAMAGED = new Set([11, 26, ...ROW_REFUSED])

export class EmbeddedStore implements OrderStore {
  readonly name: string
  readonly #database: Database
  readonly #definitions: Definitions
  readonly #columns: EventColumns
  readonly #rows: ReturnType<typeof prepareRows>
  readonly #statements: ReturnType<typeof prepareStatements>
  readonly #positions = new Map<string, number>()
  #confirmed: JournalPositions
  readonly #sequences: SequenceBook
  /** Orders accepted in the batch at hand that have not ended in it. */
  readonly #accepted = new Map<number, number>()
  #isClosed = false

  /** Opens the file, or makes it, and brings its tables to the present version. @throws SchemaTooNew */
  static open(options: EmbeddedStoreOptions): EmbeddedStore {
    fs.mkdirSync(path.dirname(options.file), { recursive: true })
    const database = openDatabase(options.file, 'normal', PAGE_BYTES)
    try {
      migrate(database)
      return new EmbeddedStore(database, options)
    } catch (error) {
      database.close()
      throw error
    }
  }

  private constructor(database: Database, options: EmbeddedStoreOptions) {
    this.name = options.name ?? 'embedded'
    this.#database = database
    this.#definitions = options.definitions
    this.#columns = new EventColumns(options.definitions)
    // Checkpoints are `confirm`'s business alone: then it knows which positions each of them covers.
    database.exec(`PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -${(options.cacheBytes ?? CACHE_BYTES) >> 10}`)
    this.#rows = prepareRows(database)
    this.#statements = prepareStatements(database)
    this.#sequences = new SequenceBook(account =>
      accountSequences(account, this.#statements.findSequences.get(account)),
    )
    for (const row of database.prepare('SELECT journal, sequence FROM journal_positions').iterate()) {
      this.#positions.set(String(row.journal), Number(row.sequence))
    }
    this.#confirmed = this.#checkpoint() ? new Map(this.#positions) : new Map()
  }

  async positions(): Promise<JournalPositions> {
    return new Map(this.#positions)
  }

  async apply(batch: EventBatch): Promise<readonly SetAside[]> {
    return this.applyNow(batch)
  }

  async confirm(): Promise<JournalPositions> {
    // Positions are copied first: a checkpoint that reaches the end of the log covers every commit before it.
    const positions = new Map(this.#positions)
    if (this.#checkpoint()) this.#confirmed = positions
    return this.#confirmed
  }

  async owner(): Promise<string | undefined> {
    const row = this.#database.prepare('SELECT installation FROM store_owner').get()
    return row === undefined ? undefined : String(row.installation)
  }

  async claim(installation: string, from?: string): Promise<void> {
    try {
      if (from === undefined) {
        this.#database.prepare('INSERT INTO store_owner VALUES (1, ?) ON CONFLICT DO NOTHING').run(installation)
      } else {
        this.#database.prepare('UPDATE store_owner SET installation = ? WHERE installation = ?').run(installation, from)
      }
    } catch (error) {
      throw storeFailure(error)
    }
    checkOwner(await this.owner(), installation)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#database.close()
  }

  /** As `apply`, at once. @throws StoreUnavailable, StoreMismatch */
  applyNow(batch: EventBatch): readonly SetAside[] {
    if (batch.count === 0) return []
    const end = this.#positions.get(batch.journal) ?? 0
    if (batch.firstSequence !== end + 1) {
      throw new StoreMismatch(`journal ${batch.journal} gives ${batch.firstSequence} to a store that ends at ${end}`)
    }
    const setAside: SetAside[] = []
    try {
      if (!this.#applyWhole(batch)) this.#applyOneByOne(batch, setAside)
    } catch (error) {
      this.#abandonBatch()
      throw storeFailure(error)
    }
    this.#positions.set(batch.journal, batch.lastSequence)
    return setAside
  }

  /** Writes all entries in one transaction; false, and nothing is written, where a table refuses one of them. */
  #applyWhole(batch: EventBatch): boolean {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      for (let i = 0; i < batch.count; i++) {
        this.#read(batch, i)
        this.#writeRows(batch, i)
        this.#noteEvent()
      }
      this.#flushRows()
    } catch (error) {
      if (!isRefusal(error)) throw error
      this.#abandonBatch()
      return false
    }
    this.#finishBatch(batch)
    return true
  }

  /** Writes each entry by itself and sets aside those that a table refuses. */
  #applyOneByOne(batch: EventBatch, setAside: SetAside[]): void {
    this.#database.exec('BEGIN IMMEDIATE')
    for (let i = 0; i < batch.count; i++) {
      this.#database.exec('SAVEPOINT entry')
      try {
        this.#read(batch, i)
        this.#writeRows(batch, i)
        this.#flushRows()
        this.#noteEvent()
      } catch (error) {
        if (!isRefusal(error)) throw error
        this.#database.exec('ROLLBACK TO entry')
        this.#clearRows()
        const sequence = batch.firstSequence + i
        const reason = error instanceof Error ? error.message : String(error)
        const body = batch.bytes.subarray(batch.starts[i], batch.starts[i + 1])
        this.#statements.setAside.run(batch.journal, sequence, reason, body)
        this.#sequences.noteSetAside(body, this.#columns, error)
        setAside.push({ journal: batch.journal, sequence, reason })
      }
      this.#database.exec('RELEASE entry')
    }
    this.#finishBatch(batch)
  }

  #read(batch: EventBatch, index: number): void {
    this.#columns.read(batch.bytes, batch.starts[index]!, batch.starts[index + 1]!)
  }

  /** Writes the rows of the event that was read from this place of the batch; `flush` writes those that wait. */
  #writeRows(batch: EventBatch, index: number): void {
    const event = this.#columns
    this.#sequences.check(event)
    switch (event.kind) {
      case Kind.OrderAccepted:
        putAccepted(event, this.#rows.submissions, this.#rows)
        break
      case Kind.ExecutionReport:
        putReport(event, this.#rows)
        break
      default:
        this.#replaceSnapshot(batch.bytes, batch.starts[index]!, batch.starts[index + 1]!)
    }
  }

  /** Remembers what the rows at the end of the batch depend on; after the event's own rows, which may be refused. */
  #noteEvent(): void {
    const event = this.#columns
    if (event.kind === Kind.OrderAccepted) {
      this.#accepted.set(event.orderId, event.account)
    } else if (event.kind === Kind.ExecutionReport && isTerminal(event.status as OrderStatus)) {
      if (!this.#accepted.delete(event.orderId)) this.#statements.noLongerLive.run(event.orderId)
    }
    this.#sequences.note(event)
  }

  #replaceSnapshot(bytes: Buffer, start: number, end: number): void {
    const event = decodeOrderEvent(bytes, start, end - start)
    if (event.kind !== Kind.InventorySnapshot) throw new MalformedEvent('not an inventory snapshot')
    for (const clear of this.#statements.clearSnapshot) clear.run(event.account)
    const rows = this.#rows
    putSnapshot(event, this.#definitions, rows)
    // At once: a further snapshot of the account begins with taking these rows away.
    rows.inventorySequences.flush()
    rows.inventoryEntries.flush()
    rows.inventoryExcludedOrders.flush()
  }

  #finishBatch(batch: EventBatch): void {
    for (const [orderId, account] of this.#accepted) putRow(this.#rows.liveOrders, [orderId, account])
    this.#rows.liveOrders.flush()
    this.#accepted.clear()
    for (const sequences of this.#sequences.changed) {
      this.#statements.sequences.run(...sequenceValues(sequences))
    }
    this.#statements.position.run(batch.journal, batch.lastSequence)
    this.#database.exec('COMMIT')
    this.#sequences.accept()
  }

  #flushRows(): void {
    const rows = this.#rows
    rows.submissions.flush()
    rows.plainReports.flush()
    rows.fills.flush()
    rows.fullReports.flush()
    rows.replaceReports.flush()
    rows.replaceClOrdIds.flush()
  }

  #clearRows(): void {
    for (const rows of Object.values(this.#rows)) rows.clear()
  }

  /** Takes back what was written of a batch, and what was remembered of it. */
  #abandonBatch(): void {
    this.#clearRows()
    this.#accepted.clear()
    this.#sequences.abandon()
    // Some failures (a full disk) have rolled back already.
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
  }

  /** Moves the log into the file and syncs both; false where a reader kept it from reaching the log's end. */
  #checkpoint(): boolean {
    try {
      const outcome = this.#database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()
      return outcome !== undefined && outcome.busy === 0 && outcome.log === outcome.checkpointed
    } catch (error) {
      throw storeFailure(error)
    }
  }
}

/** The tables that take rows by the thousand. */
function prepareRows(database: Database) {
  return {
    submissions: new RowInsert(database, rowShapes.submission),
    plainReports: new RowInsert(database, rowShapes.plainReport),
    fills: new RowInsert(database, rowShapes.fill),
    fullReports: new RowInsert(database, rowShapes.fullReport),
    replaceReports: new RowInsert(database, rowShapes.replaceReport),
    replaceClOrdIds: new RowInsert(database, rowShapes.replaceClOrdId),
    liveOrders: new RowInsert(database, rowShapes.liveOrder),
    inventorySequences: new RowInsert(database, rowShapes.inventorySequence),
    inventoryEntries: new RowInsert(database, rowShapes.inventoryEntry),
    inventoryExcludedOrders: new RowInsert(database, rowShapes.inventoryExcludedOrder),
  }
}

function prepareStatements(database: Database) {
  return {
    noLongerLive: database.prepare('DELETE FROM live_orders WHERE order_id = ?'),
    clearSnapshot: ['sequences', 'entries', 'excluded_orders'].map(table =>
      database.prepare(`DELETE FROM order_execution_inventory_${table} WHERE account = ?`),
    ),
    findSequences: database.prepare('SELECT * FROM account_sequences WHERE account = ?'),
    sequences: database.prepare('REPLACE INTO account_sequences VALUES (?, ?, ?, ?, ?, ?, ?)'),
    position: database.prepare('REPLACE INTO journal_positions VALUES (?, ?)'),
    setAside: database.prepare('INSERT INTO set_aside VALUES (?, ?, ?, ?)'),
  }
}

function accountSequences(account: number, row: ReturnType<Statement['get']>): AccountSequences {
  const sequences = noSequences(account)
  if (row === undefined) return sequences
  sequences.orderSequence = Number(row.order_sequence)
  sequences.reportSequence = Number(row.report_sequence)
  sequences.orderTimestamp = Number(row.order_timestamp)
  sequences.orderTimestampSlack = Number(row.order_timestamp_slack)
  sequences.reportTimestamp = Number(row.report_timestamp)
  sequences.reportTimestampSlack = Number(row.report_timestamp_slack)
  return sequences
}

/** True where the entry is at fault, so that writing it again would fail again. */
function isRefusal(error: unknown): boolean {
  if (error instanceof MalformedEvent) return true
  const code = sqliteErrorCode(error)
  return code !== undefined && ROW_REFUSED.has(code)
}

/** What a failure of SQLite means to the writer; a failure of our own code stays what it is. */
function storeFailure(error: unknown): unknown {
  const code = sqliteErrorCode(error)
  if (code === undefined) return error
  const message = `the embedded store failed: ${error instanceof Error ? error.message : String(error)}`
  return FILE_DAMAGED.has(code)
    ? new StoreMismatch(message, { cause: error })
    : new StoreUnavailable(message, { cause: error, state: code === SQLITE_FULL ? 'full' : 'away' })
}
