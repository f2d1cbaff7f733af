import { deepEqual, equal, match } from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { listSegments } from '../../src/journal/segment.ts'
import { writeInstallation } from '../../src/stores/installation.ts'
import { MYSQL_SCHEMA_VERSION } from '../../src/stores/mysql/schema.ts'
import { bareOes, type Finished, start } from '../cli/command.ts'
import { Random, writeJournal } from '../stores/generated-history.ts'
import { type MariaDb, newSchema, startMariaDb } from '../stores/mysql/mariadb-server.ts'
import { embeddedStore, fill, healthyHistory, mysqlStore, type TestStore, temporaryFolder } from './healthy-history.ts'

const OWNER = '5f6f6c1e-0d3c-4be0-9a67-7f6f0a2f2a11'
const folder = temporaryFolder()
let server: MariaDb
before(async () => {
  server = await startMariaDb()
})
after(async () => {
  await server.stop()
  fs.rmSync(folder, { recursive: true })
})

const entries = healthyHistory(new Random(71), { accounts: [1, 2], events: 600 })

interface Installed {
  readonly config: string
  readonly data: string
  readonly stores: readonly TestStore[]
}

let made = 0
/** A data directory with one journal, and a configuration beside it with two MySQL stores, or the embedded one. */
async function installed(kind: 'mysql' | 'embedded'): Promise<Installed> {
  const root = path.join(folder, `installed-${++made}`)
  const data = path.join(root, 'data')
  fs.mkdirSync(data, { recursive: true })
  writeInstallation(data, { id: OWNER, journals: ['shard-0'], begins: {} })
  writeJournal(path.join(data, 'journal', 'shard-0'), entries, new Random(made))
  const config = path.join(root, 'config.yml')
  const stores =
    kind === 'embedded'
      ? [embeddedStore(path.join(data, 'store.db'))]
      : [mysqlStore(server, newSchema()), mysqlStore(server, newSchema())]
  for (const store of stores) await fill(store, entries, { owner: OWNER })
  const sections = stores.flatMap(({ endpoint }) =>
    endpoint.kind === 'embedded'
      ? []
      : [
          `  - address: 127.0.0.1:${endpoint.port}`,
          `    username: ${endpoint.username}`,
          `    password: ${JSON.stringify(endpoint.password)}`,
          `    schema: ${endpoint.schema}`,
        ],
  )
  const lists = sections.length === 0 ? [] : ['data_store:', ...sections]
  fs.writeFileSync(config, [`data_directory: ${data}`, ...lists, ''].join('\n'))
  return { config, data, stores }
}

const plain = ({ status, out, err }: Finished) => ({ status, lines: out.split('\n').slice(0, -1), err })

