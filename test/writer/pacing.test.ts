import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import {
  CATCH_UP_ENTRIES_MAX,
  NEARLY_THERE_ENTRIES,
  Pacing,
  type ProcessorTimes,
  processorTimes,
} from '../../src/writer/pacing.ts'

interface Batch {
  readonly wallMs: number
  readonly runMs: number
  readonly queuedMs: number
  readonly arrived: number
  readonly lagMs: number
  readonly lagRecords?: number
  readonly isFollowing?: boolean
  /** How the stream stands behind the batch, where that is not how it stood before. */
  readonly follows?: boolean
}

/** A thread whose next batch runs, queues and takes what it is told. */
function pacedThread(lagMaxMs: number, catchUpShare: number) {
  let wallMs = 0
  let durable = 0
  let times: ProcessorTimes = { runMs: 0, queuedMs: 0 }
  const pacing = new Pacing(
    { lagMaxMs, catchUpShare },
    () => wallMs,
    () => times,
  )
  const round = (batch: Batch): { entriesMax: number; restMs: number } => {
    const { isFollowing = true, follows = isFollowing, lagRecords = 0 } = batch
    const entriesMax = pacing.begin(durable, isFollowing)
    wallMs += batch.wallMs
    durable += batch.arrived
    times = { runMs: times.runMs + batch.runMs, queuedMs: times.queuedMs + batch.queuedMs }
    const restMs = pacing.restMs(durable, follows, { records: lagRecords, seconds: batch.lagMs / 1000 })
    return { entriesMax, restMs }
  }
  /** Time goes by without a batch. */
  const passes = (ms: number, arrived = 0) => {
    wallMs += ms
    durable += arrived
  }
  return { pacing, round, passes }
}

function paced(lagMaxMs: number) {
  const { round } = pacedThread(lagMaxMs, 25)
  return (batch: Batch) => round(batch).restMs
}

const contended = { wallMs: 100, runMs: 50, queuedMs: 40, arrived: 10, lagMs: 0 }

test('a batch that had a processor when it wanted one is followed by the next at once', () => {
  const batch = paced(30_000)
  equal(batch({ ...contended, queuedMs: 0 }), 0)
  equal(batch({ ...contended, queuedMs: 12.5 }), 0)
})

test('waiting for the disk is no reason to rest', () => {
  equal(paced(30_000)({ ...contended, wallMs: 1000, queuedMs: 1 }), 0)
})

test('a batch that queued while orders came in is followed by a rest of a multiple of it, a second at most', () => {
  const batch = paced(30_000)
  equal(batch(contended), 600)
  equal(batch({ ...contended, wallMs: 500, lagMs: 30_000 }), 1000)
})

test('the writer does not rest while nothing comes in, whoever else wants the processor', () => {
  equal(paced(30_000)({ ...contended, arrived: 0 }), 0)
})

test('a store that is too far behind is copied to without rest', () => {
  equal(paced(30_000)({ ...contended, lagMs: 30_001 }), 0)
})

const EVERYTHING = Number.POSITIVE_INFINITY

/** A batch of a store that lacks minutes of orders, and its database has all the processors it wants. */
const catchingUp = {
  wallMs: 20,
  runMs: 10,
  queuedMs: 0,
  arrived: 5,
  lagMs: 300_000,
  lagRecords: 1_000_000,
  isFollowing: false,
}

test('a store that was away gets small batches and its share of the time while orders come in, however far it is behind', () => {
  const { round, passes } = pacedThread(30_000, 25)
  passes(60_000, 1_000)
  const paced = { entriesMax: CATCH_UP_ENTRIES_MAX, restMs: 60 }
  deepEqual(round(catchingUp), paced)
  passes(60, 1)
  deepEqual(round(catchingUp), paced)
  // An order now and then is not to be overlooked because none came during a batch.
  passes(60)
  deepEqual(round({ ...catchingUp, arrived: 0 }), paced)
})

test('a store that was away catches up without rest once no order has come in for a second, and rests when one does', () => {
  const { round, passes } = pacedThread(30_000, 25)
  passes(0, 1_000)
  round(catchingUp)
  passes(1_000)
  deepEqual(round({ ...catchingUp, arrived: 0 }), { entriesMax: EVERYTHING, restMs: 0 })
  deepEqual(round({ ...catchingUp, wallMs: 500 }), { entriesMax: EVERYTHING, restMs: 1500 })
  deepEqual(round(catchingUp), { entriesMax: CATCH_UP_ENTRIES_MAX, restMs: 60 })
})

