// Writes the Grafana dashboard packaging/grafana/order-execution-server.json from the rows below. Run it after a change:
// `node scripts/grafana.ts`. Names are those of the catalogue of metrics, which a test holds.

import fs from 'node:fs'

export const DASHBOARD_FILE = new URL('../packaging/grafana/order-execution-server.json', import.meta.url)

/** Of Grafana's units. */
type Unit = 'short' | 'ops' | 'reqps' | 's' | 'bytes' | 'Bps' | 'percentunit' | 'none' | 'bool_yes_no'

interface Query {
  readonly expression: string
  /** Grafana's template of the line's name. */
  readonly legend: string
}

interface Panel {
  readonly title: string
  /** For whoever looks at it: what it says, and what to do about it. */
  readonly about: string
  readonly kind: 'stat' | 'timeseries'
  readonly unit: Unit
  readonly queries: readonly Query[]
}

interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

/** Only what the variable `instance` chooses. */
const of = (metric: string, labels = '') => `${metric}{instance=~"$instance"${labels}}`
const rate = (metric: string) => `rate(${of(metric)}[$__rate_interval])`
const sum = (metric: string, by = '') => `sum${by === '' ? '' : ` by (${by})`} (${rate(metric)})`
const quantile = (share: number, histogram: string, by = 'le') =>
  `histogram_quantile(${share}, sum by (${by}) (${rate(`${histogram}_bucket`)}))`
const query = (expression: string, legend = ''): Query => ({ expression, legend })
const percentiles = (histogram: string) => [
  query(quantile(0.5, histogram), 'p50'),
  query(quantile(0.99, histogram), 'p99'),
  query(quantile(0.999, histogram), 'p99.9'),
]
const lines = (title: string, unit: Unit, about: string, ...queries: Query[]): Panel => ({
  title,
  about,
  unit,
  queries,
  kind: 'timeseries',
})
const stat = (title: string, unit: Unit, about: string, ...queries: Query[]): Panel => ({
  title,
  about,
  unit,
  queries,
  kind: 'stat',
})

