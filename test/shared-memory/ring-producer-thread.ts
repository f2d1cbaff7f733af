// The producing thread of the test that sends many records between two threads.

import { parentPort, workerData } from 'node:worker_threads'
import { RingProducer } from '../../src/shared-memory/ring.ts'

const { memory, records } = workerData as { memory: SharedArrayBuffer; records: number }
const producer = new RingProducer(memory)
let sum = 0
for (let number = 0; number < records; ) {
  const length = 4 + (number % 61)
  const offset = producer.claim(length)
  if (offset < 0) continue // full: the consumer is at work
  producer.view.setUint32(offset, number)
  for (let i = 4; i < length; i++) {
    const byte = (number * 7 + i) & 0xff
    producer.bytes[offset + i] = byte
    sum = (sum * 31 + byte) | 0
  }
  producer.publish()
  number++
}
parentPort!.postMessage({ records, sum })
