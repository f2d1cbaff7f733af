// Model `shorting_model`: which orders are short sales.

import { ShortSaleModel } from '../../../src/accounting/short-sales.ts'
import { stepDifferences } from '../compare.ts'
import type { VectorUnit } from '../unit.ts'
import { type Amount, amount, order, report, type VectorOrder, type VectorReport } from '../values.ts'

interface ShortingStep {
  op: string
  order: VectorOrder & { id: number }
  report: VectorReport
  ticker: string
  quantity: Amount
}

const shortingUnit: VectorUnit = {
  name: 'shorting_model',
  run(vector) {
    const model = new ShortSaleModel()
    return stepDifferences(
      vector,
      (vector.steps as unknown as ShortingStep[]).map(step => result(model, step)),
    )
  },
}

export const units: VectorUnit[] = [shortingUnit]

function result(model: ShortSaleModel, step: ShortingStep): unknown {
  switch (step.op) {
    case 'submit': {
      const { ticker, side, quantity } = order(step.order)
      return { short: model.submit(step.order.id, ticker, side, quantity) }
    }
    case 'report': {
      const { id, status, lastQty } = report(step.report)
      model.report(id, status, lastQty)
      return null
    }
    case 'position':
      model.addPosition(step.ticker, amount(step.quantity))
      return null
    default:
      throw new Error(`there is no step ${step.op}`)
  }
}
