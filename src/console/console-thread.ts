// Entry of the console's thread: an endless task for the thread pool, whose promise settles when the console ends. It tells
// through the port where it listens, and ends when it is told to stop or when the other side of the port is gone. An
// address that is taken is tried again: the server trades without a console.

import type { MessagePort } from 'node:worker_threads'
import { Log, type LogShare } from '../base/log.ts'
import { lowerThreadPriority } from '../base/thread-priority.ts'
import { type Address, formatAddress } from '../config/address.ts'
import { type ConsoleOptions, type RunningConsole, startConsole } from './console-server.ts'

export interface ConsoleThreadData {
  readonly options: ConsoleOptions
  /** The log of the process. */
  readonly log: LogShare
  /** How far the thread steps back behind those that trade. */
  readonly nice: number
  /** Handed over with the task. Out: where it listens, an Address. In: `stop`. */
  readonly port: MessagePort
}

const RETRY_MS = 2_000

export default async function runConsole({ options, log: share, nice, port }: ConsoleThreadData): Promise<void> {
  const log = new Log({ component: 'console' }, share)
  const why = lowerThreadPriority(nice)
  if (why !== undefined) log.warning('the console takes its turn with everybody else', { why })
  const { promise: stopped, resolve: stop } = Promise.withResolvers<undefined>()
  port.once('message', () => stop(undefined))
  port.once('close', () => stop(undefined))
  try {
    const console = await opened(options, log, stopped)
    if (console === undefined) return
    port.postMessage(console.address satisfies Address)
    log.info('the console is served', { address: formatAddress(console.address) })
    await stopped
    console.close()
  } finally {
    port.close()
  }
}

/** Undefined where it was told to stop before. */
async function opened(
  options: ConsoleOptions,
  log: Log,
  stopped: Promise<undefined>,
): Promise<RunningConsole | undefined> {
  for (let hasFailed = false; ; hasFailed = true) {
    try {
      return await startConsole(options, log)
    } catch (error) {
      if (!isTaken(error)) throw error
      if (!hasFailed) {
        log.error('the console cannot be opened; it is tried again, and the server goes on without it', {
          address: formatAddress(options.interface),
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
