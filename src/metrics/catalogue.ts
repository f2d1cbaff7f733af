// Every number the server counts: its name outside, what it means, its kind, and whose lane it is in. The order here is
// the order of the slots in a lane, of the exposition, and of the page on metrics.

import { HISTOGRAM_SLOTS, laneBytes } from '../shared-memory/lanes.ts'

export type MetricKind = 'counter' | 'gauge' | 'histogram'
/**
 * The kinds of threads; each counts in a lane of its own, and shards are told apart by their number. Each store has a lane
 * too, in which the writer counts.
 */
export type MetricThread = 'main' | 'writer' | 'store' | 'shard'

export interface MetricEntry {
  /** Name outside, units last; counters are exposed with `_total` behind it, histograms in seconds. */
  readonly name: string
  readonly help: string
  readonly kind: MetricKind
  /** Unit of the value in the lane. */
  readonly unit: '1' | 'bytes' | 's' | 'us'
  readonly thread: MetricThread
  /** First slot in the lane. */
  readonly slot: number
}

const entries: MetricEntry[] = []
let slots = 0

function metric(entry: Omit<MetricEntry, 'slot'>): number {
  const slot = slots
  slots += entry.kind === 'histogram' ? HISTOGRAM_SLOTS : 1
  entries.push({ ...entry, slot })
  return slot
}

const counter = (thread: MetricThread, name: string, help: string, unit: '1' | 'bytes' = '1') =>
  metric({ thread, name, help, unit, kind: 'counter' })
const gauge = (thread: MetricThread, name: string, help: string, unit: '1' | 'bytes' | 's' = '1') =>
  metric({ thread, name, help, unit, kind: 'gauge' })
const latency = (thread: MetricThread, name: string, help: string) =>
  metric({ thread, name, help, unit: 'us', kind: 'histogram' })

/** The slot of each metric in the lane of its thread. */
export const Metric = {
  SessionsOpen: gauge('main', 'oes_sessions_open', 'Connections that are open.'),
  SessionsAccepted: counter('main', 'oes_sessions_accepted', 'Connections accepted.'),
  SessionsRefused: counter(
    'main',
    'oes_sessions_refused',
    'Connections refused or closed by the server with a reason.',
  ),
  BytesReceived: counter('main', 'oes_received_bytes', 'Bytes read from clients.', 'bytes'),
  BytesSent: counter('main', 'oes_sent_bytes', 'Bytes written to clients.', 'bytes'),
  RequestsReceived: counter('main', 'oes_requests', 'Requests received.'),
  RequestsRefused: counter('main', 'oes_requests_refused', 'Requests main refused with a reason.'),
  RequestsBusy: counter('main', 'oes_requests_busy', 'Requests answered busy because a command ring was full.'),
  OutboxBytes: gauge(
    'main',
    'oes_outbox_bytes',
    'Bytes waiting to be read by clients, all sessions together.',
    'bytes',
  ),
  Subscriptions: gauge('main', 'oes_subscriptions', 'Subscriptions that are followed.'),
  QuotesApplied: counter('main', 'oes_quotes', 'Quotes written into the quote table.'),
  AnswerLatency: latency('main', 'oes_answer', 'From the receipt of a submission to its answer handed to the socket.'),

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

  Commands: counter('shard', 'oes_commands', 'Commands taken from the command ring.'),
  CommandsPoisoned: counter(
    'shard',
    'oes_commands_poisoned',
    'Commands that could not be handled and were passed over.',
  ),
  OrdersAccepted: counter('shard', 'oes_orders_accepted', 'Orders that got an id.'),
  OrdersRejected: counter('shard', 'oes_orders_rejected', 'Orders that failed validation or a check.'),
  OrdersOpen: gauge('shard', 'oes_orders_open', 'Orders that are live.'),
  Executions: counter('shard', 'oes_executions', 'Reports of fills.'),
  Cancels: counter('shard', 'oes_cancels', 'Cancels requested.'),
  Batches: counter('shard', 'oes_batches', 'Batches drained, each with one journal commit.'),
  Parks: counter('shard', 'oes_parks', 'Times the thread found nothing to do and slept.'),
  JournalBytes: counter('shard', 'oes_journal_bytes', 'Bytes appended to the journal.', 'bytes'),
  JournalEntries: counter('shard', 'oes_journal_entries', 'Entries appended to the journal.'),
  ReportRingFull: counter(
    'shard',
    'oes_report_ring_full',
    'Times the shard waited because main had not taken its reports.',
  ),
  CommitLatency: latency('shard', 'oes_journal_commit', 'Duration of one journal commit, its sync included.'),
  CommandLatency: latency('shard', 'oes_command', 'From the receipt of a command in main to its events being durable.'),
} as const
export type Metric = (typeof Metric)[keyof typeof Metric]

/** All metrics in the order of their slots. */
export const catalogue: readonly MetricEntry[] = entries

/** Size of one lane; the same for every thread, so that a slot means the same in each. */
export const LANE_BYTES = laneBytes(slots)
