import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AssertionFailed } from '../../src/base/assert.ts'
import { NO_SLOT, OrderTable } from '../../src/shards/order-table.ts'

test('slots of ended orders are used again, the latest first, and a full table says so', () => {
  const table = new OrderTable(3)
  deepEqual(
    [10, 20, 30].map(orderId => table.add(orderId)),
    [0, 1, 2],
  )
  equal(table.full, true)
  throws(() => table.add(40), AssertionFailed)
  table.remove(0)
  table.remove(2)
  deepEqual([table.size, table.full, table.find(10), table.find(20)], [1, false, NO_SLOT, 1])
  deepEqual([table.add(40), table.add(50)], [2, 0])
  deepEqual(
    [10, 20, 30, 40, 50].map(orderId => table.find(orderId)),
    [NO_SLOT, 1, NO_SLOT, 2, 0],
  )
})

test('each live order has a slot of its own by which it is found, whatever came and went', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 40 }), { maxLength: 300, size: 'max' }), picks => {
      const table = new OrderTable(16)
      const twin = new Map<number, number>()
      let nextId = 2 ** 40
      for (const pick of picks) {
        if (pick < 20 && !table.full) {
          nextId += 1 + pick
          const slot = table.add(nextId)
          equal([...twin.values()].includes(slot), false)
          twin.set(nextId, slot)
        } else if (twin.size > 0) {
          const [orderId, slot] = [...twin][pick % twin.size]!
          table.remove(slot)
          twin.delete(orderId)
        }
        equal(table.size, twin.size)
        equal(table.full, twin.size === 16)
        for (const [orderId, slot] of twin) {
          equal(table.find(orderId), slot)
          equal(table.orderId[slot], orderId)
        }
      }
    }),
    { numRuns: 100 },
  )
})
