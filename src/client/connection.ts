// One TCP connection to the server, from the login to its end: frames out and in, heartbeats both ways. It is opened
// once and ends once; coming back after an end is the client's business.
//
//   open ─ login ─► live ─┬─ close() ────────────────► ended without an error
//                         ├─ Closing from the server ─► ended with its reason
//                         ├─ silence, bad bytes ──────► ended with a client code
//                         └─ socket closed ───────────► ended with CONNECTION_LOST

import { X509Certificate } from 'node:crypto'
import net from 'node:net'
import tls from 'node:tls'
import { encodeFrame, FrameSplitter, FrameTooLong } from '../protocol/frames.ts'
import { Kind, PROTOCOL_VERSION } from '../protocol/kinds.ts'
import { pack, unpack } from '../protocol/msgpack.ts'
import { ClientCode, OesError, refusal } from './client-error.ts'
import type { TlsOptions } from './connect-options.ts'
import { Elements, malformed } from './elements.ts'
import type { Timers } from './timers.ts'

/** Heartbeat intervals without a byte after which the server is taken for dead. */
const SILENT_INTERVALS_MAX = 3

const LOGIN_REQUEST_ID = 1

/** How long an orderly end waits for a peer that does not read. */
const LINGER_MS_MAX = 1_000

export interface ConnectionOptions {
  host: string
  port: number
  username: string
  password: string
  tls: boolean | TlsOptions
  /** What the login says behind its version. */
  choice: readonly unknown[]
  /** Time for the connection and the login together. */
  deadlineMs: number
  /** Longest message taken from the server. */
  frameBytesMax: number
  timers: Timers
  /** Logged in: `session` may be read and messages sent. */
  onLive(): void
  /** Gets every message after that but heartbeats. What it throws as an `OesError` ends the connection. */
  onMessage(kind: number, requestId: number, message: Elements): void
  /** Room to write again after `send` returned false. */
  onDrain(): void
  /** The end, once, of a connection that was live or never came to be. */
  onEnd(error: OesError | undefined): void
}

/** What the server told at login. */
export interface Session {
  /** The session's own account. */
  account: number
  version: number
  /** What an acknowledgement is worth: 'fsync', 'os' or 'none'. */
  durability: string
  heartbeatMs: number
  /** Name and version of the server. */
  server: string
  isAdministrator: boolean
  /** Requests that may be unanswered at once. */
  inFlightMax: number
  /** Longest message the server takes. */
  frameBytesMax: number
}

export class Connection {
  readonly #options: ConnectionOptions
  readonly #splitter: FrameSplitter
  readonly #socket: net.Socket
  #session: Session | undefined
  #ended = false
  #corked = false
  #heardMs = 0
  #cancelAlarm: () => void
  #socketError: Error | undefined

