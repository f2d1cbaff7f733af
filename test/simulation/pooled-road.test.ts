// The road of a request under pooled rules, step by step: who is asked, who waits, and for how long.

import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { wrapSchema } from '../../src/compliance/schema.ts'
import { MICROS } from '../../src/domain/money.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Reason, reasonName } from '../../src/domain/reasons.ts'
import { Side } from '../../src/domain/side.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { JUDGE_SHARD } from '../../src/main/pooled-relay.ts'
import { MarketEventType } from '../../src/services/market-data/market-event.ts'
import { Command } from '../../src/shared-memory/records.ts'
import { Random } from '../fault/random.ts'
import { CAD } from '../shards/shard-stage.ts'
import { countLimit, schemaOf } from './pooled-run.ts'
import { ACCOUNTS, FIRM, GROUPS, type KnownOrder, PooledStage, SHARDS, TICKERS, TRADERS } from './pooled-stage.ts'

// Accounts of the judge's own shard and of others, by row. Odd accounts (even rows) trade in the second group.
const AT_JUDGE = 4
const ELSEWHERE = 5
const ALSO_ELSEWHERE = 6

function staged(ringBytes?: number): PooledStage {
  const stage = new PooledStage({ random: new Random(1), ...(ringBytes === undefined ? {} : { ringBytes }) })
  for (const ticker of TICKERS.keys()) stage.quote(ticker, 9.9, 10.1)
  stage.compliance.start()
  stage.settle()
  return stage
}

/** Everything moves but the judge's shard. */
function settleOthers(stage: PooledStage): void {
  for (let idle = 0; idle < 3; ) {
    let any = false
    for (const [shard, staged] of stage.shards.entries()) {
      stage.links[shard]!.flush()
      staged.diskIsDone = true
      if (shard !== JUDGE_SHARD) while (stage.turnShard(shard)) staged.diskIsDone = any = true
      while (stage.pump(shard)) any = true
    }
    idle = any ? 0 : idle + 1
  }
}

/** What is known of an order: nothing, NEW, FILLED, … or why it was rejected. */
function outcome(stage: PooledStage, orderId: number | undefined): string {
  const { status, reason } = stage.orders.get(orderId!)!
  if (status === OrderStatus.Rejected) return reasonName(reason)
  return status === 0 ? '' : Object.entries(OrderStatus).find(([, value]) => value === status)![0]
}

function submit(stage: PooledStage, row: number, fields: Parameters<PooledStage['submit']>[1] = {}): string {
  const orderId = stage.submit(row, { price: 5, ...fields })
  stage.settle()
  return outcome(stage, orderId)
}

const asked = (stage: PooledStage) => stage.verdicts.length

test('an account that lies under no pooled rule waits for nobody, even in a shard where others do', () => {
  const stage = staged()
  stage.store(1, GROUPS[0], countLimit(5))
  stage.settle()
  // Row 1 trades in the first group, row 5 of the same shard does not.
  for (const account of [6]) {
    stage.directory.detach(TRADERS[account % 2]!, account)
    stage.directory.associate(TRADERS[1], account)
  }
  stage.settle()
  const waits = stage.submit(1, { price: 5 })
  const goes = stage.submit(5, { price: 5 })
  settleOthers(stage)
  deepEqual([outcome(stage, waits), outcome(stage, goes), asked(stage)], ['', 'New', 0])
  stage.settle()
  deepEqual([outcome(stage, waits), asked(stage)], ['New', 1])
})

test('the accounts of all shards are counted together, those of the judge’s own shard on the same road', () => {
  const stage = staged()
  stage.store(1, FIRM, countLimit(3))
  const found = [AT_JUDGE, ELSEWHERE, ALSO_ELSEWHERE, AT_JUDGE, ELSEWHERE].map(row => submit(stage, row))
  deepEqual(found, ['New', 'New', 'New', 'ORDER_LIMIT_REACHED', 'ORDER_LIMIT_REACHED'])
  const [first] = stage.orders.values()
  stage.cancel(first!)
  stage.settle()
  deepEqual([submit(stage, ALSO_ELSEWHERE), submit(stage, AT_JUDGE)], ['New', 'ORDER_LIMIT_REACHED'])
  equal(stage.violations.length, 3)
  stage.compare()
})

