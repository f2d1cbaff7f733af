// The administrative port: HTTP for monitoring systems, health checks and whoever looks on. It lies on the main thread, so
// everything about it is bounded: connections, the size and time of a request, requests in a second; what a route answers
// is made at most a few times a second. What it cannot take it turns away. The only door to node:http.
//
// A port that is taken does not keep the server from trading: it is tried again until it is free.

import http from 'node:http'
import type net from 'node:net'
import type { Log } from '../base/log.ts'
import { type Address, formatAddress, isLoopback } from '../config/address.ts'

export interface AdminPortOptions {
  readonly address: Address
  /** Requests have to name a loopback host: a page of a browser on this machine cannot get here under a name of its own. */
  readonly isLoopbackOnly: boolean
  readonly connectionsMax: number
  /** Time for a request to come, and for its answer to be read. */
  readonly requestMs: number
  readonly log: Pick<Log, 'info' | 'warning' | 'error'>
}

export interface Exchange {
  /** The path without the question behind it. */
  readonly path: string
  readonly question: URLSearchParams
  /** Answers whole. */
  reply(status: number, type: string, body: string | Uint8Array, headers?: Readonly<Record<string, string>>): void
}

export interface Route {
  readonly method: 'GET'
  /** A path, or with an asterisk at its end all paths that begin with it; the longest one wins. */
  readonly path: string
  readonly serve: (exchange: Exchange) => Promise<void> | void
}

/** A monitoring system asks once in some seconds, a screen once a second; more than this is a fault or bad will. */
const REQUESTS_PER_SECOND_MAX = 50
const HEADER_BYTES_MAX = 8 * 1024
const REQUESTS_PER_CONNECTION_MAX = 10_000
/** How long a connection may lie idle between two requests: longer than monitoring systems usually wait. */
const IDLE_MS = 75_000
const RETRY_MS = 2_000
const TEXT_TYPE = 'text/plain; charset=utf-8'

export class AdminPort {
  readonly #options: AdminPortOptions
  readonly #routes: readonly Route[]
  readonly #server: http.Server
  #retry: NodeJS.Timeout | undefined
  #closed = false
  #secondBegan = 0
  #inSecond = 0
  /** Where it listens, once it does. */
  address: Address | undefined
  /** Connections that are open; requests so far; connections and requests turned away. */
  connections = 0
  requests = 0
  refused = 0

  constructor(routes: readonly Route[], options: AdminPortOptions) {
    const { connectionsMax, requestMs } = options
    this.#options = options
    this.#routes = [...routes].sort((a, b) => b.path.length - a.path.length)
    this.#server = http.createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: Math.min(1_000, requestMs),
    })
    const server = this.#server
    server.maxConnections = connectionsMax
    server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX
    server.on('connection', socket => this.#accept(socket))
    server.on('drop', () => {
      this.refused += 1
    })
    server.on('request', (request, response) => this.#request(request, response))
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#malformed(error, socket))
  }

  /** Listens, or goes on trying to. Resolves after the first attempt. */
  open(): Promise<void> {
    const { address, log } = this.#options
    return new Promise(resolve => {
      let hasFailed = false
      const attempt = () => this.#server.listen({ host: address.host, port: address.port })
      this.#server.on('listening', () => {
        const { address: host, port } = this.#server.address() as net.AddressInfo // a TCP server has such an address
        this.address = { host, port }
        log.info('the administrative port listens', { address: formatAddress(this.address) })
        resolve()
      })
      this.#server.on('error', (error: NodeJS.ErrnoException) => {
        if (this.address !== undefined) {
          log.warning('the administrative port could not take a connection', { error: error.code ?? error.message })
          return
        }
        if (!hasFailed) {
          hasFailed = true
          log.error('the administrative port cannot be opened; it is tried again, and the server goes on without it', {
            address: formatAddress(address),
            error: error.code ?? error.message,
          })
        }
        resolve()
        if (!this.#closed) this.#retry = setTimeout(attempt, RETRY_MS).unref()
      })
      attempt()
    })
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #accept(socket: net.Socket): void {
    this.connections += 1
    // What is not read in time is not kept for ever.
    socket.setTimeout(IDLE_MS + this.#options.requestMs, () => socket.destroy())
    socket.on('close', () => {
      this.connections -= 1
    })
  }

  #request(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.requests += 1
    const late = setTimeout(() => response.destroy(), this.#options.requestMs).unref()
    response.on('close', () => clearTimeout(late))
    const refusal = this.#refusal(request)
    if (refusal !== undefined) {
      this.refused += 1
      const [status, text, headers] = refusal
      reply(response, status, TEXT_TYPE, `${text}\n`, { ...headers, connection: 'close' })
      return
    }
    const [path = '', question = ''] = (request.url ?? '').split('?', 2)
    const route = this.#routes.find(each => isFor(each, path))
    if (route === undefined) {
      const known = this.#routes.map(each => each.path).sort()
      reply(response, 404, TEXT_TYPE, `There is nothing here. There is: ${known.join(', ')}\n`)
      return
    }
    this.#serve(route, {
      path,
      question: new URLSearchParams(question),
      reply: (status, type, body, headers) => reply(response, status, type, body, headers),
    }).catch((error: unknown) => {
      this.#options.log.error('a request at the administrative port failed', { path, error })
      if (response.headersSent) response.destroy()
      else reply(response, 500, TEXT_TYPE, 'The server could not answer; it is in its log.\n')
    })
  }

  async #serve(route: Route, exchange: Exchange): Promise<void> {
    await route.serve(exchange)
  }

  /** Why a request is not looked at any further. */
  #refusal({
    headers,
    method,
  }: http.IncomingMessage): [status: number, text: string, headers?: Record<string, string>] | undefined {
    const second = Math.floor(performance.now() / 1_000)
    if (second !== this.#secondBegan) {
      this.#secondBegan = second
      this.#inSecond = 0
    }
    this.#inSecond += 1
    if (this.#inSecond > REQUESTS_PER_SECOND_MAX) {
      return [429, `More than ${REQUESTS_PER_SECOND_MAX} requests in a second.`, { 'retry-after': '1' }]
    }
    if (method !== 'GET' && method !== 'HEAD') return [405, 'Only GET and HEAD are answered.', { allow: 'GET, HEAD' }]
    if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) {
      return [413, 'A request has no body here.']
    }
    if (this.#options.isLoopbackOnly && headers.host !== undefined && !isLoopback(hostOf(headers.host))) {
      return [421, 'Requests have to name a loopback host, as 127.0.0.1; admin.reach decides.']
    }
    return undefined
  }

  #malformed(error: NodeJS.ErrnoException, socket: NodeJS.WritableStream & { readonly writable: boolean }): void {
    this.refused += 1
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
    if (socket.writable) socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`)
  }
}

function isFor({ path: own }: Route, path: string): boolean {
  return own.endsWith('*') ? path.startsWith(own.slice(0, -1)) : path === own
}

/** Of a Host header: without the port and the brackets of an IPv6 address. */
function hostOf(header: string): string {
  return (/^\[(.*)\](:\d+)?$/.exec(header)?.[1] ?? header.replace(/:\d+$/, '')).toLowerCase()
}

function reply(
  response: http.ServerResponse,
  status: number,
  type: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  response.writeHead(status, {
    'content-type': type,
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(bytes)
}
