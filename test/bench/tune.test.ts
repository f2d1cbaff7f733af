import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Measured, recommend, yamlOf } from '../../bench/tune/recommendation.ts'
import { CommandError } from '../../src/cli/command-error.ts'
import { tune } from '../../src/cli/commands/tune.ts'
import { parseConfig } from '../../src/config/config.ts'
import { bareOes, start } from '../cli/command.ts'
import { temporaryFolder } from '../fault/server-process.ts'

const ENTRY = new URL('../../src/cli/oes.ts', import.meta.url).pathname
const WAIT_MS_MAX = 60_000

/** What a setting gave: shards, spin, orders per second, p50 of one in flight. */
const row = (shards: number, spinUs: number, ordersPerSecond: number, singleP50Us = 300): Measured => ({
  shards,
  spinUs,
  ordersPerSecond,
  singleP50Us,
  p99Us: 1_000,
  singleP99Us: 500,
})

test('a further shard has to bring three percent, and looking for work has to pay', () => {
  const cases: [measured: Measured[], shards: number, spinUs: number][] = [
    [[row(1, 0, 100)], 1, 0],
    [[row(1, 0, 100), row(2, 0, 102)], 1, 0],
    [[row(1, 0, 100), row(2, 0, 104)], 2, 0],
    [[row(1, 0, 100), row(2, 0, 90), row(3, 0, 120)], 3, 0],
    [[row(3, 0, 210), row(1, 0, 100), row(2, 0, 209)], 2, 0],
    [[row(1, 0, 100), row(1, 20, 100, 280), row(1, 100, 100, 275)], 1, 0],
    [[row(1, 0, 100), row(1, 20, 100, 250), row(1, 100, 100, 245)], 1, 20],
    [[row(1, 0, 100), row(1, 20, 100, 260), row(1, 100, 100, 200)], 1, 100],
    [[row(1, 0, 100), row(1, 20, 90, 100), row(1, 100, 98, 200)], 1, 100],
    [[row(1, 0, 100), row(2, 0, 200), row(1, 20, 100, 10)], 2, 0],
  ]
  for (const [measured, shards, spinUs] of cases) {
    const recommendation = recommend(measured)
    deepEqual([recommendation.shards, recommendation.spinUs], [shards, spinUs], JSON.stringify(measured))
    equal(recommendation.why.length, 2)
    const { engine } = parseConfig(yamlOf(recommendation), 'config.yml')
    deepEqual([engine.shards, engine.spinUs], [shards, spinUs])
  }
})

test('the smallest sweep prints a table, a plot and lines for the configuration, and leaves nothing behind', async t => {
  const folder = temporaryFolder()
  t.after(folder.remove)
  const place = path.join(folder.path, 'disk')
  fs.mkdirSync(place)
  const plot = path.join(folder.path, 'tune.svg')
  const { status, out, err } = await bareOes('tune', '--quick', '--directory', place, '--output', plot)
  equal(status, 0, err)
  match(out, /^SHARDS {2}SPIN_US {2}ORDERS\/S .*\n {5}1 {8}0 .*\n {5}2 {8}0 .*\n {5}\d {7}20 .*\n\n/)
  const lines = /engine:\n {2}shards: \d\n {2}spin_us: \d+\n$/.exec(out)?.[0] ?? ''
  parseConfig(lines, 'config.yml')
  ok(fs.readFileSync(plot, 'utf8').startsWith('<svg '))
  deepEqual(fs.readdirSync(place), [])
})

test('a sweep that is told to end takes its servers and folders with it', async t => {
  const folder = temporaryFolder()
  t.after(folder.remove)
  const place = path.join(folder.path, 'disk')
  fs.mkdirSync(place)
  const plot = path.join(folder.path, 'tune.svg')
  const { process: command, finished } = start(process.execPath, [ENTRY, 'tune', '-d', place, '-o', plot])
  const endMs = performance.now() + WAIT_MS_MAX
  const isRunning = () => fs.readdirSync(place).some(name => fs.existsSync(path.join(place, name, 'server.log')))
  while (!isRunning() && performance.now() < endMs) await pause(20)
  command.kill('SIGTERM')
  equal((await finished).status, 1)
  deepEqual(fs.readdirSync(place), [])
  ok(!fs.existsSync(plot))
})

test('without the benchmarks, or with a directory that is not there, tune says what to do', async () => {
  await rejects(
    tune({}, {}, '/nowhere/bench/tune.ts'),
    (error: unknown) =>
      error instanceof CommandError && /runs from a checkout/.test(error.message) && error.hint !== '',
  )
  const { status, err } = await bareOes('tune', '--directory', '/nowhere')
  deepEqual([status, err.split('\n')[0]], [2, "oes: '/nowhere' is no directory."])
  equal((await bareOes('tune', '--minutes', '0')).status, 2)
})
