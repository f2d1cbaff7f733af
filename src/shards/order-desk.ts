// The order desk: what a shard does with a client's request. One call for each, run to its end, without clock, socket,
// file or random number: time and ids come with the command, outside facts through the view, and everything that
// happened goes into the event block. The duty cycle makes the block durable before anybody sees it.
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
import { assert, unreachable } from '../base/assert.ts'
import type { CheckChain } from '../checks/chain.ts'
import { OrderUnderCheck, Refusal } from '../checks/check.ts'
import type { Verdict } from '../compliance/pooled-messages.ts'
import { type Destination, RoutedOrder } from '../destinations/destination.ts'
import { pegOf } from '../destinations/peg.ts'
import type { Price, Quantity } from '../domain/money.ts'
import { stepFault } from '../domain/order-lifecycle.ts'
import { OrderStatus, orderStatusNames } from '../domain/order-status.ts'
import { OrderType } from '../domain/order-type.ts'
import { Reason, reasonText } from '../domain/reasons.ts'
import { Side } from '../domain/side.ts'
import { findTag, TAGS_MAX, TagKey, tagsFromWire } from '../domain/tags.ts'
import { TimeInForce } from '../domain/time-in-force.ts'
import { Metric, slotOfReason } from '../metrics/catalogue.ts'
import { encodeDone, encodeRefused } from '../protocol/answers.ts'
import { Kind } from '../protocol/kinds.ts'
import { MessageReader } from '../protocol/message-reader.ts'
import { unpack } from '../protocol/msgpack.ts'
import { type AcceptedFields, type BytesRange, encodeAccepted } from '../protocol/order-events.ts'
import { decodeRefusal, decodeSubmit, decodeUpdate, submitRequest, updateRequest } from '../protocol/requests.ts'
import { bareTags, MarkedTags } from '../protocol/session-tag.ts'
import { LookupPurpose } from '../shared-memory/records.ts'
import type { AccountBook } from './account-book.ts'
import { BookUnderCheck } from './account-under-check.ts'
import type { EventBlock } from './event-block.ts'
import { Fingerprint } from './fingerprint.ts'
import { type Listing, NOT_LISTED } from './listings.ts'
import { fitsRange, type OrderLife } from './order-life.ts'
import { OrderReplace } from './order-replace.ts'
import { NO_SLOT } from './order-table.ts'
import type { ParkedCommand } from './parked-commands.ts'
import type { ShardState } from './shard-state.ts'

/** A request as it comes out of the command ring. One object, filled over and over. */
export class RequestCommand {
  session = 0
  accountRow = 0
  /** Account of the session that asks. */
  sessionAccount = 0
  /** True where that is an administrator. */
  administrator = false
  /** µs since the epoch, stamped by main. */
  time = 0
  /** Fresh id, for a submission. */
  orderId = 0
  /** The body of the frame lies in `bytes` between `start` and `end`. */
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  /** Number and key of the session, where it has a key; 0 where not. */
  mark = 0
  readonly sessionKey: BytesRange = { bytes: new Uint8Array(0), start: 0, end: 0 }
}

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

/** Tells main about a request that only the durable record can answer. */
export type Lookup = (
  session: number,
  requestId: number,
  accountRow: number,
  orderId: number,
  purpose: LookupPurpose,
  text?: string,
) => void

/** Where orders can go, in the order of the `destination` column. */
export interface Destinations {
  readonly simulated: Destination
  readonly manual: Destination
}

/** What became of a request. */
const Outcome = { Served: 0, Parked: 1 } as const
type Outcome = (typeof Outcome)[keyof typeof Outcome]

const SIMULATED = 0
const MANUAL = 1

export class OrderDesk {
  readonly #state: ShardState
  readonly #life: OrderLife
  readonly #events: EventBlock
  readonly #replies: EventBlock
  readonly #checks: CheckChain
  readonly #destinations: readonly Destination[]
  readonly #lookup: Lookup
  readonly #reader = new MessageReader()
  readonly #submit = submitRequest()
  readonly #update = updateRequest()
  readonly #checked = new OrderUnderCheck()
  readonly #underCheck: BookUnderCheck
  readonly #refusal = new Refusal()
  readonly #routed = new RoutedOrder()
  readonly #marked = new MarkedTags()
  readonly #fingerprint = new Fingerprint()
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  readonly #accepted: AcceptedFields
  /** A request that has waited. */
  readonly #resumed = new RequestCommand()
  #hasParked = false
  /** Of the judge, where it has waited for that. */
  #verdict: Verdict | undefined
  /** Whether the order that a verdict let live does. */
  #isBegun = false
  #onResumed: (slot: number) => void = () => undefined
  /** New terms for live orders. */
  readonly replace: OrderReplace<RequestCommand>
  /** The last destination named by a client, so that the next order to it needs no new string. */
  #destinationBytes: Uint8Array = new Uint8Array(0)
  #destinationText = ''

