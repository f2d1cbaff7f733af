// The risk server: an ordinary client of the order execution server and of the services that watches every account,
// writes risk states to the administration service, and is a service itself. Its stages, in the order in which it comes
// up; the way down is the same in reverse.
//
//   1 data file      snapshots and transitions of earlier runs
//   2 services       locator, world, market
//   3 own service    listens, so that it can be asked; registered with the locator
//   4 accounts       each brought up to date and watched, as soon as the order execution server is there

import path from 'node:path'
import { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { TlsFiles, type TlsOptions } from '../client/index.ts'
import type { Address } from '../config/address.ts'
import type { RiskConfig } from '../config/risk-config.ts'
import { LocatorClient } from '../services/locator/client.ts'
import { MarketDataClient } from '../services/market-data/client.ts'
import { ServiceHost } from '../services/wire/service-host.ts'
import { WorldFeed } from '../services/world/world-feed.ts'
import { ConsolidatedController } from './consolidated-controller.ts'
import { DeskConnections } from './desk-connections.ts'
import { RiskService } from './risk-service.ts'
import { RiskStore } from './risk-store.ts'

export interface RiskServerParts {
  readonly config: RiskConfig
  readonly log: Log
  /** Counts every account from its first order again. */
  readonly forgetsSnapshots: boolean
  /** Told of what no repetition mends: the process has to end. */
  readonly onFailure: (error: unknown) => void
}

export class RiskServer {
  address: Address = { host: '', port: 0 }
  readonly #parts: RiskServerParts
  /** Undone in reverse order, on the way down. */
  readonly #ways: (() => Promise<void> | void)[] = []

  private constructor(parts: RiskServerParts) {
    this.#parts = parts
  }

  /** Brings the server up. @throws whatever keeps it from that, after undoing the rest. */
  static async start(parts: RiskServerParts): Promise<RiskServer> {
    const server = new RiskServer(parts)
    try {
      await server.#start()
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

  async stop(): Promise<void> {
    for (const way of this.#ways.splice(0).reverse()) await way()
  }

  async #start(): Promise<void> {
    const { config, log, forgetsSnapshots, onFailure } = this.#parts
    const { server, serviceLocator } = config
    const clock = new Clock()
    const onAvailability = (service: string, available: boolean) => {
      if (available) log.info('a service is there again', { service })
      else log.warning('a service does not answer; what is known of it holds', { service })
    }

    // Looked at first: files that cannot be used are told before anything is opened.
    const tls = secured(config, error => {
      log.error('certificates cannot be used; those read before still hold', { error })
    })

    // 1 data file
    const store = new RiskStore(path.resolve(config.dataFile))
    this.#ways.push(() => store.close())
    if (forgetsSnapshots) store.clear()

    // 2 services
    const locator = await LocatorClient.open({
      addresses: [serviceLocator.address],
      name: serviceLocator.username,
      password: serviceLocator.password,
      onAvailability,
    })
    this.#ways.push(() => locator.close())
    // What the world tells while the parts below are made, they find when they begin.
    let consolidated: ConsolidatedController | undefined
    let service: RiskService | undefined
    const world = await WorldFeed.open(locator, {
      accountAdded: account => consolidated?.accountAdded(account),
      accountRemoved: account => consolidated?.accountRemoved(account),
      riskParametersChanged: account => consolidated?.riskParametersChanged(account),
      membershipChanged: () => service?.membershipsChanged(),
      groupDeleted: () => service?.membershipsChanged(),
      availabilityChanged: onAvailability,
    })
    this.#ways.push(() => world.close())
    const market = await MarketDataClient.open(locator, event => consolidated?.marketChanged(event), { onAvailability })
    this.#ways.push(() => market.close())

    const connections = new DeskConnections({
      locator,
      accounts: [...world.accounts()].length,
      service: config.orderExecutionService,
      username: serviceLocator.username,
      password: serviceLocator.password,
      tls,
      log,
      onFailure,
    })
    this.#ways.push(() => connections.close())
    consolidated = new ConsolidatedController({
      world,
      market,
      store,
      log,
      nowUs: () => clock.nowUs(),
      connect: () => connections.forAccount(),
      onInventory: (account, ticker) => service?.inventoryChanged(account, ticker),
    })
    this.#ways.push(() => consolidated?.close())

    // 3 own service
    service = new RiskService(world, consolidated, log)
    const host = new ServiceHost({
      checkProof: (sessionId, challenge, proof) => locator.checkSession(sessionId, challenge, proof),
      onFault: fault => log.error('a request failed', { fault }),
    })
    host.add(service)
    this.#ways.push(() => host.close())
    this.address = await host.listen(server.interface)
    const addresses = server.addresses.length === 0 ? [this.address] : server.addresses
    await locator.register(server.service, addresses)

    // 4 accounts
    consolidated.start()
    log.info('accounts are watched', { accounts: consolidated.controllers.size })
  }
}

/** How the order execution server is spoken to. @throws an error that names the section and the file */
function secured(
  { orderExecutionTls: { use, ...paths } }: RiskConfig,
  onFault: (error: Error) => void,
): () => boolean | TlsOptions {
  if (use === 'off') return () => false
  try {
    const files = new TlsFiles(paths, onFault)
    return () => files.current()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`order_execution_tls: ${why}`, { cause: error })
  }
}
