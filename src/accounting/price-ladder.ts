// Open orders of one side of one ticker, sorted by price, with running sums: what all of them cost, and what they cost
// after the first so many units are taken for free, is found without looking at the orders one by one.
//
// A ladder is a balanced tree (AVL) of levels; a level is a list of orders at one price. All ladders of a shard share
// one pool: orders are named by their slots, levels by rows of one typed array, and nothing is allocated per order.
//
//   order, one row of 24 bytes
//   | remaining | level next previous holder |
//     f64         i32   i32  i32      i32
//   level, one row of 64 bytes, a cache line
//   | key | quantity | cost | treeQuantity | treeCost | left right | head orders | rounded run |
//     f64      f64      f64       f64           f64      i32  i32    i32   i32      i32    i32
//
// The cost of an order is rounded by itself. As long as every order of a level has a cost that needed no rounding, what
// is left of the level behind any number of free units is one product; otherwise its orders are walked. So that such a
// walk stays short, a level whose costs are rounded takes `ROUNDED_LEVEL_ORDERS_MAX` orders and a further one opens a
// new level at the same price in front of it (a run, numbered from behind).

import { assert } from '../base/assert.ts'
import {
  AmountOutOfRange,
  MICROS,
  MICROS_MAX,
  type Money,
  multiply,
  type Price,
  type Quantity,
} from '../domain/money.ts'

/** Orders in a level with rounded costs. */
export const ROUNDED_LEVEL_ORDERS_MAX = 32

// Places in a row, counted in doubles.
const KEY = 0 // price × direction: the tree is always sorted ascending
const QUANTITY = 1 // sum of what its orders have left
const COST = 2 // sum of what that costs, each order rounded by itself
const TREE_QUANTITY = 3 // the same sums over the level and all levels beneath it in the tree
const TREE_COST = 4
const ROW_WORDS = 8

// Places in a row, counted in 32-bit words.
const LEFT = 10
const RIGHT = 11
const HEAD = 12 // first order: slot + 1; 0 is none
const ORDERS = 13
const ROUNDED = 14 // orders whose cost needed rounding
const RUN = 15 // among levels at one price the one in front has the higher number
const ROW_WORDS_32 = ROW_WORDS * 2
assert(LEFT === (TREE_COST + 1) * 2 && RUN + 1 === ROW_WORDS_32)

// Places in an order, counted in doubles and then in 32-bit words.
const ORDER_WORDS = 3
const REMAINING = 0
const ORDER_WORDS_32 = ORDER_WORDS * 2
const LEVEL = 2 // row of its level; 0 where it stands in none
const NEXT = 3 // slot + 1 of its neighbours in the level; 0 is none
const PREVIOUS = 4
const HOLDER = 5

// An AVL tree of n levels is less than 1.45 log2(n + 2) high: 46 for 2^31.
const PATH_MAX = 48

/** One side of one ticker. */
export interface Ladder {
  /** 1: the lowest price is first (asks); −1: the highest is (bids). */
  readonly direction: 1 | -1
  /** Row of the topmost level; 0 where there is no order. Written by `PriceLadders` alone. */
  root: number
}

/** A ladder without orders. */
export function emptyLadder(direction: 1 | -1): Ladder {
  return { direction, root: 0 }
}

/**
 * The orders and levels of all ladders of a shard: 24 bytes per order slot and 65 per level, touched as used. All
 * quantities, prices and sums are micros; sums that would leave their range throw `AmountOutOfRange` and change nothing.
 */
export class PriceLadders {
  /** Orders, indexed by slot. */
  #orders: Float64Array
  #orders32: Int32Array

  /** Levels, indexed by row; row 0 stays zero and stands for "no level". */
  #rows: Float64Array
  #rows32: Int32Array
  #heights: Int8Array
  #rowsUsed = 1
  #freeRow = 0

  /** The rows from the root to the place last looked for. */
  readonly #path = new Int32Array(PATH_MAX)
  #pathLength = 0

