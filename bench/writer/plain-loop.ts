// The yardstick of the writer: a plain loop over the driver, as anybody would write it. The rows lie ready as lists of
// parameters; each group of them is one transaction, of INSERT statements with so many rows each, one after the other.
// No journal, no decoding, no positions, no live orders.

import mysql from 'mysql2/promise'
import type { MysqlEndpoint } from '../../src/stores/store-endpoint.ts'
import type { PlainRows } from './filled-orders.ts'

export interface PlainLoop {
  readonly name: string
  readonly rowsPerStatement: number
  /** Statements prepared by the server; or texts that the driver fills in. */
  readonly isPrepared: boolean
}

export const plainLoops: readonly PlainLoop[] = [
  ...[100, 1_000].map(rows => ({ name: `text, ${rows} rows`, rowsPerStatement: rows, isPrepared: false })),
  ...[100, 1_000].map(rows => ({ name: `prepared, ${rows} rows`, rowsPerStatement: rows, isPrepared: true })),
]

/** @returns the milliseconds it took. */
export async function runPlainLoop(
  loop: PlainLoop,
  endpoint: MysqlEndpoint,
  groups: readonly (readonly PlainRows[])[],
): Promise<number> {
  const { host, port, username: user, password, schema: database } = endpoint
  const connection = await mysql.createConnection({ host, port, user, password, database, charset: 'utf8mb4_bin' })
  try {
    await connection.query("SET time_zone = '+00:00'")
    const beganMs = performance.now()
    for (const group of groups) {
      await connection.beginTransaction()
      for (const { shape, rows } of group) {
        const columns = shape.columns.map(({ name }) => name).join(', ')
        for (let at = 0; at < rows.length; at += loop.rowsPerStatement) {
          const some = rows.slice(at, at + loop.rowsPerStatement)
          if (loop.isPrepared) {
            const row = `(${shape.columns.map(() => '?').join(', ')})`
            const sql = `INSERT INTO ${shape.table} (${columns}) VALUES ${some.map(() => row).join(', ')}`
            await connection.execute(sql, some.flat())
          } else {
            await connection.query(`INSERT INTO ${shape.table} (${columns}) VALUES ?`, [some])
          }
        }
      }
      await connection.commit()
    }
    return performance.now() - beganMs
  } finally {
    await connection.end()
  }
}
