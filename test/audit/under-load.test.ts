// What operators do while the server runs under load: look at the stores, compare them, and rebuild one of them.

import { equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { Random, seedOf } from '../fault/random.ts'
import { StoresWorld, startMariaDbs } from '../fault/stores/stores-world.ts'
import { newSchema } from '../stores/mysql/mariadb-server.ts'

test('stores are verified, audited and rebuilt while the server runs under load', async t => {
  const seed = seedOf('OES_STORE_SEED')
  t.diagnostic(`seed ${seed}`)
  const [server] = await startMariaDbs(t, 1)
  const stores = ['first', 'second'].map(name => {
    const schema = newSchema()
    return { name, server: server!, schema, endpoint: server!.endpoint(schema) }
  })
  // The server looks at a store that it refused only now and then; clients have nothing to say meanwhile.
  const world = new StoresWorld(stores, new Random(seed), { limits: { heartbeat_ms: 120_000 } })
  const expect = async (status: number, ...words: string[]) => {
    const result = await world.oes('store', ...words)
    equal(result.status, status, result.output)
    return result.output
  }
  await world.whole(seed, async () => {
    await world.start()
    await world.trade(1_000)
    await expect(0, 'verify')
    await expect(0, 'audit')
    await expect(0, 'status')

    const [, second] = stores
    await server!.query(`DELETE FROM ${second!.schema}.execution_reports WHERE sequence = 1 LIMIT 7`)
    match(await expect(1, 'verify'), / not in 127\.0\.0\.1/)
    match(await expect(1, 'audit'), /missing_query_sequence_execution_reports: /)
    match(await expect(0, 'rebuild', '2', '--yes'), /^rebuilt {2}/)
    await world.trade(500)
    await world.rest()
    await world.level()
    await expect(0, 'verify')
    await expect(0, 'audit')
    await expect(0, 'status')
    await world.stopAndVerify()
  })
})
