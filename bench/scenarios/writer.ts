// What the writer brings into MySQL. Rows per second into one endpoint, by turns with a plain loop of the same driver that
// writes the same rows in transactions of the same size; rows per second into two endpoints at once; and, end to end, the
// rate of orders that a server sustains while its store keeps up, held for some minutes.
//
// The database is a MariaDB of its own in a temporary folder, as durable as it is by default: every commit is synced.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { defaultConfig } from '../../src/config/config.ts'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { createWriterShared, WriterShared } from '../../src/shared-memory/writer-shared.ts'
import { MysqlStore } from '../../src/stores/mysql/mysql-store.ts'
import type { MysqlEndpoint } from '../../src/stores/store-endpoint.ts'
import { StoreSession } from '../../src/writer/store-session.ts'
import { type MariaDb, newSchema, startMariaDb } from '../../test/stores/mysql/mariadb-server.ts'
import type { LoadClient } from '../load/load-client.ts'
import { OrderPattern } from '../load/load-plan.ts'
import { atLeast, figure, median, type Scenario, type ScenarioOptions, type ScenarioResult } from '../scenario.ts'
import { MysqlStoreWatch } from '../server/mysql-store-watch.ts'
import { processSeconds } from '../server/process-figures.ts'
import { BenchServer } from '../server/server-process.ts'
import { type PlainRows, plainRowsOf, ROWS_PER_ORDER, writeFilledOrders } from '../writer/filled-orders.ts'
import { plainLoops, runPlainLoop } from '../writer/plain-loop.ts'
import { REPORTS_PER_ORDER } from './sustained-rate.ts'
import { wakeUp } from './wake-up.ts'

const ORDERS = 100_000
const QUICK_ORDERS = 400
const MINUTES = 10
const CONNECTIONS = 4
const IN_FLIGHT = 64
/** Of a hold: how often the lag is looked at, and how large it may be. A store that keeps up is a batch or two behind. */
const PIECE_SECONDS = 30
const LAG_SECONDS_MAX = 5
const TRIAL_LAG_SECONDS_MAX = 2
const SEARCH_STEPS = 6
const HOLDS_MAX = 6
/** The rate that is held is a little below the highest found: a search of seconds does not see what ten minutes do. */
const HELD_PART = 0.9
const BATCH_BYTES_MAX = defaultConfig().writer.batchBytesMax
const BATCH_ROWS_MAX = defaultConfig().writer.batchRowsMax

/** Everything else as by default: the server would take more memory on a machine of its own, and less on this. */
const DATABASE_ARGS = ['--innodb-buffer-pool-size=2G', '--innodb-log-file-size=1G', '--max-allowed-packet=64M']
const QUICK_ARGS: readonly string[] = []

/** A piece of copying: row copies per second, and how many cores were busy with it. */
interface Copying {
  readonly rowsPerSecond: number
  readonly cores: number
}

