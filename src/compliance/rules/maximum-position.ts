// A position may not grow beyond its limit, long or short, even if every open order of its side is filled and none of
// the other side. An order that brings a position back is free as far as it does so.

import { KeyIndex } from '../../base/key-index.ts'
import type { Refusal } from '../../checks/check.ts'
import { numberOfMicros, type Quantity } from '../../domain/money.ts'
import { isTerminal } from '../../domain/order-status.ts'
import { Reason } from '../../domain/reasons.ts'
import { direction, Side } from '../../domain/side.ts'
import { grown } from '../columns.ts'
import {
  type OrderUnderRule,
  type PositionUnderRule,
  type ReportUnderRule,
  Rule,
  type RuleContext,
  type WatchedOrder,
} from '../rule.ts'

const TICKERS_MIN = 4

export class MaximumPosition extends Rule {
  readonly #limit: Quantity
  readonly #context: RuleContext
  readonly #number: number
  /** Ticker → row. */
  readonly #rows = new KeyIndex()
  #position = new Float64Array(TICKERS_MIN)
  /** What the open orders of each side have left. */
  #asks = new Float64Array(TICKERS_MIN)
  #bids = new Float64Array(TICKERS_MIN)

  constructor(limit: Quantity, context: RuleContext) {
    super()
    this.#limit = limit
    this.#context = context
    this.#number = context.enlist(this)
  }

  override permits(order: OrderUnderRule, refusal: Refusal): boolean {
    const row = this.#row(order.tickerIndex)
    const held = direction(order.side) * this.#position[row]!
    const open = order.side === Side.Ask ? this.#asks[row]! : this.#bids[row]!
    const reach = held + open + order.leavesQty
    if (reach > this.#limit) {
      return refusal.set(Reason.PositionTooLarge, numberOfMicros(reach), numberOfMicros(this.#limit))
    }
    return true
  }

  override add(order: OrderUnderRule): void {
    const row = this.#row(order.tickerIndex)
    if (order.side === Side.Ask) this.#asks[row]! += order.leavesQty
    else this.#bids[row]! += order.leavesQty
    this.#context.watches.watch(order, this.#number, row)
  }

  override seed({ tickerIndex, quantity }: PositionUnderRule): void {
    this.#position[this.#row(tickerIndex)]! += quantity
  }

  override report({ side, leavesQty }: WatchedOrder, { status, lastQty }: ReportUnderRule, row: number): boolean {
    this.#position[row]! += direction(side) * lastQty
    const taken = isTerminal(status) ? leavesQty : Math.min(leavesQty, lastQty)
    if (side === Side.Ask) this.#asks[row]! -= taken
    else this.#bids[row]! -= taken
    return true
  }

  #row(tickerIndex: number): number {
    const known = this.#rows.get(tickerIndex)
    if (known >= 0) return known
    const row = this.#rows.size
    if (row === this.#position.length) {
      this.#position = grown(this.#position, row * 2)
      this.#asks = grown(this.#asks, row * 2)
      this.#bids = grown(this.#bids, row * 2)
    }
    this.#rows.set(tickerIndex, row)
    return row
  }
}
