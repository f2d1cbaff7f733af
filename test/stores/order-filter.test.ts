import assert from 'node:assert/strict'
import { test } from 'node:test'
import { embeddedDialect } from '../../src/stores/embedded-view.ts'
import { mysqlDialect } from '../../src/stores/mysql/mysql-view.ts'
import {
  demandedOrderIds,
  demandsLive,
  type FilterableOrder,
  filterCondition,
  InvalidFilter,
  parseOrderFilter,
  passes,
} from '../../src/stores/order-filter.ts'

const order: FilterableOrder = {
  orderId: 12,
  timestamp: 1_700_000_000_000_000,
  shortFlag: false,
  isLive: true,
  symbol: 'ABX',
  venue: 'XTSE',
}

test('filters judge the members of an order', () => {
  const judged: [filter: unknown, passes: boolean][] = [
    [undefined, true],
    [null, true],
    [['=', 'order_id', 12], true],
    [['!=', 'order_id', 12], false],
    [['<', 'order_id', 12.5], true],
    [['>=', 'timestamp', 1_700_000_000_000_001], false],
    [['=', 'short_flag', false], true],
    [['=', 'short_flag', 1], false],
    [['=', 'is_live', true], true],
    [['not', ['=', 'is_live', 1]], false],
    [['=', 'symbol', 'abx'], false],
    [['<', 'symbol', 'ABY'], true],
    [['and'], true],
    [['or'], false],
    [['not', ['and']], false],
    [['and', ['=', 'venue', 'XTSE'], ['>', 'order_id', 11]], true],
    [['or', ['=', 'venue', 'TSX'], ['not', ['or', ['>', 'order_id', 11], ['and']]]], false],
  ]
  for (const [filter, expected] of judged) {
    assert.equal(passes(parseOrderFilter(filter), order), expected, JSON.stringify(filter))
  }
})

test('what is no filter is refused with its place', () => {
  const refused: [filter: unknown, at: string][] = [
    [7, '[]'],
    [[], '[0]'],
    [['=='], '[0]'],
    [['=', 'price', 1], '[1]'],
    [['=', 'toString', 1], '[1]'],
    [['=', 'order_id'], '[2]'],
    [['=', 'order_id', '12'], '[2]'],
    [['=', 'order_id', Number.NaN], '[2]'],
    [['=', 'order_id', 1, 2], '[2]'],
    [['=', 'is_live', 2], '[2]'],
    [['=', 'venue', 3], '[2]'],
    [['not'], '[1]'],
    [['and', ['=', 'order_id', 1], ['or', ['not', 4]]], '[2][1][1]'],
  ]
  for (const [filter, at] of refused) assert.throws(() => parseOrderFilter(filter), new InvalidFilter(at))
  const wide = ['or', ...Array.from({ length: 10_000 }, (_, id) => ['=', 'order_id', id])]
  assert.throws(() => parseOrderFilter(wide), InvalidFilter)
})

test('a filter tells when only live orders or certain ids can pass', () => {
  const live = ['=', 'is_live', 1]
  const ids = ['or', ['=', 'order_id', 1], ['=', 'order_id', 2]]
  const told: [filter: unknown, live: boolean, ids: number[] | undefined][] = [
    [undefined, false, undefined],
    [live, true, undefined],
    [['not', ['=', 'is_live', 0]], true, undefined],
    [['or', live, ids], false, undefined],
    [['and', live, ids], true, [1, 2]],
    [['and', ['!=', 'order_id', 3], ids], false, [1, 2]],
    [['or'], false, []],
    [['not', ids], false, undefined],
  ]
  for (const [filter, isLive, orderIds] of told) {
    const parsed = parseOrderFilter(filter)
    assert.equal(demandsLive(parsed), isLive, JSON.stringify(filter))
    const found = demandedOrderIds(parsed)
    assert.deepEqual(found && [...found], orderIds, JSON.stringify(filter))
  }
})

test('the condition for SQL leaves open what only the predicate can judge', () => {
  const filter = parseOrderFilter([
    'and',
    ['not', ['or', ['=', 'symbol', 'A'], ['<', 'order_id', 5]]],
    ['<', 'symbol', 'B'],
    ['=', 'is_live', 1],
  ])
  for (const dialect of [embeddedDialect, mysqlDialect]) {
    assert.deepEqual(filterCondition(filter, dialect), {
      sql: '((s.symbol != ? AND s.order_id >= ?) AND 1 = 1 AND 1 = 1)',
      parameters: ['A', 5],
      isExact: false,
    })
    assert.deepEqual(filterCondition(undefined, dialect), { sql: '1 = 1', parameters: [], isExact: true })
    const long = parseOrderFilter(['or', ...Array.from({ length: 300 }, (_, id) => ['=', 'order_id', id])])
    assert.deepEqual(filterCondition(long, dialect), { sql: '1 = 1', parameters: [], isExact: false })
  }
})

test('times are compared as each store keeps them, and left open where no column can hold them', () => {
  const since = (timestamp: number) => parseOrderFilter(['>', 'timestamp', timestamp])
  const sqlOf = (timestamp: number) =>
    [embeddedDialect, mysqlDialect].map(dialect => filterCondition(since(timestamp), dialect).sql)
  assert.deepEqual(sqlOf(1_700_000_000_000_001), [
    's.timestamp > 1700000000000001',
    "s.timestamp > TIMESTAMP'2023-11-14 22:13:20.000001'",
  ])
  assert.deepEqual(sqlOf(0.5), ['1 = 1', '1 = 1'])
  assert.deepEqual(sqlOf(-1), ['s.timestamp > -1', '1 = 1'])
})