test('requests of an account behind the one that is asked about keep their order, and each is asked about once', () => {
  const stage = staged()
  stage.store(1, FIRM, countLimit(2))
  stage.settle()
  const orders = [1, 2, 3].map(() => stage.submit(ELSEWHERE, { price: 5 }))
  const cancel = stage.cancel(stage.orders.get(orders[0]!)!)!
  const last = stage.submit(ELSEWHERE, { price: 5 })
  settleOthers(stage)
  deepEqual([orders.map(id => outcome(stage, id)), stage.answers.has(cancel)], [['', '', ''], false])
  stage.settle()
  deepEqual(
    [...orders, last].map(id => outcome(stage, id)),
    ['Canceled', 'New', 'ORDER_LIMIT_REACHED', 'New'],
  )
  deepEqual([stage.answers.get(cancel), asked(stage)], [0, 4])
})

test('what a shard refuses by itself the judge never hears of', () => {
  const stage = staged()
  stage.store(1, FIRM, schemaOf('message_rate', { interval: { kind: 'duration', value: MICROS } }))
  stage.store(2, ELSEWHERE + 1, schemaOf('reject_cancels'))
  stage.store(3, FIRM, schemaOf('maximum_order_quantity', { quantity: { kind: 'quantity', value: 200 * MICROS } }))
  deepEqual([submit(stage, ELSEWHERE), asked(stage)], ['New', 1])
  deepEqual([submit(stage, ELSEWHERE, { quantity: 300 }), asked(stage)], ['ORDER_QUANTITY_TOO_LARGE', 1])
  deepEqual([submit(stage, ELSEWHERE, { quantity: 7 }), asked(stage)], ['BOARD_LOT', 1])
  const [order] = stage.orders.values()
  const request = stage.cancel(order!)!
  stage.settle()
  deepEqual([stage.answers.get(request), asked(stage)], [Reason.CancelsNotAllowed, 1])
  // What waits for a verdict and is refused by then is taken back.
  stage.store(1, FIRM, countLimit(2))
  stage.settle()
  const halted = stage.submit(ELSEWHERE, { price: 5 })
  settleOthers(stage)
  stage.halts.setAccount(ELSEWHERE, true)
  stage.settle()
  equal(outcome(stage, halted), 'TRADING_HALTED')
  deepEqual([submit(stage, ALSO_ELSEWHERE), submit(stage, AT_JUDGE)], ['New', 'ORDER_LIMIT_REACHED'])
})

test('cancels are asked about where a pooled rule judges them, and by nobody else', () => {
  const stage = staged()
  stage.store(1, FIRM, countLimit(9))
  submit(stage, ELSEWHERE)
  submit(stage, ELSEWHERE, { side: Side.Ask, price: 15 })
  const [bid, ask] = [...stage.orders.values()] as [KnownOrder, KnownOrder]
  const before = asked(stage)
  stage.cancel(bid)
  stage.settle()
  deepEqual([bid.status, asked(stage)], [OrderStatus.Canceled, before])
  // A fill of another account on another shard; the rule comes behind it and is told.
  equal(submit(stage, AT_JUDGE, { price: 10.5 }), 'Filled')
  stage.store(2, FIRM, schemaOf('opposing_cancel', { timeout: { kind: 'quantity', value: 10 * MICROS } }))
  stage.settle()
  const refused = stage.cancel(ask)!
  stage.settle()
  equal(stage.answers.get(refused), Reason.OpposingCancel)
  stage.nowUs += 11 * MICROS
  const passes = stage.cancel(ask)!
  stage.settle()
  deepEqual([stage.answers.get(passes), ask.status], [0, OrderStatus.Canceled])
})

