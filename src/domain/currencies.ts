// Currencies, named by their ISO 4217 numbers wherever the server computes.

import { readInteger, readRecord, readText } from './plain-data.ts'

/** ISO 4217 number of a currency, 1 … 65534, or CURRENCY_NONE. */
export type CurrencyId = number

/** No currency, in memory and on the wire, where it asks for the currency of the ticker's venue. */
export const CURRENCY_NONE = 0

/** No currency, as the stores have always written it. */
export const CURRENCY_NONE_STORED = 65_535

export interface Currency {
  readonly id: CurrencyId
  /** ISO 4217 three-letter code. */
  readonly code: string
  readonly name: string
  readonly sign: string
}

/** The built-in currencies, as a definitions file spells them. */
export const currenciesData = [
  { id: 36, code: 'AUD', name: 'Australian Dollar', sign: '$' },
  { id: 124, code: 'CAD', name: 'Canadian Dollar', sign: '$' },
  { id: 344, code: 'HKD', name: 'Hong Kong Dollar', sign: '$' },
  { id: 392, code: 'JPY', name: 'Japanese Yen', sign: '¥' },
  { id: 826, code: 'GBP', name: 'Pound Sterling', sign: '£' },
  { id: 840, code: 'USD', name: 'United States Dollar', sign: '$' },
  { id: 978, code: 'EUR', name: 'Euro', sign: '€' },
]

/** One entry of the currencies section. @throws InvalidData */
export function readCurrency(data: unknown, path: string): Currency {
  const record = readRecord(data, path, ['id', 'code', 'name', 'sign'])
  return {
    id: readInteger(record, 'id', 1, CURRENCY_NONE_STORED - 1),
    code: readText(record, 'code'),
    name: readText(record, 'name'),
    sign: readText(record, 'sign', ''),
  }
}
