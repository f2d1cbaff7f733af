// The disk of a rehearsal: it takes blocks at once, or takes its time with those handed over, as a seed says, and whether
// the bytes are there before it says so is open as well.

import type { JournalWriter } from '../../src/journal/journal-writer.ts'
import type { BlockSink } from '../../src/shards/duty-cycle.ts'

export class SteppedSink implements BlockSink {
  readonly #journal: JournalWriter
  readonly #tell: (durableNext: number) => void
  readonly #next: (() => number) | undefined
  #waiting: { readonly block: Uint8Array; readonly end: number; readonly entries: number } | undefined
  #looksLeft = 0

  /** @param seed of what happens; 0: nothing is ever handed over. @param tell hears where the durable journal ends. */
  constructor(journal: JournalWriter, seed: number, tell: (durableNext: number) => void) {
    this.#journal = journal
    this.#tell = tell
    this.#next = seed === 0 ? undefined : randomBits(seed)
  }

  append(block: Uint8Array, end: number, entries: number): void {
    this.#journal.append(block, end, entries)
    this.#tell(this.#journal.nextSequence)
  }

  begin(block: Uint8Array, end: number, entries: number): boolean {
    if (this.#next === undefined || this.#next() === 0) return false
    this.#looksLeft = this.#next()
    if (this.#next() === 1) this.#journal.append(block, end, entries)
    else this.#waiting = { block: block.slice(0, end), end, entries }
    return true
  }

  get isDone(): boolean {
    this.#looksLeft -= 1
    return this.#looksLeft < 0
  }

  finish(): number {
    if (this.#waiting !== undefined) {
      this.#journal.append(this.#waiting.block, this.#waiting.end, this.#waiting.entries)
      this.#waiting = undefined
    }
    this.#tell(this.#journal.nextSequence)
    return 1
  }
}

/** Bits of a linear congruential generator. */
function randomBits(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 31
  }
}
