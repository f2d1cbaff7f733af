// Rules as people write them: names and parameters as words, a rule inside another behind a slash.
//
//   scope_filter scope=TSX / time_filter start=9:30 end=16:00 / order_count_limit_per_side count=10
//
// What a parameter means follows from the catalogue: amounts as decimals, durations with a unit (ms, s, m, h; seconds
// where none is given) or as a time of the day, currencies by their codes, scopes as texts separated by commas.

import { formatDecimal, parseDecimal } from '../domain/decimal.ts'
import type { Definitions } from '../domain/definitions.ts'
import { MICROS } from '../domain/money.ts'
import { parseScope, type Scope, unionOfScopes } from '../domain/scopes.ts'
import { formatTicker } from '../domain/tickers.ts'
import { findRuleSpec, type ParameterSpec, ruleCatalogue } from './catalogue.ts'
import {
  INNER_ARGUMENTS,
  INNER_NAME,
  type Parameter,
  type ParameterValue,
  type RuleSchema,
  unwrapSchema,
  wrapSchema,
} from './schema.ts'

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/
const TIME_OF_DAY = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/
const UNIT_US: Record<string, number> = { ms: 1_000, s: MICROS, m: 60 * MICROS, h: 3_600 * MICROS }

/** Words that are no rule; the message says what is wrong with them. */
export class RuleTextInvalid extends Error {
  override name = 'RuleTextInvalid'
}

/** The schema of such words. Bounds are not looked at. @throws RuleTextInvalid */
export function parseRule(words: readonly string[], definitions: Definitions): RuleSchema {
  const slash = words.indexOf('/')
  const [name, ...pairs] = slash < 0 ? words : words.slice(0, slash)
  const spec = name === undefined ? undefined : findRuleSpec(name)
  if (spec === undefined) {
    const known = ruleCatalogue.map(each => each.name).join(', ')
    throw new RuleTextInvalid(
      name === undefined ? 'A rule has a name.' : `There is no rule '${name}'; there are ${known}.`,
    )
  }
  const parameters = pairs.map((pair): Parameter => {
    const at = pair.indexOf('=')
    const parameter = spec.parameters.find(each => at > 0 && each.name === pair.slice(0, at))
    if (parameter !== undefined) {
      return { name: parameter.name, value: parseValue(parameter, pair.slice(at + 1), definitions) }
    }
    const known = spec.parameters.map(each => `${each.name}=…`).join(' ') || 'none'
    throw new RuleTextInvalid(`'${pair}' is no parameter of ${spec.name}; it has ${known}.`)
  })
  if (slash >= 0 && !spec.wraps) throw new RuleTextInvalid(`${spec.name} has no rule inside it.`)
  if (slash < 0 && spec.wraps) throw new RuleTextInvalid(`${spec.name} needs a rule inside it, behind a slash.`)
  if (slash < 0) return { name: spec.name, parameters }
  return wrapSchema(spec.name, parameters, parseRule(words.slice(slash + 1), definitions))
}

/** The words of a schema, joined by blanks; of one that no rule can be made of, as much as can be told. */
export function formatRule(schema: RuleSchema, definitions: Definitions): string {
  const spec = findRuleSpec(schema.name)
  const own = schema.parameters.filter(
    ({ name }) => spec?.wraps !== true || ![INNER_NAME, INNER_ARGUMENTS].includes(name),
  )
  const words = [schema.name, ...own.map(({ name, value }) => `${name}=${formatValue(value, definitions)}`)]
  const inner = spec?.wraps === true ? unwrapSchema(schema) : undefined
  return inner === undefined ? words.join(' ') : `${words.join(' ')} / ${formatRule(inner, definitions)}`
}

function parseValue(spec: ParameterSpec, text: string, definitions: Definitions): ParameterValue {
  const wrong = (what: string) => new RuleTextInvalid(`${spec.name}=${text}: ${what}`)
  const { kind } = spec
  switch (kind) {
    case 'quantity':
    case 'money': {
      const value = parseDecimal(text)
      if (value === undefined) throw wrong('a decimal number is needed.')
      return { kind, value }
    }
    case 'double': {
      const value = parseDecimal(text)
      if (value === undefined) throw wrong('a decimal number is needed.')
      return { kind, value: value / MICROS }
    }
    case 'duration': {
      const value = durationOf(text)
      if (value === undefined) throw wrong('a duration is needed, as 30s, 5m, 1.5h, or a time of the day, as 9:30.')
      return { kind, value }
    }
    case 'currency': {
      const currency = definitions.currencyByCode(text)
      if (currency === undefined) throw wrong('there is no such currency.')
      return { kind, value: currency.id }
    }
    case 'scope': {
      const scopes = text.split(',').map(part => parseScope(part, definitions))
      if (scopes.includes(undefined)) throw wrong('*, countries, venues or tickers are needed, separated by commas.')
      return { kind, value: unionOfScopes(scopes as Scope[]) }
    }
    case 'text':
      if (spec.choices?.includes(text) === false) throw wrong(`one of ${spec.choices.join(', ')} is needed.`)
      return { kind, value: text }
    default:
      throw wrong(`parameters of the kind ${kind} cannot be written as words.`)
  }
}

function durationOf(text: string): number | undefined {
  const [, hours, minutes, seconds = '0'] = TIME_OF_DAY.exec(text) ?? []
  if (hours !== undefined) return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * MICROS
  const [, number, unit = 's'] = DURATION.exec(text) ?? []
  return number === undefined ? undefined : Math.round(Number(number) * UNIT_US[unit]!)
}

function formatValue({ kind, value }: ParameterValue, definitions: Definitions): string {
  switch (kind) {
    case 'quantity':
    case 'money':
      return formatDecimal(value)
    case 'duration':
      return `${formatDecimal(value)}s`
    case 'currency':
      return definitions.currency(value)?.code ?? String(value)
    case 'scope':
      return formatScope(value, definitions)
    case 'ticker':
      return formatTicker(value, definitions)
    case 'entry':
      return `${value.nodeKind} ${value.id}`
    case 'list':
      return value.map(each => formatValue(each, definitions)).join(',')
    default:
      return String(value)
  }
}

function formatScope({ isGlobal, countries, venues, tickers }: Scope, definitions: Definitions): string {
  if (isGlobal) return '*'
  const listings = [...venues].map(mic => definitions.venue(mic)?.displayName ?? mic)
  return [...countries, ...listings, ...[...tickers.values()].map(ticker => formatTicker(ticker, definitions))].join(
    ',',
  )
}
