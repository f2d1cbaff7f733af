// All accounts: a controller for each that the service locator announces, the market told to those whom it concerns,
// and snapshots written a few at a time. Nothing here grows with the speed of the market: of the quotes of one ticker
// that come faster than they are looked at, only the newest counts.

import type { Log } from '../base/log.ts'
import type { OesClient } from '../client/index.ts'
import { ExchangeRateTable } from '../domain/exchange-rates.ts'
import { readTicker } from '../domain/tickers.ts'
import { type RiskParameters, type RiskState, sameRiskState } from '../services/administration/risk.ts'
import type { MarketDataClient } from '../services/market-data/client.ts'
import { type MarketEvent, MarketEventType, type Quote } from '../services/market-data/market-event.ts'
import { ServiceError } from '../services/wire/service-error.ts'
import type { WorldFeed } from '../services/world/world-feed.ts'
import type { AccountSnapshot } from './account-risk.ts'
import { DeskOrders } from './desk-orders.ts'
import { type ControllerHost, RiskController } from './risk-controller.ts'
import type { RiskStore } from './risk-store.ts'
import { StatePublisher } from './state-publisher.ts'
import { Turns } from './turns.ts'

/** Accounts that read their record at once. */
const OPENING_MAX = 16
/** How often snapshots are written, and about how many rows at once: a few milliseconds of work. */
const SNAPSHOT_EVERY_MS = 200
const SNAPSHOT_ROWS_MAX = 2_000
/** So many ids of orders take as long as one row. */
const IDS_PER_ROW = 50
/** The snapshot of one account is written so often at most, and less often with more rows than are written at once. */
const SNAPSHOT_PAUSE_MS = 1_000
/** Accounts that are reset in one turn of the event loop. */
const RESET_AT_ONCE = 100

export interface ConsolidatedOptions {
  readonly world: WorldFeed
  readonly market: MarketDataClient
  readonly store: RiskStore
  readonly log: Log
  readonly nowUs: () => number
  /** A connection for one more account. */
  readonly connect: () => Promise<OesClient>
  /** Told of each inventory that is another one now. */
  readonly onInventory: (account: number, ticker: string) => void
}

export class ConsolidatedController implements ControllerHost {
  readonly store: RiskStore
  readonly rates: ExchangeRateTable
  readonly orders: DeskOrders
  readonly log: Log
  readonly opening = new Turns(OPENING_MAX)
  readonly nowUs: () => number
  readonly #options: ConsolidatedOptions
  readonly #publisher: StatePublisher
  readonly #controllers = new Map<number, RiskController>()
  /** Who is told of a ticker's quotes. */
  readonly #followers = new Map<string, Set<RiskController>>()
  #hasStarted = false
  /** The newest quotes that nobody has looked at yet. */
  readonly #quotes = new Map<string, Quote>()
  /** When each ticker's market is known, or nobody can tell. */
  readonly #known = new Map<string, Promise<void>>()
  readonly #published = new Set<number>()
  /** Controllers whose snapshot is to be written. */
  readonly #unwritten = new Set<RiskController>()
  /** When the next snapshot of each may be written, in milliseconds of the monotonic clock. */
  readonly #writeNextMs = new WeakMap<RiskController, number>()
  readonly #writing: NodeJS.Timeout

  constructor(options: ConsolidatedOptions) {
    const { world, store, log, nowUs } = options
    this.#options = options
    this.store = store
    this.log = log
    this.nowUs = nowUs
    this.rates = new ExchangeRateTable(world.definitions.exchangeRates)
    this.orders = new DeskOrders(log)
    this.#publisher = new StatePublisher((account, state) => world.administration.storeRiskState(account, state), log)
    this.#writing = setInterval(() => this.#write(this.#unwritten, SNAPSHOT_ROWS_MAX), SNAPSHOT_EVERY_MS)
  }

