import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { Reason } from '../../src/domain/reasons.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { accepted, type Message, type Peer, report } from './scripted-server.ts'
import { setStage } from './stage.ts'

/** Answers the next query with orders of the given sequences. @returns what was asked, from the account on. */
async function answerOrders(peer: Peer, sequences: number[], cut: number): Promise<Message> {
  const request = await peer.receive()
  const rows = sequences.map(orderSequence => [
    Kind.OrderRecord,
    request[1],
    7,
    accepted({ reportSequence: 10 * orderSequence, orderSequence }),
    [report({ reportSequence: 10 * orderSequence + 1, orderId: 10 * orderSequence })],
  ])
  peer.send(...rows, [Kind.QueryEnd, request[1], 7, rows.length, 0, 10 * cut, cut])
  return request.slice(2)
}

test('orders are fetched page by page, up to where the first page was cut', async context => {
  const { client, peer } = await setStage(context)
  const querying = Array.fromAsync(client.queryOrders({ pageRowsMax: 2 }), record => record.accepted.orderSequence)
  deepEqual(await answerOrders(peer, [1, 2], 4), [0, 1, -2, 1, 2, null])
  deepEqual(await answerOrders(peer, [3, 4], 9), [0, 3, 4, 1, 2, null])
  deepEqual(await querying, [1, 2, 3, 4])
  equal(peer.unread, 0)
})

test('the next page is not asked for before the last one was taken', async context => {
  const { client, peer } = await setStage(context)
  const orders = client.queryOrders({ pageRowsMax: 1 })
  const first = orders.next()
  await answerOrders(peer, [1], 2)
  equal((await first).value?.accepted.orderSequence, 1)
  equal(peer.unread, 0)
  const second = orders.next()
  await answerOrders(peer, [2], 2)
  equal((await second).value?.accepted.orderSequence, 2)
  equal((await orders.next()).done, true)
})

test('a head is cut into pages, a tail is asked for at once', async context => {
  const { client, peer } = await setStage(context)
  const head = Array.fromAsync(client.queryOrders({ account: 8, limit: { head: 3 }, pageRowsMax: 2 }))
  deepEqual(await answerOrders(peer, [1, 2], 9), [8, 1, -2, 1, 2, null])
  deepEqual(await answerOrders(peer, [3], 9), [8, 3, 9, 1, 1, null])
  equal((await head).length, 3)
  const tail = Array.fromAsync(client.queryOrders({ limit: { tail: 5 }, filter: ['=', 'symbol', 'ABX'] }))
  deepEqual(await answerOrders(peer, [4, 5], 9), [0, 1, -2, 2, 5, ['=', 'symbol', 'ABX']])
  equal((await tail).length, 2)
})

test('points may be times', async context => {
  const { client, peer } = await setStage(context)
  const querying = Array.fromAsync(
    client.queryOrders({ start: { timestamp: 1_000 }, end: { timestamp: 2_000 }, pageRowsMax: 1 }),
  )
  deepEqual(await answerOrders(peer, [5], 9), [0, [1_000], [2_000], 1, 1, null])
  deepEqual(await answerOrders(peer, [], 9), [0, 6, [2_000], 1, 1, null])
  equal((await querying).length, 1)
})

test('reports are fetched with their account sequence', async context => {
  const { client, peer } = await setStage(context)
  const querying = Array.fromAsync(client.queryReports({ start: 3, end: 4 }), event => [
    event.event,
    event.reportSequence,
  ])
  const request = await peer.receive()
  deepEqual(request.slice(2), [0, 3, 4, 1, 500])
  peer.send(
    [Kind.ReportRecord, request[1], 7, accepted({ reportSequence: 3 })],
    [Kind.ReportRecord, request[1], 7, report({ reportSequence: 4 })],
    [Kind.QueryEnd, request[1], 7, 2, 0, 4, 1],
  )
  deepEqual(await querying, [
    ['accepted', 3],
    ['report', 4],
  ])
})

test('an order is loaded with its reports; a reason without text gets the text known here', async context => {
  const { client, peer } = await setStage(context)
  const loading = client.load(5)
  const [, requestId] = await peer.receive()
  const rejection = report({ reportSequence: 6, orderId: 5, status: 1, reason: Reason.BoardLot, params: [100] })
  peer.send([Kind.OrderRecord, requestId, 7, accepted({ reportSequence: 5 }), [rejection]])
  const record = await loading
  deepEqual(
    record?.reports.map(({ reason, params, text }) => ({ reason, params, text })),
    [{ reason: 300, params: [100], text: 'The quantity has to be a multiple of 100.' }],
  )
})

test('a refused query is an error, and so is an argument that is no number of rows or no sequence', async context => {
  const { client, peer } = await setStage(context)
  const querying = Array.fromAsync(client.queryOrders({ account: 9 }))
  const [, requestId] = await peer.receive()
  peer.send([Kind.Refused, requestId, 9, Reason.NotPermitted, [], ''])
  await rejects(querying, { code: 'NOT_PERMITTED' })
  await rejects(Array.fromAsync(client.queryOrders({ limit: { head: 0 } })), { code: 'INVALID_ARGUMENT' })
  await rejects(Array.fromAsync(client.queryOrders({ start: -1 })), { code: 'INVALID_ARGUMENT' })
})

test('an answer with fewer rows than it counts ends the connection', async context => {
  const { client, peer, nextState } = await setStage(context)
  const querying = Array.fromAsync(client.queryOrders())
  const [, requestId] = await peer.receive()
  peer.send([Kind.QueryEnd, requestId, 7, 3, 0, 1, 1])
  await rejects(querying, { code: 'CONNECTION_LOST' })
  const change = await nextState()
  equal(change.state === 'lost' && change.cause.code, 'MALFORMED_ANSWER')
})
