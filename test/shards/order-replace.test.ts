// New terms for live orders: at the simulated venue, which answers at once, and at a destination that answers later.

import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nodesBody, ruleBody } from '../../src/compliance/rule-messages.ts'
import { type Parameter, RuleState } from '../../src/compliance/schema.ts'
import { ManualEntry } from '../../src/destinations/manual-entry.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { Side } from '../../src/domain/side.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { MassCancelMode } from '../../src/protocol/mass-cancel.ts'
import { pack } from '../../src/protocol/msgpack.ts'
import type { ReportEvent } from '../../src/protocol/order-events.ts'
import { Command, RestorePiece } from '../../src/shared-memory/records.ts'
import { slack, worstCost } from '../accounting/worst-ending.ts'
import { LateVenue } from './late-venue.ts'
import { CAD, ShardStage, type StageOptions, USD } from './shard-stage.ts'

const RUNS = Number(process.env.RUNS ?? 150)
const [MARKET, LIMIT, PEGGED, STOP] = [0, 1, 2, 3]
const ASK = 0
const GTX = 6
const [FILLED, PENDING_CANCEL] = [8, 10]

/** A shard that quotes ABX.TSX at 9.99 – 10.01. */
function quoted(options: StageOptions = {}): ShardStage {
  const stage = new ShardStage(options)
  stage.quote('ABX.TSX', 9.99, 10.01)
  return stage
}

/** The same with a destination that answers later. */
function late(options: StageOptions = {}): { stage: ShardStage; venue: LateVenue } {
  let venue: LateVenue | undefined
  const stage = quoted({
    ...options,
    destinations: (life, state) => {
      venue = new LateVenue(life, state)
      return { simulated: venue, manual: new ManualEntry(life) }
    },
  })
  return { stage, venue: venue! }
}

/** Lets the destination speak, as a command of the shard would, and gives the lines that come of it. */
function hear(stage: ShardStage, speak: () => void): string[] {
  speak()
  stage.wait(0)
  return stage.take()
}

