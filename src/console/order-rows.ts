// Orders as the blotter shows them, and the whole life of one: its reports with their times, and what each check said,
// as far as the record tells. A record names the reason of a refusal and thereby the check it came from; what stands
// before that one in the order of checks had let the order pass.

import type { ExecutionReport, OrderRecord, TrackedOrder } from '../client/index.ts'
import {
  OrderStatus,
  OrderTracker,
  orderStatusNames,
  orderTypeNames,
  Reason,
  reasonName,
  Side,
  timeInForceNames,
} from '../client/index.ts'
import { currenciesData } from '../domain/currencies.ts'
import type { LifeMessage, LifeStep, OrderRow, StageFigures, Verdict } from './messages.ts'

export function orderRow(order: TrackedOrder, accountName: string): OrderRow {
  const { accepted, lastReport } = order
  return {
    id: accepted.orderId,
    account: accepted.account,
    accountName,
    ticker: accepted.ticker,
    side: accepted.side === Side.Bid ? 'buy' : accepted.shortFlag ? 'sell short' : 'sell',
    type: wordOf(orderTypeNames[accepted.type]),
    quantity: order.quantity,
    price: order.price,
    done: order.cumQty,
    open: order.leavesQty,
    average: order.avgPx,
    status: wordOf(orderStatusNames[order.status]),
    isTerminal: order.isTerminal,
    timeInForce: timeInForceNames[accepted.timeInForce] ?? '?',
    destination: accepted.destination,
    clOrdId: order.clOrdId,
    acceptedUs: accepted.timestamp,
    changedUs: lastReport?.timestamp ?? accepted.timestamp,
    text: lastReport?.text ?? '',
  }
}

export function lifeOf(record: OrderRecord, accountName: string, stages: readonly StageFigures[]): LifeMessage {
  const { accepted, reports } = record
  const order = new OrderTracker().load(record)
  const terms = reports.findLast(({ status }) => status === OrderStatus.Replaced)?.terms ?? accepted
  return {
    order: orderRow(order, accountName),
    currency: currencyCode(accepted.currency),
    orderSequence: accepted.orderSequence,
    reportSequence: accepted.reportSequence,
    submittedBy: accepted.submissionAccount,
    isShort: terms.shortFlag,
    // In millionths, unlike every other amount.
    holdPrice: terms.holdPrice / 1e6,
    expiryUs: accepted.expiry,
    tags: accepted.tags.map(([key, , value]) => [key, String(value)] as const),
    verdicts: verdictsOf(reports),
    steps: stepsOf(record),
    stages,
  }
}

/** The word for a currency's number; the number itself where it is not one of those built in. */
export function currencyCode(currency: number): string {
  return currenciesData.find(({ id }) => id === currency)?.code ?? (currency === 0 ? '' : String(currency))
}

/** A name of the protocol as people write it: PARTIALLY_FILLED, partially filled. */
export function wordOf(name: string | undefined): string {
  return (name ?? '?').toLowerCase().replaceAll('_', ' ')
}

function stepsOf({ accepted, reports }: OrderRecord): LifeStep[] {
  const first: LifeStep = {
    sequence: 0,
    timeUs: accepted.timestamp,
    afterUs: 0,
    status: wordOf(orderStatusNames[OrderStatus.PendingNew]),
    lastQty: 0,
    lastPx: 0,
    replace: undefined,
    done: 0,
    open: accepted.quantity,
    fees: 0,
    market: '',
    reason: '',
    text: '',
    operator: 0,
  }
  let beforeUs = accepted.timestamp
  const steps = reports.map((report): LifeStep => {
    const afterUs = report.timestamp - beforeUs
    beforeUs = report.timestamp
    return {
      sequence: report.sequence,
      timeUs: report.timestamp,
      afterUs,
      status: wordOf(orderStatusNames[report.status]),
      lastQty: report.lastQty,
      lastPx: report.lastPx,
      replace: report.terms && { quantity: report.terms.quantity, price: report.terms.price },
      done: report.cumQty,
      open: report.leavesQty,
      fees: report.executionFee + report.processingFee + report.commission,
      market: report.lastMarket,
      reason: report.reason === Reason.None ? '' : reasonName(report.reason),
      text: report.text,
      operator: report.operator,
    }
  })
  return [first, ...steps]
}

/** In the order in which the server asks them; those in the middle may be configured in another one. */
const CHECKS: readonly { name: string; isReason: (reason: number) => boolean }[] = [
  { name: 'Form and reference data', isReason: reason => reason >= 100 && reason < 300 },
  { name: 'Halts', isReason: reason => reason === Reason.TradingHalted },
  { name: 'Board lot', isReason: reason => reason === Reason.BoardLot },
  {
    name: 'Buying power',
    isReason: reason => reason > Reason.BoardLot && reason < Reason.ComplianceRefused,
  },
  { name: 'Risk state', isReason: reason => reason === Reason.OnlyClosingOrders },
  { name: 'Compliance rules', isReason: reason => reason >= Reason.ComplianceRefused && reason < 500 },
  { name: 'Destination', isReason: reason => reason >= 600 && reason < 700 },
]

/** What each check said. */
export function verdictsOf(reports: readonly ExecutionReport[]): Verdict[] {
  const first = reports[0]
  if (first === undefined) return CHECKS.map(({ name }) => ({ name, verdict: 'unknown', why: 'no report yet' }))
  const rejection = first.status === OrderStatus.Rejected ? first : undefined
  const refusedAt = rejection === undefined ? CHECKS.length : CHECKS.findIndex(each => each.isReason(rejection.reason))
  return CHECKS.map(({ name }, place): Verdict => {
    if (rejection === undefined || (refusedAt >= 0 && place < refusedAt)) return { name, verdict: 'passed', why: '' }
    if (refusedAt < 0) return { name, verdict: 'unknown', why: 'the reason of the rejection names no check' }
    if (place > refusedAt) return { name, verdict: 'not reached', why: '' }
    return { name, verdict: 'refused', why: `${reasonName(rejection.reason)}: ${rejection.text}` }
  })
}
