// The ladder against a sorted array that is walked order by order.

import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emptyLadder, PriceLadders, ROUNDED_LEVEL_ORDERS_MAX } from '../../src/accounting/price-ladder.ts'
import { AmountOutOfRange, MICROS, MICROS_MAX } from '../../src/domain/money.ts'
import { exactValue, prices, quantities, smaller } from './amounts.ts'

const ORDERS_MAX = 400

interface TwinOrder {
  readonly slot: number
  readonly price: bigint
  remaining: bigint
}

/** The obvious ladder. */
class LadderTwin {
  orders: TwinOrder[] = []
  readonly #direction: bigint

  constructor(direction: 1 | -1) {
    this.#direction = BigInt(direction)
  }

  add(slot: number, price: number, quantity: number): void {
    const order = { slot, price: BigInt(price), remaining: BigInt(quantity) }
    const behind = this.orders.findIndex(other => other.price * this.#direction >= order.price * this.#direction)
    this.orders.splice(behind < 0 ? this.orders.length : behind, 0, order)
  }

  cost(free: number): number {
    let left = BigInt(free)
    let cost = 0n
    for (const { price, remaining } of this.orders) {
      const covered = smaller(left, remaining)
      left -= covered
      cost += exactValue(remaining - covered, price)
    }
    return Number(cost)
  }

  quantity(): number {
    return Number(this.orders.reduce((sum, { remaining }) => sum + remaining, 0n))
  }

  copy(direction: 1 | -1): LadderTwin {
    const copy = new LadderTwin(direction)
    copy.orders = this.orders.map(order => ({ ...order }))
    return copy
  }
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('add', 'add', 'add', 'reduce', 'remove'),
    price: prices,
    quantity: quantities,
    pick: fc.nat(),
    part: fc.integer({ min: 1, max: 7 }),
    free: fc.oneof(quantities, fc.integer({ min: 0, max: 40_000 * MICROS })),
  }),
  { maxLength: ORDERS_MAX, size: 'max' },
)

for (const direction of [1, -1] as const) {
  test(`a ladder of direction ${direction} costs what walking its orders costs`, () => {
    fc.assert(
      fc.property(steps, commands => {
        const ladders = new PriceLadders(ORDERS_MAX)
        // A second ladder in the same pool, which must stay as it is.
        const other = emptyLadder(direction === 1 ? -1 : 1)
        ladders.add(other, ORDERS_MAX - 1, 10 * MICROS, 7 * MICROS)
        const ladder = emptyLadder(direction)
        const twin = new LadderTwin(direction)
        const slots = Array.from({ length: ORDERS_MAX - 1 }, (_, index) => index)
        for (const { kind, price, quantity, pick, part, free } of commands) {
          const order = twin.orders[pick % Math.max(1, twin.orders.length)]
          if (kind === 'add' || order === undefined) {
            const slot = slots.pop()
            if (slot === undefined) continue
            const tried = twin.copy(direction)
            tried.add(slot, price, quantity)
            for (const units of [0, free, tried.quantity() - free, tried.quantity()]) {
              if (units >= 0) equal(ladders.costWith(ladder, units, price, quantity), tried.cost(units))
            }
            ladders.add(ladder, slot, price, quantity)
            twin.add(slot, price, quantity)
          } else if (kind === 'reduce') {
            const remaining = Math.floor((Number(order.remaining) * part) / 8)
            ladders.reduce(ladder, order.slot, remaining)
            order.remaining = BigInt(remaining)
          } else {
            ladders.reduce(ladder, order.slot, 0)
            order.remaining = 0n
          }
          for (const ended of twin.orders.filter(({ remaining }) => remaining === 0n)) slots.push(ended.slot)
          twin.orders = twin.orders.filter(({ remaining }) => remaining > 0n)
          ladders.verify(ladder)
          equal(ladders.quantity(ladder), twin.quantity())
          for (const units of [0, free, twin.quantity() - free, twin.quantity(), twin.quantity() + 1]) {
            if (units >= 0) equal(ladders.cost(ladder, units), twin.cost(units))
          }
          for (const { slot, remaining } of twin.orders) equal(ladders.remaining(slot), Number(remaining))
          equal(ladders.cost(other, 0), 70 * MICROS)
        }
      }),
      { numRuns: 60 },
    )
  })
}

test('orders with rounded costs at one price are spread over levels, so that no walk is long', () => {
  const ladders = new PriceLadders(1000)
  const ladder = emptyLadder(1)
  const twin = new LadderTwin(1)
  for (let slot = 0; slot < 1000; slot++) {
    const quantity = slot % 3 === 0 ? 500_000 : MICROS
    ladders.add(ladder, slot, 1_000_001, quantity)
    twin.add(slot, 1_000_001, quantity)
  }
  for (let free = 0; free <= twin.quantity(); free += 777_777) equal(ladders.cost(ladder, free), twin.cost(free))
  ok(2 ** ladders.verify(ladder) * ROUNDED_LEVEL_ORDERS_MAX >= 1000)
  for (let i = 0; i < 1000; i++) {
    ladders.reduce(ladder, (i * 389) % 1000, 0)
    ladders.verify(ladder)
  }
  equal(ladders.quantity(ladder), 0)
})

test('any number of orders at one price make one level while their costs need no rounding', () => {
  const ladders = new PriceLadders(1000)
  const ladder = emptyLadder(-1)
  for (let slot = 0; slot < 1000; slot++) ladders.add(ladder, slot, 10_250_000, slot % 2 === 0 ? MICROS : 400_000)
  equal(ladders.verify(ladder), 1)
  equal(ladders.cost(ladder, 350 * MICROS), 350 * 10_250_000)
})

test('the tree stays low in whichever order prices come and go', () => {
  const count = 4096
  const scattered = (i: number) => (i * 1597) % count
  const orders: [coming: (i: number) => number, going: (i: number) => number][] = [
    [i => i, i => i],
    [i => count - 1 - i, i => i],
    [i => i, scattered],
    [scattered, scattered],
    [scattered, i => i],
  ]
  for (const [coming, going] of orders) {
    const ladders = new PriceLadders(count)
    const ladder = emptyLadder(1)
    const heightMax = (levels: number) => 1.45 * Math.log2(levels + 2)
    for (let i = 0; i < count; i++) ladders.add(ladder, coming(i), (coming(i) + 1) * 100, MICROS)
    ok(ladders.verify(ladder) <= heightMax(count))
    for (let i = 0; i < count; i++) {
      if (i % 64 === 0) ok(ladders.verify(ladder) <= heightMax(count - i))
      ladders.reduce(ladder, going(i), 0)
    }
    deepEqual([ladders.verify(ladder), ladders.quantity(ladder), ladders.cost(ladder, 0)], [0, 0, 0])
  }
})

test('a sum that would leave the range is refused and changes nothing', () => {
  const ladders = new PriceLadders(3)
  const ladder = emptyLadder(1)
  ladders.add(ladder, 0, 1, MICROS_MAX - 5)
  throws(() => ladders.add(ladder, 1, 1, 6), AmountOutOfRange)
  throws(() => ladders.costWith(ladder, 0, 1, 6), AmountOutOfRange)
  throws(() => ladders.add(ladder, 1, MICROS_MAX, 2 * MICROS), AmountOutOfRange)
  equal(ladders.has(1), false)
  equal(ladders.quantity(ladder), MICROS_MAX - 5)
  ladders.add(ladder, 1, 1, 5)
  equal(ladders.quantity(ladder), MICROS_MAX)
})
