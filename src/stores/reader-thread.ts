// A reader thread: answers queries from the store and the journals, one at a time, in a pool of threads beside main. Each
// thread opens the store on its first task and keeps what it reads of the journals.

import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import { assert, unreachable } from '../base/assert.ts'
import { definitionsFromData } from '../domain/definitions.ts'
import { Reason } from '../domain/reasons.ts'
import type { JournalToRead } from './account-tails.ts'
import { InvalidFilter } from './order-filter.ts'
import { StoreUnavailable } from './order-store.ts'
import { type OrderQuery, type OrdersQuery, type Page, type ReportsQuery, StoreReader } from './queries.ts'

/** Plain data, the same for all threads of the pool. */
export interface ReaderThreadOptions {
  readonly storeFile: string
  /** As `definitionsFromData` takes them. */
  readonly definitions: unknown
  /** Most memory of one thread for events that the store does not have yet, in bytes. */
  readonly tailBytesMax: number
}

/** What a thread is asked. */
export type ReaderTask =
  | { readonly ask: 'orders'; readonly query: OrdersQuery }
  | { readonly ask: 'reports'; readonly query: ReportsQuery }
  | { readonly ask: 'order'; readonly query: OrderQuery }
  | { readonly ask: 'accountOf'; readonly orderId: number; readonly journals: readonly JournalToRead[] }

/**
 * Errors lose their class and code on the way between threads, so a refusal is an answer too. `accountOf` gives an
 * account or undefined, all others a page.
 */
export type ReaderAnswer =
  | { readonly result: Page | number | undefined }
  | { readonly code: Reason; readonly params: readonly string[]; readonly text: string }

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

/** Answers one task. Throws only where the server itself is at fault, or a journal is damaged. */
export default function answer(task: ReaderTask): ReaderAnswer {
  try {
    reader ??= openReader()
    return { result: ask(reader, task) }
  } catch (error) {
    if (error instanceof InvalidFilter) {
      return { code: Reason.InvalidFilter, params: [error.at], text: error.message }
    }
    if (error instanceof StoreUnavailable) {
      return { code: Reason.StoreUnavailable, params: [], text: error.message }
    }
    throw error
  }
}

function ask(reader: StoreReader, task: ReaderTask): Page | number | undefined {
  switch (task.ask) {
    case 'orders':
      return reader.orders(task.query)
    case 'reports':
      return reader.reports(task.query)
    case 'order':
      return reader.order(task.query)
    case 'accountOf':
      return reader.accountOf(task.orderId, task.journals)
    default:
      return unreachable(task)
  }
}
