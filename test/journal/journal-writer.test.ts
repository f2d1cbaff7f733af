import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { JOURNAL_BLOCK_HEADER_BYTES } from '../../src/journal/block.ts'
import { JournalFailed } from '../../src/journal/journal-errors.ts'
import { JournalWriter } from '../../src/journal/journal-writer.ts'
import { listSegments } from '../../src/journal/segment.ts'
import { SegmentKeeper } from '../../src/journal/segment-keeper.ts'
import { verifyJournal } from '../../src/journal/verify.ts'
import {
  append,
  blockOf,
  namesIn,
  openWriter,
  readAll,
  segmentName,
  temporaryFolder,
  thrownBy,
} from './journal-folder.ts'

test('entries are numbered from 1 and go on where an earlier writer ended', t => {
  const directory = path.join(temporaryFolder(t), 'journal', 'shard-0')
  const first = openWriter(directory)
  assert.equal(first.nextSequence, 1)
  assert.equal(append(first, 'a', 'b'), 1)
  assert.equal(append(first, 'c'), 3)
  assert.equal(first.nextSequence, 4)
  first.close()
  const second = openWriter(directory)
  assert.equal(second.repaired, undefined)
  assert.equal(second.nextSequence, 4)
  assert.equal(append(second, ''), 4)
  second.close()
  assert.deepEqual(readAll(directory), [
    [1, 'a'],
    [2, 'b'],
    [3, 'c'],
    [4, ''],
  ])
})

test('a journal begins where it is told to, and goes on where it is once it has begun', t => {
  const directory = path.join(temporaryFolder(t), 'shard-0')
  const open = (firstSequence: number) =>
    JournalWriter.open({ directory, durability: 'none', segmentBytes: 4096, firstSequence })
  const first = open(1001)
  assert.equal(append(first, 'a'), 1001)
  first.close()
  const second = open(5)
  assert.equal(append(second, 'b'), 1002)
  second.close()
  assert.deepEqual(readAll(directory, 1001), [
    [1001, 'a'],
    [1002, 'b'],
  ])
  assert.equal(verifyJournal(directory).damage, undefined)
})

test('in every mode of durability the same bytes are read back', t => {
  for (const durability of ['fsync', 'os', 'none'] as const) {
    const directory = temporaryFolder(t)
    const writer = JournalWriter.open({ directory, durability, segmentBytes: 128 })
    for (const body of ['first', 'second', 'third']) append(writer, body.repeat(3))
    writer.close()
    JournalWriter.open({ directory, durability, segmentBytes: 128 }).close()
    assert.deepEqual(
      readAll(directory).map(([, body]) => body),
      ['firstfirstfirst', 'secondsecondsecond', 'thirdthirdthird'],
    )
    assert.equal(listSegments(directory).length, 3)
  }
})

test('the bytes of a segment are those that the layout tells', t => {
  const directory = temporaryFolder(t)
  const writer = openWriter(directory, 256)
  append(writer, 'abc')
  append(writer, 'd', 'e')
  writer.close()
  const bytes = fs.readFileSync(path.join(directory, segmentName(1)))
  const salt = bytes.readUInt32LE(28)
  const blockBytes = (offset: number, length: number, firstSequence: number, count: number, previousCrc: number) => {
    const header = Buffer.alloc(28)
    header.writeUInt32LE(length, 0)
    header.writeBigUInt64LE(BigInt(firstSequence), 4)
    header.writeUInt32LE(count, 12)
    header.writeUInt32LE(previousCrc, 16)
    header.write('OEJ\x01', 20, 'latin1')
    header.writeUInt32LE(salt, 24)
    assert.deepEqual(bytes.subarray(offset + 4, offset + 32), header)
    const crc = crc32(bytes.subarray(offset + 4, offset + length))
    assert.equal(bytes.readUInt32LE(offset), crc)
    return crc
  }
  assert.equal(bytes.length, 256)
  const opening = blockBytes(0, 32, 1, 0, 0)
  const first = blockBytes(32, 39, 1, 1, opening)
  blockBytes(71, 42, 2, 2, first)
  assert.equal(bytes.toString('latin1', 64, 71), '\0\0\0\x03abc')
  assert.equal(bytes.toString('latin1', 103, 113), '\0\0\0\x01d\0\0\0\x01e')
  assert.deepEqual(bytes.subarray(113), Buffer.alloc(256 - 113))
})

