import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { nodesBody, ruleBody, violationOfText } from '../../src/compliance/rule-messages.ts'
import { type Parameter, type RuleEntry, RuleState } from '../../src/compliance/schema.ts'
import { MICROS } from '../../src/domain/money.ts'
import { reasonName } from '../../src/domain/reasons.ts'
import { Command } from '../../src/shared-memory/records.ts'
import { ShardStage, type StageOptions } from './shard-stage.ts'

const ASK = 0
const DESK = 500

/** Two accounts, 1 and 2, and a market for ABX at 20 to 21. */
function staged(options: StageOptions = {}): ShardStage {
  const stage = new ShardStage({ accounts: [{}, {}], ...options })
  stage.quote('ABX.TSX', 20, 21)
  return stage
}

interface RuleOptions {
  id?: number
  node?: number
  nodeKind?: RuleEntry['nodeKind']
  state?: RuleState
}

/** Stores a rule over account 1 unless it is said otherwise. */
function store(
  stage: ShardStage,
  name: string,
  parameters: readonly Parameter[] = [],
  options: RuleOptions = {},
): void {
  const { id = 9, node = 1, nodeKind = 'account', state = RuleState.Active } = options
  const body = ruleBody({ id, node, nodeKind, state, schema: { name, parameters }, revision: id * 10 })
  stage.link.insist(Command.Rule, 0, stage.nowUs, 0, body)
  stage.turn()
}

function place(stage: ShardStage, row: number, ...nodes: number[]): void {
  stage.link.insist(Command.Nodes, row, stage.nowUs, 0, nodesBody(nodes))
  stage.turn()
}

const quantity = (name: string, value: number): Parameter => ({
  name,
  value: { kind: 'quantity', value: value * MICROS },
})

/** What became of an order, in one word: NEW, FILLED, or why it was rejected. */
function submit(stage: ShardStage, ...request: Parameters<ShardStage['submit']>): string {
  stage.submit(...request)
  const last = stage.take().at(-1)!
  return /REJECTED (\S+)/.exec(last)?.[1] ?? /^#\d+ \d+\.\d+ (\S+)/.exec(last)![1]!
}

/** Violations since the last call: whose, of which order, of which rule, why. */
function violations(stage: ShardStage): string[] {
  return stage.texts.splice(0).map(text => {
    const { account, orderId, ruleId, schemaName, reason, trippedRevision } = violationOfText(text)
    return `${account} ${orderId} ${ruleId} ${schemaName} ${reasonName(reason)}${trippedRevision === 0 ? '' : ` shuts ${trippedRevision}`}`
  })
}

test('an order that a rule refuses is a rejected order, and is not counted', () => {
  const stage = staged()
  store(stage, 'order_count_limit', [quantity('count', 2)])
  const orders = [1, 2, 3].map(() => submit(stage, { price: 10 }))
  deepEqual(orders, ['NEW', 'NEW', 'ORDER_LIMIT_REACHED'])
  deepEqual(violations(stage), ['1 3 9 order_count_limit ORDER_LIMIT_REACHED'])
  equal(submit(stage, { price: 10 }, { row: 1 }), 'NEW')
  stage.cancel(1)
  deepEqual([stage.answers(), stage.take().length], [['DONE'], 2])
  equal(submit(stage, { price: 10 }, { sessionAccount: 77 }), 'NEW')
  equal(submit(stage, { price: 10 }, { sessionAccount: 77 }), 'ORDER_LIMIT_REACHED')
  deepEqual(violations(stage), ['77 6 9 order_count_limit ORDER_LIMIT_REACHED'])
})

test('a passive rule only tells, a disabled one nothing, and a deleted one is gone', () => {
  const stage = staged()
  for (const [state, told] of [
    [RuleState.Passive, 1],
    [RuleState.Disabled, 0],
    [RuleState.Deleted, 0],
  ] as const) {
    store(stage, 'reject_submissions', [], { state })
    equal(submit(stage, { price: 10 }), 'NEW')
    equal(violations(stage).length, told)
  }
})

test('a rule that comes late knows live orders, positions and what happened a short while ago', () => {
  const stage = staged()
  // Any rule in force has the shard remember reports.
  store(stage, 'reject_submissions', [], { id: 1, state: RuleState.Passive })
  equal(submit(stage, { price: 21 }), 'FILLED')
  const resting = stage.nextOrderId
  equal(submit(stage, { price: 30, side: ASK }), 'NEW')
  violations(stage)
  store(stage, 'order_count_limit', [quantity('count', 1)], { id: 2 })
  equal(submit(stage, { price: 10 }), 'ORDER_LIMIT_REACHED')
  store(stage, 'order_count_limit', [], { id: 2, state: RuleState.Deleted })
  store(stage, 'maximum_position', [quantity('quantity', 150)], { id: 3 })
  equal(submit(stage, { price: 10 }), 'POSITION_TOO_LARGE')
  store(stage, 'maximum_position', [], { id: 3, state: RuleState.Deleted })
  store(stage, 'opposing_cancel', [quantity('timeout', 60)], { id: 4 })
  violations(stage)
  stage.cancel(resting)
  deepEqual(stage.answers(), ['OPPOSING_CANCEL'])
  deepEqual(violations(stage), [`1 ${resting} 4 opposing_cancel OPPOSING_CANCEL`])
  stage.wait(61)
  stage.cancel(resting)
  deepEqual(stage.answers(), ['DONE'])
})

