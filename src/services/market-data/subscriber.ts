// One session's share of the market. While the peer keeps up it is sent everything as it happens. While it does not,
// what waits for it is conflated: the latest quote, close and size of each level, and the latest prints up to a limit.
// So a slow reader costs a bounded amount of memory and gets a true picture late instead of an old one completely.

import type { ServiceSession } from '../wire/service-host.ts'
import { type MarketEvent, MarketEventType } from './market-event.ts'
import { levelKey } from './market-picture.ts'
import { eventKind, eventToWire } from './messages.ts'

/** Prints that wait for a slow reader; past it the oldest are dropped. */
const PRINTS_WAITING_MAX = 10_000

export class Subscriber {
  all = false
  readonly tickers = new Set<string>()
  readonly #session: ServiceSession
  /** The latest of each quote, close and level. */
  readonly #waiting = new Map<string, MarketEvent>()
  #waitingPrints: MarketEvent[] = []
  #slow = false

  constructor(session: ServiceSession) {
    this.#session = session
  }

  wants(ticker: string): boolean {
    return this.all || this.tickers.has(ticker)
  }

  /** Sends the event, or keeps it until the peer has read what it was sent before. */
  publish(event: MarketEvent): void {
    if (!this.#slow && this.#session.connection.congested) {
      this.#slow = true
      this.#session.connection.onceDrained(() => this.#flush())
    }
    if (this.#slow) this.#keep(event)
    else this.send(event)
  }

  send(event: MarketEvent): void {
    this.#session.push(eventKind(event), eventToWire(event))
  }

  #keep(event: MarketEvent): void {
    if (event.type === MarketEventType.Print) {
      this.#waitingPrints.push(event)
      // Cut by half at a time, so that dropping costs a constant per print.
      if (this.#waitingPrints.length > 2 * PRINTS_WAITING_MAX) {
        this.#waitingPrints = this.#waitingPrints.slice(-PRINTS_WAITING_MAX)
      }
      return
    }
    const level = event.type === MarketEventType.BookLevel ? levelKey(event) : ''
    const key = `${event.type} ${event.ticker} ${level}`
    // Taken out first, so that the order is that of the latest events.
    this.#waiting.delete(key)
    this.#waiting.set(key, event)
  }

  #flush(): void {
    this.#slow = false
    const events = [...this.#waitingPrints.slice(-PRINTS_WAITING_MAX), ...this.#waiting.values()]
    this.#waitingPrints = []
    this.#waiting.clear()
    // What fills the pipe again on the way is conflated again.
    for (const event of events) this.publish(event)
  }
}
