// What the writer thread shares with the shards and with main: how far the journals are, and how far each store is in
// each journal. Stores are numbered as in the writer's options, journals as well.
//
//   | doorbell | control        | per journal:     | per store: | per store and journal          |
//     main       stop: main      durable, begins    state        stored, confirmed, lag
//                rest: writer    see below          writer       writer
//
// A shard publishes the sequence that follows its last durable entry, after each commit; the writer copies what lies
// before it, and never looks at a block that is on its way to the disk. The writer publishes how far the stores are.
//
// The last store may be a stand-in: a file that takes the place of stores none of which answers at the start. It is built
// from the journals alone and does not keep them from being deleted, nor hold them.

import { assert } from '../base/assert.ts'
import { BLOCK_BYTES } from './blocks.ts'
import { Doorbell } from './doorbell.ts'

const DOORBELL = 0
const STOP = BLOCK_BYTES
const CONTROL = 2 * BLOCK_BYTES
// In the block of control, in bytes: written once where the memory is made, but for the last.
const JOURNAL_COUNT = CONTROL
const STORE_COUNT = CONTROL + 4
const HAS_STAND_IN = CONTROL + 8
const CAUGHT_UP = CONTROL + 12
const JOURNALS = 3 * BLOCK_BYTES
// Of each journal, in bytes from the start of its two blocks: the first is written by its shard.
const DURABLE_NEXT = 0
const BEGINS_AT = BLOCK_BYTES
const JOURNAL_BYTES = 2 * BLOCK_BYTES
// Of each store in each journal.
const STORED = 0
const CONFIRMED = 8
const LAG_US = 16
const ENTRY_BYTES = 24
const PAIR_BYTES = 32
assert(BLOCK_BYTES % PAIR_BYTES === 0)

/** How a store is, as the writer sees it. */
export const StoreState = {
  /** Has not answered yet in this run. */
  Opening: 0,
  /** Takes rows, and lacks entries that the journals had when it was opened. */
  CatchingUp: 1,
  /** Takes rows as they come. */
  Following: 2,
  /** Does not answer. It is tried again, as in the three states that follow. */
  Away: 3,
  /** Answers, and takes no rows: it may be read. */
  ReadOnly: 4,
  /** Has no room for rows: it may be read. */
  Full: 5,
  /** Has too much to do. */
  Busy: 6,
  /** The journals do not hold any more what it lacks. */
  NeedsRebuild: 7,
  /** Is not what the journals say, or belongs to somebody else: it is neither written nor read. */
  Refused: 8,
  /** A stand-in that is not needed. */
  Unused: 9,
} as const
export type StoreState = (typeof StoreState)[keyof typeof StoreState]

/** The states in words, in their order. */
export const STORE_STATE_NAMES = [
  'opening',
  'catching up',
  'following',
  'away',
  'read only',
  'full',
  'busy',
  'needs rebuild',
  'refused',
  'unused',
] as const
export type StoreStateName = (typeof STORE_STATE_NAMES)[number]

/** Which stores a question is put to before others: a smaller number first, none for those that must not be read. */
const READ_RANKS: Readonly<Record<StoreState, number | undefined>> = {
  [StoreState.Following]: 0,
  [StoreState.Full]: 1,
  [StoreState.ReadOnly]: 1,
  [StoreState.Busy]: 1,
  [StoreState.CatchingUp]: 2,
  [StoreState.Away]: 3,
  // It answers others before it answered the writer only by chance.
  [StoreState.Opening]: 4,
  [StoreState.NeedsRebuild]: undefined,
  [StoreState.Refused]: undefined,
  [StoreState.Unused]: undefined,
}

/** Stores that are behind by less than this are as good as each other. */
const LEVEL_SECONDS = 2

/** How far a store lies behind a journal, or behind all of them. */
export interface WriterLag {
  records: number
  /** Estimated from the mean size of the entries copied so far. */
  bytes: number
  /** Age of the oldest record the store does not have; 0 where it has all. */
  seconds: number
}

/**
 * @param stores how many stores there are, the stand-in included where there may be one.
 * @param hasStandIn the last of them is a stand-in.
 */
