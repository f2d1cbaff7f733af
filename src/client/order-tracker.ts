// A live view of orders, kept by applying reports strictly in the sequence of their order: a report ahead of its turn
// waits for those before it, one that was applied already is dropped, and reports of an order not known yet wait for the
// order. So records and reports may come from queries and subscriptions in any mixture.

import { assert } from '../base/assert.ts'
import { averagePrice, type Money, microsOfNumber, multiply, numberOfMicros, type Quantity } from '../domain/money.ts'
import { isTerminal, OrderStatus, tellsOfReplace } from '../domain/order-status.ts'
import type { ExecutionReport, OrderAccepted, OrderEvent, OrderRecord, ReplaceTerms } from './orders.ts'

/** Where an order stands. Amounts are ordinary numbers. */
export interface TrackedOrder {
  readonly accepted: OrderAccepted
  /**
   * FIX's order status: fills show, unless a cancel or a replace is pending; a refused cancel or replace gives the status
   * before it back, and so does a replace that was carried out.
   */
  readonly status: OrderStatus
  /** True once nothing can follow. */
  readonly isTerminal: boolean
  readonly cumQty: number
  /** What the order asks for, since it was replaced last. */
  readonly quantity: number
  readonly price: number
  /** By which it goes since then. */
  readonly clOrdId: string
  /** What a replace asks for that has no answer yet. */
  readonly pendingReplace: ReplaceTerms | undefined
  /** What is still open; 0 once terminal. */
  readonly leavesQty: number
  /** Average price of what was done, from sums; 0 where nothing was. */
  readonly avgPx: number
  /** Sum of all fees and commissions. */
  readonly fees: number
  /** The report applied last; undefined where there was none after the acceptance. */
  readonly lastReport: ExecutionReport | undefined
}

export interface OrderTrackerLimits {
  /** Ended orders that are remembered; the oldest go first. Live orders are always remembered. */
  endedMax?: number
  /** Reports that may wait for their order or for the reports before them; the oldest go first. */
  waitingMax?: number
}

export class OrderTracker {
  readonly #orders = new Map<number, Order>()
  readonly #clOrdIds = new Map<string, Order>()
  /** Ids of ended orders, in the order of their end. */
  readonly #ended = new Set<number>()
  /** Reports before their turn, by order and sequence; the order that waits longest comes first. */
  readonly #waiting = new Map<number, Map<number, ExecutionReport>>()
  #waitingCount = 0
  readonly #endedMax: number
  readonly #waitingMax: number

  constructor(limits: OrderTrackerLimits = {}) {
    this.#endedMax = limits.endedMax ?? 1_000
    this.#waitingMax = limits.waitingMax ?? 10_000
  }

  /** Takes an order with its reports, as queries give it. */
  load(record: OrderRecord): TrackedOrder {
    const order = this.#accept(record.accepted)
    for (const report of record.reports) this.#offer(order, report)
    this.#settle(order)
    return order
  }

  /** Takes an event of a subscription. @returns the order as it stands then, or undefined while it is not known. */
  apply(event: OrderEvent): TrackedOrder | undefined {
    if (event.event === 'accepted') return this.load({ accepted: event, reports: [] })
    const order = this.#orders.get(event.orderId)
    if (order === undefined) this.#wait(event)
    else {
      this.#offer(order, event)
      this.#settle(order)
    }
    return order
  }

  get(orderId: number): TrackedOrder | undefined {
    return this.#orders.get(orderId)
  }

  findByClOrdId(account: number, clOrdId: string): TrackedOrder | undefined {
    return this.#clOrdIds.get(keyOf(account, clOrdId))
  }

  /** Orders that have not ended, oldest first. */
  *live(): Generator<TrackedOrder, void, undefined> {
    for (const order of this.#orders.values()) if (!order.isTerminal) yield order
  }

  /** Orders of which reports came but not the order itself; loading them by id completes them. */
  *unknownOrderIds(): Generator<number, void, undefined> {
    for (const orderId of this.#waiting.keys()) if (!this.#orders.has(orderId)) yield orderId
  }

  #accept(accepted: OrderAccepted): Order {
    const known = this.#orders.get(accepted.orderId)
    if (known !== undefined) return known
    const order = new Order(accepted)
    this.#orders.set(accepted.orderId, order)
    if (accepted.clOrdId !== '') this.#clOrdIds.set(keyOf(accepted.account, accepted.clOrdId), order)
    return order
  }

  #offer(order: Order, report: ExecutionReport): void {
    if (report.sequence === order.nextSequence) order.apply(report)
    else if (report.sequence > order.nextSequence) this.#wait(report)
  }

