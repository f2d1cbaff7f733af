// A generated record of one account: orders accepted and reported on in any mixture, as the server would tell it.

import fc from 'fast-check'
import { MICROS } from '../../src/domain/money.ts'
import { isTerminal, OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Side } from '../../src/domain/side.ts'
import type { RiskOrder } from '../../src/risk/account-risk.ts'
import type { SnapshotReport } from '../../src/risk/inventory-snapshot.ts'

const CAD = 124
const AUD = 36
export const CURRENCIES = new Map([
  ['ABX.TSX', CAD],
  ['XYZ.TSX', CAD],
  ['S32.ASX', AUD],
])

export interface RecordEvent {
  readonly reportSequence: number
  readonly order: RiskOrder
  /** Undefined where the order is accepted by this event. */
  readonly report: SnapshotReport | undefined
}

const steps = fc.array(
  fc.record({
    isNew: fc.boolean(),
    ticker: fc.constantFrom(...CURRENCIES.keys()),
    side: fc.constantFrom(Side.Ask, Side.Bid),
    quantity: fc.integer({ min: 1, max: 6 }).map(lots => lots * 100 * MICROS),
    price: fc.integer({ min: 995, max: 1_005 }).map(cents => cents * 10_000),
    order: fc.nat(),
    status: fc.constantFrom(
      OrderStatus.New,
      OrderStatus.PartiallyFilled,
      OrderStatus.PartiallyFilled,
      OrderStatus.Filled,
      OrderStatus.Canceled,
      OrderStatus.PendingCancel,
      OrderStatus.Rejected,
    ),
    part: fc.integer({ min: 1, max: 3 }),
    fees: fc.constantFrom(0, 10_000, -5_000),
  }),
  { maxLength: 60, size: 'max' },
)

/** Records in which every order is legal: nothing follows its end, nothing is filled beyond its quantity. */
export const records: fc.Arbitrary<RecordEvent[]> = steps.map(commands => {
  const events: RecordEvent[] = []
  let live: { order: RiskOrder; remaining: number }[] = []
  let orders = 0
  for (const { isNew, ticker, side, quantity, price, order: at, status, part, fees } of commands) {
    const reportSequence = events.length + 1
    if (isNew || live.length === 0) {
      orders += 1
      const order: RiskOrder = {
        orderId: 1_000 + 7 * orders,
        orderSequence: orders,
        ticker,
        currency: CURRENCIES.get(ticker)!,
        type: OrderType.Limit,
        side,
        quantity,
        price,
      }
      live.push({ order, remaining: quantity })
      events.push({ reportSequence, order, report: undefined })
      continue
    }
    const entry = live[at % live.length]!
    const fills = status === OrderStatus.PartiallyFilled || status === OrderStatus.Filled
    const lastQty = fills ? (status === OrderStatus.Filled ? entry.remaining : wholePart(entry.remaining, part)) : 0
    entry.remaining -= lastQty
    const report = { reportSequence, status, lastQty, lastPx: fills ? price : 0, fees: fills ? fees : 0 }
    events.push({ reportSequence, order: entry.order, report })
    if (isTerminal(status)) live = live.filter(other => other !== entry)
  }
  return events
})

/** Part of what an order has left, in whole units. */
function wholePart(remaining: number, part: number): number {
  return Math.ceil(remaining / (2 * part) / MICROS) * MICROS
}
