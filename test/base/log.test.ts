import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { AssertionFailed } from '../../src/base/assert.ts'
import { formatLine, LOG_LEVEL_NAMES, Log, LogLevel } from '../../src/base/log.ts'

const NOON = new Date(Date.UTC(2026, 0, 30, 12))

function line(message: string, fields?: Record<string, unknown>): string {
  return formatLine(NOON, LogLevel.Info, 'main', message, fields)
}

/** The file of a log for one test, and what was written to it, without the times. */
function logFile(after: (cleanup: () => void) => void) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'log-'))
  const file = path.join(folder, 'log')
  const fd = fs.openSync(file, 'a')
  after(() => {
    fs.closeSync(fd)
    fs.rmSync(folder, { recursive: true })
  })
  const lines = () => fs.readFileSync(file, 'utf8').replaceAll(/^[-\d]{10}T[:\d]{8}\.\d{3}Z /gm, '')
  return { file, fd, lines }
}

test('a line has time, level, component, message and fields in their order', () => {
  assert.equal(
    line('listening', { address: '127.0.0.1:20700', port: 20700, none: undefined, nil: null, on: true, big: 2n }),
    '2026-01-30T12:00:00.000Z info main listening address=127.0.0.1:20700 port=20700 nil=null on=true big=2\n',
  )
})

test('values that could be misread are quoted, and nothing breaks the line', () => {
  assert.equal(
    line('a\nb\tc', { empty: '', space: 'a b', quote: 'a"b', equals: 'a=b', end: 'a\nb', list: [1, 'x y', 3n] }),
    String.raw`2026-01-30T12:00:00.000Z info main a\nb\tc empty="" space="a b" quote="a\"b" equals="a=b" end="a\nb" list="[1,\"x y\",\"3\"]"` +
      '\n',
  )
})

test('a value that cannot be told does not keep the line from being written', () => {
  const endless: Record<string, unknown> = {}
  endless.itself = endless
  assert.equal(line('odd', { endless }), '2026-01-30T12:00:00.000Z info main odd endless="[object Object]"\n')
})

test('expected trouble is told by its messages, a defect by its place', () => {
  const trouble = Object.assign(new Error('cannot write', { cause: new RangeError('too far') }), { code: 'EIO' })
  assert.match(line('stop', { error: trouble }), /error="Error: cannot write; cause: RangeError: too far\\n {4}at /)
  assert.match(
    line('stop', { error: new AssertionFailed('impossible') }),
    /error="[^"]*impossible\\n {4}at .*log\.test/,
  )
})

test('lines below the level of the log are not written', t => {
  for (const level of LOG_LEVEL_NAMES) {
    const { fd, lines } = logFile(cleanup => t.after(cleanup))
    const log = new Log({ component: 'main', level, fd }).of('shard-0')
    for (const name of LOG_LEVEL_NAMES) log[name]('said', { as: name })
    const written = LOG_LEVEL_NAMES.slice(LOG_LEVEL_NAMES.indexOf(level))
    assert.equal(lines(), written.map(name => `${name} shard-0 said as=${name}\n`).join(''))
  }
})

test('lines of several threads stay whole', async t => {
  const { fd, lines } = logFile(cleanup => t.after(cleanup))
  const source = `
    const { workerData } = require('node:worker_threads')
    import(workerData.module).then(({ Log }) => {
      const log = new Log({ component: workerData.component, level: 'info', fd: workerData.fd })
      for (let i = 0; i < 200; i++) log.info('x'.repeat(i * 10), { i })
    })`
  const components = ['a', 'b', 'c']
  const done = components.map(component => {
    const workerData = { module: path.resolve('src/base/log.ts'), component, fd }
    const worker = new Worker(source, { eval: true, workerData })
    return new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
  })
  await Promise.all(done)
  const written = lines().split('\n')
  assert.equal(written.pop(), '')
  for (const component of components) {
    assert.deepEqual(
      written.filter(text => text.startsWith(`info ${component} `)),
      Array.from({ length: 200 }, (_, i) => `info ${component} ${'x'.repeat(i * 10)} i=${i}`),
    )
  }
  assert.equal(written.length, 600)
})

test('a pipe that nobody empties loses lines, which the next line tells', () => {
  // Touching process.stdout makes the pipe one that does not block; the reader looks at it only after the writer ended.
  const script = `
    const { Log } = await import(${JSON.stringify(path.resolve('src/base/log.ts'))})
    process.stdout.write('')
    const fifo = process.argv[1]
    const fs = await import('node:fs')
    const reading = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
    const fd = fs.openSync(fifo, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK)
    const log = new Log({ component: 'main', level: 'info', fd })
    const pipe = Buffer.alloc(1 << 20)
    let full = 0
    try { for (;;) full += fs.writeSync(fd, pipe, 0, 4096) } catch (error) { if (error.code !== 'EAGAIN') throw error }
    log.info('lost')
    log.info('lost too')
    for (let got = 0; got < full; ) got += fs.readSync(reading, pipe)
    log.info('written')
    const got = fs.readSync(reading, pipe)
    process.stdout.write(pipe.toString('utf8', 25, got))`
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'log-'))
  try {
    const fifo = path.join(folder, 'fifo')
    assert.equal(spawnSync('mkfifo', [fifo]).status, 0)
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script, fifo], { encoding: 'utf8' })
    assert.equal(child.stdout, 'info main written linesLost=2\n', child.stderr)
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
})
