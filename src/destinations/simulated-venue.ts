// The simulated venue: fills orders from the market data of their tickers. It has no counterparties; a quote fills
// whatever it crosses in full, a print fills up to its size, and depth tells an order how many stand before it.
//
//              refused                         crosses the quote → FILLED
//            ╱                               ╱
//     submit ──── NEW ──── looked at once ───── immediate only → CANCELED
//                                            ╲
//                                              rests ──── quote, print, opening, close → fills
//                                                    ╲─── deadline → EXPIRED     cancel → CANCELED
//
// Where an order rests tells what may fill it:
//
//     limits                     a quote at or beyond the limit: in full, at the quote
//     (by price, then time)      a print through the limit: up to its size, at the limit, best price first
//                                a print at the limit, at the posting venue: the same, for those first in line there
//     stops                      a print at or through the trigger makes it a market order
//     pegs, market orders        a quote
//     on-open, on-close orders   a print of the listing venue
//
// Times in force. GTC rests. DAY ends at the first close after it was accepted, GTD at its expiry. IOC and FOK trade
// at once or not at all (a quote fills in full, so the two are one). GTX is post only: an order that would trade at
// once is rejected. OPG fills at the first print of the listing venue at or after the next opening, if its limit
// allows; if not, or if that session closes without one, it expires. MOC fills at the first print of the listing venue
// at or after the close whatever its limit, and waits for the next session's close if it missed one.
//
// Stops follow trades, not quotes, so that a wide quote elects nobody: a regular round lot anywhere. One that arrives
// when the last such print of the session is at or through its trigger already is elected at once. Election is not
// reported; an elected order that finds no two-sided quote waits for one.
//
// A replace is answered at once. A smaller quantity at the same price keeps the order's place; a larger one or another price
// sends it to the end of the line, where it is looked at as a new one: it may trade at once, a stop may be elected. There is
// no price to replace in a market order, nor in a stop that has been elected; a post-only order is not replaced by one that
// would trade.
//
// Times come in twice where they may differ: `marketUs` is the event's own and decides on session, opening and close;
// `nowUs` is the step's and stands on reports and against deadlines.

import { assert, unreachable } from '../base/assert.ts'
import type { Definitions } from '../domain/definitions.ts'
import { MICROS, type Price, type Quantity } from '../domain/money.ts'
import { isTerminal, OrderStatus } from '../domain/order-status.ts'
import { OrderType } from '../domain/order-type.ts'
import { Reason } from '../domain/reasons.ts'
import { Side } from '../domain/side.ts'
import { TimeInForce } from '../domain/time-in-force.ts'
import type { Venue } from '../domain/venues.ts'
import { Deadlines } from './deadlines.ts'
import type { Destination, DestinationEvents, RoutedOrder, RoutedReplace } from './destination.ts'
import { PegKind } from './peg.ts'
import { postingVenuesOf } from './posting-venues.ts'
import { NONE, RestingColumns } from './resting-queue.ts'
import { NOT_POSTED, Place, rankOf, SimulatedBook, VENUES_MAX } from './simulated-book.ts'
import { closeAfter, SESSION_US } from './trading-hours.ts'

/** What the venue asks about a ticker when it first hears of it. */
export interface SimulatedTickers {
  /** Venue that lists the ticker. */
  listing(tickerIndex: number): Venue
  /** Best bid and ask, 0 where there is none. */
  bid(tickerIndex: number): Price
  ask(tickerIndex: number): Price
}

export interface SimulatedVenueOptions {
  /** Slots are 0 … capacity − 1. */
  readonly capacity: number
  readonly definitions: Definitions
  readonly tickers: SimulatedTickers
  readonly events: DestinationEvents
}

/** Condition code of a regular trade. */
const REGULAR_SALE = '@'
/** Prints count in whole lots of this size. */
const ROUND_LOT: Quantity = 100 * MICROS

