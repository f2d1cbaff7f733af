// Main's clock, for threads that measure how long ago main gave a time. Main's clock may be set forward and runs from an
// origin of its own; so main keeps in one shared word how far it is ahead of the system's monotonic counter, which all
// threads read alike. For measuring alone: what is judged carries its time with it.
//
//   | f64 main's time − the system's monotonic counter, in µs |
//     written by main, a few times a second · read by the shards

export const SHARED_CLOCK_BYTES = Float64Array.BYTES_PER_ELEMENT

/** Looks by which the two counters of a thread are compared; the quickest one counts. */
const COMPARISONS = 8

export class SharedClock {
  readonly #ahead: Float64Array<SharedArrayBuffer>
  readonly #thread = threadStartUs()

  constructor(memory: SharedArrayBuffer) {
    this.#ahead = new Float64Array(memory, 0, 1)
  }

  /** By main: `nowUs` is its time. */
  publish(nowUs: number): void {
    this.#ahead[0] = nowUs - this.#thread - 1000 * performance.now()
  }

  /** Now by main's clock, with fractions; off by what it was set forward since it was published last. */
  nowUs(): number {
    return 1000 * performance.now() + this.#thread + this.#ahead[0]!
  }
}

/** The system's monotonic counter in µs where that of this thread, which has its own zero, began. */
function threadStartUs(): number {
  let startUs = 0
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < COMPARISONS; i++) {
    const before = performance.now()
    const systemUs = Number(process.hrtime.bigint()) / 1000
    const after = performance.now()
    if (after - before >= least) continue
    least = after - before
    startUs = systemUs - 500 * (before + after)
  }
  return startUs
}
