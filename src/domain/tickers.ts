// A ticker is a symbol and the venue that lists it. Its text is `SYMBOL.VENUE`, the venue by its display name; the last
// dot separates the two, so that a symbol may have dots of its own.

import type { Definitions } from './definitions.ts'
import { Reason } from './reasons.ts'

export interface Ticker {
  /** Empty where a text has none. */
  readonly symbol: string
  /** MIC of the listing venue, empty where a text names none or an unknown one. */
  readonly venue: string
}

/** The longest symbol, in bytes of UTF-8. */
export const SYMBOL_BYTES_MAX = 16

const WHITE_SPACE_OR_CONTROL = /[\s\p{Cc}]/u

/**
 * The ticker of a text, whatever it is worth: `tickerFault` judges it. The venue is matched by display name, then by
 * MIC, case by case. A text without a known venue is a symbol without a venue, so that it is written as it came.
 */
export function readTicker(text: string, definitions: Definitions): Ticker {
  const dot = text.lastIndexOf('.')
  const venue = dot < 0 ? undefined : definitions.findVenue(text.slice(dot + 1))
  return venue === undefined ? { symbol: text, venue: '' } : { symbol: text.slice(0, dot), venue: venue.mic }
}

/**
 * Why a ticker cannot be traded: no venue, no symbol (or one of white space only), or a symbol with white space,
 * control characters or more than SYMBOL_BYTES_MAX bytes. `Reason.None` for a good one. Nobody knows whether a symbol
 * is listed until its venue is asked.
 */
export function tickerFault(ticker: Ticker): Reason {
  if (ticker.venue === '') return Reason.VenueMissing
  if (ticker.symbol.trim() === '') return Reason.SymbolMissing
  if (ticker.symbol.length > SYMBOL_BYTES_MAX) return Reason.UnknownTicker
  if (Buffer.byteLength(ticker.symbol) > SYMBOL_BYTES_MAX) return Reason.UnknownTicker
  if (WHITE_SPACE_OR_CONTROL.test(ticker.symbol)) return Reason.UnknownTicker
  return Reason.None
}

/** The ticker of a text, or undefined where the text is not that of a good ticker. */
export function parseTicker(text: string, definitions: Definitions): Ticker | undefined {
  const ticker = readTicker(text, definitions)
  return tickerFault(ticker) === Reason.None ? ticker : undefined
}

/** `SYMBOL.VENUE` with the display name of the venue (its MIC where it is not defined); without venue the bare symbol. */
export function formatTicker(ticker: Ticker, definitions: Definitions): string {
  if (ticker.venue === '') return ticker.symbol
  return `${ticker.symbol}.${definitions.venue(ticker.venue)?.displayName ?? ticker.venue}`
}

/** A text that is the same for equal tickers only, whatever the definitions say: `SYMBOL.MIC`. */
export function tickerKey(ticker: Ticker): string {
  return `${ticker.symbol}.${ticker.venue}`
}
