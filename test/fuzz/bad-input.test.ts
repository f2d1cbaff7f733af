// What clients can get wrong, on purpose or not, against the real server: each gets its coded answer or a closed
// connection with a reason, and a client that behaves well beside them notices nothing.

import { deepEqual, ok, strictEqual } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { OrderType } from '../../src/domain/order-type.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { Side } from '../../src/domain/side.ts'
import { TimeInForce } from '../../src/domain/time-in-force.ts'
import { encodeFrame } from '../../src/protocol/frames.ts'
import { Kind, LimitKind, RangePoint } from '../../src/protocol/kinds.ts'
import { pack } from '../../src/protocol/msgpack.ts'
import { Random, seedOf } from '../fault/random.ts'
import { merged, ServerProcess, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { type Message, WireClient } from '../fault/wire-client.ts'
import { Neighbour } from './neighbour.ts'
import { strangeValues, validRequests } from './requests.ts'

const seed = seedOf('OES_FUZZ_SEED')
const mutations = Number(process.env.OES_MUTATIONS ?? 4_000)
const HEARTBEAT_MS = 1_000
const IN_FLIGHT_MAX = 200
const CONNECTIONS_MAX = 40
const LOGIN_MS = 5_000
/** What a run of these tests may add to the server's memory. */
const GROWTH_BYTES_MAX = 300 << 20

const folder = temporaryFolder()
let server: ServerProcess
let neighbour: Neighbour
let residentBefore = 0

before(async () => {
  server = await ServerProcess.start(
    folder.path,
    merged(testSettings(folder.path), {
      limits: {
        heartbeat_ms: HEARTBEAT_MS,
        in_flight_max: IN_FLIGHT_MAX,
        connections_max: CONNECTIONS_MAX,
        login_ms: LOGIN_MS,
        outbox_bytes_max: 1 << 20,
        subscriptions_max: 20,
      },
    }),
  )
  neighbour = await Neighbour.begin(server.port)
  residentBefore = server.residentBytes
})

after(async () => {
  await folder.remove()
})

/** A connection, logged in and kept alive. */
async function loggedIn(name: string): Promise<WireClient> {
  const client = await WireClient.login(server.port, name)
  const beating = setInterval(() => client.sendRaw(frame([Kind.Heartbeat, 0, 0])), HEARTBEAT_MS)
  client.closed.then(() => clearInterval(beating))
  return client
}

function frame(message: unknown): Buffer {
  return encodeFrame(pack(message))
}

/** Sends bytes on a new connection; the code of the server's closing it. */
async function closingAfter(bytes: Uint8Array): Promise<number> {
  const client = await WireClient.connect(server.port)
  client.sendRaw(bytes)
  return client.closing()
}

const login = [Kind.Login, 1, 0, 'bob', 'bob', 1]

test('bytes that are no login close a new connection, each with its reason', async () => {
  const u32 = (length: number) => Buffer.from([length >>> 24, length >>> 16, length >>> 8, length])
  const cases: [string, Uint8Array, number][] = [
    ['garbage', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), Reason.FrameTooLarge],
    ['length 0', u32(0), Reason.MalformedFrame],
    ['length of 4 GiB', u32(0xffff_ffff), Reason.FrameTooLarge],
    ['length that looks negative', u32(0x8000_0000), Reason.FrameTooLarge],
    ['length just above the limit', u32(65_537), Reason.FrameTooLarge],
    ['no array', frame('text'), Reason.MalformedFrame],
    ['a map', frame({ kind: 1 }), Reason.MalformedFrame],
    ['an empty array', frame([]), Reason.MalformedFrame],
    ['two elements', frame([Kind.Login, 1]), Reason.MalformedFrame],
    ['a kind that is text', frame(['1', 1, 0]), Reason.MalformedFrame],
    ['a kind that is NaN', frame([Number.NaN, 1, 0]), Reason.MalformedFrame],
    ['a negative request id', frame([Kind.Login, -1, 0, 'bob', 'bob', 1]), Reason.MalformedFrame],
    ['a request id of 2^32', frame([Kind.Login, 2 ** 32, 0, 'bob', 'bob', 1]), Reason.MalformedFrame],
    [
      'an array that announces more than there is',
      encodeFrame(Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])),
      Reason.MalformedFrame,
    ],
    ['unused tags', encodeFrame(Buffer.from([0xc1, 0xc1, 0xc1])), Reason.MalformedFrame],
    ['a request before the login', frame([Kind.Positions, 1, 0]), Reason.NotLoggedIn],
    ['an unknown kind before the login', frame([200, 1, 0]), Reason.NotLoggedIn],
    ['a login without password', frame([Kind.Login, 1, 0, 'bob']), Reason.MalformedMessage],
    ['a login with numbers', frame([Kind.Login, 1, 0, 1, 2, 1]), Reason.MalformedMessage],
    ['a login with a long name', frame([Kind.Login, 1, 0, 'b'.repeat(257), 'bob', 1]), Reason.MalformedMessage],
    ['another version', frame([Kind.Login, 1, 0, 'bob', 'bob', 2]), Reason.ProtocolVersion],
    ['no version', frame([Kind.Login, 1, 0, 'bob', 'bob']), Reason.ProtocolVersion],
    ['a wrong password', frame([Kind.Login, 1, 0, 'bob', 'alice', 1]), Reason.LoginFailed],
    ['an unknown name', frame([Kind.Login, 1, 0, 'mallory', 'mallory', 1]), Reason.LoginFailed],
    ['a second login before the answer', Buffer.concat([frame(login), frame(login)]), Reason.NotLoggedIn],
  ]
  const codes = await Promise.all(cases.map(async ([what, bytes]) => [what, await closingAfter(bytes)]))
  deepEqual(
    codes,
    cases.map(([what, , code]) => [what, code]),
  )
})

