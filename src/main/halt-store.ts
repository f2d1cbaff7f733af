// Which halts are in force, and which were, with who threw and lifted them: a small database of its own in the data
// directory, because a halt has to outlive a crash also while every store and every service is away.

import { type Database, openDatabase, type Statement } from '../base/sqlite.ts'
import { HaltScope } from '../protocol/kinds.ts'

/** What is halted: the id of an account or a group, the id of a destination, or null for everybody. */
export type HaltTarget = { readonly scope: HaltScope; readonly target: number | string | null }

/** Somebody who threw or lifted a halt, when (µs since the epoch, UTC) and why. */
export interface HaltAct {
  readonly account: number
  readonly name: string
  readonly time: number
  readonly text: string
}

export interface Halt extends HaltTarget {
  readonly thrown: HaltAct
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS halts (
    id INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL,
    target ANY,
    thrown_by INTEGER NOT NULL, thrown_by_name TEXT NOT NULL, thrown_at INTEGER NOT NULL, thrown_text TEXT NOT NULL,
    lifted_by INTEGER, lifted_by_name TEXT, lifted_at INTEGER, lifted_text TEXT
  ) STRICT`

export class HaltStore {
  readonly #database: Database
  readonly #throw: Statement
  readonly #lift: Statement

  /** Opens or makes the file. @throws the database's error, with the name of the file, where it cannot be read: then nobody knows what is halted. */
  constructor(file: string) {
    this.#database = openDatabase(file, 'full')
    this.#database.exec(SCHEMA)
    this.#throw = this.#database.prepare(
      'INSERT INTO halts (scope, target, thrown_by, thrown_by_name, thrown_at, thrown_text) VALUES (?, ?, ?, ?, ?, ?)',
    )
    this.#lift = this.#database.prepare(
      'UPDATE halts SET lifted_by = ?, lifted_by_name = ?, lifted_at = ?, lifted_text = ? ' +
        'WHERE scope = ? AND target IS ? AND lifted_at IS NULL',
    )
  }

  inForce(): Halt[] {
    const rows = this.#database
      .prepare(
        'SELECT scope, target, thrown_by, thrown_by_name, thrown_at, thrown_text FROM halts ' +
          'WHERE lifted_at IS NULL ORDER BY id',
      )
      .all()
    return rows.map(row => ({
      scope: row.scope as HaltScope, // our own rows
      target: row.target as number | string | null,
      thrown: {
        account: row.thrown_by as number,
        name: row.thrown_by_name as string,
        time: row.thrown_at as number,
        text: row.thrown_text as string,
      },
    }))
  }

  /** On the disk when this returns. @throws the database's error */
  throw({ scope, target, thrown: { account, name, time, text } }: Halt): void {
    this.#throw.run(scope, target, account, name, time, text)
  }

  /** On the disk when this returns. @throws the database's error */
  lift({ scope, target }: HaltTarget, { account, name, time, text }: HaltAct): void {
    this.#lift.run(account, name, time, text, scope, target)
  }

  close(): void {
    this.#database.close()
  }
}

/** One text for each target, so that halts can be told apart. */
export function haltKey({ scope, target }: HaltTarget): string {
  return scope === HaltScope.Everybody ? 'everybody' : `${scope} ${target}`
}
