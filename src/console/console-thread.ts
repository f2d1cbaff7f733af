// Entry of the console's thread: an endless task for the thread pool, whose promise settles when the console ends. It tells
// through the port where it listens, is told there of certificates that have changed, and ends when it is told to stop or
// when the other side of the port is gone. An address that is taken is tried again: the server trades without a console.

import type { MessagePort } from 'node:worker_threads'
import { Log, type LogShare } from '../base/log.ts'
import { lowerThreadPriority } from '../base/thread-priority.ts'
import type { TlsOptions } from '../client/index.ts'
import { type Address, formatAddress } from '../config/address.ts'
import { type ConsoleOptions, type RunningConsole, startConsole } from './console-server.ts'
import type { PemPair } from './http-port.ts'

/** What main has read of certificates; undefined where the server does not speak TLS. */
export interface ConsoleTls {
  /** The server's certificate: no other is taken for it. */
  readonly pin: string
  /** What the console shows to the server, where it has something to show. */
  readonly own: PemPair | undefined
  /** By which the page is served; by HTTP where undefined. */
  readonly page: PemPair | undefined
}

export interface ConsoleThreadData {
  readonly options: Omit<ConsoleOptions, 'tls' | 'secure'>
  readonly tls: ConsoleTls | undefined
  /** The log of the process. */
  readonly log: LogShare
  /** How far the thread steps back behind those that trade. */
  readonly nice: number
  /** Handed over with the task. Out: where it listens, an Address. In: a ConsoleTls when it has changed; `stop`. */
  readonly port: MessagePort
}

const RETRY_MS = 2_000

export default async function runConsole(data: ConsoleThreadData): Promise<void> {
  const { options, log: share, nice, port } = data
  const log = new Log({ component: 'console' }, share)
  const why = lowerThreadPriority(nice)
  if (why !== undefined) log.warning('the console takes its turn with everybody else', { why })
  const { promise: stopped, resolve: stop } = Promise.withResolvers<undefined>()
  let { tls } = data
  let console: RunningConsole | undefined
  port.on('message', (message: 'stop' | ConsoleTls) => {
    if (message === 'stop') return stop(undefined)
    tls = message
    if (message.page !== undefined) console?.secure(message.page)
  })
  port.once('close', () => stop(undefined))
  try {
    console = await opened(() => ({ ...options, tls: () => tlsOptions(tls), secure: tls?.page }), log, stopped)
    if (console === undefined) return
    port.postMessage(console.address satisfies Address)
    log.info('the console is served', { address: formatAddress(console.address) })
    await stopped
    console.close()
  } finally {
    port.close()
  }
}

function tlsOptions(tls: ConsoleTls | undefined): boolean | TlsOptions {
  return tls === undefined ? false : { pin: tls.pin, ...tls.own }
}

/** Undefined where it was told to stop before. */
async function opened(
  optionsOfNow: () => ConsoleOptions,
  log: Log,
  stopped: Promise<undefined>,
): Promise<RunningConsole | undefined> {
  for (let hasFailed = false; ; hasFailed = true) {
    try {
      return await startConsole(optionsOfNow(), log)
    } catch (error) {
      if (!isTaken(error)) throw error
      if (!hasFailed) {
        log.error('the console cannot be opened; it is tried again, and the server goes on without it', {
          address: formatAddress(optionsOfNow().interface),
          error,
        })
      }
    }
    const pause = Promise.withResolvers<'again'>()
    const timer = setTimeout(() => pause.resolve('again'), RETRY_MS)
    const next = await Promise.race([pause.promise, stopped])
    clearTimeout(timer)
    if (next === undefined) return undefined
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'listen'
}
