import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import {
  areEqualScopes,
  GLOBAL_SCOPE,
  isStrictlyWithin,
  isWithin,
  parseScope,
  type Scope,
  scopeHasTicker,
  scopeOf,
  unionOfScopes,
} from '../../src/domain/scopes.ts'
import type { Ticker } from '../../src/domain/tickers.ts'

const definitions = definitionsFromData(definitionsData)

const countries = ['AU', 'CA', 'US']
const venues = ['XASX', 'CHIA', 'XTSE', 'XTSX', 'XNYS']
const tickers: Ticker[] = venues.flatMap(venue => ['ABX', 'S32'].map(symbol => ({ symbol, venue })))
const countryOf: Record<string, string | undefined> = { XASX: 'AU', CHIA: 'AU', XTSE: 'CA', XTSX: 'CA' }

interface Parts {
  countries: string[]
  venues: string[]
  tickers: Ticker[]
}

const parts: fc.Arbitrary<Parts> = fc.record({
  countries: fc.subarray(countries),
  venues: fc.subarray(venues),
  tickers: fc.subarray(tickers),
})

/** Containment as the sentence has it, over lists. */
function isWithinSlow(inner: Parts, outer: Parts): boolean {
  const hasVenue = (venue: string): boolean =>
    outer.venues.includes(venue) || outer.countries.some(country => country === countryOf[venue])
  return (
    inner.countries.every(country => outer.countries.includes(country)) &&
    inner.venues.every(hasVenue) &&
    inner.tickers.every(ticker => outer.tickers.includes(ticker) || hasVenue(ticker.venue))
  )
}

test('containment agrees with its definition over lists', () => {
  fc.assert(
    fc.property(parts, parts, (inner, outer) => {
      equal(isWithin(scopeOf(inner), scopeOf(outer), definitions), isWithinSlow(inner, outer))
      for (const ticker of tickers) {
        const single = { countries: [], venues: [], tickers: [ticker] }
        equal(scopeHasTicker(scopeOf(outer), ticker, definitions), isWithinSlow(single, outer))
      }
    }),
  )
})

test('containment is reflexive and transitive, and a union contains exactly what its parts do', () => {
  fc.assert(
    fc.property(parts, parts, parts, (first, second, third) => {
      const [a, b, c] = [scopeOf(first), scopeOf(second), scopeOf(third)]
      const within = (inner: Scope, outer: Scope): boolean => isWithin(inner, outer, definitions)
      equal(within(a, a), true)
      if (within(a, b) && within(b, c)) equal(within(a, c), true)
      const union = unionOfScopes([a, b])
      equal(within(a, union) && within(b, union), true)
      equal(within(union, c), within(a, c) && within(b, c))
    }),
  )
})

test('everything contains all and lies in nothing but itself', () => {
  const canada = scopeOf({ countries: ['CA'] })
  deepEqual(
    [
      isWithin(canada, GLOBAL_SCOPE, definitions),
      isWithin(GLOBAL_SCOPE, canada, definitions),
      isWithin(GLOBAL_SCOPE, GLOBAL_SCOPE, definitions),
      isStrictlyWithin(GLOBAL_SCOPE, GLOBAL_SCOPE, definitions),
      isStrictlyWithin(canada, GLOBAL_SCOPE, definitions),
    ],
    [true, false, true, false, true],
  )
  equal(unionOfScopes([canada, GLOBAL_SCOPE]), GLOBAL_SCOPE)
})

test('the empty scope lies in every scope and contains no ticker', () => {
  const nothing = unionOfScopes([])
  equal(isWithin(nothing, nothing, definitions), true)
  equal(isWithin(nothing, scopeOf({ venues: ['XTSE'] }), definitions), true)
  equal(scopeHasTicker(nothing, { symbol: 'ABX', venue: 'XTSE' }, definitions), false)
})

test('strict containment excludes equality, not what equality cannot see', () => {
  const canada = scopeOf({ countries: ['CA'] })
  const canadaAndToronto = scopeOf({ countries: ['CA'], venues: ['XTSE'] })
  equal(isStrictlyWithin(canada, scopeOf({ countries: ['CA'] }), definitions), false)
  equal(isStrictlyWithin(canada, canadaAndToronto, definitions), true)
  equal(isStrictlyWithin(canadaAndToronto, canada, definitions), true)
})

test('all venues of a country do not add up to it', () => {
  const mics = definitions.venues.filter(venue => venue.country === 'AU').map(venue => venue.mic)
  equal(isWithin(scopeOf({ countries: ['AU'] }), scopeOf({ venues: mics }), definitions), false)
})

test('equality looks at the parts in whatever order', () => {
  fc.assert(
    fc.property(parts, parts, (first, second) => {
      const reversed = {
        countries: first.countries.toReversed(),
        venues: first.venues.toReversed(),
        tickers: first.tickers.toReversed(),
      }
      equal(areEqualScopes(scopeOf(first), scopeOf(reversed)), true)
      const spell = (of: Parts): string => JSON.stringify([of.countries, of.venues, of.tickers])
      equal(areEqualScopes(scopeOf(first), scopeOf(second)), spell(first) === spell(second))
    }),
  )
  equal(areEqualScopes(GLOBAL_SCOPE, unionOfScopes([])), false)
})

test('a text is everything, a country, a venue or a ticker, tried in that order', () => {
  deepEqual(
    ['*', 'CA', 'CAN', 'Canada', 'TSX', 'XTSE', 'ABX.TSX'].map(text => parseScope(text, definitions)),
    [
      GLOBAL_SCOPE,
      scopeOf({ countries: ['CA'] }),
      scopeOf({ countries: ['CA'] }),
      scopeOf({ countries: ['CA'] }),
      scopeOf({ venues: ['XTSE'] }),
      scopeOf({ venues: ['XTSE'] }),
      scopeOf({ tickers: [{ symbol: 'ABX', venue: 'XTSE' }] }),
    ],
  )
  for (const text of ['FOO', 'ca', 'tsx', '', 'ABX.NYSE', '**', '.TSX']) equal(parseScope(text, definitions), undefined)
})
