// The three nodes of a Galera cluster as the list of stores of one server: one database behind three endpoints, to which
// three streams would write the same rows. A node that is killed is missed by nobody, and works again when it is back.

import { deepEqual, ok, strictEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { newSchema } from '../../stores/mysql/mariadb-server.ts'
import { Random, seedOf } from '../random.ts'
import { GaleraCluster } from './galera-cluster.ts'
import { StoresWorld } from './stores-world.ts'

const orders = Number(process.env.OES_STORE_ORDERS ?? 2_000)
const awayMs = Number(process.env.OES_STORE_AWAY_MS ?? 1_000)

test('a cluster of three nodes is a list of stores, and any node may be killed and come back', async t => {
  const seed = seedOf('OES_STORE_SEED')
  t.diagnostic(`seed ${seed}`)
  const cluster = await GaleraCluster.start(3)
  t.after(() => cluster.stop())
  const schema = newSchema()
  const stores = cluster.nodes.map(node => ({
    name: node.name,
    server: node,
    schema,
    endpoint: { ...node.endpoint(schema), connectTimeoutMs: 2_000, statementTimeoutMs: 5_000 },
  }))
  const world = new StoresWorld(stores, new Random(seed))
  const share = (part: number) => Math.ceil(orders * part)
  const [first, second, third] = cluster.nodes

  await world.whole(seed, async () => {
    await world.start()
    await world.trade(share(0.2))
    // Each in turn, so that the one whose stream writes is among them.
    for (const [index, node] of [first!, second!, third!].entries()) {
      await node.kill()
      await world.trade(share(0.1), awayMs)
      await world.rest()
      await world.level(stores.filter((_, other) => other !== index))
      await node.start()
      await world.trade(share(0.05))
    }
    // A node is gone while the server is killed and starts again.
    await second!.kill()
    await world.trade(share(0.05))
    await world.kill()
    await world.start()
    await world.desk.verify()
    await world.rest()
    await second!.start()
    await world.trade(share(0.1))
    // A node leaves in order.
    await first!.shutDown()
    await world.trade(share(0.1))
    await world.rest()
    await first!.start()

    const total = await world.stopAndVerify()
    ok(total.orders >= orders * 0.9)
    deepEqual(await Promise.all(cluster.nodes.map(node => node.status('cluster_size'))), ['3', '3', '3'])
    strictEqual(/ error /.test(world.server.log), false, `the last server told of an error:\n${world.server.log}`)
    t.diagnostic(JSON.stringify(total))
  })
})
