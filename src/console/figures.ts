// The figures of the server: asked for once a second at its administrative port, turned into rates and percentiles, kept
// for an hour. The cost to the server is one answer a second, however many pages look on.

import { hintsOf } from './hints.ts'
import { latencyBetween, NO_LATENCY, type WindowLatency } from './latency-window.ts'
import type { FiguresMessage, HistoryMessage, Sample, ShardFigures, StageFigures, StoreFigures } from './messages.ts'
import { LaneReading, readStatus, type StatusReading } from './status-reading.ts'

export interface FiguresOptions {
  /** Where the administrative port answers; undefined where it is switched off. */
  readonly statusUrl: string | undefined
  /** Processors of the server's machine; null where it is not this one. */
  readonly cores: number | null
}

export type FiguresListener = (figures: FiguresMessage | undefined) => void

const EVERY_MS = 1_000
const ANSWER_MS_MAX = 5_000
/** An hour of seconds. */
const SAMPLES_MAX = 3_600
/** What is told of stages and loads is that of the last so many readings. */
const WINDOW_READINGS = 10

const COLUMNS = [
  'timeMs',
  'ordersPerSecond',
  'executionsPerSecond',
  'rejectsPerSecond',
  'requestsPerSecond',
  'answerP50Us',
  'answerP99Us',
  'answerMaxUs',
] as const satisfies readonly (keyof Sample)[]

/** The way of an order, as docs/metrics.md draws it. */
const STAGES = [
  ['Wait', 'received by main, until the shard takes it', 'oes_command_wait_seconds'],
  ['Judge', 'one block of commands judged', 'oes_judge_seconds'],
  ['Commit', 'one journal commit, its sync included', 'oes_journal_commit_seconds'],
  ['Publish', 'from durable to the report ring', 'oes_publish_seconds'],
  ['Durable', 'received by main, until durable', 'oes_command_seconds'],
] as const

const STORE_STATES = [
  'opening',
  'catching up',
  'following',
  'away',
  'read only',
  'full',
  'busy',
  'needs rebuild',
  'refused',
  'unused',
]
const GOOD_STORE_STATES = ['catching up', 'following', 'unused']

