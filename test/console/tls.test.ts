// The console of a server that speaks TLS: how it comes to the server, and how browsers come to it.

import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import fs from 'node:fs'
import https from 'node:https'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connect } from '../../src/client/index.ts'
import type { ClientSessionsMessage } from '../../src/console/messages.ts'
import { start } from '../cli/command.ts'
import { type Certificate, makeCertificate } from '../end-to-end/certificates.ts'
import { merged, ServerProcess, type Settings, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { freePort } from '../stores/mysql/mariadb-server.ts'
import { ConsoleClient, postJson } from './console-client.ts'

const OES = fileURLToPath(new URL('../../src/cli/oes.ts', import.meta.url))
const WAIT_MS_MAX = 60_000
const LOOK_EVERY_MS = 50

interface Place {
  readonly folder: string
  readonly authority: Certificate
  readonly own: Certificate
  readonly start: (server: Settings, console?: Settings, more?: Settings) => Promise<ServerProcess>
}

function place(t: TestContext): Place {
  const { path: folder, remove } = temporaryFolder()
  t.after(() => remove())
  const authority = makeCertificate(folder, 'authority')
  const own = makeCertificate(folder, 'server', authority)
  const { certificate, key } = own
  return {
    folder,
    authority,
    own,
    start: async (server, console = {}, more = {}) => {
      const started = await ServerProcess.start(
        folder,
        [
          { platform: { market_data: { rate: 0 } }, engine: { shards: 1 }, console: { http: 'on' } },
          { server: merged({ tls: { certificate, key } }, server), console },
          more,
        ].reduce<Settings>(merged, testSettings(folder)),
      )
      t.after(() => started.kill())
      return started
    },
  }
}

async function urlOf(server: ServerProcess): Promise<string> {
  await server.logged(/the console is served/)
  return `http://127.0.0.1:${server.consolePort}`
}

/** Writes a certificate and its key over those of somebody, both at once as far as anybody can tell who looks seldom. */
function put(used: Certificate, { pem }: Certificate): void {
  fs.writeFileSync(used.certificate, pem.certificate)
  fs.writeFileSync(used.key, pem.key)
}

/** The console hears of new certificates a moment after the listener has them. */
function canLogIn(url: string, name: string): Promise<boolean> {
  return ConsoleClient.login(url, name).then(
    () => true,
    () => false,
  )
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`${what} did not come to pass`)
    await pause(LOOK_EVERY_MS)
  }
}

test('the console speaks TLS to a server that does, and takes new certificates over with it', async t => {
  const { folder, own, start: startServer } = place(t)
  const server = await startServer({})
  const url = await urlOf(server)
  const before = await ConsoleClient.login(url, 'administrator')
  const tlsOf = async (client: ConsoleClient) =>
    (await client.get<ClientSessionsMessage>('/api/sessions')).body.rows.map(({ account, tls }) => [account, tls])
  deepEqual(await tlsOf(before), [['administrator', 'TLSv1.3']])
  fs.mkdirSync(`${folder}/next`)
  put(own, makeCertificate(`${folder}/next`, 'server'))
  server.signal('SIGHUP')
  await server.logged(/certificates are read/)
  await until('a login by the new certificate', () => canLogIn(url, 'margaret'))
  // Whoever was there stays.
  deepEqual(await tlsOf(before), [
    ['administrator', 'TLSv1.3'],
    ['margaret', 'TLSv1.3'],
  ])
})

test('the page is served by HTTPS with the same certificate where it is to be, also with a new one', async t => {
  const { folder, authority, own, start: startServer } = place(t)
  const server = await startServer({}, { https: 'on', request_ms: 1_000 })
  await urlOf(server)
  const { consolePort: port } = server
  const get = (ca: string, path = '/') => asked(https.request({ host: '127.0.0.1', port, path, ca, agent: false }))
  const page = await get(authority.pem.certificate)
  deepEqual([page.status, page.body.slice(0, 15)], [200, '<!doctype html>'])
  const body = JSON.stringify({ name: 'margaret', password: 'margaret' })
  const login = https.request({
    ...{ host: '127.0.0.1', port, path: '/api/login', method: 'POST', agent: false, ca: authority.pem.certificate },
    headers: { 'content-type': 'application/json', origin: `https://127.0.0.1:${port}` },
  })
  const answer = await asked(login, body)
  equal(answer.status, 200)
  match(answer.cookie, /^__Host-oes_console=[\w-]{43}; Path=\/; .*; Secure$/)
  const redirect = await fetch(`http://127.0.0.1:${server.adminPort}/console`, { redirect: 'manual' })
  equal(redirect.headers.get('location'), `https://127.0.0.1:${port}/`)
  // Who speaks no TLS hears nothing that he could read.
  await rejects(postJson(`http://127.0.0.1:${port}/api/login`, {}))

  fs.mkdirSync(`${folder}/next`)
  const next = makeCertificate(`${folder}/next`, 'server')
  put(own, next)
  server.signal('SIGHUP')
  await until('a page by the new certificate', () =>
    get(next.pem.certificate).then(
      ({ status }) => status === 200,
      () => false,
    ),
  )
  await rejects(get(authority.pem.certificate))
  // Connections that never speak, or no TLS, are let go.
  const strangers = [1, 2].map(() => net.connect({ host: '127.0.0.1', port }))
  t.after(() => strangers.forEach(each => void each.destroy()))
  strangers[0]!.write('GET / HTTP/1.1\r\n\r\n')
  await Promise.all(strangers.map(each => closed(each)))
})

