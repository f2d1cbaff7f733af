import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEPTH_MAX, MessageReader } from '../../src/protocol/message-reader.ts'
import { pack, unpack } from '../../src/protocol/msgpack.ts'

/** A reader over exactly these bytes, which lie in the middle of others. */
function over(bytes: Uint8Array): MessageReader {
  const around = Buffer.concat([Buffer.alloc(3, 0xff), bytes, Buffer.alloc(3, 0xff)])
  const reader = new MessageReader()
  reader.start(around, 3, 3 + bytes.length)
  return reader
}

/** One value in each of the forms that hold it. */
function integerForms(value: number): Buffer[] {
  const forms: Buffer[] = []
  const form = (tag: number, bytes: number, write: (view: Buffer) => void) => {
    const view = Buffer.alloc(1 + bytes)
    view[0] = tag
    write(view)
    forms.push(view)
  }
  if (value >= 0 && value < 128) forms.push(Buffer.of(value))
  if (value < 0 && value >= -32) forms.push(Buffer.of(value + 256))
  if (value >= 0 && value < 2 ** 8) form(0xcc, 1, view => view.writeUInt8(value, 1))
  if (value >= 0 && value < 2 ** 16) form(0xcd, 2, view => view.writeUInt16BE(value, 1))
  if (value >= 0 && value < 2 ** 32) form(0xce, 4, view => view.writeUInt32BE(value, 1))
  if (value >= 0) form(0xcf, 8, view => view.writeBigUInt64BE(BigInt(value), 1))
  if (value >= -(2 ** 7) && value < 2 ** 7) form(0xd0, 1, view => view.writeInt8(value, 1))
  if (value >= -(2 ** 15) && value < 2 ** 15) form(0xd1, 2, view => view.writeInt16BE(value, 1))
  if (value >= -(2 ** 31) && value < 2 ** 31) form(0xd2, 4, view => view.writeInt32BE(value, 1))
  form(0xd3, 8, view => view.writeBigInt64BE(BigInt(value), 1))
  form(0xcb, 8, view => view.writeDoubleBE(value, 1))
  if (Math.fround(value) === value) form(0xca, 4, view => view.writeFloatBE(value, 1))
  return forms
}

const edges = [0, 7, 8, 15, 16, 31, 32, 53].flatMap(bits => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1])
const wholes = [...edges, ...edges.map(value => -value), -32, -33].filter(Number.isSafeInteger)

test('a whole number is read from every form that holds it, and from none of them cut short', () => {
  for (const value of wholes) {
    for (const form of integerForms(value)) {
      const reader = over(form)
      equal(reader.integer(), value + 0, form.toString('hex'))
      ok(reader.complete)
      for (let cut = 0; cut < form.length; cut++) {
        const short = over(form.subarray(0, cut))
        equal(short.integer(), 0)
        ok(short.failed && !short.complete)
      }
    }
  }
})

test('a number beyond the exact ones is no whole number, nor is a fraction or what is no number', () => {
  for (const form of [
    Buffer.from('cf0020000000000000', 'hex'),
    Buffer.from('cfffffffffffffffff', 'hex'),
    Buffer.from('d38000000000000000', 'hex'),
    pack(0.5),
    pack(Number.NaN),
    pack(Number.POSITIVE_INFINITY),
    pack(1e300),
    pack('1'),
    pack(null),
    pack(true),
    pack([1]),
    Buffer.of(0xc1),
    Buffer.of(0xc7, 1, 1, 1),
  ]) {
    const reader = over(form)
    equal(reader.integer(), 0)
    ok(reader.failed, form.toString('hex'))
  }
})

test('numbers are read as msgpackr wrote them', () => {
  const number = fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger(), fc.float())
  fc.assert(
    fc.property(number, value => {
      const reader = over(pack(value))
      const read = reader.number()
      ok(Object.is(read, value) || read === value, `${read} for ${value}`)
      ok(reader.complete)
    }),
    { numRuns: 1000 },
  )
})

test('minus zero is zero where a whole number is wanted', () => {
  ok(Object.is(over(pack(-0)).integer(), 0))
})

test('texts are read as msgpackr wrote them, in every length of header', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(31, 32, 255, 256, 65535, 65536).map(length => 'x'.repeat(length)),
  )
  fc.assert(
    fc.property(text, value => {
      const reader = over(pack(value))
      equal(reader.text(), Buffer.byteLength(value))
      equal(Buffer.from(reader.bytes.slice(reader.valueStart, reader.valueEnd)).toString(), value)
      ok(reader.complete)
    }),
  )
  for (const form of [Buffer.of(0xc0), Buffer.of(0xa0), Buffer.of(0xd9, 0)]) equal(over(form).text(), 0)
})

