import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  cumQty,
  type ExecutionReport,
  feeTotal,
  firstReport,
  nextReport,
  type OrderInfo,
} from '../../src/domain/order.ts'
import {
  currentStatus,
  mayFollow,
  overfill,
  rejectedReports,
  stepFault,
  withReport,
} from '../../src/domain/order-lifecycle.ts'
import { isTerminal, OrderStatus, orderStatusNames } from '../../src/domain/order-status.ts'
import { Reason } from '../../src/domain/reasons.ts'

const {
  None,
  PendingNew,
  New,
  PartiallyFilled,
  PendingCancel,
  CancelReject,
  Canceled,
  Filled,
  Expired,
  Rejected,
  Suspended,
  Stopped,
  DoneForDay,
  PendingReplace,
  Replaced,
  ReplaceReject,
} = OrderStatus

const info: OrderInfo = {
  fields: {
    account: 7,
    ticker: { symbol: 'ABX', venue: 'XTSE' },
    currency: 124,
    type: 1,
    side: 1,
    destination: 'TSX',
    quantity: 100_000_000,
    price: 1_000_000,
    timeInForce: 0,
    expiry: 0,
    clOrdId: '',
    tags: [],
  },
  submissionAccount: 7,
  orderId: 42,
  orderSequence: 1,
  timestamp: 1_000,
  shortFlag: false,
}

/** Reports of one order with these statuses. */
function reportsOf(...statuses: OrderStatus[]): readonly ExecutionReport[] {
  const reports: ExecutionReport[] = []
  for (const status of statuses) {
    const last = reports.at(-1)
    reports.push(last === undefined ? firstReport(info) : nextReport(last, { status, timestamp: last.timestamp + 1 }))
  }
  return reports
}

test('exactly five statuses are terminal', () => {
  deepEqual(Object.values(OrderStatus).filter(isTerminal), [Rejected, Expired, Canceled, Filled, DoneForDay])
})

test('the first report is pending new and takes nothing from anywhere but the order', () => {
  deepEqual(firstReport(info), {
    orderId: 42,
    sequence: 0,
    timestamp: 1_000,
    status: PendingNew,
    lastQty: 0,
    lastPx: 0,
    liquidityFlag: '',
    lastMarket: '',
    executionFee: 0,
    processingFee: 0,
    commission: 0,
    reason: Reason.None,
    params: [],
    text: '',
    tags: [],
    operator: 0,
  })
})

test('a following report keeps only the order id and the count', () => {
  const fill = nextReport(firstReport(info), {
    status: PartiallyFilled,
    timestamp: 5,
    lastQty: 4,
    lastPx: 3,
    text: 'a',
  })
  const after = nextReport(fill, { status: Canceled, timestamp: 6 })
  deepEqual(after, { ...firstReport(info), sequence: 2, status: Canceled, timestamp: 6 })
})

test('an order without reports waits for pending new, an ended one for nothing', () => {
  const all = Object.values(OrderStatus)
  deepEqual(
    all.filter(next => mayFollow(None, next)),
    [PendingNew],
  )
  for (const ended of all.filter(isTerminal))
    deepEqual(
      all.filter(next => mayFollow(ended, next)),
      [],
    )
})

test('a live order may go anywhere but back to pending new, and to new only where it was not trading', () => {
  const live = Object.values(OrderStatus).filter(status => status !== None && !isTerminal(status))
  const anywhere = [
    PartiallyFilled,
    PendingCancel,
    CancelReject,
    Canceled,
    Filled,
    Expired,
    Rejected,
    Suspended,
    Stopped,
    DoneForDay,
  ]
  const expected = live.map(from => {
    const isTrading = [New, PartiallyFilled, Stopped, PendingReplace, Replaced, ReplaceReject].includes(from as 2)
    return (isTrading ? anywhere : [New, ...anywhere]).toSorted((a, b) => a - b)
  })
  deepEqual(
    live.map(from => Object.values(OrderStatus).filter(next => next < PendingReplace && mayFollow(from, next))),
    expected,
  )
})

test('a replace begins in an acknowledged order, ends where it may be pending, and hides behind a pending cancel', () => {
  const live = Object.values(OrderStatus).filter(status => status !== None && !isTerminal(status))
  const from = (next: OrderStatus) => live.filter(current => mayFollow(current, next))
  const without = (...statuses: OrderStatus[]) => live.filter(status => !statuses.includes(status))
  deepEqual(from(PendingReplace), without(PendingNew, PendingCancel, PendingReplace))
  deepEqual(from(Replaced), without(PendingNew, New, PartiallyFilled, Replaced, ReplaceReject))
  deepEqual(from(ReplaceReject), without(PendingNew))
  deepEqual(
    [
      [PendingNew, New, PendingReplace, PartiallyFilled, Replaced],
      [PendingNew, New, PendingReplace, PartiallyFilled],
      [PendingNew, New, PendingReplace, PendingCancel, Replaced],
      [PendingNew, New, PartiallyFilled, ReplaceReject],
      [PendingNew, New, PendingReplace, ReplaceReject, New],
    ].map(statuses => orderStatusNames[currentStatus(reportsOf(...statuses))]),
    ['REPLACED', 'PENDING_REPLACE', 'PENDING_CANCEL', 'PARTIALLY_FILLED', 'NEW'],
  )
})

