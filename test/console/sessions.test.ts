// Logins at the console of a real server, and what each person may see and do there.

import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { after, before, test } from 'node:test'
import { connect, limitOrder, Side } from '../../src/client/index.ts'
import type {
  AccountMessage,
  AccountsMessage,
  AuditRow,
  ClientSessionsMessage,
  FiguresMessage,
  HaltRow,
  LifeMessage,
  OrdersMessage,
  SessionMessage,
  ViolationRow,
} from '../../src/console/messages.ts'
import { oesServices } from '../cli/command.ts'
import { merged, ServerProcess, type Settings, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { ConsoleClient, postJson } from './console-client.ts'

/** What is stopped at the end. */
const endings: (() => Promise<void> | void)[] = []
after(async () => {
  for (const end of endings.reverse()) await end()
})

async function started(console: Settings = {}) {
  const folder = temporaryFolder()
  endings.push(() => folder.remove())
  const locatorPort = await freePort()
  const settings = merged(testSettings(folder.path), {
    platform: { port: locatorPort, market_data: { rate: 0 } },
    console: { http: 'on', ...console },
  })
  const server = await ServerProcess.start(folder.path, settings)
  await server.logged(/the console is served/)
  const url = `http://127.0.0.1:${server.consolePort}`
  const clientOf = async (username: string) => {
    const client = await connect({ port: server.port, username, password: username })
    endings.push(() => client.close())
    return client
  }
  return { server, url, clientOf, locatorPort }
}

async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as net.AddressInfo // a TCP server has such an address
  probe.close()
  await once(probe, 'close')
  return port
}

/** The server of all tests that need no other. */
let shared: Awaited<ReturnType<typeof started>>
before(async () => {
  shared = await started()
})

test('administrators and managers log in, others do not, and a logout ends it', async () => {
  const { url, server } = shared
  const login = async (name: string, password: string) =>
    (await postJson(`${url}/api/login`, { name, password })).status
  deepEqual(
    [await login('alice', 'alice'), await login('margaret', 'wrong'), await login('nobody', 'x')],
    [403, 401, 401],
  )
  const margaret = await ConsoleClient.login(url, 'margaret')
  const { name, isAdministrator, groups, durability } = margaret.session
  deepEqual(
    [name, isAdministrator, groups.map(group => group.name), durability],
    ['margaret', false, ['north', 'treasury'], 'fsync'],
  )
  match(margaret.setCookie, /^oes_console=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/)
  equal((await margaret.get('/api/session')).status, 200)
  equal((await margaret.post('/api/logout', {})).status, 200)
  equal((await margaret.get('/api/session')).status, 401)
  const administrator = await ConsoleClient.login(url, 'administrator')
  deepEqual(
    administrator.session.groups.map(group => group.name),
    ['north', 'south', 'treasury'],
  )
  const { body } = await administrator.get<AuditRow[]>('/api/audit')
  deepEqual(
    body.map(({ who, what }) => `${who} ${what}`),
    ['administrator login', 'margaret logout', 'margaret login'],
  )
  match(server.log, /done at the console/)
  for (const word of [margaret.cookie.split('=')[1]!, margaret.session.csrf]) equal(server.log.includes(word), false)
  equal((await fetch(`http://127.0.0.1:${server.adminPort}/console`)).url, `${url}/`)
})

test('administrators are told who is logged in at the server, managers are not', async () => {
  const { url } = shared
  const administrator = await ConsoleClient.login(url, 'administrator')
  const margaret = await ConsoleClient.login(url, 'margaret')
  const { status, body } = await administrator.get<ClientSessionsMessage>('/api/sessions')
  equal(status, 200)
  equal(body.hasMore, false)
  const { session, peer, sinceUs, account, ...rest } = body.rows.findLast(row => row.account === 'margaret')!
  deepEqual(
    [session > 0, /^127\.0\.0\.1:\d+$/.test(peer), Math.abs(sinceUs / 1_000 - Date.now()) < 60_000, account],
    [true, true, true, 'margaret'],
  )
  deepEqual(rest, {
    role: 'trader',
    inFlight: 0,
    outboxBytes: 0,
    subscriptions: 0,
    tls: '',
    cancelOn: null,
    graceMs: 0,
    alsoCanceled: [],
  })
  equal((await margaret.get('/api/sessions')).status, 403)
})

test('a change without the second word of its login is refused, and so is one without a confirmation', async () => {
  const { url } = shared
  const administrator = await ConsoleClient.login(url, 'administrator')
  const other = await ConsoleClient.login(url, 'administrator')
  const halt = { scope: 'account', name: 'alice', confirmation: 'alice' }
  for (const csrf of ['', 'x', other.session.csrf])
    equal((await administrator.post('/api/halt', halt, csrf)).status, 403)
  equal((await administrator.post('/api/halt', { ...halt, confirmation: 'bob' })).status, 400)
  deepEqual((await administrator.get('/api/halts')).body, [])
})