  /** Room for `ordersMax` orders, named by the slots 0 … ordersMax − 1, over all ladders together. */
  constructor(ordersMax: number) {
    this.#orders = new Float64Array(ordersMax * ORDER_WORDS)
    this.#orders32 = new Int32Array(this.#orders.buffer)
    this.#rows = new Float64Array((ordersMax + 1) * ROW_WORDS)
    this.#rows32 = new Int32Array(this.#rows.buffer)
    this.#heights = new Int8Array(ordersMax + 1)
  }

  /** Room for `ordersMax` orders from now on, more than before. */
  grow(ordersMax: number): void {
    assert(ordersMax * ORDER_WORDS >= this.#orders.length, 'ladders do not shrink')
    this.#orders = moved(this.#orders, new Float64Array(ordersMax * ORDER_WORDS))
    this.#orders32 = new Int32Array(this.#orders.buffer)
    this.#rows = moved(this.#rows, new Float64Array((ordersMax + 1) * ROW_WORDS))
    this.#rows32 = new Int32Array(this.#rows.buffer)
    this.#heights = moved(this.#heights, new Int8Array(ordersMax + 1))
  }

  /** True while the order stands in a ladder. */
  has(slot: number): boolean {
    return this.#orders32[slot * ORDER_WORDS_32 + LEVEL] !== 0
  }

  /** What the order has left; 0 where it stands in no ladder. */
  remaining(slot: number): Quantity {
    return this.#orders[slot * ORDER_WORDS + REMAINING]!
  }

  /** The price of an order that stands in this ladder. */
  price(ladder: Ladder, slot: number): Price {
    const level = this.#orders32[slot * ORDER_WORDS_32 + LEVEL]!
    assert(level !== 0, 'the order stands in no ladder')
    return this.#rows[level * ROW_WORDS + KEY]! * ladder.direction
  }

  /** A number that whoever uses the ladders keeps with a slot; 0 at first. */
  holder(slot: number): number {
    return this.#orders32[slot * ORDER_WORDS_32 + HOLDER]!
  }

  setHolder(slot: number, holder: number): void {
    this.#orders32[slot * ORDER_WORDS_32 + HOLDER] = holder
  }

  /** Sum of what all orders have left. */
  quantity(ladder: Ladder): Quantity {
    return this.#rows[ladder.root * ROW_WORDS + TREE_QUANTITY]!
  }

  /** Walks the whole ladder to assert that it is in order, balanced and added up; gives the height of its tree. */
  verify(ladder: Ladder): number {
    let last = 0
    const visit = (level: number): void => {
      if (level === 0) return
      const at = level * ROW_WORDS
      const height = this.#heights[level]!
      const sums = this.#rows.slice(at, at + ROW_WORDS)
      const left = this.#rows32[at * 2 + LEFT]!
      const right = this.#rows32[at * 2 + RIGHT]!
      visit(left)
      assert(last === 0 || this.#isAhead(last, level), 'levels are in order')
      last = level
      let quantity = 0
      let cost = 0
      for (
        let link = this.#rows32[at * 2 + HEAD]!;
        link !== 0;
        link = this.#orders32[(link - 1) * ORDER_WORDS_32 + NEXT]!
      ) {
        quantity += this.#orders[(link - 1) * ORDER_WORDS + REMAINING]!
        cost += multiply(this.#orders[(link - 1) * ORDER_WORDS + REMAINING]!, sums[KEY]! * ladder.direction)
      }
      assert(quantity > 0 && sums[QUANTITY] === quantity && sums[COST] === cost, 'a level adds up')
      visit(right)
      this.#pull(level)
      assert(this.#rows[at + TREE_QUANTITY] === sums[TREE_QUANTITY], 'the quantities of a tree add up')
      assert(this.#rows[at + TREE_COST] === sums[TREE_COST], 'the costs of a tree add up')
      assert(this.#heights[level] === height, 'heights are known')
      assert(Math.abs(this.#heights[left]! - this.#heights[right]!) <= 1, 'the tree is balanced')
    }
    visit(ladder.root)
    return this.#heights[ladder.root]!
  }

  /**
   * Puts an order of positive `quantity` at `price` in front of those at the same price.
   * @throws AmountOutOfRange where the order or the ladder with it would leave the range
   */
  add(ladder: Ladder, slot: number, price: Price, quantity: Quantity): void {
    assert(this.#orders32[slot * ORDER_WORDS_32 + LEVEL] === 0, 'the order stands in a ladder already')
    const cost = multiply(quantity, price)
    this.#checkSums(ladder, quantity, cost)
    const key = price * ladder.direction
    const rounded = isRounded(quantity, price)
    const depth = this.#findFront(ladder, key)
    let run = 0
    if (depth >= 0) {
      const level = this.#path[depth]!
      const at = level * ROW_WORDS_32
      if ((!rounded && this.#rows32[at + ROUNDED] === 0) || this.#rows32[at + ORDERS]! < ROUNDED_LEVEL_ORDERS_MAX) {
        this.#link(level, slot)
        this.#orders[slot * ORDER_WORDS + REMAINING] = quantity
        if (rounded) this.#rows32[at + ROUNDED]!++
        this.#addToLevel(level, quantity, cost)
        this.#addToTrees(depth + 1, quantity, cost)
        return
      }
      run = this.#rows32[at + RUN]! + 1
    }
    const level = this.#takeRow()
    const at = level * ROW_WORDS
    const at32 = level * ROW_WORDS_32
    this.#rows[at + KEY] = key
    this.#rows[at + QUANTITY] = quantity
    this.#rows[at + COST] = cost
    this.#rows32[at32 + RUN] = run
    this.#rows32[at32 + ROUNDED] = rounded ? 1 : 0
    this.#link(level, slot)
    this.#orders[slot * ORDER_WORDS + REMAINING] = quantity
    this.#rows[at + TREE_QUANTITY] = quantity
    this.#rows[at + TREE_COST] = cost
    this.#heights[level] = 1
    // A new level in front of its equals belongs to the left of the first of them, where the search ended as well.
    this.#attach(ladder, level)
    this.#addToTrees(this.#pathLength, quantity, cost)
    this.#balance(ladder, this.#pathLength, this.#pathLength)
  }

  /** Lowers what an order has left to `remaining`, at 0 it leaves the ladder. It keeps its place otherwise. */
  reduce(ladder: Ladder, slot: number, remaining: Quantity): void {
    const level = this.#orders32[slot * ORDER_WORDS_32 + LEVEL]!
    const before = this.#orders[slot * ORDER_WORDS + REMAINING]!
    assert(level !== 0 && remaining >= 0 && remaining <= before, 'only what is left of an order can be taken away')
    const price = this.#rows[level * ROW_WORDS + KEY]! * ladder.direction
    const at32 = level * ROW_WORDS_32
    this.#findLevel(ladder, level)
    if (isRounded(before, price)) this.#rows32[at32 + ROUNDED]!--
    this.#orders[slot * ORDER_WORDS + REMAINING] = remaining
    if (isRounded(remaining, price)) this.#rows32[at32 + ROUNDED]!++
    const costChange = multiply(remaining, price) - multiply(before, price)
    this.#addToLevel(level, remaining - before, costChange)
    this.#addToTrees(this.#pathLength, remaining - before, costChange)
    if (remaining !== 0) return
    this.#unlink(level, slot)
    if (this.#rows32[at32 + ORDERS] === 0) this.#detach(ladder)
  }

  /** What the orders cost behind the first `free` units, which each order in turn uses up as far as it needs them. */
  cost(ladder: Ladder, free: Quantity): Money {
    const rows = this.#rows
    const rows32 = this.#rows32
    let level = ladder.root
    if (free <= 0) return rows[level * ROW_WORDS + TREE_COST]!
    if (free >= rows[level * ROW_WORDS + TREE_QUANTITY]!) return 0
    let cost = 0
    for (;;) {
      const at = level * ROW_WORDS
      const left = rows32[at * 2 + LEFT]!
      const right = rows32[at * 2 + RIGHT]!
      const ahead = rows[left * ROW_WORDS + TREE_QUANTITY]!
      if (free < ahead) {
        cost += rows[at + COST]! + rows[right * ROW_WORDS + TREE_COST]!
        level = left
        continue
      }
      free -= ahead
      const quantity = rows[at + QUANTITY]!
      if (free < quantity) return cost + this.#levelCost(ladder, level, free) + rows[right * ROW_WORDS + TREE_COST]!
      free -= quantity
      if (right === 0) return cost
      level = right
    }
  }

  /**
   * What the orders would cost behind the first `free` units with one more order of `quantity` at `price` among them.
   * Changes nothing.
   * @throws AmountOutOfRange where `add` would
   */
  costWith(ladder: Ladder, free: Quantity, price: Price, quantity: Quantity): Money {
    const added = multiply(quantity, price)
    this.#checkSums(ladder, quantity, added)
    const rows = this.#rows
    const total = rows[ladder.root * ROW_WORDS + TREE_COST]!
    if (free <= 0) return total + added
    if (free >= rows[ladder.root * ROW_WORDS + TREE_QUANTITY]! + quantity) return 0
    const key = price * ladder.direction
    let level = ladder.root
    let quantityAhead = 0
    let costAhead = 0
    while (level !== 0) {
      const at = level * ROW_WORDS
      const left = this.#rows32[at * 2 + LEFT]!
      if (key <= rows[at + KEY]!) {
        level = left
      } else {
        quantityAhead += rows[left * ROW_WORDS + TREE_QUANTITY]! + rows[at + QUANTITY]!
        costAhead += rows[left * ROW_WORDS + TREE_COST]! + rows[at + COST]!
        level = this.#rows32[at * 2 + RIGHT]!
      }
    }
    if (free <= quantityAhead) return this.cost(ladder, free) + added
    if (free < quantityAhead + quantity) return total - costAhead + multiply(quantityAhead + quantity - free, price)
    return this.cost(ladder, free - quantity)
  }

  /**
   * As `costWith`, where the order in `slot` keeps only `keep` of what it has left: what all would cost if that order, or
   * a part of it, were another one. Changes nothing.
   * @throws AmountOutOfRange where `add` would
   */
  costInstead(ladder: Ladder, free: Quantity, slot: number, keep: Quantity, price: Price, quantity: Quantity): Money {
    const ownLevel = this.#orders32[slot * ORDER_WORDS_32 + LEVEL]!
    if (ownLevel === 0) return this.costWith(ladder, free, price, quantity)
    const rows = this.#rows
    const before = this.#orders[slot * ORDER_WORDS + REMAINING]!
    const ownKey = rows[ownLevel * ROW_WORDS + KEY]!
    const ownPrice = ownKey * ladder.direction
    const taken = before - keep
    assert(taken >= 0 && keep >= 0, 'an order keeps no more than it has')
    const saved = multiply(before, ownPrice) - multiply(keep, ownPrice)
    const added = multiply(quantity, price)
    this.#checkSums(ladder, quantity - taken, added - saved)
    const total = rows[ladder.root * ROW_WORDS + TREE_COST]! - saved
    if (free <= 0) return total + added
    if (free >= rows[ladder.root * ROW_WORDS + TREE_QUANTITY]! - taken + quantity) return 0
    const key = price * ladder.direction
    let { quantityAhead, costAhead } = this.#ahead(ladder, level => rows[level * ROW_WORDS + KEY]! < key)
    if (ownKey < key) {
      quantityAhead -= taken
      costAhead -= saved
    }
    if (free <= quantityAhead) return this.#costKeeping(ladder, free, slot, keep) + added
    if (free < quantityAhead + quantity) return total - costAhead + multiply(quantityAhead + quantity - free, price)
    return this.#costKeeping(ladder, free - quantity, slot, keep)
  }

  /** As `cost`, where the order in `slot` keeps only `keep`. */
  #costKeeping(ladder: Ladder, free: Quantity, slot: number, keep: Quantity): Money {
    const level = this.#orders32[slot * ORDER_WORDS_32 + LEVEL]!
    const price = this.#rows[level * ROW_WORDS + KEY]! * ladder.direction
    const before = this.#orders[slot * ORDER_WORDS + REMAINING]!
    let ahead = this.#ahead(ladder, other => this.#isAhead(other, level)).quantityAhead
    if (this.#rows32[level * ROW_WORDS_32 + ROUNDED] === 0 && !isRounded(keep, price)) {
      // Where nothing of the level is rounded, its orders may stand in any order: this one as the last.
      ahead += this.#rows[level * ROW_WORDS + QUANTITY]! - before
    } else {
      let link = this.#rows32[level * ROW_WORDS_32 + HEAD]!
      for (; link !== slot + 1; link = this.#orders32[(link - 1) * ORDER_WORDS_32 + NEXT]!) {
        ahead += this.#orders[(link - 1) * ORDER_WORDS + REMAINING]!
      }
    }
    if (free <= ahead) return this.cost(ladder, free) - multiply(before, price) + multiply(keep, price)
    if (free - ahead >= keep) return this.cost(ladder, free + before - keep)
    return this.cost(ladder, ahead + before) + multiply(ahead + keep - free, price)
  }

  /** Sums over the levels in front, which are those that `isInFront` is true of. */
  #ahead(ladder: Ladder, isInFront: (level: number) => boolean): { quantityAhead: Quantity; costAhead: Money } {
    const rows = this.#rows
    let quantityAhead = 0
    let costAhead = 0
    for (let level = ladder.root; level !== 0; ) {
      const at = level * ROW_WORDS
      const left = this.#rows32[at * 2 + LEFT]!
      if (isInFront(level)) {
        quantityAhead += rows[left * ROW_WORDS + TREE_QUANTITY]! + rows[at + QUANTITY]!
        costAhead += rows[left * ROW_WORDS + TREE_COST]! + rows[at + COST]!
        level = this.#rows32[at * 2 + RIGHT]!
      } else {
        level = left
      }
    }
    return { quantityAhead, costAhead }
  }

  #checkSums(ladder: Ladder, quantity: Quantity, cost: Money): void {
    const at = ladder.root * ROW_WORDS
    if (this.#rows[at + TREE_QUANTITY]! + quantity > MICROS_MAX || this.#rows[at + TREE_COST]! + cost > MICROS_MAX) {
      throw new AmountOutOfRange('the open orders of the ticker leave the range of amounts')
    }
  }

  /** Cost of a level's orders behind `free` units. */
  #levelCost(ladder: Ladder, level: number, free: Quantity): Money {
    const at = level * ROW_WORDS
    const price = this.#rows[at + KEY]! * ladder.direction
    if (free === 0) return this.#rows[at + COST]!
    if (this.#rows32[at * 2 + ROUNDED] === 0) return multiply(this.#rows[at + QUANTITY]! - free, price)
    let cost = 0
    for (
      let link = this.#rows32[at * 2 + HEAD]!;
      link !== 0;
      link = this.#orders32[(link - 1) * ORDER_WORDS_32 + NEXT]!
    ) {
      const remaining = this.#orders[(link - 1) * ORDER_WORDS + REMAINING]!
      if (free < remaining) {
        cost += multiply(remaining - free, price)
        free = 0
      } else {
        free -= remaining
      }
    }
    return cost
  }

  // The list of a level.

  #link(level: number, slot: number): void {
    const at = level * ROW_WORDS_32
    const head = this.#rows32[at + HEAD]!
    this.#orders32[slot * ORDER_WORDS_32 + LEVEL] = level
    this.#orders32[slot * ORDER_WORDS_32 + NEXT] = head
    this.#orders32[slot * ORDER_WORDS_32 + PREVIOUS] = 0
    if (head !== 0) this.#orders32[(head - 1) * ORDER_WORDS_32 + PREVIOUS] = slot + 1
    this.#rows32[at + HEAD] = slot + 1
    this.#rows32[at + ORDERS]!++
  }

  #unlink(level: number, slot: number): void {
    const at = level * ROW_WORDS_32
    const next = this.#orders32[slot * ORDER_WORDS_32 + NEXT]!
    const previous = this.#orders32[slot * ORDER_WORDS_32 + PREVIOUS]!
    if (previous === 0) this.#rows32[at + HEAD] = next
    else this.#orders32[(previous - 1) * ORDER_WORDS_32 + NEXT] = next
    if (next !== 0) this.#orders32[(next - 1) * ORDER_WORDS_32 + PREVIOUS] = previous
    this.#orders32[slot * ORDER_WORDS_32 + LEVEL] = 0
    this.#rows32[at + ORDERS]!--
  }

  // Ways down the tree. Both leave the way in `#path`.

  /** Goes to the front of `key`; the place in the path of the first level with that key, or −1. */
  #findFront(ladder: Ladder, key: number): number {
    let depth = 0
    let found = -1
    let level = ladder.root
    while (level !== 0) {
      this.#path[depth] = level
      const levelKey = this.#rows[level * ROW_WORDS + KEY]!
      if (key === levelKey) found = depth
      depth++
      level = this.#rows32[level * ROW_WORDS_32 + (key <= levelKey ? LEFT : RIGHT)]!
    }
    this.#pathLength = depth
    return found
  }

  /** Goes to `level`, which becomes the last of the path. */
  #findLevel(ladder: Ladder, level: number): void {
    let depth = 0
    let here = ladder.root
    while (here !== level) {
      assert(here !== 0, 'the order does not stand in this ladder')
      this.#path[depth++] = here
      here = this.#rows32[here * ROW_WORDS_32 + (this.#isAhead(level, here) ? LEFT : RIGHT)]!
    }
    this.#path[depth] = level
    this.#pathLength = depth + 1
  }

  #isAhead(level: number, other: number): boolean {
    const key = this.#rows[level * ROW_WORDS + KEY]!
    const otherKey = this.#rows[other * ROW_WORDS + KEY]!
    if (key !== otherKey) return key < otherKey
    return this.#rows32[level * ROW_WORDS_32 + RUN]! > this.#rows32[other * ROW_WORDS_32 + RUN]!
  }

  #addToLevel(level: number, quantity: Quantity, cost: Money): void {
    const at = level * ROW_WORDS
    this.#rows[at + QUANTITY]! += quantity
    this.#rows[at + COST]! += cost
  }

  /** Adds to the trees beneath the first `length` levels of the path. */
  #addToTrees(length: number, quantity: Quantity, cost: Money): void {
    const rows = this.#rows
    for (let place = 0; place < length; place++) {
      const at = this.#path[place]! * ROW_WORDS
      rows[at + TREE_QUANTITY]! += quantity
      rows[at + TREE_COST]! += cost
    }
  }

  // The shape of the tree.

  /** Makes `level` the child that the path leads to; the root where the path is empty. */
  #attach(ladder: Ladder, level: number): void {
    if (this.#pathLength === 0) {
      ladder.root = level
      return
    }
    const parent = this.#path[this.#pathLength - 1]!
    this.#rows32[parent * ROW_WORDS_32 + (this.#isAhead(level, parent) ? LEFT : RIGHT)] = level
  }

