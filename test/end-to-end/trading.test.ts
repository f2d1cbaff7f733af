// The whole surface of the client against the real server: orders of every kind, cancels, updates and trades by hand,
// queries, subscriptions, permissions. The market stands still, so that what an order does is known beforehand.

import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type CommandOutcome,
  connect,
  limitOrder,
  marketOrder,
  type NewOrder,
  type OesClient,
  type OrderEvent,
  OrderStatus,
  OrderTracker,
  OrderType,
  Reason,
  Side,
  TagKey,
  TagType,
  TimeInForce,
} from '../../src/client/index.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'

const TICKER = 'ABX.TSX'
/** Far below and above where ABX trades. */
const LOW = 10
const HIGH = 40

const folder = temporaryFolder()
let server: ServerProcess
const clients = new Map<string, OesClient>()

before(async () => {
  const settings = merged(testSettings(folder.path), { platform: { market_data: { rate: 0 } } })
  server = await ServerProcess.start(folder.path, settings)
})

after(async () => {
  for (const client of clients.values()) client.close()
  await folder.remove()
})

/** The client of an account, connected once. */
async function clientOf(username: string): Promise<OesClient> {
  let client = clients.get(username)
  if (client === undefined) {
    client = await connect({ port: server.port, username, password: username })
    clients.set(username, client)
  }
  return client
}

/** Submits an order that has to be acknowledged. */
async function accepted(client: OesClient, order: NewOrder) {
  const outcome = await client.submit(order)
  if (outcome.outcome !== 'accepted') throw new Error(JSON.stringify(outcome))
  return outcome.order
}

/** The statuses of an order's reports, each with its reason if it has one. */
async function told(client: OesClient, orderId: number): Promise<(OrderStatus | [OrderStatus, number])[]> {
  const record = await client.load(orderId)
  return record!.reports.map(({ status, reason }) => (reason === 0 ? status : [status, reason]))
}

function refusalOf(outcome: CommandOutcome): number | string {
  return outcome.outcome === 'refused' ? outcome.reason : outcome.outcome
}

const { New, Filled, Canceled, PendingCancel, Rejected, PartiallyFilled, Expired, Suspended } = OrderStatus

test('orders of every type and time in force do what they say', async () => {
  const alice = await clientOf('alice')
  const peg = (mark: string): NewOrder => ({
    ticker: TICKER,
    side: Side.Bid,
    type: OrderType.Pegged,
    quantity: 100,
    timeInForce: TimeInForce.Gtc,
    tags: [[TagKey.ExecInst, TagType.Text, mark]],
  })
  const limit = (price: number, timeInForce: TimeInForce, expiry = 0) =>
    limitOrder(Side.Bid, TICKER, 100, price, { timeInForce, expiry })
  const tomorrow = (Date.now() + 86_400_000) * 1_000
  const cases: [string, NewOrder, unknown[]][] = [
    ['a market order', marketOrder(Side.Bid, TICKER, 100), [New, Filled]],
    ['a market order to sell', marketOrder(Side.Ask, TICKER, 200), [New, Filled]],
    ['a limit order that rests', limit(LOW, TimeInForce.Day), [New]],
    ['a limit order that trades', limit(HIGH, TimeInForce.Gtc), [New, Filled]],
    ['immediate or cancel, away', limit(LOW, TimeInForce.Ioc), [New, [Canceled, Reason.NotFilledAtOnce]]],
    ['immediate or cancel, at the market', limit(HIGH, TimeInForce.Ioc), [New, Filled]],
    ['fill or kill, away', limit(LOW, TimeInForce.Fok), [New, [Canceled, Reason.NotFilledAtOnce]]],
    ['fill or kill, at the market', limit(HIGH, TimeInForce.Fok), [New, Filled]],
    ['post only, away', limit(LOW, TimeInForce.Gtx), [New]],
    ['post only, at the market', limit(HIGH, TimeInForce.Gtx), [[Rejected, Reason.WouldTrade]]],
    ['at the opening', limit(HIGH, TimeInForce.Opg), [New]],
    ['on the close', limit(HIGH, TimeInForce.Moc), [New]],
    ['good till tomorrow', limit(LOW, TimeInForce.Gtd, tomorrow), [New]],
    ['good till yesterday', limit(LOW, TimeInForce.Gtd, 1), [[Rejected, Reason.InvalidExpiry]]],
    ['a stop', { ...limit(HIGH, TimeInForce.Gtc), type: OrderType.Stop }, [New]],
    ['pegged to its own side', peg('R'), [New]],
    ['pegged to the other side', peg('P'), [New, Filled]],
    ['pegged to the middle', peg('M'), [New]],
    ['an odd lot', limitOrder(Side.Bid, TICKER, 150, LOW), [[Rejected, Reason.BoardLot]]],
    ['too dear', limitOrder(Side.Bid, TICKER, 10_000_000, 20), [[Rejected, Reason.ExceedsBuyingPower]]],
  ]
  const results = []
  for (const [what, order] of cases) {
    const { orderId } = await accepted(alice, order)
    results.push([what, await told(alice, orderId)])
  }
  deepEqual(
    results,
    cases.map(([what, , statuses]) => [what, statuses]),
  )
})