test('who says nothing, or half a login, is let go when the time for it is over', async () => {
  const silent = await WireClient.connect(server.port)
  const half = await WireClient.connect(server.port)
  half.sendRaw(frame(login).subarray(0, 7))
  deepEqual(await Promise.all([silent.closing(), half.closing()]), [Reason.LoginTimeout, Reason.LoginTimeout])
})

test('a login cut into single bytes works like a whole one', async () => {
  const client = await WireClient.connect(server.port)
  for (const byte of frame(login)) {
    client.sendRaw(Buffer.from([byte]))
    await new Promise(resolve => setImmediate(resolve))
  }
  const answer = await client.until(() => true)
  strictEqual(answer[0], Kind.LoggedIn)
  await client.end()
})

test('a peer that falls silent is let go with the reason', async () => {
  const client = await WireClient.login(server.port, 'bob')
  strictEqual(await client.closing(), Reason.PeerSilent)
})

test('requests that make no sense are refused with their codes, and the connection goes on', async () => {
  const client = await loggedIn('bob')
  const alice = (await client.ask([Kind.Find, 0, 0, 0, 'alice']))[3] as number // of a Found
  const submit = (changes: Record<number, unknown>): unknown[] => {
    const message: unknown[] = [
      Kind.Submit,
      0,
      0,
      'ABX.TSX',
      OrderType.Limit,
      Side.Bid,
      100,
      20,
      TimeInForce.Gtc,
      '',
      0,
      '',
      0,
      null,
    ]
    for (const [at, value] of Object.entries(changes)) message[Number(at)] = value
    return message
  }
  const cases: [string, unknown[], number][] = [
    ['an unknown kind', [99, 0, 0], Reason.UnknownKind],
    ["an answer's kind", [Kind.OrderAccepted, 0, 0], Reason.UnknownKind],
    ['a negative kind', [-5, 0, 0], Reason.UnknownKind],
    ['a second login', login, Reason.AlreadyLoggedIn],
    ["somebody else's account", [Kind.Positions, 0, alice], Reason.NotPermitted],
    ["an order for somebody else's account", submit({ 2: alice }), Reason.NotPermitted],
    ["a cancel of somebody else's account", [Kind.Cancel, 0, alice, 1], Reason.NotPermitted],
    ["somebody else's orders", [Kind.QueryOrders, 0, alice], Reason.NotPermitted],
    ["somebody else's reports", [Kind.QueryReports, 0, alice], Reason.NotPermitted],
    ["following somebody else's account", [Kind.Subscribe, 0, alice], Reason.NotPermitted],
    ['an unknown account', [Kind.Positions, 0, 4_000_000_000], Reason.UnknownAccount],
    ['an order for an unknown account', submit({ 2: 4_000_000_000 }), Reason.UnknownAccount],
    ['an update by who is no administrator', [Kind.Update, 0, 0, 1, 3, 100, 10], Reason.NotPermitted],
    ['a cancel of no order', [Kind.Cancel, 0, 0, 77], Reason.UnknownOrder],
    ['a cancel of order 0', [Kind.Cancel, 0, 0, 0], Reason.UnknownOrder],
    ['a cancel of a negative order', [Kind.Cancel, 0, 0, -1], Reason.UnknownOrder],
    ['a cancel of 2^53+2', [Kind.Cancel, 0, 0, 2 ** 53 + 2], Reason.MalformedMessage],
    ['a cancel without order', [Kind.Cancel, 0, 0], Reason.MalformedMessage],
    ['a cancel with too much', [Kind.Cancel, 0, 0, 1, 2], Reason.MalformedMessage],
    ['loading no order', [Kind.LoadOrder, 0, 0, 77], Reason.UnknownOrder],
    ['loading a text', [Kind.LoadOrder, 0, 0, 'x'], Reason.MalformedMessage],
    ['an order without ticker', submit({ 3: 7 }), Reason.MalformedMessage],
    ['a ticker too long', submit({ 3: 'A'.repeat(33) }), Reason.MalformedMessage],
    ['a type that is text', submit({ 4: '2' }), Reason.MalformedMessage],
    ['a side of 1.5', submit({ 5: 1.5 }), Reason.MalformedMessage],
    ['a quantity that is NaN', submit({ 6: Number.NaN }), Reason.InvalidQuantity],
    ['a quantity that is infinite', submit({ 6: Number.POSITIVE_INFINITY }), Reason.InvalidQuantity],
    ['a quantity of 2^53+2', submit({ 6: 2 ** 53 + 2 }), Reason.InvalidQuantity],
    ['a quantity with seven decimals', submit({ 6: 1.0000001 }), Reason.InvalidQuantity],
    ['a quantity that is text', submit({ 6: '100' }), Reason.MalformedMessage],
    ['a price that is NaN', submit({ 7: Number.NaN }), Reason.InvalidPrice],
    ['a price of minus infinity', submit({ 7: Number.NEGATIVE_INFINITY }), Reason.InvalidPrice],
    ['a price that is a list', submit({ 7: [20] }), Reason.MalformedMessage],
    ['a destination too long', submit({ 9: 'X'.repeat(17) }), Reason.MalformedMessage],
    ['a currency that is text', submit({ 10: 'CAD' }), Reason.MalformedMessage],
    ['a client order id too long', submit({ 11: 'x'.repeat(37) }), Reason.InvalidClOrdId],
    ['a client order id that is a number', submit({ 11: 5 }), Reason.MalformedMessage],
    ['a negative expiry', submit({ 12: -5 }), Reason.InvalidExpiry],
    ['an expiry that is text', submit({ 12: 'tomorrow' }), Reason.InvalidExpiry],
    ['tags that are text', submit({ 13: 'tags' }), Reason.InvalidTags],
    ['a tag of two elements', submit({ 13: [[18, 5]] }), Reason.InvalidTags],
    ['a tag of key 0', submit({ 13: [[0, 5, 'x']] }), Reason.InvalidTags],
    ['a tag of an unknown type', submit({ 13: [[18, 9, 'x']] }), Reason.InvalidTags],
    ['a tag with a NaN', submit({ 13: [[18, 1, Number.NaN]] }), Reason.InvalidTags],
    ['too many tags', submit({ 13: Array.from({ length: 33 }, () => [18, 5, 'R']) }), Reason.InvalidTags],
    [
      'tags of too many bytes',
      submit({ 13: Array.from({ length: 30 }, () => [18, 5, 'R'.repeat(200)]) }),
      Reason.InvalidTags,
    ],
    ['an order with too many elements', [...submit({}), 1], Reason.MalformedMessage],
    ['an order with too few elements', submit({}).slice(0, 8), Reason.MalformedMessage],
    ['a start that is text', [Kind.QueryOrders, 0, 0, 'x'], Reason.InvalidRange],
    ['a start of −3', [Kind.QueryOrders, 0, 0, -3], Reason.InvalidRange],
    ['an end that is NaN', [Kind.QueryReports, 0, 0, 0, Number.NaN], Reason.InvalidRange],
    ['an unknown limit', [Kind.QueryOrders, 0, 0, 0, RangePoint.Present, 9, 1], Reason.InvalidLimit],
    ['a negative limit', [Kind.QueryOrders, 0, 0, 0, RangePoint.Present, LimitKind.Head, -1], Reason.InvalidLimit],
    ['a filter of nonsense', [Kind.QueryOrders, 0, 0, 0, RangePoint.Present, 3, 0, ['?', 1]], Reason.InvalidFilter],
    ['a filter that is text', [Kind.QueryOrders, 0, 0, 0, RangePoint.Present, 3, 0, 'is_live'], Reason.InvalidFilter],
    ['an unknown scope', [Kind.Subscribe, 0, 0, 7], Reason.MalformedMessage],
    ['a group of nobody', [Kind.Subscribe, 0, 0, 1, 0, 12_345], Reason.UnknownGroup],
    [
      'a group one does not manage',
      [Kind.Subscribe, 0, 0, 1, 0, (await client.ask([Kind.Find, 0, 0, 1, 'north']))[3]],
      Reason.NotPermitted,
    ],
    ['a sequence that is not there yet', [Kind.Subscribe, 0, 0, 0, 1_000_000], Reason.InvalidRange],
    ['a negative sequence', [Kind.Subscribe, 0, 0, 0, -1], Reason.MalformedMessage],
    ['ending no subscription', [Kind.Unsubscribe, 0, 0, 5], Reason.UnknownSubscription],
    ['ending a text', [Kind.Unsubscribe, 0, 0, 'x'], Reason.UnknownSubscription],
    ['finding nobody', [Kind.Find, 0, 0, 0, 'nobody'], Reason.UnknownAccount],
    ['finding no group', [Kind.Find, 0, 0, 1, 'nobody'], Reason.UnknownGroup],
    ['finding a third thing', [Kind.Find, 0, 0, 2, 'alice'], Reason.MalformedMessage],
    ['finding without name', [Kind.Find, 0, 0, 0], Reason.MalformedMessage],
    ['accounts after a text', [Kind.Accounts, 0, 0, 'x'], Reason.MalformedMessage],
    ['nesting without end', [Kind.QueryOrders, 0, 0, 0, -2, 3, 0, strangeValues.at(-1)], Reason.MalformedFrame],
  ]
  const answers: unknown[] = []
  for (const [what, message] of cases) {
    const answer = await client.ask(message)
    answers.push([what, answer[0], answer[3]])
  }
  deepEqual(
    answers,
    cases.map(([what, , code]) => [what, Kind.Refused, code]),
  )
  await client.end()
})

