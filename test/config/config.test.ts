import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { type Config, ConfigInvalid, defaultConfig, loadConfig, parseConfig } from '../../src/config/config.ts'

/** What is wrong in a text: one line for each problem, without the file. */
function problems(text: string): string[] {
  try {
    parseConfig(text, 'config.yml')
  } catch (error) {
    assert(error instanceof ConfigInvalid)
    return error.message.split('\n').map(line => line.replace('config.yml:', ''))
  }
  return []
}

const MB = 1 << 20

/** A data store with nothing but what must be given. */
const STORE = {
  username: 'u',
  password: 'p',
  schema: 's',
  tls: 'off',
  tlsCa: undefined,
  tlsCertificate: undefined,
  tlsKey: undefined,
  connectMs: 5_000,
  statementMs: 30_000,
} as const

const DEFAULTS: Config = {
  server: {
    service: 'order_execution_service',
    interface: { host: '127.0.0.1', port: 20700 },
    addresses: [{ host: '127.0.0.1', port: 20700 }],
    allowed: [],
    tls: {
      certificate: undefined,
      key: undefined,
      clientCa: undefined,
      clientCertificates: 'optional',
      clientAccount: 'common_name',
    },
  },
  serviceLocator: undefined,
  dataStore: [],
  sessionStartTime: undefined,
  dataDirectory: 'data',
  durability: 'fsync',
  engine: {
    shards: Math.min(Math.max(os.availableParallelism() - 1, 1), 64),
    spinUs: 0,
    liveOrdersPerShardMax: 1_000_000,
    accountsMax: 131_072,
    tickersMax: 65_536,
    positionsPerShardMax: 1_000_000,
    clOrdIdsPerShardMax: 1_048_576,
    commandRingBytes: 4 * MB,
    reportRingBytes: 16 * MB,
    batchCommandsMax: 512,
    snapshotReports: 10_000,
  },
  checks: ['board_lot', 'buying_power', 'risk_state'],
  journal: { segmentBytes: 64 * MB, spareSegments: 16 },
  marketData: { subscribe: 'first_use', firstUseMs: 1_000 },
  limits: {
    connectionsMax: 1_000,
    frameBytesMax: 65_536,
    loginMs: 5_000,
    heartbeatMs: 10_000,
    outboxBytesMax: 16 * MB,
    inFlightMax: 4_096,
    subscriptionsMax: 1_000,
    requestsPerSecond: 500_000,
    cancelsPerSecond: 500_000,
    rateRefusalsMax: 10_000,
  },
  writer: {
    copy: 'always',
    batchRowsMax: 32_768,
    batchBytesMax: 4 * MB,
    batchAgeMs: 20,
    lagMsMax: 60_000,
    catchUpShare: 25,
    retryFirstMs: 100,
    retryLongestMs: 10_000,
    stopMsMax: 60_000,
    nice: 19,
  },
  readers: { threads: 1, nice: 10 },
  platform: {
    port: 20_000,
    dataFile: 'platform.db',
    world: 'demo',
    seed: 1,
    marketData: { tickers: [], replay: undefined, rate: 100 },
  },
  admin: {
    http: 'on',
    interface: { host: '127.0.0.1', port: 20701 },
    reach: 'loopback',
    connectionsMax: 32,
    requestMs: 5_000,
    lagMsMax: 60_000,
    diskFreeBytesMin: 1 << 30,
  },
  console: {
    http: 'on',
    interface: { host: '127.0.0.1', port: 20702 },
    reach: 'loopback',
    https: 'off',
    clientCertificate: undefined,
    clientKey: undefined,
    connectionsMax: 64,
    requestMs: 10_000,
    sessionsMax: 32,
    sessionMs: 43_200_000,
    idleMs: 1_800_000,
    nice: 10,
  },
  log: {
    level: 'info',
    levels: { main: undefined, shard: undefined, writer: undefined, platform: undefined },
    file: undefined,
    format: 'auto',
    fileBytesMax: 256 * MB,
    fileHoursMax: 24,
    keepFiles: 100,
  },
}

