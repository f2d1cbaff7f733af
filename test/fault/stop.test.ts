// The server is told to stop while clients trade: it answers what it has taken, tells everybody, and comes back equal.

import { deepEqual, match, ok, strictEqual } from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { openDatabaseToRead } from '../../src/base/sqlite.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { Desk } from './desk.ts'
import { Random, seedOf } from './random.ts'
import { ServerProcess, temporaryFolder, testSettings } from './server-process.ts'

const seed = seedOf('OES_CRASH_SEED')

test('told to stop under load the server answers, tells every client, takes a snapshot and exits with 0', async t => {
  t.diagnostic(`seed ${seed}`)
  const folder = temporaryFolder()
  t.after(folder.remove)
  const settings = testSettings(folder.path)
  const desk = new Desk(new Random(seed))
  let server = await ServerProcess.start(folder.path, settings)
  await desk.connect(server.port)
  await desk.trade(1_000)
  const ended = await server.stop()
  await desk.lost()
  deepEqual(ended, { status: 0, signal: null })
  for (const { client } of desk.traders) strictEqual(client.closingCode, Reason.Stopping)

  const store = openDatabaseToRead(path.join(folder.path, 'data', 'store.db'))
  const sequences = store.prepare(
    'SELECT a.account, a.report_sequence, i.report_sequence AS snapshot FROM account_sequences a ' +
      'LEFT JOIN order_execution_inventory_sequences i ON i.account = a.account ORDER BY a.account',
  )
  const rows = sequences.all()
  store.close()
  strictEqual(rows.length, desk.books.length)
  for (const row of rows) strictEqual(row.snapshot, row.report_sequence, 'an account without snapshot at its end')

  server = await ServerProcess.start(folder.path, settings)
  match(server.log, /accounts are restored .*fills=0 /)
  await desk.connect(server.port)
  await desk.resend()
  const { orders } = await desk.verify()
  ok(orders >= 1_000)
  await desk.disconnect()
  deepEqual(await server.stop(), { status: 0, signal: null })
})

test('a second signal does not wait, and nothing that was acknowledged is lost by it', async t => {
  const folder = temporaryFolder()
  t.after(folder.remove)
  const settings = testSettings(folder.path)
  const desk = new Desk(new Random(seed))
  let server = await ServerProcess.start(folder.path, settings)
  await desk.connect(server.port)
  await desk.trade(300)
  server.signal('SIGTERM')
  server.signal('SIGINT')
  deepEqual(await server.end(), { status: 130, signal: null })
  await desk.lost()

  server = await ServerProcess.start(folder.path, settings)
  await desk.connect(server.port)
  await desk.resend()
  await desk.verify()
  await desk.disconnect()
  deepEqual(await server.stop(), { status: 0, signal: null })
})

test('a signal during the start ends the server with 0 as soon as it is up', async t => {
  const folder = temporaryFolder()
  t.after(folder.remove)
  const server = ServerProcess.spawn(folder.path, testSettings(folder.path))
  await server.logged(/the store has what the journals hold/)
  server.signal('SIGTERM')
  deepEqual(await server.end(), { status: 0, signal: null })
})
