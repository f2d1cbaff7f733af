// `oes replace`: another quantity or price for a live order. The command ends when the destination has answered, or when
// the deadline has passed: then the replace is still under way.

import {
  type ExecutionReport,
  type NewTerms,
  type OesClient,
  OrderStatus,
  OrderTracker,
  type ReplaceOutcome,
  type TrackedOrder,
} from '../../client/index.ts'
import { CommandError, usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import { eventJson, statusText, termsText } from '../order-columns.ts'
import type { Output } from '../output.ts'
import { accountOf } from '../server-options.ts'

export interface ReplaceFlags {
  quantity?: string
  price?: string
  account?: string
  clOrdId?: string
}

/** @throws CommandError where the flags name nothing to change. */
export function checkReplaceFlags({ quantity, price }: ReplaceFlags): void {
  if (quantity !== undefined || price !== undefined) return
  throw usageError('There is nothing to change.', 'Give --quantity, --price or both.')
}

export async function replace(
  client: OesClient,
  output: Output,
  orderId: number,
  flags: ReplaceFlags & { deadlineMs: number },
): Promise<ExitStatus> {
  const named = flags.account === undefined ? undefined : await accountOf(client, flags.account)
  const order = await loaded(client, orderId, named)
  const { account } = order.accepted
  const terms: NewTerms = {
    quantity: flags.quantity ?? order.quantity,
    price: flags.price ?? order.price,
    ...(flags.clOrdId !== undefined && { clOrdId: flags.clOrdId }),
  }
  const outcome = await client.replace(orderId, terms, { account, deadlineMs: flags.deadlineMs })
  if (outcome.outcome === 'refused' || outcome.outcome === 'unknown') throw failureOf(orderId, outcome)
  const { report } = outcome
  const last = outcome.outcome === 'rejected' ? report : await answerTo(client, account, report, flags.deadlineMs)
  if (output.isJson) output.json(eventJson(last))
  else output.line(`Order ${orderId}: ${textOf(last)}`)
  return last.status === OrderStatus.ReplaceReject ? ExitStatus.Failed : ExitStatus.Ok
}

/** The order as it stands, for what the command line leaves out. @throws CommandError */
async function loaded(client: OesClient, orderId: number, account: number | undefined): Promise<TrackedOrder> {
  const record = await client.load(orderId)
  if (record === undefined || (account !== undefined && record.accepted.account !== account)) {
    throw new CommandError(`There is no order ${orderId}.`, { hint: 'See `oes orders`.' })
  }
  return new OrderTracker().load(record)
}

function failureOf(
  orderId: number,
  outcome: Extract<ReplaceOutcome, { outcome: 'refused' | 'unknown' }>,
): CommandError {
  if (outcome.outcome === 'refused') {
    return new CommandError(`Order ${orderId}: refused, ${outcome.code}: ${outcome.text}`)
  }
  const { clOrdId, quantity, price } = outcome.replace
  return new CommandError(`It is not known whether the replace of order ${orderId} arrived: ${outcome.cause.message}`, {
    status: ExitStatus.Unknown,
    hint:
      `Run it again with --quantity ${quantity} --price ${price} --cl-ord-id ${clOrdId}: ` +
      'it finds the replace, or makes it; never twice.',
    cause: outcome.cause,
  })
}

/** The report that ends the replace; the one that began it where none comes in time. */
async function answerTo(
  client: OesClient,
  account: number,
  pending: ExecutionReport,
  deadlineMs: number,
): Promise<ExecutionReport> {
  const subscription = await client.subscribe({ account, fromSequence: pending.reportSequence + 1 })
  const timer = setTimeout(() => subscription.close(), deadlineMs)
  try {
    for await (const event of subscription) {
      if (event.event !== 'report' || event.orderId !== pending.orderId) continue
      if (event.status === OrderStatus.Replaced || event.status === OrderStatus.ReplaceReject) return event
    }
    return pending
  } finally {
    clearTimeout(timer)
    subscription.close()
  }
}

function textOf(report: ExecutionReport): string {
  const text = report.text === '' ? '' : `; ${report.text}`
  return `${statusText(report.status)}${report.terms === undefined ? '' : ` ${termsText(report.terms)}`}${text}`
}
