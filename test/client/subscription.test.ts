import { deepEqual, equal, rejects } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { SubscribeOptions } from '../../src/client/client.ts'
import { limitOrder } from '../../src/client/orders.ts'
import type { Subscription, SubscriptionEvent } from '../../src/client/subscription.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { Side } from '../../src/domain/side.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { accepted, type Message, type Peer, report } from './scripted-server.ts'
import { setStage } from './stage.ts'

/** An event in one word: what, whose, which sequence. */
function word(event: SubscriptionEvent): string {
  if (event.event === 'membership')
    return `${event.account} ${event.joined ? 'joined' : 'left'} at ${event.nextSequence}`
  return `${event.account}:${event.reportSequence} ${event.event}`
}

/** The next `count` events. The subscription stays open. */
async function take(subscription: Subscription, count: number): Promise<string[]> {
  const iterator = readers.get(subscription) ?? subscription[Symbol.asyncIterator]()
  readers.set(subscription, iterator)
  const words: string[] = []
  for (let i = 0; i < count; i++) {
    const { value, done } = await iterator.next()
    words.push(done ? 'end' : word(value))
  }
  return words
}
const readers = new WeakMap<Subscription, AsyncIterator<SubscriptionEvent>>()

/** The message without its request id. */
function bare(message: Message): Message {
  return [message[0], ...message.slice(2)]
}

async function answerSubscribe(peer: Peer, subscriptionId: number, positions: number[][]): Promise<Message> {
  const request = await peer.receive()
  peer.send([Kind.Subscribed, request[1], 0, subscriptionId, positions])
  return bare(request)
}

async function subscribed(
  context: TestContext,
  options: SubscribeOptions = {},
  positions: number[][] = [[7, options && 'fromSequence' in options ? (options.fromSequence ?? 1) : 1]],
) {
  const stage = await setStage(context)
  const subscribing = stage.client.subscribe(options)
  const request = await answerSubscribe(stage.peer, 1, positions)
  return { ...stage, request, subscription: await subscribing }
}

test('own orders are followed from now on, in their sequence', async context => {
  const { peer, subscription, request } = await subscribed(context, {}, [[7, 41]])
  deepEqual(request, [Kind.Subscribe, 0, 0, 0])
  deepEqual([...subscription.positions], [[7, 41]])
  peer.send(
    accepted({ reportSequence: 41, orderId: 1 }),
    report({ reportSequence: 42 }),
    report({ reportSequence: 43 }),
  )
  deepEqual(await take(subscription, 3), ['7:41 accepted', '7:42 report', '7:43 report'])
  deepEqual([...subscription.positions], [[7, 44]])
})

test('an account is followed from any sequence; what came before is not delivered', async context => {
  const { peer, subscription, request } = await subscribed(context, { account: 9, fromSequence: 3 }, [[9, 3]])
  deepEqual(request, [Kind.Subscribe, 9, 0, 3])
  for (const reportSequence of [1, 2, 3, 3, 4]) peer.send(report({ account: 9, reportSequence }))
  peer.send(report({ account: 8, reportSequence: 5 }), report({ account: 9, reportSequence: 5 }))
  deepEqual(await take(subscription, 3), ['9:3 report', '9:4 report', '9:5 report'])
})

test('the answer to an own order is its copy in the subscription', async context => {
  const { client, peer, subscription } = await subscribed(context)
  const submitting = client.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 25))
  const [, requestId] = await peer.receive()
  peer.send(accepted({ requestId: requestId as number, reportSequence: 1 }), report({ reportSequence: 2 }))
  equal((await submitting).outcome, 'accepted')
  deepEqual(await take(subscription, 2), ['7:1 accepted', '7:2 report'])
})

test('an answer that runs ahead of a subscription catching up waits for its turn', async context => {
  const { client, peer, subscription } = await subscribed(context)
  const submitting = client.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 25))
  const [, requestId] = await peer.receive()
  peer.send(accepted({ requestId: requestId as number, reportSequence: 3 }))
  peer.send(report({ reportSequence: 1 }), report({ reportSequence: 2 }), report({ reportSequence: 4 }))
  await submitting
  deepEqual(await take(subscription, 4), ['7:1 report', '7:2 report', '7:3 accepted', '7:4 report'])
})

