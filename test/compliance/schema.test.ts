import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ruleCatalogue } from '../../src/compliance/catalogue.ts'
import { buildFault, checkSchema, isPooled, RULES_DEEP_MAX } from '../../src/compliance/check-schema.ts'
import { type ParameterValue, type RuleSchema, unwrapSchema, wrapSchema } from '../../src/compliance/schema.ts'
import { schemaFromWire, schemaToWire } from '../../src/compliance/schema-wire.ts'
import { MICROS, MICROS_MAX } from '../../src/domain/money.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { GLOBAL_SCOPE, scopeOf } from '../../src/domain/scopes.ts'
import { pack, unpack } from '../../src/protocol/msgpack.ts'
import { schemas } from './rule-stage.ts'
import { definitions } from './rule-twin.ts'

/** Records with the prototype that literals have. */
const plain = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true })

const texts = fc.string({ maxLength: 20 })
const whole = fc.integer({ min: -MICROS_MAX, max: MICROS_MAX })
const tickers = plain({ symbol: texts, venue: texts })
const scopes = fc.oneof(
  fc.constant(GLOBAL_SCOPE),
  plain({ countries: fc.array(texts), venues: fc.array(texts), tickers: fc.array(tickers) }).map(scopeOf),
)

const values: fc.Arbitrary<ParameterValue> = fc.letrec<{ value: ParameterValue }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    plain({ kind: fc.constant('boolean' as const), value: fc.boolean() }),
    plain({ kind: fc.constantFrom('quantity' as const, 'money', 'timestamp', 'duration'), value: whole }),
    plain({ kind: fc.constant('double' as const), value: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
    plain({ kind: fc.constant('currency' as const), value: fc.nat({ max: 65_535 }) }),
    plain({ kind: fc.constantFrom('text' as const, 'venue'), value: texts }),
    plain({ kind: fc.constant('ticker' as const), value: tickers }),
    plain({ kind: fc.constant('scope' as const), value: scopes }),
    plain({
      kind: fc.constant('entry' as const),
      value: plain({ id: fc.nat(), nodeKind: fc.constantFrom('account' as const, 'directory') }),
    }),
    plain({ kind: fc.constant('list' as const), value: fc.array(tie('value'), { maxLength: 4 }) }),
  ),
})).value

const anySchemas: fc.Arbitrary<RuleSchema> = plain({
  name: texts,
  parameters: fc.array(plain({ name: texts, value: values }), { maxLength: 5 }),
})

test('a schema comes back from the wire as it went', () => {
  fc.assert(
    fc.property(fc.oneof(anySchemas, schemas), schema => {
      deepEqual(schemaFromWire(unpack(pack(schemaToWire(schema)))), schema)
    }),
  )
})

test('what is not a schema on the wire is none, wherever it is cut or changed', () => {
  fc.assert(
    fc.property(anySchemas, fc.nat(), fc.anything(), (schema, at, odd) => {
      const wire = schemaToWire(schema)
      equal(schemaFromWire(wire.slice(0, at % wire.length)), undefined)
      equal(schemaFromWire([...wire, 0]), undefined)
      schemaFromWire(wire.with(at % wire.length, odd as never))
    }),
  )
  for (const odd of [undefined, null, 'text', {}, [], ['name'], ['name', -1], ['name', 1e9], ['name', 0.5]]) {
    equal(schemaFromWire(odd as never), undefined)
  }
})

test('a schema inside another is found again', () => {
  fc.assert(
    fc.property(anySchemas, texts, (inner, name) => {
      deepEqual(unwrapSchema(wrapSchema(name, [], inner)), inner)
    }),
  )
})

const text = (value: string): ParameterValue => ({ kind: 'text', value })
const list = (...value: ParameterValue[]): ParameterValue => ({ kind: 'list', value })

test('an inner schema without parts reads as empty, one that is not pairs is malformed', () => {
  const inside = (parameters: Record<string, ParameterValue>) =>
    unwrapSchema({
      name: 'per_side',
      parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })),
    })
  deepEqual(inside({}), { name: '', parameters: [] })
  deepEqual(inside({ name: text('x') }), { name: 'x', parameters: [] })
  deepEqual(inside({ arguments: list(list(text('count'), text('y'))) }), {
    name: '',
    parameters: [{ name: 'count', value: text('y') }],
  })
  equal(inside({ arguments: list(list(text('count'))) }), undefined)
  equal(inside({ arguments: list(list(text('count'), text('y'), text('z'))) }), undefined)
  equal(inside({ arguments: list(text('count')) }), undefined)
  equal(inside({ arguments: list(list(list(), text('y'))) }), undefined)
  equal(inside({ arguments: text('count') }), undefined)
  equal(inside({ name: list() }), undefined)
})

function schema(name: string, parameters: Record<string, ParameterValue> = {}): RuleSchema {
  return { name, parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })) }
}

