// Compliance on the main thread: brings the rules of the compliance service to the shards, with where each account lies in
// the directory, follows both as they change, and has the violations recorded that shards tell of. It judges nothing.
//
// While the service is away the rules known last stay in force. At a start it has to be there: nobody could tell which
// orders to refuse.

import type { Log } from '../base/log.ts'
import { buildFault, isPooled } from '../compliance/check-schema.ts'
import { complianceNodes } from '../compliance/group-walk.ts'
import { nodesBody, ruleBody, type SentRule, type ToldViolation } from '../compliance/rule-messages.ts'
import { RuleState, ruleStateNames } from '../compliance/schema.ts'
import { reasonText } from '../domain/reasons.ts'
import type { WorldFeed } from '../services/world/world-feed.ts'
import { Command } from '../shared-memory/records.ts'
import type { ShardLink } from './shard-link.ts'

export interface ComplianceParts {
  readonly world: Pick<WorldFeed, 'compliance' | 'directory' | 'rules'>
  readonly accounts: { rowOf(account: number): number; accountOf(row: number): number; readonly size: number }
  readonly shards: readonly ShardLink[]
  readonly shardOf: (row: number) => number
  /** Now, µs since the epoch, UTC. */
  readonly nowUs: () => number
  readonly log: Pick<Log, 'info' | 'warning' | 'error'>
}

export class Compliance {
  readonly #parts: ComplianceParts
  /** By account: the directories above it as its shard knows them; empty until some directory has rules. */
  readonly #placed = new Map<number, readonly number[]>()
  #placesAccounts = false
  /** Objections of rules so far. */
  violations = 0

  constructor(parts: ComplianceParts) {
    this.#parts = parts
  }

  /** Sends what is there to the shards; changes are told by the two below. */
  start(): void {
    const { log, world } = this.#parts
    const rules = world.rules.rules()
    for (const rule of rules) this.#send(rule)
    this.#flush()
    log.info('compliance rules are in force', { rules: rules.length })
  }

  ruleChanged(rule: SentRule): void {
    const { id, node, schema, state } = rule
    this.#parts.log.info('a compliance rule is stored', {
      rule: id,
      name: schema.name,
      node,
      state: ruleStateNames[state],
    })
    this.#send(rule)
    this.#flush()
  }

  /** An entry of the directory was put somewhere, or taken away: an account, or a directory with whatever lies in it. */
  moved(entry: number): void {
    if (!this.#placesAccounts) return
    const row = this.#parts.accounts.rowOf(entry)
    if (row >= 0) this.#place(entry, row)
    else this.#placeAll()
    this.#flush()
  }

  /** By the pump: a rule has objected. */
  violated({ account, orderId, ruleId, schemaName, reason, params, trippedRevision }: ToldViolation): void {
    const { log, world } = this.#parts
    this.violations += 1
    const text = reasonText(reason, params)
    world.compliance.reportViolation({ account, orderId, ruleId, ruleName: schemaName, reason, text })
    if (trippedRevision === 0) return
    log.warning('a compliance rule has shut itself; it refuses until its entry is stored again', {
      rule: ruleId,
      name: schemaName,
      account,
      order: orderId,
    })
    world.compliance.reportTripped({ id: ruleId, revision: trippedRevision })
  }

  #send(rule: SentRule): void {
    const { log, nowUs, shards } = this.#parts
    const { id, nodeKind, state, schema } = rule
    const fault = state === RuleState.Deleted ? undefined : buildFault(schema)
    if (fault !== undefined) {
      const why = reasonText(fault.reason, fault.params)
      log.error('a compliance rule cannot be understood and is left out', { rule: id, name: schema.name, why })
    }
    if (nodeKind === 'directory' && !this.#placesAccounts) this.#placeAll()
    // One of which no rule can be made takes the place of what the entry was before, which ends.
    const body = ruleBody(fault === undefined ? this.#judgeable(rule) : { ...rule, state: RuleState.Deleted })
    for (const shard of shards) shard.insist(Command.Rule, 0, nowUs(), 0, body)
  }

  /**
   * A rule that pools accounts is exact where one shard has all of them. Where there are several, no shard sees what the
   * others do, and the rule refuses what it cannot judge.
   */
  #judgeable(rule: SentRule): SentRule {
    const { log, shards } = this.#parts
    if (shards.length === 1 || rule.state === RuleState.Deleted || !isPooled(rule)) return rule
    const text = `Rule ${rule.id} counts several accounts together, which needs a server with engine.shards: 1.`
    log.error('a compliance rule counts several accounts together and needs engine.shards: 1; it refuses all orders', {
      rule: rule.id,
      name: rule.schema.name,
      shards: shards.length,
    })
    return {
      ...rule,
      schema: { name: 'reject_submissions', parameters: [{ name: 'text', value: { kind: 'text', value: text } }] },
    }
  }

  #placeAll(): void {
    const { accounts } = this.#parts
    this.#placesAccounts = true
    for (let row = 0; row < accounts.size; row++) this.#place(accounts.accountOf(row), row)
  }

  #place(account: number, row: number): void {
    const { nowUs, shardOf, shards } = this.#parts
    const { directory } = this.#parts.world
    const nodes = complianceNodes(account, {
      parentsOf: id => directory.parents(id),
      nameOf: id => directory.entry(id)?.name ?? '',
    })
    const before = this.#placed.get(account) ?? [account]
    if (nodes.length === before.length && nodes.every((node, at) => node === before[at])) return
    this.#placed.set(account, nodes)
    shards[shardOf(row)]!.insist(Command.Nodes, row, nowUs(), 0, nodesBody(nodes))
  }

  #flush(): void {
    for (const shard of this.#parts.shards) shard.flush()
  }
}
