// A scope is everything, or a union of countries, venues and tickers. It says where a compliance rule applies, what a
// bulk cancel takes, what a reset of risk states touches.

import type { Definitions } from './definitions.ts'
import { parseTicker, type Ticker, tickerKey } from './tickers.ts'

export interface Scope {
  /** Everything; then the three lists are empty. */
  readonly isGlobal: boolean
  /** Two-letter codes. */
  readonly countries: ReadonlySet<string>
  /** MICs. */
  readonly venues: ReadonlySet<string>
  /** By their keys. */
  readonly tickers: ReadonlyMap<string, Ticker>
}

const NOTHING: Scope = { isGlobal: false, countries: new Set(), venues: new Set(), tickers: new Map() }

/** The scope that contains everything. */
export const GLOBAL_SCOPE: Scope = { ...NOTHING, isGlobal: true }

/** The union of `countries` (two-letter codes), `venues` (MICs) and `tickers`, each of which may be left out. */
export function scopeOf(parts: {
  readonly countries?: Iterable<string>
  readonly venues?: Iterable<string>
  readonly tickers?: Iterable<Ticker>
}): Scope {
  return {
    isGlobal: false,
    countries: new Set(parts.countries),
    venues: new Set(parts.venues),
    tickers: new Map([...(parts.tickers ?? [])].map(ticker => [tickerKey(ticker), ticker])),
  }
}

/**
 * The scope of a text: `*`, a country (two letters, three letters or name), a venue (display name or MIC) or a ticker,
 * tried in that order, case by case. Undefined for anything else.
 */
export function parseScope(text: string, definitions: Definitions): Scope | undefined {
  if (text === '*') return GLOBAL_SCOPE
  const country = definitions.findCountry(text)
  if (country !== undefined) return scopeOf({ countries: [country.twoLetterCode] })
  const venue = definitions.findVenue(text)
  if (venue !== undefined) return scopeOf({ venues: [venue.mic] })
  const ticker = parseTicker(text, definitions)
  return ticker === undefined ? undefined : scopeOf({ tickers: [ticker] })
}

/** What any of the scopes contains; everything as soon as one of them is global. */
export function unionOfScopes(scopes: readonly Scope[]): Scope {
  if (scopes.some(scope => scope.isGlobal)) return GLOBAL_SCOPE
  return scopeOf({
    countries: scopes.flatMap(scope => [...scope.countries]),
    venues: scopes.flatMap(scope => [...scope.venues]),
    tickers: scopes.flatMap(scope => [...scope.tickers.values()]),
  })
}

/** Whether a ticker lies in a scope: it is listed itself, or its venue is, or the country of its venue. */
export function scopeHasTicker(scope: Scope, ticker: Ticker, definitions: Definitions): boolean {
  if (scope.isGlobal) return true
  if (scopeHasVenue(scope, ticker.venue, definitions)) return true
  return scope.tickers.size > 0 && scope.tickers.has(tickerKey(ticker))
}

/**
 * Whether all of `inner` lies in `outer`, part by part: the venues of a country do not add up to it. The empty scope
 * lies in every scope; a venue that is not defined lies in no country.
 */
export function isWithin(inner: Scope, outer: Scope, definitions: Definitions): boolean {
  if (outer.isGlobal) return true
  if (inner.isGlobal) return false
  for (const country of inner.countries) if (!outer.countries.has(country)) return false
  for (const venue of inner.venues) if (!scopeHasVenue(outer, venue, definitions)) return false
  for (const ticker of inner.tickers.values()) if (!scopeHasTicker(outer, ticker, definitions)) return false
  return true
}

/** Whether `inner` lies in `outer` and is not equal to it. */
export function isStrictlyWithin(inner: Scope, outer: Scope, definitions: Definitions): boolean {
  return isWithin(inner, outer, definitions) && !areEqualScopes(inner, outer)
}

/** Whether two scopes name the same parts, in whatever order. */
export function areEqualScopes(a: Scope, b: Scope): boolean {
  return (
    a.isGlobal === b.isGlobal &&
    a.countries.symmetricDifference(b.countries).size === 0 &&
    a.venues.symmetricDifference(b.venues).size === 0 &&
    a.tickers.size === b.tickers.size &&
    [...a.tickers.keys()].every(key => b.tickers.has(key))
  )
}

function scopeHasVenue(scope: Scope, mic: string, definitions: Definitions): boolean {
  if (scope.venues.has(mic)) return true
  const country = definitions.venue(mic)?.country
  return country !== undefined && scope.countries.has(country)
}
