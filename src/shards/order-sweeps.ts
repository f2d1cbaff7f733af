// Sweeps go through live orders and do something with them: one part at a time, so that nothing else waits for a hundred
// thousand cancels. A sweep names whose orders it is about and what is to be done; this page knows how far each has got.
//
//   begin ─→ waits for its turn ─→ walks along the accounts' chains of live orders, a piece in each advance ─→ over
//
// Orders begin and end while a sweep is under way. One that ends takes the sweep's place with it to the next in the
// chain; one that begins stands in front of its chain, and is met or not: who minds looks at its id.

import type { OrderStatus } from '../domain/order-status.ts'
import type { AccountBook } from './account-book.ts'
import { NO_SLOT, type OrderTable } from './order-table.ts'

/** Whose live orders, and what is done with each. */
export interface Sweep {
  /** Rows of the accounts; undefined for all that have orders when it begins. */
  readonly rows: readonly number[] | undefined
  /** Meets a live order, which may end by that. @returns whether something was done that takes as long as a cancel. */
  visit(slot: number): boolean
  /** Told after each piece; `isOver` once it has been everywhere. */
  advanced(isOver: boolean): void
}

/** What one piece may be, at most. */
export interface SweepPiece {
  /** Orders and accounts looked at. */
  readonly lookedMax: number
  /** Orders with which something was done. */
  readonly doneMax: number
}

/** Sweeps that take turns; further ones wait, so that an order's end is told to a few at most. */
const UNDER_WAY_MAX = 8

/** A sweep and where it is. */
interface Walk {
  readonly sweep: Sweep
  /** Accounts there are to visit. */
  readonly accounts: number
  /** Accounts begun so far. */
  account: number
  /** The order to be met next; NO_SLOT where the account's chain is at its end. */
  slot: number
}

export class OrderSweeps {
  readonly #orders: OrderTable
  readonly #books: readonly (AccountBook | undefined)[]
  readonly #piece: SweepPiece
  /** The first has the next turn. */
  readonly #underWay: Walk[] = []
  readonly #waiting: Sweep[] = []

  /** @param books by row of the account. */
  constructor(orders: OrderTable, books: readonly (AccountBook | undefined)[], piece: SweepPiece) {
    this.#orders = orders
    this.#books = books
    this.#piece = piece
  }

  begin(sweep: Sweep): void {
    if (this.#underWay.length < UNDER_WAY_MAX) this.#start(sweep)
    else this.#waiting.push(sweep)
  }

  get isUnderWay(): boolean {
    return this.#underWay.length > 0
  }

  /** One piece: of one sweep, or of several where the first are over soon. */
  advance(): void {
    const { lookedMax, doneMax } = this.#piece
    let looked = 0
    let done = 0
    while (looked < lookedMax && done < doneMax) {
      const walk = this.#underWay.shift()
      if (walk === undefined) return
      // Back in the line before anything is done: the ends of orders move its place.
      this.#underWay.push(walk)
      let isOver = false
      while (looked < lookedMax && done < doneMax && !isOver) {
        looked += 1
        if (walk.slot === NO_SLOT) isOver = !this.#nextAccount(walk)
        else if (this.#visit(walk)) done += 1
      }
      if (isOver) {
        this.#underWay.splice(this.#underWay.indexOf(walk), 1)
        const next = this.#waiting.shift()
        if (next !== undefined) this.#start(next)
      }
      walk.sweep.advanced(isOver)
    }
  }

  /** A live order has ended and leaves its chain, in which `next` comes behind it. */
  left(slot: number, next: number): void {
    for (const walk of this.#underWay) if (walk.slot === slot) walk.slot = next
  }

  #start(sweep: Sweep): void {
    const accounts = sweep.rows?.length ?? this.#books.length
    this.#underWay.push({ sweep, accounts, account: 0, slot: NO_SLOT })
  }

  /** Goes to the head of the next account's chain; false where there is no further account. */
  #nextAccount(walk: Walk): boolean {
    if (walk.account === walk.accounts) return false
    const row = walk.sweep.rows === undefined ? walk.account : walk.sweep.rows[walk.account]!
    walk.account += 1
    walk.slot = this.#books[row]?.liveHead ?? NO_SLOT
    return true
  }

  #visit(walk: Walk): boolean {
    const { slot } = walk
    walk.slot = this.#orders.next[slot]
    return walk.sweep.visit(slot)
  }
}

/** Somebody who wants to know how live orders end. */
export interface EndWaiter {
  ended(status: OrderStatus): void
}

/** How many may wait for one order. */
const WAITERS_MAX = 8

/** Who waits for the ends of which live orders. */
export class AwaitedEnds {
  readonly #waiters = new Map<number, EndWaiter[]>()

  /** The waiter is told when the live order in `slot` ends; false where too many wait for it already. */
  await(slot: number, waiter: EndWaiter): boolean {
    const others = this.#waiters.get(slot)
    if (others === undefined) this.#waiters.set(slot, [waiter])
    else if (others.length === WAITERS_MAX) return false
    else others.push(waiter)
    return true
  }

  /** The order in `slot` has ended with that status. */
  ended(slot: number, status: OrderStatus): void {
    if (this.#waiters.size === 0) return
    const waiters = this.#waiters.get(slot)
    if (waiters === undefined) return
    this.#waiters.delete(slot)
    for (const waiter of waiters) waiter.ended(status)
  }

  /** The waiter does not want to know any more. */
  forget(waiter: EndWaiter): void {
    for (const [slot, waiters] of this.#waiters) {
      const left = waiters.filter(other => other !== waiter)
      if (left.length === 0) this.#waiters.delete(slot)
      else if (left.length < waiters.length) this.#waiters.set(slot, left)
    }
  }
}
