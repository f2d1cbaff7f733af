import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HISTOGRAM_SLOTS, Lane, Latencies, laneBytes } from '../../src/shared-memory/lanes.ts'

function latenciesOf(values: number[]): Latencies {
  const bytes = laneBytes(HISTOGRAM_SLOTS)
  const lane = new Lane(new SharedArrayBuffer(bytes), 0, bytes)
  for (const value of values) lane.record(0, value)
  const latencies = new Latencies()
  latencies.add(lane.histogram(0))
  return latencies
}

test('lanes count each for itself', () => {
  const bytes = laneBytes(3)
  const memory = new SharedArrayBuffer(2 * bytes)
  const lanes = [new Lane(memory, 0, bytes), new Lane(memory, 1, bytes)]
  lanes[0]!.add(0)
  lanes[0]!.add(0, 5)
  lanes[1]!.set(2, 9)
  lanes[1]!.set(2, 8)
  assert.deepEqual(
    lanes.map(lane => [lane.value(0), lane.value(1), lane.value(2)]),
    [
      [6, 0, 0],
      [0, 0, 8],
    ],
  )
  assert.throws(() => new Lane(memory, 2, bytes), /no such lane/)
})

test('a percentile is the sorted list’s, at most a thirty-second too high: property', () => {
  const latency = fc.oneof(fc.nat(100), fc.nat(100_000), fc.nat(60_000_000))
  fc.assert(
    fc.property(
      fc.array(latency, { minLength: 1, maxLength: 300 }),
      fc.constantFrom(0, 0.1, 0.5, 0.99, 1),
      (values, share) => {
        const sorted = values.toSorted((a, b) => a - b)
        const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1]!
        const told = latenciesOf(values).percentile(share)
        assert.ok(told >= exact && told <= exact + exact / 32, `${told} for ${exact}`)
      },
    ),
  )
})

test('count, sum, largest and the counts below powers of two are exact: property', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(60_000_000), { maxLength: 100 }), values => {
      const latencies = latenciesOf(values)
      const { count, sumUs, maxUs } = latencies
      const below = [...latencies.countsBelowPowers()]
      assert.deepEqual(
        { count, sumUs, maxUs, below },
        {
          count: values.length,
          sumUs: values.reduce((sum, value) => sum + value, 0),
          maxUs: Math.max(0, ...values),
          below: Array.from({ length: 26 }, (_, power) => values.filter(value => value < 2 ** power).length),
        },
      )
    }),
  )
})

test('the buckets that are not empty are told with their ends', () => {
  assert.deepEqual(latenciesOf([0, 3, 3, 31, 64, 65, 66, 1000]).buckets(), [
    [1, 1],
    [4, 2],
    [32, 1],
    [66, 2],
    [68, 1],
    [1008, 1],
  ])
})

test('latencies out of range are counted at its ends', () => {
  const latencies = latenciesOf([-5, 0.9, 1e12, Number.POSITIVE_INFINITY])
  assert.deepEqual(
    [latencies.count, latencies.percentile(0.5), latencies.percentile(1), latencies.maxUs],
    [4, 0, 2 ** 26 - 1, 2 ** 26 - 1],
  )
  assert.equal(latenciesOf([]).percentile(0.5), 0)
})

test('histograms of several lanes are read together', () => {
  const bytes = laneBytes(HISTOGRAM_SLOTS)
  const memory = new SharedArrayBuffer(2 * bytes)
  const latencies = new Latencies()
  for (const [index, value] of [10, 30].entries()) {
    const lane = new Lane(memory, index, bytes)
    lane.record(0, value)
    latencies.add(lane.histogram(0))
  }
  const { count, sumUs, maxUs } = latencies
  assert.deepEqual([count, sumUs, maxUs, latencies.percentile(0.5), latencies.percentile(1)], [2, 40, 30, 10, 30])
})
