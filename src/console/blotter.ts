// The orders that one person looks at: those of the accounts that are followed, the latest of them first loaded and then
// kept up to date by ordinary subscriptions. There is a budget of events: where more happens than that, nobody could
// read it anyway, and following it would cost the server what its clients want. Then the blotter samples: it follows for
// a moment, lets go, and comes back later, until things have calmed down.
//
//   idle ─ somebody looks ─► loading ─► live ─ over budget ─► sampled ─ calm ─► loading
//     ▲                                  │                       │
//     └────────── nobody looks ──────────┴───────────────────────┘

import { OrderTracker, type Subscription } from '../client/index.ts'
import type { Desk } from './desk.ts'
import type { NamedId, OrderRow, OrdersMessage } from './messages.ts'
import { orderRow } from './order-rows.ts'

export type BlotterMode = OrdersMessage['mode']

/** What the server has to do, as far as it is known. */
export interface ServerLoad {
  readonly eventsPerSecond: number
  /** Journal entries that the best of its stores does not have. */
  readonly lagRecords: number
}

export interface BlotterOptions {
  readonly serverLoad: () => ServerLoad
  /** Events of a second that are followed; more than that is sampled. */
  readonly liveEventsMax?: number
}

/** Events of a second that are followed, and from which on a sampled blotter is followed again. */
const LIVE_EVENTS_MAX = 2_000
const CALM_EVENTS_MAX = 500
/** Loading orders reads what the stores lack from the journals; more than this is too dear while clients trade. */
const LAG_RECORDS_MAX = 50_000
/** A sample: how many events at most, for how long at most, and the pause behind it. */
const SAMPLE_EVENTS_MAX = 200
const SAMPLE_MS = 100
const SAMPLE_EVERY_MS = 4_000
/** Accounts that are followed at once. */
const ACCOUNTS_MAX = 64
/** Orders of an account that are loaded first, and orders that are kept in all. */
const LOADED_ORDERS = 200
const LOADED_LIVE_ORDERS = 500
const ROWS_MAX = 10_000
/** Orders after which everything is loaded anew: what was forgotten of the rows is still known to the tracker. */
const ORDERS_PER_RUN_MAX = 5 * ROWS_MAX
/** Sent to a page at once. */
const ROWS_PER_MESSAGE = 500

/** One page that looks on. */
export class BlotterView {
  /** Orders that the page does not have as they are. */
  readonly #changed = new Set<number>()
  #isFresh = true
  #needsState = true
  readonly #blotter: Blotter

  constructor(blotter: Blotter) {
    this.#blotter = blotter
  }

