// What happens on the market, one event at a time: quotes, prints, levels of the order book, previous closes. Tickers
// are texts (`ABX.TSX`), venues MICs, times µs since the epoch.

import type { Price, Quantity } from '../../domain/money.ts'
import type { Side } from '../../domain/side.ts'

/** The numbers are the last digits of the kinds that carry the events. */
export const MarketEventType = { Quote: 0, Print: 1, BookLevel: 2, PreviousClose: 3 } as const
export type MarketEventType = (typeof MarketEventType)[keyof typeof MarketEventType]

/** Best bid and offer of a ticker; a price of 0 means that the side is empty. */
export interface Quote {
  readonly type: typeof MarketEventType.Quote
  readonly ticker: string
  readonly bid: Price
  readonly ask: Price
  readonly bidSize: Quantity
  readonly askSize: Quantity
  readonly timestamp: number
}

/** A trade somewhere on the market. */
export interface Print {
  readonly type: typeof MarketEventType.Print
  readonly ticker: string
  readonly price: Price
  readonly size: Quantity
  /** `@` is a regular trade. */
  readonly condition: string
  /** Code of the market center that reported it, as `TSE`. */
  readonly marketCenter: string
  readonly timestamp: number
}

/** What one participant shows at one price; a size of 0 takes it out of the book. */
export interface BookLevel {
  readonly type: typeof MarketEventType.BookLevel
  readonly ticker: string
  /** Market participant. */
  readonly mpid: string
  /** MIC of the venue where it is posted. */
  readonly venue: string
  readonly side: Side
  readonly price: Price
  readonly size: Quantity
  readonly timestamp: number
}

/** The price at which the ticker closed the day before. */
export interface PreviousClose {
  readonly type: typeof MarketEventType.PreviousClose
  readonly ticker: string
  readonly price: Price
  readonly timestamp: number
}

export type MarketEvent = Quote | Print | BookLevel | PreviousClose
