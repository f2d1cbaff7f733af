// Amounts for the properties of this folder, and the exact arithmetic their slow twins count with.

import fc from 'fast-check'
import { MICROS } from '../../src/domain/money.ts'

/** Quantities in micros: mostly whole units, so that equal and covering ones meet; some odd down to one millionth. */
export const quantities: fc.Arbitrary<number> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 8 }).map(units => units * 100 * MICROS) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 500 * MICROS }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }).map(quarters => quarters * 250_000) },
)

/** Prices in micros: few enough that orders share levels, some with all six decimals. */
export const prices: fc.Arbitrary<number> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 995, max: 1005 }).map(cents => cents * 10_000) },
  { weight: 1, arbitrary: fc.integer({ min: 9_999_990, max: 10_000_010 }) },
)

/** `a × b ÷ c` in exact arithmetic, rounded to nearest, halves away from zero. */
export function exactMulDiv(a: bigint, b: bigint, c: bigint): bigint {
  const product = a * b
  const size = (2n * magnitude(product) + magnitude(c)) / (2n * magnitude(c))
  return product < 0n === c < 0n ? size : -size
}

/** Value of a quantity at a price. */
export function exactValue(quantity: bigint, price: bigint): bigint {
  return exactMulDiv(quantity, price, BigInt(MICROS))
}

export function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value
}

export function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

export function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