test('a block that does not fit begins the next segment, to the byte', t => {
  const directory = temporaryFolder(t)
  const exact = blockOf(['x'.repeat(20)]).length
  const writer = openWriter(directory, JOURNAL_BLOCK_HEADER_BYTES + 2 * exact)
  for (let i = 0; i < 4; i++) append(writer, 'x'.repeat(20))
  append(writer, 'y'.repeat(21))
  append(writer, 'z'.repeat(20))
  writer.close()
  assert.deepEqual(namesIn(directory), [segmentName(1), segmentName(3), segmentName(5), segmentName(6)])
  assert.equal(readAll(directory).length, 6)
})

test('a block larger than a segment gets a segment of its own size', t => {
  const directory = temporaryFolder(t)
  const large = 'large'.repeat(100_000)
  const writer = openWriter(directory, 100)
  append(writer, large)
  append(writer, 'a')
  append(writer, large)
  append(writer, 'b')
  writer.close()
  const expected = [
    [1, large],
    [2, 'a'],
    [3, large],
    [4, 'b'],
  ]
  assert.deepEqual(readAll(directory), expected)
  assert.deepEqual(namesIn(directory), [segmentName(1), segmentName(2), segmentName(3), segmentName(4)])
  const reopened = openWriter(directory, 100)
  assert.equal(append(reopened, 'c'), 5)
  reopened.close()
  assert.deepEqual(readAll(directory), [...expected, [5, 'c']])
})

test('a writer takes the spare segment, and makes its own where there is none', async t => {
  const directory = temporaryFolder(t)
  const writer = openWriter(directory, 100)
  const keeper = new SegmentKeeper({ directory, durability: 'none', segmentBytes: 100, spares: 1 })
  await keeper.tend(false)
  const spare = fs.statSync(path.join(directory, 'spare-0.log')).ino
  append(writer, 'x'.repeat(40))
  append(writer, 'y'.repeat(40))
  assert.equal(fs.statSync(path.join(directory, segmentName(2))).ino, spare)
  append(writer, 'z'.repeat(40))
  writer.close()
  assert.deepEqual(namesIn(directory), [segmentName(1), segmentName(2), segmentName(3)])
  assert.equal(readAll(directory).length, 3)
})

test('a spare that a writer had begun to take when it was killed is taken again', async t => {
  const directory = temporaryFolder(t)
  const writer = openWriter(directory, 100)
  append(writer, 'x'.repeat(40))
  append(writer, 'y'.repeat(40))
  append(writer, 'z'.repeat(40))
  writer.close()
  // The segment's first block was written, its name was not yet given, and its first commit never came.
  const last = path.join(directory, segmentName(3))
  fs.truncateSync(last, JOURNAL_BLOCK_HEADER_BYTES)
  fs.truncateSync(last, 100)
  fs.renameSync(last, path.join(directory, 'spare-0.log'))
  const reopened = openWriter(directory, 100)
  assert.equal(reopened.nextSequence, 3)
  append(reopened, 'w'.repeat(40))
  reopened.close()
  assert.deepEqual(
    readAll(directory).map(([sequence, body]) => [sequence, body[0]]),
    [
      [1, 'x'],
      [2, 'y'],
      [3, 'w'],
    ],
  )
})

test('a full disk fails the append that needs a new segment, finally, and loses nothing that was appended', async t => {
  const directory = temporaryFolder(t)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', directory], { stdio: 'ignore' })
  } catch {
    // Only a system's administrator may make a disk that is so small; the next test needs none.
    t.skip('a small file system cannot be mounted here')
    return
  }
  try {
    const writer = JournalWriter.open({ directory, durability: 'fsync', segmentBytes: 24 << 10 })
    const keeper = new SegmentKeeper({ directory, durability: 'fsync', segmentBytes: 24 << 10, spares: 1 })
    assert.deepEqual(await keeper.tend(false), { spareMade: true, deleted: [], failure: undefined })
    append(writer, 'a'.repeat(20_000))
    append(writer, 'b'.repeat(20_000))
    const { failure, ...report } = await keeper.tend(false)
    assert.deepEqual(report, { spareMade: false, deleted: [] })
    assert.equal(failure?.code, 'ENOSPC')
    append(writer, 'small')
    const first = thrownBy(() => append(writer, 'c'.repeat(20_000)))
    assert(first instanceof JournalFailed)
    assert.equal(first.code, 'ENOSPC')
    assert.equal(first.file, path.join(directory, segmentName(4)))
    assert.equal(
      thrownBy(() => append(writer, 'small')),
      first,
    )
    writer.close()
    assert.deepEqual(namesIn(directory), [segmentName(1), segmentName(2)])
    const reopened = JournalWriter.open({ directory, durability: 'fsync', segmentBytes: 24 << 10 })
    append(reopened, 'fits')
    keeper.confirm(1)
    assert.deepEqual(await keeper.tend(false), {
      spareMade: true,
      deleted: [path.join(directory, segmentName(1))],
      failure: undefined,
    })
    append(reopened, 'd'.repeat(20_000))
    reopened.close()
    assert.deepEqual(
      readAll(directory, 2).map(([sequence, body]) => [sequence, body.slice(0, 5)]),
      [
        [2, 'bbbbb'],
        [3, 'small'],
        [4, 'fits'],
        [5, 'ddddd'],
      ],
    )
  } finally {
    execFileSync('umount', [directory])
  }
})

