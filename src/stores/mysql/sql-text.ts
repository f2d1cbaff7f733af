// The text of one SQL statement while it is written: bytes in one buffer that is used over and over, since this runs for
// every column of every row. Numbers are written digit by digit, amounts with the decimals they have, times of one second
// share the text of that second.
//
// Nothing that comes from outside goes in as it is: texts are quoted and escaped, bytes become hexadecimal digits.

import { assert } from '../../base/assert.ts'
import { MICROS } from '../../domain/money.ts'

const ZERO = 0x30
const MINUS = 0x2d
const POINT = 0x2e
const QUOTE = 0x27
const BACKSLASH = 0x5c
const HEX = Buffer.from('0123456789abcdef')

/** More than the digits of any number, or of a time. */
const NUMBER_BYTES_MAX = 32
/** 1e9: the largest power of ten whose digits fit a small integer. */
const BILLION = 1e9

export class SqlText {
  bytes: Buffer
  length = 0
  #hasWide = false
  /** The second that `#secondText` is the text of, quote and point included. */
  #second = Number.NaN
  readonly #secondText = Buffer.alloc(21)

  constructor(bytesInitial = 1 << 16) {
    this.bytes = Buffer.allocUnsafeSlow(bytesInitial)
  }

  clear(): void {
    this.length = 0
    this.#hasWide = false
  }

  /** Takes back what was written from `length` on. */
  cut(length: number): void {
    assert(length <= this.length)
    this.length = length
  }

  /** The statement as a string. */
  take(): string {
    const text = this.bytes.toString(this.#hasWide ? 'utf8' : 'latin1', 0, this.length)
    this.clear()
    return text
  }

  /** Text of our own, ASCII, as it is. */
  plain(text: string): void {
    this.#room(text.length)
    for (let i = 0; i < text.length; i++) this.bytes[this.length++] = text.charCodeAt(i)
  }

  /** One byte of our own. */
  mark(code: number): void {
    this.#room(1)
    this.bytes[this.length++] = code
  }

  /** A whole number. */
  integer(value: number): void {
    assert(Number.isSafeInteger(value), 'a whole number')
    this.#room(NUMBER_BYTES_MAX)
    let magnitude = value
    if (value < 0) {
      this.bytes[this.length++] = MINUS
      magnitude = -value
    }
    this.#digits(magnitude)
  }

  /** Whole micros, as a decimal. */
  amount(micros: number): void {
    assert(Number.isSafeInteger(micros), 'whole micros')
    this.#room(NUMBER_BYTES_MAX)
    let magnitude = micros
    if (micros < 0) {
      this.bytes[this.length++] = MINUS
      magnitude = -micros
    }
    const whole = Math.floor(magnitude / MICROS)
    this.#digits(whole)
    let fraction = magnitude - whole * MICROS
    if (fraction === 0) return
    this.bytes[this.length++] = POINT
    let places = 6
    while (fraction % 10 === 0) {
      fraction = fraction / 10
      places -= 1
    }
    this.#padded(fraction, places)
  }

  /** µs since the epoch, as a time in UTC, quoted. */
  time(us: number): void {
    assert(Number.isSafeInteger(us), 'whole microseconds')
    this.#room(NUMBER_BYTES_MAX)
    const second = Math.floor(us / 1e6)
    if (second !== this.#second) {
      this.#second = second
      const text = new Date(second * 1000).toISOString().slice(0, 19).replace('T', ' ')
      this.#secondText.write(`'${text}.`, 'latin1')
    }
    const { bytes } = this
    bytes.set(this.#secondText, this.length)
    this.length += this.#secondText.length
    this.#padded(us - second * 1e6, 6)
    bytes[this.length++] = QUOTE
  }

  /** A text from outside, quoted and escaped; null as NULL. */
  text(text: string | null): void {
    if (text === null) {
      this.plain('NULL')
      return
    }
    // Each character is three bytes at most (a pair of surrogates four), and twice as long where it is escaped.
    this.#room(3 * text.length + 2)
    const start = this.length
    this.bytes[this.length++] = QUOTE
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code >= 0x80 || code === QUOTE || code === BACKSLASH || code === 0) {
        this.length = start
        this.#escaped(text)
        return
      }
      this.bytes[this.length++] = code
    }
    this.bytes[this.length++] = QUOTE
  }

  /** Bytes from outside; null as NULL. */
  binary(value: Uint8Array | null): void {
    if (value === null) {
      this.plain('NULL')
      return
    }
    this.#room(2 * value.length + 3)
    const { bytes } = this
    bytes[this.length++] = 0x78 // x
    bytes[this.length++] = QUOTE
    for (let i = 0; i < value.length; i++) {
      const byte = value[i]!
      bytes[this.length++] = HEX[byte >> 4]!
      bytes[this.length++] = HEX[byte & 15]!
    }
    bytes[this.length++] = QUOTE
  }

  #escaped(text: string): void {
    const escaped = text.replaceAll(/['\\\0]/g, found => (found === '\0' ? '\\0' : `\\${found}`))
    this.#room(3 * escaped.length + 2)
    this.bytes[this.length++] = QUOTE
    const written = this.bytes.write(escaped, this.length, 'utf8')
    if (written > escaped.length) this.#hasWide = true
    this.length += written
    this.bytes[this.length++] = QUOTE
  }

  #digits(value: number): void {
    if (value < BILLION) {
      let places = 1
      for (let power = 10; power <= value; power *= 10) places += 1
      this.#padded(value, places)
    } else {
      const high = Math.floor(value / BILLION)
      this.#digits(high)
      this.#padded(value - high * BILLION, 9)
    }
  }

  /** So many digits of a number below a billion. */
  #padded(value: number, places: number): void {
    const { bytes } = this
    let left = value | 0
    for (let at = this.length + places - 1; at >= this.length; at--) {
      const tenth = (left / 10) | 0
      bytes[at] = ZERO + left - tenth * 10
      left = tenth
    }
    this.length += places
  }

  #room(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.length + count))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }
}
