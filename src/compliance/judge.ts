// The judge of pooled rules: rules that count the accounts of several shards together are here, in one shard, and nowhere
// else. It hears of every order of an account under them before it is accepted, and of everything that becomes of it, and
// answers in the order in which it is asked. It knows nothing of the shard that it lives in, and meets the accounts of that
// one on the same road as all others.
//
//   message ─┬─ how an account stands, a fill, an end: taken at once
//            └─ a rule, a place, a question: in their order, once all accounts that are expected have told how they stand
//
// From the verdict that an order may be accepted the order counts, and it does until it is told to be over or has ended.
// From the verdict that it may be replaced it counts with the worse of its old and new terms, until it is told which it has.
// So between two verdicts nothing is forgotten, whatever is still under way.

import { unreachable } from '../base/assert.ts'
import type { Definitions } from '../domain/definitions.ts'
import { OrderStatus } from '../domain/order-status.ts'
import { Reason } from '../domain/reasons.ts'
import type { Ticker } from '../domain/tickers.ts'
import type { Venue } from '../domain/venues.ts'
import { copyOf, type PastReport, PooledMemory, type PooledPosition, reportOf } from './pooled-memory.ts'
import {
  type JudgeMessage,
  ToJudge,
  type ToldOrder,
  type ToldReplace,
  type ToldReport,
  unpackToJudge,
  type Verdict,
} from './pooled-messages.ts'
import { OrderUnderRule, type ReportUnderRule, type RuleView } from './rule.ts'
import { ruleOfBody } from './rule-messages.ts'
import { RuleSet, type Violation } from './rule-set.ts'
import { RuleState } from './schema.ts'

/** A ticker as the judge numbers it. */
export interface JudgedTicker {
  readonly index: number
  readonly ticker: Ticker
  /** Undefined where the definitions do not know it any more. */
  readonly venue: Venue | undefined
}

/** What the judge asks about the market; tickers have numbers of its own. */
export interface JudgeMarket extends RuleView {
  tickerOf(text: string): JudgedTicker
}

export interface JudgeListener {
  /** To the shard of the account in this row. */
  verdict(row: number, verdict: Verdict): void
  /** With the rule's revision where it has shut itself by that, and 0 elsewhere. */
  violated(violation: Violation, trippedRevision: number): void
}

/** An account that has told how it stands. */
interface Enrolled {
  readonly epoch: number
  nodes: readonly number[]
}

/** How an account stands, as far as it has told. */
interface Enrollment {
  readonly epoch: number
  readonly nodes: readonly number[]
  readonly positions: PooledPosition[]
  readonly orders: OrderUnderRule[]
  readonly past: PastReport[]
}

const NOWHERE: readonly number[] = []

export class Judge {
  readonly #market: JudgeMarket
  readonly #listener: JudgeListener
  readonly #memory = new PooledMemory()
  readonly #rules: RuleSet
  /** Revisions of the rules in force, by their ids. */
  readonly #entries = new Map<number, number>()
  readonly #accounts = new Map<number, Enrolled>()
  /** By account and epoch: those that have not told all of it yet. */
  readonly #expected = new Map<string, Enrollment>()
  /** What has to wait for them. One question for each account at most, and what main says in the meantime. */
  readonly #waiting: JudgeMessage[] = []
  /** The latest time it has heard of, µs: accounts of several shards are judged by one time, which never goes back. */
  #nowUs = 0

  constructor(definitions: Definitions, market: JudgeMarket, listener: JudgeListener) {
    this.#market = market
    this.#listener = listener
    const nodesOf = (account: number) => this.#accounts.get(account)?.nodes ?? NOWHERE
    this.#rules = new RuleSet(definitions, market, nodesOf, this.#memory)
  }

  /** Live orders that it knows of, and those that it has let pass. */
  get ordersKnown(): number {
    return this.#memory.size
  }

  /** Whether something waits for accounts that have not told yet how they stand. */
  get isWaiting(): boolean {
    return this.#expected.size > 0
  }