const rows: readonly Row[] = [
  {
    title: 'At a glance',
    panels: [
      stat('Ready', 'bool_yes_no', 'Clients may come and trade.', query(`min(${of('oes_ready')})`)),
      stat(
        'Degraded',
        'none',
        'How many things are not as they should be; /health/degraded names them.',
        query(`sum(${of('oes_degraded')})`),
      ),
      stat('Orders', 'ops', 'Orders accepted per second.', query(sum('oes_orders_accepted_total'))),
      stat(
        'Answer p99',
        's',
        'From the receipt of an order to its acceptance handed to the socket.',
        query(quantile(0.99, 'oes_answer_seconds')),
      ),
      stat('Live orders', 'short', 'Orders that are live.', query(`sum(${of('oes_orders_open')})`)),
      stat('Sessions', 'short', 'Connections that are open.', query(`sum(${of('oes_sessions_open')})`)),
      stat(
        'Store lag',
        's',
        'Age of the oldest entry that some store lacks.',
        query(`max(${of('oes_store_lag_seconds')})`),
      ),
      stat('Halts', 'none', 'Halts in force.', query(`sum(${of('oes_halts')})`)),
    ],
  },
  {
    title: 'Orders',
    panels: [
      lines(
        'Throughput',
        'ops',
        'What the shards do, all together.',
        query(sum('oes_orders_accepted_total'), 'accepted'),
        query(sum('oes_orders_rejected_total'), 'rejected'),
        query(sum('oes_executions_total'), 'executions'),
        query(sum('oes_cancels_total'), 'cancels'),
        query(sum('oes_replaces_total'), 'replaces'),
      ),
      lines('Answers', 's', 'From the receipt of an order to its acceptance.', ...percentiles('oes_answer_seconds')),
      lines(
        'Stages, p99',
        's',
        'Where the time goes: a long wait means a busy shard, a long commit a slow disk.',
        query(quantile(0.99, 'oes_command_wait_seconds'), 'wait for the shard'),
        query(quantile(0.99, 'oes_judge_seconds'), 'judge a block'),
        query(quantile(0.99, 'oes_journal_commit_seconds'), 'commit'),
        query(quantile(0.99, 'oes_publish_seconds'), 'publish'),
        query(quantile(0.99, 'oes_command_seconds'), 'receipt to durable'),
      ),
      lines(
        'Refusals by reason',
        'ops',
        'Requests refused and orders rejected.',
        query(sum('oes_refusals_total', 'reason'), '{{reason}}'),
        query(sum('oes_requests_refused_total'), 'requests refused'),
      ),
    ],
  },
  {
    title: 'Shards',
    panels: [
      lines(
        'Load',
        'percentunit',
        'Processor time of each shard: one near 100 % alone is hot, all near it are too few.',
        query(`rate(${of('oes_thread_cpu_seconds_total', ',thread=~"shard-.*"')}[$__rate_interval])`, '{{thread}}'),
      ),
      lines('Orders', 'ops', 'Orders accepted by each shard.', query(rate('oes_orders_accepted_total'), '{{thread}}')),
      lines(
        'Depth',
        'percentunit',
        'How full the rings are. Full ones make clients wait.',
        query(`${of('oes_command_ring_bytes')} / ${of('oes_command_ring_size_bytes')}`, 'commands {{thread}}'),
        query(`${of('oes_report_ring_bytes')} / ${of('oes_report_ring_size_bytes')}`, 'reports {{thread}}'),
      ),
      lines(
        'Waiting',
        'short',
        "Commands of main's own that wait; waits for main by each shard.",
        query(of('oes_commands_waiting'), 'commands {{thread}}'),
        query(rate('oes_report_ring_full_total'), 'report ring full {{thread}}'),
      ),
      lines(
        'Commands, blocks and rests',
        'ops',
        'Many commands to a block are many to a sync.',
        query(sum('oes_commands_total'), 'commands'),
        query(sum('oes_batches_total'), 'commits'),
        query(sum('oes_blocks_total'), 'blocks'),
        query(sum('oes_parks_total'), 'rests'),
      ),
      lines('Live orders', 'short', 'By shard.', query(of('oes_orders_open'), '{{thread}}')),
    ],
  },
  {
    title: 'Journals and stores',
    panels: [
      lines('Journals', 'Bps', 'Bytes appended.', query(rate('oes_journal_bytes_total'), '{{thread}}')),
      lines('Journal entries', 'ops', 'Entries appended.', query(rate('oes_journal_entries_total'), '{{thread}}')),
      lines('Commits', 's', 'Duration of one commit.', ...percentiles('oes_journal_commit_seconds')),
      lines(
        'Backlog',
        'short',
        'Entries that are in the journals alone.',
        query(of('oes_journal_backlog_entries'), '{{thread}}'),
        query(of('oes_store_lag'), 'the slowest store'),
      ),
      lines(
        'Lag in time',
        's',
        'Age of the oldest entry a store lacks.',
        query(of('oes_store_lag_seconds'), '{{store}}'),
      ),
      lines(
        'Lag in entries',
        'short',
        'How many entries a store lacks.',
        query(of('oes_store_lag_records'), '{{store}}'),
      ),
      lines('Lag in bytes', 'bytes', 'How many bytes that is.', query(of('oes_store_lag_bytes'), '{{store}}')),
      lines(
        'State of the stores',
        'none',
        '2 is following; 3 and above are trouble: see the page of metrics.',
        query(of('oes_store_state'), '{{store}}'),
        query(of('oes_stores_usable'), 'usable'),
      ),
      lines(
        'Copied',
        'ops',
        'What the writer does.',
        query(rate('oes_stored_entries_total'), 'entries {{store}}'),
        query(rate('oes_store_batches_total'), 'transactions {{store}}'),
        query(rate('oes_store_failures_total'), 'failures {{store}}'),
        query(rate('oes_set_aside_entries_total'), 'set aside {{store}}'),
      ),
      lines(
        'Transactions, p99',
        's',
        'Duration of one.',
        query(quantile(0.99, 'oes_store_batch_seconds', 'le, store'), '{{store}}'),
      ),
    ],
  },
  {
    title: 'Clients',
    panels: [
      lines(
        'Sessions',
        'short',
        'Connections and what they follow.',
        query(of('oes_sessions_open'), 'open'),
        query(of('oes_subscriptions'), 'subscriptions'),
        query(of('oes_requests_in_flight'), 'requests in flight'),
      ),
      lines(
        'Coming and going',
        'ops',
        'Connections, logins, and what was closed by the server.',
        query(sum('oes_sessions_accepted_total'), 'accepted'),
        query(sum('oes_logins_total'), 'logins'),
        query(sum('oes_login_failures_total'), 'failed logins'),
        query(sum('oes_sessions_closed_total', 'reason'), 'closed: {{reason}}'),
        query(sum('oes_hosts_refused_total'), 'hosts not allowed'),
        query(sum('oes_handshakes_failed_total'), 'failed handshakes'),
      ),
      lines(
        'Requests',
        'reqps',
        'Requests received; those that had to wait.',
        query(sum('oes_requests_total'), 'received'),
        query(sum('oes_requests_held_total'), 'held'),
      ),
      lines(
        'Traffic',
        'Bps',
        'Bytes from and to clients.',
        query(sum('oes_received_bytes_total'), 'received'),
        query(sum('oes_sent_bytes_total'), 'sent'),
      ),
      lines(
        'Unread',
        'bytes',
        'What waits for clients that read slowly.',
        query(of('oes_outbox_bytes'), 'all together'),
        query(of('oes_outbox_largest_bytes'), 'the largest'),
      ),
      lines(
        'Queries',
        'ops',
        'Pages read for clients.',
        query(sum('oes_queries_total'), 'pages'),
        query(sum('oes_queries_failed_total'), 'failed'),
      ),
      lines('Duration of a query', 's', 'One page.', ...percentiles('oes_query_seconds')),
    ],
  },
  {
    title: 'Surroundings',
    panels: [
      lines('Services', 'none', '1: answers, 0: away.', query(of('oes_service_available'), '{{service}}')),
      lines(
        'Market data',
        'ops',
        'Events received, and those that found no room.',
        query(sum('oes_market_events_total'), 'received'),
        query(sum('oes_market_events_dropped_total'), 'dropped'),
      ),
      lines('Degraded', 'none', '1: not as it should be.', query(of('oes_degraded'), '{{part}}')),
      lines('Halts', 'none', 'In force, by what is halted.', query(of('oes_halts'), '{{scope}}')),
      lines('Risk states', 'short', 'Accounts by their state.', query(of('oes_accounts'), '{{risk_state}}')),
      lines(
        'Compliance',
        'short',
        'Rules that are active; objections.',
        query(of('oes_rules'), 'rules'),
        query(sum('oes_violations_total'), 'objections per second'),
      ),
    ],
  },
  {
    title: 'Process',
    panels: [
      lines(
        'Processor',
        'percentunit',
        'Of each thread, and of the process.',
        query(rate('oes_thread_cpu_seconds_total'), '{{thread}}'),
        query(rate('oes_process_cpu_seconds_total'), 'process'),
      ),
      lines(
        'Event loops, p99',
        's',
        'How late they are to what is due.',
        query(quantile(0.99, 'oes_event_loop_delay_seconds', 'le, thread'), '{{thread}}'),
      ),
      lines(
        'Garbage collection, p99',
        's',
        'Duration of one collection.',
        query(quantile(0.99, 'oes_gc_pause_seconds', 'le, thread'), '{{thread}}'),
      ),
      lines(
        'Memory',
        'bytes',
        'Of the process, and objects of its threads.',
        query(of('oes_resident_bytes'), 'process'),
        query(of('oes_heap_used_bytes'), 'objects {{thread}}'),
        query(`max(${of('oes_heap_limit_bytes')})`, 'limit of a thread'),
      ),
      lines('Objects made', 'Bps', 'By thread.', query(rate('oes_heap_allocated_bytes_total'), '{{thread}}')),
      lines(
        'Disk',
        'bytes',
        'Where the data directory is.',
        query(of('oes_disk_free_bytes'), 'free'),
        query(of('oes_disk_size_bytes'), 'size'),
      ),
      lines(
        'Administrative port',
        'reqps',
        'Requests, those turned away, and connections.',
        query(sum('oes_admin_requests_total'), 'requests'),
        query(sum('oes_admin_refused_total'), 'turned away'),
        query(of('oes_admin_connections'), 'connections'),
      ),
      stat('Since', 'none', 'Seconds since the start.', query(`time() - ${of('oes_start_time_seconds')}`)),
    ],
  },
]

