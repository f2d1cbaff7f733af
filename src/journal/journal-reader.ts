// Reads one journal from any sequence on, also while its writer appends and rolls segments: a read ends at the last
// whole block there is, and the next read goes on from there. Nothing is read that the chain of checksums does not prove.

import { assert } from '../base/assert.ts'
import { entryBodyLength, JOURNAL_BLOCK_HEADER_BYTES, JOURNAL_ENTRY_HEADER_BYTES } from './block.ts'
import { JournalDamaged, JournalTrimmed } from './journal-errors.ts'
import { listSegments, segmentFile } from './segment.ts'
import { Rest, SegmentScan } from './segment-scan.ts'

/**
 * Receives one entry: its body is [bodyOffset, bodyOffset + bodyLength) of `bytes`, the entry itself begins at
 * `entryOffset`, and the frame of the body four bytes before it. The bytes are good until the visitor returns.
 */
export type JournalVisitor = (
  sequence: number,
  bytes: Buffer,
  bodyOffset: number,
  bodyLength: number,
  entryOffset: number,
) => void

export interface JournalReadLimits {
  /** Stop after so many entries. */
  readonly entriesMax?: number
  /**
   * Stop before this sequence, which the journal is known to have reached: the writer's `nextSequence` as it published
   * it after a commit. Give it wherever the writer is alive, for without it a read may see a block that is written but
   * not yet durable, and must itself read the rest of the last segment to tell its end from damage.
   */
  readonly untilSequence?: number
}

export class JournalReader {
  readonly directory: string
  #nextSequence: number
  #scan: SegmentScan | undefined
  /** Entries of the current block that were not visited, and where in its bytes the first of them begins. */
  #entriesLeft = 0
  #entryOffset = 0

  /** A reader whose first entry is `fromSequence`. The journal may still be empty, or not exist yet. */
  static open(directory: string, fromSequence: number): JournalReader {
    return new JournalReader(directory, fromSequence)
  }

  private constructor(directory: string, fromSequence: number) {
    assert(Number.isSafeInteger(fromSequence) && fromSequence >= 1, 'journal sequences begin at 1')
    this.directory = directory
    this.#nextSequence = fromSequence
  }

  /** The sequence of the next entry to be visited. */
  get nextSequence(): number {
    return this.#nextSequence
  }

  /** While an entry is visited: the first sequence of its segment, and where in that file the entry begins. */
  get segmentFirstSequence(): number {
    return this.#scan!.firstSequence
  }

  get entryFileOffset(): number {
    const { blockOffset, blockStart } = this.#scan!
    return blockOffset + this.#entryOffset - blockStart
  }