test('the judge knows quotes and last prints of tickers that no account of its shard trades', () => {
  const stage = staged()
  const limit = { value: { kind: 'money', value: 2_500 * MICROS }, currency: { kind: 'currency', value: CAD } } as const
  stage.store(1, FIRM, schemaOf('maximum_gross_exposure', limit))
  const market = { ticker: TICKERS[2], type: OrderType.Market, price: 0 }
  // 1,010 each at the best ask.
  equal(submit(stage, ELSEWHERE, market), 'Filled')
  // With no offers the last trade is what a bid may cost.
  stage.quote(2, 9.9, 0)
  const print = { ticker: TICKERS[2], timestamp: stage.nowUs, size: 100 * MICROS, condition: ' ', marketCenter: 'TSX' }
  stage.market.take({ type: MarketEventType.Print, ...print, price: 20 * MICROS })
  stage.settle()
  equal(submit(stage, ALSO_ELSEWHERE, market), 'EXPOSURE_TOO_LARGE')
  stage.market.take({ type: MarketEventType.Print, ...print, price: 14 * MICROS })
  stage.settle()
  ok(submit(stage, ALSO_ELSEWHERE, market) !== 'EXPOSURE_TOO_LARGE')
})

test('more than may wait is refused as busy, and nothing of what waits is lost', () => {
  const stage = staged()
  stage.store(1, FIRM, countLimit(10_000))
  stage.settle()
  const before = stage.requests
  let sent = 0
  // Beyond 1,000 of one account or 64 KiB of all, whatever comes first; a shard's order table takes 256 at a time.
  for (let turn = 0; turn < 60; turn++) {
    for (let i = 0; i < 20; i++) if (stage.submit(ELSEWHERE, { price: 5 }) !== undefined) sent += 1
    settleOthers(stage)
  }
  const refusals = [...stage.answers].filter(([request]) => request > before).map(([, reason]) => reason)
  ok(
    refusals.length > 0 && refusals.every(reason => reason === Reason.Busy),
    `${refusals.length} of ${sent} are refused`,
  )
  const waiting = sent - refusals.length
  stage.settle()
  const accepted = [...stage.orders.values()].filter(({ isAccepted }) => isAccepted).length
  const full = [...stage.answers.values()].filter(reason => reason === Reason.Capacity).length
  equal(accepted + full, waiting)
  stage.checkSettled()
})

test('the server stops while requests wait: they are answered, and no shard waits for another', () => {
  for (const judgeFirst of [true, false]) {
    const stage = staged(1 << 14)
    stage.store(1, FIRM, countLimit(100))
    stage.settle()
    const orders = Array.from({ length: ACCOUNTS * 2 }, (_, at) => stage.submit(at % ACCOUNTS, { price: 5 }))
    if (!judgeFirst) settleOthers(stage)
    stage.tell(Command.Stop)
    stage.settle()
    equal(stage.stopped, SHARDS)
    const stopping = [...stage.answers.values()].filter(reason => reason === Reason.Stopping).length
    const accepted = orders.filter(id => stage.orders.get(id!)!.isAccepted).length
    ok(stopping > 0)
    equal(accepted + stopping, orders.length)
  }
})

test('while the judge does not read, main holds so much and then the other shards wait; the judge’s own never does', () => {
  const stage = staged(1 << 14)
  stage.store(1, FIRM, countLimit(1_000_000))
  stage.settle()
  submit(stage, ELSEWHERE, { quantity: 100_000 })
  const [order] = stage.orders.values()
  // Each fill by hand is a message to the judge.
  let fills = 0
  while (!stage.holdsBack(1)) {
    for (let i = 0; i < 50; i++) stage.update(order!, OrderStatus.PartiallyFilled, 1, 10)
    fills += 50
    settleOthers(stage)
    ok(fills < 40_000, 'nobody is held back')
  }
  deepEqual([stage.holdsBack(JUDGE_SHARD), stage.holdsBack(1)], [false, true])
  stage.settle()
  deepEqual([stage.holdsBack(1), submit(stage, ALSO_ELSEWHERE)], [false, 'New'])
  stage.checkSettled()
})

test('the sweep of the kill switch and an expiry do not wait for the judge', () => {
  const stage = staged()
  stage.store(1, FIRM, schemaOf('message_rate', { interval: { kind: 'duration', value: MICROS } }))
  submit(stage, ELSEWHERE)
  const [order] = stage.orders.values()
  const waits = stage.submit(ELSEWHERE, { price: 5 })
  settleOthers(stage)
  stage.halts.setAccount(ELSEWHERE, true)
  stage.tell(Command.Sweep, 1)
  settleOthers(stage)
  deepEqual([order!.status, outcome(stage, waits)], [OrderStatus.Canceled, ''])
  stage.settle()
  equal(outcome(stage, waits), 'TRADING_HALTED')
  stage.checkSettled()
})

