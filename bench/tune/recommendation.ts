// What follows from the measurements of a sweep: how many shards suit the machine, and whether they should look for work
// for a while before they sleep.

/** What one setting gave, in the median of its rounds. */
export interface Measured {
  readonly shards: number
  readonly spinUs: number
  /** All connections, many orders in flight. */
  readonly ordersPerSecond: number
  readonly p99Us: number
  /** One order in flight. */
  readonly singleP50Us: number
  readonly singleP99Us: number
}

export interface Recommendation {
  readonly shards: number
  readonly spinUs: number
  /** Sentences that say why. */
  readonly why: readonly string[]
}

/** A further shard has to bring more than this. */
const WORTH_WHILE = 1.03
/** Looking for work has to shorten the way of a single order to this, and may not cost more throughput than that. */
const SHORTER = 0.9
const THROUGHPUT_KEPT = 0.97
/** Of two that shorten it about alike, the one that looks less long is right. */
const ALIKE = 1.05

/** @param measured at least one setting. */
export function recommend(measured: readonly Measured[]): Recommendation {
  const { shards, why } = shardsOf(measured.filter(({ spinUs }) => spinUs === 0))
  const atCount = measured.filter(each => each.shards === shards)
  const sleeping = atCount.find(({ spinUs }) => spinUs === 0)
  const better = atCount
    .filter(({ spinUs }) => spinUs > 0)
    .filter(
      ({ singleP50Us, ordersPerSecond }) =>
        sleeping !== undefined &&
        singleP50Us <= SHORTER * sleeping.singleP50Us &&
        ordersPerSecond >= THROUGHPUT_KEPT * sleeping.ordersPerSecond,
    )
  if (sleeping === undefined || better.length === 0) {
    const isTried = atCount.some(({ spinUs }) => spinUs > 0)
    const sentence = isTried
      ? 'Looking for work before they sleep (engine.spin_us) shortens no order by a tenth without a cost: leave it at 0.'
      : 'Whether to look for work before sleeping (engine.spin_us) was not measured: leave it at 0.'
    return { shards, spinUs: 0, why: [...why, sentence] }
  }
  const best = Math.min(...better.map(({ singleP50Us }) => singleP50Us))
  const chosen = better.toSorted((a, b) => a.spinUs - b.spinUs).find(({ singleP50Us }) => singleP50Us <= ALIKE * best)!
  const gain = Math.round(100 * (1 - chosen.singleP50Us / sleeping.singleP50Us))
  return {
    shards,
    spinUs: chosen.spinUs,
    why: [
      ...why,
      `Looking for work for ${chosen.spinUs} µs makes a single order ${gain} % faster; it takes processor time while ` +
        'nothing happens.',
    ],
  }
}

function shardsOf(measured: readonly Measured[]): { shards: number; why: string[] } {
  const [first, ...further] = measured.toSorted((a, b) => a.shards - b.shards)
  if (first === undefined) throw new Error('nothing was measured')
  let chosen = first
  for (const each of further) if (each.ordersPerSecond > WORTH_WHILE * chosen.ordersPerSecond) chosen = each
  const most = further.at(-1)
  if (most === undefined) return { shards: chosen.shards, why: [`Only ${chosen.shards} was measured.`] }
  const sentence =
    chosen === most
      ? `${chosen.shards} shards were the most that were tried, and the fastest.`
      : `More than ${chosen.shards} ${chosen.shards === 1 ? 'shard does' : 'shards do'} not bring three percent.`
  return { shards: chosen.shards, why: [sentence] }
}

/** The recommendation as lines of the configuration. */
export function yamlOf({ shards, spinUs }: Recommendation): string {
  return `engine:\n  shards: ${shards}\n  spin_us: ${spinUs}\n`
}
