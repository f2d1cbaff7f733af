// So many orders may be open at a time, all together or on each side. What has not ended is open.

import type { Refusal } from '../../checks/check.ts'
import { isTerminal } from '../../domain/order-status.ts'
import { Reason } from '../../domain/reasons.ts'
import { Side } from '../../domain/side.ts'
import { type OrderUnderRule, type ReportUnderRule, Rule, type RuleContext, type WatchedOrder } from '../rule.ts'

export class OrderCountLimit extends Rule {
  readonly #count: number
  readonly #isPerSide: boolean
  readonly #context: RuleContext
  readonly #number: number
  #asks = 0
  #bids = 0

  constructor(count: number, isPerSide: boolean, context: RuleContext) {
    super()
    this.#count = count
    this.#isPerSide = isPerSide
    this.#context = context
    this.#number = context.enlist(this)
  }

  override permits({ side }: OrderUnderRule, refusal: Refusal): boolean {
    return this.#open(side) + 1 <= this.#count || refusal.set(Reason.OrderLimitReached, this.#count)
  }

  override add(order: OrderUnderRule): void {
    this.#move(order.side, 1)
    this.#context.watches.watch(order, this.#number, 0)
  }

  override report(order: WatchedOrder, { status }: ReportUnderRule): boolean {
    if (isTerminal(status)) this.#move(order.side, -1)
    return true
  }

  #open(side: Side): number {
    if (!this.#isPerSide) return this.#asks + this.#bids
    return side === Side.Ask ? this.#asks : this.#bids
  }

  #move(side: Side, by: 1 | -1): void {
    if (side === Side.Ask) this.#asks += by
    else this.#bids += by
  }
}
