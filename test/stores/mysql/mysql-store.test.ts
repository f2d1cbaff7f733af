// The MySQL store against real servers: one MariaDB of its own, and those that OES_TEST_MYSQL names. Its twin is the
// embedded store: the same entries lead to the same rows.

import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { MysqlConnection } from '../../../src/base/mysql.ts'
import { Kind } from '../../../src/protocol/kinds.ts'
import { MysqlStore } from '../../../src/stores/mysql/mysql-store.ts'
import { MYSQL_SCHEMA_VERSION } from '../../../src/stores/mysql/schema.ts'
import { type PieceByPiece, StoreMismatch, StoreUnavailable } from '../../../src/stores/order-store.ts'
import { SchemaTooNew } from '../../../src/stores/schema.ts'
import { definitions, type Entry, generateHistory, Random } from '../generated-history.ts'
import { batchOf, openStore, storeFolder } from '../store-folder.ts'
import { type MariaDb, startMariaDb } from './mariadb-server.ts'
import { type StoreTables, tablesOfEmbedded, tablesOfMysql } from './store-tables.ts'
import { givenServers, ownServer, type TestServer } from './test-servers.ts'

let mariaDb: MariaDb
const servers: TestServer[] = []
before(async () => {
  mariaDb = await startMariaDb()
  servers.push(ownServer(mariaDb), ...givenServers())
})
after(() => mariaDb?.stop())

/** A test on every server there is, each time in a schema of its own. */
function testOnServers(title: string, run: (t: TestContext, place: Place) => Promise<void>): void {
  test(title, async t => {
    for (const server of servers) {
      const place = new Place(server)
      try {
        await run(t, place)
      } finally {
        await place.remove()
      }
    }
  })
}

/** A schema of one test. */
class Place {
  readonly server: TestServer
  readonly schema: string
  #connection: MysqlConnection | undefined

  constructor(server: TestServer) {
    this.server = server
    this.schema = server.newSchema()
  }

  open(): Promise<MysqlStore> {
    return MysqlStore.open(this.server.endpoint(this.schema), { definitions })
  }

  async connection(): Promise<MysqlConnection> {
    this.#connection ??= await this.server.connect()
    await this.#connection.run(`USE ${this.schema}`)
    return this.#connection
  }

  async tables(): Promise<StoreTables> {
    return tablesOfMysql(await this.connection())
  }

  async remove(): Promise<void> {
    this.#connection ??= await this.server.connect()
    await this.#connection.run(`DROP DATABASE IF EXISTS ${this.schema}`)
    await this.#connection.close()
  }
}

/** What the embedded store makes of the same entries, in batches of these sizes over and over. */
async function twinOf(t: TestContext, entries: readonly Entry[], sizes: readonly number[]): Promise<StoreTables> {
  const folder = storeFolder(t)
  const store = openStore(folder)
  for (const [from, to] of cuts(entries.length, sizes)) await store.apply(batchOf('shard-0', entries, from, to))
  await store.close()
  return tablesOfEmbedded(folder.storeFile)
}

async function applyAll(store: MysqlStore, entries: readonly Entry[], sizes: readonly number[]): Promise<void> {
  for (const [from, to] of cuts(entries.length, sizes)) {
    assert.deepEqual(await store.apply(batchOf('shard-0', entries, from, to)), [])
  }
}

function* cuts(length: number, sizes: readonly number[]): Generator<[number, number]> {
  for (let at = 0, turn = 0; at < length; turn++) {
    const next = Math.min(length, at + sizes[turn % sizes.length]!)
    yield [at, next]
    at = next
  }
}

testOnServers(
  'the rows are those of the embedded store, however the journal was cut into batches',
  async (t, place) => {
    const entries = generateHistory(new Random(21), { accounts: [1, 2, 3], events: 1_500, snapshots: true })
    const expected = await twinOf(t, entries, [1_500])
    for (const sizes of [[1_500], [7, 30, 2, 400], [1, 1, 1, 1, 60]]) {
      const store = await place.open()
      await applyAll(store, entries, sizes)
      await store.close()
      assert.deepEqual(await place.tables(), expected)
      await (await place.connection()).run(`DROP DATABASE ${place.schema}`)
    }
  },
)

