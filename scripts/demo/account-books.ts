// The client's own books of one account: what was sent, what was acknowledged, every event that came. They are kept on
// this side of the wire alone, and at the end the server's record is held against them.

import { isDeepStrictEqual } from 'node:util'
import {
  isTerminal,
  type OesClient,
  type OrderEvent,
  OrderTracker,
  type SentOrder,
  Side,
  type SubmitOutcome,
  type TrackedOrder,
} from '../../src/client/index.ts'
import type { Latencies } from './latencies.ts'
import { Trouble } from './trouble.ts'

/** Counted in millionths, so that sums are exact. */
const micros = (amount: number) => Math.round(amount * 1e6)

export interface Proof {
  orders: number
  reports: number
  fills: number
  live: number
}

export class AccountBooks {
  readonly name: string
  readonly account: number
  /** By client order id: what came of each order sent; undefined while nobody knows. */
  readonly outcomes = new Map<string, SubmitOutcome | undefined>()
  /** By account report sequence, as they came. */
  readonly events = new Map<number, OrderEvent>()
  readonly #tracker = new OrderTracker({ endedMax: Number.POSITIVE_INFINITY })
  readonly #client: OesClient
  readonly #dueMs = new Map<string, number>()
  readonly #waiting = new Set<{ isMet: () => boolean; resolve: () => void }>()
  #failure: Error | undefined
  #count = 0

  private constructor(name: string, client: OesClient) {
    this.name = name
    this.account = client.session.account
    this.#client = client
  }

  /** Books that follow the account from its first event on; `fills` gets the time from when an order was due to its fill. */
  static async open(name: string, client: OesClient, fills: Latencies): Promise<AccountBooks> {
    const books = new AccountBooks(name, client)
    const subscription = await client.subscribe({ account: books.account, fromSequence: 1 })
    void (async () => {
      try {
        for await (const event of subscription) if (event.event !== 'membership') books.#enter(event, fills)
      } catch (error) {
        books.#failure = error as Error
        for (const waiter of books.#waiting) waiter.resolve()
      }
    })()
    return books
  }

  /** Gives an order of the account, due at `dueMs`, the id under which the books keep it. */
  sending<Order extends object>(order: Order, dueMs: number): Order & { account: number; clOrdId: string } {
    this.#count += 1
    const clOrdId = `${this.name}-${this.#count}`
    this.outcomes.set(clOrdId, undefined)
    this.#dueMs.set(clOrdId, dueMs)
    return { ...order, account: this.account, clOrdId }
  }

  /** Of an order that cannot have reached the server. */
  neverSent(clOrdId: string): void {
    this.outcomes.delete(clOrdId)
    this.#dueMs.delete(clOrdId)
  }

  answered(clOrdId: string, outcome: SubmitOutcome): void {
    this.outcomes.set(clOrdId, outcome)
    // An order that met a dead server tells nothing about how fast a living one is.
    if (outcome.outcome === 'unknown') this.#dueMs.delete(clOrdId)
  }

  /** Orders whose outcome nobody knows. */
  *unknown(): Generator<SubmitOutcome & { outcome: 'unknown' }> {
    for (const outcome of this.outcomes.values()) if (outcome?.outcome === 'unknown') yield outcome
  }

  order(orderId: number): TrackedOrder | undefined {
    return this.#tracker.get(orderId)
  }

  *live(): Generator<TrackedOrder> {
    yield* this.#tracker.live()
  }

  /** Waits for an event after which the condition holds. @throws Trouble after `ms`. */
  async until(what: string, isMet: () => boolean, ms = 5_000): Promise<void> {
    if (!isMet()) {
      let waiter: { isMet: () => boolean; resolve: () => void } | undefined
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve, reject) => {
        waiter = { isMet, resolve }
        this.#waiting.add(waiter)
        timer = setTimeout(() => reject(new Trouble(`${this.name}: ${what} did not come within ${ms} ms.`)), ms)
      }).finally(() => {
        clearTimeout(timer)
        this.#waiting.delete(waiter!)
      })
    }
    if (this.#failure !== undefined) throw new Trouble(`${this.name}'s subscription ended: ${this.#failure.message}`)
  }

