// How much money the positions and open orders of an account may tie up. Per ticker a long position pays for the
// cheapest open asks and a short one for the dearest open bids, and of the two sides only the more expensive counts:
//
//   position ≥ 0:  used = max( cost of the asks behind `position` free units,  cost of the bids + expenditure )
//   position < 0:  used = max( cost of the asks − expenditure,  cost of the bids behind `−position` free units )
//
// Every order counts at its expected price. All amounts of a model are in one currency, in micros; who has several
// currencies converts first or keeps a model for each. A submission is tried by a look that changes nothing
// (`usedIfSubmitted`) and held once it has passed everything else.
//
// An order that is being replaced by a destination that answers later counts as the worst that it may come to: filled
// under its old terms, under the new ones, or first under the old and then, up to the new quantity, under the new:
//
//   old price ≥ new price    the old quantity at the old price, and what the new one has more at the new price
//   old price < new price    the new quantity at the new price, where it is not smaller
//                            otherwise the dearer of the two, since a smaller quantity ends the order sooner
//
// The last case depends on what else there is to be covered by a position. It is exact where no position covers the side, and
// for one such order of a side; several of them together are held at the sum of what each could cost more.

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
  /** Orders of each side that are being replaced by smaller ones which cost more. */
  readonly dearerAsks: ReplacedHold[]
  readonly dearerBids: ReplacedHold[]
  /** What the ticker ties up. */
  used: Money
}

/** An order that is being replaced: what is left of it under either terms. */
interface ReplacedHold {
  readonly slot: number
  /** A slot of its own, for what is held at the new price. */
  readonly companion: number
  oldQuantity: Quantity
  readonly oldPrice: Price
  newQuantity: Quantity
  readonly newPrice: Price
}

/**
 * What all models of a shard share: 24 bytes per order slot, and 65 per distinct price level in use. The holder of a slot
 * is the index of its exposure × 2 + its side; 0 where the slot holds nothing.
 */
export class BuyingPowerPool {
  readonly ladders: PriceLadders
  /** By `index`; the first place stays empty, so that no order is at 0. */
  readonly exposures: (Exposure | undefined)[] = [undefined]
  /** By slot: the orders that are being replaced. */
  readonly replaced = new Map<number, ReplacedHold>()
  readonly #freeCompanions: number[] = []
  /** Companions lie behind the orders' own slots. */
  #nextCompanion: number
  #slots: number

