import assert from 'node:assert/strict'
import { once } from 'node:events'
import os from 'node:os'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'

test('the priority of the thread alone is lowered', { skip: os.platform() !== 'linux' }, async () => {
  const before = os.getPriority()
  const worker = new Worker(new URL('./priority-worker.ts', import.meta.url))
  const [told] = await once(worker, 'message')
  assert.deepEqual(told, { refusal: undefined, thread: Math.max(3, before), process: before })
  assert.equal(os.getPriority(), before)
})