test('an answer that comes before the subscription is open has its place in it', async context => {
  const { client, peer } = await setStage(context)
  const subscribing = client.subscribe({ fromSequence: 1 })
  const submitting = client.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 25))
  const [, subscribeId] = await peer.receive()
  const [, submitId] = await peer.receive()
  peer.send(accepted({ requestId: submitId as number, reportSequence: 2 }))
  peer.send(
    [Kind.Subscribed, subscribeId, 7, 1, [[7, 1]]],
    report({ reportSequence: 1 }),
    report({ reportSequence: 3 }),
  )
  await submitting
  deepEqual(await take(await subscribing, 3), ['7:1 report', '7:2 accepted', '7:3 report'])
})

test('after a reconnect a subscription goes on from the next sequence, without gap or duplicate', async context => {
  const { server, peer, timers, nextState, subscription } = await subscribed(context, { fromSequence: 1 })
  peer.send(report({ reportSequence: 1 }), report({ reportSequence: 2 }))
  deepEqual(await take(subscription, 1), ['7:1 report'])
  peer.destroy()
  await nextState()
  timers.advance(100)
  const next = await server.login()
  deepEqual(await answerSubscribe(next, 1, [[7, 3]]), [Kind.Subscribe, 7, 0, 3])
  next.send(report({ reportSequence: 2 }), report({ reportSequence: 3 }), report({ reportSequence: 4 }))
  deepEqual(await take(subscription, 3), ['7:2 report', '7:3 report', '7:4 report'])
})

test('a subscription from now on that saw nothing yet resumes from where it began', async context => {
  const { server, peer, timers, nextState, subscription } = await subscribed(context, {}, [[7, 41]])
  peer.destroy()
  await nextState()
  timers.advance(100)
  const next = await server.login()
  deepEqual(await answerSubscribe(next, 1, [[7, 41]]), [Kind.Subscribe, 7, 0, 41])
  next.send(report({ reportSequence: 41 }))
  deepEqual(await take(subscription, 1), ['7:41 report'])
})

test('a missing sequence is an error, after what came before it, and ends the subscription at the server', async context => {
  const { peer, subscription } = await subscribed(context)
  peer.send(report({ reportSequence: 1 }), report({ reportSequence: 3 }))
  deepEqual(await take(subscription, 1), ['7:1 report'])
  await rejects(take(subscription, 1), { code: 'SEQUENCE_GAP', params: [7, 2, 3] })
  deepEqual(bare(await peer.receive()), [Kind.Unsubscribe, 0, 1])
})

const amnesia: [name: string, answer: (requestId: unknown) => Message][] = [
  ['by an earlier sequence', requestId => [Kind.Subscribed, requestId, 7, 1, [[7, 2]]]],
  ['by refusing the range', requestId => [Kind.Refused, requestId, 7, Reason.InvalidRange, [], '']],
]
for (const [name, answer] of amnesia) {
  test(`a server that comes back knowing less than it told, and says so ${name}, is an error`, async context => {
    const { server, peer, timers, nextState, subscription } = await subscribed(context, { fromSequence: 1 })
    peer.send(report({ reportSequence: 1 }), report({ reportSequence: 2 }))
    deepEqual(await take(subscription, 2), ['7:1 report', '7:2 report'])
    peer.destroy()
    await nextState()
    timers.advance(100)
    const next = await server.login()
    const [, requestId] = await next.receive()
    next.send(answer(requestId))
    await rejects(take(subscription, 1), { code: 'SEQUENCE_GAP' })
  })
}

