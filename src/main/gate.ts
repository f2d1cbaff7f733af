// The gate: what a frame from a client leads to. It knows who is asking and about which account, and nothing of what is
// asked: submissions, cancels and updates go to the account's shard as the bytes they are; what asks about the past goes
// to the queries; the rest is answered here.
//
//   frame ── not msgpack, too long: closed with a reason
//         ── before login: refused, closed
//         ── too fast: refused, and closed where that goes on
//         ── too many unanswered, unknown account, not permitted: refused
//         ── command ring full: the session's reading stops until there is room
//         └─ shard

import { Reason, reasonText } from '../domain/reasons.ts'
import { Metric, slotOfReason } from '../metrics/catalogue.ts'
import { encodeDone, encodeRefused } from '../protocol/answers.ts'
import { encodeFrame, FrameTooLong } from '../protocol/frames.ts'
import { FindWhat, Kind, PROTOCOL_VERSION } from '../protocol/kinds.ts'
import { MessageReader } from '../protocol/message-reader.ts'
import { pack, unpack, type Value } from '../protocol/msgpack.ts'
import type { Lane } from '../shared-memory/lanes.ts'
import { type Directory, LoginsSuspended } from './directory.ts'
import type { OrderTrace } from './order-trace.ts'
import type { Peer } from './peer.ts'
import { type LoginChoice, loginChoice } from './safety-desk.ts'
import { answer, type Session, SessionStage, SessionTable } from './session.ts'
import type { RateLimits } from './session-rates.ts'
import type { ShardLink } from './shard-link.ts'
import type { Subscriptions } from './subscription.ts'

export interface GateLimits extends RateLimits {
  connectionsMax: number
  frameBytesMax: number
  loginMs: number
  heartbeatMs: number
  outboxBytesMax: number
  inFlightMax: number
}

/** What the gate leaves to others, since it needs history. */
export interface HistoryDesk {
  query(session: Session, kind: number, requestId: number, row: number, message: Value[]): void
  subscribe(session: Session, requestId: number, row: number, message: Value[]): void
  unsubscribe(session: Session, requestId: number, message: Value[]): void
  load(session: Session, requestId: number, row: number, orderId: number): void
  forget(session: Session): void
}

/** The kill switch. */
export interface HaltRequests {
  request(session: Session, kind: number, requestId: number, message: Value[]): void
}

/** Cancels of many orders. */
export interface MassCancelRequests {
  /**
   * @param row of the account that the request names; it may be dealt with.
   * @param idBound ids of orders that come from now on are this or greater.
   */
  request(session: Session, requestId: number, row: number, message: Value[], idBound: number): void
}

/** What is canceled when a client falls silent. */
export interface SafetyRequests {
  ordered(orderId: number): void
  loggedIn(session: Session, choice: LoginChoice): void
  lost(session: Session, nowMs: number): void
  tick(nowMs: number): void
  logout(session: Session, requestId: number): void
  request(session: Session, kind: number, requestId: number, account: number, message: Value[]): void
}

/** Who is logged in. */
export interface SessionListRequests {
  /** @param session of an administrator. */
  request(session: Session, requestId: number, message: Value[]): void
}

export interface GateParts {
  readonly limits: GateLimits
  readonly directory: Directory
  readonly shards: readonly ShardLink[]
  /** Shard of an account, by its row. */
  readonly shardOf: (row: number) => number
  readonly history: HistoryDesk
  readonly halts: HaltRequests
  readonly massCancels: MassCancelRequests
  readonly safety: SafetyRequests
  readonly sessionList: SessionListRequests
  readonly subscriptions: Subscriptions
  /** A fresh order id, or 0 where the block is used up and the next has not come yet. */
  readonly nextOrderId: () => number
  /** Whether ids are on their way where there are none at hand. */
  readonly orderIdsComing: () => boolean
  /**
   * Told when bytes of a client were read. Whoever turns the loop calls `flush` once it has read what other clients have
   * sent as well: the shards then take all of it at once, and one commit serves it.
   */
  readonly onReceived: () => void
  /** Told when a session has to wait; whoever turns the loop calls `resumeStalled` soon. */
  readonly onStalled: () => void
  /** Now, µs since the epoch, UTC; never goes back. */
  readonly nowUs: () => number
  /** Monotonic. */
  readonly nowMs: () => number
  /** Elements of a PositionList after the account. */
  readonly positions: (row: number) => Value[]
  readonly durability: string
  readonly serverName: string
  /** Main's lane. */
  readonly lane: Lane
  readonly log: (message: string, facts: Record<string, string | number>) => void
  /** Told of every request that a shard has taken, while it is on. */
  readonly trace?: OrderTrace
}

