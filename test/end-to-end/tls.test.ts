// Encrypted connections, and who may connect at all, between real processes: certificates are made by openssl.

import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { connect, limitOrder, Side, type TlsOptions } from '../../src/client/index.ts'
import { start } from '../cli/command.ts'
import { merged, ServerProcess, type Settings, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { makeCertificate } from './certificates.ts'

const OES = fileURLToPath(new URL('../../src/cli/oes.ts', import.meta.url))
const WAIT_MS_MAX = 60_000

function place(t: TestContext): { folder: string; settings: (server: Settings, more?: Settings) => Settings } {
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const quiet = { platform: { market_data: { rate: 0 } }, engine: { shards: 1 } }
  const settings = (server: Settings, more: Settings = {}) =>
    merged(merged(merged(testSettings(folder.path), quiet), { server }), more)
  return { folder: folder.path, settings }
}

async function login(t: TestContext, port: number, name: string, options: boolean | TlsOptions, host = '127.0.0.1') {
  const client = await connect({ host, port, username: name, password: name, reconnect: false, tls: options })
  t.after(() => client.close())
  return client
}

/** What the server sends on a connection of these options until it closes it. */
async function heard(t: TestContext, socket: net.Socket): Promise<Buffer> {
  t.after(() => socket.destroy())
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => undefined) // how it ends does not matter
  const late = AbortSignal.timeout(WAIT_MS_MAX)
  late.onabort = () => socket.destroy(new Error('the server does not close the connection'))
  await new Promise(resolve => socket.once('close', resolve))
  equal(late.aborted, false)
  return Buffer.concat(chunks)
}

const FAILED = { code: 'CONNECTION_FAILED' }

test('clients and commands trade by TLS with who shows the right certificate, and nobody else hears anything', async t => {
  const { folder, settings } = place(t)
  const [authority, other] = [makeCertificate(folder, 'authority'), makeCertificate(folder, 'other')]
  const { certificate, key } = makeCertificate(folder, 'server', authority)
  const server = await ServerProcess.start(folder, settings({ tls: { certificate, key } }))
  const { port } = server
  const ca = authority.pem.certificate
  const alice = await login(t, port, 'alice', { ca })
  equal((await alice.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))).outcome, 'accepted')
  equal((await login(t, port, 'bob', { ca, serverName: 'localhost' })).isLive, true)
  await rejects(login(t, port, 'alice', true), FAILED)
  await rejects(login(t, port, 'alice', { ca: other.pem.certificate }), FAILED)
  await rejects(login(t, port, 'alice', { ca, serverName: 'elsewhere' }), FAILED)
  await rejects(login(t, port, 'alice', false), FAILED)
  // A plain login is answered by nothing that a plain client could read.
  const plain = net.connect(port, '127.0.0.1')
  plain.write(Buffer.from('00000011960101', 'hex'))
  const answer = await heard(t, plain)
  equal(answer.length === 0 || answer[0] === 21, true) // an alert of TLS at most
  await server.logged(/a handshake failed/)

  const environment = { OES_SERVER: `127.0.0.1:${port}`, OES_USERNAME: 'alice', OES_PASSWORD: 'alice' }
  const oes = (words: string[], more: NodeJS.ProcessEnv = {}) =>
    start(process.execPath, [OES, ...words], { ...environment, ...more }).finished
  match((await oes(['orders', '--live', '--tls-ca', authority.certificate])).out, /ABX\.TSX/)
  match((await oes(['orders', '--live'], { OES_TLS_CA: authority.certificate })).out, /ABX\.TSX/)
  match(
    (await oes(['cancel-all', '--scope', '*', '--dry-run', '--tls-ca', authority.certificate])).out,
    /^1 orders match/,
  )
  equal((await oes(['orders', '--tls'])).status, 1)
  equal((await oes(['orders', '--tls-key', key])).status, 2)
  equal((await oes(['orders', '--tls-ca', '/nowhere.pem'])).status, 2)
  deepEqual(await server.stop(), { status: 0, signal: null })
})

