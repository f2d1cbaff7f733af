import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isTerminal, OrderStatus, statusAfter } from '../../src/domain/order-status.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import type {
  AcceptedEvent,
  AcceptedFields,
  EventTerms,
  ReportEvent,
  SnapshotEvent,
} from '../../src/protocol/order-events.ts'
import type { ReadableStore } from '../../src/stores/readable-store.ts'
import { type Recovered, type RecoveredFill, Recovery, type RecoveryOptions } from '../../src/stores/recovery.ts'
import { definitions, type Entry, generateHistory, Random } from './generated-history.ts'
import { batchOf } from './store-folder.ts'
import { storeKinds } from './store-kinds.ts'

const ACCOUNTS = [3, 4, 5]

/** An acceptance in plain values, so that those of events and of rows can be compared. */
function plain({ clOrdId, tags, ...fields }: AcceptedFields | AcceptedEvent): unknown {
  const { kind: _, ...rest } = fields as typeof fields & { kind?: number }
  const id = typeof clOrdId === 'string' ? clOrdId : Buffer.from(clOrdId.bytes.subarray(clOrdId.start, clOrdId.end))
  const bytes = tags === undefined ? [] : 'bytes' in tags ? tags.bytes.subarray(tags.start, tags.end) : tags
  return { ...rest, clOrdId: String(id), tags: [...bytes] }
}

async function recovered(
  store: ReadableStore,
  options: Partial<RecoveryOptions>,
): Promise<{ items: unknown[]; marks: unknown }> {
  const recovery = new Recovery({ store, definitions, clOrdIdsMax: 5, ...options })
  const items: unknown[] = []
  for await (const page of recovery.read()) for (const item of page) items.push(copy(item))
  return { items, marks: await recovery.marks() }
}

function copy(item: Recovered): unknown {
  return item.part === 'order' || item.part === 'clOrdId' ? { ...item, accepted: plain(item.accepted) } : { ...item }
}

/** The slow twin: reads all events and keeps what recovery should give. */
function naive(entries: readonly Entry[], { clOrdIdsMax = 5, sessionStart }: Partial<RecoveryOptions>): unknown[] {
  const accounts: unknown[] = []
  const positions: unknown[] = []
  const fills: unknown[] = []
  const live: { orderId: number; account: number; items: unknown[] }[] = []
  const clOrdIds: AcceptedEvent[] = []
  for (const account of ACCOUNTS) {
    const own = entries.map(({ event }) => event).filter(event => event.account === account)
    const events = own.filter(event => event.kind !== Kind.InventorySnapshot)
    if (events.length === 0) continue
    const acceptances = own.filter((event): event is AcceptedEvent => event.kind === Kind.OrderAccepted)
    const reports = own.filter((event): event is ReportEvent => event.kind === Kind.ExecutionReport)
    const snapshot = own.findLast((event): event is SnapshotEvent => event.kind === Kind.InventorySnapshot)
    accounts.push({
      part: 'account',
      account,
      orderSequence: acceptances.length,
      reportSequence: events.length,
      snapshotReportSequence: snapshot?.reportSequence,
      snapshotCurrency: snapshot?.currency ?? 0,
    })
    for (const entry of snapshot?.entries ?? []) positions.push({ part: 'position', account, ...entry })
    const ended = new Set(reports.filter(({ status }) => isTerminal(status)).map(({ orderId }) => orderId))
    for (const report of reports) {
      const { orderId, reportSequence, lastQty, lastPx, executionFee, processingFee, commission } = report
      const order = acceptances.find(accepted => accepted.orderId === orderId)!
      const isBehind = reportSequence > (snapshot?.reportSequence ?? 0)
      const isInSession = snapshot !== undefined || order.timestamp >= (sessionStart ?? 0) || !ended.has(orderId)
      if (lastQty === 0 || !isBehind || !isInSession) continue
      const { ticker, currency, side } = order
      const fees = executionFee + processingFee + commission
      fills.push({ part: 'fill', account, reportSequence, ticker, currency, side, lastQty, lastPx, fees })
    }
    for (const accepted of acceptances) {
      if (accepted.clOrdId !== '') clOrdIds.push(accepted)
      if (ended.has(accepted.orderId)) continue
      const { orderId } = accepted
      const ofOrder = reports.filter(report => report.orderId === orderId)
      const item = {
        part: 'order',
        accepted: plain(accepted),
        status: ofOrder.reduce<OrderStatus>(
          (status, report) => statusAfter(status, report.status),
          OrderStatus.PendingNew,
        ),
        cumQty: ofOrder.at(-1)?.cumQty ?? 0,
        reportCount: ofOrder.length + 1,
        timestamp: ofOrder.at(-1)?.timestamp ?? accepted.timestamp,
        ...replacesOf(ofOrder),
      }
      live.push({ orderId, account, items: [item, ...firstOf(ofOrder).map(each => replaceId(account, orderId, each))] })
    }
  }
  const remembered = clOrdIds.sort((a, b) => a.orderId - b.orderId).slice(Math.max(0, clOrdIds.length - clOrdIdsMax))
  return [
    ...accounts,
    ...positions,
    ...fills,
    ...live.sort((a, b) => a.account - b.account || a.orderId - b.orderId).flatMap(({ items }) => items),
    ...remembered.map(accepted => ({ part: 'clOrdId', accepted: plain({ ...accepted, reportSequence: 0 }) })),
    ...(clOrdIdsMax === 0 ? [] : replaceIdsFrom(entries, clOrdIds.length < clOrdIdsMax ? 0 : remembered[0]!.orderId)),
  ]
}

