import { deepEqual, throws } from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { JournalDamaged } from '../../src/journal/journal-errors.ts'
import { journalRange } from '../../src/journal/journal-range.ts'
import { listSegments } from '../../src/journal/segment.ts'
import { generateHistory, Random, temporaryFolder, writeJournal } from '../stores/generated-history.ts'

test('a journal goes from its oldest entry to the last whole one; one that has not begun ends where it will begin', t => {
  const folder = temporaryFolder(t)
  const directory = path.join(folder, 'shard-0')
  deepEqual(journalRange(directory), { first: undefined, next: 1 })
  fs.mkdirSync(directory)
  deepEqual(journalRange(directory), { first: undefined, next: 1 })
  const random = new Random(7)
  writeJournal(directory, generateHistory(random, { accounts: [1], events: 700 }), random)
  deepEqual(journalRange(directory), { first: 1, next: 701 })
  const [oldest, second] = listSegments(directory)
  fs.rmSync(oldest!.file)
  deepEqual(journalRange(directory), { first: second!.firstSequence, next: 701 })
})

test('a torn tail does not count, damage before it is told', t => {
  const directory = path.join(temporaryFolder(t), 'shard-0')
  const random = new Random(8)
  writeJournal(directory, generateHistory(random, { accounts: [1], events: 20 }), random)
  const file = listSegments(directory)[0]!.file
  const bytes = fs.readFileSync(file)
  const end = bytes.findLastIndex(byte => byte !== 0)
  bytes[end + 40] = 1
  fs.writeFileSync(file, bytes)
  deepEqual(journalRange(directory), { first: 1, next: 21 })
  bytes[300]! ^= 1
  fs.writeFileSync(file, bytes)
  throws(() => journalRange(directory), JournalDamaged)
})
