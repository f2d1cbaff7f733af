// Market data on its way from the service to the shards: quotes and closes into the shared table, which the checks read;
// quotes, prints and books into every command ring, which the simulated venues follow.

import { assert, unreachable } from '../base/assert.ts'
import { type MarketEvent, MarketEventType } from '../services/market-data/market-event.ts'
import { newQuote, type Quote, type QuoteTable } from '../shared-memory/quote-table.ts'
import { Command } from '../shared-memory/records.ts'
import type { ShardLink } from './shard-link.ts'

export class Market {
  readonly #table: QuoteTable
  readonly #shards: readonly ShardLink[]
  readonly #nowUs: () => number
  readonly #rows = new Map<string, number>()
  readonly #quotes: Quote[] = []
  readonly #body = Buffer.alloc(128)
  /** Events so far. */
  received = 0
  /** Events that found no room: tickers beyond the table, or more than a shard could take. */
  dropped = 0

  constructor(table: QuoteTable, shards: readonly ShardLink[], nowUs: () => number) {
    this.#table = table
    this.#shards = shards
    this.#nowUs = nowUs
  }

  /** Whether anything was heard of the ticker. */
  knows(ticker: string): boolean {
    return (this.#rows.get(ticker) ?? -1) >= 0
  }

  /** One event of the market. */
  take(event: MarketEvent): void {
    this.received += 1
    const row = this.#row(event.ticker)
    if (row < 0) return
    const quote = this.#quotes[row]
    const body = this.#body
    switch (event.type) {
      case MarketEventType.Quote: {
        const moved = quote.bid !== event.bid || quote.ask !== event.ask
        quote.bid = event.bid
        quote.ask = event.ask
        quote.bidSize = event.bidSize
        quote.askSize = event.askSize
        quote.quoteTime = event.timestamp
        this.#table.write(row, quote)
        if (!moved) return
        body.writeDoubleLE(event.bid, 0)
        body.writeDoubleLE(event.ask, 8)
        body.writeDoubleLE(event.timestamp, 16)
        this.#tell(Command.Quote, row, body.subarray(0, 24))
        break
      }
      case MarketEventType.PreviousClose:
        quote.previousClose = event.price
        quote.closeTime = event.timestamp
        this.#table.write(row, quote)
        break
      case MarketEventType.Print: {
        body.writeDoubleLE(event.price, 0)
        body.writeDoubleLE(event.size, 8)
        body.writeDoubleLE(event.timestamp, 16)
        body[24] = event.condition.charCodeAt(0)
        const length = body.write(event.marketCenter, 25, 16)
        this.#tell(Command.Print, row, body.subarray(0, 25 + length))
        break
      }
      case MarketEventType.BookLevel: {
        body.writeDoubleLE(event.price, 0)
        body.writeDoubleLE(event.size, 8)
        body[16] = event.side
        const mpidBytes = body.write(event.mpid, 18, 32)
        body[17] = mpidBytes
        const venueBytes = body.write(event.venue, 18 + mpidBytes, 8)
        this.#tell(Command.Book, row, body.subarray(0, 18 + mpidBytes + venueBytes))
        break
      }
      default:
        unreachable(event)
    }
  }

  #row(ticker: string): number {
    const known = this.#rows.get(ticker)
    if (known !== undefined) return known
    const row = this.#table.add()
    if (row < 0) {
      this.dropped += 1
    } else {
      assert(row === this.#quotes.length)
      this.#quotes.push(newQuote())
      this.#tell(Command.Ticker, row, Buffer.from(ticker))
    }
    this.#rows.set(ticker, row)
    return row
  }

  // What even the queue of a shard has no room for is lost; orders are judged by the table, which has the newest always.
  #tell(type: Command, row: number, body: Uint8Array): void {
    for (const shard of this.#shards) if (!shard.post(type, row, this.#nowUs(), 0, body)) this.dropped += 1
  }
}
