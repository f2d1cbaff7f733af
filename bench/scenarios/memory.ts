// What a live order takes in memory, and whether the server stays as big as it is under load: resident size, as the
// system tells it, of the whole process.

import { statfsSync } from 'node:fs'
import { OrderPattern } from '../load/load-plan.ts'
import { atMost, figure, median, type Scenario, type ScenarioOptions, type ScenarioResult } from '../scenario.ts'
import { BenchServer } from '../server/server-process.ts'
import { wakeUp } from './wake-up.ts'

const CONNECTIONS = 4
const IN_FLIGHT = 64
const LIVE_ORDERS = 400_000
const BYTES_PER_ORDER_MAX = 600
const MINUTES = 10
/** The last quarter of the watch may be bigger than the second one by this factor. */
const GROWTH_MAX = 1.05
const MIB = 1 << 20
/** The watch ends where the disk has no more room than this. */
const DISK_RESERVE_BYTES = 8_192 * MIB

export const memory: Scenario = {
  name: 'memory',
  about: 'bytes per live order; resident size over ten minutes at half of the maximum rate',
  threads: shards => shards + 3,
  run,
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick } = options
  const live = await bytesPerLiveOrder(quick ? 10_000 : LIVE_ORDERS, options)
  const watch = await residentOverTime(options)
  const quarter = Math.floor(watch.residentBytes.length / 4)
  const early = median(watch.residentBytes.slice(quarter, 2 * quarter))
  const late = median(watch.residentBytes.slice(-quarter))
  return {
    tables: [
      {
        title: 'A live order',
        columns: ['live orders', 'resident MiB before', 'after', 'bytes per order'],
        rows: [
          [
            figure(live.orders),
            figure(live.beforeBytes / MIB),
            figure(live.afterBytes / MIB),
            figure(live.bytesPerOrder),
          ],
        ],
      },
      {
        title: `Resident MiB over ${figure(watch.minutes)} minutes at ${figure(watch.rate)} orders/s, default configuration`,
        columns: ['at the start', 'second quarter', 'last quarter', 'most'],
        rows: [
          [watch.residentBytes[0]!, early, late, Math.max(...watch.residentBytes)].map(bytes => figure(bytes / MIB)),
        ],
      },
    ],
    notes: [
      'bytes per live order count all that grows with it: tables, price levels, client order ids, indexes',
      `${figure(watch.orders)} orders in the watch; sequences without gap or repetition; positions as the load's own books`,
      ...watch.notes,
    ],
    figures: { live, watch, early, late },
    targets: quick
      ? []
      : [
          atMost('memory, bytes per live order', live.bytesPerOrder, 'bytes', BYTES_PER_ORDER_MAX),
          atMost('memory, resident size at half load, last quarter', late / early, '× second quarter', GROWTH_MAX),
        ],
  }
}

async function bytesPerLiveOrder(orders: number, { quick, say }: ScenarioOptions) {
  const server = await BenchServer.start({ copiesToStore: false, desks: CONNECTIONS, quick })
  const load = await server.load()
  try {
    await wakeUp(load, quick)
    const phase = { inFlight: IN_FLIGHT, warmUpMs: 0, measureMs: 0 }
    // What the rings and the journal's buffers touch, and the compiled code, are there before the count begins.
    await load.run({ ...phase, pattern: OrderPattern.Marketable, orders: quick ? 2_000 : 60_000 })
    await load.run({ ...phase, pattern: OrderPattern.Resting, orders: Math.ceil(orders / 20) })
    const beforeBytes = await settledBytes(server)
    await load.run({ ...phase, pattern: OrderPattern.Resting, orders })
    const afterBytes = await settledBytes(server)
    await load.check()
    const bytesPerOrder = (afterBytes - beforeBytes) / orders
    say(`${figure(orders)} further live orders: ${figure(bytesPerOrder)} bytes each`)
    return { orders, beforeBytes, afterBytes, bytesPerOrder }
  } finally {
    await load.close()
    await server.remove()
  }
}

/** The smallest of some looks: garbage that is collected in between is not the orders'. */
async function settledBytes(server: BenchServer): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let look = 0; look < 5; look++) {
    await new Promise(resolve => setTimeout(resolve, 200))
    least = Math.min(least, server.residentBytes())
  }
  return least
}

function hasRoom(directory: string): boolean {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize > DISK_RESERVE_BYTES
}

async function residentOverTime({ quick, minutes = quick ? 0.02 : MINUTES, say }: ScenarioOptions) {
  const server = await BenchServer.start({ desks: CONNECTIONS, quick })
  const load = await server.load()
  try {
    await wakeUp(load, quick)
    const pattern = OrderPattern.Marketable
    const most = await load.run({
      pattern,
      inFlight: IN_FLIGHT,
      warmUpMs: quick ? 50 : 1_000,
      measureMs: quick ? 200 : 5_000,
    })
    const rate = most.ordersPerSecond / 2
    const notes: string[] = []
    const residentBytes: number[] = []
    let orders = 0
    const stepMs = Math.max(200, Math.min(10_000, (minutes * 60_000) / 12))
    const beganMs = performance.now()
    let watchedMs = 0
    do {
      const result = await load.run({ pattern, rate, warmUpMs: 0, measureMs: stepMs })
      orders += result.ordersTotal
      residentBytes.push(server.residentBytes())
      if (residentBytes.length % 6 === 0) say(`${figure(orders)} orders, ${figure(residentBytes.at(-1)! / MIB)} MiB`)
      watchedMs = performance.now() - beganMs
    } while ((watchedMs < minutes * 60_000 && hasRoom(server.directory)) || residentBytes.length < 4)
    const watched = watchedMs / 60_000
    if (watched < minutes) notes.push(`the disk had room for ${figure(watched)} minutes only`)
    await load.check()
    return { minutes: watched, rate, orders, residentBytes, notes }
  } finally {
    await load.close()
    await server.remove()
  }
}
