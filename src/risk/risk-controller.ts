// Watches one account: brings its model up to date from the stored snapshot and the server's record, feeds it with
// what happens, and does what it asks for. The account's record is read by report sequence, without gap or duplicate,
// so where a connection, a subscription or this process ends, the next one goes on from the snapshot.
//
//   snapshot ► orders it leaves out ► subscribe from its next report ► caught up ► quotes known ► started
//      ▲                                                                                            │
//      └───────── whatever may pass: pause, again ──────────────────────────────────────────────────┘
//
// What does not pass (the server has lost reports, or tells what cannot be booked) disables the account.

import { setTimeout as pause } from 'node:timers/promises'
import { unreachable } from '../base/assert.ts'
import type { Log } from '../base/log.ts'
import { type OesClient, OesError, type OrderEvent, Reason, type Subscription } from '../client/index.ts'
import { isPassing } from '../client/outcomes.ts'
import type { ExchangeRateTable } from '../domain/exchange-rates.ts'
import type { Price } from '../domain/money.ts'
import { RiskStateType, riskStateTypeNames } from '../domain/risk-state.ts'
import {
  NEVER,
  type RiskParameters,
  type RiskState,
  riskStateDefault,
  sameRiskState,
} from '../services/administration/risk.ts'
import { AccountRisk, type AccountSnapshot, type AccountTransition, type RiskEffect } from './account-risk.ts'
import type { DeskOrders } from './desk-orders.ts'
import { Enforcement } from './enforcement.ts'
import { riskOrderOf, snapshotReportOf } from './order-events.ts'
import type { RiskStore } from './risk-store.ts'
import { TransitionStage } from './risk-transition-model.ts'
import { Turns } from './turns.ts'

const PAUSE_FIRST_MS = 100
const PAUSE_MAX_MS = 10_000
/** Orders that are asked for at once while catching up. */
const LOADS_MAX = 16
/** Longest sleep until a state ends; alarms cannot be set for much more than twenty days. */
const ALARM_MS_MAX = 3_600_000

/** What all controllers share. */
export interface ControllerHost {
  readonly store: RiskStore
  readonly rates: ExchangeRateTable
  readonly orders: DeskOrders
  readonly log: Log
  /** Accounts that may catch up at once. */
  readonly opening: Turns
  readonly nowUs: () => number
  destinationOf(ticker: string): string
  parameters(account: number): RiskParameters
  /** Has quotes told to the controller; resolves when it has heard how the tickers stand, or nobody can tell. */
  follow(controller: RiskController, tickers: readonly string[]): Promise<void>
  publish(account: number, state: RiskState): void
  inventoryChanged(account: number, ticker: string): void
  /** The account's snapshot is not the stored one any more. */
  snapshotChanged(controller: RiskController): void
}

export class RiskController {
  readonly account: number
  readonly #host: ControllerHost
  readonly #connection: Promise<OesClient>
  /** The model, while it is fed. */
  #model: AccountRisk | undefined
  /** Sees to the account's orders, as long as the model is fed. */
  #enforcement: Enforcement | undefined
  #subscription: Subscription | undefined
  readonly #tickers = new Set<string>()
  #stored: AccountTransition | undefined
  #alarm: NodeJS.Timeout | undefined
  #fault: string | undefined
  readonly #closed = new AbortController()

  constructor(account: number, host: ControllerHost, connection: Promise<OesClient>) {
    this.account = account
    this.#host = host
    this.#connection = connection
    void this.#run()
  }

  /** The model of an account that is being watched. */
  get model(): AccountRisk | undefined {
    return this.#model?.hasStarted ? this.#model : undefined
  }

  /** Why the account is not watched any more. */
  get fault(): string | undefined {
    return this.#fault
  }

  /** The snapshot to store; undefined where nothing is known beyond the stored one. */
  get snapshot(): AccountSnapshot | undefined {
    return this.#model?.snapshot
  }

