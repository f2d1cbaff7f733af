import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Address, formatAddress } from '../../src/config/address.ts'
import { AdminPort, type AdminPortOptions, type Route } from '../../src/main/admin-port.ts'
import { adminRoutes, FRESH_MS } from '../../src/main/admin-routes.ts'
import { Health } from '../../src/main/health.ts'

const REQUEST_MS = 2_000
const WAIT_MS_MAX = 30_000
/** Between the clock that says what is fresh and the one that the answer names. */
const CLOCK_SLACK_MS = 5

const text = (path: string, answer: string): Route => ({
  method: 'GET',
  path,
  serve: exchange => exchange.reply(200, 'text/plain', answer),
})

async function opened(t: TestContext, routes: readonly Route[], options: Partial<AdminPortOptions> = {}) {
  const told: string[] = []
  const note = (message: string) => told.push(message)
  const port = new AdminPort(routes, {
    address: { host: '127.0.0.1', port: 0 },
    isLoopbackOnly: true,
    connectionsMax: 4,
    requestMs: REQUEST_MS,
    log: { info: note, warning: note, error: note },
    ...options,
  })
  t.after(() => port.close())
  await port.open()
  const number = port.address?.port ?? 0
  /** Sends bytes and gives back everything that came until the connection was closed. */
  const raw = async (bytes: string): Promise<string> => {
    const socket = net.connect({ host: '127.0.0.1', port: number })
    t.after(() => socket.destroy())
    socket.on('error', () => undefined) // `close` follows
    socket.write(bytes)
    let answer = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk
    })
    await Promise.race([
      once(socket, 'close'),
      pause(WAIT_MS_MAX, undefined, { ref: false }).then(() => {
        throw new Error(`the connection was not closed after ${JSON.stringify(bytes.slice(0, 80))}`)
      }),
    ])
    return answer
  }
  return { port, told, raw, get: (path: string) => fetch(`http://127.0.0.1:${number}${path}`) }
}

const request = (head: string, ...headers: string[]) => `${[head, ...headers].join('\r\n')}\r\n\r\n`
const HOST = 'Host: 127.0.0.1'

test('a request gets the answer of the route with its path, or of the longest one with its beginning', async t => {
  const routes = [text('/a', 'a'), text('/page/*', 'page'), text('/page/deep/*', 'deep')]
  const { get, port } = await opened(t, routes)
  const answers: [number, string][] = []
  for (const path of ['/a', '/a?x=1', '/page/', '/page/x/y', '/page/deep/x', '/', '/ab']) {
    const answer = await get(path)
    answers.push([answer.status, await answer.text()])
  }
  const nothing = 'There is nothing here. There is: /a, /page/*, /page/deep/*\n'
  deepEqual(answers, [
    [200, 'a'],
    [200, 'a'],
    [200, 'page'],
    [200, 'page'],
    [200, 'deep'],
    [404, nothing],
    [404, nothing],
  ])
  deepEqual([port.requests, port.refused], [7, 0])
})

test('what is no request for this port is turned away with its reason, and counted', async t => {
  const { port, raw } = await opened(t, [text('/a', 'a')])
  const cases: [bytes: string, status: number][] = [
    [request('POST /a HTTP/1.1', HOST, 'Content-Length: 0'), 405],
    [request('GET /a HTTP/1.1', HOST, 'Content-Length: 3'), 413],
    [request('GET /a HTTP/1.1', HOST, 'Transfer-Encoding: chunked'), 413],
    [request('GET /a HTTP/1.1', 'Host: rebound.example'), 421],
    [request('GET /a HTTP/1.1', 'Host: 127.0.0.1.example'), 421],
    [request('GET /a HTTP/1.1', HOST, `X: ${'x'.repeat(9_000)}`), 431],
    [request('GET', HOST), 400],
    ['\0\0\0\x05hello', 400],
    [request('GET /a HTTP/1.1'), 400],
  ]
  for (const [bytes, status] of cases) match(await raw(bytes), new RegExp(`^HTTP/1.1 ${status} `), bytes.slice(0, 60))
  ok(port.refused >= cases.length - 1, String(port.refused))
  for (const host of ['localhost', 'LOCALHOST:9', '127.0.0.1:80', '[::1]', '[::1]:8080']) {
    match(await raw(request('GET /a HTTP/1.1', `Host: ${host}`, 'Connection: close')), /^HTTP\/1.1 200 .*\r\na$/s, host)
  }
  match(await raw(request('HEAD /a HTTP/1.1', HOST, 'Connection: close')), /^HTTP\/1.1 200 .*\r\n\r\n$/s)
})

test('a port for the network takes requests under any name', async t => {
  const { raw } = await opened(t, [text('/a', 'a')], { isLoopbackOnly: false })
  match(await raw(request('GET /a HTTP/1.1', 'Host: oes.example', 'Connection: close')), /^HTTP\/1.1 200 /)
})

