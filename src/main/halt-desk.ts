// Requests about halts: who may throw them, who may lift them, and who may see them.
//
//   an account        whoever may trade it
//   a group           its managers, administrators
//   a destination,
//   everybody         administrators
//   lifting any       administrators

import type { Definitions } from '../domain/definitions.ts'
import { Reason } from '../domain/reasons.ts'
import { HaltScope, Kind } from '../protocol/kinds.ts'
import type { Value } from '../protocol/msgpack.ts'
import type { Directory } from './directory.ts'
import type { Gate } from './gate.ts'
import type { Halt, HaltAct, HaltTarget } from './halt-store.ts'
import type { Halts } from './halts.ts'
import type { Session } from './session.ts'

export interface HaltDeskParts {
  readonly halts: Halts
  readonly directory: Directory
  readonly definitions: Definitions
  /** Now, µs since the epoch, UTC. */
  readonly nowUs: () => number
}

/** Longest reason that somebody gives, in bytes. */
const TEXT_BYTES_MAX = 256

export class HaltDesk {
  readonly #parts: HaltDeskParts
  #gate: Gate | undefined

  constructor(parts: HaltDeskParts) {
    this.#parts = parts
  }

  /** Gate and desk know each other; the gate is made second. */
  connect(gate: Gate): void {
    this.#gate = gate
  }

  /** Answers a Halt, Lift or Halts request. */
  request(session: Session, kind: number, requestId: number, message: Value[]): void {
    if (kind === Kind.Halts) {
      this.#list(session, requestId)
      return
    }
    const [, , , scope, target, text = ''] = message
    const asked = this.#targetOf(scope, target)
    if (typeof asked === 'number') this.#refuse(session, requestId, asked, target)
    else if (typeof text !== 'string' || Buffer.byteLength(text) > TEXT_BYTES_MAX) {
      this.#gate!.refuse(session, requestId, 0, Reason.InvalidText, [TEXT_BYTES_MAX])
    } else if (!this.#mayAct(session, kind, asked)) this.#refuse(session, requestId, Reason.NotPermitted, target)
    else {
      const act = { account: session.account, name: session.accountName, time: this.#parts.nowUs(), text }
      if (kind === Kind.Halt) this.#throw(session, requestId, { ...asked, thrown: act })
      else this.#lift(session, requestId, asked, act)
    }
  }

  #throw(session: Session, requestId: number, halt: Halt): void {
    const gate = this.#gate!
    let swept: Promise<number>
    try {
      swept = this.#parts.halts.throw(halt)
    } catch (error) {
      this.#notKept(session, requestId, error)
      return
    }
    void swept.then(canceled => {
      gate.send(session, [Kind.Halted, requestId, 0, canceled])
      gate.answered(session)
      gate.flush()
    })
  }

  #lift(session: Session, requestId: number, target: HaltTarget, act: HaltAct): void {
    const gate = this.#gate!
    const { halts } = this.#parts
    if (!halts.has(target)) {
      gate.refuse(session, requestId, 0, Reason.UnknownHalt, [])
      return
    }
    try {
      halts.lift(target, act)
    } catch (error) {
      this.#notKept(session, requestId, error)
      return
    }
    gate.send(session, [Kind.Done, requestId, 0])
    gate.answered(session)
  }

  #list(session: Session, requestId: number): void {
    const gate = this.#gate!
    const rows = [...this.#parts.halts.inForce()]
      .filter(halt => this.#maySee(session, halt))
      .map(({ scope, target, thrown: { account, name, time, text } }) => [
        scope,
        target,
        this.#nameOf({ scope, target }),
        account,
        name,
        time,
        text,
      ])
    gate.send(session, [Kind.HaltList, requestId, 0, rows])
    gate.answered(session)
  }

  /** What a request is about, or why there is no such thing. */
  #targetOf(scope: Value | undefined, target: Value | undefined): HaltTarget | Reason {
    const { directory, definitions } = this.#parts
    switch (scope) {
      case HaltScope.Account:
        if (typeof target !== 'number') return Reason.MalformedMessage
        return directory.rowOf(target) < 0 ? Reason.UnknownAccount : { scope, target }
      case HaltScope.Group:
        if (typeof target !== 'number') return Reason.MalformedMessage
        return directory.groupName(target) === undefined ? Reason.UnknownGroup : { scope, target }
      case HaltScope.Destination:
        if (typeof target !== 'string') return Reason.MalformedMessage
        return definitions.destination(target) === undefined ? Reason.UnknownDestination : { scope, target }
      case HaltScope.Everybody:
        return { scope, target: null }
      default:
        return Reason.MalformedMessage
    }
  }

  #mayAct(session: Session, kind: number, { scope, target }: HaltTarget): boolean {
    const { directory } = this.#parts
    if (directory.isAdministrator(session.account)) return true
    if (kind === Kind.Lift) return false
    if (scope === HaltScope.Account) return directory.permitted(session.account, target as number)
    return scope === HaltScope.Group && directory.mayFollow(session.account, target as number)
  }

  /** What keeps somebody from trading he may know of. */
  #maySee(session: Session, { scope, target }: HaltTarget): boolean {
    const { directory } = this.#parts
    if (scope === HaltScope.Everybody || scope === HaltScope.Destination) return true
    if (this.#mayAct(session, Kind.Halt, { scope, target })) return true
    return scope === HaltScope.Group && [...directory.traders(target as number)].includes(session.account)
  }

  #nameOf({ scope, target }: HaltTarget): string {
    const { directory } = this.#parts
    if (scope === HaltScope.Account) return directory.nameOf(target as number)
    if (scope === HaltScope.Group) return directory.groupName(target as number) ?? ''
    return target === null ? '' : String(target)
  }

  #refuse(session: Session, requestId: number, reason: Reason, target: Value | undefined): void {
    const params: (string | number)[] =
      reason === Reason.MalformedMessage
        ? [3]
        : reason === Reason.UnknownDestination || reason === Reason.UnknownGroup
          ? [String(target)]
          : []
    this.#gate!.refuse(session, requestId, 0, reason, params)
  }

  #notKept(session: Session, requestId: number, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    this.#gate!.refuse(session, requestId, 0, Reason.NotKept, [text])
  }
}
