// Prices, quantities and money are whole numbers of millionths ("micros") held in a double, exact up to 2^53. Sums are
// plain additions; every product or ratio goes through `multiply` or `mulDiv`, rounds once, to nearest, halves away
// from zero, and is checked against the range. Nothing is rounded silently on the way in.
//
// The three types carry a weak brand: a plain number may become any of them, but a price is not accepted where a
// quantity is asked for.

import { assert } from '../base/assert.ts'

export type Quantity = number & { readonly unit?: 'quantity' }
export type Price = number & { readonly unit?: 'price' }
export type Money = number & { readonly unit?: 'money' }

/** Micros in one whole unit. */
export const MICROS = 1_000_000

/** The largest magnitude of any amount, in micros: 9,007,199,254.740991 units. */
export const MICROS_MAX = Number.MAX_SAFE_INTEGER

/**
 * The largest magnitude that travels as an ordinary number, in micros: 2^32 units. Above it neighbouring micros share
 * a double, so what is larger is refused at the door or written as whole micros.
 */
export const WIRE_MICROS_MAX = 2 ** 32 * MICROS

/** Raised where an exact result would leave the range of the type; callers at the door turn it into a refusal. */
export class AmountOutOfRange extends Error {
  override name = 'AmountOutOfRange'
}

/** True for a whole number of micros inside the range; false for NaN, infinities, fractions and negative zero. */
export function isMicros(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0)
}

/**
 * Micros of a number as it arrives on the wire (25.37 is 25,370,000), or NaN where the number is not finite, out of
 * range, or has more than six decimals. A double cannot hold 25.37 exactly, so the nearest whole micro is accepted if
 * it reads back as the very same double.
 */
export function microsOfNumber(value: number): number {
  const micros = Math.round(value * MICROS)
  if (!(micros <= WIRE_MICROS_MAX && micros >= -WIRE_MICROS_MAX)) return Number.NaN
  if (micros / MICROS !== value) return Number.NaN
  return micros + 0
}

/** The number that stands for `micros` on the wire; the nearest double, which `microsOfNumber` reads back exactly. */
export function numberOfMicros(micros: number): number {
  return micros / MICROS
}

/**
 * `a × b ÷ c`, rounded once, to nearest, halves away from zero.
 * @throws AmountOutOfRange where the result does not fit the range.
 */
export function mulDiv(a: number, b: number, c: number): number {
  assert(c !== 0, 'mulDiv by zero')
  if (b === c) return a
  const product = a * b
  if (product <= MICROS_MAX && product >= -MICROS_MAX) {
    // The product is exact. The quotient of two exact doubles may be rounded up onto a half or a whole number, so the
    // decision is made on the exact remainder.
    const remainder = product % c
    const quotient = (product - remainder) / c
    if (remainder === 0) return quotient + 0
    const twice = 2 * Math.abs(remainder)
    if (twice < Math.abs(c)) return quotient + 0
    return quotient + (product < 0 !== c < 0 ? -1 : 1)
  }
  return mulDivBig(a, b, c)
}

function mulDivBig(a: number, b: number, c: number): number {
  const product = BigInt(a) * BigInt(b)
  const divisor = BigInt(c)
  let quotient = product / divisor
  const remainder = product - quotient * divisor
  const twice = remainder < 0n ? -2n * remainder : 2n * remainder
  if (twice >= (divisor < 0n ? -divisor : divisor)) quotient += product < 0n !== divisor < 0n ? -1n : 1n
  if (quotient > BigInt(MICROS_MAX) || quotient < -BigInt(MICROS_MAX)) {
    throw new AmountOutOfRange(`${a} × ${b} ÷ ${c} leaves the range of amounts`)
  }
  return Number(quotient)
}

/** Value of `quantity` at `price`, rounded once to whole micros. @throws AmountOutOfRange */
export function multiply(quantity: Quantity, price: Price): Money {
  // Orders are nearly always for whole units: then the product is exact and needs no division.
  const units = quantity / MICROS
  if (Number.isInteger(units)) {
    const value = units * price
    if (value <= MICROS_MAX && value >= -MICROS_MAX) return value + 0
    throw new AmountOutOfRange(`${quantity} micros at ${price} micros leave the range of amounts`)
  }
  return mulDiv(quantity, price, MICROS)
}

/** Average price for display: cost ÷ quantity, zero where there is no quantity. */
export function averagePrice(cost: Money, quantity: Quantity): Price {
  return quantity === 0 ? 0 : mulDiv(cost, MICROS, quantity)
}
