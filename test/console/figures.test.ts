import { deepEqual, equal } from 'node:assert/strict'
import http from 'node:http'
import type net from 'node:net'
import { test } from 'node:test'
import { Figures } from '../../src/console/figures.ts'
import { hintsOf } from '../../src/console/hints.ts'
import { latencyBetween } from '../../src/console/latency-window.ts'
import type { FiguresMessage } from '../../src/console/messages.ts'
import { readStatus } from '../../src/console/status-reading.ts'

const latency = (...buckets: [endUs: number, count: number][]) => ({ count: 0, maxUs: 0, buckets: new Map(buckets) })

test('latencies of a window are what came since its beginning, of all shards together', () => {
  const before = [latency([11, 5], [101, 1]), latency([11, 1])]
  const after = [latency([11, 5], [101, 3]), latency([11, 99], [5001, 1])]
  deepEqual(latencyBetween(before, after), { count: 101, p50Us: 10, p99Us: 100, maxUs: 5000 })
  deepEqual(latencyBetween(after, after), { count: 0, p50Us: null, p99Us: null, maxUs: null })
  // A server that was started anew counts from nothing.
  deepEqual(latencyBetween(after, before), { count: 0, p50Us: null, p99Us: null, maxUs: null })
})

test('loads are told as hints with what to do about them', () => {
  const hint = (main: number, shards: number[], cores: number | null, rings = shards.map(() => 0)) =>
    hintsOf({ main, shards, commandRings: rings, cores }).map(({ level, text }) => `${level}: ${text}`)
  deepEqual(hint(0.2, [0.3, 0.3, 0.2], 4), [])
  deepEqual(hint(0.4, [0.95, 0.2, 0.2], 4), [
    'warning: Shard 0 is hot: 95 % busy, the others 20 %. One account, or a few that share this shard, sends most of the ' +
      'orders; more shards help only if there are several.',
  ])
  deepEqual(hint(0.5, [0.95], 8), [
    'warning: The shard is busy and the machine has 8 cores: engine.shards may be raised to 7.',
  ])
  deepEqual(hint(0.97, [0.3, 0.3, 0.3], 4), [
    'warning: Main is 97 % busy and the shards are not: more shards would bring nothing.',
  ])
  const shared =
    '4 shards and main share 2 cores, so threads take turns: engine.shards: 1 gives each one of its own; oes tune finds ' +
    'the best number.'
  deepEqual(hint(0, [0, 0, 0, 0], 2), [`note: ${shared}`])
  deepEqual(hint(0.5, [0.3, 0.3, 0.3, 0.3], 2), [`warning: ${shared}`])
  deepEqual(hint(0.1, [0.3], null, [0.6]), [
    'warning: Commands wait for shard 0: its ring is 60 % full, and clients will be held back.',
  ])
})

/** A status with some of what a server tells. */
function statusOf(second: number, orders: number) {
  const buckets = [
    [201, orders],
    [3001, second],
  ]
  return {
    version: '1',
    timeMs: 1_000_000 + 1_000 * second,
    isReady: true,
    stage: 'trading',
    degraded: [],
    lanes: [
      {
        kind: 'main',
        name: 'main',
        metrics: {
          oes_sessions_open: 3,
          oes_thread_cpu_seconds_total: second / 2,
          oes_answer_seconds: { count: orders, sumUs: 0, maxUs: 0, buckets },
          oes_refusals_total: { BUSY: 1 },
        },
      },
      {
        kind: 'store',
        name: 'embedded',
        metrics: { oes_store_state: 3, oes_store_lag_records: 7, oes_store_lag_seconds: 2 },
      },
      { kind: 'link', name: 'shard-0', metrics: { oes_command_ring_bytes: 1, oes_command_ring_size_bytes: 4 } },
      {
        kind: 'shard',
        name: 'shard-0',
        metrics: {
          oes_orders_accepted_total: orders,
          oes_executions_total: 2 * orders,
          oes_orders_open: 5,
          oes_thread_cpu_seconds_total: second / 4,
          oes_refusals_total: { BUSY: 2, BOARD_LOT: 1 },
        },
      },
    ],
  }
}

test('what is missing in a status counts as nothing, and what is no status is refused', () => {
  const { lanes } = readStatus({ lanes: [{ kind: 'main', name: 'main', metrics: { a: 'x', b: { c: 1, d: 'x' } } }, 7] })
  const [main] = lanes
  deepEqual(
    [
      lanes.length,
      main?.number('a'),
      main?.number('z'),
      main?.numbers('b'),
      main?.numbers('z'),
      main?.latency('a').count,
    ],
    [1, 0, 0, { c: 1 }, {}, 0],
  )
  for (const wrong of [null, [], {}, 'status']) {
    let failed = false
    try {
      readStatus(wrong)
    } catch {
      failed = true
    }
    equal(failed, true)
  }
})

test('readings become rates, percentiles and an hour of seconds, and a port that is away is told', async t => {
  let answers = 0
  let isAway = false
  const server = http.createServer((_, response) => {
    if (isAway) {
      response.destroy()
      return
    }
    answers += 1
    response.end(JSON.stringify(statusOf(answers, 100 * answers * answers)))
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => server.close())
  const { port } = server.address() as net.AddressInfo // a TCP server has such an address
  const figures = new Figures({ statusUrl: `http://127.0.0.1:${port}/status`, cores: 2 })
  t.after(() => figures.close())
  const next = () =>
    new Promise<FiguresMessage | undefined>(resolve => {
      const forget = figures.listen(message => {
        forget()
        resolve(message)
      })
    })
  const first = await next()
  deepEqual([first?.sample.ordersPerSecond, first?.mainLoad, first?.sample.answerP50Us], [0, null, null])
  const second = await next()
  deepEqual(second?.sample, {
    timeMs: 1_002_000,
    ordersPerSecond: 300,
    executionsPerSecond: 600,
    rejectsPerSecond: 0,
    requestsPerSecond: 0,
    answerP50Us: 200,
    answerP99Us: 200,
    answerMaxUs: 3_000,
  })
  deepEqual([second?.mainLoad, second?.shards[0]?.load, second?.shards[0]?.commandRing], [0.5, 0.25, 0.25])
  deepEqual(second?.refusals, { BUSY: 3, BOARD_LOT: 1 })
  deepEqual(second?.stores, [
    { name: 'embedded', state: 'away', isGood: false, lagRecords: 7, lagBytes: 0, lagSeconds: 2, failures: 0 },
  ])
  deepEqual(figures.history().ordersPerSecond, [300])
  isAway = true
  equal(await next(), undefined)
  deepEqual([figures.latest, /does not answer/.test(figures.why)], [undefined, true])
  isAway = false
  // Nothing is made up for the time between.
  equal((await next())?.sample.ordersPerSecond, 0)
  equal(figures.history().timeMs.length, 1)
})
