// A store that is open, and the journals it is brought to the end of: one batch after the other, each applied exactly
// once because the store itself remembers in the same transaction how far it got. Steps only: what to do about a store
// that fails is its stream's business. What the store lacks stays in the journals, so memory holds one batch whatever
// the lag.
//
//   read position ─→ [ fill batch from the journal ─→ apply ─→ publish stored ] … ─→ confirm ─→ publish confirmed
//                                                     │ failed: the next step applies the same batch again
//
// Nothing between two of these steps is remembered outside the store: a process killed anywhere begins again at the
// store's position.

import type { Log } from '../base/log.ts'
import { JournalTrimmed } from '../journal/journal-errors.ts'
import { type JournalRange, journalRange } from '../journal/journal-range.ts'
import { JournalReader } from '../journal/journal-reader.ts'
import { listSegments } from '../journal/segment.ts'
import { traceOf } from '../protocol/order-trace.ts'
import type { WriterShared } from '../shared-memory/writer-shared.ts'
import { EventBatch } from '../stores/event-batch.ts'
import { type JournalPositions, type OrderStore, type PieceByPiece, StoreMismatch } from '../stores/order-store.ts'
import type { StoreMeter } from './store-meter.ts'

/** A journal the writer copies; its number is its place in the list. */
export interface JournalSource {
  /** By which the store remembers its position; stays the same for the life of the journal. */
  readonly name: string
  readonly directory: string
}

export type StreamLog = Pick<Log, 'info' | 'warning' | 'error'> & Partial<Pick<Log, 'isDebug' | 'debug'>>

export interface StoreSessionOptions {
  readonly store: OrderStore
  /** The store's number in the shared memory. */
  readonly number?: number
  readonly journals: readonly JournalSource[]
  /** What the journals held when the writer started; read from them where it is not given. */
  readonly ranges?: readonly JournalRange[]
  /** Where accounts moved from one journal to another: see `Beginning`. */
  readonly changes?: readonly (readonly number[])[]
  readonly shared: WriterShared
  /** Most entries of a batch. */
  readonly batchRowsMax: number
  /** A batch is closed once its entries reach this size. */
  readonly batchBytesMax: number
  /** The batch to be used, where one is left from an earlier session. */
  readonly batch?: EventBatch
  readonly meter?: Pick<StoreMeter, 'applied'>
  readonly log: StreamLog
}

/** Entries taken from the journal between two looks at the size of the batch. */
const READ_ENTRIES = 256

/** One journal as the session sees it. */
interface Tail {
  readonly source: JournalSource
  readonly index: number
  reader: JournalReader
  /** Sequence that followed the last entry there was when the writer started. */
  readonly nextAtStart: number
  /** Sequence that followed the last entry when the session began, or was told to aim at it: there it has caught up. */
  nextAtOpening: number
  /** The store's position. */
  stored: number
  confirmed: number
  /** The lag in time: `next` had become durable when it was first seen, at `sinceMs`. */
  mark: { next: number; sinceMs: number }
}

export class StoreSession {
  readonly store: OrderStore
  readonly batch: EventBatch
  readonly #options: StoreSessionOptions
  readonly #number: number
  #tails: Tail[] = []
  /** Whose entries the batch holds that could not be applied yet. */
  #pending: Tail | undefined
  #entries = 0
  #bytes = 0
  /** Bytes applied since the last confirmation. */
  unconfirmedBytes = 0

  /**
   * Asks the store where it is.
   * @throws StoreUnavailable
   * @throws StoreMismatch where it has more of a journal than there is.
   * @throws JournalTrimmed where a journal does not hold any more what it lacks.
   */
  static async open(options: StoreSessionOptions): Promise<StoreSession> {
    const session = new StoreSession(options)
    session.#begin(await options.store.positions())
    return session
  }

  private constructor(options: StoreSessionOptions) {
    this.#options = options
    this.#number = options.number ?? 0
    this.store = options.store
    this.batch = options.batch ?? new EventBatch(options.batchRowsMax, Math.min(options.batchBytesMax, 1 << 20))
  }

