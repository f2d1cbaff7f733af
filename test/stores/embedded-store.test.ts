import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openDatabase, openDatabaseToRead } from '../../src/base/sqlite.ts'
import { isTerminal } from '../../src/domain/order-status.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { StoreMismatch } from '../../src/stores/order-store.ts'
import { SCHEMA_VERSION, SchemaTooNew, schemaVersion } from '../../src/stores/schema.ts'
import { type Entry, generateHistory, Random } from './generated-history.ts'
import { batchOf, openStore, type StoreFolder, storeFolder } from './store-folder.ts'

const TABLES = [
  'submissions',
  'execution_reports',
  'replace_client_order_ids',
  'live_orders',
  'order_execution_inventory_entries',
  'order_execution_inventory_sequences',
  'order_execution_inventory_excluded_orders',
  'account_sequences',
  'journal_positions',
  'set_aside',
]

/** All rows of all tables. */
function rowsOf(folder: StoreFolder): Record<string, unknown[]> {
  const database = openDatabaseToRead(folder.storeFile)
  try {
    return Object.fromEntries(
      TABLES.map(table => [table, database.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all() as unknown[]]),
    )
  } finally {
    database.close()
  }
}

/** The rows of a store that took the entries in batches of these sizes, over and over. */
async function rowsAfter(t: TestContext, entries: readonly Entry[], sizes: readonly number[]): Promise<unknown> {
  const folder = storeFolder(t)
  const store = openStore(folder)
  for (let at = 0, turn = 0; at < entries.length; turn++) {
    const next = Math.min(entries.length, at + sizes[turn % sizes.length]!)
    assert.deepEqual(await store.apply(batchOf('shard-0', entries, at, next)), [])
    at = next
  }
  await store.close()
  return rowsOf(folder)
}

test('the tables do not depend on how the journal was cut into batches', async t => {
  const entries = generateHistory(new Random(11), { accounts: [1, 2, 3], events: 400, snapshots: true })
  const whole = (await rowsAfter(t, entries, [400])) as Record<string, unknown[]>
  assert.deepEqual(await rowsAfter(t, entries, [1]), whole)
  assert.deepEqual(await rowsAfter(t, entries, [7, 30, 2]), whole)

  const accepted = entries.filter(({ event }) => event.kind === Kind.OrderAccepted)
  const reports = entries.filter(({ event }) => event.kind === Kind.ExecutionReport)
  const ended = reports.filter(({ event }) => event.kind === Kind.ExecutionReport && isTerminal(event.status))
  assert.deepEqual(
    [whole.submissions!.length, whole.execution_reports!.length, whole.live_orders!.length],
    [accepted.length, accepted.length + reports.length, accepted.length - ended.length],
  )
})

test('a batch is applied exactly once, wherever the process is killed', async t => {
  const entries = generateHistory(new Random(12), { accounts: [1, 2], events: 70, snapshots: true })
  const expected = await rowsAfter(t, entries, [70])
  // Everything the store does to its file goes through these two.
  const probe = openDatabase(':memory:', 'normal')
  const steps = [
    { of: Object.getPrototypeOf(probe), name: 'exec' },
    { of: Object.getPrototypeOf(probe.prepare('SELECT 1')), name: 'run' },
  ]
  probe.close()
  const originals = steps.map(({ of, name }) => of[name] as (...parameters: unknown[]) => unknown)
  let left = Number.POSITIVE_INFINITY
  let executesTheLast = false
  steps.forEach(({ of, name }, index) => {
    of[name] = function (this: unknown, ...parameters: unknown[]) {
      left -= 1
      // A dead process does nothing more, not even take back what it did.
      if (left < 0 || (left === 0 && !executesTheLast)) throw new Error('killed')
      const result = originals[index]!.apply(this, parameters)
      if (left === 0) throw new Error('killed')
      return result
    }
  })
  t.after(() => {
    steps.forEach(({ of, name }, index) => {
      of[name] = originals[index]
    })
  })

  let kills = 0
  for (executesTheLast of [false, true]) {
    for (let step = 1, isAlive = false; !isAlive; step++) {
      left = Number.POSITIVE_INFINITY
      const folder = storeFolder(t)
      const first = openStore(folder)
      first.applyNow(batchOf('shard-0', entries, 0, 30))
      left = step
      try {
        first.applyNow(batchOf('shard-0', entries, 30, 60))
        isAlive = true
      } catch {
        // The death that was asked for.
        kills += 1
      }
      left = Number.POSITIVE_INFINITY
      await first.close()

      const second = openStore(folder)
      const position = (await second.positions()).get('shard-0')!
      assert.ok(position === 30 || position === 60, `after ${step} steps the store is at ${position}`)
      second.applyNow(batchOf('shard-0', entries, position, 70))
      await second.close()
      assert.deepEqual(rowsOf(folder), expected)
    }
  }
  assert.ok(kills > 50)
})

