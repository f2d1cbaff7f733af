import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { isTerminal } from '../../src/domain/order-status.ts'
import { JournalTrimmed } from '../../src/journal/journal-errors.ts'
import { JournalWriter } from '../../src/journal/journal-writer.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { EventOffset } from '../../src/protocol/order-events.ts'
import { type AccountTail, AccountTails, type JournalToRead } from '../../src/stores/account-tails.ts'
import { StoreUnavailable } from '../../src/stores/order-store.ts'
import { appendEntries, type Entry, generateHistory, Random, temporaryFolder } from './generated-history.ts'

const ACCOUNTS = [7, 8, 4_000_000_000]

/** An entry in its journal. */
interface Placed extends Entry {
  readonly journal: number
  readonly sequence: number
}

/** The history as shards would have it that now and then take over each other's accounts: runs of it by turns. */
function place(random: Random, entries: readonly Entry[], journals: number): Placed[] {
  const next = Array.from({ length: journals }, () => 1)
  let journal = 0
  let left = 0
  return entries.map(entry => {
    if (left-- === 0) {
      journal = random.below(journals)
      left = random.below(60)
    }
    return { ...entry, journal, sequence: next[journal]!++ }
  })
}

type Report = Exclude<Entry['event'], { kind: typeof Kind.InventorySnapshot }>

/** What a tail says, asked in every way there is. */
function told(tail: AccountTail, own: readonly Placed[], from: number, to: number): unknown {
  const sequences: number[] = []
  for (let next = tail.reportFrom(from); next !== undefined; next = tail.reportFrom(next + 1)) sequences.push(next)
  const orders: unknown[] = []
  for (let next = tail.orderFrom(1); next !== undefined; next = tail.orderFrom(next.orderSequence + 1))
    orders.push(next)
  const ordersDown: unknown[] = []
  for (let next = tail.orderUntil(1e9); next !== undefined; next = tail.orderUntil(next.orderSequence - 1)) {
    ordersDown.unshift(next)
  }
  const ids = [...new Set(own.map(({ event }) => (event as Report).orderId))]
  const times = [...new Set(own.map(({ event }) => event.timestamp))]
  return {
    bodies: sequences.map(sequence => {
      const { bytes, start, end } = tail.body(sequence)
      const body = Buffer.from(bytes.subarray(start, end))
      return body.fill(0, EventOffset.requestId, EventOffset.requestId + 4).toString('hex')
    }),
    last: [tail.reportUntil(to), tail.reportUntil(from - 1), tail.lastOrderSequence],
    orders,
    ordersDown,
    found: ids.map(id => tail.findOrder(id)),
    reports: ids.map(id => tail.reportsOf(id)),
    ended: ids.map(id => tail.hasEnded(id)),
    since: times.map(time => [tail.reportSince(time), tail.orderSince(time)]),
    until: times.map(time => [tail.lastReportUntil(time), tail.lastOrderUntil(time)]),
  }
}

/** The same from the plain list. */
function expected(own: readonly Placed[], from: number, to: number): unknown {
  const events = own
    .map(({ event, body }) => ({ event: event as Report, body }))
    .filter(({ event }) => event.reportSequence >= from && event.reportSequence <= to)
  const orders = events.flatMap(({ event }) =>
    event.kind === Kind.OrderAccepted
      ? [
          {
            orderId: event.orderId,
            orderSequence: event.orderSequence,
            reportSequence: event.reportSequence,
            timestamp: event.timestamp,
          },
        ]
      : [],
  )
  const ids = [...new Set(own.map(({ event }) => (event as Report).orderId))]
  const times = [...new Set(own.map(({ event }) => event.timestamp))]
  return {
    bodies: events.map(({ body }) => body.toString('hex')),
    last: [events.at(-1)?.event.reportSequence, undefined, orders.at(-1)?.orderSequence],
    orders,
    ordersDown: orders,
    found: ids.map(id => orders.find(({ orderId }) => orderId === id)),
    reports: ids.map(id =>
      events
        .filter(({ event }) => event.orderId === id && event.kind === Kind.ExecutionReport)
        .map(({ event }) => event.reportSequence),
    ),
    ended: ids.map(id =>
      events.some(
        ({ event }) => event.orderId === id && event.kind === Kind.ExecutionReport && isTerminal(event.status),
      ),
    ),
    since: times.map(time => [
      events.find(({ event }) => event.timestamp >= time)?.event.reportSequence,
      orders.find(({ timestamp }) => timestamp >= time)?.orderSequence,
    ]),
    until: times.map(time => [
      events.findLast(({ event }) => event.timestamp <= time)?.event.reportSequence,
      orders.findLast(({ timestamp }) => timestamp <= time)?.orderSequence,
    ]),
  }
}