test('the kill switch is thrown and lifted by those who may, and is noted with who, what and why', async () => {
  const { url, clientOf } = shared
  const alice = await clientOf('alice')
  await alice.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))
  const margaret = await ConsoleClient.login(url, 'margaret')
  const south = await margaret.post('/api/halt', { scope: 'group', name: 'south', confirmation: 'south' })
  equal(south.status, 403)
  const north = await margaret.post('/api/halt', {
    scope: 'group',
    name: 'north',
    confirmation: 'north',
    text: 'drill',
  })
  deepEqual(north, { status: 200, body: { canceled: 1 } })
  const { body: halts } = await margaret.get<HaltRow[]>('/api/halts')
  deepEqual(
    halts.map(({ scope, name, by, text }) => [scope, name, by, text]),
    [['group', 'north', 'margaret', 'drill']],
  )
  const lift = { scope: 'group', name: 'north', confirmation: 'north', text: 'over' }
  equal((await margaret.post('/api/lift', lift)).status, 403)
  const administrator = await ConsoleClient.login(url, 'administrator')
  equal((await administrator.post('/api/lift', lift)).status, 200)
  equal((await administrator.post('/api/lift', lift)).status, 409)
  const everybody = { scope: 'everybody', confirmation: 'everybody' }
  equal((await administrator.post('/api/halt', everybody)).status, 200)
  equal((await administrator.post('/api/lift', everybody)).status, 200)
  for (const [target, status] of [
    [{ scope: 'account', name: 'nobody', confirmation: 'nobody' }, 404],
    [{ scope: 'group', name: 'nobody', confirmation: 'nobody' }, 404],
    [{ scope: 'planet', name: 'earth', confirmation: 'earth' }, 400],
    [{ scope: 'account' }, 400],
  ] as const) {
    equal((await administrator.post('/api/halt', target)).status, status)
  }
  const { body } = await administrator.get<AuditRow[]>('/api/audit')
  deepEqual(
    body
      .filter(({ what }) => what === 'halt' || what === 'lift')
      .map(({ who, what, about, text, outcome }) => [who, what, about, text, outcome]),
    [
      ['administrator', 'lift', 'everybody', '', 'done'],
      ['administrator', 'halt', 'everybody', '', '0 working orders canceled'],
      ['administrator', 'lift', 'north', 'over', 'There is no such halt in force.'],
      ['administrator', 'lift', 'north', 'over', 'done'],
      ['margaret', 'lift', 'north', 'over', 'This session has no permission for the account.'],
      ['margaret', 'halt', 'north', 'drill', '1 working orders canceled'],
      ['margaret', 'halt', 'south', '', 'This session has no permission for the account.'],
    ],
  )
  const own = (await margaret.get<AuditRow[]>('/api/audit')).body
  deepEqual([...new Set(own.map(({ who }) => who))], ['margaret'])
})

test('accounts, orders and risk states are those that the person may see and change', async () => {
  const { url, clientOf } = shared
  const [alice, dave] = [await clientOf('alice'), await clientOf('dave')]
  const orders = await Promise.all([alice, dave].map(client => client.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))))
  const ids = orders.map(order => (order.outcome === 'accepted' ? order.order.orderId : 0))
  const margaret = await ConsoleClient.login(url, 'margaret')
  const { body: accounts } = await margaret.get<AccountsMessage>('/api/accounts')
  deepEqual(
    accounts.rows.map(({ name }) => name),
    ['alice', 'bob', 'carol', 'frank', 'margaret'],
  )
  const { id, openOrders, riskState, buyingPower, used, currency } = accounts.rows[0]!
  deepEqual([openOrders, riskState, buyingPower, used, currency], [1, 'active', 1_000_000, 100, 'CAD'])
  const found = await margaret.get<AccountsMessage>('/api/accounts?find=AR&offset=1')
  deepEqual([found.body.rows.map(({ name }) => name), found.body.total], [['margaret'], 2])
  const life = await margaret.get<LifeMessage>(`/api/orders/${ids[0]}`)
  deepEqual(
    [life.status, life.body.order.accountName, life.body.steps.map(({ status }) => status)],
    [200, 'alice', ['pending new', 'new']],
  )
  equal((await margaret.get(`/api/orders/${ids[1]}`)).status, 404)
  equal((await margaret.get('/api/orders/x')).status, 400)
  const state = { name: 'alice', state: 'close orders', confirmation: 'alice' }
  equal((await margaret.post('/api/risk-state', state)).status, 403)
  const administrator = await ConsoleClient.login(url, 'administrator')
  equal((await administrator.post('/api/risk-state', { ...state, state: 'happy' })).status, 400)
  equal((await administrator.post('/api/risk-state', state)).status, 200)
  const details = async () => (await administrator.get<AccountMessage>(`/api/accounts/${id}`)).body
  let account = await details()
  // It takes its way from the administration service to the shards.
  while (account.account.riskState !== 'close orders') account = await details()
  deepEqual(
    [account.limits?.netLoss, account.positions.map(({ ticker, pendingBuy }) => [ticker, pendingBuy])],
    [100_000, [['ABX.TSX', 100]]],
  )
  deepEqual(
    account.changes.map(({ by, what }) => [by, what]),
    [['administrator', 'risk state']],
  )
})

