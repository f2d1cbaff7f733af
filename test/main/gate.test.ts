import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { Reason, reasonText } from '../../src/domain/reasons.ts'
import { framed } from '../../src/main/gate.ts'
import { SessionStage } from '../../src/main/session.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { pack, type Value } from '../../src/protocol/msgpack.ts'
import { isEvent, range, sequencesOf, staged, submit, submitElements } from '../simulation/stage.ts'

const refused = (requestId: number, account: number, code: number, params: Value[] = []): Value[] => [
  Kind.Refused,
  requestId,
  account,
  code,
  params,
  reasonText(code, params),
]
const closing = (code: number, params: Value[] = []): Value[] => [
  Kind.Closing,
  0,
  0,
  code,
  params,
  reasonText(code, params),
]
const answers = (messages: Value[][]): Value[][] => messages.filter(message => message[1] !== 0)

test('a login is answered with what the client has to know', async t => {
  const rehearsal = await staged(t)
  const peer = rehearsal.connect()
  peer.send([Kind.Login, 7, 0, 'root', 'root', 1])
  await rehearsal.settle()
  const id = rehearsal.directory.id('root')
  deepEqual(peer.take(), [[Kind.LoggedIn, 7, id, 1, 'none', 10_000, 'rehearsal', 1, 10_000, 65_536]])
  peer.send([Kind.Login, 8, 0, 'root', 'root', 1])
  deepEqual(peer.take(), [refused(8, 0, Reason.AlreadyLoggedIn)])
  equal(peer.isEnded, false)
})

test('a login that fails says why and ends the connection', async t => {
  const rehearsal = await staged(t)
  const attempt = async (message: Value[]): Promise<Value[][]> => {
    const peer = rehearsal.connect()
    peer.send(message)
    await rehearsal.settle()
    ok(peer.isEnded)
    equal(peer.session?.stage, SessionStage.Closed)
    return peer.take()
  }
  const both = (requestId: number, code: number, params: Value[] = []) => [
    refused(requestId, 0, code, params),
    closing(code, params),
  ]
  deepEqual(await attempt([1, 7, 0, 'alice', 'wrong', 1]), both(7, Reason.LoginFailed))
  deepEqual(await attempt([1, 7, 0, 'nobody', 'nobody', 1]), both(7, Reason.LoginFailed))
  deepEqual(await attempt([1, 7, 0, 'alice', 'alice', 2]), both(7, Reason.ProtocolVersion, [2, 1]))
  deepEqual(await attempt([1, 7, 0, 'alice', 'alice']), both(7, Reason.ProtocolVersion, [0, 1]))
  for (const names of [
    [],
    ['alice'],
    ['', 'alice'],
    [5, 'alice'],
    ['a'.repeat(257), 'alice'],
    ['alice', { a: 1 }],
  ] as Value[][]) {
    deepEqual(await attempt([1, 7, 0, ...names]), both(7, Reason.MalformedMessage, [3]))
  }
  rehearsal.directory.isAway = true
  deepEqual(await attempt([1, 7, 0, 'alice', 'alice', 1]), both(7, Reason.ServiceUnavailable, ['service_locator']))
  equal(rehearsal.gate.sessions.size, 0)
})

test('before the login, and while it is being checked, nothing else is understood', async t => {
  const rehearsal = await staged(t)
  for (const kind of [Kind.Submit, Kind.Cancel, Kind.QueryOrders, Kind.Accounts, 63]) {
    const peer = rehearsal.connect()
    peer.send([kind, 1, 0])
    deepEqual(peer.take(), [closing(Reason.NotLoggedIn)])
    ok(peer.isEnded)
  }
  rehearsal.directory.loginsHeld = []
  for (const message of [
    [Kind.Submit, 2, 0, ...submitElements()],
    [Kind.Login, 2, 0, 'alice', 'alice', 1],
  ]) {
    const peer = rehearsal.connect()
    peer.send([Kind.Login, 1, 0, 'alice', 'alice', 1])
    peer.send([Kind.Heartbeat, 0, 0])
    peer.send(message)
    deepEqual(peer.take(), [closing(Reason.NotLoggedIn)])
  }
  // An answer of the locator that comes after the end changes nothing.
  for (const release of rehearsal.directory.loginsHeld) release()
  await rehearsal.settle()
  equal(rehearsal.gate.sessions.size, 0)
})

