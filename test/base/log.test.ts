import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { AssertionFailed } from '../../src/base/assert.ts'
import { LOG_LEVEL_NAMES, Log } from '../../src/base/log.ts'
import { readableLine, recordOf } from '../../src/base/log-line.ts'

/** The file of a log for one test, and what was written to it, without the times. */
function logFile(t: TestContext) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'log-'))
  const file = path.join(folder, 'log')
  const fd = fs.openSync(file, 'a')
  t.after(() => {
    fs.closeSync(fd)
    fs.rmSync(folder, { recursive: true })
  })
  const raw = () => fs.readFileSync(file, 'utf8')
  const lines = () => raw().replaceAll(/"time":"[-\d]{10}T[:\d]{8}\.\d{3}Z",/g, '')
  return { folder, file, fd, raw, lines }
}

/** The one line that comes of fields, as JSON and for people, without the time. */
function told(t: TestContext, message: string, fields?: Record<string, unknown>) {
  const { fd, raw, lines } = logFile(t)
  new Log({ component: 'main', level: 'info', fd }).info(message, fields)
  const readable = readableLine(raw().trimEnd())
  assert.match(readable, /^[-\d]{10}T[:\d]{8}\.\d{3}Z info main /)
  return { json: lines().trimEnd(), readable: readable.slice(25) }
}

test('a line is a JSON object with level, time, component, fields and message; people read it in another order', t => {
  const fields = {
    address: '127.0.0.1:20700',
    port: 20700,
    none: undefined,
    nil: null,
    on: true,
    big: 2n,
    odd: Number.NaN,
  }
  assert.deepEqual(told(t, 'listening', fields), {
    json:
      '{"level":"info","component":"main","address":"127.0.0.1:20700","port":20700,"nil":null,"on":true,"big":"2",' +
      '"odd":"NaN","message":"listening"}',
    readable: 'info main listening address=127.0.0.1:20700 port=20700 nil=null on=true big=2 odd=NaN',
  })
})

test('values that could be misread are quoted, and nothing breaks the line', t => {
  const { json, readable } = told(t, 'a\nb\tc', {
    empty: '',
    space: 'a b',
    quote: 'a"b',
    equals: 'a=b',
    end: 'a\nb',
    list: [1, 'x y', 3n],
  })
  assert.equal(json.includes('\n'), false)
  assert.equal(
    readable,
    String.raw`info main a\nb\tc empty="" space="a b" quote="a\"b" equals="a=b" end="a\nb" list="[1,\"x y\",\"3\"]"`,
  )
})

test('a value that cannot be told does not keep the line from being written', t => {
  const endless: Record<string, unknown> = {}
  endless.itself = endless
  const deep = '{"itself":'.repeat(6)
  assert.equal(told(t, 'odd', { endless }).json.includes(`"endless":${deep}"…"`), true)
  assert.equal(told(t, 'odd', { bytes: new Uint8Array(3) }).readable, 'info main odd bytes="3 bytes"')
})

test('a field never takes the place of what every line has', t => {
  const { json } = told(t, 'own', { level: 'error', time: 'never', component: 'x', message: 'y' })
  assert.deepEqual(recordOf(json), undefined) // the time was taken out
  assert.equal(
    json,
    '{"level":"info","component":"main","level_":"error","time_":"never","component_":"x","message_":"y","message":"own"}',
  )
})

test('what is called a secret is not told, however deep it lies', t => {
  const secrets = { password: 'geheim', user: { dbPassword: 'geheim', list: [{ client_secret: 'geheim' }] } }
  const { json } = told(t, 'login', { ...secrets, passphrase: 'geheim', credentials: ['geheim'], privateKey: 'geheim' })
  assert.doesNotMatch(json, /geheim/)
  assert.equal(json.match(/\(hidden\)/g)?.length, 6)
})

