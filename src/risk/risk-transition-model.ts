// What a change of the risk state demands of an account's orders. Closing mode cancels what would open a position;
// disabling cancels everything and, once nothing is live any more, sells what is held and buys back what is owed.
//
//        CLOSE_ORDERS          DISABLED              all of them ended
//   Idle ────────────► Closing ────────► Waiting ─────────────────────► Flattened
//    ▲   cancel the              cancel              one market order
//    │   opening orders          all live orders     for each position
//    └── ACTIVE ── from any of the others
//
// An account that is disabled at one stroke is left alone: what was submitted before may end as it likes, and the
// checks let nothing in that opens. Orders that come after the cancel of all are not waited for, and flattening
// happens once: this is what is demanded by what is known. Seeing it through, whatever turns out to be missing or gets
// lost, is the enforcement's.

import { type BookedOrder, PositionOrderBook } from '../accounting/position-order-book.ts'
import type { Price, Quantity } from '../domain/money.ts'
import { isTerminal, OrderStatus } from '../domain/order-status.ts'
import { RiskStateType } from '../domain/risk-state.ts'
import { opposite, type Side, sideOfPosition } from '../domain/side.ts'

/** How far a transition has come. The numbers are stored. */
export const TransitionStage = { Idle: 0, Closing: 2, Waiting: 4, Flattened: 6 } as const
export type TransitionStage = (typeof TransitionStage)[keyof typeof TransitionStage]

/** A market order, good for the day, that takes a position back to zero. */
export interface FlatteningOrder {
  readonly ticker: string
  readonly side: Side
  readonly quantity: Quantity
  /** Empty where the venue has no preferred destination. */
  readonly destination: string
}

/** What is to be done now. */
export interface TransitionActions {
  /** Ids of orders to cancel. */
  readonly cancels: readonly number[]
  readonly submits: readonly FlatteningOrder[]
}

const NOTHING: TransitionActions = { cancels: [], submits: [] }

export class RiskTransitionModel {
  readonly #book = new PositionOrderBook()
  readonly #destinationOf: (ticker: string) => string
  #stage: TransitionStage = TransitionStage.Idle
  /** Canceled orders that have not ended yet. */
  readonly #awaited = new Set<number>()

  /**
   * @param positions tickers and signed quantities from which the account's orders go on.
   * @param destinationOf where orders for a ticker go to.
   */
  constructor(positions: Iterable<readonly [string, Quantity]>, destinationOf: (ticker: string) => string) {
    for (const [ticker, quantity] of positions) this.#book.addPosition(ticker, quantity)
    this.#destinationOf = destinationOf
  }

  get stage(): TransitionStage {
    return this.#stage
  }

  liveOrders(): Iterable<BookedOrder> {
    return this.#book.liveOrders()
  }

  openingOrders(): Iterable<BookedOrder> {
    return this.#book.openingOrders()
  }

  /** By ticker, signed; none that is zero. */
  positions(): Iterable<readonly [ticker: string, quantity: Quantity]> {
    return this.#book.positions()
  }

  /** An order of the account has been accepted. */
  add(order: BookedOrder): void {
    this.#book.add(order)
  }

  /** @param terms of an order that was replaced. */
  report(
    orderId: number,
    status: OrderStatus,
    lastQty: Quantity,
    terms?: { readonly quantity: Quantity; readonly price: Price },
  ): TransitionActions {
    this.#book.report(orderId, status, lastQty)
    if (terms !== undefined && status === OrderStatus.Replaced) {
      this.#book.replace(orderId, terms.quantity, terms.price)
      // What it has more may open, which nothing is to do any more.
      if (this.#stage === TransitionStage.Closing) return { cancels: idsOf(this.#book.openingOrders()), submits: [] }
    }
    if (!isTerminal(status) || !this.#awaited.delete(orderId)) return NOTHING
    return this.#whenAllEnded()
  }

  /** The risk state has changed. */
  changeState(state: RiskStateType): TransitionActions {
    if (state === RiskStateType.Active) {
      this.#awaited.clear()
      this.#stage = TransitionStage.Idle
    } else if (state === RiskStateType.CloseOrders && this.#stage === TransitionStage.Idle) {
      return this.#close()
    } else if (state === RiskStateType.Disabled && this.#stage === TransitionStage.Closing) {
      return this.#cancelAll()
    }
    return NOTHING
  }

  /**
   * Goes on where an earlier run stopped. What that run had asked for may have got lost with it, so it is asked for
   * again; canceling twice has no second effect, and only what is still held is flattened.
   */
  resume(stage: TransitionStage): TransitionActions {
    switch (stage) {
      case TransitionStage.Closing:
        return this.#close()
      case TransitionStage.Waiting:
        return this.#cancelAll()
      default:
        this.#stage = stage
        return NOTHING
    }
  }

  #close(): TransitionActions {
    this.#stage = TransitionStage.Closing
    return { cancels: idsOf(this.#book.openingOrders()), submits: [] }
  }

  #cancelAll(): TransitionActions {
    this.#stage = TransitionStage.Waiting
    const cancels = idsOf(this.#book.liveOrders())
    for (const orderId of cancels) this.#awaited.add(orderId)
    return { cancels, submits: this.#whenAllEnded().submits }
  }

  #whenAllEnded(): TransitionActions {
    if (this.#awaited.size > 0 || this.#stage !== TransitionStage.Waiting) return NOTHING
    this.#stage = TransitionStage.Flattened
    const submits = Array.from(this.#book.positions(), ([ticker, quantity]) => ({
      ticker,
      side: opposite(sideOfPosition(quantity)),
      quantity: Math.abs(quantity),
      destination: this.#destinationOf(ticker),
    }))
    return { cancels: [], submits }
  }
}

function idsOf(orders: Iterable<BookedOrder>): number[] {
  return Array.from(orders, order => order.orderId)
}
