import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Reason, reasonText } from '../../src/domain/reasons.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import type { AcceptedEvent, ReportEvent, SnapshotEvent } from '../../src/protocol/order-events.ts'
import { AUD, CAD, ShardStage, START_US, USD } from './shard-stage.ts'

const [MARKET, LIMIT, PEGGED, STOP] = [0, 1, 2, 3]
const [ASK, BID] = [0, 1]
const [DAY, GTC, IOC, GTD] = [0, 1, 4, 7]
const [NEW, PARTIALLY_FILLED, CANCELED, FILLED, PENDING_CANCEL] = [2, 3, 5, 8, 10]

/** A shard that quotes ABX.TSX at 9.99 – 10.01. */
function quoted(options: ConstructorParameters<typeof ShardStage>[0] = {}): ShardStage {
  const stage = new ShardStage(options)
  stage.quote('ABX.TSX', 9.99, 10.01)
  return stage
}

test('an order is accepted with what the server filled in, and rests', () => {
  const stage = quoted()
  stage.submit({ quantity: 100, price: 10 }, { sessionAccount: 42, session: 5 })
  const [accepted, report] = stage.published as [AcceptedEvent, ReportEvent]
  const { clOrdId, tags, ...fields } = accepted
  deepEqual(fields, {
    kind: Kind.OrderAccepted,
    requestId: 1,
    account: 1,
    reportSequence: 1,
    orderId: 1,
    orderSequence: 1,
    timestamp: START_US,
    submissionAccount: 42,
    ticker: 'ABX.TSX',
    currency: CAD,
    type: LIMIT,
    side: BID,
    destination: 'TSX',
    quantity: 100e6,
    price: 10e6,
    timeInForce: DAY,
    expiry: 0,
    shortFlag: false,
    holdPrice: 10e6,
  })
  equal(clOrdId, '')
  equal(tags, undefined)
  deepEqual(report, {
    kind: Kind.ExecutionReport,
    account: 1,
    reportSequence: 2,
    orderId: 1,
    sequence: 1,
    timestamp: START_US,
    status: NEW,
    lastQty: 0,
    lastPx: 0,
    cumQty: 0,
    leavesQty: 100e6,
    liquidityFlag: '',
    lastMarket: '',
    executionFee: 0,
    processingFee: 0,
    commission: 0,
    reason: 0,
    params: [],
    text: '',
    tags: undefined,
    operator: 0,
  })
  // The answer goes to the session that asked; its reports to whoever follows the account.
  deepEqual(stage.routing, [
    [5, 0],
    [0, 0],
  ])
  deepEqual(stage.journal, stage.published)
})

test('an order that crosses fills at the quote, one that does not rests until the quote comes', () => {
  const stage = quoted()
  stage.submit({ quantity: 100, price: 10.05 })
  stage.submit({ quantity: 50, price: 10 })
  stage.submit({ quantity: 60, price: 9.99, side: ASK })
  stage.submit({ type: MARKET, quantity: 10, price: 0 })
  stage.quote('ABX.TSX', 9.97, 9.98)
  deepEqual(stage.take(), [
    '#1 order 1 accepted: BUY 100 ABX.TSX @10.05',
    '#2 1.1 NEW 0/100',
    '#3 1.2 FILLED 100@10.01 100/0',
    '#4 order 2 accepted: BUY 50 ABX.TSX @10',
    '#5 2.1 NEW 0/50',
    '#6 order 3 accepted: SELL 60 ABX.TSX @9.99',
    '#7 3.1 NEW 0/60',
    '#8 3.2 FILLED 60@9.99 60/0',
    '#9 order 4 accepted: BUY 10 ABX.TSX',
    '#10 4.1 NEW 0/10',
    '#11 4.2 FILLED 10@10.01 10/0',
    '#12 2.2 FILLED 50@9.98 50/0',
  ])
  const [position] = stage.shown().values()
  deepEqual(
    [position?.quantity, position?.costBasis, position?.gross],
    // 40 × 10.01 + 10 × 10.01 + 50 × 9.98; sold 60 at 9.99 that had cost 10.01.
    [100e6, 999.5e6, -1.2e6],
  )
  deepEqual(stage.standing(), {
    usedBuyingPower: 999.5e6,
    gross: -1.2e6,
    fees: 0,
    openOrders: 0,
    lastReportSequence: 12,
    lastOrderSequence: 4,
    firstPositionRow: 0,
  })
})