test('a stream tells figures each second and orders as they change', async () => {
  const { url, clientOf } = shared
  const bob = await clientOf('bob')
  const first = await bob.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))
  const firstId = first.outcome === 'accepted' ? first.order.orderId : 0
  const margaret = await ConsoleClient.login(url, 'margaret')
  const rows = new Map<number, string>()
  let figures: FiguresMessage | undefined
  let second = 0
  for await (const { name, data } of margaret.stream(true)) {
    if (name === 'figures') figures = data as FiguresMessage
    if (name !== 'orders') continue
    const message = data as OrdersMessage
    for (const row of message.rows.filter(({ id }) => id >= firstId))
      rows.set(row.id, `${row.accountName} ${row.side} ${row.quantity} ${row.ticker} ${row.status}`)
    if (message.mode === 'live' && second === 0) {
      deepEqual(
        message.accounts.map(account => account.name),
        ['alice', 'bob', 'carol', 'frank', 'margaret'],
      )
      const outcome = await bob.submit(limitOrder(Side.Bid, 'RY.TSX', 200, 1))
      second = outcome.outcome === 'accepted' ? outcome.order.orderId : -1
      await bob.cancel(second)
    }
    if (rows.get(second)?.endsWith('canceled') && figures !== undefined) break
  }
  deepEqual(
    [...rows],
    [
      [firstId, 'bob buy 100 ABX.TSX new'],
      [second, 'bob buy 200 RY.TSX canceled'],
    ],
  )
  deepEqual(
    [figures?.isReady, figures?.shards.length, figures?.stores.map(({ name }) => name)],
    [true, 2, ['embedded']],
  )
})

test('what a rule objected to is told to those who may see the account', async () => {
  const { url, clientOf, locatorPort } = shared
  const rule = ['rules', 'add', '--account', 'carol', 'maximum_order_quantity', 'quantity=100']
  equal((await oesServices('administrator', locatorPort, ...rule)).status, 0)
  const carol = await clientOf('carol')
  const [margaret, marcel] = [await ConsoleClient.login(url, 'margaret'), await ConsoleClient.login(url, 'marcel')]
  const violations = async (who: ConsoleClient) => (await who.get<ViolationRow[]>('/api/violations')).body
  let rows = await violations(margaret)
  const ids = new Set<number>()
  // The rule takes its way to the shards, and the violation its way back.
  while (rows.length === 0) {
    const outcome = await carol.submit(limitOrder(Side.Bid, 'ABX.TSX', 200, 1))
    if (outcome.outcome === 'accepted') ids.add(outcome.order.orderId)
    rows = await violations(margaret)
  }
  const { account, rule: name, reason, text, orderId } = rows.at(-1)!
  deepEqual(
    [account, name, reason, ids.has(orderId)],
    ['carol', 'maximum_order_quantity', 'ORDER_QUANTITY_TOO_LARGE', true],
  )
  match(text, /200 .*100/)
  deepEqual(await violations(marcel), [])
  const administrator = await ConsoleClient.login(url, 'administrator')
  const seen = (await violations(administrator)).map(row => [row.account, row.orderId])
  ok(seen.some(([who, order]) => who === 'carol' && order === orderId))
  const { body } = await margaret.get<LifeMessage>(`/api/orders/${orderId}`)
  deepEqual(
    body.verdicts.map(({ verdict }) => verdict),
    ['passed', 'passed', 'passed', 'passed', 'passed', 'refused', 'not reached'],
  )
})

test('failed logins suspend the name, as they do for clients', async () => {
  const { url } = shared
  const statuses: number[] = []
  for (let attempt = 0; attempt < 7; attempt++) {
    statuses.push((await postJson(`${url}/api/login`, { name: 'marcel', password: 'guess' })).status)
  }
  deepEqual([statuses[0], statuses.at(-1)], [401, 429])
})

test('a login ends with its time, whatever is open, and makes room for another', async () => {
  const { url } = await started({ session_ms: 2_500, sessions_max: 1 })
  const margaret = await ConsoleClient.login(url, 'margaret')
  equal((await postJson(`${url}/api/login`, { name: 'marcel', password: 'marcel' })).status, 503)
  let events = 0
  for await (const _ of margaret.stream(false)) events += 1
  equal(events > 0, true)
  equal((await margaret.get('/api/session')).status, 401)
  const { session }: { session: SessionMessage } = await ConsoleClient.login(url, 'marcel')
  equal(session.name, 'marcel')
})
