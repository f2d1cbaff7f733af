import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  ceilTo,
  divide,
  floorTo,
  formatDecimal,
  formatMoney,
  formatQuantity,
  modulus,
  parseDecimal,
  roundTo,
  truncateTo,
} from '../../src/domain/decimal.ts'
import { AmountOutOfRange, MICROS, MICROS_MAX } from '../../src/domain/money.ts'

const micros = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -20_000_000, max: 20_000_000 }))

test('a decimal is an optional sign, digits, an optional point, digits', () => {
  const texts = ['0', '+0', '-0', '12', '0.05', '-0.05', '+1.10', '.01', '5.', '.', '+.', '-.', '007', '1.1000000000']
  deepEqual(
    texts.map(parseDecimal),
    [0, 0, 0, 12_000_000, 50_000, -50_000, 1_100_000, 10_000, 5_000_000, 0, 0, 0, 7_000_000, 1_100_000],
  )
})

test('anything else is not a decimal', () => {
  const texts = [
    '',
    '+',
    '-',
    ' 1',
    '1 ',
    '1e3',
    '1,000',
    '$1',
    '--1',
    '1.2.3',
    'NaN',
    'Infinity',
    '0x1',
    '1_0',
    '١',
    '1\n',
  ]
  deepEqual(
    texts.map(parseDecimal),
    texts.map(() => undefined),
  )
})

test('more than six significant decimals and amounts out of range are refused', () => {
  const texts = [
    '0.0000001',
    '1.2345678',
    '9007199254.740992',
    '-9007199254.740992',
    '1'.repeat(40),
    `1${'0'.repeat(16)}`,
  ]
  deepEqual(
    texts.map(parseDecimal),
    texts.map(() => undefined),
  )
  deepEqual(['9007199254.740991', `-${'0'.repeat(40)}9007199254.740991`].map(parseDecimal), [MICROS_MAX, -MICROS_MAX])
})

test('what is spelled reads back as the same amount, in each of the three spellings', () => {
  fc.assert(
    fc.property(micros, value => {
      for (const spell of [formatDecimal, formatMoney, formatQuantity]) equal(parseDecimal(spell(value)), value)
    }),
  )
})

test('an amount is spelled as the decimal expansion of its micros', () => {
  fc.assert(
    fc.property(micros, value => {
      const digits = String(Math.abs(value)).padStart(7, '0')
      const slow = `${value < 0 ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`
      equal(formatDecimal(value), slow.replace(/\.?0+$/, ''))
      equal(formatMoney(value), slow.replace(/0{1,4}$/, ''))
      equal(formatQuantity(value), slow.replace(/\.000000$/, ''))
    }),
  )
})

test('zero has no sign in any spelling', () => {
  deepEqual([formatDecimal(-0), formatMoney(-0), formatQuantity(-0)], ['0', '0.00', '0'])
})

test('rounding to a multiple agrees with exact integers', () => {
  const big = (value: number): bigint => BigInt(value)
  const floor = (value: bigint, step: bigint): bigint => {
    const quotient = value / step
    return (quotient * step > value ? quotient - 1n : quotient) * step
  }
  const twins: [(value: number, multiple: number) => number, (value: bigint, step: bigint) => bigint][] = [
    [floorTo, floor],
    [ceilTo, (value, step) => -floor(-value, step)],
    [truncateTo, (value, step) => (value / step) * step],
    [
      roundTo,
      (value, step) => {
        const size = value < 0n ? -value : value
        const rounded = floor(2n * size + step, 2n * step) / 2n
        return value < 0n ? -rounded : rounded
      },
    ],
  ]
  const multiple = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -50, max: 50 }), fc.constant(MICROS))
  fc.assert(
    fc.property(
      micros,
      multiple.filter(step => step !== 0),
      (value, step) => {
        for (const [fast, slow] of twins) {
          const expected = slow(big(value), big(Math.abs(step)))
          if (expected > big(MICROS_MAX) || expected < -big(MICROS_MAX))
            throws(() => fast(value, step), AmountOutOfRange)
          else equal(fast(value, step), Number(expected))
        }
      },
    ),
  )
})

test('a multiple of zero yields zero, and no rounding yields a negative zero', () => {
  for (const round of [floorTo, ceilTo, roundTo, truncateTo]) {
    deepEqual([round(-5_500_000, 0), round(0, MICROS), round(-0, MICROS)], [0, 0, 0])
  }
  deepEqual([ceilTo(-1, MICROS), roundTo(-1, MICROS), truncateTo(-1, MICROS)], [0, 0, 0])
})

test('halves are rounded away from zero', () => {
  deepEqual(
    [2_500_000, -2_500_000, 2_499_999, -2_499_999].map(value => roundTo(value, MICROS)),
    [3_000_000, -3_000_000, 2_000_000, -2_000_000],
  )
})

test('a quotient is rounded once, a remainder has the sign of the dividend', () => {
  deepEqual([divide(1_000_000, 3_000_000), divide(-2_000_000, 3_000_000)], [333_333, -666_667])
  deepEqual([modulus(5_500_000, 2_000_000), modulus(-5_500_000, 2_000_000), modulus(-4, 2)], [1_500_000, -1_500_000, 0])
  throws(() => modulus(1, 0), /modulus by zero/)
  throws(() => divide(1, 0), /by zero/)
})