test('what an order must be is told one code at a time; it is rejected with its own history and holds nothing', () => {
  const stage = quoted()
  const cases: [Parameters<ShardStage['submit']>[0], Reason][] = [
    [{ ticker: '' }, Reason.VenueMissing],
    [{ ticker: 'ABX' }, Reason.VenueMissing],
    [{ ticker: 'ABX.NOWHERE' }, Reason.VenueMissing],
    [{ ticker: '.TSX' }, Reason.SymbolMissing],
    [{ ticker: 'A B.TSX' }, Reason.UnknownTicker],
    [{ side: -1 }, Reason.InvalidSide],
    [{ side: 2 }, Reason.InvalidSide],
    [{ type: -1 }, Reason.InvalidOrderType],
    [{ type: 4 }, Reason.InvalidOrderType],
    [{ timeInForce: -1 }, Reason.InvalidTimeInForce],
    [{ timeInForce: 8 }, Reason.InvalidTimeInForce],
    [{ quantity: 0 }, Reason.InvalidQuantity],
    [{ quantity: -100 }, Reason.InvalidQuantity],
    [{ price: -1 }, Reason.InvalidPrice],
    [{ price: 0 }, Reason.InvalidPrice],
    [{ type: STOP, price: 0 }, Reason.InvalidPrice],
    [{ timeInForce: GTD }, Reason.InvalidExpiry],
    [{ timeInForce: GTD, expiry: START_US }, Reason.InvalidExpiry],
    [{ timeInForce: DAY, expiry: START_US + 1 }, Reason.InvalidExpiry],
    [{ currency: 999 }, Reason.UnknownCurrency],
    [{ destination: 'NOWHERE' }, Reason.UnknownDestination],
    [{ destination: 'ASXT' }, Reason.DestinationVenue],
    // The first of several is told.
    [{ ticker: 'ABX', side: 9, quantity: 0 }, Reason.VenueMissing],
    [{ side: 9, type: 9, quantity: 0 }, Reason.InvalidSide],
  ]
  for (const [index, [fields, reason]] of cases.entries()) {
    const orderId = stage.submit(fields)
    const [accepted, rejected] = stage.published as [AcceptedEvent, ReportEvent]
    equal(stage.published.length, 2)
    deepEqual(
      [accepted.orderId, accepted.orderSequence, accepted.reportSequence, accepted.holdPrice],
      [orderId, index + 1, 2 * index + 1, 0],
    )
    const { status, sequence, reportSequence, leavesQty, reason: told, params, text } = rejected
    deepEqual(
      { status, sequence, reportSequence, leavesQty, told, text },
      {
        status: 1,
        sequence: 1,
        reportSequence: 2 * index + 2,
        leavesQty: 0,
        told: reason,
        text: reasonText(reason, params),
      },
    )
    stage.take()
  }
  equal(stage.standing().openOrders, 0)
  equal(stage.standing().usedBuyingPower, 0)
  deepEqual([...stage.shown()], [])
})

test('a venue that prefers no destination leaves the order to itself', () => {
  const stage = new ShardStage()
  stage.submit({ ticker: 'XYZ.XATS' })
  deepEqual(stage.take(), ['#1 order 1 accepted: BUY 100 XYZ.XATS @1', '#2 1.1 NEW 0/100'])
})