test('where every client needs a certificate the console shows its own, with which everybody logs in by password', async t => {
  const { folder, authority, start: startServer } = place(t)
  const clients = makeCertificate(folder, 'clients')
  const required = { tls: { client_ca: clients.certificate, client_certificates: 'required' } }
  const without = await startServer(required)
  await without.logged(/the console is not served: server\.tls\.client_certificates is required, and console\./)
  const nowhere = await fetch(`http://127.0.0.1:${without.adminPort}/console`)
  deepEqual(
    [nowhere.status, await nowhere.text()],
    [404, 'The console is not served: console.http is off, or the log says why.\n'],
  )
  await without.kill()

  const own = makeCertificate(folder, 'console', clients)
  const server = await startServer(required, { client_certificate: own.certificate, client_key: own.key })
  const url = await urlOf(server)
  await ConsoleClient.login(url, 'administrator')
  await ConsoleClient.login(url, 'margaret')
  await rejects(ConsoleClient.login(url, 'margaret', 'wrong'), /^Error: 401/)
  // Of the same name, and not the same.
  fs.mkdirSync(`${folder}/other`)
  const other = makeCertificate(`${folder}/other`, 'console', clients)
  const asBob = ({ pem }: Certificate) =>
    connect({
      port: server.port,
      username: 'bob',
      password: 'bob',
      reconnect: false,
      tls: { ca: authority.pem.certificate, ...pem },
    })
  await rejects(asBob(other), { code: 'CERTIFICATE_ACCOUNT' })
  const known = await asBob(own)
  equal(known.isLive, true)
  known.close()
  // It changes like the others.
  put(own, other)
  server.signal('SIGHUP')
  await server.logged(/certificates are read/)
  await until('a login by the new certificate', () => canLogIn(url, 'margaret'))
  const after = await asBob(other)
  equal(after.isLive, true)
  after.close()
})

test('a key that does not belong to the certificate of the console keeps the server from starting', async t => {
  const { folder, own } = place(t)
  const clients = makeCertificate(folder, 'clients')
  const [one, other] = ['one', 'other'].map(name => makeCertificate(folder, name, clients))
  const server = ServerProcess.spawn(
    folder,
    merged(testSettings(folder), {
      server: { tls: { certificate: own.certificate, key: own.key, client_ca: clients.certificate } },
      console: { http: 'on', client_certificate: one!.certificate, client_key: other!.key },
    }),
  )
  equal((await server.end()).status, 1)
  match(server.log, /console: .*one\.pem, .*other\.key cannot be used together/)
})

test('a list of hosts without this one lets nobody log in at the console, which is told in both places', async t => {
  const { start: startServer } = place(t)
  const server = await startServer({ allowed: ['10.0.0.0/8'] })
  const url = await urlOf(server)
  match(server.log, /nobody can log in at the console: the host it comes from is not in server\.allowed/)
  const answer = await postJson(`${url}/api/login`, { name: 'administrator', password: 'administrator' })
  deepEqual([answer.status, /^No connection to /.test(((await answer.json()) as { error: string }).error)], [503, true])
})

test('a console that is a process of its own takes the flags of TLS', async t => {
  const { folder, authority, start: startServer } = place(t)
  const clients = makeCertificate(folder, 'clients')
  const own = makeCertificate(folder, 'console', clients)
  const platform = await freePort()
  const server = await startServer(
    { tls: { client_ca: clients.certificate, client_certificates: 'required' } },
    { http: 'off', client_certificate: own.certificate },
    { platform: { port: platform } },
  )
  const words = [
    ...['console', '--interface', '127.0.0.1:0', '--server', `127.0.0.1:${server.port}`],
    ...['--locator', `127.0.0.1:${platform}`, '--admin', `127.0.0.1:${server.adminPort}`],
    ...['--tls-ca', authority.certificate, '--tls-certificate', own.certificate, '--tls-key', own.key],
  ]
  const running = start(process.execPath, [OES, ...words])
  t.after(() => running.process.kill('SIGKILL'))
  let said = ''
  for await (const chunk of running.process.stdout!) {
    said += String(chunk)
    if (said.includes('\n')) break
  }
  const url = `http://${/^ready (.*)\n$/.exec(said)![1]}`
  const administrator = await ConsoleClient.login(url, 'administrator')
  const { body } = await administrator.get<ClientSessionsMessage>('/api/sessions')
  deepEqual(
    body.rows.map(({ account, tls }) => [account, tls]),
    [['administrator', 'TLSv1.3']],
  )
})

/** Waits until the other side has closed. */
async function closed(socket: net.Socket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const late = setTimeout(() => reject(new Error('the connection is kept')), WAIT_MS_MAX)
  socket.on('error', () => undefined) // `close` follows
  socket.once('close', () => resolve())
  socket.resume()
  await promise.finally(() => clearTimeout(late))
}

interface Answered {
  readonly status: number
  readonly cookie: string
  readonly body: string
}

/** Sends a request. @returns its answer; rejects where there is none. */
function asked(request: ReturnType<typeof https.request>, body = ''): Promise<Answered> {
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.setTimeout(WAIT_MS_MAX, () => request.destroy(new Error('no answer in time')))
    request.on('response', response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        const [cookie = ''] = response.headers['set-cookie'] ?? []
        resolve({ status: response.statusCode ?? 0, cookie, body: text })
      })
    })
    request.end(body)
  })
}
