// How the server ends connections of clients that go on talking, or do not listen, between real processes.

import { equal, match } from 'node:assert/strict'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import tls from 'node:tls'
import { merged, ServerProcess, type Settings, temporaryFolder, testSettings } from '../fault/server-process.ts'
import { makeCertificate } from './certificates.ts'

const WAIT_MS_MAX = 60_000
const LOGIN_MS = 1_000

async function started(t: TestContext, tlsSettings: Settings): Promise<{ port: number; folder: string }> {
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const server = await ServerProcess.start(
    folder.path,
    merged(testSettings(folder.path), {
      platform: { market_data: { rate: 0 } },
      engine: { shards: 1 },
      limits: { login_ms: LOGIN_MS },
      server: { tls: tlsSettings },
    }),
  )
  t.after(() => server.kill())
  return { port: server.port, folder: folder.path }
}

/** What `socket` is told until the server has ended its side. */
async function told(socket: net.Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await ended(socket, 'end')
  return Buffer.concat(chunks).toString('latin1')
}

async function ended(socket: net.Socket, event: 'end' | 'close'): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const late = setTimeout(() => reject(new Error(`there is no ${event}`)), WAIT_MS_MAX)
  socket.once(event, () => resolve())
  await promise.finally(() => clearTimeout(late))
}

test('a client that talks on while it is closed reads why, by TLS and without', async t => {
  const folder = temporaryFolder()
  t.after(() => folder.remove())
  const { certificate, key, pem } = makeCertificate(folder.path, 'server')
  for (const isSecure of [false, true]) {
    const { port } = await started(t, isSecure ? { certificate, key } : {})
    const socket = isSecure
      ? tls.connect({ port, host: '127.0.0.1', ca: pem.certificate })
      : net.connect({ port, host: '127.0.0.1' })
    t.after(() => socket.destroy())
    const errors: Error[] = []
    socket.on('error', error => errors.push(error))
    // No login, and a megabyte behind it that nobody is going to look at.
    socket.write(Buffer.concat([Buffer.from('000000049303010a', 'hex'), Buffer.alloc(1 << 20)]))
    match(await told(socket), /The first request of a connection is the login/)
    if (!socket.destroyed) await ended(socket, 'close')
    equal(errors.length, 0, String(errors[0]))
  }
})

test('a client that does not close its own side is not kept', async t => {
  const { port } = await started(t, {})
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.after(() => socket.destroy())
  let error: NodeJS.ErrnoException | undefined
  socket.on('error', each => {
    error = each
  })
  match(await told(socket), /No login within 1000 ms/)
  // As long as it is there it is read, whatever it sends.
  const endMs = performance.now() + WAIT_MS_MAX
  while (error === undefined && performance.now() < endMs) {
    socket.write('.')
    await pause(50)
  }
  match(error?.code ?? 'still there', /^(ECONNRESET|EPIPE)$/)
})
