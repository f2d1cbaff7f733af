// Unit `order_state`: the reports of one order and where it stands after them.

import { formatDecimal, parseDecimal } from '../../../src/domain/decimal.ts'
import type { ExecutionReport, OrderInfo } from '../../../src/domain/order.ts'
import { firstReport, nextReport } from '../../../src/domain/order.ts'
import { currentStatus, withReport } from '../../../src/domain/order-lifecycle.ts'
import { OrderStatus, orderStatusNames } from '../../../src/domain/order-status.ts'
import { OrderType } from '../../../src/domain/order-type.ts'
import { Side } from '../../../src/domain/side.ts'
import { TimeInForce } from '../../../src/domain/time-in-force.ts'
import { differences } from '../compare.ts'
import type { VectorUnit } from '../unit.ts'

interface ReportStep {
  status: string
  seq?: number
  time?: string
  last_quantity?: number | string
  last_price?: string
  last_market?: string
  text?: string
}

interface OrderStateStep {
  do: string
  label: string
  time?: string
  text?: string
  report: ReportStep
  reports?: ReportStep[]
}

const orderStateUnit: VectorUnit = {
  name: 'order_state',
  run(vector) {
    const found: Record<string, unknown> = {}
    let reports: readonly ExecutionReport[] = []
    let orderTime = 0
    const follow = (report: ReportStep): void => {
      const last = reports.at(-1)
      const changes = changesOf(report, last?.timestamp ?? orderTime)
      const next = last === undefined ? { ...firstReport(order(orderTime)), ...changes } : nextReport(last, changes)
      reports = withReport(reports, { ...next, sequence: report.seq ?? next.sequence })
    }
    for (const step of vector.steps as unknown as OrderStateStep[]) {
      switch (step.do) {
        case 'create':
          orderTime = instant(step.time) ?? 0
          reports = step.reports === undefined ? [firstReport(order(orderTime))] : []
          for (const report of step.reports ?? []) follow(report)
          break
        case 'update':
          follow(step.report)
          break
        case 'cancel_reject':
          follow({ ...textAndTime(step), status: 'CANCEL_REJECT' })
          break
        case 'reject':
          // A refused order is refused at its own time unless the step names another.
          follow({
            ...textAndTime(step),
            status: 'REJECTED',
            time: step.time ?? new Date(orderTime / 1_000).toISOString(),
          })
          break
        case 'status':
          found[step.label] = orderStatusNames[currentStatus(reports)]
          break
        default:
          throw new Error(`there is no step ${step.do}`)
      }
    }
    found.reports = reports.map(readable)
    return differences(normalised(vector.expect), found)
  },
}

export const units: VectorUnit[] = [orderStateUnit]

function order(timestamp: number): OrderInfo {
  return {
    fields: {
      account: 1,
      ticker: { symbol: 'TST', venue: 'XTSE' },
      currency: 124,
      type: OrderType.Limit,
      side: Side.Bid,
      destination: '',
      quantity: 100_000_000,
      price: 1_000_000,
      timeInForce: TimeInForce.Day,
      expiry: 0,
      clOrdId: '',
      tags: [],
    },
    submissionAccount: 1,
    orderId: 1,
    orderSequence: 1,
    timestamp,
    shortFlag: false,
  }
}

function changesOf(report: ReportStep, timeBefore: number): Pick<ExecutionReport, 'status' | 'timestamp'> {
  const status = Object.values(OrderStatus).find(status => orderStatusNames[status] === report.status)
  if (status === undefined) throw new Error(`there is no status ${report.status}`)
  return {
    status,
    timestamp: instant(report.time) ?? timeBefore,
    ...(report.last_quantity === undefined ? {} : { lastQty: amount(report.last_quantity) }),
    ...(report.last_price === undefined ? {} : { lastPx: amount(report.last_price) }),
    ...(report.last_market === undefined ? {} : { lastMarket: report.last_market }),
    ...(report.text === undefined ? {} : { text: report.text }),
  }
}

function textAndTime(step: OrderStateStep): Pick<ReportStep, 'text' | 'time'> {
  return {
    ...(step.text === undefined ? {} : { text: step.text }),
    ...(step.time === undefined ? {} : { time: step.time }),
  }
}

function readable(report: ExecutionReport): Record<string, unknown> {
  return {
    seq: report.sequence,
    status: orderStatusNames[report.status],
    time: new Date(report.timestamp / 1_000).toISOString(),
    last_quantity: formatDecimal(report.lastQty),
    last_price: formatDecimal(report.lastPx),
    last_market: report.lastMarket,
    text: report.text,
  }
}

/** The expectation with its amounts spelled as `readable` spells them. */
function normalised(expect: unknown): unknown {
  const { reports, ...statuses } = expect as { reports?: Record<string, unknown>[] }
  if (reports === undefined) return statuses
  const spelled = (key: string, value: unknown): unknown =>
    key === 'last_quantity' || key === 'last_price' ? formatDecimal(amount(value)) : value
  return {
    ...statuses,
    reports: reports.map(report =>
      Object.fromEntries(Object.entries(report).map(([key, value]) => [key, spelled(key, value)])),
    ),
  }
}

function amount(value: unknown): number {
  const micros = parseDecimal(String(value))
  if (micros === undefined) throw new Error(`${String(value)} is not a decimal number`)
  return micros
}

function instant(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text) * 1_000
}