  #begin(positions: JournalPositions): void {
    const { journals, ranges, shared } = this.#options
    this.#tails = journals.map((source, index): Tail => {
      const range = ranges?.[index] ?? journalRange(source.directory)
      const stored = positions.get(source.name) ?? 0
      const next = Math.max(range.next, shared.durableNext(index))
      this.#checkPosition(source, stored, next)
      shared.publishStored(index, this.#number, stored)
      return {
        source,
        index,
        reader: JournalReader.open(source.directory, stored + 1),
        nextAtStart: range.next,
        nextAtOpening: next,
        stored,
        confirmed: 0,
        mark: { next: 0, sinceMs: 0 },
      }
    })
  }

  /** Reads everything that the journals hold so far into the store. */
  async catchUp(): Promise<number> {
    let copied = 0
    for (let entries = -1; entries !== 0; ) {
      entries = await this.round()
      copied += entries
    }
    return copied
  }

  /**
   * One round over all journals: at most one batch from each. After a failure the next round applies the same batch again.
   * @param entriesMax most new entries of the round, in equal parts from all journals.
   * @param pieces where the batches are to go piece by piece.
   * @returns how many entries were copied.
   * @throws StoreUnavailable, StoreMismatch, JournalTrimmed, JournalDamaged
   */
  async round(entriesMax = Number.POSITIVE_INFINITY, pieces?: PieceByPiece): Promise<number> {
    const rowsMax = Math.min(this.batch.rowsMax, Math.ceil(entriesMax / this.#tails.length))
    let copied = this.#pending === undefined ? 0 : await this.#apply(this.#pending, pieces)
    for (const tail of this.#tails) {
      this.#markLag(tail)
      if (this.#fill(tail, rowsMax) === 0) continue
      copied += await this.#apply(tail, pieces)
    }
    return copied
  }

  /** Makes the store's positions safe and publishes them; the journals may drop what lies before. */
  async confirm(): Promise<void> {
    const positions = await this.store.confirm()
    this.unconfirmedBytes = 0
    for (const tail of this.#tails) {
      tail.confirmed = positions.get(tail.source.name) ?? 0
      this.#options.shared.publishConfirmed(tail.index, this.#number, tail.confirmed)
    }
  }

  /**
   * Asks the store again where it is, since somebody else writes to the same tables: another server of its cluster, which
   * this writer feeds as well. What was under way is forgotten.
   * @returns whether it has moved.
   */
  async follow(): Promise<boolean> {
    this.#pending = undefined
    const positions = await this.store.positions()
    let hasMoved = false
    for (const tail of this.#tails) {
      const stored = positions.get(tail.source.name) ?? 0
      this.#markLag(tail)
      if (stored === tail.stored) continue
      hasMoved = true
      this.#checkPosition(tail.source, stored, this.#next(tail))
      tail.stored = stored
      tail.reader.close()
      tail.reader = JournalReader.open(tail.source.directory, stored + 1)
      this.#options.shared.publishStored(tail.index, this.#number, stored)
      this.#publishLag(tail)
    }
    return hasMoved
  }

  /** What the store has, as far as this session knows. */
  get positions(): ReadonlyMap<string, number> {
    return new Map(this.#tails.map(({ source, stored }) => [source.name, stored]))
  }

  /** The end of the batch that was being applied, by journal: it may be in after all. */
  get underWay(): ReadonlyMap<string, number> {
    return new Map(this.#pending === undefined ? [] : [[this.#pending.source.name, this.batch.lastSequence]])
  }

  /** True once the store has what the journals held when the session began. */
  get hasCaughtUp(): boolean {
    return this.#tails.every(({ stored, nextAtOpening }) => stored + 1 >= nextAtOpening)
  }

  /** After a time of failures the store has caught up only once it has what there is by now. */
  aimAtEnd(): void {
    for (const tail of this.#tails) tail.nextAtOpening = this.#next(tail)
  }

  /** True where nothing durable is left to be copied. */
  get hasAll(): boolean {
    return this.#tails.every(tail => tail.stored + 1 >= this.#next(tail))
  }

  /** True where the store has something that is not confirmed. */
  get hasUnconfirmed(): boolean {
    return this.#tails.some(tail => tail.stored > tail.confirmed)
  }

  /** Looks how far the store has fallen behind, while it takes nothing. */
  measureLag(): void {
    for (const tail of this.#tails) {
      this.#markLag(tail)
      this.#publishLag(tail)
    }
  }

  /** Lets go of the journals; the store stays open. */
  close(): void {
    for (const tail of this.#tails) tail.reader.close()
  }

  #checkPosition(source: JournalSource, stored: number, next: number): void {
    if (stored >= next) {
      throw new StoreMismatch(
        `the store has journal ${source.name} up to entry ${stored}, but the journal ends at ${next - 1}`,
      )
    }
    const oldest = listSegments(source.directory)[0]?.firstSequence
    if (oldest !== undefined && oldest > stored + 1) throw new JournalTrimmed(source.directory, stored + 1, oldest)
    // A journal that begins behind what the store has, before its first segment is there.
    if (oldest === undefined && next > stored + 1) throw new JournalTrimmed(source.directory, stored + 1, next)
  }

  /** The sequence before which everything is durable. */
  #next(tail: Tail): number {
    return Math.max(tail.nextAtStart, this.#options.shared.durableNext(tail.index))
  }

  /** Beyond this sequence nothing may be stored yet, since another journal has older entries of the same accounts. */
  #nextChange(tail: Tail): number {
    for (const change of this.#options.changes ?? []) {
      if (this.#tails.some(({ stored, index }) => stored + 1 < change[index]!)) return change[tail.index]!
    }
    return Number.POSITIVE_INFINITY
  }

  /** Takes the following entries of the journal into the batch; returns how many. */
  #fill(tail: Tail, rowsMax: number): number {
    const { batch } = this
    const { reader, source } = tail
    const untilSequence = Math.min(this.#next(tail), this.#nextChange(tail))
    if (reader.nextSequence >= untilSequence) return 0
    batch.begin(source.name)
    for (;;) {
      const room = Math.min(READ_ENTRIES, rowsMax - batch.count)
      if (room === 0 || batch.sizeBytes >= this.#options.batchBytesMax) break
      const limits = { entriesMax: room, untilSequence }
      if (reader.read((sequence, bytes, offset, length) => batch.add(sequence, bytes, offset, length), limits) < room) {
        break
      }
    }
    return batch.count
  }

  async #apply(tail: Tail, pieces: PieceByPiece | undefined): Promise<number> {
    const { batch } = this
    this.#pending = tail
    const beganMs = performance.now()
    const setAside = await this.store.apply(batch, pieces)
    this.#options.meter?.applied(batch.count, setAside.length, 1000 * (performance.now() - beganMs))
    this.#pending = undefined
    tail.stored = batch.lastSequence
    this.#entries += batch.count
    this.#bytes += batch.sizeBytes
    this.unconfirmedBytes += batch.sizeBytes
    this.#options.shared.publishStored(tail.index, this.#number, tail.stored)
    this.#publishLag(tail)
    if (this.#options.log.isDebug === true) this.#tellEach()
    for (const { journal, sequence, reason } of setAside) {
      this.#options.log.error('an entry cannot be stored and was set aside', {
        store: this.store.name,
        journal,
        sequence,
        reason,
      })
    }
    return batch.count
  }

  #tellEach(): void {
    const { batch, store } = this
    const { starts, journal, firstSequence } = batch
    for (let entry = 0; entry < batch.count; entry++) {
      const start = starts[entry]!
      const event = traceOf(batch.bytes, start, starts[entry + 1]! - start)
      const at = { store: store.name, journal, journalSequence: firstSequence + entry }
      this.#options.log.debug?.('an event is stored', { ...event, ...at })
    }
  }

  /** Once the store has what was marked, marks what is durable now. */
  #markLag(tail: Tail): void {
    if (tail.stored + 1 >= tail.mark.next) tail.mark = { next: this.#next(tail), sinceMs: performance.now() }
  }

  #publishLag(tail: Tail): void {
    const isBehind = tail.stored + 1 < tail.mark.next
    const seconds = isBehind ? (performance.now() - tail.mark.sinceMs) / 1000 : 0
    const entryBytes = this.#entries === 0 ? 0 : this.#bytes / this.#entries
    this.#options.shared.publishLag(tail.index, this.#number, seconds, entryBytes)
  }
}
