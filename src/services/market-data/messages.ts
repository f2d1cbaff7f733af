// Messages of the market data service, kinds 400 to 499.

import { unreachable } from '../../base/assert.ts'
import { numberOfMicros } from '../../domain/money.ts'
import { Reason } from '../../domain/reasons.ts'
import { Side } from '../../domain/side.ts'
import type { Value } from '../../protocol/msgpack.ts'
import { amountAt, type Elements, integerAt, memberAt, rowsAt, textAt } from '../wire/elements.ts'
import { ServiceError } from '../wire/service-error.ts'
import { type MarketEvent, MarketEventType } from './market-event.ts'

/** Name under which the service is registered. */
export const MARKET_DATA_SERVICE = 'market_data_service'

/** Elements after `[kind, requestId` of the request → after `[71, requestId` of the answer. Anyone may ask but for the last. */
export const MarketDataKind = {
  /** [ticker, …] → pushes of how things stand, then nothing, then pushes of what changes. */
  Subscribe: 400,
  /** [ticker, …] → nothing. Subscriptions to all tickers go on. */
  Unsubscribe: 401,
  /** As Subscribe, for every ticker there is and will be. */
  SubscribeAll: 402,
  /** → nothing. Subscriptions to single tickers go on. */
  UnsubscribeAll: 403,
  /** → [ticker, …] of which anything is known. */
  LoadTickers: 404,
  /** [event, …], each as its push: [kind, 0, …] → nothing, once all are published. Services. */
  Publish: 405,

  /** ticker, time, bid, ask, bid size, ask size. */
  Quote: 450,
  /** ticker, time, price, size, condition, market center. */
  Print: 451,
  /** ticker, time, mpid, venue, side, price, size. */
  BookLevel: 452,
  /** ticker, time, price. */
  PreviousClose: 453,
} as const

export function eventKind(event: MarketEvent): number {
  return MarketDataKind.Quote + event.type
}

export function eventToWire(event: MarketEvent): Value[] {
  const { ticker, timestamp } = event
  switch (event.type) {
    case MarketEventType.Quote:
      return [ticker, timestamp, ...[event.bid, event.ask, event.bidSize, event.askSize].map(numberOfMicros)]
    case MarketEventType.Print:
      return [
        ticker,
        timestamp,
        numberOfMicros(event.price),
        numberOfMicros(event.size),
        event.condition,
        event.marketCenter,
      ]
    case MarketEventType.BookLevel:
      return [
        ticker,
        timestamp,
        event.mpid,
        event.venue,
        event.side,
        numberOfMicros(event.price),
        numberOfMicros(event.size),
      ]
    case MarketEventType.PreviousClose:
      return [ticker, timestamp, numberOfMicros(event.price)]
    default:
      return unreachable(event)
  }
}

/** Events as a feed publishes them. */
export function eventsToWire(events: readonly MarketEvent[]): Value[] {
  return events.map(event => [eventKind(event), 0, ...eventToWire(event)])
}

/** @throws ServiceError MALFORMED_MESSAGE where one of them is no event. */
export function eventsFromWire(message: Elements, index: number): MarketEvent[] {
  return rowsAt(message, index).map(row => {
    const event = eventFromWire(integerAt(row, 0), row)
    if (event === undefined) throw new ServiceError(Reason.MalformedMessage, [index])
    return event
  })
}

/** The event that a push carries, or undefined where the push is of another kind. */
export function eventFromWire(kind: number, message: Elements): MarketEvent | undefined {
  const type = kind - MarketDataKind.Quote
  switch (type) {
    case MarketEventType.Quote:
      return {
        type,
        ticker: textAt(message, 2),
        timestamp: integerAt(message, 3),
        bid: amountAt(message, 4),
        ask: amountAt(message, 5),
        bidSize: amountAt(message, 6),
        askSize: amountAt(message, 7),
      }
    case MarketEventType.Print:
      return {
        type,
        ticker: textAt(message, 2),
        timestamp: integerAt(message, 3),
        price: amountAt(message, 4),
        size: amountAt(message, 5),
        condition: textAt(message, 6),
        marketCenter: textAt(message, 7),
      }
    case MarketEventType.BookLevel:
      return {
        type,
        ticker: textAt(message, 2),
        timestamp: integerAt(message, 3),
        mpid: textAt(message, 4),
        venue: textAt(message, 5),
        side: memberAt(message, 6, Side),
        price: amountAt(message, 7),
        size: amountAt(message, 8),
      }
    case MarketEventType.PreviousClose:
      return { type, ticker: textAt(message, 2), timestamp: integerAt(message, 3), price: amountAt(message, 4) }
    default:
      return undefined
  }
}
