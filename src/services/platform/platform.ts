// The platform: the surrounding services behind one port, with one database file; all of them, or some, with the others
// in processes of their own. The services meet nowhere but on the wire: whatever runs here logs in at the locator over TCP,
// its own or one elsewhere, and learns of sessions, of the directory and of definitions from there.
//
//   1 database → 2 locator with its world → 3 port → 4 login at the locator → 5 service by service: made, registered
//
// A process that has the locator has an account there of its own; any other has one that it is configured with.

import { randomBytes } from 'node:crypto'
import { Clock } from '../../base/clock.ts'
import { type Database, openDatabase } from '../../base/sqlite.ts'
import { type Address, isLoopback } from '../../config/address.ts'
import { type PlatformServiceName, platformServiceNames } from '../../config/platform-schema.ts'
import { definitionsData, definitionsFromData } from '../../domain/definitions.ts'
import { membershipsOf } from '../administration/directory-memberships.ts'
import type { Memberships } from '../administration/memberships.ts'
import { ModificationStore } from '../administration/modification-store.ts'
import { RiskStore } from '../administration/risk-store.ts'
import { AdministrationServer } from '../administration/server.ts'
import { RuleStore } from '../compliance/rule-store.ts'
import { ComplianceServer } from '../compliance/server.ts'
import { DefinitionsClient } from '../definitions/client.ts'
import { readDefinitionsFile } from '../definitions/definitions-file.ts'
import { DefinitionsServer } from '../definitions/server.ts'
import { LocatorClient } from '../locator/client.ts'
import { type DirectoryGraph, ROOT, WellKnown } from '../locator/directory-graph.ts'
import { DirectoryStore } from '../locator/directory-store.ts'
import type { LoginLimits } from '../locator/login-attempts.ts'
import { hashPassword, type PasswordCost, passwordCostBuiltIn } from '../locator/passwords.ts'
import { LocatorServer } from '../locator/server.ts'
import { FeedDriver, type MarketFeed } from '../market-data/feed.ts'
import { ReplayFeed } from '../market-data/replay-feed.ts'
import { MarketDataServer } from '../market-data/server.ts'
import { SimulatedFeed, type SimulatedFeedOptions } from '../market-data/simulated-feed.ts'
import { UidServer } from '../uid/server.ts'
import type { AvailabilityListener } from '../wire/reconnecting-client.ts'
import { type Service, ServiceHost, type ServiceHostLimits } from '../wire/service-host.ts'
import { untilAvailable, type Waiting } from './until-available.ts'
import { makeAccounts, makeRiskFigures, makeWellKnownDirectories, type WorldData } from './world.ts'

/** Account of a platform that has the locator. Its password is made anew at every start and leaves the process never. */
const PLATFORM_ACCOUNT = 'platform'

/** How often modification requests are looked through whose date may have come. */
const GRANT_INTERVAL_MS = 3_600_000

/** Something an operator may want to know; services go on. */
export type PlatformNote = (message: string, fields: Readonly<Record<string, string | number>>) => void

export interface PlatformOptions {
  /** Database file, made if it is not there; `:memory:` keeps nothing. */
  readonly databasePath: string
  /** The services of this process, all by default. */
  readonly services?: readonly PlatformServiceName[] | undefined
  /** Where the locator is and how to log in there; needed where it is not a service of this process. */
  readonly locator?: { readonly address: Address; readonly username: string; readonly password: string } | undefined
  /** Interface to listen on, 127.0.0.1 by default. Any other than loopback is refused while passwords are built in. */
  readonly host?: string
  /** Where the server that uses this platform lets clients log in; the same rule holds for it. */
  readonly clientsHost?: string
  /** 0, the default, for any free port. */
  readonly port?: number
  /** Addresses to be registered, where port 0 stands for the port taken; by default that at which it listens. */
  readonly addresses?: readonly Address[]
  /** The world of a new database, the built-in one by default; an existing database keeps its own. */
  readonly world?: WorldData
  /** Content of a definitions file, the built-in one by default, unless `definitionsFile` is given. */
  readonly definitions?: unknown
  /** A definitions file, read now and at every reload. */
  readonly definitionsFile?: string | undefined
  /** The simulated market, or none of its own; `replay` comes before it. */
  readonly market?: Partial<SimulatedFeedOptions> | 'published'
  /** Recorded market data. */
  readonly replay?: { readonly path: string; readonly speed?: number }
  /** Cost of newly stored passwords. */
  readonly passwordCost?: PasswordCost
  readonly logins?: Partial<LoginLimits>
  readonly grantIntervalMs?: number
  readonly limits?: Partial<ServiceHostLimits>
  /** Told of every failure of our own code; requests go on. */
  readonly onFault?: (fault: unknown) => void
  readonly onNote?: PlatformNote
  readonly onAvailability?: AvailabilityListener
  /** Ends a start that waits for services elsewhere. */
  readonly signal?: AbortSignal
}

