// How much money the positions and open orders of an account may tie up. Per ticker a long position pays for the
// cheapest open asks and a short one for the dearest open bids, and of the two sides only the more expensive counts:
//
//   position ≥ 0:  used = max( cost of the asks behind `position` free units,  cost of the bids + expenditure )
//   position < 0:  used = max( cost of the asks − expenditure,  cost of the bids behind `−position` free units )
//
// Every order counts at its expected price. All amounts of a model are in one currency, in micros; who has several
// currencies converts first or keeps a model for each. A submission is tried by a look that changes nothing
// (`usedIfSubmitted`) and held once it has passed everything else.

import { assert } from '../base/assert.ts'
import { AmountOutOfRange, MICROS_MAX, type Money, multiply, type Price, type Quantity } from '../domain/money.ts'
import { isTerminal, OrderStatus } from '../domain/order-status.ts'
import { Side } from '../domain/side.ts'
import { inRange, share } from './inventory.ts'
import { emptyLadder, type Ladder, PriceLadders } from './price-ladder.ts'

/** What one account has at stake in one ticker. Written by the account's `BuyingPowerModel` alone. */
export interface Exposure {
  /** Where the pool finds it again. */
  readonly index: number
  /** Signed: a short position is negative. */
  position: Quantity
  /** Signed like the position: the cost of what is held. */
  expenditure: Money
  readonly asks: Ladder
  readonly bids: Ladder
  /** Cost of each side behind what the position covers, as the orders stand. */
  askCost: Money
  bidCost: Money
  /** What the ticker ties up. */
  used: Money
}

/**
 * What all models of a shard share: 24 bytes per order slot, and 65 per distinct price level in use. The holder of a slot
 * is the index of its exposure × 2 + its side; 0 where the slot holds nothing.
 */
export class BuyingPowerPool {
  readonly ladders: PriceLadders
  /** By `index`; the first place stays empty, so that no order is at 0. */
  readonly exposures: (Exposure | undefined)[] = [undefined]
  /** Room for the orders with the slots 0 … ordersMax − 1. */
  constructor(ordersMax: number) {
    this.ladders = new PriceLadders(ordersMax)
  }

  /** Room for the orders with the slots 0 … ordersMax − 1 from now on, more than before. */
  grow(ordersMax: number): void {
    this.ladders.grow(ordersMax)
  }
}

/** The buying power of one account. */
export class BuyingPowerModel {
  readonly #pool: BuyingPowerPool
  readonly #exposures: Exposure[] = []
  #used: Money = 0

  constructor(pool: BuyingPowerPool) {
    this.#pool = pool
  }

  /** What the account ties up in all tickers. */
  get used(): Money {
    return this.#used
  }

  /** A new ticker, with nothing at stake; it stays for the life of the model. */
  openExposure(): Exposure {
    const exposure: Exposure = {
      index: this.#pool.exposures.length,
      position: 0,
      expenditure: 0,
      asks: emptyLadder(1),
      bids: emptyLadder(-1),
      askCost: 0,
      bidCost: 0,
      used: 0,
    }
    this.#pool.exposures.push(exposure)
    this.#exposures.push(exposure)
    return exposure
  }

  /**
   * What the account would tie up with one more order at that expected price; infinity where a sum would leave the
   * range of amounts, and with that every limit. Changes nothing.
   */
  usedIfSubmitted(exposure: Exposure, side: Side, quantity: Quantity, expectedPrice: Price): Money {
    const ladders = this.#pool.ladders
    let askCost = exposure.askCost
    let bidCost = exposure.bidCost
    try {
      if (side === Side.Ask) {
        askCost = ladders.costWith(exposure.asks, Math.max(exposure.position, 0), expectedPrice, quantity)
      } else {
        bidCost = ladders.costWith(exposure.bids, Math.max(-exposure.position, 0), expectedPrice, quantity)
      }
    } catch (error) {
      if (error instanceof AmountOutOfRange) return Number.POSITIVE_INFINITY
      throw error
    }
    const used = this.#used - exposure.used + usedBy(exposure.position, exposure.expenditure, askCost, bidCost)
    return used <= MICROS_MAX ? used : Number.POSITIVE_INFINITY
  }

