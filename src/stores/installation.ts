// Which installation a data directory is: a random id, made at its first start, by which its stores know whose orders
// they hold; and the journals it has had, so that one that is lost is missed. One small file beside the journals.
//
//   <data>/installation    {"installation": "9f0c…", "journals": ["shard-0", "shard-1"], "begins": {}, "spread": {…}}
//
// It also remembers when accounts moved from one journal to another, since their order is then in no journal alone.

import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { syncDirectory, unlessMissing } from '../journal/segment.ts'

export interface Installation {
  readonly id: string
  /** Names of the journals that were ever begun here. */
  readonly journals: readonly string[]
  /** First sequences of journals that go on from a store, begun or not; all others begin at 1. */
  readonly begins: Readonly<Record<string, number>>
  /** Undefined before the first start. */
  readonly spread?: Spread
}

/** How accounts are spread over journals, which follows from how many are appended to. */
export interface Spread {
  /** Those that were appended to since the last start. */
  readonly journals: readonly string[]
  /**
   * For each time this changed, oldest first: the sequence that followed the last entry of every journal there was.
   * What lies before, in whichever journal, is older for each account than what lies behind in any.
   */
  readonly changes: readonly Readonly<Record<string, number>>[]
}

const FILE_NAME = 'installation'

/** The file is there and says nothing that can be understood. */
export class InstallationUnreadable extends Error {
  override name = 'InstallationUnreadable'
  constructor(file: string, cause?: unknown) {
    super(
      `${file} does not say which installation this is. Restore it from a copy; the id is also in the table ` +
        'store_owner of each store.',
      { cause },
    )
  }
}

export function newInstallationId(): string {
  return randomUUID()
}

/** What the data directory says; undefined before its first start. @throws InstallationUnreadable */
export function readInstallation(directory: string): Installation | undefined {
  const file = path.join(directory, FILE_NAME)
  const text = unlessMissing(() => fs.readFileSync(file, 'utf8'))
  if (text === undefined) return undefined
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch (error) {
    throw new InstallationUnreadable(file, error)
  }
  const { installation, journals, begins, spread } = (found ?? {}) as Record<string, unknown> // each is looked at below
  if (typeof installation !== 'string' || installation === '') throw new InstallationUnreadable(file)
  if (!areNames(journals) || !areSequences(begins ?? {})) throw new InstallationUnreadable(file)
  const known = { id: installation, journals, begins: (begins ?? {}) as Record<string, number> } // looked at
  if (spread === undefined) return known
  const { journals: appended, changes } = (spread ?? {}) as Record<string, unknown> // each is looked at here
  if (!areNames(appended) || !Array.isArray(changes) || !changes.every(areSequences)) {
    throw new InstallationUnreadable(file)
  }
  return { ...known, spread: { journals: appended, changes } }
}

function areNames(found: unknown): found is string[] {
  return Array.isArray(found) && found.every(name => typeof name === 'string')
}

function areSequences(found: unknown): found is Record<string, number> {
  return typeof found === 'object' && found !== null && Object.values(found).every(Number.isSafeInteger)
}

/** Writes the file whole or not at all; when this returns it outlives a power failure. */
export function writeInstallation(directory: string, { id, journals, begins, spread }: Installation): void {
  const file = path.join(directory, FILE_NAME)
  const made = `${file}.new`
  const fd = fs.openSync(made, 'w')
  try {
    fs.writeSync(fd, `${JSON.stringify({ installation: id, journals, begins, spread })}\n`)
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
  fs.renameSync(made, file)
  syncDirectory(directory)
}
