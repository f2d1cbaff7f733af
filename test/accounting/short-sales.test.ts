// The short flag against a twin that recounts, for each order, everything that was submitted and reported before it.

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ShortSaleModel } from '../../src/accounting/short-sales.ts'
import { isTerminal, OrderStatus } from '../../src/domain/order-status.ts'
import { Side } from '../../src/domain/side.ts'
import { quantities } from './amounts.ts'

interface TwinOrder {
  readonly id: number
  readonly ticker: string
  readonly side: Side
  readonly quantity: number
  filled: number
  ended: boolean
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('submit', 'report', 'report', 'stray', 'position'),
    ticker: fc.constantFrom('ABX.TSX', 'XYZ.TSX'),
    side: fc.constantFrom(Side.Ask, Side.Bid),
    quantity: quantities,
    signed: fc.boolean(),
    status: fc.constantFrom(...Object.values(OrderStatus)),
    pick: fc.nat(),
  }),
  { maxLength: 200, size: 'max' },
)

test('a sale is short when what is pending with it exceeds what is held, after any history', () => {
  fc.assert(
    fc.property(steps, commands => {
      const model = new ShortSaleModel()
      const orders: TwinOrder[] = []
      const seeded = new Map<string, number>()
      const position = (ticker: string) =>
        orders
          .filter(order => order.ticker === ticker)
          .reduce((sum, { side, filled }) => sum + (side === Side.Bid ? filled : -filled), seeded.get(ticker) ?? 0)
      const pending = (ticker: string) =>
        orders
          .filter(order => order.ticker === ticker && order.side === Side.Ask)
          .filter(order => !order.ended)
          .reduce((sum, { quantity, filled }) => sum + Math.max(0, quantity - filled), 0)
      for (const { kind, ticker, side, quantity, signed, status, pick } of commands) {
        const order = orders[pick % Math.max(1, orders.length)]
        if (kind === 'submit') {
          const id = orders.length + 1
          orders.push({ id, ticker, side, quantity, filled: 0, ended: false })
          equal(model.submit(id, ticker, side, quantity), side === Side.Ask && pending(ticker) > position(ticker))
        } else if (kind === 'position') {
          const amount = signed ? -quantity : quantity
          model.addPosition(ticker, amount)
          seeded.set(ticker, (seeded.get(ticker) ?? 0) + amount)
        } else if (kind === 'stray') {
          model.report(9999, status, quantity)
        } else if (order !== undefined) {
          const lastQty = signed ? quantity : 0
          model.report(order.id, status, lastQty)
          if (!order.ended) {
            order.filled += lastQty
            order.ended = isTerminal(status)
          }
        }
        deepEqual(model.state(ticker), { position: position(ticker), pendingSell: pending(ticker) })
      }
    }),
    { numRuns: 60 },
  )
})
