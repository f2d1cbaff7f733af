// Buying power against a twin that keeps sorted arrays, walks them as the rule is told, and counts in exact integers.

import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BuyingPowerModel, BuyingPowerPool, type Exposure } from '../../src/accounting/buying-power.ts'
import { AssertionFailed } from '../../src/base/assert.ts'
import { AmountOutOfRange, MICROS, MICROS_MAX } from '../../src/domain/money.ts'
import { isTerminal, OrderStatus } from '../../src/domain/order-status.ts'
import { Side } from '../../src/domain/side.ts'
import { exactMulDiv, exactValue, larger, magnitude, prices, quantities, smaller } from './amounts.ts'

const ORDERS_MAX = 300
const TICKERS = 3

interface TwinOrder {
  readonly slot: number
  readonly ticker: TwinTicker
  readonly side: Side
  readonly price: bigint
  remaining: bigint
}

interface TwinTicker {
  position: bigint
  expenditure: bigint
  asks: TwinOrder[]
  bids: TwinOrder[]
}

/** The obvious model of one account. */
class BuyingPowerTwin {
  readonly tickers: TwinTicker[] = Array.from({ length: TICKERS }, () => ({
    position: 0n,
    expenditure: 0n,
    asks: [],
    bids: [],
  }))

  submit(slot: number, ticker: TwinTicker, side: Side, quantity: bigint, price: bigint): void {
    const order = { slot, ticker, side, price, remaining: quantity }
    const queue = side === Side.Ask ? ticker.asks : ticker.bids
    const behind = queue.findIndex(other => (side === Side.Ask ? other.price >= price : other.price <= price))
    queue.splice(behind < 0 ? queue.length : behind, 0, order)
  }

  report(order: TwinOrder, status: OrderStatus, n: bigint, p: bigint): void {
    const idle: OrderStatus[] = [
      OrderStatus.PendingNew,
      OrderStatus.New,
      OrderStatus.Suspended,
      OrderStatus.PendingCancel,
      OrderStatus.CancelReject,
      OrderStatus.PendingReplace,
      OrderStatus.Replaced,
      OrderStatus.ReplaceReject,
    ]
    if (idle.includes(status)) return
    order.remaining = isTerminal(status) ? 0n : larger(0n, order.remaining - n)
    const { ticker } = order
    const direction = order.side === Side.Bid ? 1n : -1n
    if (ticker.position * direction < 0n) {
      const closed = smaller(n, magnitude(ticker.position))
      ticker.expenditure -= exactMulDiv(ticker.expenditure, closed, magnitude(ticker.position))
      ticker.position += direction * closed
      n -= closed
    }
    ticker.position += direction * n
    ticker.expenditure += direction * exactValue(n, p)
  }

  used(): bigint {
    return this.tickers.reduce((sum, { position, expenditure, asks, bids }) => {
      return position >= 0n
        ? sum + larger(cost(asks, position), cost(bids, 0n) + expenditure)
        : sum + larger(cost(asks, 0n) - expenditure, cost(bids, -position))
    }, 0n)
  }
}

function cost(queue: readonly TwinOrder[], free: bigint): bigint {
  let sum = 0n
  for (const { remaining, price } of queue) {
    const covered = smaller(free, remaining)
    free -= covered
    sum += exactValue(remaining - covered, price)
  }
  return sum
}

const statuses = fc.constantFrom(...Object.values(OrderStatus).filter(status => status !== OrderStatus.None))

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('submit', 'submit', 'fill', 'fill', 'cancel', 'report', 'adjust', 'restore'),
    ticker: fc.nat({ max: TICKERS - 1 }),
    side: fc.constantFrom(Side.Ask, Side.Bid),
    quantity: quantities,
    price: prices,
    status: statuses,
    pick: fc.nat(),
    all: fc.boolean(),
  }),
  { maxLength: 300, size: 'max' },
)

