// How the vectors of the destinations spell orders and reports, read into what the destinations and the recording desk
// take, and written back for comparison.

import { RoutedOrder } from '../../src/destinations/destination.ts'
import { pegOf } from '../../src/destinations/peg.ts'
import { formatDecimal, parseDecimal } from '../../src/domain/decimal.ts'
import type { ExecutionReport } from '../../src/domain/order.ts'
import { type OrderStatus, orderStatusNames } from '../../src/domain/order-status.ts'
import { type OrderType, orderTypeNames } from '../../src/domain/order-type.ts'
import { reasonName } from '../../src/domain/reasons.ts'
import { type Side, sideNames } from '../../src/domain/side.ts'
import { type Tag, TagType } from '../../src/domain/tags.ts'
import { type TimeInForce, timeInForceNames } from '../../src/domain/time-in-force.ts'
import { emptyReport, type RecordedOrder } from './recording-desk.ts'

export interface VectorFields {
  readonly ticker?: string
  readonly type?: string
  readonly side?: string
  readonly quantity?: number | string
  readonly price?: number | string
  readonly destination?: string
  readonly time_in_force?: string
  readonly expiry?: string
  readonly additional_fields?: readonly { readonly key: number; readonly type: string; readonly value: unknown }[]
}

export interface VectorReport {
  readonly status: string
  readonly seq?: number
  readonly time?: string
  readonly last_quantity?: number | string
  readonly last_price?: number | string
  readonly last_market?: string
  readonly text?: string
}

export function routedOrder(fields: VectorFields): RoutedOrder {
  const order = new RoutedOrder()
  order.type = named<OrderType>(orderTypeNames, fields.type ?? 'LIMIT')
  order.side = readSide(fields.side ?? 'BID')
  order.quantity = micros(fields.quantity ?? 100)
  order.price = micros(fields.price ?? 0)
  order.timeInForce = named<TimeInForce>(timeInForceNames, fields.time_in_force ?? 'DAY')
  order.expiryUs = fields.expiry === undefined ? Number.POSITIVE_INFINITY : microseconds(fields.expiry)
  order.destination = fields.destination ?? ''
  pegOf((fields.additional_fields ?? []).map(tag), order)
  return order
}

export function readSide(name: string): Side {
  return named<Side>(sideNames, name)
}

/** A report as it is stored or entered by hand; without a time it gets `timestamp`. */
export function vectorReport(orderId: number, report: VectorReport, timestamp: number): ExecutionReport {
  return {
    ...emptyReport(orderId),
    sequence: report.seq ?? 0,
    status: named<OrderStatus>(orderStatusNames, report.status),
    timestamp: report.time === undefined ? timestamp : microseconds(report.time),
    lastQty: micros(report.last_quantity ?? 0),
    lastPx: micros(report.last_price ?? 0),
    lastMarket: report.last_market ?? '',
    text: report.text ?? '',
  }
}

/** The reports of the orders, by order id, as vectors expect them. */
export function readableOrders(orders: Iterable<RecordedOrder>): Record<string, unknown> {
  return Object.fromEntries([...orders].map(({ orderId, reports }) => [orderId, reports.map(readable)]))
}

export function statuses(order: RecordedOrder): string[] {
  return order.reports.map(({ status }) => orderStatusNames[status])
}

/** An expectation with its amounts spelled as `readableOrders` spells them. */
export function respelled(expect: unknown): unknown {
  if (Array.isArray(expect)) return expect.map(respelled)
  if (typeof expect !== 'object' || expect === null) return expect
  return Object.fromEntries(
    Object.entries(expect).map(([key, value]) => {
      const isAmount = key === 'last_quantity' || key === 'last_price'
      return [key, isAmount ? formatDecimal(micros(value)) : respelled(value)]
    }),
  )
}

export function micros(value: unknown): number {
  const amount = parseDecimal(String(value))
  if (amount === undefined) throw new Error(`${String(value)} is not a decimal number`)
  return amount
}

export function microseconds(time: string): number {
  return Date.parse(time) * 1_000
}

function readable(report: ExecutionReport): Record<string, unknown> {
  return {
    seq: report.sequence,
    status: orderStatusNames[report.status],
    time: new Date(report.timestamp / 1_000).toISOString(),
    last_quantity: formatDecimal(report.lastQty),
    last_price: formatDecimal(report.lastPx),
    last_market: report.lastMarket,
    code: reasonName(report.reason),
    text: report.text,
  }
}

function tag({ key, type, value }: { readonly key: number; readonly type: string; readonly value: unknown }): Tag {
  switch (type) {
    case 'string':
      return { key, type: TagType.Text, value: String(value) }
    case 'money':
      return { key, type: TagType.Money, value: micros(value) }
    case 'quantity':
      return { key, type: TagType.Quantity, value: micros(value) }
    case 'integer':
      return { key, type: TagType.Integer, value: Number(value) }
    default:
      throw new Error(`there is no tag type ${type}`)
  }
}

/** The member of a closed set that has this name. */
function named<Member extends number>(names: Readonly<Record<number, string>>, name: string): Member {
  const found = Object.entries(names).find(([, memberName]) => memberName === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return Number(found[0]) as Member
}
