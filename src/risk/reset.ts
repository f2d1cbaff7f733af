// The day roll: results, fees and volumes of the tickers of a scope begin again at zero, positions and what they cost
// stay. Orders that are still open have not been counted in the snapshot; so that they do not bring the old figures
// back when they are, the negative of what they have done so far is put in their place.

import { type TickerInventory, TrueAverageBookkeeper } from '../accounting/bookkeeper.ts'
import { emptyInventory, isEmpty } from '../accounting/inventory.ts'
import { book, type OrderFill } from './inventory-snapshot.ts'

/**
 * The inventories to go on from.
 * @param inventories those of the snapshot.
 * @param fills all fills so far of orders that are not in them, in the order in which they happened.
 * @throws AmountOutOfRange
 */
export function resetInventories(
  inventories: Iterable<TickerInventory>,
  fills: Iterable<OrderFill>,
  isInScope: (ticker: string) => boolean,
): TickerInventory[] {
  const folded = new TrueAverageBookkeeper(inventories)
  const before = new Map(Array.from(folded.inventories(), inventory => [inventory.ticker, inventory]))
  for (const fill of fills) book(folded, fill)
  const current = Array.from(folded.inventories())
  const tickers = new Set([...before.keys(), ...current.map(({ ticker }) => ticker)])
  const after: TickerInventory[] = []
  for (const ticker of tickers) {
    const now = folded.inventory(ticker)
    const kept = before.get(ticker) ?? { ticker, currency: now?.currency ?? 0, ...emptyInventory() }
    const inventory = isInScope(ticker) && now !== undefined ? withoutResults(kept, now) : kept
    if (!isEmpty(inventory)) after.push(inventory)
  }
  return after
}

/** Position and cost of the snapshot, and the negative of everything that happened since. */
function withoutResults(snapshot: TickerInventory, current: TickerInventory): TickerInventory {
  return {
    ...snapshot,
    gross: snapshot.gross - current.gross,
    fees: snapshot.fees - current.fees,
    volume: snapshot.volume - current.volume,
    transactions: snapshot.transactions - current.transactions,
  }
}
