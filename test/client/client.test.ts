import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../src/client/client.ts'
import { OesError } from '../../src/client/client-error.ts'
import { limitOrder, marketOrder } from '../../src/client/orders.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { Side } from '../../src/domain/side.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { encodeFrame } from '../../src/protocol/frames.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { pack } from '../../src/protocol/msgpack.ts'
import { ManualTimers } from './manual-timers.ts'
import { accepted, replaceReport, ScriptedServer } from './scripted-server.ts'
import { setStage, startServer } from './stage.ts'

const order = limitOrder(Side.Bid, 'ABX.TSX', 100, '25.37')

test('a login tells name, password and version, and its answer is the session', async context => {
  const server = await startServer(context)
  const connecting = connect({ port: server.port, username: 'ada', password: 'secret' })
  const peer = await server.accept()
  deepEqual(await peer.login(), [Kind.Login, 1, 0, 'ada', 'secret', 1])
  using client = await connecting
  deepEqual(client.session, {
    account: 7,
    version: 1,
    durability: 'fsync',
    heartbeatMs: 1_000,
    server: 'oes test',
    isAdministrator: false,
    inFlightMax: 100,
    frameBytesMax: 65_536,
  })
})

test('a refused login rejects with the reason of the server', async context => {
  const server = await startServer(context)
  const connecting = connect({ port: server.port, username: 'ada', password: 'wrong' })
  const peer = await server.accept()
  const [, requestId] = await peer.receive()
  peer.send([Kind.Refused, requestId, 0, Reason.LoginFailed, [], ''])
  await rejects(connecting, { code: 'LOGIN_FAILED', reason: 200, message: 'Unknown account or wrong password.' })
})

test('a server that closes before the login tells why', async context => {
  const server = await startServer(context)
  const connecting = connect({ port: server.port, username: 'ada', password: 'secret' })
  const peer = await server.accept()
  peer.send([Kind.Closing, 0, 0, Reason.TooManyConnections, [5], ''])
  await rejects(connecting, {
    code: 'TOO_MANY_CONNECTIONS',
    params: [5],
    message: 'The limit of 5 connections is reached.',
  })
})

test('a port nobody listens on fails the connection, with the cause', async () => {
  const server = await ScriptedServer.start()
  const { port } = server
  await server.stop()
  await rejects(connect({ port, username: 'ada', password: 'secret' }), (error: OesError) => {
    equal(error.code, 'CONNECTION_FAILED')
    match(error.message, new RegExp(`No connection to 127.0.0.1:${port}: .*ECONNREFUSED`))
    ok(error.cause instanceof Error)
    return true
  })
})

test('a login without an answer fails at its deadline', async context => {
  const server = await startServer(context)
  const timers = new ManualTimers()
  const connecting = connect({ port: server.port, username: 'a', password: 'b', connectDeadlineMs: 400, timers })
  const peer = await server.accept()
  await peer.receive()
  timers.advance(400)
  await rejects(connecting, { code: 'CONNECTION_FAILED', params: ['127.0.0.1', server.port] })
})

test('an accepted order comes back with its sequences', async context => {
  const { client, peer } = await setStage(context)
  const submitting = client.submit({ ...order, clOrdId: 'mine', tags: [[18, 5, 'M']] })
  deepEqual(await peer.receive(), [
    Kind.Submit, 1, 7, 'ABX.TSX', 1, 1, 100, 25.37, TimeInForce.Day, '', 0, 'mine', 0, [[18, 5, 'M']],
  ]) // biome-ignore format: one line shows the message
  peer.send(accepted({ requestId: 1, reportSequence: 41, orderId: 900, orderSequence: 12, clOrdId: 'mine' }))
  deepEqual(await submitting, {
    outcome: 'accepted',
    order: {
      event: 'accepted',
      account: 7,
      reportSequence: 41,
      orderId: 900,
      orderSequence: 12,
      timestamp: 1_700_000_000_000_000,
      submissionAccount: 7,
      ticker: 'ABX.TSX',
      currency: 124,
      type: 1,
      side: 1,
      destination: 'TSX',
      quantity: 100,
      price: 25.37,
      timeInForce: 0,
      expiry: 0,
      clOrdId: 'mine',
      tags: [],
      shortFlag: false,
      holdPrice: 25.37,
    },
  })
})

