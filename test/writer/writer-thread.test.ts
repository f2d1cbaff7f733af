import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { definitionsData } from '../../src/domain/definitions.ts'
import { JournalTrimmed } from '../../src/journal/journal-errors.ts'
import { JournalWriter } from '../../src/journal/journal-writer.ts'
import { listSegments } from '../../src/journal/segment.ts'
import { LimitKind, RangePoint } from '../../src/protocol/kinds.ts'
import { createWriterShared, WriterShared } from '../../src/shared-memory/writer-shared.ts'
import type { EventBatch } from '../../src/stores/event-batch.ts'
import { type OrderStore, StoreMismatch, StoreUnavailable } from '../../src/stores/order-store.ts'
import { StoreReader } from '../../src/stores/queries.ts'
import { StoreStream } from '../../src/writer/store-stream.ts'
import writerThread, { type WriterThreadOptions } from '../../src/writer/writer-thread.ts'
import {
  appendEntries,
  definitions,
  type Entry,
  generateHistory,
  Random,
  writeJournal,
} from '../stores/generated-history.ts'
import { allPages, bodiesOf, openStore, type StoreFolder, storeFolder } from '../stores/store-folder.ts'

function options(folder: StoreFolder, names: readonly string[]): WriterThreadOptions {
  return {
    shared: createWriterShared(names.length),
    journals: names.map(name => ({ name, directory: folder.journal(name), isAppended: name !== 'retired' })),
    durability: 'none',
    segmentBytes: 16_384,
    storeFile: folder.storeFile,
    definitions: definitionsData,
    batchRowsMax: 50,
    batchBytesMax: 1 << 20,
    batchAgeMs: 1,
    confirmBytes: 4_000,
    confirmMs: 5,
    copiesAlways: true,
    nice: 0,
    lagMaxMs: 60_000,
    logLevel: 'error',
  }
}

function openJournal(folder: StoreFolder, name: string): JournalWriter {
  return JournalWriter.open({ directory: folder.journal(name), durability: 'none', segmentBytes: 16_384 })
}

/** Everything the store has of an account, as events. */
function stored(folder: StoreFolder, account: number, reports: number): Buffer[] {
  const reader = new StoreReader({ storeFile: folder.storeFile, definitions, tailBytesMax: 0 })
  const page = allPages(continuation =>
    reader.reports({
      requestId: 0,
      account,
      cutReportSequence: reports,
      journal: { name: 'none', directory: folder.journal('none'), untilSequence: 1 },
      start: 0,
      end: RangePoint.Present,
      limitKind: LimitKind.Unlimited,
      limitSize: 0,
      pageBytes: 1 << 20,
      form: 'events',
      continuation,
    }),
  )
  reader.close()
  return bodiesOf(page.frames)
}

const bodies = (entries: readonly Entry[]) => entries.map(({ body }) => body)

test('the writer catches up with all journals, copies what becomes durable, and drains and confirms it at its end', async t => {
  const folder = storeFolder(t)
  const random = new Random(31)
  const retired = generateHistory(random, { accounts: [1], events: 130 })
  const first = generateHistory(random, { accounts: [2], events: 900, firstOrderId: 9000 })
  writeJournal(folder.journal('retired'), retired, random)
  const journal = openJournal(folder, 'shard-0')
  appendEntries(journal, first.slice(0, 100), random)

  const settings = options(folder, ['shard-0', 'retired'])
  const shared = new WriterShared(settings.shared)
  shared.publishDurable(0, journal.nextSequence)
  const thread = writerThread(settings)
  await shared.caughtUp()
  assert.deepEqual([shared.stored(0), shared.confirmed(0), shared.stored(1), shared.confirmed(1)], [100, 100, 130, 130])
  for (let at = 100; at < 900; at += 100) {
    appendEntries(journal, first.slice(at, at + 100), random)
    shared.publishDurable(0, journal.nextSequence)
  }
  shared.stop()
  await thread
  assert.deepEqual([shared.stored(0), shared.confirmed(0), shared.lag(0).records], [900, 900, 0])
  assert.deepEqual(stored(folder, 1, 130), bodies(retired))
  assert.deepEqual(stored(folder, 2, 900), bodies(first))
  journal.close()
})

test('what is not yet durable is not copied', async t => {
  const folder = storeFolder(t)
  const random = new Random(32)
  const entries = generateHistory(random, { accounts: [2], events: 60 })
  const journal = openJournal(folder, 'shard-0')
  const settings = options(folder, ['shard-0'])
  const shared = new WriterShared(settings.shared)
  shared.publishDurable(0, 1)
  const thread = writerThread(settings)
  await shared.caughtUp()
  appendEntries(journal, entries, random)
  shared.publishDurable(0, 41)
  shared.stop()
  await thread
  assert.equal(shared.stored(0), 40)
  journal.close()
})

