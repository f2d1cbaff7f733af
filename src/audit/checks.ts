// The checks of the audit, as a table: what each is called, which rows its findings point at, and what it takes for
// wrong. A check looks at one order with all its reports, at one report, or at one place in the numbering of an account;
// each gives the values that a finding tells beside its key, or undefined where nothing is wrong. So one pass over the
// orders and one over each numbering serve all of them, on whatever the tables lie.
//
// Names, keys and values are those that tools around such stores know. Checks marked `ownTables` hold for tables of this
// server alone: others skip sequences at each start, and have no running sums.

import { OrderStatus } from '../domain/order-status.ts'
import { OrderType } from '../domain/order-type.ts'
import { Side } from '../domain/side.ts'
import { TimeInForce } from '../domain/time-in-force.ts'
import type { ReportFacts, SubmissionFacts } from './order-scan.ts'
import { isTerminalOrdinal } from './ordinals.ts'
import type { SequencedTable, SequenceFacts } from './sequence-scan.ts'

export type FindingValue = number | string | null

export interface Finding {
  readonly check: string
  readonly table: string
  /** Which row; the names are columns. */
  readonly key: Readonly<Record<string, number | string>>
  readonly values: Readonly<Record<string, FindingValue>>
  /** Of an amount that cannot be read: the bits of its double, as a signed number. */
  readonly bits?: bigint
}

/** An order as far as its reports have been read; amounts in micros. */
export interface OrderFacts {
  orderId: number
  submission: SubmissionFacts | undefined
  isLive: boolean
  reports: number
  distinctSequences: number
  firstSequence: number
  lastSequence: number
  lastStatus: number | null
  /** Of the first terminal report; undefined where there is none so far. */
  terminalSequence: number | undefined
  /** Sum of the last quantities. */
  filled: number
  /** What it asks for since it was replaced last, or was submitted; null without submission. */
  quantity: number | null
  /** Account of the first report. */
  reportAccount: number
  /** The order was rejected, and this server keeps what its sender wrote, whether it means anything or not. */
  isAsSent: boolean
  /** Sequences that replace_client_order_ids lists, without those of reports that tell such an id. */
  replaceIds: Set<number>
  /** Reports that tell such an id and are not listed. */
  replaceIdsNotListed: number
}

type Values = Readonly<Record<string, FindingValue>> | undefined

interface CheckHead {
  readonly id: string
  readonly table: string
  /** Columns of the key. */
  readonly key: readonly string[]
  readonly ownTables?: boolean
}

/** Looks once all reports of the order have been read. */
export interface OrderCheck extends CheckHead {
  readonly looksAt: 'order'
  look(order: OrderFacts): Values
}

/** Looks at each report; `order` has it already. */
export interface ReportCheck extends CheckHead {
  readonly looksAt: 'report'
  look(report: ReportFacts, order: OrderFacts): Values
}

/** Looks at what is out of the ordinary in the numbering of `table`. */
export interface SequenceCheck extends CheckHead {
  readonly looksAt: 'sequence'
  readonly table: SequencedTable
  look(facts: SequenceFacts): Values
}

/** Looks at one amount of a submission or a report, as it lies in the table. */
export interface AmountCheck extends CheckHead {
  readonly looksAt: 'amount'
  readonly column: string
  amount(row: SubmissionFacts | ReportFacts): number | null
}

export type Check = OrderCheck | ReportCheck | SequenceCheck | AmountCheck