  /**
   * Holds the server's record against the books: every acknowledged order once, as it was acknowledged; every event as it
   * was received; sequences without gap; orders that were refused nowhere; positions as the fills add up.
   * @throws Trouble with the first thing that does not hold.
   */
  async prove(): Promise<Proof> {
    const client = this.#client
    const positions = await client.positions(this.account)
    await this.until(`report ${positions.reportSequence}`, () => this.events.size >= positions.reportSequence)

    let reports = 0
    for await (const event of client.queryReports({ account: this.account })) {
      reports += 1
      this.#hold(event.reportSequence === reports, `report ${reports} is missing from the record`)
      const own = this.events.get(reports)
      this.#hold(own !== undefined, `report ${reports} never came`)
      this.#hold(isDeepStrictEqual(event, own), `report ${reports} is recorded otherwise than it was received`)
    }
    this.#hold(reports === this.events.size, `${this.events.size} reports came, ${reports} are in the record`)

    let orders = 0
    const recorded = new Set<string>()
    for await (const { accepted } of client.queryOrders({ account: this.account })) {
      orders += 1
      const { clOrdId, orderId } = accepted
      this.#hold(accepted.orderSequence === orders, `order ${orders} is missing from the record`)
      this.#hold(!recorded.has(clOrdId), `order ${clOrdId} is in the record twice`)
      recorded.add(clOrdId)
      const outcome = this.outcomes.get(clOrdId)
      this.#hold(outcome?.outcome === 'accepted', `order ${clOrdId} is in the record and was not acknowledged`)
      if (outcome?.outcome !== 'accepted') continue
      this.#hold(outcome.order.orderId === orderId, `order ${clOrdId} was acknowledged under another id`)
      this.#hold(isDeepStrictEqual(outcome.order, accepted), `order ${clOrdId} is not as it was acknowledged`)
    }
    for (const [clOrdId, outcome] of this.outcomes) {
      this.#hold(outcome !== undefined, `nobody knows what became of order ${clOrdId}`)
      const isLost = outcome?.outcome === 'accepted' && !recorded.has(clOrdId)
      this.#hold(!isLost, `order ${clOrdId} was acknowledged and is not in the record`)
    }

    const { held, fills } = this.#sumOfFills()
    for (const { ticker, quantity } of positions.positions) {
      const own = held.get(ticker) ?? 0
      this.#hold(own === micros(quantity), `the position in ${ticker} is ${quantity}, the fills add up to ${own / 1e6}`)
      held.delete(ticker)
    }
    for (const [ticker, own] of held) {
      this.#hold(own === 0, `the position in ${ticker} is missing`)
    }
    const live = [...this.live()].length
    this.#hold(live === positions.openOrders, `${live} orders should be open, ${positions.openOrders} are`)
    return { orders, reports, fills, live }
  }

  #hold(holds: boolean, sentence: string): void {
    if (!holds) throw new Trouble(`${this.name}: ${sentence}.`)
  }

  #enter(event: OrderEvent, latencies: Latencies): void {
    this.#hold(event.reportSequence === this.events.size + 1, `report ${event.reportSequence} came out of turn`)
    this.events.set(event.reportSequence, event)
    const order = this.#tracker.apply(event)
    if (order !== undefined && isTerminal(order.status)) {
      const dueMs = this.#dueMs.get(order.accepted.clOrdId)
      if (dueMs !== undefined && order.cumQty > 0) latencies.add(performance.now() - dueMs)
      this.#dueMs.delete(order.accepted.clOrdId)
    }
    for (const waiter of this.#waiting) if (waiter.isMet()) waiter.resolve()
  }

  /** By ticker, in millionths: what the fills that were received add up to. */
  #sumOfFills(): { held: Map<string, number>; fills: number } {
    const held = new Map<string, number>()
    let fills = 0
    for (const event of this.events.values()) {
      if (event.event === 'accepted' || event.lastQty === 0) continue
      fills += 1
      const { ticker, side } = this.#tracker.get(event.orderId)!.accepted
      const sign = side === Side.Bid ? 1 : -1
      held.set(ticker, (held.get(ticker) ?? 0) + sign * micros(event.lastQty))
    }
    return { held, fills }
  }
}

/** Sends an order and keeps the books. */
export async function place(
  client: OesClient,
  books: AccountBooks,
  order: Omit<SentOrder, 'account' | 'clOrdId'>,
  dueMs = performance.now(),
): Promise<SubmitOutcome> {
  const sent = books.sending(order, dueMs)
  const outcome = await client.submit(sent).catch((error: unknown) => {
    books.neverSent(sent.clOrdId)
    throw error
  })
  books.answered(sent.clOrdId, outcome)
  return outcome
}
