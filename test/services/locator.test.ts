// The service locator: logins, the directory and who may change it, services that come and go, and mirrors that follow.

import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../../src/base/sqlite.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { addressesOf, type LocatorClient } from '../../src/services/locator/client.ts'
import { ROOT, WellKnown } from '../../src/services/locator/directory-graph.ts'
import { DirectoryStore } from '../../src/services/locator/directory-store.ts'
import { hashPassword, passwordCostBuiltIn, passwordMatches } from '../../src/services/locator/passwords.ts'
import { RunningPlatform, refusal } from './running-platform.ts'

const SERVICE = 'order_execution_service'

async function idOf(client: LocatorClient, name: string): Promise<number> {
  return (await client.findAccount(name)).id
}

async function directoryOf(client: LocatorClient, ...path: string[]): Promise<number> {
  const graph = await client.followDirectory()
  return path.reduce((parent, name) => graph.directoryNamed(parent, name)!.id, ROOT.id)
}

test('a password matches its hash and no other', async () => {
  const hash = await hashPassword('correct', passwordCostBuiltIn)
  notEqual(hash, await hashPassword('correct', passwordCostBuiltIn))
  deepEqual(
    await Promise.all([
      passwordMatches('correct', hash),
      passwordMatches('Correct', hash),
      passwordMatches('', hash),
      passwordMatches('', ''),
      passwordMatches('correct', hash.replace(/\$[^$]*$/, '$')),
    ]),
    [true, false, false, false, false],
  )
})

test('unknown names and wrong passwords are refused alike', async t => {
  const platform = await RunningPlatform.start(t)
  deepEqual(
    [
      await refusal(platform.login('alice', { password: 'wrong' })),
      await refusal(platform.login('nobody')),
      await refusal(platform.login('alice', { password: '' })),
      await refusal(platform.login('alice')),
    ],
    [Reason.LoginFailed, Reason.LoginFailed, Reason.LoginFailed, undefined],
  )
})

test('services check the passwords of others, and nobody else does', async t => {
  const platform = await RunningPlatform.start(t)
  const service = await platform.login(SERVICE)
  const alice = await platform.login('alice')
  equal(await service.authenticate('alice', 'alice'), alice.account)
  equal(await refusal(service.authenticate('alice', 'wrong')), Reason.LoginFailed)
  equal(await refusal(service.authenticate('nobody', 'wrong')), Reason.LoginFailed)
  equal(await refusal(alice.authenticate('bob', 'bob')), Reason.NotPermitted)
})

test('logins are noted with their times', async t => {
  const platform = await RunningPlatform.start(t)
  const alice = await platform.login('alice')
  const times = await alice.loadAccountTimes(alice.account)
  ok(times.registered > 0 && times.lastLogin >= times.registered)
  const bob = await idOf(alice, 'bob')
  equal(await refusal(alice.loadAccountTimes(bob)), Reason.NotPermitted)
  equal((await (await platform.login(SERVICE)).loadAccountTimes(bob)).lastLogin, 0)
})

test('only administrators change the directory, and only services read all of it', async t => {
  const platform = await RunningPlatform.start(t)
  const requests: [name: string, call: (client: LocatorClient) => Promise<unknown>, allowed: string][] = [
    ['make account', client => client.makeAccount(`x${client.account}`, 'x', 0), 'A'],
    ['make directory', client => client.makeDirectory(`d${client.account}`, 0), 'A'],
    ['rename', async client => client.rename(await idOf(client, 'bob'), 'robert'), 'A'],
    ['store password', async client => client.storePassword(await idOf(client, 'carol'), 'new'), 'A'],
    ['own password', client => client.storePassword(client.account, 'new'), 'AST'],
    ['follow directory', client => client.followDirectory(), 'AS'],
    ['load children', client => client.loadChildren(0), 'AS'],
    ['load own entry', client => client.loadEntry(client.account), 'AST'],
    ['load own parents', client => client.loadParents(client.account), 'AST'],
    ['load other entry', async client => client.loadEntry(await idOf(client, 'dave')), 'AS'],
    ['register', client => client.register('some_service', []), 'AS'],
    ['locate', client => client.locate('uid_service'), 'AST'],
  ]
  // The trader and the service ask first: what the administrator does would stand in their way.
  const clients = [
    ['T', await platform.login('alice')],
    ['S', await platform.login(SERVICE)],
    ['A', await platform.login('administrator')],
  ] as const
  for (const [name, call, allowed] of requests) {
    const may: string[] = []
    for (const [role, client] of clients) {
      const code = await refusal(call(client))
      if (code === undefined) may.unshift(role)
      else equal(code, Reason.NotPermitted, `${role} ${name}`)
    }
    deepEqual([name, may.join('')], [name, allowed])
  }
})

