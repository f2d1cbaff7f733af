// The composition root: every stage of the server in the order in which it comes up, and the way down. No stage finds
// another by itself; what it needs is handed to it here.
//
//   1 data directory   locked for this process
//   2 services         the platform's own thread where none is given; locator, world, ids, market
//   3 memory           rings, tables, doorbells; accounts and rates written
//   4 writer           brings the store to the end of the journals
//   5 shards           one thread each, with its journal
//   6 recovery         accounts from the store through the command rings
//   7 market           quotes and prints from now on
//   8 clients          the listener opens; the server registers with the locator

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setImmediate as eventLoopTurn, setTimeout as pause } from 'node:timers/promises'
import { MessageChannel } from 'node:worker_threads'
import { assert } from '../base/assert.ts'
import { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { type Address, formatAddress } from '../config/address.ts'
import type { Config } from '../config/config.ts'
import { LANE_BYTES, Metric } from '../metrics/catalogue.ts'
import { LocatorClient } from '../services/locator/client.ts'
import { MarketDataClient } from '../services/market-data/client.ts'
import { simulatedTickers } from '../services/market-data/simulated-tickers.ts'
import { ORDER_EXECUTION_SERVICE } from '../services/platform/built-in-world.ts'
import type { PlatformThreadData, PlatformThreadMessage } from '../services/platform/platform-thread.ts'
import { readWorldFile } from '../services/platform/world-file.ts'
import { UidClient } from '../services/uid/client.ts'
import { WorldFeed } from '../services/world/world-feed.ts'
import { AccountTable, newAccountTerms } from '../shared-memory/account-table.ts'
import { Doorbell } from '../shared-memory/doorbell.ts'
import { Lane, Latencies } from '../shared-memory/lanes.ts'
import { createSharedMemory, MAIN_THREAD, shardThread, threadCount } from '../shared-memory/memory-map.ts'
import { PositionTable } from '../shared-memory/position-table.ts'
import { QuoteTable } from '../shared-memory/quote-table.ts'
import { RateTable } from '../shared-memory/rate-table.ts'
import { Command } from '../shared-memory/records.ts'
import { RingConsumer, RingProducer } from '../shared-memory/ring.ts'
import { createWriterShared, WriterShared } from '../shared-memory/writer-shared.ts'
import type { JournalToRead } from '../stores/account-tails.ts'
import type { Page } from '../stores/queries.ts'
import { type ReaderAnswer, type ReaderTask, shareReaderOptions } from '../stores/reader-thread.ts'
import { Recovery } from '../stores/recovery.ts'
import { Accounts } from './accounts.ts'
import { lockDirectory } from './data-lock.ts'
import { Gate } from './gate.ts'
import { History, HistoryFailed, type Readers } from './history.ts'
import { Listener } from './listener.ts'
import { Market } from './market.ts'
import { ratesMax, writeRates } from './rates.ts'
import { RecoveryFailed, restore } from './recovery.ts'
import { ReportPump } from './report-pump.ts'
import type { Session } from './session.ts'
import { ShardLink } from './shard-link.ts'
import { shardOfAccount } from './shard-of-account.ts'
import { Standing } from './standing.ts'
import { Subscriptions } from './subscription.ts'
import { type HostedThread, Threads } from './threads.ts'

/** Threads' options are plain data; their types stay on their side of the floor, their fields are checked here. */
type PlainOptions = Record<string, unknown>

/** How often orders whose time has come are looked for, heartbeats are due, and so on. */
const TICK_MS = 100
/** Most memory of a reader for events that the store does not have yet. */
const READER_TAIL_BYTES_MAX = 256 << 20
/** A batch of the writer is closed at this size. */
const WRITER_BATCH_BYTES_MAX = 4 << 20
/** The store is made to keep what it has after so much or so long. */
const WRITER_CONFIRM_BYTES = 256 << 20
const WRITER_CONFIRM_MS = 5000

/** What the server needs beside its configuration. */
export interface ServerParts {
  readonly config: Config
  readonly log: Log
  readonly version: string
  /** A thread has failed: the process has to end. Called once at most. */
  readonly onFailure: (thread: string, error: unknown) => void
}

export class Server {
  readonly #config: Config
  readonly #log: Log
  readonly #parts: ServerParts
  readonly #clock = new Clock()
  readonly #threads: Threads
  /** Undone in reverse order, on the way down. */
  readonly #ways: { name: string; down: () => Promise<void> | void }[] = []
  #shards: ShardLink[] = []
  #lanes: Lane[] = []
  #stoppedShards = 0
  #readyShards = 0
  #onShardState: () => void = () => undefined
  #pumping = false
  #failed = false
  address: Address = { host: '', port: 0 }

  private constructor(parts: ServerParts) {
    this.#parts = parts
    this.#config = parts.config
    this.#log = parts.log
    this.#threads = new Threads(
      parts.config.engine.shards + 2,
      parts.config.readers.threads,
      threadFile('../stores/reader-thread'),
    )
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
    const { engine } = config

    // 1 data directory
    const data = path.resolve(config.dataDirectory)
    fs.mkdirSync(data, { recursive: true })
    const lock = lockDirectory(data)
    this.#onTheWayDown('lock', () => lock.release())
    this.#onTheWayDown('threads', () => this.#threads.close())

    // 2 services
    const locatorAddress = config.serviceLocator?.address ?? (await this.#startPlatform(data))
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
      lanes: threadCount(engine.shards),
      laneBytes: LANE_BYTES,
    })
    const table = new AccountTable(memory.accounts, engine.accountsMax)
    const accounts = new Accounts(table, locator, membershipsChanged => {
      if (membershipsChanged) history.membershipsChanged(gate.sessions)
    })
    const world = await WorldFeed.open(locator, { ...accounts.listener, availabilityChanged: this.#availability })
    this.#onTheWayDown('world', () => world.close())
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
    const writerMemory = createWriterShared(journals.length)
    const writer = new WriterShared(writerMemory)
    const storeFile = path.join(data, 'store.db')
    const writerThread = this.#startThread('writer', threadFile('../writer/writer-thread'), {
      shared: writerMemory,
      journals,
      durability: config.durability,
      segmentBytes: config.journal.segmentBytes,
      storeFile,
      definitions: world.definitionsData,
      batchRowsMax: config.writer.batchRowsMax,
      batchBytesMax: WRITER_BATCH_BYTES_MAX,
      batchAgeMs: config.writer.batchAgeMs,
      confirmBytes: WRITER_CONFIRM_BYTES,
      confirmMs: WRITER_CONFIRM_MS,
      copiesAlways: config.writer.copy === 'always',
      lagMaxMs: config.writer.lagMsMax,
      nice: config.writer.nice,
      logLevel: config.log.level,
    })
    this.#onTheWayDown('writer', async () => {
      writer.stop()
      await settled(writerThread)
    })
    await Promise.race([writer.caughtUp(), writerThread.ended, keepAlive(writerThread)])

    // 5 shards
    const doorbell = new Doorbell(memory.doorbells, MAIN_THREAD)
    this.#shards = Array.from(
      { length: engine.shards },
      (_, shard) =>
        new ShardLink(new RingProducer(memory.commandRings[shard]), new Doorbell(memory.doorbells, shardThread(shard))),
    )
    this.#lanes = this.#shards.map((_, shard) => new Lane(memory.lanes, shardThread(shard), LANE_BYTES))
    const shardThreads = this.#shards.map((_, shard) =>
      this.#startThread(`shard-${shard}`, threadFile('../shards/shard-thread'), {
        shard,
        memory,
        writerShared: writerMemory,
        journalNumber: shard,
        journalDirectory: journals[shard].directory,
        durability: config.durability,
        segmentBytes: config.journal.segmentBytes,
        definitions: world.definitionsData,
        checks: config.checks,
        limits: {
          liveOrdersMax: engine.liveOrdersPerShardMax,
          clOrdIdsMax: engine.clOrdIdsPerShardMax,
          listingsMax: engine.tickersMax,
          positionsMax: engine.positionsPerShardMax,
        },
        snapshotReports: engine.snapshotReports,
        commandsPerTurnMax: engine.batchCommandsMax,
        spinUs: engine.spinUs,
        logLevel: config.log.level,
      }),
    )

    // What main does with the shards' words and the clients' questions.
    const subscriptions = new Subscriptions()
    const standing = new Standing(
      table,
      memory.positions.map(region => new PositionTable(region, engine.positionsPerShardMax)),
      shardOf,
    )
    const journalOf = (shard: number): JournalToRead => ({
      name: journals[shard].name,
      directory: journals[shard].directory,
      untilSequence: writer.durableNext(shard),
    })
    shareReaderOptions({
      storeFile,
      definitions: world.definitionsData,
      tailBytesMax: READER_TAIL_BYTES_MAX,
    })
    const facts = (message: string, fields: Record<string, string | number>) => log.info(message, fields)
    const history = new History({
      directory: accounts,
      shards: this.#shards,
      shardOf,
      subscriptions,
      readers: readersOf(this.#threads),
      journal: journalOf,
      subscriptionsMax: config.limits.subscriptionsMax,
      unreadBytesMax: Math.floor(config.limits.outboxBytesMax / 4),
      log: facts,
    })
    let flushing = false
    const flushReceived = () => {
      flushing = false
      gate.flush()
    }
    const gate = new Gate({
      limits: config.limits,
      directory: accounts,
      shards: this.#shards,
      shardOf,
      history,
      subscriptions,
      nextOrderId: () => uids.next(),
      orderIdsComing: () => uids.available,
      onReceived: () => {
        if (flushing) return
        flushing = true
        setImmediate(flushReceived)
      },
      onStalled: () => doorbell.ring(),
      nowUs: () => this.#clock.nowUs(),
      positions: row => standing.of(row),
      durability: config.durability,
      serverName: `order-execution-server ${this.#parts.version}`,
      log: facts,
    })
    history.connect(gate)
    const tooSlow = new Set<Session>()
    const pump = new ReportPump(
      memory.reportRings.map(ring => new RingConsumer(ring)),
      gate,
      subscriptions,
      {
        marker: (_row, token, orderSequence, reportSequence) => history.marker(token, orderSequence, reportSequence),
        listing: (shard, index, ticker) => standing.listing(shard, index, ticker),
        lookup: (word, requestId, row, orderId, purpose) => {
          const session = gate.sessions.find(word)
          if (session !== undefined) history.lookup(session, requestId, row, orderId, purpose)
        },
        ready: () => {
          this.#readyShards += 1
          this.#onShardState()
        },
        stopped: () => {
          this.#stoppedShards += 1
          this.#onShardState()
        },
      },
      config.limits.outboxBytesMax,
      session => tooSlow.add(session),
    )
    void this.#pump(pump, gate, doorbell, tooSlow)
    // Behind the pump, since it is the pump that hears that they have stopped.
    this.#onTheWayDown('shards', () => this.#stopShards(shardThreads))

    // 6 recovery
    const startedMs = performance.now()
    let market: Market | undefined
    const terms = newAccountTerms()
    const recovery = new Recovery({
      storeFile,
      definitions: world.definitions,
      clOrdIdsMax: engine.clOrdIdsPerShardMax * engine.shards,
      sessionStart: config.sessionStartTime,
    })
    try {
      const marks = recovery.marks()
      this.#clock.raise(marks.lastTimestamp)
      await beyond(uids, marks.lastOrderId)
      market = new Market(new QuoteTable(memory.quotes, engine.tickersMax), this.#shards, () => this.#clock.nowUs())

      // 7 market: before the orders come back, so that they find it as it is
      const marketData = await MarketDataClient.open(locator, event => market?.take(event), {
        onAvailability: this.#availability,
      })
      this.#onTheWayDown('market data', () => marketData.close())
      await marketData.subscribeAll()
      const { counts } = await restore(recovery, {
        accounts,
        shards: this.#shards,
        shardOf,
        currencyOf: row => {
          table.readTerms(row, terms)
          return terms.currency
        },
        nowUs: () => this.#clock.nowUs(),
        waitForRoom: () => pause(1),
      })
      await this.#whenShards(() => this.#readyShards === engine.shards)
      log.info('accounts are restored', { ...counts, ms: Math.round(performance.now() - startedMs) })
    } finally {
      recovery.close()
    }

    // 8 clients
    let droppedBefore = 0
    const ticking = setInterval(() => {
      gate.tick(performance.now())
      const dropped = market?.dropped ?? 0
      if (droppedBefore === 0 && dropped > 0)
        log.warning('market data finds no room; more is counted, not told', { dropped })
      droppedBefore = dropped
      for (const shard of this.#shards) {
        shard.post(Command.Time, 0, this.#clock.nowUs(), 0, NOTHING)
        shard.flush()
      }
    }, TICK_MS)
    this.#onTheWayDown('clock', () => clearInterval(ticking))
    const listener = new Listener(gate, facts)
    this.address = await listener.open(config.server.interface.host, config.server.interface.port)
    this.#onTheWayDown('clients', async () => {
      listener.close()
      gate.stopAccepting()
      // What is in the shards' hands already is judged, made durable and answered before anybody is sent away.
      await this.#stopShards(shardThreads)
      gate.closeAll()
    })
    const registered = config.server.addresses.map(address =>
      address.port === 0 ? { host: address.host, port: this.address.port } : address,
    )
    await locator.register(config.server.service, registered)
    log.info('clients are welcome', {
      address: formatAddress(this.address),
      shards: engine.shards,
      durability: config.durability,
      accounts: accounts.size,
      cores: os.availableParallelism(),
    })
  }

  /** Stops in order: no new orders, what is under way is finished, snapshots, clients are told, the store catches up. */
  async stop(): Promise<void> {
    this.#log.info('stopping', this.figures())
    await this.#goDown()
    this.#log.info('stopped')
  }

  /** What the shards have done so far, all together. */
  figures(): Record<string, number> {
    const commits = new Latencies()
    let orders = 0
    let batches = 0
    for (const lane of this.#lanes) {
      commits.add(lane.histogram(Metric.CommitLatency))
      orders += lane.value(Metric.OrdersAccepted)
      batches += lane.value(Metric.Batches)
    }
    return { orders, batches, commitP50Us: commits.percentile(0.5), commitP99Us: commits.percentile(0.99) }
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

  async #startPlatform(data: string): Promise<Address> {
    const { platform } = this.#config
    const { port1, port2 } = new MessageChannel()
    const tickers = platform.marketData.tickers
    const chosen =
      tickers.length === 0 ? simulatedTickers : simulatedTickers.filter(({ ticker }) => tickers.includes(ticker))
    const options: PlatformThreadData['options'] = {
      databasePath: path.resolve(data, platform.dataFile),
      clientsHost: this.#config.server.interface.host,
      port: platform.port,
      market: { seed: platform.seed, eventsPerSecond: platform.marketData.rate, tickers: chosen },
      ...(platform.world === 'demo' ? {} : { world: readWorldFile(platform.world) }),
      ...(platform.marketData.replay === undefined ? {} : { replay: { path: platform.marketData.replay } }),
    }
    const listening = new Promise<Address>(resolve => {
      port1.on('message', (message: PlatformThreadMessage) => {
        if (message.what === 'listening') resolve(message.address)
        else this.#log.error('the platform met a fault of its own', { fault: message.text })
      })
    })
    const file = threadFile('../services/platform/platform-thread')
    const thread = this.#threads.start('platform', file, { options, port: port2 }, [port2])
    const failed = thread.ended.then(() => {
      throw new Error('the platform ended')
    })
    let stopping = false
    this.#onTheWayDown('platform', async () => {
      stopping = true
      port1.postMessage('stop')
      await settled(thread)
      port1.close()
    })
    const address = await Promise.race([listening, failed])
    failed.catch((error: unknown) => {
      if (!stopping) this.#log.error('the platform has ended; what is known of it holds', { error })
    })
    return address
  }

  /** Turns the pump until the process goes down. */
  async #pump(pump: ReportPump, gate: Gate, doorbell: Doorbell, tooSlow: Set<Session>): Promise<void> {
    this.#pumping = true
    this.#onTheWayDown('pump', () => {
      this.#pumping = false
      doorbell.ring()
    })
    while (this.#pumping) {
      const moved = pump.turn()
      for (const session of tooSlow) gate.closeSlow(session)
      tooSlow.clear()
      gate.resumeStalled()
      if (moved) await eventLoopTurn()
      else await doorbell.parkAsync(gate.hasStalled ? 1 : 1000, pump.hasWork)
    }
  }

  #whenShards(reached: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const look = () => {
        if (!reached()) return
        this.#onShardState = () => undefined
        resolve()
      }
      this.#onShardState = look
      look()
    })
  }

  async #stopShards(threads: readonly HostedThread[]): Promise<void> {
    if (this.#stoppedShards === this.#shards.length || this.#failed) return
    for (const shard of this.#shards) {
      shard.post(Command.Stop, 0, this.#clock.nowUs(), 0, NOTHING)
      shard.flush()
    }
    await Promise.race([
      this.#whenShards(() => this.#stoppedShards === this.#shards.length),
      Promise.all(threads.map(({ ended }) => ended.then(() => new Promise(() => undefined)))),
    ])
  }
}

