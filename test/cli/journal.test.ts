import { deepEqual, equal, match } from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { JOURNAL_BLOCK_HEADER_BYTES, JOURNAL_ENTRY_HEADER_BYTES } from '../../src/journal/block.ts'
import { JournalWriter } from '../../src/journal/journal-writer.ts'
import { listSegments } from '../../src/journal/segment.ts'
import { bareOes } from './command.ts'

/** A data directory with a journal of so many commits of one small entry each. */
function dataDirectory(context: TestContext, commits: number): { data: string; journal: string } {
  const data = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-cli-'))
  context.after(() => fs.rmSync(data, { recursive: true }))
  const journal = path.join(data, 'journals', 'shard-0')
  fs.mkdirSync(journal, { recursive: true })
  const writer = JournalWriter.open({ directory: journal, durability: 'none', segmentBytes: 1 << 16 })
  const end = JOURNAL_BLOCK_HEADER_BYTES + JOURNAL_ENTRY_HEADER_BYTES + 8
  for (let i = 0; i < commits; i++) {
    const block = new Uint8Array(end)
    new DataView(block.buffer).setUint32(JOURNAL_BLOCK_HEADER_BYTES + 8, 8)
    block.fill(i + 1, end - 8)
    writer.append(block, end, 1)
  }
  writer.close()
  return { data, journal }
}

test('list shows the segments of every journal in a data directory', async context => {
  const { data, journal } = dataDirectory(context, 3)
  const { status, out, err } = await bareOes('journal', 'list', data)
  deepEqual([status, err], [0, ''])
  const [directory, titles, segment] = out.split('\n')
  equal(directory, journal)
  match(titles, /^SEGMENT +FIRST +NEXT +COMMITS +USED +BYTES$/)
  match(segment, /^00000000000000000001\.log +1 +4 +3 +\d+ +65536$/)
})

test('verify tells a whole journal from a damaged one', async context => {
  const { data, journal } = dataDirectory(context, 3)
  deepEqual(await bareOes('journal', 'verify', data), { status: 0, out: `whole  ${journal}: 3 entries.\n`, err: '' })
  const [{ file }] = listSegments(journal)
  const bytes = fs.readFileSync(file)
  bytes[JOURNAL_BLOCK_HEADER_BYTES + JOURNAL_ENTRY_HEADER_BYTES] ^= 1 // inside the first commit, others follow
  fs.writeFileSync(file, bytes)
  const { status, out, err } = await bareOes('journal', 'verify', data)
  equal(status, 1)
  match(out, /^damaged {2}.*: journal damaged at byte \d+ of .*, where sequence 1 is expected: /)
  match(err, /keep a copy of it first\.\n$/)
  const json = await bareOes('journal', 'verify', data, '--json')
  const { isWhole, damage } = JSON.parse(json.out)
  deepEqual([json.status, isWhole, damage.sequence], [1, false, 1])
})

test('a directory without a journal is told', async context => {
  const { journal } = dataDirectory(context, 0)
  for (const { file } of listSegments(journal)) fs.rmSync(file)
  const { status, err } = await bareOes('journal', 'list', journal)
  equal(status, 1)
  match(err, /^oes: There is no journal in .*\n {5}Name the data directory/)
})
