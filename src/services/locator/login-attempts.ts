// Slows down whoever guesses passwords. Failed logins are counted for a name together with where they come from, so that
// a stranger cannot keep the owner of the name out from elsewhere. After some failures in a row every further one suspends
// the pair for twice as long as the one before; the right password is not looked at meanwhile.

/** How logins are slowed down. */
export interface LoginLimits {
  /** Failures in a row from which on each further one suspends. */
  readonly failuresMax: number
  readonly suspendFirstMs: number
  readonly suspendLongestMs: number
}

export const loginLimitsDefault: LoginLimits = { failuresMax: 5, suspendFirstMs: 1_000, suspendLongestMs: 60_000 }

/** Pairs that are remembered; past it the one that failed longest ago is forgotten. */
const PAIRS_MAX = 10_000
/** Failures further apart than so many of the longest suspension have nothing to do with each other. */
const FORGET_SUSPENSIONS = 10

interface Failures {
  readonly count: number
  readonly lastMs: number
  /** Until when the pair is suspended. */
  readonly untilMs: number
}

export class LoginAttempts {
  readonly #limits: LoginLimits
  readonly #nowMs: () => number
  /** The latest failure last. */
  readonly #failures = new Map<string, Failures>()

  /** @param nowMs any clock that never goes back. */
  constructor(limits: LoginLimits, nowMs: () => number) {
    this.#limits = limits
    this.#nowMs = nowMs
  }

  /** Time until the pair may try again; 0 where it may now. */
  suspendedMs(name: string, from: string): number {
    const failures = this.#failures.get(pairOf(name, from))
    return failures === undefined ? 0 : Math.max(0, failures.untilMs - this.#nowMs())
  }

  /** @returns the time for which the pair is suspended now; 0 where it is not. */
  failed(name: string, from: string): number {
    const { failuresMax, suspendFirstMs, suspendLongestMs } = this.#limits
    const pair = pairOf(name, from)
    const nowMs = this.#nowMs()
    const previous = this.#failures.get(pair)
    const isRecent = previous !== undefined && nowMs - previous.lastMs < FORGET_SUSPENSIONS * suspendLongestMs
    const count = isRecent ? previous.count + 1 : 1
    const doublings = count - failuresMax
    const suspendMs = doublings < 0 ? 0 : Math.min(suspendLongestMs, suspendFirstMs * 2 ** doublings)
    // Taken out first, so that it stands last.
    this.#failures.delete(pair)
    this.#failures.set(pair, { count, lastMs: nowMs, untilMs: nowMs + suspendMs })
    if (this.#failures.size > PAIRS_MAX) this.#failures.delete(this.#failures.keys().next().value!)
    return suspendMs
  }

  succeeded(name: string, from: string): void {
    this.#failures.delete(pairOf(name, from))
  }
}

function pairOf(name: string, from: string): string {
  return `${from} ${name}`
}
