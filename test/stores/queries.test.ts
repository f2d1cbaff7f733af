import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isTerminal } from '../../src/domain/order-status.ts'
import { readTicker } from '../../src/domain/tickers.ts'
import { Kind, LimitKind, RangePoint } from '../../src/protocol/kinds.ts'
import { unpack } from '../../src/protocol/msgpack.ts'
import type { AcceptedEvent } from '../../src/protocol/order-events.ts'
import { AccountTails } from '../../src/stores/account-tails.ts'
import { InvalidFilter, parseOrderFilter, passes } from '../../src/stores/order-filter.ts'
import { StoreUnavailable } from '../../src/stores/order-store.ts'
import { type OrdersQuery, type Point, type ReportsQuery, StoreReader } from '../../src/stores/queries.ts'
import type { ReadableStore } from '../../src/stores/readable-store.ts'
import { definitions, type Entry, generateHistory, Random, writeJournal } from './generated-history.ts'
import { allPages, batchOf, bodiesOf, messagesOf, storeFolder } from './store-folder.ts'
import { embeddedKind, storeKinds } from './store-kinds.ts'

const ACCOUNTS = [7, 8, 4_000_000_000]
const REQUEST = 77

/** The slow twin: the whole history of an account up to the cut, in plain lists. */
class Twin {
  readonly events: Entry[]
  readonly orders: { accepted: Entry; event: AcceptedEvent; reports: Entry[] }[] = []
  constructor(entries: readonly Entry[], account: number, cut: number) {
    this.events = entries.filter(
      ({ event }) => event.kind !== Kind.InventorySnapshot && event.account === account && event.reportSequence <= cut,
    )
    for (const entry of this.events) {
      const { event } = entry
      if (event.kind === Kind.OrderAccepted) this.orders.push({ accepted: entry, event, reports: [] })
      else if (event.kind === Kind.ExecutionReport) {
        this.orders.find(order => order.event.orderId === event.orderId)!.reports.push(entry)
      }
    }
  }

  reportBodies({ start, end, limitKind, limitSize }: ReportsQuery): Buffer[] {
    const facts = this.events.map(entry => ({
      entry,
      sequence: entry.event.reportSequence,
      timestamp: (entry.event as AcceptedEvent).timestamp,
    }))
    return limited(inRange(facts, start, end), limitKind, limitSize).map(({ entry }) => entry.body)
  }

  orderRecords({ start, end, limitKind, limitSize, filter, account }: OrdersQuery): unknown[] {
    const parsed = parseOrderFilter(filter)
    const facts = this.orders.map(order => ({
      order,
      sequence: order.event.orderSequence,
      timestamp: order.event.timestamp,
    }))
    const matching = inRange(facts, start, end).filter(({ order }) =>
      passes(parsed, {
        ...order.event,
        ...readTicker(order.event.ticker, definitions),
        isLive: !order.reports.some(({ event }) => event.kind === Kind.ExecutionReport && isTerminal(event.status)),
      }),
    )
    return limited(matching, limitKind, limitSize).map(({ order }) => [
      Kind.OrderRecord,
      REQUEST,
      account,
      unpack(order.accepted.body),
      order.reports.map(({ body }) => unpack(body)),
    ])
  }
}

/** Both points belong to the range; a time stands for the sequence it resolves to. */
function inRange<T extends { sequence: number; timestamp: number }>(facts: T[], start: Point, end: Point): T[] {
  if (start === RangePoint.Last || start === RangePoint.Present) return []
  const from = typeof start === 'number' ? start : facts.find(({ timestamp }) => timestamp >= start[0])?.sequence
  const to =
    typeof end !== 'number'
      ? facts.findLast(({ timestamp }) => timestamp <= end[0])?.sequence
      : end < 0
        ? Number.POSITIVE_INFINITY
        : end
  if (from === undefined || to === undefined) return []
  return facts.filter(({ sequence }) => sequence >= from && sequence <= to)
}