test('an order without a client order id gets one of its own', async context => {
  const { client, peer } = await setStage(context)
  const submitting = [client.submit(order), client.submit(order)]
  const ids = [await peer.receive(), await peer.receive()].map(message => message[11] as string)
  ok(ids[0] !== ids[1])
  for (const id of ids) ok(Buffer.byteLength(id) >= 16 && Buffer.byteLength(id) <= 36)
  peer.send(accepted({ requestId: 2, reportSequence: 2 }), accepted({ requestId: 1, reportSequence: 1 }))
  const outcomes = await Promise.all(submitting)
  deepEqual(
    outcomes.map(outcome => outcome.outcome === 'accepted' && outcome.order.reportSequence),
    [1, 2],
  )
})

test('an amount that would have to be rounded is refused before anything is sent', async context => {
  const { client, peer } = await setStage(context)
  for (const quantity of [Number.NaN, Number.POSITIVE_INFINITY, 1e-7, '0.1234567', 'ten', '', 2 ** 53]) {
    await rejects(async () => client.submit(marketOrder(Side.Ask, 'ABX.TSX', quantity)), { code: 'INVALID_ARGUMENT' })
  }
  void client.cancel(5)
  deepEqual((await peer.receive())[0], Kind.Cancel)
})

test('a message longer than the server takes is refused before anything is sent', async context => {
  const { client } = await setStage(context, { frameBytesMax: 128 })
  await rejects(client.submit({ ...order, destination: 'x'.repeat(200) }), { code: 'INVALID_ARGUMENT' })
})

test('a refusal carries code, number, parameters and text', async context => {
  const { client, peer } = await setStage(context)
  const submitting = client.submit({ ...order, clOrdId: 'mine' })
  await peer.receive()
  peer.send([Kind.Refused, 1, 7, Reason.BoardLot, [100], ''])
  deepEqual(await submitting, {
    outcome: 'refused',
    code: 'BOARD_LOT',
    reason: 300,
    params: [100],
    text: 'The quantity has to be a multiple of 100.',
    order: { ...order, account: 7, clOrdId: 'mine' },
  })
})

test('a reason this version does not know keeps its number and the text of the server', async context => {
  const { client, peer } = await setStage(context)
  const canceling = client.cancel(5)
  await peer.receive()
  peer.send([Kind.Refused, 1, 7, 777, ['x'], 'Something new.'])
  deepEqual(await canceling, {
    outcome: 'refused',
    code: 'REASON_777',
    reason: 777,
    params: ['x'],
    text: 'Something new.',
  })
})

test('a passed deadline makes the outcome unknown, and settling it sends the very same order', async context => {
  const { client, peer, timers } = await setStage(context)
  const submitting = client.submit(order, { deadlineMs: 250 })
  const first = await peer.receive()
  timers.advance(250)
  const unknown = await submitting
  equal(unknown.outcome, 'unknown')
  if (unknown.outcome !== 'unknown') return
  equal(unknown.cause.code, 'DEADLINE_PASSED')
  const settling = client.settle(unknown)
  const second = await peer.receive()
  deepEqual([...second.slice(0, 1), ...second.slice(2)], [...first.slice(0, 1), ...first.slice(2)])
  peer.send(accepted({ requestId: 1, reportSequence: 5 })) // too late: nobody waits for it
  peer.send(accepted({ requestId: 2, reportSequence: 5 }))
  const settled = await settling
  equal(settled.outcome === 'accepted' && settled.order.reportSequence, 5)
})

