// The writer over real servers, which are killed, paused and brought back while it copies.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { after, before, type TestContext, test } from 'node:test'
import type { JournalWriter } from '../../src/journal/journal-writer.ts'
import { listSegments } from '../../src/journal/segment.ts'
import { LANE_BYTES, Metric } from '../../src/metrics/catalogue.ts'
import { Lane } from '../../src/shared-memory/lanes.ts'
import { StoreState } from '../../src/shared-memory/writer-shared.ts'
import { readInstallation } from '../../src/stores/installation.ts'
import { openStore } from '../../src/stores/open-store.ts'
import type { MysqlEndpoint } from '../../src/stores/store-endpoint.ts'
import { appendEntries, definitions, type Entry, generateHistory, Random } from '../stores/generated-history.ts'
import { type MariaDb, newSchema, startMariaDb } from '../stores/mysql/mariadb-server.ts'
import { type StoreFolder, storeFolder } from '../stores/store-folder.ts'
import { embeddedLines, linesOf, openJournal, REPORTS, reportLines } from './journaled.ts'
import { RunningWriter, type WriterSettings, writerOptions } from './running-writer.ts'

let servers: MariaDb[] = []
before(async () => {
  servers = await Promise.all([startMariaDb(), startMariaDb()])
})
after(async () => {
  await Promise.all(servers.map(server => server.stop()))
})

const { Away, Following, NeedsRebuild, Refused, Unused } = StoreState

/** A schema of its own in each server, with time limits that a test can wait for. */
function endpoints(...which: MariaDb[]): MysqlEndpoint[] {
  return which.map(server => ({ ...server.endpoint(newSchema()), connectTimeoutMs: 500, statementTimeoutMs: 1_500 }))
}

async function linesIn(server: MariaDb, { schema }: MysqlEndpoint): Promise<string[]> {
  return linesOf(await server.query(REPORTS.replace('execution_reports', `${schema}.execution_reports`)))
}

/** A journal that grows as a shard's does. */
class Growing {
  readonly folder: StoreFolder
  readonly entries: Entry[]
  readonly #random: Random
  readonly #t: TestContext
  journal: JournalWriter
  written: number

