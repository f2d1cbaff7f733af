// What the shards are loaded with at a start, once the writer has brought the store to the end of the journals: for each
// account where its sequences stand, its positions, and its live orders. Positions are a snapshot and the fills behind
// it, in the order in which they happened; nothing else of finished orders is read.
//
//   accounts → positions of the snapshots → fills behind them → live orders → client order ids, oldest first
//
// Each part is complete for all accounts before the next begins, and within a part accounts come one after the other.

import { type Database, openDatabaseToRead } from '../base/sqlite.ts'
import type { Definitions } from '../domain/definitions.ts'
import type { Money, Price, Quantity } from '../domain/money.ts'
import { OrderStatus, statusAfter } from '../domain/order-status.ts'
import type { Side } from '../domain/side.ts'
import { formatTicker } from '../domain/tickers.ts'
import type { AcceptedFields, SnapshotEntry } from '../protocol/order-events.ts'
import {
  EventRows,
  getRow,
  iterateRows,
  prepareRows,
  type Row,
  SUBMISSION_COLUMNS,
  SubmissionColumn,
} from './event-rows.ts'

export interface RecoveryOptions {
  readonly storeFile: string
  readonly definitions: Definitions
  /** How many client order ids to remember, the most recent ones of all accounts together. */
  readonly clOrdIdsMax: number
  /**
   * For accounts without snapshot: only orders accepted from then on, and live ones, count for their positions; µs since
   * the epoch, UTC. Absent: all orders count.
   */
  readonly sessionStart?: number | undefined
}

/** Where the numbering goes on over all accounts; 0 where nothing is stored. */
export interface RecoveredMarks {
  readonly lastOrderId: number
  /** µs since the epoch, UTC. */
  readonly lastTimestamp: number
}

/** An account that has a history. */
export interface RecoveredAccount {
  readonly part: 'account'
  account: number
  /** Sequences of its last order and its last report, 0 for none. */
  orderSequence: number
  reportSequence: number
  /** Every fill up to this report is in the positions that follow; undefined without an exact snapshot. */
  snapshotReportSequence: number | undefined
  /** Currency in which the snapshot counts expenditure; 0 without snapshot. */
  snapshotCurrency: number
}

/** One ticker of an account's snapshot. */
export interface RecoveredPosition extends SnapshotEntry {
  readonly part: 'position'
  account: number
}

/** An execution that the snapshot does not hold, of a finished order or of a live one. */
export interface RecoveredFill {
  readonly part: 'fill'
  account: number
  reportSequence: number
  orderId: number
  timestamp: number
  ticker: string
  /** Currency of the order. */
  currency: number
  side: Side
  lastQty: Quantity
  lastPx: Price
  executionFee: Money
  processingFee: Money
  commission: Money
}

/** A live order as it stands, its fills included. */
export interface RecoveredOrder {
  readonly part: 'order'
  accepted: AcceptedFields
  status: OrderStatus
  cumQty: Quantity
  /** The sequence its next report gets. */
  reportCount: number
  /** Time of its last report. */
  timestamp: number
}

/** An order whose client order id is remembered, live or not. */
export interface RecoveredClOrdId {
  readonly part: 'clOrdId'
  /** Without its report sequence. */
  accepted: AcceptedFields
}

/** Each is one object that is filled in again and again: it is good until the next is taken. */
export type Recovered = RecoveredAccount | RecoveredPosition | RecoveredFill | RecoveredOrder | RecoveredClOrdId

export class Recovery {
  readonly #database: Database
  readonly #options: RecoveryOptions
  readonly #rows: EventRows

  constructor(options: RecoveryOptions) {
    this.#database = openDatabaseToRead(options.storeFile)
    this.#database.exec(`PRAGMA cache_size = -${CACHE_BYTES >> 10}; PRAGMA mmap_size = ${MAP_BYTES_MAX}`)
    this.#options = options
    this.#rows = new EventRows(options.definitions)
  }

