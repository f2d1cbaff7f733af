// Cancel on disconnect, dead-man's switches and rate limits between real processes: clients that are killed, and servers that are
// killed before, within and after the grace, and before and after a switch fires.

import { deepEqual, equal, match } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  type ConnectOptions,
  connect,
  limitOrder,
  type OesClient,
  type OrderEvent,
  OrderStatus,
  reasonName,
  Side,
  TimeInForce,
} from '../../src/client/index.ts'
import { oesAs } from '../cli/command.ts'
import { Random } from '../fault/random.ts'
import { merged, ServerProcess, type Settings, temporaryFolder, testSettings } from '../fault/server-process.ts'
import type { SilentClientWords } from './silent-client.ts'

const SILENT_CLIENT = fileURLToPath(new URL('./silent-client.ts', import.meta.url))
const WAIT_MS_MAX = 60_000

interface Place {
  readonly folder: string
  readonly settings: Settings
}

function place(t: TestContext, more: Settings = {}): Place {
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const quiet = { platform: { market_data: { rate: 0 } } }
  return { folder: folder.path, settings: merged(merged(testSettings(folder.path), quiet), more) }
}

async function clientOf(t: TestContext, server: ServerProcess, name: string, more: Partial<ConnectOptions> = {}) {
  const client = await connect({ port: server.port, username: name, password: name, reconnect: false, ...more })
  t.after(() => client.close())
  return client
}

/** A client in a process of its own that has sent its orders. */
async function silentClient(t: TestContext, words: SilentClientWords): Promise<ChildProcess> {
  const child = spawn(process.execPath, [SILENT_CLIENT, JSON.stringify(words)], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  child.stdin!.on('error', () => undefined) // it has been killed, which is what it is for
  const [said] = await once(child.stdout!, 'data', { signal: AbortSignal.timeout(WAIT_MS_MAX) })
  equal(String(said), 'ready\n')
  return child
}

function words(server: ServerProcess, sessionKey: string, choice: Partial<ConnectOptions>, day: number, gtc: number) {
  return { connect: { port: server.port, username: 'alice', password: 'alice', sessionKey, ...choice }, day, gtc }
}

interface Told {
  /** By session key; '' for orders without. */
  readonly live: Record<string, string[]>
  /** How often each reason ended an order. */
  readonly ends: Record<string, number>
}

/** All that alice's orders went through. @throws where a sequence is missing or double, or an order ended twice. */
async function told(client: OesClient): Promise<Told> {
  const open = new Map<number, { key: string; kind: string }>()
  const ends: Record<string, number> = {}
  let sequence = 0
  for await (const event of client.queryReports({ account: await aliceOf(client) })) {
    equal(event.reportSequence, ++sequence)
    note(event, open, ends)
  }
  const live: Record<string, string[]> = {}
  for (const { key, kind } of open.values()) {
    const kinds = live[key] ?? []
    kinds.push(kind)
    live[key] = kinds
  }
  return { live, ends }
}

function note(event: OrderEvent, open: Map<number, { key: string; kind: string }>, ends: Record<string, number>): void {
  if (event.event === 'accepted') {
    const key = String(event.tags.find(([tag]) => tag === 10_050)?.[2] ?? '')
    open.set(event.orderId, { key, kind: event.timeInForce === TimeInForce.Gtc ? 'GTC' : 'DAY' })
    return
  }
  if (event.status !== OrderStatus.Canceled) return
  equal(open.delete(event.orderId), true, `order ${event.orderId} ended twice`)
  const reason = reasonName(event.reason)
  ends[reason] = (ends[reason] ?? 0) + 1
}

async function aliceOf(client: OesClient): Promise<number> {
  return (await client.findAccount('alice'))!.id
}

/** Asks again until the answer is as it should be. */
async function until(client: OesClient, isRight: (all: Told) => boolean): Promise<Told> {
  const deadline = performance.now() + WAIT_MS_MAX
  while (true) {
    const all = await told(client)
    if (isRight(all) || performance.now() > deadline) return all
    await pause(20)
  }
}

const of = (count: number, kind: string) => Array<string>(count).fill(kind)

test('a killed client loses its day orders after the grace, one that is back in time keeps them, a logout is as chosen', async t => {
  const { folder, settings } = place(t)
  const server = await ServerProcess.start(folder, settings)
  const root = await clientOf(t, server, 'administrator')
  const plain = await clientOf(t, server, 'alice')
  await plain.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))
  const lost = await silentClient(t, words(server, 'lost', { cancelOn: 'both', graceMs: 100 }, 40, 3))
  const back = await silentClient(t, words(server, 'back', { cancelOn: 'loss', graceMs: 600_000 }, 5, 0))
  const stays = await silentClient(t, words(server, 'stays', { cancelOn: 'logout' }, 2, 0))
  const leaves = await silentClient(t, words(server, 'leaves', { cancelOn: 'both', alsoCancel: { gtc: true } }, 2, 2))
  for (const child of [lost, back, stays]) child.kill('SIGKILL')
  leaves.stdin!.write('logout\n')
  await once(leaves, 'exit', { signal: AbortSignal.timeout(WAIT_MS_MAX) })
  equal(leaves.exitCode, 0)
  const returned = await clientOf(t, server, 'alice', { sessionKey: 'back', cancelOn: 'loss', graceMs: 0 })
  const all = await until(root, ({ ends }) => ends.CANCELED_ON_LOSS === 40)
  deepEqual(all, {
    live: { '': ['DAY'], lost: of(3, 'GTC'), back: of(5, 'DAY'), stays: of(2, 'DAY') },
    ends: { CANCELED_ON_LOSS: 40, CANCELED_ON_LOGOUT: 4 },
  })
  await server.logged(/orders are recalled.*CANCELED_ON_LOSS.*\blost\b.*\b40\b/)
  returned.close()
  const left = await until(root, ({ ends }) => ends.CANCELED_ON_LOSS === 45)
  deepEqual(left.live, { '': ['DAY'], lost: of(3, 'GTC'), stays: of(2, 'DAY') })
  deepEqual(await server.stop(), { status: 0, signal: null })
})

