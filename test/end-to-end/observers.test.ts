// Drop copies between real processes: an account is made an observer by the command, reads what its group does, and is refused
// everything else; taken from it, it is an account like any other.

import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { connect, limitOrder, type OesClient, Side, type Subscription } from '../../src/client/index.ts'
import { bareOes, oesServices } from '../cli/command.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'

const order = limitOrder(Side.Bid, 'ABX.TSX', 100, 1)

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** What became of a submission in a word. */
async function submitted(client: OesClient, account?: number): Promise<string> {
  const outcome = await client.submit(account === undefined ? order : { ...order, account })
  return outcome.outcome === 'refused' ? outcome.code : outcome.outcome
}

/** Account and kind of the next event. */
async function next(subscription: Subscription): Promise<unknown[]> {
  for await (const event of subscription) return [event.account, event.event]
  return []
}

test('an account is made an observer by the command and follows its group, over a restart, until that is taken from it', async t => {
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const locator = await freePort()
  const settings = merged(testSettings(folder.path), { platform: { port: locator, market_data: { rate: 0 } } })
  let server = await ServerProcess.start(folder.path, settings)
  const clientOf = async (name: string) => {
    const client = await connect({ port: server.port, username: name, password: name, reconnect: false })
    t.after(() => client.close())
    return client
  }
  const oes = async (...words: string[]) => {
    const { status, out, err } = await oesServices('administrator', locator, 'observers', ...words)
    return `${status} ${out}${err}`
  }
  let [dave, alice] = [await clientOf('dave'), await clientOf('alice')]
  const north = (await dave.findGroup('north'))!.id
  await rejects(dave.subscribe({ group: north }), { code: 'NOT_PERMITTED' })
  equal(await submitted(dave), 'accepted')
  equal(await oes('list', '--group', 'north'), '0 Nobody observes group north.\n')
  match((await oesServices('alice', locator, 'observers', 'add', 'dave', '--group', 'north')).err, /^oes: /)
  for (let i = 0; i < 2; i++) {
    equal(await oes('add', 'dave', '--group', 'north'), '0 dave observes group north, and may do nothing but read.\n')
  }
  equal(await oes('list', '--group', 'north'), '0 dave\n')

  for (const restart of [false, true]) {
    if (restart) {
      await server.kill()
      server = await ServerProcess.start(folder.path, settings)
      dave = await clientOf('dave')
      alice = await clientOf('alice')
    }
    const subscription = await dave.subscribe({ group: north })
    equal(await submitted(alice), 'accepted')
    deepEqual(await next(subscription), [alice.session.account, 'accepted'])
    equal((await dave.positions(alice.session.account)).openOrders > 0, true)
    equal(await submitted(dave), 'NOT_PERMITTED')
    equal(await submitted(dave, alice.session.account), 'NOT_PERMITTED')
    await rejects(dave.halt({ account: dave.session.account }), { code: 'NOT_PERMITTED' })
    await rejects(dave.armSwitch(5_000), { code: 'NOT_PERMITTED' })
  }
  equal(await oes('remove', 'dave', '--group', 'north'), '0 dave does not observe group north.\n')
  const deadline = performance.now() + 60_000
  while ((await submitted(dave)) !== 'accepted') equal(performance.now() < deadline, true)
  await rejects(dave.subscribe({ group: north }), { code: 'NOT_PERMITTED' })
  equal(await oes('add', 'dave', '--everybody'), '0 dave observes everybody, and may do nothing but read.\n')
  while ((await submitted(dave)) !== 'NOT_PERMITTED') equal(performance.now() < deadline, true)
  const names: string[] = []
  for await (const { name } of dave.accounts()) names.push(name)
  equal(names.includes('administrator'), true)
  deepEqual(await server.stop(), { status: 0, signal: null })
})

test('words about observers that make no sense are refused before anything is connected to', async () => {
  for (const words of [
    ['add', 'dave'],
    ['add', '--everybody'],
    ['list', 'dave', '--everybody'],
    ['watch', 'dave', '--everybody'],
    ['add', 'dave', '--everybody', '--group', 'north'],
  ]) {
    equal((await bareOes('observers', ...words)).status, 2, words.join(' '))
  }
})
