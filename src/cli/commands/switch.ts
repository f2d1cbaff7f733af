// `oes switch`: the dead-man's switch of an account. Arms it, refreshes it, disarms it, or tells where it stands.

import type { OesClient, SwitchState } from '../../client/index.ts'
import { parseWhole } from '../arguments.ts'
import { usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import { timeText } from '../order-columns.ts'
import type { Output } from '../output.ts'
import { accountOf } from '../server-options.ts'

export interface SwitchFlags {
  account?: string
  timeout?: string
  gtc?: boolean
  gtd?: boolean
}

export type SwitchAction = 'arm' | 'refresh' | 'disarm' | 'show'
const ACTIONS: readonly string[] = ['arm', 'refresh', 'disarm', 'show']

/** Checks the words before anything is connected to. @throws CommandError */
export function checkSwitchWords(action: string, { timeout, gtc, gtd }: SwitchFlags): SwitchAction {
  if (!ACTIONS.includes(action)) throw usageError(`'${action}' is no action.`, `Use one of ${ACTIONS.join(', ')}.`)
  if (action === 'arm') {
    if (timeout === undefined) throw usageError('There is no time.', 'Give --timeout, in milliseconds.')
    parseWhole(timeout, 'a time in milliseconds', 1)
  } else if (timeout !== undefined || gtc === true || gtd === true) {
    throw usageError('--timeout, --gtc and --gtd go with arm.', 'See `oes switch --help`.')
  }
  return action as SwitchAction
}

export async function deadMansSwitch(
  client: OesClient,
  output: Output,
  action: SwitchAction,
  flags: SwitchFlags,
): Promise<ExitStatus> {
  const account = await accountOf(client, flags.account)
  if (action === 'arm') {
    const { timeout, gtc = false, gtd = false } = flags
    const timeoutMs = parseWhole(timeout ?? '', 'a time in milliseconds', 1)
    await client.armSwitch(timeoutMs, { account, alsoCancel: { gtc, gtd } })
  } else if (action === 'refresh') await client.refreshSwitch({ account })
  else if (action === 'disarm') await client.disarmSwitch({ account })
  const state = await client.switchState({ account })
  if (output.isJson) output.json({ account, ...state })
  else output.line(textOf(flags.account ?? client.session.account, state))
  return ExitStatus.Ok
}

function textOf(account: string | number, state: SwitchState): string {
  const whose = `The switch of account ${account}`
  if (state.status === 'off') return `${whose} is off.`
  const { timeoutMs, alsoCancel } = state
  const kept = [alsoCancel.gtc ? [] : 'GTC', alsoCancel.gtd ? [] : 'GTD'].flat()
  const which = kept.length === 0 ? 'all orders' : `all orders but ${kept.join(' and ')}`
  if (state.status === 'armed') {
    return `${whose} is armed: it cancels ${which} unless refreshed within ${timeoutMs} ms, by ${timeText(state.dueAt)}.`
  }
  return `${whose} fired at ${timeText(state.firedAt)}; ${state.canceled} orders were canceled. Arm it again to use it.`
}
