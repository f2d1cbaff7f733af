// The wire: frames cut anywhere, limits, heartbeats, refusals, and reconnecting.

import { deepEqual, equal } from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Address } from '../../src/config/address.ts'
import { Reason } from '../../src/domain/reasons.ts'
import { encodeFrame, FrameSplitter } from '../../src/protocol/frames.ts'
import { pack, unpack, type Value } from '../../src/protocol/msgpack.ts'
import { ReconnectingClient, type ReconnectingClientOptions } from '../../src/services/wire/reconnecting-client.ts'
import { ServiceError } from '../../src/services/wire/service-error.ts'
import { type Handler, ServiceHost, type ServiceHostLimits } from '../../src/services/wire/service-host.ts'
import { proofOf } from '../../src/services/wire/session-proof.ts'
import { SERVICES_VERSION, WireKind } from '../../src/services/wire/wire-kinds.ts'
import { refusal } from './running-platform.ts'

const SESSION_KEY = new TextEncoder().encode('the key of the session')
const ACCOUNT = 7
const Echo = 900
const Hang = 901
const Fail = 902
const Nonsense = 903

/** A host whose requests echo, never answer, break, and push nonsense. Closed after the test. */
async function startHost(t: TestContext, limits: Partial<ServiceHostLimits> = {}, port = 0) {
  const faults: unknown[] = []
  const host = new ServiceHost({
    limits,
    onFault: fault => faults.push(fault),
    checkProof: async (_, challenge, proof) => {
      if (!proofOf(SESSION_KEY, challenge).equals(proof)) throw new ServiceError(Reason.LoginFailed)
      return ACCOUNT
    },
  })
  let release = () => {}
  const hanging = new Promise<Value[]>(resolve => {
    release = () => resolve([])
  })
  const handlers = new Map<number, Handler>([
    [Echo, (_, message) => message.slice(2)],
    [Hang, () => hanging],
    [
      Nonsense,
      session => {
        session.push(950, [])
        return []
      },
    ],
    [
      Fail,
      () => {
        throw new Error('broken')
      },
    ],
  ])
  host.add({ name: 'test', handlers })
  const address = await host.listen({ host: '127.0.0.1', port })
  const close = () => {
    release()
    return host.close()
  }
  t.after(close)
  return { address, faults, close }
}

/** A raw connection: what it is sent, message by message. */
class RawPeer {
  readonly socket: Socket
  readonly received: Value[][] = []
  readonly closed: Promise<unknown>
  readonly #splitter = new FrameSplitter(1 << 20)
  #arrived = () => {}

