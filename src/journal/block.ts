// The bytes of a journal. A segment is a chain of blocks, and a block is what one group commit wrote at once:
//
//   | crc u32 | length u32 | first sequence u64 | entries u32 | crc of the block before u32 | mark u32 | salt u32 | entries …
//   0         4            8                    16            20                            24         28         32
//
// The crc covers everything behind itself, so also the crc of the block before: the blocks form one chain, over segments
// too. Each segment opens with a block without entries, which carries the last crc of the segment before it and the
// segment's salt, a random word repeated in each of its blocks: neither bytes that a client sent nor a block of another
// segment can pass for a block of this one. Entries have one sequence each and lie back to back:
//
//   | body length u32 BE | body …
//   0                    4
//
// which is the very frame that clients receive. All numbers of the block header are little-endian.

import { crc32 } from 'node:zlib'
import { assert } from '../base/assert.ts'

export const JOURNAL_BLOCK_HEADER_BYTES = 32
export const JOURNAL_ENTRY_HEADER_BYTES = 4

/** The largest block, so that one system call writes it. */
export const JOURNAL_BLOCK_BYTES_MAX = 1 << 30

const CRC = 0
const LENGTH = 4
const FIRST_SEQUENCE = 8
const ENTRY_COUNT = 16
const PREVIOUS_CRC = 20
export const MARK = 24
const SALT = 28
assert(SALT + 4 === JOURNAL_BLOCK_HEADER_BYTES)

/** "OEJ" and the version of the layout, in the order of their bytes. */
const BLOCK_MARK = 0x014a454f

const HIGH = 0x1_0000_0000

function putU32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value
  bytes[offset + 1] = value >>> 8
  bytes[offset + 2] = value >>> 16
  bytes[offset + 3] = value >>> 24
}

function getU32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)) >>> 0
}

/** What a block says of itself beside its entries. */
export interface BlockLink {
  firstSequence: number
  entryCount: number
  previousCrc: number
  salt: number
}

/** Fills in the header of the block that lies in [0, end) of `bytes` and returns its crc. */
export function sealBlock(bytes: Uint8Array, end: number, link: BlockLink): number {
  putU32(bytes, LENGTH, end)
  putU32(bytes, FIRST_SEQUENCE, link.firstSequence % HIGH)
  putU32(bytes, FIRST_SEQUENCE + 4, Math.floor(link.firstSequence / HIGH))
  putU32(bytes, ENTRY_COUNT, link.entryCount)
  putU32(bytes, PREVIOUS_CRC, link.previousCrc)
  putU32(bytes, MARK, BLOCK_MARK)
  putU32(bytes, SALT, link.salt)
  const crc = crc32(bytes.subarray(LENGTH, end))
  putU32(bytes, CRC, crc)
  return crc
}

export function blockCrc(bytes: Uint8Array, start: number): number {
  return getU32(bytes, start + CRC)
}

export function blockLength(bytes: Uint8Array, start: number): number {
  return getU32(bytes, start + LENGTH)
}

export function blockFirstSequence(bytes: Uint8Array, start: number): number {
  return getU32(bytes, start + FIRST_SEQUENCE) + getU32(bytes, start + FIRST_SEQUENCE + 4) * HIGH
}

export function blockEntryCount(bytes: Uint8Array, start: number): number {
  return getU32(bytes, start + ENTRY_COUNT)
}

export function blockPreviousCrc(bytes: Uint8Array, start: number): number {
  return getU32(bytes, start + PREVIOUS_CRC)
}

export function blockSalt(bytes: Uint8Array, start: number): number {
  return getU32(bytes, start + SALT)
}

/** True where the header at `start` has the mark of a block and a length that a block can have. */
export function looksLikeBlock(bytes: Uint8Array, start: number): boolean {
  if (getU32(bytes, start + MARK) !== BLOCK_MARK) return false
  const length = blockLength(bytes, start)
  return length >= JOURNAL_BLOCK_HEADER_BYTES && length <= JOURNAL_BLOCK_BYTES_MAX
}

/** True where the whole block of `length` bytes at `start` is as it was sealed. */
export function crcHolds(bytes: Uint8Array, start: number, length: number): boolean {
  return crc32(bytes.subarray(start + LENGTH, start + length)) === blockCrc(bytes, start)
}

/** The eight bytes at `MARK` of every block of a segment with this salt: what a search for blocks looks for. */
export function blockMarkBytes(salt: number): Uint8Array {
  const bytes = new Uint8Array(8)
  putU32(bytes, 0, BLOCK_MARK)
  putU32(bytes, 4, salt)
  return bytes
}

/** Length of the body of the entry at `start`. */
export function entryBodyLength(bytes: Uint8Array, start: number): number {
  return ((bytes[start]! << 24) | (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!) >>> 0
}
