// The service locator: logins, the directory and who may change it, services that come and go, and mirrors that follow.

import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../../src/base/sqlite.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { addressesOf, type LocatorClient, type ServiceListener } from '../../src/services/locator/client.ts'
import { EntryType, ROOT, WellKnown } from '../../src/services/locator/directory-graph.ts'
import { DirectoryStore } from '../../src/services/locator/directory-store.ts'
import { LoginAttempts } from '../../src/services/locator/login-attempts.ts'
import { LocatorKind, SERVICE_LOCATOR } from '../../src/services/locator/messages.ts'
import { hashPassword, passwordCostBuiltIn, passwordMatches } from '../../src/services/locator/passwords.ts'
import { PERMISSIONS_ALL, Permission } from '../../src/services/locator/permissions.ts'
import { bytesAt, textAt } from '../../src/services/wire/elements.ts'
import { ReconnectingClient } from '../../src/services/wire/reconnecting-client.ts'
import { proofOf, type SessionTicket } from '../../src/services/wire/session-proof.ts'
import { SERVICES_VERSION, WireKind } from '../../src/services/wire/wire-kinds.ts'
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

test('a name is suspended after failed logins, for longer each time, and the right password is not looked at meanwhile', async t => {
  const notes: string[] = []
  const platform = await RunningPlatform.start(t, {
    logins: { failuresMax: 3, suspendFirstMs: 3_600_000, suspendLongestMs: 3_600_000 },
    onNote: (message, { name }) => notes.push(`${message}: ${name}`),
  })
  const attempts = ['wrong', 'wrong', 'wrong', 'alice']
  const codes: unknown[] = []
  for (const password of attempts) codes.push(await refusal(platform.login('alice', { password })))
  deepEqual(codes, [Reason.LoginFailed, Reason.LoginFailed, Reason.LoginFailed, Reason.LoginsSuspended])
  deepEqual(notes, ['logins of a name are suspended: alice'])
  // Spaces around the name make no difference; other names, and the same name from elsewhere, are not touched.
  equal(await refusal(platform.login(' alice')), Reason.LoginsSuspended)
  equal(await refusal(platform.login('bob')), undefined)
  const service = await platform.login(SERVICE)
  equal(await service.authenticate('alice', 'alice'), (await service.findAccount('alice')).id)
  for (let attempt = 0; attempt < 3; attempt++) await refusal(service.authenticate('alice', 'wrong'))
  equal(await refusal(service.authenticate('alice', 'alice')), Reason.LoginsSuspended)
  // Whoever comes from elsewhere is not kept out by it.
  equal(await service.authenticate('alice', 'alice', '192.0.2.7'), (await service.findAccount('alice')).id)
})

test('suspensions double up to the longest, end with their time, and are forgotten after a success or a long while', () => {
  let nowMs = 0
  const limits = { failuresMax: 2, suspendFirstMs: 100, suspendLongestMs: 350 }
  const attempts = new LoginAttempts(limits, () => nowMs)
  const fail = () => attempts.failed('a', 'here')
  deepEqual([fail(), fail(), fail(), fail(), fail()], [0, 100, 200, 350, 350])
  deepEqual([attempts.suspendedMs('a', 'here'), attempts.suspendedMs('a', 'there')], [350, 0])
  nowMs += 349
  equal(attempts.suspendedMs('a', 'here'), 1)
  nowMs += 1
  deepEqual([attempts.suspendedMs('a', 'here'), fail()], [0, 350])
  attempts.succeeded('a', 'here')
  deepEqual([attempts.suspendedMs('a', 'here'), fail(), fail()], [0, 0, 100])
  nowMs += 10 * 350
  deepEqual([fail(), fail()], [0, 100])
})

test('permissions over an entry reach what lies below it, and nothing else', async t => {
  const platform = await RunningPlatform.start(t)
  const administrator = await platform.login('administrator')
  const alice = await platform.login('alice')
  const north = await directoryOf(administrator, WellKnown.TradingGroups, 'north')
  const traders = await directoryOf(administrator, WellKnown.TradingGroups, 'north', 'traders')
  const south = await directoryOf(administrator, WellKnown.TradingGroups, 'south')
  const [bob, dave] = [await idOf(administrator, 'bob'), await idOf(administrator, 'dave')]
  const { Administrate, Move, Read } = Permission
  const requests: (() => Promise<unknown>)[] = [
    () => alice.loadEntry(bob),
    () => alice.loadChildren(traders),
    () => alice.associate(north, bob),
    () => alice.rename(bob, 'robert'),
    () => alice.storePassword(bob, 'new'),
    () => alice.loadEntry(dave),
    () => alice.associate(north, dave),
    () => alice.makeDirectory('x', south),
    () => alice.storePermissions(alice.account, ROOT.id, PERMISSIONS_ALL),
    () => alice.loadChanges(),
  ]
  const allowed: string[] = []
  for (const permissions of [0, Read, Read | Move, PERMISSIONS_ALL, Administrate]) {
    await administrator.storePermissions(alice.account, north, permissions)
    const codes: unknown[] = []
    for (const request of requests) codes.push(await refusal(request()))
    allowed.push(
      codes.map(code => (code === undefined ? 'x' : code === Reason.NotPermitted ? '.' : `${code}`)).join(''),
    )
    equal(await administrator.loadPermissions(alice.account, bob), permissions)
    await refusal(administrator.detach(north, bob))
  }
  deepEqual(allowed, [
    '..........', // nothing
    'xx........', // read
    'xxx.......', // read, move
    'xxxxx.....', // all
    '...xx.....', // administrate alone
  ])
  equal(await refusal(alice.loadPermissions(bob, south)), Reason.NotPermitted)
  equal(await alice.loadPermissions(alice.account, bob), Administrate)
})