const orderChecks: readonly OrderCheck[] = ofOrders([
  {
    id: 'missing_execution_reports',
    table: 'submissions',
    look: ({ submission, reports }) => (submission !== undefined && reports === 0 ? {} : undefined),
  },
  {
    id: 'live_order_not_tracked',
    table: 'submissions',
    look: ({ submission, isLive, reports, lastStatus }) =>
      submission !== undefined && reports > 0 && !isLive && !isTerminalOrdinal(lastStatus)
        ? { status: lastStatus }
        : undefined,
  },
  {
    id: 'overfilled_order',
    table: 'submissions',
    look: ({ submission, quantity, filled }) =>
      submission !== undefined && quantity !== null && filled > quantity
        ? { quantity: decimal(quantity), filled: decimal(filled) }
        : undefined,
  },
  {
    id: 'filled_order_short',
    table: 'submissions',
    look: ({ submission, quantity, filled, lastStatus }) =>
      submission !== undefined && lastStatus === OrderStatus.Filled && filled !== quantity
        ? { quantity: decimal(quantity), filled: decimal(filled) }
        : undefined,
  },
  {
    id: 'report_without_submission',
    table: 'execution_reports',
    look: ({ submission, reports }) => (submission === undefined && reports > 0 ? {} : undefined),
  },
  {
    id: 'live_order_without_submission',
    table: 'live_orders',
    look: ({ submission, isLive }) => (submission === undefined && isLive ? {} : undefined),
  },
  {
    id: 'report_sequence_broken',
    table: 'execution_reports',
    look: ({ reports, distinctSequences, firstSequence, lastSequence }) =>
      reports > 0 && (firstSequence !== 0 || lastSequence !== reports - 1 || distinctSequences !== reports)
        ? {
            reports,
            distinct_sequences: distinctSequences,
            first_sequence: firstSequence,
            last_sequence: lastSequence,
          }
        : undefined,
  },
  {
    id: 'submission_without_side',
    table: 'submissions',
    look: ({ submission, isAsSent }) =>
      !isAsSent && submission?.side === Side.None ? { side: submission.side } : undefined,
  },
  {
    id: 'submission_without_quantity',
    table: 'submissions',
    look: ({ submission, isAsSent }) =>
      !isAsSent && submission !== undefined && submission.quantity !== null && submission.quantity <= 0
        ? { quantity: decimal(submission.quantity) }
        : undefined,
  },
  {
    id: 'enum_out_of_domain_submissions_side',
    table: 'submissions',
    look: ({ submission, isAsSent }) =>
      !isAsSent && isOutside(submission?.side, Side) ? { side: submission!.side } : undefined,
  },
  {
    id: 'enum_out_of_domain_submissions_type',
    table: 'submissions',
    look: ({ submission, isAsSent }) =>
      !isAsSent && isOutside(submission?.type, OrderType) ? { type: submission!.type } : undefined,
  },
  {
    id: 'enum_out_of_domain_submissions_time_in_force',
    table: 'submissions',
    look: ({ submission, isAsSent }) =>
      !isAsSent && isOutside(submission?.timeInForce, TimeInForce)
        ? { time_in_force: submission!.timeInForce }
        : undefined,
  },
  {
    id: 'terminal_order_still_live',
    table: 'live_orders',
    look: ({ submission, isLive, terminalSequence, lastStatus }) =>
      submission !== undefined && isLive && terminalSequence !== undefined ? { status: lastStatus } : undefined,
  },
  {
    id: 'replace_ids_not_as_listed',
    table: 'replace_client_order_ids',
    look: ({ replaceIds, replaceIdsNotListed }) =>
      replaceIds.size > 0 || replaceIdsNotListed > 0
        ? { not_listed: replaceIdsNotListed, listed_only: replaceIds.size }
        : undefined,
  },
])

