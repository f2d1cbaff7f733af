// An index of one journal from some sequence on: for each account where its events are, when they happened, and which of
// them belong to one order. One reading of the journal serves all accounts; what an event says is read back from the
// journal when somebody asks (journal-bodies.ts).
//
// Events of an account lie in runs: consecutive reports, in which the orders accepted have consecutive sequences and
// rising ids. That is all an account has in one journal, unless it was at another shard in between.
//
//   run ─→ pages of 64 events   place, time, the order's event before it
//      └─→ pages of 64 orders   id; its acceptance, its last event, the event that ended it
//
// An event costs 20 bytes and an order 20 more, and their pages may go to a file (page-pool.ts). What stays in memory
// beside them: half a byte for each event, some hundred bytes for each account, and 38 bytes for each order that is live
// or was accepted before the index begins.

import { assert } from '../base/assert.ts'
import { KeyIndex } from '../base/key-index.ts'
import { microsOfNumber } from '../domain/money.ts'
import { isTerminal, type OrderStatus } from '../domain/order-status.ts'
import { JOURNAL_ENTRY_HEADER_BYTES } from '../journal/block.ts'
import { JournalReader } from '../journal/journal-reader.ts'
import { Kind } from '../protocol/kinds.ts'
import { MessageReader } from '../protocol/message-reader.ts'
import { accountAt, EventOffset, reportSequenceAt } from '../protocol/order-events.ts'
import { JournalBodies, placeOf } from './journal-bodies.ts'
import { PAGE_WORDS, type PagePool } from './page-pool.ts'

const PER_PAGE = 64
const PAGE_SHIFT = 6
const SLOT_MASK = PER_PAGE - 1

// Of a page of events, in doubles and then in words.
const PLACE = 0
const TIMESTAMP = PER_PAGE
const PREVIOUS = 4 * PER_PAGE
// Of a page of orders.
const ORDER_ID = 0
const ACCEPTED = 2 * PER_PAGE
const LAST = 3 * PER_PAGE
const ENDED = 4 * PER_PAGE
assert(PREVIOUS + PER_PAGE <= PAGE_WORDS && ENDED + PER_PAGE <= PAGE_WORDS && 1 << PAGE_SHIFT === PER_PAGE)

/** In place of an event that no table would take: its sequence is used up, and nobody is shown it. */
const VOID = -1
/** Events and orders of a run are numbered from 0; where there may be none, numbers are kept one higher. */
const NONE = 0

/** Numbers that nearly rise, with the extremes of each page, so that a search passes over most pages. */
interface TimePages {
  readonly least: number[]
  readonly greatest: number[]
}

/** What is known of an order whose acceptance lies before its run. */
interface EarlierOrder {
  readonly run: TailRun
  /** Number of its last event, and of the one that ended it, both one higher; NONE for none. */
  last: number
  ended: number
  /** The same order in an earlier run. */
  readonly older: EarlierOrder | undefined
}

/** Consecutive reports of one account in one journal. */
export class TailRun {
  readonly index: TailIndex
  readonly account: number
  readonly firstReportSequence: number
  /** Events, void ones among them. */
  count = 0
  /** Order sequence of its first acceptance. */
  firstOrderSequence = 0
  orderCount = 0
  lastOrderId = -1
  readonly #pool: PagePool
  readonly #eventPages: number[] = []
  readonly #orderPages: number[] = []
  readonly #eventTimes: TimePages = { least: [], greatest: [] }
  readonly #orderTimes: TimePages = { least: [], greatest: [] }

  constructor(index: TailIndex, pool: PagePool, account: number, firstReportSequence: number) {
    this.index = index
    this.account = account
    this.firstReportSequence = firstReportSequence
    this.#pool = pool
  }

  /** One behind the last report. */
  get endReportSequence(): number {
    return this.firstReportSequence + this.count
  }

  isVoid(event: number): boolean {
    return this.#pool.double(this.#eventPages[event >> PAGE_SHIFT]!, PLACE + (event & SLOT_MASK)) === VOID
  }

