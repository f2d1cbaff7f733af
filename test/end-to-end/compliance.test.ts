// Compliance rules from the service to the shards: stored while orders come, in force over the service's absence and over a
// crash of the server, and every objection recorded.

import { deepEqual, equal, match } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, limitOrder, type OesClient, OrderStatus, Reason, reasonName, Side } from '../../src/client/index.ts'
import { RuleState } from '../../src/compliance/schema.ts'
import { MICROS } from '../../src/domain/money.ts'
import { ComplianceClient } from '../../src/services/compliance/client.ts'
import { ORDER_EXECUTION_SERVICE } from '../../src/services/platform/built-in-world.ts'
import { oesServices } from '../cli/command.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { RunningPlatform } from '../services/running-platform.ts'

const countLimit = (count: number) =>
  ({
    name: 'order_count_limit',
    parameters: [{ name: 'count', value: { kind: 'quantity', value: count * MICROS } }],
  }) as const

/** A server of its own that uses the platform of the test. */
async function startServer(t: TestContext, platform: RunningPlatform, shards: number) {
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const { platform: _, ...own } = testSettings(folder.path)
  const settings = merged(own, {
    engine: { shards },
    service_locator: {
      address: `127.0.0.1:${platform.address.port}`,
      username: ORDER_EXECUTION_SERVICE,
      password: ORDER_EXECUTION_SERVICE,
    },
  })
  return { start: () => ServerProcess.start(folder.path, settings) }
}

/** A trader who submits bids that rest, and hears what becomes of them. */
async function traderOf(t: TestContext, server: ServerProcess, username: string) {
  const client: OesClient = await connect({ port: server.port, username, password: username })
  t.after(() => client.close())
  const { subscription } = await client.track()
  const events = subscription[Symbol.asyncIterator]()
  /** @returns NEW, or why the order was rejected */
  const submit = async (): Promise<string> => {
    const outcome = await client.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))
    if (outcome.outcome !== 'accepted') throw new Error(JSON.stringify(outcome))
    for (;;) {
      const { value } = await events.next()
      if (value === undefined) throw new Error('the subscription has ended')
      if (!('status' in value) || value.orderId !== outcome.order.orderId) continue
      return value.status === OrderStatus.New ? 'NEW' : reasonName(value.reason)
    }
  }
  return { client, submit }
}

/** Calls until it is so: what was stored is on its way. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause(20)
}

test('a rule is in force soon after it is stored, and stays so without its service and over a crash', async t => {
  const platform = await RunningPlatform.start(t)
  const { start } = await startServer(t, platform, 2)
  let server = await start()
  const administration = await ComplianceClient.open(await platform.login('administrator'))
  t.after(() => administration.close())
  let alice = await traderOf(t, server, 'alice')
  equal(await alice.submit(), 'NEW')
  const account = alice.client.session.account
  const id = await administration.addRule(account, RuleState.Active, countLimit(3))
  await until(async () => (await alice.submit()) === 'ORDER_LIMIT_REACHED')
  const bob = await traderOf(t, server, 'bob')
  for (let i = 0; i < 4; i++) equal(await bob.submit(), 'NEW')
  await until(async () => (await administration.loadViolations(account)).length > 0)
  const [violation] = await administration.loadViolations(account)
  deepEqual(
    [violation!.account, violation!.ruleId, violation!.ruleName, violation!.reason],
    [account, id, 'order_count_limit', Reason.OrderLimitReached],
  )

  await platform.stop()
  equal(await alice.submit(), 'ORDER_LIMIT_REACHED')
  await server.kill()
  await platform.start()
  server = await start()
  alice = await traderOf(t, server, 'alice')
  equal(await alice.submit(), 'ORDER_LIMIT_REACHED')
  await administration.updateRule(id, account, RuleState.Active, countLimit(1_000))
  await until(async () => (await alice.submit()) === 'NEW')
  await administration.deleteRule(id)
  deepEqual(await server.stop(), { status: 0, signal: null }, server.log)
})

test('a rule that counts a group together does so whatever shards its accounts are on', async t => {
  const platform = await RunningPlatform.start(t)
  const administration = await ComplianceClient.open(await platform.login('administrator'))
  t.after(() => administration.close())
  const directory = await (await platform.login(ORDER_EXECUTION_SERVICE)).followDirectory()
  const groups = directory.directoryNamed(0, 'trading_groups')!.id
  const north = directory.directoryNamed(groups, 'north')!.id
  await administration.addRule(north, RuleState.Active, countLimit(2))
  for (const shards of [1, 3]) {
    const { start } = await startServer(t, platform, shards)
    const server = await start()
    const traders = await Promise.all(['alice', 'bob', 'carol'].map(name => traderOf(t, server, name)))
    const found: string[] = []
    for (const { submit } of traders) found.push(await submit())
    deepEqual(found, ['NEW', 'NEW', 'ORDER_LIMIT_REACHED'])
    equal(await (await traderOf(t, server, 'dave')).submit(), 'NEW')
    deepEqual(await server.stop(), { status: 0, signal: null })
  }
})

test('rules are stored, listed, changed and deleted by the command', async t => {
  const platform = await RunningPlatform.start(t)
  const rules = (...words: string[]) => oesServices('administrator', platform.address.port, 'rules', ...words)
  const north = ['--group', 'north']
  deepEqual(await rules('list', ...north), { status: 0, out: 'There are no rules.\n', err: '' })
  const words = ['scope_filter', 'scope=TSX', '/', 'order_count_limit', 'count=10']
  const { id } = JSON.parse((await rules('add', ...north, '--json', ...words)).out) as { id: number }
  match(
    (await rules('list', ...north)).out,
    new RegExp(`^RULE +STATE +STORED +WORDS\\n *${id} +ACTIVE +20\\S+ +${words.join(' ')}\\n$`),
  )
  equal((await rules('change', String(id), ...north, '--state', 'passive', 'reject_cancels')).status, 0)
  match((await rules('list', ...north)).out, / PASSIVE +\S+ +reject_cancels\n$/)
  deepEqual(await rules('violations'), { status: 0, out: 'There are no violations.\n', err: '' })
  deepEqual(await rules('delete', String(id)), { status: 0, out: `Rule ${id} is gone.\n`, err: '' })
  deepEqual(await rules('list', ...north), { status: 0, out: 'There are no rules.\n', err: '' })
  // What is wrong is told: words, bounds, who asks.
  const wrong = await rules('add', ...north, 'order_count_limit', 'count=many')
  deepEqual([wrong.status, /decimal number is needed/.test(wrong.err)], [2, true])
  match((await rules('add', ...north, 'price_collar', 'limit=5000')).err, /price_collar\.limit/)
  equal((await rules('add', 'reject_cancels')).status, 2)
  match(
    (await oesServices('alice', platform.address.port, 'rules', 'add', ...north, 'reject_cancels')).err,
    /permission/,
  )
})
