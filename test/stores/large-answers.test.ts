import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { FRAME_HEADER_BYTES } from '../../src/protocol/frames.ts'
import { LimitKind, RangePoint } from '../../src/protocol/kinds.ts'
import { MessageWriter } from '../../src/protocol/message-writer.ts'
import { decodeOrderEvent, encodeAccepted, encodeReport } from '../../src/protocol/order-events.ts'
import { AccountTails } from '../../src/stores/account-tails.ts'
import { type Page, StoreReader } from '../../src/stores/queries.ts'
import type { HeldView, ReadableStore } from '../../src/stores/readable-store.ts'
import { Recovery } from '../../src/stores/recovery.ts'
import { definitions, type Entry, Random, writeJournal } from './generated-history.ts'
import { batchOf, messagesOf, storeFolder } from './store-folder.ts'
import { embeddedKind } from './store-kinds.ts'

const ACCOUNT = 7
const NOTHING = { bytes: new Uint8Array(0), start: 0, end: 0 }

/** Orders of one account; order i has `reportsOf(i)` reports, partial fills, and none of them ends it. */
function liveOrders(orders: number, reportsOf: (order: number) => number): Entry[] {
  const writer = new MessageWriter(1 << 12, 1 << 16)
  const entries: Entry[] = []
  let reportSequence = 0
  const take = (encode: () => void) => {
    writer.position = 0
    encode()
    const body = Buffer.from(writer.bytes.subarray(FRAME_HEADER_BYTES, writer.position))
    entries.push({ body, event: decodeOrderEvent(body, 0, body.length) })
  }
  for (let order = 1; order <= orders; order++) {
    const head = { account: ACCOUNT, orderId: 1000 + order, timestamp: 1_700_000_000_000_000 + reportSequence }
    take(() =>
      encodeAccepted(writer, {
        ...head,
        requestId: 0,
        reportSequence: ++reportSequence,
        orderSequence: order,
        submissionAccount: ACCOUNT,
        ticker: order % 2 === 0 ? 'ABX.TSX' : 'RY.TSX',
        currency: 124,
        type: 1,
        side: 0,
        destination: 'TSX',
        quantity: 1e9,
        price: 1e6,
        timeInForce: 0,
        expiry: 0,
        clOrdId: NOTHING,
        tags: NOTHING,
        shortFlag: false,
        holdPrice: 0,
      }),
    )
    for (let sequence = 1; sequence <= reportsOf(order); sequence++) {
      take(() =>
        encodeReport(writer, {
          ...head,
          reportSequence: ++reportSequence,
          sequence,
          status: OrderStatus.PartiallyFilled,
          lastQty: 1,
          lastPx: 1e6,
          cumQty: sequence,
          leavesQty: 1e9 - sequence,
          liquidityFlag: '',
          lastMarket: '',
          executionFee: 0,
          processingFee: 0,
          commission: 0,
          reason: 0,
          params: [],
          text: '',
          tags: NOTHING,
          operator: 0,
        }),
      )
    }
  }
  return entries
}

/** A store that counts its statements and their rows. */
function counted(store: ReadableStore): { store: ReadableStore; statements: () => number; rowsMax: () => number } {
  let statements = 0
  let rowsMax = 0
  const view = async (): Promise<HeldView> => {
    const held = await store.view()
    return {
      ...held,
      rows: async (sql, parameters) => {
        const rows = await held.rows(sql, parameters)
        statements += 1
        rowsMax = Math.max(rowsMax, rows.length)
        return rows
      },
    }
  }
  const inView: ReadableStore['inView'] = async work => {
    const held = await view()
    try {
      return await work(held)
    } finally {
      await held.close()
    }
  }
  return {
    store: { name: store.name, view, inView, close: () => store.close() },
    statements: () => statements,
    rowsMax: () => rowsMax,
  }
}

/** Half of the entries in the store, the rest in the journal. */
async function split(t: TestContext, entries: readonly Entry[], stored: number) {
  const directory = storeFolder(t).journal('shard-0')
  writeJournal(directory, entries, new Random(1))
  const { store, readable } = await embeddedKind.open(t)
  await store.apply(batchOf('shard-0', entries, 0, stored))
  const tails = new AccountTails({ bytesMax: 1 << 24 })
  t.after(() => tails.close())
  const counting = counted(await readable())
  const reader = new StoreReader({ store: counting.store, definitions, tails })
  const query = {
    requestId: 0,
    account: ACCOUNT,
    cutReportSequence: entries.length,
    journals: [{ name: 'shard-0', directory, untilSequence: entries.length + 1 }],
    start: RangePoint.First,
    end: RangePoint.Present,
    limitKind: LimitKind.Unlimited,
    limitSize: 0,
    pageBytes: 1 << 18,
  }
  return { reader, query, counting, readable }
}