  /** Reads the event's body into `index.bodies`. @throws JournalTrimmed, JournalDamaged */
  readBody(event: number): void {
    const place = this.#pool.double(this.#eventPages[event >> PAGE_SHIFT]!, PLACE + (event & SLOT_MASK))
    this.index.bodies.read(place, this.account, this.firstReportSequence + event)
  }

  timestamp(event: number): number {
    return this.#pool.double(this.#eventPages[event >> PAGE_SHIFT]!, TIMESTAMP + (event & SLOT_MASK))
  }

  orderId(order: number): number {
    return this.#pool.double(this.#orderPages[order >> PAGE_SHIFT]!, ORDER_ID + (order & SLOT_MASK))
  }

  /** Number of the order's acceptance among the events. */
  accepted(order: number): number {
    return this.#orderWord(order, ACCEPTED)
  }

  /** Number of the order with this id that was accepted in the run, or −1. */
  findOrder(orderId: number): number {
    if (orderId > this.lastOrderId) return -1
    const order = firstOf(0, this.orderCount, order => this.orderId(order) >= orderId)
    return order < this.orderCount && this.orderId(order) === orderId ? order : -1
  }

  /** The first order accepted at or after this event; `orderCount` where there is none. */
  firstOrderFrom(event: number): number {
    return firstOf(0, this.orderCount, order => this.accepted(order) >= event)
  }

  /** Numbers of the order's events in [from, end), rising; not that of its acceptance. */
  eventsOfOrder(orderId: number, from: number, end: number): number[] {
    const events: number[] = []
    const { last, accepted } = this.#lifeOf(orderId)
    for (let next = last; next !== NONE; ) {
      const event = next - 1
      if (event < from) break
      if (event < end && event !== accepted) events.push(event)
      next = this.#pool.word(this.#eventPages[event >> PAGE_SHIFT]!, PREVIOUS + (event & SLOT_MASK))
    }
    return events.reverse()
  }

  /** Whether one of the events in [from, end) ends the order. */
  hasEnded(orderId: number, from: number, end: number): boolean {
    const { ended } = this.#lifeOf(orderId)
    return ended !== NONE && ended - 1 >= from && ended - 1 < end
  }

