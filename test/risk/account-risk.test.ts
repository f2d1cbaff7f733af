// One account as a whole: a restart anywhere changes nothing but that what was asked for is asked for again; a reset
// leaves the account where it is.

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ExchangeRateTable, parseFraction } from '../../src/domain/exchange-rates.ts'
import { MICROS } from '../../src/domain/money.ts'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { Side } from '../../src/domain/side.ts'
import { AccountRisk, type RiskEffect, UnknownFill } from '../../src/risk/account-risk.ts'
import { emptySnapshot } from '../../src/risk/inventory-snapshot.ts'
import { TransitionStage } from '../../src/risk/risk-transition-model.ts'
import { NEVER, type RiskParameters } from '../../src/services/administration/risk.ts'
import { CURRENCIES, type RecordEvent, records } from './account-record.ts'

const CAD = 124
const AUD = 36
const START_US = 1_770_000_000_000_000
const SECOND_US = 1_000_000
const OPENING = 10 * MICROS
const rates = new ExchangeRateTable([{ base: AUD, counter: CAD, rate: parseFraction('0.89')! }])

const parameters: RiskParameters = {
  currency: CAD,
  buyingPower: 0,
  allowedState: { type: RiskStateType.Active, expiry: NEVER },
  netLoss: 20 * MICROS,
  transitionTimeUs: 2 * SECOND_US,
}

interface Outside {
  /** What happens before each event of the record. */
  readonly kind: 'quote' | 'time' | 'restart' | 'nothing'
  readonly ticker: string
  readonly bid: number
  readonly seconds: number
}

const outsides: fc.Arbitrary<Outside[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('quote', 'quote', 'quote', 'time', 'restart', 'nothing'),
    ticker: fc.constantFrom(...CURRENCIES.keys()),
    bid: fc.integer({ min: 980, max: 1_010 }).map(cents => cents * 10_000),
    seconds: fc.integer({ min: 0, max: 2 }),
  }),
  { minLength: 60, maxLength: 60 },
)

class Stage {
  nowUs = START_US
  readonly quotes = new Map<string, number>()
  readonly past: RecordEvent[] = []
  risk = new AccountRisk({ snapshot: { ...emptySnapshot, reportSequence: 0 }, rates, destinationOf: () => 'X' })

  constructor() {
    this.risk.start(parameters, undefined, this.nowUs)
  }

  quote(ticker: string, bid: number): readonly RiskEffect[] {
    this.quotes.set(ticker, bid)
    return this.risk.quote(ticker, bid, bid + 10_000, this.nowUs)
  }

  time(seconds: number): readonly RiskEffect[] {
    this.nowUs += seconds * SECOND_US
    return this.risk.passTime(this.nowUs)
  }

  take(event: RecordEvent): readonly RiskEffect[] {
    this.past.push(event)
    const { order, report, reportSequence } = event
    return report === undefined
      ? this.risk.add(order, reportSequence)
      : this.risk.report(order.orderId, report, this.nowUs)
  }

  /** Goes on as another process would, from what the last one has stored. */
  restart(): readonly RiskEffect[] {
    const { snapshot, transition } = this.risk
    this.risk = new AccountRisk({ snapshot, rates, destinationOf: () => 'X' })
    const excluded = snapshot.excluded.map(orderId => {
      const own = this.past.filter(({ order }) => order.orderId === orderId)
      return { order: own[0]!.order, reports: own.flatMap(({ report }) => report ?? []) }
    })
    this.risk.restore(excluded)
    for (const [ticker, bid] of this.quotes) this.risk.quote(ticker, bid, bid + 10_000, this.nowUs)
    return this.risk.start(parameters, transition, this.nowUs)
  }
}

/** Which ticker is looked at first is of no concern. */
function sorted(effects: readonly RiskEffect[]): string[] {
  return effects
    .map(effect => (effect.kind === 'cancel' ? { ...effect, orderIds: effect.orderIds.toSorted() } : effect))
    .map(effect => JSON.stringify(effect))
    .sort()
}

