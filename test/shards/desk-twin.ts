// The order desk once more, slow and obvious: accounts and orders in plain lists, everything found by looking through
// them, amounts counted in exact integers, buying power by walking the open orders. The venue is its own slow twin. What
// the desk would say comes as the lines of the stage.

import { PegKind } from '../../src/destinations/peg.ts'
import { formatDecimal } from '../../src/domain/decimal.ts'
import { OrderStatus, orderStatusNames } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Side } from '../../src/domain/side.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { exactMulDiv, exactValue, larger, magnitude, smaller } from '../accounting/amounts.ts'
import { VenueTwin } from '../destinations/venue-twin.ts'

export interface TwinTicker {
  readonly text: string
  readonly mic: string
  readonly currency: number
  readonly destination: string
  readonly hoursFromUtc: number
}

export interface TwinTerms {
  currency: number
  limit: number
  mayOpen: boolean
}

/** What an account holds of one ticker. */
interface TwinHolding {
  quantity: bigint
  cost: bigint
  gross: bigint
  /** Position and cost as buying power counts them, in the account's currency. */
  exposedQuantity: bigint
  expenditure: bigint
  pendingSell: number
  pendingBuy: number
}

interface TwinOrder {
  readonly id: number
  readonly account: TwinAccount
  readonly ticker: number
  readonly side: Side
  readonly asked: TwinSubmission
  quantity: number
  price: number
  cumQty: number
  status: OrderStatus
  reports: number
  /** In the account's currency; undefined where it is not counted. */
  holdPrice: number | undefined
  isLive: boolean
  /** What it is being replaced by. */
  next: TwinNewTerms | undefined
}

interface TwinNewTerms {
  readonly quantity: number
  readonly price: number
  readonly holdPrice: number
  /** What its reports say of it, given the quantity. */
  readonly text: (quantity: number) => string
}

/** What was asked for under a client order id. */
interface TwinId {
  readonly order: TwinOrder
  readonly fingerprint: string
}

interface TwinAccount {
  readonly row: number
  readonly terms: TwinTerms
  orderSequence: number
  reportSequence: number
  readonly holdings: Map<number, TwinHolding>
  readonly clOrdIds: Map<string, TwinId>
}

export interface TwinSubmission {
  readonly row: number
  readonly ticker: number
  readonly side: Side
  readonly type: OrderType
  readonly quantity: number
  readonly price: number
  readonly timeInForce: TimeInForce
  readonly expiry: number
  readonly clOrdId: string
}

const TERMINAL: readonly OrderStatus[] = [
  OrderStatus.Rejected,
  OrderStatus.Expired,
  OrderStatus.Canceled,
  OrderStatus.Filled,
  OrderStatus.DoneForDay,
]

export class DeskTwin {
  readonly accounts: TwinAccount[]
  readonly orders: TwinOrder[] = []
  readonly #tickers: readonly TwinTicker[]
  readonly #venue: VenueTwin
  readonly #quotes: ({ bid: number; ask: number } | undefined)[] = []
  /** Units of the second currency for one of the first, as a fraction, by `first/second`. */
  readonly #rates: Readonly<Record<string, readonly [bigint, bigint]>>
  #lines: string[] = []
  #answers: string[] = []

