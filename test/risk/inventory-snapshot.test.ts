// Snapshots and resets against the whole record of an account, booked from its beginning.

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type TickerInventory, TrueAverageBookkeeper } from '../../src/accounting/bookkeeper.ts'
import { isEmpty } from '../../src/accounting/inventory.ts'
import { isTerminal } from '../../src/domain/order-status.ts'
import { book, emptySnapshot, InventorySnapshotModel, type OrderFill } from '../../src/risk/inventory-snapshot.ts'
import { resetInventories } from '../../src/risk/reset.ts'
import { type RecordEvent, records } from './account-record.ts'

/** Everything that was filled, booked in the order in which it happened. */
function booksOf(events: readonly RecordEvent[], inventories: readonly TickerInventory[] = []): TrueAverageBookkeeper {
  const books = new TrueAverageBookkeeper(inventories)
  for (const { order, report } of events) {
    if (report !== undefined && report.lastQty !== 0) book(books, { order, report })
  }
  return books
}

/**
 * What an account has, whatever the order in which it was booked: which part of a result is realised depends on that
 * order, what was paid and received does not.
 */
function standing(inventories: Iterable<TickerInventory>): unknown {
  return Array.from(inventories, ({ ticker, currency, quantity, costBasis, gross, fees, volume, transactions }) => {
    return { ticker, currency, quantity, paid: costBasis - gross, fees, volume, transactions }
  }).sort((a, b) => (a.ticker < b.ticker ? -1 : 1))
}

function feed(model: InventorySnapshotModel, events: readonly RecordEvent[]): void {
  for (const { order, report } of events) {
    if (report === undefined) model.add(order.orderSequence, order)
    else model.report(order.orderId, report)
  }
}

const fillsOf = (events: readonly RecordEvent[]): OrderFill[] =>
  events.flatMap(({ order, report }) => (report === undefined || report.lastQty === 0 ? [] : [{ order, report }]))

test('inventories, and the fills of excluded and later orders, are the positions: each order is counted once', () => {
  fc.assert(
    fc.property(records, fc.array(fc.nat(), { maxLength: 4 }), (events, cuts) => {
      let model = new InventorySnapshotModel()
      let from = 0
      for (const cut of [...cuts.map(cut => cut % (events.length + 1)).sort((a, b) => a - b), events.length]) {
        feed(model, events.slice(from, cut))
        from = cut
        const past = events.slice(0, cut)
        const snapshot = model.snapshot()
        const ended = new Set(
          past
            .filter(({ report }) => report !== undefined && isTerminal(report.status))
            .map(({ order }) => order.orderId),
        )
        const accepted = past.filter(({ report }) => report === undefined).map(({ order }) => order)
        equal(snapshot.sequence, accepted.length)
        deepEqual(
          snapshot.excluded.toSorted((a, b) => a - b),
          accepted.filter(({ orderId }) => !ended.has(orderId)).map(({ orderId }) => orderId),
        )
        const live = past.filter(({ order }) => !ended.has(order.orderId))
        deepEqual(standing(booksOf(live, snapshot.inventories).inventories()), standing(booksOf(past).inventories()))
        // A restart: the next model knows the snapshot, and is told of the excluded orders alone.
        model = new InventorySnapshotModel(snapshot)
        for (const orderId of snapshot.excluded) {
          const own = past.filter(({ order }) => order.orderId === orderId)
          const reports = own.flatMap(({ report }) => report ?? [])
          model.add(own[0]!.order.orderSequence, own[0]!.order, reports)
        }
        deepEqual(model.liveFills(), fillsOf(live))
      }
    }),
    { numRuns: 200 },
  )
})

test('an order that the snapshot has counted is not counted again', () => {
  fc.assert(
    fc.property(records, events => {
      const model = new InventorySnapshotModel()
      feed(model, events)
      const snapshot = model.snapshot()
      const again = new InventorySnapshotModel({ ...snapshot, excluded: [] })
      feed(again, events)
      deepEqual(again.snapshot(), { ...snapshot, excluded: [] })
    }),
  )
})

test('a reset begins results again at zero in its scope, and changes no position, no cost and nothing elsewhere', () => {
  fc.assert(
    fc.property(records, fc.constantFrom('ABX.TSX', '.TSX', ''), (events, scope) => {
      const isInScope = (ticker: string) => ticker.endsWith(scope)
      const model = new InventorySnapshotModel()
      feed(model, events)
      const { inventories } = model.snapshot()
      const fills = model.liveFills()
      const replay = (from: readonly TickerInventory[]) => {
        const books = new TrueAverageBookkeeper(from)
        for (const fill of fills) book(books, fill)
        return [...books.inventories()]
      }
      const before = replay(inventories)
      const after = replay(resetInventories(inventories, fills, isInScope))
      const expected = before.map(inventory =>
        isInScope(inventory.ticker) ? { ...inventory, gross: 0, fees: 0, volume: 0, transactions: 0 } : inventory,
      )
      const byTicker = (a: TickerInventory, b: TickerInventory) => (a.ticker < b.ticker ? -1 : 1)
      deepEqual(after.sort(byTicker), expected.filter(inventory => !isEmpty(inventory)).sort(byTicker))
      // The orders still open go on under the same ids, and fold into what the reset has left.
      const next = model.reset(resetInventories(inventories, fills, isInScope))
      deepEqual(next.snapshot().excluded, model.snapshot().excluded)
      deepEqual(next.liveFills(), fills)
    }),
    { numRuns: 200 },
  )
})

test('an empty snapshot is where every account begins', () => {
  deepEqual(new InventorySnapshotModel().snapshot(), emptySnapshot)
})
