// Reads msgpack in place, value by value, without building objects: the way requests are read on the road of an order.
// Nothing is trusted: a value of the wrong type, or one cut short, raises `failed` and reads as a harmless default, so
// that a decoder may read its elements in a row and look once at the end.

/** Deepest nesting a message may have; ours need four. */
export const DEPTH_MAX = 16

const scratch = new DataView(new ArrayBuffer(8))

export class MessageReader {
  bytes: Uint8Array = new Uint8Array(0)
  position = 0
  end = 0
  /** Set by the first value that is not what was asked for; stays set until `start`. */
  failed = false
  /** The text or raw value read last lies in `bytes` from here … */
  valueStart = 0
  /** … to here. */
  valueEnd = 0

  /** Begins at `start` of `bytes`; nothing is read at or after `end`. */
  start(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.position = start
    this.end = end
    this.failed = false
  }

  /** Elements of the array that begins here, or 0 and `failed`. */
  arrayHeader(): number {
    const tag = this.#byte()
    if ((tag & 0xf0) === 0x90) return tag & 0x0f
    if (tag === 0xdc) return this.#unsigned(2)
    if (tag === 0xdd) return this.#unsigned(4)
    return this.#fail()
  }

  /** A whole number from −(2^53−1) to 2^53−1, or 0 and `failed`. A double with a whole value is accepted as well. */
  integer(): number {
    const value = this.number()
    if (Number.isSafeInteger(value) && !this.failed) return value + 0
    return this.#fail()
  }

  /** A finite or non-finite number; where there is none, NaN and `failed`; one cut short is `failed` alone. */
  number(): number {
    const tag = this.#byte()
    if (tag < 0x80) return tag
    if (tag >= 0xe0) return tag - 0x100
    switch (tag) {
      case 0xcc:
        return this.#unsigned(1)
      case 0xcd:
        return this.#unsigned(2)
      case 0xce:
        return this.#unsigned(4)
      case 0xcf:
        return this.#unsigned(4) * 0x1_0000_0000 + this.#unsigned(4)
      case 0xd0:
        return (this.#unsigned(1) << 24) >> 24
      case 0xd1:
        return (this.#unsigned(2) << 16) >> 16
      case 0xd2:
        return this.#unsigned(4) | 0
      case 0xd3: {
        const high = this.#unsigned(4) | 0
        return high * 0x1_0000_0000 + this.#unsigned(4)
      }
      case 0xca:
        scratch.setUint32(0, this.#unsigned(4))
        return scratch.getFloat32(0)
      case 0xcb:
        scratch.setUint32(0, this.#unsigned(4))
        scratch.setUint32(4, this.#unsigned(4))
        return scratch.getFloat64(0)
      default:
        this.#fail()
        return Number.NaN
    }
  }

  /**
   * Takes a text and leaves its bytes between `valueStart` and `valueEnd`; nil is an empty text.
   * @returns its length in bytes, or 0 and `failed`.
   */
  text(): number {
    const tag = this.#byte()
    let length: number
    if ((tag & 0xe0) === 0xa0) length = tag & 0x1f
    else if (tag === 0xc0) length = 0
    else if (tag === 0xd9) length = this.#unsigned(1)
    else if (tag === 0xda) length = this.#unsigned(2)
    else if (tag === 0xdb) length = this.#unsigned(4)
    else length = this.#fail()
    if (length > this.end - this.position) length = this.#fail()
    this.valueStart = this.position
    this.position += length
    this.valueEnd = this.position
    return length
  }

  /** True, and the nil is taken, where the next value is nil. */
  nil(): boolean {
    if (this.position >= this.end || this.bytes[this.position] !== 0xc0) return false
    this.position += 1
    return true
  }

  /** Takes any one value, however nested up to DEPTH_MAX, and leaves its bytes between `valueStart` and `valueEnd`. */
  raw(): void {
    const start = this.position
    this.#skip(DEPTH_MAX)
    this.valueStart = start
    this.valueEnd = this.position
  }

  /** True where everything was read without failure and nothing is left. */
  get complete(): boolean {
    return !this.failed && this.position === this.end
  }

  // Every value takes a byte at least, so the count of an array cannot make this loop longer than the message.
  #skip(depth: number): void {
    const tag = this.#byte()
    if (this.failed || tag < 0x80 || tag >= 0xe0 || tag === 0xc0 || tag === 0xc2 || tag === 0xc3) return
    if ((tag & 0xe0) === 0xa0) {
      this.#advance(tag & 0x1f)
      return
    }
    switch (tag) {
      case 0xc4:
      case 0xd9:
        this.#advance(this.#unsigned(1))
        return
      case 0xc5:
      case 0xda:
        this.#advance(this.#unsigned(2))
        return
      case 0xc6:
      case 0xdb:
        this.#advance(this.#unsigned(4))
        return
      case 0xcc:
      case 0xd0:
        this.#advance(1)
        return
      case 0xcd:
      case 0xd1:
        this.#advance(2)
        return
      case 0xca:
      case 0xce:
      case 0xd2:
        this.#advance(4)
        return
      case 0xcb:
      case 0xcf:
      case 0xd3:
        this.#advance(8)
        return
    }
    let values: number
    let hasKeys = false
    if ((tag & 0xf0) === 0x90) values = tag & 0x0f
    else if (tag === 0xdc) values = this.#unsigned(2)
    else if (tag === 0xdd) values = this.#unsigned(4)
    else {
      hasKeys = true
      if ((tag & 0xf0) === 0x80) values = tag & 0x0f
      else if (tag === 0xde) values = this.#unsigned(2)
      else if (tag === 0xdf) values = this.#unsigned(4)
      else {
        this.#fail() // extensions and the unused tag are not part of the protocol
        return
      }
    }
    if (depth === 0) this.#fail()
    for (let i = 0; i < values && !this.failed; i++) {
      if (hasKeys) this.#skipKey()
      this.#skip(depth - 1)
    }
  }

  /** Keys of maps are texts, in the protocol and for those who build objects of them. */
  #skipKey(): void {
    if (this.position < this.end && this.bytes[this.position] !== 0xc0) this.text()
    else this.#fail()
  }

  #advance(bytes: number): void {
    if (bytes > this.end - this.position) this.#fail()
    else this.position += bytes
  }

  #byte(): number {
    if (this.position >= this.end) {
      this.failed = true
      return 0xc1
    }
    return this.bytes[this.position++]
  }

  #unsigned(bytes: 1 | 2 | 4): number {
    const { bytes: from, position } = this
    if (bytes > this.end - position) return this.#fail()
    this.position = position + bytes
    if (bytes === 1) return from[position]
    if (bytes === 2) return (from[position] << 8) | from[position + 1]
    return ((from[position] << 24) | (from[position + 1] << 16) | (from[position + 2] << 8) | from[position + 3]) >>> 0
  }

  #fail(): number {
    this.failed = true
    return 0
  }
}
