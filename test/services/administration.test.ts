// The administration service: memberships as they follow from the directory, who may ask and store what, and mirrors of
// risk figures that follow and catch up.

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openDatabase } from '../../src/base/sqlite.ts'
import { MICROS } from '../../src/domain/money.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { AdministrationClient } from '../../src/services/administration/client.ts'
import { membershipsOf } from '../../src/services/administration/directory-memberships.ts'
import { Memberships, NO_GROUP, Role } from '../../src/services/administration/memberships.ts'
import { type Modification, ModificationStatus } from '../../src/services/administration/modification.ts'
import { ModificationStore } from '../../src/services/administration/modification-store.ts'
import { type RiskParameters, riskParametersDefault, riskStateDefault } from '../../src/services/administration/risk.ts'
import { RiskStore } from '../../src/services/administration/risk-store.ts'
import { AdministrationServer } from '../../src/services/administration/server.ts'
import { DirectoryGraph, EntryType, ROOT, WellKnown } from '../../src/services/locator/directory-graph.ts'
import { RunningPlatform, refusal } from './running-platform.ts'

const SERVICE = 'order_execution_service'
const limits: RiskParameters = {
  currency: 840,
  buyingPower: 123_456_789_012,
  allowedState: { type: RiskStateType.CloseOrders, expiry: 1_770_000_000_000_000 },
  netLoss: 500 * MICROS,
  transitionTimeUs: 60_000_000,
}

/** Names of a small directory, with the ids by which the tests speak of them. */
const Id = {
  administrators: 1,
  services: 2,
  groups: 3,
  north: 10,
  northManagers: 11,
  northTraders: 12,
  south: 20,
  southManagers: 21,
  southTraders: 22,
  ann: 101,
  ben: 102,
  cat: 103,
  dan: 104,
} as const

const names: Record<number, string> = {
  [Id.administrators]: WellKnown.Administrators,
  [Id.services]: WellKnown.Services,
  [Id.groups]: WellKnown.TradingGroups,
  [Id.northManagers]: 'managers',
  [Id.northTraders]: 'traders',
  [Id.southManagers]: 'managers',
  [Id.southTraders]: 'traders',
}

function smallDirectory(): DirectoryGraph {
  const graph = new DirectoryGraph()
  for (const [name, id] of Object.entries(Id)) {
    graph.storeEntry({ id, type: id > 100 ? EntryType.Account : EntryType.Directory, name: names[id] ?? name })
  }
  for (const id of [Id.administrators, Id.services, Id.groups]) graph.associate(ROOT.id, id)
  return graph
}

function followed(graph: DirectoryGraph): { memberships: Memberships; heard: string[] } {
  const memberships = membershipsOf(graph)
  const heard: string[] = []
  memberships.listen({
    groupStored: (id, name) => heard.push(`group ${id} ${name}`),
    groupDeleted: id => heard.push(`no group ${id}`),
    membershipChanged: ({ group, role, account }, joined) =>
      heard.push(`${group}/${role}: ${graph.entry(account)?.name} ${joined}`),
  })
  return { memberships, heard }
}

test('a group that is hung in brings along its members, and takes them away', () => {
  const graph = smallDirectory()
  const { heard } = followed(graph)
  graph.associate(Id.north, Id.northTraders)
  graph.associate(Id.northTraders, Id.ann)
  graph.associate(Id.northTraders, Id.ben)
  deepEqual(heard, [])
  graph.associate(Id.groups, Id.north)
  graph.associate(Id.northManagers, Id.cat)
  graph.associate(Id.north, Id.northManagers)
  graph.associate(Id.administrators, Id.dan)
  graph.storeEntry({ id: Id.north, type: EntryType.Directory, name: 'nord' })
  graph.detach(Id.north, Id.northManagers)
  graph.deleteEntry(Id.ben)
  graph.detach(Id.groups, Id.north)
  deepEqual(heard, [
    `group ${Id.north} north`,
    `${Id.north}/${Role.Trader}: ann true`,
    `${Id.north}/${Role.Trader}: ben true`,
    `${Id.north}/${Role.Manager}: cat true`,
    `${NO_GROUP}/${Role.Administrator}: dan true`,
    `group ${Id.north} nord`,
    `${Id.north}/${Role.Manager}: cat false`,
    `${Id.north}/${Role.Trader}: ben false`,
    `${Id.north}/${Role.Trader}: ann false`,
    `no group ${Id.north}`,
  ])
})

