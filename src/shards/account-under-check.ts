// The account and ticker at hand as the checks see them. One object that moves from order to order.

import { opens } from '../accounting/position-order-book.ts'
import type { AccountUnderCheck } from '../checks/chain.ts'
import type { OrderUnderCheck } from '../checks/check.ts'
import type { Money, Quantity } from '../domain/money.ts'
import { AmountOutOfRange, multiply } from '../domain/money.ts'
import type { RiskStateType } from '../domain/risk-state.ts'
import { Side } from '../domain/side.ts'
import type { AccountBook, Holding } from './account-book.ts'
import { type Listing, NOT_LISTED } from './listings.ts'
import { NO_SLOT } from './order-table.ts'
import type { ShardState } from './shard-state.ts'

export class BookUnderCheck implements AccountUnderCheck {
  readonly #state: ShardState
  #book: AccountBook | undefined
  #holding: Holding | undefined
  currency = 0
  buyingPowerLimit: Money = 0
  riskState: RiskStateType = 0

  /** The live order that the order under check is to replace, or NO_SLOT; and what would be left of it then. */
  #replacedSlot = NO_SLOT
  #leavesQty: Quantity = 0
  /** The destination answers later: until then the order may become either. */
  #isPending = false

  constructor(state: ShardState) {
    this.#state = state
  }

  look(book: AccountBook, listing: Listing): void {
    const { view } = this.#state
    this.#book = book
    this.#holding = listing.index === NOT_LISTED ? undefined : book.findHolding(listing)
    this.currency = book.currency
    this.buyingPowerLimit = view.buyingPowerLimit(book.row)
    this.riskState = view.riskState(book.row)
    this.#replacedSlot = NO_SLOT
  }

  /** As `look`, for an order under check that stands for the new terms of the live one in `slot`. */
  lookAtReplace(book: AccountBook, listing: Listing, slot: number, leavesQty: Quantity, isPending: boolean): void {
    this.look(book, listing)
    this.#replacedSlot = slot
    this.#leavesQty = leavesQty
    this.#isPending = isPending
  }

  usedIfSubmitted(order: OrderUnderCheck): Money {
    const book = this.#book!
    const { side, quantity, holdPrice } = order
    if (this.#replacedSlot !== NO_SLOT) {
      const used = book.buyingPower.usedIfReplaced(this.#replacedSlot, this.#leavesQty, holdPrice, this.#isPending)
      // Whoever is over a limit that was lowered may go down, though not to below it.
      return used <= book.used ? Math.min(used, this.buyingPowerLimit) : used
    }
    if (this.#holding !== undefined) {
      return book.buyingPower.usedIfSubmitted(this.#holding.exposure, side, quantity, holdPrice)
    }
    // The account has nothing in this ticker yet, so the order's own cost comes on top.
    try {
      return book.used + multiply(quantity, holdPrice)
    } catch (error) {
      if (error instanceof AmountOutOfRange) return Number.POSITIVE_INFINITY
      throw error
    }
  }

  opens(order: OrderUnderCheck): boolean {
    const holding = this.#holding
    if (holding === undefined) return true
    const pending = order.side === Side.Bid ? holding.pendingBuy : holding.pendingSell
    if (this.#replacedSlot !== NO_SLOT) {
      const { orders } = this.#state
      const before = Math.max(0, orders.quantity[this.#replacedSlot] - orders.cumQty[this.#replacedSlot])
      const leavesQty = this.#isPending ? Math.max(before, this.#leavesQty) : this.#leavesQty
      return opens(holding.position, pending - before, order.side, leavesQty)
    }
    return opens(holding.position, pending, order.side, order.quantity)
  }
}
