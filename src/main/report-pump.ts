// Moves what the shards published to those who may see it: copies bytes, decodes nothing. The answer to a submission
// goes to the session that asked; the same bytes, with the request id blanked, to every other follower of the account.

import { assert } from '../base/assert.ts'
import { type ToldViolation, violationOfText } from '../compliance/rule-messages.ts'
import { FRAME_HEADER_BYTES } from '../protocol/frames.ts'
import { Kind } from '../protocol/kinds.ts'
import { EventOffset, timeOfAccepted } from '../protocol/order-events.ts'
import {
  BATCH_HEADER_BYTES,
  type LookupPurpose,
  NOTICE_HEADER_BYTES,
  Notice,
  NoticeAt,
} from '../shared-memory/records.ts'
import type { RingConsumer } from '../shared-memory/ring.ts'
import type { Gate } from './gate.ts'
import type { OrderTrace } from './order-trace.ts'
import type { Session } from './session.ts'
import type { Follower, Subscriptions } from './subscription.ts'

/** Records of one shard taken before the others get their turn. */
const RECORDS_PER_TURN_MAX = 64

/** What the shards say that is not for clients. */
export interface ShardNotices {
  marker(accountRow: number, token: number, orderSequence: number, reportSequence: number): void
  listing(shard: number, index: number, ticker: string): void
  lookup(
    session: number,
    requestId: number,
    accountRow: number,
    orderId: number,
    purpose: LookupPurpose,
    text: string,
  ): void
  ready(shard: number): void
  stopped(shard: number): void
  swept(token: number, canceled: number): void
  recalled(token: number, canceled: number): void
  violated(violation: ToldViolation): void
  massCanceled(token: number, isOver: boolean, counts: string): void
  firstUse(shard: number, ticker: string): void
  /** For the judge of pooled rules, and from it. */
  toJudge(body: Uint8Array): void
  verdict(accountRow: number, body: Uint8Array): void
  /** Whether the shard's ring is left as it is for now. */
  holdsBack(shard: number): boolean
}

export class ReportPump {
  readonly #rings: readonly RingConsumer[]
  readonly #gate: Gate
  readonly #subscriptions: Subscriptions
  readonly #notices: ShardNotices
  readonly #heldBytesMax: number
  readonly #onTooSlow: (session: Session) => void
  readonly #trace: OrderTrace | undefined
  readonly #decoder = new TextDecoder()
  /** When this turn began. */
  #nowUs = 0

  /**
   * @param heldBytesMax bytes of live events that may wait for a follower's history.
   * @param onTooSlow closes a session for which more wait.
   * @param trace told of every event, while it is on.
   */
  constructor(
    rings: readonly RingConsumer[],
    gate: Gate,
    subscriptions: Subscriptions,
    notices: ShardNotices,
    heldBytesMax: number,
    onTooSlow: (session: Session) => void,
    trace?: OrderTrace,
  ) {
    this.#rings = rings
    this.#gate = gate
    this.#subscriptions = subscriptions
    this.#notices = notices
    this.#heldBytesMax = heldBytesMax
    this.#onTooSlow = onTooSlow
    this.#trace = trace
  }

