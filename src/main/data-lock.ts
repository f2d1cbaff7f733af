// One server per data directory. The lock is that of a database file, which the system lets go of however the process
// ends.

import path from 'node:path'
import { type Database, openDatabase, sqliteErrorCode } from '../base/sqlite.ts'

/** SQLITE_BUSY: somebody else holds the file. */
const BUSY = 5

/** Another server uses the directory. */
export class DataInUse extends Error {
  override name = 'DataInUse'
  constructor(directory: string) {
    super(`Another server uses ${directory}. Stop it first, or give this one another data_directory.`)
  }
}

/** Locks `directory` for this process until `release` is called. @throws DataInUse */
export function lockDirectory(directory: string): { release: () => void } {
  const file = path.join(directory, 'lock.db')
  let database: Database | undefined
  try {
    database = openDatabase(file, 'normal', 4096, 0)
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    if (sqliteErrorCode(error) === BUSY) throw new DataInUse(directory)
    throw error
  }
  const held = database
  return { release: () => held.close() }
}