export class SimulatedVenue implements Destination {
  readonly answersLater = false
  readonly #definitions: Definitions
  readonly #tickers: SimulatedTickers
  readonly #events: DestinationEvents
  /** By ticker index. */
  readonly #books: (SimulatedBook | undefined)[] = []
  /** By MIC. */
  readonly #venueNumbers: ReadonlyMap<string, number>
  /** By MIC of the listing venue: venue number of the posting venue by destination. */
  readonly #postingNumbers: ReadonlyMap<string, ReadonlyMap<string, number>>

  // By slot.
  readonly #place: Uint8Array
  readonly #ticker: Int32Array
  readonly #side: Int8Array
  readonly #type: Int8Array
  readonly #timeInForce: Int8Array
  readonly #pegKind: Uint8Array
  readonly #venue: Uint8Array
  readonly #price: Float64Array
  readonly #leaves: Float64Array
  /** When it ends; Infinity for never. */
  readonly #expiryUs: Float64Array
  readonly #pegDifference: Float64Array
  /** Price of a peg as ratcheted so far; NaN before the first two-sided quote. May be half a micro. */
  readonly #pegPrice: Float64Array
  readonly #resting: RestingColumns
  readonly #deadlines: Deadlines

  /** Sequence of the next order, over all tickers. */
  #nextSequence = 1

  constructor({ capacity, definitions, tickers, events }: SimulatedVenueOptions) {
    this.#definitions = definitions
    this.#tickers = tickers
    this.#events = events
    const { venues } = definitions
    assert(venues.length <= VENUES_MAX, 'venue numbers fit their bits')
    const venueNumbers = new Map(venues.map(({ mic }, index) => [mic, index + 1]))
    this.#venueNumbers = venueNumbers
    this.#postingNumbers = new Map(venues.map(({ mic }) => [mic, postingNumbersOf(mic, venueNumbers)]))
    this.#place = new Uint8Array(capacity)
    this.#ticker = new Int32Array(capacity)
    this.#side = new Int8Array(capacity)
    this.#type = new Int8Array(capacity)
    this.#timeInForce = new Int8Array(capacity)
    this.#pegKind = new Uint8Array(capacity)
    this.#venue = new Uint8Array(capacity)
    this.#price = new Float64Array(capacity)
    this.#leaves = new Float64Array(capacity)
    this.#expiryUs = new Float64Array(capacity)
    this.#pegDifference = new Float64Array(capacity)
    this.#pegPrice = new Float64Array(capacity)
    this.#resting = new RestingColumns(capacity)
    this.#deadlines = new Deadlines(this.#expiryUs, this.#resting.sequence)
  }

  /** When `onTime` has something to do next; Infinity for never. */
  get nextDeadlineUs(): number {
    return this.#deadlines.nextUs
  }

  submit(slot: number, order: RoutedOrder, timestampUs: number): void {
    this.onTime(timestampUs)
    const book = this.#bookOf(order.tickerIndex, timestampUs)
    const reason = refusal(order, book, timestampUs)
    if (reason !== Reason.None) {
      this.#events.report(slot, OrderStatus.Rejected, 0, 0, timestampUs, reason, '')
      return
    }
    this.#write(slot, order, book, order.quantity, timestampUs)
    const price = this.#priceNow(slot, book)
    if (price > 0 && order.timeInForce === TimeInForce.Gtx) {
      this.#events.report(slot, OrderStatus.Rejected, 0, 0, timestampUs, Reason.WouldTrade, '')
      return
    }
    this.#events.report(slot, OrderStatus.New, 0, 0, timestampUs, Reason.None, '')
    this.#settle(slot, book, price, timestampUs)
  }

