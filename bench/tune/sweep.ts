// Measures one setting after the other, each with a server of its own that is removed again: first the numbers of shards,
// then, for the number that suits, how long a shard looks for work before it sleeps. No measurement begins after the
// time that the whole may take is over.

import { OrderPattern } from '../load/load-plan.ts'
import { median } from '../scenario.ts'
import { wakeUp } from '../scenarios/wake-up.ts'
import { BenchServer } from '../server/server-process.ts'
import { type Measured, recommend } from './recommendation.ts'

export interface SweepOptions {
  readonly shardCounts: readonly number[]
  /** Beside 0. */
  readonly spins: readonly number[]
  readonly measureMs: number
  readonly rounds: number
  /** The smallest size: shows that it works, its figures mean nothing. */
  readonly quick: boolean
  /** By `performance.now()`. */
  readonly endMs: number
  readonly say: (line: string) => void
}

const CONNECTIONS = 4
const IN_FLIGHT = 64
/** Enough for the accounts to spread over the shards about evenly. */
const TRADERS_PER_DESK = 16

type Setting = Pick<Measured, 'shards' | 'spinUs'>

export interface Sweep {
  readonly measured: readonly Measured[]
  /** The time was over before everything was measured. */
  readonly isCut: boolean
}

export async function sweep(options: SweepOptions): Promise<Sweep> {
  const counts = await passes(
    options.shardCounts.map(shards => ({ shards, spinUs: 0 })),
    options,
  )
  const { shards } = recommend(counts.measured)
  const spins = await passes(
    options.spins.map(spinUs => ({ shards, spinUs })),
    options,
  )
  return { measured: [...counts.measured, ...spins.measured], isCut: counts.isCut || spins.isCut }
}

/** All settings by turns, as often as there are rounds; the first of all is measured however short the time. */
async function passes(settings: readonly Setting[], options: SweepOptions): Promise<Sweep> {
  const runs = settings.map(setting => ({ setting, results: [] as Measured[] }))
  let isCut = false
  for (let round = 1; round <= options.rounds; round++) {
    for (const { setting, results } of runs) {
      const isFirst = setting.spinUs === 0 && runs.every(run => run.results.length === 0)
      if (performance.now() >= options.endMs && !isFirst) {
        isCut = true
        continue
      }
      results.push(await measure(setting, options))
    }
  }
  const measured = runs.filter(({ results }) => results.length > 0)
  return {
    measured: measured.map(({ setting, results }) => ({
      ...setting,
      ordersPerSecond: median(results.map(each => each.ordersPerSecond)),
      p99Us: median(results.map(each => each.p99Us)),
      singleP50Us: median(results.map(each => each.singleP50Us)),
      singleP99Us: median(results.map(each => each.singleP99Us)),
    })),
    isCut,
  }
}

async function measure(setting: Setting, { measureMs, quick, say }: SweepOptions): Promise<Measured> {
  const server = await BenchServer.start({ ...setting, desks: CONNECTIONS, tradersPerDesk: TRADERS_PER_DESK, quick })
  try {
    const load = await server.load()
    try {
      await wakeUp(load, quick)
      await server.rested()
      const phase = { pattern: OrderPattern.Marketable, warmUpMs: quick ? 50 : 1_000, measureMs }
      const many = await load.run({ ...phase, inFlight: IN_FLIGHT })
      await server.rested()
      const single = await load.run({ ...phase, connections: 1, inFlight: 1 })
      // A wrong answer is the end of it: a setting that loses orders is not a fast one.
      await load.check()
      const measured = {
        ...setting,
        ordersPerSecond: many.ordersPerSecond,
        p99Us: many.done.p99,
        singleP50Us: single.done.p50,
        singleP99Us: single.done.p99,
      }
      say(
        `shards ${setting.shards}, spin_us ${setting.spinUs}: ${Math.round(many.ordersPerSecond)} orders/s, ` +
          `one in flight p50 ${single.done.p50} µs`,
      )
      return measured
    } finally {
      await load.close()
    }
  } finally {
    await server.remove()
  }
}
