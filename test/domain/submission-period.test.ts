import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { isEmptyPeriod, isPeriodBound, type PeriodBound, periodAt } from '../../src/domain/submission-period.ts'

const us = (text: string): number => Date.parse(text) * 1_000

/** First and last moment, where the last is told as the first behind it. */
function period(timeZone: string, begin: PeriodBound, end: PeriodBound): [string, string] {
  const [beginUs, endUs] = periodAt(timeZone, begin, end)
  return [new Date(beginUs / 1_000).toISOString(), new Date((endUs + 1) / 1_000).toISOString()]
}

test('a date is the whole day of the venue’s own calendar, also where its clocks change', () => {
  const days: [zone: string, date: string, first: string, behind: string][] = [
    ['America/Toronto', '2024-07-16', '2024-07-16T04:00:00.000Z', '2024-07-17T04:00:00.000Z'],
    ['America/Toronto', '2024-01-16', '2024-01-16T05:00:00.000Z', '2024-01-17T05:00:00.000Z'],
    // 23 hours, 25 hours.
    ['America/Toronto', '2024-03-10', '2024-03-10T05:00:00.000Z', '2024-03-11T04:00:00.000Z'],
    ['America/Toronto', '2024-11-03', '2024-11-03T04:00:00.000Z', '2024-11-04T05:00:00.000Z'],
    ['Australia/Sydney', '2024-07-16', '2024-07-15T14:00:00.000Z', '2024-07-16T14:00:00.000Z'],
    ['Australia/Sydney', '2024-04-07', '2024-04-06T13:00:00.000Z', '2024-04-07T14:00:00.000Z'],
    ['Australia/Sydney', '2024-10-06', '2024-10-05T14:00:00.000Z', '2024-10-06T13:00:00.000Z'],
    // Its clocks jump at midnight: the day begins at one.
    ['America/Santiago', '2024-09-08', '2024-09-08T04:00:00.000Z', '2024-09-09T03:00:00.000Z'],
    ['UTC', '2024-02-29', '2024-02-29T00:00:00.000Z', '2024-03-01T00:00:00.000Z'],
    ['UTC', '2024-12-31', '2024-12-31T00:00:00.000Z', '2025-01-01T00:00:00.000Z'],
  ]
  for (const [zone, date, first, behind] of days) {
    deepEqual([zone, date, ...period(zone, date, date)], [zone, date, first, behind])
  }
})

test('moments are themselves, and may stand beside a date', () => {
  const noon = us('2024-07-16T12:00:00Z')
  deepEqual(periodAt('America/Toronto', noon, noon), [noon, noon])
  deepEqual(periodAt('America/Toronto', noon, '2024-07-16'), [noon, us('2024-07-17T04:00:00Z') - 1])
  deepEqual(periodAt('America/Toronto', '2024-07-16', noon), [us('2024-07-16T04:00:00Z'), noon])
  deepEqual(periodAt('America/Toronto', 0, 0), [0, Number.MAX_SAFE_INTEGER])
})

test('what is no bound, and what leaves nothing between', () => {
  const bounds: [unknown, boolean][] = [
    [0, true],
    [1.5, false],
    [-1, false],
    [2 ** 53, false],
    ['2024-07-16', true],
    ['2024-02-29', true],
    ['2023-02-29', false],
    ['2024-13-01', false],
    ['2024-7-16', false],
    ['2024-07-16T00:00', false],
    ['', false],
    [null, false],
  ]
  for (const [value, isBound] of bounds) equal(isPeriodBound(value), isBound, String(value))
  equal(isEmptyPeriod('2024-07-17', '2024-07-16'), true)
  equal(isEmptyPeriod('2024-07-16', '2024-07-16'), false)
  equal(isEmptyPeriod(2, 1), true)
  equal(isEmptyPeriod(2, 0), false)
  equal(isEmptyPeriod(2, '2024-07-16'), false)
})