  close(): void {
    this.#closed.abort()
    clearTimeout(this.#alarm)
    this.#enforcement?.close()
    this.#subscription?.close()
  }

  quote(ticker: string, bid: Price, ask: Price): void {
    this.#change(model => model.quote(ticker, bid, ask, this.#host.nowUs()))
  }

  parametersChanged(): void {
    this.#change(model =>
      model.hasStarted ? model.changeParameters(this.#host.parameters(this.account), this.#host.nowUs()) : [],
    )
  }

  /** @returns false where the account is not watched at the moment. */
  reset(isInScope: (ticker: string) => boolean): boolean {
    if (this.model === undefined) return false
    this.#change(model => model.reset(isInScope, this.#host.nowUs()))
    this.#host.snapshotChanged(this)
    return this.#fault === undefined
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed
    for (let pauseMs = PAUSE_FIRST_MS; !signal.aborted; pauseMs = Math.min(PAUSE_MAX_MS, 2 * pauseMs)) {
      try {
        await this.#follow()
      } catch (error) {
        if (signal.aborted) return
        if (!mayPass(error)) return this.#fail(error)
        this.#host.log.warning('an account cannot be followed now', { account: this.account, error })
      }
      await pause(pauseMs, undefined, { ref: false })
    }
  }

  async #follow(): Promise<void> {
    const host = this.#host
    const { account } = this
    const client = await this.#connection
    let hasTurn = true
    await host.opening.take()
    try {
      if (this.#closed.signal.aborted) return
      const snapshot = host.store.snapshot(account)
      const { reportSequence } = await client.positions(account)
      const model = new AccountRisk({
        snapshot,
        rates: host.rates,
        destinationOf: ticker => host.destinationOf(ticker),
      })
      const enforcement = new Enforcement({
        account,
        client,
        model,
        orders: host.orders,
        log: host.log,
        destinationOf: ticker => host.destinationOf(ticker),
        isSettled: host.store.transition(account)?.stage === TransitionStage.Flattened,
        onSettled: () => this.#keep(model.transition),
      })
      await this.#restore(client, model, enforcement, snapshot)
      const subscription = await client.subscribe({ account, fromSequence: snapshot.reportSequence + 1 })
      this.#enforcement = enforcement
      this.#subscription = subscription
      this.#model = model
      if (this.#closed.signal.aborted) subscription.close()
      const begin = async () => {
        await this.#start(model)
        host.opening.give()
        hasTurn = false
      }
      if (model.reportSequence >= reportSequence) await begin()
      for await (const event of subscription) {
        if (event.event === 'membership') continue
        this.#take(model, event)
        if (hasTurn && model.reportSequence >= reportSequence) await begin()
      }
    } finally {
      if (hasTurn) host.opening.give()
      this.#model = undefined
      clearTimeout(this.#alarm)
      this.#enforcement?.close()
      this.#subscription?.close()
    }
  }

  /** Adds the orders that the snapshot leaves out. */
  async #restore(
    client: OesClient,
    model: AccountRisk,
    enforcement: Enforcement,
    { excluded }: AccountSnapshot,
  ): Promise<void> {
    const turns = new Turns(LOADS_MAX)
    const orders = await Promise.all(
      excluded.map(async orderId => {
        const record = await turns.run(() => client.load(orderId))
        if (record === undefined) throw new Error(`the server does not know order ${orderId} any more`)
        enforcement.take(record.accepted)
        return { order: riskOrderOf(record.accepted), reports: record.reports.map(snapshotReportOf) }
      }),
    )
    model.restore(orders)
  }

  async #start(model: AccountRisk): Promise<void> {
    const host = this.#host
    const { account } = this
    const tickers = [...model.tickers()]
    for (const ticker of tickers) this.#tickers.add(ticker)
    // A position without its market would be taken for one without a loss.
    if (tickers.length > 0) await host.follow(this, tickers)
    if (this.#model !== model) return
    this.#stored = host.store.transition(account)
    this.#perform(model, model.start(host.parameters(account), this.#stored, host.nowUs()))
    for (const { inventory } of model.portfolio.entries()) host.inventoryChanged(account, inventory.ticker)
    host.snapshotChanged(this)
  }

  #take(model: AccountRisk, event: OrderEvent): void {
    const host = this.#host
    if (event.event === 'accepted') {
      const order = riskOrderOf(event)
      this.#perform(model, model.add(order, event.reportSequence))
      if (model.hasStarted && !this.#tickers.has(order.ticker)) {
        this.#tickers.add(order.ticker)
        void host.follow(this, [order.ticker])
      }
    } else {
      this.#perform(model, model.report(event.orderId, snapshotReportOf(event), host.nowUs()))
    }
    this.#enforcement?.take(event)
    host.snapshotChanged(this)
  }

  /** Lets the model take something from outside the account's record. */
  #change(change: (model: AccountRisk) => readonly RiskEffect[]): void {
    const model = this.#model
    if (model === undefined) return
    try {
      this.#perform(model, change(model))
    } catch (error) {
      this.#fail(error)
    }
  }