test('without a file, and with an empty one, everything has its default', () => {
  assert.deepEqual(defaultConfig(), DEFAULTS)
  for (const text of [
    '',
    '\n',
    '# nothing\n',
    '---\n',
    'engine:\nservice_locator:\ndata_store:\njournal:\n  # all\n',
  ]) {
    assert.deepEqual(parseConfig(text, 'config.yml'), DEFAULTS)
  }
})

test('each key can be given', () => {
  const text = `
server: {service: oes, interface: "0.0.0.0:1", addresses: ["[::1]:2", example.com:3], allowed: [10.1.0.0/16, "2001:db8::/32", 10.2.3.4],
  tls: {certificate: c.pem, key: k.pem, client_ca: a.pem, client_certificates: required, client_account: any}}
service_locator: {address: locator:4, username: server, password: 0123}
data_store: {address: db:5, username: u, password: "p:#", schema: s}
session_start_time: 2026-01-30 09:30:00
data_directory: /var/lib/oes
durability: os
engine:
  {shards: 7, spin_us: 50, live_orders_per_shard_max: 2_000_000, accounts_max: 3, tickers_max: 4,
  positions_per_shard_max: 5, cl_ord_ids_per_shard_max: 6_000_000, command_ring_bytes: 8388608,
  report_ring_bytes: 33_554_432, batch_commands_max: 9, snapshot_reports: 100}
checks: [risk_state, board_lot]
journal: {segment_bytes: 1048577}
limits: {connections_max: 1, frame_bytes_max: 2000, login_ms: 100, heartbeat_ms: 101, outbox_bytes_max: 65536,
  in_flight_max: 6, subscriptions_max: 7,
  requests_per_second: 0, cancels_per_second: 9, rate_refusals_max: 8}
market_data: {subscribe: everything, first_use_ms: 60_000}
writer: {batch_rows_max: 1, batch_age_ms: 0, nice: 3}
readers: {threads: 4}
platform: {port: 0, data_file: p.db, world: w.json, seed: 4294967295,
  market_data: {tickers: [ABX.TSX, RY.TSX], replay: r.log, rate: 0}}
admin: {http: on, interface: '0.0.0.0:9100', reach: network, connections_max: 4, request_ms: 100, lag_ms_max: 1000,
  disk_free_bytes_min: 0}
console: {http: off, interface: '0.0.0.0:9200', reach: network, https: on, connections_max: 6, request_ms: 100,
  sessions_max: 1, session_ms: 1000, idle_ms: 1000, nice: 19}
log: {level: debug, levels: {shard: error}, file: oes.log, format: json, file_bytes_max: 4096, file_hours_max: 1,
  keep_files: 0}
`
  assert.deepEqual(parseConfig(text, 'config.yml'), {
    server: {
      service: 'oes',
      interface: { host: '0.0.0.0', port: 1 },
      addresses: [
        { host: '::1', port: 2 },
        { host: 'example.com', port: 3 },
      ],
      allowed: [
        { address: '10.1.0.0', prefix: 16, family: 'ipv4' },
        { address: '2001:db8::', prefix: 32, family: 'ipv6' },
        { address: '10.2.3.4', prefix: 32, family: 'ipv4' },
      ],
      tls: {
        certificate: 'c.pem',
        key: 'k.pem',
        clientCa: 'a.pem',
        clientCertificates: 'required',
        clientAccount: 'any',
      },
    },
    serviceLocator: { address: { host: 'locator', port: 4 }, username: 'server', password: '0123' },
    dataStore: [{ ...STORE, address: { host: 'db', port: 5 }, password: 'p:#' }],
    sessionStartTime: Date.UTC(2026, 0, 30, 9, 30) * 1000,
    dataDirectory: '/var/lib/oes',
    durability: 'os',
    engine: {
      shards: 7,
      spinUs: 50,
      liveOrdersPerShardMax: 2_000_000,
      accountsMax: 3,
      tickersMax: 4,
      positionsPerShardMax: 5,
      clOrdIdsPerShardMax: 6_000_000,
      commandRingBytes: 8 * MB,
      reportRingBytes: 32 * MB,
      batchCommandsMax: 9,
      snapshotReports: 100,
    },
    checks: ['risk_state', 'board_lot'],
    journal: { segmentBytes: MB + 1, spareSegments: 16 },
    limits: {
      connectionsMax: 1,
      frameBytesMax: 2_000,
      loginMs: 100,
      heartbeatMs: 101,
      outboxBytesMax: 65_536,
      inFlightMax: 6,
      subscriptionsMax: 7,
      requestsPerSecond: 0,
      cancelsPerSecond: 9,
      rateRefusalsMax: 8,
    },
    marketData: { subscribe: 'everything', firstUseMs: 60_000 },
    writer: {
      copy: 'always',
      batchRowsMax: 1,
      batchBytesMax: 4 * MB,
      batchAgeMs: 0,
      lagMsMax: 60_000,
      catchUpShare: 25,
      retryFirstMs: 100,
      retryLongestMs: 10_000,
      stopMsMax: 60_000,
      nice: 3,
    },
    readers: { threads: 4, nice: 10 },
    platform: {
      port: 0,
      dataFile: 'p.db',
      world: 'w.json',
      seed: 0xffff_ffff,
      marketData: { tickers: ['ABX.TSX', 'RY.TSX'], replay: 'r.log', rate: 0 },
    },
    admin: {
      http: 'on',
      interface: { host: '0.0.0.0', port: 9100 },
      reach: 'network',
      connectionsMax: 4,
      requestMs: 100,
      lagMsMax: 1_000,
      diskFreeBytesMin: 0,
    },
    console: {
      http: 'off',
      interface: { host: '0.0.0.0', port: 9200 },
      reach: 'network',
      https: 'on',
      clientCertificate: undefined,
      clientKey: undefined,
      connectionsMax: 6,
      requestMs: 100,
      sessionsMax: 1,
      sessionMs: 1_000,
      idleMs: 1_000,
      nice: 19,
    },
    log: {
      level: 'debug',
      levels: { main: undefined, shard: 'error', writer: undefined, platform: undefined },
      file: 'oes.log',
      format: 'json',
      fileBytesMax: 4096,
      fileHoursMax: 1,
      keepFiles: 0,
    },
  } satisfies Config)
})

