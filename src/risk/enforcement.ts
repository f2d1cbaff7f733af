// Sees through what a risk state demands of one account: in closing mode that nothing is left that would open a
// position, of a disabled account that nothing is left at all. It goes by what stands, not by what was known when the
// state changed, and looks again until nothing is left to do:
//
//   the server's risk state ► a cut in the account's record ► the model has everything up to it
//      ► cancel what has to go, wait for its end ► flatten each position ► look again, until nothing is left
//
// A connection that is lost, a server that is killed, a request that is refused, an order that is rejected or expires
// cost a pause, which grows, and another look. What makes it safe to ask again:
//
//   - Nothing is flattened before the server itself has the account out of ACTIVE, seen before the cut was made. From
//     then on it lets nothing in that opens, so it turns down whatever of ours would: a position never turns over.
//   - A ticker has one flattening order at a time. It is known by who submitted it and by its client order id, which
//     follows from the ticker and from how far the record was known, so that the same again is the same order.

import { createHash } from 'node:crypto'
import type { BookedOrder } from '../accounting/position-order-book.ts'
import type { Log } from '../base/log.ts'
import { type OesClient, OesError, type OrderEvent, Reason } from '../client/index.ts'
import { isPassing } from '../client/outcomes.ts'
import { formatDecimal } from '../domain/decimal.ts'
import { microsOfNumber, type Quantity } from '../domain/money.ts'
import { isTerminal, OrderStatus } from '../domain/order-status.ts'
import { RiskStateType } from '../domain/risk-state.ts'
import { opposite, sideOfPosition } from '../domain/side.ts'
import type { DeskOrders } from './desk-orders.ts'
import { TransitionStage } from './risk-transition-model.ts'

/** Between two looks that came to nothing. */
const LOOK_FIRST_MS = 20
const LOOK_MAX_MS = 5_000
/** How long an event is waited for that has to come, until everything is looked at again. */
const PATIENCE_MS = 5_000
/** After a flattening order of a ticker that moved nothing: each leaves a rejected order in the account's record. */
const ATTEMPT_FIRST_MS = 100
const ATTEMPT_MAX_MS = 60_000

const CL_ORD_ID_PREFIX = 'flat-'

/** What of the account's model is looked at. */
export interface EnforcedAccount {
  /** Everything up to this report of the account is counted. */
  readonly reportSequence: number
  readonly transition: { readonly stage: TransitionStage } | undefined
  isLive(orderId: number): boolean
  liveOrders(): Iterable<BookedOrder>
  openingOrders(): Iterable<BookedOrder>
  /** By ticker, signed; none that is zero. */
  positions(): Iterable<readonly [ticker: string, quantity: Quantity]>
}

export interface EnforcementOptions {
  readonly account: number
  readonly client: OesClient
  readonly model: EnforcedAccount
  readonly orders: DeskOrders
  readonly log: Log
  readonly destinationOf: (ticker: string) => string
  /** An earlier run has left the account flat. */
  readonly isSettled: boolean
  /** Told when nothing is left to do. */
  readonly onSettled: () => void
}

/** What a look came to. */
const Look = { Settled: 0, Moved: 1, Stuck: 2 } as const
type Look = (typeof Look)[keyof typeof Look]

const Demand = { None: 0, Closing: 1, Flat: 2 } as const
type Demand = (typeof Demand)[keyof typeof Demand]

/** What is remembered of a ticker that is being flattened. */
interface Attempts {
  /** The live order that does it; 0 where there is none. */
  orderId: number
  /** In milliseconds of the monotonic clock. */
  nextMs: number
  pauseMs: number
  /** The lot that the server wants multiples of; 0 where it has not said so. */
  lot: Quantity
  /** The remainder that was told already. */
  toldRemainder: Quantity
}

export class Enforcement {
  readonly #options: EnforcementOptions
  #demand: Demand
  #isSettled: boolean
  #isRunning = false
  #isClosed = false
  readonly #attempts = new Map<string, Attempts>()
  /** Tickers of the flattening orders that are live. */
  readonly #own = new Map<number, string>()
  /** How many of them have come and gone. */
  #ownEvents = 0
  /** Looks whether what is waited for has happened. */
  #onChange: (() => void) | undefined
  #toldActive = false

  constructor(options: EnforcementOptions) {
    this.#options = options
    this.#isSettled = options.isSettled
    // Where an earlier run was done, only another demand begins anew.
    this.#demand = options.isSettled ? Demand.Flat : Demand.None
  }

  /** False while something is left to do. */
  get isSettled(): boolean {
    return this.#demand === Demand.None || this.#isSettled
  }