test('clients that are slow, silent or too many cost others nothing', async t => {
  const large = 'x'.repeat(64 << 20)
  const { get, port, raw } = await opened(t, [text('/a', 'a'), text('/large', large)], { connectionsMax: 3 })
  // Half a request, and one that does not read its answer: both are ended when their time is over.
  const half = raw('GET /a HTTP/1.1\r\nHost: 127')
  const deaf = net.connect({ host: '127.0.0.1', port: port.address!.port })
  t.after(() => deaf.destroy())
  deaf.on('error', () => undefined)
  deaf.pause()
  deaf.write(request('GET /large HTTP/1.1', HOST))
  await once(deaf, 'connect')
  equal(await (await get('/a')).text(), 'a')
  // The third connection is that of fetch, which is kept: the fourth is one too many.
  await raw(request('GET /a HTTP/1.1', HOST))
  equal(port.refused, 1)
  equal(await (await get('/a')).text(), 'a')
  match(await half, /^HTTP\/1.1 408 /)
  const endMs = performance.now() + WAIT_MS_MAX
  while (port.connections > 1 && performance.now() < endMs) await pause(20)
  equal(port.connections, 1)
})

test('a flood of requests is answered with 429', async t => {
  let served = 0
  const route: Route = {
    method: 'GET',
    path: '/a',
    serve: exchange => {
      served += 1
      exchange.reply(200, 'text/plain', 'a')
    },
  }
  const { raw, port } = await opened(t, [route])
  const answers = await raw(request('GET /a HTTP/1.1', HOST).repeat(400))
  match(answers, /HTTP\/1.1 429 .*retry-after: 1\r\n.*More than 50 requests in a second\.\n$/s)
  // A second may begin in between.
  ok(served >= 50 && served <= 100, String(served))
  ok(port.refused >= 1)
})

test('a route that fails is told as 500, and in the log', async t => {
  const fail = (): never => {
    throw new Error('broken')
  }
  const { get, told } = await opened(t, [{ method: 'GET', path: '/a', serve: fail }])
  const answer = await get('/a')
  deepEqual([answer.status, await answer.text()], [500, 'The server could not answer; it is in its log.\n'])
  deepEqual(told, ['the administrative port listens', 'a request at the administrative port failed'])
})

test('a port that is taken is told once and tried until it is free', async t => {
  const other = net.createServer()
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port: number } = other.address() as net.AddressInfo
  const { port, told } = await opened(t, [text('/a', 'a')], { address: { host: '127.0.0.1', port: number } })
  const refusal = 'the administrative port cannot be opened; it is tried again, and the server goes on without it'
  deepEqual([port.address, told], [undefined, [refusal]])
  other.close()
  await once(other, 'close')
  const endMs = performance.now() + WAIT_MS_MAX
  while (port.address === undefined && performance.now() < endMs) await pause(20)
  equal(await (await fetch(`http://127.0.0.1:${number}/a`)).text(), 'a')
  deepEqual(told, [refusal, 'the administrative port listens'])
})

test('before there is anything to count, health and status are there all the same, and made once for many', async t => {
  const health = new Health({ lagMsMax: 1_000, diskFreeBytesMin: 0 })
  let console: Address | undefined
  const parts = { health, meter: () => undefined, console: () => console, isConsoleSecure: false, version: '1.2.3' }
  const { get, port } = await opened(t, adminRoutes(parts), {
    connectionsMax: 100,
  })
  const answers = await Promise.all(Array.from({ length: 20 }, async () => (await get('/status')).json()))
  const { timeMs: _, ...first } = answers[0] as { timeMs: number }
  deepEqual(first, { version: '1.2.3', isReady: false, stage: 'starting', degraded: [], lanes: [] })
  // However long it takes to ask: what was made is fresh for a while.
  const made = [...new Set(answers.map(answer => (answer as { timeMs: number }).timeMs))].sort((a, b) => a - b)
  for (const [at, timeMs] of made.slice(1).entries()) ok(timeMs - made[at]! >= FRESH_MS - CLOCK_SLACK_MS, String(made))
  equal(await (await get('/metrics')).text(), '')
  const statuses = async () =>
    Promise.all(
      ['/health', '/health/live', '/health/ready', '/health/degraded'].map(async path => (await get(path)).status),
    )
  deepEqual(await statuses(), [503, 200, 503, 200])
  health.stage = 'trading'
  deepEqual(await statuses(), [200, 200, 200, 200])
  health.services.set('uid_service', false)
  deepEqual(await statuses(), [200, 200, 200, 503])
  health.stage = 'stopping'
  deepEqual(await statuses(), [503, 200, 503, 503])
  equal((await get('/console')).status, 404)
  console = { host: '127.0.0.1', port: port.address?.port ?? 0 }
  // There is no console in this test: what it leads to is the port itself.
  const led = await get('/console')
  deepEqual([led.url, led.redirected, led.status], [`http://${formatAddress(console)}/`, true, 404])
  console = { host: '0.0.0.0', port: 1 }
  equal(await (await get('/console')).text(), 'The console listens at 0.0.0.0:1.\n')
})
