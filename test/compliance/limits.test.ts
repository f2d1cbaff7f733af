// What each rule permits to the last unit and the last instant, one sentence each.

import { deepEqual, equal } from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Refusal } from '../../src/checks/check.ts'
import { makeRule } from '../../src/compliance/check-schema.ts'
import { type OrderUnderRule, type Rule, RuleContext } from '../../src/compliance/rule.ts'
import { type ParameterValue, type RuleSchema, wrapSchema } from '../../src/compliance/schema.ts'
import { WatchTable } from '../../src/compliance/watch-table.ts'
import { MICROS } from '../../src/domain/money.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { reasonName } from '../../src/domain/reasons.ts'
import { scopeOf } from '../../src/domain/scopes.ts'
import { Side } from '../../src/domain/side.ts'
import { CAD, type OrderChoice, orderOf, reportOf, START_US, StageMarket } from './rule-stage.ts'
import { definitions } from './rule-twin.ts'

let market: StageMarket
let watches: WatchTable
let nowUs: number
let orders: number

beforeEach(() => {
  market = new StageMarket()
  watches = new WatchTable()
  nowUs = START_US
  orders = 0
})

function schema(name: string, parameters: Record<string, ParameterValue> = {}): RuleSchema {
  return { name, parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })) }
}

function ruleOf(of: RuleSchema): Rule {
  return makeRule(of, new RuleContext(market, definitions, watches, false, () => {}))
}

const units = (value: number): ParameterValue => ({ kind: 'quantity', value: value * MICROS })
const money = (value: number): ParameterValue => ({ kind: 'money', value: value * MICROS })
const percent = (value: number): ParameterValue => ({ kind: 'double', value })
const text = (value: string): ParameterValue => ({ kind: 'text', value })
const duration = (seconds: number): ParameterValue => ({ kind: 'duration', value: seconds * MICROS })
const cad: ParameterValue = { kind: 'currency', value: CAD }

interface Wish {
  side?: Side
  type?: OrderType
  quantity?: number
  price?: number
  account?: number
  ticker?: number
}

function order({ quantity = 100, price = 10, ...wish }: Wish = {}): OrderUnderRule {
  const choice: OrderChoice = {
    account: 0,
    ticker: 0,
    side: Side.Bid,
    type: OrderType.Limit,
    isForeign: false,
    ...wish,
  } as OrderChoice
  return orderOf({ ...choice, quantity: quantity * MICROS, price: price * MICROS }, ++orders, nowUs)
}

/** The order where it passes; otherwise why not. */
function submit(rule: Rule, wish?: Wish): OrderUnderRule | unknown[] {
  const refusal = new Refusal()
  const submitted = order(wish)
  return rule.submit(submitted, refusal) ? submitted : [reasonName(refusal.reason), ...refusal.params]
}

function passes(rule: Rule, wish?: Wish): OrderUnderRule {
  const submitted = submit(rule, wish)
  equal(Array.isArray(submitted), false, String(submitted))
  return submitted as OrderUnderRule
}

function cancels(rule: Rule, canceled: OrderUnderRule): boolean {
  return rule.cancel(canceled, nowUs, new Refusal())
}

function report(reported: OrderUnderRule, status: OrderStatus, quantity = 0, price = 10): void {
  watches.report(reported.orderId, reportOf(status, quantity * MICROS, price * MICROS, nowUs))
}

test('price collar: a bid may reach the limit above the best ask, to the last micro', () => {
  market.quotes.set(0, { bid: 9 * MICROS, ask: 10 * MICROS })
  const rule = ruleOf(schema('price_collar', { limit: percent(5) }))
  passes(rule, { price: 10.5 })
  deepEqual(submit(rule, { price: 10.500001 }), ['PRICE_OUTSIDE_COLLAR', 10.500001, 10.5])
  passes(rule, { price: 1 })
  passes(rule, { side: Side.Ask, price: 8.55 })
  deepEqual(submit(rule, { side: Side.Ask, price: 8.549999 }), ['PRICE_OUTSIDE_COLLAR', 8.549999, 8.55])
  passes(rule, { side: Side.Ask, price: 1000 })
})

test('price collar: quote and last print have both to be near', () => {
  market.quotes.set(0, { bid: 9.9 * MICROS, ask: 10 * MICROS })
  market.prints.set(0, 8 * MICROS)
  const rule = ruleOf(schema('price_collar', { limit: percent(10) }))
  deepEqual(submit(rule, { price: 10 }), ['PRICE_OUTSIDE_COLLAR', 10, 8.8])
  deepEqual(submit(rule, { type: OrderType.Market }), ['PRICE_OUTSIDE_COLLAR', 10, 8.8])
})

