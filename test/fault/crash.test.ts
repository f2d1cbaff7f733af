// The server is killed without warning, again and again and at moments nobody chose, while clients trade through it. The
// clients keep books of their own; what they resend and what they ask afterwards has to agree with them to the last
// report. `OES_CRASHES=300` kills so often; `OES_CRASH_SEED` repeats a run.

import { deepEqual, ok, strictEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Desk } from './desk.ts'
import { Random, seedOf } from './random.ts'
import { merged, ServerProcess, type Settings, temporaryFolder, testSettings } from './server-process.ts'

const crashes = Number(process.env.OES_CRASHES ?? 12)
/** Kills on the same data; then another world begins. */
const CRASHES_PER_WORLD = 12
const ORDERS_PER_CRASH_MAX = 1_200
/** A start takes about so long; kills fall anywhere in it, and behind it. */
const START_MS = 900

interface Campaign {
  kills: number
  killsBeforeReady: number
  orders: number
  reports: number
  acknowledged: number
  replaced: number
}

/** Another configuration for each start: all of them have to leave the same state. */
function varied(folder: string, random: Random): Settings {
  return merged(testSettings(folder), {
    durability: random.pick(['fsync', 'fsync', 'os']),
    engine: {
      shards: random.pick([1, 2, 2, 3]),
      snapshot_reports: random.pick([100, 1_000, 10_000]),
      batch_commands_max: random.pick([1, 16, 512]),
    },
    writer: { copy: random.pick(['always', 'always', 'at_start']), batch_rows_max: random.pick([1, 100, 5_000]) },
    platform: { market_data: { rate: random.pick([0, 100, 400]) } },
  })
}

async function world(seed: number, kills: number, campaign: Campaign): Promise<void> {
  const random = new Random(seed)
  const folder = temporaryFolder()
  const desk = new Desk(random)
  let killed = 0
  let running: ServerProcess | undefined
  const start = async () => {
    running = await ServerProcess.start(folder.path, varied(folder.path, random))
    await desk.connect(running.port)
    return running
  }
  const live = async () => {
    while (killed < kills) {
      while (killed < kills && random.chance(0.3)) {
        const server = ServerProcess.spawn(folder.path, varied(folder.path, random))
        const stopwatch = setTimeout(() => server.signal('SIGKILL'), random.whole(0, START_MS))
        const { signal } = await server.end()
        clearTimeout(stopwatch)
        strictEqual(signal, 'SIGKILL', `the server ended by itself:\n${server.log}`)
        killed += 1
        campaign.killsBeforeReady += 1
      }
      const server = await start()
      await desk.resend()
      await desk.verify()
      await desk.trade(random.whole(1, ORDERS_PER_CRASH_MAX))
      if (random.chance(0.5)) await pause(random.whole(0, 20))
      await server.kill()
      killed += 1
      await desk.lost()
    }
    let server = await start()
    await desk.resend()
    const before = await desk.verify()
    ok(before.live > 0, 'nothing was left to be canceled')
    for (const trader of desk.followers) trader.cancelAll()
    await desk.idle()
    const { orders, reports, live } = await desk.verify()
    deepEqual({ orders, live }, { orders: before.orders, live: 0 })
    await desk.disconnect()
    deepEqual(await server.stop(), { status: 0, signal: null })

    server = await start()
    deepEqual(await desk.verify(), { orders, reports, live })
    await desk.disconnect()
    deepEqual(await server.stop(), { status: 0, signal: null })

    campaign.kills += killed
    campaign.orders += orders
    campaign.reports += reports
    campaign.acknowledged += desk.books.reduce((sum, books) => sum + books.acknowledged.length, 0)
    campaign.replaced += desk.books.reduce((sum, books) => sum + books.replaced.length, 0)
    await folder.remove()
  }
  try {
    await Promise.race([live(), desk.failed])
  } catch (error) {
    running?.signal('SIGKILL')
    for (const trader of desk.traders) trader.client.socket.destroy()
    const text = `seed ${seed}, after ${killed} kills, data in ${folder.path}: ${(error as Error).message}`
    throw new Error(text, { cause: error })
  }
}

test(`${crashes} kills under load lose no acknowledged order, repeat none and leave every account as it was`, async t => {
  const seed = seedOf('OES_CRASH_SEED')
  const campaign: Campaign = { kills: 0, killsBeforeReady: 0, orders: 0, reports: 0, acknowledged: 0, replaced: 0 }
  for (let left = crashes, number = 0; left > 0; left -= CRASHES_PER_WORLD, number++) {
    const worldSeed = (seed + number) >>> 0
    t.diagnostic(`seed ${worldSeed}`)
    await world(worldSeed, Math.min(left, CRASHES_PER_WORLD), campaign)
  }
  t.diagnostic(JSON.stringify(campaign))
  ok(campaign.orders > 0 && campaign.replaced > 0)
  strictEqual(campaign.acknowledged, campaign.orders)
})