test('what cannot be understood is refused: no order, no sequence', () => {
  const stage = quoted()
  const full = ['ABX.TSX', LIMIT, BID, 100, 1, DAY, '', 0, '', 0, null]
  const broken = (index: number, value: unknown) => full.map((known, at) => (at === index ? value : known))
  const cases: [unknown[], string][] = [
    [full.slice(0, 5), 'MALFORMED_MESSAGE'],
    [[...full, 1], 'MALFORMED_MESSAGE'],
    [broken(0, 5), 'MALFORMED_MESSAGE'],
    [broken(0, 'A'.repeat(33)), 'MALFORMED_MESSAGE'],
    [broken(1, 'LIMIT'), 'MALFORMED_MESSAGE'],
    [broken(2, 0.5), 'MALFORMED_MESSAGE'],
    [broken(3, Number.NaN), 'INVALID_QUANTITY'],
    [broken(3, Number.POSITIVE_INFINITY), 'INVALID_QUANTITY'],
    [broken(3, 1e-7), 'INVALID_QUANTITY'],
    [broken(3, 2 ** 33), 'INVALID_QUANTITY'],
    [broken(3, '100'), 'MALFORMED_MESSAGE'],
    [broken(4, 0.1234567), 'INVALID_PRICE'],
    [broken(5, null), 'MALFORMED_MESSAGE'],
    [broken(6, 'D'.repeat(17)), 'MALFORMED_MESSAGE'],
    [broken(7, 'CAD'), 'MALFORMED_MESSAGE'],
    [broken(8, 'c'.repeat(37)), 'INVALID_CL_ORD_ID'],
    [broken(9, -1), 'INVALID_EXPIRY'],
    [broken(10, 'tags'), 'INVALID_TAGS'],
    [broken(10, [[1]]), 'INVALID_TAGS'],
  ]
  for (const [elements, reason] of cases) {
    stage.request([Kind.Submit, ...elements], {}, 999)
    deepEqual([stage.take(), stage.answers()], [[], [reason]], JSON.stringify(elements))
  }
  equal(stage.state.books[0]?.reportSequence ?? 0, 0)
})

test('texts that are no UTF-8 are refused and never stored', () => {
  const stage = quoted()
  const message = (at: number): Buffer => {
    const bad = Buffer.from([0xa2, 0xc3, 0x28])
    const parts: (Buffer | number[])[] = [
      [0x9e, Kind.Submit, 1, 0],
      Buffer.from('\xa7ABX.TSX', 'latin1'),
      [1, 1, 100, 1, 0],
    ]
    parts.push([0xa0], [0], [0xa0], [0], [0xc0])
    const places = { ticker: 1, destination: 3, clOrdId: 5 }
    parts[[places.ticker, places.destination, places.clOrdId][at]!] = bad
    return Buffer.concat(parts.map(part => Buffer.from(part)))
  }
  for (const at of [0, 1, 2]) {
    stage.postBytes(message(at), { row: 0, session: 1, sessionAccount: 1, administrator: false }, 5)
    stage.turn()
    deepEqual([stage.take(), stage.answers()], [[], ['INVALID_TEXT']])
  }
})

test('each check refuses with its code, the first of them only', () => {
  const terms = [{ buyingPowerLimit: 1000e6 }, { currency: 65535 }, { currency: USD }, { riskState: 1 }]
  const stage = quoted({ checks: ['board_lot', 'buying_power', 'risk_state'], accounts: terms })
  const reasons = (): string[] =>
    stage
      .take()
      .map(text => / (?:REJECTED (\w+)|NEW) /.exec(text)?.[1] ?? '')
      .filter(reason => reason !== '')
  stage.submit({ quantity: 150, price: 10 })
  stage.submit({ ticker: 'XYZ.TSX', price: 10 })
  stage.submit({ quantity: 200, price: 10 })
  deepEqual(reasons(), ['BOARD_LOT', 'NO_BBO', 'EXCEEDS_BUYING_POWER'])
  stage.submit({ price: 10 })
  equal(stage.standing().usedBuyingPower, 1000e6)
  // Exactly the limit is in use; nothing more goes on that side, all of it on the other, of which only the dearer counts.
  stage.submit({ price: 0.01 })
  stage.submit({ price: 10, side: ASK })
  stage.submit({ price: 10, side: ASK })
  deepEqual(reasons(), ['EXCEEDS_BUYING_POWER', 'EXCEEDS_BUYING_POWER'])
  stage.submit({ price: 10 }, { row: 1 })
  stage.submit({ price: 10 }, { row: 2 })
  stage.submit({ price: 10 }, { row: 3 })
  deepEqual(reasons(), ['CURRENCY_NOT_RECOGNIZED', 'CURRENCY_NOT_RECOGNIZED', 'ONLY_CLOSING_ORDERS'])
})

