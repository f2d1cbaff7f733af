// What positions and open orders may cost, as rules count it: the accounting's buying power, in the one currency of the
// rule, for whatever the rule has let pass. The orders of all books of one entry share their room, which grows with
// them and goes with the entry.

import { BuyingPowerModel, BuyingPowerPool } from '../accounting/buying-power.ts'
import { KeyIndex } from '../base/key-index.ts'
import { AmountOutOfRange, type Money, multiply, type Price, type Quantity } from '../domain/money.ts'
import { isTerminal } from '../domain/order-status.ts'
import type { Side } from '../domain/side.ts'
import { grown } from './columns.ts'

const HOLDS_MIN = 16

/** Slots for the orders that the books of one entry hold. */
export class HoldRoom {
  readonly pool = new BuyingPowerPool(HOLDS_MIN)
  #slots = HOLDS_MIN
  #slotsUsed = 0
  #free = new Int32Array(HOLDS_MIN)
  #freeCount = 0

  take(): number {
    if (this.#freeCount > 0) return this.#free[--this.#freeCount]!
    if (this.#slotsUsed === this.#slots) {
      this.#slots *= 2
      this.pool.grow(this.#slots)
      this.#free = grown(this.#free, this.#slots)
    }
    return this.#slotsUsed++
  }

  give(slot: number): void {
    this.#free[this.#freeCount++] = slot
  }
}

/** One account, or one whole rule where it pools accounts. All prices and costs are in the currency of the rule. */
export class CostBook {
  readonly #room: HoldRoom
  readonly #model: BuyingPowerModel
  /** Ticker → index of its exposure in the pool. */
  readonly #exposures = new KeyIndex()

  constructor(room: HoldRoom) {
    this.#room = room
    this.#model = new BuyingPowerModel(room.pool)
  }

  get used(): Money {
    return this.#model.used
  }

  /** What would be used with one more order; infinity where that leaves the range of amounts. */
  usedWith(tickerIndex: number, side: Side, quantity: Quantity, price: Price): Money {
    const index = this.#exposures.get(tickerIndex)
    if (index >= 0) {
      return this.#model.usedIfSubmitted(this.#room.pool.exposures[index]!, side, quantity, price)
    }
    try {
      return this.used + multiply(quantity, price)
    } catch (error) {
      if (error instanceof AmountOutOfRange) return Number.POSITIVE_INFINITY
      throw error
    }
  }

  /** Holds an order; the slot to report on. @throws AmountOutOfRange where nothing is held then */
  hold(tickerIndex: number, side: Side, quantity: Quantity, price: Price): number {
    const slot = this.#room.take()
    try {
      this.#model.hold(slot, this.#exposure(tickerIndex), side, quantity, price)
      return slot
    } catch (error) {
      this.#room.give(slot)
      throw error
    }
  }

  /** A fill or the end of a held order. @throws AmountOutOfRange */
  report(slot: number, status: Parameters<BuyingPowerModel['report']>[1], lastQty: Quantity, lastPx: Price): void {
    this.#model.report(slot, status, lastQty, lastPx)
    if (isTerminal(status)) this.#room.give(slot)
  }

  /** Adds to a position, at its cost. @throws AmountOutOfRange */
  seed(tickerIndex: number, quantity: Quantity, cost: Money): void {
    this.#model.adjust(this.#exposure(tickerIndex), quantity, cost)
  }

  #exposure(tickerIndex: number) {
    const { exposures } = this.#room.pool
    const index = this.#exposures.get(tickerIndex)
    if (index >= 0) return exposures[index]!
    const exposure = this.#model.openExposure()
    this.#exposures.set(tickerIndex, exposure.index)
    return exposure
  }
}
