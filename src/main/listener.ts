// Accepts connections and hands their bytes to the gate, decrypted where TLS is configured. The only file of main that
// touches sockets. Who may not come is turned away before a byte is read; who does not finish the handshake counts as a
// connection, and has as long for it as for the login.
//
//   accept ─── host not in server.allowed ───────────────► closed, counted
//     ├─ TLS ─ too many handshakes, no handshake in time, bad certificate ─► closed, counted
//     └─► gate

import net from 'node:net'
import tls from 'node:tls'
import { type Network, Networks } from '../config/network.ts'
import { Metric } from '../metrics/catalogue.ts'
import type { Lane } from '../shared-memory/lanes.ts'
import { BoundedLog } from './bounded-log.ts'
import type { Certificates } from './certificates.ts'
import type { Gate } from './gate.ts'
import type { Peer } from './peer.ts'
import { SessionStage } from './session.ts'

export interface ListenerOptions {
  /** Who may connect; everybody where empty. */
  readonly allowed: readonly Network[]
  readonly connectionsMax: number
  /** Time from connecting to logging in. */
  readonly loginMs: number
  readonly tls?: ListenerTls | undefined
  /** Main's lane. */
  readonly lane: Lane
  readonly log: (message: string, facts: Record<string, string | number>) => void
}

export interface ListenerTls {
  readonly certificates: Certificates
  /** Whether clients are asked for certificates of their own, and have to have one. */
  readonly clients: 'none' | 'optional' | 'required'
  /** A client with a certificate logs in to the account of its common name alone; the console's is good for every account. */
  readonly bindsAccounts: boolean
}

/** How long a client that was told the end has to read it and to close its own side. */
const LINGER_MS = 5_000

export class Listener {
  readonly #server: net.Server
  readonly #secure: tls.Server | undefined
  readonly #gate: Gate
  readonly #options: ListenerOptions
  readonly #networks: Networks
  readonly #bounded: BoundedLog
  /** Connections whose handshake is under way, by host and port, with the time at which they came. */
  readonly #shaking = new Map<string, number>()

  constructor(gate: Gate, options: ListenerOptions) {
    this.#gate = gate
    this.#options = options
    this.#networks = new Networks(options.allowed)
    this.#bounded = new BoundedLog(options.log)
    this.#server = net.createServer({ noDelay: true }, socket => this.#accept(socket))
    this.#secure = options.tls === undefined ? undefined : this.#secured(options.tls)
  }