test('an order is replaced through its chain of client order ids, and everybody sees its present terms', async () => {
  const alice = await clientOf('alice')
  const order = await accepted(alice, limitOrder(Side.Bid, TICKER, 100, LOW, { clOrdId: 'chain-1' }))
  const { orderId, reportSequence } = order
  const { tracker, subscription } = await alice.track()
  const before = (await alice.positions()).usedBuyingPower

  const first = await alice.replace(orderId, { quantity: 300, price: LOW, clOrdId: 'chain-2', origClOrdId: 'chain-1' })
  equal(first.outcome, 'pending')
  const again = await alice.replace(orderId, { quantity: 300, price: LOW, clOrdId: 'chain-2', origClOrdId: 'chain-1' })
  deepEqual(again, first)
  const refusals = [
    await alice.replace(orderId, { quantity: 400, price: LOW, clOrdId: 'chain-2' }),
    await alice.replace(orderId, { quantity: 400, price: LOW, clOrdId: 'chain-3', origClOrdId: 'chain-1' }),
    await alice.replace(orderId + 1_000_000, { quantity: 400, price: LOW }),
    await (await clientOf('bob')).replace(orderId, { quantity: 400, price: LOW }, { account: order.account }),
  ].map(outcome => (outcome.outcome === 'refused' ? outcome.reason : outcome.outcome))
  deepEqual(refusals, [Reason.ClOrdIdReused, Reason.SupersededClOrdId, Reason.UnknownOrder, Reason.NotPermitted])
  const tooDear = await alice.replace(orderId, { quantity: 10_000_000, price: 20 })
  equal(tooDear.outcome === 'rejected' && tooDear.report.reason, Reason.ExceedsBuyingPower)
  equal((await alice.positions()).usedBuyingPower - before, 200 * LOW)

  for await (const event of subscription) {
    tracker.apply(event as OrderEvent)
    if (event.event === 'report' && event.status === OrderStatus.ReplaceReject) break
  }
  const { status, quantity, leavesQty, clOrdId } = tracker.get(orderId)!
  deepEqual([status, quantity, leavesQty, clOrdId], [New, 300, 300, 'chain-2'])
  const record = (await alice.load(orderId))!
  deepEqual(new OrderTracker().load(record).quantity, 300)
  const reports = []
  for await (const event of alice.queryReports({ start: reportSequence })) {
    if (event.orderId === orderId && event.event === 'report') reports.push(event)
  }
  deepEqual(reports, record.reports)

  const last = await alice.replace(orderId, { quantity: 200, price: HIGH, origClOrdId: 'chain-2' })
  equal(last.outcome, 'pending')
  const { PendingReplace, Replaced, ReplaceReject } = OrderStatus
  deepEqual(await told(alice, orderId), [
    New,
    PendingReplace,
    Replaced,
    [ReplaceReject, Reason.ExceedsBuyingPower],
    PendingReplace,
    Replaced,
    Filled,
  ])
  const ended = await alice.replace(orderId, { quantity: 100, price: LOW })
  equal(ended.outcome === 'refused' && ended.reason, Reason.OrderTerminal)
})

