// Times small pieces of code, each over and over until the figure is steady. The only door to benchmark.js.

import Benchmark from 'benchmark'

export interface MicroCase {
  readonly name: string
  /** Operations in one call of `run`, of which the figure is told per one. */
  readonly perRun: number
  readonly run: () => void
  /** Throws where what `run` does is not right; called before and after it is timed. */
  readonly prove: () => void
}

export interface MicroResult {
  readonly name: string
  readonly perSecond: number
  readonly nanoseconds: number
  /** Relative margin of error, in percent. */
  readonly error: number
  readonly samples: number
}

/** Times one case for about so many seconds. @throws what `prove` throws, or what `run` did while it was timed */
export function timed({ name, perRun, run, prove }: MicroCase, seconds: number): MicroResult {
  prove()
  const benchmark = new Benchmark(name, run, { maxTime: seconds, minSamples: 1, async: false })
  benchmark.run({ async: false })
  const { error } = benchmark as unknown as { error?: unknown } // missing in its types
  if (error !== undefined) throw error
  prove()
  const perSecond = benchmark.hz * perRun
  return {
    name,
    perSecond,
    nanoseconds: 1e9 / perSecond,
    error: benchmark.stats.rme,
    samples: benchmark.stats.sample.length,
  }
}
