// `oes submit`: one order, and what the server makes of it. The command ends with the first report, since a rejection
// is one; with --follow it ends with the order.

import {
  type NewOrder,
  type OesClient,
  OrderStatus,
  OrderTracker,
  OrderType,
  Side,
  type SubmitOutcome,
  type Tag,
  TagKey,
  TagType,
  type TrackedOrder,
} from '../../client/index.ts'
import { parseCurrency, parseSide, parseTime, parseTimeInForce } from '../arguments.ts'
import { CommandError, usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import { acceptedText, eventJson, eventLine, moneyText, orderJson, quantityText, statusText } from '../order-columns.ts'
import type { Output } from '../output.ts'
import { accountOf } from '../server-options.ts'

export interface SubmitFlags {
  limit?: string
  stop?: string
  peg?: string
  tif?: string
  expiry?: string
  destination?: string
  currency?: string
  account?: string
  clOrdId?: string
  follow?: boolean
}

/** Pegs that need a mark on the order; a primary peg is what a pegged order is anyway. */
const PEG_MARKS: Record<string, string> = { primary: '', market: 'P', mid: 'M' }

/** The order of a command line, its account left out. @throws CommandError */
export function orderOf(side: string, quantity: string, ticker: string, flags: SubmitFlags): NewOrder {
  const { limit, stop, peg } = flags
  if (stop !== undefined && (limit ?? peg) !== undefined) {
    throw usageError('A stop order takes neither --limit nor --peg.', 'Give the trigger price with --stop alone.')
  }
  const mark = peg === undefined ? '' : PEG_MARKS[peg]
  if (mark === undefined) throw usageError(`'${peg}' is no peg.`, `Use one of ${Object.keys(PEG_MARKS).join(', ')}.`)
  const type =
    peg !== undefined
      ? OrderType.Pegged
      : stop !== undefined
        ? OrderType.Stop
        : limit !== undefined
          ? OrderType.Limit
          : OrderType.Market
  const tags: Tag[] = mark === '' ? [] : [[TagKey.ExecInst, TagType.Text, mark]]
  return {
    ticker,
    side: parseSide(side),
    type,
    quantity,
    price: stop ?? limit ?? 0,
    ...(flags.tif !== undefined && { timeInForce: parseTimeInForce(flags.tif) }),
    ...(flags.expiry !== undefined && { expiry: parseTime(flags.expiry) }),
    ...(flags.destination !== undefined && { destination: flags.destination }),
    ...(flags.currency !== undefined && { currency: parseCurrency(flags.currency) }),
    ...(flags.clOrdId !== undefined && { clOrdId: flags.clOrdId }),
    ...(tags.length > 0 && { tags }),
  }
}

export async function submit(
  client: OesClient,
  output: Output,
  order: NewOrder,
  flags: SubmitFlags & { deadlineMs: number },
): Promise<ExitStatus> {
  const account = await accountOf(client, flags.account)
  const outcome = await client.submit({ ...order, account }, { deadlineMs: flags.deadlineMs })
  if (outcome.outcome !== 'accepted') throw failureOf(outcome)
  if (!output.isJson) output.line(`Order ${outcome.order.orderId}: ${acceptedText(outcome.order)}`)
  const tracker = new OrderTracker()
  const tracked = tracker.load({ accepted: outcome.order, reports: [] })
  try {
    await follow(client, output, tracker, tracked, flags)
  } finally {
    // Also where following failed: the order has been placed, and that has to be told.
    if (output.isJson) output.json(orderJson(tracked))
    else output.line(summaryOf(tracked))
  }
  return tracked.status === OrderStatus.Rejected ? ExitStatus.Failed : ExitStatus.Ok
}

function failureOf(outcome: Exclude<SubmitOutcome, { outcome: 'accepted' }>): CommandError {
  if (outcome.outcome === 'refused') return new CommandError(`Refused, ${outcome.code}: ${outcome.text}`)
  const { clOrdId } = outcome.order
  return new CommandError(`It is not known whether the order arrived: ${outcome.cause.message}`, {
    status: ExitStatus.Unknown,
    hint: `Run the same command with --cl-ord-id ${clOrdId}: it finds the order, or places it; never twice.`,
    cause: outcome.cause,
  })
}

/** Reads the reports of the order from its acceptance on, until it is enough or the deadline has passed. */
async function follow(
  client: OesClient,
  output: Output,
  tracker: OrderTracker,
  order: TrackedOrder,
  flags: { follow?: boolean; deadlineMs: number },
): Promise<void> {
  const { account, orderId, reportSequence } = order.accepted
  const subscription = await client.subscribe({ account, fromSequence: reportSequence + 1 })
  const timer = flags.follow === true ? undefined : setTimeout(() => subscription.close(), flags.deadlineMs)
  try {
    for await (const event of subscription) {
      if (event.event !== 'report' || event.orderId !== orderId) continue
      tracker.apply(event)
      if (flags.follow === true) {
        if (output.isJson) output.json(eventJson(event))
        else output.line(eventLine(event, output))
      }
      if (flags.follow === true ? order.isTerminal : order.status !== OrderStatus.PendingNew) break
    }
  } finally {
    clearTimeout(timer)
  }
}

function summaryOf(order: TrackedOrder): string {
  const { status, cumQty, leavesQty, avgPx, lastReport, accepted } = order
  const parts = [`Order ${accepted.orderId} is ${statusText(status)}`]
  const verb = accepted.side === Side.Bid ? 'bought' : 'sold'
  if (cumQty !== 0) parts.push(`${quantityText(cumQty)} ${verb} at ${moneyText(avgPx)} on average`)
  if (leavesQty !== 0) parts.push(`${quantityText(leavesQty)} open`)
  const text = lastReport === undefined || lastReport.text === '' ? '' : ` ${lastReport.text}`
  return `${parts.join('; ')}.${text}`
}
