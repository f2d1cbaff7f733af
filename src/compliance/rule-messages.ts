// Compliance rules on their way between main and a shard: entries and the places of accounts as bodies of commands, and
// violations as the text of a notice. They are few, so they are packed like anything that is in no hurry.

import { assert } from '../base/assert.ts'
import { pack, unpack, type Value } from '../protocol/msgpack.ts'
import type { Violation } from './rule-set.ts'
import type { RuleEntry, RuleState } from './schema.ts'
import { schemaFromWire, schemaToWire } from './schema-wire.ts'

/** A violation as main hears of it. */
export interface ToldViolation {
  readonly account: number
  readonly orderId: number
  readonly ruleId: number
  readonly schemaName: string
  readonly reason: number
  readonly params: readonly (string | number)[]
  /** The revision of the rule that has shut itself by this; 0 where none has. */
  readonly trippedRevision: number
}

/** A rule as it is sent to the shards. */
export interface SentRule extends RuleEntry {
  /** When it was stored: tells one state of an entry from another. */
  readonly revision: number
}

export function ruleBody({ id, node, nodeKind, state, schema, tripped, revision }: SentRule): Uint8Array {
  const kind = nodeKind === 'account' ? 0 : 1
  return pack([id, node, kind, state, tripped === true ? 1 : 0, revision, schemaToWire(schema)])
}

export function ruleOfBody(body: Uint8Array): SentRule {
  // Main's own words.
  const [id, node, kind, state, tripped, revision, wire] = unpack(body) as [
    id: number,
    node: number,
    kind: number,
    state: RuleState,
    tripped: number,
    revision: number,
    schema: Value,
  ]
  const schema = schemaFromWire(wire)
  assert(schema !== undefined, 'main has sent a rule that cannot be read')
  return { id, node, nodeKind: kind === 0 ? 'account' : 'directory', state, schema, tripped: tripped === 1, revision }
}

export function nodesBody(nodes: readonly number[]): Uint8Array {
  return pack([...nodes])
}

export function nodesOfBody(body: Uint8Array): readonly number[] {
  return unpack(body) as number[] // main's own words
}

export function violationText(violation: Violation, trippedRevision: number): string {
  const { account, orderId, ruleId, schemaName, reason, params } = violation
  return JSON.stringify({
    account,
    orderId,
    ruleId,
    schemaName,
    reason,
    params,
    trippedRevision,
  } satisfies ToldViolation)
}

export function violationOfText(text: string): ToldViolation {
  return JSON.parse(text) // a shard's own words
}
