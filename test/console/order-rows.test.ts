import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { type ExecutionReport, OrderStatus, Reason } from '../../src/client/index.ts'
import { verdictsOf } from '../../src/console/order-rows.ts'

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
