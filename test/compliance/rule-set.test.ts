import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emptyInventory, type Inventory, record } from '../../src/accounting/inventory.ts'
import { complianceNodes } from '../../src/compliance/group-walk.ts'
import { OrderUnderRule, type PositionUnderRule, type ReportUnderRule } from '../../src/compliance/rule.ts'
import { type LateRule, type OrderMemory, type ReplacedParts, RuleSet } from '../../src/compliance/rule-set.ts'
import { type Parameter, type RuleEntry, type RuleSchema, RuleState, wrapSchema } from '../../src/compliance/schema.ts'
import { MICROS, multiply } from '../../src/domain/money.ts'
import { isTerminal, OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Reason, reasonName } from '../../src/domain/reasons.ts'
import { direction, Side } from '../../src/domain/side.ts'
import {
  ACCOUNTS,
  countingRules,
  endings,
  type Happening,
  happenings,
  type OrderChoice,
  orderOf,
  reportOf,
  START_US,
  StageMarket,
  schemas,
} from './rule-stage.ts'
import { definitions, type TwinRule, twinOf } from './rule-twin.ts'

/** Directories above the accounts of the stage. */
const DESK = 100
const FIRM = 101
const OTHER_DESK = 102
const directories = [DESK, FIRM, OTHER_DESK]

interface Held extends Inventory {
  readonly account: number
  readonly tickerIndex: number
  readonly currency: number
}

/** Remembers everything that happened, as a shard does what it can of it. */
class Memory implements OrderMemory {
  readonly positions = new Map<string, Held>()
  readonly live: OrderUnderRule[] = []
  readonly past: { order: OrderUnderRule; report: ReportUnderRule }[] = []

  report(order: OrderUnderRule, report: ReportUnderRule): void {
    this.past.push({ order, report })
    const { account, tickerIndex, currency, side } = order
    const { lastQty, lastPx, status } = report
    if (lastQty !== 0) {
      const key = `${account} ${tickerIndex} ${currency}`
      const held = this.positions.get(key) ?? { account, tickerIndex, currency, ...emptyInventory() }
      record(held, direction(side) * lastQty, multiply(lastQty, lastPx), 0)
      this.positions.set(key, held)
    }
    order.leavesQty = Math.max(0, order.leavesQty - lastQty)
    if (isTerminal(status)) this.live.splice(this.live.indexOf(order), 1)
  }

  tell(rule: LateRule): void {
    for (const position of this.positions.values()) if (rule.wants(position.account)) rule.position(position)
    for (const order of this.live) if (rule.wants(order.account)) rule.order(order)
    for (const { order, report } of this.past) if (rule.wants(order.account)) rule.past(order, report)
  }
}

/** The rules of the twin: a list for each node, walked as told. */
class TwinSet {
  readonly #market: StageMarket
  readonly #memory: Memory
  readonly #nodesOf: (account: number) => readonly number[]
  #rules: { entry: RuleEntry; twin: TwinRule }[] = []

  constructor(market: StageMarket, memory: Memory, nodesOf: (account: number) => readonly number[]) {
    this.#market = market
    this.#memory = memory
    this.#nodesOf = nodesOf
  }

