// Expected prices and board lots, by their tables.

import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { boardLot, expectedPrice, hasBoardLots } from '../../src/accounting/order-pricing.ts'
import { MICROS } from '../../src/domain/money.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Side } from '../../src/domain/side.ts'

test('a limit sale counts at the higher of limit and best bid, a limit purchase at the lower of limit and best ask', () => {
  equal(expectedPrice(OrderType.Limit, Side.Ask, 9, 10, 12), 10)
  equal(expectedPrice(OrderType.Limit, Side.Ask, 11, 10, 12), 11)
  equal(expectedPrice(OrderType.Limit, Side.Bid, 11, 10, 12), 11)
  equal(expectedPrice(OrderType.Limit, Side.Bid, 13, 10, 12), 12)
})

test('every other order counts at the opposite side of the market, whatever its price', () => {
  for (const type of [OrderType.Market, OrderType.Pegged, OrderType.Stop]) {
    equal(expectedPrice(type, Side.Ask, 99, 10, 12), 10)
    equal(expectedPrice(type, Side.Bid, 1, 10, 12), 12)
  }
})

test('without an opposite side a limit order counts at its limit and nothing is known of any other', () => {
  equal(expectedPrice(OrderType.Limit, Side.Ask, 9, 0, 12), 9)
  equal(expectedPrice(OrderType.Limit, Side.Bid, 11, 10, 0), 11)
  equal(expectedPrice(OrderType.Market, Side.Ask, 0, 0, 12), 0)
  equal(expectedPrice(OrderType.Market, Side.Bid, 0, 10, 0), 0)
})

test('the board lot shrinks at ten cents and at one', () => {
  const lots = [0, 99_999, 100_000, 999_999, MICROS, 1000 * MICROS].map(price => boardLot(price) / MICROS)
  equal(lots.join(), '1000,1000,500,500,100,100')
})

test('four venues trade in board lots', () => {
  const venues = ['XTSE', 'XTSX', 'NEOE', 'XCNQ', 'CSE2', 'XASX', 'PURE', '']
  equal(venues.filter(hasBoardLots).join(), 'XTSE,XTSX,NEOE,XCNQ')
})
