// `oes watch`: orders and reports as they happen, one line each, until interrupted.

import type { OesClient, SubscribeOptions } from '../../client/index.ts'
import { parseWhole } from '../arguments.ts'
import { CommandError, usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import { eventJson, eventLine } from '../order-columns.ts'
import type { Output } from '../output.ts'
import { accountOf } from '../server-options.ts'

export interface WatchFlags {
  account?: string
  group?: string
  from?: string
  count?: string
}

export async function watch(client: OesClient, output: Output, flags: WatchFlags): Promise<ExitStatus> {
  let left = flags.count === undefined ? Number.POSITIVE_INFINITY : parseWhole(flags.count, 'a number of lines', 1)
  const subscription = await client.subscribe(await targetOf(client, flags))
  for await (const event of subscription) {
    if (output.isJson) output.json(eventJson(event))
    else output.line(eventLine(event, output))
    left -= 1
    if (left === 0) break
  }
  return ExitStatus.Ok
}

async function targetOf(client: OesClient, flags: WatchFlags): Promise<SubscribeOptions> {
  if (flags.group === undefined) {
    const fromSequence = flags.from === undefined ? 0 : parseWhole(flags.from, 'a report sequence', 1)
    return { account: await accountOf(client, flags.account), fromSequence }
  }
  if ((flags.account ?? flags.from) !== undefined) {
    throw usageError('--group takes neither --account nor --from.', 'A group is watched from now on.')
  }
  const group = await client.findGroup(flags.group)
  if (group !== undefined) return { group: group.id }
  throw new CommandError(`There is no group '${flags.group}'.`, {
    hint: 'Check the spelling; names are case sensitive.',
  })
}