function limited<T>(found: T[], limitKind: LimitKind, limitSize: number): T[] {
  if (limitKind === LimitKind.None) return []
  if (limitKind === LimitKind.Unlimited) return found
  return limitKind === LimitKind.Head ? found.slice(0, limitSize) : found.slice(Math.max(0, found.length - limitSize))
}

function point(random: Random, last: number, times: readonly number[]): Point {
  if (random.chance(30)) return random.of([RangePoint.First, RangePoint.Last, RangePoint.Present])
  if (random.chance(50)) return random.below(last + 3)
  return [(random.of(times) ?? 0) + random.below(5) - 2]
}

function filter(random: Random, entries: readonly Entry[], depth = 0): unknown {
  if (depth === 0 && random.chance(30)) return undefined
  if (depth < 3 && random.chance(40)) {
    const op = random.of(['and', 'or', 'not'])
    const terms = Array.from({ length: op === 'not' ? 1 : random.below(4) }, () => filter(random, entries, depth + 1))
    return [op, ...terms]
  }
  const accepted = random.of(entries.filter(({ event }) => event.kind === Kind.OrderAccepted)).event as AcceptedEvent
  const ticker = readTicker(accepted.ticker, definitions)
  const comparison = random.of(['=', '!=', '<', '<=', '>', '>='])
  switch (random.below(6)) {
    case 0:
      return [comparison, 'timestamp', accepted.timestamp]
    case 1:
      return [comparison, 'symbol', ticker.symbol]
    case 2:
      return [comparison, 'venue', ticker.venue]
    case 3:
      return ['=', 'short_flag', random.of([0, 1, true, false])]
    case 4:
      return [random.of(['=', '!=', comparison]), 'is_live', random.of([0, 1, true, false])]
    default:
      return [random.of(['=', '=', comparison]), 'order_id', accepted.orderId]
  }
}

function readerOf(store: ReadableStore, bytesMax = 1 << 20): { reader: StoreReader; tails: AccountTails } {
  const tails = new AccountTails({ bytesMax })
  return { reader: new StoreReader({ store, definitions, tails }), tails }
}

for (const kind of storeKinds) {
  test(`every query equals the plain list, at any cut, however far the ${kind.name} store lags or runs ahead`, async t => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.integer(), async seed => {
        const random = new Random(seed)
        const folder = storeFolder(t)
        const entries = generateHistory(random, { accounts: ACCOUNTS, events: 1 + random.below(250), snapshots: true })
        const directory = folder.journal(`shard-${run++}`)
        writeJournal(directory, entries, random)
        const { store, readable } = await kind.open(t)
        const journal = { name: 'shard-0', directory, untilSequence: entries.length + 1 }
        const { reader, tails } = readerOf(await readable())
        const orderless = !entries.some(({ event }) => event.kind === Kind.OrderAccepted)
        // The same reader goes on while the store catches up.
        for (let stored = 0; ; ) {
          for (let round = 0; round < 6; round++) {
            const account = random.of(ACCOUNTS)
            const own = entries.filter(
              ({ event }) => event.kind !== Kind.InventorySnapshot && event.account === account,
            )
            const cut = random.chance(40) ? own.length : random.below(own.length + 1)
            const twin = new Twin(entries, account, cut)
            const times = own.map(({ event }) => (event as AcceptedEvent).timestamp)
            const query = {
              requestId: REQUEST,
              account,
              cutReportSequence: cut,
              journals: [journal],
              start: point(random, cut, times),
              end: point(random, cut, times),
              limitKind: random.of([LimitKind.None, LimitKind.Head, LimitKind.Tail, LimitKind.Unlimited]),
              limitSize: random.below(8),
              pageBytes: random.of([1, 300, 1 << 20]),
            }
            const about = JSON.stringify({ stored, ...query })

            const reports = { ...query, form: 'events' as const }
            const events = await allPages(continuation => reader.reports({ ...reports, continuation }))
            assert.deepEqual(bodiesOf(events.frames), twin.reportBodies(reports), about)
            assert.equal(events.lastOrderSequence, twin.orders.at(-1)?.event.orderSequence ?? 0)
            const records = await allPages(continuation =>
              reader.reports({ ...reports, form: 'records', continuation }),
            )
            assert.deepEqual(
              messagesOf(records.frames),
              twin.reportBodies(reports).map(body => [Kind.ReportRecord, REQUEST, account, unpack(body)]),
            )
            assert.equal(records.count, bodiesOf(records.frames).length)

            const orders = { ...query, filter: orderless ? undefined : filter(random, entries) }
            const found = await allPages(continuation => reader.orders({ ...orders, continuation }))
            assert.deepEqual(
              messagesOf(found.frames),
              twin.orderRecords(orders),
              `${about} ${JSON.stringify(orders.filter)}`,
            )
            assert.equal(found.count, messagesOf(found.frames).length)

            if (orderless) continue
            const any = random.of(entries.filter(({ event }) => event.kind === Kind.OrderAccepted))
              .event as AcceptedEvent
            const one = await reader.order({ ...query, orderId: any.orderId })
            assert.deepEqual(
              messagesOf(one.frames),
              twin.orderRecords({ ...query, start: 0, end: -1, limitKind: 3, filter: ['=', 'order_id', any.orderId] }),
            )
            assert.equal(await reader.accountOf(any.orderId, [journal]), any.account)
            assert.equal(await reader.accountOf(any.orderId + 1e6, [journal]), undefined)
          }
          if (stored === entries.length) break
          const next = Math.min(entries.length, stored + 1 + random.below(120))
          assert.deepEqual(await store.apply(batchOf('shard-0', entries, stored, next)), [])
          stored = next
        }
        tails.close()
      }),
      { numRuns: kind.runs },
    )
  })
}

