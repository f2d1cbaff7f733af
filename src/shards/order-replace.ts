// New terms for a live order: what a shard does with a client's replace. It is answered by a report on the order, which
// tells either that the replace is under way or why it is not; what comes of it the destination says, at once or later
// (order-life.ts).
//
//   decode ────── what cannot be understood ─────────────────────────────┐
//   repeated? ─── the same client order id: the first answer again, or ──┤
//   which order ─ unknown, ended, gone by another id since ──────────────┤
//   its state ─── a cancel or a replace is pending, not acknowledged ────┤ refused: no report
//   validate ──┐
//   halted? ───┤
//   checks ────┤ on the order as it would be: what it has is taken off first
//   rules ─────┤ REPLACE_REJECT, the order as before
//   judge ─────┤ only under pooled rules: the request waits, and comes this way again with the verdict. One that was executed
//              │ in part since is another question, which is asked anew
//   pending      PENDING_REPLACE: counts as open with the larger quantity
//   route        the destination answers: REPLACED or REPLACE_REJECT; where not at once, the worse of both terms is held
//
// A replace that only lowers the quantity passes whatever would keep a new order out, but for the board lot: it takes risk
// away. One to a quantity that is executed already asks for nothing but the end of the rest, and is no matter for checks.

import type { CheckChain } from '../checks/chain.ts'
import { OrderUnderCheck, Refusal } from '../checks/check.ts'
import { type Destination, RoutedReplace } from '../destinations/destination.ts'
import type { Price, Quantity } from '../domain/money.ts'
import { OrderStatus } from '../domain/order-status.ts'
import { OrderType } from '../domain/order-type.ts'
import { Reason } from '../domain/reasons.ts'
import { Side } from '../domain/side.ts'
import { Metric, slotOfReason } from '../metrics/catalogue.ts'
import type { MessageReader } from '../protocol/message-reader.ts'
import { decodeRefusal, decodeReplace, replaceRequest } from '../protocol/requests.ts'
import { LookupPurpose } from '../shared-memory/records.ts'
import type { AccountBook, Holding } from './account-book.ts'
import { BookUnderCheck } from './account-under-check.ts'
import { Fingerprint } from './fingerprint.ts'
import type { Listing } from './listings.ts'
import { fitsRange, type OrderLife } from './order-life.ts'
import { NO_SLOT } from './order-table.ts'
import type { RequestAnswers } from './request-answers.ts'
import type { RequestCommand } from './request-command.ts'
import { isUtf8, textOf } from './request-texts.ts'
import type { ShardState } from './shard-state.ts'
import type { WaitingRequests } from './waiting-requests.ts'

export interface OrderReplaceParts {
  readonly state: ShardState
  readonly life: OrderLife
  readonly answers: RequestAnswers
  readonly waiting: WaitingRequests
  readonly checks: CheckChain
  /** In the order of the `destination` column. */
  readonly destinations: readonly Destination[]
  /** Counts buying power anew where the currency of the account's risk parameters has changed. */
  readonly followCurrency: (book: AccountBook) => void
  /** At what price an order is held that no check has priced. */
  readonly priceUnchecked: (
    book: AccountBook,
    listing: Listing,
    currency: number,
    type: OrderType,
    side: Side,
    price: Price,
  ) => Price
}

/** In place of a price: the request waits, or was answered since it could not. */
const PARKED = 'parked'

export class OrderReplace {
  readonly #parts: OrderReplaceParts
  readonly #request = replaceRequest()
  readonly #checked = new OrderUnderCheck()
  readonly #underCheck: BookUnderCheck
  readonly #refusal = new Refusal()
  readonly #routed = new RoutedReplace()
  readonly #fingerprint = new Fingerprint()

  constructor(parts: OrderReplaceParts) {
    this.#parts = parts
    this.#underCheck = new BookUnderCheck(parts.state)
  }