test('an order good till a time expires at that time', async () => {
  const bob = await clientOf('bob')
  const subscription = await bob.subscribe()
  const expiry = (Date.now() + 200) * 1_000
  const { orderId } = await accepted(
    bob,
    limitOrder(Side.Bid, TICKER, 100, LOW, { timeInForce: TimeInForce.Gtd, expiry }),
  )
  for await (const event of subscription) {
    if (event.event !== 'report' || event.orderId !== orderId || event.status === New) continue
    deepEqual([event.status, event.reason], [Expired, Reason.Expired])
    ok(event.timestamp >= expiry, 'it lived until then')
    break
  }
})

test('who may only reduce positions cannot open any, and an order of nothing to spend is rejected', async () => {
  const frank = await clientOf('frank')
  const erin = await clientOf('erin')
  const opening = await accepted(frank, limitOrder(Side.Bid, TICKER, 100, LOW))
  deepEqual(await told(frank, opening.orderId), [[Rejected, Reason.OnlyClosingOrders]])
  const dear = await accepted(erin, limitOrder(Side.Bid, TICKER, 100, LOW + 1))
  deepEqual(await told(erin, dear.orderId), [[Rejected, Reason.ExceedsBuyingPower]])
  const exact = await accepted(erin, limitOrder(Side.Bid, TICKER, 100, LOW))
  deepEqual(await told(erin, exact.orderId), [New])
  equal((await erin.positions()).usedBuyingPower, 1_000)
  deepEqual(await erin.cancel(exact.orderId), { outcome: 'done' })
  equal((await erin.positions()).usedBuyingPower, 0)
})

test('a cancel is answered, takes what is left, and is refused where there is nothing to cancel', async () => {
  const dave = await clientOf('dave')
  const alice = await clientOf('alice')
  const { orderId } = await accepted(dave, limitOrder(Side.Bid, TICKER, 300, LOW))
  equal(refusalOf(await alice.cancel(orderId)), Reason.UnknownOrder)
  equal(refusalOf(await alice.cancel(orderId, { account: dave.session.account })), Reason.NotPermitted)
  deepEqual(await dave.cancel(orderId), { outcome: 'done' })
  equal(refusalOf(await dave.cancel(orderId)), Reason.OrderTerminal)
  equal(refusalOf(await dave.cancel(123_456_789)), Reason.UnknownOrder)
  deepEqual(await told(dave, orderId), [New, PendingCancel, [Canceled, Reason.CanceledOnRequest]])
})

test('an administrator reports by hand, in legal steps only, and is named', async () => {
  const administrator = await clientOf('administrator')
  const dave = await clientOf('dave')
  const account = dave.session.account
  const { orderId } = await accepted(dave, limitOrder(Side.Bid, TICKER, 300, LOW))
  const update = (status: OrderStatus, lastQty = 0, lastPx = 0) =>
    administrator.update(orderId, { status, lastQty, lastPx, text: 'by hand', commission: '0.25' }, { account })
  equal(
    refusalOf(await dave.update(orderId, { status: PartiallyFilled, lastQty: 100, lastPx: 9 })),
    Reason.NotPermitted,
  )
  deepEqual(await update(Suspended), { outcome: 'done' })
  deepEqual(await update(New), { outcome: 'done' })
  equal(refusalOf(await update(OrderStatus.PendingNew)), Reason.IllegalUpdate)
  equal(refusalOf(await update(PartiallyFilled, 300, 9)), Reason.IllegalUpdate)
  equal(refusalOf(await update(Filled, 100, 9)), Reason.IllegalUpdate)
  equal(refusalOf(await update(Canceled, 100, 9)), Reason.IllegalUpdate)
  deepEqual(await update(PartiallyFilled, 100, 9), { outcome: 'done' })
  deepEqual(await update(Filled, 250, 9.5), { outcome: 'done' })
  equal(refusalOf(await update(Canceled)), Reason.OrderTerminal)
  const { reports } = (await dave.load(orderId))!
  deepEqual(
    reports.map(report => [
      report.status,
      report.lastQty,
      report.cumQty,
      report.leavesQty,
      report.operator,
      report.text,
    ]),
    [
      [New, 0, 0, 300, 0, ''],
      [Suspended, 0, 0, 300, administrator.session.account, 'by hand'],
      [New, 0, 0, 300, administrator.session.account, 'by hand'],
      [PartiallyFilled, 100, 100, 200, administrator.session.account, 'by hand'],
      [Filled, 250, 350, 0, administrator.session.account, 'by hand'],
    ],
  )
  const position = (await dave.positions()).positions.find(({ ticker }) => ticker === TICKER)!
  // Fees count with fills.
  deepEqual([position.quantity, position.costBasis, position.fees, position.pendingBuy], [350, 3_275, 0.5, 0])
})

