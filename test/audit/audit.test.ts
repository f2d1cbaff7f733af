import { deepEqual } from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { auditTables } from '../../src/audit/audit.ts'
import { withTables } from '../../src/audit/store-tables.ts'
import { Random } from '../stores/generated-history.ts'
import { type MariaDb, startMariaDb } from '../stores/mysql/mariadb-server.ts'
import { embeddedStore, fill, healthyHistory, mysqlStore, type TestStore, temporaryFolder } from './healthy-history.ts'

const folder = temporaryFolder()
let server: MariaDb
before(async () => {
  server = await startMariaDb()
})
after(async () => {
  await server.stop()
  fs.rmSync(folder, { recursive: true })
})

type Told = [check: string, ...key: unknown[]]

async function findings({ endpoint }: TestStore, account?: number): Promise<Told[]> {
  const found: Told[] = []
  await withTables(endpoint, tables =>
    auditTables(tables, { account }, ({ check, key }) => found.push([check, ...Object.values(key)])),
  )
  return found.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

/**
 * Three orders of account 7, put in by hand on top of a healthy history: 9001 filled in two, 9002 canceled, 9003 live.
 * Amounts are written in `unit`.
 */
async function knownOrders(store: TestStore, unit: number): Promise<void> {
  const zero = '1970-01-01'
  const time =
    store.endpoint.kind === 'mysql' ? (at: string) => `'${at}'` : (at: string) => String(Date.parse(at) * 1000)
  const submission = (id: number, order: number) =>
    'INSERT INTO submissions (account, order_id, submission_account, symbol, venue, currency, type, side, destination, ' +
    'quantity, price, time_in_force, time_in_force_expiry, shorting_flag, timestamp, query_sequence, hold_price) ' +
    `VALUES (77, ${id}, 77, 'ABX', 'XTSE', 124, 1, 1, 'TSX', ${100 * unit}, ${25 * unit}, 0, ${time(zero)}, 0, ` +
    `${time('2026-02-02')}, ${order}, ${25 * unit})`
  let reports = 0
  const report = (id: number, sequence: number, status: number, last = 0, total = 0) =>
    'INSERT INTO execution_reports (account, order_id, sequence, status, last_quantity, last_price, ' +
    `cumulative_quantity, leaves_quantity, timestamp, query_sequence) VALUES (77, ${id}, ${sequence}, ${status}, ` +
    `${last * unit}, 0, ${total * unit}, 0, ${time('2026-02-02')}, ${++reports})`
  await store.run(
    submission(9001, 1),
    report(9001, 0, 0),
    report(9001, 1, 2),
    report(9001, 2, 3, 40, 40),
    report(9001, 3, 8, 60, 100),
    submission(9002, 2),
    report(9002, 0, 0),
    report(9002, 1, 5),
    submission(9003, 3),
    report(9003, 0, 0),
    report(9003, 1, 2),
    'INSERT INTO live_orders (order_id, account) VALUES (9003, 77)',
    `INSERT INTO account_sequences VALUES (77, 3, 8, ${time('2026-02-02')}, 0, ${time('2026-02-02')}, 0)`,
  )
}

const damages: readonly { readonly what: string; readonly sql: readonly string[]; readonly found: readonly Told[] }[] =
  [
    {
      what: 'an order loses all its reports',
      sql: ['DELETE FROM execution_reports WHERE order_id = 9003'],
      found: [
        ['missing_execution_reports', 9003],
        ['missing_query_sequence_execution_reports', 77, 7],
      ],
    },
    {
      what: 'a report follows the end',
      sql: ['UPDATE execution_reports SET status = 5 WHERE order_id = 9001 AND sequence = 1'],
      found: [
        ['report_after_terminal', 9001, 2],
        ['report_after_terminal', 9001, 3],
      ],
    },
    {
      what: 'a live order is not tracked',
      sql: ['DELETE FROM live_orders WHERE order_id = 9003'],
      found: [['live_order_not_tracked', 9003]],
    },
    {
      what: 'an order does not begin as pending new',
      sql: ['UPDATE execution_reports SET status = 2 WHERE order_id = 9002 AND sequence = 0'],
      found: [['first_report_not_pending_new', 9002, 0]],
    },
    {
      what: 'an order is for less than was done',
      sql: ['UPDATE submissions SET quantity = quantity / 2 WHERE order_id = 9001'],
      found: [
        ['filled_order_short', 9001],
        ['overfilled_order', 9001],
      ],
    },
    {
      what: 'an order was replaced by less than was done',
      sql: [
        'UPDATE execution_reports SET status = 13, quantity = (SELECT quantity FROM submissions WHERE order_id = 9001) / 2 ' +
          'WHERE order_id = 9001 AND sequence = 1',
      ],
      found: [
        ['filled_order_short', 9001],
        ['overfilled_order', 9001],
      ],
    },
    {
      what: 'an execution is less than it was',
      sql: ['UPDATE execution_reports SET last_quantity = last_quantity / 2 WHERE order_id = 9001 AND sequence = 2'],
      found: [
        ['cumulative_quantity_broken', 9001, 2],
        ['cumulative_quantity_broken', 9001, 3],
        ['filled_order_short', 9001],
      ],
    },
    {
      what: 'a submission is lost',
      sql: ['DELETE FROM submissions WHERE order_id = 9003'],
      found: [
        ['live_order_without_submission', 9003],
        ['missing_query_sequence_submissions', 77, 3],
        ['report_without_submission', 9003],
      ],
    },
    {
      what: 'a report in the middle is lost',
      sql: ['DELETE FROM execution_reports WHERE order_id = 9001 AND sequence = 1'],
      found: [
        ['missing_query_sequence_execution_reports', 77, 2],
        ['report_sequence_broken', 9001],
      ],
    },
    {
      what: 'something is executed by a report that is no fill',
      sql: ['UPDATE execution_reports SET status = 2 WHERE order_id = 9001 AND sequence = 2'],
      found: [['execution_on_non_fill_status', 9001, 2]],
    },
    {
      what: 'an order has no side',
      sql: ['UPDATE submissions SET side = -1 WHERE order_id = 9002'],
      found: [['submission_without_side', 9002]],
    },
    {
      what: 'an order has no quantity',
      sql: ['UPDATE submissions SET quantity = 0 WHERE order_id = 9002'],
      found: [['submission_without_quantity', 9002]],
    },
    {
      what: 'ordinals mean nothing',
      sql: [
        'UPDATE submissions SET side = 2, type = 4, time_in_force = 8 WHERE order_id = 9002',
        'UPDATE execution_reports SET status = 15 WHERE order_id = 9003 AND sequence = 1',
      ],
      found: [
        ['enum_out_of_domain_execution_reports_status', 9003, 1],
        ['enum_out_of_domain_submissions_side', 9002],
        ['enum_out_of_domain_submissions_time_in_force', 9002],
        ['enum_out_of_domain_submissions_type', 9002],
      ],
    },
    {
      what: 'numbers of an account are there twice',
      sql: [
        'UPDATE submissions SET query_sequence = 2 WHERE order_id = 9003',
        'UPDATE execution_reports SET query_sequence = 1 WHERE order_id = 9001 AND sequence = 1',
      ],
      found: [
        ['duplicate_query_sequence_execution_reports', 77, 1],
        ['duplicate_query_sequence_submissions', 77, 2],
        ['missing_query_sequence_execution_reports', 77, 2],
        ['missing_query_sequence_submissions', 77, 3],
      ],
    },
    {
      what: 'an order that has ended is still live',
      sql: ['INSERT INTO live_orders (order_id, account) VALUES (9002, 77)'],
      found: [['terminal_order_still_live', 9002]],
    },
    {
      what: 'a live order does not exist',
      sql: ['INSERT INTO live_orders (order_id, account) VALUES (9999, 77)'],
      found: [['live_order_without_submission', 9999]],
    },
    {
      what: 'a report is in the name of another account',
      sql: ['UPDATE execution_reports SET account = 78 WHERE order_id = 9003 AND sequence = 1'],
      found: [
        ['account_sequence_behind_execution_reports', 78, 8],
        ['missing_query_sequence_execution_reports', 77, 8],
        ['missing_query_sequence_execution_reports', 78, 1],
        ['report_of_other_account', 9003, 1],
      ],
    },
    {
      what: 'the list of client order ids of replaces has one too many',
      sql: ['INSERT INTO replace_client_order_ids (order_id, sequence) VALUES (9001, 1)'],
      found: [['replace_ids_not_as_listed', 9001]],
    },
    {
      what: 'the list of client order ids of replaces lacks one',
      sql: ["UPDATE execution_reports SET client_order_id = 'again' WHERE order_id = 9003 AND sequence = 1"],
      found: [['replace_ids_not_as_listed', 9003]],
    },
    {
      what: 'an account stands before its last rows',
      sql: ['UPDATE account_sequences SET order_sequence = 2, report_sequence = 5 WHERE account = 77'],
      found: [
        ['account_sequence_behind_execution_reports', 77, 8],
        ['account_sequence_behind_submissions', 77, 3],
      ],
    },
  ]

for (const kind of ['embedded', 'MariaDB'] as const) {
  test(`a healthy store has no findings (${kind})`, async () => {
    const store = await healthyStore(kind)
    deepEqual(await findings(store), [])
  })

  test(`each kind of damage is found, and nothing else (${kind})`, async t => {
    const store = await healthyStore(kind)
    await knownOrders(store, kind === 'MariaDB' ? 1 : 1_000_000)
    deepEqual(await findings(store), [])
    const tables = ['submissions', 'execution_reports', 'replace_client_order_ids', 'live_orders', 'account_sequences']
    for (const table of tables) await store.run(`CREATE TABLE whole_${table} AS SELECT * FROM ${table}`)
    for (const { what, sql, found } of damages) {
      await t.test(what, async () => {
        try {
          await store.run(...sql)
          deepEqual(await findings(store), found)
          // What live_orders holds is looked at whole.
          const ofLive = found.filter(([check]) => /^(live_order_without|terminal_order)/.test(check))
          deepEqual(await findings(store, 1), ofLive)
        } finally {
          for (const table of tables) {
            await store.run(`DELETE FROM ${table}`, `INSERT INTO ${table} SELECT * FROM whole_${table}`)
          }
        }
      })
    }
  })
}

test('an amount that no message can carry is unreadable (embedded)', async () => {
  const store = await healthyStore('embedded')
  await knownOrders(store, 1_000_000)
  await store.run(
    'UPDATE submissions SET price = 9223372036854775807 WHERE order_id = 9003',
    'UPDATE execution_reports SET commission = -9007199254740993 WHERE order_id = 9001 AND sequence = 2',
  )
  const found: unknown[] = []
  await withTables(store.endpoint, tables => auditTables(tables, {}, finding => found.push(finding)))
  deepEqual(found, [
    {
      check: 'unreadable_value_execution_reports_commission',
      table: 'execution_reports',
      key: { order_id: 9001, sequence: 2 },
      values: { commission: -9007199254740992 },
      bits: -4377498837804122112n,
    },
    {
      check: 'unreadable_value_submissions_price',
      table: 'submissions',
      key: { order_id: 9003 },
      values: { price: 2 ** 63 },
      bits: 4890909195324358656n,
    },
  ])
})

let stores = 0
async function healthyStore(kind: 'embedded' | 'MariaDB'): Promise<TestStore> {
  const store = kind === 'MariaDB' ? mysqlStore(server) : embeddedStore(path.join(folder, `store-${++stores}.db`))
  await fill(store, healthyHistory(new Random(41), { accounts: [1, 2, 3], events: 500 }))
  return store
}