test('a page goes on where the one before it ended, although the store has caught up in between', async t => {
  const folder = storeFolder(t)
  const entries = generateHistory(new Random(5), { accounts: [7], events: 200 })
  const directory = folder.journal('shard-0')
  writeJournal(directory, entries, new Random(6))
  const { store, readable } = await embeddedKind.open(t)
  const journal = { name: 'shard-0', directory, untilSequence: entries.length + 1 }
  const { reader, tails } = readerOf(await readable())
  let stored = 0
  const page = await allPages(async continuation => {
    await store.apply(batchOf('shard-0', entries, stored, Math.min(stored + 7, entries.length)))
    stored = Math.min(stored + 7, entries.length)
    return reader.reports({
      requestId: 0,
      account: 7,
      cutReportSequence: 150,
      journals: [journal],
      start: 11,
      end: RangePoint.Last,
      limitKind: LimitKind.Unlimited,
      limitSize: 0,
      pageBytes: 500,
      form: 'events',
      continuation,
    })
  })
  assert.deepEqual(
    bodiesOf(page.frames),
    entries.slice(10, 150).map(({ body }) => body),
  )
  tails.close()
})

test('what no journal has is refused as unavailable, a bad filter by its place', async t => {
  const folder = storeFolder(t)
  const entries = generateHistory(new Random(5), { accounts: [7], events: 200 })
  const directory = folder.journal('shard-0')
  writeJournal(directory, entries, new Random(6))
  const { readable } = await embeddedKind.open(t)
  const query = {
    requestId: 0,
    account: 7,
    cutReportSequence: 200,
    journals: [{ name: 'shard-0', directory, untilSequence: 201 }],
    start: 0,
    end: -1,
    limitKind: LimitKind.Unlimited,
    limitSize: 0,
    pageBytes: 500,
  }
  const { reader, tails } = readerOf(await readable())
  await assert.rejects(reader.orders({ ...query, cutReportSequence: 201 }), StoreUnavailable)
  await assert.rejects(reader.orders({ ...query, filter: ['and', ['=', 'colour', 1]] }), new InvalidFilter('[1][1]'))
  assert.equal((await reader.orders(query)).count > 0, true)
  tails.close()
})
