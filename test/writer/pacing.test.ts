import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Pacing, type ProcessorTimes, processorTimes } from '../../src/writer/pacing.ts'

/** A thread whose next batch runs, queues and takes what it is told. */
function paced(lagMaxMs: number) {
  let wallMs = 0
  let durable = 0
  let times: ProcessorTimes = { runMs: 0, queuedMs: 0 }
  const pacing = new Pacing(
    lagMaxMs,
    () => wallMs,
    () => times,
  )
  return (batch: { wallMs: number; runMs: number; queuedMs: number; arrived: number; lagMs: number }) => {
    pacing.begin(durable)
    wallMs += batch.wallMs
    durable += batch.arrived
    times = { runMs: times.runMs + batch.runMs, queuedMs: times.queuedMs + batch.queuedMs }
    return pacing.restMs(durable, batch.lagMs)
  }
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

test('the times of a thread only grow, where the system tells them', t => {
  const before = processorTimes()
  if (before === undefined) return t.skip('this system does not tell')
  for (let i = 0; i < 1e6; i++) Math.sqrt(i)
  const after = processorTimes()
  ok(after !== undefined && after.runMs >= before.runMs && after.queuedMs >= before.queuedMs)
})
