// From where to where a journal goes that nobody appends to at the moment.

import { JournalReader } from './journal-reader.ts'
import { listSegments } from './segment.ts'

export interface JournalRange {
  /** Sequence of the first entry there is; undefined where the journal has not begun. */
  readonly first: number | undefined
  /** Sequence that follows the last entry. A torn tail does not count. */
  readonly next: number
}

/**
 * The range of the journal in `directory`, which may not exist yet. The last segment is read.
 * @throws JournalDamaged where that is damaged before its tail.
 */
export function journalRange(directory: string): JournalRange {
  const segments = listSegments(directory)
  const last = segments.at(-1)
  if (last === undefined) return { first: undefined, next: 1 }
  const reader = JournalReader.open(directory, last.firstSequence)
  try {
    while (reader.read(() => undefined, { entriesMax: READ_ENTRIES }) > 0) {}
    return { first: segments[0]!.firstSequence, next: reader.nextSequence }
  } finally {
    reader.close()
  }
}

const READ_ENTRIES = 4096