test('a block of which the system writes only a part fails the append, and the next open clears the part', t => {
  const directory = temporaryFolder(t)
  // Files may not grow beyond 16 KiB: the large block extends its segment up to there and no further.
  const script = `
    const { openWriter, append } = await import(${JSON.stringify(path.resolve('test/journal/journal-folder.ts'))})
    const writer = openWriter(${JSON.stringify(directory)}, 8192)
    append(writer, 'acknowledged')
    try {
      append(writer, 'x'.repeat(20_000))
    } catch (error) {
      console.log(error.name, error.code)
    }`
  const command = 'ulimit -f 16 && exec "$0" --input-type=module -e "$1"'
  const child = spawnSync('bash', ['-c', command, process.execPath, script], { encoding: 'utf8' })
  assert.equal(child.stdout, 'JournalFailed EFBIG\n', child.stderr)
  const last = path.join(directory, segmentName(2))
  assert.equal(fs.statSync(last).size, 16_384)
  const reopened = openWriter(directory, 8192)
  assert.deepEqual(reopened.repaired, { file: last, offset: JOURNAL_BLOCK_HEADER_BYTES, sequence: 2 })
  append(reopened, 'next')
  reopened.close()
  assert.deepEqual(readAll(directory), [
    [1, 'acknowledged'],
    [2, 'next'],
  ])
})

test('whatever was acknowledged is there after the process was killed', async t => {
  const directory = temporaryFolder(t)
  const script = `
    const { append } = await import(${JSON.stringify(path.resolve('test/journal/journal-folder.ts'))})
    const { JournalWriter } = await import(${JSON.stringify(path.resolve('src/journal/journal-writer.ts'))})
    const fs = await import('node:fs')
    const directory = ${JSON.stringify(directory)}
    const writer = JournalWriter.open({ directory, durability: 'os', segmentBytes: 4096 })
    for (;;) {
      const bodies = Array.from({ length: 1 + writer.nextSequence % 5 }, (_, i) => 'entry ' + (writer.nextSequence + i))
      append(writer, ...bodies)
      fs.writeSync(1, writer.nextSequence + '\\n')
    }`
  let acknowledged = 1
  for (let round = 1; round <= 5; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      output += chunk
      if (output.length > 1_000 * round) child.kill('SIGKILL')
    }
    acknowledged = Number(output.trimEnd().split('\n').at(-1))
    const entries = readAll(directory)
    assert(entries.length >= acknowledged - 1)
    assert.deepEqual(
      entries,
      entries.map((_, i) => [i + 1, `entry ${i + 1}`]),
    )
  }
  assert.equal(verifyJournal(directory).damage, undefined)
})

test('a closed writer, an empty block and one that overruns its buffer are broken promises', t => {
  const writer = openWriter(temporaryFolder(t))
  const block = blockOf(['a'])
  assert.throws(() => writer.append(block, JOURNAL_BLOCK_HEADER_BYTES, 1), { name: 'AssertionFailed' })
  assert.throws(() => writer.append(block, block.length, 0), { name: 'AssertionFailed' })
  assert.throws(() => writer.append(block, block.length + 1, 1), { name: 'AssertionFailed' })
  writer.close()
  writer.close()
  assert.throws(() => append(writer, 'a'), { name: 'AssertionFailed' })
})