  /** Begins to watch every account there is. */
  start(): void {
    this.#hasStarted = true
    for (const [account] of this.#options.world.accounts()) this.accountAdded(account)
  }

  /** Stops watching; what is known is written, and the last states stay in force. */
  close(): void {
    clearInterval(this.#writing)
    this.#write(this.#unwritten)
    for (const controller of this.#controllers.values()) controller.close()
    this.#publisher.close()
  }

  get controllers(): ReadonlyMap<number, RiskController> {
    return this.#controllers
  }

  // What the world tells.

  accountAdded(account: number): void {
    if (!this.#hasStarted || this.#controllers.has(account)) return
    this.#controllers.set(account, new RiskController(account, this, this.#options.connect()))
  }

  accountRemoved(account: number): void {
    const controller = this.#controllers.get(account)
    if (controller === undefined) return
    controller.close()
    this.#controllers.delete(account)
    this.#unwritten.delete(controller)
    for (const followers of this.#followers.values()) followers.delete(controller)
  }

  riskParametersChanged(account: number): void {
    this.#controllers.get(account)?.parametersChanged()
  }

  /** An event of the market. */
  marketChanged(event: MarketEvent): void {
    if (event.type !== MarketEventType.Quote) return
    if (this.#quotes.size === 0) setImmediate(() => this.#tellQuotes())
    this.#quotes.set(event.ticker, event)
  }

  /**
   * Begins the results of the tickers in scope again at zero, a few accounts at a time.
   * @returns the accounts that could not be reset, because they are not watched now.
   */
  async reset(isInScope: (ticker: string) => boolean): Promise<number[]> {
    const failed: number[] = []
    const controllers = [...this.#controllers.values()]
    for (let from = 0; from < controllers.length; from += RESET_AT_ONCE) {
      const some = controllers.slice(from, from + RESET_AT_ONCE)
      for (const controller of some) if (!controller.reset(isInScope)) failed.push(controller.account)
      // At once, so that a restart does not bring the old figures back.
      this.#write(some.filter(controller => this.#unwritten.has(controller)))
      await new Promise(setImmediate)
    }
    return failed
  }

  // What controllers ask for.

  destinationOf(ticker: string): string {
    const { definitions } = this.#options.world
    return definitions.preferredDestination(readTicker(ticker, definitions).venue)
  }

  parameters(account: number): RiskParameters {
    return this.#options.world.riskParameters(account)
  }

  async follow(controller: RiskController, tickers: readonly string[]): Promise<void> {
    const unknown = tickers.filter(ticker => !this.#known.has(ticker))
    if (unknown.length > 0) {
      const known = this.#subscribe(unknown)
      for (const ticker of unknown) this.#known.set(ticker, known)
    }
    for (const ticker of tickers) {
      const followers = this.#followers.get(ticker)
      if (followers === undefined) this.#followers.set(ticker, new Set([controller]))
      else followers.add(controller)
    }
    await Promise.all(new Set(tickers.map(ticker => this.#known.get(ticker))))
    for (const ticker of tickers) {
      const quote = this.#options.market.picture.quote(ticker)
      if (quote !== undefined) controller.quote(ticker, quote.bid, quote.ask)
    }
  }

  /** A state that stands already is not written again when the account begins to be watched. */
  publish(account: number, state: RiskState): void {
    const stands = this.#options.world.riskState(account)
    const isFirst = !this.#published.has(account)
    this.#published.add(account)
    if (isFirst && sameRiskState(stands, state)) return
    this.#publisher.publish(account, state)
  }

  inventoryChanged(account: number, ticker: string): void {
    this.#options.onInventory(account, ticker)
  }

  snapshotChanged(controller: RiskController): void {
    this.#unwritten.add(controller)
  }

  async #subscribe(tickers: readonly string[]): Promise<void> {
    try {
      await this.#options.market.subscribe(tickers)
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      // The client subscribes by itself when the service is there again.
      this.log.warning('the market of some tickers is not known now', { tickers: tickers.join(' '), error })
    }
  }

  #tellQuotes(): void {
    const quotes = [...this.#quotes.values()]
    this.#quotes.clear()
    for (const { ticker, bid, ask } of quotes) {
      for (const controller of this.#followers.get(ticker) ?? []) controller.quote(ticker, bid, ask)
    }
  }

  /** Writes snapshots, at once or some of those whose turn it is. */
  #write(controllers: Iterable<RiskController>, rowsMax = Number.POSITIVE_INFINITY): void {
    const nowMs = performance.now()
    const snapshots: (readonly [number, AccountSnapshot])[] = []
    let rows = 0
    for (const controller of controllers) {
      if (rows >= rowsMax) break
      if (rowsMax < Number.POSITIVE_INFINITY && (this.#writeNextMs.get(controller) ?? 0) > nowMs) continue
      this.#unwritten.delete(controller)
      const { snapshot } = controller
      if (snapshot === undefined) continue
      const size = 1 + snapshot.inventories.length + snapshot.excluded.length / IDS_PER_ROW
      this.#writeNextMs.set(controller, nowMs + SNAPSHOT_PAUSE_MS * Math.max(1, size / SNAPSHOT_ROWS_MAX))
      snapshots.push([controller.account, snapshot])
      rows += size
    }
    if (snapshots.length === 0) return
    try {
      this.store.storeSnapshots(snapshots)
    } catch (error) {
      // What is stored stays as it was; the account's record has the rest.
      this.log.error('inventory snapshots could not be written', { accounts: snapshots.length, error })
    }
  }
}
