// The definitions: countries, currencies, venues, destinations and exchange rates, and the lookups that trading needs.
// They are built from plain data, the content of a definitions file, which is checked as a whole; every thread builds
// its own from the same data. The built-in data below serves where no file is given.

import { type Country, countriesData, readCountry } from './countries.ts'
import { CURRENCY_NONE, type Currency, currenciesData, readCurrency } from './currencies.ts'
import {
  type Destination,
  destinationsData,
  manualOrderEntryData,
  preferredDestinationsData,
  readDestination,
  readPreferredDestination,
} from './destinations.ts'
import { type ExchangeRate, exchangeRatesData, readExchangeRate } from './exchange-rates.ts'
import { InvalidData, indexBy, readList, readRecord } from './plain-data.ts'
import { readVenue, type Venue, venuesData } from './venues.ts'

/** The built-in definitions, as a file spells them. */
export const definitionsData = {
  countries: countriesData,
  currencies: currenciesData,
  venues: venuesData,
  destinations: destinationsData,
  preferred_destinations: preferredDestinationsData,
  manual_order_entry: manualOrderEntryData,
  exchange_rates: exchangeRatesData,
}

/**
 * The definitions of plain data: an object with the sections of `definitionsData`, each of which may be missing except
 * `manual_order_entry`. Text that refers to something (a venue's country, a destination's venues) has to be defined.
 * @throws InvalidData which names the path of the first fault, as in `definitions.venues[3].country: …`
 */
export function definitionsFromData(data: unknown, path = 'definitions'): Definitions {
  return new Definitions(data, path)
}

export class Definitions {
  readonly countries: readonly Country[]
  readonly currencies: readonly Currency[]
  /** In the order of their MICs. */
  readonly venues: readonly Venue[]
  /** Without manual order entry. */
  readonly destinations: readonly Destination[]
  /** The destination for trades booked by hand. */
  readonly manualOrderEntry: Destination
  readonly exchangeRates: readonly ExchangeRate[]

  readonly #countriesByText = new Map<string, Country>()
  readonly #currenciesById: ReadonlyMap<number, Currency>
  readonly #currenciesByCode: ReadonlyMap<string, Currency>
  readonly #venuesByMic: ReadonlyMap<string, Venue>
  readonly #venuesByText = new Map<string, Venue>()
  readonly #venuesByMarketCenter = new Map<string, Venue>()
  readonly #destinationsById: Map<string, Destination>
  readonly #preferredByMic = new Map<string, string>()
  /** `id MIC` of each destination and venue it serves. */
  readonly #served = new Set<string>()

