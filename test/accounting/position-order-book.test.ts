// The position order book against a twin that recounts everything from a list of all orders ever added.

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type BookedOrder, opens, PositionOrderBook } from '../../src/accounting/position-order-book.ts'
import { isTerminal, OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Side } from '../../src/domain/side.ts'
import { prices, quantities } from './amounts.ts'

const TICKERS = ['ABX.TSX', 'XYZ.TSX']

interface TwinOrder extends BookedOrder {
  quantity: number
  price: number
  remaining: number
}

/** The obvious book: a list, walked. */
class BookTwin {
  readonly positions = new Map<string, number>()
  live: TwinOrder[] = []
  /** Executed whole, and not ended. */
  done: TwinOrder[] = []

  opens(ticker: string, side: Side, quantity: number): boolean {
    const position = this.positions.get(ticker) ?? 0
    if (position === 0 || position > 0 === (side === Side.Bid)) return true
    const open = this.live
      .filter(order => order.ticker === ticker && order.side === side)
      .reduce((sum, { remaining }) => sum + remaining, 0)
    return open + quantity > Math.abs(position)
  }

  opening(): number[] {
    const ids: number[] = []
    for (const ticker of TICKERS) {
      const position = this.positions.get(ticker) ?? 0
      for (const side of [Side.Ask, Side.Bid]) {
        const orders = this.live.filter(order => order.ticker === ticker && order.side === side)
        if (position === 0 || position > 0 === (side === Side.Bid)) {
          ids.push(...orders.map(({ orderId }) => orderId))
          continue
        }
        let capacity = Math.abs(position)
        const types = [OrderType.Market, OrderType.Limit, OrderType.Pegged, OrderType.Stop]
        const leastAggressive = (a: TwinOrder, b: TwinOrder) =>
          side === Side.Bid ? a.price - b.price : b.price - a.price
        const closing = types.flatMap(type => orders.filter(order => order.type === type).sort(leastAggressive))
        const split = closing.findIndex(({ remaining }) => {
          if (remaining > capacity) return true
          capacity -= remaining
          return false
        })
        if (split >= 0) ids.push(...closing.slice(split).map(({ orderId }) => orderId))
      }
    }
    return ids.sort((a, b) => a - b)
  }

  report(order: TwinOrder, status: OrderStatus, lastQty: number): void {
    const moved = order.side === Side.Bid ? lastQty : -lastQty
    this.positions.set(order.ticker, (this.positions.get(order.ticker) ?? 0) + moved)
    order.remaining = isTerminal(status) ? 0 : Math.max(0, order.remaining - lastQty)
    this.#sort(order, !isTerminal(status))
  }

  replace(order: TwinOrder, quantity: number, price: number): void {
    const wasDone = this.done.includes(order)
    if (wasDone && quantity <= order.quantity) return
    order.remaining = Math.max(0, order.remaining + quantity - order.quantity)
    order.quantity = quantity
    order.price = price
    if (wasDone) {
      this.done = this.done.filter(other => other !== order)
      this.live.push(order)
    }
    this.#sort(order, true)
  }

  #sort(order: TwinOrder, mayReturn: boolean): void {
    if (order.remaining > 0) return
    this.live = this.live.filter(other => other !== order)
    if (mayReturn) this.done.push(order)
  }
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('add', 'add', 'report', 'report', 'replace', 'position', 'stray'),
    ticker: fc.constantFrom(...TICKERS),
    type: fc.constantFrom(OrderType.Market, OrderType.Limit, OrderType.Limit, OrderType.Pegged, OrderType.Stop),
    side: fc.constantFrom(Side.Ask, Side.Bid),
    quantity: quantities,
    price: prices,
    status: fc.constantFrom(...Object.values(OrderStatus)),
    fills: fc.boolean(),
    pick: fc.nat(),
  }),
  { maxLength: 150, size: 'max' },
)

test('the book tells opening from closing orders as walking all orders does, after each of any steps', () => {
  fc.assert(
    fc.property(steps, commands => {
      const book = new PositionOrderBook()
      const twin = new BookTwin()
      commands.forEach(({ kind, ticker, type, side, quantity, price, status, fills, pick }, index) => {
        equal(book.opens(ticker, side, quantity), twin.opens(ticker, side, quantity))
        const order = twin.live[pick % Math.max(1, twin.live.length)]
        if (kind === 'add') {
          const added = { orderId: index, ticker, type, side, quantity, price }
          book.add(added)
          twin.live.push({ ...added, remaining: quantity })
        } else if (kind === 'position') {
          const amount = fills ? quantity : -quantity
          book.addPosition(ticker, amount)
          twin.positions.set(ticker, (twin.positions.get(ticker) ?? 0) + amount)
        } else if (kind === 'stray') {
          book.report(-1, status, quantity)
        } else if (kind === 'replace') {
          // Of an order that has been executed whole there may be more as well.
          const chosen = fills ? order : twin.done[pick % Math.max(1, twin.done.length)]
          if (chosen === undefined) return
          book.replace(chosen.orderId, quantity, price)
          twin.replace(chosen, quantity, price)
        } else if (order !== undefined) {
          const lastQty = fills ? Math.min(quantity, order.remaining + 1) : 0
          book.report(order.orderId, status, lastQty)
          twin.report(order, status, lastQty)
        }
        deepEqual(
          [...book.liveOrders()].map(({ orderId }) => orderId),
          twin.live.map(({ orderId }) => orderId),
        )
        deepEqual(
          [...book.openingOrders()].map(({ orderId }) => orderId).sort((a, b) => a - b),
          twin.opening(),
        )
        deepEqual(new Map(book.positions()), new Map([...twin.positions].filter(([, quantity]) => quantity !== 0)))
      })
    }),
    { numRuns: 60 },
  )
})

test('an order opens unless it and the open orders of its side fit into an opposite position', () => {
  const cases: [position: number, open: number, side: Side, quantity: number, opening: boolean][] = [
    [0, 0, Side.Bid, 1, true],
    [0, 0, Side.Ask, 1, true],
    [100, 0, Side.Bid, 1, true],
    [100, 0, Side.Ask, 100, false],
    [100, 0, Side.Ask, 101, true],
    [100, 60, Side.Ask, 40, false],
    [100, 60, Side.Ask, 41, true],
    [-100, 0, Side.Ask, 1, true],
    [-100, 60, Side.Bid, 40, false],
    [-100, 60, Side.Bid, 41, true],
  ]
  for (const [position, open, side, quantity, opening] of cases) equal(opens(position, open, side, quantity), opening)
})
