// Frames: a u32 big-endian length and that many bytes of body. The splitter takes the chunks of a stream as they come
// and gives back whole bodies as positions in its buffer, so that nothing is copied for a frame that arrived whole.

/** Bytes of the length in front of each body. */
export const FRAME_HEADER_BYTES = 4

/** A body longer than the limit was announced; the stream cannot be read any further. */
export class FrameTooLong extends Error {
  override name = 'FrameTooLong'
  readonly lengthBytes: number
  constructor(lengthBytes: number) {
    super(`a frame of ${lengthBytes} bytes was announced`)
    this.lengthBytes = lengthBytes
  }
}

/**
 * Splits a stream into frames. Use: `push(chunk)`, then `while (next())` read `bytes` from `start` to `end`. What the
 * splitter shows is valid until the following `push`.
 */
export class FrameSplitter {
  /** The buffer in which the current body lies. */
  bytes: Uint8Array = EMPTY
  /** First byte of the current body. */
  start = 0
  /** First byte after the current body. */
  end = 0

  #position = 0
  #length = 0
  /** Holds what a chunk left over; grows by doubling, so that a stream cut into single bytes costs no more than its length. */
  #carry: Uint8Array = EMPTY
  readonly #bodyBytesMax: number

  /** @param bodyBytesMax longest body accepted, in bytes. */
  constructor(bodyBytesMax: number) {
    this.#bodyBytesMax = bodyBytesMax
  }

  /** Bytes that wait for the rest of their frame, or that were pushed and not yet taken. */
  get pendingBytes(): number {
    return this.#length - this.#position
  }

  /** Takes the next chunk; the chunk belongs to the splitter until the following `push`. */
  push(chunk: Uint8Array): void {
    const pending = this.pendingBytes
    if (pending === 0) {
      this.bytes = chunk
      this.#position = 0
      this.#length = chunk.length
      return
    }
    if (this.bytes !== this.#carry || this.#length + chunk.length > this.#carry.length) {
      const needed = pending + chunk.length
      const carry = needed <= this.#carry.length ? this.#carry : new Uint8Array(2 * needed)
      carry.set(this.bytes.subarray(this.#position, this.#length))
      this.#carry = carry
      this.bytes = carry
      this.#position = 0
      this.#length = pending
    }
    this.#carry.set(chunk, this.#length)
    this.#length += chunk.length
  }

  /**
   * Moves to the next whole frame; false where the stream has none yet.
   * @throws FrameTooLong where a body over the limit is announced, before anything is stored for it.
   */
  next(): boolean {
    const { bytes } = this
    const at = this.#position
    if (this.#length - at < FRAME_HEADER_BYTES) return false
    const length = ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
    if (length > this.#bodyBytesMax) throw new FrameTooLong(length)
    const start = at + FRAME_HEADER_BYTES
    if (this.#length - start < length) return false
    this.start = start
    this.end = start + length
    this.#position = start + length
    return true
  }

  /** Puts the current frame back: the following `next` gives it again. For a reader that found no room for it. */
  unread(): void {
    this.#position = this.start - FRAME_HEADER_BYTES
  }
}

const EMPTY = new Uint8Array(0)

/** A frame around `body`. */
export function encodeFrame(body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + body.length)
  frame.writeUInt32BE(body.length, 0)
  frame.set(body, FRAME_HEADER_BYTES)
  return frame
}
