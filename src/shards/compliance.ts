// Compliance in a shard: the rules over its accounts, asked last before an order is accepted and before a cancel goes on,
// and told of every fill and end. Where no rule is in force this costs a look at one flag.
//
// Main sends the entries, and above which directories an account lies; both may change at any time. A rule that comes late,
// or anew, is told what the shard knows: positions, live orders as they stand, and the latest reports.

import type { OrderUnderCheck, Quote, Refusal } from '../checks/check.ts'
import { toldOrder, toldPosition, toldReport } from '../compliance/pooled-messages.ts'
import { OrderUnderRule, type PositionUnderRule, ReportUnderRule, type RuleView } from '../compliance/rule.ts'
import type { SentRule } from '../compliance/rule-messages.ts'
import { type LateRule, type OrderMemory, type ReplacedParts, RuleSet, type Violation } from '../compliance/rule-set.ts'
import { RuleState } from '../compliance/schema.ts'
import type { Price, Quantity } from '../domain/money.ts'
import { isTerminal, OrderStatus } from '../domain/order-status.ts'
import type { OrderType } from '../domain/order-type.ts'
import type { Side } from '../domain/side.ts'
import { readTicker, type Ticker } from '../domain/tickers.ts'
import type { AccountBook } from './account-book.ts'
import type { Listing } from './listings.ts'
import { NO_SLOT } from './order-table.ts'
import type { PooledAccount, Standing } from './pooled-accounts.ts'
import { RecentReports } from './recent-reports.ts'
import type { ShardState } from './shard-state.ts'

/** Told of each objection of a rule, with the rule's revision where it has shut itself by that, and 0 elsewhere. */
export type ViolationListener = (violation: Violation, trippedRevision: number) => void

export class Compliance implements OrderMemory, RuleView {
  readonly #state: ShardState
  readonly #rules: RuleSet
  readonly #onViolation: ViolationListener
  /** By id of the account; one that is not here lies in no directory that has rules. */
  readonly #nodes = new Map<number, readonly number[]>()
  /** Revisions of the entries in force, by their ids. */
  readonly #entries = new Map<number, number>()
  readonly #recent = new RecentReports()
  /** By number of the listing. */
  readonly #tickers: Ticker[] = []
  readonly #order = new OrderUnderRule()
  readonly #report = new ReportUnderRule()
  /** A live order as it was, where `#order` is what it becomes. */
  readonly #before = new OrderUnderRule()

  constructor(state: ShardState, onViolation: ViolationListener) {
    this.#state = state
    this.#onViolation = onViolation
    this.#rules = new RuleSet(state.definitions, this, account => this.#nodes.get(account) ?? [account], this)
  }

  /** An entry was stored or is gone. Main has made sure that a rule can be made of it. */
  set(entry: SentRule): void {
    this.#rules.set(entry)
    if (entry.state === RuleState.Active || entry.state === RuleState.Passive)
      this.#entries.set(entry.id, entry.revision)
    else this.#entries.delete(entry.id)
  }

  /** The account itself, and the directories above it, the nearest first. */
  place(account: number, nodes: readonly number[]): void {
    this.#nodes.set(account, nodes)
    this.#rules.moved(account)
  }

