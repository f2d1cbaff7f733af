// One database, in every kind of trouble that a database gets into while a server writes to it. Trading goes on; the
// server can be killed and started in the midst of it; and when the trouble is over the rows are what they would have
// been without.

import { equal, match } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { MysqlConnection } from '../../../src/base/mysql.ts'
import { type MariaDb, newSchema, startMariaDb } from '../../stores/mysql/mariadb-server.ts'
import { Random, seedOf } from '../random.ts'
import { ServerProcess, type Settings } from '../server-process.ts'
import { StoresWorld } from './stores-world.ts'

const orders = Number(process.env.OES_STORE_ORDERS ?? 400)
const seed = seedOf('OES_STORE_SEED')
/** Segments that last for a test: the journals reach back to their beginning, whatever the store confirmed. */
const LONG_SEGMENTS: Settings = { journal: { segment_bytes: 32 << 20 } }

let database: MariaDb
before(async () => {
  database = await startMariaDb()
})
after(() => database.stop())

interface Trouble {
  /** As the title goes on. */
  readonly name: string
  begin(world: StoresWorld, schema: string): Promise<void>
  end(world: StoresWorld, schema: string): Promise<void>
  /** What the server says of it. */
  readonly told: RegExp
  /** The server is killed and started in the midst of it. */
  readonly isRestarted: boolean
}

/** Connections of the server's own, which were opened before the trouble. */
async function killConnections(): Promise<void> {
  for (const { Id } of await database.query(`SHOW PROCESSLIST`)) {
    const [row] = await database.query(`SELECT USER AS user FROM information_schema.processlist WHERE ID = ${Id}`)
    if (row?.user !== database.username) continue
    // It may be gone by itself.
    await database.query(`KILL ${Id}`).catch(() => undefined)
  }
}

const sessions: MysqlConnection[] = []

/** Sessions of somebody else take these rows in another order than the server, and hold them for a while. */
async function compete(schema: string, until: AbortSignal): Promise<void> {
  const session = await database.connect(schema)
  sessions.push(session)
  const statements = [
    'SELECT * FROM account_sequences FOR UPDATE',
    'SELECT * FROM live_orders FOR UPDATE',
    'SELECT * FROM journal_positions FOR UPDATE',
  ]
  while (!until.aborted) {
    try {
      await session.run('BEGIN')
      for (const sql of statements) {
        await session.query(sql)
        await pause(5)
      }
    } catch {
      // A deadlock, of which this session was the victim: that is what it is for.
    }
    await session.run('ROLLBACK')
    await pause(10)
  }
}

let competing: { readonly stop: AbortController; readonly ends: Promise<unknown> } | undefined

