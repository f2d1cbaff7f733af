import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { JournalReader } from '../../src/journal/journal-reader.ts'
import { SegmentKeeper } from '../../src/journal/segment-keeper.ts'
import { verifyJournal } from '../../src/journal/verify.ts'
import { append, blockOf, openWriter, readAll, readOn, segmentName, temporaryFolder } from './journal-folder.ts'

test('a reader may come before its journal, and follows it over segments', t => {
  const directory = path.join(temporaryFolder(t), 'later')
  const reader = JournalReader.open(directory, 1)
  assert.deepEqual(readOn(reader), [])
  const writer = openWriter(directory, 100)
  assert.deepEqual(readOn(reader), [])
  for (let i = 1; i <= 20; i++) {
    append(writer, `entry ${i}`)
    assert.deepEqual(readOn(reader, { untilSequence: i }), [])
    assert.deepEqual(readOn(reader, { untilSequence: i + 1 }), [[i, `entry ${i}`]])
    assert.deepEqual(readOn(reader), [])
  }
  assert.equal(reader.nextSequence, 21)
  reader.close()
  writer.close()
})

test('limits stop a read anywhere, inside a block too, and the next read goes on from there', t => {
  const directory = temporaryFolder(t)
  const writer = openWriter(directory, 150)
  append(writer, 'a', 'b', 'c')
  append(writer, 'd')
  append(writer, 'e', 'f')
  writer.close()
  const all = readAll(directory)
  assert.equal(all.length, 6)
  for (let from = 1; from <= 7; from++) {
    for (let first = 0; first <= 6; first++) {
      for (let until = 1; until <= 7; until++) {
        const reader = JournalReader.open(directory, from)
        const limited = readOn(reader, { entriesMax: first, untilSequence: until })
        assert.deepEqual(limited, all.slice(from - 1, Math.min(from - 1 + first, until - 1)))
        assert.deepEqual([...limited, ...readOn(reader)], all.slice(from - 1))
        reader.close()
      }
    }
  }
})

test('the visitor sees where entry and body begin, and that an entry is a frame', t => {
  const directory = temporaryFolder(t)
  const writer = openWriter(directory)
  append(writer, 'ab', 'cde')
  writer.close()
  const reader = JournalReader.open(directory, 1)
  const seen: unknown[] = []
  const count = reader.read((sequence, bytes, bodyOffset, bodyLength, entryOffset) => {
    seen.push([sequence, bodyOffset - entryOffset, bytes.toString('latin1', entryOffset, bodyOffset + bodyLength)])
  })
  reader.close()
  assert.equal(count, 2)
  assert.deepEqual(seen, [
    [1, 4, '\0\0\0\x02ab'],
    [2, 4, '\0\0\0\x03cde'],
  ])
})

test('an entry whose visitor threw is visited again', t => {
  const directory = temporaryFolder(t)
  const writer = openWriter(directory)
  append(writer, 'a', 'b', 'c')
  writer.close()
  const reader = JournalReader.open(directory, 1)
  const refuse = (sequence: number) => {
    if (sequence === 2) throw new Error('not now')
  }
  assert.throws(() => reader.read(refuse), { message: 'not now' })
  assert.deepEqual(readOn(reader), [
    [2, 'b'],
    [3, 'c'],
  ])
  reader.close()
})

test('a reader sees each block when its last byte is there and not before, in whichever order its bytes arrive', t => {
  const source = temporaryFolder(t)
  const writer = openWriter(source, 400)
  append(writer, 'one', 'two')
  append(writer, 'three')
  append(writer, 'four'.repeat(10))
  writer.close()
  const whole = fs.readFileSync(path.join(source, segmentName(1)))
  const all = readAll(source)
  const blocks: { offset: number; end: number; nextSequence: number }[] = []
  verifyJournal(source, ({ offset, bytes, firstSequence, entryCount }) => {
    blocks.push({ offset, end: offset + bytes, nextSequence: firstSequence + entryCount })
  })
  for (const order of ['forward', 'backward'] as const) {
    const directory = temporaryFolder(t)
    const file = path.join(directory, segmentName(1))
    const growing = Buffer.alloc(whole.length)
    whole.copy(growing, 0, 0, 32)
    fs.writeFileSync(file, growing)
    const fd = fs.openSync(file, 'r+')
    const reader = JournalReader.open(directory, 1)
    for (const { offset, end, nextSequence } of blocks) {
      const from = reader.nextSequence
      for (let step = offset; step < end - 1; step++) {
        const at = order === 'forward' ? step : end - 1 - (step - offset)
        fs.writeSync(fd, whole, at, 1, at)
        // A byte that is zero anyway may have been the last one missing.
        if (whole.subarray(offset, end).some((byte, i) => byte !== 0 && isMissing(order, offset, end, step, i))) {
          assert.deepEqual(readOn(reader), [], `${order}, byte ${at}`)
        }
      }
      const at = order === 'forward' ? end - 1 : offset
      fs.writeSync(fd, whole, at, 1, at)
      const before = all.slice(from - 1, nextSequence - 1)
      const read = readOn(reader)
      assert.deepEqual(read, before.slice(before.length - read.length))
      assert.equal(reader.nextSequence, nextSequence)
    }
    reader.close()
    fs.closeSync(fd)
  }
})

