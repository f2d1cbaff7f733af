// The loop of a shard's thread. A turn takes the commands that are there and steps each; what comes of them is closed as
// one block, made durable with one write, and only then shown to anybody:
//
//   take, step … ─→ close ─→ journal ─→ show rows, publish, ring main
//
// An order alone is written at once. Where more commands wait, the block is handed to the committing thread and the shard
// steps on, into the next block, which closes when the one before is durable: the processor and the disk work at the
// same time, and while the disk is slow the blocks are long.

import { assert, unreachable } from '../base/assert.ts'
import type { Judge } from '../compliance/judge.ts'
import { packVerdict, unpackVerdict, type Verdict } from '../compliance/pooled-messages.ts'
import { nodesOfBody, ruleOfBody, violationText } from '../compliance/rule-messages.ts'
import type { Violation } from '../compliance/rule-set.ts'
import type { SimulatedVenue } from '../destinations/simulated-venue.ts'
import { Metric } from '../metrics/catalogue.ts'
import { FRAME_HEADER_BYTES } from '../protocol/frames.ts'
import { Kind } from '../protocol/kinds.ts'
import type { ShardMassCancel } from '../protocol/mass-cancel.ts'
import { unpack } from '../protocol/msgpack.ts'
import { EventOffset } from '../protocol/order-events.ts'
import { recallOfBody } from '../protocol/recall.ts'
import type { Doorbell } from '../shared-memory/doorbell.ts'
import type { Lane } from '../shared-memory/lanes.ts'
import {
  BATCH_HEADER_BYTES,
  COMMAND_HEADER_BYTES,
  Command,
  CommandAt,
  CommandFlag,
  type LookupPurpose,
  MARK_HEADER_BYTES,
  NOTICE_HEADER_BYTES,
  Notice,
  NoticeAt,
} from '../shared-memory/records.ts'
import type { RingConsumer, RingProducer } from '../shared-memory/ring.ts'
import { EventBlock } from './event-block.ts'
import type { HaltSweep } from './halt-sweep.ts'
import type { Listing } from './listings.ts'
import type { MarketFeed } from './market-feed.ts'
import type { MassCancels } from './mass-cancels.ts'
import type { OrderDesk } from './order-desk.ts'
import type { RecallSweep } from './recall-sweep.ts'
import { RequestCommand } from './request-command.ts'
import type { Restoration } from './restoration.ts'
import { ShardMeter } from './shard-meter.ts'
import type { ShardRows } from './shard-rows.ts'
import type { ShardState } from './shard-state.ts'
import type { Snapshots } from './snapshots.ts'

/** What makes blocks durable, one after the other. Entries lie in `[32, end)` of the block. */
export interface BlockSink {
  /** Returns once the entries are durable in the configured mode. */
  append(block: Uint8Array, end: number, entries: number): void
  /** Hands the entries over, to be durable later; false where that is not possible, and nothing was done. */
  begin(block: Uint8Array, end: number, entries: number): boolean
  /** Whether it is known how what was begun has ended. */
  readonly isDone: boolean
  /** Ends what is done. @returns how long the disk took, in µs. @throws where the entries could not be written. */
  finish(): number
}

/** A block is closed once it has this many bytes, so that the first of its events do not wait for the last. */
const BLOCK_EVENTS_BYTES_MAX = 1 << 20
/** When a block is closed, and how it goes to the disk. */
export interface BlockRules {
  /** Commands stepped before a block is closed while more wait. */
  readonly commandsShared: number
  /** From so many commands on a block is handed over; a smaller one with nothing behind it is written at once. */
  readonly commandsHandedOverMin: number
}

/**
 * In shorter blocks the commits and the wakings around them eat what working at the same time gains, with longer ones
 * everybody waits for everybody again. The few orders of a quiet moment are answered sooner without another thread.
 */
const BLOCK_RULES: BlockRules = { commandsShared: 128, commandsHandedOverMin: 16 }
/**
 * Between two pieces of the sweeps that cancel. In the pauses the machine belongs to whoever trades on: the reports of
 * these cancels keep main, the writer and the clients busy as well. With the size of a piece it makes some 40,000 cancels
 * a second.
 */
