// What the journals hold of an account beyond a store: the events that the writer has not copied yet. A reader keeps one
// index of each journal for all accounts (tail-index.ts), which goes on from query to query and begins anew once most of
// what it covers is in the stores; so each entry is read twice at most, and memory follows what the stores lack, up to a
// bound (page-pool.ts).

import { assert } from '../base/assert.ts'
import type { JournalBodies } from './journal-bodies.ts'
import { StoreUnavailable } from './order-store.ts'
import { PagePool } from './page-pool.ts'
import { TailIndex, type TailRun } from './tail-index.ts'

/** A journal that may hold events which a store does not have. */
export interface JournalToRead {
  /** By which the stores remember their position. */
  readonly name: string
  readonly directory: string
  /** What lies before this sequence is durable; Infinity for a journal that nobody appends to. */
  readonly untilSequence: number
}

/** The store is there, but the journals do not hold what it lacks. */
export class HistoryMissing extends StoreUnavailable {
  override name = 'HistoryMissing'
}

/** A part of a tail: events [firstEvent, endEvent) of a run, and the orders [firstOrder, endOrder) accepted by them. */
interface Piece {
  readonly run: TailRun
  readonly firstEvent: number
  readonly endEvent: number
  readonly firstOrder: number
  readonly endOrder: number
}

/** An order that was accepted in a tail. */
export interface TailOrder {
  readonly orderId: number
  readonly orderSequence: number
  /** Of its acceptance. */
  readonly reportSequence: number
  readonly timestamp: number
}

/** The events of one account from behind a report up to another. Good until the tails are asked again. */
export class AccountTail {
  readonly #pieces: readonly Piece[]

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces
  }

  /** Order sequence of the last order accepted, or undefined where none was. */
  get lastOrderSequence(): number | undefined {
    const piece = this.#pieces.findLast(({ firstOrder, endOrder }) => firstOrder < endOrder)
    return piece && piece.run.firstOrderSequence + piece.endOrder - 1
  }

  /** The first report from `sequence` on; undefined where there is none. */
  reportFrom(sequence: number): number | undefined {
    for (const { run, firstEvent, endEvent } of this.#pieces) {
      for (let event = Math.max(firstEvent, sequence - run.firstReportSequence); event < endEvent; event++) {
        if (!run.isVoid(event)) return run.firstReportSequence + event
      }
    }
    return undefined
  }

  /** The last report up to `sequence`; undefined where there is none. */
  reportUntil(sequence: number): number | undefined {
    for (let at = this.#pieces.length - 1; at >= 0; at--) {
      const { run, firstEvent, endEvent } = this.#pieces[at]!
      for (let event = Math.min(endEvent - 1, sequence - run.firstReportSequence); event >= firstEvent; event--) {
        if (!run.isVoid(event)) return run.firstReportSequence + event
      }
    }
    return undefined
  }

  /**
   * The body of a report, in buffers that are used again for the next one. Its request id is whatever the request had.
   * @throws JournalTrimmed, JournalDamaged
   */
  body(reportSequence: number): JournalBodies {
    const { run } = this.#pieceOf(reportSequence)
    run.readBody(reportSequence - run.firstReportSequence)
    return run.index.bodies
  }

  /** The first order accepted with this order sequence or a later one. */
  orderFrom(orderSequence: number): TailOrder | undefined {
    for (const piece of this.#pieces) {
      const order = Math.max(piece.firstOrder, orderSequence - piece.run.firstOrderSequence)
      if (order < piece.endOrder) return orderAt(piece.run, order)
    }
    return undefined
  }

  /** The last order accepted with this order sequence or an earlier one. */
  orderUntil(orderSequence: number): TailOrder | undefined {
    for (let at = this.#pieces.length - 1; at >= 0; at--) {
      const piece = this.#pieces[at]!
      const order = Math.min(piece.endOrder - 1, orderSequence - piece.run.firstOrderSequence)
      if (order >= piece.firstOrder) return orderAt(piece.run, order)
    }
    return undefined
  }

  findOrder(orderId: number): TailOrder | undefined {
    for (const { run, firstOrder, endOrder } of this.#pieces) {
      const order = run.findOrder(orderId)
      if (order >= firstOrder && order < endOrder) return orderAt(run, order)
    }
    return undefined
  }

  /** Sequences of the reports of an order, rising; that of its acceptance is not among them. */
  reportsOf(orderId: number): number[] {
    const sequences: number[] = []
    for (const { run, firstEvent, endEvent } of this.#pieces) {
      for (const event of run.eventsOfOrder(orderId, firstEvent, endEvent)) {
        sequences.push(run.firstReportSequence + event)
      }
    }
    return sequences
  }

  /** Whether an event of the tail ends the order. */
  hasEnded(orderId: number): boolean {
    return this.#pieces.some(({ run, firstEvent, endEvent }) => run.hasEnded(orderId, firstEvent, endEvent))
  }

  /** Sequence of the first report at or after the time; undefined where there is none. So the others that follow. */
  reportSince(timestamp: number): number | undefined {
    for (const { run, firstEvent, endEvent } of this.#pieces) {
      const event = run.firstEventSince(timestamp, firstEvent, endEvent)
      if (event < endEvent) return run.firstReportSequence + event
    }
    return undefined
  }

  lastReportUntil(timestamp: number): number | undefined {
    for (let at = this.#pieces.length - 1; at >= 0; at--) {
      const { run, firstEvent, endEvent } = this.#pieces[at]!
      const event = run.lastEventUntil(timestamp, firstEvent, endEvent)
      if (event >= 0) return run.firstReportSequence + event
    }
    return undefined
  }

  /** The order sequences of orders, by the times of their acceptances. */
  orderSince(timestamp: number): number | undefined {
    for (const { run, firstOrder, endOrder } of this.#pieces) {
      const order = run.firstOrderSince(timestamp, firstOrder, endOrder)
      if (order < endOrder) return run.firstOrderSequence + order
    }
    return undefined
  }

  lastOrderUntil(timestamp: number): number | undefined {
    for (let at = this.#pieces.length - 1; at >= 0; at--) {
      const { run, firstOrder, endOrder } = this.#pieces[at]!
      const order = run.lastOrderUntil(timestamp, firstOrder, endOrder)
      if (order >= 0) return run.firstOrderSequence + order
    }
    return undefined
  }

  #pieceOf(reportSequence: number): Piece {
    const piece = this.#pieces.find(({ run, endEvent }) => reportSequence < run.firstReportSequence + endEvent)
    assert(piece !== undefined, 'the report is one of the tail')
    return piece
  }
}

