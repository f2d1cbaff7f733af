// Bookkeeping against a twin that follows the rule in exact integers, and recounts every total from its parts.

import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TrueAverageBookkeeper } from '../../src/accounting/bookkeeper.ts'
import { emptyInventory, type Inventory, isEmpty, record } from '../../src/accounting/inventory.ts'
import { AmountOutOfRange, MICROS, MICROS_MAX } from '../../src/domain/money.ts'
import { exactMulDiv, exactValue, magnitude, prices, quantities, smaller } from './amounts.ts'

type ExactInventory = { [Field in keyof Inventory]: bigint }

function exactEmpty(): ExactInventory {
  return { quantity: 0n, costBasis: 0n, gross: 0n, fees: 0n, volume: 0n, transactions: 0n }
}

function exactRecord(inventory: ExactInventory, quantity: bigint, cost: bigint, fees: bigint): void {
  inventory.fees += fees
  if (quantity === 0n) return
  const traded = magnitude(quantity)
  const value = magnitude(cost)
  const direction = quantity > 0n ? 1n : -1n
  inventory.volume += traded
  inventory.transactions += 1n
  let rest = traded
  let restValue = value
  if (inventory.quantity * direction < 0n) {
    const closed = smaller(traded, magnitude(inventory.quantity))
    const closedValue = exactMulDiv(value, closed, traded)
    const closedCost = exactMulDiv(inventory.costBasis, closed, inventory.quantity)
    inventory.gross += quantity < 0n ? closedValue - closedCost : closedCost - closedValue
    inventory.quantity += direction * closed
    inventory.costBasis += direction * closedCost
    rest -= closed
    restValue -= closedValue
  }
  inventory.quantity += direction * rest
  inventory.costBasis += direction * restValue
}

function inNumbers(inventory: ExactInventory): Inventory {
  const { quantity, costBasis, gross, fees, volume, transactions } = inventory
  return {
    quantity: Number(quantity),
    costBasis: Number(costBasis),
    gross: Number(gross),
    fees: Number(fees),
    volume: Number(volume),
    transactions: Number(transactions),
  }
}

const TICKERS = ['ABX.TSX', 'XYZ.TSX', 'S32.ASX']
const CAD = 124
const AUD = 36

function currencyOf(ticker: string): number {
  return ticker.endsWith('.ASX') ? AUD : CAD
}

const fills = fc.array(
  fc.record({
    ticker: fc.constantFrom(...TICKERS),
    quantity: fc.oneof(
      quantities,
      quantities.map(quantity => -quantity),
      fc.constant(0),
    ),
    price: prices,
    fees: fc.integer({ min: -5, max: 100_000 }),
    restart: fc.boolean(),
    flatten: fc.boolean(),
  }),
  { maxLength: 200, size: 'max' },
)

test('inventories and totals are what exact arithmetic says, after each fill and after a restart', () => {
  fc.assert(
    fc.property(fills, fills => {
      const twin = new Map<string, ExactInventory>()
      let bookkeeper = new TrueAverageBookkeeper()
      for (const { ticker, quantity, price, fees, restart, flatten } of fills) {
        const exact = twin.get(ticker) ?? exactEmpty()
        twin.set(ticker, exact)
        const signed = flatten ? -exact.quantity : BigInt(quantity)
        const cost = exactValue(signed, BigInt(price))
        exactRecord(exact, signed, cost, BigInt(fees))
        bookkeeper.record(ticker, currencyOf(ticker), Number(signed), Number(cost), fees)
        if (restart) bookkeeper = new TrueAverageBookkeeper(bookkeeper.inventories())
        deepEqual(
          new Map([...bookkeeper.inventories()].map(inventory => [inventory.ticker, inventory])),
          new Map(
            [...twin]
              .map(([name, inventory]) => ({ ticker: name, currency: currencyOf(name), ...inNumbers(inventory) }))
              .filter(inventory => !isEmpty(inventory))
              .map(inventory => [inventory.ticker, inventory]),
          ),
        )
        for (const currency of [CAD, AUD]) {
          const total = exactEmpty()
          for (const [name, inventory] of twin) {
            if (currencyOf(name) !== currency) continue
            total.quantity += magnitude(inventory.quantity)
            total.costBasis += magnitude(inventory.costBasis)
            total.gross += inventory.gross
            total.fees += inventory.fees
            total.volume += inventory.volume
            total.transactions += inventory.transactions
          }
          deepEqual(bookkeeper.total(currency), inNumbers(total))
        }
      }
    }),
    { numRuns: 60 },
  )
})

test('a position that goes through zero realises its whole cost and opens with the rest of the value', () => {
  const inventory = emptyInventory()
  record(inventory, 100 * MICROS, 1000 * MICROS, 0)
  record(inventory, 100 * MICROS, 1200 * MICROS, 0)
  record(inventory, -150 * MICROS, 1950 * MICROS, 0)
  record(inventory, -120 * MICROS, -1440 * MICROS, 2 * MICROS)
  deepEqual(inventory, {
    quantity: -70 * MICROS,
    costBasis: -840 * MICROS,
    gross: 350 * MICROS,
    fees: 2 * MICROS,
    volume: 470 * MICROS,
    transactions: 4,
  })
})

test('a fill that would carry a sum out of the range changes nothing, be it the ticker’s or the currency’s', () => {
  const bookkeeper = new TrueAverageBookkeeper()
  bookkeeper.record('ABX.TSX', CAD, MICROS_MAX, 5, 0)
  const before = [[...bookkeeper.inventories()], [...bookkeeper.totals()]]
  for (const ticker of ['ABX.TSX', 'XYZ.TSX']) {
    throws(() => bookkeeper.record(ticker, CAD, 1, 0, 1), AmountOutOfRange)
    deepEqual([[...bookkeeper.inventories()], [...bookkeeper.totals()]], before)
  }
})

test('what was never booked reads as nothing', () => {
  const bookkeeper = new TrueAverageBookkeeper([{ ticker: 'ABX.TSX', currency: CAD, ...emptyInventory() }])
  deepEqual(
    [[...bookkeeper.inventories()], bookkeeper.inventory('ABX.TSX'), bookkeeper.total(CAD), [...bookkeeper.totals()]],
    [[], undefined, emptyInventory(), []],
  )
})
