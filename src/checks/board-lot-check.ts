// Orders on venues with board lots have to be for multiples of the lot, which depends on what the ticker traded at
// before today. The previous close is looked up at most once an hour; where there is none, the best bid stands in and
// stays the reference until a close is found.

import { boardLot, hasBoardLots } from '../accounting/order-pricing.ts'
import { numberOfMicros, type Price, type Quantity } from '../domain/money.ts'
import { Reason } from '../domain/reasons.ts'
import { startOfDay } from '../domain/venue-time.ts'
import type { OrderUnderCheck, Quote, Refusal } from './check.ts'

/** What the check asks about the market. */
export interface BoardLotView {
  /** Fills in the quote of the ticker under check; false where there is none. */
  quote(tickerIndex: number, quote: Quote): boolean
  /**
   * Price of the last trade of the ticker under check on the market center of its primary venue, at or before `instant`
   * (microseconds); 0 where there is none.
   */
  previousClose(tickerIndex: number, instant: number): Price
}

const LOOKUP_INTERVAL_US = 3_600_000_000

export class BoardLotCheck {
  /** By ticker index: the lot in micros that follows from the reference price, 0 while there is none; and since when. */
  readonly #lot: Float64Array
  readonly #updateTime: Float64Array
  readonly #quote: Quote = { bid: 0, ask: 0 }

  /** Remembers reference prices of the tickers 0 … tickersMax − 1; of others each order looks them up. */
  constructor(tickersMax: number) {
    this.#lot = new Float64Array(tickersMax)
    this.#updateTime = new Float64Array(tickersMax)
  }

  check(order: OrderUnderCheck, _account: unknown, market: BoardLotView, refusal: Refusal): boolean {
    if (!hasBoardLots(order.venue.mic)) return true
    const lot = this.#lotOf(order, market)
    if (lot === 0) return refusal.set(Reason.NoBbo)
    return order.quantity % lot === 0 || refusal.set(Reason.BoardLot, numberOfMicros(lot))
  }

  #lotOf(order: OrderUnderCheck, market: BoardLotView): Quantity {
    const { tickerIndex, timestamp } = order
    const known = this.#lot[tickerIndex] ?? 0
    if (known !== 0 && timestamp - this.#updateTime[tickerIndex]! <= LOOKUP_INTERVAL_US) return known
    let price = market.previousClose(tickerIndex, startOfDay(order.venue.timeZone, timestamp))
    if (price === 0) {
      if (known !== 0) return known
      if (!market.quote(tickerIndex, this.#quote)) return 0
      price = this.#quote.bid
    }
    const lot = boardLot(price)
    if (tickerIndex >= 0) {
      this.#lot[tickerIndex] = lot
      this.#updateTime[tickerIndex] = timestamp
    }
    return lot
  }
}