test('a step from outside is refused for what is wrong with it', () => {
  const step = { current: New as OrderStatus, leavesQty: 60, next: PartiallyFilled as OrderStatus, lastQty: 40 }
  const faults: [Partial<typeof step>, Reason][] = [
    [{}, Reason.None],
    [{ lastQty: 0 }, Reason.InvalidQuantity],
    [{ lastQty: -1 }, Reason.InvalidQuantity],
    [{ lastQty: 60 }, Reason.IllegalUpdate],
    [{ lastQty: 61 }, Reason.IllegalUpdate],
    [{ next: Filled }, Reason.IllegalUpdate],
    [{ next: Filled, lastQty: 60 }, Reason.None],
    [{ next: Filled, lastQty: 61 }, Reason.None],
    [{ next: Canceled }, Reason.IllegalUpdate],
    [{ next: Canceled, lastQty: 0 }, Reason.None],
    [{ next: New, lastQty: 0 }, Reason.IllegalUpdate],
    [{ current: PendingNew, next: New, lastQty: 0 }, Reason.None],
    [{ current: PendingNew }, Reason.None],
    [{ current: PendingCancel }, Reason.None],
    [{ current: Filled }, Reason.OrderTerminal],
    [{ current: None }, Reason.IllegalUpdate],
    [{ current: None, next: PendingNew, lastQty: 0 }, Reason.None],
    [{ next: PendingNew, lastQty: 0 }, Reason.IllegalUpdate],
  ]
  deepEqual(
    faults.map(([changes]) => stepFault({ ...step, ...changes })),
    faults.map(([, reason]) => reason),
  )
  deepEqual([overfill(60, 61), overfill(60, 60), overfill(60, 0)], [1, 0, 0])
})

test('a partial fill shows in the status unless a cancel is pending', () => {
  deepEqual(
    [
      [],
      [PendingNew],
      [PendingNew, New, PartiallyFilled],
      [PendingNew, New, PartiallyFilled, PendingCancel],
      [PendingNew, New, PendingCancel, PartiallyFilled],
      [PendingNew, New, PendingCancel, PartiallyFilled, Filled],
      [PendingNew, New, PendingCancel, CancelReject, PartiallyFilled],
    ].map(statuses => orderStatusNames[currentStatus(reportsOf(...statuses))]),
    ['NONE', 'PENDING_NEW', 'PARTIALLY_FILLED', 'PENDING_CANCEL', 'PENDING_CANCEL', 'FILLED', 'PARTIALLY_FILLED'],
  )
})

test('a late, repeated, early or second first report is dropped', () => {
  const live = reportsOf(PendingNew, New)
  const next = nextReport(live[1]!, { status: PartiallyFilled, timestamp: 3, lastQty: 1 })
  deepEqual(withReport(live, next), [...live, next])
  equal(withReport(live, { ...next, sequence: 1 }), live)
  equal(withReport(live, { ...next, sequence: 3 }), live)
  equal(withReport(live, { ...next, status: PendingNew }), live)
  const ended = reportsOf(PendingNew, Canceled)
  equal(withReport(ended, { ...next, sequence: 2 }), ended)
  const none = reportsOf()
  equal(withReport(none, { ...next, sequence: 0 }), none)
  deepEqual(withReport(none, firstReport(info)), [firstReport(info)])
})

test('whatever arrives, reports are numbered without gap, begin with pending new and end with the end', () => {
  const arrival = fc.record({
    status: fc.constantFrom(...Object.values(OrderStatus).filter(status => status !== None)),
    sequence: fc.integer({ min: 0, max: 6 }),
  })
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 30 }), arrivals => {
      let reports: readonly ExecutionReport[] = []
      for (const arrived of arrivals) reports = withReport(reports, { ...firstReport(info), ...arrived })
      deepEqual(
        reports.map(report => report.sequence),
        reports.map((_, index) => index),
      )
      deepEqual(
        reports.filter(report => report.status === PendingNew),
        reports.slice(0, 1),
      )
      equal(
        reports.slice(0, -1).some(report => isTerminal(report.status)),
        false,
      )
    }),
  )
})

test('a rejected order has two reports, both at the time of the order', () => {
  const first = firstReport(info)
  deepEqual(rejectedReports(info, { reason: Reason.BoardLot, params: [100] }), [
    first,
    { ...first, sequence: 1, status: Rejected, reason: Reason.BoardLot, params: [100] },
  ])
})

test('what was executed is the sum of the reports, what it cost the sum of three fees', () => {
  const first = firstReport(info)
  const fill = nextReport(first, {
    status: PartiallyFilled,
    timestamp: 2,
    lastQty: 40,
    executionFee: 5,
    processingFee: -2,
    commission: 1,
  })
  const last = nextReport(fill, { status: Filled, timestamp: 3, lastQty: 60 })
  equal(cumQty([first, fill, last]), 100)
  deepEqual([first, fill].map(feeTotal), [0, 4])
})
