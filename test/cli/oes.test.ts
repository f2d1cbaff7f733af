import { deepEqual, equal, match } from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { Reason } from '../../src/domain/reasons.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { accepted, type Peer, replaceReport, report } from '../client/scripted-server.ts'
import { startServer } from '../client/stage.ts'
import { bareOes, oes } from './command.ts'

const lines = (text: string) => text.split('\n').slice(0, -1)

/** Plays the server through the first report of a submit. @returns the submit message. */
async function playSubmit(peer: Peer, firstReport: unknown[]) {
  const submitted = await peer.receive()
  peer.send(accepted({ requestId: submitted[1] as number, reportSequence: 5, orderId: 42, clOrdId: 'mine' }))
  const subscribe = await peer.receive()
  deepEqual(subscribe.slice(2), [7, 0, 6])
  peer.send([Kind.Subscribed, subscribe[1], 7, 1, [[7, 6]]], report({ reportSequence: 6, orderId: 99 }), firstReport)
  return submitted
}

test('submit shows the order and its first report', async context => {
  const server = await startServer(context)
  const { finished } = oes(server.port, 'submit', 'buy', '100', 'ABX.TSX', '--limit', '25.37', '--tif', 'gtc')
  const peer = await server.login()
  const submitted = await playSubmit(peer, report({ reportSequence: 7, orderId: 42 }))
  deepEqual(submitted.slice(2, 9), [7, 'ABX.TSX', 1, 1, 100, 25.37, 1])
  deepEqual(await finished, {
    status: 0,
    out: 'Order 42: BID 100 ABX.TSX LIMIT 25.37 DAY (mine)\nOrder 42 is NEW; 100 open.\n',
    err: '',
  })
})

test('a rejection is shown with its text, and the status is 1', async context => {
  const server = await startServer(context)
  const { finished } = oes(server.port, 'submit', 'buy', '7', 'ABX.TSX', '--json')
  const peer = await server.login()
  await playSubmit(peer, report({ reportSequence: 7, orderId: 42, status: 1, reason: Reason.BoardLot, params: [100] }))
  const { status, out, err } = await finished
  const { orderId, status: orderStatus, reason, text, leavesQty, side } = JSON.parse(out)
  deepEqual(
    [status, orderId, orderStatus, reason, text, leavesQty, side, err],
    [1, 42, 'REJECTED', 300, 'The quantity has to be a multiple of 100.', 0, 'BID', ''],
  )
})

test('submit --follow shows reports until the order has ended', async context => {
  const server = await startServer(context)
  const { finished } = oes(server.port, 'submit', 'buy', '100', 'ABX.TSX', '--follow')
  const peer = await server.login()
  await playSubmit(peer, report({ reportSequence: 7, orderId: 42 }))
  peer.send(report({ reportSequence: 8, orderId: 42, sequence: 2, status: 8, lastQty: 100, lastPx: 25.5 }))
  const { status, out } = await finished
  equal(status, 0)
  deepEqual(
    lines(out).map(line => line.replace(/^2023\S+ +/, '')),
    [
      'Order 42: BID 100 ABX.TSX LIMIT 25.37 DAY (mine)',
      '7:7  order 42        NEW',
      '7:8  order 42        FILLED            100 @ 25.50; 0 open',
      'Order 42 is FILLED; 100 bought at 25.50 on average.',
    ],
  )
})

test('an accepted order is shown even where its reports cannot be followed', async context => {
  const server = await startServer(context)
  const { finished } = oes(server.port, 'submit', 'buy', '100', 'ABX.TSX', '--json')
  const peer = await server.login()
  const submitted = await peer.receive()
  peer.send(accepted({ requestId: submitted[1] as number, reportSequence: 5, orderId: 42 }))
  const [, requestId] = await peer.receive()
  peer.send([Kind.Refused, requestId, 7, Reason.TooManySubscriptions, [0], ''])
  const { status, out, err } = await finished
  deepEqual([status, JSON.parse(out).orderId], [1, 42])
  match(err, /^oes: A session may have 0 subscriptions at most\.\n/)
})

test('a refused order is told with its code, and the status is 1', async context => {
  const server = await startServer(context)
  const { finished } = oes(server.port, 'submit', 'sell', '100', 'ABX.TSX', '--account', '9')
  const peer = await server.login()
  const submitted = await peer.receive()
  equal(submitted[2], 9)
  peer.send([Kind.Refused, submitted[1], 9, Reason.NotPermitted, [], ''])
  deepEqual(await finished, {
    status: 1,
    out: '',
    err: 'oes: Refused, NOT_PERMITTED: This session has no permission for the account.\n',
  })
})

