import { deepEqual, equal, ok } from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { type ComparisonSummary, compareSources, type RowDifference } from '../../src/audit/comparison.ts'
import { dayText, digestText } from '../../src/audit/digest-book.ts'
import { withAllTables } from '../../src/audit/store-tables.ts'
import { listSegments } from '../../src/journal/segment.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { definitions, type Entry, Random, writeJournal } from '../stores/generated-history.ts'
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

const entries = healthyHistory(new Random(51), { accounts: [1, 2, 3, 4_000_000_000], events: 2_000 })
const orders = entries.filter(({ event }) => event.kind === Kind.OrderAccepted).length
const reports = entries.filter(({ event }) => event.kind !== Kind.InventorySnapshot).length

interface Compared {
  summary: ComparisonSummary
  /** Account, day, and which sources agree: those with the same letter. */
  days: string[]
  rows: RowDifference[]
}

async function compare(
  stores: readonly TestStore[],
  journals: readonly { name: string; directory: string }[] = [],
  account?: number,
): Promise<Compared> {
  const days: string[] = []
  const rows: RowDifference[] = []
  const summary = await withAllTables(
    stores.map(({ endpoint }) => endpoint),
    tables =>
      compareSources({
        stores: tables,
        journals,
        definitions,
        account,
        rowsMax: 100,
        onDifference: ({ account, day, sums }) => {
          const digests = sums.map(({ words }) => digestText(words))
          days.push(`${account} ${dayText(day)} ${digests.map(digest => 'abc'[digests.indexOf(digest)]).join('')}`)
        },
        onRow: row => rows.push(row),
      }),
  )
  return { summary, days, rows }
}

let made = 0
async function embedded(to = entries.length): Promise<TestStore> {
  const name = `embedded-${++made}`
  const store = embeddedStore(path.join(folder, `${name}.db`), name)
  await fill(store, entries, { to })
  return store
}

async function mariaDb(to = entries.length): Promise<TestStore> {
  const store = mysqlStore(server)
  await fill(store, entries, { to })
  return store
}

function journal(of: readonly Entry[] = entries, name = 'shard-0'): { name: string; directory: string } {
  const directory = path.join(folder, `journal-${++made}`)
  writeJournal(directory, of, new Random(made))
  return { name, directory }
}

/** Deletes the segments of a journal but for the last ones. */
function trim({ directory }: { directory: string }, left: number): number {
  const segments = listSegments(directory)
  for (const { file } of segments.slice(0, -left)) fs.rmSync(file)
  return segments.at(-left)!.firstSequence
}

test('an embedded store, a MySQL store and the journals that both were filled from are alike', async () => {
  const [a, b] = [await embedded(), await mariaDb()]
  const { summary, days, rows } = await compare([a, b], [journal()])
  deepEqual([days, rows], [[], []])
  deepEqual(summary, {
    sources: [a.endpoint.name, b.endpoint.name, 'journals'],
    accounts: 4,
    orders,
    reports,
    differentDays: 0,
    differentRows: 0,
    isCut: false,
  })
})

test('stores that lag, and journals that begin late, are compared as far as they reach', async () => {
  const late = journal()
  const first = trim(late, 4)
  ok(first > 400)
  const ahead = await embedded()
  const { days } = await compare([ahead, await mariaDb(1_500), await embedded(300), await embedded(first - 5)], [late])
  deepEqual(days, [])

  // What is wrong is found wherever two sources reach: before the journals, and within them.
  const behind = await embedded(1_500)
  await ahead.run("UPDATE execution_reports SET text = 'x' WHERE account = 2 AND query_sequence = 3")
  const { rows } = await compare([ahead, behind], [late])
  deepEqual(
    rows.map(({ account, table, columns }) => [account, table, columns]),
    [
      [
        2,
        'execution_reports',
        [
          {
            column: 'text',
            values: [
              { source: ahead.endpoint.name, value: 'x' },
              { source: behind.endpoint.name, value: '' },
            ],
          },
        ],
      ],
    ],
  )
  await ahead.run("UPDATE execution_reports SET text = '' WHERE account = 2 AND query_sequence = 3")
  const lastReport = entries.findLast(({ event }) => event.kind === Kind.ExecutionReport)!.event
  ok(lastReport.kind === Kind.ExecutionReport)
  await ahead.run(
    `UPDATE execution_reports SET operator = 5 WHERE order_id = ${lastReport.orderId} AND sequence = ${lastReport.sequence}`,
  )
  const end = await compare([ahead, behind], [late])
  equal(end.days.length, 1)
  deepEqual(
    end.rows.map(({ orderId, sequence, columns }) => [orderId, sequence, columns.map(({ column }) => column)]),
    [[lastReport.orderId, lastReport.sequence, ['operator']]],
  )
})

test('what differs is listed: rows that are missing, and columns with what each source has', async () => {
  const [a, b] = [await embedded(), await mariaDb()]
  const [first, second] = entries.filter(({ event }) => event.kind === Kind.OrderAccepted).map(({ event }) => event)
  ok(first?.kind === Kind.OrderAccepted && second?.kind === Kind.OrderAccepted)
  await b.run(
    `DELETE FROM submissions WHERE order_id = ${first.orderId}`,
    `UPDATE submissions SET price = price + 0.000001, timestamp = timestamp + INTERVAL 2 DAY WHERE order_id = ${second.orderId}`,
  )
  const { rows, summary } = await compare([a, b], [journal()])
  const price = (source: string, value: string) => ({ source, value })
  deepEqual(rows, [
    {
      table: 'submissions',
      account: first.account,
      orderId: first.orderId,
      sequence: undefined,
      missingIn: [b.endpoint.name],
      columns: [],
    },
    {
      table: 'submissions',
      account: second.account,
      orderId: second.orderId,
      sequence: undefined,
      missingIn: [],
      columns: [
        {
          column: 'price',
          values: [
            price(a.endpoint.name, '25370000'),
            price(b.endpoint.name, '25370001'),
            price('journals', '25370000'),
          ],
        },
        {
          column: 'timestamp',
          values: [
            price(a.endpoint.name, String(second.timestamp)),
            price(b.endpoint.name, String(second.timestamp + 2 * 86_400_000_000)),
            price('journals', String(second.timestamp)),
          ],
        },
      ],
    },
  ])
  equal(summary.differentRows, 2)
  // Of another account nothing differs.
  const other = [1, 2, 3].find(account => account !== first.account && account !== second.account)
  deepEqual((await compare([a, b], [], other)).days, [])
})

test('rows behind the place where the store says the account ends are told', async () => {
  const a = await embedded()
  await a.run('UPDATE account_sequences SET report_sequence = report_sequence - 1 WHERE account = 3')
  const { rows } = await compare([a], [journal()])
  deepEqual(
    rows.map(({ table, account }) => [table, account]),
    [['execution_reports', 3]],
  )
})

test('an account that moved from one journal to another is compared over both', async () => {
  const half = entries.length / 2
  const [older, newer] = [journal(entries.slice(0, half), 'shard-1'), journal(entries.slice(half))]
  const store = embeddedStore(path.join(folder, 'moved.db'))
  await fill(store, entries.slice(0, half), { journal: 'shard-1' })
  await fill(store, entries.slice(half))
  deepEqual((await compare([store], [newer, older])).days, [])
  await store.run("UPDATE execution_reports SET text = 'x' WHERE account = 1 AND query_sequence = 1")
  deepEqual((await compare([store], [newer, older])).days.length, 1)
})
