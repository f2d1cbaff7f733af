// The tables of one store as audit and comparison read them: one state of them, as it was when the view began, however
// long the reading takes and whoever writes meanwhile. Values come as numbers whatever a damaged table holds.
//
// Two layouts are known. `own` is that of this server: whole micros in SQLite, decimals in MySQL. `doubles` is the older
// one of other servers, whose tables have the same names, and doubles that hold micros.

import { embeddedDialect } from '../stores/embedded-view.ts'
import { openReadable } from '../stores/open-readable.ts'
import { StoreUnavailable } from '../stores/order-store.ts'
import type { StoreValue, StoreView } from '../stores/readable-store.ts'
import type { StoreEndpoint } from '../stores/store-endpoint.ts'

export type TableLayout = 'own' | 'doubles'

export interface StoreTables {
  /** Of the endpoint. */
  readonly name: string
  readonly layout: TableLayout
  /** Whether they have room for the terms of replaces, which those of earlier versions have not. */
  readonly hasReplaces: boolean
  readonly view: StoreView
}

/** A page may have to be looked for in a table that is not in memory: as long as anybody would wait for it. */
const STATEMENT_TIMEOUT_MS = 600_000

/** Runs `work` on one state of the tables of `endpoint`. @throws StoreUnavailable, and what `work` throws */
export async function withTables<Result>(
  endpoint: StoreEndpoint,
  work: (tables: StoreTables) => Promise<Result>,
): Promise<Result> {
  const { tables, close } = await holdTables(endpoint)
  try {
    return await work(tables)
  } finally {
    await close()
  }
}

async function layoutOf(view: StoreView): Promise<TableLayout> {
  return (await hasTable(view, 'account_sequences')) ? 'own' : 'doubles'
}

/** Whether the store has a table of this name. */
export async function hasTable(view: StoreView, table: string): Promise<boolean> {
  const sql =
    view.dialect === embeddedDialect
      ? 'SELECT 1 FROM sqlite_master WHERE name = ?'
      : 'SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?'
  return (await view.rows(sql, [table])).length > 0
}

/** A whole number as it is, or as the nearest double beyond 2^53, which SQLite's driver would refuse to give. */
export function wholeColumn({ view }: StoreTables, column: string): string {
  return view.dialect === embeddedDialect ? `CAST(${column} AS REAL)` : column
}

/** An amount in micros, as the table has it. */
export function amountColumn(tables: StoreTables, column: string): string {
  const { layout, view } = tables
  if (view.dialect === embeddedDialect) return wholeColumn(tables, column)
  return layout === 'own' ? `${column} * 1000000` : column
}

/** A value of one of these columns; decimals come as text. */
export function numberOf(value: StoreValue | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}

/** The condition that the two columns lie behind these values; `undefined` is before all rows. */
export function behind(
  { view }: StoreTables,
  columns: readonly [string, string],
  values: readonly [number, number] | undefined,
): string {
  return values === undefined ? '1 = 1' : view.dialect.behind(columns, values)
}

/** Runs `work` on the tables of those endpoints that can be read, all in their state of now. */
export async function withAllTables<Result>(
  endpoints: readonly StoreEndpoint[],
  work: (stores: readonly StoreTables[]) => Promise<Result>,
  onAway: (endpoint: StoreEndpoint, error: StoreUnavailable) => void = () => undefined,
): Promise<Result> {
  const held: { readonly tables: StoreTables; readonly close: () => Promise<void> }[] = []
  try {
    for (const endpoint of endpoints) {
      try {
        held.push(await holdTables(endpoint))
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        onAway(endpoint, error)
      }
    }
    return await work(held.map(({ tables }) => tables))
  } finally {
    await Promise.all(held.map(({ close }) => close()))
  }
}

async function holdTables(endpoint: StoreEndpoint): Promise<{ tables: StoreTables; close: () => Promise<void> }> {
  const patient = endpoint.kind === 'mysql' ? { ...endpoint, statementTimeoutMs: STATEMENT_TIMEOUT_MS } : endpoint
  const store = await openReadable(patient)
  try {
    const view = await store.view()
    const layout = await layoutOf(view)
    const hasReplaces = layout === 'own' && (await hasTable(view, 'replace_client_order_ids'))
    const tables = { name: endpoint.name, layout, hasReplaces, view }
    // The view is a transaction that changed nothing: it ends with its connection.
    return { tables, close: () => store.close() }
  } catch (error) {
    await store.close()
    throw error
  }
}
