// What has to keep a server from starting, and what it says then: a supervisor tells the cases apart by the status, an
// operator by the last lines of the log.

import { deepEqual, match, strictEqual } from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { listSegments } from '../../src/journal/segment.ts'
import { Desk } from './desk.ts'
import { Random, seedOf } from './random.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from './server-process.ts'

const seed = seedOf('OES_CRASH_SEED')

function folderOf(t: TestContext): string {
  const folder = temporaryFolder()
  t.after(folder.remove)
  return folder.path
}

test('a journal that is damaged in the middle keeps the server from starting; the log names file and offset', async t => {
  const folder = folderOf(t)
  // The store gets nothing while the server runs, so the next start needs the whole journal.
  const settings = merged(testSettings(folder), { engine: { shards: 1 }, writer: { copy: 'at_start' } })
  const desk = new Desk(new Random(seed))
  const server = await ServerProcess.start(folder, settings)
  await desk.connect(server.port)
  await desk.trade(500)
  await server.kill()
  await desk.lost()

  const [{ file }] = listSegments(path.join(folder, 'data', 'journal', 'shard-0'))
  const bytes = fs.readFileSync(file)
  const offset = 20_000
  bytes[offset] ^= 0x10
  fs.writeFileSync(file, bytes)
  const refused = ServerProcess.spawn(folder, settings)
  const { status } = await refused.end()
  strictEqual(refused.said, '')
  strictEqual(status, 1)
  const told = new RegExp(`journal damaged at byte (\\d+) of ${file}`).exec(refused.log)
  if (told === null) throw new Error(`The log does not tell:\n${refused.log}`)
  // The block is named that holds the byte.
  strictEqual(Number(told[1]) <= offset && Number(told[1]) > offset - 20_000, true)

  // Mended, everything is there.
  bytes[offset] ^= 0x10
  fs.writeFileSync(file, bytes)
  const mended = await ServerProcess.start(folder, settings)
  await desk.connect(mended.port)
  await desk.resend()
  await desk.verify()
  await desk.disconnect()
  deepEqual(await mended.stop(), { status: 0, signal: null })
})

test('a second server on the same data is refused with a status of its own and leaves the first alone', async t => {
  const folder = folderOf(t)
  const settings = testSettings(folder)
  const first = await ServerProcess.start(folder, settings)
  const second = ServerProcess.spawn(folder, settings)
  deepEqual(await second.end(), { status: 75, signal: null })
  match(second.log, /Another server uses /)
  deepEqual(await first.stop(), { status: 0, signal: null })
})

test('a port that is taken keeps the server from starting; the log names it', async t => {
  const folder = folderOf(t)
  const taken = net.createServer()
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as net.AddressInfo // a TCP server has such an address
  const settings = merged(testSettings(folder), { server: { interface: `127.0.0.1:${port}` } })
  const server = ServerProcess.spawn(folder, settings)
  deepEqual(await server.end(), { status: 1, signal: null })
  match(server.log, new RegExp(`EADDRINUSE.*${port}`))
  taken.close()
})

test('a platform file that is no database keeps the server from starting; the log names it', async t => {
  const folder = folderOf(t)
  fs.mkdirSync(path.join(folder, 'data'))
  fs.writeFileSync(path.join(folder, 'data', 'platform.db'), 'garbage'.repeat(2_000))
  const server = ServerProcess.spawn(folder, testSettings(folder))
  deepEqual(await server.end(), { status: 1, signal: null })
  match(server.log, /platform\.db/)
})

test('a store that is no database keeps the server from starting; the log names it', async t => {
  const folder = folderOf(t)
  fs.mkdirSync(path.join(folder, 'data'))
  fs.writeFileSync(path.join(folder, 'data', 'store.db'), 'garbage'.repeat(2_000))
  const server = ServerProcess.spawn(folder, testSettings(folder))
  const { status } = await server.end()
  strictEqual(server.said, '')
  strictEqual(status, 1)
  match(server.log, /store\.db/)
})

test('accounts that the directory does not know any more keep the server from starting, and change nothing', async t => {
  const folder = folderOf(t)
  const settings = merged(testSettings(folder), { engine: { snapshot_reports: 100 } })
  const desk = new Desk(new Random(seed))
  const server = await ServerProcess.start(folder, settings)
  await desk.connect(server.port)
  await desk.trade(800)
  await server.kill()
  await desk.lost()

  const world = path.join(folder, 'world.json')
  const administrator = { name: 'administrator', password: 'administrator' }
  const service = { name: 'order_execution_service', password: 'order_execution_service' }
  fs.writeFileSync(
    world,
    JSON.stringify({
      accounts: [administrator, service],
      administrators: ['administrator'],
      services: ['order_execution_service'],
      groups: [],
      built_in_passwords: true,
    }),
  )
  const elsewhere = merged(settings, { platform: { world, data_file: 'other.db' } })
  const refused = ServerProcess.spawn(folder, elsewhere)
  deepEqual(await refused.end(), { status: 1, signal: null })
  match(refused.log, /The store has orders of account \d+, which the service locator does not know/)

  const again = await ServerProcess.start(folder, settings)
  await desk.connect(again.port)
  await desk.resend()
  await desk.verify()
  await desk.disconnect()
  deepEqual(await again.stop(), { status: 0, signal: null })
})

test('a configuration with an unknown key is refused by name', async t => {
  const folder = folderOf(t)
  const server = ServerProcess.spawn(folder, merged(testSettings(folder), { engine: { sharts: 2 } }))
  deepEqual(await server.end(), { status: 78, signal: null })
  match(server.log, /engine\.sharts/)
})
