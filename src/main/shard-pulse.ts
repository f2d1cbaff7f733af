// Whether every shard goes on publishing. Main sends the time to all of them ten times a second, so a shard that is well
// closes blocks all the time. One that does not is held by its disk, or by a fault of ours.

import { Metric } from '../metrics/catalogue.ts'
import type { Lane } from '../shared-memory/lanes.ts'

/** Looks without a new block, one a second, until a shard counts as silent. */
const SILENT_LOOKS = 5

export class ShardPulse {
  readonly #lanes: readonly Lane[]
  readonly #blocks: number[]
  readonly #silentLooks: number[]

  /** @param lanes of the shards, in their order. */
  constructor(lanes: readonly Lane[]) {
    this.#lanes = lanes
    this.#blocks = lanes.map(lane => lane.value(Metric.Blocks))
    this.#silentLooks = lanes.map(() => 0)
  }

  /** Called once a second. Counts looks rather than time: a process that was held as a whole is no silent shard. */
  look(): void {
    for (const [shard, lane] of this.#lanes.entries()) {
      const blocks = lane.value(Metric.Blocks)
      this.#silentLooks[shard] = blocks === this.#blocks[shard] ? this.#silentLooks[shard]! + 1 : 0
      this.#blocks[shard] = blocks
    }
  }

  /** Numbers of the shards that have published nothing for some seconds. */
  silent(): number[] {
    return [...this.#silentLooks.keys()].filter(shard => this.#silentLooks[shard]! >= SILENT_LOOKS)
  }
}
