// Who may ask which service for what: every request of every service, by every role, about the own account, an account of a
// group that one manages, and a foreign one. A request that stands in no row fails the test.

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { RuleState } from '../../src/compliance/schema.ts'
import { schemaToWire } from '../../src/compliance/schema-wire.ts'
import { Reason } from '../../src/domain/reasons.ts'
import type { Value } from '../../src/protocol/msgpack.ts'
import { AdministrationClient } from '../../src/services/administration/client.ts'
import { ADMINISTRATION_SERVICE, AdministrationKind } from '../../src/services/administration/messages.ts'
import { riskParametersDefault } from '../../src/services/administration/risk.ts'
import { ComplianceClient } from '../../src/services/compliance/client.ts'
import { COMPLIANCE_SERVICE, ComplianceKind } from '../../src/services/compliance/messages.ts'
import { DEFINITIONS_SERVICE, DefinitionsKind } from '../../src/services/definitions/messages.ts'
import { type DirectoryGraph, ROOT, WellKnown } from '../../src/services/locator/directory-graph.ts'
import { locatedClient } from '../../src/services/locator/located-client.ts'
import { LocatorKind, SERVICE_LOCATOR } from '../../src/services/locator/messages.ts'
import { MARKET_DATA_SERVICE, MarketDataKind } from '../../src/services/market-data/messages.ts'
import { UID_SERVICE, UidKind } from '../../src/services/uid/messages.ts'
import { ReconnectingClient } from '../../src/services/wire/reconnecting-client.ts'
import type { ServiceError } from '../../src/services/wire/service-error.ts'
import { SERVICES_VERSION, WireKind } from '../../src/services/wire/wire-kinds.ts'
import { RunningPlatform, refusal } from './running-platform.ts'

/** Requests of a service lie below, what it pushes from here on. */
const PUSHES_FROM = 50

/** An account that is asked about, and what the requests about it need. */
interface Target {
  readonly account: number
  readonly name: string
  /** A request to change its parameters that is open. */
  readonly modification: number
}

/** What everybody knows. */
interface World {
  readonly graph: DirectoryGraph
  readonly groups: number
  /** A directory without a meaning, below the root. */
  readonly place: number
  readonly bytes: Uint8Array
}

/**
 * Who may, by what the asking account is to the one asked about: administrator, service, the account itself, manager of one
 * of its groups, anybody.
 */
type May = string
const ALL: May = '-'

interface Row {
  readonly elements: (target: Target, world: World) => Value[]
  readonly may: May
}

const noCancels = schemaToWire({ name: 'reject_cancels', parameters: [] })
const violation = (account: number): Value[] => [account, 1, 1, 'reject_cancels', 400, '']
const parameters: Value[] = [0, 0, 0, 0, 0, 0]
const { CheckSession, Authenticate, ...otherLocatorKinds } = LocatorKind
let names = 0

const locatorRows: Record<keyof typeof otherLocatorKinds, Row | undefined> = {
  Register: { elements: () => ['some_service', []], may: 'AS' },
  Unregister: undefined, // by whoever registered, in locator.test.ts
  Locate: { elements: () => [UID_SERVICE], may: ALL },
  WatchService: { elements: () => [UID_SERVICE], may: ALL },
  UnwatchService: { elements: () => [UID_SERVICE], may: ALL },
  FollowDirectory: { elements: () => [], may: 'AS' },
  LoadEntries: { elements: () => [-1, 10], may: 'AS' },
  LoadAssociations: { elements: () => [-1, -1, 10], may: 'AS' },
  FindAccount: { elements: ({ name }) => [name], may: ALL },
  LoadEntry: { elements: ({ account }) => [account], may: 'ASO' },
  LoadParents: { elements: ({ account }) => [account], may: 'ASO' },
  LoadChildren: { elements: ({ account }) => [account], may: 'ASO' },
  LoadAccountTimes: { elements: ({ account }) => [account], may: 'ASO' },
  LoadEntryAt: { elements: () => ['trading_groups/north'], may: 'AS' },
  FollowParents: { elements: ({ account }) => [account], may: 'ASO' },
  UnfollowParents: { elements: ({ account }) => [account], may: ALL },
  OpenSession: { elements: () => [], may: ALL },
  MakeAccount: { elements: (_, { place }) => [`account${++names}`, 'x', place], may: 'A' },
  MakeDirectory: { elements: (_, { place }) => [`directory${++names}`, place], may: 'A' },
  Delete: { elements: () => [1_000_000], may: 'A' },
  Associate: { elements: ({ account }, { place }) => [place, account], may: 'A' },
  Detach: { elements: ({ account }, { place }) => [place, account], may: 'A' },
  Rename: { elements: ({ account, name }) => [account, name], may: 'A' },
  StorePassword: { elements: ({ account, name }) => [account, name], may: 'AO' },
  StorePermissions: { elements: ({ account }) => [account, account, 0], may: 'A' },
  LoadPermissions: { elements: ({ account }) => [account, account], may: 'ASO' },
  LoadChanges: { elements: () => [-1, 0, 10], may: 'A' },
  ServiceAvailability: undefined,
  EntryStored: undefined,
  EntryDeleted: undefined,
  Associated: undefined,
  Detached: undefined,
}

