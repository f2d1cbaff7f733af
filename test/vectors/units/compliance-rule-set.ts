// Model `compliance_rule_set`: the rules of accounts and directories, and the walk of an order over them. The order
// memory here has kept everything.

import { emptyInventory, type Inventory, record } from '../../../src/accounting/inventory.ts'
import { complianceNodes } from '../../../src/compliance/group-walk.ts'
import type { OrderUnderRule, PositionUnderRule, ReportUnderRule } from '../../../src/compliance/rule.ts'
import { type LateRule, type OrderMemory, RuleSet } from '../../../src/compliance/rule-set.ts'
import { type RuleEntry, RuleState } from '../../../src/compliance/schema.ts'
import { multiply } from '../../../src/domain/money.ts'
import { isTerminal } from '../../../src/domain/order-status.ts'
import { direction } from '../../../src/domain/side.ts'
import { stepDifferences } from '../compare.ts'
import type { VectorInventory } from '../inventories.ts'
import {
  definitions,
  RuleMarket,
  type RuleOrder,
  type RuleQuotes,
  type RuleReport,
  readSchema,
  reportUnderRule,
  ruleCode,
  type VectorSchema,
} from '../rule-world.ts'
import type { VectorUnit } from '../unit.ts'
import { type Amount, time } from '../values.ts'

interface VectorRule {
  id: number
  directory: string
  state: string
  schema: VectorSchema
}

interface SetSetup {
  directory: Record<string, { type: string; name?: string; parents: string[] }>
  rules?: VectorRule[]
  time?: string
  quotes?: RuleQuotes
  rates?: { pair: string; rate: string }[]
}

interface SetStep {
  op: string
  id: number
  account: string
  order: RuleOrder
  report: RuleReport
  rule: VectorRule
  inventories?: VectorInventory[]
  orders?: { order: RuleOrder; reports?: RuleReport[] }[]
  now: string
  ticker: string
  bid: Amount
  ask: Amount
}

interface Held extends Inventory {
  readonly account: number
  readonly tickerIndex: number
  currency: number
}

/** Every position, order and report there was. */
class WholeMemory implements OrderMemory {
  readonly orders = new Map<number, OrderUnderRule>()
  readonly #live = new Set<OrderUnderRule>()
  readonly #positions = new Map<string, Held>()
  readonly #past: [OrderUnderRule, ReportUnderRule][] = []

  order(order: OrderUnderRule): void {
    this.orders.set(order.orderId, order)
    this.#live.add(order)
  }

  position({ account, tickerIndex, currency, quantity, costBasis }: PositionUnderRule): void {
    record(this.#held(account, tickerIndex, currency), quantity, costBasis, 0)
  }

  report(orderId: number, report: ReportUnderRule): void {
    const order = this.orders.get(orderId)!
    if (!this.#live.has(order)) return
    this.#past.push([order, report])
    const { status, lastQty, lastPx } = report
    if (lastQty !== 0) {
      const held = this.#held(order.account, order.tickerIndex, order.currency)
      record(held, direction(order.side) * lastQty, multiply(lastQty, lastPx), 0)
    }
    order.leavesQty = Math.max(0, order.leavesQty - lastQty)
    if (isTerminal(status)) this.#live.delete(order)
  }

  tell(rule: LateRule): void {
    for (const held of this.#positions.values()) if (rule.wants(held.account)) rule.position(held)
    for (const order of this.#live) if (rule.wants(order.account)) rule.order(order)
    for (const [order, report] of this.#past) if (rule.wants(order.account)) rule.past(order, report)
  }

  #held(account: number, tickerIndex: number, currency: number): Held {
    const key = `${account} ${tickerIndex}`
    const held = this.#positions.get(key) ?? { account, tickerIndex, currency, ...emptyInventory() }
    this.#positions.set(key, held)
    return held
  }
}

const setUnit: VectorUnit = {
  name: 'compliance_rule_set',
  run(vector) {
    const setup = vector.setup as unknown as SetSetup
    const market = new RuleMarket(setup.quotes, setup.rates)
    const memory = new WholeMemory()
    const nodes = new Map(Object.keys(setup.directory).map(name => [market.account(name), name]))
    const nodesOf = (account: number) =>
      complianceNodes(account, {
        parentsOf: node => (setup.directory[nodes.get(node) ?? '']?.parents ?? []).map(name => market.account(name)),
        nameOf: node => setup.directory[nodes.get(node)!]!.name ?? nodes.get(node)!,
      })
    const set = new RuleSet(definitions, market, nodesOf, memory)
    let nowUs = time(setup.time)

    const entry = ({ id, directory, state, schema }: VectorRule): RuleEntry => ({
      id,
      node: market.account(directory),
      nodeKind: setup.directory[directory]?.type === 'ACCOUNT' ? 'account' : 'directory',
      state: ruleState(state),
      schema: readSchema(schema),
    })
    const report = (orderId: number, fields: RuleReport): void => {
      const under = reportUnderRule(fields, nowUs)
      memory.report(orderId, under)
      set.report(orderId, under)
    }
    const outcome = (passes: boolean): object => {
      const violations = Array.from({ length: set.violations.count }, (_, index) => {
        const { account, orderId, ruleId, schemaName, reason } = set.violations.at(index)
        return {
          account: market.accountName(account),
          order_id: orderId,
          rule_id: ruleId,
          schema: schemaName,
          code: ruleCode(reason),
        }
      })
      return passes ? { ok: true, violations } : { error: ruleCode(set.refusal.reason), violations }
    }

    for (const rule of (setup.rules ?? []).toSorted((a, b) => a.id - b.id)) set.set(entry(rule))

    const result = (step: SetStep): unknown => {
      switch (step.op) {
        case 'submit': {
          const order = market.order(step.order, nowUs)
          memory.order(order)
          const answer = outcome(set.submit(order))
          if ('error' in answer) report(order.orderId, { id: order.orderId, status: 'REJECTED' })
          return answer
        }
        case 'cancel':
          return outcome(set.cancel(memory.orders.get(step.id)!, market.account(step.account), nowUs))
        case 'report':
          report(step.report.id, step.report)
          return null
        case 'update_rule':
          set.set(entry(step.rule))
          return null
        case 'restore': {
          const positions = (step.inventories ?? []).map(inventory => market.position(step.account, inventory))
          const orders = (step.orders ?? []).map(({ order }) =>
            market.order({ account: step.account, ...order }, nowUs),
          )
          for (const position of positions) memory.position(position)
          for (const order of orders) memory.order(order)
          set.restore({ account: market.account(step.account), positions, orders })
          for (const { order, reports } of step.orders ?? [])
            for (const fields of reports ?? []) report(order.id, fields)
          return null
        }
        case 'time':
          nowUs = time(step.now)
          return null
        case 'quote':
          market.setQuote(step.ticker, step.bid, step.ask)
          return null
        default:
          throw new Error(`there is no step ${step.op}`)
      }
    }
    return stepDifferences(vector, (vector.steps as unknown as SetStep[]).map(result))
  },
}

export const units: VectorUnit[] = [setUnit]

function ruleState(name: string): RuleState {
  return {
    ACTIVE: RuleState.Active,
    PASSIVE: RuleState.Passive,
    DISABLED: RuleState.Disabled,
    DELETED: RuleState.Deleted,
  }[name] as RuleState
}
