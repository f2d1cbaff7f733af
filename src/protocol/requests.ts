// Requests on the road of an order, decoded in place into scratch objects that the shard reuses. Decoding judges only
// whether a message can be understood: wrong types, numbers that are no amounts, texts that are too long. Whether what
// it asks for makes sense is the order desk's business, since that becomes a rejected order with its own history.

import type { Money, Price, Quantity } from '../domain/money.ts'
import { microsOfNumber } from '../domain/money.ts'
import { Reason } from '../domain/reasons.ts'
import type { MessageReader } from './message-reader.ts'
import type { BytesRange } from './order-events.ts'

/** Longest client order id, in bytes of UTF-8. */
export const CL_ORD_ID_BYTES_MAX = 36
/** Longest ticker text, in bytes. */
export const TICKER_BYTES_MAX = 32
/** Longest destination id, in bytes. */
export const DESTINATION_BYTES_MAX = 16
/** Longest remark of an administrator, in bytes. */
export const TEXT_BYTES_MAX = 1024
/** Longest encoded list of additional fields, in bytes. */
export const TAGS_BYTES_MAX = 4096

const emptyRange = (): BytesRange => ({ bytes: new Uint8Array(0), start: 0, end: 0 })

/** A decoded Submit. Texts are ranges inside the command. */
export interface SubmitRequest {
  ticker: BytesRange
  type: number
  side: number
  quantity: Quantity
  price: Price
  timeInForce: number
  destination: BytesRange
  currency: number
  clOrdId: BytesRange
  expiry: number
  tags: BytesRange
}

export function submitRequest(): SubmitRequest {
  return {
    ticker: emptyRange(),
    type: 0,
    side: 0,
    quantity: 0,
    price: 0,
    timeInForce: 0,
    destination: emptyRange(),
    currency: 0,
    clOrdId: emptyRange(),
    expiry: 0,
    tags: emptyRange(),
  }
}

/** Explains a refusal of a decoder: which element, counted from 0, or which limit. */
export const decodeRefusal: { param: number } = { param: 0 }

/**
 * Reads what follows `[kind, requestId, account` of a Submit. `reader` stands behind the account; `elements` counts the
 * whole message.
 * @returns Reason.None, or why the message cannot be understood, with `decodeRefusal.param`.
 */
export function decodeSubmit(reader: MessageReader, elements: number, into: SubmitRequest): Reason {
  if (elements < 9 || elements > 14) return malformed(elements)
  if (reader.text() > TICKER_BYTES_MAX) return malformed(3)
  take(reader, into.ticker)
  into.type = reader.integer()
  into.side = reader.integer()
  if (reader.failed) return malformed(4)
  into.quantity = microsOfNumber(reader.number())
  if (Number.isNaN(into.quantity)) return reader.failed ? malformed(6) : Reason.InvalidQuantity
  into.price = microsOfNumber(reader.number())
  if (Number.isNaN(into.price)) return reader.failed ? malformed(7) : Reason.InvalidPrice
  into.timeInForce = reader.integer()
  if (reader.failed) return malformed(8)
  clear(into.destination)
  into.currency = 0
  clear(into.clOrdId)
  into.expiry = 0
  clear(into.tags)
  if (elements > 9) {
    if (reader.text() > DESTINATION_BYTES_MAX || reader.failed) return malformed(9)
    take(reader, into.destination)
  }
  if (elements > 10) {
    if (!reader.nil()) into.currency = reader.integer()
    if (reader.failed) return malformed(10)
  }
  if (elements > 11) {
    if (reader.text() > CL_ORD_ID_BYTES_MAX) {
      decodeRefusal.param = CL_ORD_ID_BYTES_MAX
      return Reason.InvalidClOrdId
    }
    if (reader.failed) return malformed(11)
    take(reader, into.clOrdId)
  }
  if (elements > 12) {
    if (!reader.nil()) into.expiry = reader.integer()
    if (reader.failed || into.expiry < 0) return Reason.InvalidExpiry
  }
  if (elements > 13 && !reader.nil()) {
    reader.raw()
    if (reader.failed || reader.valueEnd - reader.valueStart > TAGS_BYTES_MAX) return Reason.InvalidTags
    take(reader, into.tags)
  }
  return reader.complete ? Reason.None : malformed(elements)
}

/** A decoded Replace. */
export interface ReplaceRequest {
  /** 0 where the order is named by `origClOrdId` alone. */
  orderId: number
  /** New total, what was executed included. */
  quantity: Quantity
  price: Price
  clOrdId: BytesRange
  origClOrdId: BytesRange
}

export function replaceRequest(): ReplaceRequest {
  return { orderId: 0, quantity: 0, price: 0, clOrdId: emptyRange(), origClOrdId: emptyRange() }
}

