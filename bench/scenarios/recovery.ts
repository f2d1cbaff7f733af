// How long a server needs to be ready again: with a million stored orders of which a hundred thousand are live, after
// an orderly stop and after it was killed, from the embedded store and from MySQL; and how fast a journal is replayed that
// no store has seen.

import fs from 'node:fs'
import path from 'node:path'
import { JournalReader } from '../../src/journal/journal-reader.ts'
import { decodeOrderEvent } from '../../src/protocol/order-events.ts'
import { type MariaDb, newSchema, startMariaDb } from '../../test/stores/mysql/mariadb-server.ts'
import type { LoadClient } from '../load/load-client.ts'
import { OrderPattern } from '../load/load-plan.ts'
import { atMost, figure, median, type Scenario, type ScenarioOptions, type ScenarioResult } from '../scenario.ts'
import { MysqlStoreWatch } from '../server/mysql-store-watch.ts'
import { BenchServer } from '../server/server-process.ts'
import { StoreWatch } from '../server/store-watch.ts'
import { wakeUp } from './wake-up.ts'

const ORDERS = 1_000_000
const LIVE_ORDERS = 100_000
const REPLAYED_ORDERS = 500_000
const QUICK_PART = 500
const CONNECTIONS = 4
const TRADERS_PER_DESK = 250
const READY_SECONDS = 10
const READY_FROM_MYSQL_SECONDS = 20
/** Everything else as by default. The rows do not fit into the memory it takes by default, and do into this. */
const DATABASE_ARGS = ['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=512M', '--max-allowed-packet=64M']

export const recovery: Scenario = {
  name: 'recovery',
  about: 'restart with 1,000,000 stored orders of which 100,000 are live, from each store; journal replay per second',
  threads: shards => shards + 3,
  run,
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick } = options
  const part = quick ? QUICK_PART : 1
  const rounds = options.rounds ?? (quick ? 1 : 3)
  const size = { orders: Math.ceil(ORDERS / part), live: Math.ceil(LIVE_ORDERS / part), rounds }
  const stored = await storedRestarts(size, undefined, options)
  const database = await startMariaDb({ args: quick ? [] : DATABASE_ARGS })
  let fromMysql: StoredRestarts
  try {
    fromMysql = await storedRestarts(size, database, options)
  } finally {
    await database.stop()
  }
  const replay = await replayed(Math.ceil(REPLAYED_ORDERS / part), options)
  const seconds = (ms: readonly number[]) => median(ms) / 1_000
  const rowsOf = (store: string, { orders, live, emptyMs, killedMs, stoppedMs }: StoredRestarts) => [
    [`${store}: an empty server`, (emptyMs / 1_000).toFixed(2)],
    [`${store}: ${figure(orders)} orders, ${figure(live)} live, killed`, seconds(killedMs).toFixed(2)],
    [`${store}: the same, stopped in order`, seconds(stoppedMs).toFixed(2)],
  ]
  return {
    tables: [
      {
        title: `From the start of the process until clients are welcome; medians of ${rounds} restarts`,
        columns: ['', 'seconds'],
        rows: [...rowsOf('embedded', stored), ...rowsOf('MySQL', fromMysql)],
      },
      {
        title: `A journal of ${figure(replay.entries)} entries that no store has seen`,
        columns: ['', 'entries/s'],
        rows: [
          ['read, checksums proved, decoded', figure(replay.readPerSecond)],
          ['replayed into the store at the start, and the server ready', figure(replay.replayedPerSecond)],
        ],
      },
    ],
    notes: [
      `orders of ${figure(CONNECTIONS * TRADERS_PER_DESK)} accounts; the system still has the files in memory`,
      `MySQL is a MariaDB server on the same machine (${DATABASE_ARGS.join(' ')}); it goes on while our server restarts`,
      "after each restart every account goes on with the sequence that is due; positions and open orders as the load's own books",
    ],
    figures: { stored, fromMysql, replay },
    targets: quick
      ? []
      : [
          atMost('recovery, ready after a kill', seconds(stored.killedMs), 's', READY_SECONDS),
          atMost('recovery, ready after an orderly stop', seconds(stored.stoppedMs), 's', READY_SECONDS),
          atMost('recovery from MySQL, ready after a kill', seconds(fromMysql.killedMs), 's', READY_FROM_MYSQL_SECONDS),
          atMost(
            'recovery from MySQL, ready after an orderly stop',
            seconds(fromMysql.stoppedMs),
            's',
            READY_FROM_MYSQL_SECONDS,
          ),
        ],
  }
}

