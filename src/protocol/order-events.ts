// The events of an order's life. A shard encodes each of them once, as the very message clients receive; the same
// bytes are journaled, copied to everybody entitled, and decoded by the writer for the stores.
//
//   OrderAccepted     the order as the server understood it; stands for report 0, PENDING_NEW, at the same time
//   ExecutionReport   every later report
//   InventorySnapshot the positions of an account at a report sequence; stays in the journal
//
// Elements of an order event lie at fixed places as far as routing needs them:
//   | 0 array16, count | 3 kind | 4 request id u32 | 9 account u32 | 14 account report sequence u64 | 23 the rest …

import type { Money, Price, Quantity } from '../domain/money.ts'
import { microsOfNumber } from '../domain/money.ts'
import type { OrderStatus } from '../domain/order-status.ts'
import type { OrderType } from '../domain/order-type.ts'
import type { Side } from '../domain/side.ts'
import type { TimeInForce } from '../domain/time-in-force.ts'
import { writeParams } from './answers.ts'
import { Kind } from './kinds.ts'
import { MessageReader } from './message-reader.ts'
import type { MessageWriter } from './message-writer.ts'
import { unpack, type Value } from './msgpack.ts'

/** Where routing looks into the body of an event, in bytes from its beginning. */
export const EventOffset = { kind: 3, requestId: 5, account: 10, reportSequence: 15 } as const

/**
 * The timestamp of the OrderAccepted whose body begins at `body`: what of it is looked at on its way, without decoding the
 * rest. In front of it, behind the report sequence, are order id and order sequence.
 */
export function timeOfAccepted(view: DataView, body: number): number {
  let at = body + EventOffset.reportSequence + 8
  at += wholeBytes(view.getUint8(at))
  at += wholeBytes(view.getUint8(at))
  switch (wholeBytes(view.getUint8(at))) {
    case 1:
      return view.getUint8(at)
    case 3:
      return view.getUint16(at + 1)
    case 5:
      return view.getUint32(at + 1)
    default:
      return 0x1_0000_0000 * view.getUint32(at + 1) + view.getUint32(at + 5)
  }
}

/** Bytes of a whole number that is not negative, as a shard writes it, by the first of them. */
function wholeBytes(head: number): number {
  if (head < 0x80) return 1
  return head === 0xcd ? 3 : head === 0xce ? 5 : 9
}

/** A run of bytes inside somebody else's buffer, valid during one call. */
export interface BytesRange {
  bytes: Uint8Array
  start: number
  end: number
}

/** What the shard fills in, over and over, to encode an OrderAccepted. */
export interface AcceptedFields {
  requestId: number
  account: number
  reportSequence: number
  orderId: number
  orderSequence: number
  /** µs since the epoch, UTC. */
  timestamp: number
  submissionAccount: number
  /** Canonical text, `SYMBOL.VENUE`. */
  ticker: string
  currency: number
  type: OrderType
  side: Side
  destination: string
  quantity: Quantity
  price: Price
  timeInForce: TimeInForce
  /** µs since the epoch, UTC; 0 for none. */
  expiry: number
  /** UTF-8; empty for none. */
  clOrdId: BytesRange
  /** The list of tags as msgpack; empty for none. */
  tags: BytesRange
  shortFlag: boolean
  /** Price at which buying power is held, in the account's currency; 0 where none is held. Written in micros. */
  holdPrice: Price
}

/** What a replace is about: in the reports that tell of one, and only there. */
export interface ReplaceTerms {
  /** Of the request, UTF-8; empty for none. */
  clOrdId: BytesRange
  /** Asked for while the replace is pending or was refused; in force once the order was replaced. */
  quantity: Quantity
  price: Price
  shortFlag: boolean
  /** As of an OrderAccepted; 0 in a refused replace. */
  holdPrice: Price
}

