// Accounts that trade while a console looks on: orders of every kind and end, at a steady rate, by ordinary clients.

import { setTimeout as pause } from 'node:timers/promises'
import { connect, limitOrder, marketOrder, type NewOrder, OesError, Side, TimeInForce } from '../../src/client/index.ts'

const TICKERS = ['ABX.TSX', 'RY.TSX', 'SHOP.TSX', 'TD.TSX', 'SU.TSX', 'CNR.TSX']

export class Trading {
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>[]

  /** @param everyMs pause of each account between two orders. */
  constructor(port: number, names: readonly string[], everyMs: number) {
    this.#running = names.map((name, number) => this.#trade(port, name, number, everyMs))
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#running)
  }

  async #trade(port: number, username: string, number: number, everyMs: number): Promise<void> {
    const { signal } = this.#stopping
    const client = await connect({ port, username, password: username })
    const resting: number[] = []
    try {
      for (let turn = 2 * number; !signal.aborted; turn++) {
        const outcome = await client.submit(orderOf(turn))
        if (outcome.outcome === 'accepted' && Math.floor(turn / 2) % 9 === 2) resting.push(outcome.order.orderId)
        const oldest = resting.length > 6 ? resting.shift() : undefined
        if (oldest !== undefined) await client.cancel(oldest)
        await pause(everyMs, undefined, { signal }).catch(() => undefined)
      }
    } catch (error) {
      // A server that is stopped while they trade.
      if (!(error instanceof OesError)) throw error
    } finally {
      client.close()
    }
  }
}

/** Every buy is followed by a sale of the same, so that accounts may go on for ever. */
function orderOf(turn: number): NewOrder {
  const pair = Math.floor(turn / 2)
  const ticker = TICKERS[pair % TICKERS.length]!
  const side = turn % 2 === 0 ? Side.Bid : Side.Ask
  const quantity = 100 * (1 + (pair % 4))
  switch (pair % 9) {
    case 2:
      // Far from the market, and so it rests.
      return limitOrder(side, ticker, quantity, side === Side.Bid ? '1.25' : '900', { timeInForce: TimeInForce.Gtc })
    case 5:
      return turn % 2 === 0
        ? limitOrder(side, ticker, 150, 20)
        : limitOrder(Side.Bid, ticker, quantity, '2.5', { timeInForce: TimeInForce.Ioc })
    default:
      return marketOrder(side, ticker, quantity, { clOrdId: `${turn}-${Math.random().toString(36).slice(2, 10)}` })
  }
}