test('a client certificate is asked for as configured, and is good for the account of its name alone', async t => {
  const { folder, settings } = place(t)
  const [authority, clients, other] = ['authority', 'clients', 'other'].map(name => makeCertificate(folder, name))
  const { certificate, key } = makeCertificate(folder, 'server', authority)
  const ca = authority!.pem.certificate
  const alice = { ca, ...makeCertificate(folder, 'alice', clients).pem }
  fs.mkdirSync(`${folder}/foreign`)
  const foreign = { ca, ...makeCertificate(`${folder}/foreign`, 'alice', other).pem }
  const client_ca = clients!.certificate
  for (const rule of ['optional', 'required'] as const) {
    const server = await ServerProcess.start(
      folder,
      settings({ tls: { certificate, key, client_ca, client_certificates: rule } }),
    )
    const { port } = server
    equal((await login(t, port, 'alice', alice)).isLive, true)
    await rejects(login(t, port, 'bob', alice), { code: 'CERTIFICATE_ACCOUNT', params: ['alice'] })
    await rejects(login(t, port, 'alice', foreign))
    if (rule === 'optional') equal((await login(t, port, 'bob', { ca })).isLive, true)
    else await rejects(login(t, port, 'bob', { ca }))
    await server.kill()
  }
  const any = { certificate, key, client_ca, client_certificates: 'required', client_account: 'any' }
  const server = await ServerProcess.start(folder, settings({ tls: any }))
  equal((await login(t, server.port, 'bob', alice)).isLive, true)
  await server.kill()
})

test('new certificates are taken over while the server runs, when told to and by itself; bad ones change nothing', async t => {
  const { folder, settings } = place(t)
  const [first, second] = ['first', 'second'].map(name => makeCertificate(folder, name))
  const used = makeCertificate(folder, 'server', first)
  fs.mkdirSync(`${folder}/next`)
  const next = makeCertificate(`${folder}/next`, 'server', second)
  const server = await ServerProcess.start(folder, settings({ tls: { certificate: used.certificate, key: used.key } }))
  const { port } = server
  const [byFirst, bySecond] = [first, second].map(authority => ({ ca: authority!.pem.certificate }))
  const stays = await login(t, port, 'alice', byFirst!)
  const times = (count: number) => server.logged(new RegExp(`(certificates are read[^]*){${count}}`))
  const put = ({ certificate, key }: { certificate: string; key: string }) => {
    // Both at once, as far as anybody can tell who looks seldom.
    fs.writeFileSync(used.certificate, certificate)
    fs.writeFileSync(used.key, key)
  }
  put(next.pem)
  server.signal('SIGHUP')
  await times(1)
  equal((await login(t, port, 'bob', bySecond!)).isLive, true)
  await rejects(login(t, port, 'bob', byFirst!), FAILED)
  equal((await stays.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))).outcome, 'accepted')
  put({ certificate: 'none', key: 'none' })
  server.signal('SIGHUP')
  await server.logged(/certificates cannot be used; those read before still hold/)
  equal((await login(t, port, 'bob', bySecond!)).isLive, true)
  put(used.pem)
  // Nobody says so.
  const deadline = performance.now() + WAIT_MS_MAX
  while (performance.now() < deadline) {
    try {
      await login(t, port, 'bob', byFirst!)
      break
    } catch {
      // not yet noticed
    }
  }
  equal((await login(t, port, 'bob', byFirst!)).isLive, true)
  await server.kill()
})

test('a key that does not belong to the certificate keeps the server from starting, and the log says which files', async t => {
  const { folder, settings } = place(t)
  const [one, other] = ['one', 'other'].map(name => makeCertificate(folder, name))
  for (const tls of [
    { certificate: one!.certificate, key: other!.key },
    { certificate: one!.certificate, key: `${folder}/nowhere.key` },
  ]) {
    const server = ServerProcess.spawn(folder, settings({ tls }))
    equal((await server.end()).status, 1)
    match(server.log, new RegExp(`server\\.tls.*${tls.key}`))
  }
})

