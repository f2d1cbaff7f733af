// As the campaign, in no order that anybody thought of: databases, the roads to them and the server itself fail and come
// back as a seed has it, under configurations that change with every start. `OES_STORE_ROUNDS=200` does so for longer;
// `OES_STORE_SEED` repeats a run.

import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type MariaDb, newSchema } from '../../stores/mysql/mariadb-server.ts'
import { Random, seedOf } from '../random.ts'
import { merged, ServerProcess, type Settings } from '../server-process.ts'
import { StoresWorld, startMariaDbs, type WorldStore } from './stores-world.ts'
import { TcpProxy } from './tcp-proxy.ts'

const rounds = Number(process.env.OES_STORE_ROUNDS ?? 12)
/** Rounds on the same data; then another world begins. */
const ROUNDS_PER_WORLD = 25
const ORDERS_PER_ROUND_MAX = 500
/** A start takes about so long; kills fall anywhere in it, and behind it. */
const START_MS = 1_500

/** A database, the road to it, and what is the matter with them. */
class Place {
  readonly database: MariaDb
  readonly proxy: TcpProxy
  readonly store: WorldStore
  trouble: 'none' | 'dead' | 'paused' | 'cut' | 'silent' | 'slow' | 'read only' = 'none'

  constructor(database: MariaDb, proxy: TcpProxy, name: string, schema: string) {
    this.database = database
    this.proxy = proxy
    const endpoint = { ...database.endpoint(schema, proxy.port), connectTimeoutMs: 700, statementTimeoutMs: 1_000 }
    this.store = { name, server: database, schema, endpoint }
  }

  async enter(trouble: Place['trouble']): Promise<void> {
    await this.leave()
    this.trouble = trouble
    if (trouble === 'dead') {
      this.database.kill('SIGKILL')
      await this.database.ended
    } else if (trouble === 'paused') this.database.pause()
    else if (trouble === 'cut') this.proxy.cut()
    else if (trouble === 'silent') this.proxy.silence()
    else if (trouble === 'slow') {
      this.proxy.delay(2)
      this.proxy.throttle(500_000)
    } else if (trouble === 'read only') await this.database.query('SET GLOBAL read_only = 1')
  }

  async leave(): Promise<void> {
    if (this.trouble === 'dead') await this.database.start()
    else if (this.trouble === 'paused') this.database.resume()
    else if (this.trouble === 'read only') await this.database.query('SET GLOBAL read_only = 0')
    else this.proxy.resume()
    this.trouble = 'none'
  }
}

/** Another configuration for each start: all of them have to leave the same state. */
function varied(random: Random, places: readonly Place[]): Settings {
  const rowsMax = random.pick([1, 50, 5_000])
  // Row by row over a slow road a store may need longer than a start is waited for.
  const isSlow = places.some(({ trouble }) => trouble === 'slow')
  return {
    durability: random.pick(['fsync', 'os']),
    engine: { shards: random.pick([1, 2, 2, 3]), snapshot_reports: random.pick([100, 1_000, 10_000]) },
    writer: { batch_rows_max: isSlow ? Math.max(rowsMax, 50) : rowsMax },
    readers: { threads: random.pick([0, 1, 2]) },
  }
}

test(`${rounds} rounds of trouble leave two stores as the clients’ books`, async t => {
  const seed = seedOf('OES_STORE_SEED')
  const databases = (await startMariaDbs(t, 2)) as [MariaDb, MariaDb]
  for (let left = rounds, number = 0; left > 0; left -= ROUNDS_PER_WORLD, number++) {
    const worldSeed = (seed + number) >>> 0
    t.diagnostic(`seed ${worldSeed}`)
    const random = new Random(worldSeed)
    const schema = newSchema()
    const proxies = await Promise.all(databases.map(({ port }) => TcpProxy.start(port)))
    const places = databases.map(
      (database, index) => new Place(database, proxies[index]!, `store ${index + 1}`, schema),
    )
    // The load draws as many numbers as the machine lets it; what happens when is to be the same again.
    const world = new StoresWorld(
      places.map(({ store }) => store),
      new Random(worldSeed ^ 0x5bd1e995),
    )
    const told: string[] = []
    try {
      await world.whole(worldSeed, () => storm(world, places, random, Math.min(left, ROUNDS_PER_WORLD), told))
    } catch (error) {
      throw new Error(`${told.join(' · ')}\n${(error as Error).message}`, { cause: error })
    } finally {
      for (const place of places) await place.leave()
      await Promise.all(proxies.map(proxy => proxy.close()))
    }
    t.diagnostic(told.join(' · '))
  }
})

async function storm(
  world: StoresWorld,
  places: readonly Place[],
  random: Random,
  count: number,
  told: string[],
): Promise<void> {
  const plain = world.settings
  const start = async () => {
    // Where no store answers the start may be refused, rightly.
    if (places.every(({ trouble }) => trouble !== 'none' && trouble !== 'slow')) {
      const place = random.pick(places)
      told.push(`${place.store.name} back`)
      await place.leave()
    }
    world.settings = merged(plain, varied(random, places))
    await world.start()
    await world.desk.verify()
  }
  await start()
  for (let round = 0; round < count; round++) {
    await world.trade(random.whole(1, ORDERS_PER_ROUND_MAX))
    const what = random.next()
    if (what < 0.5) {
      const place = random.pick(places)
      const trouble = random.pick(['none', 'none', 'dead', 'paused', 'cut', 'silent', 'slow', 'read only'] as const)
      told.push(`${place.store.name} ${trouble}`)
      await place.enter(trouble)
    } else if (what < 0.65) {
      told.push('kill')
      await world.kill()
      while (random.chance(0.4)) {
        const waitMs = random.whole(0, START_MS)
        told.push(`kill after ${waitMs} ms`)
        const server = ServerProcess.spawn(world.folder.path, merged(plain, varied(random, places)))
        await pause(waitMs)
        await server.kill()
      }
      await start()
    } else if (what < 0.75) {
      told.push('stop')
      await world.rest()
      await world.stop()
      await start()
    } else {
      told.push('verify')
      await world.rest()
      await world.desk.verify()
    }
  }
  for (const place of places) await place.leave()
  await world.trade(random.whole(1, ORDERS_PER_ROUND_MAX))
  await world.stopAndVerify()
}
