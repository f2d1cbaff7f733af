// `oes observers`: accounts that read what others do, and do nothing else. Lists them, makes an account one, or takes that
// from it. For administrators.

import type { LocatorClient } from '../../services/locator/client.ts'
import { usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import { type LocatorFlags, withLocator } from '../locator-options.ts'
import type { Output } from '../output.ts'

export interface ObserverFlags extends LocatorFlags {
  group?: string
  everybody?: boolean
}

export type ObserverAction = 'list' | 'add' | 'remove'
const ACTIONS: readonly string[] = ['list', 'add', 'remove']

/** Checks the words before anything is connected to. @throws CommandError */
export function checkObserverWords(
  action: string,
  account: string | undefined,
  { group, everybody }: ObserverFlags,
): ObserverAction {
  if (!ACTIONS.includes(action)) throw usageError(`'${action}' is no action.`, `Use one of ${ACTIONS.join(', ')}.`)
  if ((group === undefined) === (everybody === undefined)) {
    throw usageError('Exactly one of --group, --everybody is needed.', 'See `oes observers --help`.')
  }
  if ((action === 'list') !== (account === undefined)) {
    throw usageError(
      action === 'list' ? 'list names no account.' : 'There is no account.',
      'See `oes observers --help`.',
    )
  }
  return action as ObserverAction
}

export function observers(
  output: Output,
  action: ObserverAction,
  account: string | undefined,
  flags: ObserverFlags,
  environment: NodeJS.ProcessEnv,
): Promise<ExitStatus> {
  const hint = 'Administrators say who observes whom.'
  return withLocator(flags, environment, hint, async locator => {
    const { group } = flags
    const whom = group === undefined ? 'everybody' : `group ${group}`
    const directory = await directoryOf(locator, group, action === 'add')
    if (account === undefined) {
      const all = directory === undefined ? [] : await locator.loadChildren(directory)
      if (output.isJson) for (const { id, name } of all) output.json({ id, name })
      else if (all.length === 0) output.line(`Nobody observes ${whom}.`)
      else for (const { name } of all) output.line(name)
      return ExitStatus.Ok
    }
    const { id } = await locator.findAccount(account)
    const isOne = directory !== undefined && (await locator.loadChildren(directory)).some(child => child.id === id)
    if (action === 'add') {
      if (!isOne) await locator.associate(directory!, id)
      output.line(`${account} observes ${whom}, and may do nothing but read.`)
    } else {
      if (isOne) await locator.detach(directory, id)
      output.line(`${account} does not observe ${whom}.`)
    }
    return ExitStatus.Ok
  })
}

/** The directory of those observers; made where it is wanted and not there. */
async function directoryOf(
  locator: LocatorClient,
  group: string | undefined,
  isWanted: boolean,
): Promise<number | undefined> {
  const { OBSERVERS, ROOT } = await import('../../services/locator/directory-graph.ts')
  const parent = group === undefined ? ROOT.id : (await locator.loadEntryAt(`trading_groups/${group}`)).id
  const known = (await locator.loadChildren(parent)).find(({ name }) => name === OBSERVERS)
  return known?.id ?? (isWanted ? locator.makeDirectory(OBSERVERS, parent) : undefined)
}
