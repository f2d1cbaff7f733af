// Venues: the markets where tickers are listed and traded. A venue is named by its MIC in memory and in the stores, by
// its display name towards people and on the wire.

import type { Country } from './countries.ts'
import type { Currency } from './currencies.ts'
import { InvalidData, readRecord, readText } from './plain-data.ts'
import { isTimeZone } from './venue-time.ts'

export interface Venue {
  /** ISO 10383 market identifier code, at most four characters. */
  readonly mic: string
  /** Two-letter code of its country. */
  readonly country: string
  /** The code that names this venue on trade prints. */
  readonly marketCenter: string
  /** IANA time zone. */
  readonly timeZone: string
  /** ISO 4217 number of the currency its tickers trade in. */
  readonly currency: number
  readonly description: string
  /** How people and ticker texts spell it; has no dot and no white space. */
  readonly displayName: string
}

const australian = { country: 'AU', time_zone: 'Australia/Sydney', currency: 'AUD' }
const canadian = { country: 'CA', time_zone: 'America/Toronto', currency: 'CAD' }

/** The built-in venues, as a definitions file spells them. */
export const venuesData = [
  { venue: 'XASX', display_name: 'ASX', market_center: 'ASX', ...australian, description: 'Australian Stock Market' },
  { venue: 'CHIA', display_name: 'CXA', market_center: 'CXA', ...australian, description: 'CHI-X Australia' },
  { venue: 'XATS', display_name: 'XATS', market_center: 'ALP', ...canadian, description: 'Alpha Exchange' },
  { venue: 'CHIC', display_name: 'CHIC', market_center: 'CHI', ...canadian, description: 'CHI-X Canada ATS' },
  {
    venue: 'XCNQ',
    display_name: 'CSE',
    market_center: 'CNQ',
    ...canadian,
    description: 'Canadian Securities Exchange',
  },
  {
    venue: 'CSE2',
    display_name: 'CSE2',
    market_center: 'CS2',
    ...canadian,
    description: 'Canadian Securities Exchange - CSE2',
  },
  { venue: 'XCXD', display_name: 'CXD', market_center: 'CHD', ...canadian, description: 'NASDAQ CXD' },
  { venue: 'XCX2', display_name: 'CX2', market_center: 'CHT', ...canadian, description: 'CX2' },
  { venue: 'LYNX', display_name: 'LYNX', market_center: 'LYX', ...canadian, description: 'Lynx ATS' },
  { venue: 'MATN', display_name: 'MATN', market_center: 'TCM', ...canadian, description: 'MATCH Now' },
  { venue: 'NEOE', display_name: 'NEOE', market_center: 'AQL', ...canadian, description: 'Aequitas NEO Exchange' },
  { venue: 'OMGA', display_name: 'OMGA', market_center: 'OMG', ...canadian, description: 'Omega ATS' },
  { venue: 'PURE', display_name: 'PURE', market_center: 'PUR', ...canadian, description: 'Pure Trading' },
  { venue: 'XTSE', display_name: 'TSX', market_center: 'TSE', ...canadian, description: 'Toronto Stock Exchange' },
  { venue: 'XTSX', display_name: 'TSXV', market_center: 'CDX', ...canadian, description: 'TSX Venture Exchange' },
]

const MIC = /^[A-Z0-9]{1,4}$/
const DISPLAY_NAME = /^[^.\s]+$/

/** One entry of the venues section; its country and currency have to be defined. @throws InvalidData */
export function readVenue(
  data: unknown,
  path: string,
  findCountry: (text: string) => Country | undefined,
  findCurrency: (code: string) => Currency | undefined,
): Venue {
  const record = readRecord(data, path, [
    'venue',
    'display_name',
    'market_center',
    'country',
    'time_zone',
    'currency',
    'description',
  ])
  const mic = readText(record, 'venue')
  if (!MIC.test(mic)) throw new InvalidData(`${path}.venue`, 'has to be one to four capital letters or digits')
  const displayName = readText(record, 'display_name', mic)
  if (!DISPLAY_NAME.test(displayName))
    throw new InvalidData(`${path}.display_name`, 'must not have dots or white space')
  const country = findCountry(readText(record, 'country'))
  if (country === undefined) throw new InvalidData(`${path}.country`, 'is not a defined country')
  const currency = findCurrency(readText(record, 'currency'))
  if (currency === undefined) throw new InvalidData(`${path}.currency`, 'is not a defined currency')
  const timeZone = readText(record, 'time_zone')
  if (!isTimeZone(timeZone)) throw new InvalidData(`${path}.time_zone`, 'is not a known time zone')
  return {
    mic,
    country: country.twoLetterCode,
    marketCenter: readText(record, 'market_center', displayName),
    timeZone,
    currency: currency.id,
    description: readText(record, 'description', ''),
    displayName,
  }
}
