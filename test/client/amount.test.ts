import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { wireAmount } from '../../src/client/amount.ts'
import { numberOfMicros, WIRE_MICROS_MAX } from '../../src/domain/money.ts'

test('text and number of the same amount are the same on the wire', () => {
  fc.assert(
    fc.property(fc.integer({ min: -WIRE_MICROS_MAX, max: WIRE_MICROS_MAX }), micros => {
      const digits = Math.abs(micros).toString().padStart(7, '0')
      const text = `${micros < 0 ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`
      equal(wireAmount(text, 'price'), numberOfMicros(micros))
      equal(wireAmount(numberOfMicros(micros), 'price'), numberOfMicros(micros))
    }),
  )
})

const plain: [text: string, value: number][] = [
  ['25.37', 25.37],
  ['+1', 1],
  ['0.000001', 0.000001],
  ['-0', 0],
  ['.5', 0.5],
  ['4294967295.999999', 4294967295.999999],
  ['4294967296', 4294967296],
]
for (const [text, value] of plain) test(`${text} is read exactly`, () => equal(wireAmount(text, 'price'), value))

const wrong = ['', '.', '-', ' 1', '1e3', '1,5', '0x10', '1.2345678', '4294967296.000001', '99999999999', 'NaN']
for (const text of wrong) {
  test(`'${text}' is no amount`, () =>
    void throws(() => wireAmount(text, 'price'), { code: 'INVALID_ARGUMENT', params: ['price', text] }))
}
