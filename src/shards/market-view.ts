// What a shard sees of the world outside its accounts: quotes, closes, rates, limits and risk states, all in shared
// memory and written by main. The checks read it; nothing here waits or asks anybody.

import { expectedPrice } from '../accounting/order-pricing.ts'
import type { MarketView as CheckedMarket } from '../checks/chain.ts'
import type { Quote as CheckedQuote } from '../checks/check.ts'
import { CURRENCY_NONE } from '../domain/currencies.ts'
import { AmountOutOfRange, type Money, mulDiv, type Price } from '../domain/money.ts'
import type { OrderType } from '../domain/order-type.ts'
import type { RiskStateType } from '../domain/risk-state.ts'
import type { Side } from '../domain/side.ts'
import { type AccountTable, newAccountTerms } from '../shared-memory/account-table.ts'
import { newQuote, type QuoteTable } from '../shared-memory/quote-table.ts'
import { newRate, type RateTable } from '../shared-memory/rate-table.ts'
import { type Listing, NOT_QUOTED } from './listings.ts'

/** Currencies are numbers below 1000 by ISO 4217; pairs are kept under base × 65,536 + counter. */
const PAIR = 0x1_0000

export class MarketView implements CheckedMarket {
  readonly #accounts: AccountTable
  readonly #quotes: QuoteTable
  readonly #rates: RateTable
  readonly #terms = newAccountTerms()
  readonly #quote = newQuote()
  #termsRow = -1
  #quoteRow = NOT_QUOTED
  #pairs = new Map<number, { numerator: number; denominator: number }>()
  #ratesSeen = -1

  constructor(accounts: AccountTable, quotes: QuoteTable, rates: RateTable) {
    this.#accounts = accounts
    this.#quotes = quotes
    this.#rates = rates
  }

  /** Takes the quote of the listing as it is now; `quote` and `previousClose` tell of it until the next look. */
  look(listing: Listing): void {
    this.#quoteRow = listing.quoteRow
    if (listing.quoteRow !== NOT_QUOTED) this.#quotes.read(listing.quoteRow, this.#quote)
  }

  /** The quote of the listing looked at last; false where there is none. */
  quote(_tickerIndex: number, quote: CheckedQuote): boolean {
    if (this.#quoteRow === NOT_QUOTED || this.#quote.quoteTime === 0) return false
    quote.bid = this.#quote.bid
    quote.ask = this.#quote.ask
    return true
  }

  /** Close of the listing looked at last, if it was at or before `instant`; 0 where there is none. */
  previousClose(_tickerIndex: number, instant: number): Price {
    if (this.#quoteRow === NOT_QUOTED || this.#quote.closeTime > instant) return 0
    return this.#quote.previousClose
  }

  /**
   * At what price an order is held that no check has priced: the expected one, or a limit order's limit without a
   * quote, or nothing. In the order's currency.
   */
  expectedPrice(type: OrderType, side: Side, price: Price): Price {
    const quoted = this.#quoteRow !== NOT_QUOTED && this.#quote.quoteTime !== 0
    return expectedPrice(type, side, price, quoted ? this.#quote.bid : 0, quoted ? this.#quote.ask : 0)
  }

  /** Best bid of a row of the quote table, 0 where there is none. */
  bid(quoteRow: number): Price {
    if (quoteRow === NOT_QUOTED) return 0
    this.#quotes.read(quoteRow, this.#quote)
    this.#quoteRow = quoteRow
    return this.#quote.bid
  }

  /** Best ask of a row of the quote table, 0 where there is none. */
  ask(quoteRow: number): Price {
    if (quoteRow === NOT_QUOTED) return 0
    this.#quotes.read(quoteRow, this.#quote)
    this.#quoteRow = quoteRow
    return this.#quote.ask
  }

  /** An amount of one currency in another, rounded once; NaN where there is no rate. @throws AmountOutOfRange */
  convert(amount: number, from: number, to: number): number {
    if (from === to && to !== CURRENCY_NONE) return amount
    if (to === CURRENCY_NONE) return Number.NaN
    if (this.#ratesSeen !== this.#rates.changes()) this.#readRates()
    const pair = this.#pairs.get(from * PAIR + to)
    return pair === undefined ? Number.NaN : mulDiv(amount, pair.numerator, pair.denominator)
  }

  accountId(row: number): number {
    return this.#termsOf(row).accountId
  }

  accountCurrency(row: number): number {
    return this.#termsOf(row).currency
  }

  /** Reads the terms anew: they hold for the order at hand. */
  refreshTerms(row: number): void {
    this.#accounts.readTerms(row, this.#terms)
    this.#termsRow = row
  }

  buyingPowerLimit(row: number): Money {
    return this.#termsOf(row).buyingPowerLimit
  }

  riskState(row: number): RiskStateType {
    return this.#termsOf(row).riskState as RiskStateType
  }

  #termsOf(row: number) {
    if (row !== this.#termsRow) this.refreshTerms(row)
    return this.#terms
  }

  // Rates are few and change seldom: all pairs are read anew, main has put in the derived ones.
  #readRates(): void {
    this.#ratesSeen = this.#rates.changes()
    this.#pairs = new Map()
    const rate = newRate()
    for (let row = 0; row < this.#rates.rates(); row++) {
      this.#rates.read(row, rate)
      if (rate.denominator === 0) continue
      this.#pairs.set(rate.base * PAIR + rate.counter, { numerator: rate.numerator, denominator: rate.denominator })
    }
  }
}

/** As `convert`, with NaN also where the result leaves the range. */
export function convertOrNaN(view: MarketView, amount: number, from: number, to: number): number {
  try {
    return view.convert(amount, from, to)
  } catch (error) {
    if (error instanceof AmountOutOfRange) return Number.NaN
    throw error
  }
}