  constructor(t: TestContext, seed: number, events: number, firstSequence = 1) {
    this.#t = t
    this.folder = storeFolder(t)
    this.#random = new Random(seed)
    this.entries = generateHistory(this.#random, { accounts: [1, 2, 3], events, snapshots: true })
    this.journal = openJournal(this.folder, 'shard-0', firstSequence)
    this.written = firstSequence - 1
    t.after(() => this.journal.close())
  }

  /** Appends the entries up to that one, and publishes them. */
  append(until: number, ...writers: RunningWriter[]): void {
    appendEntries(this.journal, this.entries.slice(this.written, until), this.#random)
    this.written = until
    for (const writer of writers) writer.shared.publishDurable(0, until + 1)
  }

  start(stores: readonly MysqlEndpoint[], settings: WriterSettings = {}, isApart = false): RunningWriter {
    const writer = new RunningWriter(this.#t, writerOptions(this.folder, { stores, ...settings }), isApart)
    writer.shared.publishDurable(0, this.written + 1)
    return writer
  }

  get lines(): string[] {
    return reportLines(this.entries.slice(0, this.written))
  }

  get segments(): number {
    return listSegments(this.folder.journal('shard-0')).length
  }
}

test('a store that is away from the start keeps nobody waiting, holds the journals, and catches up by itself', async t => {
  const [first, second] = servers as [MariaDb, MariaDb]
  const stores = endpoints(first, second)
  const grown = new Growing(t, 41, 1_200)
  grown.append(300)
  second.kill('SIGKILL')
  await second.ended
  const writer = grown.start(stores)
  assert.equal(await writer.shared.caughtUp(), 0)
  await writer.reaches(1, Away)
  assert.deepEqual(writer.shared.storesToTry(0), [0, 1])
  grown.append(900, writer)
  await writer.stores(900)
  const held = grown.segments
  assert.ok(held > 5)
  await second.restart()
  await writer.reaches(1, Following)
  grown.append(1_200, writer)
  await writer.stores(1_200, 1)
  await writer.until(shared => shared.confirmed(0) === 1_200 && grown.segments === 1)
  await writer.stop()
  assert.deepEqual(await linesIn(first, stores[0]!), grown.lines)
  assert.deepEqual(await linesIn(second, stores[1]!), grown.lines)
})

test('a store that is killed while it is written has every entry once when it is back', async t => {
  const [first, second] = servers as [MariaDb, MariaDb]
  const stores = endpoints(first, second)
  const grown = new Growing(t, 42, 2_000)
  const options = writerOptions(grown.folder, { stores })
  const writer = new RunningWriter(t, options)
  writer.shared.publishDurable(0, 1)
  await writer.shared.caughtUp()
  await writer.reaches(0, Following)
  for (let round = 1; round <= 4; round++) {
    grown.append(round * 500, writer)
    await writer.until(shared => shared.stored(0, 0) > (round - 1) * 500)
    first.kill('SIGKILL')
    await writer.stores(round * 500, 1)
    await first.restart('SIGKILL')
  }
  await writer.stores(2_000)
  await writer.stop()
  assert.deepEqual(await linesIn(first, stores[0]!), grown.lines)
  assert.deepEqual(await linesIn(second, stores[1]!), grown.lines)
  const lane = new Lane(options.lanes, 1, LANE_BYTES)
  assert.ok(lane.value(Metric.StoreFailures) > 0)
  assert.deepEqual([lane.value(Metric.StoreLagRecords), lane.value(Metric.StoreLagSeconds)], [0, 0])
})

test('a store that hangs does not hold the other, nor the end; the next start goes on', async t => {
  const [first, second] = servers as [MariaDb, MariaDb]
  const stores = endpoints(first, second)
  const grown = new Growing(t, 43, 900)
  const writer = grown.start(stores)
  await writer.reaches(0, Following)
  await writer.reaches(1, Following)
  first.pause()
  try {
    grown.append(600, writer)
    await writer.stores(600, 1)
    await writer.reaches(0, Away)
    assert.ok(writer.shared.lag(0, 0).records > 0)
    await writer.stop()
    // Neither does it hold a start, where another store answers.
    const meanwhile = grown.start(stores)
    assert.equal(await meanwhile.shared.caughtUp(), 1)
    await meanwhile.reaches(0, Away)
    await meanwhile.stop()
    const bare = new RunningWriter(t, writerOptions(storeFolder(t), { stores: [stores[0]!, ...endpoints(second)] }))
    assert.equal(await bare.shared.caughtUp(), 1)
    await bare.stop()
  } finally {
    first.resume()
  }
  const again = grown.start(stores)
  await again.shared.caughtUp()
  grown.append(900, again)
  await again.stop()
  assert.deepEqual(await linesIn(first, stores[0]!), grown.lines)
  assert.deepEqual(await linesIn(second, stores[1]!), grown.lines)
})

test('a new store that the journals cannot fill any more needs a rebuild; another owner is refused; neither stops the rest', async t => {
  const [first, second] = servers as [MariaDb, MariaDb]
  const stores = endpoints(first, second, second)
  const grown = new Growing(t, 44, 800)
  grown.append(700)
  const alone = grown.start(stores.slice(0, 1))
  await alone.stores(700)
  await alone.until(() => grown.segments === 1)
  await alone.stop()

  const stranger = await openStore(stores[2]!, { definitions })
  await stranger.claim('another installation')
  await stranger.close()
  const writer = grown.start(stores)
  await writer.reaches(1, NeedsRebuild)
  await writer.reaches(2, Refused)
  await writer.reaches(0, Following)
  grown.append(800, writer)
  await writer.until(shared => shared.confirmed(0) === 800)
  assert.deepEqual(writer.shared.storesToTry(0), [0])
  await writer.stop()
  assert.deepEqual(await linesIn(first, stores[0]!), grown.lines)
  assert.deepEqual(await linesIn(second, stores[2]!), [])

  await assert.rejects(grown.start(stores.slice(1)).ended, {
    name: 'StartRefused',
    message: /^No store can be used, .*another installation/,
  })
})

test('where no store answers the journals serve, as long as they reach back; then a store that is back takes over', async t => {
  const [first, second] = servers as [MariaDb, MariaDb]
  const stores = endpoints(first, second)
  const grown = new Growing(t, 45, 1_000)
  for (const server of servers) server.kill('SIGKILL')
  await Promise.all(servers.map(server => server.ended))

  const unbegun = storeFolder(t)
  await assert.rejects(new RunningWriter(t, writerOptions(unbegun, { stores, hasStandIn: true })).ended, {
    name: 'StartRefused',
    message: /^No store can be used, and .* has no journals/,
  })

  grown.append(400)
  const options = writerOptions(grown.folder, { stores, hasStandIn: true })
  const writer = new RunningWriter(t, options)
  assert.equal(await writer.shared.caughtUp(), 2)
  assert.deepEqual(embeddedLines(options.standInFile!), grown.lines)
  assert.deepEqual(writer.shared.storesToTry(0)[0], 2)
  grown.append(600, writer)
  await writer.stores(600, 2)
  assert.equal(writer.shared.confirmed(0), 0)
  await first.restart()
  await writer.reaches(0, Following)
  await writer.reaches(2, Unused)
  grown.append(1_000, writer)
  await writer.stores(1_000)
  await writer.stop()
  assert.equal(fs.existsSync(options.standInFile!), false)
  assert.deepEqual(await linesIn(first, stores[0]!), grown.lines)

  // The journals are trimmed, and alone they do not hold everything any more.
  const trimmed = grown.start(stores.slice(0, 1))
  await trimmed.until(() => grown.segments === 1)
  await trimmed.stop()
  first.kill('SIGKILL')
  await first.ended
  await assert.rejects(grown.start(stores, { hasStandIn: true }).ended, {
    name: 'StartRefused',
    message: /^No store answers, and the journals alone do not hold everything/,
  })
  await first.restart()
  await second.restart()
})

test('a new machine goes on from the store that is ahead, once it is told to; the other one needs a rebuild', async t => {
  const [first, second] = servers as [MariaDb, MariaDb]
  const stores = endpoints(first, second)
  const old = new Growing(t, 46, 900)
  old.append(300)
  const both = old.start(stores)
  await both.stores(300, 1)
  await both.stop()
  old.append(500)
  const one = old.start(stores.slice(0, 1))
  await one.stores(500)
  await one.stop()
  const { id } = readInstallation(old.folder.journal('.'))!

  const folder = storeFolder(t)
  await assert.rejects(new RunningWriter(t, writerOptions(folder, { stores })).ended, {
    name: 'StartRefused',
    message: new RegExp(`holds the orders of installation ${id}, .*--adopt-store`),
  })
  assert.equal(fs.existsSync(`${folder.journal('.')}/installation`), false)

  const adopting = new RunningWriter(t, writerOptions(folder, { stores, adoptsStore: true }))
  assert.equal(await adopting.shared.caughtUp(), 0)
  assert.equal(adopting.shared.beginning(0), 501)
  await adopting.reaches(1, NeedsRebuild)
  const random = new Random(4)
  const journal = openJournal(folder, 'shard-0', adopting.shared.beginning(0))
  t.after(() => journal.close())
  assert.equal(journal.nextSequence, 501)
  adopting.shared.publishDurable(0, 501)
  appendEntries(journal, old.entries.slice(500), random)
  adopting.shared.publishDurable(0, 901)
  await adopting.stop()
  assert.deepEqual(await linesIn(first, stores[0]!), reportLines(old.entries))
  assert.notEqual(readInstallation(folder.journal('.'))!.id, id)

  // The old machine is not let in any more.
  await assert.rejects(old.start(stores).ended, /another installation/)
})

test('a writer that is ended anywhere and started again leaves every entry in every store once', async t => {
  const [first, second] = servers as [MariaDb, MariaDb]
  const stores = endpoints(first, second)
  const grown = new Growing(t, 47, 3_000)
  for (let run = 1; run <= 6; run++) {
    const writer = grown.start(stores, { batchRowsMax: 20 }, true)
    grown.append(run * 500, writer)
    await writer.until(shared => shared.stored(0, run % 2) > (run - 1) * 500 + 60 * run)
    await writer.kill()
  }
  const last = grown.start(stores)
  await last.shared.caughtUp()
  await last.stop()
  assert.deepEqual(await linesIn(first, stores[0]!), grown.lines)
  assert.deepEqual(await linesIn(second, stores[1]!), grown.lines)
})

test('two endpoints of one database, as of a cluster, have every entry once', async t => {
  const [first] = servers as [MariaDb, MariaDb]
  const [one] = endpoints(first)
  const stores = [one!, { ...one!, name: 'the same once more' }]
  const grown = new Growing(t, 48, 2_000)
  grown.append(600)
  const writer = grown.start(stores)
  await writer.shared.caughtUp()
  grown.append(1_200, writer)
  await writer.stores(900, 1)
  grown.append(2_000, writer)
  await writer.stores(2_000, 0)
  await writer.stores(2_000, 1)
  await writer.until(shared => shared.confirmed(0) === 2_000)
  await writer.stop()
  assert.deepEqual(await linesIn(first, one!), grown.lines)
})
