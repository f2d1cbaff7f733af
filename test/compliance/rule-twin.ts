// The slow obvious twin of every rule: it keeps lists of everything it was told and looks through all of it each time,
// in exact integers where there is something to compute. It knows the rules' meaning and nothing of how they are built.

import type { OrderUnderRule, PositionUnderRule, ReportUnderRule } from '../../src/compliance/rule.ts'
import { type ParameterValue, type RuleSchema, unwrapSchema } from '../../src/compliance/schema.ts'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { MICROS } from '../../src/domain/money.ts'
import { isTerminal, OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { GLOBAL_SCOPE, type Scope, scopeHasTicker } from '../../src/domain/scopes.ts'
import { Side } from '../../src/domain/side.ts'
import { exactMulDiv, exactValue, larger, magnitude, smaller } from '../accounting/amounts.ts'

export const definitions = definitionsFromData(definitionsData)

/** What twins see of the outside. */
export interface TwinMarket {
  /** By ticker index. */
  readonly quotes: Map<number, { bid: number; ask: number }>
  readonly prints: Map<number, number>
  /** Undefined where there is no rate. */
  rate(from: number, to: number): readonly [bigint, bigint] | undefined
}

export interface TwinRule {
  /** Reason.None where it passes, and is counted. */
  submit(order: OrderUnderRule): Reason
  add(order: OrderUnderRule): void
  /** An order that was there before the rule. */
  meet(order: OrderUnderRule): void
  cancel(order: OrderUnderRule, nowUs: number): Reason
  report(order: OrderUnderRule, report: ReportUnderRule): void
  seed(position: PositionUnderRule): void
  past(order: OrderUnderRule, report: ReportUnderRule): void
}

/** An order that a twin counts, and what it was told of it since. */
interface Counted {
  readonly order: OrderUnderRule
  readonly leavesAtFirst: number
  readonly reports: ReportUnderRule[]
}

const leaves = ({ leavesAtFirst, reports }: Counted): number =>
  reports.some(({ status }) => isTerminal(status))
    ? 0
    : Math.max(0, leavesAtFirst - reports.reduce((sum, { lastQty }) => sum + lastQty, 0))

const isOpen = ({ reports }: Counted): boolean => !reports.some(({ status }) => isTerminal(status))

/** What most twins share: the orders they count. Those that have ended are told nothing any more. */
class Twin implements TwinRule {
  readonly counted: Counted[] = []
  readonly told: { order: OrderUnderRule; report: ReportUnderRule }[] = []

  submit(order: OrderUnderRule): Reason {
    const reason = this.judge(order)
    if (reason === Reason.None) this.add(order)
    return reason
  }

  judge(_order: OrderUnderRule): Reason {
    return Reason.None
  }

  add(order: OrderUnderRule): void {
    this.counted.push({ order, leavesAtFirst: order.leavesQty, reports: [] })
  }

  meet(order: OrderUnderRule): void {
    this.add(order)
  }

  cancel(_order: OrderUnderRule, _nowUs: number): Reason {
    return Reason.None
  }

  report(order: OrderUnderRule, report: ReportUnderRule): void {
    for (const counted of this.counted) {
      if (counted.order.orderId !== order.orderId || !isOpen(counted)) continue
      counted.reports.push(report)
      this.told.push({ order, report })
    }
  }

  seed(_position: PositionUnderRule): void {}

  past(order: OrderUnderRule, report: ReportUnderRule): void {
    this.told.push({ order, report })
  }
}

class TwinRejectSubmissions extends Twin {
  override judge(): Reason {
    return Reason.SubmissionsNotAllowed
  }
}

class TwinRejectCancels extends Twin {
  override cancel(): Reason {
    return Reason.CancelsNotAllowed
  }
}

class TwinOrderCount extends Twin {
  readonly #count: number
  readonly #isPerSide: boolean

  constructor(count: number, isPerSide: boolean) {
    super()
    this.#count = count
    this.#isPerSide = isPerSide
  }

  override judge(order: OrderUnderRule): Reason {
    const open = this.counted.filter(
      counted => isOpen(counted) && (!this.#isPerSide || counted.order.side === order.side),
    )
    return open.length + 1 > this.#count ? Reason.OrderLimitReached : Reason.None
  }
}

class TwinOpposingCancel extends Twin {
  readonly #timeoutUs: number

  constructor(timeoutUs: number) {
    super()
    this.#timeoutUs = timeoutUs
  }

  override cancel(order: OrderUnderRule, nowUs: number): Reason {
    const fill = this.told
      .filter(({ order: other, report }) => report.lastQty !== 0 && other.side !== order.side)
      .at(-1)
    if (fill === undefined || fill.report.timestamp < nowUs - this.#timeoutUs) return Reason.None
    return Reason.OpposingCancel
  }
}

class TwinOpposingSubmission extends Twin {
  readonly #timeoutUs: number
  readonly #offset: number
  #taken = 0
  readonly #references = {
    [Side.Ask]: { time: Number.NEGATIVE_INFINITY, price: Number.POSITIVE_INFINITY },
    [Side.Bid]: { time: Number.NEGATIVE_INFINITY, price: 0 },
  }

  constructor(timeoutUs: number, offset: number) {
    super()
    this.#timeoutUs = timeoutUs
    this.#offset = offset
  }

  #price({ type, side, price }: OrderUnderRule): number {
    if (type === OrderType.Limit) return price
    return side === Side.Ask ? 0 : Number.POSITIVE_INFINITY
  }

  override submit(order: OrderUnderRule): Reason {
    if (order.type !== OrderType.Limit && order.type !== OrderType.Market) return Reason.None
    const now = order.timestamp
    for (; this.#taken < this.told.length; this.#taken++) {
      const { order: canceled, report } = this.told[this.#taken]!
      if (report.status !== OrderStatus.Canceled) continue
      const price = this.#price(canceled)
      if (canceled.side === Side.Ask) {
        const ask = this.#references[Side.Ask]
        if (now - ask.time > this.#timeoutUs) ask.price = Number.POSITIVE_INFINITY
        if (report.timestamp >= ask.time && price <= ask.price) {
          ask.time = report.timestamp
          ask.price = price
        }
      } else {
        const bid = this.#references[Side.Bid]
        if (now - bid.time > this.#timeoutUs) bid.price = 0
        if (report.timestamp >= bid.time && price >= bid.price) {
          bid.time = report.timestamp
          bid.price = price
        }
      }
    }
    const { [Side.Ask]: ask, [Side.Bid]: bid } = this.#references
    const price = this.#price(order)
    const isRefused =
      order.side === Side.Bid
        ? price >= ask.price - this.#offset && ask.time >= now - this.#timeoutUs
        : price <= bid.price + this.#offset && bid.time >= now - this.#timeoutUs
    if (isRefused) return Reason.OpposingSubmission
    this.add(order)
    return Reason.None
  }

  override add(order: OrderUnderRule): void {
    if (order.type === OrderType.Limit || order.type === OrderType.Market) super.add(order)
  }

  override past(order: OrderUnderRule, report: ReportUnderRule): void {
    if (order.type === OrderType.Limit || order.type === OrderType.Market) super.past(order, report)
  }
}

const big = (micros: number): bigint => BigInt(micros)

interface TwinHeld {
  readonly order: OrderUnderRule
  readonly price: bigint
  remaining: bigint
  hasEnded: boolean
}

interface TwinStake {
  position: bigint
  cost: bigint
  held: TwinHeld[]
}

/** What positions and orders tie up, walked order by order. */
class TwinBook {
  readonly stakes = new Map<number, TwinStake>()

  stake(tickerIndex: number): TwinStake {
    const stake = this.stakes.get(tickerIndex) ?? { position: 0n, cost: 0n, held: [] }
    this.stakes.set(tickerIndex, stake)
    return stake
  }

  /** A new order goes in front of equal prices. */
  hold(order: OrderUnderRule, quantity: number, price: bigint): TwinHeld {
    const held = { order, price, remaining: big(quantity), hasEnded: false }
    this.stake(order.tickerIndex).held.unshift(held)
    return held
  }

  drop(order: OrderUnderRule): void {
    this.stake(order.tickerIndex).held.shift()
  }

  fill({ order }: TwinHeld, quantity: bigint, price: bigint): void {
    const stake = this.stake(order.tickerIndex)
    const sign = order.side === Side.Bid ? 1n : -1n
    let rest = quantity
    if (stake.position * sign < 0n) {
      const closed = smaller(rest, magnitude(stake.position))
      stake.cost -= exactMulDiv(stake.cost, closed, magnitude(stake.position))
      stake.position += sign * closed
      rest -= closed
    }
    stake.position += sign * rest
    stake.cost += sign * exactValue(rest, price)
  }

  used(): bigint {
    let sum = 0n
    for (const { position, cost, held } of this.stakes.values()) {
      const asks = held.filter(({ order }) => order.side === Side.Ask).sort((a, b) => Number(a.price - b.price))
      const bids = held.filter(({ order }) => order.side === Side.Bid).sort((a, b) => Number(b.price - a.price))
      sum +=
        position >= 0n
          ? larger(walk(asks, position), walk(bids, 0n) + cost)
          : larger(walk(asks, 0n) - cost, walk(bids, -position))
    }
    return sum
  }
}

function walk(held: readonly TwinHeld[], free: bigint): bigint {
  let sum = 0n
  for (const { remaining, price } of held) {
    const covered = smaller(free, remaining)
    free -= covered
    sum += exactValue(remaining - covered, price)
  }
  return sum
}

const MOVES_NOTHING: readonly OrderStatus[] = [
  OrderStatus.PendingNew,
  OrderStatus.New,
  OrderStatus.Suspended,
  OrderStatus.PendingCancel,
  OrderStatus.CancelReject,
]

/** Buying power and gross exposure: the first has one book for all, the second one for each account. */
class TwinMoney extends Twin {
  readonly #limit: bigint
  readonly #currency: number
  readonly #market: TwinMarket
  readonly #isGross: boolean
  readonly #books = new Map<number, TwinBook>()
  readonly #held: TwinHeld[] = []

  constructor(limit: number, currency: number, market: TwinMarket, isGross: boolean) {
    super()
    this.#limit = big(limit)
    this.#currency = currency
    this.#market = market
    this.#isGross = isGross
  }

  #book(account: number): TwinBook {
    const key = this.#isGross ? account : 0
    const book = this.#books.get(key) ?? new TwinBook()
    this.#books.set(key, book)
    return book
  }

  #convert(amount: bigint, from: number): bigint | undefined {
    const rate = this.#market.rate(from, this.#currency)
    return rate && exactMulDiv(amount, rate[0], rate[1])
  }

  override submit(order: OrderUnderRule): Reason {
    const price = this.#isGross ? dearest(order, this.#market) : expected(order, this.#market)
    if (typeof price === 'string') return price === 'invalid' ? Reason.InvalidPrice : Reason.NoBbo
    const converted = this.#convert(big(price), order.currency)
    if (converted === undefined) return Reason.CurrencyNotRecognized
    const book = this.#book(order.account)
    const held = book.hold(order, order.quantity, converted)
    const used = [...this.#books.values()].reduce((sum, other) => sum + other.used(), 0n)
    if (used > this.#limit) {
      book.drop(order)
      return this.#isGross ? Reason.ExposureTooLarge : Reason.ExceedsBuyingPower
    }
    this.#held.push(held)
    return Reason.None
  }

  override add(order: OrderUnderRule): void {
    const price = this.#isGross ? dearest(order, this.#market) : expected(order, this.#market)
    const isLimit = order.type === OrderType.Limit && order.price > 0
    const known = typeof price === 'number' ? price : !this.#isGross && isLimit ? order.price : 0
    const converted = this.#convert(big(known), order.currency)
    if (converted !== undefined) this.#held.push(this.#book(order.account).hold(order, order.leavesQty, converted))
  }

  override seed({ account, tickerIndex, currency, quantity, costBasis }: PositionUnderRule): void {
    const cost = this.#convert(big(costBasis), currency)
    if (cost === undefined) return
    const stake = this.#book(account).stake(tickerIndex)
    stake.position += big(quantity)
    stake.cost += cost
  }

  override report(order: OrderUnderRule, { status, lastQty, lastPx }: ReportUnderRule): void {
    const held = this.#held.find(other => other.order.orderId === order.orderId && !other.hasEnded)
    if (held === undefined || MOVES_NOTHING.includes(status)) return
    held.hasEnded = isTerminal(status)
    held.remaining = held.hasEnded ? 0n : larger(0n, held.remaining - big(lastQty))
    if (lastQty !== 0) this.#book(order.account).fill(held, big(lastQty), this.#convert(big(lastPx), order.currency)!)
  }
}

function opposing({ side, tickerIndex }: OrderUnderRule, market: TwinMarket): number {
  const quote = market.quotes.get(tickerIndex)
  return quote === undefined ? 0 : side === Side.Ask ? quote.bid : quote.ask
}

function expected(order: OrderUnderRule, market: TwinMarket): number | 'none' | 'invalid' {
  if (!market.quotes.has(order.tickerIndex)) return 'none'
  const best = opposing(order, market)
  if (order.type !== OrderType.Limit) return best === 0 ? 'none' : best
  if (order.price <= 0) return 'invalid'
  if (best === 0) return order.price
  return order.side === Side.Ask ? Math.max(best, order.price) : Math.min(best, order.price)
}

function dearest(order: OrderUnderRule, market: TwinMarket): number | 'none' {
  const best = opposing(order, market) || (market.prints.get(order.tickerIndex) ?? 0)
  const isLimited = order.type === OrderType.Limit || (order.type === OrderType.Pegged && order.price > 0)
  const price = isLimited && order.side === Side.Bid ? order.price : Math.max(order.price, best)
  return price === 0 ? 'none' : price
}

class TwinCollar extends Twin {
  readonly #percent: number
  readonly #acceptsBlind: boolean
  readonly #market: TwinMarket

  constructor(percent: number, acceptsBlind: boolean, market: TwinMarket) {
    super()
    this.#percent = percent
    this.#acceptsBlind = acceptsBlind
    this.#market = market
  }

  override judge(order: OrderUnderRule): Reason {
    const quote = this.#market.quotes.get(order.tickerIndex) ?? { bid: 0, ask: 0 }
    const isAsk = order.side === Side.Ask
    const [best, own] = isAsk ? [quote.bid, quote.ask] : [quote.ask, quote.bid]
    const isLimited = order.type === OrderType.Limit || (order.type === OrderType.Pegged && order.price > 0)
    const price = isLimited ? order.price : best
    const references = [isLimited ? best || own : own, this.#market.prints.get(order.tickerIndex) ?? 0].filter(
      reference => reference !== 0,
    )
    if (price === 0 || references.length === 0) return this.#acceptsBlind ? Reason.None : Reason.NoBbo
    const isFar = references.some(reference => {
      const distance = exactMulDiv(big(reference), BigInt(Math.round(this.#percent * 100)), 10_000n)
      return isAsk ? big(price) < big(reference) - distance : big(price) > big(reference) + distance
    })
    return isFar ? Reason.PriceOutsideCollar : Reason.None
  }
}

class TwinOrderQuantity extends Twin {
  readonly #quantity: number

  constructor(quantity: number) {
    super()
    this.#quantity = quantity
  }

  override judge(order: OrderUnderRule): Reason {
    return order.quantity > this.#quantity ? Reason.OrderQuantityTooLarge : Reason.None
  }
}

class TwinOrderValue extends Twin {
  readonly #value: number
  readonly #currency: number
  readonly #market: TwinMarket

  constructor(value: number, currency: number, market: TwinMarket) {
    super()
    this.#value = value
    this.#currency = currency
    this.#market = market
  }

  override judge(order: OrderUnderRule): Reason {
    const price = dearest(order, this.#market)
    if (price === 'none') return Reason.NoBbo
    const rate = this.#market.rate(order.currency, this.#currency)
    if (rate === undefined) return Reason.CurrencyNotRecognized
    const value = exactMulDiv(exactValue(big(order.quantity), big(price)), rate[0], rate[1])
    return value > big(this.#value) ? Reason.OrderValueTooLarge : Reason.None
  }
}

class TwinPosition extends Twin {
  readonly #limit: number
  readonly #positions: PositionUnderRule[] = []

  constructor(limit: number) {
    super()
    this.#limit = limit
  }

  override seed(position: PositionUnderRule): void {
    this.#positions.push({ ...position })
  }

  override judge(order: OrderUnderRule): Reason {
    let longest = 0
    for (const { tickerIndex, quantity } of this.#positions) if (tickerIndex === order.tickerIndex) longest += quantity
    let open = 0
    for (const counted of this.counted) {
      const { tickerIndex, side } = counted.order
      if (tickerIndex !== order.tickerIndex) continue
      for (const { lastQty } of counted.reports) longest += side === Side.Bid ? lastQty : -lastQty
      if (side === order.side) open += leaves(counted)
    }
    const held = order.side === Side.Bid ? longest : -longest
    return held + open + order.quantity > this.#limit ? Reason.PositionTooLarge : Reason.None
  }
}

class TwinRate extends Twin {
  readonly #maxima: Record<'submissions' | 'cancels', number>
  readonly #intervalUs: number
  readonly #times = { submissions: [] as number[], cancels: [] as number[] }

  constructor(submissions: number, cancels: number, intervalUs: number) {
    super()
    this.#maxima = { submissions, cancels }
    this.#intervalUs = intervalUs
  }

  #judge(kind: 'submissions' | 'cancels', now: number): Reason {
    const recent = this.#times[kind].filter(time => time > now - this.#intervalUs)
    return recent.length + 1 > this.#maxima[kind] ? Reason.MessageRateExceeded : Reason.None
  }

  override judge(order: OrderUnderRule): Reason {
    return this.#judge('submissions', order.timestamp)
  }

  override add(order: OrderUnderRule): void {
    this.#times.submissions.push(order.timestamp)
  }

  override meet(): void {}

  override cancel(_order: OrderUnderRule, nowUs: number): Reason {
    const reason = this.#judge('cancels', nowUs)
    if (reason === Reason.None) this.#times.cancels.push(nowUs)
    return reason
  }
}

class TwinDuplicate extends Twin {
  readonly #windowUs: number

  constructor(windowUs: number) {
    super()
    this.#windowUs = windowUs
  }

  override judge(order: OrderUnderRule): Reason {
    const twice = this.counted.some(
      ({ order: other, reports }) =>
        other.account === order.account &&
        other.tickerIndex === order.tickerIndex &&
        other.side === order.side &&
        other.type === order.type &&
        other.quantity === order.quantity &&
        other.price === order.price &&
        other.timestamp > order.timestamp - this.#windowUs &&
        // An order that did something before it was rejected had been accepted.
        reports[0]?.status !== OrderStatus.Rejected,
    )
    return twice ? Reason.DuplicateOrder : Reason.None
  }

  override meet(): void {}

  override report(order: OrderUnderRule, report: ReportUnderRule): void {
    if (report.lastQty !== 0 || isTerminal(report.status)) super.report(order, report)
  }
}

class TwinRepeated extends Twin {
  readonly #count: number
  readonly #intervalUs: number
  readonly #times: number[] = []
  #isShut = false

  constructor(count: number, intervalUs: number) {
    super()
    this.#count = count
    this.#intervalUs = intervalUs
  }

  override judge(): Reason {
    return this.#isShut ? Reason.RepeatedExecutions : Reason.None
  }

  override report(order: OrderUnderRule, report: ReportUnderRule): void {
    const before = this.told.length
    super.report(order, report)
    if (this.told.length === before || report.lastQty === 0) return
    this.#times.push(report.timestamp)
    const recent = this.#times.filter(time => time > report.timestamp - this.#intervalUs)
    if (recent.length > this.#count) this.#isShut = true
  }
}

class TwinRestricted extends Twin {
  readonly #scope: Scope
  readonly #side: string

  constructor(scope: Scope, side: string) {
    super()
    this.#scope = scope
    this.#side = side
  }

  override judge(order: OrderUnderRule): Reason {
    if (this.#side === 'bid' && order.side !== Side.Bid) return Reason.None
    if (this.#side === 'ask' && order.side !== Side.Ask) return Reason.None
    return scopeHasTicker(this.#scope, order.ticker, definitions) ? Reason.RestrictedTicker : Reason.None
  }
}

class TwinKeyed implements TwinRule {
  readonly #by: string
  readonly #make: () => TwinRule
  readonly #rules = new Map<number, TwinRule>()

  constructor(by: string, make: () => TwinRule) {
    this.#by = by
    this.#make = make
  }

  #key(order: OrderUnderRule): number {
    return this.#by === 'per_account' ? order.account : this.#by === 'per_ticker' ? order.tickerIndex : order.side
  }

  #rule(key: number): TwinRule {
    const rule = this.#rules.get(key) ?? this.#make()
    this.#rules.set(key, rule)
    return rule
  }

  submit(order: OrderUnderRule): Reason {
    return this.#rule(this.#key(order)).submit(order)
  }

  add(order: OrderUnderRule): void {
    this.#rule(this.#key(order)).add(order)
  }

  meet(order: OrderUnderRule): void {
    this.#rule(this.#key(order)).meet(order)
  }

  cancel(order: OrderUnderRule, nowUs: number): Reason {
    return this.#rules.get(this.#key(order))?.cancel(order, nowUs) ?? Reason.None
  }

  report(order: OrderUnderRule, report: ReportUnderRule): void {
    this.#rules.get(this.#key(order))?.report(order, report)
  }

  seed(position: PositionUnderRule): void {
    const keys =
      this.#by === 'per_account'
        ? [position.account]
        : this.#by === 'per_ticker'
          ? [position.tickerIndex]
          : [Side.Ask, Side.Bid]
    for (const key of keys) this.#rule(key).seed(position)
  }

  past(order: OrderUnderRule, report: ReportUnderRule): void {
    this.#rule(this.#key(order)).past(order, report)
  }
}

class TwinFilter implements TwinRule {
  readonly #inner: TwinRule
  readonly #lets: (order: OrderUnderRule, nowUs: number) => boolean

  constructor(inner: TwinRule, lets: (order: OrderUnderRule, nowUs: number) => boolean) {
    this.#inner = inner
    this.#lets = lets
  }

  submit(order: OrderUnderRule): Reason {
    if (this.#lets(order, order.timestamp)) return this.#inner.submit(order)
    this.#inner.add(order)
    return Reason.None
  }

  add(order: OrderUnderRule): void {
    this.#inner.add(order)
  }

  meet(order: OrderUnderRule): void {
    this.#inner.meet(order)
  }

  cancel(order: OrderUnderRule, nowUs: number): Reason {
    return this.#lets(order, nowUs) ? this.#inner.cancel(order, nowUs) : Reason.None
  }

  report(order: OrderUnderRule, report: ReportUnderRule): void {
    this.#inner.report(order, report)
  }

  seed(position: PositionUnderRule): void {
    this.#inner.seed(position)
  }

  past(order: OrderUnderRule, report: ReportUnderRule): void {
    this.#inner.past(order, report)
  }
}

function isWithinHours(order: OrderUnderRule, nowUs: number, startUs: number, endUs: number): boolean {
  const shown = new Date(nowUs / 1_000).toLocaleTimeString('en-GB', { timeZone: order.venue.timeZone })
  const [hours, minutes, seconds] = shown.split(':').map(Number) as [number, number, number]
  const time = ((hours * 60 + minutes) * 60 + seconds) * MICROS + (nowUs % MICROS)
  return startUs <= endUs ? startUs <= time && time <= endUs : startUs <= time || time <= endUs
}

/** The twin of a schema. */
export function twinOf(schema: RuleSchema, market: TwinMarket): TwinRule {
  const value = <T>(name: string, fallback?: T): T => {
    const found = schema.parameters.find(parameter => parameter.name === name)?.value as ParameterValue | undefined
    return (found?.value ?? fallback) as T
  }
  const whole = (name: string): number => Math.floor(value<number>(name, 0) / MICROS)
  const inner = () => twinOf(unwrapSchema(schema)!, market)
  switch (schema.name) {
    case 'reject_submissions':
      return new TwinRejectSubmissions()
    case 'reject_cancels':
      return new TwinRejectCancels()
    case 'order_count_limit':
    case 'order_count_limit_per_side':
      return new TwinOrderCount(whole('count'), schema.name === 'order_count_limit_per_side')
    case 'opposing_cancel':
      return new TwinOpposingCancel(whole('timeout') * MICROS)
    case 'opposing_submission':
      return new TwinOpposingSubmission(whole('timeout') * MICROS, value('offset', 0))
    case 'buying_power':
      return new TwinMoney(value('buying_power', 0), value('currency', 840), market, false)
    case 'price_collar':
      return new TwinCollar(value('limit'), value<string>('without_market', 'refuse') === 'accept', market)
    case 'maximum_order_quantity':
      return new TwinOrderQuantity(value('quantity'))
    case 'maximum_order_value':
      return new TwinOrderValue(value('value'), value('currency'), market)
    case 'maximum_position':
      return new TwinPosition(value('quantity'))
    case 'maximum_gross_exposure':
      return new TwinMoney(value('value'), value('currency'), market, true)
    case 'message_rate': {
      const most = (name: string): number => {
        const given = value<number | undefined>(name)
        return given === undefined ? Number.POSITIVE_INFINITY : Math.floor(given / MICROS)
      }
      return new TwinRate(most('submissions'), most('cancels'), value('interval'))
    }
    case 'duplicate_order':
      return new TwinDuplicate(value('window'))
    case 'repeated_executions':
      return new TwinRepeated(whole('count'), value('interval'))
    case 'restricted_tickers':
      return new TwinRestricted(value('scope'), value('side', 'both'))
    case 'per_account':
    case 'per_ticker':
    case 'per_side':
      return new TwinKeyed(schema.name, inner)
    case 'scope_filter':
      return new TwinFilter(inner(), order => scopeHasTicker(value('scope', GLOBAL_SCOPE), order.ticker, definitions))
    case 'time_filter':
      return new TwinFilter(inner(), (order, nowUs) => isWithinHours(order, nowUs, value('start', 0), value('end', 0)))
    default:
      throw new Error(`there is no twin of ${schema.name}`)
  }
}
