// Positions at what they would bring now: a bookkeeper, the last known market of each ticker, and the unrealised result
// that follows, per ticker and per currency.

import type { CurrencyId } from '../domain/currencies.ts'
import { type Money, multiply, type Price, type Quantity } from '../domain/money.ts'
import { direction, type Side } from '../domain/side.ts'
import { type TickerInventory, TrueAverageBookkeeper } from './bookkeeper.ts'
import { type Inventory, inRange } from './inventory.ts'

/** What is known of a ticker's market, and what its position is worth by it. */
interface Valuation {
  bid: Price | undefined
  ask: Price | undefined
  /** Value at the market minus cost basis, as last marked. */
  unrealized: Money
  /** The last quote as it came; zero is an empty side. */
  quotedBid: Price
  quotedAsk: Price
}

/** One ticker of a portfolio with the figures of its currency, as a listener is shown it. */
export interface PortfolioEntry {
  readonly inventory: Readonly<TickerInventory>
  readonly unrealized: Money
  readonly currencyTotal: Readonly<Inventory>
  readonly currencyUnrealized: Money
}

export class Portfolio {
  readonly #bookkeeper: TrueAverageBookkeeper
  readonly #valuations = new Map<string, Valuation>()
  readonly #unrealized = new Map<CurrencyId, Money>()

  /** Starts from copies of `inventories`, empty ones left out; they are worth nothing until marked. */
  constructor(inventories: Iterable<TickerInventory> = []) {
    this.#bookkeeper = new TrueAverageBookkeeper(inventories)
  }

  /**
   * Books a fill of an order and marks its ticker again. Without a quantity nothing happens, not even to fees; false
   * then.
   * @throws AmountOutOfRange
   */
  fill(ticker: string, currency: CurrencyId, side: Side, quantity: Quantity, price: Price, fees: Money): boolean {
    if (quantity === 0) return false
    this.#bookkeeper.record(ticker, currency, direction(side) * quantity, multiply(quantity, price), fees)
    this.#mark(ticker, this.#valuation(ticker))
    return true
  }

  /**
   * Sets what is known of a ticker's market, the sides given alone; true where the unrealised result changed.
   * @throws AmountOutOfRange
   */
  mark(ticker: string, market: { readonly bid?: Price; readonly ask?: Price }): boolean {
    const valuation = this.#valuation(ticker)
    valuation.bid = market.bid ?? valuation.bid
    valuation.ask = market.ask ?? valuation.ask
    return this.#mark(ticker, valuation)
  }

  /**
   * Takes a quote from the feed: one like the last is passed over, and a side that is empty (0) keeps its last value.
   * True where the unrealised result changed.
   * @throws AmountOutOfRange
   */
  quote(ticker: string, bid: Price, ask: Price): boolean {
    const valuation = this.#valuation(ticker)
    if (bid === valuation.quotedBid && ask === valuation.quotedAsk) return false
    valuation.quotedBid = bid
    valuation.quotedAsk = ask
    if (bid !== 0) valuation.bid = bid
    if (ask !== 0) valuation.ask = ask
    return this.#mark(ticker, valuation)
  }

  /** Unrealised result of a ticker; 0 while it was never marked. */
  unrealized(ticker: string): Money {
    return this.#valuations.get(ticker)?.unrealized ?? 0
  }

  /** Unrealised results by currency; a currency appears with its first mark. */
  currencyUnrealized(): ReadonlyMap<CurrencyId, Money> {
    return this.#unrealized
  }

  /** Currencies that anything was ever booked in, marked since or not. */
  *currencies(): IterableIterator<CurrencyId> {
    for (const [currency] of this.#bookkeeper.totals()) yield currency
  }

  /** The inventory of a ticker; undefined where nothing was ever booked. */
  inventory(ticker: string): Readonly<TickerInventory> | undefined {
    return this.#bookkeeper.inventory(ticker)
  }

  /** Whole result of a currency: unrealised, and realised after fees. @throws AmountOutOfRange */
  result(currency: CurrencyId): Money {
    const { gross, fees } = this.#bookkeeper.total(currency)
    return inRange((this.#unrealized.get(currency) ?? 0) + inRange(gross - fees))
  }

  /** All tickers whose inventory is not empty. */
  *entries(): IterableIterator<PortfolioEntry> {
    for (const inventory of this.#bookkeeper.inventories()) {
      yield {
        inventory,
        unrealized: this.unrealized(inventory.ticker),
        currencyTotal: this.#bookkeeper.total(inventory.currency),
        currencyUnrealized: this.#unrealized.get(inventory.currency) ?? 0,
      }
    }
  }

  #valuation(ticker: string): Valuation {
    let valuation = this.#valuations.get(ticker)
    if (valuation === undefined) {
      valuation = { bid: undefined, ask: undefined, unrealized: 0, quotedBid: 0, quotedAsk: 0 }
      this.#valuations.set(ticker, valuation)
    }
    return valuation
  }

  /** A long position is worth its bid, a short one its ask; without that side the last figure stays. */
  #mark(ticker: string, valuation: Valuation): boolean {
    const inventory = this.#bookkeeper.inventory(ticker)
    if (inventory === undefined) return false
    const { currency, quantity, costBasis } = inventory
    // What is flat is worth nothing whichever side is known.
    const price = quantity > 0 ? valuation.bid : quantity < 0 ? valuation.ask : (valuation.bid ?? valuation.ask)
    if (price === undefined) return false
    const unrealized = quantity === 0 ? 0 : inRange(multiply(quantity, price) - costBasis)
    const change = unrealized - valuation.unrealized
    this.#unrealized.set(currency, inRange((this.#unrealized.get(currency) ?? 0) + change))
    valuation.unrealized = unrealized
    return change !== 0
  }
}
