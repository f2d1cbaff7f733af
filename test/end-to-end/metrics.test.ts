// Every metric of the catalogue on a real server: what it measures is provoked from outside, and it has to move the right
// way. The services run in this process and the store is a database, so that both can be taken away. At the end no metric
// may be left that was not seen moving.

import { deepEqual, equal, ok } from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { RuleState } from '../../src/compliance/schema.ts'
import { MICROS } from '../../src/domain/money.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { catalogue } from '../../src/metrics/catalogue.ts'
import { exposedName } from '../../src/metrics/exposition.ts'
import { HaltScope, Kind } from '../../src/protocol/kinds.ts'
import { AdministrationClient } from '../../src/services/administration/client.ts'
import { ComplianceClient } from '../../src/services/compliance/client.ts'
import { simulatedTickers } from '../../src/services/market-data/simulated-tickers.ts'
import { ORDER_EXECUTION_SERVICE } from '../../src/services/platform/built-in-world.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { startMariaDbs } from '../fault/stores/stores-world.ts'
import { type Message, WireClient } from '../fault/wire-client.ts'
import { parsePrometheusText, type Sample } from '../metrics/prometheus-text.ts'
import { RunningPlatform } from '../services/running-platform.ts'
import { submitElements } from '../simulation/stage.ts'
import { newSchema } from '../stores/mysql/mariadb-server.ts'
import { makeCertificate } from './certificates.ts'

/** What is waited for comes long before, or never. */
const WAIT_MS_MAX = 60_000
/** Between two looks: the port answers no more than so many. */
const LOOK_MS = 100
/** Half a ring of the smallest size, and far more than that. */
const BURST = 2_000
const LAG_MS_MAX = 1_000

type Direction = 'rises' | 'falls' | number | ((value: number) => boolean)
/** By `name` or `name{label="value",…}`; a histogram by its `_count` or `_sum`. */
type Expectations = Readonly<Record<string, Direction>>

class Watcher {
  /** Names of metrics that have moved as they should. */
  readonly seen: Set<string>
  readonly #port: number

  constructor(port: number, seen = new Set<string>()) {
    this.#port = port
    this.seen = seen
  }

  async samples(): Promise<Sample[]> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}/metrics`)
    equal(answer.status, 200)
    return parsePrometheusText(await answer.text()).flatMap(({ samples }) => samples)
  }

  async health(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}${path}`)
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  /** Does something, and waits until every metric has been seen to move as it is expected to, at one time or another. */
  async provoke(what: string, act: () => Promise<unknown>, expected: Expectations): Promise<void> {
    const before = await this.samples()
    const acting = act()
    const left = new Map(Object.entries(expected))
    const endMs = performance.now() + WAIT_MS_MAX
    let now = before
    const look = () => {
      for (const [selector, direction] of left) {
        const [was, is] = [sumOf(before, selector), sumOf(now, selector)]
        if (!holds(direction, was, is)) continue
        left.delete(selector)
        this.seen.add(selector.replace(/\{.*$/, '').replace(/_seconds_(count|sum)$/, '_seconds'))
      }
    }
    acting.catch(() => undefined) // awaited below
    for (;;) {
      now = await this.samples()
      look()
      if (left.size === 0) break
      await pause(LOOK_MS)
      if (performance.now() < endMs) continue
      const told = [...left].map(([selector, direction]) => {
        return `${selector} ${direction}: ${sumOf(before, selector)} → ${sumOf(now, selector)}`
      })
      throw new Error(`${what} did not show:\n${told.join('\n')}`)
    }
    await acting
  }
}

function holds(direction: Direction, was: number, is: number): boolean {
  if (direction === 'rises') return is > was
  if (direction === 'falls') return is < was
  return typeof direction === 'number' ? is === direction : direction(is)
}

/** The sum of all samples of the name with these labels; 0 where there is none yet. */
function sumOf(samples: readonly Sample[], selector: string): number {
  const [, name = '', labels = ''] = /^([^{]+)(?:\{(.*)\})?$/.exec(selector) ?? []
  const wanted = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => [label!, value!] as const)
  let sum = 0
  for (const sample of samples) {
    if (sample.name === name && wanted.every(([label, value]) => sample.labels[label] === value)) sum += sample.value
  }
  return sum
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`${what} did not come to pass`)
    await pause(LOOK_MS)
  }
}

