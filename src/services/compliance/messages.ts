// Messages of the compliance service, kinds 700 to 799, and the rows inside them.
//
//   entry      [id, node, kind of node (0 account, 1 directory), state (0 active, 1 passive, 2 disabled, 3 deleted),
//              schema, revision, tripped (0/1)]
//   violation  [account, order id, entry id, name of the rule, reason code, text]
//
// A node is an account or directory of the locator. The revision is the time at which the entry was stored, µs since the
// epoch: storing it again unchanged is a change, since that is how a rule which has shut itself, and is tripped since, is
// opened again. For schemas see compliance/schema-wire.ts.

import { type RuleSchema, RuleState } from '../../compliance/schema.ts'
import { schemaFromWire, schemaToWire } from '../../compliance/schema-wire.ts'
import { Reason } from '../../domain/reasons.ts'
import type { Value } from '../../protocol/msgpack.ts'
import { EntryType } from '../locator/directory-graph.ts'
import { type Elements, flagAt, integerAt, memberAt, textAt, unsignedAt } from '../wire/elements.ts'
import { ServiceError } from '../wire/service-error.ts'
import type { StoredRule } from './rule-book.ts'
import type { RecordedViolation, Violation } from './violation.ts'

/** Name under which the service is registered. */
export const COMPLIANCE_SERVICE = 'compliance_service'

/** Elements after `[kind, requestId` of the request → after `[71, requestId` of the answer; who may ask. */
export const ComplianceKind = {
  /** → nothing, then pushes of every change of entries. Services. */
  FollowEntries: 700,
  /** after id (−1 = from the start), count → [entry, …], more (0/1), ascending. Services. */
  LoadEntries: 701,
  /** node → [entry, …], ascending. Services, oneself, managers of the account or group. */
  LoadNodeEntries: 702,
  /** node → [entry, …], ascending, then pushes of every change of them. Services, oneself, managers of the account or group. */
  FollowNodeEntries: 703,
  /** node → nothing. Anyone. */
  UnfollowNodeEntries: 704,
  /** node, state, schema → id. Administrators. */
  AddEntry: 705,
  /** id, node, state, schema → nothing. Administrators. */
  UpdateEntry: 706,
  /** id → nothing, also where there is no such entry. Administrators. */
  DeleteEntry: 707,
  /** reporter, number of the first, [violation, …] → nothing. The same again is recorded once. Services. */
  ReportViolations: 708,
  /**
   * account (−1 = any), after number (0 = from the start), count → [[number, time, violation …], …], more (0/1), ascending.
   * Services, oneself, managers of the account.
   */
  LoadViolations: 709,
  /** See changes/messages.ts. Administrators. */
  LoadChanges: 710,
  /** id, revision → nothing, also where the entry was stored again since. Services. */
  TripEntry: 711,

  /** entry. */
  EntryChanged: 750,
} as const

export function ruleToWire({ id, node, nodeKind, state, schema, revision, tripped }: StoredRule): Value[] {
  const type = nodeKind === 'account' ? EntryType.Account : EntryType.Directory
  return [id, node, type, state, schemaToWire(schema), revision, tripped ? 1 : 0]
}

export function ruleFromWire(row: Elements): StoredRule {
  return {
    id: integerAt(row, 0, undefined, 0),
    node: unsignedAt(row, 1),
    nodeKind: memberAt(row, 2, EntryType) === EntryType.Account ? 'account' : 'directory',
    state: memberAt(row, 3, RuleState),
    schema: schemaAt(row, 4),
    revision: integerAt(row, 5, undefined, 0),
    tripped: flagAt(row, 6),
  }
}

/** A state that an entry may be stored with. */
export function storableStateAt(row: Elements, index: number): RuleState {
  const { Active, Passive, Disabled } = RuleState
  return memberAt(row, index, { Active, Passive, Disabled })
}

export function schemaAt(row: Elements, index: number): RuleSchema {
  const schema = schemaFromWire(row[index])
  if (schema === undefined) throw new ServiceError(Reason.MalformedMessage, [index])
  return schema
}

export function violationToWire(violation: Violation): Value[] {
  const { account, orderId, ruleId, ruleName, reason, text } = violation
  return [account, orderId, ruleId, ruleName, reason, text]
}

export function violationFromWire(row: Elements, index = 0): Violation {
  return {
    account: unsignedAt(row, index),
    orderId: integerAt(row, index + 1, undefined, 0),
    ruleId: integerAt(row, index + 2, undefined, 0),
    ruleName: textAt(row, index + 3),
    reason: integerAt(row, index + 4, undefined, 0),
    text: textAt(row, index + 5),
  }
}

export function recordedViolationToWire(violation: RecordedViolation): Value[] {
  return [violation.number, violation.timestamp, ...violationToWire(violation)]
}

export function recordedViolationFromWire(row: Elements): RecordedViolation {
  return { number: integerAt(row, 0), timestamp: integerAt(row, 1), ...violationFromWire(row, 2) }
}
