// One block on its way from a shard to the disk: the shard hands it over here and goes on judging, the shard's committing
// thread writes it and says when it is durable. At most one block at a time, so that blocks reach the disk in order.
//
//   | doorbell of the committing thread | request: the shard | outcome: the committing thread | bytes of the block … |
//
// The shard fills in the bytes and the place, then raises the request's number; the committing thread writes, notes how
// that went, then raises the outcome's number to the same. Both numbers are stored and loaded atomically, which orders
// everything else.

import { assert } from '../base/assert.ts'
import { BLOCK_BYTES } from './blocks.ts'
import { Doorbell } from './doorbell.ts'

// In words of four bytes from the start of the memory.
const REQUEST = BLOCK_BYTES >> 2
const FILE = REQUEST + 1
const LENGTH = REQUEST + 2
const OUTCOME = (2 * BLOCK_BYTES) >> 2
const DURATION_US = OUTCOME + 1
const ERRNO = OUTCOME + 2
// In bytes.
const OFFSET = BLOCK_BYTES + 16
const BYTES = 3 * BLOCK_BYTES

/** Memory for blocks of up to `blockBytesMax`. */
export function createCommitSlot(blockBytesMax: number): SharedArrayBuffer {
  return new SharedArrayBuffer(BYTES + blockBytesMax)
}

export class CommitSlot {
  /** On which the committing thread waits. */
  readonly doorbell: Doorbell
  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #offset: Float64Array<SharedArrayBuffer>
  readonly #bytes: Uint8Array<SharedArrayBuffer>

  constructor(memory: SharedArrayBuffer) {
    this.doorbell = new Doorbell(memory, 0)
    this.#words = new Int32Array(memory)
    this.#offset = new Float64Array(memory, OFFSET, 1)
    this.#bytes = new Uint8Array(memory, BYTES)
  }

  /** The longest block that fits. */
  get blockBytesMax(): number {
    return this.#bytes.length
  }

  // The shard's side.

  /** Hands over [0, length) of `block`, to be written to `offset` of the open file `fd`. The slot must be free. */
  request(block: Uint8Array, length: number, fd: number, offset: number): void {
    assert(this.isFree && length > 0 && length <= this.blockBytesMax)
    this.#bytes.set(block.subarray(0, length))
    this.#raise(fd, length, offset)
  }

  /** Asks the committing thread to end. The slot must be free. */
  end(): void {
    assert(this.isFree)
    this.#raise(-1, 0, 0)
  }

  /** True where nothing is on its way. */
  get isFree(): boolean {
    return Atomics.load(this.#words, OUTCOME) === this.#words[REQUEST]
  }

  /** Waits until it is. */
  waitUntilFree(): void {
    while (!this.isFree) Atomics.wait(this.#words, OUTCOME, this.#words[OUTCOME]!, 1)
  }

  /** Of the last block: how long the disk took, in µs. */
  get durationUs(): number {
    return this.#words[DURATION_US]!
  }

  /** Of the last block: the system's number of the error, 0 where it is durable. */
  get errno(): number {
    return this.#words[ERRNO]!
  }

  // The committing thread's side.

  /** True where there is something to do. */
  get isRequested(): boolean {
    return Atomics.load(this.#words, REQUEST) !== this.#words[OUTCOME]
  }

  get fd(): number {
    return this.#words[FILE]!
  }

  get offset(): number {
    return this.#offset[0]!
  }

  /** The block; empty where the thread is to end. */
  get block(): Uint8Array<SharedArrayBuffer> {
    return this.#bytes.subarray(0, this.#words[LENGTH]!)
  }

  /** Says how it went; the slot is the shard's again. */
  settle(errno: number, durationUs: number): void {
    this.#words[ERRNO] = errno
    this.#words[DURATION_US] = durationUs
    Atomics.store(this.#words, OUTCOME, this.#words[REQUEST]!)
  }

  #raise(fd: number, length: number, offset: number): void {
    this.#words[FILE] = fd
    this.#words[LENGTH] = length
    this.#offset[0] = offset
    Atomics.store(this.#words, REQUEST, (this.#words[REQUEST]! + 1) | 0)
    this.doorbell.ring()
  }
}
