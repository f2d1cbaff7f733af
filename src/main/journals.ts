// The journals of a data directory: one for each shard there is, and those that earlier runs with more shards have left.

import fs from 'node:fs'
import path from 'node:path'

export interface JournalPlace {
  /** By which the stores remember their positions; stays the same for the life of the journal. */
  readonly name: string
  readonly directory: string
  /** Whether a shard of this run appends to it. */
  readonly isAppended: boolean
}

/** The journals in `directory`, which may not exist yet; that of shard n is the one at n. */
export function journalsIn(directory: string, shards: number): JournalPlace[] {
  const journals = Array.from({ length: shards }, (_, shard) => journalOf(directory, `shard-${shard}`, true))
  const found = fs.existsSync(directory) ? fs.readdirSync(directory) : []
  for (const name of found.sort()) {
    const match = /^shard-(\d+)$/.exec(name)
    if (match !== null && Number(match[1]) >= shards) journals.push(journalOf(directory, name, false))
  }
  return journals
}

function journalOf(directory: string, name: string, isAppended: boolean): JournalPlace {
  return { name, directory: path.join(directory, name), isAppended }
}
