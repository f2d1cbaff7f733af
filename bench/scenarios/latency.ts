// How long an order takes: alone, one in flight, by turns with Redis; and in a stream of half the maximum rate, open
// loop, measured from the time each order was due.

import { OrderPattern, type PhaseResult } from '../load/load-plan.ts'
import {
  atMost,
  figure,
  median,
  milliseconds,
  type Scenario,
  type ScenarioOptions,
  type ScenarioResult,
} from '../scenario.ts'
import { Redis, type RedisResult } from '../server/redis.ts'
import { BenchServer } from '../server/server-process.ts'
import { StoreWatch } from '../server/store-watch.ts'
import { LATENCY_COLUMNS, latencyCells } from './latency-columns.ts'
import { wakeUp } from './wake-up.ts'

const CONNECTIONS = 4
const IN_FLIGHT = 64
const P50_BOUND = 1.6

export const latency: Scenario = {
  name: 'latency',
  about: 'one order in flight, and half of the maximum rate in open loop; default configuration, durable',
  threads: shards => shards + 4,
  run,
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick, say } = options
  const measureMs = (options.seconds ?? (quick ? 0.2 : 5)) * 1_000
  const warmUpMs = quick ? 50 : 1_000
  const rounds = options.rounds ?? (quick ? 1 : 5)
  const single: PhaseResult[] = []
  const appended: RedisResult[] = []

  const redis = await Redis.start()
  const server = await BenchServer.start({ desks: CONNECTIONS, quick })
  const load = await server.load()
  const store = new StoreWatch(server.storeFile)
  const atRest = async () => {
    const { reports } = await load.check()
    await store.caughtUp(reports)
    await server.rested()
  }
  try {
    await wakeUp(load, quick)
    for (let round = 1; round <= rounds; round++) {
      await atRest()
      const one = await load.run({ pattern: OrderPattern.Marketable, connections: 1, inFlight: 1, warmUpMs, measureMs })
      single.push(one)
      say(`round ${round}: one in flight, p50 ${one.done.p50} µs, p99 ${one.done.p99} µs`)
      if (redis === undefined) continue
      await atRest()
      const redisOne = await redis.appendFor(measureMs, 1, 1)
      appended.push(redisOne)
      say(`round ${round}: Redis, one in flight, p50 ${redisOne.p50} µs, p99 ${redisOne.p99} µs`)
    }
    const most = await load.run({ pattern: OrderPattern.Marketable, inFlight: IN_FLIGHT, warmUpMs, measureMs })
    await atRest()
    const rate = most.ordersPerSecond / 2
    say(`maximum ${figure(most.ordersPerSecond)} orders/s; now ${figure(rate)} in open loop`)
    const open = await load.run({ pattern: OrderPattern.Marketable, rate, warmUpMs, measureMs: 2 * measureMs })
    await atRest()
    const ours = median(single.map(({ done }) => done.p50))
    const theirs = median(appended.map(({ p50 }) => p50))
    return {
      tables: [
        {
          title: `From due to last report; one in flight: median p50 of ${rounds} rounds ${milliseconds(ours)} ms${
            redis === undefined ? '' : `, Redis ${milliseconds(theirs)} ms`
          }`,
          columns: ['', 'per second', ...LATENCY_COLUMNS],
          rows: [
            ['one in flight', figure(single.at(-1)!.ordersPerSecond), ...latencyCells(single.at(-1)!.done)],
            ...appended
              .slice(-1)
              .map(({ appendsPerSecond, p50, p99, max }) => [
                'Redis, one in flight',
                figure(appendsPerSecond),
                milliseconds(p50),
                '–',
                milliseconds(p99),
                '–',
                '–',
                milliseconds(max),
              ]),
            ['half of the maximum, open loop', figure(open.ordersPerSecond), ...latencyCells(open.done)],
            ['… of it, the load itself was late', '', ...latencyCells(open.lateness)],
          ],
        },
      ],
      notes: [
        `p99.9 at half of the maximum rate: ${milliseconds(open.done.p999)} ms`,
        'sequences without gap or repetition; positions of all accounts as the load’s own books',
        ...(redis === undefined ? ['redis-server or redis-benchmark is not installed: nothing to compare with'] : []),
      ],
      figures: { single, redis: appended, most, openRate: rate, open },
      targets: redis === undefined ? [] : [atMost('latency p50, one in flight', ours / theirs, '× Redis', P50_BOUND)],
    }
  } finally {
    store.close()
    await load.close()
    await server.remove()
    await redis?.close()
  }
}
