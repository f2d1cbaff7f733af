// Puts an account back together, piece by piece, from what a store had: sequences, positions at the last snapshot, the
// fills after it in their order, live orders, and the client order ids of finished ones. The pieces come through the
// command ring like everything else and use the same bookings as live orders.

import { record } from '../accounting/inventory.ts'
import { countSubmission } from '../accounting/short-sales.ts'
import { assert, unreachable } from '../base/assert.ts'
import { type Destination, RoutedOrder } from '../destinations/destination.ts'
import { pegOf } from '../destinations/peg.ts'
import { multiply } from '../domain/money.ts'
import type { OrderStatus } from '../domain/order-status.ts'
import { OrderType } from '../domain/order-type.ts'
import { direction, Side } from '../domain/side.ts'
import type { TimeInForce } from '../domain/time-in-force.ts'
import { MessageReader } from '../protocol/message-reader.ts'
import type { BytesRange } from '../protocol/order-events.ts'
import { bareTags } from '../protocol/session-tag.ts'
import { RestorePiece } from '../shared-memory/records.ts'
import type { AccountBook, Holding } from './account-book.ts'
import { Fingerprint } from './fingerprint.ts'
import type { OrderLife } from './order-life.ts'
import type { OrderReplace } from './order-replace.ts'
import { tagsOf } from './request-texts.ts'
import type { ShardState } from './shard-state.ts'

export class Restoration {
  readonly #state: ShardState
  readonly #life: OrderLife
  readonly #venue: Destination
  readonly #replace: Pick<OrderReplace, 'resume'>
  readonly #reader = new MessageReader()
  readonly #decoder = new TextDecoder()
  readonly #fingerprint = new Fingerprint()
  readonly #routed = new RoutedOrder()
  readonly #tags: BytesRange = { bytes: new Uint8Array(0), start: 0, end: 0 }

  constructor(state: ShardState, life: OrderLife, venue: Destination, replace: Pick<OrderReplace, 'resume'>) {
    this.#state = state
    this.#life = life
    this.#venue = venue
    this.#replace = replace
  }

  /** One piece of the account in `row`; layouts at `RestorePiece`. */
  piece(row: number, bytes: Uint8Array, start: number, end: number, nowUs: number): void {
    const reader = this.#reader
    reader.start(bytes, start, end)
    reader.arrayHeader()
    const piece = reader.integer() as RestorePiece
    const book = this.#state.book(row)
    // Every piece shows in how the account stands, and pieces of one account may come in several turns.
    this.#state.touch(book)
    switch (piece) {
      case RestorePiece.Account:
        book.orderSequence = reader.integer()
        book.reportSequence = reader.integer()
        book.timestamp = reader.integer()
        break
      case RestorePiece.Position:
        this.#position(book)
        break
      case RestorePiece.Fill:
        this.#fill(book)
        break
      case RestorePiece.Order:
        this.#order(book, nowUs)
        break
      case RestorePiece.ClOrdId:
        this.#clOrdId(book)
        break
      case RestorePiece.ReplaceId:
        this.#replaceId(book)
        break
      default:
        unreachable(piece)
    }
    assert(!reader.failed, 'a piece of recovery that cannot be read')
  }