export const writer: Scenario = {
  name: 'writer',
  about:
    'rows per second into MySQL beside a plain loop of its driver, into two at once, and orders per second that last',
  threads: shards => shards + 5,
  run,
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick } = options
  const args = quick ? QUICK_ARGS : DATABASE_ARGS
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-bench-'))
  const databases: MariaDb[] = []
  try {
    databases.push(await startMariaDb({ args }), await startMariaDb({ args }))
    const [database] = databases
    const version = String(await database!.value('SELECT VERSION()'))
    const copied = await measureCopying(databases, folder, options)
    const lasting = await measureLasting(database!, options)
    return resultOf(version, copied, lasting, quick)
  } finally {
    for (const database of databases) await database.stop()
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

async function measureCopying(databases: readonly MariaDb[], folder: string, options: ScenarioOptions) {
  const { quick, say } = options
  const orders = quick ? QUICK_ORDERS : ORDERS
  const rounds = options.rounds ?? (quick ? 1 : 3)
  const directory = path.join(folder, 'shard-0')
  const entries = writeFilledOrders(directory, orders)
  const definitions = definitionsFromData(definitionsData)
  const groups = plainRowsOf(directory, definitions, BATCH_ROWS_MAX)
  const one: Copying[] = []
  const two: Copying[] = []
  const plain = new Map<string, number[]>(plainLoops.map(({ name }) => [name, []]))
  // The files of a new database grow in its first minute; that is nobody's speed.
  if (!quick) await copied(databases, directory, orders)
  for (let round = 1; round <= rounds; round++) {
    one.push(await copied(databases.slice(0, 1), directory, orders))
    for (const loop of plainLoops) plain.get(loop.name)!.push(await plainRate(databases[0]!, loop, groups, orders))
    two.push(await copied(databases, directory, orders))
    const best = Math.max(...[...plain.values()].map(rates => rates.at(-1)!))
    say(
      `round ${round}: one endpoint ${figure(one.at(-1)!.rowsPerSecond)} rows/s, fastest plain loop ${figure(best)}, ` +
        `two endpoints ${figure(two.at(-1)!.rowsPerSecond)} together`,
    )
  }
  return { orders, entries, rounds, one, two, plain: [...plain].map(([name, rates]) => ({ name, rates })) }
}

/** Copies the journal with the writer's own session into a new schema of each database, all at once. */
async function copied(databases: readonly MariaDb[], directory: string, orders: number): Promise<Copying> {
  const definitions = definitionsFromData(definitionsData)
  const journals = [{ name: 'shard-0', directory }]
  const shared = new WriterShared(createWriterShared(1, databases.length))
  const endpoints = databases.map(database => database.endpoint(newSchema()))
  const sessions = await Promise.all(
    endpoints.map(async (endpoint, number) =>
      StoreSession.open({
        store: await MysqlStore.open(endpoint, { definitions }),
        number,
        journals,
        shared,
        batchRowsMax: BATCH_ROWS_MAX,
        batchBytesMax: BATCH_BYTES_MAX,
        log: { info: ignored, warning: ignored, error: message => fail(message) },
      }),
    ),
  )
  const busySeconds = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6 + databases.reduce((sum, { pid }) => sum + processSeconds(pid), 0)
  }
  const busyBefore = busySeconds()
  const beganMs = performance.now()
  await Promise.all(sessions.map(session => session.catchUp()))
  const seconds = (performance.now() - beganMs) / 1_000
  const cores = (busySeconds() - busyBefore) / seconds
  for (const [index, session] of sessions.entries()) {
    session.close()
    await session.store.close()
    await proveRows(endpoints[index]!, orders)
    await databases[index]!.query(`DROP DATABASE ${endpoints[index]!.schema}`)
  }
  return { rowsPerSecond: (databases.length * ROWS_PER_ORDER * orders) / seconds, cores }
}

async function plainRate(
  database: MariaDb,
  loop: (typeof plainLoops)[number],
  groups: readonly (readonly PlainRows[])[],
  orders: number,
): Promise<number> {
  const endpoint = database.endpoint(newSchema())
  const store = await MysqlStore.open(endpoint, { definitions: definitionsFromData(definitionsData) })
  await store.close()
  const ms = await runPlainLoop(loop, endpoint, groups)
  await proveRows(endpoint, orders)
  await database.query(`DROP DATABASE ${endpoint.schema}`)
  return (1_000 * ROWS_PER_ORDER * orders) / ms
}

async function proveRows(endpoint: MysqlEndpoint, orders: number): Promise<void> {
  const watch = await MysqlStoreWatch.open(endpoint)
  const rows = await watch.rows()
  await watch.close()
  if (rows.orders !== orders || rows.reports !== REPORTS_PER_ORDER * orders || rows.live !== 0) {
    throw new Error(`${endpoint.name} has ${JSON.stringify(rows)} of ${orders} orders`)
  }
}

