// Every number the server counts: its name outside, what it means, its kind, and whose lanes it is in. The order here is
// the order of the slots in a lane, of the exposition, and of the page on metrics.

import { assert } from '../base/assert.ts'
import { reasons } from '../domain/reasons.ts'
import { RiskStateType, riskStateTypeNames } from '../domain/risk-state.ts'
import { HISTOGRAM_SLOTS, laneBytes } from '../shared-memory/lanes.ts'

export type MetricKind = 'counter' | 'gauge' | 'histogram'
/**
 * The kinds of lanes. Main, the writer and each shard count in a lane of their own. The writer has a further one for each
 * store, and main for each link: what it sees of a shard, its rings and its journal, from outside.
 */
export type LaneKind = 'main' | 'writer' | 'store' | 'link' | 'shard'

export interface MetricEntry {
  /** Name outside, units last; counters are exposed with `_total` behind it, histograms in seconds. */
  readonly name: string
  readonly help: string
  readonly kind: MetricKind
  /** Unit of the value in the lane. */
  readonly unit: '1' | 'bytes' | 's' | 'us'
  readonly lanes: readonly LaneKind[]
  /** Tells apart what is counted under one name: a slot for each value, in their order. */
  readonly label?: MetricLabel
  /** First slot in the lane. */
  readonly slot: number
}

export interface MetricLabel {
  readonly name: string
  readonly values: readonly string[]
  /** A value appears once something was counted under it: there are many, and most never happen. */
  readonly isSparse?: boolean
}

const entries: MetricEntry[] = []
let slots = 0

function metric(entry: Omit<MetricEntry, 'slot'>): number {
  const slot = slots
  slots += entry.kind === 'histogram' ? HISTOGRAM_SLOTS : (entry.label?.values.length ?? 1)
  entries.push({ ...entry, slot })
  return slot
}

type Unit = '1' | 'bytes' | 's'
const lanesOf = (lanes: LaneKind | readonly LaneKind[]) => (typeof lanes === 'string' ? [lanes] : lanes)
const counter = (lanes: LaneKind | readonly LaneKind[], name: string, help: string, unit: Unit = '1') =>
  metric({ lanes: lanesOf(lanes), name, help, unit, kind: 'counter' })
const gauge = (lanes: LaneKind | readonly LaneKind[], name: string, help: string, unit: Unit = '1') =>
  metric({ lanes: lanesOf(lanes), name, help, unit, kind: 'gauge' })
const latency = (lanes: LaneKind | readonly LaneKind[], name: string, help: string) =>
  metric({ lanes: lanesOf(lanes), name, help, unit: 'us', kind: 'histogram' })
const counters = (lanes: LaneKind | readonly LaneKind[], name: string, help: string, label: MetricLabel) =>
  metric({ lanes: lanesOf(lanes), name, help, unit: '1', kind: 'counter', label })
const gauges = (lanes: LaneKind | readonly LaneKind[], name: string, help: string, label: MetricLabel) =>
  metric({ lanes: lanesOf(lanes), name, help, unit: '1', kind: 'gauge', label })

const byReason: MetricLabel = { name: 'reason', values: reasons.map(({ name }) => name), isSparse: true }

const riskStateTypes: readonly number[] = Object.values(RiskStateType)

/** The services that the server is a client of, in the order of their label. */
export const WATCHED_SERVICES = [
  'service_locator',
  'administration_service',
  'compliance_service',
  'uid_service',
  'market_data_service',
] as const

/** What a halt can be about, in the order of its number on the wire. */
export const HALT_SCOPE_NAMES = ['account', 'group', 'destination', 'everybody'] as const

/** What can be degraded, in the order of its label. */
export const DEGRADED_PARTS = ['shard', 'store', 'lag', 'service', 'disk', 'halt'] as const
export type DegradedPart = (typeof DEGRADED_PARTS)[number]

