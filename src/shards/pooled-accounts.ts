// The accounts of this shard that lie under pooled rules, and what the judge is asked about them: one question for each
// account at a time, while the command it is about is parked.
//
// What the judge is to know is collected here for the open block, and leaves with it: it hears of nothing that is not
// durable.

import { assert } from '../base/assert.ts'
import {
  type JudgeMessage,
  packToJudge,
  ToJudge,
  type ToldOrder,
  type ToldPosition,
  type ToldReplace,
  type ToldReport,
  toldOrder,
  toldReport,
} from '../compliance/pooled-messages.ts'
import type { OrderUnderRule, ReportUnderRule } from '../compliance/rule.ts'
import type { Quantity } from '../domain/money.ts'

/** Items in one message, so that it fits the smallest ring: of a report some 300 bytes. */
const ITEMS_MAX = 32

export interface PooledAccount {
  readonly row: number
  readonly account: number
  readonly epoch: number
  /** Whether the rules judge cancels. */
  asksCancels: boolean
  /** Number of the question that is out; 0 for none. */
  question: number
  /** The order that a verdict may let live; 0 where the question is about a cancel or a replace. */
  orderAsked: number
  /** The order that a verdict may let be replaced; 0 where the question is about something else. */
  replaceAsked: number
  /** What was executed of it when that was asked. */
  cumQtyAsked: Quantity
}

/** How an account stands, told piece by piece. */
export interface Standing {
  position(told: ToldPosition): void
  order(told: ToldOrder): void
  report(order: ToldOrder, told: ToldReport): void
}

export class PooledAccounts {
  readonly #byRow = new Map<number, PooledAccount>()
  #questions = 0
  /** Live orders of which the judge hears. */
  orders = 0
  /** To the judge, behind what the open block has changed. */
  messages: Uint8Array[] = []

  /** Accounts under pooled rules. */
  get size(): number {
    return this.#byRow.size
  }

  find(row: number): PooledAccount | undefined {
    return this.#byRow.get(row)
  }

  /** Whether a question about the account is out. */
  isAsked(row: number): boolean {
    return (this.#byRow.get(row)?.question ?? 0) !== 0
  }

  /** Pooled rules are over the account from now on; `tell` says how it stands. */
  enroll(row: number, account: number, epoch: number, asksCancels: boolean, tell: (standing: Standing) => void): void {
    const known = this.#byRow.get(row)
    if (known !== undefined) {
      assert(known.epoch === epoch, 'an account comes under pooled rules twice')
      known.asksCancels = asksCancels
      return
    }
    this.#byRow.set(row, {
      row,
      account,
      epoch,
      asksCancels,
      question: 0,
      orderAsked: 0,
      replaceAsked: 0,
      cumQtyAsked: 0,
    })
    const positions: ToldPosition[] = []
    const orders: ToldOrder[] = []
    const reports: [ToldOrder, ToldReport][] = []
    tell({
      position: told => positions.push(told),
      order: told => orders.push(told),
      report: (order, told) => reports.push([order, told]),
    })
    for (const piece of pieces(positions)) this.#say([ToJudge.Positions, account, epoch, piece])
    for (const piece of pieces(orders)) this.#say([ToJudge.Orders, account, epoch, piece])
    for (const piece of pieces(reports)) this.#say([ToJudge.Reports, account, epoch, piece])
    this.#say([ToJudge.Enrolled, account, epoch])
  }

  /** None is over it any more. @returns whether a question was out, which needs no answer now */
  leave(row: number): boolean {
    const known = this.#byRow.get(row)
    if (known === undefined) return false
    this.#byRow.delete(row)
    if (known.question === 0) return false
    if (known.orderAsked !== 0) this.over(known, known.orderAsked, 0)
    return true
  }

  askSubmission(known: PooledAccount, order: OrderUnderRule, ticker: string): void {
    known.question = ++this.#questions
    known.orderAsked = order.orderId
    known.replaceAsked = 0
    const { account, epoch, row, question } = known
    this.#say([ToJudge.Submission, account, epoch, row, question, toldOrder(order, ticker)])
  }

  askCancel(known: PooledAccount, orderId: number, askedBy: number, timeUs: number): void {
    known.question = ++this.#questions
    known.orderAsked = 0
    known.replaceAsked = 0
    const { account, epoch, row, question } = known
    this.#say([ToJudge.Cancel, account, epoch, row, question, orderId, askedBy, timeUs])
  }

  askReplace(known: PooledAccount, replace: ToldReplace, cumQty: Quantity): void {
    known.question = ++this.#questions
    known.orderAsked = 0
    known.replaceAsked = replace[0]
    known.cumQtyAsked = cumQty
    const { account, epoch, row, question } = known
    this.#say([ToJudge.Replace, account, epoch, row, question, replace])
  }

  /** The account whose question is answered by that; undefined where nobody asks it any more. */
  answered(row: number, epoch: number, question: number): PooledAccount | undefined {
    const known = this.#byRow.get(row)
    if (known?.epoch !== epoch || known.question !== question) return undefined
    known.question = 0
    return known
  }

  /** The order was let pass, and is refused all the same. */
  over({ account, epoch }: PooledAccount, orderId: number, timeUs: number): void {
    this.#say([ToJudge.Over, account, epoch, orderId, timeUs])
  }

  /** An order that nobody has judged. */
  added({ account }: PooledAccount, order: OrderUnderRule, ticker: string): void {
    this.#say([ToJudge.Added, account, toldOrder(order, ticker)])
  }

  /** The terms that an order has now; `leftUs` is when it left its price for another, 0 where it did not. */
  terms({ orderId, quantity, price, leavesQty }: OrderUnderRule, leftUs: number): void {
    this.#say([ToJudge.Terms, orderId, quantity, price, leavesQty, leftUs])
  }

  reported(orderId: number, report: ReportUnderRule): void {
    this.#say([ToJudge.Report, orderId, toldReport(report)])
  }

  #say(message: JudgeMessage): void {
    this.messages.push(packToJudge(message))
  }
}

function* pieces<Item>(items: readonly Item[]): IterableIterator<Item[]> {
  for (let at = 0; at < items.length; at += ITEMS_MAX) yield items.slice(at, at + ITEMS_MAX)
}
