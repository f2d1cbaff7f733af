// One account inside its shard: what it holds, what its live orders could still do to it, and where its sequences
// stand. The checks see it as the account under check.

import type { BuyingPowerModel, Exposure } from '../accounting/buying-power.ts'
import { emptyInventory, type Inventory } from '../accounting/inventory.ts'
import type { ShortSaleState } from '../accounting/short-sales.ts'
import type { Money, Quantity } from '../domain/money.ts'
import type { Listing } from './listings.ts'
import { NO_SLOT } from './order-table.ts'

/** No row in the position table. */
export const NO_ROW = -1

/** One account's position in one ticker, in whatever currency its orders there are. */
export interface Holding extends ShortSaleState {
  readonly accountRow: number
  readonly listing: Listing
  /** Currency of the first fill; 0 before it. */
  currency: number
  readonly inventory: Inventory
  /** What is left of the live bids; `pendingSell` is that of the asks. */
  pendingBuy: Quantity
  exposure: Exposure
  /** Row in the shard's position table, or NO_ROW until there is something to show. */
  row: number
  /** The account's row before it in the position table. */
  nextRow: number
  /** Results as last added to the account's. */
  shownGross: Money
  shownFees: Money
  /** Waits to be written to the position table. */
  touched: boolean
}

export class AccountBook {
  /** Row in the account table. */
  readonly row: number
  readonly accountId: number
  /** By the number of the listing. */
  readonly holdings = new Map<number, Holding>()
  /** The one asked for last: most accounts stay with a ticker for many orders. */
  #recent: Holding | undefined
  buyingPower: BuyingPowerModel
  /** Currency in which buying power is counted; that of the risk parameters when the model was built. */
  currency: number
  /** Last sequences given out; the first is 1. */
  orderSequence = 0
  reportSequence = 0
  /** Latest time on anything of this account, µs: times never go back. */
  timestamp = 0
  /** First of the live orders' chain through the order table. */
  liveHead = NO_SLOT
  liveOrders = 0
  /** Realised result and fees of all tickers, converted, as far as they can be. */
  gross: Money = 0
  fees: Money = 0
  /** Reports since the last inventory snapshot. */
  reportsSinceSnapshot = 0
  /** First of the chain of the account's rows in the position table. */
  firstPositionRow = NO_ROW
  /** Waits to be written to the account table. */
  touched = false

  constructor(row: number, accountId: number, currency: number, buyingPower: BuyingPowerModel) {
    this.row = row
    this.accountId = accountId
    this.currency = currency
    this.buyingPower = buyingPower
  }

  /** The holding in a listing; undefined where there is none. */
  findHolding(listing: Listing): Holding | undefined {
    if (this.#recent?.listing === listing) return this.#recent
    const holding = this.holdings.get(listing.index)
    if (holding !== undefined) this.#recent = holding
    return holding
  }

  /** The holding in a listing, opened if there is none yet. */
  holding(listing: Listing): Holding {
    let holding = this.findHolding(listing)
    if (holding === undefined) {
      holding = {
        accountRow: this.row,
        listing,
        currency: 0,
        inventory: emptyInventory(),
        position: 0,
        pendingBuy: 0,
        pendingSell: 0,
        exposure: this.buyingPower.openExposure(),
        row: NO_ROW,
        nextRow: NO_ROW,
        shownGross: 0,
        shownFees: 0,
        touched: false,
      }
      this.holdings.set(listing.index, holding)
    }
    return holding
  }

  /** Buying power in use, in the account's currency. */
  get used(): Money {
    return this.buyingPower.used
  }
}
