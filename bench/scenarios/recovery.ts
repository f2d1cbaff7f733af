// How long a server needs to be ready again: with a million stored orders of which a hundred thousand are live, after
// an orderly stop and after it was killed; and how fast a journal is replayed that no store has seen.

import fs from 'node:fs'
import path from 'node:path'
import { JournalReader } from '../../src/journal/journal-reader.ts'
import { decodeOrderEvent } from '../../src/protocol/order-events.ts'
import type { LoadClient } from '../load/load-client.ts'
import { OrderPattern } from '../load/load-plan.ts'
import { atMost, figure, median, type Scenario, type ScenarioOptions, type ScenarioResult } from '../scenario.ts'
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

export const recovery: Scenario = {
  name: 'recovery',
  about: 'restart with 1,000,000 stored orders of which 100,000 are live; journal replay per second',
  threads: shards => shards + 3,
  run,
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick } = options
  const part = quick ? QUICK_PART : 1
  const rounds = options.rounds ?? (quick ? 1 : 3)
  const stored = await storedRestarts(Math.ceil(ORDERS / part), Math.ceil(LIVE_ORDERS / part), rounds, options)
  const replay = await replayed(Math.ceil(REPLAYED_ORDERS / part), options)
  const killed = median(stored.killedMs) / 1_000
  const stopped = median(stored.stoppedMs) / 1_000
  return {
    tables: [
      {
        title: `From the start of the process until clients are welcome; medians of ${rounds} restarts`,
        columns: ['', 'seconds'],
        rows: [
          ['an empty server', (stored.emptyMs / 1_000).toFixed(2)],
          [`${figure(stored.orders)} orders, ${figure(stored.live)} live, killed`, killed.toFixed(2)],
          ['the same, stopped in order', stopped.toFixed(2)],
        ],
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
      "after each restart every account goes on with the sequence that is due; positions and open orders as the load's own books",
    ],
    figures: { stored, replay },
    targets: quick
      ? []
      : [
          atMost('recovery, ready after a kill', killed, 's', READY_SECONDS),
          atMost('recovery, ready after an orderly stop', stopped, 's', READY_SECONDS),
        ],
  }
}

async function storedRestarts(orders: number, live: number, rounds: number, { quick, say }: ScenarioOptions) {
  const server = await BenchServer.start({ desks: CONNECTIONS, tradersPerDesk: TRADERS_PER_DESK })
  const emptyMs = server.startedMs
  const load = await server.load()
  const store = new StoreWatch(server.storeFile)
  try {
    await wakeUp(load, quick)
    await fill(load, orders, live)
    const { reports } = await load.check()
    await store.caughtUp(reports)
    const rows = store.rows()
    say(`${figure(rows.orders)} orders are stored, ${figure(live)} of them live`)
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
    store.close()
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
