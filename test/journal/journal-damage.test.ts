import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { JOURNAL_BLOCK_HEADER_BYTES } from '../../src/journal/block.ts'
import { JournalDamaged } from '../../src/journal/journal-errors.ts'
import { type BlockInfo, verifyJournal } from '../../src/journal/verify.ts'
import { append, type Entry, openWriter, readAll, segmentName, temporaryFolder, thrownBy } from './journal-folder.ts'

/** Two segments: blocks [1, 2], [3] in the first, [4], [5, 6], [7] in the second. */
function smallJournal(directory: string): { entries: Entry[]; blocks: BlockInfo[]; last: string } {
  const writer = openWriter(directory, 260)
  append(writer, 'one', 'two')
  append(writer, 'three'.repeat(20))
  append(writer, 'four'.repeat(8))
  append(writer, '', 'six')
  append(writer, 'seven')
  writer.close()
  const blocks: BlockInfo[] = []
  const info = verifyJournal(directory, block => blocks.push(block))
  assert.equal(info.damage, undefined)
  const last = info.segments.at(-1)!.file
  assert.equal(path.basename(last), segmentName(4))
  assert.deepEqual(
    blocks.map(block => block.firstSequence),
    [1, 3, 4, 5, 7],
  )
  return { entries: readAll(directory), blocks, last }
}

test('a tail cut at any byte is repaired: whole blocks stay, the cut one is reported and its sequence given anew', t => {
  const directory = temporaryFolder(t)
  const { entries, blocks, last } = smallJournal(directory)
  const whole = fs.readFileSync(last)
  const inLast = blocks.filter(block => block.file === last)
  const end = inLast.at(-1)!.offset + inLast.at(-1)!.bytes
  for (const restore of ['zeros', 'shorter'] as const) {
    for (let cut = JOURNAL_BLOCK_HEADER_BYTES; cut <= end; cut++) {
      const bytes = Buffer.alloc(restore === 'zeros' ? whole.length : cut)
      whole.copy(bytes, 0, 0, cut)
      fs.writeFileSync(last, bytes)
      const torn = inLast.find(block => block.offset <= cut && cut < block.offset + block.bytes)
      const sequence = torn?.firstSequence ?? 8
      const offset = torn?.offset ?? end
      const kept = entries.slice(0, sequence - 1)
      assert.deepEqual(readAll(directory), kept)
      const writer = openWriter(directory, 260)
      // What was cut off may happen to be zeros, and then there is nothing to repair.
      const isTorn = bytes.subarray(offset, cut).some(byte => byte !== 0)
      assert.deepEqual(writer.repaired, isTorn ? { file: last, offset, sequence } : undefined)
      assert.equal(append(writer, 'new'), sequence)
      writer.close()
      assert.deepEqual(readAll(directory), [...kept, [sequence, 'new']])
      // What the new entry began where the old one would have been is not followed by anything of it.
      assert.deepEqual(verifyJournal(directory).tornTail, undefined)
      for (const name of fs.readdirSync(directory)) {
        if (name > path.basename(last)) fs.rmSync(path.join(directory, name))
      }
    }
  }
})

test('a changed byte anywhere is damage at its exact block, or a torn tail where it lies in the last block', t => {
  const directory = temporaryFolder(t)
  const { entries, blocks, last } = smallJournal(directory)
  const files = [...new Set(blocks.map(block => block.file))]
  for (const file of files) {
    const whole = fs.readFileSync(file)
    for (let at = 0; at < whole.length; at++) {
      for (const bits of [0x01, 0x80, 0xff]) {
        const bytes = Buffer.from(whole)
        bytes[at]! ^= bits
        fs.writeFileSync(file, bytes)
        const hit = blocks.find(block => block.file === file && block.offset <= at && at < block.offset + block.bytes)
        const first = blocks.find(block => block.file === file)!
        const where = `byte ${at} of ${path.basename(file)} changed by ${bits}`
        const inOpening = at < JOURNAL_BLOCK_HEADER_BYTES
        const inTail = file === last && (hit?.firstSequence === 7 || (hit === undefined && !inOpening))
        if (inTail) {
          const end = hit ? hit.offset : blocks.at(-1)!.offset + blocks.at(-1)!.bytes
          const sequence = hit ? 7 : 8
          assert.deepEqual(readAll(directory), entries.slice(0, sequence - 1), where)
          assert.deepEqual(verifyJournal(directory).tornTail, { file, offset: end, sequence }, where)
          const writer = openWriter(directory, 260)
          assert.deepEqual(writer.repaired, { file, offset: end, sequence }, where)
          assert.equal(writer.nextSequence, sequence)
          writer.close()
          assert.deepEqual(readAll(directory), entries.slice(0, sequence - 1), where)
        } else if (hit === undefined && !inOpening) {
          // Unused room of a segment that a later one continues: the chain proves that nothing was there.
          assert.deepEqual(readAll(directory), entries, where)
        } else {
          const offset = hit?.offset ?? 0
          const sequence = hit?.firstSequence ?? first.firstSequence
          const seen: Entry[] = []
          const error = thrownBy(() => seen.push(...readAll(directory)))
          assert(error instanceof JournalDamaged, where)
          assert.deepEqual([error.file, error.offset, error.sequence], [file, offset, sequence], where)
          assert.deepEqual(readAll(directory, 1, { untilSequence: sequence }), entries.slice(0, sequence - 1), where)
          const { damage } = verifyJournal(directory)
          assert.deepEqual([damage?.file, damage?.offset, damage?.sequence], [file, offset, sequence], where)
          if (file === last) assert.throws(() => openWriter(directory, 260), { name: 'JournalDamaged', offset }, where)
        }
        fs.writeFileSync(file, whole)
      }
    }
  }
})

