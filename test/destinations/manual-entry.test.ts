import { deepEqual, fail } from 'node:assert/strict'
import { test } from 'node:test'
import { RoutedOrder } from '../../src/destinations/destination.ts'
import { ManualEntry } from '../../src/destinations/manual-entry.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { Side } from '../../src/domain/side.ts'

const AT = 1_755_000_000_000_000
const SLOT = 3

function manualOrder(changes: Partial<RoutedOrder> = {}): RoutedOrder {
  const order = { side: Side.Ask, quantity: 250, price: 12, destination: 'MOE', byAdministrator: true, ...changes }
  return Object.assign(new RoutedOrder(), order)
}

/** What manual entry reports while `act` is done to it. */
function reports(act: (manual: ManualEntry) => void): unknown[][] {
  const told: unknown[][] = []
  const never = () => fail('a manual order was replaced')
  act(new ManualEntry({ report: (...report) => told.push(report), replaced: never, replaceRejected: never }))
  return told
}

const acknowledged = [SLOT, OrderStatus.New, 0, 0, AT, Reason.None, '']
const filled = [SLOT, OrderStatus.Filled, 250, 12, AT, Reason.None, 'MOE']
const rejected = (reason: Reason) => [SLOT, OrderStatus.Rejected, 0, 0, AT, reason, '']

test("an administrator's order is filled at once, in full, at its price and at the destination", () => {
  deepEqual(
    reports(manual => manual.submit(SLOT, manualOrder(), AT)),
    [acknowledged, filled],
  )
})

test('anybody else is rejected, before the order is looked at', () => {
  const order = manualOrder({ byAdministrator: false, quantity: 0 })
  deepEqual(
    reports(manual => manual.submit(SLOT, order, AT)),
    [rejected(Reason.ManualOrderNotPermitted)],
  )
})

for (const [what, changes, reason] of [
  ['no quantity', { quantity: 0 }, Reason.InvalidQuantity],
  ['a negative quantity', { quantity: -1 }, Reason.InvalidQuantity],
  ['no price', { price: 0 }, Reason.InvalidPrice],
  ['a negative price', { price: -1 }, Reason.InvalidPrice],
] as const) {
  test(`an order with ${what} is rejected`, () => {
    deepEqual(
      reports(manual => manual.submit(SLOT, manualOrder(changes), AT)),
      [rejected(reason)],
    )
  })
}

test('a cancel and an update of what has ended change nothing', () => {
  const told = reports(manual => {
    manual.submit(SLOT, manualOrder(), AT)
    manual.cancel()
    manual.update()
  })
  deepEqual(told, [acknowledged, filled])
})

test('an order restored without its fill gets what is missing, at the time it was accepted', () => {
  deepEqual(
    reports(manual => manual.restore(SLOT, manualOrder(), OrderStatus.PendingNew, 250, AT)),
    [acknowledged, filled],
  )
  deepEqual(
    reports(manual => manual.restore(SLOT, manualOrder(), OrderStatus.New, 250, AT)),
    [filled],
  )
})
