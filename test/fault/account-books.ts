// An account's books on the client's side of the wire: what was sent, what was answered, every event by its sequence.
// From the events alone follow positions, buying power and live orders, by arithmetic that is as plain as can be; the
// server's record is held against them.

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { emptyInventory, type Inventory, record } from '../../src/accounting/inventory.ts'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { ExchangeRateTable } from '../../src/domain/exchange-rates.ts'
import { MICROS } from '../../src/domain/money.ts'
import { isTerminal, OrderStatus } from '../../src/domain/order-status.ts'
import { Side } from '../../src/domain/side.ts'
import { Kind, LimitKind, RangePoint } from '../../src/protocol/kinds.ts'
import type { Message, WireClient } from './wire-client.ts'

/** Places of the elements of an OrderAccepted. */
export const Accepted = {
  reportSequence: 3,
  orderId: 4,
  orderSequence: 5,
  timestamp: 6,
  ticker: 8,
  currency: 9,
  type: 10,
  side: 11,
  quantity: 13,
  price: 14,
  clOrdId: 17,
  shortFlag: 19,
  holdPrice: 20,
} as const

/** Places of the elements of an ExecutionReport. */
export const Report = {
  reportSequence: 3,
  orderId: 4,
  sequence: 5,
  timestamp: 6,
  status: 7,
  lastQty: 8,
  lastPx: 9,
  cumQty: 10,
  leavesQty: 11,
  executionFee: 14,
  processingFee: 15,
  commission: 16,
  reason: 17,
  operator: 21,
  // Of a replace.
  clOrdId: 22,
  quantity: 23,
  price: 24,
  shortFlag: 25,
  holdPrice: 26,
} as const

const rates = new ExchangeRateTable(definitionsFromData(definitionsData).exchangeRates)
const micros = (amount: unknown) => Math.round((amount as number) * MICROS) // of an amount on the wire
const number = (value: unknown) => (value ?? 0) as number

/** A submission, and what is known of it. */
export interface Sent {
  readonly message: readonly unknown[]
  /** Its order, once that was acknowledged. */
  orderId: number
  /** Code of its refusal. */
  refused: number
}

/** A replace, and what is known of it. */
export interface SentReplace {
  readonly message: readonly unknown[]
  /** Report sequence of the first report on it, once that was acknowledged. */
  sequence: number
  /** Code of its refusal. */
  refused: number
}

interface LiveOrder {
  readonly ticker: string
  readonly side: Side
  /** In whole units, like every quantity here: the load trades lots. */
  leaves: number
  /** In micros of the account's currency. */
  holdPrice: number
  /** Terms of a replace that is under way. */
  next: Message | undefined
}

interface Held {
  currency: number
  readonly inventory: Inventory
  position: number
  expenditure: bigint
  /** Open in live asks. */
  offered: number
}

/** What the events up to a sequence come to. */
interface Standing {
  readonly live: Map<number, LiveOrder>
  readonly held: Map<string, Held>
}

/** What was verified, for the figures of a campaign. */
export interface Verified {
  orders: number
  reports: number
  live: number
}

export class AccountBooks {
  readonly name: string
  account = 0
  /** Currency of the account's risk parameters. */
  readonly currency: number
  readonly sent = new Map<string, Sent>()
  /** Orders acknowledged, in the order of their acknowledgement. */
  readonly acknowledged: string[] = []
  /** By report sequence less one; with gaps where an answer came ahead of its turn. */
  readonly events: Message[] = []
  /** Cancels that were sent and not answered. */
  readonly cancels = new Set<number>()
  /** By their client order ids. */
  readonly replaces = new Map<string, SentReplace>()
  /** Replaces acknowledged, in the order of their acknowledgement. */
  readonly replaced: string[] = []
  /** Acceptances, by order id. */
  readonly accepted = new Map<number, Message>()
  /** Accepted and not chosen for a cancel or an update yet. */
  readonly untouched: number[] = []
  #next = 1
  #count = 0
  readonly #waiters = new Set<{ sequence: number; resolve: () => void }>()

  constructor(name: string, currency: number) {
    this.name = name
    this.currency = currency
  }

  /** The first report sequence that has not been received. */
  get next(): number {
    return this.#next
  }

  nextClOrdId(): string {
    this.#count += 1
    return `${this.name}-${this.#count}`
  }

