// The side of an order. The numbers are those of the stores and of the wire.

export const Side = { None: -1, Ask: 0, Bid: 1 } as const
export type Side = (typeof Side)[keyof typeof Side]

export const sideNames: Record<Side, string> = { [-1]: 'NONE', [Side.Ask]: 'ASK', [Side.Bid]: 'BID' }

/** +1 for a bid, −1 for an ask, 0 for none: the direction in which a fill moves the position. */
export function direction(side: Side): -1 | 0 | 1 {
  return side === Side.Bid ? 1 : side === Side.Ask ? -1 : 0
}

/** The other side; none stays none. */
export function opposite(side: Side): Side {
  return side === Side.Bid ? Side.Ask : side === Side.Ask ? Side.Bid : Side.None
}

/** Side of a position: long is a bid, short an ask, flat none. */
export function sideOfPosition(quantity: number): Side {
  return quantity > 0 ? Side.Bid : quantity < 0 ? Side.Ask : Side.None
}