  constructor(
    tickers: readonly TwinTicker[],
    terms: readonly TwinTerms[],
    rates: Readonly<Record<string, readonly [bigint, bigint]>>,
    startUs: number,
  ) {
    this.#tickers = tickers
    this.#rates = rates
    this.#venue = new VenueTwin(
      tickers.map(({ mic, hoursFromUtc, destination }) => ({ mic, hoursFromUtc, posting: { [destination]: mic } })),
    )
    this.accounts = terms.map((each, row) => ({
      row,
      terms: each,
      orderSequence: 0,
      reportSequence: 0,
      holdings: new Map(),
      clOrdIds: new Map(),
    }))
    // The venue's twin knows a ticker from its first order on; the desk's venue finds the quotes of before in the table.
    for (const ticker of tickers.keys()) this.#venue.submit(-1 - ticker, routed(bystander(ticker), ''), startUs)
    this.#venue.log.length = 0
  }

  take(): { lines: string[]; answers: string[] } {
    const said = { lines: this.#lines, answers: this.#answers }
    this.#lines = []
    this.#answers = []
    return said
  }

  quote(ticker: number, bid: number, ask: number, now: number): void {
    const known = this.#quotes[ticker]
    this.#quotes[ticker] = { bid, ask }
    if (known?.bid === bid && known.ask === ask) return
    this.#venue.onQuote(ticker, bid, ask, now, now)
    this.#hearVenue()
  }

  time(now: number): void {
    this.#venue.onTime(now)
    this.#hearVenue()
  }

  submit(id: number, asked: TwinSubmission, now: number): void {
    this.time(now)
    const account = this.accounts[asked.row]!
    const ticker = this.#tickers[asked.ticker]!
    const { row, clOrdId, ...rest } = asked
    const fingerprint = JSON.stringify(rest)
    const known = clOrdId === '' ? undefined : account.clOrdIds.get(clOrdId)
    if (known !== undefined) {
      this.#answers.push(known.fingerprint === fingerprint ? `first outcome of ${known.order.id}` : 'CL_ORD_ID_REUSED')
      return
    }
    const refusal = this.#fault(asked, now) ?? this.#refusal(account, asked)
    const holding = account.holdings.get(asked.ticker)
    const isShort =
      asked.side === Side.Ask && (holding?.pendingSell ?? 0) + asked.quantity > Number(holding?.quantity ?? 0n)
    const verb = asked.side === Side.Bid ? 'BUY' : isShort ? 'SHORT' : 'SELL'
    const at = asked.type === OrderType.Market ? '' : ` @${formatDecimal(asked.price)}`
    account.orderSequence += 1
    account.reportSequence += 1
    this.#lines.push(
      `#${account.reportSequence} order ${id} accepted: ${verb} ${formatDecimal(asked.quantity)} ${ticker.text}${at}`,
    )
    const order: TwinOrder = {
      id,
      account,
      ticker: asked.ticker,
      side: asked.side,
      asked,
      quantity: asked.quantity,
      price: asked.price,
      cumQty: 0,
      status: OrderStatus.PendingNew,
      reports: 1,
      holdPrice: this.#expected(asked, account),
      isLive: refusal === undefined,
      next: undefined,
    }
    this.orders.push(order)
    if (clOrdId !== '') account.clOrdIds.set(clOrdId, { order, fingerprint })
    if (refusal !== undefined) {
      order.status = OrderStatus.Rejected
      account.reportSequence += 1
      this.#lines.push(`#${account.reportSequence} ${id}.1 REJECTED ${refusal} 0/0`)
      return
    }
    const opened = this.#holding(account, asked.ticker)
    if (asked.side === Side.Ask) opened.pendingSell += asked.quantity
    else opened.pendingBuy += asked.quantity
    this.#venue.submit(id, routed(asked, ticker.destination), now)
    this.#hearVenue()
  }

  cancel(row: number, id: number, now: number): void {
    this.time(now)
    const order = this.#live(row, id)
    if (order === undefined) return
    if (order.status === OrderStatus.PendingCancel) {
      this.#answers.push('ALREADY_CANCELING')
      return
    }
    this.#venue.cancel(id, now)
    this.#hearVenue()
    this.#answers.push('DONE')
  }

  replace(row: number, id: number, quantity: number, price: number, clOrdId: string, now: number): void {
    this.time(now)
    const account = this.accounts[row]!
    const fingerprint = `replace ${id}: ${quantity} at ${price}`
    const known = clOrdId === '' ? undefined : account.clOrdIds.get(clOrdId)
    if (known !== undefined) {
      this.#answers.push(known.fingerprint === fingerprint ? `first outcome of ${known.order.id}` : 'CL_ORD_ID_REUSED')
      return
    }
    const order = this.#live(row, id)
    if (order === undefined) return
    if (order.status === OrderStatus.PendingCancel) {
      this.#answers.push('ALREADY_CANCELING')
      return
    }
    if (clOrdId !== '') account.clOrdIds.set(clOrdId, { order, fingerprint })
    const refusal = this.#replaceRefusal(order, quantity, price)
    const holding = this.#holding(account, order.ticker)
    const leaves = Math.max(0, order.quantity - order.cumQty)
    const next = Math.max(0, quantity - order.cumQty)
    const isShort = order.side === Side.Ask && holding.pendingSell - leaves + next > Number(holding.quantity)
    const told = (quantity: number, flag: string) => {
      const words = [`${formatDecimal(quantity)}@${formatDecimal(price)}`, clOrdId, flag]
      return ` [${words.filter(Boolean).join(' ')}]`
    }
    if (refusal !== undefined) {
      this.#report(order, OrderStatus.ReplaceReject, 0, 0, refusal, told(quantity, ''))
      return
    }
    // Less at the same price is held as it was.
    const isReduction = price === order.price && quantity <= order.quantity
    const expected = this.#expected({ ...order.asked, price }, account)
    const holdPrice = isReduction || next === 0 ? order.holdPrice! : expected!
    const text = (quantity: number) => told(quantity, isShort ? 'short' : '')
    order.next = { quantity, price, holdPrice, text }
    this.#report(order, OrderStatus.PendingReplace, 0, 0, '', text(quantity))
    this.#venue.replace(id, price, next, now)
    this.#hearVenue()
  }

  #replaceRefusal(order: TwinOrder, quantity: number, price: number): string | undefined {
    const { account, ticker, side, asked } = order
    const isPriced = asked.type === OrderType.Limit || asked.type === OrderType.Stop
    if (quantity <= 0) return 'INVALID_QUANTITY'
    if (isPriced && price === 0) return 'INVALID_PRICE'
    this.#followTerms(account)
    if (quantity <= order.cumQty || (price === order.price && quantity <= order.quantity)) return undefined
    if (order.holdPrice === undefined) return 'CURRENCY_NOT_RECOGNIZED'
    const quote = this.#quotes[ticker]
    if (quote === undefined || expectedPrice({ ...asked, price }, quote) === 0) return 'NO_BBO'
    const next = quantity - order.cumQty
    const holdPrice = this.#expected({ ...asked, price }, account)
    if (holdPrice === undefined) return 'CURRENCY_NOT_RECOGNIZED'
    const used = this.used(account, { ticker, side, quantity: next, price: holdPrice }, order)
    if (used > BigInt(account.terms.limit) && used > this.used(account)) return 'EXCEEDS_BUYING_POWER'
    const leaves = Math.max(0, order.quantity - order.cumQty)
    if (!account.terms.mayOpen && this.#opens(account, { ...asked, quantity: next - leaves }))
      return 'ONLY_CLOSING_ORDERS'
    return undefined
  }

  update(row: number, id: number, status: OrderStatus, lastQty: number, lastPx: number, now: number): void {
    this.time(now)
    const order = this.#live(row, id)
    if (order === undefined) return
    const leaves = Math.max(0, order.quantity - order.cumQty)
    const fault = updateFault(order.status, leaves, status, lastQty)
    if (fault !== undefined) {
      this.#answers.push(fault)
      return
    }
    this.#venue.update(id, status, lastQty)
    if (TERMINAL.includes(status)) this.#venue.update(id, OrderStatus.Canceled, 0)
    this.#report(order, status, lastQty, lastPx, '')
    this.#answers.push('DONE')
  }

  /** What the account ties up, walking all of its open orders. */
  used(
    account: TwinAccount,
    added?: { ticker: number; side: Side; quantity: number; price: number },
    without?: TwinOrder,
  ): bigint {
    let sum = 0n
    for (const ticker of this.#tickers.keys()) {
      const holding = account.holdings.get(ticker)
      const open = this.orders
        .filter(order => order.isLive && order.account === account && order.ticker === ticker)
        .filter(order => order.holdPrice !== undefined && order !== without)
        .map(({ side, quantity, cumQty, holdPrice }) => ({
          side,
          left: BigInt(Math.max(0, quantity - cumQty)),
          price: BigInt(holdPrice!),
        }))
      if (added?.ticker === ticker) {
        open.push({ side: added.side, left: BigInt(added.quantity), price: BigInt(added.price) })
      }
      const asks = open.filter(({ side }) => side === Side.Ask).sort((a, b) => Number(a.price - b.price))
      const bids = open.filter(({ side }) => side === Side.Bid).sort((a, b) => Number(b.price - a.price))
      const position = holding?.exposedQuantity ?? 0n
      const spent = holding?.expenditure ?? 0n
      sum +=
        position >= 0n
          ? larger(cost(asks, position), cost(bids, 0n) + spent)
          : larger(cost(asks, 0n) - spent, cost(bids, -position))
    }
    return sum
  }

  #fault(asked: TwinSubmission, now: number): string | undefined {
    const isPriced = asked.type === OrderType.Limit || asked.type === OrderType.Stop
    if (asked.quantity <= 0) return 'INVALID_QUANTITY'
    if (isPriced && asked.price === 0) return 'INVALID_PRICE'
    const isGtd = asked.timeInForce === TimeInForce.Gtd
    return (isGtd ? asked.expiry <= now : asked.expiry !== 0) ? 'INVALID_EXPIRY' : undefined
  }

  #refusal(account: TwinAccount, asked: TwinSubmission): string | undefined {
    this.#followTerms(account)
    const quote = this.#quotes[asked.ticker]
    if (quote === undefined) return 'NO_BBO'
    if (expectedPrice(asked, quote) === 0) return 'NO_BBO'
    const price = this.#expected(asked, account)
    if (price === undefined) return 'CURRENCY_NOT_RECOGNIZED'
    const { ticker, side, quantity } = asked
    if (this.used(account, { ticker, side, quantity, price }) > BigInt(account.terms.limit))
      return 'EXCEEDS_BUYING_POWER'
    if (!account.terms.mayOpen && this.#opens(account, asked)) return 'ONLY_CLOSING_ORDERS'
    return undefined
  }

  #opens(account: TwinAccount, { ticker, side, quantity }: TwinSubmission): boolean {
    const holding = account.holdings.get(ticker)
    const position = Number(holding?.quantity ?? 0n)
    const isClosing = side === Side.Bid ? position < 0 : position > 0
    if (!isClosing) return true
    const pending = side === Side.Bid ? holding!.pendingBuy : holding!.pendingSell
    return pending + quantity > Math.abs(position)
  }

  /** The expected price in the account's currency; undefined where that cannot be told. */
  #expected(asked: TwinSubmission, account: TwinAccount): number | undefined {
    const expected = expectedPrice(asked, this.#quotes[asked.ticker] ?? { bid: 0, ask: 0 })
    return this.#convert(expected, this.#tickers[asked.ticker]!.currency, account.terms.currency)
  }

  #convert(amount: number, from: number, to: number): number | undefined {
    if (from === to) return amount
    const rate = this.#rates[`${from}/${to}`]
    return rate === undefined ? undefined : Number(exactMulDiv(BigInt(amount), rate[0], rate[1]))
  }

  readonly #countedIn = new Map<TwinAccount, number>()

  /** Counts buying power anew where the currency has changed: orders at what they would be expected at now. */
  #followTerms(account: TwinAccount): void {
    const { currency } = account.terms
    const before = this.#countedIn.get(account) ?? currency
    this.#countedIn.set(account, currency)
    if (before === currency) return
    for (const [ticker, holding] of account.holdings) {
      const costBasis = this.#convert(Number(holding.cost), this.#tickers[ticker]!.currency, currency)
      holding.exposedQuantity = costBasis === undefined ? 0n : holding.quantity
      holding.expenditure = BigInt(costBasis ?? 0)
    }
    for (const order of this.orders) {
      if (!order.isLive || order.account !== account) continue
      order.holdPrice = this.#expected({ ...order.asked, price: order.price }, account)
    }
  }

  #live(row: number, id: number): TwinOrder | undefined {
    const order = this.orders.find(order => order.id === id && order.account.row === row && order.isLive)
    if (order === undefined) this.#answers.push(id <= 0 ? 'UNKNOWN_ORDER' : `refuse by the record of ${id}`)
    return order
  }

  #hearVenue(): void {
    for (const [id, status, lastQty, lastPx, , reason] of this.#venue.log.splice(0)) {
      const order = this.orders.find(order => order.id === id)
      if (order === undefined) continue
      if (status === OrderStatus.Replaced) this.#take(order)
      const isAnswer = status === OrderStatus.Replaced || status === OrderStatus.ReplaceReject
      const { quantity } = status === OrderStatus.Replaced ? order : (order.next ?? order)
      const text = isAnswer ? order.next!.text(quantity) : ''
      this.#report(order, status, lastQty, lastPx, VENUE_REASONS[reason] ?? '', text)
    }
  }

  /** The order goes on under its new terms. */
  #take(order: TwinOrder): void {
    const { quantity, price, holdPrice } = order.next!
    const before = Math.max(0, order.quantity - order.cumQty)
    order.quantity = Math.max(quantity, order.cumQty)
    order.price = price
    if (order.holdPrice !== undefined) order.holdPrice = holdPrice
    const holding = this.#holding(order.account, order.ticker)
    const more = order.quantity - order.cumQty - before
    if (order.side === Side.Ask) holding.pendingSell += more
    else holding.pendingBuy += more
  }

  #report(order: TwinOrder, status: OrderStatus, lastQty: number, lastPx: number, reason: string, replace = ''): void {
    const { account, side } = order
    const isTerminal = TERMINAL.includes(status)
    const leaves = Math.max(0, order.quantity - order.cumQty)
    const holding = this.#holding(account, order.ticker)
    if (lastQty !== 0) {
      trade(holding, side, BigInt(lastQty), exactValue(BigInt(lastQty), BigInt(lastPx)))
      const price = this.#convert(lastPx, this.#tickers[order.ticker]!.currency, this.#countedIn.get(account)!)
      if (order.holdPrice !== undefined) expose(holding, side, BigInt(lastQty), BigInt(price!))
    }
    const taken = isTerminal ? leaves : Math.min(leaves, lastQty)
    if (side === Side.Ask) holding.pendingSell -= taken
    else holding.pendingBuy -= taken
    order.cumQty += lastQty
    const yields = status === OrderStatus.PartiallyFilled || status === OrderStatus.New
    const isRefusedAtOnce = status === OrderStatus.ReplaceReject && order.status !== OrderStatus.PendingReplace
    if (!(yields && order.status === OrderStatus.PendingCancel) && !isRefusedAtOnce) order.status = status
    if (isTerminal) order.isLive = false
    account.reportSequence += 1
    const execution = lastQty === 0 ? '' : ` ${formatDecimal(lastQty)}@${formatDecimal(lastPx)}`
    const why = reason === '' ? '' : ` ${reason}`
    const left = isTerminal ? 0 : Math.max(0, order.quantity - order.cumQty)
    const done = `${formatDecimal(order.cumQty)}/${formatDecimal(left)}`
    const name = orderStatusNames[status]
    this.#lines.push(
      `#${account.reportSequence} ${order.id}.${order.reports++} ${name}${replace}${execution}${why} ${done}`,
    )
  }

  #holding(account: TwinAccount, ticker: number): TwinHolding {
    const known = account.holdings.get(ticker)
    if (known !== undefined) return known
    const opened: TwinHolding = {
      quantity: 0n,
      cost: 0n,
      gross: 0n,
      exposedQuantity: 0n,
      expenditure: 0n,
      pendingSell: 0,
      pendingBuy: 0,
    }
    account.holdings.set(ticker, opened)
    return opened
  }
}

