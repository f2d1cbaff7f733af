// One connection between a client and a service, the same on both sides: frames in and out, heartbeats, and the end.
// Heartbeats go out every interval whatever else is sent; a peer of whom nothing was heard for three intervals is
// dropped. What is sent during one turn of the event loop leaves in one write.

import type { Socket } from 'node:net'
import { Reason } from '../../domain/reasons.ts'
import { encodeFrame, FrameSplitter, FrameTooLong } from '../../protocol/frames.ts'
import { pack, unpack, type Value } from '../../protocol/msgpack.ts'
import type { Elements } from './elements.ts'
import { ServiceError } from './service-error.ts'
import { WireKind } from './wire-kinds.ts'

/** Intervals without a byte after which a peer is dropped. */
const SILENT_INTERVALS_MAX = 3

export interface ConnectionLimits {
  /** Pause between two heartbeats; three of them without a byte end the connection. */
  readonly heartbeatMs: number
  /** Longest frame body accepted. */
  readonly frameBytesMax: number
  /** Bytes that may wait for a slow peer; past it the connection is closed. */
  readonly outboxBytesMax: number
}

export const connectionLimitsDefault: ConnectionLimits = {
  heartbeatMs: 10_000,
  // The largest message is a page of a bulk load: 5,000 rows of at most 200 bytes come to 1 MB.
  frameBytesMax: 4 << 20,
  outboxBytesMax: 16 << 20,
}

export interface ConnectionEvents {
  /** A whole message that is an array and begins with two whole numbers; heartbeats are not shown. */
  onMessage(kind: number, requestId: number, message: Elements): void
  /** Called once, when the connection has ended, with the reason. */
  onClosed(reason: ServiceError): void
}

export class Connection {
  /** Host and port of the peer. */
  readonly remote: string
  readonly remoteHost: string
  readonly #socket: Socket
  readonly #limits: ConnectionLimits
  readonly #heartbeatKind: number
  readonly #events: ConnectionEvents
  readonly #splitter: FrameSplitter
  readonly #heartbeats: NodeJS.Timeout
  #silentIntervals = 0
  #corked = false
  #closed = false

  /** @param heartbeatKind `Heartbeat` on the client's side, `ServerHeartbeat` on the service's. */
  constructor(socket: Socket, limits: ConnectionLimits, heartbeatKind: number, events: ConnectionEvents) {
    this.remoteHost = String(socket.remoteAddress)
    this.remote = `${socket.remoteAddress}:${socket.remotePort}`
    this.#socket = socket
    this.#limits = limits
    this.#heartbeatKind = heartbeatKind
    this.#events = events
    this.#splitter = new FrameSplitter(limits.frameBytesMax)
    this.#heartbeats = setInterval(() => this.#beat(), limits.heartbeatMs)
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#received(chunk)) // bytes, since no encoding is set
    socket.on('error', cause => this.drop(new ServiceError(Reason.ServiceUnavailable, [this.remote], { cause })))
    socket.on('close', () => this.drop(new ServiceError(Reason.ServiceUnavailable, [this.remote])))
  }

  get closed(): boolean {
    return this.#closed
  }

  /** True while the peer takes less than it is sent. */
  get congested(): boolean {
    return this.#socket.writableNeedDrain
  }

  /** Calls `listener` once, when a congested connection has sent everything that waited. */
  onceDrained(listener: () => void): void {
    this.#socket.once('drain', listener)
  }

  send(kind: number, requestId: number, elements: readonly Value[]): void {
    if (this.#closed) return
    if (!this.#corked) {
      this.#corked = true
      this.#socket.cork()
      process.nextTick(() => {
        this.#corked = false
        this.#socket.uncork()
      })
    }
    this.#socket.write(encodeFrame(pack([kind, requestId, ...elements])))
    // The farewell itself may go over the limit.
    if (this.#socket.writableLength > this.#limits.outboxBytesMax && kind !== WireKind.Closing) {
      this.close(new ServiceError(Reason.SlowReader, [this.#limits.outboxBytesMax]))
    }
  }

  /** Ends the connection at once. */
  drop(reason: ServiceError): void {
    if (this.#end(reason)) this.#socket.destroy()
  }

  /** Tells the peer why, lets what was sent leave, and ends the connection. */
  close(reason: ServiceError): void {
    this.send(WireKind.Closing, 0, [reason.code, [...reason.params], reason.message])
    if (!this.#end(reason)) return
    this.#socket.end()
    // A peer that does not read would hold the socket for ever; one that reads is done long before.
    const timeout = setTimeout(() => this.#socket.destroy(), this.#limits.heartbeatMs)
    this.#socket.once('close', () => clearTimeout(timeout))
  }

  #end(reason: ServiceError): boolean {
    if (this.#closed) return false
    this.#closed = true
    clearInterval(this.#heartbeats)
    this.#events.onClosed(reason)
    return true
  }

  #beat(): void {
    this.#silentIntervals += 1
    if (this.#silentIntervals > SILENT_INTERVALS_MAX) {
      this.drop(new ServiceError(Reason.PeerSilent, [SILENT_INTERVALS_MAX * this.#limits.heartbeatMs]))
    } else {
      this.send(this.#heartbeatKind, 0, [])
    }
  }

  #received(chunk: Uint8Array): void {
    if (this.#closed) return
    this.#silentIntervals = 0
    const splitter = this.#splitter
    try {
      splitter.push(chunk)
      while (!this.#closed && splitter.next()) this.#message(unpack(splitter.bytes, splitter.start, splitter.end))
    } catch (error) {
      if (!(error instanceof FrameTooLong)) throw error
      this.close(new ServiceError(Reason.FrameTooLarge, [error.lengthBytes, this.#limits.frameBytesMax]))
    }
  }

  #message(message: Value | undefined): void {
    const [kind, requestId] = Array.isArray(message) ? message : []
    if (!Array.isArray(message) || !Number.isSafeInteger(kind) || !Number.isSafeInteger(requestId)) {
      this.close(new ServiceError(Reason.MalformedFrame))
    } else if (kind !== WireKind.Heartbeat && kind !== WireKind.ServerHeartbeat) {
      this.#events.onMessage(kind as number, requestId as number, message)
    }
  }
}
