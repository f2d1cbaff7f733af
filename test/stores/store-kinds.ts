// The stores there are, for tests that hold for each of them: the embedded one in a folder of the test, one in a schema of
// a MariaDB server that is started for the test file, and one in a schema of each server that was given.

import { after, type TestContext } from 'node:test'
import { openDatabase } from '../../src/base/sqlite.ts'
import { openReadable } from '../../src/stores/open-readable.ts'
import { openStore } from '../../src/stores/open-store.ts'
import type { OrderStore } from '../../src/stores/order-store.ts'
import type { ReadableStore } from '../../src/stores/readable-store.ts'
import type { StoreEndpoint } from '../../src/stores/store-endpoint.ts'
import { definitions } from './generated-history.ts'
import { type MariaDb, startMariaDb } from './mysql/mariadb-server.ts'
import { givenServers, ownServer, type TestServer } from './mysql/test-servers.ts'
import { storeFolder } from './store-folder.ts'

export interface StoreOfTest {
  readonly store: OrderStore
  readable(): Promise<ReadableStore>
  /** Runs a statement behind the store's back. */
  run(sql: string): Promise<void>
}

export interface StoreKind {
  readonly name: string
  /** How many cases of a property are worth their time. */
  readonly runs: number
  /** A new, empty store. It is closed with the test. */
  open(t: TestContext): Promise<StoreOfTest>
}

let server: Promise<MariaDb> | undefined
after(async () => {
  await (await server)?.stop()
})

async function opened(t: TestContext, endpoint: StoreEndpoint): Promise<Omit<StoreOfTest, 'run'>> {
  const store = await openStore(endpoint, { definitions })
  const readers: ReadableStore[] = []
  t.after(async () => {
    for (const reader of readers) await reader.close()
    await store.close()
  })
  const readable = async () => {
    const reader = await openReadable(endpoint)
    readers.push(reader)
    return reader
  }
  return { store, readable }
}

export const embeddedKind: StoreKind = {
  name: 'embedded',
  runs: 60,
  open: async t => {
    const file = storeFolder(t).storeFile
    const run = async (sql: string) => {
      const database = openDatabase(file, 'normal')
      database.exec(sql)
      database.close()
    }
    return { ...(await opened(t, { kind: 'embedded', name: 'embedded', file })), run }
  },
}

function mysqlKind(name: string, serverOf: () => Promise<TestServer>): StoreKind {
  return {
    name,
    runs: 15,
    open: async t => {
      const place = await serverOf()
      const schema = place.newSchema()
      const run = async (sql: string) => {
        const connection = await place.connect()
        await connection.run(`USE ${schema}`)
        await connection.run(sql)
        await connection.close()
      }
      const store = await opened(t, place.endpoint(schema))
      t.after(() => run(`DROP DATABASE ${schema}`))
      return { ...store, run }
    },
  }
}

/** Started when the first test needs it. */
async function ownMariaDb(): Promise<TestServer> {
  server ??= startMariaDb()
  return ownServer(await server)
}

export const storeKinds: readonly StoreKind[] = [
  embeddedKind,
  mysqlKind('MySQL', ownMariaDb),
  ...givenServers().map(given => mysqlKind(`MySQL (${given.name})`, async () => given)),
]
