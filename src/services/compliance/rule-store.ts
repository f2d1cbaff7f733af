// Rule entries and violations as the compliance service keeps them. An entry is written, together with the record of its
// change, before the book that everybody is told from; violations are only ever added.
//
//   compliance_rule_entries            entry_id, directory_entry, directory_entry_type, state, schema_name,
//                                      schema_parameters (the schema as it travels, msgpack), revision (µs since the epoch),
//                                      tripped
//   compliance_rule_violation_records  number, account, order_id, rule_id, schema_name, reason (text), reason_code,
//                                      timestamp (µs since the epoch), reporter, report

import { assert } from '../../base/assert.ts'
import { type Database, inTransaction, type Statement } from '../../base/sqlite.ts'
import { type RuleEntry, type RuleSchema, RuleState } from '../../compliance/schema.ts'
import { schemaFromWire, schemaToWire } from '../../compliance/schema-wire.ts'
import { Reason } from '../../domain/reasons.ts'
import { pack, unpack, type Value } from '../../protocol/msgpack.ts'
import { ANY_SUBJECT, ChangeLog } from '../changes/change-log.ts'
import { EntryType } from '../locator/directory-graph.ts'
import { type Page, pageOf } from '../wire/pages.ts'
import { ServiceError } from '../wire/service-error.ts'
import { COMPLIANCE_SERVICE } from './messages.ts'
import { RuleBook, type StoredRule } from './rule-book.ts'
import type { RecordedViolation, Violation } from './violation.ts'

/** Name of the changes in the log. */
const RULE_ENTRY = 'rule_entry'
/** A scope of some thousand tickers. A page of entries stays within the limit of a frame. */
const SCHEMA_BYTES_MAX = 64 << 10

/** What an administrator stores. */
export type NewRule = Pick<RuleEntry, 'node' | 'nodeKind' | 'state' | 'schema'>

export class RuleStore {
  readonly book = new RuleBook()
  readonly changes: ChangeLog
  readonly #database: Database
  readonly #nowUs: () => number
  readonly #insert: Statement
  readonly #update: Statement
  readonly #select: Statement
  readonly #insertViolation: Statement

