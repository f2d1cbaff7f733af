// Bulk cancel as an operator does it: the script and the command as processes of their own, against a server and its
// services.

import { deepEqual, equal, match } from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  connect,
  type ExecutionReport,
  isTerminal,
  limitOrder,
  type OesClient,
  OrderStatus,
  orderStatusNames,
  Side,
} from '../../src/client/index.ts'
import { ORDER_EXECUTION_SERVICE } from '../../src/services/platform/built-in-world.ts'
import { type Finished, oesAs, oesServices, start } from '../cli/command.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { RunningPlatform } from '../services/running-platform.ts'

const SCRIPT = fileURLToPath(new URL('../../scripts/cancel_orders.sh', import.meta.url))
const TRADERS = ['alice', 'bob', 'dave'] as const

interface Stage {
  readonly platform: RunningPlatform
  readonly server: ServerProcess
  readonly clients: Record<(typeof TRADERS)[number] | 'administrator', OesClient>
  /** Runs the script in a folder whose config.yml leads to the services as the administrator. */
  readonly script: (...words: string[]) => Promise<Finished>
  readonly folder: string
}

async function staged(t: TestContext): Promise<Stage> {
  const platform = await RunningPlatform.start(t)
  const data = temporaryFolder()
  t.after(() => data.remove())
  const { platform: _, ...own } = testSettings(data.path)
  const locator = (username: string) => ({
    service_locator: { address: `127.0.0.1:${platform.address.port}`, username, password: username },
  })
  const server = await ServerProcess.start(data.path, merged(own, locator(ORDER_EXECUTION_SERVICE)))
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-cancel-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  fs.writeFileSync(path.join(folder, 'config.yml'), JSON.stringify(locator('administrator')))
  const clients: Partial<Stage['clients']> = {}
  for (const username of [...TRADERS, 'administrator'] as const) {
    const client = await connect({ port: server.port, username, password: username })
    t.after(() => client.close())
    clients[username] = client
  }
  const script = (...words: string[]) => start(SCRIPT, words, { PATH: process.env.PATH }, folder).finished
  return { platform, server, clients: clients as Stage['clients'], script, folder }
}

/** Two orders of each trader that rest: ABX and RY, both in Toronto. @returns the ids of the first trader's */
async function rest({ clients }: Stage): Promise<number[]> {
  const ids: number[] = []
  for (const name of TRADERS) {
    for (const ticker of ['ABX.TSX', 'RY.TSX']) {
      const outcome = await clients[name].submit(limitOrder(Side.Bid, ticker, 100, 1))
      if (outcome.outcome !== 'accepted') throw new Error(JSON.stringify(outcome))
      if (name === TRADERS[0]) ids.push(outcome.order.orderId)
    }
  }
  return ids
}

/** Live orders of each trader, by ticker. */
async function liveOf({ clients }: Stage): Promise<string> {
  const words: string[] = []
  for (const name of TRADERS) {
    const tickers: string[] = []
    for await (const { accepted } of clients[name].queryOrders({ filter: ['=', 'is_live', true] })) {
      tickers.push(accepted.ticker.replace('.TSX', ''))
    }
    if (tickers.length > 0) words.push(`${name} ${tickers.sort().join()}`)
  }
  return words.join('; ')
}

/** The reports of an order behind its acceptance: status, text and operator. */
async function reportsOf(client: OesClient, orderId: number): Promise<unknown[][]> {
  const record = await client.load(orderId)
  return record!.reports.map(({ status, text, operator }: ExecutionReport) => [
    orderStatusNames[status],
    text,
    operator,
  ])
}

const all = (count: number) => `${count} orders matched: ${count} canceled, 0 already done, 0 refused, 0 unanswered.\n`
const done = (count: number): Finished => ({ status: 0, out: all(count), err: '' })
const everything = TRADERS.map(name => `${name} ABX,RY`).join('; ')

/** The day it is at a venue. */
const today = (timeZone: string, daysLater = 0) =>
  new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(Date.now() + daysLater * 86_400_000)

