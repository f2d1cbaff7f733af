// The console's HTTP: requests to a table of routes, pushed streams, and the headers that keep a browser to this place
// alone; by HTTPS where it is given a certificate. It lies on a thread of its own, and is bounded all the same:
// connections, the size and time of a request, requests in a second, what a reader leaves unread. The console's only door
// to node:http and node:https.

import http from 'node:http'
import https from 'node:https'
import type net from 'node:net'
import { type Address, isLoopback } from '../config/address.ts'

export interface HttpPortOptions {
  readonly address: Address
  /** Requests have to name a loopback host: a page of a browser on this machine cannot get here under a name of its own. */
  readonly isLoopbackOnly: boolean
  readonly connectionsMax: number
  /** Time for a request to come, and for its answer to be read. */
  readonly requestMs: number
  /** Certificate and key to serve by; by HTTP where undefined. */
  readonly secure: PemPair | undefined
  /** The policy of the page: what it may load, and from where. */
  readonly contentPolicy: string
  readonly onFault: (path: string, error: unknown) => void
}

/** A certificate, those between it and its authority behind it, and its key: texts in PEM form. */
export interface PemPair {
  readonly certificate: string
  readonly key: string
}

/** A request that is to be answered. */
export interface Exchange {
  readonly path: string
  readonly question: URLSearchParams
  /** What stands for the asterisk of the route. */
  readonly rest: string
  readonly isChange: boolean
  header(name: string): string | undefined
  /** The JSON of the body. @throws HttpRefusal */
  body(): Promise<unknown>
  reply(status: number, type: string, body: string | Uint8Array, headers?: Readonly<Record<string, string>>): void
  json(status: number, value: unknown, headers?: Readonly<Record<string, string>>): void
  /** Answers with events, for as long as both sides want. */
  stream(): EventPush
}

export interface HttpRoute {
  readonly method: 'GET' | 'POST'
  /** A path, or with an asterisk at its end all paths that begin with it. */
  readonly path: string
  readonly serve: (exchange: Exchange) => Promise<void> | void
}

/** A request that is turned away, with a sentence for people. */
export class HttpRefusal extends Error {
  override name = 'HttpRefusal'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Some open pages with all they ask for; more than this is a fault or bad will. */
const REQUESTS_PER_SECOND_MAX = 200
const HEADER_BYTES_MAX = 8 * 1024
const BODY_BYTES_MAX = 8 * 1024
const REQUESTS_PER_CONNECTION_MAX = 10_000
const IDLE_MS = 30_000
/** What a reader of a stream may leave unread before it is passed over, and before it is given up. */
const UNREAD_BYTES_MAX = 1 << 20
const UNREAD_MS_MAX = 30_000
const JSON_TYPE = 'application/json; charset=utf-8'

export class HttpPort {
  readonly #options: HttpPortOptions
  readonly #routes: readonly HttpRoute[]
  readonly #server: http.Server | https.Server
  readonly #headers: Readonly<Record<string, string>>
  #secondBegan = 0
  #inSecond = 0
  address: Address | undefined

