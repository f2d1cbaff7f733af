// Inserts rows into one table, some at a time: a statement that takes several rows costs less per row than one for each.
//
// The conflict clause is what makes it pay. A statement of several rows that may fail half-way and leave the
// transaction open (INSERT alone) makes SQLite keep a copy of every page it changes, which costs more than it saves. So
// the grouped statement rolls back the whole transaction when a row is refused, and whoever wants to know which row it
// was writes them again one at a time.

import { assert } from '../base/assert.ts'
import type { Database, Statement } from '../base/sqlite.ts'
import type { ColumnValue, RowShape, RowTarget } from './row-shapes.ts'

/** Rows of one grouped statement; with more, the gain per row is hardly larger and the statement costs more memory. */
const GROUP_ROWS = 8

export class RowInsert implements RowTarget {
  /** The caller fills in the values of one row from `next` on, and then calls `added`. */
  readonly values: ColumnValue[]
  next = 0
  readonly #columns: number
  readonly #single: Statement
  readonly #grouped: Statement

  constructor(database: Database, { table, columns }: RowShape) {
    const names = columns.map(({ name }) => name).join(', ')
    const row = `(${columns.map(() => '?').join(', ')})`
    const group = new Array<string>(GROUP_ROWS).fill(row).join(', ')
    this.#columns = columns.length
    this.values = new Array<ColumnValue>(this.#columns * GROUP_ROWS).fill(null)
    this.#single = database.prepare(`INSERT INTO ${table} (${names}) VALUES ${row}`)
    this.#grouped = database.prepare(`INSERT OR ROLLBACK INTO ${table} (${names}) VALUES ${group}`)
  }

  /** The row filled in last is complete; it is written with the group, once that is full. */
  added(): void {
    this.next += this.#columns
    if (this.next < this.values.length) return
    this.next = 0
    this.#grouped.run(...this.values)
  }

  /** Writes what waits, row by row. A refused row leaves the transaction as it was before it. */
  flush(): void {
    const rows = this.next / this.#columns
    assert(Number.isInteger(rows))
    this.next = 0
    for (let row = 0; row < rows; row++) {
      this.#single.run(...this.values.slice(row * this.#columns, (row + 1) * this.#columns))
    }
  }

  /** Drops what waits. */
  clear(): void {
    this.next = 0
  }
}
