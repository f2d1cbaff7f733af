// The order desk: what a shard does with a client's request. One call for each, run to its end, without clock, socket,
// file or random number: time and ids come with the command, outside facts through the view, and everything that
// happened goes into the event block. The duty cycle makes the block durable before anybody sees it.
//
// Here is the way of a submission; cancels, replaces and updates by hand have pages of their own (order-cancels.ts,
// order-replace.ts, manual-updates.ts), and so have the requests that wait (waiting-requests.ts).
//
// The way of a submission, each refusal to the side:
//
//   decode ──── what cannot be understood: refused, no order
//   repeated? ─ the same client order id: the first outcome again, or refused for a different order
//   validate ──┐
//   halted? ───┤
//   watched? ──┤ only the first use of a ticker: the request waits until main follows its market, and what comes for its
//              │ account behind it; then it comes this way again, from the start
//   checks ────┤
//   rules ─────┤ a rejected order: accepted event, REJECTED report
//   judge ─────┤ only under pooled rules: the request waits, and what comes for its account behind it; when the verdict is
//              │ there it comes this way again, from the start
//   accept      accepted event, buying power held, order in the table
//   route       the destination reports: NEW, fills, … each booked and written as it comes

import { BuyingPowerModel } from '../accounting/buying-power.ts'
import { countSubmission } from '../accounting/short-sales.ts'
import { unreachable } from '../base/assert.ts'
import type { CheckChain } from '../checks/chain.ts'
import { OrderUnderCheck, Refusal } from '../checks/check.ts'
import { type Destination, RoutedOrder } from '../destinations/destination.ts'
import { pegOf } from '../destinations/peg.ts'
import type { Price, Quantity } from '../domain/money.ts'
import { OrderStatus } from '../domain/order-status.ts'
import { OrderType } from '../domain/order-type.ts'
import { Reason } from '../domain/reasons.ts'
import { Side } from '../domain/side.ts'
import { findTag, TAGS_MAX, TagKey } from '../domain/tags.ts'
import { TimeInForce } from '../domain/time-in-force.ts'
import { Metric } from '../metrics/catalogue.ts'
import { Kind } from '../protocol/kinds.ts'
import { MessageReader } from '../protocol/message-reader.ts'
import { type AcceptedFields, type BytesRange, encodeAccepted } from '../protocol/order-events.ts'
import { decodeRefusal, decodeSubmit, submitRequest } from '../protocol/requests.ts'
import { bareTags, MarkedTags } from '../protocol/session-tag.ts'
import { LookupPurpose } from '../shared-memory/records.ts'
import type { AccountBook } from './account-book.ts'
import { BookUnderCheck } from './account-under-check.ts'
import type { EventBlock } from './event-block.ts'
import { Fingerprint } from './fingerprint.ts'
import { type Listing, NOT_LISTED } from './listings.ts'
import { ManualUpdates } from './manual-updates.ts'
import { OrderCancels } from './order-cancels.ts'
import { fitsRange, type OrderLife } from './order-life.ts'
import { OrderReplace } from './order-replace.ts'
import { NO_SLOT } from './order-table.ts'
import type { RequestAnswers } from './request-answers.ts'
import type { RequestCommand } from './request-command.ts'
import { isUtf8, tagsOf, textOf } from './request-texts.ts'
import type { ShardState } from './shard-state.ts'
import { WaitingRequests } from './waiting-requests.ts'

/** Where orders can go, in the order of the `destination` column. */
export interface Destinations {
  readonly simulated: Destination
  readonly manual: Destination
}

const SIMULATED = 0
const MANUAL = 1

export class OrderDesk {
  readonly #state: ShardState
  readonly #life: OrderLife
  readonly #events: EventBlock
  readonly #answers: RequestAnswers
  readonly #checks: CheckChain
  readonly #destinations: readonly Destination[]
  readonly #reader = new MessageReader()
  readonly #submit = submitRequest()
  readonly #checked = new OrderUnderCheck()
  readonly #underCheck: BookUnderCheck
  readonly #refusal = new Refusal()
  readonly #routed = new RoutedOrder()
  readonly #marked = new MarkedTags()
  readonly #fingerprint = new Fingerprint()
  readonly #accepted: AcceptedFields
  /** Requests that wait for something from outside: each comes by here, and again when it goes on. */
  readonly waiting: WaitingRequests
  /** Cancels of live orders: those of clients, and those of the sweeps. */
  readonly cancels: OrderCancels
  /** New terms for live orders. */
  readonly replace: OrderReplace
  readonly #manualUpdates: ManualUpdates
  /** The last destination named by a client, so that the next order to it needs no new string. */
  #destinationBytes: Uint8Array = new Uint8Array(0)
  #destinationText = ''

