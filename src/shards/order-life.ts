// What happens to a live order: each report of a destination or of an administrator is booked into position, buying
// power and short sales, numbered, and written as an event; a terminal one takes the order out of the shard.

import { record } from '../accounting/inventory.ts'
import { countReport } from '../accounting/short-sales.ts'
import { assert } from '../base/assert.ts'
import type { DestinationEvents } from '../destinations/destination.ts'
import { AmountOutOfRange, multiply, type Price, type Quantity, WIRE_MICROS_MAX } from '../domain/money.ts'
import { isTerminal, OrderStatus, statusAfter } from '../domain/order-status.ts'
import { Reason, reasonText } from '../domain/reasons.ts'
import { direction, Side } from '../domain/side.ts'
import { Metric, slotOfReason } from '../metrics/catalogue.ts'
import { type BytesRange, encodeReport, type ReplaceTerms, type ReportFields } from '../protocol/order-events.ts'
import type { AccountBook, Holding } from './account-book.ts'
import type { EventBlock } from './event-block.ts'
import { NO_SLOT } from './order-table.ts'
import type { PendingReplace } from './replaces.ts'
import type { ShardState } from './shard-state.ts'

const EMPTY: BytesRange = { bytes: new Uint8Array(0), start: 0, end: 0 }
const NO_PARAMS: readonly (string | number)[] = []

export class OrderLife implements DestinationEvents {
  readonly #state: ShardState
  readonly #events: EventBlock
  /** Whose request the report being written answers; 0 for none. */
  #session = 0
  /** The report being written. Callers with more to say than `report` takes fill in the rest before, and it is reset. */
  readonly fields: ReportFields = {
    account: 0,
    reportSequence: 0,
    orderId: 0,
    sequence: 0,
    timestamp: 0,
    status: OrderStatus.None,
    lastQty: 0,
    lastPx: 0,
    cumQty: 0,
    leavesQty: 0,
    liquidityFlag: '',
    lastMarket: '',
    executionFee: 0,
    processingFee: 0,
    commission: 0,
    reason: Reason.None,
    params: NO_PARAMS,
    text: '',
    tags: EMPTY,
    operator: 0,
    requestId: 0,
    terms: undefined,
  }
  /** What `fields.terms` points to where a report tells of a replace. */
  readonly #terms: ReplaceTerms = { clOrdId: EMPTY, quantity: 0, price: 0, shortFlag: false, holdPrice: 0 }

  // On whose behalf an order is being canceled, where somebody named himself; NO_SLOT elsewhere.
  #behalfSlot = NO_SLOT
  #behalfOperator = 0
  #behalfText = ''

  constructor(state: ShardState, events: EventBlock) {
    this.#state = state
    this.#events = events
  }

  /**
   * The cancel that is asked for next, of the order in `slot`, is this operator's wish: its reports name him, and his
   * words where he has some, until `noBehalf`.
   */
  onBehalf(slot: number, operator: number, text: string): void {
    this.#behalfSlot = slot
    this.#behalfOperator = operator
    this.#behalfText = text
  }

  noBehalf(): void {
    this.#behalfSlot = NO_SLOT
  }