/** Accounts in one frame of an account list. */
const ACCOUNTS_PER_PAGE = 1000
/** Longest name or password, in bytes. */
const NAME_BYTES_MAX = 256

export class Gate {
  readonly sessions: SessionTable
  readonly #parts: GateParts
  readonly #reader = new MessageReader()
  readonly #toFlush: Session[] = []
  readonly #stalled = new Set<Session>()
  #accepting = true
  /** An id whose order found no room in a ring: the next order gets it. */
  #spareOrderId = 0
  /** When the frames at hand were received, all of one reading at once. */
  #receivedUs = 0

  constructor(parts: GateParts) {
    this.#parts = parts
    this.sessions = new SessionTable(parts.limits.connectionsMax)
  }

  /** A new connection; undefined where it was refused and closed. */
  open(peer: Peer, nowMs: number): Session | undefined {
    const { limits } = this.#parts
    if (this.sessions.full || !this.#accepting) {
      const code = this.#accepting ? Reason.TooManyConnections : Reason.Stopping
      const text = reasonText(code, [limits.connectionsMax])
      this.#parts.lane.add(slotOfReason(Metric.SessionsClosed, code))
      peer.write(framed([Kind.Closing, 0, 0, code, [limits.connectionsMax], text]))
      peer.end()
      return undefined
    }
    this.#parts.lane.add(Metric.SessionsAccepted)
    return this.sessions.open(peer, limits, nowMs)
  }

  /** Bytes from the client. */
  receive(session: Session, chunk: Uint8Array, nowMs: number): void {
    if (session.stage === SessionStage.Closed || session.logout !== undefined) return
    session.lastHeardMs = nowMs
    session.rates.fill(nowMs)
    this.#parts.lane.add(Metric.BytesReceived, chunk.length)
    session.splitter.push(chunk)
    this.#read(session)
    this.#parts.onReceived()
  }

  /** The connection is gone: nothing of the session is left, and nothing it asked for is delivered. */
  closed(session: Session): void {
    if (session.stage === SessionStage.Closed) return
    session.stage = SessionStage.Closed
    this.#parts.safety.lost(session, this.#parts.nowMs())
    this.#parts.history.forget(session)
    this.#parts.subscriptions.closeAll(session)
    this.#stalled.delete(session)
    this.sessions.close(session)
  }

  /** Tells the client why, then closes. */
  close(session: Session, code: Reason, params: (string | number)[]): void {
    if (session.stage === SessionStage.Closed) return
    this.#parts.lane.add(slotOfReason(Metric.SessionsClosed, code))
    this.#parts.log('session closed', { peer: session.peer.name, account: session.accountName, reason: code })
    this.send(session, [Kind.Closing, 0, 0, code, params, reasonText(code, params)])
    session.outbox.flush()
    session.peer.end()
    this.closed(session)
  }

  /** Ends a session that has logged out, as soon as everything it asked for is answered. */
  leave(session: Session): void {
    const { logout } = session
    if (session.stage === SessionStage.Closed || logout?.isSwept !== true || session.inFlight > 1) return
    this.done(session, logout.requestId, session.account)
    session.outbox.flush()
    session.peer.end()
    this.closed(session)
  }

  /** Stops taking new connections and new orders; what is under way is answered. */
  stopAccepting(): void {
    this.#accepting = false
  }

  /** Tells every client that the server stops. */
  closeAll(): void {
    for (const session of this.sessions) this.close(session, Reason.Stopping, [])
  }

