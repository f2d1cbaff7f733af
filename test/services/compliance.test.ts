// The compliance service: entries and violations as they are kept, who may ask and store what, and mirrors that follow and
// catch up.

import { deepEqual, equal, ok } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { openDatabase } from '../../src/base/sqlite.ts'
import { type RuleSchema, RuleState } from '../../src/compliance/schema.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { ComplianceClient } from '../../src/services/compliance/client.ts'
import { RuleBook, type StoredRule } from '../../src/services/compliance/rule-book.ts'
import { RuleStore } from '../../src/services/compliance/rule-store.ts'
import type { Violation } from '../../src/services/compliance/violation.ts'
import { ROOT, WellKnown } from '../../src/services/locator/directory-graph.ts'
import { RunningPlatform, refusal } from './running-platform.ts'

const SERVICE = 'order_execution_service'
const NODE = 7
const ADMINISTRATOR = 1

const noSubmissions: RuleSchema = { name: 'reject_submissions', parameters: [] }
const noCancels: RuleSchema = { name: 'reject_cancels', parameters: [] }
const fiveOrders: RuleSchema = {
  name: 'order_count_limit',
  parameters: [{ name: 'count', value: { kind: 'quantity', value: 5_000_000 } }],
}

const violation: Violation = {
  account: 3,
  orderId: 1042,
  ruleId: 1,
  ruleName: 'order_count_limit',
  reason: Reason.ComplianceRefused,
  text: 'no more',
}

function storeOf(times: number[]): RuleStore {
  return new RuleStore(openDatabase(':memory:', 'full'), () => times.shift() ?? 100)
}

test('entries outlive the service, with who changed them, when, and what they were before', t => {
  const database = openDatabase(':memory:', 'full')
  t.after(() => database.close())
  let now = 100
  const store = new RuleStore(database, () => ++now)
  const rule = { node: NODE, nodeKind: 'account', state: RuleState.Active, schema: fiveOrders } as const
  const id = store.add(rule, ADMINISTRATOR)
  store.update({ ...rule, id, state: RuleState.Passive }, 2)
  store.update({ ...rule, id, state: RuleState.Passive }, 2)
  const other = store.add({ ...rule, node: 8, nodeKind: 'directory', schema: noCancels }, 2)
  store.delete(id, 3)
  store.delete(id, 3)
  const again = new RuleStore(database, () => 0)
  const [kept] = again.book.rules()
  deepEqual(
    [again.book.rules().length, kept?.id, kept?.node, kept?.nodeKind, kept?.schema],
    [1, other, 8, 'directory', noCancels],
  )
  const told = again.changes.after(id, 0, 10).rows.map(({ by, before, after }) => {
    const stateOf = (value: unknown) => (value as { state: number } | null)?.state
    return [by, stateOf(before), stateOf(after)]
  })
  deepEqual(told, [
    [ADMINISTRATOR, undefined, RuleState.Active],
    [2, RuleState.Active, RuleState.Passive],
    [2, RuleState.Passive, RuleState.Passive],
    [3, RuleState.Passive, undefined],
  ])
})

test('an entry that is stored again is a new revision, also within one microsecond, and opens what was shut', () => {
  const store = storeOf([100, 100, 100, 100, 100, 100, 100])
  const told: StoredRule[] = []
  store.book.listen({ ruleChanged: rule => told.push(rule) })
  const rule = { node: NODE, nodeKind: 'account', state: RuleState.Active, schema: noCancels } as const
  const id = store.add(rule, ADMINISTRATOR)
  const { revision } = store.book.rule(id)!
  store.trip(id, revision, 2)
  // Told twice, as after a lost answer: nothing new.
  store.trip(id, revision, 2)
  store.update({ ...rule, id }, ADMINISTRATOR)
  // What shut itself was the entry before: the one that is there now was opened by somebody.
  store.trip(id, revision, 2)
  deepEqual(
    told.map(({ revision, tripped }) => [revision, tripped]),
    [
      [100, false],
      [101, true],
      [102, false],
    ],
  )
})

