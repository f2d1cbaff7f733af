// The risk of one account, as a function: orders, reports, quotes, parameters and time go in, and what has to be done
// about them comes out. It knows no clock and waits for nothing, so the same code follows a live account, catches up
// after a restart, and runs in a test.
//
//   orders, reports ──┬──► inventory snapshot ──► what a restart goes on from
//                     ├──► transition model ────► cancels, flattening orders
//                     │          ▲
//                     └──► portfolio ──► state model ──► risk state
//   quotes ────────────────────┘            ▲
//   parameters, time ───────────────────────┘
//
// While it catches up nothing comes out: what happened in the past needs no answer. `start` evaluates the account as it
// stands then.

import type { TickerInventory } from '../accounting/bookkeeper.ts'
import { emptyInventory } from '../accounting/inventory.ts'
import { Portfolio } from '../accounting/portfolio.ts'
import type { BookedOrder } from '../accounting/position-order-book.ts'
import { assert } from '../base/assert.ts'
import type { ExchangeRateTable } from '../domain/exchange-rates.ts'
import type { Money, Price, Quantity } from '../domain/money.ts'
import { RiskStateType } from '../domain/risk-state.ts'
import type { RiskParameters, RiskState } from '../services/administration/risk.ts'
import {
  type InventorySnapshot,
  InventorySnapshotModel,
  type OrderFill,
  type SnapshotOrder,
  type SnapshotReport,
} from './inventory-snapshot.ts'
import { resetInventories } from './reset.ts'
import { RiskStateModel } from './risk-state-model.ts'
import {
  type FlatteningOrder,
  RiskTransitionModel,
  type TransitionActions,
  TransitionStage,
} from './risk-transition-model.ts'

/** An order as the server accepted it. */
export interface RiskOrder extends BookedOrder, SnapshotOrder {
  /** Place among all orders of the account. */
  readonly orderSequence: number
}

/** An instant of an account's record: what is behind it is still to come. */
export interface AccountSnapshot extends InventorySnapshot {
  /** Everything up to this report of the account is counted. */
  readonly reportSequence: number
}

/** How far an account's transition has come; kept over restarts. */
export interface AccountTransition {
  readonly state: RiskState
  readonly stage: TransitionStage
}

/** What has to be done, or told. */
export type RiskEffect =
  | { readonly kind: 'state'; readonly state: RiskState }
  | { readonly kind: 'cancel'; readonly orderIds: readonly number[] }
  | { readonly kind: 'flatten'; readonly order: FlatteningOrder }
  /** The inventory of a ticker is another one: something was traded, or its results were reset. */
  | { readonly kind: 'inventory'; readonly ticker: string }

const NOTHING: readonly RiskEffect[] = []

/** The server told of a fill of an order that ended before, or that it never told of. */
export class UnknownFill extends Error {
  override name = 'UnknownFill'
  constructor(orderId: number) {
    super(`a fill of order ${orderId}, which is not live`)
  }
}

export interface AccountRiskOptions {
  readonly snapshot: AccountSnapshot
  readonly rates: ExchangeRateTable
  readonly destinationOf: (ticker: string) => string
}

export class AccountRisk {
  readonly #rates: ExchangeRateTable
  readonly #transition: RiskTransitionModel
  #portfolio: Portfolio
  #snapshot: InventorySnapshotModel
  #reportSequence: number
  /** Undefined until the account has caught up. */
  #state: RiskStateModel | undefined
  /** What is known of its tickers' markets, for when the portfolio is made anew. */
  readonly #quotes = new Map<string, { bid: Price; ask: Price }>()

  constructor({ snapshot, rates, destinationOf }: AccountRiskOptions) {
    this.#rates = rates
    this.#snapshot = new InventorySnapshotModel(snapshot)
    this.#portfolio = new Portfolio(snapshot.inventories)
    this.#reportSequence = snapshot.reportSequence
    const positions = snapshot.inventories.map(({ ticker, quantity }) => [ticker, quantity] as const)
    this.#transition = new RiskTransitionModel(positions, destinationOf)
  }