function orderAt(run: TailRun, order: number): TailOrder {
  const event = run.accepted(order)
  return {
    orderId: run.orderId(order),
    orderSequence: run.firstOrderSequence + order,
    reportSequence: run.firstReportSequence + event,
    timestamp: run.timestamp(event),
  }
}

export interface AccountTailsOptions {
  /** Most memory for places and times of events, in bytes. What does not fit goes to a file. */
  readonly bytesMax: number
  /** Where that file is; it has no name. */
  readonly spillDirectory?: string
}

/** An index begins anew when it covers more than so many entries that the stores have, and more of them than others. */
const PASSED_ENTRIES_MAX = 1 << 18
/** A store that was not asked about for so many questions does not keep an index from beginning anew. */
const QUESTIONS_REMEMBERED = 1000

/** How far a store was in a journal when it was asked last. */
interface Asked {
  readonly position: number
  readonly question: number
}

/** The tails of one reader. */
export class AccountTails {
  readonly #pool: PagePool
  readonly #indexes = new Map<string, TailIndex>()
  /** By directory and store. */
  readonly #asked = new Map<string, Map<string, Asked>>()
  #question = 0

  constructor(options: AccountTailsOptions) {
    this.#pool = new PagePool(options)
  }

  /** What they cost, in bytes. */
  get memoryBytes(): number {
    return this.#pool.memoryBytes
  }

  get spilledBytes(): number {
    return this.#pool.spilledBytes
  }