  marks(): RecoveredMarks {
    const row = getRow(
      prepareRows(
        this.#database,
        'SELECT (SELECT max(order_id) FROM submissions), ' +
          '(SELECT max(max(order_timestamp), max(report_timestamp)) FROM account_sequences)',
      ),
    )
    return { lastOrderId: (row?.[0] ?? 0) as number, lastTimestamp: (row?.[1] ?? 0) as number }
  }

  /** Everything, in the order told above, from one state of the store. */
  *read(): Generator<Recovered, void> {
    this.#database.exec('BEGIN')
    try {
      yield* this.#accounts()
      yield* this.#positions()
      yield* this.#fills()
      yield* this.#orders()
      yield* this.#clOrdIds()
    } finally {
      this.#database.exec('COMMIT')
    }
  }

  close(): void {
    this.#database.close()
  }

  *#accounts(): Generator<RecoveredAccount> {
    const item: RecoveredAccount = {
      part: 'account',
      account: 0,
      orderSequence: 0,
      reportSequence: 0,
      snapshotReportSequence: undefined,
      snapshotCurrency: 0,
    }
    for (const row of this.#accountRows()) {
      item.account = row[0] as number
      item.orderSequence = row[1] as number
      item.reportSequence = row[2] as number
      item.snapshotReportSequence = (row[4] as number | null) ?? undefined
      item.snapshotCurrency = (row[5] ?? 0) as number
      yield item
    }
  }

  /** Account, its last order and report sequence; of its snapshot order and report sequence and currency, or null. */
  #accountRows(): Iterable<Row> {
    return iterateRows(
      prepareRows(
        this.#database,
        'SELECT a.account, a.order_sequence, a.report_sequence, i.sequence, i.report_sequence, i.currency ' +
          'FROM account_sequences a LEFT JOIN order_execution_inventory_sequences i ON i.account = a.account ' +
          'ORDER BY a.account',
      ),
    )
  }

  *#positions(): Generator<RecoveredPosition> {
    const item: RecoveredPosition = {
      part: 'position',
      account: 0,
      ticker: '',
      currency: 0,
      quantity: 0,
      costBasis: 0,
      gross: 0,
      fees: 0,
      volume: 0,
      transactions: 0,
      expenditure: 0,
    }
    const statement = prepareRows(
      this.#database,
      'SELECT account, symbol, venue, currency, quantity, cost_basis, gross_profit_and_loss, fees, volume, ' +
        'transaction_count, expenditure FROM order_execution_inventory_entries ORDER BY account, symbol, venue, currency',
    )
    for (const row of iterateRows(statement)) {
      item.account = row[0] as number
      item.ticker = this.#ticker(row, 1)
      item.currency = row[3] as number
      item.quantity = row[4] as number
      item.costBasis = row[5] as number
      item.gross = row[6] as number
      item.fees = row[7] as number
      item.volume = row[8] as number
      item.transactions = row[9] as number
      item.expenditure = row[10] as number
      yield item
    }
  }

  *#fills(): Generator<RecoveredFill> {
    const item: RecoveredFill = {
      part: 'fill',
      account: 0,
      reportSequence: 0,
      orderId: 0,
      timestamp: 0,
      ticker: '',
      currency: 0,
      side: 0,
      lastQty: 0,
      lastPx: 0,
      executionFee: 0,
      processingFee: 0,
      commission: 0,
    }
    // The index alone tells the fills among the reports; only those are then read whole.
    const select = (condition: string) =>
      prepareRows(
        this.#database,
        'SELECT r.query_sequence, r.order_id, r.timestamp, s.symbol, s.venue, s.currency, s.side, r.last_quantity, ' +
          'r.last_price, r.execution_fee, r.processing_fee, r.commission FROM execution_reports i ' +
          'CROSS JOIN execution_reports r ON r.order_id = i.order_id AND r.sequence = i.sequence ' +
          'CROSS JOIN submissions s ON s.order_id = r.order_id ' +
          `WHERE i.account = ? AND i.query_sequence > ? AND i.last_quantity <> 0 AND ${condition} ` +
          'ORDER BY i.query_sequence',
      )
    const afterReport = select('1')
    // A snapshot of other tools lacks its excluded orders whole, and those behind its order sequence.
    const afterOrder = select(
      '(s.query_sequence > ? OR s.order_id IN ' +
        '(SELECT id FROM order_execution_inventory_excluded_orders e WHERE e.account = s.account))',
    )
    const sinceTime = select('(s.timestamp >= ? OR s.order_id IN (SELECT order_id FROM live_orders))')
    const { sessionStart } = this.#options
    for (const [account, , reportSequence, snapshotOrder, snapshotReport] of [...this.#accountRows()]) {
      if (snapshotReport === reportSequence) continue
      let rows: Iterable<Row>
      if (snapshotReport !== null) rows = iterateRows(afterReport, account!, snapshotReport!)
      else if (snapshotOrder !== null) rows = iterateRows(afterOrder, account!, 0, snapshotOrder!)
      else if (sessionStart !== undefined) rows = iterateRows(sinceTime, account!, 0, sessionStart)
      else rows = iterateRows(afterReport, account!, 0)
      item.account = account as number
      for (const row of rows) {
        item.reportSequence = row[0] as number
        item.orderId = row[1] as number
        item.timestamp = row[2] as number
        item.ticker = this.#ticker(row, 3)
        item.currency = row[5] as number
        item.side = row[6] as Side
        item.lastQty = row[7] as number
        item.lastPx = row[8] as number
        item.executionFee = row[9] as number
        item.processingFee = row[10] as number
        item.commission = row[11] as number
        yield item
      }
    }
  }

  *#orders(): Generator<RecoveredOrder> {
    const orders = prepareRows(
      this.#database,
      `SELECT ${SUBMISSION_COLUMNS} FROM live_orders l CROSS JOIN submissions s ON s.order_id = l.order_id ` +
        'ORDER BY l.account, l.order_id',
    )
    const reports = prepareRows(
      this.#database,
      'SELECT status, cumulative_quantity, sequence, timestamp, query_sequence FROM execution_reports ' +
        'WHERE order_id = ? ORDER BY sequence',
    )
    const { accepted } = this.#rows
    const item: RecoveredOrder = {
      part: 'order',
      accepted,
      status: OrderStatus.PendingNew,
      cumQty: 0,
      reportCount: 0,
      timestamp: 0,
    }
    for (const row of iterateRows(orders)) {
      item.status = OrderStatus.PendingNew
      let acceptedReportSequence = 0
      for (const report of iterateRows(reports, row[SubmissionColumn.orderId]!)) {
        item.status = statusAfter(item.status, report[0] as OrderStatus)
        item.cumQty = report[1] as number
        item.reportCount = (report[2] as number) + 1
        item.timestamp = report[3] as number
        if (report[2] === 0) acceptedReportSequence = report[4] as number
      }
      this.#rows.readAccepted(row, 0, acceptedReportSequence)
      yield item
    }
  }

  *#clOrdIds(): Generator<RecoveredClOrdId> {
    const { clOrdIdsMax } = this.#options
    if (clOrdIdsMax === 0) return
    const oldest = getRow(
      prepareRows(
        this.#database,
        'SELECT order_id FROM submissions WHERE client_order_id IS NOT NULL ORDER BY order_id DESC LIMIT 1 OFFSET ?',
      ),
      clOrdIdsMax - 1,
    )
    const statement = prepareRows(
      this.#database,
      `SELECT ${SUBMISSION_COLUMNS} FROM submissions s ` +
        'WHERE s.client_order_id IS NOT NULL AND s.order_id >= ? ORDER BY s.order_id',
    )
    const item: RecoveredClOrdId = { part: 'clOrdId', accepted: this.#rows.accepted }
    for (const row of iterateRows(statement, oldest?.[0] ?? 0)) {
      this.#rows.readAccepted(row, 0, 0)
      yield item
    }
  }

  #ticker(row: Row, at: number): string {
    return formatTicker({ symbol: row[at] as string, venue: row[at + 1] as string }, this.#options.definitions)
  }
}

// Recovery runs once, over much of the file, while nobody else needs the memory.
const CACHE_BYTES = 256 << 20
const MAP_BYTES_MAX = 2 ** 33
