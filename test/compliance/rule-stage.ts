// A small market with accounts and generated orders, on which rules and their twins are driven side by side.

import fc from 'fast-check'
import type { Quote } from '../../src/checks/check.ts'
import { OrderUnderRule, ReportUnderRule, type RuleView } from '../../src/compliance/rule.ts'
import { type ParameterValue, type RuleSchema, wrapSchema } from '../../src/compliance/schema.ts'
import { MICROS, mulDiv } from '../../src/domain/money.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { GLOBAL_SCOPE, type Scope, scopeOf } from '../../src/domain/scopes.ts'
import { Side } from '../../src/domain/side.ts'
import type { Ticker } from '../../src/domain/tickers.ts'
import { prices, quantities } from '../accounting/amounts.ts'
import { definitions, type TwinMarket } from './rule-twin.ts'

export const CAD = 124
export const USD = 840
const AUD = 36
/** No rate leads from here. */
const GBP = 826

export const ACCOUNTS = [11, 12, 13]
export const TICKERS: readonly Ticker[] = [
  { symbol: 'ABX', venue: 'XTSE' },
  { symbol: 'XIU', venue: 'XTSE' },
  { symbol: 'S32', venue: 'XASX' },
]

/** A winter’s morning in Toronto, just before the clocks are not changed. */
export const START_US = Date.parse('2025-02-12T14:30:00Z') * 1_000

const RATES: Record<string, readonly [number, number]> = {
  [`${USD} ${CAD}`]: [133, 100],
  [`${CAD} ${USD}`]: [100, 133],
  [`${AUD} ${CAD}`]: [89, 100],
  [`${CAD} ${AUD}`]: [100, 89],
  [`${AUD} ${USD}`]: [100, 149],
  [`${USD} ${AUD}`]: [149, 100],
}

/** The market as rules and as twins see it. */
export class StageMarket implements RuleView, TwinMarket {
  readonly quotes = new Map<number, Quote>()
  readonly prints = new Map<number, number>()

  quote(tickerIndex: number, quote: Quote): boolean {
    const found = this.quotes.get(tickerIndex)
    if (found === undefined) return false
    Object.assign(quote, found)
    return true
  }

  lastPrint(tickerIndex: number): number {
    return this.prints.get(tickerIndex) ?? 0
  }

  convert(amount: number, from: number, to: number): number {
    if (from === to) return amount
    const rate = RATES[`${from} ${to}`]
    return rate === undefined ? Number.NaN : mulDiv(amount, ...rate)
  }

  rate(from: number, to: number): readonly [bigint, bigint] | undefined {
    if (from === to) return [1n, 1n]
    const rate = RATES[`${from} ${to}`]
    return rate && [BigInt(rate[0]), BigInt(rate[1])]
  }
}

export interface OrderChoice {
  readonly account: number
  readonly ticker: number
  readonly side: Side
  readonly type: OrderType
  readonly quantity: number
  readonly price: number
  readonly isForeign: boolean
}

/** An order as chosen, with the rest filled in. */
export function orderOf(choice: OrderChoice, orderId: number, timestamp: number): OrderUnderRule {
  const order = new OrderUnderRule()
  order.orderId = orderId
  order.account = ACCOUNTS[choice.account]!
  order.submissionAccount = order.account
  order.tickerIndex = choice.ticker
  order.ticker = TICKERS[choice.ticker]!
  order.venue = definitions.venue(order.ticker.venue)!
  order.currency = choice.isForeign ? GBP : order.venue.currency
  order.type = choice.type
  order.side = choice.side
  order.quantity = choice.quantity
  order.leavesQty = choice.quantity
  order.price = choice.type === OrderType.Market ? 0 : choice.price
  order.timestamp = timestamp
  return order
}

export function reportOf(status: OrderStatus, lastQty: number, lastPx: number, timestamp: number): ReportUnderRule {
  const report = new ReportUnderRule()
  report.status = status
  report.lastQty = lastQty
  report.lastPx = lastPx
  report.timestamp = timestamp
  return report
}

export const sides = fc.constantFrom(Side.Ask, Side.Bid)

export const orderChoices: fc.Arbitrary<OrderChoice> = fc.record({
  account: fc.nat({ max: ACCOUNTS.length - 1 }),
  ticker: fc.nat({ max: TICKERS.length - 1 }),
  side: sides,
  type: fc.oneof(
    { weight: 5, arbitrary: fc.constant(OrderType.Limit) },
    { weight: 1, arbitrary: fc.constantFrom(OrderType.Market, OrderType.Pegged, OrderType.Stop) },
  ),
  quantity: quantities,
  price: prices,
  isForeign: fc.oneof({ weight: 30, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
})

const scopes: fc.Arbitrary<Scope> = fc.constantFrom(
  GLOBAL_SCOPE,
  scopeOf({}),
  scopeOf({ countries: ['CA'] }),
  scopeOf({ venues: ['XASX'] }),
  scopeOf({ tickers: [TICKERS[0]!, TICKERS[2]!] }),
)

const seconds = (max: number) => fc.integer({ min: 0, max }).map(count => count * MICROS)
const hours = fc.integer({ min: 0, max: 24 * 60 }).map(minutes => minutes * 60 * MICROS)
const amounts = fc.integer({ min: 0, max: 60 }).map(hundreds => hundreds * 100 * MICROS)
const money = fc.integer({ min: 0, max: 60 }).map(hundreds => hundreds * 1000 * MICROS)
const currencies = fc.constantFrom(CAD, USD, AUD)

type Values = Record<string, fc.Arbitrary<ParameterValue | undefined>>

function of(kind: ParameterValue['kind'], values: fc.Arbitrary<unknown>): fc.Arbitrary<ParameterValue> {
  return values.map(value => ({ kind, value }) as ParameterValue) // each kind below is given its own values
}

function schemaOf(name: string, values: Values): fc.Arbitrary<RuleSchema> {
  return fc.record(values).map(chosen => ({
    name,
    parameters: Object.entries(chosen).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }])),
  }))
}

