// Entry of the platform's thread: an endless task for the thread pool, whose promise settles when the platform ends.
// It tells through the port where it listens, and ends when it is told to stop or when the other side of the port is
// gone.

import type { MessagePort } from 'node:worker_threads'
import { Log, type LogShare } from '../../base/log.ts'
import type { Address } from '../../config/address.ts'
import { type PlatformOptions, startPlatform } from './platform.ts'

export interface PlatformThreadData {
  /** What can be copied between threads; the functions among the platform's options cannot. */
  readonly options: Omit<PlatformOptions, 'onFault' | 'onNote' | 'onAvailability' | 'signal'>
  /** The log of the process; lines from `info` on, to standard error, where it is absent. */
  readonly log?: LogShare
  /** Handed over with the task. Out: PlatformThreadMessage. In: `stop`. */
  readonly port: MessagePort
}

export type PlatformThreadMessage =
  | { readonly what: 'listening'; readonly address: Address }
  /** A failure of our own code, as text; the platform goes on. */
  | { readonly what: 'fault'; readonly text: string }

/** Runs the platform until it is stopped. Rejects where it cannot start, with the reason. */
export default async function runPlatform({ options, port, log: share }: PlatformThreadData): Promise<void> {
  const component = 'platform'
  const log = share === undefined ? new Log({ component, level: 'info' }) : new Log({ component }, share)
  const tell = (message: PlatformThreadMessage) => port.postMessage(message)
  try {
    const platform = await startPlatform({
      ...options,
      onNote: (message, fields) => log.warning(message, fields),
      onFault: fault =>
        tell({ what: 'fault', text: fault instanceof Error ? (fault.stack ?? fault.message) : `${fault}` }),
    })
    const stopped = new Promise<void>(resolve => {
      port.once('message', () => resolve())
      port.once('close', () => resolve())
    })
    tell({ what: 'listening', address: platform.address })
    await stopped
    await platform.close()
  } finally {
    port.close()
  }
}