  #position(book: AccountBook): void {
    const reader = this.#reader
    const holding = this.#holding(book, this.#text())
    const { inventory } = holding
    holding.currency = reader.integer()
    inventory.quantity = reader.integer()
    inventory.costBasis = reader.integer()
    inventory.gross = reader.integer()
    inventory.fees = reader.integer()
    inventory.volume = reader.integer()
    inventory.transactions = reader.integer()
    holding.position = inventory.quantity
    // A snapshot that does not know what buying power counted stands for its cost, converted.
    const expenditure = reader.nil()
      ? this.#state.view.convert(inventory.costBasis, holding.currency, book.currency)
      : reader.integer()
    if (!Number.isNaN(expenditure)) book.buyingPower.adjust(holding.exposure, inventory.quantity, expenditure)
    this.#state.touchHolding(holding)
  }

  #fill(book: AccountBook): void {
    const reader = this.#reader
    const holding = this.#holding(book, this.#text())
    const currency = reader.integer()
    const side = reader.integer() as Side
    const lastQty = reader.integer()
    const lastPx = reader.integer()
    const fees = reader.integer()
    if (holding.currency === 0) holding.currency = currency
    record(holding.inventory, direction(side) * lastQty, multiply(lastQty, lastPx), fees)
    holding.position += direction(side) * lastQty
    const price = this.#state.view.convert(lastPx, currency, book.currency)
    if (!Number.isNaN(price)) book.buyingPower.fillPosition(holding.exposure, side, lastQty, price)
    book.reportsSinceSnapshot += 1
    this.#state.touchHolding(holding)
  }

  #order(book: AccountBook, nowUs: number): void {
    const state = this.#state
    const reader = this.#reader
    const { orders } = state
    const orderId = reader.integer()
    reader.integer() // order sequence: the stores know it
    const timestamp = reader.integer()
    reader.integer() // submission account: likewise
    const holding = this.#holding(book, this.#text())
    const currency = reader.integer()
    const type = reader.integer() as OrderType
    const side = reader.integer() as Side
    const destination = this.#text()
    const acceptedQuantity = reader.integer()
    const acceptedPrice = reader.integer()
    const timeInForce = reader.integer() as TimeInForce
    const expiry = reader.integer()
    reader.text()
    const { valueStart: idStart, valueEnd: idEnd } = reader
    const tags = this.#readTags()
    const acceptedHoldPrice = reader.integer()
    const cumQty = reader.integer()
    const reports = reader.integer()
    const status = reader.integer() as OrderStatus
    const session = reader.integer()
    const terms = this.#replaceTerms()
    const pending = this.#replaceTerms()
    const { quantity, price, holdPrice } = terms ?? {
      quantity: acceptedQuantity,
      price: acceptedPrice,
      holdPrice: acceptedHoldPrice,
    }
    assert(!orders.full, 'more live orders in the store than engine.live_orders_per_shard_max allows')

    const slot = orders.add(orderId)
    const leavesQty = Math.max(0, quantity - cumQty)
    orders.quantity[slot] = quantity
    orders.price[slot] = price
    orders.cumQty[slot] = cumQty
    orders.acceptedUs[slot] = timestamp
    orders.reports[slot] = reports
    orders.accountRow[slot] = book.row
    orders.listing[slot] = holding.listing.index
    orders.currency[slot] = currency
    orders.side[slot] = side
    orders.type[slot] = type
    orders.status[slot] = status
    orders.timeInForce[slot] = timeInForce
    orders.session[slot] = session
    orders.destination[slot] = 0
    orders.routedTo[slot] = state.halts.numberOf(destination)
    const convertible = !Number.isNaN(state.view.convert(0, currency, book.currency))
    orders.leftOut[slot] = convertible ? 0 : 1
    orders.pooled[slot] = 0
    this.#life.begin(slot, book)
    countSubmission(holding, side, leavesQty)
    if (side === Side.Bid) holding.pendingBuy += leavesQty
    if (convertible) book.buyingPower.hold(slot, holding.exposure, side, leavesQty, holdPrice)
    if (idEnd > idStart) {
      this.#fingerprint.take(
        holding.listing.text,
        destination,
        currency,
        type,
        side,
        acceptedQuantity,
        acceptedPrice,
        timeInForce,
        expiry,
        bareTags(tags),
      )
      const known = state.clOrdIds.find(book.row, reader.bytes, idStart, idEnd)
      assert(known < 0, 'two live orders of an account have one client order id')
      state.clOrdIds.add(book.row, reader.bytes, idStart, idEnd, orderId, this.#fingerprint.words)
    }
    const routed = this.#routed
    routed.tickerIndex = holding.listing.index
    routed.side = side
    routed.type = type
    routed.timeInForce = timeInForce
    routed.quantity = quantity
    routed.price = price
    routed.expiryUs = expiry
    routed.destination = destination
    routed.byAdministrator = false
    if (type === OrderType.Pegged) pegOf(tagsOf(tags) ?? [], routed)
    state.touchHolding(holding)
    if (terms !== undefined && terms.clOrdId !== '') state.replaces.setClOrdId(slot, terms.clOrdId)
    const time = Math.max(nowUs, book.timestamp)
    this.#venue.restore(slot, routed, status, leavesQty, timestamp, time)
    // It may have ended by that.
    if (pending !== undefined && orders.find(orderId) === slot) {
      this.#replace.resume(slot, pending, pending.clOrdId, time)
    }
  }

  /** Terms of a replace; undefined where there are none. */
  #replaceTerms() {
    const reader = this.#reader
    if (reader.nil()) return undefined
    reader.arrayHeader()
    return {
      clOrdId: this.#text(),
      quantity: reader.integer(),
      price: reader.integer(),
      shortFlag: reader.integer() === 1,
      holdPrice: reader.integer(),
    }
  }

  #replaceId(book: AccountBook): void {
    const { clOrdIds } = this.#state
    const reader = this.#reader
    reader.text()
    const { bytes, valueStart, valueEnd } = reader
    const orderId = reader.integer()
    const quantity = reader.integer()
    const price = reader.integer()
    // That of a live order came with the order.
    if (clOrdIds.find(book.row, bytes, valueStart, valueEnd) >= 0) return
    this.#fingerprint.takeReplace(quantity, price)
    clOrdIds.addReplace(book.row, bytes, valueStart, valueEnd, orderId, this.#fingerprint.words)
  }

  #clOrdId(book: AccountBook): void {
    const reader = this.#reader
    reader.text()
    const { valueStart, valueEnd } = reader
    const orderId = reader.integer()
    const ticker = this.#text()
    const currency = reader.integer()
    const type = reader.integer()
    const side = reader.integer()
    const destination = this.#text()
    const quantity = reader.integer()
    const price = reader.integer()
    const timeInForce = reader.integer()
    const expiry = reader.integer()
    const tags = this.#readTags()
    // That of a live order came with the order.
    const { bytes } = reader
    if (this.#state.clOrdIds.find(book.row, bytes, valueStart, valueEnd) >= 0) return
    const { words } = this.#fingerprint
    this.#fingerprint.take(
      ticker,
      destination,
      currency,
      type,
      side,
      quantity,
      price,
      timeInForce,
      expiry,
      bareTags(tags),
    )
    this.#state.clOrdIds.add(book.row, bytes, valueStart, valueEnd, orderId, words)
  }

  /** The list of tags as it is encoded; an empty range for none. */
  #readTags(): BytesRange {
    const reader = this.#reader
    const range = this.#tags
    range.bytes = reader.bytes
    if (reader.nil()) range.start = range.end = 0
    else {
      reader.raw()
      range.start = reader.valueStart
      range.end = reader.valueEnd
    }
    return range
  }

  #holding(book: AccountBook, ticker: string): Holding {
    const { listings, limits } = this.#state
    const listing = listings.ofText(ticker)
    assert(listings.number(listing), 'more tickers in the store than engine.tickers_max allows')
    // Main has asked for the market of whatever comes back.
    listing.isWatched = true
    if (!book.holdings.has(listing.index)) {
      this.#state.positions += 1
      assert(this.#state.positions <= limits.positionsMax, 'more positions than engine.positions_per_shard_max allows')
    }
    return book.holding(listing)
  }

  #text(): string {
    const reader = this.#reader
    reader.text()
    return this.#decoder.decode(reader.bytes.slice(reader.valueStart, reader.valueEnd))
  }
}
