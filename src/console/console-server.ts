// The console, put together: figures, sessions, routes, and the port they are reached by.

import type { Log } from '../base/log.ts'
import type { TlsOptions } from '../client/index.ts'
import { type Address, formatAddress } from '../config/address.ts'
import { AuditTrail } from './audit-trail.ts'
import type { ServerLoad } from './blotter.ts'
import { Figures } from './figures.ts'
import { HttpPort, type PemPair } from './http-port.ts'
import { PageFiles } from './page-files.ts'
import { consoleRoutes } from './routes.ts'
import { Sessions } from './sessions.ts'

export interface ConsoleOptions {
  /** Where the page is served. */
  readonly interface: Address
  /** Requests have to name a loopback host. The cookie of a login travels over TLS alone where they need not, or by HTTPS. */
  readonly isLoopbackOnly: boolean
  readonly connectionsMax: number
  readonly requestMs: number
  readonly sessionsMax: number
  readonly sessionMs: number
  readonly idleMs: number
  /** Where the order execution server and the service locator listen. */
  readonly server: Address
  readonly locator: Address
  /** How the order execution server is spoken to; asked before each connection. */
  readonly tls: () => boolean | TlsOptions
  /** Certificate and key by which the page is served; by HTTP where undefined. */
  readonly secure: PemPair | undefined
  /** Where the administrative port is; undefined where it is switched off. */
  readonly admin: Address | undefined
  /** Processors of the server's machine; null where that is another one. */
  readonly cores: number | null
}

export interface RunningConsole {
  readonly address: Address
  /** Takes another certificate for the page. */
  secure(pair: PemPair): void
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
    { sessionsMax, sessionMs, idleMs, isSecure: !isLoopbackOnly || options.secure !== undefined },
    { server: options.server, locator: options.locator, tls: options.tls },
    serverLoad,
  )
  const audit = new AuditTrail(log)
  const port = new HttpPort(consoleRoutes({ files, figures, sessions, audit }), {
    address: options.interface,
    isLoopbackOnly,
    connectionsMax: options.connectionsMax,
    requestMs: options.requestMs,
    secure: options.secure,
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
    return { address, secure: pair => port.secure(pair), close }
  } catch (error) {
    close()
    throw error
  }
}