test('a lost connection makes the outcome unknown, and settling waits for the next one', async context => {
  const { client, peer, server, timers, nextState } = await setStage(context)
  const submitting = client.submit(order)
  await peer.receive()
  peer.destroy()
  const unknown = await submitting
  equal(unknown.outcome === 'unknown' && unknown.cause.code, 'CONNECTION_LOST')
  equal((await nextState()).state, 'lost')
  await rejects(client.submit(order), { code: 'NOT_CONNECTED' })
  const settling = unknown.outcome === 'unknown' ? client.settle(unknown) : undefined
  timers.advance(100)
  const next = await server.login()
  const [, requestId, , , , , , , , , , clOrdId] = await next.receive()
  equal(clOrdId, unknown.outcome === 'unknown' && unknown.order.clOrdId)
  next.send(accepted({ requestId: requestId as number, reportSequence: 1 }))
  equal((await settling)?.outcome, 'accepted')
})

test('an order that may be repeated is sent again after a reconnect, under the same id', async context => {
  const { client, peer, server, timers, nextState } = await setStage(context)
  const submitting = client.submit(order, { repeat: true })
  const first = await peer.receive()
  peer.destroy()
  await nextState()
  timers.advance(100)
  const next = await server.login()
  const second = await next.receive()
  deepEqual(second.slice(2), first.slice(2))
  next.send(accepted({ requestId: second[1] as number, reportSequence: 3 }))
  equal((await submitting).outcome, 'accepted')
})

test('only a refusal that follows from the order itself settles an earlier sending', async context => {
  const { client, peer, timers } = await setStage(context)
  const outcomes: string[] = []
  for (const reason of [
    Reason.Busy,
    Reason.NotPermitted,
    Reason.InvalidExpiry,
    Reason.InvalidSide,
    Reason.ClOrdIdReused,
  ]) {
    const submitting = client.submit(order, { deadlineMs: 10 })
    await peer.receive()
    timers.advance(10)
    const unknown = await submitting
    if (unknown.outcome !== 'unknown') throw new Error('the deadline has passed')
    const settling = client.settle(unknown)
    const [, requestId] = await peer.receive()
    peer.send([Kind.Refused, requestId, 7, reason, [], ''])
    const settled = await settling
    outcomes.push(settled.outcome === 'unknown' ? `unknown: ${settled.cause.code}` : settled.outcome)
  }
  deepEqual(outcomes, ['unknown: BUSY', 'unknown: NOT_PERMITTED', 'unknown: INVALID_EXPIRY', 'refused', 'refused'])
})

test('no more requests are in flight than the server allows; the others wait for their turn', async context => {
  const { client, peer } = await setStage(context, { inFlightMax: 2 })
  const calls = [client.cancel(1), client.cancel(2), client.cancel(3)]
  deepEqual(
    [await peer.receive(), await peer.receive()],
    [
      [Kind.Cancel, 1, 7, 1],
      [Kind.Cancel, 2, 7, 2],
    ],
  )
  equal(peer.unread, 0)
  peer.send([Kind.Done, 2, 7])
  deepEqual(await peer.receive(), [Kind.Cancel, 3, 7, 3])
  peer.send([Kind.Done, 3, 7], [Kind.Done, 1, 7])
  deepEqual(await Promise.all(calls), [{ outcome: 'done' }, { outcome: 'done' }, { outcome: 'done' }])
})

test('an order whose turn did not come before its deadline was not sent, and that is told', async context => {
  const { client, peer, timers } = await setStage(context, { inFlightMax: 1 })
  void client.cancel(1)
  await peer.receive()
  const submitting = client.submit(order, { deadlineMs: 100 })
  timers.advance(100)
  await rejects(submitting, (error: OesError) => {
    equal(error.code, 'NOT_SENT')
    equal(error.cause instanceof OesError && error.cause.code, 'DEADLINE_PASSED')
    return true
  })
})

test('a full line of waiting calls is an answer', async context => {
  const { client } = await setStage(context, { inFlightMax: 1 }, { callsWaitingMax: 1 })
  void client.cancel(1)
  void client.cancel(2).catch(() => {}) // ends unsent with the test
  await rejects(client.cancel(3), { code: 'TOO_MANY_CALLS', params: [1] })
})

