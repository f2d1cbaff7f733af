// A shard's way to the disk: blocks go into its journal, and whoever copies the journal is told how far it is durable.
// A block is written at once, or handed to the committing thread while the shard goes on judging.

import { getSystemErrorName } from 'node:util'
import type { JournalWriter } from '../journal/journal-writer.ts'
import type { CommitSlot } from '../shared-memory/commit-slot.ts'
import type { WriterShared } from '../shared-memory/writer-shared.ts'
import type { BlockSink } from './duty-cycle.ts'

export class JournalSink implements BlockSink {
  readonly #journal: JournalWriter
  readonly #writer: WriterShared
  /** The journal's number in the writer's memory. */
  readonly #number: number
  readonly #slot: CommitSlot | undefined

  /** @param slot to the committing thread; without one, every block is written at once. */
  constructor(journal: JournalWriter, writer: WriterShared, number: number, slot: CommitSlot | undefined) {
    this.#journal = journal
    this.#writer = writer
    this.#number = number
    this.#slot = slot
    this.#tell()
  }

  append(block: Uint8Array, end: number, entries: number): void {
    this.#journal.append(block, end, entries)
    this.#tell()
  }

  begin(block: Uint8Array, end: number, entries: number): boolean {
    if (this.#slot === undefined || end > this.#slot.blockBytesMax) return false
    const offset = this.#journal.place(block, end, entries)
    this.#slot.request(block, end, this.#journal.fd, offset)
    return true
  }

  get isDone(): boolean {
    return this.#slot!.isFree
  }

  finish(): number {
    const { errno, durationUs } = this.#slot!
    if (errno !== 0) throw this.#journal.fail(Object.assign(new Error(), { code: getSystemErrorName(errno) }))
    this.#tell()
    return durationUs
  }

  /** Ends the committing thread and closes the journal; a block on its way is let go there first. */
  close(): void {
    this.#slot?.waitUntilFree()
    this.#slot?.end()
    this.#journal.close()
  }

  #tell(): void {
    this.#writer.publishDurable(this.#number, this.#journal.nextSequence)
  }
}
