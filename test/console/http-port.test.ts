// The console's HTTP without anybody behind it: what is turned away, how, and what every answer carries.

import { deepEqual, equal, match } from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Log } from '../../src/base/log.ts'
import { type ConsoleOptions, startConsole } from '../../src/console/console-server.ts'

const REQUEST_MS = 300
const WAIT_MS_MAX = 30_000
const NOWHERE = { host: '127.0.0.1', port: 1 }

async function opened(t: TestContext, options: Partial<ConsoleOptions> = {}) {
  const running = await startConsole(
    {
      interface: { host: '127.0.0.1', port: 0 },
      isLoopbackOnly: true,
      connectionsMax: 64,
      requestMs: REQUEST_MS,
      sessionsMax: 2,
      sessionMs: 60_000,
      idleMs: 60_000,
      server: NOWHERE,
      locator: NOWHERE,
      tls: () => false,
      secure: undefined,
      admin: undefined,
      cores: 2,
      ...options,
    },
    new Log({ component: 'console', level: 'error' }),
  )
  t.after(() => running.close())
  const { port } = running.address
  const connect = () => {
    const socket = net.connect({ host: '127.0.0.1', port })
    t.after(() => socket.destroy())
    socket.on('error', () => undefined) // `close` follows
    return socket
  }
  /** Everything that comes until the connection is closed. */
  const allOf = async (socket: net.Socket): Promise<string> => {
    let answer = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk
    })
    await Promise.race([
      once(socket, 'close'),
      pause(WAIT_MS_MAX, undefined, { ref: false }).then(() => {
        throw new Error(`the connection was not closed; it said ${JSON.stringify(answer)}`)
      }),
    ])
    return answer
  }
  const raw = (head: string, ...rest: string[]): Promise<string> => {
    const socket = connect()
    socket.write(`${[head, `Host: 127.0.0.1:${port}`, 'Connection: close', ...rest].join('\r\n')}\r\n\r\n`)
    return allOf(socket)
  }
  const get = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init)
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    get(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  return { port, connect, allOf, raw, get, post }
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])

test('every answer keeps the browser to this place, and scripts to files of this place', async t => {
  const { get } = await opened(t)
  const names = ['content-security-policy', 'x-content-type-options', 'x-frame-options', 'referrer-policy']
  for (const path of ['/', '/api/session', '/nothing']) {
    const { headers } = await get(path)
    const [policy, ...rest] = names.map(name => headers.get(name))
    match(policy ?? '', /^default-src 'none'; script-src 'self' 'sha256-[\w+/=]{44}'; style-src 'self'; /)
    match(policy ?? '', /form-action 'none'; frame-ancestors 'none'$/)
    deepEqual(rest, ['nosniff', 'DENY', 'no-referrer'])
  }
  const page = await (await get('/')).text()
  deepEqual(
    [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, place]) => place),
    ['/page/icon.svg', '/packages/uplot.css', '/page/page.css', '/page/page.ts'],
  )
})

