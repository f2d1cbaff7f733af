// A small world in which submissions pass the checks: accounts with limits, risk states and positions, quotes, trades
// and rates. An order that passes counts as routed at once. The units of the submission checks drive it.

import { BuyingPowerModel, BuyingPowerPool, type Exposure } from '../../src/accounting/buying-power.ts'
import { expectedPrice } from '../../src/accounting/order-pricing.ts'
import { PositionOrderBook } from '../../src/accounting/position-order-book.ts'
import { type AccountUnderCheck, CheckChain, type CheckName, type MarketView } from '../../src/checks/chain.ts'
import { OrderUnderCheck, type Quote, Refusal } from '../../src/checks/check.ts'
import { CURRENCY_NONE } from '../../src/domain/currencies.ts'
import { ExchangeRateTable } from '../../src/domain/exchange-rates.ts'
import { MICROS, type Money, type Price } from '../../src/domain/money.ts'
import { isTerminal, OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Reason, reasonName } from '../../src/domain/reasons.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { readInventory, type VectorInventory } from './inventories.ts'
import { type Order, type Report, venueOf } from './values.ts'

const TICKERS_MAX = 100

/** Why an order was refused, in the words of the vectors. */
export interface CheckError {
  readonly error: string
  /** In micros, with a board lot. */
  readonly lot?: number
}

class CheckedMarket implements MarketView {
  readonly rates = new ExchangeRateTable()
  readonly #tickers: string[] = []
  readonly #quotes = new Map<string, Quote>()
  readonly #trades: { ticker: string; price: Price; timestamp: number; marketCenter: string }[] = []

  index(ticker: string): number {
    const index = this.#tickers.indexOf(ticker)
    return index >= 0 ? index : this.#tickers.push(ticker) - 1
  }

  ticker(index: number): string {
    return this.#tickers[index]!
  }

  setQuote(ticker: string, quote: Quote): void {
    this.#quotes.set(ticker, quote)
  }

  addTrade(ticker: string, price: Price, timestamp: number, marketCenter: string | undefined): void {
    this.#trades.push({ ticker, price, timestamp, marketCenter: marketCenter ?? venueOf(ticker)!.marketCenter })
  }

  quote(tickerIndex: number, quote: Quote): boolean {
    const found = this.#quotes.get(this.ticker(tickerIndex))
    if (found === undefined) return false
    quote.bid = found.bid
    quote.ask = found.ask
    return true
  }

  previousClose(tickerIndex: number, instant: number): Price {
    const ticker = this.ticker(tickerIndex)
    const { marketCenter } = venueOf(ticker)!
    return this.#trades
      .filter(trade => trade.ticker === ticker && trade.marketCenter === marketCenter && trade.timestamp <= instant)
      .reduce((last, trade) => (trade.timestamp >= last.timestamp ? trade : last), { price: 0, timestamp: 0 }).price
  }

  convert(amount: number, from: number, to: number): number {
    return this.rates.convert(amount, from, to) ?? Number.NaN
  }
}

/** Something that moved the buying power of an account; it is done again when the account's currency changes. */
type Effect = (account: CheckedAccount) => void

class CheckedAccount implements AccountUnderCheck {
  currency = CURRENCY_NONE
  buyingPowerLimit: Money = 0
  riskState: RiskStateType = RiskStateType.Active
  readonly book = new PositionOrderBook()
  model = new BuyingPowerModel(new BuyingPowerPool(0))
  readonly #market: CheckedMarket
  readonly #effects: Effect[] = []
  readonly #slots = new Map<number, number>()
  #exposures = new Map<string, Exposure>()

  constructor(market: CheckedMarket) {
    this.#market = market
    this.#rebuild()
  }

  setParameters(currency: number, buyingPower: Money): void {
    this.buyingPowerLimit = buyingPower
    if (currency === this.currency) return
    this.currency = currency
    this.#rebuild()
  }

  usedIfSubmitted(order: OrderUnderCheck): Money {
    const exposure = this.#exposure(this.#market.ticker(order.tickerIndex))
    return this.model.usedIfSubmitted(exposure, order.side, order.quantity, order.holdPrice)
  }

  opens(order: OrderUnderCheck): boolean {
    return this.book.opens(this.#market.ticker(order.tickerIndex), order.side, order.quantity)
  }

  seed(inventory: VectorInventory): void {
    const { ticker, currency, quantity, costBasis } = readInventory(inventory)
    this.book.addPosition(ticker, quantity)
    this.#do(account => {
      const cost = this.#market.convert(costBasis, currency, account.currency)
      if (!Number.isNaN(cost)) account.model.adjust(account.#exposure(ticker), quantity, cost)
    })
  }

