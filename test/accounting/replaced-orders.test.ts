// Buying power of orders that are being replaced, against a twin that plays through everything such an order may come to
// and takes the worst. Quantities are whole units, so that nothing is rounded.

import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BuyingPowerModel, BuyingPowerPool } from '../../src/accounting/buying-power.ts'
import { PriceLadders } from '../../src/accounting/price-ladder.ts'
import { MICROS } from '../../src/domain/money.ts'
import { Side } from '../../src/domain/side.ts'
import { quantities } from './amounts.ts'
import { type EndingOrder, slack, worstCost } from './worst-ending.ts'

/** More for a longer search: RUNS=20000. */
const RUNS = Number(process.env.RUNS ?? 300)
const ORDERS_MAX = 40
const TICKERS = 2

interface TwinOrder extends EndingOrder {
  readonly slot: number
  readonly ticker: number
}

interface TwinTicker {
  position: number
  expenditure: number
}

const step = fc.record({
  kind: fc.constantFrom(
    'submit',
    'submit',
    'fill',
    'fill',
    'replace',
    'replace',
    'accept',
    'reject',
    'cancel',
    'amend',
  ),
  ticker: fc.nat({ max: TICKERS - 1 }),
  side: fc.constantFrom(Side.Ask, Side.Bid),
  quantity: fc.integer({ min: 1, max: 9 }),
  price: fc.integer({ min: 1, max: 6 }),
  pick: fc.nat(),
  all: fc.boolean(),
})

test('while a replace is pending an order holds what its worst ending needs, and after it exactly its terms', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), steps => {
      const model = new BuyingPowerModel(new BuyingPowerPool(ORDERS_MAX, 1))
      const exposures = Array.from({ length: TICKERS }, () => model.openExposure())
      const tickers: TwinTicker[] = exposures.map(() => ({ position: 0, expenditure: 0 }))
      let live: TwinOrder[] = []
      const free = Array.from({ length: ORDERS_MAX }, (_, slot) => slot)
      const ofSide = (ticker: number, side: Side) =>
        live.filter(order => order.ticker === ticker && order.side === side)
      /** Whether a look ahead may say more than comes of it. */
      const isLoose = (index: number, side: Side) => {
        const covering = (side === Side.Ask ? 1 : -1) * tickers[index]!.position
        const { dearerAsks, dearerBids } = exposures[index]!
        return covering > 0 && (side === Side.Ask ? dearerAsks : dearerBids).length > 0
      }
      const foretold = (foreseen: number, index: number, side: Side) => {
        if (isLoose(index, side)) ok(foreseen >= model.used)
        else equal(foreseen, model.used)
      }
      const fill = (order: TwinOrder, quantity: number) => {
        const ticker = tickers[order.ticker]!
        const signed = order.side === Side.Bid ? quantity : -quantity
        ticker.position += signed
        order.left -= quantity
        if (order.next !== undefined) order.next.left = Math.max(0, order.next.left - quantity)
      }
      for (const { kind, ticker, side, quantity, price, pick, all } of steps) {
        const order = live[pick % Math.max(1, live.length)]
        const waiting = live.filter(({ next }) => next !== undefined)
        const answered = waiting[pick % Math.max(1, waiting.length)]
        if (kind === 'submit') {
          const slot = free.pop()
          if (slot === undefined) continue
          const foreseen = model.usedIfSubmitted(exposures[ticker]!, side, quantity * MICROS, price * MICROS)
          model.hold(slot, exposures[ticker]!, side, quantity * MICROS, price * MICROS)
          foretold(foreseen, ticker, side)
          live.push({ slot, ticker, side, left: quantity, price, next: undefined })
        } else if (kind === 'fill' && order !== undefined) {
          const done = all ? order.left : Math.min(order.left, quantity)
          // An order that is filled whole lives on where more was asked for.
          const ends = done === order.left && order.next === undefined
          if (ends) model.release(order.slot, done * MICROS, order.price * MICROS)
          else model.fill(order.slot, done * MICROS, order.price * MICROS)
          fill(order, done)
          if (ends) end(order)
        } else if (kind === 'replace' && order !== undefined && order.next === undefined && waiting.length < 4) {
          const loose = isLoose(order.ticker, order.side)
          const foreseen = model.usedIfReplaced(order.slot, quantity * MICROS, price * MICROS, true)
          model.beginReplace(order.slot, quantity * MICROS, price * MICROS)
          if (loose) ok(foreseen >= model.used)
          else equal(foreseen, model.used)
          order.next = { left: quantity, price }
        } else if (kind === 'accept' && answered !== undefined) {
          const { left, price } = answered.next!
          model.amend(answered.slot, left * MICROS, price * MICROS)
          Object.assign(answered, { left, price, next: undefined })
          if (left === 0) {
            model.release(answered.slot)
            end(answered)
          }
        } else if (kind === 'reject' && answered !== undefined) {
          equal(
            model.priceOf(answered.slot),
            answered.left === 0 ? model.priceOf(answered.slot) : answered.price * MICROS,
          )
          model.amend(answered.slot, answered.left * MICROS, model.priceOf(answered.slot))
          answered.next = undefined
          if (answered.left === 0) {
            model.release(answered.slot)
            end(answered)
          }
        } else if (kind === 'amend' && order !== undefined && order.next === undefined) {
          const foreseen = model.usedIfReplaced(order.slot, quantity * MICROS, price * MICROS, false)
          model.amend(order.slot, quantity * MICROS, price * MICROS)
          foretold(foreseen, order.ticker, order.side)
          Object.assign(order, { left: quantity, price })
        } else if (kind === 'cancel' && order !== undefined) {
          model.release(order.slot)
          end(order)
        }
        for (const [index, exposure] of exposures.entries()) {
          equal(exposure.position, tickers[index]!.position * MICROS)
          for (const side of [Side.Ask, Side.Bid]) {
            const orders = ofSide(index, side)
            const covering = Math.max(0, (side === Side.Ask ? 1 : -1) * tickers[index]!.position)
            const needed = worstCost(orders, side, covering) * MICROS
            const held = side === Side.Ask ? exposure.askCost : exposure.bidCost
            const more = covering === 0 ? 0 : slack(orders) * MICROS
            ok(held >= needed && held <= needed + more, `held ${held} where ${needed} are needed`)
          }
        }
      }
      for (const { slot } of live) model.release(slot)
      for (const { askCost, bidCost, dearerAsks, dearerBids } of exposures) {
        equal(askCost + bidCost + dearerAsks.length + dearerBids.length, 0)
      }

      function end(order: TwinOrder): void {
        live = live.filter(other => other !== order)
        free.push(order.slot)
      }
    }),
    { numRuns: RUNS },
  )
})

