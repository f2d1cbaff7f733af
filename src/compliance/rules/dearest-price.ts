// The highest price that an order may be counted at before it trades: what limits the size of orders must not be
// deceived by a limit far away from the market, nor by a market far away from the limit.

import type { Quote } from '../../checks/check.ts'
import type { Price } from '../../domain/money.ts'
import { OrderType } from '../../domain/order-type.ts'
import { Side } from '../../domain/side.ts'
import type { OrderUnderRule, RuleView } from '../rule.ts'

const quote: Quote = { bid: 0, ask: 0 }

/**
 * A bid with a limit costs its limit at most. Everything else is counted at the opposite side of the market (where that
 * is empty at the last print), or at its own price where that is higher. 0 where there is neither.
 */
export function dearestPrice({ type, side, price, tickerIndex }: OrderUnderRule, view: RuleView): Price {
  const isLimited = type === OrderType.Limit || (type === OrderType.Pegged && price > 0)
  if (isLimited && side === Side.Bid) return price
  return Math.max(price, opposingPrice(side, tickerIndex, view))
}

/** The best price of the opposite side, where that is empty the last print; 0 where there is neither. */
export function opposingPrice(side: Side, tickerIndex: number, view: RuleView): Price {
  if (view.quote(tickerIndex, quote)) {
    const opposing = side === Side.Ask ? quote.bid : quote.ask
    if (opposing !== 0) return opposing
  }
  return view.lastPrint(tickerIndex)
}