test('a server killed within the grace awaits its sessions after the start, and cancels for those that stay away', async t => {
  const { folder, settings } = place(t)
  let server = await ServerProcess.start(folder, settings)
  const choice = { cancelOn: 'loss', graceMs: 3_000 } as const
  const gone = await silentClient(t, words(server, 'gone', choice, 30, 2))
  await silentClient(t, words(server, 'kept', choice, 10, 0))
  gone.kill('SIGKILL')
  await server.kill()
  server = await ServerProcess.start(folder, settings)
  await server.logged(/sessions with orders to cancel are awaited.*\b2\b/)
  const kept = await clientOf(t, server, 'alice', { sessionKey: 'kept', ...choice })
  const root = await clientOf(t, server, 'administrator')
  const right = {
    live: { gone: of(2, 'GTC'), kept: of(10, 'DAY') },
    ends: { CANCELED_ON_LOSS: 30 },
  }
  deepEqual(await until(root, ({ ends }) => ends.CANCELED_ON_LOSS === 30), right)
  // It has fired once and for all: another crash changes nothing but for the session that is lost again.
  await server.kill()
  server = await ServerProcess.start(folder, settings)
  const again = await clientOf(t, server, 'alice', { sessionKey: 'kept', ...choice })
  deepEqual(await told(again), right)
  equal(kept.isLive, false)
  await server.kill()
})

test('killed at any moment around the firing, the server cancels all that has to go and nothing else', async t => {
  const seed = 0x5afe
  t.diagnostic(`seed ${seed}`)
  const random = new Random(seed)
  const { folder, settings } = place(t)
  let server = await ServerProcess.start(folder, settings)
  let [day, gtc, lost] = [0, 0, 0]
  const plain = await clientOf(t, server, 'alice')
  await plain.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))
  for (let round = 0; round < 3; round++) {
    const [more, moreGtc] = [random.whole(200, 900), random.whole(1, 9)]
    const client = await silentClient(
      t,
      words(server, `round-${round % 2}`, { cancelOn: 'loss', graceMs: random.pick([0, 0, 30]) }, more, moreGtc),
    )
    day += more
    gtc += moreGtc
    client.kill('SIGKILL')
    await pause(random.whole(0, 60))
    await server.kill()
    server = await ServerProcess.start(folder, settings)
    // Now and then it is killed again before it has finished what the first crash left.
    if (random.chance(0.5)) {
      await pause(random.whole(0, 30))
      await server.kill()
      server = await ServerProcess.start(folder, settings)
    }
    lost = day
    const root = await clientOf(t, server, 'administrator')
    const { live, ends } = await until(root, all => all.ends.CANCELED_ON_LOSS === lost)
    const kept = Object.entries(live).flatMap(([key, kinds]) => (key === '' ? [] : kinds))
    deepEqual([live[''], kept.sort(), ends], [['DAY'], of(gtc, 'GTC'), { CANCELED_ON_LOSS: lost }])
    root.close()
  }
  deepEqual(await server.stop(), { status: 0, signal: null })
})

