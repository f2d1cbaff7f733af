// Orders as a program sees them: what it asks for, and what the server tells. Names and meaning are those of
// docs/protocol.md; amounts are ordinary numbers with at most six decimals, timestamps microseconds since the epoch, UTC.

import { MICROS } from '../domain/money.ts'
import { type OrderStatus, tellsOfReplace } from '../domain/order-status.ts'
import { OrderType } from '../domain/order-type.ts'
import { reasonText } from '../domain/reasons.ts'
import type { Side } from '../domain/side.ts'
import type { TagType } from '../domain/tags.ts'
import { TimeInForce } from '../domain/time-in-force.ts'
import { Kind } from '../protocol/kinds.ts'
import type { Value } from '../protocol/msgpack.ts'
import { type Amount, wireAmount } from './amount.ts'
import { Elements, malformed } from './elements.ts'

/** An additional field: key, type and value; quantities and money as ordinary numbers. */
export type Tag = readonly [key: number, type: TagType, value: string | number]

/** An order to submit. */
export interface NewOrder {
  /** Whose order it is; the session's own account where absent. */
  account?: number
  /** `SYMBOL.VENUE`, as in `ABX.TSX`. */
  ticker: string
  side: Side
  type: OrderType
  quantity: Amount
  /** Limit, trigger of a stop, cap of a pegged order; absent for market orders. */
  price?: Amount
  /** DAY where absent. */
  timeInForce?: TimeInForce
  /** The preferred destination of the ticker's venue where absent. */
  destination?: string
  /** ISO 4217 number; the currency of the ticker's venue where absent. */
  currency?: number
  /** Unique per account, 1 to 36 bytes; the SDK makes one where absent. */
  clOrdId?: string
  /** µs since the epoch; for good till date only. */
  expiry?: number
  tags?: readonly Tag[]
}

/** The fields of an order that its side, ticker and price do not say. */
export type NewOrderOptions = Omit<NewOrder, 'ticker' | 'side' | 'type' | 'quantity' | 'price'>

export function limitOrder(
  side: Side,
  ticker: string,
  quantity: Amount,
  price: Amount,
  options: NewOrderOptions = {},
): NewOrder {
  return { ...options, type: OrderType.Limit, side, ticker, quantity, price }
}

export function marketOrder(side: Side, ticker: string, quantity: Amount, options: NewOrderOptions = {}): NewOrder {
  return { ...options, type: OrderType.Market, side, ticker, quantity }
}

/** An order as the server understood it, with its place in the account's sequences. Stands for report 0, PENDING_NEW. */
export interface OrderAccepted {
  event: 'accepted'
  account: number
  /** Place among all reports of the account: from 1, without gaps. */
  reportSequence: number
  orderId: number
  /** Place among all orders of the account: from 1, without gaps. */
  orderSequence: number
  timestamp: number
  /** Account of the session that sent the order. */
  submissionAccount: number
  ticker: string
  currency: number
  type: OrderType
  side: Side
  destination: string
  quantity: number
  price: number
  timeInForce: TimeInForce
  /** µs since the epoch; 0 for none. */
  expiry: number
  /** Empty where the sender gave none. */
  clOrdId: string
  tags: Tag[]
  /** True for a sale of more than the account held and had not offered yet. */
  shortFlag: boolean
  /** Price at which buying power is held, in the account's currency. */
  holdPrice: number
}

/** One step in the life of an order. Quantities and fees are those of this step, except `cumQty` and `leavesQty`. */
export interface ExecutionReport {
  event: 'report'
  account: number
  reportSequence: number
  orderId: number
  /** Place among the reports of the order: from 1, without gaps; 0 is the acceptance. */
  sequence: number
  timestamp: number
  status: OrderStatus
  lastQty: number
  lastPx: number
  cumQty: number
  leavesQty: number
  liquidityFlag: string
  lastMarket: string
  executionFee: number
  processingFee: number
  commission: number
  /** Number of the reason of a rejection, a refused cancel, an unsolicited end; 0 for none. */
  reason: number
  params: unknown[]
  text: string
  tags: Tag[]
  /** Account of whoever made the report by hand, or asked for a mass cancel; 0 for none. */
  operator: number
  /** In reports that tell of a replace: what was asked for or, with REPLACED, what the order asks for now. */
  terms?: ReplaceTerms
}

/** Terms of a replace. */
export interface ReplaceTerms {
  /** Of the replace; empty where the sender gave none. */
  clOrdId: string
  /** Total, what was executed included. */
  quantity: number
  price: number
  shortFlag: boolean
  /** As of an OrderAccepted; 0 in a refused replace. */
  holdPrice: number
}

/** What happens to an order. */
export type OrderEvent = OrderAccepted | ExecutionReport

/** An order with its reports so far, in their sequence. */
export interface OrderRecord {
  accepted: OrderAccepted
  reports: ExecutionReport[]
}

/** New terms for a live order. */
export interface NewTerms {
  /** Total, what was executed included. */
  quantity: Amount
  /** Limit, trigger or cap; absent for market orders. */
  price?: Amount
  /** Of this replace, unique per account, 1 to 36 bytes; the SDK makes one where absent. */
  clOrdId?: string
  /** The id by which the order goes now; where given, the replace is refused if it goes by another one. */
  origClOrdId?: string
}

