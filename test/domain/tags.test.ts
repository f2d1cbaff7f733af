import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MICROS } from '../../src/domain/money.ts'
import { areEqualTags, findTag, TAGS_MAX, TagKey, TagType, tagsFromWire, tagsToWire } from '../../src/domain/tags.ts'

test('one tag of each type is read, amounts become micros', () => {
  const wire = [
    [1, TagType.Integer, -7],
    [2, TagType.Double, 0.1234567],
    [TagKey.MaxFloor, TagType.Quantity, 100.5],
    [TagKey.PegDifference, TagType.Money, -0.05],
    [5, TagType.Character, 'Ω'],
    [TagKey.ExecInst, TagType.Text, 'R a'],
    [7, TagType.Date, 2024_02_29],
    [8, TagType.Duration, -1],
    [9, TagType.DateTime, 1_700_000_000_000_000],
  ]
  const tags = tagsFromWire(wire)!
  deepEqual(
    tags.map(tag => tag.value),
    [-7, 0.1234567, 100_500_000, -50_000, 'Ω', 'R a', 2024_02_29, -1, 1_700_000_000_000_000],
  )
  deepEqual(tagsToWire(tags), wire)
})

test('no tags may be spelled as nil', () => {
  deepEqual([undefined, null, []].map(tagsFromWire), [[], [], []])
})

test('a list is refused as a whole for any fault in it', () => {
  const faulty: unknown[] = [
    {},
    'tags',
    new Array(TAGS_MAX + 1).fill([1, TagType.Integer, 1]),
    [null],
    [[1, TagType.Integer]],
    [[1, TagType.Integer, 1, 1]],
    [[0, TagType.Integer, 1]],
    [[-1, TagType.Integer, 1]],
    [[2 ** 31, TagType.Integer, 1]],
    [[1.5, TagType.Integer, 1]],
    [['1', TagType.Integer, 1]],
    [[1, 9, 1]],
    [[1, -1, 1]],
    [[1, '0', 1]],
    [[1, TagType.Integer, 1.5]],
    [[1, TagType.Integer, 2 ** 53]],
    [[1, TagType.Integer, 2n ** 60n]],
    [[1, TagType.Double, Number.NaN]],
    [[1, TagType.Double, Number.POSITIVE_INFINITY]],
    [[1, TagType.Double, '1']],
    [[1, TagType.Quantity, 1e-7]],
    [[1, TagType.Money, 1e300]],
    [[1, TagType.Money, null]],
    [[1, TagType.Character, '']],
    [[1, TagType.Character, 'ab']],
    [[1, TagType.Character, 65]],
    [[1, TagType.Text, 'a'.repeat(256)]],
    [[1, TagType.Text, 'é'.repeat(128)]],
    [[1, TagType.Text, 1]],
    [[1, TagType.Date, 2023_02_29]],
    [[1, TagType.Date, 2024_13_01]],
    [[1, TagType.Date, 2024_01_00]],
    [[1, TagType.Date, 1]],
    [[1, TagType.DateTime, 0.5]],
    [
      [1, TagType.Integer, 1],
      [1, TagType.Text, 2],
    ],
  ]
  deepEqual(
    faulty.map(tagsFromWire),
    faulty.map(() => undefined),
  )
})

test('the limits themselves are allowed', () => {
  equal(tagsFromWire(new Array(TAGS_MAX).fill([2 ** 31 - 1, TagType.Integer, 1]))?.length, TAGS_MAX)
  equal(tagsFromWire([[1, TagType.Text, 'a'.repeat(255)]])?.length, 1)
  equal(tagsFromWire([[1, TagType.Text, '']])?.length, 1)
  equal(tagsFromWire([[1, TagType.Character, '𝄞']])?.length, 1)
})

test('what is accepted goes back to the wire and is accepted again as the same', () => {
  const value = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.string(),
    fc.integer({ min: -MICROS, max: MICROS }).map(n => n / 1e3),
  )
  const tag = fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 8 }), value)
  fc.assert(
    fc.property(fc.array(tag, { maxLength: 3 }), wire => {
      const tags = tagsFromWire(wire)
      if (tags !== undefined) deepEqual(tagsFromWire(tagsToWire(tags)), tags)
    }),
  )
})

test('negative zero becomes zero', () => {
  const tags = tagsFromWire([TagType.Integer, TagType.Double, TagType.Quantity].map(type => [1, type, -0]))!
  deepEqual(
    tags.map(tag => tag.value),
    [0, 0, 0],
  )
})

test('the first tag of a key counts, and tags are equal in key, type and value', () => {
  const tags = tagsFromWire([
    [18, TagType.Text, 'M'],
    [18, TagType.Text, 'P'],
    [211, TagType.Integer, 1],
    [211, TagType.Duration, 1],
  ])!
  equal(findTag(tags, TagKey.ExecInst)?.value, 'M')
  equal(findTag(tags, TagKey.MaxFloor), undefined)
  deepEqual(
    tags.map(tag => areEqualTags(tag, { ...tags[2]! })),
    [false, false, true, false],
  )
})
