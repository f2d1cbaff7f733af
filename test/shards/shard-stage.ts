// One shard on a stage: its rings and tables are real, its journal is a list, and what it says comes back as lines that a
// test can compare whole:
//
//   #1 order 1 accepted: BUY 100 ABX.TSX @1              report sequence, order id, and what was accepted
//   #2 1.1 NEW 0/100                                      report sequence, order id, its report, done and left
//   #3 1.2 FILLED 100@0.99 100/0                          with the execution
//   #4 order 2 accepted … / #5 2.1 REJECTED NO_BBO 0/0    with the reason
//   #6 3.2 PENDING_REPLACE [200@0.98 b short] 0/100       with the terms, the id and the short flag of a replace

import type { CheckName } from '../../src/checks/chain.ts'
import { packVerdict, ToJudge, unpackToJudge } from '../../src/compliance/pooled-messages.ts'
import { formatDecimal } from '../../src/domain/decimal.ts'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { MICROS } from '../../src/domain/money.ts'
import { orderStatusNames } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Reason, reasonName } from '../../src/domain/reasons.ts'
import { Side } from '../../src/domain/side.ts'
import { Market } from '../../src/main/market.ts'
import { ShardLink } from '../../src/main/shard-link.ts'
import { LANE_BYTES } from '../../src/metrics/catalogue.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { pack, unpack, type Value } from '../../src/protocol/msgpack.ts'
import {
  type AcceptedEvent,
  decodeOrderEvent,
  type OrderEvent,
  type ReportEvent,
} from '../../src/protocol/order-events.ts'
import { MarketEventType } from '../../src/services/market-data/market-event.ts'
import type { AccountBook } from '../../src/shards/account-book.ts'
import type { DutyCycle } from '../../src/shards/duty-cycle.ts'
import { assembleShard, type ShardParts } from '../../src/shards/shard.ts'
import type { ShardLimits, ShardState } from '../../src/shards/shard-state.ts'
import {
  type AccountStanding,
  AccountTable,
  type AccountTerms,
  newAccountStanding,
} from '../../src/shared-memory/account-table.ts'
import { Doorbell } from '../../src/shared-memory/doorbell.ts'
import { HaltTable } from '../../src/shared-memory/halt-table.ts'
import { Lane } from '../../src/shared-memory/lanes.ts'
import { createSharedMemory, MAIN_THREAD, shardThread } from '../../src/shared-memory/memory-map.ts'
import { newPosition, type Position, PositionTable } from '../../src/shared-memory/position-table.ts'
import { QuoteTable } from '../../src/shared-memory/quote-table.ts'
import { RateTable } from '../../src/shared-memory/rate-table.ts'
import {
  BATCH_HEADER_BYTES,
  Command,
  LookupPurpose,
  NOTICE_HEADER_BYTES,
  Notice,
  NoticeAt,
} from '../../src/shared-memory/records.ts'
import { RingConsumer, RingProducer } from '../../src/shared-memory/ring.ts'
import { type SubmitFields, submitElements } from '../simulation/stage.ts'

export const CAD = 124
export const USD = 840
export const AUD = 36

/** 9:30 in Toronto, of a day without a change of clocks near. */
export const START_US = Date.UTC(2025, 7, 14, 13, 30) * 1000

export interface StageOptions {
  readonly checks?: readonly CheckName[]
  readonly limits?: Partial<ShardLimits>
  readonly snapshotReports?: number
  /** Terms of the accounts in rows 0, 1, …; their ids are 1, 2, … */
  readonly accounts?: readonly Partial<AccountTerms>[]
  readonly reportRingBytes?: number
  readonly commandsPerTurnMax?: number
  readonly destinations?: ShardParts['destinations']
  /** Blocks are handed over, and on the disk when `diskIsDone` is set. */
  readonly hasSlowDisk?: boolean
}

export interface RequestOptions {
  readonly row?: number
  readonly session?: number
  readonly sessionAccount?: number
  readonly administrator?: boolean
}

export const definitions = definitionsFromData(definitionsData)
const ACCOUNTS_MAX = 64
const TERMS: AccountTerms = {
  accountId: 0,
  currency: CAD,
  buyingPowerLimit: 1_000_000e6,
  riskState: 0,
  riskStateExpiry: 0,
}

/** Commands of one account that may wait for something from outside. */
export const PARKED_COMMANDS_MAX = 100

