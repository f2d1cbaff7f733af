// What the writer thread shares with the shards and with main, one block of memory for each pair of writer and journal:
//
//   | doorbell | control                | per journal: durable next | stored, confirmed, lag           |
//     main       stop: main               shard                       writer thread
//                state: writer thread
//
// A shard publishes the sequence that follows its last durable entry, after each commit; the writer copies what lies
// before it, and never looks at a block that is on its way to the disk. The writer publishes how far the store is.

import { assert } from '../base/assert.ts'
import { BLOCK_BYTES } from './blocks.ts'
import { Doorbell } from './doorbell.ts'

const DOORBELL = 0
const STOP = BLOCK_BYTES
const STATE = 2 * BLOCK_BYTES
const JOURNALS = 3 * BLOCK_BYTES
// Of each journal, in bytes from the start of its two blocks.
const DURABLE_NEXT = 0
const STORED = BLOCK_BYTES
const CONFIRMED = STORED + 8
const LAG_US = CONFIRMED + 8
const ENTRY_BYTES = LAG_US + 8
const JOURNAL_BYTES = 2 * BLOCK_BYTES
assert(ENTRY_BYTES + 8 <= JOURNAL_BYTES)

const State = { CatchingUp: 0, CaughtUp: 1 } as const

/** How far the store lies behind a journal. */
export interface WriterLag {
  records: number
  /** Estimated from the mean size of the entries copied so far. */
  bytes: number
  /** Age of the oldest record the store does not have; 0 where it has all. */
  seconds: number
}

export function createWriterShared(journals: number): SharedArrayBuffer {
  return new SharedArrayBuffer(JOURNALS + journals * JOURNAL_BYTES)
}

/** A thread's view of the memory. Journals are numbered as in the writer's options; sequences are whole, below 2^53. */
export class WriterShared {
  readonly journals: number
  readonly doorbell: Doorbell
  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #longs: BigInt64Array<SharedArrayBuffer>

  constructor(memory: SharedArrayBuffer) {
    this.journals = (memory.byteLength - JOURNALS) / JOURNAL_BYTES
    assert(Number.isInteger(this.journals) && this.journals >= 0, 'not the memory of a writer')
    this.doorbell = new Doorbell(memory, DOORBELL)
    this.#words = new Int32Array(memory)
    this.#longs = new BigInt64Array(memory)
  }

  /** By the journal's shard, after each commit, and once before its first: everything before `sequence` is durable. */
  publishDurable(journal: number, sequence: number): void {
    this.#store(journal, DURABLE_NEXT, sequence)
  }

  /** 0 until the journal's shard has published it for the first time. */
  durableNext(journal: number): number {
    return this.#load(journal, DURABLE_NEXT)
  }

  /** By the writer: the last sequence the store has. */
  publishStored(journal: number, sequence: number): void {
    this.#store(journal, STORED, sequence)
  }

  /** Last sequence that readers of the store see. */
  stored(journal: number): number {
    return this.#load(journal, STORED)
  }

  /** By the writer: the last sequence that the store keeps through a power failure. */
  publishConfirmed(journal: number, sequence: number): void {
    this.#store(journal, CONFIRMED, sequence)
  }

  /** The journal needs to keep only what follows this sequence. */
  confirmed(journal: number): number {
    return this.#load(journal, CONFIRMED)
  }

  /** By the writer. `entryBytes` is the mean size of an entry. */
  publishLag(journal: number, seconds: number, entryBytes: number): void {
    this.#store(journal, LAG_US, Math.round(seconds * 1e6))
    this.#store(journal, ENTRY_BYTES, Math.round(entryBytes))
  }

  lag(journal: number): WriterLag {
    const next = this.durableNext(journal)
    const records = next === 0 ? 0 : Math.max(0, next - 1 - this.stored(journal))
    const bytes = records * this.#load(journal, ENTRY_BYTES)
    return { records, bytes, seconds: this.#load(journal, LAG_US) / 1e6 }
  }

  /** By main, once no shard publishes any more: the writer copies the rest, confirms it and ends. */
  stop(): void {
    Atomics.store(this.#words, STOP >> 2, 1)
    this.doorbell.ring()
  }

  get isStopping(): boolean {
    return Atomics.load(this.#words, STOP >> 2) === 1
  }

  /** By the writer: the store has everything the journals held when it started. */
  publishCaughtUp(): void {
    Atomics.store(this.#words, STATE >> 2, State.CaughtUp)
    Atomics.notify(this.#words, STATE >> 2)
  }

  /** Settles once the store has caught up. Does not keep the process alive, and does not settle if the writer fails. */
  async caughtUp(): Promise<void> {
    while (Atomics.load(this.#words, STATE >> 2) !== State.CaughtUp) {
      const wait = Atomics.waitAsync(this.#words, STATE >> 2, State.CatchingUp)
      if (wait.async) await wait.value
    }
  }

  #load(journal: number, offset: number): number {
    return Number(Atomics.load(this.#longs, (JOURNALS + journal * JOURNAL_BYTES + offset) >> 3))
  }

  #store(journal: number, offset: number, value: number): void {
    Atomics.store(this.#longs, (JOURNALS + journal * JOURNAL_BYTES + offset) >> 3, BigInt(value))
  }
}
