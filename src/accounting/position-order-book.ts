// Which orders open positions and which only close them. An order on the side of the position, or beyond what there is
// to close, opens; an order that closes only in part counts as opening.

import type { Price, Quantity } from '../domain/money.ts'
import { isTerminal, type OrderStatus } from '../domain/order-status.ts'
import type { OrderType } from '../domain/order-type.ts'
import { opposite, Side, sideOfPosition } from '../domain/side.ts'

/**
 * Whether a new order of `quantity` would open, given the position (signed) and what the live orders of its side have
 * left in sum.
 */
export function opens(position: Quantity, openQuantity: Quantity, side: Side, quantity: Quantity): boolean {
  if (side !== opposite(sideOfPosition(position))) return true
  return openQuantity + quantity > Math.abs(position)
}

/** What the book needs to know of an order. */
export interface BookedOrder {
  readonly orderId: number
  readonly ticker: string
  readonly type: OrderType
  readonly side: Side
  readonly quantity: Quantity
  readonly price: Price
}

interface LiveOrder {
  order: BookedOrder
  remaining: Quantity
}

/** One side of a ticker. */
interface BookSide {
  /** Sum of what its live orders have left. */
  openQuantity: Quantity
  /** In the order of arrival, which breaks the ties of the closing order. */
  readonly live: Map<number, LiveOrder>
  /** The same in closing order; undefined since an order has come or gone. */
  sorted: readonly LiveOrder[] | undefined
}

interface TickerBook {
  position: Quantity
  readonly asks: BookSide
  readonly bids: BookSide
}

/**
 * Positions and live orders of one account. Coming, filling and going take the same time however many orders there
 * are; the closing order is sorted when it is asked for.
 */
export class PositionOrderBook {
  readonly #tickers = new Map<string, TickerBook>()
  readonly #live = new Map<number, LiveOrder>()
  /** Orders that have nothing left and have not ended: a replace may give them more. */
  readonly #done = new Map<number, BookedOrder>()

  /** Adds `quantity` (signed) to a position: how the book is seeded. */
  addPosition(ticker: string, quantity: Quantity): void {
    this.#ticker(ticker).position += quantity
  }

  /** Whether a submission, not made yet, would open. */
  opens(ticker: string, side: Side, quantity: Quantity): boolean {
    const book = this.#tickers.get(ticker)
    return book === undefined || opens(book.position, sideOf(book, side).openQuantity, side, quantity)
  }

  /** An order has been routed, or restored; what it was filled by before is told by `report`. */
  add(order: BookedOrder): void {
    const live = { order, remaining: order.quantity }
    const side = sideOf(this.#ticker(order.ticker), order.side)
    side.openQuantity += order.quantity
    side.live.set(order.orderId, live)
    side.sorted = undefined
    this.#live.set(order.orderId, live)
  }

  /** A report on an order; one on an order that is unknown or has left changes nothing. */
  report(orderId: number, status: OrderStatus, lastQty: Quantity): void {
    const live = this.#live.get(orderId)
    const terminal = isTerminal(status)
    if (terminal) this.#done.delete(orderId)
    if (live === undefined || (lastQty === 0 && !terminal)) return
    const book = this.#ticker(live.order.ticker)
    const side = sideOf(book, live.order.side)
    book.position += live.order.side === Side.Ask ? -lastQty : lastQty
    this.#leave(side, live, terminal ? 0 : Math.max(0, live.remaining - lastQty), !terminal)
  }

  /** An order goes on under other terms; one that is unknown or has ended changes nothing. */
  replace(orderId: number, quantity: Quantity, price: Price): void {
    const done = this.#done.get(orderId)
    if (done !== undefined && quantity > done.quantity) {
      // All that it had was executed; now it has more.
      this.#done.delete(orderId)
      this.add({ ...done, quantity, price })
      const live = this.#live.get(orderId)!
      this.#leave(sideOf(this.#ticker(done.ticker), done.side), live, quantity - done.quantity, true)
      return
    }
    const live = this.#live.get(orderId)
    if (live === undefined) return
    const side = sideOf(this.#ticker(live.order.ticker), live.order.side)
    const remaining = Math.max(0, live.remaining + quantity - live.order.quantity)
    live.order = { ...live.order, quantity, price }
    side.sorted = undefined
    this.#leave(side, live, remaining, true)
  }

  /** All orders in the book, in the order of their arrival. */
  *liveOrders(): IterableIterator<BookedOrder> {
    for (const { order } of this.#live.values()) yield order
  }

  /** The live orders that open: those on the side of a position, and those beyond what can be closed. */
  *openingOrders(): IterableIterator<BookedOrder> {
    for (const { position, asks, bids } of this.#tickers.values()) {
      for (const side of [asks, bids]) {
        let capacity = side === asks ? Math.max(position, 0) : Math.max(-position, 0)
        for (const { order, remaining } of inClosingOrder(side, side === asks ? 1 : -1)) {
          // The first that does not fit opens, and with it all behind it.
          if (remaining > capacity) capacity = -1
          if (capacity < 0) yield order
          else capacity -= remaining
        }
      }
    }
  }

  /** All positions that are not zero, by ticker, signed. */
  *positions(): IterableIterator<[ticker: string, quantity: Quantity]> {
    for (const [ticker, { position }] of this.#tickers) if (position !== 0) yield [ticker, position]
  }

  /** Leaves so much of a live order; with nothing left it goes, and may come back by a replace where it `mayReturn`. */
  #leave(side: BookSide, live: LiveOrder, remaining: Quantity, mayReturn: boolean): void {
    side.openQuantity += remaining - live.remaining
    live.remaining = remaining
    if (remaining > 0) return
    const { orderId } = live.order
    side.live.delete(orderId)
    side.sorted = undefined
    this.#live.delete(orderId)
    if (mayReturn) this.#done.set(orderId, live.order)
  }

  #ticker(ticker: string): TickerBook {
    let book = this.#tickers.get(ticker)
    if (book === undefined) {
      book = { position: 0, asks: emptySide(), bids: emptySide() }
      this.#tickers.set(ticker, book)
    }
    return book
  }
}

function emptySide(): BookSide {
  return { openQuantity: 0, live: new Map(), sorted: undefined }
}

function sideOf(book: TickerBook, side: Side): BookSide {
  return side === Side.Ask ? book.asks : book.bids
}

/** By type, then the least aggressive price (`direction` −1: ascending for bids), then arrival. */
function inClosingOrder(side: BookSide, direction: 1 | -1): readonly LiveOrder[] {
  // Sorting is stable, so that orders alike stay in the order of the map.
  side.sorted ??= [...side.live.values()].sort(
    ({ order: a }, { order: b }) => a.type - b.type || direction * (b.price - a.price),
  )
  return side.sorted
}