test('an order of unknown outcome has the status 3, and the message tells how to settle it', async context => {
  const server = await startServer(context)
  const { finished } = oes(server.port, 'submit', 'buy', '100', 'ABX.TSX', '--cl-ord-id', 'mine')
  const peer = await server.login()
  await peer.receive()
  peer.destroy()
  const { status, out, err } = await finished
  equal(status, 3)
  equal(out, '')
  match(err, /oes: It is not known whether the order arrived: .*\n {5}Run the same command with --cl-ord-id mine: /)
})

test('cancel finds the account of each order and has the worst of the statuses', async context => {
  const server = await startServer(context)
  const { finished } = oes(server.port, 'cancel', '42', '43')
  const peer = await server.login()
  const loading = await peer.receive()
  deepEqual(loading.slice(2), [0, 42])
  peer.send([Kind.OrderRecord, loading[1], 9, accepted({ account: 9, reportSequence: 1, orderId: 42 }), []])
  const canceling = await peer.receive()
  deepEqual(canceling.slice(2), [9, 42])
  peer.send([Kind.Done, canceling[1], 9])
  const missing = await peer.receive()
  peer.send([Kind.Refused, missing[1], 0, Reason.UnknownOrder, [43], ''])
  deepEqual(await finished, {
    status: 1,
    out: 'Order 42: cancel requested.\n',
    err: 'oes: There is no order 43.\n     See `oes orders`.\n',
  })
})

test('replace fills in what is not named from the order, and ends with the answer of the destination', async context => {
  const server = await startServer(context)
  const { finished } = oes(server.port, 'replace', '42', '--price', '25.40', '--cl-ord-id', 'mine')
  const peer = await server.login()
  const loading = await peer.receive()
  deepEqual(loading.slice(2), [0, 42])
  peer.send([Kind.OrderRecord, loading[1], 9, accepted({ account: 9, reportSequence: 1, orderId: 42 }), []])
  const replacing = await peer.receive()
  deepEqual(replacing, [Kind.Replace, replacing[1], 9, 42, 100, 25.4, 'mine', ''])
  const terms = { account: 9, orderId: 42, clOrdId: 'mine', quantity: 100, price: 25.4 }
  peer.send(replaceReport({ ...terms, requestId: replacing[1] as number, reportSequence: 2, status: 12 }))
  const subscribing = await peer.receive()
  deepEqual(subscribing.slice(2), [9, 0, 3])
  peer.send([Kind.Subscribed, subscribing[1], 9, 1, [[9, 3]]])
  peer.send(replaceReport({ ...terms, reportSequence: 3, sequence: 2, status: 13 }))
  deepEqual(await finished, { status: 0, out: 'Order 42: REPLACED 100 @ 25.40 (mine)\n', err: '' })
})

test('a replace that names nothing is a wrong command line, and one that is refused has the status 1', async context => {
  const server = await startServer(context)
  const nothing = await oes(server.port, 'replace', '42').finished
  equal(nothing.status, 2)
  match(nothing.err, /There is nothing to change/)
  const { finished } = oes(server.port, 'replace', '42', '--quantity', '200')
  const peer = await server.login()
  const loading = await peer.receive()
  peer.send([Kind.OrderRecord, loading[1], 7, accepted({ reportSequence: 1, orderId: 42 }), []])
  const replacing = await peer.receive()
  deepEqual(replacing.slice(2, 6), [7, 42, 200, 25.37])
  peer.send([Kind.Refused, replacing[1], 7, Reason.OrderTerminal, [42], ''])
  const { status, err } = await finished
  equal(status, 1)
  match(err, /ORDER_TERMINAL: Order 42 has ended already/)
})

test('watch goes on over a reconnect and ends after its count', async context => {
  const server = await startServer(context)
  const { finished } = oes(server.port, 'watch', '--from', '1', '--count', '3', '--json')
  const peer = await server.login()
  const first = await peer.receive()
  deepEqual(first.slice(2), [7, 0, 1])
  peer.send([Kind.Subscribed, first[1], 7, 1, [[7, 1]]], accepted({ reportSequence: 1 }), report({ reportSequence: 2 }))
  await peer.flush()
  peer.send([Kind.Closing, 0, 0, Reason.Stopping, [], ''])
  const next = await server.login()
  const second = await next.receive()
  deepEqual(second.slice(2), [7, 0, 3])
  next.send([Kind.Subscribed, second[1], 7, 1, [[7, 3]]], report({ reportSequence: 3, status: 5 }))
  const { status, out, err } = await finished
  equal(status, 0)
  deepEqual(
    lines(out).map(line => {
      const { event, reportSequence, status } = JSON.parse(line)
      return [event, reportSequence, status]
    }),
    [
      ['accepted', 1, undefined],
      ['report', 2, 'NEW'],
      ['report', 3, 'CANCELED'],
    ],
  )
  match(err, /^The server is stopping; the request had no effect. Trying again in \d+ ms.\n$/)
})

