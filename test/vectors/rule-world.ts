// What the units of compliance rules share: a market, orders as rules see them, and schemas as vectors write them.

import type { Quote } from '../../src/checks/check.ts'
import { OrderUnderRule, type PositionUnderRule, ReportUnderRule, type RuleView } from '../../src/compliance/rule.ts'
import type { Parameter, ParameterValue, RuleSchema } from '../../src/compliance/schema.ts'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { ExchangeRateTable } from '../../src/domain/exchange-rates.ts'
import { MICROS, type Price } from '../../src/domain/money.ts'
import { Reason, reasonName } from '../../src/domain/reasons.ts'
import { GLOBAL_SCOPE, type Scope, scopeOf } from '../../src/domain/scopes.ts'
import { type Ticker, tickerKey } from '../../src/domain/tickers.ts'
import { readInventory, type VectorInventory } from './inventories.ts'
import {
  type Amount,
  amount,
  currencyCode,
  currencyId,
  decimal,
  exchangeRate,
  order,
  report,
  time,
  type VectorOrder,
  type VectorReport,
  venueOf,
} from './values.ts'

export const definitions = definitionsFromData(definitionsData)

export type RuleOrder = VectorOrder & { id: number; account?: string; submission_account?: string }
export type RuleReport = VectorReport & { timestamp?: string }
export type RuleQuotes = Record<string, { bid: Amount; ask: Amount }>

/** Quotes, rates, and the numbers by which tickers and accounts go here. */
export class RuleMarket implements RuleView {
  readonly #rates = new ExchangeRateTable()
  readonly #quotes = new Map<number, Quote>()
  readonly #tickers = new Map<string, number>()
  readonly #accounts = new Map<string, number>()

  constructor(quotes: RuleQuotes = {}, rates: readonly { pair: string; rate: string }[] = []) {
    for (const { pair, rate } of rates) {
      const { base, counter, rate: fraction } = exchangeRate(pair, rate)
      this.#rates.add(base, counter, fraction)
    }
    for (const [ticker, { bid, ask }] of Object.entries(quotes)) this.setQuote(ticker, bid, ask)
  }

  setQuote(ticker: string, bid: Amount, ask: Amount): void {
    this.#quotes.set(this.tickerIndex(tickerOf(ticker)), { bid: amount(bid), ask: amount(ask) })
  }