test('cancel and update are done, refused or unknown', async context => {
  const { client, peer, timers } = await setStage(context)
  const done = client.update(9, { status: OrderStatus.PartiallyFilled, lastQty: '50', lastPx: 25.5, text: 'by phone' })
  deepEqual(await peer.receive(), [Kind.Update, 1, 7, 9, 3, 50, 25.5, 'by phone', '', '', 0, 0, 0, 0, null])
  peer.send([Kind.Done, 1, 7])
  deepEqual(await done, { outcome: 'done' })
  const refused = client.cancel(9, { account: 8 })
  deepEqual(await peer.receive(), [Kind.Cancel, 2, 8, 9])
  peer.send([Kind.Refused, 2, 8, Reason.OrderTerminal, [9], ''])
  equal((await refused).outcome, 'refused')
  const unknown = client.cancel(9, { deadlineMs: 10 })
  await peer.receive()
  timers.advance(10)
  equal((await unknown).outcome, 'unknown')
})

test('a replace is answered by its first report, or refused, and one of unknown outcome is settled by sending it again', async context => {
  const { client, peer, timers } = await setStage(context)
  const terms = { clOrdId: 'b', quantity: 300, price: 26 }
  const answer = (requestId: unknown, status: OrderStatus) =>
    peer.send(replaceReport({ requestId: requestId as number, reportSequence: 9, orderId: 42, status, ...terms }))
  const replacing = client.replace(42, { quantity: 300, price: '26', clOrdId: 'b', origClOrdId: 'a' })
  const first = await peer.receive()
  deepEqual(first.slice(2), [7, 42, 300, 26, 'b', 'a'])
  answer(first[1], OrderStatus.PendingReplace)
  const pending = await replacing
  deepEqual(pending.outcome === 'pending' && pending.report.terms, { ...terms, shortFlag: false, holdPrice: 26 })

  const objected = client.replace(42, { quantity: 300, price: 26, clOrdId: 'b' }, { account: 9 })
  const second = await peer.receive()
  deepEqual(second.slice(2), [9, 42, 300, 26, 'b', ''])
  answer(second[1], OrderStatus.ReplaceReject)
  equal((await objected).outcome, 'rejected')

  const lost = client.replace(42, { quantity: 300 }, { deadlineMs: 10 })
  const third = await peer.receive()
  timers.advance(10)
  const unknown = await lost
  if (unknown.outcome !== 'unknown') throw new Error('the deadline has passed')
  for (const [reason, outcome] of [
    [Reason.NotPermitted, 'unknown'],
    [Reason.OrderTerminal, 'refused'],
  ] as const) {
    const settling = client.settleReplace(unknown)
    const again = await peer.receive()
    deepEqual(again.slice(2), third.slice(2))
    peer.send([Kind.Refused, again[1], 7, reason, [42], ''])
    equal((await settling).outcome, outcome)
  }
})

test('the reason a server closes with is told, and is never the answer to an order', async context => {
  const { client, peer, nextState } = await setStage(context)
  const submitting = client.submit(order)
  await peer.receive()
  peer.send([Kind.Closing, 0, 0, Reason.Stopping, [], ''])
  const outcome = await submitting
  equal(outcome.outcome === 'unknown' && outcome.cause.code, 'CONNECTION_LOST')
  const change = await nextState()
  equal(change.state === 'lost' && change.cause.code, 'STOPPING')
})

test('a heartbeat goes out each interval, and three silent intervals end the connection', async context => {
  const { peer, timers, nextState } = await setStage(context, { heartbeatMs: 1_000 })
  timers.advance(1_000)
  deepEqual(await peer.receive(), [Kind.Heartbeat, 0, 0])
  timers.advance(1_000)
  deepEqual(await peer.receive(), [Kind.Heartbeat, 0, 0])
  timers.advance(1_000)
  const change = await nextState()
  equal(change.state === 'lost' && change.cause.code, 'SERVER_SILENT')
  await peer.closed
})

test('a heartbeat of the server counts as a sign of life', async context => {
  const { client, peer, timers } = await setStage(context, { heartbeatMs: 1_000 })
  timers.advance(2_000)
  const finding = client.findAccount('ada')
  peer.send([Kind.ServerHeartbeat, 0, 0])
  while ((await peer.receive())[0] !== Kind.Find);
  peer.send([Kind.Found, 1, 0, 7, 'ada'])
  deepEqual(await finding, { id: 7, name: 'ada' })
  timers.advance(2_000)
  ok(client.isLive)
})

