// The first order of a ticker waits for its market, and what its account asks for behind it; nobody else does.

import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { Reason } from '../../src/domain/reasons.ts'
import { Side } from '../../src/domain/side.ts'
import { PARKED_COMMANDS_MAX, ShardStage } from './shard-stage.ts'

const ACCOUNTS = [{}, {}]

function staged(options: { firstUseUs?: number } = {}): ShardStage {
  return new ShardStage({
    checks: ['board_lot', 'buying_power', 'risk_state'],
    limits: { firstUseUs: options.firstUseUs ?? 1_000_000 },
    accounts: ACCOUNTS,
  })
}

test('the first order of a ticker and what follows it for its account wait, in their order, until the market is known', () => {
  const stage = staged()
  stage.submit({ ticker: 'ABX.TSX', price: 2 })
  stage.submit({ ticker: 'RY.TSX', price: 3 })
  stage.cancel(1)
  deepEqual([stage.asked, stage.take(), stage.answers()], [['ABX.TSX'], [], []])

  stage.quote('ABX.TSX', 1.99, 2.5)
  deepEqual(stage.take(), [])
  stage.watched('ABX.TSX')
  // The next ticker is asked for only now, and the cancel waits with it.
  deepEqual(stage.asked, ['ABX.TSX', 'RY.TSX'])
  deepEqual(stage.take(), ['#1 order 1 accepted: BUY 100 ABX.TSX @2', '#2 1.1 NEW 0/100'])
  deepEqual(stage.answers(), [])

  stage.quote('RY.TSX', 2.99, 3)
  stage.watched('RY.TSX')
  deepEqual(stage.take(), [
    '#3 order 2 accepted: BUY 100 RY.TSX @3',
    '#4 2.1 NEW 0/100',
    '#5 2.2 FILLED 100@3 100/0',
    '#6 1.2 PENDING_CANCEL 0/100',
    '#7 1.3 CANCELED CANCELED_ON_REQUEST 0/0',
  ])
  deepEqual(stage.answers(), ['DONE'])

  // From here on nobody waits for these tickers.
  stage.submit({ ticker: 'RY.TSX', price: 3 }, { row: 1 })
  deepEqual(stage.take(), ['#1 order 3 accepted: BUY 100 RY.TSX @3', '#2 3.1 NEW 0/100', '#3 3.2 FILLED 100@3 100/0'])
  deepEqual(stage.asked, ['ABX.TSX', 'RY.TSX'])
})

test('other accounts go on meanwhile, and wait only for the ticker itself', () => {
  const stage = staged()
  stage.quote('RY.TSX', 2.99, 3)
  stage.submit({ ticker: 'RY.TSX', price: 3 }, { row: 1 })
  stage.watched('RY.TSX')
  stage.take()
  stage.submit({ ticker: 'ABX.TSX', price: 2 }, { row: 0 })
  stage.submit({ ticker: 'RY.TSX', side: Side.Ask, price: 2.99 }, { row: 1 })
  deepEqual(stage.take(), [
    '#4 order 3 accepted: SELL 100 RY.TSX @2.99',
    '#5 3.1 NEW 0/100',
    '#6 3.2 FILLED 100@2.99 100/0',
  ])
  stage.submit({ ticker: 'ABX.TSX', price: 2 }, { row: 1 })
  deepEqual([stage.take(), stage.asked], [[], ['RY.TSX', 'ABX.TSX']])
  stage.quote('ABX.TSX', 1.99, 2.5)
  stage.watched('ABX.TSX')
  deepEqual(stage.take().toSorted(), [
    '#1 order 2 accepted: BUY 100 ABX.TSX @2',
    '#2 2.1 NEW 0/100',
    '#7 order 4 accepted: BUY 100 ABX.TSX @2',
    '#8 4.1 NEW 0/100',
  ])
})

test('when its time is over an order is judged by what is known, and later ones do not wait again', () => {
  const stage = staged({ firstUseUs: 500_000 })
  stage.submit({ ticker: 'ABX.TSX', price: 2 })
  stage.submit({ ticker: 'ABX.TSX', price: 2 })
  stage.wait(0.4)
  deepEqual(stage.take(), [])
  stage.wait(0.1)
  const rejected = (first: number, order: number) => [
    `#${first} order ${order} accepted: BUY 100 ABX.TSX @2`,
    `#${first + 1} ${order}.1 REJECTED NO_BBO 0/0`,
  ]
  deepEqual(stage.take(), [...rejected(1, 1), ...rejected(3, 2)])
  stage.submit({ ticker: 'ABX.TSX', price: 2 })
  deepEqual(stage.take(), rejected(5, 3))
  // The market comes late, and from then on it counts.
  stage.quote('ABX.TSX', 1.99, 2.5)
  stage.watched('ABX.TSX')
  stage.submit({ ticker: 'ABX.TSX', price: 2 })
  deepEqual(stage.take(), ['#7 order 4 accepted: BUY 100 ABX.TSX @2', '#8 4.1 NEW 0/100'])
  deepEqual(stage.asked, ['ABX.TSX'])
})

test('an order of a ticker that nobody quotes is rejected as soon as that is known, and the next one asks again', () => {
  const stage = staged()
  for (const orderId of [1, 2]) {
    stage.submit({ ticker: 'ZZZ.TSX', price: 2 })
    deepEqual(stage.take(), [])
    stage.watched('ZZZ.TSX')
    deepEqual(stage.take(), [
      `#${2 * orderId - 1} order ${orderId} accepted: BUY 100 ZZZ.TSX @2`,
      `#${2 * orderId} ${orderId}.1 REJECTED NO_BBO 0/0`,
    ])
  }
  deepEqual(stage.asked, ['ZZZ.TSX', 'ZZZ.TSX'])
  deepEqual(stage.state.listings.all, [])
})