const VENUE_REASONS: Readonly<Record<number, string>> = {
  301: 'NO_BBO',
  602: 'NOT_FILLED_AT_ONCE',
  604: 'EXPIRED',
  606: 'CANCELED_ON_REQUEST',
  640: 'TERM_NOT_REPLACEABLE',
  642: 'NOTHING_LEFT_BY_REPLACE',
}

/** Why an administrator may not report this. */
function updateFault(current: OrderStatus, leaves: number, next: OrderStatus, lastQty: number): string | undefined {
  if (next === OrderStatus.PendingNew || next >= OrderStatus.PendingReplace) return 'ILLEGAL_UPDATE'
  const mayBeAcknowledged = [
    OrderStatus.PendingNew,
    OrderStatus.PendingCancel,
    OrderStatus.CancelReject,
    OrderStatus.Suspended,
  ] as OrderStatus[]
  if (next === OrderStatus.New && !mayBeAcknowledged.includes(current)) return 'ILLEGAL_UPDATE'
  const isExecution = next === OrderStatus.PartiallyFilled || next === OrderStatus.Filled
  if (!isExecution) return lastQty === 0 ? undefined : 'ILLEGAL_UPDATE'
  if (lastQty === 0) return 'INVALID_QUANTITY'
  if (next === OrderStatus.Filled) return lastQty >= leaves ? undefined : 'ILLEGAL_UPDATE'
  return lastQty < leaves ? undefined : 'ILLEGAL_UPDATE'
}