testOnServers('a batch that goes piece by piece has one small statement under way at a time', async (t, place) => {
  const entries = generateHistory(new Random(22), { accounts: [1, 2, 3], events: 600, snapshots: true })
  const expected = await twinOf(t, entries, [600])
  let pieces = 0
  let isUnderWay = false
  const oneByOne: PieceByPiece = {
    statementBytes: 1_000,
    piece: async work => {
      assert.ok(!isUnderWay, 'another piece is under way')
      isUnderWay = true
      pieces += 1
      try {
        return await work()
      } finally {
        isUnderWay = false
      }
    },
  }
  const store = await place.open()
  await store.apply(batchOf('shard-0', entries, 0, 300), oneByOne)
  // Some 250 bytes are a row; with statements of their full size a dozen would do.
  assert.ok(pieces > 60, `${pieces} pieces`)
  const before = pieces
  await store.apply(batchOf('shard-0', entries, 300, 600))
  assert.equal(pieces, before, 'the next batch goes as a whole')
  await store.close()
  assert.deepEqual(await place.tables(), expected)
})

testOnServers('entries that no table takes are set aside whole, and all others are stored', async (t, place) => {
  const good = generateHistory(new Random(13), { accounts: [1, 2], events: 200, snapshots: true })
  const entries: Entry[] = [...good]
  const broken = Buffer.from(good[40]!.body)
  broken[23] = 0xc1 // no msgpack
  entries.splice(41, 0, { ...good[40]!, body: broken })
  const twice = good.findIndex(({ event }, index) => index > 20 && event.kind === Kind.OrderAccepted)
  entries.splice(80, 0, good[twice]!)
  entries.push({ ...good[0]!, body: Buffer.from('no event at all') })
  const expected = await twinOf(t, entries, [entries.length])
  for (const sizes of [[entries.length], [60]]) {
    const store = await place.open()
    const setAside = []
    for (const [from, to] of cuts(entries.length, sizes)) {
      setAside.push(...(await store.apply(batchOf('shard-0', entries, from, to))))
    }
    await store.close()
    assert.deepEqual(
      setAside.map(({ sequence }) => sequence),
      [42, 81, entries.length],
    )
    assert.deepEqual(await place.tables(), expected)
    await (await place.connection()).run(`DROP DATABASE ${place.schema}`)
  }
})

testOnServers(
  'a row that the server alone refuses is set aside, and the rest of its batch goes on',
  async (_t, place) => {
    const entries = generateHistory(new Random(31), { accounts: [1, 2], events: 300 })
    const accepted = entries.flatMap(({ event }, index) =>
      event.kind === Kind.OrderAccepted ? [{ event, index }] : [],
    )
    const store = await place.open()
    // Rows that are there already, of nobody's journal: their keys are taken.
    const taken = [accepted[3]!, accepted[10]!, accepted.at(-1)!]
    const connection = await place.connection()
    for (const { event } of taken) {
      await connection.run(
        'INSERT INTO execution_reports (account, order_id, sequence, status, timestamp, query_sequence) ' +
          "VALUES (99, ?, 0, 0, '2020-01-01', 1)",
        [event.orderId],
      )
    }
    const setAside = await store.apply(batchOf('shard-0', entries, 0, entries.length))
    assert.deepEqual(
      setAside.map(({ sequence }) => sequence),
      taken.map(({ index }) => index + 1),
    )
    const tables = await place.tables()
    // Neither the submission nor its live row is there without the report.
    assert.equal(tables.submissions!.length, accepted.length - taken.length)
    assert.equal(tables.set_aside!.length, taken.length)
    const [row] = await connection.query('SELECT MAX(order_sequence) AS last FROM account_sequences')
    assert.equal(row!.last, Math.max(...accepted.map(({ event }) => event.orderSequence)))
    await store.close()
  },
)

testOnServers(
  'a batch that does not begin where the store ends is refused, and nothing of it is written',
  async (_t, place) => {
    const entries = generateHistory(new Random(15), { accounts: [1], events: 20 })
    const store = await place.open()
    await store.apply(batchOf('shard-0', entries, 0, 10))
    await assert.rejects(store.apply(batchOf('shard-0', entries, 11, 20)), StoreMismatch)
    await assert.rejects(store.apply(batchOf('shard-0', entries, 9, 20)), StoreMismatch)
    await store.apply(batchOf('shard-0', entries, 10, 20))
    assert.deepEqual(await store.positions(), new Map([['shard-0', 20]]))
    assert.deepEqual(await store.confirm(), new Map([['shard-0', 20]]))
    await store.close()
  },
)

