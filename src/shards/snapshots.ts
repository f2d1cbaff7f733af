// Inventory snapshots: the positions of an account as one journal entry, from which recovery starts instead of from the
// account's first order. Taken by the amount of history since the last one, and of every account at an orderly stop.

import { isEmpty } from '../accounting/inventory.ts'
import { encodeSnapshot, type SnapshotEntry } from '../protocol/order-events.ts'
import type { AccountBook } from './account-book.ts'
import type { EventBlock } from './event-block.ts'
import { NO_SLOT } from './order-table.ts'
import type { ShardState } from './shard-state.ts'

/** A snapshot names every live order, so it is worth its size only after several times as many reports. */
const REPORTS_PER_LIVE_ORDER = 8

export class Snapshots {
  readonly #state: ShardState
  readonly #events: EventBlock
  readonly #reportsMin: number

  /** @param reportsMin reports of an account between two snapshots at least. */
  constructor(state: ShardState, events: EventBlock, reportsMin: number) {
    this.#state = state
    this.#events = events
    this.#reportsMin = reportsMin
  }

  /** Takes those that are due among the accounts this turn has touched. */
  takeDue(): void {
    for (const book of this.#state.touchedBooks) {
      const due = Math.max(this.#reportsMin, REPORTS_PER_LIVE_ORDER * book.liveOrders)
      if (book.reportsSinceSnapshot >= due) this.#take(book, book.timestamp)
    }
  }

  /** Takes one of every account that has had a report since its last. */
  takeAll(timestamp: number): void {
    for (const book of this.#state.books) {
      if (book !== undefined && book.reportsSinceSnapshot > 0) this.#take(book, Math.max(book.timestamp, timestamp))
    }
  }

  #take(book: AccountBook, timestamp: number): void {
    const { orders } = this.#state
    const entries: SnapshotEntry[] = []
    for (const { listing, currency, inventory, exposure } of book.holdings.values()) {
      if (isEmpty(inventory)) continue
      entries.push({ ...inventory, ticker: listing.text, currency, expenditure: exposure.expenditure })
    }
    const liveOrderIds: number[] = []
    for (let slot = book.liveHead; slot !== NO_SLOT; slot = orders.next[slot]) liveOrderIds.push(orders.orderId[slot])
    encodeSnapshot(this.#events.writer, {
      account: book.accountId,
      reportSequence: book.reportSequence,
      orderSequence: book.orderSequence,
      timestamp,
      currency: book.currency,
      entries,
      liveOrderIds: liveOrderIds.sort((a, b) => a - b),
    })
    this.#events.route(0, book.row)
    this.#events.hasPrivate = true
    book.reportsSinceSnapshot = 0
  }
}
