// One store's ordered stream: the entries of all journals, in batches, each applied exactly once because the store
// itself remembers in the same transaction how far it got. A store that is away is tried again with growing pauses and
// keeps nothing else waiting; what it lacks stays in the journals, so memory holds one batch whatever the lag.
//
//   read position ─→ [ fill batch from the journal ─→ apply ─→ publish stored ] … ─→ confirm ─→ publish confirmed
//                                                     │ store away: pause, apply the same batch again
//
// Nothing between two of these steps is remembered outside the store: a process killed anywhere begins again at the
// store's position.

import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../base/log.ts'
import { JournalReader } from '../journal/journal-reader.ts'
import type { WriterShared } from '../shared-memory/writer-shared.ts'
import { EventBatch } from '../stores/event-batch.ts'
import { type OrderStore, StoreMismatch, StoreUnavailable } from '../stores/order-store.ts'

/** A journal the writer copies; its number is its place in the list. */
export interface JournalSource {
  /** By which the store remembers its position; stays the same for the life of the journal. */
  readonly name: string
  readonly directory: string
}

export interface StoreStreamOptions {
  readonly store: OrderStore
  readonly journals: readonly JournalSource[]
  readonly shared: WriterShared
  /** Most entries of a batch. */
  readonly batchRowsMax: number
  /** A batch is closed once its entries reach this size. */
  readonly batchBytesMax: number
  /** What an operator has to know; each state is told once, when it is entered. */
  readonly log: StreamLog
  /** For pauses between attempts, in ms: the first, and the longest that doubling leads to. */
  readonly retryMs?: { readonly first: number; readonly longest: number }
}

export type StreamLog = Pick<Log, 'info' | 'warning' | 'error'>

/** Entries taken from the journal between two looks at the size of the batch. */
const READ_ENTRIES = 256

/** One journal as the stream sees it. */
interface Tail {
  readonly source: JournalSource
  readonly index: number
  readonly reader: JournalReader
  /** The store's position. */
  stored: number
  confirmed: number
  /** The lag in time: `next` had become durable when it was first seen, at `sinceMs`. */
  mark: { next: number; sinceMs: number }
}

export class StoreStream {
  readonly #options: StoreStreamOptions
  readonly #batch: EventBatch
  #tails: Tail[] = []
  #entries = 0
  #bytes = 0
  /** Bytes applied since the last confirmation. */
  unconfirmedBytes = 0

