// Rows of numbers in shared memory, each a consistent snapshot: one thread writes a row, any number of others read it
// whole, never half of one write and half of the next.
//
//   | rows used |     row: | version | copy 0: n doubles | copy 1: n doubles | … up to the stride |
//     block                  8 bytes
//
//   rows used   written by the one thread that adds rows, read by all
//   row         written by one thread, read by all
//
// A version that is even or odd says which copy holds; the writer fills the other one and then counts the version up. A
// reader takes the copy its version names, and takes it again if the version has moved meanwhile. So a writer that was
// suspended in the middle of a write holds nobody up, as it would with a single copy.
//
// Only the versions are accessed by Atomics, each access of which costs as much as a whole copy of plain ones. That is
// enough as long as no plain access moves across the version, and these orders forbid it on every processor:
//
//   write   load version · fill the other copy · store version     a load holds back what follows, a store what precedes
//   read    load version · take the copy · fence · load version    a load does not hold back loads before it, a store does
//
// The fence is a store to a word nobody else has. Between two writes of a row, the load that begins the second is kept
// behind the store that ended the first. Aligned doubles are not cut by 64-bit processors; and a row that was read while
// the version moved is never used.

import { assert } from '../base/assert.ts'
import { BLOCK_BYTES } from './blocks.ts'

const ROWS_USED_WORD = 0
const VERSION_BYTES = 8
/** As many writes in the middle of as many readings of some 50 ns are no traffic, but a broken writer. */
const READ_TRIES_MAX = 1000

export class SeqlockRows {
  /** The row last read, or to be written: one number per field. */
  readonly values: Float64Array
  readonly rowsMax: number

  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #doubles: Float64Array<SharedArrayBuffer>
  readonly #fence = new Int32Array(1)
  readonly #strideDoubles: number

  /** Rows of `fields` doubles each, laid out by `seqlockBytes` with the same figures. */
  constructor(memory: SharedArrayBuffer, byteOffset: number, rowsMax: number, fields: number, alignBytes = 8) {
    const bytes = seqlockBytes(rowsMax, fields, alignBytes)
    this.rowsMax = rowsMax
    this.values = new Float64Array(fields)
    this.#strideDoubles = strideBytes(fields, alignBytes) / Float64Array.BYTES_PER_ELEMENT
    this.#words = new Int32Array(memory, byteOffset, bytes / Int32Array.BYTES_PER_ELEMENT)
    this.#doubles = new Float64Array(memory, byteOffset, bytes / Float64Array.BYTES_PER_ELEMENT)
  }

  /** Makes `values` a further row; −1 where there is none left. Rows are never given back. */
  add(): number {
    const row = this.rowsUsed()
    if (row === this.rowsMax) return -1
    this.write(row)
    // Counted once it is filled: who walks the rows meets no empty one.
    Atomics.store(this.#words, ROWS_USED_WORD, row + 1)
    return row
  }

  /** Rows taken so far: 0 … rowsUsed − 1. */
  rowsUsed(): number {
    return Atomics.load(this.#words, ROWS_USED_WORD)
  }

  /** Replaces the row by `values`; only its one writer calls this. */
  write(row: number): void {
    const start = this.#start(row)
    const from = this.values
    const to = this.#doubles
    const next = (Atomics.load(this.#words, start * 2) + 1) | 0
    const copy = start + 1 + (next & 1) * from.length
    for (let field = 0; field < from.length; field++) to[copy + field] = from[field]!
    Atomics.store(this.#words, start * 2, next)
  }

  /** Fills `values` with the row as of one write. */
  read(row: number): void {
    const start = this.#start(row)
    const from = this.#doubles
    const to = this.values
    let before = Atomics.load(this.#words, start * 2)
    for (let tries = 0; tries < READ_TRIES_MAX; tries++) {
      const copy = start + 1 + (before & 1) * to.length
      for (let field = 0; field < to.length; field++) to[field] = from[copy + field]!
      Atomics.store(this.#fence, 0, 0)
      const after = Atomics.load(this.#words, start * 2)
      if (after === before) return
      before = after
    }
    assert(false, 'a row changes faster than it can be read')
  }

  /** Where the row begins, counted in doubles. */
  #start(row: number): number {
    assert(row >= 0 && row < this.rowsMax, 'no such row')
    return BLOCK_BYTES / Float64Array.BYTES_PER_ELEMENT + row * this.#strideDoubles
  }
}

/**
 * Bytes of memory for `rowsMax` rows of `fields` doubles; `alignBytes` is `BLOCK_BYTES` where neighbouring rows have
 * different writers.
 */
export function seqlockBytes(rowsMax: number, fields: number, alignBytes = 8): number {
  return BLOCK_BYTES + rowsMax * strideBytes(fields, alignBytes)
}

function strideBytes(fields: number, alignBytes: number): number {
  const bytes = VERSION_BYTES + 2 * fields * Float64Array.BYTES_PER_ELEMENT
  return Math.ceil(bytes / alignBytes) * alignBytes
}
