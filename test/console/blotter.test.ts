// The blotter over a real server: it follows what happens, samples where that is too much, and follows again.

import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, limitOrder, type OesClient, Side } from '../../src/client/index.ts'
import { Blotter, type BlotterOptions, type BlotterView } from '../../src/console/blotter.ts'
import { Desk } from '../../src/console/desk.ts'
import type { OrderRow, OrdersMessage } from '../../src/console/messages.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'

const WAIT_MS_MAX = 60_000
const LOOK_EVERY_MS = 20

const folder = temporaryFolder()
let server: ServerProcess
let desk: Desk
let alice: OesClient

before(async () => {
  const port = await freePort()
  const settings = merged(testSettings(folder.path), { platform: { port, market_data: { rate: 0 } } })
  server = await ServerProcess.start(folder.path, settings)
  const host = '127.0.0.1'
  const places = { server: { host, port: server.port }, locator: { host, port }, tls: () => false }
  desk = await Desk.open(places, 'margaret', 'margaret')
  alice = await connect({ port: server.port, username: 'alice', password: 'alice' })
})

after(async () => {
  alice?.close()
  desk?.close()
  await folder.remove()
})

async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as net.AddressInfo // a TCP server has such an address
  probe.close()
  await once(probe, 'close')
  return port
}

/** What a page would know after these messages. */
class Page {
  readonly #view: BlotterView
  readonly rows = new Map<number, OrderRow>()
  last: OrdersMessage | undefined

  constructor(view: BlotterView) {
    this.#view = view
  }

  /** Takes messages until it is so. */
  async until(isSo: (page: Page) => boolean, what: string): Promise<void> {
    const endMs = performance.now() + WAIT_MS_MAX
    while (!isSo(this)) {
      const message = this.#view.take()
      if (message === undefined) await pause(LOOK_EVERY_MS)
      else {
        if (message.isFresh) this.rows.clear()
        for (const row of message.rows) this.rows.set(row.id, row)
        this.last = message
      }
      if (performance.now() > endMs) throw new Error(`the page was never told ${what}`)
    }
  }
}

function opened(options: Partial<BlotterOptions> = {}): { blotter: Blotter; page: Page } {
  const blotter = new Blotter(desk, { serverLoad: () => ({ eventsPerSecond: 0, lagRecords: 0 }), ...options })
  return { blotter, page: new Page(blotter.open()) }
}

const order = limitOrder(Side.Bid, 'ABX.TSX', 100, 1)
const isLive = ({ last }: Page) => last?.mode === 'live'
const isSampled = ({ last }: Page) => last?.mode === 'sampled'

async function submitted(): Promise<number> {
  const outcome = await alice.submit(order, { deadlineMs: WAIT_MS_MAX })
  return outcome.outcome === 'accepted' ? outcome.order.orderId : 0
}

test('what was there is loaded, and what happens follows', async () => {
  const first = await submitted()
  const { blotter, page } = opened()
  await page.until(isLive, 'that it is live')
  deepEqual([...page.rows.keys()], [first])
  const second = await submitted()
  await alice.cancel(first)
  await page.until(({ rows }) => rows.get(first)?.status === 'canceled' && rows.has(second), 'of both orders')
  deepEqual(
    [...page.rows.values()].map(row => [row.accountName, row.side, row.open, row.status, row.isTerminal]),
    [
      ['alice', 'buy', 0, 'canceled', true],
      ['alice', 'buy', 100, 'new', false],
    ],
  )
  blotter.dispose()
})

test('a second page is told everything, and the first only what changes', async () => {
  const { blotter, page } = opened()
  await page.until(isLive, 'that it is live')
  const before = [...page.rows.keys()]
  const other = new Page(blotter.open())
  await other.until(({ rows }) => rows.size === before.length, 'of all orders')
  equal(other.last?.isFresh, true)
  const id = await submitted()
  for (const each of [page, other]) await each.until(({ rows }) => rows.has(id), 'of the new order')
  deepEqual(
    page.last?.rows.map(row => row.id),
    [id],
  )
  blotter.dispose()
})

test('more than the budget is sampled, and followed again when it is over, without a hole', async () => {
  const { blotter, page } = opened({ liveEventsMax: 50 })
  await page.until(isLive, 'that it is live')
  const ids = await Promise.all(Array.from({ length: 150 }, submitted))
  await page.until(isSampled, 'that it is sampled')
  await page.until(isLive, 'that it is live again')
  await page.until(({ rows }) => ids.every(id => rows.has(id)), 'of all orders')
  blotter.dispose()
})

test('while the server is busy nothing is loaded; some of what happens is shown', async () => {
  const load = { eventsPerSecond: 100_000, lagRecords: 0 }
  const { blotter, page } = opened({ serverLoad: () => load })
  await page.until(isSampled, 'that it is sampled')
  equal(page.rows.size, 0)
  const ids = new Set<number>()
  /** Submits until some order more is shown. */
  const shown = async () => {
    const known = page.rows.size
    let isOver = false
    const submitting = (async () => {
      while (!isOver) ids.add(await submitted())
    })()
    await page.until(({ rows }) => rows.size > known, 'of some order')
    isOver = true
    await submitting
    ok([...page.rows.keys()].every(id => ids.has(id)))
  }
  await shown()
  // Not before the stores have what happened.
  Object.assign(load, { eventsPerSecond: 0, lagRecords: 1_000_000 })
  await shown()
  equal(page.last?.mode, 'sampled')
  load.lagRecords = 0
  await page.until(isLive, 'that it is live')
  await page.until(({ rows }) => [...ids].every(id => rows.has(id)), 'of all orders')
  blotter.dispose()
})

test('an account is followed when it is asked for, and one that cannot be is told', async () => {
  const { blotter, page } = opened()
  await page.until(isLive, 'that it is live')
  const names = page.last?.accounts.map(({ name }) => name)
  deepEqual(names, ['alice', 'bob', 'carol', 'frank', 'margaret'])
  blotter.follow({ id: page.last!.accounts[4]!.id, name: 'margaret' })
  deepEqual(
    blotter.state().accounts.map(({ name }) => name),
    names,
  )
  blotter.follow({ id: 1_000_000, name: 'nobody' })
  await page.until(({ last }) => last?.mode === 'live' && last.accounts[0]?.name === 'nobody', 'of the account')
  deepEqual(page.last?.faults, ['nobody: There is no such account.'])
  blotter.dispose()
})