function expectedPrice({ type, side, price }: TwinSubmission, { bid, ask }: { bid: number; ask: number }): number {
  const opposite = side === Side.Ask ? bid : ask
  if (type !== OrderType.Limit) return opposite
  if (opposite === 0) return price
  return side === Side.Ask ? Math.max(opposite, price) : Math.min(opposite, price)
}

function cost(open: readonly { left: bigint; price: bigint }[], free: bigint): bigint {
  let sum = 0n
  for (const { left, price } of open) {
    const covered = smaller(free, left)
    free -= covered
    sum += exactValue(left - covered, price)
  }
  return sum
}

/** Books a fill: what reduces the position gives a result, the rest opens. */
function trade(holding: TwinHolding, side: Side, quantity: bigint, value: bigint): void {
  const sign = side === Side.Bid ? 1n : -1n
  let opened = quantity
  let openedValue = value
  if (holding.quantity * sign < 0n) {
    const held = magnitude(holding.quantity)
    const closed = smaller(quantity, held)
    const closedValue = exactMulDiv(value, closed, quantity)
    const closedCost = exactMulDiv(holding.cost, closed, held)
    holding.gross += -sign * closedValue - closedCost
    holding.cost -= closedCost
    holding.quantity += sign * closed
    opened -= closed
    openedValue -= closedValue
  }
  holding.quantity += sign * opened
  holding.cost += sign * openedValue
}

