import { deepEqual, equal, match } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { Log } from '../../src/base/log.ts'
import { LogFile } from '../../src/base/log-file.ts'
import { ProcessLog } from '../../src/base/process-log.ts'

function scratch(t: TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'log-file-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  return folder
}

/** Messages in a file, in their order. */
function messages(file: string): string[] {
  const lines = fs.readFileSync(file, 'utf8').split('\n')
  return lines.filter(line => line !== '').map(line => String((JSON.parse(line) as { message: unknown }).message))
}

const RULES = { fileBytesMax: 2_000, fileHoursMax: 24, keepFiles: 3 }

test('a file that is large enough goes into logs, and every thread writes to the new one', t => {
  const folder = scratch(t)
  const file = path.join(folder, 'server.log')
  const log = new Log({ component: 'main', level: 'info', file })
  // As another thread has it: a file descriptor of its own.
  const other = new Log({ component: 'shard-0' }, log.share)
  const logFile = new LogFile(file, log, RULES)
  log.info('first')
  other.info('second')
  logFile.look()
  deepEqual(fs.readdirSync(folder), ['server.log'])
  other.info('x'.repeat(2_000))
  logFile.look()
  other.info('third')
  log.info('fourth')
  deepEqual(messages(file), ['third', 'fourth'])
  const [old, ...more] = fs.readdirSync(path.join(folder, 'logs'))
  deepEqual(more, [])
  match(old!, /^server\.\d{8}_\d{6}\.log$/)
  deepEqual(messages(path.join(folder, 'logs', old!)), ['first', 'second', 'x'.repeat(2_000)])
})

test('a file that is old enough goes, unless it is empty', t => {
  const folder = scratch(t)
  const file = path.join(folder, 'server.log')
  const log = new Log({ component: 'main', level: 'info', file })
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 30) })
  const logFile = new LogFile(file, log, RULES)
  fs.writeFileSync(file, '')
  t.mock.timers.tick(24 * 3_600_000)
  logFile.look()
  equal(fs.existsSync(path.join(folder, 'logs')), false)
  log.info('of today')
  logFile.look()
  equal(fs.readdirSync(path.join(folder, 'logs')).length, 1)
  t.mock.timers.tick(3_600_000)
  log.info('of tomorrow')
  logFile.look()
  deepEqual(messages(file), ['of tomorrow'])
})

test('the newest old files are kept, those of earlier starts among them, and strangers are left alone', t => {
  const folder = scratch(t)
  const logs = path.join(folder, 'logs')
  fs.mkdirSync(logs)
  const file = path.join(folder, 'srv_20260130_09_30_00.log')
  const old = (name: string, day: number) => {
    fs.writeFileSync(path.join(logs, name), 'x')
    fs.utimesSync(path.join(logs, name), day, day)
  }
  old('srv_20260101_09_30_00.log', 1)
  old('srv_20260102_09_30_00.20260103_000000.log', 3)
  old('srv_20260102_09_30_00.log', 4)
  for (const name of ['srv_notes.log', 'srv_20260101_09_30_00.txt', 'other_20260101_09_30_00.log']) old(name, 0)
  const log = new Log({ component: 'main', level: 'info', file })
  log.info('x'.repeat(2_000))
  new LogFile(file, log, RULES).look()
  const left = fs.readdirSync(logs).map(name => name.replace(/(?<=_00\.)2026(?!0103)\d{4}_\d{6}/, 'NOW'))
  deepEqual(left.sort(), [
    'other_20260101_09_30_00.log',
    'srv_20260101_09_30_00.txt',
    'srv_20260102_09_30_00.20260103_000000.log',
    'srv_20260102_09_30_00.log',
    'srv_20260130_09_30_00.NOW.log',
    'srv_notes.log',
  ])
})

test('a file that somebody else has moved is made anew', t => {
  const folder = scratch(t)
  const file = path.join(folder, 'server.log')
  const log = new Log({ component: 'main', level: 'info', file })
  const logFile = new LogFile(file, log, RULES)
  log.info('first')
  fs.renameSync(file, `${file}.1`)
  log.info('second')
  logFile.look()
  log.info('third')
  deepEqual([messages(`${file}.1`), messages(file)], [['first', 'second'], ['third']])
})

test('a folder that cannot be made is told once, and lines go on into the file', t => {
  const folder = scratch(t)
  const file = path.join(folder, 'server.log')
  fs.writeFileSync(path.join(folder, 'logs'), 'in the way')
  const log = new Log({ component: 'main', level: 'info', file })
  const logFile = new LogFile(file, log, RULES)
  log.info('x'.repeat(2_000))
  logFile.look()
  logFile.look()
  log.info('last')
  deepEqual(messages(file).slice(1), ['the log could not be put aside', 'last'])
})

test('a full disk loses lines, holds nobody, and the next line that fits says how many', t => {
  // Files of this process may not grow beyond a limit, which is as full as a disk can be made without being root.
  const folder = scratch(t)
  const file = path.join(folder, 'server.log')
  const script = `
    const { Log } = await import(${JSON.stringify(path.resolve('src/base/log.ts'))})
    const fs = await import('node:fs')
    process.on('SIGXFSZ', () => undefined)
    const log = new Log({ component: 'main', level: 'info', file: ${JSON.stringify(file)} })
    for (let i = 0; i < 100; i++) log.info('x'.repeat(100), { i })
    const written = fs.statSync(${JSON.stringify(file)}).size
    fs.truncateSync(${JSON.stringify(file)}, 1000)
    log.info('written again')
    process.stdout.write(String(written))`
  const words = ['-c', 'ulimit -f 8; exec "$0" --input-type=module -e "$1"', process.execPath, script]
  equal(execFileSync('bash', words, { encoding: 'utf8', timeout: 60_000 }), String(8 * 1024))
  const lines = fs.readFileSync(file, 'utf8').trimEnd().split('\n')
  const last = JSON.parse(lines.at(-1)!) as Record<string, unknown>
  equal(last.message, 'written again')
  const whole = Math.floor((8 * 1024) / (lines[0]!.length + 1))
  // Lines with two digits are longer by one; what was cut off stands on a line of its own.
  equal(
    Number(last.linesLost) >= 100 - whole && Number(last.linesLost) <= 100 - whole + 2,
    true,
    String(last.linesLost),
  )
})

test('the log of a process takes its settings again, toggles debug, and gives single parts levels', t => {
  const folder = scratch(t)
  const file = path.join(folder, 'server.log')
  const settings = { level: 'warning', levels: { shard: 'error' }, file, format: 'auto', ...RULES } as const
  const processLog = ProcessLog.open('main', settings)
  t.after(() => processLog.close())
  const { log } = processLog
  const shard = log.of('shard-0')
  const heard = () => {
    fs.truncateSync(file)
    for (const level of ['debug', 'info', 'warning', 'error'] as const) {
      log[level](level)
      shard[level](`shard ${level}`)
    }
    return messages(file)
  }
  const configured = ['warning', 'error', 'shard error']
  deepEqual(heard(), configured)
  processLog.toggleDebug()
  equal(heard().length, 8)
  processLog.toggleDebug()
  deepEqual(heard(), configured)
  processLog.setLevel('info', 'shard')
  deepEqual(heard(), ['shard info', 'warning', 'shard warning', 'error', 'shard error'])
  processLog.setLevel('error', undefined)
  deepEqual(heard(), ['error', 'shard error'])
  processLog.restoreLevels()
  deepEqual(heard(), configured)
  fs.renameSync(file, `${file}.1`)
  processLog.apply({ ...settings, level: 'error', levels: {} })
  deepEqual(heard(), ['error', 'shard error'])
})
