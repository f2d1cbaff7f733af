// Model `submission_checks`: the whole chain, with what accounts and market look like.

import type { CheckName } from '../../../src/checks/chain.ts'
import { CheckedWorld } from '../checked-world.ts'
import { stepDifferences } from '../compare.ts'
import type { VectorInventory } from '../inventories.ts'
import type { VectorUnit } from '../unit.ts'
import {
  type Amount,
  amount,
  currencyId,
  decimal,
  exchangeRate,
  order,
  report,
  riskStateType,
  time,
  type VectorOrder,
  type VectorReport,
} from '../values.ts'

type AccountOrder = VectorOrder & { id: number; account: string }

interface Parameters {
  currency: string
  buying_power: Amount
}

interface Trade {
  price: Amount
  timestamp: string
  market_center?: string
}

interface ChecksSetup {
  checks: CheckName[]
  quotes?: Record<string, { bid: Amount; ask: Amount }>
  trades?: Record<string, Trade[]>
  rates?: { pair: string; rate: string }[]
  parameters?: Record<string, Parameters>
  states?: Record<string, string>
}

interface ChecksStep {
  op: string
  account: string
  order: AccountOrder
  report: VectorReport
  inventories?: VectorInventory[]
  orders?: { order: AccountOrder; reports?: VectorReport[] }[]
  ticker: string
  bid: Amount
  ask: Amount
  price: Amount
  timestamp: string
  parameters: Parameters
  state: string
}

const submissionChecksUnit: VectorUnit = {
  name: 'submission_checks',
  run(vector) {
    const { checks, quotes, trades, rates, parameters, states } = vector.setup as unknown as ChecksSetup
    const world = new CheckedWorld(checks)
    for (const { pair, rate } of rates ?? []) {
      const { base, counter, rate: fraction } = exchangeRate(pair, rate)
      world.market.rates.add(base, counter, fraction)
    }
    for (const [ticker, { bid, ask }] of Object.entries(quotes ?? {})) {
      world.market.setQuote(ticker, { bid: amount(bid), ask: amount(ask) })
    }
    for (const [ticker, list] of Object.entries(trades ?? {})) {
      for (const { price, timestamp, market_center } of list) {
        world.market.addTrade(ticker, amount(price), time(timestamp), market_center)
      }
    }
    for (const [account, limits] of Object.entries(parameters ?? {})) setParameters(world, account, limits)
    for (const [account, state] of Object.entries(states ?? {})) world.account(account).riskState = riskStateType(state)
    return stepDifferences(
      vector,
      (vector.steps as unknown as ChecksStep[]).map(step => result(world, step)),
    )
  },
}

export const units: VectorUnit[] = [submissionChecksUnit]

function setParameters(world: CheckedWorld, account: string, { currency, buying_power }: Parameters): void {
  world.account(account).setParameters(currencyId(currency), amount(buying_power))
}

function result(world: CheckedWorld, step: ChecksStep): unknown {
  switch (step.op) {
    case 'submit': {
      const refused = world.submit(step.order.id, step.order.account, order(step.order))
      if (refused === undefined) return { ok: true }
      return refused.lot === undefined ? refused : { ...refused, lot: decimal(refused.lot) }
    }
    case 'report':
      world.report(report(step.report))
      return null
    case 'restore': {
      for (const inventory of step.inventories ?? []) world.account(step.account).seed(inventory)
      for (const { order: fields, reports } of step.orders ?? []) {
        world.add(fields.id, step.account, order(fields))
        for (const fields of reports ?? []) world.report(report(fields))
      }
      return null
    }
    case 'quote':
      world.market.setQuote(step.ticker, { bid: amount(step.bid), ask: amount(step.ask) })
      return null
    case 'trade':
      world.market.addTrade(step.ticker, amount(step.price), time(step.timestamp), undefined)
      return null
    case 'parameters':
      setParameters(world, step.account, step.parameters)
      return null
    case 'state':
      world.account(step.account).riskState = riskStateType(step.state)
      return null
    case 'used':
      return { buying_power: decimal(world.account(step.account).model.used) }
    default:
      throw new Error(`there is no step ${step.op}`)
  }
}
