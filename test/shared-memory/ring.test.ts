import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import {
  CURSOR,
  createRing,
  POSITION,
  RingConsumer,
  RingProducer,
  recordBytesMax,
  ringUsedBytes,
} from '../../src/shared-memory/ring.ts'
import { everyInterleaving, scripted } from './interleavings.ts'

/** A ring whose counters begin at `start` instead of zero. */
function ringAt(capacityBytes: number, start: number): SharedArrayBuffer {
  const memory = createRing(capacityBytes)
  const words = new Int32Array(memory)
  words[CURSOR >> 2] = start
  words[POSITION >> 2] = start
  return memory
}

/** A payload that tells its own length and number, so that any mix-up shows. */
function payload(number: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (number * 31 + i * 7 + length) & 0xff)
}

function current(consumer: RingConsumer): number[] {
  return [...consumer.bytes.subarray(consumer.offset, consumer.offset + consumer.length)]
}

test('a record is seen only after it was published, and its space is free only after it was released', () => {
  const memory = createRing(64)
  const producer = new RingProducer(memory)
  const consumer = new RingConsumer(memory)
  assert.equal(producer.write(Uint8Array.of(9, 1, 2, 3, 9), 1, 4), true)
  assert.equal(consumer.next(), false)
  assert.equal(ringUsedBytes(memory), 0)
  assert.equal(producer.freeBytes(), 56)
  producer.publish()
  assert.equal(ringUsedBytes(memory), 8)
  assert.equal(consumer.hasNext(), true)
  assert.equal(consumer.next(), true)
  assert.deepEqual(current(consumer), [1, 2, 3])
  assert.equal(consumer.next(), false)
  assert.equal(producer.usedBytes(), 8)
  consumer.release()
  assert.equal(consumer.usedBytes(), 0)
  assert.equal(producer.freeBytes(), 64)
})

test('a full ring answers so, changes nothing, and goes on after a release', () => {
  const memory = createRing(64)
  const producer = new RingProducer(memory)
  const consumer = new RingConsumer(memory)
  for (let number = 0; number < 4; number++) assert.equal(producer.write(payload(number, 12), 0, 12), true)
  assert.equal(producer.claim(0), -1)
  producer.publish()
  assert.equal(producer.write(payload(4, 12), 0, 12), false)
  const seen: number[][] = []
  while (consumer.next()) seen.push(current(consumer))
  assert.deepEqual(
    seen,
    [0, 1, 2, 3].map(number => [...payload(number, 12)]),
  )
  assert.equal(producer.claim(12), -1)
  consumer.release()
  assert.equal(producer.write(payload(4, 12), 0, 12), true)
})

test('a record shorter than its claim is trimmed and gives back the rest', () => {
  const memory = createRing(256)
  const producer = new RingProducer(memory)
  const consumer = new RingConsumer(memory)
  const offset = producer.claim(60)
  producer.view.setUint16(offset, 0xabcd)
  producer.trim(2)
  producer.write(payload(1, 5), 0, 5)
  producer.publish()
  assert.equal(ringUsedBytes(memory), 8 + 16)
  assert.ok(consumer.next())
  assert.equal(consumer.length, 2)
  assert.equal(consumer.view.getUint16(consumer.offset), 0xabcd)
  assert.ok(consumer.next())
  assert.deepEqual(current(consumer), [...payload(1, 5)])
})

test('broken promises of a caller stop it', () => {
  assert.throws(() => createRing(96), /power of two/)
  assert.throws(() => new RingProducer(new SharedArrayBuffer(100)), /not the memory of a ring/)
  const producer = new RingProducer(createRing(64))
  assert.throws(() => producer.claim(recordBytesMax(64) + 1), /larger than the ring allows/)
  assert.throws(() => producer.claim(-1), /larger than the ring allows/)
  assert.throws(() => producer.claim(Number.NaN), /larger than the ring allows/)
  assert.throws(() => producer.trim(0), /no claim to trim/)
  producer.claim(4)
  assert.throws(() => producer.trim(5), /cannot grow/)
})

