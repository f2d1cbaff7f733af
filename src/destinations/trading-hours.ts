// The trading session of a listing venue: from 9:30 to 16:00 by its own clock, Monday to Friday. There is no calendar
// of holidays: on a holiday a session without trading passes.

import { instantAt, type LocalDay, localDay, US_PER_DAY } from '../domain/venue-time.ts'

const CLOSE_HOUR = 16

/** From the opening to the close. Clocks change at night, so every session has this length. */
export const SESSION_US = 6.5 * 60 * 60 * 1_000_000

/** 16:00 of the venue's day that `instantUs` falls into, be it a trading day or not. */
export function closeOfDay(timeZone: string, instantUs: number): number {
  return instantAt(timeZone, localDay(timeZone, instantUs), CLOSE_HOUR)
}

/** The first close of a session strictly after `instantUs`. */
export function closeAfter(timeZone: string, instantUs: number): number {
  let day = localDay(timeZone, instantUs)
  let closeUs = instantAt(timeZone, day, CLOSE_HOUR)
  while (closeUs <= instantUs || isWeekend(day)) {
    // 24 hours after a close it is afternoon again, whatever the clocks did in between.
    day = localDay(timeZone, closeUs + US_PER_DAY)
    closeUs = instantAt(timeZone, day, CLOSE_HOUR)
  }
  return closeUs
}

function isWeekend(day: LocalDay): boolean {
  const weekday = new Date(Date.UTC(day.year, day.month - 1, day.day)).getUTCDay()
  return weekday === 0 || weekday === 6
}