const administrationRows: Record<string, Row | undefined> = {
  CheckAdministrator: { elements: ({ account }) => [account], may: ALL },
  LoadManagedGroups: { elements: ({ account }) => [account], may: 'ASOM' },
  LoadGroup: { elements: (_, { graph, groups }) => [graph.directoryNamed(groups, 'north')!.id], may: 'AS' },
  LoadParentGroup: { elements: ({ account }) => [account], may: 'ASOM' },
  FollowMemberships: { elements: () => [], may: 'AS' },
  LoadMemberships: { elements: () => [-1, -1, -1, 10], may: 'AS' },
  FollowRisk: { elements: () => [], may: 'AS' },
  LoadRiskParameters: { elements: () => [-1, 10], may: 'AS' },
  LoadRiskStates: { elements: () => [-1, 10], may: 'AS' },
  FollowAccountRisk: { elements: ({ account }) => [account], may: 'ASOM' },
  UnfollowAccountRisk: { elements: ({ account }) => [account], may: ALL },
  StoreRiskParameters: { elements: ({ account }) => [account, ...parameters], may: 'A' },
  StoreRiskState: { elements: ({ account }) => [account, 0, 0], may: 'A' },
  SubmitModification: { elements: ({ account }) => [account, 0, '', ...parameters], may: 'AOM' },
  // A trader may have a hand in a request about itself; managers have brought this one further than it can.
  ApproveModification: { elements: ({ modification }) => [modification, Number.MAX_SAFE_INTEGER], may: 'AM' },
  RejectModification: { elements: ({ modification }) => [modification], may: 'AOM' },
  LoadModification: { elements: ({ modification }) => [modification], may: 'ASOM' },
  LoadModifications: { elements: ({ account }) => [account, 0, 10], may: 'ASOM' },
  LoadChanges: { elements: () => [-1, 0, 10], may: 'A' },
}

const complianceRows: Record<string, Row | undefined> = {
  FollowEntries: { elements: () => [], may: 'AS' },
  LoadEntries: { elements: () => [-1, 10], may: 'AS' },
  LoadNodeEntries: { elements: ({ account }) => [account], may: 'ASOM' },
  FollowNodeEntries: { elements: ({ account }) => [account], may: 'ASOM' },
  UnfollowNodeEntries: { elements: ({ account }) => [account], may: ALL },
  AddEntry: { elements: ({ account }) => [account, RuleState.Disabled, noCancels], may: 'A' },
  UpdateEntry: { elements: ({ account }) => [99_999, account, RuleState.Disabled, noCancels], may: 'A' },
  DeleteEntry: { elements: () => [99_999], may: 'A' },
  ReportViolations: { elements: ({ account }) => [1, 1, [violation(account)]], may: 'AS' },
  LoadViolations: { elements: ({ account }) => [account, 0, 10], may: 'ASOM' },
  LoadChanges: { elements: () => [-1, 0, 10], may: 'A' },
  TripEntry: { elements: () => [99_999, 1], may: 'AS' },
}

