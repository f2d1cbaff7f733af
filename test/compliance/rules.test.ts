import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Refusal } from '../../src/checks/check.ts'
import { makeRule } from '../../src/compliance/check-schema.ts'
import { type OrderUnderRule, type ReportUnderRule, type Rule, RuleContext } from '../../src/compliance/rule.ts'
import type { RuleSchema } from '../../src/compliance/schema.ts'
import { WatchTable } from '../../src/compliance/watch-table.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { Reason, reasonName } from '../../src/domain/reasons.ts'
import {
  endings,
  eventRules,
  type Happening,
  happenings,
  type OrderChoice,
  orderOf,
  reportOf,
  START_US,
  StageMarket,
  schemas,
} from './rule-stage.ts'
import { definitions, twinOf } from './rule-twin.ts'

/** One rule and its twin, told the same. */
class Pair {
  readonly market = new StageMarket()
  readonly #watches = new WatchTable()
  readonly #rule: Rule
  readonly #twin
  readonly #refusal = new Refusal()
  readonly #live: OrderUnderRule[] = []
  #orders = 0
  #nowUs = START_US
  #last: OrderChoice | undefined

  constructor(schema: RuleSchema) {
    this.#rule = makeRule(schema, new RuleContext(this.market, definitions, this.#watches, false, () => {}))
    this.#twin = twinOf(schema, this.market)
  }

  step({ kind, choice, pick, part, waitUs, empty }: Happening): void {
    const known = this.#live[pick % Math.max(1, this.#live.length)]
    switch (kind) {
      case 'submit': {
        // Some come twice, or from two accounts.
        if (this.#last === undefined || pick % 3 !== 0) this.#last = choice
        else if (empty) this.#last = { ...this.#last, account: choice.account }
        const order = orderOf(this.#last, ++this.#orders, this.#nowUs)
        if (this.#agree(this.#rule.submit(order, this.#refusal), this.#twin.submit(order))) this.#live.push(order)
        break
      }
      case 'add': {
        const order = orderOf(choice, ++this.#orders, this.#nowUs)
        this.#rule.add(order)
        this.#twin.add(order)
        this.#live.push(order)
        break
      }
      case 'cancel':
        if (known === undefined) break
        this.#agree(this.#rule.cancel(known, this.#nowUs, this.#refusal), this.#twin.cancel(known, this.#nowUs))
        break
      case 'fill':
        if (known === undefined) break
        this.#report(
          known,
          reportOf(OrderStatus.PartiallyFilled, Math.ceil((known.leavesQty * part) / 12), choice.price, this.#nowUs),
        )
        break
      case 'end': {
        if (known === undefined) break
        const status = endings[part % endings.length]!
        const lastQty = status === OrderStatus.Filled ? known.leavesQty : 0
        this.#report(known, reportOf(status, lastQty, choice.price, this.#nowUs))
        this.#live.splice(this.#live.indexOf(known), 1)
        break
      }
      case 'reject': {
        const last = this.#live.at(-1)
        if (last === undefined) break
        this.#report(last, reportOf(OrderStatus.Rejected, 0, 0, this.#nowUs))
        this.#live.pop()
        break
      }
      case 'wait':
        this.#nowUs += waitUs
        break
      case 'quote':
        if (empty) this.market.quotes.delete(choice.ticker)
        else {
          const bid = part === 1 ? 0 : choice.price
          this.market.quotes.set(choice.ticker, { bid, ask: part === 2 ? 0 : choice.price + part * 10_000 })
        }
        break
      case 'print':
        this.market.prints.set(choice.ticker, choice.price)
        break
      default:
        kind satisfies never
    }
  }

  #agree(passes: boolean, reason: Reason): boolean {
    equal(reasonName(passes ? Reason.None : this.#refusal.reason), reasonName(reason))
    return passes
  }

  #report(order: OrderUnderRule, report: ReportUnderRule): void {
    this.#watches.report(order.orderId, report)
    this.#twin.report(order, report)
    order.leavesQty = Math.max(0, order.leavesQty - report.lastQty)
  }
}

const runs = Number(process.env.OES_RULE_RUNS ?? 300)

function drive(schema: RuleSchema, steps: readonly Happening[]): void {
  const pair = new Pair(schema)
  // Half of the time there is a market from the start.
  if (steps.length % 2 === 0) {
    for (const ticker of [0, 1, 2]) pair.market.quotes.set(ticker, { bid: 9_990_000, ask: 10_010_000 })
  }
  for (const step of steps) pair.step(step)
}

const histories = fc.array(happenings, { maxLength: 250, size: 'max' })

test('every rule, inside any others, judges as its slow twin does, whatever is submitted, canceled and reported', () => {
  fc.assert(fc.property(schemas, histories, drive), { numRuns: runs })
})

test('rules of recent events judge as their twins do where everything happens in one ticker', () => {
  const inOne = histories.map(steps => steps.map(step => ({ ...step, choice: { ...step.choice, ticker: 0 } })))
  fc.assert(fc.property(fc.oneof(...eventRules), inOne, drive), { numRuns: runs })
})
