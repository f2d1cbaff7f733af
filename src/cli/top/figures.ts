// What two looks at a server say about the time between them: rates, percentiles, loads. Names are those of the catalogue
// of metrics; one that a server does not have counts as nothing.

import { type LaneStatus, type LatencyStatus, STORE_STATE_NAMES } from '../../metrics/status.ts'
import type { DegradedStatus, ServerStatus } from './status.ts'

export interface LatencyFigures {
  readonly count: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
}

export interface ShardFigures {
  readonly name: string
  /** Processor time, as a share of one core. */
  readonly load: number
  readonly ordersPerSecond: number
  readonly liveOrders: number
  /** How full its command ring is. */
  readonly depth: number
  readonly wait: LatencyFigures
  readonly commit: LatencyFigures
  readonly backlogEntries: number
}

export interface StoreFigures {
  readonly name: string
  readonly state: string
  readonly lagSeconds: number
  readonly lagEntries: number
  readonly entriesPerSecond: number
  readonly failures: number
}

export interface RefusalFigures {
  readonly reason: string
  readonly total: number
  readonly perSecond: number
}

export interface Figures {
  readonly version: string
  readonly timeMs: number
  readonly upSeconds: number
  readonly isReady: boolean
  readonly stage: string
  readonly degraded: readonly DegradedStatus[]
  readonly ordersPerSecond: number
  readonly rejectedPerSecond: number
  readonly executionsPerSecond: number
  readonly cancelsPerSecond: number
  readonly liveOrders: number
  readonly answer: LatencyFigures
  readonly stages: Readonly<Record<'wait' | 'judge' | 'commit' | 'publish', LatencyFigures>>
  readonly sessions: number
  readonly subscriptions: number
  readonly inFlight: number
  readonly unreadBytes: number
  readonly refusedPerSecond: number
  readonly residentBytes: number
  readonly diskFreeBytes: number
  /** Loads of main and the writer, and how late their event loops are. */
  readonly threads: readonly { readonly name: string; readonly load: number; readonly delay: LatencyFigures }[]
  readonly shards: readonly ShardFigures[]
  readonly stores: readonly StoreFigures[]
  /** The most frequent first. */
  readonly refusals: readonly RefusalFigures[]
  /** What might be done about it; empty where nothing. */
  readonly hints: readonly string[]
}

/** From here on a thread has no time left, or nearly. */
const HOT_LOAD = 0.85
/** A shard with less to do than this is none that a hot one could share with. */
const COOL_LOAD = 0.5

/** `before` may be the empty look at the start of the server: then everything counts since that. */
export function figuresBetween(before: ServerStatus | undefined, now: ServerStatus): Figures {
  const main = laneOf(now, 'main', 'main')
  const startMs = 1_000 * numberOf(main, 'oes_start_time_seconds')
  // A server that was started anew counts from zero again.
  const isSame =
    before !== undefined && numberOf(laneOf(before, 'main', 'main'), 'oes_start_time_seconds') * 1_000 === startMs
  const base = isSame ? before : undefined
  const seconds = Math.max(0.001, (now.timeMs - (base?.timeMs ?? startMs)) / 1_000)
  const pairs = (kind: LaneStatus['kind']): Pair[] =>
    now.lanes.filter(lane => lane.kind === kind).map(lane => ({ now: lane, before: laneOf(base, kind, lane.name) }))
  const rate = (lanes: readonly Pair[], name: string) =>
    lanes.reduce((sum, lane) => sum + numberOf(lane.now, name) - numberOf(lane.before, name), 0) / seconds
  const total = (lanes: readonly Pair[], name: string) => lanes.reduce((sum, lane) => sum + numberOf(lane.now, name), 0)
  const [mains, writers, shards, stores] = [pairs('main'), pairs('writer'), pairs('shard'), pairs('store')]
  const load = (lane: Pair) => rate([lane], 'oes_thread_cpu_seconds_total')
  const shardFigures = shards.map((lane): ShardFigures => {
    const link = laneOf(now, 'link', lane.now.name)
    return {
      name: lane.now.name,
      load: load(lane),
      ordersPerSecond: rate([lane], 'oes_orders_accepted_total'),
      liveOrders: numberOf(lane.now, 'oes_orders_open'),
      depth: numberOf(link, 'oes_command_ring_bytes') / Math.max(1, numberOf(link, 'oes_command_ring_size_bytes')),
      wait: latencyOf([lane], 'oes_command_wait_seconds'),
      commit: latencyOf([lane], 'oes_journal_commit_seconds'),
      backlogEntries: numberOf(link, 'oes_journal_backlog_entries'),
    }
  })
  const threads = [...mains, ...writers].map(lane => ({
    name: lane.now.name,
    load: load(lane),
    delay: latencyOf([lane], 'oes_event_loop_delay_seconds'),
  }))
  return {
    version: now.version,
    timeMs: now.timeMs,
    upSeconds: startMs === 0 ? 0 : (now.timeMs - startMs) / 1_000,
    isReady: now.isReady,
    stage: now.stage,
    degraded: now.degraded,
    ordersPerSecond: rate(shards, 'oes_orders_accepted_total'),
    rejectedPerSecond: rate(shards, 'oes_orders_rejected_total'),
    executionsPerSecond: rate(shards, 'oes_executions_total'),
    cancelsPerSecond: rate(shards, 'oes_cancels_total'),
    liveOrders: total(shards, 'oes_orders_open'),
    answer: latencyOf(mains, 'oes_answer_seconds'),
    stages: {
      wait: latencyOf(shards, 'oes_command_wait_seconds'),
      judge: latencyOf(shards, 'oes_judge_seconds'),
      commit: latencyOf(shards, 'oes_journal_commit_seconds'),
      publish: latencyOf(shards, 'oes_publish_seconds'),
    },
    sessions: total(mains, 'oes_sessions_open'),
    subscriptions: total(mains, 'oes_subscriptions'),
    inFlight: total(mains, 'oes_requests_in_flight'),
    unreadBytes: total(mains, 'oes_outbox_bytes'),
    refusedPerSecond: rate([...mains, ...shards], 'oes_requests_refused_total'),
    residentBytes: total(mains, 'oes_resident_bytes'),
    diskFreeBytes: total(mains, 'oes_disk_free_bytes'),
    threads,
    shards: shardFigures,
    stores: stores
      .map(
        (lane): StoreFigures => ({
          name: lane.now.name,
          state: STORE_STATE_NAMES[numberOf(lane.now, 'oes_store_state')] ?? 'unknown',
          lagSeconds: numberOf(lane.now, 'oes_store_lag_seconds'),
          lagEntries: numberOf(lane.now, 'oes_store_lag_records'),
          entriesPerSecond: rate([lane], 'oes_stored_entries_total'),
          failures: numberOf(lane.now, 'oes_store_failures_total'),
        }),
      )
      .filter(({ state }) => state !== 'unused'),
    refusals: refusalsOf([...mains, ...shards], seconds),
    hints: hintsOf(threads, shardFigures),
  }
}

