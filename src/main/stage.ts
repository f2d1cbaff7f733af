// What every stage of the start is handed: the configuration, the log, threads to be started, and a place for the way
// down, which is walked in reverse.

import type { Log } from '../base/log.ts'
import type { Config } from '../config/config.ts'
import type { HostedThread } from './threads.ts'

/** Threads' options are plain data; their types stay on their side of the floor, their fields are checked here. */
export type PlainOptions = Record<string, unknown>

export interface StageParts {
  readonly config: Config
  readonly log: Log
  /** Starts a thread whose failure ends the process. */
  readonly startThread: (name: string, file: URL, options: PlainOptions) => HostedThread
  /** What is to be done on the way down, before that of earlier stages. */
  readonly onTheWayDown: (name: string, down: () => Promise<void> | void) => void
}

/** The file of a thread's entry: as this file is, a source in a checkout and built in an installed package. */
export function threadFile(path: string): URL {
  return new URL(path + (import.meta.url.endsWith('.ts') ? '.ts' : '.js'), import.meta.url)
}

/** Settles when the thread has ended, however it did. */
export async function settled(thread: HostedThread): Promise<void> {
  await thread.ended.catch(() => undefined) // told by the supervision already
}
