// README.md and docs/ as a newcomer lives them: every command that is shown is run as it is written, every statement of SQL
// is asked, every part of a configuration is read, the program runs. One installation with two databases does for nearly
// all of it. At the end nothing may be left that was not run.

import { deepEqual, equal, match, ok } from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { type Config, parseConfig } from '../../src/config/config.ts'
import { parseRiskConfig } from '../../src/config/risk-config.ts'
import { makeCertificate } from '../end-to-end/certificates.ts'
import { type MariaDb, startMariaDb } from '../stores/mysql/mariadb-server.ts'
import { Newcomer, neverRun, ran, stops, under } from './newcomer.ts'
import { type Piece, piecesOf } from './pages.ts'
import { quietPort } from './quiet-port.ts'

const OPERATIONS = 'docs/operations.md'
const STORAGE = 'docs/storage.md'

const databases: MariaDb[] = [await startMariaDb(), await startMariaDb()]
/** What the pages write, and what stands for it here. Everything else is run to the letter. */
const replacements = new Map([
  ['3306', String(databases[0]!.port)],
  ['3307', String(databases[1]!.port)],
  ['20000', String(await quietPort())],
  ['20600', String(await quietPort())],
  ['20700', String(await quietPort())],
  ['20701', String(await quietPort())],
  ['20702', String(await quietPort())],
  ['/etc/oes', 'certificates'],
  // A new installation makes files for four million events.
  ['byDefault: 64 * MIB', 'byDefault: MIB'],
  ['segment_bytes: 67108864', 'segment_bytes: 1048576'],
])

function newcomer(t: TestContext): Newcomer {
  const somebody = new Newcomer(replacements)
  t.after(() => somebody.leave())
  return somebody
}

/** The one piece that begins so. */
function only(pieces: readonly Piece[], beginning: string): Piece {
  const found = pieces.filter(({ text }) => text.startsWith(beginning))
  deepEqual([beginning, found.length], [beginning, 1])
  return found[0]!
}

test.after(() => Promise.all(databases.map(database => database.stop())))

test('README.md leads from nothing to an order that is filled', async t => {
  const somebody = newcomer(t)
  const [clone, install, serve, ...trade] = under('README.md', 'Start')
  await somebody.runs(clone!)
  await somebody.runs(install!)
  const server = await somebody.starts(serve!, 'order-execution-server')
  const said = []
  for (const piece of trade) said.push(await somebody.runs(piece))
  match(said.at(-1)!, /^Order \d+ is FILLED; 100 bought at [\d.]+ on average\.$/m)
  match(await somebody.does('curl -s http://127.0.0.1:20702'), /<title>/)
  await stops(server)
  const again = await somebody.starts(only(under(OPERATIONS, 'Start and stop'), 'npm start'), 'order-execution-server')
  // What npm makes of an interrupt is its own affair.
  match((await again.interrupt()).err, /"message":"stopped"\}\n$/)
})