test('a tail says what the plain list says, at any cut, lag and trim, in one journal and over several', async t => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async seed => {
      const random = new Random(seed)
      const folder = temporaryFolder(t)
      const journalCount = 1 + random.below(3)
      const entries = place(
        random,
        generateHistory(random, { accounts: ACCOUNTS, events: 20 + random.below(600), snapshots: true }),
        journalCount,
      )
      const writers = Array.from({ length: journalCount }, (_, number) =>
        JournalWriter.open({ directory: path.join(folder, `${number}`), durability: 'none', segmentBytes: 4096 }),
      )
      // A small pool makes pages go to the file and come back.
      const tails = new AccountTails({ bytesMax: 1, spillDirectory: folder })
      let written = 0
      let stored = 0
      while (written < entries.length) {
        const upTo = Math.min(entries.length, written + 1 + random.below(150))
        for (let at = written; at < upTo; at++) appendEntries(writers[entries[at]!.journal]!, [entries[at]!], random)
        written = upTo
        stored = Math.min(written, Math.max(stored, random.below(written + 1)))
        const journals: JournalToRead[] = writers.map((writer, number) => ({
          name: `shard-${number}`,
          directory: path.join(folder, `${number}`),
          untilSequence: writer.nextSequence,
        }))
        // Two stores: one has a part, one lags further behind.
        const behind = random.below(stored + 1)
        for (const [store, has] of [
          ['near', stored],
          ['far', behind],
        ] as const) {
          const positions = journals.map(
            (_, number) => entries.slice(0, has).findLast(({ journal }) => journal === number)?.sequence ?? 0,
          )
          const account = random.of(ACCOUNTS)
          const own = entries
            .slice(0, written)
            .filter(({ event }) => event.account === account && event.kind !== Kind.InventorySnapshot)
          const inStore = entries
            .slice(0, has)
            .filter(({ event }) => event.account === account && event.kind !== Kind.InventorySnapshot).length
          const cut = inStore + random.below(own.length - inStore + 1)
          if (cut === inStore) continue
          const asked = random.chance(50) ? [journals, positions] : [journals.toReversed(), positions.toReversed()]
          const tail = tails.get(asked[0] as JournalToRead[], asked[1] as number[], store, account, inStore, cut)
          assert.deepEqual(told(tail, own, inStore + 1, cut), expected(own, inStore + 1, cut))
        }
      }
      const accepted = entries.filter(({ event }) => event.kind === Kind.OrderAccepted)
      const directories = writers.map((_, number) => path.join(folder, `${number}`))
      const all = directories.map(directory => ({
        name: directory,
        directory,
        untilSequence: Number.POSITIVE_INFINITY,
      }))
      for (const { event } of accepted.slice(0, 20)) {
        const { orderId, account } = event as Report
        assert.equal(
          tails.accountOf(
            orderId,
            all,
            all.map(() => 0),
            'none',
          ),
          account,
        )
        assert.equal(
          tails.accountOf(
            orderId + 1e9,
            all,
            all.map(() => 0),
            'none',
          ),
          undefined,
        )
      }
      for (const writer of writers) writer.close()
      tails.close()
    }),
    { numRuns: 20 },
  )
})

/** A journal of one account in small segments. */
function journalOf(folder: string, events: number): { entries: Entry[]; journal: JournalToRead } {
  const entries = generateHistory(new Random(12), { accounts: [7], events })
  const writer = JournalWriter.open({ directory: folder, durability: 'none', segmentBytes: 4096 })
  appendEntries(writer, entries, new Random(13))
  writer.close()
  return { entries, journal: { name: 'shard-0', directory: folder, untilSequence: events + 1 } }
}

function segmentsOf(directory: string): string[] {
  const names = fs.readdirSync(directory).filter(name => /^\d+\.log$/.test(name))
  return names.sort().map(name => path.join(directory, name))
}

test('what was deleted of a journal is told apart from what it never had', t => {
  const folder = temporaryFolder(t)
  const { entries, journal } = journalOf(path.join(folder, 'shard-0'), 300)
  const tails = new AccountTails({ bytesMax: 1 << 20 })
  const read = (after: number, to: number, account = 7) => tails.get([journal], [after], 'store', account, after, to)
  assert.equal(read(0, 300).reportFrom(1), 1)
  assert.throws(() => read(0, 301), StoreUnavailable)
  assert.throws(() => read(0, 1, 8), StoreUnavailable)
  const tail = read(0, 300)
  const segments = segmentsOf(journal.directory)
  fs.rmSync(segments[1]!)
  const firstOfThird = Number(path.basename(segments[2]!, '.log'))
  // What the index found cannot be read any more; what was never indexed says so at once.
  assert.throws(() => {
    for (let sequence = 1; sequence <= 300; sequence++) tail.body(sequence)
  }, JournalTrimmed)
  tails.close()
  const others = new AccountTails({ bytesMax: 1 << 20 })
  fs.rmSync(segments[0]!)
  const asked = (after: number) => others.get([journal], [after], 'store', 7, after, 300)
  assert.throws(() => asked(0), JournalTrimmed)
  assert.equal(asked(firstOfThird - 1).reportFrom(1), firstOfThird)
  assert.equal(asked(entries.length - 1).reportFrom(1), 300)
  others.close()
})

test('an index follows the stores: what they have is forgotten, whatever its pages cost', t => {
  const folder = temporaryFolder(t)
  const { journal } = journalOf(path.join(folder, 'shard-0'), 4000)
  const tails = new AccountTails({ bytesMax: 1, spillDirectory: folder })
  tails.get([journal], [0], 'store', 7, 0, 4000)
  const atFirst = { memory: tails.memoryBytes, file: tails.spilledBytes }
  assert.ok(atFirst.file > 0, 'pages went to the file')
  assert.deepEqual(
    fs.readdirSync(folder).filter(name => name.endsWith('.tmp')),
    [],
    'the file has no name',
  )
  // A store that has passed everything makes it begin anew behind what it has.
  const later: JournalToRead = { ...journal, untilSequence: 3001 }
  const other = new AccountTails({ bytesMax: 1, spillDirectory: folder })
  other.get([later], [0], 'store', 7, 0, 3000)
  other.get([journal], [3500], 'store', 7, 3500, 4000)
  assert.ok(other.spilledBytes < atFirst.file, 'the pages of the first index are free again')
  tails.close()
  other.close()
})
