// An order desk that only remembers: it gives out slots, keeps the reports of each order, and hands a slot to the next
// order as soon as its order has ended, so that a destination which looks at a slot too late is caught.

import type { DestinationEvents } from '../../src/destinations/destination.ts'
import type { Price, Quantity } from '../../src/domain/money.ts'
import { cumQty, type ExecutionReport } from '../../src/domain/order.ts'
import { currentStatus } from '../../src/domain/order-lifecycle.ts'
import { isTerminal, OrderStatus } from '../../src/domain/order-status.ts'
import { Reason } from '../../src/domain/reasons.ts'

export interface RecordedOrder {
  readonly orderId: number
  readonly quantity: Quantity
  /** −1 once the order has ended. */
  slot: number
  readonly reports: ExecutionReport[]
}

export class RecordingDesk implements DestinationEvents {
  readonly orders = new Map<number, RecordedOrder>()
  /** All reports of destinations, in the order in which they came. */
  readonly log: ExecutionReport[] = []
  readonly #bySlot: (RecordedOrder | undefined)[] = []
  readonly #free: number[] = []

  /** An order that is new to its destination: it has its first report. */
  accept(orderId: number, quantity: Quantity, timestamp: number): RecordedOrder {
    return this.recover(orderId, quantity, [{ ...emptyReport(orderId), timestamp }])
  }

  /** An order with the reports it has. */
  recover(orderId: number, quantity: Quantity, reports: ExecutionReport[]): RecordedOrder {
    const slot = isTerminal(currentStatus(reports)) ? -1 : (this.#free.pop() ?? this.#bySlot.length)
    const order = { orderId, quantity, slot, reports }
    if (slot >= 0) this.#bySlot[slot] = order
    this.orders.set(orderId, order)
    return order
  }

  order(orderId: number): RecordedOrder {
    const order = this.orders.get(orderId)
    if (order === undefined) throw new Error(`there is no order ${orderId}`)
    return order
  }

  leavesQty(orderId: number): Quantity {
    const { quantity, reports } = this.order(orderId)
    return quantity - cumQty(reports)
  }

  report(
    slot: number,
    status: OrderStatus,
    lastQty: Quantity,
    lastPx: Price,
    timestamp: number,
    reason: Reason,
    lastMarket: string,
  ): void {
    const order = this.#bySlot[slot]
    if (order === undefined) throw new Error(`slot ${slot} has no order`)
    // Of an order without its first report nothing can be told.
    if (order.reports.length === 0) return
    const report = { ...emptyReport(order.orderId), status, lastQty, lastPx, timestamp, reason, lastMarket }
    this.log.push(this.publish(order, report))
  }

  replaced(slot: number, timestamp: number): void {
    this.report(slot, OrderStatus.Replaced, 0, 0, timestamp, Reason.None, '')
    // As the order desk ends an order of which the replace left nothing.
    const order = this.#bySlot[slot]!
    if (this.#replacedLeaves.get(order.orderId) !== 0) return
    this.report(slot, OrderStatus.Canceled, 0, 0, timestamp, Reason.NothingLeftByReplace, '')
  }

  replaceRejected(slot: number, reason: Reason, timestamp: number): void {
    this.report(slot, OrderStatus.ReplaceReject, 0, 0, timestamp, reason, '')
  }

  readonly #replacedLeaves = new Map<number, Quantity>()

  /** A replace of the order is about to be passed on. */
  replacing(orderId: number, leavesQty: Quantity): void {
    this.#replacedLeaves.set(orderId, leavesQty)
  }

  /** Adds a report to the order, with the next sequence; ends the order after a terminal one. */
  publish(order: RecordedOrder, report: ExecutionReport): ExecutionReport {
    const sequenced = { ...report, sequence: order.reports.length }
    order.reports.push(sequenced)
    if (isTerminal(report.status)) {
      this.#bySlot[order.slot] = undefined
      this.#free.push(order.slot)
      order.slot = -1
    }
    return sequenced
  }
}

/** Pending new, and nothing else. */
export function emptyReport(orderId: number): ExecutionReport {
  return {
    orderId,
    sequence: 0,
    timestamp: 0,
    status: OrderStatus.PendingNew,
    lastQty: 0,
    lastPx: 0,
    liquidityFlag: '',
    lastMarket: '',
    executionFee: 0,
    processingFee: 0,
    commission: 0,
    reason: Reason.None,
    params: [],
    text: '',
    tags: [],
    operator: 0,
  }
}