test('buying power is what walking the open orders says, after each of any submissions, reports and restores', () => {
  fc.assert(
    fc.property(steps, commands => {
      const twin = new BuyingPowerTwin()
      const pool = new BuyingPowerPool(ORDERS_MAX)
      let model = new BuyingPowerModel(pool)
      let exposures: Exposure[] = twin.tickers.map(() => model.openExposure())
      // A second account in the same pool, which must stay as it is.
      const other = new BuyingPowerModel(pool)
      other.hold(ORDERS_MAX - 1, other.openExposure(), Side.Ask, 3 * MICROS, 10 * MICROS)
      let live: TwinOrder[] = []
      let slots = Array.from({ length: ORDERS_MAX - 1 }, (_, index) => index)
      for (const { kind, ticker: index, side, quantity, price, status, pick, all } of commands) {
        const ticker = twin.tickers[index]!
        const order = live[pick % Math.max(1, live.length)]
        if (kind === 'submit') {
          const slot = slots.pop()
          if (slot === undefined) continue
          const before = model.used
          const foreseen = model.usedIfSubmitted(exposures[index]!, side, quantity, price)
          equal(model.used, before)
          model.hold(slot, exposures[index]!, side, quantity, price)
          equal(model.used, foreseen)
          twin.submit(slot, ticker, side, BigInt(quantity), BigInt(price))
          live.push((side === Side.Ask ? ticker.asks : ticker.bids).find(other => other.slot === slot)!)
        } else if (kind === 'adjust') {
          const signed = side === Side.Ask ? -quantity : quantity
          const expenditure = all ? signed * 10 : 0
          model.adjust(exposures[index]!, signed, expenditure)
          ticker.position += BigInt(signed)
          ticker.expenditure += BigInt(expenditure)
        } else if (kind === 'restore') {
          // Another process takes over: positions as they were, then the live orders as they stand.
          for (const { slot } of live) model.release(slot)
          model = new BuyingPowerModel(pool)
          exposures = twin.tickers.map(() => model.openExposure())
          twin.tickers.forEach(({ position, expenditure }, at) => {
            model.adjust(exposures[at]!, Number(position), Number(expenditure))
          })
          for (const { asks, bids } of twin.tickers) {
            for (const order of [...asks, ...bids].reverse()) {
              const at = twin.tickers.indexOf(order.ticker)
              model.hold(order.slot, exposures[at]!, order.side, Number(order.remaining), Number(order.price))
            }
          }
        } else if (order !== undefined) {
          const lastQty = all ? Number(order.remaining) : Math.min(quantity, 1.5 * Number(order.remaining))
          const last = Math.floor(kind === 'cancel' ? 0 : lastQty)
          const next =
            kind === 'cancel'
              ? OrderStatus.Canceled
              : kind === 'report'
                ? status
                : last >= order.remaining
                  ? OrderStatus.Filled
                  : OrderStatus.PartiallyFilled
          model.report(order.slot, next, last, price)
          twin.report(order, next, BigInt(last), BigInt(price))
          if (isTerminal(next)) {
            slots = [...slots, order.slot]
            live = live.filter(other => other !== order)
            order.ticker.asks = order.ticker.asks.filter(other => other !== order)
            order.ticker.bids = order.ticker.bids.filter(other => other !== order)
          }
        }
        equal(model.used, Number(twin.used()))
        deepEqual(
          exposures.map(({ position, expenditure }) => [position, expenditure]),
          twin.tickers.map(({ position, expenditure }) => [Number(position), Number(expenditure)]),
        )
      }
      equal(other.used, 30 * MICROS)
      for (const { slot } of live) model.release(slot)
    }),
    { numRuns: 60 },
  )
})

test('an order that would carry a sum out of the range uses more than any limit and cannot be held', () => {
  const model = new BuyingPowerModel(new BuyingPowerPool(4))
  const exposure = model.openExposure()
  equal(model.usedIfSubmitted(exposure, Side.Bid, MICROS_MAX, MICROS), MICROS_MAX)
  equal(model.usedIfSubmitted(exposure, Side.Bid, MICROS_MAX, 2 * MICROS), Number.POSITIVE_INFINITY)
  model.hold(0, exposure, Side.Bid, MICROS, MICROS_MAX)
  equal(model.usedIfSubmitted(exposure, Side.Bid, MICROS, 1), Number.POSITIVE_INFINITY)
  throws(() => model.hold(1, exposure, Side.Bid, MICROS, 1), AmountOutOfRange)
  equal(model.used, MICROS_MAX)
  model.hold(1, exposure, Side.Ask, MICROS, MICROS)
  equal(model.used, MICROS_MAX)
})

test('a sum over tickers that has left the range is exact again when it is back', () => {
  const model = new BuyingPowerModel(new BuyingPowerPool(4))
  const [first, second] = [model.openExposure(), model.openExposure()]
  model.hold(0, first, Side.Bid, MICROS, MICROS_MAX)
  model.hold(1, second, Side.Bid, MICROS, 2)
  equal(model.usedIfSubmitted(second, Side.Bid, MICROS, 1), Number.POSITIVE_INFINITY)
  model.release(0)
  equal(model.used, 2)
})

test('a fill out of the range is refused and changes nothing', () => {
  const model = new BuyingPowerModel(new BuyingPowerPool(1))
  const exposure = model.openExposure()
  model.hold(0, exposure, Side.Bid, 10 * MICROS, MICROS)
  throws(() => model.fill(0, 2 * MICROS, MICROS_MAX), AmountOutOfRange)
  throws(() => model.release(0, 2 * MICROS, MICROS_MAX), AmountOutOfRange)
  deepEqual([exposure.position, exposure.expenditure, model.used], [0, 0, 10 * MICROS])
})

test('an order without quantity is held and released like any other', () => {
  const model = new BuyingPowerModel(new BuyingPowerPool(1))
  const exposure = model.openExposure()
  model.hold(0, exposure, Side.Bid, 0, MICROS)
  throws(() => model.hold(0, exposure, Side.Bid, 0, MICROS), AssertionFailed)
  model.fill(0, 2 * MICROS, 3 * MICROS)
  model.release(0)
  throws(() => model.release(0), AssertionFailed)
  deepEqual([exposure.position, exposure.expenditure, model.used], [2 * MICROS, 6 * MICROS, 6 * MICROS])
})

test('what a pool holds stays as it is when the pool grows', () => {
  const pool = new BuyingPowerPool(2)
  const model = new BuyingPowerModel(pool)
  const exposure = model.openExposure()
  model.hold(0, exposure, Side.Bid, 10 * MICROS, 2 * MICROS)
  model.hold(1, exposure, Side.Bid, 10 * MICROS, 3 * MICROS)
  pool.grow(300)
  model.hold(299, exposure, Side.Bid, 10 * MICROS, 3 * MICROS)
  equal(model.used, 80 * MICROS)
  pool.ladders.verify(exposure.bids)
  for (const slot of [1, 0, 299]) model.release(slot)
  equal(model.used, 0)
})
