import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { journalRange } from '../../src/journal/journal-range.ts'
import { listSegments } from '../../src/journal/segment.ts'
import { LANE_BYTES, Metric } from '../../src/metrics/catalogue.ts'
import { Lane } from '../../src/shared-memory/lanes.ts'
import {
  createWriterShared,
  STORE_STATE_NAMES,
  StoreState,
  WriterShared,
} from '../../src/shared-memory/writer-shared.ts'
import type { EventBatch } from '../../src/stores/event-batch.ts'
import { type OrderStore, StoreMismatch, StoreUnavailable } from '../../src/stores/order-store.ts'
import { PieceTurns } from '../../src/writer/piece-turns.ts'
import { StoreMeter } from '../../src/writer/store-meter.ts'
import { StoreStream, type StoreStreamOptions } from '../../src/writer/store-stream.ts'
import { appendEntries, generateHistory, Random, writeJournal } from '../stores/generated-history.ts'
import { openStore, type StoreFolder, storeFolder } from '../stores/store-folder.ts'
import { embeddedLines, openJournal, reportLines } from './journaled.ts'
import { UNPACED } from './unpaced.ts'

/** A store that fails as it is told to, and otherwise is the one behind it. */
function failing(store: OrderStore, fail: (batch: EventBatch) => Error | undefined): OrderStore {
  return {
    name: store.name,
    positions: () => store.positions(),
    owner: () => store.owner(),
    claim: (installation, from) => store.claim(installation, from),
    confirm: () => store.confirm(),
    close: () => store.close(),
    apply: async batch => {
      const error = fail(batch)
      if (error !== undefined) throw error
      return store.apply(batch)
    },
  }
}

/** A stream over the journal `shard-0` of a folder, everything it told, and the states it went through. */
function streamOver(
  t: TestContext,
  folder: StoreFolder,
  options: Pick<StoreStreamOptions, 'open'> & Partial<StoreStreamOptions>,
) {
  const shared = new WriterShared(createWriterShared(1))
  const lane = new Lane(new SharedArrayBuffer(LANE_BYTES), 0, LANE_BYTES)
  const lines: string[] = []
  const states: string[] = []
  const line = (level: string) => (message: string) => void lines.push(`${level} ${message}`)
  const waiting: { state: StoreState; resolve: () => void }[] = []
  const journals = [{ name: 'shard-0', directory: folder.journal('shard-0') }]
  const stream = new StoreStream({
    number: 0,
    name: 'a store',
    installation: 'ours',
    journals,
    ranges: journals.map(({ directory }) => journalRange(directory)),
    shared,
    batchRowsMax: 30,
    batchBytesMax: 1 << 20,
    batchAgeMs: 1,
    confirmBytes: 1 << 20,
    confirmMs: 10,
    copiesAlways: true,
    pauses: { firstMs: 1, longestMs: 2 },
    lookAgainMs: 1,
    pacing: UNPACED,
    pieceTurns: new PieceTurns(),
    meter: new StoreMeter(lane, shared, 0),
    log: { info: line('info'), warning: line('warning'), error: line('error') },
    onChange: () => {
      const state = shared.state(0)
      states.push(STORE_STATE_NAMES[state])
      for (const each of waiting) if (each.state === state) each.resolve()
    },
    onCaughtUp: () => shared.publishCaughtUp(0),
    ...options,
  })
  t.after(() => stream.stop())
  /** Settles when the stream next enters the state, or is in it. */
  const reaches = (state: StoreState) =>
    new Promise<void>(resolve => {
      if (shared.state(0) === state) resolve()
      waiting.push({ state, resolve })
    })
  return { stream, shared, lane, lines, states, reaches }
}

function history(t: TestContext, events = 100) {
  const folder = storeFolder(t)
  const random = new Random(35)
  const entries = generateHistory(random, { accounts: [2], events })
  writeJournal(folder.journal('shard-0'), entries, random)
  return { folder, lines: reportLines(entries) }
}

test('a store that is away for a while gets the same batches when it is back, and each change is told once', async t => {
  const { folder, lines: reports } = history(t)
  let attempts = 0
  const { stream, shared, lane, lines, states } = streamOver(t, folder, {
    open: async () =>
      failing(openStore(folder), batch => {
        attempts += 1
        return batch.firstSequence === 31 && attempts < 7 ? new StoreUnavailable('gone', { state: 'away' }) : undefined
      }),
  })
  const run = stream.run()
  assert.equal(await shared.caughtUp(), 0)
  stream.stop()
  await run
  assert.deepEqual(embeddedLines(folder.storeFile), reports)
  assert.deepEqual(states, ['catching up', 'away', 'catching up', 'following'])
  assert.deepEqual(lines, [
    'warning the store is away; the journals keep what it lacks',
    'info the store takes rows again',
    'info the store has what the journals hold',
  ])
  assert.deepEqual([shared.stored(0, 0), shared.confirmed(0)], [100, 100])
  const counted = [Metric.RowsStored, Metric.StoreBatches, Metric.StoreFailures, Metric.StoreLagRecords]
  assert.deepEqual(
    counted.map(metric => lane.value(metric)),
    [100, 4, 5, 0],
  )
})