  /** An event of the account's record, which the model has taken already. */
  take(event: OrderEvent): void {
    if (event.event === 'accepted') {
      if (!this.#isOwn(event)) return
      this.#ownEvents += 1
      this.#own.set(event.orderId, event.ticker)
      this.#attemptsOf(event.ticker).orderId = event.orderId
    } else {
      const ticker = this.#own.get(event.orderId)
      if (ticker !== undefined) this.#reported(ticker, event)
    }
    this.#onChange?.()
  }

  /** The model's state may be another one. */
  changed(): void {
    const demand = demandOf(this.#options.model.transition?.stage)
    if (demand !== this.#demand) {
      this.#demand = demand
      this.#isSettled = false
      this.#toldActive = false
    }
    this.#onChange?.()
    if (!this.isSettled && !this.#isRunning) void this.#run()
  }

  close(): void {
    this.#isClosed = true
    this.#onChange?.()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    const { account, log, onSettled } = this.#options
    let pauseMs = LOOK_FIRST_MS
    while (!this.#isClosed && !this.isSettled) {
      const demand = this.#demand
      const { reportSequence } = this.#options.model
      try {
        const found = await this.#look(demand)
        if (this.#demand !== demand || this.#isClosed || found === Look.Moved) continue
        if (found === Look.Settled) {
          this.#isSettled = true
          log.info(demand === Demand.Flat ? 'an account is flat' : 'an account has closing orders only', { account })
          onSettled()
          break
        }
      } catch (error) {
        if (!(error instanceof OesError)) throw error
        if (isPassing(error)) log.warning('the orders of an account cannot be looked at now', { account, error })
        else log.error('the orders of an account cannot be looked at', { account, error })
      }
      if (this.#options.model.reportSequence > reportSequence) pauseMs = LOOK_FIRST_MS
      await this.#until(() => this.#demand !== demand, pauseMs)
      pauseMs = Math.min(LOOK_MAX_MS, 2 * pauseMs)
    }
    this.#isRunning = false
  }

  /** Looks at how the account stands and does what follows from it. */
  async #look(demand: Demand): Promise<Look> {
    const { account, client, model, orders, log } = this.#options
    const isWanted = () => !this.#isClosed && this.#demand === demand
    const { riskState } = await orders.ask(() => client.positions(account))
    const cut = await orders.ask(() => this.#cut())
    if (!(await this.#until(() => model.reportSequence >= cut || !isWanted(), PATIENCE_MS))) {
      log.warning('reports of an account are late', { account, known: model.reportSequence, reported: cut })
      return Look.Stuck
    }
    if (!isWanted()) return Look.Stuck

    const opening = idsOf(model.openingOrders())
    // Ours stay, unless the position they were to close has gone meanwhile, as by a report made by hand.
    const isWrong = (orderId: number) => !this.#own.has(orderId) || opening.has(orderId)
    const orderIds = demand === Demand.Flat ? [...idsOf(model.liveOrders())].filter(isWrong) : [...opening]
    if (orderIds.length > 0) {
      await orders.cancel({ client, account }, orderIds, orderId => isWanted() && model.isLive(orderId))
      return (await this.#untilEnded(orderIds, isWanted)) ? Look.Moved : Look.Stuck
    }
    if (riskState === RiskStateType.Active) {
      if (demand === Demand.Flat) this.#tellActive()
      return Look.Stuck
    }
    return demand === Demand.Closing ? Look.Settled : this.#flatten(isWanted)
  }

  /** The last report of everything that the server had judged by now. */
  async #cut(): Promise<number> {
    const { account, client } = this.#options
    const probe = await client.subscribe({ account })
    const next = probe.positions.get(account)
    probe.close()
    // The permission to follow the account ended in this very moment.
    if (next === undefined) throw new OesError('NOT_PERMITTED', 'The account is not to be followed.')
    return next - 1
  }

  /** Waits for the ends of canceled orders, as long as they go on ending. @returns whether all have ended. */
  async #untilEnded(orderIds: readonly number[], isWanted: () => boolean): Promise<boolean> {
    const { account, model, log } = this.#options
    let ended = 0
    const haveEnded = () => {
      while (ended < orderIds.length && !model.isLive(orderIds[ended]!)) ended += 1
      return ended === orderIds.length || !isWanted()
    }
    for (let before = -1; ended > before; ) {
      before = ended
      if (await this.#until(haveEnded, PATIENCE_MS)) return true
    }
    const left = orderIds.length - ended
    log.warning('canceled orders have not ended yet', { account, orders: left, orderId: orderIds[ended]! })
    return false
  }

  /** Gets rid of each position that nothing gets rid of yet. */
  async #flatten(isWanted: () => boolean): Promise<Look> {
    const events = this.#ownEvents
    const work: Promise<void>[] = []
    let isFlat = true
    let nextMs = Number.POSITIVE_INFINITY
    for (const [ticker, quantity] of this.#options.model.positions()) {
      const attempts = this.#attemptsOf(ticker)
      const size = Math.abs(quantity)
      const lots = attempts.lot === 0 ? size : size - (size % attempts.lot)
      if (attempts.orderId === 0 && lots === 0) {
        this.#tellRemainder(ticker, quantity, attempts)
        continue
      }
      isFlat = false
      if (attempts.orderId !== 0) continue
      if (attempts.nextMs <= performance.now()) work.push(this.#submit(ticker, quantity, lots, attempts, isWanted))
      else nextMs = Math.min(nextMs, attempts.nextMs)
    }
    if (isFlat) return Look.Settled
    await Promise.all(work)
    // Until an order of ours has come or gone, or it is time to try one again.
    const waitMs = Math.max(LOOK_FIRST_MS, Math.min(PATIENCE_MS, nextMs - performance.now()))
    const isMoved = await this.#until(() => !isWanted() || this.#ownEvents > events, waitMs)
    return isMoved || nextMs <= performance.now() ? Look.Moved : Look.Stuck
  }

  async #submit(
    ticker: string,
    position: Quantity,
    size: Quantity,
    attempts: Attempts,
    isWanted: () => boolean,
  ): Promise<void> {
    const { account, client, model, orders, log, destinationOf } = this.#options
    const quantity = formatDecimal(size)
    log.warning('a position is flattened', { account, ticker, quantity })
    const refusal = await orders.flatten(
      { client, account },
      {
        ticker,
        side: opposite(sideOfPosition(position)),
        quantity,
        destination: destinationOf(ticker),
        clOrdId: clOrdIdOf(ticker, model.reportSequence),
      },
      isWanted,
    )
    // What the record says of an accepted one comes on its own, and may be here already.
    if (refusal === '') return
    this.#delay(attempts)
    const retryMs = attempts.pauseMs
    log.error('a position could not be flattened and is tried again', { account, ticker, quantity, retryMs, refusal })
  }

  #reported(ticker: string, report: OrderEvent & { event: 'report' }): void {
    const attempts = this.#attemptsOf(ticker)
    if (report.lastQty > 0) attempts.pauseMs = 0
    if (!isTerminal(report.status)) return
    this.#ownEvents += 1
    this.#own.delete(report.orderId)
    if (attempts.orderId === report.orderId) attempts.orderId = 0
    if (report.status === OrderStatus.Filled) return
    const [lot] = report.params
    if (report.reason === Reason.BoardLot && typeof lot === 'number' && microsOfNumber(lot) !== attempts.lot) {
      attempts.lot = microsOfNumber(lot)
      return
    }
    this.#delay(attempts)
    this.#options.log.warning('a flattening order ended before the position did; it is tried again', {
      account: this.#options.account,
      ticker,
      orderId: report.orderId,
      retryMs: attempts.pauseMs,
      reason: report.text,
    })
  }

  #delay(attempts: Attempts): void {
    attempts.pauseMs = Math.min(ATTEMPT_MAX_MS, Math.max(ATTEMPT_FIRST_MS, 2 * attempts.pauseMs))
    attempts.nextMs = performance.now() + attempts.pauseMs
  }

  #tellRemainder(ticker: string, quantity: Quantity, attempts: Attempts): void {
    if (attempts.toldRemainder === quantity) return
    attempts.toldRemainder = quantity
    this.#options.log.error('a position smaller than a board lot remains; no order can close it', {
      account: this.#options.account,
      ticker,
      quantity: formatDecimal(quantity),
      lot: formatDecimal(attempts.lot),
      hint: 'close it by hand with the broker; the account stays disabled',
    })
  }

  #tellActive(): void {
    if (this.#toldActive) return
    this.#toldActive = true
    this.#options.log.warning('positions are flattened as soon as the server has the account out of ACTIVE', {
      account: this.#options.account,
      hint: 'it learns the risk state from the administration service',
    })
  }

  #isOwn(event: OrderEvent & { event: 'accepted' }): boolean {
    const { client } = this.#options
    return event.submissionAccount === client.session.account && event.clOrdId.startsWith(CL_ORD_ID_PREFIX)
  }

  #attemptsOf(ticker: string): Attempts {
    let attempts = this.#attempts.get(ticker)
    if (attempts === undefined) {
      attempts = { orderId: 0, nextMs: 0, pauseMs: 0, lot: 0, toldRemainder: 0 }
      this.#attempts.set(ticker, attempts)
    }
    return attempts
  }

  /** Waits until it holds, or no longer than `ms`. @returns whether it holds. */
  #until(holds: () => boolean, ms: number): Promise<boolean> {
    if (this.#isClosed || holds()) return Promise.resolve(!this.#isClosed)
    return new Promise(resolve => {
      const end = (outcome: boolean) => {
        clearTimeout(timer)
        this.#onChange = undefined
        resolve(outcome)
      }
      const timer = setTimeout(() => end(false), ms)
      this.#onChange = () => {
        if (this.#isClosed) end(false)
        else if (holds()) end(true)
      }
    })
  }
}

function demandOf(stage: TransitionStage | undefined): Demand {
  switch (stage) {
    case TransitionStage.Closing:
      return Demand.Closing
    case TransitionStage.Waiting:
    case TransitionStage.Flattened:
      return Demand.Flat
    default:
      return Demand.None
  }
}

function idsOf(orders: Iterable<BookedOrder>): Set<number> {
  return new Set(Array.from(orders, ({ orderId }) => orderId))
}

/** The same for the same ticker and knowledge. */
function clOrdIdOf(ticker: string, reportSequence: number): string {
  const digest = createHash('sha256').update(ticker).digest('base64url').slice(0, 16)
  return `${CL_ORD_ID_PREFIX}${reportSequence.toString(36)}-${digest}`
}