test('a server that starts copies what there is in large batches, since nobody can send orders yet', () => {
  const { round } = pacedThread(30_000, 25)
  deepEqual(round({ ...catchingUp, arrived: 0 }), { entriesMax: EVERYTHING, restMs: 0 })
})

test('the share is a part of the time; a rest ends after ten seconds, and the whole time leaves the rule of any store', () => {
  const rest = (share: number, batch: Partial<Batch> = {}) => {
    const { round, passes } = pacedThread(30_000, share)
    passes(0, 1)
    return round({ ...catchingUp, ...batch })
  }
  deepEqual(
    [1, 10, 50, 99, 100].map(share => rest(share, { wallMs: 99 }).restMs),
    [9_801, 891, 99, 1, 0],
  )
  equal(rest(1, { wallMs: 102 }).restMs, 10_000)
  equal(rest(100).entriesMax, EVERYTHING)
  // Where the thread itself queued, and the store is not too far behind, the longer rest is the one.
  equal(rest(25, { queuedMs: 5, lagMs: 0 }).restMs, 120)
  equal(rest(5, { queuedMs: 5, lagMs: 0 }).restMs, 380)
})

test('a round for a store that was away goes piece by piece, and what it rested between them it need not rest again', () => {
  const { pacing, passes } = pacedThread(30_000, 25)
  passes(0, 1)
  pacing.begin(1, true)
  equal(pacing.isPieceByPiece, false, 'one that follows')
  pacing.begin(1, false)
  equal(pacing.isPieceByPiece, true)
  equal(pacing.pieceRestMs, 0, 'nothing was done yet')
  const piece = (restMs: number, tookMs: number) => {
    passes(restMs)
    pacing.pieceBegins()
    passes(tookMs)
    pacing.pieceEnds()
    return pacing.pieceRestMs
  }
  equal(piece(0, 2), 6)
  equal(piece(6, 1), 3)
  // It is the turn of another store, too.
  equal(piece(10, 2), 6)
  // 5 ms in pieces, 5 ms for the commit behind them; of the 30 ms that makes, 16 were rested.
  passes(5)
  equal(pacing.restMs(1, false, { records: 1_000_000, seconds: 300 }), 14)
  pacing.begin(1, false)
  equal(piece(0, 400), 1_000, 'a transaction is not left open for longer')
  equal(pacing.restMs(1, false, { records: 1_000_000, seconds: 300 }), 1_200)
  passes(0, 1)
  pacing.begin(2, false)
  piece(50, 2)
  equal(pacing.restMs(2, false, { records: 1_000_000, seconds: 300 }), 0)
  passes(1_000)
  pacing.begin(2, false)
  equal(pacing.isPieceByPiece, false, 'nothing comes in any more')
})

test('a store that has caught up keeps the pace until it is at the end of the journals, or may lag no longer', () => {
  const following = { ...catchingUp, isFollowing: true }
  const paced = { entriesMax: CATCH_UP_ENTRIES_MAX, restMs: 60 }
  const begin = () => {
    const thread = pacedThread(30_000, 25)
    thread.passes(0, 1)
    deepEqual(thread.round({ ...catchingUp, follows: true }), paced)
    return thread
  }
  const reaching = begin()
  deepEqual(reaching.round({ ...following, lagRecords: NEARLY_THERE_ENTRIES }), paced)
  deepEqual(reaching.round({ ...following, lagRecords: NEARLY_THERE_ENTRIES - 1 }), { ...paced, restMs: 0 })
  deepEqual(reaching.round(following), { entriesMax: EVERYTHING, restMs: 0 })

  const lagging = begin()
  lagging.passes(29_960, 1)
  deepEqual(lagging.round(following), paced)
  deepEqual(lagging.round(following), { ...paced, restMs: 0 })
  deepEqual(lagging.round(following), { entriesMax: EVERYTHING, restMs: 0 })
})

test('the times of a thread only grow, where the system tells them', t => {
  const before = processorTimes()
  if (before === undefined) return t.skip('this system does not tell')
  for (let i = 0; i < 1e6; i++) Math.sqrt(i)
  const after = processorTimes()
  ok(after !== undefined && after.runMs >= before.runMs && after.queuedMs >= before.queuedMs)
})
