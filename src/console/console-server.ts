// The console, put together: figures, sessions, routes, and the port they are reached by.

import type { Log } from '../base/log.ts'
import { type Address, formatAddress } from '../config/address.ts'
import { AuditTrail } from './audit-trail.ts'
import type { ServerLoad } from './blotter.ts'
import { Figures } from './figures.ts'
import { HttpPort } from './http-port.ts'
import { PageFiles } from './page-files.ts'
import { consoleRoutes } from './routes.ts'
import { Sessions } from './sessions.ts'

export interface ConsoleOptions {
  /** Where the page is served. */
  readonly interface: Address
  /** Requests have to name a loopback host; otherwise the cookie of a login travels over TLS alone. */
  readonly isLoopbackOnly: boolean
  readonly connectionsMax: number
  readonly requestMs: number
  readonly sessionsMax: number
  readonly sessionMs: number
  readonly idleMs: number
  /** Where the order execution server and the service locator listen. */
  readonly server: Address
  readonly locator: Address
  /** Where the administrative port is; undefined where it is switched off. */
  readonly admin: Address | undefined
  /** Processors of the server's machine; null where that is another one. */
  readonly cores: number | null
}

export interface RunningConsole {
  readonly address: Address
  close(): void
}

/** Opens the console. Rejects where its address cannot be had. */
export async function startConsole(options: ConsoleOptions, log: Log): Promise<RunningConsole> {
  const { admin, cores, sessionsMax, sessionMs, idleMs, isLoopbackOnly } = options
  const files = new PageFiles()
  const figures = new Figures({
    statusUrl: admin === undefined ? undefined : `http://${formatAddress(admin)}/status`,
    cores,
  })
  const serverLoad = (): ServerLoad => {
    const { sample, stores } = figures.latest ?? {}
    if (sample === undefined || stores === undefined) return { eventsPerSecond: 0, lagRecords: 0 }
    const lags = stores.filter(({ state }) => state !== 'unused').map(({ lagRecords }) => lagRecords)
    return {
      // Each order is at least two reports, and each execution one more.
      eventsPerSecond: 2 * sample.ordersPerSecond + sample.executionsPerSecond,
      lagRecords: lags.length === 0 ? 0 : Math.min(...lags),
    }
  }
  const sessions = new Sessions(
    { sessionsMax, sessionMs, idleMs, isSecure: !isLoopbackOnly },
    { server: options.server, locator: options.locator },
    serverLoad,
  )
  const audit = new AuditTrail(log)
  const port = new HttpPort(consoleRoutes({ files, figures, sessions, audit }), {
    address: options.interface,
    isLoopbackOnly,
    connectionsMax: options.connectionsMax,
    requestMs: options.requestMs,
    contentPolicy: files.contentPolicy,
    onFault: (path, error) => log.error('a request at the console failed', { path, error }),
  })
  const close = () => {
    port.close()
    sessions.close()
    figures.close()
  }
  try {
    const address = await port.open()
    return { address, close }
  } catch (error) {
    close()
    throw error
  }
}
