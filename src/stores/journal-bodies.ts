// Reads bodies of entries back from a journal, by the places at which an index has found them. Windows of the segments
// that were read lately stay in memory, so that entries near each other are one read; nothing is read that the index has
// not proved by the chain of checksums, since a block on its way to the disk may be there in part.

import fs from 'node:fs'
import { entryBodyLength, JOURNAL_ENTRY_HEADER_BYTES } from '../journal/block.ts'
import { JournalDamaged, JournalTrimmed } from '../journal/journal-errors.ts'
import { listSegments, readAt, segmentFile, unlessMissing } from '../journal/segment.ts'
import { accountAt, EventOffset, reportSequenceAt } from '../protocol/order-events.ts'

/** What the index knows of the segments, in the order in which it went through them. */
export interface ProvedSegments {
  readonly directory: string
  /** First sequences of the segments. */
  readonly segments: readonly number[]
  /** What lies before this offset in the last of them has been proved; all of the others has. */
  readonly provedBytes: number
}

/** A place is a segment's number and the offset of an entry in it: exact up to segments of 64 GiB, 131,072 of them. */
const SEGMENT_UNIT = 2 ** 36

export function placeOf(segment: number, offset: number): number {
  return segment * SEGMENT_UNIT + offset
}

const WINDOW_BYTES = 1 << 14
const WINDOWS_MAX = 64
const FILES_MAX = 8

interface Window {
  readonly bytes: Buffer
  /** Bytes that were proved when it was read. */
  readonly end: number
}

export class JournalBodies {
  readonly #proved: ProvedSegments
  /** Both in the order of their last use. */
  readonly #windows = new Map<number, Window>()
  readonly #files = new Map<number, number>()
  #scratch = Buffer.allocUnsafeSlow(WINDOW_BYTES)
  /** The body read last is [start, end) of `bytes`, good until the next is read. */
  bytes: Buffer = this.#scratch
  start = 0
  end = 0

  constructor(proved: ProvedSegments) {
    this.#proved = proved
  }

  /**
   * Reads the body of the entry at `place`, which is that report of that account.
   * @throws JournalTrimmed where the segment was deleted; JournalDamaged where something else lies there.
   */
  read(place: number, account: number, reportSequence: number): void {
    const segment = Math.floor(place / SEGMENT_UNIT)
    const offset = place - segment * SEGMENT_UNIT
    const windowNumber = Math.floor(offset / WINDOW_BYTES)
    const window = this.#window(segment, windowNumber)
    const at = offset - windowNumber * WINDOW_BYTES
    if (!this.#takeFrom(window.bytes, at, window.end)) this.#readAlone(segment, offset)
    const { bytes, start } = this
    const isMeant =
      this.end - start >= EventOffset.reportSequence + 8 &&
      accountAt(bytes, start) === account &&
      reportSequenceAt(bytes, start) === reportSequence
    if (!isMeant) throw this.#damage(segment, offset)
  }

  close(): void {
    for (const fd of this.#files.values()) fs.closeSync(fd)
    this.#files.clear()
    this.#windows.clear()
  }

  /** Takes the body of the entry at `at` where all of it lies before `end`. */
  #takeFrom(bytes: Buffer, at: number, end: number): boolean {
    const start = at + JOURNAL_ENTRY_HEADER_BYTES
    if (start > end) return false
    const bodyEnd = start + entryBodyLength(bytes, at)
    if (bodyEnd > end) return false
    this.bytes = bytes
    this.start = start
    this.end = bodyEnd
    return true
  }

  /** An entry that no window has whole. */
  #readAlone(segment: number, offset: number): void {
    const fd = this.#open(segment)
    let got = readAt(fd, this.#scratch, WINDOW_BYTES, offset)
    if (this.#takeFrom(this.#scratch, 0, got)) return
    const length = got < JOURNAL_ENTRY_HEADER_BYTES ? 0 : JOURNAL_ENTRY_HEADER_BYTES + entryBodyLength(this.#scratch, 0)
    if (length > fs.fstatSync(fd).size - offset) throw this.#damage(segment, offset)
    if (length > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(length)
    got = readAt(fd, this.#scratch, length, offset)
    if (!this.#takeFrom(this.#scratch, 0, got)) throw this.#damage(segment, offset)
  }

  #window(segment: number, windowNumber: number): Window {
    const key = segment * (SEGMENT_UNIT / WINDOW_BYTES) + windowNumber
    const start = windowNumber * WINDOW_BYTES
    const { segments, provedBytes } = this.#proved
    const proved = segment === segments.length - 1 ? Math.min(WINDOW_BYTES, provedBytes - start) : WINDOW_BYTES
    let window = this.#windows.get(key)
    this.#windows.delete(key)
    if (window === undefined || window.end < proved) {
      const bytes = window?.bytes ?? this.#oldestWindow() ?? Buffer.allocUnsafeSlow(WINDOW_BYTES)
      const got = readAt(this.#open(segment), bytes, WINDOW_BYTES, start)
      // Behind the end of its segment nothing more comes.
      bytes.fill(0, got)
      window = { bytes, end: proved }
    }
    this.#windows.set(key, window)
    return window
  }

  #oldestWindow(): Buffer | undefined {
    if (this.#windows.size < WINDOWS_MAX) return undefined
    const [key, window] = this.#windows.entries().next().value!
    this.#windows.delete(key)
    return window.bytes
  }

  #open(segment: number): number {
    let fd = this.#files.get(segment)
    this.#files.delete(segment)
    if (fd === undefined) {
      if (this.#files.size >= FILES_MAX) {
        const [oldest, oldestFd] = this.#files.entries().next().value!
        fs.closeSync(oldestFd)
        this.#files.delete(oldest)
      }
      const { directory } = this.#proved
      const firstSequence = this.#proved.segments[segment]!
      fd = unlessMissing(() => fs.openSync(segmentFile(directory, firstSequence), 'r'))
      if (fd === undefined) {
        throw new JournalTrimmed(directory, firstSequence, listSegments(directory)[0]?.firstSequence ?? 0)
      }
    }
    this.#files.set(segment, fd)
    return fd
  }

  #damage(segment: number, offset: number): JournalDamaged {
    const { directory, segments } = this.#proved
    const file = segmentFile(directory, segments[segment]!)
    return new JournalDamaged(file, offset, segments[segment]!, 'an entry is not there any more')
  }
}
