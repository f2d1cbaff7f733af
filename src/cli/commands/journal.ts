// `oes journal`: what lies in the journals of a server, and whether it is whole. Reads files only; a server may run
// meanwhile.

import fs from 'node:fs'
import path from 'node:path'
import { listSegments } from '../../journal/segment.ts'
import { type JournalInfo, type SegmentInfo, verifyJournal } from '../../journal/verify.ts'
import { CommandError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import type { Output } from '../output.ts'
import type { Column } from '../table.ts'

/** Folders below the data directory that are searched for journals; theirs lie within the first two. */
const DEPTH_MAX = 3

/** The directories at or below `directory` that hold segments. @throws CommandError where there are none. */
export function findJournals(directory: string): string[] {
  const found = search(directory, DEPTH_MAX).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  if (found.length > 0) return found
  throw new CommandError(`There is no journal in ${directory}.`, {
    hint: 'Name the data directory of the server, or a journal in it; --config takes it from a configuration.',
  })
}

function search(directory: string, depth: number): string[] {
  if (listSegments(directory).length > 0) return [directory]
  if (depth === 0) return []
  return foldersIn(directory).flatMap(folder => search(folder, depth - 1))
}

function foldersIn(directory: string): string[] {
  try {
    const entries = fs.readdirSync(directory, { withFileTypes: true })
    return entries.filter(entry => entry.isDirectory()).map(entry => path.join(directory, entry.name))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new CommandError(`${directory} cannot be read: ${why}.`, { hint: 'Check the path.', cause: error })
  }
}

/** Lists the segments of each journal. */
export function listJournals(output: Output, directories: readonly string[]): ExitStatus {
  for (const [at, directory] of directories.entries()) {
    const journal = verifyJournal(directory)
    if (output.isJson) {
      output.json({ directory, segments: journal.segments })
      continue
    }
    if (at > 0) output.line('')
    output.line(directory)
    output.table(columns, journal.segments)
  }
  return ExitStatus.Ok
}

const columns: Column<SegmentInfo>[] = [
  { title: 'SEGMENT', cell: segment => path.basename(segment.file) },
  { title: 'FIRST', align: 'right', cell: segment => String(segment.firstSequence) },
  { title: 'NEXT', align: 'right', cell: segment => String(segment.nextSequence) },
  { title: 'COMMITS', align: 'right', cell: segment => String(segment.blockCount) },
  { title: 'USED', align: 'right', cell: segment => String(segment.usedBytes) },
  { title: 'BYTES', align: 'right', cell: segment => String(segment.fileBytes) },
]

/** Reads each journal to its end. @returns failed where one is damaged; a torn tail is no damage. */
export function verifyJournals(output: Output, directories: readonly string[]): ExitStatus {
  let status: ExitStatus = ExitStatus.Ok
  for (const directory of directories) {
    const journal = verifyJournal(directory)
    if (journal.damage !== undefined) status = ExitStatus.Failed
    if (output.isJson) output.json(verdictJson(directory, journal))
    else output.line(verdictText(output, directory, journal))
  }
  if (status !== ExitStatus.Ok) output.note('Do not start the server on a damaged journal; keep a copy of it first.')
  return status
}

function verdictJson(directory: string, { segments, damage, tornTail }: JournalInfo): unknown {
  const { file, offset, sequence, message } = damage ?? {}
  return {
    directory,
    isWhole: damage === undefined,
    entries: entriesOf(segments),
    ...(damage !== undefined && { damage: { file, offset, sequence, message } }),
    ...(tornTail !== undefined && { tornTail }),
  }
}

function verdictText(output: Output, directory: string, { segments, damage, tornTail }: JournalInfo): string {
  if (damage !== undefined) return `${output.paint('red', 'damaged')}  ${directory}: ${damage.message}`
  const whole = `${output.paint('green', 'whole')}  ${directory}: ${entriesOf(segments)} entries`
  if (tornTail === undefined) return `${whole}.`
  return `${whole}; an unfinished commit at byte ${tornTail.offset} of ${tornTail.file}, which the next start clears.`
}

function entriesOf(segments: readonly SegmentInfo[]): number {
  return segments.reduce((sum, segment) => sum + segment.nextSequence - segment.firstSequence, 0)
}