  /** Listens; resolves with the address as it is, rejects with the system's error (EADDRINUSE, EACCES …). */
  open(host: string, port: number): Promise<{ host: string; port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject)
        this.#server.on('error', error => this.#options.log('the listener failed', { error: String(error) }))
        const { address, port: actual } = this.#server.address() as net.AddressInfo // a TCP server has such an address
        resolve({ host: address, port: actual })
      })
    })
  }

  /** Takes no further connection; those that are there stay. */
  close(): void {
    this.#server.close()
  }

  /** Connections that never came to a session. */
  figures(): Record<string, number> {
    const { lane } = this.#options
    return { hosts_refused: lane.value(Metric.HostsRefused), handshakes_failed: lane.value(Metric.HandshakesFailed) }
  }

  #accept(socket: net.Socket): void {
    const nowMs = performance.now()
    const host = socket.remoteAddress ?? ''
    if (!this.#networks.admits(host)) {
      this.#options.lane.add(Metric.HostsRefused)
      this.#bounded.note('connections are refused: the host is not in server.allowed', nowMs, { host })
      socket.destroy()
      return
    }
    if (this.#secure === undefined) {
      this.#take(socket, undefined, nowMs)
      return
    }
    if (this.#gate.sessions.size + this.#shaking.size >= this.#options.connectionsMax) {
      this.#failed(host, 'too many connections')
      socket.destroy()
      return
    }
    const name = nameOf(socket)
    this.#shaking.set(name, nowMs)
    // A connection that breaks off in its handshake may not be told as an error of the TLS server.
    socket.on('close', () => this.#shaking.delete(name))
    this.#secure.emit('connection', socket)
  }

  #secured({ certificates, clients, bindsAccounts }: ListenerTls): tls.Server {
    const server = tls.createServer({
      ...certificates.options,
      handshakeTimeout: this.#options.loginMs,
      requestCert: clients !== 'none',
      rejectUnauthorized: clients === 'required',
    })
    certificates.watch(options => server.setSecureContext(options))
    server.on('tlsClientError', (error, socket) => {
      this.#failed(socket.remoteAddress ?? '', error.message)
      // Its client knows of the end before `close` comes here, and its place has to be free for the next one by then.
      this.#shaking.delete(nameOf(socket))
      socket.destroy()
    })
    server.on('secureConnection', socket => {
      const acceptedMs = this.#shaking.get(nameOf(socket)) ?? performance.now()
      this.#shaking.delete(nameOf(socket))
      const { subject, raw } = socket.getPeerCertificate()
      // Asked for, not required, and not good: that is no client without a certificate.
      if (subject !== undefined && !socket.authorized) {
        this.#failed(socket.remoteAddress ?? '', `the client's certificate: ${socket.authorizationError}`)
        socket.destroy()
        return
      }
      const isBound = bindsAccounts && !(subject !== undefined && certificates.isOfConsole(raw))
      this.#take(socket, isBound ? commonName(subject) : undefined, acceptedMs)
    })
    return server
  }

  #failed(host: string, why: string): void {
    this.#options.lane.add(Metric.HandshakesFailed)
    this.#bounded.note('a handshake failed', performance.now(), { host, why })
  }

  #take(socket: net.Socket, boundTo: string | undefined, acceptedMs: number): void {
    const peer = new SocketPeer(socket, boundTo)
    const session = this.#gate.open(peer, acceptedMs)
    if (session === undefined) {
      // Refused: it is being told why. What it sends or suffers is of no interest any more.
      socket.on('error', () => socket.destroy())
      socket.resume()
      return
    }
    socket.on('data', (chunk: Buffer) => this.#gate.receive(session, chunk, performance.now()))
    socket.on('drain', () => {
      const { onRoom } = session
      session.onRoom = undefined
      onRoom?.()
    })
    // A reset or a broken pipe ends this session alone; `close` follows.
    socket.on('error', error => this.#options.log('connection failed', { peer: peer.name, error: error.message }))
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      if (session.stage !== SessionStage.Closed) this.#gate.closed(session)
    })
  }
}

function nameOf(socket: net.Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`
}

/** Of several the first counts; a certificate without one belongs to no account. */
function commonName(subject: tls.Certificate | undefined): string | undefined {
  if (subject === undefined) return undefined
  const { CN } = subject as { CN?: string | string[] }
  return (Array.isArray(CN) ? CN[0] : CN) ?? ''
}

class SocketPeer implements Peer {
  readonly name: string
  readonly host: string
  readonly boundTo: string | undefined
  readonly tls: string
  readonly #socket: net.Socket

  constructor(socket: net.Socket, boundTo: string | undefined) {
    this.#socket = socket
    this.boundTo = boundTo
    this.tls = socket instanceof tls.TLSSocket ? (socket.getProtocol() ?? '') : ''
    this.host = socket.remoteAddress ?? ''
    this.name = `${this.host}:${socket.remotePort}`
  }

  get waitingBytes(): number {
    return this.#socket.writableLength
  }

  write(bytes: Uint8Array, done?: () => void): void {
    if (this.#socket.writable) this.#socket.write(bytes, done === undefined ? undefined : () => done())
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    const socket = this.#socket
    socket.end()
    // What the client still sends is read and thrown away: closing on unread bytes is a reset, which takes from the client
    // what it was told last. A client that does not close its own side is not waited for without end.
    socket.resume()
    const late = setTimeout(() => socket.destroy(), LINGER_MS).unref()
    socket.once('close', () => clearTimeout(late))
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
