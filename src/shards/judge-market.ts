// The market as the judge of pooled rules sees it, in whatever shard it lives: quotes and rates from shared memory, last
// prints as main tells them to every shard. Tickers have numbers of the judge's own, since it hears of tickers that none of
// its shard's accounts trades.

import type { Quote } from '../checks/check.ts'
import type { JudgedTicker, JudgeMarket } from '../compliance/judge.ts'
import type { Price } from '../domain/money.ts'
import { readTicker } from '../domain/tickers.ts'
import { type Listing, NOT_QUOTED } from './listings.ts'
import type { ShardState } from './shard-state.ts'

interface Numbered extends JudgedTicker {
  readonly text: string
  /** What the shard knows of it once it is quoted. */
  listing: Listing | undefined
}

export class ShardMarket implements JudgeMarket {
  readonly #state: ShardState
  readonly #byText = new Map<string, Numbered>()
  readonly #all: Numbered[] = []

  constructor(state: ShardState) {
    this.#state = state
  }

  tickerOf(text: string): JudgedTicker {
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const { definitions } = this.#state
    const ticker = readTicker(text, definitions)
    const venue = definitions.venue(ticker.venue)
    const numbered: Numbered = { index: this.#all.length, ticker, venue, text, listing: undefined }
    this.#all.push(numbered)
    this.#byText.set(text, numbered)
    return numbered
  }

  quote(tickerIndex: number, quote: Quote): boolean {
    const listing = this.#quoted(tickerIndex)
    if (listing === undefined) return false
    const { view } = this.#state
    view.look(listing)
    return view.quote(listing.index, quote)
  }

  lastPrint(tickerIndex: number): Price {
    const listing = this.#quoted(tickerIndex)
    return listing === undefined ? 0 : this.#state.lastPrints[listing.index]
  }

  convert(amount: number, from: number, to: number): number {
    return this.#state.view.convert(amount, from, to)
  }

  #quoted(tickerIndex: number): Listing | undefined {
    const numbered = this.#all[tickerIndex]
    if (numbered.listing === undefined) {
      const listing = this.#state.listings.known(numbered.text)
      if (listing !== undefined && listing.quoteRow !== NOT_QUOTED) numbered.listing = listing
    }
    return numbered.listing
  }
}