test('a program that takes too slowly parks the subscription and loses nothing', async context => {
  const { peer, subscription } = await subscribed(context, { queueMax: 4 }, [[7, 1]])
  for (let sequence = 1; sequence <= 8; sequence++) peer.send(report({ reportSequence: sequence }))
  deepEqual(bare(await peer.receive()), [Kind.Unsubscribe, 0, 1])
  equal(peer.unread, 0)
  deepEqual(await take(subscription, 2), ['7:1 report', '7:2 report'])
  deepEqual(await answerSubscribe(peer, 2, [[7, 5]]), [Kind.Subscribe, 7, 0, 5])
  for (let sequence = 5; sequence <= 6; sequence++) peer.send(report({ reportSequence: sequence }))
  deepEqual(await take(subscription, 4), ['7:3 report', '7:4 report', '7:5 report', '7:6 report'])
})

test('a parked subscription stays parked over a reconnect until it is taken from', async context => {
  const { server, peer, timers, nextState, subscription } = await subscribed(context, { queueMax: 2 }, [[7, 1]])
  for (let sequence = 1; sequence <= 3; sequence++) peer.send(report({ reportSequence: sequence }))
  await peer.receive()
  peer.destroy()
  await nextState()
  timers.advance(100)
  const next = await server.login()
  equal((await nextState()).state, 'live')
  deepEqual(await take(subscription, 1), ['7:1 report'])
  deepEqual(await answerSubscribe(next, 1, [[7, 3]]), [Kind.Subscribe, 7, 0, 3])
  next.send(report({ reportSequence: 3 }))
  deepEqual(await take(subscription, 2), ['7:2 report', '7:3 report'])
})

test('a group is followed as its members come and go, and resumed member by member', async context => {
  const start: [number[][]] = [[[7, 10], [8, 1]]] // biome-ignore format: pairs
  const { server, peer, timers, nextState, subscription, request } = await subscribed(context, { group: 3 }, start[0])
  deepEqual(request, [Kind.Subscribe, 0, 1, 0, 3, []])
  peer.send(report({ account: 8, reportSequence: 1 }), [Kind.Membership, 0, 0, 1, 9, 1, 5])
  peer.send(report({ account: 9, reportSequence: 5 }), [Kind.Membership, 0, 0, 1, 7, 0, 10])
  peer.send(report({ account: 7, reportSequence: 10 }), [Kind.Membership, 0, 0, 2, 9, 0, 6])
  peer.send(report({ account: 9, reportSequence: 6 }))
  deepEqual(await take(subscription, 5), ['8:1 report', '9 joined at 5', '9:5 report', '7 left at 10', '9:6 report'])
  deepEqual(
    [...subscription.positions],
    [
      [8, 2],
      [9, 7],
    ],
  )
  peer.destroy()
  await nextState()
  timers.advance(100)
  const next = await server.login()
  const resumed = await answerSubscribe(next, 1, [[9, 7], [11, 2]]) // biome-ignore format: pairs
  deepEqual(resumed, [
    Kind.Subscribe,
    0,
    1,
    0,
    3,
    [
      [8, 2],
      [9, 7],
    ],
  ])
  next.send(report({ account: 9, reportSequence: 7 }), report({ account: 11, reportSequence: 2 }))
  deepEqual(await take(subscription, 4), ['8 left at 2', '11 joined at 2', '9:7 report', '11:2 report'])
})

test('two subscriptions of one account at different places do not disturb each other', async context => {
  const { client, peer, subscription } = await subscribed(context, {}, [[7, 5]])
  const subscribing = client.subscribe({ account: 7, fromSequence: 1 })
  await answerSubscribe(peer, 2, [[7, 1]])
  const late = await subscribing
  for (const reportSequence of [1, 2, 5, 3, 4, 5, 6]) peer.send(report({ reportSequence }))
  deepEqual(await take(subscription, 2), ['7:5 report', '7:6 report'])
  deepEqual(
    await take(late, 6),
    [1, 2, 3, 4, 5, 6].map(sequence => `7:${sequence} report`),
  )
})