test('the addresses that are registered are those given, or that of the interface', () => {
  const { server } = parseConfig('server:\n  interface: 10.0.0.1:20700\n', 'config.yml')
  assert.deepEqual(server.addresses, [{ host: '10.0.0.1', port: 20700 }])
})

test('a list of data stores inherits downwards, and the first is complete by itself', () => {
  const text = `
data_store:
  - {address: a:3306, username: u, password: p, schema: s}
  - {address: b:3306, password: q}
  - {address: c:3306, schema: t}
`
  const { dataStore } = parseConfig(text, 'config.yml')
  assert.deepEqual(dataStore, [
    { ...STORE, address: { host: 'a', port: 3306 } },
    { ...STORE, address: { host: 'b', port: 3306 }, password: 'q' },
    { ...STORE, address: { host: 'c', port: 3306 }, password: 'q', schema: 't' },
  ])
  assert.deepEqual(problems('data_store:\n  - {address: a:1, username: u}\n  - {password: p, schema: s}\n'), [
    "2:5: data_store[0].password is missing: The user's password, a text, {env: NAME} or {file: PATH}",
    '2:5: data_store[0].schema is missing: Its database, a name',
  ])
  assert.deepEqual(problems('data_store: []\n'), [
    '1:13: data_store must be a map, or a list of maps, with the keys below',
  ])
  assert.deepEqual(problems('data_store: db:3306\n'), [
    '1:13: data_store must be a map with the keys address, username, password, schema, tls, tls_ca, ' +
      'tls_certificate, tls_key, connect_ms, statement_ms',
  ])
})

