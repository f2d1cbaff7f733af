// From when to when orders were submitted: the bounds that somebody gives, and the moments they are at a venue. A bound is
// a moment, or a date: then it is the day that the venue's own calendar calls so, the whole of it.

import { startOfDate } from './venue-time.ts'

/** A moment in µs since the epoch, 0 for none; or a date as `2026-01-30`. */
export type PeriodBound = number | string

/** The first and the last moment, µs since the epoch. */
export type Period = readonly [beginUs: number, endUs: number]

interface CalendarDate {
  readonly year: number
  /** 1 … 12. */
  readonly month: number
  readonly day: number
}

/** Whether a value can be a bound: not negative, and a day of the calendar where it is a date. */
export function isPeriodBound(value: unknown): value is PeriodBound {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0
  return typeof value === 'string' && dateOf(value) !== undefined
}

/** Whether nothing can lie between two bounds of one kind. */
export function isEmptyPeriod(begin: PeriodBound, end: PeriodBound): boolean {
  if (typeof begin === 'string' && typeof end === 'string') return begin > end
  return typeof begin === 'number' && typeof end === 'number' && end !== 0 && begin > end
}

/** The period in a time zone. */
export function periodAt(timeZone: string, begin: PeriodBound, end: PeriodBound): Period {
  const beginUs = typeof begin === 'number' ? begin : startOf(timeZone, begin, 0)
  if (typeof end === 'string') return [beginUs, startOf(timeZone, end, 1) - 1]
  return [beginUs, end === 0 ? Number.MAX_SAFE_INTEGER : end]
}

/** The first moment of the date, or of the one so many days later. */
function startOf(timeZone: string, text: string, daysLater: number): number {
  const { year, month, day } = dateOf(text)!
  return startOfDate(timeZone, year, month, day + daysLater)
}

function dateOf(text: string): CalendarDate | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text)
  if (match === null) return undefined
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number]
  const date = new Date(Date.UTC(year, month - 1, day))
  const isReal = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return isReal ? { year, month, day } : undefined
}
