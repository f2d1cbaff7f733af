import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { Elements } from '../../src/client/elements.ts'
import { type ExecutionReport, OrderStatus, Reason } from '../../src/client/index.ts'
import { type OrderAccepted, readOrderEvent } from '../../src/client/orders.ts'
import { lifeOf, verdictsOf } from '../../src/console/order-rows.ts'
import type { Value } from '../../src/protocol/msgpack.ts'
import { accepted } from '../client/scripted-server.ts'

const report = (status: OrderStatus, reason: number = Reason.None): ExecutionReport => ({
  event: 'report',
  account: 1,
  reportSequence: 2,
  orderId: 3,
  sequence: 1,
  timestamp: 4,
  status,
  lastQty: 0,
  lastPx: 0,
  cumQty: 0,
  leavesQty: 0,
  liquidityFlag: '',
  lastMarket: '',
  executionFee: 0,
  processingFee: 0,
  commission: 0,
  reason,
  params: [],
  text: 'why',
  tags: [],
  operator: 0,
})

const NAMES = [
  'Form and reference data',
  'Halts',
  'Board lot',
  'Buying power',
  'Risk state',
  'Compliance rules',
  'Destination',
]
const all = (...verdicts: string[]) => NAMES.map((name, place) => `${name}: ${verdicts[place]}`)
const told = (...reports: ExecutionReport[]) => verdictsOf(reports).map(({ name, verdict }) => `${name}: ${verdict}`)

test('the reason of a rejection tells which check refused; those before it let the order pass', () => {
  const rejected = (reason: number) => told(report(OrderStatus.Rejected, reason))
  const [passed, refused, open] = ['passed', 'refused', 'not reached']
  deepEqual(rejected(Reason.InvalidSide), all(refused, open, open, open, open, open, open))
  deepEqual(rejected(Reason.UnknownTicker), all(refused, open, open, open, open, open, open))
  deepEqual(rejected(Reason.TradingHalted), all(passed, refused, open, open, open, open, open))
  deepEqual(rejected(Reason.BoardLot), all(passed, passed, refused, open, open, open, open))
  deepEqual(rejected(Reason.NoBbo), all(passed, passed, passed, refused, open, open, open))
  deepEqual(rejected(Reason.ExceedsBuyingPower), all(passed, passed, passed, refused, open, open, open))
  deepEqual(rejected(Reason.OnlyClosingOrders), all(passed, passed, passed, passed, refused, open, open))
  deepEqual(rejected(Reason.PriceOutsideCollar), all(passed, passed, passed, passed, passed, refused, open))
  deepEqual(rejected(Reason.DestinationNotAvailable), all(passed, passed, passed, passed, passed, passed, refused))
})

test('an order that was acknowledged passed every check; nothing is said where nothing is known', () => {
  deepEqual(
    told(report(OrderStatus.New), report(OrderStatus.Canceled, Reason.CanceledOnRequest)),
    NAMES.map(name => `${name}: passed`),
  )
  deepEqual(
    told(),
    NAMES.map(name => `${name}: unknown`),
  )
  deepEqual(
    told(report(OrderStatus.Rejected, Reason.Capacity)),
    NAMES.map(name => `${name}: unknown`),
  )
})

test('a replaced order is shown under its present terms, and its life tells which were asked for', () => {
  const record = {
    accepted: readOrderEvent(
      new Elements(accepted({ reportSequence: 1, orderId: 3, clOrdId: 'a' }) as Value[]),
    ) as OrderAccepted,
  }
  const terms = { clOrdId: 'b', quantity: 300, price: 25.5, shortFlag: false, holdPrice: 25_500_000 }
  const reports = [OrderStatus.New, OrderStatus.PendingReplace, OrderStatus.Replaced].map((status, at) => ({
    ...report(status),
    sequence: at + 1,
    ...(status !== OrderStatus.New && { terms }),
  }))
  const { order, steps, holdPrice } = lifeOf({ ...record, reports }, 'ada', [])
  const { quantity, price, open, clOrdId, status } = order
  deepEqual(
    { quantity, price, open, clOrdId, status, holdPrice },
    { quantity: 300, price: 25.5, open: 300, clOrdId: 'b', status: 'new', holdPrice: 25.5 },
  )
  deepEqual(
    steps.map(({ status, replace }) => [status, replace]),
    [
      ['pending new', undefined],
      ['new', undefined],
      ['pending replace', { quantity: 300, price: 25.5 }],
      ['replaced', { quantity: 300, price: 25.5 }],
    ],
  )
})