test('a data store may be encrypted, and what its keys need of each other is told at their places', () => {
  const store = 'data_store:\n  address: a:1\n  username: u\n  password: p\n  schema: s\n'
  const { dataStore } = parseConfig(`${store}  tls: verified\n  tls_ca: ca.pem\n  connect_ms: 100\n`, 'config.yml')
  assert.deepEqual(dataStore, [
    { ...STORE, address: { host: 'a', port: 1 }, tls: 'verified', tlsCa: 'ca.pem', connectMs: 100 },
  ])
  assert.deepEqual(problems(`${store}  tls_ca: ca.pem\n`), [
    '6:3: data_store.tls_ca is of no use where tls is off: make that verified or unverified',
  ])
  assert.deepEqual(problems(`${store}  tls: unverified\n  tls_certificate: c.pem\n`), [
    '7:3: data_store.tls_certificate needs tls_key, the key that belongs to it',
  ])
  assert.deepEqual(problems(`${store}  tls: unverified\n  tls_key: k.pem\n`), [
    '7:3: data_store.tls_key needs tls_certificate, to which it belongs',
  ])
  const list = `
data_store:
  - {address: a:3306, username: u, password: p, schema: s, tls: verified, tls_ca: a.pem}
  - {address: b:3306, tls: off}
  - {address: a:3306, tls: verified}
  - {address: a:3306, schema: t}
`
  assert.deepEqual(problems(list), [
    '3:75: data_store[0].tls_ca is of no use where tls is off: make that verified or unverified',
    '5:6: data_store[2].address stands here twice with the schema s',
  ])
})

test('a section that must be complete says what is missing, at its place', () => {
  assert.deepEqual(problems('durability: os\nservice_locator:\n  username: server\n'), [
    '3:3: service_locator.address is missing: Where the service locator listens, ' +
      'an address as host:port, an IPv6 host in brackets',
    '3:3: service_locator.password is missing: Its password, a text, {env: NAME} or {file: PATH}',
  ])
})

test('an unknown key is refused by name, with those that are known and the nearest of them', () => {
  assert.deepEqual(problems('journal:\n  segment_byte: 1048576\njurnal: 1\nlog: {Level: info}\n'), [
    '2:3: journal.segment_byte is not a key of journal, which are segment_bytes, spare_segments; ' +
      'the nearest is segment_bytes',
    '3:1: jurnal is not a key of the configuration, which are server, service_locator, data_store, ' +
      'session_start_time, data_directory, durability, engine, checks, journal, limits, market_data, writer, readers, ' +
      'platform, admin, console, log; the nearest is journal',
    '4:7: log.Level is not a key of log, which are level, levels, file, format, file_bytes_max, file_hours_max, keep_files; ' +
      'the nearest is level',
  ])
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.match(problems(`${name}: 1\n`)[0]!, new RegExp(`^1:1: ${name} is not a key of the configuration`))
    assert.match(problems(`log:\n  ${name}: {}\n`)[0]!, new RegExp(`^2:3: log.${name} is not a key of log`))
  }
})

test('what is not allowed is told with line, column, key, and what is', () => {
  const cases: [text: string, problem: string][] = [
    ['durability: sync', '1:13: durability must be one of fsync, os, none, not "sync"'],
    ['durability:', '1:12: durability must be one of fsync, os, none, not nothing'],
    ['log: {level: [info]}', '1:14: log.level must be one of debug, info, warning, error, not a list'],
    ['log: info', '1:6: log must be a map with the keys'],
    ['log:\n  - level: info', '2:3: log must be a map with the keys'],
    ['data_directory: ""', '1:17: data_directory must be a path, not ""'],
    ['data_directory: {a: 1}', '1:17: data_directory must be a path, not a map'],
    [`data_directory: ${'x'.repeat(5000)}`, `1:17: data_directory must be a path, not "${'x'.repeat(60)}…"`],
    [
      'engine:\n  shards: some',
      '2:11: engine.shards must be a whole number of threads from 1 to 64, or auto, not "some"',
    ],
    [
      'engine: {command_ring_bytes: 5_000_000}',
      '1:30: engine.command_ring_bytes must be a whole number of bytes from 65536 to 1073741824, a power of two, ' +
        'not "5_000_000"',
    ],
    [
      'checks: board_lot',
      '1:9: checks must be a list, each entry one of board_lot, buying_power, risk_state, not "board_lot"',
    ],
    ['checks: [board_lot, lot]', '1:21: checks[1] must be one of board_lot, buying_power, risk_state, not "lot"'],
    ['checks:\n  - risk_state\n  - board_lot\n  - risk_state', '4:5: checks[2] stands here twice'],
    [
      'server: {interface: 20700}',
      '1:21: server.interface must be an address as host:port, an IPv6 host in brackets, not "20700"',
    ],
    [
      'session_start_time: 2026-02-30 09:30:00',
      '1:21: session_start_time must be a UTC date-time as 2026-01-30 09:30:00, not "2026-02-30 09:30:00"',
    ],
    ['- durability', '1:1: must be a map with the keys'],
    ['just text', '1:1: must be a map with the keys'],
  ]
  for (const [text, problem] of cases) {
    const found = problems(text)
    assert.equal(found.length, 1, text)
    assert.equal(problem.endsWith('keys') ? found[0]!.slice(0, problem.length) : found[0], problem)
  }
})

