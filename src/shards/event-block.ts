// What one block of a shard's duty cycle gives out: frames back to back, as they are journaled and sent, and beside them
// for each frame where it is going: the session that asked (0 for none) and the row of the account it is about.

import { JOURNAL_BLOCK_HEADER_BYTES } from '../journal/block.ts'
import { MessageWriter } from '../protocol/message-writer.ts'

export class EventBlock {
  /** Writes the frames; the journal's header fits in front of them. */
  readonly writer: MessageWriter
  /** Two words for each frame: session, account row. */
  routing: Uint32Array
  count = 0
  /** True where some frame is for the journal alone. */
  hasPrivate = false
  readonly #bytes: number
  readonly #bytesMax: number

  /**
   * @param bytes initial size in bytes; grows by doubling up to `bytesMax`, which the most that one command can cause
   * must not exceed.
   */
  constructor(bytes: number, bytesMax: number) {
    this.#bytes = bytes
    this.#bytesMax = bytesMax
    this.writer = new MessageWriter(bytes, bytesMax)
    this.routing = new Uint32Array(2048)
    this.clear()
  }

  /** An empty one of the same size and limit. */
  another(): EventBlock {
    return new EventBlock(this.#bytes, this.#bytesMax)
  }

  /** Where the first frame begins. */
  static readonly start = JOURNAL_BLOCK_HEADER_BYTES

  get end(): number {
    return this.writer.position
  }

  /** Says where the frame just written goes. */
  route(session: number, accountRow: number): void {
    if (2 * this.count === this.routing.length) {
      const grown = new Uint32Array(2 * this.routing.length)
      grown.set(this.routing)
      this.routing = grown
    }
    this.routing[2 * this.count] = session
    this.routing[2 * this.count + 1] = accountRow
    this.count += 1
  }

  /** Takes what the other has, and gives it what it had: one fills while the other is on its way to the disk. */
  exchange(other: EventBlock): void {
    this.writer.exchange(other.writer)
    const { routing, count, hasPrivate } = this
    this.routing = other.routing
    this.count = other.count
    this.hasPrivate = other.hasPrivate
    other.routing = routing
    other.count = count
    other.hasPrivate = hasPrivate
  }

  clear(): void {
    this.count = 0
    this.hasPrivate = false
    this.writer.position = EventBlock.start
  }
}
