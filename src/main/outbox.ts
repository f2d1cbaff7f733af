// What waits to be written to one client: frames copied back to back into chunks from a pool, one write per chunk and
// turn. A client that does not read fills its outbox; past the limit the session is closed, and nobody else notices.

import type { Peer } from './peer.ts'

const CHUNK_BYTES = 64 * 1024
/** Chunks kept for the next turn rather than given to the garbage collector. */
const SPARE_CHUNKS_MAX = 256
const spare: Buffer[] = []

export class Outbox {
  readonly #peer: Peer
  #chunk: Buffer | undefined
  #end = 0

  constructor(peer: Peer) {
    this.#peer = peer
  }

  /** Bytes that the client has not taken yet. */
  get waitingBytes(): number {
    return this.#end + this.#peer.waitingBytes
  }

  /** Takes `bytes[start … end)`. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (this.#chunk !== undefined && this.#chunk.length - this.#end < length) this.flush()
    if (this.#chunk === undefined) {
      this.#chunk =
        length <= CHUNK_BYTES ? (spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES)) : Buffer.allocUnsafe(length)
    }
    const chunk = this.#chunk
    const at = this.#end
    if (length <= 64) for (let i = 0; i < length; i++) chunk[at + i] = bytes[start + i]
    else chunk.set(bytes.subarray(start, end), at)
    this.#end = at + length
  }

  /** Where the last `length` bytes appended lie, for a look or a change in place before they are flushed. */
  last(length: number): { bytes: Buffer; at: number } {
    return { bytes: this.#chunk!, at: this.#end - length }
  }

  /** Hands everything to the connection. */
  flush(): void {
    const chunk = this.#chunk
    if (chunk === undefined || this.#end === 0) return
    const piece = this.#end === chunk.length ? chunk : chunk.subarray(0, this.#end)
    this.#chunk = undefined
    this.#end = 0
    this.#peer.write(piece, chunk.length === CHUNK_BYTES ? () => giveBack(chunk) : undefined)
  }
}

function giveBack(chunk: Buffer): void {
  if (spare.length < SPARE_CHUNKS_MAX) spare.push(chunk)
}
