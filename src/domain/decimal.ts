// Decimal text and rounding of amounts. Amounts are whole micros (see money.ts); here they are read from text, shown to
// people, and brought to a multiple of something. What does not fit six decimals or the range is refused, not rounded.

import { assert } from '../base/assert.ts'
import { AmountOutOfRange, MICROS, MICROS_MAX, type Money, mulDiv, type Quantity } from './money.ts'

const DECIMALS = 6
const DECIMAL = /^([+-]?)(\d*)(\.?)(\d*)$/
/** Digits of the largest amount in micros; longer numbers are out of range without being computed. */
const MICROS_DIGITS_MAX = String(MICROS_MAX).length

/**
 * Micros of a decimal text: an optional sign, digits, an optional point, digits. The digits on one side of a point may
 * be missing, on both sides too (`-.` is zero). Undefined for anything else, for more than six significant decimals
 * and for amounts out of range.
 */
export function parseDecimal(text: string): number | undefined {
  const match = DECIMAL.exec(text)
  if (match === null) return undefined
  const [, sign, whole, point, fraction] = match as unknown as [string, string, string, string, string]
  if (whole === '' && point === '') return undefined
  const decimals = fraction.replace(/0+$/, '')
  if (decimals.length > DECIMALS) return undefined
  const digits = (whole + decimals.padEnd(DECIMALS, '0')).replace(/^0+/, '')
  if (digits.length > MICROS_DIGITS_MAX) return undefined
  const micros = Number(digits)
  if (micros > MICROS_MAX) return undefined
  return sign === '-' ? 0 - micros : micros
}

/** The one spelling of an amount: no plus, no needless zeros, no point without decimals (`10`, `-0.05`). */
export function formatDecimal(micros: number): string {
  return spell(micros, 0)
}

/** A quantity for people: whole ones as digits only, others with all six decimals (`100`, `1.100000`). */
export function formatQuantity(quantity: Quantity): string {
  return spell(quantity, quantity % MICROS === 0 ? 0 : DECIMALS)
}

/** Money and prices for people: two decimals at least, six at most (`1.00`, `0.135`). */
export function formatMoney(money: Money): string {
  return spell(money, 2)
}

function spell(micros: number, decimalsMin: number): string {
  const size = Math.abs(micros)
  const rest = size % MICROS
  // `size / MICROS` may be rounded up to the next whole number; the difference is divided exactly.
  const whole = (size - rest) / MICROS
  const decimals = String(rest).padStart(DECIMALS, '0').replace(/0+$/, '').padEnd(decimalsMin, '0')
  return `${micros < 0 ? '-' : ''}${whole}${decimals === '' ? '' : `.${decimals}`}`
}

// Rounding of `value` to a multiple of `multiple`, both in micros. The sign of the multiple does not matter; a multiple
// of zero yields zero. Rounding to whole units is rounding to a multiple of MICROS.

/** The largest multiple that is not above `value`. @throws AmountOutOfRange */
export function floorTo(value: number, multiple: number): number {
  if (multiple === 0) return 0
  const rest = value % multiple
  return inRange(value - rest - (rest < 0 ? Math.abs(multiple) : 0))
}

/** The smallest multiple that is not below `value`. @throws AmountOutOfRange */
export function ceilTo(value: number, multiple: number): number {
  if (multiple === 0) return 0
  const rest = value % multiple
  return inRange(value - rest + (rest > 0 ? Math.abs(multiple) : 0))
}

/** The nearest multiple; a value halfway between two goes to the one further from zero. @throws AmountOutOfRange */
export function roundTo(value: number, multiple: number): number {
  if (multiple === 0) return 0
  const rest = value % multiple
  const step = Math.abs(multiple)
  // `rest >= step - rest` rather than `2 * rest >= step`, which may leave the exact range.
  const awayFromZero = Math.abs(rest) >= step - Math.abs(rest) ? step : 0
  return inRange(value - rest + (value < 0 ? -awayFromZero : awayFromZero))
}

/** The nearest multiple that is not further from zero than `value`. */
export function truncateTo(value: number, multiple: number): number {
  return multiple === 0 ? 0 : value - (value % multiple) + 0
}

/** Quotient of two amounts, as an amount, rounded once. `divisor` is not zero. @throws AmountOutOfRange */
export function divide(dividend: number, divisor: number): number {
  return mulDiv(dividend, MICROS, divisor)
}

/** Remainder of two amounts, with the sign of the dividend. `divisor` is not zero. */
export function modulus(dividend: number, divisor: number): number {
  assert(divisor !== 0, 'modulus by zero')
  return (dividend % divisor) + 0
}

function inRange(value: number): number {
  if (value > MICROS_MAX || value < -MICROS_MAX)
    throw new AmountOutOfRange(`${value} micros leave the range of amounts`)
  return value + 0
}