test('a pooled rule shuts itself by the fills of several shards, tells it once, and opens when it is stored again', () => {
  const stage = staged()
  const parameters = {
    count: { kind: 'quantity', value: 2 * MICROS },
    interval: { kind: 'duration', value: 10 * MICROS },
  } as const
  stage.store(1, FIRM, wrapSchema('per_ticker', [], schemaOf('repeated_executions', parameters)))
  const revision = stage.rules.rule(1)!.revision
  const crossing = { price: 10.5 }
  deepEqual(
    [AT_JUDGE, ELSEWHERE, ALSO_ELSEWHERE].map(row => submit(stage, row, crossing)),
    ['Filled', 'Filled', 'Filled'],
  )
  deepEqual(
    stage.violations.map(({ account, trippedRevision }) => [account, trippedRevision]),
    [[ALSO_ELSEWHERE + 1, revision]],
  )
  equal(stage.rules.rule(1)!.tripped, true)
  deepEqual([submit(stage, AT_JUDGE), submit(stage, ELSEWHERE)], ['REPEATED_EXECUTIONS', 'REPEATED_EXECUTIONS'])
  equal(submit(stage, ELSEWHERE, { ticker: TICKERS[1] }), 'New')
  stage.store(1, FIRM, wrapSchema('per_ticker', [], schemaOf('repeated_executions', parameters)))
  equal(submit(stage, AT_JUDGE), 'New')
})

/** What is left of an order, at which price. */
const stands = ({ quantity, filledQty, price }: KnownOrder): string =>
  `${(quantity - filledQty) / MICROS} at ${price / MICROS}`

const positionLimit = (quantity: number) =>
  wrapSchema(
    'per_ticker',
    [],
    schemaOf('maximum_position', { quantity: { kind: 'quantity', value: quantity * MICROS } }),
  )

test('a replace that asks for more is asked about, with what the order has already taken off; one that asks for less is not', () => {
  const stage = staged()
  stage.store(1, FIRM, positionLimit(300))
  deepEqual([submit(stage, ELSEWHERE), submit(stage, AT_JUDGE)], ['New', 'New'])
  const [first, second] = [...stage.orders.values()] as [KnownOrder, KnownOrder]
  const replace = (order: KnownOrder, quantity: number, price: number) => {
    const before = asked(stage)
    stage.replace(order, quantity, price)
    stage.settle()
    const said = order.status === OrderStatus.ReplaceReject ? reasonName(order.reason) : 'replaced'
    return [said, stands(order), asked(stage) - before]
  }
  deepEqual(replace(first, 200, 5), ['replaced', '200 at 5', 1])
  deepEqual(replace(second, 200, 5), ['POSITION_TOO_LARGE', '100 at 5', 1])
  deepEqual(replace(second, 100, 6), ['replaced', '100 at 6', 1])
  deepEqual(submit(stage, ALSO_ELSEWHERE), 'POSITION_TOO_LARGE')
  deepEqual(replace(first, 100, 5), ['replaced', '100 at 5', 0])
  deepEqual(replace(second, 200, 6), ['replaced', '200 at 6', 1])
  deepEqual(submit(stage, ALSO_ELSEWHERE), 'POSITION_TOO_LARGE')
  stage.cancel(first)
  stage.settle()
  deepEqual(submit(stage, ALSO_ELSEWHERE), 'New')
  stage.compare()
  stage.checkSettled()
})

test('a smaller quantity is asked about where a pooled rule judges cancels', () => {
  const stage = staged()
  stage.store(2, FIRM, countLimit(9))
  equal(submit(stage, ELSEWHERE, { side: Side.Ask, price: 15, quantity: 200 }), 'New')
  const [ask] = [...stage.orders.values()] as [KnownOrder]
  equal(submit(stage, AT_JUDGE, { price: 10.5 }), 'Filled')
  stage.store(1, FIRM, schemaOf('opposing_cancel', { timeout: { kind: 'quantity', value: 10 * MICROS } }))
  stage.settle()
  stage.replace(ask, 100, 15)
  stage.settle()
  deepEqual([stands(ask), ask.status, ask.reason], ['200 at 15', OrderStatus.ReplaceReject, Reason.OpposingCancel])
  stage.nowUs += 11 * MICROS
  stage.replace(ask, 100, 15)
  stage.settle()
  deepEqual([stands(ask), asked(stage)], ['100 at 15', 4])
  stage.compare()
})