/** The rate at which the store of a whole server keeps up, and what becomes of it in some minutes. */
async function measureLasting(database: MariaDb, options: ScenarioOptions) {
  const { quick, say } = options
  const minutes = options.minutes ?? (quick ? 0.01 : MINUTES)
  const endpoint = database.endpoint(newSchema())
  const server = await BenchServer.start({ desks: CONNECTIONS, lagMsMax: 0, stores: [endpoint], quick })
  const load = await server.load()
  const store = await MysqlStoreWatch.open(endpoint)
  try {
    await wakeUp(load, quick)
    await store.caughtUp((await load.check()).reports)
    const measureMs = (options.seconds ?? (quick ? 0.2 : 5)) * 1_000
    const most = await load.run({ pattern: OrderPattern.Marketable, inFlight: IN_FLIGHT, warmUpMs: 0, measureMs })
    await store.caughtUp((await load.check()).reports)
    const found = await highestRate(load, store, most.ordersPerSecond, options)
    let rate = found === 0 ? most.ordersPerSecond / 10 : HELD_PART * found
    let held = await hold(load, store, rate, minutes)
    for (let attempt = 2; !held.isKept && attempt <= HOLDS_MAX; attempt++) {
      say(
        `at ${figure(rate)} orders/s the store is ${figure(held.lags.at(-1)!)} reports behind after ` +
          `${figure(held.seconds)} s: it takes ${figure(held.storedRate)}`,
      )
      await store.caughtUp((await load.check()).reports)
      // With less to do for everybody else the store takes rather more than it did.
      rate = Math.min(HELD_PART * rate, held.storedRate)
      held = await hold(load, store, rate, minutes)
    }
    say(`at ${figure(rate)} orders/s for ${figure(held.seconds)} s: ${held.lags.map(figure).join(', ')} reports behind`)
    const { reports } = await load.check()
    const catchUpMs = await store.caughtUp(reports)
    const rows = await store.rows()
    if (rows.reports !== reports || REPORTS_PER_ORDER * rows.orders !== reports) {
      throw new Error(`the store has ${rows.orders} orders and ${rows.reports} reports of ${reports}`)
    }
    return {
      most: most.ordersPerSecond,
      found,
      rate,
      held,
      catchUpMs,
      reports,
    }
  } finally {
    await store.close()
    await load.close()
    await server.remove()
  }
}

interface Hold {
  readonly isKept: boolean
  readonly seconds: number
  /** Orders per second that were done, and that were stored. */
  readonly doneRate: number
  readonly storedRate: number
  /** Reports behind after each piece of it. */
  readonly lags: readonly number[]
}

/** The highest rate, by bisection, at which the store does not fall behind in a trial of some seconds. */
async function highestRate(
  load: LoadClient,
  store: MysqlStoreWatch,
  most: number,
  { quick, seconds = 20, say }: ScenarioOptions,
): Promise<number> {
  let low = 0
  let high = most / 2
  for (let step = 0; step < (quick ? 1 : SEARCH_STEPS); step++) {
    const rate = (low + high) / 2
    const trial = await hold(load, store, rate, (quick ? 0.2 : seconds) / 60, TRIAL_LAG_SECONDS_MAX)
    const catchUpMs = await store.caughtUp((await load.check()).reports)
    say(
      `at ${figure(rate)} orders/s: ${figure(trial.storedRate)} stored, ${trial.lags.map(figure).join(', ')} reports ` +
        `behind, caught up after ${figure(catchUpMs)} ms: ${trial.isKept ? 'kept up' : 'fell behind'}`,
    )
    if (trial.isKept) low = rate
    else high = Math.max(rate * 0.5, Math.min(rate, trial.storedRate * 1.2))
    if (high <= low) break
  }
  return low
}

/** Orders fall due at this rate for some minutes, or until the store is too far behind. */
async function hold(
  load: LoadClient,
  store: MysqlStoreWatch,
  rate: number,
  minutes: number,
  lagSecondsMax = LAG_SECONDS_MAX,
): Promise<Hold> {
  const pieces = Math.max(2, Math.ceil((60 * minutes) / PIECE_SECONDS))
  const lags: number[] = []
  let expected = (await load.check()).reports
  const before = await store.reports()
  let done = 0
  let isKept = true
  const beganMs = performance.now()
  for (let piece = 0; piece < pieces && isKept; piece++) {
    const measureMs = (60_000 * minutes) / pieces
    const result = await load.run({ pattern: OrderPattern.Marketable, rate, warmUpMs: 0, measureMs })
    done += result.ordersTotal
    expected += REPORTS_PER_ORDER * result.ordersTotal
    lags.push(expected - (await store.reports()))
    isKept = lags.at(-1)! <= lagSecondsMax * REPORTS_PER_ORDER * rate
  }
  const seconds = (performance.now() - beganMs) / 1_000
  const stored = (await store.reports()) - before
  return { isKept, seconds, doneRate: done / seconds, storedRate: stored / REPORTS_PER_ORDER / seconds, lags }
}

