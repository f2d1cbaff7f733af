// Whatever clients, administrators and the market do to the desk also happens to its slow twin; after each step the two
// have said the same and stand the same.

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Side } from '../../src/domain/side.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { DeskTwin, type TwinTerms } from './desk-twin.ts'
import { AUD, CAD, ShardStage, START_US, USD } from './shard-stage.ts'

/** More for a longer search: RUNS=5000. */
const RUNS = Number(process.env.RUNS ?? 200)
const SHARE = 1_000_000
const CENT = 10_000

const tickers = [
  { text: 'ABX.TSX', mic: 'XTSE', currency: CAD, destination: 'TSX', hoursFromUtc: -4 },
  { text: 'XYZ.TSX', mic: 'XTSE', currency: CAD, destination: 'TSX', hoursFromUtc: -4 },
  { text: 'BHP.ASX', mic: 'XASX', currency: AUD, destination: 'ASXT', hoursFromUtc: 10 },
] as const
/** US dollars have no way from Australian ones, so that some orders cannot be counted. */
const rates = { [`${CAD}/${USD}`]: [3n, 4n], [`${AUD}/${CAD}`]: [9n, 10n] } as const

const row = fc.constantFrom(0, 0, 0, 1, 2)
const ticker = fc.constantFrom(0, 0, 0, 0, 1, 2)
const price = fc.integer({ min: 96, max: 104 }).map(cents => cents * CENT)
const quantity = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 5 }).map(lots => lots * 100 * SHARE) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, 333_333, 70 * SHARE) },
)
const which = fc.nat({ max: 1000 })

const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      row,
      ticker,
      side: fc.constantFrom(Side.Bid, Side.Ask),
      type: fc.constantFrom(OrderType.Limit, OrderType.Limit, OrderType.Limit, OrderType.Market),
      quantity,
      price,
      timeInForce: fc.constantFrom(TimeInForce.Gtc, TimeInForce.Gtc, TimeInForce.Day, TimeInForce.Ioc, TimeInForce.Gtd),
      seconds: fc.constantFrom(0, 5, 60),
      clOrdId: fc.constantFrom('', '', '', 'a', 'b'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('cancel' as const), row, which }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('replace' as const),
      which,
      /** Mostly a live order, and under its account. */
      isOfAny: fc.constantFrom(false, false, false, true),
      isForeign: fc.constantFrom(false, false, false, false, true),
      quantity,
      price,
      keeps: fc.constantFrom('', '', 'price', 'quantity'),
      clOrdId: fc.constantFrom('', '', '', 'a', 'b', 'c'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('update' as const),
      which,
      status: fc.constantFrom(
        OrderStatus.PartiallyFilled,
        OrderStatus.PartiallyFilled,
        ...Object.values(OrderStatus).filter(status => status > 0),
      ),
      lastQty: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, quantity),
      price,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('quote' as const),
      ticker,
      bid: fc.constantFrom(97, 98, 99, 100, 0).map(cents => cents * CENT),
      ask: fc.constantFrom(99, 100, 101, 102, 103, 0).map(cents => cents * CENT),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(1, 4, 30) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('terms' as const),
      row,
      currency: fc.constantFrom(CAD, CAD, USD),
      limit: fc.constantFrom(300, 1000, 100_000).map(units => units * SHARE),
      mayOpen: fc.constantFrom(true, true, false),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

class Pair {
  readonly stage: ShardStage
  readonly twin: DeskTwin
  readonly #terms: TwinTerms[] = [0, 1, 2].map(() => ({ currency: CAD, limit: 100_000 * SHARE, mayOpen: true }))

