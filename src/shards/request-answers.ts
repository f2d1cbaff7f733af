// How a shard answers a request where no event does: it is done, it is refused with a reason, or the durable record
// knows what to say, and main is asked to look there. An answer leaves with the block, behind what was stepped before.

import { Reason } from '../domain/reasons.ts'
import { Metric, slotOfReason } from '../metrics/catalogue.ts'
import { encodeDone, encodeRefused } from '../protocol/answers.ts'
import { LookupPurpose } from '../shared-memory/records.ts'
import type { EventBlock } from './event-block.ts'
import { NO_SLOT } from './order-table.ts'
import type { RequestCommand } from './request-command.ts'
import type { ShardState } from './shard-state.ts'

/** Tells main about a request that only the durable record can answer. */
export type Lookup = (
  session: number,
  requestId: number,
  accountRow: number,
  orderId: number,
  purpose: LookupPurpose,
  text?: string,
) => void

export class RequestAnswers {
  readonly #state: ShardState
  readonly #replies: EventBlock
  readonly #lookup: Lookup

  constructor(state: ShardState, replies: EventBlock, lookup: Lookup) {
    this.#state = state
    this.#replies = replies
    this.#lookup = lookup
  }

  refuse(command: RequestCommand, requestId: number, reason: Reason, params: readonly (string | number)[]): void {
    const { lane, view } = this.#state
    lane.add(Metric.RequestsRefused)
    lane.add(slotOfReason(Metric.Refusals, reason))
    encodeRefused(this.#replies.writer, requestId, view.accountId(command.accountRow), reason, params)
    this.#replies.route(command.session, command.accountRow)
  }

  done(command: RequestCommand, requestId: number): void {
    encodeDone(this.#replies.writer, requestId, this.#state.view.accountId(command.accountRow))
    this.#replies.route(command.session, command.accountRow)
  }

  /** Leaves the answer to the record of an order; `clOrdId` is that of a replace. */
  fromRecord(
    command: RequestCommand,
    requestId: number,
    orderId: number,
    purpose: LookupPurpose,
    clOrdId?: string,
  ): void {
    this.#lookup(command.session, requestId, command.accountRow, orderId, purpose, clOrdId)
  }

  /** Slot of the account's live order; otherwise the request is refused, by what the record says, and NO_SLOT. */
  liveOrder(command: RequestCommand, requestId: number, orderId: number): number {
    const { orders } = this.#state
    const slot = orders.find(orderId)
    if (slot !== NO_SLOT && orders.accountRow[slot] === command.accountRow) return slot
    if (orderId <= 0) this.refuse(command, requestId, Reason.UnknownOrder, [orderId])
    else this.fromRecord(command, requestId, orderId, LookupPurpose.Refuse)
    return NO_SLOT
  }
}
