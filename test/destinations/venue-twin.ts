// The simulated venue once more, slow and obvious: plain objects in one list in the order of submission, everything
// found by looking through it, the queue counted as size ahead and size behind, closes by hours of fixed time zones.
// It holds in August, when no clock of the two venues changes.

import type { RoutedOrder } from '../../src/destinations/destination.ts'
import { PegKind } from '../../src/destinations/peg.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { Side } from '../../src/domain/side.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'

export interface TwinListing {
  readonly mic: string
  readonly hoursFromUtc: number
  /** Destination → MIC of the posting venue. */
  readonly posting: Readonly<Record<string, string>>
}

/** `[orderId, status, lastQty, lastPx, timestamp, reason]`. */
export type TwinReport = readonly [number, OrderStatus, number, number, number, Reason]

const HOUR_US = 3_600_000_000
const DAY_US = 24 * HOUR_US

interface TwinOrder extends Omit<RoutedOrder, 'quantity' | 'byAdministrator'> {
  readonly id: number
  leaves: number
  isHeldBack: boolean
  readonly endUs: number
  readonly postedAt: string | undefined
  ahead: number
  behind: number
  pegPrice: number | undefined
}

class TwinTicker {
  readonly listing: TwinListing
  bid = 0
  ask = 0
  lastPx = 0
  day = -1
  closeUs = 0
  awaitsClose = false
  bookings: { participant: string; mic: string; side: Side; price: number; size: number }[] = []

  constructor(listing: TwinListing) {
    this.listing = listing
  }

  get isTwoSided(): boolean {
    return this.bid > 0 && this.ask > 0
  }

  booked(mic: string, side: Side, price: number): number {
    return this.bookings
      .filter(booking => booking.mic === mic && booking.side === side && booking.price === price)
      .reduce((sum, booking) => sum + booking.size, 0)
  }
}

export class VenueTwin {
  readonly log: TwinReport[] = []
  #orders: TwinOrder[] = []
  readonly #tickers: (TwinTicker | undefined)[] = []
  readonly #listings: readonly TwinListing[]

  constructor(listings: readonly TwinListing[]) {
    this.#listings = listings
  }

