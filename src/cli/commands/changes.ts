// `oes changes`: who changed what in the directory, limits, states and rules, from the records of all services. For
// administrators.

import type { AdministrationClient } from '../../services/administration/client.ts'
import type { Change } from '../../services/changes/change-log.ts'
import type { ComplianceClient } from '../../services/compliance/client.ts'
import type { LocatorClient } from '../../services/locator/client.ts'
import { usageError } from '../command-error.ts'
import { ExitStatus } from '../exit-status.ts'
import { type LocatorFlags, withLocator } from '../locator-options.ts'
import { timeText } from '../order-columns.ts'
import type { Output } from '../output.ts'
import type { Column } from '../table.ts'

const SERVICES = ['directory', 'limits', 'rules'] as const
type ChangedService = (typeof SERVICES)[number]

export interface ChangesFlags extends LocatorFlags {
  of?: string
  last?: number
}

interface Row extends Change {
  readonly of: ChangedService
  /** Names of the account that made the change and of what was changed; the id where there is no name any more. */
  readonly byName: string
  readonly subjectName: string
}

/** Lists changes, oldest first. @throws CommandError */
export function showChanges(output: Output, flags: ChangesFlags, environment: NodeJS.ProcessEnv): Promise<ExitStatus> {
  const chosen = servicesOf(flags.of)
  return withLocator(flags, environment, 'Administrators see who changed what.', async locator => {
    const found: (Change & { of: ChangedService })[] = []
    for (const of of chosen) for (const change of await loadChanges(locator, of)) found.push({ ...change, of })
    // Numbers are those of each service; what they have in common is time.
    found.sort((a, b) => a.timestamp - b.timestamp)
    const shown = found.slice(flags.last === undefined ? 0 : Math.max(0, found.length - flags.last))
    if (output.isJson) for (const change of shown) output.json(change)
    else if (shown.length === 0) output.line('Nothing was changed.')
    else output.table(columns, await named(locator, shown))
    return ExitStatus.Ok
  })
}

function servicesOf(word: string | undefined): readonly ChangedService[] {
  if (word === undefined) return SERVICES
  const service = SERVICES.find(each => each === word)
  if (service === undefined)
    throw usageError(`There are no changes of '${word}'.`, `Use one of ${SERVICES.join(', ')}.`)
  return [service]
}

async function loadChanges(locator: LocatorClient, of: ChangedService): Promise<Change[]> {
  if (of === 'directory') return await locator.loadChanges()
  let client: AdministrationClient | ComplianceClient
  if (of === 'limits') {
    const { AdministrationClient } = await import('../../services/administration/client.ts')
    client = await AdministrationClient.open(locator)
  } else {
    const { ComplianceClient } = await import('../../services/compliance/client.ts')
    client = await ComplianceClient.open(locator)
  }
  try {
    return await client.loadChanges()
  } finally {
    client.close()
  }
}

async function named(locator: LocatorClient, changes: readonly (Change & { of: ChangedService })[]): Promise<Row[]> {
  const names = new Map<number, string>()
  for (const entry of changes.flatMap(({ of, by, subject }) => (of === 'rules' ? [by] : [by, subject]))) {
    if (!names.has(entry)) names.set(entry, await nameOf(locator, entry))
  }
  return changes.map(change => ({
    ...change,
    byName: names.get(change.by)!,
    subjectName: change.of === 'rules' ? String(change.subject) : names.get(change.subject)!,
  }))
}

/** What was deleted has no name any more. */
async function nameOf(locator: LocatorClient, entry: number): Promise<string> {
  const [{ ServiceError }, { Reason }] = await Promise.all([
    import('../../services/wire/service-error.ts'),
    import('../../domain/reasons.ts'),
  ])
  try {
    return (await locator.loadEntry(entry)).name
  } catch (error) {
    if (error instanceof ServiceError && error.code === Reason.UnknownEntry) return String(entry)
    throw error
  }
}

const columns: Column<Row>[] = [
  { title: 'TIME', cell: ({ timestamp }) => timeText(timestamp) },
  { title: 'BY', cell: ({ byName }) => byName },
  { title: 'OF', cell: ({ of }) => of },
  { title: 'WHAT', cell: ({ what }) => what },
  { title: 'SUBJECT', cell: ({ subjectName }) => subjectName },
  { title: 'BEFORE', cell: ({ before }) => JSON.stringify(before) },
  { title: 'AFTER', cell: ({ after }) => JSON.stringify(after) },
]
