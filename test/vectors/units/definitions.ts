// Unit `definitions`: tickers, scopes, venues, destinations and statuses, each step a question with a label.

import { type Definitions, definitionsData, definitionsFromData } from '../../../src/domain/definitions.ts'
import { isTerminal, OrderStatus, orderStatusNames } from '../../../src/domain/order-status.ts'
import { isWithin, parseScope, type Scope, unionOfScopes } from '../../../src/domain/scopes.ts'
import { formatTicker, parseTicker, type Ticker } from '../../../src/domain/tickers.ts'
import { differences } from '../compare.ts'
import type { VectorUnit } from '../unit.ts'

interface DefinitionsStep {
  do: string
  label: string
  source: string
  symbol: string
  venue: string
  inner: string[]
  outer: string[]
  status: string
}

const definitions = definitionsFromData(definitionsData)

const definitionsUnit: VectorUnit = {
  name: 'definitions',
  run(vector) {
    const answers: Record<string, unknown> = {}
    for (const step of vector.steps as unknown as DefinitionsStep[]) answers[step.label] = answer(step, definitions)
    return differences(vector.expect, answers)
  },
}

export const units: VectorUnit[] = [definitionsUnit]

function answer(step: DefinitionsStep, definitions: Definitions): unknown {
  switch (step.do) {
    case 'parse_ticker':
      return parseTicker(step.source, definitions) ?? null
    case 'format_ticker':
      return formatTicker({ symbol: step.symbol, venue: mic(step.venue) }, definitions)
    case 'parse_venue':
      return definitions.findVenue(step.source)?.mic ?? null
    case 'parse_country':
      return definitions.findCountry(step.source)?.twoLetterCode ?? null
    case 'venue_entry':
      return venueEntry(step.venue ?? step.source)
    case 'market_center':
      return definitions.venueByMarketCenter(step.source)?.mic ?? null
    case 'preferred_destination':
      return definitions.preferredDestination(mic(step.venue))
    case 'parse_scope': {
      const scope = parseScope(step.source, definitions)
      return scope === undefined ? null : kindAndValue(scope)
    }
    case 'contains':
      return isWithin(unionOfTexts(step.inner), unionOfTexts(step.outer), definitions)
    case 'is_terminal':
      return Object.values(OrderStatus)
        .filter(isTerminal)
        .map(status => orderStatusNames[status])
    case 'status_ordinal':
      return Object.values(OrderStatus).find(status => orderStatusNames[status] === step.status) ?? null
    default:
      throw new Error(`there is no step ${step.do}`)
  }
}

function mic(text: string): string {
  return definitions.findVenue(text)?.mic ?? text
}

function venueEntry(text: string): unknown {
  const venue = definitions.findVenue(text)
  if (venue === undefined) return null
  return {
    mic: venue.mic,
    country: venue.country,
    market_center: venue.marketCenter,
    time_zone: venue.timeZone,
    currency: definitions.currency(venue.currency)?.code,
    description: venue.description,
    display_name: venue.displayName,
  }
}

function kindAndValue(scope: Scope): unknown {
  if (scope.isGlobal) return { kind: 'global' }
  const [country] = scope.countries
  if (country !== undefined) return { kind: 'country', value: country }
  const [venue] = scope.venues
  if (venue !== undefined) return { kind: 'venue', value: venue }
  const [ticker] = scope.tickers.values() as Iterable<Ticker>
  return { kind: 'ticker', value: formatTicker(ticker!, definitions) }
}

function unionOfTexts(texts: readonly string[]): Scope {
  return unionOfScopes(
    texts.map(text => {
      const scope = parseScope(text, definitions)
      if (scope === undefined) throw new Error(`${text} is not a scope`)
      return scope
    }),
  )
}
