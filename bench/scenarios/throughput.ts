// Orders per second: four connections with 64 orders in flight each, every check, durable, three reports per order
// received over TCP. By turns: journal alone; the default configuration, whose writer makes way for the shards while the
// store is not too far behind; a writer that never makes way, which is how the default goes on once that bound is
// reached; and Redis under the same connections and pipelining. Then the rate that the store sustains for ever.

import { defaultConfig } from '../../src/config/config.ts'
import type { LoadClient } from '../load/load-client.ts'
import { OrderPattern, type PhaseResult } from '../load/load-plan.ts'
import {
  atLeast,
  figure,
  median,
  milliseconds,
  type Scenario,
  type ScenarioOptions,
  type ScenarioResult,
  type Table,
} from '../scenario.ts'
import { Redis, type RedisResult } from '../server/redis.ts'
import { BenchServer, type BenchServerOptions } from '../server/server-process.ts'
import { StoreWatch } from '../server/store-watch.ts'
import { LATENCY_COLUMNS, latencyCells } from './latency-columns.ts'
import { REPORTS_PER_ORDER, sustainedRate } from './sustained-rate.ts'
import { wakeUp } from './wake-up.ts'

const CONNECTIONS = 4
const IN_FLIGHT = 64
/** Of the journal alone and Redis, in each round. */
const PAIRS_PER_ROUND = 3

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
  const pairsPerRound = quick ? 1 : PAIRS_PER_ROUND
  const phase = { pattern: OrderPattern.Marketable, inFlight: IN_FLIGHT, warmUpMs, measureMs }
  const alone: PhaseResult[] = []
  const appended: RedisResult[] = []

  const redis = await Redis.start()
  const contenders: Contender[] = []
  try {
    const aloneOne = await contender('journal alone', { copiesToStore: false, quick })
    contenders.push(aloneOne)
    const byDefault = await storedContender('default configuration', { quick })
    contenders.push(byDefault)
    const keepingUp = await storedContender('writer never makes way', { lagMsMax: 0, quick })
    contenders.push(keepingUp)
    for (const { load } of contenders) await wakeUp(load, quick)
    for (const { load, store } of [byDefault, keepingUp]) await store.caughtUp((await load.check()).reports)
    for (const { server } of contenders) await server.rested()

    for (let round = 1; round <= rounds; round++) {
      // One right after the other, and first by turns: what else the machine does meets both alike.
      for (let pair = 0; pair < pairsPerRound; pair++) {
        const journal = async () => {
          const result = await aloneOne.load.run(phase)
          alone.push(result)
          await aloneOne.server.rested()
          say(`round ${round}: ${aloneOne.name} ${figure(result.ordersPerSecond)} orders/s, p50 ${result.done.p50} µs`)
        }
        const append = async () => {
          if (redis === undefined) return
          const result = await redis.appendFor(measureMs, CONNECTIONS, IN_FLIGHT)
          appended.push(result)
          say(`round ${round}: Redis ${figure(result.appendsPerSecond)} appends/s, p50 ${result.p50} µs`)
        }
        for (const measure of alone.length % 2 === 0 ? [journal, append] : [append, journal]) await measure()
      }
      for (const { name, server, load, store, rounds: measured } of [byDefault, keepingUp]) {
        const stored = await storedRound(load, store, phase)
        await server.rested()
        measured.push(stored)
        say(
          `round ${round}: ${name} ${figure(stored.run.ordersPerSecond)} orders/s, p50 ${stored.run.done.p50} µs; ` +
            `${figure(stored.lagReports)} reports behind at the end, caught up after ${figure(stored.catchUpMs)} ms`,
        )
      }
    }
    const most = median(keepingUp.rounds.map(each => each.run.ordersPerSecond))
    const sustained = await sustainedRate(keepingUp.load, keepingUp.store, most, options)
    let reports = (await aloneOne.load.check()).reports
    for (const { load, store } of [byDefault, keepingUp]) reports += await proveStored(load, store)
    return resultOf({ alone, byDefault: byDefault.rounds, keepingUp: keepingUp.rounds, appended, sustained, reports })
  } finally {
    for (const { load, server, store } of contenders) {
      store?.close()
      await load.close()
      await server.remove()
    }
    await redis?.close()
  }
}

interface Contender {
  readonly name: string
  readonly server: BenchServer
  readonly load: LoadClient
  readonly store?: StoreWatch
}

interface StoredContender extends Contender {
  readonly store: StoreWatch
  readonly rounds: StoredRound[]
}