  constructor(routes: readonly HttpRoute[], options: HttpPortOptions) {
    const { connectionsMax, requestMs, contentPolicy, secure } = options
    this.#options = options
    this.#routes = [...routes].sort((a, b) => b.path.length - a.path.length)
    this.#headers = {
      'cache-control': 'no-store',
      'content-security-policy': contentPolicy,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=()',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    }
    const settings = {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: Math.min(1_000, requestMs),
    }
    // Who does not finish a handshake in time, or in order, is let go without a word.
    this.#server =
      secure === undefined
        ? http.createServer(settings)
        : https.createServer({ ...settings, ...secureContext(secure), handshakeTimeout: requestMs })
    this.#server.maxConnections = connectionsMax
    this.#server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX
    this.#server.on('request', (request, response) => void this.#answer(request, response))
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // A handshake that failed or did not come, or a connection that broke: nobody is there who could read an answer.
      if (!/^(HPE_|ERR_HTTP_)/.test(error.code ?? '')) {
        socket.destroy()
        return
      }
      const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
      if (socket.writable) socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`)
    })
  }

  /** Listens. Rejects where the address cannot be had. */
  async open(): Promise<Address> {
    const { host, port } = this.#options.address
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    // A connection that could not be taken; whoever wanted it tries again.
    this.#server.on('error', error => this.#options.onFault('', error))
    const { address, port: taken } = this.#server.address() as net.AddressInfo // a TCP server has such an address
    this.address = { host: address, port: taken }
    return this.address
  }

  /** New connections are served by this certificate from now on, where they are served by any. */
  secure(pair: PemPair): void {
    if (this.#server instanceof https.Server) this.#server.setSecureContext(secureContext(pair))
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const late = setTimeout(() => response.destroy(), 2 * this.#options.requestMs).unref()
    response.once('close', () => clearTimeout(late))
    const [path = '', question = ''] = (request.url ?? '').split('?', 2)
    try {
      this.#check(request)
      const route = this.#routeOf(request, path)
      await route.serve({
        path,
        question: new URLSearchParams(question),
        rest: path.slice(route.path.length - 1),
        isChange: route.method === 'POST',
        header: name => headerOf(request, name),
        body: () => bodyOf(request),
        reply: (status, type, body, headers) => this.#reply(response, status, type, body, headers),
        json: (status, value, headers) => this.#reply(response, status, JSON_TYPE, JSON.stringify(value), headers),
        stream: () => {
          clearTimeout(late)
          return this.#stream(response)
        },
      })
    } catch (error) {
      this.#refuse(request, response, path, error)
    }
  }

  #check(request: http.IncomingMessage): void {
    const second = Math.floor(performance.now() / 1_000)
    if (second !== this.#secondBegan) {
      this.#secondBegan = second
      this.#inSecond = 0
    }
    this.#inSecond += 1
    if (this.#inSecond > REQUESTS_PER_SECOND_MAX) {
      throw new HttpRefusal(429, `More than ${REQUESTS_PER_SECOND_MAX} requests in a second.`)
    }
    const { host = '' } = request.headers
    if (this.#options.isLoopbackOnly && !isLoopback(hostOf(host))) {
      throw new HttpRefusal(421, 'Requests have to name a loopback host, as 127.0.0.1; console.reach decides.')
    }
    const { origin } = request.headers
    if (origin !== undefined && !/^https?:\/\//.test(origin)) throw new HttpRefusal(403, 'The origin is not this page.')
    if (origin !== undefined && origin.replace(/^https?:\/\//, '') !== host) {
      throw new HttpRefusal(403, 'The origin is not this page.')
    }
    const site = headerOf(request, 'sec-fetch-site')
    if (request.method === 'POST' && site !== undefined && site !== 'same-origin') {
      throw new HttpRefusal(403, 'Changes are asked for by this page alone.')
    }
    if (request.method !== 'POST' && hasBody(request)) throw new HttpRefusal(413, 'Such a request has no body here.')
  }

  #routeOf(request: http.IncomingMessage, path: string): HttpRoute {
    const found = this.#routes.filter(each => isFor(each, path))
    if (found.length === 0) throw new HttpRefusal(404, 'There is nothing here.')
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const route = found.find(each => each.method === method)
    if (route === undefined) throw new HttpRefusal(405, 'There is nothing here that answers to such a request.')
    return route
  }

  #reply(
    response: http.ServerResponse,
    status: number,
    type: string,
    body: string | Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    response.writeHead(status, {
      ...this.#headers,
      'content-type': type,
      'content-length': status === 304 ? 0 : bytes.length,
      ...headers,
    })
    response.end(bytes)
  }

  #refuse(request: http.IncomingMessage, response: http.ServerResponse, path: string, error: unknown): void {
    const isGone = response.destroyed || request.errored !== null
    if (!(error instanceof HttpRefusal) && !isGone) this.#options.onFault(path, error)
    if (response.headersSent || isGone) {
      response.destroy()
      return
    }
    const isRefusal = error instanceof HttpRefusal
    const status = isRefusal ? error.status : 500
    const text = isRefusal ? error.message : 'The console could not answer; why, is in the log of the server.'
    // What was not read of a body is not waited for.
    const close: Record<string, string> = request.complete && status !== 429 ? {} : { connection: 'close' }
    this.#reply(response, status, JSON_TYPE, JSON.stringify({ error: text }), close)
  }

  #stream(response: http.ServerResponse): EventPush {
    response.writeHead(200, { ...this.#headers, 'content-type': 'text/event-stream; charset=utf-8' })
    response.flushHeaders()
    return new EventPush(response)
  }
}

/** Events to one page. What it does not read in time is left out, never piled up. */
export class EventPush {
  readonly #response: http.ServerResponse
  #behindSinceMs: number | undefined
  #hasEnded = false

  constructor(response: http.ServerResponse) {
    this.#response = response
    // A reader that is gone; `close` follows.
    response.on('error', () => undefined)
  }

  /** Whether there is room for more. A reader that has left too much unread for too long is given up. */
  get hasRoom(): boolean {
    if (this.#hasEnded) return false
    if (this.#response.writableLength < UNREAD_BYTES_MAX) {
      this.#behindSinceMs = undefined
      return !this.#response.destroyed
    }
    this.#behindSinceMs ??= performance.now()
    if (performance.now() - this.#behindSinceMs > UNREAD_MS_MAX) this.#response.destroy()
    return false
  }

  send(name: string, value: unknown): void {
    if (this.#hasEnded) return
    this.#response.write(`event: ${name}\ndata: ${JSON.stringify(value)}\n\n`)
  }

  onClose(listener: () => void): void {
    this.#response.once('close', listener)
  }

  end(): void {
    this.#hasEnded = true
    this.#response.end()
  }
}

function secureContext({ certificate, key }: PemPair) {
  return { cert: certificate, key, minVersion: 'TLSv1.2' as const }
}

function isFor({ path: own }: HttpRoute, path: string): boolean {
  return own.endsWith('*') ? path.startsWith(own.slice(0, -1)) && path.length >= own.length : path === own
}

function headerOf({ headers }: http.IncomingMessage, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}

function hasBody({ headers }: http.IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Of a Host header: without the port and the brackets of an IPv6 address. */
function hostOf(header: string): string {
  return (/^\[(.*)\](:\d+)?$/.exec(header)?.[1] ?? header.replace(/:\d+$/, '')).toLowerCase()
}

async function bodyOf(request: http.IncomingMessage): Promise<unknown> {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    throw new HttpRefusal(415, 'The body has to be JSON.')
  }
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) throw tooLarge()
  const chunks: Buffer[] = []
  let bytes = 0
  // The request outlives the loop: whoever sent too much is still told so.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw tooLarge()
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new HttpRefusal(400, 'The body is no JSON.')
  }
}

function tooLarge(): HttpRefusal {
  return new HttpRefusal(413, `The body has more than ${BODY_BYTES_MAX} bytes.`)
}
