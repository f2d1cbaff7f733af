// Unit `simulator`: the simulated venue with one ticker, driven by market data and a clock that stands still between
// steps.

import { SimulatedVenue } from '../../../src/destinations/simulated-venue.ts'
import { definitionsData, definitionsFromData } from '../../../src/domain/definitions.ts'
import { cumQty } from '../../../src/domain/order.ts'
import { currentStatus } from '../../../src/domain/order-lifecycle.ts'
import { OrderStatus } from '../../../src/domain/order-status.ts'
import { Reason } from '../../../src/domain/reasons.ts'
import { readTicker } from '../../../src/domain/tickers.ts'
import {
  micros,
  microseconds,
  readableOrders,
  readSide,
  respelled,
  routedOrder,
  statuses,
  type VectorFields,
  type VectorReport,
  vectorReport,
} from '../../destinations/order-vectors.ts'
import { RecordingDesk } from '../../destinations/recording-desk.ts'
import { differences } from '../compare.ts'
import type { VectorUnit } from '../unit.ts'

interface Booking {
  readonly mpid: string
  readonly venue: string
  readonly side: string
  readonly price: string
  readonly size: number
}

interface SimulatorStep extends Booking {
  readonly do: string
  readonly ticker: string
  readonly time?: string
  readonly bid: string
  readonly ask: string
  readonly book?: readonly Booking[]
  readonly id: number
  readonly fields: VectorFields
  readonly reports: readonly VectorReport[]
  readonly report: VectorReport
  readonly seconds: number
  readonly condition?: string
  readonly market_center?: string
  readonly label: string
  readonly orders: readonly number[]
}

const definitions = definitionsFromData(definitionsData)
const TICKER = 0

const simulatorUnit: VectorUnit = {
  name: 'simulator',
  run(vector) {
    const market = new Market()
    for (const step of vector.steps as unknown as SimulatorStep[]) market.step(step)
    const { desk, probes } = market
    return differences(respelled(vector.expect), { orders: readableOrders(desk.orders.values()), probes })
  },
}

export const units: VectorUnit[] = [simulatorUnit]

class Market {
  readonly desk = new RecordingDesk()
  readonly probes: Record<string, Record<string, string[]>> = {}
  #clockUs = 0
  #venue: SimulatedVenue | undefined

  step(step: SimulatorStep): void {
    if (step.do === 'create') this.#create(step)
    const { desk } = this
    const venue = this.#venue
    if (venue === undefined) throw new Error('there is no market before the step create')
    const clockUs = this.#clockUs
    const marketUs = step.time === undefined ? clockUs : microseconds(step.time)
    switch (step.do) {
      case 'create':
        break
      case 'initialize':
        venue.onSnapshot(TICKER, micros(step.bid), micros(step.ask), clockUs)
        for (const booking of step.book ?? []) this.#book(venue, booking)
        break
      case 'submit': {
        const routed = routedOrder(step.fields)
        venue.submit(desk.accept(step.id, routed.quantity, clockUs).slot, routed, clockUs)
        break
      }
      case 'recover':
        this.#recover(venue, step)
        break
      case 'cancel': {
        const { slot } = desk.order(step.id)
        if (slot >= 0) venue.cancel(slot, clockUs, Reason.CanceledOnRequest)
        break
      }
      case 'update':
        this.#update(venue, step)
        break
      case 'advance':
        this.#clockUs += step.seconds * 1_000_000
        venue.onTime(this.#clockUs)
        break
      case 'bbo':
        venue.onQuote(TICKER, micros(step.bid), micros(step.ask), marketUs, clockUs)
        break
      case 'print': {
        const { price, size, condition = '@', market_center: marketCenter = 'TSE' } = step
        venue.onPrint(TICKER, micros(price), micros(size), condition, marketCenter, marketUs, clockUs)
        break
      }
      case 'book':
        this.#book(venue, step)
        break
      case 'probe':
        this.probes[step.label] = Object.fromEntries(step.orders.map(id => [id, statuses(desk.order(id))]))
        break
      default:
        throw new Error(`there is no step ${step.do}`)
    }
  }

  #create(step: SimulatorStep): void {
    const listing = definitions.venue(readTicker(step.ticker, definitions).venue)
    if (listing === undefined) throw new Error(`${step.ticker} has no venue`)
    this.#clockUs = microseconds(step.time!)
    const tickers = { listing: () => listing, bid: () => 0, ask: () => 0 }
    this.#venue = new SimulatedVenue({ capacity: 1_000, definitions, tickers, events: this.desk })
    this.#venue.onSnapshot(TICKER, 0, 0, this.#clockUs)
  }

  #book(venue: SimulatedVenue, { mpid, venue: text, side, price, size }: Booking): void {
    const mic = definitions.findVenue(text)?.mic ?? text
    venue.onBook(TICKER, mpid, mic, readSide(side), micros(price), micros(size), this.#clockUs)
  }

  #recover(venue: SimulatedVenue, step: SimulatorStep): void {
    const acceptedUs = microseconds(step.time!)
    const routed = routedOrder(step.fields)
    const reports = step.reports.map(report => vectorReport(step.id, report, acceptedUs))
    const { slot } = this.desk.recover(step.id, routed.quantity, reports)
    if (slot < 0) return
    // An order without any report is to the venue like one that is pending new: left alone until an update.
    const status = reports.length === 0 ? OrderStatus.PendingNew : currentStatus(reports)
    venue.restore(slot, routed, status, routed.quantity - cumQty(reports), acceptedUs, this.#clockUs)
  }

  #update(venue: SimulatedVenue, step: SimulatorStep): void {
    const order = this.desk.order(step.id)
    const report = vectorReport(step.id, step.report, this.#clockUs)
    const isFirst = order.reports.length === 0
    if (order.slot < 0 || (isFirst && report.status !== OrderStatus.PendingNew)) return
    const { slot } = order
    this.desk.publish(order, report)
    venue.update(slot, report.status, report.lastQty)
  }
}
