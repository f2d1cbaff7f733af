// After a cancel on one side the other side must not be entered for a while at prices that would have crossed the
// canceled order. The cancel that counts, the reference of its side, is the most aggressive of those inside the time.
//
// Cancels are looked at when the next submission comes, by the time of that submission. Until then they wait in a queue
// that keeps only those which could still become the reference: one that is followed by another at least as aggressive
// and not older never does. So the queue of a mass cancel stays short.

import type { Refusal } from '../../checks/check.ts'
import type { Money, Price } from '../../domain/money.ts'
import { OrderStatus } from '../../domain/order-status.ts'
import { OrderType } from '../../domain/order-type.ts'
import { Reason } from '../../domain/reasons.ts'
import { Side } from '../../domain/side.ts'
import { grown } from '../columns.ts'
import { type OrderUnderRule, type ReportUnderRule, Rule, type RuleContext, type WatchedOrder } from '../rule.ts'

const US_PER_SECOND = 1_000_000
const QUEUE_MIN = 8

/** The cancels of one side. Prices are kept as keys, lower the more aggressive they are: bids with their sign changed. */
class CanceledSide {
  #referenceTime = Number.NEGATIVE_INFINITY
  #referenceKey = Number.POSITIVE_INFINITY
  #times = new Float64Array(QUEUE_MIN)
  #keys = new Float64Array(QUEUE_MIN)
  #waiting = 0

  canceled(key: number, timestamp: number): void {
    while (this.#waiting > 0 && this.#times[this.#waiting - 1]! <= timestamp && this.#keys[this.#waiting - 1]! >= key) {
      this.#waiting--
    }
    if (this.#waiting === this.#times.length) {
      this.#times = grown(this.#times, this.#waiting * 2)
      this.#keys = grown(this.#keys, this.#waiting * 2)
    }
    this.#times[this.#waiting] = timestamp
    this.#keys[this.#waiting++] = key
  }

  /** Takes the cancels that wait, by the present. */
  look(nowUs: number, timeoutUs: number): void {
    for (let i = 0; i < this.#waiting; i++) {
      if (nowUs - this.#referenceTime > timeoutUs) this.#referenceKey = Number.POSITIVE_INFINITY
      if (this.#times[i]! < this.#referenceTime || this.#keys[i]! > this.#referenceKey) continue
      this.#referenceTime = this.#times[i]!
      this.#referenceKey = this.#keys[i]!
    }
    this.#waiting = 0
  }

  /** Whether the other side may not be entered at `key` of this side, as cancels since `sinceUs` count. */
  forbids(key: number, offset: Money, sinceUs: number): boolean {
    return key >= this.#referenceKey - offset && this.#referenceTime >= sinceUs
  }
}

export class OpposingSubmission extends Rule {
  readonly #timeoutS: number
  readonly #offset: Money
  readonly #context: RuleContext
  readonly #number: number
  readonly #asks = new CanceledSide()
  readonly #bids = new CanceledSide()

  constructor(timeoutS: number, offset: Money, context: RuleContext) {
    super()
    this.#timeoutS = timeoutS
    this.#offset = offset
    this.#context = context
    this.#number = context.enlist(this)
  }

  override permits(order: OrderUnderRule, refusal: Refusal): boolean {
    if (!isJudged(order.type)) return true
    const { type, side, timestamp } = order
    const timeoutUs = this.#timeoutS * US_PER_SECOND
    this.#asks.look(timestamp, timeoutUs)
    this.#bids.look(timestamp, timeoutUs)
    const price = priceOf(type, side, order.price)
    const isAsk = side === Side.Ask
    const opposing = isAsk ? this.#bids : this.#asks
    if (opposing.forbids(isAsk ? -price : price, this.#offset, timestamp - timeoutUs)) {
      return refusal.set(Reason.OpposingSubmission, this.#timeoutS)
    }
    return true
  }

  override add(order: OrderUnderRule): void {
    if (isJudged(order.type)) this.#context.watches.watch(order, this.#number, 0)
  }

  override recall(order: OrderUnderRule, report: ReportUnderRule): void {
    if (isJudged(order.type)) this.#note(order.type, order.side, order.price, report)
  }

  override report(order: WatchedOrder, report: ReportUnderRule): boolean {
    this.#note(order.type, order.side, order.price, report)
    return true
  }

  #note(type: OrderType, side: Side, limit: Price, { status, timestamp }: ReportUnderRule): void {
    if (status !== OrderStatus.Canceled) return
    const price = priceOf(type, side, limit)
    if (side === Side.Ask) this.#asks.canceled(price, timestamp)
    else this.#bids.canceled(-price, timestamp)
  }
}

function isJudged(type: OrderType): boolean {
  return type === OrderType.Limit || type === OrderType.Market
}

/** A market order would trade at any price. */
function priceOf(type: OrderType, side: Side, limit: Price): Price {
  if (type === OrderType.Limit) return limit
  return side === Side.Ask ? 0 : Number.POSITIVE_INFINITY
}
