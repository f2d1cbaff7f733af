// Model `portfolio`: fills and quotes in, realised and unrealised results out.

import { Portfolio } from '../../../src/accounting/portfolio.ts'
import { stepDifferences } from '../compare.ts'
import { readInventory, type VectorInventory, writeInventories } from '../inventories.ts'
import type { VectorUnit } from '../unit.ts'
import { type Amount, amount, currencyCode, currencyId, decimal, report, side, type VectorReport } from '../values.ts'

interface PortfolioStep {
  op: string
  ticker: string
  currency: string
  side: string
  report: VectorReport
  bid?: Amount
  ask?: Amount
}

const portfolioUnit: VectorUnit = {
  name: 'portfolio',
  run(vector) {
    const { inventories = [] } = (vector.setup ?? {}) as { inventories?: VectorInventory[] }
    const portfolio = new Portfolio(inventories.map(readInventory))
    const results = (vector.steps as unknown as PortfolioStep[]).map(step => result(portfolio, step))
    return stepDifferences(vector, results, state(portfolio))
  },
}

export const units: VectorUnit[] = [portfolioUnit]

function result(portfolio: Portfolio, step: PortfolioStep): unknown {
  const { op, ticker, bid, ask } = step
  switch (op) {
    case 'fill': {
      // The status is of no concern to a portfolio, and these reports have none.
      const { lastQty, lastPx, fees } = report({ ...step.report, status: 'PARTIALLY_FILLED' })
      return { changed: portfolio.fill(ticker, currencyId(step.currency), side(step.side), lastQty, lastPx, fees) }
    }
    case 'mark': {
      const given = {
        ...(bid === undefined ? {} : { bid: amount(bid) }),
        ...(ask === undefined ? {} : { ask: amount(ask) }),
      }
      return { changed: portfolio.mark(ticker, given) }
    }
    case 'quote':
      return { changed: portfolio.quote(ticker, amount(bid), amount(ask)) }
    case 'pnl':
      return { total: decimal(portfolio.result(currencyId(step.currency))) }
    case 'state':
      return state(portfolio)
    default:
      throw new Error(`there is no step ${op}`)
  }
}

function state(portfolio: Portfolio): unknown {
  const entries = [...portfolio.entries()]
  return {
    inventories: writeInventories(entries.map(({ inventory }) => inventory)),
    unrealized: Object.fromEntries(entries.map(({ inventory, unrealized }) => [inventory.ticker, decimal(unrealized)])),
    currency_unrealized: Object.fromEntries(
      [...portfolio.currencyUnrealized()].map(([currency, sum]) => [currencyCode(currency), decimal(sum)]),
    ),
  }
}
