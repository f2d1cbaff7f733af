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
import { isTerminal, OrderStatus } from '../domain/order-status.ts'
import { readTicker } from '../domain/tickers.ts'
import { Kind } from '../protocol/kinds.ts'
import { accountAt, decodeOrderEvent, EventOffset, MalformedEvent, reportSequenceAt } from '../protocol/order-events.ts'
import type { EventBatch } from './event-batch.ts'
import { EventColumns } from './event-columns.ts'
import {
  type JournalPositions,
  type OrderStore,
  type SetAside,
  StoreMismatch,
  StoreUnavailable,
} from './order-store.ts'
import { RowInsert } from './row-insert.ts'
import { migrate } from './schema.ts'

export interface EmbeddedStoreOptions {
  readonly file: string
  readonly definitions: Definitions
  /** Memory for pages of the file, in bytes. */
  readonly cacheBytes?: number
}

/** Large pages: rows of many accounts touch many pages of the sequence indexes, and fewer large ones are fewer writes. */
const PAGE_BYTES = 8192
const CACHE_BYTES = 128 << 20

// SQLite's result codes for a row that the tables refuse, as opposed to a disk that does: too big, constraint, mismatch.
const ROW_REFUSED = new Set([18, 19, 20])

// Corrupt, not a database; and a row of the store's own making refused, which only rows that are not its own explain.
const FILE_DAMAGED = new Set([11, 26, ...ROW_REFUSED])

/** The sequences of one account as its row has them, with what the batch at hand adds. */
interface AccountSequences {
  readonly account: number
  orderSequence: number
  reportSequence: number
  orderTimestamp: number
  orderTimestampSlack: number
  reportTimestamp: number
  reportTimestampSlack: number
  isChanged: boolean
}

