import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Pacing } from '../../src/writer/pacing.ts'

/** A watch whose next batch takes what it is told. */
function watched(lagMaxMs: number) {
  let wall = 0
  let processor = 0
  const pacing = new Pacing(lagMaxMs, { wallMs: () => wall, processorMs: () => processor })
  return (wallMs: number, processorMs: number, lagMs: number) => {
    pacing.begin()
    wall += wallMs
    processor += processorMs
    return pacing.restMs(lagMs)
  }
}

test('a batch that had a processor for itself is followed by the next at once', () => {
  const batch = watched(30_000)
  equal(batch(100, 100, 0), 0)
  equal(batch(100, 75, 29_999), 0)
})

test('after a batch that others held up the writer rests for a multiple of it, a second at most', () => {
  const batch = watched(30_000)
  equal(batch(20, 10, 0), 120)
  equal(batch(500, 100, 30_000), 1000)
})

test('a store that is too far behind is copied to without rest', () => {
  equal(watched(30_000)(100, 10, 30_001), 0)
})
