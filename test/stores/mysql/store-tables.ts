// All rows of all tables of a store, in one shape whichever store it is: amounts as whole micros, times as µs, bytes as
// hexadecimal digits. So stores of two kinds can be compared whole.

import type { MysqlConnection } from '../../../src/base/mysql.ts'
import { openDatabaseToRead } from '../../../src/base/sqlite.ts'

/** Rows of each table, each a list of its columns' values in the order of the columns' names. */
export type StoreTables = Readonly<Record<string, readonly (readonly unknown[])[]>>

export const STORE_TABLES = [
  'submissions',
  'execution_reports',
  'replace_client_order_ids',
  'live_orders',
  'live_submissions',
  'terminal_submissions',
  'order_execution_inventory_entries',
  'order_execution_inventory_sequences',
  'order_execution_inventory_excluded_orders',
  'account_sequences',
  'journal_positions',
  'set_aside',
  'store_owner',
]

export function tablesOfEmbedded(file: string): StoreTables {
  const database = openDatabaseToRead(file)
  try {
    return Object.fromEntries(
      STORE_TABLES.map(table => [
        table,
        sorted(
          database
            .prepare(`SELECT * FROM ${table}`)
            .all()
            .map(row =>
              Object.keys(row)
                .sort()
                .map(name => plain(row[name])),
            ),
        ),
      ]),
    )
  } finally {
    database.close()
  }
}

export async function tablesOfMysql(connection: MysqlConnection): Promise<StoreTables> {
  const tables: [string, unknown[][]][] = []
  for (const table of STORE_TABLES) {
    const columns = await connection.query(
      'SELECT column_name AS name, data_type AS type FROM information_schema.columns ' +
        'WHERE table_schema = DATABASE() AND table_name = ?',
      [table],
    )
    columns.sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1))
    const names = columns.map(({ name, type }) => {
      if (type === 'decimal') return `CAST(${name} * 1000000 AS SIGNED)`
      return type === 'datetime' ? `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${name})` : String(name)
    })
    const rows = await connection.queryLists(`SELECT ${names.join(', ')} FROM ${table}`)
    tables.push([table, sorted(rows.map(row => row.map(plain)))])
  }
  return Object.fromEntries(tables)
}

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

function sorted(rows: unknown[][]): unknown[][] {
  const keyed = rows.map(row => ({ row, key: JSON.stringify(row) }))
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ row }) => row)
}
