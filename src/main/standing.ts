// How an account stands, read from shared memory without asking its shard: what a Positions request is answered with.

import { numberOfMicros } from '../domain/money.ts'
import type { Value } from '../protocol/msgpack.ts'
import { type AccountTable, newAccountStanding, newAccountTerms } from '../shared-memory/account-table.ts'
import { newPosition, type PositionTable } from '../shared-memory/position-table.ts'

export class Standing {
  readonly #accounts: AccountTable
  readonly #positions: readonly PositionTable[]
  readonly #shardOf: (row: number) => number
  /** Tickers by the number each shard gave them. */
  readonly #listings: string[][]
  readonly #terms = newAccountTerms()
  readonly #standing = newAccountStanding()
  readonly #position = newPosition()

  constructor(accounts: AccountTable, positions: readonly PositionTable[], shardOf: (row: number) => number) {
    this.#accounts = accounts
    this.#positions = positions
    this.#shardOf = shardOf
    this.#listings = positions.map(() => [])
  }

  /** A shard has numbered a ticker. */
  listing(shard: number, index: number, ticker: string): void {
    this.#listings[shard][index] = ticker
  }

  /** Elements of a PositionList behind the account. */
  of(row: number): Value[] {
    const terms = this.#terms
    const standing = this.#standing
    this.#accounts.readTerms(row, terms)
    this.#accounts.readStanding(row, standing)
    const shard = this.#shardOf(row)
    const positions: Value[] = []
    const position = this.#position
    for (let at = standing.firstPositionRow; at >= 0; at = position.nextRow) {
      this.#positions[shard].read(at, position)
      positions.push([
        this.#listings[shard][position.tickerIndex] ?? '',
        position.currency,
        numberOfMicros(position.quantity),
        numberOfMicros(position.costBasis),
        numberOfMicros(position.pendingBuy),
        numberOfMicros(position.pendingSell),
        numberOfMicros(position.gross),
        numberOfMicros(position.fees),
      ])
    }
    return [
      terms.currency,
      numberOfMicros(terms.buyingPowerLimit),
      numberOfMicros(standing.usedBuyingPower),
      terms.riskState,
      standing.openOrders,
      standing.lastReportSequence,
      positions,
    ]
  }
}
