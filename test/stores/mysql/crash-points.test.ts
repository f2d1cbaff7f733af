// The writer is killed between every two of its steps, and its connection is cut there; then it runs again, and no row is
// missing or double. A step is whatever it asks of the server, from the first packet of the first connection, when there
// is no schema yet, to the last COMMIT. A seeded choice of the steps is tried, with OES_CRASH_POINTS=all every one.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { JournalReader } from '../../../src/journal/journal-reader.ts'
import { Kind } from '../../../src/protocol/kinds.ts'
import { EventBatch } from '../../../src/stores/event-batch.ts'
import type { JournalSource } from '../../../src/writer/store-session.ts'
import { generateHistory, Random, temporaryFolder, writeJournal } from '../generated-history.ts'
import { openStore, storeFolder } from '../store-folder.ts'
import { type CopyPlan, copyJournals } from './copy-journals.ts'
import { type MariaDb, newSchema, startMariaDb } from './mariadb-server.ts'
import { NO_STATEMENT, StatementProxy, type Strike } from './statement-proxy.ts'
import { type StoreTables, tablesOfEmbedded, tablesOfMysql } from './store-tables.ts'

const COPY = fileURLToPath(new URL('copy-journals.ts', import.meta.url))
const SEED = 7
const KILLS = 10
const CUTS = 24
const BATCH_ROWS = 30

let mariaDb: MariaDb
before(async () => {
  // Nothing here depends on the disk: it is the writer that dies, not the server.
  mariaDb = await startMariaDb({ args: ['--innodb-flush-log-at-trx-commit=2', '--innodb-flush-method=nosync'] })
})
after(() => mariaDb?.stop())

/** Two journals, with entries that nobody can read and one that is there twice. */
function makeJournals(t: TestContext): JournalSource[] {
  const folder = temporaryFolder(t)
  const random = new Random(SEED)
  return [0, 1].map(shard => {
    const accounts = [10 * shard + 1, 10 * shard + 2]
    const made = generateHistory(random, {
      accounts,
      events: 75,
      snapshots: true,
      firstOrderId: 1_000 + 10_000 * shard,
    })
    const twice = made.findIndex(({ event }) => event.kind === Kind.OrderAccepted)
    made.splice(40, 0, made[twice]!)
    const broken = Buffer.from(made[50]!.body)
    broken[23] = 0xc1 // no msgpack
    made.splice(50, 0, { ...made[50]!, body: broken })
    const directory = path.join(folder, `shard-${shard}`)
    writeJournal(directory, made, random)
    return { name: `shard-${shard}`, directory }
  })
}

/** What the embedded store makes of the same journals. */
async function twinOf(t: TestContext, journals: readonly JournalSource[]): Promise<StoreTables> {
  const folder = storeFolder(t)
  const store = openStore(folder)
  for (const { name, directory } of journals) {
    const batch = new EventBatch(1_000)
    batch.begin(name)
    const reader = JournalReader.open(directory, 1)
    const take = (sequence: number, bytes: Buffer, offset: number, length: number) =>
      batch.add(sequence, bytes, offset, length)
    while (reader.read(take, { entriesMax: 100 }) > 0);
    reader.close()
    await store.apply(batch)
  }
  await store.claim('ours')
  await store.close()
  return tablesOfEmbedded(folder.storeFile)
}

async function tablesOf(schema: string): Promise<StoreTables> {
  const connection = await mariaDb.connect(schema)
  const tables = await tablesOfMysql(connection)
  await connection.close()
  return tables
}

function planOf(journals: readonly JournalSource[], schema: string, port = mariaDb.port): CopyPlan {
  return { endpoint: mariaDb.endpoint(schema, port), journals, batchRowsMax: BATCH_ROWS }
}

/** Every step of a run that nobody disturbs. */
async function stepsOf(journals: readonly JournalSource[], expected: StoreTables): Promise<string[]> {
  const schema = newSchema()
  const proxy = await StatementProxy.open(mariaDb.port)
  await copyJournals(planOf(journals, schema, proxy.port))
  await proxy.close()
  assert.deepEqual(await tablesOf(schema), expected)
  await mariaDb.query(`DROP DATABASE ${schema}`)
  // The goodbye at the end is nothing that anybody waits for.
  return proxy.sent.filter((step, index) => step !== NO_STATEMENT || index === 0 || index + 1 < proxy.sent.length)
}

type Moment = Omit<Strike, 'act'>

/** Moments of a run with these steps: those around each COMMIT of the last batch and others by chance, or all. */
function momentsOf(steps: readonly string[], count: number): Moment[] {
  const all = steps.flatMap((_, packet) => [
    { packet, isAnswered: false },
    { packet, isAnswered: true },
  ])
  if (process.env.OES_CRASH_POINTS === 'all') return all
  const random = new Random(SEED)
  const commits = all.filter(({ packet }) => steps[packet] === 'COMMIT').slice(-2)
  return [...commits, ...Array.from({ length: count - commits.length }, () => random.of(all))]
}

const told = (steps: readonly string[], { packet, isAnswered }: Moment) =>
  `${isAnswered ? 'after' : 'before'} step ${packet} (${steps[packet]})`

test('a connection that is cut at any step costs nothing and doubles nothing', async t => {
  const journals = makeJournals(t)
  const expected = await twinOf(t, journals)
  const steps = await stepsOf(journals, expected)
  assert.ok(steps.filter(step => step === 'COMMIT').length >= 7, steps.join('\n'))
  for (const strike of momentsOf(steps, CUTS)) {
    const schema = newSchema()
    const proxy = await StatementProxy.open(mariaDb.port, { ...strike, act: async () => undefined })
    await copyJournals(planOf(journals, schema, proxy.port))
    await proxy.close()
    assert.ok(proxy.hasStruck, `cut ${told(steps, strike)}`)
    assert.deepEqual(await tablesOf(schema), expected, `cut ${told(steps, strike)}`)
    await mariaDb.query(`DROP DATABASE ${schema}`)
  }
})

test('a writer that is killed at any step goes on where it was', async t => {
  const journals = makeJournals(t)
  const expected = await twinOf(t, journals)
  const steps = await stepsOf(journals, expected)
  for (const strike of momentsOf(steps, KILLS)) {
    const schema = newSchema()
    let kill: () => Promise<void> = () => Promise.resolve()
    const proxy = await StatementProxy.open(mariaDb.port, { ...strike, act: () => kill() })
    const child = spawn(process.execPath, [COPY, JSON.stringify(planOf(journals, schema, proxy.port))], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const ended = once(child, 'exit')
    kill = async () => {
      child.kill('SIGKILL')
      await ended
    }
    const [, signal] = await ended
    await proxy.close()
    assert.equal(signal, 'SIGKILL', `killed ${told(steps, strike)}`)
    await copyJournals(planOf(journals, schema))
    assert.deepEqual(await tablesOf(schema), expected, `killed ${told(steps, strike)}`)
    await mariaDb.query(`DROP DATABASE ${schema}`)
  }
})
