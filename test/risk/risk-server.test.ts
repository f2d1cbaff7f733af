// The risk server as a process of its own, beside a real order execution server with its simulated venue, both on one
// platform whose market the test plays.

import { deepEqual, equal, match } from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { csvLine } from '../../src/cli/commands/risk.ts'
import { limitOrder, marketOrder, OrderStatus, Reason, Side } from '../../src/client/index.ts'
import { MICROS } from '../../src/domain/money.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { RiskClient } from '../../src/risk/risk-client.ts'
import { start } from '../cli/command.ts'
import { OES } from './risk-server-process.ts'
import { CAD, parameters, RiskWorld, TICKER } from './risk-world.ts'

const { Active, CloseOrders, Disabled } = RiskStateType

test('a market that falls drives an account through all states to flat, and back', async t => {
  const world = await RiskWorld.open(t)
  const { alice, account } = world
  const risk = await world.startRisk()
  t.after(() => risk.kill())
  deepEqual(await world.ended(await world.submit(marketOrder(Side.Bid, TICKER, 1_000))), [OrderStatus.Filled, 0])
  const opening = await world.submit(limitOrder(Side.Bid, TICKER, 100, 10))
  const closing = await world.submit(limitOrder(Side.Ask, TICKER, 500, 40))

  // Closing mode: what would open is canceled, what closes stays; a market that comes back ends it.
  await world.quote(19.6)
  await world.until(CloseOrders)
  deepEqual(await world.ended(opening), [OrderStatus.Canceled, Reason.CanceledOnRequest])
  deepEqual(await world.ended(await world.submit(limitOrder(Side.Bid, TICKER, 100, 10))), [
    OrderStatus.Rejected,
    Reason.OnlyClosingOrders,
  ])
  deepEqual(
    (await alice.load(closing))!.reports.map(({ status }) => status),
    [OrderStatus.New],
  )
  await world.quote(20)
  await world.until(Active)
  const second = await world.submit(limitOrder(Side.Bid, TICKER, 100, 10))
  deepEqual(
    (await alice.load(second))!.reports.map(({ status }) => status),
    [OrderStatus.New],
  )

  // More to lose lets it go on, and less time to close when that is lost too.
  await world.quote(19.5)
  await world.until(CloseOrders)
  await world.administration.storeRiskParameters(account, {
    ...parameters,
    netLoss: 1_000 * MICROS,
    transitionTimeUs: 200_000,
  })
  await world.until(Active)

  // It stays down: the account is disabled, everything is canceled, and the position is sold.
  await world.quote(18.9)
  await world.until(Disabled)
  deepEqual(await world.ended(closing), [OrderStatus.Canceled, Reason.CanceledOnRequest])
  await world.flat()
  deepEqual(
    (await alice.positions()).positions.map(({ quantity, gross }) => [quantity, gross]),
    [[0, -1_110]],
  )

  // More to lose once again: it may trade.
  await world.administration.storeRiskParameters(account, { ...parameters, netLoss: 2_000 * MICROS })
  await world.until(Active)
  deepEqual(await world.ended(await world.submit(marketOrder(Side.Bid, TICKER, 100))), [OrderStatus.Filled, 0])
})

test('a transition that a crash interrupted is brought to its end by the next run', async t => {
  const world = await RiskWorld.open(t, { transitionTimeUs: 5_000_000 })
  const { alice, account } = world
  const first = await world.startRisk()
  t.after(() => first.kill())
  deepEqual(await world.ended(await world.submit(marketOrder(Side.Bid, TICKER, 1_000))), [OrderStatus.Filled, 0])
  const closing = await world.submit(limitOrder(Side.Ask, TICKER, 500, 40))
  await world.quote(19.5)
  await world.until(CloseOrders)
  const { expiry } = world.states.state(account)
  await first.kill()
  // The state stays in force while nobody watches.
  deepEqual(await world.ended(await world.submit(limitOrder(Side.Bid, TICKER, 100, 10))), [
    OrderStatus.Rejected,
    Reason.OnlyClosingOrders,
  ])
  const next = await world.startRisk()
  t.after(() => next.kill())
  await world.until(Disabled)
  equal(Date.now() * 1_000 >= expiry, true)
  deepEqual(await world.ended(closing), [OrderStatus.Canceled, Reason.CanceledOnRequest])
  await world.flat()
  deepEqual(
    (await alice.positions()).positions.map(({ quantity }) => quantity),
    [0],
  )
  equal(await next.stop(), 0)
})