/** The slot of each metric in the lanes of its kinds. */
export const Metric = {
  Ready: gauge('main', 'oes_ready', 'Whether clients may come and trade: 1, or 0 while the server starts or stops.'),
  Degraded: gauges('main', 'oes_degraded', 'Whether something is not as it should be: 1, or 0; what, says the label.', {
    name: 'part',
    values: DEGRADED_PARTS,
  }),
  StartTime: gauge('main', 'oes_start_time_seconds', 'When the process was started, since the epoch, UTC.', 's'),
  ResidentBytes: gauge('main', 'oes_resident_bytes', 'Memory of the whole process that is in use.', 'bytes'),
  ProcessCpu: counter('main', 'oes_process_cpu_seconds', 'Processor time of the whole process.', 's'),
  DiskFree: gauge('main', 'oes_disk_free_bytes', 'Room that is left where the data directory is.', 'bytes'),
  DiskSize: gauge('main', 'oes_disk_size_bytes', 'Room that there is in all where the data directory is.', 'bytes'),
  ServiceAvailable: gauges('main', 'oes_service_available', 'Whether the service answers: 1, or 0.', {
    name: 'service',
    values: WATCHED_SERVICES,
  }),

  SessionsOpen: gauge('main', 'oes_sessions_open', 'Connections that are open.'),
  SessionsAccepted: counter('main', 'oes_sessions_accepted', 'Connections accepted.'),
  SessionsClosed: counters(
    'main',
    'oes_sessions_closed',
    'Connections refused or closed by the server, by the reason.',
    byReason,
  ),
  HostsRefused: counter(
    'main',
    'oes_hosts_refused',
    'Connections closed at once: their host is not in server.allowed.',
  ),
  HandshakesFailed: counter(
    'main',
    'oes_handshakes_failed',
    'Connections that came to no session for want of a handshake of TLS, or of a certificate that is good.',
  ),
  Logins: counter('main', 'oes_logins', 'Logins that succeeded.'),
  LoginFailures: counter('main', 'oes_login_failures', 'Logins that were refused, or could not be checked.'),
  BytesReceived: counter('main', 'oes_received_bytes', 'Bytes read from clients.', 'bytes'),
  BytesSent: counter('main', 'oes_sent_bytes', 'Bytes written to clients.', 'bytes'),
  RequestsReceived: counter('main', 'oes_requests', 'Messages received, logins and heartbeats included.'),
  RequestsHeld: counter(
    'main',
    'oes_requests_held',
    'Times a session had to wait, since a command ring had no room or no order id was at hand.',
  ),
  RequestsInFlight: gauge('main', 'oes_requests_in_flight', 'Requests without an answer yet, all sessions together.'),
  OutboxBytes: gauge(
    'main',
    'oes_outbox_bytes',
    'Bytes waiting to be read by clients, all sessions together.',
    'bytes',
  ),
  OutboxBytesMax: gauge(
    'main',
    'oes_outbox_largest_bytes',
    'Bytes waiting to be read by the one client for which most wait.',
    'bytes',
  ),
  Subscriptions: gauge('main', 'oes_subscriptions', 'Subscriptions that are followed.'),
  AnswerLatency: latency('main', 'oes_answer', 'From the receipt of an order to its acceptance handed to the socket.'),
  Queries: counter('main', 'oes_queries', 'Pages that the readers were asked for.'),
  QueriesFailed: counter('main', 'oes_queries_failed', 'Pages that could not be read.'),
  QueryLatency: latency('main', 'oes_query', 'From asking the readers for a page to having it.'),
  MarketEvents: counter('main', 'oes_market_events', 'Quotes, closes, prints and book entries received.'),
  MarketEventsDropped: counter(
    'main',
    'oes_market_events_dropped',
    'Those that found no room: tickers beyond the table, or more than a shard could take.',
  ),
  Halts: gauges('main', 'oes_halts', 'Halts in force, by what is halted.', {
    name: 'scope',
    values: HALT_SCOPE_NAMES,
  }),
  RiskStates: gauges('main', 'oes_accounts', 'Accounts, by the risk state that was set for them.', {
    name: 'risk_state',
    values: Object.values(RiskStateType).map(type => riskStateTypeNames[type]),
  }),
  Rules: gauge('main', 'oes_rules', 'Compliance rules that are active.'),
  Violations: counter('main', 'oes_violations', 'Objections of compliance rules.'),
  AdminConnections: gauge('main', 'oes_admin_connections', 'Connections to the administrative port that are open.'),
  AdminRequests: counter('main', 'oes_admin_requests', 'Requests at the administrative port.'),
  AdminRefused: counter(
    'main',
    'oes_admin_refused',
    'Connections and requests that the administrative port turned away.',
  ),

  RequestsRefused: counter(['main', 'shard'], 'oes_requests_refused', 'Requests refused with a reason.'),
  Refusals: counters(
    ['main', 'shard'],
    'oes_refusals',
    'Requests refused and orders rejected, by the reason.',
    byReason,
  ),

  LoopDelay: latency(
    ['main', 'writer'],
    'oes_event_loop_delay',
    'How late the event loop is to what is due, looked at twenty times a second.',
  ),
  GcPause: latency(['main', 'writer'], 'oes_gc_pause', 'Duration of one collection of garbage.'),

  HeapUsed: gauge(['main', 'writer', 'shard'], 'oes_heap_used_bytes', 'JavaScript objects of the thread.', 'bytes'),
  HeapLimit: gauge(['main', 'writer', 'shard'], 'oes_heap_limit_bytes', 'How large they may become.', 'bytes'),
  HeapAllocated: counter(
    ['main', 'writer', 'shard'],
    'oes_heap_allocated_bytes',
    'JavaScript objects made by the thread so far.',
    'bytes',
  ),
  ThreadCpu: counter(['main', 'writer', 'shard'], 'oes_thread_cpu_seconds', 'Processor time of the thread.', 's'),

  StoresUsable: gauge('writer', 'oes_stores_usable', 'Stores that take rows.'),
  StoreLag: gauge('writer', 'oes_store_lag', 'Journal entries the slowest store that takes part has not confirmed.'),

  StoreState: gauge(
    'store',
    'oes_store_state',
    'How the store is: 0 opening, 1 catching up, 2 following, 3 away, 4 read only, 5 full, 6 busy, 7 needs rebuild, ' +
      '8 refused, 9 unused.',
  ),
  StoreLagRecords: gauge('store', 'oes_store_lag_records', 'Journal entries the store does not have.'),
  StoreLagBytes: gauge('store', 'oes_store_lag_bytes', 'Their size, estimated from those copied before.', 'bytes'),
  StoreLagSeconds: gauge('store', 'oes_store_lag_seconds', 'Age of the oldest of them.', 's'),
  RowsStored: counter('store', 'oes_stored_entries', 'Journal entries written to the store.'),
  RowsSetAside: counter('store', 'oes_set_aside_entries', 'Journal entries no table of the store takes, kept beside.'),
  StoreBatches: counter('store', 'oes_store_batches', 'Transactions committed to the store.'),
  StoreFailures: counter('store', 'oes_store_failures', 'Attempts that failed; each is made again.'),
  StoreLatency: latency('store', 'oes_store_batch', 'Duration of one transaction.'),

  CommandRing: gauge('link', 'oes_command_ring_bytes', 'Commands that wait for the shard in its ring.', 'bytes'),
  CommandRingSize: gauge('link', 'oes_command_ring_size_bytes', 'Room that the ring of commands has.', 'bytes'),
  CommandsWaiting: gauge('link', 'oes_commands_waiting', "Commands of main's own that found no room in the ring yet."),
  ReportRing: gauge('link', 'oes_report_ring_bytes', 'Reports of the shard that wait for main in their ring.', 'bytes'),
  ReportRingSize: gauge('link', 'oes_report_ring_size_bytes', 'Room that the ring of reports has.', 'bytes'),
  JournalBacklog: gauge(
    'link',
    'oes_journal_backlog_entries',
    'Entries of the journal that some store which takes part has not confirmed.',
  ),

  Commands: counter('shard', 'oes_commands', 'Commands taken from the command ring.'),
  OrdersAccepted: counter('shard', 'oes_orders_accepted', 'Orders that got an id.'),
  OrdersRejected: counter('shard', 'oes_orders_rejected', 'Orders that failed validation or a check.'),
  OrdersOpen: gauge('shard', 'oes_orders_open', 'Orders that are live.'),
  Executions: counter('shard', 'oes_executions', 'Reports of fills.'),
  Cancels: counter('shard', 'oes_cancels', 'Cancels requested.'),
  Replaces: counter('shard', 'oes_replaces', 'Replaces requested, refused ones included.'),
  Batches: counter('shard', 'oes_batches', 'Batches drained, each with one journal commit.'),
  Blocks: counter('shard', 'oes_blocks', 'Blocks closed and published, with or without something for the journal.'),
  Parks: counter('shard', 'oes_parks', 'Times the thread found nothing to do and slept.'),
  JournalBytes: counter('shard', 'oes_journal_bytes', 'Bytes appended to the journal.', 'bytes'),
  JournalEntries: counter('shard', 'oes_journal_entries', 'Entries appended to the journal.'),
  ReportRingFull: counter(
    'shard',
    'oes_report_ring_full',
    'Times the shard waited because main had not taken its reports.',
  ),
  WaitLatency: latency('shard', 'oes_command_wait', 'From the receipt of a request in main to the shard taking it.'),
  JudgeLatency: latency('shard', 'oes_judge', 'Time spent on judging the commands of one block.'),
  CommitLatency: latency('shard', 'oes_journal_commit', 'Duration of one journal commit, its sync included.'),
  PublishLatency: latency('shard', 'oes_publish', 'From a block being durable to its reports lying in their ring.'),
  CommandLatency: latency('shard', 'oes_command', 'From the receipt of a request in main to its events being durable.'),
} as const
export type Metric = (typeof Metric)[keyof typeof Metric]

/** All metrics in the order of their slots. */
export const catalogue: readonly MetricEntry[] = entries

/** Size of one lane; the same for every thread, so that a slot means the same in each. */
export const LANE_BYTES = laneBytes(slots)

/** By number of a reason: its place among the slots of a metric that is told by reason. */
const reasonPlaces = new Int16Array(1000)
for (const [place, { code }] of reasons.entries()) {
  assert(code < reasonPlaces.length)
  reasonPlaces[code] = place
}

/** The slot of a reason behind the first slot of a metric that is told by reason. */
export function slotOfReason(metric: number, code: number): number {
  return metric + reasonPlaces[code]!
}

/** The slot of a type of risk state. */
export function slotOfRiskState(type: number): number {
  const place = riskStateTypes.indexOf(type)
  assert(place >= 0, 'an unknown risk state')
  return Metric.RiskStates + place
}
