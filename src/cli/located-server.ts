// The order execution server that a configuration leads to: its section `service_locator` names the locator that knows the
// server; without that section the server itself is in the configuration.

import type { ConnectOptions } from '../client/index.ts'
import { formatAddress } from '../config/address.ts'
import type { Config } from '../config/config.ts'
import { CommandError } from './command-error.ts'
import { readConfig, type ServerFlags, serverOptions } from './server-options.ts'

const CONFIG_DEFAULT = 'config.yml'

/**
 * What to connect with: --server or OES_SERVER where given, else what the configuration leads to, `config.yml` where none
 * is named. Whoever gives no user name is the account of the section.
 * @throws CommandError
 */
export async function locatedServerOptions(
  flags: ServerFlags,
  environment: NodeJS.ProcessEnv,
): Promise<ConnectOptions> {
  const isNamed = flags.server !== undefined || (flags.config === undefined && environment.OES_SERVER !== undefined)
  if (isNamed) return serverOptions(flags, environment)
  const file = flags.config ?? CONFIG_DEFAULT
  const config = readable(file)
  const { serviceLocator } = config
  if (serviceLocator === undefined) return serverOptions({ ...flags, config: file }, environment)
  const username = flags.username ?? environment.OES_USERNAME ?? serviceLocator.username
  const isOfSection = username === serviceLocator.username
  const password = flags.password ?? environment.OES_PASSWORD ?? (isOfSection ? serviceLocator.password : undefined)
  // What is missing is told before anything is connected to.
  const options = serverOptions(
    { ...flags, server: formatAddress(serviceLocator.address), username, ...(password !== undefined && { password }) },
    environment,
  )
  return { ...options, ...(await located(serviceLocator, config.server.service, username, options.password)) }
}

/** A configuration that cannot be used is a failure, whatever is wrong with it. */
function readable(file: string): Config {
  try {
    return readConfig(file)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    const isMissing = ((error.cause as NodeJS.ErrnoException | undefined)?.code ?? '') === 'ENOENT'
    const message = isMissing ? `${file} not found.` : error.message
    const hint = isMissing ? 'Name the configuration with --config, or the server with --server HOST:PORT.' : error.hint
    throw new CommandError(message, { hint, cause: error })
  }
}

async function located(
  { address }: NonNullable<Config['serviceLocator']>,
  service: string,
  name: string,
  password: string,
): Promise<{ host: string; port: number }> {
  // Loaded only here: who names a server needs nothing of the services.
  const { addressesOf, LocatorClient } = await import('../services/locator/client.ts')
  const where = `service locator at ${formatAddress(address)}`
  try {
    const locator = await LocatorClient.open({ addresses: [address], name, password })
    try {
      const [found] = addressesOf(await locator.locate(service))
      if (found === undefined) {
        throw new CommandError(`The ${where} knows no server by the name of ${service}.`, {
          hint: 'Is the server running? Name it with --server HOST:PORT where the locator cannot know it.',
        })
      }
      return found
    } finally {
      locator.close()
    }
  } catch (error) {
    if (error instanceof CommandError) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new CommandError(`The ${where} cannot be asked for the server: ${why}`, {
      hint: 'Check the section service_locator, and --username and --password or OES_USERNAME and OES_PASSWORD.',
      cause: error,
    })
  }
}
