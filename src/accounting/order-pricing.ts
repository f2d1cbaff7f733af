// What an order is expected to cost before it trades, and the lots in which a venue trades at a price.

import { MICROS, type Price, type Quantity } from '../domain/money.ts'
import { OrderType } from '../domain/order-type.ts'
import { Side } from '../domain/side.ts'

/**
 * Price at which an order is expected to trade, given the best bid and ask (0 for a side that is empty): the opposite
 * side of the market, for a limit order its limit where that is the more expensive for the account to count with. Where
 * the opposite side is empty a limit order counts at its limit, and nothing can be said of any other: 0.
 */
export function expectedPrice(type: OrderType, side: Side, price: Price, bid: Price, ask: Price): Price {
  const opposite = side === Side.Ask ? bid : ask
  if (type !== OrderType.Limit) return opposite
  if (opposite === 0) return price
  return side === Side.Ask ? Math.max(opposite, price) : Math.min(opposite, price)
}

const LOT_BELOW_TEN_CENTS = 1000 * MICROS
const LOT_BELOW_ONE = 500 * MICROS
const LOT = 100 * MICROS
const TEN_CENTS = MICROS / 10
const ONE = MICROS

/** True where a venue, named by its MIC, trades in board lots: TSX, TSXV, NEOE and CSE do. */
export function hasBoardLots(venue: string): boolean {
  return venue === 'XTSE' || venue === 'XTSX' || venue === 'NEOE' || venue === 'XCNQ'
}

/** The quantity, in micros, of which orders have to be multiples while the ticker trades at `price`. */
export function boardLot(price: Price): Quantity {
  if (price < TEN_CENTS) return LOT_BELOW_TEN_CENTS
  return price < ONE ? LOT_BELOW_ONE : LOT
}