test('price collar: where the opposite side is empty the own side stands in, and without any market a parameter decides', () => {
  const refuses = ruleOf(schema('price_collar', { limit: percent(10) }))
  const accepts = ruleOf(schema('price_collar', { limit: percent(10), without_market: text('accept') }))
  deepEqual(submit(refuses), ['NO_BBO'])
  passes(accepts)
  market.quotes.set(0, { bid: 9 * MICROS, ask: 0 })
  deepEqual(submit(accepts, { price: 9.91 }), ['PRICE_OUTSIDE_COLLAR', 9.91, 9.9])
  deepEqual(submit(refuses, { type: OrderType.Market }), ['NO_BBO'])
  passes(accepts, { type: OrderType.Market })
})

test('price collar: a market order does not pay a stub quote', () => {
  market.quotes.set(0, { bid: 10 * MICROS, ask: 500 * MICROS })
  const rule = ruleOf(schema('price_collar', { limit: percent(10) }))
  deepEqual(submit(rule, { type: OrderType.Market }), ['PRICE_OUTSIDE_COLLAR', 500, 11])
})

test('maximum order quantity and value: what reaches the limit passes, one micro more does not', () => {
  const quantity = ruleOf(schema('maximum_order_quantity', { quantity: units(100) }))
  passes(quantity)
  deepEqual(submit(quantity, { quantity: 100.000001 }), ['ORDER_QUANTITY_TOO_LARGE', 100.000001, 100])
  const value = ruleOf(schema('maximum_order_value', { value: money(1000), currency: cad }))
  passes(value)
  deepEqual(submit(value, { price: 10.01 }), ['ORDER_VALUE_TOO_LARGE', 1001, 1000])
})

test('maximum order value: a limit far from the market does not make an order small', () => {
  market.quotes.set(0, { bid: 20 * MICROS, ask: 21 * MICROS })
  const rule = ruleOf(schema('maximum_order_value', { value: money(1500), currency: cad }))
  deepEqual(submit(rule, { side: Side.Ask, price: 0.01 }), ['ORDER_VALUE_TOO_LARGE', 2000, 1500])
  passes(rule, { price: 15 })
  deepEqual(submit(rule, { type: OrderType.Market }), ['ORDER_VALUE_TOO_LARGE', 2100, 1500])
  deepEqual(submit(rule, { ticker: 1, type: OrderType.Market }), ['NO_BBO'])
  market.prints.set(1, 15 * MICROS)
  passes(rule, { ticker: 1, type: OrderType.Market })
})

test('maximum position: open orders of a side add up, those of the other side do not help, closing is free', () => {
  const rule = ruleOf(schema('maximum_position', { quantity: units(250) }))
  const bid = passes(rule)
  passes(rule)
  deepEqual(submit(rule), ['POSITION_TOO_LARGE', 300, 250])
  passes(rule, { side: Side.Ask, quantity: 250 })
  deepEqual(submit(rule, { side: Side.Ask, quantity: 1 }), ['POSITION_TOO_LARGE', 251, 250])
  report(bid, OrderStatus.Filled, 100)
  passes(rule, { side: Side.Ask, quantity: 100 })
  passes(rule, { quantity: 50 })
  deepEqual(submit(rule, { quantity: 1 }), ['POSITION_TOO_LARGE', 251, 250])
})

test('maximum gross exposure: accounts are not set off against each other, and closing adds nothing', () => {
  const rule = ruleOf(schema('maximum_gross_exposure', { value: money(2000), currency: cad }))
  const bid = passes(rule)
  report(bid, OrderStatus.Filled, 100)
  passes(rule, { side: Side.Ask })
  passes(rule, { side: Side.Ask, account: 1 })
  deepEqual(submit(rule, { side: Side.Ask, account: 1, quantity: 1 }), ['EXPOSURE_TOO_LARGE', 2010, 2000])
  deepEqual(submit(rule, { quantity: 1, ticker: 1 }), ['EXPOSURE_TOO_LARGE', 2010, 2000])
  deepEqual(submit(rule, { type: OrderType.Market, ticker: 1 }), ['NO_BBO'])
})