/** What the shard fills in, over and over, to encode an ExecutionReport. */
export interface ReportFields {
  /** Of the replace that the report answers; 0 or absent for none. */
  requestId?: number | undefined
  account: number
  reportSequence: number
  orderId: number
  /** Position within the order; the accepted event is 0. */
  sequence: number
  timestamp: number
  status: OrderStatus
  lastQty: Quantity
  lastPx: Price
  cumQty: Quantity
  leavesQty: Quantity
  liquidityFlag: string
  lastMarket: string
  executionFee: Money
  processingFee: Money
  commission: Money
  reason: number
  params: readonly (string | number)[]
  text: string
  tags: BytesRange
  /** Account of whoever made the report by hand, or asked for a mass cancel; 0 for none. */
  operator: number
  /** Of the replace that the report tells of; absent for none. */
  terms?: ReplaceTerms | undefined
}

export function encodeAccepted(to: MessageWriter, event: AcceptedFields): void {
  to.beginFrame()
  to.head(21, Kind.OrderAccepted, event.requestId, event.account)
  to.fixed64(event.reportSequence)
  to.integer(event.orderId)
  to.integer(event.orderSequence)
  to.integer(event.timestamp)
  to.integer(event.submissionAccount)
  to.text(event.ticker)
  to.integer(event.currency)
  to.integer(event.type)
  to.integer(event.side)
  to.text(event.destination)
  to.amount(event.quantity)
  to.amount(event.price)
  to.integer(event.timeInForce)
  to.integer(event.expiry)
  const { clOrdId, tags } = event
  to.textBytes(clOrdId.bytes, clOrdId.start, clOrdId.end)
  if (tags.end === tags.start) to.nil()
  else to.rawBytes(tags.bytes, tags.start, tags.end)
  to.integer(event.shortFlag ? 1 : 0)
  to.integer(event.holdPrice)
  to.endFrame()
}

export function encodeReport(to: MessageWriter, event: ReportFields): void {
  // Most reports end after the quantities: what follows is empty and left out.
  const { tags, terms } = event
  let elements = 12
  if (terms !== undefined) elements = 27
  else if (event.operator !== 0) elements = 22
  else if (tags.end !== tags.start) elements = 21
  else if (event.text !== '' || event.reason !== 0) elements = 20
  else if (event.commission !== 0 || event.processingFee !== 0 || event.executionFee !== 0) elements = 17
  else if (event.lastMarket !== '' || event.liquidityFlag !== '') elements = 14
  to.beginFrame()
  to.head(elements, Kind.ExecutionReport, event.requestId ?? 0, event.account)
  to.fixed64(event.reportSequence)
  to.integer(event.orderId)
  to.integer(event.sequence)
  to.integer(event.timestamp)
  to.integer(event.status)
  to.amount(event.lastQty)
  to.amount(event.lastPx)
  to.amount(event.cumQty)
  to.amount(event.leavesQty)
  if (elements > 12) {
    to.text(event.liquidityFlag)
    to.text(event.lastMarket)
  }
  if (elements > 14) {
    to.amount(event.executionFee)
    to.amount(event.processingFee)
    to.amount(event.commission)
  }
  if (elements > 17) {
    to.integer(event.reason)
    writeParams(to, event.params)
    to.text(event.text)
  }
  if (elements > 20) {
    if (tags.end === tags.start) to.nil()
    else to.rawBytes(tags.bytes, tags.start, tags.end)
  }
  if (elements > 21) to.integer(event.operator)
  if (terms !== undefined) {
    to.textBytes(terms.clOrdId.bytes, terms.clOrdId.start, terms.clOrdId.end)
    to.amount(terms.quantity)
    to.amount(terms.price)
    to.integer(terms.shortFlag ? 1 : 0)
    to.integer(terms.holdPrice)
  }
  to.endFrame()
}

