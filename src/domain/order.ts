// An order in its plain form, for everything that is not in a hurry: queries, stores, clients, tests. Shards keep the same
// facts in columns and as encoded bytes instead. Amounts are whole micros, instants integer microseconds since the
// epoch, UTC; empty text means none.

import type { CurrencyId } from './currencies.ts'
import type { Money, Price, Quantity } from './money.ts'
import { OrderStatus } from './order-status.ts'
import type { OrderType } from './order-type.ts'
import { Reason } from './reasons.ts'
import type { Side } from './side.ts'
import type { Tag } from './tags.ts'
import type { Ticker } from './tickers.ts'
import type { TimeInForce } from './time-in-force.ts'

/** What a client asks for. */
export interface OrderFields {
  /** Whose order it is. */
  readonly account: number
  readonly ticker: Ticker
  /** Currency of price and cost; CURRENCY_NONE asks for that of the ticker's venue. */
  readonly currency: CurrencyId
  readonly type: OrderType
  readonly side: Side
  /** Where to route; empty asks for the destination that the ticker's venue prefers. */
  readonly destination: string
  readonly quantity: Quantity
  /** Limit of a limit order, trigger of a stop order, cap of a pegged order where not zero; zero for market orders. */
  readonly price: Price
  readonly timeInForce: TimeInForce
  /** End of a good-till-date order; zero for all others. */
  readonly expiry: number
  /** The client's own id, 1 … 36 bytes, unique among the remembered orders of the account; empty where it gave none. */
  readonly clOrdId: string
  readonly tags: readonly Tag[]
}

/** What the server makes of it: the fields with their defaults filled in, an id and a place in the account's history. */
export interface OrderInfo {
  readonly fields: OrderFields
  /** Account of the session that sent it: a manager or administrator may send for somebody else. */
  readonly submissionAccount: number
  /** Unique over the installation. */
  readonly orderId: number
  /** Place among the orders of the account, from 1, without gaps. */
  readonly orderSequence: number
  /** When the order was accepted for processing. */
  readonly timestamp: number
  /** Whether this ask sells more than the account holds, its other open asks in the ticker included. */
  readonly shortFlag: boolean
}

/** One event in the life of an order. Quantities are those of this event alone. */
export interface ExecutionReport {
  readonly orderId: number
  /** Place among the reports of the order, from 0, without gaps. */
  readonly sequence: number
  readonly timestamp: number
  readonly status: OrderStatus
  /** Quantity executed by this event, zero if none. */
  readonly lastQty: Quantity
  /** Price of that execution, in the currency of the order. */
  readonly lastPx: Price
  readonly liquidityFlag: string
  /** Where it traded. */
  readonly lastMarket: string
  /** Three fees in the currency of the order, negative where they are rebates. */
  readonly executionFee: Money
  readonly processingFee: Money
  readonly commission: Money
  /** Why the server refused, or `Reason.None`; `params` go into the reason's text. */
  readonly reason: Reason
  readonly params: readonly (string | number)[]
  /** Words from outside: a venue's or an operator's. */
  readonly text: string
  readonly tags: readonly Tag[]
  /** Account of the administrator who entered this report by hand, zero if nobody did. */
  readonly operator: number
}

/** An order with its reports in the order of their sequences. */
export interface OrderRecord {
  readonly info: OrderInfo
  readonly reports: readonly ExecutionReport[]
}

/** What a report costs: the sum of its three fees. */
export function feeTotal(report: ExecutionReport): Money {
  return report.executionFee + report.processingFee + report.commission
}

/** Quantity executed so far. */
export function cumQty(reports: readonly ExecutionReport[]): Quantity {
  return reports.reduce((total, report) => total + report.lastQty, 0)
}

const emptyReport = {
  lastQty: 0,
  lastPx: 0,
  liquidityFlag: '',
  lastMarket: '',
  executionFee: 0,
  processingFee: 0,
  commission: 0,
  reason: Reason.None,
  params: [],
  text: '',
  tags: [],
  operator: 0,
} as const

/** The report that stands for the acceptance of an order: pending new, sequence 0, the order's own timestamp. */
export function firstReport({ orderId, timestamp }: OrderInfo): ExecutionReport {
  return { ...emptyReport, orderId, sequence: 0, timestamp, status: OrderStatus.PendingNew }
}

/** The report that follows `previous`: its order, the next sequence, `changes`, and nothing else taken over. */
export function nextReport(
  previous: ExecutionReport,
  changes: Pick<ExecutionReport, 'status' | 'timestamp'> & Partial<ExecutionReport>,
): ExecutionReport {
  return { ...emptyReport, ...changes, orderId: previous.orderId, sequence: previous.sequence + 1 }
}
