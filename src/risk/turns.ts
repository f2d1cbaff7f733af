// Lets only so many pieces of work run at once; the others wait for their turn, first come, first served.

export class Turns {
  #free: number
  readonly #line: (() => void)[] = []

  /** @param max pieces of work that may run at once. */
  constructor(max: number) {
    this.#free = max
  }

  /** Waits for a turn; `give` ends it. */
  async take(): Promise<void> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>(resolve => this.#line.push(resolve))
  }

  give(): void {
    const next = this.#line.shift()
    if (next === undefined) this.#free += 1
    else next()
  }

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.take()
    try {
      return await work()
    } finally {
      this.give()
    }
  }
}
