// What watching costs: the canonical load against two servers by turns, one whose administrative port is closed, and one
// that is asked for its metrics and its status every second. Counting itself cannot be switched off; what it takes of an
// order is timed by itself and compared with the processor time that the server takes for one.

import { setTimeout as pause } from 'node:timers/promises'
import { LANE_BYTES, Metric } from '../../src/metrics/catalogue.ts'
import { ShardMeter } from '../../src/shards/shard-meter.ts'
import { Lane } from '../../src/shared-memory/lanes.ts'
import type { LoadClient } from '../load/load-client.ts'
import { OrderPattern, type PhaseResult } from '../load/load-plan.ts'
import {
  atLeast,
  atMost,
  figure,
  median,
  milliseconds,
  type Scenario,
  type ScenarioOptions,
  type ScenarioResult,
} from '../scenario.ts'
import { BenchServer } from '../server/server-process.ts'
import { wakeUp } from './wake-up.ts'

const CONNECTIONS = 4
const IN_FLIGHT = 64
const SCRAPE_MS = 1_000
/** What may be lost to it. */
const SHARE_KEPT = 0.99
const COUNTING_SHARE_MAX = 0.01

export const metrics: Scenario = {
  name: 'metrics',
  about:
    'orders per second with metrics asked for every second, against a server that nobody watches; what counting takes',
  threads: shards => shards + 4,
  run,
}

interface Contender {
  readonly name: string
  readonly server: BenchServer
  readonly load: LoadClient
  readonly runs: PhaseResult[]
  /** Of the server, in all runs together. */
  processorSeconds: number
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick, say } = options
  const measureMs = (options.seconds ?? (quick ? 0.3 : 10)) * 1_000
  const rounds = options.rounds ?? (quick ? 1 : 6)
  const phase = { pattern: OrderPattern.Marketable, inFlight: IN_FLIGHT, warmUpMs: quick ? 100 : 1_000, measureMs }
  const contenders: Contender[] = []
  try {
    for (const hasAdminPort of [false, true]) {
      const server = await BenchServer.start({ hasAdminPort, copiesToStore: false, desks: CONNECTIONS, quick })
      const name = hasAdminPort ? 'watched' : 'unwatched'
      contenders.push({ name, server, load: await server.load(), runs: [], processorSeconds: 0 })
    }
    const [alone, watched] = contenders as [Contender, Contender]
    for (const { load } of contenders) await wakeUp(load, quick)
    for (const { server } of contenders) await server.rested()
    let scrapes = 0
    for (let round = 1; round <= rounds; round++) {
      // First by turns, so that neither always follows the other.
      for (const contender of round % 2 === 1 ? [alone, watched] : [watched, alone]) {
        const secondsBefore = contender.server.processSeconds()
        const watching = contender === watched ? watch(watched.server.adminPort) : undefined
        const result = await contender.load.run(phase)
        scrapes += (await watching?.stop()) ?? 0
        contender.runs.push(result)
        contender.processorSeconds += contender.server.processSeconds() - secondsBefore
        say(`round ${round}: ${contender.name} ${figure(result.ordersPerSecond)} orders/s, p99 ${result.done.p99} µs`)
        await contender.server.rested()
      }
    }
    for (const { load } of contenders) await load.check()
    if (scrapes === 0) throw new Error('nobody was asked for metrics')
    return resultOf(alone, watched, scrapes, countingNs(quick))
  } finally {
    for (const { load, server } of contenders) {
      await load.close()
      await server.remove()
    }
  }
}