  constructor(
    state: ShardState,
    life: OrderLife,
    events: EventBlock,
    answers: RequestAnswers,
    checks: CheckChain,
    destinations: Destinations,
  ) {
    this.#state = state
    this.#life = life
    this.#events = events
    this.#answers = answers
    this.#checks = checks
    this.#destinations = [destinations.simulated, destinations.manual]
    this.#underCheck = new BookUnderCheck(state)
    const none: BytesRange = { bytes: new Uint8Array(0), start: 0, end: 0 }
    this.#accepted = {
      requestId: 0,
      account: 0,
      reportSequence: 0,
      orderId: 0,
      orderSequence: 0,
      timestamp: 0,
      submissionAccount: 0,
      ticker: '',
      currency: 0,
      type: OrderType.None,
      side: Side.None,
      destination: '',
      quantity: 0,
      price: 0,
      timeInForce: TimeInForce.None,
      expiry: 0,
      clOrdId: none,
      tags: none,
      shortFlag: false,
      holdPrice: 0,
    }
    const waiting = new WaitingRequests(state, answers, command => this.#serve(command))
    const parts = { state, life, answers, waiting, checks, destinations: this.#destinations }
    this.waiting = waiting
    this.cancels = new OrderCancels(parts)
    this.#manualUpdates = new ManualUpdates(parts)
    this.replace = new OrderReplace({
      ...parts,
      followCurrency: book => this.#followCurrency(book),
      priceUnchecked: (...order) => this.#priceUnchecked(...order),
    })
  }

  /** One request of a client: a submission, a cancel, a replace or an update. */
  request(command: RequestCommand): void {
    if (this.waiting.admits(command)) this.#serve(command)
  }

  #serve(command: RequestCommand): void {
    const reader = this.#reader
    reader.start(command.bytes, command.start, command.end)
    const elements = reader.arrayHeader()
    const kind = reader.integer()
    const requestId = reader.integer()
    reader.raw() // the account: main has looked at it
    switch (kind) {
      case Kind.Submit:
        this.#submission(command, requestId, elements)
        break
      case Kind.Cancel:
        this.cancels.request(command, requestId, elements, reader)
        break
      case Kind.Update:
        this.#manualUpdates.request(command, requestId, elements, reader)
        break
      case Kind.Replace:
        this.replace.request(command, requestId, elements, reader)
        break
      default:
        unreachable(kind as never) // main passes on nothing else
    }
  }