const definitionsRows: Record<string, Row | undefined> = {
  Load: { elements: () => [], may: ALL },
  Follow: { elements: () => [], may: ALL },
  Reload: { elements: () => [], may: 'A' },
}

const marketDataRows: Record<string, Row | undefined> = {
  Subscribe: { elements: () => [['ABX.TSX']], may: ALL },
  Unsubscribe: { elements: () => [['ABX.TSX']], may: ALL },
  SubscribeAll: { elements: () => [], may: ALL },
  UnsubscribeAll: { elements: () => [], may: ALL },
  LoadTickers: { elements: () => [], may: ALL },
  Publish: { elements: () => [[]], may: 'AS' },
}

const uidRows: Record<string, Row | undefined> = { Reserve: { elements: () => [1], may: 'AS' } }

const passwordRows: Record<string, Row | undefined> = {
  CheckSession: { elements: (_, { bytes }) => ['', bytes, bytes], may: 'AS' },
  Authenticate: { elements: ({ name }) => [name, name], may: 'AS' },
}

const services: [
  name: string,
  kinds: Readonly<Record<string, number>>,
  rows: Readonly<Record<string, Row | undefined>>,
][] = [
  [SERVICE_LOCATOR, LocatorKind, { ...passwordRows, ...locatorRows }],
  [ADMINISTRATION_SERVICE, AdministrationKind, administrationRows],
  [DEFINITIONS_SERVICE, DefinitionsKind, definitionsRows],
  [MARKET_DATA_SERVICE, MarketDataKind, marketDataRows],
  [UID_SERVICE, UidKind, uidRows],
  [COMPLIANCE_SERVICE, ComplianceKind, complianceRows],
]

test('every request of every service is in the matrix', () => {
  for (const [service, kinds, rows] of services) {
    const requests = Object.entries(kinds).filter(([, kind]) => kind % 100 < PUSHES_FROM)
    deepEqual(
      requests.map(([name]) => name).filter(name => rows[name] === undefined && name !== 'Unregister'),
      [],
      service,
    )
  }
})

test('each role may do what the matrix says, about itself, whom it manages, and whom it does not', async t => {
  const platform = await RunningPlatform.start(t)
  const administrator = await platform.login('administrator')
  const graph = await administrator.followDirectory()
  const groups = graph.directoryNamed(ROOT.id, WellKnown.TradingGroups)!.id
  const place = await administrator.makeDirectory('place', ROOT.id)
  const world: World = { graph, groups, place, bytes: new Uint8Array(32) }
  const administration = await AdministrationClient.open(administrator)
  t.after(() => administration.close())
  const far = Date.now() * 2_000
  /** A request that is reviewed where the account has a manager: a trader cannot bring it any further. */
  const submitted = async (account: number) => {
    const client = managersOf.get(account) ?? administration
    return (await client.submitModification(account, riskParametersDefault, { effective: far })).id
  }
  const managersOf = new Map<number, AdministrationClient>()
  const margaret = await AdministrationClient.open(await platform.login('margaret'))
  t.after(() => margaret.close())
  for (const name of ['alice', 'bob', 'margaret']) managersOf.set(graph.accountNamed(name)!.id, margaret)
  const marcel = await AdministrationClient.open(await platform.login('marcel'))
  t.after(() => marcel.close())
  managersOf.set(graph.accountNamed('dave')!.id, marcel)

  for (const role of ['administrator', 'order_execution_service', 'margaret', 'alice']) {
    const locator = await platform.login(role)
    for (const about of new Set([role, 'alice', 'bob', 'dave'])) {
      const relations = [
        role === 'administrator' ? 'A' : '',
        role === 'order_execution_service' ? 'S' : '',
        role === about ? 'O' : '',
        // A manager is in the group too.
        role === 'margaret' && about !== 'dave' ? 'M' : '',
        '-',
      ]
      for (const [service, kinds, rows] of services) {
        const client =
          service === SERVICE_LOCATOR
            ? new ReconnectingClient({
                service,
                addresses: async () => [platform.address],
                greet: async request => void (await request(WireKind.Login, [role, role, SERVICES_VERSION])),
              })
            : locatedClient(locator, service, {})
        t.after(() => client.close())
        await client.open()
        for (const [name, row] of Object.entries(rows)) {
          if (row === undefined) continue
          const account = graph.accountNamed(about)!.id
          const modification = name.endsWith('Modification') ? await submitted(account) : -1
          const target: Target = { account, name: about, modification }
          const code = await refusal(client.request(kinds[name]!, row.elements(target, world)))
          equal(
            code !== Reason.NotPermitted,
            mayOf(row, name, role, relations),
            `${role} about ${about}: ${service} ${name}`,
          )
        }
        client.close()
      }
    }
  }
})