test('orders are a table for people', async context => {
  const server = await startServer(context)
  const { finished } = oes(server.port, 'orders', '--last', '2')
  const peer = await server.login()
  const query = await peer.receive()
  deepEqual(query.slice(2), [7, 1, -2, 2, 2, null])
  peer.send(
    [Kind.OrderRecord, query[1], 7, accepted({ reportSequence: 1, clOrdId: 'a' }), [report({ reportSequence: 2 })]],
    [Kind.OrderRecord, query[1], 7, accepted({ reportSequence: 3, orderId: 1_000, quantity: 1.5, price: 0.135 }), []],
    [Kind.QueryEnd, query[1], 7, 2, 0, 3, 2],
  )
  const { status, out, err } = await finished
  deepEqual([status, err], [0, ''])
  deepEqual(
    lines(out),
    [
      'ORDER  TIME                         SIDE  QUANTITY  TICKER   TYPE   PRICE  TIF  STATUS       DONE      OPEN  AVERAGE  DESTINATION  CLORDID',
      '    1  2023-11-14T22:13:20.000000Z  BID        100  ABX.TSX  LIMIT  25.37  DAY  NEW             0       100        -  TSX          a',
      ' 1000  2023-11-14T22:13:20.000000Z  BID   1.500000  ABX.TSX  LIMIT  0.135  DAY  PENDING_NEW     0  1.500000        -  TSX          ',
    ].map(line => line.trimEnd()),
  )
})

test('positions come with the buying power', async context => {
  const server = await startServer(context)
  const { finished } = oes(server.port, 'positions', 'bob')
  const peer = await server.login()
  const find = await peer.receive()
  deepEqual(find.slice(2), [0, 0, 'bob'])
  peer.send([Kind.Found, find[1], 0, 9, 'bob'])
  const asked = await peer.receive()
  deepEqual(asked.slice(2), [9])
  const position = ['ABX.TSX', 124, -100, -2_537.5, 50, 0, 12.5, 0.3]
  peer.send([Kind.PositionList, asked[1], 9, 124, 100_000, 2_537, 0, 1, 41, [position]])
  const { status, out } = await finished
  equal(status, 0)
  deepEqual(lines(out), [
    'Account bob: ACTIVE, buying power 2537.00 used of 100000.00 CAD, 1 open orders.',
    'TICKER   QUANTITY  AVERAGE      COST  BUYING  SELLING  REALISED  FEES  CURRENCY',
    'ABX.TSX      -100   25.375  -2537.50      50        0     12.50  0.30  CAD',
  ])
})

test('sessions are listed over all pages, with what each has under way', async context => {
  const server = await startServer(context)
  const row = (session: number, name: string, ...rest: unknown[]) => [session, session + 10, name, ...rest]
  const at = 1_700_000_000_000_000
  const first = row(65_537, 'alice', '10.0.0.5:40000', at, 0, 0, 3, 12_000, 2, 'TLSv1.3', 1, 5_000, 1)
  const second = row(65_538, 'root', '127.0.0.1:40001', at, 1, 0, 0, 0, 0, '', 0, 0, 0)
  const list = async (...words: string[]) => {
    const { finished } = oes(server.port, 'sessions', ...words)
    const peer = await server.login()
    for (const [after, rows, more] of [
      [0, [first], 1],
      [65_537, [second], 0],
    ] as const) {
      const asked = await peer.receive()
      deepEqual([asked[0], ...asked.slice(2)], [Kind.Sessions, 0, after])
      peer.send([Kind.SessionList, asked[1], 0, rows, more])
    }
    return await finished
  }
  const all = await list()
  deepEqual([all.status, all.err], [0, ''])
  deepEqual(lines(all.out), [
    'SESSION  ACCOUNT  ROLE           FROM             SINCE                        TLS      IN FLIGHT  UNREAD BYTES  SUBSCRIPTIONS  CANCEL ON',
    '  65537  alice    trader         10.0.0.5:40000   2023-11-14T22:13:20.000000Z  TLSv1.3          3         12000              2  loss, 5000 ms, also GTC',
    '  65538  root     administrator  127.0.0.1:40001  2023-11-14T22:13:20.000000Z  -                0             0              0  never',
  ])
  const cut = await list('--limit', '1', '--json')
  deepEqual(JSON.parse(cut.out), {
    session: 65_537,
    account: 65_547,
    accountName: 'alice',
    peer: '10.0.0.5:40000',
    since: at,
    isAdministrator: false,
    isObserver: false,
    inFlight: 3,
    outboxBytes: 12_000,
    subscriptions: 2,
    tls: 'TLSv1.3',
    cancelOn: 'loss',
    graceMs: 5_000,
    alsoCancel: { gtc: true, gtd: false },
  })
  match(cut.err, /^There are more; --limit/)
  equal(lines((await list('--account', 'root')).out).length, 2)
  equal((await list('--account', 'nobody')).out, 'nobody is not logged in.\n')
})

