import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { LANE_BYTES, Metric } from '../../src/metrics/catalogue.ts'
import { ShardMeter } from '../../src/shards/shard-meter.ts'
import { Lane, Latencies } from '../../src/shared-memory/lanes.ts'

function metered(requestsMax = 4) {
  const lane = new Lane(new SharedArrayBuffer(LANE_BYTES), 0, LANE_BYTES)
  let nowUs = 0
  const meter = new ShardMeter(lane, requestsMax, () => nowUs)
  const told = (metric: number) => {
    const latencies = new Latencies()
    latencies.add(lane.histogram(metric))
    return [latencies.count, latencies.sumUs]
  }
  return {
    meter,
    at: (us: number) => {
      nowUs = us
      return meter
    },
    figures: () => ({
      wait: told(Metric.WaitLatency),
      judge: told(Metric.JudgeLatency),
      publish: told(Metric.PublishLatency),
      command: told(Metric.CommandLatency),
    }),
    lane,
  }
}

test('each stage of a block is told from the looks at the clock', () => {
  const { at, figures } = metered()
  at(100).beginTaking()
  at(100).request(40)
  at(110).look()
  at(110).request(90)
  at(115).endTaking()
  at(115).close()
  at(500).durable()
  at(520).published()
  deepEqual(figures(), { wait: [2, 80], judge: [1, 15], publish: [1, 20], command: [2, 870] })
})

test('requests received at one time are counted each, whatever came between them', () => {
  const { at, figures } = metered(6)
  at(100).beginTaking()
  for (const timeUs of [40, 40, 70, 40]) at(100).request(timeUs)
  at(110).look()
  for (const timeUs of [50, 50]) at(110).request(timeUs)
  at(110).endTaking()
  at(110).close()
  at(200).durable()
  at(200).published()
  deepEqual(figures(), { wait: [6, 330], judge: [1, 10], publish: [1, 0], command: [6, 910] })
})

test('a block that is filled while the one before is on its way to the disk keeps its own times', () => {
  const { at, figures } = metered()
  at(10).beginTaking()
  at(10).request(0)
  at(12).endTaking()
  at(12).close()
  at(20).beginTaking()
  at(20).request(15)
  at(24).endTaking()
  at(100).durable()
  at(100).published()
  deepEqual(figures(), { wait: [2, 15], judge: [1, 2], publish: [1, 0], command: [1, 100] })
  at(110).beginTaking()
  at(111).endTaking()
  at(111).close()
  at(215).durable()
  at(215).published()
  deepEqual(figures(), { wait: [2, 15], judge: [2, 7], publish: [2, 0], command: [2, 300] })
})

test('a block with more requests than it can have is a broken promise', () => {
  const { at, meter } = metered(2)
  at(1).beginTaking()
  meter.request(0)
  meter.request(0)
  throws(() => meter.request(0))
})

test('heap and processor time are looked at with every other tick', () => {
  const { lane, meter } = metered()
  meter.tick()
  const first = lane.value(Metric.HeapAllocated)
  deepEqual([first > 0, lane.value(Metric.HeapUsed) > 0, lane.value(Metric.HeapLimit) > 0], [true, true, true])
  meter.tick()
  deepEqual(lane.value(Metric.HeapAllocated), first)
  meter.tick()
  deepEqual(lane.value(Metric.HeapAllocated) > first, true)
})