test('an order that is understood and makes no sense is a rejected order with its reason', async () => {
  const client = await loggedIn('dave')
  const cases: [string, Record<number, unknown>, number][] = [
    ['no symbol', { 3: '.TSX' }, Reason.SymbolMissing],
    ['nothing for a ticker', { 3: '' }, Reason.VenueMissing],
    ['no venue', { 3: 'ABX' }, Reason.VenueMissing],
    ['side −1', { 5: -1 }, Reason.InvalidSide],
    ['side 9', { 5: 9 }, Reason.InvalidSide],
    ['type 99', { 4: 99 }, Reason.InvalidOrderType],
    ['time in force −1', { 8: -1 }, Reason.InvalidTimeInForce],
    ['quantity 0', { 6: 0 }, Reason.InvalidQuantity],
    ['quantity −0', { 6: -0 }, Reason.InvalidQuantity],
    ['quantity −100', { 6: -100 }, Reason.InvalidQuantity],
    ['price −1', { 7: -1 }, Reason.InvalidPrice],
    ['price −0', { 7: -0 }, Reason.InvalidPrice],
    ['an expiry that is not asked for', { 12: 5 }, Reason.InvalidExpiry],
    ['an unknown currency', { 10: 1 }, Reason.UnknownCurrency],
    ['an unknown destination', { 9: 'NOWHERE' }, Reason.UnknownDestination],
    ['a destination of another venue', { 9: 'ASXT' }, Reason.DestinationVenue],
    ['an odd lot', { 6: 150 }, Reason.BoardLot],
  ]
  const told: unknown[] = []
  await client.ask([Kind.Subscribe, 0, 0])
  for (const [what, changes] of cases) {
    const message: unknown[] = [
      Kind.Submit,
      0,
      0,
      'ABX.TSX',
      OrderType.Limit,
      Side.Bid,
      100,
      20,
      TimeInForce.Gtc,
      '',
      0,
      '',
      0,
      null,
    ]
    for (const [at, value] of Object.entries(changes)) message[Number(at)] = value
    const rejected = client.until(report => report[0] === Kind.ExecutionReport)
    const answer = await client.ask(message)
    if (answer[0] !== Kind.OrderAccepted) told.push([what, answer])
    else told.push([what, (await rejected)[17]])
  }
  deepEqual(
    told,
    cases.map(([what, , code]) => [what, code]),
  )
  await client.end()
})