test('administrators may act for all, managers for their traders, everybody for itself', () => {
  const memberships = new Memberships()
  memberships.storeGroup(Id.north, 'north')
  memberships.storeGroup(Id.south, 'south')
  memberships.change({ group: NO_GROUP, role: Role.Administrator, account: 1 }, true)
  memberships.change({ group: NO_GROUP, role: Role.Service, account: 2 }, true)
  for (const account of [3, 4]) memberships.change({ group: Id.north, role: Role.Manager, account }, true)
  memberships.change({ group: Id.south, role: Role.Manager, account: 5 }, true)
  memberships.change({ group: Id.north, role: Role.Trader, account: 6 }, true)
  memberships.change({ group: Id.south, role: Role.Trader, account: 7 }, true)
  const all = [1, 2, 3, 4, 5, 6, 7]
  const matrix = all.map(session => all.map(account => (memberships.permitted(session, account) ? 'x' : '.')).join(''))
  deepEqual(matrix, [
    'xxxxxxx', // administrator
    '.x.....', // service
    '..x..x.', // manager of the north: not the fellow manager
    '...x.x.',
    '....x.x', // manager of the south
    '.....x.', // traders
    '......x',
  ])
  memberships.change({ group: Id.north, role: Role.Manager, account: 3 }, false)
  equal(memberships.permitted(3, 6), false)
  deepEqual(
    [1, 4, 6].map(account => memberships.groupsManagedBy(account).map(group => group.name)),
    [['north', 'south'], ['north'], []],
  )
  equal(memberships.parentGroup(7)?.name, 'south')
})

test('memberships derived step by step are those derived at once', () => {
  const directories = [Id.administrators, Id.services, Id.groups, Id.north, Id.northManagers, Id.northTraders]
  const parents = [ROOT.id, ...directories, Id.south, Id.southManagers, Id.southTraders]
  const children = [...parents.slice(3), Id.ann, Id.ben, Id.cat, Id.dan]
  const move = fc.record({
    parent: fc.constantFrom(...parents),
    child: fc.constantFrom(...children),
    hang: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), moves => {
      const graph = smallDirectory()
      const { memberships } = followed(graph)
      for (const { parent, child, hang } of moves) {
        // The locator lets no directory lie within itself, nor two of one name beside each other.
        const { type, name } = graph.entry(child)!
        const taken = type === EntryType.Directory && graph.directoryNamed(parent, name) !== undefined
        if (!hang) graph.detach(parent, child)
        else if (!graph.isWithin(parent, child) && !taken) graph.associate(parent, child)
        const atOnce = membershipsOf(graph)
        deepEqual(memberships.after(undefined, 100), atOnce.after(undefined, 100))
        deepEqual([...memberships.groups.keys()].sort(), [...atOnce.groups.keys()].sort())
      }
    }),
  )
})

test('memberships are paged in their order, whatever the size of a page', () => {
  const membership = fc.record({
    group: fc.constantFrom(NO_GROUP, 1, 2, 3),
    role: fc.constantFrom(...Object.values(Role)),
    account: fc.integer({ min: 0, max: 5 }),
  })
  fc.assert(
    fc.property(fc.array(membership), fc.integer({ min: 1, max: 5 }), (joining, rowsMax) => {
      const memberships = new Memberships()
      for (const id of [3, 1, 2]) memberships.storeGroup(id, `${id}`)
      for (const one of joining) memberships.change(one, true)
      const paged = []
      for (let page = memberships.after(undefined, rowsMax); page.length > 0; ) {
        paged.push(...page)
        page = memberships.after(page[page.length - 1], rowsMax)
      }
      deepEqual(paged, memberships.after(undefined, Number.POSITIVE_INFINITY))
      const copy = new Memberships()
      copy.storeGroup(9, 'gone')
      copy.change({ group: 9, role: Role.Trader, account: 1 }, true)
      copy.becomeEqualTo(memberships)
      deepEqual(copy.after(undefined, Number.POSITIVE_INFINITY), paged)
    }),
  )
})

