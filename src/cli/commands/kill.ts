// `oes kill`: the kill switch. Throws a halt, lifts one, or lists those in force.

import type { Halt, HaltTarget, OesClient } from '../../client/index.ts'
import { CommandError, usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import { timeText } from '../order-columns.ts'
import type { Output } from '../output.ts'
import { accountOf } from '../server-options.ts'
import type { Column } from '../table.ts'

export interface KillFlags {
  account?: string
  group?: string
  destination?: string
  all?: boolean
  lift?: boolean
  list?: boolean
  reason?: string
}

export async function kill(client: OesClient, output: Output, flags: KillFlags): Promise<ExitStatus> {
  if (flags.list === true) return list(client, output)
  const target = await targetOf(client, flags)
  const settings = flags.reason === undefined ? {} : { text: flags.reason }
  const told = textOf(target, flags)
  if (flags.lift === true) {
    await client.lift(target, settings)
    if (output.isJson) output.json({ target, outcome: 'lifted' })
    else output.line(`Trading goes on for ${told}.`)
    return ExitStatus.Ok
  }
  const canceled = await client.halt(target, settings)
  if (output.isJson) output.json({ target, outcome: 'halted', canceled })
  else output.line(`Trading is halted for ${told}; ${canceled} working orders were canceled.`)
  return ExitStatus.Ok
}

/** Checks the words before anything is connected to. @throws CommandError */
export function checkKillFlags({ account, group, destination, all, list: isListing, lift }: KillFlags): void {
  const named = [account, group, destination, all].filter(flag => flag !== undefined).length
  if (isListing === true ? named === 0 && lift !== true : named === 1) return
  throw usageError(
    isListing === true
      ? '--list takes no other flag.'
      : 'Exactly one of --account, --group, --destination, --all is needed.',
    'See `oes kill --help`.',
  )
}

async function targetOf(client: OesClient, { account, group, destination }: KillFlags): Promise<HaltTarget> {
  if (account !== undefined) return { account: await accountOf(client, account) }
  if (destination !== undefined) return { destination }
  if (group === undefined) return 'everybody'
  const found = await client.findGroup(group)
  if (found !== undefined) return { group: found.id }
  throw new CommandError(`There is no trading group '${group}'.`, {
    hint: 'Check the spelling; names are case sensitive.',
  })
}

function textOf(target: HaltTarget, { account, group }: KillFlags): string {
  if (target === 'everybody') return 'everybody'
  if ('account' in target) return `account ${account}`
  return 'group' in target ? `group ${group}` : `destination ${target.destination}`
}

async function list(client: OesClient, output: Output): Promise<ExitStatus> {
  const halts = await client.halts()
  if (output.isJson) for (const halt of halts) output.json(halt)
  else if (halts.length === 0) output.line('Nothing is halted.')
  else output.table(columns, halts)
  return ExitStatus.Ok
}

const columns: Column<Halt>[] = [
  { title: 'HALTED', cell: ({ target }) => (target === 'everybody' ? target : Object.keys(target).join()) },
  { title: 'NAME', cell: ({ name }) => name || '-' },
  { title: 'BY', cell: ({ thrownByName }) => thrownByName },
  { title: 'SINCE', cell: ({ thrownAt }) => timeText(thrownAt) },
  { title: 'REASON', cell: ({ text }) => text || '-' },
]
