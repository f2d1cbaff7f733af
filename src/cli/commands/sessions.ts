// `oes sessions`: who is logged in, from where, since when, and what each has under way. For administrators.

import type { LiveSession, OesClient } from '../../client/index.ts'
import { parseWhole } from '../arguments.ts'
import { ExitStatus } from '../exit-status.ts'
import { timeText } from '../order-columns.ts'
import type { Output } from '../output.ts'
import type { Column } from '../table.ts'

export interface SessionsFlags {
  account?: string
  limit?: string
}

const SHOWN_DEFAULT = '1000'

/** How many are shown at most. @throws CommandError */
export function sessionsShown({ limit }: SessionsFlags): number {
  return parseWhole(limit ?? SHOWN_DEFAULT, 'a number of sessions', 1)
}

export async function sessions(
  client: OesClient,
  output: Output,
  shownMax: number,
  { account }: SessionsFlags,
): Promise<ExitStatus> {
  const shown: LiveSession[] = []
  let isCut = false
  for await (const session of client.sessions()) {
    if (account !== undefined && session.accountName !== account && String(session.account) !== account) continue
    if (shown.length === shownMax) {
      isCut = true
      break
    }
    shown.push(session)
  }
  if (output.isJson) for (const session of shown) output.json(session)
  else if (shown.length === 0)
    output.line(account === undefined ? 'Nobody is logged in.' : `${account} is not logged in.`)
  else output.table(columns, shown)
  if (isCut) output.note(`There are more; --limit shows more than ${shownMax}, --account those of one account.`)
  return ExitStatus.Ok
}

const columns: readonly Column<LiveSession>[] = [
  { title: 'SESSION', align: 'right', cell: ({ session }) => String(session) },
  { title: 'ACCOUNT', cell: ({ accountName }) => accountName },
  { title: 'ROLE', cell: roleText },
  { title: 'FROM', cell: ({ peer }) => peer },
  { title: 'SINCE', cell: ({ since }) => timeText(since) },
  { title: 'TLS', cell: ({ tls }) => tls || '-' },
  { title: 'IN FLIGHT', align: 'right', cell: ({ inFlight }) => String(inFlight) },
  { title: 'UNREAD BYTES', align: 'right', cell: ({ outboxBytes }) => String(outboxBytes) },
  { title: 'SUBSCRIPTIONS', align: 'right', cell: ({ subscriptions }) => String(subscriptions) },
  { title: 'CANCEL ON', cell: cancelText },
]

function roleText({ isAdministrator, isObserver }: LiveSession): string {
  if (isObserver) return 'observer'
  return isAdministrator ? 'administrator' : 'trader'
}

function cancelText({ cancelOn, graceMs, alsoCancel }: LiveSession): string {
  if (cancelOn === undefined) return 'never'
  const also = [alsoCancel.gtc ? 'GTC' : [], alsoCancel.gtd ? 'GTD' : []].flat()
  const when = cancelOn === 'both' ? 'loss, logout' : cancelOn
  return [when, cancelOn === 'logout' ? [] : `${graceMs} ms`, also.length === 0 ? [] : `also ${also.join(', ')}`]
    .flat()
    .join(', ')
}
