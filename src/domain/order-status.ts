// Where an order stands. The numbers are those of the stores and of the wire.

export const OrderStatus = {
  None: -1,
  PendingNew: 0,
  Rejected: 1,
  New: 2,
  PartiallyFilled: 3,
  Expired: 4,
  Canceled: 5,
  Suspended: 6,
  Stopped: 7,
  Filled: 8,
  DoneForDay: 9,
  PendingCancel: 10,
  CancelReject: 11,
  /** A replace was passed on to the destination. */
  PendingReplace: 12,
  /** The order goes on under new terms, which the report has. */
  Replaced: 13,
  /** A replace came to nothing: the order goes on as it was. */
  ReplaceReject: 14,
} as const
export type OrderStatus = (typeof OrderStatus)[keyof typeof OrderStatus]

export const orderStatusNames: Record<OrderStatus, string> = {
  [-1]: 'NONE',
  [OrderStatus.PendingNew]: 'PENDING_NEW',
  [OrderStatus.Rejected]: 'REJECTED',
  [OrderStatus.New]: 'NEW',
  [OrderStatus.PartiallyFilled]: 'PARTIALLY_FILLED',
  [OrderStatus.Expired]: 'EXPIRED',
  [OrderStatus.Canceled]: 'CANCELED',
  [OrderStatus.Suspended]: 'SUSPENDED',
  [OrderStatus.Stopped]: 'STOPPED',
  [OrderStatus.Filled]: 'FILLED',
  [OrderStatus.DoneForDay]: 'DONE_FOR_DAY',
  [OrderStatus.PendingCancel]: 'PENDING_CANCEL',
  [OrderStatus.CancelReject]: 'CANCEL_REJECT',
  [OrderStatus.PendingReplace]: 'PENDING_REPLACE',
  [OrderStatus.Replaced]: 'REPLACED',
  [OrderStatus.ReplaceReject]: 'REPLACE_REJECT',
}

const TERMINAL_BITS =
  (1 << OrderStatus.Rejected) |
  (1 << OrderStatus.Expired) |
  (1 << OrderStatus.Canceled) |
  (1 << OrderStatus.Filled) |
  (1 << OrderStatus.DoneForDay)

/** True where nothing can follow: rejected, expired, canceled, filled, done for day. */
export function isTerminal(status: OrderStatus): boolean {
  return status >= 0 && ((TERMINAL_BITS >> status) & 1) === 1
}

/** True for the reports that tell of a replace: they have its terms. */
export function tellsOfReplace(status: OrderStatus): boolean {
  return status >= OrderStatus.PendingReplace && status <= OrderStatus.ReplaceReject
}

/**
 * The order's status after a report, by FIX's rule of precedence: while a cancel is pending, an acknowledgement, a partial
 * fill or anything about a replace does not show; while a replace is, the first two do not. A replace that is refused before
 * it was pending leaves everything as it was. Every other report says itself where the order stands.
 */
export function statusAfter(current: OrderStatus, report: OrderStatus): OrderStatus {
  if (report === OrderStatus.PartiallyFilled || report === OrderStatus.New) {
    return current === OrderStatus.PendingCancel || current === OrderStatus.PendingReplace ? current : report
  }
  if (!tellsOfReplace(report)) return report
  if (current === OrderStatus.PendingCancel) return current
  return report === OrderStatus.ReplaceReject && current !== OrderStatus.PendingReplace ? current : report
}