test('every strange value in every place of every request is answered or closes the connection with a reason', async () => {
  // The administrator's updates are read to their end; everybody else's are refused at the door.
  for (const name of ['bob', 'administrator']) {
    let client = await loggedIn(name)
    const order = await client.ask([
      Kind.Submit,
      0,
      0,
      'ABX.TSX',
      OrderType.Limit,
      Side.Bid,
      10_000,
      10,
      TimeInForce.Gtc,
    ])
    strictEqual(order[0], Kind.OrderAccepted)
    for (const request of validRequests(client.account, order[4])) {
      for (let place = 2; place <= request.length; place++) {
        for (const value of strangeValues) {
          const spoiled = request.slice()
          spoiled[place] = value
          const sent = `${JSON.stringify(request)} with ${String(JSON.stringify(value)).slice(0, 40)} at ${place}`
          const answer = await client.askAny(spoiled)
          if (answer === undefined) {
            strictEqual(client.closingCode, Reason.MalformedFrame, `closed with ${client.closingCode} after ${sent}`)
            client = await loggedIn(name)
          } else if (answer[0] === Kind.Subscribed) {
            await client.ask([Kind.Unsubscribe, 0, 0, answer[3]])
          } else if (answer[0] === Kind.QueryEnd && answer[4] !== 0) {
            await client.ask([Kind.Unsubscribe, 0, 0, answer[4]])
          } else if (answer[0] === Kind.Refused) {
            ok(answer[3] !== Reason.Internal, `an internal failure after ${sent}`)
          }
        }
      }
    }
    await client.end()
  }
  neighbour.undisturbed()
})

