// The other end of the wire for tests: accepts connections and speaks frames, but decides nothing by itself. The test
// reads each message and writes each answer, so every order of events can be played.

import { once } from 'node:events'
import net from 'node:net'
import { encodeFrame, FrameSplitter } from '../../src/protocol/frames.ts'
import { Kind } from '../../src/protocol/kinds.ts'
import { pack, unpack } from '../../src/protocol/msgpack.ts'

export type Message = unknown[]

/** Values that are waited for in the order they come. */
class Inbox<T> {
  readonly #values: T[] = []
  readonly #waiting: ((value: T) => void)[] = []

  put(value: T): void {
    const taker = this.#waiting.shift()
    if (taker === undefined) this.#values.push(value)
    else taker(value)
  }

  take(): Promise<T> {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift() as T)
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  get size(): number {
    return this.#values.length
  }
}

export class ScriptedServer {
  readonly #server: net.Server
  readonly #peers = new Inbox<Peer>()
  readonly #all: Peer[] = []

  constructor(server: net.Server) {
    this.#server = server
    server.on('connection', socket => {
      const peer = new Peer(socket)
      this.#all.push(peer)
      this.#peers.put(peer)
    })
  }

  static async start(): Promise<ScriptedServer> {
    const server = net.createServer({ noDelay: true })
    const scripted = new ScriptedServer(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return scripted
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port
  }

  /** The next connection. */
  accept(): Promise<Peer> {
    return this.#peers.take()
  }

  /** The next connection, its login answered. */
  async login(facts: Partial<LoginFacts> = {}): Promise<Peer> {
    const peer = await this.accept()
    await peer.login(facts)
    return peer
  }

  async stop(): Promise<void> {
    for (const peer of this.#all) peer.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

interface LoginFacts {
  account: number
  heartbeatMs: number
  inFlightMax: number
  frameBytesMax: number
}

/** One connection, seen from the server. */
export class Peer {
  readonly #socket: net.Socket
  readonly #messages = new Inbox<Message>()
  readonly #splitter = new FrameSplitter(1 << 20)
  readonly closed: Promise<unknown>

  constructor(socket: net.Socket) {
    this.#socket = socket
    this.closed = once(socket, 'close')
    socket.on('error', () => {}) // a client that went away is what some tests are about
    socket.on('data', (chunk: Buffer) => {
      this.#splitter.push(chunk)
      while (this.#splitter.next()) {
        this.#messages.put(unpack(this.#splitter.bytes, this.#splitter.start, this.#splitter.end) as Message)
      }
    })
  }

  receive(): Promise<Message> {
    return this.#messages.take()
  }

  /** Messages that came and were not received yet. */
  get unread(): number {
    return this.#messages.size
  }

  /** Reads the login and answers it. @returns the login. */
  async login(facts: Partial<LoginFacts> = {}): Promise<Message> {
    const { account = 7, heartbeatMs = 1_000, inFlightMax = 100, frameBytesMax = 65_536 } = facts
    const login = await this.receive()
    this.send([Kind.LoggedIn, login[1], account, 1, 'fsync', heartbeatMs, 'oes test', 0, inFlightMax, frameBytesMax])
    return login
  }

  send(...messages: Message[]): void {
    this.sendBytes(Buffer.concat(messages.map(message => encodeFrame(pack(message)))))
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** Answers until everything written went out. */
  flush(): Promise<void> {
    return new Promise(resolve => this.#socket.write('', () => resolve()))
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

/** Elements of an acceptance. */
export function accepted(
  of: { requestId?: number; account?: number; reportSequence: number; orderId?: number; orderSequence?: number } & {
    clOrdId?: string
    quantity?: number
    price?: number
    ticker?: string
  },
): Message {
  const { requestId = 0, account = 7, reportSequence, orderId = reportSequence, orderSequence = orderId } = of
  return [
    Kind.OrderAccepted,
    requestId,
    account,
    reportSequence,
    orderId,
    orderSequence,
    1_700_000_000_000_000,
    7,
    of.ticker ?? 'ABX.TSX',
    124,
    1,
    1,
    'TSX',
    of.quantity ?? 100,
    of.price ?? 25.37,
    0,
    0,
    of.clOrdId ?? '',
    null,
    0,
    25.37,
  ]
}

/** Elements of a report. */
export function report(of: {
  account?: number
  reportSequence: number
  orderId?: number
  sequence?: number
  status?: number
  lastQty?: number
  lastPx?: number
  reason?: number
  params?: unknown[]
}): Message {
  const { account = 7, reportSequence, orderId = 1, sequence = 1, status = 2, lastQty = 0, lastPx = 0 } = of
  const head = [Kind.ExecutionReport, 0, account, reportSequence, orderId, sequence, 1_700_000_000_000_001, status]
  const body = [...head, lastQty, lastPx, lastQty, 100 - lastQty]
  if (of.reason === undefined) return body
  return [...body, '', '', 0, 0, 0, of.reason, of.params ?? [], '']
}

/** Elements of a report on a replace. */
export function replaceReport(
  of: Parameters<typeof report>[0] & { requestId?: number; clOrdId: string; quantity: number; price: number },
): Message {
  const { requestId = 0, clOrdId, quantity, price, ...rest } = of
  const message = report(rest)
  message[1] = requestId
  while (message.length < 22) message.push(null)
  return [...message, clOrdId, quantity, price, 0, price * 1e6]
}