  /** True where some shard has published something. For the doorbell. */
  readonly hasWork = (): boolean => {
    for (let shard = 0; shard < this.#rings.length; shard++) {
      if (this.#rings[shard].hasNext() && !this.#notices.holdsBack(shard)) return true
    }
    return false
  }

  /** Moves what is there; false where nothing was. */
  turn(): boolean {
    let any = false
    if (this.hasWork()) this.#nowUs = this.#gate.nowUs()
    for (let shard = 0; shard < this.#rings.length; shard++) {
      const ring = this.#rings[shard]
      let records = 0
      // What the judge hears of and what clients hear of it are one: never one of them in one turn, the other in the next.
      let isBetween = false
      while ((isBetween || (records < RECORDS_PER_TURN_MAX && !this.#notices.holdsBack(shard))) && ring.next()) {
        isBetween = this.#record(shard, ring.bytes, ring.view, ring.offset, ring.length) === Notice.ToJudge
        records += 1
      }
      if (records > 0) {
        ring.release()
        any = true
      }
    }
    if (any) this.#gate.flush()
    return any
  }

  #record(shard: number, bytes: Uint8Array, view: DataView, offset: number, length: number): Notice {
    const type = view.getUint32(offset + NoticeAt.type, true) as Notice
    if (type === Notice.Events) this.#events(bytes, view, offset)
    else if (type === Notice.Replies) this.#replies(bytes, view, offset)
    else {
      const session = view.getUint32(offset + NoticeAt.session, true)
      const a = view.getUint32(offset + NoticeAt.a, true)
      const b = view.getUint32(offset + NoticeAt.b, true)
      const c = view.getFloat64(offset + NoticeAt.c, true)
      const d = view.getFloat64(offset + NoticeAt.d, true)
      if (type === Notice.Marker) this.#notices.marker(a, b, c, d)
      else if (type === Notice.Lookup) {
        const text = this.#decoder.decode(bytes.slice(offset + NOTICE_HEADER_BYTES, offset + length))
        this.#notices.lookup(session, a, b, c, d as LookupPurpose, text)
      } else if (type === Notice.Listing) {
        const text = this.#decoder.decode(bytes.slice(offset + NOTICE_HEADER_BYTES, offset + length))
        this.#notices.listing(shard, a, text)
      } else if (type === Notice.Ready) this.#notices.ready(shard)
      else if (type === Notice.FirstUse) {
        const text = this.#decoder.decode(bytes.slice(offset + NOTICE_HEADER_BYTES, offset + length))
        this.#notices.firstUse(shard, text)
      } else if (type === Notice.Swept) this.#notices.swept(a, c)
      else if (type === Notice.Recalled) this.#notices.recalled(a, c)
      else if (type === Notice.Violated) {
        const text = this.#decoder.decode(bytes.slice(offset + NOTICE_HEADER_BYTES, offset + length))
        this.#notices.violated(violationOfText(text))
      } else if (type === Notice.MassCanceled) {
        const text = this.#decoder.decode(bytes.slice(offset + NOTICE_HEADER_BYTES, offset + length))
        this.#notices.massCanceled(a, b === 1, text)
      } else if (type === Notice.ToJudge) {
        this.#notices.toJudge(bytes.subarray(offset + NOTICE_HEADER_BYTES, offset + length))
      } else if (type === Notice.Verdict) {
        this.#notices.verdict(a, bytes.subarray(offset + NOTICE_HEADER_BYTES, offset + length))
      } else {
        assert(type === Notice.Stopped, 'a record of an unknown type from a shard')
        this.#notices.stopped(shard)
      }
    }
    return type
  }

  // Frames that follow one another to the same single session are copied in one piece: the reports of one order nearly
  // always, and often those of many.
  #events(bytes: Uint8Array, view: DataView, offset: number): void {
    const gate = this.#gate
    const count = view.getUint32(offset + 4, true)
    let routing = offset + BATCH_HEADER_BYTES
    let at = routing + 8 * count
    const trace = this.#trace?.isOn === true ? this.#trace : undefined
    let run: Session | undefined
    let runStart = 0
    for (let i = 0; i < count; i++, routing += 8) {
      const end = at + FRAME_HEADER_BYTES + view.getUint32(at)
      const word = view.getUint32(routing, true)
      const followers = this.#subscriptions.followers(view.getUint32(routing + 4, true))
      const asking = word === 0 ? undefined : gate.sessions.find(word)
      if (asking !== undefined) {
        gate.answered(asking)
        const body = at + FRAME_HEADER_BYTES
        if (bytes[body + EventOffset.kind] === Kind.OrderAccepted) {
          gate.acceptedAt(timeOfAccepted(view, body), this.#nowUs)
        }
      }
      const single = this.#single(asking, followers)
      if (trace !== undefined) trace.published(bytes, at, end, single === undefined ? (followers?.length ?? 0) : 1)
      if (single === undefined || single !== run) {
        if (run !== undefined) gate.deliver(run, bytes, runStart, at)
        run = single
        runStart = at
        if (single === undefined) this.#fanOut(asking, followers, bytes, at, end)
      }
      at = end
    }
    if (run !== undefined) gate.deliver(run, bytes, runStart, at)
  }

  /** The one session that gets the frame as it is; undefined where there are none, several, or one that waits. */
  #single(asking: Session | undefined, followers: readonly Follower[] | undefined): Session | undefined {
    if (followers === undefined) return asking
    if (followers.length > 1) return undefined
    const follower = followers[0]
    if (asking !== undefined) return asking === follower.session ? asking : undefined
    return follower.holds === 0 ? follower.session : undefined
  }

  #fanOut(
    asking: Session | undefined,
    followers: readonly Follower[] | undefined,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const gate = this.#gate
    if (asking !== undefined) gate.deliver(asking, bytes, start, end)
    if (followers === undefined) return
    // Closed behind the loop, since that changes the list.
    let tooSlow: Session[] | undefined
    for (const follower of followers) {
      const { session } = follower
      if (session === asking) continue // the answer is its copy
      if (follower.holds > 0) {
        const held = bytes.slice(start, end)
        blankRequestId(held, 0)
        follower.held.push(held)
        follower.heldBytes += held.length
        if (follower.heldBytes > this.#heldBytesMax) {
          tooSlow ??= []
          tooSlow.push(session)
        }
        continue
      }
      gate.deliver(session, bytes, start, end)
      if (asking !== undefined) {
        const copy = session.outbox.last(end - start)
        blankRequestId(copy.bytes, copy.at)
      }
    }
    if (tooSlow !== undefined) for (const session of tooSlow) this.#onTooSlow(session)
  }

  #replies(bytes: Uint8Array, view: DataView, offset: number): void {
    const gate = this.#gate
    const count = view.getUint32(offset + 4, true)
    let routing = offset + BATCH_HEADER_BYTES
    let at = routing + 8 * count
    for (let i = 0; i < count; i++, routing += 8) {
      const end = at + FRAME_HEADER_BYTES + view.getUint32(at)
      const session = gate.sessions.find(view.getUint32(routing, true))
      if (session !== undefined) {
        gate.answered(session)
        gate.deliver(session, bytes, at, end)
      }
      at = end
    }
  }
}

function blankRequestId(frame: Uint8Array, start: number): void {
  frame.fill(
    0,
    start + FRAME_HEADER_BYTES + EventOffset.requestId,
    start + FRAME_HEADER_BYTES + EventOffset.requestId + 4,
  )
}
