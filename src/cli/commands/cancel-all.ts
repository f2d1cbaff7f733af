// `oes cancel-all`: cancels many orders and waits for their ends. One request for each account, spread over several
// connections; the server goes through the orders itself and answers with what has come of them.

import os from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { MassCancelResult, MassCancelSelection, MassCancelSettings, OesClient } from '../../client/index.ts'
import { isTerminal, Reason, reasonName } from '../../client/index.ts'
import { isEmptyPeriod, isPeriodBound, type PeriodBound } from '../../domain/submission-period.ts'
import { MASS_CANCEL_TEXT_BYTES_MAX } from '../../protocol/mass-cancel.ts'
import { parseTime, parseWhole } from '../arguments.ts'
import { CommandError, commandErrorOf, usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import type { Output } from '../output.ts'
import type { Progress } from '../progress.ts'

/** As the flags give them. */
export interface CancelAllFlags {
  scope?: string
  /** The same under its older name. */
  region?: string
  account?: string
  group?: string
  order?: string
  begin?: string
  end?: string
  connections?: string
  message?: string
  dryRun?: boolean
  force?: boolean
  deadline?: string
}

/** The flags, understood. */
export interface CancelAllOrder {
  readonly orderId: number | undefined
  readonly account: string | undefined
  readonly group: string | undefined
  readonly scope: string
  readonly begin: PeriodBound
  readonly end: PeriodBound
  readonly connections: number
  readonly settings: MassCancelSettings & { readonly mode: 'cancel' | 'force' | 'count'; readonly waitMs: number }
}

const CONNECTIONS_MAX = 256
/** Requests of one connection that are under way at once. */
const REQUESTS_AT_ONCE = 4
const DEADLINE_MS = 30_000
const DEADLINE_MS_MAX = 600_000
/** How long a sweep itself may take, beside the time that orders are given to end. */
const SWEEP_MS_MAX = 60_000
/** How often one request is sent at most: again where the connection was lost, or the server had no room for it. */
const TRIES_MAX = 8
/** Before a server without room is asked again; doubled each time. */
const BUSY_PAUSE_MS = 50
const BACK_LOOK_MS = 50

/** Checks the words before anything is connected to. @throws CommandError */
export function cancelAllOrder(flags: CancelAllFlags): CancelAllOrder {
  const { order, account, group } = flags
  if (flags.scope !== undefined && flags.region !== undefined && flags.scope !== flags.region) {
    throw usageError('--scope and --region are the same, and say different things.', 'Give one of them.')
  }
  const scope = flags.scope ?? flags.region
  if (order === undefined && account === undefined && group === undefined && scope === undefined) {
    throw usageError(
      'SELECTION_REQUIRED: nothing says what to cancel.',
      "Give --order, --account, --group or --scope; --scope '*' is everything.",
    )
  }
  const begin = boundOf(flags.begin)
  const end = boundOf(flags.end)
  if (isEmptyPeriod(begin, end)) throw usageError(`--begin ${flags.begin} comes after --end ${flags.end}.`)
  const text = flags.message ?? ''
  if (Buffer.byteLength(text) > MASS_CANCEL_TEXT_BYTES_MAX) {
    throw usageError(`The message is longer than ${MASS_CANCEL_TEXT_BYTES_MAX} bytes.`)
  }
  const connections =
    flags.connections === undefined
      ? Math.max(1, Math.floor(os.availableParallelism() / 2))
      : parseWhole(flags.connections, 'a number of connections', 1)
  if (connections > CONNECTIONS_MAX) throw usageError(`More than ${CONNECTIONS_MAX} connections help nobody.`)
  const waitMs = flags.deadline === undefined ? DEADLINE_MS : parseWhole(flags.deadline, 'a time in milliseconds', 1)
  if (waitMs > DEADLINE_MS_MAX) throw usageError(`--deadline is at most ${DEADLINE_MS_MAX} ms.`)
  const mode = flags.dryRun === true ? 'count' : flags.force === true ? 'force' : 'cancel'
  return {
    orderId: order === undefined ? undefined : parseWhole(order, 'an order id', 1),
    account,
    group,
    scope: scope ?? '*',
    begin,
    end,
    connections,
    settings: { mode, text, waitMs, deadlineMs: waitMs + SWEEP_MS_MAX },
  }
}

/** A date stays one, for the calendar of each venue; a moment is UTC. */
function boundOf(word: string | undefined): PeriodBound {
  if (word === undefined) return 0
  if (isPeriodBound(word)) return word
  // Also what is no day of the calendar: it is told as what it is.
  const moment = /^\d{4}-\d\d-\d\d$/.test(word) ? Number.NaN : parseTime(word)
  if (isPeriodBound(moment)) return moment
  throw usageError(`'${word}' is no day of the calendar.`, 'Write it as 2026-01-30, or 2026-01-30 14:30:00 (UTC).')
}

/** What has come of all requests. */
interface Total {
  requests: number
  matched: number
  canceled: number
  done: number
  open: number
  readonly refused: Map<number, number>
  /** Requests that were not answered: what they have done is not known. */
  unanswered: number
  /** Requests that the server did not take. */
  failed: number
  /** Sent again, since the connection was lost: what the first sending has canceled is in no count. */
  resent: number
}

/** One request; `name` says whose orders it is about. */
interface Part {
  readonly name: string
  readonly selection: MassCancelSelection
}

/**
 * @param connect makes one more connection.
 * @returns Ok where everything has ended, Unknown where something is open or unanswered, Failed where something was
 * refused.
 */
export async function cancelAll(
  connect: () => Promise<OesClient>,
  output: Output,
  progress: (what: string) => Progress,
  order: CancelAllOrder,
): Promise<ExitStatus> {
  const clients: OesClient[] = [await connect()]
  const total: Total = {
    requests: 0,
    matched: 0,
    canceled: 0,
    done: 0,
    open: 0,
    refused: new Map(),
    unanswered: 0,
    failed: 0,
    resent: 0,
  }
  try {
    const parts =
      order.orderId === undefined ? await partsOf(clients[0]!, order) : await partOfOrder(clients[0]!, order.orderId)
    if (parts.length === 0) {
      // The one order has ended: that is what was asked for.
      total.matched = 1
      total.done = 1
    } else await work(connect, clients, output, progress(parts.length > 1 ? 'accounts' : 'orders'), order, parts, total)
  } finally {
    for (const client of clients) client.close()
  }
  return summary(output, order, total)
}

/** The one order; nothing where it has ended. @throws CommandError where there is none */
async function partOfOrder(client: OesClient, orderId: number): Promise<Part[]> {
  const record = await client.load(orderId)
  if (record === undefined) throw new CommandError(`There is no order ${orderId}.`, { hint: 'See `oes orders`.' })
  const last = record.reports.at(-1)
  if (last !== undefined && isTerminal(last.status)) return []
  return [{ name: `order ${orderId}`, selection: { of: { account: record.accepted.account }, orderId } }]
}

async function partsOf(client: OesClient, order: CancelAllOrder): Promise<Part[]> {
  const { account, group, scope, begin, end } = order
  const selection = { scope, begin, end }
  if (account !== undefined) {
    const found = await client.findAccount(account)
    if (found === undefined) {
      throw new CommandError(`Account ${account} not found.`, { hint: 'Check the spelling; names are case sensitive.' })
    }
    return [{ name: account, selection: { ...selection, of: { account: found.id } } }]
  }
  if (group !== undefined) {
    const found = await client.findGroup(group)
    if (found === undefined) {
      throw new CommandError(`Group ${group} not found.`, { hint: 'Check the spelling; names are case sensitive.' })
    }
    return [{ name: `group ${group}`, selection: { ...selection, of: { group: found.id } } }]
  }
  const parts: Part[] = []
  for await (const { id, name } of client.accounts())
    parts.push({ name, selection: { ...selection, of: { account: id } } })
  return parts
}

/** Sends the parts, a few at a time over each connection, and adds up the answers. */
async function work(
  connect: () => Promise<OesClient>,
  clients: OesClient[],
  output: Output,
  progress: Progress,
  { connections, settings }: CancelAllOrder,
  parts: readonly Part[],
  total: Total,
): Promise<void> {
  let next = 0
  const isSeveral = parts.length > 1
  const show = (under?: MassCancelResult) => {
    if (isSeveral) progress.show(total.requests, parts.length)
    else if (under !== undefined) progress.show(under.canceled + under.done, under.matched)
  }
  const takeParts = async (client: OesClient) => {
    while (next < parts.length) {
      const part = parts[next++]!
      const isThere = await request(client, output, { ...settings, onProgress: show }, part, total)
      if (!isThere) return
      total.requests += 1
      show()
    }
  }
  const takeTurns = async (client: OesClient) => {
    const atOnce = Array.from({ length: REQUESTS_AT_ONCE }, () => takeParts(client))
    await Promise.all(atOnce)
  }
  const further = Array.from({ length: Math.min(connections, parts.length) - 1 }, async () => {
    const client = await connect()
    clients.push(client)
    await takeTurns(client)
  })
  const all = await Promise.allSettled([takeTurns(clients[0]!), ...further])
  progress.finish()
  for (const result of all) if (result.status === 'rejected') throw result.reason
  // Where the server has gone, nobody has asked for these.
  total.unanswered += parts.length - next
}

/** Sends one part until it is answered. @returns false where the server has gone, and nothing more can be asked */
async function request(
  client: OesClient,
  output: Output,
  settings: MassCancelSettings & { readonly waitMs: number },
  { name, selection }: Part,
  total: Total,
): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    const outcome = await client.massCancel(selection, settings).catch(error => {
      // It never left: nothing happened, and the others go on.
      return { outcome: 'unknown', cause: commandErrorOf(error) } as const
    })
    if (outcome.outcome === 'done') {
      const { result } = outcome
      total.matched += result.matched
      total.canceled += result.canceled
      total.done += result.done
      total.open += result.open
      for (const [reason, count] of result.refused) total.refused.set(reason, (total.refused.get(reason) ?? 0) + count)
      // Between two looks at it the order has ended by itself.
      if (selection.orderId !== undefined && result.matched === 0) {
        total.matched += 1
        total.done += 1
      }
      return true
    }
    if (outcome.outcome === 'unknown') {
      const isLost = !client.isLive
      if (isLost && tries < TRIES_MAX && (await isBack(client, settings.waitMs))) {
        total.resent += 1
        continue
      }
      if (total.unanswered === 0) {
        const hint = 'Run the command again: what is canceled already is not touched.'
        output.failure(new CommandError(`${name}: no answer came. ${outcome.cause.message}`, { hint }))
      }
      total.unanswered += 1
      return !isLost
    }
    if (outcome.reason === Reason.UnknownScope) {
      throw usageError(outcome.text, "Use '*', a country (CA, CAN, Canada), a venue (TSX, XTSE) or a ticker (ABX.TSX).")
    }
    if (outcome.reason >= Reason.Busy && tries < TRIES_MAX) {
      await pause(BUSY_PAUSE_MS * 2 ** tries)
      continue
    }
    total.failed += 1
    output.failure(new CommandError(`${name}, ${outcome.code}: ${outcome.text}`))
    return true
  }
}

