import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  dailyRange,
  instantAt,
  isTimeZone,
  localDay,
  startOfDay,
  timeOfDay,
  US_PER_DAY,
} from '../../src/domain/venue-time.ts'

const TORONTO = 'America/Toronto'
const SYDNEY = 'Australia/Sydney'
const MINUTE = 60_000_000

const us = (text: string): number => Date.parse(text) * 1_000
const iso = (instant: number): string => new Date(instant / 1_000).toISOString()

/** Date on the wall of a zone, asked of the platform in another way than the code under test asks. */
function dateTwin(timeZone: string): (instant: number) => string {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' })
  return instant => format.format(instant / 1_000)
}

/** Clock on the wall of a zone. */
function clockTwin(timeZone: string): (instant: number) => string {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'short' })
  return instant => format.format(instant / 1_000)
}

const pad = (part: number): string => String(part).padStart(2, '0')

const changes: [zone: string, around: string][] = [
  [TORONTO, '2024-03-10T07:00:00Z'],
  [TORONTO, '2024-11-03T06:00:00Z'],
  [TORONTO, '2026-03-08T07:00:00Z'],
  [TORONTO, '2026-11-01T06:00:00Z'],
  [SYDNEY, '2024-04-06T16:00:00Z'],
  [SYDNEY, '2024-10-05T16:00:00Z'],
  [SYDNEY, '2026-04-04T16:00:00Z'],
  [SYDNEY, '2026-10-03T16:00:00Z'],
]

for (const [zone, around] of changes) {
  test(`around the change of clocks at ${around}, every minute in ${zone} lies in the day on the wall`, () => {
    const date = dateTwin(zone)
    const from = us(around) - 48 * 60 * MINUTE
    let dayStart = Number.NaN
    let dateBefore = date(from)
    for (let instant = from; instant < us(around) + 48 * 60 * MINUTE; instant += MINUTE) {
      const dateNow = date(instant)
      if (dateNow !== dateBefore) dayStart = instant
      dateBefore = dateNow
      if (Number.isNaN(dayStart)) continue
      const day = localDay(zone, instant)
      equal(day.start, dayStart, iso(instant))
      equal(day.start <= instant && instant < day.end, true, iso(instant))
      const spelled = `${day.year}-${String(day.month).padStart(2, '0')}-${String(day.day).padStart(2, '0')}`
      equal(spelled, dateNow, iso(instant))
    }
  })

  test(`around the change of clocks at ${around}, the time of day in ${zone} is what the wall shows, in whatever order it is asked`, () => {
    const clock = clockTwin(zone)
    const from = us(around) - 30 * 60 * MINUTE
    for (let i = 0; i < 600; i++) {
      // Back and forth over sixty hours.
      const instant = from + ((i * 1571) % (60 * 60)) * MINUTE + i
      const time = timeOfDay(zone, instant)
      const shown = `${pad(Math.floor(time / (60 * MINUTE)))}:${pad(Math.floor(time / MINUTE) % 60)}`
      equal(shown, clock(instant), iso(instant))
      equal(time % MINUTE, i)
    }
  })

  test(`around the change of clocks at ${around}, 16:00 and 02:30 in ${zone} are when the wall shows them first`, () => {
    const date = dateTwin(zone)
    const clock = clockTwin(zone)
    for (let noon = us(around) - 2 * US_PER_DAY; noon <= us(around) + 2 * US_PER_DAY; noon += US_PER_DAY) {
      const day = localDay(zone, noon)
      const firstShown = (time: string): number => {
        let instant = day.start
        while (clock(instant) < time || date(instant) < date(day.start)) instant += MINUTE
        return instant
      }
      equal(iso(instantAt(zone, day, 16)), iso(firstShown('16:00')))
      equal(iso(instantAt(zone, day, 2, 30)), iso(firstShown('02:30')))
    }
  })
}