export class Figures {
  readonly #options: FiguresOptions
  readonly #listeners = new Set<FiguresListener>()
  /** A ring of columns; NaN stands for what is not known. */
  readonly #columns = COLUMNS.map(() => new Float64Array(SAMPLES_MAX))
  #samples = 0
  /** The latest readings, oldest first. */
  #readings: StatusReading[] = []
  #latest: FiguresMessage | undefined
  #why = 'The first figures are on their way.'
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: FiguresOptions) {
    this.#options = options
    if (options.statusUrl === undefined) {
      this.#why = 'The administrative port of the server is switched off (admin.http): there are no figures.'
      return
    }
    void this.#go(options.statusUrl)
  }

  /** How the server is; undefined where that is not known, with `why`. */
  get latest(): FiguresMessage | undefined {
    return this.#latest
  }

  get why(): string {
    return this.#why
  }

  listen(listener: FiguresListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The last hour, or what there is of it. */
  history(): HistoryMessage {
    const first = Math.max(0, this.#samples - SAMPLES_MAX)
    const column = (at: number) => {
      const values: (number | null)[] = []
      for (let sample = first; sample < this.#samples; sample++) {
        const value = this.#columns[at]![sample % SAMPLES_MAX]!
        values.push(Number.isNaN(value) ? null : value)
      }
      return values
    }
    return Object.fromEntries(COLUMNS.map((name, at) => [name, column(at)])) as unknown as HistoryMessage // all of them
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  async #go(url: string): Promise<void> {
    while (!this.#closed) {
      const beganMs = performance.now()
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
        if (!response.ok) throw new Error(`the administrative port answered ${response.status}`)
        this.#take(readStatus(await response.json()))
      } catch (error) {
        this.#why = `The administrative port of the server does not answer: ${reasonOf(error)}.`
        this.#latest = undefined
        this.#readings = []
      }
      if (this.#closed) return
      for (const listener of this.#listeners) listener(this.#latest)
      const pauseMs = Math.max(0, EVERY_MS - (performance.now() - beganMs))
      await new Promise<void>(resolve => {
        this.#timer = setTimeout(resolve, pauseMs).unref()
      })
    }
  }

  #take(reading: StatusReading): void {
    const before = this.#readings.at(-1)
    this.#readings.push(reading)
    if (this.#readings.length > WINDOW_READINGS + 1) this.#readings.shift()
    const figures = figuresOf(reading, before, this.#readings[0]!, this.#options.cores)
    this.#latest = figures
    if (before === undefined) return
    for (const [at, name] of COLUMNS.entries()) {
      this.#columns[at]![this.#samples % SAMPLES_MAX] = figures.sample[name] ?? Number.NaN
    }
    this.#samples += 1
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}

/** @param before the reading before; undefined for the first. @param first of the window. */
function figuresOf(
  now: StatusReading,
  before: StatusReading | undefined,
  first: StatusReading,
  cores: number | null,
): FiguresMessage {
  const main = laneOf(now, 'main', 'main')
  const shardLanes = now.lanes.filter(({ kind }) => kind === 'shard')
  const mainLoad = loadBetween(first, now, 'main', 'main')
  const shards = shardLanes.map(lane => shardFigures(lane, now, before, first))
  return {
    sample: sampleOf(now, before),
    isReady: now.isReady,
    stage: now.stage,
    degraded: now.degraded,
    version: now.version,
    startedMs: main.number('oes_start_time_seconds') * 1_000,
    cores,
    mainLoad,
    shards,
    stores: now.lanes.filter(({ kind }) => kind === 'store').map(storeFigures),
    stages: stagesOf(now, first),
    sessions: {
      open: main.number('oes_sessions_open'),
      accepted: main.number('oes_sessions_accepted_total'),
      logins: main.number('oes_logins_total'),
      loginFailures: main.number('oes_login_failures_total'),
      inFlight: main.number('oes_requests_in_flight'),
      outboxBytes: main.number('oes_outbox_bytes'),
      outboxLargestBytes: main.number('oes_outbox_largest_bytes'),
      subscriptions: main.number('oes_subscriptions'),
      closed: main.numbers('oes_sessions_closed_total'),
    },
    accountsByState: main.numbers('oes_accounts'),
    refusals: sumOf([main, ...shardLanes].map(lane => lane.numbers('oes_refusals_total'))),
    hints: hintsOf({
      main: mainLoad,
      shards: shards.map(({ load }) => load),
      commandRings: shards.map(({ commandRing }) => commandRing),
      cores,
    }),
    residentBytes: main.number('oes_resident_bytes'),
    diskFreeBytes: main.number('oes_disk_free_bytes'),
  }
}

function sampleOf(now: StatusReading, before: StatusReading | undefined): Sample {
  const rate = (kind: string, metric: string) => rateBetween(before, now, kind, undefined, metric)
  const answer = before === undefined ? NO_LATENCY : windowOf(before, now, 'main', undefined, 'oes_answer_seconds')
  return {
    timeMs: now.timeMs,
    ordersPerSecond: rate('shard', 'oes_orders_accepted_total'),
    executionsPerSecond: rate('shard', 'oes_executions_total'),
    rejectsPerSecond: rate('shard', 'oes_orders_rejected_total'),
    requestsPerSecond: rate('main', 'oes_requests_total'),
    answerP50Us: answer.p50Us,
    answerP99Us: answer.p99Us,
    answerMaxUs: answer.maxUs,
  }
}

function shardFigures(
  lane: LaneReading,
  now: StatusReading,
  before: StatusReading | undefined,
  first: StatusReading,
): ShardFigures {
  const { name } = lane
  const link = laneOf(now, 'link', name)
  const fill = (used: string, size: string) => link.number(used) / Math.max(1, link.number(size))
  return {
    name,
    load: loadBetween(first, now, 'shard', name),
    ordersPerSecond: rateBetween(before, now, 'shard', name, 'oes_orders_accepted_total'),
    ordersOpen: lane.number('oes_orders_open'),
    commandRing: fill('oes_command_ring_bytes', 'oes_command_ring_size_bytes'),
    reportRing: fill('oes_report_ring_bytes', 'oes_report_ring_size_bytes'),
    backlog: link.number('oes_journal_backlog_entries'),
    commandP99Us: windowOf(first, now, 'shard', name, 'oes_command_seconds').p99Us,
  }
}

function storeFigures(lane: LaneReading): StoreFigures {
  const state = STORE_STATES[lane.number('oes_store_state')] ?? 'unknown'
  return {
    name: lane.name,
    state,
    isGood: GOOD_STORE_STATES.includes(state),
    lagRecords: lane.number('oes_store_lag_records'),
    lagBytes: lane.number('oes_store_lag_bytes'),
    lagSeconds: lane.number('oes_store_lag_seconds'),
    failures: lane.number('oes_store_failures_total'),
  }
}

function stagesOf(now: StatusReading, first: StatusReading): StageFigures[] {
  const stages = STAGES.map(([name, about, metric]) => ({
    name,
    about,
    ...windowOf(first, now, 'shard', undefined, metric),
  }))
  const answer = windowOf(first, now, 'main', undefined, 'oes_answer_seconds')
  return [...stages, { name: 'Answer', about: 'received by main, until handed to the socket', ...answer }]
}

function lanesOf(reading: StatusReading, kind: string, name: string | undefined): LaneReading[] {
  return reading.lanes.filter(lane => lane.kind === kind && (name === undefined || lane.name === name))
}

function laneOf(reading: StatusReading, kind: string, name: string): LaneReading {
  return lanesOf(reading, kind, name)[0] ?? new LaneReading(kind, name, {})
}

function windowOf(
  before: StatusReading,
  after: StatusReading,
  kind: string,
  name: string | undefined,
  metric: string,
): WindowLatency {
  const latencies = (reading: StatusReading) => lanesOf(reading, kind, name).map(lane => lane.latency(metric))
  return latencyBetween(latencies(before), latencies(after))
}

function totalOf(reading: StatusReading, kind: string, name: string | undefined, metric: string): number {
  return lanesOf(reading, kind, name).reduce((sum, lane) => sum + lane.number(metric), 0)
}

/** Of a counter, each second; 0 before the second reading. */
function rateBetween(
  before: StatusReading | undefined,
  now: StatusReading,
  kind: string,
  name: string | undefined,
  metric: string,
): number {
  if (before === undefined || now.timeMs <= before.timeMs) return 0
  const came = totalOf(now, kind, name, metric) - totalOf(before, kind, name, metric)
  return Math.max(0, (1_000 * came) / (now.timeMs - before.timeMs))
}

/** Part of a processor that a thread took; null before the second reading. */
function loadBetween(first: StatusReading, now: StatusReading, kind: string, name: string): number | null {
  if (now.timeMs <= first.timeMs) return null
  return Math.min(1, rateBetween(first, now, kind, name, 'oes_thread_cpu_seconds_total'))
}

function sumOf(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const each of counts) for (const [name, count] of Object.entries(each)) sum[name] = (sum[name] ?? 0) + count
  return sum
}