testOnServers('of two writers of one schema only one gets a batch in', async (t, place) => {
  const entries = generateHistory(new Random(16), { accounts: [1, 2], events: 60 })
  const one = await place.open()
  const other = await place.open()
  const outcomes = await Promise.allSettled([one, other].map(store => store.apply(batchOf('shard-0', entries, 0, 30))))
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  const loser = outcomes[0]!.status === 'rejected' ? one : other
  const reason = outcomes.find(outcome => outcome.status === 'rejected')?.reason
  assert.ok(reason instanceof StoreMismatch, String(reason))
  // Whoever asks for the position goes on from there, with what the other has written.
  assert.deepEqual(await loser.positions(), new Map([['shard-0', 30]]))
  await loser.apply(batchOf('shard-0', entries, 30, 60))
  await one.close()
  await other.close()
  assert.deepEqual(await place.tables(), await twinOf(t, entries, [60]))
})

testOnServers('servers that open a new schema at once make one set of tables', async (_t, place) => {
  const stores = await Promise.all([place.open(), place.open(), place.open()])
  await stores[0]!.claim('a')
  assert.deepEqual(await Promise.all(stores.map(store => store.owner())), ['a', 'a', 'a'])
  await Promise.all(stores.map(store => store.close()))
})

testOnServers(
  'of installations that claim a store at once one has it, and the others hear whose it is',
  async (_t, place) => {
    const stores = await Promise.all([place.open(), place.open(), place.open()])
    const names = ['a', 'b', 'c']
    const claimed = await Promise.allSettled(stores.map((store, index) => store.claim(names[index]!)))
    const owners = await Promise.all(stores.map(store => store.owner()))
    const [owner] = owners
    assert.deepEqual(owners, [owner, owner, owner])
    assert.deepEqual(
      claimed.map(outcome => (outcome.status === 'fulfilled' ? 'has it' : String(outcome.reason))),
      names.map(name =>
        name === owner
          ? 'has it'
          : `StoreMismatch: it holds the orders of another installation (${owner}); this data directory is ${name}`,
      ),
    )
    await Promise.all(stores.map(store => store.close()))
  },
)

testOnServers('a store changes hands only from the one that is thought to have it', async (_t, place) => {
  const one = await place.open()
  const other = await place.open()
  await assert.rejects(one.claim('b', 'a'), /^StoreMismatch: it belongs to nobody; this data directory is b$/)
  await one.claim('a')
  await one.claim('a')
  await assert.rejects(other.claim('b'), StoreMismatch)
  await other.claim('b', 'a')
  await other.claim('b', 'a')
  await assert.rejects(one.claim('c', 'a'), /another installation \(b\)/)
  assert.deepEqual([await one.owner(), await other.owner()], ['b', 'b'])
  await one.close()
  await other.close()
})

testOnServers('a making of tables that was cut off is done again', async (t, place) => {
  const entries = generateHistory(new Random(17), { accounts: [1], events: 20 })
  await (await place.open()).close()
  const connection = await place.connection()
  for (const statement of [
    'UPDATE schema_version SET version = 0',
    'DROP TABLE set_aside',
    'DROP VIEW terminal_submissions',
    'DROP TABLE live_orders',
  ]) {
    await connection.run(statement)
  }
  const store = await place.open()
  await applyAll(store, entries, [20])
  await store.close()
  assert.deepEqual(await place.tables(), await twinOf(t, entries, [20]))
})

testOnServers('tables of others and of a later version are left alone', async (_t, place) => {
  await (await place.open()).close()
  const connection = await place.connection()
  await connection.run('UPDATE schema_version SET version = ?', [MYSQL_SCHEMA_VERSION + 1])
  await assert.rejects(place.open(), SchemaTooNew)
  await connection.run('DROP TABLE schema_version')
  await assert.rejects(place.open(), StoreMismatch)
})