  /**
   * The events of `account` behind `storedReportSequence`, up to `reportSequence`.
   * @param journals where they may be, the likeliest first; `positions`: how far the store is in each.
   * @param store whose positions they are.
   * @throws HistoryMissing where the journals do not hold them; StoreUnavailable where the index finds no room.
   * @throws JournalTrimmed where a journal does not reach back to the store, which may have moved on meanwhile.
   */
  get(
    journals: readonly JournalToRead[],
    positions: readonly number[],
    store: string,
    account: number,
    storedReportSequence: number,
    reportSequence: number,
  ): AccountTail {
    const runs: TailRun[] = []
    for (let at = 0; at < journals.length; at++) {
      runs.push(...this.#index(journals[at]!, positions[at]!, store).runsOf(account))
      const pieces = piecesOf(runs, storedReportSequence, reportSequence)
      if (pieces !== undefined) return new AccountTail(pieces)
    }
    throw new HistoryMissing(
      `neither the store nor the journals have the reports ${storedReportSequence + 1} to ${reportSequence} of account ${account}`,
    )
  }

  /** The account of an order that was accepted behind the store's position, or undefined. @throws JournalTrimmed */
  accountOf(orderId: number, journals: readonly JournalToRead[], positions: readonly number[], store: string) {
    for (let at = 0; at < journals.length; at++) {
      const account = this.#index(journals[at]!, positions[at]!, store).accountOf(orderId)
      if (account !== undefined) return account
    }
    return undefined
  }

  close(): void {
    for (const index of this.#indexes.values()) index.close()
    this.#indexes.clear()
    this.#pool.close()
  }

  /** The index of the journal behind a position, up to the durable end. */
  #index({ directory, untilSequence }: JournalToRead, position: number, store: string): TailIndex {
    const least = this.#leastPosition(directory, position, store)
    let index = this.#indexes.get(directory)
    if (index !== undefined && !isWorthKeeping(index, least)) {
      this.#indexes.delete(directory)
      index.close()
      index = undefined
    }
    if (index === undefined) {
      index = new TailIndex(this.#pool, directory, least + 1)
      this.#indexes.set(directory, index)
    }
    try {
      index.readTo(untilSequence)
      return index
    } catch (error) {
      this.#indexes.delete(directory)
      index.close()
      throw error
    }
  }

  /** Of the stores that were asked now and then and are covered by the index, the position furthest behind. */
  #leastPosition(directory: string, position: number, store: string): number {
    this.#question += 1
    let asked = this.#asked.get(directory)
    if (asked === undefined) {
      asked = new Map()
      this.#asked.set(directory, asked)
    }
    asked.set(store, { position, question: this.#question })
    const begins = this.#indexes.get(directory)?.firstSequence ?? Number.POSITIVE_INFINITY
    let least = position
    for (const [name, { position: other, question }] of asked) {
      if (question < this.#question - QUESTIONS_REMEMBERED) asked.delete(name)
      else if (other < least && other + 1 >= begins) least = other
    }
    return least
  }
}

/** Whether the index covers what follows `position` without covering much more. */
function isWorthKeeping(index: TailIndex, position: number): boolean {
  if (position + 1 < index.firstSequence || position >= index.nextSequence) return false
  const passed = position + 1 - index.firstSequence
  return passed <= PASSED_ENTRIES_MAX || passed <= index.nextSequence - 1 - position
}

/** The parts of the runs that together are the reports from behind `after` up to `to`; undefined where some are missing. */
function piecesOf(runs: readonly TailRun[], after: number, to: number): Piece[] | undefined {
  const pieces: Piece[] = []
  let next = after + 1
  for (const run of runs.toSorted((a, b) => a.firstReportSequence - b.firstReportSequence)) {
    if (next > to) break
    if (run.endReportSequence <= next) continue
    if (run.firstReportSequence > next) return undefined
    const firstEvent = next - run.firstReportSequence
    const endEvent = Math.min(run.endReportSequence, to + 1) - run.firstReportSequence
    const firstOrder = run.firstOrderFrom(firstEvent)
    pieces.push({ run, firstEvent, endEvent, firstOrder, endOrder: run.firstOrderFrom(endEvent) })
    next = run.firstReportSequence + endEvent
  }
  return next > to ? pieces : undefined
}
