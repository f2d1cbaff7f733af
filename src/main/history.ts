// What clients ask about the past: queries, subscriptions from a sequence, single orders. All follow one course:
//
//   marker to the shard → the shard names its sequences, in order with its events: the cut → live events are held back
//   (where the client follows on) → readers answer page by page up to exactly the cut → what was held back follows
//
// A client that reads its answer slowly gets it slowly: the next page is asked for when the last has been taken.

import { AssertionFailed, assert } from '../base/assert.ts'
import { Reason } from '../domain/reasons.ts'
import { FRAME_HEADER_BYTES } from '../protocol/frames.ts'
import { Kind, LimitKind, RangePoint, SubscriptionScope } from '../protocol/kinds.ts'
import { MessageReader } from '../protocol/message-reader.ts'
import type { Value } from '../protocol/msgpack.ts'
import { decodeOrderEvent, EventOffset } from '../protocol/order-events.ts'
import { Command, LookupPurpose } from '../shared-memory/records.ts'
import type { JournalToRead } from '../stores/account-tails.ts'
import type { Continuation, OrderQuery, OrdersQuery, Page, Point, ReportsQuery } from '../stores/queries.ts'
import type { Directory } from './directory.ts'
import type { Gate, HistoryDesk } from './gate.ts'
import { type Session, SessionStage } from './session.ts'
import type { ShardLink } from './shard-link.ts'
import type { Follower, Subscription, Subscriptions } from './subscription.ts'

/** Answers queries from the stores and the journals, on other threads. What cannot be answered rejects with HistoryFailed. */
export interface Readers {
  orders(query: OrdersQuery): Promise<Page>
  reports(query: ReportsQuery): Promise<Page>
  order(query: OrderQuery): Promise<Page>
  /** The account of an order, wherever it is; undefined where there is no such order. */
  accountOf(orderId: number, journals: readonly JournalToRead[]): Promise<number | undefined>
}

export interface HistoryParts {
  readonly directory: Directory
  readonly shards: readonly ShardLink[]
  readonly shardOf: (row: number) => number
  readonly subscriptions: Subscriptions
  readonly readers: Readers
  /** The journals as they are now, that of the shard first. */
  readonly journals: (shard: number) => readonly JournalToRead[]
  readonly subscriptionsMax: number
  /** A session with more than this unread gets its next page later. */
  readonly unreadBytesMax: number
  readonly log: (message: string, facts: Record<string, string | number>) => void
}

/** How far an account had come when its shard was asked. */
interface Cut {
  readonly orderSequence: number
  readonly reportSequence: number
}

/** Size at which a page ends. */
const PAGE_BYTES = 256 * 1024
const EMPTY = new Uint8Array(0)

/** Ends a history early; the code and its parameters go to the client. */
export class HistoryFailed extends Error {
  override name = 'HistoryFailed'
  readonly code: Reason
  readonly params: (string | number)[]
  constructor(code: Reason, params: (string | number)[] = [], message = `history failed with ${code}`) {
    super(message)
    this.code = code
    this.params = params
  }
}

export class History implements HistoryDesk {
  readonly #parts: HistoryParts
  #gate: Gate | undefined
  readonly #markers = new Map<number, (cut: Cut) => void>()
  #nextToken = 1

  constructor(parts: HistoryParts) {
    this.#parts = parts
  }

  /** Gate and history know each other; the gate is made second. */
  connect(gate: Gate): void {
    this.#gate = gate
  }

  query(session: Session, kind: number, requestId: number, row: number, message: Value[]): void {
    this.#run(session, requestId, row, () => this.#query(session, kind, requestId, row, message))
  }

  subscribe(session: Session, requestId: number, row: number, message: Value[]): void {
    this.#run(session, requestId, row, () => this.#subscribe(session, requestId, row, message))
  }

  unsubscribe(session: Session, requestId: number, message: Value[]): void {
    const gate = this.#gate!
    const id = message[3]
    const subscription = typeof id === 'number' ? session.subscriptions.get(id) : undefined
    if (subscription === undefined) {
      gate.refuse(session, requestId, 0, Reason.UnknownSubscription, [typeof id === 'number' ? id : 0])
      return
    }
    this.#parts.subscriptions.close(subscription)
    gate.send(session, [Kind.Done, requestId, 0])
    gate.answered(session)
  }

