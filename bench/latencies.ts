// Latencies in whole microseconds, kept in a histogram of three significant digits. The only door to hdr-histogram-js.

import { build, type Histogram } from 'hdr-histogram-js'

/** An hour: whatever takes longer is no latency but a hang, and the scenario fails before. */
const LATENCY_US_MAX = 3_600_000_000

/** What is told of many latencies, in microseconds. */
export interface Percentiles {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly p9999: number
  readonly max: number
}

export class Latencies {
  readonly #histogram: Histogram

  constructor() {
    this.#histogram = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: LATENCY_US_MAX,
      numberOfSignificantValueDigits: 3,
      bitBucketSize: 32,
    })
  }

  /** `us` is rounded down to whole microseconds; what lies before its due time counts as 0. */
  record(us: number): void {
    this.#histogram.recordValue(us > 0 ? Math.min(Math.trunc(us), LATENCY_US_MAX) : 0)
  }

  reset(): void {
    this.#histogram.reset()
  }

  percentiles(): Percentiles {
    const histogram = this.#histogram
    const at = (percentile: number) => histogram.getValueAtPercentile(percentile)
    return {
      count: histogram.totalCount,
      mean: histogram.totalCount === 0 ? 0 : Math.round(histogram.mean),
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
      p9999: at(99.99),
      max: histogram.maxValue,
    }
  }
}