test('status shows each store beside the journals, and what to do about one that lacks what they do not hold', async () => {
  const { config, data, stores } = await installed('mysql')
  const names = stores.map(({ endpoint }) => endpoint.name)
  const { status, out } = await bareOes('store', 'status', '--config', config, '--json')
  equal(status, 0)
  const journals = [{ journal: 'shard-0', first: 1, last: 600, stored: 600 }]
  deepEqual(
    out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
    names.map(store => ({
      store,
      state: 'up to date',
      lagRecords: 0,
      setAside: 0,
      schemaVersion: MYSQL_SCHEMA_VERSION,
      owner: OWNER,
      journals,
    })),
  )

  await stores[0]!.run('UPDATE journal_positions SET sequence = 590')
  await stores[1]!.run('UPDATE journal_positions SET sequence = 2')
  for (const { file } of listSegments(path.join(data, 'journal', 'shard-0')).slice(0, -1)) fs.rmSync(file)
  const told = await bareOes('store', 'status', '--config', config)
  equal(told.status, 1)
  match(told.out, new RegExp(`${names[0]} +behind +10 `))
  match(told.out, new RegExp(`${names[1]} +needs rebuild +598 `))
  match(told.out, /JOURNAL +FIRST +LAST/)
  match(told.err, new RegExp(`oes store rebuild ${names[1]}`))

  await stores[0]!.run("UPDATE store_owner SET installation = 'other'")
  match((await bareOes('store', 'status', '--config', config)).out, /refused[\s\S]*belongs to installation other/)
  fs.writeFileSync(config, fs.readFileSync(config, 'utf8').replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1'))
  match((await bareOes('store', 'status', '--config', config)).out, /127\.0\.0\.1:1\/\w+ +away +\?/)
})

test('verify tells stores that are alike from stores that are not, and rebuild makes them alike again', async () => {
  const { config, stores } = await installed('mysql')
  const [first, second] = stores.map(({ endpoint }) => endpoint.name)
  const alike = await bareOes('store', 'verify', '--config', config)
  deepEqual([alike.status, alike.err], [0, ''])
  match(
    alike.out,
    new RegExp(`^alike {2}2 accounts, \\d+ orders, \\d+ reports in ${first}, ${second} and the journals\n$`),
  )

  await stores[1]!.run('UPDATE submissions SET destination = "NOWHERE" WHERE account = 1 AND query_sequence = 1')
  const { status, lines } = plain(await bareOes('store', 'verify', '--config', config))
  equal(status, 1)
  match(lines[0]!, /^differs {2}account 1, 2026-01-30$/)
  deepEqual(
    lines.slice(1, 4).map(line => /^ {2}[0-9a-f]{32} {2}(.*): \d+ orders, \d+ reports$/.exec(line)![1]),
    [first, second, 'journals'],
  )
  match(
    lines[4]!,
    new RegExp(
      `submissions order_id \\d+ of account 1: destination is TSX in ${first}, NOWHERE in ${second}, TSX in journals`,
    ),
  )
  match(lines[5]!, /^different {2}1 of 2 accounts/)

  const unasked = await bareOes('store', 'rebuild', second!, '--config', config)
  deepEqual([unasked.status, unasked.out], [2, ''])
  match(unasked.err, /empties all tables[\s\S]*--yes/)
  const rebuilt = await bareOes('store', 'rebuild', '2', '--config', config, '--yes')
  equal(rebuilt.status, 0)
  match(rebuilt.out, new RegExp(`^rebuilt {2}${second} from ${first}: \\d+ events\\.\n$`))
  equal((await bareOes('store', 'verify', '--config', config)).status, 0)

  const built = await bareOes('store', 'rebuild', first!, '--from', 'journals', '--config', config, '--yes', '--json')
  deepEqual(JSON.parse(built.out), { store: first, from: 'the journals', events: 600, isResumed: false })
  equal((await bareOes('store', 'verify', '--config', config)).status, 0)
  equal((await bareOes('store', 'status', '--config', config)).status, 0)
  equal((await bareOes('store', 'audit', '--config', config)).status, 0)
})

test('a rebuild from journals that begin late is refused', async () => {
  const { config, data, stores } = await installed('mysql')
  for (const { file } of listSegments(path.join(data, 'journal', 'shard-0')).slice(0, -1)) fs.rmSync(file)
  const flags = ['--config', config, '--yes']
  const refused = await bareOes('store', 'rebuild', '1', '--from', 'journals', ...flags)
  equal(refused.status, 1)
  match(refused.err, /do not reach back to their first entries \(shard-0\)[\s\S]*Use --from /)
  match((await bareOes('store', 'rebuild', 'nowhere', ...flags)).err, /no endpoint 'nowhere'/)
  equal((await stores[0]!.rows('SELECT 1 FROM submissions')).length > 0, true)
})

test('audit tells findings by check, or as JSON lines, and endpoints that differ', async () => {
  const { config, stores } = await installed('mysql')
  const [first, second] = stores.map(({ endpoint }) => endpoint.name)
  await stores[1]!.run('UPDATE submissions SET side = -1 WHERE account = 1 AND query_sequence <= 3')
  const { status, lines } = plain(await bareOes('store', 'audit', '-c', config, '-l', '2'))
  equal(status, 1)
  deepEqual(lines.slice(0, 3), [first, second, 'submission_without_side: 3'])
  match(lines[3]!, /^ {2}order_id=\d+, side=-1$/)
  equal(lines[5], '  ... 1 more')
  match(lines[6]!, /^endpoints_differ: \d$/)
  equal(
    plain(await bareOes('store', 'audit', '-c', config, '-l', '0')).lines.filter(line => / side=-1$/.test(line)).length,
    3,
  )

  const file = path.join(folder, 'findings.jsonl')
  deepEqual(await bareOes('store', 'audit', '-c', config, '-j', file), { status: 1, out: '', err: '' })
  const found = fs
    .readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  const { key, ...rest } = found[0]
  deepEqual(rest, { check: 'submission_without_side', table: 'submissions', values: { side: -1 }, endpoint: second })
  deepEqual(Object.keys(key), ['order_id'])
  deepEqual(Object.keys(found.at(-1)), ['check', 'table', 'key', 'values'])
  deepEqual(Object.keys(found.at(-1).key), ['account', 'day'])
  equal((await bareOes('store', 'audit', '-c', config, '-j', '-')).out, fs.readFileSync(file, 'utf8'))
  equal((await bareOes('store', 'audit', '-c', config, '-a', '2')).status, 0)
})

test('the embedded store is audited, verified and shown too', async () => {
  const { config, stores } = await installed('embedded')
  const whole = await bareOes('store', 'audit', '--config', config)
  deepEqual(whole, { status: 0, out: '', err: '' })
  match((await bareOes('store', 'verify', '--config', config)).out, /^alike .* in embedded and the journals\n$/)
  match((await bareOes('store', 'status', '--config', config)).out, /embedded +up to date +0 /)
  await stores[0]!.run(
    'UPDATE execution_reports SET commission = 9223372036854775807 WHERE order_id = 1 AND sequence = 0',
  )
  const { status, out } = await bareOes('store', 'audit', '--config', config, '--json', '-')
  equal(status, 1)
  equal(
    out,
    '{"check":"unreadable_value_execution_reports_commission","table":"execution_reports",' +
      '"key":{"order_id":1,"sequence":0},"values":{"commission":9223372036854776000},"bits":4890909195324358656}\n',
  )
  match((await bareOes('store', 'rebuild', 'embedded', '--config', config, '--yes')).err, /no other store/)
})

test('validate_data_store.sh audits the configuration of the folder it is called from', async () => {
  const script = fileURLToPath(new URL('../../scripts/validate_data_store.sh', import.meta.url))
  const { config } = await installed('embedded')
  const environment = { PATH: process.env.PATH ?? '' }
  deepEqual(await start(script, [], environment, path.dirname(config)).finished, { status: 0, out: '', err: '' })
  const lost = await start(script, [], environment, folder).finished
  deepEqual([lost.status, lost.out], [1, ''])
  match(lost.err, /config\.yml cannot be read/)
  fs.appendFileSync(config, 'nonsense: 1\n')
  equal((await start(script, ['-c', config], environment, folder).finished).status, 1)
})