const SWEEP_PAUSE_MS = 1.5
/** How far behind this timetable a sweep may be and still catch up, by a piece in every block: processors may be short. */
const SWEEP_LATE_MS_MAX = 30
/** A shard with nothing to do looks around now and then. */
const REST_MS = 1_000
/** Commands stepped between two looks at the disk. */
const COMMANDS_PER_LOOK = 8
/** And between two at the clock, for latencies: a look costs more than all that is counted of a command. */
const COMMANDS_PER_CLOCK_LOOK = 16

export interface DutyCycleParts {
  readonly state: ShardState
  readonly desk: OrderDesk
  readonly venue: SimulatedVenue
  readonly market: MarketFeed
  readonly restoration: Restoration
  readonly snapshots: Snapshots
  readonly rows: ShardRows
  readonly haltSweep: HaltSweep
  readonly massCancels: MassCancels
  readonly judge: Judge
  readonly recalls: RecallSweep
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
  /** Now, in µs, by the clock whose times the commands carry. For measuring; where it is absent latencies count as 0. */
  readonly clockUs?: (() => number) | undefined
  /** Commands of one block at most. */
  readonly commandsPerTurnMax: number
  /** Those of the server, unless a rehearsal has rules of its own. */
  readonly blockRules?: BlockRules | undefined
  /** Between two pieces of the sweeps that cancel; the server's own unless a rehearsal cannot wait. */
  readonly sweepPauseMs?: number | undefined
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
  readonly #rules: BlockRules
  readonly #meter: ShardMeter
  readonly #request = new RequestCommand()
  readonly #decoder = new TextDecoder()
  /** Notices that follow the events of the open block. */
  #notices: PendingNotice[] = []
  // The closed block, on its way to the disk, and what goes out with it.
  readonly #closedEvents: EventBlock
  readonly #closedReplies: EventBlock
  #closedNotices: PendingNotice[] = []
  #closedListings: Listing[] = []
  #closedToJudge: Uint8Array[] = []
  /** Of the judge of pooled rules, for the shards that have asked. They tell of nothing that has to be durable. */
  readonly #verdicts: { row: number; body: Uint8Array }[] = []
  #isCommitting = false
  #stopping = false
  /** Commands stepped into the open block. */
  #stepped = 0
  /** The open block has its piece of the sweeps that cancel. */
  #hasPiece = false
  /** When the next piece is due, as `performance.now` has it. */
  #pieceDueMs = 0
  readonly #sweepPauseMs: number
  /**
   * Between the first piece of recovery and its end accounts are incomplete, and no snapshot may be taken: it would be
   * what the next recovery believes.
   */
  #restoring = false
  readonly #hasWork: () => boolean

