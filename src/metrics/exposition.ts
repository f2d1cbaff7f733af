// The metrics as text in the Prometheus exposition format, version 0.0.4: what a monitoring system collects. The text is
// made piece by piece, so that whoever makes it may let others have their turn between two pieces.

import { HISTOGRAM_POWER_MAX, type Lane, Latencies } from '../shared-memory/lanes.ts'
import { catalogue, type LaneKind, type MetricEntry } from './catalogue.ts'

export interface NamedLane {
  readonly kind: LaneKind
  /**
   * The value of the label `thread`: main, writer, shard-0, shard-1 …, that of a link being its shard; of a store's lane,
   * that of the label `store`.
   */
  readonly thread: string
  readonly lane: Lane
}

/** Content type of the text. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** All metrics of `lanes`, in the order of the catalogue. */
export function exposition(lanes: readonly NamedLane[]): string {
  return [...expositionPieces(lanes)].join('')
}

/** The same, one metric of one lane at a time. */
export function* expositionPieces(lanes: readonly NamedLane[]): Generator<string> {
  for (const entry of catalogue) {
    const own = lanes.filter(({ kind }) => entry.lanes.includes(kind))
    if (own.length === 0) continue
    const name = exposedName(entry)
    yield `# HELP ${name} ${escapedHelp(entry.help)}\n# TYPE ${name} ${entry.kind}\n`
    for (const lane of own) yield samples(entry, name, lane)
  }
}

/** The name a metric has in the exposition. */
export function exposedName(entry: MetricEntry): string {
  if (entry.kind === 'counter') return `${entry.name}_total`
  return entry.kind === 'histogram' ? `${entry.name}_seconds` : entry.name
}

function samples(entry: MetricEntry, name: string, { kind, thread, lane }: NamedLane): string {
  const labels = `${kind === 'store' ? 'store' : 'thread'}="${escaped(thread)}"`
  if (entry.kind === 'histogram') return histogram(name, labels, lane.histogram(entry.slot))
  const { label } = entry
  if (label === undefined) return `${name}{${labels}} ${lane.value(entry.slot)}\n`
  let text = ''
  for (const [place, value] of label.values.entries()) {
    const count = lane.value(entry.slot + place)
    if (label.isSparse === true && count === 0) continue
    text += `${name}{${labels},${label.name}="${escaped(value)}"} ${count}\n`
  }
  return text
}

/** As the format wants the value of a label. */
function escaped(value: string): string {
  return value.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')
}

/** As the format wants a help text: quotes stay as they are there. */
function escapedHelp(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function histogram(name: string, labels: string, slots: Float64Array): string {
  const latencies = new Latencies()
  latencies.add(slots)
  let text = ''
  // In seconds, as the format has it, at bounds of 2^power microseconds. The last of them, and so the count of what lay
  // above it, would be a lie: longer latencies were counted as just below it.
  const below = latencies.countsBelowPowers()
  for (let power = 0; power < HISTOGRAM_POWER_MAX; power++) {
    text += `${name}_bucket{${labels},le="${2 ** power / 1e6}"} ${below[power]}\n`
  }
  return (
    `${text}${name}_bucket{${labels},le="+Inf"} ${latencies.count}\n` +
    `${name}_sum{${labels}} ${latencies.sumUs / 1e6}\n${name}_count{${labels}} ${latencies.count}\n`
  )
}