  /** The first event of [from, end) at or after the time; `end` where there is none. */
  firstEventSince(timestamp: number, from: number, end: number): number {
    return firstSince(this.#eventTimes, timestamp, from, end, event => this.timestamp(event))
  }

  /** The last event of [from, end) at or before the time; −1 where there is none. */
  lastEventUntil(timestamp: number, from: number, end: number): number {
    return lastUntil(this.#eventTimes, timestamp, from, end, event => this.timestamp(event))
  }

  /** As for events, of orders. */
  firstOrderSince(timestamp: number, from: number, end: number): number {
    return firstSince(this.#orderTimes, timestamp, from, end, order => this.timestamp(this.accepted(order)))
  }

  lastOrderUntil(timestamp: number, from: number, end: number): number {
    return lastUntil(this.#orderTimes, timestamp, from, end, order => this.timestamp(this.accepted(order)))
  }

  /** Adds an event; its number. `previous` is the number of the order's event before it, one higher. */
  addEvent(place: number, timestamp: number, previous: number): number {
    const event = this.count++
    const slot = event & SLOT_MASK
    if (slot === 0) this.#eventPages.push(this.#pool.allocate())
    const page = this.#eventPages[event >> PAGE_SHIFT]!
    this.#pool.setDouble(page, PLACE + slot, place)
    this.#pool.setDouble(page, TIMESTAMP + slot, timestamp)
    this.#pool.setWord(page, PREVIOUS + slot, previous)
    noteTime(this.#eventTimes, event, timestamp)
    return event
  }

  addVoid(): void {
    this.addEvent(VOID, Number.NaN, NONE)
  }

  /** Adds an order whose acceptance is `event`; its number. */
  addOrder(orderId: number, event: number, timestamp: number): number {
    const order = this.orderCount++
    const slot = order & SLOT_MASK
    if (slot === 0) this.#orderPages.push(this.#pool.allocate())
    const page = this.#orderPages[order >> PAGE_SHIFT]!
    this.#pool.setDouble(page, ORDER_ID + slot, orderId)
    this.#pool.setWord(page, ACCEPTED + slot, event)
    this.#pool.setWord(page, LAST + slot, event + 1)
    this.#pool.setWord(page, ENDED + slot, NONE)
    this.lastOrderId = orderId
    noteTime(this.#orderTimes, order, timestamp)
    return order
  }

  /** Adds a report to one of the run's orders. */
  addToOrder(order: number, place: number, timestamp: number, ends: boolean): void {
    const event = this.addEvent(place, timestamp, this.#orderWord(order, LAST))
    const page = this.#orderPages[order >> PAGE_SHIFT]!
    const slot = order & SLOT_MASK
    this.#pool.setWord(page, LAST + slot, event + 1)
    if (ends && this.#orderWord(order, ENDED) === NONE) this.#pool.setWord(page, ENDED + slot, event + 1)
  }

  /** Gives the pages back. */
  free(): void {
    for (const page of this.#eventPages) this.#pool.free(page)
    for (const page of this.#orderPages) this.#pool.free(page)
  }

  #orderWord(order: number, column: number): number {
    return this.#pool.word(this.#orderPages[order >> PAGE_SHIFT]!, column + (order & SLOT_MASK))
  }

  /** Number of the acceptance, −1 where it lies before the run; last event and end one higher. */
  #lifeOf(orderId: number): { accepted: number; last: number; ended: number } {
    const order = this.findOrder(orderId)
    if (order >= 0) {
      return {
        accepted: this.accepted(order),
        last: this.#orderWord(order, LAST),
        ended: this.#orderWord(order, ENDED),
      }
    }
    const { last = NONE, ended = NONE } = this.index.earlierOrder(this, orderId) ?? {}
    return { accepted: -1, last, ended }
  }
}

export class TailIndex {
  readonly directory: string
  /** The first entry of the journal that it covers. */
  readonly firstSequence: number
  readonly bodies: JournalBodies
  /** Entries of accounts so far. */
  events = 0
  /** As `ProvedSegments` has them. */
  readonly segments: number[] = []
  provedBytes = 0
  readonly #runs = new Map<number, TailRun[]>()
  readonly #pool: PagePool
  readonly #reader: JournalReader
  /** Of the orders accepted here that have not ended: their number in their run. */
  readonly #liveOrders = new KeyIndex()
  /** Of those accepted before: their number in `#earlier`. */
  readonly #earlierByOrder = new KeyIndex()
  readonly #earlier: EarlierOrder[] = []
  readonly #event = new EventSkim()

  constructor(pool: PagePool, directory: string, firstSequence: number) {
    this.#pool = pool
    this.directory = directory
    this.firstSequence = firstSequence
    this.#reader = JournalReader.open(directory, firstSequence)
    this.bodies = new JournalBodies(this)
  }

  /** The next entry to be indexed. */
  get nextSequence(): number {
    return this.#reader.nextSequence
  }

  /**
   * Goes on to the durable end of the journal.
   * @param untilSequence what lies before it is durable; Infinity for a journal that nobody appends to.
   * @throws JournalTrimmed, JournalDamaged
   */
  readTo(untilSequence: number): void {
    const limits = untilSequence === Number.POSITIVE_INFINITY ? {} : { untilSequence }
    const visit = (_: number, bytes: Buffer, offset: number, length: number) => this.#take(bytes, offset, length)
    while (this.#reader.nextSequence < untilSequence) {
      if (this.#reader.read(visit, { ...limits, entriesMax: ENTRIES_PER_READ }) === 0) return
    }
  }

  /** The runs of an account, in the order of its reports. */
  runsOf(account: number): readonly TailRun[] {
    return this.#runs.get(account) ?? NO_RUNS
  }

  /** The account of an order that was accepted here, or undefined. */
  accountOf(orderId: number): number | undefined {
    for (const [account, runs] of this.#runs) {
      if (runs.some(run => run.findOrder(orderId) >= 0)) return account
    }
    return undefined
  }

  earlierOrder(run: TailRun, orderId: number): EarlierOrder | undefined {
    let earlier: EarlierOrder | undefined = this.#earlier[this.#earlierByOrder.get(orderId)]
    while (earlier !== undefined && earlier.run !== run) earlier = earlier.older
    return earlier
  }

  /** Gives everything back. */
  close(): void {
    for (const runs of this.#runs.values()) for (const run of runs) run.free()
    this.#runs.clear()
    this.bodies.close()
    this.#reader.close()
  }

  #take(bytes: Buffer, offset: number, length: number): void {
    const segment = this.#reader.segmentFirstSequence
    if (this.segments.at(-1) !== segment) this.segments.push(segment)
    const entryOffset = this.#reader.entryFileOffset
    this.provedBytes = entryOffset + JOURNAL_ENTRY_HEADER_BYTES + length
    if (length < EventOffset.reportSequence + 8 || bytes[offset + EventOffset.kind] === Kind.InventorySnapshot) return
    const event = this.#event
    const isEvent = event.read(bytes, offset, offset + length)
    const account = accountAt(bytes, offset)
    const reportSequence = reportSequenceAt(bytes, offset)
    const run = this.#runFor(account, reportSequence, isEvent ? event : undefined)
    if (run === undefined) return
    this.events += 1
    // The writer will set it aside, and tell.
    if (!isEvent) run.addVoid()
    else {
      const place = placeOf(this.segments.length - 1, entryOffset)
      if (event.kind === Kind.OrderAccepted) this.#addOrder(run, event, place)
      else this.#addReport(run, event, place)
    }
  }

  /** The run that the report continues, or a new one; undefined for a report that was there before. */
  #runFor(account: number, reportSequence: number, event: EventSkim | undefined): TailRun | undefined {
    let runs = this.#runs.get(account)
    if (runs === undefined) {
      runs = []
      this.#runs.set(account, runs)
    }
    const run = runs.at(-1)
    if (run !== undefined) {
      if (reportSequence < run.endReportSequence) return undefined
      const isOrder = event?.kind === Kind.OrderAccepted && run.orderCount > 0
      const continues =
        !isOrder || (event.orderSequence === run.firstOrderSequence + run.orderCount && event.orderId > run.lastOrderId)
      if (reportSequence === run.endReportSequence && continues) return run
    }
    const begun = new TailRun(this, this.#pool, account, reportSequence)
    runs.push(begun)
    return begun
  }

  #addOrder(run: TailRun, { orderId, orderSequence, timestamp }: EventSkim, place: number): void {
    if (run.orderCount === 0) run.firstOrderSequence = orderSequence
    const order = run.addOrder(orderId, run.addEvent(place, timestamp, NONE), timestamp)
    this.#liveOrders.set(orderId, order)
  }

  #addReport(run: TailRun, { orderId, timestamp, ends }: EventSkim, place: number): void {
    let order = this.#liveOrders.get(orderId)
    // The number may be that of an earlier run.
    if (order < 0 || order >= run.orderCount || run.orderId(order) !== orderId) order = -1
    // A report behind the end of its order should not be, and is shown all the same.
    if (order < 0 && this.#earlierByOrder.get(orderId) < 0) order = run.findOrder(orderId)
    if (order >= 0) {
      run.addToOrder(order, place, timestamp, ends)
      if (ends) this.#liveOrders.delete(orderId)
      return
    }
    let earlier = this.earlierOrder(run, orderId)
    if (earlier === undefined) {
      earlier = { run, last: NONE, ended: NONE, older: this.#earlier[this.#earlierByOrder.get(orderId)] }
      this.#earlierByOrder.set(orderId, this.#earlier.length)
      this.#earlier.push(earlier)
    }
    const event = run.addEvent(place, timestamp, earlier.last)
    earlier.last = event + 1
    if (ends && earlier.ended === NONE) earlier.ended = event + 1
  }
}

const NO_RUNS: readonly TailRun[] = []
const ENTRIES_PER_READ = 65_536

/** What the index needs of an event, and whether the event is one: the rest is gone over, not kept. */
class EventSkim {
  kind = 0
  orderId = 0
  orderSequence = 0
  timestamp = 0
  ends = false
  readonly #reader = new MessageReader()
  #left = 0

  /** False for what is no event of an order. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    const reader = this.#reader
    reader.start(bytes, start, end)
    this.#left = reader.arrayHeader() - 4
    this.kind = reader.integer()
    reader.integer()
    reader.integer()
    reader.integer()
    if (this.kind === Kind.OrderAccepted) this.#readAccepted()
    else if (this.kind === Kind.ExecutionReport) this.#readReport()
    else return false
    return reader.complete && this.orderId >= 0
  }

  #readAccepted(): void {
    this.orderId = this.#integer()
    this.orderSequence = this.#integer()
    this.timestamp = this.#integer()
    this.ends = false
    this.#integer()
    this.#text()
    this.#integer()
    this.#integer()
    this.#integer()
    this.#text()
    this.#amount()
    this.#amount()
    this.#integer()
    this.#integer()
    this.#text()
    this.#raw()
    this.#integer()
    this.#integer()
  }

  #readReport(): void {
    this.orderId = this.#integer()
    this.#integer()
    this.timestamp = this.#integer()
    this.ends = isTerminal(this.#integer() as OrderStatus)
    this.#amount()
    this.#amount()
    this.#amount()
    this.#amount()
    if (this.#left <= 0) return
    this.#text()
    this.#text()
    this.#amount()
    this.#amount()
    this.#amount()
    this.#integer()
    this.#raw()
    this.#text()
    this.#raw()
    this.#integer()
    if (this.#left <= 0) return
    this.#text()
    this.#amount()
    this.#amount()
    this.#integer()
    this.#integer()
  }

  // An event may end early: what is missing is empty.

  #integer(): number {
    return --this.#left >= 0 ? this.#reader.integer() : 0
  }

  #amount(): void {
    if (--this.#left < 0) return
    if (Number.isNaN(microsOfNumber(this.#reader.number()))) this.#reader.failed = true
  }

  #text(): void {
    if (--this.#left >= 0) this.#reader.text()
  }

  #raw(): void {
    if (--this.#left >= 0) this.#reader.raw()
  }
}

/** The first number of [from, end) that has what all behind it have too; `end` where none has. */
function firstOf(from: number, end: number, has: (number: number) => boolean): number {
  let low = from
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if (has(middle)) high = middle
    else low = middle + 1
  }
  return low
}

function noteTime({ least, greatest }: TimePages, number: number, timestamp: number): void {
  if ((number & SLOT_MASK) === 0) {
    least.push(Number.POSITIVE_INFINITY)
    greatest.push(Number.NEGATIVE_INFINITY)
  }
  const page = number >> PAGE_SHIFT
  if (timestamp < least[page]!) least[page] = timestamp
  if (timestamp > greatest[page]!) greatest[page] = timestamp
}

function firstSince(
  { greatest }: TimePages,
  timestamp: number,
  from: number,
  end: number,
  timeOf: (number: number) => number,
): number {
  for (let at = from; at < end; ) {
    if (greatest[at >> PAGE_SHIFT]! < timestamp) {
      at = ((at >> PAGE_SHIFT) + 1) << PAGE_SHIFT
      continue
    }
    if (timeOf(at) >= timestamp) return at
    at += 1
  }
  return end
}

function lastUntil(
  { least }: TimePages,
  timestamp: number,
  from: number,
  end: number,
  timeOf: (number: number) => number,
): number {
  for (let at = end - 1; at >= from; ) {
    if (least[at >> PAGE_SHIFT]! > timestamp) {
      at = ((at >> PAGE_SHIFT) << PAGE_SHIFT) - 1
      continue
    }
    if (timeOf(at) <= timestamp) return at
    at -= 1
  }
  return -1
}