test('more requests in flight than allowed are refused, one by one, and the rest are answered', async () => {
  const client = await loggedIn('bob')
  const answers = new Map<number, Message>()
  const count = 20 * IN_FLIGHT_MAX
  const all = new Promise<void>(resolve => {
    client.onMessage = message => {
      if (message[1] === 0) return
      answers.set(message[1] as number, message)
      if (answers.size === count) resolve()
    }
  })
  client.socket.cork()
  for (let i = 0; i < count; i++)
    client.send([Kind.Submit, 0, 0, 'ABX.TSX', OrderType.Limit, Side.Bid, 150, 20, TimeInForce.Gtc])
  client.socket.uncork()
  await all
  const kinds = [...answers.values()].map(([kind, , , code]) => (kind === Kind.Refused ? `refused ${code}` : kind))
  deepEqual([...new Set(kinds)].sort(), [Kind.OrderAccepted, `refused ${Reason.TooManyInFlight}`])
  await client.end()
})

test('more connections than allowed are told so, and those that are there stay', async () => {
  const client = await loggedIn('bob')
  const flood = await Promise.all(Array.from({ length: 3 * CONNECTIONS_MAX }, () => WireClient.connect(server.port)))
  const codes = await Promise.all(flood.map(connection => connection.closing()))
  deepEqual([...new Set(codes)].sort(), [Reason.TooManyConnections, Reason.LoginTimeout])
  ok(codes.filter(code => code === Reason.TooManyConnections).length >= 2 * CONNECTIONS_MAX)
  strictEqual((await client.ask([Kind.Positions, 0, 0]))[0], Kind.PositionList)
  await client.end()
})

test('who follows and does not read is let go; who trades meanwhile does not notice', async () => {
  const slow = await loggedIn('margaret')
  const alice = (await slow.ask([Kind.Find, 0, 0, 0, 'alice']))[3] as number // of a Found
  await slow.ask([Kind.Subscribe, 0, alice, 0, 0])
  slow.socket.pause()
  const trader = await loggedIn('alice')
  const text = 'x'.repeat(250)
  const tags = Array.from({ length: 15 }, () => [1_000, 5, text])
  // Until the server has let the slow reader go, which it says in its log.
  while (!new RegExp(`session closed .*account=margaret reason=${Reason.SlowReader}`).test(server.log)) {
    await Promise.all(
      Array.from({ length: 100 }, () =>
        trader.ask([
          Kind.Submit,
          0,
          0,
          'ABX.TSX',
          OrderType.Limit,
          Side.Bid,
          150,
          20,
          TimeInForce.Gtc,
          '',
          0,
          '',
          0,
          tags,
        ]),
      ),
    )
  }
  slow.socket.resume()
  await slow.closed
  await trader.end()
  neighbour.undisturbed()
})