export class ShardStage {
  readonly cycle: DutyCycle
  readonly state: ShardState
  readonly accounts: AccountTable
  readonly positions: PositionTable
  readonly market: Market
  readonly rates: RateTable
  readonly halts: HaltTable
  readonly link: ShardLink
  /** Bodies of what was journaled, in order. */
  readonly journal: OrderEvent[] = []
  /** µs since the epoch. */
  nowUs = START_US
  nextOrderId = 1
  /** Answers that are not events. */
  replies: Value[][] = []
  /** Lookups that main was asked for: [session, request id, account row, order id, purpose]. */
  lookups: number[][] = []
  /** Sessions and account rows of the published events, in order. */
  routing: [session: number, accountRow: number][] = []
  published: OrderEvent[] = []
  notices: string[] = []
  /** Texts of the violations that main was told. */
  texts: string[] = []
  /** Order and report sequences that markers were answered with. */
  cuts: [orderSequence: number, reportSequence: number][] = []
  /** Tickers whose market main was asked for. */
  asked: string[] = []
  /** What the judge of pooled rules was told, by name, with the number of the question or the order it is about. */
  toJudge: string[] = []
  diskIsDone = false
  #requestId = 0
  readonly #reports: RingConsumer

  constructor(options: StageOptions = {}) {
    const memory = createSharedMemory({
      shards: 1,
      commandRingBytes: 1 << 20,
      reportRingBytes: options.reportRingBytes ?? 1 << 22,
      accountsMax: ACCOUNTS_MAX,
      positionsPerShardMax: 256,
      tickersMax: 64,
      ratesMax: 16,
      destinationsMax: 16,
      lanes: 3,
      laneBytes: 64,
    })
    this.accounts = new AccountTable(memory.accounts, ACCOUNTS_MAX)
    this.positions = new PositionTable(memory.positions[0]!, 256)
    const quotes = new QuoteTable(memory.quotes, 64)
    this.rates = new RateTable(memory.rates, 16)
    this.halts = new HaltTable(memory.halts, 16)
    for (const [row, terms] of (options.accounts ?? [{}]).entries()) {
      this.accounts.add({ ...TERMS, ...terms, accountId: row + 1 })
    }
    this.link = new ShardLink(new RingProducer(memory.commandRings[0]!), new Doorbell(memory.doorbells, shardThread(0)))
    this.market = new Market(quotes, [this.link], () => this.nowUs)
    this.#reports = new RingConsumer(memory.reportRings[0]!)
    const stage = this
    const journal: ShardParts['journal'] = {
      append: (block, end, entries) => this.#journalBlock(block, end, entries),
      begin: (block, end, entries) => {
        if (options.hasSlowDisk !== true) return false
        this.diskIsDone = false
        this.#journalBlock(block, end, entries)
        return true
      },
      get isDone() {
        return stage.diskIsDone
      },
      finish: () => 1,
    }
    const assembled = assembleShard({
      lane: new Lane(new SharedArrayBuffer(LANE_BYTES), 0, LANE_BYTES),
      definitions,
      limits: {
        liveOrdersMax: 500,
        clOrdIdsMax: 600,
        listingsMax: 64,
        positionsMax: 256,
        firstUseUs: 0,
        parkedCommandsMax: PARKED_COMMANDS_MAX,
        parkedBytesMax: 1 << 16,
        ...options.limits,
      },
      checks: options.checks ?? [],
      snapshotReports: options.snapshotReports ?? 1_000_000,
      commandsPerTurnMax: options.commandsPerTurnMax ?? 1000,
      sweepPauseMs: 0,
      accounts: this.accounts,
      positions: this.positions,
      quotes,
      rates: this.rates,
      halts: this.halts,
      commands: new RingConsumer(memory.commandRings[0]!),
      reports: new RingProducer(memory.reportRings[0]!),
      doorbell: new Doorbell(memory.doorbells, shardThread(0)),
      mainDoorbell: new Doorbell(memory.doorbells, MAIN_THREAD),
      journal,
      ...(options.destinations !== undefined && { destinations: options.destinations }),
      blockRules: options.hasSlowDisk === true ? { commandsShared: 3, commandsHandedOverMin: 1 } : undefined,
    })
    this.cycle = assembled.cycle
    this.state = assembled.state
  }

