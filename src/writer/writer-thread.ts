// The writer thread: copies the journals into the store, and keeps the journals' segments. One task of the thread pool
// that ends only when main stops it (everything durable is then in the store and confirmed) or when it fails.
//
//   start → open store → catch up with all journals → tell main → copy until stopped → copy the rest → confirm → end

import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import { Log, type LogLevelName } from '../base/log.ts'
import { definitionsFromData } from '../domain/definitions.ts'
import type { Durability } from '../journal/segment.ts'
import { SegmentKeeper } from '../journal/segment-keeper.ts'
import { WriterShared } from '../shared-memory/writer-shared.ts'
import { EmbeddedStore } from '../stores/embedded-store.ts'
import { Pacing } from './pacing.ts'
import { type JournalSource, StoreStream } from './store-stream.ts'
import { lowerThreadPriority } from './thread-priority.ts'

/** A journal with what its keeper has to know. */
export interface WriterJournal extends JournalSource {
  /** False for the journal of an earlier shard, which is copied at the start and then left alone. */
  readonly isAppended: boolean
}

/** Plain data, as it crosses from main into the thread. */
export interface WriterThreadOptions {
  /** Made by `createWriterShared` for these journals, in this order. */
  readonly shared: SharedArrayBuffer
  readonly journals: readonly WriterJournal[]
  readonly durability: Durability
  /** Size of the segments made ahead of time. */
  readonly segmentBytes: number
  /** The embedded store's file. */
  readonly storeFile: string
  /** As `definitionsFromData` takes them. */
  readonly definitions: unknown
  /** Most entries of a batch, and the size at which it is closed. */
  readonly batchRowsMax: number
  readonly batchBytesMax: number
  /** How long entries may wait in the journal for a batch of their own. */
  readonly batchAgeMs: number
  /** The store is confirmed after so many bytes of entries, and after so long where there are any. */
  readonly confirmBytes: number
  readonly confirmMs: number
  /** False where nothing is copied once the store has caught up; segments are looked after all the same. */
  readonly copiesAlways: boolean
  /** How far the store may fall behind while the processors are wanted by others. */
  readonly lagMaxMs: number
  /** How far the thread stands back behind the others: 0 to 19. */
  readonly nice: number
  readonly logLevel: LogLevelName
}

/** How often the keeper looks whether a spare segment is missing. */
const KEEP_MS = 200

export default async function writerThread(options: WriterThreadOptions): Promise<void> {
  const { journals, batchAgeMs, confirmBytes, confirmMs } = options
  const log = new Log({ component: 'writer', level: options.logLevel })
  const shared = new WriterShared(options.shared)
  const refusal = lowerThreadPriority(options.nice)
  if (refusal !== undefined) log.info('the thread keeps the priority of the process', { reason: refusal })

  const definitions = definitionsFromData(options.definitions)
  const store = EmbeddedStore.open({ file: options.storeFile, definitions })
  const stream = await StoreStream.open({ ...options, store, shared, log })
  const keepers = journals.map((journal, index) => new JournalKeeper(journal, index, options, shared, log))
  try {
    const copied = await stream.catchUp()
    await stream.confirm()
    log.info('the store has what the journals hold', { copied })
    shared.publishCaughtUp()

    const pacing = new Pacing(options.lagMaxMs)
    let confirmedAtMs = performance.now()
    for (;;) {
      // Read first: what was published before the stop is then copied below.
      const isStopping = shared.isStopping
      pacing.begin(durableTotal(shared))
      const entries = options.copiesAlways ? await stream.round() : 0
      const restMs = isStopping || entries === 0 ? 0 : pacing.restMs(durableTotal(shared), lagMs(shared))
      const now = performance.now()
      const isDue = now - confirmedAtMs >= confirmMs && stream.hasUnconfirmed
      if (isDue || stream.unconfirmedBytes >= confirmBytes) {
        await stream.confirm()
        confirmedAtMs = now
      }
      for (const keeper of keepers) keeper.tend(now)
      if (restMs > 0) await shared.doorbell.parkAsync(restMs, () => shared.isStopping)
      else if (entries > 0) await eventLoopTurn()
      else if (isStopping) break
      else await shared.doorbell.parkAsync(batchAgeMs, () => shared.isStopping)
    }
    await stream.confirm()
    await Promise.all(keepers.map(keeper => keeper.finish()))
  } finally {
    stream.close()
    await store.close()
  }
}

/** Counts what all journals hold durably. */
function durableTotal(shared: WriterShared): number {
  let total = 0
  for (let journal = 0; journal < shared.journals; journal++) total += shared.durableNext(journal)
  return total
}

/** How far the store is behind the journal that it lacks most of. */
function lagMs(shared: WriterShared): number {
  let seconds = 0
  for (let journal = 0; journal < shared.journals; journal++) seconds = Math.max(seconds, shared.lag(journal).seconds)
  return 1000 * seconds
}

/** Calls the keeper of one journal's segments now and then, and tells when it cannot do its work. */
class JournalKeeper {
  readonly #keeper: SegmentKeeper | undefined
  readonly #journal: WriterJournal
  readonly #index: number
  readonly #shared: WriterShared
  readonly #log: Log
  #round: Promise<void> | undefined
  #tendedAtMs = Number.NEGATIVE_INFINITY
  #isFailing = false

  constructor(journal: WriterJournal, index: number, options: WriterThreadOptions, shared: WriterShared, log: Log) {
    const { durability, segmentBytes } = options
    this.#keeper = journal.isAppended
      ? new SegmentKeeper({ directory: journal.directory, durability, segmentBytes })
      : undefined
    this.#journal = journal
    this.#index = index
    this.#shared = shared
    this.#log = log
  }

  /** Begins a round where one is due and the shard has begun; does not wait for it. */
  tend(nowMs: number): void {
    if (this.#keeper === undefined || this.#round !== undefined || nowMs - this.#tendedAtMs < KEEP_MS) return
    if (this.#shared.durableNext(this.#index) === 0) return
    this.#tendedAtMs = nowMs
    this.#keeper.confirm(this.#shared.confirmed(this.#index))
    this.#round = this.#tend(this.#keeper).finally(() => {
      this.#round = undefined
    })
  }

  async finish(): Promise<void> {
    await this.#round
  }

  async #tend(keeper: SegmentKeeper): Promise<void> {
    const { failure } = await keeper.tend()
    const isFailing = failure !== undefined
    if (isFailing === this.#isFailing) return
    this.#isFailing = isFailing
    const journal = this.#journal.name
    if (isFailing) this.#log.warning('segments cannot be looked after', { journal, error: failure })
    else this.#log.info('segments are looked after again', { journal })
  }
}
