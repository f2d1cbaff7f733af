// Appends to one journal: the one writer of its segments. A commit is one block, one system call, and durable when
// `append` returns. Opening finds the end of what an earlier process left and repairs a tail that it tore.

import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { assert } from '../base/assert.ts'
import { type BlockLink, JOURNAL_BLOCK_BYTES_MAX, JOURNAL_BLOCK_HEADER_BYTES, sealBlock } from './block.ts'
import { JournalFailed } from './journal-errors.ts'
import {
  Durability,
  listSegments,
  listSpares,
  preallocate,
  SEGMENT_UNDER_CONSTRUCTION_NAME,
  segmentFile,
  spareFile,
  syncDirectory,
  writeAt,
  ZEROS,
} from './segment.ts'
import { Rest, SegmentScan, type TornTail } from './segment-scan.ts'

export interface JournalWriterOptions {
  /** The journal's own directory; made where it does not exist. */
  readonly directory: string
  readonly durability: Durability
  /** Size of a new segment; a larger block gets a segment of its own size. */
  readonly segmentBytes: number
  /** The first sequence of a journal that has not begun yet; 1 where left out. */
  readonly firstSequence?: number | undefined
}

export class JournalWriter {
  readonly directory: string
  readonly durability: Durability
  /** The tail that opening cleared, if any: a commit that an earlier process did not finish, so nobody was told of it. */
  readonly repaired: TornTail | undefined

  readonly #segmentBytes: number
  #file = ''
  #fd = -1
  /** Where the next block goes, and the size of the segment. */
  #offset = 0
  #size = 0
  /** What the next block says of itself; one object for all blocks. */
  readonly #link: BlockLink = { firstSequence: 1, entryCount: 0, previousCrc: 0, salt: 0 }
  #failure: JournalFailed | undefined

  /**
   * Opens the journal for appending, or begins one in an empty or missing directory. Only the last
   * segment is read; the others are checked by whoever reads them.
   * @throws JournalDamaged where the last segment is damaged before its tail.
   * @throws JournalFailed where the directory or a segment cannot be written.
   */
  static open(options: JournalWriterOptions): JournalWriter {
    return new JournalWriter(options)
  }

