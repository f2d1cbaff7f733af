// Two databases hold what the server writes, and everything that can happen to a database, to the road to it and to the
// server itself happens under load: at the end both have the same rows as the journals and as the clients' own books.
// `OES_STORE_ORDERS=100000 OES_STORE_AWAY_MS=60000` is the whole campaign; `OES_STORE_SEED` repeats a run.

import { ok } from 'node:assert/strict'
import { test } from 'node:test'
import { type MariaDb, newSchema } from '../../stores/mysql/mariadb-server.ts'
import { Random, seedOf } from '../random.ts'
import { merged } from '../server-process.ts'
import { StoresWorld, startMariaDbs } from './stores-world.ts'
import { TcpProxy } from './tcp-proxy.ts'

const orders = Number(process.env.OES_STORE_ORDERS ?? 3_000)
/** How long a database that was killed stays away, and how long others are out of reach. */
const awayMs = Number(process.env.OES_STORE_AWAY_MS ?? 1_500)

test(`two stores hold what the clients were told, whatever happened to them during ${orders} orders`, async t => {
  const seed = seedOf('OES_STORE_SEED')
  t.diagnostic(`seed ${seed}`)
  const schema = newSchema()
  const [first, second] = (await startMariaDbs(t, 2)) as [MariaDb, MariaDb]
  const proxy = await TcpProxy.start(second.port)
  t.after(() => proxy.close())
  // A road that swallows everything has to be noticed before the test is over.
  const limits = { connectTimeoutMs: Math.max(500, awayMs / 10), statementTimeoutMs: Math.max(1_000, awayMs / 6) }
  const stores = [
    { name: 'first', server: first, schema, endpoint: { ...first.endpoint(schema), ...limits } },
    { name: 'second', server: second, schema, endpoint: { ...second.endpoint(schema, proxy.port), ...limits } },
  ]
  const world = new StoresWorld(stores, new Random(seed))
  const share = (part: number) => Math.ceil(orders * part)

  await world.whole(seed, async () => {
    await world.start()
    await world.trade(share(0.05))

    // The first is killed, then the server, which comes back without it.
    first.kill('SIGKILL')
    await first.ended
    await world.trade(share(0.1))
    await world.kill()
    await world.start()
    await world.desk.verify()
    await world.trade(share(0.2), awayMs)
    await first.restart()
    await world.trade(share(0.1))

    // The second is paused: its connections stay, and nobody answers.
    second.pause()
    await world.trade(share(0.15), awayMs / 2)
    second.resume()
    await world.trade(share(0.05))

    // The road to the second is cut, swallows what it is given, and is long and narrow; then the server is killed.
    proxy.cut()
    await world.trade(share(0.05), awayMs / 4)
    proxy.resume()
    await world.trade(share(0.05))
    proxy.silence()
    await world.trade(share(0.05), awayMs / 2)
    proxy.resume()
    proxy.delay(5)
    proxy.throttle(200_000)
    await world.trade(share(0.1), awayMs / 2)
    await world.kill()
    await world.start()
    await world.trade(share(0.05), awayMs / 4)
    proxy.resume()
    await world.trade(share(0.05))

    const total = await world.stopAndVerify()
    t.diagnostic(JSON.stringify({ ...total, connectionsThroughProxy: proxy.connections }))
    ok(total.orders >= orders)

    // It all comes back from the stores, and the last live order leaves them.
    await world.start()
    await world.desk.verify()
    for (const trader of world.desk.followers) trader.cancelAll()
    await world.desk.idle()
    await world.stopAndVerify()
  })
})

test('a store that was away while accounts moved to other journals gets their events in order', async t => {
  const seed = seedOf('OES_STORE_SEED')
  t.diagnostic(`seed ${seed}`)
  const schema = newSchema()
  const servers = (await startMariaDbs(t, 2)) as [MariaDb, MariaDb]
  const stores = servers.map((server, index) => {
    const endpoint = { ...server.endpoint(schema), connectTimeoutMs: 1_000, statementTimeoutMs: 2_000 }
    return { name: `store ${index + 1}`, server, schema, endpoint }
  })
  const world = new StoresWorld(stores, new Random(seed), { writer: { batch_rows_max: 50 } })
  const [, second] = servers
  const plain = world.settings
  await world.whole(seed, async () => {
    await world.start()
    await world.trade(200)
    second.kill('SIGKILL')
    await second.ended
    for (const shards of [1, 3, 2, 1]) {
      await world.trade(200)
      await world.kill()
      world.settings = merged(plain, { engine: { shards } })
      await world.start()
      await world.desk.verify()
    }
    await second.start()
    await world.trade(200)
    await world.stopAndVerify()
  })
})
