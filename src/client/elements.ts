// Reads the elements of a message that came from the server. What is missing at the end, or nil, reads as empty; what
// has the wrong type ends the connection, because a peer that sends such things cannot be trusted with the rest.

import { microsOfNumber } from '../domain/money.ts'
import type { Value } from '../protocol/msgpack.ts'
import { ClientCode, OesError } from './client-error.ts'

export class Elements {
  readonly #values: readonly Value[]

  constructor(values: readonly Value[]) {
    this.#values = values
  }

  /** Reads `value` as a nested message. @throws OesError MALFORMED_ANSWER */
  static of(value: Value | undefined): Elements {
    if (!Array.isArray(value)) throw malformed('a list was expected')
    return new Elements(value)
  }

  integer(index: number): number {
    const value = this.number(index)
    if (!Number.isSafeInteger(value)) throw malformed(`element ${index} is no whole number`)
    return value
  }

  number(index: number): number {
    const value = this.#values[index] ?? 0
    if (typeof value !== 'number') throw malformed(`element ${index} is no number`)
    return value
  }

  /** A price, quantity or sum: a number with at most six decimals. */
  amount(index: number): number {
    const value = this.number(index)
    if (Number.isNaN(microsOfNumber(value))) throw malformed(`element ${index} is no amount`)
    return value
  }

  text(index: number): string {
    const value = this.#values[index] ?? ''
    if (typeof value !== 'string') throw malformed(`element ${index} is no text`)
    return value
  }

  /** A number or a text. */
  scalar(index: number): number | string {
    return typeof this.#values[index] === 'string' ? this.text(index) : this.number(index)
  }

  list(index: number): Value[] {
    const value = this.#values[index] ?? []
    if (!Array.isArray(value)) throw malformed(`element ${index} is no list`)
    return value
  }

  /** The element itself, to be read as a nested message. */
  nested(index: number): Elements {
    return Elements.of(this.#values[index])
  }
}

/** The failure for anything that is not part of the protocol. */
export function malformed(what: string, cause?: unknown): OesError {
  return new OesError(ClientCode.MalformedAnswer, `The server sent a message that is not understood: ${what}.`, {
    params: [what],
    cause,
  })
}
