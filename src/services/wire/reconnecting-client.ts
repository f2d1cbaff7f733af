// Keeps one client connected to one service for as long as the client lives. A lost connection is rebuilt at once, then
// after growing pauses, for ever. A connection counts as there only after it is logged in and everything that the
// client follows has been loaded again, so whoever uses it never sees a half-known state.
//
//   open → connect → greet → renew → ready ──lost──▶ connect … (at once, 0.1 s, 0.2 s … 10 s, for ever)
//
// Each pause is shortened at random by up to a half, so that the clients of a service that was away do not come back in
// step. Who learns that the service is there again cuts the pause short.
//
// Calls made while there is no connection wait for the next one until their deadline; calls in flight when it broke
// fail as OUTCOME_UNKNOWN, because nobody can tell whether they had an effect.

import { assert } from '../../base/assert.ts'
import type { Address } from '../../config/address.ts'
import { Reason } from '../../domain/reasons.ts'
import type { Value } from '../../protocol/msgpack.ts'
import { type ConnectionLimits, connectionLimitsDefault } from './connection.ts'
import type { Elements } from './elements.ts'
import { ServiceConnection } from './service-connection.ts'
import { ServiceError } from './service-error.ts'

/** Pause before the second attempt; each further pause is twice as long. */
const PAUSE_FIRST_MS = 100
const PAUSE_MAX_MS = 10_000
/** Part of a pause that chance decides. */
const PAUSE_JITTER = 0.5

export interface ClientTimes {
  /** Longest wait for a connection to one address. */
  readonly connectMs: number
  /** Deadline of a call: waiting for a connection and for the answer together. */
  readonly requestMs: number
}

export const clientTimesDefault: ClientTimes = { connectMs: 5_000, requestMs: 10_000 }

/** Sends a request and waits for its answer. */
export type Request = (kind: number, elements: readonly Value[]) => Promise<Elements>

/** Told when the connection to a service is lost and when it is there again. */
export type AvailabilityListener = (service: string, available: boolean, reason?: ServiceError) => void

export interface ReconnectingClientOptions {
  /** Name of the service, for messages. */
  readonly service: string
  /** Where to connect, asked again for every attempt. */
  readonly addresses: () => Promise<readonly Address[]>
  /** Logs the new connection in. */
  readonly greet: (request: Request) => Promise<void>
  /** Loads and follows again what the client follows. */
  readonly renew?: (request: Request) => Promise<void>
  readonly onPush?: (kind: number, message: Elements) => void
  readonly onAvailability?: AvailabilityListener | undefined
  /** Told of each failed attempt to reconnect. */
  readonly onAttemptFailed?: (error: ServiceError) => void
  /** Told once, when the client is closed. */
  readonly onClosed?: () => void
  readonly limits?: Partial<ConnectionLimits> | undefined
  readonly times?: Partial<ClientTimes> | undefined
}

interface Waiting {
  readonly ready: (connection: ServiceConnection) => void
  readonly failed: (reason: ServiceError) => void
  readonly timeout: NodeJS.Timeout
}

export class ReconnectingClient {
  readonly #options: ReconnectingClientOptions
  readonly #limits: ConnectionLimits
  readonly #times: ClientTimes
  /** The connection that is ready for calls. */
  #connection: ServiceConnection | undefined
  /** The connection being greeted and renewed. */
  #attempt: ServiceConnection | undefined
  readonly #waiting = new Set<Waiting>()
  /** Runs while the client waits for its next attempt. */
  #pause: NodeJS.Timeout | undefined
  /** The service was there during an attempt that may have missed it. */
  #retryWanted = false
  #closed = false

  constructor(options: ReconnectingClientOptions) {
    this.#options = options
    this.#limits = { ...connectionLimitsDefault, ...options.limits }
    this.#times = { ...clientTimesDefault, ...options.times }
  }

  get available(): boolean {
    return this.#connection !== undefined
  }