  constructor() {
    this.stage = new ShardStage({
      checks: ['buying_power', 'risk_state'],
      accounts: this.#terms.map(({ currency, limit }) => ({ currency, buyingPowerLimit: limit })),
    })
    this.twin = new DeskTwin(tickers, this.#terms, rates, START_US)
    for (const [pair, [numerator, denominator]] of Object.entries(rates)) {
      const [base, counter] = pair.split('/').map(Number) as [number, number]
      this.stage.rates.write({ base, counter, numerator: Number(numerator), denominator: Number(denominator) })
    }
    // The desk numbers tickers as they are quoted first.
    for (const index of tickers.keys()) this.#quote(index, 99 * CENT, 101 * CENT)
  }

  take(step: Step): void {
    const { stage, twin } = this
    const now = stage.nowUs
    const id = 1 + ('which' in step ? step.which % (stage.nextOrderId + 1) : 0)
    switch (step.do) {
      case 'submit': {
        const { timeInForce, type, seconds } = step
        const submission = {
          ...step,
          price: type === OrderType.Market ? 0 : step.price,
          expiry: timeInForce === TimeInForce.Gtd ? now + seconds * 1_000_000 : 0,
        }
        const { row, ticker, clOrdId, ...fields } = submission
        twin.submit(stage.nextOrderId, { row, ticker, clOrdId, ...pick(fields) }, now)
        stage.submit(
          {
            ...fields,
            clOrdId,
            ticker: tickers[ticker]!.text,
            quantity: fields.quantity / SHARE,
            price: fields.price / SHARE,
          },
          { row },
        )
        break
      }
      case 'cancel':
        twin.cancel(step.row, id, now)
        stage.cancel(id, { row: step.row })
        break
      case 'replace': {
        const live = twin.orders.filter(({ isLive }) => isLive)
        const order = step.isOfAny ? twin.orders.find(order => order.id === id) : live[step.which % live.length]
        const row = step.isForeign ? 1 : (order?.account.row ?? 0)
        const quantity = step.keeps === 'quantity' ? (order?.quantity ?? step.quantity) : step.quantity
        const price = step.keeps === 'price' ? (order?.price ?? step.price) : step.price
        const named = order?.id ?? id
        twin.replace(row, named, quantity, price, step.clOrdId, now)
        stage.replace(named, [quantity / SHARE, price / SHARE, step.clOrdId], { row })
        break
      }
      case 'update': {
        const row = twin.orders.find(order => order.id === id)?.account.row ?? 0
        twin.update(row, id, step.status, step.lastQty, step.price, now)
        stage.update(id, [step.status, step.lastQty / SHARE, step.price / SHARE], { row })
        break
      }
      case 'quote':
        this.#quote(step.ticker, step.bid, step.ask)
        break
      case 'wait':
        twin.time(now + step.seconds * 1_000_000)
        stage.wait(step.seconds)
        break
      case 'terms': {
        const { row, currency, limit, mayOpen } = step
        Object.assign(this.#terms[row]!, { currency, limit, mayOpen })
        stage.terms(row, { currency, buyingPowerLimit: limit, riskState: mayOpen ? 0 : 1 })
        break
      }
    }
  }

  compare(): void {
    const { stage, twin } = this
    const said = twin.take()
    deepEqual(stage.take(), said.lines)
    deepEqual(stage.answers().sort(), said.answers.sort())
    for (const account of twin.accounts) {
      const { row, orderSequence, reportSequence } = account
      if (orderSequence === 0) continue
      const standing = stage.standing(row)
      const openOrders = twin.orders.filter(order => order.account === account && order.isLive).length
      deepEqual(
        [standing.lastOrderSequence, standing.lastReportSequence, standing.openOrders],
        [orderSequence, reportSequence, openOrders],
      )
      // A currency that has changed is seen with the account's next order.
      if (stage.book(row).currency === account.terms.currency) {
        equal(stage.book(row).used, Number(twin.used(account)), `buying power of row ${row}`)
      }
      const shown = stage.shown(row)
      for (const [index, holding] of account.holdings) {
        const position = shown.get(tickers[index]!.text)
        deepEqual(
          [position?.quantity, position?.costBasis, position?.gross, position?.pendingSell, position?.pendingBuy],
          [
            Number(holding.quantity),
            Number(holding.cost),
            Number(holding.gross),
            holding.pendingSell,
            holding.pendingBuy,
          ],
          `${tickers[index]!.text} of row ${row}`,
        )
      }
      equal(shown.size, account.holdings.size)
    }
    deepEqual(stage.journal.length, stage.routing.length)
  }

  #quote(index: number, bid: number, ask: number): void {
    this.twin.quote(index, bid, ask, this.stage.nowUs)
    this.stage.quote(tickers[index]!.text, bid / SHARE, ask / SHARE)
  }
}

function pick<Fields extends object>(
  fields: Fields & Record<'side' | 'type' | 'quantity' | 'price' | 'timeInForce' | 'expiry', unknown>,
) {
  const { side, type, quantity, price, timeInForce, expiry } = fields
  return { side, type, quantity, price, timeInForce, expiry } as Pick<
    Fields & Record<'side' | 'type' | 'quantity' | 'price' | 'timeInForce' | 'expiry', never>,
    'side' | 'type' | 'quantity' | 'price' | 'timeInForce' | 'expiry'
  >
}

test('the desk says and keeps what its slow twin does, whatever happens', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 80, size: 'max' }), steps => {
      const pair = new Pair()
      for (const step of steps) {
        pair.take(step)
        pair.compare()
      }
    }),
    { numRuns: RUNS },
  )
})