  /** A Replace, of which `reader` has read kind, request id and account. */
  request(command: RequestCommand, requestId: number, elements: number, reader: MessageReader): void {
    // One that waits comes again.
    if (this.#take(command, requestId, elements, reader)) this.#parts.state.lane.add(Metric.Replaces)
  }

  /** @returns false where the request has to wait: nothing has happened then */
  #take(command: RequestCommand, requestId: number, elements: number, reader: MessageReader): boolean {
    const { state, answers } = this.#parts
    const request = this.#request
    const malformed = decodeReplace(reader, elements, request)
    if (malformed !== Reason.None) return this.#refuse(command, requestId, malformed, [decodeRefusal.param])
    const { bytes, start, end } = request.clOrdId
    if (!isUtf8(request.clOrdId) || !isUtf8(request.origClOrdId)) {
      return this.#refuse(command, requestId, Reason.InvalidText, [0])
    }
    const clOrdId = textOf(request.clOrdId)
    const origClOrdId = textOf(request.origClOrdId)
    const { clOrdIds, orders, replaces } = state
    const row = command.accountRow
    // Looked for first: what is looked for last is what may be added.
    const origOrderId = this.#origOrderId(row)
    this.#fingerprint.takeReplace(request.quantity, request.price)
    if (clOrdId !== '') {
      const entry = clOrdIds.find(row, bytes, start, end)
      if (entry >= 0) {
        const first = clOrdIds.orderIdOf(entry)
        // The id of the order as it was then may have been forgotten: then the new one alone tells.
        const isNamed =
          (request.orderId === 0 || request.orderId === first) && (origOrderId === 0 || origOrderId === first)
        const isSame = clOrdIds.isReplace(entry) && isNamed && clOrdIds.sameOrder(entry, this.#fingerprint.words)
        if (!isSame) return this.#refuse(command, requestId, Reason.ClOrdIdReused, [first])
        answers.fromRecord(command, requestId, first, LookupPurpose.RepeatReplace, clOrdId)
        return true
      }
    }
    const named = origClOrdId === '' ? request.orderId : origOrderId
    if (named === 0 || (request.orderId !== 0 && named !== request.orderId)) {
      return this.#refuse(command, requestId, Reason.UnknownOrder, [request.orderId || origClOrdId])
    }
    const slot = answers.liveOrder(command, requestId, named)
    if (slot === NO_SLOT) return true
    const refuse = (reason: Reason) => this.#refuse(command, requestId, reason, [named])
    if (origClOrdId !== '' && !this.#goesBy(slot, row, origClOrdId)) return refuse(Reason.SupersededClOrdId)
    const status = orders.status[slot] as OrderStatus
    if (status === OrderStatus.PendingCancel) return refuse(Reason.AlreadyCanceling)
    if (replaces.get(slot) !== undefined) return refuse(Reason.AlreadyReplacing)
    if (status === OrderStatus.PendingNew) return refuse(Reason.NotAcknowledged)
    return this.#judge(command, requestId, slot, clOrdId)
  }

  /**
   * Takes up a replace that was pending when the server ended: the destination is asked again, since nobody knows whether it
   * had heard. The order itself has been restored under its old terms.
   */
  resume(
    slot: number,
    terms: { quantity: Quantity; price: Price; holdPrice: Price; shortFlag: boolean },
    clOrdId: string,
    timestampUs: number,
  ): void {
    const { state, life } = this.#parts
    const pending = state.replaces.begin(slot)
    pending.quantity = terms.quantity
    pending.price = terms.price
    pending.holdPrice = terms.holdPrice
    pending.shortFlag = terms.shortFlag
    const bytes = new TextEncoder().encode(clOrdId)
    pending.setClOrdId(clOrdId, { bytes, start: 0, end: bytes.length })
    pending.rulesDiffer = true
    life.reopenReplace(slot)
    this.#route(slot, timestampUs, true)
  }

  /** Counts anew what is held for the account's pending replaces, after its orders were. */
  rehold(book: AccountBook): void {
    const { state } = this.#parts
    const { orders, replaces, listings } = state
    for (const slot of replaces.slots()) {
      if (orders.accountRow[slot] !== book.row) continue
      const pending = replaces.get(slot)!
      const listing = listings.all[orders.listing[slot]]
      const currency = orders.currency[slot]
      const type = orders.type[slot] as OrderType
      const side = orders.side[slot] as Side
      const price = this.#parts.priceUnchecked(book, listing, currency, type, side, pending.price)
      pending.holdPrice = Number.isNaN(price) ? 0 : price
      if (pending.countsWorst) this.#holdWorst(slot)
    }
  }

  /** The order that the request names by a client order id; 0 where it names none, or the id is not known. */
  #origOrderId(row: number): number {
    const { bytes, start, end } = this.#request.origClOrdId
    if (start === end) return 0
    const { clOrdIds } = this.#parts.state
    const entry = clOrdIds.find(row, bytes, start, end)
    return entry < 0 ? 0 : clOrdIds.orderIdOf(entry)
  }

  /** Whether a live order goes by that id of the request: by the id of the last replace that had one, or of its submission. */
  #goesBy(slot: number, row: number, origClOrdId: string): boolean {
    const { clOrdIds, replaces } = this.#parts.state
    const present = replaces.clOrdIdOf(slot)
    if (present !== undefined) return present === origClOrdId
    const { bytes, start, end } = this.#request.origClOrdId
    const entry = clOrdIds.find(row, bytes, start, end)
    return entry >= 0 && !clOrdIds.isReplace(entry)
  }

