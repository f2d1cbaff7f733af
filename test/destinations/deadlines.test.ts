import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Deadlines } from '../../src/destinations/deadlines.ts'

const SLOTS = 40
const NEVER = Number.POSITIVE_INFINITY

test('what is due next is what a sorted list has first', () => {
  const command = fc.record({
    slot: fc.nat({ max: SLOTS - 1 }),
    timeUs: fc.oneof(fc.nat({ max: 20 }), fc.constant(NEVER)),
  })
  fc.assert(
    fc.property(fc.array(command, { maxLength: 300 }), commands => {
      // Higher slots came first, so that the order of equal times is not the order of slots.
      const sequence = new Float64Array(SLOTS).map((_, slot) => SLOTS - slot)
      const times = new Float64Array(SLOTS)
      const deadlines = new Deadlines(times, sequence)
      let kept: { slot: number; timeUs: number }[] = []
      for (const { slot, timeUs } of commands) {
        if (kept.some(entry => entry.slot === slot)) {
          deadlines.remove(slot)
          kept = kept.filter(entry => entry.slot !== slot)
        } else {
          times[slot] = timeUs
          deadlines.add(slot)
          if (timeUs !== NEVER) kept.push({ slot, timeUs })
        }
        kept.sort((a, b) => a.timeUs - b.timeUs || sequence[a.slot]! - sequence[b.slot]!)
        equal(deadlines.nextUs, kept[0]?.timeUs ?? NEVER)
        if (kept.length > 0) equal(deadlines.next, kept[0]!.slot)
      }
    }),
  )
})

test('a slot has one deadline at a time', () => {
  const deadlines = new Deadlines(new Float64Array([11, 12]), new Float64Array(2))
  deadlines.add(0)
  throws(() => deadlines.add(0), /one deadline/)
  deadlines.remove(0)
  deadlines.remove(0)
  deadlines.add(0)
  equal(deadlines.nextUs, 11)
})

test('asking for what is due where nothing is stops the thread', () => {
  throws(() => new Deadlines(new Float64Array(1), new Float64Array(1)).next, /there is a deadline/)
})
