// Where a key is: a hash table from large whole numbers (order ids) to small ones (slots, rows) in one typed array. No
// operation allocates, except that the array doubles when it is five eighths full; then an entry has cost 52 bytes at
// most. Collisions go to the next free place; a deletion moves the entries behind it back, so there are no tombstones
// and lookups stay short however long the table lives.

import { assert } from './assert.ts'

/** The answer for a key that is not there. */
const ABSENT = -1
const FREE = -1
const PLACES_MIN = 16
const VALUE_MAX = 2 ** 31 - 1

export class KeyIndex {
  size = 0
  /** Key and value side by side: one look is one line of the cache. */
  #pairs: Float64Array
  /** Places − 1. */
  #mask: number

  /** Room for `entries` without growing. */
  constructor(entries = 0) {
    let places = PLACES_MIN
    while (isCrowded(entries, places)) places *= 2
    this.#pairs = freePairs(places)
    this.#mask = places - 1
  }

  /** The value of `key`, or −1 where it is not there. */
  get(key: number): number {
    const at = this.#find(key)
    // A key that cannot be there must not be taken for the mark of a free place.
    return key >= 0 && this.#pairs[at] === key ? this.#pairs[at + 1]! : ABSENT
  }

  has(key: number): boolean {
    return this.get(key) !== ABSENT
  }

  /** Sets the value (0 … 2^31 − 1) of `key` (0 … 2^53 − 1). */
  set(key: number, value: number): void {
    assert(Number.isSafeInteger(key) && key >= 0, 'a key is a safe whole number')
    assert(value >= 0 && value <= VALUE_MAX, 'a value is a signed 32-bit number, not negative')
    let at = this.#find(key)
    if (this.#pairs[at] !== key) {
      if (isCrowded(this.size + 1, this.#mask + 1)) {
        this.#grow()
        at = this.#find(key)
      }
      this.#pairs[at] = key
      this.size++
    }
    this.#pairs[at + 1] = value
  }

  /** Takes `key` out; false where it was not there. */
  delete(key: number): boolean {
    const pairs = this.#pairs
    const mask = this.#mask
    const at = this.#find(key)
    if (!(key >= 0) || pairs[at] !== key) return false
    this.size--
    let hole = at / 2
    for (let place = (hole + 1) & mask; pairs[2 * place] !== FREE; place = (place + 1) & mask) {
      // An entry may move back into the hole unless it would come to lie before its home.
      const home = hash(pairs[2 * place]!) & mask
      if (((place - home) & mask) < ((place - hole) & mask)) continue
      pairs[2 * hole] = pairs[2 * place]!
      pairs[2 * hole + 1] = pairs[2 * place + 1]!
      hole = place
    }
    pairs[2 * hole] = FREE
    return true
  }

  clear(): void {
    this.#pairs.fill(FREE)
    this.size = 0
  }

  /** Where the pair of `key` is, or the free one where it would be put. */
  #find(key: number): number {
    const pairs = this.#pairs
    const mask = this.#mask
    let place = hash(key) & mask
    for (;;) {
      const found = pairs[2 * place]!
      if (found === key || found === FREE) return 2 * place
      place = (place + 1) & mask
    }
  }

  #grow(): void {
    const pairs = this.#pairs
    this.#pairs = freePairs(pairs.length)
    this.#mask = pairs.length - 1
    for (let from = 0; from < pairs.length; from += 2) {
      if (pairs[from] === FREE) continue
      const at = this.#find(pairs[from]!)
      this.#pairs[at] = pairs[from]!
      this.#pairs[at + 1] = pairs[from + 1]!
    }
  }
}

function freePairs(places: number): Float64Array {
  return new Float64Array(2 * places).fill(FREE)
}

function isCrowded(entries: number, places: number): boolean {
  return entries * 8 > places * 5
}

/** Mixes all 53 bits of a key into the low bits of the result (the last steps of MurmurHash3). */
function hash(key: number): number {
  let mixed = (key | 0) ^ Math.imul((key / 2 ** 32) | 0, 0x9e3779b1)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
