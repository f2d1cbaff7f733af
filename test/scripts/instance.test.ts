// start.sh, stop.sh and check.sh as an operator uses them, in scratch folders, with real servers.

import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect, limitOrder, Side } from '../../src/client/index.ts'
import { Instance, run, SCRIPTS } from './instance.ts'

const APP = 'OrderExecutionServer'
const SILENT = { status: 0, out: '', err: '' }

/** Waits until `look` is true. */
async function until(what: string, look: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!look()) {
    ok(Date.now() < deadline, `it was never so that ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** A process that is no server. */
function sleeper(t: TestContext): number {
  const child = spawn('sleep', ['300'], { stdio: 'ignore' })
  t.after(() => child.kill('SIGKILL'))
  return child.pid!
}

/** The second line of pid.lock for a process. */
function beginningOf(pid: number): string {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
  const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return `${boot} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
}

/** The letter for what a process does; empty where there is none. */
function stateOf(pid: number): string {
  try {
    return fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]![0]!
  } catch {
    return ''
  }
}

/** The folders of the PATH, as one in which a program is missing. */
function pathWithout(folder: string, missing: string): string {
  const tools = path.join(folder, 'tools')
  fs.mkdirSync(tools)
  for (const place of (process.env.PATH ?? '').split(':').toReversed()) {
    if (!fs.existsSync(place)) continue
    for (const name of fs.readdirSync(place)) {
      const link = path.join(tools, name)
      if (name === missing) continue
      fs.rmSync(link, { force: true })
      fs.symlinkSync(path.join(place, name), link)
    }
  }
  return tools
}

test('a day of an instance: it is started, checked in every way, traded on, stopped, and started again', async t => {
  const instance = new Instance(t)
  const checks = async () => {
    const ended = []
    for (const flags of [[], ['-a'], ['-f'], ['-a', '-f'], ['-af']])
      ended.push(await instance.script('check.sh', ...flags))
    return ended
  }
  const stopped = { status: 1, out: `${APP} is not running.\n`, err: '' }
  const still = { status: 1, out: '', err: '' }
  deepEqual(await checks(), [stopped, still, stopped, stopped, stopped])
  deepEqual(await instance.script('stop.sh'), SILENT)
  instance.write('srv_20260101_00_00_00.log', 'of an earlier start\n')

  const started = await instance.script('start.sh')
  const [log, ...others] = instance.logs()
  deepEqual(others, [])
  match(log!, /^srv_\d{8}_\d\d_\d\d_\d\d\.log$/)
  const { pid } = instance
  deepEqual(started, { status: 0, out: `${APP} is running (pid ${pid}), its log is ${log}.\n`, err: '' })
  match(instance.read('pid.lock'), /^\d+\n\S+ \d+\nserve --config config\.yml --log-file srv_\S+\.log\n$/)
  deepEqual(instance.logs('logs'), ['srv_20260101_00_00_00.log'])
  deepEqual(instance.servers(), [pid])
  const told = { status: 0, out: `${APP} is running (pid ${pid}).\n`, err: '' }
  deepEqual(await checks(), [SILENT, told, told, told, told])
  deepEqual(await instance.script('start.sh'), SILENT)
  deepEqual(instance.servers(), [pid])

  const client = await connect({ port: instance.port, username: 'alice', password: 'alice' })
  equal((await client.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))).outcome, 'accepted')
  client.close()

  deepEqual(await instance.script('stop.sh'), SILENT)
  deepEqual([instance.has('pid.lock'), instance.servers()], [false, []])
  match(instance.read(log!), /"signal":"SIGINT","message":"told to stop".*"message":"stopped"\}\n$/s)
  deepEqual(await checks(), [stopped, still, stopped, stopped, stopped])

  equal((await instance.script('start.sh')).status, 0)
  deepEqual(instance.logs('logs'), ['srv_20260101_00_00_00.log', log])
  equal(instance.logs().length, 1)
  equal((await instance.script('stop.sh')).status, 0)
})

test('the scripts work from any folder, through links, and for another configuration', async t => {
  const instance = new Instance(t)
  fs.renameSync(path.join(instance.folder, 'config.yml'), path.join(instance.folder, 'other one.yml'))
  const bin = path.join(instance.folder, 'bin')
  fs.mkdirSync(bin)
  for (const name of ['start.sh', 'stop.sh', 'check.sh']) fs.symlinkSync(path.join(SCRIPTS, name), path.join(bin, name))
  const script = (name: string, ...words: string[]) => run(path.join(bin, name), words, { cwd: '/' })
  const where = ['--directory', instance.folder]
  const started = await script('start.sh', '-d', instance.folder, '--config', 'other one.yml')
  deepEqual([started.status, started.err], [0, ''])
  deepEqual(await script('check.sh', '-f', ...where), {
    status: 0,
    out: `${APP} is running (pid ${instance.pid}).\n`,
    err: '',
  })
  deepEqual(await script('stop.sh', `--directory=${instance.folder}`), SILENT)
  deepEqual(instance.servers(), [])
})

