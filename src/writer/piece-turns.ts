// Stores that catch up at the same time give the machine small pieces of work. They take turns, so that at most one of
// them has a piece under way: databases on the same machine then leave the other processors to the orders.

import { setTimeout as timer } from 'node:timers/promises'

/** A store that does not answer must not hold up another for longer. */
const WAIT_MS_MAX = 20

export class PieceTurns {
  /** Settles when the piece under way is done. */
  #last: Promise<unknown> = Promise.resolve()

  /** Does `work` when the piece before is done, or takes too long. */
  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last = promise
    await Promise.race([before, timer(WAIT_MS_MAX)])
    try {
      return await work()
    } finally {
      resolve()
    }
  }
}
