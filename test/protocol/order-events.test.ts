import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MICROS, WIRE_MICROS_MAX } from '../../src/domain/money.ts'
import { FRAME_HEADER_BYTES } from '../../src/protocol/frames.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { MessageWriter } from '../../src/protocol/message-writer.ts'
import { pack, unpack, type Value } from '../../src/protocol/msgpack.ts'
import {
  type AcceptedFields,
  accountAt,
  type BytesRange,
  decodeOrderEvent,
  EventOffset,
  encodeAccepted,
  encodeReport,
  encodeSnapshot,
  MalformedEvent,
  type ReportFields,
  reportSequenceAt,
  type SnapshotFields,
  timeOfAccepted,
} from '../../src/protocol/order-events.ts'

/** The body of the frame that `encode` writes, between other bytes, checked for its length. */
function bodyOf(encode: (to: MessageWriter) => void): Buffer {
  const to = new MessageWriter(64, 1 << 24)
  to.text('before')
  const start = to.position
  encode(to)
  const frame = Buffer.from(to.bytes.subarray(start, to.position))
  equal(frame.readUInt32BE(0), frame.length - FRAME_HEADER_BYTES)
  return frame.subarray(FRAME_HEADER_BYTES)
}

/** `bytes` between others. */
function rangeOf(bytes: Uint8Array): BytesRange {
  return { bytes: Buffer.concat([Buffer.of(1, 2), bytes, Buffer.of(3)]), start: 2, end: 2 + bytes.length }
}

const u32 = fc.nat({ max: 0xffff_ffff })
const id = fc.maxSafeNat()
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const amount = fc.oneof(
  fc.nat({ max: 1000 }).map(units => units * MICROS),
  fc.integer({ min: -WIRE_MICROS_MAX, max: WIRE_MICROS_MAX }),
  fc.constant(0),
)
const tags = fc.option(fc.array(fc.tuple(fc.nat(), fc.nat({ max: 8 }), text), { minLength: 1 }), { nil: undefined })

const accepted = fc.record({
  requestId: u32,
  account: u32,
  reportSequence: id,
  orderId: id,
  orderSequence: id,
  timestamp: id,
  submissionAccount: u32,
  ticker: text,
  currency: fc.nat({ max: 65535 }),
  type: fc.integer({ min: -1, max: 127 }),
  side: fc.integer({ min: -1, max: 127 }),
  destination: text,
  quantity: amount,
  price: amount,
  timeInForce: fc.integer({ min: -1, max: 127 }),
  expiry: id,
  clOrdId: text,
  tags,
  shortFlag: fc.boolean(),
  holdPrice: fc.maxSafeNat(),
})

const report = fc.record({
  account: u32,
  reportSequence: id,
  orderId: id,
  sequence: u32,
  timestamp: id,
  status: fc.integer({ min: 0, max: 11 }),
  lastQty: amount,
  lastPx: amount,
  cumQty: amount,
  leavesQty: amount,
  liquidityFlag: fc.oneof(fc.constant(''), text),
  lastMarket: fc.oneof(fc.constant(''), text),
  executionFee: amount,
  processingFee: amount,
  commission: amount,
  reason: fc.oneof(fc.constant(0), fc.nat({ max: 999 })),
  params: fc.array(
    fc.oneof(
      text,
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => value + 0),
    ),
  ),
  text: fc.oneof(fc.constant(''), fc.string({ unit: 'binary', maxLength: 2000 })),
  tags,
  operator: fc.oneof(fc.constant(0), u32),
})

test('an acceptance is decoded as it was encoded, and routing finds its fields in place', () => {
  fc.assert(
    fc.property(accepted, event => {
      const packed = event.tags === undefined ? undefined : pack(event.tags)
      const body = bodyOf(to =>
        encodeAccepted(to, {
          ...event,
          clOrdId: rangeOf(Buffer.from(event.clOrdId)),
          tags: rangeOf(packed ?? Buffer.alloc(0)),
        } as AcceptedFields),
      )
      const decoded = decodeOrderEvent(Buffer.concat([Buffer.of(9), body, Buffer.of(9)]), 1, body.length)
      deepEqual({ ...decoded, tags: undefined }, { kind: Kind.OrderAccepted, ...event, tags: undefined })
      deepEqual((decoded as { tags?: Uint8Array }).tags, packed)
      deepEqual([reportSequenceAt(body, 0), accountAt(body, 0)], [event.reportSequence, event.account])
      equal(timeOfAccepted(new DataView(body.buffer, body.byteOffset), 0), event.timestamp)
      equal(body[EventOffset.kind], Kind.OrderAccepted)
      equal(body.readUInt32BE(EventOffset.requestId), event.requestId)
      // msgpackr reads the same message.
      const message = unpack(body) as Value[]
      deepEqual(message.slice(0, 5), [64, event.requestId, event.account, event.reportSequence, event.orderId])
      equal(message.length, 21)
    }),
    { numRuns: 300 },
  )
})