  report(
    slot: number,
    status: OrderStatus,
    lastQty: Quantity,
    lastPx: Price,
    timestampUs: number,
    reason: Reason,
    lastMarket: string,
  ): void {
    const { fields } = this
    fields.status = status
    fields.lastQty = lastQty
    fields.lastPx = lastPx
    fields.timestamp = timestampUs
    fields.lastMarket = lastMarket
    if (reason !== Reason.None) this.explain(reason, NO_PARAMS)
    if (slot === this.#behalfSlot && (status === OrderStatus.PendingCancel || status === OrderStatus.Canceled)) {
      fields.operator = this.#behalfOperator
      if (this.#behalfText !== '') fields.text = this.#behalfText
    }
    this.apply(slot)
  }

  /** Puts a reason and its text into the report being written. */
  explain(reason: Reason, params: readonly (string | number)[]): void {
    this.fields.reason = reason
    this.fields.params = params
    this.fields.text = reasonText(reason, params)
  }

  /** Books and writes the report that `fields` describe (status, last quantity and price, time, …) on a live order. */
  apply(slot: number): void {
    const { fields } = this
    const { orders, books, listings } = this.#state
    const book = books[orders.accountRow[slot]]
    const listing = listings.all[orders.listing[slot]]
    assert(book !== undefined && listing !== undefined, 'a live order without account or listing')
    const holding = book.holding(listing)
    const { status, lastQty } = fields
    const terminal = isTerminal(status)
    const { replaces } = this.#state
    if (terminal && replaces.get(slot) !== undefined) this.#endBeforeReplace(slot)
    const openBefore = this.#openQty(slot)

    if (lastQty !== 0 || terminal) {
      this.#book(slot, book, holding, openBefore, terminal)
      const time = Math.max(book.timestamp, fields.timestamp)
      this.#state.compliance.report(slot, status, lastQty, fields.lastPx, time)
    }

    const cumQty = orders.cumQty[slot] + lastQty
    orders.cumQty[slot] = cumQty
    fields.cumQty = cumQty
    fields.leavesQty = terminal ? 0 : Math.max(0, orders.quantity[slot] - cumQty)
    fields.orderId = orders.orderId[slot]
    fields.sequence = orders.reports[slot]++
    orders.status[slot] = statusAfter(orders.status[slot] as OrderStatus, status)
    this.#write(book)

    if (terminal) this.#end(slot, book)
  }

  /**
   * Publishes that a replace is under way, in answer to the request of `session`: from here on the order counts as open
   * with the larger of both quantities.
   */
  pendingReplace(slot: number, session: number, requestId: number, timestampUs: number): void {
    const pending = this.#state.replaces.get(slot)
    assert(pending !== undefined, 'a replace that nobody noted')
    this.reopenReplace(slot)
    this.#tellTerms(pending, pending.holdPrice)
    this.fields.requestId = requestId
    this.#session = session
    this.report(slot, OrderStatus.PendingReplace, 0, 0, timestampUs, Reason.None, '')
  }

  /** A noted replace counts as open with the larger of both quantities from here on. */
  reopenReplace(slot: number): void {
    const { orders } = this.#state
    this.#reopen(slot, Math.max(0, orders.quantity[slot] - orders.cumQty[slot]), this.#openQty(slot))
  }

  /** Publishes that a replace was refused before it was pending; `fields` hold reason and text. */
  refusedReplace(
    slot: number,
    terms: Pick<ReplaceTerms, 'clOrdId' | 'quantity' | 'price'>,
    session: number,
    requestId: number,
    timestampUs: number,
  ): void {
    const told = this.#terms
    told.clOrdId = terms.clOrdId
    told.quantity = terms.quantity
    told.price = terms.price
    told.shortFlag = false
    told.holdPrice = 0
    this.fields.terms = told
    this.fields.requestId = requestId
    this.#session = session
    this.report(slot, OrderStatus.ReplaceReject, 0, 0, timestampUs, Reason.None, '')
  }

  replaced(slot: number, timestampUs: number): void {
    const { orders, books, replaces, compliance } = this.#state
    const pending = replaces.get(slot)
    assert(pending !== undefined, 'an order was replaced that nobody wanted replaced')
    const book = books[orders.accountRow[slot]]!
    const time = Math.max(book.timestamp, timestampUs)
    // What was executed meanwhile is of the order, however little was asked for.
    const cumQty = orders.cumQty[slot]
    const quantity = Math.max(pending.quantity, cumQty)
    const leavesQty = quantity - cumQty
    const openBefore = this.#openQty(slot)
    const isRepriced = pending.price !== orders.price[slot]
    if (isRepriced) compliance.leftPrice(slot, time)
    orders.quantity[slot] = quantity
    orders.price[slot] = pending.price
    replaces.end(slot)
    if (pending.clOrdId !== '') replaces.setClOrdId(slot, pending.clOrdId)
    this.#reopen(slot, openBefore, leavesQty)
    if (orders.leftOut[slot] === 0) book.buyingPower.amend(slot, leavesQty, pending.holdPrice)
    // Rules have counted the new terms since they judged them.
    if (pending.rulesDiffer) compliance.recount(slot, leavesQty, pending.price)
    compliance.settleTerms(slot, isRepriced ? time : 0)
    this.#tellTerms(pending, pending.holdPrice)
    this.#terms.quantity = quantity
    this.report(slot, OrderStatus.Replaced, 0, 0, timestampUs, Reason.None, '')
    if (leavesQty === 0) this.report(slot, OrderStatus.Canceled, 0, 0, timestampUs, Reason.NothingLeftByReplace, '')
  }

  replaceRejected(slot: number, reason: Reason, timestampUs: number): void {
    const { orders } = this.#state
    this.#keepTerms(slot)
    this.report(slot, OrderStatus.ReplaceReject, 0, 0, timestampUs, reason, '')
    // It was executed whole while more was asked for.
    if (orders.cumQty[slot] >= orders.quantity[slot]) {
      this.report(slot, OrderStatus.Filled, 0, 0, timestampUs, Reason.None, '')
    }
  }

  /** The order ends while a replace is pending: that came too late, which is told before nothing can be told any more. */
  #endBeforeReplace(slot: number): void {
    const told = { ...this.fields }
    this.#reset()
    this.#keepTerms(slot)
    this.report(slot, OrderStatus.ReplaceReject, 0, 0, told.timestamp, Reason.EndedBeforeReplace, '')
    Object.assign(this.fields, told)
  }