  /** Connects and logs in; `onLive` or `onEnd` tells how that went. */
  constructor(options: ConnectionOptions) {
    const { host, port, username, password, choice, timers, deadlineMs } = options
    this.#options = options
    this.#splitter = new FrameSplitter(options.frameBytesMax)
    this.#socket = options.tls === false ? net.connect({ host, port, noDelay: true }) : secured(host, port, options.tls)
    this.#cancelAlarm = timers.after(deadlineMs, () => this.#end(this.#failed(`no login within ${deadlineMs} ms`)))
    this.#socket.on(options.tls === false ? 'connect' : 'secureConnect', () => {
      if (!showsPinned(this.#socket, options.tls)) {
        this.#end(this.#failed('the server shows another certificate than it should'))
        return
      }
      this.send([Kind.Login, LOGIN_REQUEST_ID, 0, username, password, PROTOCOL_VERSION, ...choice])
    })
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#socket.on('drain', () => this.#options.onDrain())
    this.#socket.on('error', error => {
      this.#socketError = error
    })
    this.#socket.on('close', () => this.#end(this.#lost()))
  }

  /** What the server told at login. Only on a connection that is or was live. */
  get session(): Session {
    if (this.#session === undefined) throw new OesError(ClientCode.NotConnected, 'There was no login yet.')
    return this.#session
  }

  /**
   * Sends a message.
   * @returns false where the socket has taken as much as it should; the message is on its way nevertheless.
   * @throws OesError INVALID_ARGUMENT where the message is longer than the server takes.
   */
  send(message: readonly unknown[]): boolean {
    const body = pack(message)
    const bytesMax = this.#session?.frameBytesMax ?? body.length
    if (body.length > bytesMax) {
      throw new OesError(
        ClientCode.InvalidArgument,
        `The message has ${body.length} bytes, the server takes ${bytesMax} at most.`,
        { params: [body.length, bytesMax] },
      )
    }
    // Messages of one turn of the event loop leave together.
    if (!this.#corked) {
      this.#corked = true
      this.#socket.cork()
      process.nextTick(() => {
        this.#corked = false
        this.#socket.uncork()
      })
    }
    return this.#socket.write(encodeFrame(body))
  }

  /** Ends the connection from this side; what was sent before still goes out. */
  close(): void {
    this.#end(undefined)
  }

  #take(chunk: Uint8Array): void {
    this.#heardMs = this.#options.timers.nowMs()
    try {
      this.#splitter.push(chunk)
      while (!this.#ended && this.#splitter.next()) {
        const message = Elements.of(unpack(this.#splitter.bytes, this.#splitter.start, this.#splitter.end))
        this.#receive(message.integer(0), message.integer(1), message)
      }
    } catch (error) {
      if (error instanceof FrameTooLong) this.#end(malformed(error.message, error))
      else if (error instanceof OesError) this.#end(error)
      else throw error
    }
  }

  #receive(kind: number, requestId: number, message: Elements): void {
    if (kind === Kind.ServerHeartbeat) return
    if (kind === Kind.Closing || (kind === Kind.Refused && this.#session === undefined)) {
      this.#end(refusal(message.integer(3), message.list(4), message.text(5)))
      return
    }
    if (this.#session !== undefined) {
      this.#options.onMessage(kind, requestId, message)
      return
    }
    if (kind !== Kind.LoggedIn) throw malformed(`kind ${kind} before the login was answered`)
    this.#session = readSession(message)
    this.#cancelAlarm()
    this.#beat()
    this.#options.onLive()
  }

  #beat(): void {
    const { timers } = this.#options
    const { heartbeatMs } = this.session
    this.#cancelAlarm = timers.after(heartbeatMs, () => {
      const silentMs = timers.nowMs() - this.#heardMs
      if (silentMs >= SILENT_INTERVALS_MAX * heartbeatMs) {
        this.#end(
          new OesError(ClientCode.ServerSilent, `Nothing was heard from the server for ${Math.round(silentMs)} ms.`, {
            params: [silentMs],
          }),
        )
        return
      }
      this.send([Kind.Heartbeat, 0, 0])
      this.#beat()
    })
  }

  #end(error: OesError | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#cancelAlarm()
    // An orderly end lets what was written go out; after an error nobody waits for the peer.
    if (error !== undefined) this.#socket.destroy()
    else {
      this.#socket.end(() => this.#socket.destroy())
      this.#socket.setTimeout(LINGER_MS_MAX, () => this.#socket.destroy())
    }
    this.#options.onEnd(error)
  }

  #lost(): OesError {
    const error: NodeJS.ErrnoException | undefined = this.#socketError
    // Where a host has several addresses the error of all of them has a code, but no message.
    if (this.#session === undefined)
      return this.#failed(error?.message || error?.code || 'the server closed it at once')
    return new OesError(ClientCode.ConnectionLost, 'The connection to the server was lost.', {
      cause: error,
    })
  }

  #failed(why: string): OesError {
    const { host, port } = this.#options
    return new OesError(ClientCode.ConnectionFailed, `No connection to ${host}:${port}: ${why}.`, {
      params: [host, port],
      cause: this.#socketError,
    })
  }
}

/** @throws OesError INVALID_ARGUMENT where the certificates or the key cannot be used. */
function secured(host: string, port: number, options: true | TlsOptions): tls.TLSSocket {
  const { ca, certificate, key, serverName, pin } = options === true ? {} : options
  const files = {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
  }
  try {
    const secureContext = tls.createSecureContext({ ...files, minVersion: 'TLSv1.2' })
    // A pinned certificate is looked at before anything is sent, and proves more than an authority would.
    const rejectUnauthorized = pin === undefined
    if (pin !== undefined) new X509Certificate(pin)
    const servername = serverName === undefined ? {} : { servername: serverName }
    return tls.connect({ host, port, secureContext, rejectUnauthorized, ...servername })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new OesError(ClientCode.InvalidArgument, `The certificates or the key for TLS cannot be used: ${why}.`, {
      cause: error,
    })
  }
}

/** Whether the server shows the certificate that is pinned, where one is. */
function showsPinned(socket: net.Socket, options: boolean | TlsOptions): boolean {
  const pin = typeof options === 'boolean' ? undefined : options.pin
  if (pin === undefined) return true
  const shown = socket instanceof tls.TLSSocket ? socket.getPeerX509Certificate() : undefined
  return shown?.raw.equals(new X509Certificate(pin).raw) === true
}

function readSession(message: Elements): Session {
  const session: Session = {
    account: message.integer(2),
    version: message.integer(3),
    durability: message.text(4),
    heartbeatMs: message.integer(5),
    server: message.text(6),
    isAdministrator: message.integer(7) === 1,
    inFlightMax: message.integer(8),
    frameBytesMax: message.integer(9),
  }
  if (session.heartbeatMs <= 0 || session.inFlightMax <= 0 || session.frameBytesMax <= 0) {
    throw malformed('the answer to the login has limits that are not positive')
  }
  return session
}