  #submission(command: RequestCommand, requestId: number, elements: number): void {
    const state = this.#state
    const book = state.book(command.accountRow)
    const order = this.#submit
    const malformed = decodeSubmit(this.#reader, elements, order)
    if (malformed !== Reason.None) return this.#answers.refuse(command, requestId, malformed, [decodeRefusal.param])
    // The server's own tag is not for clients, and needs its place.
    const tagsMax = command.mark === 0 ? TAGS_MAX : TAGS_MAX - 1
    if (order.tags.end !== order.tags.start && !areOwnTags(order.tags, tagsMax)) {
      return this.#answers.refuse(command, requestId, Reason.InvalidTags, [tagsMax])
    }
    if (!isUtf8(order.clOrdId) || !isUtf8(order.ticker) || !isUtf8(order.destination)) {
      return this.#answers.refuse(command, requestId, Reason.InvalidText, [0])
    }
    if (state.orders.full)
      return this.#answers.refuse(command, requestId, Reason.Capacity, ['live orders', state.orders.capacity])

    const listing = state.listings.resolve(order.ticker)
    const destination =
      order.destination.end === order.destination.start
        ? listing.preferredDestination
        : this.#destinationOf(order.destination)
    const currency = order.currency !== 0 ? order.currency : (listing.venue?.currency ?? 0)
    const hasClOrdId = order.clOrdId.end !== order.clOrdId.start
    const fingerprint = this.#fingerprint
    if (hasClOrdId) {
      fingerprint.take(
        listing.text,
        destination,
        currency,
        order.type,
        order.side,
        order.quantity,
        order.price,
        order.timeInForce,
        order.expiry,
        bareTags(order.tags),
      )
      const { bytes, start, end } = order.clOrdId
      const entry = state.clOrdIds.find(book.row, bytes, start, end)
      if (entry >= 0) {
        const first = state.clOrdIds.orderIdOf(entry)
        if (state.clOrdIds.isReplace(entry) || !state.clOrdIds.sameOrder(entry, fingerprint.words)) {
          return this.#answers.refuse(command, requestId, Reason.ClOrdIdReused, [first])
        }
        return this.#answers.fromRecord(command, requestId, first, LookupPurpose.Repeat)
      }
    }

    const timestamp = Math.max(book.timestamp, command.time)
    const refusal = this.#refusal
    refusal.clear()
    const isInOrder =
      this.#validate(listing, destination, currency, timestamp, refusal) &&
      !state.halts.refuses(book.row, destination, refusal)
    if (isInOrder && !listing.isWatched && !state.firstUses.admits(listing, book.row, command.time)) {
      this.waiting.park(command) // the market of the order's ticker has to be known first
      return
    }
    const valid = isInOrder && (listing.isWatched || !state.firstUses.refuses(listing, refusal))
    // Only an order that may live counts for the short flag and opens a holding: a refused one leaves no trace but
    // its reports.
    const manual = valid && destination === state.definitions.manualOrderEntry.id
    let passed = valid
    if (valid && !manual) {
      const checked = this.#checked
      checked.tickerIndex = listing.index
      checked.venue = listing.venue!
      checked.currency = currency
      checked.type = order.type as OrderType
      checked.side = order.side as Side
      checked.quantity = order.quantity
      checked.price = order.price
      checked.timestamp = timestamp
      checked.holdPrice = 0
      state.view.refreshTerms(book.row)
      this.#followCurrency(book)
      this.#underCheck.look(book, listing)
      state.view.look(listing)
      passed = this.#checks.check(checked, this.#underCheck, state.view, refusal)
    }
    if (passed && !state.listings.number(listing)) {
      refusal.set(Reason.Capacity, 'tickers', state.limits.listingsMax)
      passed = false
    }
    const { compliance, pooled } = state
    const underPooled = pooled.size === 0 ? undefined : pooled.find(book.row)
    const { verdict } = this.waiting
    if (passed && !manual) {
      const { orderId, sessionAccount } = command
      const checked = this.#checked
      if (
        underPooled !== undefined &&
        verdict === undefined &&
        compliance.permits(book, listing, orderId, sessionAccount, checked)
      ) {
        // Nothing has happened yet.
        if (!this.waiting.park(command)) return
        return compliance.ask(underPooled, book, listing, orderId, sessionAccount, checked)
      }
      passed = compliance.submit(book, listing, orderId, sessionAccount, checked, refusal)
      if (passed && verdict !== undefined && verdict.reason !== Reason.None) {
        refusal.set(verdict.reason, verdict.params[0], verdict.params[1])
        passed = false
        compliance.takeBack(orderId, timestamp)
      }
    }
    if (passed && !this.#fits(book, listing, order.quantity, order.price, refusal)) {
      passed = false
      if (!manual) compliance.takeBack(command.orderId, timestamp)
    }

    const side = order.side as Side
    const holding = passed ? book.holding(listing) : undefined
    const known = holding ?? (listing.index === NOT_LISTED ? undefined : book.findHolding(listing))
    const pendingSell = known?.pendingSell ?? 0
    const shortFlag = side === Side.Ask && pendingSell + order.quantity > (known?.position ?? 0)
    let holdPrice: Price = this.#checked.holdPrice
    if (!passed) holdPrice = 0
    else if (manual || !this.#checks.pricesOrders) {
      holdPrice = this.#priceUnchecked(book, listing, currency, order.type as OrderType, side, order.price)
    }

    const accepted = this.#accepted
    accepted.requestId = requestId
    accepted.account = book.accountId
    accepted.reportSequence = ++book.reportSequence
    accepted.orderId = command.orderId
    accepted.orderSequence = ++book.orderSequence
    accepted.timestamp = timestamp
    accepted.submissionAccount = command.sessionAccount
    accepted.ticker = listing.text
    accepted.currency = currency
    accepted.type = order.type as OrderType
    accepted.side = side
    accepted.destination = destination
    accepted.quantity = order.quantity
    accepted.price = order.price
    accepted.timeInForce = order.timeInForce as TimeInForce
    accepted.expiry = order.expiry
    accepted.clOrdId = order.clOrdId
    accepted.tags = command.mark === 0 ? order.tags : this.#marked.take(order.tags, command.sessionKey)
    accepted.shortFlag = shortFlag
    accepted.holdPrice = Number.isNaN(holdPrice) ? 0 : holdPrice
    book.timestamp = timestamp
    book.reportsSinceSnapshot += 1
    state.touch(book)
    state.lane.add(Metric.OrdersAccepted)
    encodeAccepted(this.#events.writer, accepted)
    this.#events.route(command.session, book.row)
    if (hasClOrdId) {
      const { bytes, start, end } = order.clOrdId
      state.clOrdIds.add(book.row, bytes, start, end, command.orderId, fingerprint.words)
    }
    if (holding === undefined) {
      this.#life.explain(refusal.reason as Reason, refusal.params.slice())
      this.#life.writeRejection(book, command.orderId, timestamp)
      return
    }

    const { orders } = state
    const slot = orders.add(command.orderId)
    orders.quantity[slot] = order.quantity
    orders.price[slot] = order.price
    orders.cumQty[slot] = 0
    orders.acceptedUs[slot] = timestamp
    orders.reports[slot] = 1
    orders.accountRow[slot] = book.row
    orders.listing[slot] = listing.index
    orders.currency[slot] = currency
    orders.side[slot] = side
    orders.type[slot] = order.type
    orders.status[slot] = OrderStatus.PendingNew
    orders.timeInForce[slot] = order.timeInForce
    orders.session[slot] = command.mark
    orders.destination[slot] = manual ? MANUAL : SIMULATED
    orders.routedTo[slot] = state.halts.numberOf(destination)
    orders.leftOut[slot] = Number.isNaN(holdPrice) ? 1 : 0
    orders.pooled[slot] = underPooled === undefined ? 0 : 1
    if (underPooled !== undefined) {
      pooled.orders += 1
      this.waiting.begun()
    }
    this.#life.begin(slot, book)
    countSubmission(holding, side, order.quantity)
    if (side === Side.Bid) holding.pendingBuy += order.quantity
    state.touchHolding(holding)
    if (orders.leftOut[slot] === 0) book.buyingPower.hold(slot, holding.exposure, side, order.quantity, holdPrice)

    if (manual) compliance.add(slot)

    const routed = this.#routed
    routed.tickerIndex = listing.index
    routed.side = side
    routed.type = order.type as OrderType
    routed.timeInForce = order.timeInForce as TimeInForce
    routed.quantity = order.quantity
    routed.price = order.price
    routed.expiryUs = order.expiry
    routed.destination = destination
    routed.byAdministrator = command.administrator
    if (order.type === OrderType.Pegged) pegOf(tagsOf(order.tags) ?? [], routed)
    this.#destinations[orders.destination[slot]].submit(slot, routed, timestamp)
  }

  /** The ladder of what an order has to be, whatever the market and the account are. */
  #validate(listing: Listing, destination: string, currency: number, timestamp: number, refusal: Refusal): boolean {
    const order = this.#submit
    const { definitions } = this.#state
    if (listing.fault !== Reason.None) return refusal.set(listing.fault, listing.text)
    if (order.side !== Side.Bid && order.side !== Side.Ask) return refusal.set(Reason.InvalidSide)
    if (order.type < OrderType.Market || order.type > OrderType.Stop) return refusal.set(Reason.InvalidOrderType)
    if (order.timeInForce < TimeInForce.Day || order.timeInForce > TimeInForce.Gtd) {
      return refusal.set(Reason.InvalidTimeInForce)
    }
    if (order.quantity <= 0) return refusal.set(Reason.InvalidQuantity)
    if (order.price < 0) return refusal.set(Reason.InvalidPrice)
    const needsPrice = order.type === OrderType.Limit || order.type === OrderType.Stop
    if (needsPrice && order.price === 0) return refusal.set(Reason.InvalidPrice)
    if (order.timeInForce === TimeInForce.Gtd ? order.expiry <= timestamp : order.expiry !== 0) {
      return refusal.set(Reason.InvalidExpiry)
    }
    if (definitions.currency(currency) === undefined) return refusal.set(Reason.UnknownCurrency, currency)
    if (destination === definitions.manualOrderEntry.id) return true
    // Named by nobody, and preferred by no venue: the venue itself is meant.
    if (destination === '' || this.#state.listings.isServedBy(listing, destination)) return true
    if (definitions.destination(destination) === undefined) return refusal.set(Reason.UnknownDestination, destination)
    return refusal.set(Reason.DestinationVenue, destination)
  }

  #fits(book: AccountBook, listing: Listing, quantity: Quantity, price: Price, refusal: Refusal): boolean {
    const state = this.#state
    if (book.findHolding(listing) === undefined) {
      if (state.positions >= state.limits.positionsMax) {
        return refusal.set(Reason.Capacity, 'positions', state.limits.positionsMax)
      }
      state.positions += 1
    }
    if (!fitsRange(book.holding(listing), quantity, price)) return refusal.set(Reason.AmountTooLarge)
    return true
  }

