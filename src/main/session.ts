// One client's connection: who it is, what it may do, what it waits for and what waits for it.

import { FrameSplitter } from '../protocol/frames.ts'
import { MessageWriter } from '../protocol/message-writer.ts'
import { Outbox } from './outbox.ts'
import type { Peer } from './peer.ts'
import type { SessionMark } from './session-marks.ts'
import { type RateLimits, SessionRates } from './session-rates.ts'
import type { Subscription } from './subscription.ts'

export const SessionStage = {
  /** Nothing but a login is understood. */
  New: 0,
  /** The locator is being asked. */
  LoggingIn: 1,
  Live: 2,
  Closed: 3,
} as const
export type SessionStage = (typeof SessionStage)[keyof typeof SessionStage]

export interface SessionLimits extends RateLimits {
  readonly frameBytesMax: number
}

export class Session {
  readonly peer: Peer
  readonly splitter: FrameSplitter
  readonly outbox: Outbox
  readonly rates: SessionRates
  /** Slot in the session table and how often it was used before: together they name the session to the shards. */
  readonly word: number
  readonly openedMs: number
  stage: SessionStage = SessionStage.New
  /** Account logged in, its row and name; 0, −1 and empty before. */
  account = 0
  accountRow = -1
  accountName = ''
  administrator = false
  /** It may do nothing but read. */
  observer = false
  /** By which its orders are known as its own; undefined for a session without a key. */
  mark: SessionMark | undefined
  /** It has said goodbye: the request to be answered last, and whether its orders are canceled as it chose. */
  logout: { readonly requestId: number; isSwept: boolean } | undefined
  /** Rows this session may trade and see, as far as asked; forgotten when groups change. */
  permitted = new Map<number, boolean>()
  permittedVersion = 0
  /** Requests without an answer yet. */
  inFlight = 0
  /** Waits in the list of sessions to be flushed. */
  listed = false
  /** Reading is stopped: a command ring is full, or an answer streams faster than the client reads. */
  stalled = false
  /** When it logged in, µs since the epoch, UTC; 0 before. */
  loggedInUs = 0
  lastHeardMs: number
  lastSaidMs: number
  nextSubscriptionId = 1
  readonly subscriptions = new Map<number, Subscription>()
  /** Called once when the client has read enough for an answer to be streamed on. */
  onRoom: (() => void) | undefined

  constructor(peer: Peer, word: number, limits: SessionLimits, nowMs: number) {
    this.peer = peer
    this.word = word
    this.splitter = new FrameSplitter(limits.frameBytesMax)
    this.outbox = new Outbox(peer)
    this.rates = new SessionRates(limits, nowMs)
    this.openedMs = nowMs
    this.lastHeardMs = nowMs
    this.lastSaidMs = nowMs
  }
}

/** The sessions by slot. A session word is the slot in the lower half and the slot's uses in the upper; 0 is nobody. */
export class SessionTable {
  readonly #slots: (Session | undefined)[] = [undefined]
  readonly #uses: number[] = [0]
  readonly #free: number[] = []
  readonly #max: number
  size = 0

  constructor(connectionsMax: number) {
    this.#max = connectionsMax
  }

  get full(): boolean {
    return this.size >= this.#max
  }

  open(peer: Peer, limits: SessionLimits, nowMs: number): Session {
    const slot = this.#free.pop() ?? this.#slots.length
    const uses = ((this.#uses[slot] ?? 0) + 1) & 0xffff
    this.#uses[slot] = uses
    const session = new Session(peer, ((uses << 16) | slot) >>> 0, limits, nowMs)
    this.#slots[slot] = session
    this.size += 1
    return session
  }

  close(session: Session): void {
    const slot = session.word & 0xffff
    if (this.#slots[slot] !== session) return
    this.#slots[slot] = undefined
    this.#free.push(slot)
    this.size -= 1
  }

  /** The session a shard answers to; undefined where it has gone. */
  find(word: number): Session | undefined {
    const session = this.#slots[word & 0xffff]
    return session !== undefined && session.word === word ? session : undefined
  }

  *[Symbol.iterator](): Iterator<Session> {
    for (const session of this.#slots) if (session !== undefined) yield session
  }

  /** Those in the slots behind the one of a session word, which need not be in use any more. */
  *behind(word: number): Generator<Session, void, undefined> {
    for (let slot = (word & 0xffff) + 1; slot < this.#slots.length; slot++) {
      const session = this.#slots[slot]
      if (session !== undefined) yield session
    }
  }
}

/** One writer for all short answers of main; what it wrote is copied out at once. */
export const answer = new MessageWriter(64 * 1024, 64 * 1024 * 1024)