  take(body: Uint8Array): void {
    const message = unpackToJudge(body)
    switch (message[0]) {
      case ToJudge.Expect: {
        const [, account, epoch, nodes] = message
        this.#expected.set(`${account} ${epoch}`, { epoch, nodes, positions: [], orders: [], past: [] })
        break
      }
      case ToJudge.Positions: {
        const [, account, epoch, told] = message
        const enrollment = this.#enrollment(account, epoch)
        for (const [ticker, currency, quantity, costBasis] of told) {
          const inventory = { quantity, costBasis, gross: 0, fees: 0, volume: 0, transactions: 0 }
          enrollment.positions.push({ account, tickerIndex: this.#market.tickerOf(ticker).index, currency, inventory })
        }
        break
      }
      case ToJudge.Orders: {
        const [, account, epoch, told] = message
        const enrollment = this.#enrollment(account, epoch)
        for (const order of told) enrollment.orders.push(this.#order(account, order))
        break
      }
      case ToJudge.Reports: {
        const [, account, epoch, told] = message
        const enrollment = this.#enrollment(account, epoch)
        for (const [order, [status, lastQty, lastPx, timestamp]] of told) {
          const report = reportOf(status, lastQty, lastPx, timestamp)
          enrollment.past.push({ order: this.#order(account, order), report })
        }
        break
      }
      case ToJudge.Enrolled:
        this.#enrolled(message[1], message[2])
        break
      case ToJudge.Added: {
        const order = this.#order(message[1], message[2])
        this.#memory.begin(order)
        this.#rules.add(order)
        break
      }
      case ToJudge.Report:
        this.#report(message[1], message[2])
        break
      case ToJudge.Terms: {
        const [, orderId, quantity, price, leavesQty, leftUs] = message
        this.#terms(orderId, quantity, price, leavesQty, leftUs)
        break
      }
      case ToJudge.Rule:
      case ToJudge.Nodes:
      case ToJudge.Leave:
      case ToJudge.Submission:
      case ToJudge.Cancel:
      case ToJudge.Replace:
      case ToJudge.Over:
        if (this.#expected.size > 0) this.#waiting.push(message)
        else this.#inTurn(message)
        break
      default:
        unreachable(message)
    }
  }

  #inTurn(message: JudgeMessage): void {
    switch (message[0]) {
      case ToJudge.Rule: {
        const entry = ruleOfBody(message[1])
        this.#rules.set(entry)
        const isInForce = entry.state === RuleState.Active || entry.state === RuleState.Passive
        if (isInForce) this.#entries.set(entry.id, entry.revision)
        else this.#entries.delete(entry.id)
        break
      }
      case ToJudge.Nodes:
        this.#place(message[1], message[2], message[3])
        break
      case ToJudge.Leave:
        this.#place(message[1], message[2], NOWHERE)
        break
      case ToJudge.Submission: {
        const [, account, epoch, row, question, told] = message
        if (this.#accounts.get(account)?.epoch === epoch) this.#submission(account, epoch, row, question, told)
        break
      }
      case ToJudge.Cancel: {
        const [, account, epoch, row, question, orderId, askedBy, timeUs] = message
        if (this.#accounts.get(account)?.epoch !== epoch) break
        const order = this.#memory.order(orderId)
        // One that has ended since is for its shard to refuse.
        const passes = order === undefined || this.#rules.cancel(order, askedBy, this.#at(timeUs))
        if (order !== undefined) this.#tell(false)
        this.#answer(row, epoch, question, passes)
        break
      }
      case ToJudge.Replace: {
        const [, account, epoch, row, question, told] = message
        if (this.#accounts.get(account)?.epoch === epoch) this.#replace(epoch, row, question, told)
        break
      }
      case ToJudge.Over: {
        const [, account, epoch, orderId, timeUs] = message
        // How the account stands since tells it better.
        if (this.#accounts.get(account)?.epoch === epoch) this.#over(orderId, timeUs)
        break
      }
    }
  }

  #submission(account: number, epoch: number, row: number, question: number, told: ToldOrder): void {
    const order = this.#order(account, told)
    order.timestamp = this.#at(order.timestamp)
    const passes = this.#rules.submit(order)
    this.#tell(false)
    if (passes) this.#memory.begin(order)
    this.#answer(row, epoch, question, passes)
  }

  #replace(epoch: number, row: number, question: number, told: ToldReplace): void {
    const [orderId, quantity, price, askedBy, timestamp, givesUp, asksForMore] = told
    const order = this.#memory.order(orderId)
    // One that has ended since is for its shard to refuse.
    if (order === undefined) return this.#answer(row, epoch, question, true)
    const before = copyOf(order)
    before.timestamp = this.#at(timestamp)
    const after = copyOf(before)
    after.submissionAccount = askedBy
    after.quantity = quantity
    after.price = price
    after.leavesQty = Math.max(0, quantity - (order.quantity - order.leavesQty))
    const passes = this.#rules.replace(before, after, askedBy, { givesUp, asksForMore })
    this.#tell(false)
    if (passes) {
      const worst = this.#memory.replacing(order, after)
      if (!isCountedAlike(worst, after)) this.#rules.recount(worst)
    } else if (this.#memory.settled(order)) {
      // It was asked about before, and that has passed.
      this.#rules.recount(before)
    }
    this.#answer(row, epoch, question, passes)
  }

  #terms(orderId: number, quantity: number, price: number, leavesQty: number, leftUs: number): void {
    const order = this.#memory.order(orderId)
    // Of an account that has been told anew since, without it.
    if (order === undefined) return
    const counted = this.#memory.counted(order)
    if (leftUs !== 0) this.#rules.leftPrice(copyOf(order), this.#at(leftUs))
    this.#memory.settled(order)
    order.quantity = quantity
    order.price = price
    order.leavesQty = leavesQty
    if (!isCountedAlike(counted, order)) this.#rules.recount(copyOf(order))
  }

  #answer(row: number, epoch: number, question: number, passes: boolean): void {
    const { reason, params } = this.#rules.refusal
    this.#listener.verdict(row, {
      epoch,
      question,
      reason: passes ? Reason.None : reason,
      params: passes ? [] : params.slice(),
    })
  }

  #over(orderId: number, timeUs: number): void {
    const order = this.#memory.order(orderId)
    if (order === undefined) return
    this.#memory.end(order)
    this.#rules.report(orderId, reportOf(OrderStatus.Rejected, 0, 0, this.#at(timeUs)))
    this.#tell(true)
  }

  #report(orderId: number, [status, lastQty, lastPx, timestamp]: ToldReport): void {
    const order = this.#memory.order(orderId)
    // Of an account that has been told anew since, without it.
    if (order === undefined) return
    const report: ReportUnderRule = reportOf(status, lastQty, lastPx, this.#at(timestamp))
    this.#memory.report(order, report)
    this.#rules.report(orderId, report)
    this.#tell(true)
  }

  /** Where an account lies since, unless that is of an earlier epoch. */
  #place(account: number, epoch: number, nodes: readonly number[]): void {
    const enrolled = this.#accounts.get(account)
    if (enrolled?.epoch !== epoch) return
    enrolled.nodes = nodes
    this.#rules.moved(account)
  }

  #enrollment(account: number, epoch: number): Enrollment {
    const enrollment = this.#expected.get(`${account} ${epoch}`)
    if (enrollment === undefined) throw new Error(`account ${account} tells how it stands, and nobody expects it`)
    return enrollment
  }