test('the pauses before coming back double up to their limit, and begin anew after a connection that held', async context => {
  const { server, peer, timers, nextState } = await setStage(context, {}, { pauseMinMs: 100, pauseMaxMs: 500 })
  const pauses: unknown[] = []
  let live = peer
  for (let i = 0; i < 4; i++) {
    live.destroy()
    const lost = await nextState()
    pauses.push(lost.state === 'lost' && lost.pauseMs)
    timers.advance(500)
    live = await server.login()
    equal((await nextState()).state, 'live')
  }
  timers.advance(500)
  live.destroy()
  const lost = await nextState()
  pauses.push(lost.state === 'lost' && lost.pauseMs)
  deepEqual(pauses, [100, 200, 400, 500, 100])
})

test('a login refused on the way back closes the client, and every call with it', async context => {
  const { client, server, peer, timers, nextState } = await setStage(context)
  const events = await subscribeFromNow(client.subscribe(), peer)
  const submitting = client.submit(order, { repeat: true })
  await peer.receive()
  peer.destroy()
  await nextState()
  timers.advance(100)
  const next = await server.accept()
  const [, requestId] = await next.receive()
  next.send([Kind.Refused, requestId, 0, Reason.LoginFailed, [], ''])
  const outcome = await submitting
  equal(outcome.outcome === 'unknown' && outcome.cause.code, 'CLIENT_CLOSED')
  await rejects(events[Symbol.asyncIterator]().next(), { code: 'LOGIN_FAILED' })
  const change = await nextState()
  equal(change.state === 'closed' && change.cause?.code, 'LOGIN_FAILED')
  await rejects(client.submit(order, { repeat: true }), { code: 'NOT_SENT' })
})

test('a client that does not come back is closed by a lost connection', async context => {
  const { client, peer, nextState } = await setStage(context, {}, { reconnect: false })
  peer.destroy()
  equal((await nextState()).state, 'closed')
  await rejects(client.cancel(1), { code: 'NOT_SENT' })
})

test('closing answers what is pending, ends subscriptions without an error and leaves no alarm', async context => {
  const { client, peer, timers } = await setStage(context, { inFlightMax: 2 })
  const events = await subscribeFromNow(client.subscribe(), peer)
  const calls = [client.submit(order), client.cancel(3), client.positions()]
  await peer.receive()
  client.close()
  const [submitted, canceled, asked] = await Promise.allSettled(calls)
  equal(submitted.status === 'fulfilled' && (submitted.value as { outcome: string }).outcome, 'unknown')
  equal(canceled.status === 'fulfilled' && (canceled.value as { outcome: string }).outcome, 'unknown')
  equal(asked.status === 'rejected' && asked.reason.code, 'NOT_SENT')
  deepEqual(await events[Symbol.asyncIterator]().next(), { done: true, value: undefined })
  equal(timers.pending, 0)
  await peer.closed
})

test('answers cut at any place of the stream are the same answers', async context => {
  const { client, peer } = await setStage(context)
  const answers = (requestId: number) =>
    Buffer.concat([
      encodeFrame(pack([Kind.ServerHeartbeat, 0, 0])),
      encodeFrame(pack([Kind.Found, requestId, 0, 7, 'ada'])),
      encodeFrame(pack([Kind.Found, requestId + 1, 0, 8, 'bob'])),
    ])
  for (let cut = 0; cut <= answers(1).length; cut++) {
    const first = client.findAccount('ada')
    const second = client.findAccount('bob')
    const [, requestId] = await peer.receive()
    await peer.receive()
    const stream = answers(requestId as number)
    peer.sendBytes(stream.subarray(0, cut))
    await peer.flush()
    await new Promise(setImmediate)
    peer.sendBytes(stream.subarray(cut))
    deepEqual(await Promise.all([first, second]), [
      { id: 7, name: 'ada' },
      { id: 8, name: 'bob' },
    ])
  }
})

