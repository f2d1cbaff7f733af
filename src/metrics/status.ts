// The metrics as plain data: for our own screens, which want each number under the name of the exposition and latencies as
// exactly as they were counted.

import { Latencies } from '../shared-memory/lanes.ts'
import { catalogue, type LaneKind } from './catalogue.ts'
import { exposedName, type NamedLane } from './exposition.ts'

/** The states of a store in words, by the numbers of oes_store_state. */
export { STORE_STATE_NAMES } from '../shared-memory/writer-shared.ts'

/** A latency's histogram: buckets that are not empty as the first µs behind them and how many lie in them. */
export interface LatencyStatus {
  readonly count: number
  readonly sumUs: number
  readonly maxUs: number
  readonly buckets: readonly (readonly [endUs: number, count: number])[]
}

export type MetricStatus = number | Readonly<Record<string, number>> | LatencyStatus

export interface LaneStatus {
  readonly kind: LaneKind
  /** As the exposition labels it. */
  readonly name: string
  /** By the name of the exposition; what has a further label by that. */
  readonly metrics: Readonly<Record<string, MetricStatus>>
}

export function* laneStatus(lanes: readonly NamedLane[]): Generator<LaneStatus> {
  for (const { kind, thread, lane } of lanes) {
    const metrics: Record<string, MetricStatus> = {}
    for (const entry of catalogue) {
      if (!entry.lanes.includes(kind)) continue
      const name = exposedName(entry)
      if (entry.kind === 'histogram') {
        const latencies = new Latencies()
        latencies.add(lane.histogram(entry.slot))
        const { count, sumUs, maxUs } = latencies
        metrics[name] = { count, sumUs, maxUs, buckets: latencies.buckets() }
      } else if (entry.label === undefined) metrics[name] = lane.value(entry.slot)
      else {
        const counts: Record<string, number> = {}
        for (const [place, value] of entry.label.values.entries()) {
          const count = lane.value(entry.slot + place)
          if (count !== 0 || entry.label.isSparse !== true) counts[value] = count
        }
        metrics[name] = counts
      }
    }
    yield { kind, name: thread, metrics }
  }
}