/** Waits until the client, which comes back by itself, is connected again; false where that takes too long. */
async function isBack(client: OesClient, waitMs: number): Promise<boolean> {
  const endMs = performance.now() + waitMs
  while (!client.isLive && performance.now() < endMs) await pause(BACK_LOOK_MS)
  return client.isLive
}

function summary(output: Output, { settings }: CancelAllOrder, total: Total): ExitStatus {
  const { requests, matched, canceled, done, open, unanswered, failed, resent } = total
  const refused = [...total.refused.values()].reduce((sum, count) => sum + count, 0)
  const isCount = settings.mode === 'count'
  // Asked, and not ended when the time was over.
  const stillOpen = isCount ? 0 : Math.max(0, open - refused)
  if (output.isJson) {
    const codes = [...total.refused].map(([reason, count]) => [reasonName(reason), count])
    output.json({
      mode: settings.mode,
      requests,
      matched,
      canceled,
      done,
      refused: Object.fromEntries(codes),
      open,
      unanswered: stillOpen,
      requestsUnanswered: unanswered,
      requestsRefused: failed,
      requestsResent: resent,
    })
  } else if (isCount) {
    output.line(`${matched} orders match; nothing was canceled.`)
  } else {
    output.line(
      `${matched} orders matched: ${canceled} canceled, ${done} already done, ${refused} refused, ${stillOpen} unanswered.`,
    )
    for (const [reason, count] of total.refused) {
      output.line(`  ${count} refused: ${reasonName(reason)}`)
    }
  }
  if (!output.isJson && unanswered > 0) output.line(`  ${unanswered} requests unanswered.`)
  if (!output.isJson && resent > 0) {
    output.line(`  ${resent} requests sent again: what they canceled before the connection was lost is not counted.`)
  }
  if (failed > 0) return ExitStatus.Failed
  if (unanswered > 0 || (!isCount && open > 0)) return ExitStatus.Unknown
  return ExitStatus.Ok
}
