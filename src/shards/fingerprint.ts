// What an order asks for, in two words: two submissions under one client order id are the same order if these agree.

import type { BytesRange } from '../protocol/order-events.ts'

const scratch = new Float64Array(1)
const halves = new Int32Array(scratch.buffer)

export class Fingerprint {
  readonly words = new Int32Array(2)

  /**
   * Takes the fields after the server filled in its defaults, so that spelling out a default changes nothing; the tags
   * as they are encoded, without their number in front.
   */
  take(
    ticker: string,
    destination: string,
    currency: number,
    type: number,
    side: number,
    quantity: number,
    price: number,
    timeInForce: number,
    expiry: number,
    tags: BytesRange,
  ): void {
    const { words } = this
    words[0] = 0x2545f491
    words[1] = 0x6c078965
    this.#text(ticker)
    this.#text(destination)
    this.#word(currency | (type << 16) | (side << 20) | (timeInForce << 24))
    this.#number(quantity)
    this.#number(price)
    this.#number(expiry)
    for (let i = tags.start; i < tags.end; i++) this.#word(tags.bytes[i])
  }

  /** Takes what a replace asks for; which order it is for is known otherwise. */
  takeReplace(quantity: number, price: number): void {
    const { words } = this
    words[0] = 0x5bd1e995
    words[1] = 0x1b873593
    this.#number(quantity)
    this.#number(price)
  }

  #number(value: number): void {
    scratch[0] = value
    this.#word(halves[0])
    this.#word(halves[1])
  }

  #text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#word(text.charCodeAt(i))
    this.#word(text.length)
  }

  #word(value: number): void {
    const { words } = this
    words[0] = Math.imul(words[0] ^ value, 0x9e3779b1)
    words[0] ^= words[0] >>> 15
    words[1] = Math.imul(words[1] ^ value, 0x85ebca6b) + words[0]
    words[1] ^= words[1] >>> 13
  }
}
