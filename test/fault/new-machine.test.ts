// The machine with the journals is gone, and the stores are there: a server on another one goes on with everything that
// clients were told, but not before somebody says so, and the old one is not let in any more.

import { deepEqual, match } from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { newSchema, startMariaDb } from '../stores/mysql/mariadb-server.ts'
import { Desk } from './desk.ts'
import { Random, seedOf } from './random.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from './server-process.ts'

test('a new machine goes on from a store alone, once it is told to; the old one is refused', async t => {
  const folder = temporaryFolder()
  const database = await startMariaDb()
  t.after(async () => {
    await folder.remove()
    await database.stop()
  })
  const { host, port, username, password } = database
  const old = merged(testSettings(folder.path), {
    data_store: { address: `${host}:${port}`, username, password, schema: newSchema() },
    platform: { data_file: path.join(folder.path, 'platform.db') },
  })
  const desk = new Desk(new Random(seedOf('OES_CRASH_SEED')))
  const first = await ServerProcess.start(folder.path, old)
  await desk.connect(first.port)
  await desk.trade(600)
  await desk.disconnect()
  deepEqual(await first.stop(), { status: 0, signal: null })

  // With another number of shards, and so with journals that the store has never heard of.
  const fresh = merged(old, { data_directory: path.join(folder.path, 'new'), engine: { shards: 3 } })
  const refused = ServerProcess.spawn(folder.path, fresh)
  deepEqual(await refused.end(), { status: 1, signal: null })
  match(refused.log, /holds the orders of installation .* start with --adopt-store/)

  const second = await ServerProcess.start(folder.path, fresh, '--adopt-store')
  await desk.connect(second.port)
  await desk.resend()
  await desk.verify()
  await desk.trade(600)
  await second.kill()
  await desk.lost()

  const again = await ServerProcess.start(folder.path, fresh)
  await desk.connect(again.port)
  await desk.resend()
  await desk.verify()
  await desk.disconnect()
  deepEqual(await again.stop(), { status: 0, signal: null })

  const late = ServerProcess.spawn(folder.path, old)
  deepEqual(await late.end(), { status: 1, signal: null })
  match(late.log, /StartRefused: No store can be used, .* another installation/)
})
