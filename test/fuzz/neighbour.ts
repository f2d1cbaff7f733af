// A client that behaves well beside those that do not: one order in flight, each accepted, answered and canceled.

import { ok, strictEqual } from 'node:assert/strict'
import { OrderType } from '../../src/domain/order-type.ts'
import { Side } from '../../src/domain/side.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { type Message, WireClient } from '../fault/wire-client.ts'

export class Neighbour {
  readonly #client: WireClient
  readonly #latencies: number[] = []
  #orders = 0
  #isEnding = false
  readonly #trading: Promise<void>
  #failure: unknown

  private constructor(client: WireClient) {
    this.#client = client
    this.#trading = this.#trade().catch(error => {
      this.#failure = error
    })
  }

  static async begin(port: number): Promise<Neighbour> {
    return new Neighbour(await WireClient.login(port, 'carol'))
  }

  /** Throws what has gone wrong so far. */
  undisturbed(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Ends it after the order at hand. @returns how many orders it has traded and how long each acceptance took, in ms. */
  async end(): Promise<{ orders: number; latencies: number[] }> {
    this.#isEnding = true
    await this.#trading
    this.undisturbed()
    const positions = await this.#client.ask([Kind.Positions, 0, 0])
    strictEqual(positions[7], 0, 'it has canceled every order')
    strictEqual(positions[8], 4 * this.#orders, 'each order has four reports')
    return { orders: this.#orders, latencies: this.#latencies }
  }

  async #trade(): Promise<void> {
    const client = this.#client
    while (!this.#isEnding) {
      const sentMs = performance.now()
      const clOrdId = `neighbour-${this.#orders}`
      const answer = await client.ask([
        Kind.Submit,
        0,
        0,
        'ABX.TSX',
        OrderType.Limit,
        Side.Bid,
        100,
        10,
        TimeInForce.Gtc,
        '',
        0,
        clOrdId,
      ])
      this.#latencies.push(performance.now() - sentMs)
      ok(answer[0] === Kind.OrderAccepted, JSON.stringify(answer))
      const done: Message = await client.ask([Kind.Cancel, 0, 0, answer[4]])
      ok(done[0] === Kind.Done, JSON.stringify(done))
      this.#orders += 1
    }
  }
}