  constructor(
    state: ShardState,
    life: OrderLife,
    events: EventBlock,
    replies: EventBlock,
    checks: CheckChain,
    destinations: Destinations,
    lookup: Lookup,
  ) {
    this.#state = state
    this.#life = life
    this.#events = events
    this.#replies = replies
    this.#checks = checks
    this.#destinations = [destinations.simulated, destinations.manual]
    this.#lookup = lookup
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
    this.replace = new OrderReplace({
      state,
      life,
      replies,
      checks,
      destinations: this.#destinations,
      lookup,
      followCurrency: book => this.#followCurrency(book),
      priceUnchecked: (...order) => this.#priceUnchecked(...order),
      verdict: () => this.#verdict,
      park: command => this.#park(command),
    })
  }

  /** One request of a client: a submission, a cancel, a replace or an update. */
  request(command: RequestCommand): void {
    const { parked } = this.#state
    if (parked.accounts === 0 || !parked.has(command.accountRow)) this.#serve(command)
    else if (!parked.park(command, false)) this.#refuse(command, this.#requestIdOf(command), Reason.Busy, [])
  }

  /** Main follows the market of a ticker from now on, or has no room for it: what waited for that goes on. */
  watched(ticker: string, hasRoom: boolean, timeUs: number): void {
    const { firstUses, listings } = this.#state
    if (hasRoom) listings.watched(ticker)
    firstUses.settle(ticker, hasRoom, row => this.#resume(row, timeUs))
  }

  /** Whatever has waited long enough goes on. */
  passTime(timeUs: number): void {
    this.#state.firstUses.pass(timeUs, row => this.#resume(row, timeUs))
  }

  /** The judge has answered: the request that waited for it goes on, and those behind it up to the next that waits. */
  judged(row: number, verdict: Verdict, timeUs: number): void {
    const { parked, pooled } = this.#state
    const known = pooled.answered(row, verdict.epoch, verdict.question)
    if (known === undefined) return
    const command = parked.release(row)
    assert(command !== undefined, 'a verdict about a command that does not wait')
    const { replaceAsked } = known
    this.#verdict = verdict
    this.#isBegun = false
    const outcome = this.#serveParked(row, command, timeUs)
    this.#verdict = undefined
    if (known.orderAsked !== 0 && verdict.reason === Reason.None && !this.#isBegun) {
      pooled.over(known, known.orderAsked, timeUs)
    }
    if (outcome === Outcome.Served) {
      this.#settleTerms(replaceAsked)
      this.#resume(row, timeUs)
    }
  }

  /** Whatever has become of a replace that the judge was asked about, he is told which terms the order has. */
  #settleTerms(orderId: number): void {
    const { compliance, orders, replaces } = this.#state
    const slot = orderId === 0 ? NO_SLOT : orders.find(orderId)
    // One that its destination has not answered counts as the worse of both until then.
    if (slot !== NO_SLOT && replaces.get(slot) === undefined) compliance.settleTerms(slot, 0)
  }

  /** Pooled rules are over the account from now on, or (epoch 0) none any more. */
  pool(row: number, epoch: number, asksCancels: boolean, timeUs: number): void {
    const { books, compliance, pooled, view } = this.#state
    if (epoch === 0) {
      const replaceAsked = pooled.find(row)?.replaceAsked ?? 0
      if (!pooled.leave(row)) return
      this.#settleTerms(replaceAsked)
      this.#resume(row, timeUs)
      return
    }
    const book = books[row]
    pooled.enroll(row, view.accountId(row), epoch, asksCancels, standing => {
      if (book !== undefined) compliance.stand(book, standing)
    })
  }

  /** Who is told of each order that lives after it has waited. */
  whenResumed(listener: (slot: number) => void): void {
    this.#onResumed = listener
  }

  /** The server stops: what waits is answered so, and has had no effect. */
  refuseParked(): void {
    for (const [row, command] of this.#state.parked.drain()) {
      const resumed = this.#resumedOf(row, command, command.time)
      this.#refuse(resumed, this.#requestIdOf(resumed), Reason.Stopping, [])
    }
  }

