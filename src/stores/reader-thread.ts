// A reader thread: answers queries from the stores and the journals, one at a time, in a pool of threads beside main. Each
// thread opens a store when it first asks it, and keeps what it reads of the journals.
//
//   stores to try, in order ─ one answers soon ────────────────────────► answer
//     └─ none: the journals alone ─ they reach back far enough ────────► answer
//          └─ not: all the stores again, with patience ─ one answers ──► answer
//               └─ none ───────────────────────────────────────────────► refused: StoreUnavailable
//
// A store that failed is passed over for a while: a second at first, longer where it fails again, so that one that hangs
// costs its time limit seldom. How long it may take for a statement depends on whether others may have the answer.

import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import { assert, unreachable } from '../base/assert.ts'
import { lowerThreadPriority } from '../base/thread-priority.ts'
import { type Definitions, definitionsFromData } from '../domain/definitions.ts'
import { Reason } from '../domain/reasons.ts'
import { AccountTails, HistoryMissing, type JournalToRead } from './account-tails.ts'
import { JournalsAlone } from './journals-alone.ts'
import { openReadable, type ReadableOptions } from './open-readable.ts'
import { InvalidFilter } from './order-filter.ts'
import { StoreUnavailable } from './order-store.ts'
import { type OrderQuery, type OrdersQuery, type Page, type ReportsQuery, StoreReader } from './queries.ts'
import type { ReadableStore } from './readable-store.ts'
import type { StoreEndpoint } from './store-endpoint.ts'

export interface ReaderDeskOptions {
  /** As the writer numbers them. */
  readonly stores: readonly StoreEndpoint[]
  /** As `definitionsFromData` takes them. */
  readonly definitions: unknown
  /** Most memory of one thread for the index of what the stores lack, in bytes; what does not fit goes to a file. */
  readonly tailBytesMax: number
  /** Where that file is. */
  readonly spillDirectory?: string | undefined
}

/** Plain data, the same for all threads of the pool. */
export interface ReaderThreadOptions extends ReaderDeskOptions {
  /** How far each thread steps back behind the others. */
  readonly nice: number
}

/** Numbers of stores, to be asked in this order. */
interface StoresToTry {
  readonly tryStores: readonly number[]
}

/** What a thread is asked. */
export type ReaderTask = ReaderQuestion & StoresToTry

export type ReaderQuestion =
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

/** How long a store that failed is passed over, at first and at most, in ms. */
const PASSED_OVER_MS_MIN = 1_000
const PASSED_OVER_MS_MAX = 30_000

/** Longest silence of a server where others may have the answer; the endpoint's own limits where they have not. */
const SOON: ReadableOptions = { statementTimeoutMs: 2_000, connectTimeoutMs: 1_000 }

/** By main, before it starts the pool: the threads find the options in the environment they inherit. */
export function shareReaderOptions(options: ReaderThreadOptions): void {
  setEnvironmentData(OPTIONS, { ...options })
}

let desk: ReaderDesk | undefined

/** Answers one task. Throws only where the server itself is at fault, or a journal is damaged. */
export default async function answer(task: ReaderTask): Promise<ReaderAnswer> {
  if (desk === undefined) {
    const options = getEnvironmentData(OPTIONS) as unknown as ReaderThreadOptions | undefined // as shared above
    assert(options !== undefined, 'the reader pool was started before its options were shared')
    // Where the system does not let it, queries take their turn with everybody else.
    lowerThreadPriority(options.nice)
    desk = new ReaderDesk(options)
  }
  return desk.answer(task)
}

/** A store over one connection, opened when it is asked first. */
class Opened {
  readonly #open: () => Promise<ReadableStore>
  readonly #readerOf: (store: ReadableStore) => StoreReader
  #store: ReadableStore | undefined
  #reader: StoreReader | undefined

  constructor(open: () => Promise<ReadableStore>, readerOf: (store: ReadableStore) => StoreReader) {
    this.#open = open
    this.#readerOf = readerOf
  }

  /** @throws StoreUnavailable */
  async reader(): Promise<StoreReader> {
    if (this.#reader === undefined) {
      this.#store = await this.#open()
      this.#reader = this.#readerOf(this.#store)
    }
    return this.#reader
  }

  async close(): Promise<void> {
    await this.#store?.close()
  }
}

/** One store, as it is found. */
interface Place {
  readonly soon: Opened
  readonly patient: Opened
  /** When it may be asked again, and how long it is passed over where it fails then. */
  againMs: number
  passedOverMs: number
}

export class ReaderDesk {
  readonly #places: Place[]
  readonly #definitions: Definitions
  readonly #tails: AccountTails
  readonly #alone: StoreReader
  readonly #nowMs: () => number

  constructor(options: ReaderDeskOptions, nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
    this.#definitions = definitionsFromData(options.definitions)
    this.#tails = new AccountTails({
      bytesMax: options.tailBytesMax,
      ...(options.spillDirectory === undefined ? {} : { spillDirectory: options.spillDirectory }),
    })
    const readerOf = (store: ReadableStore) =>
      new StoreReader({ store, definitions: this.#definitions, tails: this.#tails })
    this.#places = options.stores.map(endpoint => ({
      soon: new Opened(() => openReadable(endpoint, SOON), readerOf),
      patient: new Opened(() => openReadable(endpoint), readerOf),
      againMs: 0,
      passedOverMs: PASSED_OVER_MS_MIN,
    }))
    this.#alone = readerOf(new JournalsAlone())
  }

  /** @throws JournalDamaged, and where the server itself is at fault. */
  async answer(task: ReaderTask): Promise<ReaderAnswer> {
    try {
      return { result: await this.#fromSomewhere(task) }
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

  async close(): Promise<void> {
    for (const { soon, patient } of this.#places) {
      await soon.close()
      await patient.close()
    }
    this.#tails.close()
  }

  async #fromSomewhere(task: ReaderTask): Promise<Page | number | undefined> {
    const failures = new Set<string>()
    const note = (error: unknown) => {
      if (!(error instanceof StoreUnavailable)) throw error
      failures.add(error.message)
    }
    const places = task.tryStores.map(number => this.#places[number])
    for (const place of places) {
      assert(place !== undefined, 'no such store')
      if (this.#nowMs() < place.againMs) continue
      try {
        return await this.#soonFrom(place, task)
      } catch (error) {
        note(error)
      }
    }
    try {
      return await ask(this.#alone, task)
    } catch (error) {
      note(error)
    }
    for (const place of places) {
      try {
        return await ask(await place!.patient.reader(), task)
      } catch (error) {
        note(error)
      }
    }
    throw new StoreUnavailable([...failures].join('; '))
  }

  async #soonFrom(place: Place, task: ReaderTask): Promise<Page | number | undefined> {
    try {
      const answer = await ask(await place.soon.reader(), task)
      place.passedOverMs = PASSED_OVER_MS_MIN
      place.againMs = 0
      return answer
    } catch (error) {
      // What lacks one account's history may have everybody else's.
      if (error instanceof StoreUnavailable && !(error instanceof HistoryMissing)) {
        place.againMs = this.#nowMs() + place.passedOverMs
        place.passedOverMs = Math.min(2 * place.passedOverMs, PASSED_OVER_MS_MAX)
      }
      throw error
    }
  }
}

function ask(reader: StoreReader, task: ReaderQuestion): Promise<Page | number | undefined> {
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
