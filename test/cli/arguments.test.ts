import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import {
  parseCurrency,
  parsePoint,
  parseSide,
  parseTime,
  parseTimeInForce,
  parseWhole,
} from '../../src/cli/arguments.ts'
import { queryOf } from '../../src/cli/commands/orders.ts'
import { orderOf } from '../../src/cli/commands/submit.ts'
import { ExitStatus } from '../../src/cli/exit-status.ts'
import { OrderType, Side, TimeInForce } from '../../src/client/index.ts'

test('sides and times in force are words in any case', () => {
  deepEqual(['buy', 'BID', 'sell', 'Ask'].map(parseSide), [Side.Bid, Side.Bid, Side.Ask, Side.Ask])
  deepEqual(['day', 'GTC', 'ioc', 'gtd'].map(parseTimeInForce), [
    TimeInForce.Day,
    TimeInForce.Gtc,
    TimeInForce.Ioc,
    TimeInForce.Gtd,
  ])
})

test('a time without a zone is UTC', () => {
  const expected = Date.UTC(2026, 0, 30, 14, 30) * 1_000
  for (const word of [
    '2026-01-30T14:30',
    '2026-01-30 14:30:00',
    '2026-01-30T09:30:00-05:00',
    '2026-01-30T14:30:00.000Z',
  ]) {
    equal(parseTime(word), expected)
  }
  equal(parseTime('2026-01-30'), Date.UTC(2026, 0, 30) * 1_000)
})

test('a currency is a code or a number', () => {
  deepEqual(['CAD', 'usd', '756'].map(parseCurrency), [124, 840, 756])
})

test('a point is a sequence or a time', () => {
  deepEqual([parsePoint('17'), parsePoint('1970-01-01T00:00:01')], [17, { timestamp: 1_000_000 }])
})

const wrong: [name: string, parse: () => unknown][] = [
  ['a side that is none', () => parseSide('hold')],
  ['a time in force that is none', () => parseTimeInForce('none')],
  ['a currency that is none', () => parseCurrency('gold')],
  ['a date that does not exist', () => parseTime('2026-13-01')],
  ['a time in words', () => parseTime('tomorrow')],
  ['a number below its bound', () => parseWhole('0', 'a count', 1)],
  ['a number with a fraction', () => parseWhole('1.5', 'a count')],
  ['a number past the exact range', () => parseWhole('9007199254740992', 'an order id')],
  ['a stop with a limit', () => orderOf('buy', '1', 'ABX.TSX', { stop: '1', limit: '2' })],
  ['a peg that is none', () => orderOf('buy', '1', 'ABX.TSX', { peg: 'best' })],
  ['two limits of a list', () => queryOf({ first: '1', all: true })],
]
for (const [name, parse] of wrong) {
  test(`${name} is a wrong command line`, () => void throws(parse, { status: ExitStatus.Usage }))
}

test('flags make the type of the order', () => {
  const typeAndPrice = (flags: Parameters<typeof orderOf>[3]) => {
    const { type, price, tags = [] } = orderOf('buy', '100', 'ABX.TSX', flags)
    return [type, price, tags]
  }
  deepEqual(typeAndPrice({}), [OrderType.Market, 0, []])
  deepEqual(typeAndPrice({ limit: '25.37' }), [OrderType.Limit, '25.37', []])
  deepEqual(typeAndPrice({ stop: '24' }), [OrderType.Stop, '24', []])
  deepEqual(typeAndPrice({ peg: 'primary' }), [OrderType.Pegged, 0, []])
  deepEqual(typeAndPrice({ peg: 'mid', limit: '26' }), [OrderType.Pegged, '26', [[18, 5, 'M']]])
})

test('flags make the query', () => {
  deepEqual(queryOf({}), { limit: { tail: 50 } })
  deepEqual(queryOf({ live: true, symbol: 'ABX', from: '5', to: '1970-01-01', all: true }), {
    start: 5,
    end: { timestamp: 0 },
    filter: ['and', ['=', 'is_live', true], ['=', 'symbol', 'ABX']],
  })
  deepEqual(queryOf({ first: '3', venue: 'XTSE' }), { limit: { head: 3 }, filter: ['=', 'venue', 'XTSE'] })
})
