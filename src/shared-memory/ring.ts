// A bounded ring of byte records in shared memory, from exactly one producer thread to exactly one consumer thread.
//
//   | cursor | position | records …                                              |
//     block    block      capacity bytes, a power of two
//
//   cursor    written by the producer, read by the consumer: bytes published since the start
//   position  written by the consumer, read by the producer: bytes given back since the start
//
//   record    | i32 length | payload of length bytes | up to the next multiple of 8 |
//   padding   | i32 −1     | up to the end of the records: the next record begins at their start |
//
// Cursor and position are 32-bit counters that wrap around, so they are compared by difference only. A record never
// wraps: where it does not fit before the end, padding fills the rest, published together with the record behind it.
//
// The producer claims, fills and publishes: one store of the cursor shows all records claimed before it. The consumer
// walks with `next` and gives all passed space back with `release`, once per batch. Each side remembers what it last
// read of the other's word and reads it again only when that is used up. Each method touches one shared word once at
// most; the tests rest on that when they enumerate every interleaving by interleaving the calls.

import { assert } from '../base/assert.ts'
import { BLOCK_BYTES } from './blocks.ts'

let end = 0
const block = () => {
  const start = end
  end += BLOCK_BYTES
  return start
}
/** Byte offsets in the memory of a ring. */
export const CURSOR = block()
export const POSITION = block()
export const RECORDS = end

const CURSOR_WORD = CURSOR >> 2
const POSITION_WORD = POSITION >> 2
const RECORD_HEADER_BYTES = 4
const RECORD_ALIGN_BYTES = 8
const PADDING = -1
const CAPACITY_BYTES_MIN = 64
/** Half of the counters' range: a difference then always fits a positive 32-bit number. */
const CAPACITY_BYTES_MAX = 2 ** 30
/** Up to this length a loop copies faster than a call that needs a view of the source. */
const COPY_LOOP_BYTES_MAX = 32

assert(RECORDS % RECORD_ALIGN_BYTES === 0)
assert(RECORD_HEADER_BYTES <= RECORD_ALIGN_BYTES, 'the smallest rest before the end holds the header of a padding')

/** Memory of an empty ring. `capacityBytes` is a power of two from 64 bytes to 1 GiB. */
export function createRing(capacityBytes: number): SharedArrayBuffer {
  assert(isCapacity(capacityBytes), 'the capacity of a ring is a power of two')
  return new SharedArrayBuffer(RECORDS + capacityBytes)
}

/**
 * The largest payload of one record. A record and the padding before it then need less than half of the capacity, so
 * an emptied ring takes any record at any position, and the consumer can work on one while the next is filled.
 */
export function recordBytesMax(capacityBytes: number): number {
  return capacityBytes / 4 - RECORD_HEADER_BYTES
}

/** Bytes published and not yet given back; any thread may ask. */
export function ringUsedBytes(memory: SharedArrayBuffer): number {
  return usedBytes(new Int32Array(memory))
}

function usedBytes(words: Int32Array): number {
  // The position first: it never passes the cursor, so the difference is never negative.
  const position = Atomics.load(words, POSITION_WORD)
  return (Atomics.load(words, CURSOR_WORD) - position) | 0
}

function isCapacity(bytes: number): boolean {
  return bytes >= CAPACITY_BYTES_MIN && bytes <= CAPACITY_BYTES_MAX && (bytes & (bytes - 1)) === 0
}

function recordBytes(payloadBytes: number): number {
  return (payloadBytes + (RECORD_HEADER_BYTES + RECORD_ALIGN_BYTES - 1)) & -RECORD_ALIGN_BYTES
}

/** The filling end of a ring; one object, in one thread. */
export class RingProducer {
  /** The records; offsets given by `claim` count from their start. */
  readonly bytes: Uint8Array<SharedArrayBuffer>
  readonly view: DataView<SharedArrayBuffer>
  readonly capacityBytes: number
  /** Largest payload that may be claimed. */
  readonly recordBytesMax: number

  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #headers: Int32Array<SharedArrayBuffer>
  /** End of the last claim. */
  #claimed: number
  /** Start of the last claim's record, where it can be trimmed. */
  #last: number
  #published: number
  /** The consumer's position when last read. */
  #position: number

  constructor(memory: SharedArrayBuffer) {
    this.capacityBytes = memory.byteLength - RECORDS
    assert(isCapacity(this.capacityBytes), 'not the memory of a ring')
    this.recordBytesMax = recordBytesMax(this.capacityBytes)
    this.bytes = new Uint8Array(memory, RECORDS)
    this.view = new DataView(memory, RECORDS)
    this.#words = new Int32Array(memory)
    this.#headers = new Int32Array(memory, RECORDS)
    this.#published = Atomics.load(this.#words, CURSOR_WORD)
    this.#position = Atomics.load(this.#words, POSITION_WORD)
    this.#claimed = this.#published
    this.#last = this.#published
  }