async function pagesOf(next: (continuation: Page['continuation']) => Promise<Page>): Promise<Page[]> {
  const pages: Page[] = []
  do pages.push(await next(pages.at(-1)?.continuation))
  while (pages.at(-1)!.continuation !== undefined)
  return pages
}

test('orders with more reports than a statement gives are whole, and a page costs few statements of few rows', async t => {
  const entries = liveOrders(40, order => (order % 10 === 0 ? 9000 : order % 7))
  const { reader, query, counting, readable } = await split(t, entries, entries.length - 12_000)
  const pages = await pagesOf(continuation => reader.orders({ ...query, continuation }))
  const records = pages.flatMap(page => messagesOf(page.frames)) as unknown[][]
  assert.deepEqual(
    records.map(record => [(record[3] as number[])[4], (record[4] as unknown[]).length]),
    Array.from({ length: 40 }, (_, i) => [1001 + i, (i + 1) % 10 === 0 ? 9000 : (i + 1) % 7]),
  )
  for (const record of records) {
    const sequences = (record[4] as number[][]).map(report => report[5])
    assert.deepEqual(
      sequences,
      sequences.map((_, i) => i + 1),
    )
  }
  assert.ok(counting.statements() <= 12 * pages.length, `${counting.statements()} statements, ${pages.length} pages`)
  assert.ok(counting.rowsMax() <= 4096, `${counting.rowsMax()} rows`)

  const recovery = new Recovery({ store: await readable(), definitions, clOrdIdsMax: 10 })
  const counts = new Map<number, number>()
  for await (const items of recovery.read()) {
    for (const item of items) if (item.part === 'order') counts.set(item.accepted.orderId, item.reportCount)
  }
  const complete = [...counts].slice(0, 25)
  assert.deepEqual(
    complete,
    complete.map(([orderId]) => [orderId, 1 + ((orderId - 1000) % 10 === 0 ? 9000 : (orderId - 1000) % 7)]),
  )
})

test('recovery reads orders of very many reports by parts', async t => {
  const reportsOf = (order: number) => (order % 4 === 3 ? 40_000 : order === 6 ? 70_000 : 5)
  const entries = liveOrders(9, reportsOf)
  const { store, readable } = await embeddedKind.open(t)
  await store.apply(batchOf('shard-0', entries, 0, entries.length))
  const recovery = new Recovery({ store: await readable(), definitions, clOrdIdsMax: 0 })
  const orders: unknown[] = []
  let fills = 0
  for await (const items of recovery.read()) {
    for (const item of items) {
      if (item.part === 'fill') fills += 1
      if (item.part === 'order') orders.push([item.accepted.orderId, item.reportCount, item.cumQty])
    }
  }
  const numbers = Array.from({ length: 9 }, (_, i) => i + 1)
  assert.deepEqual(
    orders,
    numbers.map(order => [1000 + order, reportsOf(order) + 1, reportsOf(order)]),
  )
  assert.equal(fills, entries.length - 9)
})

test('where many orders must be looked at pages may be empty, and none costs more than a few statements', async t => {
  const entries = liveOrders(30_000, () => 0)
  const { reader, query, counting } = await split(t, entries, 20_000)
  // Only the predicate decides on the life of an order, and on the order of texts.
  const none = ['and', ['=', 'is_live', 1], ['<', 'symbol', 'A'], ['>=', 'timestamp', 0.5]]
  const few = ['or', none, ['=', 'order_id', 1003], ['=', 'order_id', 30_999]]
  for (const filter of [['<', 'symbol', 'A'], none, few]) {
    const before = counting.statements()
    const expected = filter === few ? 2 : 0
    const pages = await pagesOf(continuation => reader.orders({ ...query, filter, continuation }))
    assert.equal(
      pages.reduce((sum, { count }) => sum + count, 0),
      expected,
    )
    assert.ok(counting.statements() - before <= 12 * pages.length, `${counting.statements() - before} statements`)
    const tail = { ...query, limitKind: LimitKind.Tail, limitSize: 2, filter }
    const fromEnd = await pagesOf(continuation => reader.orders({ ...tail, continuation }))
    assert.equal(
      fromEnd.reduce((sum, { count }) => sum + count, 0),
      expected,
    )
  }
  const all = await pagesOf(continuation => reader.reports({ ...query, form: 'events', continuation }))
  assert.equal(
    all.reduce((sum, { count }) => sum + count, 0),
    entries.length,
  )
  const last = await pagesOf(continuation =>
    reader.reports({ ...query, form: 'events', limitKind: LimitKind.Tail, limitSize: 15_000, continuation }),
  )
  assert.equal(
    last.reduce((sum, { count }) => sum + count, 0),
    15_000,
  )
})
