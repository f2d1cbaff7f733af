// The log as an operator uses it: one order followed through all threads, levels changed while the server runs, old files
// put aside, and no secret in any line of it.

import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type LogRecord, recordOf } from '../../src/base/log-line.ts'
import { connect, limitOrder, Side } from '../../src/client/index.ts'
import { encodeFrame } from '../../src/protocol/frames.ts'
import { Kind, PROTOCOL_VERSION } from '../../src/protocol/kinds.ts'
import { pack } from '../../src/protocol/msgpack.ts'
import { bareOes, start } from '../cli/command.ts'
import { merged, ServerProcess, type Settings, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { WireClient } from '../fault/wire-client.ts'

function folderOf(t: TestContext): string {
  const folder = temporaryFolder()
  t.after(folder.remove)
  return folder.path
}

function quiet(folder: string, log: Settings): Settings {
  return merged(testSettings(folder), { platform: { market_data: { rate: 0 } }, log })
}

function records(file: string): LogRecord[] {
  const lines = fs.readFileSync(file, 'utf8').split('\n').map(recordOf)
  return lines.filter(record => record !== undefined)
}

/** Waits until `look` finds something. */
async function eventually<Found>(what: string, look: () => Found | undefined): Promise<Found> {
  const deadline = Date.now() + 30_000
  for (;;) {
    const found = look()
    if (found !== undefined) return found
    ok(Date.now() < deadline, `there was never ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

test('at level debug one order is followed through all threads by its id', async t => {
  const folder = folderOf(t)
  const file = path.join(folder, 'oes.log')
  const server = await ServerProcess.start(folder, quiet(folder, { file, level: 'debug' }))
  const client = await connect({ port: server.port, username: 'alice', password: 'alice' })
  t.after(() => client.close())
  const order = await client.submit({ ...limitOrder(Side.Bid, 'ABX.TSX', 100, 1), clOrdId: 'mine' })
  await client.submit(limitOrder(Side.Bid, 'ABX.TSX', 200, 1))
  ok(order.outcome === 'accepted')
  const { orderId } = order.order
  await eventually('a stored NEW', () =>
    records(file).find(
      record => record.message === 'an event is stored' && record.orderId === orderId && record.event === 'NEW',
    ),
  )
  client.close()
  await server.stop()
  const mine = records(file).filter(record => record.orderId === orderId)
  const account = mine[0]!.account
  ok(typeof account === 'number')
  const steps = mine.map(
    record => `${record.component.replace(/\d+$/, 'N')}: ${record.message}, ${record.event ?? record.request}`,
  )
  deepEqual(steps.toSorted(), [
    'main: a request goes to its shard, Submit',
    'main: an event is published, ACCEPTED',
    'main: an event is published, NEW',
    'shard-N: an event is durable, ACCEPTED',
    'shard-N: an event is durable, NEW',
    'writer: an event is stored, ACCEPTED',
    'writer: an event is stored, NEW',
  ])
  for (const record of mine) equal(record.account, account)
  const sequences = mine.filter(record => record.event === 'NEW').map(record => record.reportSequence)
  deepEqual(new Set(sequences).size, 1)
  deepEqual([...new Set(mine.map(record => record.clOrdId).filter(id => id !== undefined))], ['mine'])

  const { status, out, err } = await bareOes('log', '--order', String(orderId), file)
  deepEqual([status, err], [0, ''])
  equal(out.trimEnd().split('\n').length, mine.length)
  match(out, new RegExp(`debug main a request goes to its shard request=Submit session=\\d+ .* orderId=${orderId}\\n`))
})

test('levels change while the server runs: by a signal, by the command, by the configuration read again', async t => {
  const folder = folderOf(t)
  const settings = quiet(folder, { level: 'warning' })
  const server = await ServerProcess.start(folder, settings)
  const client = await connect({ port: server.port, username: 'alice', password: 'alice' })
  t.after(() => client.close())
  const levels = () => [...server.log.matchAll(/levels of the log (.*)$/gm)].map(([, what]) => what)
  const config = path.join(folder, 'config.yml')
  const logLevel = (...words: string[]) =>
    bareOes('log-level', ...words, '--config', config, '--pid', String(server.pid), '--directory', folder)

  doesNotMatch(server.log, / (info|debug) /)
  server.signal('SIGUSR2')
  await server.logged(/levels of the log everything=debug$/m)
  await client.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))
  await server.logged(/debug shard-\d an event is durable event=NEW/)
  server.signal('SIGUSR2')
  await server.logged(/levels of the log everything=warning$/m)

  deepEqual(await logLevel('debug', 'shard'), { status: 0, out: 'shard: debug\n', err: '' })
  deepEqual(await logLevel('error'), { status: 0, out: 'everything: error\n', err: '' })
  deepEqual(await logLevel('configured'), { status: 0, out: 'levels as configured\n', err: '' })
  for (const words of [['loud'], ['debug', 'toaster'], ['configured', 'toaster']])
    equal((await logLevel(...words)).status, 2)

  fs.writeFileSync(config, JSON.stringify(merged(settings, { log: { level: 'info', levels: { writer: 'error' } } })))
  server.signal('SIGHUP')
  await server.logged(/levels of the log everything=info writer=error$/m)
  fs.writeFileSync(config, JSON.stringify(merged(settings, { log: { level: 'loud' } })))
  server.signal('SIGHUP')
  await server.logged(/error main the configuration cannot be used; the log goes on as before/)
  deepEqual(levels(), [
    'everything=debug',
    'everything=warning',
    'everything=warning shard=debug',
    'everything=error',
    'everything=warning',
    'everything=info writer=error',
  ])
  deepEqual(await server.stop(), { status: 0, signal: null })
})

test('a process that is no server is never signalled, and one that does not hear is told of', async t => {
  const folder = folderOf(t)
  const sleeper = start('sleep', ['60'], process.env)
  t.after(() => sleeper.process.kill('SIGKILL'))
  fs.mkdirSync(path.join(folder, 'data'))
  const pid = String(sleeper.process.pid)
  const named = await bareOes('log-level', 'debug', '--pid', pid, '--directory', folder)
  deepEqual([named.status, named.out], [1, ''])
  match(named.err, new RegExp(`Process ${pid} is no order execution server`))
  fs.writeFileSync(path.join(folder, 'pid.lock'), `${pid}\nanother boot 1\n`)
  const recycled = await bareOes('log-level', 'debug', '--directory', folder)
  deepEqual([recycled.status, recycled.out], [1, ''])
  match(recycled.err, /pid\.lock is not running/)
  const none = await bareOes('log-level', 'debug', '--directory', path.join(folder, 'data'))
  match(none.err, /no server was started in this folder/)
  equal(sleeper.process.exitCode, null)
})

test('a file of the log that has grown is put aside while the server runs', async t => {
  const folder = folderOf(t)
  const file = path.join(folder, 'oes.log')
  const server = await ServerProcess.start(folder, quiet(folder, { file, level: 'debug', file_bytes_max: 20_000 }))
  equal(server.log, '')
  const client = await connect({ port: server.port, username: 'alice', password: 'alice' })
  t.after(() => client.close())
  for (let i = 0; i < 60; i++) await client.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))
  const old = await eventually('an old file', () => {
    const logs = path.join(folder, 'logs')
    return fs.existsSync(logs) ? fs.readdirSync(logs)[0] : undefined
  })
  await client.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))
  client.close()
  await server.stop()
  match(old, /^oes\.\d{8}_\d{6}\.log$/)
  const accepted = (from: string) =>
    records(from).filter(({ message, event }) => message === 'an event is durable' && event === 'ACCEPTED')
  equal(accepted(path.join(folder, 'logs', old)).length + accepted(file).length, 61)
  match(fs.readFileSync(file, 'utf8'), /"message":"stopped"\}\n$/)
})

test('no secret of a login or of the configuration is ever in the log', async t => {
  const folder = folderOf(t)
  const away = net.createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => away.once('listening', resolve))
  const { port } = away.address() as net.AddressInfo
  away.close()
  const secretFile = path.join(folder, 'mysql-password')
  fs.writeFileSync(secretFile, 'geheim-in-datei\n')
  // Its journals are what a server goes on from whose stores do not answer.
  await (await ServerProcess.start(folder, quiet(folder, {}))).stop()
  const server = await ServerProcess.start(
    folder,
    merged(quiet(folder, { level: 'debug' }), {
      data_store: [
        { address: `127.0.0.1:${port}`, username: 'u', password: 'geheim-im-text', schema: 's', connect_ms: 200 },
        { address: `localhost:${port}`, password: { file: secretFile }, connect_ms: 200 },
      ],
    }),
  )
  for (const [username, password] of [
    ['alice', 'geheim-falsch'],
    ['nobody', 'geheim-unbekannt'],
    ['alice', `geheim-lang${'x'.repeat(300)}`],
    ['', 'geheim-ohne-namen'],
  ] as const) {
    await connect({ port: server.port, username, password, connectDeadlineMs: 5_000 }).then(
      client => {
        client.close()
        throw new Error('a wrong password was taken')
      },
      () => undefined,
    )
  }
  // Logins of the wrong form: passwords at odd places, of odd types, and before a login.
  for (const message of [
    [Kind.Login, 1, 0, 'alice', ['geheim-liste'], PROTOCOL_VERSION],
    [Kind.Login, 1, 0, { name: 'geheim-karte' }, 'geheim-karte', PROTOCOL_VERSION],
    [Kind.Login, 1, 0, 'alice', 'geheim-version', 'geheim'],
    [Kind.Login, 1, 0, 'alice', 'geheim-kurz'],
    [Kind.Submit, 1, 0, 'geheim-vor-anmeldung'],
    ['geheim-art', 1],
  ]) {
    const client = await WireClient.connect(server.port)
    client.socket.write(encodeFrame(pack(message)))
    client.socket.end()
    await client.closed
  }
  await server.logged(/login refused/)
  const alice = await connect({ port: server.port, username: 'alice', password: 'alice' })
  await alice.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))
  alice.close()
  await server.stop()
  match(server.log, /warning main .*config\.yml: holds passwords, and others may read or change it/)
  match(server.log, /warning main .*mysql-password, which others may read or change/)
  doesNotMatch(server.log, /geheim/)
})

const OES = fileURLToPath(new URL('../../src/cli/oes.ts', import.meta.url))

test('the platform and the risk server read the levels of their logs again, and open the files anew', async t => {
  const folder = folderOf(t)
  const begin = async (program: string, settings: Settings) => {
    const config = path.join(folder, `${program}.yml`)
    const file = path.join(folder, `${program}.log`)
    const configure = (log: Settings) =>
      fs.writeFileSync(config, JSON.stringify({ ...settings, log: { file, ...log } }))
    configure({ level: 'error' })
    const child = spawn(process.execPath, [OES, program, '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const port = await eventually('a ready line', () => /^ready \S*:(\d+)$/m.exec(said)?.[1])
    return { child, file, configure, port }
  }
  const platform = await begin('platform', {
    server: { interface: '127.0.0.1:0' },
    data_file: path.join(folder, 'platform.db'),
  })
  const risk = await begin('risk-server', {
    server: { interface: '127.0.0.1:0' },
    service_locator: { address: `127.0.0.1:${platform.port}`, username: 'risk_service', password: 'risk_service' },
    data_file: path.join(folder, 'risk.db'),
  })
  for (const { child, file, configure } of [risk, platform]) {
    fs.renameSync(file, `${file}.1`)
    configure({ level: 'info' })
    child.kill('SIGHUP')
    await eventually('a line about levels', () =>
      fs.existsSync(file) ? records(file).find(record => record.everything === 'info') : undefined,
    )
    configure({ level: 'loud' })
    child.kill('SIGHUP')
    await eventually('a line about the configuration', () =>
      records(file).find(({ message }) => message.startsWith('the configuration cannot be used')),
    )
    child.kill('SIGINT')
    await once(child, 'close')
    equal(child.exitCode, 0)
    match(fs.readFileSync(file, 'utf8'), /"message":"stopped"\}\n$/)
  }
})

test('on a terminal the log is for people, and closing the terminal stops the server in order', async t => {
  const folder = folderOf(t)
  /** Runs the server in a terminal of its own. */
  const inTerminal = (log: Settings) => {
    const config = path.join(folder, 'config.yml')
    fs.writeFileSync(config, JSON.stringify(quiet(folder, log)))
    const words = ['-c', 'import pty, sys; pty.spawn(sys.argv[1:])', process.execPath, OES, 'serve', '--config', config]
    const child = spawn('python3', words, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    const terminal = { child, shown: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      terminal.shown += text
    })
    return terminal
  }
  const first = inTerminal({})
  await eventually('a ready line', () => (/^ready /m.test(first.shown) ? true : undefined))
  match(first.shown, /^20\S+Z info main clients are welcome address=127\.0\.0\.1:\d+ /m)
  doesNotMatch(first.shown, /^\{/m)
  first.child.kill('SIGKILL')

  const file = path.join(folder, 'oes.log')
  // The first server may still be on its way down, with the data directory in its hands.
  const second = await eventually('a second server', () => {
    const lock = fs.existsSync(path.join(folder, 'data')) ? serversOf(folder) : 0
    return lock === 0 ? inTerminal({ file }) : undefined
  })
  await eventually('a ready line', () => (/^ready /m.test(second.shown) ? true : undefined))
  second.child.kill('SIGKILL')
  await eventually('an end in order', () =>
    /"message":"stopped"\}\n$/.test(fs.readFileSync(file, 'utf8')) ? true : undefined,
  )
  equal(records(file).find(({ message }) => message === 'told to stop')?.signal, 'SIGHUP')
})

/** How many servers run that were started with the configuration of a folder. */
function serversOf(folder: string): number {
  const config = path.join(folder, 'config.yml')
  return fs.readdirSync('/proc').filter(pid => {
    try {
      return /^\d+$/.test(pid) && fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(config)
    } catch {
      // It has ended.
      return false
    }
  }).length
}
