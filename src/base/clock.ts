// Time in whole microseconds since the epoch, UTC, that never goes back. The wall clock has milliseconds only and may be
// set; so time is counted on from it by the system's monotonic counter. Where the wall clock is set forward, this clock
// follows; where it is set back, this clock goes on undisturbed and stays ahead until the process is started again.

/** Where a clock takes its time from; both in milliseconds, with fractions. */
export interface TimeSource {
  /** Counts up from anywhere and never goes back. */
  readonly monotonicMs: () => number
  /** Since the epoch, UTC. */
  readonly wallMs: () => number
}

const systemTime: TimeSource = { monotonicMs: () => performance.now(), wallMs: () => Date.now() }

/** How often the wall clock is looked at, and how far it must be ahead to be followed. */
const FOLLOW_EVERY_MS = 1_000
const FOLLOW_AHEAD_US = 5_000

export class Clock {
  readonly #source: TimeSource
  /** Microseconds from the monotonic counter's zero to the epoch. */
  #originUs: number
  #lastUs = 0
  #followAtMs: number

  constructor(source: TimeSource = systemTime) {
    this.#source = source
    const nowMs = source.monotonicMs()
    this.#originUs = (source.wallMs() - nowMs) * 1000
    this.#followAtMs = nowMs + FOLLOW_EVERY_MS
  }

  /** Now; never before a time it gave earlier. */
  nowUs(): number {
    const nowMs = this.#source.monotonicMs()
    if (nowMs >= this.#followAtMs) this.#follow(nowMs)
    const nowUs = Math.floor(nowMs * 1000 + this.#originUs)
    if (nowUs > this.#lastUs) this.#lastUs = nowUs
    return this.#lastUs
  }

  /** Now, and later than every time it gave before. */
  nextUs(): number {
    const lastUs = this.#lastUs
    return this.nowUs() > lastUs ? this.#lastUs : ++this.#lastUs
  }

  /** Goes on from `floorUs` at least: the latest time that an earlier run of the process gave. */
  raise(floorUs: number): void {
    const aheadUs = floorUs - this.nowUs()
    if (aheadUs <= 0) return
    this.#originUs += aheadUs
    this.#lastUs = floorUs
  }

  #follow(nowMs: number): void {
    this.#followAtMs = nowMs + FOLLOW_EVERY_MS
    const wallOriginUs = (this.#source.wallMs() - nowMs) * 1000
    if (wallOriginUs > this.#originUs + FOLLOW_AHEAD_US) this.#originUs = wallOriginUs
  }
}
