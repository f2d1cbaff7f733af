// A proxy in front of a MySQL server that reads along which statements a client sends, and strikes at one moment: before
// a statement reaches the server, or when the server has answered it and the client does not know yet. Between two
// statements nothing happens to a store; so these moments are all there are.

import { once } from 'node:events'
import net from 'node:net'

const PACKET_HEAD_BYTES = 4
const COM_QUERY = 3

/** What a packet without a statement is called. */
export const NO_STATEMENT = 'handshake or goodbye'

export interface Strike {
  /** Number of the packet of the client, counted from 0 over all its connections. */
  readonly packet: number
  /** Whether the server gets the packet, and answers it, before. */
  readonly isAnswered: boolean
  /** What happens; afterwards both ends of the connection are cut. */
  readonly act: () => Promise<void>
}

export class StatementProxy {
  /** What the client sent, each packet by its first words. */
  readonly sent: string[] = []
  hasStruck = false
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  readonly #strike: Strike | undefined

  static async open(port: number, strike?: Strike): Promise<StatementProxy> {
    const proxy = new StatementProxy(port, strike)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  private constructor(port: number, strike: Strike | undefined) {
    this.#strike = strike
    this.#server = net.createServer(client => this.#join(client, net.connect(port, '127.0.0.1')))
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port // a TCP server has such an address
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #join(client: net.Socket, server: net.Socket): void {
    const strike = this.#strike
    let waiting = Buffer.alloc(0)
    let isArmed = false
    let isHit = false
    const cut = () => {
      client.destroy()
      server.destroy()
    }
    const hit = async () => {
      this.hasStruck = true
      isHit = true
      client.pause()
      server.pause()
      await strike?.act()
      cut()
    }
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      // A killed client resets its connection: that is what is tested.
      socket.on('error', cut)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        cut()
      })
    }
    client.on('data', data => {
      waiting = Buffer.concat([waiting, Buffer.from(data)])
      for (;;) {
        const bytes = PACKET_HEAD_BYTES + (waiting.length < PACKET_HEAD_BYTES ? 0 : waiting.readUIntLE(0, 3))
        if (isHit || waiting.length < bytes || bytes === PACKET_HEAD_BYTES) return
        const packet = waiting.subarray(0, bytes)
        waiting = waiting.subarray(bytes)
        const isTheOne = strike !== undefined && !this.hasStruck && this.sent.length === strike.packet
        this.sent.push(wordsOf(packet))
        if (isTheOne && !strike.isAnswered) {
          void hit()
          return
        }
        isArmed = isTheOne
        server.write(packet)
      }
    })
    server.on('data', data => {
      if (isArmed) void hit()
      else if (!isHit) client.write(data)
    })
  }
}

function wordsOf(packet: Buffer): string {
  if (packet[3] !== 0 || packet[4] !== COM_QUERY) return NO_STATEMENT
  const text = packet.toString('latin1', 5, 85)
  return /\w+( \w+){0,3}/.exec(text)?.[0] ?? text
}