test('an account that may only close may sell what it has and no more', () => {
  const stage = quoted({ checks: ['risk_state'] })
  stage.submit({ price: 10.05 })
  stage.terms(0, { riskState: 1 })
  stage.take()
  stage.submit({ side: ASK, quantity: 60, price: 11 })
  stage.submit({ side: ASK, quantity: 41, price: 11 })
  stage.submit({ side: BID, quantity: 1, price: 9 })
  stage.submit({ side: ASK, quantity: 40, price: 11 })
  stage.terms(0, { riskState: 0 })
  stage.submit({ side: ASK, quantity: 1, price: 11 })
  deepEqual(stage.take(), [
    '#4 order 2 accepted: SELL 60 ABX.TSX @11',
    '#5 2.1 NEW 0/60',
    '#6 order 3 accepted: SHORT 41 ABX.TSX @11',
    '#7 3.1 REJECTED ONLY_CLOSING_ORDERS 0/0',
    '#8 order 4 accepted: BUY 1 ABX.TSX @9',
    '#9 4.1 REJECTED ONLY_CLOSING_ORDERS 0/0',
    '#10 order 5 accepted: SELL 40 ABX.TSX @11',
    '#11 5.1 NEW 0/40',
    '#12 order 6 accepted: SHORT 1 ABX.TSX @11',
    '#13 6.1 NEW 0/1',
  ])
})

test('the same client order id gives the first outcome again, a different order under it is refused', () => {
  const stage = quoted({ accounts: [{}, {}] })
  const order = { clOrdId: 'mine', quantity: 100, price: 10 }
  stage.submit(order)
  stage.take()
  // Spelling out a default changes nothing; anything else does.
  for (const same of [order, { ...order, destination: 'TSX', currency: CAD }]) {
    const before = stage.lookups.length
    stage.submit(same, { session: 9 })
    deepEqual(
      stage.lookups.slice(before).map(([session, , row, orderId, purpose]) => [session, row, orderId, purpose]),
      [[9, 0, 1, 1]],
    )
  }
  stage.answers()
  for (const other of [
    { ...order, quantity: 101 },
    { ...order, price: 10.01 },
    { ...order, side: ASK },
    { ...order, type: MARKET },
    { ...order, timeInForce: GTC },
    { ...order, ticker: 'ABX.TSXV' },
    { ...order, destination: 'ALPHA' },
    { ...order, currency: USD },
  ]) {
    stage.submit(other)
    deepEqual([stage.take(), stage.answers()], [[], ['CL_ORD_ID_REUSED']])
  }
  // Ids belong to their account; a rejected order keeps its id too; without an id orders are never the same.
  stage.submit(order, { row: 1 })
  const rejected = stage.submit({ ...order, clOrdId: 'bad', quantity: 0 })
  stage.submit({ ...order, clOrdId: 'bad', quantity: 0 })
  stage.submit({ price: 10 })
  stage.submit({ price: 10 })
  deepEqual(stage.answers(), [`first outcome of ${rejected}`])
  equal(stage.take().length, 8)
})

test('a cancel is answered; what has ended is refused by the record, what is unknown or foreign as well', () => {
  const stage = quoted({ accounts: [{}, {}] })
  const orderId = stage.submit({ price: 10 })
  stage.cancel(orderId, { row: 1 })
  stage.cancel(99)
  stage.cancel(0)
  stage.cancel(-5)
  deepEqual(stage.answers().sort(), [
    'UNKNOWN_ORDER',
    'UNKNOWN_ORDER',
    `refuse by the record of ${orderId}`,
    'refuse by the record of 99',
  ])
  stage.cancel(orderId)
  stage.cancel(orderId)
  deepEqual(stage.answers(), ['DONE', `refuse by the record of ${orderId}`])
  stage.request([Kind.Cancel])
  stage.request([Kind.Cancel, 'x'])
  stage.request([Kind.Cancel, 1, 2])
  deepEqual(stage.answers(), ['MALFORMED_MESSAGE', 'MALFORMED_MESSAGE', 'MALFORMED_MESSAGE'])
  deepEqual(stage.take(), [
    '#1 order 1 accepted: BUY 100 ABX.TSX @10',
    '#2 1.1 NEW 0/100',
    '#3 1.2 PENDING_CANCEL 0/100',
    '#4 1.3 CANCELED CANCELED_ON_REQUEST 0/0',
  ])
  equal(stage.standing().usedBuyingPower, 0)
})

