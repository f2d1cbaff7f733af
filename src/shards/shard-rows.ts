// Shows the rest of the process how the accounts of a shard stand: after each turn the rows of what it touched are
// written into the shared tables, once each, however many orders touched them.

import { assert } from '../base/assert.ts'
import { type AccountTable, newAccountStanding } from '../shared-memory/account-table.ts'
import { newPosition, type PositionTable } from '../shared-memory/position-table.ts'
import { type AccountBook, type Holding, NO_ROW } from './account-book.ts'
import { convertOrNaN } from './market-view.ts'
import type { ShardState } from './shard-state.ts'

export class ShardRows {
  readonly #state: ShardState
  readonly #accounts: AccountTable
  readonly #positions: PositionTable
  readonly #standing = newAccountStanding()
  readonly #position = newPosition()

  constructor(state: ShardState, accounts: AccountTable, positions: PositionTable) {
    this.#state = state
    this.#accounts = accounts
    this.#positions = positions
  }

  /** Writes the rows of everything touched since the last call. */
  flush(): void {
    const { touchedBooks, touchedHoldings, books } = this.#state
    for (let i = 0; i < touchedHoldings.length; i++) {
      const holding = touchedHoldings[i]
      holding.touched = false
      this.#writePosition(books[holding.accountRow]!, holding)
    }
    touchedHoldings.length = 0
    for (let i = 0; i < touchedBooks.length; i++) {
      const book = touchedBooks[i]
      book.touched = false
      this.#writeStanding(book)
    }
    touchedBooks.length = 0
  }

  #writePosition(book: AccountBook, holding: Holding): void {
    const position = this.#position
    const { inventory } = holding
    position.accountRow = book.row
    position.tickerIndex = holding.listing.index
    position.currency = holding.currency
    position.quantity = inventory.quantity
    position.costBasis = inventory.costBasis
    position.pendingBuy = holding.pendingBuy
    position.pendingSell = holding.pendingSell
    position.gross = inventory.gross
    position.fees = inventory.fees
    if (holding.row === NO_ROW) {
      position.nextRow = book.firstPositionRow
      holding.nextRow = book.firstPositionRow
      holding.row = this.#positions.add(position)
      assert(holding.row >= 0, 'more positions than the shard admitted')
      book.firstPositionRow = holding.row
    } else {
      position.nextRow = holding.nextRow
      this.#positions.write(holding.row, position)
    }
    // The account's results grow by what this holding's have grown since it was last shown.
    const { view } = this.#state
    const gross = convertOrNaN(view, inventory.gross - holding.shownGross, holding.currency, book.currency)
    const fees = convertOrNaN(view, inventory.fees - holding.shownFees, holding.currency, book.currency)
    if (!Number.isNaN(gross)) book.gross += gross
    if (!Number.isNaN(fees)) book.fees += fees
    holding.shownGross = inventory.gross
    holding.shownFees = inventory.fees
  }

  #writeStanding(book: AccountBook): void {
    const standing = this.#standing
    standing.usedBuyingPower = book.used
    standing.gross = book.gross
    standing.fees = book.fees
    standing.openOrders = book.liveOrders
    standing.lastReportSequence = book.reportSequence
    standing.lastOrderSequence = book.orderSequence
    standing.firstPositionRow = book.firstPositionRow
    this.#accounts.writeStanding(book.row, standing)
  }
}