test('a wrong password is told with what to do', async context => {
  const server = await startServer(context)
  const { finished } = oes(server.port, 'orders')
  const peer = await server.accept()
  const [, requestId] = await peer.receive()
  peer.send([Kind.Refused, requestId, 0, Reason.LoginFailed, [], ''])
  deepEqual(await finished, {
    status: 1,
    out: '',
    err: 'oes: Unknown account or wrong password.\n     Check --username and --password, or OES_USERNAME and OES_PASSWORD.\n',
  })
})

test('a server that is not there is told with what to do, and without a stack', async () => {
  const { status, err } = await oes(1, 'positions').finished
  equal(status, 1)
  match(err, /^oes: No connection to 127\.0\.0\.1:1: .*\n {5}Is the server running\?.*\n$/)
})

test('the configuration names the server, and its mistakes are told by place', async context => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'oes-cli-'))
  context.after(() => fs.rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'config.yml')
  fs.writeFileSync(file, 'server:\n  interface: 127.0.0.1:1\n')
  const found = await bareOes('orders', '-c', file, '-u', 'ada', '-p', 'secret')
  equal(found.status, 1)
  match(found.err, /No connection to 127\.0\.0\.1:1:/)
  fs.writeFileSync(file, 'server:\n  interfaces: 127.0.0.1:1\n')
  const invalid = await bareOes('orders', '-c', file, '-u', 'ada', '-p', 'secret')
  equal(invalid.status, 1)
  match(invalid.err, /config\.yml:2:3: /)
})

const usage: [words: string[], err: RegExp][] = [
  [['bogus'], /^oes: unknown command 'bogus'\n/],
  [['submit', 'buy'], /^oes: missing required argument 'quantity'\n/],
  [['orders', '--bogus'], /^oes: unknown option '--bogus'\n/],
  [['submit', 'hold', '1', 'ABX.TSX'], /^oes: 'hold' is no side\.\n {5}Use buy/],
  [['sessions', '--limit', '0'], /^oes: '0' is not a number of sessions\.\n/],
  [['cancel', 'x'], /^oes: 'x' is not an order id\.\n/],
  [['orders'], /^oes: There is no user name\.\n {5}Give --username, or set OES_USERNAME\.\n$/],
  [['orders', '-u', 'ada'], /^oes: There is no password\.\n/],
  [['orders', '-u', 'ada', '-p', 'x', '-s', 'nowhere'], /^oes: 'nowhere' is no server\.\n {5}Write it as HOST:PORT/],
  [['orders', '-u', 'ada', '-p', 'x', '--deadline', 'soon'], /^oes: 'soon' is not a time in milliseconds\.\n/],
  [['journal', 'list', '-c', '/nowhere/config.yml'], /^oes: The configuration \/nowhere\/config\.yml cannot be read/],
]
for (const [words, err] of usage) {
  test(`oes ${words.join(' ')} is a wrong command line`, async () => {
    const finished = await bareOes(...words)
    equal(finished.status, 2)
    match(finished.err, err)
    equal(finished.out, '')
  })
}

for (const words of [
  [],
  ['serve'],
  ['submit'],
  ['cancel'],
  ['watch'],
  ['orders'],
  ['positions'],
  ['sessions'],
  ['journal', 'list'],
]) {
  test(`oes ${[...words, '--help'].join(' ')} explains itself with examples`, async () => {
    const { status, out, err } = await bareOes(...words, '--help')
    deepEqual([status, err], [0, ''])
    match(out, /^Usage: oes/)
    match(out, /Examples:\n {2}\$ oes/)
  })
}