/** The terms an order has since it was replaced, and those of a replace that waits. */
function replacesOf(reports: readonly ReportEvent[]) {
  let terms: EventTerms | undefined
  let pending: EventTerms | undefined
  for (const report of reports) {
    if (report.terms === undefined) continue
    if (report.status === OrderStatus.Replaced) {
      terms = { ...report.terms, clOrdId: report.terms.clOrdId || (terms?.clOrdId ?? '') }
    }
    pending = report.status === OrderStatus.PendingReplace ? report.terms : undefined
  }
  return { terms, pending }
}

/** The first reports on the replaces that have client order ids. */
function firstOf(reports: readonly ReportEvent[]): ReportEvent[] {
  const told = reports.filter(({ terms }) => terms !== undefined)
  return told.filter(({ terms }, at) => terms!.clOrdId !== '' && told[at - 1]?.status !== OrderStatus.PendingReplace)
}

function replaceId(account: number, orderId: number, { terms }: ReportEvent) {
  const { clOrdId, quantity, price } = terms!
  return { part: 'replaceId', account, orderId, clOrdId, quantity, price }
}

/** All that the reports of orders from `orderId` on tell of such ids, but for replaces carried out. */
function replaceIdsFrom(entries: readonly Entry[], orderId: number): unknown[] {
  return entries
    .map(({ event }) => event)
    .filter((event): event is ReportEvent => event.kind === Kind.ExecutionReport && event.orderId >= orderId)
    .filter(({ status, terms }) => status !== OrderStatus.Replaced && (terms?.clOrdId ?? '') !== '')
    .sort((a, b) => a.orderId - b.orderId || a.sequence - b.sequence)
    .map(event => replaceId(event.account, event.orderId, event))
}

function fillsOf(account: number, items: readonly unknown[]): unknown[] {
  return items.filter(item => {
    const { part, ...rest } = item as Recovered
    return part === 'fill' && (rest as { account: number }).account === account
  })
}

/** Positions come in the order of their key, which the order of a snapshot is not. */
function sorted(items: unknown[]): unknown[] {
  return items.map(item => JSON.stringify(item, Object.keys(flat(item)).sort())).sort()
}
function flat(item: unknown): Record<string, unknown> {
  const { accepted, ...rest } = item as Record<string, unknown>
  return { ...rest, accepted, ...(accepted as object) }
}

for (const kind of storeKinds) {
  test(`recovery from the ${kind.name} store gives what a reader of all events would remember`, async t => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async seed => {
        const random = new Random(seed)
        const entries = generateHistory(random, {
          accounts: ACCOUNTS,
          events: 1 + random.below(200),
          snapshots: random.chance(70),
        })
        const { store, readable } = await kind.open(t)
        await store.apply(batchOf('shard-0', entries, 0, entries.length))
        const reader = await readable()
        const middle = (entries[entries.length >> 1]!.event as AcceptedEvent).timestamp
        for (const options of [{}, { sessionStart: middle }, { clOrdIdsMax: 1000 }, { clOrdIdsMax: 0 }]) {
          const expected = naive(entries, { clOrdIdsMax: 5, ...options })
          const { items, marks } = await recovered(reader, options)
          assert.deepEqual(sorted(items), sorted(expected))
          const orderOf = (all: unknown[]) =>
            all.filter(item => (item as Recovered).part !== 'position').map(item => JSON.stringify(flat(item).part))
          assert.deepEqual(orderOf(items), orderOf(expected))
          for (const account of ACCOUNTS) assert.deepEqual(fillsOf(account, items), fillsOf(account, expected))
          const events = entries.map(({ event }) => event).filter(event => event.kind !== Kind.InventorySnapshot)
          assert.deepEqual(marks, {
            lastOrderId: Math.max(0, ...events.map(event => event.orderId)),
            lastTimestamp: Math.max(0, ...events.map(event => event.timestamp)),
          })
        }
      }),
      { numRuns: kind.runs },
    )
  })

  test(`a snapshot of other tools in the ${kind.name} store stands for its orders whole, save those it excludes`, async t => {
    const entries = generateHistory(new Random(21), { accounts: [3], events: 150 })
    const { store, readable, run } = await kind.open(t)
    await store.apply(batchOf('shard-0', entries, 0, entries.length))
    const acceptances = entries.map(({ event }) => event).filter(event => event.kind === Kind.OrderAccepted)
    const excluded = acceptances.slice(0, 12).filter((_, index) => index % 3 === 0)
    await run('INSERT INTO order_execution_inventory_sequences (account, sequence) VALUES (3, 12)')
    for (const { orderId } of excluded) {
      await run(`INSERT INTO order_execution_inventory_excluded_orders VALUES (3, ${orderId})`)
    }
    const outside = new Set([...excluded, ...acceptances.slice(12)].map(({ orderId }) => orderId))
    const orderIds = new Map(
      entries
        .map(({ event }) => event)
        .filter(event => event.kind === Kind.ExecutionReport)
        .map(({ reportSequence, orderId }) => [reportSequence, orderId]),
    )
    const fills = naive(entries, {}).filter((item): item is RecoveredFill => (item as Recovered).part === 'fill')
    const isOutside = ({ reportSequence }: RecoveredFill) => outside.has(orderIds.get(reportSequence)!)
    const { items } = await recovered(await readable(), {})
    assert.deepEqual(
      items.filter(item => (item as Recovered).part === 'fill'),
      fills.filter(isOutside),
    )
    assert.ok(!fills.every(isOutside))
  })

  test(`an empty ${kind.name} store recovers to nothing`, async t => {
    const { readable } = await kind.open(t)
    assert.deepEqual(await recovered(await readable(), {}), { items: [], marks: { lastOrderId: 0, lastTimestamp: 0 } })
  })
}