  #judge(command: RequestCommand, requestId: number, slot: number, clOrdId: string): boolean {
    const { state, life } = this.#parts
    const { orders, books, clOrdIds, lane, listings, replaces } = state
    const request = this.#request
    const book = books[orders.accountRow[slot]]!
    const listing = listings.all[orders.listing[slot]]
    const holding = book.holding(listing)
    const time = Math.max(book.timestamp, command.time)
    const refusal = this.#refusal
    refusal.clear()
    const holdPrice = this.#check(command, slot, book, listing, holding, time, refusal)
    if (holdPrice === PARKED) return false
    if (clOrdId !== '') {
      const { bytes, start, end } = request.clOrdId
      clOrdIds.find(book.row, bytes, start, end)
      clOrdIds.addReplace(book.row, bytes, start, end, orders.orderId[slot], this.#fingerprint.words)
    }
    if (holdPrice === undefined) {
      lane.add(Metric.RequestsRefused)
      lane.add(slotOfReason(Metric.Refusals, refusal.reason as Reason))
      life.explain(refusal.reason as Reason, refusal.params.slice())
      life.refusedReplace(slot, request, command.session, requestId, time)
      return true
    }
    const pending = replaces.begin(slot)
    pending.quantity = request.quantity
    pending.price = request.price
    pending.holdPrice = holdPrice
    pending.setClOrdId(clOrdId, request.clOrdId)
    pending.shortFlag =
      orders.side[slot] === Side.Ask &&
      holding.pendingSell - this.#leavesQty(slot) + Math.max(0, request.quantity - orders.cumQty[slot]) >
        holding.position
    life.pendingReplace(slot, command.session, requestId, time)
    this.#route(slot, time, false)
    return true
  }

