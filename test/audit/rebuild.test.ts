import { deepEqual, equal, rejects } from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { auditTables } from '../../src/audit/audit.ts'
import { compareSources } from '../../src/audit/comparison.ts'
import { RebuildFailed, type RebuildOptions, rebuildFromJournals, rebuildFromStore } from '../../src/audit/rebuild.ts'
import { readStatus } from '../../src/audit/store-status.ts'
import { withAllTables, withTables } from '../../src/audit/store-tables.ts'
import { listSegments } from '../../src/journal/segment.ts'
import { openStore } from '../../src/stores/open-store.ts'
import { StoreMismatch } from '../../src/stores/order-store.ts'
import type { MysqlEndpoint } from '../../src/stores/store-endpoint.ts'
import { definitions, type Entry, Random, writeJournal } from '../stores/generated-history.ts'
import { type MariaDb, startMariaDb } from '../stores/mysql/mariadb-server.ts'
import { batchOf } from '../stores/store-folder.ts'
import { fill, healthyHistory, mysqlStore, type TestStore, temporaryFolder } from './healthy-history.ts'

const OWNER = '5f6f6c1e-0d3c-4be0-9a67-7f6f0a2f2a11'
const folder = temporaryFolder()
let server: MariaDb
before(async () => {
  server = await startMariaDb()
})
after(async () => {
  await server.stop()
  fs.rmSync(folder, { recursive: true })
})

const entries = healthyHistory(new Random(61), { accounts: [1, 2, 3], events: 1_500 })

interface Journal {
  readonly name: string
  readonly directory: string
}

let made = 0
function journal(of: readonly Entry[] = entries, name = 'shard-0'): Journal {
  const directory = path.join(folder, `journal-${++made}`)
  writeJournal(directory, of, new Random(made))
  return { name, directory }
}

function mysqlOf({ endpoint }: TestStore): MysqlEndpoint {
  if (endpoint.kind !== 'mysql') throw new Error('not a MySQL store')
  return endpoint
}

async function filled(to = entries.length): Promise<TestStore> {
  const store = mysqlStore(server)
  await fill(store, entries, { to, owner: OWNER })
  return store
}

function optionsWith(
  journals: readonly Journal[],
  onProgress?: (done: number) => void | Promise<void>,
): RebuildOptions {
  return {
    definitions,
    journals,
    batchRowsMax: 100,
    batchBytesMax: 1 << 20,
    ...(onProgress !== undefined && { onProgress }),
  }
}

/** Fails where the stores, or what is in one of them, is not as it should be. */
async function checkAlike(stores: readonly TestStore[], journals: readonly Journal[]): Promise<void> {
  const wrong: unknown[] = []
  await withAllTables(
    stores.map(({ endpoint }) => endpoint),
    tables =>
      compareSources({
        stores: tables,
        journals,
        definitions,
        rowsMax: 10,
        onDifference: () => undefined,
        onRow: row => wrong.push(row),
      }),
  )
  for (const { endpoint } of stores) {
    await withTables(endpoint, tables => auditTables(tables, {}, finding => wrong.push(finding)))
  }
  deepEqual(wrong, [])
  const small = [
    'replace_client_order_ids',
    'live_orders',
    'account_sequences',
    'journal_positions',
    'store_owner',
    'set_aside',
  ]
  const inventories = ['entries', 'sequences', 'excluded_orders'].map(table => `order_execution_inventory_${table}`)
  for (const table of [...small, ...inventories]) {
    const [first, ...others] = await Promise.all(
      stores.map(store => store.rows(`SELECT * FROM ${table} ORDER BY 1, 2`)),
    )
    for (const other of others) deepEqual(other, first, table)
  }
}