  /** A pending replace comes to nothing; its terms stand in `fields`. */
  #keepTerms(slot: number): void {
    const { orders, books, replaces, compliance } = this.#state
    const pending = replaces.get(slot)
    assert(pending !== undefined, 'a replace was refused that nobody had asked for')
    const book = books[orders.accountRow[slot]]!
    const leavesQty = Math.max(0, orders.quantity[slot] - orders.cumQty[slot])
    const openBefore = this.#openQty(slot)
    replaces.end(slot)
    this.#reopen(slot, openBefore, leavesQty)
    if (orders.leftOut[slot] === 0 && pending.countsWorst) {
      book.buyingPower.amend(slot, leavesQty, book.buyingPower.priceOf(slot))
    }
    compliance.recount(slot, leavesQty, orders.price[slot])
    compliance.settleTerms(slot, 0)
    this.#tellTerms(pending, 0)
  }

  #tellTerms(pending: PendingReplace, holdPrice: Price): void {
    const terms = this.#terms
    terms.clOrdId = pending.clOrdIdBytes
    terms.quantity = pending.quantity
    terms.price = pending.price
    terms.shortFlag = pending.shortFlag
    terms.holdPrice = holdPrice
    this.fields.terms = terms
  }

  /** What counts as open of a live order: while it is being replaced, what is left under the larger of both terms. */
  #openQty(slot: number): Quantity {
    const { orders, replaces } = this.#state
    const pending = replaces.get(slot)
    const quantity = pending === undefined ? orders.quantity[slot] : Math.max(orders.quantity[slot], pending.quantity)
    return Math.max(0, quantity - orders.cumQty[slot])
  }

  /** Another quantity of the order counts as open. */
  #reopen(slot: number, before: Quantity, after: Quantity): void {
    if (before === after) return
    const { orders, books, listings } = this.#state
    const holding = books[orders.accountRow[slot]]!.holding(listings.all[orders.listing[slot]])
    if (orders.side[slot] === Side.Bid) holding.pendingBuy += after - before
    else holding.pendingSell += after - before
    this.#state.touchHolding(holding)
  }

  /** Writes the REJECTED report of an order that never lived; `fields` hold reason and text. */
  writeRejection(book: AccountBook, orderId: number, timestampUs: number): void {
    const { fields } = this
    fields.status = OrderStatus.Rejected
    fields.lastQty = 0
    fields.lastPx = 0
    fields.cumQty = 0
    fields.leavesQty = 0
    fields.timestamp = timestampUs
    fields.orderId = orderId
    fields.sequence = 1
    this.#write(book)
  }

  /** Takes an accepted order into the account's chain of live orders. */
  begin(slot: number, book: AccountBook): void {
    const { orders } = this.#state
    orders.next[slot] = book.liveHead
    orders.previous[slot] = NO_SLOT
    if (book.liveHead !== NO_SLOT) orders.previous[book.liveHead] = slot
    book.liveHead = slot
    book.liveOrders += 1
  }

  #end(slot: number, book: AccountBook): void {
    const { orders, haltSweeps, cancelSweeps, awaitedEnds } = this.#state
    const next = orders.next[slot]
    const previous = orders.previous[slot]
    if (previous === NO_SLOT) book.liveHead = next
    else orders.next[previous] = next
    if (next !== NO_SLOT) orders.previous[next] = previous
    book.liveOrders -= 1
    haltSweeps.left(slot, next)
    cancelSweeps.left(slot, next)
    const { replaces } = this.#state
    if (!replaces.isEmpty) replaces.forget(slot)
    orders.remove(slot)
    awaitedEnds.ended(slot, orders.status[slot] as OrderStatus)
  }

  // Position, result, short sales and buying power after a fill or an end.
  #book(slot: number, book: AccountBook, holding: Holding, leavesBefore: Quantity, terminal: boolean): void {
    const { fields } = this
    const state = this.#state
    const { orders } = state
    const side = orders.side[slot] as Side
    const { lastQty, lastPx } = fields
    if (lastQty !== 0) {
      const fees = fields.executionFee + fields.processingFee + fields.commission
      if (holding.currency === 0) holding.currency = orders.currency[slot]
      record(holding.inventory, direction(side) * lastQty, multiply(lastQty, lastPx), fees)
    }
    countReport(holding, side, leavesBefore, lastQty, terminal)
    if (side === Side.Bid) holding.pendingBuy -= terminal ? leavesBefore : Math.min(leavesBefore, lastQty)
    if (orders.leftOut[slot] === 0) {
      const price = lastQty === 0 ? 0 : state.view.convert(lastPx, orders.currency[slot], book.currency)
      assert(!Number.isNaN(price), 'a rate that was there when the order was held is gone')
      if (terminal) book.buyingPower.release(slot, lastQty, price)
      else book.buyingPower.fill(slot, lastQty, price)
    }
    state.touchHolding(holding)
  }

  #write(book: AccountBook): void {
    const { fields } = this
    book.timestamp = Math.max(book.timestamp, fields.timestamp)
    // Times of an account never go back, except where an administrator says when something happened.
    if (fields.operator === 0) fields.timestamp = book.timestamp
    fields.account = book.accountId
    fields.reportSequence = ++book.reportSequence
    book.reportsSinceSnapshot += 1
    this.#state.touch(book)
    if (fields.lastQty !== 0) this.#state.lane.add(Metric.Executions)
    else if (fields.status === OrderStatus.Rejected) {
      this.#state.lane.add(Metric.OrdersRejected)
      this.#state.lane.add(slotOfReason(Metric.Refusals, fields.reason))
    }
    encodeReport(this.#events.writer, fields)
    this.#events.route(this.#session, book.row)
    this.#session = 0
    this.#reset()
  }

  #reset(): void {
    const { fields } = this
    fields.liquidityFlag = ''
    fields.lastMarket = ''
    fields.executionFee = 0
    fields.processingFee = 0
    fields.commission = 0
    fields.reason = Reason.None
    fields.params = NO_PARAMS
    fields.text = ''
    fields.tags = EMPTY
    fields.operator = 0
    fields.requestId = 0
    fields.terms = undefined
  }
}

/** Whether the amounts of a fill fit what the account has already; administrators may book what no check has seen. */
export function fitsRange(holding: Holding, quantity: Quantity, price: Price): boolean {
  try {
    const value = multiply(quantity, price)
    const { inventory } = holding
    return (
      Math.abs(inventory.quantity) + holding.pendingBuy + holding.pendingSell + quantity <= WIRE_MICROS_MAX &&
      Math.abs(inventory.costBasis) + value <= WIRE_MICROS_MAX
    )
  } catch (error) {
    if (error instanceof AmountOutOfRange) return false
    throw error
  }
}
