// Cancel on disconnect: what becomes of a session's orders when it ends. A session is an account and a key that the client
// chose; it may have several connections, one after the other or at once, and ends when the last of them does.
//
//   login ─► choice written down ─► live ─┬─ lost ─► grace ─┬─ a login with the key: as if nothing had been
//                                         │                 └─ over: recall, where the choice says so
//                                         └─ logout ───────► recall, where the choice says so
//
// What is written down outlives the process, whose end counts as a lost connection: the grace then begins when clients may
// come again. Orders whose session nobody knows anything of, because the data directory is a new one, are treated
// as if it had chosen to have them canceled when its connection is lost.

import type { Log } from '../base/log.ts'
import { Reason } from '../domain/reasons.ts'
import { CancelOn } from '../protocol/kinds.ts'
import { RecallScope } from '../protocol/recall.ts'
import type { Recalls } from './recalls.ts'
import type { Choice, SafetyStore, SessionName } from './safety-store.ts'
import { type SessionMark, type SessionMarks, sessionText } from './session-marks.ts'

export interface SessionChoicesParts {
  readonly store: SafetyStore
  readonly recalls: Recalls
  readonly marks: SessionMarks
  readonly log: Pick<Log, 'info'>
}

/** Sessions that are known in one run, beyond those that live; the longest gone are forgotten. */
const SESSIONS_MAX = 100_000
/** For orders on a new machine: time enough for their client to come back. */
const UNKNOWN: Choice = { cancelOn: CancelOn.Loss, graceMs: 60_000, alsoCancel: 0 }
const NOTHING: Choice = { cancelOn: CancelOn.Never, graceMs: 0, alsoCancel: 0 }

interface Entry {
  readonly mark: SessionMark
  choice: Choice
  /** As it is written down; undefined where it is not. */
  kept: Choice | undefined
  connections: number
  /** When the grace of a lost session is over; undefined where none runs. */
  dueMs: number | undefined
}

export class SessionChoices {
  readonly #parts: SessionChoicesParts
  readonly #entries = new Map<string, Entry>()
  /** Those in their grace. */
  readonly #lost = new Set<Entry>()
  #isStopped = false

  constructor(parts: SessionChoicesParts) {
    this.#parts = parts
    for (const { account, key, ...choice } of parts.store.sessions()) {
      const entry = this.#entry({ account, key })
      entry.choice = choice
      entry.kept = choice
    }
  }

  /** Number of the session that has sent an order which comes back. */
  restored(account: number, key: string): number {
    const known = this.#entries.get(sessionText({ account, key }))
    const entry = known ?? this.#entry({ account, key })
    if (known === undefined && this.#parts.store.isNew) this.#keep(entry, UNKNOWN)
    return entry.mark.number
  }

  /** Clients may come: whoever was connected when the process before this one ended is awaited from now on. */
  begin(nowMs: number): void {
    this.#parts.store.settle()
    for (const entry of this.#entries.values()) if (entry.connections === 0) this.#await(entry, nowMs)
    const { size } = this.#lost
    if (size > 0) this.#parts.log.info('sessions with orders to cancel are awaited', { sessions: size })
  }

  /**
   * A connection has logged in with the key. Its choice counts from now on, once it is written down.
   * @throws the store's error; then nothing has changed.
   */
  login(name: SessionName, choice: Choice): SessionMark {
    const entry = this.#entry(name)
    this.#keep(entry, choice)
    entry.connections += 1
    entry.dueMs = undefined
    this.#lost.delete(entry)
    return entry.mark
  }

  /** What becomes of the orders of a session that is connected. */
  choiceOf(name: SessionName): Choice {
    return this.#entries.get(sessionText(name))?.choice ?? NOTHING
  }

  /** A connection has gone without a logout. */
  lost(name: SessionName, nowMs: number): void {
    const entry = this.#entry(name)
    entry.connections -= 1
    if (entry.connections === 0 && !this.#isStopped) this.#await(entry, nowMs)
  }

  /**
   * A connection says goodbye. Where it was the last one, its orders are canceled or left for good.
   * @returns how many orders were canceled, once all shards have told.
   * @throws the store's error; then nothing has changed.
   */
  logout(name: SessionName): Promise<number> {
    const entry = this.#entry(name)
    if (entry.connections > 1) {
      entry.connections -= 1
      return Promise.resolve(0)
    }
    const { cancelOn } = entry.choice
    if ((cancelOn & CancelOn.Logout) === 0) this.#keep(entry, NOTHING)
    entry.connections = 0
    return (cancelOn & CancelOn.Logout) === 0 ? Promise.resolve(0) : this.#recall(entry, Reason.CanceledOnLogout)
  }

  /** Called a few times a second. */
  tick(nowMs: number): void {
    if (this.#isStopped) return
    for (const entry of this.#lost) {
      if (nowMs < entry.dueMs!) continue
      this.#lost.delete(entry)
      entry.dueMs = undefined
      void this.#recall(entry, Reason.CanceledOnLoss)
    }
  }

  /** The process ends: the next one goes on from what is written down. */
  stop(): void {
    this.#isStopped = true
  }

  #await(entry: Entry, nowMs: number): void {
    if ((entry.choice.cancelOn & CancelOn.Loss) === 0) return
    entry.dueMs = nowMs + entry.choice.graceMs
    this.#lost.add(entry)
  }

  #recall(entry: Entry, reason: Reason): Promise<number> {
    const { recalls, store } = this.#parts
    const { mark, choice } = entry
    const { account, key } = mark
    entry.choice = NOTHING
    const { kept } = entry
    entry.kept = undefined
    return recalls.begin({ scope: RecallScope.Session, account, key, alsoCancel: choice.alsoCancel, reason }, () => {
      if (kept !== undefined) store.forgetSession(mark)
    })
  }

  /** Only what a lost connection leads to has to be known to the next process: a logout is carried out when it comes. */
  #keep(entry: Entry, choice: Choice): void {
    const { store } = this.#parts
    const { mark, kept } = entry
    if ((choice.cancelOn & CancelOn.Loss) === 0) {
      if (kept !== undefined) store.forgetSession(mark)
      entry.kept = undefined
    } else if (kept === undefined || !areEqual(kept, choice)) {
      store.keepSession({ account: mark.account, key: mark.key, ...choice })
      entry.kept = choice
    }
    entry.choice = choice
  }

  #entry(name: SessionName): Entry {
    const text = sessionText(name)
    let entry = this.#entries.get(text)
    if (entry === undefined) {
      if (this.#entries.size >= SESSIONS_MAX) this.#forgetOne()
      const mark = this.#parts.marks.of(name.account, name.key)
      entry = { mark, choice: NOTHING, kept: undefined, connections: 0, dueMs: undefined }
      this.#entries.set(text, entry)
    }
    return entry
  }

  #forgetOne(): void {
    for (const [text, { mark, connections, kept }] of this.#entries) {
      if (connections > 0 || kept !== undefined) continue
      this.#entries.delete(text)
      this.#parts.marks.forget(mark)
      return
    }
  }
}

function areEqual(a: Choice, b: Choice): boolean {
  return a.cancelOn === b.cancelOn && a.graceMs === b.graceMs && a.alsoCancel === b.alsoCancel
}
