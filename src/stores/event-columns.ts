// One order event as the columns of its rows: read straight from the bytes of the journal into fields that are used
// over and over, since this runs for every event there is. Which elements an event has, and in which order, is told in
// ../protocol/order-events.ts; a test holds the two readings against each other.

import type { Definitions } from '../domain/definitions.ts'
import { microsOfNumber } from '../domain/money.ts'
import { readTicker } from '../domain/tickers.ts'
import { Kind } from '../protocol/kinds.ts'
import { MessageReader } from '../protocol/message-reader.ts'
import { unpack } from '../protocol/msgpack.ts'
import { MalformedEvent } from '../protocol/order-events.ts'

/** Elements in front of those that belong to one kind: kind, request id, account, account report sequence. */
const HEAD_ELEMENTS = 4

/** Tickers remembered with their two columns; a store sees some thousands. */
const TICKERS_MAX = 100_000

interface TickerColumns {
  readonly symbol: string
  readonly venue: string
}

export class EventColumns {
  // Of both kinds.
  kind: number = 0
  account = 0
  reportSequence = 0
  orderId = 0
  timestamp = 0
  /** Msgpack of the list of tags, or null for none. */
  tags: Uint8Array | null = null

  // Of an OrderAccepted.
  orderSequence = 0
  submissionAccount = 0
  symbol = ''
  venue = ''
  currency = 0
  type = 0
  side = 0
  destination = ''
  quantity = 0
  price = 0
  timeInForce = 0
  expiry = 0
  /** Null for none. */
  clOrdId: string | null = null
  shortFlag = 0
  holdPrice = 0

  // Of an ExecutionReport.
  sequence = 0
  status = 0
  lastQty = 0
  lastPx = 0
  cumQty = 0
  leavesQty = 0
  liquidityFlag = ''
  lastMarket = ''
  executionFee = 0
  processingFee = 0
  commission = 0
  reason = 0
  /** The parameters of the reason as a JSON list; empty for none. */
  params = ''
  text = ''
  operator = 0
  /** Of the replace that the report tells of; empty and 0 elsewhere. */
  replaceClOrdId = ''
  replaceQuantity = 0
  replacePrice = 0
  replaceShortFlag = 0
  replaceHoldPrice = 0

  readonly #definitions: Definitions
  readonly #tickers = new Map<string, TickerColumns>()
  readonly #reader = new MessageReader()
  #left = 0

  /** @param definitions tell the venues apart from the symbols. */
  constructor(definitions: Definitions) {
    this.#definitions = definitions
  }

  /**
   * Reads the event in [start, end) of `bytes`. Of an inventory snapshot only kind, account and report sequence are
   * read: it is decoded whole elsewhere.
   * @throws MalformedEvent
   */
  read(bytes: Buffer, start: number, end: number): void {
    const reader = this.#reader
    reader.start(bytes, start, end)
    this.#left = reader.arrayHeader() - HEAD_ELEMENTS
    this.kind = reader.integer()
    reader.integer() // the id of the request: of no interest to anybody but the one who made it
    this.account = reader.integer()
    this.reportSequence = reader.integer()
    switch (this.kind) {
      case Kind.OrderAccepted:
        this.#readAccepted(bytes)
        break
      case Kind.ExecutionReport:
        this.#readReport(bytes)
        break
      case Kind.InventorySnapshot:
        if (reader.failed) throw new MalformedEvent('an inventory snapshot is malformed')
        return
      default:
        throw new MalformedEvent(`kind ${this.kind} is no order event`)
    }
    if (!reader.complete) throw new MalformedEvent(`malformed near byte ${reader.position - start}`)
  }

  #readAccepted(bytes: Buffer): void {
    this.orderId = this.#integer()
    this.orderSequence = this.#integer()
    this.timestamp = this.#integer()
    this.submissionAccount = this.#integer()
    const ticker = this.#ticker(this.#text(bytes))
    this.symbol = ticker.symbol
    this.venue = ticker.venue
    this.currency = this.#integer()
    this.type = this.#integer()
    this.side = this.#integer()
    this.destination = this.#text(bytes)
    this.quantity = this.#amount()
    this.price = this.#amount()
    this.timeInForce = this.#integer()
    this.expiry = this.#integer()
    this.clOrdId = this.#text(bytes) || null
    this.tags = this.#raw(bytes)
    this.shortFlag = this.#integer()
    this.holdPrice = this.#integer()
  }

  #readReport(bytes: Buffer): void {
    this.orderId = this.#integer()
    this.sequence = this.#integer()
    this.timestamp = this.#integer()
    this.status = this.#integer()
    this.lastQty = this.#amount()
    this.lastPx = this.#amount()
    this.cumQty = this.#amount()
    this.leavesQty = this.#amount()
    this.liquidityFlag = this.#text(bytes)
    this.lastMarket = this.#text(bytes)
    this.executionFee = this.#amount()
    this.processingFee = this.#amount()
    this.commission = this.#amount()
    this.reason = this.#integer()
    this.params = paramsText(this.#raw(bytes))
    this.text = this.#text(bytes)
    this.tags = this.#raw(bytes)
    this.operator = this.#integer()
    this.replaceClOrdId = this.#text(bytes)
    this.replaceQuantity = this.#amount()
    this.replacePrice = this.#amount()
    this.replaceShortFlag = this.#integer()
    this.replaceHoldPrice = this.#integer()
  }

  // An event may end early: what is missing is empty.

  #integer(): number {
    return --this.#left >= 0 ? this.#reader.integer() : 0
  }

  #amount(): number {
    if (--this.#left < 0) return 0
    const micros = microsOfNumber(this.#reader.number())
    if (Number.isNaN(micros)) this.#reader.failed = true
    return micros
  }

  #text(bytes: Buffer): string {
    if (--this.#left < 0) return ''
    const reader = this.#reader
    return reader.text() === 0 ? '' : bytes.toString('utf8', reader.valueStart, reader.valueEnd)
  }

  #raw(bytes: Buffer): Uint8Array | null {
    if (--this.#left < 0) return null
    const reader = this.#reader
    if (reader.nil()) return null
    reader.raw()
    return bytes.subarray(reader.valueStart, reader.valueEnd)
  }

  #ticker(text: string): TickerColumns {
    let ticker = this.#tickers.get(text)
    if (ticker === undefined) {
      ticker = readTicker(text, this.#definitions)
      // Refused orders may carry any text at all, so what is remembered has a bound.
      if (this.#tickers.size >= TICKERS_MAX) this.#tickers.clear()
      this.#tickers.set(text, ticker)
    }
    return ticker
  }
}

/** A list of texts and numbers, as JSON, which people can read; msgpack of an empty list, or none, is ''. */
function paramsText(raw: Uint8Array | null): string {
  if (raw === null || raw[0] === 0x90) return ''
  return JSON.stringify(unpack(raw))
}
