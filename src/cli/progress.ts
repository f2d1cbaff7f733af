// How far something long has got: a bar on a terminal, a line now and then elsewhere. On standard error, since it is no
// result.

const BAR_CHARACTERS = 30
/** Between two pictures of the bar, and between two lines. */
const BAR_MS = 100
const LINE_MS = 5_000

export class Progress {
  readonly #out: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  readonly #what: string
  readonly #startedMs = performance.now()
  #shownMs = Number.NEGATIVE_INFINITY
  #hasBar = false

  /** @param what is done, as it stands before the numbers. */
  constructor(out: NodeJS.WritableStream & { isTTY?: boolean }, what: string) {
    this.#out = out
    this.#what = what
  }

  /** `total` may be an estimate: more than all is never shown. */
  show(done: number, total: number): void {
    const now = performance.now()
    if (now - this.#shownMs < (this.#out.isTTY === true ? BAR_MS : LINE_MS)) return
    // What is done before the first line would have been due needs none.
    if (this.#out.isTTY !== true && this.#shownMs === Number.NEGATIVE_INFINITY && now - this.#startedMs < LINE_MS)
      return
    this.#shownMs = now
    const share = total === 0 ? 1 : Math.min(1, done / total)
    const rate = Math.round(done / Math.max(0.001, (now - this.#startedMs) / 1000))
    const text = `${this.#what} ${Math.floor(100 * share)} %, ${done} of ${Math.max(done, total)}, ${rate}/s`
    if (this.#out.isTTY !== true) {
      this.#out.write(`${text}\n`)
      return
    }
    const filled = Math.round(share * BAR_CHARACTERS)
    this.#hasBar = true
    this.#out.write(`\r\u001b[K[${'#'.repeat(filled)}${'.'.repeat(BAR_CHARACTERS - filled)}] ${text}`)
  }

  /** Takes the bar away. */
  finish(): void {
    if (this.#hasBar) this.#out.write('\r\u001b[K')
    this.#hasBar = false
  }
}