  load(session: Session, requestId: number, row: number, orderId: number): void {
    this.#run(session, requestId, row, () => this.#load(session, requestId, row, orderId))
  }

  /** Answers a request from the record: its order has left the shard's memory, or it was made before. */
  lookup(
    session: Session,
    requestId: number,
    row: number,
    orderId: number,
    purpose: LookupPurpose,
    text: string,
  ): void {
    this.#run(session, requestId, row, () => this.#lookup(session, requestId, row, orderId, purpose, text))
  }

  /** Nothing to undo: what is under way sees that the session is closed. */
  forget(session: Session): void {
    session.onRoom?.()
  }

  /** The shard has answered a marker. */
  marker(token: number, orderSequence: number, reportSequence: number): void {
    const resolve = this.#markers.get(token)
    this.#markers.delete(token)
    resolve?.({ orderSequence, reportSequence })
  }

  /** Roles or groups changed: subscriptions follow their groups, and end where they are not permitted any more. */
  membershipsChanged(sessions: Iterable<Session>): void {
    const { directory } = this.#parts
    for (const session of sessions) {
      if (session.stage !== SessionStage.Live) continue
      session.administrator = directory.isAdministrator(session.account)
      for (const subscription of [...session.subscriptions.values()]) this.#followMemberships(subscription)
    }
  }

