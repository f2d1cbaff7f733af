// The configuration of a platform: read from a YAML file, checked as a whole, and after that exactly of its type.

import fs from 'node:fs'
import { type ReadOptions, readSections } from './config.ts'
import { PLATFORM_SCHEMA, type PlatformServiceName } from './platform-schema.ts'
import type { Reading, ValuesOf } from './setting.ts'

/** Names are those of the file in camel case; bounds, units and defaults are in the schema. */
export type PlatformConfig = ValuesOf<typeof PLATFORM_SCHEMA.keys>

export interface PlatformConfigOptions extends ReadOptions {
  /** The services of the process, whatever the file says. */
  readonly services?: readonly PlatformServiceName[] | undefined
}

/**
 * The configuration in `file`; without one everything has its default.
 * @throws ConfigInvalid for what is wrong in it; the system's own error where it cannot be read.
 */
export function loadPlatformConfig(file: string | undefined, options: PlatformConfigOptions = {}): PlatformConfig {
  if (file === undefined) return parsePlatformConfig('', 'no file', options)
  return parsePlatformConfig(fs.readFileSync(file, 'utf8'), file, options)
}

/** The configuration in `text`, which stands in `file`. @throws ConfigInvalid */
export function parsePlatformConfig(text: string, file: string, options: PlatformConfigOptions = {}): PlatformConfig {
  const choose = (config: PlatformConfig) => ({ ...config, services: options.services ?? config.services })
  return choose(
    readSections(PLATFORM_SCHEMA, text, file, (config, reading) => checkRelations(choose(config), reading), options),
  )
}

/** Hosts that stand for every interface of a machine. */
const EVERYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/** What holds between two keys; noted at the one that the file gives. */
function checkRelations(config: PlatformConfig, reading: Reading): void {
  const { limits, logins, marketData, server, serviceLocator, services } = config
  const note = (keys: readonly string[], what: string) => {
    const key = keys.find(name => reading.places.has(name)) ?? keys[0]!
    reading.problems.push({ place: reading.places.get(key) ?? { line: 1, column: 1 }, key, what })
  }
  if (services.length === 0) note(['services'], 'names no service: there would be nothing to run')
  const hasLocator = services.includes('service_locator')
  if (services.length > 0 && !hasLocator && serviceLocator === undefined) {
    note(
      ['services', 'service_locator'],
      'does not have service_locator, so the section service_locator has to tell where it is',
    )
  }
  if (hasLocator && serviceLocator !== undefined) {
    note(
      ['service_locator'],
      'is given although the service locator is a service of this process: leave one of them out',
    )
  }
  const isRegistered = services.some(name => name !== 'service_locator')
  if (isRegistered && EVERYWHERE.has(server.interface.host) && server.addresses.length === 0) {
    note(
      ['server.interface'],
      'is no address to be found at, so server.addresses has to say where others reach the services',
    )
  }
  if (marketData.feed === 'replay' && marketData.replay === undefined) {
    note(['market_data.feed'], 'is replay, so market_data.replay has to name the recording')
  }
  if (logins.suspendLongestMs < logins.suspendFirstMs) {
    note(
      ['logins.suspend_longest_ms', 'logins.suspend_first_ms'],
      'does not fit: suspensions grow from the first to the longest',
    )
  }
  if (limits.outboxBytesMax < limits.frameBytesMax) {
    note(
      ['limits.outbox_bytes_max', 'limits.frame_bytes_max'],
      'does not fit: the outbox holds one of the largest messages at least',
    )
  }
}
