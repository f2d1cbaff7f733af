// The life of an order: which report may follow which, and where the order stands after them. Destinations keep to it by
// themselves; reports that somebody enters by hand, or that come from outside, are held against it.
//
//   no report  → PENDING_NEW
//   live       → any other status; NEW only where the order may still be unacknowledged, or was suspended; what tells of a
//                replace only from a destination, since it comes with terms
//   terminal   → nothing

import type { Quantity } from './money.ts'
import { type ExecutionReport, firstReport, nextReport, type OrderInfo } from './order.ts'
import { isTerminal, OrderStatus, statusAfter, tellsOfReplace } from './order-status.ts'
import { Reason } from './reasons.ts'

/** After these a venue's acknowledgement may still arrive, or an order that was suspended may trade again. */
const BEFORE_NEW: readonly OrderStatus[] = [
  OrderStatus.PendingNew,
  OrderStatus.PendingCancel,
  OrderStatus.CancelReject,
  OrderStatus.Suspended,
]

/** Nothing is pending in such an order. */
const TRADING: readonly OrderStatus[] = [
  OrderStatus.New,
  OrderStatus.PartiallyFilled,
  OrderStatus.Replaced,
  OrderStatus.ReplaceReject,
]

/**
 * Whether a report of status `next` may follow where the order stands at `current`; `OrderStatus.None` is an order
 * without any report.
 */
export function mayFollow(current: OrderStatus, next: OrderStatus): boolean {
  if (current === OrderStatus.None) return next === OrderStatus.PendingNew
  if (isTerminal(current) || next === OrderStatus.None || next === OrderStatus.PendingNew) return false
  if (tellsOfReplace(next)) return mayTellOfReplace(current, next)
  return next !== OrderStatus.New || BEFORE_NEW.includes(current)
}

/** A replace begins where the order is acknowledged and nothing else is pending, and is carried out where it may be pending. */
function mayTellOfReplace(current: OrderStatus, next: OrderStatus): boolean {
  if (current === OrderStatus.PendingNew) return false
  if (next === OrderStatus.Replaced) return !TRADING.includes(current)
  const isPending = current === OrderStatus.PendingReplace || current === OrderStatus.PendingCancel
  return next === OrderStatus.ReplaceReject || !isPending
}

/** True for the two statuses of a report that tells an execution. */
export function isExecution(status: OrderStatus): boolean {
  return status === OrderStatus.PartiallyFilled || status === OrderStatus.Filled
}

/** A report as somebody from outside would have it, and the order it is for. */
export interface ReportedStep {
  readonly current: OrderStatus
  /** Quantity still open before the report. */
  readonly leavesQty: Quantity
  readonly next: OrderStatus
  readonly lastQty: Quantity
}

/**
 * Why a report from outside is not a legal step: the order has ended, the status may not follow, an execution of
 * another status or of no quantity, a partial fill of everything or a fill that leaves something, or anything about a
 * replace, which goes by the terms it comes with. `Reason.None` for a
 * legal one. More than was open is legal, since it may have happened: see `overfill`.
 */
export function stepFault({ current, leavesQty, next, lastQty }: ReportedStep): Reason {
  if (isTerminal(current)) return Reason.OrderTerminal
  if (!mayFollow(current, next) || tellsOfReplace(next)) return Reason.IllegalUpdate
  if (lastQty < 0) return Reason.InvalidQuantity
  if (!isExecution(next)) return lastQty === 0 ? Reason.None : Reason.IllegalUpdate
  if (lastQty === 0) return Reason.InvalidQuantity
  if (next === OrderStatus.Filled) return lastQty >= leavesQty ? Reason.None : Reason.IllegalUpdate
  return lastQty < leavesQty ? Reason.None : Reason.IllegalUpdate
}

/** How much of an execution exceeds what was open. */
export function overfill(leavesQty: Quantity, lastQty: Quantity): Quantity {
  return Math.max(0, lastQty - leavesQty)
}

/** Where an order stands after its reports; `OrderStatus.None` before the first. */
export function currentStatus(reports: readonly ExecutionReport[]): OrderStatus {
  return reports.reduce<OrderStatus>((status, report) => statusAfter(status, report.status), OrderStatus.None)
}

/**
 * The reports of an order after `report` has arrived from outside, which is dropped where the order has ended, where it
 * is not the next in sequence, or where the order waits for its first report and this is another.
 */
export function withReport(reports: readonly ExecutionReport[], report: ExecutionReport): readonly ExecutionReport[] {
  const current = currentStatus(reports)
  const isFirst = report.status === OrderStatus.PendingNew
  if (isTerminal(current) || report.sequence !== reports.length || isFirst !== (reports.length === 0)) return reports
  return [...reports, report]
}

/** The two reports of an order that was refused before it lived, both at the order's own time. */
export function rejectedReports(info: OrderInfo, changes: Partial<ExecutionReport>): readonly ExecutionReport[] {
  const first = firstReport(info)
  return [first, nextReport(first, { ...changes, status: OrderStatus.Rejected, timestamp: info.timestamp })]
}