  /** An event of the account, from whichever connection. */
  take(message: Message): void {
    const event = message.slice()
    event[1] = 0
    const sequence = event[3] as number // of an event
    const known = this.events[sequence - 1]
    if (known !== undefined) {
      ok(isDeepStrictEqual(event, known), `${this.name}: report ${sequence} came twice, and differently`)
      return
    }
    this.events[sequence - 1] = event
    while (this.events[this.#next - 1] !== undefined) this.#next += 1
    if (event[0] === Kind.OrderAccepted) {
      this.untouched.push(event[Accepted.orderId] as number)
      this.accepted.set(event[Accepted.orderId] as number, event)
    }
    for (const waiter of this.#waiters) if (this.#next > waiter.sequence) waiter.resolve()
  }

  /** Waits until everything up to the sequence has been received. */
  async until(sequence: number): Promise<void> {
    if (this.#next > sequence) return
    let waiter: { sequence: number; resolve: () => void } | undefined
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve, reject) => {
      waiter = { sequence, resolve }
      this.#waiters.add(waiter)
      const text = `${this.name}: report ${this.#next} did not come, though there are ${sequence}`
      timer = setTimeout(() => reject(new Error(text)), 60_000)
    }).finally(() => {
      clearTimeout(timer)
      this.#waiters.delete(waiter!)
    })
  }

  /** The answer to a submission. */
  answered(clOrdId: string, answer: Message): void {
    const sent = this.sent.get(clOrdId)!
    if (answer[0] === Kind.Refused) {
      const text = JSON.stringify(answer)
      strictEqual(sent.orderId, 0, `${this.name}: ${clOrdId} was accepted and is refused now: ${text}`)
      sent.refused = answer[3] as number // of a refusal
      return
    }
    strictEqual(answer[0], Kind.OrderAccepted)
    strictEqual(answer[Accepted.clOrdId], clOrdId)
    const orderId = answer[Accepted.orderId] as number
    if (sent.orderId !== 0) strictEqual(orderId, sent.orderId, `${this.name}: ${clOrdId} has got a second order`)
    else this.acknowledged.push(clOrdId)
    sent.orderId = orderId
    this.take(answer)
  }

  /** The answer to a replace: the first report on it, the same whenever it is asked for. */
  answeredReplace(clOrdId: string, answer: Message): void {
    const sent = this.replaces.get(clOrdId)!
    if (answer[0] === Kind.Refused) {
      const text = JSON.stringify(answer)
      strictEqual(sent.sequence, 0, `${this.name}: ${clOrdId} was acknowledged and is refused now: ${text}`)
      sent.refused = answer[3] as number // of a refusal
      return
    }
    strictEqual(answer[0], Kind.ExecutionReport)
    strictEqual(answer[Report.clOrdId], clOrdId)
    const sequence = answer[Report.reportSequence] as number
    if (sent.sequence !== 0) strictEqual(sequence, sent.sequence, `${this.name}: ${clOrdId} was carried out twice`)
    else this.replaced.push(clOrdId)
    sent.sequence = sequence
    this.take(answer)
  }

  /** Replaces of unknown outcome. */
  *unansweredReplaces(): Generator<[clOrdId: string, sent: SentReplace]> {
    for (const entry of this.replaces) if (entry[1].sequence === 0 && entry[1].refused === 0) yield entry
  }

  /** Orders that are live after what was received without a gap. */
  live(): number[] {
    return [...this.#standing(this.#next - 1).live.keys()]
  }

  /** Orders that are live after a report, and what was ever traded up to it, by ticker. */
  after(reportSequence: number): { live: ReadonlySet<number>; inventories: ReadonlyMap<string, Inventory> } {
    const { live, held } = this.#standing(reportSequence)
    const inventories = [...held].map(([ticker, { inventory }]) => [ticker, inventory] as const)
    return { live: new Set(live.keys()), inventories: new Map(inventories) }
  }

  /** Submissions of unknown outcome. */
  *unanswered(): Generator<[clOrdId: string, sent: Sent]> {
    for (const entry of this.sent) if (entry[1].orderId === 0 && entry[1].refused === 0) yield entry
  }

  /**
   * Holds the server's whole record of the account against the books. Everything sent has to be answered, and nothing
   * under way; the market may move. The client follows the account.
   */
  async verify(client: WireClient): Promise<Verified> {
    const { account } = this
    const standing = await this.#steadyPositions(client)
    const reportSequence = standing[8] as number // of a PositionList
    await this.until(reportSequence)
    this.#verifyStanding(standing, this.#standing(reportSequence))

    const reports = await client.askAll([Kind.QueryReports, 0, account, 0, RangePoint.Present, LimitKind.Unlimited])
    const end = reports.pop()!
    strictEqual(end[0], Kind.QueryEnd)
    strictEqual(end[3], reports.length)
    strictEqual(end[5], reports.length, `${this.name}: the record has another length than the sequence it was cut at`)
    await this.until(reports.length)
    for (const [index, row] of reports.entries()) {
      const event = row[3] as Message // of a ReportRecord
      event[1] = 0
      strictEqual(event[3], index + 1, `${this.name}: a gap or a duplicate in the record`)
      deepStrictEqual(event, this.events[index], `${this.name}: report ${index + 1} is recorded otherwise than told`)
    }
    const orders = await this.#verifyOrders(client)
    return { orders, reports: reports.length, live: standing[7] as number }
  }

  /** Positions that did not move while they were read. */
  async #steadyPositions(client: WireClient): Promise<Message> {
    const ask = async () => {
      const answer = await client.ask([Kind.Positions, 0, this.account])
      answer[1] = 0
      return answer
    }
    let last = await ask()
    for (;;) {
      const again = await ask()
      if (isDeepStrictEqual(last, again)) return again
      last = again
    }
  }

  async #verifyOrders(client: WireClient): Promise<number> {
    const { account } = this
    const records = await client.askAll([Kind.QueryOrders, 0, account, 0, RangePoint.Present, LimitKind.Unlimited])
    const end = records.pop()!
    strictEqual(end[0], Kind.QueryEnd)
    strictEqual(end[6], records.length)
    await this.until(end[5] as number)
    const found = new Set<string>()
    const ids = new Set<number>()
    const known = this.#byOrder(end[5] as number)
    for (const [index, row] of records.entries()) {
      const accepted = row[3] as Message // of an OrderRecord
      const reports = row[4] as Message[]
      accepted[1] = 0
      const clOrdId = accepted[Accepted.clOrdId] as string
      const orderId = accepted[Accepted.orderId] as number
      strictEqual(accepted[Accepted.orderSequence], index + 1, `${this.name}: a gap or a duplicate among the orders`)
      ok(!found.has(clOrdId), `${this.name}: ${clOrdId} is in the record twice`)
      ok(!ids.has(orderId), `${this.name}: order ${orderId} is in the record twice`)
      found.add(clOrdId)
      ids.add(orderId)
      const sent = this.sent.get(clOrdId)
      ok(sent !== undefined, `${this.name}: ${clOrdId} is in the record and was never sent`)
      strictEqual(sent.orderId, orderId, `${this.name}: ${clOrdId} was acknowledged as another order`)
      const own = known.get(orderId)!
      for (const report of reports) report[1] = 0
      deepStrictEqual([accepted, ...reports], own, `${this.name}: order ${orderId} is recorded otherwise than told`)
      for (const [sequence, report] of reports.entries()) strictEqual(report[Report.sequence], sequence + 1)
    }
    for (const clOrdId of this.acknowledged) ok(found.has(clOrdId), `${this.name}: acknowledged ${clOrdId} is lost`)
    return records.length
  }

  /** The events of each order, in their sequence. */
  #byOrder(reportSequence: number): Map<number, Message[]> {
    const orders = new Map<number, Message[]>()
    for (const event of this.events.slice(0, reportSequence)) {
      const orderId = event[Report.orderId] as number
      const own = orders.get(orderId)
      if (own === undefined) orders.set(orderId, [event])
      else own.push(event)
    }
    return orders
  }

