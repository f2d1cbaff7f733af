import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { CURRENCY_NONE } from '../../src/domain/currencies.ts'
import { type Definitions, definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { formatFraction } from '../../src/domain/exchange-rates.ts'
import { InvalidData } from '../../src/domain/plain-data.ts'

const definitions = definitionsFromData(definitionsData)

/** The built-in data with some sections replaced; copied, as a parser would give it. */
function data(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return structuredClone({ ...definitionsData, ...changes })
}

/** What the loader says about data with these sections replaced. */
function fault(changes: Record<string, unknown>): string {
  try {
    definitionsFromData(data(changes))
  } catch (error) {
    if (error instanceof InvalidData) return error.message
    throw error
  }
  return 'accepted'
}

test('a venue is found by MIC, by display name before MIC, and by market center', () => {
  deepEqual(definitions.venue('XTSE'), {
    mic: 'XTSE',
    country: 'CA',
    marketCenter: 'TSE',
    timeZone: 'America/Toronto',
    currency: 124,
    description: 'Toronto Stock Exchange',
    displayName: 'TSX',
  })
  equal(definitions.findVenue('TSX'), definitions.venue('XTSE'))
  equal(definitions.findVenue('XTSE'), definitions.venue('XTSE'))
  equal(definitions.venueByMarketCenter('CDX'), definitions.venue('XTSX'))
  for (const text of ['tsx', 'XTSEFOO', 'NYSE', '']) equal(definitions.findVenue(text), undefined)
  equal(definitions.venue('TSX'), undefined)
  equal(definitions.venueByMarketCenter('ZZZ'), undefined)
})

test('a display name wins over the same text as a MIC', () => {
  const venue = { country: 'CA', time_zone: 'America/Toronto', currency: 'CAD' }
  const odd = definitionsFromData(
    data({
      venues: [
        { ...venue, venue: 'AAAA', display_name: 'BBBB' },
        { ...venue, venue: 'BBBB', display_name: 'CCCC' },
      ],
      destinations: [],
      preferred_destinations: [],
      manual_order_entry: { id: 'MOE' },
    }),
  )
  deepEqual(
    ['AAAA', 'BBBB', 'CCCC'].map(text => odd.findVenue(text)?.mic),
    ['AAAA', 'AAAA', 'BBBB'],
  )
})

test('venues are listed in the order of their MICs, and the first of a shared market center is its venue', () => {
  const mics = definitions.venues.map(venue => venue.mic)
  deepEqual(mics, mics.toSorted())
  const venue = { country: 'CA', time_zone: 'America/Toronto', currency: 'CAD', market_center: 'ONE' }
  const shared = definitionsFromData({
    countries: definitionsData.countries,
    currencies: definitionsData.currencies,
    venues: [
      { ...venue, venue: 'BBBB' },
      { ...venue, venue: 'AAAA' },
    ],
    manual_order_entry: { id: 'MOE' },
  })
  equal(shared.venueByMarketCenter('ONE')?.mic, 'AAAA')
})

test('the market center of a venue is its display name, and that its MIC, unless the file says otherwise', () => {
  const plain = definitionsFromData({
    countries: definitionsData.countries,
    currencies: definitionsData.currencies,
    venues: [{ venue: 'XLON', country: 'GBR', time_zone: 'Europe/London', currency: 'GBP' }],
    manual_order_entry: { id: 'MOE' },
  })
  deepEqual(plain.venues, [
    {
      mic: 'XLON',
      country: 'GB',
      marketCenter: 'XLON',
      timeZone: 'Europe/London',
      currency: 826,
      description: '',
      displayName: 'XLON',
    },
  ])
})

test('a country is found by two letters, three letters and name', () => {
  deepEqual(
    ['CA', 'CAN', 'Canada', 'ca', 'canada', '124', ''].map(text => definitions.findCountry(text)?.code),
    [124, 124, 124, undefined, undefined, undefined, undefined],
  )
})

test('a currency is found by number and by code', () => {
  equal(definitions.currency(840)?.code, 'USD')
  equal(definitions.currencyByCode('JPY')?.id, 392)
  equal(definitions.currency(CURRENCY_NONE), undefined)
  deepEqual([definitions.currencyOfVenue('XASX'), definitions.currencyOfVenue('NYSE')], [36, CURRENCY_NONE])
})

test('a venue prefers one destination or none', () => {
  const preferred = ['XTSE', 'XTSX', 'NEOE', 'XCNQ', 'CSE2', 'XASX', 'XATS', 'NYSE']
  deepEqual(
    preferred.map(mic => definitions.preferredDestination(mic)),
    ['TSX', 'TSX', 'NEOE', 'CSE', 'CSE', 'ASXT', '', ''],
  )
})

test('a destination serves the venues it lists and those that prefer it', () => {
  const served: [string, string, boolean][] = [
    ['TSX', 'XTSE', true],
    ['TSX', 'XASX', false],
    ['CSE', 'XCNQ', true],
    ['CSE', 'CSE2', true],
    ['CSE', 'XTSE', false],
    ['MOE', 'XASX', true],
    ['MOE', 'CHIA', false],
    ['NOWHERE', 'XTSE', false],
  ]
  deepEqual(
    served.map(([id, mic]) => definitions.serves(id, mic)),
    served.map(([, , serves]) => serves),
  )
})

test('manual order entry is a destination of its own', () => {
  equal(definitions.destination('MOE'), definitions.manualOrderEntry)
  equal(definitions.destinations.includes(definitions.manualOrderEntry), false)
  deepEqual(definitions.manualOrderEntry.venues, ['NEOE', 'XASX', 'XCNQ', 'XTSE', 'XTSX'])
})

test('the built-in sections have the sizes and the rates they should have', () => {
  const sizes = (of: Definitions): number[] => [
    of.countries.length,
    of.currencies.length,
    of.venues.length,
    of.destinations.length,
    of.exchangeRates.length,
  ]
  deepEqual(sizes(definitions), [8, 7, 15, 14, 10])
  deepEqual(
    definitions.exchangeRates.slice(0, 2).map(({ base, counter, rate }) => [base, counter, formatFraction(rate)]),
    [
      [840, 124, '133/100'],
      [840, 36, '149/100'],
    ],
  )
})

test('data may be sent to another thread and builds the same definitions there', () => {
  const copy = definitionsFromData(JSON.parse(JSON.stringify(definitionsData)))
  deepEqual(
    [copy.venues, copy.destinations, copy.countries, copy.currencies, copy.exchangeRates],
    [
      definitions.venues,
      definitions.destinations,
      definitions.countries,
      definitions.currencies,
      definitions.exchangeRates,
    ],
  )
})

test('what is wrong with a file is told with its path', () => {
  const [venue] = definitionsData.venues
  const [country] = definitionsData.countries
  const [destination] = definitionsData.destinations
  const faults: [Record<string, unknown>, string][] = [
    [{ venue: [] }, 'definitions.venue: is not known; known are '],
    [{ venues: {} }, 'definitions.venues: has to be a list'],
    [{ venues: [null] }, 'definitions.venues[0]: has to be a record'],
    [{ venues: [{ ...venue, venue: 'TOOLONG' }] }, 'definitions.venues[0].venue: '],
    [{ venues: [{ ...venue, display_name: 'A.B' }] }, 'definitions.venues[0].display_name: '],
    [{ venues: [{ ...venue, country: 'XX' }] }, 'definitions.venues[0].country: is not a defined country'],
    [{ venues: [{ ...venue, currency: 'XXX' }] }, 'definitions.venues[0].currency: is not a defined currency'],
    [{ venues: [{ ...venue, time_zone: 'Mars/Olympus' }] }, 'definitions.venues[0].time_zone: '],
    [{ venues: [{ ...venue, mic: 'XASX' }] }, 'definitions.venues[0].mic: is not known; known are venue, '],
    [{ venues: [venue, venue] }, 'definitions.venues[1]: XASX is there already'],
    [{ countries: [country, { ...country, code: 1 }] }, 'definitions.countries[1]: AU is there already'],
    [{ countries: [{ ...country, code: 'x' }] }, 'definitions.countries[0].code: has to be a whole number from 0 '],
    [{ currencies: [{ id: 65_535, code: 'X' }] }, 'definitions.currencies[0].id: has to be a whole number from 1 '],
    [{ currencies: [{ id: 1, code: '' }] }, 'definitions.currencies[0].code: must not be empty'],
    [{ currencies: [{ id: 1 }] }, 'definitions.currencies[0].code: has to be a text'],
    [{ destinations: [{ ...destination, venues: ['NYSE'] }] }, 'definitions.destinations[0].venues[0]: is not a '],
    [{ destinations: [destination, destination] }, 'definitions.destinations[1]: ASXT is there already'],
    [
      { preferred_destinations: [{ venue: 'NYSE', destination: 'TSX' }] },
      'definitions.preferred_destinations[0].venue: is not a defined venue',
    ],
    [
      { preferred_destinations: [{ venue: 'TSX', destination: 'MOE' }] },
      'definitions.preferred_destinations[0].destination: is not a defined destination',
    ],
    [{ manual_order_entry: undefined }, 'definitions.manual_order_entry: has to be a record'],
    [{ manual_order_entry: { id: 'TSX' } }, 'definitions.manual_order_entry.id: TSX is there already'],
    [{ exchange_rates: [{ pair: 'USD/XXX', rate: 1 }] }, 'definitions.exchange_rates[0].pair: has to be two '],
    [{ exchange_rates: [{ pair: 'USD/USD', rate: 1 }] }, 'definitions.exchange_rates[0].pair: has to be two '],
    [{ exchange_rates: [{ pair: 'USD/CAD/AUD', rate: 1 }] }, 'definitions.exchange_rates[0].pair: has to be two '],
    [{ exchange_rates: [{ pair: 'USD/CAD', rate: 0 }] }, 'definitions.exchange_rates[0].rate: has to be a positive '],
    [{ exchange_rates: [{ pair: 'USD/CAD' }] }, 'definitions.exchange_rates[0].rate: has to be a positive '],
  ]
  deepEqual(
    faults.map(([changes, start]) => fault(changes).slice(0, start.length)),
    faults.map(([, start]) => start),
  )
  throws(() => definitionsFromData(null, 'definitions.yml'), /^InvalidData: definitions.yml: has to be a record$/)
})

test('a rate may be a number, as a file reads an unquoted decimal', () => {
  const { exchangeRates } = definitionsFromData(data({ exchange_rates: [{ pair: 'USD/CAD', rate: 1.33 }] }))
  deepEqual(exchangeRates, [{ base: 840, counter: 124, rate: { numerator: 133n, denominator: 100n } }])
})