/** Whether byte `i` of the block [offset, end) is still to come after step `step`. */
function isMissing(order: 'forward' | 'backward', offset: number, end: number, step: number, i: number): boolean {
  return order === 'forward' ? offset + i > step : end - 1 - i > step
}

test('a reader follows a writer on another thread through rolls and deletions without gap or change', async t => {
  const directory = temporaryFolder(t)
  const total = 3_000
  const published = new Int32Array(new SharedArrayBuffer(4))
  const writer = new Worker(
    `const { workerData } = require('node:worker_threads')
     import(workerData.folder).then(({ openWriter, append }) => {
       const writer = openWriter(workerData.directory, 2_000)
       while (writer.nextSequence <= workerData.total) {
         const bodies = Array.from({ length: 1 + writer.nextSequence % 7 }, (_, i) => 'entry ' + (writer.nextSequence + i))
         append(writer, ...bodies)
         Atomics.store(workerData.published, 0, writer.nextSequence)
         Atomics.notify(workerData.published, 0)
       }
       writer.close()
     })`,
    { eval: true, workerData: { folder: path.resolve('test/journal/journal-folder.ts'), directory, total, published } },
  )
  t.after(() => writer.terminate())
  const failed = new Promise<never>((_, reject) => writer.once('error', reject))
  const keeper = new SegmentKeeper({ directory, durability: 'none', segmentBytes: 2_000, spares: 1 })
  const reader = JournalReader.open(directory, 1)
  let next = 1
  while (next <= total) {
    const untilSequence = Atomics.load(published, 0)
    if (untilSequence <= next) {
      await Promise.race([Atomics.waitAsync(published, 0, untilSequence).value, failed])
      continue
    }
    for (const [sequence, body] of readOn(reader, { untilSequence })) {
      assert.deepEqual([sequence, body], [next, `entry ${next}`])
      next += 1
    }
    assert.equal(next, untilSequence)
    keeper.confirm(next - 1)
    const { failure } = await Promise.race([keeper.tend(false), failed])
    assert.equal(failure, undefined)
  }
  reader.close()
})

test('entries that do not fill their block are damage at the entry', t => {
  const directory = temporaryFolder(t)
  for (const [body, length] of [
    ['short', 4],
    ['long', 5],
    ['endless', 0xffffffff],
  ] as const) {
    const writer = openWriter(directory)
    const offset = 32 + (writer.nextSequence - 1) * 50
    const block = blockOf([body])
    block.writeUInt32BE(length, 32)
    writer.append(block, block.length, 1)
    writer.close()
    assert.throws(() => readAll(directory), { name: 'JournalDamaged', offset: offset + 32, sequence: 1 })
    fs.rmSync(path.join(directory, segmentName(1)))
  }
})

test('what was deleted after its confirmation is told from damage', async t => {
  const directory = temporaryFolder(t)
  const writer = openWriter(directory, 100)
  for (const body of ['a', 'b', 'c', 'd']) append(writer, body.repeat(40))
  const slow = JournalReader.open(directory, 1)
  assert.equal(readOn(slow, { entriesMax: 1 }).length, 1)
  const keeper = new SegmentKeeper({ directory, durability: 'none', segmentBytes: 100, spares: 1 })
  keeper.confirm(2)
  await keeper.tend(false)
  const trimmed = (sequence: number) => ({ name: 'JournalTrimmed', directory, sequence })
  assert.throws(() => readAll(directory, 1), trimmed(1))
  assert.throws(() => readOn(slow), trimmed(2))
  assert.throws(() => readOn(slow, { untilSequence: 5 }), trimmed(2))
  assert.equal(readAll(directory, 3).length, 2)
  slow.close()
  writer.close()
})
