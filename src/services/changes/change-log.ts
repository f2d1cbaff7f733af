// What was changed, by whom, when, and how it was before. A record is written in the transaction of the change itself, so
// there is neither a change without its record nor a record without its change. Records are never changed or deleted.
//
//   changes   number, timestamp (µs since the epoch), service, by_account, what, subject, before, after
//
// `before` and `after` are JSON, with null for what was or is not there, so that any SQLite tool shows them.

import type { Database, Statement } from '../../base/sqlite.ts'
import type { Value } from '../../protocol/msgpack.ts'
import { type Page, pageOf } from '../wire/pages.ts'

export interface Change {
  /** Ascending in one database, with gaps. */
  readonly number: number
  /** µs since the epoch. */
  readonly timestamp: number
  /** Account that asked for the change. */
  readonly by: number
  /** What kind of thing was changed, as `risk_state`. */
  readonly what: string
  /** Id of the thing. */
  readonly subject: number
  readonly before: Value
  readonly after: Value
}

export type NewChange = Omit<Change, 'number' | 'timestamp'>

/** Stands for all subjects. */
export const ANY_SUBJECT = -1

export class ChangeLog {
  readonly #service: string
  readonly #nowUs: () => number
  readonly #insert: Statement
  readonly #select: Statement

  /**
   * @param service whose changes these are; several services may share a database.
   * @param nowUs µs since the epoch.
   */
  constructor(database: Database, service: string, nowUs: () => number) {
    this.#service = service
    this.#nowUs = nowUs
    database.exec(`
      CREATE TABLE IF NOT EXISTS changes (
        number INTEGER PRIMARY KEY AUTOINCREMENT, timestamp INTEGER NOT NULL, service TEXT NOT NULL,
        by_account INTEGER NOT NULL, what TEXT NOT NULL, subject INTEGER NOT NULL,
        before TEXT NOT NULL, after TEXT NOT NULL
      );
      CREATE INDEX IF NOT EXISTS changes_of_subject ON changes (service, subject, number);
    `)
    this.#insert = database.prepare(
      'INSERT INTO changes (timestamp, service, by_account, what, subject, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    this.#select = database.prepare(
      `SELECT * FROM changes WHERE service = ?1 AND (?2 = ${ANY_SUBJECT} OR subject = ?2) AND number > ?3
       ORDER BY number LIMIT ?4`,
    )
  }

  /** Call it inside the transaction of the change. */
  record({ by, what, subject, before, after }: NewChange): void {
    const [was, is] = [JSON.stringify(before), JSON.stringify(after)]
    this.#insert.run(this.#nowUs(), this.#service, by, what, subject, was, is)
  }

  /** Changes of one subject, or of ANY_SUBJECT, with numbers above `after`. */
  after(subject: number, after: number, rowsMax: number): Page<Change> {
    return pageOf(this.#select.all(this.#service, subject, after, rowsMax + 1).map(changeOfRow), rowsMax)
  }
}

function changeOfRow(row: Record<string, unknown>): Change {
  return {
    number: Number(row.number),
    timestamp: Number(row.timestamp),
    by: Number(row.by_account),
    what: String(row.what),
    subject: Number(row.subject),
    // Only what `record` has written.
    before: JSON.parse(String(row.before)) as Value,
    after: JSON.parse(String(row.after)) as Value,
  }
}
