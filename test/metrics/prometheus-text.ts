// A reader of the Prometheus text format, version 0.0.4, that takes nothing but what the format allows: names, escapes,
// numbers, one HELP and one TYPE in front of the samples of a metric, no sample twice, and histograms whose buckets grow up
// to one at +Inf that is their count. Written from the format, not from what writes it.

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly samples: readonly Sample[]
}

export class MalformedText extends Error {
  override name = 'MalformedText'
}

interface OpenFamily extends Family {
  help: string
  type: string
  readonly samples: Sample[]
}

const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*/
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*/
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped']

/** @throws MalformedText with the line */
export function parsePrometheusText(text: string): Family[] {
  const families = new Map<string, OpenFamily>()
  const seen = new Set<string>()
  let current: OpenFamily | undefined
  const open = (name: string, line: string): OpenFamily => {
    if (current?.name === name) return current
    if (families.has(name)) throw new MalformedText(`${name} is not in one piece: ${line}`)
    current = { name, help: '', type: '', samples: [] }
    families.set(name, current)
    return current
  }
  if (text !== '' && !text.endsWith('\n')) throw new MalformedText('the last line has no end')
  for (const line of text.split('\n').slice(0, -1)) {
    if (line.trim() === '') continue
    const comment = /^# (HELP|TYPE) (\S+)(?: (.*))?$/.exec(line)
    if (comment !== null) {
      const [, what, name = '', rest = ''] = comment
      if (METRIC.exec(name)?.[0] !== name) throw new MalformedText(`no name of a metric: ${line}`)
      const family = open(name, line)
      if (family.samples.length > 0) throw new MalformedText(`${what} behind samples: ${line}`)
      if (what === 'HELP') {
        if (family.help !== '') throw new MalformedText(`a second HELP: ${line}`)
        family.help = unescaped(rest, 'n\\', line)
      } else {
        if (family.type !== '') throw new MalformedText(`a second TYPE: ${line}`)
        if (!TYPES.includes(rest)) throw new MalformedText(`no type: ${line}`)
        family.type = rest
      }
      continue
    }
    if (line.startsWith('#')) continue
    const sample = sampleOf(line)
    const family = current
    if (family === undefined || !belongs(sample.name, family)) {
      throw new MalformedText(`a sample of another metric: ${line}`)
    }
    const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()])
    if (seen.has(key)) throw new MalformedText(`a sample twice: ${line}`)
    seen.add(key)
    family.samples.push(sample)
  }
  for (const family of families.values()) check(family)
  return [...families.values()]
}

function belongs(name: string, { name: own, type }: Family): boolean {
  if (type !== 'histogram') return name === own
  return ['_bucket', '_sum', '_count'].some(ending => name === own + ending)
}

function sampleOf(line: string): Sample {
  const malformed = (what: string) => new MalformedText(`${what}: ${line}`)
  const name = METRIC.exec(line)?.[0]
  if (name === undefined) throw malformed('no name')
  let rest = line.slice(name.length)
  const labels: Record<string, string> = {}
  if (rest.startsWith('{')) {
    rest = rest.slice(1)
    while (!rest.startsWith('}')) {
      const label = LABEL.exec(rest)?.[0]
      if (label === undefined) throw malformed('no name of a label')
      const value = /^="((?:[^"\\]|\\.)*)"/s.exec(rest.slice(label.length))
      if (value === null) throw malformed('no value of a label')
      if (label in labels) throw malformed('a label twice')
      labels[label] = unescaped(value[1]!, 'n\\"', line)
      rest = rest.slice(label.length + value[0].length)
      if (rest.startsWith(',')) rest = rest.slice(1)
      else if (!rest.startsWith('}')) throw malformed('no comma between labels')
    }
    rest = rest.slice(1)
  }
  const number = /^[ \t]+(\S+)(?:[ \t]+-?\d+)?$/.exec(rest)?.[1]
  if (number === undefined) throw malformed('no value')
  return { name, labels, value: numberOf(number, line) }
}

function numberOf(text: string, line: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  if (text === 'NaN') return Number.NaN
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw new MalformedText(`no number: ${line}`)
  return Number(text)
}

function unescaped(text: string, allowed: string, line: string): string {
  return text.replace(/\\(.?)/gs, (_, escaped: string) => {
    if (escaped === '' || !allowed.includes(escaped)) throw new MalformedText(`an unknown escape: ${line}`)
    return escaped === 'n' ? '\n' : escaped
  })
}

function check({ name, type, help, samples }: Family): void {
  if (type === '') throw new MalformedText(`${name} has no TYPE`)
  if (help === '') throw new MalformedText(`${name} has no HELP`)
  if (type === 'counter') {
    if (!name.endsWith('_total')) throw new MalformedText(`the counter ${name} does not end in _total`)
    for (const { value } of samples) if (!(value >= 0)) throw new MalformedText(`the counter ${name} is ${value}`)
  }
  if (type !== 'histogram') return
  const series = new Map<string, Sample[]>()
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels
    const key = JSON.stringify(Object.entries(labels).sort())
    series.set(key, [...(series.get(key) ?? []), sample])
  }
  for (const [key, own] of series) {
    const of = (ending: string) => own.filter(sample => sample.name === name + ending)
    const buckets = of('_bucket').map(({ labels, value }) => ({ bound: numberOf(labels.le ?? '', name), value }))
    const [sum, count] = [of('_sum'), of('_count')]
    const fault = (what: string) => new MalformedText(`the histogram ${name} ${key} ${what}`)
    if (sum.length !== 1 || count.length !== 1) throw fault('needs one sum and one count')
    for (const [at, { bound, value }] of buckets.entries()) {
      const before = buckets[at - 1]
      if (before !== undefined && !(bound > before.bound)) throw fault('has buckets out of order')
      if (before !== undefined && value < before.value) throw fault('has buckets that shrink')
    }
    const last = buckets.at(-1)
    if (last?.bound !== Number.POSITIVE_INFINITY) throw fault('has no bucket at +Inf')
    if (last.value !== count[0]!.value) throw fault('has another count than its last bucket')
    if (!(sum[0]!.value >= 0)) throw fault('has no sum')
  }
}
