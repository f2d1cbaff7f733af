// Everything that threads share, in one place. Main creates it once, at start, from the sizes of the configuration, and
// hands the same plain object to every thread it starts; nothing shared is created or grown later. The memory comes
// zeroed and costs nothing until it is touched, so generous sizes are cheap.
//
//   region              one per      writers                                     readers
//   ──────────────────  ───────────  ──────────────────────────────────────────  ───────────────
//   doorbells           process      everybody (see doorbell.ts)                  the one who waits
//   command rings       shard        main: records · shard: position              shard · main
//   report rings        shard        shard: records · main: position              main · shard
//   account table       process      main: terms · the account's shard: standing  main, shards
//   position tables     shard        the shard                                    main
//   quote table         process      main                                         shards
//   rate table          process      main                                         shards
//   halt table          process      main                                         shards
//   clock               process      main                                         shards
//   lanes               process      each thread its own · the writer: stores     main
//
// Doorbells and lanes are numbered alike: main, the writer, then the shards. Behind those there is a lane for each store,
// in which the writer counts.

import { assert } from '../base/assert.ts'
import { accountTableBytes } from './account-table.ts'
import { createDoorbells } from './doorbell.ts'
import { haltTableBytes } from './halt-table.ts'
import { positionTableBytes } from './position-table.ts'
import { quoteTableBytes } from './quote-table.ts'
import { rateTableBytes } from './rate-table.ts'
import { createRing, recordBytesMax } from './ring.ts'
import { SHARED_CLOCK_BYTES } from './shared-clock.ts'

export interface SharedMemorySizes {
  readonly shards: number
  /**
   * Powers of two. A command is at most a frame with its routing words, a report at most the answer to a command; a ring
   * has to hold some thousands of the usual ones (60 to 300 bytes), so that a shard's whole batch finds room.
   */
  readonly commandRingBytes: number
  readonly reportRingBytes: number
  /** 216 bytes each. */
  readonly accountsMax: number
  /** Pairs of account and ticker ever traded; 168 bytes each. */
  readonly positionsPerShardMax: number
  /** Tickers quoted or traded; 120 bytes each. */
  readonly tickersMax: number
  /** Pairs of currencies; 72 bytes each. */
  readonly ratesMax: number
  /** Destinations that can be halted; a byte each, as for accounts. */
  readonly destinationsMax: number
  /** Lanes: one per thread that counts, at least main, the writer and each shard; and one per store. */
  readonly lanes: number
  /** From the catalogue of metrics. */
  readonly laneBytes: number
}

/** Plain object of shared buffers: may be passed to a thread as it is, without a transfer list. */
export interface SharedMemory {
  readonly sizes: SharedMemorySizes
  readonly doorbells: SharedArrayBuffer
  /** Index: the shard's number. */
  readonly commandRings: readonly SharedArrayBuffer[]
  readonly reportRings: readonly SharedArrayBuffer[]
  readonly accounts: SharedArrayBuffer
  readonly positions: readonly SharedArrayBuffer[]
  readonly quotes: SharedArrayBuffer
  readonly rates: SharedArrayBuffer
  readonly halts: SharedArrayBuffer
  readonly clock: SharedArrayBuffer
  readonly lanes: SharedArrayBuffer
}

/** Numbers of the doorbells and lanes. */
export const MAIN_THREAD = 0
export const WRITER_THREAD = 1
const SHARD_THREADS = 2

/** Number of a shard's doorbell and lane. */
export function shardThread(shard: number): number {
  return SHARD_THREADS + shard
}

/** Number of a store's lane. */
export function storeLane(shards: number, store: number): number {
  return threadCount(shards) + store
}

/** Threads that have a doorbell and a lane. */
export function threadCount(shards: number): number {
  return SHARD_THREADS + shards
}

export function createSharedMemory(sizes: SharedMemorySizes): SharedMemory {
  assert(sizes.shards >= 1, 'at least one shard')
  assert(sizes.lanes >= threadCount(sizes.shards), 'a lane for each thread')
  assert(recordBytesMax(sizes.commandRingBytes) > 0 && recordBytesMax(sizes.reportRingBytes) > 0)
  const perShard = <T>(create: () => T): T[] => Array.from({ length: sizes.shards }, create)
  return {
    sizes,
    doorbells: createDoorbells(threadCount(sizes.shards)),
    commandRings: perShard(() => createRing(sizes.commandRingBytes)),
    reportRings: perShard(() => createRing(sizes.reportRingBytes)),
    accounts: new SharedArrayBuffer(accountTableBytes(sizes.accountsMax)),
    positions: perShard(() => new SharedArrayBuffer(positionTableBytes(sizes.positionsPerShardMax))),
    quotes: new SharedArrayBuffer(quoteTableBytes(sizes.tickersMax)),
    rates: new SharedArrayBuffer(rateTableBytes(sizes.ratesMax)),
    halts: new SharedArrayBuffer(haltTableBytes(sizes.destinationsMax, sizes.accountsMax)),
    clock: new SharedArrayBuffer(SHARED_CLOCK_BYTES),
    lanes: new SharedArrayBuffer(sizes.lanes * sizes.laneBytes),
  }
}
