// No order may carry what the account ties up, in all its tickers together, beyond the limit; reaching it exactly is
// fine. The check looks at what would be used and leaves in the order the price at which it is to be held.

import { expectedPrice } from '../accounting/order-pricing.ts'
import { CURRENCY_NONE, type CurrencyId } from '../domain/currencies.ts'
import { AmountOutOfRange, type Money, numberOfMicros, type Price } from '../domain/money.ts'
import { OrderType } from '../domain/order-type.ts'
import { Reason } from '../domain/reasons.ts'
import type { OrderUnderCheck, Quote, Refusal } from './check.ts'

/** What the check asks about the market. */
export interface BuyingPowerView {
  /** Fills in the quote of the ticker under check; false where there is none. */
  quote(tickerIndex: number, quote: Quote): boolean
  /** An amount or price of one currency in another, rounded once; NaN where there is no rate. @throws AmountOutOfRange */
  convert(amount: number, from: CurrencyId, to: CurrencyId): number
}

/** What the check asks about the account. */
export interface BuyingPowerAccount {
  /** Currency of limit and use; CURRENCY_NONE for an account without risk parameters. */
  readonly currency: CurrencyId
  readonly buyingPowerLimit: Money
  /**
   * What the account would tie up with the order held at its `holdPrice`; infinity where that leaves the range of
   * amounts.
   */
  usedIfSubmitted(order: OrderUnderCheck): Money
}

export class BuyingPowerCheck {
  readonly #quote: Quote = { bid: 0, ask: 0 }

  check(order: OrderUnderCheck, account: BuyingPowerAccount, market: BuyingPowerView, refusal: Refusal): boolean {
    const quote = this.#quote
    if (!market.quote(order.tickerIndex, quote)) return refusal.set(Reason.NoBbo)
    if (order.type === OrderType.Limit && order.price <= 0) return refusal.set(Reason.InvalidPrice)
    const expected = expectedPrice(order.type, order.side, order.price, quote.bid, quote.ask)
    if (expected === 0) return refusal.set(Reason.NoBbo)
    const holdPrice = convert(expected, order.currency, account.currency, market)
    if (Number.isNaN(holdPrice)) return refusal.set(Reason.CurrencyNotRecognized)
    order.holdPrice = holdPrice
    const used = holdPrice === Number.POSITIVE_INFINITY ? holdPrice : account.usedIfSubmitted(order)
    if (used <= account.buyingPowerLimit) return true
    if (used === Number.POSITIVE_INFINITY) return refusal.set(Reason.AmountTooLarge)
    return refusal.set(Reason.ExceedsBuyingPower, numberOfMicros(used), numberOfMicros(account.buyingPowerLimit))
  }
}

/** NaN where there is no rate, infinity where the result leaves the range. */
function convert(price: Price, from: CurrencyId, to: CurrencyId, market: BuyingPowerView): Price {
  if (to === CURRENCY_NONE) return Number.NaN
  if (from === to) return price
  try {
    return market.convert(price, from, to)
  } catch (error) {
    if (error instanceof AmountOutOfRange) return Number.POSITIVE_INFINITY
    throw error
  }
}