  /** Asks the store where it is. @throws StoreUnavailable */
  static async open(options: StoreStreamOptions): Promise<StoreStream> {
    const stream = new StoreStream(options)
    const positions = await options.store.positions()
    stream.#tails = options.journals.map((source, index) => {
      const stored = positions.get(source.name) ?? 0
      options.shared.publishStored(index, stored)
      const reader = JournalReader.open(source.directory, stored + 1)
      return { source, index, reader, stored, confirmed: 0, mark: { next: 0, sinceMs: 0 } }
    })
    return stream
  }

  private constructor(options: StoreStreamOptions) {
    this.#options = options
    this.#batch = new EventBatch(options.batchRowsMax, Math.min(options.batchBytesMax, 1 << 20))
  }

  /**
   * Before anybody appends: copies all that the journals hold, also those no shard appends to any more.
   * @throws JournalDamaged, JournalTrimmed, StoreMismatch, StoreUnavailable: the server must not start.
   */
  async catchUp(): Promise<number> {
    let copied = 0
    for (const tail of this.#tails) {
      for (;;) {
        const next = this.#options.shared.durableNext(tail.index)
        const entries = this.#fill(tail, next === 0 ? undefined : next)
        if (entries === 0) break
        await this.#apply(tail)
        copied += entries
      }
    }
    return copied
  }

  /**
   * One round over all journals whose shards have published: at most one batch from each.
   * @returns how many entries were copied.
   */
  async round(): Promise<number> {
    let copied = 0
    for (const tail of this.#tails) {
      const next = this.#options.shared.durableNext(tail.index)
      this.#markLag(tail, next)
      if (next === 0) continue
      const entries = this.#fill(tail, next)
      if (entries === 0) continue
      await this.#applyUntilDone(tail)
      copied += entries
      this.#publishLag(tail)
    }
    return copied
  }

  /** Makes the store's positions safe and publishes them; the journals may drop what lies before. */
  async confirm(): Promise<void> {
    const positions = await this.#options.store.confirm()
    this.unconfirmedBytes = 0
    for (const tail of this.#tails) {
      tail.confirmed = positions.get(tail.source.name) ?? 0
      this.#options.shared.publishConfirmed(tail.index, tail.confirmed)
    }
  }

  /** True where the store has something that is not confirmed. */
  get hasUnconfirmed(): boolean {
    return this.#tails.some(tail => tail.stored > tail.confirmed)
  }

  close(): void {
    for (const tail of this.#tails) tail.reader.close()
  }

  /** Takes the following entries of the journal into the batch; returns how many. */
  #fill(tail: Tail, untilSequence: number | undefined): number {
    const batch = this.#batch
    const { reader, source } = tail
    batch.begin(source.name)
    if (untilSequence !== undefined && untilSequence < reader.nextSequence) {
      throw new StoreMismatch(
        `the store has journal ${source.name} up to ${reader.nextSequence - 1}, but the journal ends at ${untilSequence - 1}`,
      )
    }
    for (;;) {
      const room = Math.min(READ_ENTRIES, batch.rowsMax - batch.count)
      if (room === 0 || batch.sizeBytes >= this.#options.batchBytesMax) break
      const limits = untilSequence === undefined ? { entriesMax: room } : { entriesMax: room, untilSequence }
      if (reader.read((sequence, bytes, offset, length) => batch.add(sequence, bytes, offset, length), limits) < room) {
        break
      }
    }
    return batch.count
  }

  async #apply(tail: Tail): Promise<void> {
    const batch = this.#batch
    const setAside = await this.#options.store.apply(batch)
    tail.stored = batch.lastSequence
    this.#entries += batch.count
    this.#bytes += batch.sizeBytes
    this.unconfirmedBytes += batch.sizeBytes
    this.#options.shared.publishStored(tail.index, tail.stored)
    for (const { journal, sequence, reason } of setAside) {
      this.#options.log.error('an entry cannot be stored and was set aside', { journal, sequence, reason })
    }
  }

  /** Applies the batch, however long the store stays away. */
  async #applyUntilDone(tail: Tail): Promise<void> {
    const { store, log, shared, retryMs = { first: 100, longest: 10_000 } } = this.#options
    let pauseMs = retryMs.first
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#apply(tail)
        if (attempt > 1) log.info('the store takes rows again', { store: store.name, failedAttempts: attempt - 1 })
        return
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        if (attempt === 1)
          log.warning('the store is away; the journals keep what it lacks', { store: store.name, error })
        // Who stops the server does not wait for a store that is away: the next start goes on from here.
        if (shared.isStopping) throw error
        this.#markLag(tail, shared.durableNext(tail.index))
        this.#publishLag(tail)
        await pause(pauseMs)
        pauseMs = Math.min(2 * pauseMs, retryMs.longest)
      }
    }
  }

  /** Once the store has what was marked, marks what is durable now. */
  #markLag(tail: Tail, next: number): void {
    if (tail.stored + 1 >= tail.mark.next) tail.mark = { next, sinceMs: performance.now() }
  }

  #publishLag(tail: Tail): void {
    const isBehind = tail.stored + 1 < tail.mark.next
    const seconds = isBehind ? (performance.now() - tail.mark.sinceMs) / 1000 : 0
    this.#options.shared.publishLag(tail.index, seconds, this.#entries === 0 ? 0 : this.#bytes / this.#entries)
  }
}