/** Asks every second, as a monitoring system and a screen would; `stop` tells how often. */
function watch(port: number): { stop(): Promise<number> } {
  const ended = new AbortController()
  let count = 0
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`)
    const text = await answer.text()
    if (answer.status !== 200 || !text.includes('oes_orders_accepted_total')) {
      throw new Error(`${path} was answered with ${answer.status}: ${text.slice(0, 200)}`)
    }
    count += 1
  }
  const watching = (async () => {
    while (!ended.signal.aborted) {
      await ask('/metrics')
      await ask('/status')
      // An abort is the end of the rest, and no failure.
      await pause(SCRAPE_MS, undefined, { signal: ended.signal }).catch(() => undefined)
    }
  })()
  return {
    async stop() {
      ended.abort()
      await watching
      return count
    },
  }
}

/** Processor time, in ns, that counting takes for one order with three reports, all threads together. */
function countingNs(quick: boolean): number {
  const orders = quick ? 10_000 : 2_000_000
  const block = 64
  const main = new Lane(new SharedArrayBuffer(LANE_BYTES), 0, LANE_BYTES)
  const shard = new Lane(new SharedArrayBuffer(LANE_BYTES), 0, LANE_BYTES)
  const meter = new ShardMeter(shard, block, () => 1000 * performance.now())
  const count = () => {
    for (let done = 0; done < orders; done += block) {
      const timeUs = 1000 * performance.now()
      meter.beginTaking()
      for (let i = 0; i < block; i++) {
        // What a client has in flight is received at once.
        if (i % IN_FLIGHT === 0) {
          main.add(Metric.BytesReceived, 100 * IN_FLIGHT)
          main.add(Metric.RequestsReceived, IN_FLIGHT)
        }
        if (i % 16 === 0) meter.look()
        meter.request(timeUs)
        shard.add(Metric.OrdersAccepted)
        shard.add(Metric.Executions)
        main.record(Metric.AnswerLatency, i)
        main.add(Metric.BytesSent, 400)
      }
      meter.endTaking()
      meter.close()
      meter.durable()
      meter.published()
    }
  }
  count() // compiled by now
  const began = process.threadCpuUsage()
  count()
  const { user, system } = process.threadCpuUsage(began)
  const ns = (1e3 * (user + system)) / orders
  if (shard.value(Metric.OrdersAccepted) < 2 * orders) throw new Error('not every order was counted')
  return ns
}

function resultOf(alone: Contender, watched: Contender, scrapes: number, nsPerOrder: number): ScenarioResult {
  const rate = ({ runs }: Contender) => median(runs.map(({ ordersPerSecond }) => ordersPerSecond))
  const ratios = watched.runs.map((each, round) => each.ordersPerSecond / alone.runs[round]!.ordersPerSecond)
  const kept = median(ratios)
  const processorNs = ({ runs, processorSeconds }: Contender) =>
    (1e9 * processorSeconds) / runs.reduce((sum, { ordersTotal }) => sum + ordersTotal, 0)
  const share = nsPerOrder / processorNs(alone)
  const row = (contender: Contender) => [
    contender.name,
    figure(rate(contender)),
    figure(processorNs(contender)),
    milliseconds(median(contender.runs.map(({ done }) => done.p50))),
    milliseconds(median(contender.runs.map(({ done }) => done.p99))),
  ]
  return {
    tables: [
      {
        title: `${CONNECTIONS} connections × ${IN_FLIGHT} in flight; medians of ${ratios.length} rounds`,
        columns: ['', 'orders/s', 'ns of processor each', 'p50 ms', 'p99 ms'],
        rows: [row(alone), row(watched)],
      },
    ],
    notes: [
      `${scrapes} answers of /metrics and /status were read meanwhile; who asks shares the cores as well`,
      `watched ÷ unwatched, round by round: ${ratios.map(ratio => ratio.toFixed(3)).join(', ')}`,
      `counting takes ${figure(nsPerOrder)} ns of the ${figure(processorNs(alone))} ns of processor time that an order takes`,
    ],
    figures: { unwatched: rate(alone), watched: rate(watched), ratios, scrapes, nsPerOrder, share },
    targets: [
      atLeast('throughput, watched', kept, '× unwatched', SHARE_KEPT),
      atMost('counting', share, 'of the processor time of an order', COUNTING_SHARE_MAX),
    ],
  }
}