test('who may ask and store what', async t => {
  const platform = await RunningPlatform.start(t)
  const roles = { administrator: 'A', [SERVICE]: 'S', margaret: 'M', alice: 'T', dave: 'O' }
  const clients: [string, AdministrationClient][] = []
  const ids: Record<string, number> = {}
  for (const [name, role] of Object.entries(roles)) {
    const locator = await platform.login(name)
    const client = await AdministrationClient.open(locator)
    t.after(() => client.close())
    clients.push([role, client])
    ids[name] = locator.account
  }
  const { alice, margaret } = ids as { alice: number; margaret: number }
  const north = (await clients[0]![1].loadParentGroup(alice))!.id
  // Asked about alice, who trades in the group that M manages; O trades elsewhere.
  const requests: [name: string, call: (client: AdministrationClient) => Promise<unknown>, allowed: string][] = [
    ['check administrator', client => client.checkAdministrator(alice), 'ASMTO'],
    ['managed groups', client => client.loadManagedGroups(alice), 'ASMT'],
    ['managed groups of the manager', client => client.loadManagedGroups(margaret), 'ASM'],
    ['group', client => client.loadGroup(north), 'ASM'],
    ['parent group', client => client.loadParentGroup(alice), 'ASMT'],
    ['follow memberships', client => client.followMemberships(), 'AS'],
    ['follow risk', client => client.followRisk(), 'AS'],
    ['follow risk of the account', client => client.followAccountRisk(alice), 'ASMT'],
    ['store parameters', client => client.storeRiskParameters(alice, limits), 'A'],
    ['store state', client => client.storeRiskState(alice, { type: RiskStateType.Disabled, expiry: 0 }), 'A'],
  ]
  for (const [name, call, allowed] of requests) {
    const may: string[] = []
    for (const [role, client] of clients) {
      const code = await refusal(call(client))
      if (code === undefined) may.push(role)
      else equal(code, Reason.NotPermitted, `${role} ${name}`)
    }
    deepEqual([name, may.join('')], [name, allowed])
  }
  const [, administrator] = clients[0]!
  equal(await refusal(administrator.storeRiskParameters(north, limits)), Reason.UnknownAccount)
  equal(await refusal(administrator.followAccountRisk(99_999)), Reason.UnknownAccount)
  equal(await refusal(administrator.loadGroup(99_999)), Reason.UnknownGroup)
  const none = { type: RiskStateType.None, expiry: 0 }
  equal(await refusal(administrator.storeRiskState(alice, none)), Reason.MalformedMessage)
  equal(await refusal(administrator.storeRiskParameters(alice, { ...limits, netLoss: 0.5 })), Reason.MalformedMessage)
})