test('the script cancels what its flags say, and tells how many', async t => {
  const stage = await staged(t)
  const { script, folder } = stage
  const day = today('America/Toronto')
  const tomorrow = today('America/Toronto', 1)
  const utc = (time: number) => new Date(time).toISOString().slice(0, 19).replace('T', ' ')
  const cases: [words: string[], count: number, left: string][] = [
    [['--scope', '*'], 6, ''],
    [['-r', 'ABX.TSX'], 3, 'alice RY; bob RY; dave RY'],
    [['--region', 'TSX'], 6, ''],
    [['--scope', 'XTSE', '-j', '8'], 6, ''],
    [['--region', 'Canada', '--connections', '1'], 6, ''],
    [['--scope', 'CA', '--region', 'CA'], 6, ''],
    [['--scope', 'AU'], 0, everything],
    [['--account', 'alice'], 2, 'bob ABX,RY; dave ABX,RY'],
    [['-a', 'alice', '-r', 'RY.TSX', '-m', 'desk reset'], 1, 'alice ABX; bob ABX,RY; dave ABX,RY'],
    [['--group', 'north'], 4, 'dave ABX,RY'],
    [['-g', 'south', '--message', 'south is closed'], 2, 'alice ABX,RY; bob ABX,RY'],
    // Midnight may pass meanwhile.
    [['-r', '*', '-b', day, '-e', tomorrow], 6, ''],
    [['-r', '*', '--begin', today('America/Toronto', 2)], 0, everything],
    [['-r', '*', '--end', today('America/Toronto', -1)], 0, everything],
    [['-r', '*', '-b', utc(Date.now() - 3_600_000)], 6, ''],
    [['-r', '*', '-e', utc(Date.now() - 3_600_000)], 0, everything],
    [['-r', '*', '-b', '2020-01-01', '--end', tomorrow], 6, ''],
    [['-r', '*', '--force'], 6, ''],
    [['-c', path.join(folder, 'config.yml'), '-r', '*'], 6, ''],
  ]
  for (const [words, count, left] of cases) {
    await rest(stage)
    deepEqual([words, await script(...words)], [words, done(count)])
    equal(await liveOf(stage), left, words.join(' '))
    await stage.clients.administrator.massCancel({ of: 'everybody' })
  }
  await rest(stage)
  deepEqual(await script('--scope', '*', '--dry-run'), {
    status: 0,
    out: '6 orders match; nothing was canceled.\n',
    err: '',
  })
  deepEqual(
    await script('--scope', '*', '--dry-run', '--force', '--json').then(({ out }) => JSON.parse(out).matched),
    6,
  )
  equal(await liveOf(stage), everything)
  const { status, out, err } = await script('--scope', 'ABX.TSX', '--json')
  deepEqual([status, err], [0, ''])
  const { requests, ...counts } = JSON.parse(out) as Record<string, unknown>
  equal(typeof requests, 'number')
  deepEqual(counts, {
    mode: 'cancel',
    matched: 3,
    canceled: 3,
    done: 0,
    refused: {},
    open: 0,
    unanswered: 0,
    requestsUnanswered: 0,
    requestsRefused: 0,
    requestsResent: 0,
  })
})

test('one order is canceled by its id, with the words and the name of whoever wanted it', async t => {
  const stage = await staged(t)
  const { script, clients } = stage
  const operator = clients.administrator.session.account
  const [first, second] = await rest(stage)
  deepEqual(await script('--order', String(first), '--account', 'bob', '--message', 'by telephone'), done(1))
  deepEqual(await reportsOf(clients.alice, first!), [
    ['NEW', '', 0],
    ['PENDING_CANCEL', 'by telephone', operator],
    ['CANCELED', 'by telephone', operator],
  ])
  deepEqual(await script('-o', String(second), '--force'), done(1))
  deepEqual(await reportsOf(clients.alice, second!), [
    ['NEW', '', 0],
    ['CANCELED', 'Canceled in bulk.', operator],
  ])
  equal(await liveOf(stage), 'bob ABX,RY; dave ABX,RY')
  const again = { status: 0, out: '1 orders matched: 0 canceled, 1 already done, 0 refused, 0 unanswered.\n', err: '' }
  deepEqual(await script('-o', String(second)), again)
  const unknown = await script('-o', '4711')
  deepEqual([unknown.status, unknown.err.split('\n')[0]], [1, 'oes: There is no order 4711.'])
})

test('the command reaches a server by its address, as whoever may trade', async t => {
  const stage = await staged(t)
  const { server, platform } = stage
  const cancel = (name: string, ...words: string[]) => oesAs(name, server.port, 'cancel-all', ...words)
  await rest(stage)
  deepEqual(await cancel('margaret', '--scope', '*'), done(4))
  equal(await liveOf(stage), 'dave ABX,RY')
  deepEqual(await cancel('dave', '--account', 'dave', '-j', '3'), done(2))
  await rest(stage)
  const refused = await cancel('alice', '--account', 'bob')
  deepEqual([refused.status, refused.out], [1, all(0)])
  match(refused.err, /^oes: bob, NOT_PERMITTED: /)
  const forced = await cancel('alice', '--account', 'alice', '--force')
  deepEqual([forced.status, forced.out], [1, all(0)])
  match(forced.err, /^oes: alice, NOT_PERMITTED: /)
  equal(await liveOf(stage), everything)

  // Rules stand, unless it is forced.
  const rules = (...words: string[]) => oesServices('administrator', platform.address.port, 'rules', ...words)
  equal((await rules('add', '--account', 'alice', 'reject_cancels')).status, 0)
  const kept = async () => (await cancel('administrator', '-a', 'alice', '-r', 'ABX.TSX')).status === 3
  for (let tries = 0; !(await kept()); tries++) {
    if (tries === 100) throw new Error('the rule does not come into force')
    await rest(stage)
    await pause(50)
  }
  const { status, out } = await cancel('administrator', '-a', 'alice', '-r', 'RY.TSX')
  equal(status, 3)
  match(
    out,
    /^(\d+) orders matched: 0 canceled, 0 already done, \1 refused, 0 unanswered\.\n {2}\1 refused: CANCELS_NOT_ALLOWED\n$/,
  )
  equal((await cancel('administrator', '-a', 'alice', '--force')).status, 0)
})