  constructor(t: TestContext, { host, port }: Address) {
    this.socket = connect({ port, host, noDelay: true })
    this.closed = once(this.socket, 'close')
    this.socket.on('data', (chunk: Buffer) => {
      this.#splitter.push(Buffer.from(chunk))
      while (this.#splitter.next()) {
        this.received.push(unpack(this.#splitter.bytes, this.#splitter.start, this.#splitter.end) as Value[])
      }
      this.#arrived()
    })
    t.after(() => this.socket.destroy())
  }

  send(...message: Value[]): void {
    this.socket.write(encodeFrame(pack(message)))
  }

  async messages(count: number): Promise<Value[][]> {
    while (this.received.length < count) {
      await new Promise<void>(resolve => {
        this.#arrived = resolve
      })
    }
    return this.received
  }

  /** Logs in with the proof; the two answers are taken away. */
  async login(): Promise<void> {
    this.send(WireKind.Challenge, 1, SERVICES_VERSION)
    const [answer] = await this.messages(1)
    this.send(WireKind.Prove, 2, 'session', proofOf(SESSION_KEY, answer?.[2] as Uint8Array))
    deepEqual((await this.messages(2))[1], [WireKind.Answer, 2, ACCOUNT])
    this.received.length = 0
  }
}

test('requests cut at every byte are answered like whole ones', async t => {
  const { address } = await startHost(t)
  const peer = new RawPeer(t, address)
  await peer.login()
  const first = encodeFrame(pack([Echo, 3, 'abc', 25.37]))
  const stream = Buffer.concat([first, encodeFrame(pack([Echo, 4, null, [1]]))])
  const expected: Value[][] = []
  for (let cut = 1; cut < stream.length; cut++) {
    peer.socket.write(stream.subarray(0, cut))
    // An answer in between tells that the first piece has arrived alone; a whole frame in it gives one by itself.
    if (cut >= first.length) await peer.messages(expected.length + 1)
    else await new Promise(resolve => setImmediate(resolve))
    peer.socket.write(stream.subarray(cut))
    expected.push([WireKind.Answer, 3, 'abc', 25.37], [WireKind.Answer, 4, null, [1]])
    await peer.messages(expected.length)
  }
  deepEqual(peer.received, expected)
})

test('nothing but the greeting is answered before the login', async t => {
  const { address } = await startHost(t)
  const peer = new RawPeer(t, address)
  peer.send(Echo, 1)
  peer.send(WireKind.Challenge, 2, 99)
  peer.send(WireKind.Prove, 3, 'session', proofOf(SESSION_KEY, new Uint8Array(32)))
  peer.send(12345, 4)
  const refusals = (await peer.messages(4)).map(message => message.slice(0, 4))
  deepEqual(
    refusals.sort((a, b) => Number(a[1]) - Number(b[1])),
    [
      [WireKind.Refused, 1, Reason.NotLoggedIn, []],
      [WireKind.Refused, 2, Reason.ProtocolVersion, [99, SERVICES_VERSION]],
      [WireKind.Refused, 3, Reason.NotLoggedIn, []],
      [WireKind.Refused, 4, Reason.UnknownKind, [12345]],
    ],
  )
})

test('a proof of the wrong key is refused, and its challenge is not good a second time', async t => {
  const { address } = await startHost(t)
  const peer = new RawPeer(t, address)
  peer.send(WireKind.Challenge, 1, SERVICES_VERSION)
  const challenge = (await peer.messages(1))[0]?.[2] as Uint8Array
  peer.send(WireKind.Prove, 2, 'session', proofOf(new Uint8Array(32), challenge))
  await peer.messages(2)
  peer.send(WireKind.Prove, 3, 'session', proofOf(SESSION_KEY, challenge))
  deepEqual(
    (await peer.messages(3)).slice(1).map(message => message.slice(0, 3)),
    [
      [WireKind.Refused, 2, Reason.LoginFailed],
      [WireKind.Refused, 3, Reason.NotLoggedIn],
    ],
  )
})

const garbage: [title: string, bytes: Buffer, reason: number][] = [
  ['a length over the limit', Buffer.from([0xff, 0xff, 0xff, 0xff]), Reason.FrameTooLarge],
  ['a body that is not msgpack', encodeFrame(Buffer.from([0xc1])), Reason.MalformedFrame],
  ['an empty body', encodeFrame(Buffer.alloc(0)), Reason.MalformedFrame],
  ['a body with bytes behind it', encodeFrame(Buffer.from([0x92, 1, 2, 3])), Reason.MalformedFrame],
  ['a map', encodeFrame(pack({ kind: 1 })), Reason.MalformedFrame],
  ['an array without kind', encodeFrame(pack([])), Reason.MalformedFrame],
  ['a kind that is text', encodeFrame(pack(['1', 1])), Reason.MalformedFrame],
  ['an extension type', encodeFrame(Buffer.from([0x93, 1, 1, 0xd4, 1, 1])), Reason.MalformedFrame],
  ['deep nesting', encodeFrame(Buffer.concat([Buffer.alloc(100, 0x91), Buffer.from([1])])), Reason.MalformedFrame],
]
for (const [title, bytes, reason] of garbage) {
  test(`${title} closes the connection with its reason and disturbs nobody else`, async t => {
    const { address, faults } = await startHost(t)
    const other = new RawPeer(t, address)
    await other.login()
    const peer = new RawPeer(t, address)
    peer.socket.write(bytes)
    await peer.closed
    deepEqual(
      peer.received.map(message => message.slice(0, 3)),
      [[WireKind.Closing, 0, reason]],
    )
    other.send(Echo, 3, 'still here')
    deepEqual(await other.messages(1), [[WireKind.Answer, 3, 'still here']])
    deepEqual(faults, [])
  })
}

test('a fault of our own is refused as internal, told, and leaves the connection open', async t => {
  const { address, faults } = await startHost(t)
  const peer = new RawPeer(t, address)
  await peer.login()
  peer.send(Fail, 3)
  peer.send(Echo, 4)
  deepEqual(
    (await peer.messages(2)).map(message => message.slice(0, 3)),
    [
      [WireKind.Refused, 3, Reason.Internal],
      [WireKind.Answer, 4],
    ],
  )
  equal((faults[0] as Error).message, 'broken')
})

test('more unanswered requests than allowed are refused', async t => {
  const { address } = await startHost(t, { inFlightMax: 2 })
  const peer = new RawPeer(t, address)
  await peer.login()
  for (const id of [3, 4, 5]) peer.send(Hang, id)
  deepEqual((await peer.messages(1))[0]?.slice(0, 4), [WireKind.Refused, 5, Reason.TooManyInFlight, [2]])
})

test('a connection over the limit is turned away', async t => {
  const { address } = await startHost(t, { connectionsMax: 1 })
  await new RawPeer(t, address).login()
  const second = new RawPeer(t, address)
  await second.closed
  deepEqual(second.received[0]?.slice(0, 4), [WireKind.Closing, 0, Reason.TooManyConnections, [1]])
})

test('a connection that does not log in is closed', async t => {
  const { address } = await startHost(t, { loginMs: 1 })
  const peer = new RawPeer(t, address)
  await peer.closed
  deepEqual(peer.received[0]?.slice(0, 4), [WireKind.Closing, 0, Reason.LoginTimeout, [1]])
})

test('a silent peer hears heartbeats and is dropped', async t => {
  const { address } = await startHost(t, { heartbeatMs: 5 })
  const peer = new RawPeer(t, address)
  await peer.closed
  deepEqual(peer.received, Array(3).fill([WireKind.ServerHeartbeat, 0]))
})

test('a peer that sends heartbeats and nothing else stays connected', async t => {
  const { address } = await startHost(t, { heartbeatMs: 20 })
  const peer = new RawPeer(t, address)
  const heartbeats = setInterval(() => peer.send(WireKind.Heartbeat, 0), 5)
  t.after(() => clearInterval(heartbeats))
  await peer.messages(10)
  equal(peer.socket.destroyed, false)
})

test('stopping tells every connection and answers what is being worked on first', async t => {
  const { address, close } = await startHost(t)
  const peer = new RawPeer(t, address)
  await peer.login()
  await close()
  await peer.closed
  deepEqual(peer.received[0]?.slice(0, 3), [WireKind.Closing, 0, Reason.Stopping])
})

/** A client of `address` that proves the session. */
function clientOf(t: TestContext, address: Address, options: Partial<ReconnectingClientOptions> = {}) {
  const client = new ReconnectingClient({
    service: 'test',
    addresses: async () => [address],
    greet: async request => {
      const challenge = (await request(WireKind.Challenge, [SERVICES_VERSION]))[2] as Uint8Array
      await request(WireKind.Prove, ['session', proofOf(SESSION_KEY, challenge)])
    },
    ...options,
  })
  t.after(() => client.close())
  return client
}

test('a client that cannot connect does not open', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  equal(await refusal(clientOf(t, { host: '127.0.0.1', port }).open()), Reason.ServiceUnavailable)
})

test('addresses are tried in order until one answers', async t => {
  const { address } = await startHost(t)
  const dead = { host: '127.0.0.1', port: 1 }
  const client = clientOf(t, address, { addresses: async () => [dead, address] })
  await client.open()
  deepEqual((await client.request(Echo, ['x'])).slice(2), ['x'])
})

test('a lost connection fails what is in flight, reconnects, renews, and serves calls that waited', async t => {
  const first = await startHost(t)
  const told: string[] = []
  let lost = () => {}
  const whenLost = new Promise<void>(resolve => {
    lost = resolve
  })
  const client = clientOf(t, first.address, {
    renew: async () => void told.push('renewed'),
    onAvailability: (service, available, reason) => {
      told.push(`${service} ${available} ${reason?.code ?? ''}`.trim())
      if (!available) lost()
    },
  })
  await client.open()
  const inFlight = refusal(client.request(Hang))
  // The echo behind it tells that the request has arrived.
  await client.request(Echo)
  void first.close()
  await whenLost
  const waiting = client.request(Echo, ['later'])
  equal(client.available, false)
  await startHost(t, {}, first.address.port)
  deepEqual((await waiting).slice(2), ['later'])
  equal(await inFlight, Reason.OutcomeUnknown)
  deepEqual(told, ['renewed', 'test true', `test false ${Reason.Stopping}`, 'renewed', 'test true'])
})

test('a call that finds no connection until its deadline had no effect', async t => {
  const { address, close } = await startHost(t)
  let lost = () => {}
  const whenLost = new Promise<void>(resolve => {
    lost = resolve
  })
  const client = clientOf(t, address, { times: { requestMs: 200 }, onAvailability: (_, up) => up || lost() })
  await client.open()
  await close()
  await whenLost
  equal(await refusal(client.request(Echo)), Reason.ServiceUnavailable)
})

test('a request without an answer ends with an unknown outcome, and its late answer is ignored', async t => {
  const { address, close } = await startHost(t)
  const client = clientOf(t, address, { times: { requestMs: 200 } })
  await client.open()
  equal(await refusal(client.request(Hang)), Reason.OutcomeUnknown)
  deepEqual((await client.request(Echo, [1])).slice(2), [1])
  await close()
})

test('closing a client fails everything that waits', async t => {
  const { address } = await startHost(t)
  const client = clientOf(t, address)
  await client.open()
  const inFlight = refusal(client.request(Hang))
  client.close()
  equal(await inFlight, Reason.OutcomeUnknown)
  equal(await refusal(client.request(Echo)), Reason.ServiceUnavailable)
})

test('a service that says nonsense is left, and found again', async t => {
  const { address } = await startHost(t)
  const told: unknown[] = []
  const whenBack = new Promise<void>(resolve => {
    const client = clientOf(t, address, {
      onPush: (_, message) => {
        throw new ServiceError(Reason.MalformedMessage, [message.length])
      },
      onAvailability: (_, available, reason) => {
        told.push(reason?.code ?? available)
        if (told.length === 3) resolve()
      },
    })
    // The request goes down with the connection that its push ends.
    void client.open().then(() => refusal(client.request(Nonsense)))
  })
  await whenBack
  deepEqual(told, [true, Reason.MalformedMessage, true])
})
