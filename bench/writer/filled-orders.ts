// A journal of marketable orders as a shard writes it under the load of the other scenarios: each order is accepted, new,
// and filled, and some hundred of them are on their way at once. And the rows that such a journal leads to, as plain lists:
// what whoever writes them without a journal would have to give the driver.

import type { Definitions } from '../../src/domain/definitions.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Side } from '../../src/domain/side.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { JOURNAL_BLOCK_HEADER_BYTES, JOURNAL_ENTRY_HEADER_BYTES } from '../../src/journal/block.ts'
import { JournalReader } from '../../src/journal/journal-reader.ts'
import { JournalWriter } from '../../src/journal/journal-writer.ts'
import { FRAME_HEADER_BYTES } from '../../src/protocol/frames.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { MessageWriter } from '../../src/protocol/message-writer.ts'
import { type BytesRange, encodeAccepted, encodeReport } from '../../src/protocol/order-events.ts'
import { EventColumns } from '../../src/stores/event-columns.ts'
import {
  type Column,
  ColumnKind,
  type ColumnValue,
  putAccepted,
  putReport,
  type RowShape,
  type RowTarget,
  rowShapes,
} from '../../src/stores/row-shapes.ts'

/** Orders on their way at once: so far apart are the events of one order. */
const IN_FLIGHT = 256
const ENTRIES_PER_ORDER = 3
/** A submission, and one row for each of its three reports. */
export const ROWS_PER_ORDER = 4
const ACCOUNTS = 16
const TICKERS = ['ABX.TSX', 'RY.TSX', 'TD.TSX', 'BNS.TSX', 'SU.TSX', 'CNQ.TSX', 'ENB.TSX', 'CNR.TSX']
const START_US = 1_700_000_000_000_000
const NOTHING: BytesRange = { bytes: new Uint8Array(0), start: 0, end: 0 }

/** Writes a journal of so many orders. @returns the entries */
export function writeFilledOrders(directory: string, orders: number, firstOrderId = 1): number {
  const journal = JournalWriter.open({ directory, durability: 'none', segmentBytes: 64 << 20 })
  const writer = new MessageWriter(1 << 12, 1 << 20)
  const block = Buffer.alloc(1 << 18)
  const reportSequences = new Map<number, number>()
  let at = JOURNAL_BLOCK_HEADER_BYTES
  let count = 0
  let entries = 0
  const flush = () => {
    if (count > 0) journal.append(block, at, count)
    at = JOURNAL_BLOCK_HEADER_BYTES
    count = 0
  }
  const append = (encode: () => void) => {
    writer.position = 0
    encode()
    const length = writer.position - FRAME_HEADER_BYTES
    if (at + JOURNAL_ENTRY_HEADER_BYTES + length > block.length) flush()
    block.writeUInt32BE(length, at)
    block.set(writer.bytes.subarray(FRAME_HEADER_BYTES, writer.position), at + JOURNAL_ENTRY_HEADER_BYTES)
    at += JOURNAL_ENTRY_HEADER_BYTES + length
    count += 1
    entries += 1
  }
  const next = (account: number) => {
    const sequence = (reportSequences.get(account) ?? 0) + 1
    reportSequences.set(account, sequence)
    return sequence
  }
  const order = (index: number) => ({
    account: 1_000 + (index % ACCOUNTS),
    orderId: firstOrderId + index,
    quantity: 100_000_000,
    price: 25_370_000 + 10_000 * (index % 50),
    timestamp: START_US + 5 * index,
  })
  const accept = (index: number) => {
    const { account, orderId, quantity, price, timestamp } = order(index)
    const clOrdId = Buffer.from(`k3f9a.1.${index.toString(36)}`)
    append(() =>
      encodeAccepted(writer, {
        requestId: 0,
        account,
        reportSequence: next(account),
        orderId,
        orderSequence: Math.floor(index / ACCOUNTS) + 1,
        timestamp,
        submissionAccount: 77,
        ticker: TICKERS[index % TICKERS.length]!,
        currency: 124,
        type: OrderType.Limit,
        side: index % 2 === 0 ? Side.Bid : Side.Ask,
        destination: 'TSX',
        quantity,
        price,
        timeInForce: TimeInForce.Day,
        expiry: 0,
        clOrdId: { bytes: clOrdId, start: 0, end: clOrdId.length },
        tags: NOTHING,
        shortFlag: false,
        holdPrice: price,
      }),
    )
  }
  const report = (index: number, isFill: boolean) => {
    const { account, orderId, quantity, price, timestamp } = order(index)
    append(() =>
      encodeReport(writer, {
        account,
        reportSequence: next(account),
        orderId,
        sequence: isFill ? 2 : 1,
        timestamp: timestamp + (isFill ? 900 : 400),
        status: isFill ? OrderStatus.Filled : OrderStatus.New,
        lastQty: isFill ? quantity : 0,
        lastPx: isFill ? price : 0,
        cumQty: isFill ? quantity : 0,
        leavesQty: isFill ? 0 : quantity,
        liquidityFlag: isFill ? 'R' : '',
        lastMarket: isFill ? 'XTSE' : '',
        executionFee: isFill ? 350_000 : 0,
        processingFee: isFill ? 1_000 : 0,
        commission: 0,
        reason: 0,
        params: [],
        text: '',
        tags: NOTHING,
        operator: 0,
      }),
    )
  }
  for (let index = 0; index < orders + 2 * IN_FLIGHT; index++) {
    if (index < orders) accept(index)
    if (index >= IN_FLIGHT && index - IN_FLIGHT < orders) report(index - IN_FLIGHT, false)
    if (index >= 2 * IN_FLIGHT) report(index - 2 * IN_FLIGHT, true)
  }
  flush()
  journal.close()
  if (entries !== ENTRIES_PER_ORDER * orders) throw new Error(`${entries} entries of ${orders} orders`)
  return entries
}

