// Which service locator, and as whom: from flags, then the environment. For commands that speak to the surrounding services.

import { parseAddress } from '../config/address.ts'
import type { LocatorClient } from '../services/locator/client.ts'
import { CommandError, usageError } from './command-error.ts'

/** As the flags give them. */
export interface LocatorFlags {
  locator?: string
  username?: string
  password?: string
}

const LOCATOR_DEFAULT = '127.0.0.1:20000'

/** Logs in, runs `action`, closes. @throws CommandError with `hint` where a service refuses or does not answer. */
export async function withLocator<Result>(
  flags: LocatorFlags,
  environment: NodeJS.ProcessEnv,
  hint: string,
  action: (locator: LocatorClient) => Promise<Result>,
): Promise<Result> {
  const word = flags.locator ?? environment.OES_LOCATOR ?? LOCATOR_DEFAULT
  const address = parseAddress(word)
  if (address === undefined) throw usageError(`'${word}' is no service locator.`, 'Write it as HOST:PORT.')
  const name = flags.username ?? environment.OES_USERNAME
  const password = flags.password ?? environment.OES_PASSWORD
  if (!name || password === undefined) {
    throw usageError('There is no user name or no password.', 'Set OES_USERNAME and OES_PASSWORD.')
  }
  // Loaded only here: commands that talk to an order execution server need nothing of the services.
  const { LocatorClient } = await import('../services/locator/client.ts')
  let locator: LocatorClient | undefined
  try {
    locator = await LocatorClient.open({ addresses: [address], name, password })
    return await action(locator)
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(error instanceof Error ? error.message : String(error), { hint, cause: error })
  } finally {
    locator?.close()
  }
}