  private constructor(options: JournalWriterOptions) {
    assert(options.segmentBytes > JOURNAL_BLOCK_HEADER_BYTES && (options.firstSequence ?? 1) >= 1)
    this.directory = options.directory
    this.durability = options.durability
    this.#segmentBytes = options.segmentBytes
    this.#attempt('creating', options.directory, () => {
      const made = fs.mkdirSync(options.directory, { recursive: true })
      if (made !== undefined && this.#syncsSegments) syncDirectory(path.dirname(made))
    })
    const last = listSegments(options.directory).at(-1)
    if (last === undefined) {
      this.repaired = undefined
      this.#link.firstSequence = options.firstSequence ?? 1
      this.#beginSegment()
      return
    }
    const scan = SegmentScan.open(last)
    assert(scan !== undefined, 'a segment vanished while its journal was opened')
    try {
      while (scan.advance()) {}
      const rest = scan.rest()
      if (rest === Rest.Damaged) throw scan.damage('the block here is not valid, and valid ones follow')
      this.repaired = rest === Rest.Torn ? scan.tail : undefined
      this.#file = last.file
      this.#offset = scan.offset
      this.#link.firstSequence = scan.nextSequence
      this.#link.previousCrc = scan.lastCrc
      this.#link.salt = scan.salt
    } finally {
      scan.close()
    }
    this.#attempt('opening', last.file, () => this.#openSegment(last.file))
    this.#attempt('repairing', last.file, () => {
      if (this.repaired) this.#clearRest()
      // The blocks found valid may have been on their way to the disk when the process that wrote them ended.
      if (this.durability === Durability.Fsync) fs.fdatasyncSync(this.#fd)
    })
  }

  /** The sequence that the next entry will get. */
  get nextSequence(): number {
    return this.#link.firstSequence
  }

  /**
   * Commits one block at once: `count` entries that lie back to back in [JOURNAL_BLOCK_HEADER_BYTES, end) of `block`; the bytes
   * before them are filled in here. When it returns, the block is as durable as the journal's mode says. A failure is
   * final: what reached the disk is known only to the next open, so this writer takes nothing more.
   * @returns the sequence of the first entry.
   * @throws JournalFailed where the block could not be written; every later call throws the same.
   */
  append(block: Uint8Array, end: number, count: number): number {
    const offset = this.place(block, end, count)
    try {
      writeAt(this.#fd, block, end, offset)
    } catch (error) {
      throw this.fail(error)
    }
    return this.nextSequence - count
  }

  /**
   * The first half of a commit whose bytes another thread writes: seals the block as `append` does and says where in the
   * open file `fd` it belongs. The next block may be placed once this one is written; if it cannot be, call `fail`.
   * @returns the offset of the block in the file.
   * @throws JournalFailed where no segment can be begun, and after any failure.
   */
  place(block: Uint8Array, end: number, count: number): number {
    if (this.#failure) throw this.#failure
    assert(this.#fd >= 0, 'append to a journal that was closed')
    assert(count > 0 && end > JOURNAL_BLOCK_HEADER_BYTES && end <= block.length && end <= JOURNAL_BLOCK_BYTES_MAX)
    // A block larger than a whole segment extends an empty one.
    if (this.#offset + end > this.#size && this.#offset > JOURNAL_BLOCK_HEADER_BYTES) this.#beginSegment()
    const link = this.#link
    link.entryCount = count
    link.previousCrc = sealBlock(block, end, link)
    link.firstSequence += count
    const offset = this.#offset
    this.#offset += end
    return offset
  }

  /** The open segment. */
  get fd(): number {
    return this.#fd
  }

  /** A placed block could not be written: this writer takes nothing more. */
  fail(error: unknown): JournalFailed {
    this.#failure = new JournalFailed(this.#file, 'writing', error)
    return this.#failure
  }

  /** Closes the segment; what was appended stays as durable as it was. */
  close(): void {
    if (this.#fd < 0) return
    const fd = this.#fd
    this.#fd = -1
    fs.closeSync(fd)
  }

  get #syncsSegments(): boolean {
    return this.durability !== Durability.None
  }

  /**
   * Goes on in a new segment: a spare, or one made now. The segment is whole, with its first block, before it gets
   * its name, so a segment that has a name always opens.
   */
  #beginSegment(): void {
    const link = this.#link
    const file = segmentFile(this.directory, link.firstSequence)
    this.#attempt('creating', file, () => {
      this.close()
      const source = this.#takeSpare() ?? this.#makeSegment()
      const opening = new Uint8Array(JOURNAL_BLOCK_HEADER_BYTES)
      link.entryCount = 0
      link.salt = randomBytes(4).readUInt32LE()
      const crc = sealBlock(opening, opening.length, link)
      writeAt(this.#fd, opening, opening.length, 0)
      if (this.durability === Durability.Os) fs.fdatasyncSync(this.#fd)
      fs.renameSync(source, file)
      if (this.#syncsSegments) syncDirectory(this.directory)
      link.previousCrc = crc
      this.#offset = opening.length
      this.#file = file
    })
  }

  #takeSpare(): string | undefined {
    const [number] = listSpares(this.directory)
    if (number === undefined) return undefined
    const spare = spareFile(this.directory, number)
    this.#openSegment(spare)
    return spare
  }

  #makeSegment(): string {
    const file = path.join(this.directory, SEGMENT_UNDER_CONSTRUCTION_NAME)
    preallocate(file, this.#segmentBytes, this.#syncsSegments)
    this.#openSegment(file)
    return file
  }

  #openSegment(file: string): void {
    const { O_RDWR, O_DSYNC } = fs.constants
    this.#fd = fs.openSync(file, this.durability === Durability.Fsync ? O_RDWR | O_DSYNC : O_RDWR)
    this.#size = fs.fstatSync(this.#fd).size
  }

  /** Writes zeros from the end of the chain to the end of the segment. */
  #clearRest(): void {
    for (let offset = this.#offset; offset < this.#size; ) {
      const length = Math.min(ZEROS.length, this.#size - offset)
      writeAt(this.#fd, ZEROS, length, offset)
      offset += length
    }
  }

  /** Does something to the files as a whole; where that fails, the journal is at its end. */
  #attempt(doing: string, file: string, action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#failure = new JournalFailed(file, doing, error)
      this.close()
      throw this.#failure
    }
  }
}