  constructor(parts: DutyCycleParts) {
    this.#parts = parts
    this.#rules = parts.blockRules ?? BLOCK_RULES
    this.#sweepPauseMs = parts.sweepPauseMs ?? SWEEP_PAUSE_MS
    this.#meter = new ShardMeter(parts.lane, parts.commandsPerTurnMax, parts.clockUs ?? (() => 0))
    this.#closedEvents = parts.events.another()
    this.#closedReplies = parts.replies.another()
    this.#hasWork = () =>
      this.#isCommitting
        ? parts.journal.isDone || (this.#hasRoom && parts.commands.hasNext())
        : parts.commands.hasNext()
  }

  /** Turns until a Stop command was carried out. */
  run(): void {
    const { doorbell } = this.#parts
    while (!this.#stopping || this.#isCommitting) {
      if (!this.turn()) doorbell.park(this.#restMs, this.#hasWork)
    }
  }

  /** One turn; false where there was nothing to do. */
  turn(): boolean {
    const { commands, journal, lane } = this.#parts
    let isMoved = this.#take() > 0
    if (this.#sweep()) isMoved = true
    if (this.#isCommitting) {
      if (!journal.isDone) return isMoved
      lane.record(Metric.CommitLatency, journal.finish())
      this.#isCommitting = false
      this.#publishClosed()
      isMoved = true
    }
    const { commandsShared, commandsHandedOverMin } = this.#rules
    const stepped = this.#stepped
    const isMoreWaiting = !this.#stopping && (commands.hasNext() || this.#hasSweep)
    if (stepped === 0 || (isMoreWaiting && stepped < commandsShared && this.#hasRoom)) return isMoved || isMoreWaiting
    this.#close()
    const { count, end, writer } = this.#closedEvents
    if (count > 0) {
      const isHandedOver = !this.#stopping && (isMoreWaiting || stepped >= commandsHandedOverMin)
      this.#isCommitting = isHandedOver && journal.begin(writer.bytes, end, count)
      if (this.#isCommitting) return true
      const beganMs = performance.now()
      journal.append(writer.bytes, end, count)
      lane.record(Metric.CommitLatency, 1000 * (performance.now() - beganMs))
    }
    this.#publishClosed()
    return true
  }

  /** Steps commands into the open block, until there are none or it is time to look after the disk. */
  #take(): number {
    const { commands, journal, lane } = this.#parts
    let taken = 0
    while (this.#hasRoom && !this.#stopping) {
      if (this.#isCommitting) {
        if (taken % COMMANDS_PER_LOOK === 0 && journal.isDone) break
      } else if (this.#stepped >= this.#rules.commandsShared) break
      if (!commands.next()) break
      if (taken === 0) this.#meter.beginTaking()
      else if (taken % COMMANDS_PER_CLOCK_LOOK === 0) this.#meter.look()
      this.#step(commands.bytes, commands.view, commands.offset, commands.length)
      this.#stepped += 1
      taken += 1
    }
    if (taken === 0) return 0
    commands.release()
    this.#meter.endTaking()
    lane.add(Metric.Commands, taken)
    if (this.#verdicts.length > 0) this.#publishVerdicts()
    return taken
  }

  /** Takes the sweeps a part of their way, as one more command of the open block; false where there is none, or no room. */
  #sweep(): boolean {
    const { haltSweeps, cancelSweeps } = this.#parts.state
    if (!this.#hasSweep || !this.#hasRoom || this.#stopping) return false
    this.#stepped += 1
    if (haltSweeps.isUnderWay) haltSweeps.advance()
    if (this.#isPieceDue) {
      this.#hasPiece = true
      this.#pieceDueMs = Math.max(this.#pieceDueMs, performance.now() - SWEEP_LATE_MS_MAX) + this.#sweepPauseMs
      cancelSweeps.advance()
    }
    return true
  }

  /** Whether there is something to sweep that the open block may have now. */
  get #hasSweep(): boolean {
    return this.#parts.state.haltSweeps.isUnderWay || this.#isPieceDue
  }

  get #isPieceDue(): boolean {
    if (!this.#parts.state.cancelSweeps.isUnderWay || this.#hasPiece) return false
    return performance.now() >= this.#pieceDueMs
  }

  /** How long the shard may sleep where nobody wakes it. */
  get #restMs(): number {
    const { isUnderWay } = this.#parts.state.cancelSweeps
    // Where the open block has its piece, or no room for one, the end of the commit that keeps it open wakes.
    if (!isUnderWay || this.#hasPiece || !this.#hasRoom || this.#stopping) return REST_MS
    return Math.max(0, this.#pieceDueMs - performance.now())
  }

  /** Whether the open block takes more. */
  get #hasRoom(): boolean {
    const { commandsPerTurnMax, events } = this.#parts
    return this.#stepped < commandsPerTurnMax && events.end < BLOCK_EVENTS_BYTES_MAX
  }

  /** Closes the open block: what is stepped from now on belongs to the next. */
  #close(): void {
    const { events, replies, lane, rows, snapshots, state, doorbell } = this.#parts
    if (!this.#restoring) snapshots.takeDue()
    for (const notice of this.#notices) {
      if (notice.type !== Notice.Marker) continue
      // Taken here, behind the block's events, so that the cut is exact.
      const book = state.books[notice.a]
      notice.c = book?.orderSequence ?? 0
      notice.d = book?.reportSequence ?? 0
    }
    rows.stage()
    const notices = this.#closedNotices
    this.#closedNotices = this.#notices
    this.#notices = notices
    const listings = this.#closedListings
    this.#closedListings = state.newListings
    state.newListings = listings
    const toJudge = this.#closedToJudge
    this.#closedToJudge = state.pooled.messages
    state.pooled.messages = toJudge
    this.#closedEvents.exchange(events)
    this.#closedReplies.exchange(replies)
    this.#stepped = 0
    this.#hasPiece = false
    this.#meter.close()
    lane.set(Metric.OrdersOpen, state.orders.size)
    lane.set(Metric.Parks, doorbell.parks)
  }

  /** Shows and sends what the closed block holds, which is durable now. */
  #publishClosed(): void {
    const { lane, mainDoorbell, reports, rows } = this.#parts
    const events = this.#closedEvents
    const replies = this.#closedReplies
    this.#meter.durable()
    if (events.count > 0) {
      lane.add(Metric.Batches)
      lane.add(Metric.JournalEntries, events.count)
      lane.add(Metric.JournalBytes, events.end)
    }
    rows.show()
    for (const { index, text } of this.#closedListings) {
      this.#write({ type: Notice.Listing, session: 0, a: index, b: 0, c: 0, d: 0, text })
    }
    this.#closedListings.length = 0
    // Before the events, and shown together with them: whoever hears of one finds it counted, and nobody hears first of
    // what it makes room for.
    for (const message of this.#closedToJudge) this.#writeBytes(Notice.ToJudge, 0, message)
    this.#closedToJudge.length = 0
    this.#publish(Notice.Events, events)
    reports.publish()
    this.#publish(Notice.Replies, replies)
    for (const notice of this.#closedNotices) this.#write(notice)
    this.#closedNotices.length = 0
    events.clear()
    replies.clear()
    this.#meter.published()
    mainDoorbell.ring()
  }

  /** Asks main, behind the block's events, to answer from the durable record. */
  readonly lookup = (
    session: number,
    requestId: number,
    accountRow: number,
    orderId: number,
    purpose: LookupPurpose,
    text = '',
  ): void => {
    this.#notices.push({ type: Notice.Lookup, session, a: requestId, b: accountRow, c: orderId, d: purpose, text })
  }

  /** Tells main, behind the block's events, that a compliance rule has objected. */
  violated(violation: Violation, trippedRevision: number): void {
    const text = violationText(violation, trippedRevision)
    this.#notices.push({ type: Notice.Violated, session: 0, a: 0, b: 0, c: 0, d: 0, text })
  }

  /** Tells main, behind the block's events, that a sweep of the kill switch has been everywhere. */
  swept(token: number, canceled: number): void {
    this.#notices.push({ type: Notice.Swept, session: 0, a: token, b: 0, c: canceled, d: 0, text: '' })
  }

  /** Tells main, behind the block's events, that a recall has been everywhere. */
  recalled(token: number, canceled: number): void {
    this.#notices.push({ type: Notice.Recalled, session: 0, a: token, b: 0, c: canceled, d: 0, text: '' })
  }

  /** Tells main, behind the block's events, how far a mass cancel has got. */
  massCanceled(token: number, isOver: boolean, counts: string): void {
    this.#notices.push({
      type: Notice.MassCanceled,
      session: 0,
      a: token,
      b: isOver ? 1 : 0,
      c: 0,
      d: 0,
      text: counts,
    })
  }

  /** Asks main for the market of a ticker. */
  firstUse(ticker: string): void {
    this.#notices.push({ type: Notice.FirstUse, session: 0, a: 0, b: 0, c: 0, d: 0, text: ticker })
  }

  /** The judge of pooled rules has answered. */
  verdict(row: number, verdict: Verdict): void {
    this.#verdicts.push({ row, body: packVerdict(verdict) })
  }

  #publishVerdicts(): void {
    for (const { row, body } of this.#verdicts) this.#writeBytes(Notice.Verdict, row, body)
    this.#parts.reports.publish()
    this.#verdicts.length = 0
    this.#parts.mainDoorbell.ring()
  }

  #step(bytes: Uint8Array, view: DataView, offset: number, length: number): void {
    const { desk, market, massCancels, restoration, state, venue, snapshots } = this.#parts
    const word = view.getUint32(offset + CommandAt.type, true)
    const type = (word & 0xffff) as Command
    const row = view.getUint32(offset + CommandAt.accountRow, true)
    const time = view.getFloat64(offset + CommandAt.time, true)
    const body = offset + COMMAND_HEADER_BYTES
    const end = offset + length
    if (time > state.timeUs) state.timeUs = time
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
        request.mark = 0
        if ((word & CommandFlag.Marked) !== 0) {
          request.mark = view.getUint32(body, true)
          const { sessionKey } = request
          sessionKey.bytes = bytes
          sessionKey.start = body + MARK_HEADER_BYTES
          sessionKey.end = sessionKey.start + bytes[body + 4]
          request.start = sessionKey.end
        }
        this.#meter.request(time)
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
        massCancels.onTime(time)
        desk.waiting.passTime(time)
        this.#meter.tick()
        break
      case Command.Watched: {
        const hasRoom = view.getFloat64(offset + CommandAt.orderId, true) === 0
        venue.onTime(time)
        desk.waiting.watched(this.#decoder.decode(bytes.slice(body, end)), hasRoom, time)
        break
      }
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
      case Command.Sweep:
        this.#parts.haltSweep.begin(view.getFloat64(offset + CommandAt.orderId, true))
        break
      case Command.MassCancel: {
        const asked = unpack(bytes.slice(body, end)) as unknown as ShardMassCancel // main's own words
        massCancels.begin(asked, view.getFloat64(offset + CommandAt.orderId, true))
        break
      }
      case Command.Recall:
        this.#parts.recalls.begin(
          view.getFloat64(offset + CommandAt.orderId, true),
          recallOfBody(bytes.slice(body, end)),
        )
        break
      case Command.Rule:
        this.#parts.state.compliance.set(ruleOfBody(bytes.slice(body, end)))
        break
      case Command.Nodes: {
        const { compliance, view: outside } = this.#parts.state
        compliance.place(outside.accountId(row), nodesOfBody(bytes.slice(body, end)))
        break
      }
      case Command.Judge:
        this.#parts.judge.take(bytes.slice(body, end))
        break
      case Command.Pool: {
        const epoch = view.getFloat64(offset + CommandAt.orderId, true)
        desk.waiting.pool(row, epoch, end > body && bytes[body] === 1, time)
        break
      }
      case Command.Verdict:
        venue.onTime(time)
        desk.waiting.judged(row, unpackVerdict(bytes.slice(body, end)), time)
        break
      case Command.Stop:
        desk.waiting.refuseAll()
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

  /** Left for the caller to show. */
  #writeBytes(type: Notice, a: number, body: Uint8Array): void {
    const { reports } = this.#parts
    const at = this.#claim(NOTICE_HEADER_BYTES + body.length)
    reports.view.setUint32(at + NoticeAt.type, type, true)
    reports.view.setUint32(at + NoticeAt.a, a, true)
    reports.bytes.set(body, at + NOTICE_HEADER_BYTES)
  }

  /** Space in the report ring. A full one holds the shard until main has read on: nothing durable is ever dropped. */
  #claim(bytes: number): number {
    const { reports, doorbell, lane, mainDoorbell } = this.#parts
    assert(bytes <= reports.recordBytesMax, 'a record larger than the report ring takes')
    for (;;) {
      const at = reports.claim(bytes)
      if (at >= 0) return at
      reports.publish()
      lane.add(Metric.ReportRingFull)
      mainDoorbell.ring()
      doorbell.park(1, () => false)
    }
  }
}
