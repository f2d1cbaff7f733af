// The only door to node:sqlite. Databases are opened in write-ahead mode, so that a reader never waits for the writer.

import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'

export type Database = DatabaseSync
export type Statement = StatementSync
export type SqlValue = SQLInputValue

/** When a commit counts as done: after fdatasync (full), or once the operating system has it (normal). */
export type SqliteDurability = 'full' | 'normal'

/**
 * Opens or creates the database file at `path`. `pageBytes` counts when it is created; `waitMs` is how long to wait for
 * others who hold it. @throws an error that names the file, with SQLite's code.
 */
export function openDatabase(path: string, durability: SqliteDurability, pageBytes = 4096, waitMs = 5_000): Database {
  try {
    const database = new DatabaseSync(path, { timeout: waitMs })
    database.exec(`PRAGMA page_size = ${pageBytes}`)
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`)
    return database
  } catch (error) {
    throw named(path, error)
  }
}

/** The same failure with the name of the file. */
function named(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error)) return error
  return Object.assign(new Error(`${path}: ${error.message}`, { cause: error }), { errcode: error.errcode })
}

/** Opens an existing database file for reading, beside its one writer. */
export function openDatabaseToRead(path: string): Database {
  try {
    return new DatabaseSync(path, { timeout: 5_000, readOnly: true })
  } catch (error) {
    throw named(path, error)
  }
}

/** SQLite's primary result code of an error (11 corrupt, 13 full, 19 constraint …); undefined for other errors. */
export function sqliteErrorCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined
  return error.errcode & 0xff
}

/** Runs `work` in one transaction, the surrounding one if there is one: all of it happens, or, where it throws, nothing. */
export function inTransaction<Result>(database: Database, work: () => Result): Result {
  if (database.isTransaction) return work()
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}
