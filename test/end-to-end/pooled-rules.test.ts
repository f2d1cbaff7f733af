// Rules that count accounts of several shards together, in a server of four shards with its threads, its disk and its
// clients: exact under load from all of them at once, over a crash, and when the server stops in the middle of it.

import { deepEqual, equal, ok } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { connect, limitOrder, type OesClient, OrderStatus, Reason, Side } from '../../src/client/index.ts'
import { type RuleSchema, RuleState } from '../../src/compliance/schema.ts'
import { MICROS } from '../../src/domain/money.ts'
import { shardOfAccount } from '../../src/main/shard-of-account.ts'
import { ComplianceClient } from '../../src/services/compliance/client.ts'
import { builtInWorld, ORDER_EXECUTION_SERVICE } from '../../src/services/platform/built-in-world.ts'
import type { WorldData } from '../../src/services/platform/world.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { RunningPlatform } from '../services/running-platform.ts'

const SHARDS = 4
const CAD = 124
/** Traders of two groups, five each. Every order is a bid for 100 at 1 that rests. */
const TRADERS = Array.from({ length: 40 }, (_, at) => `trader ${at}`)
const NORTH = TRADERS.slice(30, 35)
const SOUTH = TRADERS.slice(35)
const ALL = [...NORTH, ...SOUTH]
/** Ten traders, and others before them, so that the ten are on all shards. */
const world: WorldData = {
  ...builtInWorld,
  accounts: [
    ...builtInWorld.accounts,
    ...TRADERS.map(name => ({
      name,
      password: name,
      riskParameters: { currency: CAD, buyingPower: 1_000_000 * MICROS, netLoss: 1_000_000 * MICROS },
    })),
  ],
  groups: [
    { name: 'north', managers: ['margaret'], traders: NORTH },
    { name: 'south', managers: ['marcel'], traders: SOUTH },
  ],
}
/** Open orders of everybody, and what those of the first group may cost. */
const ORDERS_MAX = 24
const NORTH_MONEY_MAX = 1_100
const NORTH_ORDERS_MAX = NORTH_MONEY_MAX / 100

const ordersLimit: RuleSchema = {
  name: 'order_count_limit',
  parameters: [{ name: 'count', value: { kind: 'quantity', value: ORDERS_MAX * MICROS } }],
}
const moneyLimit: RuleSchema = {
  name: 'buying_power',
  parameters: [
    { name: 'buying_power', value: { kind: 'money', value: NORTH_MONEY_MAX * MICROS } },
    { name: 'currency', value: { kind: 'currency', value: CAD } },
  ],
}

async function staged(t: TestContext) {
  const platform = await RunningPlatform.start(t, { world })
  const rules = await ComplianceClient.open(await platform.login('administrator'))
  t.after(() => rules.close())
  const directory = await (await platform.login(ORDER_EXECUTION_SERVICE)).followDirectory()
  const groups = directory.directoryNamed(0, 'trading_groups')!.id
  await rules.addRule(groups, RuleState.Active, ordersLimit)
  await rules.addRule(directory.directoryNamed(groups, 'north')!.id, RuleState.Active, moneyLimit)
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const { platform: _, ...own } = testSettings(folder.path)
  const settings = merged(own, {
    engine: { shards: SHARDS },
    service_locator: {
      address: `127.0.0.1:${platform.address.port}`,
      username: ORDER_EXECUTION_SERVICE,
      password: ORDER_EXECUTION_SERVICE,
    },
  })
  return { start: () => ServerProcess.start(folder.path, settings) }
}

async function desk(t: TestContext, { port }: ServerProcess): Promise<Map<string, OesClient>> {
  const clients = new Map<string, OesClient>()
  for (const name of ALL) {
    const client = await connect({ port, username: name, password: name })
    t.after(() => client.close())
    clients.set(name, client)
  }
  return clients
}

const bid = () => limitOrder(Side.Bid, 'ABX.TSX', 100, 1)

/** So many orders of each at once, of which every one is answered. */
async function storm(clients: Map<string, OesClient>, names: readonly string[], orders: number): Promise<void> {
  const outcomes = await Promise.all(
    names.flatMap(name => Array.from({ length: orders }, () => clients.get(name)!.submit(bid()))),
  )
  for (const outcome of outcomes) equal(outcome.outcome, 'accepted', JSON.stringify(outcome))
}

/** Ids of the open orders of each, as the server's record has them. */
async function open(clients: Map<string, OesClient>, names: readonly string[]): Promise<[OesClient, number][]> {
  const found: [OesClient, number][] = []
  for (const name of names) {
    const client = clients.get(name)!
    for await (const { accepted } of client.queryOrders({ filter: ['=', 'is_live', true] })) {
      found.push([client, accepted.orderId])
    }
  }
  return found
}

async function cancelAll(clients: Map<string, OesClient>, names: readonly string[]): Promise<void> {
  const orders = await open(clients, names)
  const outcomes = await Promise.all(orders.map(([client, orderId]) => client.cancel(orderId)))
  deepEqual([...new Set(outcomes.map(({ outcome }) => outcome))], orders.length === 0 ? [] : ['done'])
}