export interface Platform {
  /** Where it listens; with the locator here, all services are found through it. */
  readonly address: Address
  /** Reads the definitions again. @returns whether they changed. @throws where they cannot be used; the old ones hold then. */
  reloadDefinitions(): boolean
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
 * Starts the platform; when this resolves, every service of this process is there and registered. It waits for services
 * elsewhere that those of this process need.
 * @throws BuiltInPasswords; InvalidData where the definitions are wrong; the system's error where the port is taken;
 * ServiceError LOGIN_FAILED, NOT_PERMITTED where the locator elsewhere does not know the account as a service.
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

/** What the services of one process are made from. */
interface Parts {
  readonly options: PlatformOptions
  readonly database: Database
  readonly nowUs: () => number
  readonly locator: LocatorClient
  readonly graph: DirectoryGraph
  readonly memberships: Memberships
  readonly waiting: Waiting
  /** What is to be done before the platform ends. */
  readonly onTheWayDown: (down: () => void) => void
}

const makers: Readonly<
  Record<Exclude<PlatformServiceName, 'service_locator'>, (parts: Parts) => Service | Promise<Service>>
> = {
  definitions: makeDefinitions,
  administration: makeAdministration,
  uid: ({ database, memberships }) => new UidServer(database, memberships),
  market_data: makeMarketData,
  compliance: makeCompliance,
}

async function startOn(database: Database, options: PlatformOptions): Promise<Platform> {
  const { host = '127.0.0.1', port = 0, services = platformServiceNames } = options
  const clock = new Clock()
  const nowUs = () => clock.nowUs()
  const directory = services.includes('service_locator') ? await openDirectory(database, options, nowUs) : undefined

  let locator: LocatorClient | undefined
  const serviceHost = new ServiceHost({
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    onFault: options.onFault ?? (fault => process.emitWarning(fault as Error)),
    checkProof: (sessionId, challenge, proof) => locator!.checkSession(sessionId, challenge, proof),
  })
  if (directory !== undefined) serviceHost.add(directory.server)
  const downs: (() => void)[] = []
  const close = async () => {
    for (const down of downs.splice(0).reverse()) down()
    locator?.close()
    await serviceHost.close()
  }

  try {
    const address = await serviceHost.listen({ host, port })
    const login = directory === undefined ? options.locator : { address, ...directory.login }
    if (login === undefined) throw new Error('a platform without a service locator has to be told where it is')
    const waiting: Waiting = {
      signal: options.signal,
      onWaiting: reason => options.onNote?.('waiting for a service elsewhere', { reason: reason.message }),
    }
    const loggedIn = await untilAvailable(() => logIn(login, options), waiting)
    locator = loggedIn
    const graph = await untilAvailable(() => loggedIn.followDirectory(), waiting)
    graph.listen({ entryDeleted: ({ id }) => serviceHost.sendAway(id) })
    const memberships = membershipsOf(graph)
    const registered = (options.addresses ?? [address]).map(given =>
      given.port === 0 ? { host: given.host, port: address.port } : given,
    )
    const onTheWayDown = (down: () => void) => downs.push(down)
    const parts: Parts = { options, database, nowUs, locator, graph, memberships, waiting, onTheWayDown }
    let definitions: DefinitionsServer | undefined
    for (const name of platformServiceNames) {
      if (name === 'service_locator' || !services.includes(name)) continue
      const service = await makers[name](parts)
      if (service instanceof DefinitionsServer) definitions = service
      serviceHost.add(service)
      await untilAvailable(() => loggedIn.register(service.name, registered), waiting)
    }
    return {
      address,
      reloadDefinitions: () => definitions?.reload() ?? false,
      close: async () => {
        await close()
        database.close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

function logIn(
  { address, username, password }: NonNullable<PlatformOptions['locator']>,
  { onAvailability }: PlatformOptions,
): Promise<LocatorClient> {
  const options = { addresses: [address], name: username, password }
  return LocatorClient.open(onAvailability === undefined ? options : { ...options, onAvailability })
}

/** The locator's server, and the login of this process at it. */
async function openDirectory(database: Database, options: PlatformOptions, nowUs: () => number) {
  const { host = '127.0.0.1', passwordCost, logins, onNote } = options
  const directory = new DirectoryStore(database, nowUs)
  if (directory.empty) await makeAccounts(directory, options.world)
  const password = await storePlatformAccount(directory)
  const { builtInPasswords } = directory
  for (const served of [host, options.clientsHost ?? host]) {
    if (builtInPasswords > 0 && !isLoopback(served)) throw new BuiltInPasswords(builtInPasswords, served)
  }
  const server = new LocatorServer(directory, {
    passwordCost,
    logins,
    onSuspended: (name, from, suspendedMs) => onNote?.('logins of a name are suspended', { name, from, suspendedMs }),
  })
  return { server, login: { username: PLATFORM_ACCOUNT, password } }
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

function makeDefinitions({ options, memberships }: Parts): Service {
  const { definitionsFile, definitions = definitionsData } = options
  const read = definitionsFile === undefined ? () => definitions : () => readDefinitionsFile(definitionsFile)
  return new DefinitionsServer(read, memberships)
}

function makeAdministration({ options, database, graph, memberships, nowUs, onTheWayDown }: Parts): Service {
  const store = new RiskStore(database, nowUs)
  if (store.empty) makeRiskFigures(store, graph, options.world)
  const modifications = new ModificationStore(database)
  const server = new AdministrationServer({ graph, memberships, store, modifications, nowUs })
  server.grantDue()
  const granting = setInterval(() => server.grantDue(), options.grantIntervalMs ?? GRANT_INTERVAL_MS)
  onTheWayDown(() => clearInterval(granting))
  return server
}

function makeMarketData({ options, memberships, nowUs, onTheWayDown }: Parts): Service {
  const server = new MarketDataServer(memberships)
  const feed = feedOf(options)
  if (feed !== undefined) {
    const driver = new FeedDriver(feed, event => server.publish(event), nowUs)
    driver.start()
    onTheWayDown(() => driver.stop())
  }
  return server
}

function feedOf({ market, replay }: PlatformOptions): MarketFeed | undefined {
  if (replay !== undefined) return ReplayFeed.fromFile(replay.path, replay.speed)
  return market === 'published' ? undefined : new SimulatedFeed(market)
}

async function makeCompliance(parts: Parts): Promise<Service> {
  const { database, graph, locator, memberships, nowUs, onTheWayDown, options, waiting } = parts
  const { onAvailability } = options
  // Over the wire, although the service may be in this process: there is one way to them.
  const client = await untilAvailable(
    () =>
      DefinitionsClient.open(locator, {
        ...(onAvailability === undefined ? {} : { onAvailability }),
        onChanged: data => {
          definitions = definitionsFromData(data)
        },
      }),
    waiting,
  )
  let definitions = definitionsFromData(client.data)
  onTheWayDown(() => client.close())
  return new ComplianceServer({
    graph,
    memberships,
    definitions: () => definitions,
    permissionsOver: (account, entry) => locator.loadPermissions(account, entry),
    store: new RuleStore(database, nowUs),
  })
}