test('a ring is a bounded queue: property against an array, with counters wrapping around', () => {
  const capacity = 256
  const action = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), length: fc.nat(recordBytesMax(capacity)) }),
    fc.record({ kind: fc.constant('trim' as const), length: fc.nat(20) }),
    fc.record({ kind: fc.constantFrom('publish' as const, 'next' as const, 'release' as const) }),
  )
  const starts = fc.constantFrom(0, 2 ** 31 - 512, 2 ** 31 - 64, -(2 ** 31), -512, -8)
  fc.assert(
    fc.property(starts, fc.array(action, { maxLength: 200 }), (start, actions) => {
      const memory = ringAt(capacity, start | 0)
      const producer = new RingProducer(memory)
      const consumer = new RingConsumer(memory)
      const claimed: Uint8Array[] = []
      let published: Uint8Array[] = []
      let unreleased = 0
      let number = 0
      for (const one of actions) {
        if (one.kind === 'write' || one.kind === 'trim') {
          const source = payload(number++, one.length)
          const offset = producer.claim(one.kind === 'trim' ? 40 : one.length)
          if (offset < 0) {
            // Full only where the record, its padding and all that is held do not fit.
            assert.ok(claimed.length + published.length + unreleased > 0, 'an empty ring takes any record')
            continue
          }
          producer.bytes.set(source, offset)
          if (one.kind === 'trim') producer.trim(one.length)
          claimed.push(source)
        } else if (one.kind === 'publish') {
          producer.publish()
          published = published.concat(claimed.splice(0))
        } else if (one.kind === 'next') {
          const expected = published.shift()
          assert.equal(consumer.next(), expected !== undefined)
          if (expected !== undefined) {
            assert.deepEqual(current(consumer), [...expected])
            unreleased++
          }
        } else {
          consumer.release()
          unreleased = 0
        }
        assert.ok(ringUsedBytes(memory) >= 0 && ringUsedBytes(memory) <= capacity)
      }
    }),
    { numRuns: 300 },
  )
})

test('in every interleaving the consumer sees whole records in order, and full and empty are the only other outcomes', () => {
  // The last record lies behind a padding and needs space of the first; the counters wrap around on the way.
  const outcomes = new Set<string>()
  everyInterleaving(() => {
    const memory = ringAt(64, 2 ** 31 - 64)
    const producer = new RingProducer(memory)
    const consumer = new RingConsumer(memory)
    const published: number[][] = []
    const seen: number[][] = []
    let full = 0

    function* produce(): Generator<void, void> {
      const unpublished: number[][] = []
      for (const batch of [[4, 12], [12, 12], [12]]) {
        for (const length of batch) {
          const record = payload(published.length + unpublished.length, length)
          const offset = producer.claim(length)
          if (offset < 0) {
            full++
            yield
            continue
          }
          // Filled in two steps: a record seen half filled would show.
          producer.bytes.set(record.subarray(0, length / 2), offset)
          yield
          producer.bytes.set(record.subarray(length / 2), offset + length / 2)
          unpublished.push([...record])
        }
        published.push(...unpublished.splice(0))
        producer.publish()
        yield
      }
    }
    function* consume(): Generator<void, void> {
      for (const recordsMax of [2, 2]) {
        for (let record = 0; record < recordsMax && consumer.next(); record++) {
          yield
          seen.push(current(consumer))
        }
        yield
        consumer.release()
        yield
      }
    }
    return {
      actors: [scripted(produce()), scripted(consume())],
      check() {
        assert.deepEqual(seen, published.slice(0, seen.length), 'torn, lost, repeated or out of order')
        outcomes.add(`${published.length} published, ${full} refused, ${seen.length} seen`)
      },
    }
  })
  // Publishing shows whole batches, so the consumer never sees one record; and after a release there is room.
  assert.deepEqual([...outcomes].sort(), [
    '4 published, 1 refused, 0 seen',
    '4 published, 1 refused, 2 seen',
    '4 published, 1 refused, 4 seen',
    '5 published, 0 refused, 2 seen',
    '5 published, 0 refused, 4 seen',
  ])
})

test('a million records cross between two threads unharmed', async () => {
  const memory = createRing(1 << 16)
  const records = 1_000_000
  const worker = new Worker(new URL('./ring-producer-thread.ts', import.meta.url), { workerData: { memory, records } })
  const told = once(worker, 'message')
  const consumer = new RingConsumer(memory)
  const { bytes, view } = consumer
  let sum = 0
  let seen = 0
  while (seen < records) {
    if (!consumer.next()) {
      consumer.release()
      // Gives the processor away where there are fewer cores than threads.
      await new Promise(setImmediate)
      continue
    }
    if (view.getUint32(consumer.offset) !== seen) assert.fail(`record ${seen} is another`)
    const end = consumer.offset + consumer.length
    for (let at = consumer.offset + 4; at < end; at++) sum = (sum * 31 + bytes[at]!) | 0
    if (++seen % 64 === 0) consumer.release()
  }
  assert.deepEqual([{ records: seen, sum }], await told)
  await worker.terminate()
})
