// Countries, by which venues and scopes are grouped.

import { readInteger, readRecord, readText } from './plain-data.ts'

export interface Country {
  /** ISO 3166 numeric code. */
  readonly code: number
  readonly name: string
  /** ISO 3166 two-letter code: the key by which the rest of the server names a country. */
  readonly twoLetterCode: string
  readonly threeLetterCode: string
}

/** The built-in countries, as a definitions file spells them. */
export const countriesData = [
  { code: 36, name: 'Australia', two_letter_code: 'AU', three_letter_code: 'AUS' },
  { code: 76, name: 'Brazil', two_letter_code: 'BR', three_letter_code: 'BRA' },
  { code: 124, name: 'Canada', two_letter_code: 'CA', three_letter_code: 'CAN' },
  { code: 156, name: 'China', two_letter_code: 'CN', three_letter_code: 'CHN' },
  { code: 344, name: 'Hong Kong', two_letter_code: 'HK', three_letter_code: 'HKG' },
  { code: 392, name: 'Japan', two_letter_code: 'JP', three_letter_code: 'JPN' },
  { code: 826, name: 'United Kingdom', two_letter_code: 'GB', three_letter_code: 'GBR' },
  { code: 840, name: 'United States', two_letter_code: 'US', three_letter_code: 'USA' },
]

/** One entry of the countries section. @throws InvalidData */
export function readCountry(data: unknown, path: string): Country {
  const record = readRecord(data, path, ['code', 'name', 'two_letter_code', 'three_letter_code'])
  return {
    code: readInteger(record, 'code', 0, 65_534),
    name: readText(record, 'name'),
    twoLetterCode: readText(record, 'two_letter_code'),
    threeLetterCode: readText(record, 'three_letter_code'),
  }
}
