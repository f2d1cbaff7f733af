// One server per data directory.

import path from 'node:path'
import { type FileLock, lockFile } from '../base/file-lock.ts'

/** Another server uses the directory. */
export class DataInUse extends Error {
  override name = 'DataInUse'
  constructor(directory: string) {
    super(`Another server uses ${directory}. Stop it first, or give this one another data_directory.`)
  }
}

/** Locks `directory` for this process until the lock is released. @throws DataInUse */
export function lockDirectory(directory: string): FileLock {
  const lock = lockFile(path.join(directory, 'lock.db'))
  if (lock === undefined) throw new DataInUse(directory)
  return lock
}
