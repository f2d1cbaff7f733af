// The client side of one connection: requests that are answered by id, and pushes. It lives from a connected socket to
// its end; staying connected is the business of the reconnecting client.

import { connect, type Socket } from 'node:net'
import { type Address, formatAddress } from '../../config/address.ts'
import { Reason } from '../../domain/reasons.ts'
import type { Value } from '../../protocol/msgpack.ts'
import { Connection, type ConnectionLimits } from './connection.ts'
import { type Elements, integerAt, listAt, textAt } from './elements.ts'
import { ServiceError } from './service-error.ts'
import { WireKind } from './wire-kinds.ts'

interface Waiting {
  readonly resolve: (answer: Elements) => void
  readonly reject: (reason: ServiceError) => void
  readonly timeout: NodeJS.Timeout
}

export class ServiceConnection {
  readonly #service: string
  readonly #connection: Connection
  readonly #onPush: (kind: number, message: Elements) => void
  readonly #onClosed: (reason: ServiceError) => void
  readonly #waiting = new Map<number, Waiting>()
  #lastRequestId = 0
  /** What the service said before it closed. */
  #farewell: ServiceError | undefined

  private constructor(
    socket: Socket,
    service: string,
    limits: ConnectionLimits,
    events: { onPush: (kind: number, message: Elements) => void; onClosed: (reason: ServiceError) => void },
  ) {
    this.#service = service
    this.#onPush = events.onPush
    this.#onClosed = events.onClosed
    this.#connection = new Connection(socket, limits, WireKind.Heartbeat, {
      onMessage: (kind, requestId, message) => this.#take(kind, requestId, message),
      onClosed: reason => this.#ended(this.#farewell ?? reason),
    })
  }

  /**
   * Connects to the first address that answers.
   * @throws ServiceError (SERVICE_UNAVAILABLE) where none does within `connectMs` each.
   */
  static async open(options: {
    service: string
    addresses: readonly Address[]
    connectMs: number
    limits: ConnectionLimits
    onPush: (kind: number, message: Elements) => void
    onClosed: (reason: ServiceError) => void
  }): Promise<ServiceConnection> {
    let cause: unknown
    for (const address of options.addresses) {
      try {
        const socket = await connected(address, options.connectMs)
        return new ServiceConnection(socket, options.service, options.limits, options)
      } catch (error) {
        cause = error
      }
    }
    const tried = options.addresses.map(formatAddress).join(', ')
    throw new ServiceError(Reason.ServiceUnavailable, [options.service, tried], { cause })
  }

  get closed(): boolean {
    return this.#connection.closed
  }

  /**
   * Sends a request. @returns the elements of the answer: kind, request id, and what the service documents.
   * @throws ServiceError the refusal, or OUTCOME_UNKNOWN where no answer came within `timeoutMs` or before the end.
   */
  request(kind: number, elements: readonly Value[], timeoutMs: number): Promise<Elements> {
    if (this.closed) return Promise.reject(new ServiceError(Reason.ServiceUnavailable, [this.#service]))
    const requestId = ++this.#lastRequestId
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(() => {
        this.#waiting.delete(requestId)
        reject(new ServiceError(Reason.OutcomeUnknown, [this.#service]))
      }, timeoutMs)
      this.#waiting.set(requestId, { resolve, reject, timeout })
      this.#connection.send(kind, requestId, elements)
    })
  }

  close(reason: ServiceError): void {
    this.#connection.drop(reason)
  }

  /** What the service sends is checked like anybody's: a malformed message ends the connection, not this process. */
  #take(kind: number, requestId: number, message: Elements): void {
    try {
      this.#received(kind, requestId, message)
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      this.#connection.drop(error)
    }
  }

  #received(kind: number, requestId: number, message: Elements): void {
    if (kind === WireKind.Closing) {
      this.#farewell = refusalOf(message)
      return
    }
    if (requestId === 0) {
      this.#onPush(kind, message)
      return
    }
    const waiting = this.#waiting.get(requestId)
    // The answer to a request that was given up: its caller was told that the outcome is unknown.
    if (waiting === undefined) return
    this.#waiting.delete(requestId)
    clearTimeout(waiting.timeout)
    if (kind === WireKind.Refused) waiting.reject(refusalOf(message))
    else waiting.resolve(message)
  }

  #ended(reason: ServiceError): void {
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timeout)
      waiting.reject(new ServiceError(Reason.OutcomeUnknown, [this.#service], { cause: reason }))
    }
    this.#waiting.clear()
    this.#onClosed(reason)
  }
}

function refusalOf(message: Elements): ServiceError {
  const params = listAt(message, 3).map(param => (typeof param === 'number' ? param : String(param)))
  // Codes that a newer service may know and we do not are kept as they are; only their number is ever compared.
  return new ServiceError(integerAt(message, 2) as Reason, params, { text: textAt(message, 4, '') })
}

function connected(address: Address, connectMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address.host, port: address.port })
    const fail = (cause: Error) => {
      socket.destroy()
      reject(cause)
    }
    socket.setTimeout(connectMs, () => fail(new Error(`no connection within ${connectMs} ms`)))
    socket.once('error', fail)
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.removeAllListeners('timeout')
      socket.off('error', fail)
      resolve(socket)
    })
  })
}
