import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { JournalReader } from '../../src/journal/journal-reader.ts'
import { SegmentKeeper } from '../../src/journal/segment-keeper.ts'
import { verifyJournal } from '../../src/journal/verify.ts'
import { append, type Entry, openWriter, readAll, readOn } from './journal-folder.ts'

const body = fc.string({ maxLength: 60 })
const bodies = fc.array(body, { minLength: 1, maxLength: 6 })
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('append' as const), bodies }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('read' as const), entriesMax: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('reopen' as const), segmentBytes: fc.integer({ min: 40, max: 600 }) }),
  },
  {
    weight: 2,
    // The process is killed in the middle of a commit, of which a part and some garbage reached the disk.
    arbitrary: fc.record({
      kind: fc.constant('kill' as const),
      bodies,
      kept: fc.double({ min: 0, max: 0.99, noNaN: true }),
      garbage: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tend' as const) }) },
)

test('whatever is appended, rolled, reopened, torn and deleted, the journal is the list of what was appended', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
      const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'journal-model-'))
      const twin: Entry[] = []
      const tail: Entry[] = []
      let writer = openWriter(directory, 300)
      let tailReader = JournalReader.open(directory, 1)
      const remember = (first: number, bodies: readonly string[]) => {
        for (const [i, body] of bodies.entries()) twin.push([first + i, body])
      }
      try {
        for (const step of steps) {
          switch (step.kind) {
            case 'append':
              remember(append(writer, ...step.bodies), step.bodies)
              break
            case 'read':
              tail.push(...readOn(tailReader, { entriesMax: step.entriesMax, untilSequence: writer.nextSequence }))
              assert.deepEqual(tail, twin.slice(0, tail.length))
              break
            case 'reopen':
              writer.close()
              writer = openWriter(directory, step.segmentBytes)
              assert.equal(writer.repaired, undefined)
              break
            case 'kill': {
              const next = writer.nextSequence
              append(writer, ...step.bodies)
              writer.close()
              tearLastBlock(directory, step.kept, step.garbage)
              const reader = JournalReader.open(directory, tailReader.nextSequence)
              tailReader.close()
              tailReader = reader
              writer = openWriter(directory, 300)
              assert.equal(writer.nextSequence, next)
              break
            }
            case 'tend': {
              const keeper = new SegmentKeeper({ directory, durability: 'none', segmentBytes: 300, spares: 1 })
              keeper.confirm(tail.length)
              assert.equal((await keeper.tend(false)).failure, undefined)
              break
            }
          }
          assert.equal(writer.nextSequence, twin.length + 1)
        }
        tail.push(...readOn(tailReader))
        assert.deepEqual(tail, twin)
        const oldest = verifyJournal(directory).segments[0]!.firstSequence
        assert.deepEqual(readAll(directory, oldest), twin.slice(oldest - 1))
      } finally {
        tailReader.close()
        writer.close()
        fs.rmSync(directory, { recursive: true })
      }
    }),
    { numRuns: 150 },
  )
})

/** Takes the end of the last block back: a share of it stays, the rest is zeros or garbage. */
function tearLastBlock(directory: string, kept: number, garbage: boolean): void {
  let last: { file: string; offset: number; bytes: number } | undefined
  verifyJournal(directory, block => {
    last = block
  })
  assert(last !== undefined)
  const bytes = fs.readFileSync(last.file)
  const from = last.offset + Math.floor(last.bytes * kept)
  bytes.fill(garbage ? 0xa5 : 0, from, last.offset + last.bytes)
  // A tail that happened to be zeros would not be torn.
  bytes[last.offset] = bytes[last.offset]! ^ 0x5a
  fs.writeFileSync(last.file, bytes)
}