test('the directory refuses what would break it', async t => {
  const platform = await RunningPlatform.start(t)
  const administrator = await platform.login('administrator')
  const groups = await directoryOf(administrator, WellKnown.TradingGroups)
  const north = await directoryOf(administrator, WellKnown.TradingGroups, 'north')
  const traders = await directoryOf(administrator, WellKnown.TradingGroups, 'north', 'traders')
  const alice = await idOf(administrator, 'alice')
  deepEqual(
    {
      takenName: await refusal(administrator.makeAccount('alice', 'x', 0)),
      emptyName: await refusal(administrator.makeAccount('', 'x', 0)),
      spaces: await refusal(administrator.makeAccount(' x', 'x', 0)),
      unknownParent: await refusal(administrator.makeAccount('x', 'x', 99_999)),
      accountAsParent: await refusal(administrator.makeAccount('x', 'x', alice)),
      takenDirectory: await refusal(administrator.makeDirectory('north', groups)),
      rootDeleted: await refusal(administrator.delete(0)),
      wellKnownDeleted: await refusal(administrator.delete(groups)),
      wellKnownRenamed: await refusal(administrator.rename(groups, 'x')),
      cycle: await refusal(administrator.associate(traders, north)),
      itself: await refusal(administrator.associate(north, north)),
      lastParent: await refusal(administrator.detach(traders, alice)),
      notAParent: await refusal(administrator.detach(0, alice)),
      unknownDeleted: await refusal(administrator.delete(99_999)),
      unknownPassword: await refusal(administrator.storePassword(99_999, 'x')),
    },
    {
      takenName: Reason.NameTaken,
      emptyName: Reason.InvalidName,
      spaces: Reason.InvalidName,
      unknownParent: Reason.UnknownEntry,
      accountAsParent: Reason.UnknownEntry,
      takenDirectory: Reason.NameTaken,
      rootDeleted: Reason.IllegalMove,
      wellKnownDeleted: Reason.IllegalMove,
      wellKnownRenamed: Reason.IllegalMove,
      cycle: Reason.IllegalMove,
      itself: Reason.IllegalMove,
      lastParent: Reason.IllegalMove,
      notAParent: Reason.UnknownEntry,
      unknownDeleted: Reason.UnknownEntry,
      unknownPassword: Reason.UnknownAccount,
    },
  )
})

test('deleting a directory deletes what has no other parent', async t => {
  const platform = await RunningPlatform.start(t)
  const administrator = await platform.login('administrator')
  const graph = await administrator.followDirectory()
  const south = await directoryOf(administrator, WellKnown.TradingGroups, 'south')
  const [dave, marcel] = [await idOf(administrator, 'dave'), await idOf(administrator, 'marcel')]
  await administrator.delete(south)
  equal(await refusal(administrator.findAccount('dave')), Reason.UnknownAccount)
  equal(await idOf(administrator, 'marcel'), marcel)
  deepEqual([graph.entry(south), graph.entry(dave), graph.parents(marcel).length], [undefined, undefined, 1])
})

