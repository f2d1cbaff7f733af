// The market as last heard: one row per ticker in use; the row's number is the ticker index. Written by main, read by
// every shard, which never waits for a quote nor asks for one.

import type { Price, Quantity } from '../domain/money.ts'
import { SeqlockRows, seqlockBytes } from './seqlock.ts'

export interface Quote {
  /** Best prices in micros and what stands there; 0 where that side is empty. */
  bid: Price
  ask: Price
  bidSize: Quantity
  askSize: Quantity
  /** Last close in micros, 0 where unknown, and its time in microseconds since the epoch. */
  previousClose: Price
  closeTime: number
  /** When the quote was made, microseconds since the epoch; 0 before the first one. */
  quoteTime: number
}

const FIELDS = 7

export class QuoteTable {
  readonly #rows: SeqlockRows

  constructor(memory: SharedArrayBuffer, tickersMax: number) {
    this.#rows = new SeqlockRows(memory, 0, tickersMax, FIELDS)
  }

  /** Main: an index for one more ticker, without a quote yet; −1 where the table is full. */
  add(): number {
    this.#rows.values.fill(0)
    return this.#rows.add()
  }

  /** Tickers in use: indices 0 … tickers − 1. */
  tickers(): number {
    return this.#rows.rowsUsed()
  }

  /** Main. */
  write(tickerIndex: number, quote: Readonly<Quote>): void {
    const { values } = this.#rows
    values[0] = quote.bid
    values[1] = quote.ask
    values[2] = quote.bidSize
    values[3] = quote.askSize
    values[4] = quote.previousClose
    values[5] = quote.closeTime
    values[6] = quote.quoteTime
    this.#rows.write(tickerIndex)
  }

  read(tickerIndex: number, into: Quote): void {
    this.#rows.read(tickerIndex)
    const { values } = this.#rows
    into.bid = values[0]!
    into.ask = values[1]!
    into.bidSize = values[2]!
    into.askSize = values[3]!
    into.previousClose = values[4]!
    into.closeTime = values[5]!
    into.quoteTime = values[6]!
  }
}

/** An object to read quotes into. */
export function newQuote(): Quote {
  return { bid: 0, ask: 0, bidSize: 0, askSize: 0, previousClose: 0, closeTime: 0, quoteTime: 0 }
}

/** Bytes of memory for `tickersMax` tickers. */
export function quoteTableBytes(tickersMax: number): number {
  return seqlockBytes(tickersMax, FIELDS)
}
