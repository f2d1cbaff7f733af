// Unit `audit`: rows put into tables by hand, and what the audit finds in them. The tables are those that the vectors
// describe, with doubles that hold micros; the checks are the very ones that run on tables of this server.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { auditTables } from '../../../src/audit/audit.ts'
import type { Finding } from '../../../src/audit/checks.ts'
import { withTables } from '../../../src/audit/store-tables.ts'
import { type Database, openDatabase } from '../../../src/base/sqlite.ts'
import { differences } from '../compare.ts'
import type { VectorUnit } from '../unit.ts'
import { type Amount, amount, orderStatus, orderType, side } from '../values.ts'

type RowStep =
  | {
      do: 'submission'
      order_id: number
      account: number
      query_sequence: number
      quantity: Amount
      price?: Amount
      side: string
      type?: string
      time_in_force?: number
    }
  | {
      do: 'report'
      order_id: number
      sequence: number
      account: number
      query_sequence: number
      status: string
      last_quantity: Amount
      last_price?: Amount
    }
  | { do: 'live'; order_id: number }
type AuditStep = RowStep | { do: 'audit'; account?: number }

const auditUnit: VectorUnit = {
  name: 'audit',
  async run(vector) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-audit-'))
    const file = path.join(folder, 'tables.db')
    const database = openDatabase(file, 'normal')
    try {
      database.exec(TABLES)
      const findings: Finding[] = []
      for (const step of vector.steps as unknown as AuditStep[]) {
        if (step.do !== 'audit') insert(database, step)
        else {
          const endpoint = { kind: 'embedded', name: 'tables', file } as const
          await withTables(endpoint, tables => auditTables(tables, step, finding => findings.push(finding)))
        }
      }
      const found = findings.map(({ check, key }) => [check, Object.values(key)])
      const order = ([check, key]: unknown[]) => `${check} ${JSON.stringify(key)}`
      found.sort((a, b) => (order(a) < order(b) ? -1 : 1))
      return differences(vector.expect, { findings: found, exit: findings.length > 0 ? 1 : 0 })
    } finally {
      database.close()
      fs.rmSync(folder, { recursive: true })
    }
  },
}

export const units: VectorUnit[] = [auditUnit]

/** No keys and no constraints, so that every kind of damage can be put in. */
const TABLES = `
  CREATE TABLE submissions (account INTEGER, order_id INTEGER, submission_account INTEGER, symbol TEXT, venue TEXT,
    currency INTEGER, type INTEGER, side INTEGER, destination TEXT, quantity DOUBLE, price DOUBLE,
    time_in_force INTEGER, time_in_force_expiry INTEGER, additional_fields BLOB, shorting_flag INTEGER,
    timestamp INTEGER, query_sequence INTEGER);
  CREATE TABLE execution_reports (account INTEGER, order_id INTEGER, sequence INTEGER, status INTEGER,
    last_quantity DOUBLE, last_price DOUBLE, liquidity_flag TEXT, last_market TEXT, execution_fee DOUBLE,
    processing_fee DOUBLE, commission DOUBLE, text TEXT, timestamp INTEGER, query_sequence INTEGER);
  CREATE TABLE live_orders (order_id INTEGER PRIMARY KEY);
`

function insert(database: Database, step: RowStep): void {
  switch (step.do) {
    case 'submission':
      database
        .prepare(
          'INSERT INTO submissions (account, order_id, query_sequence, quantity, price, side, type, time_in_force) ' +
            'VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        )
        .run(
          step.account,
          step.order_id,
          step.query_sequence,
          amount(step.quantity),
          amount(step.price),
          side(step.side),
          orderType(step.type ?? 'LIMIT'),
          step.time_in_force ?? 0,
        )
      break
    case 'report':
      database
        .prepare(
          'INSERT INTO execution_reports (account, order_id, sequence, query_sequence, status, last_quantity, ' +
            'last_price, execution_fee, processing_fee, commission) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0)',
        )
        .run(
          step.account,
          step.order_id,
          step.sequence,
          step.query_sequence,
          orderStatus(step.status),
          amount(step.last_quantity),
          amount(step.last_price),
        )
      break
    case 'live':
      database.prepare('INSERT INTO live_orders VALUES (?)').run(step.order_id)
      break
    default:
      throw new Error(`there is no step ${(step as { do: string }).do}`)
  }
}
