// The codec: the messages on the road of an order, encoded as a shard does and decoded as a shard and the writer do.

import { deepEqual, equal } from 'node:assert/strict'
import { OrderStatus } from '../../src/domain/order-status.ts'
import { OrderType } from '../../src/domain/order-type.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { Side } from '../../src/domain/side.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { FRAME_HEADER_BYTES } from '../../src/protocol/frames.ts'
import { MessageReader } from '../../src/protocol/message-reader.ts'
import { MessageWriter } from '../../src/protocol/message-writer.ts'
import { unpack } from '../../src/protocol/msgpack.ts'
import {
  type AcceptedFields,
  decodeOrderEvent,
  encodeAccepted,
  encodeReport,
  type ReportFields,
} from '../../src/protocol/order-events.ts'
import { decodeSubmit, submitRequest } from '../../src/protocol/requests.ts'
import { OrderPattern } from '../load/load-plan.ts'
import { SubmitFrames } from '../load/submit-frames.ts'
import { benchTickers } from '../server/bench-world.ts'
import type { MicroCase } from './suite.ts'

const NOTHING = { bytes: new Uint8Array(0), start: 0, end: 0 }
const TIME_US = 1_790_000_000_000_000

export function acceptedFields(): AcceptedFields {
  const clOrdId = Buffer.from('bench.1.0.00000000')
  return {
    requestId: 17,
    account: 4711,
    reportSequence: 1_000_001,
    orderId: 123_456_789,
    orderSequence: 333_334,
    timestamp: TIME_US,
    submissionAccount: 42,
    ticker: 'ABX.TSX',
    currency: 124,
    type: OrderType.Limit,
    side: Side.Bid,
    destination: 'TSX',
    quantity: 100_000_000,
    price: 25_380_000,
    timeInForce: TimeInForce.Day,
    expiry: 0,
    clOrdId: { bytes: clOrdId, start: 0, end: clOrdId.length },
    tags: NOTHING,
    shortFlag: false,
    holdPrice: 25_380_000,
  }
}

export function filledFields(): ReportFields {
  return {
    account: 4711,
    reportSequence: 1_000_003,
    orderId: 123_456_789,
    sequence: 2,
    timestamp: TIME_US,
    status: OrderStatus.Filled,
    lastQty: 100_000_000,
    lastPx: 25_380_000,
    cumQty: 100_000_000,
    leavesQty: 0,
    liquidityFlag: '',
    lastMarket: 'TSX',
    executionFee: 0,
    processingFee: 0,
    commission: 0,
    reason: Reason.None,
    params: [],
    text: '',
    tags: NOTHING,
    operator: 0,
  }
}

export function codecCases(): MicroCase[] {
  const accepted = acceptedFields()
  const filled = filledFields()
  const writer = new MessageWriter(4096, 4096)
  const event = new MessageWriter(4096, 4096)
  encodeAccepted(event, accepted)
  const bodyLength = event.position - FRAME_HEADER_BYTES
  const frames = new SubmitFrames({
    pattern: OrderPattern.Marketable,
    accounts: [4711],
    tickers: benchTickers.slice(0, 1),
    placesMin: 1,
    idPrefix: 'bench.1.0.',
  })
  const submitEnd = frames.offsets[1]!
  const reader = new MessageReader()
  const submit = submitRequest()
  const decode = () => {
    reader.start(frames.bytes, FRAME_HEADER_BYTES, submitEnd)
    const elements = reader.arrayHeader()
    reader.integer()
    reader.integer()
    reader.integer()
    return decodeSubmit(reader, elements, submit)
  }
  return [
    {
      name: 'codec: decode a Submit in place',
      perRun: 1,
      run: decode,
      prove: () => {
        equal(decode(), Reason.None)
        deepEqual([submit.quantity, submit.side], [100_000_000, Side.Bid])
      },
    },
    {
      name: 'codec: the same by the general decoder',
      perRun: 1,
      run: () => {
        unpack(frames.bytes, FRAME_HEADER_BYTES, submitEnd)
      },
      prove: () => equal((unpack(frames.bytes, FRAME_HEADER_BYTES, submitEnd) as unknown[]).length, 12),
    },
    {
      name: 'codec: encode an OrderAccepted',
      perRun: 1,
      run: () => {
        writer.position = 0
        encodeAccepted(writer, accepted)
      },
      prove: () => {
        writer.position = 0
        encodeAccepted(writer, accepted)
        const { clOrdId, tags, ...rest } = accepted
        const { clOrdId: text, tags: none, kind, ...decoded } = decodeAccepted(writer)
        deepEqual([decoded, text, none, kind], [rest, 'bench.1.0.00000000', undefined, 64])
      },
    },
    {
      name: 'codec: encode an ExecutionReport',
      perRun: 1,
      run: () => {
        writer.position = 0
        encodeReport(writer, filled)
      },
      prove: () => {
        writer.position = 0
        encodeReport(writer, filled)
        const { tags, params, ...rest } = filled
        const decoded = decodeOrderEvent(writer.bytes, FRAME_HEADER_BYTES, writer.position - FRAME_HEADER_BYTES)
        deepEqual(decoded, { ...rest, kind: 65, tags: undefined, params: [] })
      },
    },
    {
      name: 'codec: decode an OrderAccepted for the store',
      perRun: 1,
      run: () => {
        decodeOrderEvent(event.bytes, FRAME_HEADER_BYTES, bodyLength)
      },
      prove: () => equal(decodeAccepted(event).orderId, accepted.orderId),
    },
  ]
}

function decodeAccepted(writer: MessageWriter) {
  const event = decodeOrderEvent(writer.bytes, FRAME_HEADER_BYTES, writer.position - FRAME_HEADER_BYTES)
  if (event.kind !== 64) throw new Error(`an event of kind ${event.kind} where an OrderAccepted was encoded`)
  return event
}
