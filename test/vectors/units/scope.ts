// Model `scope`: which tickers and scopes a scope contains.

import { definitionsData, definitionsFromData } from '../../../src/domain/definitions.ts'
import { GLOBAL_SCOPE, isWithin, type Scope, scopeHasTicker, scopeOf } from '../../../src/domain/scopes.ts'
import type { Ticker } from '../../../src/domain/tickers.ts'
import { stepDifferences } from '../compare.ts'
import type { VectorUnit } from '../unit.ts'

interface ScopeParts {
  global?: boolean
  countries?: string[]
  venues?: string[]
  tickers?: string[]
}

interface ScopeStep {
  op: string
  scope: ScopeParts
  ticker: string
  inner: ScopeParts
  outer: ScopeParts
}

const definitions = definitionsFromData(definitionsData)

const scopeUnit: VectorUnit = {
  name: 'scope',
  run(vector) {
    return stepDifferences(vector, (vector.steps as unknown as ScopeStep[]).map(result))
  },
}

export const units: VectorUnit[] = [scopeUnit]

function result(step: ScopeStep): unknown {
  switch (step.op) {
    case 'contains':
      return scopeHasTicker(scopeOfParts(step.scope), tickerOf(step.ticker), definitions)
    case 'within':
      return isWithin(scopeOfParts(step.inner), scopeOfParts(step.outer), definitions)
    default:
      throw new Error(`there is no step ${step.op}`)
  }
}

function scopeOfParts(parts: ScopeParts): Scope {
  if (parts.global === true) return GLOBAL_SCOPE
  return scopeOf({
    countries: (parts.countries ?? []).map(text => definitions.findCountry(text)?.twoLetterCode ?? text),
    venues: (parts.venues ?? []).map(micOf),
    tickers: (parts.tickers ?? []).map(tickerOf),
  })
}

/** The ticker of a text; unlike on the wire, a venue that nobody defined stays a venue, one without a country. */
function tickerOf(text: string): Ticker {
  const dot = text.lastIndexOf('.')
  return { symbol: text.slice(0, dot), venue: micOf(text.slice(dot + 1)) }
}

function micOf(text: string): string {
  return definitions.findVenue(text)?.mic ?? text
}