  submit(id: number, order: RoutedOrder, now: number): void {
    this.onTime(now)
    const ticker = this.#ticker(order.tickerIndex, now)
    const { type, timeInForce } = order
    const reject = (reason: Reason): void => this.#report(id, OrderStatus.Rejected, 0, 0, now, reason)
    if (order.quantity <= 0) return void reject(Reason.InvalidQuantity)
    if (timeInForce === TimeInForce.Gtd && order.expiryUs <= now) return void reject(Reason.InvalidExpiry)
    if (type === OrderType.Stop && timeInForce === TimeInForce.Opg) return void reject(Reason.InvalidTimeInForce)
    if (type === OrderType.Stop && timeInForce === TimeInForce.Gtx) return void reject(Reason.InvalidTimeInForce)
    if (type === OrderType.Market && !ticker.isTwoSided) return void reject(Reason.NoBbo)
    const twin = this.#make(id, order, order.quantity, now)
    if (timeInForce === TimeInForce.Gtx && this.#tradesAt(twin) > 0) return void reject(Reason.WouldTrade)
    this.#report(id, OrderStatus.New, 0, 0, now, Reason.None)
    this.#enter(twin, now)
  }

  restore(id: number, order: RoutedOrder, status: OrderStatus, leaves: number, accepted: number, now: number): void {
    this.onTime(now)
    this.#ticker(order.tickerIndex, now)
    const twin = this.#make(id, order, leaves, accepted)
    if (twin.endUs <= now) {
      this.#report(id, OrderStatus.Expired, 0, 0, now, Reason.Expired)
    } else if (status === OrderStatus.PendingNew) {
      twin.isHeldBack = true
      this.#orders.push(twin)
    } else {
      this.#enter(twin, now)
    }
  }

  cancel(id: number, now: number): void {
    this.onTime(now)
    if (!this.#remove(id)) return
    this.#report(id, OrderStatus.PendingCancel, 0, 0, now, Reason.None)
    this.#report(id, OrderStatus.Canceled, 0, 0, now, Reason.CanceledOnRequest)
  }

  /** New terms, of which `leaves` is to be left. That nothing is left ends the order, which is the desk's part. */
  replace(id: number, price: number, leaves: number, now: number): void {
    this.onTime(now)
    const order = this.#orders.find(order => order.id === id)
    if (order === undefined) return
    const isRepriced = price !== order.price
    if (isRepriced && order.type === OrderType.Market) {
      this.#report(id, OrderStatus.ReplaceReject, 0, 0, now, Reason.TermNotReplaceable)
    } else if (leaves === 0) {
      this.#remove(id)
      this.#report(id, OrderStatus.Replaced, 0, 0, now, Reason.None)
      this.#report(id, OrderStatus.Canceled, 0, 0, now, Reason.NothingLeftByReplace)
    } else if (!isRepriced && leaves <= order.leaves) {
      order.leaves = leaves
      this.#report(id, OrderStatus.Replaced, 0, 0, now, Reason.None)
    } else {
      const { endUs, isHeldBack, pegPrice } = order
      const asked = { ...order, price, quantity: leaves, byAdministrator: false }
      const next = { ...this.#make(id, asked, leaves, now), endUs, isHeldBack, pegPrice }
      if (order.timeInForce === TimeInForce.Gtx && !isHeldBack && this.#tradesAt(next) > 0) {
        this.#report(id, OrderStatus.ReplaceReject, 0, 0, now, Reason.WouldTrade)
        return
      }
      this.#remove(id)
      this.#report(id, OrderStatus.Replaced, 0, 0, now, Reason.None)
      if (isHeldBack) this.#orders.push(next)
      else this.#enter(next, now)
    }
  }

  /** The price of a live order; undefined where there is none. */
  priceOf(id: number): number | undefined {
    return this.#orders.find(order => order.id === id)?.price
  }

  update(id: number, status: OrderStatus, lastQty: number): void {
    const order = this.#orders.find(order => order.id === id)
    if (order === undefined) return
    order.leaves = Math.max(0, order.leaves - lastQty)
    order.isHeldBack = status === OrderStatus.PendingNew
    if (status === OrderStatus.Canceled || status === OrderStatus.Filled) this.#remove(id)
  }

  onTime(now: number): void {
    const due = this.#orders.filter(order => order.endUs <= now).sort((a, b) => a.endUs - b.endUs)
    for (const order of due) {
      this.#remove(order.id)
      this.#report(order.id, OrderStatus.Expired, 0, 0, now, Reason.Expired)
    }
  }

  onQuote(tickerIndex: number, bid: number, ask: number, marketUs: number, now: number): void {
    this.onTime(now)
    const ticker = this.#tickers[tickerIndex]
    if (ticker === undefined) return
    this.#keepSession(ticker, marketUs)
    if (ticker.bid === bid && ticker.ask === ask) return
    ticker.bid = bid
    ticker.ask = ask
    for (const isKind of [isMarket, isAskLimit, isBidLimit, isPeg]) {
      for (const order of this.#inLine(tickerIndex, isKind)) {
        const price = order.isHeldBack ? 0 : this.#tradesAt(order)
        if (price > 0) this.#fill(order, order.leaves, price, now)
      }
    }
  }

  onPrint(
    tickerIndex: number,
    price: number,
    size: number,
    condition: string,
    printedAt: string,
    marketUs: number,
    now: number,
  ): void {
    this.onTime(now)
    const ticker = this.#tickers[tickerIndex]
    if (ticker === undefined) return
    this.#keepSession(ticker, marketUs)
    if (printedAt === ticker.listing.mic) this.#openAndClose(tickerIndex, ticker, price, marketUs, now)
    const lots = Math.floor(size / 100_000_000) * 100_000_000
    if (condition !== '@' || lots === 0) return
    for (const isKind of [isAskLimit, isBidLimit]) {
      let available = lots
      const share = (order: TwinOrder): void => {
        const quantity = Math.min(order.leaves, available)
        available -= quantity
        this.#fill(order, quantity, order.price, now)
      }
      const line = this.#inLine(tickerIndex, isKind).filter(order => !order.isHeldBack)
      for (const order of line) {
        const isThrough = order.side === Side.Bid ? price < order.price : price > order.price
        if (isThrough && available > 0) share(order)
      }
      for (const order of line) {
        const isFirst = order.postedAt === printedAt && order.ahead === 0
        if (order.price === price && isFirst && available > 0) share(order)
      }
    }
    ticker.lastPx = price
    for (const isKind of [isAskStop, isBidStop]) {
      const reached = this.#inLine(tickerIndex, isKind).filter(order => !order.isHeldBack && isElected(order, price))
      for (const order of reached) {
        order.type = OrderType.Market
        const quote = this.#tradesAt(order)
        if (quote > 0) this.#fill(order, order.leaves, quote, now)
      }
    }
  }

  onBook(
    tickerIndex: number,
    participant: string,
    mic: string,
    side: Side,
    price: number,
    size: number,
    now: number,
  ): void {
    const ticker = this.#ticker(tickerIndex, now)
    const before = ticker.booked(mic, side, price)
    ticker.bookings = ticker.bookings.filter(
      booking =>
        booking.participant !== participant || booking.mic !== mic || booking.side !== side || booking.price !== price,
    )
    ticker.bookings.push({ participant, mic, side, price, size: Math.max(0, size) })
    const change = ticker.booked(mic, side, price) - before
    for (const order of this.#orders) {
      if (order.tickerIndex !== tickerIndex || order.postedAt !== mic) continue
      if (order.side !== side || order.price !== price) continue
      if (change > 0) order.behind += change
      const fromBehind = Math.min(order.behind, Math.max(0, -change))
      order.behind -= fromBehind
      order.ahead -= Math.min(order.ahead, Math.max(0, -change) - fromBehind)
    }
  }

  #openAndClose(tickerIndex: number, ticker: TwinTicker, price: number, marketUs: number, now: number): void {
    const all = this.#orders.filter(order => order.tickerIndex === tickerIndex)
    if (ticker.awaitsClose && marketUs >= ticker.closeUs) {
      ticker.awaitsClose = false
      for (const order of all) if (order.timeInForce === TimeInForce.Moc) this.#fill(order, order.leaves, price, now)
    }
    for (const order of all) {
      const openUs = order.endUs - 6.5 * HOUR_US
      if (order.timeInForce !== TimeInForce.Opg || order.isHeldBack || marketUs < openUs) continue
      const isAllowed = order.price === 0 || (order.side === Side.Bid ? price <= order.price : price >= order.price)
      if (isAllowed) {
        this.#fill(order, order.leaves, price, now)
      } else {
        this.#remove(order.id)
        this.#report(order.id, OrderStatus.Expired, 0, 0, now, Reason.Expired)
      }
    }
  }

  #make(id: number, order: RoutedOrder, leaves: number, accepted: number): TwinOrder {
    const ticker = this.#tickers[order.tickerIndex]!
    const isQueued = order.type === OrderType.Limit && order.timeInForce !== TimeInForce.Moc
    const postedAt = isQueued ? ticker.listing.posting[order.destination] : undefined
    const twin: TwinOrder = {
      ...order,
      id,
      leaves,
      isHeldBack: false,
      endUs: endOf(order, ticker.listing, accepted),
      postedAt,
      ahead: postedAt === undefined ? 0 : ticker.booked(postedAt, order.side, order.price),
      behind: 0,
      pegPrice: undefined,
    }
    if (order.type === OrderType.Stop && isElected(twin, ticker.lastPx)) twin.type = OrderType.Market
    return twin
  }

  #enter(order: TwinOrder, now: number): void {
    this.#orders.push(order)
    const price = this.#tradesAt(order)
    if (price > 0) {
      this.#fill(order, order.leaves, price, now)
    } else if (order.timeInForce === TimeInForce.Ioc || order.timeInForce === TimeInForce.Fok) {
      this.#remove(order.id)
      this.#report(order.id, OrderStatus.Canceled, 0, 0, now, Reason.NotFilledAtOnce)
    }
  }

