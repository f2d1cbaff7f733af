// The rows of orders and reports in one form, whether they were read from a store or follow from a journal: lists of
// values in the order of the columns, so that both can be compared value by value, and by one digest.

import { hash } from 'node:crypto'
import type { EventColumns } from '../stores/event-columns.ts'
import type { Dialect, Row, StoreValue } from '../stores/readable-store.ts'
import {
  type Column,
  ColumnKind,
  putAccepted,
  putReport,
  type ReportTargets,
  type RowTarget,
  rowShapes,
} from '../stores/row-shapes.ts'

/** A table that holds one row for each order, or for each report. */
export interface RowTable {
  readonly name: 'submissions' | 'execution_reports'
  readonly columns: readonly Column[]
  /** Places of columns. */
  readonly account: number
  readonly orderId: number
  /** Of the report within its order; undefined for orders. */
  readonly sequence: number | undefined
  readonly timestamp: number
  readonly querySequence: number
}

function tableOf({ table, columns }: typeof rowShapes.submission | typeof rowShapes.replaceReport): RowTable {
  const place = (name: string) => columns.findIndex(column => column.name === name)
  return {
    name: table as RowTable['name'], // as the shapes have it
    columns,
    account: place('account'),
    orderId: place('order_id'),
    sequence: place('sequence') < 0 ? undefined : place('sequence'),
    timestamp: place('timestamp'),
    querySequence: place('query_sequence'),
  }
}

export const submissionTable = tableOf(rowShapes.submission)
export const reportTable = tableOf(rowShapes.replaceReport)
export const rowTables = [submissionTable, reportTable] as const

/** What a column has that nothing was written to. */
const defaults: readonly StoreValue[] = reportTable.columns.map(({ kind, name }) => {
  if (kind === ColumnKind.Bytes) return null
  return kind === ColumnKind.Text ? '' : name === 'timestamp' ? null : 0
})

/** The columns of `table` as a statement asks for them. */
export function columnsSql({ columns }: RowTable, dialect: Dialect): string {
  return columns
    .map(({ name, kind }) => {
      if (kind === ColumnKind.Amount) return dialect.amount(name)
      return kind === ColumnKind.Time ? dialect.time(name) : name
    })
    .join(', ')
}

/** Takes the values of a row; they are good until it returns. */
export type RowVisitor = (table: RowTable, row: Row) => void

/** Gives the rows that the event in `columns` makes to a visitor. */
export class EventRowsGiven {
  readonly #visit: RowVisitor
  readonly #report: StoreValue[] = [...defaults]
  readonly #submissions: RowTarget
  readonly #targets: ReportTargets

  constructor(visit: RowVisitor) {
    this.#visit = visit
    this.#submissions = target(values => visit(submissionTable, values))
    this.#targets = {
      plainReports: target(values => this.#giveReport(values, rowShapes.plainReport.columns.length)),
      fills: target(values => this.#giveReport(values, rowShapes.fill.columns.length)),
      fullReports: target(values => this.#giveReport(values, rowShapes.fullReport.columns.length)),
      replaceReports: target(values => this.#giveReport(values, rowShapes.replaceReport.columns.length)),
      // Which reports those are follows from the reports themselves.
      replaceClOrdIds: target(() => undefined),
    }
  }

  accepted(columns: EventColumns): void {
    putAccepted(columns, this.#submissions, this.#targets)
  }

  report(columns: EventColumns): void {
    putReport(columns, this.#targets)
  }

  #giveReport(values: readonly StoreValue[], count: number): void {
    const report = this.#report
    for (let i = 0; i < report.length; i++) report[i] = i < count ? values[i]! : defaults[i]!
    this.#visit(reportTable, report)
  }
}

function target(added: (values: readonly StoreValue[]) => void): RowTarget {
  const values: StoreValue[] = []
  return { values, next: 0, added: () => added(values) }
}

/** The row in one text, the same wherever it came from. */
export function rowText({ columns }: RowTable, row: Row): string {
  let text = ''
  for (let i = 0; i < columns.length; i++) text += `${valueText(columns[i]!, row[i]!)}\u001f`
  return text
}

/** A value in the form in which values are compared. */
export function valueText({ kind }: Column, value: StoreValue): string {
  // No time and the time 0 are the same: tables that have times of their own cannot hold the latter.
  if (value === null) return kind === ColumnKind.Time ? '0' : '\u0000'
  return typeof value === 'object' ? Buffer.from(value).toString('hex') : String(value)
}

/** Four parts of 32 bits of a row's digest. */
export function rowDigest(table: RowTable, row: Row): Buffer {
  return hash('sha256', `${table.name}\u001f${rowText(table, row)}`, 'buffer').subarray(0, 16)
}
