// `oes rules`: compliance rules as an administrator stores, changes and deletes them, and what they objected to.

import type { RuleSchema, RuleState } from '../../compliance/schema.ts'
import type { ComplianceClient } from '../../services/compliance/client.ts'
import type { RecordedViolation } from '../../services/compliance/violation.ts'
import type { LocatorClient } from '../../services/locator/client.ts'
import { CommandError, usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import { type LocatorFlags, withLocator } from '../locator-options.ts'
import { timeText } from '../order-columns.ts'
import type { Output } from '../output.ts'
import type { Column } from '../table.ts'

/** Whose rules, as the flags give them. */
export interface NodeFlags {
  account?: string
  group?: string
  everybody?: boolean
}

const STATES = ['active', 'passive', 'disabled']

/** What a subcommand works with. */
export interface RulesDesk {
  readonly locator: LocatorClient
  readonly client: ComplianceClient
  readonly output: Output
  /** The rule of such words. @throws CommandError */
  readonly parse: (words: readonly string[]) => RuleSchema
  readonly format: (schema: RuleSchema) => string
}

/** Finds the compliance service, runs `action`, closes. @throws CommandError */
export async function withRules(
  output: Output,
  flags: LocatorFlags,
  environment: NodeJS.ProcessEnv,
  action: (desk: RulesDesk) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  return await withLocator(flags, environment, 'Rules are stored by administrators.', async locator => {
    // Loaded only here: commands that talk to an order execution server need nothing of the services.
    const [{ ComplianceClient }, { loadDefinitionsData }, { definitionsFromData }, rules] = await Promise.all([
      import('../../services/compliance/client.ts'),
      import('../../services/definitions/client.ts'),
      import('../../domain/definitions.ts'),
      import('../../compliance/rule-text.ts'),
    ])
    const definitions = definitionsFromData(await loadDefinitionsData(locator))
    const client = await ComplianceClient.open(locator)
    const parse = (words: readonly string[]) => {
      try {
        return rules.parseRule(words, definitions)
      } catch (error) {
        if (!(error instanceof rules.RuleTextInvalid)) throw error
        throw usageError(error.message, 'docs/compliance.md explains all rules.')
      }
    }
    try {
      return await action({ locator, client, output, parse, format: schema => rules.formatRule(schema, definitions) })
    } finally {
      client.close()
    }
  })
}

/** All rules over an account, a group or everybody. */
export async function listRules({ client, locator, output, format }: RulesDesk, flags: NodeFlags): Promise<ExitStatus> {
  const { ruleStateNames } = await import('../../compliance/schema.ts')
  const node = await nodeOf(locator, flags)
  const rows = (await client.loadNodeRules(node)).map(({ id, state, tripped, schema, revision }) => ({
    id,
    state: tripped ? 'SHUT' : ruleStateNames[state],
    rule: format(schema),
    stored: timeText(revision),
  }))
  if (output.isJson) for (const row of rows) output.json(row)
  else if (rows.length === 0) output.line('There are no rules.')
  else output.table(ruleColumns, rows)
  return ExitStatus.Ok
}

export async function addRule(
  { client, locator, output, parse }: RulesDesk,
  words: readonly string[],
  flags: NodeFlags & { state?: string },
): Promise<ExitStatus> {
  const schema = parse(words)
  const id = await client.addRule(await nodeOf(locator, flags), await stateOf(flags.state ?? 'active'), schema)
  if (output.isJson) output.json({ id })
  else output.line(`Rule ${id} is stored.`)
  return ExitStatus.Ok
}

/** Stores an entry anew: with other words, in another state, or as it was, which opens one that has shut itself. */
export async function changeRule(
  { client, locator, output, parse }: RulesDesk,
  id: number,
  words: readonly string[],
  flags: NodeFlags & { state?: string },
): Promise<ExitStatus> {
  const node = await nodeOf(locator, flags)
  const before = (await client.loadNodeRules(node)).find(rule => rule.id === id)
  if (before === undefined) throw new CommandError(`There is no rule ${id} there.`, { hint: 'See `oes rules list`.' })
  const schema = words.length === 0 ? before.schema : parse(words)
  const state = flags.state === undefined ? before.state : await stateOf(flags.state)
  await client.updateRule(id, node, state, schema)
  if (output.isJson) output.json({ id })
  else output.line(`Rule ${id} is stored.`)
  return ExitStatus.Ok
}

export async function deleteRule({ client, output }: RulesDesk, id: number): Promise<ExitStatus> {
  await client.deleteRule(id)
  if (output.isJson) output.json({ id })
  else output.line(`Rule ${id} is gone.`)
  return ExitStatus.Ok
}

/** What rules objected to, oldest first. */
export async function listViolations(
  { client, locator, output }: RulesDesk,
  flags: { account?: string; after?: number },
): Promise<ExitStatus> {
  const account = flags.account === undefined ? -1 : (await locator.findAccount(flags.account)).id
  const violations = await client.loadViolations(account, flags.after ?? 0)
  if (output.isJson) for (const violation of violations) output.json(violation)
  else if (violations.length === 0) output.line('There are no violations.')
  else output.table(violationColumns, violations)
  return ExitStatus.Ok
}

async function nodeOf(locator: LocatorClient, { account, group, everybody }: NodeFlags): Promise<number> {
  if ([account, group, everybody].filter(flag => flag !== undefined).length !== 1) {
    throw usageError('Exactly one of --account, --group, --everybody is needed.', 'See `oes rules --help`.')
  }
  if (account !== undefined) return (await locator.findAccount(account)).id
  return (await locator.loadEntryAt(group === undefined ? 'trading_groups' : `trading_groups/${group}`)).id
}

async function stateOf(word: string): Promise<RuleState> {
  const { RuleState } = await import('../../compliance/schema.ts')
  const at = STATES.indexOf(word)
  if (at < 0) throw usageError(`There is no state '${word}'.`, `The states are ${STATES.join(', ')}.`)
  return [RuleState.Active, RuleState.Passive, RuleState.Disabled][at]!
}

const ruleColumns: Column<{ id: number; state: string; rule: string; stored: string }>[] = [
  { title: 'RULE', align: 'right', cell: ({ id }) => String(id) },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'STORED', cell: ({ stored }) => stored },
  { title: 'WORDS', cell: ({ rule }) => rule },
]

const violationColumns: Column<RecordedViolation>[] = [
  { title: 'NUMBER', align: 'right', cell: ({ number }) => String(number) },
  { title: 'TIME', cell: ({ timestamp }) => timeText(timestamp) },
  { title: 'ACCOUNT', align: 'right', cell: ({ account }) => String(account) },
  { title: 'ORDER', align: 'right', cell: ({ orderId }) => String(orderId) },
  { title: 'RULE', align: 'right', cell: ({ ruleId }) => String(ruleId) },
  { title: 'NAME', cell: ({ ruleName }) => ruleName },
  { title: 'TEXT', cell: ({ text }) => text },
]