  #route(slot: number, timestampUs: number, isPossibleResend: boolean): void {
    const { state, destinations } = this.#parts
    const { orders, replaces, compliance } = state
    const pending = replaces.get(slot)!
    const routed = this.#routed
    routed.quantity = pending.quantity
    routed.leavesQty = Math.max(0, pending.quantity - orders.cumQty[slot])
    routed.price = pending.price
    routed.isPossibleResend = isPossibleResend
    const orderId = orders.orderId[slot]
    destinations[orders.destination[slot]].replace(slot, routed, timestampUs)
    // Where it has answered already, the slot may belong to nobody by now.
    if (orders.find(orderId) !== slot || replaces.get(slot) !== pending) return
    pending.countsWorst = true
    pending.rulesDiffer = true
    this.#holdWorst(slot)
    const price = Math.max(orders.price[slot], pending.price)
    const quantity = Math.max(orders.quantity[slot], pending.quantity)
    compliance.recount(slot, Math.max(0, quantity - orders.cumQty[slot]), price)
  }

  #holdWorst(slot: number): void {
    const { orders, books, replaces } = this.#parts.state
    if (orders.leftOut[slot] === 1) return
    const pending = replaces.get(slot)!
    const leavesQty = Math.max(0, pending.quantity - orders.cumQty[slot])
    books[orders.accountRow[slot]]!.buyingPower.beginReplace(slot, leavesQty, pending.holdPrice)
  }

  /** The price at which the new terms are to be held; undefined where they may not be, with the reason in `refusal`. */
  #check(
    command: RequestCommand,
    slot: number,
    book: AccountBook,
    listing: Listing,
    holding: Holding,
    timestamp: number,
    refusal: Refusal,
  ): Price | typeof PARKED | undefined {
    const { state, checks, destinations } = this.#parts
    const { orders, view, compliance, halts, pooled } = state
    const { quantity, price } = this.#request
    const type = orders.type[slot] as OrderType
    const side = orders.side[slot] as Side
    const cumQty = orders.cumQty[slot]
    const leavesQty = Math.max(0, quantity - cumQty)
    if (!isValid(type, quantity, price, refusal)) return undefined
    if (halts.covers(book.row, orders.routedTo[slot])) return refuseWith(refusal, Reason.TradingHalted, 'the order')

    const isRepriced = price !== orders.price[slot]
    const asksForMore = quantity > cumQty && (isRepriced || quantity > orders.quantity[slot])
    const givesUp = quantity <= cumQty || isRepriced || quantity < orders.quantity[slot]
    const checked = this.#checked
    checked.tickerIndex = listing.index
    checked.venue = listing.venue!
    checked.currency = orders.currency[slot]
    checked.type = type
    checked.side = side
    checked.quantity = quantity
    checked.price = price
    checked.timestamp = timestamp
    view.refreshTerms(book.row)
    this.#parts.followCurrency(book)
    const isCounted = orders.leftOut[slot] === 0
    checked.holdPrice = isCounted ? book.buyingPower.priceOf(slot) : 0
    view.look(listing)
    const { answersLater } = destinations[orders.destination[slot]]
    this.#underCheck.lookAtReplace(book, listing, slot, leavesQty, answersLater)
    if (asksForMore) {
      // What it would tie up cannot be told.
      if (!isCounted) return refuseWith(refusal, Reason.CurrencyNotRecognized)
      if (!fitsRange(holding, leavesQty, price)) {
        return refuseWith(refusal, Reason.AmountTooLarge)
      }
      if (!checks.check(checked, this.#underCheck, view, refusal)) return undefined
      if (!checks.pricesOrders) {
        const unchecked = this.#parts.priceUnchecked(book, listing, orders.currency[slot], type, side, price)
        if (Number.isNaN(unchecked)) return refuseWith(refusal, Reason.CurrencyNotRecognized)
        checked.holdPrice = unchecked
      }
    } else if (leavesQty > 0 && !checks.checkReduction(checked, this.#underCheck, view, refusal)) {
      return undefined
    }
    const { holdPrice } = checked
    const { sessionAccount } = command
    const parts = { givesUp, asksForMore }
    const known = pooled.size === 0 ? undefined : pooled.find(book.row)
    const isJudged = known !== undefined && (asksForMore || (givesUp && known.asksCancels))
    const verdict = isJudged && known.cumQtyAsked === cumQty ? this.#parts.waiting.verdict : undefined
    if (
      isJudged &&
      verdict === undefined &&
      compliance.permitsReplace(slot, sessionAccount, checked, leavesQty, parts)
    ) {
      // Nothing has happened yet.
      if (this.#parts.waiting.park(command)) compliance.askReplace(known, slot, sessionAccount, checked, parts)
      return PARKED
    }
    if (!compliance.replace(slot, sessionAccount, checked, leavesQty, parts, refusal)) return undefined
    if (verdict === undefined || verdict.reason === Reason.None) return holdPrice
    refusal.set(verdict.reason, verdict.params[0], verdict.params[1])
    compliance.recount(slot, this.#leavesQty(slot), orders.price[slot])
    return undefined
  }

  #leavesQty(slot: number): Quantity {
    const { orders } = this.#parts.state
    return Math.max(0, orders.quantity[slot] - orders.cumQty[slot])
  }

  #refuse(command: RequestCommand, requestId: number, reason: Reason, params: readonly (string | number)[]): true {
    this.#parts.answers.refuse(command, requestId, reason, params)
    return true
  }
}

/** The ladder of what new terms have to be, whatever the market and the account are. */
function isValid(type: OrderType, quantity: Quantity, price: Price, refusal: Refusal): boolean {
  if (quantity <= 0) return refusal.set(Reason.InvalidQuantity)
  if (price < 0) return refusal.set(Reason.InvalidPrice)
  const needsPrice = type === OrderType.Limit || type === OrderType.Stop
  if (needsPrice && price === 0) return refusal.set(Reason.InvalidPrice)
  return true
}

function refuseWith(refusal: Refusal, reason: Reason, param?: string): undefined {
  refusal.set(reason, param)
  return undefined
}
