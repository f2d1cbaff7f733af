// Each check alone and the chain, asked about orders in a market and an account that say what the test wants.

import { deepEqual, equal } from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import {
  type AccountUnderCheck,
  CheckChain,
  type CheckName,
  checkNames,
  type MarketView,
} from '../../src/checks/chain.ts'
import { OrderUnderCheck, type Quote, Refusal } from '../../src/checks/check.ts'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { AmountOutOfRange, MICROS } from '../../src/domain/money.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { Side } from '../../src/domain/side.ts'

const CAD = 124
const USD = 840
const HOUR_US = 3_600_000_000
const definitions = definitionsFromData(definitionsData)
const noon = Date.parse('2024-07-18T16:00:00Z') * 1000

/** What the market says, and what it was asked. */
class Market implements MarketView {
  best: Quote | undefined = { bid: 10 * MICROS, ask: 11 * MICROS }
  close = 0
  rate: number | undefined
  readonly closesAskedFor: number[] = []

  quote(_tickerIndex: number, quote: Quote): boolean {
    if (this.best === undefined) return false
    quote.bid = this.best.bid
    quote.ask = this.best.ask
    return true
  }

  previousClose(_tickerIndex: number, instant: number): number {
    this.closesAskedFor.push(instant)
    return this.close
  }

  convert(amount: number): number {
    if (this.rate === Number.POSITIVE_INFINITY) throw new AmountOutOfRange('too much')
    return this.rate === undefined ? Number.NaN : amount * this.rate
  }
}

class Account implements AccountUnderCheck {
  currency = CAD
  buyingPowerLimit = 5000 * MICROS
  riskState: RiskStateType = RiskStateType.Active
  used = 0
  opening = true

  usedIfSubmitted(order: OrderUnderCheck): number {
    return this.used + (order.quantity / MICROS) * order.holdPrice
  }

  opens(): boolean {
    return this.opening
  }
}

let market: Market
let account: Account
let order: OrderUnderCheck

beforeEach(() => {
  market = new Market()
  account = new Account()
  order = new OrderUnderCheck()
  order.tickerIndex = 0
  order.venue = definitions.findVenue('TSX')!
  order.currency = CAD
  order.type = OrderType.Limit
  order.side = Side.Bid
  order.quantity = 100 * MICROS
  order.price = 10 * MICROS
  order.timestamp = noon
})

function chainOf(...names: CheckName[]): CheckChain {
  return new CheckChain(names, 4)
}

/** Reason and parameters, or nothing where the order passes. */
function outcome(chain: CheckChain): unknown[] {
  const refusal = new Refusal()
  return chain.check(order, account, market, refusal) ? [] : [refusal.reason, ...refusal.params]
}

test('board lot: the lot follows from the previous close, asked for as of the start of the venue’s day', () => {
  market.close = 0.5 * MICROS
  order.quantity = 600 * MICROS
  deepEqual(outcome(chainOf('board_lot')), [Reason.BoardLot, 500])
  deepEqual(market.closesAskedFor, [Date.parse('2024-07-18T04:00:00Z') * 1000])
})

test('board lot: a fraction of a lot is refused however small', () => {
  order.quantity = 100 * MICROS + 1
  deepEqual(outcome(chainOf('board_lot')), [Reason.BoardLot, 100])
})

test('board lot: the close is kept for an hour, then looked up again, and kept on where there is none any more', () => {
  const chain = chainOf('board_lot')
  market.close = 0.5 * MICROS
  deepEqual(outcome(chain), [Reason.BoardLot, 500])
  market.close = 0.05 * MICROS
  order.timestamp = noon + HOUR_US
  deepEqual(outcome(chain), [Reason.BoardLot, 500])
  order.timestamp = noon + HOUR_US + 1
  deepEqual(outcome(chain), [Reason.BoardLot, 1000])
  market.close = 0
  order.timestamp = noon + 3 * HOUR_US
  deepEqual(outcome(chain), [Reason.BoardLot, 1000])
  equal(market.closesAskedFor.length, 3)
})

test('board lot: without a close the bid becomes the reference and stays it until a close is found', () => {
  const chain = chainOf('board_lot')
  market.best = { bid: 0, ask: MICROS }
  deepEqual(outcome(chain), [Reason.BoardLot, 1000])
  market.best = { bid: 10 * MICROS, ask: 11 * MICROS }
  order.timestamp = noon + 2 * HOUR_US
  deepEqual(outcome(chain), [Reason.BoardLot, 1000])
  market.close = 10 * MICROS
  deepEqual(outcome(chain), [])
})

