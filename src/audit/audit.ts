// The audit of one store: every check, over everything in its tables or over one account. It reads in two passes, one
// over the orders and one over the numbering of the accounts, a page at a time.

import { unreachable } from '../base/assert.ts'
import { OrderStatus } from '../domain/order-status.ts'
import {
  type AmountCheck,
  type Check,
  checks,
  type Finding,
  type OrderCheck,
  type OrderFacts,
  type ReportCheck,
} from './checks.ts'
import { type OrderVisitor, type ReportFacts, type SubmissionFacts, scanOrders } from './order-scan.ts'
import { isTerminalOrdinal } from './ordinals.ts'
import { scanSequences } from './sequence-scan.ts'
import type { StoreTables, TableLayout } from './store-tables.ts'

/** The smallest double with all its bits: what is nearer to 0 and not 0 cannot be an amount. */
const NORMAL_MIN = 2 ** -1022

export interface AuditOptions {
  /** Only what belongs to this account; what live_orders holds is looked at whole all the same. */
  readonly account?: number | undefined
}

/** Runs all checks on the tables and tells `found` each finding. */
export async function auditTables(
  tables: StoreTables,
  { account }: AuditOptions,
  found: (finding: Finding) => void,
): Promise<void> {
  const applicable = checks.filter(check => check.ownTables !== true || tables.layout === 'own')
  await scanOrders(tables, new OrderAudit(applicable, tables.layout, account, found))
  for (const table of ['submissions', 'execution_reports'] as const) {
    const ofTable = applicable.filter(check => check.looksAt === 'sequence').filter(check => check.table === table)
    await scanSequences(tables, table, account, facts => {
      for (const { id, look } of ofTable) {
        const values = look(facts)
        if (values === undefined) continue
        found({ check: id, table, key: { account: facts.account, query_sequence: facts.sequence }, values })
      }
    })
  }
}

class OrderAudit implements OrderVisitor {
  readonly #ofOrders: readonly OrderCheck[]
  readonly #ofReports: readonly ReportCheck[]
  readonly #ofSubmissionAmounts: readonly AmountCheck[]
  readonly #ofReportAmounts: readonly AmountCheck[]
  readonly #layout: TableLayout
  readonly #account: number | undefined
  readonly #found: (finding: Finding) => void
  readonly #order: OrderFacts = {
    orderId: 0,
    submission: undefined,
    isLive: false,
    reports: 0,
    distinctSequences: 0,
    firstSequence: 0,
    lastSequence: 0,
    lastStatus: null,
    terminalSequence: undefined,
    filled: 0,
    quantity: null,
    reportAccount: 0,
    isAsSent: false,
    replaceIds: new Set(),
    replaceIdsNotListed: 0,
  }

  constructor(
    applicable: readonly Check[],
    layout: TableLayout,
    account: number | undefined,
    found: (finding: Finding) => void,
  ) {
    const ofOrders: OrderCheck[] = []
    const ofReports: ReportCheck[] = []
    const ofAmounts: AmountCheck[] = []
    for (const check of applicable) {
      switch (check.looksAt) {
        case 'order':
          ofOrders.push(check)
          break
        case 'report':
          ofReports.push(check)
          break
        case 'amount':
          ofAmounts.push(check)
          break
        case 'sequence':
          break
        default:
          unreachable(check)
      }
    }
    this.#ofOrders = ofOrders
    this.#ofReports = ofReports
    this.#ofSubmissionAmounts = ofAmounts.filter(check => check.table === 'submissions')
    this.#ofReportAmounts = ofAmounts.filter(check => check.table === 'execution_reports')
    this.#layout = layout
    this.#account = account
    this.#found = found
  }

  begin(orderId: number, submission: SubmissionFacts | undefined, isLive: boolean): void {
    const order = this.#order
    order.orderId = orderId
    order.submission = submission
    order.isLive = isLive
    order.reports = 0
    order.distinctSequences = 0
    order.firstSequence = 0
    order.lastSequence = 0
    order.lastStatus = null
    order.terminalSequence = undefined
    order.filled = 0
    order.quantity = submission?.quantity ?? null
    order.reportAccount = 0
    order.replaceIds.clear()
    order.replaceIdsNotListed = 0
    if (submission === undefined || !this.#concerns(submission.account)) return
    for (const check of this.#ofSubmissionAmounts) this.#lookAtAmount(check, submission, { order_id: orderId })
  }

  replaceId(sequence: number): void {
    this.#order.replaceIds.add(sequence)
  }

  report(report: ReportFacts): void {
    const order = this.#order
    if (report.tellsReplaceId && !order.replaceIds.delete(report.sequence)) order.replaceIdsNotListed += 1
    if (order.reports === 0) {
      order.firstSequence = report.sequence
      order.reportAccount = report.account
    }
    if (order.reports === 0 || report.sequence !== order.lastSequence) order.distinctSequences += 1
    order.reports += 1
    order.lastSequence = report.sequence
    order.lastStatus = report.status
    order.filled += report.lastQuantity ?? 0
    if (report.status === OrderStatus.Replaced) order.quantity = report.quantity
    if (this.#concerns(report.account)) {
      const key = { order_id: order.orderId, sequence: report.sequence }
      for (const { id, table, look } of this.#ofReports) {
        const values = look(report, order)
        if (values !== undefined) this.#found({ check: id, table, key, values })
      }
      for (const check of this.#ofReportAmounts) this.#lookAtAmount(check, report, key)
    }
    // Behind the checks: a second terminal report follows the first.
    if (isTerminalOrdinal(report.status)) order.terminalSequence ??= report.sequence
  }

  end(): void {
    const order = this.#order
    order.isAsSent = this.#layout === 'own' && order.lastStatus === OrderStatus.Rejected && order.filled === 0
    for (const { id, table, look } of this.#ofOrders) {
      const values = look(order)
      if (values === undefined || !this.#concernsOrder(table)) continue
      this.#found({ check: id, table, key: { order_id: order.orderId }, values })
    }
  }

  #concerns(account: number): boolean {
    return this.#account === undefined || account === this.#account
  }

  #concernsOrder(table: string): boolean {
    const { submission, reportAccount } = this.#order
    if (table === 'live_orders') return true
    return this.#concerns(table === 'submissions' && submission !== undefined ? submission.account : reportAccount)
  }

  #lookAtAmount(check: AmountCheck, row: SubmissionFacts | ReportFacts, key: Finding['key']): void {
    const amount = check.amount(row)
    if (amount !== null && this.#isReadable(amount)) return
    const finding = { check: check.id, table: check.table, key, values: { [check.column]: amount } }
    this.#found(amount === null ? finding : { ...finding, bits: bitsOf(amount) })
  }

  #isReadable(amount: number): boolean {
    if (this.#layout === 'own') return Number.isSafeInteger(amount)
    return amount === 0 || (Math.abs(amount) >= NORMAL_MIN && Number.isFinite(amount))
  }
}

const bits = new DataView(new ArrayBuffer(8))

function bitsOf(value: number): bigint {
  bits.setFloat64(0, value)
  return bits.getBigInt64(0)
}