  /** Use `definitionsFromData`. @throws InvalidData */
  constructor(data: unknown, path: string) {
    const record = readRecord(data, path, Object.keys(definitionsData))

    this.countries = readList(record, 'countries', readCountry)
    indexBy(this.countries, `${path}.countries`, country => country.code)
    for (const codeOf of [twoLetterCode, threeLetterCode, countryName]) {
      for (const [text, country] of indexBy(this.countries, `${path}.countries`, codeOf)) {
        if (!this.#countriesByText.has(text)) this.#countriesByText.set(text, country)
      }
    }

    this.currencies = readList(record, 'currencies', readCurrency)
    this.#currenciesById = indexBy(this.currencies, `${path}.currencies`, currency => currency.id)
    this.#currenciesByCode = indexBy(this.currencies, `${path}.currencies`, currency => currency.code)

    const venues = readList(record, 'venues', (entry, entryPath) =>
      readVenue(
        entry,
        entryPath,
        text => this.findCountry(text),
        code => this.currencyByCode(code),
      ),
    )
    this.#venuesByMic = indexBy(venues, `${path}.venues`, venue => venue.mic)
    const venuesByDisplayName = indexBy(venues, `${path}.venues`, venue => venue.displayName)
    for (const [text, venue] of [...venuesByDisplayName, ...this.#venuesByMic]) {
      if (!this.#venuesByText.has(text)) this.#venuesByText.set(text, venue)
    }
    this.venues = venues.toSorted((a, b) => (a.mic < b.mic ? -1 : 1))
    for (const venue of this.venues) {
      if (!this.#venuesByMarketCenter.has(venue.marketCenter)) this.#venuesByMarketCenter.set(venue.marketCenter, venue)
    }

    const findVenue = (text: string): Venue | undefined => this.findVenue(text)
    this.destinations = readList(record, 'destinations', (entry, entryPath) =>
      readDestination(entry, entryPath, findVenue),
    )
    this.#destinationsById = new Map(indexBy(this.destinations, `${path}.destinations`, destination => destination.id))
    const preferred = readList(record, 'preferred_destinations', (entry, entryPath) =>
      readPreferredDestination(entry, entryPath, findVenue, id => this.destination(id)),
    )
    for (const [mic, entry] of indexBy(preferred, `${path}.preferred_destinations`, entry => entry.mic)) {
      this.#preferredByMic.set(mic, entry.destination)
      this.#served.add(`${entry.destination} ${mic}`)
    }
    this.manualOrderEntry = readDestination(record.values.manual_order_entry, `${path}.manual_order_entry`, findVenue)
    const manualId = this.manualOrderEntry.id
    if (this.#destinationsById.has(manualId)) {
      throw new InvalidData(`${path}.manual_order_entry.id`, `${manualId} is there already`)
    }
    this.#destinationsById.set(manualId, this.manualOrderEntry)
    for (const { id, venues } of this.#destinationsById.values()) {
      for (const mic of venues) this.#served.add(`${id} ${mic}`)
    }

    this.exchangeRates = readList(record, 'exchange_rates', (entry, entryPath) =>
      readExchangeRate(entry, entryPath, code => this.currencyByCode(code)),
    )
  }

  /** Ids of all destinations, manual order entry last; their order numbers them. */
  get destinationIds(): readonly string[] {
    return [...this.#destinationsById.keys()]
  }

  /** The country with this two-letter code, three-letter code or name, tried in that order, case by case. */
  findCountry(text: string): Country | undefined {
    return this.#countriesByText.get(text)
  }

  currency(id: number): Currency | undefined {
    return this.#currenciesById.get(id)
  }

  currencyByCode(code: string): Currency | undefined {
    return this.#currenciesByCode.get(code)
  }

  venue(mic: string): Venue | undefined {
    return this.#venuesByMic.get(mic)
  }

  /** The venue with this display name or, where none has it, this MIC; case by case. */
  findVenue(text: string): Venue | undefined {
    return this.#venuesByText.get(text)
  }

  /** The first venue, in the order of their MICs, whose prints carry this market center. */
  venueByMarketCenter(marketCenter: string): Venue | undefined {
    return this.#venuesByMarketCenter.get(marketCenter)
  }

  /** The destination with this id, manual order entry included. */
  destination(id: string): Destination | undefined {
    return this.#destinationsById.get(id)
  }

  /** Id of the destination that orders for this venue go to unless they name another; empty where there is none. */
  preferredDestination(mic: string): string {
    return this.#preferredByMic.get(mic) ?? ''
  }

  /** Whether a destination takes orders for tickers listed at this venue: it says so, or the venue prefers it. */
  serves(destination: string, mic: string): boolean {
    return this.#served.has(`${destination} ${mic}`)
  }

  /** The currency that tickers of this venue trade in; CURRENCY_NONE where the venue is not defined. */
  currencyOfVenue(mic: string): number {
    return this.#venuesByMic.get(mic)?.currency ?? CURRENCY_NONE
  }
}

const twoLetterCode = (country: Country): string => country.twoLetterCode
const threeLetterCode = (country: Country): string => country.threeLetterCode
const countryName = (country: Country): string => country.name