test('a connection that does not log in is closed after its time, to the millisecond', async t => {
  const rehearsal = await staged(t, { gateLimits: { loginMs: 500 } })
  const peer = rehearsal.connect()
  rehearsal.nowUs += 500_000
  rehearsal.gate.tick(rehearsal.nowMs)
  deepEqual(peer.take(), [])
  rehearsal.nowUs += 1_000
  rehearsal.gate.tick(rehearsal.nowMs)
  deepEqual(peer.take(), [closing(Reason.LoginTimeout, [500])])
})

test('a connection over the limit is told so, and a closed one makes room', async t => {
  const rehearsal = await staged(t, { gateLimits: { connectionsMax: 2 } })
  const [first, , third] = [rehearsal.connect(), rehearsal.connect(), rehearsal.connect()]
  deepEqual(third.take(), [closing(Reason.TooManyConnections, [2])])
  ok(third.isEnded && third.session === undefined)
  rehearsal.hangUp(first)
  equal(rehearsal.connect().isEnded, false)
})

test('frames that are no messages end the connection with a reason; messages of no kind are refused', async t => {
  const rehearsal = await staged(t)
  const id = rehearsal.directory.id('alice')
  for (const body of [
    Buffer.alloc(0),
    pack(1),
    pack('text'),
    pack({ a: 1 }),
    pack([]),
    pack([3]),
    pack([3, 1]),
    pack([3, -1, 0]),
    pack([3, 2 ** 32, 0]),
    pack([3, 1, 2 ** 32]),
    pack([3, 1, 'alice']),
    pack([3.5, 1, 0]),
    Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff, 3]),
    Buffer.from([0xc1]),
  ]) {
    const peer = await rehearsal.login('alice')
    const header = Buffer.alloc(4)
    header.writeUInt32BE(body.length)
    peer.sendBytes(Buffer.concat([header, body]))
    deepEqual(peer.take(), [closing(Reason.MalformedFrame)], body.toString('hex'))
    ok(peer.isEnded)
    // What still comes is neither read nor kept.
    peer.sendBytes(Buffer.alloc(100))
    equal(rehearsal.sessionOf(peer).splitter.pendingBytes < 100, true)
  }
  const peer = await rehearsal.login('alice')
  for (const kind of [0, 50, 63, 64, 65, 127, -1]) peer.send([kind, 9, id])
  deepEqual(
    peer.take(),
    [0, 50, 63, 64, 65, 127, -1].map(kind => refused(9, id, Reason.UnknownKind, [kind])),
  )
  // A frame that ends in the middle of a value, or goes on behind it, is refused where it is taken apart.
  for (const kind of [Kind.QueryOrders, Kind.Subscribe, Kind.Accounts]) {
    for (const tail of [Buffer.from([0xd9]), Buffer.from([1, 0xc0]), Buffer.from([0x81, 0x90, 0xc0])]) {
      const body = Buffer.concat([Buffer.from([0x94, kind, 9, 0]), tail])
      const header = Buffer.alloc(4)
      header.writeUInt32BE(body.length)
      peer.sendBytes(Buffer.concat([header, body]))
      deepEqual(peer.take(), [refused(9, 0, Reason.MalformedFrame)])
    }
  }
  equal(rehearsal.sessionOf(peer).inFlight, 0)
})

test('a frame over the limit ends the connection before it is stored', async t => {
  const rehearsal = await staged(t, { gateLimits: { frameBytesMax: 1000 } })
  const peer = await rehearsal.login('alice')
  const header = Buffer.alloc(4)
  header.writeUInt32BE(0xffff_ffff)
  peer.sendBytes(header)
  deepEqual(peer.take(), [closing(Reason.FrameTooLarge, [0xffff_ffff, 1000])])
})

test('garbage of any kind costs its own connection at most', async t => {
  const rehearsal = await staged(t)
  const bystander = await rehearsal.login('bob')
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 40 }),
          fc
            .tuple(fc.integer({ min: 1, max: 13 }), fc.uint8Array({ maxLength: 20 }))
            .map(([kind, tail]) =>
              Buffer.of(0, 0, 0, 4 + tail.length, 0x90 | (3 + ((tail[0] ?? 0) % 13)), kind, 5, 0, ...tail),
            ),
          fc.array(fc.jsonValue(), { maxLength: 14 }).map(list => Uint8Array.from(framed(list))),
          fc
            .tuple(fc.integer({ min: 1, max: 13 }), fc.array(fc.anything({ maxDepth: 2 }), { maxLength: 12 }))
            .map(([kind, rest]) => Uint8Array.from(framed([kind, 5, 0, ...rest.map(value => value as Value)]))),
        ),
        { maxLength: 8 },
      ),
      async chunks => {
        const peer = await rehearsal.login('alice')
        for (const chunk of chunks) peer.sendBytes(chunk)
        await rehearsal.settle()
        const heard = peer.take()
        if (rehearsal.sessionOf(peer).stage !== SessionStage.Closed) {
          equal(rehearsal.sessionOf(peer).inFlight, 0, JSON.stringify(heard))
          rehearsal.hangUp(peer)
        }
      },
    ),
    { numRuns: 300 },
  )
  submit(bystander)
  await rehearsal.settle()
  deepEqual(
    bystander.take().map(([kind]) => kind),
    [Kind.OrderAccepted],
  )
})

