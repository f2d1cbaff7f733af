// Which stores, and whose: from the configuration, read as the server reads it.

import fs from 'node:fs'
import path from 'node:path'
import { formatAddress } from '../config/address.ts'
import { type Config, defaultConfig } from '../config/config.ts'
import { type Definitions, definitionsData, definitionsFromData } from '../domain/definitions.ts'
import { journalRange } from '../journal/journal-range.ts'
import { type Installation, InstallationUnreadable, readInstallation } from '../stores/installation.ts'
import type { StoreEndpoint } from '../stores/store-endpoint.ts'
import { CommandError, usageError } from './command-error.ts'
import { readConfig } from './server-options.ts'

/** A journal of the server, by the name under which stores remember it. */
export interface NamedJournal {
  readonly name: string
  readonly directory: string
}

export interface StoreOptions {
  readonly stores: readonly StoreEndpoint[]
  readonly dataDirectory: string
  /** In the data directory; none where the server never ran there. */
  readonly journals: readonly NamedJournal[]
  /** The id of the data directory; undefined where the server never ran there. */
  readonly installation: string | undefined
  /** Journals whose first entries are not there: they were lost, or went on from a store. */
  readonly lateJournals: readonly string[]
  readonly config: Config
}

/** What the configuration says; without a file, as a server that was started without one. @throws CommandError */
export async function readStores(file: string | undefined): Promise<StoreOptions> {
  const config = file === undefined ? defaultConfig() : readConfig(file)
  // Loaded only here: commands that talk to a server need nothing of one.
  const { storeEndpoints } = await import('../main/store-endpoints.ts')
  const { dataDirectory } = config
  const installation = installationOf(dataDirectory)
  const journals = journalsIn(path.join(dataDirectory, 'journal'))
  return {
    stores: storeEndpoints(config, dataDirectory),
    dataDirectory,
    journals,
    installation: installation?.id,
    lateJournals: lateJournals(journals, installation),
    config,
  }
}

/**
 * What tells the venues of tickers from their symbols: the definitions of the server's own platform, or those of the
 * services it is configured with. @throws CommandError where those cannot be had.
 */
export async function loadDefinitions({ serviceLocator }: Config): Promise<Definitions> {
  if (serviceLocator === undefined) return definitionsFromData(definitionsData)
  const [{ LocatorClient }, { loadDefinitionsData }] = await Promise.all([
    import('../services/locator/client.ts'),
    import('../services/definitions/client.ts'),
  ])
  const { address, username: name, password } = serviceLocator
  try {
    const locator = await LocatorClient.open({ addresses: [address], name, password })
    try {
      return definitionsFromData(await loadDefinitionsData(locator))
    } finally {
      locator.close()
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new CommandError(`The definitions cannot be loaded through ${formatAddress(address)}: ${why}.`, {
      hint: 'Rows of the journals cannot be told without them. Bring the service locator up, or look at its section.',
      cause: error,
    })
  }
}

function journalsIn(directory: string): NamedJournal[] {
  if (!fs.existsSync(directory)) return []
  return fs
    .readdirSync(directory)
    .filter(name => /^shard-\d+$/.test(name))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map(name => ({ name, directory: path.join(directory, name) }))
}

function lateJournals(journals: readonly NamedJournal[], installation: Installation | undefined): string[] {
  const late = journals.filter(({ directory }) => (journalRange(directory).first ?? 1) > 1).map(({ name }) => name)
  const begun = Object.entries(installation?.begins ?? {}).filter(([, first]) => first > 1)
  const lost = (installation?.journals ?? []).filter(name => !journals.some(journal => journal.name === name))
  return [...new Set([...late, ...begun.map(([name]) => name), ...lost])]
}

function installationOf(dataDirectory: string): Installation | undefined {
  try {
    return readInstallation(dataDirectory)
  } catch (error) {
    if (!(error instanceof InstallationUnreadable)) throw error
    throw new CommandError(error.message, { cause: error })
  }
}

/** The endpoint that a word names: its whole name, or its place in the list, from 1. @throws CommandError */
export function endpointNamed(stores: readonly StoreEndpoint[], word: string): StoreEndpoint {
  const found = stores.find(({ name }) => name === word) ?? (/^\d+$/.test(word) ? stores[Number(word) - 1] : undefined)
  if (found !== undefined) return found
  const known = stores.map(({ name }, index) => `${index + 1} (${name})`).join(', ')
  throw usageError(`There is no endpoint '${word}'.`, `The configuration has ${known}.`)
}
