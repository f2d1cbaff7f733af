// The same load for different numbers of shards, by turns: a table, a plot, and which number suits this machine.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { LoadClient } from '../load/load-client.ts'
import { OrderPattern, type PhaseResult } from '../load/load-plan.ts'
import { linePlot } from '../plot/line-plot.ts'
import { figure, median, milliseconds, type Scenario, type ScenarioOptions, type ScenarioResult } from '../scenario.ts'
import { BenchServer } from '../server/server-process.ts'
import { StoreWatch } from '../server/store-watch.ts'
import { wakeUp } from './wake-up.ts'

const CONNECTIONS = 4
const IN_FLIGHT = 64
/** Enough for the accounts to spread over the shards about evenly. */
const TRADERS_PER_DESK = 16
/** A further shard has to bring more than this. */
const WORTH_WHILE = 1.03

export const shards: Scenario = {
  name: 'shards',
  about: 'the load of throughput for 1, 2, … shards, and the number that suits this machine',
  threads: () => os.availableParallelism() + 4,
  run,
}

interface Contender {
  readonly count: number
  readonly copiesToStore: boolean
  readonly server: BenchServer
  readonly load: LoadClient
  readonly runs: PhaseResult[]
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick, say } = options
  const measureMs = (options.seconds ?? (quick ? 0.2 : 5)) * 1_000
  const rounds = options.rounds ?? (quick ? 1 : 3)
  const phase = { pattern: OrderPattern.Marketable, inFlight: IN_FLIGHT, warmUpMs: quick ? 50 : 1_000, measureMs }
  const contenders: Contender[] = []
  try {
    for (const count of shardCounts(quick)) {
      for (const copiesToStore of [false, true]) {
        const server = await BenchServer.start({
          shards: count,
          copiesToStore,
          desks: CONNECTIONS,
          tradersPerDesk: TRADERS_PER_DESK,
          quick,
        })
        const load = await server.load()
        contenders.push({ count, copiesToStore, server, load, runs: [] })
        await wakeUp(load, quick)
      }
    }
    for (let round = 1; round <= rounds; round++) {
      for (const { count, copiesToStore, server, load, runs } of contenders) {
        await server.rested()
        const result = await load.run(phase)
        runs.push(result)
        const kind = copiesToStore ? 'with the store' : 'journal alone'
        say(`round ${round}: ${count} shards, ${kind}: ${figure(result.ordersPerSecond)} orders/s`)
        const { reports } = await load.check()
        if (copiesToStore) await settle(server, reports)
        await server.rested()
      }
    }
    return resultOf(contenders, options)
  } finally {
    for (const { load, server } of contenders) {
      await load.close()
      await server.remove()
    }
  }
}

/** 1, 2, … one more than there are cores; on big machines not every number. */
function shardCounts(quick: boolean): number[] {
  if (quick) return [1, 2]
  const most = os.availableParallelism() + 1
  return [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64].filter(count => count <= most)
}

/** Waits until the store has everything, so that its work is not in the next one's figures. */
async function settle(server: BenchServer, reports: number): Promise<void> {
  const store = new StoreWatch(server.storeFile)
  try {
    await store.caughtUp(reports)
  } finally {
    store.close()
  }
}

function resultOf(contenders: readonly Contender[], options: ScenarioOptions): ScenarioResult {
  const counts = [...new Set(contenders.map(({ count }) => count))]
  const of = (count: number, copiesToStore: boolean) =>
    contenders.find(contender => contender.count === count && contender.copiesToStore === copiesToStore)!.runs
  const rate = (runs: readonly PhaseResult[]) => median(runs.map(({ ordersPerSecond }) => ordersPerSecond))
  const p50 = (runs: readonly PhaseResult[]) => median(runs.map(({ done }) => done.p50))
  const p99 = (runs: readonly PhaseResult[]) => median(runs.map(({ done }) => done.p99))

  let recommended = counts[0]!
  for (const count of counts) {
    if (rate(of(count, true)) > WORTH_WHILE * rate(of(recommended, true))) recommended = count
  }
  const points = (copiesToStore: boolean) => counts.map(count => [count, rate(of(count, copiesToStore))] as const)
  fs.mkdirSync(options.outputDirectory, { recursive: true })
  const plot = path.join(options.outputDirectory, 'shards.svg')
  fs.writeFileSync(
    plot,
    linePlot({
      title: 'Orders per second by number of shards',
      xLabel: `shards (${os.availableParallelism()} cores)`,
      yLabel: 'orders/s',
      lines: [
        { name: 'journal alone', points: points(false) },
        { name: 'with the store', points: points(true) },
      ],
    }),
  )
  return {
    tables: [
      {
        title: `${CONNECTIONS} connections × ${IN_FLIGHT} in flight; medians of ${of(counts[0]!, true).length} rounds`,
        columns: ['shards', 'journal alone/s', 'p50 ms', 'p99 ms', 'with the store/s', 'p50 ms', 'p99 ms'],
        rows: counts.map(count => [
          String(count),
          ...[false, true].flatMap(copiesToStore => {
            const runs = of(count, copiesToStore)
            return [figure(rate(runs)), milliseconds(p50(runs)), milliseconds(p99(runs))]
          }),
        ]),
      },
    ],
    notes: [
      `recommended for this machine: engine.shards ${recommended} (a further shard has to bring 3 % in the default configuration)`,
      `plot: ${plot}`,
      "sequences without gap or repetition; positions of all accounts as the load's own books",
    ],
    figures: {
      recommended,
      plot,
      byCount: counts.map(count => ({
        shards: count,
        alone: rate(of(count, false)),
        stored: rate(of(count, true)),
      })),
    },
    targets: [],
  }
}