  set(entry: RuleEntry): void {
    this.#rules = this.#rules.filter(rule => rule.entry.id !== entry.id)
    if (entry.state === RuleState.Deleted) return
    const twin = twinOf(entry.schema, this.#market)
    const wants = (account: number) => this.#nodesOf(account).includes(entry.node)
    for (const position of this.#memory.positions.values()) if (wants(position.account)) twin.seed(position)
    for (const order of this.#memory.live) if (wants(order.account)) twin.meet(order)
    for (const { order, report } of this.#memory.past) if (wants(order.account)) twin.past(order, report)
    this.#rules.push({ entry, twin })
  }

  walk(account: number): { entry: RuleEntry; twin: TwinRule }[] {
    return this.#nodesOf(account).flatMap(node => this.#rules.filter(({ entry }) => entry.node === node))
  }

  judge(account: number, ask: (twin: TwinRule) => Reason): { reason: Reason; violations: unknown[] } {
    const violations: unknown[] = []
    for (const { entry, twin } of this.walk(account)) {
      if (entry.state === RuleState.Disabled) continue
      const reason = ask(twin)
      if (reason === Reason.None) continue
      violations.push([entry.id, reasonName(reason)])
      if (entry.state === RuleState.Active) return { reason, violations }
    }
    return { reason: Reason.None, violations }
  }

  report(order: OrderUnderRule, report: ReportUnderRule): void {
    for (const { twin } of this.#rules) twin.report(order, report)
  }
}

class Stage {
  readonly market = new StageMarket()
  readonly memory = new Memory()
  /** Account → directories. */
  readonly above = new Map<number, readonly number[]>([
    [ACCOUNTS[0]!, [DESK, FIRM]],
    [ACCOUNTS[1]!, [DESK, FIRM]],
    [ACCOUNTS[2]!, [OTHER_DESK, FIRM]],
  ])
  readonly nodesOf = (account: number) => [account, ...this.above.get(account)!]
  readonly set = new RuleSet(definitions, this.market, this.nodesOf, this.memory)
  nowUs = START_US
  #orders = 0

  /** What came of a submission: the reason and the violations. A refused order is rejected, as a desk does. */
  submit(choice: OrderChoice): { order: OrderUnderRule; reason: Reason; violations: unknown[] } {
    const order = orderOf(choice, ++this.#orders, this.nowUs)
    const passes = this.set.submit(order)
    const outcome = { order, reason: passes ? Reason.None : this.set.refusal.reason, violations: this.violations() }
    if (passes) this.memory.live.push(order)
    return outcome
  }

  report(order: OrderUnderRule, status: OrderStatus, lastQty: number, lastPx: number): ReportUnderRule {
    const report = reportOf(status, lastQty, lastPx, this.nowUs)
    this.set.report(order.orderId, report)
    this.memory.report(order, report)
    return report
  }

  violations(): unknown[] {
    return Array.from({ length: this.set.violations.count }, (_, index) => {
      const { ruleId, reason } = this.set.violations.at(index)
      return [ruleId, reasonName(reason)]
    })
  }
}

const entryStates = fc.constantFrom(
  ...[RuleState.Active, RuleState.Active, RuleState.Active, RuleState.Passive, RuleState.Disabled, RuleState.Deleted],
)

function entries(of: fc.Arbitrary<RuleSchema>): fc.Arbitrary<RuleEntry> {
  return fc
    .record({
      id: fc.integer({ min: 1, max: 6 }),
      node: fc.constantFrom(...ACCOUNTS, ...directories),
      state: entryStates,
      schema: of,
    })
    .map(entry => ({ ...entry, nodeKind: directories.includes(entry.node) ? 'directory' : 'account' }))
}

type Step = { readonly entry?: RuleEntry; readonly happening?: Happening }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 1, arbitrary: fc.record({ entry: entries(schemas) }) },
    { weight: 12, arbitrary: fc.record({ happening: happenings }) },
  ),
  { maxLength: 200, size: 'max' },
)

test('a set of rules that come, change and go judges as its twin does, and tells the same violations', () => {
  fc.assert(
    fc.property(fc.array(entries(schemas), { maxLength: 6 }), steps, (first, more) => {
      const stage = new Stage()
      const twins = new TwinSet(stage.market, stage.memory, stage.nodesOf)
      for (const ticker of [0, 1, 2]) stage.market.quotes.set(ticker, { bid: 9_990_000, ask: 10_010_000 })
      const set = (entry: RuleEntry): void => {
        equal(stage.set.set(entry), undefined)
        twins.set(entry)
      }
      for (const entry of first) set(entry)
      for (const { entry, happening } of more) {
        if (entry !== undefined) {
          set(entry)
          continue
        }
        const { kind, choice, pick, part, waitUs } = happening!
        const { live } = stage.memory
        const known = live[pick % Math.max(1, live.length)]
        if (kind === 'submit' || kind === 'add') {
          const { order, reason, violations } = stage.submit(choice)
          deepEqual(
            { reason, violations },
            twins.judge(order.account, twin => twin.submit(order)),
          )
          if (reason !== Reason.None) twins.report(order, reportOf(OrderStatus.Rejected, 0, 0, stage.nowUs))
        } else if (kind === 'cancel' && known !== undefined) {
          const passes = stage.set.cancel(known, known.account, stage.nowUs)
          deepEqual(
            { reason: passes ? Reason.None : stage.set.refusal.reason, violations: stage.violations() },
            twins.judge(known.account, twin => twin.cancel(known, stage.nowUs)),
          )
        } else if (kind === 'fill' && known !== undefined) {
          const lastQty = Math.ceil((known.leavesQty * part) / 12)
          twins.report(known, stage.report(known, OrderStatus.PartiallyFilled, lastQty, choice.price))
        } else if ((kind === 'end' || kind === 'reject') && known !== undefined) {
          const status = kind === 'reject' ? OrderStatus.Rejected : endings[part % endings.length]!
          twins.report(
            known,
            stage.report(known, status, status === OrderStatus.Filled ? known.leavesQty : 0, choice.price),
          )
        } else if (kind === 'wait') {
          stage.nowUs += waitUs
        }
      }
    }),
    { numRuns: Number(process.env.OES_RULE_RUNS ?? 150) },
  )
})

test('a rule that comes late counts like one that was there all along', () => {
  const wrapped = fc
    .tuple(fc.oneof(...countingRules), fc.array(fc.constantFrom('per_account', 'per_ticker'), { maxLength: 2 }))
    .map(([schema, names]) => names.reduce((inner, name) => wrapSchema(name, [], inner), schema))
  const happening = happenings.map(({ choice, ...rest }) => ({ ...rest, choice: { ...choice, isForeign: false } }))
  const several = fc.array(happening, { maxLength: 120, size: 'max' })
  fc.assert(
    fc.property(wrapped, several, several, (schema, before, after) => {
      const [early, late] = [new Stage(), new Stage()]
      const entry: RuleEntry = { id: 1, node: DESK, nodeKind: 'directory', state: RuleState.Active, schema }
      for (const stage of [early, late]) {
        for (const ticker of [0, 1, 2]) stage.market.quotes.set(ticker, { bid: 9_990_000, ask: 10_010_000 })
      }
      // Both see the orders that the early one lets pass.
      early.set.set(entry)
      const step = ({ kind, choice, pick, part }: Happening, isLateIn: boolean): void => {
        const known = early.memory.live[pick % Math.max(1, early.memory.live.length)]
        if (kind === 'submit' || kind === 'add') {
          const whole = { ...choice, quantity: Math.ceil(choice.quantity / MICROS) * MICROS }
          const { order, reason } = early.submit(whole)
          const { reason: lateReason } = late.submit(whole)
          if (isLateIn) equal(reasonName(lateReason), reasonName(reason))
          else if (reason !== Reason.None) late.report(late.memory.live.at(-1)!, OrderStatus.Rejected, 0, 0)
          equal(late.memory.live.length, early.memory.live.length, `order ${order.orderId}`)
        } else if (known !== undefined && (kind === 'fill' || kind === 'end')) {
          const same = late.memory.live.find(({ orderId }) => orderId === known.orderId)!
          const status = kind === 'fill' ? OrderStatus.PartiallyFilled : endings[part % endings.length]!
          const part12 = Math.floor((known.leavesQty / MICROS) * (part / 13)) * MICROS
          const lastQty = status === OrderStatus.Filled ? known.leavesQty : kind === 'fill' ? part12 : 0
          early.report(known, status, lastQty, 10 * MICROS)
          late.report(same, status, lastQty, 10 * MICROS)
        }
      }
      for (const happening of before) step(happening, false)
      late.set.set(entry)
      for (const happening of after) step(happening, true)
    }),
    { numRuns: Number(process.env.OES_RULE_RUNS ?? 150) },
  )
})

/** An order under new terms, of which so much would be left. */
function replaced(order: OrderUnderRule, quantity: number, price: number, nowUs: number): OrderUnderRule {
  const filled = order.quantity - order.leavesQty
  const leavesQty = Math.max(0, quantity - filled)
  return Object.assign(new OrderUnderRule(), order, { quantity, leavesQty, price, timestamp: nowUs })
}

/** What a replace is, as the desk tells it. */
function partsOf(before: OrderUnderRule, after: OrderUnderRule): ReplacedParts {
  const isRepriced = after.price !== before.price
  return {
    givesUp: isRepriced || after.quantity < before.quantity,
    asksForMore: isRepriced || after.quantity > before.quantity,
  }
}

test('a replaced order is judged and counted as one that came in its place, a refused one as before', () => {
  const wrapped = fc
    .tuple(fc.oneof(...countingRules), fc.array(fc.constantFrom('per_account', 'per_ticker'), { maxLength: 2 }))
    .map(([schema, names]) => names.reduce((inner, name) => wrapSchema(name, [], inner), schema))
  const happening = happenings.map(({ choice, ...rest }) => {
    const quantity = Math.ceil(choice.quantity / MICROS) * MICROS
    return { ...rest, choice: { ...choice, quantity, isForeign: false, type: OrderType.Limit } }
  })
  fc.assert(
    fc.property(
      wrapped,
      fc.array(fc.tuple(happening, fc.boolean()), { maxLength: 120, size: 'max' }),
      (schema, steps) => {
        const [stage, twin] = [new Stage(), new Stage()]
        for (const each of [stage, twin]) {
          for (const ticker of [0, 1, 2]) each.market.quotes.set(ticker, { bid: 9_990_000, ask: 10_010_000 })
          each.set.set({ id: 1, node: DESK, nodeKind: 'directory', state: RuleState.Active, schema })
        }
        for (const [{ kind, choice, pick, part }, isReplace] of steps) {
          const at = pick % Math.max(1, stage.memory.live.length)
          const [known, same] = [stage.memory.live[at], twin.memory.live[at]]
          if (isReplace && known !== undefined && same !== undefined) {
            const filled = known.quantity - known.leavesQty
            const after = replaced(known, filled + choice.quantity, choice.price, stage.nowUs)
            const parts = partsOf(known, after)
            const passes = stage.set.replace(known, after, known.account, parts)
            // In its place: the old one is taken back, and what is left of the new one comes.
            twin.set.report(same.orderId, reportOf(OrderStatus.Rejected, 0, 0, twin.nowUs))
            const other = Object.assign(new OrderUnderRule(), same, {
              quantity: choice.quantity,
              leavesQty: choice.quantity,
              price: choice.price,
            })
            const twinPasses = parts.asksForMore ? twin.set.submit(other) : true
            if (!twinPasses) twin.set.add(same)
            else if (!parts.asksForMore) twin.set.add(other)
            equal(passes ? Reason.None : stage.set.refusal.reason, twinPasses ? Reason.None : twin.set.refusal.reason)
            if (!passes) continue
            Object.assign(known, after)
            Object.assign(same, other)
          } else if (kind === 'submit' || kind === 'add') {
            equal(stage.submit(choice).reason, twin.submit(choice).reason)
          } else if (known !== undefined && same !== undefined && (kind === 'fill' || kind === 'end')) {
            const status = kind === 'fill' ? OrderStatus.PartiallyFilled : endings[part % endings.length]!
            const filled = Math.floor((known.leavesQty / MICROS) * (part / 13)) * MICROS
            const lastQty = status === OrderStatus.Filled ? known.leavesQty : kind === 'fill' ? filled : 0
            stage.report(known, status, lastQty, 10 * MICROS)
            twin.report(same, status, lastQty, 10 * MICROS)
          }
          equal(stage.set.ordersWatched, twin.set.ordersWatched)
        }
      },
    ),
    { numRuns: Number(process.env.OES_RULE_RUNS ?? 150) },
  )
})

test('a replace counts as the messages that it stands for, and leaving a price as a cancel there', () => {
  const seconds = (name: string, value: number): Parameter => ({
    name,
    value: { kind: 'quantity', value: value * MICROS },
  })
  const stage = new Stage()
  const rate = {
    name: 'message_rate',
    parameters: [
      { name: 'interval', value: { kind: 'duration' as const, value: 60 * MICROS } },
      seconds('submissions', 2),
      seconds('cancels', 1),
    ],
  }
  stage.set.set(entry(1, DESK, rate))
  const { order, reason } = stage.submit(choice)
  equal(reason, Reason.None)
  const replace = (quantity: number, price: number) => {
    const after = replaced(order, quantity * MICROS, price * MICROS, stage.nowUs)
    const passes = stage.set.replace(order, after, order.account, partsOf(order, after))
    if (passes && after.price !== order.price) stage.set.leftPrice(order, stage.nowUs)
    if (passes) Object.assign(order, after)
    return passes ? 'passes' : reasonName(stage.set.refusal.reason)
  }
  deepEqual(
    [replace(200, 10), replace(300, 10), replace(100, 10), replace(50, 10)],
    ['passes', 'MESSAGE_RATE_EXCEEDED', 'passes', 'MESSAGE_RATE_EXCEEDED'],
  )
  stage.set.remove(1)
  stage.set.set(entry(2, DESK, { name: 'opposing_submission', parameters: [seconds('timeout', 30)] }))
  equal(replace(100, 9), 'passes')
  equal(reasonName(stage.submit({ ...choice, side: Side.Ask }).reason), 'OPPOSING_SUBMISSION')
  stage.set.set(entry(3, DESK, { name: 'opposing_cancel', parameters: [seconds('timeout', 30)] }))
  const { order: ask } = stage.submit({ ...choice, side: Side.Ask, price: 12 * MICROS })
  stage.report(ask, OrderStatus.Filled, 100 * MICROS, 12 * MICROS)
  deepEqual([replace(200, 9), replace(100, 9), replace(200, 8)], ['passes', 'OPPOSING_CANCEL', 'OPPOSING_CANCEL'])
})

const limit = (orders: number): RuleSchema => ({
  name: 'order_count_limit',
  parameters: [{ name: 'count', value: { kind: 'quantity', value: orders * MICROS } }],
})

const choice: OrderChoice = {
  account: 0,
  ticker: 0,
  side: Side.Bid,
  type: OrderType.Limit,
  quantity: 100 * MICROS,
  price: 10 * MICROS,
  isForeign: false,
}

function entry(id: number, node: number, schema: RuleSchema, state: RuleState = RuleState.Active): RuleEntry {
  return { id, node, nodeKind: directories.includes(node) ? 'directory' : 'account', state, schema }
}

test('an account without rules is not under rules, one with rules on any of its directories is', () => {
  const stage = new Stage()
  stage.set.set(entry(1, DESK, limit(5)))
  deepEqual(
    ACCOUNTS.map(account => stage.set.isUnderRules(account)),
    [true, true, false],
  )
  stage.set.set(entry(1, DESK, limit(5), RuleState.Disabled))
  deepEqual(
    ACCOUNTS.map(account => stage.set.isUnderRules(account)),
    [false, false, false],
  )
})

test('an order that a later rule refuses is counted by none', () => {
  const stage = new Stage()
  stage.set.set(entry(1, ACCOUNTS[0]!, limit(1)))
  stage.set.set(entry(2, DESK, { name: 'reject_submissions', parameters: [] }))
  equal(stage.submit(choice).reason, Reason.SubmissionsNotAllowed)
  equal(stage.set.ordersWatched, 0)
  stage.set.remove(2)
  equal(stage.submit(choice).reason, Reason.None)
  equal(stage.submit(choice).reason, Reason.OrderLimitReached)
  equal(stage.set.ordersWatched, 1)
})

test('a changed entry goes to the end of its node', () => {
  const stage = new Stage()
  stage.set.set(entry(1, DESK, limit(0)))
  stage.set.set(entry(2, DESK, { name: 'reject_submissions', parameters: [] }))
  equal(stage.submit(choice).reason, Reason.OrderLimitReached)
  stage.set.set(entry(1, DESK, limit(0)))
  equal(stage.submit(choice).reason, Reason.SubmissionsNotAllowed)
})

test('an entry of which no rule can be made is left out, and what is wrong is told', () => {
  const stage = new Stage()
  const unknown = { name: 'per_account', parameters: [] }
  deepEqual(stage.set.set(entry(1, DESK, unknown)), { reason: Reason.RuleNameUnknown, params: [''] })
  equal(stage.submit(choice).reason, Reason.None)
})

test('the orders of an account that moves count where it moved to, and no more where it was', () => {
  const stage = new Stage()
  stage.set.set(entry(1, DESK, limit(2)))
  stage.set.set(entry(2, OTHER_DESK, limit(2)))
  for (const account of [0, 1]) equal(stage.submit({ ...choice, account }).reason, Reason.None)
  equal(stage.submit(choice).reason, Reason.OrderLimitReached)
  stage.above.set(ACCOUNTS[1]!, [OTHER_DESK, FIRM])
  stage.set.moved(ACCOUNTS[1]!)
  equal(stage.submit(choice).reason, Reason.None)
  equal(stage.submit(choice).reason, Reason.OrderLimitReached)
  equal(stage.submit({ ...choice, account: 2 }).reason, Reason.None)
  equal(stage.submit({ ...choice, account: 2 }).reason, Reason.OrderLimitReached)
})

const repeated: RuleSchema = {
  name: 'repeated_executions',
  parameters: [
    { name: 'count', value: { kind: 'quantity', value: 2 * MICROS } },
    { name: 'interval', value: { kind: 'duration', value: MICROS } },
  ],
}

test('the execution that shuts a rule is told at once, and only storing the entry again opens it', () => {
  const stage = new Stage()
  stage.set.set(entry(7, DESK, repeated))
  const { order } = stage.submit(choice)
  for (const expected of [[], [], [[7, 'REPEATED_EXECUTIONS']], []]) {
    stage.report(order, OrderStatus.PartiallyFilled, MICROS, 10 * MICROS)
    deepEqual(stage.violations(), expected)
  }
  stage.nowUs += 3600 * MICROS
  equal(stage.submit(choice).reason, Reason.RepeatedExecutions)
  equal(stage.set.cancel(order, order.account, stage.nowUs), true)
  stage.above.set(ACCOUNTS[1]!, [FIRM])
  stage.set.moved(ACCOUNTS[1]!)
  equal(stage.submit(choice).reason, Reason.RepeatedExecutions)
  stage.set.set(entry(7, DESK, repeated))
  equal(stage.submit(choice).reason, Reason.None)
})

test('a rule that had shut itself before the server was started again is built shut', () => {
  const stage = new Stage()
  stage.set.set({ ...entry(7, DESK, wrapSchema('per_account', [], repeated)), tripped: true })
  equal(stage.submit(choice).reason, Reason.RepeatedExecutions)
})

test('the news that a rule has shut itself leaves it open for the others it stands over', () => {
  const stage = new Stage()
  const shared = entry(7, DESK, wrapSchema('per_account', [], repeated))
  stage.set.set(shared)
  const { order } = stage.submit(choice)
  for (let i = 0; i < 3; i++) stage.report(order, OrderStatus.PartiallyFilled, MICROS, 10 * MICROS)
  stage.set.set({ ...shared, tripped: true })
  equal(stage.submit(choice).reason, Reason.RepeatedExecutions)
  equal(stage.submit({ ...choice, account: 1 }).reason, Reason.None)
})

test('messages and orders of before a rule are no messages to it, and no duplicates', () => {
  const stage = new Stage()
  equal(stage.submit(choice).reason, Reason.None)
  const interval = { name: 'interval', value: { kind: 'duration', value: MICROS } } as const
  const one = { name: 'submissions', value: { kind: 'quantity', value: MICROS } } as const
  stage.set.set(entry(1, DESK, { name: 'message_rate', parameters: [one, interval] }))
  const window = { name: 'window', value: { kind: 'duration', value: MICROS } } as const
  stage.set.set(entry(2, FIRM, wrapSchema('per_ticker', [], { name: 'duplicate_order', parameters: [window] })))
  equal(stage.submit(choice).reason, Reason.None)
  equal(stage.submit({ ...choice, account: 1 }).reason, Reason.MessageRateExceeded)
})

test('the account of a violation is who submitted, or who asked for the cancel', () => {
  const stage = new Stage()
  stage.set.set(entry(3, DESK, { name: 'reject_submissions', parameters: [] }, RuleState.Passive))
  stage.set.set(entry(4, DESK, { name: 'reject_cancels', parameters: [] }))
  const order = orderOf(choice, 9, START_US)
  order.submissionAccount = 55
  equal(stage.set.submit(order), true)
  const { account, orderId, ruleId, schemaName, reason, params, timestamp } = stage.set.violations.at(0)
  deepEqual(
    [account, orderId, ruleId, schemaName, reason, params, timestamp],
    [55, 9, 3, 'reject_submissions', Reason.SubmissionsNotAllowed, [], START_US],
  )
  equal(stage.set.cancel(order, 66, START_US + 1), false)
  equal(stage.set.violations.count, 1)
  equal(stage.set.violations.at(0).account, 66)
})

test('an account that comes back brings its positions to the keys of its orders', () => {
  const stage = new Stage()
  const limited = (name: string): RuleSchema =>
    wrapSchema(name, [], {
      name: 'buying_power',
      parameters: [
        { name: 'buying_power', value: { kind: 'money', value: 1500 * MICROS } },
        { name: 'currency', value: { kind: 'currency', value: 124 } },
      ],
    })
  stage.market.quotes.set(0, { bid: 10 * MICROS, ask: 10 * MICROS })
  stage.market.quotes.set(1, { bid: 10 * MICROS, ask: 10 * MICROS })
  stage.set.set(entry(1, ACCOUNTS[0]!, limited('per_ticker')))
  const held: PositionUnderRule = {
    account: ACCOUNTS[0]!,
    tickerIndex: 1,
    currency: 124,
    quantity: 100 * MICROS,
    costBasis: 1000 * MICROS,
  }
  const order = { ...orderOf({ ...choice, quantity: 10 * MICROS }, 1, START_US) } as OrderUnderRule
  stage.set.restore({ account: held.account, positions: [held], orders: [order] })
  // The rule of the order's ticker has the whole of the positions; that of their own ticker has none.
  equal(stage.submit({ ...choice, quantity: 50 * MICROS }).reason, Reason.ExceedsBuyingPower)
  equal(stage.submit({ ...choice, ticker: 1, quantity: 150 * MICROS }).reason, Reason.None)
})

test('the nodes of an account are itself, its trading groups, and everything above them, the nearest first', () => {
  const parents: Record<number, number[]> = {
    1: [10, 11, 12],
    10: [20],
    11: [20],
    12: [30],
    20: [30, 40],
    30: [],
    40: [30],
  }
  const names: Record<number, string> = { 10: 'traders', 11: 'managers', 12: 'entitlements' }
  const directory = {
    parentsOf: (node: number) => parents[node] ?? [],
    nameOf: (node: number) => names[node] ?? 'group',
  }
  deepEqual(complianceNodes(1, directory), [1, 10, 11, 20, 30, 40])
  deepEqual(complianceNodes(12, directory), [12])
})