test('a newcomer lives by the pages', async t => {
  const somebody = newcomer(t)
  /** Waits until both databases have everything. */
  const storesFollow = async () => {
    const follow = `curl -s http://127.0.0.1:20701/metrics | grep -q '^oes_store_lag{.*} 0$'`
    await somebody.does(`until ${follow}; do sleep 0.1; done`)
  }
  const inInstance = (name: string) => path.join(somebody.home, 'oes', name)

  await t.test('the first day', async () => {
    const page = fs.readFileSync(new URL(`../../${OPERATIONS}`, import.meta.url), 'utf8')
    const [, section] = /\n## The first day\n([\s\S]*?)\n## /.exec(page)!
    const steps = [...section!.matchAll(/^\*\*([^*]+)\.\*\*/gm)].map(([, step]) => step)
    deepEqual(steps, [
      ...['Install', 'Two databases', 'Configure', 'Start', 'Trade', 'Watch', 'Tune', 'Cancel', 'Stop', 'Upgrade'],
    ])
    let out = ''
    for (const piece of under(OPERATIONS, 'The first day')) {
      if (piece.text.startsWith('oes store status')) await storesFollow()
      out += await somebody.runs(piece)
    }
    match(out, /^config\.yml written\.\nconfig\.yml can be used\n# What is in force, from config\.yml/m)
    equal(out.includes('a good password'), false)
    match(
      out,
      /^OrderExecutionServer is running \(pid \d+\), its log is srv_\S+\.log\.\nOrderExecutionServer is running/m,
    )
    match(out, /^Order 2 is FILLED; 100 bought at /m)
    match(out, / ABX\.TSX +LIMIT +1\.00 .*\n.* RY\.TSX .*\n.* TD\.TSX /)
    match(out, /^trading +up \d+ s /m)
    match(out, /"isReady":true/)
    match(out, /^oes_orders_accepted_total\{thread="shard-0"\} \d+$/m)
    match(out, /<title>/)
    match(out, /info main clients are welcome /)
    match(out, /^shard: debug\nlevels as configured$/m)
    for (const { port } of databases) match(out, new RegExp(`127\\.0\\.0\\.1:${port}/orders +up to date`))
    match(out, /^engine:\n +shards: \d+\n/m)
    match(out, /^Order 3: cancel requested\.$/m)
    equal(out.match(/^1 orders matched: 1 canceled, /gm)?.length, 2)
    match(out, /^Trading is halted for .*alice; 0 working orders/m)
    for (const database of databases) {
      equal(String(await database.value('SELECT COUNT(*) FROM orders.submissions')), '5')
    }
    equal(fs.existsSync(inInstance('pid.lock')), false)
    equal(fs.statSync(inInstance('config.yml')).mode & 0o777, 0o600)
    ok(fs.existsSync(inInstance('oes-tune.svg')))
  })

  await t.test('services on their own, apart, and with a feed', async () => {
    const [all, configured, apart] = under(OPERATIONS, 'The platform')
    await somebody.startsAndStops(all!, 'play')
    const [alone, published] = under(OPERATIONS, 'The platform', 'configuration')
    const [recording] = under(OPERATIONS, 'The platform', 'recording')
    somebody.write('apart/platform.yml', somebody.here(published!.text))
    somebody.write('apart/compliance.yml', somebody.here(alone!.text))
    somebody.write('apart/day.csv', recording!.text)
    const services = [await somebody.starts(configured!, 'apart'), await somebody.starts(apart!, 'apart')]
    for (const piece of [alone!, published!, recording!]) ran(piece)
    await somebody.does('cd ~/apart')
    const feed = await somebody.tries(only(under(OPERATIONS, 'The platform'), 'OES_PASSWORD=market_data'), 0)
    match(feed.err, /^3 events were published\.$/m)
    for (const service of services) await stops(service)
  })

  await t.test('a server in the foreground, with a platform of its own', async () => {
    await somebody.startsAndStops(only(under(OPERATIONS, 'Start and stop'), 'oes serve  '), 'play')
  })

  // The installation of the first day once more.
  await somebody.starts(only(under(OPERATIONS, 'The platform'), 'oes platform --config platform.yml'), 'oes')
  await t.test('a server in the foreground, as configured', async () => {
    await somebody.startsAndStops(only(under(OPERATIONS, 'Start and stop'), 'oes serve --config'), 'oes')
  })
  // After a thousand orders of others.
  const directory = new DatabaseSync(inInstance('platform.db'))
  directory.exec('UPDATE uid_counter SET next = 1041')
  directory.close()
  await somebody.does('cd ~/oes && start.sh && oes log-level debug --config config.yml')
  await somebody.does('export OES_USERNAME=administrator OES_PASSWORD=administrator')
  const submits = (who: string, ticker = 'ABX.TSX') =>
    somebody.does(`OES_USERNAME=${who} OES_PASSWORD=${who} oes submit buy 100 ${ticker} --limit 1`)

  await t.test('one order through the log', async () => {
    match(await submits('dave'), /^Order 1042 is NEW; 100 open\.$/m)
    const [show] = under(OPERATIONS, 'The log')
    match(await somebody.runs(show!), /debug shard-0 .* orderId=1042 /)
  })

  await t.test('rules', async () => {
    const said = []
    for (const piece of under('docs/compliance.md', 'By command')) said.push(await somebody.runs(piece))
    deepEqual(said, [
      'There are no rules.\n',
      'Rule 1 is stored.\n',
      'Rule 2 is stored.\n',
      'Rule 2 is stored.\n',
      'There are no violations.\n',
    ])
    match(
      await somebody.does('oes rules list --group north'),
      /^ +2 +PASSIVE .* scope_filter scope=TSX \/ per_account \//m,
    )
  })

  await t.test("the dead-man's switch, by command and by program", async () => {
    const [arm, show, disarm] = under(OPERATIONS, 'When a client falls silent')
    match(await somebody.runs(arm!), /armed/)
    match(await somebody.runs(show!), /armed/)
    match(await somebody.runs(disarm!), /off/)
    const [program] = under(OPERATIONS, 'When a client falls silent', 'program')
    somebody.write(
      'order-execution-server/desk.ts',
      `import { connect } from './src/client/index.ts'
const password = 'alice'
${somebody.here(program!.text)}
console.log(await client.findAccount('alice'))
await client.logout()
`,
    )
    match(
      await somebody.does('~/order-execution-server/node_modules/.bin/node ~/order-execution-server/desk.ts'),
      /alice/,
    )
    ran(program!)
  })

  await t.test('observers, and who changed what', async () => {
    for (const piece of under(OPERATIONS, 'Drop copies')) {
      const said = await somebody.runs(piece)
      if (piece.text.includes(' list ')) equal(said, 'auditor\n')
      else match(said, /^auditor (?:observes|does not observe) /)
    }
    const [changes, violations, requests] = [
      only(under(OPERATIONS, 'The platform'), 'oes changes'),
      only(under(OPERATIONS, 'The platform'), 'oes rules violations'),
      only(under(OPERATIONS, 'The platform'), 'oes limits requests'),
    ]
    const said = await somebody.runs(changes)
    match(said, /administrator +directory +parents +auditor /)
    match(said, /administrator +rules +rule_entry +2 /)
    equal(await somebody.runs(violations), 'There are no violations.\n')
    equal(await somebody.runs(requests), 'There are no requests.\n')
  })

  await t.test('looking at it', async () => {
    const pieces = under(OPERATIONS, 'Looking at it')
    const top = somebody.opens(only(pieces, 'oes top '), { folder: 'oes', isReal: true })
    await top.shows(/shard-0/)
    top.type('q')
    equal((await top.end()).status, 0)
    const watch = somebody.opens(only(pieces, 'oes watch'), { folder: 'oes', as: 'margaret' })
    // It tells nothing until something happens; that it follows, the server knows.
    const follows = `curl -s http://127.0.0.1:20701/metrics | grep -q '^oes_subscriptions{.*} [1-9]'`
    await somebody.does(`until ${follows}; do sleep 0.1; done`)
    await submits('alice')
    await watch.shows(/BID 100 ABX\.TSX LIMIT 1\.00/)
    await watch.interrupt()
    for (const piece of pieces) {
      if (/^oes (top|watch)/.test(piece.text)) continue
      if (piece.text.startsWith('oes store status')) await storesFollow()
      const said = await somebody.runs(piece)
      if (piece.text.startsWith('oes sessions')) match(said, /^ *\d+ +administrator +administrator +127\.0\.0\.1:\d+ /m)
      else if (piece.text.startsWith('oes orders')) match(said, / BID +100 +ABX\.TSX +LIMIT +1\.00 /)
      else if (piece.text.startsWith('oes positions'))
        match(said, /^Account alice: ACTIVE.*\n[\s\S]*^Account bob: ACTIVE/m)
      else if (piece.text.startsWith('oes journal list')) match(said, /shard-0/)
      else if (piece.text.startsWith('oes journal verify')) match(said, /whole/)
      else if (piece.text.startsWith('oes store status')) equal(said.match(/ up to date /g)?.length, 2)
      else if (piece.text.startsWith('oes store verify')) match(said, /^alike /m)
      // It names each of them, and nothing that it has found.
      else equal(said, databases.map(({ port }) => `127.0.0.1:${port}/orders\n`).join(''))
    }
  })

  await t.test('the administrative port, and what collects it', async () => {
    const [health] = under(OPERATIONS, 'The administrative port')
    deepEqual(JSON.parse(await somebody.runs(health!)), { degraded: [] })
    const [prometheus] = under(OPERATIONS, 'The administrative port', 'configuration')
    const { scrape_configs: jobs } = parse(somebody.here(prometheus!.text)) as {
      scrape_configs: { job_name: string; scrape_interval: string; static_configs: { targets: string[] }[] }[]
    }
    const targets = jobs.flatMap(job => job.static_configs.flatMap(each => each.targets))
    for (const target of targets) {
      // It asks under this path unless told otherwise.
      match(await somebody.does(`curl -sf http://${target}/metrics`), /^oes_ready\{thread="main"\} 1$/m)
    }
    ran(prometheus!)
  })

  await t.test('bulk cancel', async () => {
    for (const who of ['alice', 'bob', 'carol']) await submits(who)
    const summaries = []
    for (const piece of under(OPERATIONS, 'Bulk cancel')) {
      summaries.push(/^\d+ orders .*$/m.exec(await somebody.runs(piece))?.[0])
    }
    deepEqual(summaries, [
      '6 orders match; nothing was canceled.',
      // Of another day.
      '0 orders matched: 0 canceled, 0 already done, 0 refused, 0 unanswered.',
      '3 orders matched: 3 canceled, 0 already done, 0 refused, 0 unanswered.',
      '2 orders matched: 2 canceled, 0 already done, 0 refused, 0 unanswered.',
      '1 orders matched: 1 canceled, 0 already done, 0 refused, 0 unanswered.',
    ])
  })

  await t.test('the risk server', async () => {
    const pieces = [...under('docs/risk.md', 'Risk'), ...under('docs/risk.md', 'The day roll')]
    somebody.write('risk/risk.yml', 'log: {level: info}\n')
    await somebody.startsAndStops(only(pieces, 'oes risk-server --config'), 'risk')
    const server = await somebody.starts(only(pieces, 'oes risk-server  '), 'risk')
    equal(await somebody.runs(only(pieces, 'oes risk reset')), 'Results of TSX begin again at zero.\n')
    match(await somebody.does('oes risk states alice'), /^alice +ACTIVE/m)
    match(await somebody.does('oes risk portfolio alice'), /^Account alice: ACTIVE\n.*\nABX\.TSX /)
    match(await somebody.does('oes risk export alice'), /^"?Account"?,.*\n"alice","ABX\.TSX",.*"Long",100,/m)
    await stops(server)
  })

  await t.test('questions to a database', async () => {
    await storesFollow()
    const statements = piecesOf(STORAGE).filter(({ kind }) => kind === 'sql')
    const answers = []
    const connection = await databases[0]!.connect('orders')
    try {
      for (const piece of statements) {
        answers.push(await connection.query(piece.text))
        ran(piece)
      }
    } finally {
      connection.destroy()
    }
    const [traded, open, rejected, positions, reports] = answers
    deepEqual(
      traded!.map(({ symbol, venue, side, executions, quantity }) => [symbol, venue, side, executions, quantity]),
      [['ABX', 'XTSE', 1, 1, '100.000000']],
    )
    deepEqual([open, rejected], [[], []])
    deepEqual(
      positions!.map(({ journal }) => journal),
      ['shard-0'],
    )
    const sequences = reports!.map(({ query_sequence: sequence }) => sequence)
    ok(sequences.length > 15)
    deepEqual(
      sequences,
      sequences.map((_, index) => index + 1),
    )
  })

  await t.test('the kill switch', async () => {
    await submits('carol')
    const said = []
    for (const piece of under(OPERATIONS, 'The kill switch')) said.push(await somebody.runs(piece))
    const [account, group, destination, all, list, lifted] = said
    deepEqual(
      [account, group, destination, all, lifted],
      [
        'Trading is halted for account alice; 0 working orders were canceled.\n',
        'Trading is halted for group north; 1 working orders were canceled.\n',
        'Trading is halted for destination TSX; 0 working orders were canceled.\n',
        'Trading is halted for everybody; 0 working orders were canceled.\n',
        'Trading goes on for everybody.\n',
      ],
    )
    equal(list!.match(/ administrator +20/g)?.length, 4)
  })

  await somebody.does('stop.sh')
  await t.test('stores are looked after', async () => {
    const pieces = under(STORAGE, 'Looking after stores')
    for (const piece of pieces) {
      if (!piece.text.startsWith('oes store rebuild')) await somebody.runs(piece)
      else {
        const rebuild = somebody.opens(piece, { folder: 'oes', isReal: true })
        await rebuild.shows(/Write yes to go on/)
        rebuild.type('yes\n')
        equal((await rebuild.end()).status, 0, rebuild.out)
      }
    }
  })

  await t.test('a new machine takes over what the stores have', async () => {
    fs.renameSync(inInstance('data'), inInstance('data.lost'))
    await somebody.startsAndStops(under(STORAGE, 'A new machine')[0]!, 'oes')
  })

  await t.test('encryption', async () => {
    const heading = 'Who may connect, and encryption'
    const [section] = under(OPERATIONS, heading, 'configuration')
    const folder = path.join(somebody.home, 'tls')
    const certificates = path.join(folder, 'certificates')
    fs.mkdirSync(certificates, { recursive: true })
    const authority = makeCertificate(folder, 'authority')
    fs.copyFileSync(authority.certificate, path.join(certificates, 'clients.pem'))
    makeCertificate(certificates, 'server', authority)
    makeCertificate(folder, 'alice', authority)
    somebody.write('tls/config.yml', `${somebody.here(section!.text)}\nplatform: {port: 0}\n`)
    const server = await somebody.starts(only(under(OPERATIONS, 'Start and stop'), 'oes serve --config'), 'tls')
    ran(section!)
    await somebody.does('cd ~/tls && export OES_USERNAME=alice OES_PASSWORD=alice')
    for (const piece of under(OPERATIONS, heading)) {
      const said = await somebody.tries(piece, 0)
      if (piece.text.startsWith('oes ')) equal(said.err, 'No orders.\n')
    }
    await stops(server)
  })
})

/** What a snippet of a page, in its section, comes to. */
function read(text: string): Config {
  return parseConfig(text, 'page')
}

test('the parts of configurations that are shown can be used', t => {
  const [stores] = under(STORAGE, 'Stores', 'configuration')
  deepEqual(
    read(stores!.text).dataStore.map(({ address, username, schema }) => [address.host, address.port, username, schema]),
    [
      ['db1.example', 3306, 'oes', 'oes'],
      ['db2.example', 3306, 'oes', 'oes'],
    ],
  )
  ran(stores!)
  // Three forms of one key.
  const [passwords] = under(OPERATIONS, 'Configuration', 'configuration')
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-passwords-'))
  process.env.OES_PASSWORD_OF_LOCATOR = 'from the environment'
  t.after(() => {
    fs.rmSync(folder, { recursive: true })
    delete process.env.OES_PASSWORD_OF_LOCATOR
  })
  fs.writeFileSync(path.join(folder, 'locator'), 'from a file\n', { mode: 0o600 })
  const found = passwords!.text.split('\n').map(line => {
    const here = line.replace('/run/credentials/oes.service', folder)
    return read(`service_locator:\n  address: 127.0.0.1:20000\n  username: oes\n  ${here}`).serviceLocator?.password
  })
  deepEqual(found, ['in the file itself', 'from the environment', 'from a file'])
  ran(passwords!)
  const authority = makeCertificate(folder, 'authority')
  const own = makeCertificate(folder, 'server', authority)
  const [console] = under('docs/console.md', 'Who gets in', 'configuration')
  const served = read(`${console!.text}\nserver: {tls: {certificate: ${own.certificate}, key: ${own.key}}}`)
  deepEqual([served.console.https, served.console.reach, served.console.interface.port], ['on', 'network', 20_702])
  ran(console!)
  makeCertificate(folder, 'risk', authority)
  const [risk] = under('docs/risk.md', 'Configuration', 'configuration')
  const { orderExecutionTls } = parseRiskConfig(risk!.text.replaceAll('/etc/oes', folder), 'page')
  deepEqual(orderExecutionTls.certificate, path.join(folder, 'risk.pem'))
  ran(risk!)
})

test('nothing is shown that nobody has run', () => {
  deepEqual(neverRun(), [])
})
