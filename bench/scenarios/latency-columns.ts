// The percentiles of one measurement as cells of a table, in milliseconds.

import type { Percentiles } from '../latencies.ts'
import { milliseconds } from '../scenario.ts'

export const LATENCY_COLUMNS = ['p50 ms', 'p90', 'p99', 'p99.9', 'p99.99', 'max'] as const

export function latencyCells({ p50, p90, p99, p999, p9999, max }: Percentiles): string[] {
  return [p50, p90, p99, p999, p9999, max].map(milliseconds)
}
