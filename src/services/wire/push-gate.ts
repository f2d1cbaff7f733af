// Holds pushes back while a bulk load is under way and hands them on after it, in order. The rows of a load are taken
// over a moment after they arrived, so a push that came just behind them would otherwise be overtaken by older rows.
// Every push tells a row's whole new state, so repeating one whose effect the load has seen already does no harm.

import type { Elements } from './elements.ts'

export class PushGate {
  readonly #take: (kind: number, message: Elements) => void
  #held: [kind: number, message: Elements][] = []
  #loads = 0

  constructor(take: (kind: number, message: Elements) => void) {
    this.#take = take
  }

  push(kind: number, message: Elements): void {
    if (this.#loads > 0) this.#held.push([kind, message])
    else this.#take(kind, message)
  }

  /** Runs a load with its taking over; loads may overlap. */
  async during<Result>(load: () => Promise<Result>): Promise<Result> {
    this.#loads += 1
    try {
      return await load()
    } finally {
      this.#loads -= 1
      if (this.#loads === 0) {
        const held = this.#held
        this.#held = []
        for (const [kind, message] of held) this.#take(kind, message)
      }
    }
  }
}