  #verifyStanding(answer: Message, { live, held }: Standing): void {
    const [, , , currency, , used, , openOrders, , positions] = answer
    strictEqual(currency, this.currency)
    strictEqual(openOrders, live.size, `${this.name}: another number of open orders`)
    const listed = positions as [ticker: string, ...figures: number[]][] // of a PositionList
    const theirs = new Map(listed.map(([ticker, ...figures]) => [ticker, figures]))
    const ours = new Map<string, number[]>()
    for (const [ticker, { currency: heldCurrency, inventory }] of held) {
      const pending = (side: Side) =>
        [...live.values()].reduce((sum, o) => sum + (o.ticker === ticker && o.side === side ? o.leaves : 0), 0)
      const { quantity, costBasis, gross, fees } = inventory
      ours.set(ticker, [
        heldCurrency,
        quantity / MICROS,
        costBasis / MICROS,
        pending(Side.Bid),
        pending(Side.Ask),
        gross / MICROS,
        fees / MICROS,
      ])
    }
    // A ticker in which nothing was ever held or is offered need not be shown.
    for (const [ticker, figures] of [...ours]) {
      if (!theirs.has(ticker) && figures.slice(1).every(figure => figure === 0)) ours.delete(ticker)
    }
    deepStrictEqual(sorted(theirs), sorted(ours), `${this.name}: other positions`)
    strictEqual(micros(used), Number(usedBuyingPower({ live, held })), `${this.name}: another used buying power`)
  }

  /** Follows the events, and checks on the way what each has to say. */
  #standing(reportSequence: number): Standing {
    const live = new Map<number, LiveOrder>()
    const held = new Map<string, Held>()
    const next = new Map<number, { sequence: number; cumQty: number; quantity: number; currency: number }>()
    const replaceIds = new Set<string>()
    let orderSequence = 0
    let timestamp = 0
    for (let sequence = 1; sequence <= reportSequence; sequence++) {
      const event = this.events[sequence - 1]
      const orderId = event[Accepted.orderId] as number
      if (number(event[Report.operator]) === 0 || event[0] === Kind.OrderAccepted) {
        ok((event[6] as number) >= timestamp, `${this.name}: time goes back at report ${sequence}`)
        timestamp = event[6] as number
      }
      if (event[0] === Kind.OrderAccepted) {
        orderSequence += 1
        strictEqual(event[Accepted.orderSequence], orderSequence)
        ok(!next.has(orderId), `${this.name}: order ${orderId} is accepted twice`)
        const ticker = event[Accepted.ticker] as string
        const quantity = event[Accepted.quantity] as number
        const side = event[Accepted.side] as Side
        const currency = event[Accepted.currency] as number
        next.set(orderId, { sequence: 1, cumQty: 0, quantity, currency })
        let inTicker = held.get(ticker)
        if (inTicker === undefined) {
          inTicker = { currency: 0, inventory: emptyInventory(), position: 0, expenditure: 0n, offered: 0 }
          held.set(ticker, inTicker)
        }
        const isShort = side === Side.Ask && inTicker.offered + quantity > inTicker.position
        strictEqual(event[Accepted.shortFlag] === 1, isShort, `${this.name}: the short flag of ${orderId}`)
        live.set(orderId, {
          ticker,
          side,
          leaves: quantity,
          holdPrice: number(event[Accepted.holdPrice]),
          next: undefined,
        })
        if (side === Side.Ask) inTicker.offered += quantity
        continue
      }
      const order = live.get(orderId)
      const told = next.get(orderId)
      ok(order !== undefined && told !== undefined, `${this.name}: a report on order ${orderId}, which is not live`)
      strictEqual(event[Report.sequence], told.sequence, `${this.name}: a gap in the reports of order ${orderId}`)
      told.sequence += 1
      const lastQty = event[Report.lastQty] as number
      const status = event[Report.status] as OrderStatus
      told.cumQty += lastQty
      strictEqual(event[Report.cumQty], told.cumQty)
      const offers = held.get(order.ticker)!
      const isFirst = status === OrderStatus.PendingReplace || (status === OrderStatus.ReplaceReject && !order.next)
      if (isFirst) {
        const clOrdId = event[Report.clOrdId] as string
        ok(!replaceIds.has(clOrdId), `${this.name}: the replace ${clOrdId} was carried out twice`)
        replaceIds.add(clOrdId)
        const { message, refused } = this.replaces.get(clOrdId) ?? {}
        ok(message !== undefined && refused === 0, `${this.name}: ${clOrdId} was never sent, or was refused`)
        deepStrictEqual([event[Report.quantity], event[Report.price]], message.slice(4, 6))
      }
      if (status === OrderStatus.PendingReplace) {
        order.next = event
        const wanted = Math.max(0, (event[Report.quantity] as number) - told.cumQty)
        const isShort = order.side === Side.Ask && offers.offered - order.leaves + wanted > offers.position
        strictEqual(event[Report.shortFlag] === 1, isShort, `${this.name}: the short flag of replaced ${orderId}`)
      } else if (status === OrderStatus.Replaced) {
        ok(order.next !== undefined, `${this.name}: order ${orderId} was replaced out of the blue`)
        const quantity = Math.max(order.next[Report.quantity] as number, told.cumQty)
        deepStrictEqual([event[Report.quantity], ...event.slice(24)], [quantity, ...order.next.slice(24)])
        order.next = undefined
        told.quantity = quantity
        if (order.side === Side.Ask) offers.offered += quantity - told.cumQty - order.leaves
        order.leaves = quantity - told.cumQty
        order.holdPrice = number(event[Report.holdPrice])
      } else if (status === OrderStatus.ReplaceReject) order.next = undefined
      ok(!isTerminal(status) || order.next === undefined, `${this.name}: a replace of ${orderId} has no end`)
      strictEqual(event[Report.leavesQty], isTerminal(status) ? 0 : Math.max(0, told.quantity - told.cumQty))
      const inTicker = held.get(order.ticker)!
      if (lastQty !== 0) this.#book(inTicker, order.side, event, told.currency)
      const leaves = isTerminal(status) ? 0 : Math.max(0, order.leaves - lastQty)
      if (order.side === Side.Ask) inTicker.offered -= order.leaves - leaves
      order.leaves = leaves
      if (isTerminal(status)) live.delete(orderId)
    }
    return { live, held }
  }

  #book(held: Held, side: Side, event: Message, currency: number): void {
    const quantity = (side === Side.Bid ? 1 : -1) * (event[Report.lastQty] as number)
    ok(Number.isInteger(quantity), 'the load trades whole units')
    const price = micros(event[Report.lastPx])
    const fees = micros(event[Report.executionFee] ?? 0) + micros(event[Report.processingFee] ?? 0)
    if (held.currency === 0) held.currency = currency
    record(held.inventory, quantity * MICROS, quantity * price, fees + micros(event[Report.commission] ?? 0))
    // Buying power counts in the account's currency: what is closed leaves at average cost, what is opened comes at its
    // price.
    const converted = convert(price, currency, this.currency)
    const opens = held.position === 0 || held.position > 0 === quantity > 0
    const closed = opens ? 0 : Math.min(Math.abs(quantity), Math.abs(held.position))
    if (closed > 0) held.expenditure -= rounded(held.expenditure * BigInt(closed), BigInt(Math.abs(held.position)))
    const opened = quantity + (quantity > 0 ? -closed : closed)
    held.expenditure += BigInt(opened) * BigInt(converted)
    held.position += quantity
  }
}