test('numbers are whole, plain and decimal', () => {
  for (const number of [
    '1.0',
    '1e3',
    '-1',
    '+1',
    '0x10',
    '"20"',
    '1_0',
    '1_000_',
    'NaN',
    '.inf',
    'true',
    '~',
    '9'.repeat(20),
  ]) {
    assert.equal(problems(`writer: {batch_age_ms: ${number}}`).length, 1, number)
  }
  for (const [number, value] of [
    ['0', 0],
    ['007', 7],
    ['1_000', 1000],
  ] as const) {
    assert.equal(parseConfig(`writer: {batch_age_ms: ${number}}`, 'config.yml').writer.batchAgeMs, value)
  }
})

test('a date-time is UTC, to the microsecond, and exists', () => {
  const time = (text: string) => parseConfig(`session_start_time: ${text}`, 'config.yml').sessionStartTime
  const day = Date.UTC(2026, 0, 30) * 1000
  assert.equal(time('2026-01-30'), day)
  assert.equal(time('2026-01-30T09:30:00Z'), day + 34_200_000_000)
  assert.equal(time('"2026-01-30 09:30:00.25"'), day + 34_200_250_000)
  assert.equal(time('2026-01-30 23:59:59.999999'), day + 86_399_999_999)
  for (const text of [
    '2026-01-30 09:30',
    '2026-01-30 24:00:00',
    '2026-01-30 09:60:00',
    '2026-01-30 09:30:60',
    '2026-13-01',
    '2025-02-29',
    '0026-01-30',
    '2026-01-30 09:30:00+01:00',
    'today',
    '1769765400',
  ]) {
    assert.equal(problems(`session_start_time: ${text}`).length, 1, text)
  }
})

test('an address has a host and a port', () => {
  for (const given of ['host', ':1', 'host:', 'host:65536', 'host:1x', '::1:1', '[::1]', '"a b:1"', '']) {
    assert.equal(problems(`server: {interface: ${given}}`).length, 1, given)
  }
})

test('keys that depend on each other are compared, and the one that was given is named', () => {
  assert.deepEqual(problems('limits:\n  frame_bytes_max: 1048576\n'), [
    '2:3: limits.frame_bytes_max is too much for engine.command_ring_bytes, which would have to be 8388608: ' +
      'it holds 8 of the largest messages',
  ])
  assert.deepEqual(problems('engine:\n  report_ring_bytes: 65536\n'), [
    '2:3: engine.report_ring_bytes must be at least 524288: it holds 8 of the largest messages',
  ])
  assert.deepEqual(problems('engine:\n  live_orders_per_shard_max: 16_000_000\n'), [
    '2:3: engine.live_orders_per_shard_max is too much for engine.cl_ord_ids_per_shard_max, which would have to be ' +
      '16000000: each live order may have an id',
  ])
})

test('pauses between attempts grow', () => {
  assert.deepEqual(problems('writer:\n  retry_longest_ms: 99\n'), [
    '2:3: writer.retry_longest_ms must be at least 100: pauses grow from the one to the other',
  ])
  assert.deepEqual(problems('writer:\n  retry_first_ms: 20_000\n'), [
    '2:3: writer.retry_first_ms is too much for writer.retry_longest_ms, which would have to be 20000: ' +
      'pauses grow from the one to the other',
  ])
})

