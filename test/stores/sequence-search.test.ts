import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { firstAtLeast, lastAtMost, type SequencedRows } from '../../src/stores/sequence-search.ts'

/** Rows with gaps in their sequences, and the largest step by which a value lies below an earlier one. */
function rowsOf(
  values: readonly { gap: number; value: number }[],
  cutOff: number,
  places: number,
): SequencedRows & { list: number[][] } {
  let sequence = 0
  const all = values.map(({ gap, value }) => {
    sequence += 1 + gap
    return [sequence, value] as [number, number]
  })
  let slack = 0
  let highest = 0
  for (const [, value] of all) {
    slack = Math.max(slack, highest - value)
    highest = Math.max(highest, value)
  }
  const end = Math.max(0, sequence - cutOff)
  const list = all.filter(([at]) => at <= end)
  return {
    list,
    end,
    slack,
    places,
    at: async sequences =>
      sequences.map(sequence => {
        const row = all.findLast(([at]) => at <= sequence)
        return row && { sequence: row[0], value: row[1] }
      }),
    scanAtLeast: async (from, to, value) => all.find(([at, v]) => at >= from && at <= to && v >= value)?.[0],
    scanAtMost: async (from, to, value) => all.findLast(([at, v]) => at >= from && at <= to && v <= value)?.[0],
  }
}

test('the first row at or after a time and the last at or before it are found as by reading all rows', async () => {
  const row = fc.record({ gap: fc.integer({ min: 0, max: 2 }), value: fc.integer({ min: 1, max: 30 }) })
  const rising = fc.array(row).map(rows => rows.toSorted((a, b) => a.value - b.value))
  const small = fc.integer({ min: 0, max: 4 })
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.array(row), rising), small, small, async (values, cutOff, morePlaces) => {
      const rows = rowsOf(values, cutOff, 1 + morePlaces)
      for (let value = 0; value <= 31; value++) {
        assert.equal(await firstAtLeast(rows, value), rows.list.find(([, v]) => v! >= value)?.[0])
        assert.equal(await lastAtMost(rows, value), rows.list.findLast(([, v]) => v! <= value)?.[0])
      }
    }),
    { numRuns: 500 },
  )
})
