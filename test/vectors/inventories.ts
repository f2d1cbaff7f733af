// Inventories as vectors write them.

import type { TickerInventory } from '../../src/accounting/bookkeeper.ts'
import type { Inventory } from '../../src/accounting/inventory.ts'
import { type Amount, amount, currencyCode, currencyId, decimal, venueOf } from './values.ts'

export interface VectorInventory {
  readonly ticker: string
  readonly currency?: string
  readonly quantity?: Amount
  readonly cost_basis?: Amount
  readonly gross?: Amount
  readonly fees?: Amount
  readonly volume?: Amount
  readonly transactions?: number
}

export function readInventory(fields: VectorInventory): TickerInventory {
  return {
    ticker: fields.ticker,
    currency: fields.currency === undefined ? (venueOf(fields.ticker)?.currency ?? 0) : currencyId(fields.currency),
    quantity: amount(fields.quantity),
    costBasis: amount(fields.cost_basis),
    gross: amount(fields.gross),
    fees: amount(fields.fees),
    volume: amount(fields.volume),
    transactions: fields.transactions ?? 0,
  }
}

export function writeTotal(currency: number, total: Inventory) {
  return {
    currency: currencyCode(currency),
    quantity: decimal(total.quantity),
    cost_basis: decimal(total.costBasis),
    gross: decimal(total.gross),
    fees: decimal(total.fees),
    volume: decimal(total.volume),
    transactions: total.transactions,
  }
}

export function writeInventory(inventory: TickerInventory) {
  return { ticker: inventory.ticker, ...writeTotal(inventory.currency, inventory) }
}

/** Sorted by ticker. */
export function writeInventories(inventories: Iterable<TickerInventory>) {
  return [...inventories].map(writeInventory).sort((a, b) => (a.ticker < b.ticker ? -1 : 1))
}
