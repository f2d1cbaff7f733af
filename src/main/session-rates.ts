// How fast one session may ask. Requests are paid from a bucket of tokens that fills with time and holds as many as one
// second brings; cancels and all else that makes things safer have a bucket of their own, so that who floods the
// server with orders can still take them back. A request that finds its bucket empty is refused; a session that is
// refused on and on is sent away.
//
//   time ─→ tokens ─ taken ──────────────────► on its way
//                  └ none ──► refused ─ more than refusals max, no quiet second between ──► closed

const US_PER_SECOND = 1_000_000
const QUIET_MS = 1_000

/** Per session; 0 sets no limit. */
export interface RateLimits {
  readonly requestsPerSecond: number
  readonly cancelsPerSecond: number
  /** Requests refused, without a second of quiet between, before the session is closed. */
  readonly rateRefusalsMax: number
}

/** Whole millionths of a token, so that a microsecond at any rate brings a whole number of them. */
class TokenBucket {
  readonly perSecond: number
  readonly #full: number
  #level: number

  constructor(perSecond: number) {
    this.perSecond = perSecond
    this.#full = perSecond * US_PER_SECOND
    this.#level = this.#full
  }

  fill(elapsedUs: number): void {
    // A second fills it; more would only leave the range of whole numbers.
    this.#level =
      elapsedUs >= US_PER_SECOND ? this.#full : Math.min(this.#full, this.#level + elapsedUs * this.perSecond)
  }

  take(): boolean {
    if (this.perSecond === 0) return true
    if (this.#level < US_PER_SECOND) return false
    this.#level -= US_PER_SECOND
    return true
  }

  giveBack(): void {
    this.#level = Math.min(this.#full, this.#level + US_PER_SECOND)
  }
}

export class SessionRates {
  readonly requests: TokenBucket
  readonly cancels: TokenBucket
  readonly #refusalsMax: number
  #filledUs: number
  #refusals = 0
  #refusedMs = Number.NEGATIVE_INFINITY

  constructor(limits: RateLimits, nowMs: number) {
    this.requests = new TokenBucket(limits.requestsPerSecond)
    this.cancels = new TokenBucket(limits.cancelsPerSecond)
    this.#refusalsMax = limits.rateRefusalsMax
    this.#filledUs = Math.trunc(nowMs * 1000)
  }

  /** Time has passed. Called once for all requests that came together. */
  fill(nowMs: number): void {
    const nowUs = Math.trunc(nowMs * 1000)
    const elapsedUs = nowUs - this.#filledUs
    if (elapsedUs <= 0) return
    this.#filledUs = nowUs
    this.requests.fill(elapsedUs)
    this.cancels.fill(elapsedUs)
  }

  /** Notes a request that was refused; true where these are too many. */
  refused(nowMs: number): boolean {
    if (nowMs - this.#refusedMs >= QUIET_MS) this.#refusals = 0
    this.#refusedMs = nowMs
    this.#refusals += 1
    return this.#refusalsMax > 0 && this.#refusals > this.#refusalsMax
  }
}