  /** Applies what waited for its turn, and forgets the oldest ended orders. */
  #settle(order: Order): void {
    const { orderId } = order.accepted
    const waiting = this.#waiting.get(orderId)
    if (waiting !== undefined) {
      for (let next = waiting.get(order.nextSequence); next !== undefined; next = waiting.get(order.nextSequence)) {
        order.apply(next)
      }
      for (const sequence of waiting.keys()) {
        if (sequence >= order.nextSequence) continue
        waiting.delete(sequence)
        this.#waitingCount -= 1
      }
      if (waiting.size === 0) this.#waiting.delete(orderId)
    }
    if (!order.isTerminal) return
    this.#ended.add(orderId)
    for (const oldest of this.#ended) {
      if (this.#ended.size <= this.#endedMax) break
      this.#forget(oldest)
    }
  }

  #forget(orderId: number): void {
    this.#ended.delete(orderId)
    const order = this.#orders.get(orderId)
    assert(order !== undefined, 'an ended order is remembered until it is forgotten here')
    this.#orders.delete(orderId)
    this.#clOrdIds.delete(keyOf(order.accepted.account, order.accepted.clOrdId))
  }

  #wait(report: ExecutionReport): void {
    let waiting = this.#waiting.get(report.orderId)
    if (waiting === undefined) {
      waiting = new Map()
      this.#waiting.set(report.orderId, waiting)
    }
    if (waiting.has(report.sequence)) return
    waiting.set(report.sequence, report)
    this.#waitingCount += 1
    if (this.#waitingCount <= this.#waitingMax) return
    for (const [orderId, reports] of this.#waiting) {
      this.#waiting.delete(orderId)
      this.#waitingCount -= reports.size
      break
    }
  }
}

function keyOf(account: number, clOrdId: string): string {
  return `${account} ${clOrdId}`
}

/** The state behind a view. Sums are whole micros, so that nothing drifts. */
class Order implements TrackedOrder {
  readonly accepted: OrderAccepted
  status: OrderStatus = OrderStatus.PendingNew
  lastReport: ExecutionReport | undefined
  /** Sequence of the report that is due. */
  nextSequence = 1
  /** What the status would be without the cancel and the replace that are pending. */
  #statusBefore: OrderStatus = OrderStatus.PendingNew
  #isCanceling = false
  #isReplacing = false
  price: number
  clOrdId: string
  pendingReplace: ReplaceTerms | undefined
  #quantity: Quantity
  #cumQty: Quantity = 0
  #cost: Money = 0
  #fees: Money = 0

  constructor(accepted: OrderAccepted) {
    this.accepted = accepted
    this.#quantity = microsOfNumber(accepted.quantity)
    this.price = accepted.price
    this.clOrdId = accepted.clOrdId
  }

  get quantity(): number {
    return numberOfMicros(this.#quantity)
  }

  get isTerminal(): boolean {
    return isTerminal(this.status)
  }

  get cumQty(): number {
    return numberOfMicros(this.#cumQty)
  }

  get leavesQty(): number {
    return this.isTerminal ? 0 : numberOfMicros(Math.max(0, this.#quantity - this.#cumQty))
  }

  get avgPx(): number {
    return numberOfMicros(averagePrice(this.#cost, this.#cumQty))
  }

  get fees(): number {
    return numberOfMicros(this.#fees)
  }

  apply(report: ExecutionReport): void {
    assert(report.sequence === this.nextSequence, 'reports of an order are applied in their sequence')
    this.nextSequence += 1
    this.lastReport = report
    const lastQty = microsOfNumber(report.lastQty)
    this.#cumQty += lastQty
    this.#cost += multiply(lastQty, microsOfNumber(report.lastPx))
    this.#fees +=
      microsOfNumber(report.executionFee) + microsOfNumber(report.processingFee) + microsOfNumber(report.commission)
    this.#follow(report)
  }

  // By FIX's rule of precedence, as `statusAfter` has it: what a pending cancel or replace hides comes back with its answer.
  #follow({ status, terms }: ExecutionReport): void {
    if (status === OrderStatus.PendingCancel) this.#isCanceling = true
    else if (status === OrderStatus.CancelReject) this.#isCanceling = false
    else if (tellsOfReplace(status)) {
      this.#isReplacing = status === OrderStatus.PendingReplace
      this.pendingReplace = this.#isReplacing ? terms : undefined
      if (status === OrderStatus.Replaced && terms !== undefined) {
        this.#quantity = microsOfNumber(terms.quantity)
        this.price = terms.price
        if (terms.clOrdId !== '') this.clOrdId = terms.clOrdId
      }
    } else {
      this.#statusBefore = status
      if (status !== OrderStatus.New && status !== OrderStatus.PartiallyFilled) {
        this.#isCanceling = false
        this.#isReplacing = false
      }
    }
    if (isTerminal(status)) this.pendingReplace = undefined
    if (this.#isCanceling) this.status = OrderStatus.PendingCancel
    else this.status = this.#isReplacing ? OrderStatus.PendingReplace : this.#statusBefore
  }
}
