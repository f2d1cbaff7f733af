// The ring between two threads, both ends on one: what a record costs without the waiting.

import { deepEqual } from 'node:assert/strict'
import { createRing, RingConsumer, RingProducer } from '../../src/shared-memory/ring.ts'
import type { MicroCase } from './suite.ts'

const RECORD_BYTES = 96
const BATCH = 64

export function ringCases(): MicroCase[] {
  const memory = createRing(1 << 20)
  const producer = new RingProducer(memory)
  const consumer = new RingConsumer(memory)
  const record = Uint8Array.from({ length: RECORD_BYTES }, (_, index) => index)
  const pass = () => {
    for (let i = 0; i < BATCH; i++) producer.write(record, 0, RECORD_BYTES)
    producer.publish()
    let bytes = 0
    while (consumer.next()) bytes += consumer.length
    consumer.release()
    return bytes
  }
  return [
    {
      name: `ring: a record of ${RECORD_BYTES} bytes, ${BATCH} at a time`,
      perRun: BATCH,
      run: pass,
      prove: () => {
        deepEqual(pass(), BATCH * RECORD_BYTES)
        producer.write(record, 0, RECORD_BYTES)
        producer.publish()
        consumer.next()
        const passed = consumer.bytes.slice(consumer.offset, consumer.offset + consumer.length)
        consumer.release()
        deepEqual(passed, record)
      },
    },
  ]
}
