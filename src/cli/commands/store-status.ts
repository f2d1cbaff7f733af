// `oes store status`: each store beside the journals, from what both hold, so that it works whether the server runs or
// not.

import { type JournalStatus, readStatus, type StoreStatus } from '../../audit/store-status.ts'
import { ExitStatus } from '../exit-status.ts'
import type { Output } from '../output.ts'
import { readStores } from '../store-options.ts'
import type { Column } from '../table.ts'

/** @returns failed where a store does not take part. */
export async function showStoreStatus(output: Output, flags: { config?: string }): Promise<ExitStatus> {
  const { stores, journals, installation, dataDirectory } = await readStores(flags.config)
  const status = await readStatus(stores, journals, installation)
  if (output.isJson) {
    for (const store of status.stores) output.json(storeJson(store, status.journals))
  } else {
    output.line(
      `data directory ${dataDirectory}, ${installation === undefined ? 'no installation yet' : `installation ${installation}`}`,
    )
    output.line('')
    output.table(storeColumns(output), status.stores)
    if (status.journals.length > 0) {
      output.line('')
      output.table(journalColumns(status.stores), status.journals)
    }
    for (const { name, reason } of status.stores) if (reason !== '') output.line(`\n${name}: ${reason}.`)
  }
  for (const store of status.stores) advise(output, store)
  return status.stores.every(takesPart) ? ExitStatus.Ok : ExitStatus.Failed
}

function takesPart({ standing }: StoreStatus): boolean {
  return standing === 'up to date' || standing === 'behind'
}

function storeColumns(output: Output): Column<StoreStatus>[] {
  return [
    { title: 'STORE', cell: store => store.name },
    {
      title: 'STATE',
      cell: store => store.standing,
      paint: (padded, store) => output.paint(takesPart(store) ? 'green' : 'red', padded),
    },
    { title: 'LAG', align: 'right', cell: store => String(store.lagRecords ?? '?') },
    { title: 'SET ASIDE', align: 'right', cell: store => String(store.facts?.setAside ?? '?') },
    { title: 'SCHEMA', align: 'right', cell: store => String(store.facts?.schemaVersion ?? '?') },
    { title: 'OWNER', cell: store => (store.facts === undefined ? '?' : (store.facts.owner ?? 'nobody')) },
  ]
}

/** Where the journals begin and end, and up to where each store has them. */
function journalColumns(stores: readonly StoreStatus[]): Column<JournalStatus>[] {
  return [
    { title: 'JOURNAL', cell: journal => journal.name },
    { title: 'FIRST', align: 'right', cell: ({ range }) => (range.first === undefined ? 'none' : String(range.first)) },
    { title: 'LAST', align: 'right', cell: ({ range }) => String(range.next - 1) },
    ...stores.map(
      (store): Column<JournalStatus> => ({
        title: store.name,
        align: 'right',
        cell: journal => (store.facts === undefined ? '?' : String(store.facts.positions.get(journal.name) ?? 0)),
      }),
    ),
  ]
}

function storeJson(store: StoreStatus, journals: readonly JournalStatus[]): unknown {
  const { name, standing, reason, facts, lagRecords } = store
  return {
    store: name,
    state: standing,
    ...(reason !== '' && { reason }),
    ...(facts !== undefined && {
      lagRecords,
      setAside: facts.setAside,
      schemaVersion: facts.schemaVersion,
      owner: facts.owner,
      journals: journals.map(({ name: journal, range: { first, next } }) => ({
        journal,
        first,
        last: next - 1,
        stored: facts.positions.get(journal) ?? 0,
      })),
    }),
  }
}

function advise(output: Output, { name, standing, facts }: StoreStatus): void {
  if (standing === 'needs rebuild' || standing === 'being rebuilt') {
    output.note(`Make ${name} whole again with: oes store rebuild ${name}`)
  } else if (standing === 'refused') {
    output.note(`Compare ${name} with the others: oes store verify. Nothing is written to it until it fits again.`)
  }
  if ((facts?.setAside ?? 0) > 0) {
    output.note(`${name} has set entries aside that no table takes: see its table set_aside, which has the reasons.`)
  }
}
