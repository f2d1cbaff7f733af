import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Clock } from '../../src/base/clock.ts'

/** A clock whose monotonic counter and wall clock a test moves by hand. */
function handMoved(wallMs = 1_700_000_000_000) {
  const time = { monotonicMs: 12.5, wallMs }
  const clock = new Clock({ monotonicMs: () => time.monotonicMs, wallMs: () => time.wallMs })
  const pass = (ms: number) => {
    time.monotonicMs += ms
    time.wallMs += ms
  }
  return { clock, time, pass }
}

test('microseconds are counted on from the wall clock', () => {
  const { clock, pass } = handMoved()
  assert.equal(clock.nowUs(), 1_700_000_000_000_000)
  pass(0.25)
  assert.equal(clock.nowUs(), 1_700_000_000_000_250)
  assert.equal(clock.nowUs(), 1_700_000_000_000_250)
})

test('the next time is later than any before, also within one microsecond', () => {
  const { clock, pass } = handMoved(0)
  assert.deepEqual([clock.nextUs(), clock.nextUs(), clock.nowUs(), clock.nextUs()], [1, 2, 2, 3])
  pass(0.002)
  assert.deepEqual([clock.nowUs(), clock.nextUs()], [3, 4])
  pass(1)
  assert.deepEqual([clock.nextUs(), clock.nextUs()], [1002, 1003])
})

test('a wall clock set forward is followed within a second, and small differences are left alone', () => {
  const { clock, time, pass } = handMoved(0)
  time.wallMs += 60_000
  pass(999)
  assert.equal(clock.nowUs(), 999_000)
  pass(1)
  assert.equal(clock.nowUs(), 61_000_000)
  time.wallMs += 5
  pass(2_000)
  assert.equal(clock.nowUs(), 63_000_000)
})

test('a wall clock set back leaves the clock running as it was', () => {
  const { clock, time, pass } = handMoved()
  const before = clock.nowUs()
  time.wallMs -= 3_600_000
  pass(5_000)
  assert.equal(clock.nowUs(), before + 5_000_000)
})

test('a raised clock goes on from the floor, and a floor in the past changes nothing', () => {
  const { clock, pass } = handMoved(0)
  clock.raise(10_000_000)
  assert.deepEqual([clock.nowUs(), clock.nextUs()], [10_000_000, 10_000_001])
  pass(3)
  assert.equal(clock.nowUs(), 10_003_000)
  clock.raise(10_002_000)
  assert.equal(clock.nowUs(), 10_003_000)
})

test('whatever happens to the wall clock, whole microseconds come and never go back', () => {
  const step = fc.record({
    passMs: fc.double({ min: 0, max: 3_000, noNaN: true }),
    setMs: fc.oneof(fc.constant(0), fc.integer({ min: -10_000, max: 10_000 })),
    ask: fc.constantFrom('now' as const, 'next' as const, 'raise' as const),
    floorUs: fc.integer({ min: -5_000_000, max: 5_000_000 }),
  })
  fc.assert(
    fc.property(fc.array(step), steps => {
      const { clock, time, pass } = handMoved()
      let last = clock.nowUs()
      for (const { passMs, setMs, ask, floorUs } of steps) {
        pass(passMs)
        time.wallMs += setMs
        const floor = last + floorUs
        if (ask === 'raise') clock.raise(floor)
        const given = ask === 'next' ? clock.nextUs() : clock.nowUs()
        assert(Number.isSafeInteger(given))
        assert(ask === 'next' ? given > last : given >= last)
        if (ask === 'raise') assert(given >= floor)
        last = given
      }
    }),
  )
})

test('the system clock agrees with the wall clock', () => {
  const before = Date.now()
  const nowMs = new Clock().nowUs() / 1000
  assert(nowMs >= before - 1 && nowMs <= Date.now() + 1)
})
