// The account and ticker at hand as the checks see them. One object that moves from order to order.

import { opens } from '../accounting/position-order-book.ts'
import type { AccountUnderCheck } from '../checks/chain.ts'
import type { OrderUnderCheck } from '../checks/check.ts'
import type { Money } from '../domain/money.ts'
import { AmountOutOfRange, multiply } from '../domain/money.ts'
import type { RiskStateType } from '../domain/risk-state.ts'
import { Side } from '../domain/side.ts'
import type { AccountBook, Holding } from './account-book.ts'
import { type Listing, NOT_LISTED } from './listings.ts'
import type { ShardState } from './shard-state.ts'

export class BookUnderCheck implements AccountUnderCheck {
  readonly #state: ShardState
  #book: AccountBook | undefined
  #holding: Holding | undefined
  currency = 0
  buyingPowerLimit: Money = 0
  riskState: RiskStateType = 0

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
  }

  usedIfSubmitted(order: OrderUnderCheck): Money {
    const book = this.#book!
    const { side, quantity, holdPrice } = order
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
    return opens(holding.position, pending, order.side, order.quantity)
  }
}
