// Exchange rates: one row per pair of currencies. Written by main, read by every shard. Shards keep the rates in a shape
// of their own and look at one word, the count of changes, to learn that it is out of date.
//
//   | changes | rows of rates … |
//     block

import { BLOCK_BYTES } from './blocks.ts'
import { SeqlockRows, seqlockBytes } from './seqlock.ts'

/** One unit of `base` is worth numerator ÷ denominator units of `counter`. */
export interface Rate {
  base: number
  counter: number
  numerator: number
  denominator: number
}

const CHANGES_WORD = 0
const FIELDS = 4

export class RateTable {
  readonly #changes: Int32Array<SharedArrayBuffer>
  readonly #rows: SeqlockRows
  readonly #rate = newRate()

  constructor(memory: SharedArrayBuffer, ratesMax: number) {
    this.#changes = new Int32Array(memory, 0, 1)
    this.#rows = new SeqlockRows(memory, BLOCK_BYTES, ratesMax, FIELDS)
  }

  /** Main: sets the rate of a pair; false where the pair is new and the table full. */
  write(rate: Readonly<Rate>): boolean {
    const row = this.#rowOf(rate.base, rate.counter)
    const { values } = this.#rows
    values[0] = rate.base
    values[1] = rate.counter
    values[2] = rate.numerator
    values[3] = rate.denominator
    if (row >= 0) this.#rows.write(row)
    else if (this.#rows.add() < 0) return false
    // After the row: whoever sees the count has the new rate before it.
    Atomics.store(this.#changes, CHANGES_WORD, (Atomics.load(this.#changes, CHANGES_WORD) + 1) | 0)
    return true
  }

  /**
   * Differs from an earlier answer when a rate was written since. Asked before the rates are read, it may only make
   * somebody read them once too often.
   */
  changes(): number {
    return Atomics.load(this.#changes, CHANGES_WORD)
  }

  /** Rates in use: rows 0 … rates − 1. */
  rates(): number {
    return this.#rows.rowsUsed()
  }

  read(row: number, into: Rate): void {
    this.#rows.read(row)
    const { values } = this.#rows
    into.base = values[0]!
    into.counter = values[1]!
    into.numerator = values[2]!
    into.denominator = values[3]!
  }

  #rowOf(base: number, counter: number): number {
    const rates = this.rates()
    for (let row = 0; row < rates; row++) {
      this.read(row, this.#rate)
      if (this.#rate.base === base && this.#rate.counter === counter) return row
    }
    return -1
  }
}

/** An object to read rates into. */
export function newRate(): Rate {
  return { base: 0, counter: 0, numerator: 0, denominator: 0 }
}

/** Bytes of memory for `ratesMax` rates. */
export function rateTableBytes(ratesMax: number): number {
  return BLOCK_BYTES + seqlockBytes(ratesMax, FIELDS)
}
