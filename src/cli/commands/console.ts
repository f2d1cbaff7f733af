// Runs the console as a process of its own: reads where everything is, and hands over to the process that serves the page.

import { type Address, isLoopback, parseAddress } from '../../config/address.ts'
import { usageError } from '../command-error.ts'
import { type TlsFlags, tlsPaths } from '../server-options.ts'

/** As the flags give them. */
export interface ConsoleFlags extends TlsFlags {
  interface?: string
  server?: string
  locator?: string
  admin?: string
}

/** Runs until it is told to stop. @returns the exit status of the process. @throws CommandError */
export async function serveConsoleOf(flags: ConsoleFlags, environment: NodeJS.ProcessEnv): Promise<number> {
  const page = addressOf(flags.interface ?? '127.0.0.1:20702')
  const places = {
    interface: page,
    isLoopbackOnly: isLoopback(page.host),
    server: addressOf(flags.server ?? environment.OES_SERVER ?? '127.0.0.1:20700'),
    locator: addressOf(flags.locator ?? environment.OES_LOCATOR ?? '127.0.0.1:20000'),
    admin: addressOf(flags.admin ?? '127.0.0.1:20701'),
    tls: tlsPaths(flags, environment),
  }
  // Loaded only here: other commands need nothing of it.
  const { serveConsole } = await import('../../console/console-process.ts')
  return await serveConsole(places)
}

function addressOf(word: string): Address {
  const address = parseAddress(word)
  if (address === undefined) throw usageError(`'${word}' is no address.`, 'Write it as HOST:PORT.')
  return address
}
