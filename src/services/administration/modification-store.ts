// Requests to change risk parameters as the administration service keeps them, with everything that became of them.
//
//   modification_requests  id, account, submitter, timestamp, effective (µs since the epoch), parameters (JSON as they
//                          travel), comment, status (of the last update)
//   modification_updates   id, sequence, status, account, timestamp (µs since the epoch)

import { type Database, inTransaction, type Statement } from '../../base/sqlite.ts'
import { Reason } from '../../domain/reasons.ts'
import type { Elements } from '../wire/elements.ts'
import { type Page, pageOf } from '../wire/pages.ts'
import { ServiceError } from '../wire/service-error.ts'
import { riskParametersFromWire, riskParametersToWire } from './messages.ts'
import { type Modification, ModificationStatus, type ModificationUpdate } from './modification.ts'

export type NewModification = Omit<Modification, 'id' | 'updates'>

export class ModificationStore {
  readonly #database: Database
  readonly #insert: Statement
  readonly #insertUpdate: Statement
  readonly #updates: Statement

  constructor(database: Database) {
    this.#database = database
    database.exec(`
      CREATE TABLE IF NOT EXISTS modification_requests (
        id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, submitter INTEGER NOT NULL,
        timestamp INTEGER NOT NULL, effective INTEGER NOT NULL, parameters TEXT NOT NULL, comment TEXT NOT NULL,
        status INTEGER NOT NULL
      );
      CREATE INDEX IF NOT EXISTS modification_requests_of_account ON modification_requests (account, id);
      CREATE INDEX IF NOT EXISTS modification_requests_by_status ON modification_requests (status, effective);
      CREATE TABLE IF NOT EXISTS modification_updates (
        id INTEGER NOT NULL, sequence INTEGER NOT NULL, status INTEGER NOT NULL, account INTEGER NOT NULL,
        timestamp INTEGER NOT NULL, PRIMARY KEY (id, sequence)
      ) WITHOUT ROWID;
    `)
    this.#insert = database.prepare(
      `INSERT INTO modification_requests (account, submitter, timestamp, effective, parameters, comment, status)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#insertUpdate = database.prepare('INSERT INTO modification_updates VALUES (?, ?, ?, ?, ?)')
    this.#updates = database.prepare('SELECT * FROM modification_updates WHERE id = ? ORDER BY sequence')
  }

  /** Adds a request with its first update. */
  add(request: NewModification, status: ModificationStatus): Modification {
    const { account, submitter, timestamp, effective, parameters, comment } = request
    const id = inTransaction(this.#database, () => {
      const text = JSON.stringify(riskParametersToWire(parameters))
      const { lastInsertRowid } = this.#insert.run(account, submitter, timestamp, effective, text, comment, status)
      this.#insertUpdate.run(lastInsertRowid, 0, status, submitter, timestamp)
      return Number(lastInsertRowid)
    })
    return { ...request, id, updates: [{ status, account: submitter, sequence: 0, timestamp }] }
  }

  /** Adds an update, and a new date where one is given. */
  update(modification: Modification, update: Omit<ModificationUpdate, 'sequence'>, effective: number): Modification {
    const sequence = modification.updates.length
    const { status, account, timestamp } = update
    inTransaction(this.#database, () => {
      this.#insertUpdate.run(modification.id, sequence, status, account, timestamp)
      this.#database
        .prepare('UPDATE modification_requests SET status = ?, effective = ? WHERE id = ?')
        .run(status, effective, modification.id)
    })
    return { ...modification, effective, updates: [...modification.updates, { ...update, sequence }] }
  }

  /** @throws ServiceError UNKNOWN_MODIFICATION */
  load(id: number): Modification {
    const row = this.#database.prepare('SELECT * FROM modification_requests WHERE id = ?').get(id)
    if (row === undefined) throw new ServiceError(Reason.UnknownModification, [id])
    return this.#modificationOfRow(row)
  }

  /** Requests about an account, ascending, with ids above `after`. */
  after(account: number, after: number, rowsMax: number): Page<Modification> {
    const rows = this.#database
      .prepare('SELECT * FROM modification_requests WHERE account = ? AND id > ? ORDER BY id LIMIT ?')
      .all(account, after, rowsMax + 1)
    return pageOf(
      rows.map(row => this.#modificationOfRow(row)),
      rowsMax,
    )
  }

  /** Scheduled requests whose date has come, in the order of their dates. */
  due(nowUs: number): Modification[] {
    return this.#database
      .prepare('SELECT * FROM modification_requests WHERE status = ? AND effective <= ? ORDER BY effective, id')
      .all(ModificationStatus.Scheduled, nowUs)
      .map(row => this.#modificationOfRow(row))
  }

  #modificationOfRow(row: Record<string, unknown>): Modification {
    const id = Number(row.id)
    return {
      id,
      account: Number(row.account),
      submitter: Number(row.submitter),
      timestamp: Number(row.timestamp),
      effective: Number(row.effective),
      parameters: riskParametersFromWire(JSON.parse(String(row.parameters)) as Elements, 0), // written by `add`
      comment: String(row.comment),
      updates: this.#updates.all(id).map(updateOfRow) as [ModificationUpdate, ...ModificationUpdate[]], // one since `add`
    }
  }
}

function updateOfRow(row: Record<string, unknown>): ModificationUpdate {
  return {
    status: Number(row.status) as ModificationStatus, // only what the service has checked is ever written
    account: Number(row.account),
    sequence: Number(row.sequence),
    timestamp: Number(row.timestamp),
  }
}
