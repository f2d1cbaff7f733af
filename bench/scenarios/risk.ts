// How long a loss goes unanswered: from the moment a feed hands over the quote that breaks an account's limit until the
// state stands where every shard reads it before it judges an order. The whole road is walked by real processes: market
// data service, risk server, administration service (which writes the state down first), order execution server. Each
// account is driven through all states to flat, and by a day roll back.

import { connect, limitOrder, marketOrder, type OesClient, OrderStatus, Reason, Side } from '../../src/client/index.ts'
import { MICROS } from '../../src/domain/money.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { RiskClient } from '../../src/risk/risk-client.ts'
import { AdministrationClient } from '../../src/services/administration/client.ts'
import { NEVER } from '../../src/services/administration/risk.ts'
import { LocatorClient } from '../../src/services/locator/client.ts'
import { MarketEventType } from '../../src/services/market-data/market-event.ts'
import { MarketDataPublisher } from '../../src/services/market-data/publisher.ts'
import { simulatedTickers } from '../../src/services/market-data/simulated-tickers.ts'
import { Latencies, type Percentiles } from '../latencies.ts'
import { atMost, type Scenario, type ScenarioOptions, type ScenarioResult } from '../scenario.ts'
import { ServiceProcesses } from '../server/service-processes.ts'
import { LATENCY_COLUMNS, latencyCells } from './latency-columns.ts'

const BREAKS = 300
/** Not counted: code is compiled, connections are new. */
const WARM_UP_BREAKS = 20
const P99_BOUND_MS = 20
const TRADERS = ['alice', 'bob', 'dave'] as const
const TICKER = 'ABX.TSX'
const HELD = 1_000
const PRICE = 20
const BUYING_POWER = 4_000_000
/** Closing mode lasts so long. */
const TRANSITION_MS = 40
const NET_LOSS = 400
/** What the busy half has besides: tickers that one account holds, and quotes of all of them together. */
const OTHER_TICKERS = 20
const QUOTES_PER_SECOND = 2_000
const FEED_EVERY_MS = 10
const STEP_MS_MAX = 30_000

export const risk: Scenario = {
  name: 'risk',
  about: 'from the quote that breaks an account’s limit to its state in the shards; on to flat, and back',
  threads: shards => shards + 5,
  run,
}

interface Measured {
  readonly told: Percentiles
  readonly flat: Percentiles
}

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const { quick, say } = options
  const breaks = (options.rounds ?? 1) * (quick ? 3 : BREAKS)
  const world = await World.open(quick)
  try {
    for (let number = 0; number < (quick ? 1 : WARM_UP_BREAKS); number++) await world.drive(number)
    const measure = async (what: string): Promise<Measured> => {
      const told = new Latencies()
      const flat = new Latencies()
      for (let number = 0; number < breaks; number++) {
        const { toldUs, flatUs } = await world.drive(number)
        told.record(toldUs)
        flat.record(flatUs)
      }
      const measured = { told: told.percentiles(), flat: flat.percentiles() }
      say(`${what}: p50 ${measured.told.p50} µs, p99 ${measured.told.p99} µs of ${breaks} breaks`)
      return measured
    }
    const quiet = await measure('quiet market')
    await world.makeBusy()
    const busy = await measure('busy market')
    return resultOf(quiet, busy, breaks)
  } finally {
    await world.close()
  }
}

function resultOf(quiet: Measured, busy: Measured, breaks: number): ScenarioResult {
  const ms = (us: number) => us / 1_000
  return {
    tables: [
      {
        title: `${breaks} breaks each, ${TRADERS.length - 1} accounts by turns; ms`,
        columns: ['', ...LATENCY_COLUMNS],
        rows: [
          ['quote → state in the shards, no other quotes', ...latencyCells(quiet.told)],
          [`the same with ${QUOTES_PER_SECOND} quotes/s besides`, ...latencyCells(busy.told)],
          ['disabled → flat, no other quotes', ...latencyCells(quiet.flat)],
          ['the same with other quotes', ...latencyCells(busy.flat)],
        ],
      },
    ],
    notes: [
      'from the call that hands the quote to the feed; to the answer that tells the state word the shards read, asked for without pause',
      'after each break an opening order was refused for the state, opening orders were canceled and closing ones were not; once disabled all were, and one order sold exactly what was held',
      'each state was written down by the administration service, synced, before anybody was told',
    ],
    figures: { breaks, quiet, busy },
    targets: [
      atMost('risk, p99 from quote to state in the shards', ms(quiet.told.p99), 'ms', P99_BOUND_MS),
      atMost('risk, the same in a busy market', ms(busy.told.p99), 'ms', P99_BOUND_MS),
    ],
  }
}

