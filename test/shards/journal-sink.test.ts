import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { JournalFailed } from '../../src/journal/journal-errors.ts'
import { JournalWriter } from '../../src/journal/journal-writer.ts'
import { JournalSink } from '../../src/shards/journal-sink.ts'
import { CommitSlot, createCommitSlot } from '../../src/shared-memory/commit-slot.ts'
import { createDoorbells, Doorbell } from '../../src/shared-memory/doorbell.ts'
import { createWriterShared, WriterShared } from '../../src/shared-memory/writer-shared.ts'
import { blockOf, readAll, temporaryFolder } from '../journal/journal-folder.ts'

const SLOT_BYTES = 300

function stage(t: TestContext) {
  const directory = temporaryFolder(t)
  const journal = JournalWriter.open({ directory, durability: 'fsync', segmentBytes: 4096 })
  const shared = new WriterShared(createWriterShared(1))
  const memory = createCommitSlot(SLOT_BYTES)
  const doorbells = createDoorbells(1)
  const doorbell = new Doorbell(doorbells, 0)
  const worker = new Worker(new URL('./commit-worker.ts', import.meta.url), {
    workerData: { slot: memory, doorbells, shardDoorbell: 0 },
  })
  const sink = new JournalSink(journal, shared, 0, new CommitSlot(memory))
  const begin = (...bodies: string[]) => {
    const block = blockOf(bodies)
    return sink.begin(block, block.length, bodies.length)
  }
  const settle = () => {
    while (!sink.isDone) doorbell.park(1000, () => sink.isDone)
  }
  return { directory, journal, shared, worker, sink, begin, settle }
}

test('blocks that another thread writes form one journal with those written at once', async t => {
  const { directory, shared, worker, sink, begin, settle } = stage(t)
  const ended = once(worker, 'exit')
  assert.equal(shared.durableNext(0), 1)
  const expected: string[] = []
  for (let i = 0; i < 300; i++) {
    const bodies = Array.from({ length: 1 + (i % 4) }, (_, k) => `${i}.${k} `.repeat(1 + (i % 7)))
    expected.push(...bodies)
    if (i % 3 === 0) {
      const block = blockOf(bodies)
      sink.append(block, block.length, bodies.length)
    } else {
      assert.ok(begin(...bodies))
      // Not before it is finished is anybody told.
      assert.equal(shared.durableNext(0), expected.length - bodies.length + 1)
      settle()
      assert.ok(sink.finish() >= 0)
    }
    assert.equal(shared.durableNext(0), expected.length + 1)
  }
  sink.close()
  await ended
  assert.deepEqual(
    readAll(directory).map(([, body]) => body),
    expected,
  )
})

test('a block that the slot cannot hold is left to the shard', async t => {
  const { worker, sink, begin } = stage(t)
  const ended = once(worker, 'exit')
  assert.equal(begin('x'.repeat(SLOT_BYTES)), false)
  assert.equal(sink.isDone, true)
  sink.close()
  await ended
})

test('a block that cannot be written fails the journal with the code of the system, for good', async t => {
  const { directory, journal, shared, worker, sink, begin, settle } = stage(t)
  const ended = once(worker, 'exit')
  const fd = journal.fd
  assert.ok(begin('written'))
  settle()
  sink.finish()
  fs.closeSync(fd)
  assert.ok(begin('lost'))
  settle()
  const failed = (error: unknown) => error instanceof JournalFailed && error.code === 'EBADF'
  assert.throws(() => sink.finish(), failed)
  assert.equal(shared.durableNext(0), 2)
  assert.throws(() => begin('again'), failed)
  // Closing the journal would close a file that is closed already, so only the thread is ended here.
  assert.throws(() => sink.close(), { code: 'EBADF' })
  await ended
  assert.deepEqual(readAll(directory), [[1, 'written']])
})
