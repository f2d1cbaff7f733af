// More executions than permitted within a short time shut the rule: something trades by itself. From then on it refuses
// every submission, until a person stores its entry again; cancels go through.

import type { Refusal } from '../../checks/check.ts'
import { Reason } from '../../domain/reasons.ts'
import { type OrderUnderRule, type ReportUnderRule, Rule, type RuleContext, type WatchedOrder } from '../rule.ts'
import { RecentTimes } from './recent-times.ts'

const US_PER_SECOND = 1_000_000

export class RepeatedExecutions extends Rule {
  readonly #count: number
  readonly #intervalUs: number
  readonly #context: RuleContext
  readonly #number: number
  readonly #executions: RecentTimes
  #isShut: boolean

  constructor(count: number, intervalUs: number, context: RuleContext) {
    super()
    this.#count = count
    this.#intervalUs = intervalUs
    this.#context = context
    this.#number = context.enlist(this)
    this.#executions = new RecentTimes(count)
    this.#isShut = context.tripped
  }

  override permits(_order: OrderUnderRule, refusal: Refusal): boolean {
    return !this.#isShut || this.#refuse(refusal)
  }

  override add(order: OrderUnderRule): void {
    this.#context.watches.watch(order, this.#number, 0)
  }

  override report(order: WatchedOrder, report: ReportUnderRule): boolean {
    if (report.lastQty === 0 || this.#isShut) return true
    if (this.#executions.permits(report.timestamp, this.#intervalUs)) {
      this.#executions.add(report.timestamp)
      return true
    }
    this.#isShut = true
    this.#context.onTrip(order, report, refusal => this.#refuse(refusal))
    return true
  }

  #refuse(refusal: Refusal): false {
    return refusal.set(Reason.RepeatedExecutions, this.#count, this.#intervalUs / US_PER_SECOND)
  }
}