/** The processes, an account's client for each trader, and a hand on the market. */
class World {
  readonly #processes: ServiceProcesses
  readonly #locator: LocatorClient
  readonly #publisher: MarketDataPublisher
  readonly #administration: AdministrationClient
  readonly #risk: RiskClient
  readonly #traders: readonly OesClient[]
  /** What the risk server knows each account to hold of the ticker, in micros. */
  readonly #held = new Map<number, number>()
  #feed: NodeJS.Timeout | undefined

  private constructor(parts: {
    processes: ServiceProcesses
    locator: LocatorClient
    publisher: MarketDataPublisher
    administration: AdministrationClient
    risk: RiskClient
    traders: readonly OesClient[]
  }) {
    this.#processes = parts.processes
    this.#locator = parts.locator
    this.#publisher = parts.publisher
    this.#administration = parts.administration
    this.#risk = parts.risk
    this.#traders = parts.traders
  }

  static async open(quick: boolean): Promise<World> {
    const processes = await ServiceProcesses.start(quick)
    try {
      const name = 'administrator'
      const locator = await LocatorClient.open({ addresses: [processes.locator], name, password: name })
      const world = new World({
        processes,
        locator,
        publisher: await MarketDataPublisher.open(locator),
        administration: await AdministrationClient.open(locator),
        risk: await RiskClient.open(locator),
        traders: await Promise.all(
          TRADERS.map(username => connect({ ...processes.orderExecution, username, password: username })),
        ),
      })
      await world.#prepare()
      return world
    } catch (error) {
      await processes.remove()
      throw error
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#feed)
    for (const trader of this.#traders) trader.close()
    this.#risk.close()
    this.#administration.close()
    this.#publisher.close()
    this.#locator.close()
    await this.#processes.remove()
  }

  /** From now on there is a market besides, in tickers that the last of the traders holds. */
  async makeBusy(): Promise<void> {
    const trader = this.#traders.at(-1)!
    const others = simulatedTickers.filter(({ ticker, price }) => ticker !== TICKER && price > 20 && price < 100)
    const tickers = others.slice(0, OTHER_TICKERS)
    for (const { ticker, price } of tickers) this.#quote(ticker, price)
    await this.#publisher.published()
    for (const { ticker } of tickers) await this.#filled(trader, marketOrder(Side.Bid, ticker, 100))
    let next = 0
    this.#feed = setInterval(() => {
      for (let count = 0; count < (QUOTES_PER_SECOND * FEED_EVERY_MS) / 1_000; count++) {
        const { ticker, price } = tickers[next % tickers.length]!
        // A cent up and down by turns, so that each moves the market and none breaks anything.
        this.#quote(ticker, price + (Math.floor(next / tickers.length) % 2) / 100)
        next += 1
      }
    }, FEED_EVERY_MS)
  }

  /** Drives one account through all states to flat and back. */
  async drive(number: number): Promise<{ toldUs: number; flatUs: number }> {
    // The last of the traders holds other tickers once the market is busy: it is left in peace.
    const trader = this.#traders[number % (this.#traders.length - 1)]!
    const { account } = trader.session
    await this.#filled(trader, marketOrder(Side.Bid, TICKER, HELD))
    const opening = await submitted(trader, limitOrder(Side.Bid, TICKER, 100, 10))
    const closing = await submitted(trader, limitOrder(Side.Ask, TICKER, 500, 40))
    await this.#watched(account)

    const brokenMs = performance.now()
    this.#quote(TICKER, PRICE - 1)
    await this.#until(trader, ({ riskState }) => riskState !== RiskStateType.Active)
    const toldMs = performance.now()
    const refused = await submitted(trader, limitOrder(Side.Bid, TICKER, 100, 10))

    await this.#until(trader, ({ riskState }) => riskState === RiskStateType.Disabled)
    const disabledMs = performance.now()
    await this.#until(trader, ({ openOrders, positions }) => openOrders === 0 && quantityOf(positions) === 0)
    const flatMs = performance.now()

    await this.#prove(trader, { opening, closing, refused })
    // The server has the quote before it hears of a state that follows from the reset.
    this.#quote(TICKER, PRICE)
    await this.#publisher.published()
    await this.#risk.reset([TICKER])
    await this.#until(trader, ({ riskState }) => riskState === RiskStateType.Active)
    return { toldUs: (toldMs - brokenMs) * 1_000, flatUs: (flatMs - disabledMs) * 1_000 }
  }

