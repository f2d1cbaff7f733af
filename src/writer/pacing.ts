// How the writer makes way for those who trade. Copying can wait, judging cannot: where a batch takes much longer on the
// wall clock than it had of a processor, somebody else wants that processor, and the writer rests for a multiple of the
// batch. It rests no longer once the store is too far behind, so the lag stays bounded whatever the load.

/** A batch that has had less than this share of a processor met others who want it. */
const SHARE_MIN = 0.75
/** Rest after such a batch, as a multiple of its time. */
const REST_FACTOR = 6
/** A rest is cut into pieces, so that a stop is heard. */
const REST_MS_MAX = 1000

/** Time on the wall and on a processor, in ms. */
export interface Stopwatch {
  wallMs(): number
  processorMs(): number
}

export const threadStopwatch: Stopwatch = {
  wallMs: () => performance.now(),
  processorMs: () => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  },
}

export class Pacing {
  readonly #watch: Stopwatch
  readonly #lagMaxMs: number
  #wallMs = 0
  #processorMs = 0

  /** @param lagMaxMs the store may fall this far behind for the sake of others. */
  constructor(lagMaxMs: number, watch: Stopwatch = threadStopwatch) {
    this.#lagMaxMs = lagMaxMs
    this.#watch = watch
  }

  /** A batch begins. */
  begin(): void {
    this.#wallMs = this.#watch.wallMs()
    this.#processorMs = this.#watch.processorMs()
  }

  /** The batch is done. @returns how long to rest, in ms; 0 where nobody is kept waiting or the store is too far behind. */
  restMs(lagMs: number): number {
    if (lagMs > this.#lagMaxMs) return 0
    const wallMs = this.#watch.wallMs() - this.#wallMs
    const processorMs = this.#watch.processorMs() - this.#processorMs
    return processorMs < SHARE_MIN * wallMs ? Math.min(REST_MS_MAX, REST_FACTOR * wallMs) : 0
  }
}
