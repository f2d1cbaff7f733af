// What shards, main and the judge of pooled rules say to each other, as packed lists. Main hands them on as they are.
//
// To the judge, from main: which rules there are, whose accounts it will hear of, and where they lie. From the shard of an
// account: first how the account stands (positions, live orders, latest reports, each in pieces, then `Enrolled`), from
// then on its questions, and what becomes of its orders. From the judge, to the shard that has asked: the verdict.
//
// An epoch is the time from an account's coming under pooled rules to its leaving them. What belongs to an earlier one of
// the same account means nothing any more.

import { assert } from '../base/assert.ts'
import type { OrderStatus } from '../domain/order-status.ts'
import type { OrderType } from '../domain/order-type.ts'
import type { Reason } from '../domain/reasons.ts'
import type { Side } from '../domain/side.ts'
import { pack, unpack } from '../protocol/msgpack.ts'
import type { OrderUnderRule, PositionUnderRule, ReportUnderRule } from './rule.ts'
import { ruleBody, type SentRule } from './rule-messages.ts'

export const ToJudge = {
  /** A pooled rule was stored or is gone. */
  Rule: 1,
  /** An account comes under pooled rules: its shard will tell how it stands, and nothing is judged before. */
  Expect: 2,
  /** It lies elsewhere. */
  Nodes: 3,
  /** No pooled rule is over it any more. */
  Leave: 4,
  Positions: 5,
  Orders: 6,
  Reports: 7,
  /** The account has told all of it. */
  Enrolled: 8,
  /** May this order be accepted? From a verdict that it may, it counts. */
  Submission: 9,
  /** May this order be canceled? */
  Cancel: 10,
  /** The order that might be accepted was not. */
  Over: 11,
  /** An order that nobody judges was accepted. */
  Added: 12,
  /** A fill or the end of an order. */
  Report: 13,
  /** May this order go on under these terms? From a verdict that it may, the worse of the old and the new ones counts. */
  Replace: 14,
  /** The terms that an order has from now on, once it is known what has become of a replace. */
  Terms: 15,
} as const
export type ToJudge = (typeof ToJudge)[keyof typeof ToJudge]

/** Order id, ticker, currency, type, side, quantity, price, what is left of it, time, submission account. */
export type ToldOrder = [
  orderId: number,
  ticker: string,
  currency: number,
  type: OrderType,
  side: Side,
  quantity: number,
  price: number,
  leavesQty: number,
  timestamp: number,
  submissionAccount: number,
]
/** What a replace asks for, who and when, and what it is to the rules. What was executed the judge knows himself. */
export type ToldReplace = [
  orderId: number,
  quantity: number,
  price: number,
  askedBy: number,
  timestamp: number,
  givesUp: boolean,
  asksForMore: boolean,
]
export type ToldPosition = [ticker: string, currency: number, quantity: number, costBasis: number]
export type ToldReport = [status: OrderStatus, lastQty: number, lastPx: number, timestamp: number]

/** Every message to the judge, as it is unpacked. */
export type JudgeMessage =
  | [typeof ToJudge.Rule, body: Uint8Array]
  | [typeof ToJudge.Expect, account: number, epoch: number, nodes: number[]]
  | [typeof ToJudge.Nodes, account: number, epoch: number, nodes: number[]]
  | [typeof ToJudge.Leave, account: number, epoch: number]
  | [typeof ToJudge.Positions, account: number, epoch: number, positions: ToldPosition[]]
  | [typeof ToJudge.Orders, account: number, epoch: number, orders: ToldOrder[]]
  | [typeof ToJudge.Reports, account: number, epoch: number, reports: [ToldOrder, ToldReport][]]
  | [typeof ToJudge.Enrolled, account: number, epoch: number]
  | [typeof ToJudge.Submission, account: number, epoch: number, row: number, question: number, order: ToldOrder]
  | [
      typeof ToJudge.Cancel,
      account: number,
      epoch: number,
      row: number,
      question: number,
      orderId: number,
      askedBy: number,
      timeUs: number,
    ]
  | [typeof ToJudge.Over, account: number, epoch: number, orderId: number, timeUs: number]
  | [typeof ToJudge.Added, account: number, order: ToldOrder]
  | [typeof ToJudge.Report, orderId: number, report: ToldReport]
  | [typeof ToJudge.Replace, account: number, epoch: number, row: number, question: number, replace: ToldReplace]
  | [
      typeof ToJudge.Terms,
      orderId: number,
      quantity: number,
      price: number,
      leavesQty: number,
      /** When it left its price for another; 0 where it did not. */
      leftUs: number,
    ]

export function packToJudge(message: JudgeMessage): Uint8Array {
  return pack(message)
}

export function unpackToJudge(body: Uint8Array): JudgeMessage {
  const message = unpack(body)
  assert(Array.isArray(message), 'a message to the judge that cannot be read')
  return message as unknown as JudgeMessage // our own words
}

/** The message that carries a rule. */
export function judgedRule(rule: SentRule): Uint8Array {
  return packToJudge([ToJudge.Rule, ruleBody(rule)])
}

export function toldOrder(order: OrderUnderRule, ticker: string): ToldOrder {
  const { orderId, currency, type, side, quantity, price, leavesQty, timestamp, submissionAccount } = order
  return [orderId, ticker, currency, type, side, quantity, price, leavesQty, timestamp, submissionAccount]
}

export function toldPosition({ currency, quantity, costBasis }: PositionUnderRule, ticker: string): ToldPosition {
  return [ticker, currency, quantity, costBasis]
}

export function toldReport({ status, lastQty, lastPx, timestamp }: ReportUnderRule): ToldReport {
  return [status, lastQty, lastPx, timestamp]
}

/** The answer to a question. */
export interface Verdict {
  readonly epoch: number
  readonly question: number
  /** None where the order, the cancel or the replace may pass. */
  readonly reason: Reason
  readonly params: readonly (string | number)[]
}

export function packVerdict({ epoch, question, reason, params }: Verdict): Uint8Array {
  return pack([epoch, question, reason, [...params]])
}

export function unpackVerdict(body: Uint8Array): Verdict {
  const [epoch, question, reason, params] = unpack(body) as [number, number, Reason, (string | number)[]]
  return { epoch, question, reason, params } // the judge's own words
}
