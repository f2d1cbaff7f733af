// Rows back into events. An event made from its rows has the very bytes the shard encoded, so a client cannot tell
// whether its answer came from a store or from a journal.

import type { Definitions } from '../domain/definitions.ts'
import { type OrderStatus, tellsOfReplace } from '../domain/order-status.ts'
import type { OrderType } from '../domain/order-type.ts'
import type { Side } from '../domain/side.ts'
import { formatTicker } from '../domain/tickers.ts'
import type { TimeInForce } from '../domain/time-in-force.ts'
import type { MessageWriter } from '../protocol/message-writer.ts'
import {
  type AcceptedFields,
  type BytesRange,
  encodeAccepted,
  encodeReport,
  type ReplaceTerms,
  type ReportFields,
} from '../protocol/order-events.ts'
import type { Dialect, Row } from './readable-store.ts'

const submissionColumns = [
  'account',
  'order_id',
  'query_sequence',
  'timestamp',
  'submission_account',
  'symbol',
  'venue',
  'currency',
  'type',
  'side',
  'destination',
  'quantity',
  'price',
  'time_in_force',
  'time_in_force_expiry',
  'client_order_id',
  'additional_fields',
  'shorting_flag',
  'hold_price',
]
const reportColumns = [
  'account',
  'query_sequence',
  'order_id',
  'sequence',
  'timestamp',
  'status',
  'last_quantity',
  'last_price',
  'cumulative_quantity',
  'leaves_quantity',
  'liquidity_flag',
  'last_market',
  'execution_fee',
  'processing_fee',
  'commission',
  'reason',
  'params',
  'text',
  'additional_tags',
  'operator',
  'client_order_id',
  'quantity',
  'price',
  'shorting_flag',
  'hold_price',
]

const amounts = new Set([
  'quantity',
  'price',
  'hold_price',
  'last_quantity',
  'last_price',
  'cumulative_quantity',
  'leaves_quantity',
  'execution_fee',
  'processing_fee',
  'commission',
])
const times = new Set(['timestamp', 'time_in_force_expiry'])

export const SUBMISSION_COLUMN_COUNT = submissionColumns.length
export const REPORT_COLUMN_COUNT = reportColumns.length

/** Columns of `submissions s`, in the order of `SubmissionColumn`. */
export function submissionsOf(dialect: Dialect): string {
  return submissionColumns.map(column => columnOf(dialect, 's', column)).join(', ')
}

/** Columns of `execution_reports r`, in the order of `ReportColumn`. */
export function reportsOf(dialect: Dialect): string {
  return reportColumns.map(column => columnOf(dialect, 'r', column)).join(', ')
}

function columnOf(dialect: Dialect, table: string, column: string): string {
  const name = `${table}.${column}`
  if (amounts.has(column)) return dialect.amount(name)
  return times.has(column) ? dialect.time(name) : name
}

/** Places of columns in rows that begin with those of a submission. */
export const SubmissionColumn = {
  account: 0,
  orderId: 1,
  orderSequence: 2,
  timestamp: 3,
  symbol: 5,
  venue: 6,
  shortFlag: 17,
} as const
/** Places of columns in rows that begin with those of a report. */
export const ReportColumn = { account: 0, reportSequence: 1, orderId: 2, sequence: 3, timestamp: 4, status: 5 } as const

const NOTHING: BytesRange = { bytes: new Uint8Array(0), start: 0, end: 0 }

/** Turns rows into events; one object is used for all of them. */
export class EventRows {
  readonly #definitions: Definitions
  readonly accepted: AcceptedFields = {
    requestId: 0,
    account: 0,
    reportSequence: 0,
    orderId: 0,
    orderSequence: 0,
    timestamp: 0,
    submissionAccount: 0,
    ticker: '',
    currency: 0,
    type: 0,
    side: 0,
    destination: '',
    quantity: 0,
    price: 0,
    timeInForce: 0,
    expiry: 0,
    clOrdId: NOTHING,
    tags: NOTHING,
    shortFlag: false,
    holdPrice: 0,
  }
  readonly report: ReportFields = {
    account: 0,
    reportSequence: 0,
    orderId: 0,
    sequence: 0,
    timestamp: 0,
    status: 0,
    lastQty: 0,
    lastPx: 0,
    cumQty: 0,
    leavesQty: 0,
    liquidityFlag: '',
    lastMarket: '',
    executionFee: 0,
    processingFee: 0,
    commission: 0,
    reason: 0,
    params: [],
    text: '',
    tags: NOTHING,
    operator: 0,
    terms: undefined,
  }
  readonly #terms: ReplaceTerms = { clOrdId: NOTHING, quantity: 0, price: 0, shortFlag: false, holdPrice: 0 }

