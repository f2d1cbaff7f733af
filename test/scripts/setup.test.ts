// scripts/setup.py as an operator uses it, in a scratch folder: what it writes is a configuration that the server takes.

import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Config, parseConfig } from '../../src/config/config.ts'
import { bareOes } from '../cli/command.ts'

const SETUP = fileURLToPath(new URL('../../scripts/setup.py', import.meta.url))

function scratch(t: TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-setup-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  return folder
}

interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

async function setup(folder: string, words: readonly string[], input = ''): Promise<Ended> {
  const child = spawn('python3', [SETUP, ...words], { cwd: folder, timeout: 60_000 })
  child.stdin.end(input)
  const [out, err] = await Promise.all([textOf(child.stdout), textOf(child.stderr), once(child, 'exit')])
  return { status: child.exitCode, out, err }
}

function read(folder: string, name = 'config.yml'): Config {
  return parseConfig(fs.readFileSync(path.join(folder, name), 'utf8'), name)
}

/** What the flags decide. */
function decided({ server, serviceLocator, dataStore }: Config) {
  const stores = dataStore.map(({ address, username, password, schema }) => ({ address, username, password, schema }))
  return { interface: server.interface, addresses: server.addresses, serviceLocator, stores }
}

const at = (host: string, port: number) => ({ host, port })

test('every flag, long and short, comes to its place', async t => {
  const long = scratch(t)
  const short = scratch(t)
  const values: [long: string, short: string, value: string][] = [
    ['--local', '-l', '10.0.0.5'],
    ['--world', '-w', '203.0.113.5'],
    ['--address', '-a', '10.0.0.6:21000'],
    ['--password', '-p', 'pass word'],
    ['--mysql_address', '-ma', '10.0.0.7:3307'],
    ['--mysql_username', '-mu', 'keeper'],
    ['--mysql_password', '-mp', 'other'],
    ['--mysql_schema', '-ms', 'orders'],
  ]
  const done = { status: 0, out: 'config.yml written.\n', err: '' }
  deepEqual(
    await setup(
      long,
      values.flatMap(([flag, , value]) => [flag, value]),
    ),
    done,
  )
  deepEqual(
    await setup(
      short,
      values.flatMap(([, flag, value]) => [flag, value]),
    ),
    done,
  )
  equal(fs.readFileSync(path.join(long, 'config.yml'), 'utf8'), fs.readFileSync(path.join(short, 'config.yml'), 'utf8'))
  deepEqual(decided(read(long)), {
    interface: at('10.0.0.5', 20700),
    addresses: [at('203.0.113.5', 20700), at('10.0.0.5', 20700)],
    serviceLocator: { address: at('10.0.0.6', 21000), username: 'order_execution_service', password: 'pass word' },
    stores: [{ address: at('10.0.0.7', 3307), username: 'keeper', password: 'other', schema: 'orders' }],
  })
})

test('what is left out has the defaults of the product', async t => {
  const folder = scratch(t)
  equal((await setup(folder, ['-p', 'secret'])).status, 0)
  const { server } = read(folder)
  const { host } = server.interface
  const own = Object.values(os.networkInterfaces()).flatMap(each => (each ?? []).map(({ address }) => address))
  equal(host === '127.0.0.1' || own.includes(host), true, host)
  deepEqual(decided(read(folder)), {
    interface: at(host, 20700),
    addresses: [at(host, 20700)],
    serviceLocator: { address: at(host, 20000), username: 'order_execution_service', password: 'secret' },
    stores: [{ address: at('127.0.0.1', 3306), username: 'spireadmin', password: 'secret', schema: 'spire' }],
  })
})

test('the world is the local interface unless it is given, and an IPv6 host gets brackets', async t => {
  const folder = scratch(t)
  equal((await setup(folder, ['-p', 's', '-l', '::1', '-w', '[2001:db8::5]'])).status, 0)
  const { server, serviceLocator } = read(folder)
  deepEqual(server.interface, at('::1', 20700))
  deepEqual(server.addresses, [at('2001:db8::5', 20700), at('::1', 20700)])
  deepEqual(serviceLocator?.address, at('::1', 20000))
})

