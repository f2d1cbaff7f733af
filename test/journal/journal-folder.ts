// A journal in a folder of its own for one test, with entries short enough to be compared as text.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { JOURNAL_BLOCK_HEADER_BYTES, JOURNAL_ENTRY_HEADER_BYTES } from '../../src/journal/block.ts'
import { JournalReader, type JournalReadLimits } from '../../src/journal/journal-reader.ts'
import { JournalWriter } from '../../src/journal/journal-writer.ts'

/** One entry as a test sees it: its sequence and its body. */
export type Entry = [sequence: number, body: string]

export function temporaryFolder(context: Pick<TestContext, 'after'>): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'journal-'))
  context.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A block buffer that holds `bodies`, its header still empty. */
export function blockOf(bodies: readonly string[]): Buffer {
  const entries = bodies.map(body => {
    const header = Buffer.alloc(JOURNAL_ENTRY_HEADER_BYTES)
    header.writeUInt32BE(Buffer.byteLength(body))
    return Buffer.concat([header, Buffer.from(body)])
  })
  return Buffer.concat([Buffer.alloc(JOURNAL_BLOCK_HEADER_BYTES), ...entries])
}

export function append(writer: JournalWriter, ...bodies: string[]): number {
  const block = blockOf(bodies)
  return writer.append(block, block.length, bodies.length)
}

export function openWriter(directory: string, segmentBytes = 4096): JournalWriter {
  return JournalWriter.open({ directory, durability: 'none', segmentBytes })
}

export function readOn(reader: JournalReader, limits?: JournalReadLimits): Entry[] {
  const entries: Entry[] = []
  reader.read((sequence, bytes, bodyOffset, bodyLength) => {
    entries.push([sequence, bytes.toString('utf8', bodyOffset, bodyOffset + bodyLength)])
  }, limits)
  return entries
}

export function readAll(directory: string, fromSequence = 1, limits?: JournalReadLimits): Entry[] {
  const reader = JournalReader.open(directory, fromSequence)
  try {
    return readOn(reader, limits)
  } finally {
    reader.close()
  }
}

/** The names in a folder, sorted. */
export function namesIn(directory: string): string[] {
  return fs.readdirSync(directory).sort()
}

export function segmentName(firstSequence: number): string {
  return `${String(firstSequence).padStart(20, '0')}.log`
}

/** What `attempt` throws; fails where it does not. */
export function thrownBy(attempt: () => unknown): unknown {
  try {
    attempt()
  } catch (error) {
    return error
  }
  throw new Error('expected an error')
}
