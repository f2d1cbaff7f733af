// What is to be canceled if a client falls silent: choices of sessions, dead-man's switches, and the recalls that have begun
// and not yet been everywhere. A small database of its own in the data directory, as for halts: each change is on the disk
// before anybody is told of it, and neither stores nor services can keep it from being written.
//
//   session, switch ── fires ──► recall, in the same transaction ── all shards have been through ──► gone

import { type Database, inTransaction, openDatabase, type Statement } from '../base/sqlite.ts'
import type { Reason } from '../domain/reasons.ts'
import type { CancelOn } from '../protocol/kinds.ts'
import type { RecallScope } from '../protocol/recall.ts'

/** A session, over all its connections: the account that logs in, and the key that the client has chosen. */
export interface SessionName {
  readonly account: number
  readonly key: string
}

/** What a session wants to have canceled at its end. */
export interface Choice {
  readonly cancelOn: CancelOn
  /** How long a lost connection may stay away. */
  readonly graceMs: number
  /** Bits of `AlsoCancel`. */
  readonly alsoCancel: number
}

/** A dead-man's switch; times are µs since the epoch, UTC. */
export interface KeptSwitch {
  readonly account: number
  readonly timeoutMs: number
  readonly alsoCancel: number
  readonly dueAt: number
  /** 0 where it has not fired. */
  readonly firedAt: number
  readonly canceled: number
}

/** A recall that has begun. */
export interface KeptRecall {
  readonly scope: RecallScope
  readonly account: number
  /** Of the session; empty for an account. */
  readonly key: string
  readonly alsoCancel: number
  readonly lastOrderId: number
  readonly reason: Reason
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sessions (
    account INTEGER NOT NULL, key TEXT NOT NULL,
    cancel_on INTEGER NOT NULL, grace_ms INTEGER NOT NULL, also_cancel INTEGER NOT NULL,
    PRIMARY KEY (account, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS switches (
    account INTEGER PRIMARY KEY,
    timeout_ms INTEGER NOT NULL, also_cancel INTEGER NOT NULL, due_at INTEGER NOT NULL,
    fired_at INTEGER NOT NULL, canceled INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS recalls (
    id INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL, account INTEGER NOT NULL, key TEXT NOT NULL,
    also_cancel INTEGER NOT NULL, last_order_id INTEGER NOT NULL, reason INTEGER NOT NULL
  ) STRICT`

export class SafetyStore {
  /** True until `settle`: nothing is known of the sessions whose orders come back. */
  readonly isNew: boolean
  readonly #database: Database
  readonly #statements = new Map<string, Statement>()

  /** Opens or makes the file. @throws the database's error, with the name of the file. */
  constructor(file: string) {
    this.#database = openDatabase(file, 'full')
    this.#database.exec(SCHEMA)
    this.isNew = this.#database.prepare('PRAGMA user_version').get()!.user_version === 0
  }

  sessions(): (SessionName & Choice)[] {
    const rows = this.#run('SELECT account, key, cancel_on, grace_ms, also_cancel FROM sessions').all()
    return rows.map(row => ({
      account: row.account as number, // our own rows
      key: row.key as string,
      cancelOn: row.cancel_on as CancelOn,
      graceMs: row.grace_ms as number,
      alsoCancel: row.also_cancel as number,
    }))
  }

  switches(): KeptSwitch[] {
    const rows = this.#run('SELECT * FROM switches').all()
    return rows.map(row => ({
      account: row.account as number,
      timeoutMs: row.timeout_ms as number,
      alsoCancel: row.also_cancel as number,
      dueAt: row.due_at as number,
      firedAt: row.fired_at as number,
      canceled: row.canceled as number,
    }))
  }

  recalls(): ({ readonly id: number } & KeptRecall)[] {
    const rows = this.#run('SELECT * FROM recalls ORDER BY id').all()
    return rows.map(row => ({
      id: row.id as number,
      scope: row.scope as RecallScope,
      account: row.account as number,
      key: row.key as string,
      alsoCancel: row.also_cancel as number,
      lastOrderId: row.last_order_id as number,
      reason: row.reason as Reason,
    }))
  }

  // All of these are on the disk when they return. @throws the database's error

  /** All orders have come back; whose sessions were not known is written down. */
  settle(): void {
    if (this.isNew) this.#database.exec('PRAGMA user_version = 1')
  }

  keepSession({ account, key, cancelOn, graceMs, alsoCancel }: SessionName & Choice): void {
    this.#run('INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?)').run(account, key, cancelOn, graceMs, alsoCancel)
  }

  forgetSession({ account, key }: SessionName): void {
    this.#run('DELETE FROM sessions WHERE account = ? AND key = ?').run(account, key)
  }

  keepSwitch({ account, timeoutMs, alsoCancel, dueAt, firedAt, canceled }: KeptSwitch): void {
    this.#run('INSERT OR REPLACE INTO switches VALUES (?, ?, ?, ?, ?, ?)').run(
      account,
      timeoutMs,
      alsoCancel,
      dueAt,
      firedAt,
      canceled,
    )
  }

  forgetSwitch(account: number): void {
    this.#run('DELETE FROM switches WHERE account = ?').run(account)
  }

  /** All of these changes, with one sync. @returns the last result of `changes`. */
  together<Result>(changes: () => Result): Result {
    return inTransaction(this.#database, changes)
  }

  /** @returns the id by which the recall ends. */
  beginRecall({ scope, account, key, alsoCancel, lastOrderId, reason }: KeptRecall): number {
    const insert = this.#run(
      'INSERT INTO recalls (scope, account, key, also_cancel, last_order_id, reason) VALUES (?, ?, ?, ?, ?, ?)',
    )
    return Number(insert.run(scope, account, key, alsoCancel, lastOrderId, reason).lastInsertRowid)
  }

  endRecall(id: number): void {
    this.#run('DELETE FROM recalls WHERE id = ?').run(id)
  }

  close(): void {
    this.#database.close()
  }

  #run(sql: string): Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}
