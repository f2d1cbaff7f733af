// A destination that answers later, as one behind a socket does: it acknowledges orders at once and then says nothing by
// itself. What becomes of them a test tells it, between the commands of the shard.

import type { Destination, RoutedOrder, RoutedReplace } from '../../src/destinations/destination.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { Reason } from '../../src/domain/reasons.ts'
import type { OrderLife } from '../../src/shards/order-life.ts'
import type { ShardState } from '../../src/shards/shard-state.ts'

export class LateVenue implements Destination {
  readonly answersLater = true
  /** What it was asked, in words. */
  readonly asked: string[] = []
  readonly #life: OrderLife
  readonly #state: ShardState

  constructor(life: OrderLife, state: ShardState) {
    this.#life = life
    this.#state = state
  }

  submit(slot: number, _order: RoutedOrder, timestampUs: number): void {
    this.#life.report(slot, OrderStatus.New, 0, 0, timestampUs, Reason.None, '')
  }

  cancel(slot: number, timestampUs: number): void {
    this.asked.push(`cancel ${this.#state.orders.orderId[slot]}`)
    this.#life.report(slot, OrderStatus.PendingCancel, 0, 0, timestampUs, Reason.None, '')
  }

  replace(slot: number, { quantity, leavesQty, price, isPossibleResend }: RoutedReplace): void {
    const words = `replace ${this.#state.orders.orderId[slot]}: ${quantity / 1e6} at ${price / 1e6}, ${leavesQty / 1e6} left`
    this.asked.push(isPossibleResend ? `${words}, perhaps again` : words)
  }

  /** An administrator's word holds here as well. */
  update(): void {}

  /** An order that was here before is here still. */
  restore(): void {}

  // What it answers, in units.

  fill(orderId: number, quantity: number, price: number, status: OrderStatus = OrderStatus.PartiallyFilled): void {
    this.#life.report(this.#slot(orderId), status, quantity * 1e6, price * 1e6, this.#now(orderId), Reason.None, '')
  }

  accept(orderId: number): void {
    this.#life.replaced(this.#slot(orderId), this.#now(orderId))
  }

  reject(orderId: number, reason: Reason = Reason.TermNotReplaceable): void {
    this.#life.replaceRejected(this.#slot(orderId), reason, this.#now(orderId))
  }

  canceled(orderId: number): void {
    const slot = this.#slot(orderId)
    this.#life.report(slot, OrderStatus.Canceled, 0, 0, this.#now(orderId), Reason.CanceledOnRequest, '')
  }

  cancelRejected(orderId: number): void {
    this.#life.report(this.#slot(orderId), OrderStatus.CancelReject, 0, 0, this.#now(orderId), Reason.None, '')
  }

  #slot(orderId: number): number {
    const slot = this.#state.orders.find(orderId)
    if (slot < 0) throw new Error(`order ${orderId} is not live`)
    return slot
  }

  #now(orderId: number): number {
    const { orders, books } = this.#state
    return books[orders.accountRow[this.#slot(orderId)]!]!.timestamp
  }
}