test('board lot: without any price the order is refused, and the next one asks again', () => {
  const chain = chainOf('board_lot')
  const quote = market.best
  market.best = undefined
  deepEqual(outcome(chain), [Reason.NoBbo])
  market.best = quote
  deepEqual(outcome(chain), [])
})

test('board lot: tickers are told apart, and one that has no index yet is looked up each time', () => {
  const chain = chainOf('board_lot')
  market.close = 0.5 * MICROS
  deepEqual(outcome(chain), [Reason.BoardLot, 500])
  market.close = 10 * MICROS
  order.tickerIndex = 1
  deepEqual(outcome(chain), [])
  order.tickerIndex = -1
  deepEqual(outcome(chain), [])
  market.close = 0.5 * MICROS
  deepEqual(outcome(chain), [Reason.BoardLot, 500])
})

test('board lot: other venues take any quantity without a price', () => {
  order.venue = definitions.findVenue('ASX')!
  order.quantity = 1
  market.best = undefined
  deepEqual(outcome(chainOf('board_lot')), [])
  deepEqual(market.closesAskedFor, [])
})

test('buying power: reaching the limit is fine, exceeding it by a millionth is not', () => {
  account.used = 4000 * MICROS
  deepEqual(outcome(chainOf('buying_power')), [])
  equal(order.holdPrice, 10 * MICROS)
  account.used += 1
  deepEqual(outcome(chainOf('buying_power')), [Reason.ExceedsBuyingPower, 5000.000001, 5000])
})

test('buying power: a quote is asked for before the price is looked at', () => {
  order.price = 0
  deepEqual(outcome(chainOf('buying_power')), [Reason.InvalidPrice])
  market.best = undefined
  deepEqual(outcome(chainOf('buying_power')), [Reason.NoBbo])
})

test('buying power: a market order needs the side it trades with, a limit order goes without', () => {
  market.best = { bid: 10 * MICROS, ask: 0 }
  deepEqual(outcome(chainOf('buying_power')), [])
  order.type = OrderType.Market
  deepEqual(outcome(chainOf('buying_power')), [Reason.NoBbo])
  order.side = Side.Ask
  deepEqual(outcome(chainOf('buying_power')), [])
})

test('buying power: the expected price is converted into the currency of the account', () => {
  account.currency = USD
  deepEqual(outcome(chainOf('buying_power')), [Reason.CurrencyNotRecognized])
  market.rate = 0.75
  deepEqual(outcome(chainOf('buying_power')), [])
  equal(order.holdPrice, 7.5 * MICROS)
  market.rate = Number.POSITIVE_INFINITY
  deepEqual(outcome(chainOf('buying_power')), [Reason.AmountTooLarge])
})

test('buying power: an account without risk parameters can do nothing', () => {
  account.currency = 0
  account.buyingPowerLimit = 0
  order.currency = 0
  deepEqual(outcome(chainOf('buying_power')), [Reason.CurrencyNotRecognized])
})

test('buying power: what leaves the range of amounts is told apart', () => {
  account.used = Number.POSITIVE_INFINITY
  deepEqual(outcome(chainOf('buying_power')), [Reason.AmountTooLarge])
})

test('risk state: unless active, opening orders are refused and closing ones are not', () => {
  const outcomes = [RiskStateType.Active, RiskStateType.CloseOrders, RiskStateType.Disabled].map(state => {
    account.riskState = state
    return [true, false].map(opening => {
      account.opening = opening
      return outcome(chainOf('risk_state'))
    })
  })
  deepEqual(outcomes, [
    [[], []],
    [[Reason.OnlyClosingOrders], []],
    [[Reason.OnlyClosingOrders], []],
  ])
})

test('the chain runs the checks in the configured order and the first refusal wins', () => {
  order.quantity = 650 * MICROS
  account.riskState = RiskStateType.Disabled
  const firstOf = (...names: CheckName[]) => outcome(chainOf(...names))[0]
  equal(firstOf(...checkNames), Reason.BoardLot)
  equal(firstOf('buying_power', 'board_lot', 'risk_state'), Reason.ExceedsBuyingPower)
  equal(firstOf('risk_state', 'buying_power'), Reason.OnlyClosingOrders)
  deepEqual(outcome(chainOf()), [])
})

test('the chain tells whether it prices orders', () => {
  deepEqual([chainOf(...checkNames).pricesOrders, chainOf('board_lot', 'risk_state').pricesOrders], [true, false])
})