async function started(t: TestContext) {
  const [platform, [database]] = await Promise.all([
    RunningPlatform.start(t, { market: { eventsPerSecond: 200 } }),
    startMariaDbs(t, 1),
  ])
  ok(database !== undefined)
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const { platform: _, ...own } = testSettings(folder.path)
  const endpoint = database.endpoint(newSchema())
  const settings = merged(own, {
    service_locator: {
      address: `127.0.0.1:${platform.address.port}`,
      username: ORDER_EXECUTION_SERVICE,
      password: ORDER_EXECUTION_SERVICE,
    },
    data_store: {
      address: `${endpoint.host}:${endpoint.port}`,
      username: endpoint.username,
      password: endpoint.password,
      schema: endpoint.schema,
      connect_ms: 30_000,
    },
    // Small enough to be full; a ticker too many for the table.
    engine: {
      shards: 2,
      command_ring_bytes: 64 * 1024,
      report_ring_bytes: 64 * 1024,
      tickers_max: simulatedTickers.length - 1,
    },
    limits: { frame_bytes_max: 8 * 1024, outbox_bytes_max: 4 << 20 },
    writer: { retry_first_ms: 50, retry_longest_ms: 200, lag_ms_max: 0, catch_up_share: 100 },
    market_data: { subscribe: 'everything' },
    admin: { lag_ms_max: LAG_MS_MAX },
  })
  database.kill('SIGSTOP')
  const server = ServerProcess.spawn(folder.path, settings)
  await server.logged(/the administrative port listens/)
  return { platform, database, folder, server, store: `${endpoint.host}:${endpoint.port}/${endpoint.schema}` }
}

/** Who does not get in, at a server that looks at hosts and wants TLS. */
async function provokeAtTheDoor(t: TestContext, seen: Set<string>): Promise<void> {
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const { certificate, key } = makeCertificate(folder.path, 'server')
  const server = await ServerProcess.start(
    folder.path,
    merged(testSettings(folder.path), { server: { allowed: ['127.0.0.1'], tls: { certificate, key } } }),
  )
  const watcher = new Watcher(server.adminPort, seen)
  const opened = (localAddress: string) => {
    const socket = net.connect({ host: '127.0.0.1', port: server.port, localAddress })
    t.after(() => socket.destroy())
    socket.on('error', () => undefined) // it is turned away, however
    return socket
  }
  await watcher.provoke('a host that is not allowed', async () => opened('127.0.0.2'), {
    oes_hosts_refused_total: 1,
    oes_handshakes_failed_total: 0,
  })
  await watcher.provoke('a client that speaks no TLS', async () => opened('127.0.0.1').write('no handshake'), {
    oes_hosts_refused_total: 1,
    oes_handshakes_failed_total: 1,
  })
  await server.stop()
}

