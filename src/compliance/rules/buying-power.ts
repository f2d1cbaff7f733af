// What the rule has let pass may tie up so much money and no more: the check of an account's buying power, with a limit
// and a currency of the rule's own. It is one model for everything the rule sees, so that on a group the position of one
// account covers the orders of another; `per_account` around it separates them.

import { expectedPrice } from '../../accounting/order-pricing.ts'
import { type BuyingPowerAccount, BuyingPowerCheck } from '../../checks/buying-power-check.ts'
import type { OrderUnderCheck, Quote, Refusal } from '../../checks/check.ts'
import type { CurrencyId } from '../../domain/currencies.ts'
import { AmountOutOfRange, type Money, type Price, type Quantity } from '../../domain/money.ts'
import { OrderType } from '../../domain/order-type.ts'
import { Reason } from '../../domain/reasons.ts'
import { CostBook } from '../cost-book.ts'
import {
  type OrderUnderRule,
  type PositionUnderRule,
  type ReportUnderRule,
  Rule,
  type RuleContext,
  type WatchedOrder,
} from '../rule.ts'

export class BuyingPower extends Rule implements BuyingPowerAccount {
  readonly buyingPowerLimit: Money
  readonly currency: CurrencyId
  readonly #context: RuleContext
  readonly #number: number
  readonly #book: CostBook
  readonly #check = new BuyingPowerCheck()
  readonly #quote: Quote = { bid: 0, ask: 0 }
  /** What is left of the order that the check asks about: less than its quantity, where it replaces a filled one. */
  #leavesQty: Quantity = 0
  /** An amount that nobody checked has left the range: what is used is not known any more, and everything is refused. */
  #isUnknown = false

  constructor(limit: Money, currency: CurrencyId, context: RuleContext) {
    super()
    this.buyingPowerLimit = limit
    this.currency = currency
    this.#context = context
    this.#number = context.enlist(this)
    this.#book = new CostBook(context.room)
  }

  usedIfSubmitted({ tickerIndex, side, holdPrice }: OrderUnderCheck): Money {
    return this.#book.usedWith(tickerIndex, side, this.#leavesQty, holdPrice)
  }

  override permits(order: OrderUnderRule, refusal: Refusal): boolean {
    return !Number.isNaN(this.#priceOf(order, refusal))
  }

  override submit(order: OrderUnderRule, refusal: Refusal): boolean {
    const price = this.#priceOf(order, refusal)
    if (Number.isNaN(price)) return false
    this.#hold(order, price)
    return true
  }

  /** The price at which an order that passes is held; NaN for one that does not. */
  #priceOf(order: OrderUnderRule, refusal: Refusal): Price {
    if (this.#isUnknown) {
      refusal.set(Reason.AmountTooLarge)
      return Number.NaN
    }
    // The check leaves its price in the order, where the account's own check has left the one to hold it at.
    const { holdPrice } = order
    this.#leavesQty = order.leavesQty
    const passes = this.#check.check(order, this, this.#context.view, refusal)
    const rulePrice = order.holdPrice
    order.holdPrice = holdPrice
    return passes ? rulePrice : Number.NaN
  }

  /** At the expected price or, where that cannot be had, at the limit of a limit order, or at nothing. */
  override add(order: OrderUnderRule): void {
    const { type, side, price, tickerIndex, currency } = order
    const quote = this.#quote
    const isQuoted = this.#context.view.quote(tickerIndex, quote)
    const isPriced = type !== OrderType.Limit || price > 0
    const expected = isPriced ? expectedPrice(type, side, price, isQuoted ? quote.bid : 0, isQuoted ? quote.ask : 0) : 0
    try {
      const rulePrice = this.#context.view.convert(expected, currency, this.currency)
      // An order in a currency without a rate is left out, and its reports with it.
      if (!Number.isNaN(rulePrice)) this.#hold(order, rulePrice)
    } catch (error) {
      this.#outOfRange(error)
    }
  }

  override seed({ tickerIndex, currency, quantity, costBasis }: PositionUnderRule): void {
    try {
      const cost = this.#context.view.convert(costBasis, currency, this.currency)
      if (!Number.isNaN(cost)) this.#book.seed(tickerIndex, quantity, cost)
    } catch (error) {
      this.#outOfRange(error)
    }
  }

  override report(order: WatchedOrder, { status, lastQty, lastPx }: ReportUnderRule, slot: number): boolean {
    try {
      const price = lastQty === 0 ? 0 : this.#context.view.convert(lastPx, order.currency, this.currency)
      if (Number.isNaN(price)) this.#isUnknown = true
      else this.#book.report(slot, status, lastQty, price)
    } catch (error) {
      this.#outOfRange(error)
    }
    return true
  }

  #hold(order: OrderUnderRule, price: Price): void {
    const slot = this.#book.hold(order.tickerIndex, order.side, order.leavesQty, price)
    this.#context.watches.watch(order, this.#number, slot)
  }

  #outOfRange(error: unknown): void {
    if (!(error instanceof AmountOutOfRange)) throw error
    this.#isUnknown = true
  }
}
