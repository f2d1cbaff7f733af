// The list of sessions, for administrators: who is logged in, from where and since when, and what each has under way. A page
// at a time, made from what main knows of each session already; nothing is kept or counted for it.

import { Reason } from '../domain/reasons.ts'
import { Kind } from '../protocol/kinds.ts'
import type { Value } from '../protocol/msgpack.ts'
import type { Directory } from './directory.ts'
import type { Gate } from './gate.ts'
import type { Choice } from './safety-store.ts'
import { type Session, SessionStage } from './session.ts'

export interface SessionListParts {
  readonly directory: Pick<Directory, 'isAdministrator' | 'isObserver'>
  /** What becomes of a session's orders when it ends. */
  readonly choiceOf: (session: Session) => Choice
}

/** Sessions in one answer. */
export const SESSIONS_PER_PAGE = 500
const WORD_MAX = 0xffff_ffff

export class SessionList {
  readonly #parts: SessionListParts
  #gate: Gate | undefined

  constructor(parts: SessionListParts) {
    this.#parts = parts
  }

  /** Gate and list know each other; the gate is made second. */
  connect(gate: Gate): void {
    this.#gate = gate
  }

  /** Answers with the sessions behind the one that the request names. Whoever asks is an administrator. */
  request(session: Session, requestId: number, message: Value[]): void {
    const gate = this.#gate!
    const after = message[3] ?? 0
    if (typeof after !== 'number' || !Number.isInteger(after) || after < 0 || after > WORD_MAX) {
      gate.refuse(session, requestId, 0, Reason.MalformedMessage, [3])
      return
    }
    const page: Value[] = []
    let more = 0
    for (const each of gate.sessions.behind(after)) {
      if (each.stage !== SessionStage.Live) continue
      if (page.length === SESSIONS_PER_PAGE) {
        more = 1
        break
      }
      page.push(this.#row(each))
    }
    gate.send(session, [Kind.SessionList, requestId, 0, page, more])
    gate.answered(session)
  }

  #row(session: Session): Value[] {
    const { directory, choiceOf } = this.#parts
    const { cancelOn, graceMs, alsoCancel } = choiceOf(session)
    return [
      session.word,
      session.account,
      session.accountName,
      session.peer.name,
      session.loggedInUs,
      directory.isAdministrator(session.account) ? 1 : 0,
      directory.isObserver(session.account) ? 1 : 0,
      session.inFlight,
      session.outbox.waitingBytes,
      session.subscriptions.size,
      session.peer.tls,
      cancelOn,
      graceMs,
      alsoCancel,
    ]
  }
}
