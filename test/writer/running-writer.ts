// A writer over the journals of a folder: the thread's function in this very thread, or in a thread of its own, that can be
// ended at any moment as a killed process would be.

import path from 'node:path'
import type { TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Log } from '../../src/base/log.ts'
import { definitionsData } from '../../src/domain/definitions.ts'
import { LANE_BYTES } from '../../src/metrics/catalogue.ts'
import { createWriterShared, type StoreState, WriterShared } from '../../src/shared-memory/writer-shared.ts'
import type { StoreEndpoint } from '../../src/stores/store-endpoint.ts'
import writerThread, { type WriterThreadOptions } from '../../src/writer/writer-thread.ts'
import type { StoreFolder } from '../stores/store-folder.ts'

export interface WriterSettings extends Partial<WriterThreadOptions> {
  readonly names?: readonly string[]
  readonly stores?: readonly StoreEndpoint[]
  /** Whether a file may take the place of the stores. */
  readonly hasStandIn?: boolean
}

/** Small batches and short pauses. The journal `retired` belongs to no shard. */
export function writerOptions(folder: StoreFolder, settings: WriterSettings = {}): WriterThreadOptions {
  const { names = ['shard-0'], hasStandIn = false, ...others } = settings
  const stores = settings.stores ?? [{ kind: 'embedded', name: 'embedded', file: folder.storeFile }]
  const count = stores.length + (hasStandIn ? 1 : 0)
  return {
    shared: createWriterShared(names.length, count, hasStandIn),
    journals: names.map(name => ({ name, directory: folder.journal(name), isAppended: name !== 'retired' })),
    stores,
    standInFile: hasStandIn ? path.join(folder.journal('.'), 'stand-in.db') : undefined,
    dataDirectory: folder.journal('.'),
    adoptsStore: false,
    durability: 'none',
    segmentBytes: 16_384,
    spareSegments: 1,
    definitions: definitionsData,
    batchRowsMax: 50,
    batchBytesMax: 1 << 20,
    batchAgeMs: 1,
    confirmBytes: 4_000,
    confirmMs: 5,
    copiesAlways: true,
    lagMaxMs: 60_000,
    catchUpShare: 100,
    pauses: { firstMs: 1, longestMs: 20 },
    stopMsMax: 60_000,
    nice: 0,
    lanes: new SharedArrayBuffer((1 + count) * LANE_BYTES),
    laneBytes: LANE_BYTES,
    lane: 0,
    storeLanes: Array.from({ length: count }, (_, store) => 1 + store),
    log: new Log({ component: 'writer', level: 'error' }).share,
    ...others,
  }
}

export class RunningWriter {
  readonly shared: WriterShared
  /** Settles when the writer has ended, rejects where it failed. */
  readonly ended: Promise<void>
  #failure: unknown
  readonly #worker: Worker | undefined

  /** Ends with the test. @param isApart in a thread of its own. */
  constructor(t: TestContext, options: WriterThreadOptions, isApart = false) {
    t.after(() => this.#end())
    this.shared = new WriterShared(options.shared)
    if (isApart) {
      const worker = new Worker(new URL('./writer-worker.ts', import.meta.url), { workerData: options })
      this.#worker = worker
      this.ended = new Promise((resolve, reject) => {
        worker.once('error', reject)
        worker.once('exit', () => resolve())
      })
    } else this.ended = writerThread(options)
    this.ended.catch((error: unknown) => {
      this.#failure = error
    })
  }

  /** Waits until that holds; rejects where the writer fails before. */
  async until(holds: (shared: WriterShared) => boolean): Promise<void> {
    while (!holds(this.shared)) {
      if (this.#failure !== undefined) throw this.#failure
      await new Promise(resolve => setTimeout(resolve, 2))
    }
  }

  /** Waits until the store is in one of these states. */
  reaches(store: number, ...states: StoreState[]): Promise<void> {
    return this.until(shared => states.includes(shared.state(store)))
  }

  /** Waits until the store has the journal up to that entry. */
  stores(sequence: number, store = 0, journal = 0): Promise<void> {
    return this.until(shared => shared.stored(journal, store) >= sequence)
  }

  async stop(): Promise<void> {
    this.shared.stop()
    await this.ended
  }

  /** Ends the thread wherever it is. */
  async kill(): Promise<void> {
    await this.#worker!.terminate()
  }

  async #end(): Promise<void> {
    this.shared.stop()
    await this.#worker?.terminate()
    await this.ended.catch(() => undefined) // a test that expects it has looked
  }
}