test('entries that no table takes are set aside whole, with their sequences used up, and all others are stored', async t => {
  const good = generateHistory(new Random(13), { accounts: [1], events: 60 })
  const twice = good.findIndex(({ event }, index) => index > 20 && event.kind === Kind.OrderAccepted)
  const entries: Entry[] = [...good]
  const broken = Buffer.from(good[40]!.body)
  broken[23] = 0xc1 // no msgpack
  entries.splice(41, 0, { ...good[40]!, body: broken })
  entries.splice(50, 0, good[twice]!)
  entries.push({ ...good[0]!, body: Buffer.from('no event at all') })

  const folder = storeFolder(t)
  const store = openStore(folder)
  const setAside = await store.apply(batchOf('shard-0', entries, 0, entries.length))
  await store.close()
  assert.deepEqual(
    setAside.map(({ journal, sequence }) => [journal, sequence]),
    [
      ['shard-0', 42],
      ['shard-0', 51],
      ['shard-0', entries.length],
    ],
  )
  const { set_aside: kept, journal_positions: positions, ...tables } = rowsOf(folder)
  assert.deepEqual(
    kept!.map(row => {
      const { journal, sequence, bytes } = row as { journal: string; sequence: number; bytes: Uint8Array }
      return [journal, sequence, Buffer.from(bytes)]
    }),
    [42, 51, entries.length].map(sequence => ['shard-0', sequence, entries[sequence - 1]!.body]),
  )
  assert.deepEqual(positions, [Object.assign(Object.create(null), { journal: 'shard-0', sequence: entries.length })])
  const {
    set_aside: _,
    journal_positions: __,
    ...expected
  } = (await rowsAfter(t, good, [60])) as Record<string, unknown>
  assert.deepEqual(tables, expected)
})

test('the last report of an account counts as used although it was set aside', async t => {
  const entries = generateHistory(new Random(14), { accounts: [1], events: 20 })
  const broken = Buffer.from(entries[19]!.body)
  broken[23] = 0xc1
  entries[19] = { ...entries[19]!, body: broken }
  const folder = storeFolder(t)
  const store = openStore(folder)
  assert.equal((await store.apply(batchOf('shard-0', entries, 0, 20))).length, 1)
  await store.close()
  assert.equal((rowsOf(folder).account_sequences![0] as { report_sequence: number }).report_sequence, 20)
})

test('a batch that does not begin where the store ends is refused, and nothing of it is written', async t => {
  const entries = generateHistory(new Random(15), { accounts: [1], events: 20 })
  const folder = storeFolder(t)
  const store = openStore(folder)
  await store.apply(batchOf('shard-0', entries, 0, 10))
  await assert.rejects(store.apply(batchOf('shard-0', entries, 11, 20)), StoreMismatch)
  await assert.rejects(store.apply(batchOf('shard-0', entries, 9, 20)), StoreMismatch)
  await store.apply(batchOf('shard-0', entries, 10, 20))
  assert.deepEqual(await store.positions(), new Map([['shard-0', 20]]))
  await store.close()
})

test('a position is confirmed only by a checkpoint that no reader held up', async t => {
  const entries = generateHistory(new Random(16), { accounts: [1], events: 40 })
  const folder = storeFolder(t)
  const store = openStore(folder)
  await store.apply(batchOf('shard-0', entries, 0, 10))
  assert.deepEqual(await store.confirm(), new Map([['shard-0', 10]]))
  await store.apply(batchOf('shard-0', entries, 10, 20))
  const reader = openDatabaseToRead(folder.storeFile)
  reader.exec('BEGIN')
  reader.prepare('SELECT count(*) FROM submissions').get()
  await store.apply(batchOf('shard-0', entries, 20, 40))
  assert.deepEqual(await store.confirm(), new Map([['shard-0', 10]]))
  reader.exec('COMMIT')
  reader.close()
  assert.deepEqual(await store.confirm(), new Map([['shard-0', 40]]))
  await store.close()
})

test('a store is whose it was first, and changes hands only from the one that is thought to have it', async t => {
  const folder = storeFolder(t)
  const one = openStore(folder)
  const other = openStore(folder)
  await assert.rejects(one.claim('b', 'a'), /^StoreMismatch: it belongs to nobody; this data directory is b$/)
  await one.claim('a')
  await one.claim('a')
  await assert.rejects(
    other.claim('b'),
    /^StoreMismatch: it holds the orders of another installation \(a\); this data directory is b$/,
  )
  await other.claim('b', 'a')
  await other.claim('b', 'a')
  await assert.rejects(one.claim('c', 'a'), StoreMismatch)
  assert.deepEqual([await one.owner(), await other.owner()], ['b', 'b'])
  await one.close()
  await other.close()
})

test('a store from before there were replaces is brought to the present version with everything it has', async t => {
  const folder = storeFolder(t)
  const entries = generateHistory(new Random(5), { accounts: [1], events: 300 })
  const isOfReplace = ({ event }: Entry) => event.kind === Kind.ExecutionReport && event.terms !== undefined
  const end = entries.findIndex(isOfReplace)
  const before = openStore(folder)
  await before.apply(batchOf('shard-0', entries, 0, end))
  await before.close()
  const database = openDatabase(folder.storeFile, 'normal')
  // The tables as the version before had made them.
  database.exec('DROP TABLE replace_client_order_ids')
  for (const column of ['client_order_id', 'quantity', 'price', 'shorting_flag', 'hold_price']) {
    database.exec(`ALTER TABLE execution_reports DROP COLUMN ${column}`)
  }
  database.exec('PRAGMA user_version = 2')
  database.close()
  const after = openStore(folder)
  await after.apply(batchOf('shard-0', entries, end, entries.length))
  await after.close()
  const whole = storeFolder(t)
  const twin = openStore(whole)
  await twin.apply(batchOf('shard-0', entries, 0, entries.length))
  await twin.close()
  assert.ok(end > 0)
  assert.deepEqual(rowsOf(folder), rowsOf(whole))
})

test('a store written by a later version is left alone', async t => {
  const folder = storeFolder(t)
  const store = openStore(folder)
  await store.close()
  const database = openDatabase(folder.storeFile, 'normal')
  assert.equal(schemaVersion(database), SCHEMA_VERSION)
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`)
  database.close()
  assert.throws(() => openStore(folder), SchemaTooNew)
})