test('a second cancel is refused while the first is pending', () => {
  const stage = quoted()
  const orderId = stage.submit({ price: 10 })
  stage.update(orderId, [PENDING_CANCEL])
  stage.take()
  stage.cancel(orderId)
  deepEqual([stage.take(), stage.answers()], [[], ['DONE', 'ALREADY_CANCELING']])
})

test("an administrator's reports count as the market's do, and say who made them and when", () => {
  const stage = quoted()
  const orderId = stage.submit({ price: 10, quantity: 100 })
  stage.nowUs += 60e6
  stage.take()
  stage.update(orderId, [
    PARTIALLY_FILLED,
    40,
    10,
    'by phone',
    'XTSE',
    'A',
    0.1,
    0.2,
    0.3,
    START_US + 5e6,
    [[18, 5, 'R']],
  ])
  const [report] = stage.published as [ReportEvent]
  deepEqual(
    { ...report, tags: report.tags === undefined ? 0 : report.tags.length },
    {
      kind: Kind.ExecutionReport,
      account: 1,
      reportSequence: 3,
      orderId,
      sequence: 2,
      timestamp: START_US + 5e6,
      status: PARTIALLY_FILLED,
      lastQty: 40e6,
      lastPx: 10e6,
      cumQty: 40e6,
      leavesQty: 60e6,
      liquidityFlag: 'A',
      lastMarket: 'XTSE',
      executionFee: 0.1e6,
      processingFee: 0.2e6,
      commission: 0.3e6,
      reason: 0,
      params: [],
      text: 'by phone',
      tags: 6,
      operator: 99,
    },
  )
  stage.take()
  // Nothing of it sticks to the reports after it; a time to come is now.
  stage.update(orderId, [NEW - 2 + 6, 0, 0, '', '', '', 0, 0, 0, stage.nowUs + 1e6])
  stage.update(orderId, [NEW])
  stage.update(orderId, [FILLED, 60, 9.5])
  const reports = stage.published as ReportEvent[]
  deepEqual(
    reports.map(({ timestamp, text, lastMarket, executionFee, operator }) => [
      timestamp,
      text,
      lastMarket,
      executionFee,
      operator,
    ]),
    reports.map(() => [stage.nowUs, '', '', 0, 99]),
  )
  deepEqual(stage.take(), ['#4 1.3 SUSPENDED 40/60', '#5 1.4 NEW 40/60', '#6 1.5 FILLED 60@9.5 100/0'])
  deepEqual(stage.answers(), ['DONE', 'DONE', 'DONE', 'DONE'])
  const [position] = stage.shown().values()
  deepEqual([position?.quantity, position?.costBasis, position?.fees], [100e6, 970e6, 0.6e6])
  // The times of the market never go back behind the administrator's.
  stage.nowUs = START_US
  stage.submit({ price: 10 })
  ok(stage.published.every(event => event.kind !== Kind.ExecutionReport || event.timestamp === START_US + 60e6))
})