export class EmbeddedStore implements OrderStore {
  readonly name = 'embedded'
  readonly #database: Database
  readonly #definitions: Definitions
  readonly #columns: EventColumns
  readonly #rows: ReturnType<typeof prepareRows>
  readonly #statements: ReturnType<typeof prepareStatements>
  readonly #positions = new Map<string, number>()
  #confirmed: JournalPositions
  readonly #accounts = new Map<number, AccountSequences>()
  readonly #changed: AccountSequences[] = []
  #account: AccountSequences | undefined
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
    this.#database = database
    this.#definitions = options.definitions
    this.#columns = new EventColumns(options.definitions)
    // Checkpoints are `confirm`'s business alone: then it knows which positions each of them covers.
    database.exec(`PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -${(options.cacheBytes ?? CACHE_BYTES) >> 10}`)
    this.#rows = prepareRows(database)
    this.#statements = prepareStatements(database)
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
        this.#noteSetAside(body, error)
        setAside.push({ journal: batch.journal, sequence, reason })
      }
      this.#database.exec('RELEASE entry')
    }
    this.#finishBatch(batch)
  }

  /** The sequences of an entry set aside are used up all the same: a restart must not give them to another event. */
  #noteSetAside(body: Buffer, error: unknown): void {
    if (body.length < EventOffset.reportSequence + 8 || body[EventOffset.kind] === Kind.InventorySnapshot) return
    const sequences = this.#sequencesOf(accountAt(body, 0))
    const reportSequence = reportSequenceAt(body, 0)
    if (reportSequence === sequences.reportSequence + 1) sequences.reportSequence = reportSequence
    const event = this.#columns
    if (error instanceof MalformedEvent || event.kind !== Kind.OrderAccepted) return
    if (event.orderSequence > sequences.orderSequence) sequences.orderSequence = event.orderSequence
  }

  #read(batch: EventBatch, index: number): void {
    this.#columns.read(batch.bytes, batch.starts[index]!, batch.starts[index + 1]!)
  }

  /** Writes the rows of the event that was read from this place of the batch; `flush` writes those that wait. */
  #writeRows(batch: EventBatch, index: number): void {
    this.#checkSequences()
    switch (this.#columns.kind) {
      case Kind.OrderAccepted:
        this.#insertAccepted()
        break
      case Kind.ExecutionReport:
        this.#insertReport()
        break
      default:
        this.#replaceSnapshot(batch.bytes, batch.starts[index]!, batch.starts[index + 1]!)
    }
  }

  /** An account's sequences only rise: what comes with one that was there is refused, as a key that is there would be. */
  #checkSequences(): void {
    const { account, kind, orderSequence, reportSequence } = this.#columns
    if (kind === Kind.InventorySnapshot) return
    const last = this.#sequencesOf(account)
    if (reportSequence <= last.reportSequence) {
      throw new MalformedEvent(`account ${account} has report ${last.reportSequence} already, now ${reportSequence}`)
    }
    if (kind === Kind.OrderAccepted && orderSequence <= last.orderSequence) {
      throw new MalformedEvent(`account ${account} has order ${last.orderSequence} already, now ${orderSequence}`)
    }
  }

  /** Remembers what the rows at the end of the batch depend on; after the event's own rows, which may be refused. */
  #noteEvent(): void {
    const event = this.#columns
    const { account, orderId, timestamp } = event
    if (event.kind === Kind.InventorySnapshot) return
    const sequences = this.#sequencesOf(account)
    if (event.kind === Kind.OrderAccepted) {
      this.#accepted.set(orderId, account)
      sequences.orderSequence = event.orderSequence
      if (timestamp >= sequences.orderTimestamp) sequences.orderTimestamp = timestamp
      else {
        const behind = sequences.orderTimestamp - timestamp
        if (behind > sequences.orderTimestampSlack) sequences.orderTimestampSlack = behind
      }
    } else if (isTerminal(event.status as OrderStatus) && !this.#accepted.delete(orderId)) {
      this.#statements.noLongerLive.run(orderId)
    }
    sequences.reportSequence = event.reportSequence
    if (timestamp >= sequences.reportTimestamp) sequences.reportTimestamp = timestamp
    else {
      const behind = sequences.reportTimestamp - timestamp
      if (behind > sequences.reportTimestampSlack) sequences.reportTimestampSlack = behind
    }
  }

  #insertAccepted(): void {
    const event = this.#columns
    const { account, orderId, quantity, timestamp } = event
    const { submissions } = this.#rows
    const { values, next } = submissions
    values[next] = account
    values[next + 1] = orderId
    values[next + 2] = event.submissionAccount
    values[next + 3] = event.symbol
    values[next + 4] = event.venue
    values[next + 5] = event.currency
    values[next + 6] = event.type
    values[next + 7] = event.side
    values[next + 8] = event.destination
    values[next + 9] = quantity
    values[next + 10] = event.price
    values[next + 11] = event.timeInForce
    values[next + 12] = event.expiry
    values[next + 13] = event.tags
    values[next + 14] = event.shortFlag
    values[next + 15] = timestamp
    values[next + 16] = event.orderSequence
    values[next + 17] = event.clOrdId
    values[next + 18] = event.holdPrice
    submissions.added()
    this.#insertPlainReport(account, orderId, 0, OrderStatus.PendingNew, quantity, timestamp, event.reportSequence)
  }

  #insertReport(): void {
    const event = this.#columns
    const { account, orderId, sequence, status, leavesQty, timestamp, reportSequence } = event
    const isFull = event.text !== '' || event.reason !== 0 || event.tags !== null || event.operator !== 0
    if (!isFull && isPlain(event)) {
      this.#insertPlainReport(account, orderId, sequence, status, leavesQty, timestamp, reportSequence)
    } else {
      const rows = isFull ? this.#rows.fullReports : this.#rows.fills
      const { values, next } = rows
      values[next] = account
      values[next + 1] = orderId
      values[next + 2] = sequence
      values[next + 3] = status
      values[next + 4] = leavesQty
      values[next + 5] = timestamp
      values[next + 6] = reportSequence
      values[next + 7] = event.lastQty
      values[next + 8] = event.lastPx
      values[next + 9] = event.cumQty
      values[next + 10] = event.liquidityFlag
      values[next + 11] = event.lastMarket
      values[next + 12] = event.executionFee
      values[next + 13] = event.processingFee
      values[next + 14] = event.commission
      if (isFull) {
        values[next + 15] = event.text
        values[next + 16] = event.reason
        values[next + 17] = event.params
        values[next + 18] = event.tags
        values[next + 19] = event.operator
      }
      rows.added()
    }
  }

  /** A report that says no more than where the order stands. */
  #insertPlainReport(
    account: number,
    orderId: number,
    sequence: number,
    status: number,
    leavesQty: number,
    timestamp: number,
    reportSequence: number,
  ): void {
    const { plainReports } = this.#rows
    const { values, next } = plainReports
    values[next] = account
    values[next + 1] = orderId
    values[next + 2] = sequence
    values[next + 3] = status
    values[next + 4] = leavesQty
    values[next + 5] = timestamp
    values[next + 6] = reportSequence
    plainReports.added()
  }

  #replaceSnapshot(bytes: Buffer, start: number, end: number): void {
    const event = decodeOrderEvent(bytes, start, end - start)
    if (event.kind !== Kind.InventorySnapshot) throw new MalformedEvent('not an inventory snapshot')
    const { account } = event
    const statements = this.#statements
    for (const clear of statements.clearSnapshot) clear.run(account)
    statements.snapshot.run(account, event.orderSequence, event.reportSequence, event.timestamp, event.currency)
    for (const entry of event.entries) {
      const { symbol, venue } = readTicker(entry.ticker, this.#definitions)
      statements.snapshotEntry.run(
        account,
        symbol,
        venue,
        entry.currency,
        entry.quantity,
        entry.costBasis,
        entry.gross,
        entry.fees,
        entry.volume,
        entry.transactions,
        entry.expenditure,
      )
    }
    for (const orderId of event.liveOrderIds) statements.snapshotLiveOrder.run(account, orderId)
  }

  #sequencesOf(account: number): AccountSequences {
    let sequences = this.#account
    if (sequences?.account !== account) {
      sequences = this.#accounts.get(account)
      if (sequences === undefined) {
        sequences = accountSequences(account, this.#statements.findSequences.get(account))
        this.#accounts.set(account, sequences)
      }
      this.#account = sequences
    }
    if (!sequences.isChanged) {
      sequences.isChanged = true
      this.#changed.push(sequences)
    }
    return sequences
  }

  #finishBatch(batch: EventBatch): void {
    for (const [orderId, account] of this.#accepted) {
      const { liveOrders } = this.#rows
      liveOrders.values[liveOrders.next] = orderId
      liveOrders.values[liveOrders.next + 1] = account
      liveOrders.added()
    }
    this.#rows.liveOrders.flush()
    this.#accepted.clear()
    for (const sequences of this.#changed) {
      this.#statements.sequences.run(
        sequences.account,
        sequences.orderSequence,
        sequences.reportSequence,
        sequences.orderTimestamp,
        sequences.orderTimestampSlack,
        sequences.reportTimestamp,
        sequences.reportTimestampSlack,
      )
      sequences.isChanged = false
    }
    this.#changed.length = 0
    this.#statements.position.run(batch.journal, batch.lastSequence)
    this.#database.exec('COMMIT')
  }

  #flushRows(): void {
    const rows = this.#rows
    rows.submissions.flush()
    rows.plainReports.flush()
    rows.fills.flush()
    rows.fullReports.flush()
  }

  #clearRows(): void {
    for (const rows of Object.values(this.#rows)) rows.clear()
  }

  /** Takes back what was written of a batch, and what was remembered of it. */
  #abandonBatch(): void {
    this.#clearRows()
    this.#accepted.clear()
    this.#account = undefined
    for (const { account } of this.#changed) this.#accounts.delete(account)
    this.#changed.length = 0
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

/** The tables that take rows by the thousand. Values are filled in above, in the order of these columns. */
function prepareRows(database: Database) {
  const plain = 'account, order_id, sequence, status, leaves_quantity, timestamp, query_sequence'
  const fill =
    `${plain}, last_quantity, last_price, cumulative_quantity, liquidity_flag, last_market, execution_fee, ` +
    'processing_fee, commission'
  return {
    submissions: new RowInsert(
      database,
      'submissions',
      'account, order_id, submission_account, symbol, venue, currency, type, side, destination, quantity, price, ' +
        'time_in_force, time_in_force_expiry, additional_fields, shorting_flag, timestamp, query_sequence, ' +
        'client_order_id, hold_price',
    ),
    plainReports: new RowInsert(database, 'execution_reports', plain),
    fills: new RowInsert(database, 'execution_reports', fill),
    fullReports: new RowInsert(
      database,
      'execution_reports',
      `${fill}, text, reason, params, additional_tags, operator`,
    ),
    liveOrders: new RowInsert(database, 'live_orders', 'order_id, account'),
  }
}

function prepareStatements(database: Database) {
  return {
    noLongerLive: database.prepare('DELETE FROM live_orders WHERE order_id = ?'),
    clearSnapshot: ['sequences', 'entries', 'excluded_orders'].map(table =>
      database.prepare(`DELETE FROM order_execution_inventory_${table} WHERE account = ?`),
    ),
    snapshot: database.prepare('INSERT INTO order_execution_inventory_sequences VALUES (?, ?, ?, ?, ?)'),
    snapshotEntry: database.prepare(
      'INSERT INTO order_execution_inventory_entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    snapshotLiveOrder: database.prepare('INSERT INTO order_execution_inventory_excluded_orders VALUES (?, ?)'),
    findSequences: database.prepare('SELECT * FROM account_sequences WHERE account = ?'),
    sequences: database.prepare('REPLACE INTO account_sequences VALUES (?, ?, ?, ?, ?, ?, ?)'),
    position: database.prepare('REPLACE INTO journal_positions VALUES (?, ?)'),
    setAside: database.prepare('INSERT INTO set_aside VALUES (?, ?, ?, ?)'),
  }
}

function accountSequences(account: number, row: ReturnType<Statement['get']>): AccountSequences {
  return {
    account,
    orderSequence: Number(row?.order_sequence ?? 0),
    reportSequence: Number(row?.report_sequence ?? 0),
    orderTimestamp: Number(row?.order_timestamp ?? 0),
    orderTimestampSlack: Number(row?.order_timestamp_slack ?? 0),
    reportTimestamp: Number(row?.report_timestamp ?? 0),
    reportTimestampSlack: Number(row?.report_timestamp_slack ?? 0),
    isChanged: false,
  }
}

/** True where a report without text, reason, tags and operator says nothing of an execution either. */
function isPlain(event: EventColumns): boolean {
  return (
    event.cumQty === 0 &&
    event.lastQty === 0 &&
    event.lastPx === 0 &&
    event.liquidityFlag === '' &&
    event.lastMarket === '' &&
    event.executionFee === 0 &&
    event.processingFee === 0 &&
    event.commission === 0
  )
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
    : new StoreUnavailable(message, { cause: error })
}