test('expected trouble is told by its messages, a defect by its place', t => {
  const trouble = Object.assign(new Error('cannot write', { cause: new RangeError('too far') }), { code: 'EIO' })
  assert.match(
    told(t, 'stop', { error: trouble }).readable,
    /error="Error: cannot write; cause: RangeError: too far\\n {4}at /,
  )
  assert.match(
    told(t, 'stop', { error: new AssertionFailed('impossible') }).readable,
    /error="[^"]*impossible\\n {4}at .*log\.test/,
  )
})

test('lines that are not of the log are left as they are', () => {
  for (const line of [
    '',
    'ready 127.0.0.1:1',
    '{',
    '{}',
    '[1]',
    '{"level":"loud","time":"x","component":"y","message":"z"}',
  ]) {
    assert.equal(readableLine(line), line)
  }
})

test('lines below the level of the log are not written', t => {
  for (const level of LOG_LEVEL_NAMES) {
    const { fd, lines } = logFile(t)
    const log = new Log({ component: 'main', level, fd }).of('shard-0')
    for (const name of LOG_LEVEL_NAMES) log[name]('said', { as: name })
    const written = LOG_LEVEL_NAMES.slice(LOG_LEVEL_NAMES.indexOf(level))
    const line = (name: string) => `{"level":"${name}","component":"shard-0","as":"${name}","message":"said"}\n`
    assert.equal(lines(), written.map(line).join(''))
  }
})

test('levels of single parts, and those changed later, hold in every log that shares them', t => {
  const { fd, lines } = logFile(t)
  const log = new Log({ component: 'main', level: 'warning', levels: { shard: 'debug' }, fd })
  const logs = [log, log.of('shard-0'), log.of('shard-11'), log.of('writer'), log.of('elsewhere')]
  const heard = () => {
    fs.ftruncateSync(fd)
    for (const each of logs) each.info('x')
    return [...lines().matchAll(/"component":"([^"]*)"/g)].map(match => match[1])
  }
  assert.deepEqual(heard(), ['shard-0', 'shard-11'])
  assert.deepEqual(
    logs.map(each => each.isDebug),
    [false, true, true, false, false],
  )
  log.switches.set('info', { main: 'error', writer: 'warning' })
  assert.deepEqual(heard(), ['shard-0', 'shard-11', 'elsewhere'])
  log.switches.set('debug')
  assert.deepEqual(heard(), ['main', 'shard-0', 'shard-11', 'writer', 'elsewhere'])
})

test('lines of several threads stay whole', async t => {
  const { file, lines } = logFile(t)
  const log = new Log({ component: 'main', level: 'info', file })
  const source = `
    const { workerData } = require('node:worker_threads')
    import(workerData.module).then(({ Log }) => {
      const log = new Log({ component: workerData.component }, workerData.share)
      for (let i = 0; i < 200; i++) log.info('x'.repeat(i * 10), { i })
    })`
  const components = ['a', 'b', 'c']
  const done = components.map(component => {
    const workerData = { module: path.resolve('src/base/log.ts'), component, share: log.share }
    const worker = new Worker(source, { eval: true, workerData })
    return new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
  })
  await Promise.all(done)
  const written = lines().split('\n')
  assert.equal(written.pop(), '')
  for (const component of components) {
    assert.deepEqual(
      written.filter(text => text.includes(`"component":"${component}"`)),
      Array.from(
        { length: 200 },
        (_, i) => `{"level":"info","component":"${component}","i":${i},"message":"${'x'.repeat(i * 10)}"}`,
      ),
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
    const { message, linesLost } = JSON.parse(pipe.toString('utf8', 0, got))
    process.stdout.write(message + ' ' + linesLost)`
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'log-'))
  try {
    const fifo = path.join(folder, 'fifo')
    assert.equal(spawnSync('mkfifo', [fifo]).status, 0)
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script, fifo], { encoding: 'utf8' })
    assert.equal(child.stdout, 'written 2', child.stderr)
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
})