test('an order of a ticker there is no room for is rejected with the limit', () => {
  const stage = staged()
  stage.submit({ ticker: 'ABX.TSX', price: 2 })
  stage.watched('ABX.TSX', false)
  deepEqual(stage.take(), ['#1 order 1 accepted: BUY 100 ABX.TSX @2', '#2 1.1 REJECTED CAPACITY 0/0'])
})

test('an order that is not in order is rejected without asking for its market', () => {
  const stage = staged()
  stage.submit({ ticker: 'ABX.NOWHERE', price: 2 })
  stage.submit({ ticker: 'ABX.TSX', price: 2, quantity: 0 })
  stage.submit({ ticker: 'ABX.TSX', price: 2, destination: 'NOWHERE' })
  deepEqual(
    stage.take().filter(line => line.includes('REJECTED')),
    [
      '#2 1.1 REJECTED VENUE_MISSING 0/0',
      '#4 2.1 REJECTED INVALID_QUANTITY 0/0',
      '#6 3.1 REJECTED UNKNOWN_DESTINATION 0/0',
    ],
  )
  deepEqual(stage.asked, [])
})

test('what waits when the server stops is answered so, and has had no effect', () => {
  const stage = staged()
  stage.submit({ ticker: 'ABX.TSX', price: 2 })
  stage.cancel(7)
  stage.submit({ ticker: 'ABX.TSX', price: 2 }, { row: 1 })
  stage.stop()
  deepEqual([stage.answers(), stage.take()], [['STOPPING', 'STOPPING', 'STOPPING'], []])
  deepEqual(stage.journal, [])
})

test('only so many commands of one account wait: the next is told that the server is busy', () => {
  const stage = staged()
  for (let count = 0; count < PARKED_COMMANDS_MAX + 6; count++) stage.submit({ ticker: 'ABX.TSX', price: 2 })
  deepEqual(stage.answers(), new Array(6).fill('BUSY'))
  stage.quote('ABX.TSX', 1.99, 2.5)
  stage.watched('ABX.TSX')
  deepEqual(stage.take().filter(line => line.includes('accepted')).length, PARKED_COMMANDS_MAX)
})

test('a client order id that is sent again while its order waits has one order', () => {
  const stage = staged()
  stage.submit({ ticker: 'ABX.TSX', price: 2, clOrdId: 'a' })
  stage.submit({ ticker: 'ABX.TSX', price: 2, clOrdId: 'a' })
  stage.quote('ABX.TSX', 1.99, 2.5)
  stage.watched('ABX.TSX')
  deepEqual(stage.take(), ['#1 order 1 accepted: BUY 100 ABX.TSX @2', '#2 1.1 NEW 0/100'])
  deepEqual(stage.answers(), ['first outcome of 1'])
})

test('an order may wait for its market and then for the judge of pooled rules: one line for both, one question at a time', () => {
  const stage = staged()
  stage.pool(1)
  stage.submit({ ticker: 'ABX.TSX', price: 2 })
  stage.submit({ ticker: 'ABX.TSX', price: 2 })
  stage.cancel(1)
  stage.submit({ ticker: 'RY.TSX', price: 3 }, { row: 1 })
  // The judge is not asked about what cannot be judged yet.
  deepEqual([stage.asked, stage.toJudge], [['ABX.TSX', 'RY.TSX'], ['Enrolled']])

  stage.quote('ABX.TSX', 1.99, 2.5)
  stage.watched('ABX.TSX')
  deepEqual([stage.toJudge.splice(0), stage.take()], [['Enrolled', 'Submission 1'], []])
  // Whatever else lets orders go on, one that the judge is asked about waits for him.
  stage.watched('ABX.TSX')
  stage.wait(5)
  deepEqual([stage.toJudge, stage.take().filter(line => line.includes('order 1'))], [[], []])

  stage.judged(1)
  deepEqual(stage.take(), ['#1 order 1 accepted: BUY 100 ABX.TSX @2', '#2 1.1 NEW 0/100'])
  deepEqual(stage.toJudge.splice(0), ['Submission 2'])
  stage.judged(2, Reason.OrderLimitReached)
  deepEqual(stage.take(), ['#3 order 2 accepted: BUY 100 ABX.TSX @2', '#4 2.1 REJECTED ORDER_LIMIT_REACHED 0/0'])
  deepEqual([stage.toJudge.splice(0), stage.answers()], [['Cancel 3'], []])
  stage.judged(3)
  deepEqual(stage.take(), ['#5 1.2 PENDING_CANCEL 0/100', '#6 1.3 CANCELED CANCELED_ON_REQUEST 0/0'])
  deepEqual([stage.toJudge, stage.answers()], [['Report'], ['DONE']])
})

test('an account that no pooled rule is over any more waits for its market only', () => {
  const stage = staged()
  stage.pool(1)
  stage.submit({ ticker: 'ABX.TSX', price: 2 })
  stage.pool(0)
  deepEqual([stage.take(), stage.asked], [[], ['ABX.TSX']])
  stage.quote('ABX.TSX', 1.99, 2.5)
  stage.watched('ABX.TSX')
  deepEqual(stage.take(), ['#1 order 1 accepted: BUY 100 ABX.TSX @2', '#2 1.1 NEW 0/100'])
  deepEqual(stage.toJudge, ['Enrolled'])
})