/** Reads what follows `[kind, requestId, account` of a Replace, like `decodeSubmit`. */
export function decodeReplace(reader: MessageReader, elements: number, into: ReplaceRequest): Reason {
  if (elements < 6 || elements > 8) return malformed(elements)
  into.orderId = reader.nil() ? 0 : reader.integer()
  if (reader.failed || into.orderId < 0) return malformed(3)
  into.quantity = microsOfNumber(reader.number())
  if (Number.isNaN(into.quantity)) return reader.failed ? malformed(4) : Reason.InvalidQuantity
  into.price = microsOfNumber(reader.number())
  if (Number.isNaN(into.price)) return reader.failed ? malformed(5) : Reason.InvalidPrice
  clear(into.clOrdId)
  clear(into.origClOrdId)
  decodeRefusal.param = CL_ORD_ID_BYTES_MAX
  if (elements > 6) {
    if (reader.text() > CL_ORD_ID_BYTES_MAX) return Reason.InvalidClOrdId
    if (reader.failed) return malformed(6)
    take(reader, into.clOrdId)
  }
  if (elements > 7) {
    if (reader.text() > CL_ORD_ID_BYTES_MAX) return Reason.InvalidClOrdId
    if (reader.failed) return malformed(7)
    take(reader, into.origClOrdId)
  }
  if (into.orderId === 0 && into.origClOrdId.start === into.origClOrdId.end) return malformed(3)
  return reader.complete ? Reason.None : malformed(elements)
}

/** A decoded Update. */
export interface UpdateRequest {
  orderId: number
  status: number
  lastQty: Quantity
  lastPx: Price
  text: BytesRange
  lastMarket: BytesRange
  liquidityFlag: BytesRange
  executionFee: Money
  processingFee: Money
  commission: Money
  /** µs since the epoch; 0 for now. */
  timestamp: number
  tags: BytesRange
}

export function updateRequest(): UpdateRequest {
  return {
    orderId: 0,
    status: 0,
    lastQty: 0,
    lastPx: 0,
    text: emptyRange(),
    lastMarket: emptyRange(),
    liquidityFlag: emptyRange(),
    executionFee: 0,
    processingFee: 0,
    commission: 0,
    timestamp: 0,
    tags: emptyRange(),
  }
}

/** Reads what follows `[kind, requestId, account` of an Update, like `decodeSubmit`. */
export function decodeUpdate(reader: MessageReader, elements: number, into: UpdateRequest): Reason {
  if (elements < 5 || elements > 15) return malformed(elements)
  let left = elements - 3
  const more = () => left-- > 0
  const amount = (): number => (more() ? microsOfNumber(reader.number()) : 0)
  const text = (range: BytesRange, bytesMax: number): boolean => {
    if (!more()) {
      clear(range)
      return true
    }
    const length = reader.text()
    take(reader, range)
    return length <= bytesMax && !reader.failed
  }
  into.orderId = more() ? reader.integer() : 0
  into.status = more() ? reader.integer() : 0
  if (reader.failed) return malformed(3)
  into.lastQty = amount()
  if (Number.isNaN(into.lastQty)) return Reason.InvalidQuantity
  into.lastPx = amount()
  if (Number.isNaN(into.lastPx)) return Reason.InvalidPrice
  decodeRefusal.param = TEXT_BYTES_MAX
  if (!text(into.text, TEXT_BYTES_MAX)) return Reason.InvalidText
  decodeRefusal.param = 16
  if (!text(into.lastMarket, 16)) return Reason.InvalidText
  decodeRefusal.param = 8
  if (!text(into.liquidityFlag, 8)) return Reason.InvalidText
  into.executionFee = amount()
  into.processingFee = amount()
  into.commission = amount()
  if (Number.isNaN(into.executionFee + into.processingFee + into.commission)) return malformed(10)
  into.timestamp = more() && !reader.nil() ? reader.integer() : 0
  if (reader.failed || into.timestamp < 0) return malformed(13)
  clear(into.tags)
  if (more() && !reader.nil()) {
    reader.raw()
    if (reader.failed || reader.valueEnd - reader.valueStart > TAGS_BYTES_MAX) return Reason.InvalidTags
    take(reader, into.tags)
  }
  return reader.complete ? Reason.None : malformed(elements)
}

function malformed(element: number): Reason {
  decodeRefusal.param = element
  return Reason.MalformedMessage
}

function take(reader: MessageReader, range: BytesRange): void {
  range.bytes = reader.bytes
  range.start = reader.valueStart
  range.end = reader.valueEnd
}

function clear(range: BytesRange): void {
  range.start = 0
  range.end = 0
}
