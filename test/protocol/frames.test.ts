import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeFrame, FrameSplitter, FrameTooLong } from '../../src/protocol/frames.ts'

/** Pushes the chunks and gives the bodies as they come out, copied. */
function split(chunks: readonly Uint8Array[], splitter = new FrameSplitter(1000)): string[] {
  const bodies: string[] = []
  for (const chunk of chunks) {
    // A chunk belongs to the splitter until the next push, and not longer.
    const lent = Uint8Array.from(chunk)
    splitter.push(lent)
    while (splitter.next()) bodies.push(Buffer.from(splitter.bytes.slice(splitter.start, splitter.end)).toString('hex'))
  }
  return bodies
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const stream = (bodies: readonly Uint8Array[]): Buffer => Buffer.concat(bodies.map(encodeFrame))

test('a stream cut at any one place gives the same bodies', () => {
  const bodies = [Buffer.from('a'), Buffer.alloc(0), Buffer.from('bcdefg'), Buffer.alloc(300, 7), Buffer.from('z')]
  const bytes = stream(bodies)
  for (let cut = 0; cut <= bytes.length; cut++) {
    deepEqual(split([bytes.subarray(0, cut), bytes.subarray(cut)]), bodies.map(hex), `cut at ${cut}`)
  }
  deepEqual(split([...bytes].map(byte => Uint8Array.of(byte))), bodies.map(hex))
})

test('a stream cut anywhere, with readers that come late or put a frame back, gives the same bodies', () => {
  const body = fc.uint8Array({ maxLength: 50 })
  fc.assert(
    fc.property(
      fc.array(body, { maxLength: 20 }),
      fc.array(fc.nat({ max: 40 }), { minLength: 1 }),
      fc.infiniteStream(fc.constantFrom('take', 'take', 'take', 'unread', 'leave')),
      (bodies, cuts, moods) => {
        const bytes = stream(bodies)
        const splitter = new FrameSplitter(50)
        const out: string[] = []
        let at = 0
        for (let i = 0; at < bytes.length; i++) {
          const end = Math.min(bytes.length, at + 1 + cuts[i % cuts.length]!)
          splitter.push(Uint8Array.from(bytes.subarray(at, end)))
          at = end
          while (splitter.next()) {
            const mood = moods.next().value
            if (mood !== 'take') splitter.unread()
            if (mood === 'leave') break
            if (mood === 'take') out.push(hex(splitter.bytes.slice(splitter.start, splitter.end)))
          }
        }
        splitter.push(new Uint8Array(0))
        while (splitter.next()) out.push(hex(splitter.bytes.slice(splitter.start, splitter.end)))
        deepEqual(out, bodies.map(hex))
        equal(splitter.pendingBytes, 0)
      },
    ),
    { numRuns: 500 },
  )
})

test('a frame of the longest length passes, a longer one is refused as soon as it is announced', () => {
  deepEqual(split([encodeFrame(Buffer.alloc(1000))]).length, 1)
  for (const length of [1001, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    const header = Buffer.alloc(4)
    header.writeUInt32BE(length)
    const splitter = new FrameSplitter(1000)
    deepEqual(split([encodeFrame(Buffer.from('a')), header.subarray(0, 3)], splitter), ['61'])
    splitter.push(header.subarray(3))
    throws(
      () => splitter.next(),
      (error: unknown) => error instanceof FrameTooLong && error.lengthBytes === length,
    )
  }
})

test('what is kept is bounded by the longest frame and the chunk at hand', () => {
  const splitter = new FrameSplitter(1000)
  const bytes = stream(Array.from({ length: 100 }, () => Buffer.alloc(999)))
  for (let at = 0; at < bytes.length; at += 10) {
    splitter.push(Uint8Array.from(bytes.subarray(at, at + 10)))
    while (splitter.next());
    equal(splitter.pendingBytes < 1004, true)
    equal(splitter.bytes.length <= 4096, true)
  }
})
