// A seeded history of some accounts, as shards would have journaled it: orders of every kind, fills, cancels, refusals
// with texts and tags, snapshots, times that now and then go back. It comes as the bodies of events and as what they
// say, so that a test can write real journals and keep the plain list beside them.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { isTerminal, OrderStatus, tellsOfReplace } from '../../src/domain/order-status.ts'
import { JOURNAL_BLOCK_HEADER_BYTES, JOURNAL_ENTRY_HEADER_BYTES } from '../../src/journal/block.ts'
import { JournalWriter } from '../../src/journal/journal-writer.ts'
import { FRAME_HEADER_BYTES } from '../../src/protocol/frames.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { MessageWriter } from '../../src/protocol/message-writer.ts'
import { pack } from '../../src/protocol/msgpack.ts'
import {
  type AcceptedEvent,
  type BytesRange,
  decodeOrderEvent,
  EventOffset,
  encodeAccepted,
  encodeReport,
  encodeSnapshot,
  type OrderEvent,
  type ReplaceTerms,
  type ReportEvent,
  type SnapshotEntry,
} from '../../src/protocol/order-events.ts'

export const definitions = definitionsFromData(definitionsData)

/** One entry of a journal: its body, with request id 0, and what it says. */
export interface Entry {
  readonly body: Buffer
  readonly event: OrderEvent
}

export interface LiveOrder {
  readonly accepted: AcceptedEvent
  readonly reports: ReportEvent[]
  cumQty: number
}

