// The journals of a data directory as a source of rows: what they hold of each account, and the rows that follow from it.
// A server may append and delete segments meanwhile: what is gone when it is asked for is not compared.

import type { Definitions } from '../domain/definitions.ts'
import { JournalTrimmed } from '../journal/journal-errors.ts'
import { JournalReader, type JournalVisitor } from '../journal/journal-reader.ts'
import { listSegments } from '../journal/segment.ts'
import { Kind } from '../protocol/kinds.ts'
import { accountAt, EventOffset, MalformedEvent, reportSequenceAt } from '../protocol/order-events.ts'
import { EventColumns } from '../stores/event-columns.ts'
import type { AccountEnd } from './account-parts.ts'
import { EventRowsGiven, type RowVisitor } from './table-rows.ts'

/** A journal by the name under which stores remember it. */
export interface JournalToScan {
  readonly name: string
  readonly directory: string
}

/** An entry that a store has set aside whole: no rows follow from it. */
export type IsSetAside = (journal: string, sequence: number) => boolean

const READ_ENTRIES = 4096

/** Consecutive report sequences of an account, with the first order sequence among them. */
interface Run {
  first: number
  last: number
  /** Undefined as long as no order is accepted in the run. */
  firstOrder: number | undefined
}

/** Reads journals from their oldest entry to where they ended when it began. */
async function readJournals(
  journals: readonly JournalToScan[],
  visit: (journal: JournalToScan) => JournalVisitor,
): Promise<void> {
  for (const journal of journals) {
    const first = listSegments(journal.directory)[0]?.firstSequence
    if (first === undefined) continue
    let reader = JournalReader.open(journal.directory, first)
    const visitor = visit(journal)
    try {
      for (;;) {
        try {
          if (reader.read(visitor, { entriesMax: READ_ENTRIES }) === 0) break
        } catch (error) {
          if (!(error instanceof JournalTrimmed)) throw error
          reader.close()
          const oldest = listSegments(journal.directory)[0]?.firstSequence
          if (oldest === undefined) break
          reader = JournalReader.open(journal.directory, oldest)
        }
        await new Promise(setImmediate)
      }
    } finally {
      reader.close()
    }
  }
}

/** What lies before the journals, by account; accounts of which they hold nothing are missing. @throws JournalDamaged */
export async function scanJournalAccounts(
  journals: readonly JournalToScan[],
  definitions: Definitions,
): Promise<Map<number, AccountEnd>> {
  const runs = new Map<number, Run[]>()
  const columns = new EventColumns(definitions)
  await readJournals(journals, () => (_, bytes, offset, length) => {
    if (!isEvent(bytes, offset, length)) return
    const account = accountAt(bytes, offset)
    const sequence = reportSequenceAt(bytes, offset)
    let ofAccount = runs.get(account)
    if (ofAccount === undefined) {
      ofAccount = []
      runs.set(account, ofAccount)
    }
    let run = ofAccount.at(-1)
    if (run === undefined || run.last + 1 !== sequence) {
      run = ofAccount.find(({ last }) => last + 1 === sequence)
      if (run === undefined) {
        run = { first: sequence, last: sequence, firstOrder: undefined }
        ofAccount.push(run)
      }
    }
    run.last = sequence
    if (run.firstOrder !== undefined || bytes[offset + EventOffset.kind] !== Kind.OrderAccepted) return
    if (readColumns(columns, bytes, offset, length)) run.firstOrder = columns.orderSequence
  })
  return new Map([...runs].map(([account, ofAccount]) => [account, beforeLastRun(ofAccount)]))
}

/** An account may have moved from journal to journal: what counts is where its unbroken end begins. */
function beforeLastRun(runs: readonly Run[]): AccountEnd {
  const sorted = runs.toSorted((a, b) => b.last - a.last)
  let { first, firstOrder } = sorted[0]!
  for (const run of sorted.slice(1)) {
    if (run.last + 1 !== first) break
    first = run.first
    firstOrder = run.firstOrder ?? firstOrder
  }
  // Where no order is accepted in it, all orders lie before it.
  return { reportSequence: first - 1, orderSequence: (firstOrder ?? Number.MAX_SAFE_INTEGER) - 1 }
}

/** Gives every row that follows from the journals to `visit`. @throws JournalDamaged */
export async function scanJournalRows(
  journals: readonly JournalToScan[],
  definitions: Definitions,
  isSetAside: IsSetAside,
  visit: RowVisitor,
): Promise<void> {
  const columns = new EventColumns(definitions)
  const given = new EventRowsGiven(visit)
  await readJournals(journals, ({ name }) => (sequence, bytes, offset, length) => {
    if (!isEvent(bytes, offset, length) || isSetAside(name, sequence)) return
    if (!readColumns(columns, bytes, offset, length)) return
    if (columns.kind === Kind.OrderAccepted) given.accepted(columns)
    else given.report(columns)
  })
}

function isEvent(bytes: Buffer, offset: number, length: number): boolean {
  return (
    length >= EventOffset.reportSequence + 8 &&
    (bytes[offset + EventOffset.kind] === Kind.OrderAccepted ||
      bytes[offset + EventOffset.kind] === Kind.ExecutionReport)
  )
}

/** False for an entry that no store could take either. */
function readColumns(columns: EventColumns, bytes: Buffer, offset: number, length: number): boolean {
  try {
    columns.read(bytes, offset, offset + length)
    return true
  } catch (error) {
    if (error instanceof MalformedEvent) return false
    throw error
  }
}
