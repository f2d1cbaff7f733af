import { ok } from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Clock } from '../../src/base/clock.ts'
import { SHARED_CLOCK_BYTES, SharedClock } from '../../src/shared-memory/shared-clock.ts'

/** What the two counters of a thread may be compared wrongly by, where the thread is held in between each time. */
const OFF_US_MAX = 1_000

test('another thread reads the time of the clock that is published, also after that was set forward', async t => {
  const memory = new SharedArrayBuffer(SHARED_CLOCK_BYTES)
  const worker = new Worker(new URL('shared-clock-thread.ts', import.meta.url), { workerData: memory })
  t.after(() => worker.terminate())
  const clock = new Clock()
  const shared = new SharedClock(memory)
  for (let round = 0; round < 20; round++) {
    if (round === 10) clock.raise(clock.nowUs() + 3_600_000_000)
    shared.publish(clock.nowUs())
    const before = clock.nowUs()
    worker.postMessage('')
    const [read] = (await once(worker, 'message')) as [number]
    const after = clock.nowUs()
    ok(read > before - OFF_US_MAX && read < after + OFF_US_MAX, `${before} < ${read} < ${after}`)
  }
})