export function createWriterShared(journals: number, stores = 1, hasStandIn = false): SharedArrayBuffer {
  assert(stores >= (hasStandIn ? 2 : 1), 'a writer has a store')
  const memory = new SharedArrayBuffer(sizeBytes(journals, stores))
  const words = new Int32Array(memory)
  words[JOURNAL_COUNT >> 2] = journals
  words[STORE_COUNT >> 2] = stores
  words[HAS_STAND_IN >> 2] = hasStandIn ? 1 : 0
  if (hasStandIn) words[stateAt(journals, stores - 1) >> 2] = StoreState.Unused
  return memory
}

function stateAt(journals: number, store: number): number {
  return JOURNALS + journals * JOURNAL_BYTES + store * BLOCK_BYTES
}

function pairAt(journals: number, stores: number, journal: number, store: number): number {
  return stateAt(journals, stores) + (store * journals + journal) * PAIR_BYTES
}

function sizeBytes(journals: number, stores: number): number {
  return pairAt(journals, stores, 0, stores)
}

/** A thread's view of the memory. Sequences are whole, below 2^53. */
export class WriterShared {
  readonly journals: number
  readonly stores: number
  /** The stores that hold the journals: all but the stand-in. */
  readonly endpoints: number
  readonly doorbell: Doorbell
  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #longs: BigInt64Array<SharedArrayBuffer>

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory)
    this.#longs = new BigInt64Array(memory)
    this.journals = this.#words[JOURNAL_COUNT >> 2]!
    this.stores = this.#words[STORE_COUNT >> 2]!
    this.endpoints = this.stores - this.#words[HAS_STAND_IN >> 2]!
    assert(memory.byteLength === sizeBytes(this.journals, this.stores), 'not the memory of a writer')
    this.doorbell = new Doorbell(memory, DOORBELL)
  }

  /** Number of the stand-in, or undefined where there never is one. */
  get standIn(): number | undefined {
    return this.endpoints < this.stores ? this.endpoints : undefined
  }

  /**
   * By the journal's shard, after each commit, and once before its first: everything before `sequence` is durable. By the
   * writer for a journal that no shard appends to.
   */
  publishDurable(journal: number, sequence: number): void {
    this.#store(this.#ofJournal(journal) + DURABLE_NEXT, sequence)
  }

  /** 0 until it has been published for the first time. */
  durableNext(journal: number): number {
    return this.#load(this.#ofJournal(journal) + DURABLE_NEXT)
  }

  /** By the writer, before it says that a store has caught up: the first sequence of a journal that is begun now. */
  publishBeginning(journal: number, sequence: number): void {
    this.#store(this.#ofJournal(journal) + BEGINS_AT, sequence)
  }

  /** The first sequence of the journal where it is begun now: what follows the stores' position, usually 1. */
  beginning(journal: number): number {
    return Math.max(1, this.#load(this.#ofJournal(journal) + BEGINS_AT))
  }

  /** By the writer: the last sequence the store has. */
  publishStored(journal: number, store: number, sequence: number): void {
    this.#store(this.#ofPair(journal, store) + STORED, sequence)
  }

  /** Last sequence that readers of the store see. */
  stored(journal: number, store: number): number {
    return this.#load(this.#ofPair(journal, store) + STORED)
  }

  /** By the writer: the last sequence that the store keeps through a power failure. */
  publishConfirmed(journal: number, store: number, sequence: number): void {
    this.#store(this.#ofPair(journal, store) + CONFIRMED, sequence)
  }

  /**
   * The journal needs to keep only what follows this sequence: every store that takes part has the rest. One that is
   * away takes part; one that needs a rebuild or is refused does not, and where no store is left, all is kept.
   */
  confirmed(journal: number): number {
    let least: number | undefined
    for (let store = 0; store < this.endpoints; store++) {
      if (!this.takesPart(store)) continue
      const confirmed = this.#load(this.#ofPair(journal, store) + CONFIRMED)
      if (least === undefined || confirmed < least) least = confirmed
    }
    return least ?? 0
  }

  /** Whether the journals wait for the store. */
  takesPart(store: number): boolean {
    const state = this.state(store)
    return store < this.endpoints && state !== StoreState.NeedsRebuild && state !== StoreState.Refused
  }

  /** By the writer. `entryBytes` is the mean size of an entry. */
  publishLag(journal: number, store: number, seconds: number, entryBytes: number): void {
    const at = this.#ofPair(journal, store)
    this.#store(at + LAG_US, Math.round(seconds * 1e6))
    this.#store(at + ENTRY_BYTES, Math.round(entryBytes))
  }

  lag(journal: number, store: number): WriterLag {
    const next = this.durableNext(journal)
    const records = next === 0 ? 0 : Math.max(0, next - 1 - this.stored(journal, store))
    const at = this.#ofPair(journal, store)
    return { records, bytes: records * this.#load(at + ENTRY_BYTES), seconds: this.#load(at + LAG_US) / 1e6 }
  }

  /** Over all journals: sums, and the age of the oldest. */
  totalLag(store: number): WriterLag {
    const total: WriterLag = { records: 0, bytes: 0, seconds: 0 }
    for (let journal = 0; journal < this.journals; journal++) {
      const { records, bytes, seconds } = this.lag(journal, store)
      total.records += records
      total.bytes += bytes
      total.seconds = Math.max(total.seconds, seconds)
    }
    return total
  }

  /** By the writer. */
  publishState(store: number, state: StoreState): void {
    Atomics.store(this.#words, stateAt(this.journals, store) >> 2, state)
  }

  state(store: number): StoreState {
    return Atomics.load(this.#words, stateAt(this.journals, store) >> 2) as StoreState // only states are stored
  }

  /**
   * The stores to be asked about what a journal holds, one after the other until one answers: those that are up to date
   * first, in the order of the configuration; the stand-in behind others that are as good; none that must not be read.
   */
  storesToTry(journal: number): number[] {
    const ranked: { store: number; rank: number; behind: number }[] = []
    for (let store = 0; store < this.stores; store++) {
      const rank = READ_RANKS[this.state(store)]
      if (rank === undefined) continue
      const { seconds, records } = this.lag(journal, store)
      ranked.push({ store, rank, behind: seconds <= LEVEL_SECONDS ? 0 : records })
    }
    return ranked.sort((a, b) => a.rank - b.rank || a.behind - b.behind || a.store - b.store).map(({ store }) => store)
  }

  /** By main, once no shard publishes any more: the writer copies the rest, confirms it and ends. */
  stop(): void {
    Atomics.store(this.#words, STOP >> 2, 1)
    this.doorbell.ring()
  }

  get isStopping(): boolean {
    return Atomics.load(this.#words, STOP >> 2) === 1
  }

  /** By the writer: this store has everything the journals held when the writer started. Only the first counts. */
  publishCaughtUp(store: number): void {
    Atomics.compareExchange(this.#words, CAUGHT_UP >> 2, 0, 1 + store)
    Atomics.notify(this.#words, CAUGHT_UP >> 2)
  }

  /** Number of the store that was the first to catch up; undefined before. */
  get caughtUpStore(): number | undefined {
    const word = Atomics.load(this.#words, CAUGHT_UP >> 2)
    return word === 0 ? undefined : word - 1
  }

  /**
   * Settles once a store has caught up, with the number of the first. Does not keep the process alive, and does not settle
   * if the writer fails.
   */
  async caughtUp(): Promise<number> {
    for (;;) {
      const store = this.caughtUpStore
      if (store !== undefined) return store
      const wait = Atomics.waitAsync(this.#words, CAUGHT_UP >> 2, 0)
      if (wait.async) await wait.value
    }
  }

  #ofJournal(journal: number): number {
    assert(journal < this.journals, 'no such journal')
    return JOURNALS + journal * JOURNAL_BYTES
  }

  #ofPair(journal: number, store: number): number {
    assert(journal < this.journals && store < this.stores, 'no such store or journal')
    return pairAt(this.journals, this.stores, journal, store)
  }

  #load(at: number): number {
    return Number(Atomics.load(this.#longs, at >> 3))
  }

  #store(at: number, value: number): void {
    Atomics.store(this.#longs, at >> 3, BigInt(value))
  }
}
