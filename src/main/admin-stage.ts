// Opens the administrative port before everything else, so that it can be asked how far the start has come, and closes it
// behind everything else. What there is to tell is handed in stage by stage.

import type { Address } from '../config/address.ts'
import type { SharedMemory } from '../shared-memory/memory-map.ts'
import { SharedClock } from '../shared-memory/shared-clock.ts'
import { AdminPort } from './admin-port.ts'
import { adminRoutes } from './admin-routes.ts'
import { Health } from './health.ts'
import { MainMeter } from './main-meter.ts'
import type { StageParts } from './stage.ts'

export interface Watch {
  readonly health: Health
  /** Where the port listens, or will as soon as it can; undefined where it is switched off. */
  readonly address: Address | undefined
  /** Tells those who come here for the console where it is. */
  consoleListens(address: Address): void
  /** Begins to count in `memory`; `storeNames` are those of all stores, in the order of their numbers. */
  meter(memory: SharedMemory, storeNames: readonly string[], nowUs: () => number): MainMeter
}

/** How often shards are told how main's clock goes. */
const CLOCK_MS = 100

export async function openWatch(
  { config, log, onTheWayDown }: Pick<StageParts, 'config' | 'log' | 'onTheWayDown'>,
  dataDirectory: string,
  version: string,
): Promise<Watch> {
  const { admin, writer } = config
  const health = new Health({
    lagMsMax: writer.copy === 'always' ? admin.lagMsMax : Number.POSITIVE_INFINITY,
    diskFreeBytesMin: admin.diskFreeBytesMin,
  })
  let meter: MainMeter | undefined
  let port: AdminPort | undefined
  let console: Address | undefined
  if (admin.http === 'on') {
    port = new AdminPort(
      adminRoutes({
        health,
        meter: () => meter,
        console: () => console,
        isConsoleSecure: config.console.https === 'on',
        version,
      }),
      {
        address: admin.interface,
        isLoopbackOnly: admin.reach === 'loopback',
        connectionsMax: admin.connectionsMax,
        requestMs: admin.requestMs,
        log,
      },
    )
    await port.open()
    onTheWayDown('administrative port', () => port?.close())
  }
  return {
    health,
    address: port === undefined ? undefined : (port.address ?? admin.interface),
    consoleListens(address) {
      console = address
    },
    meter(memory, storeNames, nowUs) {
      const made = new MainMeter(memory, storeNames, health, dataDirectory)
      meter = made
      if (port !== undefined) made.watch({ port })
      health.halts = () => made.haltCounts()
      const clock = new SharedClock(memory.clock)
      const publish = () => clock.publish(nowUs())
      const publishing = setInterval(publish, CLOCK_MS).unref()
      publish()
      onTheWayDown('metrics', () => {
        clearInterval(publishing)
        made.stop()
      })
      return made
    },
  }
}
