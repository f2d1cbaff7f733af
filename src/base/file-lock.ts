// A lock that one process holds at a time, and that the system lets go of however the process ends. It is that of a
// database file made for it.

import { type Database, openDatabase, sqliteErrorCode } from './sqlite.ts'

/** SQLITE_BUSY: somebody else holds the file. */
const BUSY = 5

export interface FileLock {
  release(): void
}

/** Locks `file`, which is made if it is not there; undefined where another process holds it. */
export function lockFile(file: string): FileLock | undefined {
  let database: Database | undefined
  try {
    database = openDatabase(file, 'normal', 4096, 0)
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    if (sqliteErrorCode(error) === BUSY) return undefined
    throw error
  }
  const held = database
  return { release: () => held.close() }
}