test('trades made elsewhere are booked by an administrator, and by nobody else', async () => {
  const administrator = await clientOf('administrator')
  const bob = await clientOf('bob')
  const account = bob.session.account
  const byHand = limitOrder(Side.Ask, TICKER, 55, 25.5, { destination: 'MOE' })
  const own = await accepted(bob, byHand)
  deepEqual(await told(bob, own.orderId), [[Rejected, Reason.ManualOrderNotPermitted]])
  const booked = await accepted(administrator, { ...byHand, account })
  equal(booked.submissionAccount, administrator.session.account)
  const { reports } = (await bob.load(booked.orderId))!
  deepEqual(
    reports.map(({ status, lastQty, lastPx, lastMarket }) => [status, lastQty, lastPx, lastMarket]),
    [
      [New, 0, 0, ''],
      [Filled, 55, 25.5, 'MOE'],
    ],
  )
})

test('queries answer ranges, limits and filters', async () => {
  const carol = await clientOf('carol')
  const tickers = ['ABX.TSX', 'RY.TSX', 'ABX.TSX', 'K.TSX', 'ABX.TSX', 'RY.TSX']
  const orders = []
  for (const ticker of tickers) orders.push(await accepted(carol, limitOrder(Side.Bid, ticker, 100, 5)))
  await carol.cancel(orders[1].orderId)
  await carol.cancel(orders[4].orderId)
  const ids = orders.map(({ orderId }) => orderId)
  const found = async (query: Parameters<OesClient['queryOrders']>[0]) => {
    const all: number[] = []
    for await (const { accepted: order } of carol.queryOrders(query)) all.push(ids.indexOf(order.orderId))
    return all
  }
  deepEqual(await found({}), [0, 1, 2, 3, 4, 5])
  deepEqual(await found({ start: 2, end: 4 }), [1, 2, 3])
  deepEqual(await found({ pageRowsMax: 2 }), [0, 1, 2, 3, 4, 5])
  deepEqual(await found({ limit: { head: 2 } }), [0, 1])
  deepEqual(await found({ limit: { tail: 2 } }), [4, 5])
  deepEqual(await found({ start: { timestamp: orders[3].timestamp } }), [3, 4, 5])
  deepEqual(await found({ end: { timestamp: orders[0].timestamp - 1 } }), [])
  deepEqual(await found({ filter: ['=', 'is_live', true] }), [0, 2, 3, 5])
  deepEqual(await found({ filter: ['=', 'symbol', 'RY'] }), [1, 5])
  deepEqual(await found({ filter: ['and', ['=', 'symbol', 'ABX'], ['not', ['=', 'is_live', true]]] }), [4])
  deepEqual(await found({ filter: ['or', ['=', 'symbol', 'K'], ['=', 'order_id', ids[0]]] }), [0, 3])
  deepEqual(await found({ filter: ['=', 'venue', 'XNYS'] }), [])
  deepEqual(await found({ account: carol.session.account, filter: ['>', 'order_id', ids[3]] }), [4, 5])

  const sequences = async (query: Parameters<OesClient['queryReports']>[0]) => {
    const all: number[] = []
    for await (const { reportSequence } of carol.queryReports(query)) all.push(reportSequence)
    return all
  }
  deepEqual(
    await sequences({}),
    Array.from({ length: 16 }, (_, index) => index + 1),
  )
  deepEqual(await sequences({ start: 5, end: 7 }), [5, 6, 7])
  deepEqual(await sequences({ limit: { tail: 3 } }), [14, 15, 16])

  const { tracker, subscription } = await carol.track()
  deepEqual([...tracker.live()].map(({ accepted: order }) => ids.indexOf(order.orderId)).sort(), [0, 2, 3, 5])
  subscription.close()
})

