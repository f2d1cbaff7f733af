// A clock that a test moves by hand.

import type { Timers } from '../../src/client/timers.ts'

export class ManualTimers implements Timers {
  #nowMs = 0
  readonly #alarms = new Map<number, { dueMs: number; action: () => void }>()
  #count = 0

  nowMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, action: () => void): () => void {
    const id = this.#count++
    this.#alarms.set(id, { dueMs: this.#nowMs + delayMs, action })
    return () => void this.#alarms.delete(id)
  }

  /** Alarms that have not rung. */
  get pending(): number {
    return this.#alarms.size
  }

  /** Moves the clock, ringing what is due in the order of time. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    while (true) {
      let next: [number, { dueMs: number; action: () => void }] | undefined
      for (const alarm of this.#alarms) {
        if (alarm[1].dueMs <= untilMs && (next === undefined || alarm[1].dueMs < next[1].dueMs)) next = alarm
      }
      if (next === undefined) break
      this.#alarms.delete(next[0])
      this.#nowMs = next[1].dueMs
      next[1].action()
    }
    this.#nowMs = untilMs
  }
}