  /** Packs a message of any kind into the session's outbox. */
  send(session: Session, message: readonly unknown[]): void {
    const frame = framed(message)
    this.deliver(session, frame, 0, frame.length)
  }

  /** Copies whole frames into the session's outbox. */
  deliver(session: Session, bytes: Uint8Array, start: number, end: number): void {
    if (session.stage === SessionStage.Closed) return
    session.outbox.append(bytes, start, end)
    this.#parts.lane.add(Metric.BytesSent, end - start)
    if (session.listed) return
    session.listed = true
    this.#toFlush.push(session)
  }

  /** An answer to a request. */
  answered(session: Session): void {
    if (session.inFlight > 0) session.inFlight -= 1
  }

  /** An order that was received at `receivedUs` is answered with its acceptance at `nowUs`. */
  acceptedAt(receivedUs: number, nowUs: number): void {
    this.#parts.lane.record(Metric.AnswerLatency, nowUs - receivedUs)
  }

  /** Now, by the clock that gives requests their times. */
  nowUs(): number {
    return this.#parts.nowUs()
  }

  /** Answers a request that has nothing to say but that it was done. */
  done(session: Session, requestId: number, account: number): void {
    answer.position = 0
    encodeDone(answer, requestId, account)
    this.deliver(session, answer.bytes, 0, answer.position)
    this.answered(session)
  }

  refuse(session: Session, requestId: number, account: number, code: Reason, params: (string | number)[]): void {
    this.#parts.lane.add(Metric.RequestsRefused)
    this.#parts.lane.add(slotOfReason(Metric.Refusals, code))
    answer.position = 0
    encodeRefused(answer, requestId, account, code, params)
    this.deliver(session, answer.bytes, 0, answer.position)
    this.answered(session)
  }

