// Several accounts that trade at once, each through connections of its own, and the books of each.

import { strictEqual } from 'node:assert/strict'
import { AccountBooks } from './account-books.ts'
import { Trader } from './load.ts'
import type { Random } from './random.ts'
import { WireClient } from './wire-client.ts'

const CAD = 124
const USD = 840
/** What a test trades at a time comes long before, or never. */
const TRADE_MS_MAX = 300_000

/** Connected to one run of the server after the other; the books go through all of them. */
export class Desk {
  readonly books: readonly AccountBooks[] = [
    new AccountBooks('alice', CAD),
    new AccountBooks('bob', CAD),
    new AccountBooks('carol', USD),
    new AccountBooks('dave', CAD),
  ]
  traders: Trader[] = []
  /** Those whose connection follows the account, one for each of the books. */
  followers: Trader[] = []
  readonly #random: Random
  /** The first failure of any connection. */
  readonly failed: Promise<never>
  #fail: (error: unknown) => void = () => undefined

  constructor(random: Random) {
    this.#random = random
    this.failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => undefined) // for when nobody waits any more
  }

  /** Connects, follows every account from where its books end or from before, and waits until they are up to date. */
  async connect(port: number): Promise<void> {
    const random = this.#random
    this.followers = await Promise.all(
      this.books.map(async books => {
        const client = await this.#login(port, books.name)
        books.account = client.account
        return new Trader(client, books, random, 32)
      }),
    )
    await Promise.all(
      this.followers.map(trader => {
        const { next } = trader.books
        return trader.follow(random.chance(0.3) ? random.whole(1, next) : next)
      }),
    )
    const [alice, , , dave] = this.books
    this.traders = [
      ...this.followers,
      new Trader(await this.#login(port, 'alice'), alice, random, 64),
      new Trader(await this.#login(port, 'margaret'), alice, random, 16),
      new Trader(await this.#login(port, 'administrator'), dave, random, 32, true),
    ]
  }

  async #login(port: number, name: string): Promise<WireClient> {
    const client = await WireClient.login(port, name)
    client.failed.catch(error => this.#fail(error))
    return client
  }

  /** Sends again whatever has no answer, through one connection of each account. */
  async resend(): Promise<void> {
    for (const trader of this.followers) trader.resend()
    await this.idle()
    for (const { books } of this.followers) {
      strictEqual([...books.unanswered()].length, 0)
      strictEqual([...books.unansweredReplaces()].length, 0)
      strictEqual(books.cancels.size, 0)
    }
  }

  async idle(): Promise<void> {
    await Promise.all(this.traders.map(trader => trader.idle()))
  }

  /** Holds the record of every account against its books. */
  async verify(): Promise<{ orders: number; reports: number; live: number }> {
    const total = { orders: 0, reports: 0, live: 0 }
    for (const { books, client } of this.followers) {
      const verified = await books.verify(client)
      total.orders += verified.orders
      total.reports += verified.reports
      total.live += verified.live
    }
    return total
  }

  /** Trades until so many orders were acknowledged. */
  async trade(acknowledged: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve, reject) => {
      let left = acknowledged
      const late = () => reject(new Error(`${left} of ${acknowledged} orders were not acknowledged in time`))
      timer = setTimeout(late, TRADE_MS_MAX)
      for (const trader of this.traders) {
        trader.onAcknowledged = () => {
          left -= 1
          if (left === 0) resolve()
        }
        trader.client.closed.then(() => reject(new Error('the server closed a connection')))
      }
      for (const trader of this.traders) trader.start()
    }).finally(() => clearTimeout(timer))
  }

  /** The connections are gone with the server. */
  async lost(): Promise<void> {
    await Promise.all(this.traders.map(trader => trader.client.closed))
  }

  async disconnect(): Promise<void> {
    await Promise.all(this.traders.map(trader => trader.client.end()))
  }
}
