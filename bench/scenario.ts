// What a scenario is and what it gives: figures for people, figures for programs, and the targets it has to reach.

export interface Target {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** As `>= 1` or `<= 600`. */
  readonly bound: string
  readonly holds: boolean
}

/** Rows under one heading, every cell as it is printed. */
export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface ScenarioResult {
  readonly tables: readonly Table[]
  /** What there is to know about the figures: what was checked, what is left out. */
  readonly notes: readonly string[]
  readonly figures: Readonly<Record<string, unknown>>
  readonly targets: readonly Target[]
}

export interface ScenarioOptions {
  /** The smallest size: shows that the scenario works, and nothing else. */
  readonly quick: boolean
  /** Length of one measurement, where the scenario measures for a time. */
  readonly seconds?: number
  /** How often each measurement is made, by turns with what it is compared with. */
  readonly rounds?: number
  /** Of the resident memory, in minutes. */
  readonly minutes?: number
  /** Where plots go. */
  readonly outputDirectory: string
  /** Tells what is going on. */
  readonly say: (line: string) => void
}

export interface Scenario {
  readonly name: string
  /** What is measured, in one sentence. */
  readonly about: string
  /** Threads and processes that want to run at once; fewer cores than that are worth a warning. */
  readonly threads: (shards: number) => number
  /** Rejects where an answer was wrong: then there is no figure. */
  run(options: ScenarioOptions): Promise<ScenarioResult>
}

export function atLeast(name: string, value: number, unit: string, bound: number): Target {
  return { name, value: rounded(value), unit, bound: `>= ${bound}`, holds: value >= bound }
}

export function atMost(name: string, value: number, unit: string, bound: number): Target {
  return { name, value: rounded(value), unit, bound: `<= ${bound}`, holds: value <= bound }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function rounded(value: number): number {
  return Number(value.toPrecision(6))
}

/** As 123,456 or 1.23. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

/** Microseconds as 0.123 ms. */
export function milliseconds(us: number): string {
  return (us / 1_000).toFixed(us < 10_000 ? 3 : 1)
}
