// Cancels of live orders: the one that a client asks for, those of the sweeps, and the one that is enforced. Their
// destination is asked, and its reports tell what becomes of it, at once or later; only an enforced cancel ends the order
// here, whatever its destination says.
//
//                  a client's        as one of many     unsolicited: halted, recalled    enforced
//   pending ────── refused           counted by the     left alone                       ended all the same
//                                    sweep
//   rules ──────── refused           counted            not asked                        not asked
//   judge ──────── waits for him     not asked          not asked                        not asked
//   report         on request        on behalf of the   with the reason                  CANCELED, by the operator
//                                    operator

import { Refusal } from '../checks/check.ts'
import type { Destination } from '../destinations/destination.ts'
import { OrderStatus } from '../domain/order-status.ts'
import { Reason, reasonText } from '../domain/reasons.ts'
import { Metric } from '../metrics/catalogue.ts'
import type { MessageReader } from '../protocol/message-reader.ts'
import type { OrderLife } from './order-life.ts'
import { NO_SLOT } from './order-table.ts'
import type { RequestAnswers } from './request-answers.ts'
import type { RequestCommand } from './request-command.ts'
import type { ShardState } from './shard-state.ts'
import type { WaitingRequests } from './waiting-requests.ts'

/** A cancel of many: who wants it, why, and how. */
export interface SweptCancel {
  /** Account of whoever asks: rules judge him, reports name him. */
  readonly operator: number
  /** His words; empty for those of the reason. */
  readonly text: string
  readonly reason: Reason
  /** The order is marked as canceled and its destination not asked; rules are not asked either. */
  readonly isForced: boolean
}

export interface OrderCancelsParts {
  readonly state: ShardState
  readonly life: OrderLife
  readonly answers: RequestAnswers
  readonly waiting: WaitingRequests
  /** In the order of the `destination` column. */
  readonly destinations: readonly Destination[]
}

export class OrderCancels {
  readonly #parts: OrderCancelsParts
  readonly #refusal = new Refusal()

  constructor(parts: OrderCancelsParts) {
    this.#parts = parts
  }

  /** A Cancel, of which `reader` has read kind, request id and account. */
  request(command: RequestCommand, requestId: number, elements: number, reader: MessageReader): void {
    const { state, answers, waiting, destinations } = this.#parts
    const orderId = reader.integer()
    if (!reader.complete || elements !== 4) {
      return answers.refuse(command, requestId, Reason.MalformedMessage, [3])
    }
    const slot = answers.liveOrder(command, requestId, orderId)
    if (slot === NO_SLOT) return
    const { orders, compliance, pooled } = state
    if (orders.status[slot] === OrderStatus.PendingCancel) {
      return answers.refuse(command, requestId, Reason.AlreadyCanceling, [orderId])
    }
    const book = state.book(command.accountRow)
    const time = Math.max(book.timestamp, command.time)
    const refusal = this.#refusal
    const known = pooled.size === 0 ? undefined : pooled.find(book.row)
    const { verdict } = waiting
    if (known?.asksCancels && verdict === undefined && compliance.permitsCancel(slot, time)) {
      if (waiting.park(command)) pooled.askCancel(known, orderId, command.sessionAccount, time)
      return
    }
    if (!compliance.cancel(slot, command.sessionAccount, time, refusal)) {
      return answers.refuse(command, requestId, refusal.reason as Reason, refusal.params.slice())
    }
    if (verdict !== undefined && verdict.reason !== Reason.None) {
      return answers.refuse(command, requestId, verdict.reason, verdict.params)
    }
    state.lane.add(Metric.Cancels)
    destinations[orders.destination[slot]].cancel(slot, time, Reason.CanceledOnRequest)
    answers.done(command, requestId)
  }

  /** Asks for a live order to be canceled that is halted, or recalled; false where that is under way already. */
  cancelUnsolicited(slot: number, reason: Reason): boolean {
    const { state, destinations } = this.#parts
    const { orders, books, timeUs } = state
    if (orders.status[slot] === OrderStatus.PendingCancel) return false
    const { timestamp } = books[orders.accountRow[slot]]!
    destinations[orders.destination[slot]].cancel(slot, Math.max(timestamp, timeUs), reason)
    return true
  }

  /**
   * Cancels a live order as one of many.
   * @returns Reason.None where its destination was asked, or it is marked; otherwise why a rule refuses.
   */
  cancelSwept(slot: number, { operator, text, reason, isForced }: SweptCancel): Reason {
    const { state, life, destinations } = this.#parts
    const { orders } = state
    const book = state.books[orders.accountRow[slot]]!
    const time = Math.max(book.timestamp, state.timeUs)
    if (isForced) {
      this.#markCanceled(slot, time, operator, text === '' ? reasonText(reason) : text, reason)
      return Reason.None
    }
    const refusal = this.#refusal
    refusal.clear()
    if (!state.compliance.cancel(slot, operator, time, refusal)) return refusal.reason as Reason
    state.lane.add(Metric.Cancels)
    life.onBehalf(slot, operator, text)
    destinations[orders.destination[slot]].cancel(slot, time, reason)
    life.noBehalf()
    return Reason.None
  }

  /** Ends a live order here, as an update by hand does; its destination is not asked. */
  #markCanceled(slot: number, time: number, operator: number, text: string, reason: Reason): void {
    const { state, life, destinations } = this.#parts
    const { orders } = state
    const { fields } = life
    // A store that was filled by somebody else may have orders without any report: the first has to be this one.
    if (orders.reports[slot] === 0) {
      fields.operator = operator
      life.report(slot, OrderStatus.PendingNew, 0, 0, time, Reason.None, '')
    }
    destinations[orders.destination[slot]].update(slot, OrderStatus.Canceled, 0)
    fields.status = OrderStatus.Canceled
    fields.lastQty = 0
    fields.lastPx = 0
    fields.timestamp = time
    fields.reason = reason
    fields.text = text
    fields.operator = operator
    life.apply(slot)
  }
}