test('an update that is no legal step is refused and changes nothing; more than was open may have happened', () => {
  const stage = quoted()
  const orderId = stage.submit({ price: 10, quantity: 100 })
  stage.take()
  for (const [elements, reason] of [
    [[0], 'ILLEGAL_UPDATE'],
    [[NEW], 'ILLEGAL_UPDATE'],
    [[15], 'INVALID_STATUS'],
    [[-1], 'ILLEGAL_UPDATE'],
    [[PARTIALLY_FILLED, 0, 10], 'INVALID_QUANTITY'],
    [[PARTIALLY_FILLED, 100, 10], 'ILLEGAL_UPDATE'],
    [[PARTIALLY_FILLED, -5, 10], 'INVALID_QUANTITY'],
    [[FILLED, 99, 10], 'ILLEGAL_UPDATE'],
    [[CANCELED, 10, 10], 'ILLEGAL_UPDATE'],
    [[PARTIALLY_FILLED, 10, -1], 'INVALID_PRICE'],
    [[FILLED, 4_000_000_000, 4_000_000_000], 'AMOUNT_TOO_LARGE'],
    [[FILLED, Number.NaN, 1], 'INVALID_QUANTITY'],
    [[FILLED, 1, Number.NaN], 'INVALID_PRICE'],
    [[CANCELED, 0, 0, 'x'.repeat(1025)], 'INVALID_TEXT'],
    [[CANCELED, 0, 0, '', 'x'.repeat(17)], 'INVALID_TEXT'],
    [[CANCELED, 0, 0, '', '', 'x'.repeat(9)], 'INVALID_TEXT'],
    [[CANCELED, 0, 0, '', '', '', 'x'], 'MALFORMED_MESSAGE'],
    [[CANCELED, 0, 0, '', '', '', 0, 0, 0, -1], 'MALFORMED_MESSAGE'],
    [[CANCELED, 0, 0, '', '', '', 0, 0, 0, 0, 5], 'INVALID_TAGS'],
    [['x'], 'MALFORMED_MESSAGE'],
  ] as const) {
    stage.update(orderId, elements)
    deepEqual([stage.take(), stage.answers()], [[], [reason]], JSON.stringify(elements))
  }
  stage.update(orderId, [FILLED, 150, 10])
  stage.update(orderId, [CANCELED])
  deepEqual(stage.take(), ['#3 1.2 FILLED 150@10 150/0'])
  deepEqual(stage.answers(), ['DONE', `refuse by the record of ${orderId}`])
  const [position] = stage.shown().values()
  deepEqual([position?.quantity, position?.pendingBuy], [150e6, 0])
})

test('a sale that was overfilled leaves nothing offered, so that the next sale is short where it exceeds the rest', () => {
  const stage = quoted()
  stage.submit({ price: 10.05, quantity: 200 })
  const orderId = stage.submit({ side: ASK, price: 11, quantity: 100 })
  stage.update(orderId, [FILLED, 150, 11])
  stage.take()
  stage.submit({ side: ASK, price: 11, quantity: 50 })
  stage.submit({ side: ASK, price: 11, quantity: 1 })
  deepEqual(stage.take(), [
    '#7 order 3 accepted: SELL 50 ABX.TSX @11',
    '#8 3.1 NEW 0/50',
    '#9 order 4 accepted: SHORT 1 ABX.TSX @11',
    '#10 4.1 NEW 0/1',
  ])
})

test('a manual order of an administrator fills at once and passes no check; anybody else is rejected', () => {
  const stage = quoted({
    checks: ['board_lot', 'buying_power', 'risk_state'],
    accounts: [{ buyingPowerLimit: 0, riskState: 2 }],
  })
  const manual = { destination: 'MOE', quantity: 33, price: 7.5 }
  stage.submit(manual, { administrator: true })
  stage.submit(manual)
  stage.submit({ ...manual, quantity: 0 }, { administrator: true })
  stage.submit({ ...manual, type: MARKET, price: 0 }, { administrator: true })
  deepEqual(stage.take(), [
    '#1 order 1 accepted: BUY 33 ABX.TSX @7.5',
    '#2 1.1 NEW 0/33',
    '#3 1.2 FILLED 33@7.5 33/0',
    '#4 order 2 accepted: BUY 33 ABX.TSX @7.5',
    '#5 2.1 REJECTED MANUAL_ORDER_NOT_PERMITTED 0/0',
    '#6 order 3 accepted: BUY 0 ABX.TSX @7.5',
    '#7 3.1 REJECTED INVALID_QUANTITY 0/0',
    '#8 order 4 accepted: BUY 33 ABX.TSX',
    '#9 4.1 REJECTED INVALID_PRICE 0/0',
  ])
  equal(stage.standing().usedBuyingPower, 247.5e6)
})

test('a full shard refuses orders until one ends; tickers and positions over the limit are rejected orders', () => {
  const stage = quoted({ limits: { liveOrdersMax: 2, clOrdIdsMax: 3, listingsMax: 3, positionsMax: 3 } })
  const first = stage.submit({ price: 9 })
  stage.submit({ price: 9 })
  stage.take()
  stage.submit({ price: 9 })
  deepEqual([stage.take(), stage.answers()], [[], ['CAPACITY']])
  stage.cancel(first)
  stage.answers()
  stage.submit({ ticker: 'B.TSX', price: 9 })
  equal(stage.take().length, 4)
  stage.cancel(2)
  stage.submit({ ticker: 'C.TSX', price: 9 })
  stage.cancel(5)
  stage.take()
  stage.submit({ ticker: 'D.TSX', price: 9 })
  deepEqual(stage.take(), ['#15 order 6 accepted: BUY 100 D.TSX @9', '#16 6.1 REJECTED CAPACITY 0/0'])
})

