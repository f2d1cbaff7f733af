// The platform: all surrounding services behind one port, with one database file. The services meet nowhere but on the
// wire: the platform has an account of its own, logs in at its own locator over TCP, and its other services learn of
// sessions and of the directory from there, exactly as they would from a locator elsewhere.
//
//   1 database → 2 world → 3 locator listens → 4 own login → 5 other services → 6 market moves → 7 all registered

import { randomBytes } from 'node:crypto'
import { Clock } from '../../base/clock.ts'
import { type Database, openDatabase } from '../../base/sqlite.ts'
import type { Address } from '../../config/address.ts'
import { RiskStore } from '../administration/risk-store.ts'
import { AdministrationServer } from '../administration/server.ts'
import { DefinitionsServer } from '../definitions/server.ts'
import { LocatorClient } from '../locator/client.ts'
import { ROOT, WellKnown } from '../locator/directory-graph.ts'
import { DirectoryStore } from '../locator/directory-store.ts'
import { hashPassword, type PasswordCost, passwordCostBuiltIn } from '../locator/passwords.ts'
import { LocatorServer } from '../locator/server.ts'
import { FeedDriver, type MarketFeed } from '../market-data/feed.ts'
import { ReplayFeed } from '../market-data/replay-feed.ts'
import { MarketDataServer } from '../market-data/server.ts'
import { SimulatedFeed, type SimulatedFeedOptions } from '../market-data/simulated-feed.ts'
import { UidServer } from '../uid/server.ts'
import { isLoopback } from '../wire/loopback.ts'
import { type Service, ServiceHost, type ServiceHostLimits } from '../wire/service-host.ts'
import { makeWellKnownDirectories, type WorldData, worldFromData } from './world.ts'

/** Account of the platform itself. Its password is made anew at every start and leaves the process never. */
const PLATFORM_ACCOUNT = 'platform'

export interface PlatformOptions {
  /** Database file, made if it is not there; `:memory:` keeps nothing. */
  readonly databasePath: string
  /** Interface to listen on, 127.0.0.1 by default. Any other than loopback is refused while passwords are built in. */
  readonly host?: string
  /** Where the server that uses this platform lets clients log in; the same rule holds for it. */
  readonly clientsHost?: string
  /** 0, the default, for any free port. */
  readonly port?: number
  /** The world of a new database, the built-in one by default; an existing database keeps its own. */
  readonly world?: WorldData
  /** Content of a definitions file, the built-in one by default. */
  readonly definitions?: unknown
  /** The simulated market, unless `replay` is given. */
  readonly market?: Partial<SimulatedFeedOptions>
  /** Recorded market data. */
  readonly replay?: { readonly path: string; readonly speed?: number }
  /** Cost of newly stored passwords. */
  readonly passwordCost?: PasswordCost
  readonly limits?: Partial<ServiceHostLimits>
  /** Told of every failure of our own code; requests go on. */
  readonly onFault?: (fault: unknown) => void
}

export interface Platform {
  /** Where the locator listens; all other services are found through it. */
  readonly address: Address
  close(): Promise<void>
}

/** Passwords that everybody knows would be reachable from outside. */
export class BuiltInPasswords extends Error {
  override name = 'BuiltInPasswords'
  constructor(accounts: number, host: string) {
    super(
      `${accounts} accounts still have built-in passwords, so they are served on loopback only and not ` +
        `on ${host}. Give these accounts passwords of their own, or bind 127.0.0.1.`,
    )
  }
}

/**
 * Starts the platform; when this resolves, every service is there and registered.
 * @throws BuiltInPasswords; InvalidData where the definitions are wrong; the system's error where the port is taken.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const database = openDatabase(options.databasePath, 'full')
  try {
    return await startOn(database, options)
  } catch (error) {
    database.close()
    throw error
  }
}

async function startOn(database: Database, options: PlatformOptions): Promise<Platform> {
  const { host = '127.0.0.1', port = 0, onFault = fault => process.emitWarning(fault as Error) } = options
  const clock = new Clock()
  const nowUs = () => clock.nowUs()
  const directory = new DirectoryStore(database, nowUs)
  const risk = new RiskStore(database)
  if (directory.empty) await worldFromData(directory, risk, options.world)
  const password = await storePlatformAccount(directory)
  const { builtInPasswords } = directory
  for (const served of [host, options.clientsHost ?? host]) {
    if (builtInPasswords > 0 && !isLoopback(served)) throw new BuiltInPasswords(builtInPasswords, served)
  }

  const locatorServer = new LocatorServer(directory, options.passwordCost)
  let locator: LocatorClient | undefined
  const serviceHost = new ServiceHost({
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    onFault,
    checkProof: (sessionId, challenge, proof) => locator!.checkSession(sessionId, challenge, proof),
  })
  serviceHost.add(locatorServer)
  const marketData = new MarketDataServer()
  const driver = new FeedDriver(feedOf(options), event => marketData.publish(event), nowUs)
  const close = async () => {
    driver.stop()
    locator?.close()
    await serviceHost.close()
  }
  const address = await serviceHost.listen({ host, port })
  try {
    locator = await LocatorClient.open({ addresses: [address], name: PLATFORM_ACCOUNT, password })
    const graph = await locator.followDirectory()
    const services: Service[] = [
      new AdministrationServer(graph, risk),
      new DefinitionsServer(options.definitions),
      marketData,
      new UidServer(database, locatorServer),
    ]
    for (const service of services) serviceHost.add(service)
    driver.start()
    for (const service of services) await locator.register(service.name, [address])
  } catch (error) {
    await close()
    throw error
  }
  return {
    address,
    close: async () => {
      await close()
      database.close()
    },
  }
}

async function storePlatformAccount(directory: DirectoryStore): Promise<string> {
  const password = randomBytes(32).toString('base64')
  // A password of 256 random bits needs no expensive hash.
  const hash = await hashPassword(password, passwordCostBuiltIn)
  makeWellKnownDirectories(directory)
  const services = directory.graph.directoryNamed(ROOT.id, WellKnown.Services)!.id
  const account = directory.graph.accountNamed(PLATFORM_ACCOUNT)
  if (account === undefined) directory.makeAccount(PLATFORM_ACCOUNT, hash, services)
  else directory.storePasswordHash(account.id, hash)
  return password
}

function feedOf({ market, replay }: PlatformOptions): MarketFeed {
  return replay === undefined ? new SimulatedFeed(market) : ReplayFeed.fromFile(replay.path, replay.speed)
}
