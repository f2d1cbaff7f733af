// Halts as a shard sees them: whether an order may be taken, and the sweep that cancels what works already. A sweep looks
// at all live orders, a part of them in each turn, so that other commands do not wait for a hundred thousand cancels.

import type { Refusal } from '../checks/check.ts'
import type { Definitions } from '../domain/definitions.ts'
import { Reason } from '../domain/reasons.ts'
import type { HaltTable } from '../shared-memory/halt-table.ts'

/** A destination that has no number: the venue itself, where nobody named one. */
const NO_DESTINATION = -1

export class Halts {
  readonly #table: HaltTable
  readonly #numbers: ReadonlyMap<string, number>

  constructor(table: HaltTable, definitions: Definitions) {
    this.#table = table
    this.#numbers = new Map(definitions.destinationIds.map((id, number) => [id, number]))
  }

  /** Number of the destination, for the order table; −1 for none. */
  numberOf(destination: string): number {
    return this.#numbers.get(destination) ?? NO_DESTINATION
  }

  /** Whether orders of the account to that destination are halted, and if so why, in `refusal`. */
  refuses(accountRow: number, destination: string, refusal: Refusal): boolean {
    if (this.#table.isEverybodyHalted) refusal.set(Reason.TradingHalted, 'everybody')
    else if (this.#table.isAccountHalted(accountRow)) refusal.set(Reason.TradingHalted, 'the account')
    else if (this.#table.isDestinationHalted(this.numberOf(destination))) {
      refusal.set(Reason.TradingHalted, `destination ${destination}`)
    } else return false
    return true
  }

  /** Whether a live order is to be canceled. */
  covers(accountRow: number, destination: number): boolean {
    const table = this.#table
    return table.isEverybodyHalted || table.isAccountHalted(accountRow) || table.isDestinationHalted(destination)
  }
}