test('segments are deleted once the store has confirmed them, and a store that lacks them does not start', async t => {
  const folder = storeFolder(t)
  const random = new Random(33)
  const entries = generateHistory(random, { accounts: [2], events: 1500 })
  const journal = openJournal(folder, 'shard-0')
  appendEntries(journal, entries, random)
  const segments = listSegments(folder.journal('shard-0')).length
  assert.ok(segments > 3)
  const settings = options(folder, ['shard-0'])
  const shared = new WriterShared(settings.shared)
  shared.publishDurable(0, journal.nextSequence)
  const thread = writerThread(settings)
  await shared.caughtUp()
  shared.stop()
  await thread
  assert.equal(listSegments(folder.journal('shard-0')).length, 1)

  fs.rmSync(path.dirname(folder.storeFile), { recursive: true })
  const again = { ...settings, shared: createWriterShared(1) }
  await assert.rejects(writerThread(again), JournalTrimmed)
  journal.close()
})

test('a store that has more of a journal than there is stops the start', async t => {
  const folder = storeFolder(t)
  const random = new Random(34)
  writeJournal(folder.journal('shard-0'), generateHistory(random, { accounts: [2], events: 20 }), random)
  const settings = options(folder, ['shard-0'])
  new WriterShared(settings.shared).stop()
  await writerThread(settings)
  fs.rmSync(folder.journal('shard-0'), { recursive: true })
  const again = { ...settings, shared: createWriterShared(1) }
  new WriterShared(again.shared).publishDurable(0, 1)
  await assert.rejects(writerThread(again), StoreMismatch)
})

/** A store that fails as it is told to, and otherwise is the one behind it. */
function failing(store: OrderStore, failures: (batch: EventBatch) => boolean): OrderStore {
  return {
    name: store.name,
    positions: () => store.positions(),
    confirm: () => store.confirm(),
    close: () => store.close(),
    apply: async batch => {
      if (failures(batch)) throw new StoreUnavailable('away')
      return store.apply(batch)
    },
  }
}

async function streamOver(t: TestContext, failures: (batch: EventBatch) => boolean) {
  const folder = storeFolder(t)
  const random = new Random(35)
  const entries = generateHistory(random, { accounts: [2], events: 100 })
  writeJournal(folder.journal('shard-0'), entries, random)
  const store = openStore(folder)
  const shared = new WriterShared(createWriterShared(1))
  shared.publishDurable(0, 101)
  const lines: unknown[] = []
  const line = (level: string) => (message: string, fields?: object) => void lines.push([level, message, fields])
  const stream = await StoreStream.open({
    store: failing(store, failures),
    journals: [{ name: 'shard-0', directory: folder.journal('shard-0') }],
    shared,
    batchRowsMax: 30,
    batchBytesMax: 1 << 20,
    log: { info: line('info'), warning: line('warning'), error: line('error') },
    retryMs: { first: 0, longest: 1 },
  })
  const close = async () => {
    stream.close()
    await store.close()
  }
  return { folder, entries, stream, shared, lines, close }
}

test('a store that is away for a while gets the same batches when it is back, and each change is told once', async t => {
  let attempts = 0
  const { folder, entries, stream, lines, close } = await streamOver(t, batch => {
    attempts += 1
    return batch.firstSequence === 31 && attempts < 7
  })
  let copied = 0
  for (let entriesOfRound = -1; entriesOfRound !== 0; ) {
    entriesOfRound = await stream.round()
    copied += entriesOfRound
  }
  await close()
  assert.equal(copied, 100)
  assert.deepEqual(stored(folder, 2, 100), bodies(entries))
  const levels = lines.map(line => (line as string[])[0])
  assert.deepEqual(levels, ['warning', 'info'])
  assert.deepEqual((lines[1] as unknown[])[2], { store: 'embedded', failedAttempts: 5 })
})

test('who stops the server does not wait for a store that is away', async t => {
  const { stream, shared, close } = await streamOver(t, batch => {
    if (batch.firstSequence === 31) shared.stop()
    return batch.firstSequence === 31
  })
  assert.equal(await stream.round(), 30)
  await assert.rejects(stream.round(), StoreUnavailable)
  assert.equal(shared.stored(0), 30)
  await close()
})