test('help, and flags that nobody knows', async t => {
  const instance = new Instance(t)
  for (const flag of ['-h', '--help']) {
    for (const name of ['start.sh', 'stop.sh', 'check.sh']) {
      const { status, out, err } = await instance.script(name, flag)
      deepEqual([status, err], [0, ''])
      match(out, new RegExp(`^Usage: ${name} `))
    }
  }
  // check.sh explains itself whatever it is asked.
  for (const flags of [['-x'], ['-a', 'word'], ['-d']]) {
    const { status, out } = await instance.script('check.sh', ...flags)
    equal(status, 0)
    match(out, /^Usage: check\.sh /)
  }
  for (const name of ['start.sh', 'stop.sh']) {
    for (const flags of [['-x'], ['-d']]) {
      const { status, out, err } = await instance.script(name, ...flags)
      deepEqual([status, out], [2, ''])
      match(err, new RegExp(`Usage: ${name} `))
    }
  }
  for (const name of ['start.sh', 'stop.sh', 'check.sh']) {
    const { status, err } = await instance.script(name, '-d', '/nowhere/at/all')
    deepEqual([status, err], [1, 'There is no folder /nowhere/at/all, or it may not be entered.\n'])
  }
  const { status, err } = await instance.scriptWith({ OES_STOP_SECONDS_MAX: 'soon' }, 'stop.sh')
  deepEqual([status, err], [2, 'stop.sh: OES_STOP_SECONDS_MAX has to be a whole number of seconds.\n'])
  deepEqual(fs.readdirSync(instance.folder), ['config.yml'])
})

test('a process that has the id of a server that is gone is not taken for it', async t => {
  const instance = new Instance(t)
  const pid = sleeper(t)
  const arguments_ = 'serve --config config.yml --log-file srv_20260101_00_00_00.log'
  for (const lock of [
    `${pid}\nanother-boot 1\n${arguments_}\n`, // began at another time
    `${pid}\n${beginningOf(pid)}\n${arguments_}\n`, // began then, but is no server
    `${pid}\n`, // by other hands
    `${pid}`,
    '',
    'no number\n',
    '-1\n',
    '4194304999\n',
  ]) {
    instance.write('pid.lock', lock)
    equal((await instance.script('check.sh')).status, 1, lock)
    equal(instance.has('pid.lock'), true, 'a check changes nothing')
    deepEqual(await instance.script('stop.sh'), SILENT, lock)
    equal(instance.has('pid.lock'), false)
  }
  process.kill(pid, 0) // it was left alone

  instance.write('pid.lock', `${pid}\nanother-boot 1\n${arguments_}\n`)
  const started = await instance.script('start.sh')
  deepEqual([started.status, started.err], [0, `${APP} is not running any more; its pid.lock is removed.\n`])
  equal((await instance.script('stop.sh')).status, 0)
  process.kill(pid, 0)
})

test('a server that was killed is not running, also while its parent has not looked after it', async t => {
  const instance = new Instance(t)
  equal((await instance.script('start.sh')).status, 0)
  const { pid } = instance
  process.kill(pid, 'SIGKILL')
  await until('the server is gone', () => ['Z', ''].includes(stateOf(pid)))
  equal((await instance.script('check.sh', '-f')).status, 1)
  equal((await instance.script('start.sh')).status, 0)
  deepEqual(instance.servers(), [instance.pid])
  equal((await instance.script('stop.sh')).status, 0)

  const parent = spawn('bash', ['-c', 'sleep 0 & echo $!; exec sleep 300'], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => parent.kill('SIGKILL'))
  const [said] = (await once(parent.stdout, 'data')) as [Buffer]
  const zombie = Number(String(said))
  await until('the child has ended', () => stateOf(zombie) === 'Z')
  instance.write('pid.lock', `${zombie}\n${beginningOf(zombie)}\nserve \n`)
  equal((await instance.script('check.sh')).status, 1)
})

for (const [how, missing] of [
  ['with flock', 'nothing of this name'],
  ['without flock', 'flock'],
] as const) {
  test(`starts at once start one server, ${how}`, async t => {
    const instance = new Instance(t)
    const environment = { PATH: pathWithout(instance.folder, missing) }
    const starts = await Promise.all([1, 2, 3].map(() => instance.scriptWith(environment, 'start.sh')))
    deepEqual(
      starts.map(({ status }) => status),
      [0, 0, 0],
      JSON.stringify(starts),
    )
    deepEqual(instance.servers(), [instance.pid])
    equal(instance.logs().length + instance.logs('logs').length, 1)
    equal(starts.filter(({ out }) => out.startsWith(`${APP} is running`)).length, 1)
    equal((await instance.scriptWith(environment, 'stop.sh')).status, 0)
    equal(instance.has('start.lock.d'), false)

    // A start that was killed has left its lock behind.
    fs.mkdirSync(path.join(instance.folder, 'start.lock.d'))
    instance.write('start.lock.d/holder', `${process.pid}\nanother-boot 1\n`)
    equal((await instance.scriptWith(environment, 'start.sh')).status, 0)
    equal((await instance.scriptWith(environment, 'stop.sh')).status, 0)
  })
}

