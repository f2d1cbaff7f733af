// Latencies of a window of time, from histograms that only ever grow: the newest less the oldest of the window.

import type { LatencyReading } from './status-reading.ts'

export interface WindowLatency {
  readonly count: number
  readonly p50Us: number | null
  readonly p99Us: number | null
  readonly maxUs: number | null
}

export const NO_LATENCY: WindowLatency = { count: 0, p50Us: null, p99Us: null, maxUs: null }

/** What came between two readings, of one lane or of several together, each pair in its place. */
export function latencyBetween(before: readonly LatencyReading[], after: readonly LatencyReading[]): WindowLatency {
  const counts = new Map<number, number>()
  let count = 0
  for (const [place, { buckets }] of after.entries()) {
    const known = before[place]?.buckets
    for (const [endUs, total] of buckets) {
      const came = total - (known?.get(endUs) ?? 0)
      // A server that was started anew counts from nothing; the next reading is right again.
      if (came <= 0) continue
      counts.set(endUs, (counts.get(endUs) ?? 0) + came)
      count += came
    }
  }
  if (count === 0) return NO_LATENCY
  const ends = [...counts.keys()].sort((a, b) => a - b)
  const percentile = (share: number) => {
    const rank = Math.max(1, Math.ceil(share * count))
    let below = 0
    for (const endUs of ends) {
      below += counts.get(endUs)!
      if (below >= rank) return endUs - 1
    }
    return ends.at(-1)! - 1
  }
  return { count, p50Us: percentile(0.5), p99Us: percentile(0.99), maxUs: ends.at(-1)! - 1 }
}
