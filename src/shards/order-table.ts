// The live orders of a shard, as columns of typed arrays. An order is a slot: a small integer by which the desk, buying
// power and the destinations keep what each of them needs to know. Slots of ended orders are used again, the latest
// first, so that the memory touched stays close to what lives. All columns exist at full size from the start; pages
// never touched cost nothing.

import { assert } from '../base/assert.ts'
import { KeyIndex } from '../base/key-index.ts'

/** No slot. */
export const NO_SLOT = -1

export class OrderTable {
  readonly capacity: number
  readonly orderId: Float64Array
  readonly quantity: Float64Array
  readonly price: Float64Array
  readonly cumQty: Float64Array
  /** When the order was accepted, µs since the epoch. */
  readonly acceptedUs: Float64Array
  /** Fees and the like are in reports only; the number of reports so far, the accepted event included. */
  readonly reports: Int32Array
  readonly accountRow: Int32Array
  /** Number of the listing within the shard. */
  readonly listing: Int32Array
  readonly currency: Uint16Array
  readonly side: Int8Array
  readonly type: Int8Array
  readonly status: Int8Array
  readonly timeInForce: Int8Array
  /** Number of the session that sent the order, as `Command.Recall` counts them; 0 for one without a key. */
  readonly session: Uint32Array
  /** Index of the destination among those the desk was wired with. */
  readonly destination: Uint8Array
  /** Number of the destination the order names, as `Halts` counts them; −1 for none. */
  readonly routedTo: Int16Array
  /** 1 where buying power holds nothing for the order, because its currency cannot be converted. */
  readonly leftOut: Uint8Array
  /** 1 where the judge of pooled rules hears of what becomes of the order. */
  readonly pooled: Uint8Array
  /** The live orders of one account, doubly linked, in no order. */
  readonly next: Int32Array
  readonly previous: Int32Array

  readonly #slots: KeyIndex
  readonly #free: Int32Array
  #freeCount = 0
  #touched = 0

  /** @param capacity live orders at most. */
  constructor(capacity: number) {
    this.capacity = capacity
    this.orderId = new Float64Array(capacity)
    this.quantity = new Float64Array(capacity)
    this.price = new Float64Array(capacity)
    this.cumQty = new Float64Array(capacity)
    this.acceptedUs = new Float64Array(capacity)
    this.reports = new Int32Array(capacity)
    this.accountRow = new Int32Array(capacity)
    this.listing = new Int32Array(capacity)
    this.currency = new Uint16Array(capacity)
    this.side = new Int8Array(capacity)
    this.type = new Int8Array(capacity)
    this.status = new Int8Array(capacity)
    this.timeInForce = new Int8Array(capacity)
    this.session = new Uint32Array(capacity)
    this.destination = new Uint8Array(capacity)
    this.routedTo = new Int16Array(capacity)
    this.leftOut = new Uint8Array(capacity)
    this.pooled = new Uint8Array(capacity)
    this.next = new Int32Array(capacity)
    this.previous = new Int32Array(capacity)
    this.#free = new Int32Array(capacity)
    this.#slots = new KeyIndex()
  }

  /** Slots below this have been used; live orders are among them. */
  get slotsUsed(): number {
    return this.#touched
  }

  isLive(slot: number): boolean {
    return this.#slots.get(this.orderId[slot]) === slot
  }

  /** Number of live orders. */
  get size(): number {
    return this.#touched - this.#freeCount
  }

  get full(): boolean {
    return this.#freeCount === 0 && this.#touched === this.capacity
  }

  /** A slot for the order; the caller has asked `full` and fills every column. */
  add(orderId: number): number {
    assert(!this.full, 'an order was added to a full table')
    const slot = this.#freeCount > 0 ? this.#free[--this.#freeCount] : this.#touched++
    this.orderId[slot] = orderId
    this.#slots.set(orderId, slot)
    return slot
  }

  /** Gives the slot back. */
  remove(slot: number): void {
    this.#slots.delete(this.orderId[slot])
    this.#free[this.#freeCount++] = slot
  }

  /** Slot of a live order, or NO_SLOT. */
  find(orderId: number): number {
    return this.#slots.get(orderId)
  }
}