test('what was changed is there after a restart, ids are never used again', async t => {
  const platform = await RunningPlatform.start(t)
  const administrator = await platform.login('administrator')
  const doomed = await administrator.makeAccount('doomed', 'x', 0)
  await administrator.delete(doomed)
  await administrator.makeAccount('gina', 'secret', 0)
  await administrator.rename(await idOf(administrator, 'bob'), 'robert')
  await administrator.storePassword(await idOf(administrator, 'carol'), 'new')
  administrator.close()
  await platform.stop()
  await platform.start()
  deepEqual(
    [
      await refusal(platform.login('gina', { password: 'secret' })),
      await refusal(platform.login('robert', { password: 'bob' })),
      await refusal(platform.login('bob')),
      await refusal(platform.login('carol')),
      await refusal(platform.login('carol', { password: 'new' })),
    ],
    [undefined, undefined, Reason.LoginFailed, Reason.LoginFailed, undefined],
  )
  const again = await platform.login('administrator')
  ok((await again.makeAccount('henry', 'x', 0)) > doomed)
})

test('a service is there as long as the connection that registered it', async t => {
  const platform = await RunningPlatform.start(t)
  const watcher = await platform.login('alice')
  const seen: string[] = []
  let heard = () => {}
  const told = async (count: number) => {
    while (seen.length < count) {
      await new Promise<void>(resolve => {
        heard = resolve
      })
    }
  }
  await watcher.watchService('pricing', (service, available) => {
    seen.push(`${service.properties.get('addresses')} ${available}`)
    heard()
  })
  const first = await platform.login(SERVICE)
  await first.register('pricing', [{ host: '10.0.0.1', port: 1 }])
  const second = await platform.login(SERVICE)
  await second.register('pricing', [
    { host: '10.0.0.2', port: 2 },
    { host: '::1', port: 3 },
  ])
  await told(2)
  deepEqual(
    addressesOf(await watcher.locate('pricing'))
      .map(address => address.port)
      .sort(),
    [1, 2, 3],
  )
  first.close()
  await told(3)
  deepEqual(
    addressesOf(await watcher.locate('pricing')).map(address => address.host),
    ['10.0.0.2', '::1'],
  )
  // A locator that starts again knows nothing: the client that is still there registers again, and that is no change.
  await platform.stop()
  await platform.start()
  const pricing = async () => addressesOf(await watcher.locate('pricing')).length
  while ((await pricing()) !== 2) await new Promise(resolve => setImmediate(resolve))
  await watcher.unwatchService('pricing')
  equal(seen[2], '10.0.0.1:1 false')
})

test('a mirror follows the directory, and after a reconnect hears of the differences only', async t => {
  const platform = await RunningPlatform.start(t)
  let available = (_: boolean) => {}
  const whenAvailable = (wanted: boolean) =>
    new Promise<void>(resolve => {
      available = is => {
        if (is === wanted) resolve()
      }
    })
  const follower = await platform.login(SERVICE, { onAvailability: (_, is) => available(is) })
  const graph = await follower.followDirectory()
  const heard: string[] = []
  graph.listen({
    entryStored: entry => heard.push(`stored ${entry.name}`),
    entryDeleted: entry => heard.push(`deleted ${entry.name}`),
    associated: (parent, child) => heard.push(`${graph.entry(child)?.name} in ${graph.entry(parent)?.name}`),
    detached: (parent, child) => heard.push(`${graph.entry(child)?.name} out of ${graph.entry(parent)?.name}`),
  })
  const administrator = await platform.login('administrator')
  const gina = await administrator.makeAccount('gina', 'x', 0)
  await administrator.rename(gina, 'georgina')
  // An answer on the same connection comes after the pushes before it.
  await follower.loadEntry(gina)
  deepEqual(heard, ['stored gina', 'gina in *', 'stored georgina'])

  heard.length = 0
  const away = whenAvailable(false)
  await platform.stop()
  await away
  const back = whenAvailable(true)
  // Changed while the follower cannot see it.
  const database = openDatabase(platform.databasePath, 'full')
  const directory = new DirectoryStore(database, () => 0)
  directory.rename(gina, 'gina')
  directory.makeAccount('henry', '', ROOT.id)
  directory.associate(directory.graph.directoryNamed(ROOT.id, WellKnown.Administrators)!.id, gina)
  directory.delete(directory.graph.accountNamed('dave')!.id)
  database.close()
  await platform.start()
  await back
  deepEqual(heard, [
    'dave out of traders',
    'deleted dave',
    'stored gina',
    'stored henry',
    'henry in *',
    'gina in administrators',
  ])
})