test('an account that is disabled while the order execution server is away is flattened when it is back', async t => {
  const world = await RiskWorld.open(t, { transitionTimeUs: 500_000 })
  const risk = await world.startRisk()
  t.after(() => risk.kill())
  deepEqual(await world.ended(await world.submit(marketOrder(Side.Bid, TICKER, 1_000))), [OrderStatus.Filled, 0])
  const closing = await world.submit(limitOrder(Side.Ask, TICKER, 500, 40))
  await world.watched(closing)
  await world.killServer()
  await world.quote(19.5)
  await world.stated(Disabled)
  await world.restartServer()
  deepEqual(await world.ended(closing), [OrderStatus.Canceled, Reason.CanceledOnRequest])
  await world.flat()
  equal(await risk.stop(), 0)
})

test('an account is flattened while the services are away, and its state is told when they are back', async t => {
  const world = await RiskWorld.open(t, { transitionTimeUs: 500_000 })
  const risk = await world.startRisk()
  t.after(() => risk.kill())
  deepEqual(await world.ended(await world.submit(marketOrder(Side.Bid, TICKER, 1_000))), [OrderStatus.Filled, 0])
  await world.quote(19.5)
  await world.until(CloseOrders)
  await world.platform.stop()
  await world.flat()
  await world.platform.start()
  await world.until(Disabled)
  equal(await risk.stop(), 0)
})

test('an account of which the server knows less than the snapshot is disabled, until it is counted anew', async t => {
  const world = await RiskWorld.open(t)
  const first = await world.startRisk()
  t.after(() => first.kill())
  await world.ended(await world.submit(marketOrder(Side.Bid, TICKER, 1_000)))
  await world.quote(19.5)
  await world.until(CloseOrders)
  equal(await first.stop(), 0)
  await world.killServer()
  fs.rmSync(path.join(world.folder, 'data'), { recursive: true })
  await world.restartServer()
  const second = await world.startRisk()
  t.after(() => second.kill())
  await world.until(Disabled)
  equal(await second.stop(), 0)
  match(second.log, /an account cannot be watched and is disabled account=\d+ .*--forget-snapshots/)
  const third = await world.startRisk('--forget-snapshots')
  t.after(() => third.kill())
  await world.until(Active)
})

