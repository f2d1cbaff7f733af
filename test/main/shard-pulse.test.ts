import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { ShardPulse } from '../../src/main/shard-pulse.ts'
import { LANE_BYTES, Metric } from '../../src/metrics/catalogue.ts'
import { Lane } from '../../src/shared-memory/lanes.ts'

test('a shard that closes no block for five looks is silent until it closes one', () => {
  const memory = new SharedArrayBuffer(2 * LANE_BYTES)
  const lanes = [0, 1].map(shard => new Lane(memory, shard, LANE_BYTES))
  const pulse = new ShardPulse(lanes)
  const looks = (count: number, ...beating: number[]) => {
    for (let look = 0; look < count; look++) {
      for (const shard of beating) lanes[shard]!.add(Metric.Blocks, 10)
      pulse.look()
    }
    return pulse.silent()
  }
  deepEqual(looks(10, 0, 1), [])
  deepEqual(looks(4, 0), [])
  deepEqual(looks(1, 0), [1])
  deepEqual(looks(9), [0, 1])
  deepEqual(looks(1, 1), [0])
  deepEqual(looks(1, 0, 1), [])
})
