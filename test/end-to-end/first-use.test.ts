// A server that follows the tickers it needs, beside a market data service in a process of its own that is slow, or away.

import { deepEqual, ok } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { connect, limitOrder, marketOrder, type OesClient, OrderStatus, Reason, Side } from '../../src/client/index.ts'
import { platformServiceNames } from '../../src/config/platform-schema.ts'
import { MICROS } from '../../src/domain/money.ts'
import { LocatorClient } from '../../src/services/locator/client.ts'
import { MarketEventType } from '../../src/services/market-data/market-event.ts'
import { MarketDataPublisher } from '../../src/services/market-data/publisher.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { PlatformProcess, platformFolder } from '../services/platform-processes.ts'

/** Whatever is waited for in vain ends the test. */
const BOUNDED = { timeout: 240_000 }

const SERVER = 'order_execution_service'

async function staged(t: TestContext, firstUseMs: number) {
  const folder = platformFolder(t)
  const data = temporaryFolder()
  t.after(data.remove)
  const services = platformServiceNames.filter(name => name !== 'market_data')
  const platform = new PlatformProcess(t, folder, 'platform', { services })
  const locatorAddress = await platform.start()
  const settings = { market_data: { feed: 'published' } }
  const market = PlatformProcess.ofService(t, folder, 'market_data', locatorAddress, settings)
  await market.start()
  const locator = await LocatorClient.open({ addresses: [locatorAddress], name: SERVER, password: SERVER })
  t.after(() => locator.close())
  const publisher = await MarketDataPublisher.open(locator)
  t.after(() => publisher.close())
  const serverSettings = merged(testSettings(data.path), {
    service_locator: { address: `${locatorAddress.host}:${locatorAddress.port}`, username: SERVER, password: SERVER },
    market_data: { first_use_ms: firstUseMs },
  })
  const quote = (ticker: string, bid: number) => {
    const [size, ask] = [1_000_000 * MICROS, Math.round((bid + 0.01) * MICROS)]
    const event = { type: MarketEventType.Quote, ticker, bid: bid * MICROS, ask, bidSize: size, askSize: size }
    publisher.publish({ ...event, timestamp: Date.now() * 1_000 })
    return publisher.published()
  }
  const startServer = () => ServerProcess.start(data.path, serverSettings)
  return { market, quote, startServer }
}

async function client(t: TestContext, server: ServerProcess, username: string): Promise<OesClient> {
  const made = await connect({ port: server.port, username, password: username })
  t.after(() => made.close())
  return made
}

/** Submits an order and waits for its end. @returns status, reason and price of its last report */
async function outcome(trader: OesClient, order: Parameters<OesClient['submit']>[0]) {
  const subscription = await trader.subscribe()
  try {
    const submitted = await trader.submit(order, { deadlineMs: 60_000 })
    if (submitted.outcome !== 'accepted') throw new Error(JSON.stringify(submitted))
    for await (const event of subscription) {
      if (event.event !== 'report' || event.orderId !== submitted.order.orderId) continue
      if (event.status === OrderStatus.Filled || event.status === OrderStatus.Rejected) {
        return [event.status, event.reason, event.lastPx]
      }
    }
    throw new Error('the subscription ended')
  } finally {
    subscription.close()
  }
}

