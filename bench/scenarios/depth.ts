// What an order costs when many others are open: on the same ticker of the same account, and over many accounts. The
// cost is told twice: as time per order with the server busy, and as processor time of the server per order.

import type { LoadClient } from '../load/load-client.ts'
import { OrderPattern } from '../load/load-plan.ts'
import { atMost, figure, median, type Scenario, type ScenarioOptions, type ScenarioResult } from '../scenario.ts'
import { BenchServer } from '../server/server-process.ts'
import { wakeUp } from './wake-up.ts'

const IN_FLIGHT = 256
const BOUND = 1.5

export const depth: Scenario = {
  name: 'depth',
  about: 'cost per order by open orders on one ticker of one account, and by accounts; journal alone',
  threads: shards => shards + 2,
  run,
}

interface Contender {
  readonly openOrders: number
  readonly accounts: number
  readonly server: BenchServer
  readonly load: LoadClient
  readonly timeUs: number[]
  readonly processorUs: number[]
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick, say } = options
  const measureMs = (options.seconds ?? (quick ? 0.2 : 4)) * 1_000
  const rounds = options.rounds ?? (quick ? 1 : 5)
  const byDepth: Contender[] = []
  const byAccounts: Contender[] = []
  try {
    for (const openOrders of quick ? [10, 1_000] : [10, 1_000, 100_000]) {
      byDepth.push(await contender(openOrders, 1, quick))
      say(`${figure(openOrders)} orders are open on one ticker of one account`)
    }
    for (const accounts of quick ? [10, 1_000] : [10, 100_000]) {
      byAccounts.push(await contender(0, accounts, quick))
      say(`${figure(accounts)} accounts have traded`)
    }
    for (let round = 0; round < rounds; round++) {
      for (const contender of [...byDepth, ...byAccounts]) await measure(contender, measureMs)
    }
    for (const { load } of [...byDepth, ...byAccounts]) await load.check()
    return resultOf(byDepth, byAccounts, quick)
  } finally {
    for (const { load, server } of [...byDepth, ...byAccounts]) {
      await load.close()
      await server.remove()
    }
  }
}

async function contender(openOrders: number, accounts: number, quick: boolean): Promise<Contender> {
  const server = await BenchServer.start({ copiesToStore: false, desks: 1, tradersPerDesk: accounts, quick })
  const load = await server.load()
  await wakeUp(load, quick)
  const base = { inFlight: IN_FLIGHT, tickers: 1, warmUpMs: 0, measureMs: 0 }
  if (openOrders > 0) await load.run({ ...base, pattern: OrderPattern.Resting, orders: openOrders })
  // Each account buys and sells once, so that none is new any more.
  await load.run({ ...base, pattern: OrderPattern.Marketable, orders: Math.max(2 * accounts, quick ? 1_000 : 200_000) })
  return { openOrders, accounts, server, load, timeUs: [], processorUs: [] }
}

async function measure({ server, load, timeUs, processorUs }: Contender, measureMs: number): Promise<void> {
  await server.rested()
  const before = server.processSeconds()
  const result = await load.run({
    pattern: OrderPattern.Marketable,
    inFlight: IN_FLIGHT,
    tickers: 1,
    warmUpMs: 0,
    measureMs,
  })
  processorUs.push(((server.processSeconds() - before) * 1e6) / result.ordersTotal)
  timeUs.push(1e6 / result.ordersPerSecond)
}

function resultOf(byDepth: readonly Contender[], byAccounts: readonly Contender[], quick: boolean): ScenarioResult {
  const row = (name: string, { timeUs, processorUs }: Contender, first: Contender) => [
    name,
    median(timeUs).toFixed(2),
    (median(timeUs) / median(first.timeUs)).toFixed(2),
    median(processorUs).toFixed(2),
    (median(processorUs) / median(first.processorUs)).toFixed(2),
  ]
  const columns = ['time per order µs', '× first', 'processor per order µs', '× first']
  const ratios = (contenders: readonly Contender[]) => ({
    time: median(contenders.at(-1)!.timeUs) / median(contenders[0]!.timeUs),
    processor: median(contenders.at(-1)!.processorUs) / median(contenders[0]!.processorUs),
  })
  const depths = ratios(byDepth)
  const accounts = ratios(byAccounts)
  return {
    tables: [
      {
        title: `One connection × ${IN_FLIGHT} in flight; medians of ${byDepth[0]!.timeUs.length} rounds`,
        columns: ['open orders', ...columns],
        rows: byDepth.map(each => row(figure(each.openOrders), each, byDepth[0]!)),
      },
      {
        title: 'Orders go round over all accounts',
        columns: ['accounts', ...columns],
        rows: byAccounts.map(each => row(figure(each.accounts), each, byAccounts[0]!)),
      },
    ],
    notes: [
      'open orders lie on 1,000 price levels of the ticker that is traded',
      "sequences without gap or repetition; positions and open orders of all accounts as the load's own books",
    ],
    figures: {
      byDepth: byDepth.map(({ openOrders, timeUs, processorUs }) => ({ openOrders, timeUs, processorUs })),
      byAccounts: byAccounts.map(({ accounts: count, timeUs, processorUs }) => ({ count, timeUs, processorUs })),
    },
    // The smallest sizes say nothing about the growth.
    targets: quick
      ? []
      : [
          atMost('depth, time per order, 100,000 open orders', depths.time, '× that of 10', BOUND),
          atMost('depth, processor time per order, 100,000 open orders', depths.processor, '× that of 10', BOUND),
          atMost('depth, time per order, 100,000 accounts', accounts.time, '× that of 10', BOUND),
          atMost('depth, processor time per order, 100,000 accounts', accounts.processor, '× that of 10', BOUND),
        ],
  }
}
