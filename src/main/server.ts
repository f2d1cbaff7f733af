// The composition root: every stage of the server in the order in which it comes up, and the way down. No stage finds
// another by itself; what it needs is handed to it here.
//
//   1 data directory   locked for this process
//   2 services         the platform's own thread where none is given; locator, world, ids, market
//   3 memory           rings, tables, doorbells; accounts and rates written
//   4 writer           brings the stores to the end of the journals; one is enough to go on
//   5 shards           one thread each, with its journal
//   6 recovery         accounts from that store through the command rings
//   7 market           quotes and prints from now on
//   8 compliance       the rules in force, in every shard
//   9 clients          the listener opens; the server registers with the locator
//  10 console          the operators' page, on a thread of its own

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { assert } from '../base/assert.ts'
import { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { type Address, formatAddress } from '../config/address.ts'
import type { Config } from '../config/config.ts'
import { LANE_BYTES } from '../metrics/catalogue.ts'
import { LocatorClient } from '../services/locator/client.ts'
import { ORDER_EXECUTION_SERVICE } from '../services/platform/built-in-world.ts'
import { UidClient } from '../services/uid/client.ts'
import { WorldFeed } from '../services/world/world-feed.ts'
import { AccountTable } from '../shared-memory/account-table.ts'
import { Doorbell } from '../shared-memory/doorbell.ts'
import { HaltTable } from '../shared-memory/halt-table.ts'
import { createSharedMemory, MAIN_THREAD, storeLane } from '../shared-memory/memory-map.ts'
import { PositionTable } from '../shared-memory/position-table.ts'
import { RateTable } from '../shared-memory/rate-table.ts'
import { RingConsumer } from '../shared-memory/ring.ts'
import type { JournalToRead } from '../stores/account-tails.ts'
import { shareReaderOptions } from '../stores/reader-thread.ts'
import { Accounts } from './accounts.ts'
import { openWatch, type Watch } from './admin-stage.ts'
import { Certificates } from './certificates.ts'
import { Compliance } from './compliance.ts'
import { startConsole } from './console-stage.ts'
import { lockDirectory } from './data-lock.ts'
import { Gate } from './gate.ts'
import { HaltDesk } from './halt-desk.ts'
import { HaltStore } from './halt-store.ts'
import { Halts } from './halts.ts'
import { History } from './history.ts'
import { journalsIn } from './journals.ts'
import { Listener } from './listener.ts'
import type { MarketWatch } from './market-watch.ts'
import { MassCancelDesk } from './mass-cancel-desk.ts'
import { meteredReaders } from './metered-readers.ts'
import { orderTrace } from './order-trace.ts'
import { startPlatform } from './platform-stage.ts'
import { PooledRelay } from './pooled-relay.ts'
import { ratesMax, writeRates } from './rates.ts'
import { readersOf } from './readers.ts'
import { openMarket, restoreAccounts } from './recovery-stage.ts'
import { ReportPump } from './report-pump.ts'
import { turnPump } from './report-stage.ts'
import { Safety } from './safety.ts'
import type { Session } from './session.ts'
import { SessionList } from './session-list.ts'
import { shardOfAccount } from './shard-of-account.ts'
import { Shards } from './shard-stage.ts'
import { type PlainOptions, type StageParts, threadFile } from './stage.ts'
import { Standing } from './standing.ts'
import { standInEndpoint, storeEndpoints } from './store-endpoints.ts'
import { Subscriptions } from './subscription.ts'
import { type HostedThread, Threads } from './threads.ts'
import { startWriter } from './writer-stage.ts'

/** How often orders whose time has come are looked for, heartbeats are due, and so on. */
const TICK_MS = 100
/** Most memory of a reader for the index of what a store does not have yet. */
const READER_TAIL_BYTES_MAX = 256 << 20
/** Pairs of currencies that there is room for. */
const RATES_MAX = 4096
/** Destinations that there is room for. */
const DESTINATIONS_MAX = 1024
/** How long the way down waits until violations are recorded. */
const REPORTS_MS_MAX = 2_000

/** What the server needs beside its configuration. */
export interface ServerParts {
  readonly config: Config
  readonly log: Log
  readonly version: string
  /** A data directory without journals goes on from what the stores hold. */
  readonly adoptsStore: boolean
  /** A thread has failed: the process has to end. Called once at most. */
  readonly onFailure: (thread: string, error: unknown) => void
}

export class Server {
  readonly #config: Config
  readonly #log: Log
  readonly #parts: ServerParts
  readonly #clock = new Clock()
  readonly #threads: Threads
  readonly #stages: StageParts
  /** Undone in reverse order, on the way down. */
  readonly #ways: { name: string; down: () => Promise<void> | void }[] = []
  #shards: Shards | undefined
  /** What is told at the administrative port. */
  #watch: Watch | undefined
  #listener: Listener | undefined
  #failed = false
  address: Address = { host: '', port: 0 }

  private constructor(parts: ServerParts) {
    this.#parts = parts
    this.#config = parts.config
    this.#log = parts.log
    this.#threads = new Threads(
      2 * parts.config.engine.shards + 3,
      parts.config.readers.threads,
      threadFile('../stores/reader-thread'),
    )
    this.#stages = {
      config: this.#config,
      log: this.#log,
      startThread: (name, file, options) => this.#startThread(name, file, options),
      onTheWayDown: (name, down) => this.#onTheWayDown(name, down),
    }
  }

  /** Brings the server up; when this resolves, clients may come. @throws whatever keeps it from that, after undoing the rest. */
  static async start(parts: ServerParts): Promise<Server> {
    const server = new Server(parts)
    try {
      await server.#start()
    } catch (error) {
      await server.#goDown()
      throw error
    }
    return server
  }

  async #start(): Promise<void> {
    const config = this.#config
    const log = this.#log
    const stages = this.#stages
    const { engine } = config

    // 1 data directory
    const data = path.resolve(config.dataDirectory)
    fs.mkdirSync(data, { recursive: true })
    const lock = lockDirectory(data)
    this.#onTheWayDown('lock', () => lock.release())
    this.#onTheWayDown('threads', () => this.#threads.close())
    const endpoints = storeEndpoints(config, data)
    const standIn = standInEndpoint(endpoints, data)
    const watch = await openWatch(stages, data, this.#parts.version)
    this.#watch = watch

    // 2 services
    const locatorAddress = config.serviceLocator?.address ?? (await startPlatform(stages, this.#threads, data))
    const locator = await LocatorClient.open({
      addresses: [locatorAddress],
      name: config.serviceLocator?.username ?? ORDER_EXECUTION_SERVICE,
      password: config.serviceLocator?.password ?? ORDER_EXECUTION_SERVICE,
      onAvailability: this.#availability,
    })
    this.#onTheWayDown('service locator', () => locator.close())
    const memory = createSharedMemory({
      shards: engine.shards,
      commandRingBytes: engine.commandRingBytes,
      reportRingBytes: engine.reportRingBytes,
      accountsMax: engine.accountsMax,
      positionsPerShardMax: engine.positionsPerShardMax,
      tickersMax: engine.tickersMax,
      ratesMax: RATES_MAX,
      destinationsMax: DESTINATIONS_MAX,
      lanes: storeLane(engine.shards, endpoints.length + (standIn === undefined ? 0 : 1)),
      laneBytes: LANE_BYTES,
    })
    const storeNames = [...endpoints, ...(standIn === undefined ? [] : [standIn])].map(({ name }) => name)
    const nowUs = () => this.#clock.nowUs()
    const meter = watch.meter(memory, storeNames, nowUs)
    const table = new AccountTable(memory.accounts, engine.accountsMax)
    // Nobody is interested before there are sessions, halts and rules in the shards.
    let compliance: Compliance | undefined
    let onMembershipsChanged = () => {}
    const accounts = new Accounts(table, locator, membershipsChanged => {
      if (membershipsChanged) onMembershipsChanged()
    })
    const world = await WorldFeed.open(locator, {
      ...accounts.listener,
      availabilityChanged: this.#availability,
      ruleChanged: rule => compliance?.ruleChanged(rule),
      directoryMoved: entry => compliance?.moved(entry),
      violationsLost: (count, reason) => log.error('violations could not be recorded', { count, reason }),
    })
    this.#onTheWayDown('world', async () => {
      await Promise.race([world.compliance.reportsRecorded(), pause(REPORTS_MS_MAX, undefined, { ref: false })])
      world.close()
    })
    const uids = await UidClient.open(locator, { onAvailability: this.#availability })
    this.#onTheWayDown('uid service', () => uids.close())

    // 3 memory
    accounts.load(world)
    assert(ratesMax(world.definitions) <= RATES_MAX, 'more currencies than there is room for')
    const tooExact = writeRates(world.definitions, new RateTable(memory.rates, RATES_MAX))
    if (tooExact.length > 0)
      log.warning('exchange rates with too many digits are left out', { pairs: tooExact.join(' ') })
    const shardByRow: number[] = []
    const shardOf = (row: number) => (shardByRow[row] ??= shardOfAccount(accounts.accountOf(row), engine.shards))

    // 4 writer
    const journals = journalsIn(path.join(data, 'journal'), engine.shards)
    const writer = await startWriter(stages, {
      memory,
      journals,
      stores: endpoints,
      standIn,
      dataDirectory: data,
      adoptsStore: this.#parts.adoptsStore,
      definitions: world.definitionsData,
    })

    watch.health.stores = { names: storeNames, writer: writer.shared }

    // 5 shards
    const doorbell = new Doorbell(memory.doorbells, MAIN_THREAD)
    const shards = new Shards(stages, memory, journals, writer, world.definitionsData)
    this.#shards = shards

    // The kill switch, before anything can be ordered.
    assert(world.definitions.destinationIds.length <= DESTINATIONS_MAX, 'more destinations than there is room for')
    const haltStore = new HaltStore(path.join(data, 'halts.db'))
    this.#onTheWayDown('halts', () => haltStore.close())
    const halts = new Halts({
      store: haltStore,
      table: new HaltTable(memory.halts, DESTINATIONS_MAX),
      directory: accounts,
      definitions: world.definitions,
      shards: shards.links,
      nowUs,
      log,
    })
    const haltDesk = new HaltDesk({ halts, directory: accounts, definitions: world.definitions, nowUs })

    const massCancels = new MassCancelDesk({
      directory: accounts,
      definitions: world.definitions,
      shards: shards.links,
      shardOf,
      nowUs,
      log,
    })
    const safety = new Safety({
      file: path.join(data, 'safety.db'),
      directory: accounts,
      shards: shards.links,
      nowMs: () => performance.now(),
      nowUs,
      log,
    })
    this.#onTheWayDown('session safety', () => safety.close())

    // What main does with the shards' words and the clients' questions.
    const subscriptions = new Subscriptions()
    const standing = new Standing(
      table,
      memory.positions.map(region => new PositionTable(region, engine.positionsPerShardMax)),
      shardOf,
    )
    const journalsFor = (shard: number): JournalToRead[] => {
      const all = journals.map(({ name, directory }, number) => ({
        name,
        directory,
        untilSequence: writer.shared.durableNext(number),
      }))
      return [...all.splice(shard, 1), ...all]
    }
    shareReaderOptions({
      stores: writer.stores,
      definitions: world.definitionsData,
      tailBytesMax: READER_TAIL_BYTES_MAX,
      spillDirectory: data,
      nice: config.readers.nice,
    })
    const trace = orderTrace(log)
    const facts = (message: string, fields: Record<string, string | number>) => log.info(message, fields)
    const history = new History({
      directory: accounts,
      shards: shards.links,
      shardOf,
      subscriptions,
      readers: meteredReaders(readersOf(this.#threads, writer.shared, journals), meter.lane),
      journals: journalsFor,
      subscriptionsMax: config.limits.subscriptionsMax,
      unreadBytesMax: Math.floor(config.limits.outboxBytesMax / 4),
      log: facts,
    })
    const sessionList = new SessionList({ directory: accounts, choiceOf: session => safety.desk.choiceOf(session) })
    let flushing = false
    const flushReceived = () => {
      flushing = false
      gate.flush()
    }
    const gate = new Gate({
      limits: config.limits,
      directory: accounts,
      shards: shards.links,
      shardOf,
      history,
      halts: haltDesk,
      massCancels,
      safety: safety.desk,
      sessionList,
      subscriptions,
      nextOrderId: () => uids.next(),
      orderIdsComing: () => uids.available,
      onReceived: () => {
        if (flushing) return
        flushing = true
        setImmediate(flushReceived)
      },
      onStalled: () => doorbell.ring(),
      nowUs,
      nowMs: () => performance.now(),
      positions: row => standing.of(row),
      durability: config.durability,
      serverName: `order-execution-server ${this.#parts.version}`,
      lane: meter.lane,
      log: facts,
      trace,
    })
    history.connect(gate)
    haltDesk.connect(gate)
    massCancels.connect(gate)
    safety.desk.connect(gate)
    sessionList.connect(gate)
    onMembershipsChanged = () => {
      history.membershipsChanged(gate.sessions)
      halts.membershipsChanged()
    }
    // Nothing asks for it before the market is open.
    let marketWatch: MarketWatch | undefined
    const relay = new PooledRelay(shards.links, shardOf, nowUs)
    const tooSlow = new Set<Session>()
    const reportRings = memory.reportRings.map(ring => new RingConsumer(ring))
    const pump = new ReportPump(
      reportRings,
      gate,
      subscriptions,
      {
        marker: (_row, token, orderSequence, reportSequence) => history.marker(token, orderSequence, reportSequence),
        listing: (shard, index, ticker) => {
          standing.listing(shard, index, ticker)
          marketWatch?.used(ticker)
        },
        lookup: (word, requestId, row, orderId, purpose, text) => {
          const session = gate.sessions.find(word)
          if (session !== undefined) history.lookup(session, requestId, row, orderId, purpose, text)
        },
        ready: () => shards.noteReady(),
        stopped: shard => {
          relay.stopped(shard)
          shards.noteStopped()
        },
        swept: (token, canceled) => halts.swept(token, canceled),
        recalled: (token, canceled) => safety.recalls.recalled(token, canceled),
        violated: violation => compliance?.violated(violation),
        massCanceled: (token, isOver, counts) => massCancels.told(token, isOver, counts),
        firstUse: (shard, ticker) => marketWatch?.firstUse(shard, ticker),
        toJudge: body => relay.toJudge(body),
        verdict: (row, body) => relay.verdict(row, body),
        holdsBack: shard => relay.holdsBack(shard),
      },
      config.limits.outboxBytesMax,
      session => tooSlow.add(session),
      trace,
    )
    meter.watch({
      writer: writer.shared,
      links: shards.links,
      reportRings,
      accounts,
      halts,
      rules: () => world.rules.rules(),
    })
    void turnPump(stages, { pump, gate, links: shards.links, doorbell, tooSlow })
    // Behind the pump, since it is the pump that hears that they have stopped.
    this.#onTheWayDown('shards', () => this.#stopShards())

    // 6 recovery, and 7 market: before the orders come back, so that they find it as it is
    const { market } = await restoreAccounts(stages, {
      store: writer.caughtUp,
      definitions: world.definitions,
      accounts,
      table,
      shards,
      shardOf,
      clock: this.#clock,
      uids,
      safety,
      openMarket: async () => {
        const opened = await openMarket(stages, locator, {
          quotes: memory.quotes,
          shards,
          clock: this.#clock,
          onAvailability: this.#availability,
        })
        marketWatch = opened.watch
        return opened
      },
    })

    await halts.sweepRecovered()
    await safety.afterRecovery()

    // 8 compliance: behind recovery, so that every rule begins with what its accounts have
    compliance = new Compliance({ world, accounts, shards: shards.links, shardOf, relay, nowUs, log })
    compliance.start()
    meter.watch({ market, compliance })
    // No order may come before a rule that found no room in a ring yet.
    while (shards.links.some(({ isWaiting }) => isWaiting)) await pause(1)

    // 9 clients
    let droppedBefore = 0
    const ticking = setInterval(() => {
      gate.tick(performance.now())
      const { dropped } = market
      if (droppedBefore === 0 && dropped > 0)
        log.warning('market data finds no room; more is counted, not told', { dropped })
      droppedBefore = dropped
      shards.tick(this.#clock.nowUs())
    }, TICK_MS)
    this.#onTheWayDown('clock', () => clearInterval(ticking))
    const { tls } = config.server
    const certificates =
      tls.certificate === undefined || tls.key === undefined
        ? undefined
        : new Certificates({ ...tls, certificate: tls.certificate, key: tls.key }, config.console, log)
    if (certificates !== undefined) {
      const reload = () => certificates.reload()
      process.on('SIGHUP', reload)
      this.#onTheWayDown('certificates', () => {
        process.off('SIGHUP', reload)
        certificates.close()
      })
    }
    const listener = new Listener(gate, {
      allowed: config.server.allowed,
      connectionsMax: config.limits.connectionsMax,
      loginMs: config.limits.loginMs,
      tls: certificates && {
        certificates,
        clients: tls.clientCa === undefined ? 'none' : tls.clientCertificates,
        bindsAccounts: tls.clientAccount === 'common_name',
      },
      lane: meter.lane,
      log: facts,
    })
    this.#listener = listener
    this.address = await listener.open(config.server.interface.host, config.server.interface.port)
    safety.choices.begin(performance.now())
    this.#onTheWayDown('clients', async () => {
      listener.close()
      gate.stopAccepting()
      // What is in the shards' hands already is judged, made durable and answered before anybody is sent away.
      await this.#stopShards()
      safety.stop()
      gate.closeAll()
    })
    const registered = config.server.addresses.map(address =>
      address.port === 0 ? { host: address.host, port: this.address.port } : address,
    )
    await locator.register(config.server.service, registered)
    watch.health.stage = 'trading'
    log.info('clients are welcome', {
      address: formatAddress(this.address),
      shards: engine.shards,
      durability: config.durability,
      accounts: accounts.size,
      cores: os.availableParallelism(),
    })

    // 10 console
    const places = { server: this.address, locator: locatorAddress, admin: watch.address }
    startConsole(stages, this.#threads, places, certificates, address => watch.consoleListens(address))
  }

  /** Stops in order: no new orders, what is under way is finished, snapshots, clients are told, the store catches up. */
  async stop(): Promise<void> {
    if (this.#watch !== undefined) this.#watch.health.stage = 'stopping'
    this.#log.info('stopping', this.figures())
    await this.#goDown()
    this.#log.info('stopped')
  }

  /** What the shards have done so far, all together. */
  figures(): Record<string, number> {
    return { ...this.#shards?.figures(), ...this.#listener?.figures() }
  }

  async #goDown(): Promise<void> {
    for (const way of this.#ways.splice(0).reverse()) {
      try {
        await way.down()
      } catch (error) {
        this.#log.error('could not stop a part in order', { part: way.name, error })
      }
    }
  }

  #onTheWayDown(name: string, down: () => Promise<void> | void): void {
    this.#ways.push({ name, down })
  }

  readonly #availability = (service: string, available: boolean): void => {
    this.#watch?.health.services.set(service, available)
    if (available) this.#log.info('a service is there again', { service })
    else this.#log.warning('a service does not answer; what is known of it holds', { service })
  }

  #startThread(name: string, file: URL, options: PlainOptions): HostedThread {
    const thread = this.#threads.start(name, file, options)
    thread.ended.catch((error: unknown) => {
      if (this.#failed) return
      this.#failed = true
      this.#parts.onFailure(name, error)
    })
    return thread
  }

  async #stopShards(): Promise<void> {
    if (!this.#failed) await this.#shards?.stop(this.#clock.nowUs())
  }
}
