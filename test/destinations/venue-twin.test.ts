// Everything that can happen to the simulated venue, in random order, also happens to its slow twin; after each step
// the two have said the same.

import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RoutedOrder, RoutedReplace } from '../../src/destinations/destination.ts'
import { PegKind } from '../../src/destinations/peg.ts'
import { SimulatedVenue } from '../../src/destinations/simulated-venue.ts'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { Side } from '../../src/domain/side.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { emptyReport, RecordingDesk } from './recording-desk.ts'
import { type TwinListing, type TwinReport, VenueTwin } from './venue-twin.ts'

const definitions = definitionsFromData(definitionsData)
const listings: readonly TwinListing[] = [
  { mic: 'XTSE', hoursFromUtc: -4, posting: { TSX: 'XTSE', ALPHA: 'XATS' } },
  { mic: 'XASX', hoursFromUtc: 10, posting: { ASXT: 'XASX' } },
]
const marketCenters: Readonly<Record<string, string>> = { XTSE: 'TSE', XATS: 'ALP', XASX: 'ASX' }
const START_US = Date.UTC(2025, 7, 14, 12) * 1_000
const MINUTE_US = 60_000_000
/** More for a longer search: RUNS=20000. */
const RUNS = Number(process.env.RUNS ?? 300)
const CENT = 10_000
const SHARE = 1_000_000

const price = fc.integer({ min: 98, max: 104 }).map(cents => cents * CENT)
/** Quotes are mostly wide enough for orders to rest, sometimes crossed, sometimes one-sided. */
const quoted = (usual: readonly number[]) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...usual.map(cents => cents * CENT)) },
    { weight: 3, arbitrary: price },
    { weight: 1, arbitrary: fc.constant(0) },
  )
const tickerIndex = fc.constantFrom(0, 0, 0, 1)
const side = fc.constantFrom(Side.Bid, Side.Ask)
const shares = fc.integer({ min: 1, max: 12 }).map(lots => lots * 50 * SHARE)
/** Minutes by which the market's own time of an event is off. */
const lag = fc.constantFrom(0, 0, 0, 0, 0, 0, -90, 90)
const which = fc.nat({ max: 1_000 })
const mic = fc.constantFrom('XTSE', 'XTSE', 'XATS', 'XASX')

