// Memory in small pages of numbers, of which only so many are in memory: the rest lies in a file without a name, which
// the system removes when it is closed. What is kept in pages may grow for as long as it likes, and costs memory up to a
// bound; what was not used for long is read back when it is asked for.
//
//   page    160 doubles, or as many words of 32 bits twice over; what they mean is the user's business
//   frame   a place in memory for one page; frames lie together in slabs, allocated as they are needed
//
// A page costs four bytes of memory while it is in the file.

import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { assert } from '../base/assert.ts'
import { codeOf } from '../journal/journal-errors.ts'
import { StoreUnavailable } from './order-store.ts'

export const PAGE_DOUBLES = 160
export const PAGE_WORDS = 2 * PAGE_DOUBLES
export const PAGE_BYTES = 8 * PAGE_DOUBLES

const FRAMES_PER_SLAB = 512
const SLAB_SHIFT = 9
const FRAME_MASK = FRAMES_PER_SLAB - 1
assert(1 << SLAB_SHIFT === FRAMES_PER_SLAB)
/** A handful of pages is in use at once; fewer frames would have them push each other out for every number. */
const FRAMES_MIN = 64
const NONE = -1

export interface PagePoolOptions {
  /** Most memory for pages, in bytes; at least 64 pages are kept. */
  readonly bytesMax: number
  /** Where pages go for which there is no room. */
  readonly spillDirectory?: string
}

export class PagePool {
  readonly #framesMax: number
  readonly #spillDirectory: string
  #fd: number | undefined
  #doubles: Float64Array[] = []
  #words: Uint32Array[] = []
  #bytes: Uint8Array[] = []
  #frameCount = 0
  #freeFrames: number[] = []
  // Of each frame: its page, whether it was used since the hand came by, whether it differs from the file.
  readonly #pages: Int32Array
  readonly #isUsed: Uint8Array
  readonly #isChanged: Uint8Array
  #hand = 0
  /** Of each page: its frame, or NONE. */
  #frames = new Int32Array(1024).fill(NONE)
  #pageCount = 0
  #freePages: number[] = []

  constructor(options: PagePoolOptions) {
    this.#framesMax = Math.max(FRAMES_MIN, Math.floor(options.bytesMax / PAGE_BYTES))
    this.#spillDirectory = options.spillDirectory ?? os.tmpdir()
    this.#pages = new Int32Array(this.#framesMax)
    this.#isUsed = new Uint8Array(this.#framesMax)
    this.#isChanged = new Uint8Array(this.#framesMax)
  }

  /** Memory taken for pages so far, in bytes. */
  get memoryBytes(): number {
    return this.#doubles.length * FRAMES_PER_SLAB * PAGE_BYTES
  }

  /** Size of the file, in bytes; 0 where all pages have found room. */
  get spilledBytes(): number {
    return this.#fd === undefined ? 0 : fs.fstatSync(this.#fd).size
  }

