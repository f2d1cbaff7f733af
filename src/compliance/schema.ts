// What a compliance rule is told to do. A schema is the name of a rule and its parameters; a rule around another rule
// carries the inner one in two parameters behind its own: `name`, a text, and `arguments`, a list of two-element lists
// (name, value). An entry assigns a schema to an account or a directory and says whether it is in force.

import type { CurrencyId } from '../domain/currencies.ts'
import type { Scope } from '../domain/scopes.ts'
import type { Ticker } from '../domain/tickers.ts'

/** The numbers are those of the stores and of the wire. */
export const RuleState = { Active: 0, Passive: 1, Disabled: 2, Deleted: 3 } as const
export type RuleState = (typeof RuleState)[keyof typeof RuleState]

export const ruleStateNames: Record<RuleState, string> = {
  [RuleState.Active]: 'ACTIVE',
  [RuleState.Passive]: 'PASSIVE',
  [RuleState.Disabled]: 'DISABLED',
  [RuleState.Deleted]: 'DELETED',
}

/** Quantities and money are micros, durations and timestamps microseconds, venues MICs. */
export type ParameterValue =
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: NumberKind; readonly value: number }
  | { readonly kind: 'currency'; readonly value: CurrencyId }
  | { readonly kind: 'text' | 'venue'; readonly value: string }
  | { readonly kind: 'ticker'; readonly value: Ticker }
  | { readonly kind: 'scope'; readonly value: Scope }
  | { readonly kind: 'entry'; readonly value: DirectoryEntry }
  | { readonly kind: 'list'; readonly value: readonly ParameterValue[] }

export type NumberKind = 'quantity' | 'money' | 'double' | 'timestamp' | 'duration'
export type ParameterKind = ParameterValue['kind']

export type NodeKind = 'account' | 'directory'

/** An account or a directory; both draw their ids from one space. */
export interface DirectoryEntry {
  readonly id: number
  readonly nodeKind: NodeKind
}

export interface Parameter {
  readonly name: string
  readonly value: ParameterValue
}

export interface RuleSchema {
  readonly name: string
  readonly parameters: readonly Parameter[]
}

export interface RuleEntry {
  readonly id: number
  /** Id of the account or directory that it is assigned to. */
  readonly node: number
  readonly nodeKind: NodeKind
  readonly state: RuleState
  readonly schema: RuleSchema
  /**
   * True where the rule had shut itself (`repeated_executions`) and its entry was not stored again since: it is built
   * shut then, for everybody under it.
   */
  readonly tripped?: boolean
}

/** Names of the two parameters that carry an inner rule. */
export const INNER_NAME = 'name'
export const INNER_ARGUMENTS = 'arguments'

/** The schema of rule `name` with its own `parameters`, around `inner`. */
export function wrapSchema(name: string, parameters: readonly Parameter[], inner: RuleSchema): RuleSchema {
  const pairs = inner.parameters.map(
    (parameter): ParameterValue => ({
      kind: 'list',
      value: [{ kind: 'text', value: parameter.name }, parameter.value],
    }),
  )
  return {
    name,
    parameters: [
      ...parameters,
      { name: INNER_NAME, value: { kind: 'text', value: inner.name } },
      { name: INNER_ARGUMENTS, value: { kind: 'list', value: pairs } },
    ],
  }
}

/** The schema inside `schema`, of which missing parts read as empty; undefined where they are malformed. */
export function unwrapSchema(schema: RuleSchema): RuleSchema | undefined {
  const name = parameterOf(schema, INNER_NAME) ?? { kind: 'text', value: '' }
  const pairs = parameterOf(schema, INNER_ARGUMENTS) ?? { kind: 'list', value: [] }
  if (name.kind !== 'text' || pairs.kind !== 'list') return undefined
  const parameters: Parameter[] = []
  for (const pair of pairs.value) {
    if (pair.kind !== 'list' || pair.value.length !== 2) return undefined
    const [parameterName, value] = pair.value as [ParameterValue, ParameterValue]
    if (parameterName.kind !== 'text') return undefined
    parameters.push({ name: parameterName.value, value })
  }
  return { name: name.value, parameters }
}

/** The value of a parameter, of the first by that name; undefined where there is none. */
export function parameterOf(schema: RuleSchema, name: string): ParameterValue | undefined {
  return schema.parameters.find(parameter => parameter.name === name)?.value
}