test('a text that is not YAML is told at its place', () => {
  for (const [text, place] of [
    ['engine:\n  shards: 1\n  shards: 2\n', '3:3'],
    ['engine: {shards: 1\n', '2:1'],
    ['log:\n\tlevel: info\n', '2:1'],
    ['a: &x 1\nb: *x\n', '2:4'],
    ['log: !level info\n', '1:6'],
    ['--- {}\n--- {}\n', '2:1'],
    ['? [log]\n: {}\n', '1:3'],
  ] as const) {
    const found = problems(text)
    assert.deepEqual([found.length, found[0]!.split(': ')[0]], [1, place], text)
  }
})

test('a file is read, and one that is missing is the error of the system', t => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'config-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'config.yml')
  assert.throws(() => loadConfig(file), { code: 'ENOENT' })
  fs.writeFileSync(file, 'durability: none\n')
  assert.equal(loadConfig(file).durability, 'none')
  fs.writeFileSync(file, 'durability: no\n')
  assert.throws(() => loadConfig(file), {
    name: 'ConfigInvalid',
    code: 'CONFIG_INVALID',
    file,
    problems: [{ place: { line: 1, column: 13 }, key: 'durability', what: 'must be one of fsync, os, none, not "no"' }],
  })
})

test('an administrative port that others could reach is refused unless it is meant so', () => {
  const refusal = (place: string) =>
    `${place}: admin.interface can be reached from other machines, and nobody is asked for a password there: give a ` +
    'loopback address as 127.0.0.1:20701, or say admin.reach: network'
  for (const host of ['0.0.0.0', '10.0.0.7', '[::]', '127.0.0.1.example']) {
    assert.deepEqual(problems(`admin:\n  interface: "${host}:1"\n`), [refusal('2:3')], host)
    assert.deepEqual(problems(`admin:\n  interface: "${host}:1"\n  reach: network\n`), [])
    assert.deepEqual(problems(`admin:\n  interface: "${host}:1"\n  http: off\n`), [])
  }
  for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '[::1]']) {
    assert.deepEqual(problems(`admin:\n  interface: "${host}:1"\n`), [], host)
  }
})

test('a console that others could reach is refused unless it is meant so', () => {
  const refusal =
    '2:3: console.interface can be reached from other machines, whose passwords would travel unprotected: give a loopback ' +
    'address as 127.0.0.1:20702, or say console.reach: network and either console.https: on, or let a ' +
    'proxy bring TLS'
  assert.deepEqual(problems('console:\n  interface: 0.0.0.0:1\n'), [refusal])
  assert.deepEqual(problems('console:\n  interface: 0.0.0.0:1\n  reach: network\n'), [])
  assert.deepEqual(problems('console:\n  interface: 0.0.0.0:1\n  http: off\n'), [])
})

test('the certificates of the console are refused where something is missing that they need', t => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-config-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const pem = path.join(folder, 'a.pem')
  fs.writeFileSync(pem, '-----BEGIN CERTIFICATE-----\n')
  const server = `server: {tls: {certificate: a.pem, key: a.key, client_ca: ca.pem}}\n`
  assert.deepEqual(problems('console:\n  https: on\n'), [
    '2:3: console.https needs server.tls.certificate and server.tls.key, with which the page is served',
  ])
  assert.deepEqual(problems('console:\n  https: on\n  http: off\n'), [])
  assert.deepEqual(problems(`${server}console:\n  client_key: ${pem}\n`), [
    '3:3: console.client_key needs client_certificate, to which it belongs',
  ])
  assert.deepEqual(problems(`${server}console:\n  client_certificate: ${pem}\n`), [
    '3:3: console.client_certificate needs client_key, the key that belongs to it',
  ])
  assert.deepEqual(problems(`${server}console:\n  client_certificate: ${pem}\n  http: off\n`), [])
  assert.deepEqual(problems(`console:\n  client_certificate: ${pem}\n  client_key: ${pem}\n`), [
    '2:3: console.client_certificate is of no use without server.tls.client_ca, which asks clients for one',
  ])
  assert.deepEqual(problems(`${server}console:\n  client_certificate: /nowhere.pem\n  client_key: /dev/null\n`), [
    '3:23: console.client_certificate names /nowhere.pem, which cannot be read: ENOENT: no such file or directory, ' +
      "open '/nowhere.pem'",
    '4:15: console.client_key names /dev/null, which holds nothing in PEM form',
  ])
})