/** Numbers from a seed, the same everywhere. */
export class Random {
  #state: number
  constructor(seed: number) {
    this.#state = seed >>> 0
  }
  /** A whole number from 0 to `below` − 1. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
  chance(percent: number): boolean {
    return this.below(100) < percent
  }
  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }
}

const TICKERS = ['ABX.TSX', 'RY.TSX', 'BHP.ASX', 'A.B.TSXV', 'NOVENUE', 'X.NOWHERE', '', '.TSX', 'Ü😀.TSX']
const START_US = 1_700_000_000_000_000

export interface HistoryOptions {
  readonly accounts: readonly number[]
  readonly events: number
  readonly snapshots?: boolean
  readonly firstOrderId?: number
}

/** A history in the order in which one shard journaled it. */
export function generateHistory(random: Random, options: HistoryOptions): Entry[] {
  const writer = new MessageWriter(1 << 12, 1 << 20)
  const entries: Entry[] = []
  const books = new Map(
    options.accounts.map(account => [
      account,
      {
        account,
        orderSequence: 0,
        reportSequence: 0,
        live: [] as LiveOrder[],
        snapshot: new Map<string, SnapshotEntry>(),
      },
    ]),
  )
  let nextOrderId = options.firstOrderId ?? 1000
  let now = START_US
  const take = (encode: () => void): OrderEvent => {
    writer.position = 0
    encode()
    const body = Buffer.from(writer.bytes.subarray(FRAME_HEADER_BYTES, writer.position))
    const event = decodeOrderEvent(body, 0, body.length)
    entries.push({ body, event })
    return event
  }
  const time = () => {
    now += random.below(4)
    return random.chance(15) ? now - random.below(12) : now
  }
  while (entries.length < options.events) {
    const book = books.get(random.of(options.accounts))!
    const { account, live } = book
    if (options.snapshots && random.chance(4) && book.reportSequence > 0) {
      take(() =>
        encodeSnapshot(writer, {
          account,
          reportSequence: book.reportSequence,
          orderSequence: book.orderSequence,
          timestamp: now,
          currency: 124,
          entries: [...book.snapshot.values()],
          liveOrderIds: live.map(order => order.accepted.orderId),
        }),
      )
    } else if (live.length === 0 || random.chance(35)) {
      nextOrderId += 1 + random.below(3)
      book.orderSequence += 1
      book.reportSequence += 1
      const clOrdId = random.chance(60) ? Buffer.from(`c-${nextOrderId}${random.chance(10) ? 'é' : ''}`) : NOTHING.bytes
      const accepted = take(() =>
        encodeAccepted(writer, {
          requestId: 0,
          account,
          reportSequence: book.reportSequence,
          orderId: nextOrderId,
          orderSequence: book.orderSequence,
          timestamp: time(),
          submissionAccount: random.chance(20) ? 1 : account,
          ticker: random.of(TICKERS),
          currency: random.of([124, 840, 65535]),
          type: random.of([0, 1, 2, 3]),
          side: random.of([0, 1]),
          destination: random.of(['TSX', 'MOE', '']),
          quantity: random.of([100_000_000, 500_000, 1_234_567, 4_000_000_000_000_000]),
          price: random.of([0, 25_370_000, 1, 100_000]),
          timeInForce: random.of([0, 1, 4, 7]),
          expiry: random.of([0, START_US + 5]),
          clOrdId: { bytes: clOrdId, start: 0, end: clOrdId.length },
          tags: tags(random),
          shortFlag: random.chance(30),
          holdPrice: random.of([0, 25_370_000, -1]),
        }),
      )
      live.push({ accepted: accepted as AcceptedEvent, reports: [], cumQty: 0 })
    } else {
      const order = random.of(live)
      const { orderId, quantity, ticker, currency } = order.accepted
      const status = random.of([
        OrderStatus.New,
        OrderStatus.PartiallyFilled,
        OrderStatus.Filled,
        OrderStatus.PendingCancel,
        OrderStatus.CancelReject,
        OrderStatus.Canceled,
        OrderStatus.Rejected,
        OrderStatus.PendingReplace,
        OrderStatus.PendingReplace,
        OrderStatus.Replaced,
        OrderStatus.ReplaceReject,
      ])
      const isFill = status === OrderStatus.PartiallyFilled || status === OrderStatus.Filled
      const lastQty = isFill ? Math.min(quantity - order.cumQty, 1 + random.below(400_000)) : 0
      order.cumQty += lastQty
      book.reportSequence += 1
      const isOdd = random.chance(15)
      const report = take(() =>
        encodeReport(writer, {
          account,
          reportSequence: book.reportSequence,
          orderId,
          sequence: order.reports.length + 1,
          timestamp: time(),
          status,
          lastQty,
          lastPx: isFill ? random.of([25_370_000, 1]) : 0,
          cumQty: order.cumQty,
          leavesQty: isTerminal(status) ? 0 : quantity - order.cumQty,
          liquidityFlag: isFill || isOdd ? random.of(['A', 'R', '']) : '',
          lastMarket: isFill ? random.of(['TSX', '']) : '',
          executionFee: isFill || isOdd ? random.of([0, 150, -30]) : 0,
          processingFee: isFill ? random.of([0, 10]) : 0,
          commission: isFill ? random.of([0, 5_000_000]) : 0,
          reason: status === OrderStatus.Rejected || (isOdd && random.chance(40)) ? 303 : 0,
          params: status === OrderStatus.Rejected ? random.of([[], [1.5, 'größer', 7, -40], [2 ** 40]]) : [],
          text: status === OrderStatus.Rejected || isOdd ? random.of(['', 'no', 'x'.repeat(300)]) : '',
          tags: isOdd ? tags(random) : NOTHING,
          operator: isOdd && random.chance(50) ? 1 : 0,
          terms: tellsOfReplace(status) ? terms(random, book.reportSequence) : undefined,
        }),
      ) as ReportEvent
      order.reports.push(report)
      if (isTerminal(status)) live.splice(live.indexOf(order), 1)
      if (lastQty > 0 && ticker !== '') fold(book.snapshot, ticker, currency, lastQty)
    }
  }
  return entries
}

const NOTHING: BytesRange = { bytes: new Uint8Array(0), start: 0, end: 0 }

function terms(random: Random, sequence: number): ReplaceTerms {
  const bytes = random.chance(60) ? Buffer.from(`r-${sequence}${random.chance(10) ? 'é' : ''}`) : NOTHING.bytes
  return {
    clOrdId: { bytes, start: 0, end: bytes.length },
    quantity: random.of([100_000_000, 500_000, 1_234_567, 4_000_000_000_000_000]),
    price: random.of([0, 25_370_000, 1, 100_000]),
    shortFlag: random.chance(30),
    holdPrice: random.of([0, 25_370_000, -1]),
  }
}

function tags(random: Random): BytesRange {
  if (random.chance(80)) return NOTHING
  const bytes = pack([
    [100, 5, 'TSX'],
    [111, 2, random.below(1000)],
  ])
  return { bytes, start: 0, end: bytes.length }
}

/** Any numbers that change with each fill: what they mean is the bookkeeper's business. */
function fold(snapshot: Map<string, SnapshotEntry>, ticker: string, currency: number, quantity: number): void {
  const key = `${ticker} ${currency}`
  const before = snapshot.get(key)
  snapshot.set(key, {
    ticker,
    currency,
    quantity: (before?.quantity ?? 0) + quantity,
    costBasis: 3,
    gross: -4,
    fees: 5,
    volume: (before?.volume ?? 0) + quantity,
    transactions: (before?.transactions ?? 0) + 1,
    expenditure: 6,
  })
}

/** Appends entries to a journal in blocks of random size. */
export function appendEntries(journal: JournalWriter, entries: readonly Entry[], random: Random): void {
  for (let at = 0; at < entries.length; ) {
    const group = entries.slice(at, at + 1 + random.below(20))
    at += group.length
    const parts: Uint8Array[] = [Buffer.alloc(JOURNAL_BLOCK_HEADER_BYTES)]
    for (const { body, event } of group) {
      const header = Buffer.alloc(JOURNAL_ENTRY_HEADER_BYTES)
      header.writeUInt32BE(body.length)
      const journaled = Buffer.from(body)
      // The journal has the id of the request that an acceptance answers.
      if (event.kind === Kind.OrderAccepted) journaled.writeUInt32BE(random.below(100), EventOffset.requestId)
      parts.push(header, journaled)
    }
    const block = Buffer.concat(parts)
    journal.append(block, block.length, group.length)
  }
}

/** A journal in a new folder that holds the entries. */
export function writeJournal(directory: string, entries: readonly Entry[], random: Random): void {
  const journal = JournalWriter.open({ directory, durability: 'none', segmentBytes: 16_384 })
  appendEntries(journal, entries, random)
  journal.close()
}

/** A folder that is removed after the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-stores-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}
