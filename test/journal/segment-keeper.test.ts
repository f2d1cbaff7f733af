import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { JournalReader } from '../../src/journal/journal-reader.ts'
import { listSegments } from '../../src/journal/segment.ts'
import { SegmentKeeper } from '../../src/journal/segment-keeper.ts'
import { append, namesIn, openWriter, readOn, segmentName, temporaryFolder } from './journal-folder.ts'

/** A journal of five segments with two entries in each. */
function fiveSegments(directory: string) {
  const writer = openWriter(directory, 100)
  for (let i = 0; i < 5; i++) append(writer, 'x'.repeat(20), 'y')
  return writer
}

test('a segment is deleted when its last entry is confirmed, and the last segment never', async t => {
  for (let confirmed = 0; confirmed <= 11; confirmed++) {
    const directory = temporaryFolder(t)
    const writer = fiveSegments(directory)
    const keeper = new SegmentKeeper({ directory, durability: 'none', segmentBytes: 100 })
    keeper.confirm(confirmed)
    keeper.confirm(0)
    const gone = [1, 3, 5, 7].filter(first => first + 1 <= confirmed)
    assert.deepEqual(await keeper.tend(), {
      spareMade: true,
      deleted: gone.map(first => path.join(directory, segmentName(first))),
      failure: undefined,
    })
    const left = [1, 3, 5, 7, 9].filter(first => !gone.includes(first))
    assert.deepEqual(
      listSegments(directory).map(segment => segment.firstSequence),
      left,
    )
    assert.equal(append(writer, 'goes on'), 11)
    writer.close()
  }
})

test('a spare is zeros of the asked size, made once, and made again when it was taken', async t => {
  const directory = temporaryFolder(t)
  const writer = openWriter(directory, 100)
  const segmentBytes = (2 << 20) + 5
  const keeper = new SegmentKeeper({ directory, durability: 'fsync', segmentBytes })
  const round = keeper.tend()
  assert.equal(keeper.tend(), round)
  assert.equal((await round).spareMade, true)
  assert.equal((await keeper.tend()).spareMade, false)
  const spare = path.join(directory, 'spare.log')
  assert.deepEqual(fs.readFileSync(spare), Buffer.alloc(segmentBytes))
  append(writer, 'x'.repeat(40))
  append(writer, 'y'.repeat(40))
  assert.equal(fs.existsSync(spare), false)
  assert.equal((await keeper.tend()).spareMade, true)
  writer.close()
  assert.deepEqual(namesIn(directory), [segmentName(1), segmentName(2), 'spare.log'])
})

test('a reader keeps the deleted segment it is in', async t => {
  const directory = temporaryFolder(t)
  const writer = openWriter(directory, 400)
  append(writer, 'a'.repeat(100))
  append(writer, 'b'.repeat(100))
  append(writer, 'c'.repeat(100))
  const reader = JournalReader.open(directory, 1)
  assert.equal(readOn(reader, { entriesMax: 1 }).length, 1)
  const keeper = new SegmentKeeper({ directory, durability: 'none', segmentBytes: 400 })
  keeper.confirm(2)
  assert.equal((await keeper.tend()).deleted.length, 1)
  assert.deepEqual(
    readOn(reader, { untilSequence: 4 }).map(([sequence, body]) => [sequence, body[0]]),
    [
      [2, 'b'],
      [3, 'c'],
    ],
  )
  reader.close()
  writer.close()
})