const quantity = (units: number): ParameterValue => ({ kind: 'quantity', value: units * MICROS })
const money = (units: number): ParameterValue => ({ kind: 'money', value: units * MICROS })
const currency = (id: number): ParameterValue => ({ kind: 'currency', value: id })

test('whatever the tests drive as a rule may be stored', () => {
  fc.assert(
    fc.property(schemas, schema => {
      equal(buildFault(schema), undefined)
      equal(checkSchema(schema, definitions), undefined)
    }),
  )
})

test('what is wrong with a schema is told by name', () => {
  const fault = (schema: RuleSchema) => {
    const found = checkSchema(schema, definitions)
    return found && [found.reason, ...found.params]
  }
  const { RuleNameUnknown, RuleParameterMissing, RuleParameterInvalid } = Reason
  deepEqual(fault(schema('nonsense')), [RuleNameUnknown, 'nonsense'])
  deepEqual(fault(schema('per_side')), [RuleNameUnknown, ''])
  deepEqual(fault(wrapSchema('per_side', [], schema('nonsense'))), [RuleNameUnknown, 'nonsense'])
  deepEqual(fault(schema('order_count_limit')), undefined)
  deepEqual(fault(schema('order_count_limit', { count: money(1) })), [
    RuleParameterInvalid,
    'order_count_limit.count',
    'has to be of the kind quantity',
  ])
  deepEqual(fault(schema('order_count_limit', { count: quantity(-1) })), [
    RuleParameterInvalid,
    'order_count_limit.count',
    'has to be from 0 to 100000000',
  ])
  deepEqual(fault(schema('order_count_limit', { count: quantity(1), kount: quantity(1) })), [
    RuleParameterInvalid,
    'order_count_limit.kount',
    'is not known to the rule',
  ])
  deepEqual(fault(schema('maximum_order_value', { value: money(1) })), [
    RuleParameterMissing,
    'maximum_order_value',
    'currency',
  ])
  deepEqual(fault(schema('maximum_order_value', { value: money(1), currency: currency(999) })), [
    RuleParameterInvalid,
    'maximum_order_value.currency',
    'is not a defined currency',
  ])
  deepEqual(fault(schema('price_collar', { limit: { kind: 'double', value: Number.NaN } })), [
    RuleParameterInvalid,
    'price_collar.limit',
    'has to be from 0.01 to 1000',
  ])
  deepEqual(fault(schema('restricted_tickers', { scope: { kind: 'scope', value: GLOBAL_SCOPE }, side: text('buy') })), [
    RuleParameterInvalid,
    'restricted_tickers.side',
    'has to be one of both, bid, ask',
  ])
  deepEqual(fault(schema('restricted_tickers', { scope: { kind: 'scope', value: scopeOf({ venues: ['XXXX'] }) } })), [
    RuleParameterInvalid,
    'restricted_tickers.scope',
    'names the venue XXXX, which is not defined',
  ])
  deepEqual(fault(schema('restricted_tickers', { scope: { kind: 'scope', value: scopeOf({ countries: ['XX'] }) } })), [
    RuleParameterInvalid,
    'restricted_tickers.scope',
    'names the country XX, which is not defined',
  ])
  deepEqual(fault(schema('per_side', { arguments: text('') })), [
    RuleParameterInvalid,
    'per_side.arguments',
    'has to be a list of pairs: name, value',
  ])
  const nested = (rules: number): RuleSchema =>
    rules === 1 ? schema('reject_cancels') : wrapSchema('per_side', [], nested(rules - 1))
  equal(fault(nested(RULES_DEEP_MAX)), undefined)
  deepEqual(fault(nested(RULES_DEEP_MAX + 1)), [RuleParameterInvalid, 'per_side.name', 'nests too many rules'])
})

test('what was stored under other bounds, or with parameters nobody knows, is built all the same', () => {
  equal(buildFault(schema('order_count_limit', { count: quantity(-1), more: text('') })), undefined)
})

test('a rule is pooled on a directory where it remembers something that is not kept by account', () => {
  const pooled = (schema: RuleSchema, nodeKind: 'account' | 'directory' = 'directory') => isPooled({ nodeKind, schema })
  const limit = schema('order_count_limit')
  equal(pooled(limit), true)
  equal(pooled(limit, 'account'), false)
  equal(pooled(wrapSchema('per_ticker', [], limit)), true)
  equal(pooled(wrapSchema('per_account', [], limit)), false)
  equal(pooled(wrapSchema('per_ticker', [], wrapSchema('per_account', [], limit))), false)
  equal(pooled(wrapSchema('scope_filter', [], schema('reject_cancels'))), false)
  equal(pooled(schema('nonsense')), false)
  const names = ruleCatalogue.filter(({ memory }) => memory === 'events' || memory === 'orders').map(({ name }) => name)
  deepEqual(names, [
    'order_count_limit',
    'order_count_limit_per_side',
    'opposing_cancel',
    'opposing_submission',
    'buying_power',
    'maximum_position',
    'maximum_gross_exposure',
    'message_rate',
    'repeated_executions',
  ])
})
