import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Elements } from '../../src/client/elements.ts'
import { OrderTracker, type TrackedOrder } from '../../src/client/order-tracker.ts'
import { type ExecutionReport, type OrderAccepted, type OrderEvent, readOrderEvent } from '../../src/client/orders.ts'
import { OrderStatus, orderStatusNames } from '../../src/domain/order-status.ts'
import type { Value } from '../../src/protocol/msgpack.ts'
import { accepted as acceptedMessage, replaceReport, report as reportMessage } from './scripted-server.ts'

const accepted = (of: Parameters<typeof acceptedMessage>[0]) =>
  readOrderEvent(new Elements(acceptedMessage(of) as Value[])) as OrderAccepted
const report = (of: Parameters<typeof reportMessage>[0]) =>
  readOrderEvent(new Elements(reportMessage(of) as Value[])) as ExecutionReport

/** Report `sequence` of order 1. */
const step = (sequence: number, status: OrderStatus, lastQty = 0, lastPx = 0) =>
  report({ reportSequence: 1 + sequence, orderId: 1, sequence, status, lastQty, lastPx })

function view(order: TrackedOrder | undefined) {
  if (order === undefined) return undefined
  const { status, isTerminal, cumQty, leavesQty, avgPx } = order
  return { status, isTerminal, cumQty, leavesQty, avgPx }
}

test('fills add up, and the average price comes from the sums', () => {
  const tracker = new OrderTracker()
  const seen = [
    accepted({ reportSequence: 1, clOrdId: 'a' }),
    step(1, OrderStatus.New),
    step(2, OrderStatus.PartiallyFilled, 30, 25.1),
    step(3, OrderStatus.Filled, 70, 25.2),
  ].map(event => view(tracker.apply(event)))
  deepEqual(seen, [
    { status: OrderStatus.PendingNew, isTerminal: false, cumQty: 0, leavesQty: 100, avgPx: 0 },
    { status: OrderStatus.New, isTerminal: false, cumQty: 0, leavesQty: 100, avgPx: 0 },
    { status: OrderStatus.PartiallyFilled, isTerminal: false, cumQty: 30, leavesQty: 70, avgPx: 25.1 },
    { status: OrderStatus.Filled, isTerminal: true, cumQty: 100, leavesQty: 0, avgPx: 25.17 },
  ])
  equal(tracker.findByClOrdId(7, 'a'), tracker.get(1))
  equal(tracker.findByClOrdId(8, 'a'), undefined)
})

test('a fill does not hide a pending cancel, and a refused cancel gives the status before it back', () => {
  const tracker = new OrderTracker()
  const statuses = [
    accepted({ reportSequence: 1 }),
    step(1, OrderStatus.New),
    step(2, OrderStatus.PendingCancel),
    step(3, OrderStatus.CancelReject),
    step(4, OrderStatus.PendingCancel),
    step(5, OrderStatus.PartiallyFilled, 10, 25),
    step(6, OrderStatus.CancelReject),
    step(7, OrderStatus.PendingCancel),
    step(8, OrderStatus.Canceled),
  ].map(event => tracker.apply(event)?.status)
  deepEqual(statuses, [
    OrderStatus.PendingNew,
    OrderStatus.New,
    OrderStatus.PendingCancel,
    OrderStatus.New,
    OrderStatus.PendingCancel,
    OrderStatus.PendingCancel,
    OrderStatus.PartiallyFilled,
    OrderStatus.PendingCancel,
    OrderStatus.Canceled,
  ])
  deepEqual(view(tracker.get(1)), {
    status: OrderStatus.Canceled,
    isTerminal: true,
    cumQty: 10,
    leavesQty: 0,
    avgPx: 25,
  })
})

test('an order asks for what its last replace brought, and what is pending is told until its answer', () => {
  const tracker = new OrderTracker()
  const replace = (sequence: number, status: OrderStatus, quantity: number, price: number, clOrdId: string) =>
    readOrderEvent(
      new Elements(
        replaceReport({
          reportSequence: 1 + sequence,
          orderId: 1,
          sequence,
          status,
          quantity,
          price,
          clOrdId,
        }) as Value[],
      ),
    )
  const seen = [
    accepted({ reportSequence: 1, clOrdId: 'a' }),
    step(1, OrderStatus.New),
    replace(2, OrderStatus.PendingReplace, 300, 26, 'b'),
    step(3, OrderStatus.PartiallyFilled, 40, 25),
    replace(4, OrderStatus.Replaced, 300, 26, 'b'),
    replace(5, OrderStatus.PendingReplace, 200, 27, ''),
    step(6, OrderStatus.PendingCancel),
    replace(7, OrderStatus.Replaced, 200, 27, ''),
    step(8, OrderStatus.CancelReject),
    replace(9, OrderStatus.ReplaceReject, 500, 28, 'c'),
    replace(10, OrderStatus.PendingReplace, 40, 27, 'd'),
    step(11, OrderStatus.Canceled),
  ].map(event => {
    const { status, quantity, price, clOrdId, leavesQty, pendingReplace } = tracker.apply(event)!
    return [orderStatusNames[status], quantity, price, clOrdId, leavesQty, pendingReplace?.quantity]
  })
  deepEqual(seen, [
    ['PENDING_NEW', 100, 25.37, 'a', 100, undefined],
    ['NEW', 100, 25.37, 'a', 100, undefined],
    ['PENDING_REPLACE', 100, 25.37, 'a', 100, 300],
    ['PENDING_REPLACE', 100, 25.37, 'a', 60, 300],
    ['PARTIALLY_FILLED', 300, 26, 'b', 260, undefined],
    ['PENDING_REPLACE', 300, 26, 'b', 260, 200],
    ['PENDING_CANCEL', 300, 26, 'b', 260, 200],
    ['PENDING_CANCEL', 200, 27, 'b', 160, undefined],
    ['PARTIALLY_FILLED', 200, 27, 'b', 160, undefined],
    ['PARTIALLY_FILLED', 200, 27, 'b', 160, undefined],
    ['PENDING_REPLACE', 200, 27, 'b', 160, 40],
    ['CANCELED', 200, 27, 'b', 0, undefined],
  ])
})

