import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { definitionsData } from '../../src/domain/definitions.ts'
import { LimitKind, RangePoint } from '../../src/protocol/kinds.ts'
import { openStore } from '../../src/stores/open-store.ts'
import type { Page } from '../../src/stores/queries.ts'
import { ReaderDesk, type ReaderQuestion } from '../../src/stores/reader-thread.ts'
import type { MysqlEndpoint } from '../../src/stores/store-endpoint.ts'
import { definitions, generateHistory, Random, writeJournal } from './generated-history.ts'
import { type MariaDb, newSchema, startMariaDb } from './mysql/mariadb-server.ts'
import { batchOf, bodiesOf, storeFolder } from './store-folder.ts'

const EVENTS = 300
const STATEMENT_MS = 500

const servers: MariaDb[] = []
after(async () => {
  for (const server of servers) await server.stop()
})

/** A schema of a new server with the first `stored` entries. */
async function storeWith(entries: ReturnType<typeof generateHistory>, stored: number) {
  const server = await startMariaDb()
  servers.push(server)
  const endpoint: MysqlEndpoint = { ...server.endpoint(newSchema()), statementTimeoutMs: 20_000 }
  const store = await openStore(endpoint, { definitions })
  await store.apply(batchOf('shard-0', entries, 0, stored))
  await store.close()
  return { server, endpoint: { ...endpoint, statementTimeoutMs: STATEMENT_MS, connectTimeoutMs: STATEMENT_MS } }
}

test('queries are answered whatever happens to the servers, as long as one or the journal has what is missing', async t => {
  const entries = generateHistory(new Random(51), { accounts: [7], events: EVENTS })
  const whole = entries.map(({ body }) => body)
  const first = await storeWith(entries, 250)
  const second = await storeWith(entries, 120)
  const directory = storeFolder(t).journal('shard-0')
  writeJournal(directory, entries, new Random(52))
  let nowMs = 0
  const options = { definitions: definitionsData, tailBytesMax: 1 << 20 }
  const desk = new ReaderDesk({ ...options, stores: [first.endpoint, second.endpoint] }, () => nowMs)
  const question: ReaderQuestion = {
    ask: 'reports',
    query: {
      requestId: 0,
      account: 7,
      cutReportSequence: EVENTS,
      journals: [{ name: 'shard-0', directory, untilSequence: EVENTS + 1 }],
      start: RangePoint.First,
      end: RangePoint.Present,
      limitKind: LimitKind.Unlimited,
      limitSize: 0,
      pageBytes: 1 << 20,
      form: 'events',
    },
  }
  const isWhole = async (about: string) => {
    for (const tryStores of [[0, 1], [1, 0], [0], [1]]) {
      const answer = await desk.answer({ ...question, tryStores })
      assert.ok('result' in answer, `${about}: ${JSON.stringify(answer)}`)
      assert.deepEqual(bodiesOf((answer.result as Page).frames), whole, `${about} ${tryStores}`)
    }
    // What failed may be asked again.
    nowMs += 60_000
  }
  await isWhole('both are there')
  first.server.pause()
  await isWhole('one hangs')
  await isWhole('one hangs still')
  first.server.resume()
  await isWhole('it goes on')
  first.server.kill('SIGKILL')
  await first.server.ended
  await isWhole('one is gone')
  second.server.pause()
  await isWhole('the other hangs besides')
  second.server.resume()
  await first.server.restart()
  await isWhole('both are back')
  await second.server.restart()
  await isWhole('connections that lay idle are lost')
  await desk.close()
})
