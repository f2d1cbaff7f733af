// What the simulated venue does, scene by scene. The market is ABX at TSX on Thursday the 14th of August 2025, quoted
// 1.00 to 1.01; it opens at 13:30 and closes at 20:00 UTC. Fills by quote and print are told by the vectors too.

import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { RoutedOrder } from '../../src/destinations/destination.ts'
import { PegKind } from '../../src/destinations/peg.ts'
import { SimulatedVenue } from '../../src/destinations/simulated-venue.ts'
import { formatDecimal } from '../../src/domain/decimal.ts'
import { definitionsData, definitionsFromData } from '../../src/domain/definitions.ts'
import { MICROS } from '../../src/domain/money.ts'
import { OrderStatus, orderStatusNames } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Reason, reasonName } from '../../src/domain/reasons.ts'
import { Side } from '../../src/domain/side.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { emptyReport, RecordingDesk } from './recording-desk.ts'

const definitions = definitionsFromData(definitionsData)
const ABX = 0

/** Amounts in whole units, as people say them. */
interface Wish extends Partial<Omit<RoutedOrder, 'tickerIndex' | 'expiryUs'>> {
  readonly expiry?: string
}

/** Time of day on the 14th, or with the day before it: `15 09:00`. */
function at(time: string): number {
  const [clock, day = '14'] = time.split(' ').reverse()
  return Date.parse(`2025-08-${day}T${clock}Z`) * 1_000
}

const micros = (amount: number): number => Math.round(amount * MICROS)

class Scene {
  readonly desk = new RecordingDesk()
  readonly venue: SimulatedVenue
  #nowUs: number
  #orders = 0

  constructor(begin = '14:00:00') {
    this.#nowUs = at(begin)
    const tickers = { listing: () => definitions.venue('XTSE')!, bid: () => micros(1), ask: () => micros(1.01) }
    this.venue = new SimulatedVenue({ capacity: 100, definitions, tickers, events: this.desk })
  }

  /** Moves the clock; deadlines on the way are seen by whatever comes next. */
  clock(time: string): this {
    this.#nowUs = at(time)
    return this
  }