  /** Writes out what the sessions have got since the last call, and wakes the shards that have got something. */
  flush(): void {
    for (const shard of this.#parts.shards) shard.flush()
    const { outboxBytesMax } = this.#parts.limits
    for (const session of this.#toFlush) {
      session.listed = false
      if (session.stage === SessionStage.Closed) continue
      session.outbox.flush()
      if (session.outbox.waitingBytes > outboxBytesMax) this.closeSlow(session)
    }
    this.#toFlush.length = 0
  }

  /** Lets sessions go on reading that met a full ring. Called when shards have made room. */
  resumeStalled(): void {
    if (this.#stalled.size === 0) return
    for (const session of [...this.#stalled]) {
      this.#stalled.delete(session)
      session.stalled = false
      this.#read(session)
      if (!session.stalled) session.peer.resume()
    }
    this.flush()
  }

  get hasStalled(): boolean {
    return this.#stalled.size > 0
  }

  /** Heartbeats, silent peers, logins that do not come. Called a few times a second. */
  tick(nowMs: number): void {
    const { heartbeatMs, loginMs } = this.#parts.limits
    this.#parts.safety.tick(nowMs)
    let inFlight = 0
    let subscriptions = 0
    let waitingBytes = 0
    let waitingBytesMax = 0
    for (const session of this.sessions) {
      if (session.logout !== undefined) this.leave(session)
      inFlight += session.inFlight
      subscriptions += session.subscriptions.size
      const waiting = session.outbox.waitingBytes
      waitingBytes += waiting
      if (waiting > waitingBytesMax) waitingBytesMax = waiting
      if (session.stage !== SessionStage.Live) {
        if (nowMs - session.openedMs > loginMs) this.close(session, Reason.LoginTimeout, [loginMs])
        continue
      }
      // A session whose reading we have stopped ourselves cannot be heard.
      if (!session.stalled && nowMs - session.lastHeardMs > 3 * heartbeatMs) {
        this.close(session, Reason.PeerSilent, [3 * heartbeatMs])
        continue
      }
      if (nowMs - session.lastSaidMs >= heartbeatMs) {
        session.lastSaidMs = nowMs
        this.send(session, [Kind.ServerHeartbeat, 0, 0])
      }
    }
    const { lane } = this.#parts
    lane.set(Metric.SessionsOpen, this.sessions.size)
    lane.set(Metric.RequestsInFlight, inFlight)
    lane.set(Metric.Subscriptions, subscriptions)
    lane.set(Metric.OutboxBytes, waitingBytes)
    lane.set(Metric.OutboxBytesMax, waitingBytesMax)
    this.flush()
  }

  /** Ends a session for which more waits than may. */
  closeSlow(session: Session): void {
    const { outboxBytesMax } = this.#parts.limits
    this.close(session, Reason.SlowReader, [outboxBytesMax])
    // The reason waits behind what was not read; a peer that never reads must not keep the memory for ever.
    session.peer.destroy()
  }

  #read(session: Session): void {
    const { splitter } = session
    let messages = 0
    this.#receivedUs = this.#parts.nowUs()
    try {
      while (session.stage !== SessionStage.Closed && !session.stalled && !session.logout && splitter.next()) {
        if (this.#frame(session, splitter.bytes, splitter.start, splitter.end)) messages += 1
        else {
          splitter.unread()
          session.stalled = true
          session.peer.pause()
          this.#stalled.add(session)
          this.#parts.lane.add(Metric.RequestsHeld)
          this.#parts.onStalled()
        }
      }
    } catch (error) {
      if (!(error instanceof FrameTooLong)) throw error
      this.close(session, Reason.FrameTooLarge, [error.lengthBytes, this.#parts.limits.frameBytesMax])
    }
    this.#parts.lane.add(Metric.RequestsReceived, messages)
  }

  /** One frame; false where a command ring has no room for it, or no order id is at hand, just now. */
  #frame(session: Session, bytes: Uint8Array, start: number, end: number): boolean {
    const reader = this.#reader
    reader.start(bytes, start, end)
    const elements = reader.arrayHeader()
    const kind = reader.integer()
    const requestId = reader.integer()
    const named = reader.nil() ? 0 : reader.integer()
    if (reader.failed || elements < 3 || requestId < 0 || requestId > 0xffff_ffff || named < 0 || named > 0xffff_ffff) {
      this.close(session, Reason.MalformedFrame, [])
      return true
    }
    if (kind === Kind.Heartbeat) return true
    if (session.stage !== SessionStage.Live) {
      if (kind === Kind.Login && session.stage === SessionStage.New) this.#login(session, requestId, bytes, start, end)
      else this.close(session, Reason.NotLoggedIn, [])
      return true
    }
    const { limits, directory } = this.#parts
    session.inFlight += 1
    const budget = isCancel(kind) ? session.rates.cancels : session.rates.requests
    if (!budget.take()) {
      this.refuse(session, requestId, named, Reason.RateExceeded, [
        budget.perSecond,
        isCancel(kind) ? 'cancels' : 'requests',
      ])
      if (session.rates.refused(session.lastHeardMs)) this.close(session, Reason.Flooding, [limits.rateRefusalsMax])
      return true
    }
    if (session.permittedVersion !== directory.version) this.#refreshRoles(session)
    if (session.observer && !isReading(kind)) {
      this.#notPermitted(session, requestId, named)
      return true
    }
    if (session.inFlight > limits.inFlightMax) {
      this.refuse(session, requestId, named, Reason.TooManyInFlight, [limits.inFlightMax])
      return true
    }
    switch (kind) {
      case Kind.Submit:
      case Kind.Cancel:
      case Kind.Update:
      case Kind.Replace:
        if (this.#toShard(session, kind, requestId, named, bytes, start, end)) return true
        budget.giveBack() // it is read again
        return false
      case Kind.LoadOrder:
      case Kind.QueryOrders:
      case Kind.QueryReports:
      case Kind.Subscribe:
      case Kind.Unsubscribe:
      case Kind.Positions:
      case Kind.Find:
      case Kind.Accounts:
      case Kind.Halt:
      case Kind.Lift:
      case Kind.Halts:
      case Kind.MassCancel:
      case Kind.ArmSwitch:
      case Kind.RefreshSwitch:
      case Kind.DisarmSwitch:
      case Kind.Switch:
      case Kind.Sessions:
        break
      case Kind.Logout:
        this.#parts.safety.logout(session, requestId)
        return true
      case Kind.Login:
        this.refuse(session, requestId, named, Reason.AlreadyLoggedIn, [])
        return true
      default:
        this.refuse(session, requestId, named, Reason.UnknownKind, [kind])
        return true
    }
    const message = unpack(bytes, start, end)
    if (!Array.isArray(message)) {
      this.refuse(session, requestId, named, Reason.MalformedFrame, [])
      return true
    }
    const account = named === 0 ? session.account : named
    const row = named === 0 ? session.accountRow : directory.rowOf(named)
    switch (kind) {
      case Kind.Unsubscribe:
        this.#parts.history.unsubscribe(session, requestId, message)
        return true
      case Kind.Find:
        this.#find(session, requestId, message)
        return true
      case Kind.Accounts:
        this.#accounts(session, requestId, message)
        return true
      case Kind.Halt:
      case Kind.Lift:
      case Kind.Halts:
        this.#parts.halts.request(session, kind, requestId, message)
        return true
      case Kind.Sessions:
        if (session.administrator) this.#parts.sessionList.request(session, requestId, message)
        else this.#notPermitted(session, requestId, named)
        return true
      case Kind.Subscribe:
        if (message[3] === 1) break // a group: the account means nothing
        if (!this.#may(session, requestId, account, row)) return true
        break
      case Kind.MassCancel:
        if (!this.#accepting) this.refuse(session, requestId, named, Reason.Stopping, [])
        else if (this.#may(session, requestId, account, row)) {
          this.#parts.massCancels.request(session, requestId, row, message, this.#nextOrderIdBound())
        }
        return true
      case Kind.LoadOrder: {
        const orderId = message[3]
        if (typeof orderId !== 'number' || !Number.isSafeInteger(orderId)) {
          this.refuse(session, requestId, account, Reason.MalformedMessage, [3])
        } else if (named === 0 || this.#may(session, requestId, account, row)) {
          this.#parts.history.load(session, requestId, named === 0 ? -1 : row, orderId)
        }
        return true
      }
      default:
        if (!this.#may(session, requestId, account, row)) return true
    }
    if (kind === Kind.Subscribe) this.#parts.history.subscribe(session, requestId, row, message)
    else if (isAboutSwitch(kind)) this.#parts.safety.request(session, kind, requestId, account, message)
    else if (kind === Kind.Positions) {
      this.send(session, [Kind.PositionList, requestId, account, ...this.#parts.positions(row)])
      this.answered(session)
    } else this.#parts.history.query(session, kind, requestId, row, message)
    return true
  }

  /** No order has been given an id from here on. */
  #nextOrderIdBound(): number {
    if (this.#spareOrderId === 0) this.#spareOrderId = this.#parts.nextOrderId()
    return this.#spareOrderId === 0 ? Number.POSITIVE_INFINITY : this.#spareOrderId
  }

  #toShard(
    session: Session,
    kind: number,
    requestId: number,
    named: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const { directory, shards, shardOf } = this.#parts
    let row = session.accountRow
    if (named !== 0 && named !== session.account) {
      row = directory.rowOf(named)
      if (!this.#may(session, requestId, named, row)) return true
    }
    if (!this.#accepting) {
      this.refuse(session, requestId, named, Reason.Stopping, [])
      return true
    }
    let orderId = 0
    if (kind === Kind.Submit) {
      if (this.#spareOrderId === 0) this.#spareOrderId = this.#parts.nextOrderId()
      orderId = this.#spareOrderId
      if (orderId === 0) {
        if (this.#parts.orderIdsComing()) {
          session.inFlight -= 1
          return false // the next block is on its way: the session waits as for a full ring
        }
        this.refuse(session, requestId, named, Reason.ServiceUnavailable, ['uid'])
        return true
      }
    } else if (kind === Kind.Update && !session.administrator) {
      this.refuse(session, requestId, named, Reason.NotPermitted, [])
      return true
    }
    const taken = shards[shardOf(row)].request(
      session.word,
      row,
      session.account,
      session.administrator,
      this.#receivedUs,
      orderId,
      kind === Kind.Submit ? session.mark?.bytes : undefined,
      bytes,
      start,
      end,
    )
    if (!taken) {
      session.inFlight -= 1
      return false
    }
    if (kind === Kind.Submit) {
      this.#spareOrderId = 0
      this.#parts.safety.ordered(orderId)
    }
    const { trace } = this.#parts
    if (trace?.isOn === true) {
      const account = named === 0 ? session.account : named
      trace.requested({ kind, session: session.word, requestId, account, shard: shardOf(row), orderId })
    }
    return true
  }

  /** Whether the session may deal with the account; refused and logged where not. */
  #may(session: Session, requestId: number, account: number, row: number): boolean {
    const { directory } = this.#parts
    if (row < 0) {
      this.refuse(session, requestId, account, Reason.UnknownAccount, [])
      return false
    }
    if (row === session.accountRow) return true
    if (session.permittedVersion !== directory.version) this.#refreshRoles(session)
    let permitted = session.permitted.get(row)
    if (permitted === undefined) {
      permitted = directory.permitted(session.account, account)
      session.permitted.set(row, permitted)
    }
    if (permitted) return true
    this.#notPermitted(session, requestId, account)
    return false
  }

  #notPermitted(session: Session, requestId: number, account: number): void {
    this.#parts.log('not permitted', { peer: session.peer.name, account: session.accountName, asked: account })
    this.refuse(session, requestId, account, Reason.NotPermitted, [])
  }

  #login(session: Session, requestId: number, bytes: Uint8Array, start: number, end: number): void {
    const message = unpack(bytes, start, end)
    const [, , , name, password, version] = Array.isArray(message) ? message : []
    if (!isName(name) || !isName(password)) {
      this.refuse(session, requestId, 0, Reason.MalformedMessage, [3])
      this.close(session, Reason.MalformedMessage, [3])
      return
    }
    if (version !== PROTOCOL_VERSION) {
      const params = [typeof version === 'number' ? version : 0, PROTOCOL_VERSION]
      this.refuse(session, requestId, 0, Reason.ProtocolVersion, params)
      this.close(session, Reason.ProtocolVersion, params)
      return
    }
    const { boundTo } = session.peer
    if (boundTo !== undefined && boundTo !== name) {
      this.#parts.log('certificate for another account', { peer: session.peer.name, certificate: boundTo, name })
      this.refuse(session, requestId, 0, Reason.CertificateAccount, [boundTo])
      this.close(session, Reason.CertificateAccount, [boundTo])
      return
    }
    const choice = loginChoice(message as Value[])
    if (typeof choice === 'number') {
      this.refuse(session, requestId, 0, Reason.InvalidSafety, [choice])
      this.close(session, Reason.InvalidSafety, [choice])
      return
    }
    session.stage = SessionStage.LoggingIn
    this.#parts.directory.authenticate(name, password, session.peer.host).then(
      account => this.#loggedIn(session, requestId, name, account, choice),
      error => {
        this.#parts.lane.add(Metric.LoginFailures)
        this.#parts.log('login could not be checked', { peer: session.peer.name, name, error: String(error) })
        if (session.stage !== SessionStage.LoggingIn) return
        const isSuspended = error instanceof LoginsSuspended
        const reason = isSuspended ? Reason.LoginsSuspended : Reason.ServiceUnavailable
        const params = [isSuspended ? error.seconds : 'service_locator']
        this.refuse(session, requestId, 0, reason, params)
        this.close(session, reason, params)
      },
    )
  }

  #loggedIn(session: Session, requestId: number, name: string, account: number | undefined, choice: LoginChoice): void {
    if (session.stage !== SessionStage.LoggingIn) return
    const { directory, limits } = this.#parts
    const row = account === undefined ? -1 : directory.rowOf(account)
    if (account === undefined || row < 0) {
      this.#parts.lane.add(Metric.LoginFailures)
      this.#parts.log('login refused', { peer: session.peer.name, name })
      this.refuse(session, requestId, 0, Reason.LoginFailed, [])
      this.close(session, Reason.LoginFailed, [])
      return
    }
    this.#parts.lane.add(Metric.Logins)
    session.account = account
    try {
      this.#parts.safety.loggedIn(session, choice)
    } catch (error) {
      const params = [error instanceof Error ? error.message : String(error)]
      this.refuse(session, requestId, 0, Reason.SafetyNotKept, params)
      this.close(session, Reason.SafetyNotKept, params)
      return
    }
    session.stage = SessionStage.Live
    session.loggedInUs = this.#parts.nowUs()
    session.accountRow = row
    session.accountName = name
    this.#refreshRoles(session)
    this.send(session, [
      Kind.LoggedIn,
      requestId,
      account,
      PROTOCOL_VERSION,
      this.#parts.durability,
      limits.heartbeatMs,
      this.#parts.serverName,
      session.administrator ? 1 : 0,
      limits.inFlightMax,
      limits.frameBytesMax,
    ])
    this.#read(session)
    this.flush()
  }

  /** Roles, groups or accounts have changed: what was asked before has to be asked again. */
  #refreshRoles(session: Session): void {
    const { directory } = this.#parts
    session.permittedVersion = directory.version
    session.permitted.clear()
    session.administrator = directory.isAdministrator(session.account)
    session.observer = directory.isObserver(session.account)
  }

  #find(session: Session, requestId: number, message: Value[]): void {
    const { directory } = this.#parts
    const [, , , what, name] = message
    if ((what !== FindWhat.Account && what !== FindWhat.Group) || !isName(name)) {
      this.refuse(session, requestId, 0, Reason.MalformedMessage, [3])
      return
    }
    const isGroup = what === FindWhat.Group
    const id = isGroup ? directory.findGroup(name) : directory.findAccount(name)
    if (id === undefined) {
      this.refuse(session, requestId, 0, isGroup ? Reason.UnknownGroup : Reason.UnknownAccount, isGroup ? [name] : [])
      return
    }
    this.send(session, [Kind.Found, requestId, isGroup ? 0 : id, id, name])
    this.answered(session)
  }

  #accounts(session: Session, requestId: number, message: Value[]): void {
    const { directory } = this.#parts
    const after = message[3] ?? 0
    if (typeof after !== 'number') {
      this.refuse(session, requestId, 0, Reason.MalformedMessage, [3])
      return
    }
    const accounts = directory.permittedAccounts(session.account, after, ACCOUNTS_PER_PAGE + 1)
    const page = accounts.slice(0, ACCOUNTS_PER_PAGE).map(id => [id, directory.nameOf(id)])
    this.send(session, [Kind.AccountList, requestId, 0, page, accounts.length > ACCOUNTS_PER_PAGE ? 1 : 0])
    this.answered(session)
  }
}

/** What makes things safer: paid from a budget of its own, so that a session that is too fast can still take back. */
function isCancel(kind: number): boolean {
  switch (kind) {
    case Kind.Cancel:
    case Kind.Halt:
    case Kind.MassCancel:
    case Kind.Logout:
      return true
    default:
      return isAboutSwitch(kind)
  }
}

/** What an observer may ask: nothing that changes anything. */
function isReading(kind: number): boolean {
  switch (kind) {
    case Kind.LoadOrder:
    case Kind.QueryOrders:
    case Kind.QueryReports:
    case Kind.Subscribe:
    case Kind.Unsubscribe:
    case Kind.Positions:
    case Kind.Find:
    case Kind.Accounts:
    case Kind.Halts:
    case Kind.Switch:
    case Kind.Logout:
      return true
    default:
      return false
  }
}

function isAboutSwitch(kind: number): boolean {
  return kind === Kind.ArmSwitch || kind === Kind.RefreshSwitch || kind === Kind.DisarmSwitch || kind === Kind.Switch
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= NAME_BYTES_MAX
}

/** A frame around a packed message. */
export function framed(message: readonly unknown[]): Buffer {
  return encodeFrame(pack(message))
}
