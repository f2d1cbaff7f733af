// The whole road on one thread: real rings, tables, shards, gate, journal, store and recovery, without sockets, threads or
// a clock of its own. The peers are arrays, the directory is a script, and everything moves only when a test says so:
//
//   settle()               until nothing moves any more, the store left as it is
//   turnShard, turnPump …  one thread one turn, for tests that choose the interleaving themselves
//   turnWriter, confirm    the store follows the journals, or stays behind

import fs from 'node:fs'
import path from 'node:path'
import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import { Log } from '../../src/base/log.ts'
import type { CheckName } from '../../src/checks/chain.ts'
import type { ToldViolation } from '../../src/compliance/rule-messages.ts'
import { type Definitions, definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { JournalWriter } from '../../src/journal/journal-writer.ts'
import { Gate, type GateLimits } from '../../src/main/gate.ts'
import { HaltDesk } from '../../src/main/halt-desk.ts'
import { HaltStore } from '../../src/main/halt-store.ts'
import { Halts } from '../../src/main/halts.ts'
import { History, type Readers } from '../../src/main/history.ts'
import { Market } from '../../src/main/market.ts'
import { MassCancelDesk } from '../../src/main/mass-cancel-desk.ts'
import { PooledRelay } from '../../src/main/pooled-relay.ts'
import { restore } from '../../src/main/recovery.ts'
import { ReportPump } from '../../src/main/report-pump.ts'
import { Safety } from '../../src/main/safety.ts'
import type { Session } from '../../src/main/session.ts'
import { SessionList } from '../../src/main/session-list.ts'
import { ShardLink } from '../../src/main/shard-link.ts'
import { Standing } from '../../src/main/standing.ts'
import { Subscriptions } from '../../src/main/subscription.ts'
import { LANE_BYTES } from '../../src/metrics/catalogue.ts'
import type { Value } from '../../src/protocol/msgpack.ts'
import type { DutyCycle } from '../../src/shards/duty-cycle.ts'
import { assembleShard, type ShardParts } from '../../src/shards/shard.ts'
import type { ShardLimits, ShardState } from '../../src/shards/shard-state.ts'
import { AccountTable, type AccountTerms } from '../../src/shared-memory/account-table.ts'
import { Doorbell } from '../../src/shared-memory/doorbell.ts'
import { HaltTable } from '../../src/shared-memory/halt-table.ts'
import { Lane } from '../../src/shared-memory/lanes.ts'
import { createSharedMemory, MAIN_THREAD, shardThread, threadCount } from '../../src/shared-memory/memory-map.ts'
import { PositionTable } from '../../src/shared-memory/position-table.ts'
import { QuoteTable } from '../../src/shared-memory/quote-table.ts'
import { RateTable } from '../../src/shared-memory/rate-table.ts'
import { Command } from '../../src/shared-memory/records.ts'
import { RingConsumer, RingProducer } from '../../src/shared-memory/ring.ts'
import { createWriterShared, WriterShared } from '../../src/shared-memory/writer-shared.ts'
import { AccountTails } from '../../src/stores/account-tails.ts'
import { EmbeddedStore } from '../../src/stores/embedded-store.ts'
import { EmbeddedReader } from '../../src/stores/embedded-view.ts'
import { InvalidFilter } from '../../src/stores/order-filter.ts'
import { StoreReader } from '../../src/stores/queries.ts'
import { type RecoveredMarks, Recovery } from '../../src/stores/recovery.ts'
import { StoreSession } from '../../src/writer/store-session.ts'
import { RehearsedPeer } from './rehearsed-peer.ts'
import type { ScriptedDirectory } from './scripted-directory.ts'
import { SteppedSink } from './stepped-sink.ts'

export interface RehearsalOptions {
  /** Where the store and the journals lie; the same folder again is a restart. */
  readonly folder: string
  readonly directory: ScriptedDirectory
  readonly shards?: number
  readonly checks?: readonly CheckName[]
  readonly destinations?: ShardParts['destinations']
  readonly definitions?: Definitions
  readonly shardLimits?: Partial<ShardLimits>
  readonly gateLimits?: Partial<GateLimits>
  readonly commandRingBytes?: number
  readonly snapshotReports?: number
  readonly subscriptionsMax?: number
  readonly heldBytesMax?: number
  readonly unreadBytesMax?: number
  /** Risk parameters of an account; plenty of Canadian dollars where left out. */
  readonly terms?: (name: string) => Partial<AccountTerms>
  /** What the disk does with blocks that are handed to it; 0 or left out: it writes at once. */
  readonly diskSeed?: number
  /** µs since the epoch at which the clock stands. */
  readonly nowUs?: number
}

const CAD = 124
const START_US = Date.UTC(2025, 3, 12, 13, 33, 12) * 1000
const ACCOUNTS_MAX = 256
const TICKERS_MAX = 256
const RATES_MAX = 64
const DESTINATIONS_MAX = 32

interface RehearsedShard {
  readonly cycle: DutyCycle
  readonly state: ShardState
  readonly journal: JournalWriter
  readonly directory: string
}

export class Rehearsal {
  readonly directory: ScriptedDirectory
  readonly definitions: Definitions
  readonly gate: Gate
  readonly history: History
  readonly subscriptions = new Subscriptions()
  readonly pump: ReportPump
  readonly relay: PooledRelay
  readonly market: Market
  readonly links: ShardLink[] = []
  readonly shards: RehearsedShard[] = []
  readonly accounts: AccountTable
  readonly rates: RateTable
  readonly halts: Halts
  /** What compliance rules objected to. */
  readonly violations: ToldViolation[] = []
  /** Tickers whose market a shard has asked for. */
  readonly firstUses: [shard: number, ticker: string][] = []
  readonly haltStore: HaltStore
  readonly safety: Safety
  readonly positions: PositionTable[] = []
  /** What the parts have logged. */
  readonly logged: { message: string; facts: Record<string, string | number> }[] = []
  /** The clock, µs since the epoch. */
  nowUs: number
  /** The id that the next order gets; 0 while the id service is away. */
  nextOrderId: number
  /** The store's file, to look into. */
  readonly storeFile: string
  readonly #readers: SteppedReaders
  readonly #store: EmbeddedStore
  readonly #stream: StoreSession
  #isReady = 0
  #stopped = 0

  /** Catches the store up, restores the shards and lets them take up work. */
  static async start(options: RehearsalOptions): Promise<Rehearsal> {
    const { folder } = options
    const storeFile = path.join(folder, 'store.db')
    const definitions = options.definitions ?? definitionsFromData(definitionsData)
    const shards = options.shards ?? 1
    const store = EmbeddedStore.open({ file: storeFile, definitions })
    const journalFolder = path.join(folder, 'journals')
    fs.mkdirSync(journalFolder, { recursive: true })
    // Journals of shards that there are no more are copied as well.
    const names = Array.from({ length: shards }, (_, shard) => `shard-${shard}`)
    for (const name of fs.readdirSync(journalFolder).sort()) if (!names.includes(name)) names.push(name)
    const journals = names.map(name => ({ name, directory: path.join(journalFolder, name) }))
    for (const { directory } of journals) fs.mkdirSync(directory, { recursive: true })
    const shared = new WriterShared(createWriterShared(journals.length))
    const silent = { info: () => undefined, warning: () => undefined, error: () => undefined }
    const stream = await StoreSession.open({
      store,
      journals,
      shared,
      batchRowsMax: 512,
      batchBytesMax: 1 << 20,
      log: silent,
    })
    await stream.catchUp()
    const readable = new EmbeddedReader({ file: storeFile })
    const clOrdIdsMax = options.shardLimits?.clOrdIdsMax ?? 32_768
    const recovery = new Recovery({ store: readable, definitions, clOrdIdsMax })
    const marks = await recovery.marks()
    const rehearsal = new Rehearsal(
      options,
      definitions,
      readable,
      journals,
      journalFolder,
      shared,
      store,
      stream,
      marks,
    )
    await rehearsal.#restore(recovery)
    const swept = rehearsal.halts.sweepRecovered()
    const recalled = rehearsal.safety.afterRecovery()
    await rehearsal.settle()
    await swept
    await recalled
    rehearsal.safety.choices.begin(rehearsal.nowMs)
    return rehearsal
  }

  private constructor(
    options: RehearsalOptions,
    definitions: Definitions,
    readable: EmbeddedReader,
    journals: readonly { name: string; directory: string }[],
    journalFolder: string,
    shared: WriterShared,
    store: EmbeddedStore,
    stream: StoreSession,
    marks: RecoveredMarks,
  ) {
    this.directory = options.directory
    this.definitions = definitions
    this.storeFile = path.join(options.folder, 'store.db')
    this.#store = store
    this.#stream = stream
    this.nowUs = Math.max(options.nowUs ?? START_US, marks.lastTimestamp)
    this.nextOrderId = marks.lastOrderId + 1
    const shards = options.shards ?? 1
    const memory = createSharedMemory({
      shards,
      commandRingBytes: options.commandRingBytes ?? 1 << 20,
      reportRingBytes: 1 << 23,
      accountsMax: ACCOUNTS_MAX,
      positionsPerShardMax: 1024,
      tickersMax: TICKERS_MAX,
      ratesMax: RATES_MAX,
      destinationsMax: DESTINATIONS_MAX,
      lanes: threadCount(shards),
      laneBytes: 64,
    })
    this.accounts = new AccountTable(memory.accounts, ACCOUNTS_MAX)
    const quotes = new QuoteTable(memory.quotes, TICKERS_MAX)
    this.rates = new RateTable(memory.rates, RATES_MAX)
    for (const name of this.directory.accounts) {
      this.accounts.add({ ...defaultTerms, ...options.terms?.(name), accountId: this.directory.id(name) })
    }
    const haltTable = new HaltTable(memory.halts, DESTINATIONS_MAX)
    for (let shard = 0; shard < shards; shard++) {
      const doorbell = new Doorbell(memory.doorbells, shardThread(shard))
      this.links.push(new ShardLink(new RingProducer(memory.commandRings[shard]), doorbell))
      this.positions.push(new PositionTable(memory.positions[shard], 1024))
      const directory = path.join(journalFolder, `shard-${shard}`)
      const journal = JournalWriter.open({ directory, durability: 'none', segmentBytes: 1 << 18 })
      shared.publishDurable(shard, journal.nextSequence)
      const { cycle, state } = assembleShard({
        lane: new Lane(new SharedArrayBuffer(LANE_BYTES), 0, LANE_BYTES),
        definitions,
        limits: {
          liveOrdersMax: 16_384,
          clOrdIdsMax: 32_768,
          listingsMax: TICKERS_MAX,
          positionsMax: 1024,
          firstUseUs: 0,
          parkedCommandsMax: 10_000,
          parkedBytesMax: 1 << 20,
          ...options.shardLimits,
        },
        checks: options.checks ?? [],
        snapshotReports: options.snapshotReports ?? 1_000_000,
        commandsPerTurnMax: 64,
        accounts: this.accounts,
        positions: this.positions[shard]!,
        quotes,
        rates: this.rates,
        halts: haltTable,
        commands: new RingConsumer(memory.commandRings[shard]),
        reports: new RingProducer(memory.reportRings[shard]),
        doorbell,
        mainDoorbell: new Doorbell(memory.doorbells, MAIN_THREAD),
        journal: new SteppedSink(journal, options.diskSeed ?? 0, next => shared.publishDurable(shard, next)),
        blockRules: { commandsShared: 2, commandsHandedOverMin: 1 },
        sweepPauseMs: 0,
        ...(options.destinations === undefined ? {} : { destinations: options.destinations }),
      })
      this.shards.push({ cycle, state, journal, directory })
    }
    const shardOf = (row: number) => row % shards
    const standing = new Standing(this.accounts, this.positions, shardOf)
    const log = (message: string, facts: Record<string, string | number>) => this.logged.push({ message, facts })
    this.#readers = new SteppedReaders(readable, definitions)
    this.history = new History({
      directory: this.directory,
      shards: this.links,
      shardOf,
      subscriptions: this.subscriptions,
      readers: this.#readers,
      journals: shard => {
        const all = journals.map(({ name, directory }, number) => {
          // Nobody appends to the journals of shards that there are no more.
          const untilSequence = number < shards ? shared.durableNext(number) : Number.POSITIVE_INFINITY
          return { name, directory, untilSequence }
        })
        return [...all.splice(shard, 1), ...all]
      },
      subscriptionsMax: options.subscriptionsMax ?? 100,
      unreadBytesMax: options.unreadBytesMax ?? 1 << 20,
      log,
    })
    const nowUs = () => this.nowUs
    this.haltStore = new HaltStore(path.join(options.folder, 'halts.db'))
    this.halts = new Halts({
      store: this.haltStore,
      table: haltTable,
      directory: this.directory,
      definitions,
      shards: this.links,
      nowUs,
      log: new Log({ component: 'main', level: 'error' }),
    })
    this.safety = new Safety({
      file: path.join(options.folder, 'safety.db'),
      directory: this.directory,
      shards: this.links,
      nowMs: () => this.nowMs,
      nowUs,
      log: new Log({ component: 'main', level: 'error' }),
    })
    this.safety.recalls.lastOrderId = marks.lastOrderId
    const haltDesk = new HaltDesk({ halts: this.halts, directory: this.directory, definitions, nowUs })
    const massCancels = new MassCancelDesk({
      directory: this.directory,
      definitions,
      shards: this.links,
      shardOf,
      nowUs,
      log: new Log({ component: 'main', level: 'error' }),
    })
    const sessionList = new SessionList({
      directory: this.directory,
      choiceOf: session => this.safety.desk.choiceOf(session),
    })
    this.gate = new Gate({
      limits: { ...defaultLimits, ...options.gateLimits },
      directory: this.directory,
      shards: this.links,
      shardOf,
      history: this.history,
      halts: haltDesk,
      massCancels,
      safety: this.safety.desk,
      sessionList,
      subscriptions: this.subscriptions,
      nextOrderId: () => (this.nextOrderId === 0 ? 0 : this.nextOrderId++),
      orderIdsComing: () => false,
      onReceived: () => this.gate.flush(),
      onStalled: () => undefined,
      nowUs,
      nowMs: () => this.nowMs,
      positions: row => standing.of(row),
      durability: 'none',
      serverName: 'rehearsal',
      lane: new Lane(new SharedArrayBuffer(LANE_BYTES), 0, LANE_BYTES),
      log,
    })
    this.history.connect(this.gate)
    haltDesk.connect(this.gate)
    massCancels.connect(this.gate)
    this.safety.desk.connect(this.gate)
    sessionList.connect(this.gate)
    this.market = new Market(quotes, this.links, () => this.nowUs)
    this.relay = new PooledRelay(this.links, shardOf, nowUs)
    this.pump = new ReportPump(
      memory.reportRings.map(ring => new RingConsumer(ring)),
      this.gate,
      this.subscriptions,
      {
        marker: (_row, token, orderSequence, reportSequence) =>
          this.history.marker(token, orderSequence, reportSequence),
        listing: (shard, index, ticker) => standing.listing(shard, index, ticker),
        lookup: (word, requestId, row, orderId, purpose, text) => {
          const session = this.gate.sessions.find(word)
          if (session !== undefined) this.history.lookup(session, requestId, row, orderId, purpose, text)
        },
        ready: () => {
          this.#isReady += 1
        },
        stopped: shard => {
          this.relay.stopped(shard)
          this.#stopped += 1
        },
        swept: (token, canceled) => this.halts.swept(token, canceled),
        recalled: (token, canceled) => this.safety.recalls.recalled(token, canceled),
        violated: violation => this.violations.push(violation),
        massCanceled: (token, isOver, counts) => massCancels.told(token, isOver, counts),
        firstUse: (shard, ticker) => this.firstUses.push([shard, ticker]),
        toJudge: body => this.relay.toJudge(body),
        verdict: (row, body) => this.relay.verdict(row, body),
        holdsBack: shard => this.relay.holdsBack(shard),
      },
      options.heldBytesMax ?? 1 << 20,
      session => this.gate.close(session, Reason.SlowReader, [options.heldBytesMax ?? 1 << 20]),
    )
  }

  get nowMs(): number {
    return this.nowUs / 1000
  }

  /** A connection that has not logged in. */
  connect(name = 'peer'): RehearsedPeer {
    const peer = new RehearsedPeer(name)
    const session = this.gate.open(peer, this.nowMs)
    peer.attach(session, bytes => {
      if (session !== undefined) this.gate.receive(session, bytes, this.nowMs)
    })
    return peer
  }

  /** A session of the account, past its login; what it chooses to have canceled stands behind the version. */
  async login(account: string, ...choice: Value[]): Promise<RehearsedPeer> {
    const peer = this.connect(account)
    peer.send([1, 1, 0, account, account, 1, ...choice])
    await this.settle()
    const [answer] = peer.take()
    if (answer?.[0] !== 72) throw new Error(`${account} was not logged in: ${JSON.stringify(answer)}`)
    return peer
  }

  /** The client has gone. */
  hangUp(peer: RehearsedPeer): void {
    if (peer.session !== undefined) this.gate.closed(peer.session)
  }

  /** One turn of a shard; false where it had nothing to do. */
  turnShard(shard: number): boolean {
    this.links[shard]!.flush()
    return this.shards[shard]!.cycle.turn()
  }

  /** One turn of main over the report rings, and over what waited for room. */
  turnPump(): boolean {
    const any = this.pump.turn()
    if (this.gate.hasStalled) this.gate.resumeStalled()
    this.gate.flush()
    return any
  }

  /** Answers the oldest question to the readers; false where there is none. */
  async turnReader(): Promise<boolean> {
    const any = this.#readers.step()
    await eventLoopTurn()
    return any
  }

  /** The store takes one batch of each journal. */
  async turnWriter(): Promise<boolean> {
    return (await this.#stream.round()) > 0
  }

  /** Moves everything but the writer until nothing moves any more. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 2; ) {
      let any = false
      for (let shard = 0; shard < this.shards.length; shard++) while (this.turnShard(shard)) any = true
      if (this.turnPump()) any = true
      if (await this.turnReader()) any = true
      idle = any ? 0 : idle + 1
    }
  }

  /** Time passes for the shards: orders may expire. */
  tellTime(): void {
    for (const link of this.links) link.post(Command.Time, 0, this.nowUs, 0, new Uint8Array(0))
  }

  /** The directory has changed: subscriptions follow. */
  membershipsChanged(): void {
    this.history.membershipsChanged(this.gate.sessions)
    this.halts.membershipsChanged()
    this.gate.flush()
  }

  /** What the peer's session has open. */
  sessionOf(peer: RehearsedPeer): Session {
    if (peer.session === undefined) throw new Error('the connection was refused')
    return peer.session
  }

  /** The process is killed: nothing is finished, and nothing written is lost. */
  async kill(): Promise<void> {
    for (const { journal } of this.shards) journal.close()
    this.#stream.close()
    await this.#store.close()
    await this.#readers.close()
    this.haltStore.close()
    this.safety.close()
  }

  /** An orderly stop: snapshots are taken and the store has everything. */
  async stop(): Promise<void> {
    this.gate.stopAccepting()
    this.safety.stop()
    this.gate.closeAll()
    for (const link of this.links) link.post(Command.Stop, 0, this.nowUs, 0, new Uint8Array(0))
    await this.settle()
    if (this.#stopped !== this.shards.length) throw new Error('a shard has not stopped')
    while (await this.turnWriter());
    await this.#stream.confirm()
    await this.kill()
  }

  async #restore(recovery: Recovery): Promise<void> {
    await restore(recovery, {
      accounts: this.directory,
      shards: this.links,
      shardOf: row => row % this.shards.length,
      currencyOf: row => {
        const terms = { ...defaultTerms }
        this.accounts.readTerms(row, terms)
        return terms.currency
      },
      sessionNumber: (account, key) => this.safety.choices.restored(account, key),
      nowUs: () => this.nowUs,
      watch: async () => undefined,
      waitForRoom: async () => {
        for (const { cycle } of this.shards) cycle.turn()
      },
    })
    await this.settle()
    if (this.#isReady !== this.shards.length) throw new Error('a shard is not ready')
  }
}

const defaultTerms: AccountTerms = {
  accountId: 0,
  currency: CAD,
  buyingPowerLimit: 1_000_000_000e6,
  riskState: 0,
  riskStateExpiry: 0,
}

const defaultLimits: GateLimits = {
  connectionsMax: 1000,
  frameBytesMax: 1 << 16,
  loginMs: 5_000,
  heartbeatMs: 10_000,
  outboxBytesMax: 1 << 26,
  inFlightMax: 10_000,
  requestsPerSecond: 0,
  cancelsPerSecond: 0,
  rateRefusalsMax: 0,
}

/** Readers that answer when they are told to, in the order of the questions. */
class SteppedReaders implements Readers {
  readonly #store: EmbeddedReader
  readonly #tails = new AccountTails({ bytesMax: 1 << 26 })
  readonly #reader: StoreReader
  readonly #waiting: (() => void)[] = []

  constructor(store: EmbeddedReader, definitions: Definitions) {
    this.#store = store
    this.#reader = new StoreReader({ store, definitions, tails: this.#tails })
  }

  orders: Readers['orders'] = query => this.#ask(() => this.#reader.orders(query))
  reports: Readers['reports'] = query => this.#ask(() => this.#reader.reports(query))
  order: Readers['order'] = query => this.#ask(() => this.#reader.order(query))
  accountOf: Readers['accountOf'] = (orderId, journals) => this.#ask(() => this.#reader.accountOf(orderId, journals))

  step(): boolean {
    const answer = this.#waiting.shift()
    answer?.()
    return answer !== undefined
  }

  async close(): Promise<void> {
    this.#tails.close()
    await this.#store.close()
  }

  #ask<Answer>(answer: () => Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        answer().then(resolve, error =>
          reject(error instanceof InvalidFilter ? Object.assign(error, { code: Reason.InvalidFilter }) : error),
        )
      })
    })
  }
}
