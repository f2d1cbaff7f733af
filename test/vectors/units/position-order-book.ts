// Model `position_order_book`: opening and closing orders.

import { PositionOrderBook } from '../../../src/accounting/position-order-book.ts'
import { stepDifferences } from '../compare.ts'
import type { VectorUnit } from '../unit.ts'
import { type Amount, amount, decimal, order, report, type VectorOrder, type VectorReport } from '../values.ts'

interface BookStep {
  op: string
  order: VectorOrder & { id: number }
  report: VectorReport
}

const positionOrderBookUnit: VectorUnit = {
  name: 'position_order_book',
  run(vector) {
    const { positions = [] } = (vector.setup ?? {}) as { positions?: { ticker: string; quantity: Amount }[] }
    const book = new PositionOrderBook()
    for (const { ticker, quantity } of positions) book.addPosition(ticker, amount(quantity))
    const results = (vector.steps as unknown as BookStep[]).map(step => result(book, step))
    return stepDifferences(vector, results, state(book))
  },
}

export const units: VectorUnit[] = [positionOrderBookUnit]

function result(book: PositionOrderBook, step: BookStep): unknown {
  switch (step.op) {
    case 'add':
      book.add({ orderId: step.order.id, ...order(step.order) })
      return null
    case 'report': {
      const { id, status, lastQty } = report(step.report)
      book.report(id, status, lastQty)
      return null
    }
    case 'test': {
      const { ticker, side, quantity } = order(step.order)
      return { opening: book.opens(ticker, side, quantity) }
    }
    case 'state':
      return state(book)
    default:
      throw new Error(`there is no step ${step.op}`)
  }
}

function state(book: PositionOrderBook): unknown {
  const ids = (orders: Iterable<{ orderId: number }>) => [...orders].map(order => order.orderId).sort((a, b) => a - b)
  return {
    live: ids(book.liveOrders()),
    opening: ids(book.openingOrders()),
    positions: Object.fromEntries([...book.positions()].map(([ticker, quantity]) => [ticker, decimal(quantity)])),
  }
}
