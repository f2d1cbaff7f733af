// Model `order_pricing`: expected prices and board lots.

import { boardLot, expectedPrice, hasBoardLots } from '../../../src/accounting/order-pricing.ts'
import { stepDifferences } from '../compare.ts'
import type { VectorUnit } from '../unit.ts'
import { type Amount, amount, decimal, orderType, side, venueOf } from '../values.ts'

interface PricingStep {
  op: string
  type: string
  side: string
  price: Amount
  bid: Amount
  ask: Amount
  venue: string
  quantity: Amount
}

const orderPricingUnit: VectorUnit = {
  name: 'order_pricing',
  run(vector) {
    return stepDifferences(vector, (vector.steps as unknown as PricingStep[]).map(result))
  },
}

export const units: VectorUnit[] = [orderPricingUnit]

function result(step: PricingStep): unknown {
  const price = amount(step.price)
  switch (step.op) {
    case 'expected_price':
      return decimal(expectedPrice(orderType(step.type), side(step.side), price, amount(step.bid), amount(step.ask)))
    case 'board_lot': {
      if (!hasBoardLots(venueOf(`.${step.venue}`)?.mic ?? '')) return { ok: true }
      const lot = boardLot(price)
      return amount(step.quantity) % lot === 0 ? { ok: true } : { error: 'BOARD_LOT', lot: decimal(lot) }
    }
    default:
      throw new Error(`there is no step ${step.op}`)
  }
}
