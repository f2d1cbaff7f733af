// The far end of a session as an array: what the server wrote, and whether it reads, ended or was torn down.

import { framed } from '../../src/main/gate.ts'
import type { Peer } from '../../src/main/peer.ts'
import type { Session } from '../../src/main/session.ts'
import { FrameSplitter } from '../../src/protocol/frames.ts'
import { unpack, type Value } from '../../src/protocol/msgpack.ts'

export class RehearsedPeer implements Peer {
  readonly name: string
  readonly host = 'here'
  boundTo: string | undefined
  tls = ''
  /** Undefined where the connection was refused. */
  session: Session | undefined
  isPaused = false
  isEnded = false
  isDestroyed = false
  /** While false, what is written waits here as in a socket whose far end does not read. */
  reads = true
  waitingBytes = 0
  readonly #unread: { bytes: Uint8Array; done: (() => void) | undefined }[] = []
  readonly #splitter = new FrameSplitter(1 << 28)
  #messages: Value[][] = []
  #receive: (bytes: Uint8Array) => void = () => undefined
  #requestId = 1

  constructor(name: string) {
    this.name = name
  }

  attach(session: Session | undefined, receive: (bytes: Uint8Array) => void): void {
    this.session = session
    this.#receive = receive
  }

  /** Sends a message to the server. */
  send(message: readonly unknown[]): void {
    this.#receive(framed(message))
  }

  /** Sends bytes to the server, whatever they are. */
  sendBytes(bytes: Uint8Array): void {
    this.#receive(bytes)
  }

  /** Sends a request with a fresh request id, which is returned. */
  request(kind: number, account: number, ...elements: unknown[]): number {
    this.#requestId += 1
    this.send([kind, this.#requestId, account, ...elements])
    return this.#requestId
  }

  /** The messages that have arrived since the last call. */
  take(): Value[][] {
    const messages = this.#messages
    this.#messages = []
    return messages
  }

  /** Reads what has waited. */
  readOn(): void {
    this.reads = true
    const unread = this.#unread.splice(0)
    this.waitingBytes = 0
    for (const { bytes, done } of unread) this.#arrive(bytes, done)
    const onRoom = this.session?.onRoom
    if (this.session !== undefined) this.session.onRoom = undefined
    onRoom?.()
  }

  write(bytes: Uint8Array, done?: () => void): void {
    if (this.isEnded || this.isDestroyed) return
    if (this.reads) this.#arrive(bytes, done)
    else {
      this.#unread.push({ bytes, done })
      this.waitingBytes += bytes.length
    }
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {
    this.isEnded = true
  }

  destroy(): void {
    this.isDestroyed = true
    this.#unread.length = 0
  }

  #arrive(bytes: Uint8Array, done: (() => void) | undefined): void {
    this.#splitter.push(Uint8Array.from(bytes))
    done?.()
    while (this.#splitter.next()) {
      const message = unpack(this.#splitter.bytes, this.#splitter.start, this.#splitter.end)
      if (!Array.isArray(message)) throw new Error('the server sent what is no array')
      this.#messages.push(message)
    }
  }
}
