// Which rules watch which orders. One table for all rules of a shard: a report finds its order once, and goes to those
// rules alone that count the order, however deep they lie inside others and however many there are.
//
//   order id ─KeyIndex─► row ─► line ─► line …
//
//   row, 40 bytes, what a report does not say of its order
//   | quantity | price | leaves quantity | account | ticker index | currency, side, type | first line |
//     f64        f64     f64               u32       i32            i32                    i32
//   line, 64 bytes, a cache line
//   | next line | places used | (number of the rule, mark) × 7 |
//     i32         i32            i32, i32
//
// A mark is what the rule needs to find what it keeps for the order. Number 0 is a place given up. Rows and lines of
// ended orders are used again; nothing is allocated except when there are more of them than ever.

import { KeyIndex } from '../base/key-index.ts'
import { isTerminal } from '../domain/order-status.ts'
import type { OrderType } from '../domain/order-type.ts'
import type { Side } from '../domain/side.ts'
import { grown } from './columns.ts'
import { type OrderUnderRule, type ReportUnderRule, WatchedOrder } from './rule.ts'

/** Who watches orders. */
export interface Watcher {
  /** A fill or the end of the order; false ends the watch. */
  report(order: WatchedOrder, report: ReportUnderRule, mark: number): boolean
}

const ROWS_MIN = 64

// Places in a row, counted in doubles, then in 32-bit words.
const ROW_WORDS = 5
const QUANTITY = 0
const PRICE = 1
const LEAVES = 2
const ROW_WORDS_32 = ROW_WORDS * 2
const ACCOUNT = 6
const TICKER = 7
const FORM = 8
/** Of a free row: the next free one. */
const LINE = 9

const LINE_WORDS = 16
const NEXT = 0
const USED = 1
const PLACES = 2
const PLACES_MAX = (LINE_WORDS - PLACES) / 2

export class WatchTable {
  readonly #index = new KeyIndex()
  #rows = new Float64Array(ROWS_MIN * ROW_WORDS)
  #rows32 = new Int32Array(this.#rows.buffer)
  #rowsUsed = 0
  #freeRow = -1

  /** Line 0 stands for none. */
  #lines = new Int32Array(ROWS_MIN * LINE_WORDS)
  #linesUsed = 1
  #freeLine = 0

  /** By number; 0 is nobody. */
  readonly #watchers: (Watcher | undefined)[] = [undefined]
  readonly #freeNumbers: number[] = []

  readonly #watched = new WatchedOrder()
  /** The order watched last: the rules of one order come one after the other. */
  #lastOrderId = -1
  #lastRow = -1

  /** Orders that are watched. */
  get size(): number {
    return this.#index.size
  }

  /** A number for `watcher`. */
  enlist(watcher: Watcher): number {
    const number = this.#freeNumbers.pop() ?? this.#watchers.length
    this.#watchers[number] = watcher
    return number
  }