test('the day of any instant begins where going back minute by minute finds another date', () => {
  const twins = new Map([TORONTO, SYDNEY].map(zone => [zone, dateTwin(zone)]))
  const minutes = fc.integer({ min: us('1970-01-05T00:00:00Z') / MINUTE, max: us('2060-01-01T00:00:00Z') / MINUTE })
  fc.assert(
    fc.property(
      fc.constantFrom(TORONTO, SYDNEY),
      minutes,
      fc.integer({ min: 0, max: MINUTE - 1 }),
      (zone, minute, rest) => {
        const date = twins.get(zone)!
        const today = date(minute * MINUTE)
        let start = minute * MINUTE
        while (date(start - MINUTE) === today) start -= MINUTE
        equal(iso(startOfDay(zone, minute * MINUTE + rest)), iso(start))
      },
    ),
    { numRuns: 40 },
  )
})

test('an answer does not depend on what was asked before', () => {
  const instants = [
    '2024-03-10T04:59:59.999Z',
    '2024-03-10T05:00:00Z',
    '2024-03-11T03:59:59.999Z',
    '2024-03-11T04:00:00Z',
  ]
  const starts = (order: string[]): string[] => order.map(text => iso(startOfDay(TORONTO, us(text))))
  const forward = starts(instants)
  deepEqual(starts(instants.toReversed()).toReversed(), forward)
  deepEqual(forward, [
    '2024-03-09T05:00:00.000Z',
    '2024-03-10T05:00:00.000Z',
    '2024-03-10T05:00:00.000Z',
    '2024-03-11T04:00:00.000Z',
  ])
})

test('a day whose midnight the clocks jump over begins when they jump', () => {
  deepEqual(
    [
      iso(startOfDay('America/Sao_Paulo', us('2018-11-04T12:00:00Z'))),
      iso(startOfDay('Africa/Cairo', us('2023-04-28T12:00:00Z'))),
      iso(startOfDay('America/Toronto', us('1919-03-31T12:00:00Z'))),
    ],
    ['2018-11-04T03:00:00.000Z', '2023-04-27T22:00:00.000Z', '1919-03-31T04:30:00.000Z'],
  )
})

test('clocks set back over midnight do not bring the old day back', () => {
  const zone = 'America/St_Johns'
  const newDay = us('2010-11-07T02:30:00Z')
  deepEqual(
    ['2010-11-07T02:29:59Z', '2010-11-07T02:30:30Z', '2010-11-07T02:40:00Z', '2010-11-07T05:00:00Z'].map(
      text => startOfDay(zone, us(text)) === newDay,
    ),
    [false, true, true, true],
  )
})

test('a date that a zone left out lies in no day', () => {
  const before = localDay('Pacific/Apia', us('2011-12-30T09:59:59Z'))
  const after = localDay('Pacific/Apia', us('2011-12-30T10:00:00Z'))
  deepEqual(
    [before.day, after.day, iso(before.end), iso(after.start)],
    [29, 31, '2011-12-30T10:00:00.000Z', '2011-12-30T10:00:00.000Z'],
  )
})

test('the added day of a daily range has 24 hours also when the clocks change', () => {
  const { start, end } = dailyRange(TORONTO, us('2024-03-10T12:00:00Z'), us('2024-03-10T12:00:00Z'))
  deepEqual([iso(start), iso(end)], ['2024-03-10T05:00:00.000Z', '2024-03-11T05:00:00.000Z'])
})

test('infinite ends of a daily range stay infinite', () => {
  const { NEGATIVE_INFINITY, POSITIVE_INFINITY } = Number
  deepEqual(dailyRange(TORONTO, NEGATIVE_INFINITY, POSITIVE_INFINITY), {
    start: NEGATIVE_INFINITY,
    end: POSITIVE_INFINITY,
  })
})

test('a zone is known or not, and an instant is whole', () => {
  deepEqual([TORONTO, 'UTC', 'America/Atlantis', ''].map(isTimeZone), [true, true, false, false])
  throws(() => localDay(TORONTO, 0.5), /whole number/)
  throws(() => localDay(TORONTO, Number.NaN), /whole number/)
})
