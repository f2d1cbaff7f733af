// `oes config`: what is in force, in the words of a file, and whether a file can be used.

import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { defaultConfig, parseConfig } from '../../src/config/config.ts'
import { bareOes } from './command.ts'

function fileWith(t: TestContext, text: string, mode = 0o600): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-config-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'config.yml')
  fs.writeFileSync(file, text, { mode })
  return file
}

/** Lines with the spaces before their remarks drawn together. */
function linesOf(out: string, file: string): string[] {
  return out
    .trimEnd()
    .replaceAll(file, 'config.yml')
    .replaceAll(/(?<=\S) +# /g, ' # ')
    .split('\n')
}

test('what is in force is a file with every key, its unit, and where it comes from', async t => {
  const file = fileWith(
    t,
    `service_locator:
  address: 10.0.0.5:20000
  username: 'true'
  password: {file: ${os.tmpdir()}/oes-config-gone}
data_store:
  - {address: "[::1]:3306", username: u, password: geheimnis, schema: s}
  - address: b:3306
    connect_ms: 2000
session_start_time: 2026-01-30 09:30:00.25
engine: {spin_us: 1_000, command_ring_bytes: 8388608}
`,
  )
  fs.writeFileSync(path.join(path.dirname(file), 'password'), 'geheimnis\n', { mode: 0o600 })
  const text = fs.readFileSync(file, 'utf8').replace(`${os.tmpdir()}/oes-config-gone`, `${path.dirname(file)}/password`)
  fs.writeFileSync(file, text)
  const { status, out, err } = await bareOes('config', '--config', file)
  deepEqual([status, err], [0, ''])
  doesNotMatch(out, /geheimnis/)
  const lines = linesOf(out, file)
  deepEqual(lines.slice(0, 38), [
    '# What is in force, from config.yml; behind each value, its unit and where it comes from.',
    'server:',
    '  service: order_execution_service # default',
    '  interface: 127.0.0.1:20700 # default',
    '  addresses: [127.0.0.1:20700] # default',
    '  allowed: [] # default',
    '  tls:',
    '    # certificate: absent',
    '    # key: absent',
    '    # client_ca: absent',
    '    client_certificates: optional # default',
    '    client_account: common_name # default',
    'service_locator: # config.yml:1',
    '  address: 10.0.0.5:20000 # config.yml:2',
    '  username: "true" # config.yml:3',
    `  password: {file: "${path.dirname(file)}/password"} # file ${path.dirname(file)}/password, config.yml:4`,
    'data_store: # config.yml:5',
    '  - address: "[::1]:3306" # config.yml:6',
    '    username: u # config.yml:6',
    '    password: "(hidden)" # config.yml:6',
    '    schema: s # config.yml:6',
    '    tls: off # default',
    '    # tls_ca: absent',
    '    # tls_certificate: absent',
    '    # tls_key: absent',
    '    connect_ms: 5000 # milliseconds (5 s); default',
    '    statement_ms: 30000 # milliseconds (30 s); default',
    '  - address: b:3306 # config.yml:7',
    '    username: u # inherited, config.yml:6',
    '    password: "(hidden)" # inherited, config.yml:6',
    '    schema: s # inherited, config.yml:6',
    '    tls: off # default',
    '    # tls_ca: absent',
    '    # tls_certificate: absent',
    '    # tls_key: absent',
    '    connect_ms: 2000 # milliseconds (2 s); config.yml:8',
    '    statement_ms: 30000 # milliseconds (30 s); default',
    'session_start_time: 2026-01-30 09:30:00.250000 # config.yml:9',
  ])
  equal(lines.filter(line => /default auto$/.test(line)).length, 1)
  equal(lines.includes('  command_ring_bytes: 8388608 # bytes (8 MiB); config.yml:10'), true)
  // It says the same again, but for the password that it does not tell.
  const shown = parseConfig(out, 'shown')
  const given = parseConfig(text, file)
  const hidden = given.dataStore.map(store => ({ ...store, password: '(hidden)' }))
  deepEqual(shown, { ...given, dataStore: hidden })
})

test('without a file it shows the defaults, which load as they are', async () => {
  const { status, out, err } = await bareOes('config')
  deepEqual([status, err], [0, ''])
  deepEqual(parseConfig(out, 'shown'), defaultConfig())
})

test('the platform and the risk server have configurations of their own', async () => {
  const platform = await bareOes('config', '--for', 'platform', '--json')
  match(platform.out, /^\{"key":"logins.failures_max","value":"5","unit":"logins","from":"default"\}$/m)
  const risk = await bareOes('config', '--for', 'risk-server')
  match(risk.out, /^order_execution_service: order_execution_service +# default$/m)
  const unknown = await bareOes('config', '--for', 'toaster')
  deepEqual(
    [unknown.status, unknown.out, unknown.err],
    [2, '', "oes: 'toaster' is no program.\n     Write server, platform, risk-server.\n"],
  )
})

test('a check says that a file can be used, or all that is wrong with it', async t => {
  const good = fileWith(t, 'log: {level: debug}\n')
  deepEqual(await bareOes('config', '--config', good, '--check'), { status: 0, out: `${good} can be used\n`, err: '' })
  const bad = fileWith(t, 'log: {levle: debug}\nshards: 2\n')
  const { status, out, err } = await bareOes('config', '--config', bad, '--check')
  deepEqual([status, out], [1, ''])
  const lines = err.split('\n')
  match(lines[0]!, /config\.yml:1:7: log\.levle is not a key of log, which are level.*; the nearest is level$/)
  match(
    lines[1] ?? '',
    /^ {5}\S*config\.yml:2:1: shards is not a key of the configuration, .*; the nearest is engine\.shards$/,
  )
  const gone = await bareOes('config', '--config', `${bad}.gone`, '--check')
  equal(gone.status, 2)
  match(gone.err, /ENOENT/)
  equal((await bareOes('config', '--check')).status, 2)
})

test('passwords that others may read are warned of', async t => {
  const file = fileWith(t, 'service_locator: {address: a:1, username: u, password: p}\n', 0o644)
  const { status, err } = await bareOes('config', '--config', file, '--check')
  deepEqual(
    [status, err],
    [0, `warning: ${file}: holds passwords, and others may read or change it (mode 644): chmod 600 ${file}\n`],
  )
})
