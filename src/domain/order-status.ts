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

/**
 * The order's status after a report, by FIX's rule of precedence: while a cancel is pending, an acknowledgement or a
 * partial fill does not show. Every other report says itself where the order stands.
 */
export function statusAfter(current: OrderStatus, report: OrderStatus): OrderStatus {
  const yields = report === OrderStatus.PartiallyFilled || report === OrderStatus.New
  return yields && current === OrderStatus.PendingCancel ? current : report
}
