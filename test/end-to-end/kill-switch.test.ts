// The kill switch as an operator throws it: by the command, against a server under load, over a crash, until it is lifted.

import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { connect, limitOrder, OrderStatus, Reason, Side } from '../../src/client/index.ts'
import { oesAs } from '../cli/command.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'

const ORDERS = 200

test('oes kill halts everybody, over a crash, until it is lifted by name', async t => {
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const settings = merged(testSettings(folder.path), { platform: { market_data: { rate: 0 } } })
  let server = await ServerProcess.start(folder.path, settings)
  const clientOf = async (username: string) => {
    const client = await connect({ port: server.port, username, password: username })
    t.after(() => client.close())
    return client
  }
  const kill = (username: string, ...words: string[]) => oesAs(username, server.port, 'kill', ...words)

  let alice = await clientOf('alice')
  const order = limitOrder(Side.Bid, 'ABX.TSX', 100, 1)
  await Promise.all(Array.from({ length: ORDERS }, () => alice.submit(order)))
  const refused = await kill('alice', '--all')
  equal(refused.status, 1)
  match(refused.err, /^oes: This session has no permission/)
  deepEqual(await kill('administrator', '--all', '--reason', 'drill'), {
    status: 0,
    out: `Trading is halted for everybody; ${ORDERS} working orders were canceled.\n`,
    err: '',
  })
  const reasons = new Set<number>()
  for await (const event of alice.queryReports()) {
    if ('status' in event && event.status === OrderStatus.Canceled) reasons.add(event.reason)
  }
  deepEqual([...reasons], [Reason.CanceledByHalt])
  alice.close()

  await server.kill()
  server = await ServerProcess.start(folder.path, settings)
  match(server.log, /warning main trading is halted since before the start halts=1/)
  alice = await clientOf('alice')
  const { subscription } = await alice.track()
  await alice.submit(order)
  for await (const event of subscription) {
    if (!('status' in event)) continue
    deepEqual([event.status, event.reason], [OrderStatus.Rejected, Reason.TradingHalted])
    break
  }
  const { out } = await kill('alice', '--list')
  match(out, /^HALTED +NAME +BY +SINCE +REASON\neverybody +- +administrator +20\S+ +drill\n$/)
  equal((await kill('alice', '--all', '--lift')).status, 1)
  deepEqual(await kill('administrator', '--all', '--lift', '--reason', 'over'), {
    status: 0,
    out: 'Trading goes on for everybody.\n',
    err: '',
  })
  equal((await kill('administrator', '--all', '--lift')).status, 1)
  deepEqual(await kill('administrator', '--list'), { status: 0, out: 'Nothing is halted.\n', err: '' })
  const outcome = await alice.submit(order)
  equal(outcome.outcome, 'accepted')
  for await (const event of subscription) {
    if (!('status' in event)) continue
    equal(event.status, OrderStatus.New)
    break
  }
  alice.close()
  deepEqual(await server.stop(), { status: 0, signal: null })
})

test('one thing at a time is halted', async () => {
  for (const words of [[], ['--all', '--account', 'alice'], ['--list', '--all']]) {
    equal((await oesAs('alice', 1, 'kill', ...words)).status, 2)
  }
})
