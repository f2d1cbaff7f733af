// Updates by hand: what a shard does with the report that an administrator gives about a live order, in the name of its
// destination. It is booked and reported like one of the destination's own, which hears of it and says nothing itself.
//
//   decode ────── what cannot be understood ────────────────────────────────┐
//   which order ─ unknown, of another account, ended ───────────────────────┤
//   validate ──── no status, no step from where the order stands, amounts ──┤ refused: no report
//   apply         the destination is told, then the report is written as any other

import type { Destination } from '../destinations/destination.ts'
import { stepFault } from '../domain/order-lifecycle.ts'
import { type OrderStatus, orderStatusNames } from '../domain/order-status.ts'
import { Reason } from '../domain/reasons.ts'
import { TAGS_MAX } from '../domain/tags.ts'
import type { MessageReader } from '../protocol/message-reader.ts'
import { decodeRefusal, decodeUpdate, updateRequest } from '../protocol/requests.ts'
import { fitsRange, type OrderLife } from './order-life.ts'
import { NO_SLOT } from './order-table.ts'
import type { RequestAnswers } from './request-answers.ts'
import type { RequestCommand } from './request-command.ts'
import { isUtf8, tagsOf, textOf } from './request-texts.ts'
import type { ShardState } from './shard-state.ts'

export interface ManualUpdatesParts {
  readonly state: ShardState
  readonly life: OrderLife
  readonly answers: RequestAnswers
  /** In the order of the `destination` column. */
  readonly destinations: readonly Destination[]
}

export class ManualUpdates {
  readonly #parts: ManualUpdatesParts
  readonly #update = updateRequest()

  constructor(parts: ManualUpdatesParts) {
    this.#parts = parts
  }

  /** An Update, of which `reader` has read kind, request id and account. */
  request(command: RequestCommand, requestId: number, elements: number, reader: MessageReader): void {
    const { state, life, answers, destinations } = this.#parts
    const update = this.#update
    const malformed = decodeUpdate(reader, elements, update)
    if (malformed !== Reason.None) return answers.refuse(command, requestId, malformed, [decodeRefusal.param])
    if (!isUtf8(update.text) || !isUtf8(update.lastMarket) || !isUtf8(update.liquidityFlag)) {
      return answers.refuse(command, requestId, Reason.InvalidText, [0])
    }
    if (tagsOf(update.tags) === undefined) return answers.refuse(command, requestId, Reason.InvalidTags, [TAGS_MAX])
    const slot = answers.liveOrder(command, requestId, update.orderId)
    if (slot === NO_SLOT) return
    const { orders } = state
    const status = update.status as OrderStatus
    if (orderStatusNames[status] === undefined) return answers.refuse(command, requestId, Reason.InvalidStatus, [])
    const current = orders.status[slot] as OrderStatus
    const fault = stepFault({
      current,
      leavesQty: Math.max(0, orders.quantity[slot] - orders.cumQty[slot]),
      next: status,
      lastQty: update.lastQty,
    })
    if (fault !== Reason.None) {
      return answers.refuse(command, requestId, fault, [orderStatusNames[current], orderStatusNames[status]])
    }
    const book = state.book(command.accountRow)
    const holding = book.holding(state.listings.all[orders.listing[slot]])
    if (update.lastPx < 0) return answers.refuse(command, requestId, Reason.InvalidPrice, [])
    if (update.lastQty !== 0 && !fitsRange(holding, update.lastQty, update.lastPx)) {
      return answers.refuse(command, requestId, Reason.AmountTooLarge, [])
    }
    destinations[orders.destination[slot]].update(slot, status, update.lastQty)
    const { fields } = life
    fields.status = status
    fields.lastQty = update.lastQty
    fields.lastPx = update.lastPx
    fields.timestamp = update.timestamp === 0 ? command.time : Math.min(update.timestamp, command.time)
    fields.text = textOf(update.text)
    fields.lastMarket = textOf(update.lastMarket)
    fields.liquidityFlag = textOf(update.liquidityFlag)
    fields.executionFee = update.executionFee
    fields.processingFee = update.processingFee
    fields.commission = update.commission
    fields.tags = update.tags
    fields.operator = command.sessionAccount
    life.apply(slot)
    answers.done(command, requestId)
  }
}
