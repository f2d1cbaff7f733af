// What a risk state demands is seen through whatever happens meanwhile: servers killed before one has heard of the
// other, flattening orders that are turned down, positions that are no whole lots.

import { deepEqual, equal, match } from 'node:assert/strict'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import { limitOrder, marketOrder, OrderStatus, Reason, Side } from '../../src/client/index.ts'
import { MICROS } from '../../src/domain/money.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { builtInWorld } from '../../src/services/platform/built-in-world.ts'
import { TcpProxy } from '../fault/stores/tcp-proxy.ts'
import { parameters, RiskWorld, TICKER } from './risk-world.ts'

/** Whatever is waited for in vain ends the test. */
const BOUNDED = { timeout: 240_000 }

const { Active, CloseOrders, Disabled } = RiskStateType

/** A world whose order execution server is found behind a road that can be cut; alice's client goes round it. */
async function worldBehindRoad(t: TestContext, transitionTimeUs: number) {
  const port = await freePort()
  const road = await TcpProxy.start(port)
  const server = { interface: `127.0.0.1:${port}`, addresses: [`127.0.0.1:${road.port}`] }
  const world = await RiskWorld.open(t, { transitionTimeUs }, builtInWorld, { server })
  t.after(() => road.close())
  return { world, road }
}

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo // a TCP server that listens has such an address
      server.close(() => resolve(port))
    })
  })
}

/** What alice's flattening orders have come to: how many of them, and how much they sold. */
async function flattening(world: RiskWorld): Promise<{ orders: number; sold: number }> {
  let orders = 0
  let sold = 0
  for await (const { accepted, reports } of world.alice.queryOrders({ account: world.account })) {
    if (accepted.submissionAccount === world.account) continue
    orders += 1
    for (const { lastQty } of reports) sold += lastQty
  }
  return { orders, sold }
}

async function held(world: RiskWorld): Promise<number[]> {
  return (await world.alice.positions()).positions.map(({ quantity }) => quantity)
}

test(
  'an order nobody had told of before the server was killed is canceled before an account is flattened',
  BOUNDED,
  async t => {
    const { world, road } = await worldBehindRoad(t, 500_000)
    const risk = await world.startRisk()
    t.after(() => risk.kill())
    deepEqual(await world.ended(await world.submit(marketOrder(Side.Bid, TICKER, 1_000))), [OrderStatus.Filled, 0])
    const known = await world.submit(limitOrder(Side.Ask, TICKER, 300, 40))
    await world.watched(known)
    road.silence()
    const closing = await world.submit(limitOrder(Side.Ask, TICKER, 500, 40))
    const opening = await world.submit(limitOrder(Side.Bid, TICKER, 200, 10))
    await world.killServer()
    road.cut()
    await world.quote(19.5)
    await world.stated(Disabled)
    road.resume()
    await world.restartServer()
    await world.flat()
    for (const orderId of [known, closing, opening]) {
      deepEqual(await world.ended(orderId), [OrderStatus.Canceled, Reason.CanceledOnRequest])
    }
    deepEqual(await held(world), [0])
    deepEqual(await flattening(world), { orders: 1, sold: 1_000 })
    equal(await risk.stop(), 0)
  },
)

test('closing mode cancels an opening order that nobody had told of before the server was killed', BOUNDED, async t => {
  const { world, road } = await worldBehindRoad(t, 3_600_000_000)
  const risk = await world.startRisk()
  t.after(() => risk.kill())
  deepEqual(await world.ended(await world.submit(marketOrder(Side.Bid, TICKER, 1_000))), [OrderStatus.Filled, 0])
  const closing = await world.submit(limitOrder(Side.Ask, TICKER, 300, 40))
  await world.watched(closing)
  road.silence()
  const opening = await world.submit(limitOrder(Side.Bid, TICKER, 200, 10))
  await world.killServer()
  road.cut()
  await world.quote(19.5)
  await world.stated(CloseOrders)
  road.resume()
  await world.restartServer()
  deepEqual(await world.ended(opening), [OrderStatus.Canceled, Reason.CanceledOnRequest])
  deepEqual(
    (await world.alice.load(closing))!.reports.map(({ status }) => status),
    [OrderStatus.New],
  )
})

