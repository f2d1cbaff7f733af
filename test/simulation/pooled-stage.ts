// Four shards, the rules of main and the judge of pooled rules, on one thread: rings, tables, shards and relay are real, and
// every record moves only when the stage is told to. Clients are the test's own; what they are told is what was published.

import { deepEqual, equal, ok } from 'node:assert/strict'
import { unpackToJudge, unpackVerdict } from '../../src/compliance/pooled-messages.ts'
import { type ToldViolation, violationOfText } from '../../src/compliance/rule-messages.ts'
import { type NodeKind, type RuleSchema, RuleState } from '../../src/compliance/schema.ts'
import { MICROS } from '../../src/domain/money.ts'
import { isTerminal, OrderStatus } from '../../src/domain/order-status.ts'
import { Compliance } from '../../src/main/compliance.ts'
import { Market } from '../../src/main/market.ts'
import { JUDGE_SHARD, PooledRelay } from '../../src/main/pooled-relay.ts'
import { ShardLink } from '../../src/main/shard-link.ts'
import { LANE_BYTES } from '../../src/metrics/catalogue.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { pack, unpack, type Value } from '../../src/protocol/msgpack.ts'
import { decodeOrderEvent, type OrderEvent } from '../../src/protocol/order-events.ts'
import { RuleBook, type StoredRule } from '../../src/services/compliance/rule-book.ts'
import { DirectoryGraph, EntryType } from '../../src/services/locator/directory-graph.ts'
import { MarketEventType } from '../../src/services/market-data/market-event.ts'
import type { DutyCycle } from '../../src/shards/duty-cycle.ts'
import { assembleShard } from '../../src/shards/shard.ts'
import type { ShardState } from '../../src/shards/shard-state.ts'
import { AccountTable } from '../../src/shared-memory/account-table.ts'
import { Doorbell } from '../../src/shared-memory/doorbell.ts'
import { HaltTable } from '../../src/shared-memory/halt-table.ts'
import { Lane } from '../../src/shared-memory/lanes.ts'
import { createSharedMemory, MAIN_THREAD, shardThread, threadCount } from '../../src/shared-memory/memory-map.ts'
import { PositionTable } from '../../src/shared-memory/position-table.ts'
import { QuoteTable } from '../../src/shared-memory/quote-table.ts'
import { RateTable } from '../../src/shared-memory/rate-table.ts'
import {
  BATCH_HEADER_BYTES,
  type Command,
  NOTICE_HEADER_BYTES,
  Notice,
  NoticeAt,
} from '../../src/shared-memory/records.ts'
import { RingConsumer, RingProducer } from '../../src/shared-memory/ring.ts'
import type { TwinMarket } from '../compliance/rule-twin.ts'
import type { Random } from '../fault/random.ts'
import { CAD, definitions, START_US } from '../shards/shard-stage.ts'
import { PooledTwin, type SentOrder, type SentTerms } from './pooled-twin.ts'
import { type SubmitFields, submitElements } from './stage.ts'

export const SHARDS = 4
export const ACCOUNTS = 10
/** Directories: two groups with their traders, the firm above both. */
export const FIRM = 100
export const GROUPS = [101, 102] as const
export const TRADERS = [111, 112] as const
export const TICKERS = ['ABX.TSX', 'XIU.TSX', 'RY.TSX'] as const
const ADMINISTRATOR = 99
const TICKERS_MAX = 16

/** What a client knows of an order. */
export interface KnownOrder extends SentOrder {
  readonly orderId: number
  readonly row: number
  readonly isManual: boolean
  /** As sent, or as it was replaced last, in micros. */
  quantity: number
  price: number
  readonly terms: SentTerms[]
  /** Its last status; 0 before anything was told. */
  status: number
  reason: number
  filledQty: number
  isAccepted: boolean
  isEnded: boolean
}

export interface PooledStageOptions {
  readonly random: Random
  readonly ringBytes?: number
}

