// Stores that catch up at the same time give the machine small pieces of work. They take turns, so that at most one of
// them has a piece under way: databases on the same machine then leave the other processors to the orders.

/** A store that does not answer must not hold up another for longer. */
const WAIT_MS_MAX = 20

export class PieceTurns {
  /** Settles when the piece under way is done. */
  #last: Promise<unknown> = Promise.resolve()

  /** Does `work` when the piece before is done, or takes too long. */
  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = this.#last
    const done = Promise.withResolvers<void>()
    this.#last = done.promise
    const late = Promise.withResolvers<void>()
    const giveUp = setTimeout(late.resolve, WAIT_MS_MAX)
    await Promise.race([before, late.promise])
    clearTimeout(giveUp)
    try {
      return await work()
    } finally {
      done.resolve()
    }
  }
}
