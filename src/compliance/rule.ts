// What a rule is: something that judges submissions and cancels, counts the orders it has let pass, and watches what
// becomes of them. A rule is pure: time comes with the order, outside facts through the view; it asks nobody and waits
// for nothing. What it remembers of an order lies in the watch table, under a number of its own.

import { OrderUnderCheck, type Quote, type Refusal } from '../checks/check.ts'
import type { CurrencyId } from '../domain/currencies.ts'
import type { Definitions } from '../domain/definitions.ts'
import type { Money, Price, Quantity } from '../domain/money.ts'
import { OrderStatus } from '../domain/order-status.ts'
import { OrderType } from '../domain/order-type.ts'
import { Side } from '../domain/side.ts'
import type { Ticker } from '../domain/tickers.ts'
import { HoldRoom } from './cost-book.ts'
import type { WatchTable } from './watch-table.ts'

const noTicker: Ticker = { symbol: '', venue: '' }

/**
 * A submission as rules see it, or a live order as it stands. Its `tickerIndex` is not negative: a ticker has its number
 * before its rules are asked. `timestamp` is the present of a submission.
 */
export class OrderUnderRule extends OrderUnderCheck {
  orderId = 0
  account = 0
  /** Account that sent it: the account itself, a manager or an administrator. */
  submissionAccount = 0
  ticker: Ticker = noTicker
  /** What is left of it; the rule set fills it in for a submission. */
  leavesQty: Quantity = 0
}

/** An order that is being watched, as it stood before the report at hand. */
export class WatchedOrder {
  orderId = 0
  account = 0
  tickerIndex = 0
  side: Side = Side.None
  type: OrderType = OrderType.None
  currency: CurrencyId = 0
  quantity: Quantity = 0
  price: Price = 0
  leavesQty: Quantity = 0
}

/** What became of an order. */
export class ReportUnderRule {
  status: OrderStatus = OrderStatus.None
  lastQty: Quantity = 0
  /** In the currency of the order. */
  lastPx: Price = 0
  /** In microseconds. */
  timestamp = 0
}

/** What an account holds of one ticker. */
export interface PositionUnderRule {
  readonly account: number
  readonly tickerIndex: number
  readonly currency: CurrencyId
  /** Signed, as is the cost basis. */
  readonly quantity: Quantity
  readonly costBasis: Money
}

/** What an account comes back with: its positions as of a moment, and the orders since then or still live. */
export interface Restoration {
  readonly account: number
  readonly positions: readonly PositionUnderRule[]
  readonly orders: readonly OrderUnderRule[]
}

/** What rules ask about the outside. Unlike checks they ask about any ticker, not only that of the order at hand. */
export interface RuleView {
  /** Fills in the quote of a ticker; false where there is none. */
  quote(tickerIndex: number, quote: Quote): boolean
  /** Price at which a ticker traded last; 0 where it is not known. */
  lastPrint(tickerIndex: number): Price
  /** An amount or price of one currency in another, rounded once; NaN where there is no rate. @throws AmountOutOfRange */
  convert(amount: number, from: CurrencyId, to: CurrencyId): number
}

/**
 * A rule, or a rule around rules. What a rule does not say is said here: it lets everything pass, counts what it lets
 * pass, and has no use for positions or the past.
 */
export class Rule {
  /** Whether a submission may pass, of which nothing is counted. Otherwise the reason stands in `refusal`. */
  permits(_order: OrderUnderRule, _refusal: Refusal): boolean {
    return true
  }

  /** Judges a submission, and counts it where it passes. Otherwise the reason stands in `refusal`. */
  submit(order: OrderUnderRule, refusal: Refusal): boolean {
    if (!this.permits(order, refusal)) return false
    this.add(order)
    return true
  }

  /** Counts an order without judging it, and watches it. */
  add(_order: OrderUnderRule): void {}

  /** A live order that was there before the rule. It is counted, unless it is only of interest when it came. */
  meet(order: OrderUnderRule): void {
    this.add(order)
  }

  /** Whether a cancel may pass, of which nothing is counted. */
  permitsCancel(_order: OrderUnderRule, _nowUs: number, _refusal: Refusal): boolean {
    return true
  }

  /** Judges a cancel, and counts it where it passes. */
  cancel(order: OrderUnderRule, nowUs: number, refusal: Refusal): boolean {
    return this.permitsCancel(order, nowUs, refusal)
  }

  /** A position that was there before the rule. */
  seed(_position: PositionUnderRule): void {}

  /** An account comes back. */
  restore({ positions, orders }: Restoration): void {
    for (const position of positions) this.seed(position)
    for (const order of orders) this.meet(order)
  }

  /** What happened before the rule was there. Positions and open orders are told as they are now; this is for the rest. */
  recall(_order: OrderUnderRule, _report: ReportUnderRule): void {}

  /**
   * A fill or the end of an order that it watches, with the mark it gave the order; false ends the watch, which the end
   * of the order does by itself.
   */
  report(_order: WatchedOrder, _report: ReportUnderRule, _mark: number): boolean {
    return true
  }
}

/** Told when a rule shuts itself: by which report on which order, and how it refuses from now on. */
export type TripListener = (order: WatchedOrder, report: ReportUnderRule, refuse: (refusal: Refusal) => false) => void

/** What all rules of one entry share: the rule itself, the rules inside it, and those they build as keys come up. */
export class RuleContext {
  readonly view: RuleView
  readonly definitions: Definitions
  readonly watches: WatchTable
  readonly room = new HoldRoom()
  /** Whether rules that shut themselves are built shut. */
  readonly tripped: boolean
  readonly onTrip: TripListener
  /** Numbers under which the rules of this entry watch orders. */
  readonly numbers: number[] = []

  constructor(view: RuleView, definitions: Definitions, watches: WatchTable, tripped: boolean, onTrip: TripListener) {
    this.view = view
    this.definitions = definitions
    this.watches = watches
    this.tripped = tripped
    this.onTrip = onTrip
  }

  /** A number under which `rule` may watch orders. */
  enlist(rule: Rule): number {
    const number = this.watches.enlist(rule)
    this.numbers.push(number)
    return number
  }
}
