import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AssertionFailed } from '../../src/base/assert.ts'
import { ClOrdIds } from '../../src/shards/cl-ord-ids.ts'

const bytes = (text: string) => Buffer.from(`..${text}..`)
const print = (number: number) => Int32Array.of(number, -number)

class Remembered {
  readonly ids: ClOrdIds
  readonly live = new Set<number>()

  constructor(capacity: number) {
    this.ids = new ClOrdIds(capacity, orderId => this.live.has(orderId))
  }

  find(account: number, id: string): number {
    const from = bytes(id)
    const entry = this.ids.find(account, from, 2, from.length - 2)
    return entry < 0 ? 0 : this.ids.orderIdOf(entry)
  }

  add(account: number, id: string, orderId: number, fingerprint = orderId): void {
    const from = bytes(id)
    this.ids.find(account, from, 2, from.length - 2)
    this.ids.add(account, from, 2, from.length - 2, orderId, print(fingerprint))
  }
}

test('an id is found by its account and its bytes, and tells whether the order is the same', () => {
  const remembered = new Remembered(4)
  remembered.add(1, 'a', 10)
  remembered.add(2, 'a', 20)
  remembered.add(1, 'ab', 30)
  deepEqual(
    [
      [1, 'a'],
      [2, 'a'],
      [1, 'ab'],
      [1, 'b'],
      [3, 'a'],
      [1, ''],
    ].map(([account, id]) => remembered.find(account as number, id as string)),
    [10, 20, 30, 0, 0, 0],
  )
  const from = bytes('a')
  const entry = remembered.ids.find(1, from, 2, 3)
  deepEqual(
    [print(10), Int32Array.of(10, 10), Int32Array.of(0, -10)].map(words => remembered.ids.sameOrder(entry, words)),
    [true, false, false],
  )
})

test('the oldest of the ended orders is forgotten first, those of live ones never', () => {
  const remembered = new Remembered(3)
  for (const orderId of [1, 2, 3]) remembered.add(1, `id ${orderId}`, orderId)
  remembered.live.add(1)
  const known = () => [1, 2, 3, 4, 5, 6].filter(orderId => remembered.find(1, `id ${orderId}`) === orderId)
  remembered.add(1, 'id 4', 4)
  deepEqual(known(), [1, 3, 4])
  remembered.add(1, 'id 5', 5)
  deepEqual(known(), [1, 4, 5])
  for (const orderId of [4, 5]) remembered.live.add(orderId)
  throws(() => remembered.add(1, 'id 6', 6), AssertionFailed)
  remembered.live.delete(1)
  remembered.add(1, 'id 6', 6)
  deepEqual(known(), [4, 5, 6])
})

test('what is remembered is what a plain map in the order of entry remembers', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'aa', 'é', 'x'.repeat(36), ...Array.from({ length: 20 }, (_, i) => `n${i}`))
  const step = fc.record({ account: fc.constantFrom(0, 1, 70_000), id, lives: fc.boolean(), ends: fc.nat({ max: 50 }) })
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 20 }), fc.array(step, { maxLength: 200, size: 'max' }), (capacity, steps) => {
      const remembered = new Remembered(capacity)
      // The twin: places in turn, each with what it remembers.
      const places: { key: string; orderId: number }[] = []
      let turn = 0
      for (const [index, { account, id, lives, ends }] of steps.entries()) {
        const orderId = index + 1
        const key = `${account} ${id}`
        const known = places.find(place => place.key === key)
        equal(remembered.find(account, id), known?.orderId ?? 0)
        if (known !== undefined) continue
        if (remembered.live.size >= capacity - 1) remembered.live.clear()
        remembered.live.delete(ends)
        remembered.add(account, id, orderId)
        if (lives) remembered.live.add(orderId)
        if (places.length < capacity) places.push({ key, orderId })
        else {
          while (remembered.live.has(places[turn]!.orderId) && places[turn]!.orderId !== orderId) {
            turn = (turn + 1) % capacity
          }
          places[turn] = { key, orderId }
          turn = (turn + 1) % capacity
        }
        for (const place of places) {
          const [at, ...text] = place.key.split(' ')
          equal(remembered.find(Number(at), text.join(' ')), place.orderId)
        }
      }
    }),
    { numRuns: 150 },
  )
})
