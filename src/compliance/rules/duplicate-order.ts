// An account must not enter the same order twice within a short time: same ticker, side, type, quantity and price. The
// time counts from the first of them, whatever became of it; only an order that was rejected is as if it had not been.
//
// The orders inside the time lie in a ring by age, 48 bytes each, and in chains by a hash of what makes them alike.
// Everything names an order by its number of arrival; what is older than the ring is the end of a chain.
//
//   heads[hash] ─► number ─► older number with that hash ─► …

import type { Refusal } from '../../checks/check.ts'
import { OrderStatus } from '../../domain/order-status.ts'
import { Reason } from '../../domain/reasons.ts'
import { grown } from '../columns.ts'
import { type OrderUnderRule, type ReportUnderRule, Rule, type RuleContext, type WatchedOrder } from '../rule.ts'

const US_PER_SECOND = 1_000_000
const ROWS_MIN = 16
const NONE = -1
/** Numbers start again after so many. */
const NUMBERS = 2 ** 30

export class DuplicateOrder extends Rule {
  readonly #windowUs: number
  readonly #context: RuleContext
  readonly #number: number

  // By number, in a ring whose length is a power of two.
  #orderId = new Float64Array(ROWS_MIN)
  #account = new Float64Array(ROWS_MIN)
  #quantity = new Float64Array(ROWS_MIN)
  #price = new Float64Array(ROWS_MIN)
  #time = new Float64Array(ROWS_MIN)
  #tickerIndex = new Int32Array(ROWS_MIN)
  /** Side and type; NONE for an order that was rejected. */
  #form = new Int8Array(ROWS_MIN)
  #older = new Int32Array(ROWS_MIN)
  #heads = new Int32Array(ROWS_MIN).fill(NONE)
  #mask = ROWS_MIN - 1
  #oldest = 0
  #size = 0

  constructor(windowUs: number, context: RuleContext) {
    super()
    this.#windowUs = windowUs
    this.#context = context
    this.#number = context.enlist(this)
  }

  override permits(order: OrderUnderRule, refusal: Refusal): boolean {
    while (this.#size > 0 && order.timestamp - this.#time[this.#oldest & this.#mask]! >= this.#windowUs) {
      this.#oldest = (this.#oldest + 1) % NUMBERS
      this.#size--
    }
    const found = this.#find(order)
    if (found !== NONE) {
      return refusal.set(Reason.DuplicateOrder, this.#orderId[found & this.#mask]!, this.#windowUs / US_PER_SECOND)
    }
    return true
  }

  override add(order: OrderUnderRule): void {
    if (this.#size > this.#mask) this.#grow()
    const number = (this.#oldest + this.#size++) % NUMBERS
    const row = number & this.#mask
    this.#orderId[row] = order.orderId
    this.#account[row] = order.account
    this.#quantity[row] = order.quantity
    this.#price[row] = order.price
    this.#time[row] = order.timestamp
    this.#tickerIndex[row] = order.tickerIndex
    this.#form[row] = formOf(order)
    this.#chain(number)
    this.#context.watches.watch(order, this.#number, number)
  }

  override meet(): void {}

  override report({ orderId }: WatchedOrder, { status }: ReportUnderRule, number: number): boolean {
    const row = number & this.#mask
    if (status === OrderStatus.Rejected && this.#isInRing(number) && this.#orderId[row] === orderId) {
      this.#form[row] = NONE
    }
    return false
  }

  #find(order: OrderUnderRule): number {
    const form = formOf(order)
    const mixed = hash(order.account, order.tickerIndex, form, order.quantity, order.price)
    let number = this.#heads[mixed & this.#mask]!
    while (this.#isInRing(number)) {
      const row = number & this.#mask
      if (
        this.#form[row] === form &&
        this.#tickerIndex[row] === order.tickerIndex &&
        this.#quantity[row] === order.quantity &&
        this.#price[row] === order.price &&
        this.#account[row] === order.account &&
        order.timestamp - this.#time[row]! < this.#windowUs
      ) {
        return number
      }
      number = this.#older[row]!
    }
    return NONE
  }

  #isInRing(number: number): boolean {
    return number !== NONE && (number - this.#oldest + NUMBERS) % NUMBERS < this.#size
  }

  #chain(number: number): void {
    const row = number & this.#mask
    const account = this.#account[row]!
    const mixed = hash(account, this.#tickerIndex[row]!, this.#form[row]!, this.#quantity[row]!, this.#price[row]!)
    this.#older[row] = this.#heads[mixed & this.#mask]!
    this.#heads[mixed & this.#mask] = number
  }

  /** Twice the room. Columns are doubled first; then each number whose row is another one now moves there. */
  #grow(): void {
    const before = this.#mask
    const length = (before + 1) * 2
    this.#orderId = grown(this.#orderId, length)
    this.#account = grown(this.#account, length)
    this.#quantity = grown(this.#quantity, length)
    this.#price = grown(this.#price, length)
    this.#time = grown(this.#time, length)
    this.#tickerIndex = grown(this.#tickerIndex, length)
    this.#form = grown(this.#form, length)
    this.#older = new Int32Array(length)
    this.#heads = new Int32Array(length).fill(NONE)
    this.#mask = length - 1
    for (let i = 0; i < this.#size; i++) {
      const number = (this.#oldest + i) % NUMBERS
      this.#move(number & before, number & this.#mask)
      this.#chain(number)
    }
  }

  #move(from: number, to: number): void {
    this.#orderId[to] = this.#orderId[from]!
    this.#account[to] = this.#account[from]!
    this.#quantity[to] = this.#quantity[from]!
    this.#price[to] = this.#price[from]!
    this.#time[to] = this.#time[from]!
    this.#tickerIndex[to] = this.#tickerIndex[from]!
    this.#form[to] = this.#form[from]!
  }
}

function formOf({ side, type }: OrderUnderRule): number {
  return side * 8 + type
}

/** Mixes what makes orders alike into the low bits of the result. */
function hash(account: number, tickerIndex: number, form: number, quantity: number, price: number): number {
  let mixed = Math.imul(account | 0, 0x9e3779b1) ^ Math.imul(tickerIndex * 16 + form, 0x85ebca6b)
  mixed = Math.imul(mixed ^ ((quantity % 2 ** 32) | 0) ^ (mixed >>> 15), 0xc2b2ae35)
  mixed = Math.imul(mixed ^ ((price % 2 ** 32) | 0) ^ (mixed >>> 13), 0x27d4eb2f)
  return mixed ^ (mixed >>> 16)
}