  /** Everything up to this report of the account is counted. */
  get reportSequence(): number {
    return this.#reportSequence
  }

  get hasStarted(): boolean {
    return this.#state !== undefined
  }

  /** The state the account has to be in; undefined while it catches up. */
  get state(): RiskState | undefined {
    return this.#state?.state
  }

  /** The result by which it is measured, in the currency of its parameters; undefined where it cannot be told. */
  get result(): Money | undefined {
    return this.#state?.result
  }

  get transition(): AccountTransition | undefined {
    return this.#state === undefined ? undefined : { state: this.#state.state, stage: this.#transition.stage }
  }

  get snapshot(): AccountSnapshot {
    return { ...this.#snapshot.snapshot(), reportSequence: this.#reportSequence }
  }

  get portfolio(): Pick<Portfolio, 'entries' | 'unrealized' | 'inventory'> {
    return this.#portfolio
  }

  /** True until a terminal report on the order has come. */
  isLive(orderId: number): boolean {
    return this.#snapshot.order(orderId) !== undefined
  }

  /** All orders that are live, in the order of their arrival. */
  liveOrders(): Iterable<BookedOrder> {
    return this.#transition.liveOrders()
  }

  /** Those of them that would open a position. */
  openingOrders(): Iterable<BookedOrder> {
    return this.#transition.openingOrders()
  }

  /** What is held by ticker, signed; none that is zero. */
  positions(): Iterable<readonly [ticker: string, quantity: Quantity]> {
    return this.#transition.positions()
  }

  /** Tickers whose market counts now: of positions, and of orders that may become some. */
  tickers(): Set<string> {
    const tickers = new Set(this.#snapshot.liveTickers())
    for (const { inventory } of this.#portfolio.entries()) if (inventory.quantity !== 0) tickers.add(inventory.ticker)
    return tickers
  }

  /** Adds the orders that the snapshot leaves out, with their reports up to it. @throws AmountOutOfRange */
  restore(orders: Iterable<{ readonly order: RiskOrder; readonly reports: readonly SnapshotReport[] }>): void {
    const fills: OrderFill[] = []
    for (const { order, reports } of orders) {
      const known = reports.filter(({ reportSequence }) => reportSequence <= this.#reportSequence)
      this.#snapshot.add(order.orderSequence, order, known)
      this.#transition.add(order)
      for (const report of known) this.#transition.report(order.orderId, report.status, report.lastQty, report.terms)
      fills.push(...known.map(report => ({ order, report })))
    }
    fills.sort((a, b) => a.report.reportSequence - b.report.reportSequence)
    for (const fill of fills) fillPortfolio(this.#portfolio, fill)
  }

  /** The account has caught up: from here on it is watched. */
  start(parameters: RiskParameters, resumed: AccountTransition | undefined, nowUs: number): readonly RiskEffect[] {
    assert(this.#state === undefined, 'an account is started once')
    const stage = resumed?.stage ?? TransitionStage.Idle
    // An account that no transition is about begins in whatever state it is allowed now.
    const before = resumed === undefined || stage === TransitionStage.Idle ? parameters.allowedState : resumed.state
    const model = new RiskStateModel({
      portfolio: this.#portfolio,
      rates: this.#rates,
      parameters,
      state: before,
      nowUs,
    })
    this.#state = model
    const { type } = model.state
    const effects: RiskEffect[] = [{ kind: 'state', state: model.state }]
    if (type !== RiskStateType.Active) append(effects, this.#transition.resume(stage))
    // What an account has lost while nobody looked is a change like any other.
    if (type !== before.type) append(effects, this.#transition.changeState(type))
    return effects
  }

  /** An order has been accepted: report `reportSequence` of the account. */
  add(order: RiskOrder, reportSequence: number): readonly RiskEffect[] {
    this.#follows(reportSequence)
    this.#snapshot.add(order.orderSequence, order)
    this.#transition.add(order)
    return NOTHING
  }

  /**
   * A report on an order.
   * @throws AmountOutOfRange where it cannot be booked; UnknownFill where nobody knows its order
   */
  report(orderId: number, report: SnapshotReport, nowUs: number): readonly RiskEffect[] {
    this.#follows(report.reportSequence)
    const order = this.#snapshot.order(orderId)
    if (order === undefined) {
      // A late refusal of a cancel, for one, finds its order gone; a fill would be missing in the positions.
      if (report.lastQty !== 0) throw new UnknownFill(orderId)
      return NOTHING
    }
    this.#snapshot.report(orderId, report)
    const isFilled = fillPortfolio(this.#portfolio, { order, report })
    const actions = this.#transition.report(orderId, report.status, report.lastQty, report.terms)
    if (this.#state === undefined) return NOTHING
    const effects: RiskEffect[] = isFilled ? [{ kind: 'inventory', ticker: order.ticker }] : []
    append(effects, actions)
    return isFilled ? this.#evaluate(effects, model => model.portfolioChanged(nowUs)) : effects
  }

  /** The market of a ticker; a price of 0 is an empty side. @throws AmountOutOfRange where it cannot be counted */
  quote(ticker: string, bid: Price, ask: Price, nowUs: number): readonly RiskEffect[] {
    const known = this.#quotes.get(ticker)
    this.#quotes.set(ticker, { bid: bid || (known?.bid ?? 0), ask: ask || (known?.ask ?? 0) })
    if (!this.#portfolio.quote(ticker, bid, ask)) return NOTHING
    return this.#evaluate([], model => model.portfolioChanged(nowUs))
  }

  changeParameters(parameters: RiskParameters, nowUs: number): readonly RiskEffect[] {
    return this.#evaluate([], model => model.changeParameters(parameters, nowUs))
  }

  passTime(nowUs: number): readonly RiskEffect[] {
    return this.#evaluate([], model => model.passTime(nowUs))
  }

  /** Begins the results of the tickers in scope again at zero. @throws AmountOutOfRange; nothing has changed then */
  reset(isInScope: (ticker: string) => boolean, nowUs: number): readonly RiskEffect[] {
    const fills = this.#snapshot.liveFills()
    const { inventories } = this.#snapshot.snapshot()
    const after = resetInventories(inventories, fills, isInScope)
    const portfolio = new Portfolio(after)
    for (const fill of fills) fillPortfolio(portfolio, fill)
    for (const [ticker, { bid, ask }] of this.#quotes) portfolio.quote(ticker, bid, ask)
    const effects: RiskEffect[] = []
    for (const { inventory } of this.#portfolio.entries()) {
      if (isInScope(inventory.ticker)) effects.push({ kind: 'inventory', ticker: inventory.ticker })
    }
    this.#snapshot = this.#snapshot.reset(after)
    this.#portfolio = portfolio
    return this.#evaluate(effects, model => model.replacePortfolio(portfolio, nowUs))
  }

  /** The inventory of a ticker; an empty one where there is none any more. */
  inventory(ticker: string): TickerInventory {
    return this.#portfolio.inventory(ticker) ?? { ticker, currency: 0, ...emptyInventory() }
  }

  #evaluate(effects: RiskEffect[], change: (model: RiskStateModel) => void): readonly RiskEffect[] {
    const model = this.#state
    if (model === undefined) return effects
    const before = model.state
    change(model)
    if (model.state === before) return effects
    effects.push({ kind: 'state', state: model.state })
    append(effects, this.#transition.changeState(model.state.type))
    return effects
  }

  #follows(reportSequence: number): void {
    assert(reportSequence === this.#reportSequence + 1, 'reports of an account come without gap')
    this.#reportSequence = reportSequence
  }
}

function fillPortfolio(portfolio: Portfolio, { order, report }: OrderFill): boolean {
  return portfolio.fill(order.ticker, order.currency, order.side, report.lastQty, report.lastPx, report.fees)
}

function append(effects: RiskEffect[], { cancels, submits }: TransitionActions): void {
  if (cancels.length > 0) effects.push({ kind: 'cancel', orderIds: cancels })
  for (const order of submits) effects.push({ kind: 'flatten', order })
}