test('a restart anywhere goes on as if there had been none', () => {
  fc.assert(
    fc.property(records, outsides, (events, before) => {
      const steady = new Stage()
      const restarted = new Stage()
      // Without a market only what is realised counts, and which part that is depends on the order of booking.
      for (const ticker of CURRENCIES.keys()) deepEqual(restarted.quote(ticker, OPENING), steady.quote(ticker, OPENING))
      for (const [index, event] of events.entries()) {
        const { kind, ticker, bid, seconds } = before[index % before.length]!
        if (kind === 'quote') deepEqual(sorted(restarted.quote(ticker, bid)), sorted(steady.quote(ticker, bid)))
        if (kind === 'time') deepEqual(sorted(restarted.time(seconds)), sorted(steady.time(seconds)))
        if (kind === 'restart') {
          const isWaiting = steady.risk.transition?.stage === TransitionStage.Waiting
          const [first, ...again] = restarted.restart()
          deepEqual(first, { kind: 'state', state: steady.risk.state })
          equal(
            again.every(({ kind }) => kind === 'cancel'),
            true,
          )
          // Orders that came after the cancel of all are canceled and waited for as well from now on.
          if (isWaiting) deepEqual(sorted(steady.restart().slice(1)), sorted(again))
        }
        deepEqual(sorted(restarted.take(event)), sorted(steady.take(event)))
        deepEqual(restarted.risk.transition, steady.risk.transition)
        equal(restarted.risk.result, steady.risk.result)
        deepEqual(restarted.risk.snapshot.excluded.toSorted(), steady.risk.snapshot.excluded.toSorted())
      }
    }),
    { numRuns: 200 },
  )
})

test('nothing comes out while an account catches up', () => {
  fc.assert(
    fc.property(records, events => {
      const risk = new AccountRisk({
        snapshot: { ...emptySnapshot, reportSequence: 0 },
        rates,
        destinationOf: () => 'X',
      })
      for (const { order, report, reportSequence } of events) {
        const effects =
          report === undefined ? risk.add(order, reportSequence) : risk.report(order.orderId, report, START_US)
        deepEqual(effects, [])
      }
      deepEqual([risk.state, risk.transition, risk.hasStarted], [undefined, undefined, false])
      equal(risk.start(parameters, undefined, START_US)[0]!.kind, 'state')
    }),
    { numRuns: 50 },
  )
})

test('a reset keeps positions, marks and live orders, and the result is that of what is held alone', () => {
  fc.assert(
    fc.property(records, outsides, (events, before) => {
      const stage = new Stage()
      for (const [index, event] of events.entries()) {
        const { kind, ticker, bid } = before[index % before.length]!
        if (kind === 'quote') stage.quote(ticker, bid)
        stage.take(event)
      }
      const { risk } = stage
      const held = () => [...risk.portfolio.entries()].map(({ inventory }) => [inventory.ticker, inventory.quantity])
      const positions = held().filter(([, quantity]) => quantity !== 0)
      const { excluded } = risk.snapshot
      risk.reset(() => true, stage.nowUs)
      deepEqual(held().sort(), positions.sort())
      deepEqual(risk.snapshot.excluded, excluded)
      for (const { inventory } of risk.portfolio.entries()) {
        const { gross, fees, volume, transactions } = inventory
        deepEqual([gross, fees, volume, transactions], [0, 0, 0, 0])
      }
    }),
    { numRuns: 100 },
  )
})

test('a loss that came while nobody watched cancels what would open', () => {
  const stage = new Stage()
  const order = {
    orderId: 1,
    orderSequence: 1,
    ticker: 'ABX.TSX',
    currency: CAD,
    type: 1,
    side: Side.Bid,
    quantity: 200 * MICROS,
    price: 10 * MICROS,
  } as const
  stage.take({ reportSequence: 1, order, report: undefined })
  const report = {
    reportSequence: 2,
    status: OrderStatus.PartiallyFilled,
    lastQty: 100 * MICROS,
    lastPx: 10 * MICROS,
    fees: 0,
  }
  stage.take({ reportSequence: 2, order, report })
  stage.quotes.set('ABX.TSX', 9 * MICROS)
  const state = { type: RiskStateType.CloseOrders, expiry: START_US + 2 * SECOND_US }
  deepEqual(stage.restart(), [
    { kind: 'state', state },
    { kind: 'cancel', orderIds: [1] },
  ])
})

test('a fill of an order that nobody knows is an error, and a late report without one is not', () => {
  const { risk } = new Stage()
  const report = { reportSequence: 1, status: OrderStatus.CancelReject, lastQty: 0, lastPx: 0, fees: 0 }
  deepEqual(risk.report(9, report, START_US), [])
  try {
    risk.report(9, { ...report, reportSequence: 2, lastQty: MICROS }, START_US)
    throw new Error('it was taken')
  } catch (error) {
    equal(error instanceof UnknownFill, true)
  }
})