test('a client takes the certificate that is pinned and no other, and asks for it before each connection', async t => {
  const { folder, settings } = place(t)
  const [first, second] = ['first', 'second'].map(name => makeCertificate(folder, name))
  const of = (port: number, { certificate, key }: { certificate: string; key: string }) =>
    settings({ interface: `127.0.0.1:${port}`, tls: { certificate, key } })
  let server = await ServerProcess.start(folder, of(0, first!))
  const { port } = server
  await rejects(login(t, port, 'alice', { pin: second!.pem.certificate }), {
    ...FAILED,
    message: `No connection to 127.0.0.1:${port}: the server shows another certificate than it should.`,
  })
  equal((await login(t, port, 'alice', { pin: first!.pem.certificate })).isLive, true)
  // What is no certificate is told as such, and dialled with no more.
  await rejects(login(t, port, 'alice', { pin: 'none' }), { code: 'INVALID_ARGUMENT' })
  await rejects(login(t, port, 'alice', { certificate: 'none', key: 'none' }), { code: 'INVALID_ARGUMENT' })

  let asked = 0
  const pins = [first!.pem.certificate, 'none', first!.pem.certificate, second!.pem.certificate]
  const back = Promise.withResolvers<void>()
  const client = await connect({
    port,
    username: 'alice',
    password: 'alice',
    pauseMinMs: 20,
    tls: () => ({ pin: pins[Math.min(asked++, pins.length - 1)]! }),
    onState: ({ state }) => {
      if (state === 'live' && asked > 1) back.resolve()
    },
  })
  t.after(() => client.close())
  await server.kill()
  server = await ServerProcess.start(folder, of(port, second!))
  await back.promise
  equal(asked >= pins.length, true)
  equal((await client.submit(limitOrder(Side.Bid, 'ABX.TSX', 100, 1))).outcome, 'accepted')
  await server.kill()
})

test('handshakes count as connections and have as long as a login, which they are not given twice', async t => {
  const { folder, settings } = place(t)
  const authority = makeCertificate(folder, 'authority')
  const { certificate, key } = makeCertificate(folder, 'server', authority)
  const limits = { connections_max: 3, login_ms: 5_000 }
  const server = await ServerProcess.start(folder, settings({ tls: { certificate, key } }, { limits }))
  const { port } = server
  const ca = authority.pem.certificate
  const alice = await login(t, port, 'alice', { ca })
  const silent = [1, 2].map(() => net.connect(port, '127.0.0.1'))
  await Promise.all(silent.map(socket => once(socket, 'connect')))
  await rejects(login(t, port, 'bob', { ca }))
  deepEqual(await Promise.all(silent.map(socket => heard(t, socket))), [Buffer.alloc(0), Buffer.alloc(0)])
  const late = tls.connect({ port, host: '127.0.0.1', ca })
  await once(late, 'secureConnect')
  match((await heard(t, late)).toString('latin1'), /No login within 5000 ms/)
  equal((await login(t, port, 'bob', { ca })).isLive, true)
  equal(alice.isLive, true)
  await server.kill()
})

test('hosts that are not allowed are closed before anything is read, with one line in the log', async t => {
  const { folder, settings } = place(t)
  const server = await ServerProcess.start(folder, settings({ allowed: ['10.0.0.0/8', '127.0.0.2', '::1/128'] }))
  const { port } = server
  for (let i = 0; i < 5; i++) {
    const socket = net.connect(port, '127.0.0.1')
    socket.write('anything')
    deepEqual(await heard(t, socket), Buffer.alloc(0))
  }
  await rejects(login(t, port, 'alice', false), FAILED)
  const allowed = net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
  allowed.write(Buffer.from('00000001c0', 'hex'))
  equal((await heard(t, allowed)).length > 0, true)
  const { status } = await server.stop()
  equal(status, 0)
  equal(server.log.split('the host is not in server.allowed').length - 1, 1)
  match(server.log, /hosts_refused\D+6/)
})
