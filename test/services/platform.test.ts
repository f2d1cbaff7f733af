// The platform as a whole, and what the main thread makes of it: the world feed.

import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { RuleState } from '../../src/compliance/schema.ts'
import { MICROS } from '../../src/domain/money.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { AdministrationClient } from '../../src/services/administration/client.ts'
import { Role } from '../../src/services/administration/memberships.ts'
import { riskParametersDefault } from '../../src/services/administration/risk.ts'
import { ComplianceClient } from '../../src/services/compliance/client.ts'
import { LocatorClient } from '../../src/services/locator/client.ts'
import { builtInWorld } from '../../src/services/platform/built-in-world.ts'
import { BuiltInPasswords, startPlatform } from '../../src/services/platform/platform.ts'
import runPlatform, { type PlatformThreadMessage } from '../../src/services/platform/platform-thread.ts'
import { worldOfTraders } from '../../src/services/platform/world.ts'
import { WorldFeed, type WorldListener } from '../../src/services/world/world-feed.ts'
import { RunningPlatform, refusal } from './running-platform.ts'

const SERVICE = 'order_execution_service'

test('with built-in passwords any interface but loopback is refused, and says what to do', async () => {
  await rejects(startPlatform({ databasePath: ':memory:', host: '0.0.0.0' }), (error: Error) => {
    match(error.message, /^17 accounts still have built-in passwords.*not on 0\.0\.0\.0.*127\.0\.0\.1\.$/)
    return error instanceof BuiltInPasswords
  })
})

test('with passwords of its own a platform may listen anywhere', async () => {
  const world = { ...builtInWorld, passwordCost: { n: 16, r: 1, p: 1 } }
  const platform = await startPlatform({ databasePath: ':memory:', host: '0.0.0.0', world })
  await platform.close()
})

test('an account that got a password of its own is not counted any more', async t => {
  const platform = await RunningPlatform.start(t)
  const administrator = await platform.login('administrator')
  for (const { name } of builtInWorld.accounts) {
    await administrator.storePassword((await administrator.findAccount(name)).id, `${name} has another`)
  }
  administrator.close()
  await platform.stop()
  const open = await startPlatform({ databasePath: platform.databasePath, host: '0.0.0.0' })
  await open.close()
})

test('a taken port, wrong definitions and a world with unknown members fail the start', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await rejects(startPlatform({ databasePath: ':memory:', port }), { code: 'EADDRINUSE' })
  await rejects(startPlatform({ databasePath: ':memory:', definitions: { venues: [{}] } }), { name: 'InvalidData' })
  const world = { ...builtInWorld, services: ['nobody'] }
  await rejects(startPlatform({ databasePath: ':memory:', world }), { code: Reason.UnknownEntry, params: ['nobody'] })
})

test('the thread tells where it listens, and ends when it is told to stop', async () => {
  const { port1, port2 } = new MessageChannel()
  const ended = runPlatform({ options: { databasePath: ':memory:', market: { eventsPerSecond: 0 } }, port: port2 })
  const [message] = (await once(port1, 'message')) as [PlatformThreadMessage]
  equal(message.what, 'listening')
  if (message.what === 'listening') {
    const locator = await LocatorClient.open({ addresses: [message.address], name: SERVICE, password: SERVICE })
    locator.close()
  }
  port1.postMessage('stop')
  await ended
})

