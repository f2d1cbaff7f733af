// Waits for a service that a process cannot begin without, so that processes may be started in any order.

import { setTimeout as pause } from 'node:timers/promises'
import { ServiceError } from '../wire/service-error.ts'

const PAUSE_FIRST_MS = 100
const PAUSE_MAX_MS = 5_000

export interface Waiting {
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined
  /** Told once, where there is something to wait for. */
  readonly onWaiting: (reason: ServiceError) => void
}

/** What `ask` gives, asked again while it fails for reasons of the moment. @throws what it fails with else; AbortError */
export async function untilAvailable<Result>(
  ask: () => Promise<Result>,
  { signal, onWaiting }: Waiting,
): Promise<Result> {
  for (let pauseMs = PAUSE_FIRST_MS; ; pauseMs = Math.min(PAUSE_MAX_MS, 2 * pauseMs)) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof ServiceError && error.isOfTheMoment)) throw error
      if (pauseMs === PAUSE_FIRST_MS) onWaiting(error)
    }
    await pause(pauseMs, undefined, signal === undefined ? {} : { signal })
  }
}