  /** Serves what waits for an account, until something has to wait again; what the judge is asked about waits for him. */
  #resume(row: number, timeUs: number): void {
    const { parked, pooled } = this.#state
    if (pooled.isAsked(row)) return
    for (;;) {
      const command = parked.release(row)
      if (command === undefined) return
      if (this.#serveParked(row, command, timeUs) === Outcome.Parked) return
    }
  }

  #serveParked(row: number, command: ParkedCommand, timeUs: number): Outcome {
    const outcome = this.#serve(this.#resumedOf(row, command, timeUs))
    if (outcome === Outcome.Parked || command.orderId === 0) return outcome
    const slot = this.#state.orders.find(command.orderId)
    if (slot !== NO_SLOT) this.#onResumed(slot)
    return outcome
  }

  /** A request that has waited, as of now. */
  #resumedOf(row: number, command: ParkedCommand, timeUs: number): RequestCommand {
    const resumed = this.#resumed
    resumed.session = command.session
    resumed.accountRow = row
    resumed.sessionAccount = command.sessionAccount
    resumed.administrator = command.administrator
    resumed.time = Math.max(command.time, timeUs)
    resumed.orderId = command.orderId
    resumed.bytes = command.bytes
    resumed.start = 0
    resumed.end = command.bytes.length
    resumed.mark = command.mark
    Object.assign(resumed.sessionKey, command.sessionKey)
    return resumed
  }

  /** Lets a request wait in front of all of its account; where there is no room it is refused. @returns whether it waits */
  #park(command: RequestCommand): boolean {
    this.#hasParked = this.#state.parked.park(command, true)
    if (!this.#hasParked) this.#refuse(command, this.#requestIdOf(command), Reason.Busy, [])
    return this.#hasParked
  }

  #requestIdOf(command: RequestCommand): number {
    const reader = this.#reader
    reader.start(command.bytes, command.start, command.end)
    reader.arrayHeader()
    reader.integer() // the kind
    return reader.integer()
  }

  #serve(command: RequestCommand): Outcome {
    this.#hasParked = false
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
        this.#cancel(command, requestId, elements)
        break
      case Kind.Update:
        this.#manualUpdate(command, requestId, elements)
        break
      case Kind.Replace:
        this.replace.request(command, requestId, elements, reader)
        break
      default:
        unreachable(kind as never) // main passes on nothing else
    }
    return this.#hasParked ? Outcome.Parked : Outcome.Served
  }

  #submission(command: RequestCommand, requestId: number, elements: number): void {
    const state = this.#state
    const book = state.book(command.accountRow)
    const order = this.#submit
    const malformed = decodeSubmit(this.#reader, elements, order)
    if (malformed !== Reason.None) return this.#refuse(command, requestId, malformed, [decodeRefusal.param])
    // The server's own tag is not for clients, and needs its place.
    const tagsMax = command.mark === 0 ? TAGS_MAX : TAGS_MAX - 1
    if (order.tags.end !== order.tags.start && !this.#areOwnTags(order.tags, tagsMax)) {
      return this.#refuse(command, requestId, Reason.InvalidTags, [tagsMax])
    }
    if (!isUtf8(order.clOrdId) || !isUtf8(order.ticker) || !isUtf8(order.destination)) {
      return this.#refuse(command, requestId, Reason.InvalidText, [0])
    }
    if (state.orders.full)
      return this.#refuse(command, requestId, Reason.Capacity, ['live orders', state.orders.capacity])

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
          return this.#refuse(command, requestId, Reason.ClOrdIdReused, [first])
        }
        this.#lookup(command.session, requestId, command.accountRow, first, LookupPurpose.Repeat)
        return
      }
    }

    const timestamp = Math.max(book.timestamp, command.time)
    const refusal = this.#refusal
    refusal.clear()
    const isInOrder =
      this.#validate(listing, destination, currency, timestamp, refusal) &&
      !state.halts.refuses(book.row, destination, refusal)
    if (isInOrder && !listing.isWatched && !state.firstUses.admits(listing, book.row, command.time)) {
      this.#park(command) // the market of the order's ticker has to be known first
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
    const verdict = this.#verdict
    if (passed && !manual) {
      const { orderId, sessionAccount } = command
      const checked = this.#checked
      if (
        underPooled !== undefined &&
        verdict === undefined &&
        compliance.permits(book, listing, orderId, sessionAccount, checked)
      ) {
        // Nothing has happened yet.
        if (!this.#park(command)) return
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
      this.#isBegun = true
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
    if (order.type === OrderType.Pegged) pegOf(this.#tagsOf(order.tags), routed)
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

  #cancel(command: RequestCommand, requestId: number, elements: number): void {
    const orderId = this.#reader.integer()
    if (!this.#reader.complete || elements !== 4) {
      return this.#refuse(command, requestId, Reason.MalformedMessage, [3])
    }
    const slot = this.#live(command, requestId, orderId)
    if (slot === NO_SLOT) return
    const { orders } = this.#state
    if (orders.status[slot] === OrderStatus.PendingCancel) {
      return this.#refuse(command, requestId, Reason.AlreadyCanceling, [orderId])
    }
    const book = this.#state.book(command.accountRow)
    const time = Math.max(book.timestamp, command.time)
    const refusal = this.#refusal
    const { compliance, pooled } = this.#state
    const known = pooled.size === 0 ? undefined : pooled.find(book.row)
    const verdict = this.#verdict
    if (known?.asksCancels && verdict === undefined && compliance.permitsCancel(slot, time)) {
      if (this.#park(command)) pooled.askCancel(known, orderId, command.sessionAccount, time)
      return
    }
    if (!compliance.cancel(slot, command.sessionAccount, time, refusal)) {
      return this.#refuse(command, requestId, refusal.reason as Reason, refusal.params.slice())
    }
    if (verdict !== undefined && verdict.reason !== Reason.None) {
      return this.#refuse(command, requestId, verdict.reason, verdict.params)
    }
    this.#state.lane.add(Metric.Cancels)
    this.#destinations[orders.destination[slot]].cancel(slot, time, Reason.CanceledOnRequest)
    this.#done(command, requestId)
  }

  /** Asks for a live order to be canceled that is halted; false where that is under way already. */
  cancelHalted(slot: number, timeUs: number): boolean {
    const { orders, books } = this.#state
    if (orders.status[slot] === OrderStatus.PendingCancel) return false
    const { timestamp } = books[orders.accountRow[slot]]!
    this.#destinations[orders.destination[slot]].cancel(slot, Math.max(timestamp, timeUs), Reason.CanceledByHalt)
    return true
  }

  /**
   * Cancels a live order as one of many.
   * @returns Reason.None where its destination was asked, or it is marked; otherwise why a rule refuses.
   */
  cancelSwept(slot: number, { operator, text, reason, isForced }: SweptCancel): Reason {
    const state = this.#state
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
    this.#life.onBehalf(slot, operator, text)
    this.#destinations[orders.destination[slot]].cancel(slot, time, reason)
    this.#life.noBehalf()
    return Reason.None
  }

  /** Ends a live order here, as an update by hand does; its destination is not asked. */
  #markCanceled(slot: number, time: number, operator: number, text: string, reason: Reason): void {
    const { orders } = this.#state
    const { fields } = this.#life
    // A store that was filled by somebody else may have orders without any report: the first has to be this one.
    if (orders.reports[slot] === 0) {
      fields.operator = operator
      this.#life.report(slot, OrderStatus.PendingNew, 0, 0, time, Reason.None, '')
    }
    this.#destinations[orders.destination[slot]].update(slot, OrderStatus.Canceled, 0)
    fields.status = OrderStatus.Canceled
    fields.lastQty = 0
    fields.lastPx = 0
    fields.timestamp = time
    fields.reason = reason
    fields.text = text
    fields.operator = operator
    this.#life.apply(slot)
  }

  /** Asks for a live order to be canceled that nobody minds any more; false where that is under way already. */
  recall(slot: number, reason: Reason): boolean {
    const { orders, books, timeUs } = this.#state
    if (orders.status[slot] === OrderStatus.PendingCancel) return false
    const { timestamp } = books[orders.accountRow[slot]]!
    this.#destinations[orders.destination[slot]].cancel(slot, Math.max(timestamp, timeUs), reason)
    return true
  }

  #manualUpdate(command: RequestCommand, requestId: number, elements: number): void {
    const update = this.#update
    const malformed = decodeUpdate(this.#reader, elements, update)
    if (malformed !== Reason.None) return this.#refuse(command, requestId, malformed, [decodeRefusal.param])
    if (!isUtf8(update.text) || !isUtf8(update.lastMarket) || !isUtf8(update.liquidityFlag)) {
      return this.#refuse(command, requestId, Reason.InvalidText, [0])
    }
    if (update.tags.end !== update.tags.start && !this.#readTags(update.tags)) {
      return this.#refuse(command, requestId, Reason.InvalidTags, [32])
    }
    const slot = this.#live(command, requestId, update.orderId)
    if (slot === NO_SLOT) return
    const { orders } = this.#state
    const status = update.status as OrderStatus
    if (orderStatusNames[status] === undefined) return this.#refuse(command, requestId, Reason.InvalidStatus, [])
    const current = orders.status[slot] as OrderStatus
    const fault = stepFault({
      current,
      leavesQty: Math.max(0, orders.quantity[slot] - orders.cumQty[slot]),
      next: status,
      lastQty: update.lastQty,
    })
    if (fault !== Reason.None) {
      return this.#refuse(command, requestId, fault, [orderStatusNames[current], orderStatusNames[status]])
    }
    const book = this.#state.book(command.accountRow)
    const holding = book.holding(this.#state.listings.all[orders.listing[slot]])
    if (update.lastPx < 0) return this.#refuse(command, requestId, Reason.InvalidPrice, [])
    if (update.lastQty !== 0 && !fitsRange(holding, update.lastQty, update.lastPx)) {
      return this.#refuse(command, requestId, Reason.AmountTooLarge, [])
    }
    const destination = this.#destinations[orders.destination[slot]]
    destination.update(slot, status, update.lastQty)
    const { fields } = this.#life
    fields.status = status
    fields.lastQty = update.lastQty
    fields.lastPx = update.lastPx
    fields.timestamp = update.timestamp === 0 ? command.time : Math.min(update.timestamp, command.time)
    fields.text = this.#text(update.text)
    fields.lastMarket = this.#text(update.lastMarket)
    fields.liquidityFlag = this.#text(update.liquidityFlag)
    fields.executionFee = update.executionFee
    fields.processingFee = update.processingFee
    fields.commission = update.commission
    fields.tags = update.tags
    fields.operator = command.sessionAccount
    this.#life.apply(slot)
    this.#done(command, requestId)
  }

  /** Slot of the account's live order; otherwise main is asked to refuse by what the record says, and NO_SLOT. */
  #live(command: RequestCommand, requestId: number, orderId: number): number {
    const { orders } = this.#state
    const slot = orders.find(orderId)
    if (slot !== NO_SLOT && orders.accountRow[slot] === command.accountRow) return slot
    if (orderId <= 0) this.#refuse(command, requestId, Reason.UnknownOrder, [orderId])
    else this.#lookup(command.session, requestId, command.accountRow, orderId, LookupPurpose.Refuse)
    return NO_SLOT
  }

  #refuse(command: RequestCommand, requestId: number, reason: Reason, params: readonly (string | number)[]): void {
    this.#state.lane.add(Metric.RequestsRefused)
    this.#state.lane.add(slotOfReason(Metric.Refusals, reason))
    encodeRefused(this.#replies.writer, requestId, this.#state.view.accountId(command.accountRow), reason, params)
    this.#replies.route(command.session, command.accountRow)
  }

  #done(command: RequestCommand, requestId: number): void {
    encodeDone(this.#replies.writer, requestId, this.#state.view.accountId(command.accountRow))
    this.#replies.route(command.session, command.accountRow)
  }

  #destinationOf({ bytes, start, end }: BytesRange): string {
    const known = this.#destinationBytes
    let same = known.length === end - start
    for (let i = 0; same && i < known.length; i++) same = known[i] === bytes[start + i]
    if (!same) {
      this.#destinationBytes = bytes.slice(start, end)
      this.#destinationText = this.#decoder.decode(this.#destinationBytes)
    }
    return this.#destinationText
  }

  #text({ bytes, start, end }: BytesRange): string {
    return start === end ? '' : this.#decoder.decode(bytes.slice(start, end))
  }

  #tagsOf({ bytes, start, end }: BytesRange) {
    return start === end ? [] : (tagsFromWire(unpack(bytes.slice(start, end))) ?? [])
  }

  #areOwnTags({ bytes, start, end }: BytesRange, max: number): boolean {
    const tags = tagsFromWire(unpack(bytes.slice(start, end)))
    return tags !== undefined && tags.length <= max && findTag(tags, TagKey.SessionKey) === undefined
  }

  #readTags({ bytes, start, end }: BytesRange): boolean {
    return tagsFromWire(unpack(bytes.slice(start, end))) !== undefined
  }
}

/** Whether the bytes are UTF-8; ASCII, which nearly all are, is seen without a call. */
function isUtf8({ bytes, start, end }: BytesRange): boolean {
  for (let i = start; i < end; i++) if (bytes[i] >= 0x80) return isUtf8Slow(bytes.slice(start, end))
  return true
}

const strict = new TextDecoder('utf-8', { fatal: true })

function isUtf8Slow(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes)
    return true
  } catch {
    return false // the only way it fails
  }
}