  /**
   * Takes space for a payload of `bytes` and gives its offset in `bytes` and `view`, or −1 where the ring is full; then
   * nothing has changed. The record stays invisible until `publish`; more may be claimed before that.
   */
  claim(bytes: number): number {
    assert(bytes >= 0 && bytes <= this.recordBytesMax, 'a record larger than the ring allows')
    const total = recordBytes(bytes)
    const offset = this.#claimed & (this.capacityBytes - 1)
    const rest = this.capacityBytes - offset
    const padding = total > rest ? rest : 0
    if (this.#freeAfter(padding + total) < 0) {
      this.#position = Atomics.load(this.#words, POSITION_WORD)
      if (this.#freeAfter(padding + total) < 0) return -1
    }
    if (padding > 0) this.#headers[offset >> 2] = PADDING
    const start = padding > 0 ? 0 : offset
    this.#headers[start >> 2] = bytes
    this.#last = (this.#claimed + padding) | 0
    this.#claimed = (this.#last + total) | 0
    return start + RECORD_HEADER_BYTES
  }

  /** Shortens the payload of the last claim, for a record whose length is known only once it is filled. */
  trim(bytes: number): void {
    assert(this.#claimed !== this.#published, 'no claim to trim')
    const header = (this.#last & (this.capacityBytes - 1)) >> 2
    assert(bytes >= 0 && bytes <= this.#headers[header]!, 'a claim cannot grow')
    this.#headers[header] = bytes
    this.#claimed = (this.#last + recordBytes(bytes)) | 0
  }

  /** Shows all claimed records to the consumer. Ringing its doorbell is the caller's next step. */
  publish(): void {
    if (this.#published === this.#claimed) return
    this.#published = this.#claimed
    Atomics.store(this.#words, CURSOR_WORD, this.#published)
  }

  /** Claims and fills a record with `source[start … end)`, not yet published; false where the ring is full. */
  write(source: Uint8Array, start: number, end: number): boolean {
    const offset = this.claim(end - start)
    if (offset < 0) return false
    copyBytes(source, start, end, this.bytes, offset)
    return true
  }

  /** Bytes published and not yet given back by the consumer. */
  usedBytes(): number {
    return usedBytes(this.#words)
  }

  /** Bytes left between the last claim and what the consumer has given back; headers and padding need some of them. */
  freeBytes(): number {
    this.#position = Atomics.load(this.#words, POSITION_WORD)
    return this.#freeAfter(0)
  }

  #freeAfter(bytes: number): number {
    return this.capacityBytes - bytes - ((this.#claimed - this.#position) | 0)
  }
}

/** The draining end of a ring; one object, in one thread. It moves over the records instead of handing out objects. */
export class RingConsumer {
  /** The records; read what lies at `offset`, nothing else. */
  readonly bytes: Uint8Array<SharedArrayBuffer>
  readonly view: DataView<SharedArrayBuffer>
  readonly capacityBytes: number
  /** Where the payload of the current record begins in `bytes` and `view`, and its bytes; valid until `release`. */
  offset = 0
  length = 0

  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #headers: Int32Array<SharedArrayBuffer>
  /** The producer's cursor when last read. */
  #cursor: number
  /** End of the current record. */
  #passed: number
  #released: number

  constructor(memory: SharedArrayBuffer) {
    this.capacityBytes = memory.byteLength - RECORDS
    assert(isCapacity(this.capacityBytes), 'not the memory of a ring')
    this.bytes = new Uint8Array(memory, RECORDS)
    this.view = new DataView(memory, RECORDS)
    this.#words = new Int32Array(memory)
    this.#headers = new Int32Array(memory, RECORDS)
    this.#released = Atomics.load(this.#words, POSITION_WORD)
    this.#passed = this.#released
    this.#cursor = this.#released
  }

  /** Moves to the next published record; false where there is none. */
  next(): boolean {
    if (this.#passed === this.#cursor && !this.hasNext()) return false
    const mask = this.capacityBytes - 1
    let offset = this.#passed & mask
    let length = this.#headers[offset >> 2]!
    if (length === PADDING) {
      this.#passed = (this.#passed + this.capacityBytes - offset) | 0
      assert(this.#passed !== this.#cursor, 'padding is published together with a record')
      offset = 0
      length = this.#headers[0]!
    }
    const total = recordBytes(length)
    assert(length >= 0 && total <= ((this.#cursor - this.#passed) | 0), 'a record reaches past the cursor')
    this.#passed = (this.#passed + total) | 0
    this.offset = offset + RECORD_HEADER_BYTES
    this.length = length
    return true
  }

  /** True where `next` would find a record. Reads the cursor afresh, so a thread about to park may rely on it. */
  hasNext(): boolean {
    this.#cursor = Atomics.load(this.#words, CURSOR_WORD)
    return this.#cursor !== this.#passed
  }

  /** Gives the space of all records passed so far, the current one included, back to the producer. */
  release(): void {
    if (this.#released === this.#passed) return
    this.#released = this.#passed
    Atomics.store(this.#words, POSITION_WORD, this.#released)
  }

  /** Bytes published and not yet given back. */
  usedBytes(): number {
    return usedBytes(this.#words)
  }
}

/** Copies `source[start … end)` to `target` at `offset`, without an object for a short piece. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): void {
  if (end - start > COPY_LOOP_BYTES_MAX) {
    target.set(source.subarray(start, end), offset)
    return
  }
  for (let i = start, j = offset; i < end; i++, j++) target[j] = source[i]!
}
