// A market out of a seed. Each ticker's bid walks on ticks around the previous close, pulled back the further it
// strays; the spread is one to three ticks; the book shows three levels on each side; trades print at the bid or the
// offer. The same seed and the same clock give the same events.

import { MICROS, microsOfNumber, type Price } from '../../domain/money.ts'
import { Side } from '../../domain/side.ts'
import type { MarketFeed } from './feed.ts'
import { type BookLevel, type MarketEvent, MarketEventType } from './market-event.ts'
import { Random } from './random.ts'
import { type SimulatedTicker, simulatedTickers } from './simulated-tickers.ts'

export interface SimulatedFeedOptions {
  readonly seed: number
  /** Moves and trades of all tickers together. 0 leaves the market as it opens. */
  readonly eventsPerSecond: number
  readonly tickers: readonly SimulatedTicker[]
}

export const simulatedFeedDefault: SimulatedFeedOptions = { seed: 1, eventsPerSecond: 50, tickers: simulatedTickers }

/** A process that stood still does not flood its subscribers with all it missed. */
const CATCH_UP_MAX_US = 1_000_000

/** Of all events; the rest are moves of the quote. */
const PRINT_SHARE = 0.3
const LOT = 100 * MICROS
const LOTS_MAX = 30
const SPREAD_TICKS_MAX = 3
/** Levels shown on each side of the book. */
const BOOK_DEPTH = 3
/** How far the price strays from the previous close before it is always pulled back, as a share of it. */
const STRAY_MAX = 0.02
const VENUE = 'XTSE'
const MARKET_CENTER = 'TSE'
/** The one participant of the book: everybody. */
const MPID = 'TSE'
const CONDITION_REGULAR = '@'

/** Half a cent below fifty cents, a cent above, as on the TSX. */
function tickSize(price: Price): Price {
  return price < MICROS / 2 ? 5_000 : 10_000
}

interface Instrument {
  readonly ticker: string
  readonly close: Price
  readonly tick: Price
  bid: Price
  ask: Price
  bidSize: number
  askSize: number
  /** What the book shows now. */
  levels: BookLevel[]
}

export class SimulatedFeed implements MarketFeed {
  readonly #random: Random
  readonly #intervalUs: number
  readonly #instruments: Instrument[]
  #nextUs = Number.NaN

  constructor(options: Partial<SimulatedFeedOptions> = {}) {
    const { seed, eventsPerSecond, tickers } = { ...simulatedFeedDefault, ...options }
    this.#random = new Random(seed)
    this.#intervalUs = 1_000_000 / eventsPerSecond
    this.#instruments = tickers.map(({ ticker, price }) => {
      const tick = tickSize(microsOfNumber(price))
      const close = Math.max(tick * (SPREAD_TICKS_MAX + BOOK_DEPTH), Math.round(microsOfNumber(price) / tick) * tick)
      return { ticker, close, tick, bid: close, ask: close, bidSize: 0, askSize: 0, levels: [] }
    })
  }

  get ended(): boolean {
    return this.#intervalUs === Number.POSITIVE_INFINITY && !Number.isNaN(this.#nextUs)
  }

  advance(nowUs: number): MarketEvent[] {
    const events: MarketEvent[] = []
    if (Number.isNaN(this.#nextUs)) {
      this.#nextUs = nowUs + this.#intervalUs
      for (const instrument of this.#instruments) {
        events.push({
          type: MarketEventType.PreviousClose,
          ticker: instrument.ticker,
          price: instrument.close,
          timestamp: nowUs,
        })
        this.#quote(instrument, instrument.close, nowUs, events)
      }
      return events
    }
    this.#nextUs = Math.max(this.#nextUs, nowUs - CATCH_UP_MAX_US)
    while (this.#nextUs <= nowUs) {
      const instrument = this.#instruments[this.#random.integer(0, this.#instruments.length - 1)]!
      const timestamp = Math.round(this.#nextUs)
      if (this.#random.next() < PRINT_SHARE) this.#print(instrument, timestamp, events)
      else this.#quote(instrument, this.#walk(instrument), timestamp, events)
      this.#nextUs += this.#intervalUs
    }
    return events
  }

  /** The next bid: a tick up or down or none, more likely towards the close the further away it is. */
  #walk({ bid, close, tick }: Instrument): Price {
    const pull = Math.max(-1, Math.min(1, (close - bid) / (close * STRAY_MAX)))
    const draw = this.#random.next() * 2 - 1 + pull
    const step = draw > 1 / 3 ? 1 : draw < -1 / 3 ? -1 : 0
    return Math.max(tick * BOOK_DEPTH, bid + step * tick)
  }

  #quote(instrument: Instrument, bid: Price, timestamp: number, events: MarketEvent[]): void {
    instrument.bid = bid
    instrument.ask = bid + this.#random.integer(1, SPREAD_TICKS_MAX) * instrument.tick
    instrument.bidSize = this.#random.integer(1, LOTS_MAX) * LOT
    instrument.askSize = this.#random.integer(1, LOTS_MAX) * LOT
    this.#book(instrument, timestamp, events)
    events.push({
      type: MarketEventType.Quote,
      ticker: instrument.ticker,
      bid: instrument.bid,
      ask: instrument.ask,
      bidSize: instrument.bidSize,
      askSize: instrument.askSize,
      timestamp,
    })
  }

  /** Moves the book to the new quote: what is gone is emptied first, deeper levels keep their sizes. */
  #book(instrument: Instrument, timestamp: number, events: MarketEvent[]): void {
    const previous = instrument.levels
    const levels: BookLevel[] = []
    for (const side of [Side.Bid, Side.Ask] as const) {
      for (let depth = 0; depth < BOOK_DEPTH; depth++) {
        const best = side === Side.Bid ? instrument.bid : instrument.ask
        const price = best + (side === Side.Bid ? -depth : depth) * instrument.tick
        const shown = previous.find(level => level.side === side && level.price === price)
        const top = side === Side.Bid ? instrument.bidSize : instrument.askSize
        const size = depth === 0 ? top : (shown?.size ?? this.#random.integer(1, LOTS_MAX) * LOT)
        levels.push({
          type: MarketEventType.BookLevel,
          ticker: instrument.ticker,
          mpid: MPID,
          venue: VENUE,
          side,
          price,
          size,
          timestamp,
        })
      }
    }
    for (const gone of previous) {
      if (!levels.some(level => level.side === gone.side && level.price === gone.price)) {
        events.push({ ...gone, size: 0, timestamp })
      }
    }
    for (const level of levels) {
      const shown = previous.find(other => other.side === level.side && other.price === level.price)
      if (shown?.size !== level.size) events.push(level)
    }
    instrument.levels = levels
  }

  #print(instrument: Instrument, timestamp: number, events: MarketEvent[]): void {
    const buys = this.#random.next() < 0.5
    const size = buys ? instrument.askSize : instrument.bidSize
    events.push({
      type: MarketEventType.Print,
      ticker: instrument.ticker,
      price: buys ? instrument.ask : instrument.bid,
      size: this.#random.integer(1, size / LOT) * LOT,
      condition: CONDITION_REGULAR,
      marketCenter: MARKET_CENTER,
      timestamp,
    })
  }
}
