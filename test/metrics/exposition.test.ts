import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Reason, reasons } from '../../src/domain/reasons.ts'
import { RiskStateType } from '../../src/domain/risk-state.ts'
import { catalogue, LANE_BYTES, Metric, slotOfReason, slotOfRiskState } from '../../src/metrics/catalogue.ts'
import { exposedName, exposition, type NamedLane } from '../../src/metrics/exposition.ts'
import { laneStatus } from '../../src/metrics/status.ts'
import { HISTOGRAM_SLOTS, Lane } from '../../src/shared-memory/lanes.ts'
import { parsePrometheusText } from './prometheus-text.ts'

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
    end += entry.kind === 'histogram' ? HISTOGRAM_SLOTS : (entry.label?.values.length ?? 1)
  }
  assert.ok(end * 8 <= LANE_BYTES)
  assert.deepEqual(
    catalogue.map(entry => entry.slot),
    Object.values(Metric),
  )
  assert.equal(new Set(catalogue.map(exposedName)).size, catalogue.length)
  for (const entry of catalogue) assert.match(exposedName(entry), /^oes_[a-z_]+$/)
})

test('each reason and each risk state has a slot of its own', () => {
  const names = reasons.map(({ code }) => slotOfReason(Metric.Refusals, code))
  assert.deepEqual(
    names,
    names.map((_, place) => Metric.Refusals + place),
  )
  const states = Object.values(RiskStateType).map(type => slotOfRiskState(type))
  assert.deepEqual(
    states,
    states.map((_, place) => Metric.RiskStates + place),
  )
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

test('what is told by reason appears once it happened, other labels at once', () => {
  const all = lanes()
  all[0]!.lane.add(slotOfReason(Metric.Refusals, Reason.NotPermitted), 3)
  all[0]!.lane.set(Metric.Halts + 3, 1)
  const lines = exposition(all).split('\n')
  assert.deepEqual(
    lines.filter(line => line.startsWith('oes_refusals_total') || line.startsWith('oes_halts')),
    [
      'oes_halts{thread="main",scope="account"} 0',
      'oes_halts{thread="main",scope="group"} 0',
      'oes_halts{thread="main",scope="destination"} 0',
      'oes_halts{thread="main",scope="everybody"} 1',
      'oes_refusals_total{thread="main",reason="NOT_PERMITTED"} 3',
    ],
  )
})

test('the text is what the format allows, with every number as it was counted: property', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(5), fc.nat(catalogue.length - 1), fc.nat(2 ** 40)), { maxLength: 50 }),
      counted => {
        const all = lanes()
        for (const [lane, place, value] of counted) {
          const { kind, slot } = catalogue[place]!
          if (kind === 'histogram') all[lane]!.lane.record(slot, value)
          else all[lane]!.lane.set(slot, value)
        }
        const families = parsePrometheusText(exposition(all))
        assert.deepEqual(
          families.map(({ name, type, help }) => ({ name, type, help })),
          catalogue
            .filter(entry => !entry.lanes.every(kind => kind === 'link'))
            .map(entry => ({ name: exposedName(entry), type: entry.kind, help: entry.help })),
        )
        for (const { kind, thread, lane } of all) {
          const label = kind === 'store' ? 'store' : 'thread'
          for (const entry of catalogue) {
            if (!entry.lanes.includes(kind) || entry.kind === 'histogram' || entry.label !== undefined) continue
            const family = families.find(({ name }) => name === exposedName(entry))!
            const sample = family.samples.find(({ labels }) => labels[label] === thread)
            assert.equal(sample?.value, lane.value(entry.slot))
          }
        }
      },
    ),
    { numRuns: 20 },
  )
  assert.equal(exposition([]), '')
})

test('the status has every number under the name of the text, and latencies in their own buckets', () => {
  const all = lanes()
  all[2]!.lane.add(Metric.OrdersAccepted, 12)
  all[2]!.lane.add(slotOfReason(Metric.Refusals, Reason.Capacity))
  for (const us of [3, 3, 100]) all[2]!.lane.record(Metric.CommandLatency, us)
  const status = [...laneStatus(all)]
  assert.deepEqual(
    status.map(({ kind, name }) => [kind, name]),
    all.map(({ kind, thread }) => [kind, thread]),
  )
  for (const { kind, metrics } of status) {
    assert.deepEqual(Object.keys(metrics), catalogue.filter(each => each.lanes.includes(kind)).map(exposedName))
  }
  const shard = status[2]!.metrics
  assert.equal(shard.oes_orders_accepted_total, 12)
  assert.deepEqual(shard.oes_refusals_total, { CAPACITY: 1 })
  assert.deepEqual(shard.oes_command_seconds, {
    count: 3,
    sumUs: 106,
    maxUs: 100,
    buckets: [
      [4, 2],
      [102, 1],
    ],
  })
})
