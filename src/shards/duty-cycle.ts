// The loop of a shard's thread. One turn: take the commands that are there, step each, make the events durable with one
// write, and only then show anything to anybody. Under load a turn takes hundreds of orders and they share that write;
// alone, an order waits for one.

import { assert, unreachable } from '../base/assert.ts'
import type { SimulatedVenue } from '../destinations/simulated-venue.ts'
import { Metric } from '../metrics/catalogue.ts'
import { FRAME_HEADER_BYTES } from '../protocol/frames.ts'
import { Kind } from '../protocol/kinds.ts'
import { EventOffset } from '../protocol/order-events.ts'
import type { Doorbell } from '../shared-memory/doorbell.ts'
import type { Lane } from '../shared-memory/lanes.ts'
import {
  BATCH_HEADER_BYTES,
  COMMAND_HEADER_BYTES,
  Command,
  CommandAt,
  CommandFlag,
  type LookupPurpose,
  NOTICE_HEADER_BYTES,
  Notice,
  NoticeAt,
} from '../shared-memory/records.ts'
import type { RingConsumer, RingProducer } from '../shared-memory/ring.ts'
import { EventBlock } from './event-block.ts'
import type { MarketFeed } from './market-feed.ts'
import { type OrderDesk, RequestCommand } from './order-desk.ts'
import type { Restoration } from './restoration.ts'
import type { ShardRows } from './shard-rows.ts'
import type { ShardState } from './shard-state.ts'
import type { Snapshots } from './snapshots.ts'

/** What makes a block durable: the journal, or nothing in a rehearsal. */
export interface BlockSink {
  /** Returns once the entries in `[32, end)` are durable in the configured mode. */
  append(block: Uint8Array, end: number, entries: number): void
}

/** A turn ends early once its events fill this many bytes, so that the first of them do not wait for the last. */
const TURN_BYTES_MAX = 1 << 20

export interface DutyCycleParts {
  readonly state: ShardState
  readonly desk: OrderDesk
  readonly venue: SimulatedVenue
  readonly market: MarketFeed
  readonly restoration: Restoration
  readonly snapshots: Snapshots
  readonly rows: ShardRows
  readonly events: EventBlock
  readonly replies: EventBlock
  readonly journal: BlockSink
  readonly commands: RingConsumer
  readonly reports: RingProducer
  /** Rung by main when there are commands. */
  readonly doorbell: Doorbell
  /** Main's, rung when there are reports. */
  readonly mainDoorbell: Doorbell
  /** Counters and latencies of this shard. */
  readonly lane: Lane
  /** Commands taken in one turn at most. */
  readonly commandsPerTurnMax: number
}

interface PendingNotice {
  type: Notice
  session: number
  a: number
  b: number
  c: number
  d: number
  text: string
}

export class DutyCycle {
  readonly #parts: DutyCycleParts
  readonly #request = new RequestCommand()
  /** Notices of this turn that follow its events. */
  readonly #notices: PendingNotice[] = []
  #stopping = false
  /**
   * Between the first piece of recovery and its end accounts are incomplete, and no snapshot may be taken: it would be
   * what the next recovery believes.
   */
  #restoring = false
  readonly #hasWork: () => boolean

  constructor(parts: DutyCycleParts) {
    this.#parts = parts
    this.#hasWork = () => parts.commands.hasNext()
  }

