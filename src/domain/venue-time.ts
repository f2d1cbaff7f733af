// Time at a venue. Instants are integer microseconds since the epoch, UTC; a venue's day begins and ends by its own
// clock, also on the two days a year when that clock jumps. The rules of the zones are the platform's (Intl); asking
// it takes microseconds, so the last day of each zone is kept, and a further question about it is two comparisons.

import { assert } from '../base/assert.ts'

const US_PER_MS = 1_000
const US_PER_SECOND = 1_000_000
const US_PER_MINUTE = 60 * US_PER_SECOND
const US_PER_HOUR = 60 * US_PER_MINUTE

/** A day of 24 hours, in microseconds. */
export const US_PER_DAY = 24 * US_PER_HOUR

/**
 * One calendar day of a zone: the instants from the first that shows its date (`start`) up to, but without, the first
 * that shows a later one (`end`). Every instant lies in exactly one day.
 */
export interface LocalDay {
  readonly year: number
  /** 1 … 12. */
  readonly month: number
  /** 1 … 31. */
  readonly day: number
  readonly start: number
  readonly end: number
}

/** A range of instants, both ends included; an infinite end means that it has none. */
export interface InstantRange {
  readonly start: number
  readonly end: number
}

/** What is kept per zone: its formatter and the day that was asked for last. */
interface Zone {
  readonly format: Intl.DateTimeFormat
  lastDay: LocalDay | undefined
  /** Instants around the one asked for last between which the clocks were not changed, and their offset. */
  steadyFrom: number
  steadyUntil: number
  steadyOffset: number
}

const zones = new Map<string, Zone>()

/** True for the name of a time zone that this platform knows. */
export function isTimeZone(timeZone: string): boolean {
  try {
    zoneOf(timeZone)
    return true
  } catch (error) {
    // The formatter says by a RangeError that it does not know the zone.
    if (error instanceof RangeError) return false
    throw error
  }
}

/** The day of the zone that `instant` falls into. */
export function localDay(timeZone: string, instant: number): LocalDay {
  const zone = zoneOf(timeZone)
  const last = zone.lastDay
  if (last !== undefined && instant >= last.start && instant < last.end) return last
  assert(Number.isSafeInteger(instant), 'an instant is a whole number of microseconds')
  let midnight = floorToDay(instant + offsetAt(zone, instant))
  // Clocks set back just after midnight show the old date once more; the new day has begun all the same.
  if (instant >= firstInstantFrom(zone, midnight + US_PER_DAY)) midnight += US_PER_DAY
  const date = new Date(midnight / US_PER_MS)
  const found = {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    start: firstInstantFrom(zone, midnight),
    end: firstInstantFrom(zone, midnight + US_PER_DAY),
  }
  zone.lastDay = found
  return found
}

/** The first instant of the zone's day that `instant` falls into. */
export function startOfDay(timeZone: string, instant: number): number {
  return localDay(timeZone, instant).start
}

/** The first instant of a date in the zone; days beyond the end of the month count on into the next. */
export function startOfDate(timeZone: string, year: number, month: number, day: number): number {
  return firstInstantFrom(zoneOf(timeZone), Date.UTC(year, month - 1, day) * US_PER_MS)
}

/**
 * The instant at which the clocks of the zone show `hour`:`minute` on `day`. Where they show it twice it is the first
 * time; where they jump over it, it is the instant they jump.
 */
export function instantAt(timeZone: string, day: LocalDay, hour: number, minute = 0): number {
  const midnight = Date.UTC(day.year, day.month - 1, day.day) * US_PER_MS
  return firstInstantFrom(zoneOf(timeZone), midnight + hour * US_PER_HOUR + minute * US_PER_MINUTE)
}

/** What the clocks of the zone show at `instant`, as microseconds since their midnight. */
export function timeOfDay(timeZone: string, instant: number): number {
  const zone = zoneOf(timeZone)
  if (instant < zone.steadyFrom || instant >= zone.steadyUntil)
    findSteadyTime(zone, localDay(timeZone, instant), instant)
  const local = instant + zone.steadyOffset
  return local - floorToDay(local)
}

/**
 * The range of a query for the days from `start` to `end` at a venue: from the start of the first day to 24 hours after
 * the start of the last one (an hour off where the clocks change that day). An end of +Infinity stays.
 */
export function dailyRange(timeZone: string, start: number, end: number): InstantRange {
  return {
    start: start === Number.NEGATIVE_INFINITY ? start : startOfDay(timeZone, start),
    end: end === Number.POSITIVE_INFINITY ? end : startOfDay(timeZone, end) + US_PER_DAY,
  }
}

function zoneOf(timeZone: string): Zone {
  let zone = zones.get(timeZone)
  if (zone === undefined) {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    zone = { format, lastDay: undefined, steadyFrom: 0, steadyUntil: 0, steadyOffset: 0 }
    zones.set(timeZone, zone)
  }
  return zone
}

// A local time is written like an instant: as microseconds from the epoch to the moment at which a clock in UTC would
// show the same. So local time = instant + offset.

/** Local time minus instant; whole seconds. */
function offsetAt(zone: Zone, instant: number): number {
  const second = Math.floor(instant / US_PER_SECOND) * 1_000
  const parts: Record<string, number> = {}
  for (const { type, value } of zone.format.formatToParts(second)) parts[type] = Number(value)
  const local = Date.UTC(parts.year!, parts.month! - 1, parts.day!, parts.hour!, parts.minute!, parts.second!)
  return (local - second) * US_PER_MS
}

/** Remembers between which instants of `day` the offset is that of `instant`; clocks change once a day at most. */
function findSteadyTime(zone: Zone, day: LocalDay, instant: number): void {
  const last = day.end - US_PER_SECOND
  const offset = offsetAt(zone, instant)
  zone.steadyOffset = offset
  zone.steadyFrom = offsetAt(zone, day.start) === offset ? day.start : changeBetween(zone, day.start, instant)
  zone.steadyUntil = offsetAt(zone, last) === offset ? day.end : changeBetween(zone, instant, last)
}

/** The second at which the clocks change between two instants with different offsets. */
function changeBetween(zone: Zone, from: number, to: number): number {
  const before = offsetAt(zone, from)
  let unchanged = Math.floor(from / US_PER_SECOND) * US_PER_SECOND
  let changed = Math.floor(to / US_PER_SECOND) * US_PER_SECOND
  while (changed - unchanged > US_PER_SECOND) {
    const middle = unchanged + Math.floor((changed - unchanged) / 2 / US_PER_SECOND) * US_PER_SECOND
    if (offsetAt(zone, middle) === before) unchanged = middle
    else changed = middle
  }
  return changed
}

/** The first instant whose local time is `local`; where the clocks jump over it, the instant at which they jump. */
function firstInstantFrom(zone: Zone, local: number): number {
  // A zone changes its clocks at most once within a day or two around a local time, so that there are two offsets to
  // try; the larger one gives the earlier instant.
  const before = offsetAt(zone, local - US_PER_DAY)
  const after = offsetAt(zone, local + US_PER_DAY)
  const early = local - Math.max(before, after)
  if (offsetAt(zone, early) === local - early) return early
  const late = local - Math.min(before, after)
  if (offsetAt(zone, late) === local - late) return late
  // The clocks jump forward over `local`, between the two.
  return changeBetween(zone, early, late)
}

function floorToDay(local: number): number {
  return Math.floor(local / US_PER_DAY) * US_PER_DAY
}
