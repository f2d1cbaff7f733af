// Everything that takes part when risk is watched, each in a process of its own but the platform: an order execution
// server with its simulated venue, an account that trades there, and a hand on the market.

import { equal } from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { connect, type OesClient, type OrderStatus, Side } from '../../src/client/index.ts'
import { MICROS } from '../../src/domain/money.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { RiskClient } from '../../src/risk/risk-client.ts'
import { AdministrationClient } from '../../src/services/administration/client.ts'
import { NEVER, type RiskBook, type RiskParameters } from '../../src/services/administration/risk.ts'
import { MarketEventType } from '../../src/services/market-data/market-event.ts'
import { MarketDataPublisher } from '../../src/services/market-data/publisher.ts'
import { builtInWorld } from '../../src/services/platform/built-in-world.ts'
import type { WorldData } from '../../src/services/platform/world.ts'
import { merged, ServerProcess, type Settings, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { RunningPlatform } from '../services/running-platform.ts'
import { RiskServerProcess } from './risk-server-process.ts'

export const CAD = 124
export const TICKER = 'ABX.TSX'

/** Of alice, where a test does not say otherwise. */
export const parameters: RiskParameters = {
  currency: CAD,
  buyingPower: 1_000_000 * MICROS,
  allowedState: { type: RiskStateType.Active, expiry: NEVER },
  netLoss: 400 * MICROS,
  transitionTimeUs: 3_600_000_000,
}

export class RiskWorld {
  readonly platform: RunningPlatform
  readonly folder: string
  readonly alice: OesClient
  readonly states: RiskBook
  readonly administration: AdministrationClient
  #server: ServerProcess
  readonly #settings: Settings
  readonly #publisher: MarketDataPublisher

  private constructor(parts: {
    platform: RunningPlatform
    server: ServerProcess
    settings: Settings
    folder: string
    alice: OesClient
    states: RiskBook
    administration: AdministrationClient
    publisher: MarketDataPublisher
  }) {
    this.platform = parts.platform
    this.#server = parts.server
    this.#settings = parts.settings
    this.folder = parts.folder
    this.alice = parts.alice
    this.states = parts.states
    this.administration = parts.administration
    this.#publisher = parts.publisher
  }

  /**
   * @param given what differs from the parameters above.
   * @param everybody the accounts there are.
   * @param above settings of the order execution server over those of tests.
   */
  static async open(
    t: TestContext,
    given: Partial<RiskParameters> = {},
    everybody: WorldData = builtInWorld,
    above: Settings = {},
  ): Promise<RiskWorld> {
    const accounts = everybody.accounts.map(account =>
      account.name === 'alice' ? { ...account, riskParameters: { ...parameters, ...given } } : account,
    )
    const platform = await RunningPlatform.start(t, { market: 'published', world: { ...everybody, accounts } })
    const folder = temporaryFolder()
    t.after(folder.remove)
    const { host, port } = platform.address
    const locator = await platform.login('administrator')
    const publisher = await MarketDataPublisher.open(locator)
    t.after(() => publisher.close())
    const administration = await AdministrationClient.open(locator)
    t.after(() => administration.close())
    const states = await administration.followRisk()
    const service = 'order_execution_service'
    const settings = merged(merged(testSettings(folder.path), above), {
      service_locator: { address: `${host}:${port}`, username: service, password: service },
    })
    const server = await ServerProcess.start(folder.path, settings)
    const alice = await connect({ port: server.port, username: 'alice', password: 'alice' })
    t.after(() => alice.close())
    const world = new RiskWorld({
      platform,
      server,
      settings,
      folder: folder.path,
      alice,
      states,
      administration,
      publisher,
    })
    await world.quote(20)
    return world
  }

  get account(): number {
    return this.alice.session.account
  }

  /** The market of the ticker: so much is bid, and a cent more is asked. */
  async quote(bid: number): Promise<void> {
    const size = 1_000_000 * MICROS
    this.#publisher.publish({
      type: MarketEventType.Quote,
      ticker: TICKER,
      bid: Math.round(bid * MICROS),
      ask: Math.round((bid + 0.01) * MICROS),
      bidSize: size,
      askSize: size,
      timestamp: Date.now() * 1_000,
    })
    await this.#publisher.published()
  }

  startRisk(...flags: readonly string[]): Promise<RiskServerProcess> {
    return RiskServerProcess.start(this.folder, this.platform.address, ...flags)
  }

  /** Ends the order execution server as a failing machine would. */
  killServer(): Promise<void> {
    return this.#server.kill()
  }

  /** An administrator's client. */
  administrator(): Promise<OesClient> {
    return connect({ port: this.#server.port, username: 'administrator', password: 'administrator' })
  }

  /** Starts it again where it was, and waits until its client is back. */
  async restartServer(): Promise<void> {
    const there = { server: { interface: `127.0.0.1:${this.#server.port}` } }
    this.#server = await ServerProcess.start(this.folder, merged(this.#settings, there))
    while (!this.alice.isLive) await new Promise(setImmediate)
  }

  /** Waits until the administration service, and the server behind it, have the account in that state. */
  async until(type: RiskStateType): Promise<void> {
    await this.stated(type)
    while ((await this.alice.positions()).riskState !== type) await new Promise(setImmediate)
  }

  /** Waits until the administration service has the account in that state. */
  async stated(type: RiskStateType): Promise<void> {
    await new Promise<void>(resolve => {
      const look = () => {
        if (this.states.state(this.account).type === type) resolve()
      }
      this.states.listen({ riskStateChanged: look })
      look()
    })
  }

  /** Submits an order that has to be acknowledged. @returns its id */
  async submit(order: Parameters<OesClient['submit']>[0]): Promise<number> {
    const outcome = await this.alice.submit(order)
    if (outcome.outcome !== 'accepted') throw new Error(JSON.stringify(outcome))
    return outcome.order.orderId
  }

  /** Waits until the risk server knows of a live order: what it did not hear of before a failure is another story. */
  async watched(orderId: number): Promise<void> {
    const client = await RiskClient.open(await this.platform.login('administrator'))
    try {
      const knows = async () => {
        try {
          return (await client.loadSnapshot(this.account)).excluded.includes(orderId)
        } catch (error) {
          // It has to catch up first.
          equal((error as { code?: number }).code, Reason.Busy)
          return false
        }
      }
      while (!(await knows())) await new Promise(setImmediate)
    } finally {
      client.close()
    }
  }

  /** Waits for the end of an order. @returns its last status and reason */
  async ended(orderId: number): Promise<[OrderStatus, number]> {
    const { tracker, subscription } = await this.alice.track()
    try {
      if (tracker.get(orderId) !== undefined) {
        for await (const event of subscription) {
          if (event.event !== 'membership' && tracker.apply(event)?.accepted.orderId === orderId) {
            if (tracker.get(orderId)!.isTerminal) break
          }
        }
      }
    } finally {
      subscription.close()
    }
    const { status, reason } = (await this.alice.load(orderId))!.reports.at(-1)!
    return [status, reason]
  }

  /** Waits until nothing is held any more. */
  async flat(): Promise<void> {
    const subscription = await this.alice.subscribe({ fromSequence: 1 })
    let held = 0
    const sides = new Map<number, Side>()
    for await (const event of subscription) {
      if (event.event === 'accepted') sides.set(event.orderId, event.side)
      if (event.event !== 'report' || event.lastQty === 0) continue
      held += sides.get(event.orderId) === Side.Bid ? event.lastQty : -event.lastQty
      if (held === 0) break
    }
  }
}