  #journalBlock(block: Uint8Array, end: number, entries: number): void {
    const view = new DataView(block.buffer, block.byteOffset)
    let at = 32
    for (let i = 0; i < entries; i++) {
      const length = view.getUint32(at)
      this.journal.push(decodeOrderEvent(block, at + 4, length))
      at += 4 + length
    }
    if (at !== end) throw new Error('the entries do not fill the block')
  }

  /** Sends a submission and takes a turn. @returns its order id */
  submit(fields: SubmitFields = {}, options: RequestOptions = {}): number {
    const orderId = this.nextOrderId++
    this.request([Kind.Submit, ...submitElements(fields)], options, orderId)
    return orderId
  }

  /** New terms in units: quantity, price, then the ids of the request and of the order as it was. */
  replace(orderId: number, elements: readonly unknown[], options: RequestOptions = {}): void {
    this.request([Kind.Replace, orderId, ...elements], options)
  }

  cancel(orderId: number, options: RequestOptions = {}): void {
    this.request([Kind.Cancel, orderId], options)
  }

  /** An administrator's report: status, last quantity, last price, text …, as they are in an Update. */
  update(orderId: number, elements: readonly unknown[], options: RequestOptions = {}): void {
    this.request([Kind.Update, orderId, ...elements], { administrator: true, sessionAccount: 99, ...options })
  }

  /** Sends a request, of which `message` leaves out request id and account, and takes a turn. @returns the request id */
  request(message: readonly unknown[], options: RequestOptions = {}, orderId = 0): number {
    this.post(message, options, orderId)
    this.turn()
    return this.#requestId
  }

  /** As `request`, without the turn. */
  post(message: readonly unknown[], options: RequestOptions = {}, orderId = 0): void {
    const { row = 0, session = 7, administrator = false } = options
    const [kind, ...rest] = message
    this.#requestId += 1
    this.postBytes(
      pack([kind, this.#requestId, 0, ...rest]),
      {
        row,
        session,
        administrator,
        sessionAccount: options.sessionAccount ?? row + 1,
      },
      orderId,
    )
  }

  postBytes(body: Uint8Array, options: Required<RequestOptions>, orderId = 0): void {
    const { row, session, sessionAccount, administrator } = options
    const taken = this.link.request(
      session,
      row,
      sessionAccount,
      administrator,
      this.nowUs,
      orderId,
      undefined,
      body,
      0,
      body.length,
    )
    if (!taken) throw new Error('the command ring is full')
  }

  /** Best bid and offer in units; 0 is an empty side. */
  quote(ticker: string, bid: number, ask: number): void {
    this.market.take({
      type: MarketEventType.Quote,
      ticker,
      timestamp: this.nowUs,
      bid: Math.round(bid * MICROS),
      ask: Math.round(ask * MICROS),
      bidSize: 0,
      askSize: 0,
    })
    this.turn()
  }

  close(ticker: string, price: number, timestamp: number): void {
    this.market.take({ type: MarketEventType.PreviousClose, ticker, timestamp, price: price * MICROS })
  }

  /** Time passes; orders may expire. */
  wait(seconds: number): void {
    this.nowUs += seconds * 1_000_000
    this.link.post(Command.Time, 0, this.nowUs, 0, new Uint8Array(0))
    this.turn()
  }

  /** Main has said how the market of a ticker stands, or that there is no room for it. */
  watched(ticker: string, hasRoom = true): void {
    this.link.post(Command.Watched, 0, this.nowUs, hasRoom ? 0 : 1, new TextEncoder().encode(ticker))
    this.turn()
  }

  /** Pooled rules are over the account from now on, or (epoch 0) none any more. */
  pool(epoch: number, row = 0): void {
    this.link.post(Command.Pool, row, this.nowUs, epoch, Uint8Array.of(1))
    this.turn()
  }

  /** The judge has answered a question of epoch 1; without a reason it says yes. */
  judged(question: number, reason: Reason = Reason.None, row = 0): void {
    this.link.post(Command.Verdict, row, this.nowUs, 0, packVerdict({ epoch: 1, question, reason, params: [] }))
    this.turn()
  }

  stop(): void {
    this.link.post(Command.Stop, 0, this.nowUs, 0, new Uint8Array(0))
    this.turn()
  }

  /** Changes what administration says about an account. */
  terms(row: number, change: Partial<AccountTerms>): void {
    const terms = { ...TERMS }
    this.accounts.readTerms(row, terms)
    this.accounts.writeTerms(row, { ...terms, ...change })
  }

  turn(): void {
    this.link.flush()
    while (this.cycle.turn());
    this.read()
  }

  /** Reads what the shard has published. */
  read(): void {
    const ring = this.#reports
    while (ring.next()) {
      const { bytes, view, offset } = ring
      const type = view.getUint32(offset + NoticeAt.type, true)
      if (type === Notice.Events || type === Notice.Replies) {
        const count = view.getUint32(offset + 4, true)
        let at = offset + BATCH_HEADER_BYTES + 8 * count
        for (let i = 0; i < count; i++) {
          const length = view.getUint32(at)
          const body = bytes.slice(at + 4, at + 4 + length)
          if (type === Notice.Events) {
            const route = offset + BATCH_HEADER_BYTES + 8 * i
            this.routing.push([view.getUint32(route, true), view.getUint32(route + 4, true)])
            this.published.push(decodeOrderEvent(body, 0, length))
          } else this.replies.push(unpack(body) as Value[])
          at += 4 + length
        }
      } else if (type === Notice.Lookup) {
        this.lookups.push([
          view.getUint32(offset + NoticeAt.session, true),
          view.getUint32(offset + NoticeAt.a, true),
          view.getUint32(offset + NoticeAt.b, true),
          view.getFloat64(offset + NoticeAt.c, true),
          view.getFloat64(offset + NoticeAt.d, true),
        ])
      } else {
        if (type === Notice.Marker) {
          this.cuts.push([view.getFloat64(offset + NoticeAt.c, true), view.getFloat64(offset + NoticeAt.d, true)])
        }
        if (type === Notice.Violated) {
          const { length } = ring
          this.texts.push(new TextDecoder().decode(bytes.slice(offset + NOTICE_HEADER_BYTES, offset + length)))
        }
        if (type === Notice.FirstUse) {
          const { length } = ring
          this.asked.push(new TextDecoder().decode(bytes.slice(offset + NOTICE_HEADER_BYTES, offset + length)))
        }
        if (type === Notice.ToJudge) {
          const { length } = ring
          const message = unpackToJudge(bytes.slice(offset + NOTICE_HEADER_BYTES, offset + length))
          const name = Object.entries(ToJudge).find(([, value]) => value === message[0])![0]
          const isQuestion = message[0] === ToJudge.Submission || message[0] === ToJudge.Cancel
          this.toJudge.push(isQuestion ? `${name} ${message[4]}` : name)
        }
        this.notices.push(Object.entries(Notice).find(([, value]) => value === type)![0])
      }
    }
    ring.release()
  }

  /** The lines of the events since the last call. */
  take(): string[] {
    const events = this.published
    this.published = []
    return events.map(line)
  }

  /** The answers since the last call that are not events, in one word each: DONE or the name of the reason. */
  answers(): string[] {
    const replies = this.replies
    const lookups = this.lookups
    this.replies = []
    this.lookups = []
    return [
      ...replies.map(reply => (reply[0] === Kind.Done ? 'DONE' : reasonName(Number(reply[3])))),
      ...lookups.map(([, , , orderId, purpose]) =>
        purpose === LookupPurpose.Refuse ? `refuse by the record of ${orderId}` : `first outcome of ${orderId}`,
      ),
    ]
  }

  book(row = 0): AccountBook {
    const book = this.state.books[row]
    if (book === undefined) throw new Error(`the account in row ${row} has no book`)
    return book
  }

  standing(row = 0): AccountStanding {
    const standing = newAccountStanding()
    this.accounts.readStanding(row, standing)
    return standing
  }

  /** The account's rows of the position table, by ticker. */
  shown(row = 0): Map<string, Position> {
    const found = new Map<string, Position>()
    for (let at = this.standing(row).firstPositionRow; at >= 0; ) {
      const position = newPosition()
      this.positions.read(at, position)
      found.set(this.state.listings.all[position.tickerIndex]!.text, position)
      at = position.nextRow
    }
    return found
  }
}

/** One event as a line. */
export function line(event: OrderEvent): string {
  switch (event.kind) {
    case Kind.OrderAccepted:
      return acceptedLine(event)
    case Kind.ExecutionReport:
      return reportLine(event)
    default:
      return `snapshot at #${event.reportSequence}`
  }
}

function acceptedLine(event: AcceptedEvent): string {
  const { reportSequence, orderId, side, quantity, ticker, price, type, shortFlag } = event
  const verb = side === Side.Bid ? 'BUY' : side === Side.Ask ? (shortFlag ? 'SHORT' : 'SELL') : `SIDE ${side}`
  const at = type === OrderType.Market ? '' : ` @${formatDecimal(price)}`
  return `#${reportSequence} order ${orderId} accepted: ${verb} ${formatDecimal(quantity)} ${ticker}${at}`
}

function reportLine(event: ReportEvent): string {
  const { reportSequence, orderId, sequence, status, lastQty, lastPx, cumQty, leavesQty, reason } = event
  const execution = lastQty === 0 ? '' : ` ${formatDecimal(lastQty)}@${formatDecimal(lastPx)}`
  const why = reason === 0 ? '' : ` ${reasonName(reason)}`
  const done = `${formatDecimal(cumQty)}/${formatDecimal(leavesQty)}`
  const { terms } = event
  const told = terms && [`${formatDecimal(terms.quantity)}@${formatDecimal(terms.price)}`, terms.clOrdId]
  const replaced =
    told === undefined ? '' : ` [${[...told, terms?.shortFlag ? 'short' : ''].filter(Boolean).join(' ')}]`
  return `#${reportSequence} ${orderId}.${sequence} ${orderStatusNames[status]}${replaced}${execution}${why} ${done}`
}