test("a dead-man's switch fires over crashes and while the server is down, once, and is kept from it by refreshing", async t => {
  const { folder, settings } = place(t)
  let server = await ServerProcess.start(folder, settings)
  const oes = async (...flags: string[]) => {
    const { status, out, err } = await oesAs('alice', server.port, 'switch', ...flags)
    return status === 0 ? out : err
  }
  let alice = await clientOf(t, server, 'alice')
  for (let i = 0; i < 20; i++) await alice.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))
  await alice.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1, { timeInForce: TimeInForce.Gtc }))
  match(await oes('show'), /^The switch of account \d+ is off\.\n$/)
  match(await oes('refresh'), /^oes: The dead-man's switch of the account is not armed/)
  match(
    await oes('arm', '--timeout', '600000', '--account', 'alice'),
    /^The switch of account alice is armed: it cancels all orders but GTC and GTD unless refreshed within 600000 ms, by 20/,
  )
  await alice.refreshSwitch()
  await server.kill()
  server = await ServerProcess.start(folder, settings)
  alice = await clientOf(t, server, 'alice')
  const { dueAt } = (await alice.switchState()) as { dueAt: number }
  equal(dueAt > Date.now() * 1000 && dueAt <= (Date.now() + 600_000) * 1000, true)
  equal((await told(alice)).live['']!.length, 21)
  // It runs out while no server runs.
  await alice.armSwitch(1_000)
  await server.kill()
  await pause(1_100)
  server = await ServerProcess.start(folder, settings)
  alice = await clientOf(t, server, 'alice')
  deepEqual(await told(alice), { live: { '': ['GTC'] }, ends: { CANCELED_BY_SWITCH: 20 } })
  match(
    await oes('show'),
    /^The switch of account \d+ fired at 20.*; 20 orders were canceled\. Arm it again to use it\.\n$/,
  )
  await alice.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))
  await server.kill()
  server = await ServerProcess.start(folder, settings)
  alice = await clientOf(t, server, 'alice')
  equal((await told(alice)).live['']!.length, 2)
  // And while one runs, for good-till orders too.
  await alice.armSwitch(1_000, { alsoCancel: { gtc: true } })
  const { live, ends } = await until(alice, all => all.live[''] === undefined)
  deepEqual([live, ends], [{}, { CANCELED_BY_SWITCH: 22 }])
  await server.kill()
})

test('a client that floods is refused, can still cancel, and is sent away when it goes on', async t => {
  const limits = { requests_per_second: 50, cancels_per_second: 50, rate_refusals_max: 400 }
  const { folder, settings } = place(t, { limits })
  const server = await ServerProcess.start(folder, settings)
  const causes: string[] = []
  const alice = await clientOf(t, server, 'alice', {
    onState: change => {
      if (change.state === 'closed') causes.push(change.cause?.code ?? '')
    },
  })
  const order = limitOrder(Side.Bid, 'ABX.TSX', 100, 1)
  const outcomes = await Promise.all(Array.from({ length: 300 }, () => alice.submit(order)))
  const accepted = outcomes.flatMap(outcome => (outcome.outcome === 'accepted' ? [outcome.order.orderId] : []))
  const codes = new Set(outcomes.flatMap(outcome => (outcome.outcome === 'refused' ? [outcome.code] : [])))
  deepEqual([accepted.length >= 50, [...codes]], [true, ['RATE_EXCEEDED']])
  deepEqual(await alice.cancel(accepted[0]!), { outcome: 'done' })
  await Promise.all(Array.from({ length: 900 }, () => alice.submit(order)))
  deepEqual(causes, ['FLOODING'])
  await server.logged(/session closed.*\balice\b.*\b924\b/)
  equal((await clientOf(t, server, 'alice')).isLive, true)
  deepEqual(await server.stop(), { status: 0, signal: null })
})

test('words of the switch that make no sense are refused before anything is connected to', async () => {
  for (const words of [['arm'], ['arm', '--timeout', 'soon'], ['hold'], ['refresh', '--timeout', '5000'], []]) {
    equal((await oesAs('alice', 1, 'switch', ...words)).status, 2)
  }
})
