// A log of what strangers can cause as often as they like: one line in a while, with the number of those left out.

const PAUSE_MS = 10_000

export class BoundedLog {
  readonly #log: (message: string, facts: Record<string, string | number>) => void
  readonly #latest = new Map<string, { ms: number; leftOut: number }>()

  constructor(log: (message: string, facts: Record<string, string | number>) => void) {
    this.#log = log
  }

  /** Tells it, unless the same message was told a moment ago. */
  note(message: string, nowMs: number, facts: Record<string, string | number>): void {
    const latest = this.#latest.get(message)
    if (latest !== undefined && nowMs - latest.ms < PAUSE_MS) {
      latest.leftOut += 1
      return
    }
    const leftOut = latest?.leftOut ?? 0
    this.#latest.set(message, { ms: nowMs, leftOut: 0 })
    this.#log(message, leftOut === 0 ? facts : { ...facts, more_since: leftOut })
  }
}