test('what orders would cost with one replaced is what they cost once it is, however costs are rounded', () => {
  const orders = fc.array(fc.record({ quantity: quantities, price: fc.integer({ min: 1, max: 5 }) }), {
    minLength: 1,
    maxLength: 60,
    size: 'max',
  })
  const free = fc.oneof(fc.constant(0), quantities, quantities)
  const part = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(
      orders,
      fc.nat(),
      part,
      fc.integer({ min: 1, max: 5 }),
      quantities,
      free,
      fc.constantFrom(1, -1),
      (all, pick, kept, price, quantity, free, direction) => {
        const odd = (price: number) => price * 1_003_000 + 7
        const slot = pick % all.length
        const keep = Math.floor(all[slot]!.quantity * kept)
        const ladders = new PriceLadders(2 * all.length + 1)
        const [as, was] = [0, 1].map(() => ({ direction: direction as 1 | -1, root: 0 })) as [Ladder, Ladder]
        for (const [index, order] of all.entries()) {
          ladders.add(was, index, odd(order.price), order.quantity)
          ladders.add(as, all.length + index, odd(order.price), order.quantity)
        }
        const foreseen = ladders.costInstead(was, free, slot, keep, odd(price), quantity)
        ladders.reduce(as, all.length + slot, keep)
        ladders.add(as, 2 * all.length, odd(price), quantity)
        equal(foreseen, ladders.cost(as, free))
        ladders.verify(was)
      },
    ),
    { numRuns: RUNS },
  )
})

type Ladder = Parameters<PriceLadders['cost']>[0]