test('several MySQL servers become a list, whose later entries inherit', async t => {
  const folder = scratch(t)
  equal((await setup(folder, ['-p', 's', '-ma', '10.0.0.7:3306', '-ma', '[::1]:3307', '-ma', 'db:3308'])).status, 0)
  const one = { username: 'spireadmin', password: 's', schema: 'spire' }
  deepEqual(decided(read(folder)).stores, [
    { address: at('10.0.0.7', 3306), ...one },
    { address: at('::1', 3307), ...one },
    { address: at('db', 3308), ...one },
  ])
})

test('whatever a password is made of, the server reads the same', async t => {
  const folder = scratch(t)
  for (const password of [
    'a: b',
    'a #b',
    '#',
    '*alias',
    '&anchor',
    '!tag',
    '%x',
    '@x',
    '`x',
    "it's",
    '"',
    '\\n',
    "'''",
    '- x',
    '-x',
    '? x',
    '[x',
    '{x}',
    '$admin_password',
    '$x$$',
    '\\g<1>\\1',
    'null',
    'No',
    '~',
    '007',
    '1e3',
    '2026-01-30',
    ' leading and trailing ',
    'pässwörd 密码 🔑',
    'ready',
    'x'.repeat(4095),
  ]) {
    const ended = await setup(folder, [`--password=${password}`, '--mysql_password', `x${password}`, '--force'])
    equal(ended.status, 0, ended.err)
    const { serviceLocator, dataStore } = read(folder)
    deepEqual([serviceLocator?.password, dataStore[0]?.password], [password, `x${password}`])
  }
})

test('values that cannot stand in a configuration are refused without being told', async t => {
  const folder = scratch(t)
  for (const [words, why] of [
    [['--password='], '--password is empty.'],
    [['-p', 'se\ncret'], '--password has a line break or another character in it that cannot be printed.'],
    [['-p', 'se\u0007cret'], '--password has a line break or another character in it that cannot be printed.'],
    [['-p', 'x'.repeat(4097)], '--password is longer than 4096 characters.'],
    [['-p', 's', '-mp', ''], '--mysql_password is empty.'],
    [['-p', 's', '-mu', ''], '--mysql_username is empty.'],
    [['-p', 's', '-ms', 'a\tb'], '--mysql_schema has a line break or another character in it that cannot be printed.'],
    [['-p', 's', '-l', '10.0.0.5:1'], "--local is a host without a port, as 10.0.0.5; '10.0.0.5:1' is none."],
    [['-p', 's', '-w', 'a b'], "--world is a host without a port, as 10.0.0.5; 'a b' is none."],
    [
      ['-p', 's', '-a', '10.0.0.5'],
      "--address is an address as host:port, an IPv6 host in brackets; '10.0.0.5' is none.",
    ],
    [
      ['-p', 's', '-ma', 'a:65536'],
      "--mysql_address is an address as host:port, an IPv6 host in brackets; 'a:65536' is none.",
    ],
    [['-p', 's', '-ma', 'a:1', '-ma', 'a:1'], '--mysql_address names the same server twice.'],
  ] as const) {
    deepEqual(await setup(folder, words), { status: 1, out: '', err: `setup.py: ${why}\n` })
  }
  deepEqual(fs.readdirSync(folder), [])
})

test('a password can come from standard input instead of the command line', async t => {
  const folder = scratch(t)
  equal((await setup(folder, ['-p', '-', '-mp', '-'], 'first: #1\nsecond\n')).status, 0)
  const { serviceLocator, dataStore } = read(folder)
  deepEqual([serviceLocator?.password, dataStore[0]?.password], ['first: #1', 'second'])
  const none = await setup(scratch(t), ['-p', '-'], '')
  deepEqual([none.status, none.err], [1, 'setup.py: --password is empty.\n'])
})

test('only its owner may read what is written, whatever the mask of the shell', async t => {
  const folder = scratch(t)
  const before = process.umask(0)
  t.after(() => process.umask(before))
  equal((await setup(folder, ['-p', 's'])).status, 0)
  equal(fs.statSync(path.join(folder, 'config.yml')).mode & 0o777, 0o600)
  deepEqual(fs.readdirSync(folder), ['config.yml'])
})

