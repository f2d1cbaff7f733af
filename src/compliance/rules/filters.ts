// Rules that say where or when the rule inside them judges. What they keep from its judgement it counts all the same:
// a limit on the open orders of one ticker at a time of the day still counts all open orders.

import type { Refusal } from '../../checks/check.ts'
import { Reason } from '../../domain/reasons.ts'
import { timeOfDay } from '../../domain/venue-time.ts'
import type { Venue } from '../../domain/venues.ts'
import { type OrderUnderRule, type PositionUnderRule, type ReportUnderRule, type Restoration, Rule } from '../rule.ts'
import type { TickersInScope } from './tickers-in-scope.ts'

/** What both pass on unfiltered. */
class Filter extends Rule {
  protected readonly inner: Rule

  constructor(inner: Rule) {
    super()
    this.inner = inner
  }

  override add(order: OrderUnderRule): void {
    this.inner.add(order)
  }

  override meet(order: OrderUnderRule): void {
    this.inner.meet(order)
  }

  override seed(position: PositionUnderRule): void {
    this.inner.seed(position)
  }

  override restore(restoration: Restoration): void {
    this.inner.restore(restoration)
  }

  override recall(order: OrderUnderRule, report: ReportUnderRule): void {
    this.inner.recall(order, report)
  }
}

/** Judges the tickers of a scope. */
export class ScopeFilter extends Filter {
  readonly #tickers: TickersInScope

  constructor(tickers: TickersInScope, inner: Rule) {
    super(inner)
    this.#tickers = tickers
  }

  override permits(order: OrderUnderRule, refusal: Refusal): boolean {
    return !this.#tickers.has(order) || this.inner.permits(order, refusal)
  }

  override submit(order: OrderUnderRule, refusal: Refusal): boolean {
    if (this.#tickers.has(order)) return this.inner.submit(order, refusal)
    this.inner.add(order)
    return true
  }

  override permitsCancel(order: OrderUnderRule, nowUs: number, refusal: Refusal): boolean {
    return !this.#tickers.has(order) || this.inner.permitsCancel(order, nowUs, refusal)
  }

  override cancel(order: OrderUnderRule, nowUs: number, refusal: Refusal): boolean {
    return !this.#tickers.has(order) || this.inner.cancel(order, nowUs, refusal)
  }
}

/** Judges at certain hours of the ticker's venue. */
export class TimeFilter extends Filter {
  readonly #startUs: number
  readonly #endUs: number

  /**
   * From `startUs` to `endUs` after midnight, both included; over midnight where the start is later than the end.
   */
  constructor(startUs: number, endUs: number, inner: Rule) {
    super(inner)
    this.#startUs = startUs
    this.#endUs = endUs
  }

  override permits(order: OrderUnderRule, refusal: Refusal): boolean {
    if (order.venue.mic === '') return refusal.set(Reason.TimeZoneNotFound)
    return !this.#isWithin(order.venue, order.timestamp) || this.inner.permits(order, refusal)
  }

  override submit(order: OrderUnderRule, refusal: Refusal): boolean {
    if (order.venue.mic === '') return refusal.set(Reason.TimeZoneNotFound)
    if (this.#isWithin(order.venue, order.timestamp)) return this.inner.submit(order, refusal)
    this.inner.add(order)
    return true
  }

  override permitsCancel(order: OrderUnderRule, nowUs: number, refusal: Refusal): boolean {
    if (order.venue.mic === '') return refusal.set(Reason.TimeZoneNotFound)
    return !this.#isWithin(order.venue, nowUs) || this.inner.permitsCancel(order, nowUs, refusal)
  }

  override cancel(order: OrderUnderRule, nowUs: number, refusal: Refusal): boolean {
    if (order.venue.mic === '') return refusal.set(Reason.TimeZoneNotFound)
    return !this.#isWithin(order.venue, nowUs) || this.inner.cancel(order, nowUs, refusal)
  }

  #isWithin(venue: Venue, instant: number): boolean {
    const time = timeOfDay(venue.timeZone, instant)
    if (this.#startUs <= this.#endUs) return this.#startUs <= time && time <= this.#endUs
    return this.#startUs <= time || time <= this.#endUs
  }
}
