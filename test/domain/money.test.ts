import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  AmountOutOfRange,
  averagePrice,
  isMicros,
  MICROS,
  MICROS_MAX,
  microsOfNumber,
  mulDiv,
  multiply,
  numberOfMicros,
} from '../../src/domain/money.ts'

const micros = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -20_000_000, max: 20_000_000 }))

/** a × b ÷ c in exact integers, rounded to nearest, halves away from zero; undefined out of range. */
function exactly(a: number, b: number, c: number): number | undefined {
  const product = BigInt(a) * BigInt(b)
  const divisor = BigInt(c)
  const isNegative = product < 0n !== divisor < 0n
  const size = product < 0n ? -product : product
  const divisorSize = divisor < 0n ? -divisor : divisor
  const rounded = (2n * size + divisorSize) / (2n * divisorSize)
  if (rounded > BigInt(MICROS_MAX)) return undefined
  return rounded === 0n ? 0 : isNegative ? -Number(rounded) : Number(rounded)
}

test('a product divided agrees with exact integers, or leaves the range', () => {
  fc.assert(
    fc.property(
      micros,
      micros,
      micros.filter(c => c !== 0),
      (a, b, c) => {
        const expected = exactly(a, b, c)
        if (expected === undefined) throws(() => mulDiv(a, b, c), AmountOutOfRange)
        else equal(mulDiv(a, b, c), expected)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('a quantity at a price agrees with exact integers, whole units or not', () => {
  const quantity = fc.oneof(
    fc.integer({ min: -9_000_000, max: 9_000_000 }).map(units => units * MICROS),
    micros,
  )
  fc.assert(
    fc.property(quantity, micros, (size, price) => {
      const expected = exactly(size, price, MICROS)
      if (expected === undefined) throws(() => multiply(size, price), AmountOutOfRange)
      else equal(multiply(size, price), expected)
    }),
    { numRuns: 2_000 },
  )
})

test('a number of the wire is taken if it has at most six decimals and lies in the range', () => {
  deepEqual([25.37, 0.1 + 0.7, 0, -0, 1e-6, 4_294_967_295.999999].map(microsOfNumber), [
    25_370_000,
    Number.NaN,
    0,
    0,
    1,
    4_294_967_295_999_999,
  ])
  const refused = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-7, 2 ** 53, 1e300, 0.12345678]
  deepEqual(
    refused.map(microsOfNumber),
    refused.map(() => Number.NaN),
  )
})

test('every amount of less than 2^32 units goes over the wire and comes back', () => {
  const wireMax = 2 ** 32 * MICROS - 1
  const amount = fc.oneof(
    fc.integer({ min: -wireMax, max: wireMax }),
    micros.map(value => value % 1_000_000_000),
  )
  fc.assert(
    fc.property(amount, value => equal(microsOfNumber(numberOfMicros(value)), value + 0)),
    { numRuns: 2_000 },
  )
})

test('micros are whole, finite, in range and not negative zero', () => {
  const values = [0, 1, -MICROS_MAX, -0, 0.5, Number.NaN, Number.POSITIVE_INFINITY, MICROS_MAX + 1]
  deepEqual(values.map(isMicros), [true, true, true, false, false, false, false, false])
})

test('an average price is cost over quantity, and zero when flat', () => {
  deepEqual(
    [averagePrice(1_000_000, 3_000_000), averagePrice(-10_000_000, -4_000_000), averagePrice(0, 0)],
    [333_333, 2_500_000, 0],
  )
})