test('an order waits for a slow service as long as it may, and nobody else with it', BOUNDED, async t => {
  const { market, quote, startServer } = await staged(t, 2_000)
  const server = await startServer()
  const alice = await client(t, server, 'alice')
  const bob = await client(t, server, 'bob')
  await quote('ABX.TSX', 20)
  await quote('RY.TSX', 100)
  deepEqual(await outcome(bob, marketOrder(Side.Bid, 'ABX.TSX', 100)), [OrderStatus.Filled, 0, 20.01])
  // Nobody quotes it, which the service says at once.
  deepEqual(await outcome(bob, marketOrder(Side.Bid, 'ZZZ.TSX', 100)), [OrderStatus.Rejected, Reason.NoBbo, 0])

  market.signal('SIGSTOP')
  const begunMs = performance.now()
  const ends: string[] = []
  const waiting = Promise.all([
    outcome(alice, marketOrder(Side.Bid, 'RY.TSX', 100)).finally(() => ends.push('RY')),
    outcome(alice, marketOrder(Side.Bid, 'ABX.TSX', 100)).finally(() => ends.push('ABX')),
  ])
  deepEqual(await outcome(bob, marketOrder(Side.Bid, 'ABX.TSX', 100)), [OrderStatus.Filled, 0, 20.01])
  deepEqual(ends, [])
  deepEqual(await waiting, [
    [OrderStatus.Rejected, Reason.NoBbo, 0],
    [OrderStatus.Filled, 0, 20.01],
  ])
  ok(performance.now() - begunMs >= 1_900)
  market.signal('SIGCONT')
  // It has answered late, and the next order finds the market there.
  for (;;) {
    const [status, reason, price] = await outcome(alice, marketOrder(Side.Bid, 'RY.TSX', 100))
    if (reason === Reason.NoBbo) continue
    deepEqual([status, price], [OrderStatus.Filled, 100.01])
    break
  }
})

test('an order waits for a service that comes back, which tells what has changed meanwhile', BOUNDED, async t => {
  const { market, quote, startServer } = await staged(t, 60_000)
  const server = await startServer()
  const alice = await client(t, server, 'alice')
  const bob = await client(t, server, 'bob')
  await quote('ABX.TSX', 20)
  deepEqual(await outcome(alice, marketOrder(Side.Bid, 'ABX.TSX', 100)), [OrderStatus.Filled, 0, 20.01])
  await market.kill()
  const told = server.logged(/a service is there again service=market_data_service/)
  let isWaiting = true
  const waiting = outcome(alice, marketOrder(Side.Bid, 'RY.TSX', 100)).finally(() => {
    isWaiting = false
  })
  // What is known of a ticker holds.
  deepEqual(await outcome(bob, marketOrder(Side.Bid, 'ABX.TSX', 100)), [OrderStatus.Filled, 0, 20.01])
  deepEqual(isWaiting, true)
  void quote('ABX.TSX', 21)
  void quote('RY.TSX', 100)
  await market.start()
  await told
  for (;;) {
    const [, , price] = await outcome(bob, marketOrder(Side.Bid, 'ABX.TSX', 100))
    if (price === 21.01) break
  }
  // A service that has just begun may say that nobody quotes the ticker before its feed is back.
  const filled = [OrderStatus.Filled, 0, 100.01]
  const answered = await waiting
  deepEqual(answered, answered[1] === Reason.NoBbo ? [OrderStatus.Rejected, Reason.NoBbo, 0] : filled)
  for (;;) {
    const next = await outcome(alice, marketOrder(Side.Bid, 'RY.TSX', 100))
    if (next[1] === Reason.NoBbo) continue
    deepEqual(next, filled)
    break
  }
})

test(
  'after a restart the market of what is held and ordered is there, though no order has asked for it',
  BOUNDED,
  async t => {
    const { quote, startServer } = await staged(t, 60_000)
    const first = await startServer()
    const alice = await client(t, first, 'alice')
    await quote('ABX.TSX', 20)
    await quote('RY.TSX', 100)
    deepEqual(await outcome(alice, marketOrder(Side.Bid, 'ABX.TSX', 100)), [OrderStatus.Filled, 0, 20.01])
    const submitted = await alice.submit(limitOrder(Side.Bid, 'RY.TSX', 100, 99))
    if (submitted.outcome !== 'accepted') throw new Error(JSON.stringify(submitted))
    const { orderId } = submitted.order
    await first.kill()
    const second = await startServer()
    const again = await client(t, second, 'alice')
    const { tracker, subscription } = await again.track()
    deepEqual(
      [...tracker.live()].map(order => order.accepted.orderId),
      [orderId],
    )
    await quote('RY.TSX', 98.5)
    for await (const event of subscription) {
      if (event.event === 'report' && event.orderId === orderId && event.status === OrderStatus.Filled) break
    }
  },
)
