// The three units of the order side that try one check each: their steps, and the outcome under each step's label.

import type { CheckName } from '../../src/checks/chain.ts'
import { MICROS } from '../../src/domain/money.ts'
import { type CheckError, CheckedWorld } from './checked-world.ts'
import { differences } from './compare.ts'
import type { VectorInventory } from './inventories.ts'
import type { VectorUnit } from './unit.ts'
import {
  type Amount,
  amount,
  currencyId,
  exchangeRate,
  order,
  report,
  riskStateType,
  time,
  type VectorOrder,
  type VectorReport,
} from './values.ts'

interface CheckStep {
  do: string
  label: string
  id: number
  account: string
  fields: VectorOrder
  ticker: string
  quantity: Amount
  price: Amount
  market_center: string
  time: string
  bid: Amount
  ask: Amount
  currency: string
  buying_power: Amount
  base: string
  counter: string
  rate: string
  state: string
  inventories: VectorInventory[]
}

/** The unit `name`, whose orders pass `check` alone. */
export function labelledChecksUnit(name: string, check: CheckName): VectorUnit {
  return {
    name,
    run(vector) {
      const world = new CheckedWorld([check])
      const outcomes: Record<string, unknown> = {}
      for (const step of vector.steps as unknown as CheckStep[]) {
        if (step.do === 'check')
          outcomes[step.label] = outcome(world.check('', order({ ...step, timestamp: step.time })))
        else if (step.do === 'submit') {
          const fields = order({ ...step.fields, timestamp: step.time })
          outcomes[step.label] = outcome(world.submit(step.id, step.account, fields))
        } else apply(world, step)
      }
      return differences(vector.expect, outcomes)
    },
  }
}

function outcome(refused: CheckError | undefined): unknown {
  if (refused === undefined) return 'ok'
  return refused.lot === undefined ? refused : { ...refused, lot: refused.lot / MICROS }
}

function apply(world: CheckedWorld, step: CheckStep): void {
  switch (step.do) {
    case 'close_print':
      world.market.addTrade(step.ticker, amount(step.price), time(step.time), step.market_center)
      break
    case 'bbo':
      world.market.setQuote(step.ticker, { bid: amount(step.bid), ask: amount(step.ask) })
      break
    case 'risk_parameters':
      world.account(step.account).setParameters(currencyId(step.currency), amount(step.buying_power))
      break
    case 'rate': {
      const { base, counter, rate } = exchangeRate(`${step.base}/${step.counter}`, step.rate)
      world.market.rates.add(base, counter, rate)
      break
    }
    case 'risk_state':
      world.account(step.account).riskState = riskStateType(step.state)
      break
    case 'restore':
      for (const inventory of step.inventories) world.account(step.account).seed(inventory)
      break
    case 'report':
      world.report(report(step as unknown as VectorReport))
      break
    case 'reject':
      world.reject(step.id)
      break
    default:
      throw new Error(`there is no step ${step.do}`)
  }
}
