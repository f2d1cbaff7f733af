// Ids are never handed out twice, whatever happens to the service or its clients.

import { deepEqual, equal, ok } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { test } from 'node:test'
import { openDatabase } from '../../src/base/sqlite.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { LocatorClient } from '../../src/services/locator/client.ts'
import { NO_UID, UidClient } from '../../src/services/uid/client.ts'
import { BLOCK_SIZE_MAX } from '../../src/services/uid/messages.ts'
import { UidServer } from '../../src/services/uid/server.ts'
import { RunningPlatform, refusal } from './running-platform.ts'

const SERVICE = 'order_execution_service'

async function take(client: UidClient, count: number): Promise<number[]> {
  const ids: number[] = []
  while (ids.length < count) {
    const id = client.next()
    if (id === NO_UID) await client.whenAvailable()
    else ids.push(id)
  }
  return ids
}

test('blocks follow each other, and sizes out of range are refused', () => {
  const roles = { isAdministrator: () => false, isService: () => true }
  const server = new UidServer(openDatabase(':memory:', 'full'), roles)
  deepEqual(
    [server.reserve(10), server.reserve(1), server.reserve(BLOCK_SIZE_MAX), server.reserve(1)],
    [1, 11, 12, 10_012],
  )
  for (const size of [0, -1, BLOCK_SIZE_MAX + 1]) {
    let code: number | undefined
    try {
      server.reserve(size)
    } catch (error) {
      code = (error as { code: number }).code
    }
    equal(code, Reason.Capacity)
  }
})

test('ids of one client ascend without gap while nobody else takes any', async t => {
  const platform = await RunningPlatform.start(t)
  const client = await UidClient.open(await platform.login(SERVICE))
  t.after(() => client.close())
  const ids = await take(client, 50_000)
  equal(
    ids.findIndex((id, index) => id !== index + 1),
    -1,
  )
})

test('two clients never get the same id', async t => {
  const platform = await RunningPlatform.start(t)
  const clients = [
    await UidClient.open(await platform.login(SERVICE)),
    await UidClient.open(await platform.login(SERVICE)),
  ]
  t.after(() => {
    for (const client of clients) client.close()
  })
  const taken = (await Promise.all(clients.map(client => take(client, 5_000)))).flat()
  equal(new Set(taken).size, 10_000)
})

test('only services reserve ids', async t => {
  const platform = await RunningPlatform.start(t)
  equal(await refusal(UidClient.open(await platform.login('alice'))), Reason.NotPermitted)
})

test('while the service is away a client uses up what it has, then says so, then goes on above', async t => {
  const platform = await RunningPlatform.start(t)
  const locator = await platform.login(SERVICE)
  let lost = () => {}
  const whenLost = new Promise<void>(resolve => {
    lost = resolve
  })
  const client = await UidClient.open(locator, { onAvailability: (_, is) => is || lost() })
  t.after(() => client.close())
  const before = await take(client, 1_000)
  await platform.stop()
  await whenLost
  for (let id = client.next(); id !== NO_UID; id = client.next()) before.push(id)
  equal(client.remaining, 0)
  const waiting = take(client, 1_000)
  await platform.start()
  const after = await waiting
  deepEqual(
    [...before, ...after],
    [...before, ...after].sort((a, b) => a - b),
  )
  equal(new Set([...before, ...after]).size, before.length + after.length)
})

test('no id comes twice when the service is killed again and again', async t => {
  const { databasePath } = await RunningPlatform.start(t).then(async platform => {
    await platform.stop()
    return platform
  })
  const script = path.join(import.meta.dirname, 'platform-process.ts')
  let last = 0
  for (let run = 0; run < 3; run++) {
    const child: ChildProcess = spawn(process.execPath, [script, databasePath], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.after(() => child.kill('SIGKILL'))
    const [line] = (await once(child.stdout!, 'data')) as [Buffer]
    const address = { host: '127.0.0.1', port: Number(line.toString()) }
    const locator = await LocatorClient.open({ addresses: [address], name: SERVICE, password: SERVICE })
    const client = await UidClient.open(locator)
    for (const id of await take(client, 100 * (run + 1))) {
      ok(id > last, `${id} after ${last}`)
      last = id
    }
    // Killed while a reservation may be under way.
    client.next()
    child.kill('SIGKILL')
    await once(child, 'exit')
    for (let id = client.next(); id !== NO_UID; id = client.next()) {
      ok(id > last, `${id} after ${last}`)
      last = id
    }
    client.close()
    locator.close()
  }
})
