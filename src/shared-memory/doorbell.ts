// How a thread waits for work from others, and how they wake it. A waiting thread has one doorbell: one shared word in
// a block of its own. It is the only word of the server with several writers, and it needs no more than stores, because
// whoever stores `Awake` needlessly costs one look too many and never a lost wake-up.
//
//   waiting thread                             a thread that has work for it
//   ──────────────                             ─────────────────────────────
//   look for work, perhaps for spinUs          publish the work
//   store Parked                               load the word: Awake? done
//   look for work again                        store Awake
//   sleep while the word is Parked             notify
//   store Awake
//
// Either the second look comes after the work was published and finds it, or the store of `Parked` came before the
// publishing thread's load, which then stores `Awake` and notifies: a thread not yet asleep finds the word changed and
// does not sleep, one asleep is woken. This needs the stores and loads to have one order for all threads, which Atomics
// give; so the look for work has to load atomically, as `RingConsumer.hasNext` does.

import { assert } from '../base/assert.ts'
import { BLOCK_WORDS } from './blocks.ts'

const Waiting = { Awake: 0, Parked: 1 } as const

/** Looks for work between two readings of the clock while spinning. */
const SPIN_LOOKS = 64

export class Doorbell {
  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #word: number
  readonly #spinMs: number
  /** How often the owner has gone to sleep; for metrics. */
  parks = 0

  /**
   * The doorbell number `index` in `memory`. `spinUs` matters to the owner only: how long it looks for work before it
   * parks. Zero is right wherever there are more threads than cores.
   */
  constructor(memory: SharedArrayBuffer, index: number, spinUs = 0) {
    this.#words = new Int32Array(memory)
    this.#word = index * BLOCK_WORDS
    this.#spinMs = spinUs / 1000
    assert(index >= 0 && this.#word < this.#words.length, 'no such doorbell')
  }

  /** Wakes the owner if it is parked; one atomic load if it is not. Called after the work was published. */
  ring(): void {
    if (Atomics.load(this.#words, this.#word) === Waiting.Awake) return
    Atomics.store(this.#words, this.#word, Waiting.Awake)
    Atomics.notify(this.#words, this.#word)
  }

  /**
   * Blocks the owning thread until it is rung, or `timeoutMs` (may be Infinity) have passed; returns at once where
   * `hasWork` holds. False after the time-out. It may return without work; the caller looks and parks again.
   */
  park(timeoutMs: number, hasWork: () => boolean): boolean {
    if (this.#spin(hasWork)) return true
    if (!this.#announce(hasWork)) return true
    return this.#wake(Atomics.wait(this.#words, this.#word, Waiting.Parked, timeoutMs))
  }

  /**
   * As `park`, for a thread with an event loop, which goes on meanwhile. One wait at a time. Neither the wait nor its
   * time-out keeps a process alive; to end a wait, ring. Without a wait (there is work) the promise is settled already:
   * who loops over this gives the event loop its turn in another way.
   */
  parkAsync(timeoutMs: number, hasWork: () => boolean): Promise<boolean> {
    if (!this.#announce(hasWork)) return Promise.resolve(true)
    const wait = Atomics.waitAsync(this.#words, this.#word, Waiting.Parked, timeoutMs)
    if (!wait.async) return Promise.resolve(this.#wake(wait.value))
    return wait.value.then(outcome => this.#wake(outcome))
  }

  /** Looks for work until the time to spin is over; true once there is some. */
  #spin(hasWork: () => boolean): boolean {
    if (hasWork()) return true
    if (this.#spinMs === 0) return false
    const endMs = performance.now() + this.#spinMs
    do {
      for (let look = 0; look < SPIN_LOOKS; look++) if (hasWork()) return true
    } while (performance.now() < endMs)
    return false
  }

  /** Says that the owner will sleep; false where work arrived before everybody could see that. */
  #announce(hasWork: () => boolean): boolean {
    Atomics.store(this.#words, this.#word, Waiting.Parked)
    if (hasWork()) {
      Atomics.store(this.#words, this.#word, Waiting.Awake)
      return false
    }
    this.parks++
    return true
  }

  /** Ends a wait, whoever ended the sleep. */
  #wake(outcome: 'ok' | 'not-equal' | 'timed-out'): boolean {
    Atomics.store(this.#words, this.#word, Waiting.Awake)
    return outcome !== 'timed-out'
  }
}

/** Memory of `count` doorbells, all of threads that are awake. */
export function createDoorbells(count: number): SharedArrayBuffer {
  return new SharedArrayBuffer(count * BLOCK_WORDS * Int32Array.BYTES_PER_ELEMENT)
}