  /** The numbers are given up, and with them everything watched under them. */
  dismiss(numbers: readonly number[]): void {
    for (const number of numbers) this.#watchers[number] = undefined
    const lines = this.#lines
    for (let line = 1; line < this.#linesUsed; line++) {
      const at = line * LINE_WORDS
      for (let place = at + PLACES; place < at + PLACES + lines[at + USED]! * 2; place += 2) {
        if (this.#watchers[lines[place]!] === undefined) lines[place] = 0
      }
    }
    for (const number of numbers) this.#freeNumbers.push(number)
  }

  /** The rule `number` hears of the order from now on; once at most for each order. */
  watch(order: OrderUnderRule, number: number, mark: number): void {
    const row = order.orderId === this.#lastOrderId ? this.#lastRow : this.#rowOf(order)
    let line = this.#rows32[row * ROW_WORDS_32 + LINE]!
    if (line === 0 || this.#lines[line * LINE_WORDS + USED] === PLACES_MAX) {
      const next = line
      line = this.#takeLine()
      this.#lines[line * LINE_WORDS + NEXT] = next
      this.#rows32[row * ROW_WORDS_32 + LINE] = line
    }
    const at = line * LINE_WORDS
    const used = this.#lines[at + USED]!
    this.#lines[at + PLACES + used * 2] = number
    this.#lines[at + PLACES + used * 2 + 1] = mark
    this.#lines[at + USED] = used + 1
  }

  /** Tells a report to all who watch the order; its end ends the watch. Reports that are neither fill nor end tell nothing. */
  report(orderId: number, report: ReportUnderRule): void {
    const terminal = isTerminal(report.status)
    if (report.lastQty === 0 && !terminal) return
    const row = this.#index.get(orderId)
    if (row < 0) return
    const at = row * ROW_WORDS
    const at32 = row * ROW_WORDS_32
    const form = this.#rows32[at32 + FORM]!
    const order = this.#watched
    order.orderId = orderId
    order.account = this.#rows32[at32 + ACCOUNT]! >>> 0
    order.tickerIndex = this.#rows32[at32 + TICKER]!
    order.side = sideOf(form)
    order.type = typeOf(form)
    order.currency = form >>> FORM_CURRENCY
    order.quantity = this.#rows[at + QUANTITY]!
    order.price = this.#rows[at + PRICE]!
    order.leavesQty = this.#rows[at + LEAVES]!
    const lines = this.#lines
    for (let line = this.#rows32[at32 + LINE]!; line !== 0; line = lines[line * LINE_WORDS + NEXT]!) {
      const first = line * LINE_WORDS + PLACES
      const end = first + lines[line * LINE_WORDS + USED]! * 2
      for (let place = first; place < end; place += 2) {
        const number = lines[place]!
        if (number !== 0 && !this.#watchers[number]!.report(order, report, lines[place + 1]!)) lines[place] = 0
      }
    }
    if (terminal) this.#drop(orderId, row)
    else this.#rows[at + LEAVES] = Math.max(0, order.leavesQty - report.lastQty)
  }

  #rowOf(order: OrderUnderRule): number {
    let row = this.#index.get(order.orderId)
    if (row < 0) {
      row = this.#takeRow()
      this.#index.set(order.orderId, row)
      const at = row * ROW_WORDS
      const at32 = row * ROW_WORDS_32
      this.#rows[at + QUANTITY] = order.quantity
      this.#rows[at + PRICE] = order.price
      this.#rows[at + LEAVES] = order.leavesQty
      this.#rows32[at32 + ACCOUNT] = order.account
      this.#rows32[at32 + TICKER] = order.tickerIndex
      this.#rows32[at32 + FORM] = formOf(order)
      this.#rows32[at32 + LINE] = 0
    }
    this.#lastOrderId = order.orderId
    this.#lastRow = row
    return row
  }

  #drop(orderId: number, row: number): void {
    this.#index.delete(orderId)
    if (orderId === this.#lastOrderId) this.#lastOrderId = -1
    const at32 = row * ROW_WORDS_32
    for (let line = this.#rows32[at32 + LINE]!; line !== 0; ) {
      const at = line * LINE_WORDS
      const next = this.#lines[at + NEXT]!
      this.#lines[at + USED] = 0
      this.#lines[at + NEXT] = this.#freeLine
      this.#freeLine = line
      line = next
    }
    this.#rows32[at32 + LINE] = this.#freeRow
    this.#freeRow = row
  }

  #takeRow(): number {
    const row = this.#freeRow
    if (row >= 0) {
      this.#freeRow = this.#rows32[row * ROW_WORDS_32 + LINE]!
      return row
    }
    if ((this.#rowsUsed + 1) * ROW_WORDS > this.#rows.length) {
      this.#rows = grown(this.#rows, this.#rows.length * 2)
      this.#rows32 = new Int32Array(this.#rows.buffer)
    }
    return this.#rowsUsed++
  }

  #takeLine(): number {
    const line = this.#freeLine
    if (line !== 0) {
      this.#freeLine = this.#lines[line * LINE_WORDS + NEXT]!
      return line
    }
    if ((this.#linesUsed + 1) * LINE_WORDS > this.#lines.length) {
      this.#lines = grown(this.#lines, this.#lines.length * 2)
    }
    return this.#linesUsed++
  }
}

// Currency, side and type in one word: 16 bits, then 4 and 4 in which none, −1, is 0.
const FORM_CURRENCY = 8
const FORM_SIDE = 4
const FORM_MASK = 15

function formOf({ currency, side, type }: OrderUnderRule): number {
  return (currency << FORM_CURRENCY) | ((side + 1) << FORM_SIDE) | (type + 1)
}

function sideOf(form: number): Side {
  return (((form >> FORM_SIDE) & FORM_MASK) - 1) as Side
}

function typeOf(form: number): OrderType {
  return ((form & FORM_MASK) - 1) as OrderType
}