test('a round takes the entries that pacing leaves it, and pacing is told whether the store follows', async t => {
  const { folder, lines: reports } = history(t)
  const taken: number[] = []
  const begun: boolean[] = []
  const ended: boolean[] = []
  const { stream, shared } = streamOver(t, folder, {
    open: async () =>
      failing(openStore(folder), batch => {
        taken.push(batch.count)
        return undefined
      }),
    pacing: {
      ...UNPACED,
      begin: (_durable, isFollowing) => {
        begun.push(isFollowing)
        return begun.length === 2 ? 12 : Number.POSITIVE_INFINITY
      },
      restMs: (_durable, isFollowing) => {
        ended.push(isFollowing)
        return 0
      },
    },
  })
  const run = stream.run()
  await shared.caughtUp()
  stream.stop()
  await run
  assert.deepEqual(embeddedLines(folder.storeFile), reports)
  assert.deepEqual(taken, [30, 12, 30, 28])
  assert.deepEqual(begun.slice(0, 5), [false, false, false, false, true])
  assert.deepEqual(ended, [false, false, false, true])
})

test('a round goes into the store piece by piece where pacing says so, with the rests that it says', async t => {
  const { folder, lines: reports } = history(t)
  const done: string[] = []
  const store = openStore(folder)
  let pieces = 0
  const { stream, shared } = streamOver(t, folder, {
    open: async () => ({
      ...failing(store, () => undefined),
      apply: async (batch, inPieces) => {
        if (inPieces === undefined) done.push('whole')
        for (let piece = 0; inPieces !== undefined && piece < 2; piece++) {
          const answer = await inPieces.piece(async () => done.push('work'))
          assert.equal(
            answer,
            done.length - 1,
            'the answer is that of the work, which pacing hears of before and behind',
          )
        }
        return store.apply(batch)
      },
    }),
    pacing: {
      ...UNPACED,
      get isPieceByPiece() {
        return pieces < 4
      },
      get pieceRestMs() {
        done.push('rest')
        return 0
      },
      pieceBegins: () => void done.push('begins'),
      pieceEnds: () => {
        pieces += 1
        done.push('ends')
      },
    },
  })
  const run = stream.run()
  await shared.caughtUp()
  stream.stop()
  await run
  assert.deepEqual(embeddedLines(folder.storeFile), reports)
  const piece = ['rest', 'begins', 'work', 'ends']
  assert.deepEqual(done, [...piece, ...piece, ...piece, ...piece, 'whole', 'whole'])
})

test('what keeps a store from taking rows is told as what it is; one that is in the way now and then is not told', async t => {
  const { folder } = history(t)
  const failures = ['busy', 'busy', 'full', 'full', 'read only', 'busy', 'away']
  const { stream, shared, lines } = streamOver(t, folder, {
    open: async () =>
      failing(openStore(folder), () => {
        const state = failures.shift()
        return state === undefined ? undefined : new StoreUnavailable('not now', { state: state as 'busy' })
      }),
  })
  const run = stream.run()
  await shared.caughtUp()
  stream.stop()
  await run
  assert.deepEqual(lines, [
    'warning the store has no room for rows: make some there; the journals keep what it lacks',
    'warning the store is read only and takes no rows; the journals keep what it lacks',
    'warning the store is too busy to take rows; the journals keep what it lacks',
    'warning the store is away; the journals keep what it lacks',
    'info the store takes rows again',
    'info the store has what the journals hold',
  ])
})

test('who stops does not wait for a store that is away, and the next stream goes on from there', async t => {
  const { folder, lines: reports } = history(t)
  const first = streamOver(t, folder, {
    open: async () =>
      failing(openStore(folder), batch =>
        batch.firstSequence === 31 ? new StoreUnavailable('gone', { state: 'away' }) : undefined,
      ),
    pauses: { firstMs: 60_000, longestMs: 60_000 },
  })
  const run = first.stream.run()
  await first.reaches(StoreState.Away)
  first.stream.stop()
  await run
  assert.equal(first.shared.stored(0, 0), 30)

  const second = streamOver(t, folder, { open: async () => openStore(folder) })
  const again = second.stream.run()
  second.stream.stop()
  await again
  assert.deepEqual(embeddedLines(folder.storeFile), reports)
})

test('a store that cannot be opened is tried until it can, and is claimed for the installation', async t => {
  const { folder } = history(t)
  let attempts = 0
  const { stream, shared, states, lines } = streamOver(t, folder, {
    open: async () => {
      attempts += 1
      if (attempts < 4) throw new StoreUnavailable('refused', { state: 'away' })
      return openStore(folder)
    },
  })
  const run = stream.run()
  await shared.caughtUp()
  stream.stop()
  await run
  assert.deepEqual(states, ['away', 'catching up', 'following'])
  assert.deepEqual(lines, [
    'warning the store is away; the journals keep what it lacks',
    'info the store is there again',
    'info the store has what the journals hold',
  ])
  const store = openStore(folder)
  assert.equal(await store.owner(), 'ours')
  await store.close()
})