  /** A page full of zeros. */
  allocate(): number {
    const page = this.#freePages.pop() ?? this.#pageCount++
    if (page >= this.#frames.length) {
      const grown = new Int32Array(2 * this.#frames.length).fill(NONE)
      grown.set(this.#frames)
      this.#frames = grown
    }
    const frame = this.#takeFrame(page)
    const start = (frame & FRAME_MASK) * PAGE_DOUBLES
    this.#doubles[frame >> SLAB_SHIFT]!.fill(0, start, start + PAGE_DOUBLES)
    this.#isChanged[frame] = 1
    return page
  }

  free(page: number): void {
    const frame = this.#frames[page]!
    if (frame !== NONE) {
      this.#pages[frame] = NONE
      this.#isUsed[frame] = 0
      this.#freeFrames.push(frame)
      this.#frames[page] = NONE
    }
    this.#freePages.push(page)
    if (this.#freePages.length === this.#pageCount) this.#reset()
  }

  double(page: number, at: number): number {
    const frame = this.#frameOf(page)
    return this.#doubles[frame >> SLAB_SHIFT]![(frame & FRAME_MASK) * PAGE_DOUBLES + at]!
  }

  setDouble(page: number, at: number, value: number): void {
    const frame = this.#frameOf(page)
    this.#isChanged[frame] = 1
    this.#doubles[frame >> SLAB_SHIFT]![(frame & FRAME_MASK) * PAGE_DOUBLES + at] = value
  }

  word(page: number, at: number): number {
    const frame = this.#frameOf(page)
    return this.#words[frame >> SLAB_SHIFT]![(frame & FRAME_MASK) * PAGE_WORDS + at]!
  }

  setWord(page: number, at: number, value: number): void {
    const frame = this.#frameOf(page)
    this.#isChanged[frame] = 1
    this.#words[frame >> SLAB_SHIFT]![(frame & FRAME_MASK) * PAGE_WORDS + at] = value
  }

  close(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd)
    this.#fd = undefined
  }

  /** Nobody needs a page: memory and file are given back. */
  #reset(): void {
    this.close()
    this.#doubles = []
    this.#words = []
    this.#bytes = []
    this.#frameCount = 0
    this.#freeFrames = []
    this.#pageCount = 0
    this.#freePages = []
    this.#hand = 0
  }

  #frameOf(page: number): number {
    const frame = this.#frames[page]!
    if (frame === NONE) return this.#load(page)
    this.#isUsed[frame] = 1
    return frame
  }

  #load(page: number): number {
    const frame = this.#takeFrame(page)
    const start = (frame & FRAME_MASK) * PAGE_BYTES
    const got = fs.readSync(this.#fd!, this.#bytes[frame >> SLAB_SHIFT]!, start, PAGE_BYTES, page * PAGE_BYTES)
    assert(got === PAGE_BYTES, 'a page was written whole')
    this.#isChanged[frame] = 0
    return frame
  }

  /** A frame for `page`, with anything in it. */
  #takeFrame(page: number): number {
    const frame = this.#freeFrames.pop() ?? (this.#frameCount < this.#framesMax ? this.#newFrame() : this.#evict())
    this.#frames[page] = frame
    this.#pages[frame] = page
    this.#isUsed[frame] = 1
    return frame
  }

  #newFrame(): number {
    const frame = this.#frameCount++
    if (frame >> SLAB_SHIFT === this.#doubles.length) {
      const slab = new ArrayBuffer(FRAMES_PER_SLAB * PAGE_BYTES)
      this.#doubles.push(new Float64Array(slab))
      this.#words.push(new Uint32Array(slab))
      this.#bytes.push(new Uint8Array(slab))
    }
    return frame
  }

  /** The frame of a page that was not used while the hand went round once, at most. */
  #evict(): number {
    for (;;) {
      const frame = this.#hand
      this.#hand = (frame + 1) % this.#framesMax
      if (this.#isUsed[frame] === 1) {
        this.#isUsed[frame] = 0
        continue
      }
      const page = this.#pages[frame]!
      if (this.#isChanged[frame] === 1) this.#write(page, frame)
      this.#frames[page] = NONE
      return frame
    }
  }

  #write(page: number, frame: number): void {
    try {
      this.#fd ??= openNameless(this.#spillDirectory)
      this.#writeTo(this.#fd, page, frame)
    } catch (error) {
      const where = `${this.#spillDirectory}: ${codeOf(error)}`
      throw new StoreUnavailable(`there is no room for an index of what the store lacks in ${where}`, { cause: error })
    }
  }

  #writeTo(fd: number, page: number, frame: number): void {
    const bytes = this.#bytes[frame >> SLAB_SHIFT]!
    let at = (frame & FRAME_MASK) * PAGE_BYTES
    const end = at + PAGE_BYTES
    for (let offset = page * PAGE_BYTES; at < end; ) {
      const written = fs.writeSync(fd, bytes, at, end - at, offset)
      at += written
      offset += written
    }
  }
}

/** A file for reading and writing that nobody else can open and that is gone when it is closed, however that comes. */
function openNameless(directory: string): number {
  const file = path.join(directory, `oes-index-${process.pid}-${randomBytes(6).toString('hex')}.tmp`)
  const fd = fs.openSync(file, 'wx+', 0o600)
  fs.rmSync(file)
  return fd
}