  cancel(slot: number, timestampUs: number, reason: Reason): void {
    this.onTime(timestampUs)
    if (this.#place[slot] === Place.None) return
    this.#release(slot)
    this.#events.report(slot, OrderStatus.PendingCancel, 0, 0, timestampUs, Reason.None, '')
    this.#events.report(slot, OrderStatus.Canceled, 0, 0, timestampUs, reason, '')
  }

  replace(slot: number, { price, leavesQty }: RoutedReplace, timestampUs: number): void {
    this.onTime(timestampUs)
    const place = this.#place[slot]!
    if (place === Place.None) return
    const events = this.#events
    const book = this.#books[this.#ticker[slot]!]!
    const before = this.#price[slot]!
    if (price !== before && this.#type[slot] === OrderType.Market) {
      events.replaceRejected(slot, Reason.TermNotReplaceable, timestampUs)
      return
    }
    if (leavesQty === 0) {
      this.#release(slot)
      events.replaced(slot, timestampUs)
      return
    }
    if (price === before && leavesQty <= this.#leaves[slot]!) {
      this.#leaves[slot] = leavesQty
      events.replaced(slot, timestampUs)
      return
    }
    this.#price[slot] = price
    const isDormant = place === Place.Dormant
    const pegPrice = this.#pegPrice[slot]!
    const tradesAt = isDormant ? 0 : this.#priceNow(slot, book)
    if (tradesAt > 0 && this.#timeInForce[slot] === TimeInForce.Gtx) {
      this.#price[slot] = before
      this.#pegPrice[slot] = pegPrice
      events.replaceRejected(slot, Reason.WouldTrade, timestampUs)
      return
    }
    // The deadlines go by the old sequence until it has left them.
    this.#release(slot)
    this.#leaves[slot] = leavesQty
    this.#resting.sequence[slot] = this.#nextSequence++
    if (this.#type[slot] === OrderType.Stop && isElected(this.#side[slot] as Side, price, book.lastPx)) {
      this.#type[slot] = OrderType.Market
    }
    events.replaced(slot, timestampUs)
    if (isDormant) {
      this.#deadlines.add(slot)
      this.#place[slot] = Place.Dormant
    } else {
      this.#settle(slot, book, this.#priceNow(slot, book), timestampUs)
    }
  }

  /** An order that is pending new again is left alone until the next update. */
  update(slot: number, status: OrderStatus, lastQty: Quantity): void {
    const place = this.#place[slot]!
    if (place === Place.None) return
    if (isTerminal(status)) {
      this.#release(slot)
      return
    }
    this.#leaves[slot] = Math.max(0, this.#leaves[slot]! - lastQty)
    const isDormant = isHeldBack(status, this.#timeInForce[slot] as TimeInForce)
    if (isDormant === (place === Place.Dormant)) return
    const book = this.#books[this.#ticker[slot]!]!
    if (isDormant) {
      this.#leaveQueue(slot)
      this.#place[slot] = Place.Dormant
    } else {
      this.#joinQueue(slot, book)
    }
  }

  restore(
    slot: number,
    order: RoutedOrder,
    status: OrderStatus,
    leavesQty: Quantity,
    acceptedUs: number,
    timestampUs: number,
  ): void {
    this.onTime(timestampUs)
    const book = this.#bookOf(order.tickerIndex, timestampUs)
    this.#write(slot, order, book, leavesQty, acceptedUs)
    if (this.#expiryUs[slot]! <= timestampUs) {
      this.#events.report(slot, OrderStatus.Expired, 0, 0, timestampUs, Reason.Expired, '')
    } else if (isHeldBack(status, order.timeInForce)) {
      this.#deadlines.add(slot)
      this.#place[slot] = Place.Dormant
    } else {
      this.#settle(slot, book, this.#priceNow(slot, book), timestampUs)
    }
  }

  /**
   * A snapshot of the market: replaces the quote and empties the depth, which follows by `onBook`. Fills nobody. Needed
   * only where data was lost, or where depth is to be known before the first order of the ticker.
   */
  onSnapshot(tickerIndex: number, bid: Price, ask: Price, nowUs: number): void {
    const book = this.#bookOf(tickerIndex, nowUs)
    book.emptyDepth()
    book.bid = bid
    book.ask = ask
  }

  /** Best bid and ask, 0 where there is none. A ticker that never had an order is ignored. */
  onQuote(tickerIndex: number, bid: Price, ask: Price, marketUs: number, nowUs: number): void {
    this.onTime(nowUs)
    const book = this.#books[tickerIndex]
    if (book === undefined) return
    book.keepSession(marketUs)
    if (bid === book.bid && ask === book.ask) return
    book.bid = bid
    book.ask = ask
    if (!book.isTwoSided) return
    this.#fillMarkets(book, nowUs)
    this.#fillCrossed(book, Place.AskLimits, bid, nowUs)
    this.#fillCrossed(book, Place.BidLimits, ask, nowUs)
    this.#fillPegs(book, nowUs)
  }

  /** A trade of the market. A ticker that never had an order is ignored. */
  onPrint(
    tickerIndex: number,
    price: Price,
    size: Quantity,
    condition: string,
    marketCenter: string,
    marketUs: number,
    nowUs: number,
  ): void {
    this.onTime(nowUs)
    const book = this.#books[tickerIndex]
    if (book === undefined) return
    book.keepSession(marketUs)
    const venue = this.#definitions.venueByMarketCenter(marketCenter)
    if (venue !== undefined && venue.mic === book.listing.mic) {
      if (book.awaitsClose && marketUs >= book.closeUs) {
        book.awaitsClose = false
        this.#fillOnClose(book, price, nowUs)
      }
      this.#fillOnOpen(book, price, marketUs, nowUs)
    }
    const lots = size - (size % ROUND_LOT)
    if (condition !== REGULAR_SALE || !(lots > 0)) return
    const venueNumber = venue === undefined ? NOT_POSTED : this.#venueNumbers.get(venue.mic)!
    this.#fillPrinted(book, Side.Ask, price, lots, venueNumber, nowUs)
    this.#fillPrinted(book, Side.Bid, price, lots, venueNumber, nowUs)
    book.lastPx = price
    this.#electStops(book, Place.AskStops, nowUs)
    this.#electStops(book, Place.BidStops, nowUs)
  }

  /**
   * What one market participant books at one venue, side and price; replaces what it booked there before. Depth is kept
   * from the first that is heard of a ticker, be there orders or not.
   * @param mic of the venue where it is booked; `size` 0 where the booking is gone.
   */
  onBook(
    tickerIndex: number,
    participant: string,
    mic: string,
    side: Side,
    price: Price,
    size: Quantity,
    nowUs: number,
  ): void {
    const venueNumber = this.#venueNumbers.get(mic)
    if (venueNumber === undefined || side === Side.None) return
    const book = this.#bookOf(tickerIndex, nowUs)
    book.setBooking(participant, venueNumber, side, price, size, this.#nextSequence)
  }

  /** Ends what is due. Every other call with a time does so first, so nothing is filled past its end. */
  onTime(nowUs: number): void {
    while (this.#deadlines.nextUs <= nowUs) {
      const slot = this.#deadlines.next
      this.#release(slot)
      this.#events.report(slot, OrderStatus.Expired, 0, 0, nowUs, Reason.Expired, '')
    }
  }

  // Orders come and go.

  #write(slot: number, order: RoutedOrder, book: SimulatedBook, leaves: Quantity, acceptedUs: number): void {
    assert(this.#place[slot] === Place.None, 'the slot is not held already')
    const { side, type, price, timeInForce } = order
    assert(side === Side.Bid || side === Side.Ask, 'an order has a side')
    this.#ticker[slot] = order.tickerIndex
    this.#side[slot] = side
    this.#type[slot] = type === OrderType.Stop && isElected(side, price, book.lastPx) ? OrderType.Market : type
    this.#timeInForce[slot] = timeInForce
    this.#venue[slot] = this.#postingNumbers.get(book.listing.mic)?.get(order.destination) ?? NOT_POSTED
    this.#price[slot] = price
    this.#leaves[slot] = leaves
    this.#expiryUs[slot] = expiryOf(order, book, acceptedUs)
    if (type === OrderType.Pegged) {
      this.#pegKind[slot] = order.pegKind
      this.#pegDifference[slot] = order.pegDifference
      this.#pegPrice[slot] = Number.NaN
    }
    this.#resting.sequence[slot] = this.#nextSequence++
  }

  /** An acknowledged order that was looked at: fills it at `price` if that is not 0, otherwise rests or ends it. */
  #settle(slot: number, book: SimulatedBook, price: Price, nowUs: number): void {
    if (price > 0) {
      this.#fill(slot, this.#leaves[slot]!, price, nowUs)
    } else if (isImmediate(this.#timeInForce[slot] as TimeInForce)) {
      this.#events.report(slot, OrderStatus.Canceled, 0, 0, nowUs, Reason.NotFilledAtOnce, '')
    } else {
      this.#deadlines.add(slot)
      this.#joinQueue(slot, book)
    }
  }

  /** Lets go of the slot, wherever it is. */
  #release(slot: number): void {
    this.#leaveQueue(slot)
    this.#deadlines.remove(slot)
    this.#place[slot] = Place.None
  }

  #joinQueue(slot: number, book: SimulatedBook): void {
    const place = this.#placeOf(slot)
    this.#place[slot] = place
    book.queues[place]!.add(slot, rankOf(place, this.#price[slot]!), isLimits(place) ? this.#venue[slot]! : NOT_POSTED)
  }

  #leaveQueue(slot: number): void {
    const place = this.#place[slot]!
    if (place >= Place.BidLimits) this.#books[this.#ticker[slot]!]!.queues[place]!.remove(slot)
  }

  #placeOf(slot: number): Place {
    const timeInForce = this.#timeInForce[slot] as TimeInForce
    if (timeInForce === TimeInForce.Moc) return Place.OnClose
    if (timeInForce === TimeInForce.Opg) return Place.OnOpen
    const isBid = this.#side[slot] === Side.Bid
    const type = this.#type[slot] as OrderType
    assert(type !== OrderType.None, 'an order has a type')
    switch (type) {
      case OrderType.Market:
        return Place.Markets
      case OrderType.Limit:
        return isBid ? Place.BidLimits : Place.AskLimits
      case OrderType.Pegged:
        return Place.Pegs
      case OrderType.Stop:
        return isBid ? Place.BidStops : Place.AskStops
      default:
        return unreachable(type)
    }
  }

  // Prices and fills.

  /** The quote's price at which the order trades now, 0 where it does not. */
  #priceNow(slot: number, book: SimulatedBook): Price {
    const timeInForce = this.#timeInForce[slot]
    if (!book.isTwoSided || timeInForce === TimeInForce.Moc || timeInForce === TimeInForce.Opg) return 0
    const side = this.#side[slot] as Side
    const price = this.#price[slot]!
    const type = this.#type[slot] as OrderType
    switch (type) {
      case OrderType.Market:
        return book.oppositeQuote(side)
      case OrderType.Limit:
        return reaches(side, book.oppositeQuote(side), price) ? book.oppositeQuote(side) : 0
      case OrderType.Pegged:
        return reaches(side, book.oppositeQuote(side), this.#ratchet(slot, book)) ? book.oppositeQuote(side) : 0
      case OrderType.Stop:
      case OrderType.None:
        return 0
      default:
        return unreachable(type)
    }
  }

  /**
   * Moves the price of a peg after its reference, only ever towards a trade and never beyond its cap, and returns it.
   */
  #ratchet(slot: number, book: SimulatedBook): Price {
    const isBid = this.#side[slot] === Side.Bid
    const difference = this.#pegDifference[slot]!
    const reference = pegReference(
      this.#pegKind[slot] as PegKind,
      isBid ? book.bid : book.ask,
      isBid ? book.ask : book.bid,
    )
    const candidate = isBid ? reference - difference : reference + difference
    const cap = this.#price[slot]!
    let price = this.#pegPrice[slot]!
    if (Number.isNaN(price) || (isBid ? candidate > price : candidate < price)) price = candidate
    if (cap !== 0) price = isBid ? Math.min(price, cap) : Math.max(price, cap)
    this.#pegPrice[slot] = price
    return price
  }