test('requests over the limit of unanswered ones are refused, those within it answered', async t => {
  const rehearsal = await staged(t, { gateLimits: { inFlightMax: 3 } })
  const peer = await rehearsal.login('alice')
  const ids = Array.from({ length: 5 }, () => submit(peer))
  peer.request(Kind.Positions, 0)
  await rehearsal.settle()
  const heard = answers(peer.take())
  deepEqual(
    heard.map(([kind, requestId]) => [kind, requestId]),
    [
      [Kind.Refused, ids[3]],
      [Kind.Refused, ids[4]],
      [Kind.Refused, ids[4]! + 1],
      ...ids.slice(0, 3).map(id => [Kind.OrderAccepted, id]),
    ],
  )
  deepEqual(heard[0], refused(ids[3]!, 0, Reason.TooManyInFlight, [3]))
  equal(rehearsal.sessionOf(peer).inFlight, 0)
  // Everything else that can be asked gives its place back as well, answered or refused.
  const account = rehearsal.directory.id('alice')
  for (const message of [
    [Kind.Cancel, account, 1],
    [Kind.Cancel, account, 1],
    [Kind.Cancel, account, 999],
    [Kind.Update, account, 1],
    [Kind.LoadOrder, 0, 2],
    [Kind.LoadOrder, 0, 999],
    [Kind.LoadOrder, 0, 'x'],
    [Kind.QueryOrders, 0, 0, -1, 3],
    [Kind.QueryOrders, 0, 'x'],
    [Kind.QueryOrders, 0, 0, -2, 9],
    [Kind.QueryOrders, 0, 0, -2, 1, -1],
    [Kind.QueryOrders, 0, 0, -2, 3, 0, ['=', 'nothing', 1]],
    [Kind.QueryReports, 0, 0, -2, 3],
    [Kind.Subscribe, 0, 0, 1],
    [Kind.Subscribe, 0, 0, 1_000_000],
    [Kind.Subscribe, 0, 5, 1],
    [Kind.Subscribe, 0, 1, 0, 5],
    [Kind.Unsubscribe, 0, 1],
    [Kind.Unsubscribe, 0, 1],
    [Kind.Positions, 0],
    [Kind.Find, 0, 0, 'alice'],
    [Kind.Find, 0, 3, 'alice'],
    [Kind.Accounts, 0],
    [Kind.Accounts, 0, 'x'],
    [Kind.Submit, 0],
    [Kind.Submit, account, ...submitElements({ quantity: -1 })],
    [Kind.Submit, account, ...submitElements({ clOrdId: 'a' })],
    [Kind.Submit, account, ...submitElements({ clOrdId: 'a' })],
    [Kind.Submit, account, ...submitElements({ clOrdId: 'a', quantity: 5 })],
    [Kind.Login, 0, 'alice', 'alice', 1],
    [60, 0],
  ] as const) {
    const requestId = peer.request(message[0], message[1], ...message.slice(2))
    await rehearsal.settle()
    equal(rehearsal.sessionOf(peer).inFlight, 0, JSON.stringify(message))
    ok(
      peer.take().some(heard => heard[1] === requestId),
      JSON.stringify(message),
    )
  }
})

