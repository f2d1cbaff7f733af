// What the simulated venue keeps of one ticker: quote, last print, session, depth, and the queues where orders rest.
//
// Session: a UTC date, as told by the times of quotes and prints. A new one empties the depth; who was not first in
// line then has lost the place for good and is filled through the limit only.

import type { Price, Quantity } from '../domain/money.ts'
import { Side } from '../domain/side.ts'
import { US_PER_DAY } from '../domain/venue-time.ts'
import type { Venue } from '../domain/venues.ts'
import { NONE, type RestingColumns, RestingQueue } from './resting-queue.ts'
import { closeAfter, closeOfDay } from './trading-hours.ts'

/** Where an order is. From `BidLimits` on these are the queues of a ticker. */
export const Place = {
  /** Nowhere: not held. Fresh memory. */
  None: 0,
  /** Held, but not to be filled, since it is pending new. */
  Dormant: 1,
  BidLimits: 2,
  AskLimits: 3,
  BidStops: 4,
  AskStops: 5,
  Pegs: 6,
  /** Market orders that wait for a two-sided quote. */
  Markets: 7,
  OnOpen: 8,
  OnClose: 9,
} as const
export type Place = (typeof Place)[keyof typeof Place]
const PLACES = 10

// Venue numbers: n + 1 is the n-th venue of the definitions, 0 is nowhere. In a queue of limits the number is that of
// the posting venue, with a bit for those who lost their place there.
export const NOT_POSTED = 0
const LOST_PLACE = 0x80
export const VENUES_MAX = LOST_PLACE - 1

/** One price of one side at one posting venue where others than our orders stand. Empty levels are not kept. */
interface DepthLevel {
  /**
   * First sequence that has to wait. Whatever joins or leaves, the size before an order is the least that was booked
   * here since it came. So once nothing is booked everybody here is first in line, and stays so.
   */
  readonly waitsFrom: number
  /** Market participants who book anything. */
  readonly participants: Set<string>
}

export class SimulatedBook {
  readonly listing: Venue
  /** By place. */
  readonly queues: readonly RestingQueue[]
  /** Best bid and ask, 0 where there is none. */
  bid: Price
  ask: Price
  /** Price of the session's last regular print, 0 before the first. */
  lastPx: Price = 0
  /** The session's closing print is still to come, at or after `closeUs`. */
  awaitsClose = false
  closeUs = 0

  readonly #columns: RestingColumns
  /** By venue number and side (`depthIndex`), then by price. */
  readonly #depth: (Map<Price, DepthLevel> | undefined)[] = []
  /** UTC date of the session, in days since the epoch. */
  #sessionDay = Number.NaN
  // The last answer of `dayEnd`, which holds from the one instant up to, but without, the other.
  #dayFromUs = 0
  #dayEndUs = 0

  constructor(listing: Venue, columns: RestingColumns, bid: Price, ask: Price) {
    this.listing = listing
    this.queues = Array.from({ length: PLACES }, () => new RestingQueue(columns))
    this.bid = bid
    this.ask = ask
    this.#columns = columns
  }

  get isTwoSided(): boolean {
    return this.bid > 0 && this.ask > 0
  }

  /** What an order of `side` trades at. */
  oppositeQuote(side: Side): Price {
    return side === Side.Bid ? this.ask : this.bid
  }

  /** When a day order ends that was accepted at `acceptedUs`. */
  dayEnd(acceptedUs: number): number {
    if (acceptedUs < this.#dayFromUs || acceptedUs >= this.#dayEndUs) {
      this.#dayFromUs = acceptedUs
      this.#dayEndUs = closeAfter(this.listing.timeZone, acceptedUs)
    }
    return this.#dayEndUs
  }

  /** Begins a new session where the UTC date of a market event is another. */
  keepSession(marketUs: number): void {
    const day = Math.floor(marketUs / US_PER_DAY)
    if (day === this.#sessionDay) return
    this.#sessionDay = day
    this.closeUs = closeOfDay(this.listing.timeZone, marketUs)
    this.awaitsClose = marketUs < this.closeUs
    this.lastPx = 0
    this.emptyDepth()
  }

  /**
   * What a participant books at one venue, side and price; replaces what it booked there before.
   * @param nextSequence of the next order; it and all later ones stand behind a booking where none was.
   */
  setBooking(
    participant: string,
    venueNumber: number,
    side: Side,
    price: Price,
    size: Quantity,
    nextSequence: number,
  ): void {
    const index = depthIndex(venueNumber, side)
    this.#depth[index] ??= new Map()
    const levels = this.#depth[index]
    const level = levels.get(price)
    if (size > 0) {
      if (level !== undefined) level.participants.add(participant)
      else levels.set(price, { waitsFrom: nextSequence, participants: new Set([participant]) })
    } else if (level?.participants.delete(participant) && level.participants.size === 0) {
      levels.delete(price)
    }
  }

  /** Orders posted there with a lower sequence are first in line, others have booked size before them. */
  waitsFrom(venueNumber: number, side: Side, price: Price): number {
    return this.#depth[depthIndex(venueNumber, side)]?.get(price)?.waitsFrom ?? Number.POSITIVE_INFINITY
  }

  /** Forgets the depth. Who stood behind some of it keeps its limit, but no place at its venue. */
  emptyDepth(): void {
    for (const [index, levels] of this.#depth.entries()) {
      if (levels === undefined) continue
      const place = index % 2 === Side.Bid ? Place.BidLimits : Place.AskLimits
      for (const [price, { waitsFrom }] of levels) this.#losePlaces(place, price, index >> 1, waitsFrom)
      levels.clear()
    }
  }

  #losePlaces(place: Place, price: Price, venueNumber: number, waitsFrom: number): void {
    const queue = this.queues[place]!
    const rank = rankOf(place, price)
    let slot = queue.firstAt(rank, venueNumber)
    while (slot !== NONE) {
      const behind = queue.behind(slot)
      if (this.#columns.sequence[slot]! >= waitsFrom) {
        queue.remove(slot)
        queue.add(slot, rank, venueNumber | LOST_PLACE)
      }
      slot = behind
    }
  }
}

/**
 * The rank of a price in a queue, lower first: highest bid, lowest ask, and the stops that are elected soonest. The
 * other queues know no price, only the order of submission.
 */
export function rankOf(place: Place, price: Price): number {
  switch (place) {
    case Place.BidLimits:
    case Place.AskStops:
      return -price
    case Place.AskLimits:
    case Place.BidStops:
      return price
    default:
      return 0
  }
}

function depthIndex(venueNumber: number, side: Side): number {
  return venueNumber * 2 + side
}
