// Writes msgpack into one growing buffer, value by value: the way answers and reports are written on the road of an
// order. Amounts go out as ordinary numbers (25.37): whole units as integers, others as the nearest double, which
// `microsOfNumber` reads back exactly.

import { assert } from '../base/assert.ts'
import { MICROS } from '../domain/money.ts'
import { FRAME_HEADER_BYTES } from './frames.ts'

/** Room that the fixed-size values of any one message need at most; texts and raw values ask for their own. */
const MESSAGE_FIXED_BYTES_MAX = 512

export class MessageWriter {
  bytes: Uint8Array
  /** First byte not written yet. */
  position: number
  #view: DataView
  #frameStart = 0
  readonly #bytesMax: number

  /**
   * @param bytes initial size, in bytes.
   * @param bytesMax the buffer doubles up to this size; past it our own limits are wrong, and the thread stops.
   */
  constructor(bytes: number, bytesMax: number) {
    this.bytes = new Uint8Array(bytes)
    this.#view = new DataView(this.bytes.buffer)
    this.#bytesMax = bytesMax
    this.position = 0
  }

  /** Exchanges what is written, and the room for it, with another writer of the same limit. */
  exchange(other: MessageWriter): void {
    assert(other.#bytesMax === this.#bytesMax)
    const { bytes, position } = this
    const view = this.#view
    this.bytes = other.bytes
    this.position = other.position
    this.#view = other.#view
    other.bytes = bytes
    other.position = position
    other.#view = view
  }

  /** Begins a frame: leaves room for its length and makes sure the fixed part of a message fits. */
  beginFrame(): void {
    this.reserve(MESSAGE_FIXED_BYTES_MAX)
    this.#frameStart = this.position
    this.position += FRAME_HEADER_BYTES
  }

  /** Ends the frame: writes its length. */
  endFrame(): void {
    this.#view.setUint32(this.#frameStart, this.position - this.#frameStart - FRAME_HEADER_BYTES)
  }

  /** Makes sure `bytes` more fit behind the position. */
  reserve(bytes: number): void {
    const needed = this.position + bytes
    if (needed <= this.bytes.length) return
    let size = this.bytes.length
    while (size < needed) size *= 2
    assert(size <= this.#bytesMax, `a batch of ${needed} bytes exceeds the limit of ${this.#bytesMax}`)
    const grown = new Uint8Array(size)
    grown.set(this.bytes.subarray(0, this.position))
    this.bytes = grown
    this.#view = new DataView(grown.buffer)
  }

  /** The four elements every message begins with, at fixed places: kind at 3, request id at 4, account at 9. */
  head(elements: number, kind: number, requestId: number, account: number): void {
    const { bytes, position } = this
    const view = this.#view
    bytes[position] = 0xdc
    view.setUint16(position + 1, elements)
    bytes[position + 3] = kind
    bytes[position + 4] = 0xce
    view.setUint32(position + 5, requestId)
    bytes[position + 9] = 0xce
    view.setUint32(position + 10, account)
    this.position = position + 14
  }

  /** A whole number ≥ 0 in the fixed form of nine bytes, for elements that are looked at in place. */
  fixed64(value: number): void {
    const { position } = this
    this.bytes[position] = 0xcf
    this.#view.setUint32(position + 1, Math.floor(value / 0x1_0000_0000))
    this.#view.setUint32(position + 5, value >>> 0)
    this.position = position + 9
  }

  arrayHeader(elements: number): void {
    const { position } = this
    if (elements < 16) {
      this.bytes[position] = 0x90 | elements
      this.position = position + 1
    } else if (elements < 0x1_0000) {
      this.bytes[position] = 0xdc
      this.#view.setUint16(position + 1, elements)
      this.position = position + 3
    } else {
      this.bytes[position] = 0xdd
      this.#view.setUint32(position + 1, elements)
      this.position = position + 5
    }
  }

  /** A whole number of at most 2^53−1 in magnitude, in its shortest form. */
  integer(value: number): void {
    const { bytes, position } = this
    if (value >= 0) {
      if (value < 0x80) {
        bytes[position] = value
        this.position = position + 1
      } else if (value < 0x1_0000) {
        bytes[position] = 0xcd
        bytes[position + 1] = value >> 8
        bytes[position + 2] = value
        this.position = position + 3
      } else if (value < 0x1_0000_0000) {
        bytes[position] = 0xce
        this.#view.setUint32(position + 1, value)
        this.position = position + 5
      } else this.fixed64(value)
    } else if (value >= -32) {
      bytes[position] = value + 0x100
      this.position = position + 1
    } else {
      bytes[position] = 0xd3
      this.#view.setInt32(position + 1, Math.floor(value / 0x1_0000_0000))
      this.#view.setUint32(position + 5, value >>> 0)
      this.position = position + 9
    }
  }

  double(value: number): void {
    this.bytes[this.position] = 0xcb
    this.#view.setFloat64(this.position + 1, value)
    this.position += 9
  }

  /** An amount given in micros, written as the ordinary number it stands for. */
  amount(micros: number): void {
    const units = micros / MICROS
    if (Number.isInteger(units)) this.integer(units)
    else this.double(units)
  }

  nil(): void {
    this.bytes[this.position++] = 0xc0
  }

  /** A text; short ASCII, which nearly all are, is written byte by byte. */
  text(value: string): void {
    const { length } = value
    if (length < 32) {
      this.reserve(MESSAGE_FIXED_BYTES_MAX)
      const { bytes, position } = this
      let i = 0
      for (; i < length; i++) {
        const code = value.charCodeAt(i)
        if (code >= 0x80) break
        bytes[position + 1 + i] = code
      }
      if (i === length) {
        bytes[position] = 0xa0 | length
        this.position = position + 1 + length
        return
      }
    }
    const encoded = Buffer.from(value, 'utf8')
    this.textBytes(encoded, 0, encoded.length)
  }

  /** A text whose UTF-8 bytes lie in `from` between `start` and `end`. */
  textBytes(from: Uint8Array, start: number, end: number): void {
    const length = end - start
    this.reserve(length + MESSAGE_FIXED_BYTES_MAX)
    if (length < 32) this.bytes[this.position++] = 0xa0 | length
    else {
      this.bytes[this.position] = 0xda
      this.#view.setUint16(this.position + 1, length)
      this.position += 3
    }
    this.rawBytes(from, start, end)
  }

  /** Bytes that are msgpack already. */
  rawBytes(from: Uint8Array, start: number, end: number): void {
    const length = end - start
    this.reserve(length + MESSAGE_FIXED_BYTES_MAX)
    const { bytes, position } = this
    if (length <= 64) for (let i = 0; i < length; i++) bytes[position + i] = from[start + i]
    else bytes.set(from.subarray(start, end), position)
    this.position = position + length
  }
}