interface Size {
  readonly orders: number
  readonly live: number
  readonly rounds: number
}

/** Times of one store's restarts. */
interface StoredRestarts {
  readonly orders: number
  readonly live: number
  readonly emptyMs: number
  readonly killedMs: readonly number[]
  readonly stoppedMs: readonly number[]
}

/** @param database where the orders are stored; the embedded store without. */
async function storedRestarts(
  { orders, live, rounds }: Size,
  database: MariaDb | undefined,
  { quick, say }: ScenarioOptions,
): Promise<StoredRestarts> {
  const endpoint = database?.endpoint(newSchema())
  const server = await BenchServer.start({
    desks: CONNECTIONS,
    tradersPerDesk: TRADERS_PER_DESK,
    quick,
    ...(endpoint === undefined ? {} : { stores: [endpoint] }),
  })
  const emptyMs = server.startedMs
  const load = await server.load()
  const store = endpoint === undefined ? new StoreWatch(server.storeFile) : await MysqlStoreWatch.open(endpoint)
  try {
    await wakeUp(load, quick)
    await fill(load, orders, live)
    const { reports } = await load.check()
    await store.caughtUp(reports)
    const rows = await store.rows()
    say(`${figure(rows.orders)} orders are stored (${endpoint?.kind ?? 'embedded'}), ${figure(live)} of them live`)
    const killedMs: number[] = []
    const stoppedMs: number[] = []
    for (let round = 1; round <= rounds; round++) {
      await server.kill()
      killedMs.push(await ready(server, load))
      await server.stop()
      stoppedMs.push(await ready(server, load))
      say(
        `round ${round}: ready ${figure(killedMs.at(-1)!)} ms after a kill, ${figure(stoppedMs.at(-1)!)} ms after a stop`,
      )
    }
    // A server that is ready takes orders.
    await load.run({ pattern: OrderPattern.Marketable, inFlight: 1, orders: 100, warmUpMs: 0, measureMs: 0 })
    await load.check()
    return { orders: rows.orders, live, emptyMs, killedMs, stoppedMs }
  } finally {
    await store.close()
    await load.close()
    await server.remove()
  }
}

async function fill(load: LoadClient, orders: number, live: number): Promise<void> {
  const phase = { inFlight: 64, warmUpMs: 0, measureMs: 0 }
  await load.run({ ...phase, pattern: OrderPattern.Resting, orders: live })
  await load.run({ ...phase, pattern: OrderPattern.Marketable, orders: orders - live })
}

/** Restarts, and proves that nothing is missing. @returns the milliseconds until clients were welcome */
async function ready(server: BenchServer, load: LoadClient): Promise<number> {
  await server.restart()
  await load.reconnect(server.port)
  await load.check()
  return server.startedMs
}

async function replayed(orders: number, { quick, say }: ScenarioOptions) {
  const server = await BenchServer.start({
    copiesToStore: false,
    desks: CONNECTIONS,
    tradersPerDesk: TRADERS_PER_DESK,
  })
  const emptyMs = server.startedMs
  const load = await server.load()
  try {
    await wakeUp(load, quick)
    await fill(load, orders, Math.ceil(orders / 10))
    const { reports } = await load.check()
    await server.kill()
    const read = readJournals(server.journalDirectory)
    // Snapshots of inventories are entries too, which clients do not see.
    if (read.entries < reports) throw new Error(`the journals have ${read.entries} entries of ${reports} reports`)
    const replayMs = (await ready(server, load)) - emptyMs
    const replayedPerSecond = (read.entries * 1_000) / Math.max(replayMs, 1)
    say(`${figure(read.entries)} entries: read ${figure(read.perSecond)}/s, replayed ${figure(replayedPerSecond)}/s`)
    return { entries: read.entries, readPerSecond: read.perSecond, replayedPerSecond }
  } finally {
    await load.close()
    await server.remove()
  }
}

function readJournals(directory: string): { entries: number; perSecond: number } {
  const begin = performance.now()
  let entries = 0
  for (const name of fs.readdirSync(directory)) {
    const reader = JournalReader.open(path.join(directory, name), 1)
    entries += reader.read((_sequence, bytes, bodyOffset, bodyLength) => {
      decodeOrderEvent(bytes, bodyOffset, bodyLength)
    })
    reader.close()
  }
  return { entries, perSecond: (entries * 1_000) / (performance.now() - begin) }
}