function sorted<Value>(map: Map<string, Value>): [string, Value][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** What positions and live orders tie up, in micros: the rule, ticker by ticker and unit by unit. */
function usedBuyingPower({ live, held }: Standing): bigint {
  let used = 0n
  for (const [ticker, { position, expenditure }] of held) {
    const side = (wanted: Side) => [...live.values()].filter(o => o.ticker === ticker && o.side === wanted)
    const asks = side(Side.Ask).sort((a, b) => a.holdPrice - b.holdPrice)
    const bids = side(Side.Bid).sort((a, b) => b.holdPrice - a.holdPrice)
    const askCost = costBehind(asks, Math.max(position, 0))
    const bidCost = costBehind(bids, Math.max(-position, 0))
    used += position >= 0 ? larger(askCost, bidCost + expenditure) : larger(askCost - expenditure, bidCost)
  }
  return used
}

/** What the orders cost, less the first `free` units of them. */
function costBehind(orders: readonly LiveOrder[], free: number): bigint {
  let left = free
  let cost = 0n
  for (const { leaves, holdPrice } of orders) {
    const skipped = Math.min(left, leaves)
    left -= skipped
    cost += BigInt(leaves - skipped) * BigInt(holdPrice)
  }
  return cost
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function convert(amount: number, from: number, to: number): number {
  if (from === to) return amount
  const rate = rates.find(from, to)
  ok(rate !== undefined)
  return Number(rounded(BigInt(amount) * BigInt(rate.numerator), BigInt(rate.denominator)))
}

/** The quotient to the nearest whole number, halves away from zero; the divisor is positive. */
function rounded(dividend: bigint, divisor: bigint): bigint {
  const magnitude = dividend < 0n ? -dividend : dividend
  const quotient = (2n * magnitude + divisor) / (2n * divisor)
  return dividend < 0n ? -quotient : quotient
}