test('positions over the limit are refused, those that are there go on', () => {
  const stage = quoted({ limits: { positionsMax: 1 } })
  stage.submit({ price: 9 })
  stage.submit({ ticker: 'B.TSX', price: 9 })
  stage.submit({ price: 9 })
  deepEqual(
    stage.take().filter(text => text.includes('REJECTED')),
    ['#4 2.1 REJECTED CAPACITY 0/0'],
  )
})

test('amounts that would leave the range are refused before anything is counted', () => {
  const stage = quoted()
  stage.submit({ quantity: 2 ** 32, price: 2 ** 32, side: BID })
  stage.submit({ quantity: 4_000_000_000, price: 1 })
  stage.submit({ quantity: 4_000_000_000, price: 1 })
  deepEqual(
    stage.take().filter(text => /REJECTED|NEW/.test(text)),
    ['#2 1.1 REJECTED AMOUNT_TOO_LARGE 0/0', '#4 2.1 NEW 0/4000000000', '#6 3.1 REJECTED AMOUNT_TOO_LARGE 0/0'],
  )
})

test('when the currency of the risk parameters changes, buying power is counted anew in it', () => {
  const stage = quoted({ checks: ['buying_power'] })
  stage.rates.write({ base: CAD, counter: USD, numerator: 3, denominator: 4 })
  stage.quote('BHP.ASX', 49, 51)
  stage.submit({ price: 10.05 })
  stage.submit({ price: 9, quantity: 50 })
  stage.submit({ price: 12, quantity: 30, side: ASK })
  equal(stage.standing().usedBuyingPower, 1451e6)
  stage.terms(0, { currency: USD })
  stage.submit({ price: 8, quantity: 10 })
  // 100 at 10.01 held, 50 at 9 and 10 at 8 asked, each in US dollars.
  equal(stage.standing().usedBuyingPower, (1001 + 450 + 80) * 0.75e6)
  stage.terms(0, { currency: AUD })
  stage.submit({ price: 8, quantity: 10 })
  deepEqual(stage.take().at(-1), '#11 5.1 REJECTED CURRENCY_NOT_RECOGNIZED 0/0')
  equal(stage.standing().usedBuyingPower, 0)
  // What could not be counted meanwhile is counted again once there is a way to.
  stage.rates.write({ base: CAD, counter: AUD, numerator: 2, denominator: 1 })
  stage.terms(0, { currency: CAD })
  stage.submit({ price: 8, quantity: 10 })
  equal(stage.standing().usedBuyingPower, 1001e6 + 450e6 + 80e6 + 80e6)
})

test('snapshots come after so many reports and at the stop, with positions and live orders, for the journal alone', () => {
  const stage = quoted({ snapshotReports: 5, accounts: [{}, {}, {}] })
  stage.submit({ price: 10.05 })
  stage.cancel(stage.submit({ price: 9 }))
  const isSnapshot = stage.journal.map(({ kind }) => kind === Kind.InventorySnapshot)
  deepEqual(isSnapshot, [false, false, false, false, false, false, false, true])
  stage.submit({ ticker: 'XYZ.TSX', price: 5 }, { row: 1 })
  stage.stop()
  const snapshots = stage.journal.filter(event => event.kind === Kind.InventorySnapshot) as SnapshotEvent[]
  deepEqual(snapshots, [
    {
      kind: Kind.InventorySnapshot,
      account: 1,
      reportSequence: 7,
      orderSequence: 2,
      timestamp: START_US,
      currency: CAD,
      entries: [
        {
          ticker: 'ABX.TSX',
          currency: CAD,
          quantity: 100e6,
          costBasis: 1001e6,
          gross: 0,
          fees: 0,
          volume: 100e6,
          transactions: 1,
          expenditure: 1001e6,
        },
      ],
      liveOrderIds: [],
    },
    {
      kind: Kind.InventorySnapshot,
      account: 2,
      reportSequence: 2,
      orderSequence: 1,
      timestamp: START_US,
      currency: CAD,
      entries: [],
      liveOrderIds: [3],
    },
  ])
  equal(stage.published.length, 9)
  ok(stage.notices.includes('Stopped'))
})

