// What an account, or all accounts of a group, may have at stake: positions at what they cost and open orders at the
// dearest price they may be counted at. Within one ticker of one account the two sides are alternatives, and an order
// that only closes adds nothing; between tickers nothing is set off, and between accounts nothing either: that is what
// makes it gross, and different from buying power.

import { KeyIndex } from '../../base/key-index.ts'
import type { Refusal } from '../../checks/check.ts'
import type { CurrencyId } from '../../domain/currencies.ts'
import { AmountOutOfRange, MICROS_MAX, type Money, numberOfMicros, type Price } from '../../domain/money.ts'
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
import { dearestPrice } from './dearest-price.ts'

export class GrossExposure extends Rule {
  readonly #limit: Money
  readonly #currency: CurrencyId
  readonly #context: RuleContext
  readonly #number: number
  /** Account → its book. */
  readonly #index = new KeyIndex()
  readonly #books: CostBook[] = []
  /** What all books use. */
  #used: Money = 0
  /** As in `BuyingPower`. */
  #isUnknown = false

  constructor(limit: Money, currency: CurrencyId, context: RuleContext) {
    super()
    this.#limit = limit
    this.#currency = currency
    this.#context = context
    this.#number = context.enlist(this)
  }

  override permits(order: OrderUnderRule, refusal: Refusal): boolean {
    return this.#passes(order, refusal, false)
  }

  override submit(order: OrderUnderRule, refusal: Refusal): boolean {
    return this.#passes(order, refusal, true)
  }

  /** Whether the order may pass; where it does and `isHeld` is asked for, it is held. */
  #passes(order: OrderUnderRule, refusal: Refusal, isHeld: boolean): boolean {
    if (this.#isUnknown) return refusal.set(Reason.AmountTooLarge)
    const price = dearestPrice(order, this.#context.view)
    if (price === 0) return refusal.set(Reason.NoBbo)
    try {
      const rulePrice = this.#context.view.convert(price, order.currency, this.#currency)
      if (Number.isNaN(rulePrice)) return refusal.set(Reason.CurrencyNotRecognized)
      const book = this.#book(order.account)
      const used = this.#used - book.used + book.usedWith(order.tickerIndex, order.side, order.leavesQty, rulePrice)
      if (used > MICROS_MAX) return refusal.set(Reason.AmountTooLarge)
      if (used > this.#limit) {
        return refusal.set(Reason.ExposureTooLarge, numberOfMicros(used), numberOfMicros(this.#limit))
      }
      if (isHeld) this.#hold(book, order, rulePrice)
      return true
    } catch (error) {
      if (error instanceof AmountOutOfRange) return refusal.set(Reason.AmountTooLarge)
      throw error
    }
  }

  /** An order in a currency without a rate is left out, and its reports with it. */
  override add(order: OrderUnderRule): void {
    const { view } = this.#context
    try {
      const rulePrice = view.convert(dearestPrice(order, view), order.currency, this.#currency)
      if (!Number.isNaN(rulePrice)) this.#hold(this.#book(order.account), order, rulePrice)
    } catch (error) {
      this.#outOfRange(error)
    }
  }

  override seed({ account, tickerIndex, currency, quantity, costBasis }: PositionUnderRule): void {
    try {
      const cost = this.#context.view.convert(costBasis, currency, this.#currency)
      if (Number.isNaN(cost)) return
      const book = this.#book(account)
      const before = book.used
      book.seed(tickerIndex, quantity, cost)
      this.#settle(book, before)
    } catch (error) {
      this.#outOfRange(error)
    }
  }

  override report(order: WatchedOrder, { status, lastQty, lastPx }: ReportUnderRule, slot: number): boolean {
    try {
      const price = lastQty === 0 ? 0 : this.#context.view.convert(lastPx, order.currency, this.#currency)
      if (Number.isNaN(price)) {
        this.#isUnknown = true
        return true
      }
      const book = this.#book(order.account)
      const before = book.used
      book.report(slot, status, lastQty, price)
      this.#settle(book, before)
    } catch (error) {
      this.#outOfRange(error)
    }
    return true
  }

  #hold(book: CostBook, order: OrderUnderRule, price: Price): void {
    const before = book.used
    const slot = book.hold(order.tickerIndex, order.side, order.leavesQty, price)
    this.#settle(book, before)
    this.#context.watches.watch(order, this.#number, slot)
  }

  /** Beyond the range sums of doubles are not exact; there everything is added up anew. */
  #settle(book: CostBook, before: Money): void {
    const used = this.#used - before + book.used
    if (used <= MICROS_MAX && this.#used <= MICROS_MAX) this.#used = used
    else this.#used = this.#books.reduce((sum, { used }) => sum + used, 0)
  }

  #book(account: number): CostBook {
    const place = this.#index.get(account)
    if (place >= 0) return this.#books[place]!
    const book = new CostBook(this.#context.room)
    this.#index.set(account, this.#books.length)
    this.#books.push(book)
    return book
  }

  #outOfRange(error: unknown): void {
    if (!(error instanceof AmountOutOfRange)) throw error
    this.#isUnknown = true
  }
}