test('every module the page asks for is there, as a script without types, and is not sent twice', async t => {
  const { get } = await opened(t)
  const page = await (await get('/')).text()
  const packages = JSON.parse(/<script type="importmap">(.*)<\/script>/.exec(page)![1]!).imports as Record<
    string,
    string
  >
  const waiting = ['/page/page.ts']
  const seen = new Set<string>()
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    const response = await get(path)
    deepEqual(
      [path, response.status, response.headers.get('content-type')],
      [path, 200, 'text/javascript; charset=utf-8'],
    )
    const again = await get(path, { headers: { 'if-none-match': response.headers.get('etag')! } })
    equal(again.status, 304)
    for (const [, specifier] of (await response.text()).matchAll(/(?:from|import) ?["']([\w./-]+)["']/g)) {
      const place = specifier!.startsWith('.') ? new URL(specifier!, `http://x${path}`).pathname : packages[specifier!]
      waiting.push(place ?? `no place for ${specifier} of ${path}`)
    }
  }
  equal(seen.has('/packages/uplot.js'), true)
})

test('whoever is not logged in gets nothing but files and the login', async t => {
  const { get, post } = await opened(t)
  const reads = [
    'session',
    'history',
    'stream',
    'orders/1',
    'accounts',
    'accounts/1',
    'violations',
    'halts',
    'audit',
    'sessions',
  ]
  const changes = ['logout', 'follow', 'halt', 'lift', 'risk-state']
  const statuses = [
    ...(await Promise.all(reads.map(async path => (await get(`/api/${path}`)).status))),
    ...(await Promise.all(changes.map(async path => (await post(`/api/${path}`, {})).status))),
  ]
  deepEqual([...new Set(statuses)], [401])
  equal((await get('/api/session', { headers: { cookie: 'oes_console=guessed' } })).status, 401)
})

test('no path leads out of the list of files', async t => {
  const { raw } = await opened(t)
  for (const path of [
    '/../package.json',
    '/page/../../../package.json',
    '/page/%2e%2e/%2e%2e/package.json',
    '/page//page.ts',
    '/page/tsconfig.json',
    '/page/',
    '/packages/preact',
    '//etc/passwd',
    '/page/page.ts%00',
    '/api/orders/',
    '*',
  ]) {
    equal(statusOf(await raw(`GET ${path} HTTP/1.1`)), 404, path)
  }
})

test('what is too large or of the wrong kind is refused', async t => {
  const { raw, get, post } = await opened(t)
  const big = 'x'.repeat(10_000)
  equal((await post('/api/login', { name: big })).status, 413)
  equal((await get('/api/login', { method: 'POST', body: '{}' })).status, 415)
  deepEqual([(await post('/api/login', '{')).status, (await post('/api/login', [])).status], [400, 400])
  equal((await post('/api/login', { name: 'a' })).status, 400)
  equal(statusOf(await raw('GET / HTTP/1.1', `X-Long: ${big}`)), 431)
  equal(statusOf(await raw('GET / HTTP/1.1', 'Content-Length: 3')), 413)
  equal(statusOf(await raw('BREW / HTTP/1.1')), 400)
  equal(statusOf(await raw('DELETE / HTTP/1.1')), 405)
  equal((await get('/api/login')).status, 405)
  const chunked = [
    'Content-Type: application/json',
    'Transfer-Encoding: chunked',
    '',
    `${(9_000).toString(16)}`,
    big.slice(0, 9_000),
  ]
  equal(statusOf(await raw('POST /api/login HTTP/1.1', ...chunked)), 413)
})

test('a request that names another host, or comes from another page, is refused', async t => {
  const { port, connect, allOf, post } = await opened(t)
  const asked = async (...headers: string[]) => {
    const socket = connect()
    socket.write(`${['GET / HTTP/1.1', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`)
    return statusOf(await allOf(socket))
  }
  deepEqual(
    [
      await asked(`Host: 127.0.0.1:${port}`),
      await asked('Host: [::1]:1'),
      await asked('Host: localhost'),
      await asked('Host: evil.example'),
      await asked('Host: 127.0.0.1.evil.example'),
      await asked(`Host: 127.0.0.1:${port}`, 'Origin: https://evil.example'),
      await asked(`Host: 127.0.0.1:${port}`, 'Origin: null'),
      await asked(`Host: 127.0.0.1:${port}`, `Origin: http://127.0.0.1:${port}`),
    ],
    [200, 200, 200, 421, 421, 403, 403, 200],
  )
  equal((await post('/api/login', { name: 'a', password: 'b' }, { 'sec-fetch-site': 'cross-site' })).status, 403)
})

test('clients that send or read too slowly are let go, and others are served meanwhile', async t => {
  const { connect, allOf, get } = await opened(t)
  const slow = connect()
  slow.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n')
  const halfBody = connect()
  halfBody.write(
    'POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
  )
  const answers = Promise.all([allOf(slow), allOf(halfBody)])
  equal((await get('/')).status, 200)
  deepEqual((await answers).map(statusOf), [408, 408])
})

test('a login while the server is away is answered, and too many at once are turned away', async t => {
  const silent = net.createServer(socket => socket.on('error', () => undefined))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const sockets: net.Socket[] = []
  silent.on('connection', socket => sockets.push(socket))
  t.after(() => silent.close())
  const { port } = silent.address() as net.AddressInfo // a TCP server has such an address
  const { post } = await opened(t, { server: { host: '127.0.0.1', port }, requestMs: 30_000 })
  const login = async () => (await post('/api/login', { name: 'alice', password: 'alice' })).status
  const waiting = Array.from({ length: 4 }, login)
  while (sockets.length < 4) await once(silent, 'connection')
  deepEqual(await Promise.all([login(), login()]), [429, 429])
  for (const socket of sockets) socket.destroy()
  deepEqual(await Promise.all(waiting), [503, 503, 503, 503])
  const { post: postNowhere } = await opened(t)
  const refused = await postNowhere('/api/login', { name: 'alice', password: 'alice' })
  equal(refused.status, 503)
})

test('connections beyond the limit are dropped', async t => {
  const { connect, get } = await opened(t, { connectionsMax: 6 })
  const held = Array.from({ length: 6 }, connect)
  await Promise.all(held.map(socket => once(socket, 'connect')))
  const dropped = connect()
  await once(dropped, 'close')
  for (const socket of held) socket.destroy()
  await Promise.all(held.map(socket => once(socket, 'close')))
  equal((await get('/')).status, 200)
})

test('more requests in a second than any page makes are turned away', async t => {
  const { port, connect, allOf } = await opened(t)
  const socket = connect()
  socket.write(`HEAD /page/icon.svg HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`.repeat(600))
  const statuses = [...(await allOf(socket)).matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status))
  deepEqual([statuses[0], statuses.at(-1), [...new Set(statuses)]], [200, 429, [200, 429]])
})
