// What became of a request that changes something. There are three answers, and "unknown" is one of them: the deadline
// passed, or the connection ended, after the request had left. It is never told as a refusal, because it may have
// happened. An order is settled by sending it again under the same client order id, which has no second effect.

import { OrderStatus } from '../domain/order-status.ts'
import { Reason } from '../domain/reasons.ts'
import type { CallResult } from './calls.ts'
import { ClientCode, type OesError } from './client-error.ts'
import type { ExecutionReport, NewOrder, NewTerms, OrderAccepted } from './orders.ts'

/** The server refused; nothing happened. */
export interface Refusal {
  outcome: 'refused'
  /** Name of the server's reason. */
  code: string
  /** Its number. */
  reason: number
  params: readonly unknown[]
  text: string
}

/** The request may have happened or not; `cause` says why nobody knows. */
export interface Unknown {
  outcome: 'unknown'
  cause: OesError
}

/** An order of unknown outcome, complete with its client order id and account: `settle` takes it. */
export interface UnknownOrder extends Unknown {
  order: SentOrder
}

/** An order as it was sent: it can be sent again without a second effect. */
export type SentOrder = NewOrder & { account: number; clOrdId: string }

/**
 * What became of an order. A rejected order is an accepted one: it has an id, and the report REJECTED follows.
 */
export type SubmitOutcome =
  | { outcome: 'accepted'; order: OrderAccepted }
  | (Refusal & { order: SentOrder })
  | UnknownOrder

/** A replace as it was sent: it can be sent again without a second effect. */
export type SentReplace = NewTerms & { orderId: number; account: number; clOrdId: string }

/** A replace of unknown outcome, complete with its client order id and account: `settleReplace` takes it. */
export interface UnknownReplace extends Unknown {
  replace: SentReplace
}

/**
 * What became of a replace: it is under way, as its first report says, and reports tell what comes of it; or a report says
 * why it may not be, and the order is as before; or the request was refused, and nothing was reported.
 */
export type ReplaceOutcome =
  | { outcome: 'pending'; report: ExecutionReport }
  | { outcome: 'rejected'; report: ExecutionReport }
  | (Refusal & { replace: SentReplace })
  | UnknownReplace

/** What became of a cancel or an update. */
export type CommandOutcome = { outcome: 'done' } | Refusal | Unknown

/** @throws OesError where the request never left: then nothing happened, for sure. */
export function submitOutcome(
  result: CallResult<OrderAccepted>,
  order: SentOrder,
  isRepetition: boolean,
): SubmitOutcome {
  if (result.error === undefined) return { outcome: 'accepted', order: result.value }
  const repeated = isRepetition || result.timesSent > 1
  // Of a repetition that never left, the first sending is as unknown as before.
  const { error } = result
  if (error.reason === 0 && result.timesSent === 0 && !isRepetition) throw error
  if (error.reason !== 0 && (!repeated || settlesFirst(error.reason))) return { ...refused(error), order }
  return { outcome: 'unknown', cause: error, order }
}

/** @throws OesError where the request never left: then nothing happened, for sure. */
export function replaceOutcome(
  result: CallResult<ExecutionReport>,
  replace: SentReplace,
  isRepetition: boolean,
): ReplaceOutcome {
  if (result.error === undefined) {
    const report = result.value
    return { outcome: report.status === OrderStatus.ReplaceReject ? 'rejected' : 'pending', report }
  }
  const { error } = result
  const repeated = isRepetition || result.timesSent > 1
  if (error.reason === 0 && result.timesSent === 0 && !isRepetition) throw error
  if (error.reason !== 0 && (!repeated || settlesFirst(error.reason) || FIND_ORDER.has(error.reason))) {
    return { ...refused(error), replace }
  }
  return { outcome: 'unknown', cause: error, replace }
}

/** A replace that the server remembers is answered before it looks for the order and how that stands. */
const FIND_ORDER: ReadonlySet<number> = new Set([
  Reason.UnknownOrder,
  Reason.OrderTerminal,
  Reason.SupersededClOrdId,
  Reason.AlreadyReplacing,
  Reason.AlreadyCanceling,
  Reason.NotAcknowledged,
])

/** @throws OesError where the request never left: then nothing happened, for sure. */
export function commandOutcome(result: CallResult<true>): CommandOutcome {
  if (result.error === undefined) return { outcome: 'done' }
  return failedOutcome(result.error, result.timesSent)
}

/** What became of a request that ended with an error. @throws the error where the request never left. */
export function failedOutcome(error: OesError, timesSent: number): Refusal | Unknown {
  if (error.reason !== 0) return refused(error)
  if (timesSent === 0) throw error
  return { outcome: 'unknown', cause: error }
}

/** True for failures that may pass: worth trying again after a while. */
export function isPassing(error: OesError): boolean {
  if (error.reason !== 0) return error.reason >= Reason.Busy
  return error.code !== ClientCode.InvalidArgument && error.code !== ClientCode.ClientClosed
}

function refused(error: OesError): Refusal {
  return { outcome: 'refused', code: error.code, reason: error.reason, params: error.params, text: error.message }
}

// The refusal of a repetition tells what became of the first sending only where it follows from the request itself:
// then the first was refused alike. A busy server, a permission taken away since, or an expiry that has passed since
// says nothing.
function settlesFirst(reason: number): boolean {
  const isOfForm = reason >= Reason.InvalidSide && reason < Reason.LoginFailed && reason !== Reason.InvalidExpiry
  return isOfForm || reason === Reason.ClOrdIdReused
}
