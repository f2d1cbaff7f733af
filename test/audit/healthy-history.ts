// A seeded history of some accounts that holds what a server promises: each order begins with PENDING_NEW, sums fit,
// nothing follows an end, numbers have no gaps. And the stores that it is put into, embedded and of a real server.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { openDatabase } from '../../src/base/sqlite.ts'
import { isTerminal, OrderStatus, tellsOfReplace } from '../../src/domain/order-status.ts'
import { FRAME_HEADER_BYTES } from '../../src/protocol/frames.ts'
import { MessageWriter } from '../../src/protocol/message-writer.ts'
import {
  type BytesRange,
  decodeOrderEvent,
  encodeAccepted,
  encodeReport,
  encodeSnapshot,
} from '../../src/protocol/order-events.ts'
import { openStore } from '../../src/stores/open-store.ts'
import type { StoreEndpoint } from '../../src/stores/store-endpoint.ts'
import { definitions, type Entry, type Random } from '../stores/generated-history.ts'
import { type MariaDb, newSchema } from '../stores/mysql/mariadb-server.ts'
import { batchOf } from '../stores/store-folder.ts'

const START_US = Date.UTC(2026, 0, 30, 14, 30) * 1000
/** Between two events, so that a history spans some days. */
const STEP_US = 40 * 60 * 1_000_000
const NOTHING: BytesRange = { bytes: new Uint8Array(0), start: 0, end: 0 }

interface LiveOrder {
  readonly orderId: number
  quantity: number
  filled: number
  reports: number
}

interface Book {
  orderSequence: number
  reportSequence: number
  readonly live: LiveOrder[]
}

function rangeOf(text: string): BytesRange {
  const bytes = Buffer.from(text)
  return { bytes, start: 0, end: bytes.length }
}

export interface HealthyOptions {
  readonly accounts: readonly number[]
  readonly events: number
  readonly firstOrderId?: number
}

/** In the order in which one shard journaled it. */
export function healthyHistory(random: Random, { accounts, events, firstOrderId = 1 }: HealthyOptions): Entry[] {
  const writer = new MessageWriter(1 << 12, 1 << 20)
  const books = new Map(
    accounts.map((account): [number, Book] => [account, { orderSequence: 0, reportSequence: 0, live: [] }]),
  )
  const entries: Entry[] = []
  const take = (encode: () => void) => {
    writer.position = 0
    encode()
    const body = Buffer.from(writer.bytes.subarray(FRAME_HEADER_BYTES, writer.position))
    entries.push({ body, event: decodeOrderEvent(body, 0, body.length) })
  }
  let orderId = firstOrderId
  for (let now = START_US; entries.length < events; now += random.below(STEP_US)) {
    const account = random.of(accounts)
    const book = books.get(account)!
    if (book.reportSequence > 0 && random.chance(5)) {
      take(() =>
        encodeSnapshot(writer, {
          account,
          reportSequence: book.reportSequence,
          orderSequence: book.orderSequence,
          timestamp: now,
          currency: 124,
          entries: [
            {
              ticker: 'ABX.TSX',
              currency: 124,
              quantity: book.reportSequence,
              costBasis: 1,
              gross: 2,
              fees: 3,
              volume: 4,
              transactions: 5,
              expenditure: 6,
            },
          ],
          liveOrderIds: book.live.map(order => order.orderId),
        }),
      )
      continue
    }
    if (book.live.length === 0 || random.chance(30)) {
      const quantity = 100_000_000 * (1 + random.below(9))
      book.orderSequence += 1
      book.reportSequence += 1
      const id = orderId++
      const clOrdId = Buffer.from(random.chance(50) ? `c-${id}` : '')
      take(() =>
        encodeAccepted(writer, {
          requestId: 0,
          account,
          reportSequence: book.reportSequence,
          orderId: id,
          orderSequence: book.orderSequence,
          timestamp: now,
          submissionAccount: account,
          ticker: random.of(['ABX.TSX', 'RY.TSX', 'NOVENUE', 'Ü😀.TSX']),
          currency: 124,
          type: 1,
          side: random.of([0, 1]),
          destination: 'TSX',
          quantity,
          price: 25_370_000,
          timeInForce: 0,
          expiry: random.of([0, now + 1]),
          clOrdId: { bytes: clOrdId, start: 0, end: clOrdId.length },
          tags: NOTHING,
          shortFlag: random.chance(20),
          holdPrice: 25_370_000,
        }),
      )
      book.live.push({ orderId: id, quantity, filled: 0, reports: 1 })
      continue
    }
    const order = random.of(book.live)
    const leaves = order.quantity - order.filled
    const status = random.of([
      OrderStatus.New,
      OrderStatus.PartiallyFilled,
      OrderStatus.Filled,
      OrderStatus.PendingCancel,
      OrderStatus.Canceled,
      OrderStatus.Rejected,
      OrderStatus.Expired,
      OrderStatus.PendingReplace,
      OrderStatus.Replaced,
    ])
    const lastQty =
      status === OrderStatus.Filled ? leaves : status === OrderStatus.PartiallyFilled ? Math.ceil(leaves / 3) : 0
    order.filled += lastQty
    // What is asked for is sometimes more than before, and never less than what was done.
    const quantity = order.filled + 100_000_000 * (1 + random.below(9))
    if (status === OrderStatus.Replaced) order.quantity = quantity
    const ends = isTerminal(status)
    book.reportSequence += 1
    take(() =>
      encodeReport(writer, {
        account,
        reportSequence: book.reportSequence,
        orderId: order.orderId,
        sequence: order.reports,
        timestamp: now,
        status,
        lastQty,
        lastPx: lastQty > 0 ? 25_360_000 : 0,
        cumQty: order.filled,
        leavesQty: ends ? 0 : order.quantity - order.filled,
        liquidityFlag: lastQty > 0 ? 'A' : '',
        lastMarket: lastQty > 0 ? 'TSX' : '',
        executionFee: lastQty > 0 ? 150 : 0,
        processingFee: 0,
        commission: lastQty > 0 ? 10 : 0,
        reason: status === OrderStatus.Rejected ? 303 : 0,
        params: status === OrderStatus.Rejected ? [1.5, 'größer'] : [],
        text: status === OrderStatus.Rejected ? 'no' : '',
        tags: NOTHING,
        operator: 0,
        terms: tellsOfReplace(status)
          ? {
              clOrdId: rangeOf(`r-${orderId}-${order.reports}`),
              quantity,
              price: 25_000_000,
              shortFlag: false,
              holdPrice: 1,
            }
          : undefined,
      }),
    )
    order.reports += 1
    if (ends) book.live.splice(book.live.indexOf(order), 1)
  }
  return entries
}