  /** A good-till-cancel limit bid for 100 at 0.99 unless `wish` says otherwise. Returns its id. */
  submit(wish: Wish = {}): number {
    const routed = this.#routed(wish)
    const { orderId, slot } = this.desk.accept(++this.#orders, routed.quantity, this.#nowUs)
    this.venue.submit(slot, routed, this.#nowUs)
    return orderId
  }

  restore(wish: Wish, status: OrderStatus, leaves: number, accepted: string): number {
    const routed = this.#routed(wish)
    const { orderId, slot } = this.desk.accept(++this.#orders, routed.quantity, at(accepted))
    this.venue.restore(slot, routed, status, micros(leaves), at(accepted), this.#nowUs)
    return orderId
  }

  cancel(orderId: number): void {
    const { slot } = this.desk.order(orderId)
    if (slot >= 0) this.venue.cancel(slot, this.#nowUs, Reason.CanceledOnRequest)
  }

  update(orderId: number, status: OrderStatus, lastQty = 0): void {
    const order = this.desk.order(orderId)
    const { slot } = order
    const report = { ...emptyReport(orderId), status, lastQty: micros(lastQty), timestamp: this.#nowUs }
    this.desk.publish(order, report)
    this.venue.update(slot, status, micros(lastQty))
  }

  quote(bid: number, ask: number): void {
    this.venue.onQuote(ABX, micros(bid), micros(ask), this.#nowUs, this.#nowUs)
  }

  print(price: number, size = 100, { condition = '@', marketCenter = 'TSE', marketTime = '' } = {}): void {
    const marketUs = marketTime === '' ? this.#nowUs : at(marketTime)
    this.venue.onPrint(ABX, micros(price), micros(size), condition, marketCenter, marketUs, this.#nowUs)
  }

  book(participant: string, price: number, size: number, mic = 'XTSE'): void {
    this.venue.onBook(ABX, participant, mic, Side.Bid, micros(price), micros(size), this.#nowUs)
  }

  time(time: string): void {
    this.clock(time)
    this.venue.onTime(this.#nowUs)
  }

  /** All reports after the first, in a form that reads aloud. */
  told(orderId: number): string[] {
    return this.desk
      .order(orderId)
      .reports.slice(1)
      .map(({ status, lastQty, lastPx, reason }) => {
        const fill = lastQty === 0 ? '' : ` ${formatDecimal(lastQty)} @ ${formatDecimal(lastPx)}`
        return `${orderStatusNames[status]}${fill}${reason === Reason.None ? '' : ` ${reasonName(reason)}`}`
      })
  }

  #routed({ expiry, ...wish }: Wish): RoutedOrder {
    const routed = new RoutedOrder()
    const defaults = { side: Side.Bid, type: OrderType.Limit, timeInForce: TimeInForce.Gtc }
    Object.assign(routed, defaults, wish, expiry === undefined ? {} : { expiryUs: at(expiry) })
    routed.quantity = micros(wish.quantity ?? 100)
    routed.price = micros(wish.price ?? (wish.type === OrderType.Market ? 0 : 0.99))
    routed.pegDifference = micros(wish.pegDifference ?? 0)
    return routed
  }
}

// Times in force.

for (const timeInForce of [TimeInForce.Ioc, TimeInForce.Fok]) {
  const name = timeInForce === TimeInForce.Ioc ? 'immediate or cancel' : 'fill or kill'

  test(`${name}: an order that crosses the quote is filled`, () => {
    const scene = new Scene()
    const order = scene.submit({ timeInForce, price: 1.02, quantity: 5_000 })
    deepEqual(scene.told(order), ['NEW', 'FILLED 5000 @ 1.01'])
  })

  test(`${name}: an order that does not is canceled, and later quotes change nothing`, () => {
    const scene = new Scene()
    const order = scene.submit({ timeInForce })
    scene.quote(0.97, 0.98)
    deepEqual(scene.told(order), ['NEW', 'CANCELED NOT_FILLED_AT_ONCE'])
  })

  test(`${name}: without a quote nothing can be filled`, () => {
    const scene = new Scene()
    scene.submit()
    scene.quote(1, 0)
    deepEqual(scene.told(scene.submit({ timeInForce, price: 1.02 })), ['NEW', 'CANCELED NOT_FILLED_AT_ONCE'])
  })
}

test('post only: an order that would trade at once is rejected', () => {
  const scene = new Scene()
  deepEqual(scene.told(scene.submit({ timeInForce: TimeInForce.Gtx, price: 1.01 })), ['REJECTED WOULD_TRADE'])
  const peg = { type: OrderType.Pegged, pegKind: PegKind.Market, price: 0 }
  deepEqual(scene.told(scene.submit({ ...peg, timeInForce: TimeInForce.Gtx })), ['REJECTED WOULD_TRADE'])
})

test('post only: an order that rests is filled when the market comes to it', () => {
  const scene = new Scene()
  const order = scene.submit({ timeInForce: TimeInForce.Gtx })
  scene.quote(0.98, 0.99)
  deepEqual(scene.told(order), ['NEW', 'FILLED 100 @ 0.99'])
})

test('a day order ends at the close, not a microsecond before', () => {
  const scene = new Scene()
  const order = scene.submit({ timeInForce: TimeInForce.Day })
  equal(scene.venue.nextDeadlineUs, at('20:00:00'))
  scene.venue.onTime(at('20:00:00') - 1)
  deepEqual(scene.told(order), ['NEW'])
  scene.venue.onTime(at('20:00:00'))
  deepEqual(scene.told(order), ['NEW', 'EXPIRED EXPIRED'])
  equal(scene.venue.nextDeadlineUs, Number.POSITIVE_INFINITY)
})

test('a day order that comes after the close waits for the next one', () => {
  const scene = new Scene('20:00:00')
  const order = scene.submit({ timeInForce: TimeInForce.Day })
  scene.time('15 19:59:59.999')
  deepEqual(scene.told(order), ['NEW'])
  scene.time('15 20:00:00')
  deepEqual(scene.told(order), ['NEW', 'EXPIRED EXPIRED'])
})

test('a day order that comes on Friday evening lives over the weekend', () => {
  const scene = new Scene('15 20:30:00')
  const order = scene.submit({ timeInForce: TimeInForce.Day })
  scene.time('17 23:00:00')
  deepEqual(scene.told(order), ['NEW'])
  scene.time('18 20:00:00')
  deepEqual(scene.told(order), ['NEW', 'EXPIRED EXPIRED'])
})

test('a good-till-date order ends at its date, and the report tells when that was seen', () => {
  const scene = new Scene()
  const order = scene.submit({ timeInForce: TimeInForce.Gtd, expiry: '14:05:00' })
  scene.time('14:05:00.250')
  deepEqual(scene.told(order), ['NEW', 'EXPIRED EXPIRED'])
  equal(scene.desk.order(order).reports.at(-1)!.timestamp, at('14:05:00.250'))
})

test('a good-till-date order of the past is rejected', () => {
  const scene = new Scene()
  const order = scene.submit({ timeInForce: TimeInForce.Gtd, expiry: '14:00:00', price: 1.02 })
  deepEqual(scene.told(order), ['REJECTED INVALID_EXPIRY'])
})

test('nothing fills an order that is past its end, though nobody has told the time', () => {
  const wish = { timeInForce: TimeInForce.Gtd, expiry: '14:05:00' }
  const scene = new Scene()
  const [byQuote, byPrint, byCancel] = [new Scene(), new Scene(), new Scene()]
  const orders = [byQuote, byPrint, byCancel].map(scene => scene.submit(wish))
  byQuote.clock('14:05:00').quote(0.97, 0.98)
  byPrint.clock('14:05:00').print(0.98)
  byCancel.clock('14:05:00').cancel(orders[2]!)
  for (const [index, ended] of [byQuote, byPrint, byCancel].entries()) {
    deepEqual(ended.told(orders[index]!), ['NEW', 'EXPIRED EXPIRED'])
  }
  equal(scene.venue.nextDeadlineUs, Number.POSITIVE_INFINITY)
})

test('orders that end at the same time end in the order of their submission', () => {
  const scene = new Scene()
  const orders = [1, 2, 3, 4, 5].map(() => scene.submit({ timeInForce: TimeInForce.Day }))
  scene.time('20:00:00')
  const ended = scene.desk.log.filter(({ status }) => status === OrderStatus.Expired)
  deepEqual(
    ended.map(({ orderId }) => orderId),
    orders,
  )
})

test('on-open orders are filled by the first print of the listing venue at or after the opening', () => {
  const scene = new Scene('12:00:00')
  const limit = scene.submit({ timeInForce: TimeInForce.Opg, price: 1.05, quantity: 700 })
  const market = scene.submit({ timeInForce: TimeInForce.Opg, type: OrderType.Market, side: Side.Ask })
  scene.quote(0.5, 0.51)
  scene.clock('13:29:59.999').print(1.03, 100)
  scene.clock('13:30:00').print(1.04, 100, { marketCenter: 'ALP' })
  deepEqual([...scene.told(limit), ...scene.told(market)], ['NEW', 'NEW'])
  scene.print(1.05, 1, { condition: 'X' })
  deepEqual(scene.told(limit), ['NEW', 'FILLED 700 @ 1.05'])
  deepEqual(scene.told(market), ['NEW', 'FILLED 100 @ 1.05'])
})

test('an on-open order whose limit the opening misses ends there', () => {
  const scene = new Scene('12:00:00')
  const order = scene.submit({ timeInForce: TimeInForce.Opg })
  scene.clock('13:30:01').print(1)
  deepEqual(scene.told(order), ['NEW', 'EXPIRED EXPIRED'])
})

test('an on-open order that sees no opening ends with the session', () => {
  const scene = new Scene('12:00:00')
  const order = scene.submit({ timeInForce: TimeInForce.Opg })
  scene.time('20:00:00')
  deepEqual(scene.told(order), ['NEW', 'EXPIRED EXPIRED'])
})

test('an on-open order that comes after the opening waits for the next', () => {
  const scene = new Scene('13:30:00')
  const order = scene.submit({ timeInForce: TimeInForce.Opg })
  scene.print(0.98)
  scene.time('20:00:00')
  deepEqual(scene.told(order), ['NEW'])
  scene.clock('15 13:30:00').print(0.98)
  deepEqual(scene.told(order), ['NEW', 'FILLED 100 @ 0.98'])
})

test('on-close orders of any type wait for the closing print, and later ones for that of the next session', () => {
  const scene = new Scene('19:59:00')
  const early = scene.submit({ timeInForce: TimeInForce.Moc, type: OrderType.Stop, price: 2 })
  scene.clock('20:00:01').print(1.3, 100, { marketCenter: 'ALP' })
  const beforePrint = scene.submit({ timeInForce: TimeInForce.Moc, price: 0.01 })
  scene.print(1.25, 5, { condition: 'X' })
  const late = scene.submit({ timeInForce: TimeInForce.Moc })
  scene.clock('20:00:02').print(1.26)
  deepEqual(
    [early, beforePrint, late].map(order => scene.told(order).at(-1)),
    ['FILLED 100 @ 1.25', 'FILLED 100 @ 1.25', 'NEW'],
  )
  scene.clock('15 14:00:00').print(1.4)
  scene.clock('15 20:00:00').print(1.5)
  deepEqual(scene.told(late), ['NEW', 'FILLED 100 @ 1.5'])
})

test('no close is awaited in a session that is first heard of after it', () => {
  const scene = new Scene('20:30:00')
  const order = scene.submit({ timeInForce: TimeInForce.Moc })
  scene.print(1)
  deepEqual(scene.told(order), ['NEW'])
})

// Stops.

const stop = { type: OrderType.Stop, price: 1.05 }

test('a stop follows prints, not quotes, and trades at the quote once it is elected', () => {
  const scene = new Scene()
  const order = scene.submit(stop)
  scene.quote(1.1, 1.11)
  scene.print(1.04)
  deepEqual(scene.told(order), ['NEW'])
  scene.print(1.05)
  deepEqual(scene.told(order), ['NEW', 'FILLED 100 @ 1.11'])
})

test('a sell stop is elected by a print at or below its trigger', () => {
  const scene = new Scene()
  const order = scene.submit({ ...stop, side: Side.Ask, price: 0.95 })
  scene.print(0.96)
  deepEqual(scene.told(order), ['NEW'])
  scene.print(0.94, 100, { marketCenter: 'ALP' })
  deepEqual(scene.told(order), ['NEW', 'FILLED 100 @ 1'])
})

test('odd lots and irregular prints elect nobody', () => {
  const scene = new Scene()
  const order = scene.submit(stop)
  scene.print(1.05, 99)
  scene.print(1.05, 100, { condition: 'X' })
  deepEqual(scene.told(order), ['NEW'])
})

test('stops are elected by trigger and then by time', () => {
  const scene = new Scene()
  const orders = [1.06, 1.05, 1.07, 1.05].map(price => scene.submit({ ...stop, price }))
  scene.print(1.06)
  const filled = scene.desk.log.filter(({ status }) => status === OrderStatus.Filled)
  deepEqual(
    filled.map(({ orderId }) => orderId),
    [orders[1], orders[3], orders[0]],
  )
})

test('a stop that comes when the last print is through its trigger is elected at once, within the session', () => {
  const scene = new Scene()
  scene.submit()
  scene.print(1.06)
  deepEqual(scene.told(scene.submit(stop)), ['NEW', 'FILLED 100 @ 1.01'])
  scene.clock('15 14:00:00').quote(1, 1.02)
  deepEqual(scene.told(scene.submit(stop)), ['NEW'])
})

test('an elected stop waits for a two-sided quote', () => {
  const scene = new Scene()
  const order = scene.submit(stop)
  scene.quote(0, 1.2)
  scene.print(1.05)
  scene.quote(0, 1.3)
  deepEqual(scene.told(order), ['NEW'])
  scene.quote(1.2, 1.3)
  deepEqual(scene.told(order), ['NEW', 'FILLED 100 @ 1.3'])
})

test('a stop cannot be on open or post only', () => {
  const scene = new Scene()
  for (const timeInForce of [TimeInForce.Opg, TimeInForce.Gtx]) {
    deepEqual(scene.told(scene.submit({ ...stop, timeInForce })), ['REJECTED INVALID_TIME_IN_FORCE'])
  }
})

// Pegs.

test('a midpoint between two micros is not rounded', () => {
  const scene = new Scene()
  scene.submit()
  scene.quote(1, 1.000001)
  const order = scene.submit({ type: OrderType.Pegged, pegKind: PegKind.Midpoint, price: 0 })
  deepEqual(scene.told(order), ['NEW'])
  scene.quote(0.9, 1)
  deepEqual(scene.told(order), ['NEW', 'FILLED 100 @ 1'])
})

test('a peg keeps its distance, and a negative one is more eager', () => {
  const peg = { type: OrderType.Pegged, price: 0 }
  const scene = new Scene()
  const passive = scene.submit({ ...peg, pegDifference: 0.02 })
  deepEqual(scene.told(scene.submit({ ...peg, pegDifference: -0.01 })), ['NEW', 'FILLED 100 @ 1.01'])
  scene.quote(0.95, 0.99)
  deepEqual(scene.told(passive), ['NEW'])
  scene.quote(0.95, 0.98)
  deepEqual(scene.told(passive), ['NEW', 'FILLED 100 @ 0.98'])
})

// Depth.

test('depth counts from before the first order of the ticker', () => {
  const scene = new Scene()
  scene.book('A', 0.99, 500)
  const order = scene.submit({ destination: 'TSX' })
  scene.print(0.99)
  deepEqual(scene.told(order), ['NEW'])
})

test('who was first in line stays so, whoever joins later', () => {
  const scene = new Scene()
  const first = scene.submit({ destination: 'TSX', quantity: 200 })
  scene.book('A', 0.99, 500)
  const second = scene.submit({ destination: 'TSX' })
  scene.print(0.99, 300)
  deepEqual([scene.told(first), scene.told(second)], [['NEW', 'FILLED 200 @ 0.99'], ['NEW']])
})

test('a print at the limit serves only its own venue, in turn', () => {
  const scene = new Scene()
  const alpha = scene.submit({ destination: 'ALPHA' })
  const tsx = [scene.submit({ destination: 'TSX' }), scene.submit({ destination: 'TSX' })]
  scene.print(0.99, 150 + 50)
  deepEqual(
    [alpha, ...tsx].map(order => scene.told(order).length),
    [1, 2, 2],
  )
  scene.print(0.99, 100, { marketCenter: 'ALP' })
  deepEqual(scene.told(alpha), ['NEW', 'FILLED 100 @ 0.99'])
})

test('a print through the limit serves all venues in the order of submission', () => {
  const scene = new Scene()
  const orders = ['TSX', 'ALPHA', '', 'TSX'].map(destination => scene.submit({ destination }))
  scene.print(0.98, 300)
  deepEqual(
    orders.map(order => scene.told(order).at(-1)),
    ['FILLED 100 @ 0.99', 'FILLED 100 @ 0.99', 'FILLED 100 @ 0.99', 'NEW'],
  )
})

test('a new session empties the depth: who stood behind it has lost the place, who comes now is first', () => {
  const scene = new Scene()
  const front = scene.submit({ destination: 'TSX' })
  scene.book('A', 0.99, 500)
  const behind = scene.submit({ destination: 'TSX' })
  scene.clock('15 14:00:00').quote(1, 1.01)
  const fresh = scene.submit({ destination: 'TSX' })
  scene.print(0.99, 1_000)
  deepEqual(
    [front, behind, fresh].map(order => scene.told(order).length),
    [2, 1, 2],
  )
  scene.print(0.98)
  deepEqual(scene.told(behind), ['NEW', 'FILLED 100 @ 0.99'])
})

test('depth at a venue nobody knows is ignored', () => {
  const scene = new Scene()
  scene.book('A', 0.99, 500, 'XNYS')
  deepEqual(scene.told(scene.submit()), ['NEW'])
})

// Cancels, updates, restoring.

test('an order that ended is not canceled again', () => {
  const scene = new Scene()
  const order = scene.submit()
  const { slot } = scene.desk.order(order)
  scene.cancel(order)
  scene.venue.cancel(slot, at('14:00:01'), Reason.CanceledOnRequest)
  scene.venue.update(slot, OrderStatus.PartiallyFilled, 1)
  deepEqual(scene.told(order), ['NEW', 'PENDING_CANCEL', 'CANCELED CANCELED_ON_REQUEST'])
})

test('a terminal update ends the matching without a word', () => {
  const scene = new Scene()
  const order = scene.submit({ timeInForce: TimeInForce.Day })
  scene.update(order, OrderStatus.DoneForDay)
  scene.quote(0.97, 0.98)
  scene.time('20:00:00')
  deepEqual(scene.told(order), ['NEW', 'DONE_FOR_DAY'])
})

test('an update that executes leaves the rest to the market', () => {
  const scene = new Scene()
  const order = scene.submit({ quantity: 300 })
  scene.update(order, OrderStatus.PartiallyFilled, 100)
  scene.quote(0.97, 0.98)
  deepEqual(scene.told(order), ['NEW', 'PARTIALLY_FILLED 100 @ 0', 'FILLED 200 @ 0.98'])
})

test('a restored order that is pending new waits for an update, then keeps its turn', () => {
  const scene = new Scene()
  const held = scene.restore({ destination: 'TSX' }, OrderStatus.PendingNew, 100, '13:59:00')
  const later = scene.submit({ destination: 'TSX' })
  scene.quote(0.98, 0.99)
  deepEqual([scene.told(held), scene.told(later)], [[], ['NEW', 'FILLED 100 @ 0.99']])
  scene.quote(1, 1.01)
  const last = scene.submit({ destination: 'TSX' })
  scene.update(held, OrderStatus.New)
  scene.print(0.99)
  deepEqual([scene.told(held), scene.told(last)], [['NEW', 'FILLED 100 @ 0.99'], ['NEW']])
})

test('a restored order goes on where it can, and ends where its time is over', () => {
  const scene = new Scene()
  const crossing = scene.restore({ price: 1.02, quantity: 500 }, OrderStatus.PartiallyFilled, 200, '13:00:00')
  const immediate = scene.restore({ timeInForce: TimeInForce.Ioc }, OrderStatus.New, 100, '13:59:00')
  const ofYesterday = scene.restore({ timeInForce: TimeInForce.Day }, OrderStatus.New, 100, '13 15:00:00')
  const ofToday = scene.restore({ timeInForce: TimeInForce.Day }, OrderStatus.New, 100, '13 21:00:00')
  deepEqual(
    [crossing, immediate, ofYesterday, ofToday].map(order => scene.told(order)),
    [['FILLED 200 @ 1.01'], ['CANCELED NOT_FILLED_AT_ONCE'], ['EXPIRED EXPIRED'], []],
  )
  equal(scene.venue.nextDeadlineUs, at('20:00:00'))
})

test('a restored market order waits for a two-sided quote', () => {
  const scene = new Scene()
  scene.submit()
  scene.quote(0, 0)
  const order = scene.restore({ type: OrderType.Market }, OrderStatus.New, 100, '13:00:00')
  scene.quote(1, 0)
  deepEqual(scene.told(order), [])
  scene.quote(1, 1.01)
  deepEqual(scene.told(order), ['FILLED 100 @ 1.01'])
})

test('a snapshot replaces quote and depth and fills nobody', () => {
  const scene = new Scene()
  const order = scene.submit()
  scene.venue.onSnapshot(ABX, micros(0.97), micros(0.98), at('14:00:01'))
  deepEqual(scene.told(order), ['NEW'])
  deepEqual(scene.told(scene.submit()), ['NEW', 'FILLED 100 @ 0.98'])
})

test('reports carry the time of the step; the time of the event decides what it is', () => {
  const scene = new Scene('19:59:00')
  const order = scene.submit({ timeInForce: TimeInForce.Moc })
  scene.print(1.2, 100, { marketTime: '20:00:00' })
  deepEqual(scene.told(order), ['NEW', 'FILLED 100 @ 1.2'])
  equal(scene.desk.order(order).reports.at(-1)!.timestamp, at('19:59:00'))
})

test('market data of a ticker that never had an order is ignored', () => {
  const scene = new Scene()
  scene.quote(5, 6)
  scene.print(5)
  deepEqual(scene.told(scene.submit({ price: 1.01 })), ['NEW', 'FILLED 100 @ 1.01'])
})

test('a slot that is held already cannot be given to another order', () => {
  const scene = new Scene()
  const { slot } = scene.desk.order(scene.submit())
  throws(() =>
    scene.venue.submit(slot, Object.assign(new RoutedOrder(), { side: Side.Bid, quantity: 1 }), at('14:00:00')),
  )
})