test(`${mutations} spoiled sequences of requests neither end the server nor disturb anybody`, async t => {
  t.diagnostic(`seed ${seed}`)
  const random = new Random(seed)
  const requests = [...validRequests(0, 1), login].map(frame)
  let done = 0
  const closings = new Map<number, number>()
  const failures: unknown[] = []
  while (done < mutations) {
    const client = await WireClient.login(server.port, random.pick(['bob', 'erin', 'frank', 'administrator']))
    client.onMessage = ([kind, , , code]) =>
      ok(kind !== Kind.Refused || code !== Reason.Internal, 'an internal failure')
    client.failed.catch(error => failures.push(error))
    while (!client.isClosed && done < mutations) {
      let bytes = Buffer.concat(Array.from({ length: random.whole(1, 4) }, () => random.pick(requests)))
      for (let changes = random.whole(1, 3); changes > 0; changes--) bytes = spoiled(bytes, random, requests)
      client.sendRaw(bytes)
      done += 1
      await new Promise(resolve => setImmediate(resolve))
      if (random.chance(0.3)) break
    }
    // The server reads what was sent to its end, answers, and closes too.
    client.socket.end()
    await client.closed
    closings.set(client.closingCode, (closings.get(client.closingCode) ?? 0) + 1)
  }
  t.diagnostic(`closed: ${JSON.stringify(Object.fromEntries(closings))}`)
  ok(!server.hasEnded, `the server ended:\n${server.log.slice(-2_000)}`)
  deepEqual(failures, [])
  const allowed: number[] = [
    0,
    Reason.MalformedFrame,
    Reason.FrameTooLarge,
    Reason.SlowReader,
    Reason.PeerSilent,
    Reason.TooManyConnections,
  ]
  deepEqual(
    [...closings.keys()].filter(code => !allowed.includes(code)),
    [],
  )
  neighbour.undisturbed()
})

/** Bytes with one thing about them changed. */
function spoiled(bytes: Buffer, random: Random, requests: readonly Buffer[]): Buffer<ArrayBuffer> {
  const at = random.whole(0, Math.max(0, bytes.length - 1))
  const copy = Buffer.from(bytes)
  switch (random.whole(0, 5)) {
    case 0:
      copy[at] ^= 1 << random.whole(0, 7)
      return copy
    case 1:
      copy[at] = random.pick([0, 0x7f, 0x80, 0x90, 0xc0, 0xc1, 0xca, 0xcb, 0xd3, 0xdc, 0xdd, 0xdf, 0xff])
      return copy
    case 2:
      return copy.subarray(0, at)
    case 3:
      return Buffer.concat([copy.subarray(0, at), random.pick(requests), copy.subarray(at)])
    case 4:
      return Buffer.concat([copy.subarray(0, at), Buffer.alloc(random.whole(1, 40), random.whole(0, 255))])
    default: {
      if (copy.length < 4) return copy
      // The length of the first frame grows or shrinks with what it holds.
      const frameEnd = Math.min(copy.length, 4 + copy.readUInt32BE(0))
      const body = Buffer.concat([copy.subarray(4, frameEnd), copy.subarray(4, random.whole(4, frameEnd))])
      return Buffer.concat([encodeFrame(body), copy.subarray(frameEnd)])
    }
  }
}

test('after all of it the server has kept its memory bounded, and its neighbour got every answer', async t => {
  const { orders, latencies } = await neighbour.end()
  const sorted = latencies.sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))].toFixed(1)
  t.diagnostic(`${orders} orders beside it: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`)
  ok(orders > 0)
  const grown = server.residentBytes - residentBefore
  t.diagnostic(`the server grew by ${(grown / 2 ** 20).toFixed(0)} MiB`)
  ok(grown < GROWTH_BYTES_MAX, `it grew by ${grown} bytes`)
  ok(!/internal|a query failed/i.test(server.log), server.log.match(/.*(a query failed).*/i)?.[0] ?? '')
  deepEqual(await server.stop(), { status: 0, signal: null })
})
