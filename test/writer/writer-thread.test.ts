import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { listSegments } from '../../src/journal/segment.ts'
import { createWriterShared, WriterShared } from '../../src/shared-memory/writer-shared.ts'
import { readInstallation } from '../../src/stores/installation.ts'
import writerThread from '../../src/writer/writer-thread.ts'
import { appendEntries, generateHistory, Random, writeJournal } from '../stores/generated-history.ts'
import { storeFolder } from '../stores/store-folder.ts'
import { embeddedLines, openJournal, reportLines } from './journaled.ts'
import { writerOptions } from './running-writer.ts'

test('the writer catches up with all journals, copies what becomes durable, and drains and confirms it at its end', async t => {
  const folder = storeFolder(t)
  const random = new Random(31)
  const retired = generateHistory(random, { accounts: [1], events: 130 })
  const first = generateHistory(random, { accounts: [2], events: 900, firstOrderId: 9000 })
  writeJournal(folder.journal('retired'), retired, random)
  const journal = openJournal(folder, 'shard-0')
  appendEntries(journal, first.slice(0, 100), random)

  const settings = writerOptions(folder, { names: ['shard-0', 'retired'] })
  const shared = new WriterShared(settings.shared)
  shared.publishDurable(0, journal.nextSequence)
  const thread = writerThread(settings)
  await shared.caughtUp()
  assert.deepEqual(
    [shared.stored(0, 0), shared.confirmed(0), shared.stored(1, 0), shared.confirmed(1)],
    [100, 100, 130, 130],
  )
  for (let at = 100; at < 900; at += 100) {
    appendEntries(journal, first.slice(at, at + 100), random)
    shared.publishDurable(0, journal.nextSequence)
  }
  shared.stop()
  await thread
  assert.deepEqual([shared.stored(0, 0), shared.confirmed(0), shared.lag(0, 0).records], [900, 900, 0])
  assert.deepEqual(embeddedLines(folder.storeFile), reportLines(retired, first))
  journal.close()
})

test('what is not yet durable is not copied', async t => {
  const folder = storeFolder(t)
  const random = new Random(32)
  const entries = generateHistory(random, { accounts: [2], events: 60 })
  const journal = openJournal(folder, 'shard-0')
  const settings = writerOptions(folder)
  const shared = new WriterShared(settings.shared)
  shared.publishDurable(0, 1)
  const thread = writerThread(settings)
  await shared.caughtUp()
  appendEntries(journal, entries, random)
  shared.publishDurable(0, 41)
  shared.stop()
  await thread
  assert.equal(shared.stored(0, 0), 40)
  journal.close()
})

test('segments that the store has are deleted before the shard begins and while it goes on, and without them no store starts', async t => {
  const folder = storeFolder(t)
  const random = new Random(33)
  const [before, after] = [1500, 1500].map(events => generateHistory(random, { accounts: [2], events }))
  const journal = openJournal(folder, 'shard-0')
  const segments = () => listSegments(folder.journal('shard-0')).length
  appendEntries(journal, before!, random)
  assert.ok(segments() > 3)
  const settings = writerOptions(folder)
  const shared = new WriterShared(settings.shared)
  const thread = writerThread(settings)
  await shared.caughtUp()
  assert.equal(segments(), 1)
  appendEntries(journal, after!, random)
  assert.ok(segments() > 3)
  shared.publishDurable(0, journal.nextSequence)
  shared.stop()
  await thread
  assert.equal(segments(), 1)

  fs.rmSync(path.dirname(folder.storeFile), { recursive: true })
  const again = { ...settings, shared: createWriterShared(1) }
  await assert.rejects(writerThread(again), {
    name: 'StartRefused',
    message: /^No store can be used, so the server does not start\. embedded: .*sequence 1 was deleted$/,
  })
  journal.close()
})

test('a store that has more of a journal than there is stops the start', async t => {
  const folder = storeFolder(t)
  const random = new Random(34)
  writeJournal(folder.journal('shard-0'), generateHistory(random, { accounts: [2], events: 20 }), random)
  const settings = writerOptions(folder)
  new WriterShared(settings.shared).stop()
  await writerThread(settings)
  fs.rmSync(folder.journal('shard-0'), { recursive: true })
  const again = { ...settings, shared: createWriterShared(1) }
  new WriterShared(again.shared).publishDurable(0, 1)
  await assert.rejects(writerThread(again), {
    name: 'StartRefused',
    message: /^Store embedded holds orders up to entry 20 of journal shard-0, but .* has no journals/,
  })
  writeJournal(folder.journal('shard-0'), generateHistory(random, { accounts: [2], events: 10 }), random)
  await assert.rejects(writerThread({ ...settings, shared: createWriterShared(1) }), {
    name: 'StartRefused',
    message: /the store has journal shard-0 up to entry 20, but the journal ends at 10$/,
  })
})

test('a data directory that lost its journals goes on from what the store holds, once it is told to', async t => {
  const folder = storeFolder(t)
  const random = new Random(36)
  const entries = generateHistory(random, { accounts: [2], events: 60 })
  writeJournal(folder.journal('shard-0'), entries.slice(0, 20), random)
  const settings = writerOptions(folder)
  new WriterShared(settings.shared).stop()
  await writerThread(settings)
  const before = readInstallation(settings.dataDirectory)!
  fs.rmSync(folder.journal('shard-0'), { recursive: true })

  const adopted = { ...settings, shared: createWriterShared(1), adoptsStore: true }
  const shared = new WriterShared(adopted.shared)
  t.after(() => shared.stop())
  const thread = writerThread(adopted)
  assert.equal(await shared.caughtUp(), 0)
  assert.equal(shared.beginning(0), 21)
  const after = readInstallation(settings.dataDirectory)!
  assert.notEqual(after.id, before.id)
  assert.deepEqual(after.begins, { 'shard-0': 21 })
  const journal = openJournal(folder, 'shard-0', shared.beginning(0))
  assert.equal(journal.nextSequence, 21)
  shared.publishDurable(0, 21)
  appendEntries(journal, entries.slice(20), random)
  shared.publishDurable(0, 61)
  shared.stop()
  await thread
  journal.close()
  assert.deepEqual(embeddedLines(folder.storeFile), reportLines(entries))

  const third = { ...settings, shared: createWriterShared(1) }
  new WriterShared(third.shared).stop()
  await writerThread(third)
})
