// The console as a process of its own, on the server's machine or another: reads nothing but its flags, serves the page
// until a signal comes.

import os from 'node:os'
import { Log } from '../base/log.ts'
import { TlsFiles, type TlsPaths } from '../client/index.ts'
import { type Address, formatAddress, isLoopback } from '../config/address.ts'
import { startConsole } from './console-server.ts'

/** Statuses of the process, as those of the other servers. */
const ExitStatus = { Stopped: 0, StartFailed: 1 } as const

export interface ServeConsoleOptions {
  readonly interface: Address
  readonly isLoopbackOnly: boolean
  readonly server: Address
  readonly locator: Address
  readonly admin: Address
  /** How the server is spoken to. */
  readonly tls: boolean | TlsPaths
}

const CONNECTIONS_MAX = 64
const REQUEST_MS = 10_000
const SESSIONS_MAX = 32
const SESSION_MS = 12 * 3_600_000
const IDLE_MS = 1_800_000

/** Serves the console until it is told to stop. @returns the exit status of the process. */
export async function serveConsole(options: ServeConsoleOptions): Promise<number> {
  const log = new Log({ component: 'console', level: 'info' })
  const { promise: signalled, resolve: onSignal } = Promise.withResolvers<void>()
  process.once('SIGINT', () => onSignal())
  process.once('SIGTERM', () => onSignal())
  try {
    const { tls } = options
    const files = typeof tls === 'boolean' ? undefined : new TlsFiles(tls, error => tellUnusable(log, error))
    const console = await startConsole(
      {
        ...options,
        tls: () => files?.current() ?? tls === true,
        secure: undefined,
        connectionsMax: CONNECTIONS_MAX,
        requestMs: REQUEST_MS,
        sessionsMax: SESSIONS_MAX,
        sessionMs: SESSION_MS,
        idleMs: IDLE_MS,
        cores: isLoopback(options.admin.host) ? os.availableParallelism() : null,
      },
      log,
    )
    process.stdout.write(`ready ${formatAddress(console.address)}\n`)
    await signalled
    console.close()
    return ExitStatus.Stopped
  } catch (error) {
    log.error('the console could not start', { error })
    return ExitStatus.StartFailed
  }
}

function tellUnusable(log: Log, error: Error): void {
  log.error('certificates cannot be used; those read before still hold', { error })
}