test('what cannot be understood, found or read is told, and nothing is canceled', async t => {
  const stage = await staged(t)
  const { script, folder, server } = stage
  await rest(stage)
  fs.writeFileSync(path.join(folder, 'broken.yml'), 'service_locator:\n  address: [\n')
  fs.writeFileSync(
    path.join(folder, 'nobody.yml'),
    'service_locator: { address: "127.0.0.1:1", username: a, password: b }',
  )
  fs.writeFileSync(path.join(folder, 'plain.yml'), `server: { interface: "127.0.0.1:${server.port}" }`)
  const cases: [words: string[], status: number, error: RegExp][] = [
    [[], 2, /^oes: SELECTION_REQUIRED: /],
    [['--begin', '2026-01-30'], 2, /^oes: SELECTION_REQUIRED: /],
    [['--scope', 'Atlantis'], 2, /^oes: Atlantis is neither \* nor a country, a venue or a ticker\.\n/],
    [['--scope', 'CA', '--region', 'AU'], 2, /^oes: --scope and --region are the same/],
    [['--scope', '*', '--begin', 'yesterday'], 2, /^oes: 'yesterday' is no time\.\n/],
    [['--scope', '*', '--end', '2026-02-30'], 2, /^oes: '2026-02-30' is no day of the calendar\.\n/],
    [['--scope', '*', '-b', '2026-02-02', '-e', '2026-02-01'], 2, /^oes: --begin 2026-02-02 comes after --end/],
    [['--scope', '*', '-j', '0'], 2, /^oes: '0' is not a number of connections\.\n/],
    [['--scope', '*', '-j', '257'], 2, /^oes: More than 256 connections help nobody\.\n/],
    [['--scope', '*', '-m', 'x'.repeat(257)], 2, /^oes: The message is longer than 256 bytes\.\n/],
    [['--scope', '*', '--deadline', '700000'], 2, /^oes: --deadline is at most 600000 ms\.\n/],
    [['--order', 'first'], 2, /^oes: 'first' is not an order id\.\n/],
    [['--scope', '*', '--venue', 'TSX'], 2, /^oes: unknown option '--venue'/],
    [['--account', 'zoe'], 1, /^oes: Account zoe not found\.\n/],
    [['--group', 'east'], 1, /^oes: Group east not found\.\n/],
    [['--scope', '*', '--config', 'other.yml'], 1, /^oes: other\.yml not found\.\n/],
    [['--scope', '*', '-c', 'broken.yml'], 1, /^oes: broken\.yml:/],
    [
      ['--scope', '*', '-c', 'nobody.yml'],
      1,
      /^oes: The service locator at 127\.0\.0\.1:1 cannot be asked for the server: /,
    ],
    [['--scope', '*', '-p', 'wrong'], 1, /^oes: The service locator at .* cannot be asked for the server: .*password/],
    // Without the section the server of the configuration itself is meant, and whose password it is has to be said.
    [['--scope', '*', '-c', 'plain.yml'], 2, /^oes: There is no user name\.\n/],
  ]
  for (const [words, status, error] of cases) {
    const ended = await script(...words)
    deepEqual([words, ended.status, ended.out], [words, status, ''])
    match(ended.err, error)
  }
  equal(await liveOf(stage), everything)
  deepEqual(await script('--scope', '*', '-c', 'plain.yml', '-u', 'alice', '-p', 'alice'), done(2))
  const bare = await start(SCRIPT, ['--scope', '*'], { PATH: process.env.PATH }, os.tmpdir()).finished
  deepEqual([bare.status, bare.err.split('\n')[0]], [1, 'oes: config.yml not found.'])
})

test('killed in the middle and run again it finishes the rest, every order once', async t => {
  const stage = await staged(t)
  const { clients, server } = stage
  const ORDERS = 400
  for (const name of TRADERS) {
    const order = limitOrder(Side.Bid, 'ABX.TSX', 100, 1)
    await Promise.all(Array.from({ length: ORDERS }, () => clients[name].submit(order)))
  }
  const subscription = await clients.alice.subscribe()
  const environment = {
    OES_SERVER: `127.0.0.1:${server.port}`,
    OES_USERNAME: 'administrator',
    OES_PASSWORD: 'administrator',
  }
  const entry = fileURLToPath(new URL('../../src/cli/oes.ts', import.meta.url))
  const running = start(process.execPath, [entry, 'cancel-all', '--scope', '*', '-j', '1'], environment)
  for await (const event of subscription) {
    if (!('status' in event) || event.status !== OrderStatus.Canceled) continue
    running.process.kill('SIGKILL')
    break
  }
  await running.finished
  const again = await oesAs('administrator', server.port, 'cancel-all', '--scope', '*')
  deepEqual([again.status, again.err], [0, ''])
  equal(await liveOf(stage), '')
  for (const name of TRADERS) {
    let orders = 0
    for await (const { reports } of clients[name].queryOrders()) {
      orders += 1
      equal(reports.filter(({ status }) => isTerminal(status)).length, 1)
    }
    equal(orders, ORDERS)
  }
})