  /** The quote's price at which the order trades, 0 if it does not. Moves the price of a peg. */
  #tradesAt(order: TwinOrder): number {
    const ticker = this.#tickers[order.tickerIndex]!
    if (!ticker.isTwoSided || order.timeInForce === TimeInForce.Moc || order.timeInForce === TimeInForce.Opg) return 0
    const { bid, ask } = ticker
    const isBid = order.side === Side.Bid
    if (order.type === OrderType.Market) return isBid ? ask : bid
    if (order.type === OrderType.Stop) return 0
    let limit = order.price
    if (order.type === OrderType.Pegged) {
      const reference = { [PegKind.Primary]: isBid ? bid : ask, [PegKind.Market]: isBid ? ask : bid }
      const middle = (bid + ask) / 2
      const from = order.pegKind === PegKind.Midpoint ? middle : reference[order.pegKind]
      const candidates = [isBid ? from - order.pegDifference : from + order.pegDifference]
      if (order.pegPrice !== undefined) candidates.push(order.pegPrice)
      limit = isBid ? Math.max(...candidates) : Math.min(...candidates)
      if (order.price !== 0) limit = isBid ? Math.min(limit, order.price) : Math.max(limit, order.price)
      order.pegPrice = limit
    }
    if (isBid) return ask <= limit ? ask : 0
    return bid >= limit ? bid : 0
  }

  #fill(order: TwinOrder, quantity: number, price: number, now: number): void {
    order.leaves -= quantity
    if (order.leaves <= 0) this.#remove(order.id)
    const status = order.leaves <= 0 ? OrderStatus.Filled : OrderStatus.PartiallyFilled
    this.#report(order.id, status, quantity, price, now, Reason.None)
  }

  /** Orders of one kind as they are served: the most eager price first, then in the order of submission. */
  #inLine(tickerIndex: number, isKind: (order: TwinOrder) => boolean): TwinOrder[] {
    return this.#orders
      .filter(order => order.tickerIndex === tickerIndex && isKind(order) && !waitsForPrint(order))
      .sort((a, b) => eagerness(a) - eagerness(b))
  }

  #remove(id: number): boolean {
    const before = this.#orders.length
    this.#orders = this.#orders.filter(order => order.id !== id)
    return this.#orders.length < before
  }

  #ticker(tickerIndex: number, now: number): TwinTicker {
    const known = this.#tickers[tickerIndex]
    if (known !== undefined) return known
    const ticker = new TwinTicker(this.#listings[tickerIndex]!)
    this.#tickers[tickerIndex] = ticker
    this.#keepSession(ticker, now)
    return ticker
  }

  #keepSession(ticker: TwinTicker, at: number): void {
    const day = Math.floor(at / DAY_US)
    if (day === ticker.day) return
    ticker.day = day
    ticker.closeUs = closeOf(at, ticker.listing)
    ticker.awaitsClose = at < ticker.closeUs
    ticker.lastPx = 0
    ticker.bookings = []
  }

  #report(id: number, status: OrderStatus, lastQty: number, lastPx: number, now: number, reason: Reason): void {
    this.log.push([id, status, lastQty, lastPx, now, reason])
  }
}