/** One symbol of an inventory snapshot. Amounts in micros, which is how they are written: sums may be too large else. */
export interface SnapshotEntry {
  ticker: string
  currency: number
  quantity: Quantity
  costBasis: Money
  gross: Money
  fees: Money
  volume: Quantity
  /** Number of fills. */
  transactions: number
  /** What buying power counts the position at, in the account's currency. */
  expenditure: Money
}

export interface SnapshotFields {
  account: number
  /** Every fill of the account up to this report sequence is in the entries. */
  reportSequence: number
  orderSequence: number
  timestamp: number
  /** Currency of the account's risk parameters, in which `expenditure` is counted. */
  currency: number
  entries: readonly SnapshotEntry[]
  /** Orders live at the sequence. */
  liveOrderIds: readonly number[]
}

export function encodeSnapshot(to: MessageWriter, event: SnapshotFields): void {
  to.beginFrame()
  to.head(9, Kind.InventorySnapshot, 0, event.account)
  to.fixed64(event.reportSequence)
  to.integer(event.orderSequence)
  to.integer(event.timestamp)
  to.integer(event.currency)
  to.arrayHeader(event.entries.length)
  for (const entry of event.entries) {
    to.reserve(256)
    to.arrayHeader(9)
    to.text(entry.ticker)
    to.integer(entry.currency)
    to.integer(entry.quantity)
    to.integer(entry.costBasis)
    to.integer(entry.gross)
    to.integer(entry.fees)
    to.integer(entry.volume)
    to.integer(entry.transactions)
    to.integer(entry.expenditure)
  }
  to.reserve(16 + 9 * event.liveOrderIds.length)
  to.arrayHeader(event.liveOrderIds.length)
  for (const orderId of event.liveOrderIds) to.integer(orderId)
  to.endFrame()
}

/** A decoded OrderAccepted: as above, with texts in place of byte ranges. */
export interface AcceptedEvent extends Omit<AcceptedFields, 'clOrdId' | 'tags'> {
  kind: typeof Kind.OrderAccepted
  /** Empty for none. */
  clOrdId: string
  /** Msgpack of the list of tags; undefined for none. */
  tags: Uint8Array | undefined
}

/** A decoded ExecutionReport; with the id of the request only where it answers one. */
export interface ReportEvent extends Omit<ReportFields, 'tags' | 'params' | 'terms'> {
  kind: typeof Kind.ExecutionReport
  params: Value[]
  tags: Uint8Array | undefined
  terms?: EventTerms
}

/** Decoded terms of a replace. */
export interface EventTerms extends Omit<ReplaceTerms, 'clOrdId'> {
  /** Empty for none. */
  clOrdId: string
}

/** A decoded InventorySnapshot. */
export interface SnapshotEvent extends SnapshotFields {
  kind: typeof Kind.InventorySnapshot
}

export type OrderEvent = AcceptedEvent | ReportEvent | SnapshotEvent

/** An order event that is not one; carries what was expected. Raised for journals and peers that lie. */
export class MalformedEvent extends Error {
  override name = 'MalformedEvent'
}

const reader = new MessageReader()
const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Decodes the event whose body lies in `bytes` from `offset` on and is `length` bytes long.
 * @throws MalformedEvent
 */
