// A client that knows the wire and nothing else: it sends what it is told, good or bad, and shows every frame that
// comes back. It is no part of the project's own client, so that what both believe is held against each other.

import net from 'node:net'
import { encodeFrame, FrameSplitter } from '../../src/protocol/frames.ts'
import { Kind, PROTOCOL_VERSION } from '../../src/protocol/kinds.ts'
import { pack, unpack, type Value } from '../../src/protocol/msgpack.ts'

export type Message = Value[]

/** What a test waits for comes long before, or never. */
const WAIT_MS_MAX = 60_000

interface Waiter {
  readonly take: (message: Message) => boolean
  readonly resolve: (message: Message) => void
  readonly reject: (error: Error) => void
}

export class WireClient {
  readonly socket: net.Socket
  /** Messages that nobody waited for, where `onMessage` is not given. */
  readonly received: Message[] = []
  /** Told of every message. */
  onMessage: ((message: Message) => void) | undefined
  /** Code the server gave for closing the connection; 0 where it gave none. */
  closingCode = 0
  isClosed = false
  /** When the connection is gone, whichever side ended it. */
  readonly closed: Promise<void>
  account = 0
  /** Rejects where `onMessage` threw, or the server sent what is no message; the connection ends then. */
  readonly failed: Promise<never>
  #fail: (error: unknown) => void = () => undefined
  #nextRequestId = 1
  readonly #waiters = new Set<Waiter>()
  readonly #splitter = new FrameSplitter(1 << 30)

  private constructor(socket: net.Socket) {
    this.socket = socket
    this.failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => socket.destroy()) // whoever waits for it learns of the error
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    // A server that is killed resets its connections; `close` tells.
    socket.on('error', () => undefined)
    this.closed = new Promise(resolve => {
      socket.on('close', () => {
        this.isClosed = true
        for (const waiter of this.#waiters) waiter.reject(new Error(`the connection was closed: ${this.closingCode}`))
        this.#waiters.clear()
        resolve()
      })
    })
  }

  /** Connects and says nothing. */
  static connect(port: number): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new WireClient(socket))
      })
    })
  }

  /** Connects and logs in; a password is the name, where none is given. */
  static async login(port: number, name: string, password = name): Promise<WireClient> {
    const client = await WireClient.connect(port)
    const answer = await client.ask([Kind.Login, 0, 0, name, password, PROTOCOL_VERSION])
    if (answer[0] !== Kind.LoggedIn) throw new Error(`${name} could not log in: ${JSON.stringify(answer)}`)
    client.account = answer[2] as number // of a LoggedIn
    return client
  }

  /** Sends a message under a fresh request id, which it returns. */
  send(message: readonly unknown[]): number {
    const requestId = this.#nextRequestId++
    this.sendRaw(encodeFrame(pack([message[0], requestId, ...message.slice(2)])))
    return requestId
  }

  /** Sends bytes as they are. */
  sendRaw(bytes: Uint8Array): void {
    if (this.socket.writable) this.socket.write(bytes)
  }

  /** Sends a request and waits for the first message with its id. */
  ask(message: readonly unknown[]): Promise<Message> {
    const requestId = this.send(message)
    return this.until(answer => answer[1] === requestId)
  }

  /** As `ask`, and waits on through the records of a query; undefined where the connection is closed instead. */
  async askAny(message: readonly unknown[]): Promise<Message | undefined> {
    const requestId = this.send(message)
    const isRecord = (kind: unknown) => kind === Kind.ReportRecord
    const isQuery = message[0] === Kind.QueryOrders || message[0] === Kind.QueryReports
    const isLast = ([kind]: Message) => !isRecord(kind) && !(isQuery && kind === Kind.OrderRecord)
    try {
      return await this.until(answer => answer[1] === requestId && isLast(answer))
    } catch (error) {
      if (this.isClosed) return undefined
      throw error
    }
  }

  /** Sends a query and waits for all its records, the end of it last. */
  async askAll(message: readonly unknown[]): Promise<Message[]> {
    const requestId = this.send(message)
    const rows: Message[] = []
    await this.until(answer => {
      if (answer[1] !== requestId) return false
      rows.push(answer)
      return answer[0] === Kind.QueryEnd || answer[0] === Kind.Refused
    })
    return rows
  }

  /** Waits for a message that the function takes, from now on. */
  until(take: (message: Message) => boolean): Promise<Message> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) {
        reject(new Error(`the connection is closed: ${this.closingCode}`))
        return
      }
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter)
        reject(new Error('what was waited for did not come'))
      }, WAIT_MS_MAX)
      const waiter: Waiter = {
        take,
        resolve: message => {
          clearTimeout(timer)
          resolve(message)
        },
        reject: error => {
          clearTimeout(timer)
          reject(error)
        },
      }
      this.#waiters.add(waiter)
    })
  }

  /** Waits for the server to close the connection. @returns the code it gave, 0 for none. */
  async closing(): Promise<number> {
    await this.closed
    return this.closingCode
  }

  end(): Promise<void> {
    this.socket.destroy()
    return this.closed
  }

  #receive(chunk: Buffer): void {
    const splitter = this.#splitter
    splitter.push(chunk)
    try {
      while (splitter.next()) {
        const message = unpack(splitter.bytes, splitter.start, splitter.end)
        if (!Array.isArray(message)) throw new Error('the server sent a frame that holds no array')
        this.#take(message)
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  #take(message: Message): void {
    if (message[0] === Kind.Closing) this.closingCode = message[3] as number // of a Closing
    for (const waiter of this.#waiters) {
      if (!waiter.take(message)) continue
      this.#waiters.delete(waiter)
      waiter.resolve(message)
      if (this.onMessage !== undefined) break
      return
    }
    if (this.onMessage !== undefined) this.onMessage(message)
    else if (message[0] !== Kind.ServerHeartbeat) this.received.push(message)
  }
}
