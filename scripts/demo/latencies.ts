// Latencies of one kind, and their percentiles.

import { type Column, tableLines } from '../../src/cli/table.ts'

export class Latencies {
  readonly name: string
  readonly #ms: number[] = []

  constructor(name: string) {
    this.name = name
  }

  add(ms: number): void {
    this.#ms.push(ms)
  }

  get count(): number {
    return this.#ms.length
  }

  /** The value that the given share lies at or below, in ms. */
  percentiles(shares: readonly number[]): number[] {
    const sorted = Float64Array.from(this.#ms).sort()
    return shares.map(share => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN)
  }
}

const SHARES = [0.5, 0.9, 0.99, 0.999, 1] as const
const TITLES = ['p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms', 'max ms'] as const

/** The lines of a table with one line for each kind. */
export function latencyLines(all: readonly Latencies[]): string[] {
  const rows = all.map(latencies => ({
    name: latencies.name,
    count: latencies.count,
    values: latencies.percentiles(SHARES),
  }))
  type Row = (typeof rows)[number]
  const columns: Column<Row>[] = [
    { title: 'latency', cell: row => row.name },
    { title: 'count', align: 'right', cell: row => String(row.count) },
    ...TITLES.map((title, at) => ({
      title,
      align: 'right' as const,
      cell: (row: Row) => (row.count === 0 ? '–' : row.values[at].toFixed(2)),
    })),
  ]
  return tableLines(columns, rows)
}
