// Where a key is: a hash table from large whole numbers (order ids) to small ones (slots, rows) in two typed arrays. No
// operation allocates, except that the arrays double when they are five eighths full; then an entry has cost 38 bytes at
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
  #keys: Float64Array
  #values: Int32Array
  #mask: number

  /** Room for `entries` without growing. */
  constructor(entries = 0) {
    let places = PLACES_MIN
    while (isCrowded(entries, places)) places *= 2
    this.#keys = new Float64Array(places).fill(FREE)
    this.#values = new Int32Array(places)
    this.#mask = places - 1
  }

  /** The value of `key`, or −1 where it is not there. */
  get(key: number): number {
    const place = this.#find(key)
    // A key that cannot be there must not be taken for the mark of a free place.
    return key >= 0 && this.#keys[place] === key ? this.#values[place]! : ABSENT
  }

  has(key: number): boolean {
    return this.get(key) !== ABSENT
  }

  /** Sets the value (0 … 2^31 − 1) of `key` (0 … 2^53 − 1). */
  set(key: number, value: number): void {
    assert(Number.isSafeInteger(key) && key >= 0, 'a key is a safe whole number')
    assert(value >= 0 && value <= VALUE_MAX, 'a value is a signed 32-bit number, not negative')
    let place = this.#find(key)
    if (this.#keys[place] !== key) {
      if (isCrowded(this.size + 1, this.#mask + 1)) {
        this.#grow()
        place = this.#find(key)
      }
      this.#keys[place] = key
      this.size++
    }
    this.#values[place] = value
  }

  /** Takes `key` out; false where it was not there. */
  delete(key: number): boolean {
    const keys = this.#keys
    const mask = this.#mask
    let hole = this.#find(key)
    if (!(key >= 0) || keys[hole] !== key) return false
    this.size--
    for (let place = (hole + 1) & mask; keys[place] !== FREE; place = (place + 1) & mask) {
      // An entry may move back into the hole unless it would come to lie before its home.
      const home = hash(keys[place]!) & mask
      if (((place - home) & mask) < ((place - hole) & mask)) continue
      keys[hole] = keys[place]!
      this.#values[hole] = this.#values[place]!
      hole = place
    }
    keys[hole] = FREE
    return true
  }

  clear(): void {
    this.#keys.fill(FREE)
    this.size = 0
  }

  /** The place of `key`, or the free one where it would be put. */
  #find(key: number): number {
    const keys = this.#keys
    const mask = this.#mask
    let place = hash(key) & mask
    for (;;) {
      const found = keys[place]!
      if (found === key || found === FREE) return place
      place = (place + 1) & mask
    }
  }

  #grow(): void {
    const keys = this.#keys
    const values = this.#values
    this.#keys = new Float64Array(keys.length * 2).fill(FREE)
    this.#values = new Int32Array(keys.length * 2)
    this.#mask = keys.length * 2 - 1
    for (let from = 0; from < keys.length; from++) {
      if (keys[from] === FREE) continue
      const place = this.#find(keys[from]!)
      this.#keys[place] = keys[from]!
      this.#values[place] = values[from]!
    }
  }
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
