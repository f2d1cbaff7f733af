// What is counted for one store, in its lane of the metrics.

import { Metric } from '../metrics/catalogue.ts'
import type { Lane } from '../shared-memory/lanes.ts'
import type { StoreState, WriterShared } from '../shared-memory/writer-shared.ts'

export class StoreMeter {
  readonly #lane: Lane
  readonly #shared: WriterShared
  readonly #store: number

  constructor(lane: Lane, shared: WriterShared, store: number) {
    this.#lane = lane
    this.#shared = shared
    this.#store = store
  }

  state(state: StoreState): void {
    this.#lane.set(Metric.StoreState, state)
  }

  /** A batch is in. */
  applied(entries: number, setAside: number, us: number): void {
    this.#lane.add(Metric.RowsStored, entries - setAside)
    this.#lane.add(Metric.RowsSetAside, setAside)
    this.#lane.add(Metric.StoreBatches)
    this.#lane.record(Metric.StoreLatency, us)
  }

  /** An attempt to open the store, or to give it a batch, failed. */
  failed(): void {
    this.#lane.add(Metric.StoreFailures)
  }

  /** Takes over how far the store is behind, as it was published. */
  lag(): void {
    const { records, bytes, seconds } = this.#shared.totalLag(this.#store)
    this.#lane.set(Metric.StoreLagRecords, records)
    this.#lane.set(Metric.StoreLagBytes, bytes)
    this.#lane.set(Metric.StoreLagSeconds, seconds)
  }
}
