// What an account holds of one ticker and what it has earned with it, at true average cost. A closing trade realises
// the difference between what it brought and the average cost of what it closed; every division is rounded once, from
// sums, and the cost basis is exactly zero whenever the position is.

import { AmountOutOfRange, MICROS, MICROS_MAX, type Money, mulDiv, type Quantity } from '../domain/money.ts'

/** All amounts in micros of the inventory's currency; the record changes in place. */
export interface Inventory {
  /** Signed: a short position is negative. */
  quantity: Quantity
  /** Signed like the quantity: what the held cost, or minus what the sold short brought. */
  costBasis: Money
  /** Realised result before fees. */
  gross: Money
  /** Sum of fees, negative where rebates prevail. */
  fees: Money
  /** Sum of traded quantities, unsigned; stays at the largest amount once a lifetime of trading has reached it. */
  volume: Quantity
  /** Number of fills. */
  transactions: number
}

/** A new inventory in which nothing has happened yet. */
export function emptyInventory(): Inventory {
  return { quantity: 0, costBasis: 0, gross: 0, fees: 0, volume: 0, transactions: 0 }
}

/** True where nothing is held and nothing was ever traded or charged. */
export function isEmpty(inventory: Inventory): boolean {
  return (
    inventory.quantity === 0 &&
    inventory.costBasis === 0 &&
    inventory.gross === 0 &&
    inventory.fees === 0 &&
    inventory.volume === 0 &&
    inventory.transactions === 0
  )
}

/** `amount`, unless it has left the range in which sums are exact. @throws AmountOutOfRange */
export function inRange(amount: number): number {
  if (amount > MICROS_MAX || amount < -MICROS_MAX) throw new AmountOutOfRange(`${amount} micros leave the range`)
  return amount
}

/** What of `amount` falls on `part` of the positive quantity `whole`, rounded once. */
export function share(amount: Money, part: Quantity, whole: Quantity): Money {
  if (part === whole) return amount
  // Whole units cancel out, so that the product nearly always stays where doubles are exact.
  if (part % MICROS === 0 && whole % MICROS === 0) return mulDiv(amount, part / MICROS, whole / MICROS)
  return mulDiv(amount, part, whole)
}

/**
 * Books one fill: `quantity` signed (positive bought, negative sold), `cost` its value of which only the magnitude
 * counts, `fees` the sum of its fees. A quantity of zero books the fees alone and is no transaction.
 * @throws AmountOutOfRange where a sum would leave the range; nothing has changed then.
 */
export function record(inventory: Inventory, quantity: Quantity, cost: Money, fees: Money): void {
  const feesAfter = inRange(inventory.fees + fees)
  if (quantity === 0) {
    inventory.fees = feesAfter
    return
  }
  const held = inventory.quantity
  const traded = Math.abs(quantity)
  const value = Math.abs(cost)
  const volumeAfter = Math.min(inventory.volume + traded, MICROS_MAX)
  let quantityAfter = held
  let costBasisAfter = inventory.costBasis
  let grossAfter = inventory.gross
  let opened = traded
  let openedValue = value
  if (held > 0 !== quantity > 0 && held !== 0) {
    const closed = Math.min(traded, Math.abs(held))
    const closedValue = share(value, closed, traded)
    // Negative for a short position, as its cost basis is: what the closed part had brought.
    const closedCost = share(costBasisAfter, closed, Math.abs(held))
    const closedProceeds = held > 0 ? closedValue : -closedValue
    grossAfter = inRange(grossAfter + closedProceeds - closedCost)
    costBasisAfter -= closedCost
    quantityAfter += held > 0 ? -closed : closed
    opened -= closed
    openedValue -= closedValue
  }
  if (opened !== 0) {
    quantityAfter = inRange(quantityAfter + (quantity > 0 ? opened : -opened))
    costBasisAfter = inRange(costBasisAfter + (quantity > 0 ? openedValue : -openedValue))
  }
  inventory.quantity = quantityAfter
  inventory.costBasis = costBasisAfter
  inventory.gross = grossAfter
  inventory.fees = feesAfter
  inventory.volume = volumeAfter
  inventory.transactions += 1
}
