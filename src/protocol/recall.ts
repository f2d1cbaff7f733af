// A recall: what main tells the shards to cancel because a session has ended or a dead-man's switch has run out.

import type { Reason } from '../domain/reasons.ts'
import { TimeInForce } from '../domain/time-in-force.ts'
import { AlsoCancel } from './kinds.ts'
import { pack, unpack } from './msgpack.ts'

export const RecallScope = {
  /** Orders that a session has sent, for whichever account. */
  Session: 0,
  /** Orders of an account, whoever has sent them. */
  Account: 1,
} as const
export type RecallScope = (typeof RecallScope)[keyof typeof RecallScope]

export interface Recall {
  readonly scope: RecallScope
  /** Number of the session, or row of the account. */
  readonly target: number
  /** Which of the orders that are kept otherwise: bits of `AlsoCancel`. */
  readonly alsoCancel: number
  /** Orders with greater ids came later and are none of its business. */
  readonly lastOrderId: number
  /** What the reports tell. */
  readonly reason: Reason
}

export function recallBody({ scope, target, alsoCancel, lastOrderId, reason }: Recall): Uint8Array {
  return pack([scope, target, alsoCancel, lastOrderId, reason])
}

/** Reads what `recallBody` wrote. */
export function recallOfBody(body: Uint8Array): Recall {
  const [scope, target, alsoCancel, lastOrderId, reason] = unpack(body) as [RecallScope, number, number, number, Reason] // main's own
  return { scope, target, alsoCancel, lastOrderId, reason }
}

/** Whether a recall takes orders of that time in force. */
export function isRecalled(alsoCancel: number, timeInForce: TimeInForce): boolean {
  if (timeInForce === TimeInForce.Gtc) return (alsoCancel & AlsoCancel.Gtc) !== 0
  if (timeInForce === TimeInForce.Gtd) return (alsoCancel & AlsoCancel.Gtd) !== 0
  return true
}
