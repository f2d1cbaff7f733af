// Appending to a journal: a block as a busy shard commits it, and one as a lone order causes it.

import { equal } from 'node:assert/strict'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { JOURNAL_BLOCK_HEADER_BYTES } from '../../src/journal/block.ts'
import { JournalReader } from '../../src/journal/journal-reader.ts'
import { JournalWriter } from '../../src/journal/journal-writer.ts'
import { Durability } from '../../src/journal/segment.ts'
import { MessageWriter } from '../../src/protocol/message-writer.ts'
import { encodeAccepted, encodeReport } from '../../src/protocol/order-events.ts'
import { acceptedFields, filledFields } from './codec-cases.ts'
import type { MicroCase } from './suite.ts'

const SEGMENT_BYTES = 64 << 20
const REPORTS_PER_ORDER = 3

export interface JournalCase extends MicroCase {
  /** Closes the journal and removes it. */
  readonly end: () => void
}

/** Cases that write into `directory`, one at a time. */
export function journalCases(directory: string): (() => JournalCase)[] {
  return [
    () => journalCase(directory, 128, Durability.Os),
    () => journalCase(directory, 128, Durability.Fsync),
    () => journalCase(directory, 1, Durability.Fsync),
  ]
}

function journalCase(parent: string, orders: number, durability: Durability): JournalCase {
  const directory = path.join(parent, `${durability}-${orders}`)
  const journal = JournalWriter.open({ directory, durability, segmentBytes: SEGMENT_BYTES })
  const block = new MessageWriter(1 << 20, 1 << 20)
  block.position = JOURNAL_BLOCK_HEADER_BYTES
  for (let order = 0; order < orders; order++) {
    encodeAccepted(block, acceptedFields())
    encodeReport(block, filledFields())
    encodeReport(block, filledFields())
  }
  const entries = REPORTS_PER_ORDER * orders
  let appended = 0
  return {
    name: `journal: append ${orders === 1 ? 'one order' : `${orders} orders`} of three reports, ${durability}; per order`,
    perRun: orders,
    run: () => {
      journal.append(block.bytes, block.position, entries)
      appended += 1
    },
    prove: () => {
      const reader = JournalReader.open(directory, 1)
      equal(
        reader.read(() => {}),
        entries * appended,
      )
      reader.close()
    },
    end: () => {
      journal.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
