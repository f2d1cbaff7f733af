// The benchmarks: `npm run bench` runs all of them, `npm run bench -- NAME… [--json FILE]` some. Each scenario proves its
// answers before it tells its figures; a wrong answer is the end of it, and of a good exit status. A target that is
// missed is told, and is no failure of the run.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { conditionLines, conditions } from './conditions.ts'
import type { Scenario, ScenarioOptions, ScenarioResult, Table } from './scenario.ts'
import { scenarios } from './scenarios.ts'

const HELP = `usage: npm run bench -- [NAME…] [options]

scenarios (all of them where none is named):
${scenarios.map(({ name, about }) => `  ${name.padEnd(11)} ${about}`).join('\n')}

options:
  --json FILE      write conditions, figures and targets as JSON
  --quick          the smallest size of each: shows that it works, its figures mean nothing
  --seconds N      length of one measurement
  --rounds N       how often each measurement is made
  --minutes N      how long resident memory is watched
  --output DIR     where plots go; bench/results where absent
  --help`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      minutes: { type: 'string' },
      output: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const unknown = positionals.filter(name => !scenarios.some(scenario => scenario.name === name))
  if (unknown.length > 0) throw new Error(`no scenario is named ${unknown.join(', ')}\n\n${HELP}`)
  const chosen = positionals.length === 0 ? scenarios : scenarios.filter(({ name }) => positionals.includes(name))
  const options: ScenarioOptions = {
    quick: values.quick,
    ...numbers({ seconds: values.seconds, rounds: values.rounds, minutes: values.minutes }),
    outputDirectory: values.output ?? path.join(import.meta.dirname, 'results'),
    say: line => console.log(`  ${line}`),
  }

  const at = conditions()
  console.log(conditionLines(at).join('\n'))
  const results: ({ name: string } & (ScenarioResult | { failed: string }))[] = []
  for (const scenario of chosen)
    results.push({ name: scenario.name, ...(await measured(scenario, options, at.shards)) })

  const targets = results.flatMap(result => ('failed' in result ? [] : result.targets))
  if (targets.length > 0) {
    const row = (target: (typeof targets)[number]) => [
      target.name,
      `${target.value} ${target.unit}`,
      target.bound,
      target.holds ? 'holds' : 'MISSED',
    ]
    printTable({ title: 'Targets', columns: ['', 'value', 'bound', ''], rows: targets.map(row) })
  }
  if (options.quick) console.log('\nSmallest sizes: these figures only show that the scenarios work.')
  if (values.json !== undefined) {
    const json = { conditions: at, quick: options.quick, scenarios: results, targets }
    fs.writeFileSync(values.json, `${JSON.stringify(json, undefined, 2)}\n`)
  }
  return results.some(result => 'failed' in result) ? 1 : 0
}

async function measured(
  scenario: Scenario,
  options: ScenarioOptions,
  shards: number,
): Promise<ScenarioResult | { failed: string }> {
  console.log(`\n── ${scenario.name}: ${scenario.about}`)
  const cores = os.availableParallelism()
  const threads = scenario.threads(shards)
  if (threads > cores) {
    console.log(`  warning: ${threads} busy threads share ${cores} cores; figures show their competition as well`)
  }
  try {
    const result = await scenario.run(options)
    for (const table of result.tables) printTable(table)
    for (const note of result.notes) console.log(`  · ${note}`)
    return result
  } catch (error) {
    const failed = error instanceof Error ? error.message : String(error)
    console.error(`  FAILED: ${failed}`)
    return { failed }
  }
}

function printTable({ title, columns, rows }: Table): void {
  const widths = columns.map((column, index) => Math.max(column.length, ...rows.map(row => (row[index] ?? '').length)))
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!))).join('  ')}`
  console.log(`\n  ${title}\n${line(columns)}`)
  for (const row of rows) console.log(line(row))
}

function numbers<Key extends string>(texts: Record<Key, string | undefined>): Partial<Record<Key, number>> {
  const read: Partial<Record<Key, number>> = {}
  for (const [key, text] of Object.entries(texts) as [Key, string | undefined][]) {
    if (text === undefined) continue
    const value = Number(text)
    if (!(value > 0)) throw new Error(`--${key} takes a number greater than 0`)
    read[key] = value
  }
  return read
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
