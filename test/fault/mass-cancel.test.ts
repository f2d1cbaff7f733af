// The server is killed in the middle of mass cancels under load. What was told of them is so, what was not is done by
// asking again, and the books of the clients, who trade on all the while, agree to the last report.
// `OES_MASS_CANCEL_CRASHES=50` kills so often; `OES_CRASH_SEED` repeats a run.

import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Kind } from '../../src/protocol/kinds.ts'
import { MassCancelMode, MassCancelWho } from '../../src/protocol/mass-cancel.ts'
import { Desk } from './desk.ts'
import { Random, seedOf } from './random.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from './server-process.ts'
import { type Message, WireClient } from './wire-client.ts'

const crashes = Number(process.env.OES_MASS_CANCEL_CRASHES ?? 4)
const ORDERS_PER_CRASH = 1_500
/** A kill falls anywhere in the mass cancels, or behind them: how long they take is the machine's business. */
const KILL_MS_MAX = [5, 20, 60, 400] as const

const everybody = (mode: MassCancelMode) => [
  Kind.MassCancel,
  0,
  0,
  MassCancelWho.Everybody,
  0,
  '*',
  0,
  0,
  0,
  mode,
  'reset',
  10_000,
]

/** Asks for the orders of everybody, through what is told of it. */
async function cancelAll(client: WireClient, mode: MassCancelMode): Promise<Message> {
  const requestId = client.send(everybody(mode))
  return await client.until(([kind, id]) => id === requestId && kind !== Kind.MassCancelProgress)
}

test(`${crashes} kills amid mass cancels lose nothing that was told, and asking again does what is left`, async t => {
  const seed = seedOf('OES_CRASH_SEED')
  t.diagnostic(`seed ${seed}`)
  const random = new Random(seed)
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const desk = new Desk(random)
  const start = async (rate = random.pick([0, 100])) => {
    const settings = merged(testSettings(folder.path), {
      engine: { shards: random.pick([1, 2]) },
      platform: { market_data: { rate } },
    })
    const server = await ServerProcess.start(folder.path, settings)
    await desk.connect(server.port)
    return server
  }
  let answered = 0
  const campaign = async () => {
    for (let crash = 0; crash < crashes; crash++) {
      const server = await start()
      await desk.resend()
      await desk.verify()
      await desk.trade(ORDERS_PER_CRASH)
      // The traders go on sending while their orders are canceled.
      const administrator = await WireClient.login(server.port, 'administrator')
      const asked = Array.from({ length: 4 }, () =>
        cancelAll(administrator, random.pick([MassCancelMode.Cancel, MassCancelMode.Force])).then(
          answer => {
            equal(answer[0], Kind.MassCanceled, JSON.stringify(answer))
            answered += 1
          },
          () => undefined, // killed before it was told
        ),
      )
      await pause(random.whole(0, KILL_MS_MAX[crash % KILL_MS_MAX.length]!))
      await server.kill()
      await Promise.all([...asked, desk.lost(), administrator.closed])
    }
    // A market that stands still, so that only the mass cancel ends orders.
    const server = await start(0)
    await desk.resend()
    const { orders, live } = await desk.verify()
    ok(orders > crashes * ORDERS_PER_CRASH)
    const administrator = await WireClient.login(server.port, 'administrator')
    const left = await cancelAll(administrator, MassCancelMode.Count)
    equal(left[3], live)
    const [, , , matched, canceled, done, open] = await cancelAll(administrator, MassCancelMode.Cancel)
    deepEqual([matched, open], [live, 0])
    equal(Number(canceled) + Number(done), live)
    // The books hear of the ends by their own connections.
    await Promise.all(desk.followers.map(({ client, books }) => client.ask([Kind.Positions, 0, books.account])))
    const after = await desk.verify()
    deepEqual([after.orders, after.live], [orders, 0])
    await administrator.end()
    await desk.disconnect()
    deepEqual(await server.stop(), { status: 0, signal: null })
  }
  await Promise.race([campaign(), desk.failed])
  t.diagnostic(`${answered} of ${4 * crashes} were answered before the kill`)
})