test('a report is decoded as it was encoded, however much of its end is left out', () => {
  fc.assert(
    fc.property(report, event => {
      // Parameters go with a reason, and come to nothing without reason and text.
      const isTold = event.reason !== 0 || event.text !== '' || event.tags !== undefined || event.operator !== 0
      const fields = { ...event, params: isTold ? event.params : [] }
      const packed = event.tags === undefined ? undefined : pack(event.tags)
      const body = bodyOf(to =>
        encodeReport(to, { ...fields, tags: rangeOf(packed ?? Buffer.alloc(0)) } as ReportFields),
      )
      const decoded = decodeOrderEvent(body, 0, body.length)
      deepEqual({ ...decoded, tags: undefined }, { kind: Kind.ExecutionReport, ...fields, tags: undefined })
      deepEqual((decoded as { tags?: Uint8Array }).tags, packed)
    }),
    { numRuns: 500 },
  )
})

test('a report on a replace carries its terms, and the request that it answers', () => {
  const terms = fc.record(
    {
      clOrdId: fc.string({ maxLength: 12 }),
      quantity: fc.integer({ min: 0, max: 1e15 }),
      price: fc.integer({ min: 0, max: 1e15 }),
      shortFlag: fc.boolean(),
      holdPrice: fc.maxSafeInteger(),
    },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(report, terms, fc.integer({ min: 1, max: 2 ** 32 - 1 }), (event, terms, requestId) => {
      const told = { ...terms, clOrdId: rangeOf(Buffer.from(terms.clOrdId)) }
      const fields = { ...event, requestId, tags: undefined }
      const body = bodyOf(to =>
        encodeReport(to, { ...fields, tags: rangeOf(Buffer.alloc(0)), terms: told } as ReportFields),
      )
      deepEqual(decodeOrderEvent(body, 0, body.length), { kind: Kind.ExecutionReport, ...fields, terms })
      equal((unpack(body) as Value[]).length, 27)
    }),
    { numRuns: 300 },
  )
})

test('a plain report leaves out what is empty', () => {
  const plain: ReportFields = {
    account: 1,
    reportSequence: 2,
    orderId: 3,
    sequence: 1,
    timestamp: 4,
    status: 2,
    lastQty: 0,
    lastPx: 0,
    cumQty: 0,
    leavesQty: 100e6,
    liquidityFlag: '',
    lastMarket: '',
    executionFee: 0,
    processingFee: 0,
    commission: 0,
    reason: 0,
    params: [],
    text: '',
    tags: { bytes: new Uint8Array(0), start: 0, end: 0 },
    operator: 0,
  }
  const lengths = [{}, { lastMarket: 'X' }, { commission: 1 }, { reason: 5 }, { operator: 7 }].map(
    change => (unpack(bodyOf(to => encodeReport(to, { ...plain, ...change }))) as Value[]).length,
  )
  deepEqual(lengths, [12, 14, 17, 20, 22])
})

test('a snapshot is decoded as it was encoded, with amounts of any size', () => {
  const entry = fc.record(
    {
      ticker: text,
      currency: fc.nat({ max: 65535 }),
      quantity: fc.maxSafeInteger(),
      costBasis: fc.maxSafeInteger(),
      gross: fc.maxSafeInteger(),
      fees: fc.maxSafeInteger(),
      volume: fc.maxSafeInteger(),
      transactions: u32,
      expenditure: fc.maxSafeInteger(),
    },
    { noNullPrototype: true },
  )
  const snapshot: fc.Arbitrary<SnapshotFields> = fc.record({
    account: u32,
    reportSequence: id,
    orderSequence: id,
    timestamp: id,
    currency: fc.nat({ max: 65535 }),
    entries: fc.array(entry, { maxLength: 40 }),
    liveOrderIds: fc.array(id, { maxLength: 200, size: 'max' }),
  })
  fc.assert(
    fc.property(snapshot, event => {
      const body = bodyOf(to => encodeSnapshot(to, event))
      deepEqual(decodeOrderEvent(body, 0, body.length), { kind: Kind.InventorySnapshot, ...event })
    }),
    { numRuns: 200 },
  )
})

test('an event that is cut, goes on behind its end, or is something else, is malformed', () => {
  fc.assert(
    fc.property(accepted, event => {
      const body = bodyOf(to =>
        encodeAccepted(to, {
          ...event,
          clOrdId: rangeOf(Buffer.from(event.clOrdId)),
          tags: rangeOf(Buffer.alloc(0)),
        } as AcceptedFields),
      )
      for (let cut = 0; cut < body.length; cut++) throws(() => decodeOrderEvent(body, 0, cut), MalformedEvent)
      throws(() => decodeOrderEvent(Buffer.concat([body, Buffer.of(0xc0)]), 0, body.length + 1), MalformedEvent)
    }),
    { numRuns: 20 },
  )
  for (const value of [
    [],
    [70, 0, 1, 1],
    [64],
    [66, 1, 1, 'x'],
    [65, 0, 1, 1, 'x'],
    5,
    [64, 0, 1, 1, 2, 3, 4, 5, '\ud800'],
  ]) {
    const body = pack(value)
    throws(() => decodeOrderEvent(body, 0, body.length), MalformedEvent, JSON.stringify(value))
  }
})

test('garbage decodes to an event or is malformed, and nothing else happens', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(64, 65, 66), (bytes, kind) => {
      const body = Buffer.concat([Buffer.of(0xdc, 0, 21, kind), bytes])
      try {
        decodeOrderEvent(body, 0, body.length)
      } catch (error) {
        if (!(error instanceof MalformedEvent)) throw error
      }
    }),
    { numRuns: 2000 },
  )
})
