// The risk state against a twin that values every position anew after each step, and follows the table of states.

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TrueAverageBookkeeper } from '../../src/accounting/bookkeeper.ts'
import { Portfolio } from '../../src/accounting/portfolio.ts'
import { ExchangeRateTable, parseFraction } from '../../src/domain/exchange-rates.ts'
import { MICROS, multiply } from '../../src/domain/money.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { direction, Side } from '../../src/domain/side.ts'
import { RiskStateModel } from '../../src/risk/risk-state-model.ts'
import { NEVER, type RiskParameters, type RiskState } from '../../src/services/administration/risk.ts'

const CAD = 124
const USD = 840
const JPY = 392
const CURRENCIES = new Map([
  ['ABX.TSX', CAD],
  ['XYZ.TSX', CAD],
  ['IBM.NYSE', USD],
  ['SONY.TYO', JPY],
])
const TICKERS = [...CURRENCIES.keys()]
const SECOND_US = 1_000_000
const START_US = 1_770_000_000_000_000
const { Active, CloseOrders, Disabled } = RiskStateType

/** Yen cannot be converted. */
const rates = () => new ExchangeRateTable([{ base: USD, counter: CAD, rate: parseFraction('1.25')! }])

interface Trade {
  readonly ticker: string
  readonly quantity: number
  readonly value: number
  readonly fees: number
}

/** The obvious model: a list of trades that is booked anew each time, the market, and the table. */
class Twin {
  readonly trades: Trade[] = []
  readonly market = new Map<string, { bid: number; ask: number }>()
  /** Unrealised results; without a market on the side that closes the last one stays. */
  readonly unrealized = new Map<string, number>()
  parameters: RiskParameters
  state: RiskState
  nowUs = START_US

  constructor(parameters: RiskParameters) {
    this.parameters = parameters
    this.state = parameters.allowedState
    this.time()
    this.evaluate()
  }

  fill(trade: Trade): void {
    this.trades.push(trade)
    this.mark(trade.ticker)
    this.evaluate()
  }

  quote(ticker: string, bid: number, ask: number): void {
    const market = this.market.get(ticker) ?? { bid: 0, ask: 0 }
    this.market.set(ticker, { bid: bid || market.bid, ask: ask || market.ask })
    this.mark(ticker)
    this.evaluate()
  }

  books(): TrueAverageBookkeeper {
    const books = new TrueAverageBookkeeper()
    for (const { ticker, quantity, value, fees } of this.trades) {
      books.record(ticker, CURRENCIES.get(ticker)!, quantity, value, fees)
    }
    return books
  }

  mark(ticker: string): void {
    const { bid, ask } = this.market.get(ticker) ?? { bid: 0, ask: 0 }
    const { quantity, costBasis } = this.books().inventory(ticker) ?? { quantity: 0, costBasis: 0 }
    const price = quantity > 0 ? bid : quantity < 0 ? ask : bid || ask
    if (price !== 0) this.unrealized.set(ticker, multiply(quantity, price) - costBasis)
  }

  result(currency: number): number {
    const { gross, fees } = this.books().total(currency)
    const tickers = TICKERS.filter(ticker => CURRENCIES.get(ticker) === currency)
    return tickers.reduce((sum, ticker) => sum + (this.unrealized.get(ticker) ?? 0), gross - fees)
  }

  time(): void {
    if (this.state.type === CloseOrders && this.state.expiry !== NEVER && this.nowUs >= this.state.expiry) {
      this.state = { type: Disabled, expiry: NEVER }
    }
  }

  evaluate(): void {
    const { currency, netLoss, allowedState, transitionTimeUs } = this.parameters
    if (currency === 0) return
    const used = new Set(this.trades.map(({ ticker }) => CURRENCIES.get(ticker)!))
    const closing = { type: CloseOrders, expiry: this.nowUs + transitionTimeUs }
    if (used.has(JPY)) {
      if (this.state.type === Active) this.state = closing
      return
    }
    const inUsd = this.result(USD)
    const result = this.result(CAD) + Math.sign(inUsd) * Math.floor((Math.abs(inUsd) * 5) / 4 + 0.5)
    if (this.state.type === Active && result <= -netLoss) this.state = closing
    else if (this.state.type !== Active && result > -netLoss) {
      this.state = allowedState
      this.time()
    }
  }
}