test('a schema that is too large is refused and leaves nothing behind', () => {
  const store = storeOf([])
  const text = 'x'.repeat(4_000)
  const parameters = Array.from({ length: 20 }, (_, index) => ({
    name: `${index}`,
    value: { kind: 'text', value: text } as const,
  }))
  const rule = { node: NODE, nodeKind: 'account', state: RuleState.Active, schema: { name: 'x', parameters } } as const
  let code: number | undefined
  try {
    store.add(rule, ADMINISTRATOR)
  } catch (error) {
    code = (error as { code: number }).code
  }
  deepEqual([code, store.book.rules(), store.changes.after(-1, 0, 10).rows], [Reason.Capacity, [], []])
})

test('violations that are reported again are recorded once', () => {
  const store = storeOf([])
  const violations = [1, 2, 3].map(orderId => ({ ...violation, orderId }))
  store.addViolations(9, 0, violations)
  store.addViolations(9, 1, violations.slice(1))
  store.addViolations(8, 0, [{ ...violation, account: 4, orderId: 4 }])
  const ordersOf = (account: number) => store.violationsAfter(account, 0, 10).rows.map(({ orderId }) => orderId)
  deepEqual([ordersOf(-1), ordersOf(3), ordersOf(4), ordersOf(5)], [[1, 2, 3, 4], [1, 2, 3], [4], []])
})

test('a mirror that is told some changes, out of order or not, and then reads everything is the truth, and so is what it told', () => {
  const id = fc.integer({ min: 1, max: 4 })
  const change = fc.record({
    id,
    node: fc.integer({ min: 1, max: 3 }),
    gone: fc.boolean(),
    told: fc.boolean(),
    late: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), changes => {
      const truth = new RuleBook()
      const mirror = new RuleBook()
      /** What a listener makes of what it hears. */
      const heard = new Map<number, StoredRule>()
      mirror.listen({
        ruleChanged: (rule, previous) => {
          deepEqual(previous, heard.get(rule.id))
          if (rule.state === RuleState.Deleted) ok(heard.delete(rule.id))
          else heard.set(rule.id, rule)
        },
      })
      const late: StoredRule[] = []
      changes.forEach(({ id, node, gone, told, late: isLate }, index) => {
        const state = gone ? RuleState.Deleted : RuleState.Active
        const rule: StoredRule = {
          ...{ id, node, nodeKind: 'account', state, schema: noCancels, revision: index, tripped: false },
        }
        truth.store(rule)
        if (told) mirror.store(rule)
        else if (isLate && !gone) late.push(rule)
      })
      mirror.becomeEqualTo(truth)
      for (const rule of late) if (truth.rule(rule.id) !== undefined) mirror.store(rule)
      deepEqual(mirror.rules(), truth.rules())
      deepEqual(
        [...heard.values()].sort((a, b) => a.id - b.id),
        truth.rules(),
      )
      for (const node of [1, 2, 3]) deepEqual(mirror.rulesOf(node), truth.rulesOf(node))
    }),
  )
})

async function open(t: TestContext, platform: RunningPlatform, name: string) {
  const locator = await platform.login(name)
  const client = await ComplianceClient.open(locator)
  t.after(() => client.close())
  return { locator, client, account: locator.account }
}

