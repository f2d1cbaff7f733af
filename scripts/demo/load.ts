// Load: several accounts trade at once, each at a steady rate. Orders go out on a timetable, whether the answers to
// earlier ones have come or not, and their latencies are taken from the time at which they were due.

import { limitOrder, marketOrder, type NewOrder, OrderStatus, Side, TimeInForce } from '../../src/client/index.ts'
import { place } from './account-books.ts'
import type { Latencies } from './latencies.ts'
import type { Desk } from './showcase.ts'

/** Orders of one account that may be unanswered. */
const IN_FLIGHT_MAX = 512
const TURN_MS = 1
const TICKERS = ['ABX.TSX', 'CAE.TSX', 'ENB.TSX', 'MFC.TSX', 'POW.TSX', 'T.TSX'] as const

export class Load {
  readonly #desk: Desk
  readonly #acknowledged: Latencies
  #isRunning = true
  #inFlight = 0
  #placed = 0
  readonly #ended: Promise<void>

  /**
   * @param ordersPerSecond of this account.
   * @param acknowledged gets the time from when an order was due to its durable acknowledgement.
   */
  constructor(desk: Desk, ordersPerSecond: number, acknowledged: Latencies) {
    this.#desk = desk
    this.#acknowledged = acknowledged
    this.#ended = this.#run(ordersPerSecond)
  }

  /** Sends nothing more; resolves when everything sent is answered or given up. */
  async stop(): Promise<void> {
    this.#isRunning = false
    await this.#ended
  }

  #run(ordersPerSecond: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const startedMs = performance.now()
    const turn = setInterval(() => {
      if (!this.#isRunning) {
        if (this.#inFlight > 0) return
        clearInterval(turn)
        resolve()
        return
      }
      const due = ((performance.now() - startedMs) / 1000) * ordersPerSecond
      while (this.#placed < due && this.#inFlight < IN_FLIGHT_MAX && this.#isRunning) {
        void this.#place(this.#placed, startedMs + (this.#placed / ordersPerSecond) * 1000)
        this.#placed += 1
      }
    }, TURN_MS)
    return promise
  }

  async #place(number: number, dueMs: number): Promise<void> {
    const { client, books } = this.#desk
    this.#inFlight += 1
    try {
      const outcome = await place(client, books, orderOf(number), dueMs)
      if (outcome.outcome !== 'accepted') return
      this.#acknowledged.add(performance.now() - dueMs)
      // Nine bids that wait are taken back for ten that come: the rest is what a restart has to bring back.
      if (number % 10 === 0 && number % 100 !== 0) await this.#cancelOldest()
    } catch {
      this.#isRunning = false // the connection is gone and nothing was sent: the load ends here
    } finally {
      this.#inFlight -= 1
    }
  }

  async #cancelOldest(): Promise<void> {
    const { client, books } = this.#desk
    for (const order of books.live()) {
      if (order.status !== OrderStatus.New) continue
      // Whatever comes of it: it may have ended meanwhile, and the reports tell.
      await client.cancel(order.accepted.orderId)
      return
    }
  }
}

/** In turn: bought and sold at the market, a bid that waits, a bid that is filled at once or not at all. */
function orderOf(number: number): NewOrder {
  const ticker = TICKERS[Math.floor(number / 10) % TICKERS.length]
  const turn = number % 10
  if (turn === 8) return limitOrder(Side.Bid, ticker, 100, 1)
  if (turn === 9) return limitOrder(Side.Bid, ticker, 100, 1, { timeInForce: TimeInForce.Fok })
  return marketOrder(turn % 2 === 0 ? Side.Bid : Side.Ask, ticker, 100)
}
