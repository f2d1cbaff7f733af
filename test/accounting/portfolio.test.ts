// The portfolio against a twin that computes each figure anew from the fills and the quotes so far.

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TrueAverageBookkeeper } from '../../src/accounting/bookkeeper.ts'
import { Portfolio } from '../../src/accounting/portfolio.ts'
import { MICROS, multiply } from '../../src/domain/money.ts'
import { direction, Side } from '../../src/domain/side.ts'
import { prices, quantities } from './amounts.ts'

const CAD = 124
const TICKERS = ['ABX.TSX', 'XYZ.TSX']

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('fill', 'fill', 'quote', 'quote', 'flatten'),
    ticker: fc.constantFrom(...TICKERS),
    side: fc.constantFrom(Side.Ask, Side.Bid),
    quantity: fc.oneof(quantities, fc.constant(0)),
    price: prices,
    ask: fc.oneof(prices, fc.constant(0)),
    bid: fc.oneof(prices, fc.constant(0)),
  }),
  { maxLength: 100, size: 'max' },
)

test('results are realised by the books and unrealised by the last market of the side that closes', () => {
  fc.assert(
    fc.property(steps, commands => {
      const portfolio = new Portfolio()
      const books = new TrueAverageBookkeeper()
      const markets = new Map(TICKERS.map(ticker => [ticker, { bid: 0, ask: 0 }]))
      const unrealized = new Map(TICKERS.map(ticker => [ticker, 0]))
      for (const { kind, ticker, side, quantity, price, bid, ask } of commands) {
        const held = books.inventory(ticker)?.quantity ?? 0
        const market = markets.get(ticker)!
        const before = unrealized.get(ticker)!
        let changed: boolean
        if (kind === 'quote') {
          changed = portfolio.quote(ticker, bid, ask)
          market.bid = bid || market.bid
          market.ask = ask || market.ask
        } else {
          const closing = kind === 'flatten' && held !== 0
          const [filled, filledSide] = closing ? [Math.abs(held), held > 0 ? Side.Ask : Side.Bid] : [quantity, side]
          changed = portfolio.fill(ticker, CAD, filledSide, filled, price, 1)
          equal(changed, filled !== 0)
          if (filled !== 0) {
            books.record(ticker, CAD, direction(filledSide) * filled, multiply(filled, price), 1)
          }
        }
        const inventory = books.inventory(ticker)
        if (inventory !== undefined) {
          const worth =
            inventory.quantity > 0 ? market.bid : inventory.quantity < 0 ? market.ask : market.bid || market.ask
          if (worth !== 0) unrealized.set(ticker, multiply(inventory.quantity, worth) - inventory.costBasis)
        }
        if (kind === 'quote') equal(changed, unrealized.get(ticker) !== before)
        const sum = [...unrealized.values()].reduce((a, b) => a + b)
        const total = books.total(CAD)
        deepEqual(
          [...portfolio.entries()],
          [...books.inventories()].map(inventory => ({
            inventory,
            unrealized: unrealized.get(inventory.ticker)!,
            currencyTotal: total,
            currencyUnrealized: sum,
          })),
        )
        equal(portfolio.result(CAD), sum + total.gross - total.fees)
      }
    }),
    { numRuns: 60 },
  )
})

test('a currency appears among the unrealised results with its first mark', () => {
  const portfolio = new Portfolio()
  portfolio.fill('ABX.TSX', CAD, Side.Bid, 100 * MICROS, 10 * MICROS, 0)
  equal(portfolio.currencyUnrealized().has(CAD), false)
  equal(portfolio.mark('ABX.TSX', { ask: 12 * MICROS }), false)
  equal(portfolio.currencyUnrealized().has(CAD), false)
  equal(portfolio.mark('ABX.TSX', { bid: 10 * MICROS }), false)
  deepEqual([...portfolio.currencyUnrealized()], [[CAD, 0]])
})

test('a position that has become flat has no unrealised result, whichever side is known', () => {
  const portfolio = new Portfolio()
  portfolio.mark('ABX.TSX', { ask: 12 * MICROS })
  portfolio.fill('ABX.TSX', CAD, Side.Ask, 100 * MICROS, 10 * MICROS, 0)
  equal(portfolio.unrealized('ABX.TSX'), -200 * MICROS)
  portfolio.fill('ABX.TSX', CAD, Side.Bid, 100 * MICROS, 11 * MICROS, 0)
  equal(portfolio.unrealized('ABX.TSX'), 0)
  equal(portfolio.result(CAD), -100 * MICROS)
})
