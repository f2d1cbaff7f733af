// `oes store rebuild`: makes one store whole again, from another one or from the journals. It empties tables, so it asks
// first; a server may run meanwhile as long as it has another store.

import path from 'node:path'
import readline from 'node:readline/promises'
import {
  RebuildFailed,
  type RebuildOptions,
  type RebuildSummary,
  rebuildFromJournals,
  rebuildFromStore,
} from '../../audit/rebuild.ts'
import { readStatus, type StoreStatus } from '../../audit/store-status.ts'
import { JournalDamaged } from '../../journal/journal-errors.ts'
import { StoreMismatch, StoreUnavailable } from '../../stores/order-store.ts'
import { SchemaTooNew } from '../../stores/schema.ts'
import type { MysqlEndpoint, StoreEndpoint } from '../../stores/store-endpoint.ts'
import { CommandError, usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import type { Output } from '../output.ts'
import { Progress } from '../progress.ts'
import { endpointNamed, loadDefinitions, readStores, type StoreOptions } from '../store-options.ts'

export interface RebuildFlags {
  config?: string
  from?: string
  yes?: boolean
}

const JOURNALS = 'journals'

export async function rebuildStore(output: Output, word: string, flags: RebuildFlags): Promise<ExitStatus> {
  const options = await readStores(flags.config)
  const { stores, dataDirectory, installation, config, journals } = options
  const target = endpointNamed(stores, word)
  if (target.kind === 'embedded') {
    throw new CommandError('The embedded store has no other store to be rebuilt from.', {
      hint: `Where the journals reach back to their first entries (oes store status), stop the server, move ${target.file} away with its -wal and -shm, and start: it is built anew.`,
    })
  }
  if (installation === undefined) {
    throw new CommandError(`No server ran in ${dataDirectory} yet.`, {
      hint: 'Name the configuration of the server with --config, and run this where its data directory is.',
    })
  }
  const definitions = await loadDefinitions(config)
  const status = await readStatus(stores, journals, installation)
  const source = sourceOf(options, target, status.stores, flags.from)
  await checkServer(options, target, status.stores)
  const standing = status.stores.find(({ name }) => name === target.name)
  const from = source === JOURNALS ? 'the journals' : source.name
  if (standing?.standing === 'away') {
    throw new CommandError(`${target.name} cannot be reached: ${standing.reason}.`, { hint: 'Bring it up first.' })
  }
  if (standing?.standing === 'being rebuilt') output.note(`A rebuild of ${target.name} was begun before.`)
  else if (flags.yes !== true) await confirm(target, from)

  const progress = new Progress(process.stderr, `${target.name} from ${from}:`)
  const rebuildOptions: RebuildOptions = {
    definitions,
    journals,
    batchRowsMax: config.writer.batchRowsMax,
    batchBytesMax: config.writer.batchBytesMax,
    onProgress: (done, total) => progress.show(done, total),
  }
  let summary: RebuildSummary
  try {
    summary =
      source === JOURNALS
        ? await rebuildFromJournals(target, installation, rebuildOptions)
        : await rebuildFromStore(target, source, installation, rebuildOptions)
  } catch (error) {
    throw explained(error, target)
  } finally {
    progress.finish()
  }
  const { events, isResumed } = summary
  if (output.isJson) output.json({ store: target.name, from, events, isResumed })
  else {
    const resumed = isResumed ? ', going on where an earlier rebuild had ended' : ''
    output.line(`${output.paint('green', 'rebuilt')}  ${target.name} from ${from}: ${events} events${resumed}.`)
  }
  output.note('A running server takes it up by itself within a minute. Compare it with: oes store verify')
  return ExitStatus.Ok
}

/** Where the rows come from: what was asked for, else the store that is furthest, else the journals. */
function sourceOf(
  { stores, journals, lateJournals }: StoreOptions,
  target: StoreEndpoint,
  status: readonly StoreStatus[],
  from: string | undefined,
): StoreEndpoint | typeof JOURNALS {
  if (from !== undefined && from !== JOURNALS) {
    const source = endpointNamed(stores, from)
    if (source === target) throw usageError('A store cannot be rebuilt from itself.')
    return source
  }
  const healthy = status
    .filter(({ name, standing }) => name !== target.name && (standing === 'up to date' || standing === 'behind'))
    .toSorted((a, b) => (a.lagRecords ?? 0) - (b.lagRecords ?? 0))[0]
  if (healthy !== undefined && from !== JOURNALS) return endpointNamed(stores, healthy.name)
  if (lateJournals.length === 0 && journals.length > 0) return JOURNALS
  const why =
    journals.length === 0
      ? 'there are no journals'
      : `the journals do not reach back to their first entries (${lateJournals.join(', ')})`
  const others = healthy === undefined ? 'No other store is healthy' : `${healthy.name} is healthy`
  throw new CommandError(`${target.name} cannot be rebuilt from the journals: ${why}. ${others}.`, {
    hint: healthy === undefined ? 'Bring another store up first; see oes store status.' : `Use --from ${healthy.name}.`,
  })
}

/** While a server runs it must keep a store; and nobody may start one on a directory of which nothing is known. */
async function checkServer(
  { dataDirectory }: StoreOptions,
  target: StoreEndpoint,
  status: readonly StoreStatus[],
): Promise<void> {
  const isOther = status.some(
    ({ name, standing }) => name !== target.name && (standing === 'up to date' || standing === 'behind'),
  )
  if (isOther || !(await isServing(dataDirectory))) return
  throw new CommandError(`A server uses ${dataDirectory}, and ${target.name} is the only store it has.`, {
    hint: 'Stop the server first: while its only store is empty it could not answer queries.',
  })
}

async function isServing(dataDirectory: string): Promise<boolean> {
  const { DataInUse, lockDirectory } = await import('../../main/data-lock.ts')
  try {
    lockDirectory(path.resolve(dataDirectory)).release()
    return false
  } catch (error) {
    if (error instanceof DataInUse) return true
    throw error
  }
}

async function confirm(target: MysqlEndpoint, from: string): Promise<void> {
  if (process.stdin.isTTY !== true) {
    throw usageError(`This empties all tables of ${target.name}.`, 'Say --yes to go on.')
  }
  const terminal = readline.createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(
    `This empties all tables of ${target.name} and fills them from ${from}. Write yes to go on: `,
  )
  terminal.close()
  if (answer.trim().toLowerCase() !== 'yes') throw new CommandError('Nothing was done.')
}

function explained(error: unknown, target: MysqlEndpoint): unknown {
  const isKnown =
    error instanceof RebuildFailed ||
    error instanceof StoreUnavailable ||
    error instanceof StoreMismatch ||
    error instanceof SchemaTooNew ||
    error instanceof JournalDamaged
  if (!isKnown) return error
  const hint =
    error instanceof RebuildFailed
      ? `${target.name} takes no part until a rebuild has ended.`
      : 'Put that right and run the same command again: it goes on where it was.'
  return new CommandError(error.message, { hint, cause: error })
}