const count = async (clients: Map<string, OesClient>, names: readonly string[]) => (await open(clients, names)).length

test('limits over accounts of four shards are met to the last order, under load and over a crash in the middle of it', async t => {
  const { start } = await staged(t)
  let server = await start()
  let clients = await desk(t, server)
  const shards = new Set([...clients.values()].map(client => shardOfAccount(client.session.account, SHARDS)))
  equal(shards.size, SHARDS, `accounts are on shards ${[...shards]}`)

  await storm(clients, NORTH, 8)
  equal(await count(clients, NORTH), NORTH_ORDERS_MAX)
  await storm(clients, ALL, 10)
  deepEqual([await count(clients, NORTH), await count(clients, ALL)], [NORTH_ORDERS_MAX, ORDERS_MAX])

  // Orders come and go until the server is killed.
  let traded = 0
  const { promise: enough, resolve } = Promise.withResolvers<void>()
  const trading = ALL.map(async name => {
    const client = clients.get(name)!
    try {
      for (;;) {
        const outcome = await client.submit(bid(), { deadlineMs: 2_000 })
        if (outcome.outcome !== 'accepted') return
        await client.cancel(outcome.order.orderId, { deadlineMs: 2_000 })
        traded += 1
        if (traded === 200) resolve()
      }
    } catch {
      // The server is gone, which is what this is about.
    }
  })
  await cancelAll(clients, SOUTH)
  await Promise.race([enough, Promise.all(trading)])
  ok(traded >= 200, `trading has ended after ${traded} orders`)
  await server.kill()
  for (const client of clients.values()) client.close()
  await Promise.all(trading)

  server = await start()
  clients = await desk(t, server)
  const [north, all] = [await count(clients, NORTH), await count(clients, ALL)]
  ok(north <= NORTH_ORDERS_MAX && all <= ORDERS_MAX, `${north} and ${all} orders are open`)
  await storm(clients, ALL, 10)
  equal(await count(clients, ALL), ORDERS_MAX)
  await cancelAll(clients, SOUTH)
  await storm(clients, NORTH, 8)
  equal(await count(clients, NORTH), NORTH_ORDERS_MAX)
  await storm(clients, SOUTH, 10)
  deepEqual([await count(clients, NORTH), await count(clients, ALL)], [NORTH_ORDERS_MAX, ORDERS_MAX])
  deepEqual(await server.stop(), { status: 0, signal: null }, server.log)
})

test('replaces of accounts of four shards are met by the limit to the last share, and it stays met over a crash', async t => {
  const { start } = await staged(t)
  let server = await start()
  let clients = await desk(t, server)
  await storm(clients, NORTH, 1)
  const orders = await open(clients, NORTH)
  equal(orders.length, NORTH.length)

  // Each may have 200 more at 1; there is room for three of them.
  const outcomes = await Promise.all(
    orders.map(([client, orderId]) => client.replace(orderId, { quantity: 300, price: 1 })),
  )
  const told = outcomes
    .map(outcome => (outcome.outcome === 'rejected' ? outcome.report.reason : outcome.outcome))
    .sort()
  deepEqual(told, [Reason.ExceedsBuyingPower, Reason.ExceedsBuyingPower, 'pending', 'pending', 'pending'])
  await storm(clients, NORTH, 1)
  equal(await count(clients, NORTH), NORTH.length)

  await server.kill()
  for (const client of clients.values()) client.close()
  server = await start()
  clients = await desk(t, server)
  await storm(clients, NORTH, 1)
  equal(await count(clients, NORTH), NORTH.length)
  // One asks for less again: that makes room for two orders, and no more.
  const first = outcomes.findIndex(({ outcome }) => outcome === 'pending')
  const [, orderId] = orders[first]!
  const owner = clients.get(NORTH[first]!)!
  const reports = await owner.subscribe()
  equal((await owner.replace(orderId, { quantity: 100, price: 1 })).outcome, 'pending')
  for await (const event of reports) {
    if (event.event === 'report' && event.orderId === orderId && event.status === OrderStatus.Replaced) break
  }
  await storm(clients, NORTH, 2)
  equal(await count(clients, NORTH), NORTH.length + 2)
  deepEqual(await server.stop(), { status: 0, signal: null }, server.log)
})

test('a server that stops while requests wait for the judge answers each of them', async t => {
  const { start } = await staged(t)
  const server = await start()
  const clients = await desk(t, server)
  await storm(clients, ALL, 1)
  const sent = ALL.flatMap(name => Array.from({ length: 200 }, () => clients.get(name)!.submit(bid())))
  const outcomes = Promise.all(sent)
  const stopped = server.stop()
  const reasons = new Set<number>()
  for (const outcome of await outcomes) {
    if (outcome.outcome === 'refused') reasons.add(outcome.reason)
    // One that the server has not read any more is nobody's.
    else ok(outcome.outcome === 'accepted' || outcome.outcome === 'unknown', JSON.stringify(outcome))
  }
  for (const reason of reasons) equal(reason, Reason.Stopping)
  deepEqual(await stopped, { status: 0, signal: null }, server.log)
})
