// Counters and latency histograms in shared memory. Each thread has a lane of its own and counts there with plain
// additions; others only read, at any moment. A lane is a row of doubles ("slots"); which slot means what is said by
// the catalogue of metrics. A slot is one aligned 64-bit word and so is never seen half written on the processors the
// server runs on; readings of different slots may be a moment apart, which is no matter for metrics.
//
// A histogram is log-linear over whole microseconds: each value below 32 µs has a bucket of its own, and above that
// every doubling is cut into 32 buckets, so that a bucket is at most 1/32 (3.1 %) wide. It spans 0 … 67 s.
//
//   | bucket 0 … bucket 703 | sum | max |

import { assert } from '../base/assert.ts'
import { wholeBlocks } from './blocks.ts'

const SLOT_BYTES = Float64Array.BYTES_PER_ELEMENT
const SUB_BITS = 5
/** Buckets of one doubling. */
const SUB_BUCKETS = 1 << SUB_BITS
/** Values from 2^26 µs (67 s) on are counted in the last bucket; nobody waits for anything longer than 60 s. */
export const HISTOGRAM_POWER_MAX = 26
const VALUE_US_MAX = 2 ** HISTOGRAM_POWER_MAX - 1
const BUCKETS = (HISTOGRAM_POWER_MAX - SUB_BITS + 1) * SUB_BUCKETS
const SUM_SLOT = BUCKETS
const MAX_SLOT = BUCKETS + 1

/** Slots one histogram takes in a lane. */
export const HISTOGRAM_SLOTS = BUCKETS + 2

/** Bytes of one lane of `slots`. */
export function laneBytes(slots: number): number {
  return wholeBlocks(slots * SLOT_BYTES)
}

/** One thread's counters. The thread itself writes through it; readers make one of their own over the same memory. */
export class Lane {
  readonly #slots: Float64Array<SharedArrayBuffer>

  /** Lane number `index` of lanes with `bytes` each. */
  constructor(memory: SharedArrayBuffer, index: number, bytes: number) {
    assert((index + 1) * bytes <= memory.byteLength, 'no such lane')
    this.#slots = new Float64Array(memory, index * bytes, bytes / SLOT_BYTES)
  }

  /** Counts `amount` more. */
  add(slot: number, amount = 1): void {
    this.#slots[slot]! += amount
  }

  /** Sets a gauge. */
  set(slot: number, value: number): void {
    this.#slots[slot] = value
  }

  /** Counts a latency, `times` over, in the histogram that begins at `slot`; negative ones (clocks may step back) count as 0. */
  record(slot: number, us: number, times = 1): void {
    const value = us < 0 ? 0 : us > VALUE_US_MAX ? VALUE_US_MAX : us | 0
    const slots = this.#slots
    slots[slot + bucketOf(value)]! += times
    slots[slot + SUM_SLOT]! += times * value
    if (value > slots[slot + MAX_SLOT]!) slots[slot + MAX_SLOT] = value
  }

  value(slot: number): number {
    return this.#slots[slot]!
  }

  /** The slots of the histogram that begins at `slot`. */
  histogram(slot: number): Float64Array {
    return this.#slots.subarray(slot, slot + HISTOGRAM_SLOTS)
  }
}

/** What the histograms of some lanes hold together, at the moment they were added. */
export class Latencies {
  readonly #buckets = new Float64Array(BUCKETS)
  count = 0
  sumUs = 0
  maxUs = 0

  add(histogram: Float64Array): void {
    assert(histogram.length === HISTOGRAM_SLOTS, 'not a histogram')
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#buckets[bucket]! += histogram[bucket]!
      this.count += histogram[bucket]!
    }
    this.sumUs += histogram[SUM_SLOT]!
    this.maxUs = Math.max(this.maxUs, histogram[MAX_SLOT]!)
  }

  /** The latency in µs that `share` (0 … 1) of all were not above, up to a bucket's width too high; 0 where there are none. */
  percentile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.count))
    let below = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      below += this.#buckets[bucket]!
      if (below >= rank) return Math.min(bucketEnd(bucket) - 1, this.maxUs)
    }
    return this.maxUs
  }

  /** For each power from 0 to 25: how many were below 2^power µs, which always is a bound between buckets. */
  countsBelowPowers(): Float64Array {
    const counts = new Float64Array(HISTOGRAM_POWER_MAX)
    let count = 0
    let bucket = 0
    for (let power = 0; power < HISTOGRAM_POWER_MAX; power++) {
      const end = bucketOf(2 ** power)
      for (; bucket < end; bucket++) count += this.#buckets[bucket]!
      counts[power] = count
    }
    return counts
  }

  /** The buckets that are not empty: the first µs behind each, and how many lie in it. */
  buckets(): [endUs: number, count: number][] {
    const found: [number, number][] = []
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#buckets[bucket]!
      if (count > 0) found.push([bucketEnd(bucket), count])
    }
    return found
  }
}

function bucketOf(value: number): number {
  if (value < SUB_BUCKETS) return value
  const shift = 31 - SUB_BITS - Math.clz32(value)
  return (shift << SUB_BITS) + (value >> shift)
}

/** The first value behind the bucket. */
function bucketEnd(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket + 1
  const shift = (bucket >> SUB_BITS) - 1
  return ((bucket & (SUB_BUCKETS - 1)) + SUB_BUCKETS + 1) * 2 ** shift
}