test('a block lost to zeros in the middle is damage, not an end', t => {
  const directory = temporaryFolder(t)
  const { blocks, last } = smallJournal(directory)
  const { file, offset, bytes: length, firstSequence } = blocks[3]!
  assert.equal(file, last)
  const bytes = fs.readFileSync(file)
  fs.writeFileSync(file, bytes.fill(0, offset, offset + length))
  for (const attempt of [
    () => readAll(directory),
    () => readAll(directory, 1, { untilSequence: 8 }),
    () => openWriter(directory),
  ]) {
    assert.throws(attempt, { name: 'JournalDamaged', file, offset, sequence: firstSequence })
  }
})

test('a valid block behind damage is found wherever it lies', t => {
  // The rest of a segment is searched in pieces of 1 MiB; the block that proves the damage begins around their border.
  const pieceBytes = 1 << 20
  for (let shift = -34; shift <= 2; shift += 3) {
    const directory = temporaryFolder(t)
    const writer = openWriter(directory, 2 * pieceBytes)
    append(writer, 'x'.repeat(pieceBytes + shift - 44))
    append(writer, 'y')
    writer.close()
    const file = path.join(directory, segmentName(1))
    const fd = fs.openSync(file, 'r+')
    fs.writeSync(fd, 'z', 200)
    fs.closeSync(fd)
    assert.throws(() => openWriter(directory), { name: 'JournalDamaged', file, offset: 32, sequence: 1 })
  }
})

test('a missing segment is damage where it should have begun', t => {
  const directory = temporaryFolder(t)
  const writer = openWriter(directory, 100)
  for (const body of ['a', 'b', 'c']) append(writer, body.repeat(40))
  writer.close()
  fs.rmSync(path.join(directory, segmentName(2)))
  const file = path.join(directory, segmentName(1))
  const damage = { name: 'JournalDamaged', file, offset: 76 + JOURNAL_BLOCK_HEADER_BYTES, sequence: 2 }
  assert.throws(() => readAll(directory), damage)
  assert.throws(() => readAll(directory, 1, { untilSequence: 4 }), damage)
  const { segments, damage: found } = verifyJournal(directory)
  assert.equal(segments.length, 1)
  assert.deepEqual([found?.file, found?.offset, found?.sequence], [damage.file, damage.offset, damage.sequence])
})

test('a segment of another journal does not continue this one, though its sequences do', t => {
  const directory = temporaryFolder(t)
  const other = temporaryFolder(t)
  for (const [folder, body] of [
    [directory, 'a'],
    [other, 'b'],
  ] as const) {
    const writer = openWriter(folder, 100)
    append(writer, body.repeat(40))
    append(writer, body.repeat(40))
    writer.close()
  }
  const file = path.join(directory, segmentName(2))
  fs.copyFileSync(path.join(other, segmentName(2)), file)
  assert.throws(() => readAll(directory), { name: 'JournalDamaged', file, offset: 0, sequence: 2 })
  assert.equal(verifyJournal(directory).damage?.file, file)
})

test('a block of another segment in the unused room is no block of this one', t => {
  const directory = temporaryFolder(t)
  const other = temporaryFolder(t)
  for (const folder of [directory, other]) {
    const writer = openWriter(folder, 1024)
    append(writer, 'same')
    append(writer, 'same')
    append(writer, 'same')
    writer.close()
  }
  const file = path.join(directory, segmentName(1))
  const bytes = fs.readFileSync(file)
  // As a torn commit would leave it: the second block is gone, behind it stands a valid block with a foreign salt.
  const foreign = fs.readFileSync(path.join(other, segmentName(1)))
  foreign.copy(bytes, 72, 72)
  fs.writeFileSync(file, bytes)
  assert.deepEqual(readAll(directory), [[1, 'same']])
  const writer = openWriter(directory, 1024)
  assert.deepEqual(writer.repaired, { file, offset: 72, sequence: 2 })
  writer.close()
})