function resultOf(
  version: string,
  copying: Awaited<ReturnType<typeof measureCopying>>,
  lasting: Awaited<ReturnType<typeof measureLasting>>,
  quick: boolean,
): ScenarioResult {
  const medianOf = (runs: readonly Copying[], of: (run: Copying) => number) => median(runs.map(of))
  const { held } = lasting
  const oneRate = medianOf(copying.one, run => run.rowsPerSecond)
  const twoRate = medianOf(copying.two, run => run.rowsPerSecond)
  const plain = copying.plain.map(({ name, rates }) => ({ name, rate: median(rates) }))
  const fastest = plain.reduce((best, each) => (each.rate > best.rate ? each : best))
  const oneCores = medianOf(copying.one, run => run.cores)
  const twoCores = medianOf(copying.two, run => run.cores)
  const perCore = median(
    copying.two.map((two, round) => {
      const one = copying.one[round]!
      return two.rowsPerSecond / two.cores / (one.rowsPerSecond / one.cores)
    }),
  )
  const row = (name: string, rate: number, cores?: number) => [
    name,
    figure(rate),
    (rate / fastest.rate).toFixed(2),
    cores === undefined ? '–' : cores.toFixed(2),
    cores === undefined ? '–' : figure(rate / cores),
  ]
  return {
    tables: [
      {
        title: `${figure(copying.orders)} orders, ${ROWS_PER_ORDER} rows each; medians of ${copying.rounds} rounds`,
        columns: ['', 'rows/s', '× plain', 'cores', 'rows/s per core'],
        rows: [
          row('writer, one endpoint', oneRate, oneCores),
          ...plain.map(({ name, rate }) => row(`plain loop: ${name}`, rate)),
          row('writer, two endpoints, together', twoRate, twoCores),
        ],
      },
      {
        title: 'A whole server, its store keeping up',
        columns: ['', 'orders/s'],
        rows: [
          ['as many as it takes', figure(lasting.most)],
          ['the most at which the store did not fall behind for some seconds', figure(lasting.found)],
          [
            `held for ${(held.seconds / 60).toFixed(1)} minutes${held.isKept ? '' : ', and the store fell behind'}`,
            figure(held.doneRate),
          ],
        ],
      },
    ],
    notes: [
      `${version}, innodb_flush_log_at_trx_commit = 1, no binary log; over loopback, on the same cores`,
      `transactions of ${figure(BATCH_ROWS_MAX)} entries, or ${figure(BATCH_BYTES_MAX)} bytes of them, for the writer; of ` +
        `${figure(BATCH_ROWS_MAX)} entries for the plain loops`,
      'the plain loops have their rows ready and write nothing else; the writer reads and decodes the journal, and keeps ' +
        'positions, live orders and account sequences',
      'cores: processor time of the writer and of all databases by the time it took. Two endpoints by one is (rows per ' +
        'second into both ÷ cores) ÷ (rows per second into one ÷ cores), the median over the rounds',
      `reports behind every ${PIECE_SECONDS} s of the hold: ${held.lags.map(figure).join(', ')}; all stored ` +
        `${figure(lasting.catchUpMs)} ms after the last; ${figure(lasting.reports)} reports, each there once`,
    ],
    figures: { version, copying, lasting, fastest, perCore },
    targets: quick
      ? []
      : [
          atLeast('writer, one endpoint by the fastest plain loop', oneRate / fastest.rate, '×', 0.9),
          atLeast('writer, two endpoints by one, per core in use', perCore, '×', 0.8),
        ],
  }
}

function ignored(): void {}

function fail(message: string): never {
  throw new Error(message)
}
