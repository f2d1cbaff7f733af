// Destinations: where an order may be sent. A destination names the listing venues it serves; a venue names the
// destination its orders prefer; one destination is manual order entry.

import { InvalidData, readList, readRecord, readText } from './plain-data.ts'
import type { Venue } from './venues.ts'

export interface Destination {
  readonly id: string
  /** MICs of the listing venues whose tickers it serves. */
  readonly venues: readonly string[]
  readonly description: string
}

const canadianListings = ['NEOE', 'CSE', 'TSX', 'TSXV']

/** The built-in destinations, as a definitions file spells them. */
export const destinationsData = [
  { id: 'ASXT', description: 'ASX TradeMatch', venues: ['ASX'] },
  { id: 'CXA', description: 'CHI-X Australia', venues: ['ASX'] },
  { id: 'ALPHA', description: 'Alpha ATS', venues: ['TSX', 'TSXV'] },
  { id: 'CHIX', description: 'Chi-X', venues: canadianListings },
  { id: 'CSE', description: 'Canadian Securities Exchange', venues: ['CSE'] },
  { id: 'CSE2', description: 'Canadian Securities Exchange - CSE2', venues: ['CSE', 'TSX', 'TSXV'] },
  { id: 'CX2', description: 'Chi-X 2', venues: canadianListings },
  { id: 'LYNX', description: 'LYNX ATS', venues: canadianListings },
  { id: 'MATNLP', description: 'MATCH Now Liquidity Provider', venues: canadianListings },
  { id: 'MATNMF', description: 'MATCH Now Market Flow', venues: canadianListings },
  { id: 'NEOE', description: 'Aequitas NEO Exchange', venues: canadianListings },
  { id: 'OMEGA', description: 'Omega ATS', venues: canadianListings },
  { id: 'PURE', description: 'Pure ATS', venues: ['TSX', 'TSXV'] },
  { id: 'TSX', description: 'Toronto Stock Exchange', venues: ['TSX', 'TSXV'] },
]

/** The built-in preferred destination of each venue that has one. */
export const preferredDestinationsData = [
  { venue: 'TSX', destination: 'TSX' },
  { venue: 'TSXV', destination: 'TSX' },
  { venue: 'NEOE', destination: 'NEOE' },
  { venue: 'CSE', destination: 'CSE' },
  { venue: 'CSE2', destination: 'CSE' },
  { venue: 'ASX', destination: 'ASXT' },
]

/** The built-in destination for trades booked by hand. */
export const manualOrderEntryData = {
  id: 'MOE',
  description: 'Manual Order Entry',
  venues: ['NEOE', 'ASX', 'CSE', 'TSX', 'TSXV'],
}

/** One destination; its venues have to be defined. @throws InvalidData */
export function readDestination(
  data: unknown,
  path: string,
  findVenue: (text: string) => Venue | undefined,
): Destination {
  const record = readRecord(data, path, ['id', 'description', 'venues'])
  return {
    id: readText(record, 'id'),
    venues: readList(record, 'venues', (text, venuePath) => definedVenue(text, venuePath, findVenue).mic),
    description: readText(record, 'description', ''),
  }
}

/** One preferred destination: MIC of the venue and id of a defined destination. @throws InvalidData */
export function readPreferredDestination(
  data: unknown,
  path: string,
  findVenue: (text: string) => Venue | undefined,
  findDestination: (id: string) => Destination | undefined,
): { mic: string; destination: string } {
  const record = readRecord(data, path, ['venue', 'destination'])
  const { mic } = definedVenue(record.values.venue, `${path}.venue`, findVenue)
  const destination = readText(record, 'destination')
  if (findDestination(destination) === undefined) {
    throw new InvalidData(`${path}.destination`, 'is not a defined destination')
  }
  return { mic, destination }
}

function definedVenue(text: unknown, path: string, findVenue: (text: string) => Venue | undefined): Venue {
  const venue = typeof text === 'string' ? findVenue(text) : undefined
  if (venue === undefined) throw new InvalidData(path, 'is not a defined venue')
  return venue
}