/** The same as buying power sees it. */
function expose(holding: TwinHolding, side: Side, quantity: bigint, price: bigint): void {
  const sign = side === Side.Bid ? 1n : -1n
  let left = quantity
  if (holding.exposedQuantity * sign < 0n) {
    const held = magnitude(holding.exposedQuantity)
    const closed = smaller(left, held)
    holding.expenditure -= exactMulDiv(holding.expenditure, closed, held)
    holding.exposedQuantity += sign * closed
    left -= closed
  }
  holding.exposedQuantity += sign * left
  holding.expenditure += sign * exactValue(left, price)
}

/** An order that never trades. */
function bystander(ticker: number): TwinSubmission {
  return {
    row: 0,
    ticker,
    side: Side.Bid,
    type: OrderType.Limit,
    quantity: 1,
    price: 1,
    timeInForce: TimeInForce.Gtc,
    expiry: 0,
    clOrdId: '',
  }
}

function routed({ ticker, side, type, quantity, price, timeInForce, expiry }: TwinSubmission, destination: string) {
  return {
    tickerIndex: ticker,
    side,
    type,
    timeInForce,
    quantity,
    price,
    expiryUs: expiry,
    destination,
    pegKind: PegKind.Primary,
    pegDifference: 0,
    byAdministrator: false,
  }
}