const reportChecks: readonly ReportCheck[] = ofReports([
  {
    id: 'report_after_terminal',
    look: (report, { terminalSequence }) =>
      terminalSequence !== undefined && report.sequence > terminalSequence ? { status: report.status } : undefined,
  },
  {
    id: 'first_report_not_pending_new',
    look: (report, { reports }) =>
      reports === 1 && report.status !== OrderStatus.PendingNew ? { status: report.status } : undefined,
  },
  {
    id: 'execution_on_non_fill_status',
    look: ({ status, lastQuantity }) => {
      if (lastQuantity === null || lastQuantity === 0) return undefined
      const isFill = status === OrderStatus.PartiallyFilled || status === OrderStatus.Filled
      return lastQuantity < 0 || !isFill ? { status, last_quantity: decimal(lastQuantity) } : undefined
    },
  },
  {
    id: 'enum_out_of_domain_execution_reports_status',
    look: ({ status }) => (isOutside(status, OrderStatus) ? { status } : undefined),
  },
  {
    id: 'report_of_other_account',
    look: ({ account }, { submission }) =>
      submission !== undefined && account !== submission.account
        ? { account, order_account: submission.account }
        : undefined,
  },
  {
    id: 'cumulative_quantity_broken',
    ownTables: true,
    look: ({ cumulativeQuantity }, { filled }) =>
      cumulativeQuantity === filled
        ? undefined
        : { cumulative_quantity: decimal(cumulativeQuantity), filled: decimal(filled) },
  },
])

const amountChecks: readonly AmountCheck[] = [
  ...amounts<SubmissionFacts>('submissions', ['order_id'], {
    quantity: row => row.quantity,
    price: row => row.price,
  }),
  ...amounts<ReportFacts>('execution_reports', ['order_id', 'sequence'], {
    last_quantity: row => row.lastQuantity,
    last_price: row => row.lastPrice,
    execution_fee: row => row.executionFee,
    processing_fee: row => row.processingFee,
    commission: row => row.commission,
  }),
]

const sequenceChecks: readonly SequenceCheck[] = (['submissions', 'execution_reports'] as const).flatMap(table => [
  {
    id: `duplicate_query_sequence_${table}`,
    table,
    key: ['account', 'query_sequence'],
    looksAt: 'sequence' as const,
    look: facts => (facts.kind === 'duplicate' ? { occurrences: facts.occurrences } : undefined),
  } satisfies SequenceCheck,
  {
    id: `missing_query_sequence_${table}`,
    table,
    key: ['account', 'query_sequence'],
    looksAt: 'sequence' as const,
    ownTables: true,
    look: facts => (facts.kind === 'gap' ? { missing: facts.missing } : undefined),
  } satisfies SequenceCheck,
  {
    id: `account_sequence_behind_${table}`,
    table,
    key: ['account', 'query_sequence'],
    looksAt: 'sequence' as const,
    ownTables: true,
    look: facts => (facts.kind === 'behind' ? { account_sequence: facts.stands } : undefined),
  } satisfies SequenceCheck,
])

/** In the order in which they are told. */
export const checks: readonly Check[] = [...orderChecks, ...reportChecks, ...amountChecks, ...sequenceChecks]

/** The amount itself, as people and the tables write it. */
function decimal(micros: number | null): number | null {
  return micros === null ? null : micros / 1e6
}

function isOutside(value: number | null | undefined, ordinals: Readonly<Record<string, number>>): boolean {
  return value !== null && value !== undefined && (value < -1 || value > Math.max(...Object.values(ordinals)))
}

function ofOrders(heads: readonly Omit<OrderCheck, 'looksAt' | 'key'>[]): OrderCheck[] {
  return heads.map(head => ({ ...head, looksAt: 'order', key: ['order_id'] }))
}

function ofReports(heads: readonly Omit<ReportCheck, 'looksAt' | 'key' | 'table'>[]): ReportCheck[] {
  return heads.map(head => ({
    ...head,
    looksAt: 'report',
    table: 'execution_reports',
    key: ['order_id', 'sequence'],
  }))
}

function amounts<Row extends SubmissionFacts | ReportFacts>(
  table: string,
  key: readonly string[],
  columns: Readonly<Record<string, (row: Row) => number | null>>,
): AmountCheck[] {
  return Object.entries(columns).map(([column, amount]) => ({
    id: `unreadable_value_${table}_${column}`,
    table,
    key,
    looksAt: 'amount' as const,
    column,
    amount: row => amount(row as Row), // of the table that the check names
  }))
}
