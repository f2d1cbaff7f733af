// Orders at rest, in the order in which they are served: by rank, lowest first, and among equals by sequence. The rank
// is a price turned so that lower is sooner. Orders of one rank that stand at the same posting venue form a level, a
// linked list in the order of their sequence; the levels of a queue form a treap, threaded in order. So the next in
// line is at hand, adding and removing cost the logarithm of the number of levels, whatever the number of orders, and
// nothing is allocated: slots and levels are rows of columns that all queues share.

import { assert } from '../base/assert.ts'

/** No slot, no level. */
export const NONE = -1

/** The columns of all queues that live over the same slots. */
export class RestingColumns {
  /** By slot: place in the order of submission. Written by the owner before the slot is added. */
  readonly sequence: Float64Array
  /** By slot, while it rests: its level and its neighbours there. */
  readonly level: Int32Array
  readonly next: Int32Array
  readonly previous: Int32Array

  /** By level: what its orders have in common. */
  readonly rank: Float64Array
  readonly venue: Uint8Array
  /** By level: the first and the last of its orders; a level has at least one. */
  readonly head: Int32Array
  readonly tail: Int32Array
  /** By level: children in the treap, and neighbours in the order of ranks. */
  readonly left: Int32Array
  readonly right: Int32Array
  readonly before: Int32Array
  readonly after: Int32Array

  /** Levels given back, linked by `after`. */
  #free = NONE
  #levelsUsed = 0

  constructor(capacity: number) {
    this.sequence = new Float64Array(capacity)
    this.level = new Int32Array(capacity)
    this.next = new Int32Array(capacity)
    this.previous = new Int32Array(capacity)
    // As a level is never empty, there are at most as many as slots.
    this.rank = new Float64Array(capacity)
    this.venue = new Uint8Array(capacity)
    this.head = new Int32Array(capacity)
    this.tail = new Int32Array(capacity)
    this.left = new Int32Array(capacity)
    this.right = new Int32Array(capacity)
    this.before = new Int32Array(capacity)
    this.after = new Int32Array(capacity)
  }

  /** A level for `slot` alone, not yet in any queue. */
  claimLevel(slot: number, rank: number, venue: number): number {
    let level = this.#free
    if (level === NONE) level = this.#levelsUsed++
    else this.#free = this.after[level]!
    this.rank[level] = rank
    this.venue[level] = venue
    this.head[level] = slot
    this.tail[level] = slot
    return level
  }

  releaseLevel(level: number): void {
    this.after[level] = this.#free
    this.#free = level
  }
}

export class RestingQueue {
  readonly #columns: RestingColumns
  #root = NONE
  #first = NONE

  constructor(columns: RestingColumns) {
    this.#columns = columns
  }

  get isEmpty(): boolean {
    return this.#first === NONE
  }

  /** Rank of the order that is served next; Infinity where there is none. */
  get firstRank(): number {
    return this.#first === NONE ? Number.POSITIVE_INFINITY : this.#columns.rank[this.#first]!
  }

