import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BLOCK_BYTES } from '../../src/shared-memory/blocks.ts'
import { SeqlockRows, seqlockBytes } from '../../src/shared-memory/seqlock.ts'
import { atomic, everyInterleaving, Sleepers } from './interleavings.ts'

test('in no interleaving of two writes and a read is a torn row seen', () => {
  const outcomes = new Set<string>()
  everyInterleaving(() => {
    const memory = new SharedArrayBuffer(seqlockBytes(1, 2))
    const sleepers = new Sleepers()
    let seen: number[] = []
    const writer = atomic(sleepers, () => {
      const rows = new SeqlockRows(memory, 0, 1, 2)
      for (const number of [1, 2]) {
        rows.values.fill(number)
        rows.write(0)
      }
    })
    const reader = atomic(sleepers, () => {
      const rows = new SeqlockRows(memory, 0, 1, 2)
      rows.read(0)
      seen = [...rows.values]
    })
    return { actors: [writer, reader], check: () => outcomes.add(seen.join()) }
  })
  assert.deepEqual([...outcomes].sort(), ['0,0', '1,1', '2,2'])
})

test('the enumeration finds the torn row that a reader sees who does not look at the version again', () => {
  const outcomes = new Set<string>()
  everyInterleaving(() => {
    const memory = new SharedArrayBuffer(seqlockBytes(1, 2))
    const sleepers = new Sleepers()
    let seen: number[] = []
    const writer = atomic(sleepers, () => {
      const rows = new SeqlockRows(memory, 0, 1, 2)
      for (const number of [1, 2]) {
        rows.values.fill(number)
        rows.write(0)
      }
    })
    const reader = atomic(sleepers, () => {
      const copy = 1 + 2 * (Atomics.load(new Int32Array(memory, BLOCK_BYTES), 0) & 1)
      const doubles = new Float64Array(memory, BLOCK_BYTES)
      seen = [doubles[copy]!, doubles[copy + 1]!]
    })
    return { actors: [writer, reader], check: () => outcomes.add(seen.join()) }
  })
  assert.deepEqual([...outcomes].sort(), ['0,0', '0,2', '1,1', '2,0', '2,2'])
})

test('a row may be read while its writer is stopped in the middle of a write', () => {
  const memory = new SharedArrayBuffer(seqlockBytes(1, 1))
  const rows = new SeqlockRows(memory, 0, 1, 1)
  rows.values[0] = 7
  rows.write(0)
  const writer = atomic(new Sleepers(), () => {
    const own = new SeqlockRows(memory, 0, 1, 1)
    own.values[0] = 8
    own.write(0)
  })
  const seen: number[] = []
  while (writer.canStep()) {
    rows.read(0)
    seen.push(rows.values[0]!)
    writer.step()
  }
  rows.read(0)
  assert.deepEqual([...new Set(seen), rows.values[0]], [7, 8])
})

test('rows are counted once they are filled, keep to themselves, and full is an answer', () => {
  const memory = new SharedArrayBuffer(seqlockBytes(2, 3, 128))
  const rows = new SeqlockRows(memory, 0, 2, 3, 128)
  rows.values.set([1, -2.5, 2 ** 53 - 1])
  assert.equal(rows.add(), 0)
  rows.values.set([4, 5, 6])
  assert.equal(rows.add(), 1)
  assert.equal(rows.add(), -1)
  assert.equal(rows.rowsUsed(), 2)
  rows.values.set([-(2 ** 53 - 1), 0, 9])
  rows.write(1)
  const reader = new SeqlockRows(memory, 0, 2, 3, 128)
  const seen = [0, 1].map(row => {
    reader.read(row)
    return [...reader.values]
  })
  assert.deepEqual(seen, [
    [1, -2.5, 2 ** 53 - 1],
    [-(2 ** 53 - 1), 0, 9],
  ])
  assert.throws(() => reader.read(2), /no such row/)
})
