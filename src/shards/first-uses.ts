// Tickers that an order was the first to use: main is asked for their market, and who needs it waits, for a bounded time.
//
//   order of a ticker nobody watches ─► awaited: main is asked, the order waits
//        main has said how the market stands ─► the order is judged, and so are all behind it
//        main has no room for a further ticker ─► it is rejected
//        the time is over ─► it is judged by what is known, which the checks call no quote; so are later ones, without
//                            waiting, until main says
//
// Time is that of the commands, so that a rehearsal sees the same. Nothing is kept of a ticker that no order could use:
// each asks again, and main, which watches it already, answers at once.

import type { Refusal } from '../checks/check.ts'
import { Reason } from '../domain/reasons.ts'
import type { Listing } from './listings.ts'

interface Awaited {
  /** When its orders are judged without it, µs. */
  readonly untilUs: number
  isOver: boolean
  /** Accounts whose first command waits for it. */
  readonly rows: Set<number>
}

export class FirstUses {
  readonly #waitUs: number
  readonly #tickersMax: number
  readonly #ask: (ticker: string) => void
  readonly #awaited = new Map<string, Awaited>()
  /** The ticker about which main has spoken just now, and whether it had room for it. */
  #settled = ''
  #hasRoom = true

  /**
   * @param waitUs how long an order waits for the market of its ticker.
   * @param tickersMax of so many at once; beyond it orders are judged by what is known.
   * @param ask asks main for the market of a ticker.
   */
  constructor(waitUs: number, tickersMax: number, ask: (ticker: string) => void) {
    this.#waitUs = waitUs
    this.#tickersMax = tickersMax
    this.#ask = ask
  }

  /** Whether an order for a listing that is not watched is judged now; otherwise its account waits. */
  admits(listing: Listing, row: number, timeUs: number): boolean {
    const { text } = listing
    if (text === this.#settled) {
      listing.isWatched = this.#hasRoom
      return true
    }
    let awaited = this.#awaited.get(text)
    if (awaited === undefined) {
      if (this.#awaited.size >= this.#tickersMax) return true
      awaited = { untilUs: timeUs + this.#waitUs, isOver: false, rows: new Set() }
      this.#awaited.set(text, awaited)
      this.#ask(text)
    }
    if (awaited.isOver) return true
    awaited.rows.add(row)
    return false
  }

  /** Whether main has no room for the ticker; then the reason stands in `refusal`. */
  refuses(listing: Listing, refusal: Refusal): boolean {
    if (this.#hasRoom || listing.text !== this.#settled) return false
    refusal.set(Reason.Capacity, 'tickers', this.#tickersMax)
    return true
  }

  /** Main has spoken about a ticker: `serve` is called for each account that waits for it. */
  settle(ticker: string, hasRoom: boolean, serve: (row: number) => void): void {
    const awaited = this.#awaited.get(ticker)
    if (awaited === undefined) return
    this.#awaited.delete(ticker)
    this.#settled = ticker
    this.#hasRoom = hasRoom
    for (const row of awaited.rows) serve(row)
    this.#settled = ''
    this.#hasRoom = true
  }

  /** Time has passed: `serve` is called for each account that has waited long enough. */
  pass(timeUs: number, serve: (row: number) => void): void {
    if (this.#awaited.size === 0) return
    for (const awaited of this.#awaited.values()) {
      if (awaited.isOver || awaited.untilUs > timeUs) continue
      awaited.isOver = true
      for (const row of awaited.rows) serve(row)
      awaited.rows.clear()
    }
  }
}