  /** Holds an order at its expected price, in its own currency. */
  add(orderId: number, order: Order, price: Price): void {
    this.book.add({ orderId, ...order })
    this.#do(account => {
      const holdPrice = this.#market.convert(price, order.currency, account.currency)
      if (Number.isNaN(holdPrice)) return
      const slot = account.#slots.size
      account.#slots.set(orderId, slot)
      account.model.hold(slot, account.#exposure(order.ticker), order.side, order.quantity, holdPrice)
    })
  }

  report(order: Order, { id, status, lastQty, lastPx }: Report): void {
    this.book.report(id, status, lastQty)
    this.#do(account => {
      const slot = account.#slots.get(id)
      if (slot === undefined) return
      account.model.report(slot, status, lastQty, this.#market.convert(lastPx, order.currency, account.currency))
    })
  }

  #do(effect: Effect): void {
    this.#effects.push(effect)
    effect(this)
  }

  #rebuild(): void {
    this.model = new BuyingPowerModel(new BuyingPowerPool(1000))
    this.#exposures = new Map()
    this.#slots.clear()
    for (const effect of this.#effects) effect(this)
  }

  #exposure(ticker: string): Exposure {
    const exposure = this.#exposures.get(ticker) ?? this.model.openExposure()
    this.#exposures.set(ticker, exposure)
    return exposure
  }
}

interface RoutedOrder {
  readonly account: CheckedAccount
  readonly order: Order
  ended: boolean
}

export class CheckedWorld {
  readonly market = new CheckedMarket()
  readonly #chain: CheckChain
  readonly #accounts = new Map<string, CheckedAccount>()
  readonly #orders = new Map<number, RoutedOrder>()
  readonly #underCheck = new OrderUnderCheck()
  readonly #unknownVenue = this.#underCheck.venue
  readonly #refusal = new Refusal()

  constructor(checks: readonly CheckName[]) {
    this.#chain = new CheckChain(checks, TICKERS_MAX)
  }

  account(name: string): CheckedAccount {
    const account = this.#accounts.get(name) ?? new CheckedAccount(this.market)
    this.#accounts.set(name, account)
    return account
  }

  /** Runs the checks and routes what passes; undefined then. */
  submit(orderId: number, accountName: string, order: Order): CheckError | undefined {
    const refused = this.check(accountName, order)
    if (refused === undefined) this.add(orderId, accountName, order)
    return refused
  }

  /** Runs the checks alone. */
  check(accountName: string, order: Order): CheckError | undefined {
    const [underCheck, refusal] = [this.#underCheck, this.#refusal]
    underCheck.tickerIndex = this.market.index(order.ticker)
    underCheck.venue = venueOf(order.ticker) ?? this.#unknownVenue
    underCheck.currency = order.currency
    underCheck.type = order.type
    underCheck.side = order.side
    underCheck.quantity = order.quantity
    underCheck.price = order.price
    underCheck.timestamp = order.timestamp
    underCheck.holdPrice = 0
    refusal.clear()
    if (this.#chain.check(underCheck, this.account(accountName), this.market, refusal)) return undefined
    // The vectors know no range of amounts: what leaves it exceeds every limit.
    const reason = refusal.reason === Reason.AmountTooLarge ? Reason.ExceedsBuyingPower : refusal.reason
    const error = reasonName(reason)
    return reason === Reason.BoardLot ? { error, lot: Number(refusal.params[0]) * MICROS } : { error }
  }

  /** An order comes in without being checked: at its expected price, or its limit where there is no quote, or nothing. */
  add(orderId: number, accountName: string, order: Order): void {
    const quote: Quote = { bid: 0, ask: 0 }
    this.market.quote(this.market.index(order.ticker), quote)
    const { type, side, price } = order
    const account = this.account(accountName)
    account.add(
      orderId,
      order,
      type === OrderType.Limit && price <= 0 ? 0 : expectedPrice(type, side, price, quote.bid, quote.ask),
    )
    this.#orders.set(orderId, { account, order, ended: false })
  }

  /** A report on an order that was routed; any other is passed over. */
  report(report: Report): void {
    const routed = this.#orders.get(report.id)
    if (routed === undefined || routed.ended) return
    routed.ended = isTerminal(report.status)
    routed.account.report(routed.order, report)
  }

  /** Takes an order back that somebody after the checks has refused. */
  reject(orderId: number): void {
    this.report({ id: orderId, status: OrderStatus.Rejected, lastQty: 0, lastPx: 0, fees: 0 })
  }
}
