// Tickers that must not be traded, on both sides or on one: lists of restricted and watched issues, short sale bans.

import type { Refusal } from '../../checks/check.ts'
import { Reason } from '../../domain/reasons.ts'
import { Side } from '../../domain/side.ts'
import { type OrderUnderRule, Rule } from '../rule.ts'
import type { TickersInScope } from './tickers-in-scope.ts'

export class RestrictedTickers extends Rule {
  readonly #tickers: TickersInScope
  /** Side.None stands for both. */
  readonly #side: Side

  constructor(tickers: TickersInScope, side: Side) {
    super()
    this.#tickers = tickers
    this.#side = side
  }

  override permits(order: OrderUnderRule, refusal: Refusal): boolean {
    if (this.#side !== Side.None && order.side !== this.#side) return true
    return !this.#tickers.has(order) || refusal.set(Reason.RestrictedTicker)
  }
}