interface StagedShard {
  readonly cycle: DutyCycle
  readonly state: ShardState
  readonly reports: RingConsumer
  diskIsDone: boolean
}

export class PooledStage {
  readonly orders = new Map<number, KnownOrder>()
  readonly shards: StagedShard[] = []
  readonly links: ShardLink[] = []
  readonly directory = new DirectoryGraph()
  readonly rules = new RuleBook()
  readonly compliance: Compliance
  readonly market: Market
  readonly halts: HaltTable
  readonly twin: PooledTwin
  readonly twinMarket: TwinMarket & { quotes: Map<number, { bid: number; ask: number }>; prints: Map<number, number> }
  /** Answers that are no events, by request: DONE, or the number of the reason. */
  readonly answers = new Map<number, number>()
  /** What the judge has answered: account row, epoch, question, reason. */
  readonly verdicts: string[] = []
  readonly violations: ToldViolation[] = []
  /** Called with each event as a client hears of it. */
  onEvent: (order: KnownOrder) => void = () => undefined
  nowUs = START_US
  stopped = 0
  /** Reports that an order was replaced. */
  replaced = 0
  requests = 0
  #orderIds = 0
  #revisions = 0
  readonly #relay: PooledRelay

  constructor({ random, ringBytes = 1 << 16 }: PooledStageOptions) {
    const memory = createSharedMemory({
      shards: SHARDS,
      commandRingBytes: ringBytes,
      reportRingBytes: 1 << 18,
      accountsMax: ACCOUNTS,
      positionsPerShardMax: 64,
      tickersMax: TICKERS_MAX,
      ratesMax: 4,
      destinationsMax: 16,
      lanes: threadCount(SHARDS),
      laneBytes: 64,
    })
    const accounts = new AccountTable(memory.accounts, ACCOUNTS)
    for (let row = 0; row < ACCOUNTS; row++) {
      accounts.add({
        accountId: row + 1,
        currency: CAD,
        buyingPowerLimit: 1_000_000_000e6,
        riskState: 0,
        riskStateExpiry: 0,
      })
    }
    const quotes = new QuoteTable(memory.quotes, TICKERS_MAX)
    this.halts = new HaltTable(memory.halts, 16)
    for (let shard = 0; shard < SHARDS; shard++) {
      const doorbell = new Doorbell(memory.doorbells, shardThread(shard))
      this.links.push(new ShardLink(new RingProducer(memory.commandRings[shard]!), doorbell))
      const { cycle, state } = assembleShard({
        lane: new Lane(new SharedArrayBuffer(LANE_BYTES), 0, LANE_BYTES),
        definitions,
        limits: {
          liveOrdersMax: 256,
          clOrdIdsMax: 512,
          listingsMax: TICKERS_MAX,
          positionsMax: 64,
          parkedCommandsMax: 1_000,
          parkedBytesMax: 1 << 16,
          firstUseUs: 0,
        },
        checks: ['board_lot'],
        snapshotReports: 1_000_000,
        commandsPerTurnMax: 8,
        accounts,
        positions: new PositionTable(memory.positions[shard]!, 64),
        quotes,
        rates: new RateTable(memory.rates, 4),
        halts: this.halts,
        commands: new RingConsumer(memory.commandRings[shard]!),
        reports: new RingProducer(memory.reportRings[shard]!),
        doorbell,
        mainDoorbell: new Doorbell(memory.doorbells, MAIN_THREAD),
        journal: {
          append: () => undefined,
          begin: () => {
            staged.diskIsDone = false
            return random.chance(0.7)
          },
          get isDone() {
            return staged.diskIsDone
          },
          finish: () => 1,
        },
        blockRules: { commandsShared: 3, commandsHandedOverMin: 1 },
      })
      const reports = new RingConsumer(memory.reportRings[shard]!)
      const staged: StagedShard = { cycle, state, reports, diskIsDone: false }
      this.shards.push(staged)
    }
    this.market = new Market(quotes, this.links, () => this.nowUs)
    this.twinMarket = {
      quotes: new Map(),
      prints: new Map(),
      rate: (from, to) => (from === to ? ([1n, 1n] as const) : undefined),
    }
    this.twin = new PooledTwin(this.twinMarket, TICKERS, orderId => this.orders.get(orderId)!)
    this.#relay = new PooledRelay(
      this.links,
      row => row % SHARDS,
      () => this.nowUs,
    )
    const toJudge = (body: Uint8Array) => {
      this.twin.take(unpackToJudge(new Uint8Array(body)))
      this.#relay.toJudge(body)
    }
    this.#buildDirectory()
    this.compliance = new Compliance({
      world: {
        directory: this.directory,
        rules: this.rules,
        compliance: {
          reportViolation: () => undefined,
          reportTripped: ({ id, revision }: { id: number; revision: number }) => this.#tripped(id, revision),
        } as never, // the two calls that it makes
      },
      accounts: { rowOf: id => (id <= ACCOUNTS ? id - 1 : -1), accountOf: row => row + 1, size: ACCOUNTS },
      shards: this.links,
      shardOf: row => row % SHARDS,
      relay: { toJudge },
      nowUs: () => this.nowUs,
      log: { info: () => undefined, warning: () => undefined, error: () => undefined },
    })
    this.directory.listen({
      associated: (_, child) => this.compliance.moved(child),
      detached: (_, child) => this.compliance.moved(child),
    })
    this.rules.listen({ ruleChanged: rule => this.compliance.ruleChanged(rule) })
    this.#toJudge = toJudge
  }

  readonly #toJudge: (body: Uint8Array) => void

  #buildDirectory(): void {
    const { directory } = this
    for (const id of [FIRM, ...GROUPS]) directory.storeEntry({ id, type: EntryType.Directory, name: `group ${id}` })
    for (const id of TRADERS) directory.storeEntry({ id, type: EntryType.Directory, name: 'traders' })
    for (let id = 1; id <= ACCOUNTS; id++) directory.storeEntry({ id, type: EntryType.Account, name: `account ${id}` })
    for (const [at, group] of GROUPS.entries()) {
      directory.associate(FIRM, group)
      directory.associate(group, TRADERS[at]!)
    }
    for (let id = 1; id <= ACCOUNTS; id++) directory.associate(TRADERS[id % 2]!, id)
  }

  store(id: number, node: number, schema: RuleSchema, state: RuleState = RuleState.Active): void {
    const nodeKind: NodeKind = node >= FIRM ? 'directory' : 'account'
    this.#revisions += 1
    this.rules.store({ id, node, nodeKind, schema, state, revision: this.#revisions, tripped: false })
  }

  #tripped(id: number, revision: number): void {
    const stored = this.rules.rule(id)
    if (stored === undefined || stored.revision !== revision) return
    this.#revisions += 1
    this.rules.store({ ...stored, revision: this.#revisions, tripped: true } satisfies StoredRule)
  }

  /** @returns the order's id; undefined where its shard takes nothing just now */
  submit(row: number, fields: SubmitFields, isManual = false): number | undefined {
    const orderId = this.#orderIds + 1
    const { type = 1, side = 1, quantity = 100, price = 10, ticker = TICKERS[0] } = fields
    const elements = submitElements({
      ...fields,
      type,
      side,
      quantity,
      price,
      ticker,
      destination: isManual ? 'MOE' : '',
    })
    if (!this.#request(row, [Kind.Submit, ...elements], orderId, isManual)) return undefined
    this.#orderIds = orderId
    this.orders.set(orderId, {
      orderId,
      row,
      account: row + 1,
      submissionAccount: isManual ? ADMINISTRATOR : row + 1,
      ticker,
      type,
      side,
      quantity: Math.round(quantity * MICROS),
      price: Math.round(price * MICROS),
      terms: [{ quantity: Math.round(quantity * MICROS), price: Math.round(price * MICROS) }],
      isManual,
      status: 0,
      reason: 0,
      filledQty: 0,
      isAccepted: false,
      isEnded: false,
    })
    return orderId
  }

  /** @returns number of the request */
  cancel({ orderId, row }: KnownOrder): number | undefined {
    return this.#request(row, [Kind.Cancel, orderId], 0, false) ? this.requests : undefined
  }

  /** @returns number of the request */
  replace({ orderId, row, terms }: KnownOrder, quantity: number, price: number): number | undefined {
    if (!this.#request(row, [Kind.Replace, orderId, quantity, price], 0, false)) return undefined
    terms.push({ quantity: Math.round(quantity * MICROS), price: Math.round(price * MICROS) })
    return this.requests
  }

  /** An administrator fills or ends an order by hand. */
  update({ orderId, row }: KnownOrder, status: number, lastQty: number, lastPx: number): void {
    this.#request(row, [Kind.Update, orderId, status, lastQty, lastPx], 0, true)
  }

  #request(row: number, [kind, ...rest]: readonly unknown[], orderId: number, administrator: boolean): boolean {
    const body = pack([kind, this.requests + 1, 0, ...rest])
    const sender = administrator ? ADMINISTRATOR : row + 1
    const link = this.links[row % SHARDS]!
    const taken = link.request(7, row, sender, administrator, this.nowUs, orderId, undefined, body, 0, body.length)
    if (taken) this.requests += 1
    return taken
  }

  tell(command: Command, number = 0): void {
    for (const link of this.links) link.insist(command, 0, this.nowUs, number, new Uint8Array(0))
  }

  quote(ticker: number, bid: number, ask: number): void {
    this.market.take({
      type: MarketEventType.Quote,
      ticker: TICKERS[ticker]!,
      timestamp: this.nowUs,
      bid: Math.round(bid * MICROS),
      ask: Math.round(ask * MICROS),
      bidSize: 0,
      askSize: 0,
    })
    this.twinMarket.quotes.set(ticker, { bid: Math.round(bid * MICROS), ask: Math.round(ask * MICROS) })
  }

  /** Somebody else has traded, which may fill what rests there. */
  print(ticker: number, size: number, price: number): void {
    this.market.take({
      type: MarketEventType.Print,
      ticker: TICKERS[ticker]!,
      timestamp: this.nowUs,
      size: size * MICROS,
      condition: '@',
      marketCenter: 'TSE',
      price: Math.round(price * MICROS),
    })
  }

  turnShard(shard: number): boolean {
    return this.shards[shard]!.cycle.turn()
  }

  /** Main reads one record of a shard, and with messages to the judge what is behind them; false where there is none. */
  pump(shard: number): boolean {
    const ring = this.shards[shard]!.reports
    let any = false
    for (let isBetween = false; (isBetween || (!any && !this.holdsBack(shard))) && ring.next(); any = true) {
      isBetween = this.#record(shard, ring) === Notice.ToJudge
    }
    ring.release()
    return any
  }

  #record(shard: number, { bytes, view, offset, length }: RingConsumer): number {
    const type = view.getUint32(offset + NoticeAt.type, true)
    const row = view.getUint32(offset + NoticeAt.a, true)
    const body = bytes.subarray(offset + NOTICE_HEADER_BYTES, offset + length)
    if (type === Notice.ToJudge) this.#toJudge(body)
    else if (type === Notice.Verdict) {
      equal(shard, JUDGE_SHARD)
      const { epoch, question, reason } = unpackVerdict(new Uint8Array(body))
      this.verdicts.push(`${row} ${epoch} ${question} ${reason}`)
      this.#relay.verdict(row, body)
    } else if (type === Notice.Violated) {
      const violation = violationOfText(new TextDecoder().decode(new Uint8Array(body)))
      this.violations.push(violation)
      this.compliance.violated(violation)
    } else if (type === Notice.Events || type === Notice.Replies) this.#batch(type, bytes, view, offset)
    else if (type === Notice.Stopped) {
      this.stopped += 1
      this.#relay.stopped(shard)
    }
    return type
  }

  #batch(type: number, bytes: Uint8Array, view: DataView, offset: number): void {
    const count = view.getUint32(offset + 4, true)
    let at = offset + BATCH_HEADER_BYTES + 8 * count
    for (let i = 0; i < count; i++) {
      const length = view.getUint32(at)
      const body = bytes.slice(at + 4, at + 4 + length)
      if (type === Notice.Events) this.#event(decodeOrderEvent(body, 0, length))
      else {
        const [kind, requestId, , reason] = unpack(body) as Value[]
        this.answers.set(Number(requestId), kind === Kind.Done ? 0 : Number(reason))
      }
      at += 4 + length
    }
  }

  #event(event: OrderEvent): void {
    if (event.kind === Kind.InventorySnapshot) return
    const order = this.orders.get(event.orderId)!
    if (event.kind === Kind.OrderAccepted) order.isAccepted = true
    else {
      order.status = event.status
      order.reason = event.reason
      order.filledQty += event.lastQty
      if (event.status === OrderStatus.Replaced) {
        order.quantity = event.terms!.quantity
        order.price = event.terms!.price
        this.replaced += 1
      }
      order.isEnded = isTerminal(event.status)
      if (order.isEnded)
        ok(!this.twin.isCounted(order.account, order.orderId), 'a client hears of an end before the judge')
    }
    this.onEvent(order)
  }

  /** Whether main leaves the shard's ring as it is, since too much waits for the judge. */
  holdsBack(shard: number): boolean {
    return this.#relay.holdsBack(shard)
  }

  /** One thing of all that could move, by chance. */
  move(random: Random): void {
    const shard = random.whole(0, SHARDS - 1)
    switch (random.whole(0, 5)) {
      case 0:
        this.links[shard]!.flush()
        break
      case 1:
        this.shards[shard]!.diskIsDone = true
        break
      case 2:
      case 3:
        this.turnShard(shard)
        break
      default:
        this.pump(shard)
    }
  }

  /** Everything moves until nothing does any more. */
  settle(): void {
    for (let idle = 0; idle < 3; ) {
      let any = false
      for (const [shard, staged] of this.shards.entries()) {
        this.links[shard]!.flush()
        staged.diskIsDone = true
        while (staged.cycle.turn()) {
          any = true
          staged.diskIsDone = true
          this.pump(shard)
        }
        while (this.pump(shard)) any = true
      }
      idle = any ? 0 : idle + 1
    }
  }

  /** What the judge has said is what the twin says, and what it has objected to. */
  compare(): void {
    deepEqual(this.verdicts, this.twin.verdicts)
    const told = this.violations.filter(({ trippedRevision }) => trippedRevision === 0)
    const judged = told.filter(({ ruleId }) => ruleId < 100)
    deepEqual(
      judged.map(({ ruleId, orderId, reason }) => `${ruleId} ${orderId} ${reason}`),
      this.twin.violations,
    )
  }

  /** Nothing waits for the judge, and it knows of nothing that is not so. */
  checkSettled(): void {
    for (const { state } of this.shards) {
      equal(state.parked.accounts, 0)
      equal(state.pooled.messages.length, 0)
      let live = 0
      for (let slot = 0; slot < state.orders.slotsUsed; slot++) {
        if (state.orders.isLive(slot) && state.orders.pooled[slot] === 1) live += 1
      }
      equal(state.pooled.orders, live)
    }
    for (const order of this.orders.values()) {
      ok(order.isAccepted || this.answers.size > 0, `order ${order.orderId} was not answered`)
    }
  }
}