  /**
   * Room for the orders with the slots 0 … ordersMax − 1.
   * @param replacesUsual so many may be under replacement at a time before more room is made; 0 for a pool whose orders
   *   never are.
   */
  constructor(ordersMax: number, replacesUsual = 0) {
    this.#slots = ordersMax + replacesUsual
    this.ladders = new PriceLadders(this.#slots)
    this.#nextCompanion = ordersMax
  }

  takeCompanion(): number {
    const free = this.#freeCompanions.pop()
    if (free !== undefined) return free
    if (this.#nextCompanion === this.#slots) {
      this.#slots *= 2
      this.ladders.grow(this.#slots)
    }
    return this.#nextCompanion++
  }

  giveCompanion(companion: number): void {
    this.#freeCompanions.push(companion)
  }

  /** Room for the orders with the slots 0 … ordersMax − 1 from now on, more than before. */
  grow(ordersMax: number): void {
    assert(this.#nextCompanion === this.#slots, 'the slots of orders do not grow over those of companions')
    this.#nextCompanion = ordersMax
    this.#slots = ordersMax
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
      dearerAsks: [],
      dearerBids: [],
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
        if (exposure.dearerAsks.length > 0) askCost += surcharge(exposure.dearerAsks)
      } else {
        bidCost = ladders.costWith(exposure.bids, Math.max(-exposure.position, 0), expectedPrice, quantity)
        if (exposure.dearerBids.length > 0) bidCost += surcharge(exposure.dearerBids)
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
    const replaced = this.#pool.replaced.size === 0 ? undefined : this.#pool.replaced.get(slot)
    if (replaced !== undefined) {
      replaced.oldQuantity = Math.max(0, replaced.oldQuantity - quantity)
      replaced.newQuantity = Math.max(0, replaced.newQuantity - quantity)
      this.#holdWorst(exposure, isAsk, replaced)
    } else if (ladders.has(slot)) {
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
    if (this.#pool.replaced.size !== 0) this.#forgetReplaced(slot, exposure, isAsk)
    if (ladders.has(slot)) ladders.reduce(isAsk ? exposure.asks : exposure.bids, slot, 0)
    ladders.setHolder(slot, 0)
    this.#settle(exposure, isAsk || quantity !== 0, !isAsk || quantity !== 0)
  }

  /**
   * A report on the order in `slot`, of any status; a terminal one frees the slot. Reports that only tell how the order
   * stands (pending new, new, suspended, pending cancel, cancel reject, and those of
   * a replace) change nothing.
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

  /** At what price the order is held; 0 where nothing of it is left. The old price while it is being replaced. */
  priceOf(slot: number): Price {
    const { ladders, replaced } = this.#pool
    const waiting = replaced.get(slot)
    if (waiting !== undefined) return waiting.oldPrice
    const exposure = this.#exposure(slot)
    return ladders.has(slot) ? ladders.price(this.#isAsk(slot) ? exposure.asks : exposure.bids, slot) : 0
  }

  /**
   * What the account would tie up if the order in `slot`, which is not being replaced, had `quantity` left at that expected
   * price; with `isPending` if it could turn into that at any time. As `usedIfSubmitted` otherwise.
   */
  usedIfReplaced(slot: number, quantity: Quantity, expectedPrice: Price, isPending: boolean): Money {
    const { ladders } = this.#pool
    const exposure = this.#exposure(slot)
    const isAsk = this.#isAsk(slot)
    const ladder = isAsk ? exposure.asks : exposure.bids
    const { position } = exposure
    const free = Math.max(isAsk ? position : -position, 0)
    const dearer = isAsk ? exposure.dearerAsks : exposure.dearerBids
    let { askCost, bidCost } = exposure
    try {
      const asNew = ladders.costInstead(ladder, free, slot, 0, expectedPrice, quantity)
      let cost = asNew + surcharge(dearer)
      if (isPending) {
        const replaced = this.#replacedBy(slot, quantity, expectedPrice, NO_COMPANION)
        const { keep, added } = partsOf(replaced)
        if (keep < replaced.oldQuantity || added > 0) {
          cost = ladders.costInstead(ladder, free, slot, keep, expectedPrice, added) + surcharge(dearer)
        } else {
          const asOld = ladders.cost(ladder, free)
          const isAlone = free <= 0 || dearer.length === 0
          cost = isAlone ? Math.max(asOld, asNew) + surcharge(dearer) : asOld + surcharge(dearer) + moreCost(replaced)
        }
      }
      if (isAsk) askCost = cost
      else bidCost = cost
    } catch (error) {
      if (error instanceof AmountOutOfRange) return Number.POSITIVE_INFINITY
      throw error
    }
    const used = this.#used - exposure.used + usedBy(position, exposure.expenditure, askCost, bidCost)
    return used <= MICROS_MAX ? used : Number.POSITIVE_INFINITY
  }

  /**
   * From now on the order may turn into one of which `quantity` is left, at that expected price: the worst of both is held,
   * until `amend` says what has become of it, or the order ends.
   */
  beginReplace(slot: number, quantity: Quantity, expectedPrice: Price): void {
    const { replaced } = this.#pool
    assert(!replaced.has(slot), 'the order is being replaced already')
    const exposure = this.#exposure(slot)
    const isAsk = this.#isAsk(slot)
    const waiting = this.#replacedBy(slot, quantity, expectedPrice, this.#pool.takeCompanion())
    replaced.set(slot, waiting)
    this.#holdWorst(exposure, isAsk, waiting)
    this.#settle(exposure, isAsk, !isAsk)
  }

  /** The order has `quantity` left at that expected price, whatever it was or could have become. */
  amend(slot: number, quantity: Quantity, expectedPrice: Price): void {
    const exposure = this.#exposure(slot)
    const isAsk = this.#isAsk(slot)
    if (this.#pool.replaced.size !== 0) this.#forgetReplaced(slot, exposure, isAsk)
    this.#resize(isAsk ? exposure.asks : exposure.bids, slot, quantity, expectedPrice)
    this.#settle(exposure, isAsk, !isAsk)
  }

  #replacedBy(slot: number, newQuantity: Quantity, newPrice: Price, companion: number): ReplacedHold {
    const oldQuantity = this.#pool.ladders.remaining(slot)
    const oldPrice = oldQuantity === 0 ? newPrice : this.priceOf(slot)
    return { slot, companion, oldQuantity, oldPrice, newQuantity, newPrice }
  }

  #holdWorst(exposure: Exposure, isAsk: boolean, replaced: ReplacedHold): void {
    const ladder = isAsk ? exposure.asks : exposure.bids
    const { keep, added } = partsOf(replaced)
    this.#resize(ladder, replaced.slot, keep, replaced.oldPrice)
    this.#resize(ladder, replaced.companion, added, replaced.newPrice)
    const dearer = isAsk ? exposure.dearerAsks : exposure.dearerBids
    const at = dearer.indexOf(replaced)
    const isDearer = added === 0 && moreCost(replaced) > 0
    if (isDearer && at < 0) dearer.push(replaced)
    else if (!isDearer && at >= 0) dearer.splice(at, 1)
  }

  #forgetReplaced(slot: number, exposure: Exposure, isAsk: boolean): void {
    const replaced = this.#pool.replaced.get(slot)
    if (replaced === undefined) return
    this.#resize(isAsk ? exposure.asks : exposure.bids, replaced.companion, 0, replaced.newPrice)
    const dearer = isAsk ? exposure.dearerAsks : exposure.dearerBids
    const at = dearer.indexOf(replaced)
    if (at >= 0) dearer.splice(at, 1)
    this.#pool.giveCompanion(replaced.companion)
    this.#pool.replaced.delete(slot)
  }

  /** What the orders of a side cost behind `free` units, those being replaced by dearer ones included. */
  #sideCost(ladder: Ladder, free: Quantity, dearer: readonly ReplacedHold[]): Money {
    const { ladders } = this.#pool
    const cost = ladders.cost(ladder, free)
    const [first] = dearer
    // Where everything is covered, so are the smaller quantities.
    if (first === undefined || (free > 0 && free >= ladders.quantity(ladder))) return cost
    if (free > 0 && dearer.length === 1) {
      return Math.max(cost, ladders.costInstead(ladder, free, first.slot, 0, first.newPrice, first.newQuantity))
    }
    return cost + surcharge(dearer)
  }

  /** Makes a slot stand for so much at that price; it keeps its place where it only gets smaller. */
  #resize(ladder: Ladder, slot: number, quantity: Quantity, price: Price): void {
    const { ladders } = this.#pool
    if (ladders.has(slot)) {
      const keepsPlace = ladders.price(ladder, slot) === price && quantity <= ladders.remaining(slot)
      ladders.reduce(ladder, slot, keepsPlace ? quantity : 0)
      if (keepsPlace) return
    }
    if (quantity > 0) ladders.add(ladder, slot, price, quantity)
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
    const position = exposure.position
    if (asksChanged) exposure.askCost = this.#sideCost(exposure.asks, Math.max(position, 0), exposure.dearerAsks)
    if (bidsChanged) exposure.bidCost = this.#sideCost(exposure.bids, Math.max(-position, 0), exposure.dearerBids)
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
    case OrderStatus.PendingReplace:
    case OrderStatus.Replaced:
    case OrderStatus.ReplaceReject:
      return false
    default:
      return true
  }
}

function usedBy(position: Quantity, expenditure: Money, askCost: Money, bidCost: Money): Money {
  return position >= 0 ? Math.max(askCost, bidCost + expenditure) : Math.max(askCost - expenditure, bidCost)
}

/** In place of a slot: what is only looked at needs none. */
const NO_COMPANION = -1

/** What of an order that is being replaced stands in its ladder: at the old price, and at the new one. */
function partsOf({ oldQuantity, oldPrice, newQuantity, newPrice }: ReplacedHold): { keep: Quantity; added: Quantity } {
  if (oldPrice >= newPrice) return { keep: oldQuantity, added: Math.max(0, newQuantity - oldQuantity) }
  return newQuantity >= oldQuantity ? { keep: 0, added: newQuantity } : { keep: oldQuantity, added: 0 }
}

/** By how much the new terms cost more than the old ones, at least 0. */
function moreCost({ oldQuantity, oldPrice, newQuantity, newPrice }: ReplacedHold): Money {
  return Math.max(0, multiply(newQuantity, newPrice) - multiply(oldQuantity, oldPrice))
}

function surcharge(dearer: readonly ReplacedHold[]): Money {
  let sum = 0
  for (let i = 0; i < dearer.length; i++) sum += moreCost(dearer[i]!)
  return sum
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