test('a refused subscription is an error', async context => {
  const { client, peer } = await setStage(context)
  const subscribing = client.subscribe({ account: 9 })
  const [, requestId] = await peer.receive()
  peer.send([Kind.Refused, requestId, 9, Reason.NotPermitted, [], ''])
  await rejects(subscribing, { code: 'NOT_PERMITTED' })
})

test('a subscription whose permission is gone at the reconnect ends with the reason', async context => {
  const { server, peer, timers, nextState, subscription } = await subscribed(context)
  peer.destroy()
  await nextState()
  timers.advance(100)
  const next = await server.login()
  const [, requestId] = await next.receive()
  next.send([Kind.Refused, requestId, 7, Reason.NotPermitted, [], ''])
  await rejects(take(subscription, 1), { code: 'NOT_PERMITTED' })
})

test('a subscription whose permission is taken away while it runs ends with that reason', async context => {
  const { peer, subscription } = await subscribed(context)
  peer.send(report({ reportSequence: 1 }), [Kind.Membership, 0, 0, 1, 7, 0, 0])
  deepEqual(await take(subscription, 1), ['7:1 report'])
  await rejects(take(subscription, 1), { code: 'NOT_PERMITTED', reason: Reason.NotPermitted })
})

test('a busy server is asked again for a subscription', async context => {
  const { client, server, peer, timers, nextState, subscription } = await subscribed(context)
  peer.destroy()
  await nextState()
  timers.advance(100)
  const next = await server.login({ heartbeatMs: 100_000 })
  const [, requestId] = await next.receive()
  next.send([Kind.Refused, requestId, 7, Reason.Busy, [], ''])
  const finding = client.findAccount('ada')
  next.send([Kind.Found, (await next.receive())[1], 0, 7, 'ada'])
  await finding // so the refusal before it has been taken
  timers.advance(10_000)
  await answerSubscribe(next, 1, [[7, 1]])
  next.send(report({ reportSequence: 1 }))
  deepEqual(await take(subscription, 1), ['7:1 report'])
})

test('a subscription answered after its deadline is given back', async context => {
  const { client, peer, timers } = await setStage(context, { heartbeatMs: 100_000 })
  const subscribing = client.subscribe()
  const [, requestId] = await peer.receive()
  timers.advance(5_000)
  await rejects(subscribing, { code: 'DEADLINE_PASSED' })
  peer.send([Kind.Subscribed, requestId, 7, 4, [[7, 1]]])
  deepEqual(bare(await peer.receive()), [Kind.Unsubscribe, 0, 4])
})

test('leaving the loop ends the subscription at the server', async context => {
  const { peer, subscription } = await subscribed(context)
  peer.send(report({ reportSequence: 1 }), report({ reportSequence: 2 }))
  for await (const event of subscription) {
    equal(word(event), '7:1 report')
    break
  }
  deepEqual(bare(await peer.receive()), [Kind.Unsubscribe, 0, 1])
})

test('live orders are tracked from the cut of a query on', async context => {
  const { client, peer } = await setStage(context)
  const tracking = client.track()
  const query = await peer.receive()
  deepEqual(bare(query), [Kind.QueryOrders, 7, 1, -2, 1, 500, ['=', 'is_live', true]])
  const record = [Kind.OrderRecord, query[1], 7, accepted({ reportSequence: 1 }), [report({ reportSequence: 2 })]]
  peer.send(record, [Kind.QueryEnd, query[1], 7, 1, 0, 2, 1])
  deepEqual(await answerSubscribe(peer, 1, [[7, 3]]), [Kind.Subscribe, 7, 0, 3])
  const { tracker, subscription } = await tracking
  deepEqual(
    [...tracker.live()].map(order => order.accepted.orderId),
    [1],
  )
  peer.send(report({ reportSequence: 3, sequence: 2, status: 8, lastQty: 100, lastPx: 25.5 }))
  for await (const event of subscription) {
    if (event.event === 'membership') continue
    const order = tracker.apply(event)
    deepEqual([order?.isTerminal, order?.cumQty, order?.avgPx], [true, 100, 25.5])
    break
  }
  deepEqual([...tracker.live()], [])
})
