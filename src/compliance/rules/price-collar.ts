// Keeps an order from trading far away from the market: a bid must not be priced too far above, an ask not too far
// below what the ticker is quoted at and traded at last. The passive side is free: who asks too much just waits.

import type { Quote, Refusal } from '../../checks/check.ts'
import { mulDiv, numberOfMicros, type Price } from '../../domain/money.ts'
import { OrderType } from '../../domain/order-type.ts'
import { Reason } from '../../domain/reasons.ts'
import { Side } from '../../domain/side.ts'
import { type OrderUnderRule, Rule, type RuleContext } from '../rule.ts'

/** Hundredths of a percent in the whole. */
const WHOLE = 10_000

export class PriceCollar extends Rule {
  /** Distance permitted, in hundredths of a percent. */
  readonly #distance: number
  readonly #refusesBlind: boolean
  readonly #context: RuleContext
  readonly #quote: Quote = { bid: 0, ask: 0 }

  /** @param refusesBlind refuses orders that there is no market to judge by. */
  constructor(percent: number, refusesBlind: boolean, context: RuleContext) {
    super()
    this.#distance = Math.round(percent * 100)
    this.#refusesBlind = refusesBlind
    this.#context = context
  }

  override permits(order: OrderUnderRule, refusal: Refusal): boolean {
    const { view } = this.#context
    const { side, tickerIndex } = order
    const quote = this.#quote
    const isQuoted = view.quote(tickerIndex, quote)
    const opposing = !isQuoted ? 0 : side === Side.Ask ? quote.bid : quote.ask
    const own = !isQuoted ? 0 : side === Side.Ask ? quote.ask : quote.bid
    const print = view.lastPrint(tickerIndex)
    // Market orders, and those that become one, trade at the opposite side whatever it shows; so it is judged itself, by
    // the side that they are on.
    const isLimited = order.type === OrderType.Limit || (order.type === OrderType.Pegged && order.price > 0)
    const price = isLimited ? order.price : opposing
    const quoted = isLimited ? opposing || own : own
    if (price === 0 || (quoted === 0 && print === 0)) return !this.#refusesBlind || refusal.set(Reason.NoBbo)
    return this.#isNear(price, quoted, side, refusal) && this.#isNear(price, print, side, refusal)
  }

  #isNear(price: Price, reference: Price, side: Side, refusal: Refusal): boolean {
    if (reference === 0) return true
    const distance = mulDiv(reference, this.#distance, WHOLE)
    const end = side === Side.Ask ? reference - distance : reference + distance
    if (side === Side.Ask ? price >= end : price <= end) return true
    return refusal.set(Reason.PriceOutsideCollar, numberOfMicros(price), numberOfMicros(end))
  }
}
