// The client order ids a shard remembers: those of all live orders, and of the finished ones as many as there is room
// for, the oldest forgotten first. Ids lie as bytes in one arena, found through an open-addressed table of hashes; a
// hit is compared byte by byte, so that two different ids are never taken for one another.
//
// Entries are used in turn; the turn passes over those of orders that still live, so the capacity has to exceed the
// number of live orders. Ids of replaces are passed over by nobody, however many a live order may have: like those of
// finished orders they are remembered until so many others came.

import { AssertionFailed, assert } from '../base/assert.ts'
import { CL_ORD_ID_BYTES_MAX } from '../protocol/requests.ts'

const ENTRY_BYTES = 40
assert(ENTRY_BYTES > CL_ORD_ID_BYTES_MAX, 'an entry holds the length and the bytes of an id')

const NONE = -1

export class ClOrdIds {
  /** Ids remembered at most. */
  readonly capacity: number
  readonly #arena: Uint8Array
  readonly #account: Int32Array
  /** Negative for the id of a replace, so that it is never taken for that of a live order. */
  readonly #orderId: Float64Array
  readonly #fingerprint: Int32Array
  readonly #hash: Int32Array
  /** Two words for each place of the hash table: entry number, or NONE, and its hash, so that most looks end here. */
  readonly #places: Int32Array
  readonly #mask: number
  readonly #isLive: (orderId: number) => boolean
  #turn = 0
  #count = 0
  /** Hash of what was looked for last, which is what is added next. */
  #lastHash = 0

  /**
   * @param capacity ids remembered; more than there can be live orders.
   * @param isLive tells whether an order lives; its id is then never forgotten.
   */
  constructor(capacity: number, isLive: (orderId: number) => boolean) {
    this.capacity = capacity
    let places = 16
    while (places < 2 * capacity) places *= 2
    this.#arena = new Uint8Array(capacity * ENTRY_BYTES)
    this.#account = new Int32Array(capacity)
    this.#orderId = new Float64Array(capacity)
    this.#fingerprint = new Int32Array(2 * capacity)
    this.#hash = new Int32Array(capacity)
    this.#places = new Int32Array(2 * places).fill(NONE)
    this.#mask = places - 1
    this.#isLive = isLive
  }

  /** Entry of the id among those of `account` (its row), or −1. The bytes lie in `from` between `start` and `end`. */
  find(account: number, from: Uint8Array, start: number, end: number): number {
    const hash = hashOf(account, from, start, end)
    this.#lastHash = hash
    for (let place = hash & this.#mask; ; place = (place + 1) & this.#mask) {
      const entry = this.#places[2 * place]
      if (entry === NONE) return NONE
      if (
        this.#places[2 * place + 1] === hash &&
        this.#account[entry] === account &&
        this.#same(entry, from, start, end)
      ) {
        return entry
      }
    }
  }

  /** The order that used the id of an entry, or that was to be replaced under it. */
  orderIdOf(entry: number): number {
    return Math.abs(this.#orderId[entry])
  }

  /** Whether the id of an entry is that of a replace. */
  isReplace(entry: number): boolean {
    return this.#orderId[entry] < 0
  }

  /** Whether the order of an entry asked for the same, by the two words of its fingerprint. */
  sameOrder(entry: number, fingerprint: Int32Array): boolean {
    return this.#fingerprint[2 * entry] === fingerprint[0] && this.#fingerprint[2 * entry + 1] === fingerprint[1]
  }

  /** Remembers the id of a replace of the order; as `add` otherwise. */
  addReplace(
    account: number,
    from: Uint8Array,
    start: number,
    end: number,
    orderId: number,
    fingerprint: Int32Array,
  ): void {
    this.add(account, from, start, end, -orderId, fingerprint)
  }

  /** Remembers the id that the last `find` did not find. */
  add(account: number, from: Uint8Array, start: number, end: number, orderId: number, fingerprint: Int32Array): void {
    const entry = this.#take()
    const at = entry * ENTRY_BYTES
    this.#arena[at] = end - start
    for (let i = start; i < end; i++) this.#arena[at + 1 + i - start] = from[i]
    this.#account[entry] = account
    this.#orderId[entry] = orderId
    this.#fingerprint[2 * entry] = fingerprint[0]
    this.#fingerprint[2 * entry + 1] = fingerprint[1]
    this.#hash[entry] = this.#lastHash
    this.#enter(entry)
  }

  // The next entry in turn whose order has ended.
  #take(): number {
    if (this.#count < this.capacity) return this.#count++
    for (let looks = 0; looks < this.capacity; looks++) {
      const entry = this.#turn
      this.#turn = (this.#turn + 1) % this.capacity
      if (!this.#isLive(this.#orderId[entry])) {
        this.#leave(entry)
        return entry
      }
    }
    throw new AssertionFailed('more live orders than client order ids that can be remembered')
  }

  #enter(entry: number): void {
    const hash = this.#hash[entry]
    let place = hash & this.#mask
    while (this.#places[2 * place] !== NONE) place = (place + 1) & this.#mask
    this.#places[2 * place] = entry
    this.#places[2 * place + 1] = hash
  }

  // Takes the entry out of the table and moves back what had been displaced, so that no marks of deletion pile up.
  #leave(entry: number): void {
    const mask = this.#mask
    let hole = this.#hash[entry] & mask
    while (this.#places[2 * hole] !== entry) hole = (hole + 1) & mask
    for (let place = (hole + 1) & mask; this.#places[2 * place] !== NONE; place = (place + 1) & mask) {
      const hash = this.#places[2 * place + 1]
      if (((place - hash) & mask) >= ((place - hole) & mask)) {
        this.#places[2 * hole] = this.#places[2 * place]
        this.#places[2 * hole + 1] = hash
        hole = place
      }
    }
    this.#places[2 * hole] = NONE
  }

  #same(entry: number, from: Uint8Array, start: number, end: number): boolean {
    const at = entry * ENTRY_BYTES
    if (this.#arena[at] !== end - start) return false
    for (let i = start; i < end; i++) if (this.#arena[at + 1 + i - start] !== from[i]) return false
    return true
  }
}

/** FNV-1a over the account and the bytes, mixed once more at the end so that the low bits are worth something. */
function hashOf(account: number, from: Uint8Array, start: number, end: number): number {
  let hash = Math.imul(0x811c9dc5 ^ account, 0x01000193)
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ from[i], 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}
