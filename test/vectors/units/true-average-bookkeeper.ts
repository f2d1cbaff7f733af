// Model `true_average_bookkeeper`: fills booked, inventories and totals asked for.

import { TrueAverageBookkeeper } from '../../../src/accounting/bookkeeper.ts'
import { averagePrice } from '../../../src/domain/money.ts'
import { stepDifferences } from '../compare.ts'
import { readInventory, type VectorInventory, writeInventories, writeInventory, writeTotal } from '../inventories.ts'
import type { VectorUnit } from '../unit.ts'
import { type Amount, amount, currencyCode, currencyId, decimal } from '../values.ts'

interface BookkeeperStep {
  op: string
  ticker: string
  currency: string
  quantity: Amount
  cost_basis: Amount
  fees: Amount
}

const bookkeeperUnit: VectorUnit = {
  name: 'true_average_bookkeeper',
  run(vector) {
    const { inventories = [] } = (vector.setup ?? {}) as { inventories?: VectorInventory[] }
    const bookkeeper = new TrueAverageBookkeeper(inventories.map(readInventory))
    const results = (vector.steps as unknown as BookkeeperStep[]).map(step => result(bookkeeper, step))
    return stepDifferences(vector, results, {
      inventories: writeInventories(bookkeeper.inventories()),
      totals: Object.fromEntries(
        [...bookkeeper.totals()].map(([currency, total]) => [currencyCode(currency), writeTotal(currency, total)]),
      ),
    })
  },
}

export const units: VectorUnit[] = [bookkeeperUnit]

function result(bookkeeper: TrueAverageBookkeeper, step: BookkeeperStep): unknown {
  const inventory = bookkeeper.inventory(step.ticker)
  switch (step.op) {
    case 'record': {
      const [quantity, cost, fees] = [amount(step.quantity), amount(step.cost_basis), amount(step.fees)]
      bookkeeper.record(step.ticker, currencyId(step.currency), quantity, cost, fees)
      return null
    }
    case 'inventory':
      return inventory === undefined ? null : writeInventory(inventory)
    case 'total':
      return writeTotal(currencyId(step.currency), bookkeeper.total(currencyId(step.currency)))
    case 'average_price':
      return decimal(inventory === undefined ? 0 : averagePrice(inventory.costBasis, inventory.quantity))
    default:
      throw new Error(`there is no step ${step.op}`)
  }
}
