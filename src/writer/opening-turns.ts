// Who may open a store. Opening makes and changes tables, and several endpoints may be servers of one cluster, which do
// not bear that from two sides at once: so stores are opened one after the other until one is open. By then a cluster has
// its tables, and from then on nobody waits for anybody. A store that does not answer gives up its turn when its time
// limit is over.

export class OpeningTurns {
  #isOpen = false
  #last: Promise<void> = Promise.resolve()

  /** Runs `open` when it is its turn. */
  async take<Store>(open: () => Promise<Store>): Promise<Store> {
    if (this.#isOpen) return open()
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last = promise
    await before
    try {
      // Whoever waited while another one was opened may go at once, together with the rest.
      if (this.#isOpen) resolve()
      const store = await open()
      this.#isOpen = true
      return store
    } finally {
      resolve()
    }
  }
}