test('fees are summed in whole micros', () => {
  const tracker = new OrderTracker()
  tracker.apply(accepted({ reportSequence: 1 }))
  for (let sequence = 1; sequence <= 10; sequence++) {
    tracker.apply({ ...step(sequence, OrderStatus.PartiallyFilled, 1, 25), executionFee: 0.1, commission: 0.2 })
  }
  equal(tracker.get(1)?.fees, 3)
})

test('reports of an order that is not known wait for it, and its id is told', () => {
  const tracker = new OrderTracker()
  equal(tracker.apply(step(2, OrderStatus.Filled, 100, 25)), undefined)
  equal(tracker.apply(step(1, OrderStatus.New)), undefined)
  deepEqual([...tracker.unknownOrderIds()], [1])
  tracker.load({ accepted: accepted({ reportSequence: 1 }), reports: [step(1, OrderStatus.New)] })
  deepEqual([...tracker.unknownOrderIds()], [])
  equal(tracker.get(1)?.status, OrderStatus.Filled)
})

test('live orders are remembered for good, ended ones up to the limit, oldest forgotten first', () => {
  const tracker = new OrderTracker({ endedMax: 2 })
  for (let orderId = 1; orderId <= 5; orderId++) {
    tracker.apply(accepted({ reportSequence: orderId, orderId, clOrdId: `c${orderId}` }))
  }
  for (const orderId of [3, 1, 4, 2]) {
    tracker.apply(report({ reportSequence: 10 + orderId, orderId, status: OrderStatus.Canceled }))
  }
  deepEqual(
    [1, 2, 3, 4, 5].filter(orderId => tracker.get(orderId) !== undefined),
    [2, 4, 5],
  )
  deepEqual(
    [1, 2, 3, 4, 5].filter(orderId => tracker.findByClOrdId(7, `c${orderId}`) !== undefined),
    [2, 4, 5],
  )
  deepEqual(
    [...tracker.live()].map(order => order.accepted.orderId),
    [5],
  )
})

test('reports that wait are bounded: the order that waits longest gives way', () => {
  const tracker = new OrderTracker({ waitingMax: 3 })
  for (const orderId of [1, 2, 3, 4]) tracker.apply(report({ reportSequence: orderId, orderId }))
  deepEqual([...tracker.unknownOrderIds()], [2, 3, 4])
})

test('any mixture of records and reports, shuffled and repeated, ends where the plain sequence ends', () => {
  const fills = fc.array(
    fc.record({ lastQty: fc.integer({ min: 1, max: 20 }), lastPx: fc.integer({ min: 1, max: 999 }) }),
  )
  fc.assert(
    fc.property(fills, fc.boolean(), fc.infiniteStream(fc.nat()), (steps, ends, random) => {
      const start = accepted({ reportSequence: 1, quantity: 10_000 })
      const reports = [
        step(1, OrderStatus.New),
        ...steps.map((fill, i) => step(2 + i, OrderStatus.PartiallyFilled, fill.lastQty, fill.lastPx / 100)),
        ...(ends ? [step(2 + steps.length, OrderStatus.Canceled)] : []),
      ]
      const events: OrderEvent[] = [start, ...reports, start, ...reports]
      for (let i = events.length - 1; i > 0; i--) {
        const j = (random.next().value as number) % (i + 1)
        ;[events[i], events[j]] = [events[j], events[i]]
      }
      const tracker = new OrderTracker()
      for (const event of events) tracker.apply(event)
      // The slow twin: plain sums over the list.
      const cumQty = steps.reduce((sum, fill) => sum + fill.lastQty, 0)
      const cost = steps.reduce((sum, fill) => sum + fill.lastQty * fill.lastPx, 0) / 100
      const status = ends ? OrderStatus.Canceled : cumQty > 0 ? OrderStatus.PartiallyFilled : OrderStatus.New
      deepEqual(view(tracker.get(1)), {
        status,
        isTerminal: ends,
        cumQty,
        leavesQty: ends ? 0 : 10_000 - cumQty,
        avgPx: cumQty === 0 ? 0 : Math.round((cost / cumQty) * 1e6) / 1e6,
      })
      deepEqual([...tracker.unknownOrderIds()], [])
    }),
  )
})