/** Rows of one shape, each a list of parameters. */
export interface PlainRows {
  readonly shape: RowShape
  readonly rows: SqlParameter[][]
}
type SqlParameter = string | number | Buffer | null

/** The rows that the journal leads to, in groups of those of so many entries. */
export function plainRowsOf(directory: string, definitions: Definitions, entriesPerGroup: number): PlainRows[][] {
  const groups: PlainRows[][] = []
  const event = new EventColumns(definitions)
  const reader = JournalReader.open(directory, 1)
  let targets = newTargets()
  let count = 0
  reader.read((_sequence, bytes, offset, length) => {
    event.read(bytes, offset, offset + length)
    if (event.kind === Kind.OrderAccepted) putAccepted(event, targets.submissions, targets)
    else putReport(event, targets)
    count += 1
    if (count % entriesPerGroup > 0) return
    groups.push(Object.values(targets))
    targets = newTargets()
  })
  reader.close()
  if (count % entriesPerGroup > 0) groups.push(Object.values(targets))
  return groups
}

function newTargets() {
  return {
    submissions: new Collected(rowShapes.submission),
    plainReports: new Collected(rowShapes.plainReport),
    fills: new Collected(rowShapes.fill),
    fullReports: new Collected(rowShapes.fullReport),
    replaceReports: new Collected(rowShapes.replaceReport),
    replaceClOrdIds: new Collected(rowShapes.replaceClOrdId),
  }
}

class Collected implements RowTarget, PlainRows {
  readonly shape: RowShape
  readonly rows: SqlParameter[][] = []
  readonly values: ColumnValue[] = []
  readonly next = 0

  constructor(shape: RowShape) {
    this.shape = shape
  }

  added(): void {
    this.rows.push(this.shape.columns.map((column, index) => parameter(column, this.values[index]!)))
  }
}

function parameter({ kind }: Column, value: ColumnValue): SqlParameter {
  if (typeof value === 'number') {
    if (kind === ColumnKind.Amount) return String(value / 1e6)
    if (kind === ColumnKind.Time) {
      const text = new Date(Math.floor(value / 1e6) * 1e3).toISOString().slice(0, 19).replace('T', ' ')
      return `${text}.${String(value % 1e6).padStart(6, '0')}`
    }
  }
  return value instanceof Uint8Array ? Buffer.from(value) : value
}