  /** At what price an order is held that no check has priced: as a recovered one would be; NaN leaves it out. */
  #priceUnchecked(
    book: AccountBook,
    listing: Listing,
    currency: number,
    type: OrderType,
    side: Side,
    price: Price,
  ): Price {
    const { view } = this.#state
    view.look(listing)
    const expected = view.expectedPrice(type, side, price)
    return view.convert(expected, currency, book.currency)
  }

  /** Builds the buying power anew where the currency of the account's risk parameters has changed. */
  #followCurrency(book: AccountBook): void {
    const state = this.#state
    const currency = state.view.accountCurrency(book.row)
    if (currency === book.currency) return
    const { orders, view } = state
    const before = book.buyingPower
    for (let slot = book.liveHead; slot !== NO_SLOT; slot = orders.next[slot]) {
      if (orders.leftOut[slot] === 0) before.release(slot)
    }
    book.currency = currency
    book.buyingPower = new BuyingPowerModel(state.buyingPower)
    for (const holding of book.holdings.values()) {
      holding.exposure = book.buyingPower.openExposure()
      const cost = view.convert(holding.inventory.costBasis, holding.currency, currency)
      if (!Number.isNaN(cost)) book.buyingPower.adjust(holding.exposure, holding.inventory.quantity, cost)
    }
    for (let slot = book.liveHead; slot !== NO_SLOT; slot = orders.next[slot]) {
      const listing = state.listings.all[orders.listing[slot]]
      const side = orders.side[slot] as Side
      const price = this.#priceUnchecked(
        book,
        listing,
        orders.currency[slot],
        orders.type[slot] as OrderType,
        side,
        orders.price[slot],
      )
      orders.leftOut[slot] = Number.isNaN(price) ? 1 : 0
      if (orders.leftOut[slot] === 1) continue
      const leavesQty = Math.max(0, orders.quantity[slot] - orders.cumQty[slot])
      book.buyingPower.hold(slot, book.holding(listing).exposure, side, leavesQty, price)
    }
    if (!state.replaces.isEmpty) this.replace.rehold(book)
    state.touch(book)
  }

  #destinationOf(range: BytesRange): string {
    const { bytes, start, end } = range
    const known = this.#destinationBytes
    let same = known.length === end - start
    for (let i = 0; same && i < known.length; i++) same = known[i] === bytes[start + i]
    if (!same) {
      this.#destinationBytes = bytes.slice(start, end)
      this.#destinationText = textOf(range)
    }
    return this.#destinationText
  }
}

/** Whether it is a list of at most so many tags, without that of the server. */
function areOwnTags(range: BytesRange, max: number): boolean {
  const tags = tagsOf(range)
  return tags !== undefined && tags.length <= max && findTag(tags, TagKey.SessionKey) === undefined
}