const whole = (min: number, max: number) => fc.integer({ min, max }).map(units => units * MICROS)
const parameters: fc.Arbitrary<RiskParameters> = fc.record({
  currency: fc.constantFrom(CAD, CAD, CAD, 0),
  buyingPower: fc.constant(0),
  netLoss: whole(0, 400),
  transitionTimeUs: fc.integer({ min: 0, max: 5 }).map(seconds => seconds * SECOND_US),
  allowedState: fc.oneof(
    { weight: 4, arbitrary: fc.constant<RiskState>({ type: Active, expiry: NEVER }) },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constantFrom(CloseOrders, Disabled),
        expiry: fc.constantFrom(NEVER, START_US + 3 * SECOND_US),
      }),
    },
  ),
})
const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('fill' as const),
        // Rarely a currency that cannot be converted: it is there for good.
        ticker: fc.constantFrom(...TICKERS.slice(0, 3), ...TICKERS.slice(0, 3), ...TICKERS.slice(0, 3), ...TICKERS),
        side: fc.constantFrom(Side.Ask, Side.Bid),
        quantity: whole(1, 40),
        price: whole(1, 20),
        fees: fc.constantFrom(0, MICROS, -MICROS),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('quote' as const),
        ticker: fc.constantFrom(...TICKERS),
        bid: fc.oneof(whole(1, 20), fc.constant(0)),
        ask: fc.oneof(whole(1, 20), fc.constant(0)),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('time' as const), seconds: fc.integer({ min: 0, max: 4 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('parameters' as const), parameters }) },
  ),
  { maxLength: 60, size: 'max' },
)

test('the state follows the result, the time and the parameters as the table says', () => {
  fc.assert(
    fc.property(parameters, steps, (initial, commands) => {
      const portfolio = new Portfolio()
      const twin = new Twin(initial)
      const model = new RiskStateModel({ portfolio, rates: rates(), parameters: initial, nowUs: twin.nowUs })
      deepEqual({ ...model.state }, { ...twin.state })
      for (const command of commands) {
        switch (command.kind) {
          case 'fill': {
            const { ticker, side, quantity, price, fees } = command
            portfolio.fill(ticker, CURRENCIES.get(ticker)!, side, quantity, price, fees)
            model.portfolioChanged(twin.nowUs)
            twin.fill({ ticker, quantity: direction(side) * quantity, value: multiply(quantity, price), fees })
            break
          }
          case 'quote':
            portfolio.quote(command.ticker, command.bid, command.ask)
            model.portfolioChanged(twin.nowUs)
            twin.quote(command.ticker, command.bid, command.ask)
            break
          case 'time':
            twin.nowUs += command.seconds * SECOND_US
            model.passTime(twin.nowUs)
            twin.time()
            break
          case 'parameters':
            model.changeParameters(command.parameters, twin.nowUs)
            twin.parameters = command.parameters
            if (twin.state.type === Active) twin.state = command.parameters.allowedState
            twin.time()
            twin.evaluate()
            break
        }
        deepEqual({ ...model.state }, { ...twin.state })
      }
    }),
    { numRuns: 300 },
  )
})

const strict: RiskParameters = {
  currency: CAD,
  buyingPower: 0,
  allowedState: { type: Active, expiry: NEVER },
  netLoss: 100 * MICROS,
  transitionTimeUs: 60 * SECOND_US,
}

test('a loss that was realised in a currency without any quote counts', () => {
  const portfolio = new Portfolio()
  portfolio.fill('IBM.NYSE', USD, Side.Bid, 10 * MICROS, 20 * MICROS, 0)
  portfolio.fill('IBM.NYSE', USD, Side.Ask, 10 * MICROS, 10 * MICROS, 0)
  const model = new RiskStateModel({ portfolio, rates: rates(), parameters: strict, nowUs: START_US })
  equal(model.result, -125 * MICROS)
  deepEqual(model.state, { type: CloseOrders, expiry: START_US + 60 * SECOND_US })
})

test('an account goes on in the state of an earlier run, whose time goes on too', () => {
  const portfolio = new Portfolio()
  portfolio.fill('ABX.TSX', CAD, Side.Bid, 10 * MICROS, 20 * MICROS, 200 * MICROS)
  const state = { type: CloseOrders, expiry: START_US + SECOND_US }
  const options = { portfolio, rates: rates(), parameters: strict, state }
  deepEqual(new RiskStateModel({ ...options, nowUs: START_US }).state, state)
  deepEqual(new RiskStateModel({ ...options, nowUs: START_US + SECOND_US }).state, { type: Disabled, expiry: NEVER })
})

test('a result that cannot be counted is a loss', () => {
  const portfolio = new Portfolio()
  const most = 9_000_000_000 * MICROS
  portfolio.fill('ABX.TSX', CAD, Side.Bid, MICROS, most, 0)
  portfolio.fill('IBM.NYSE', USD, Side.Bid, MICROS, most, 0)
  portfolio.mark('ABX.TSX', { bid: 1 })
  portfolio.mark('IBM.NYSE', { bid: 1 })
  const model = new RiskStateModel({ portfolio, rates: rates(), parameters: strict, nowUs: START_US })
  equal(model.result, undefined)
  equal(model.state.type, CloseOrders)
})
