// Rows of several sources side by side, by their keys, to tell what differs. They lie in a temporary file.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type Database, openDatabase } from '../base/sqlite.ts'
import type { Row } from '../stores/readable-store.ts'
import { type RowTable, rowTables, valueText } from './table-rows.ts'

/** One row as one source has it. */
export interface BookedRow {
  readonly source: number
  readonly account: number
  readonly part: number
  /** In the order of the columns, as they are compared. */
  readonly values: readonly string[]
}

/** What the sources have under one key. */
export interface BookedKey {
  readonly table: RowTable
  readonly orderId: number
  readonly sequence: number | undefined
  readonly rows: readonly BookedRow[]
}

export class RowBook {
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-rows-'))
  readonly #database: Database
  readonly #insert: ReturnType<Database['prepare']>

  constructor() {
    this.#database = openDatabase(path.join(this.#folder, 'rows.db'), 'normal')
    this.#database.exec(`
      PRAGMA synchronous = OFF;
      CREATE TABLE rows (tbl INTEGER, order_id INTEGER, sequence INTEGER, source INTEGER, account INTEGER, part INTEGER,
        row_values TEXT, PRIMARY KEY (tbl, order_id, sequence, source)) WITHOUT ROWID;
      BEGIN`)
    this.#insert = this.#database.prepare('INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)')
  }

  add(source: number, table: RowTable, row: Row, part: number): void {
    const values = table.columns.map((column, at) => valueText(column, row[at]!))
    this.#insert.run(
      rowTables.indexOf(table),
      row[table.orderId] as number,
      table.sequence === undefined ? 0 : (row[table.sequence] as number),
      source,
      row[table.account] as number,
      part,
      JSON.stringify(values),
    )
  }

  /** Every key with its rows, by table. */
  *keys(): Generator<BookedKey> {
    let key: (BookedKey & { rows: BookedRow[] }) | undefined
    const statement = this.#database.prepare('SELECT * FROM rows ORDER BY tbl, order_id, sequence, source')
    for (const row of statement.iterate()) {
      const table = rowTables[Number(row.tbl)]!
      const orderId = Number(row.order_id)
      const sequence = table.sequence === undefined ? undefined : Number(row.sequence)
      if (key === undefined || key.table !== table || key.orderId !== orderId || key.sequence !== sequence) {
        if (key !== undefined) yield key
        key = { table, orderId, sequence, rows: [] }
      }
      key.rows.push({
        source: Number(row.source),
        account: Number(row.account),
        part: Number(row.part),
        values: JSON.parse(String(row.row_values)) as string[], // written above
      })
    }
    if (key !== undefined) yield key
  }

  close(): void {
    this.#database.close()
    fs.rmSync(this.#folder, { recursive: true, force: true })
  }
}
