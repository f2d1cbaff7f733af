// How each store stands beside the journals of its server, from what both hold: it asks nobody who runs. A store is read
// before the journals are, so that its position never seems to lie beyond them.

import { type JournalRange, journalRange } from '../journal/journal-range.ts'
import { embeddedDialect } from '../stores/embedded-view.ts'
import { StoreUnavailable } from '../stores/order-store.ts'
import type { StoreView } from '../stores/readable-store.ts'
import type { StoreEndpoint } from '../stores/store-endpoint.ts'
import type { JournalToScan } from './journal-scan.ts'
import { hasTable, withTables } from './store-tables.ts'

/** The store takes part only in the first two. */
export type Standing = 'up to date' | 'behind' | 'away' | 'needs rebuild' | 'being rebuilt' | 'refused'

export interface StoreFacts {
  /** Undefined where the tables say nothing of it. */
  readonly schemaVersion: number | undefined
  readonly owner: string | undefined
  readonly positions: ReadonlyMap<string, number>
  readonly setAside: number
}

export interface StoreStatus {
  readonly name: string
  readonly standing: Standing
  /** Why, where it does not take part; empty otherwise. */
  readonly reason: string
  /** Undefined where it could not be read. */
  readonly facts: StoreFacts | undefined
  /** Entries the journals hold and the store does not have; undefined where it could not be read. */
  readonly lagRecords: number | undefined
}

export interface JournalStatus {
  readonly name: string
  readonly range: JournalRange
}

export interface InstallationStatus {
  readonly journals: readonly JournalStatus[]
  readonly stores: readonly StoreStatus[]
}

/** Owner of a store that is being rebuilt: no server takes it for its own meanwhile. */
export const REBUILD_OWNER = 'rebuild '

/** @param installation the id of the data directory; undefined where no server ran there. @throws JournalDamaged */
export async function readStatus(
  endpoints: readonly StoreEndpoint[],
  journals: readonly JournalToScan[],
  installation: string | undefined,
): Promise<InstallationStatus> {
  const read = await Promise.all(endpoints.map(async endpoint => ({ endpoint, facts: await factsOf(endpoint) })))
  const ranges = journals.map(({ name, directory }) => ({ name, range: journalRange(directory) }))
  return {
    journals: ranges,
    stores: read.map(({ endpoint, facts }) => statusOf(endpoint.name, facts, ranges, installation)),
  }
}

/** What the tables of an endpoint say, or why they cannot be read. */
async function factsOf(endpoint: StoreEndpoint): Promise<StoreFacts | StoreUnavailable> {
  try {
    return await withTables(endpoint, ({ view }) => readFacts(view))
  } catch (error) {
    if (error instanceof StoreUnavailable) return error
    throw error
  }
}

/** What the tables say of themselves; of tables that are not there, nothing. @throws StoreUnavailable */
export async function readFacts(view: StoreView): Promise<StoreFacts> {
  const has = (table: string) => hasTable(view, table)
  const isOwned = await has('store_owner')
  const isCopied = await has('journal_positions')
  const positions = isCopied ? await view.rows('SELECT journal, sequence FROM journal_positions') : []
  const [setAside] = isCopied ? await view.rows('SELECT COUNT(*) FROM set_aside') : []
  const [owner] = isOwned ? await view.rows('SELECT installation FROM store_owner') : []
  return {
    schemaVersion: await schemaVersionOf(view),
    owner: owner === undefined ? undefined : String(owner[0]),
    positions: new Map(positions.map(([journal, sequence]) => [String(journal), Number(sequence)])),
    setAside: Number(setAside?.[0] ?? 0),
  }
}

async function schemaVersionOf(view: StoreView): Promise<number | undefined> {
  if (view.dialect === embeddedDialect) return Number((await view.rows('PRAGMA user_version'))[0]?.[0])
  if (!(await hasTable(view, 'schema_version'))) return undefined
  const [row] = await view.rows('SELECT version FROM schema_version')
  return row === undefined ? undefined : Number(row[0])
}

/** How a store stands with these facts, or without any. */
export function statusOf(
  name: string,
  facts: StoreFacts | StoreUnavailable,
  journals: readonly JournalStatus[],
  installation: string | undefined,
): StoreStatus {
  if (facts instanceof StoreUnavailable) {
    return { name, standing: 'away', reason: facts.message, facts: undefined, lagRecords: undefined }
  }
  const lags = journals.map(journal => lagOf(journal, facts.positions.get(journal.name) ?? 0))
  const lagRecords = lags.reduce((sum, { records }) => sum + records, 0)
  const told = (standing: Standing, reason = ''): StoreStatus => ({ name, standing, reason, facts, lagRecords })
  const { owner } = facts
  if (owner?.startsWith(REBUILD_OWNER)) {
    return told('being rebuilt', 'a rebuild is under way, or was interrupted: run it again')
  }
  if (owner !== undefined && installation !== undefined && owner !== installation) {
    return told('refused', `it belongs to installation ${owner}`)
  }
  const refusal = lags.find(({ refused }) => refused !== '')
  if (refusal !== undefined) return told('refused', refusal.refused)
  const trimmed = lags.find(({ trimmed }) => trimmed !== '')
  if (trimmed !== undefined) return told('needs rebuild', trimmed.trimmed)
  return told(lagRecords === 0 ? 'up to date' : 'behind')
}

function lagOf({ name, range: { first, next } }: JournalStatus, stored: number) {
  const isBeyond = first !== undefined && stored >= next
  const isTrimmed = first !== undefined && stored + 1 < first
  return {
    records: first === undefined ? 0 : Math.max(0, next - 1 - stored),
    refused: isBeyond ? `it has ${name} up to entry ${stored}, and the journal ends at ${next - 1}` : '',
    trimmed: isTrimmed ? `it has ${name} up to entry ${stored}, and the journal begins at ${first}` : '',
  }
}
