// Models `risk_state_model` and `risk_transition_model`: what a loss does to an account, and to its orders.

import { Portfolio } from '../../../src/accounting/portfolio.ts'
import { CURRENCY_NONE } from '../../../src/domain/currencies.ts'
import { definitionsData, definitionsFromData } from '../../../src/domain/definitions.ts'
import { ExchangeRateTable } from '../../../src/domain/exchange-rates.ts'
import { MICROS } from '../../../src/domain/money.ts'
import { OrderType, orderTypeNames } from '../../../src/domain/order-type.ts'
import { riskStateTypeNames } from '../../../src/domain/risk-state.ts'
import { sideNames } from '../../../src/domain/side.ts'
import { readTicker } from '../../../src/domain/tickers.ts'
import { RiskStateModel } from '../../../src/risk/risk-state-model.ts'
import { RiskTransitionModel, type TransitionActions } from '../../../src/risk/risk-transition-model.ts'
import { NEVER, type RiskParameters, type RiskState } from '../../../src/services/administration/risk.ts'
import { stepDifferences } from '../compare.ts'
import { readInventory, type VectorInventory } from '../inventories.ts'
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
  side,
  time,
  type VectorOrder,
  type VectorReport,
} from '../values.ts'

interface VectorParameters {
  readonly currency: string | null
  readonly buying_power?: Amount
  readonly net_loss?: Amount
  /** Seconds. */
  readonly transition_time?: number
  readonly allowed_state?: string | { readonly type: string; readonly expiry?: string | null }
}

interface StateSetup {
  time: string
  parameters: VectorParameters
  rates?: { pair: string; rate: string }[]
  inventories?: VectorInventory[]
  quotes?: Record<string, { bid: Amount; ask: Amount }>
}

interface StateStep {
  op: string
  now: string
  parameters: VectorParameters
  ticker: string
  currency: string
  side: string
  report: VectorReport
  bid: Amount
  ask: Amount
}

interface TransitionStep {
  op: string
  order: VectorOrder & { id: number }
  report: VectorReport
  state: string | { readonly type: string }
}

const riskStateModelUnit: VectorUnit = {
  name: 'risk_state_model',
  run(vector) {
    const setup = vector.setup as unknown as StateSetup
    const portfolio = new Portfolio((setup.inventories ?? []).map(readInventory))
    for (const [ticker, { bid, ask }] of Object.entries(setup.quotes ?? {})) {
      portfolio.quote(ticker, amount(bid), amount(ask))
    }
    const rates = new ExchangeRateTable((setup.rates ?? []).map(({ pair, rate }) => exchangeRate(pair, rate)))
    let nowUs = time(setup.time)
    const model = new RiskStateModel({ portfolio, rates, parameters: parametersOf(setup.parameters), nowUs })
    const results = (vector.steps as unknown as StateStep[]).map(step => {
      switch (step.op) {
        case 'time':
          nowUs = time(step.now)
          model.passTime(nowUs)
          break
        case 'parameters':
          model.changeParameters(parametersOf(step.parameters), nowUs)
          break
        case 'fill': {
          // The status is of no concern to a portfolio, and these reports have none.
          const { lastQty, lastPx, fees } = report({ ...step.report, status: 'PARTIALLY_FILLED' })
          if (portfolio.fill(step.ticker, currencyId(step.currency), side(step.side), lastQty, lastPx, fees)) {
            model.portfolioChanged(nowUs)
          }
          break
        }
        case 'quote':
          if (portfolio.quote(step.ticker, amount(step.bid), amount(step.ask))) model.portfolioChanged(nowUs)
          break
        case 'state':
          break
        default:
          throw new Error(`there is no step ${step.op}`)
      }
      return stateOf(model.state)
    })
    return stepDifferences(vector, results, stateOf(model.state))
  },
}

const riskTransitionModelUnit: VectorUnit = {
  name: 'risk_transition_model',
  run(vector) {
    const { inventories = [] } = (vector.setup ?? {}) as { inventories?: VectorInventory[] }
    const definitions = definitionsFromData(definitionsData)
    const positions = inventories.map(readInventory).map(({ ticker, quantity }) => [ticker, quantity] as const)
    const model = new RiskTransitionModel(positions, ticker =>
      definitions.preferredDestination(readTicker(ticker, definitions).venue),
    )
    const results = (vector.steps as unknown as TransitionStep[]).map(step => {
      switch (step.op) {
        case 'add':
          model.add({ orderId: step.order.id, ...order(step.order) })
          return actionsOf({ cancels: [], submits: [] })
        case 'report': {
          const { id, status, lastQty } = report(step.report)
          return actionsOf(model.report(id, status, lastQty))
        }
        case 'state': {
          const name = typeof step.state === 'string' ? step.state : step.state.type
          return actionsOf(model.changeState(riskStateType(name)))
        }
        default:
          throw new Error(`there is no step ${step.op}`)
      }
    })
    return stepDifferences(vector, results)
  },
}

export const units: VectorUnit[] = [riskStateModelUnit, riskTransitionModelUnit]

function parametersOf(fields: VectorParameters): RiskParameters {
  const { allowed_state = 'ACTIVE' } = fields
  const allowed = typeof allowed_state === 'string' ? { type: allowed_state } : allowed_state
  return {
    currency: fields.currency === null ? CURRENCY_NONE : currencyId(fields.currency),
    buyingPower: amount(fields.buying_power),
    netLoss: amount(fields.net_loss),
    transitionTimeUs: (fields.transition_time ?? 0) * MICROS,
    allowedState: { type: riskStateType(allowed.type), expiry: time(allowed.expiry ?? undefined) },
  }
}

function stateOf({ type, expiry }: RiskState): unknown {
  const text = expiry === NEVER ? null : new Date(expiry / 1_000).toISOString().replace('.000Z', 'Z')
  return { type: riskStateTypeNames[type], expiry: text }
}

function actionsOf({ cancels, submits }: TransitionActions): unknown {
  return {
    cancels: cancels.toSorted((a, b) => a - b),
    submits: submits
      .map(({ ticker, side, quantity, destination }) => ({
        ticker,
        type: orderTypeNames[OrderType.Market],
        side: sideNames[side],
        quantity: decimal(quantity),
        destination,
      }))
      .sort((a, b) => (a.ticker < b.ticker ? -1 : 1)),
  }
}
