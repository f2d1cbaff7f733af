import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { threadId } from '../../src/base/thread-priority.ts'
import { definitionsData } from '../../src/domain/definitions.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { JournalWriter } from '../../src/journal/journal-writer.ts'
import { LimitKind, RangePoint } from '../../src/protocol/kinds.ts'
import type { Page } from '../../src/stores/queries.ts'
import answer, { ReaderDesk, type ReaderQuestion, shareReaderOptions } from '../../src/stores/reader-thread.ts'
import type { StoreEndpoint } from '../../src/stores/store-endpoint.ts'
import { appendEntries, type Entry, generateHistory, Random, writeJournal } from './generated-history.ts'
import { batchOf, bodiesOf, openStore, type StoreFolder, storeFolder } from './store-folder.ts'

const TAIL_BYTES_MAX = 1 << 20

function bodies(result: unknown): Buffer[] {
  return bodiesOf((result as { result: Page }).result.frames)
}

/** All events of the account, one page. */
function everything(directory: string, events: number): ReaderQuestion {
  return {
    ask: 'reports',
    query: {
      requestId: 0,
      account: 7,
      cutReportSequence: events,
      journals: [{ name: 'shard-0', directory, untilSequence: events + 1 }],
      start: RangePoint.First,
      end: RangePoint.Present,
      limitKind: LimitKind.Unlimited,
      limitSize: 0,
      pageBytes: 1 << 20,
      form: 'events',
    },
  }
}

function endpoint(folder: StoreFolder): StoreEndpoint {
  return { kind: 'embedded', name: folder.storeFile, file: folder.storeFile }
}

test('a reader thread answers tasks, and refuses by a code', async t => {
  const folder = storeFolder(t)
  const entries = generateHistory(new Random(41), { accounts: [7], events: 50 })
  const directory = folder.journal('shard-0')
  writeJournal(directory, entries, new Random(42))
  await openStore(folder).close()
  shareReaderOptions({
    stores: [endpoint(folder)],
    definitions: definitionsData,
    tailBytesMax: TAIL_BYTES_MAX,
    nice: 10,
  })
  const question = everything(directory, 50) as Extract<ReaderQuestion, { ask: 'reports' }>
  const { query } = question
  const tryStores = [0]
  assert.deepEqual(
    bodies(await answer({ ...question, tryStores })),
    entries.map(({ body }) => body),
  )
  // Orders are not to wait for questions.
  const thread = threadId()
  assert.ok(thread === undefined || os.getPriority(thread) >= 10)
  const { event } = entries[0]!
  const orderId = 'orderId' in event ? event.orderId : 0
  assert.deepEqual(await answer({ ask: 'accountOf', orderId, journals: query.journals, tryStores }), { result: 7 })
  const one = (await answer({ ask: 'order', query: { ...query, orderId }, tryStores })) as { result: Page }
  assert.equal(one.result.count, 1)

  assert.deepEqual(await answer({ ask: 'orders', query: { ...query, filter: ['and', 3] }, tryStores }), {
    code: Reason.InvalidFilter,
    params: ['[1]'],
    text: 'the filter is not understood at [1]',
  })
  const beyond = await answer({ ask: 'orders', query: { ...query, cutReportSequence: 51 }, tryStores })
  assert.equal('code' in beyond && beyond.code, Reason.StoreUnavailable)
})

/** A journal with a history, of which `deleted` segments are gone. */
function journalOf(folder: StoreFolder, entries: readonly Entry[], deleted: number): string {
  const directory = folder.journal('shard-0')
  const journal = JournalWriter.open({ directory, durability: 'none', segmentBytes: 4096 })
  appendEntries(journal, entries, new Random(3))
  journal.close()
  const segments = fs.readdirSync(directory).filter(name => /^\d+\.log$/.test(name))
  assert.ok(segments.length > deleted + 1, 'the journal has segments to spare')
  for (const name of segments.sort().slice(0, deleted)) fs.rmSync(path.join(directory, name))
  return directory
}

test('each store is tried in the order given, then the journals alone, and what nobody has is refused with all reasons', async t => {
  const entries = generateHistory(new Random(43), { accounts: [7], events: 200 })
  const whole = entries.map(({ body }) => body)
  const [good, empty, gone] = [storeFolder(t), storeFolder(t), storeFolder(t)]
  const store = openStore(good)
  store.applyNow(batchOf('shard-0', entries, 0, 150))
  await store.close()
  await openStore(empty).close()
  const options = { definitions: definitionsData, tailBytesMax: TAIL_BYTES_MAX }
  const stores = [gone, empty, good].map(endpoint)

  const directory = journalOf(storeFolder(t), entries, 0)
  const question = everything(directory, 200)
  const desk = new ReaderDesk({ ...options, stores })
  for (const tryStores of [[2], [0, 2], [1, 0], [0], []]) {
    assert.deepEqual(bodies(await desk.answer({ ...question, tryStores })), whole, String(tryStores))
  }
  await desk.close()

  // The journal has lost its beginning: what no store has of it cannot be told.
  const trimmed = everything(journalOf(storeFolder(t), entries, 1), 200)
  const other = new ReaderDesk({ ...options, stores })
  for (const tryStores of [[2], [0, 2], [1, 2], [0, 1, 2]]) {
    assert.deepEqual(bodies(await other.answer({ ...trimmed, tryStores })), whole, String(tryStores))
  }
  for (const tryStores of [[0], [1], [0, 1], []]) {
    const refused = await other.answer({ ...trimmed, tryStores })
    assert.ok('code' in refused, 'the answer is a refusal')
    assert.equal(refused.code, Reason.StoreUnavailable)
    assert.match(refused.text, /^.*the journals alone lacks what was deleted: journal .* begins at sequence/)
  }
  await other.close()
})

test('a store that failed is passed over for a while, unless nothing else has the answer', async t => {
  const entries = generateHistory(new Random(44), { accounts: [7], events: 120 })
  const folder = storeFolder(t)
  const { file } = endpoint(folder) as { file: string }
  const directory = journalOf(storeFolder(t), entries, 1)
  const question = { ...everything(directory, 120), tryStores: [0] }
  let nowMs = 0
  const desk = new ReaderDesk(
    { stores: [endpoint(folder)], definitions: definitionsData, tailBytesMax: TAIL_BYTES_MAX },
    () => nowMs,
  )
  const isAnswered = async () => 'result' in (await desk.answer(question))
  const isAnsweredWithJournals = async () =>
    'result' in (await desk.answer({ ...everything(journalOf(storeFolder(t), entries, 0), 120), tryStores: [0] }))
  assert.equal(await isAnswered(), false)
  assert.equal(await isAnsweredWithJournals(), true)
  const store = openStore(folder)
  store.applyNow(batchOf('shard-0', entries, 0, 120))
  await store.close()
  assert.ok(fs.existsSync(file))
  // It is passed over still; but it is the only one that can answer.
  assert.equal(await isAnswered(), true)
  nowMs += 5_000
  assert.equal(await isAnswered(), true)
  await desk.close()
})
