import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { closeAfter, closeOfDay, SESSION_US } from '../../src/destinations/trading-hours.ts'

const us = (time: string): number => Date.parse(time) * 1_000
const text = (instantUs: number): string => new Date(instantUs / 1_000).toISOString()

const closes: readonly [about: string, zone: string, at: string, close: string][] = [
  ['before the close it is today', 'America/Toronto', '2025-08-14T13:00:00.000Z', '2025-08-14T20:00:00.000Z'],
  ['at the close it is tomorrow', 'America/Toronto', '2025-08-14T20:00:00.000Z', '2025-08-15T20:00:00.000Z'],
  ['on Friday evening it is Monday', 'America/Toronto', '2025-08-15T21:00:00.000Z', '2025-08-18T20:00:00.000Z'],
  ['on Sunday it is Monday', 'America/Toronto', '2025-08-17T12:00:00.000Z', '2025-08-18T20:00:00.000Z'],
  ['clocks set forward', 'America/Toronto', '2025-03-07T21:30:00.000Z', '2025-03-10T20:00:00.000Z'],
  ['clocks set back', 'America/Toronto', '2025-10-31T20:30:00.000Z', '2025-11-03T21:00:00.000Z'],
  ['in Sydney it is tomorrow already', 'Australia/Sydney', '2025-08-14T13:00:00.000Z', '2025-08-15T06:00:00.000Z'],
  ['in Sydney Monday begins on Sunday', 'Australia/Sydney', '2025-08-17T22:00:00.000Z', '2025-08-18T06:00:00.000Z'],
  [
    'far in the west the close is another UTC day',
    'Pacific/Honolulu',
    '2025-08-15T03:00:00.000Z',
    '2025-08-16T02:00:00.000Z',
  ],
]

for (const [about, zone, at, close] of closes) {
  test(`the close after an instant: ${about}`, () => {
    equal(text(closeAfter(zone, us(at))), close)
  })
}

test('a weekend day has a close of its own, though no session', () => {
  equal(text(closeOfDay('America/Toronto', us('2025-08-16T23:00:00.000Z'))), '2025-08-16T20:00:00.000Z')
})

test('a session opens at 9:30', () => {
  const open = closeAfter('America/Toronto', us('2025-08-14T13:00:00.000Z')) - SESSION_US
  equal(text(open), '2025-08-14T13:30:00.000Z')
})
