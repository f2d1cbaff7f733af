// One pass over everything a store has of every order: its submission, its reports in their order, which of those are
// listed as telling the client order id of a replace, and whether it is among the live ones. The four tables are read
// side by side in the order of their primary keys, so each row is read once and none is searched for; an order that only
// some of them know appears all the same.

import { OrderStatus } from '../domain/order-status.ts'
import type { Row } from '../stores/readable-store.ts'
import { PAGE_ROWS, PagedRows } from './paged-rows.ts'
import { amountColumn, behind, numberOf, type StoreTables, wholeColumn } from './store-tables.ts'

/** Amounts in micros; null is what the table should not hold. */
export interface SubmissionFacts {
  account: number
  side: number | null
  type: number | null
  timeInForce: number | null
  quantity: number | null
  price: number | null
}

export interface ReportFacts {
  account: number
  sequence: number
  status: number | null
  lastQuantity: number | null
  lastPrice: number | null
  executionFee: number | null
  processingFee: number | null
  commission: number | null
  /** 0 in tables without the column. */
  cumulativeQuantity: number | null
  /** Of the replace that the report tells of; 0 elsewhere, and in tables without the column. */
  quantity: number | null
  /** It tells the client order id of a replace first. */
  tellsReplaceId: boolean
}

/** Who looks at the orders. What it is given is filled in again for the next one. */
export interface OrderVisitor {
  /** A new order; its submission where there is one. */
  begin(orderId: number, submission: SubmissionFacts | undefined, isLive: boolean): void
  report(report: ReportFacts): void
  /** A row of replace_client_order_ids, before the reports behind it. */
  replaceId(sequence: number): void
  /** The order has no more reports. */
  end(): void
}

export async function scanOrders(tables: StoreTables, visitor: OrderVisitor): Promise<void> {
  const submissions = new PagedRows(last => submissionPage(tables, last))
  const reports = new PagedRows(last => reportPage(tables, last))
  const live = new PagedRows(last => livePage(tables, last))
  const replaceIds = new PagedRows(last => replaceIdPage(tables, last))
  const submission: SubmissionFacts = { account: 0, side: 0, type: 0, timeInForce: 0, quantity: 0, price: 0 }
  const report: ReportFacts = {
    account: 0,
    sequence: 0,
    status: 0,
    lastQuantity: 0,
    lastPrice: 0,
    executionFee: 0,
    processingFee: 0,
    commission: 0,
    cumulativeQuantity: 0,
    quantity: 0,
    tellsReplaceId: false,
  }
  for (;;) {
    if (submissions.needsPage) await submissions.fill()
    if (reports.needsPage) await reports.fill()
    if (live.needsPage) await live.fill()
    if (replaceIds.needsPage) await replaceIds.fill()
    const orderId = Math.min(
      orderIdOf(submissions.row),
      orderIdOf(reports.row),
      orderIdOf(live.row),
      orderIdOf(replaceIds.row),
    )
    if (orderId === Number.POSITIVE_INFINITY) return
    const isLive = orderIdOf(live.row) === orderId
    if (isLive) live.advance()
    if (orderIdOf(submissions.row) === orderId) {
      visitor.begin(orderId, readSubmission(submission, submissions.row!), isLive)
      submissions.advance()
    } else {
      visitor.begin(orderId, undefined, isLive)
    }
    while (orderIdOf(replaceIds.row) === orderId) {
      visitor.replaceId(Number(replaceIds.row![1]))
      replaceIds.advance()
      if (replaceIds.needsPage) await replaceIds.fill()
    }
    while (orderIdOf(reports.row) === orderId) {
      visitor.report(readReport(report, reports.row!))
      reports.advance()
      if (reports.needsPage) await reports.fill()
    }
    visitor.end()
  }
}

function orderIdOf(row: Row | undefined): number {
  return row === undefined ? Number.POSITIVE_INFINITY : Number(row[0])
}

function submissionPage(tables: StoreTables, last: Row | undefined): Promise<readonly Row[]> {
  const columns = [
    ...['order_id', 'account', 'side', 'type', 'time_in_force'].map(column => wholeColumn(tables, column)),
    ...['quantity', 'price'].map(column => amountColumn(tables, column)),
  ]
  return tables.view.rows(
    `SELECT ${columns.join(', ')} FROM submissions WHERE order_id > ? ORDER BY order_id LIMIT ${PAGE_ROWS}`,
    [last === undefined ? -1 : Number(last[0])],
  )
}

function readSubmission(facts: SubmissionFacts, row: Row): SubmissionFacts {
  facts.account = Number(row[1])
  facts.side = numberOf(row[2])
  facts.type = numberOf(row[3])
  facts.timeInForce = numberOf(row[4])
  facts.quantity = numberOf(row[5])
  facts.price = numberOf(row[6])
  return facts
}

function reportPage(tables: StoreTables, last: Row | undefined): Promise<readonly Row[]> {
  const amounts = ['last_quantity', 'last_price', 'execution_fee', 'processing_fee', 'commission']
  const columns = [
    ...['order_id', 'sequence', 'account', 'status'].map(column => wholeColumn(tables, column)),
    ...amounts.map(column => amountColumn(tables, column)),
    tables.layout === 'own' ? amountColumn(tables, 'cumulative_quantity') : '0',
    tables.hasReplaces ? amountColumn(tables, 'quantity') : '0',
    tables.hasReplaces
      ? `CASE WHEN client_order_id <> '' AND status <> ${OrderStatus.Replaced} THEN 1 ELSE 0 END`
      : '0',
  ]
  const place = behind(tables, ['order_id', 'sequence'], last && [Number(last[0]), Number(last[1])])
  return tables.view.rows(
    `SELECT ${columns.join(', ')} FROM execution_reports WHERE ${place} ORDER BY order_id, sequence LIMIT ${PAGE_ROWS}`,
  )
}

function readReport(facts: ReportFacts, row: Row): ReportFacts {
  facts.sequence = Number(row[1])
  facts.account = Number(row[2])
  facts.status = numberOf(row[3])
  facts.lastQuantity = numberOf(row[4])
  facts.lastPrice = numberOf(row[5])
  facts.executionFee = numberOf(row[6])
  facts.processingFee = numberOf(row[7])
  facts.commission = numberOf(row[8])
  facts.cumulativeQuantity = numberOf(row[9])
  facts.quantity = numberOf(row[10])
  facts.tellsReplaceId = numberOf(row[11]) === 1
  return facts
}

function livePage(tables: StoreTables, last: Row | undefined): Promise<readonly Row[]> {
  return tables.view.rows(
    `SELECT ${wholeColumn(tables, 'order_id')} FROM live_orders WHERE order_id > ? ORDER BY order_id LIMIT ${PAGE_ROWS}`,
    [last === undefined ? -1 : Number(last[0])],
  )
}

async function replaceIdPage(tables: StoreTables, last: Row | undefined): Promise<readonly Row[]> {
  if (!tables.hasReplaces) return []
  const columns = ['order_id', 'sequence'].map(column => wholeColumn(tables, column))
  const place = behind(tables, ['order_id', 'sequence'], last && [Number(last[0]), Number(last[1])])
  return tables.view.rows(
    `SELECT ${columns.join(', ')} FROM replace_client_order_ids WHERE ${place} ORDER BY order_id, sequence LIMIT ${PAGE_ROWS}`,
  )
}
