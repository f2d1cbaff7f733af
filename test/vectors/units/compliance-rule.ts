// Models `compliance_rule`, one rule by itself, and `rule_schema`, schemas inside schemas.

import { Refusal } from '../../../src/checks/check.ts'
import { buildFault, makeRule } from '../../../src/compliance/check-schema.ts'
import { type OrderUnderRule, RuleContext } from '../../../src/compliance/rule.ts'
import { unwrapSchema, wrapSchema } from '../../../src/compliance/schema.ts'
import { WatchTable } from '../../../src/compliance/watch-table.ts'
import { stepDifferences } from '../compare.ts'
import type { VectorInventory } from '../inventories.ts'
import {
  definitions,
  RuleMarket,
  type RuleOrder,
  type RuleQuotes,
  type RuleReport,
  readParameters,
  readSchema,
  reportUnderRule,
  ruleCode,
  type VectorSchema,
  writeSchema,
} from '../rule-world.ts'
import type { VectorUnit } from '../unit.ts'
import { type Amount, time } from '../values.ts'

interface RuleSetup {
  schema: VectorSchema
  time?: string
  quotes?: RuleQuotes
  rates?: { pair: string; rate: string }[]
}

interface RuleStep {
  op: string
  id: number
  account: string
  order?: RuleOrder
  reports?: RuleReport[]
  report: RuleReport
  inventories?: VectorInventory[]
  orders?: { order: RuleOrder; reports?: RuleReport[] }[]
  now: string
  ticker: string
  bid: Amount
  ask: Amount
}

const ruleUnit: VectorUnit = {
  name: 'compliance_rule',
  run(vector) {
    const setup = vector.setup as unknown as RuleSetup
    const market = new RuleMarket(setup.quotes, setup.rates)
    const schema = readSchema(setup.schema)
    const fault = buildFault(schema)
    if (fault !== undefined) throw new Error(`no rule: ${fault.params.join(' ')}`)
    const watches = new WatchTable()
    const rule = makeRule(schema, new RuleContext(market, definitions, watches, false, () => {}))
    const orders = new Map<number, OrderUnderRule>()
    const refusal = new Refusal()
    let nowUs = time(setup.time)

    const known = (fields: RuleOrder): OrderUnderRule => {
      const order = market.order(fields, nowUs)
      orders.set(order.orderId, order)
      return order
    }
    const tell = (reports: readonly RuleReport[] = [], orderId?: number): void => {
      for (const report of reports) watches.report(orderId ?? report.id, reportUnderRule(report, nowUs))
    }
    const outcome = (passes: boolean): unknown => (passes ? { ok: true } : { error: ruleCode(refusal.reason) })

    const result = (step: RuleStep): unknown => {
      switch (step.op) {
        case 'submit':
          return outcome(rule.submit(known(step.order!), refusal))
        case 'cancel': {
          const order = step.order === undefined ? orders.get(step.id)! : market.order(step.order, nowUs)
          return outcome(rule.cancel(order, nowUs, refusal))
        }
        case 'add':
          rule.add(known(step.order!))
          tell(step.reports, step.order!.id)
          return null
        case 'report':
          tell([step.report])
          return null
        case 'restore': {
          const positions = (step.inventories ?? []).map(inventory => market.position(step.account, inventory))
          const restored = (step.orders ?? []).map(({ order }) => known({ account: step.account, ...order }))
          rule.restore({ account: market.account(step.account), positions, orders: restored })
          for (const { order, reports } of step.orders ?? []) tell(reports, order.id)
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
    return stepDifferences(vector, (vector.steps as unknown as RuleStep[]).map(result))
  },
}

interface SchemaStep {
  op: string
  name: string
  parameters: VectorSchema['parameters']
  schema: VectorSchema
}

const schemaUnit: VectorUnit = {
  name: 'rule_schema',
  run(vector) {
    const result = (step: SchemaStep): unknown => {
      switch (step.op) {
        case 'wrap':
          return writeSchema(wrapSchema(step.name, readParameters(step.parameters), readSchema(step.schema)))
        case 'unwrap': {
          const inner = unwrapSchema(readSchema(step.schema))
          return inner === undefined ? { error: 'INVALID_PARAMETER' } : writeSchema(inner)
        }
        default:
          throw new Error(`there is no step ${step.op}`)
      }
    }
    return stepDifferences(vector, (vector.steps as unknown as SchemaStep[]).map(result))
  },
}

export const units: VectorUnit[] = [ruleUnit, schemaUnit]
