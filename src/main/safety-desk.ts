// Requests about what is to be canceled when a client falls silent: the choice that comes with a login, the logout, and the
// dead-man's switch of an account, which whoever may trade the account may arm, refresh and disarm.

import { Reason } from '../domain/reasons.ts'
import {
  ALSO_CANCEL_MAX,
  CancelOn,
  GRACE_MS_MAX,
  Kind,
  SESSION_KEY_BYTES_MAX,
  SWITCH_MS_MAX,
  SWITCH_MS_MIN,
} from '../protocol/kinds.ts'
import type { Value } from '../protocol/msgpack.ts'
import type { Gate } from './gate.ts'
import type { Recalls } from './recalls.ts'
import type { Choice } from './safety-store.ts'
import type { Session } from './session.ts'
import type { SessionChoices } from './session-choices.ts'
import type { Switches } from './switches.ts'

export interface SafetyDeskParts {
  readonly choices: SessionChoices
  readonly switches: Switches
  readonly recalls: Recalls
}

/** The elements of a login behind its version. */
export interface LoginChoice extends Choice {
  readonly key: string
}

const NO_CHOICE: LoginChoice = { key: '', cancelOn: CancelOn.Never, graceMs: 0, alsoCancel: 0 }
/** Place of the session key in a login. */
const KEY_AT = 6

/** What a login says about its session, or the place of the element that is wrong. */
export function loginChoice(message: readonly Value[]): LoginChoice | number {
  if (message.length <= KEY_AT) return NO_CHOICE
  const [key, cancelOn = CancelOn.Never, graceMs = 0, alsoCancel = 0] = message.slice(KEY_AT)
  const isNamed = typeof key === 'string' && Buffer.byteLength(key) <= SESSION_KEY_BYTES_MAX
  if (!isNamed || (key === '' && cancelOn !== CancelOn.Never)) return KEY_AT
  if (!isWithin(cancelOn, 0, CancelOn.Both)) return KEY_AT + 1
  if (!isWithin(graceMs, 0, GRACE_MS_MAX)) return KEY_AT + 2
  if (!isWithin(alsoCancel, 0, ALSO_CANCEL_MAX)) return KEY_AT + 3
  return { key, cancelOn: cancelOn as CancelOn, graceMs, alsoCancel }
}

function isWithin(value: Value | undefined, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}

export class SafetyDesk {
  readonly #parts: SafetyDeskParts
  #gate: Gate | undefined

  constructor(parts: SafetyDeskParts) {
    this.#parts = parts
  }

  /** Gate and desk know each other; the gate is made second. */
  connect(gate: Gate): void {
    this.#gate = gate
  }

  /** A shard was given an order. */
  ordered(orderId: number): void {
    this.#parts.recalls.lastOrderId = orderId
  }

  /** The session has an account. @throws the store's error, where its choice could not be written down. */
  loggedIn(session: Session, { key, ...choice }: LoginChoice): void {
    if (key !== '') session.mark = this.#parts.choices.login({ account: session.account, key }, choice)
  }

  /** What becomes of the session's orders when it ends; nothing for one without a key. */
  choiceOf({ mark }: Session): Choice {
    return mark === undefined ? NO_CHOICE : this.#parts.choices.choiceOf(mark)
  }

  /** The connection is gone. */
  lost(session: Session, nowMs: number): void {
    if (session.mark !== undefined && session.logout === undefined) this.#parts.choices.lost(session.mark, nowMs)
  }

  /** Called a few times a second. */
  tick(nowMs: number): void {
    this.#parts.choices.tick(nowMs)
    this.#parts.switches.tick()
  }

  /** Nothing more is read from the session; it ends when everything it asked for before is answered. */
  logout(session: Session, requestId: number): void {
    const gate = this.#gate!
    const { mark } = session
    let swept: Promise<number>
    try {
      swept = mark === undefined ? Promise.resolve(0) : this.#parts.choices.logout(mark)
    } catch (error) {
      this.#notKept(session, requestId, 0, error)
      return
    }
    const logout = { requestId, isSwept: false }
    session.logout = logout
    void swept.then(() => {
      logout.isSwept = true
      gate.leave(session)
    })
  }

  /** Answers what concerns the switch of an account that the session may trade. */
  request(session: Session, kind: number, requestId: number, account: number, message: Value[]): void {
    const gate = this.#gate!
    const { switches } = this.#parts
    const done = () => gate.done(session, requestId, account)
    const failed = (error: unknown) => this.#notKept(session, requestId, account, error)
    let isArmed = true
    try {
      switch (kind) {
        case Kind.ArmSwitch: {
          const [, , , timeoutMs, alsoCancel = 0] = message
          if (!isWithin(timeoutMs, SWITCH_MS_MIN, SWITCH_MS_MAX)) {
            gate.refuse(session, requestId, account, Reason.InvalidSafety, [3])
            return
          }
          if (!isWithin(alsoCancel, 0, ALSO_CANCEL_MAX)) {
            gate.refuse(session, requestId, account, Reason.InvalidSafety, [4])
            return
          }
          switches.arm(account, timeoutMs, alsoCancel)
          done()
          return
        }
        case Kind.RefreshSwitch:
          isArmed = switches.refresh(account, { done, failed })
          break
        case Kind.DisarmSwitch:
          isArmed = switches.disarm(account)
          if (isArmed) done()
          break
        default: {
          const { status, timeoutMs, alsoCancel, at, canceled } = switches.stateOf(account)
          gate.send(session, [Kind.SwitchState, requestId, account, status, timeoutMs, alsoCancel, at, canceled])
          gate.answered(session)
        }
      }
    } catch (error) {
      failed(error)
      return
    }
    if (!isArmed) gate.refuse(session, requestId, account, Reason.SwitchNotArmed, [])
  }

  #notKept(session: Session, requestId: number, account: number, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    this.#gate!.refuse(session, requestId, account, Reason.SafetyNotKept, [text])
  }
}
