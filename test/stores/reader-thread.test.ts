import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definitionsData } from '../../src/domain/definitions.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { LimitKind, RangePoint } from '../../src/protocol/kinds.ts'
import type { Page } from '../../src/stores/queries.ts'
import answer, { shareReaderOptions } from '../../src/stores/reader-thread.ts'
import { generateHistory, Random, writeJournal } from './generated-history.ts'
import { bodiesOf, openStore, storeFolder } from './store-folder.ts'

test('a reader thread answers tasks, and refuses by a code', async t => {
  const folder = storeFolder(t)
  const entries = generateHistory(new Random(41), { accounts: [7], events: 50 })
  const directory = folder.journal('shard-0')
  writeJournal(directory, entries, new Random(42))
  await openStore(folder).close()
  shareReaderOptions({ storeFile: folder.storeFile, definitions: definitionsData, tailBytesMax: 1 << 20 })
  const journal = { name: 'shard-0', directory, untilSequence: 51 }
  const query = {
    requestId: 0,
    account: 7,
    cutReportSequence: 50,
    journal,
    start: RangePoint.First,
    end: RangePoint.Present,
    limitKind: LimitKind.Unlimited,
    limitSize: 0,
    pageBytes: 1 << 20,
  }
  const events = answer({ ask: 'reports', query: { ...query, form: 'events' } }) as { result: Page }
  assert.deepEqual(
    bodiesOf(events.result.frames),
    entries.map(({ body }) => body),
  )
  const { event } = entries[0]!
  const orderId = 'orderId' in event ? event.orderId : 0
  assert.deepEqual(answer({ ask: 'accountOf', orderId, journals: [journal] }), { result: 7 })
  assert.equal((answer({ ask: 'order', query: { ...query, orderId } }) as { result: Page }).result.count, 1)

  assert.deepEqual(answer({ ask: 'orders', query: { ...query, filter: ['and', 3] } }), {
    code: Reason.InvalidFilter,
    params: ['[1]'],
    text: 'the filter is not understood at [1]',
  })
  const beyond = answer({ ask: 'orders', query: { ...query, cutReportSequence: 51 } })
  assert.equal('code' in beyond && beyond.code, Reason.StoreUnavailable)
})
