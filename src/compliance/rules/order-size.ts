// One order may be for so much and no more: in units, or in money at the dearest price it may be counted at.

import type { Refusal } from '../../checks/check.ts'
import type { CurrencyId } from '../../domain/currencies.ts'
import { AmountOutOfRange, type Money, multiply, numberOfMicros, type Quantity } from '../../domain/money.ts'
import { Reason } from '../../domain/reasons.ts'
import { type OrderUnderRule, Rule, type RuleContext } from '../rule.ts'
import { dearestPrice } from './dearest-price.ts'

export class MaximumOrderQuantity extends Rule {
  readonly #quantity: Quantity

  constructor(quantity: Quantity) {
    super()
    this.#quantity = quantity
  }

  override permits({ quantity }: OrderUnderRule, refusal: Refusal): boolean {
    if (quantity <= this.#quantity) return true
    return refusal.set(Reason.OrderQuantityTooLarge, numberOfMicros(quantity), numberOfMicros(this.#quantity))
  }
}

export class MaximumOrderValue extends Rule {
  readonly #value: Money
  readonly #currency: CurrencyId
  readonly #context: RuleContext

  constructor(value: Money, currency: CurrencyId, context: RuleContext) {
    super()
    this.#value = value
    this.#currency = currency
    this.#context = context
  }

  override permits(order: OrderUnderRule, refusal: Refusal): boolean {
    const { view } = this.#context
    const price = dearestPrice(order, view)
    if (price === 0) return refusal.set(Reason.NoBbo)
    try {
      const value = view.convert(multiply(order.quantity, price), order.currency, this.#currency)
      if (value <= this.#value) return true
      if (Number.isNaN(value)) return refusal.set(Reason.CurrencyNotRecognized)
      return refusal.set(Reason.OrderValueTooLarge, numberOfMicros(value), numberOfMicros(this.#value))
    } catch (error) {
      if (error instanceof AmountOutOfRange) return refusal.set(Reason.AmountTooLarge)
      throw error
    }
  }
}
