import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createWriterShared, WriterShared } from '../../src/shared-memory/writer-shared.ts'

test('positions of journals are seen by whoever looks at the same memory, each in its place', () => {
  const memory = createWriterShared(3)
  const writer = new WriterShared(memory)
  const main = new WriterShared(memory)
  assert.equal(main.journals, 3)
  writer.publishDurable(1, 2 ** 40 + 1)
  writer.publishStored(1, 2 ** 40 - 10)
  writer.publishConfirmed(1, 2 ** 39)
  writer.publishLag(1, 1.5, 100)
  const all = [0, 1, 2].map(journal => [main.durableNext(journal), main.stored(journal), main.confirmed(journal)])
  assert.deepEqual(all, [
    [0, 0, 0],
    [2 ** 40 + 1, 2 ** 40 - 10, 2 ** 39],
    [0, 0, 0],
  ])
  assert.deepEqual(main.lag(1), { records: 10, bytes: 1000, seconds: 1.5 })
  assert.deepEqual(main.lag(2), { records: 0, bytes: 0, seconds: 0 })
})

test('who waits for the store to catch up goes on once it has', async () => {
  const memory = createWriterShared(0)
  const waiting = new WriterShared(memory).caughtUp()
  const writer = new WriterShared(memory)
  assert.equal(writer.isStopping, false)
  writer.publishCaughtUp()
  await waiting
  await writer.caughtUp()
  new WriterShared(memory).stop()
  assert.equal(writer.isStopping, true)
})