test('a full command ring stops the reading of the session that met it, and it goes on where it stopped', async t => {
  const rehearsal = await staged(t, { commandRingBytes: 4096 })
  const [alice, bob] = [await rehearsal.login('alice'), await rehearsal.login('bob')]
  const elements = submitElements()
  const frames = Array.from({ length: 130 }, (_, i) => framed([Kind.Submit, 100 + i, 0, ...elements]))
  alice.sendBytes(Buffer.concat(frames.slice(0, 100)))
  const session = rehearsal.sessionOf(alice)
  ok(alice.isPaused && session.stalled)
  // A byte at a time, the rest arrives while the session is stalled.
  for (const byte of Buffer.concat(frames.slice(100))) alice.sendBytes(Uint8Array.of(byte))
  submit(bob)
  ok(bob.isPaused)
  // A silence that we have caused ourselves is none.
  rehearsal.nowUs += 60_000_000
  rehearsal.gate.tick(rehearsal.nowMs)
  equal(session.stage, SessionStage.Live)
  await rehearsal.settle()
  const heard = alice.take().filter(([kind]) => kind === Kind.OrderAccepted)
  deepEqual(
    heard.map(message => message[1]),
    range(100, 229),
  )
  deepEqual(
    sequencesOf(heard),
    range(1, 260).filter(sequence => sequence % 2 === 1),
  )
  equal(bob.take().filter(isEvent).length, 1)
  ok(!alice.isPaused && !bob.isPaused && !session.stalled && !rehearsal.gate.hasStalled)
  equal(session.inFlight, 0)
})

test('a session that is closed while it is stalled leaves nothing behind', async t => {
  const rehearsal = await staged(t, { commandRingBytes: 4096 })
  const alice = await rehearsal.login('alice')
  alice.sendBytes(Buffer.concat(Array.from({ length: 130 }, () => framed([Kind.Submit, 1, 0, ...submitElements()]))))
  ok(rehearsal.gate.hasStalled)
  rehearsal.hangUp(alice)
  ok(!rehearsal.gate.hasStalled)
  await rehearsal.settle()
  deepEqual(alice.take(), [])
})

test('heartbeats go out after silence of ours, and a silent client is closed after three of them', async t => {
  const rehearsal = await staged(t, { gateLimits: { heartbeatMs: 1000 } })
  const peer = await rehearsal.login('alice')
  const tick = (ms: number): Value[][] => {
    rehearsal.nowUs += ms * 1000
    rehearsal.gate.tick(rehearsal.nowMs)
    return peer.take()
  }
  deepEqual(tick(999), [])
  deepEqual(tick(1), [[Kind.ServerHeartbeat, 0, 0]])
  deepEqual(tick(999), [])
  peer.send([Kind.Heartbeat, 0, 0])
  deepEqual(peer.take(), [])
  deepEqual(tick(1), [[Kind.ServerHeartbeat, 0, 0]])
  for (const _ of range(1, 2)) deepEqual(tick(1000), [[Kind.ServerHeartbeat, 0, 0]])
  // 2001 ms since it was heard, then 3000: still there; a millisecond more is too much.
  deepEqual(tick(999), [])
  deepEqual(tick(1), [closing(Reason.PeerSilent, [3000])])
  equal(rehearsal.gate.sessions.size, 0)
})

test('a client that does not read is closed once its limit is passed, and the others hear on', async t => {
  const rehearsal = await staged(t, { gateLimits: { outboxBytesMax: 3000 } })
  const [slow, quick] = [await rehearsal.login('mona'), await rehearsal.login('max')]
  const account = rehearsal.directory.id('alice')
  for (const peer of [slow, quick]) peer.request(Kind.Subscribe, account, 0, 1)
  await rehearsal.settle()
  slow.take()
  quick.take()
  slow.reads = false
  const trader = await rehearsal.login('alice')
  for (let i = 0; i < 60; i++) {
    submit(trader)
    await rehearsal.settle()
    if (i === 5) equal(rehearsal.sessionOf(slow).stage, SessionStage.Live)
  }
  equal(rehearsal.sessionOf(slow).stage, SessionStage.Closed)
  ok(slow.isDestroyed)
  deepEqual(sequencesOf(quick.take()), range(1, 120))
  equal(rehearsal.subscriptions.followers(rehearsal.directory.rowOf(account))?.length, 1)
})

test('what waits for a history is bounded: the session is closed, its neighbours in the list miss nothing', async t => {
  const rehearsal = await staged(t, { heldBytesMax: 500 })
  const account = rehearsal.directory.id('alice')
  const trader = await rehearsal.login('alice')
  const peers = [await rehearsal.login('mona'), await rehearsal.login('max'), await rehearsal.login('root')] as const
  const [waiting, ...others] = peers
  // The history of the first is asked for and never answered.
  waiting.request(Kind.Subscribe, account, 0, 0)
  submit(trader)
  await rehearsal.settle()
  waiting.take()
  waiting.request(Kind.QueryReports, account, 0, -1, 3)
  rehearsal.turnShard(0)
  rehearsal.turnPump()
  for (const peer of others) {
    peer.request(Kind.Subscribe, account, 0, 0)
    rehearsal.turnShard(0)
    rehearsal.turnPump()
    await eventLoopTurn()
  }
  for (let i = 0; i < 10; i++) {
    submit(trader)
    rehearsal.turnShard(0)
    rehearsal.turnPump()
  }
  equal(rehearsal.sessionOf(waiting).stage, SessionStage.Closed)
  await rehearsal.settle()
  for (const peer of others) deepEqual(sequencesOf(peer.take()), range(3, 22))
})