test('a text that announces more than there is fails and takes nothing', () => {
  for (const hex of [
    'a1',
    'a5414243',
    'd905414243',
    'da0005414243',
    'db00000005414243',
    'dbffffffff41',
    'd9',
    'da00',
    'db000000',
  ]) {
    const reader = over(Buffer.from(hex, 'hex'))
    equal(reader.text(), 0)
    ok(reader.failed)
    equal(reader.valueEnd - reader.valueStart, 0)
  }
})

test('a failure stays until the next start, whatever is read after it', () => {
  const reader = over(Buffer.concat([pack('text'), pack(5)]))
  equal(reader.integer(), 0)
  reader.text()
  reader.integer()
  ok(reader.failed && !reader.complete)
  reader.start(pack(5), 0, 1)
  equal(reader.integer(), 5)
  ok(reader.complete)
})

const value = fc.letrec(tie => ({
  leaf: fc.oneof(
    fc.integer(),
    fc.double(),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array().map(bytes => Buffer.from(bytes)),
  ),
  list: fc.array(tie('any'), { maxLength: 20 }),
  map: fc.dictionary(fc.string(), tie('any'), { maxKeys: 20 }),
  any: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('list'), tie('map')),
})).any

test('any value is taken whole, wherever it ends, and never where it is cut', () => {
  fc.assert(
    fc.property(value, known => {
      const bytes = pack(known)
      const reader = over(bytes)
      reader.raw()
      ok(reader.complete)
      deepEqual([reader.valueStart, reader.valueEnd], [3, 3 + bytes.length])
      deepEqual(unpack(Buffer.concat([Buffer.alloc(2), bytes, Buffer.alloc(2)]), 2, 2 + bytes.length), unpack(bytes))
      const step = Math.max(1, Math.floor(bytes.length / 50))
      for (let cut = 0; cut < bytes.length; cut += step) {
        const short = over(bytes.subarray(0, cut))
        short.raw()
        ok(!short.complete, `cut at ${cut}`)
        equal(unpack(bytes, 0, cut), undefined)
      }
      equal(unpack(Buffer.concat([bytes, Buffer.of(1)])), undefined)
    }),
    { numRuns: 300 },
  )
})

test('huge counts cost nothing, and nesting has its limit', () => {
  for (const hex of [
    'ddffffffff',
    'dfffffffff',
    'dcffff',
    'deffff',
    'c6ffffffff',
    'dd7fffffff01',
    '9f',
    '8f',
    '91',
    '81',
  ]) {
    const bytes = Buffer.from(hex, 'hex')
    const reader = over(bytes)
    reader.raw()
    ok(reader.failed, hex)
    equal(unpack(bytes), undefined)
  }
  const nested = (depth: number) => Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.of(0xc0)])
  for (const [depth, isTaken] of [
    [1, true],
    [DEPTH_MAX, true],
    [DEPTH_MAX + 1, false],
    [100_000, false],
  ] as const) {
    const reader = over(nested(depth))
    reader.raw()
    equal(reader.complete, isTaken, String(depth))
  }
})

test('extensions and the unused tag are no part of the protocol', () => {
  for (const hex of ['c1', 'c70001', 'd401ff', 'd5010000', 'd60100000000', '91c1', `d8${'00'.repeat(17)}`]) {
    equal(unpack(Buffer.from(hex, 'hex')), undefined, hex)
  }
})

test('keys of maps are texts and nothing else', () => {
  for (const hex of [
    '81c001',
    '81919201',
    '810101',
    '81c40100',
    '81c201',
    '8180c0',
    '82a16101c001',
    '81915dcbfb80f30505105fa1',
  ]) {
    equal(unpack(Buffer.from(hex, 'hex')), undefined, hex)
  }
  deepEqual(unpack(Buffer.from('82a16101a0a162', 'hex')), { a: 1, '': 'b' })
})

test('garbage is read as something or as a failure, and never beyond its end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.array(fc.nat({ max: 5 }), { maxLength: 12 }), (bytes, calls) => {
      const reader = over(bytes)
      for (const call of calls) {
        if (call === 0) reader.integer()
        else if (call === 1) reader.number()
        else if (call === 2) reader.text()
        else if (call === 3) reader.raw()
        else if (call === 4) reader.arrayHeader()
        else reader.nil()
        ok(reader.position <= reader.end)
      }
      unpack(bytes)
    }),
    { numRuns: 2000 },
  )
})