test('who may ask and store what', async t => {
  const platform = await RunningPlatform.start(t)
  const roles = { administrator: 'A', [SERVICE]: 'S', margaret: 'M', alice: 'T', dave: 'O' }
  const clients: [string, ComplianceClient][] = []
  const ids: Record<string, number> = {}
  for (const [name, role] of Object.entries(roles)) {
    const { client, account } = await open(t, platform, name)
    clients.push([role, client])
    ids[name] = account
  }
  const { alice } = ids as { alice: number }
  const graph = await (await platform.login(SERVICE)).followDirectory()
  const groups = graph.directoryNamed(ROOT.id, WellKnown.TradingGroups)!.id
  const north = graph.directoryNamed(groups, 'north')!.id
  const traders = graph.directoryNamed(north, 'traders')!.id
  const [, administrator] = clients[0]!
  const rule = await administrator.addRule(alice, RuleState.Active, fiveOrders)
  const reported = async (client: ComplianceClient) => {
    const before = (await administrator.loadViolations(-1)).length
    client.reportViolation({ ...violation, account: alice })
    await client.reportsRecorded()
    const after = (await administrator.loadViolations(-1)).length
    if (after === before) throw Object.assign(new Error(), { code: Reason.NotPermitted })
  }
  // Asked about alice, who trades in the group that M manages; O trades elsewhere.
  const requests: [name: string, call: (client: ComplianceClient) => Promise<unknown>, allowed: string][] = [
    ['follow all', client => client.followRules(), 'AS'],
    ['load those of the account', client => client.loadNodeRules(alice), 'ASMT'],
    ['follow those of the account', client => client.followNodeRules(alice), 'ASMT'],
    ['load those of the group', client => client.loadNodeRules(north), 'ASM'],
    ['load those of its traders', client => client.loadNodeRules(traders), 'ASM'],
    ['load those of all', client => client.loadNodeRules(ROOT.id), 'AS'],
    ['add', client => client.addRule(alice, RuleState.Disabled, noCancels), 'A'],
    ['update', client => client.updateRule(rule, alice, RuleState.Passive, fiveOrders), 'A'],
    ['delete', client => client.deleteRule(99_999), 'A'],
    ['report violations', reported, 'AS'],
    ['load violations of the account', client => client.loadViolations(alice), 'ASMT'],
    ['load violations of all', client => client.loadViolations(-1), 'AS'],
    ['load changes', client => client.loadChanges(), 'A'],
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
})

test('what is wrong with an entry is told', async t => {
  const platform = await RunningPlatform.start(t)
  const { client, account } = await open(t, platform, 'administrator')
  equal(await refusal(client.addRule(99_999, RuleState.Active, noCancels)), Reason.UnknownEntry)
  equal(await refusal(client.addRule(account, RuleState.Deleted, noCancels)), Reason.MalformedMessage)
  equal(await refusal(client.updateRule(99_999, account, RuleState.Active, noCancels)), Reason.UnknownRule)
  ok((await refusal(client.addRule(account, RuleState.Active, { name: 'no_such_rule', parameters: [] }))) !== undefined)
  deepEqual(await client.loadNodeRules(account), [])
})

test('changes are pushed as they happen, and after a reconnect only what differs is told, deletions included', async t => {
  const platform = await RunningPlatform.start(t)
  let available = (_: boolean) => {}
  const whenAvailable = (wanted: boolean) =>
    new Promise<void>(resolve => {
      available = is => {
        if (is === wanted) resolve()
      }
    })
  const locator = await platform.login(SERVICE)
  const follower = await ComplianceClient.open(locator, { onAvailability: (_, is) => available(is) })
  t.after(() => follower.close())
  const { client: administrator } = await open(t, platform, 'administrator')
  const [alice, bob] = [(await locator.findAccount('alice')).id, (await locator.findAccount('bob')).id]
  const first = await administrator.addRule(alice, RuleState.Active, fiveOrders)
  const second = await administrator.addRule(bob, RuleState.Passive, noCancels)
  const book = await follower.followRules()
  const heard: unknown[] = []
  book.listen({ ruleChanged: ({ id, node, state, schema }) => heard.push([id, node, state, schema.name]) })
  deepEqual(
    book.rules().map(({ id }) => id),
    [first, second],
  )
  await administrator.updateRule(first, alice, RuleState.Passive, fiveOrders)
  await administrator.updateRule(first, alice, RuleState.Passive, fiveOrders)
  const third = await administrator.addRule(alice, RuleState.Active, noSubmissions)
  // An answer on the same connection comes after the pushes before it.
  await follower.loadNodeRules(alice)
  deepEqual(heard, [
    [first, alice, RuleState.Passive, 'order_count_limit'],
    [first, alice, RuleState.Passive, 'order_count_limit'],
    [third, alice, RuleState.Active, 'reject_submissions'],
  ])

  heard.length = 0
  const away = whenAvailable(false)
  await platform.stop()
  await away
  const back = whenAvailable(true)
  // Changed while the follower cannot see it.
  const database = openDatabase(platform.databasePath, 'full')
  const store = new RuleStore(database, () => Date.now() * 1_000)
  const state = RuleState.Active
  store.update({ id: second, node: bob, nodeKind: 'account', state, schema: noCancels }, ADMINISTRATOR)
  store.delete(third, ADMINISTRATOR)
  const fourth = store.add({ node: bob, nodeKind: 'account', state, schema: noSubmissions }, ADMINISTRATOR)
  database.close()
  await platform.start()
  await back
  deepEqual(heard, [
    [third, alice, RuleState.Deleted, 'reject_submissions'],
    [second, bob, RuleState.Active, 'reject_cancels'],
    [fourth, bob, RuleState.Active, 'reject_submissions'],
  ])
})

test('a manager follows the entries of the own group only, and an entry that leaves it is gone', async t => {
  const platform = await RunningPlatform.start(t)
  const { client: administrator, locator } = await open(t, platform, 'administrator')
  const { client: margaret } = await open(t, platform, 'margaret')
  const [alice, dave] = [(await locator.findAccount('alice')).id, (await locator.findAccount('dave')).id]
  const heard: unknown[] = []
  margaret.nodeRules.listen({ ruleChanged: ({ id, node, state }) => heard.push([id, node, state]) })
  await margaret.followNodeRules(alice)
  equal(await refusal(margaret.followNodeRules(dave)), Reason.NotPermitted)
  const rule = await administrator.addRule(alice, RuleState.Active, noCancels)
  await administrator.addRule(dave, RuleState.Active, noCancels)
  await administrator.updateRule(rule, dave, RuleState.Active, noCancels)
  await administrator.updateRule(rule, alice, RuleState.Passive, noCancels)
  await margaret.loadNodeRules(alice)
  await margaret.unfollowNodeRules(alice)
  await administrator.deleteRule(rule)
  await margaret.loadNodeRules(alice)
  deepEqual(heard, [
    [rule, alice, RuleState.Active],
    [rule, alice, RuleState.Deleted],
    [rule, alice, RuleState.Passive],
  ])
})

test('violations reported while the service is away are recorded once it is back, each once', async t => {
  const platform = await RunningPlatform.start(t)
  const locator = await platform.login(SERVICE)
  let lost = () => {}
  const whenLost = new Promise<void>(resolve => {
    lost = resolve
  })
  const client = await ComplianceClient.open(locator, { onAvailability: (_, is) => is || lost() })
  t.after(() => client.close())
  const report = (orderId: number) => client.reportViolation({ ...violation, orderId })
  for (let orderId = 1; orderId <= 1_200; orderId++) report(orderId)
  await client.reportsRecorded()
  await platform.stop()
  await whenLost
  for (let orderId = 1_201; orderId <= 2_400; orderId++) report(orderId)
  await platform.start()
  await client.reportsRecorded()
  const recorded = await client.loadViolations(violation.account)
  deepEqual(
    recorded.map(({ orderId }) => orderId),
    Array.from({ length: 2_400 }, (_, index) => index + 1),
  )
  const { number, timestamp, ...first } = recorded[0]!
  deepEqual([first, number > 0, timestamp > 0], [{ ...violation, orderId: 1 }, true, true])
})

test('a rule that has shut itself stays shut until a named person stores its entry again', async t => {
  const platform = await RunningPlatform.start(t)
  const { client: service } = await open(t, platform, SERVICE)
  const { client: administrator, account } = await open(t, platform, 'administrator')
  const id = await administrator.addRule(account, RuleState.Active, noCancels)
  const book = await service.followRules()
  service.reportTripped(book.rule(id)!)
  await service.reportsRecorded()
  const trippedAt = async () => (await administrator.loadNodeRules(account)).map(({ tripped }) => tripped)
  deepEqual([book.rule(id)!.tripped, await trippedAt()], [true, [true]])
  await administrator.updateRule(id, account, RuleState.Active, noCancels)
  deepEqual(await trippedAt(), [false])
  const changes = await administrator.loadChanges(id)
  deepEqual(
    changes.map(({ by, after }) => [by === account, (after as { tripped: boolean }).tripped]),
    [
      [true, false],
      [false, true],
      [true, false],
    ],
  )
})