  /** Turns until a Stop command was carried out. */
  run(): void {
    const { doorbell } = this.#parts
    while (!this.#stopping) {
      if (!this.turn()) doorbell.park(1000, this.#hasWork)
    }
  }

  /** One turn; false where there was nothing to do. */
  turn(): boolean {
    const {
      commands,
      commandsPerTurnMax,
      doorbell,
      events,
      replies,
      journal,
      lane,
      rows,
      mainDoorbell,
      snapshots,
      state,
    } = this.#parts
    let taken = 0
    while (taken < commandsPerTurnMax && events.end < TURN_BYTES_MAX && !this.#stopping && commands.next()) {
      this.#step(commands.bytes, commands.view, commands.offset, commands.length)
      taken += 1
    }
    if (taken === 0) return false
    commands.release()
    if (!this.#restoring) snapshots.takeDue()
    lane.add(Metric.Commands, taken)
    if (events.count > 0) {
      const beganMs = performance.now()
      journal.append(events.writer.bytes, events.end, events.count)
      lane.record(Metric.CommitLatency, 1000 * (performance.now() - beganMs))
      lane.add(Metric.Batches)
      lane.add(Metric.JournalEntries, events.count)
      lane.add(Metric.JournalBytes, events.end)
    }
    lane.set(Metric.OrdersOpen, state.orders.size)
    lane.set(Metric.Parks, doorbell.parks)
    rows.flush()
    this.#publishListings()
    this.#publish(Notice.Events, events)
    this.#publish(Notice.Replies, replies)
    this.#publishNotices()
    events.clear()
    replies.clear()
    mainDoorbell.ring()
    return true
  }

  /** Asks main, behind this turn's events, to answer from the durable record. */
  readonly lookup = (
    session: number,
    requestId: number,
    accountRow: number,
    orderId: number,
    purpose: LookupPurpose,
  ): void => {
    this.#notices.push({ type: Notice.Lookup, session, a: requestId, b: accountRow, c: orderId, d: purpose, text: '' })
  }

  #step(bytes: Uint8Array, view: DataView, offset: number, length: number): void {
    const { desk, market, restoration, venue, snapshots } = this.#parts
    const word = view.getUint32(offset + CommandAt.type, true)
    const type = (word & 0xffff) as Command
    const row = view.getUint32(offset + CommandAt.accountRow, true)
    const time = view.getFloat64(offset + CommandAt.time, true)
    const body = offset + COMMAND_HEADER_BYTES
    const end = offset + length
    switch (type) {
      case Command.Request: {
        const request = this.#request
        request.session = view.getUint32(offset + CommandAt.session, true)
        request.accountRow = row
        request.sessionAccount = view.getUint32(offset + CommandAt.sessionAccount, true)
        request.administrator = (word & CommandFlag.Administrator) !== 0
        request.time = time
        request.orderId = view.getFloat64(offset + CommandAt.orderId, true)
        request.bytes = bytes
        request.start = body
        request.end = end
        // What is due by now ends first, so that nobody is told that they canceled what had expired.
        venue.onTime(time)
        desk.request(request)
        break
      }
      case Command.Ticker:
        market.ticker(row, bytes, body, end)
        break
      case Command.Quote:
        market.quote(row, view, body, time)
        break
      case Command.Print:
        market.print(row, bytes, view, body, end, time)
        break
      case Command.Book:
        market.book(row, bytes, view, body, end, time)
        break
      case Command.Time:
        venue.onTime(time)
        break
      case Command.Marker: {
        const token = view.getFloat64(offset + CommandAt.orderId, true)
        this.#notices.push({ type: Notice.Marker, session: 0, a: row, b: token, c: 0, d: 0, text: '' })
        break
      }
      case Command.Restore:
        this.#restoring = true
        restoration.piece(row, bytes, body, end, time)
        break
      case Command.Restored:
        this.#restoring = false
        this.#notices.push({ type: Notice.Ready, session: 0, a: 0, b: 0, c: 0, d: 0, text: '' })
        break
      case Command.Stop:
        if (!this.#restoring) snapshots.takeAll(time)
        this.#notices.push({ type: Notice.Stopped, session: 0, a: 0, b: 0, c: 0, d: 0, text: '' })
        this.#stopping = true
        break
      default:
        unreachable(type)
    }
  }

  /** Copies a block's frames into the report ring: in one piece where it fits, which it nearly always does. */
  #publish(type: Notice, block: EventBlock): void {
    if (block.count === 0) return
    const { reports } = this.#parts
    const { bytes } = block.writer
    const roomBytes = reports.recordBytesMax - BATCH_HEADER_BYTES
    if (!block.hasPrivate && block.end - EventBlock.start + 8 * block.count <= roomBytes) {
      this.#publishRun(type, block, 0, block.count, EventBlock.start, block.end)
      return
    }
    let first = 0
    let start = EventBlock.start
    let at = start
    const cut = (frame: number) => {
      if (frame > first) this.#publishRun(type, block, first, frame, start, at)
    }
    for (let frame = 0; frame < block.count; frame++) {
      const length =
        FRAME_HEADER_BYTES + (((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0)
      const isPrivate = bytes[at + FRAME_HEADER_BYTES + EventOffset.kind] === Kind.InventorySnapshot
      if (isPrivate || at + length - start + 8 * (frame + 1 - first) > roomBytes) {
        cut(frame)
        first = isPrivate ? frame + 1 : frame
        start = isPrivate ? at + length : at
      }
      at += length
    }
    cut(block.count)
  }

  #publishRun(type: Notice, block: EventBlock, first: number, last: number, start: number, end: number): void {
    const { reports } = this.#parts
    const count = last - first
    let at = this.#claim(BATCH_HEADER_BYTES + 8 * count + end - start)
    reports.view.setUint32(at, type, true)
    reports.view.setUint32(at + 4, count, true)
    at += BATCH_HEADER_BYTES
    for (let i = 2 * first; i < 2 * last; i++, at += 4) reports.view.setUint32(at, block.routing[i], true)
    reports.bytes.set(block.writer.bytes.subarray(start, end), at)
    reports.publish()
  }

  #publishListings(): void {
    const { newListings } = this.#parts.state
    if (newListings.length === 0) return
    for (const listing of newListings) {
      this.#write({ type: Notice.Listing, session: 0, a: listing.index, b: 0, c: 0, d: 0, text: listing.text })
    }
    newListings.length = 0
  }

  #publishNotices(): void {
    const notices = this.#notices
    if (notices.length === 0) return
    for (const notice of notices) {
      if (notice.type === Notice.Marker) {
        // Taken here, behind the turn's events, so that the cut is exact.
        const book = this.#parts.state.books[notice.a]
        notice.c = book?.orderSequence ?? 0
        notice.d = book?.reportSequence ?? 0
      }
      this.#write(notice)
    }
    notices.length = 0
  }

  #write(notice: PendingNotice): void {
    const { reports } = this.#parts
    const text = Buffer.from(notice.text)
    const at = this.#claim(NOTICE_HEADER_BYTES + text.length)
    const { view } = reports
    view.setUint32(at + NoticeAt.type, notice.type, true)
    view.setUint32(at + NoticeAt.session, notice.session, true)
    view.setUint32(at + NoticeAt.a, notice.a, true)
    view.setUint32(at + NoticeAt.b, notice.b, true)
    view.setFloat64(at + NoticeAt.c, notice.c, true)
    view.setFloat64(at + NoticeAt.d, notice.d, true)
    reports.bytes.set(text, at + NOTICE_HEADER_BYTES)
    reports.publish()
  }

  /** Space in the report ring. A full one holds the shard until main has read on: nothing durable is ever dropped. */
  #claim(bytes: number): number {
    const { reports, doorbell, lane, mainDoorbell } = this.#parts
    assert(bytes <= reports.recordBytesMax, 'a record larger than the report ring takes')
    for (;;) {
      const at = reports.claim(bytes)
      if (at >= 0) return at
      lane.add(Metric.ReportRingFull)
      mainDoorbell.ring()
      doorbell.park(1, () => false)
    }
  }
}