  noteChanged(orderId: number): void {
    this.#changed.add(orderId)
    if (this.#changed.size <= ROWS_MAX) return
    // A page that reads too slowly does without those that waited longest.
    const [longest] = this.#changed
    this.#changed.delete(longest!)
  }

  noteState(): void {
    this.#needsState = true
  }

  /** Begins again with everything there is. */
  noteAll(orderIds: Iterable<number>): void {
    this.#isFresh = true
    this.#needsState = true
    this.#changed.clear()
    for (const id of orderIds) this.#changed.add(id)
  }

  /** The next message for the page; undefined where there is nothing to tell. */
  take(): OrdersMessage | undefined {
    if (this.#changed.size === 0 && !this.#needsState) return undefined
    const rows: OrderRow[] = []
    for (const id of this.#changed) {
      this.#changed.delete(id)
      const row = this.#blotter.row(id)
      if (row !== undefined) rows.push(row)
      if (rows.length >= ROWS_PER_MESSAGE) break
    }
    const isFresh = this.#isFresh
    this.#isFresh = false
    this.#needsState = false
    return { isFresh, rows, ...this.#blotter.state() }
  }
}

export class Blotter {
  readonly #desk: Desk
  readonly #serverLoad: () => ServerLoad
  readonly #liveEventsMax: number
  readonly #views = new Set<BlotterView>()
  #tracker = newTracker()
  /** The orders there are, in the order in which they came here. */
  #ids = new Set<number>()
  #mode: BlotterMode = 'loading'
  #accounts: readonly NamedId[] = []
  #accountsLeftOut = 0
  #faults: readonly string[] = []
  /** Accounts asked for by name, which are followed before others. */
  readonly #wanted = new Map<number, NamedId>()
  /** Of the run that goes on; a later one ends it. */
  #run: AbortController | undefined
  readonly #subscriptions = new Set<Subscription>()
  #secondBegan = 0
  #inSecond = 0
  #ordersInRun = 0

  constructor(desk: Desk, options: BlotterOptions) {
    this.#desk = desk
    this.#serverLoad = options.serverLoad
    this.#liveEventsMax = options.liveEventsMax ?? LIVE_EVENTS_MAX
  }

  /** Somebody looks. */
  open(): BlotterView {
    const view = new BlotterView(this)
    this.#views.add(view)
    if (this.#run === undefined) this.#begin()
    view.noteAll(this.#ids)
    return view
  }

  close(view: BlotterView): void {
    this.#views.delete(view)
    if (this.#views.size === 0) this.#end()
  }

  /** Follows this account as well, before others. */
  follow(account: NamedId): void {
    if (this.#accounts.some(({ id }) => id === account.id)) return
    this.#wanted.set(account.id, account)
    if (this.#run !== undefined) {
      this.#end()
      this.#begin()
    }
  }

  row(id: number): OrderRow | undefined {
    const order = this.#tracker.get(id)
    return order === undefined ? undefined : orderRow(order, this.#desk.nameOf(order.accepted.account))
  }

  state(): Pick<OrdersMessage, 'mode' | 'accounts' | 'accountsLeftOut' | 'faults'> {
    return {
      mode: this.#mode,
      accounts: this.#accounts,
      accountsLeftOut: this.#accountsLeftOut,
      faults: this.#faults,
    }
  }

  dispose(): void {
    this.#views.clear()
    this.#end()
  }

  #begin(): void {
    const run = new AbortController()
    this.#run = run
    this.#go(run.signal).catch((error: unknown) => {
      if (run.signal.aborted) return
      this.#faults = [`Orders cannot be followed: ${error instanceof Error ? error.message : String(error)}`]
      this.#tell()
      // What failed for the moment is tried again while somebody looks.
      void pause(SAMPLE_EVERY_MS, run.signal).then(() => {
        if (run.signal.aborted) return
        this.#end()
        this.#begin()
      })
    })
  }

  #end(): void {
    this.#run?.abort()
    this.#run = undefined
    this.#letGo()
  }

  #letGo(): void {
    for (const subscription of this.#subscriptions) subscription.close()
    this.#subscriptions.clear()
  }

  async #go(signal: AbortSignal): Promise<void> {
    const all = await this.#desk.accounts()
    const wanted = [...this.#wanted.values()].slice(-ACCOUNTS_MAX)
    const others = all.filter(({ id }) => !this.#wanted.has(id)).slice(0, ACCOUNTS_MAX - wanted.length)
    this.#accounts = [...wanted, ...others]
    this.#accountsLeftOut = Math.max(0, all.length - this.#accounts.length)
    while (!signal.aborted) {
      if (this.#mayFollow(this.#liveEventsMax)) await this.#follow(signal)
      if (!signal.aborted) await this.#sampleUntilCalm(signal)
    }
  }

  #mayFollow(eventsMax: number): boolean {
    const { eventsPerSecond, lagRecords } = this.#serverLoad()
    return eventsPerSecond <= eventsMax && lagRecords <= LAG_RECORDS_MAX
  }

  /** Loads what there is, and follows until there is too much. */
  async #follow(signal: AbortSignal): Promise<void> {
    this.#changeMode('loading')
    this.#forget()
    this.#faults = []
    const tooMuch = Promise.withResolvers<void>()
    let isTooMuch = false
    const onTooMuch = () => {
      isTooMuch = true
      tooMuch.resolve()
    }
    signal.addEventListener('abort', onTooMuch, { once: true })
    const faults: string[] = []
    for (const { id, name } of this.#accounts) {
      if (isTooMuch) break
      try {
        const subscription = await this.#desk.client.subscribe({ account: id })
        this.#subscriptions.add(subscription)
        if (signal.aborted) return this.#letGo()
        void this.#take(subscription, onTooMuch).catch((error: unknown) => {
          this.#faults = [...this.#faults, `${name}: ${error instanceof Error ? error.message : String(error)}`]
          this.#tell()
        })
        await this.#load(id)
      } catch (error) {
        faults.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    this.#faults = faults
    if (!isTooMuch) this.#changeMode('live')
    await tooMuch.promise
    this.#letGo()
  }

  /** The latest orders of an account, and those that are live. */
  async #load(account: number): Promise<void> {
    const { client } = this.#desk
    const live = { account, filter: ['=', 'is_live', true] as const, limit: { tail: LOADED_LIVE_ORDERS } }
    for (const query of [live, { account, limit: { tail: LOADED_ORDERS } }]) {
      for await (const record of client.queryOrders(query)) {
        this.#tracker.load(record)
        this.#note(record.accepted.orderId)
      }
    }
  }

  async #take(subscription: Subscription, onTooMuch: () => void): Promise<void> {
    for await (const event of subscription) {
      if (event.event === 'membership') continue
      if (this.#tracker.apply(event) !== undefined) this.#note(event.orderId)
      const second = Math.floor(performance.now() / 1_000)
      if (second !== this.#secondBegan) {
        this.#secondBegan = second
        this.#inSecond = 0
      }
      this.#inSecond += 1
      if (this.#inSecond > this.#liveEventsMax || this.#ordersInRun > ORDERS_PER_RUN_MAX) onTooMuch()
    }
  }

  async #sampleUntilCalm(signal: AbortSignal): Promise<void> {
    this.#changeMode('sampled')
    for (let turn = 0; !signal.aborted; turn++) {
      const account = this.#accounts[turn % Math.max(1, this.#accounts.length)]
      if (this.#ordersInRun > ORDERS_PER_RUN_MAX) this.#forget()
      if (account !== undefined) await this.#sample(account)
      await pause(SAMPLE_EVERY_MS / Math.min(4, Math.max(1, this.#accounts.length)), signal)
      if (this.#mayFollow(CALM_EVENTS_MAX)) return
    }
  }

  /** Follows an account for a moment. */
  async #sample({ id, name }: NamedId): Promise<void> {
    try {
      const subscription = await this.#desk.client.subscribe({ account: id, queueMax: SAMPLE_EVENTS_MAX })
      const timer = setTimeout(() => subscription.close(), SAMPLE_MS)
      try {
        let events = 0
        for await (const event of subscription) {
          if (event.event === 'membership') continue
          if (this.#tracker.apply(event) !== undefined) this.#note(event.orderId)
          events += 1
          if (events >= SAMPLE_EVENTS_MAX) break
        }
      } finally {
        clearTimeout(timer)
      }
    } catch (error) {
      this.#faults = [`${name}: ${error instanceof Error ? error.message : String(error)}`]
    }
  }

  #forget(): void {
    this.#tracker = newTracker()
    this.#ids = new Set()
    this.#ordersInRun = 0
    for (const view of this.#views) view.noteAll([])
  }

  #note(id: number): void {
    if (!this.#ids.has(id)) {
      this.#ids.add(id)
      this.#ordersInRun += 1
      if (this.#ids.size > ROWS_MAX) {
        const [oldest] = this.#ids
        this.#ids.delete(oldest!)
      }
    }
    for (const view of this.#views) view.noteChanged(id)
  }

  #changeMode(mode: BlotterMode): void {
    this.#mode = mode
    this.#tell()
  }

  #tell(): void {
    for (const view of this.#views) view.noteState()
  }
}

function newTracker(): OrderTracker {
  return new OrderTracker({ endedMax: ROWS_MAX, waitingMax: 1_000 })
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