test('a client that reads its answer slowly gets it slowly, and whole', async t => {
  const rehearsal = await staged(t, { unreadBytesMax: 1000, shardLimits: { liveOrdersMax: 10_000 } })
  const peer = await rehearsal.login('alice')
  for (let i = 0; i < 4000; i++) {
    submit(peer, { tags: [[18, 5, 'x'.repeat(100)]] })
    if (i % 100 === 0) await rehearsal.settle()
  }
  await rehearsal.settle()
  peer.take()
  peer.reads = false
  peer.request(Kind.QueryReports, 0, 0, -2, 3)
  let pages = 0
  const heard: Value[][] = []
  for (; !heard.some(([kind]) => kind === Kind.QueryEnd); pages++) {
    await rehearsal.settle()
    ok(peer.waitingBytes < 600_000, 'one page and what goes with it')
    peer.readOn()
    peer.reads = false
    heard.push(...peer.take())
    ok(pages < 100)
  }
  ok(pages > 3)
  deepEqual(sequencesOf(heard.slice(0, -1).map(record => record[3] as Value[])), range(1, 8000))
})

test('the same bytes go to every follower, with the request id for the one who asked alone', async t => {
  const rehearsal = await staged(t)
  const account = rehearsal.directory.id('alice')
  const [trader, twin, manager] = [
    await rehearsal.login('alice'),
    await rehearsal.login('alice'),
    await rehearsal.login('mona'),
  ]
  for (const peer of [trader, twin, manager]) peer.request(Kind.Subscribe, account, 0, 0)
  await rehearsal.settle()
  for (const peer of [trader, twin, manager]) peer.take()
  const requestId = submit(trader)
  await rehearsal.settle()
  const [own, report] = trader.take() as [Value[], Value[]]
  equal(own[1], requestId)
  const copy = [own[0], 0, ...own.slice(2)]
  deepEqual(twin.take(), [copy, report])
  deepEqual(manager.take(), [copy, report])
  equal(report[1], 0)
  // A manager's order for the account: the answer is the manager's copy, everybody else gets theirs.
  const forAlice = submit(manager, { account })
  await rehearsal.settle()
  const [answer, second] = manager.take() as [Value[], Value[]]
  equal(answer[1], forAlice)
  deepEqual(trader.take(), [[answer[0], 0, ...answer.slice(2)], second])
})

test('without an order id there is no order', async t => {
  const rehearsal = await staged(t)
  const peer = await rehearsal.login('alice')
  rehearsal.nextOrderId = 0
  const requestId = submit(peer)
  deepEqual(peer.take(), [refused(requestId, 0, Reason.ServiceUnavailable, ['uid'])])
})

test('a server that stops takes no orders and no connections, but finishes what is under way', async t => {
  const rehearsal = await staged(t)
  const peer = await rehearsal.login('alice')
  const first = submit(peer)
  rehearsal.gate.stopAccepting()
  const second = submit(peer)
  const refusedPeer = rehearsal.connect()
  deepEqual(
    refusedPeer.take(),
    [closing(Reason.Stopping, [1000])].map(message => [...message]),
  )
  await rehearsal.settle()
  deepEqual(
    answers(peer.take()).map(([kind, requestId]) => [kind, requestId]),
    [
      [Kind.Refused, second],
      [Kind.OrderAccepted, first],
    ],
  )
  rehearsal.gate.closeAll()
  deepEqual(peer.take(), [closing(Reason.Stopping)])
})

test('an answer for a session that has gone goes nowhere, also where its place is taken by another', async t => {
  const rehearsal = await staged(t)
  const first = await rehearsal.login('alice')
  submit(first)
  rehearsal.hangUp(first)
  const second = rehearsal.connect('second')
  equal(rehearsal.sessionOf(second).word & 0xffff, rehearsal.sessionOf(first).word & 0xffff)
  await rehearsal.settle()
  deepEqual(first.take(), [])
  deepEqual(second.take(), [])
})