/** The file of a thread's entry: as this file is, a source in a checkout and built in an installed package. */
function threadFile(path: string): URL {
  return new URL(path + (import.meta.url.endsWith('.ts') ? '.ts' : '.js'), import.meta.url)
}

const RATES_MAX = 4096
const NOTHING = new Uint8Array(0)
/** Ids skipped at most to get beyond those that the store has. */
const SKIPPED_IDS_MAX = 1_000_000

/** The journals of this many shards, and those that earlier runs with more shards have left. */
function journalsIn(directory: string, shards: number) {
  const journals = Array.from({ length: shards }, (_, shard) => journalOf(directory, `shard-${shard}`, true))
  const found = fs.existsSync(directory) ? fs.readdirSync(directory) : []
  for (const name of found.sort()) {
    const match = /^shard-(\d+)$/.exec(name)
    if (match !== null && Number(match[1]) >= shards) journals.push(journalOf(directory, name, false))
  }
  return journals
}

function journalOf(directory: string, name: string, isAppended: boolean) {
  return { name, directory: path.join(directory, name), isAppended }
}

function readersOf(threads: Threads): Readers {
  const ask = async (task: ReaderTask) => {
    const answer = await threads.ask<ReaderTask, ReaderAnswer>(task)
    if ('code' in answer) throw new HistoryFailed(answer.code, [...answer.params], answer.text)
    return answer.result
  }
  return {
    orders: async query => (await ask({ ask: 'orders', query })) as Page,
    reports: async query => (await ask({ ask: 'reports', query })) as Page,
    order: async query => (await ask({ ask: 'order', query })) as Page,
    accountOf: async (orderId, journals) => (await ask({ ask: 'accountOf', orderId, journals })) as number | undefined,
  }
}

/** New orders must not get ids that the store has: an id service that lost its memory is brought beyond them. */
async function beyond(uids: UidClient, lastOrderId: number): Promise<void> {
  for (let skipped = 0; skipped <= SKIPPED_IDS_MAX; skipped++) {
    await uids.whenAvailable()
    if (uids.next() > lastOrderId) return
  }
  throw new RecoveryFailed(
    `The uid service hands out ids far below ${lastOrderId}, which the store has already. It has lost its memory or ` +
      'belongs to another installation; set its next id above that.',
  )
}

/** Settles when the thread has ended, however it did. */
async function settled(thread: HostedThread): Promise<void> {
  await thread.ended.catch(() => undefined) // told by the supervision already
}

/** A wait on shared memory does not keep a process alive; this does, until the thread has ended. */
function keepAlive(thread: HostedThread): Promise<never> {
  const timer = setInterval(() => undefined, 60_000)
  const stop = () => clearInterval(timer)
  thread.ended.then(stop, stop)
  return new Promise<never>(() => undefined)
}
