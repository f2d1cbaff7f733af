// Walks the blocks of one segment in order and accepts only those that continue the chain. Where no such block follows,
// it tells a segment that ends there from a torn tail and from damage. The segment may be growing while it is walked.

import fs from 'node:fs'
import {
  blockCrc,
  blockEntryCount,
  blockFirstSequence,
  blockLength,
  blockMarkBytes,
  blockPreviousCrc,
  blockSalt,
  crcHolds,
  JOURNAL_BLOCK_HEADER_BYTES,
  looksLikeBlock,
  MARK,
} from './block.ts'
import { JournalDamaged } from './journal-errors.ts'
import { readAt, type SegmentFile, unlessMissing, ZEROS } from './segment.ts'

/** What lies behind the last valid block of a segment. */
export const Rest = {
  /** Zeros only: the segment ends here so far. */
  Empty: 'empty',
  /** Bytes, but no valid block among them: a commit was interrupted. */
  Torn: 'torn',
  /** A valid block further on: something in between was lost or changed. */
  Damaged: 'damaged',
} as const
export type Rest = (typeof Rest)[keyof typeof Rest]

/** Where an unfinished commit begins, and the sequence its first entry would have had; the next entry gets it instead. */
export interface TornTail {
  readonly file: string
  readonly offset: number
  readonly sequence: number
}

// At the tail, where one block comes at a time, little is read at once; running through a segment, more and more.
const READ_BYTES_MIN = 1 << 16
const READ_BYTES_MAX = 1 << 20

export class SegmentScan {
  readonly file: string
  readonly firstSequence: number
  /** Last crc of the segment before this one; 0 in the first segment of a journal. */
  readonly previousCrc: number
  readonly salt: number

  /** The current block is [blockStart, blockEnd) of `bytes`; valid until the next `advance`. */
  bytes = Buffer.allocUnsafeSlow(READ_BYTES_MIN)
  blockStart = 0
  blockEnd = 0
  /** Where the current block begins in the file. */
  blockOffset = 0
  blockFirstSequence: number
  entryCount = 0

  /** Behind the last accepted block: where in the file, from which sequence and which crc the chain goes on. */
  offset = 0
  nextSequence: number
  lastCrc = 0

  readonly #fd: number
  #windowOffset = 0
  #windowBytes = 0
  #readBytes = READ_BYTES_MIN

  /** Opens a segment and checks the block it opens with; undefined where there is no such file. */
  static open(segment: SegmentFile): SegmentScan | undefined {
    const fd = unlessMissing(() => fs.openSync(segment.file, 'r'))
    if (fd === undefined) return undefined
    try {
      return new SegmentScan(fd, segment)
    } catch (error) {
      fs.closeSync(fd)
      throw error
    }
  }

  private constructor(fd: number, segment: SegmentFile) {
    this.#fd = fd
    this.file = segment.file
    this.firstSequence = segment.firstSequence
    this.nextSequence = segment.firstSequence
    this.blockFirstSequence = segment.firstSequence
    this.#fill(READ_BYTES_MIN)
    const { bytes } = this
    if (
      this.#windowBytes < JOURNAL_BLOCK_HEADER_BYTES ||
      !looksLikeBlock(bytes, 0) ||
      blockLength(bytes, 0) !== JOURNAL_BLOCK_HEADER_BYTES ||
      !crcHolds(bytes, 0, JOURNAL_BLOCK_HEADER_BYTES) ||
      blockEntryCount(bytes, 0) !== 0 ||
      blockFirstSequence(bytes, 0) !== segment.firstSequence
    ) {
      throw new JournalDamaged(segment.file, 0, segment.firstSequence, 'no segment of this version opens here')
    }
    this.previousCrc = blockPreviousCrc(bytes, 0)
    this.salt = blockSalt(bytes, 0)
    this.lastCrc = blockCrc(bytes, 0)
    this.offset = JOURNAL_BLOCK_HEADER_BYTES
  }