test('message rate: submissions and cancels are counted apart, and what is refused does not count', () => {
  const rule = ruleOf(schema('message_rate', { submissions: units(2), cancels: units(1), interval: duration(1) }))
  const first = passes(rule)
  nowUs += 400_000
  passes(rule)
  deepEqual(submit(rule), ['MESSAGE_RATE_EXCEEDED', 2, 1])
  equal(cancels(rule, first), true)
  equal(cancels(rule, first), false)
  nowUs += 599_999
  deepEqual(submit(rule), ['MESSAGE_RATE_EXCEEDED', 2, 1])
  nowUs += 1
  passes(rule)
  deepEqual(submit(rule), ['MESSAGE_RATE_EXCEEDED', 2, 1])
})

test('duplicate order: only the same account, ticker, side, type, quantity and price make one, until the time is over', () => {
  const rule = ruleOf(schema('duplicate_order', { window: duration(2) }))
  const first = passes(rule)
  nowUs += 1_999_999
  deepEqual(submit(rule), ['DUPLICATE_ORDER', first.orderId, 2])
  passes(rule, { account: 1 })
  passes(rule, { ticker: 1 })
  passes(rule, { side: Side.Ask })
  passes(rule, { type: OrderType.Stop })
  passes(rule, { quantity: 101 })
  passes(rule, { price: 10.01 })
  nowUs += 1
  const second = passes(rule)
  report(second, OrderStatus.Rejected)
  const third = passes(rule)
  report(third, OrderStatus.Canceled)
  deepEqual(submit(rule), ['DUPLICATE_ORDER', third.orderId, 2])
})

test('duplicate order: a thousand orders inside the time are all remembered, and so is which of them was rejected', () => {
  const rule = ruleOf(schema('duplicate_order', { window: duration(2) }))
  const all = Array.from({ length: 1000 }, (_, index) => passes(rule, { quantity: index + 1 }))
  report(all[7]!, OrderStatus.Rejected)
  all.forEach(({ orderId }, index) => {
    if (index === 7) passes(rule, { quantity: 8 })
    else deepEqual(submit(rule, { quantity: index + 1 }), ['DUPLICATE_ORDER', orderId, 2])
  })
})

test('restricted tickers: one side may be restricted alone', () => {
  const scope: ParameterValue = { kind: 'scope', value: scopeOf({ tickers: [{ symbol: 'ABX', venue: 'XTSE' }] }) }
  const rule = ruleOf(schema('restricted_tickers', { scope, side: text('ask') }))
  deepEqual(submit(rule, { side: Side.Ask }), ['RESTRICTED_TICKER'])
  passes(rule)
  passes(rule, { side: Side.Ask, ticker: 1 })
})

test('time filter: both ends are included, and a night has two', () => {
  const at = (time: string) => Date.parse(`2025-02-12T${time}-05:00`) * 1_000
  const filtered = (start: number, end: number) =>
    ruleOf(
      wrapSchema(
        'time_filter',
        [
          { name: 'start', value: duration(start * 3600) },
          { name: 'end', value: duration(end * 3600) },
        ],
        schema('reject_submissions'),
      ),
    )
  const refusedAt = (rule: Rule, time: string): boolean => {
    nowUs = at(time)
    return Array.isArray(submit(rule))
  }
  const times = ['08:59:59.999', '09:00:00', '16:00:00', '16:00:00.001', '23:30:00']
  deepEqual(
    times.map(time => refusedAt(filtered(9, 16), time)),
    [false, true, true, false, false],
  )
  deepEqual(
    times.map(time => refusedAt(filtered(16, 9), time)),
    [true, true, true, true, true],
  )
  deepEqual(
    times.map(time => refusedAt(filtered(23, 8), time)),
    [false, false, false, false, true],
  )
  deepEqual(
    times.map(time => refusedAt(filtered(9, 9), time)),
    [false, true, false, false, false],
  )
})

test('opposing submission: of many cancels the most aggressive one of the time counts, and it alone', () => {
  const rule = ruleOf(schema('opposing_submission', { timeout: units(10) }))
  const asks = [10, 12, 11].map(price => passes(rule, { side: Side.Ask, price }))
  for (const ask of asks) {
    report(ask, OrderStatus.Canceled)
    nowUs += 4 * MICROS
  }
  // The first cancel is twelve seconds old by now and the third four: eleven is the reference.
  deepEqual(submit(rule, { price: 11 }), ['OPPOSING_SUBMISSION', 10])
  passes(rule, { price: 10.999999 })
  nowUs += 6 * MICROS
  deepEqual(submit(rule, { price: 12 }), ['OPPOSING_SUBMISSION', 10])
  nowUs += 1
  passes(rule, { price: 12 })
})