test('the world feed knows accounts, roles, limits and definitions, and follows what changes', async t => {
  const platform = await RunningPlatform.start(t)
  const heard: unknown[] = []
  const listener: WorldListener = {
    accountAdded: (account, name) => heard.push(['added', account, name]),
    accountRenamed: (account, name) => heard.push(['renamed', account, name]),
    accountRemoved: account => heard.push(['removed', account]),
    riskParametersChanged: (account, parameters) => heard.push(['parameters', account, parameters.buyingPower]),
    riskStateChanged: (account, state) => heard.push(['state', account, state.type]),
    groupStored: (_, name) => heard.push(['group', name]),
    groupDeleted: () => heard.push(['group deleted']),
    membershipChanged: ({ role, account }, joined) => heard.push(['member', role, account, joined]),
  }
  const locator = await platform.login(SERVICE)
  const world = await WorldFeed.open(locator, listener)
  t.after(() => world.close())
  const [administrator, margaret, alice, dave, frank] = ['administrator', 'margaret', 'alice', 'dave', 'frank'].map(
    name => world.accountId(name)!,
  ) as [number, number, number, number, number]
  deepEqual(
    {
      names: [...world.accounts()].map(([, name]) => name).sort(),
      accountName: world.accountName(alice),
      groupIsNoAccount: world.isAccount(world.groupNamed('north')!.id),
      administrators: [administrator, margaret].map(account => world.isAdministrator(account)),
      permitted: [
        world.permitted(administrator, dave),
        world.permitted(margaret, alice),
        world.permitted(margaret, dave),
        world.permitted(alice, alice),
        world.permitted(alice, margaret),
      ],
      managed: world.groupsManagedBy(margaret).map(group => group.name),
      limits: [world.riskParameters(alice).buyingPower, world.riskParameters(locator.account)],
      state: world.riskState(frank).type,
      venue: world.definitions.findVenue('TSX')?.mic,
    },
    {
      names: [...builtInWorld.accounts.map(account => account.name), 'platform'].sort(),
      accountName: 'alice',
      groupIsNoAccount: false,
      administrators: [true, false],
      permitted: [true, true, false, true, false],
      managed: ['north', 'treasury'],
      limits: [1_000_000 * MICROS, riskParametersDefault],
      state: RiskStateType.CloseOrders,
      venue: 'XTSE',
    },
  )

  const root = await platform.login('administrator')
  const graph = await root.followDirectory()
  const north = world.groupNamed('north')!.id
  const traders = graph.directoryNamed(north, 'traders')!.id
  const administration = await AdministrationClient.open(root)
  t.after(() => administration.close())
  /** Answers on both connections come after the pushes before them. */
  const settled = async () => {
    await locator.loadEntry(alice)
    // The administration service hears of the directory over the wire too; a member it knows of is in its group.
    while (world.groupNamed('west') === undefined) await world.administration.checkAdministrator(alice)
  }
  const gina = await root.makeAccount('gina', 'gina', traders)
  await root.rename(gina, 'georgina')
  await root.associate(graph.directoryNamed(0, 'administrators')!.id, gina)
  await root.makeDirectory('west', graph.directoryNamed(0, 'trading_groups')!.id)
  await settled()
  await administration.storeRiskParameters(gina, { ...riskParametersDefault, buyingPower: 5 * MICROS })
  await administration.storeRiskState(gina, { type: RiskStateType.Disabled, expiry: 0 })
  await world.administration.checkAdministrator(gina)
  // Two connections: between accounts and memberships there is no order.
  deepEqual(
    heard.filter(what => ['added', 'renamed', 'removed'].includes((what as string[])[0]!)),
    [
      ['added', gina, 'gina'],
      ['renamed', gina, 'georgina'],
    ],
  )
  deepEqual(
    heard.filter(what => !['added', 'renamed', 'removed'].includes((what as string[])[0]!)),
    [
      ['member', Role.Trader, gina, true],
      ['member', Role.Administrator, gina, true],
      ['group', 'west'],
      ['parameters', gina, 5 * MICROS],
      ['state', gina, RiskStateType.Disabled],
    ],
  )
  deepEqual([world.permitted(margaret, gina), world.permitted(gina, dave)], [true, true])
})

test('the world feed knows the compliance rules, and tells of them and of what moves in the directory', async t => {
  const platform = await RunningPlatform.start(t)
  const root = await platform.login('administrator')
  const administrator = await ComplianceClient.open(root)
  t.after(() => administrator.close())
  const { id: alice } = await root.findAccount('alice')
  const schema = { name: 'reject_cancels', parameters: [] }
  const rule = await administrator.addRule(alice, RuleState.Active, schema)
  const heard: unknown[] = []
  const locator = await platform.login(SERVICE)
  const world = await WorldFeed.open(locator, {
    ruleChanged: ({ id, state }) => heard.push(['rule', id, state]),
    directoryMoved: entry => heard.push(['moved', entry]),
  })
  t.after(() => world.close())
  deepEqual([world.rules.rule(rule)?.schema, world.rules.rulesOf(alice).length], [schema, 1])
  await administrator.deleteRule(rule)
  await world.compliance.loadNodeRules(alice)
  const place = await root.makeDirectory('place', 0)
  await root.associate(place, alice)
  await root.detach(place, alice)
  await root.rename(place, 'other place')
  await locator.loadEntry(alice)
  deepEqual(heard, [
    ['rule', rule, RuleState.Deleted],
    ['moved', place],
    ['moved', place],
    ['moved', alice],
    ['moved', alice],
    ['moved', place],
  ])
  deepEqual(world.rules.rules(), [])
})

test('the world is for services only', async t => {
  const platform = await RunningPlatform.start(t)
  equal(await refusal(WorldFeed.open(await platform.login('alice'))), Reason.NotPermitted)
})

test('a big world is made and loaded in full', async t => {
  const world = worldOfTraders(12_345, {
    tradersPerGroup: 5_000,
    riskParameters: { currency: 124, buyingPower: MICROS },
  })
  const platform = await RunningPlatform.start(t, { world })
  const feed = await WorldFeed.open(await platform.login(SERVICE))
  t.after(() => feed.close())
  const last = feed.accountId('trader12345')!
  deepEqual(
    [
      [...feed.accounts()].length,
      feed.groupNamed('desk1')?.traders.size,
      feed.groupNamed('desk3')?.traders.size,
      feed.groupNamed('desk3')?.traders.has(last),
      feed.riskParameters(last).buyingPower,
    ],
    [12_345 + builtInWorld.accounts.length + 1, 5_000, 2_345, true, MICROS],
  )
})