  /**
   * Visits the entries that follow, up to the limits or to the last whole block there is so far. Where the visitor
   * throws, its entry counts as not visited.
   * @returns how many entries were visited.
   * @throws JournalDamaged where the chain breaks before the end of the journal or before `untilSequence`.
   * @throws JournalTrimmed where the next entry was confirmed by every store and deleted.
   */
  read(visitor: JournalVisitor, limits: JournalReadLimits = {}): number {
    const { entriesMax = Number.POSITIVE_INFINITY, untilSequence = Number.POSITIVE_INFINITY } = limits
    let visited = 0
    while (visited < entriesMax && this.#nextSequence < untilSequence) {
      if (this.#entriesLeft === 0 && !this.#enterBlock(untilSequence !== Number.POSITIVE_INFINITY)) break
      const entryOffset = this.#entryOffset
      const end = this.#entryEnd()
      const bodyOffset = entryOffset + JOURNAL_ENTRY_HEADER_BYTES
      visitor(this.#nextSequence, this.#scan!.bytes, bodyOffset, end - bodyOffset, entryOffset)
      this.#leaveEntry(end)
      this.#nextSequence += 1
      visited += 1
    }
    return visited
  }

  close(): void {
    this.#scan?.close()
    this.#scan = undefined
    this.#entriesLeft = 0
  }

  /** Moves into the block that holds the next sequence; false where there is none yet. */
  #enterBlock(isPromised: boolean): boolean {
    do {
      if (!this.#advance(isPromised)) return false
    } while (this.#scan!.nextSequence <= this.#nextSequence)
    const scan = this.#scan!
    this.#entriesLeft = scan.entryCount
    this.#entryOffset = scan.blockStart + JOURNAL_BLOCK_HEADER_BYTES
    for (let sequence = scan.blockFirstSequence; sequence < this.#nextSequence; sequence++) {
      this.#leaveEntry(this.#entryEnd())
    }
    return true
  }

  /** Moves to the next block of the journal, into the next segment where one ends. */
  #advance(isPromised: boolean): boolean {
    this.#scan ??= this.#openFirst(isPromised)
    const scan = this.#scan
    if (scan === undefined) return false
    if (scan.advance()) return true
    const following = this.#following(scan)
    if (following !== undefined) {
      scan.close()
      this.#scan = following
      return this.#advance(isPromised)
    }
    if (!isPromised && !this.#goesOnAfter(scan)) return false
    // More follows; but the writer may have got there since the first look, and segments may have been deleted.
    if (scan.advance()) return true
    const oldest = listSegments(this.directory)[0]?.firstSequence ?? 0
    if (oldest > scan.nextSequence) throw new JournalTrimmed(this.directory, scan.nextSequence, oldest)
    throw scan.damage('no valid block, though the journal goes on')
  }

  /** True where anything valid lies behind the place at which the chain ends. */
  #goesOnAfter(scan: SegmentScan): boolean {
    const last = listSegments(this.directory).at(-1)
    return (last !== undefined && last.firstSequence > scan.nextSequence) || scan.rest() === Rest.Damaged
  }

  /** The segment that holds the next sequence. */
  #openFirst(isPromised: boolean): SegmentScan | undefined {
    for (;;) {
      const segments = listSegments(this.directory)
      const oldest = segments[0]?.firstSequence
      if (oldest === undefined) {
        if (isPromised) throw new JournalDamaged(this.directory, 0, this.#nextSequence, 'there is no segment at all')
        return undefined
      }
      if (oldest > this.#nextSequence) throw new JournalTrimmed(this.directory, this.#nextSequence, oldest)
      const scan = SegmentScan.open(segments.findLast(segment => segment.firstSequence <= this.#nextSequence)!)
      if (scan !== undefined) return scan
      // Deleted since it was listed; the next look finds another one, or says that it is gone.
    }
  }

  /** The segment that goes on where `scan` ends, if there is one. */
  #following(scan: SegmentScan): SegmentScan | undefined {
    // A segment without blocks has the very name its successor would have.
    if (scan.nextSequence === scan.firstSequence) return undefined
    const firstSequence = scan.nextSequence
    const following = SegmentScan.open({ file: segmentFile(this.directory, firstSequence), firstSequence })
    if (following !== undefined && following.previousCrc !== scan.lastCrc) {
      following.close()
      throw new JournalDamaged(following.file, 0, firstSequence, 'the segment does not continue the one before it')
    }
    return following
  }

  /** Where the entry at hand ends; entries fill their block exactly. */
  #entryEnd(): number {
    const scan = this.#scan!
    const bodyOffset = this.#entryOffset + JOURNAL_ENTRY_HEADER_BYTES
    const end =
      bodyOffset <= scan.blockEnd ? bodyOffset + entryBodyLength(scan.bytes, this.#entryOffset) : scan.blockEnd + 1
    if (this.#entriesLeft === 1 ? end !== scan.blockEnd : end > scan.blockEnd) {
      const offset = scan.blockOffset + this.#entryOffset - scan.blockStart
      throw new JournalDamaged(scan.file, offset, this.#nextSequence, 'the entries do not fill their block')
    }
    return end
  }

  #leaveEntry(end: number): void {
    this.#entryOffset = end
    this.#entriesLeft -= 1
  }
}