test('a request for other parameters comes as far as the role of whoever has it in hand, and ends once', async t => {
  const platform = await RunningPlatform.start(t)
  const clients = new Map<string, AdministrationClient>()
  const steps: unknown[] = []
  let alice = -1
  for (const name of ['alice', 'margaret', 'administrator', 'dave']) {
    const locator = await platform.login(name)
    const onModification = ({ id, updates }: Modification) => steps.push([id, ...updates.map(({ status }) => status)])
    const client = await AdministrationClient.open(locator, name === 'alice' ? { onModification } : {})
    t.after(() => client.close())
    clients.set(name, client)
    if (name === 'alice') alice = locator.account
  }
  const of = (name: string) => clients.get(name)!
  const { Granted, Pending, Rejected, Reviewed, Scheduled } = ModificationStatus
  await of('alice').followAccountRisk(alice)
  const before = of('alice').accountRisk.parameters(alice)
  const bought = (buyingPower: number) => ({ ...limits, buyingPower: buyingPower * MICROS })

  equal(await refusal(of('dave').submitModification(alice, bought(1))), Reason.NotPermitted)
  const first = await of('alice').submitModification(alice, bought(2), { comment: 'for the new desk' })
  const second = await of('margaret').submitModification(alice, bought(3))
  deepEqual([first.status, second.status], [Pending, Reviewed])
  deepEqual(of('alice').accountRisk.parameters(alice), before)
  equal(await refusal(of('dave').approveModification(first.id)), Reason.NotPermitted)
  equal(await refusal(of('alice').approveModification(second.id)), Reason.NotPermitted)
  equal(await of('margaret').approveModification(first.id), Reviewed)
  equal(await of('administrator').approveModification(first.id), Granted)
  deepEqual(of('alice').accountRisk.parameters(alice), bought(2))
  equal(await refusal(of('administrator').approveModification(first.id)), Reason.ModificationClosed)
  equal(await refusal(of('alice').rejectModification(99)), Reason.UnknownModification)
  await of('alice').rejectModification(second.id)
  const never = Date.now() * 1_000 + 3_600_000_000
  const third = await of('administrator').submitModification(alice, bought(4), { effective: never })
  equal(third.status, Scheduled)
  equal(await refusal(of('margaret').approveModification(third.id)), Reason.NotPermitted)
  // A new date that has come: granted at once.
  equal(await of('administrator').approveModification(third.id, 1), Granted)
  // An answer on the same connection comes after the pushes before it.
  await of('alice').checkAdministrator(alice)
  deepEqual(of('alice').accountRisk.parameters(alice), bought(4))
  deepEqual(steps, [
    [first.id, Pending],
    [second.id, Reviewed],
    [first.id, Pending, Reviewed],
    [first.id, Pending, Reviewed, Granted],
    [second.id, Reviewed, Rejected],
    [third.id, Scheduled],
    [third.id, Scheduled, Granted],
  ])
  const all = await of('margaret').loadModifications(alice)
  deepEqual(
    all.map(({ id, comment, parameters }) => [id, comment, parameters]),
    [
      [first.id, 'for the new desk', bought(2)],
      [second.id, '', bought(3)],
      [third.id, '', bought(4)],
    ],
  )
  deepEqual(await of('alice').loadModification(first.id), all[0])
  equal(await refusal(of('dave').loadModification(first.id)), Reason.NotPermitted)
  const changes = await of('administrator').loadChanges(alice)
  deepEqual(
    changes.map(({ what, before, after }) => [what, (before as number[])[1], (after as number[])[1]]),
    [
      ['risk_parameters', 1_000_000, 2],
      ['risk_parameters', 2, 4],
    ],
  )
})

test('what was granted for a later date holds from then on, also over a restart', () => {
  const database = openDatabase(':memory:', 'full')
  let nowUs = 1_000
  const graph = smallDirectory()
  graph.associate(Id.administrators, Id.ann)
  const start = () => {
    const store = new RiskStore(database, () => nowUs)
    const modifications = new ModificationStore(database)
    const memberships = membershipsOf(graph)
    const server = new AdministrationServer({ graph, memberships, store, modifications, nowUs: () => nowUs })
    return { server, store, modifications }
  }
  const request = { account: Id.ben, submitter: Id.ann, timestamp: nowUs, parameters: limits, comment: '' }
  const { Granted, Rejected, Scheduled } = ModificationStatus
  const first = start()
  const ids = [2_000, 3_000].map(effective => first.modifications.add({ ...request, effective }, Scheduled).id)
  const gone = first.modifications.add({ ...request, account: 999, effective: 1_500 }, Scheduled).id
  first.server.grantDue()
  deepEqual(first.store.book.parameters(Id.ben), riskParametersDefault)
  nowUs = 2_500
  const { server, store, modifications } = start()
  server.grantDue()
  server.grantDue()
  deepEqual(store.book.parameters(Id.ben), limits)
  deepEqual(
    [...ids, gone].map(id =>
      modifications.load(id).updates.map(({ status, account, sequence }) => [status, account, sequence]),
    ),
    [
      [
        [Scheduled, Id.ann, 0],
        [Granted, Id.ann, 1],
      ],
      [[Scheduled, Id.ann, 0]],
      [
        [Scheduled, Id.ann, 0],
        [Rejected, Id.ann, 1],
      ],
    ],
  )
  deepEqual(
    store.changes.after(Id.ben, 0, 10).rows.map(({ by, what }) => [by, what]),
    [[Id.ann, 'risk_parameters']],
  )
})

