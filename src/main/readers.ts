// What main asks the readers' threads, and in which order they are to try the stores: those that are up to date first, as
// the writer sees them at that moment.

import type { WriterShared } from '../shared-memory/writer-shared.ts'
import type { Page } from '../stores/queries.ts'
import type { ReaderAnswer, ReaderTask } from '../stores/reader-thread.ts'
import { HistoryFailed, type Readers } from './history.ts'
import type { JournalPlace } from './journals.ts'
import type { Threads } from './threads.ts'

export function readersOf(threads: Threads, writer: WriterShared, journals: readonly JournalPlace[]): Readers {
  const numbers = new Map(journals.map(({ name }, number) => [name, number]))
  const storesFor = (journal: string) => writer.storesToTry(numbers.get(journal)!)
  const ask = async (task: ReaderTask) => {
    const answer = await threads.ask<ReaderTask, ReaderAnswer>(task)
    if ('code' in answer) throw new HistoryFailed(answer.code, [...answer.params], answer.text)
    return answer.result
  }
  return {
    orders: async query => (await ask({ ask: 'orders', query, tryStores: storesFor(query.journals[0]!.name) })) as Page,
    reports: async query =>
      (await ask({ ask: 'reports', query, tryStores: storesFor(query.journals[0]!.name) })) as Page,
    order: async query => (await ask({ ask: 'order', query, tryStores: storesFor(query.journals[0]!.name) })) as Page,
    accountOf: async (orderId, inJournals) =>
      (await ask({ ask: 'accountOf', orderId, journals: inJournals, tryStores: writer.storesToTry(0) })) as
        | number
        | undefined,
  }
}