const order = fc
  .record({
    tickerIndex,
    side,
    type: fc.oneof(
      { weight: 5, arbitrary: fc.constant(OrderType.Limit) },
      { weight: 3, arbitrary: fc.constantFrom(OrderType.Market, OrderType.Pegged, OrderType.Stop) },
    ),
    timeInForce: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(TimeInForce.Gtc, TimeInForce.Day) },
      { weight: 2, arbitrary: fc.constantFrom(...Object.values(TimeInForce)) },
    ),
    quantity: fc.oneof({ weight: 20, arbitrary: shares }, { weight: 1, arbitrary: fc.constant(0) }),
    price,
    isCapped: fc.boolean(),
    minutesToExpiry: fc.constantFrom(-1, 0, 1, 5, 600),
    destination: fc.constantFrom('TSX', 'TSX', 'ALPHA', 'ASXT', 'MOE', ''),
    pegKind: fc.constantFrom(...Object.values(PegKind)),
    pegDifference: fc.constantFrom(0, 0, CENT, -CENT),
  })
  .map(fields => {
    const { type, isCapped } = fields
    const isPriced = type !== OrderType.Market && (type !== OrderType.Pegged || isCapped)
    return { ...fields, price: isPriced ? fields.price : 0 }
  })

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('submit' as const), order }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('restore' as const),
      order,
      status: fc.constantFrom(OrderStatus.PendingNew, OrderStatus.New, OrderStatus.PartiallyFilled),
      minutesAgo: fc.constantFrom(0, 10, 300, 2_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('replace' as const),
      which,
      price,
      keepsPrice: fc.boolean(),
      leaves: fc.oneof({ weight: 12, arbitrary: shares }, { weight: 1, arbitrary: fc.constant(0) }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('update' as const),
      which,
      status: fc.constantFrom(
        OrderStatus.PendingNew,
        OrderStatus.New,
        OrderStatus.PartiallyFilled,
        OrderStatus.Canceled,
        OrderStatus.Suspended,
      ),
      lastQty: shares,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('quote' as const),
      tickerIndex,
      bid: quoted([98, 99, 100]),
      ask: quoted([102, 103, 104]),
      lag,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('print' as const),
      tickerIndex,
      price,
      size: fc.integer({ min: 50, max: 900 }).map(size => size * SHARE),
      condition: fc.constantFrom('@', '@', '@', '@', 'X'),
      mic,
      lag,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('book' as const),
      tickerIndex,
      participant: fc.constantFrom('A', 'B'),
      mic,
      side,
      price,
      size: fc.constantFrom(-100, 0, 0, 100, 200, 300).map(size => size * SHARE),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('time' as const), minutes: fc.constantFrom(1, 1, 10, 60, 240, 500, 1_440) }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never
type GeneratedOrder = typeof order extends fc.Arbitrary<infer O> ? O : never

class Pair {
  readonly desk = new RecordingDesk()
  readonly twin = new VenueTwin(listings)
  readonly venue: SimulatedVenue
  #nowUs = START_US
  #ids = 0

  constructor() {
    const listing = (index: number) => definitions.venue(listings[index]!.mic)!
    const tickers = { listing, bid: () => 0, ask: () => 0 }
    this.venue = new SimulatedVenue({ capacity: 200, definitions, tickers, events: this.desk })
  }

  take(step: Step): void {
    const now = this.#nowUs
    const { desk, venue, twin } = this
    switch (step.do) {
      case 'submit': {
        const routed = this.#routed(step.order)
        const { orderId, slot } = desk.accept(++this.#ids, routed.quantity, now)
        venue.submit(slot, routed, now)
        twin.submit(orderId, routed, now)
        break
      }
      case 'restore': {
        const routed = this.#routed(step.order)
        const accepted = now - step.minutesAgo * MINUTE_US
        const { orderId, slot } = desk.accept(++this.#ids, routed.quantity, accepted)
        const leaves = Math.max(SHARE, routed.quantity / 2)
        venue.restore(slot, routed, step.status, leaves, accepted, now)
        twin.restore(orderId, routed, step.status, leaves, accepted, now)
        break
      }
      case 'cancel': {
        const found = desk.order(1 + (step.which % Math.max(1, this.#ids)))
        if (found.slot >= 0) venue.cancel(found.slot, now, Reason.CanceledOnRequest)
        twin.cancel(found.orderId, now)
        break
      }
      case 'replace': {
        const { orderId, slot } = desk.order(1 + (step.which % this.#ids))
        if (slot < 0) return
        const price = step.keepsPrice ? (twin.priceOf(orderId) ?? step.price) : step.price
        desk.replacing(orderId, step.leaves)
        venue.replace(slot, Object.assign(new RoutedReplace(), { price, leavesQty: step.leaves }), now)
        twin.replace(orderId, price, step.leaves, now)
        break
      }
      case 'update': {
        const found = desk.order(1 + (step.which % this.#ids))
        const { orderId, slot } = found
        if (slot < 0) return
        const lastQty = step.status === OrderStatus.PartiallyFilled ? step.lastQty : 0
        desk.publish(found, { ...emptyReport(orderId), status: step.status, lastQty })
        venue.update(slot, step.status, lastQty)
        twin.update(orderId, step.status, lastQty)
        break
      }
      case 'quote': {
        const marketUs = now + step.lag * MINUTE_US
        venue.onQuote(step.tickerIndex, step.bid, step.ask, marketUs, now)
        twin.onQuote(step.tickerIndex, step.bid, step.ask, marketUs, now)
        break
      }
      case 'print': {
        const { tickerIndex, price, size, condition } = step
        const marketUs = now + step.lag * MINUTE_US
        venue.onPrint(tickerIndex, price, size, condition, marketCenters[step.mic]!, marketUs, now)
        twin.onPrint(tickerIndex, price, size, condition, step.mic, marketUs, now)
        break
      }
      case 'book': {
        const { tickerIndex, participant, mic, side, price, size } = step
        venue.onBook(tickerIndex, participant, mic, side, price, size, now)
        twin.onBook(tickerIndex, participant, mic, side, price, size, now)
        break
      }
      case 'time':
        this.#nowUs += step.minutes * MINUTE_US
        venue.onTime(this.#nowUs)
        twin.onTime(this.#nowUs)
        break
    }
  }

  hasOrders(): boolean {
    return this.#ids > 0
  }

  said(): TwinReport[] {
    return this.desk.log.map(report => {
      const { orderId, status, lastQty, lastPx, timestamp, reason } = report
      return [orderId, status, lastQty, lastPx, timestamp, reason]
    })
  }

  #routed({ minutesToExpiry, isCapped: _, ...fields }: GeneratedOrder): RoutedOrder {
    return Object.assign(new RoutedOrder(), fields, { expiryUs: this.#nowUs + minutesToExpiry * MINUTE_US })
  }
}

test('the venue says what its slow twin says, after every step', () => {
  compare(fc.array(step, { minLength: 20, maxLength: 120 }))
})

test('so it does where little happens but queues, closes and new sessions', () => {
  const queued = { tickerIndex: 0, type: OrderType.Limit, destination: 'TSX', quantity: 100 * SHARE } as const
  const near = fc.constantFrom(101 * CENT, 102 * CENT)
  const submit = fc
    .tuple(order, near, fc.constantFrom(TimeInForce.Gtc, TimeInForce.Gtc, TimeInForce.Moc))
    .map(([fields, price, timeInForce]): Step => {
      return { do: 'submit', order: { ...fields, ...queued, price, timeInForce } }
    })
  const event = fc
    .tuple(step, near)
    .filter(([{ do: name }]) => ['print', 'book', 'time', 'replace'].includes(name))
    .map(([step, price]): Step => {
      if (step.do === 'replace') return { ...step, price }
      if (step.do === 'print') return { ...step, tickerIndex: 0, price, mic: 'XTSE', condition: '@', lag: 0 }
      return step.do === 'book' ? { ...step, tickerIndex: 0, price, mic: 'XTSE' } : step
    })
  const steps = fc.oneof({ weight: 1, arbitrary: submit }, { weight: 2, arbitrary: event })
  compare(fc.array(steps, { minLength: 20, maxLength: 120 }))
})

function compare(generated: fc.Arbitrary<Step[]>): void {
  fc.assert(
    fc.property(generated, steps => {
      const pair = new Pair()
      for (const step of steps) {
        if (!pair.hasOrders() && (step.do === 'cancel' || step.do === 'update' || step.do === 'replace')) continue
        pair.take(step)
        deepEqual(pair.said(), pair.twin.log)
      }
    }),
    { numRuns: RUNS },
  )
}
