import { deepEqual, notDeepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fingerprint } from '../../src/shards/fingerprint.ts'

type Fields = Parameters<Fingerprint['take']>
const range = (bytes: Uint8Array) => ({ bytes, start: 0, end: bytes.length })
const none = range(new Uint8Array(0))
const amounts = fc.oneof(fc.nat({ max: 1000 }), fc.maxSafeNat())
const fields: fc.Arbitrary<Fields> = fc.tuple(
  fc.string({ maxLength: 8 }),
  fc.string({ maxLength: 8 }),
  fc.nat({ max: 65535 }),
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 0, max: 1 }),
  amounts,
  amounts,
  fc.integer({ min: 0, max: 7 }),
  amounts,
  fc.uint8Array({ maxLength: 6 }).map(range),
)

function of(from: Fields): number[] {
  const fingerprint = new Fingerprint()
  fingerprint.take(...from)
  return [...fingerprint.words]
}

test('the same fields have the same fingerprint, also in an object that has taken others before', () => {
  fc.assert(
    fc.property(fields, fields, (first, second) => {
      const used = new Fingerprint()
      used.take(...first)
      used.take(...second)
      deepEqual([...used.words], of(second))
    }),
  )
})

test('fields that differ in one place have another fingerprint', () => {
  fc.assert(
    fc.property(fields, fields, fc.nat({ max: 9 }), (first, other, place) => {
      const second = first.map((value, index) => (index === place ? other[index] : value)) as Fields
      if (JSON.stringify(second[place]) === JSON.stringify(first[place])) return
      notDeepEqual(of(first), of(second))
    }),
    { numRuns: 5000 },
  )
})

test('what moves from one text into the next, or from one number into another, is not the same', () => {
  const base: Fields = ['AB', 'C', 124, 1, 1, 100, 10, 0, 0, none]
  const same = JSON.stringify(of(base))
  for (const other of [
    ['A', 'BC', 124, 1, 1, 100, 10, 0, 0, none],
    ['', 'ABC', 124, 1, 1, 100, 10, 0, 0, none],
    ['AB', 'C', 124, 1, 1, 10, 100, 0, 0, none],
    ['AB', 'C', 124, 1, 1, 100, 0, 0, 10, none],
    ['AB', 'C', 124, 1, 1, 0, 100, 0, 10, none],
    ['C', 'AB', 124, 1, 1, 100, 10, 0, 0, none],
  ] as Fields[]) {
    notDeepEqual(JSON.stringify(of(other)), same)
  }
})
