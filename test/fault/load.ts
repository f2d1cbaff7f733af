// Orders as algorithms and desks send them, many in flight on each connection: resting and marketable, of every kind
// that the simulated venue knows, by hand, some that are rejected or refused; cancels, and an administrator's updates.
// Everything goes into the books first, so that a connection that breaks leaves nothing that nobody knows of.

import { ok } from 'node:assert/strict'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { Side } from '../../src/domain/side.ts'
import { TagKey, TagType } from '../../src/domain/tags.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { Accepted, type AccountBooks } from './account-books.ts'
import type { Random } from './random.ts'
import type { Message, WireClient } from './wire-client.ts'

/** Tickers of the simulated market and where they trade, roughly. */
const market = [
  ['ABX.TSX', 25.37],
  ['ARX.TSX', 24.18],
  ['BTO.TSX', 3.74],
  ['K.TSX', 9.83],
  ['LUN.TSX', 14.29],
  ['FM.TSX', 15.62],
] as const

/** Answers come long before, or never. */
const ANSWER_MS_MAX = 60_000

type Asked =
  | { readonly what: 'submit'; readonly clOrdId: string }
  | { readonly what: 'replace'; readonly clOrdId: string }
  | { readonly what: 'cancel' | 'update'; readonly orderId: number }

export class Trader {
  readonly client: WireClient
  readonly books: AccountBooks
  readonly #random: Random
  /** Of requests that were not answered yet. */
  readonly asked = new Map<number, Asked>()
  readonly #inFlightMax: number
  readonly #isAdministrator: boolean
  #isSending = false
  #onIdle: (() => void) | undefined
  /** Report sequences this connection was told: each once only. */
  readonly #told = new Set<number>()
  /** Counts acknowledged orders. */
  onAcknowledged: () => void = () => undefined

  /** @param isAdministrator the connection is an administrator's, who trades the account of the books. */
  constructor(client: WireClient, books: AccountBooks, random: Random, inFlightMax: number, isAdministrator = false) {
    this.client = client
    this.books = books
    this.#random = random
    this.#inFlightMax = inFlightMax
    this.#isAdministrator = isAdministrator
    client.onMessage = message => this.#take(message)
  }

  /** Follows the account from a sequence on. @returns when everything that there is has come. */
  async follow(fromSequence: number): Promise<void> {
    const { client, books } = this
    const answer = await client.ask([Kind.Subscribe, 0, books.account, 0, fromSequence])
    ok(answer[0] === Kind.Subscribed, `refused: ${JSON.stringify(answer)}`)
    const positions = await client.ask([Kind.Positions, 0, books.account])
    await books.until(positions[8] as number) // the report sequence of a PositionList
  }

  /** Sends until `stop`, or until the connection breaks. */
  start(): void {
    this.#isSending = true
    this.#fill()
  }

  /** Stops sending; resolves when everything was answered. */
  stop(): Promise<void> {
    this.#isSending = false
    return this.idle()
  }

