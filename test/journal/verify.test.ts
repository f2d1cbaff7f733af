import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { type BlockInfo, verifyJournal } from '../../src/journal/verify.ts'
import { append, openWriter, segmentName, temporaryFolder } from './journal-folder.ts'

test('a journal is told by segment and by block', t => {
  const directory = temporaryFolder(t)
  const writer = openWriter(directory, 120)
  append(writer, 'abc')
  append(writer, 'd', 'e')
  append(writer, 'f'.repeat(30))
  const blocks: BlockInfo[] = []
  const info = verifyJournal(directory, block => blocks.push(block))
  writer.close()
  const [first, second] = [path.join(directory, segmentName(1)), path.join(directory, segmentName(4))]
  assert.deepEqual(info, {
    segments: [
      { file: first, firstSequence: 1, nextSequence: 4, blockCount: 2, usedBytes: 113, fileBytes: 120 },
      { file: second, firstSequence: 4, nextSequence: 5, blockCount: 1, usedBytes: 98, fileBytes: 120 },
    ],
    damage: undefined,
    tornTail: undefined,
  })
  assert.deepEqual(blocks, [
    { file: first, offset: 32, bytes: 39, firstSequence: 1, entryCount: 1 },
    { file: first, offset: 71, bytes: 42, firstSequence: 2, entryCount: 2 },
    { file: second, offset: 32, bytes: 66, firstSequence: 4, entryCount: 1 },
  ])
})

test('a journal without segments has nothing to tell', t => {
  const directory = path.join(temporaryFolder(t), 'missing')
  assert.deepEqual(verifyJournal(directory), { segments: [], damage: undefined, tornTail: undefined })
})