  tickerIndex(ticker: Ticker): number {
    return numberOf(this.#tickers, tickerKey(ticker))
  }

  account(name: string): number {
    return numberOf(this.#accounts, name)
  }

  accountName(account: number): string {
    return [...this.#accounts.keys()][account - 1]!
  }

  quote(tickerIndex: number, quote: Quote): boolean {
    const found = this.#quotes.get(tickerIndex)
    if (found === undefined) return false
    quote.bid = found.bid
    quote.ask = found.ask
    return true
  }

  lastPrint(): Price {
    return 0
  }

  convert(value: number, from: number, to: number): number {
    return this.#rates.convert(value, from, to) ?? Number.NaN
  }

  /** An order as rules see it; without a time of its own it is of the present. */
  order(fields: RuleOrder, nowUs: number): OrderUnderRule {
    const { ticker, currency, type, side, quantity, price, timestamp } = order(fields)
    const under = new OrderUnderRule()
    const venue = venueOf(ticker)
    if (venue !== undefined) under.venue = venue
    under.orderId = fields.id
    under.account = this.account(fields.account ?? '')
    under.submissionAccount = this.account(fields.submission_account ?? fields.account ?? '')
    under.ticker = tickerOf(ticker)
    under.tickerIndex = this.tickerIndex(under.ticker)
    under.currency = currency
    under.type = type
    under.side = side
    under.quantity = quantity
    under.leavesQty = quantity
    under.price = price
    under.timestamp = fields.timestamp === undefined ? nowUs : timestamp
    return under
  }

  position(account: string, fields: VectorInventory): PositionUnderRule {
    const { ticker, currency, quantity, costBasis } = readInventory(fields)
    return {
      account: this.account(account),
      tickerIndex: this.tickerIndex(tickerOf(ticker)),
      currency,
      quantity,
      costBasis,
    }
  }
}

/** From 1, in the order in which names come up. */
function numberOf(numbers: Map<string, number>, name: string): number {
  const number = numbers.get(name) ?? numbers.size + 1
  numbers.set(name, number)
  return number
}

export function reportUnderRule(fields: RuleReport, nowUs: number): ReportUnderRule {
  const { status, lastQty, lastPx } = report(fields)
  const under = new ReportUnderRule()
  under.status = status
  under.lastQty = lastQty
  under.lastPx = lastPx
  under.timestamp = fields.timestamp === undefined ? nowUs : time(fields.timestamp)
  return under
}

/** The code of a reason in the vectors, which know no range of amounts: what leaves it exceeds every limit. */
export function ruleCode(reason: Reason): string {
  return reasonName(reason === Reason.AmountTooLarge ? Reason.ExceedsBuyingPower : reason)
}

/** One key: the kind. */
export type VectorValue = Record<string, unknown>

export interface VectorSchema {
  name: string
  parameters: { name: string; value: VectorValue }[]
}

export function readSchema({ name, parameters }: VectorSchema): RuleSchema {
  return { name, parameters: readParameters(parameters) }
}

export function readParameters(parameters: VectorSchema['parameters']): Parameter[] {
  return parameters.map(parameter => ({ name: parameter.name, value: readValue(parameter.value) }))
}

function readValue(typed: VectorValue): ParameterValue {
  const [kind, value] = Object.entries(typed)[0] as [string, never]
  switch (kind) {
    case 'quantity':
    case 'money':
      return { kind, value: amount(value) }
    case 'duration':
      return { kind, value: value * MICROS }
    case 'timestamp':
      return { kind, value: time(value) }
    case 'boolean':
      return { kind, value }
    case 'double':
      return { kind, value }
    case 'venue':
      return { kind, value: micOf(value) }
    case 'string':
      return { kind: 'text', value }
    case 'currency':
      return { kind, value: currencyId(value) }
    case 'ticker':
      return { kind, value: tickerOf(value) }
    case 'scope':
      return { kind, value: readScope(value) }
    case 'list':
      return { kind, value: (value as VectorValue[]).map(readValue) }
    default:
      throw new Error(`there is no value of the kind ${kind}`)
  }
}

function readScope(parts: { global?: boolean; countries?: string[]; venues?: string[]; tickers?: string[] }): Scope {
  if (parts.global === true) return GLOBAL_SCOPE
  return scopeOf({
    countries: (parts.countries ?? []).map(text => definitions.findCountry(text)?.twoLetterCode ?? text),
    venues: (parts.venues ?? []).map(micOf),
    tickers: (parts.tickers ?? []).map(tickerOf),
  })
}

/** The ticker of a text; a venue that nobody defined stays a venue. */
function tickerOf(text: string): Ticker {
  const dot = text.lastIndexOf('.')
  return { symbol: text.slice(0, dot), venue: micOf(text.slice(dot + 1)) }
}

function micOf(text: string): string {
  return definitions.findVenue(text)?.mic ?? text
}

export function writeSchema({ name, parameters }: RuleSchema): VectorSchema {
  return { name, parameters: parameters.map(({ name, value }) => ({ name, value: writeValue(value) })) }
}

function writeValue(typed: ParameterValue): VectorValue {
  switch (typed.kind) {
    case 'quantity':
    case 'money':
      return { [typed.kind]: decimal(typed.value) }
    case 'duration':
      return { duration: typed.value / MICROS }
    case 'text':
      return { string: typed.value }
    case 'currency':
      return { currency: currencyCode(typed.value) }
    case 'list':
      return { list: typed.value.map(writeValue) }
    case 'scope': {
      const { isGlobal, countries, venues, tickers } = typed.value
      if (isGlobal) return { scope: { global: true } }
      const parts = {
        countries: [...countries],
        venues: [...venues].map(displayName),
        tickers: [...tickers.values()].map(writeTicker),
      }
      return { scope: Object.fromEntries(Object.entries(parts).filter(([, list]) => list.length > 0)) }
    }
    case 'ticker':
      return { ticker: writeTicker(typed.value) }
    case 'timestamp':
      return { timestamp: new Date(typed.value / 1_000).toISOString() }
    default:
      return { [typed.kind]: typed.value }
  }
}

function writeTicker({ symbol, venue }: Ticker): string {
  return `${symbol}.${displayName(venue)}`
}

function displayName(mic: string): string {
  return definitions.venue(mic)?.displayName ?? mic
}