test('portfolios are shown to whom they concern, reset by administrators, and survive a stop', async t => {
  const world = await RiskWorld.open(t)
  const { account } = world
  const first = await world.startRisk()
  t.after(() => first.kill())
  const mine = await RiskClient.open(await world.platform.login('alice'))
  t.after(() => mine.close())
  const everybodys = await RiskClient.open(await world.platform.login('administrator'))
  t.after(() => everybodys.close())
  const told = new Map<string, number>()
  const { promise: sold, resolve: onSold } = Promise.withResolvers<void>()
  await everybodys.followInventories((of, { ticker, quantity, transactions }) => {
    told.set(`${of} ${ticker}`, quantity)
    if (transactions === 2) onSold()
  })
  await world.ended(await world.submit(marketOrder(Side.Bid, TICKER, 300)))
  await world.ended(await world.submit(marketOrder(Side.Ask, TICKER, 100)))
  await sold
  deepEqual([...told], [[`${account} ${TICKER}`, 200 * MICROS]])
  const held = { ticker: TICKER, currency: CAD, quantity: 200 * MICROS, costBasis: 4_002 * MICROS }
  const portfolio = [
    { inventory: { ...held, gross: -MICROS, fees: 0, volume: 400 * MICROS, transactions: 2 }, unrealized: -2 * MICROS },
  ]
  deepEqual(await mine.loadPortfolio(account), portfolio)
  const [standing, ...others] = await mine.loadAccounts()
  deepEqual([standing!.name, standing!.result, others], ['alice', -3 * MICROS, []])
  await Promise.all(
    [mine.reset(['*']), mine.loadPortfolio(standing!.account + 1)].map(async call => {
      equal(await call.catch(error => error.code), Reason.NotPermitted)
    }),
  )

  // Elsewhere nothing happens; in its scope the results are gone, and what is held stays.
  deepEqual(await everybodys.reset(['ASX']), [])
  deepEqual(await mine.loadPortfolio(account), portfolio)
  deepEqual(await everybodys.reset(['CA']), [])
  const afterReset = [
    { inventory: { ...held, gross: 0, fees: 0, volume: 0, transactions: 0 }, unrealized: -2 * MICROS },
  ]
  deepEqual(await mine.loadPortfolio(account), afterReset)
  equal(await first.stop(), 0)
  const next = await world.startRisk()
  t.after(() => next.kill())
  const again = async (): Promise<unknown> => {
    try {
      return await mine.loadPortfolio(account)
    } catch (error) {
      // It has to be there, and to catch up first.
      const { code } = error as { code: number }
      equal(code === Reason.Busy || code === Reason.ServiceUnavailable || code === Reason.OutcomeUnknown, true)
      await new Promise(setImmediate)
      return again()
    }
  }
  deepEqual(await again(), afterReset)

  const { host, port } = world.platform.address
  const environment = { OES_LOCATOR: `${host}:${port}`, OES_USERNAME: 'margaret', OES_PASSWORD: 'margaret' }
  const exported = start(process.execPath, [OES, 'risk', 'export', 'alice'], environment)
  deepEqual(await exported.finished, {
    status: 0,
    out:
      '"Account","Ticker","Currency","Side","Open Quantity","Cost Basis"\n' +
      '"alice","ABX.TSX","CAD","Long",200,4002\n',
    err: '',
  })
  const refused = start(process.execPath, [OES, 'risk', 'reset', 'TSX'], environment)
  deepEqual(await refused.finished, {
    status: 1,
    out: '',
    err:
      'oes: This session has no permission for the account.\n' +
      '     Accounts are shown to themselves, their managers and administrators, who alone reset.\n',
  })
})

test('who becomes a manager of a group is told what its traders hold, and may not look any more when that ends', async t => {
  const world = await RiskWorld.open(t)
  const risk = await world.startRisk()
  t.after(() => risk.kill())
  const { account } = world
  const directory = await world.platform.login('administrator')
  const childNamed = async (parent: number, name: string) =>
    (await directory.loadChildren(parent)).find(child => child.name === name)!.id
  const groups = await childNamed(0, 'trading_groups')
  const managers = await childNamed(await childNamed(groups, 'north'), 'managers')
  const marcel = (await directory.findAccount('marcel')).id

  const client = await RiskClient.open(await world.platform.login('marcel'))
  t.after(() => client.close())
  const told: unknown[] = []
  const { promise: isTold, resolve: onTold } = Promise.withResolvers<void>()
  await client.followInventories((of, { ticker, quantity }) => {
    told.push([of, ticker, quantity])
    onTold()
  })
  await world.ended(await world.submit(marketOrder(Side.Bid, TICKER, 300)))
  const administrator = await RiskClient.open(directory)
  t.after(() => administrator.close())
  const booked = async (): Promise<void> => {
    const standing = (await administrator.loadAccounts()).find(each => each.account === account)
    if (standing?.result !== -3 * MICROS) return booked()
  }
  await booked()
  deepEqual([told, await client.loadPortfolio(account).catch(error => error.code)], [[], Reason.NotPermitted])
  await directory.associate(managers, marcel)
  await isTold
  deepEqual(told, [[account, TICKER, 300 * MICROS]])
  await directory.detach(managers, marcel)
  const refused = async (): Promise<unknown> => {
    const answer = await client.loadPortfolio(account).catch(error => error.code)
    return Array.isArray(answer) ? refused() : answer
  }
  equal(await refused(), Reason.NotPermitted)
})

test('what is exported quotes everything but amounts', () => {
  equal(
    csvLine(['a "b"', TICKER, 'CAD', 'Long', 200 * MICROS, 4_002_500_000]),
    '"a ""b""","ABX.TSX","CAD","Long",200,4002.5',
  )
})
