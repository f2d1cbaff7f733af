// After a fill on one side the orders of the other side have to stay for a while: who is filled must not take back what
// stood against it.

import type { Refusal } from '../../checks/check.ts'
import { Reason } from '../../domain/reasons.ts'
import { Side } from '../../domain/side.ts'
import { type OrderUnderRule, type ReportUnderRule, Rule, type RuleContext, type WatchedOrder } from '../rule.ts'

const US_PER_SECOND = 1_000_000

export class OpposingCancel extends Rule {
  readonly #timeoutS: number
  readonly #context: RuleContext
  readonly #number: number
  /** Time of the fill on each side that came in last. */
  #askFill = Number.NEGATIVE_INFINITY
  #bidFill = Number.NEGATIVE_INFINITY

  constructor(timeoutS: number, context: RuleContext) {
    super()
    this.#timeoutS = timeoutS
    this.#context = context
    this.#number = context.enlist(this)
  }

  override add(order: OrderUnderRule): void {
    this.#context.watches.watch(order, this.#number, 0)
  }

  override permitsCancel(order: OrderUnderRule, nowUs: number, refusal: Refusal): boolean {
    const opposingFill = order.side === Side.Ask ? this.#bidFill : this.#askFill
    if (opposingFill < nowUs - this.#timeoutS * US_PER_SECOND) return true
    return refusal.set(Reason.OpposingCancel, this.#timeoutS)
  }

  override recall(order: OrderUnderRule, report: ReportUnderRule): void {
    this.#note(order.side, report)
  }

  override report(order: WatchedOrder, report: ReportUnderRule): boolean {
    this.#note(order.side, report)
    return true
  }

  #note(side: Side, { lastQty, timestamp }: ReportUnderRule): void {
    if (lastQty === 0) return
    if (side === Side.Ask) this.#askFill = timestamp
    else this.#bidFill = timestamp
  }
}