  /** Moves to the next block; false where none (or none yet) continues the chain. */
  advance(): boolean {
    if (this.#accept()) return true
    // The window ends before the block does, or it is older than the block.
    this.#readBytes = this.#isUsedUp() ? Math.min(this.#readBytes * 2, READ_BYTES_MAX) : READ_BYTES_MIN
    this.#fill(this.#readBytes)
    if (this.#accept()) return true
    const length = this.#lengthBeyondWindow()
    if (length === 0) return false
    this.#fill(length)
    return this.#accept()
  }

  /** What lies behind the last accepted block; reads the rest of the segment. */
  rest(): Rest {
    const chunk = Buffer.allocUnsafeSlow(READ_BYTES_MAX)
    const mark = blockMarkBytes(this.salt)
    let rest: Rest = Rest.Empty
    for (let offset = this.offset; ; ) {
      const got = readAt(this.#fd, chunk, chunk.length, offset)
      if (!isZero(chunk, got)) {
        rest = Rest.Torn
        const found = chunk.subarray(0, got)
        for (let at = found.indexOf(mark, 0); at >= 0; at = found.indexOf(mark, at + 1)) {
          if (this.#isBlockAt(offset + at - MARK)) return Rest.Damaged
        }
      }
      if (got < chunk.length) return rest
      // Chunks overlap, so that a mark across their border is found.
      offset += got - mark.length
    }
  }

  /** The place behind the last accepted block. */
  get tail(): TornTail {
    return { file: this.file, offset: this.offset, sequence: this.nextSequence }
  }

  /** Size of the segment's file, preallocated room included. */
  get fileBytes(): number {
    return fs.fstatSync(this.#fd).size
  }

  /** Error for the place where the chain breaks. */
  damage(what: string): JournalDamaged {
    return new JournalDamaged(this.file, this.offset, this.nextSequence, what)
  }

  close(): void {
    fs.closeSync(this.#fd)
  }

  /** Accepts the block at `offset` if it lies whole in the window and continues the chain. */
  #accept(): boolean {
    const { bytes } = this
    const start = this.offset - this.#windowOffset
    const available = this.#windowBytes - start
    if (available < JOURNAL_BLOCK_HEADER_BYTES || !this.#continuesChain(start)) return false
    const length = blockLength(bytes, start)
    if (length > available || !crcHolds(bytes, start, length)) return false
    this.blockStart = start
    this.blockEnd = start + length
    this.blockOffset = this.offset
    this.blockFirstSequence = this.nextSequence
    this.entryCount = blockEntryCount(bytes, start)
    this.offset += length
    this.nextSequence += this.entryCount
    this.lastCrc = blockCrc(bytes, start)
    return true
  }

  /** True where the header at `start` follows the last accepted block, whose crc covers the salt. */
  #continuesChain(start: number): boolean {
    const { bytes } = this
    return (
      looksLikeBlock(bytes, start) &&
      blockPreviousCrc(bytes, start) === this.lastCrc &&
      blockFirstSequence(bytes, start) === this.nextSequence &&
      blockEntryCount(bytes, start) > 0
    )
  }

  /** True where the window was full and nothing in it is left but the beginning of a block. */
  #isUsedUp(): boolean {
    const start = this.offset - this.#windowOffset
    const isPart = this.#windowBytes - start < JOURNAL_BLOCK_HEADER_BYTES || this.#continuesChain(start)
    return isPart && this.#windowBytes >= this.#readBytes
  }

  /** Length of the block at the front of the window where it is longer than the window and fits in the file, else 0. */
  #lengthBeyondWindow(): number {
    if (this.#windowBytes < JOURNAL_BLOCK_HEADER_BYTES || !this.#continuesChain(0)) return 0
    const length = blockLength(this.bytes, 0)
    return length > this.#windowBytes && this.offset + length <= this.fileBytes ? length : 0
  }

  /** Reads `length` bytes from `offset` on into the window. */
  #fill(length: number): void {
    if (length > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(length)
    this.#windowOffset = this.offset
    this.#windowBytes = readAt(this.#fd, this.bytes, length, this.offset)
  }

  /** True where a whole block of this segment lies at `offset`, whatever it continues. */
  #isBlockAt(offset: number): boolean {
    if (offset < this.offset) return false
    const header = Buffer.alloc(JOURNAL_BLOCK_HEADER_BYTES)
    if (readAt(this.#fd, header, header.length, offset) < header.length || !looksLikeBlock(header, 0)) return false
    const length = blockLength(header, 0)
    if (offset + length > this.fileBytes) return false
    const block = Buffer.allocUnsafeSlow(length)
    return readAt(this.#fd, block, length, offset) === length && crcHolds(block, 0, length)
  }
}

function isZero(bytes: Buffer, length: number): boolean {
  return bytes.compare(ZEROS, 0, length, 0, length) === 0
}