  /** Executes `quantity` of the order; with nothing left it is let go of before it is reported. */
  #fill(slot: number, quantity: Quantity, price: Price, nowUs: number): void {
    this.#leaves[slot]! -= quantity
    if (this.#leaves[slot]! > 0) {
      this.#events.report(slot, OrderStatus.PartiallyFilled, quantity, price, nowUs, Reason.None, '')
      return
    }
    this.#release(slot)
    this.#events.report(slot, OrderStatus.Filled, quantity, price, nowUs, Reason.None, '')
  }

  #fillMarkets(book: SimulatedBook, nowUs: number): void {
    const queue = book.queues[Place.Markets]!
    for (let slot = queue.first(); slot !== NONE; slot = queue.first()) {
      this.#fill(slot, this.#leaves[slot]!, book.oppositeQuote(this.#side[slot] as Side), nowUs)
    }
  }

  #fillCrossed(book: SimulatedBook, place: Place, quote: Price, nowUs: number): void {
    const queue = book.queues[place]!
    const rank = rankOf(place, quote)
    while (queue.firstRank <= rank) {
      const slot = queue.first()
      this.#fill(slot, this.#leaves[slot]!, quote, nowUs)
    }
  }

  #fillPegs(book: SimulatedBook, nowUs: number): void {
    const queue = book.queues[Place.Pegs]!
    let slot = queue.first()
    while (slot !== NONE) {
      const behind = queue.behind(slot)
      const price = this.#priceNow(slot, book)
      if (price > 0) this.#fill(slot, this.#leaves[slot]!, price, nowUs)
      slot = behind
    }
  }

  /** Shares `size` of a print among the limit orders of one side: through the limit first, then at it. */
  #fillPrinted(
    book: SimulatedBook,
    side: Side,
    price: Price,
    size: Quantity,
    venueNumber: number,
    nowUs: number,
  ): void {
    const place = side === Side.Bid ? Place.BidLimits : Place.AskLimits
    const queue = book.queues[place]!
    const rank = rankOf(place, price)
    let available = size
    while (available > 0 && queue.firstRank < rank) {
      const slot = queue.first()
      const quantity = Math.min(this.#leaves[slot]!, available)
      available -= quantity
      this.#fill(slot, quantity, this.#price[slot]!, nowUs)
    }
    if (venueNumber === NOT_POSTED || queue.isEmpty) return
    const waitsFrom = book.waitsFrom(venueNumber, side, price)
    let slot = available > 0 ? queue.firstAt(rank, venueNumber) : NONE
    while (available > 0 && slot !== NONE && this.#resting.sequence[slot]! < waitsFrom) {
      const behind = queue.behind(slot)
      const quantity = Math.min(this.#leaves[slot]!, available)
      available -= quantity
      this.#fill(slot, quantity, price, nowUs)
      slot = behind
    }
  }

  /** Turns the stops of one side that the last print reached into market orders. */
  #electStops(book: SimulatedBook, place: Place, nowUs: number): void {
    const queue = book.queues[place]!
    const rank = rankOf(place, book.lastPx)
    while (queue.firstRank <= rank) {
      const slot = queue.first()
      this.#leaveQueue(slot)
      this.#type[slot] = OrderType.Market
      this.#joinQueue(slot, book)
      const price = this.#priceNow(slot, book)
      if (price > 0) this.#fill(slot, this.#leaves[slot]!, price, nowUs)
    }
  }

  #fillOnClose(book: SimulatedBook, price: Price, nowUs: number): void {
    const queue = book.queues[Place.OnClose]!
    for (let slot = queue.first(); slot !== NONE; slot = queue.first()) {
      this.#fill(slot, this.#leaves[slot]!, price, nowUs)
    }
  }

  /** Ends the on-open orders whose opening this print is; those that came after it wait for the next. */
  #fillOnOpen(book: SimulatedBook, price: Price, marketUs: number, nowUs: number): void {
    const queue = book.queues[Place.OnOpen]!
    let slot = queue.first()
    while (slot !== NONE) {
      const behind = queue.behind(slot)
      // Such an order ends with the session that it is to open.
      if (marketUs >= this.#expiryUs[slot]! - SESSION_US) {
        const limit = this.#price[slot]!
        if (limit === 0 || reaches(this.#side[slot] as Side, price, limit)) {
          this.#fill(slot, this.#leaves[slot]!, price, nowUs)
        } else {
          this.#release(slot)
          this.#events.report(slot, OrderStatus.Expired, 0, 0, nowUs, Reason.Expired, '')
        }
      }
      slot = behind
    }
  }

  #bookOf(tickerIndex: number, nowUs: number): SimulatedBook {
    let book = this.#books[tickerIndex]
    if (book === undefined) {
      const tickers = this.#tickers
      const listing = tickers.listing(tickerIndex)
      book = new SimulatedBook(listing, this.#resting, tickers.bid(tickerIndex), tickers.ask(tickerIndex))
      book.keepSession(nowUs)
      this.#books[tickerIndex] = book
    }
    return book
  }
}

