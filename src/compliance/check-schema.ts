// Whether a schema can be a rule, judged by the catalogue, and the rule it makes. There are two questions: what can be
// built at all (names, kinds, what is missing), and what somebody may store today (bounds, currencies, parameters that
// no rule knows). What was stored once is built as long as it can be.

import { assert } from '../base/assert.ts'
import type { Definitions } from '../domain/definitions.ts'
import { MICROS } from '../domain/money.ts'
import { Reason } from '../domain/reasons.ts'
import { findRuleSpec, type ParameterSpec, type RuleSpec, RuleValues } from './catalogue.ts'
import type { Rule, RuleContext } from './rule.ts'
import {
  INNER_ARGUMENTS,
  INNER_NAME,
  type ParameterValue,
  parameterOf,
  type RuleEntry,
  type RuleSchema,
  unwrapSchema,
} from './schema.ts'

/** Rules around one another, at most. */
export const RULES_DEEP_MAX = 8

/** What is wrong with a schema. */
export interface SchemaFault {
  readonly reason: Reason
  readonly params: readonly string[]
}

/** What is wrong with a schema that somebody wants to store; undefined where nothing is. */
export function checkSchema(schema: RuleSchema, definitions: Definitions): SchemaFault | undefined {
  return findFault(schema, 1, definitions)
}

/** Why no rule can be made of a schema; undefined where one can. */
export function buildFault(schema: RuleSchema): SchemaFault | undefined {
  return findFault(schema, 1, undefined)
}

/** The rule of a schema for which there is no `buildFault`. */
export function makeRule(schema: RuleSchema, context: RuleContext): Rule {
  const spec = findRuleSpec(schema.name)
  assert(spec !== undefined, 'a rule is built from a schema that was looked at')
  const innermost = innermostSpec(schema)
  const inner = unwrapSchema(schema)
  const makeInner = () => {
    assert(inner !== undefined)
    return makeRule(inner, context)
  }
  return spec.make(new RuleValues(schema, spec), context, makeInner, innermost)
}

/**
 * Whether the judgement on one account's order depends on what other accounts do: the rule stands on a directory and
 * remembers something that is not kept apart by account. Such a rule has to see the orders of all of them.
 */
export function isPooled({ nodeKind, schema }: Pick<RuleEntry, 'nodeKind' | 'schema'>): boolean {
  if (nodeKind === 'account' || buildFault(schema) !== undefined) return false
  const { memory } = innermostSpec(schema)
  if (memory === 'nothing' || memory === 'own account') return false
  for (let around = schema; findRuleSpec(around.name)!.wraps; around = unwrapSchema(around)!) {
    if (around.name === 'per_account') return false
  }
  return true
}

/** Whether a rule of this schema, which can be built, may refuse cancels, or counts them. */
export function judgesCancels(schema: RuleSchema): boolean {
  const spec = findRuleSpec(schema.name)
  assert(spec !== undefined, 'a rule is asked about that was not looked at')
  return spec.cancels.length > 0 || (spec.wraps && judgesCancels(unwrapSchema(schema)!))
}

/** The spec of the rule that wraps none, in a schema that can be built. */
export function innermostSpec(schema: RuleSchema): RuleSpec {
  const spec = findRuleSpec(schema.name)
  assert(spec !== undefined, 'an inner rule is looked for in a schema that was looked at')
  return spec.wraps ? innermostSpec(unwrapSchema(schema)!) : spec
}

/** With `definitions` also what is wrong with storing it. */
function findFault(schema: RuleSchema, depth: number, definitions: Definitions | undefined): SchemaFault | undefined {
  const spec = findRuleSpec(schema.name)
  if (spec === undefined) return { reason: Reason.RuleNameUnknown, params: [schema.name] }
  for (const parameter of spec.parameters) {
    const value = parameterOf(schema, parameter.name)
    if (value === undefined) {
      if (parameter.fallback !== undefined) continue
      return { reason: Reason.RuleParameterMissing, params: [spec.name, parameter.name] }
    }
    const kindFault = value.kind === parameter.kind ? undefined : `has to be of the kind ${parameter.kind}`
    const fault = kindFault ?? (definitions === undefined ? undefined : valueFault(parameter, value, definitions))
    if (fault !== undefined) return invalid(`${spec.name}.${parameter.name}`, fault)
  }
  if (definitions !== undefined) {
    const names = schema.parameters.map(parameter => parameter.name)
    const known = [
      ...spec.parameters.map(parameter => parameter.name),
      ...(spec.wraps ? [INNER_NAME, INNER_ARGUMENTS] : []),
    ]
    const odd = names.find((name, index) => !known.includes(name) || names.indexOf(name) !== index)
    if (odd !== undefined) {
      return invalid(`${spec.name}.${odd}`, known.includes(odd) ? 'is given twice' : 'is not known to the rule')
    }
  }
  if (!spec.wraps) return undefined
  const inner = unwrapSchema(schema)
  if (inner === undefined) return invalid(`${spec.name}.${INNER_ARGUMENTS}`, 'has to be a list of pairs: name, value')
  if (depth === RULES_DEEP_MAX) return invalid(`${spec.name}.${INNER_NAME}`, 'nests too many rules')
  return findFault(inner, depth + 1, definitions)
}

function invalid(parameter: string, fault: string): SchemaFault {
  return { reason: Reason.RuleParameterInvalid, params: [parameter, fault] }
}

function valueFault(
  spec: ParameterSpec,
  { kind, value }: ParameterValue,
  definitions: Definitions,
): string | undefined {
  switch (kind) {
    case 'quantity':
    case 'money':
    case 'double':
    case 'duration':
    case 'timestamp': {
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = spec
      const one = kind === 'double' ? 1 : MICROS
      return value >= min && value <= max ? undefined : `has to be from ${min / one} to ${max / one}`
    }
    case 'text':
      if (spec.choices === undefined || spec.choices.includes(value)) return undefined
      return `has to be one of ${spec.choices.join(', ')}`
    case 'currency':
      return definitions.currency(value) === undefined ? 'is not a defined currency' : undefined
    case 'scope': {
      const unknownCountry = [...value.countries].find(code => definitions.findCountry(code)?.twoLetterCode !== code)
      if (unknownCountry !== undefined) return `names the country ${unknownCountry}, which is not defined`
      const venues = [...value.venues, ...[...value.tickers.values()].map(ticker => ticker.venue)]
      const unknownVenue = venues.find(mic => definitions.venue(mic) === undefined)
      return unknownVenue === undefined ? undefined : `names the venue ${unknownVenue}, which is not defined`
    }
    case 'boolean':
    case 'venue':
    case 'ticker':
    case 'entry':
    case 'list':
      return undefined
    default:
      return kind satisfies never
  }
}
