// What traders notice of stores that were away: the latency of orders while no store answers, and while those that came
// back catch up. Open loop, measured from the time each order was due; both figures of a round at the same rate, over the
// same connections, right after each other.

import { type MariaDb, newSchema, startMariaDb } from '../../test/stores/mysql/mariadb-server.ts'
import type { LoadClient } from '../load/load-client.ts'
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
import { MysqlStoreWatch } from '../server/mysql-store-watch.ts'
import { BenchServer } from '../server/server-process.ts'
import { LATENCY_COLUMNS, latencyCells } from './latency-columns.ts'
import { wakeUp } from './wake-up.ts'

const CONNECTIONS = 4
const IN_FLIGHT = 64
/**
 * The p99 of a span depends on how many stalls of the machine and of its disk fall into it, some each second: short spans
 * differ by a factor of three.
 */
const MEASURE_SECONDS = 10
const ROUNDS = 5
/** Orders that the stores lack when they come back, so that they are busy for longer than is measured. */
const BACKLOG_ORDERS = 200_000
/** Part of the maximum rate: at much more no store of the same machine would ever catch up. */
const RATE_PART = 0.1
/** The p99 while stores catch up, by that without them. */
const P99_BOUND = 1.5
const DATABASE_ARGS = ['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=512M']

export const outage: Scenario = {
  name: 'outage',
  about: 'latency of orders while two MySQL stores are away, and while they catch up',
  threads: shards => shards + 7,
  run,
}

interface Round {
  readonly away: PhaseResult
  readonly catchingUp: PhaseResult
  /** Reports that the stores still lacked at the end of the measurement. */
  readonly lacking: number
  /** Reports that came into each store per second meanwhile. */
  readonly copiedPerSecond: number
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick, say } = options
  const measureMs = (options.seconds ?? (quick ? 0.3 : MEASURE_SECONDS)) * 1_000
  const warmUpMs = quick ? 50 : 1_000
  const roundCount = options.rounds ?? (quick ? 1 : ROUNDS)
  const databases: MariaDb[] = []
  let server: BenchServer | undefined
  let load: LoadClient | undefined
  try {
    const args = quick ? [] : DATABASE_ARGS
    databases.push(await startMariaDb({ args }), await startMariaDb({ args }))
    const schema = newSchema()
    const stores = databases.map(database => database.endpoint(schema))
    server = await BenchServer.start({ desks: CONNECTIONS, stores, quick })
    load = await server.load()
    await wakeUp(load, quick)
    await level(databases, schema, (await load.check()).reports)
    await server.rested()
    const closed = { pattern: OrderPattern.Marketable, inFlight: IN_FLIGHT, warmUpMs: 0, measureMs: 0 }
    const most = await load.run({ ...closed, warmUpMs, measureMs })
    const rate = Math.max(100, most.ordersPerSecond * RATE_PART)
    say(`maximum ${figure(most.ordersPerSecond)} orders/s; measured at ${figure(rate)}`)
    const open = { pattern: OrderPattern.Marketable, rate, warmUpMs, measureMs }

    const rounds: Round[] = []
    for (let number = 1; number <= roundCount; number++) {
      await level(databases, schema, (await load.check()).reports)
      await Promise.all(
        databases.map(database => {
          database.kill('SIGKILL')
          return database.ended
        }),
      )
      await load.run({ ...closed, orders: quick ? 500 : BACKLOG_ORDERS })
      await server.rested()
      const away = await load.run(open)
      await Promise.all(databases.map(database => database.start()))
      const before = await progress(databases, schema)
      await moving(databases, schema, before)
      const [beganMs, began] = [performance.now(), await progress(databases, schema)]
      const catchingUp = await load.run(open)
      const ended = await progress(databases, schema)
      const copiedPerSecond = (1_000 * (ended - began)) / (performance.now() - beganMs)
      const { reports } = await load.check()
      const round = { away, catchingUp, lacking: Math.max(0, reports - ended), copiedPerSecond }
      rounds.push(round)
      say(
        `round ${number}: p99 ${away.done.p99} µs while away, ${catchingUp.done.p99} µs while catching up with ` +
          `${figure(copiedPerSecond)} reports/s; ${figure(round.lacking)} still lacking then`,
      )
      const laterMs = await level(databases, schema, reports)
      say(`round ${number}: caught up ${figure(laterMs / 1_000)} s later`)
    }
    return resultOf(rounds, rate)
  } finally {
    await load?.close()
    await server?.remove()
    for (const database of databases) await database.stop()
  }
}

/** Reports that the store with the fewest has. */
async function progress(databases: readonly MariaDb[], schema: string): Promise<number> {
  const sums = await Promise.all(
    databases.map(database => database.value(`SELECT SUM(report_sequence) FROM ${schema}.account_sequences`)),
  )
  return Math.min(...sums.map(Number))
}

/** Waits until every store takes rows again. */
async function moving(databases: readonly MariaDb[], schema: string, before: number): Promise<void> {
  while ((await progress(databases, schema)) <= before) await new Promise(resolve => setTimeout(resolve, 20))
}

/** Waits until every store has so many reports. @returns the milliseconds that took */
async function level(databases: readonly MariaDb[], schema: string, reports: number): Promise<number> {
  const beganMs = performance.now()
  for (const database of databases) {
    const watch = await MysqlStoreWatch.open(database.endpoint(schema))
    await watch.caughtUp(reports).finally(() => watch.close())
  }
  return performance.now() - beganMs
}

function resultOf(rounds: readonly Round[], rate: number): ScenarioResult {
  const ratios = rounds.map(({ away, catchingUp }) => catchingUp.done.p99 / away.done.p99)
  const last = rounds.at(-1)!
  return {
    tables: [
      {
        title: `From due to last report, ${figure(rate)} orders/s in open loop; median of ${rounds.length} rounds: p99 ${milliseconds(
          median(rounds.map(({ away }) => away.done.p99)),
        )} ms while the stores are away, ${milliseconds(median(rounds.map(({ catchingUp }) => catchingUp.done.p99)))} ms while they catch up`,
        columns: ['', 'per second', ...LATENCY_COLUMNS],
        rows: [
          ['both stores away', figure(last.away.ordersPerSecond), ...latencyCells(last.away.done)],
          ['both stores catching up', figure(last.catchingUp.ordersPerSecond), ...latencyCells(last.catchingUp.done)],
          ['… of it, the load itself was late', '', ...latencyCells(last.catchingUp.lateness)],
        ],
      },
    ],
    notes: [
      `the stores took ${figure(median(rounds.map(({ copiedPerSecond }) => copiedPerSecond)))} reports/s each meanwhile`,
      rounds.every(({ lacking }) => lacking > 0)
        ? 'they were behind during the whole of the measurement'
        : 'they had caught up before the end of the measurement',
      'both databases, the server and the load share the machine',
    ],
    figures: { rounds, rate },
    targets: [atMost('outage p99, catching up', median(ratios), '× away', P99_BOUND)],
  }
}
