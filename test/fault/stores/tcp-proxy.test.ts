// The bad network is itself held to what it says: a test that believes in a cut must have had one.

import { deepEqual, ok, strictEqual } from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate as eventLoopTurn, setTimeout as pause } from 'node:timers/promises'
import { Random, seedOf } from '../random.ts'
import { TcpProxy } from './tcp-proxy.ts'

/** A server that sends back what it gets, and a proxy before it. */
async function echoBehindProxy(t: TestContext): Promise<TcpProxy> {
  const server = net.createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => socket.destroy())
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await TcpProxy.start((server.address() as net.AddressInfo).port) // listens by TCP
  t.after(async () => {
    await proxy.close()
    server.close()
  })
  return proxy
}

class Caller {
  received: Buffer = Buffer.alloc(0)
  code: string | undefined
  readonly socket: net.Socket
  readonly closed: Promise<unknown>
  #look: () => void = () => undefined

  constructor(proxy: TcpProxy) {
    this.socket = net.connect({ host: '127.0.0.1', port: proxy.port })
    this.closed = new Promise(resolve => this.socket.once('close', resolve))
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.code = error.code
    })
    this.socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk])
      this.#look()
    })
  }

  async has(bytes: number): Promise<Buffer> {
    while (this.received.length < bytes) {
      await new Promise<void>(resolve => {
        this.#look = resolve
      })
    }
    return this.received
  }
}

test('what goes through the proxy comes out whole and in order, and its end as well', async t => {
  const proxy = await echoBehindProxy(t)
  const caller = new Caller(proxy)
  const bytes = Buffer.alloc(5_000_000, 'so it goes; ')
  caller.socket.end(bytes)
  await caller.closed
  ok(bytes.equals(caller.received))
  deepEqual([caller.code, proxy.connections], [undefined, 1])
})

test('a cut resets connections, old and new, until the road is open again', async t => {
  const proxy = await echoBehindProxy(t)
  const old = new Caller(proxy)
  old.socket.write('old')
  await old.has(3)
  proxy.cut()
  await old.closed
  strictEqual(old.code, 'ECONNRESET')
  const during = new Caller(proxy)
  during.socket.write('new')
  await during.closed
  ok(during.code === 'ECONNRESET' || during.code === 'EPIPE', String(during.code))
  strictEqual(during.received.length, 0)
  proxy.resume()
  const later = new Caller(proxy)
  later.socket.end('later')
  strictEqual(String(await later.has(5)), 'later')
})

test('a closed proxy keeps no socket, whatever its roads have been through', async t => {
  const { target } = await echoBehindProxy(t)
  const seed = seedOf('OES_PROXY_SEED')
  t.diagnostic(`seed ${seed}`)
  const random = new Random(seed)
  const sockets = () => process.getActiveResourcesInfo().filter(resource => resource === 'TCPSocketWrap').length
  for (let round = 0; round < 12; round++) {
    const proxy = await TcpProxy.start(target)
    const callers = new Set<net.Socket>()
    let isOver = false
    const call = () => {
      if (isOver) return
      const socket = net.connect({ host: '127.0.0.1', port: proxy.port })
      callers.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('data', () => undefined)
      socket.once('close', () => {
        callers.delete(socket)
        setTimeout(call, random.whole(0, 5))
      })
      socket.write(Buffer.alloc(random.whole(1, 3_000_000)))
      setTimeout(() => (random.chance(0.5) ? socket.destroy() : socket.end()), random.whole(0, 50))
    }
    for (let caller = 0; caller < 6; caller++) call()
    for (let step = 0; step < 10; step++) {
      random.pick([
        () => proxy.cut(),
        () => proxy.silence(),
        () => proxy.delay(5),
        () => proxy.throttle(200_000),
        () => proxy.resume(),
      ])()
      await pause(random.whole(0, 20))
    }
    isOver = true
    await proxy.close()
    for (const socket of callers) socket.destroy()
  }
  for (let look = 0; look < 200 && sockets() > 0; look++) await pause(10)
  strictEqual(sockets(), 0)
})

test('a silent road tells nobody and delivers later what was sent', async t => {
  const proxy = await echoBehindProxy(t)
  const caller = new Caller(proxy)
  caller.socket.write('one')
  await caller.has(3)
  proxy.silence()
  caller.socket.write('two')
  const other = new Caller(proxy)
  other.socket.write('other')
  await once(other.socket, 'connect')
  for (let turn = 0; turn < 50; turn++) await eventLoopTurn()
  deepEqual([String(caller.received), String(other.received)], ['one', ''])
  proxy.resume()
  strictEqual(String(await caller.has(6)), 'onetwo')
  strictEqual(String(await other.has(5)), 'other')
  caller.socket.end()
  other.socket.end()
  await Promise.all([caller.closed, other.closed])
})

test('a slow and a long road change nothing but the time', async t => {
  const proxy = await echoBehindProxy(t)
  proxy.throttle(2_000_000)
  proxy.delay(5)
  const caller = new Caller(proxy)
  const beganMs = performance.now()
  const bytes = Buffer.alloc(100_000, 'so it goes; ')
  caller.socket.end(bytes)
  await caller.closed
  ok(bytes.equals(caller.received))
  // It cannot be much faster than its rate, 50 ms for these bytes; how much slower, the machine decides.
  ok(performance.now() - beganMs >= 40)
})