  /** The order that is served next, or NONE: of the lowest rank, the one with the lowest sequence. */
  first(): number {
    if (this.#first === NONE) return NONE
    const { rank, head, after, sequence } = this.#columns
    let slot = head[this.#first]!
    let level = after[this.#first]!
    // Levels of one rank differ by their venue, so they are a handful at most.
    while (level !== NONE && rank[level] === rank[this.#first]) {
      const other = head[level]!
      if (sequence[other]! < sequence[slot]!) slot = other
      level = after[level]!
    }
    return slot
  }

  /** The first order of that rank at that venue, or NONE. */
  firstAt(rank: number, venue: number): number {
    const level = this.#find(rank, venue)
    return level === NONE ? NONE : this.#columns.head[level]!
  }

  /** The order behind `slot` at the same rank and venue, or NONE. */
  behind(slot: number): number {
    return this.#columns.next[slot]!
  }

  /** Lines the slot up at its rank and venue, by its sequence. */
  add(slot: number, rank: number, venue: number): void {
    const { sequence, next, previous, head, tail } = this.#columns
    let level = this.#find(rank, venue)
    if (level === NONE) {
      level = this.#columns.claimLevel(slot, rank, venue)
      next[slot] = NONE
      previous[slot] = NONE
      this.#insert(level)
    } else {
      // New orders go to the end at once; only one that had been taken out comes back before others.
      let ahead = tail[level]!
      while (ahead !== NONE && sequence[ahead]! > sequence[slot]!) ahead = previous[ahead]!
      const behind = ahead === NONE ? head[level]! : next[ahead]!
      previous[slot] = ahead
      next[slot] = behind
      if (ahead === NONE) head[level] = slot
      else next[ahead] = slot
      if (behind === NONE) tail[level] = slot
      else previous[behind] = slot
    }
    this.#columns.level[slot] = level
  }

  /** Takes the slot out; it has to be in this queue. */
  remove(slot: number): void {
    const { next, previous, head, tail } = this.#columns
    const level = this.#columns.level[slot]!
    const ahead = previous[slot]!
    const behind = next[slot]!
    if (ahead === NONE && behind === NONE) {
      assert(head[level] === slot, 'the order rests in this queue')
      this.#delete(level)
      this.#columns.releaseLevel(level)
      return
    }
    if (ahead === NONE) head[level] = behind
    else next[ahead] = behind
    if (behind === NONE) tail[level] = ahead
    else previous[behind] = ahead
  }

  #isBefore(level: number, rank: number, venue: number): boolean {
    const { rank: ranks, venue: venues } = this.#columns
    return ranks[level]! < rank || (ranks[level] === rank && venues[level]! < venue)
  }

  #find(rank: number, venue: number): number {
    const { rank: ranks, venue: venues, left, right } = this.#columns
    let level = this.#root
    while (level !== NONE) {
      if (ranks[level] === rank && venues[level] === venue) return level
      level = this.#isBefore(level, rank, venue) ? right[level]! : left[level]!
    }
    return NONE
  }

  /** Hangs `child` below `parent`, or makes it the root. */
  #hang(parent: number, isLeft: boolean, child: number): void {
    if (parent === NONE) this.#root = child
    else if (isLeft) this.#columns.left[parent] = child
    else this.#columns.right[parent] = child
  }

  #insert(level: number): void {
    const { rank: ranks, venue: venues, left, right, before, after } = this.#columns
    const rank = ranks[level]!
    const venue = venues[level]!
    const priority = priorityOf(level)
    let parent = NONE
    let isLeft = false
    let node = this.#root
    let lower = NONE
    let higher = NONE
    while (node !== NONE && priorityOf(node) > priority) {
      parent = node
      isLeft = !this.#isBefore(node, rank, venue)
      if (isLeft) higher = node
      else lower = node
      node = isLeft ? left[node]! : right[node]!
    }
    this.#hang(parent, isLeft, level)
    // What hung there is of lower priority: it is parted into what comes before the new level and what comes after.
    let lowerEnd = NONE
    let higherEnd = NONE
    while (node !== NONE) {
      if (this.#isBefore(node, rank, venue)) {
        if (lowerEnd === NONE) left[level] = node
        else right[lowerEnd] = node
        lowerEnd = lower = node
        node = right[node]!
      } else {
        if (higherEnd === NONE) right[level] = node
        else left[higherEnd] = node
        higherEnd = higher = node
        node = left[node]!
      }
    }
    if (lowerEnd === NONE) left[level] = NONE
    else right[lowerEnd] = NONE
    if (higherEnd === NONE) right[level] = NONE
    else left[higherEnd] = NONE
    this.#join(lower, level)
    before[level] = lower
    after[level] = higher
    if (higher !== NONE) before[higher] = level
  }

  #delete(level: number): void {
    const { rank: ranks, venue: venues, left, right, before, after } = this.#columns
    const rank = ranks[level]!
    const venue = venues[level]!
    let parent = NONE
    let isLeft = false
    let node = this.#root
    while (node !== level) {
      assert(node !== NONE, 'the level is in this queue')
      parent = node
      isLeft = !this.#isBefore(node, rank, venue)
      node = isLeft ? left[node]! : right[node]!
    }
    let lower = left[level]!
    let higher = right[level]!
    while (lower !== NONE && higher !== NONE) {
      isLeft = this.#hangHigher(parent, isLeft, lower, higher)
      if (isLeft) {
        parent = higher
        higher = left[higher]!
      } else {
        parent = lower
        lower = right[lower]!
      }
    }
    this.#hang(parent, isLeft, lower === NONE ? higher : lower)
    this.#join(before[level]!, after[level]!)
    if (after[level] !== NONE) before[after[level]!] = before[level]!
  }

  /** Hangs the one of higher priority; true where that is `higher`, below whose left the rest then goes. */
  #hangHigher(parent: number, isLeft: boolean, lower: number, higher: number): boolean {
    const isHigher = priorityOf(higher) > priorityOf(lower)
    this.#hang(parent, isLeft, isHigher ? higher : lower)
    return isHigher
  }

  /** Makes `level` follow `lower` in order, or lead the queue. */
  #join(lower: number, level: number): void {
    if (lower === NONE) this.#first = level
    else this.#columns.after[lower] = level
  }
}

/** The treap's priority of a level: its number, well mixed. Mixing is one to one, so no two levels tie. */
function priorityOf(level: number): number {
  let mixed = Math.imul(level ^ (level >>> 16) ^ 0x9e3779b9, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
