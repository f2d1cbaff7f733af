// A bad network between a server and a database: a TCP proxy whose connections can be reset, swallowed, delayed and
// slowed while they are in use.
//
//   client ──► socket ─ bytes with the time they came ─► (gate, delay, rate) ─► socket ──► target
//
// Each direction of each connection is a line of its own. What waits in a line is bounded; then its sender is not read
// any more, and the kernel's buffers fill up as they would on a slow road.

import net from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

const HOST = '127.0.0.1'
/** Bytes that may wait in one direction of one connection. */
const HELD_BYTES_MAX = 1 << 20
/** A slowed road carries its bytes in pieces, one in each of these spans. */
const PIECE_MS = 10

/** How the road is. */
const Road = {
  Open: 'open',
  /** Connections are reset, new ones at once. */
  Cut: 'cut',
  /** Nothing comes through and nobody is told; what was sent is delivered when the road is open again. */
  Silent: 'silent',
} as const
type Road = (typeof Road)[keyof typeof Road]

export class TcpProxy {
  /** Connections that came in since the start. */
  connections = 0
  readonly #server: net.Server
  /** The port it stands before. */
  readonly target: number
  readonly #lines = new Set<Line>()
  readonly #sockets = new Set<net.Socket>()
  #road: Road = Road.Open
  #delayMs = 0
  #bytesPerSecond = Number.POSITIVE_INFINITY

  /** Stands before a port of this machine. */
  static start(target: number): Promise<TcpProxy> {
    return new Promise((resolve, reject) => {
      const server = net.createServer({ allowHalfOpen: true, noDelay: true })
      const proxy = new TcpProxy(server, target)
      server.once('error', reject)
      server.listen(0, HOST, () => resolve(proxy))
    })
  }

  private constructor(server: net.Server, target: number) {
    this.#server = server
    this.target = target
    server.on('connection', socket => this.#accept(socket))
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port // a TCP server that listens has such an address
  }

  get isOpen(): boolean {
    return this.#road === Road.Open
  }

  get delayMs(): number {
    return this.#delayMs
  }

  get bytesPerSecond(): number {
    return this.#bytesPerSecond
  }

  /** Resets every connection, and new ones as they come. */
  cut(): void {
    this.#road = Road.Cut
    for (const socket of this.#sockets) reset(socket)
  }

  /** Lets nothing through any more and tells nobody. */
  silence(): void {
    this.#road = Road.Silent
  }

  /** Every byte arrives so much later. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  /** Each direction of each connection carries so much; at least 100 bytes per second. */
  throttle(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond
  }

  /** The road is open, fast and without delay. */
  resume(): void {
    this.#road = Road.Open
    this.#delayMs = 0
    this.#bytesPerSecond = Number.POSITIVE_INFINITY
    for (const line of this.#lines) line.wake()
  }

  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    for (const socket of this.#sockets) destroy(socket)
    for (const line of this.#lines) line.wake()
    await closed
  }

  #accept(near: net.Socket): void {
    this.connections += 1
    if (this.#road === Road.Cut) {
      near.on('error', ignoreReset)
      reset(near)
      return
    }
    const far = net.connect({ host: HOST, port: this.target, allowHalfOpen: true, noDelay: true })
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      const line = new Line(from, to, this)
      this.#lines.add(line)
      this.#sockets.add(from)
      from.once('close', () => {
        this.#sockets.delete(from)
        for (const each of this.#lines) each.wake() // of both directions
      })
      void line.carry().then(() => this.#lines.delete(line))
      // One side breaks: so does the other, the same way, unless the road is silent, which tells nobody of anything.
      from.on('error', () => {
        if (this.#road !== Road.Silent) reset(to)
      })
    }
  }
}

/** Resets are what this is about; each connection's `close` tells whoever has to know. */
function ignoreReset(): void {
  return undefined
}

/** Sockets on their way to a reset. */
const resetting = new WeakSet<net.Socket>()

/**
 * Resets the connection. Node shuts a socket down before it resets it, and loses the handle, which then keeps the process
 * from ending, where the socket is destroyed in between; one that has something to write, or was ended, would stay
 * between for long, so it is destroyed instead.
 */
function reset(socket: net.Socket): void {
  if (resetting.has(socket)) return
  if (socket.connecting || socket.writableLength > 0 || socket.writableEnded) {
    socket.destroy()
    return
  }
  resetting.add(socket)
  socket.resetAndDestroy()
}

/** Ends the connection at once, unless its reset will. */
function destroy(socket: net.Socket): void {
  if (!resetting.has(socket)) socket.destroy()
}

/** One direction of one connection. */
class Line {
  readonly #from: net.Socket
  readonly #to: net.Socket
  readonly #proxy: TcpProxy
  readonly #held: { readonly bytes: Buffer; readonly cameMs: number }[] = []
  #heldBytes = 0
  #hasEnded = false
  #wake: (() => void) | undefined

  constructor(from: net.Socket, to: net.Socket, proxy: TcpProxy) {
    this.#from = from
    this.#to = to
    this.#proxy = proxy
    from.on('data', (bytes: Buffer) => {
      this.#held.push({ bytes, cameMs: performance.now() })
      this.#heldBytes += bytes.length
      if (this.#heldBytes > HELD_BYTES_MAX) from.pause()
      this.wake()
    })
    from.once('end', () => {
      this.#hasEnded = true
      this.wake()
    })
  }

  /** Something changed that the line may wait for. */
  wake(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** Carries bytes until there will be no more, and ends the other side as this one ended. */
  async carry(): Promise<void> {
    const proxy = this.#proxy
    while (!this.#to.destroyed) {
      const next = proxy.isOpen ? this.#held.shift() : undefined
      if (next === undefined) {
        if (proxy.isOpen && this.#hasEnded) {
          this.#to.end()
          return
        }
        if (proxy.isOpen && this.#from.destroyed) {
          destroy(this.#to)
          return
        }
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
        continue
      }
      const waitMs = next.cameMs + proxy.delayMs - performance.now()
      if (waitMs > 0) await pause(waitMs)
      await this.#deliver(next.bytes)
      this.#heldBytes -= next.bytes.length
      if (this.#heldBytes <= HELD_BYTES_MAX && this.#from.isPaused()) this.#from.resume()
    }
  }

  async #deliver(bytes: Buffer): Promise<void> {
    for (let start = 0; start < bytes.length; ) {
      const rate = this.#proxy.bytesPerSecond
      const size = rate === Number.POSITIVE_INFINITY ? bytes.length : Math.max(1, Math.round((rate * PIECE_MS) / 1000))
      const piece = bytes.subarray(start, start + size)
      start += piece.length
      if (!this.#to.writable) return
      if (!this.#to.write(piece)) await this.#drained()
      if (rate !== Number.POSITIVE_INFINITY) await pause((1000 * piece.length) / rate)
    }
  }

  #drained(): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        this.#to.off('drain', done)
        this.#to.off('close', done)
        resolve()
      }
      this.#to.on('drain', done)
      this.#to.on('close', done)
    })
  }
}
