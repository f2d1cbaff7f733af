// The tickers a shard knows, each with a number of the shard's own, and how a ticker's text becomes one. Quoted tickers
// are announced by main with their row in the quote table; a ticker that nobody quotes gets a number only once an order
// for it passed every check, so that invented tickers cost nothing.

import type { Definitions } from '../domain/definitions.ts'
import { Reason } from '../domain/reasons.ts'
import { formatTicker, readTicker, tickerFault } from '../domain/tickers.ts'
import type { Venue } from '../domain/venues.ts'
import type { BytesRange } from '../protocol/order-events.ts'

/** No row in the quote table. */
export const NOT_QUOTED = -1
/** A listing that has no number. */
export const NOT_LISTED = -1

/** One ticker. */
export interface Listing {
  /** Number within the shard, or NOT_LISTED. */
  index: number
  /** Row in the quote table, or NOT_QUOTED. */
  quoteRow: number
  /** Canonical text, or what the client wrote where it names no ticker. */
  text: string
  /** Why the text names no ticker; Reason.None where it does. */
  fault: Reason
  /** Undefined where the text names no known venue. */
  venue: Venue | undefined
  /** Destination of orders that name none; empty where the venue prefers none. */
  preferredDestination: string
  /** The destination asked about last, and whether it serves the venue: orders of a ticker mostly go to one. */
  askedDestination: string
  isServed: boolean
  /** Main follows its market, or everything, so nobody has to wait for it. */
  isWatched: boolean
}

const CACHE_SLOTS = 4096
const decoder = new TextDecoder()

export class Listings {
  /** By number. */
  readonly all: Listing[] = []
  readonly byQuoteRow: (Listing | undefined)[] = []
  readonly #byText = new Map<string, Listing>()
  readonly #definitions: Definitions
  readonly #max: number
  readonly #onNumbered: (listing: Listing) => void
  readonly #watchesAll: boolean
  // Texts seen lately, by a hash of their bytes: spares the string of every order.
  readonly #cache: (CachedText | undefined)[] = new Array(CACHE_SLOTS).fill(undefined)

  /**
   * @param max tickers that may get a number.
   * @param onNumbered called once for each ticker that gets a number.
   * @param watchesAll whether main follows the market of every ticker.
   */
  constructor(definitions: Definitions, max: number, onNumbered: (listing: Listing) => void, watchesAll = true) {
    this.#definitions = definitions
    this.#max = max
    this.#onNumbered = onNumbered
    this.#watchesAll = watchesAll
  }

  /** The listing that a client's text names; one without a number where the ticker is not known or not valid. */
  resolve(text: BytesRange): Listing {
    const { bytes, start, end } = text
    let hash = 0x811c9dc5
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193)
    const slot = (hash ^ (hash >>> 12)) & (CACHE_SLOTS - 1)
    const cached = this.#cache[slot]
    if (cached !== undefined && sameBytes(cached.bytes, bytes, start, end)) return cached.listing
    const copy = bytes.slice(start, end)
    const listing = this.ofText(decoder.decode(copy))
    if (listing.index !== NOT_LISTED) this.#cache[slot] = { bytes: copy, listing }
    return listing
  }

  /** The same for a text that is a string already. */
  ofText(text: string): Listing {
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const ticker = readTicker(text, this.#definitions)
    const canonical = formatTicker(ticker, this.#definitions)
    const listing = this.#byText.get(canonical)
    if (listing !== undefined) return listing
    const { venue } = ticker
    return {
      index: NOT_LISTED,
      quoteRow: NOT_QUOTED,
      text: canonical,
      fault: tickerFault(ticker),
      venue: this.#definitions.venue(venue),
      preferredDestination: this.#definitions.preferredDestination(venue),
      askedDestination: '',
      isServed: false,
      isWatched: this.#watchesAll,
    }
  }

  /** Whether the destination is defined and serves the listing's venue. */
  isServedBy(listing: Listing, destination: string): boolean {
    if (listing.askedDestination !== destination) {
      listing.askedDestination = destination
      listing.isServed = listing.venue !== undefined && this.#definitions.serves(destination, listing.venue.mic)
    }
    return listing.isServed
  }

  /** The listing that has a number, by its canonical text. */
  known(text: string): Listing | undefined {
    return this.#byText.get(text)
  }

  /** Gives the listing a number; false where no more are to be had. */
  number(listing: Listing): boolean {
    if (listing.index !== NOT_LISTED) return true
    if (this.all.length >= this.#max) return false
    listing.index = this.all.length
    this.all.push(listing)
    this.#byText.set(listing.text, listing)
    this.#onNumbered(listing)
    return true
  }

  /** Main follows the market of the ticker from now on. */
  watched(text: string): void {
    const listing = this.#byText.get(text)
    if (listing !== undefined) listing.isWatched = true
  }

  /** Main quotes the ticker in `row` of the quote table from now on; undefined where the text is no ticker. */
  quoted(text: string, row: number): Listing | undefined {
    const listing = this.ofText(text)
    if (listing.fault !== Reason.None || !this.number(listing)) return undefined
    listing.quoteRow = row
    this.byQuoteRow[row] = listing
    return listing
  }
}

interface CachedText {
  readonly bytes: Uint8Array
  readonly listing: Listing
}

function sameBytes(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start
  if (known.length !== length) return false
  for (let i = 0; i < length; i++) if (known[i] !== bytes[start + i]) return false
  return true
}