  /** Waits until the risk server knows what the account holds. */
  async #watched(account: number): Promise<void> {
    for (const endMs = performance.now() + STEP_MS_MAX; performance.now() < endMs; ) {
      if (this.#held.get(account) === HELD * MICROS) return
      await new Promise(setImmediate)
    }
    throw new Error(`the risk server did not hear of a fill within ${STEP_MS_MAX} ms`)
  }

  /** What became of the orders; throws where it is not what has to. */
  async #prove(trader: OesClient, ids: { opening: number; closing: number; refused: number }): Promise<void> {
    const ends: Record<string, unknown> = {}
    for (const [name, orderId] of Object.entries(ids)) {
      const last = (await trader.load(orderId))!.reports.at(-1)!
      ends[name] = [last.status, last.reason]
    }
    const canceled = [OrderStatus.Canceled, Reason.CanceledOnRequest]
    const due = { opening: canceled, closing: canceled, refused: [OrderStatus.Rejected, Reason.OnlyClosingOrders] }
    if (JSON.stringify(ends) !== JSON.stringify(due)) {
      throw new Error(`orders ended as ${JSON.stringify(ends)} where ${JSON.stringify(due)} was due`)
    }
    let sold = 0
    const filter = ['>', 'order_id', ids.refused] as const
    for await (const { accepted, reports } of trader.queryOrders({ filter: [...filter] })) {
      if (accepted.ticker !== TICKER) continue
      for (const { lastQty } of reports) sold += accepted.side === Side.Ask ? lastQty : -lastQty
    }
    if (sold !== HELD) throw new Error(`${sold} were sold where ${HELD} were held`)
  }

  async #prepare(): Promise<void> {
    for (const trader of this.#traders) {
      await this.#administration.storeRiskParameters(trader.session.account, {
        currency: 124,
        buyingPower: BUYING_POWER * MICROS,
        allowedState: { type: RiskStateType.Active, expiry: NEVER },
        netLoss: NET_LOSS * MICROS,
        transitionTimeUs: TRANSITION_MS * 1_000,
      })
    }
    await this.#risk.followInventories((account, { ticker, quantity }) => {
      if (ticker === TICKER) this.#held.set(account, quantity)
    })
    this.#quote(TICKER, PRICE)
    await this.#publisher.published()
    const mark = ({ riskState, buyingPower }: Standing) =>
      riskState === RiskStateType.Active && buyingPower === BUYING_POWER
    for (const trader of this.#traders) await this.#until(trader, mark)
  }

  async #filled(trader: OesClient, order: Parameters<OesClient['submit']>[0]): Promise<void> {
    const orderId = await submitted(trader, order)
    for (const endMs = performance.now() + STEP_MS_MAX; performance.now() < endMs; ) {
      const last = (await trader.load(orderId))!.reports.at(-1)
      if (last?.status === OrderStatus.Filled) return
      if (last !== undefined && last.status !== OrderStatus.New) throw new Error(`an order ended: ${last.text}`)
    }
    throw new Error(`order ${orderId} was not filled within ${STEP_MS_MAX} ms`)
  }

  /** Asks how the account stands until it stands as it has to. */
  async #until(trader: OesClient, holds: (standing: Standing) => boolean): Promise<void> {
    for (const endMs = performance.now() + STEP_MS_MAX; performance.now() < endMs; ) {
      if (holds(await trader.positions())) return
    }
    throw new Error(
      `an account did not get where it had to within ${STEP_MS_MAX} ms: ${JSON.stringify(await trader.positions())}`,
    )
  }

  #quote(ticker: string, bid: number): void {
    const size = 1_000_000 * MICROS
    this.#publisher.publish({
      type: MarketEventType.Quote,
      ticker,
      bid: Math.round(bid * MICROS),
      ask: Math.round((bid + 0.01) * MICROS),
      bidSize: size,
      askSize: size,
      timestamp: Date.now() * 1_000,
    })
  }
}

type Standing = Awaited<ReturnType<OesClient['positions']>>

function quantityOf(positions: Standing['positions']): number {
  return positions.find(({ ticker }) => ticker === TICKER)?.quantity ?? 0
}

async function submitted(trader: OesClient, order: Parameters<OesClient['submit']>[0]): Promise<number> {
  const outcome = await trader.submit(order)
  if (outcome.outcome !== 'accepted') throw new Error(`an order was not taken: ${JSON.stringify(outcome)}`)
  return outcome.order.orderId
}
