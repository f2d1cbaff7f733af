// What is canceled when a client falls silent, as a client sees it: the choice it makes when it connects, and the dead-man's
// switch of an account.

import { AlsoCancel, CancelOn, SwitchStatus } from '../protocol/kinds.ts'
import { type Elements, malformed } from './elements.ts'

/** Orders that are kept unless named here. */
export interface AlsoCanceled {
  /** Good till canceled. */
  gtc?: boolean
  /** Good till date. */
  gtd?: boolean
}

/** What becomes of a session's orders when it ends. Without `cancelOn` nothing does. */
export interface SessionChoice {
  /** When its orders are canceled: when the connection is lost, at the logout, or at both. */
  cancelOn?: 'loss' | 'logout' | 'both'
  /** How long a lost connection may stay away; 5,000 where absent. */
  graceMs?: number
  alsoCancel?: AlsoCanceled
  /**
   * By which the server knows the session's orders again, up to 31 bytes; a random one where absent, which lasts as long
   * as this client. A program that comes back after its own crash names one of its own.
   */
  sessionKey?: string
}

export const graceMsDefault = 5_000

const CANCEL_ON = { loss: CancelOn.Loss, logout: CancelOn.Logout, both: CancelOn.Both } as const

/** The end of a login; empty where nothing is chosen. */
export function choiceElements(choice: SessionChoice, randomKey: string): readonly unknown[] {
  const { cancelOn, graceMs = graceMsDefault, alsoCancel, sessionKey } = choice
  if (cancelOn === undefined) return sessionKey === undefined ? [] : [sessionKey]
  return [sessionKey ?? randomKey, CANCEL_ON[cancelOn], graceMs, alsoCancelBits(alsoCancel)]
}

export function alsoCancelBits({ gtc = false, gtd = false }: AlsoCanceled = {}): number {
  return (gtc ? AlsoCancel.Gtc : 0) | (gtd ? AlsoCancel.Gtd : 0)
}

/** Where a dead-man's switch stands. */
export type SwitchState =
  | { status: 'off' }
  /** `dueAt`: when it fires unless it is refreshed, µs since the epoch, UTC. */
  | { status: 'armed'; timeoutMs: number; alsoCancel: Required<AlsoCanceled>; dueAt: number }
  | { status: 'fired'; timeoutMs: number; alsoCancel: Required<AlsoCanceled>; firedAt: number; canceled: number }

/** Reads the answer to a request for a switch. @throws OesError MALFORMED_ANSWER */
export function readSwitch(message: Elements): SwitchState {
  const status = message.integer(3)
  const timeoutMs = message.integer(4)
  const bits = message.integer(5)
  const alsoCancel = { gtc: (bits & AlsoCancel.Gtc) !== 0, gtd: (bits & AlsoCancel.Gtd) !== 0 }
  const at = message.integer(6)
  switch (status) {
    case SwitchStatus.Off:
      return { status: 'off' }
    case SwitchStatus.Armed:
      return { status: 'armed', timeoutMs, alsoCancel, dueAt: at }
    case SwitchStatus.Fired:
      return { status: 'fired', timeoutMs, alsoCancel, firedAt: at, canceled: message.integer(7) }
    default:
      throw malformed(`a switch of status ${status}`)
  }
}