async function contender(name: string, options: BenchServerOptions): Promise<Contender> {
  const server = await BenchServer.start({ ...options, desks: CONNECTIONS })
  return { name, server, load: await server.load() }
}

async function storedContender(name: string, options: BenchServerOptions): Promise<StoredContender> {
  const { server, load } = await contender(name, options)
  return { name, server, load, store: new StoreWatch(server.storeFile), rounds: [] }
}

/** The store has every order and report. @returns the reports */
async function proveStored(load: LoadClient, store: StoreWatch): Promise<number> {
  const { reports } = await load.check()
  const rows = store.rows()
  if (rows.reports !== reports || REPORTS_PER_ORDER * rows.orders !== reports) {
    throw new Error(`the store has ${rows.orders} orders and ${rows.reports} reports of ${reports}`)
  }
  return reports
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

function resultOf(measured: {
  alone: readonly PhaseResult[]
  byDefault: readonly StoredRound[]
  keepingUp: readonly StoredRound[]
  appended: readonly RedisResult[]
  sustained: number
  reports: number
}): ScenarioResult {
  const { alone, byDefault, keepingUp, appended, sustained, reports } = measured
  const rateOf = (runs: readonly PhaseResult[]) => median(runs.map(({ ordersPerSecond }) => ordersPerSecond))
  const runsOf = (rounds: readonly StoredRound[]) => rounds.map(each => each.run)
  const aloneRate = rateOf(alone)
  const defaultRate = rateOf(runsOf(byDefault))
  const redisRate = median(appended.map(({ appendsPerSecond }) => appendsPerSecond))
  const ratios = appended.map(({ appendsPerSecond }, pair) => alone[pair]!.ordersPerSecond / appendsPerSecond)
  const row = (name: string, runs: readonly PhaseResult[]) => [
    name,
    figure(rateOf(runs)),
    appended.length === 0 ? '–' : (rateOf(runs) / redisRate).toFixed(2),
    ...latencyCells(runs.at(-1)!.done),
    runs.at(-1)!.loadCores.toFixed(2),
  ]
  const storeRow = (name: string, rounds: readonly StoredRound[]) => [
    name,
    figure(median(rounds.map(each => each.lagReports))),
    figure(median(rounds.map(each => each.catchUpMs))),
  ]
  const tables: Table[] = [
    {
      title: `Medians of ${alone.length} measurements of the journal alone, ${byDefault.length} of the others; latencies of the last`,
      columns: ['', 'per second', '× Redis', ...LATENCY_COLUMNS, 'load, cores'],
      rows: [
        row('journal alone', alone),
        row('default configuration', runsOf(byDefault)),
        row('writer never makes way', runsOf(keepingUp)),
        ...appended
          .slice(-1)
          .map(({ p50, p99, max }) => [
            'Redis XADD',
            figure(redisRate),
            '1.00',
            milliseconds(p50),
            '–',
            milliseconds(p99),
            '–',
            '–',
            milliseconds(max),
            '–',
          ]),
      ],
    },
    {
      title: 'The embedded store',
      columns: ['', 'reports behind when the load ends', 'caught up after ms'],
      rows: [storeRow('default configuration', byDefault), storeRow('writer never makes way', keepingUp)],
    },
  ]
  const { lagMsMax } = defaultConfig().writer
  return {
    tables,
    notes: [
      `sustained without a growing lag: ${figure(sustained)} orders/s`,
      `by default the writer makes way until the store is ${figure(lagMsMax / 1_000)} s behind: a measurement shorter ` +
        'than that leaves most of the copying to the time after it; the third row is what follows',
      `${figure(reports)} reports received without gap or repetition; positions of all accounts as the load's own books`,
      'each store has every order and report in the end',
      appended.length === 0
        ? 'redis-server or redis-benchmark is not installed: nothing to compare with'
        : `journal alone ÷ Redis, pair by pair: ${ratios.map(ratio => ratio.toFixed(3)).join(', ')}`,
    ],
    figures: {
      alone,
      byDefault,
      keepingUp,
      redis: appended,
      ratios,
      aloneRate,
      defaultRate,
      redisRate,
      sustained,
      lagMsMax,
    },
    targets:
      appended.length === 0
        ? []
        : [
            atLeast('throughput, journal alone', median(ratios), '× Redis', 1),
            atLeast('throughput, default configuration', defaultRate / redisRate, '× Redis', 0.7),
          ],
  }
}