const isMarket = (order: TwinOrder): boolean => order.type === OrderType.Market
const isPeg = (order: TwinOrder): boolean => order.type === OrderType.Pegged
const isAskLimit = (order: TwinOrder): boolean => order.type === OrderType.Limit && order.side === Side.Ask
const isBidLimit = (order: TwinOrder): boolean => order.type === OrderType.Limit && order.side === Side.Bid
const isAskStop = (order: TwinOrder): boolean => order.type === OrderType.Stop && order.side === Side.Ask
const isBidStop = (order: TwinOrder): boolean => order.type === OrderType.Stop && order.side === Side.Bid

function waitsForPrint(order: TwinOrder): boolean {
  return order.timeInForce === TimeInForce.Moc || order.timeInForce === TimeInForce.Opg
}

function eagerness(order: TwinOrder): number {
  if (order.type === OrderType.Limit) return order.side === Side.Bid ? -order.price : order.price
  if (order.type === OrderType.Stop) return order.side === Side.Bid ? order.price : -order.price
  return 0
}

function isElected(order: TwinOrder, lastPx: number): boolean {
  return lastPx > 0 && (order.side === Side.Bid ? lastPx >= order.price : lastPx <= order.price)
}

function endOf(order: RoutedOrder, listing: TwinListing, accepted: number): number {
  if (order.timeInForce === TimeInForce.Gtd) return order.expiryUs
  const isDay = order.timeInForce === TimeInForce.Day
  if (!isDay && order.timeInForce !== TimeInForce.Opg) return Number.POSITIVE_INFINITY
  for (let at = accepted; ; at += DAY_US) {
    const closeUs = closeOf(at, listing)
    const beginsUs = isDay ? closeUs : closeUs - 6.5 * HOUR_US
    const weekday = new Date(closeUs / 1_000 + listing.hoursFromUtc * 3_600_000).getUTCDay()
    if (accepted < beginsUs && weekday !== 0 && weekday !== 6) return closeUs
  }
}

function closeOf(at: number, { hoursFromUtc }: TwinListing): number {
  const localDay = Math.floor((at + hoursFromUtc * HOUR_US) / DAY_US)
  return localDay * DAY_US + (16 - hoursFromUtc) * HOUR_US
}
