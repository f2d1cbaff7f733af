// One server per data directory. The lock is that of a database file, which the system lets go of however the process
// ends.

import path from 'node:path'
import { openDatabase, sqliteErrorCode } from '../base/sqlite.ts'

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
  const database = openDatabase(path.join(directory, 'lock.db'), 'normal')
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (sqliteErrorCode(error) === BUSY) throw new DataInUse(directory)
    throw error
  }
  return { release: () => database.close() }
}