  #perform(model: AccountRisk, effects: readonly RiskEffect[]): void {
    if (effects.length === 0) return
    const host = this.#host
    const { account } = this
    for (const effect of effects) {
      switch (effect.kind) {
        case 'state': {
          const { state } = effect
          host.publish(account, state)
          const told = {
            account,
            state: riskStateTypeNames[state.type],
            ...(state.expiry !== NEVER && { expiry: state.expiry }),
          }
          if (this.#isKept(state)) host.log.debug('risk state', told)
          else host.log.info('risk state', told)
          break
        }
        case 'cancel':
        case 'flatten':
          // What stands by the time it is done counts, not what was known when the state changed.
          break
        case 'inventory':
          host.inventoryChanged(account, effect.ticker)
          break
        default:
          unreachable(effect)
      }
    }
    this.#enforcement?.changed()
    this.#keep(model.transition)
    this.#arm(model)
  }

  #keep(transition: AccountTransition | undefined): void {
    if (transition === undefined) return
    const { state } = transition
    // A run that comes after this one has to go on until the account is flat.
    const isUnfinished = transition.stage === TransitionStage.Flattened && this.#enforcement?.isSettled === false
    const stage = isUnfinished ? TransitionStage.Waiting : transition.stage
    if ((this.#stored?.stage ?? TransitionStage.Idle) === stage && this.#isKept(state)) return
    this.#stored = { state, stage }
    this.#host.store.storeTransition(this.account, this.#stored)
  }

  /** Whether the next run would find this state; nothing is kept of an account that was active ever since. */
  #isKept(state: RiskState): boolean {
    return sameRiskState(this.#stored?.state ?? riskStateDefault, state)
  }

  /** Sets the alarm for the end of the state. */
  #arm(model: AccountRisk): void {
    clearTimeout(this.#alarm)
    const { state } = model
    if (state === undefined || state.type !== RiskStateType.CloseOrders || state.expiry === NEVER) return
    const ms = Math.ceil((state.expiry - this.#host.nowUs()) / 1_000)
    this.#alarm = setTimeout(
      () => {
        this.#change(each => each.passTime(this.#host.nowUs()))
        if (this.#model === model) this.#arm(model)
      },
      Math.min(ALARM_MS_MAX, Math.max(1, ms)),
    )
  }

  #fail(error: unknown): void {
    this.#fault = error instanceof Error ? error.message : String(error)
    const hasLost = error instanceof OesError && (error.code === 'SEQUENCE_GAP' || error.reason === Reason.InvalidRange)
    this.#host.log.error('an account cannot be watched and is disabled', {
      account: this.account,
      error,
      ...(hasLost && { hint: 'the server knows less than the snapshot; begin anew with --forget-snapshots' }),
    })
    this.#model = undefined
    this.close()
    this.#host.publish(this.account, { type: RiskStateType.Disabled, expiry: NEVER })
  }
}

// A new account may be announced to us before it is to the server.
function mayPass(error: unknown): boolean {
  return error instanceof OesError && (isPassing(error) || error.reason === Reason.UnknownAccount)
}
