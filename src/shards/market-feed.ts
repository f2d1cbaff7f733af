// Market data on its way from the command ring into the shard's simulated venue.

import type { SimulatedVenue } from '../destinations/simulated-venue.ts'
import type { Side } from '../domain/side.ts'
import type { ShardState } from './shard-state.ts'

export class MarketFeed {
  readonly #state: ShardState
  readonly #venue: SimulatedVenue
  readonly #decoder = new TextDecoder()

  constructor(state: ShardState, venue: SimulatedVenue) {
    this.#state = state
    this.#venue = venue
  }

  /** Main quotes a ticker in `row` of the quote table from now on. */
  ticker(row: number, bytes: Uint8Array, start: number, end: number): void {
    this.#state.listings.quoted(this.#text(bytes, start, end), row)
  }

  quote(row: number, view: DataView, at: number, timeUs: number): void {
    const listing = this.#state.listings.byQuoteRow[row]
    if (listing === undefined) return
    this.#venue.onQuote(
      listing.index,
      view.getFloat64(at, true),
      view.getFloat64(at + 8, true),
      view.getFloat64(at + 16, true),
      timeUs,
    )
  }

  print(row: number, bytes: Uint8Array, view: DataView, at: number, end: number, timeUs: number): void {
    const listing = this.#state.listings.byQuoteRow[row]
    if (listing === undefined) return
    const price = view.getFloat64(at, true)
    this.#state.lastPrints[listing.index] = price
    const size = view.getFloat64(at + 8, true)
    const marketUs = view.getFloat64(at + 16, true)
    const condition = String.fromCharCode(bytes[at + 24])
    const marketCenter = this.#text(bytes, at + 25, end)
    this.#venue.onPrint(listing.index, price, size, condition, marketCenter, marketUs, timeUs)
  }

  book(row: number, bytes: Uint8Array, view: DataView, at: number, end: number, timeUs: number): void {
    const listing = this.#state.listings.byQuoteRow[row]
    if (listing === undefined) return
    const side = bytes[at + 16] as Side
    const mpidEnd = at + 18 + bytes[at + 17]
    this.#venue.onBook(
      listing.index,
      this.#text(bytes, at + 18, mpidEnd),
      this.#text(bytes, mpidEnd, end),
      side,
      view.getFloat64(at, true),
      view.getFloat64(at + 8, true),
      timeUs,
    )
  }

  #text(bytes: Uint8Array, start: number, end: number): string {
    return this.#decoder.decode(bytes.slice(start, end))
  }
}