  /** Resolves when nothing is unanswered. */
  idle(): Promise<void> {
    if (this.asked.size === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const giveUp = setTimeout(() => {
        const left = JSON.stringify([...this.asked.values()].slice(0, 3))
        const state = this.client.isClosed ? `, and the connection is closed: ${this.client.closingCode}` : ''
        reject(new Error(`${this.books.name}: ${this.asked.size} requests have no answer, as ${left}${state}`))
      }, ANSWER_MS_MAX)
      this.#onIdle = () => {
        clearTimeout(giveUp)
        resolve()
      }
    })
  }

  /** Sends everything again whose outcome nobody knows, and some of what was answered long ago. */
  resend(): void {
    const { books } = this
    for (const [clOrdId, { message }] of books.unanswered()) this.submit(clOrdId, message)
    for (const [clOrdId, { message }] of books.unansweredReplaces()) this.replace(clOrdId, message)
    for (const orderId of [...books.cancels]) this.#cancel(orderId)
    for (let i = 0; i < Math.min(20, books.replaced.length); i++) {
      const clOrdId = this.#random.pick(books.replaced)
      this.replace(clOrdId, books.replaces.get(clOrdId)!.message)
    }
    for (let i = 0; i < Math.min(20, books.acknowledged.length); i++) {
      const clOrdId = this.#random.pick(books.acknowledged)
      this.submit(clOrdId, books.sent.get(clOrdId)!.message)
    }
  }

  submit(clOrdId: string, message: readonly unknown[]): void {
    const { books } = this
    if (!books.sent.has(clOrdId)) books.sent.set(clOrdId, { message, orderId: 0, refused: 0 })
    this.asked.set(this.client.send(message), { what: 'submit', clOrdId })
  }

  replace(clOrdId: string, message: readonly unknown[]): void {
    const { books } = this
    if (!books.replaces.has(clOrdId)) books.replaces.set(clOrdId, { message, sequence: 0, refused: 0 })
    this.asked.set(this.client.send(message), { what: 'replace', clOrdId })
  }

  /** Asks for every live order to be canceled. */
  cancelAll(): void {
    for (const orderId of this.books.live()) this.#cancel(orderId)
  }

  #cancel(orderId: number): void {
    this.books.cancels.add(orderId)
    this.asked.set(this.client.send([Kind.Cancel, 0, this.books.account, orderId]), { what: 'cancel', orderId })
  }

  #fill(): void {
    while (this.#isSending && this.asked.size < this.#inFlightMax && this.client.socket.writable) this.#next()
  }

  #next(): void {
    const random = this.#random
    const { untouched } = this.books
    if (untouched.length > 40 && random.chance(0.4)) {
      const at = random.whole(0, untouched.length - 1)
      const orderId = untouched[at]
      // A replaced order stays among those that may be chosen.
      if (random.chance(0.4)) return this.#replace(orderId)
      untouched[at] = untouched.at(-1)!
      untouched.pop()
      if (this.#isAdministrator && random.chance(0.5)) this.#update(orderId)
      else this.#cancel(orderId)
      return
    }
    const clOrdId = this.books.nextClOrdId()
    this.submit(clOrdId, this.#order(clOrdId))
  }

  /** Other terms, near the old ones or through the market; some that may not be, and some for an order that has ended. */
  #replace(orderId: number): void {
    const random = this.#random
    const accepted = this.books.accepted.get(orderId)!
    const price = accepted[Accepted.price] as number
    const quantity = random.pick([100, 100, 200, 300, 400, 150])
    const away = random.pick([0, 0, -0.02, 0.02, -0.3, 0.3])
    const clOrdId = this.books.nextClOrdId()
    const next = Math.round(price * (1 + away) * 100) / 100
    this.replace(clOrdId, [Kind.Replace, 0, this.books.account, orderId, quantity, next, clOrdId])
  }

  /** A fill of one lot by hand, where the order has one left; an order of one lot ends so, which is refused here. */
  #update(orderId: number): void {
    const fees = [0.01, 0.02, -0.005]
    const message = [Kind.Update, 0, this.books.account, orderId, OrderStatus.PartiallyFilled, 100, 10.5]
    const requestId = this.client.send([...message, 'by hand', 'XTSE', 'A', ...fees])
    this.asked.set(requestId, { what: 'update', orderId })
  }

  #order(clOrdId: string): unknown[] {
    const random = this.#random
    const [ticker, near] = random.pick(market)
    const side = random.chance(0.5) ? Side.Bid : Side.Ask
    const lots = 100 * random.whole(1, 4)
    const away = side === Side.Bid ? -1 : 1
    const at = (share: number) => Math.round(near * (1 + away * share) * 100) / 100
    const order = (
      type: OrderType,
      quantity: number,
      price: number,
      timeInForce: TimeInForce = TimeInForce.Gtc,
      destination = '',
      tags: unknown = null,
    ) => [
      Kind.Submit,
      0,
      this.books.account,
      ticker,
      type,
      side,
      quantity,
      price,
      timeInForce,
      destination,
      0,
      clOrdId,
      0,
      tags,
    ]
    const what = random.next()
    if (what < 0.45) return order(OrderType.Limit, lots, at(random.whole(1, 30) / 100))
    if (what < 0.65) return order(OrderType.Limit, lots, at(-0.2))
    if (what < 0.75) return order(OrderType.Market, lots, 0, TimeInForce.Day)
    if (what < 0.8) return order(OrderType.Limit, lots, at(random.whole(-5, 5) / 100), TimeInForce.Ioc)
    if (what < 0.83) return order(OrderType.Limit, lots, at(random.whole(-5, 5) / 100), TimeInForce.Gtx)
    if (what < 0.86) return order(OrderType.Stop, lots, at(-0.1))
    if (what < 0.9) {
      const tags = [[TagKey.ExecInst, TagType.Text, random.pick(['R', 'P', 'M'])]]
      return order(OrderType.Pegged, lots, 0, TimeInForce.Gtc, '', tags)
    }
    // Booked by hand where an administrator asks, rejected otherwise.
    if (what < 0.93) return order(OrderType.Limit, lots, near, TimeInForce.Day, 'MOE')
    if (what < 0.95) return order(OrderType.Limit, 150, at(0.1))
    if (what < 0.96) return order(OrderType.Limit, 0, at(0.1))
    if (what < 0.97) return order(OrderType.Limit, lots, at(0.1), TimeInForce.Gtd)
    if (what < 0.98) return order(OrderType.Limit, lots, 25.3712345)
    return order(OrderType.Limit, lots, at(0.1), TimeInForce.Day, 'NOWHERE')
  }

  #take(message: Message): void {
    const [kind, requestId] = message as [kind: number, requestId: number]
    if (kind === Kind.OrderAccepted || kind === Kind.ExecutionReport) {
      const asked = this.asked.get(requestId)
      const sequence = message[3] as number // of an event
      if (requestId === 0) {
        ok(!this.#told.has(sequence), `report ${sequence} of ${this.books.name} was told twice to one connection`)
        this.#told.add(sequence)
        this.books.take(message)
        return
      }
      if (asked?.what === 'replace') {
        this.#answered(requestId)
        this.books.answeredReplace(asked.clOrdId, message)
        return
      }
      if (asked?.what !== 'submit') throw new Error(`nobody asked for ${JSON.stringify(message)}`)
      this.#answered(requestId)
      this.books.answered(asked.clOrdId, message)
      this.onAcknowledged()
      return
    }
    const asked = this.asked.get(requestId)
    if (asked === undefined) return // of another request, or a push that is no event
    this.#answered(requestId)
    if (asked.what === 'submit') this.books.answered(asked.clOrdId, message)
    else if (kind === Kind.Refused) {
      const code = message[3] as number // of a refusal
      const allowed: number[] = [Reason.OrderTerminal, Reason.IllegalUpdate, Reason.Stopping]
      if (asked.what === 'replace') this.books.answeredReplace(asked.clOrdId, message)
      ok(allowed.includes(code), `${this.books.name}: ${asked.what} refused: ${JSON.stringify(message)}`)
    } else ok(kind === Kind.Done, `${this.books.name}: ${asked.what} answered by ${JSON.stringify(message)}`)
    if (asked.what === 'cancel') this.books.cancels.delete(asked.orderId)
    this.#fill()
  }

  #answered(requestId: number): void {
    this.asked.delete(requestId)
    this.#fill()
    if (this.asked.size > 0 || this.#onIdle === undefined) return
    const resolve = this.#onIdle
    this.#onIdle = undefined
    resolve()
  }
}
