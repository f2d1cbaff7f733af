// The rate of orders that a store keeps up with for ever: orders fall due by the clock, and the store must not fall
// further and further behind.

import type { LoadClient } from '../load/load-client.ts'
import { OrderPattern } from '../load/load-plan.ts'
import { figure, type ScenarioOptions } from '../scenario.ts'
import type { StoreProgress } from '../server/store-watch.ts'

/** Of a marketable order: accepted, new, filled. */
export const REPORTS_PER_ORDER = 3
/** A lag below what comes in during this time is that of a batch or a checkpoint on its way, and not one that grows. */
const LAG_ON_ITS_WAY_SECONDS = 1
/** How often the lag is looked at for one rate. */
const LAG_LOOKS = 5
/** A lag grows where more than this part of what comes in stays behind. */
const LAG_GROWTH_MAX = 0.01
/** Steps of the search for the sustained rate: each halves the interval. */
const SUSTAINED_STEPS = 5

/**
 * The highest rate, by bisection, at which the store does not fall further behind; 0 where none of the rates tried is
 * such a one. A checkpoint of the store makes the lag jump and come back, so of neighbouring looks the smaller counts.
 */
export async function sustainedRate(
  load: LoadClient,
  store: StoreProgress,
  most: number,
  { quick, seconds = 10, say }: ScenarioOptions,
): Promise<number> {
  const measureMs = quick ? 100 : Math.min(seconds * 2_000, 20_000) / LAG_LOOKS
  let low = 0
  let high = most
  for (let step = 0; step < (quick ? 1 : SUSTAINED_STEPS); step++) {
    const rate = step === 0 ? most * 0.6 : (low + high) / 2
    let expected = await store.reports()
    let done = 0
    const lags: number[] = []
    for (let look = 0; look < LAG_LOOKS; look++) {
      const result = await load.run({ pattern: OrderPattern.Marketable, rate, warmUpMs: 0, measureMs })
      expected += REPORTS_PER_ORDER * result.ordersTotal
      lags.push(expected - (await store.reports()))
      done += result.ordersPerSecond / LAG_LOOKS
    }
    const catchUpMs = await store.caughtUp(expected)
    const early = Math.min(...lags.slice(1, 3))
    const late = Math.min(...lags.slice(-2))
    const arrived = (REPORTS_PER_ORDER * rate * 2 * measureMs) / 1_000
    const grows = late - early > LAG_GROWTH_MAX * arrived && late > LAG_ON_ITS_WAY_SECONDS * REPORTS_PER_ORDER * rate
    const isSustained = !grows && done > 0.98 * rate
    say(
      `at ${figure(rate)} orders/s: ${figure(done)} done, ${lags.map(figure).join(', ')} reports behind, caught up ` +
        `after ${figure(catchUpMs)} ms: ${isSustained ? 'sustained' : 'not sustained'}`,
    )
    if (isSustained) low = rate
    else high = rate
  }
  return low
}
