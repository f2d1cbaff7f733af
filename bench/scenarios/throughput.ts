// Orders per second: four connections with 64 orders in flight each, every check, durable, three reports per order
// received over TCP. Journal alone, then the default configuration with its store, by turns with Redis under the same
// connections and pipelining. Then the rate that the store sustains: one at which it does not fall further behind.

import type { LoadClient } from '../load/load-client.ts'
import { OrderPattern, type PhaseResult } from '../load/load-plan.ts'
import {
  atLeast,
  figure,
  median,
  type Scenario,
  type ScenarioOptions,
  type ScenarioResult,
  type Table,
} from '../scenario.ts'
import { Redis, type RedisResult } from '../server/redis.ts'
import { BenchServer } from '../server/server-process.ts'
import { StoreWatch } from '../server/store-watch.ts'
import { LATENCY_COLUMNS, latencyCells } from './latency-columns.ts'
import { wakeUp } from './wake-up.ts'

const CONNECTIONS = 4
const IN_FLIGHT = 64
const REPORTS_PER_ORDER = 3
/** A lag below what is stored in this time is that of a batch on its way, and not one that grows. */
const LAG_OF_A_BATCH_SECONDS = 0.25
/** How often the lag is looked at for one rate. */
const LAG_LOOKS = 5
/** A lag grows where more than this part of what comes in stays behind. */
const LAG_GROWTH_MAX = 0.01
/** Steps of the search for the sustained rate: each halves the interval. */
const SUSTAINED_STEPS = 5

interface StoredRound {
  readonly run: PhaseResult
  readonly lagReports: number
  readonly catchUpMs: number
}

export const throughput: Scenario = {
  name: 'throughput',
  about: `orders per second, ${CONNECTIONS} connections × ${IN_FLIGHT} in flight, submit to last of three reports, durable`,
  threads: shards => shards + 4,
  run,
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick, say } = options
  const measureMs = (options.seconds ?? (quick ? 0.3 : 10)) * 1_000
  const warmUpMs = quick ? 100 : 2_000
  const rounds = options.rounds ?? (quick ? 1 : 3)
  const phase = { pattern: OrderPattern.Marketable, inFlight: IN_FLIGHT, warmUpMs, measureMs }
  const alone: PhaseResult[] = []
  const stored: StoredRound[] = []
  const appended: RedisResult[] = []

  const redis = await Redis.start()
  const aloneServer = await BenchServer.start({ copiesToStore: false, desks: CONNECTIONS })
  const storedServer = await BenchServer.start({ desks: CONNECTIONS })
  const aloneLoad = await aloneServer.load()
  const storedLoad = await storedServer.load()
  const store = new StoreWatch(storedServer.storeFile)
  try {
    await wakeUp(aloneLoad, quick)
    await wakeUp(storedLoad, quick)
    await caughtUp(storedLoad, store)
    for (let round = 1; round <= rounds; round++) {
      const a = await aloneLoad.run(phase)
      alone.push(a)
      say(`round ${round}: journal alone ${figure(a.ordersPerSecond)} orders/s, p50 ${a.done.p50} µs`)
      if (redis !== undefined) {
        const r = await redis.appendFor(measureMs, CONNECTIONS, IN_FLIGHT)
        appended.push(r)
        say(`round ${round}: Redis ${figure(r.appendsPerSecond)} appends/s, p50 ${r.p50} µs`)
      }
      const b = await storedRound(storedLoad, store, phase)
      stored.push(b)
      say(
        `round ${round}: with the store ${figure(b.run.ordersPerSecond)} orders/s, p50 ${b.run.done.p50} µs; ` +
          `${figure(b.lagReports)} reports behind at the end, caught up after ${figure(b.catchUpMs)} ms`,
      )
    }
    const most = median(stored.map(each => each.run.ordersPerSecond))
    const sustained = await sustainedRate(storedLoad, store, most, options)
    const aloneCheck = await aloneLoad.check()
    const storedCheck = await storedLoad.check()
    const rows = store.rows()
    if (rows.reports !== storedCheck.reports || REPORTS_PER_ORDER * rows.orders !== rows.reports) {
      throw new Error(`the store has ${rows.orders} orders and ${rows.reports} reports of ${storedCheck.reports}`)
    }
    return resultOf({ alone, stored, appended, sustained, reports: aloneCheck.reports + storedCheck.reports })
  } finally {
    store.close()
    await aloneLoad.close()
    await storedLoad.close()
    await aloneServer.remove()
    await storedServer.remove()
    await redis?.close()
  }
}

async function storedRound(
  load: LoadClient,
  store: StoreWatch,
  phase: Parameters<LoadClient['run']>[0],
): Promise<StoredRound> {
  const before = store.reports()
  const result = await load.run(phase)
  const expected = before + REPORTS_PER_ORDER * result.ordersTotal
  const lagReports = expected - store.reports()
  return { run: result, lagReports, catchUpMs: await store.caughtUp(expected) }
}