test('the same order under the same client order id is one order, another one is refused', async () => {
  const bob = await clientOf('bob')
  const order = { ...limitOrder(Side.Bid, TICKER, 100, LOW), clOrdId: 'once' }
  const first = await accepted(bob, order)
  deepEqual(await accepted(bob, order), first)
  const other = await bob.submit({ ...order, quantity: 200 })
  deepEqual(other.outcome === 'refused' && [other.reason, other.params], [Reason.ClOrdIdReused, [first.orderId]])
  await bob.cancel(first.orderId)
  deepEqual(await accepted(bob, order), first)
  const others = await accepted(await clientOf('dave'), order)
  ok(others.orderId !== first.orderId, 'ids are per account')
})

test('a manager follows a group, and goes on from where another connection stopped', async () => {
  const margaret = await clientOf('margaret')
  const [alice, bob] = [await clientOf('alice'), await clientOf('bob')]
  const north = (await margaret.findGroup('north'))!
  const subscription = await margaret.subscribe({ group: north.id })
  const taken: OrderEvent[] = []
  const take = async (from: AsyncIterable<unknown>, count: number) => {
    for await (const event of from) {
      taken.push(event as OrderEvent) // nobody joins or leaves here
      if (taken.length === count) break
    }
  }
  const one = await accepted(alice, limitOrder(Side.Bid, TICKER, 100, LOW))
  const two = await accepted(bob, limitOrder(Side.Bid, TICKER, 100, LOW))
  await take(subscription, 4)
  const { positions } = subscription
  await alice.cancel(one.orderId)
  await bob.cancel(two.orderId)
  await take(await margaret.subscribe({ group: north.id, positions }), 8)
  const tracker = new OrderTracker()
  for (const event of taken) tracker.apply(event)
  deepEqual([tracker.get(one.orderId)?.status, tracker.get(two.orderId)?.status, taken.length], [Canceled, Canceled, 8])
})

test('each session sees and trades what it may, and nothing else', async () => {
  const everybody = ['alice', 'bob', 'dave', 'frank', 'margaret', 'marcel', 'administrator']
  const may: Record<string, string[]> = {
    alice: ['alice'],
    dave: ['dave'],
    margaret: ['alice', 'bob', 'frank', 'margaret'],
    marcel: ['dave', 'frank', 'marcel'],
    administrator: everybody,
  }
  const refused = async (call: Promise<unknown>): Promise<boolean> => {
    try {
      await call
      return false
    } catch (error) {
      equal((error as { reason: number }).reason, Reason.NotPermitted)
      return true
    }
  }
  const drain = async (rows: AsyncIterable<unknown>) => {
    for await (const _ of rows);
  }
  for (const [who, whom] of Object.entries(may)) {
    const client = await clientOf(who)
    const seen: string[] = []
    for (const other of everybody) {
      const account = (await client.findAccount(other))!.id
      const outcome = await client.submit({ ...limitOrder(Side.Bid, TICKER, 150, LOW), account })
      const refusals = [
        await refused(client.positions(account)),
        await refused(drain(client.queryOrders({ account }))),
        await refused(drain(client.queryReports({ account }))),
        await refused(client.subscribe({ account }).then(subscription => subscription.close())),
        refusalOf(await client.cancel(987_654_321, { account })) === Reason.NotPermitted,
        outcome.outcome === 'refused' && outcome.reason === Reason.NotPermitted,
      ]
      equal(new Set(refusals).size, 1, `${who} may do some things with ${other} and others not: ${refusals}`)
      if (!refusals[0]) seen.push(other)
    }
    deepEqual([who, seen], [who, whom])
    const listed: string[] = []
    for await (const { name } of client.accounts()) listed.push(name)
    ok(whom.every(name => listed.includes(name)))
    if (who !== 'administrator') ok(everybody.every(name => whom.includes(name) || !listed.includes(name)))
  }
})