const troubles: readonly Trouble[] = [
  {
    name: 'is read only',
    begin: async () => void (await database.query('SET GLOBAL read_only = 1')),
    end: async () => void (await database.query('SET GLOBAL read_only = 0')),
    told: /warning writer the store is read only/,
    isRestarted: true,
  },
  {
    name: 'has no connection left',
    begin: async () => {
      await database.query('SET GLOBAL max_connections = 10')
      // The server's own connections go, and what they leave is taken before it comes back.
      const taken = async () => sessions.push(await database.connect())
      for (let count = 0; count < 10; count++) await taken().catch(killConnections)
    },
    end: async () => {
      for (const session of sessions.splice(0)) session.destroy()
      await database.query('SET GLOBAL max_connections = 151')
    },
    told: /warning writer the store is away/,
    isRestarted: false,
  },
  {
    name: 'does not know the password any more',
    begin: async () => {
      await database.query(`SET PASSWORD FOR '${database.username}'@'%' = PASSWORD('another')`)
      await killConnections()
    },
    end: async () => {
      const password = database.password.replaceAll(/['\\]/g, found => `\\${found}`)
      await database.query(`SET PASSWORD FOR '${database.username}'@'%' = PASSWORD('${password}')`)
    },
    told: /warning writer the store is away/,
    isRestarted: true,
  },
  {
    name: 'takes small packets only',
    begin: async () => {
      await database.query('SET GLOBAL max_allowed_packet = 8192')
      await killConnections()
    },
    end: async () => {
      await database.query('SET GLOBAL max_allowed_packet = 16777216')
      await killConnections()
    },
    told: /writer/,
    isRestarted: true,
  },
  {
    name: 'is used by others who are in the way',
    begin: async (_, schema) => {
      await database.query('SET GLOBAL innodb_lock_wait_timeout = 1')
      const stop = new AbortController()
      competing = { stop, ends: Promise.all([compete(schema, stop.signal), compete(schema, stop.signal)]) }
    },
    end: async () => {
      competing?.stop.abort()
      await competing?.ends
      for (const session of sessions.splice(0)) session.destroy()
      await database.query('SET GLOBAL innodb_lock_wait_timeout = 50')
    },
    told: /writer/,
    isRestarted: false,
  },
  {
    name: 'loses its connections over and over',
    begin: async () => {
      const stop = new AbortController()
      const kill = async () => {
        while (!stop.signal.aborted) {
          await killConnections()
          await pause(30)
        }
      }
      competing = { stop, ends: kill() }
    },
    end: async () => {
      competing?.stop.abort()
      await competing?.ends
    },
    told: /warning writer the store is away/,
    isRestarted: false,
  },
]

for (const trouble of troubles) {
  test(`a store that ${trouble.name} keeps nobody from trading and has everything when that is over`, async t => {
    t.diagnostic(`seed ${seed}`)
    const schema = newSchema()
    const endpoint = { ...database.endpoint(schema), connectTimeoutMs: 1_000, statementTimeoutMs: 3_000 }
    const stores = [{ name: 'the store', server: database, schema, endpoint }]
    const world = new StoresWorld(stores, new Random(seed), LONG_SEGMENTS)
    const share = (part: number) => Math.ceil(orders * part)
    let isOver = false
    const end = async () => {
      if (!isOver) await trouble.end(world, schema)
      isOver = true
    }
    try {
      await world.whole(seed, async () => {
        await world.start()
        await world.trade(share(0.2))
        await trouble.begin(world, schema)
        await world.trade(share(0.2))
        await world.server.logged(trouble.told)
        await world.rest()
        await world.desk.verify()
        await world.trade(share(0.1))
        if (trouble.isRestarted) {
          await world.kill()
          await world.start()
          await world.desk.verify()
          await world.trade(share(0.2))
        }
        await end()
        await world.trade(share(0.1))
        await world.stopAndVerify()
      })
    } finally {
      await end()
    }
  })
}

/** Writes a file as large as there is room for; the store, which goes on writing, may be the one to take the last page. */
function fillDisk(file: string): void {
  const fd = fs.openSync(file, 'w')
  const zeros = Buffer.alloc(1 << 20)
  try {
    for (;;) fs.writeSync(fd, zeros)
  } catch (error) {
    equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
  } finally {
    fs.closeSync(fd)
  }
}

test('a disk that is full under the store keeps nobody from trading, and room on it is used', async t => {
  const small = await startMariaDb()
  const schema = newSchema()
  await small.query(`CREATE SCHEMA ${schema}`)
  // The tables alone are on the small disk: without room for its own log the server would end before it told us.
  const folder = path.join(small.directory, 'data', schema)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    await small.stop()
    t.skip('mounting a small file system needs the rights of root')
    return
  }
  t.after(async () => {
    execFileSync('umount', ['-l', folder])
    await small.stop()
  })
  const endpoint = { ...small.endpoint(schema), connectTimeoutMs: 1_000, statementTimeoutMs: 3_000 }
  const world = new StoresWorld(
    [{ name: 'the store', server: small, schema, endpoint }],
    new Random(seed),
    LONG_SEGMENTS,
  )
  await world.whole(seed, async () => {
    await world.start()
    await world.trade(Math.ceil(orders / 4))
    const filler = path.join(folder, 'filler')
    fillDisk(filler)
    const isTold = world.server.logged(/warning writer the store (has no room|is away)/)
    let isFull = false
    isTold.then(
      () => {
        isFull = true
      },
      () => undefined, // the failure of the server shows elsewhere
    )
    while (!isFull) await world.trade(200)
    await world.rest()
    await world.desk.verify()
    await world.kill()
    await world.start()
    await world.desk.verify()
    await world.trade(100)
    fs.rmSync(filler)
    // A server may give up where a statement finds no room; whoever looks after it starts it again.
    if (!small.isRunning) await small.start()
    await world.trade(100)
    await world.stopAndVerify()
  })
})

test('a schema that is not there and must not be made is told at the start', async () => {
  const schema = newSchema()
  await database.query(`CREATE USER 'stranger'@'%' IDENTIFIED BY 'stranger'`)
  const endpoint = { ...database.endpoint(schema), username: 'stranger', password: 'stranger', connectTimeoutMs: 1_000 }
  const world = new StoresWorld([{ name: 'the store', server: database, schema, endpoint }], new Random(seed))
  await world.whole(seed, async () => {
    const server = ServerProcess.spawn(world.folder.path, world.settings)
    await server.end()
    match(server.log, /Access denied/)
  })
})
