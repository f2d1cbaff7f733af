// Orders and reports of the server's client as the models take them: amounts in whole micros, fees in one sum.

import type { ExecutionReport, OrderAccepted } from '../client/index.ts'
import { microsOfNumber } from '../domain/money.ts'
import type { RiskOrder } from './account-risk.ts'
import type { SnapshotReport } from './inventory-snapshot.ts'

export function riskOrderOf(accepted: OrderAccepted): RiskOrder {
  return {
    orderId: accepted.orderId,
    orderSequence: accepted.orderSequence,
    ticker: accepted.ticker,
    currency: accepted.currency,
    type: accepted.type,
    side: accepted.side,
    quantity: microsOfNumber(accepted.quantity),
    price: microsOfNumber(accepted.price),
  }
}

export function snapshotReportOf(report: ExecutionReport): SnapshotReport {
  const { reportSequence, status, lastQty, lastPx, executionFee, processingFee, commission, terms } = report
  return {
    reportSequence,
    status,
    lastQty: microsOfNumber(lastQty),
    lastPx: microsOfNumber(lastPx),
    fees: microsOfNumber(executionFee) + microsOfNumber(processingFee) + microsOfNumber(commission),
    ...(terms !== undefined && {
      terms: { quantity: microsOfNumber(terms.quantity), price: microsOfNumber(terms.price) },
    }),
  }
}
