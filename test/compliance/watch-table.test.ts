import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HoldRoom } from '../../src/compliance/cost-book.ts'
import { WatchTable } from '../../src/compliance/watch-table.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { orderChoices, orderOf, reportOf, START_US } from './rule-stage.ts'

const filled = (quantity: number) => reportOf(OrderStatus.PartiallyFilled, quantity, 1, START_US)
const ended = reportOf(OrderStatus.Canceled, 0, 0, START_US)

test('a fill or an end reaches those who watch the order, once each, with the order as it stood', () => {
  const orders = fc.record({
    choice: orderChoices,
    // Watchers by number, some of whom hear of their first report only; and what is filled.
    watchers: fc.uniqueArray(fc.nat({ max: 29 }), { maxLength: 30 }),
    fills: fc.array(fc.integer({ min: 1, max: 10_000_000 }), { maxLength: 3 }),
  })
  const happenings = fc.record({
    watched: orders,
    dismissed: fc.option(fc.nat({ max: 29 }), { nil: undefined, freq: 8 }),
    ends: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(happenings, { maxLength: 200, size: 'max' }), steps => {
      const table = new WatchTable()
      const heard: unknown[] = []
      const isBrief = (watcher: number) => watcher % 5 === 0
      const enlist = (watcher: number): number =>
        table.enlist({
          report: (
            { orderId, account, tickerIndex, side, type, currency, quantity, price, leavesQty },
            report,
            mark,
          ) => {
            heard.push([watcher, mark, orderId, report.lastQty, leavesQty])
            heard.push([account, tickerIndex, side, type, currency, quantity, price])
            return !isBrief(watcher)
          },
        })
      const numbers = Array.from({ length: 30 }, (_, watcher) => enlist(watcher))
      const live = new Map<number, { order: ReturnType<typeof orderOf>; leavesQty: number; watchers: number[] }>()
      let id = 0
      for (const { watched, dismissed, ends } of steps) {
        const order = orderOf(watched.choice, ++id, START_US)
        for (const watcher of watched.watchers) table.watch(order, numbers[watcher]!, watcher + 1000)
        const here = { order, leavesQty: order.quantity, watchers: [...watched.watchers] }
        if (here.watchers.length > 0) live.set(id, here)
        if (dismissed !== undefined) {
          table.dismiss([numbers[dismissed]!])
          numbers[dismissed] = enlist(dismissed)
          for (const other of live.values()) other.watchers = other.watchers.filter(watcher => watcher !== dismissed)
        }
        // The oldest order that lives has its turn.
        const [first] = live.values()
        if (first === undefined) continue
        const { orderId, account, tickerIndex, side, type, currency, quantity, price } = first.order
        for (const report of [...watched.fills.map(filled), ...(ends ? [ended] : [])]) {
          heard.length = 0
          table.report(orderId, report)
          const expected = first.watchers.flatMap(watcher => [
            [watcher, watcher + 1000, orderId, report.lastQty, first.leavesQty],
            [account, tickerIndex, side, type, currency, quantity, price],
          ])
          deepEqual(pairs(heard), pairs(expected))
          first.leavesQty = Math.max(0, first.leavesQty - report.lastQty)
          first.watchers = first.watchers.filter(watcher => !isBrief(watcher))
        }
        if (ends) live.delete(orderId)
        equal(table.size, live.size)
      }
    }),
    { numRuns: 50 },
  )
})

/** Each watcher's two lines together, sorted: the order in which they hear is not promised. */
function pairs(lines: readonly unknown[]): string[] {
  return Array.from({ length: lines.length / 2 }, (_, i) => JSON.stringify([lines[i * 2], lines[i * 2 + 1]])).sort()
}

test('room is given out again before more is made', () => {
  const room = new HoldRoom()
  const slots = Array.from({ length: 100 }, () => room.take())
  deepEqual(
    slots,
    Array.from({ length: 100 }, (_, index) => index),
  )
  for (const slot of slots) room.give(slot)
  deepEqual(
    Array.from({ length: 100 }, () => room.take()).sort((a, b) => a - b),
    slots,
  )
  equal(room.take(), 100)
})
