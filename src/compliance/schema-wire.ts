// A schema as plain values: the same on the wire of the services and in the database. It is one flat list, so that rules
// may be nested deeper than messages are:
//
//   schema      name, number of parameters, (name, value) …
//   value       kind, then by kind
//     0 boolean    0 or 1                        5 text       text
//     1 quantity   micros                        6 currency   ISO 4217 number
//     2 money      micros                        7 venue      MIC
//     3 double     number                        8 ticker     symbol, MIC
//     4 timestamp  µs since the epoch            9 scope      0 or 1 (global), then three times a number and so many:
//    10 duration   µs                                         countries, MICs, tickers (symbol, MIC)
//    11 entry      id, 0 account or 1 directory 12 list       number of values, values

import { unreachable } from '../base/assert.ts'
import { isMicros } from '../domain/money.ts'
import { GLOBAL_SCOPE, type Scope, scopeOf } from '../domain/scopes.ts'
import type { Ticker } from '../domain/tickers.ts'
import type { Value } from '../protocol/msgpack.ts'
import type { Parameter, ParameterKind, ParameterValue, RuleSchema } from './schema.ts'

const kindNumbers: Record<ParameterKind, number> = {
  boolean: 0,
  quantity: 1,
  money: 2,
  double: 3,
  timestamp: 4,
  text: 5,
  currency: 6,
  venue: 7,
  ticker: 8,
  scope: 9,
  duration: 10,
  entry: 11,
  list: 12,
}
const kindsByNumber = new Map(Object.entries(kindNumbers).map(([kind, number]) => [number, kind as ParameterKind]))

/** Values in a schema, at most, counting those inside lists and scopes. */
const VALUES_MAX = 100_000
/** Lists inside lists, at most: two for each rule around another. */
const LISTS_DEEP_MAX = 64
/** Characters of any text. */
const TEXT_LENGTH_MAX = 4096
const ID_MAX = 0xffff_ffff
const CURRENCY_MAX = 0xffff

export function schemaToWire(schema: RuleSchema): Value[] {
  const values: Value[] = [schema.name, schema.parameters.length]
  for (const { name, value } of schema.parameters) {
    values.push(name)
    write(values, value)
  }
  return values
}

function write(values: Value[], value: ParameterValue): void {
  values.push(kindNumbers[value.kind])
  switch (value.kind) {
    case 'boolean':
      values.push(value.value ? 1 : 0)
      break
    case 'quantity':
    case 'money':
    case 'double':
    case 'timestamp':
    case 'duration':
    case 'currency':
    case 'text':
    case 'venue':
      values.push(value.value)
      break
    case 'ticker':
      values.push(value.value.symbol, value.value.venue)
      break
    case 'scope':
      writeScope(values, value.value)
      break
    case 'entry':
      values.push(value.value.id, value.value.nodeKind === 'account' ? 0 : 1)
      break
    case 'list':
      values.push(value.value.length)
      for (const element of value.value) write(values, element)
      break
    default:
      unreachable(value)
  }
}

function writeScope(values: Value[], scope: Scope): void {
  values.push(scope.isGlobal ? 1 : 0, scope.countries.size, ...scope.countries, scope.venues.size, ...scope.venues)
  values.push(scope.tickers.size)
  for (const { symbol, venue } of scope.tickers.values()) values.push(symbol, venue)
}

/** The schema of such a list, which nobody has vouched for; undefined where it is none. Whether it makes sense is not asked. */
export function schemaFromWire(values: Value | undefined): RuleSchema | undefined {
  if (!Array.isArray(values) || values.length > VALUES_MAX) return undefined
  try {
    return new SchemaReader(values).schema()
  } catch (error) {
    if (error instanceof MalformedSchema) return undefined
    throw error
  }
}

class MalformedSchema extends Error {}

class SchemaReader {
  readonly #values: readonly Value[]
  #next = 0

  constructor(values: readonly Value[]) {
    this.#values = values
  }

  schema(): RuleSchema {
    const name = this.#text()
    const parameters = this.#times((): Parameter => ({ name: this.#text(), value: this.#value(0) }))
    if (this.#next !== this.#values.length) throw new MalformedSchema()
    return { name, parameters }
  }

  #value(depth: number): ParameterValue {
    const kind = kindsByNumber.get(this.#whole(0, kindsByNumber.size))
    switch (kind) {
      case 'boolean':
        return { kind, value: this.#flag() }
      case 'quantity':
      case 'money':
      case 'timestamp':
      case 'duration': {
        const value = this.#number()
        if (!isMicros(value)) throw new MalformedSchema()
        return { kind, value }
      }
      case 'double': {
        const value = this.#number()
        if (!Number.isFinite(value)) throw new MalformedSchema()
        return { kind, value }
      }
      case 'currency':
        return { kind, value: this.#whole(0, CURRENCY_MAX) }
      case 'text':
      case 'venue':
        return { kind, value: this.#text() }
      case 'ticker':
        return { kind, value: this.#ticker() }
      case 'scope':
        return { kind, value: this.#scope() }
      case 'entry':
        return { kind, value: { id: this.#whole(0, ID_MAX), nodeKind: this.#flag() ? 'directory' : 'account' } }
      case 'list':
        if (depth === LISTS_DEEP_MAX) throw new MalformedSchema()
        return { kind, value: this.#times(() => this.#value(depth + 1)) }
      case undefined:
        throw new MalformedSchema()
      default:
        return unreachable(kind)
    }
  }

  #scope(): Scope {
    const isGlobal = this.#flag()
    const countries = this.#times(() => this.#text())
    const venues = this.#times(() => this.#text())
    const tickers = this.#times(() => this.#ticker())
    if (!isGlobal) return scopeOf({ countries, venues, tickers })
    if (countries.length + venues.length + tickers.length > 0) throw new MalformedSchema()
    return GLOBAL_SCOPE
  }

  #ticker(): Ticker {
    return { symbol: this.#text(), venue: this.#text() }
  }

  /** A number, and what `read` makes of as many times. What announces more than there is ends with the values. */
  #times<T>(read: () => T): T[] {
    const count = this.#whole(0, VALUES_MAX)
    const found: T[] = []
    for (let i = 0; i < count; i++) found.push(read())
    return found
  }

  #flag(): boolean {
    return this.#whole(0, 1) === 1
  }

  #whole(min: number, max: number): number {
    const value = this.#number()
    if (!Number.isInteger(value) || value < min || value > max) throw new MalformedSchema()
    return value
  }

  #number(): number {
    const value = this.#values[this.#next++]
    if (typeof value !== 'number') throw new MalformedSchema()
    return value
  }

  #text(): string {
    const value = this.#values[this.#next++]
    if (typeof value !== 'string' || value.length > TEXT_LENGTH_MAX) throw new MalformedSchema()
    return value
  }
}
