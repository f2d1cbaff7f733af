import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KeyIndex } from '../../src/base/key-index.ts'

test('a key index is a map: property, with few keys that collide and grow the table', () => {
  // Multiples of large powers of two share their low bits; a small set of keys is set and deleted again and again.
  const key = fc.oneof(
    fc.nat(60),
    fc.nat(60).map(n => n * 2 ** 32),
    fc.nat(60).map(n => n * 2 ** 45),
    fc.maxSafeNat(),
  )
  const action = fc.record({ kind: fc.constantFrom('set', 'set', 'delete', 'get'), key, value: fc.nat(2 ** 31 - 1) })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 400 }), actions => {
      const index = new KeyIndex()
      const map = new Map<number, number>()
      for (const { kind, key, value } of actions) {
        if (kind === 'set') {
          index.set(key, value)
          map.set(key, value)
        } else if (kind === 'delete') {
          assert.equal(index.delete(key), map.delete(key))
        }
        assert.equal(index.get(key), map.get(key) ?? -1)
        assert.equal(index.has(key), map.has(key))
      }
      assert.equal(index.size, map.size)
      for (const [key, value] of map) assert.equal(index.get(key), value)
    }),
    { numRuns: 300 },
  )
})

test('sequential keys come and go for long without the table growing or slowing down', () => {
  const index = new KeyIndex(1000)
  for (let key = 0; key < 200_000; key++) {
    index.set(2 ** 40 + key, key)
    if (key >= 1000) assert.equal(index.delete(2 ** 40 + key - 1000), true)
  }
  assert.equal(index.size, 1000)
  for (let key = 0; key < 200_000; key++) {
    if (index.get(2 ** 40 + key) !== (key >= 199_000 ? key : -1)) assert.fail(`key ${key}`)
  }
})

test('what cannot be a key is not there, and is not taken', () => {
  const index = new KeyIndex()
  index.set(0, 7)
  const strangers = [-1, -0.5, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53]
  for (const key of strangers) {
    assert.equal(index.get(key), -1)
    assert.equal(index.has(key), false)
    assert.equal(index.delete(key), false)
    assert.throws(() => index.set(key, 1), /safe whole number/)
  }
  assert.throws(() => index.set(1, -1), /not negative/)
  assert.throws(() => index.set(1, 2 ** 31), /not negative/)
  assert.deepEqual([index.size, index.get(0), index.get(-0)], [1, 7, 7])
})

test('a cleared index is empty', () => {
  const index = new KeyIndex()
  for (let key = 0; key < 100; key++) index.set(key, key)
  index.clear()
  assert.deepEqual([index.size, index.get(5)], [0, -1])
  index.set(5, 6)
  assert.deepEqual([index.size, index.get(5)], [1, 6])
})