test('every change of the directory is recorded with who made it and what was before', async t => {
  const platform = await RunningPlatform.start(t)
  const administrator = await platform.login('administrator')
  const by = administrator.account
  const other = await administrator.makeDirectory('other', ROOT.id)
  const gina = await administrator.makeAccount('gina', 'secret', ROOT.id)
  await administrator.associate(other, gina)
  await administrator.detach(ROOT.id, gina)
  await administrator.rename(gina, 'georgina')
  await administrator.storePassword(gina, 'hidden')
  await administrator.storePermissions(by, gina, Permission.Read)
  const asGeorgina = await platform.login('georgina', { password: 'hidden' })
  await asGeorgina.storePassword(gina, 'more hidden')
  await administrator.delete(gina)
  const changes = await administrator.loadChanges(gina)
  deepEqual(
    changes.map(({ by, what, before, after }) => [by, what, before, after]),
    [
      [by, 'entry', null, { type: 'account', name: 'gina', parents: [ROOT.id] }],
      [by, 'parents', [ROOT.id], [ROOT.id, other]],
      [by, 'parents', [ROOT.id, other], [other]],
      [by, 'name', 'gina', 'georgina'],
      [by, 'password', null, null],
      [by, 'permissions', { source: by, permissions: 0 }, { source: by, permissions: Permission.Read }],
      [gina, 'password', null, null],
      [by, 'entry', { type: 'account', name: 'georgina', parents: [other] }, null],
    ],
  )
  const times = changes.map(({ timestamp }) => timestamp)
  deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  )
  // A world that is made is nobody's change.
  equal((await administrator.loadChanges()).length, changes.length + 1)
})

test('an entry is found by its path, and its parents are followed over a reconnect', async t => {
  const platform = await RunningPlatform.start(t)
  let available = (_: boolean) => {}
  const whenAvailable = (wanted: boolean) =>
    new Promise<void>(resolve => {
      available = is => {
        if (is === wanted) resolve()
      }
    })
  const administrator = await platform.login('administrator')
  const alice = await platform.login('alice', { onAvailability: (_, is) => available(is) })
  const traders = await administrator.loadEntryAt('/trading_groups/north/traders')
  equal(traders.id, await directoryOf(administrator, WellKnown.TradingGroups, 'north', 'traders'))
  equal((await administrator.loadEntryAt('')).id, ROOT.id)
  equal(await refusal(administrator.loadEntryAt('trading_groups/nowhere/traders')), Reason.UnknownEntry)
  equal(await refusal(alice.loadEntryAt('trading_groups/nowhere')), Reason.NotPermitted)

  const heard: [number, boolean][] = []
  await alice.followParents(alice.account, (parent, joined) => heard.push([parent, joined]))
  equal(await refusal(alice.followParents(traders.id, () => {})), Reason.NotPermitted)
  const [first, second] = [
    await administrator.makeDirectory('first', ROOT.id),
    await administrator.makeDirectory('second', ROOT.id),
  ]
  await administrator.associate(first, alice.account)
  await alice.loadEntry(alice.account)
  const away = whenAvailable(false)
  await platform.stop()
  await away
  const back = whenAvailable(true)
  const database = openDatabase(platform.databasePath, 'full')
  const directory = new DirectoryStore(database, () => 0)
  directory.detach(first, alice.account)
  directory.associate(second, alice.account)
  database.close()
  await platform.start()
  await back
  await administrator.detach(traders.id, alice.account)
  await alice.loadEntry(alice.account)
  deepEqual(heard, [
    [traders.id, true],
    [first, true],
    [first, false],
    [second, true],
    [traders.id, false],
  ])
})

test('a connection that proves a session gets one of its own, which outlives the other', async t => {
  const platform = await RunningPlatform.start(t)
  const proving = (ticket: SessionTicket) => {
    const client = new ReconnectingClient({
      service: SERVICE_LOCATOR,
      addresses: async () => [platform.address],
      greet: async request => {
        const challenge = bytesAt(await request(WireKind.Challenge, [SERVICES_VERSION]), 2)
        await request(WireKind.Prove, [ticket.id, proofOf(ticket.key, challenge)])
      },
    })
    t.after(() => client.close())
    return client
  }
  const alice = await platform.login('alice')
  const ticket = alice.ticket!
  const first = proving(ticket)
  await first.open()
  const answer = await first.request(LocatorKind.OpenSession)
  const own = { id: textAt(answer, 2), key: Uint8Array.from(bytesAt(answer, 3)) }
  equal(await refusal(first.request(LocatorKind.OpenSession)), Reason.AlreadyLoggedIn)
  const administrator = await platform.login('administrator')
  alice.close()
  // The locator has seen the connection end once it does not know the session any more.
  while ((await refusal(proving(ticket).open())) === undefined) await new Promise(resolve => setImmediate(resolve))
  const second = proving(own)
  await second.open()
  const found = await second.request(LocatorKind.FindAccount, ['bob'])
  deepEqual(found.slice(2), [await idOf(administrator, 'bob'), EntryType.Account, 'bob'])
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
  const listener: ServiceListener = (service, available) => {
    seen.push(`${service.properties.get('addresses')} ${available}`)
    heard()
  }
  await watcher.watchService('pricing', listener)
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
  await watcher.unwatchService('pricing', listener)
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