const nonsense: [name: string, bytes: Buffer][] = [
  ['a body that is no array', encodeFrame(pack({ kind: 70 }))],
  ['a body that is no msgpack', encodeFrame(Buffer.from([0xc1]))],
  ['a kind that is no number', encodeFrame(pack(['70', 1, 0]))],
  ['an array cut short', encodeFrame(Buffer.from([0x93, 0x46]))],
  ['a frame longer than allowed', Buffer.from([0x7f, 0xff, 0xff, 0xff])],
  ['an answer of the wrong kind', encodeFrame(pack([Kind.Subscribed, 1, 0]))],
  ['a price that is text', encodeFrame(pack([...accepted({ requestId: 1, reportSequence: 1 }).slice(0, 14), 'x']))],
  [
    'a price with seven decimals',
    encodeFrame(pack([...accepted({ requestId: 1, reportSequence: 1 }).slice(0, 14), 1e-7])),
  ],
]

for (const [name, bytes] of nonsense) {
  test(`${name} ends the connection, and the call is answered`, async context => {
    const { client, peer, nextState } = await setStage(context)
    const submitting = client.submit(order)
    await peer.receive()
    peer.sendBytes(bytes)
    const outcome = await submitting
    equal(outcome.outcome === 'unknown' && outcome.cause.code, 'CONNECTION_LOST')
    const change = await nextState()
    equal(change.state === 'lost' && change.cause.code, 'MALFORMED_ANSWER')
  })
}

test('positions come with the buying power of the account', async context => {
  const { client, peer } = await setStage(context)
  const asking = client.positions(8)
  deepEqual(await peer.receive(), [Kind.Positions, 1, 8])
  peer.send([Kind.PositionList, 1, 8, 124, 100_000, 2_537, 0, 1, 41, [['ABX.TSX', 124, 100, 2_537, 0, 50, 12.5, 0.3]]])
  deepEqual(await asking, {
    account: 8,
    currency: 124,
    buyingPower: 100_000,
    usedBuyingPower: 2_537,
    riskState: 0,
    openOrders: 1,
    reportSequence: 41,
    positions: [
      {
        ticker: 'ABX.TSX',
        currency: 124,
        quantity: 100,
        costBasis: 2_537,
        pendingBuy: 0,
        pendingSell: 50,
        gross: 12.5,
        fees: 0.3,
      },
    ],
  })
})

test('what is not found is undefined; another refusal is an error', async context => {
  const { client, peer } = await setStage(context)
  const finding = client.findGroup('desk')
  deepEqual(await peer.receive(), [Kind.Find, 1, 0, 1, 'desk'])
  peer.send([Kind.Refused, 1, 0, Reason.UnknownGroup, ['desk'], ''])
  equal(await finding, undefined)
  const loading = client.load(900)
  deepEqual(await peer.receive(), [Kind.LoadOrder, 2, 0, 900])
  peer.send([Kind.Refused, 2, 0, Reason.UnknownOrder, [900], ''])
  equal(await loading, undefined)
  const failing = client.findAccount('ada')
  await peer.receive()
  peer.send([Kind.Refused, 3, 0, Reason.ServiceUnavailable, ['locator'], ''])
  await rejects(failing, { code: 'SERVICE_UNAVAILABLE' })
})

test('accounts are listed page by page', async context => {
  const { client, peer } = await setStage(context)
  const listing = Array.fromAsync(client.accounts())
  deepEqual(await peer.receive(), [Kind.Accounts, 1, 0, 0])
  peer.send([
    Kind.AccountList,
    1,
    0,
    [
      [3, 'ada'],
      [5, 'bob'],
    ],
    1,
  ])
  deepEqual(await peer.receive(), [Kind.Accounts, 2, 0, 5])
  peer.send([Kind.AccountList, 2, 0, [[9, 'cyd']], 0])
  deepEqual(await listing, [
    { id: 3, name: 'ada' },
    { id: 5, name: 'bob' },
    { id: 9, name: 'cyd' },
  ])
})

async function subscribeFromNow<T>(
  subscribing: Promise<T>,
  peer: Awaited<ReturnType<typeof setStage>>['peer'],
): Promise<T> {
  const [, requestId] = await peer.receive()
  peer.send([Kind.Subscribed, requestId, 7, 1, [[7, 1]]])
  return subscribing
}
