// Whether a sale is short: whether what an account offers of a ticker, the new order included, exceeds what it holds.
// The flag is given once, when the order arrives, and an order that is refused afterwards counted until then.

import type { Quantity } from '../domain/money.ts'
import { isTerminal, type OrderStatus } from '../domain/order-status.ts'
import { Side } from '../domain/side.ts'

/** One ticker of one account, in micros; changes in place. */
export interface ShortSaleState {
  /** What is held, negative where sold short. */
  position: Quantity
  /** Sum of what is left of the live asks. */
  pendingSell: Quantity
}

/** Counts a new order and tells whether it is a short sale; a bid never is. */
export function countSubmission(state: ShortSaleState, side: Side, quantity: Quantity): boolean {
  if (side !== Side.Ask) return false
  state.pendingSell += quantity
  return state.pendingSell > state.position
}

/**
 * Counts a report on a live order that had `leavesQty` open before it and was filled by `lastQty`; a terminal report
 * takes back what it leaves unfilled. A fill beyond the order's size changes the position by all of it, but no order offers
 * less than nothing: so what is offered is always the sum of what is left of the live asks, as after a restart.
 */
export function countReport(
  state: ShortSaleState,
  side: Side,
  leavesQty: Quantity,
  lastQty: Quantity,
  terminal: boolean,
): void {
  if (side === Side.Bid) {
    state.position += lastQty
    return
  }
  state.position -= lastQty
  state.pendingSell -= terminal ? leavesQty : Math.min(leavesQty, lastQty)
}

/** The short-sale states of one account with the orders that are live: the same rule for those who keep no orders. */
export class ShortSaleModel {
  readonly #states = new Map<string, ShortSaleState>()
  readonly #orders = new Map<number, { readonly state: ShortSaleState; readonly side: Side; leavesQty: Quantity }>()

  /** Counts a new order and tells whether it is a short sale. */
  submit(orderId: number, ticker: string, side: Side, quantity: Quantity): boolean {
    const state = this.#state(ticker)
    this.#orders.set(orderId, { state, side, leavesQty: quantity })
    return countSubmission(state, side, quantity)
  }

  /** Counts a report; one on an order that is unknown or has ended changes nothing. */
  report(orderId: number, status: OrderStatus, lastQty: Quantity): void {
    const order = this.#orders.get(orderId)
    if (order === undefined) return
    const terminal = isTerminal(status)
    countReport(order.state, order.side, order.leavesQty, lastQty, terminal)
    order.leavesQty = Math.max(0, order.leavesQty - lastQty)
    if (terminal) this.#orders.delete(orderId)
  }

  /** Adds `quantity` (signed) to what is held: how the model is seeded. */
  addPosition(ticker: string, quantity: Quantity): void {
    this.#state(ticker).position += quantity
  }

  /** What is held of a ticker and offered of it. */
  state(ticker: string): Readonly<ShortSaleState> {
    return this.#state(ticker)
  }

  #state(ticker: string): ShortSaleState {
    let state = this.#states.get(ticker)
    if (state === undefined) {
      state = { position: 0, pendingSell: 0 }
      this.#states.set(ticker, state)
    }
    return state
  }
}