  #enrolled(account: number, epoch: number): void {
    const { nodes, positions, orders, past } = this.#enrollment(account, epoch)
    this.#expected.delete(`${account} ${epoch}`)
    for (const { orderId } of this.#memory.retell(account, positions, orders, past)) {
      this.#rules.report(orderId, reportOf(OrderStatus.Rejected, 0, 0, this.#nowUs))
      this.#tell(true)
    }
    this.#accounts.set(account, { epoch, nodes })
    this.#rules.retold(account)
    if (this.#expected.size > 0) return
    this.#rules.beginRetold()
    for (const message of this.#waiting.splice(0)) this.#inTurn(message)
  }

  #at(timeUs: number): number {
    this.#nowUs = Math.max(this.#nowUs, timeUs)
    return this.#nowUs
  }

  #tell(isTrip: boolean): void {
    const { violations } = this.#rules
    for (let i = 0; i < violations.count; i++) {
      const violation = violations.at(i)
      this.#listener.violated(violation, isTrip ? (this.#entries.get(violation.ruleId) ?? 0) : 0)
    }
  }

  #order(account: number, told: ToldOrder): OrderUnderRule {
    const [orderId, text, currency, type, side, quantity, price, leavesQty, timestamp, submissionAccount] = told
    const { index, ticker, venue } = this.#market.tickerOf(text)
    const order = new OrderUnderRule()
    order.orderId = orderId
    order.account = account
    order.submissionAccount = submissionAccount
    order.tickerIndex = index
    order.ticker = ticker
    if (venue !== undefined) order.venue = venue
    order.currency = currency
    order.type = type
    order.side = side
    order.quantity = quantity
    order.price = price
    order.leavesQty = leavesQty
    order.timestamp = timestamp
    return order
  }
}

/** Whether rules count the same of both, which are one order. */
function isCountedAlike(a: OrderUnderRule, b: OrderUnderRule): boolean {
  return a.leavesQty === b.leavesQty && a.price === b.price
}
