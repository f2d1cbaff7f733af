// Exchange rates into the shared table: every pair of currencies that can be converted, directly or over others, so
// that shards look up and never search.

import type { Definitions } from '../domain/definitions.ts'
import { ExchangeRateTable } from '../domain/exchange-rates.ts'
import type { RateTable } from '../shared-memory/rate-table.ts'

/** Room in the table for every pair of the currencies of the definitions. */
export function ratesMax(definitions: Definitions): number {
  return Math.max(1, definitions.currencies.length ** 2)
}

/** Writes all pairs; gives back those that are too exact to be written, which orders then cannot use. */
export function writeRates(definitions: Definitions, table: RateTable): string[] {
  const rates = new ExchangeRateTable(definitions.exchangeRates)
  const left: string[] = []
  for (const base of definitions.currencies) {
    for (const counter of definitions.currencies) {
      if (base.id === counter.id) continue
      const rate = rates.find(base.id, counter.id)
      if (rate === undefined) continue
      const numerator = Number(rate.numerator)
      const denominator = Number(rate.denominator)
      if (!Number.isSafeInteger(numerator) || !Number.isSafeInteger(denominator))
        left.push(`${base.code}/${counter.code}`)
      else table.write({ base: base.id, counter: counter.id, numerator, denominator })
    }
  }
  return left
}
