// Which tickers' market the server follows, where it follows those it needs: those of positions and orders that come back,
// and those that an order is the first to use. Whoever asks is told when the market stands in the shared table, as far as
// anything is known of it.
//
//   asked ─► subscribed together with what else was asked for in the same moment ─► watched, and told
//     └── the service does not answer: again after a pause; the shards do not wait longer than they want
//
// There is room for so many tickers. Of the tickers that nobody has quoted yet and no order has used, the one that was
// asked for first makes way for a new one: a client that invents tickers takes no room from anybody.

import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../base/log.ts'
import type { MarketDataClient } from '../services/market-data/client.ts'
import { ServiceError } from '../services/wire/service-error.ts'
import { Command } from '../shared-memory/records.ts'
import type { Market } from './market.ts'
import type { ShardLink } from './shard-link.ts'

const PAUSE_FIRST_MS = 100
const PAUSE_MAX_MS = 2_000
/** What a shard is told of a ticker. */
const WATCHED = 0
const NO_ROOM = 1

export interface MarketWatchOptions {
  readonly data: Pick<MarketDataClient, 'subscribe' | 'unsubscribe'>
  readonly market: Pick<Market, 'knows'>
  readonly shards: readonly ShardLink[]
  readonly tickersMax: number
  readonly nowUs: () => number
  readonly log: Log
}

export class MarketWatch {
  readonly #options: MarketWatchOptions
  readonly #watched = new Set<string>()
  /** Those of them that nobody may have quoted, and no order has used, oldest first. */
  readonly #idle = new Set<string>()
  /** Tickers on their way, with the shards that have to be told. */
  readonly #asked = new Map<string, Set<number>>()
  #isAsking = false
  #isClosed = false
  #toldFull = false
  /** Tickers on their way that are in use. */
  readonly #needed = new Set<string>()
  #isLate = false
  /** Settle once everything asked for so far is watched. */
  #onWatched: (() => void)[] = []

  constructor(options: MarketWatchOptions) {
    this.#options = options
  }

  /** Tickers that are followed or asked for. */
  get size(): number {
    return this.#watched.size + this.#asked.size
  }

  /** Nothing is asked for any more. */
  close(): void {
    this.#isClosed = true
    for (const done of this.#onWatched.splice(0)) done()
  }

  /** An order in a shard is the first there to use a ticker. */
  firstUse(shard: number, ticker: string): void {
    if (this.#watched.has(ticker)) return this.#tell(shard, ticker, WATCHED)
    const shards = this.#asked.get(ticker)
    if (shards !== undefined) shards.add(shard)
    else if (this.#makesRoom()) this.#ask(ticker, [shard])
    else this.#tell(shard, ticker, NO_ROOM)
  }

  /** A position or a live order is in the ticker: it stays, and comes back where it had to make way just now. */
  used(ticker: string): void {
    this.#idle.delete(ticker)
    if (this.#watched.has(ticker)) return
    this.#needed.add(ticker)
    if (!this.#asked.has(ticker)) this.#ask(ticker, [])
  }

  /**
   * Follows a ticker that is in use, whatever room there is; settles when it is watched, or after `waitMs`. A service that
   * has kept somebody waiting once is waited for no more.
   */
  async watch(ticker: string, waitMs: number): Promise<void> {
    this.used(ticker)
    if (this.#watched.has(ticker) || this.#isLate) return
    const isWatched = new Promise<boolean>(resolve => this.#onWatched.push(() => resolve(true)))
    if (await Promise.race([isWatched, pause(waitMs, false, { ref: false })])) return
    this.#isLate = true
    this.#options.log.warning('the market of restored positions and orders is not known yet', { first: ticker, waitMs })
  }

  #ask(ticker: string, shards: readonly number[]): void {
    this.#asked.set(ticker, new Set(shards))
    if (!this.#isAsking) void this.#askAll()
  }

  /** Subscribes to what is asked for, and to what is asked for meanwhile. */
  async #askAll(): Promise<void> {
    this.#isAsking = true
    const { data, log } = this.#options
    let pauseMs = 0
    // What is asked for in one turn of the event loop leaves together.
    await Promise.resolve()
    while (this.#asked.size > 0 && !this.#isClosed) {
      const tickers = [...this.#asked.keys()]
      try {
        await data.subscribe(tickers)
        pauseMs = 0
        for (const ticker of tickers) this.#subscribed(ticker)
        for (const shard of this.#options.shards) shard.flush()
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error
        pauseMs = Math.min(PAUSE_MAX_MS, Math.max(PAUSE_FIRST_MS, 2 * pauseMs))
        log.warning('the market of some tickers is not known now', {
          tickers: tickers.length,
          first: tickers[0],
          error,
        })
        await pause(pauseMs, undefined, { ref: false })
      }
    }
    this.#isAsking = false
    for (const done of this.#onWatched.splice(0)) done()
  }

  #subscribed(ticker: string): void {
    const shards = this.#asked.get(ticker) ?? []
    this.#asked.delete(ticker)
    this.#watched.add(ticker)
    if (!this.#needed.delete(ticker) && !this.#options.market.knows(ticker)) this.#idle.add(ticker)
    for (const shard of shards) this.#put(shard, ticker, WATCHED)
  }

  /** Whether there is room for one more, after the oldest that nobody needs has made way. */
  #makesRoom(): boolean {
    const { data, market, tickersMax, log } = this.#options
    if (this.size < tickersMax) return true
    for (const ticker of this.#idle) {
      this.#idle.delete(ticker)
      if (market.knows(ticker)) continue
      this.#watched.delete(ticker)
      data.unsubscribe([ticker]).catch((error: unknown) => {
        // Not followed after the next reconnect either way, and of no harm until then.
        if (!(error instanceof ServiceError)) throw error
      })
      return true
    }
    if (!this.#toldFull)
      log.warning('no further ticker can be traded in this run', { tickers: this.size, hint: 'engine.tickers_max' })
    this.#toldFull = true
    return false
  }

  #tell(shard: number, ticker: string, word: number): void {
    this.#put(shard, ticker, word)
    this.#options.shards[shard]!.flush()
  }

  #put(shard: number, ticker: string, word: number): void {
    // Behind the quotes that came before, which take the same way.
    this.#options.shards[shard]!.insist(Command.Watched, 0, this.#options.nowUs(), word, Buffer.from(ticker))
  }
}
