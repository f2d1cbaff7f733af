// The slow twin of the judge of pooled rules: one thread that keeps lists of everything it is told and looks through all of
// it each time. What shards and main say to the judge is its input, in the order in which the judge hears it; what orders
// are it knows from who has sent them.

import { deepEqual, ok } from 'node:assert/strict'
import { emptyInventory, type Inventory, record } from '../../src/accounting/inventory.ts'
import { innermostSpec } from '../../src/compliance/check-schema.ts'
import {
  type JudgeMessage,
  ToJudge,
  type ToldOrder,
  type ToldReplace,
  type ToldReport,
} from '../../src/compliance/pooled-messages.ts'
import { OrderUnderRule, ReportUnderRule } from '../../src/compliance/rule.ts'
import { ruleOfBody } from '../../src/compliance/rule-messages.ts'
import { type RuleEntry, RuleState } from '../../src/compliance/schema.ts'
import { schemaToWire } from '../../src/compliance/schema-wire.ts'
import { multiply } from '../../src/domain/money.ts'
import { isTerminal, OrderStatus } from '../../src/domain/order-status.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { direction } from '../../src/domain/side.ts'
import { readTicker } from '../../src/domain/tickers.ts'
import { definitions, type TwinMarket, type TwinRule, twinOf } from '../compliance/rule-twin.ts'

/** What a client has sent. */
export interface SentOrder {
  readonly account: number
  readonly submissionAccount: number
  readonly ticker: string
  readonly type: number
  readonly side: number
  /** In micros, as sent, and as asked for by each replace since. */
  readonly terms: readonly SentTerms[]
}

export interface SentTerms {
  readonly quantity: number
  readonly price: number
}

interface TwinAccount {
  epoch: number
  nodes: readonly number[]
  positions: Map<number, Inventory & { currency: number }>
  orders: OrderUnderRule[]
}

interface Told {
  readonly order: OrderUnderRule
  readonly report: ReportUnderRule
}

interface Coming {
  readonly nodes: readonly number[]
  readonly positions: (readonly [tickerIndex: number, currency: number, quantity: number, costBasis: number])[]
  readonly orders: OrderUnderRule[]
  readonly past: Told[]
}

export class PooledTwin {
  /** One line for each answer: account row, epoch, question, reason. */
  readonly verdicts: string[] = []
  /** One line for each objection: rule, order, reason. */
  readonly violations: string[] = []
  /** What it said last about each order. */
  readonly judged = new Map<number, Reason>()
  readonly #market: TwinMarket
  readonly #sent: (orderId: number) => SentOrder
  readonly #tickers: readonly string[]
  readonly #accounts = new Map<number, TwinAccount>()
  readonly #coming = new Map<string, Coming>()
  readonly #waiting: JudgeMessage[] = []
  #rules: { entry: RuleEntry; twin: TwinRule }[] = []
  #past: Told[] = []
  /** By order: what one that may be replaced counts as, until it is told which terms it has. */
  readonly #worst = new Map<number, { leavesQty: number; price: number }>()
  /** Nodes of accounts that have come, while others are still expected. */
  readonly #affected = new Set<number>()
  #nowUs = 0

  constructor(market: TwinMarket, tickers: readonly string[], sent: (orderId: number) => SentOrder) {
    this.#market = market
    this.#tickers = tickers
    this.#sent = sent
  }

