// Manual order entry: trades that were made elsewhere are booked by hand. An administrator's order is filled at once,
// in full and at its own price, with the destination as the market; nothing of it ever stays open. Its time, and with
// it that of every report, is the time of its acceptance.

import type { Price, Quantity } from '../domain/money.ts'
import { OrderStatus } from '../domain/order-status.ts'
import { Reason } from '../domain/reasons.ts'
import type { Destination, DestinationEvents, RoutedOrder } from './destination.ts'

export class ManualEntry implements Destination {
  readonly #events: DestinationEvents

  constructor(events: DestinationEvents) {
    this.#events = events
  }

  submit(slot: number, order: RoutedOrder, timestampUs: number): void {
    const reason = refusal(order)
    if (reason !== Reason.None) {
      this.#events.report(slot, OrderStatus.Rejected, 0, 0, timestampUs, reason, '')
      return
    }
    this.#events.report(slot, OrderStatus.New, 0, 0, timestampUs, Reason.None, '')
    this.#fill(slot, order.quantity, order.price, timestampUs, order.destination)
  }

  readonly answersLater = false

  /** Nothing: a manual order has ended before anybody can cancel it. */
  cancel(): void {}

  /** Nothing, for the same reason. */
  replace(): void {}

  /** Nothing, for the same reason. */
  update(): void {}

  /** Completes what is missing up to the fill; whoever entered the order was judged when it was accepted. */
  restore(slot: number, order: RoutedOrder, status: OrderStatus, leavesQty: Quantity, acceptedUs: number): void {
    if (status === OrderStatus.PendingNew) {
      this.#events.report(slot, OrderStatus.New, 0, 0, acceptedUs, Reason.None, '')
    }
    this.#fill(slot, leavesQty, order.price, acceptedUs, order.destination)
  }

  #fill(slot: number, quantity: Quantity, price: Price, timestampUs: number, destination: string): void {
    this.#events.report(slot, OrderStatus.Filled, quantity, price, timestampUs, Reason.None, destination)
  }
}

function refusal(order: RoutedOrder): Reason {
  if (!order.byAdministrator) return Reason.ManualOrderNotPermitted
  if (!(order.quantity > 0)) return Reason.InvalidQuantity
  if (!(order.price > 0)) return Reason.InvalidPrice
  return Reason.None
}
