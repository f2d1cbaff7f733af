// The rows that stores take by the thousand: which columns they have, in which order, of which kind, and which values an
// event gives them. Columns that most reports leave empty have defaults in the tables, so there are four shapes of one
// report's row: what is not written costs nothing.

import type { Definitions } from '../domain/definitions.ts'
import { OrderStatus, tellsOfReplace } from '../domain/order-status.ts'
import { readTicker } from '../domain/tickers.ts'
import type { SnapshotEvent } from '../protocol/order-events.ts'
import type { AccountSequences } from './account-sequences.ts'
import type { EventColumns } from './event-columns.ts'

/** What a value of a column is. */
export const ColumnKind = {
  /** A whole number: an id, a sequence, an ordinal. */
  Integer: 0,
  /** Whole micros. */
  Amount: 1,
  /** µs since the epoch. */
  Time: 2,
  /** A text, or null. */
  Text: 3,
  /** Bytes, or null. */
  Bytes: 4,
} as const
export type ColumnKind = (typeof ColumnKind)[keyof typeof ColumnKind]

export interface Column {
  readonly name: string
  readonly kind: ColumnKind
}

export type ColumnValue = number | string | Uint8Array | null

export interface RowShape {
  readonly table: string
  readonly columns: readonly Column[]
}

const { Integer, Amount, Time, Text, Bytes } = ColumnKind

function columns(kinds: Readonly<Record<string, ColumnKind>>): Column[] {
  return Object.entries(kinds).map(([name, kind]) => ({ name, kind }))
}

const plainReport = {
  account: Integer,
  order_id: Integer,
  sequence: Integer,
  status: Integer,
  leaves_quantity: Amount,
  timestamp: Time,
  query_sequence: Integer,
}
const fill = {
  ...plainReport,
  last_quantity: Amount,
  last_price: Amount,
  cumulative_quantity: Amount,
  liquidity_flag: Text,
  last_market: Text,
  execution_fee: Amount,
  processing_fee: Amount,
  commission: Amount,
}

export const rowShapes = {
  submission: {
    table: 'submissions',
    columns: columns({
      account: Integer,
      order_id: Integer,
      submission_account: Integer,
      symbol: Text,
      venue: Text,
      currency: Integer,
      type: Integer,
      side: Integer,
      destination: Text,
      quantity: Amount,
      price: Amount,
      time_in_force: Integer,
      time_in_force_expiry: Time,
      additional_fields: Bytes,
      shorting_flag: Integer,
      timestamp: Time,
      query_sequence: Integer,
      client_order_id: Text,
      hold_price: Amount,
    }),
  },
  /** A report that says no more than where the order stands. */
  plainReport: { table: 'execution_reports', columns: columns(plainReport) },
  fill: { table: 'execution_reports', columns: columns(fill) },
  fullReport: {
    table: 'execution_reports',
    columns: columns({
      ...fill,
      text: Text,
      reason: Integer,
      params: Text,
      additional_tags: Bytes,
      operator: Integer,
    }),
  },
  /** A report that tells of a replace. */
  replaceReport: {
    table: 'execution_reports',
    columns: columns({
      ...fill,
      text: Text,
      reason: Integer,
      params: Text,
      additional_tags: Bytes,
      operator: Integer,
      client_order_id: Text,
      quantity: Amount,
      price: Amount,
      shorting_flag: Integer,
      hold_price: Amount,
    }),
  },
  /** Beside the report that tells the client order id of a replace first. */
  replaceClOrdId: { table: 'replace_client_order_ids', columns: columns({ order_id: Integer, sequence: Integer }) },
  liveOrder: { table: 'live_orders', columns: columns({ order_id: Integer, account: Integer }) },
  accountSequences: {
    table: 'account_sequences',
    columns: columns({
      account: Integer,
      order_sequence: Integer,
      report_sequence: Integer,
      order_timestamp: Time,
      order_timestamp_slack: Integer,
      report_timestamp: Time,
      report_timestamp_slack: Integer,
    }),
  },
  inventorySequence: {
    table: 'order_execution_inventory_sequences',
    columns: columns({
      account: Integer,
      sequence: Integer,
      report_sequence: Integer,
      timestamp: Time,
      currency: Integer,
    }),
  },
  inventoryEntry: {
    table: 'order_execution_inventory_entries',
    columns: columns({
      account: Integer,
      symbol: Text,
      venue: Text,
      currency: Integer,
      quantity: Amount,
      cost_basis: Amount,
      gross_profit_and_loss: Amount,
      fees: Amount,
      volume: Amount,
      transaction_count: Integer,
      expenditure: Amount,
    }),
  },
  inventoryExcludedOrder: {
    table: 'order_execution_inventory_excluded_orders',
    columns: columns({ account: Integer, id: Integer }),
  },
  setAside: {
    table: 'set_aside',
    columns: columns({ journal: Text, sequence: Integer, reason: Text, bytes: Bytes }),
  },
} satisfies Readonly<Record<string, RowShape>>