test('a file that is there is replaced only by force, and the same again is no trouble', async t => {
  const folder = scratch(t)
  const file = path.join(folder, 'config.yml')
  equal((await setup(folder, ['-p', 'first'])).status, 0)
  deepEqual(await setup(folder, ['-p', 'first']), {
    status: 0,
    out: 'config.yml is as it would be written.\n',
    err: '',
  })
  const before = fs.readFileSync(file, 'utf8')
  deepEqual(await setup(folder, ['-p', 'second']), {
    status: 1,
    out: '',
    err: 'setup.py: config.yml exists and is different. Give --force to replace it, or --output for another file.\n',
  })
  equal(fs.readFileSync(file, 'utf8'), before)
  fs.chmodSync(file, 0o644)
  deepEqual(await setup(folder, ['-p', 'second', '--force']), { status: 0, out: 'config.yml replaced.\n', err: '' })
  equal(read(folder).serviceLocator?.password, 'second')
  equal(fs.statSync(file).mode & 0o777, 0o600)
  deepEqual(fs.readdirSync(folder), ['config.yml'])
})

test('the output can be another file, or standard output', async t => {
  const folder = scratch(t)
  const inFolder = path.join(folder, 'server.yml')
  deepEqual(await setup('/', ['-p', 's', '--output', inFolder]), { status: 0, out: `${inFolder} written.\n`, err: '' })
  const shown = await setup(folder, ['-p', 's', '-o', '-'])
  deepEqual([shown.status, shown.err, shown.out], [0, '', fs.readFileSync(inFolder, 'utf8')])
  deepEqual(fs.readdirSync(folder), ['server.yml'])
  const gone = path.join(folder, 'gone', 'config.yml')
  deepEqual(await setup(folder, ['-p', 's', '-o', gone]), {
    status: 1,
    out: '',
    err: `setup.py: ${gone} cannot be written: No such file or directory.\n`,
  })
})

test('a wrong command line is 2, and help is 0', async t => {
  const folder = scratch(t)
  for (const words of [[], ['-p'], ['-p', 's', '--colour', 'red'], ['-p', 's', 'extra'], ['--pass', 's']]) {
    const { status, out, err } = await setup(folder, words)
    deepEqual([status, out], [2, ''], words.join(' '))
    match(err, /^usage: /)
  }
  const help = await setup(folder, ['--help'])
  equal(help.status, 0)
  for (const flag of ['--local', '--world', '--address', '--password', '--mysql_schema', '--force', 'exit status']) {
    match(help.out, new RegExp(flag))
  }
  deepEqual(fs.readdirSync(folder), [])
})

test('a template of your own keeps its quotes and remarks, and an unknown variable is told with its line', async t => {
  const folder = scratch(t)
  const template = path.join(folder, 'template.yml')
  fs.writeFileSync(
    template,
    [
      '# $not_touched',
      'service_locator:',
      '  address: $service_locator_address # $admin_password stays here',
      "  username: '$mysql_username'",
      '  password: "$admin_password"',
      '',
    ].join('\n'),
  )
  const words = ['-l', '10.0.0.5', '-t', template]
  equal((await setup(folder, [...words, '-mu', "o'hara", '-p', 'a"\\b'])).status, 0)
  equal(
    fs.readFileSync(path.join(folder, 'config.yml'), 'utf8'),
    [
      '# $not_touched',
      'service_locator:',
      '  address: 10.0.0.5:20000 # $admin_password stays here',
      "  username: 'o''hara'",
      '  password: "a\\"\\\\b"',
      '',
    ].join('\n'),
  )
  deepEqual(read(folder).serviceLocator, { address: at('10.0.0.5', 20000), username: "o'hara", password: 'a"\\b' })
  fs.writeFileSync(template, 'durability: fsync\ndata_directory: $data\n')
  deepEqual(await setup(folder, [...words, '-p', 's', '-f']), {
    status: 1,
    out: '',
    err: `setup.py: ${template}:2: nothing is known of $data.\n`,
  })
})

test('what is written is in force as oes config shows it, without its passwords', async t => {
  const folder = scratch(t)
  equal((await setup(folder, ['-p', 'geheim: "nis"', '-l', '127.0.0.1', '-ma', '127.0.0.1:3311'])).status, 0)
  const file = path.join(folder, 'config.yml')
  deepEqual(await bareOes('config', '--config', file, '--check'), { status: 0, out: `${file} can be used\n`, err: '' })
  const { status, out, err } = await bareOes('config', '--config', file)
  deepEqual([status, err], [0, ''])
  match(out, /^ {2}address: 127\.0\.0\.1:3311 /m)
  doesNotMatch(out, /geheim/)
})
