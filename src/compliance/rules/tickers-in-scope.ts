// Which tickers a scope contains, asked once for each.

import type { Definitions } from '../../domain/definitions.ts'
import { type Scope, scopeHasTicker } from '../../domain/scopes.ts'
import { grown } from '../columns.ts'
import type { OrderUnderRule } from '../rule.ts'

const OUTSIDE = 1
const INSIDE = 2

export class TickersInScope {
  readonly #scope: Scope
  readonly #definitions: Definitions
  /** By ticker index: OUTSIDE, INSIDE, or 0 before it was asked. */
  #answers = new Uint8Array(64)

  constructor(scope: Scope, definitions: Definitions) {
    this.#scope = scope
    this.#definitions = definitions
  }

  has({ tickerIndex, ticker }: OrderUnderRule): boolean {
    if (this.#scope.isGlobal) return true
    const known = this.#answers[tickerIndex]
    if (known === OUTSIDE || known === INSIDE) return known === INSIDE
    const isInside = scopeHasTicker(this.#scope, ticker, this.#definitions)
    while (tickerIndex >= this.#answers.length) this.#answers = grown(this.#answers, this.#answers.length * 2)
    this.#answers[tickerIndex] = isInside ? INSIDE : OUTSIDE
    return isInside
  }
}