  /** Whether the rules here would let an order pass that has passed the checks; nothing is counted and nobody is told. */
  permits(
    book: AccountBook,
    listing: Listing,
    orderId: number,
    submissionAccount: number,
    checked: OrderUnderCheck,
  ): boolean {
    if (this.#entries.size === 0) return true
    this.#take(book, listing, orderId, submissionAccount, checked)
    return this.#rules.permits(this.#order)
  }

  /** The same for the cancel of a live order. */
  permitsCancel(slot: number, nowUs: number): boolean {
    if (this.#entries.size === 0) return true
    this.#fill(slot)
    return this.#rules.permitsCancel(this.#order, nowUs)
  }

  /** The same for new terms of a live order, as `replace` judges them. */
  permitsReplace(
    slot: number,
    askedBy: number,
    checked: OrderUnderCheck,
    leavesQty: Quantity,
    parts: ReplacedParts,
  ): boolean {
    if (this.#entries.size === 0) return true
    this.#takeReplace(slot, askedBy, checked, leavesQty)
    return this.#rules.permitsReplace(this.#before, this.#order, parts)
  }

  /** Asks the judge of pooled rules about new terms that have passed everything else. */
  askReplace(
    known: PooledAccount,
    slot: number,
    askedBy: number,
    { quantity, price, timestamp }: OrderUnderCheck,
    { givesUp, asksForMore }: ReplacedParts,
  ): void {
    const { orders, pooled } = this.#state
    const replace = [orders.orderId[slot], quantity, price, askedBy, timestamp, givesUp, asksForMore] as const
    pooled.askReplace(known, [...replace], orders.cumQty[slot])
  }

  /** Asks the judge of pooled rules about an order that has passed everything else. */
  ask(
    known: PooledAccount,
    book: AccountBook,
    listing: Listing,
    orderId: number,
    submissionAccount: number,
    checked: OrderUnderCheck,
  ): void {
    this.#take(book, listing, orderId, submissionAccount, checked)
    this.#state.pooled.askSubmission(known, this.#order, listing.text)
  }

  /** Judges an order that has passed the checks; where it passes, rules count it. Otherwise the reason stands in `refusal`. */
  submit(
    book: AccountBook,
    listing: Listing,
    orderId: number,
    submissionAccount: number,
    checked: OrderUnderCheck,
    refusal: Refusal,
  ): boolean {
    if (this.#entries.size === 0) return true
    this.#take(book, listing, orderId, submissionAccount, checked)
    const passes = this.#rules.submit(this.#order)
    this.#tell(false)
    if (!passes) {
      const { reason, params } = this.#rules.refusal
      refusal.set(reason, params[0], params[1])
    }
    return passes
  }

  /** Judges the cancel of a live order. Where it is refused the reason stands in `refusal`. */
  cancel(slot: number, askedBy: number, nowUs: number, refusal: Refusal): boolean {
    if (this.#entries.size === 0) return true
    this.#fill(slot)
    const passes = this.#rules.cancel(this.#order, askedBy, nowUs)
    this.#tell(false)
    if (!passes) {
      const { reason, params } = this.#rules.refusal
      refusal.set(reason, params[0], params[1])
    }
    return passes
  }

  /**
   * Judges new terms for a live order that have passed the checks; where they pass, rules count the order under them.
   * Otherwise the reason stands in `refusal`.
   */
  replace(
    slot: number,
    askedBy: number,
    checked: OrderUnderCheck,
    leavesQty: Quantity,
    parts: ReplacedParts,
    refusal: Refusal,
  ): boolean {
    if (this.#entries.size === 0) return true
    this.#takeReplace(slot, askedBy, checked, leavesQty)
    const passes = this.#rules.replace(this.#before, this.#order, askedBy, parts)
    this.#tell(false)
    if (!passes) {
      const { reason, params } = this.#rules.refusal
      refusal.set(reason, params[0], params[1])
    }
    return passes
  }

  /** Counts a live order anew, with so much left at that price. */
  recount(slot: number, leavesQty: Quantity, price: Price): void {
    if (this.#entries.size === 0) return
    this.#fill(slot)
    this.#order.leavesQty = leavesQty
    this.#order.price = price
    this.#rules.recount(this.#order)
  }

  /** A live order, as it stands in the table still, is about to go on at another price. */
  leftPrice(slot: number, timestampUs: number): void {
    if (this.#entries.size === 0) return
    this.#fill(slot)
    this.#rules.leftPrice(this.#order, timestampUs)
  }

  /**
   * Tells the judge of pooled rules which terms a live order has, now that it is known what has become of a replace.
   * @param leftUs when it left its price for another; 0 where it did not
   */
  settleTerms(slot: number, leftUs: number): void {
    const { orders, pooled } = this.#state
    if (pooled.orders === 0 || orders.pooled[slot] === 0) return
    this.#fill(slot)
    pooled.terms(this.#order, leftUs)
  }

  /** Counts a live order that nobody judges. */
  add(slot: number): void {
    const { orders, pooled } = this.#state
    const known = orders.pooled[slot] === 1 ? pooled.find(orders.accountRow[slot]) : undefined
    if (known !== undefined) {
      this.#fill(slot)
      pooled.added(known, this.#order, this.#tickerText(slot))
    }
    if (this.#entries.size === 0) return
    this.#fill(slot)
    this.#rules.add(this.#order)
  }

  /** An order that the rules had let pass was refused behind them. */
  takeBack(orderId: number, timestampUs: number): void {
    if (this.#entries.size === 0) return
    this.#reported(orderId, OrderStatus.Rejected, 0, 0, timestampUs)
  }

  /** A fill or the end of a live order, before it is counted in the order table. */
  report(slot: number, status: OrderStatus, lastQty: Quantity, lastPx: Price, timestampUs: number): void {
    const { orders, pooled } = this.#state
    if (pooled.orders > 0 && orders.pooled[slot] === 1) {
      this.#say(status, lastQty, lastPx, timestampUs)
      pooled.reported(orders.orderId[slot], this.#report)
      if (isTerminal(status)) pooled.orders -= 1
    }
    if (this.#entries.size === 0) return
    this.#reported(orders.orderId[slot], status, lastQty, lastPx, timestampUs)
    this.#recent.add(orders, slot, this.#report)
  }

  #reported(orderId: number, status: OrderStatus, lastQty: Quantity, lastPx: Price, timestampUs: number): void {
    this.#say(status, lastQty, lastPx, timestampUs)
    this.#rules.report(orderId, this.#report)
    this.#tell(true)
  }

  #say(status: OrderStatus, lastQty: Quantity, lastPx: Price, timestampUs: number): void {
    const report = this.#report
    report.status = status
    report.lastQty = lastQty
    report.lastPx = lastPx
    report.timestamp = timestampUs
  }

  #tell(isTrip: boolean): void {
    const { violations } = this.#rules
    for (let i = 0; i < violations.count; i++) {
      const violation = violations.at(i)
      this.#onViolation(violation, isTrip ? (this.#entries.get(violation.ruleId) ?? 0) : 0)
    }
  }

  // What rules ask about the market.

  quote(tickerIndex: number, quote: Quote): boolean {
    const { listings, view } = this.#state
    view.look(listings.all[tickerIndex])
    return view.quote(tickerIndex, quote)
  }

  lastPrint(tickerIndex: number): Price {
    return this.#state.lastPrints[tickerIndex] ?? 0
  }

  convert(amount: number, from: number, to: number): number {
    return this.#state.view.convert(amount, from, to)
  }

  // What a late rule is told.

  tell(rule: LateRule): void {
    const { books, orders } = this.#state
    const slots: number[] = []
    for (const book of books) {
      if (book === undefined || !rule.wants(book.accountId)) continue
      for (const { listing, currency, inventory } of book.holdings.values()) {
        if (inventory.quantity !== 0) rule.position(positionOf(book, listing, currency, inventory))
      }
      for (let slot = book.liveHead; slot !== NO_SLOT; slot = orders.next[slot]) slots.push(slot)
    }
    slots.sort((a, b) => orders.orderId[a] - orders.orderId[b])
    for (const slot of slots) {
      this.#fillWorst(slot)
      rule.order(this.#order)
    }
    const report = this.#report
    this.#recent.each(report, at => {
      const book = books[this.#recent.accountRow[at]]
      if (book === undefined || !rule.wants(book.accountId)) return
      this.#fillRecent(at, book)
      rule.past(this.#order, report)
    })
  }

  /** Tells the judge of pooled rules how an account stands, which hears of its live orders from now on. */
  stand(book: AccountBook, standing: Standing): void {
    const { orders, pooled } = this.#state
    for (const { listing, currency, inventory } of book.holdings.values()) {
      if (inventory.quantity === 0) continue
      standing.position(toldPosition(positionOf(book, listing, currency, inventory), listing.text))
    }
    for (let slot = book.liveHead; slot !== NO_SLOT; slot = orders.next[slot]) {
      this.#fillWorst(slot)
      standing.order(toldOrder(this.#order, this.#tickerText(slot)))
      if (orders.pooled[slot] === 0) pooled.orders += 1
      orders.pooled[slot] = 1
    }
    const report = this.#report
    this.#recent.eachOf(book.row, report, at => {
      this.#fillRecent(at, book)
      const { text } = this.#state.listings.all[this.#recent.listing[at]]
      standing.report(toldOrder(this.#order, text), toldReport(report))
    })
  }

  #tickerText(slot: number): string {
    const { listings, orders } = this.#state
    return listings.all[orders.listing[slot]].text
  }

  /** Fills in a submission. */
  #take(
    book: AccountBook,
    listing: Listing,
    orderId: number,
    submissionAccount: number,
    checked: OrderUnderCheck,
  ): void {
    const order = this.#order
    order.venue = checked.venue
    order.currency = checked.currency
    order.type = checked.type
    order.side = checked.side
    order.quantity = checked.quantity
    order.leavesQty = checked.quantity
    order.price = checked.price
    order.timestamp = checked.timestamp
    order.holdPrice = checked.holdPrice
    this.#name(orderId, book.accountId, submissionAccount, listing)
  }

  /** Fills in the live order as it stands. */
  #fill(slot: number): void {
    const { books, listings, orders } = this.#state
    const order = this.#order
    order.currency = orders.currency[slot]
    order.type = orders.type[slot] as OrderType
    order.side = orders.side[slot] as Side
    order.quantity = orders.quantity[slot]
    order.price = orders.price[slot]
    order.leavesQty = Math.max(0, orders.quantity[slot] - orders.cumQty[slot])
    const { accountId, timestamp } = books[orders.accountRow[slot]]!
    order.timestamp = timestamp
    this.#name(orders.orderId[slot], accountId, accountId, listings.all[orders.listing[slot]])
    order.venue = listings.all[orders.listing[slot]].venue!
  }

  /** Fills in the live order as it counts: while its destination has not answered a replace, with the worse of both terms. */
  #fillWorst(slot: number): void {
    this.#fill(slot)
    const { orders, replaces } = this.#state
    const pending = replaces.get(slot)
    if (pending === undefined) return
    const order = this.#order
    order.quantity = Math.max(order.quantity, pending.quantity)
    order.leavesQty = Math.max(0, order.quantity - orders.cumQty[slot])
    order.price = Math.max(order.price, pending.price)
  }

  /** Fills in new terms that have passed the checks, and in `#before` the live order as it stands. */
  #takeReplace(slot: number, askedBy: number, checked: OrderUnderCheck, leavesQty: Quantity): void {
    this.#fill(slot)
    const order = this.#order
    const before = this.#before
    Object.assign(before, order)
    before.timestamp = checked.timestamp
    order.submissionAccount = askedBy
    order.quantity = checked.quantity
    order.leavesQty = leavesQty
    order.price = checked.price
    order.timestamp = checked.timestamp
    order.holdPrice = checked.holdPrice
  }

  #fillRecent(at: number, { accountId }: AccountBook): void {
    const recent = this.#recent
    const order = this.#order
    const listing = this.#state.listings.all[recent.listing[at]]
    order.currency = recent.currency[at]
    order.type = recent.type[at] as OrderType
    order.side = recent.side[at] as Side
    order.quantity = recent.quantity[at]
    order.price = recent.price[at]
    order.leavesQty = recent.leavesQty[at]
    order.timestamp = this.#report.timestamp
    order.venue = listing.venue!
    this.#name(recent.orderId[at], accountId, accountId, listing)
  }

  #name(orderId: number, account: number, submissionAccount: number, listing: Listing): void {
    const order = this.#order
    order.orderId = orderId
    order.account = account
    order.submissionAccount = submissionAccount
    order.tickerIndex = listing.index
    order.ticker = this.#tickers[listing.index] ??= readTicker(listing.text, this.#state.definitions)
  }
}

function positionOf(
  { accountId }: AccountBook,
  { index }: Listing,
  currency: number,
  { quantity, costBasis }: { quantity: Quantity; costBasis: number },
): PositionUnderRule {
  return { account: accountId, tickerIndex: index, currency, quantity, costBasis }
}