/** The words of a report: without sequences, order id and what is done. */
const words = (lines: readonly string[]) => lines.map(line => line.replace(/^#\d+ \d+\.\d+ /, ''))

test('a replaced order goes on under its new terms; the answer to the request is the report that it is pending', () => {
  const stage = quoted({ checks: ['buying_power'] })
  stage.submit({ quantity: 300, price: 9.9, clOrdId: 'a' })
  stage.take()
  stage.routing.length = 0
  stage.replace(1, [500, 9.8, 'b', 'a'], { session: 5 })
  const [pending, replaced] = stage.published as [ReportEvent, ReportEvent]
  deepEqual(
    [pending.requestId, pending.terms, replaced.requestId, replaced.terms],
    [
      2,
      { clOrdId: 'b', quantity: 500e6, price: 9.8e6, shortFlag: false, holdPrice: 9.8e6 },
      undefined,
      { clOrdId: 'b', quantity: 500e6, price: 9.8e6, shortFlag: false, holdPrice: 9.8e6 },
    ],
  )
  deepEqual(stage.take(), ['#3 1.2 PENDING_REPLACE [500@9.8 b] 0/300', '#4 1.3 REPLACED [500@9.8 b] 0/500'])
  deepEqual(stage.routing, [
    [5, 0],
    [0, 0],
  ])
  deepEqual(stage.answers(), [])
  deepEqual([stage.book().used, stage.shown().get('ABX.TSX')?.pendingBuy], [4900e6, 500e6])
  stage.replace(1, [200, 9.8, 'c', 'b'])
  deepEqual([stage.take().at(-1), stage.book().used], ['#6 1.5 REPLACED [200@9.8 c] 0/200', 1960e6])
})

test('a replace that makes the order marketable trades at once, and so does a stop whose new trigger was reached', () => {
  const stage = quoted()
  stage.submit({ quantity: 100, price: 9.9 })
  stage.submit({ quantity: 100, price: 11, type: STOP })
  stage.take()
  stage.replace(1, [200, 10.02])
  deepEqual(words(stage.take()), [
    'PENDING_REPLACE [200@10.02] 0/100',
    'REPLACED [200@10.02] 0/200',
    'FILLED 200@10.01 200/0',
  ])
  stage.replace(2, [100, 10.5])
  deepEqual(words(stage.take()), ['PENDING_REPLACE [100@10.5] 0/100', 'REPLACED [100@10.5] 0/100'])
  stage.quote('ABX.TSX', 10.4, 10.6)
  deepEqual(stage.take(), [])
})

test('what has no price to replace keeps it: the order goes on as it was, with a coded reason', () => {
  const stage = quoted()
  stage.submit({ type: MARKET, price: 0, timeInForce: 3, quantity: 100 })
  stage.submit({ type: PEGGED, price: 0, quantity: 100 })
  stage.submit({ price: 9.9, timeInForce: GTX })
  stage.take()
  stage.replace(1, [100, 10])
  stage.replace(1, [200, 0])
  stage.replace(2, [100, 9.98])
  stage.replace(3, [100, 10.02])
  deepEqual(words(stage.take()), [
    'PENDING_REPLACE [100@10] 0/100',
    'REPLACE_REJECT [100@10] TERM_NOT_REPLACEABLE 0/100',
    'PENDING_REPLACE [200@0] 0/100',
    'REPLACED [200@0] 0/200',
    'PENDING_REPLACE [100@9.98] 0/100',
    'REPLACED [100@9.98] 0/100',
    'PENDING_REPLACE [100@10.02] 0/100',
    'REPLACE_REJECT [100@10.02] WOULD_TRADE 0/100',
  ])
})

test('a quantity that is executed already ends the order, with what was executed as its quantity', () => {
  const stage = quoted()
  stage.submit({ quantity: 300, price: 9.9 })
  stage.update(1, [3, 100, 9.9])
  stage.take()
  stage.replace(1, [50, 9.5])
  deepEqual(words(stage.take()), [
    'PENDING_REPLACE [50@9.5] 100/200',
    'REPLACED [100@9.5] 100/0',
    'CANCELED NOTHING_LEFT_BY_REPLACE 100/0',
  ])
  deepEqual([stage.standing().openOrders, stage.book().used], [0, 990e6])
})

test('terms that no order may have, or that fail a check, are told by a report and change nothing', () => {
  const stage = quoted({
    checks: ['board_lot', 'buying_power', 'risk_state'],
    accounts: [{ buyingPowerLimit: 2000e6 }],
  })
  stage.submit({ quantity: 100, price: 9.9, clOrdId: 'a' })
  stage.take()
  const cases: [unknown[], string][] = [
    [[0, 9.9], 'INVALID_QUANTITY'],
    [[-100, 9.9], 'INVALID_QUANTITY'],
    [[100, 0], 'INVALID_PRICE'],
    [[100, -1], 'INVALID_PRICE'],
    [[150, 9.9], 'BOARD_LOT'],
    [[300, 9.9], 'EXCEEDS_BUYING_POWER'],
    [[50, 9.9], 'BOARD_LOT'],
  ]
  for (const [elements, reason] of cases) {
    stage.replace(1, elements)
    deepEqual(
      stage.take().map(line => /REPLACE_REJECT \[\S+\] (\S+) 0\/100$/.exec(line)?.[1]),
      [reason],
      JSON.stringify(elements),
    )
  }
  equal(stage.book().used, 990e6)
  // Twice the quantity at the limit of the buying power: what the order has is not counted twice.
  stage.replace(1, [200, 9.9])
  deepEqual([words(stage.take()).at(-1), stage.book().used], ['REPLACED [200@9.9] 0/200', 1980e6])
})

test('a replace that cannot be understood, or finds no order that could be replaced, is refused without a report', () => {
  const stage = quoted({ accounts: [{}, {}] })
  stage.submit({ price: 9.9, clOrdId: 'a' })
  stage.submit({ price: 9.8 })
  stage.cancel(2)
  stage.take()
  stage.answers()
  const cases: [unknown[], string][] = [
    [[1], 'MALFORMED_MESSAGE'],
    [['one', 100, 9.9], 'MALFORMED_MESSAGE'],
    [[0, 100, 9.9], 'MALFORMED_MESSAGE'],
    [[1, 100, 9.9, 'b', 'a', 1], 'MALFORMED_MESSAGE'],
    [[1, Number.NaN, 9.9], 'INVALID_QUANTITY'],
    [[1, 100, 9.1234567], 'INVALID_PRICE'],
    [[1, 100, 9.9, 'x'.repeat(37)], 'INVALID_CL_ORD_ID'],
    [[1, 100, 9.9, 'a'], 'CL_ORD_ID_REUSED'],
    [[0, 100, 9.9, 'b', 'z'], 'UNKNOWN_ORDER'],
    [[3, 100, 9.9, 'b', 'a'], 'UNKNOWN_ORDER'],
    [[2, 100, 9.9], 'refuse by the record of 2'],
  ]
  for (const [elements, answer] of cases) {
    stage.request([Kind.Replace, ...elements])
    deepEqual([stage.answers(), stage.take()], [[answer], []], JSON.stringify(elements))
  }
  stage.request([Kind.Replace, 1, 100, 9.8], { row: 1 })
  deepEqual(stage.answers(), ['refuse by the record of 1'])
  equal(stage.standing().lastReportSequence, 6)
})

test('the chain of client order ids leads to the order, and only its present end may be named', () => {
  const stage = quoted()
  stage.submit({ price: 9.9, clOrdId: 'a' })
  const asked = (...elements: unknown[]) => {
    stage.take()
    stage.request([Kind.Replace, ...elements])
    return [...words(stage.take()), ...stage.answers()].at(-1)
  }
  equal(asked(0, 200, 9.9, 'b', 'a'), 'REPLACED [200@9.9 b] 0/200')
  equal(asked(0, 300, 9.9, 'c', 'a'), 'SUPERSEDED_CL_ORD_ID')
  equal(asked(1, 300, 9.9, 'c', 'b'), 'REPLACED [300@9.9 c] 0/300')
  // One without an id of its own leaves the chain as it is; one that comes to nothing is no part of it.
  equal(asked(1, 200, 9.9), 'REPLACED [200@9.9] 0/200')
  equal(asked(0, 200, 0, 'd', 'c'), 'REPLACE_REJECT [200@0 d] INVALID_PRICE 0/200')
  equal(asked(0, 100, 9.9, 'e', 'd'), 'SUPERSEDED_CL_ORD_ID')
  equal(asked(0, 100, 9.9, 'e', 'c'), 'REPLACED [100@9.9 e] 0/100')
  // What was used once stays used, by orders and by replaces.
  stage.submit({ price: 9.9, clOrdId: 'e' })
  deepEqual([stage.take(), stage.answers()], [[], ['CL_ORD_ID_REUSED']])
})

test('a request sent again under its id has no second effect, whatever has become of it and of the order', () => {
  const stage = quoted()
  stage.submit({ price: 9.9, clOrdId: 'a' })
  stage.replace(1, [200, 9.8, 'b', 'a'])
  stage.replace(1, [200, 0, 'c', 'b'])
  stage.take()
  const again = (...elements: unknown[]) => {
    stage.request([Kind.Replace, ...elements])
    return [stage.take(), stage.answers()]
  }
  deepEqual(again(1, 200, 9.8, 'b', 'a'), [[], ['first outcome of 1']])
  deepEqual(again(0, 200, 9.8, 'b', 'a'), [[], ['first outcome of 1']])
  deepEqual(again(1, 200, 0, 'c', 'b'), [[], ['first outcome of 1']])
  deepEqual(again(1, 300, 9.8, 'b', 'a'), [[], ['CL_ORD_ID_REUSED']])
  deepEqual(again(2, 200, 9.8, 'b'), [[], ['CL_ORD_ID_REUSED']])
  stage.cancel(1)
  stage.take()
  stage.answers()
  deepEqual(again(1, 200, 9.8, 'b', 'a'), [[], ['first outcome of 1']])
})

test('ids of replaces are forgotten in their turn, those of live orders are not', () => {
  const stage = quoted({ limits: { liveOrdersMax: 4, clOrdIdsMax: 6 } })
  stage.submit({ price: 9.9, clOrdId: 'a' })
  for (let i = 0; i < 20; i++) stage.replace(1, [100 + i, 9.9, `r${i}`])
  equal(stage.answers().length, 0)
  stage.submit({ price: 9.9, clOrdId: 'a' })
  deepEqual(stage.answers(), ['first outcome of 1'])
  stage.take()
  stage.replace(1, [100, 9.9, 'r0'])
  equal(words(stage.take()).at(-1), 'REPLACED [100@9.9 r0] 0/100')
})

test('the short flag of a replaced sale is given anew, by what else is offered', () => {
  const stage = quoted()
  stage.submit({ quantity: 300, price: 10.05 })
  stage.submit({ side: ASK, quantity: 100, price: 11 })
  stage.submit({ side: ASK, quantity: 100, price: 11 })
  stage.take()
  stage.replace(3, [200, 11])
  stage.replace(3, [300, 11])
  stage.replace(3, [100, 11])
  deepEqual(
    words(stage.take()).filter(line => line.startsWith('REPLACED')),
    ['REPLACED [200@11] 0/200', 'REPLACED [300@11 short] 0/300', 'REPLACED [100@11] 0/100'],
  )
  equal(stage.shown().get('ABX.TSX')?.pendingSell, 200e6)
})

test('an account that may only close may lower a quantity, and replace what closes by what still closes', () => {
  const stage = quoted({ checks: ['risk_state'] })
  stage.submit({ quantity: 300, price: 10.05 })
  stage.submit({ quantity: 300, price: 9.9 })
  stage.submit({ side: ASK, quantity: 100, price: 11 })
  stage.terms(0, { riskState: 1 })
  stage.take()
  const cases: [number, unknown[], string][] = [
    [2, [200, 9.9], 'REPLACED [200@9.9] 0/200'],
    [2, [200, 9.95], 'REPLACE_REJECT [200@9.95] ONLY_CLOSING_ORDERS 0/200'],
    [2, [300, 9.9], 'REPLACE_REJECT [300@9.9] ONLY_CLOSING_ORDERS 0/200'],
    [3, [300, 10.5], 'REPLACED [300@10.5] 0/300'],
    [3, [400, 10.5], 'REPLACE_REJECT [400@10.5] ONLY_CLOSING_ORDERS 0/300'],
  ]
  for (const [orderId, elements, last] of cases) {
    stage.replace(orderId, elements)
    equal(words(stage.take()).at(-1), last)
  }
})

test('who is over a limit that was lowered may go down, and what is halted is not replaced', () => {
  const stage = quoted({ checks: ['buying_power'] })
  stage.submit({ quantity: 1000, price: 9.9 })
  stage.terms(0, { buyingPowerLimit: 100e6 })
  stage.take()
  stage.replace(1, [900, 9.8])
  stage.replace(1, [900, 9.9])
  stage.halts.setAccount(0, true)
  stage.replace(1, [800, 9.8])
  deepEqual(
    words(stage.take()).filter(line => !line.startsWith('PENDING')),
    [
      'REPLACED [900@9.8] 0/900',
      'REPLACE_REJECT [900@9.9] EXCEEDS_BUYING_POWER 0/900',
      'REPLACE_REJECT [800@9.8] TRADING_HALTED 0/900',
    ],
  )
})

test('a destination that answers later is waited for: pending, then replaced, or as before', () => {
  const { stage, venue } = late({ checks: ['buying_power'] })
  stage.submit({ quantity: 300, price: 9.9 })
  stage.take()
  stage.replace(1, [500, 9.8, 'b'])
  deepEqual(words(stage.take()), ['PENDING_REPLACE [500@9.8 b] 0/300'])
  deepEqual([stage.book().used, stage.shown().get('ABX.TSX')?.pendingBuy], [2970e6 + 1960e6, 500e6])
  stage.replace(1, [600, 9.8])
  deepEqual(stage.answers(), ['ALREADY_REPLACING'])
  // Fills cross the replace on their way.
  deepEqual(words(hear(stage, () => venue.fill(1, 100, 9.9))), ['PARTIALLY_FILLED 100@9.9 100/200'])
  deepEqual(words(hear(stage, () => venue.accept(1))), ['REPLACED [500@9.8 b] 100/400'])
  deepEqual([stage.book().used, stage.shown().get('ABX.TSX')?.pendingBuy], [990e6 + 3920e6, 400e6])
  stage.replace(1, [200, 9.9, 'c'])
  deepEqual(words(hear(stage, () => venue.reject(1))), [
    'PENDING_REPLACE [200@9.9 c] 100/400',
    'REPLACE_REJECT [200@9.9 c] TERM_NOT_REPLACEABLE 100/400',
  ])
  deepEqual([stage.book().used, stage.shown().get('ABX.TSX')?.pendingBuy], [990e6 + 3920e6, 400e6])
  deepEqual(venue.asked, ['replace 1: 500 at 9.8, 500 left', 'replace 1: 200 at 9.9, 100 left'])
})

test('what a pending replace may still come to is more than either of its terms, and the limit keeps it', () => {
  const { stage } = late({ checks: ['buying_power'], accounts: [{ buyingPowerLimit: 1500e6 }] })
  stage.submit({ quantity: 100, price: 9.9 })
  stage.take()
  // 200 at 6 would be 1,200; but 100 at 9.9 may be filled before, and 100 at 6 after it.
  stage.replace(1, [200, 6])
  deepEqual(words(stage.take()), ['REPLACE_REJECT [200@6] EXCEEDS_BUYING_POWER 0/100'])
  stage.replace(1, [200, 5])
  deepEqual([words(stage.take()), stage.book().used], [['PENDING_REPLACE [200@5] 0/100'], 1490e6])
})

test('an order may be canceled while a replace is pending, and not be replaced while a cancel is', () => {
  const { stage, venue } = late()
  stage.submit({ quantity: 300, price: 9.9 })
  stage.replace(1, [500, 9.8])
  stage.cancel(1)
  stage.take()
  stage.answers()
  stage.replace(1, [600, 9.8])
  deepEqual(stage.answers(), ['ALREADY_CANCELING'])
  deepEqual(words(hear(stage, () => venue.accept(1))), ['REPLACED [500@9.8] 0/500'])
  equal(stage.state.orders.status[0], PENDING_CANCEL)
  deepEqual(words(hear(stage, () => venue.canceled(1))), ['CANCELED CANCELED_ON_REQUEST 0/0'])
  stage.submit({ quantity: 300, price: 9.9 })
  stage.replace(2, [500, 9.8])
  stage.cancel(2)
  stage.take()
  // What ends the order first ends the replace, and that is told while something can be told.
  deepEqual(words(hear(stage, () => venue.canceled(2))), [
    'REPLACE_REJECT [500@9.8] ENDED_BEFORE_REPLACE 0/300',
    'CANCELED CANCELED_ON_REQUEST 0/0',
  ])
  equal(stage.shown().get('ABX.TSX')?.pendingBuy, 0)
})

test('an order that is filled while it is being replaced ends by what its destination says of the rest', () => {
  const { stage, venue } = late()
  for (let i = 0; i < 4; i++) {
    stage.submit({ quantity: 300, price: 9.9 })
    stage.replace(i + 1, i === 3 ? [100, 9.9] : [400, 9.8])
  }
  stage.take()
  deepEqual(words(hear(stage, () => venue.fill(1, 300, 9.9, FILLED as OrderStatus))), [
    'REPLACE_REJECT [400@9.8] ENDED_BEFORE_REPLACE 0/300',
    'FILLED 300@9.9 300/0',
  ])
  const whole = (orderId: number, answer: () => void) => {
    stage.take()
    const before = words(hear(stage, () => venue.fill(orderId, orderId === 4 ? 200 : 300, 9.9)))
    return [...before, ...words(hear(stage, answer))]
  }
  deepEqual(
    whole(2, () => venue.accept(2)),
    ['PARTIALLY_FILLED 300@9.9 300/0', 'REPLACED [400@9.8] 300/100'],
  )
  deepEqual(
    whole(3, () => venue.reject(3)),
    ['PARTIALLY_FILLED 300@9.9 300/0', 'REPLACE_REJECT [400@9.8] TERM_NOT_REPLACEABLE 300/0', 'FILLED 300/0'],
  )
  deepEqual(
    whole(4, () => venue.accept(4)),
    ['PARTIALLY_FILLED 200@9.9 200/100', 'REPLACED [200@9.9] 200/0', 'CANCELED NOTHING_LEFT_BY_REPLACE 200/0'],
  )
  equal(stage.standing().openOrders, 1)
})

test('buying power counted anew in another currency counts pending replaces anew as well', () => {
  const { stage, venue } = late({ checks: ['buying_power'] })
  stage.rates.write({ base: CAD, counter: USD, numerator: 3, denominator: 4 })
  stage.submit({ quantity: 100, price: 8 })
  stage.replace(1, [200, 4])
  equal(stage.book().used, 1200e6)
  stage.terms(0, { currency: USD })
  stage.submit({ quantity: 100, price: 4 })
  equal(stage.book().used, 900e6 + 300e6)
  hear(stage, () => venue.accept(1))
  equal(stage.book().used, 600e6 + 300e6)
})

// Rules.

const quantity = (name: string, value: number): Parameter => ({ name, value: { kind: 'quantity', value: value * 1e6 } })

function store(stage: ShardStage, name: string, parameters: readonly Parameter[] = []): void {
  const entry = { id: 9, node: 1, nodeKind: 'account' as const, state: RuleState.Active, revision: 90 }
  stage.link.insist(Command.Rule, 0, stage.nowUs, 0, ruleBody({ ...entry, schema: { name, parameters } }))
  stage.link.insist(Command.Nodes, 0, stage.nowUs, 0, nodesBody([1]))
  stage.turn()
}

const last = (stage: ShardStage) =>
  /(REPLACED|[A-Z_]+) \d+\/\d+$/.exec(
    stage
      .take()
      .at(-1)!
      .replace(/ \[.*\]/, ''),
  )![1]

test('rules judge an order under its new terms, and never as a second one', () => {
  const stage = quoted()
  stage.submit({ quantity: 100, price: 9.9 })
  store(stage, 'order_count_limit', [quantity('count', 1)])
  stage.replace(1, [200, 9.8])
  equal(last(stage), 'REPLACED')
  store(stage, 'maximum_position', [quantity('quantity', 300)])
  stage.replace(1, [300, 9.8])
  equal(last(stage), 'REPLACED')
  stage.replace(1, [400, 9.8])
  equal(last(stage), 'POSITION_TOO_LARGE')
  // It counts as it did before.
  stage.submit({ quantity: 100, price: 9.9 })
  equal(last(stage), 'POSITION_TOO_LARGE')
  stage.replace(1, [200, 9.8])
  stage.submit({ quantity: 100, price: 9.9 })
  equal(last(stage), 'NEW')
  store(stage, 'reject_submissions')
  stage.replace(1, [100, 9.8])
  equal(last(stage), 'REPLACED')
  stage.replace(1, [200, 9.8])
  equal(last(stage), 'SUBMISSIONS_NOT_ALLOWED')
  store(stage, 'reject_cancels')
  stage.replace(1, [200, 9.8])
  equal(last(stage), 'REPLACED')
  stage.replace(1, [100, 9.8])
  equal(last(stage), 'CANCELS_NOT_ALLOWED')
})

test('while a replace is pending rules count the larger of both quantities, and its answer sets that right', () => {
  const { stage, venue } = late()
  stage.submit({ quantity: 100, price: 9.9 })
  store(stage, 'maximum_position', [quantity('quantity', 400)])
  const more = () => {
    stage.take()
    stage.submit({ quantity: 200, price: 9.9 })
    const answer = last(stage)
    if (answer === 'NEW') hear(stage, () => venue.canceled(stage.nextOrderId - 1))
    return answer
  }
  stage.replace(1, [300, 9.9])
  equal(more(), 'POSITION_TOO_LARGE')
  hear(stage, () => venue.reject(1))
  equal(more(), 'NEW')
  stage.replace(1, [300, 9.9])
  hear(stage, () => venue.accept(1))
  equal(more(), 'POSITION_TOO_LARGE')
  stage.replace(1, [200, 9.9])
  equal(more(), 'POSITION_TOO_LARGE')
  hear(stage, () => venue.accept(1))
  equal(more(), 'NEW')
})

test('sweeps cancel orders whose replace is pending as they do others, and an end tells of the replace first', () => {
  const { stage, venue } = late()
  for (let id = 1; id <= 3; id++) {
    stage.submit({ quantity: 100, price: 9.9 })
    stage.replace(id, [200, 9.8])
  }
  stage.take()
  venue.asked.length = 0
  const massCancel = (orderId: number, mode: MassCancelMode) => {
    const asked = { token: 1, operator: 9, mode, text: '', waitMs: 0, rows: null, orderId, ticker: '', venues: [] }
    const body = pack({ ...asked, others: [0, Number.MAX_SAFE_INTEGER] })
    return hear(stage, () => stage.link.post(Command.MassCancel, 0, stage.nowUs, Number.POSITIVE_INFINITY, body))
  }
  const ended = ['REPLACE_REJECT', 'CANCELED']
  const statuses = (lines: readonly string[]) => words(lines).map(line => line.split(' ')[0])
  deepEqual(statuses(massCancel(1, MassCancelMode.Cancel)), ['PENDING_CANCEL'])
  deepEqual(statuses(hear(stage, () => venue.canceled(1))), ended)
  deepEqual(statuses(massCancel(2, MassCancelMode.Force)), ended)
  stage.halts.setAccount(0, true)
  deepEqual(statuses(hear(stage, () => stage.link.urge(Command.Sweep, 0, stage.nowUs, 1, new Uint8Array(0)))), [
    'PENDING_CANCEL',
  ])
  deepEqual(statuses(hear(stage, () => venue.canceled(3))), ended)
  deepEqual(venue.asked, ['cancel 1', 'cancel 3'])
  deepEqual([stage.state.orders.size, stage.state.replaces.isEmpty, stage.book().used], [0, true, 0])
})

// Whatever crosses whatever.

interface TwinOrder {
  readonly id: number
  readonly side: Side
  quantity: number
  cumQty: number
  price: number
  next: { quantity: number; price: number } | undefined
  isCanceling: boolean
}

const step = fc.record({
  kind: fc.constantFrom(
    'submit',
    'submit',
    'replace',
    'replace',
    'replace',
    'accept',
    'reject',
    'fill',
    'fill',
    'cancel',
    'canceled',
    'kept',
  ),
  side: fc.constantFrom(Side.Ask, Side.Bid),
  quantity: fc.integer({ min: 1, max: 9 }),
  price: fc.integer({ min: 1, max: 6 }),
  pick: fc.nat(),
})

test('whatever crosses a pending replace, the account ties up what its orders may come to, and shows what is open', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), steps => {
      const { stage, venue } = late({ checks: [] })
      // Far from every limit, so that each order is held at its own price.
      stage.quote('ABX.TSX', 0, 0)
      let live: TwinOrder[] = []
      let position = 0
      for (const { kind, side, quantity, price, pick } of steps) {
        const order = live[pick % Math.max(1, live.length)]
        const waiting = live.filter(({ next }) => next !== undefined)
        const answered = waiting[pick % Math.max(1, waiting.length)]
        const canceling = live.filter(({ isCanceling }) => isCanceling)
        const asked = canceling[pick % Math.max(1, canceling.length)]
        if (kind === 'submit' && live.length < 6) {
          const id = stage.submit({ side, quantity, price, timeInForce: 1, type: LIMIT })
          live.push({ id, side, quantity, cumQty: 0, price, next: undefined, isCanceling: false })
        } else if (kind === 'replace' && order !== undefined && waiting.length < 4) {
          stage.replace(order.id, [quantity, price])
          const isRefused = order.isCanceling || order.next !== undefined
          equal(stage.answers().filter(answer => answer !== 'DONE').length, isRefused ? 1 : 0)
          if (!isRefused) order.next = { quantity, price }
        } else if (kind === 'accept' && answered !== undefined) {
          hear(stage, () => venue.accept(answered.id))
          const { quantity, price } = answered.next!
          Object.assign(answered, { quantity: Math.max(quantity, answered.cumQty), price, next: undefined })
        } else if (kind === 'reject' && answered !== undefined) {
          hear(stage, () => venue.reject(answered.id))
          answered.next = undefined
        } else if (kind === 'fill' && order !== undefined) {
          const left = order.quantity - order.cumQty
          const done = Math.min(left, quantity)
          if (done === 0) continue
          // A venue that has been asked for more tells no end before it has answered.
          const ends = done === left && order.next === undefined
          hear(stage, () =>
            venue.fill(order.id, done, order.price, ends ? OrderStatus.Filled : OrderStatus.PartiallyFilled),
          )
          order.cumQty += done
          position += order.side === Side.Bid ? done : -done
        } else if (kind === 'cancel' && order !== undefined) {
          stage.cancel(order.id)
          order.isCanceling = true
        } else if (kind === 'canceled' && asked !== undefined) {
          hear(stage, () => venue.canceled(asked.id))
          asked.quantity = asked.cumQty
          asked.next = undefined
        } else if (kind === 'kept' && asked !== undefined) {
          hear(stage, () => venue.cancelRejected(asked.id))
          asked.isCanceling = false
        }
        stage.answers()
        stage.take()
        live = live.filter(({ quantity, cumQty, next }) => next !== undefined || cumQty < quantity)
        equal(stage.state.orders.size, live.length)
        const listed = stage.shown().get('ABX.TSX')
        if (listed === undefined) continue
        const { exposure } = stage.book().holding(stage.state.listings.all[listed.tickerIndex]!)
        for (const side of [Side.Ask, Side.Bid]) {
          const own = live.filter(order => order.side === side)
          const orders = own.map(({ quantity, cumQty, price, next }) => ({
            side,
            left: quantity - cumQty,
            price,
            next: next && { left: Math.max(0, next.quantity - cumQty), price: next.price },
          }))
          const open = orders.reduce((sum, { left, next }) => sum + Math.max(left, next?.left ?? 0), 0)
          equal(side === Side.Ask ? listed.pendingSell : listed.pendingBuy, open * 1e6)
          const covering = Math.max(0, side === Side.Ask ? position : -position)
          const needed = worstCost(orders, side, covering) * 1e6
          const held = side === Side.Ask ? exposure.askCost : exposure.bidCost
          const more = covering === 0 ? 0 : slack(orders) * 1e6
          ok(held >= needed && held <= needed + more, `held ${held} where ${needed} are needed`)
        }
      }
    }),
    { numRuns: RUNS },
  )
})

