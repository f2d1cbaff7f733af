import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogue, LANE_BYTES, Metric } from '../../src/metrics/catalogue.ts'
import { exposedName, exposition, type NamedLane } from '../../src/metrics/exposition.ts'
import { HISTOGRAM_SLOTS, Lane } from '../../src/shared-memory/lanes.ts'

function lanes(): NamedLane[] {
  const memory = new SharedArrayBuffer(6 * LANE_BYTES)
  const kinds = ['main', 'writer', 'shard', 'shard', 'store', 'store'] as const
  const threads = ['main', 'writer', 'shard-0', 'shard-1', '10.0.0.7:3306/spire', 'odd"\\']
  return kinds.map((kind, index) => ({ kind, thread: threads[index]!, lane: new Lane(memory, index, LANE_BYTES) }))
}

test('the slots of the catalogue follow one another without gap or overlap, each under a name of its own', () => {
  let end = 0
  for (const entry of catalogue) {
    assert.equal(entry.slot, end, entry.name)
    end += entry.kind === 'histogram' ? HISTOGRAM_SLOTS : 1
  }
  assert.ok(end * 8 <= LANE_BYTES)
  assert.deepEqual(
    catalogue.map(entry => entry.slot),
    Object.values(Metric),
  )
  assert.equal(new Set(catalogue.map(exposedName)).size, catalogue.length)
  for (const entry of catalogue) assert.match(exposedName(entry), /^oes_[a-z_]+$/)
})

test('a metric is told for each thread of its kind, with help and type', () => {
  const all = lanes()
  all[2]!.lane.add(Metric.OrdersAccepted, 12)
  all[3]!.lane.add(Metric.OrdersAccepted)
  const lines = exposition(all).split('\n')
  const first = lines.indexOf('# HELP oes_orders_accepted_total Orders that got an id.')
  assert.deepEqual(lines.slice(first, first + 5), [
    '# HELP oes_orders_accepted_total Orders that got an id.',
    '# TYPE oes_orders_accepted_total counter',
    'oes_orders_accepted_total{thread="shard-0"} 12',
    'oes_orders_accepted_total{thread="shard-1"} 1',
    '# HELP oes_orders_rejected_total Orders that failed validation or a check.',
  ])
})

test('what is counted for each store is told under its name', () => {
  const all = lanes()
  all[4]!.lane.set(Metric.StoreLagRecords, 12)
  const lines = exposition(all).split('\n')
  const first = lines.indexOf('# TYPE oes_store_lag_records gauge')
  assert.deepEqual(lines.slice(first + 1, first + 3), [
    'oes_store_lag_records{store="10.0.0.7:3306/spire"} 12',
    'oes_store_lag_records{store="odd\\"\\\\"} 0',
  ])
})

test('a latency is told as a cumulative histogram in seconds', () => {
  const [main] = lanes()
  for (const us of [0, 3, 3, 100, 60_000_000]) main!.lane.record(Metric.AnswerLatency, us)
  const lines = exposition([main!])
    .split('\n')
    .filter(line => line.startsWith('oes_answer_seconds'))
  const label = 'thread="main"'
  assert.deepEqual(
    [...lines.slice(0, 4), ...lines.slice(6, 8), ...lines.slice(-4)],
    [
      `oes_answer_seconds_bucket{${label},le="0.000001"} 1`,
      `oes_answer_seconds_bucket{${label},le="0.000002"} 1`,
      `oes_answer_seconds_bucket{${label},le="0.000004"} 3`,
      `oes_answer_seconds_bucket{${label},le="0.000008"} 3`,
      `oes_answer_seconds_bucket{${label},le="0.000064"} 3`,
      `oes_answer_seconds_bucket{${label},le="0.000128"} 4`,
      `oes_answer_seconds_bucket{${label},le="33.554432"} 4`,
      `oes_answer_seconds_bucket{${label},le="+Inf"} 5`,
      `oes_answer_seconds_sum{${label}} 60.000106`,
      `oes_answer_seconds_count{${label}} 5`,
    ],
  )
})

test('every line has the form of the format, and no lanes give no text', () => {
  const text = exposition(lanes())
  assert.ok(text.endsWith('\n'))
  for (const line of text.slice(0, -1).split('\n')) {
    assert.match(
      line,
      /^(# (HELP|TYPE) oes_[a-z_]+ .+|oes_[a-z_]+\{(thread="[a-z0-9-]+"|store="([^"\\]|\\.)+")(,le="[^"]+")?\} [0-9.e+-]+)$/,
    )
  }
  assert.equal(exposition([]), '')
})
