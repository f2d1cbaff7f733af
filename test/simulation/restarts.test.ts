// The whole server from a seed: orders, cancels, updates, quotes and time, with a store that lags behind, killed and
// stopped at random and started again with another number of shards. After each start everything that was ever told is
// told again, byte for byte, and every account stands as it stood. A failure prints the seed that repeats it.

import { deepEqual, equal, ok } from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { MICROS } from '../../src/domain/money.ts'
import { reasonName } from '../../src/domain/reasons.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import type { Value } from '../../src/protocol/msgpack.ts'
import { MarketEventType } from '../../src/services/market-data/market-event.ts'
import { NO_SLOT } from '../../src/shards/order-table.ts'
import { Rehearsal } from './rehearsal.ts'
import type { RehearsedPeer } from './rehearsed-peer.ts'
import { isEvent, range, smallDirectory, submit } from './stage.ts'

/** More for a longer search: RUNS=500. */
const RUNS = Number(process.env.RUNS ?? 25)
const traders = ['alice', 'bob', 'carol'] as const
const tickers = ['ABX.TSX', 'XYZ.TSXV', 'B.CSE'] as const

const cents = fc.integer({ min: 95, max: 105 })
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      trader: fc.constantFrom(...traders),
      ticker: fc.constantFrom(...tickers),
      side: fc.constantFrom(0, 1),
      type: fc.constantFrom(0, 1, 1, 1, 2, 3),
      cents,
      quantity: fc.constantFrom(100, 200, 300, 0.5, 0),
      timeInForce: fc.constantFrom(0, 1, 1, 4, 7),
      clOrdId: fc.constantFrom('', 'a', 'b', 'c'),
      tags: fc.constantFrom(null, [[18, 5, 'P']], [[1000, 5, 'é']]),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat({ max: 1000 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('replace' as const),
      which: fc.nat({ max: 1000 }),
      quantity: fc.constantFrom(100, 200, 300, 50, 0),
      cents,
      clOrdId: fc.constantFrom('', 'a', 'r', 's', 't'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('update' as const),
      which: fc.nat({ max: 1000 }),
      status: fc.constantFrom(3, 3, 3, 5, 6, 8, 10, 11),
      quantity: fc.constantFrom(0, 0, 50, 100, 1000),
      cents,
      fee: fc.constantFrom(0, 0.01),
      text: fc.constantFrom('', 'by hand'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('quote' as const),
      ticker: fc.constantFrom(...tickers),
      bid: cents,
      spread: fc.nat({ max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(1, 1, 20, 60, 3600, 86_400) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('copy' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      isOrderly: fc.boolean(),
      shards: fc.constantFrom(1, 2, 3),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** What one account is, beside its history. */
interface Standing {
  readonly orderSequence: number
  readonly reportSequence: number
  readonly used: number
  readonly live: unknown[]
  readonly holdings: unknown[]
}

class Life {
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'restarts-'))
  readonly #directory = smallDirectory()
  #rehearsal!: Rehearsal
  #peers = new Map<string, RehearsedPeer>()
  #root!: RehearsedPeer
  /** All events by account, as they were told first. */
  readonly #told = new Map<number, Value[][]>()
  /** Orders whose acceptance a client has seen: account and the answer. */
  readonly #acknowledged = new Map<number, Value[]>()
  /** First reports on replaces with client order ids that a client has seen, by account and id. */
  readonly #replaces = new Map<string, Value[]>()
  readonly #owners = new Map<number, number>()
  #shards = 1
  readonly #diskSeed: number
  #nowUs: number | undefined

  /** @param diskSeed see the rehearsal. */
  constructor(diskSeed: number) {
    this.#diskSeed = diskSeed
  }

  async start(shards: number): Promise<void> {
    this.#shards = shards
    this.#rehearsal = await Rehearsal.start({
      folder: this.#folder,
      directory: this.#directory,
      shards,
      checks: ['buying_power', 'risk_state'],
      snapshotReports: 7,
      diskSeed: this.#diskSeed,
      terms: () => ({ buyingPowerLimit: 2000 * MICROS }),
      ...(this.#nowUs === undefined ? {} : { nowUs: this.#nowUs }),
    })
    this.#peers = new Map()
    for (const trader of traders) this.#peers.set(trader, await this.#rehearsal.login(trader))
    this.#root = await this.#rehearsal.login('root')
    for (const trader of traders) this.#root.request(Kind.Subscribe, this.#directory.id(trader), 0, 1)
    await this.#rehearsal.settle()
  }

  async take(step: Step): Promise<void> {
    const rehearsal = this.#rehearsal
    switch (step.do) {
      case 'submit': {
        const { trader, cents, type, timeInForce, ...fields } = step
        const price = type === 0 || type === 2 ? 0 : cents / 100
        this.#owners.set(rehearsal.nextOrderId, this.#directory.id(trader))
        const expiry = timeInForce === 7 ? rehearsal.nowUs + 30_000_000 : 0
        submit(this.#peers.get(trader)!, { ...fields, type, timeInForce, price, expiry, tags: step.tags as Value })
        break
      }
      case 'cancel':
        this.#ask(Kind.Cancel, step.which)
        break
      case 'replace': {
        // Most of the last ones have ended.
        const live = this.#live()
        const orderId = live[step.which % live.length] ?? this.#recent(step.which)
        const account = this.#owners.get(orderId) ?? this.#directory.id('alice')
        const peer = this.#peers.get(this.#directory.nameOf(account))!
        peer.request(Kind.Replace, 0, orderId, step.quantity, step.cents / 100, step.clOrdId)
        break
      }
      case 'update':
        this.#ask(Kind.Update, step.which, step.status, step.quantity, step.cents / 100, step.text, '', '', step.fee)
        break
      case 'quote':
        this.quote(step.ticker, step.bid, step.bid + step.spread)
        break
      case 'wait':
        rehearsal.nowUs += step.seconds * 1_000_000
        rehearsal.tellTime()
        break
      case 'copy':
        await rehearsal.turnWriter()
        break
      case 'settle':
        await rehearsal.settle()
        break
      case 'restart':
        await this.#restart(step.isOrderly, step.shards)
        break
    }
  }

  /** Best bid and offer in cents. */
  quote(ticker: string, bid: number, ask: number): void {
    const { market, nowUs } = this.#rehearsal
    market.take({
      type: MarketEventType.Quote,
      ticker,
      bid: bid * 10_000,
      ask: ask * 10_000,
      bidSize: 0,
      askSize: 0,
      timestamp: nowUs,
    })
  }

  async end(): Promise<void> {
    await this.#restart(false, 1 + (this.#shards % 3))
    await this.#rehearsal.kill()
  }

  clean(): void {
    fs.rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Ids of the orders that live in any of the shards. */
  #live(): number[] {
    return this.#rehearsal.shards.flatMap(({ state: { orders } }) =>
      Array.from({ length: orders.slotsUsed }, (_, slot) => slot)
        .filter(slot => orders.isLive(slot))
        .map(slot => orders.orderId[slot]!),
    )
  }

  /** One of the last orders. */
  #recent(which: number): number {
    return Math.max(1, this.#rehearsal.nextOrderId - 1 - (which % 12))
  }

  /** An administrator's request about one of the last orders. */
  #ask(kind: Kind, which: number, ...elements: unknown[]): void {
    const orderId = this.#recent(which)
    const account = this.#owners.get(orderId) ?? this.#directory.id('alice')
    this.#root.request(kind, account, orderId, ...elements)
  }

  async #restart(isOrderly: boolean, shards: number): Promise<void> {
    // What no shard has taken yet was never acknowledged, and dies with a killed process.
    await this.#rehearsal.settle()
    this.#listen()
    this.#nowUs = this.#rehearsal.nowUs
    const before = traders.map(trader => this.#standing(trader))
    if (isOrderly) await this.#rehearsal.stop()
    else await this.#rehearsal.kill()
    await this.start(shards)
    for (const message of this.#root.take()) {
      if (!isEvent(message)) continue
      const history = this.#told.get(Number(message[2])) ?? []
      const known = history[Number(message[3]) - 1]
      // An order may end with the start, since its time has come; all else was told before.
      if (known === undefined) this.#note(message)
      else deepEqual(message, known)
    }
    const after = traders.map(trader => this.#standing(trader))
    deepEqual(after, before)
    for (const trader of traders) {
      const account = this.#directory.id(trader)
      const told = this.#told.get(account) ?? []
      deepEqual(
        told.map(([, , , sequence]) => sequence),
        range(1, this.#standing(trader).reportSequence),
      )
    }
    await this.#repeat()
    await this.#repeatReplaces()
    for (const ticker of tickers) this.quote(ticker, 98, 102)
  }

  /** The same client order id after the restart gives the first outcome again, whatever has become of the order. */
  async #repeat(): Promise<void> {
    for (const [orderId, accepted] of this.#acknowledged) {
      const [, , account, , , , , , ticker, currency, type, side, destination, quantity, price, timeInForce, expiry] =
        accepted
      const [clOrdId, tags] = [accepted[17], accepted[18]]
      if (clOrdId === '') continue
      const peer = this.#peers.get(this.#directory.nameOf(Number(account)))!
      peer.take()
      const before = this.#standing(this.#directory.nameOf(Number(account)) as (typeof traders)[number])
      const requestId = peer.request(
        Kind.Submit,
        0,
        ticker,
        type,
        side,
        quantity,
        price,
        timeInForce,
        destination,
        currency,
        clOrdId,
        expiry,
        tags,
      )
      await this.#rehearsal.settle()
      const answer = peer.take().find(message => message[1] === requestId)
      deepEqual(answer, [accepted[0], requestId, ...accepted.slice(2)], `order ${orderId}`)
      deepEqual(this.#standing(this.#directory.nameOf(Number(account)) as (typeof traders)[number]), before)
    }
  }

  /** So does that of a replace. */
  async #repeatReplaces(): Promise<void> {
    for (const first of this.#replaces.values()) {
      const trader = this.#directory.nameOf(Number(first[2])) as (typeof traders)[number]
      const peer = this.#peers.get(trader)!
      peer.take()
      const before = this.#standing(trader)
      const [clOrdId, quantity, price] = first.slice(22)
      const requestId = peer.request(Kind.Replace, 0, first[4], quantity, price, clOrdId)
      await this.#rehearsal.settle()
      const answer = peer.take().find(message => message[1] === requestId)
      deepEqual(answer, [first[0], requestId, ...first.slice(2)], `replace ${clOrdId}`)
      deepEqual(this.#standing(trader), before)
    }
  }

  /** Notes what has been told since the last time. */
  #listen(): void {
    for (const message of this.#root.take()) if (isEvent(message)) this.#note(message)
    for (const peer of this.#peers.values()) {
      for (const message of peer.take()) {
        if (message[0] === Kind.OrderAccepted && !this.#acknowledged.has(Number(message[4]))) {
          this.#acknowledged.set(Number(message[4]), message)
        } else if (message[0] === Kind.ExecutionReport && message[1] !== 0) {
          if (message[22] !== '') this.#replaces.set(`${message[2]} ${message[22]}`, message)
          const told = this.#told.get(Number(message[2]))?.[Number(message[3]) - 1]
          deepEqual(told, [message[0], 0, ...message.slice(2)], 'a replace was acknowledged')
        } else if (message[0] === Kind.Refused) {
          ok(!['INTERNAL', 'STORE_UNAVAILABLE'].includes(reasonName(Number(message[3]))), JSON.stringify(message))
        }
      }
    }
    for (const [orderId, accepted] of this.#acknowledged) {
      const told = this.#told.get(Number(accepted[2]))?.[Number(accepted[3]) - 1]
      deepEqual(told, [accepted[0], 0, ...accepted.slice(2)], `order ${orderId} was acknowledged`)
    }
  }

  #note(message: Value[]): void {
    const account = Number(message[2])
    const history = this.#told.get(account) ?? []
    this.#told.set(account, history)
    const sequence = Number(message[3])
    // The stream is told again from its first event after each start.
    if (sequence <= history.length) deepEqual(message, history[sequence - 1])
    else {
      equal(sequence, history.length + 1)
      history.push(message)
    }
  }

  #standing(trader: (typeof traders)[number]): Standing {
    const row = this.#directory.rowOf(this.#directory.id(trader))
    const { state } = this.#rehearsal.shards[row % this.#shards]!
    const book = state.books[row]
    if (book === undefined) return { orderSequence: 0, reportSequence: 0, used: 0, live: [], holdings: [] }
    const { orders } = state
    const live: unknown[] = []
    for (let slot = book.liveHead; slot !== NO_SLOT; slot = orders.next[slot]!) {
      live.push([
        orders.orderId[slot],
        orders.status[slot],
        orders.cumQty[slot],
        orders.reports[slot],
        orders.leftOut[slot],
        orders.quantity[slot],
        orders.price[slot],
        state.replaces.clOrdIdOf(slot),
      ])
    }
    const holdings = [...book.holdings.values()]
      .filter(({ inventory, pendingBuy, pendingSell }) => inventory.transactions > 0 || pendingBuy + pendingSell > 0)
      .map(({ listing, inventory, position, pendingBuy, pendingSell, exposure }) => ({
        ticker: listing.text,
        ...inventory,
        position,
        pendingBuy,
        pendingSell,
        expenditure: exposure.expenditure,
      }))
    return {
      orderSequence: book.orderSequence,
      reportSequence: book.reportSequence,
      used: book.used,
      live: live.sort((a, b) => Number((a as number[])[0]) - Number((b as number[])[0])),
      holdings: holdings.sort((a, b) => (a.ticker < b.ticker ? -1 : 1)),
    }
  }
}

test('however often the server is killed, stopped and started, its history and its accounts are the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 120, size: 'max' }),
      fc.nat(),
      async (steps, diskSeed) => {
        const life = new Life(diskSeed)
        try {
          await life.start(1)
          for (const ticker of tickers) life.quote(ticker, 98, 102)
          for (const step of steps) await life.take(step)
          await life.end()
        } finally {
          life.clean()
        }
      },
    ),
    { numRuns: RUNS },
  )
})