  /** Whether the order is among those that count for whatever is asked from now on. */
  isCounted(account: number, orderId: number): boolean {
    if (this.#waiting.some(message => message[0] === ToJudge.Over && message[3] === orderId)) return false
    return this.#accounts.get(account)?.orders.some(order => order.orderId === orderId) === true
  }

  take(message: JudgeMessage): void {
    switch (message[0]) {
      case ToJudge.Expect:
        this.#coming.set(`${message[1]}/${message[2]}`, { nodes: message[3], positions: [], orders: [], past: [] })
        return
      case ToJudge.Positions:
        for (const [ticker, ...rest] of message[3]) {
          this.#of(message).positions.push([this.#tickers.indexOf(ticker), ...rest])
        }
        return
      case ToJudge.Orders:
        for (const told of message[3]) this.#of(message).orders.push(this.#order(message[1], told))
        return
      case ToJudge.Reports:
        for (const [order, report] of message[3]) {
          this.#of(message).past.push({ order: this.#order(message[1], order), report: reportOf(report) })
        }
        return
      case ToJudge.Enrolled:
        this.#enrolled(message[1], message[2])
        return
      case ToJudge.Added: {
        const order = this.#order(message[1], message[2])
        this.#accounts.get(message[1])!.orders.push(order)
        for (const { twin } of this.#walk(order.account)) twin.meet(order)
        return
      }
      case ToJudge.Report:
        this.#report(message[1], message[2])
        return
      case ToJudge.Terms: {
        const [, orderId, quantity, price, leavesQty, leftUs] = message
        this.#terms(orderId, { quantity, price, leavesQty }, leftUs)
        return
      }
      default:
        if (this.#coming.size > 0) this.#waiting.push(message)
        else this.#inTurn(message)
    }
  }

  #of(message: [unknown, number, number, unknown]): Coming {
    return this.#coming.get(`${message[1]}/${message[2]}`)!
  }

  #inTurn(message: JudgeMessage): void {
    switch (message[0]) {
      case ToJudge.Rule:
        this.#set(ruleOfBody(message[1]))
        break
      case ToJudge.Nodes:
        this.#move(message[1], message[2], message[3])
        break
      case ToJudge.Leave:
        this.#move(message[1], message[2], [])
        break
      case ToJudge.Submission: {
        const [, account, epoch, row, question, told] = message
        const known = this.#accounts.get(account)
        if (known?.epoch !== epoch) break
        const order = this.#order(account, told)
        order.timestamp = this.#at(order.timestamp)
        const reason = this.#judge(account, order.orderId, twin => twin.submit(order))
        this.judged.set(order.orderId, reason)
        if (reason === Reason.None) known.orders.push(order)
        else this.#tell(order, reportOf([OrderStatus.Rejected, 0, 0, order.timestamp]))
        this.verdicts.push(`${row} ${epoch} ${question} ${reason}`)
        break
      }
      case ToJudge.Cancel: {
        const [, account, epoch, row, question, orderId, , timeUs] = message
        const known = this.#accounts.get(account)
        if (known?.epoch !== epoch) break
        const order = known.orders.find(other => other.orderId === orderId)
        const now = order === undefined ? 0 : this.#at(timeUs)
        const reason =
          order === undefined ? Reason.None : this.#judge(account, orderId, twin => twin.cancel(order, now))
        this.verdicts.push(`${row} ${epoch} ${question} ${reason}`)
        break
      }
      case ToJudge.Replace: {
        const [, account, epoch, row, question, told] = message
        const known = this.#accounts.get(account)
        if (known?.epoch !== epoch) break
        const order = known.orders.find(other => other.orderId === told[0])
        const reason = order === undefined ? Reason.None : this.#replace(account, order, told)
        this.verdicts.push(`${row} ${epoch} ${question} ${reason}`)
        break
      }
      case ToJudge.Over: {
        const [, account, epoch, orderId, timeUs] = message
        const known = this.#accounts.get(account)
        const order = known?.orders.find(other => other.orderId === orderId)
        if (known?.epoch !== epoch || order === undefined) break
        known.orders.splice(known.orders.indexOf(order), 1)
        this.#tell(order, reportOf([OrderStatus.Rejected, 0, 0, this.#at(timeUs)]))
        break
      }
      default:
        throw new Error(`a message of kind ${message[0]} does not wait`)
    }
  }

  /** The old order goes and one with the new terms comes; where it may not, the old one comes back. */
  #replace(account: number, order: OrderUnderRule, told: ToldReplace): Reason {
    const [orderId, quantity, price, askedBy, timestamp, givesUp, asksForMore] = told
    this.#checkTerms(orderId, { quantity, price })
    const now = this.#at(timestamp)
    const before = Object.assign(copyOf(order), { timestamp: now })
    const leavesQty = Math.max(0, quantity - (order.quantity - order.leavesQty))
    // Twins look at the quantity of what comes: that is what is left.
    const after = Object.assign(copyOf(before), { quantity: leavesQty, price, leavesQty, submissionAccount: askedBy })
    let reason: Reason = givesUp ? this.#judge(account, orderId, twin => twin.cancel(before, now)) : Reason.None
    if (reason !== Reason.None) {
      if (this.#worst.delete(orderId)) this.#recount(before)
      return reason
    }
    this.#tell(before, reportOf([OrderStatus.Rejected, 0, 0, now]))
    if (asksForMore) reason = this.#judge(account, orderId, twin => twin.submit(after))
    else for (const { twin } of this.#walk(account)) twin.meet(after)
    if (reason !== Reason.None) {
      this.#worst.delete(orderId)
      this.#recount(before)
      return reason
    }
    const worst = { leavesQty: Math.max(order.leavesQty, leavesQty), price: Math.max(order.price, price) }
    this.#worst.set(orderId, worst)
    if (worst.leavesQty !== leavesQty || worst.price !== price) this.#recount(this.#counted(order))
    return reason
  }

  #terms(orderId: number, terms: SentTerms & { leavesQty: number }, leftUs: number): void {
    // One that asks for less than was executed meanwhile leaves that.
    if (terms.leavesQty > 0) this.#checkTerms(orderId, terms)
    for (const { orders } of this.#accounts.values()) {
      const at = orders.findIndex(other => other.orderId === orderId)
      if (at < 0) continue
      const order = orders[at]!
      const counted = this.#counted(order)
      if (leftUs !== 0) {
        const left = reportOf([OrderStatus.Canceled, 0, 0, this.#at(leftUs)])
        for (const { twin } of this.#walk(order.account)) twin.past(copyOf(order), left)
      }
      this.#worst.delete(orderId)
      // Twins go on with what they were told before.
      orders[at] = Object.assign(copyOf(order), terms)
      if (counted.leavesQty !== terms.leavesQty || counted.price !== terms.price) this.#recount(copyOf(orders[at]))
    }
  }

  #recount(order: OrderUnderRule): void {
    this.#tell(order, reportOf([OrderStatus.Rejected, 0, 0, order.timestamp]))
    for (const { twin } of this.#walk(order.account)) twin.meet(order)
  }

  #counted(order: OrderUnderRule): OrderUnderRule {
    return Object.assign(copyOf(order), this.#worst.get(order.orderId))
  }

  /** Somebody has asked for these terms. */
  #checkTerms(orderId: number, { quantity, price }: SentTerms): void {
    const isSent = this.#sent(orderId).terms.some(terms => terms.quantity === quantity && terms.price === price)
    ok(isSent, `order ${orderId} is told with ${quantity} at ${price}, for which nobody has asked`)
  }

  #enrolled(account: number, epoch: number): void {
    const { nodes, positions, orders, past } = this.#coming.get(`${account}/${epoch}`)!
    this.#coming.delete(`${account}/${epoch}`)
    const before = this.#accounts.get(account)
    for (const gone of before?.orders ?? []) {
      this.#worst.delete(gone.orderId)
      if (orders.some(({ orderId }) => orderId === gone.orderId)) continue
      this.#tell(gone, reportOf([OrderStatus.Rejected, 0, 0, this.#nowUs]))
    }
    const known: TwinAccount = { epoch, nodes, positions: new Map(), orders }
    for (const [tickerIndex, currency, quantity, costBasis] of positions) {
      known.positions.set(tickerIndex, { ...emptyInventory(), currency, quantity, costBasis })
    }
    const isSame = (a: Told, b: Told) =>
      a.order.orderId === b.order.orderId &&
      a.order.leavesQty === b.order.leavesQty &&
      a.report.status === b.report.status &&
      a.report.lastQty === b.report.lastQty
    for (const told of past) if (!this.#past.some(other => isSame(other, told))) this.#past.push(told)
    this.#accounts.set(account, known)
    for (const node of [...(before?.nodes ?? []), ...nodes]) this.#affected.add(node)
    if (this.#coming.size > 0) return
    this.#rules = this.#rules.map(rule => (this.#affected.has(rule.entry.node) ? this.#again(rule) : rule))
    this.#affected.clear()
    for (const message of this.#waiting.splice(0)) this.#inTurn(message)
  }

  #set(entry: RuleEntry): void {
    const standing = this.#rules.find(rule => rule.entry.id === entry.id)
    if (entry.tripped === true && standing !== undefined && isSame(standing.entry, entry)) return
    this.#rules = this.#rules.filter(rule => rule !== standing)
    if (entry.state === RuleState.Active || entry.state === RuleState.Passive) {
      this.#rules.push({ entry, twin: this.#begun(entry) })
    }
  }

  #move(account: number, epoch: number, nodes: readonly number[]): void {
    const known = this.#accounts.get(account)
    if (known?.epoch !== epoch) return
    const before = new Set(known.nodes)
    known.nodes = nodes
    const changed = before.symmetricDifference(new Set(nodes))
    this.#rules = this.#rules.map(rule => (changed.has(rule.entry.node) ? this.#again(rule) : rule))
  }

  /** Rules that count the orders of everybody under them begin again; the others go on. */
  #again(rule: { entry: RuleEntry; twin: TwinRule }): { entry: RuleEntry; twin: TwinRule } {
    return innermostSpec(rule.entry.schema).memory === 'orders' ? { ...rule, twin: this.#begun(rule.entry) } : rule
  }

  #begun(entry: RuleEntry): TwinRule {
    const twin = twinOf(entry.schema, this.#market)
    const isUnder = (account: number) => this.#accounts.get(account)?.nodes.includes(entry.node) === true
    const live: OrderUnderRule[] = []
    for (const [account, { positions, orders }] of this.#accounts) {
      if (!isUnder(account)) continue
      for (const [tickerIndex, { currency, quantity, costBasis }] of positions) {
        if (quantity !== 0) twin.seed({ account, tickerIndex, currency, quantity, costBasis })
      }
      live.push(...orders)
    }
    live.sort((a, b) => a.orderId - b.orderId)
    // A twin keeps the orders that it is told, as they are told.
    for (const order of live) twin.meet(this.#counted(order))
    const past = this.#past.toSorted((a, b) => a.report.timestamp - b.report.timestamp)
    for (const { order, report } of past) if (isUnder(order.account)) twin.past(copyOf(order), report)
    return twin
  }

  #walk(account: number) {
    const nodes = this.#accounts.get(account)?.nodes ?? []
    return nodes.flatMap(node => this.#rules.filter(({ entry }) => entry.node === node))
  }

  #judge(account: number, orderId: number, ask: (twin: TwinRule) => Reason): Reason {
    for (const { entry, twin } of this.#walk(account)) {
      const reason = ask(twin)
      if (reason === Reason.None) continue
      this.violations.push(`${entry.id} ${orderId} ${reason}`)
      if (entry.state === RuleState.Active) return reason
    }
    return Reason.None
  }

  #report(orderId: number, told: ToldReport): void {
    for (const known of this.#accounts.values()) {
      const order = known.orders.find(other => other.orderId === orderId)
      if (order === undefined) continue
      const report = reportOf(told)
      report.timestamp = this.#at(report.timestamp)
      this.#past.push({ order: copyOf(order), report })
      const { lastQty, lastPx, status } = report
      if (lastQty !== 0) {
        const held = known.positions.get(order.tickerIndex) ?? { ...emptyInventory(), currency: order.currency }
        record(held, direction(order.side) * lastQty, multiply(lastQty, lastPx), 0)
        known.positions.set(order.tickerIndex, held)
      }
      this.#tell(order, report)
      order.leavesQty = Math.max(0, order.leavesQty - lastQty)
      const worst = this.#worst.get(orderId)
      if (worst !== undefined) worst.leavesQty = Math.max(0, worst.leavesQty - lastQty)
      if (isTerminal(status)) this.#worst.delete(orderId)
      if (isTerminal(status)) known.orders.splice(known.orders.indexOf(order), 1)
      return
    }
  }

  #tell(order: OrderUnderRule, report: ReportUnderRule): void {
    for (const { twin } of this.#rules) twin.report(order, report)
  }

  #at(timeUs: number): number {
    this.#nowUs = Math.max(this.#nowUs, timeUs)
    return this.#nowUs
  }

  /** The order as its client has sent it; what was told of it has to say the same. */
  #order(account: number, told: ToldOrder): OrderUnderRule {
    const [orderId, ticker, currency, type, side, quantity, price, leavesQty, timestamp] = told
    const sent = this.#sent(orderId)
    deepEqual(
      { account, ticker, type, side },
      { account: sent.account, ticker: sent.ticker, type: sent.type, side: sent.side },
    )
    // One that was executed for more than a replace asked for was left with that.
    if (leavesQty > 0) this.#checkTerms(orderId, { quantity, price })
    const order = new OrderUnderRule()
    order.orderId = orderId
    order.account = account
    order.submissionAccount = sent.submissionAccount
    order.tickerIndex = this.#tickers.indexOf(ticker)
    ok(order.tickerIndex >= 0)
    order.ticker = readTicker(ticker, definitions)
    order.venue = definitions.venue(order.ticker.venue)!
    order.currency = currency
    order.type = type
    order.side = side
    order.quantity = quantity
    order.leavesQty = leavesQty
    order.price = price
    order.timestamp = timestamp
    return order
  }
}

function reportOf([status, lastQty, lastPx, timestamp]: ToldReport): ReportUnderRule {
  return Object.assign(new ReportUnderRule(), { status, lastQty, lastPx, timestamp })
}

function copyOf(order: OrderUnderRule): OrderUnderRule {
  return Object.assign(new OrderUnderRule(), order)
}

function isSame(a: RuleEntry, b: RuleEntry): boolean {
  const text = ({ node, state, schema }: RuleEntry) => JSON.stringify([node, state, schemaToWire(schema)])
  return text(a) === text(b)
}