test('an order that is executed in part while the judge is asked about new terms is asked about again', () => {
  const stage = staged()
  stage.store(
    1,
    FIRM,
    schemaOf('buying_power', {
      buying_power: { kind: 'money', value: 2_000 * MICROS },
      currency: { kind: 'currency', value: CAD },
    }),
  )
  equal(submit(stage, ELSEWHERE, { price: 9.5, quantity: 200 }), 'New')
  const [order] = [...stage.orders.values()] as [KnownOrder]
  const before = asked(stage)
  // 300 at 6.6 would do, were nothing executed at 9.5.
  stage.replace(order, 300, 6.6)
  settleOthers(stage)
  stage.print(0, 100, 9.5)
  settleOthers(stage)
  deepEqual([order.filledQty, order.status], [100 * MICROS, OrderStatus.PartiallyFilled])
  stage.settle()
  deepEqual([order.status, order.reason], [OrderStatus.ReplaceReject, Reason.ExceedsBuyingPower])
  deepEqual([stands(order), asked(stage) - before], ['100 at 9.5', 2])
  // What counts is as if nobody had asked: 100 of buying power are left.
  deepEqual(
    [submit(stage, AT_JUDGE, { price: 1.01 }), submit(stage, AT_JUDGE, { price: 1 })],
    ['EXCEEDS_BUYING_POWER', 'New'],
  )
  stage.compare()
  stage.checkSettled()
})

test('a replace that its shard or venue refuses behind the verdict leaves the counts as they were', () => {
  const stage = staged()
  stage.store(1, FIRM, positionLimit(300))
  equal(submit(stage, ELSEWHERE, { timeInForce: TimeInForce.Gtx }), 'New')
  const [order] = [...stage.orders.values()] as [KnownOrder]
  // It would trade, which a post-only order must not.
  stage.replace(order, 200, 10.5)
  stage.settle()
  deepEqual([order.status, order.reason], [OrderStatus.ReplaceReject, Reason.WouldTrade])
  stage.replace(order, 300, 5)
  settleOthers(stage)
  stage.halts.setAccount(ELSEWHERE, true)
  stage.settle()
  deepEqual([order.status, order.reason], [OrderStatus.ReplaceReject, Reason.TradingHalted])
  deepEqual([submit(stage, AT_JUDGE, { quantity: 200 }), submit(stage, AT_JUDGE)], ['New', 'POSITION_TOO_LARGE'])
  // One that leaves the rules while it is being asked about goes on without them.
  stage.halts.setAccount(ELSEWHERE, false)
  stage.replace(order, 800, 5)
  settleOthers(stage)
  stage.directory.detach(TRADERS[(ELSEWHERE + 1) % 2]!, ELSEWHERE + 1)
  stage.settle()
  equal(stands(order), '800 at 5')
  equal(submit(stage, AT_JUDGE), 'New')
  stage.compare()
  stage.checkSettled()
})

test('requests behind a replace that is asked about keep their order', () => {
  const stage = staged()
  stage.store(1, FIRM, positionLimit(300))
  equal(submit(stage, ELSEWHERE), 'New')
  const [order] = [...stage.orders.values()] as [KnownOrder]
  stage.replace(order, 300, 5)
  const refused = stage.submit(ELSEWHERE, { price: 5 })
  stage.replace(order, 200, 5)
  const passes = stage.submit(ELSEWHERE, { price: 5 })
  const cancel = stage.cancel(order)!
  settleOthers(stage)
  deepEqual([stands(order), outcome(stage, passes), stage.answers.has(cancel)], ['100 at 5', '', false])
  stage.settle()
  deepEqual([outcome(stage, refused), outcome(stage, passes)], ['POSITION_TOO_LARGE', 'New'])
  deepEqual([stage.answers.get(cancel), order.status, stage.replaced], [0, OrderStatus.Canceled, 2])
  stage.compare()
  stage.checkSettled()
})
