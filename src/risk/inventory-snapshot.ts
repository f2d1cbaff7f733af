// The inventory snapshot of an account, kept up to date: what its finished orders have left behind, and which orders
// are to be added to it. Whoever has the snapshot, and the fills of the excluded orders and of all orders behind its
// sequence, has the positions, each order counted once.

import { type TickerInventory, TrueAverageBookkeeper } from '../accounting/bookkeeper.ts'
import { assert } from '../base/assert.ts'
import type { CurrencyId } from '../domain/currencies.ts'
import { type Money, multiply, type Price, type Quantity } from '../domain/money.ts'
import { isTerminal, type OrderStatus } from '../domain/order-status.ts'
import { direction, type Side } from '../domain/side.ts'

export interface InventorySnapshot {
  /** Of finished orders alone; empty ones are left out. */
  readonly inventories: readonly TickerInventory[]
  /** The last order sequence taken into account; 0 before the first. */
  readonly sequence: number
  /** Ids of orders up to the sequence that were not finished, and are not in the inventories. */
  readonly excluded: readonly number[]
}

export const emptySnapshot: InventorySnapshot = { inventories: [], sequence: 0, excluded: [] }

/** What a snapshot needs to know of an order. */
export interface SnapshotOrder {
  readonly orderId: number
  readonly ticker: string
  readonly currency: CurrencyId
  readonly side: Side
}

export interface SnapshotReport {
  /** Place among all reports of the account, which is the order of booking. */
  readonly reportSequence: number
  readonly status: OrderStatus
  readonly lastQty: Quantity
  readonly lastPx: Price
  /** All fees of the report together; they count with a fill only. */
  readonly fees: Money
  /** Of the replace that the report tells of; inventories do not count them. */
  readonly terms?: { readonly quantity: Quantity; readonly price: Price }
}

/** A report with a fill, and the order it belongs to. */
export interface OrderFill {
  readonly order: SnapshotOrder
  readonly report: SnapshotReport
}

interface LiveOrder {
  readonly order: SnapshotOrder
  readonly fills: SnapshotReport[]
}

export class InventorySnapshotModel {
  /** Finished orders. */
  readonly #folded: TrueAverageBookkeeper
  readonly #seedSequence: number
  #sequence: number
  /** Excluded orders of the seed that have not been added yet. */
  readonly #pending: Set<number>
  readonly #live = new Map<number, LiveOrder>()

  constructor(seed: InventorySnapshot = emptySnapshot) {
    this.#folded = new TrueAverageBookkeeper(seed.inventories)
    this.#seedSequence = seed.sequence
    this.#sequence = seed.sequence
    this.#pending = new Set(seed.excluded)
  }

  /**
   * Adds an order with its reports so far; one that the seed has counted is passed over.
   * @throws AmountOutOfRange
   */
  add(sequence: number, order: SnapshotOrder, reports: Iterable<SnapshotReport> = []): void {
    if (!this.#pending.delete(order.orderId) && sequence <= this.#seedSequence) return
    this.#sequence = Math.max(this.#sequence, sequence)
    this.#live.set(order.orderId, { order, fills: [] })
    for (const report of reports) this.report(order.orderId, report)
  }

  /** A report on an order; true where the order ended by it and is in the inventories now. @throws AmountOutOfRange */
  report(orderId: number, report: SnapshotReport): boolean {
    const live = this.#live.get(orderId)
    if (live === undefined) return false
    if (report.lastQty !== 0) live.fills.push(report)
    if (!isTerminal(report.status)) return false
    this.#live.delete(orderId)
    for (const fill of live.fills) book(this.#folded, { order: live.order, report: fill })
    return true
  }

  /** An order that has not finished; undefined where it has, or is not known. */
  order(orderId: number): SnapshotOrder | undefined {
    return this.#live.get(orderId)?.order
  }

  /** Tickers of the orders that have not finished. */
  *liveTickers(): IterableIterator<string> {
    for (const { order } of this.#live.values()) yield order.ticker
  }

  /** Fills of orders that are not in the inventories, in the order in which they happened. */
  liveFills(): OrderFill[] {
    const fills = [...this.#live.values()].flatMap(({ order, fills }) => fills.map(report => ({ order, report })))
    return fills.sort((a, b) => a.report.reportSequence - b.report.reportSequence)
  }

  snapshot(): InventorySnapshot {
    return {
      inventories: [...this.#folded.inventories()],
      sequence: this.#sequence,
      excluded: [...this.#pending, ...this.#live.keys()],
    }
  }

  /** Goes on from other inventories of the same orders, as after a reset. */
  reset(inventories: readonly TickerInventory[]): InventorySnapshotModel {
    assert(this.#pending.size === 0, 'a reset comes after every excluded order has been added')
    const model = new InventorySnapshotModel({ inventories, sequence: this.#sequence, excluded: [] })
    for (const [orderId, live] of this.#live) model.#live.set(orderId, live)
    return model
  }
}

/** Books a fill. @throws AmountOutOfRange */
export function book(books: TrueAverageBookkeeper, { order, report }: OrderFill): void {
  const { ticker, currency, side } = order
  const value = multiply(report.lastQty, report.lastPx)
  books.record(ticker, currency, direction(side) * report.lastQty, value, report.fees)
}
