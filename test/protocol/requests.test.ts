import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WIRE_MICROS_MAX } from '../../src/domain/money.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { MessageReader } from '../../src/protocol/message-reader.ts'
import { pack } from '../../src/protocol/msgpack.ts'
import type { BytesRange } from '../../src/protocol/order-events.ts'
import {
  decodeRefusal,
  decodeSubmit,
  decodeUpdate,
  type SubmitRequest,
  submitRequest,
  type UpdateRequest,
  updateRequest,
} from '../../src/protocol/requests.ts'

const submit = submitRequest()
const update = updateRequest()

/** Decodes a message of which the first three elements have been read; the object is used over and over. */
function decode(message: readonly unknown[] | Buffer, isUpdate = false): [reason: Reason, param: number] {
  const bytes = Buffer.isBuffer(message) ? message : pack(message)
  const reader = new MessageReader()
  reader.start(bytes, 0, bytes.length)
  const elements = reader.arrayHeader()
  reader.integer()
  reader.integer()
  reader.raw()
  decodeRefusal.param = -1
  const reason = isUpdate ? decodeUpdate(reader, elements, update) : decodeSubmit(reader, elements, submit)
  return [reason, decodeRefusal.param]
}

const textOf = ({ bytes, start, end }: BytesRange): string => Buffer.from(bytes.slice(start, end)).toString()

function readable(request: SubmitRequest): Record<string, unknown> {
  const { ticker, destination, clOrdId, tags, ...rest } = request
  return {
    ...rest,
    ticker: textOf(ticker),
    destination: textOf(destination),
    clOrdId: textOf(clOrdId),
    tags: tags.end - tags.start,
  }
}

const head = [3, 1, 0]
const full = ['ABX.TSX', 1, 1, 100.5, 25.37, 7, 'TSX', 124, 'mine', 1_700_000_000_000_000, [[18, 5, 'R']]]
const decoded = {
  ticker: 'ABX.TSX',
  type: 1,
  side: 1,
  quantity: 100_500_000,
  price: 25_370_000,
  timeInForce: 7,
  destination: 'TSX',
  currency: 124,
  clOrdId: 'mine',
  expiry: 1_700_000_000_000_000,
  tags: 6,
}
const defaults = { destination: '', currency: 0, clOrdId: '', expiry: 0, tags: 0 }

test('a submission is decoded whole; what is left out at its end, or nil, has its default', () => {
  deepEqual(decode([...head, ...full]), [Reason.None, -1])
  deepEqual(readable(submit), decoded)
  // What an earlier message said does not show through.
  for (let length = 6; length < full.length; length++) {
    deepEqual(decode([...head, ...full.slice(0, length)]), [Reason.None, -1])
    const names = Object.keys(defaults) as (keyof typeof defaults)[]
    const missing = names.slice(length - 6)
    deepEqual(readable(submit), { ...decoded, ...Object.fromEntries(missing.map(name => [name, defaults[name]])) })
  }
  deepEqual(decode([...head, ...full.slice(0, 6), null, null, null, null, null]), [Reason.None, -1])
  deepEqual(readable(submit), { ...decoded, ...defaults })
})

test('each element of a submission that is not what it should be is told by its place, or has a code of its own', () => {
  const cases: [number, unknown, Reason, number?][] = [
    [0, 5, Reason.MalformedMessage, 4],
    [0, 'x'.repeat(33), Reason.MalformedMessage, 3],
    [1, 'x', Reason.MalformedMessage, 4],
    [2, null, Reason.MalformedMessage, 4],
    [3, 'x', Reason.MalformedMessage, 6],
    [3, Number.NaN, Reason.InvalidQuantity],
    [3, 0.0000001, Reason.InvalidQuantity],
    [3, 2 ** 32 + 1, Reason.InvalidQuantity],
    [4, [], Reason.MalformedMessage, 7],
    [4, Number.NEGATIVE_INFINITY, Reason.InvalidPrice],
    [5, 1.5, Reason.MalformedMessage, 8],
    [6, 7, Reason.MalformedMessage, 9],
    [6, 'x'.repeat(17), Reason.MalformedMessage, 9],
    [7, 'CAD', Reason.MalformedMessage, 10],
    [8, 5, Reason.MalformedMessage, 11],
    [8, 'x'.repeat(37), Reason.InvalidClOrdId, 36],
    [9, 'x', Reason.InvalidExpiry],
    [9, -1, Reason.InvalidExpiry],
    [10, [[18, 5, 'x'.repeat(4096)]], Reason.InvalidTags],
  ]
  for (const [place, value, reason, param = -1] of cases) {
    const message = [...head, ...full.map((known, index) => (index === place ? value : known))]
    deepEqual(decode(message), [reason, param], JSON.stringify([place, value]))
  }
  for (const length of [0, 5]) {
    deepEqual(decode([...head, ...full.slice(0, length)]), [Reason.MalformedMessage, 3 + length])
  }
  deepEqual(decode([...head, ...full, 1]), [Reason.MalformedMessage, 15])
})

