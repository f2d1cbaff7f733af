import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { checkSchema } from '../../src/compliance/check-schema.ts'
import { formatRule, parseRule } from '../../src/compliance/rule-text.ts'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { MICROS } from '../../src/domain/money.ts'

const definitions = definitionsFromData(definitionsData)
const parse = (text: string) => parseRule(text.split(' '), definitions)

/** As people write it, and as it is told. */
const rules = {
  reject_submissions: 'reject_submissions',
  'order_count_limit count=10': 'order_count_limit count=10',
  'price_collar limit=2.5 without_market=accept': 'price_collar limit=2.5 without_market=accept',
  'maximum_order_value value=25000.50 currency=CAD': 'maximum_order_value value=25000.5 currency=CAD',
  'message_rate submissions=100 interval=1.5s': 'message_rate submissions=100 interval=1.5s',
  'duplicate_order window=250ms': 'duplicate_order window=0.25s',
  'repeated_executions count=5 interval=2m': 'repeated_executions count=5 interval=120s',
  'restricted_tickers scope=ABX.TSX,AU side=ask': 'restricted_tickers scope=AU,ABX.TSX side=ask',
  'scope_filter scope=TSX / time_filter start=9:30 end=16:00:30 / per_ticker / opposing_cancel timeout=3':
    'scope_filter scope=TSX / time_filter start=34200s end=57630s / per_ticker / opposing_cancel timeout=3',
  'scope_filter scope=* / buying_power buying_power=1000 currency=USD':
    'scope_filter scope=* / buying_power buying_power=1000 currency=USD',
}

test('rules are understood as they are written, and told so that they are understood again', () => {
  for (const [text, told] of Object.entries(rules)) {
    const schema = parse(text)
    equal(checkSchema(schema, definitions), undefined, text)
    equal(formatRule(schema, definitions), told)
    deepEqual(parse(told), schema)
  }
})

test('amounts are micros, durations microseconds', () => {
  deepEqual(parse('message_rate submissions=100 interval=1.5s').parameters, [
    { name: 'submissions', value: { kind: 'quantity', value: 100 * MICROS } },
    { name: 'interval', value: { kind: 'duration', value: 1.5 * MICROS } },
  ])
})

test('words that are no rule are told by what is wrong with them', () => {
  for (const [text, message] of [
    ['', /^There is no rule ''; there are reject_submissions, /],
    ['no_such_rule', /^There is no rule 'no_such_rule'/],
    ['order_count_limit size=3', /^'size=3' is no parameter of order_count_limit; it has count=…\.$/],
    ['order_count_limit 3', /^'3' is no parameter of order_count_limit/],
    ['order_count_limit count=three', /^count=three: a decimal number is needed\.$/],
    ['duplicate_order window=soon', /^window=soon: a duration is needed/],
    ['maximum_order_value value=1 currency=XXX', /^currency=XXX: there is no such currency\.$/],
    ['restricted_tickers scope=TSX,Atlantis', /^scope=TSX,Atlantis: \*, countries, venues or tickers are needed/],
    ['restricted_tickers scope=* side=long', /^side=long: one of both, bid, ask is needed\.$/],
    ['per_account', /^per_account needs a rule inside it, behind a slash\.$/],
    ['order_count_limit count=1 / reject_cancels', /^order_count_limit has no rule inside it\.$/],
    ['per_account / ', /^There is no rule ''/],
  ] as const) {
    throws(() => parse(text), { name: 'RuleTextInvalid', message })
  }
})
