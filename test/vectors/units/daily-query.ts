// Unit `daily_query`: the range of instants that the days of a venue make.

import { definitionsData, definitionsFromData } from '../../../src/domain/definitions.ts'
import { dailyRange } from '../../../src/domain/venue-time.ts'
import { differences } from '../compare.ts'
import type { VectorUnit } from '../unit.ts'

interface VenueDayStep {
  do: string
  label: string
  venue: string
  start: string
  end: string
}

const definitions = definitionsFromData(definitionsData)

const dailyQueryUnit: VectorUnit = {
  name: 'daily_query',
  run(vector) {
    const ranges: Record<string, unknown> = {}
    for (const step of vector.steps as unknown as VenueDayStep[]) {
      if (step.do !== 'venue_day') throw new Error(`there is no step ${step.do}`)
      const venue = definitions.findVenue(step.venue)
      if (venue === undefined) throw new Error(`there is no venue ${step.venue}`)
      const { start, end } = dailyRange(venue.timeZone, instant(step.start), instant(step.end))
      ranges[step.label] = { start: point(start), end: point(end) }
    }
    return differences(vector.expect, ranges)
  },
}

export const units: VectorUnit[] = [dailyQueryUnit]

function instant(text: string): number {
  if (text === 'INFINITY') return Number.POSITIVE_INFINITY
  if (text === '-INFINITY') return Number.NEGATIVE_INFINITY
  return Date.parse(text) * 1_000
}

function point(instant: number): string {
  if (instant === Number.POSITIVE_INFINITY) return 'LAST'
  if (instant === Number.NEGATIVE_INFINITY) return 'FIRST'
  return new Date(instant / 1_000).toISOString()
}