  constructor(definitions: Definitions) {
    this.#definitions = definitions
  }

  /** Reads the submission columns that begin at `at` of `row`; the sequence of report 0 is in the reports table. */
  readAccepted(row: Row, at: number, reportSequence: number): AcceptedFields {
    const { accepted } = this
    accepted.reportSequence = reportSequence
    accepted.account = row[at] as number
    accepted.orderId = row[at + 1] as number
    accepted.orderSequence = row[at + 2] as number
    accepted.timestamp = row[at + 3] as number
    accepted.submissionAccount = row[at + 4] as number
    accepted.ticker = formatTicker({ symbol: row[at + 5] as string, venue: row[at + 6] as string }, this.#definitions)
    accepted.currency = row[at + 7] as number
    accepted.type = row[at + 8] as OrderType
    accepted.side = row[at + 9] as Side
    accepted.destination = row[at + 10] as string
    accepted.quantity = row[at + 11] as number
    accepted.price = row[at + 12] as number
    accepted.timeInForce = row[at + 13] as TimeInForce
    accepted.expiry = (row[at + 14] ?? 0) as number
    const clOrdId = row[at + 15] as string | null
    accepted.clOrdId = clOrdId === null ? NOTHING : whole(Buffer.from(clOrdId))
    accepted.tags = tagsOf(row[at + 16] as Uint8Array | null)
    accepted.shortFlag = row[at + 17] === 1
    accepted.holdPrice = row[at + 18] as number
    return accepted
  }

  /** Reads the report columns that begin at `at` of `row`. */
  readReport(row: Row, at: number): ReportFields {
    const { report } = this
    report.account = row[at] as number
    report.reportSequence = row[at + 1] as number
    report.orderId = row[at + 2] as number
    report.sequence = row[at + 3] as number
    report.timestamp = row[at + 4] as number
    report.status = row[at + 5] as OrderStatus
    report.lastQty = row[at + 6] as number
    report.lastPx = row[at + 7] as number
    report.cumQty = row[at + 8] as number
    report.leavesQty = row[at + 9] as number
    report.liquidityFlag = row[at + 10] as string
    report.lastMarket = row[at + 11] as string
    report.executionFee = row[at + 12] as number
    report.processingFee = row[at + 13] as number
    report.commission = row[at + 14] as number
    report.reason = row[at + 15] as number
    const params = row[at + 16] as string
    report.params = params === '' ? [] : (JSON.parse(params) as (string | number)[]) // written by this server
    report.text = row[at + 17] as string
    report.tags = tagsOf(row[at + 18] as Uint8Array | null)
    report.operator = row[at + 19] as number
    report.terms = tellsOfReplace(report.status) ? this.#readTerms(row, at + 20) : undefined
    return report
  }

  #readTerms(row: Row, at: number): ReplaceTerms {
    const terms = this.#terms
    const clOrdId = row[at] as string
    terms.clOrdId = clOrdId === '' ? NOTHING : whole(Buffer.from(clOrdId))
    terms.quantity = row[at + 1] as number
    terms.price = row[at + 2] as number
    terms.shortFlag = row[at + 3] === 1
    terms.holdPrice = row[at + 4] as number
    return terms
  }

  /** Writes the frame of an OrderAccepted. */
  encodeAccepted(to: MessageWriter, row: Row, at: number, reportSequence: number): void {
    encodeAccepted(to, this.readAccepted(row, at, reportSequence))
  }

  /** Writes the frame of an ExecutionReport. */
  encodeReport(to: MessageWriter, row: Row, at: number): void {
    encodeReport(to, this.readReport(row, at))
  }
}

function tagsOf(bytes: Uint8Array | null): BytesRange {
  return bytes === null ? NOTHING : whole(bytes)
}

function whole(bytes: Uint8Array): BytesRange {
  return { bytes, start: 0, end: bytes.length }
}
