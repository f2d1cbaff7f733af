// Values of vectors, read into the server's own: amounts, names, orders, reports, refusals.

import type { CurrencyId } from '../../src/domain/currencies.ts'
import { formatDecimal, parseDecimal } from '../../src/domain/decimal.ts'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { type ExchangeRate, parseFraction } from '../../src/domain/exchange-rates.ts'
import type { Money, Price, Quantity } from '../../src/domain/money.ts'
import { type OrderStatus, orderStatusNames } from '../../src/domain/order-status.ts'
import { type OrderType, orderTypeNames } from '../../src/domain/order-type.ts'
import { type RiskStateType, riskStateTypeNames } from '../../src/domain/risk-state.ts'
import { type Side, sideNames } from '../../src/domain/side.ts'
import type { Venue } from '../../src/domain/venues.ts'

const definitions = definitionsFromData(definitionsData)

/** An amount as text, as an integer, or left out for zero. */
export type Amount = string | number | undefined

/** Micros of an amount. */
export function amount(value: Amount): number {
  const micros = parseDecimal(String(value ?? 0))
  if (micros === undefined) throw new Error(`${value} is not a decimal number`)
  return micros
}

/** The canonical text of an amount. */
export const decimal = formatDecimal

/** Microseconds of a time, 0 where it is left out. */
export function time(text: string | undefined): number {
  return text === undefined ? 0 : Date.parse(text) * 1_000
}

export const side = ordinalOf<Side>(sideNames)
export const orderType = ordinalOf<OrderType>(orderTypeNames)
export const orderStatus = ordinalOf<OrderStatus>(orderStatusNames)
export const riskStateType = ordinalOf<RiskStateType>(riskStateTypeNames)

function ordinalOf<T extends number>(names: Record<T, string>): (name: string) => T {
  const ordinals = new Map(Object.entries<string>(names).map(([ordinal, name]) => [name, Number(ordinal) as T]))
  return name => {
    const ordinal = ordinals.get(name)
    if (ordinal === undefined) throw new Error(`there is no ${name} among ${[...ordinals.keys()]}`)
    return ordinal
  }
}

/** The number of a currency's code. */
export function currencyId(code: string): CurrencyId {
  const currency = definitions.currencies.find(currency => currency.code === code)
  if (currency === undefined) throw new Error(`there is no currency ${code}`)
  return currency.id
}

/** The code of a currency's number. */
export function currencyCode(id: CurrencyId): string {
  return definitions.currency(id)?.code ?? String(id)
}

/** The rate of a pair `BASE/COUNTER`. */
export function exchangeRate(pair: string, text: string): ExchangeRate {
  const [base, counter] = pair.split('/')
  const rate = parseFraction(text)
  if (base === undefined || counter === undefined || rate === undefined) throw new Error(`${pair} ${text} is no rate`)
  return { base: currencyId(base), counter: currencyId(counter), rate }
}

/** The venue of `SYMBOL.VENUE`; undefined where nobody knows it. */
export function venueOf(ticker: string): Venue | undefined {
  return definitions.findVenue(ticker.slice(ticker.lastIndexOf('.') + 1))
}

/** An order as the vectors of both sides write it; the order side leaves out what has a default. */
export interface VectorOrder {
  readonly ticker: string
  readonly currency?: string
  readonly type?: string
  readonly side?: string
  readonly quantity?: Amount
  readonly price?: Amount
  readonly timestamp?: string
}

export interface Order {
  readonly ticker: string
  readonly currency: CurrencyId
  readonly type: OrderType
  readonly side: Side
  readonly quantity: Quantity
  readonly price: Price
  readonly timestamp: number
}

export function order(fields: VectorOrder): Order {
  return {
    ticker: fields.ticker,
    currency: fields.currency === undefined ? (venueOf(fields.ticker)?.currency ?? 0) : currencyId(fields.currency),
    type: orderType(fields.type ?? 'LIMIT'),
    side: side(fields.side ?? 'BID'),
    quantity: amount(fields.quantity ?? 100),
    price: amount(fields.price),
    timestamp: time(fields.timestamp),
  }
}

export interface VectorReport {
  readonly id: number
  readonly status: string
  readonly last_quantity?: Amount
  readonly last_price?: Amount
  readonly execution_fee?: Amount
  readonly processing_fee?: Amount
  readonly commission?: Amount
}

export interface Report {
  readonly id: number
  readonly status: OrderStatus
  readonly lastQty: Quantity
  readonly lastPx: Price
  readonly fees: Money
}

export function report(fields: VectorReport): Report {
  return {
    id: fields.id,
    status: orderStatus(fields.status),
    lastQty: amount(fields.last_quantity),
    lastPx: amount(fields.last_price),
    fees: amount(fields.execution_fee) + amount(fields.processing_fee) + amount(fields.commission),
  }
}