/** An empty store, embedded or of a server, that a test can damage. */
export interface TestStore {
  readonly endpoint: StoreEndpoint
  /** Statements as somebody with a client of the database would run them. */
  run(...sql: string[]): Promise<void>
  rows(sql: string): Promise<unknown[]>
}

export function embeddedStore(file: string, name = 'embedded'): TestStore {
  const ask = (sql: string) => {
    const database = openDatabase(file, 'normal')
    try {
      return database.prepare(sql).all() as unknown[]
    } finally {
      database.close()
    }
  }
  return {
    endpoint: { kind: 'embedded', name, file },
    run: async (...statements) => {
      for (const sql of statements) ask(sql)
    },
    rows: async sql => ask(sql),
  }
}

export function mysqlStore(server: MariaDb, schema = newSchema()): TestStore {
  const ask = async (sql: string) => {
    const connection = await server.connect(schema)
    try {
      return await connection.queryLists(sql)
    } finally {
      await connection.run('COMMIT')
      await connection.close()
    }
  }
  return {
    endpoint: server.endpoint(schema),
    run: async (...statements) => {
      for (const sql of statements) await ask(sql)
    },
    rows: ask,
  }
}

/** Puts entries [from, to) of a journal into a store. */
export async function fill(
  { endpoint }: Pick<TestStore, 'endpoint'>,
  entries: readonly Entry[],
  { journal = 'shard-0', from = 0, to = entries.length, owner = '' } = {},
): Promise<void> {
  const store = await openStore(endpoint, { definitions })
  try {
    for (let at = from; at < to; at += 100) {
      const setAside = await store.apply(batchOf(journal, entries, at, Math.min(to, at + 100)))
      if (setAside.length > 0) throw new Error(`set aside: ${setAside[0]!.reason}`)
    }
    if (owner !== '') await store.claim(owner)
  } finally {
    await store.close()
  }
}

export function temporaryFolder(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'oes-audit-test-'))
}
