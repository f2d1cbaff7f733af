// Journals of a test's folder, and what a store has of them, as lists that can be compared: one line for each report.

import { openDatabaseToRead } from '../../src/base/sqlite.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { JournalWriter } from '../../src/journal/journal-writer.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import type { Entry } from '../stores/generated-history.ts'
import type { StoreFolder } from '../stores/store-folder.ts'

/** @param firstSequence where it begins, if it is new. */
export function openJournal(folder: StoreFolder, name: string, firstSequence = 1): JournalWriter {
  return JournalWriter.open({
    directory: folder.journal(name),
    durability: 'none',
    segmentBytes: 16_384,
    firstSequence,
  })
}

const COLUMNS = 'account, query_sequence, order_id, sequence, status'
/** All reports a store has, in order; the same in every SQL. */
export const REPORTS = `SELECT ${COLUMNS} FROM execution_reports ORDER BY account, query_sequence`

/** What a store that has these entries answers to that. */
export function reportLines(...journals: readonly (readonly Entry[])[]): string[] {
  const rows: number[][] = []
  for (const { event } of journals.flat()) {
    if (event.kind === Kind.OrderAccepted) {
      rows.push([event.account, event.reportSequence, event.orderId, 0, OrderStatus.PendingNew])
    } else if (event.kind === Kind.ExecutionReport) {
      rows.push([event.account, event.reportSequence, event.orderId, event.sequence, event.status])
    }
  }
  rows.sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)
  return rows.map(row => row.join(' '))
}

export function linesOf(rows: Iterable<Readonly<Record<string, unknown>>>): string[] {
  return [...rows].map(row =>
    COLUMNS.split(', ')
      .map(column => Number(row[column]))
      .join(' '),
  )
}

/** What the embedded store in that file has. */
export function embeddedLines(file: string): string[] {
  const database = openDatabaseToRead(file)
  try {
    return linesOf(database.prepare(REPORTS).iterate() as Iterable<Record<string, unknown>>) // rows by name
  } finally {
    database.close()
  }
}
