// Positions and buying power of an account, as of one report sequence.

import { Elements } from './elements.ts'

export interface Position {
  ticker: string
  /** ISO 4217 number. */
  currency: number
  /** Negative for a short position. */
  quantity: number
  costBasis: number
  /** Quantities still open in live orders. */
  pendingBuy: number
  pendingSell: number
  /** Realised result before fees. */
  gross: number
  fees: number
}

export interface AccountPositions {
  account: number
  /** Currency of the buying power, ISO 4217 number. */
  currency: number
  buyingPower: number
  usedBuyingPower: number
  /** Ordinal of the account's risk state. */
  riskState: number
  openOrders: number
  /** Everything up to this report of the account is counted. */
  reportSequence: number
  positions: Position[]
}

/** Reads the answer to a positions request. @throws OesError MALFORMED_ANSWER */
export function readPositions(message: Elements): AccountPositions {
  return {
    account: message.integer(2),
    currency: message.integer(3),
    buyingPower: message.number(4),
    usedBuyingPower: message.number(5),
    riskState: message.integer(6),
    openOrders: message.integer(7),
    reportSequence: message.integer(8),
    positions: message.list(9).map(value => {
      const position = Elements.of(value)
      return {
        ticker: position.text(0),
        currency: position.integer(1),
        quantity: position.number(2),
        costBasis: position.number(3),
        pendingBuy: position.number(4),
        pendingSell: position.number(5),
        gross: position.number(6),
        fees: position.number(7),
      }
    }),
  }
}