/** A ladder of what the venue does not take; side and type were validated at the door. */
function refusal(order: RoutedOrder, book: SimulatedBook, nowUs: number): Reason {
  const { type, timeInForce } = order
  if (!(order.quantity > 0)) return Reason.InvalidQuantity
  if (timeInForce === TimeInForce.Gtd && order.expiryUs <= nowUs) return Reason.InvalidExpiry
  // A stop trades as a market order when it is elected, which is neither at the opening nor ever without trading.
  if (type === OrderType.Stop && (timeInForce === TimeInForce.Opg || timeInForce === TimeInForce.Gtx)) {
    return Reason.InvalidTimeInForce
  }
  if (type === OrderType.Market && !book.isTwoSided) return Reason.NoBbo
  return Reason.None
}

/** When an order ends that was accepted at `acceptedUs`; Infinity for never. */
function expiryOf(order: RoutedOrder, book: SimulatedBook, acceptedUs: number): number {
  switch (order.timeInForce) {
    case TimeInForce.Day:
      return book.dayEnd(acceptedUs)
    case TimeInForce.Opg:
      // The next opening is that of the first session that opens, not closes, after it came.
      return closeAfter(book.listing.timeZone, acceptedUs + SESSION_US)
    case TimeInForce.Gtd:
      return order.expiryUs
    case TimeInForce.None:
    case TimeInForce.Gtc:
    case TimeInForce.Moc:
    case TimeInForce.Ioc:
    case TimeInForce.Fok:
    case TimeInForce.Gtx:
      return Number.POSITIVE_INFINITY
    default:
      return unreachable(order.timeInForce)
  }
}