  /** Takes the last level of the path, which has no orders any more, out of the tree and gives its row back. */
  #detach(ladder: Ladder): void {
    const rows32 = this.#rows32
    const place = this.#pathLength - 1
    const level = this.#path[place]!
    const left = rows32[level * ROW_WORDS_32 + LEFT]!
    const right = rows32[level * ROW_WORDS_32 + RIGHT]!
    let length = place
    if (left === 0 || right === 0) {
      this.#replace(ladder, place, level, left + right)
    } else {
      // The next level behind takes its place; the way to balance is the way to where that one was, and beneath this
      // place the sums change as well.
      length++
      let next = right
      while (rows32[next * ROW_WORDS_32 + LEFT] !== 0) {
        this.#path[length++] = next
        next = rows32[next * ROW_WORDS_32 + LEFT]!
      }
      if (next !== right) {
        const parent = this.#path[length - 1]!
        rows32[parent * ROW_WORDS_32 + LEFT] = rows32[next * ROW_WORDS_32 + RIGHT]!
        rows32[next * ROW_WORDS_32 + RIGHT] = right
      }
      rows32[next * ROW_WORDS_32 + LEFT] = left
      this.#replace(ladder, place, level, next)
      this.#path[place] = next
      this.#heights[next] = this.#heights[level]!
    }
    this.#giveRow(level)
    this.#balance(ladder, length, place)
  }

  /** Puts `by` where `level`, at `place` of the path, was. */
  #replace(ladder: Ladder, place: number, level: number, by: number): void {
    if (place === 0) {
      ladder.root = by
      return
    }
    const at = this.#path[place - 1]! * ROW_WORDS_32
    this.#rows32[at + (this.#rows32[at + LEFT] === level ? LEFT : RIGHT)] = by
  }

  /**
   * Restores heights and balance of the first `length` levels of the path, from the lowest up, and the sums of those
   * from place `sumsFrom` on.
   */
  #balance(ladder: Ladder, length: number, sumsFrom: number): void {
    for (let place = length - 1; place >= 0; place--) {
      const level = this.#path[place]!
      const height = this.#heights[level]!
      if (place >= sumsFrom) this.#pull(level)
      const top = this.#balanced(level)
      if (top !== level) this.#replace(ladder, place, level, top)
      // Above a tree as high as before nothing changes.
      if (this.#heights[top] === height && place <= sumsFrom) return
    }
  }

  /** Balances a level whose children are balanced, and sets its height; gives what stands at its place then. */
  #balanced(level: number): number {
    const at = level * ROW_WORDS_32
    const left = this.#rows32[at + LEFT]!
    const right = this.#rows32[at + RIGHT]!
    const lean = this.#heights[left]! - this.#heights[right]!
    if (lean > 1) {
      const inner = this.#rows32[left * ROW_WORDS_32 + RIGHT]!
      const outer = this.#rows32[left * ROW_WORDS_32 + LEFT]!
      if (this.#heights[inner]! > this.#heights[outer]!) this.#rows32[at + LEFT] = this.#rotate(left, RIGHT, LEFT)
      return this.#rotate(level, LEFT, RIGHT)
    }
    if (lean < -1) {
      const inner = this.#rows32[right * ROW_WORDS_32 + LEFT]!
      const outer = this.#rows32[right * ROW_WORDS_32 + RIGHT]!
      if (this.#heights[inner]! > this.#heights[outer]!) this.#rows32[at + RIGHT] = this.#rotate(right, LEFT, RIGHT)
      return this.#rotate(level, RIGHT, LEFT)
    }
    this.#heights[level] = Math.max(this.#heights[left]!, this.#heights[right]!) + 1
    return level
  }

  /** Lifts the child on the side `from` above `level`, which becomes its child on the other side; gives that child. */
  #rotate(level: number, from: number, to: number): number {
    const top = this.#rows32[level * ROW_WORDS_32 + from]!
    this.#rows32[level * ROW_WORDS_32 + from] = this.#rows32[top * ROW_WORDS_32 + to]!
    this.#rows32[top * ROW_WORDS_32 + to] = level
    this.#pull(level)
    this.#pull(top)
    return top
  }

  /** Sums and height of a level from its own figures and its children's. */
  #pull(level: number): void {
    const at = level * ROW_WORDS
    const rows = this.#rows
    const left = this.#rows32[at * 2 + LEFT]!
    const right = this.#rows32[at * 2 + RIGHT]!
    rows[at + TREE_QUANTITY] =
      rows[left * ROW_WORDS + TREE_QUANTITY]! + rows[at + QUANTITY]! + rows[right * ROW_WORDS + TREE_QUANTITY]!
    rows[at + TREE_COST] = rows[left * ROW_WORDS + TREE_COST]! + rows[at + COST]! + rows[right * ROW_WORDS + TREE_COST]!
    this.#heights[level] = Math.max(this.#heights[left]!, this.#heights[right]!) + 1
  }

  // Rows: never used ones are taken in order, given back ones first, chained by LEFT.

  #takeRow(): number {
    const row = this.#freeRow
    if (row === 0) return this.#rowsUsed++
    this.#freeRow = this.#rows32[row * ROW_WORDS_32 + LEFT]!
    // What belongs to its orders is zero since the last of them left.
    this.#rows32[row * ROW_WORDS_32 + LEFT] = 0
    this.#rows32[row * ROW_WORDS_32 + RIGHT] = 0
    return row
  }

  #giveRow(row: number): void {
    this.#rows32[row * ROW_WORDS_32 + LEFT] = this.#freeRow
    this.#freeRow = row
  }
}

/** Whether quantity × price is no whole number of micros. */
function isRounded(quantity: Quantity, price: Price): boolean {
  const fraction = quantity % MICROS
  return fraction !== 0 && (fraction * (price % MICROS)) % MICROS !== 0
}

/** The longer column `to` with the content of `from`. */
function moved<T extends Float64Array | Int8Array>(from: T, to: T): T {
  to.set(from)
  return to
}
