// Runs the platform: reads which services are wanted, and hands over to the process that serves them.

import { type PlatformServiceName, platformServiceNames } from '../../config/platform-schema.ts'
import { usageError } from '../command-error.ts'

/** As the flags give them. */
export interface PlatformFlags {
  config?: string
  services?: string
}

/** Runs until it is told to stop. @returns the exit status of the process. @throws CommandError */
export async function platform(flags: PlatformFlags): Promise<number> {
  const services = flags.services === undefined ? undefined : servicesOf(flags.services)
  // Loaded only here: commands that talk to a server need nothing of one.
  const { servePlatform } = await import('../../services/platform/platform-process.ts')
  return await servePlatform({ config: flags.config, services })
}

function servicesOf(words: string): PlatformServiceName[] {
  const known = `The services are ${platformServiceNames.join(', ')}.`
  const names = words.split(',').map(word => {
    const name = platformServiceNames.find(known => known === word.trim())
    if (name === undefined) throw usageError(`There is no service '${word.trim()}'.`, known)
    return name
  })
  if (new Set(names).size < names.length) throw usageError('A service is named twice.', known)
  return names
}
