// The client and the command line beside a server that hangs, dies and comes back.

import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { connect, limitOrder, Side, type SubmitOutcome } from '../../src/client/index.ts'
import { type Finished, start } from '../cli/command.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'

const OES = new URL('../../src/cli/oes.ts', import.meta.url).pathname

test('an order of unknown outcome is settled, and is there once', async t => {
  const folder = temporaryFolder()
  t.after(folder.remove)
  const server = await ServerProcess.start(folder.path, testSettings(folder.path))
  using client = await connect({ port: server.port, username: 'alice', password: 'alice' })
  server.signal('SIGSTOP')
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, () => client.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 10), { deadlineMs: 100 })),
  )
  deepEqual(
    outcomes.map(({ outcome }) => outcome),
    outcomes.map(() => 'unknown'),
  )
  server.signal('SIGCONT')
  const settled = await Promise.all(
    outcomes.map(outcome => (outcome.outcome === 'unknown' ? client.settle(outcome) : outcome)),
  )
  const ids = settled.map(outcome => (outcome.outcome === 'accepted' ? outcome.order.orderId : 0))
  equal(new Set(ids).size, 10)
  const recorded: number[] = []
  for await (const { accepted } of client.queryOrders()) recorded.push(accepted.orderId)
  deepEqual(recorded.sort(), ids.sort())
})

test('a client goes on after the server was killed: orders are repeated, the subscription has no gap', async t => {
  const folder = temporaryFolder()
  t.after(folder.remove)
  let settings = testSettings(folder.path)
  let server = await ServerProcess.start(folder.path, settings)
  settings = merged(settings, { server: { interface: `127.0.0.1:${server.port}` } })
  using client = await connect({
    port: server.port,
    username: 'alice',
    password: 'alice',
    pauseMinMs: 50,
    pauseMaxMs: 200,
  })
  const subscription = await client.subscribe({ fromSequence: 1 })
  const pending: Promise<SubmitOutcome>[] = []
  const submit = () => {
    const order = limitOrder(Side.Bid, 'ABX.TSX', 100, 10)
    pending.push(client.submit(order, { repeat: true, deadlineMs: 60_000 }))
  }
  for (let kills = 0; kills < 2; kills++) {
    for (let i = 0; i < 20; i++) submit()
    await Promise.any(pending.slice(-20))
    const killed = server.kill()
    for (let i = 0; i < 20; i++) submit()
    await killed
    server = await ServerProcess.start(folder.path, settings)
  }
  const outcomes = await Promise.all(pending)
  const ids = outcomes.map(outcome => (outcome.outcome === 'accepted' ? outcome.order.orderId : 0))
  ok(!ids.includes(0), JSON.stringify(outcomes.find(({ outcome }) => outcome !== 'accepted')))
  equal(new Set(ids).size, 80)
  const sequences: number[] = []
  for await (const event of subscription) {
    if (event.event !== 'membership') sequences.push(event.reportSequence)
    if (sequences.length === 160) break
  }
  deepEqual(
    sequences,
    Array.from({ length: 160 }, (_, index) => index + 1),
  )
  equal((await client.positions()).openOrders, 80)
})

test('the commands work against the running server and tell the shell what became of it', async t => {
  const folder = temporaryFolder()
  t.after(folder.remove)
  const settings = merged(testSettings(folder.path), { platform: { market_data: { rate: 0 } } })
  const server = await ServerProcess.start(folder.path, settings)
  const run = (username: string, ...words: string[]): Promise<Finished> => {
    const environment = { OES_SERVER: `127.0.0.1:${server.port}`, OES_USERNAME: username, OES_PASSWORD: username }
    return start(process.execPath, [OES, ...words], environment).finished
  }
  const json = ({ out }: Finished) =>
    out
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line) as Record<string, unknown>)

  const bought = await run('alice', 'submit', 'buy', '100', 'ABX.TSX', '--limit', '10', '--tif', 'gtc', '--json')
  equal(bought.status, 0, bought.err)
  const [order] = json(bought)
  deepEqual([order.status, order.side, order.quantity], ['NEW', 'BID', 100])
  const odd = await run('alice', 'submit', 'buy', '150', 'ABX.TSX', '--limit', '10')
  deepEqual([odd.status, /REJECTED/.test(odd.out)], [1, true])
  const market = await run('alice', 'submit', 'buy', '200', 'ABX.TSX', '--follow')
  equal(market.status, 0)
  match(market.out, /FILLED/)

  const live = await run('alice', 'orders', '--live', '--json')
  deepEqual(
    json(live).map(({ orderId }) => orderId),
    [order.orderId],
  )
  equal((await run('bob', 'cancel', String(order.orderId))).status, 1)
  equal((await run('alice', 'cancel', String(order.orderId))).status, 0)
  equal((await run('alice', 'cancel', String(order.orderId))).status, 1)
  const loaded = json(await run('alice', 'orders', '--all', '--json'))
  deepEqual(
    loaded.map(({ status }) => status),
    ['CANCELED', 'REJECTED', 'FILLED'],
  )
  const [held] = json(await run('margaret', 'positions', 'alice', '--json'))
  match(JSON.stringify(held), /"quantity":200/)
  equal((await run('bob', 'positions', 'alice')).status, 1)
  const watched = await run('alice', 'watch', '--from', '1', '-n', '9', '--json')
  equal(watched.status, 0)
  deepEqual(
    json(watched).map(({ reportSequence }) => reportSequence),
    Array.from({ length: 9 }, (_, index) => index + 1),
  )

  const wrong = await run('nobody', 'orders')
  deepEqual([wrong.status, /LOGIN_FAILED|wrong password/.test(wrong.err)], [1, true])
  equal((await run('alice', 'submit', 'buy', 'much', 'ABX.TSX')).status, 2)
  equal((await run('alice', 'nonsense')).status, 2)
  const verified = await run('alice', 'journal', 'verify', `${folder.path}/data`)
  deepEqual([verified.status, /whole/.test(verified.out)], [0, true])
  deepEqual(await server.stop(), { status: 0, signal: null })
  equal((await run('alice', 'orders')).status, 1)
})
