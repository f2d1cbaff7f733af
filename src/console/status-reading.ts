// Reads what the administrative port tells of the server: the numbers of every lane, as `/status` has them. What is
// missing counts as nothing: a server of another version tells other numbers.

export interface LatencyReading {
  readonly count: number
  readonly maxUs: number
  /** The first µs behind each bucket that is not empty, and how many lie in it, since the start of the server. */
  readonly buckets: ReadonlyMap<number, number>
}

export interface DegradedReading {
  readonly part: string
  readonly what: string
  readonly why: string
}

/** What one thread, store or link counted. */
export class LaneReading {
  readonly kind: string
  readonly name: string
  readonly #metrics: Readonly<Record<string, unknown>>

  constructor(kind: string, name: string, metrics: Readonly<Record<string, unknown>>) {
    this.kind = kind
    this.name = name
    this.#metrics = metrics
  }

  number(metric: string): number {
    const value = this.#metrics[metric]
    return typeof value === 'number' && Number.isFinite(value) ? value : 0
  }

  /** What is told by a label. */
  numbers(metric: string): Readonly<Record<string, number>> {
    const value = this.#metrics[metric]
    if (!isRecord(value)) return {}
    return Object.fromEntries(
      Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    )
  }

  latency(metric: string): LatencyReading {
    const value = this.#metrics[metric]
    if (!isRecord(value) || !Array.isArray(value.buckets)) return { count: 0, maxUs: 0, buckets: new Map() }
    const { count, maxUs } = value
    return {
      count: typeof count === 'number' ? count : 0,
      maxUs: typeof maxUs === 'number' ? maxUs : 0,
      buckets: new Map(value.buckets.filter(isPair)),
    }
  }
}

export interface StatusReading {
  readonly timeMs: number
  readonly version: string
  readonly isReady: boolean
  readonly stage: string
  readonly degraded: readonly DegradedReading[]
  readonly lanes: readonly LaneReading[]
}

/** @throws Error where it is nothing of the kind. */
export function readStatus(data: unknown): StatusReading {
  if (!isRecord(data) || !Array.isArray(data.lanes)) throw new Error('the administrative port told no status')
  const degraded = Array.isArray(data.degraded) ? data.degraded : []
  return {
    timeMs: typeof data.timeMs === 'number' ? data.timeMs : Date.now(),
    version: String(data.version ?? ''),
    isReady: data.isReady === true,
    stage: String(data.stage ?? ''),
    degraded: degraded.filter(isRecord).map(({ part, what, why }) => ({
      part: String(part),
      what: String(what),
      why: String(why),
    })),
    lanes: data.lanes
      .filter(isRecord)
      .map(({ kind, name, metrics }) => new LaneReading(String(kind), String(name), isRecord(metrics) ? metrics : {})),
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isPair(value: unknown): value is [number, number] {
  return Array.isArray(value) && typeof value[0] === 'number' && typeof value[1] === 'number'
}