test('a store of another installation is refused and not written, and taken back once it is ours', async t => {
  const { folder } = history(t)
  const store = openStore(folder)
  await store.claim('theirs')
  await store.close()
  const { stream, shared, states, lines, reaches } = streamOver(t, folder, { open: async () => openStore(folder) })
  const run = stream.run()
  await reaches(StoreState.Refused)
  assert.match(stream.reason, /another installation \(theirs\)/)
  assert.deepEqual([shared.storesToTry(0), shared.takesPart(0), shared.stored(0, 0)], [[], false, 0])
  const mended = openStore(folder)
  await mended.claim('ours', 'theirs')
  await mended.close()
  await shared.caughtUp()
  stream.stop()
  await run
  assert.deepEqual(states, ['refused', 'catching up', 'following'])
  assert.deepEqual(
    lines.filter(line => line.startsWith('error')),
    [
      'error the store is not what the journals say, so it is neither written nor read; compare it with "oes store verify"',
    ],
  )
})

test('a store that lacks what the journals do not hold any more needs a rebuild, and holds them no longer', async t => {
  const { folder } = history(t, 600)
  const [oldest] = listSegments(folder.journal('shard-0'))
  fs.rmSync(oldest!.file)
  const { stream, shared, lines, reaches } = streamOver(t, folder, { open: async () => openStore(folder) })
  const run = stream.run()
  await reaches(StoreState.NeedsRebuild)
  assert.equal(shared.takesPart(0), false)
  stream.stop()
  await run
  assert.deepEqual(lines, [
    'error the store lacks orders that the journals do not hold any more, and takes part no longer; ' +
      '"oes store rebuild a store" makes it whole again from another store',
  ])
})

test('a store that went back, as after a failover, gets again what it lost', async t => {
  const { folder, lines: reports } = history(t)
  const saved = path.join(path.dirname(folder.storeFile), 'saved.db')
  let hasFailedOver = false
  const { stream, shared, lines } = streamOver(t, folder, {
    open: async () => {
      if (hasFailedOver) fs.copyFileSync(saved, folder.storeFile)
      const store = openStore(folder)
      return failing(store, batch => {
        if (batch.firstSequence === 31 && !hasFailedOver) fs.copyFileSync(folder.storeFile, saved)
        if (batch.firstSequence !== 61 || hasFailedOver) return undefined
        hasFailedOver = true
        return new StoreMismatch('the position is not where it was left')
      })
    },
  })
  const run = stream.run()
  await shared.caughtUp()
  stream.stop()
  await run
  assert.deepEqual(embeddedLines(folder.storeFile), reports)
  assert.deepEqual(lines.slice(0, 1), [
    'warning the store has gone back, as after a failover that lost its last commits; they are copied again',
  ])
})

test('a store whose tables are not as it left them, with the position where it was, is refused', async t => {
  const { folder } = history(t)
  const { stream, reaches, states } = streamOver(t, folder, {
    open: async () =>
      failing(openStore(folder), batch =>
        batch.firstSequence === 31 ? new StoreMismatch('a table has other columns') : undefined,
      ),
    lookAgainMs: 60_000,
  })
  const run = stream.run()
  await reaches(StoreState.Refused)
  assert.match(stream.reason, /other columns/)
  stream.stop()
  await run
  assert.deepEqual(states, ['catching up', 'refused'])
})

test('what becomes durable is copied as it comes; the lag is told in entries, bytes and seconds', async t => {
  const folder = storeFolder(t)
  const random = new Random(36)
  const entries = generateHistory(random, { accounts: [2], events: 300 })
  const journal = openJournal(folder, 'shard-0')
  let isAway = false
  const { stream, shared, lane, reaches } = streamOver(t, folder, {
    open: async () =>
      failing(openStore(folder), () => (isAway ? new StoreUnavailable('gone', { state: 'away' }) : undefined)),
  })
  shared.publishDurable(0, 1)
  const run = stream.run()
  await shared.caughtUp()
  appendEntries(journal, entries.slice(0, 200), random)
  shared.publishDurable(0, 151)
  while (shared.stored(0, 0) < 150) await new Promise(resolve => setImmediate(resolve))
  isAway = true
  appendEntries(journal, entries.slice(200), random)
  shared.publishDurable(0, 301)
  await reaches(StoreState.Away)
  assert.equal(shared.stored(0, 0), 150)
  assert.equal(shared.lag(0, 0).records, 150)
  assert.ok(shared.lag(0, 0).bytes > 150 * 50)
  while (shared.lag(0, 0).seconds === 0) await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual([lane.value(Metric.StoreState), lane.value(Metric.StoreLagRecords)], [StoreState.Away, 150])
  isAway = false
  await reaches(StoreState.Following)
  stream.stop()
  await run
  assert.deepEqual([shared.stored(0, 0), shared.lag(0, 0)], [300, { records: 0, bytes: 0, seconds: 0 }])
  journal.close()
})