  /** @param nowUs µs since the epoch. */
  constructor(database: Database, nowUs: () => number) {
    this.#database = database
    this.#nowUs = nowUs
    database.exec(`
      CREATE TABLE IF NOT EXISTS compliance_rule_entries (
        entry_id INTEGER PRIMARY KEY AUTOINCREMENT, directory_entry INTEGER NOT NULL,
        directory_entry_type INTEGER NOT NULL, state INTEGER NOT NULL, schema_name TEXT NOT NULL,
        schema_parameters BLOB NOT NULL, revision INTEGER NOT NULL, tripped INTEGER NOT NULL DEFAULT 0
      );
      CREATE TABLE IF NOT EXISTS compliance_rule_violation_records (
        number INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, order_id INTEGER NOT NULL,
        rule_id INTEGER NOT NULL, schema_name TEXT NOT NULL, reason TEXT NOT NULL, reason_code INTEGER NOT NULL,
        timestamp INTEGER NOT NULL, reporter INTEGER NOT NULL, report INTEGER NOT NULL, UNIQUE (reporter, report)
      );
      CREATE INDEX IF NOT EXISTS violations_of_account ON compliance_rule_violation_records (account, number);
    `)
    this.changes = new ChangeLog(database, COMPLIANCE_SERVICE, nowUs)
    this.#insert = database.prepare(
      `INSERT INTO compliance_rule_entries
       (directory_entry, directory_entry_type, state, schema_name, schema_parameters, revision) VALUES (?, ?, ?, ?, ?, ?)`,
    )
    this.#update = database.prepare(
      `UPDATE compliance_rule_entries SET directory_entry = ?, directory_entry_type = ?, state = ?, schema_name = ?,
       schema_parameters = ?, revision = ?, tripped = 0 WHERE entry_id = ?`,
    )
    this.#select = database.prepare(
      'SELECT * FROM compliance_rule_entries WHERE entry_id > ? ORDER BY entry_id LIMIT ?',
    )
    this.#insertViolation = database.prepare(
      `INSERT OR IGNORE INTO compliance_rule_violation_records
       (account, order_id, rule_id, schema_name, reason, reason_code, timestamp, reporter, report)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    const rows = database.prepare('SELECT * FROM compliance_rule_entries ORDER BY entry_id')
    for (const row of rows.iterate()) this.book.store(ruleOfRow(row))
  }

  /** @returns the id of the new entry. @throws ServiceError CAPACITY where the schema is too large. */
  add(rule: NewRule, by: number): number {
    const revision = this.#nowUs()
    const stored = inTransaction(this.#database, () => {
      const id = Number(this.#insert.run(...columnsOf(rule), revision).lastInsertRowid)
      const added: StoredRule = { ...rule, id, revision, tripped: false }
      this.changes.record({ by, what: RULE_ENTRY, subject: id, before: null, after: recordOf(added) })
      return added
    })
    this.book.store(stored)
    return stored.id
  }

  /** @throws ServiceError UNKNOWN_RULE; CAPACITY where the schema is too large. */
  update(rule: NewRule & { readonly id: number }, by: number): void {
    const previous = this.book.rule(rule.id)
    if (previous === undefined) throw new ServiceError(Reason.UnknownRule, [rule.id])
    const stored: StoredRule = { ...rule, revision: this.#revisionAfter(previous), tripped: false }
    inTransaction(this.#database, () => {
      this.#update.run(...columnsOf(rule), stored.revision, rule.id)
      const [before, after] = [recordOf(previous), recordOf(stored)]
      this.changes.record({ by, what: RULE_ENTRY, subject: rule.id, before, after })
    })
    this.book.store(stored)
  }

  /** Notes that a rule has shut itself, unless its entry was stored again meanwhile. */
  trip(id: number, revision: number, by: number): void {
    const previous = this.book.rule(id)
    if (previous?.revision !== revision || previous.tripped) return
    const tripped = { ...previous, revision: this.#revisionAfter(previous), tripped: true }
    inTransaction(this.#database, () => {
      this.#database
        .prepare('UPDATE compliance_rule_entries SET revision = ?, tripped = 1 WHERE entry_id = ?')
        .run(tripped.revision, id)
      this.changes.record({ by, what: RULE_ENTRY, subject: id, before: recordOf(previous), after: recordOf(tripped) })
    })
    this.book.store(tripped)
  }

  /** Deletes an entry if there is one. */
  delete(id: number, by: number): void {
    const previous = this.book.rule(id)
    if (previous === undefined) return
    inTransaction(this.#database, () => {
      this.#database.prepare('DELETE FROM compliance_rule_entries WHERE entry_id = ?').run(id)
      this.changes.record({ by, what: RULE_ENTRY, subject: id, before: recordOf(previous), after: null })
    })
    this.book.store({ ...previous, state: RuleState.Deleted, revision: this.#revisionAfter(previous) })
  }

  /** Entries with ids above `after`. */
  rulesAfter(after: number, rowsMax: number): Page<StoredRule> {
    return pageOf(this.#select.all(after, rowsMax + 1).map(ruleOfRow), rowsMax)
  }

  /** Records violations that `reporter` numbered from `first` on; those that it has reported before are left alone. */
  addViolations(reporter: number, first: number, violations: readonly Violation[]): void {
    const nowUs = this.#nowUs()
    inTransaction(this.#database, () => {
      violations.forEach(({ account, orderId, ruleId, ruleName, reason, text }, index) => {
        this.#insertViolation.run(...[account, orderId, ruleId, ruleName, text, reason, nowUs, reporter, first + index])
      })
    })
  }

  /** Violations of one account, or of ANY_SUBJECT, with numbers above `after`. */
  violationsAfter(account: number, after: number, rowsMax: number): Page<RecordedViolation> {
    const rows = this.#database
      .prepare(
        `SELECT * FROM compliance_rule_violation_records
         WHERE (?1 = ${ANY_SUBJECT} OR account = ?1) AND number > ?2 ORDER BY number LIMIT ?3`,
      )
      .all(account, after, rowsMax + 1)
    return pageOf(rows.map(violationOfRow), rowsMax)
  }

  #revisionAfter(previous: StoredRule): number {
    return Math.max(this.#nowUs(), previous.revision + 1)
  }
}

function columnsOf({ node, nodeKind, state, schema }: NewRule) {
  const bytes = pack(schemaToWire(schema))
  if (bytes.length > SCHEMA_BYTES_MAX) throw new ServiceError(Reason.Capacity, ['bytes per rule', SCHEMA_BYTES_MAX])
  const type = nodeKind === 'account' ? EntryType.Account : EntryType.Directory
  return [node, type, state, schema.name, bytes] as const
}

/** An entry as the log of changes has it. */
function recordOf({ node, nodeKind, state, schema, tripped }: StoredRule): Value {
  return { node, node_kind: nodeKind, state, schema: schemaToWire(schema), tripped }
}

function ruleOfRow(row: Record<string, unknown>): StoredRule {
  return {
    id: Number(row.entry_id),
    node: Number(row.directory_entry),
    nodeKind: row.directory_entry_type === EntryType.Account ? 'account' : 'directory',
    state: Number(row.state) as RuleState, // only what the service has checked is ever written
    schema: schemaOfRow(row),
    revision: Number(row.revision),
    tripped: row.tripped === 1,
  }
}

function schemaOfRow(row: Record<string, unknown>): RuleSchema {
  const schema = schemaFromWire(unpack(row.schema_parameters as Uint8Array)) // written by `columnsOf`
  assert(schema !== undefined, `rule entry ${row.entry_id} has a schema that cannot be read`)
  return schema
}

function violationOfRow(row: Record<string, unknown>): RecordedViolation {
  return {
    number: Number(row.number),
    timestamp: Number(row.timestamp),
    account: Number(row.account),
    orderId: Number(row.order_id),
    ruleId: Number(row.rule_id),
    ruleName: String(row.schema_name),
    reason: Number(row.reason_code),
    text: String(row.reason),
  }
}
