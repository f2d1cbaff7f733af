// What is written as SQL is what a server reads: every number, amount, time, text and byte comes back as it was.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { MysqlConnection } from '../../../src/base/mysql.ts'
import { SqlText } from '../../../src/stores/mysql/sql-text.ts'
import { type MariaDb, startMariaDb } from './mariadb-server.ts'

let mariaDb: MariaDb
let connection: MysqlConnection
before(async () => {
  mariaDb = await startMariaDb()
  connection = await mariaDb.connect()
})
after(async () => {
  await connection?.close()
  await mariaDb?.stop()
})

/** The one value of a statement that selects what `write` writes. */
async function readBack(write: (text: SqlText) => void, cast = (sql: string) => sql): Promise<unknown> {
  const text = new SqlText(16)
  write(text)
  const [row] = await connection.queryLists(`SELECT ${cast(text.take())} AS value`)
  return row![0]
}

const wholes = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(0, 1, -1, 10, 999_999_999, 1_000_000_000))

test('whole numbers come back', async () => {
  await fc.assert(
    fc.asyncProperty(wholes, async value => {
      assert.equal(await readBack(text => text.integer(value)), value)
    }),
    { numRuns: 200 },
  )
})

test('amounts come back to the millionth', async () => {
  await fc.assert(
    fc.asyncProperty(wholes, async micros => {
      const asWhole = (sql: string) => `CAST(CAST(${sql} AS DECIMAL(16, 6)) * 1000000 AS SIGNED)`
      assert.equal(await readBack(text => text.amount(micros), asWhole), micros)
    }),
    { numRuns: 200 },
  )
})

test('times come back to the microsecond', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: -(2 ** 50), max: Number.MAX_SAFE_INTEGER }), async us => {
      const asWhole = (sql: string) => `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', CAST(${sql} AS DATETIME(6)))`
      assert.equal(await readBack(text => text.time(us), asWhole), us)
    }),
    { numRuns: 200 },
  )
})

test('times of one second and of the next are told apart', () => {
  const text = new SqlText()
  for (const us of [1_700_000_000_000_000, 1_700_000_000_999_999, 1_700_000_001_000_000, 0]) text.time(us)
  assert.equal(
    text.take(),
    "'2023-11-14 22:13:20.000000''2023-11-14 22:13:20.999999''2023-11-14 22:13:21.000000''1970-01-01 00:00:00.000000'",
  )
})

test('texts come back, whatever is in them, and none is NULL', async () => {
  const texts = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom("'", '\\', '\0', '"', '`', '%', ';', '\n', '\x1a', '?', 'a', 'é', '€', '😀') }),
  )
  await fc.assert(
    fc.asyncProperty(texts, async value => {
      assert.equal(await readBack(text => text.text(value)), value)
    }),
    { numRuns: 300 },
  )
  assert.equal(await readBack(text => text.text(null)), null)
})

test('bytes come back, and none is NULL', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1 }), async value => {
      const hex = await readBack(
        text => text.binary(value),
        sql => `HEX(${sql})`,
      )
      assert.equal(hex, Buffer.from(value).toString('hex').toUpperCase())
    }),
    { numRuns: 100 },
  )
  assert.equal(await readBack(text => text.binary(null)), null)
})

test('a statement keeps its wide characters when plain ones follow', () => {
  const text = new SqlText(16)
  text.plain('SELECT ')
  text.text('größer €')
  text.plain(', ')
  text.text('x'.repeat(50))
  assert.equal(text.take(), `SELECT 'größer €', '${'x'.repeat(50)}'`)
  text.plain('SELECT 1')
  assert.equal(text.take(), 'SELECT 1')
})