test('a store that was damaged is rebuilt from a healthy one, at its positions', async () => {
  const [healthy, damaged, journals] = [await filled(), await filled(), [journal()]]
  await damaged.run(
    'DELETE FROM execution_reports WHERE account = 2',
    'UPDATE submissions SET price = 1',
    'INSERT INTO live_orders VALUES (5, 99)',
    'INSERT INTO account_sequences SELECT 99, 5, 5, order_timestamp, 0, report_timestamp, 0 FROM account_sequences WHERE account = 1',
  )
  await healthy.run("INSERT INTO set_aside VALUES ('shard-0', 3, 'why', x'0102')")
  const { isResumed } = await rebuildFromStore(mysqlOf(damaged), healthy.endpoint, OWNER, optionsWith(journals))
  equal(isResumed, false)
  await checkAlike([damaged, healthy], [])
  await healthy.run('DELETE FROM set_aside')
  await damaged.run('DELETE FROM set_aside')
  await checkAlike([damaged, healthy], journals)
})

test('a rebuild that is interrupted anywhere is gone on with, and takes the store from its writer meanwhile', async () => {
  const [healthy, target, journals] = [await filled(), await filled(1_400), [journal()]]
  const writer = await openStore(target.endpoint, { definitions })
  class Killed extends Error {}
  for (const [attempt, killAt] of [1, 400, 1_000].entries()) {
    const interrupted = rebuildFromStore(
      mysqlOf(target),
      healthy.endpoint,
      OWNER,
      optionsWith(journals, done => {
        if (done >= killAt - attempt * 300) throw new Killed()
      }),
    )
    await rejects(interrupted, Killed)
    const { stores } = await readStatus([target.endpoint], journals, OWNER)
    equal(stores[0]!.standing, 'being rebuilt')
  }
  await rejects(writer.apply(batchOf('shard-0', entries, 1_400, 1_500)), StoreMismatch)
  await writer.close()
  const { isResumed, events } = await rebuildFromStore(mysqlOf(target), healthy.endpoint, OWNER, optionsWith(journals))
  equal(isResumed, true)
  equal(events < 1_200, true)
  await checkAlike([target, healthy], journals)
})

test('what the source gets while it is copied is fetched as well, where the journals begin behind it by then', async () => {
  const [healthy, target, all] = [await filled(700), mysqlStore(server), journal()]
  let hasMoved = false
  await rebuildFromStore(
    mysqlOf(target),
    healthy.endpoint,
    OWNER,
    optionsWith([all], async () => {
      if (hasMoved) return
      hasMoved = true
      await fill(healthy, entries, { from: 700 })
      for (const { file } of listSegments(all.directory).slice(0, -2)) fs.rmSync(file)
    }),
  )
  equal(listSegments(all.directory)[0]!.firstSequence > 701, true)
  await checkAlike([target, healthy], [all])
})

test('a store is built from the journals, also where accounts moved between them', async () => {
  const half = entries.length / 2
  const journals = [journal(entries.slice(half)), journal(entries.slice(0, half), 'shard-1')]
  const target = mysqlStore(server)
  await rebuildFromJournals(mysqlOf(target), OWNER, optionsWith(journals))
  const expected = mysqlStore(server)
  await fill(expected, entries.slice(0, half), { journal: 'shard-1', owner: OWNER })
  await fill(expected, entries.slice(half))
  await checkAlike([target, expected], journals)
})

test('building from journals goes on where it was interrupted', async () => {
  const [target, journals] = [mysqlStore(server), [journal()]]
  const interrupted = rebuildFromJournals(
    mysqlOf(target),
    OWNER,
    optionsWith(journals, done => {
      if (done >= 500) throw new Error('killed')
    }),
  )
  await rejects(interrupted, /killed/)
  deepEqual(await rebuildFromJournals(mysqlOf(target), OWNER, optionsWith(journals)), {
    events: 1_000,
    isResumed: true,
  })
  await checkAlike([target, await filled()], journals)
})

test('a store is not rebuilt from itself under another name, nor from one of another installation', async () => {
  const store = await filled()
  const other = { ...mysqlOf(store), name: 'other', host: 'localhost' }
  await rejects(rebuildFromStore(mysqlOf(store), other, OWNER, optionsWith([])), /are the same tables/)
  await checkAlike([store], [journal()])
  const foreign = mysqlStore(server)
  await fill(foreign, entries, { owner: 'somebody' })
  await rejects(rebuildFromStore(mysqlOf(store), foreign.endpoint, OWNER, optionsWith([])), RebuildFailed)
  await checkAlike([store], [journal()])
})