/** Pending new means that nothing fills the order, except for the closing print, which fills whatever waits for it. */
function isHeldBack(status: OrderStatus, timeInForce: TimeInForce): boolean {
  return status === OrderStatus.PendingNew && timeInForce !== TimeInForce.Moc
}

function isImmediate(timeInForce: TimeInForce): boolean {
  return timeInForce === TimeInForce.Ioc || timeInForce === TimeInForce.Fok
}

function isLimits(place: Place): boolean {
  return place === Place.BidLimits || place === Place.AskLimits
}

/** Whether a bid with this limit may buy, or an ask sell, at `price`. */
function reaches(side: Side, price: Price, limit: Price): boolean {
  return side === Side.Bid ? price <= limit : price >= limit
}

/** Whether the last print, if there is one, is at or through the trigger of a stop. */
function isElected(side: Side, trigger: Price, lastPx: Price): boolean {
  return lastPx > 0 && (side === Side.Bid ? lastPx >= trigger : lastPx <= trigger)
}

function pegReference(kind: PegKind, own: Price, opposite: Price): Price {
  switch (kind) {
    case PegKind.Primary:
      return own
    case PegKind.Market:
      return opposite
    case PegKind.Midpoint:
      return (own + opposite) / 2
    default:
      return unreachable(kind)
  }
}

/** Venue numbers of the posting venues, by destination, for tickers listed at the venue with this MIC. */
function postingNumbersOf(mic: string, venueNumbers: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>()
  for (const [destination, posting] of postingVenuesOf(mic)) {
    const number = venueNumbers.get(posting)
    if (number !== undefined) numbers.set(destination, number)
  }
  return numbers
}