test('an order comes back with its present terms and its chain, and a destination that had not answered is asked again', () => {
  const { stage, venue } = late({ checks: ['buying_power'] })
  const restore = (piece: readonly unknown[]) => {
    stage.link.insist(Command.Restore, 0, stage.nowUs, 0, pack(piece))
    stage.turn()
  }
  const accepted = ['ABX.TSX', CAD, LIMIT, 1, 'TSX', 300e6, 9.9e6, 1, 0]
  const terms = ['c', 200e6, 9.8e6, 0, 9.8e6]
  const pending = ['d', 400e6, 9.7e6, 0, 9.7e6]
  restore([RestorePiece.Account, 2, 9, stage.nowUs])
  restore([RestorePiece.Order, 7, 1, stage.nowUs, 1, ...accepted, 'a', null, 9.9e6, 100e6, 5, 13, 0, terms, null])
  restore([RestorePiece.ReplaceId, 'b', 7, 500e6, 9.8e6])
  restore([RestorePiece.ReplaceId, 'c', 7, 200e6, 9.8e6])
  restore([RestorePiece.Order, 8, 2, stage.nowUs, 1, ...accepted, 'x', null, 9.9e6, 0, 3, 12, 0, null, pending])
  restore([RestorePiece.ReplaceId, 'd', 8, 400e6, 9.7e6])
  stage.take()
  // 100 left at 9.8; 300 at 9.9, and 100 more at 9.7.
  equal(stage.book().used, 980e6 + 2970e6 + 970e6)
  deepEqual(venue.asked, ['replace 8: 400 at 9.7, 400 left, perhaps again'])
  const again = (...elements: unknown[]) => {
    stage.request([Kind.Replace, ...elements])
    return stage.answers()
  }
  deepEqual(again(7, 500, 9.8, 'b'), ['first outcome of 7'])
  deepEqual(again(7, 200, 9.8, 'c'), ['first outcome of 7'])
  deepEqual(again(8, 400, 9.7, 'd'), ['first outcome of 8'])
  deepEqual(again(0, 300, 9.8, 'e', 'a'), ['SUPERSEDED_CL_ORD_ID'])
  deepEqual(again(8, 500, 9.7, 'e'), ['ALREADY_REPLACING'])
  deepEqual(
    hear(stage, () => venue.accept(8)),
    ['#10 8.3 REPLACED [400@9.7 d] 0/400'],
  )
  deepEqual(again(0, 300, 9.8, 'e', 'c'), [])
  deepEqual(stage.take(), ['#11 7.5 PENDING_REPLACE [300@9.8 e] 100/100'])
})
