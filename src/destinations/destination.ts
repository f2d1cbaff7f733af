// What the order desk and a destination that lives in the shard say to each other. Both sides are synchronous and part
// of one step: no socket, clock or random number; times come with the call. An order is named by its slot alone; the
// desk keeps what it needs per slot, a destination keeps its own columns.
//
// The desk publishes PENDING_NEW (the acceptance) and an administrator's update itself; everything else an order goes
// through comes from its destination by `report`.

import type { Price, Quantity } from '../domain/money.ts'
import type { OrderStatus } from '../domain/order-status.ts'
import { OrderType } from '../domain/order-type.ts'
import type { Reason } from '../domain/reasons.ts'
import { Side } from '../domain/side.ts'
import { TimeInForce } from '../domain/time-in-force.ts'
import { type Peg, PegKind } from './peg.ts'

/** What a destination tells the order desk. */
export interface DestinationEvents {
  /**
   * One execution report. With a terminal status the destination has let go of `slot` before it calls, so the desk may
   * free it at once. The desk must not call a destination from inside.
   * @param lastQty what this report executed, 0 if nothing; `lastPx` its price, 0 if nothing.
   * @param timestampUs time of the command or market event that caused it.
   * @param reason why an order was rejected, canceled or expired, otherwise `Reason.None`.
   * @param lastMarket where it traded; empty for the simulated venue.
   */
  report(
    slot: number,
    status: OrderStatus,
    lastQty: Quantity,
    lastPx: Price,
    timestampUs: number,
    reason: Reason,
    lastMarket: string,
  ): void
  /**
   * The order goes on under the terms that `replace` asked for. Where that leaves nothing, since so much has been executed,
   * the destination has let go of `slot` before it calls, as with a terminal status.
   */
  replaced(slot: number, timestampUs: number): void
  /** The order goes on as it was; where it has been executed whole meanwhile, the destination has let go of it. */
  replaceRejected(slot: number, reason: Reason, timestampUs: number): void
}

/** An order on its way to a destination. The desk fills one such object over and over; nobody keeps it. */
export class RoutedOrder implements Peg {
  tickerIndex = 0
  side: Side = Side.None
  type: OrderType = OrderType.None
  timeInForce: TimeInForce = TimeInForce.None
  quantity: Quantity = 0
  /** Limit of a limit order, optional cap of a pegged one (0 = none), trigger of a stop; 0 for a market order. */
  price: Price = 0
  /** When a good-till-date order ends; unused otherwise. */
  expiryUs = 0
  /** Id of the destination the order names. */
  destination = ''
  pegKind: PegKind = PegKind.Primary
  pegDifference: Price = 0
  /** True where the session that sent the order belongs to an administrator. */
  byAdministrator = false
}

/** New terms for a live order. The desk fills one such object over and over; nobody keeps it. */
export class RoutedReplace {
  /** New total, what was executed included. */
  quantity: Quantity = 0
  /** What of that is left, as far as the desk knows; never negative. */
  leavesQty: Quantity = 0
  price: Price = 0
  /** The destination may have had it before: it was under way when the server ended. */
  isPossibleResend = false
}

/** A destination without a socket. A slot it does not hold, because the order has ended, is ignored. */
export interface Destination {
  /** A new order; its answers follow before this returns. */
  submit(slot: number, order: RoutedOrder, timestampUs: number): void
  /** Ends a live order: PENDING_CANCEL, then CANCELED for that reason. */
  cancel(slot: number, timestampUs: number, reason: Reason): void
  /**
   * Whether answers to `replace` may come after it has returned, with a later command: until then the order may be executed
   * under either terms.
   */
  readonly answersLater: boolean
  /**
   * New terms for a live order. The answer is `replaced` or `replaceRejected`. Until then fills and the end of the order are
   * reported as ever, and it may be asked to be canceled; another replace does not come.
   */
  replace(slot: number, terms: RoutedReplace, timestampUs: number): void
  /** An administrator's report was published on the order; a terminal one ends it here without a further report. */
  update(slot: number, status: OrderStatus, lastQty: Quantity): void
  /**
   * A live order as found in the store. One that is still PENDING_NEW waits for an update; where its destination
   * should be asked anew, the desk calls `submit` instead.
   * @param leavesQty what remains of `order.quantity`.
   * @param acceptedUs the order's own time, from which its time in force counts.
   * @param timestampUs now; an order whose time in force ended meanwhile expires, one that crosses fills.
   */
  restore(
    slot: number,
    order: RoutedOrder,
    status: OrderStatus,
    leavesQty: Quantity,
    acceptedUs: number,
    timestampUs: number,
  ): void
}
