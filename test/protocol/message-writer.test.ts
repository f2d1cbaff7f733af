import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AssertionFailed } from '../../src/base/assert.ts'
import { MICROS, microsOfNumber, WIRE_MICROS_MAX } from '../../src/domain/money.ts'
import { encodeDone, encodeRefused } from '../../src/protocol/answers.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { MessageWriter } from '../../src/protocol/message-writer.ts'
import { pack, unpack } from '../../src/protocol/msgpack.ts'

/** What msgpackr reads of what was written. */
function written(write: (to: MessageWriter) => void): unknown {
  const to = new MessageWriter(1 << 12, 1 << 24)
  write(to)
  return unpack(to.bytes, 0, to.position)
}

const edges = [0, 5, 7, 8, 15, 16, 31, 32, 53].flatMap(bits => [2 ** bits - 1, 2 ** bits])
const wholes = [...edges, ...edges.map(value => -value)].filter(Number.isSafeInteger)

test('whole numbers of every size are read back by msgpackr', () => {
  for (const value of wholes)
    equal(
      written(to => to.integer(value)),
      value + 0,
    )
  fc.assert(
    fc.property(fc.maxSafeInteger(), value =>
      equal(
        written(to => to.integer(value)),
        value,
      ),
    ),
  )
  for (const value of wholes.filter(value => value >= 0)) {
    const to = new MessageWriter(64, 64)
    to.fixed64(value)
    equal(to.position, 9)
    equal(Buffer.from(to.bytes).readBigUInt64BE(1), BigInt(value))
  }
})

test('doubles, texts, lists and raw values are read back by msgpackr', () => {
  fc.assert(
    fc.property(fc.double(), value =>
      ok(
        Object.is(
          written(to => to.double(value)),
          value,
        ),
      ),
    ),
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.nat({ max: 40 }).map(length => 'x'.repeat(length)),
    fc.nat({ max: 40 }).map(length => `${'x'.repeat(length)}é€😀`),
    fc.constantFrom(255, 256, 65535).map(length => 'y'.repeat(length)),
  )
  fc.assert(
    fc.property(text, value => {
      equal(
        written(to => to.text(value)),
        value,
      )
      const bytes = Buffer.from(`..${value}..`)
      equal(
        written(to => to.textBytes(bytes, 2, bytes.length - 2)),
        value,
      )
    }),
  )
  for (const length of [0, 1, 15, 16, 65535, 65536]) {
    const list = Array.from({ length }, () => null)
    const read = written(to => {
      to.reserve(length + 16)
      to.arrayHeader(length)
      for (const _ of list) to.nil()
    })
    deepEqual(read, list)
  }
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const bytes = Buffer.concat([Buffer.of(1), pack(value), Buffer.of(2)])
      deepEqual(
        written(to => to.rawBytes(bytes, 1, bytes.length - 1)),
        unpack(bytes, 1, bytes.length - 1),
      )
    }),
  )
})

test('amounts travel as ordinary numbers and come back to the micro', () => {
  const micros = fc.oneof(
    fc.integer({ min: -WIRE_MICROS_MAX, max: WIRE_MICROS_MAX }),
    fc.integer({ min: -(2 ** 32), max: 2 ** 32 }).map(units => units * MICROS),
    fc.integer({ min: -1000, max: 1000 }),
  )
  fc.assert(
    fc.property(micros, amount => {
      const read = written(to => to.amount(amount))
      equal(read, amount / MICROS)
      equal(microsOfNumber(read as number), amount)
    }),
    { numRuns: 2000 },
  )
})

test('the buffer grows under what is written and keeps it, up to its limit', () => {
  const to = new MessageWriter(16, 1 << 16)
  const texts = Array.from({ length: 200 }, (_, i) => String(i).repeat(1 + (i % 60)))
  const starts: number[] = []
  for (const text of texts) {
    starts.push(to.position)
    to.text(text)
  }
  deepEqual(
    texts.map((_, i) => unpack(to.bytes, starts[i], starts[i + 1] ?? to.position)),
    texts,
  )
  throws(() => to.reserve(1 << 16), AssertionFailed)
})

test('short answers are frames with their elements in place', () => {
  const to = new MessageWriter(16, 1 << 20)
  encodeDone(to, 0xffff_ffff, 5)
  const first = to.position
  encodeRefused(to, 7, 8, 303, [12.5, 2 ** 40, 'x'])
  const view = Buffer.from(to.bytes)
  deepEqual([view.readUInt32BE(0), view.readUInt32BE(first)], [first - 4, to.position - first - 4])
  deepEqual(unpack(to.bytes, 4, first), [Kind.Done, 0xffff_ffff, 5])
  deepEqual(unpack(to.bytes, first + 4, to.position), [
    Kind.Refused,
    7,
    8,
    303,
    [12.5, 2 ** 40, 'x'],
    `The order would use 12.5 of a buying power of ${2 ** 40}.`,
  ])
})
