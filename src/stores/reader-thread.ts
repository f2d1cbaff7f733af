// A reader thread: answers queries from the store and the journals, one at a time, in a pool of threads beside main. Each
// thread opens the store on its first task and keeps what it reads of the journals.

import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import { assert } from '../base/assert.ts'
import { definitionsFromData } from '../domain/definitions.ts'
import type { JournalToRead } from './account-tails.ts'
import { type OrderQuery, type OrdersQuery, type Page, type ReportsQuery, StoreReader } from './queries.ts'

/** Plain data, the same for all threads of the pool. */
export interface ReaderThreadOptions {
  readonly storeFile: string
  /** As `definitionsFromData` takes them. */
  readonly definitions: unknown
  /** Most memory of one thread for events that the store does not have yet, in bytes. */
  readonly tailBytesMax: number
}

/** What a thread is asked; the answer to `accountOf` is an account or undefined, to all others a page. */
export type ReaderTask =
  | { readonly ask: 'orders'; readonly query: OrdersQuery }
  | { readonly ask: 'reports'; readonly query: ReportsQuery }
  | { readonly ask: 'order'; readonly query: OrderQuery }
  | { readonly ask: 'accountOf'; readonly orderId: number; readonly journals: readonly JournalToRead[] }

const OPTIONS = 'stores/reader-thread'

/** By main, before it starts the pool: the threads find the options in the environment they inherit. */
export function shareReaderOptions(options: ReaderThreadOptions): void {
  setEnvironmentData(OPTIONS, { ...options })
}

let reader: StoreReader | undefined

function openReader(): StoreReader {
  const options = getEnvironmentData(OPTIONS) as unknown as ReaderThreadOptions | undefined // as shared above
  assert(options !== undefined, 'the reader pool was started before its options were shared')
  const { storeFile, definitions, tailBytesMax } = options
  return new StoreReader({ storeFile, definitions: definitionsFromData(definitions), tailBytesMax })
}

/** Answers one task. @throws as the functions of `StoreReader` */
export default function answer(task: ReaderTask): Page | number | undefined {
  reader ??= openReader()
  switch (task.ask) {
    case 'orders':
      return reader.orders(task.query)
    case 'reports':
      return reader.reports(task.query)
    case 'order':
      return reader.order(task.query)
    case 'accountOf':
      return reader.accountOf(task.orderId, task.journals)
  }
}
