// A journal that cannot be written any more: the server ends, says so, and has acknowledged nothing that is not there.

import { deepEqual, match, ok } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as timer } from 'node:timers/promises'
import { Desk } from './desk.ts'
import { Random, seedOf } from './random.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from './server-process.ts'

const seed = seedOf('OES_CRASH_SEED')

/** Runs a command of the system; false where that cannot be done here. */
function succeeds(command: string, words: readonly string[]): boolean {
  try {
    execFileSync(command, words, { stdio: 'ignore' })
    return true
  } catch {
    return false // told by the result
  }
}

test('a full disk under the journals ends the server with 74, and everything acknowledged is there afterwards', async t => {
  const folder = temporaryFolder()
  const journals = path.join(folder.path, 'data', 'journal')
  fs.mkdirSync(journals, { recursive: true })
  if (!succeeds('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', journals])) {
    t.skip('mounting a small file system needs the rights of root')
    return folder.remove()
  }
  // Before the folder is removed.
  t.after(async () => {
    execFileSync('umount', ['-l', journals])
    await folder.remove()
  })
  const settings = merged(testSettings(folder.path), { engine: { shards: 1 }, writer: { copy: 'at_start' } })
  const desk = new Desk(new Random(seed))
  let server = await ServerProcess.start(folder.path, settings)
  await desk.connect(server.port)
  for (const trader of desk.traders) trader.start()
  deepEqual(await server.end(), { status: 74, signal: null })
  await desk.lost()
  match(server.log, /error main a thread has failed; the server ends thread=shard-0 .* failed: ENOSPC/)

  // The start copies what the journals hold into the store, which lies elsewhere, and so makes room again.
  server = await ServerProcess.start(folder.path, settings)
  await desk.connect(server.port)
  await desk.resend()
  const { orders } = await desk.verify()
  ok(orders > 500)
  await desk.disconnect()
  deepEqual(await server.stop(), { status: 0, signal: null })
})

test('a journal folder that takes no file any more ends the server with 74', async t => {
  const folder = temporaryFolder()
  const settings = merged(testSettings(folder.path), { engine: { shards: 1 }, writer: { copy: 'at_start' } })
  const desk = new Desk(new Random(seed))
  let server = await ServerProcess.start(folder.path, settings)
  await desk.connect(server.port)
  const journal = path.join(folder.path, 'data', 'journal', 'shard-0')
  if (!succeeds('mount', ['--bind', journal, journal])) {
    t.skip('mounting needs the rights of root')
    await desk.disconnect()
    return folder.remove()
  }
  t.after(async () => {
    execFileSync('umount', ['-l', journal])
    await folder.remove()
  })
  // Refused as long as a file is open for writing there, as a spare segment is while it is made.
  while (!succeeds('mount', ['-o', 'remount,ro,bind', journal])) await timer(50)
  for (const trader of desk.traders) trader.start()
  deepEqual(await server.end(), { status: 74, signal: null })
  await desk.lost()
  match(server.log, /error main a thread has failed; the server ends thread=shard-0 .* failed: EROFS/)

  execFileSync('mount', ['-o', 'remount,rw,bind', journal])
  server = await ServerProcess.start(folder.path, settings)
  await desk.connect(server.port)
  await desk.resend()
  await desk.verify()
  await desk.disconnect()
  deepEqual(await server.stop(), { status: 0, signal: null })
})