test('every metric moves the right way when what it measures is provoked', async t => {
  const { platform, database, folder, server, store } = await started(t)
  const watcher = new Watcher(server.adminPort)

  // The start: alive from the first moment, ready when clients may come.
  equal((await watcher.health('/health/live')).status, 200)
  deepEqual(await watcher.health('/health/ready'), { status: 503, body: { isReady: false, stage: 'starting' } })
  await until('counting', async () => (await watcher.samples()).length > 0)
  await watcher.provoke(
    'a store that answers at last',
    async () => {
      database.kill('SIGCONT')
      await server.ready()
    },
    {
      oes_ready: 1,
      oes_stores_usable: 1,
      [`oes_store_state{store="${store}"}`]: 2,
      oes_market_events_total: 'rises',
      oes_market_events_dropped_total: 'rises',
      'oes_accounts{risk_state="ACTIVE"}': 'rises',
    },
  )
  deepEqual(await watcher.health('/health/ready'), { status: 200, body: { isReady: true, stage: 'trading' } })
  deepEqual(await watcher.health('/health/degraded'), { status: 200, body: { degraded: [] } })

  // What can be looked up elsewhere.
  const isNear = (expected: number, share: number) => (value: number) => Math.abs(value / expected - 1) < share
  const { blocks, bsize, bavail } = fs.statfsSync(folder.path)
  await watcher.provoke('nothing', async () => undefined, {
    oes_start_time_seconds: isNear(Date.now() / 1_000, 1e-6),
    oes_resident_bytes: isNear(server.residentBytes, 0.5),
    oes_disk_size_bytes: isNear(blocks * bsize, 1e-9),
    oes_disk_free_bytes: isNear(bavail * bsize, 0.5),
    oes_command_ring_size_bytes: 2 * 64 * 1024,
    oes_report_ring_size_bytes: 2 * 64 * 1024,
    'oes_heap_used_bytes{thread="main"}': value => value > 1e6,
    'oes_heap_used_bytes{thread="writer"}': value => value > 1e6,
    'oes_heap_used_bytes{thread="shard-1"}': value => value > 1e6,
    'oes_heap_limit_bytes{thread="shard-1"}': value => value > 1e7,
    'oes_service_available{service="service_locator"}': 1,
    'oes_service_available{service="administration_service"}': 1,
    'oes_service_available{service="compliance_service"}': 1,
    'oes_service_available{service="uid_service"}': 1,
    'oes_service_available{service="market_data_service"}': 1,
    'oes_parks_total{thread="shard-0"}': 'rises',
    'oes_parks_total{thread="shard-1"}': 'rises',
  })

  // Sessions.
  let alice = await WireClient.login(server.port, 'alice')
  await watcher.provoke(
    'a login',
    async () => {
      alice = await WireClient.login(server.port, 'alice')
    },
    {
      oes_sessions_open: 'rises',
      oes_sessions_accepted_total: 'rises',
      oes_logins_total: 'rises',
      oes_received_bytes_total: 'rises',
      oes_sent_bytes_total: 'rises',
      oes_requests_total: 'rises',
    },
  )
  await watcher.provoke(
    'a wrong password',
    () => WireClient.login(server.port, 'bob', 'wrong').catch(() => undefined),
    {
      oes_login_failures_total: 'rises',
      'oes_sessions_closed_total{reason="LOGIN_FAILED"}': 1,
      'oes_requests_refused_total{thread="main"}': 'rises',
      'oes_refusals_total{thread="main",reason="LOGIN_FAILED"}': 1,
    },
  )
  const bob = await WireClient.login(server.port, 'bob')
  await watcher.provoke('a subscription', () => bob.ask([Kind.Subscribe, 0, 0, 0, 0, 0, []]), {
    oes_subscriptions: 'rises',
  })
  await watcher.provoke('a closed connection', () => bob.end(), {
    oes_subscriptions: 'falls',
    oes_sessions_open: 'falls',
  })

  // One order after the other, through all stages.
  const submit = (client: WireClient, fields = {}) => client.ask([Kind.Submit, 0, 0, ...submitElements(fields)])
  await watcher.provoke('an order that is filled', () => submit(alice, { price: 1_000 }), {
    oes_orders_accepted_total: 'rises',
    oes_executions_total: 'rises',
    oes_commands_total: 'rises',
    oes_batches_total: 'rises',
    oes_blocks_total: 'rises',
    oes_journal_bytes_total: 'rises',
    oes_journal_entries_total: 'rises',
    oes_answer_seconds_count: 'rises',
    oes_command_wait_seconds_count: 'rises',
    oes_judge_seconds_count: 'rises',
    oes_journal_commit_seconds_count: 'rises',
    oes_publish_seconds_count: 'rises',
    oes_command_seconds_count: 'rises',
    [`oes_stored_entries_total{store="${store}"}`]: 'rises',
    [`oes_store_batches_total{store="${store}"}`]: 'rises',
    [`oes_store_batch_seconds_count{store="${store}"}`]: 'rises',
  })
  let resting: Message = []
  await watcher.provoke(
    'an order that rests',
    async () => {
      resting = await submit(alice)
    },
    { oes_orders_open: 'rises' },
  )
  await watcher.provoke('a replace', () => alice.ask([Kind.Replace, 0, 0, resting[4], 200, 0.5]), {
    oes_replaces_total: 'rises',
  })
  await watcher.provoke('a replace of nothing', () => alice.ask([Kind.Replace, 0, 0, resting[4], 0, 0.5]), {
    oes_replaces_total: 'rises',
    oes_requests_refused_total: 'rises',
    'oes_refusals_total{reason="INVALID_QUANTITY"}': 1,
  })
  await watcher.provoke('a cancel', () => alice.ask([Kind.Cancel, 0, 0, resting[4]]), {
    oes_cancels_total: 'rises',
    oes_orders_open: 'falls',
  })
  const erin = await WireClient.login(server.port, 'erin')
  await watcher.provoke('an order beyond the buying power', () => submit(erin, { quantity: 10_000, price: 1_000 }), {
    oes_orders_rejected_total: 'rises',
    'oes_refusals_total{reason="EXCEEDS_BUYING_POWER"}': 1,
  })
  await watcher.provoke('an order that nobody understands', () => alice.ask([Kind.Submit, 0, 0, 'ABX.TSX', 'buy']), {
    'oes_refusals_total{reason="MALFORMED_MESSAGE"}': 1,
    oes_requests_refused_total: 'rises',
  })
  await watcher.provoke('a query', () => alice.askAll([Kind.QueryOrders, 0, 0, 0, -2, 3]), {
    oes_queries_total: 'rises',
    oes_query_seconds_count: 'rises',
  })

  // The kill switch, risk states, rules.
  const administrator = await WireClient.login(server.port, 'administrator')
  await watcher.provoke('a halt', () => administrator.ask([Kind.Halt, 0, 0, HaltScope.Everybody, null, 'drill']), {
    'oes_halts{scope="everybody"}': 1,
    'oes_degraded{part="halt"}': 1,
  })
  const halted = await watcher.health('/health/degraded')
  deepEqual(halted, {
    status: 503,
    body: { degraded: [{ part: 'halt', what: 'everybody', why: 'Trading is halted for everybody.' }] },
  })
  await watcher.provoke('an order under the halt', () => submit(alice), {
    'oes_refusals_total{reason="TRADING_HALTED"}': 1,
  })
  await watcher.provoke(
    'the end of it',
    () => administrator.ask([Kind.Lift, 0, 0, HaltScope.Everybody, null, 'over']),
    {
      'oes_halts{scope="everybody"}': 0,
      'oes_degraded{part="halt"}': 0,
    },
  )
  const locator = await platform.login('administrator')
  const administration = await AdministrationClient.open(locator)
  t.after(() => administration.close())
  await watcher.provoke(
    'a risk state',
    () => administration.storeRiskState(erin.account, { type: RiskStateType.Disabled, expiry: 0 }),
    { 'oes_accounts{risk_state="DISABLED"}': 1, 'oes_accounts{risk_state="ACTIVE"}': 'falls' },
  )
  const compliance = await ComplianceClient.open(locator)
  t.after(() => compliance.close())
  let rule = 0
  await watcher.provoke(
    'a rule',
    async () => {
      rule = await compliance.addRule(erin.account, RuleState.Active, {
        name: 'order_count_limit',
        parameters: [{ name: 'count', value: { kind: 'quantity', value: 0 * MICROS } }],
      })
    },
    { oes_rules: 1 },
  )
  await administration.storeRiskState(erin.account, { type: RiskStateType.Active, expiry: 0 })
  await watcher.provoke(
    'its objection',
    () =>
      until('an objection', async () => {
        await submit(erin)
        return sumOf(await watcher.samples(), 'oes_violations_total') > 0
      }),
    { oes_violations_total: 'rises' },
  )
  await watcher.provoke('the end of the rule', () => compliance.deleteRule(rule), { oes_rules: 0 })

  // More than the rings hold, and a client that reads nothing of it.
  const deaf = await WireClient.login(server.port, 'margaret')
  await deaf.ask([Kind.Subscribe, 0, alice.account, 0, 0, 0, []])
  deaf.socket.pause()
  let isFlooding = true
  const flood = async () => {
    const trader = await WireClient.login(server.port, 'alice')
    trader.onMessage = () => undefined
    while (isFlooding) {
      for (let i = 0; i < BURST; i++) trader.send([Kind.Submit, 0, 0, ...submitElements({ price: 1_000, quantity: 1 })])
      await trader.ask([Kind.Submit, 0, 0, ...submitElements({ price: 1_000, quantity: 1 })])
    }
    await trader.end()
  }
  const flooding = flood()
  await watcher.provoke('a flood of orders', async () => undefined, {
    oes_requests_held_total: 'rises',
    oes_requests_in_flight: 'rises',
    oes_command_ring_bytes: 'rises',
    oes_report_ring_bytes: 'rises',
    oes_report_ring_full_total: 'rises',
    oes_commands_waiting: 'rises',
    oes_outbox_bytes: 'rises',
    oes_outbox_largest_bytes: 'rises',
    'oes_sessions_closed_total{reason="SLOW_READER"}': 1,
    oes_process_cpu_seconds_total: 'rises',
    'oes_thread_cpu_seconds_total{thread="main"}': 'rises',
    'oes_thread_cpu_seconds_total{thread="writer"}': 'rises',
    'oes_heap_allocated_bytes_total{thread="main"}': 'rises',
    'oes_heap_allocated_bytes_total{thread="writer"}': 'rises',
    'oes_gc_pause_seconds_count{thread="main"}': 'rises',
    'oes_gc_pause_seconds_count{thread="writer"}': 'rises',
  })
  isFlooding = false
  await flooding
  await watcher.provoke('quiet', async () => undefined, {
    oes_outbox_bytes: 0,
    oes_outbox_largest_bytes: 0,
    oes_requests_in_flight: 0,
    oes_command_ring_bytes: 0,
    oes_report_ring_bytes: 0,
    oes_commands_waiting: 0,
    oes_journal_backlog_entries: 0,
    oes_store_lag: 0,
  })

  // A process that gets no processor for a while.
  await watcher.provoke(
    'a standstill',
    async () => {
      server.signal('SIGSTOP')
      await pause(1_000)
      server.signal('SIGCONT')
    },
    {
      'oes_event_loop_delay_seconds_sum{thread="main"}': 'rises',
      'oes_event_loop_delay_seconds_sum{thread="writer"}': 'rises',
    },
  )

  // The store away: trading goes on, and the store falls behind, until it is there again.
  await watcher.provoke(
    'a store that is away',
    async () => {
      database.kill('SIGKILL')
      await database.ended
      await submit(alice, { price: 1_000 })
    },
    {
      oes_stores_usable: 0,
      [`oes_store_state{store="${store}"}`]: 3,
      [`oes_store_failures_total{store="${store}"}`]: 'rises',
      [`oes_store_lag_records{store="${store}"}`]: 'rises',
      [`oes_store_lag_bytes{store="${store}"}`]: 'rises',
      [`oes_store_lag_seconds{store="${store}"}`]: value => value > LAG_MS_MAX / 1_000,
      oes_store_lag: 'rises',
      oes_journal_backlog_entries: 'rises',
      'oes_degraded{part="store"}': 1,
      'oes_degraded{part="lag"}': 1,
    },
  )
  const away = await watcher.health('/health/degraded')
  equal(away.status, 503)
  deepEqual(
    (away.body.degraded as { part: string; what: string }[]).map(({ part, what }) => [part, what]),
    [
      ['store', store],
      ['lag', store],
    ],
  )
  equal((await watcher.health('/health/ready')).status, 200)
  await watcher.provoke('a query for what only the store has', () => alice.askAll([Kind.QueryOrders, 0, 0, 0, -2, 3]), {
    oes_queries_failed_total: 'rises',
  })
  await database.start()
  await watcher.provoke('a store that is back', async () => undefined, {
    oes_stores_usable: 1,
    [`oes_store_state{store="${store}"}`]: 2,
    [`oes_store_lag_records{store="${store}"}`]: 0,
    'oes_degraded{part="store"}': 0,
    'oes_degraded{part="lag"}': 0,
    oes_journal_backlog_entries: 0,
  })

  // Services away.
  await watcher.provoke('services that are away', () => platform.stop(), {
    'oes_service_available{service="service_locator"}': 0,
    'oes_service_available{service="administration_service"}': 0,
    'oes_service_available{service="compliance_service"}': 0,
    'oes_service_available{service="uid_service"}': 0,
    'oes_service_available{service="market_data_service"}': 0,
    'oes_degraded{part="service"}': 1,
  })
  await watcher.provoke('services that are back', () => platform.start(), {
    'oes_service_available{service="service_locator"}': 1,
    'oes_service_available{service="administration_service"}': 1,
    'oes_service_available{service="compliance_service"}': 1,
    'oes_service_available{service="uid_service"}': 1,
    'oes_service_available{service="market_data_service"}': 1,
    'oes_degraded{part="service"}': 0,
  })

  // The port itself.
  const idle = net.connect({ host: '127.0.0.1', port: server.adminPort })
  t.after(() => idle.destroy())
  await watcher.provoke(
    'a request that is not answered',
    () => fetch(`http://127.0.0.1:${server.adminPort}/metrics`, { method: 'POST' }),
    { oes_admin_requests_total: 'rises', oes_admin_refused_total: 'rises', oes_admin_connections: value => value >= 2 },
  )

  await provokeAtTheDoor(t, watcher.seen)

  // What no table of the store takes: somebody has written the order's next report already.
  const taken = (await submit(alice))[4]
  const schema = store.split('/')[1]
  const isStored = `SELECT COUNT(*) FROM ${schema}.execution_reports WHERE order_id = ${taken} AND sequence = 1`
  await until('the order in the store', async () => Number(await database.value(isStored)) === 1)
  await database.query(
    `CREATE TEMPORARY TABLE ${schema}.taken AS SELECT * FROM ${schema}.execution_reports WHERE order_id = ${taken} AND sequence = 1`,
  )
  await database.query(`UPDATE ${schema}.taken SET sequence = 2`)
  await database.query(`INSERT INTO ${schema}.execution_reports SELECT * FROM ${schema}.taken`)
  await watcher.provoke('an entry that no table takes', () => alice.ask([Kind.Cancel, 0, 0, taken]), {
    [`oes_set_aside_entries_total{store="${store}"}`]: 'rises',
  })

  deepEqual(
    catalogue.map(exposedName).filter(name => !watcher.seen.has(name)),
    [],
    'metrics that nothing has moved',
  )
  deepEqual(await server.stop(), { status: 0, signal: null }, server.log)
})
