// What orders may come to that are being replaced, played through: each of them may be executed under its old terms, under
// the new ones, or first under the old and then, up to the new quantity, under the new. Everything in whole units.

import { Side } from '../../src/domain/side.ts'

export interface Terms {
  left: number
  price: number
}

export interface EndingOrder extends Terms {
  readonly side: Side
  /** What a replace asks for that has no answer yet. */
  next: Terms | undefined
}

/** What may still be executed of the order, in each of the ways in which its replace may end. */
function endings({ left, price, next }: EndingOrder): Terms[][] {
  if (next === undefined) return [[{ left, price }]]
  const more = next.left - left
  const mixed =
    more > 0
      ? [
          [
            { left, price },
            { left: more, price: next.price },
          ],
        ]
      : []
  return [[{ left, price }], [{ ...next }], ...mixed]
}

/** The most that the orders of one side may cost behind `free` units, whichever way their replaces end. */
export function worstCost(
  orders: readonly EndingOrder[],
  side: Side,
  free: number,
  chosen: readonly Terms[] = [],
): number {
  const [first, ...rest] = orders
  if (first !== undefined) {
    return Math.max(...endings(first).map(terms => worstCost(rest, side, free, [...chosen, ...terms])))
  }
  let cost = 0
  for (const { left, price } of chosen.toSorted((a, b) =>
    side === Side.Ask ? a.price - b.price : b.price - a.price,
  )) {
    const covered = Math.min(free, left)
    free -= covered
    cost += (left - covered) * price
  }
  return cost
}

/** How much more than that may be held where a position covers some of the side and several orders may become dearer. */
export function slack(orders: readonly EndingOrder[]): number {
  const more = orders.map(({ left, price, next }) => {
    return next !== undefined && next.left < left ? Math.max(0, next.left * next.price - left * price) : 0
  })
  return more.filter(each => each > 0).length > 1 ? more.reduce((sum, each) => sum + each, 0) : 0
}
