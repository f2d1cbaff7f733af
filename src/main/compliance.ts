// Compliance on the main thread: brings the rules of the compliance service to the shards, with where each account lies in
// the directory, follows both as they change, and has the violations recorded that shards tell of. It judges nothing.
//
// While the service is away the rules known last stay in force. At a start it has to be there: nobody could tell which
// orders to refuse.

import type { Log } from '../base/log.ts'
import { buildFault, isPooled, judgesCancels } from '../compliance/check-schema.ts'
import { complianceNodes } from '../compliance/group-walk.ts'
import { judgedRule, packToJudge, ToJudge } from '../compliance/pooled-messages.ts'
import { nodesBody, ruleBody, type SentRule, type ToldViolation } from '../compliance/rule-messages.ts'
import { RuleState, ruleStateNames } from '../compliance/schema.ts'
import { reasonText } from '../domain/reasons.ts'
import type { WorldFeed } from '../services/world/world-feed.ts'
import { Command } from '../shared-memory/records.ts'
import type { PooledRelay } from './pooled-relay.ts'
import type { ShardLink } from './shard-link.ts'

export interface ComplianceParts {
  readonly world: Pick<WorldFeed, 'compliance' | 'directory' | 'rules'>
  readonly accounts: { rowOf(account: number): number; accountOf(row: number): number; readonly size: number }
  readonly shards: readonly ShardLink[]
  readonly shardOf: (row: number) => number
  /** To the judge of pooled rules. */
  readonly relay: Pick<PooledRelay, 'toJudge'>
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
  /** By rule id: the pooled rules in force, with more than one shard. */
  readonly #pooled = new Map<number, { readonly node: number; readonly judgesCancels: boolean }>()
  /** The directories that have one, and whether one judges cancels. */
  readonly #pooledNodes = new Map<number, boolean>()
  /** By account: those under such rules. */
  readonly #enrolled = new Map<number, { readonly epoch: number; asksCancels: boolean }>()
  #epochs = 0

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
    const { log, shards } = this.#parts
    const { id, nodeKind, state, schema } = rule
    const fault = state === RuleState.Deleted ? undefined : buildFault(schema)
    if (fault !== undefined) {
      const why = reasonText(fault.reason, fault.params)
      log.error('a compliance rule cannot be understood and is left out', { rule: id, name: schema.name, why })
    }
    if (nodeKind === 'directory' && !this.#placesAccounts) this.#placeAll()
    // One of which no rule can be made takes the place of what the entry was before, which ends.
    const sent = fault === undefined ? rule : { ...rule, state: RuleState.Deleted }
    if (shards.length > 1 && (isPooled(rule) || this.#pooled.has(id))) this.#sendPooled(sent)
    else this.#sendToAll(sent)
  }

  #sendToAll(rule: SentRule): void {
    const body = ruleBody(rule)
    for (const shard of this.#parts.shards) shard.insist(Command.Rule, 0, this.#parts.nowUs(), 0, body)
  }

  /**
   * A rule that counts the accounts of several shards together goes to the judge alone. The judge is told of the accounts
   * under it first, so that it begins with all of them; of those that no such rule is over any more it is told behind it.
   */
  #sendPooled(rule: SentRule): void {
    const { relay } = this.#parts
    const { id, node, state } = rule
    const isNow = isPooled(rule)
    const wasPooled = this.#pooled.delete(id)
    if (isNow && (state === RuleState.Active || state === RuleState.Passive)) {
      this.#pooled.set(id, { node, judgesCancels: judgesCancels(rule.schema) })
      this.#enrollAll(false)
      relay.toJudge(judgedRule(rule))
    } else if (wasPooled) relay.toJudge(judgedRule({ ...rule, state: RuleState.Deleted }))
    this.#enrollAll(true)
    // What the entry was in the shards before ends, or begins again there.
    if (!wasPooled || !isNow) this.#sendToAll(isNow ? { ...rule, state: RuleState.Deleted } : rule)
  }

  /** Accounts come under pooled rules; and, where it `ends`, leave them. */
  #enrollAll(ends: boolean): void {
    const { accounts } = this.#parts
    this.#pooledNodes.clear()
    for (const { node, judgesCancels } of this.#pooled.values()) {
      this.#pooledNodes.set(node, judgesCancels || this.#pooledNodes.get(node) === true)
    }
    for (let row = 0; row < accounts.size; row++) this.#enroll(accounts.accountOf(row), row, ends)
  }

  #enroll(account: number, row: number, ends: boolean): void {
    const { relay } = this.#parts
    const nodes = this.#placed.get(account)
    const known = this.#enrolled.get(account)
    if (nodes === undefined && known === undefined) return
    let isPooled = false
    let asksCancels = false
    for (const node of nodes ?? []) {
      const judgesCancels = this.#pooledNodes.get(node)
      if (judgesCancels === undefined) continue
      isPooled = true
      asksCancels ||= judgesCancels
    }
    if (isPooled && known === undefined) {
      this.#epochs += 1
      this.#enrolled.set(account, { epoch: this.#epochs, asksCancels })
      relay.toJudge(packToJudge([ToJudge.Expect, account, this.#epochs, [...nodes!]]))
      this.#pool(row, this.#epochs, asksCancels)
    } else if (isPooled && known!.asksCancels !== asksCancels) {
      known!.asksCancels = asksCancels
      this.#pool(row, known!.epoch, asksCancels)
    } else if (!isPooled && known !== undefined && ends) {
      this.#enrolled.delete(account)
      relay.toJudge(packToJudge([ToJudge.Leave, account, known.epoch]))
      this.#pool(row, 0, false)
    }
  }

  #pool(row: number, epoch: number, asksCancels: boolean): void {
    const { nowUs, shardOf, shards } = this.#parts
    shards[shardOf(row)]!.insist(Command.Pool, row, nowUs(), epoch, Uint8Array.of(asksCancels ? 1 : 0))
  }

  #placeAll(): void {
    const { accounts } = this.#parts
    this.#placesAccounts = true
    for (let row = 0; row < accounts.size; row++) this.#place(accounts.accountOf(row), row)
  }

  #place(account: number, row: number): void {
    const { nowUs, relay, shardOf, shards } = this.#parts
    const { directory } = this.#parts.world
    const nodes = complianceNodes(account, {
      parentsOf: id => directory.parents(id),
      nameOf: id => directory.entry(id)?.name ?? '',
    })
    const before = this.#placed.get(account) ?? [account]
    if (nodes.length === before.length && nodes.every((node, at) => node === before[at])) return
    this.#placed.set(account, nodes)
    shards[shardOf(row)]!.insist(Command.Nodes, row, nowUs(), 0, nodesBody(nodes))
    const known = this.#enrolled.get(account)
    if (known !== undefined) relay.toJudge(packToJudge([ToJudge.Nodes, account, known.epoch, [...nodes]]))
    if (this.#pooled.size > 0) this.#enroll(account, row, true)
  }

  #flush(): void {
    for (const shard of this.#parts.shards) shard.flush()
  }
}
