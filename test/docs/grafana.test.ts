import { deepEqual, equal } from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { DASHBOARD_FILE, dashboardText } from '../../scripts/grafana.ts'
import { catalogue, type MetricEntry } from '../../src/metrics/catalogue.ts'
import { exposedName } from '../../src/metrics/exposition.ts'

interface Target {
  readonly expr: string
  readonly legendFormat: string
}

const text = fs.readFileSync(DASHBOARD_FILE, 'utf8')
const { panels, templating } = JSON.parse(text) as {
  panels: { title: string; targets?: Target[] }[]
  templating: { list: { query: string }[] }
}

/** By each name that the exposition has. */
const known = new Map<string, MetricEntry>(
  catalogue.flatMap(entry => {
    const name = exposedName(entry)
    const names = entry.kind === 'histogram' ? ['_bucket', '_sum', '_count'].map(ending => name + ending) : [name]
    return names.map(each => [each, entry] as const)
  }),
)

function labelsOf(entry: MetricEntry): string[] {
  const own = entry.lanes.includes('store') ? 'store' : 'thread'
  return [
    'instance',
    own,
    ...(entry.label === undefined ? [] : [entry.label.name]),
    ...(entry.kind === 'histogram' ? ['le'] : []),
  ]
}

test('the dashboard is the one that scripts/grafana.ts writes', () => {
  equal(text, dashboardText())
})

test('every name and every label in its queries is one of the catalogue', () => {
  const wrong: string[] = []
  const queries = panels.flatMap(({ title, targets = [] }) => targets.map(target => ({ title, ...target })))
  for (const { title, expr, legendFormat } of queries) {
    const names = expr.match(/oes_[a-z_]+/g) ?? []
    if (names.length === 0) wrong.push(`${title}: no metric in ${expr}`)
    for (const name of names) if (!known.has(name)) wrong.push(`${title}: ${name}`)
    const entries = names.flatMap(name => known.get(name) ?? [])
    const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g), ...expr.matchAll(/(\w+)=~?"/g)].map(
      ([, label]) => label!,
    )
    const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/, ?/))
    for (const label of [...labels, ...grouped]) {
      if (!entries.every(entry => labelsOf(entry).includes(label))) wrong.push(`${title}: label ${label} of ${names}`)
    }
    for (const name of names) {
      const { kind } = known.get(name) ?? { kind: 'gauge' }
      const isRate = expr.includes(`rate(${name}`)
      if (isRate === (kind === 'gauge')) wrong.push(`${title}: ${name} is a ${kind}`)
    }
  }
  for (const { query } of templating.list) {
    for (const name of query.match(/oes_[a-z_]+/g) ?? []) if (!known.has(name)) wrong.push(name)
  }
  deepEqual(wrong, [])
})

test('the dashboard shows every metric there is', () => {
  const shown = new Set(
    panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => expr.match(/oes_[a-z_]+/g) ?? [])),
  )
  const missing = catalogue.map(exposedName).filter(name => ![name, `${name}_bucket`].some(each => shown.has(each)))
  deepEqual(missing, [])
})
