// Inventories of many tickers and their totals per currency. A total is always the aggregate of the inventories in its
// currency: of quantity and cost basis it sums the magnitudes, of everything else the figures. What is given out is how
// things stood then; a later fill does not change it.

import type { CurrencyId } from '../domain/currencies.ts'
import type { Money, Quantity } from '../domain/money.ts'
import { emptyInventory, type Inventory, inRange, isEmpty, record } from './inventory.ts'

/** An inventory with the ticker it belongs to and the currency of its amounts. */
export interface TickerInventory extends Inventory {
  readonly ticker: string
  readonly currency: CurrencyId
}

export class TrueAverageBookkeeper {
  readonly #inventories = new Map<string, TickerInventory>()
  readonly #totals = new Map<CurrencyId, Inventory>()

  /** Starts from copies of `inventories`, empty ones left out. */
  constructor(inventories: Iterable<TickerInventory> = []) {
    for (const inventory of inventories) {
      if (isEmpty(inventory)) continue
      this.#inventories.set(inventory.ticker, { ...inventory })
      const total = { ...this.total(inventory.currency) }
      add(total, inventory, 1)
      this.#totals.set(inventory.currency, total)
    }
  }

  /**
   * Books one fill; arguments as for `record` of an inventory. A ticker keeps the currency of its first fill.
   * @throws AmountOutOfRange where a sum of the ticker or of its currency would leave the range; nothing has changed then
   */
  record(ticker: string, currency: CurrencyId, quantity: Quantity, cost: Money, fees: Money): void {
    const before = this.#inventories.get(ticker) ?? { ticker, currency, ...emptyInventory() }
    const after = { ...before }
    record(after, quantity, cost, fees)
    const total = { ...this.total(before.currency) }
    add(total, before, -1)
    add(total, after, 1)
    this.#inventories.set(ticker, after)
    this.#totals.set(before.currency, total)
  }

  /** The inventory of a ticker; undefined where nothing was ever booked. */
  inventory(ticker: string): Readonly<TickerInventory> | undefined {
    return this.#inventories.get(ticker)
  }

  /** All inventories that are not empty, in the order of their first fill. */
  *inventories(): IterableIterator<Readonly<TickerInventory>> {
    for (const inventory of this.#inventories.values()) if (!isEmpty(inventory)) yield inventory
  }

  /** The aggregate of a currency; empty where nothing was ever booked in it. */
  total(currency: CurrencyId): Readonly<Inventory> {
    return this.#totals.get(currency) ?? emptyInventory()
  }

  /** The aggregates of all currencies ever booked in. */
  totals(): IterableIterator<[CurrencyId, Readonly<Inventory>]> {
    return this.#totals.entries()
  }
}

function add(total: Inventory, part: Inventory, sign: 1 | -1): void {
  total.quantity = inRange(total.quantity + sign * Math.abs(part.quantity))
  total.costBasis = inRange(total.costBasis + sign * Math.abs(part.costBasis))
  total.gross = inRange(total.gross + sign * part.gross)
  total.fees = inRange(total.fees + sign * part.fees)
  total.volume = inRange(total.volume + sign * part.volume)
  total.transactions += sign * part.transactions
}
