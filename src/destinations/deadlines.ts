// Slots that end at a time, earliest first: a binary heap of slots over columns, so that adding and removing one costs
// the logarithm of their number and the common question, whether anything is due, is one comparison. Equal times come
// in the order of their sequence.

import { assert } from '../base/assert.ts'

export class Deadlines {
  readonly #timeUs: Float64Array
  readonly #sequence: Float64Array
  readonly #heap: Int32Array
  /** By slot: its index in the heap plus one, 0 where it is not in it; so that fresh memory means absent. */
  readonly #position: Int32Array
  #size = 0

  /**
   * The columns are the owner's, by slot, and stay as they are while the slot is in here.
   * @param timeUs when it ends; Infinity is never.
   * @param sequence order among those that end at the same time.
   */
  constructor(timeUs: Float64Array, sequence: Float64Array) {
    this.#timeUs = timeUs
    this.#sequence = sequence
    this.#heap = new Int32Array(timeUs.length)
    this.#position = new Int32Array(timeUs.length)
  }

  /** When the next slot is due; Infinity where there is none. */
  get nextUs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#timeUs[this.#heap[0]!]!
  }

  /** The slot that is due next; there has to be one. */
  get next(): number {
    assert(this.#size > 0, 'there is a deadline')
    return this.#heap[0]!
  }

  /** Watches the slot, unless it never ends. */
  add(slot: number): void {
    if (this.#timeUs[slot] === Number.POSITIVE_INFINITY) return
    assert(this.#position[slot] === 0, 'a slot has one deadline')
    this.#rise(this.#size++, slot)
  }

  /** Forgets the slot, if it is here. */
  remove(slot: number): void {
    const index = this.#position[slot]! - 1
    if (index < 0) return
    this.#position[slot] = 0
    const last = this.#heap[--this.#size]!
    if (last === slot) return
    if (index > 0 && this.#isEarlier(last, this.#heap[(index - 1) >> 1]!)) this.#rise(index, last)
    else this.#sink(index, last)
  }

  #isEarlier(slot: number, other: number): boolean {
    const difference = this.#timeUs[slot]! - this.#timeUs[other]!
    return difference < 0 || (difference === 0 && this.#sequence[slot]! < this.#sequence[other]!)
  }

  #put(index: number, slot: number): void {
    this.#heap[index] = slot
    this.#position[slot] = index + 1
  }

  #rise(start: number, slot: number): void {
    let index = start
    while (index > 0) {
      const above = (index - 1) >> 1
      const other = this.#heap[above]!
      if (!this.#isEarlier(slot, other)) break
      this.#put(index, other)
      index = above
    }
    this.#put(index, slot)
  }

  #sink(start: number, slot: number): void {
    let index = start
    for (;;) {
      let below = 2 * index + 1
      if (below >= this.#size) break
      if (below + 1 < this.#size && this.#isEarlier(this.#heap[below + 1]!, this.#heap[below]!)) below++
      const other = this.#heap[below]!
      if (!this.#isEarlier(other, slot)) break
      this.#put(index, other)
      index = below
    }
    this.#put(index, slot)
  }
}