export function decodeOrderEvent(bytes: Uint8Array, offset: number, length: number): OrderEvent {
  reader.start(bytes, offset, offset + length)
  const elements = reader.arrayHeader()
  const kind = reader.integer()
  const requestId = reader.integer()
  const account = reader.integer()
  const reportSequence = reader.integer()
  let left = elements - 4
  const more = () => left-- > 0 && !reader.failed
  const integer = () => (more() ? reader.integer() : 0)
  const amount = () => {
    if (!more()) return 0
    const micros = microsOfNumber(reader.number())
    if (Number.isNaN(micros)) reader.failed = true
    return micros
  }
  const text = () => {
    if (!more()) return ''
    reader.text()
    return decodeText(bytes, reader.valueStart, reader.valueEnd)
  }
  const raw = () => {
    if (!more()) return undefined
    if (reader.nil()) return undefined
    reader.raw()
    return bytes.slice(reader.valueStart, reader.valueEnd)
  }
  let event: OrderEvent
  switch (kind) {
    case Kind.OrderAccepted:
      event = {
        kind,
        requestId,
        account,
        reportSequence,
        orderId: integer(),
        orderSequence: integer(),
        timestamp: integer(),
        submissionAccount: integer(),
        ticker: text(),
        currency: integer(),
        type: integer() as OrderType,
        side: integer() as Side,
        destination: text(),
        quantity: amount(),
        price: amount(),
        timeInForce: integer() as TimeInForce,
        expiry: integer(),
        clOrdId: text(),
        tags: raw(),
        shortFlag: integer() === 1,
        holdPrice: integer(),
      }
      break
    case Kind.ExecutionReport:
      event = {
        kind,
        account,
        reportSequence,
        orderId: integer(),
        sequence: integer(),
        timestamp: integer(),
        status: integer() as OrderStatus,
        lastQty: amount(),
        lastPx: amount(),
        cumQty: amount(),
        leavesQty: amount(),
        liquidityFlag: text(),
        lastMarket: text(),
        executionFee: amount(),
        processingFee: amount(),
        commission: amount(),
        reason: integer(),
        params: list(raw()),
        text: text(),
        tags: raw(),
        operator: integer(),
      }
      if (requestId !== 0) event.requestId = requestId
      if (left > 0) {
        event.terms = {
          clOrdId: text(),
          quantity: amount(),
          price: amount(),
          shortFlag: integer() === 1,
          holdPrice: integer(),
        }
      }
      break
    case Kind.InventorySnapshot: {
      const orderSequence = integer()
      const timestamp = integer()
      const currency = integer()
      const entries: SnapshotEntry[] = []
      if (more()) {
        const count = reader.arrayHeader()
        for (let i = 0; i < count && !reader.failed; i++) {
          left += reader.arrayHeader()
          entries.push({
            ticker: text(),
            currency: integer(),
            quantity: integer(),
            costBasis: integer(),
            gross: integer(),
            fees: integer(),
            volume: integer(),
            transactions: integer(),
            expenditure: integer(),
          })
        }
      }
      const liveOrderIds: number[] = []
      if (more()) {
        const count = reader.arrayHeader()
        for (let i = 0; i < count && !reader.failed; i++) liveOrderIds.push(reader.integer())
      }
      event = { kind, account, reportSequence, orderSequence, timestamp, currency, entries, liveOrderIds }
      break
    }
    default:
      throw new MalformedEvent(`kind ${kind} is no order event`)
  }
  if (!reader.complete)
    throw new MalformedEvent(`an event of kind ${kind} is malformed near byte ${reader.position - offset}`)
  return event
}

function list(raw: Uint8Array | undefined): Value[] {
  const value = raw === undefined ? undefined : unpack(raw)
  return Array.isArray(value) ? value : []
}

function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (start === end) return ''
  try {
    // Decoders refuse views of shared memory, so such bytes are copied first.
    const piece = bytes.buffer instanceof SharedArrayBuffer ? bytes.slice(start, end) : bytes.subarray(start, end)
    return decoder.decode(piece)
  } catch (cause) {
    throw new MalformedEvent('a text is not UTF-8', { cause })
  }
}

/** Report sequence of the event whose body begins at `offset`: read in place. */
export function reportSequenceAt(bytes: Uint8Array, offset: number): number {
  const at = offset + EventOffset.reportSequence
  let value = 0
  for (let i = 0; i < 8; i++) value = value * 256 + bytes[at + i]
  return value
}

/** The account of the message whose body begins at `offset`: read in place. */
export function accountAt(bytes: Uint8Array, offset: number): number {
  const at = offset + EventOffset.account
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
}
