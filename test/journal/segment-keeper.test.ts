import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { JournalReader } from '../../src/journal/journal-reader.ts'
import { listSegments, listSpares } from '../../src/journal/segment.ts'
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
    const keeper = new SegmentKeeper({ directory, durability: 'none', segmentBytes: 100, spares: 1 })
    keeper.confirm(confirmed)
    keeper.confirm(0)
    const gone = [1, 3, 5, 7].filter(first => first + 1 <= confirmed)
    assert.deepEqual(await keeper.tend(false), {
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
  const keeper = new SegmentKeeper({ directory, durability: 'fsync', segmentBytes, spares: 1 })
  const round = keeper.tend(false)
  assert.equal(keeper.tend(false), round)
  assert.equal((await round).spareMade, true)
  assert.equal((await keeper.tend(false)).spareMade, false)
  const spare = path.join(directory, 'spare-0.log')
  assert.deepEqual(fs.readFileSync(spare), Buffer.alloc(segmentBytes))
  append(writer, 'x'.repeat(40))
  append(writer, 'y'.repeat(40))
  assert.equal(fs.existsSync(spare), false)
  assert.equal((await keeper.tend(false)).spareMade, true)
  writer.close()
  assert.deepEqual(namesIn(directory), [segmentName(1), segmentName(2), 'spare-0.log'])
})

test('in quiet times several spares are kept, while commits are many only one', async t => {
  const directory = temporaryFolder(t)
  const writer = openWriter(directory, 100)
  const keeper = new SegmentKeeper({ directory, durability: 'none', segmentBytes: 100, spares: 3 })
  const made = async (isQuiet: boolean) => (await keeper.tend(isQuiet)).spareMade
  assert.deepEqual([await made(false), await made(false)], [true, false])
  assert.deepEqual([await made(true), await made(true), await made(true)], [true, true, false])
  assert.deepEqual(listSpares(directory).sort(), [0, 1, 2])
  append(writer, 'x'.repeat(40))
  append(writer, 'y'.repeat(40))
  assert.equal(listSpares(directory).length, 2)
  assert.equal(await made(false), false)
  assert.equal(await made(true), true)
  assert.equal(listSpares(directory).length, 3)
  writer.close()
})

test('a reader keeps the deleted segment it is in', async t => {
  const directory = temporaryFolder(t)
  const writer = openWriter(directory, 400)
  append(writer, 'a'.repeat(100))
  append(writer, 'b'.repeat(100))
  append(writer, 'c'.repeat(100))
  const reader = JournalReader.open(directory, 1)
  assert.equal(readOn(reader, { entriesMax: 1 }).length, 1)
  const keeper = new SegmentKeeper({ directory, durability: 'none', segmentBytes: 400, spares: 1 })
  keeper.confirm(2)
  assert.equal((await keeper.tend(false)).deleted.length, 1)
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
