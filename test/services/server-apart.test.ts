// The server and each service in a process of its own, killed one after the other in an order that a seed decides, while
// clients trade: no order is lost, doubled, or refused because a service is away whose word was received before.
// `OES_APART_ROUNDS=50` goes through all of them so often; `OES_CRASH_SEED` repeats a run.

import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { platformServiceNames } from '../../src/config/platform-schema.ts'
import { Desk } from '../fault/desk.ts'
import { Random, seedOf } from '../fault/random.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { PlatformProcess, platformFolder } from './platform-processes.ts'

const rounds = Number(process.env.OES_APART_ROUNDS ?? 1)
const seed = seedOf('OES_CRASH_SEED')
const SERVER = 'order_execution_service'
/** Acknowledged while a process is away, and again once it is back. */
const ORDERS = 300
/** Refusals from here on speak of the server itself. */
const OF_THE_MOMENT = 900

test('killed in any order under load, the server and its services leave every order as it was acknowledged', async t => {
  t.diagnostic(`seed ${seed}`)
  const random = new Random(seed)
  const folder = platformFolder(t)
  const data = temporaryFolder()
  t.after(data.remove)
  const locator = new PlatformProcess(t, folder, 'service_locator', { services: ['service_locator'] })
  const { host, port } = await locator.start()
  const services = platformServiceNames.map(name => {
    if (name === 'service_locator') return [name, locator] as const
    const settings = { market_data: { rate: 100 } }
    return [name, PlatformProcess.ofService(t, folder, name, { host, port }, settings)] as const
  })
  await Promise.all(services.filter(([, service]) => service !== locator).map(([, service]) => service.start()))
  const settings = merged(testSettings(data.path), {
    service_locator: { address: `${host}:${port}`, username: SERVER, password: SERVER },
  })
  let server = await ServerProcess.start(data.path, settings)
  const desk = new Desk(random)
  await desk.connect(server.port)

  const shuffled = () => {
    const victims = [...services.map(([name]) => name), SERVER]
    for (let i = victims.length - 1; i > 0; i--) {
      const j = random.whole(0, i)
      ;[victims[i], victims[j]] = [victims[j]!, victims[i]!]
    }
    return victims
  }
  const trade = async (acknowledged: number) => {
    await desk.trade(acknowledged)
    await Promise.all(desk.traders.map(trader => trader.stop()))
  }
  const refusals = () =>
    desk.books.flatMap(({ sent }) => [...sent.values()]).filter(({ refused }) => refused >= OF_THE_MOMENT).length

  const campaign = async () => {
    for (let round = 0; round < rounds; round++) {
      for (const victim of shuffled()) {
        const before = refusals()
        const service = services.find(([name]) => name === victim)?.[1]
        if (service === undefined) {
          // In the middle of the load.
          await desk.trade(random.whole(1, ORDERS))
          await server.kill()
          await desk.lost()
          server = await ServerProcess.start(data.path, settings)
          await desk.connect(server.port)
          await desk.resend()
        } else if (victim === 'uid') {
          // Ids that were reserved are used up; then orders wait for the service.
          await service.kill()
          const trading = trade(ORDERS)
          await service.start()
          await trading
        } else {
          await service.kill()
          await trade(ORDERS)
          await service.start()
        }
        if (victim !== 'uid') deepEqual([victim, refusals() - before], [victim, 0])
        await trade(ORDERS)
        await desk.verify()
      }
    }
  }
  await Promise.race([campaign(), desk.failed])
  const { orders, reports } = await desk.verify()
  t.diagnostic(`${orders} orders, ${reports} reports`)
  ok(orders > ORDERS)
  await desk.disconnect()
  deepEqual(await server.stop(), { status: 0, signal: null })
  for (const [name, service] of services) deepEqual([name, await service.stop()], [name, 0])
})
