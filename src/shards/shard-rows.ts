// Shows the rest of the process how the accounts of a shard stand, in two steps: `stage` notes the rows of everything
// that the block just closed has touched, once each, however many orders touched them; `show` writes them into the
// shared tables once that block is durable, since nobody may see what could still be lost. The shard may have gone on
// meanwhile: what it touches then waits for the next block.

import { assert } from '../base/assert.ts'
import { type AccountTable, newAccountStanding } from '../shared-memory/account-table.ts'
import { newPosition, type PositionTable } from '../shared-memory/position-table.ts'
import { type AccountBook, type Holding, NO_ROW } from './account-book.ts'
import { convertOrNaN } from './market-view.ts'
import type { ShardState } from './shard-state.ts'

// Numbers noted of each, in the order in which they are taken out again.
const HOLDING_NUMBERS = 7
const BOOK_NUMBERS = 6

export class ShardRows {
  readonly #state: ShardState
  readonly #accounts: AccountTable
  readonly #positions: PositionTable
  readonly #standing = newAccountStanding()
  readonly #position = newPosition()
  readonly #holdings: Holding[] = []
  readonly #books: AccountBook[] = []
  #holdingNumbers = new Float64Array(1024 * HOLDING_NUMBERS)
  #bookNumbers = new Float64Array(1024 * BOOK_NUMBERS)

  constructor(state: ShardState, accounts: AccountTable, positions: PositionTable) {
    this.#state = state
    this.#accounts = accounts
    this.#positions = positions
  }

  /** Notes how everything touched since the last call stands now. What was noted before must have been shown. */
  stage(): void {
    const { touchedBooks, touchedHoldings } = this.#state
    assert(this.#holdings.length === 0 && this.#books.length === 0)
    this.#holdingNumbers = withRoom(this.#holdingNumbers, touchedHoldings.length * HOLDING_NUMBERS)
    this.#bookNumbers = withRoom(this.#bookNumbers, touchedBooks.length * BOOK_NUMBERS)
    for (let i = 0; i < touchedHoldings.length; i++) this.#stageHolding(touchedHoldings[i]!, i * HOLDING_NUMBERS)
    touchedHoldings.length = 0
    for (let i = 0; i < touchedBooks.length; i++) this.#stageBook(touchedBooks[i]!, i * BOOK_NUMBERS)
    touchedBooks.length = 0
  }

  /** Writes what was noted. */
  show(): void {
    for (let i = 0; i < this.#holdings.length; i++) this.#writePosition(this.#holdings[i]!, i * HOLDING_NUMBERS)
    this.#holdings.length = 0
    for (let i = 0; i < this.#books.length; i++) this.#writeStanding(this.#books[i]!, i * BOOK_NUMBERS)
    this.#books.length = 0
  }

  #stageHolding(holding: Holding, at: number): void {
    const numbers = this.#holdingNumbers
    const { inventory } = holding
    holding.touched = false
    this.#holdings.push(holding)
    numbers[at] = holding.currency
    numbers[at + 1] = inventory.quantity
    numbers[at + 2] = inventory.costBasis
    numbers[at + 3] = holding.pendingBuy
    numbers[at + 4] = holding.pendingSell
    numbers[at + 5] = inventory.gross
    numbers[at + 6] = inventory.fees
    // The account's results grow by what this holding's have grown since it was last noted.
    const { view, books } = this.#state
    const book = books[holding.accountRow]!
    const gross = convertOrNaN(view, inventory.gross - holding.shownGross, holding.currency, book.currency)
    const fees = convertOrNaN(view, inventory.fees - holding.shownFees, holding.currency, book.currency)
    if (!Number.isNaN(gross)) book.gross += gross
    if (!Number.isNaN(fees)) book.fees += fees
    holding.shownGross = inventory.gross
    holding.shownFees = inventory.fees
  }

  #stageBook(book: AccountBook, at: number): void {
    const numbers = this.#bookNumbers
    book.touched = false
    this.#books.push(book)
    numbers[at] = book.used
    numbers[at + 1] = book.gross
    numbers[at + 2] = book.fees
    numbers[at + 3] = book.liveOrders
    numbers[at + 4] = book.reportSequence
    numbers[at + 5] = book.orderSequence
  }

  #writePosition(holding: Holding, at: number): void {
    const numbers = this.#holdingNumbers
    const position = this.#position
    position.accountRow = holding.accountRow
    position.tickerIndex = holding.listing.index
    position.currency = numbers[at]!
    position.quantity = numbers[at + 1]!
    position.costBasis = numbers[at + 2]!
    position.pendingBuy = numbers[at + 3]!
    position.pendingSell = numbers[at + 4]!
    position.gross = numbers[at + 5]!
    position.fees = numbers[at + 6]!
    if (holding.row === NO_ROW) {
      const book = this.#state.books[holding.accountRow]!
      position.nextRow = book.firstPositionRow
      holding.nextRow = book.firstPositionRow
      holding.row = this.#positions.add(position)
      assert(holding.row >= 0, 'more positions than the shard admitted')
      book.firstPositionRow = holding.row
    } else {
      position.nextRow = holding.nextRow
      this.#positions.write(holding.row, position)
    }
  }

  #writeStanding(book: AccountBook, at: number): void {
    const numbers = this.#bookNumbers
    const standing = this.#standing
    standing.usedBuyingPower = numbers[at]!
    standing.gross = numbers[at + 1]!
    standing.fees = numbers[at + 2]!
    standing.openOrders = numbers[at + 3]!
    standing.lastReportSequence = numbers[at + 4]!
    standing.lastOrderSequence = numbers[at + 5]!
    standing.firstPositionRow = book.firstPositionRow
    this.#accounts.writeStanding(book.row, standing)
  }
}

/** The array itself, or one twice as long or longer; what it holds is no longer needed. */
function withRoom(numbers: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  return length <= numbers.length ? numbers : new Float64Array(2 * length)
}
