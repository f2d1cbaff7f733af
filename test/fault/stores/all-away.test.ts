// No store answers from the start of trading on. Nobody who trades notices: orders are accepted, executed, reported and
// found; the server may even be killed meanwhile. Whoever comes back catches up.

import { deepEqual, strictEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { OrderStatus } from '../../../src/domain/order-status.ts'
import { Kind } from '../../../src/protocol/kinds.ts'
import { type MariaDb, newSchema } from '../../stores/mysql/mariadb-server.ts'
import { Accepted, Report } from '../account-books.ts'
import { Random, seedOf } from '../random.ts'
import type { Message } from '../wire-client.ts'
import { StoresWorld, startMariaDbs } from './stores-world.ts'

const orders = Number(process.env.OES_STORE_ORDERS ?? 2_000)

test('with every store away orders are accepted, executed, reported and found as before, and the stores catch up', async t => {
  const seed = seedOf('OES_STORE_SEED')
  t.diagnostic(`seed ${seed}`)
  const random = new Random(seed)
  const schema = newSchema()
  const servers = await startMariaDbs(t, 2)
  const [first, second] = servers as [MariaDb, MariaDb]
  const stores = servers.map((server, index) => ({
    name: `store ${index + 1}`,
    server,
    schema,
    endpoint: { ...server.endpoint(schema), connectTimeoutMs: 1_000, statementTimeoutMs: 2_000 },
  }))
  const world = new StoresWorld(stores, random)
  const share = (part: number) => Math.ceil(orders * part)

  await world.whole(seed, async () => {
    await world.start()
    await Promise.all(
      servers.map(server => {
        server.kill('SIGKILL')
        return server.ended
      }),
    )
    await world.trade(share(0.3))
    await world.rest()
    await world.desk.verify()
    await findEach(world, random)
    const filled = world.desk.books.flatMap(({ events }) =>
      events.filter(event => event[0] === Kind.ExecutionReport && event[Report.status] === OrderStatus.Filled),
    )
    strictEqual(filled.length > 0, true, 'nothing was executed')

    // The journals alone bring everything back.
    await world.trade(share(0.1))
    await world.kill()
    await world.start()
    await world.desk.verify()
    await findEach(world, random)
    await world.trade(share(0.1))

    await first.start()
    await world.trade(share(0.2))
    await world.rest()
    await world.level(stores.slice(0, 1))
    await world.desk.verify()
    await findEach(world, random)

    await world.trade(share(0.1))
    await second.start()
    await world.trade(share(0.2))
    const total = await world.stopAndVerify()
    t.diagnostic(JSON.stringify(total))
  })
})

/** Loads some orders of each account by their id, live and ended, with all their reports. */
async function findEach(world: StoresWorld, random: Random): Promise<void> {
  for (const { books, client } of world.desk.followers) {
    for (let count = 0; count < 25; count++) {
      const { orderId } = books.sent.get(random.pick(books.acknowledged))!
      const answer = await client.ask([Kind.LoadOrder, 0, books.account, orderId])
      strictEqual(answer[0], Kind.OrderRecord, JSON.stringify(answer))
      const [accepted, reports] = answer.slice(3) as [Message, Message[]] // of an OrderRecord
      const found = [accepted, ...reports].map(event => event.with(1, 0))
      // The market may have moved on since.
      const last = found.at(-1)![Report.reportSequence] as number
      await books.until(last)
      const known = books.events.filter(event => event[Accepted.orderId] === orderId && (event[3] as number) <= last)
      deepEqual(found, known)
    }
  }
}
