// Entry of `oes tune`: sweeps numbers of shards and how long they look for work, on this machine, with the load of the
// benchmarks; prints a table and the lines for the configuration, and draws a plot.

import fs from 'node:fs'
import os from 'node:os'
import { parseArgs } from 'node:util'
import { linePlot } from './plot/line-plot.ts'
import { figure, milliseconds } from './scenario.ts'
import { type Measured, type Recommendation, recommend, yamlOf } from './tune/recommendation.ts'
import { sweep } from './tune/sweep.ts'

/** Counts that are tried, as far as there are cores. */
const SHARD_COUNTS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]
const SPINS_US = [20, 100]
/** Beside what is measured: a server that starts, warms up and goes. For the estimate. */
const SECONDS_BESIDE = 8

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '2' },
    minutes: { type: 'string', default: '10' },
    output: { type: 'string', default: 'oes-tune.svg' },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
})

const cores = os.availableParallelism()
const counts = values.quick ? [1, 2] : SHARD_COUNTS.filter(count => count <= cores)
const seconds = values.quick ? 0.2 : Number(values.seconds)
const rounds = values.quick ? 1 : Number(values.rounds)
const minutes = Number(values.minutes)
const spins = values.quick ? SPINS_US.slice(0, 1) : SPINS_US
const tell = (line: string) => process.stderr.write(`${line}\n`)

const estimate = (counts.length + spins.length) * rounds * (SECONDS_BESIDE + 2 * seconds)
tell(`Measuring ${counts.length} numbers of shards and ${spins.length} ways to wait on ${cores} cores.`)
tell(`It takes about ${Math.ceil(Math.min(estimate, minutes * 60) / 60)} min; nothing else should run meanwhile.`)
const busy = os.loadavg()[0]! / cores
if (busy > 0.3) tell(`Something else is running: ${busy.toFixed(2)} processes per core. The figures show that as well.`)

const { measured, isCut } = await sweep({
  shardCounts: counts,
  spins,
  measureMs: 1_000 * seconds,
  rounds,
  quick: values.quick,
  endMs: performance.now() + 60_000 * minutes,
  say: tell,
})
const recommendation = recommend(measured)
fs.writeFileSync(values.output, plotOf(measured))
if (values.json) {
  console.log(JSON.stringify({ cores, measured, recommendation, isCut, plot: values.output }))
} else {
  for (const line of tableOf(measured, recommendation)) console.log(line)
  console.log()
  for (const sentence of recommendation.why) console.log(sentence)
  if (isCut)
    console.log(`The ${minutes} minutes were over before everything was measured; give it more with --minutes.`)
  console.log(`The plot is in ${values.output}. For the configuration:\n\n${yamlOf(recommendation).trimEnd()}`)
}

function tableOf(rows: readonly Measured[], { shards, spinUs }: Recommendation): string[] {
  const titles = ['SHARDS', 'SPIN_US', 'ORDERS/S', 'P99 MS', 'SINGLE P50 MS', 'SINGLE P99 MS', '']
  const cells = rows.map(row => [
    String(row.shards),
    String(row.spinUs),
    figure(row.ordersPerSecond),
    milliseconds(row.p99Us),
    milliseconds(row.singleP50Us),
    milliseconds(row.singleP99Us),
    row.shards === shards && row.spinUs === spinUs ? '<' : '',
  ])
  const widths = titles.map((title, at) => Math.max(title.length, ...cells.map(line => line[at]!.length)))
  return [titles, ...cells].map(line =>
    line
      .map((cell, at) => cell.padStart(widths[at]!))
      .join('  ')
      .trimEnd(),
  )
}

function plotOf(rows: readonly Measured[]): string {
  const ways = [...new Set(rows.map(({ spinUs }) => spinUs))]
  return linePlot({
    title: 'Orders per second by number of shards',
    xLabel: `shards (${cores} cores)`,
    yLabel: 'orders/s',
    lines: ways.map(spinUs => ({
      name: `spin_us ${spinUs}`,
      points: rows.filter(row => row.spinUs === spinUs).map(row => [row.shards, row.ordersPerSecond] as const),
    })),
  })
}