const GRID_WIDTH = 24
const DATA_SOURCE = { type: 'prometheus', uid: '$datasource' }

/** The dashboard as it has to be. */
export function dashboard(): Record<string, unknown> {
  const panels: Record<string, unknown>[] = []
  let y = 0
  for (const row of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { h: 1, w: GRID_WIDTH, x: 0, y },
    })
    y += 1
    let x = 0
    let height = 0
    for (const panel of row.panels) {
      const [w, h] = panel.kind === 'stat' ? [3, 4] : [8, 8]
      if (x + w > GRID_WIDTH) {
        x = 0
        y += height
      }
      height = h
      panels.push(panelJson(panels.length + 1, panel, { h, w, x, y }))
      x += w
    }
    y += height
  }
  return {
    title: 'Order execution server',
    uid: 'order-execution-server',
    tags: ['trading'],
    schemaVersion: 39,
    editable: true,
    refresh: '5s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        {
          name: 'instance',
          label: 'Server',
          type: 'query',
          datasource: DATA_SOURCE,
          query: 'label_values(oes_ready, instance)',
          refresh: 2,
          includeAll: true,
          multi: true,
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    panels,
  }
}

function panelJson(id: number, panel: Panel, gridPos: Record<string, number>): Record<string, unknown> {
  const { title, about, kind, unit, queries } = panel
  return {
    id,
    type: kind,
    title,
    description: about,
    gridPos,
    datasource: DATA_SOURCE,
    fieldConfig: { defaults: { unit, min: unit === 'percentunit' ? 0 : undefined }, overrides: [] },
    options:
      kind === 'stat'
        ? { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'area' }
        : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries.map(({ expression, legend }, at) => ({
      refId: String.fromCharCode(65 + at),
      expr: expression,
      legendFormat: legend === '' ? '__auto' : legend,
      datasource: DATA_SOURCE,
    })),
  }
}

/** The text of the file. */
export function dashboardText(): string {
  return `${JSON.stringify(dashboard(), undefined, 2)}\n`
}

if (import.meta.main) fs.writeFileSync(DASHBOARD_FILE, dashboardText())