/** A report made by hand; for administrators. */
export interface OrderUpdate {
  status: OrderStatus
  lastQty?: Amount
  lastPx?: Amount
  text?: string
  lastMarket?: string
  liquidityFlag?: string
  executionFee?: Amount
  processingFee?: Amount
  commission?: Amount
  /** µs since the epoch; the server's time where absent. */
  timestamp?: number
  tags?: readonly Tag[]
}

/** Elements of a submit request. @throws OesError INVALID_ARGUMENT for amounts that cannot be sent. */
export function submitMessage(account: number, order: NewOrder): unknown[] {
  return [
    Kind.Submit,
    0,
    account,
    order.ticker,
    order.type,
    order.side,
    wireAmount(order.quantity, 'quantity'),
    wireAmount(order.price ?? 0, 'price'),
    order.timeInForce ?? TimeInForce.Day,
    order.destination ?? '',
    order.currency ?? 0,
    order.clOrdId ?? '',
    order.expiry ?? 0,
    order.tags ?? null,
  ]
}

/** Elements of a replace request. @throws OesError INVALID_ARGUMENT for amounts that cannot be sent. */
export function replaceMessage(account: number, orderId: number, terms: NewTerms): unknown[] {
  return [
    Kind.Replace,
    0,
    account,
    orderId,
    wireAmount(terms.quantity, 'quantity'),
    wireAmount(terms.price ?? 0, 'price'),
    terms.clOrdId ?? '',
    terms.origClOrdId ?? '',
  ]
}

/** Elements of an update request. @throws OesError INVALID_ARGUMENT for amounts that cannot be sent. */
export function updateMessage(account: number, orderId: number, update: OrderUpdate): unknown[] {
  return [
    Kind.Update,
    0,
    account,
    orderId,
    update.status,
    wireAmount(update.lastQty ?? 0, 'last quantity'),
    wireAmount(update.lastPx ?? 0, 'last price'),
    update.text ?? '',
    update.lastMarket ?? '',
    update.liquidityFlag ?? '',
    wireAmount(update.executionFee ?? 0, 'execution fee'),
    wireAmount(update.processingFee ?? 0, 'processing fee'),
    wireAmount(update.commission ?? 0, 'commission'),
    update.timestamp ?? 0,
    update.tags ?? null,
  ]
}

/** Reads an acceptance or a report. @throws OesError MALFORMED_ANSWER */
export function readOrderEvent(from: Elements): OrderEvent {
  const kind = from.integer(0)
  if (kind === Kind.OrderAccepted) return readAccepted(from)
  if (kind === Kind.ExecutionReport) return readReport(from)
  throw malformed(`kind ${kind} is no order event`)
}

/** Reads an order with its reports. @throws OesError MALFORMED_ANSWER */
export function readOrderRecord(from: Elements): OrderRecord {
  return {
    accepted: readAccepted(from.nested(3)),
    reports: from.list(4).map(report => readReport(Elements.of(report))),
  }
}

export function readAccepted(from: Elements): OrderAccepted {
  return {
    event: 'accepted',
    account: from.integer(2),
    reportSequence: from.integer(3),
    orderId: from.integer(4),
    orderSequence: from.integer(5),
    timestamp: from.integer(6),
    submissionAccount: from.integer(7),
    ticker: from.text(8),
    currency: from.integer(9),
    type: from.integer(10) as OrderType, // the server validated the ordinals of orders it accepted
    side: from.integer(11) as Side,
    destination: from.text(12),
    quantity: from.amount(13),
    price: from.amount(14),
    timeInForce: from.integer(15) as TimeInForce,
    expiry: from.integer(16),
    clOrdId: from.text(17),
    tags: readTags(from.list(18)),
    shortFlag: from.integer(19) === 1,
    holdPrice: from.amount(20),
  }
}

export function readReport(from: Elements): ExecutionReport {
  const reason = from.integer(17)
  const params = from.list(18)
  const status = from.integer(7) as OrderStatus // an ordinal, as above
  const terms = {
    clOrdId: from.text(22),
    quantity: from.amount(23),
    price: from.amount(24),
    shortFlag: from.integer(25) === 1,
    holdPrice: from.integer(26) / MICROS,
  }
  return {
    event: 'report',
    account: from.integer(2),
    reportSequence: from.integer(3),
    orderId: from.integer(4),
    sequence: from.integer(5),
    timestamp: from.integer(6),
    status,
    lastQty: from.amount(8),
    lastPx: from.amount(9),
    cumQty: from.amount(10),
    leavesQty: from.amount(11),
    liquidityFlag: from.text(12),
    lastMarket: from.text(13),
    executionFee: from.amount(14),
    processingFee: from.amount(15),
    commission: from.amount(16),
    reason,
    params,
    text: from.text(19) || reasonText(reason, params),
    tags: readTags(from.list(20)),
    operator: from.integer(21),
    ...(tellsOfReplace(status) && { terms }),
  }
}

function readTags(list: Value[]): Tag[] {
  return list.map(value => {
    const tag = Elements.of(value)
    return [tag.integer(0), tag.integer(1) as TagType, tag.scalar(2)] // a type not known here keeps its number
  })
}