/** A group is its managers' business, whomever else the request is about. */
function mayOf({ may }: Row, name: string, role: string, relations: readonly string[]): boolean {
  if (role === 'margaret' && name === 'LoadGroup') return true
  return relations.some(relation => relation !== '' && may.includes(relation))
}

test('open subscriptions end with the role or membership that they were had by', async t => {
  const platform = await RunningPlatform.start(t)
  const administrator = await platform.login('administrator')
  const graph = await administrator.followDirectory()
  const groups = graph.directoryNamed(ROOT.id, WellKnown.TradingGroups)!.id
  const north = graph.directoryNamed(groups, 'north')!.id
  const part = (name: string) => graph.directoryNamed(north, name)!.id
  const id = (name: string) => graph.accountNamed(name)!.id
  /** Everything that somebody follows, and what he hears of having been sent away. */
  const follower = async (name: string) => {
    const away: string[] = []
    let heard = () => {}
    const onAvailability = (service: string, available: boolean, reason?: ServiceError) => {
      if (available) return
      away.push(`${service} ${reason?.code}`)
      heard()
    }
    const locator = await platform.login(name, { onAvailability })
    const administration = await AdministrationClient.open(locator, { onAvailability })
    const compliance = await ComplianceClient.open(locator, { onAvailability })
    t.after(() => {
      administration.close()
      compliance.close()
    })
    const lost = async (count: number) => {
      while (away.length < count) {
        await new Promise<void>(resolve => {
          heard = resolve
        })
      }
      return away.toSorted()
    }
    return { locator, administration, compliance, lost }
  }
  const root = await AdministrationClient.open(administrator)
  t.after(() => root.close())

  const margaret = await follower('margaret')
  await margaret.administration.followAccountRisk(id('alice'))
  await margaret.compliance.followNodeRules(id('alice'))
  const alice = await follower('alice')
  await alice.administration.followAccountRisk(id('alice'))
  await alice.compliance.followNodeRules(id('alice'))
  // Another of her groups is none of this.
  await administrator.detach(part('managers'), id('margaret'))
  deepEqual(await margaret.lost(2), [
    `${ADMINISTRATION_SERVICE} ${Reason.NotPermitted}`,
    `${COMPLIANCE_SERVICE} ${Reason.NotPermitted}`,
  ])
  const before = margaret.administration.accountRisk.parameters(id('alice'))
  await root.storeRiskParameters(id('alice'), riskParametersDefault)
  equal(await refusal(margaret.administration.loadParentGroup(id('alice'))), Reason.NotPermitted)
  deepEqual(margaret.administration.accountRisk.parameters(id('alice')), before)
  await alice.administration.checkAdministrator(id('alice'))
  deepEqual(alice.administration.accountRisk.parameters(id('alice')), riskParametersDefault)

  const service = await follower('uid_service')
  await service.locator.followDirectory()
  await service.administration.followRisk()
  await service.compliance.followRules()
  const place = await administrator.makeDirectory('place', ROOT.id)
  await administrator.associate(place, id('uid_service'))
  await administrator.detach(graph.directoryNamed(ROOT.id, WellKnown.Services)!.id, id('uid_service'))
  deepEqual(await service.lost(3), [
    `${ADMINISTRATION_SERVICE} ${Reason.NotPermitted}`,
    `${COMPLIANCE_SERVICE} ${Reason.NotPermitted}`,
    `${SERVICE_LOCATOR} ${Reason.NotPermitted}`,
  ])

  // An account that is gone has no sessions.
  await administrator.delete(id('alice'))
  equal((await alice.lost(3)).length, 3)
})