async function caughtUp(load: LoadClient, store: StoreWatch): Promise<void> {
  const { reports } = await load.check()
  await store.caughtUp(reports)
}

/**
 * The highest rate, by bisection, at which the store does not fall further behind; 0 where none of the rates tried is
 * such a one. A checkpoint of the store makes the lag jump and come back, so of neighbouring looks the smaller counts.
 */
async function sustainedRate(
  load: LoadClient,
  store: StoreWatch,
  most: number,
  { quick, seconds = 10, say }: ScenarioOptions,
): Promise<number> {
  const measureMs = quick ? 100 : Math.min(seconds * 1_000, 10_000) / LAG_LOOKS
  let low = 0
  let high = most
  for (let step = 0; step < (quick ? 1 : SUSTAINED_STEPS); step++) {
    const rate = step === 0 ? most * 0.6 : (low + high) / 2
    let expected = store.reports()
    let done = 0
    const lags: number[] = []
    for (let look = 0; look < LAG_LOOKS; look++) {
      const result = await load.run({ pattern: OrderPattern.Marketable, rate, warmUpMs: 0, measureMs })
      expected += REPORTS_PER_ORDER * result.ordersTotal
      lags.push(expected - store.reports())
      done += result.ordersPerSecond / LAG_LOOKS
    }
    const catchUpMs = await store.caughtUp(expected)
    const early = Math.min(...lags.slice(1, 3))
    const late = Math.min(...lags.slice(-2))
    const arrived = (REPORTS_PER_ORDER * rate * 2 * measureMs) / 1_000
    const grows = late - early > LAG_GROWTH_MAX * arrived && late > LAG_OF_A_BATCH_SECONDS * REPORTS_PER_ORDER * rate
    const isSustained = !grows && done > 0.98 * rate
    say(
      `at ${figure(rate)} orders/s: ${figure(done)} done, ${lags.map(figure).join(', ')} reports behind, caught up ` +
        `after ${figure(catchUpMs)} ms: ${isSustained ? 'sustained' : 'not sustained'}`,
    )
    if (isSustained) low = rate
    else high = rate
  }
  return low
}

function resultOf(measured: {
  alone: readonly PhaseResult[]
  stored: readonly StoredRound[]
  appended: readonly RedisResult[]
  sustained: number
  reports: number
}): ScenarioResult {
  const { alone, stored, appended, sustained, reports } = measured
  const aloneRate = median(alone.map(({ ordersPerSecond }) => ordersPerSecond))
  const storedRate = median(stored.map(each => each.run.ordersPerSecond))
  const redisRate = median(appended.map(({ appendsPerSecond }) => appendsPerSecond))
  const catchUpMs = median(stored.map(each => each.catchUpMs))
  const lagReports = median(stored.map(each => each.lagReports))
  const row = (name: string, run: PhaseResult, rate: number) => [
    name,
    figure(rate),
    appended.length === 0 ? '–' : (rate / redisRate).toFixed(2),
    ...latencyCells(run.done),
    run.loadCores.toFixed(2),
  ]
  const tables: Table[] = [
    {
      title: `Medians of ${alone.length} rounds; latencies of the last`,
      columns: ['', 'per second', '× Redis', ...LATENCY_COLUMNS, 'load, cores'],
      rows: [
        row('journal alone', alone.at(-1)!, aloneRate),
        row('with the store', stored.at(-1)!.run, storedRate),
        ...appended
          .slice(-1)
          .map(({ p50, p99, max }) => [
            'Redis XADD',
            figure(redisRate),
            '1.00',
            (p50 / 1_000).toFixed(3),
            '–',
            (p99 / 1_000).toFixed(3),
            '–',
            '–',
            (max / 1_000).toFixed(1),
            '–',
          ]),
      ],
    },
    {
      title: 'The embedded store',
      columns: ['reports behind when the load ends', 'caught up after ms', 'sustained orders/s'],
      rows: [[figure(lagReports), figure(catchUpMs), figure(sustained)]],
    },
  ]
  const targets =
    appended.length === 0
      ? []
      : [
          atLeast('throughput, journal alone', aloneRate / redisRate, '× Redis', 1),
          atLeast('throughput, default configuration', storedRate / redisRate, '× Redis', 0.7),
        ]
  return {
    tables,
    notes: [
      `${figure(reports)} reports received without gap or repetition; positions of all accounts as the load's own books`,
      ...(appended.length === 0 ? ['redis-server or redis-benchmark is not installed: nothing to compare with'] : []),
    ],
    figures: { alone, stored, redis: appended, aloneRate, storedRate, redisRate, lagReports, catchUpMs, sustained },
    targets,
  }
}