interface Pair {
  readonly now: LaneStatus
  /** Undefined at the start. */
  readonly before: LaneStatus | undefined
}

function laneOf(status: ServerStatus | undefined, kind: LaneStatus['kind'], name: string): LaneStatus | undefined {
  return status?.lanes.find(lane => lane.kind === kind && lane.name === name)
}

function numberOf(lane: LaneStatus | undefined, name: string): number {
  const value = lane?.metrics[name]
  return typeof value === 'number' ? value : 0
}

function bucketsOf(lane: LaneStatus | undefined, name: string): LatencyStatus['buckets'] {
  const value = lane?.metrics[name]
  return typeof value === 'object' && Array.isArray(value.buckets) ? value.buckets : []
}

function latencyOf(lanes: readonly Pair[], name: string): LatencyFigures {
  const counts = new Map<number, number>()
  const add = (lane: LaneStatus | undefined, sign: number) => {
    for (const [endUs, count] of bucketsOf(lane, name)) counts.set(endUs, (counts.get(endUs) ?? 0) + sign * count)
  }
  for (const lane of lanes) {
    add(lane.now, 1)
    add(lane.before, -1)
  }
  const buckets = [...counts].filter(([, count]) => count > 0).sort(([a], [b]) => a - b)
  const count = buckets.reduce((sum, [, each]) => sum + each, 0)
  const percentile = (share: number) => {
    const rank = Math.max(1, Math.ceil(share * count))
    let below = 0
    for (const [endUs, each] of buckets) {
      below += each
      if (below >= rank) return endUs - 1
    }
    return 0
  }
  return { count, p50Us: percentile(0.5), p99Us: percentile(0.99), p999Us: percentile(0.999) }
}

function refusalsOf(lanes: readonly Pair[], seconds: number): RefusalFigures[] {
  const reasons = new Map<string, { total: number; before: number }>()
  const add = (lane: LaneStatus | undefined, into: 'total' | 'before') => {
    const counts = lane?.metrics.oes_refusals_total
    if (typeof counts !== 'object') return
    for (const [reason, count] of Object.entries(counts)) {
      if (typeof count !== 'number') continue
      const known = reasons.get(reason) ?? { total: 0, before: 0 }
      known[into] += count
      reasons.set(reason, known)
    }
  }
  for (const lane of lanes) {
    add(lane.now, 'total')
    add(lane.before, 'before')
  }
  return [...reasons]
    .map(([reason, { total, before }]) => ({ reason, total, perSecond: (total - before) / seconds }))
    .sort((a, b) => b.perSecond - a.perSecond || b.total - a.total || a.reason.localeCompare(b.reason))
}

function hintsOf(threads: Figures['threads'], shards: readonly ShardFigures[]): string[] {
  const main = threads.find(({ name }) => name === 'main')
  const hot = shards.filter(({ load }) => load > HOT_LOAD)
  const hints: string[] = []
  if (main !== undefined && main.load > HOT_LOAD) hints.push('Main has no time left: more shards would not help.')
  else if (hot.length > 0 && hot.length === shards.length) {
    hints.push('Every shard is hot: more shards may help where there are cores; `oes tune` finds out.')
  }
  if (hot.length > 0 && hot.length < shards.length && shards.some(({ load }) => load < COOL_LOAD)) {
    hints.push(`${hot.map(({ name }) => name).join(', ')} is hot while others are not: few accounts make most orders.`)
  }
  return hints
}