  /**
   * Holds buying power for an order until it is filled or released. `slot` must be free; the quantity not negative.
   * @throws AmountOutOfRange where `usedIfSubmitted` would answer that a sum of the ticker leaves the range
   */
  hold(slot: number, exposure: Exposure, side: Side, quantity: Quantity, expectedPrice: Price): void {
    const { ladders } = this.#pool
    assert(ladders.holder(slot) === 0, 'the slot holds buying power already')
    assert(this.#pool.exposures[exposure.index] === exposure)
    if (quantity > 0) ladders.add(side === Side.Ask ? exposure.asks : exposure.bids, slot, expectedPrice, quantity)
    ladders.setHolder(slot, exposure.index * 2 + (side === Side.Ask ? 0 : 1))
    this.#settle(exposure, side === Side.Ask, side !== Side.Ask)
  }

  /**
   * A live order was filled by `quantity` at `price` and stays live. What it has left does not go below zero.
   * @throws AmountOutOfRange where position or expenditure would leave the range; nothing has changed then
   */
  fill(slot: number, quantity: Quantity, price: Price): void {
    const { ladders } = this.#pool
    const exposure = this.#exposure(slot)
    const isAsk = this.#isAsk(slot)
    movePosition(exposure, isAsk ? -quantity : quantity, price)
    if (ladders.has(slot)) {
      ladders.reduce(isAsk ? exposure.asks : exposure.bids, slot, Math.max(0, ladders.remaining(slot) - quantity))
    }
    this.#settle(exposure, true, true)
  }

  /**
   * The order has ended, with a last fill or none; its slot is free again.
   * @throws AmountOutOfRange as `fill` does
   */
  release(slot: number, quantity: Quantity = 0, price: Price = 0): void {
    const { ladders } = this.#pool
    const exposure = this.#exposure(slot)
    const isAsk = this.#isAsk(slot)
    if (quantity !== 0) movePosition(exposure, isAsk ? -quantity : quantity, price)
    if (ladders.has(slot)) ladders.reduce(isAsk ? exposure.asks : exposure.bids, slot, 0)
    ladders.setHolder(slot, 0)
    this.#settle(exposure, isAsk || quantity !== 0, !isAsk || quantity !== 0)
  }

  /**
   * A report on the order in `slot`, of any status; a terminal one frees the slot. Reports that only tell how the order
   * stands (pending new, new, suspended, pending cancel, cancel reject) change nothing.
   * @throws AmountOutOfRange as `fill` does
   */
  report(slot: number, status: OrderStatus, lastQty: Quantity, lastPx: Price): void {
    if (isTerminal(status)) this.release(slot, lastQty, lastPx)
    else if (lastQty !== 0 && movesBuyingPower(status)) this.fill(slot, lastQty, lastPx)
  }

  /**
   * A fill of an order that holds nothing here any more: it moves the position alone.
   * @throws AmountOutOfRange as `fill` does
   */
  fillPosition(exposure: Exposure, side: Side, quantity: Quantity, price: Price): void {
    movePosition(exposure, side === Side.Ask ? -quantity : quantity, price)
    this.#settle(exposure, true, true)
  }

  /**
   * Adds to position and expenditure: how an exposure is seeded from a snapshot.
   * @throws AmountOutOfRange where a sum would leave the range; nothing has changed then
   */
  adjust(exposure: Exposure, quantity: Quantity, expenditure: Money): void {
    const position = inRange(exposure.position + quantity)
    exposure.expenditure = inRange(exposure.expenditure + expenditure)
    exposure.position = position
    this.#settle(exposure, true, true)
  }

  #exposure(slot: number): Exposure {
    const exposure = this.#pool.exposures[this.#pool.ladders.holder(slot) >> 1]
    assert(exposure !== undefined, 'the slot holds no buying power')
    return exposure
  }

  #isAsk(slot: number): boolean {
    return (this.#pool.ladders.holder(slot) & 1) === 0
  }

  /** Brings the figures of the sides that changed, and what follows from them, up to date. */
  #settle(exposure: Exposure, asksChanged: boolean, bidsChanged: boolean): void {
    const { ladders } = this.#pool
    const position = exposure.position
    if (asksChanged) exposure.askCost = ladders.cost(exposure.asks, Math.max(position, 0))
    if (bidsChanged) exposure.bidCost = ladders.cost(exposure.bids, Math.max(-position, 0))
    const used = usedBy(position, exposure.expenditure, exposure.askCost, exposure.bidCost)
    const total = this.#used - exposure.used + used
    exposure.used = used
    // Orders and fills that no check has seen may carry the sum out of the range in which doubles add exactly. It is
    // added up anew then, so that it is exact again as soon as it is back.
    if (total <= MICROS_MAX && this.#used <= MICROS_MAX) this.#used = total
    else this.#used = this.#exposures.reduce((sum, { used }) => sum + used, 0)
  }
}

/** False for the reports that only tell how an order stands and leave buying power alone, whatever else they say. */
export function movesBuyingPower(status: OrderStatus): boolean {
  switch (status) {
    case OrderStatus.PendingNew:
    case OrderStatus.New:
    case OrderStatus.Suspended:
    case OrderStatus.PendingCancel:
    case OrderStatus.CancelReject:
      return false
    default:
      return true
  }
}

function usedBy(position: Quantity, expenditure: Money, askCost: Money, bidCost: Money): Money {
  return position >= 0 ? Math.max(askCost, bidCost + expenditure) : Math.max(askCost - expenditure, bidCost)
}

/** Moves a position by a fill of `quantity` (signed) at `price`; what it closes leaves at average cost. */
function movePosition(exposure: Exposure, quantity: Quantity, price: Price): void {
  let { position, expenditure } = exposure
  let opened = quantity
  if (position !== 0 && position > 0 !== quantity > 0) {
    const held = Math.abs(position)
    const closed = Math.min(Math.abs(quantity), held)
    expenditure -= share(expenditure, closed, held)
    const moved = quantity > 0 ? closed : -closed
    position += moved
    opened -= moved
  }
  position = inRange(position + opened)
  exposure.expenditure = inRange(expenditure + multiply(opened, price))
  exposure.position = position
}