test('a rule on a directory counts all who lie under it, as long as they do', () => {
  const stage = staged()
  place(stage, 0, 1, DESK)
  store(stage, 'order_count_limit', [quantity('count', 2)], { node: DESK, nodeKind: 'directory' })
  equal(submit(stage, { price: 10 }), 'NEW')
  equal(submit(stage, { price: 10 }, { row: 1 }), 'NEW')
  equal(submit(stage, { price: 10 }), 'NEW')
  equal(submit(stage, { price: 10 }), 'ORDER_LIMIT_REACHED')
  place(stage, 1, 2, DESK)
  equal(submit(stage, { price: 10 }, { row: 1 }), 'ORDER_LIMIT_REACHED')
  place(stage, 0, 1)
  equal(submit(stage, { price: 10 }), 'NEW')
  equal(submit(stage, { price: 10 }, { row: 1 }), 'NEW')
})

test('an order that is refused behind the rules does not stay counted', () => {
  const stage = staged()
  store(stage, 'order_count_limit', [quantity('count', 1)])
  equal(submit(stage, { price: 4_000_000_000, quantity: 4_000_000_000, type: 3 }), 'AMOUNT_TOO_LARGE')
  equal(submit(stage, { price: 10 }), 'NEW')
  equal(submit(stage, { price: 10 }), 'ORDER_LIMIT_REACHED')
  deepEqual(violations(stage).length, 1)
})

test('an order that fails a check is not asked about', () => {
  const stage = staged({ checks: ['board_lot'] })
  store(stage, 'reject_submissions')
  equal(submit(stage, { price: 10, quantity: 7 }), 'BOARD_LOT')
  deepEqual(violations(stage), [])
})

test('what an administrator books by hand is not judged and counts', () => {
  const stage = staged()
  store(stage, 'maximum_position', [quantity('quantity', 100)])
  equal(submit(stage, { price: 20, quantity: 150, destination: 'MOE' }, { administrator: true }), 'FILLED')
  equal(submit(stage, { price: 10 }), 'POSITION_TOO_LARGE')
})

test('a cancel that a rule refuses leaves the order as it is, and a halt does not ask', () => {
  const stage = staged()
  store(stage, 'reject_cancels')
  const orderId = stage.submit({ price: 10 })
  stage.take()
  stage.cancel(orderId, { sessionAccount: 77 })
  deepEqual([stage.answers(), stage.take()], [['CANCELS_NOT_ALLOWED'], []])
  deepEqual(violations(stage), [`77 ${orderId} 9 reject_cancels CANCELS_NOT_ALLOWED`])
  stage.halts.setEverybody(true)
  stage.link.urge(Command.Sweep, 0, stage.nowUs, 1, new Uint8Array(0))
  stage.turn()
  equal(stage.state.orders.size, 0)
})

test('a rule that shuts itself says so, and stays shut until it is stored again', () => {
  const stage = staged()
  const parameters: Parameter[] = [
    quantity('count', 2),
    { name: 'interval', value: { kind: 'duration', value: 10 * MICROS } },
  ]
  store(stage, 'repeated_executions', parameters)
  deepEqual(
    [1, 2, 3].map(() => submit(stage, { price: 21 })),
    ['FILLED', 'FILLED', 'FILLED'],
  )
  deepEqual(violations(stage), ['1 3 9 repeated_executions REPEATED_EXECUTIONS shuts 90'])
  equal(submit(stage, { price: 10 }), 'REPEATED_EXECUTIONS')
  stage.wait(60)
  equal(submit(stage, { price: 10 }), 'REPEATED_EXECUTIONS')
  store(stage, 'repeated_executions', parameters)
  equal(submit(stage, { price: 10 }), 'NEW')
})

test('prices are judged by the market as it is, and by the last trade', () => {
  const stage = staged()
  store(stage, 'price_collar', [{ name: 'limit', value: { kind: 'double', value: 10 } }])
  equal(submit(stage, { price: 23.1 }), 'FILLED')
  equal(submit(stage, { price: 23.2 }), 'PRICE_OUTSIDE_COLLAR')
  stage.quote('ABX.TSX', 22, 23)
  equal(submit(stage, { price: 23.2 }), 'FILLED')
})