test('either server killed while an account is flattened leaves it flat, and nothing sold twice', BOUNDED, async t => {
  const world = await RiskWorld.open(t, { transitionTimeUs: 300_000 })
  let risk = await world.startRisk()
  t.after(() => risk.kill())
  for (const [turn, victims] of [['risk'], ['server'], ['server', 'risk'], ['risk', 'server']].entries()) {
    // What is lost by now, and as much again as it takes to break the limit.
    const netLoss = (510 * turn + 400) * MICROS
    await world.administration.storeRiskParameters(world.account, { ...parameters, netLoss, transitionTimeUs: 300_000 })
    await world.quote(20)
    await world.until(Active)
    deepEqual(await world.ended(await world.submit(marketOrder(Side.Bid, TICKER, 1_000))), [OrderStatus.Filled, 0])
    const closing = await world.submit(limitOrder(Side.Ask, TICKER, 500, 40))
    await world.watched(closing)
    await world.quote(19.5)
    await world.stated(Disabled)
    for (const victim of victims) await (victim === 'risk' ? risk.kill() : world.killServer())
    if (victims.includes('server')) await world.restartServer()
    if (victims.includes('risk')) risk = await world.startRisk()
    while ((await held(world))[0] !== 0) await new Promise(setImmediate)
    deepEqual(await world.ended(closing), [OrderStatus.Canceled, Reason.CanceledOnRequest])
    deepEqual((await flattening(world)).sold, 1_000 * (turn + 1))
  }
})

test(
  'a flattening order that is rejected is tried again, ever more slowly, until it gets through',
  BOUNDED,
  async t => {
    const world = await RiskWorld.open(t, { transitionTimeUs: 300_000 })
    const risk = await world.startRisk()
    t.after(() => risk.kill())
    deepEqual(await world.ended(await world.submit(marketOrder(Side.Bid, TICKER, 1_000))), [OrderStatus.Filled, 0])
    const administrator = await world.administrator()
    t.after(() => administrator.close())
    await administrator.halt({ account: world.account })
    await world.quote(19.5)
    await world.until(Disabled)
    const begunMs = performance.now()
    while ((await flattening(world)).orders < 4) await new Promise(resolve => setTimeout(resolve, 20))
    // 100, 200 and 400 milliseconds at least lie between the first four.
    equal(performance.now() - begunMs > 600, true)
    deepEqual(await held(world), [1_000])
    await administrator.lift({ account: world.account })
    await world.flat()
    const { orders, sold } = await flattening(world)
    deepEqual([orders < 8, sold], [true, 1_000])
    match(risk.log, /a flattening order ended before the position did; it is tried again account=\d+ .*retryMs=200/)
  },
)

test(
  'an account that was not flat yet when the risk server was killed is flattened by the next run',
  BOUNDED,
  async t => {
    const world = await RiskWorld.open(t, { transitionTimeUs: 300_000 })
    const first = await world.startRisk()
    t.after(() => first.kill())
    deepEqual(await world.ended(await world.submit(marketOrder(Side.Bid, TICKER, 1_000))), [OrderStatus.Filled, 0])
    const administrator = await world.administrator()
    t.after(() => administrator.close())
    await administrator.halt({ account: world.account })
    await world.quote(19.5)
    await world.until(Disabled)
    while ((await flattening(world)).orders < 1) await new Promise(setImmediate)
    await first.kill()
    await administrator.lift({ account: world.account })
    deepEqual(await held(world), [1_000])
    const second = await world.startRisk()
    t.after(() => second.kill())
    await world.flat()
    deepEqual((await flattening(world)).sold, 1_000)
    while (!second.log.includes('an account is flat')) await new Promise(setImmediate)
    equal(await second.stop(), 0)

    // What is flat stays so: the run after that has nothing to do.
    const third = await world.startRisk()
    t.after(() => third.kill())
    const { orders } = await flattening(world)
    await world.administration.storeRiskParameters(world.account, { ...parameters, netLoss: 2_000 * MICROS })
    await world.until(Active)
    deepEqual((await flattening(world)).orders, orders)
  },
)

test('of a position that is no whole lots the lots are sold, and what remains is told', BOUNDED, async t => {
  const world = await RiskWorld.open(t, { transitionTimeUs: 300_000 })
  const risk = await world.startRisk()
  t.after(() => risk.kill())
  deepEqual(await world.ended(await world.submit(marketOrder(Side.Bid, TICKER, 1_000))), [OrderStatus.Filled, 0])
  const resting = await world.submit(limitOrder(Side.Bid, TICKER, 100, 10))
  const administrator = await world.administrator()
  t.after(() => administrator.close())
  const byHand = { status: OrderStatus.PartiallyFilled, lastQty: 30, lastPx: 20 }
  equal((await administrator.update(resting, byHand, { account: world.account })).outcome, 'done')
  await world.watched(resting)
  await world.quote(19.5)
  await world.until(Disabled)
  while (!risk.log.includes('an account is flat')) await new Promise(setImmediate)
  deepEqual(await held(world), [30])
  // The first was for everything: the server knows the lot.
  deepEqual(await flattening(world), { orders: 2, sold: 1_000 })
  match(
    risk.log,
    /a position smaller than a board lot remains; no order can close it .*ticker=ABX.TSX quantity=30 lot=100/,
  )
  equal(await risk.stop(), 0)
})
