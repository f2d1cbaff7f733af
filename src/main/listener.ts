// Accepts connections and hands their bytes to the gate. The only file of main that touches sockets.

import net from 'node:net'
import type { Gate } from './gate.ts'
import type { Peer } from './peer.ts'
import { SessionStage } from './session.ts'

export class Listener {
  readonly #server: net.Server
  readonly #gate: Gate
  readonly #log: (message: string, facts: Record<string, string | number>) => void

  constructor(gate: Gate, log: (message: string, facts: Record<string, string | number>) => void) {
    this.#gate = gate
    this.#log = log
    this.#server = net.createServer({ noDelay: true }, socket => this.#accept(socket))
  }

  /** Listens; resolves with the address as it is, rejects with the system's error (EADDRINUSE, EACCES …). */
  open(host: string, port: number): Promise<{ host: string; port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject)
        this.#server.on('error', error => this.#log('the listener failed', { error: String(error) }))
        const { address, port: actual } = this.#server.address() as net.AddressInfo // a TCP server has such an address
        resolve({ host: address, port: actual })
      })
    })
  }

  /** Takes no further connection; those that are there stay. */
  close(): void {
    this.#server.close()
  }

  #accept(socket: net.Socket): void {
    const peer = new SocketPeer(socket)
    const session = this.#gate.open(peer, performance.now())
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
    socket.on('error', error => this.#log('connection failed', { peer: peer.name, error: error.message }))
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      if (session.stage !== SessionStage.Closed) this.#gate.closed(session)
    })
  }
}

class SocketPeer implements Peer {
  readonly name: string
  readonly host: string
  readonly #socket: net.Socket

  constructor(socket: net.Socket) {
    this.#socket = socket
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
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
