// So many submissions, and so many cancels, within any interval of one length. What is refused does not count, so that
// who sends too much gets through what is permitted instead of nothing at all.

import type { Refusal } from '../../checks/check.ts'
import { Reason } from '../../domain/reasons.ts'
import { type OrderUnderRule, Rule } from '../rule.ts'
import { RecentTimes } from './recent-times.ts'

const US_PER_SECOND = 1_000_000

export class MessageRate extends Rule {
  readonly #submissionsMax: number
  readonly #cancelsMax: number
  readonly #intervalUs: number
  readonly #submissions: RecentTimes
  readonly #cancels: RecentTimes

  /** Infinity is no limit. */
  constructor(submissionsMax: number, cancelsMax: number, intervalUs: number) {
    super()
    this.#submissionsMax = submissionsMax
    this.#cancelsMax = cancelsMax
    this.#intervalUs = intervalUs
    this.#submissions = new RecentTimes(submissionsMax)
    this.#cancels = new RecentTimes(cancelsMax)
  }

  override permits({ timestamp }: OrderUnderRule, refusal: Refusal): boolean {
    return this.#permits(this.#submissions, this.#submissionsMax, timestamp, refusal)
  }

  override add(order: OrderUnderRule): void {
    if (this.#submissionsMax !== Number.POSITIVE_INFINITY) this.#submissions.add(order.timestamp)
  }

  override meet(): void {}

  override permitsCancel(_order: OrderUnderRule, nowUs: number, refusal: Refusal): boolean {
    return this.#permits(this.#cancels, this.#cancelsMax, nowUs, refusal)
  }

  override cancel(order: OrderUnderRule, nowUs: number, refusal: Refusal): boolean {
    if (!this.permitsCancel(order, nowUs, refusal)) return false
    if (this.#cancelsMax !== Number.POSITIVE_INFINITY) this.#cancels.add(nowUs)
    return true
  }

  #permits(recent: RecentTimes, max: number, nowUs: number, refusal: Refusal): boolean {
    if (recent.permits(nowUs, this.#intervalUs)) return true
    return refusal.set(Reason.MessageRateExceeded, max, this.#intervalUs / US_PER_SECOND)
  }
}