  #followMemberships(subscription: Subscription): void {
    const { subscriptions } = this.#parts
    const { rows, awaited, isAnswered, group } = subscription
    const wanted = this.#wantedRows(subscription)
    for (const row of [...rows, ...awaited]) {
      if (wanted.has(row)) continue
      subscriptions.uncover(subscription, row)
      if (isAnswered) this.#tellMembership(subscription, row, 0, 0)
    }
    if (group < 0) {
      if (rows.size + awaited.size === 0) subscriptions.close(subscription)
      return
    }
    // The members of a subscription on its way are looked at again once it has been answered.
    if (!isAnswered) return
    for (const row of wanted) if (!rows.has(row) && !awaited.has(row)) this.#join(subscription, row)
  }

  #wantedRows(subscription: Subscription): Set<number> {
    const { directory } = this.#parts
    const { account } = subscription.session
    if (subscription.group < 0) {
      const rows = [...subscription.rows, ...subscription.awaited]
      return new Set(rows.filter(row => directory.permitted(account, directory.accountOf(row))))
    }
    if (!directory.mayFollow(account, subscription.group)) return new Set()
    return new Set([...directory.traders(subscription.group)].map(id => directory.rowOf(id)).filter(row => row >= 0))
  }

  #join(subscription: Subscription, row: number): void {
    const { subscriptions } = this.#parts
    subscriptions.expect(subscription, row)
    this.#cut(row, cut => {
      if (subscriptions.cover(subscription, row) === undefined) return
      this.#tellMembership(subscription, row, 1, cut.reportSequence + 1)
    })
  }

  #tellMembership(subscription: Subscription, row: number, joined: 0 | 1, nextSequence: number): void {
    const account = this.#parts.directory.accountOf(row)
    this.#gate!.send(subscription.session, [Kind.Membership, 0, 0, subscription.id, account, joined, nextSequence])
  }

  /** Runs one history to its end; whatever stops it becomes a coded refusal. */
  #run(session: Session, requestId: number, row: number, history: () => Promise<void>): void {
    const gate = this.#gate!
    history()
      .catch((error: unknown) => {
        const account = row < 0 ? 0 : this.#parts.directory.accountOf(row)
        if (error instanceof HistoryFailed) {
          gate.refuse(session, requestId, account, error.code, error.params)
          return
        }
        this.#parts.log('a query failed', { account, error: String(error) })
        gate.refuse(session, requestId, account, Reason.Internal, [])
      })
      .finally(() => gate.flush())
  }

  async #query(session: Session, kind: number, requestId: number, row: number, message: Value[]): Promise<void> {
    const gate = this.#gate!
    const { directory, subscriptions } = this.#parts
    const start = pointOf(message[3] ?? 0)
    const end = pointOf(message[4] ?? RangePoint.Present)
    const limitKind = (message[5] ?? LimitKind.None) as LimitKind
    const limitSize = message[6] ?? 0
    if (start === undefined || end === undefined) throw new HistoryFailed(Reason.InvalidRange)
    if (limitKind !== LimitKind.None && limitKind !== LimitKind.Unlimited) {
      const known = limitKind === LimitKind.Head || limitKind === LimitKind.Tail
      if (!known || typeof limitSize !== 'number' || !Number.isSafeInteger(limitSize) || limitSize < 0) {
        throw new HistoryFailed(Reason.InvalidLimit)
      }
    }
    const account = directory.accountOf(row)
    const subscription = end === RangePoint.Last ? this.#open(session, -1) : undefined
    let follower: Follower | undefined
    try {
      const cut = await this.#cutOf(row, subscription)
      follower = cut.follower
      const scope = {
        requestId,
        account,
        cutReportSequence: cut.reportSequence,
        journals: this.#journalsOf(row),
        pageBytes: PAGE_BYTES,
        start,
        end,
        limitKind,
        limitSize: limitSize as number,
      }
      const { readers } = this.#parts
      const count =
        kind === Kind.QueryOrders
          ? await this.#pages(session, continuation => readers.orders({ ...scope, filter: message[7], continuation }))
          : await this.#pages(session, continuation => readers.reports({ ...scope, form: 'records', continuation }))
      this.#answered(subscription, [row])
      gate.send(session, [
        Kind.QueryEnd,
        requestId,
        account,
        count,
        subscription?.id ?? 0,
        cut.reportSequence,
        cut.orderSequence,
      ])
      gate.answered(session)
    } catch (error) {
      if (subscription !== undefined) subscriptions.close(subscription)
      throw error
    } finally {
      if (follower !== undefined) this.#release(follower)
    }
  }

  async #subscribe(session: Session, requestId: number, row: number, message: Value[]): Promise<void> {
    const gate = this.#gate!
    const { directory, subscriptions } = this.#parts
    const [, , , scope, fromSequence = 0, group = 0, resume = []] = message
    const wanted = new Map<number, number>()
    if (scope === SubscriptionScope.Account || scope === undefined) {
      wanted.set(row, sequenceOf(fromSequence))
    } else if (scope === SubscriptionScope.Group) {
      if (typeof group !== 'number' || directory.groupName(group) === undefined) {
        throw new HistoryFailed(Reason.UnknownGroup, [typeof group === 'number' ? group : 0])
      }
      if (!directory.mayFollow(session.account, group)) throw new HistoryFailed(Reason.NotPermitted)
      const from = new Map<number, number>()
      if (!Array.isArray(resume)) throw new HistoryFailed(Reason.MalformedMessage, [6])
      for (const pair of resume) {
        const [account, sequence] = Array.isArray(pair) ? pair : []
        if (typeof account !== 'number') throw new HistoryFailed(Reason.MalformedMessage, [6])
        from.set(account, sequenceOf(sequence))
      }
      for (const account of directory.traders(group)) {
        const traderRow = directory.rowOf(account)
        if (traderRow >= 0) wanted.set(traderRow, from.get(account) ?? 0)
      }
    } else throw new HistoryFailed(Reason.MalformedMessage, [3])

    const subscription = this.#open(session, scope === SubscriptionScope.Group ? (group as number) : -1)
    const held = new Set<Follower>()
    try {
      const members = await Promise.all(
        [...wanted].map(async ([memberRow, from]) => {
          const { reportSequence, follower } = await this.#cutOf(memberRow, subscription)
          if (follower !== undefined) held.add(follower)
          const next = from === 0 ? reportSequence + 1 : from
          if (next > reportSequence + 1) throw new HistoryFailed(Reason.InvalidRange)
          return { row: memberRow, account: directory.accountOf(memberRow), next, cut: reportSequence, follower }
        }),
      )
      // Who has left the group meanwhile is not named.
      const followed = members.filter(member => subscription.rows.has(member.row))
      const isGroup = scope === SubscriptionScope.Group
      this.#answered(subscription, isGroup ? [] : [row])
      const nexts = followed.map(({ account, next }) => [account, next])
      gate.send(session, [Kind.Subscribed, requestId, isGroup ? 0 : directory.accountOf(row), subscription.id, nexts])
      gate.answered(session)
      if (isGroup) this.#followMemberships(subscription)
      gate.flush()
      for (const { row: memberRow, next, cut, follower } of followed) {
        if (next <= cut) await this.#history(session, memberRow, next, cut)
        held.delete(follower!)
        this.#release(follower!)
      }
    } catch (error) {
      subscriptions.close(subscription)
      throw error
    } finally {
      for (const follower of held) this.#release(follower)
    }
  }

  /** The client is about to learn of the subscription. @throws HistoryFailed where it has lost what it is to cover. */
  #answered(subscription: Subscription | undefined, rows: readonly number[]): void {
    if (subscription === undefined) return
    if (!rows.every(row => subscription.rows.has(row))) throw new HistoryFailed(Reason.NotPermitted)
    subscription.isAnswered = true
  }

  /** The events of an account from `next` to the cut, as the frames that subscribers got. */
  async #history(session: Session, row: number, next: number, cut: number): Promise<void> {
    const { directory, readers } = this.#parts
    await this.#pages(session, continuation =>
      readers.reports({
        requestId: 0,
        account: directory.accountOf(row),
        cutReportSequence: cut,
        journals: this.#journalsOf(row),
        pageBytes: PAGE_BYTES,
        start: next,
        end: RangePoint.Last,
        limitKind: LimitKind.Unlimited,
        limitSize: 0,
        form: 'events',
        continuation,
      }),
    )
  }

  async #load(session: Session, requestId: number, row: number, orderId: number): Promise<void> {
    const gate = this.#gate!
    const { directory, readers } = this.#parts
    let accountRow = row
    if (row < 0) {
      const account = await readers.accountOf(orderId, this.#parts.journals(0))
      accountRow = account === undefined ? -1 : directory.rowOf(account)
      // Somebody else's order is told apart from none at all by nobody.
      if (accountRow < 0 || !directory.permitted(session.account, account!)) {
        throw new HistoryFailed(Reason.UnknownOrder, [orderId])
      }
    }
    const page = await this.#order(requestId, accountRow, orderId)
    if (page.count === 0) throw new HistoryFailed(Reason.UnknownOrder, [orderId])
    gate.deliver(session, page.frames, 0, page.frames.length)
    gate.answered(session)
  }

  async #lookup(
    session: Session,
    requestId: number,
    row: number,
    orderId: number,
    purpose: LookupPurpose,
    text: string,
  ): Promise<void> {
    const gate = this.#gate!
    const page = await this.#order(requestId, row, orderId)
    if (purpose === LookupPurpose.Refuse) {
      throw new HistoryFailed(page.count === 0 ? Reason.UnknownOrder : Reason.OrderTerminal, [orderId])
    }
    assert(page.count === 1, 'an accepted order is in the store or in the journal')
    // The first outcome again, out of the order's record, and addressed to this request: the order as it was accepted, or
    // the first report on a replace.
    const isReplace = purpose === LookupPurpose.RepeatReplace
    const answer = isReplace ? replaceFrame(page.frames, requestId, text) : acceptedFrame(page.frames, requestId)
    gate.deliver(session, answer, 0, answer.length)
    gate.answered(session)
  }

  async #order(requestId: number, row: number, orderId: number): Promise<Page> {
    const { directory, readers } = this.#parts
    const cut = await this.#cutOf(row)
    return readers.order({
      requestId,
      account: directory.accountOf(row),
      cutReportSequence: cut.reportSequence,
      journals: this.#journalsOf(row),
      orderId,
    })
  }

  #open(session: Session, group: number): Subscription {
    if (session.subscriptions.size >= this.#parts.subscriptionsMax) {
      throw new HistoryFailed(Reason.TooManySubscriptions, [this.#parts.subscriptionsMax])
    }
    return this.#parts.subscriptions.open(session, group)
  }

  #journalsOf(row: number): readonly JournalToRead[] {
    return this.#parts.journals(this.#parts.shardOf(row))
  }

  /** Delivers page after page, each when the client has taken most of the last. */
  async #pages(session: Session, next: (continuation: Continuation | undefined) => Promise<Page>): Promise<number> {
    const gate = this.#gate!
    let count = 0
    let continuation: Continuation | undefined
    do {
      const page = await next(continuation)
      if (session.stage === SessionStage.Closed) throw new HistoryFailed(Reason.Stopping)
      gate.deliver(session, page.frames, 0, page.frames.length)
      gate.flush()
      count += page.count
      continuation = page.continuation
      if (continuation !== undefined) await this.#room(session)
    } while (continuation !== undefined)
    return count
  }

  async #room(session: Session): Promise<void> {
    while (session.stage !== SessionStage.Closed && session.outbox.waitingBytes > this.#parts.unreadBytesMax) {
      await new Promise<void>(resolve => {
        const others = session.onRoom
        session.onRoom = () => {
          others?.()
          resolve()
        }
      })
    }
  }

  /** Lets live events through again, those held back first. */
  #release(follower: Follower): void {
    follower.holds -= 1
    if (follower.holds > 0) return
    const { session, held } = follower
    follower.held = []
    follower.heldBytes = 0
    // Nobody follows any more what nothing refers to.
    if (follower.references === 0) return
    for (const frame of held) this.#gate!.deliver(session, frame, 0, frame.length)
  }

  /**
   * The cut of an account. Where `subscription` is given it covers the account from there on, and `follower` holds the
   * live events back until it is released; undefined where the subscription was closed meanwhile.
   */
  #cutOf(row: number, subscription?: Subscription): Promise<Cut & { follower: Follower | undefined }> {
    const { subscriptions } = this.#parts
    if (subscription !== undefined) subscriptions.expect(subscription, row)
    return new Promise(resolve => {
      this.#cut(row, cut => {
        const follower = subscription === undefined ? undefined : subscriptions.cover(subscription, row)
        if (follower !== undefined) follower.holds += 1
        resolve({ ...cut, follower })
      })
    })
  }

  /** Calls back, in order with the account's events, with the sequences at which its shard stands. */
  #cut(row: number, then: (cut: Cut) => void): void {
    const { shards, shardOf } = this.#parts
    const token = this.#nextToken
    this.#nextToken = (this.#nextToken + 1) >>> 0
    this.#markers.set(token, then)
    const shard = shards[shardOf(row)]
    assert(shard.post(Command.Marker, row, 0, token, EMPTY), 'a shard has not taken a command for too long')
    shard.flush()
  }
}