  /** Makes the first connection. @throws ServiceError where it cannot be made: a server does not start half connected. */
  async open(): Promise<void> {
    assert(this.#connection === undefined && !this.#closed, 'a client is opened once')
    try {
      await this.#connect()
    } catch (error) {
      this.close()
      throw error
    }
  }

  /**
   * Calls the service, waiting for a connection if there is none.
   * @throws ServiceError the refusal; SERVICE_UNAVAILABLE where the request was not sent before its deadline;
   * OUTCOME_UNKNOWN where it was sent and no answer came.
   */
  async request(kind: number, elements: readonly Value[] = []): Promise<Elements> {
    if (this.#connection !== undefined) return this.#connection.request(kind, elements, this.#times.requestMs)
    const deadline = performance.now() + this.#times.requestMs
    const connection = await this.#whenReady()
    return connection.request(kind, elements, Math.max(1, deadline - performance.now()))
  }

  /** Ends the connection; whatever waits fails with SERVICE_UNAVAILABLE. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#pause)
    this.#pause = undefined
    const reason = this.#unavailable()
    this.#connection?.close(reason)
    this.#attempt?.close(reason)
    this.#connection = undefined
    for (const waiting of this.#waiting) {
      clearTimeout(waiting.timeout)
      waiting.failed(reason)
    }
    this.#waiting.clear()
    this.#options.onClosed?.()
  }

  /** The service is there: a client that waits for its next attempt makes it now. */
  retryNow(): void {
    this.#retryWanted = true
    if (this.#pause === undefined) return
    clearTimeout(this.#pause)
    this.#tryAgain(0)
  }

  #whenReady(): Promise<ServiceConnection> {
    if (this.#closed) return Promise.reject(this.#unavailable())
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        ready: resolve,
        failed: reject,
        timeout: setTimeout(() => {
          this.#waiting.delete(waiting)
          reject(this.#unavailable())
        }, this.#times.requestMs),
      }
      this.#waiting.add(waiting)
    })
  }

  async #connect(): Promise<void> {
    const { service, addresses, greet, renew, onPush, onAvailability } = this.#options
    let lostReason: ServiceError | undefined
    const connection = await ServiceConnection.open({
      service,
      addresses: await addresses(),
      connectMs: this.#times.connectMs,
      limits: this.#limits,
      onPush: (kind, message) => onPush?.(kind, message),
      onClosed: reason => {
        lostReason = reason
        if (this.#connection === connection) this.#lost(reason)
      },
    })
    this.#attempt = connection
    try {
      // A close during the attempt lets the requests below fail.
      if (this.#closed) throw this.#unavailable()
      const request: Request = (kind, elements) => connection.request(kind, elements, this.#times.requestMs)
      await greet(request)
      await renew?.(request)
      if (lostReason !== undefined) throw lostReason
    } catch (error) {
      connection.close(this.#unavailable())
      throw error
    } finally {
      this.#attempt = undefined
    }
    this.#connection = connection
    onAvailability?.(service, true)
    for (const waiting of this.#waiting) {
      clearTimeout(waiting.timeout)
      waiting.ready(connection)
    }
    this.#waiting.clear()
  }

  #lost(reason: ServiceError): void {
    this.#connection = undefined
    if (this.#closed) return
    this.#options.onAvailability?.(this.#options.service, false, reason)
    this.#reconnect(0)
  }

  #reconnect(pauseMs: number): void {
    this.#pause = setTimeout(() => this.#tryAgain(pauseMs), pauseMs * (1 - PAUSE_JITTER * Math.random()))
  }

  #tryAgain(pauseMs: number): void {
    this.#pause = undefined
    this.#retryWanted = false
    this.#connect().catch(error => {
      // Whatever can go wrong with a connection is a ServiceError; the rest is wrong with us, and must not be hidden.
      if (!(error instanceof ServiceError)) throw error
      if (this.#closed) return
      this.#options.onAttemptFailed?.(error)
      if (this.#retryWanted) this.#reconnect(PAUSE_FIRST_MS)
      else this.#reconnect(Math.min(PAUSE_MAX_MS, Math.max(PAUSE_FIRST_MS, 2 * pauseMs)))
    })
  }

  #unavailable(): ServiceError {
    return new ServiceError(Reason.ServiceUnavailable, [this.#options.service])
  }
}
