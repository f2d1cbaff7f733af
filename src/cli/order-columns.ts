// Orders and their reports as people and programs read them.

import {
  type ExecutionReport,
  type OrderAccepted,
  OrderStatus,
  OrderType,
  orderStatusNames,
  orderTypeNames,
  type ReplaceTerms,
  type SubscriptionEvent,
  sideNames,
  type TrackedOrder,
  timeInForceNames,
} from '../client/index.ts'
import { currenciesData } from '../domain/currencies.ts'
import { formatMoney, formatQuantity } from '../domain/decimal.ts'
import { MICROS } from '../domain/money.ts'
import type { Colour, Output } from './output.ts'
import type { Column } from './table.ts'

/** A quantity as people read it. */
export function quantityText(quantity: number): string {
  return formatQuantity(Math.round(quantity * MICROS))
}

/** A price or a sum as people read it. */
export function moneyText(money: number): string {
  return formatMoney(Math.round(money * MICROS))
}

/** The code of a well-known currency, the ISO 4217 number of another. */
export function currencyText(id: number): string {
  return currenciesData.find(currency => currency.id === id)?.code ?? String(id)
}

/** A time in µs, in UTC, with all its digits. */
export function timeText(timestamp: number): string {
  const ms = Math.floor(timestamp / 1_000)
  const micros = String(timestamp - ms * 1_000).padStart(3, '0')
  return new Date(ms).toISOString().replace('Z', `${micros}Z`)
}

export function statusText(status: OrderStatus): string {
  return orderStatusNames[status] ?? `STATUS_${status}`
}

export function statusColour(status: OrderStatus): Colour | undefined {
  if (status === OrderStatus.Rejected || status === OrderStatus.CancelReject) return 'red'
  if (status === OrderStatus.ReplaceReject) return 'red'
  if (status === OrderStatus.Filled || status === OrderStatus.PartiallyFilled) return 'green'
  if (status === OrderStatus.PendingNew || status === OrderStatus.PendingCancel) return 'yellow'
  if (status === OrderStatus.PendingReplace) return 'yellow'
  return undefined
}

/** Columns of a list of orders. */
export function orderColumns(output: Output): Column<TrackedOrder>[] {
  return [
    { title: 'ORDER', align: 'right', cell: order => String(order.accepted.orderId) },
    { title: 'TIME', cell: order => timeText(order.accepted.timestamp) },
    { title: 'SIDE', cell: order => sideNames[order.accepted.side] ?? '?' },
    { title: 'QUANTITY', align: 'right', cell: order => quantityText(order.quantity) },
    { title: 'TICKER', cell: order => order.accepted.ticker },
    { title: 'TYPE', cell: order => orderTypeNames[order.accepted.type] ?? '?' },
    { title: 'PRICE', align: 'right', cell: order => priceText(order.accepted.type, order.price) },
    { title: 'TIF', cell: order => timeInForceNames[order.accepted.timeInForce] ?? '?' },
    {
      title: 'STATUS',
      cell: order => statusText(order.status),
      paint: (text, order) => {
        const colour = statusColour(order.status)
        return colour === undefined ? text : output.paint(colour, text)
      },
    },
    { title: 'DONE', align: 'right', cell: order => quantityText(order.cumQty) },
    { title: 'OPEN', align: 'right', cell: order => quantityText(order.leavesQty) },
    { title: 'AVERAGE', align: 'right', cell: order => (order.cumQty === 0 ? '-' : moneyText(order.avgPx)) },
    { title: 'DESTINATION', cell: order => order.accepted.destination },
    { title: 'CLORDID', cell: order => order.clOrdId },
  ]
}

function priceText(type: OrderType, price: number): string {
  return type === OrderType.Market || price === 0 ? '-' : moneyText(price)
}

/** One event in one line, its columns as wide as usual values are. */
export function eventLine(event: SubscriptionEvent, output: Output): string {
  if (event.event === 'membership') {
    return `account ${event.account} ${event.joined ? 'joined' : 'left'} the group at report ${event.nextSequence}`
  }
  const place = `${event.account}:${event.reportSequence}`.padStart(10)
  const head = `${timeText(event.timestamp)}  ${place}  order ${String(event.orderId).padEnd(8)}`
  if (event.event === 'accepted') return `${head}  ${''.padEnd(16)}  ${acceptedText(event)}`.trimEnd()
  const colour = statusColour(event.status)
  const status = statusText(event.status).padEnd(16)
  return `${head}  ${colour === undefined ? status : output.paint(colour, status)}  ${reportText(event)}`.trimEnd()
}

/** What an order asks for, in a few words. */
export function acceptedText(order: OrderAccepted): string {
  const price = order.type === OrderType.Market || order.price === 0 ? '' : ` ${moneyText(order.price)}`
  const what = `${sideNames[order.side]} ${quantityText(order.quantity)} ${order.ticker} ${orderTypeNames[order.type]}${price}`
  return `${what} ${timeInForceNames[order.timeInForce]}${order.clOrdId === '' ? '' : ` (${order.clOrdId})`}`
}

/** What a replace asks for, or brought. */
export function termsText({ quantity, price, clOrdId }: ReplaceTerms): string {
  const at = price === 0 ? '' : ` @ ${moneyText(price)}`
  return `${quantityText(quantity)}${at}${clOrdId === '' ? '' : ` (${clOrdId})`}`
}

function reportText(report: ExecutionReport): string {
  const parts: string[] = []
  if (report.terms !== undefined) parts.push(termsText(report.terms))
  if (report.lastQty !== 0) {
    const market = report.lastMarket === '' ? '' : ` at ${report.lastMarket}`
    parts.push(`${quantityText(report.lastQty)} @ ${moneyText(report.lastPx)}${market}`)
    parts.push(`${quantityText(report.leavesQty)} open`)
  }
  if (report.text !== '') parts.push(report.text)
  return parts.join('; ')
}

/** An event with names in place of ordinals, for programs. */
export function eventJson(event: SubscriptionEvent): Record<string, unknown> {
  switch (event.event) {
    case 'accepted':
      return {
        ...event,
        type: orderTypeNames[event.type],
        side: sideNames[event.side],
        timeInForce: timeInForceNames[event.timeInForce],
      }
    case 'report':
      return { ...event, status: statusText(event.status) }
    case 'membership':
      return { ...event }
  }
}

/** An order with its sums and names in place of ordinals, for programs. */
export function orderJson(order: TrackedOrder): Record<string, unknown> {
  const { status, isTerminal, cumQty, leavesQty, avgPx, fees, accepted, lastReport } = order
  const { event: _, ...fields } = eventJson(accepted)
  const last = lastReport === undefined ? {} : { reason: lastReport.reason, text: lastReport.text }
  const { quantity, price, clOrdId } = order
  return {
    ...fields,
    quantity,
    price,
    clOrdId,
    status: statusText(status),
    isTerminal,
    cumQty,
    leavesQty,
    avgPx,
    fees,
    ...last,
  }
}