/** Somewhere rows of one shape are put: the values of one row from `next` on, then `added`. */
export interface RowTarget {
  readonly values: ColumnValue[]
  next: number
  added(): void
}

export interface ReportTargets {
  readonly plainReports: RowTarget
  readonly fills: RowTarget
  readonly fullReports: RowTarget
  readonly replaceReports: RowTarget
  readonly replaceClOrdIds: RowTarget
}

/** The rows of an OrderAccepted: the submission, and report 0. */
export function putAccepted(event: EventColumns, submissions: RowTarget, { plainReports }: ReportTargets): void {
  const { account, orderId, quantity, timestamp } = event
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
  putPlainReport(plainReports, account, orderId, 0, OrderStatus.PendingNew, quantity, timestamp, event.reportSequence)
}

/** The row of an ExecutionReport, in the smallest shape that has room for it. */
export function putReport(event: EventColumns, targets: ReportTargets): void {
  const { account, orderId, sequence, status, leavesQty, timestamp, reportSequence } = event
  const isReplace = tellsOfReplace(status as OrderStatus)
  const isFull = isReplace || event.text !== '' || event.reason !== 0 || event.tags !== null || event.operator !== 0
  if (!isFull && isPlain(event)) {
    putPlainReport(targets.plainReports, account, orderId, sequence, status, leavesQty, timestamp, reportSequence)
    return
  }
  const rows = isReplace ? targets.replaceReports : isFull ? targets.fullReports : targets.fills
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
  if (isReplace) {
    values[next + 20] = event.replaceClOrdId
    values[next + 21] = event.replaceQuantity
    values[next + 22] = event.replacePrice
    values[next + 23] = event.replaceShortFlag
    values[next + 24] = event.replaceHoldPrice
    // That it was replaced repeats what was asked for.
    if (event.replaceClOrdId !== '' && status !== OrderStatus.Replaced) {
      putRow(targets.replaceClOrdIds, [orderId, sequence])
    }
  }
  rows.added()
}

function putPlainReport(
  plainReports: RowTarget,
  account: number,
  orderId: number,
  sequence: number,
  status: number,
  leavesQty: number,
  timestamp: number,
  reportSequence: number,
): void {
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

/** The targets of the rows of one inventory snapshot. */
export interface InventoryTargets {
  readonly inventorySequences: RowTarget
  readonly inventoryEntries: RowTarget
  readonly inventoryExcludedOrders: RowTarget
}

/** The rows of an inventory snapshot, which replace those of its account. */
export function putSnapshot(event: SnapshotEvent, definitions: Definitions, targets: InventoryTargets): void {
  const { account } = event
  putRow(targets.inventorySequences, [
    account,
    event.orderSequence,
    event.reportSequence,
    event.timestamp,
    event.currency,
  ])
  for (const entry of event.entries) {
    const { symbol, venue } = readTicker(entry.ticker, definitions)
    putRow(targets.inventoryEntries, [
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
    ])
  }
  for (const orderId of event.liveOrderIds) putRow(targets.inventoryExcludedOrders, [account, orderId])
}

export function putRow(target: RowTarget, row: readonly ColumnValue[]): void {
  const { values, next } = target
  for (let i = 0; i < row.length; i++) values[next + i] = row[i]!
  target.added()
}

/** The row of an account's sequences. */
export function sequenceValues(sequences: AccountSequences): ColumnValue[] {
  return [
    sequences.account,
    sequences.orderSequence,
    sequences.reportSequence,
    sequences.orderTimestamp,
    sequences.orderTimestampSlack,
    sequences.reportTimestamp,
    sequences.reportTimestampSlack,
  ]
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