testOnServers(
  'columns that are gone are a mismatch, and a table that is locked makes the store busy',
  async (_t, place) => {
    const entries = generateHistory(new Random(18), { accounts: [1], events: 40 })
    const store = await MysqlStore.open(
      { ...place.server.endpoint(place.schema), statementTimeoutMs: 4_000 },
      { definitions },
    )
    await store.apply(batchOf('shard-0', entries, 0, 10))
    const connection = await place.connection()
    await connection.run('BEGIN')
    await connection.query('SELECT * FROM journal_positions FOR UPDATE')
    await assert.rejects(
      store.apply(batchOf('shard-0', entries, 10, 20)),
      error => error instanceof StoreUnavailable && error.state === 'busy',
    )
    await connection.run('ROLLBACK')
    await store.apply(batchOf('shard-0', entries, 10, 20))
    await connection.run('ALTER TABLE execution_reports DROP COLUMN leaves_quantity')
    await assert.rejects(store.apply(batchOf('shard-0', entries, 20, 40)), StoreMismatch)
    await store.close()
  },
)

test('a server that was away is found again, and one that is read only says so', async t => {
  const entries = generateHistory(new Random(19), { accounts: [1, 2], events: 400 })
  const place = new Place(servers[0]!)
  const store = await place.open()
  await store.apply(batchOf('shard-0', entries, 0, 100))
  mariaDb.kill('SIGKILL')
  await mariaDb.ended
  await assert.rejects(
    store.apply(batchOf('shard-0', entries, 100, 200)),
    error => error instanceof StoreUnavailable && error.state === 'away',
  )
  await mariaDb.restart()
  await store.apply(batchOf('shard-0', entries, 100, 200))
  await mariaDb.query('SET GLOBAL read_only = 1')
  await assert.rejects(
    store.apply(batchOf('shard-0', entries, 200, 400)),
    error => error instanceof StoreUnavailable && error.state === 'read only',
  )
  await mariaDb.query('SET GLOBAL read_only = 0')
  await store.apply(batchOf('shard-0', entries, 200, 400))
  await store.close()
  assert.deepEqual(await place.tables(), await twinOf(t, entries, [400]))
  await place.remove()
})

test('no statement is larger than the server takes, and what it cannot even set aside waits for a larger limit', async t => {
  const entries = generateHistory(new Random(20), { accounts: [1, 2], events: 900 })
  const longest = { ...entries[0]!, body: Buffer.from('no event at all '.repeat(100)) }
  const place = new Place(servers[0]!)
  const before = await mariaDb.value('SELECT @@GLOBAL.max_allowed_packet')
  t.after(() => place.remove())
  let store: MysqlStore
  try {
    await mariaDb.query('SET GLOBAL max_allowed_packet = 3072')
    store = await place.open()
    await applyAll(store, entries, [900])
    await assert.rejects(
      store.apply(batchOf('shard-0', [...entries, longest], 900, 901)),
      error => error instanceof StoreUnavailable && error.state === 'full' && /max_allowed_packet/.test(error.message),
    )
  } finally {
    await mariaDb.query(`SET GLOBAL max_allowed_packet = ${before}`)
  }
  assert.deepEqual(
    (await store.apply(batchOf('shard-0', [...entries, longest], 900, 901))).map(({ sequence }) => sequence),
    [901],
  )
  await store.close()
  assert.deepEqual(await place.tables(), await twinOf(t, [...entries, longest], [901]))
})

test('a server that hangs is given up after the time limit, and the batch is in once', async t => {
  const entries = generateHistory(new Random(22), { accounts: [1, 2], events: 200 })
  const place = new Place(servers[0]!)
  const endpoint = { ...place.server.endpoint(place.schema), connectTimeoutMs: 2_000, statementTimeoutMs: 300 }
  const store = await MysqlStore.open(endpoint, { definitions })
  await store.apply(batchOf('shard-0', entries, 0, 100))
  mariaDb.pause()
  try {
    await assert.rejects(store.apply(batchOf('shard-0', entries, 100, 200)), StoreUnavailable)
  } finally {
    mariaDb.resume()
  }
  await store.apply(batchOf('shard-0', entries, 100, 200))
  await store.close()
  assert.deepEqual(await place.tables(), await twinOf(t, entries, [200]))
  await place.remove()
})