test('a start that fails says why on the terminal', async t => {
  const instance = new Instance(t)
  const failing = async (why: RegExp, status: number) => {
    const { status: ended, out, err } = await instance.script('start.sh')
    deepEqual([ended, out], [1, ''], err)
    match(err, why)
    match(err, new RegExp(`${APP} did not start: .* \\(status ${status}\\)\\. The end of \\S+/srv_\\S+\\.log:\n`))
    deepEqual([instance.has('pid.lock'), instance.servers()], [false, []])
  }
  instance.configure({ durability: 'never' })
  await failing(/config\.yml:1:\d+: durability must be one of fsync, os, none, not "never"/, 78)

  const other = net.createServer().listen(0, '127.0.0.1')
  t.after(() => other.close())
  await once(other, 'listening')
  const { port } = other.address() as net.AddressInfo
  instance.configure({ server: { interface: `127.0.0.1:${port}` } })
  await failing(new RegExp(`error main the server could not start error=.*EADDRINUSE.*127\\.0\\.0\\.1:${port}`), 1)

  const holder = new Instance(t)
  equal((await holder.script('start.sh')).status, 0)
  instance.configure({ data_directory: path.join(holder.folder, 'data') })
  await failing(/DataInUse: Another server uses |Another server uses /, 75)
  equal((await holder.script('stop.sh')).status, 0)

  fs.rmSync(path.join(instance.folder, 'config.yml'))
  const none = await instance.script('start.sh')
  deepEqual(none, {
    status: 1,
    out: '',
    err: `There is no config.yml in ${fs.realpathSync(instance.folder)} that can be read. scripts/setup.py makes one.\n`,
  })
  // What had been started in vain is not in the way.
  instance.configure({})
  equal((await instance.script('start.sh')).status, 0)
  equal((await instance.script('stop.sh')).status, 0)
})

test('a start that is stopped meanwhile says so', async t => {
  const instance = new Instance(t)
  const starting = instance.script('start.sh')
  await until('the server has begun', () => instance.has('pid.lock') && instance.isServer(instance.pid))
  deepEqual(await instance.script('stop.sh'), SILENT)
  const { status, err } = await starting
  equal(status, 1)
  match(err, new RegExp(`${APP} did not start: it was `))
  deepEqual([instance.has('pid.lock'), instance.servers()], [false, []])
})

test('a server that does not stop in time is killed, and its log says so', async t => {
  const instance = new Instance(t)
  equal((await instance.script('start.sh')).status, 0)
  const { pid } = instance
  // Halted, it hears no interrupt.
  process.kill(pid, 'SIGSTOP')
  const before = Date.now()
  deepEqual(await instance.scriptWith({ OES_STOP_SECONDS_MAX: '1' }, 'stop.sh'), SILENT)
  ok(Date.now() - before >= 1_000, 'it was given the whole second')
  deepEqual([instance.has('pid.lock'), instance.servers()], [false, []])
  match(instance.read(instance.logs()[0]!), new RegExp(`\nForcefully terminated ${APP}\\.\n$`))
  // What was killed goes on from its journals.
  equal((await instance.script('start.sh')).status, 0)
  equal((await instance.script('stop.sh')).status, 0)
})

test('logs of the same second do not take the place of one another', async t => {
  const instance = new Instance(t)
  fs.mkdirSync(path.join(instance.folder, 'logs'))
  instance.write('logs/srv_20260101_00_00_00.log', 'first')
  instance.write('logs/srv_20260101_00_00_00.1.log', 'second')
  instance.write('srv_20260101_00_00_00.log', 'third')
  instance.configure({ durability: 'never' })
  equal((await instance.script('start.sh')).status, 1)
  deepEqual(
    instance.logs('logs').map(name => instance.read(`logs/${name}`)),
    ['second', 'third', 'first'],
  )
})

test('without a Node that is new enough a start says what to do', async t => {
  const instance = new Instance(t)
  const checkout = path.join(instance.folder, 'checkout')
  fs.mkdirSync(path.join(checkout, 'src', 'cli'), { recursive: true })
  fs.cpSync(SCRIPTS, path.join(checkout, 'scripts'), { recursive: true })
  fs.writeFileSync(path.join(checkout, 'src', 'cli', 'oes.ts'), '')
  const tools = pathWithout(instance.folder, 'node')
  fs.writeFileSync(path.join(tools, 'node'), '#!/bin/sh\necho v18.20.0\n', { mode: 0o755 })
  const env = { ...process.env, PATH: tools }
  const { status, err } = await run(path.join(checkout, 'scripts', 'start.sh'), [], { cwd: instance.folder, env })
  equal(status, 1)
  match(err, /node is v18\.20\.0, but Node\.js 24 or newer is needed/)
})