const orMissing = (values: fc.Arbitrary<ParameterValue>) => fc.option(values, { nil: undefined, freq: 3 })

/** Rules that count open orders and positions. */
export const countingRules: readonly fc.Arbitrary<RuleSchema>[] = [
  schemaOf('order_count_limit', { count: of('quantity', seconds(6)) }),
  schemaOf('order_count_limit_per_side', { count: of('quantity', seconds(4)) }),
  schemaOf('buying_power', {
    buying_power: of('money', money),
    currency: orMissing(of('currency', currencies)),
  }),
  schemaOf('maximum_position', { quantity: of('quantity', amounts) }),
  schemaOf('maximum_gross_exposure', { value: of('money', money), currency: of('currency', currencies) }),
]

/** Rules that remember when things happened. */
export const eventRules: readonly fc.Arbitrary<RuleSchema>[] = [
  schemaOf('opposing_cancel', { timeout: orMissing(of('quantity', seconds(20))) }),
  schemaOf('opposing_submission', {
    timeout: orMissing(of('quantity', seconds(20))),
    offset: orMissing(of('money', fc.constantFrom(0, 10_000, MICROS))),
  }),
  schemaOf('message_rate', {
    submissions: orMissing(of('quantity', seconds(5))),
    cancels: orMissing(of('quantity', seconds(3))),
    interval: of(
      'duration',
      seconds(20).map(us => us + MICROS),
    ),
  }),
  schemaOf('duplicate_order', {
    window: of(
      'duration',
      seconds(60).map(us => us + MICROS),
    ),
  }),
  schemaOf('repeated_executions', {
    count: of(
      'quantity',
      seconds(3).map(us => us + MICROS),
    ),
    interval: of(
      'duration',
      seconds(30).map(us => us + MICROS),
    ),
  }),
]

const otherRules: readonly fc.Arbitrary<RuleSchema>[] = [
  schemaOf('reject_submissions', {}),
  schemaOf('reject_cancels', {}),
  schemaOf('price_collar', {
    limit: of('double', fc.constantFrom(0.1, 0.25, 1, 5)),
    without_market: orMissing(of('text', fc.constantFrom('refuse', 'accept'))),
  }),
  schemaOf('maximum_order_quantity', { quantity: of('quantity', quantities) }),
  schemaOf('maximum_order_value', { value: of('money', money), currency: of('currency', currencies) }),
  schemaOf('restricted_tickers', {
    scope: of('scope', scopes),
    side: orMissing(of('text', fc.constantFrom('both', 'bid', 'ask'))),
  }),
]

const wrappers: readonly fc.Arbitrary<RuleSchema>[] = [
  schemaOf('per_account', {}),
  schemaOf('per_ticker', {}),
  schemaOf('per_side', {}),
  schemaOf('scope_filter', { scope: orMissing(of('scope', scopes)) }),
  schemaOf('time_filter', { start: orMissing(of('duration', hours)), end: orMissing(of('duration', hours)) }),
]

/** Any rule inside none to three others. */
export const schemas: fc.Arbitrary<RuleSchema> = fc
  .tuple(fc.oneof(...countingRules, ...eventRules, ...otherRules), fc.array(fc.oneof(...wrappers), { maxLength: 3 }))
  .map(([innermost, around]) =>
    around.reduce((inner, { name, parameters }) => wrapSchema(name, parameters, inner), innermost),
  )

/** What may happen next; `pick` chooses among the orders there are. */
export interface Happening {
  readonly kind: 'submit' | 'add' | 'cancel' | 'fill' | 'end' | 'reject' | 'wait' | 'quote' | 'print'
  readonly choice: OrderChoice
  readonly pick: number
  readonly part: number
  readonly waitUs: number
  readonly empty: boolean
}

export const happenings: fc.Arbitrary<Happening> = fc.record({
  kind: fc.constantFrom(
    ...(['submit', 'submit', 'submit', 'submit', 'fill', 'fill', 'end', 'reject', 'cancel', 'wait'] as const),
    ...(['submit', 'submit', 'submit', 'submit', 'fill', 'fill', 'end', 'add', 'cancel', 'wait'] as const),
    ...(['quote', 'print'] as const),
  ),
  choice: orderChoices,
  pick: fc.nat({ max: 1_000 }),
  part: fc.integer({ min: 1, max: 12 }),
  waitUs: fc.oneof(
    { weight: 6, arbitrary: seconds(6) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 15 * MICROS }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 36 * 3600 * MICROS }) },
  ),
  empty: fc.nat({ max: 5 }).map(die => die === 0),
})

export const endings = [
  OrderStatus.Canceled,
  OrderStatus.Canceled,
  OrderStatus.Expired,
  OrderStatus.DoneForDay,
  OrderStatus.Filled,
]