test('an account with many live orders is not asked for a snapshot that would be mostly their ids', () => {
  const stage = quoted({ snapshotReports: 4 })
  for (let i = 0; i < 10; i++) stage.submit({ price: 9 })
  // Eight reports for each order that lives: with ten of them, eighty.
  equal(stage.journal.filter(({ kind }) => kind === Kind.InventorySnapshot).length, 0)
  for (let i = 1; i <= 10; i++) stage.cancel(i)
  ok(stage.journal.some(({ kind }) => kind === Kind.InventorySnapshot))
})

test('orders that are not filled at once, and those whose time has come, end with their reason', () => {
  const stage = quoted()
  stage.submit({ price: 10, timeInForce: IOC })
  stage.submit({ price: 10, timeInForce: GTD, expiry: START_US + 60e6 })
  stage.wait(59)
  stage.wait(1)
  deepEqual(stage.take(), [
    '#1 order 1 accepted: BUY 100 ABX.TSX @10',
    '#2 1.1 NEW 0/100',
    '#3 1.2 CANCELED NOT_FILLED_AT_ONCE 0/0',
    '#4 order 2 accepted: BUY 100 ABX.TSX @10',
    '#5 2.1 NEW 0/100',
    '#6 2.2 EXPIRED EXPIRED 0/0',
  ])
})

test('who cancels at the very time an order expires is told that it has ended', () => {
  const stage = quoted()
  const orderId = stage.submit({ price: 10, timeInForce: GTD, expiry: START_US + 60e6 })
  stage.nowUs += 60e6
  stage.cancel(orderId)
  deepEqual(stage.take().at(-1), '#3 1.2 EXPIRED EXPIRED 0/0')
  deepEqual(stage.answers(), [`refuse by the record of ${orderId}`])
})

test('many orders of one turn share one block, in the order in which they came', () => {
  const stage = quoted({ accounts: [{}, {}] })
  for (let i = 0; i < 100; i++) stage.post([Kind.Submit, 'ABX.TSX', LIMIT, BID, 100, 9, DAY], { row: i % 2 }, 1 + i)
  stage.turn()
  deepEqual(
    stage.journal.map(event => event.kind === Kind.OrderAccepted && event.orderId).filter(id => id !== false),
    Array.from({ length: 100 }, (_, i) => i + 1),
  )
  deepEqual(stage.published, stage.journal)
})

test('a block that no record of the report ring takes is published in pieces, snapshots left out', () => {
  const stage = quoted({ reportRingBytes: 1 << 16, snapshotReports: 3, commandsPerTurnMax: 60 })
  for (let i = 0; i < 60; i++)
    stage.post([Kind.Submit, 'ABX.TSX', LIMIT, BID, 100, 11, DAY, '', 0, `id ${i}`], {}, 1 + i)
  stage.link.flush()
  ok(stage.cycle.turn())
  stage.read()
  const { journal, published, routing } = stage
  deepEqual(
    published,
    journal.filter(({ kind }) => kind !== Kind.InventorySnapshot),
  )
  equal(routing.length, published.length)
  deepEqual(
    routing.map(([session]) => session),
    published.map(({ kind }) => (kind === Kind.OrderAccepted ? 7 : 0)),
  )
})

test('a peg and its difference come from the tags, and an order of a kind the venue cannot price waits', () => {
  const stage = quoted()
  stage.submit({
    type: PEGGED,
    price: 0,
    tags: [
      [18, 5, 'P'],
      [211, 3, 0.05],
    ],
  })
  stage.submit({ type: PEGGED, price: 0, tags: [[18, 5, 'P']] })
  deepEqual(stage.take(), [
    '#1 order 1 accepted: BUY 100 ABX.TSX @0',
    '#2 1.1 NEW 0/100',
    '#3 order 2 accepted: BUY 100 ABX.TSX @0',
    '#4 2.1 NEW 0/100',
    '#5 2.2 FILLED 100@10.01 100/0',
  ])
})