test('a submission cut anywhere, or longer than it says, is refused', () => {
  const bytes = pack([...head, ...full])
  for (let cut = 5; cut < bytes.length; cut++) ok(decode(bytes.subarray(0, cut))[0] !== Reason.None, `cut at ${cut}`)
  ok(decode(Buffer.concat([bytes, Buffer.of(1)]))[0] !== Reason.None)
})

test('an update is decoded with its defaults, and each of its elements is judged', () => {
  const whole = [5, 1, 0, 77, 3, 40.25, 9.5, 'by hand', 'XTSE', 'A', 0.1, 0.2, 0.3, 123, [[1, 0, 1]]]
  const plain = ({ text, lastMarket, liquidityFlag, tags, ...rest }: UpdateRequest) => ({
    ...rest,
    text: textOf(text),
    lastMarket: textOf(lastMarket),
    liquidityFlag: textOf(liquidityFlag),
    tags: tags.end - tags.start,
  })
  deepEqual(decode(whole, true)[0], Reason.None)
  deepEqual(plain(update), {
    orderId: 77,
    status: 3,
    lastQty: 40_250_000,
    lastPx: 9_500_000,
    executionFee: 100_000,
    processingFee: 200_000,
    commission: 300_000,
    timestamp: 123,
    text: 'by hand',
    lastMarket: 'XTSE',
    liquidityFlag: 'A',
    tags: 5,
  })
  deepEqual(decode([5, 1, 0, 77, 5], true)[0], Reason.None)
  deepEqual(plain(update), {
    orderId: 77,
    status: 5,
    lastQty: 0,
    lastPx: 0,
    executionFee: 0,
    processingFee: 0,
    commission: 0,
    timestamp: 0,
    text: '',
    lastMarket: '',
    liquidityFlag: '',
    tags: 0,
  })
  const cases: [number, unknown, Reason][] = [
    [3, 'x', Reason.MalformedMessage],
    [4, 2.5, Reason.MalformedMessage],
    [5, 'x', Reason.InvalidQuantity],
    [5, 1e-7, Reason.InvalidQuantity],
    [6, Number.NaN, Reason.InvalidPrice],
    [7, 'x'.repeat(1025), Reason.InvalidText],
    [7, 5, Reason.InvalidText],
    [8, 'x'.repeat(17), Reason.InvalidText],
    [9, 'x'.repeat(9), Reason.InvalidText],
    [10, Number.NaN, Reason.MalformedMessage],
    [12, 'x', Reason.MalformedMessage],
    [13, -1, Reason.MalformedMessage],
    [13, 'x', Reason.MalformedMessage],
    [14, [[1, 5, 'x'.repeat(4096)]], Reason.InvalidTags],
  ]
  for (const [place, value, reason] of cases) {
    const message = whole.map((known, index) => (index === place ? value : known))
    deepEqual(decode(message, true)[0], reason, JSON.stringify([place, value]))
  }
  deepEqual(decode(whole.slice(0, 4), true)[0], Reason.MalformedMessage)
  deepEqual(decode([...whole, 1], true)[0], Reason.MalformedMessage)
  const bytes = pack(whole)
  for (let cut = 5; cut < bytes.length; cut++) ok(decode(bytes.subarray(0, cut), true)[0] !== Reason.None)
})

test('amounts are taken to the micro within the range of the wire', () => {
  const micros = fc.integer({ min: -WIRE_MICROS_MAX, max: WIRE_MICROS_MAX })
  fc.assert(
    fc.property(micros, micros, (quantity, price) => {
      const message = [...head, 'A.TSX', 1, 1, quantity / 1e6, price / 1e6, 0]
      deepEqual(decode(message), [Reason.None, -1])
      deepEqual([submit.quantity, submit.price], [quantity, price])
    }),
    { numRuns: 1000 },
  )
})

test('garbage behind the head is refused or decoded, and never read beyond its end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 15 }), fc.boolean(), (bytes, elements, isUpdate) => {
      const body = Buffer.concat([Buffer.of(0x90 | elements, 3, 1, 0), bytes])
      const [reason] = decode(body, isUpdate)
      if (reason !== Reason.None) return
      const ranges = isUpdate
        ? [update.text, update.tags]
        : [submit.ticker, submit.destination, submit.clOrdId, submit.tags]
      for (const { start, end } of ranges) ok(start <= end && end <= body.length)
      equal(elements >= (isUpdate ? 5 : 9), true)
    }),
    { numRuns: 3000 },
  )
})
