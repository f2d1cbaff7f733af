// What the journals hold of an account beyond the store: the events that the writer has not copied yet. A worker keeps
// the tails it was asked for, with their open readers, so that the pages of one query and the next queries of the same
// account read each entry once; least recently used tails go first when all of them together grow too large.

import { isTerminal } from '../domain/order-status.ts'
import { JournalReader } from '../journal/journal-reader.ts'
import { Kind } from '../protocol/kinds.ts'
import {
  type AcceptedEvent,
  accountAt,
  decodeOrderEvent,
  EventOffset,
  MalformedEvent,
  type OrderEvent,
} from '../protocol/order-events.ts'
import { StoreUnavailable } from './order-store.ts'

/** A journal that may hold events which the store does not have. */
export interface JournalToRead {
  /** By which the store remembers its position. */
  readonly name: string
  readonly directory: string
  /** What lies before this sequence is durable. */
  readonly untilSequence: number
}

/** One event beyond the store. Its body is [start, end) of `bytes`, its request id is 0. */
export interface TailEvent {
  readonly body: Uint8Array
  readonly reportSequence: number
  readonly orderId: number
  readonly timestamp: number
  /** The order, where this is its acceptance. */
  readonly accepted: AcceptedEvent | undefined
  /** True where nothing of the order follows. */
  readonly isLast: boolean
}

/** What a TailEvent and its place in the lists cost beside the body, in bytes; an acceptance is decoded and costs more. */
const EVENT_BYTES = 200
const ACCEPTED_BYTES = 600

/** The events of one account beyond a report sequence, in order. */
export class AccountTail {
  readonly events: TailEvent[] = []
  readonly #byOrder = new Map<number, TailEvent[]>()
  readonly #reader: JournalReader
  readonly #account: number
  sizeBytes = 0

  constructor(journal: JournalToRead, account: number, fromSequence: number) {
    this.#account = account
    this.#reader = JournalReader.open(journal.directory, fromSequence)
  }

  /** The journal's next entry to be read. */
  get nextSequence(): number {
    return this.#reader.nextSequence
  }

  /** The account's last report sequence read so far; 0 where there is none. */
  get reportSequence(): number {
    return this.events.at(-1)?.reportSequence ?? 0
  }

  /** The events of one order, in order. */
  ofOrder(orderId: number): readonly TailEvent[] {
    return this.#byOrder.get(orderId) ?? NO_EVENTS
  }

  /** Reads on until the event with `reportSequence` is there, or the journal's durable end; at most `bytesMax` more. */
  readTo(reportSequence: number, untilSequence: number, bytesMax: number): void {
    const sizeMax = this.sizeBytes + bytesMax
    while (this.reportSequence < reportSequence && this.#reader.nextSequence < untilSequence) {
      this.#reader.read((_, bytes, offset, length) => this.#take(bytes, offset, length), {
        entriesMax: 1024,
        untilSequence,
      })
      if (this.sizeBytes > sizeMax) {
        throw new StoreUnavailable(`the store lacks more of account ${this.#account} than memory may hold`)
      }
    }
  }

  /** Forgets what the store has. */
  dropTo(reportSequence: number): void {
    let count = 0
    for (; count < this.events.length && this.events[count]!.reportSequence <= reportSequence; count++) {
      const event = this.events[count]!
      this.sizeBytes -= costOf(event)
      const ofOrder = this.#byOrder.get(event.orderId)!
      ofOrder.shift()
      if (ofOrder.length === 0) this.#byOrder.delete(event.orderId)
    }
    this.events.splice(0, count)
  }

  close(): void {
    this.#reader.close()
  }

  #take(bytes: Buffer, offset: number, length: number): void {
    if (accountAt(bytes, offset) !== this.#account || bytes[offset + EventOffset.kind] === Kind.InventorySnapshot)
      return
    const body = Uint8Array.prototype.slice.call(bytes, offset, offset + length)
    body.fill(0, EventOffset.requestId, EventOffset.requestId + 4)
    let event: OrderEvent
    try {
      event = decodeOrderEvent(body, 0, length)
    } catch (error) {
      // The writer will set it aside, and tell; no answer ever shows it.
      if (error instanceof MalformedEvent) return
      throw error
    }
    if (event.kind === Kind.InventorySnapshot) return
    const tailEvent: TailEvent = {
      body,
      reportSequence: event.reportSequence,
      orderId: event.orderId,
      timestamp: event.timestamp,
      accepted: event.kind === Kind.OrderAccepted ? event : undefined,
      isLast: event.kind === Kind.ExecutionReport && isTerminal(event.status),
    }
    this.events.push(tailEvent)
    const ofOrder = this.#byOrder.get(event.orderId)
    if (ofOrder === undefined) this.#byOrder.set(event.orderId, [tailEvent])
    else ofOrder.push(tailEvent)
    this.sizeBytes += costOf(tailEvent)
  }
}

const NO_EVENTS: readonly TailEvent[] = []

function costOf(event: TailEvent): number {
  return event.body.length + EVENT_BYTES + (event.accepted === undefined ? 0 : ACCEPTED_BYTES)
}

/** The tails of one worker. */
export class AccountTails {
  /** In the order of their last use. */
  readonly #tails = new Map<string, AccountTail>()
  readonly #bytesMax: number

  /** @param bytesMax most memory for all tails together, in bytes; one tail alone must fit. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /**
   * The events of `account` after `storedReportSequence`, up to `reportSequence` at least.
   * @param storedSequence the store's position in the journal.
   * @throws StoreUnavailable where the tail is larger than memory allows, or the journal does not hold the event.
   * @throws JournalTrimmed where the store has moved on meanwhile: ask it again.
   */
  get(
    journal: JournalToRead,
    account: number,
    storedSequence: number,
    storedReportSequence: number,
    reportSequence: number,
  ): AccountTail {
    const key = `${journal.directory} ${account}`
    let tail = this.#tails.get(key)
    this.#tails.delete(key)
    // A tail that the store has overtaken would read through what nobody needs.
    if (tail !== undefined && tail.nextSequence <= storedSequence) {
      tail.close()
      tail = undefined
    }
    tail ??= new AccountTail(journal, account, storedSequence + 1)
    try {
      tail.dropTo(storedReportSequence)
      tail.readTo(reportSequence, journal.untilSequence, this.#bytesMax)
      tail.dropTo(storedReportSequence)
    } catch (error) {
      tail.close()
      throw error
    }
    if (tail.reportSequence < reportSequence) {
      tail.close()
      throw new StoreUnavailable(
        `neither the store nor journal ${journal.name} has report ${reportSequence} of account ${account}`,
      )
    }
    this.#tails.set(key, tail)
    this.#evict()
    return tail
  }

  close(): void {
    for (const tail of this.#tails.values()) tail.close()
    this.#tails.clear()
  }

  #evict(): void {
    let total = 0
    for (const tail of this.#tails.values()) total += tail.sizeBytes
    for (const [key, tail] of this.#tails) {
      if ((total <= this.#bytesMax && this.#tails.size <= TAILS_MAX) || this.#tails.size === 1) return
      total -= tail.sizeBytes
      tail.close()
      this.#tails.delete(key)
    }
  }
}

/** Each tail keeps a file open and a window of it in memory. */
const TAILS_MAX = 16
