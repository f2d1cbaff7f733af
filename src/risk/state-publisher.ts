// Writes risk states to the administration service, from which everybody learns them. For each account only the newest
// state counts: one that changed while an earlier one was on its way is written next, and none in between. A service
// that is away is tried again until it has every state, and no more than so many are asked of it at once.

import type { Log } from '../base/log.ts'
import { Reason } from '../domain/reasons.ts'
import type { RiskState } from '../services/administration/risk.ts'
import { ServiceError } from '../services/wire/service-error.ts'

const IN_FLIGHT_MAX = 64
const PAUSE_FIRST_MS = 50
const PAUSE_MAX_MS = 5_000

export class StatePublisher {
  readonly #store: (account: number, state: RiskState) => Promise<void>
  readonly #log: Log
  /** States that are to be written, the newest of each account. */
  readonly #waiting = new Map<number, RiskState>()
  /** Accounts whose state is on its way. */
  readonly #writing = new Set<number>()
  #pauseMs = 0
  #pause: NodeJS.Timeout | undefined
  #isClosed = false

  /** @param store writes one state; rejects with a ServiceError. */
  constructor(store: (account: number, state: RiskState) => Promise<void>, log: Log) {
    this.#store = store
    this.#log = log
  }

  publish(account: number, state: RiskState): void {
    this.#waiting.set(account, state)
    this.#turn()
  }

  /** Nothing that waits is written any more. */
  close(): void {
    this.#isClosed = true
    this.#waiting.clear()
    clearTimeout(this.#pause)
  }

  #turn(): void {
    if (this.#pause !== undefined || this.#isClosed) return
    for (const [account, state] of this.#waiting) {
      if (this.#writing.size >= IN_FLIGHT_MAX) return
      if (this.#writing.has(account)) continue
      this.#waiting.delete(account)
      this.#writing.add(account)
      void this.#write(account, state)
    }
  }

  async #write(account: number, state: RiskState): Promise<void> {
    try {
      await this.#store(account, state)
      this.#pauseMs = 0
    } catch (error) {
      this.#failed(account, state, error)
    }
    this.#writing.delete(account)
    this.#turn()
  }

  #failed(account: number, state: RiskState, error: unknown): void {
    if (!(error instanceof ServiceError)) throw error
    if (this.#isClosed) return
    if (error.code === Reason.NotPermitted || error.code === Reason.UnknownAccount) {
      this.#log.error('a risk state is refused', { account, state: state.type, error })
      return
    }
    // A newer state that waits meanwhile is the one to write.
    if (!this.#waiting.has(account)) this.#waiting.set(account, state)
    if (this.#pause !== undefined) return
    this.#pauseMs = Math.min(PAUSE_MAX_MS, Math.max(PAUSE_FIRST_MS, 2 * this.#pauseMs))
    this.#log.warning('risk states cannot be written; they are tried again', { pauseMs: this.#pauseMs, error })
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      this.#turn()
    }, this.#pauseMs)
  }
}
