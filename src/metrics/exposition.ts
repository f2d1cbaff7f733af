// The metrics as text in the Prometheus exposition format, version 0.0.4: what a monitoring system collects.

import { HISTOGRAM_POWER_MAX, type Lane, Latencies } from '../shared-memory/lanes.ts'
import { catalogue, type MetricEntry, type MetricThread } from './catalogue.ts'

export interface NamedLane {
  readonly kind: MetricThread
  /** The value of the label `thread`: main, writer, shard-0, shard-1 …; of a store's lane, that of the label `store`. */
  readonly thread: string
  readonly lane: Lane
}

/** Content type of the text. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** All metrics of `lanes`, in the order of the catalogue. */
export function exposition(lanes: readonly NamedLane[]): string {
  const lines: string[] = []
  for (const entry of catalogue) {
    const own = lanes.filter(lane => lane.kind === entry.thread)
    if (own.length === 0) continue
    const name = exposedName(entry)
    lines.push(`# HELP ${name} ${entry.help}`, `# TYPE ${name} ${entry.kind}`)
    for (const { kind, thread, lane } of own) {
      const label = `${kind === 'store' ? 'store' : 'thread'}="${escaped(thread)}"`
      if (entry.kind === 'histogram') pushHistogram(lines, name, label, lane.histogram(entry.slot))
      else lines.push(`${name}{${label}} ${lane.value(entry.slot)}`)
    }
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

/** The name a metric has in the exposition. */
export function exposedName(entry: MetricEntry): string {
  if (entry.kind === 'counter') return `${entry.name}_total`
  return entry.kind === 'histogram' ? `${entry.name}_seconds` : entry.name
}

/** As the format wants the value of a label. */
function escaped(value: string): string {
  return value.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')
}

function pushHistogram(lines: string[], name: string, label: string, histogram: Float64Array): void {
  const latencies = new Latencies()
  latencies.add(histogram)
  // In seconds, as the format has it, at bounds of 2^power microseconds. The last of them, and so the count of what lay
  // above it, would be a lie: longer latencies were counted as just below it.
  for (let power = 0; power < HISTOGRAM_POWER_MAX; power++) {
    const bound = 2 ** power / 1e6
    lines.push(`${name}_bucket{${label},le="${bound}"} ${latencies.countBelowPower(power)}`)
  }
  lines.push(
    `${name}_bucket{${label},le="+Inf"} ${latencies.count}`,
    `${name}_sum{${label}} ${latencies.sumUs / 1e6}`,
    `${name}_count{${label}} ${latencies.count}`,
  )
}