function pointOf(value: Value): Point | undefined {
  if (typeof value === 'number') {
    const named = value === RangePoint.Last || value === RangePoint.Present
    return Number.isSafeInteger(value) && (value >= 0 || named) ? value : undefined
  }
  const [time] = Array.isArray(value) && value.length === 1 ? value : []
  return typeof time === 'number' && Number.isSafeInteger(time) ? [time] : undefined
}

function sequenceOf(value: Value | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new HistoryFailed(Reason.MalformedMessage, [4])
}

const reader = new MessageReader()

/** The OrderAccepted inside an OrderRecord, as a frame of its own with this request id. */
function acceptedFrame(record: Uint8Array, requestId: number): Buffer {
  // | u32 length | array16, count, kind, request id, account: 14 bytes | OrderAccepted … | list of reports |
  const start = FRAME_HEADER_BYTES + EventOffset.account + 4
  reader.start(record, start, record.length)
  reader.raw()
  return eventFrame(record, start, reader.valueEnd, requestId)
}

/** The frame of the first report on the replace with this client order id in the only record of a page. */
function replaceFrame(record: Uint8Array, requestId: number, clOrdId: string): Buffer {
  reader.start(record, FRAME_HEADER_BYTES + EventOffset.account + 4, record.length)
  reader.raw()
  const count = reader.arrayHeader()
  for (let i = 0; i < count; i++) {
    reader.raw()
    const { valueStart: start, valueEnd: end } = reader
    const event = decodeOrderEvent(record, start, end - start)
    if (event.kind !== Kind.ExecutionReport || event.terms?.clOrdId !== clOrdId) continue
    return eventFrame(record, start, end, requestId)
  }
  throw new AssertionFailed('a replace that was remembered is in the record of its order')
}

/** The event in [start, end) as a frame of its own, in answer to a request. */
function eventFrame(record: Uint8Array, start: number, end: number, requestId: number): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + end - start)
  frame.writeUInt32BE(end - start, 0)
  frame.set(record.subarray(start, end), FRAME_HEADER_BYTES)
  frame.writeUInt32BE(requestId, FRAME_HEADER_BYTES + EventOffset.requestId)
  return frame
}