test('every change of a risk state is recorded, and one that changes nothing is none', async t => {
  const platform = await RunningPlatform.start(t)
  const locator = await platform.login('administrator')
  const client = await AdministrationClient.open(locator)
  t.after(() => client.close())
  const { account } = locator
  const closing = { type: RiskStateType.CloseOrders, expiry: 5 }
  for (const state of [riskStateDefault, closing, closing, riskStateDefault])
    await client.storeRiskState(account, state)
  const changes = await client.loadChanges(account)
  deepEqual(
    changes.map(({ by, what, before, after }) => [by, what, before, after]),
    [
      [account, 'risk_state', [RiskStateType.Active, 0], [RiskStateType.CloseOrders, 5]],
      [account, 'risk_state', [RiskStateType.CloseOrders, 5], [RiskStateType.Active, 0]],
    ],
  )
})

test('a manager lists the group, its managers and its traders', async t => {
  const platform = await RunningPlatform.start(t)
  const locator = await platform.login('margaret')
  const client = await AdministrationClient.open(locator)
  t.after(() => client.close())
  const groups = await client.loadManagedGroups(locator.account)
  deepEqual(groups.map(group => group.name).sort(), ['north', 'treasury'])
  const { id, managers, traders } = await client.loadGroup(groups.find(group => group.name === 'north')!.id)
  const idsOf = async (...accounts: string[]) =>
    (await Promise.all(accounts.map(name => locator.findAccount(name)))).map(entry => entry.id)
  deepEqual([managers, traders], [await idsOf('margaret'), await idsOf('alice', 'bob', 'carol')])
  equal((await client.loadParentGroup(traders[0]!))?.id, id)
})

test('risk figures follow, and after a reconnect only what differs is told', async t => {
  const platform = await RunningPlatform.start(t)
  const service = await platform.login(SERVICE)
  let available = (_: boolean) => {}
  const whenAvailable = (wanted: boolean) =>
    new Promise<void>(resolve => {
      available = is => {
        if (is === wanted) resolve()
      }
    })
  const follower = await AdministrationClient.open(service, { onAvailability: (_, is) => available(is) })
  t.after(() => follower.close())
  const book = await follower.followRisk()
  const heard: unknown[] = []
  book.listen({
    riskParametersChanged: (account, parameters) => heard.push([account, parameters]),
    riskStateChanged: (account, state) => heard.push([account, state]),
  })
  const [alice, bob] = [(await service.findAccount('alice')).id, (await service.findAccount('bob')).id]
  const administrator = await AdministrationClient.open(await platform.login('administrator'))
  t.after(() => administrator.close())
  await administrator.storeRiskParameters(alice, limits)
  await administrator.storeRiskParameters(alice, limits)
  await administrator.storeRiskState(bob, { type: RiskStateType.CloseOrders, expiry: 1_770_000_000_000_000 })
  // An answer on the same connection comes after the pushes before it.
  await follower.checkAdministrator(alice)
  deepEqual(heard, [
    [alice, limits],
    [bob, { type: RiskStateType.CloseOrders, expiry: 1_770_000_000_000_000 }],
  ])
  deepEqual(book.parameters(alice), limits)

  heard.length = 0
  const away = whenAvailable(false)
  await platform.stop()
  await away
  const back = whenAvailable(true)
  const database = openDatabase(platform.databasePath, 'full')
  const store = new RiskStore(database, () => 0)
  store.storeState(bob, riskStateDefault)
  store.storeParameters(bob, { ...limits, currency: 124 })
  store.delete(alice)
  database.close()
  await platform.start()
  await back
  deepEqual(heard, [
    [alice, riskParametersDefault],
    [bob, { ...limits, currency: 124 }],
    [bob, riskStateDefault],
  ])
})

test('a trader follows its own risk figures', async t => {
  const platform = await RunningPlatform.start(t)
  const locator = await platform.login('erin')
  const client = await AdministrationClient.open(locator)
  t.after(() => client.close())
  await client.followAccountRisk(locator.account)
  equal(client.accountRisk.parameters(locator.account).buyingPower, 1_000 * MICROS)
  const administrator = await AdministrationClient.open(await platform.login('administrator'))
  t.after(() => administrator.close())
  await administrator.storeRiskParameters(locator.account, limits)
  await client.checkAdministrator(locator.account)
  deepEqual(client.accountRisk.parameters(locator.account), limits)
  await client.unfollowAccountRisk(locator.account)
  await administrator.storeRiskParameters(locator.account, riskParametersDefault)
  await client.checkAdministrator(locator.account)
  deepEqual(client.accountRisk.parameters(locator.account), limits)
})
