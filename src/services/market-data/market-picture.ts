// The market as it stands: the latest quote and previous close of each ticker, and its order book. Prints pass by and
// are not kept: a trade told late would be taken for a new one.

import { unreachable } from '../../base/assert.ts'
import { type BookLevel, type MarketEvent, MarketEventType, type PreviousClose, type Quote } from './market-event.ts'

/** Tells one level of a book from another. */
export function levelKey(level: BookLevel): string {
  return `${level.venue} ${level.mpid} ${level.side} ${level.price}`
}

const NO_LEVELS: ReadonlyMap<string, BookLevel> = new Map()

export class MarketPicture {
  readonly #quotes = new Map<string, Quote>()
  readonly #closes = new Map<string, PreviousClose>()
  readonly #books = new Map<string, Map<string, BookLevel>>()

  tickers(): string[] {
    return [...new Set([...this.#closes.keys(), ...this.#quotes.keys(), ...this.#books.keys()])].sort()
  }

  quote(ticker: string): Quote | undefined {
    return this.#quotes.get(ticker)
  }

  previousClose(ticker: string): PreviousClose | undefined {
    return this.#closes.get(ticker)
  }

  /** Levels with something in them. */
  bookLevels(ticker: string): Iterable<BookLevel> {
    return this.#book(ticker).values()
  }

  /** Takes an event over; false where it says nothing new, as when a snapshot is read again. */
  apply(event: MarketEvent): boolean {
    switch (event.type) {
      case MarketEventType.Quote:
        if (sameQuote(this.#quotes.get(event.ticker), event)) return false
        this.#quotes.set(event.ticker, event)
        return true
      case MarketEventType.PreviousClose:
        if (this.#closes.get(event.ticker)?.price === event.price) return false
        this.#closes.set(event.ticker, event)
        return true
      case MarketEventType.BookLevel:
        return this.#applyLevel(event)
      case MarketEventType.Print:
        return true
      default:
        return unreachable(event)
    }
  }

  forget(ticker: string): void {
    this.#quotes.delete(ticker)
    this.#closes.delete(ticker)
    this.#books.delete(ticker)
  }

  /** The events that make an empty picture into this one, or one of its tickers. */
  snapshot(ticker: string): MarketEvent[] {
    const events: MarketEvent[] = []
    const close = this.#closes.get(ticker)
    if (close !== undefined) events.push(close)
    events.push(...this.#book(ticker).values())
    const quote = this.#quotes.get(ticker)
    if (quote !== undefined) events.push(quote)
    return events
  }

  /** The events that make this picture into `fresh`. A quote that `fresh` does not have is kept: it may come yet. */
  differencesTo(fresh: MarketPicture): MarketEvent[] {
    const events: MarketEvent[] = []
    for (const [ticker, book] of this.#books) {
      const freshBook = fresh.#book(ticker)
      for (const [key, level] of book) if (!freshBook.has(key)) events.push({ ...level, size: 0 })
    }
    for (const ticker of fresh.tickers()) events.push(...fresh.snapshot(ticker))
    return events
  }

  #book(ticker: string): ReadonlyMap<string, BookLevel> {
    return this.#books.get(ticker) ?? NO_LEVELS
  }

  #applyLevel(level: BookLevel): boolean {
    const key = levelKey(level)
    let book = this.#books.get(level.ticker)
    if ((book?.get(key)?.size ?? 0) === level.size) return false
    if (book === undefined) {
      book = new Map()
      this.#books.set(level.ticker, book)
    }
    if (level.size === 0) book.delete(key)
    else book.set(key, level)
    return true
  }
}

function sameQuote(a: Quote | undefined, b: Quote): boolean {
  return (
    a !== undefined &&
    a.bid === b.bid &&
    a.ask === b.ask &&
    a.bidSize === b.bidSize &&
    a.askSize === b.askSize &&
    a.timestamp === b.timestamp
  )
}
