// The link to the server: one connection at a time, made again after growing pauses when it is lost, until it is closed
// or coming back makes no sense. The first attempt is not repeated: whoever connects wants to know.

import { randomBytes } from 'node:crypto'
import { Reason } from '../domain/reasons.ts'
import { ClientCode, OesError } from './client-error.ts'
import { type ConnectOptions, pauseMaxMs } from './connect-options.ts'
import { Connection } from './connection.ts'
import type { Elements } from './elements.ts'
import { choiceElements } from './safety.ts'
import type { Timers } from './timers.ts'

export interface LinkEvents {
  onLive(connection: Connection): void
  onMessage(kind: number, requestId: number, message: Elements): void
  /** The connection has room to write again. */
  onDrain(): void
  /** The connection ended, or an attempt failed. */
  onEnded(cause: OesError): void
  /** After `onEnded`: the next attempt follows after `pauseMs`. */
  onPause(cause: OesError, pauseMs: number): void
  /** After `onEnded`: there will be no further attempt. */
  onGivenUp(cause: OesError): void
}

export class Link {
  readonly #options: ConnectOptions
  readonly #timers: Timers
  readonly #events: LinkEvents
  /** By which the server knows this client's orders again after a lost connection. */
  readonly #randomKey = randomBytes(12).toString('base64url')
  /** The connection that is live or being made. */
  #connection: Connection | undefined
  #liveSinceMs: number | undefined
  #wasLive = false
  #isClosed = false
  #attempts = 0
  #cancelPause = () => {}

  /** Begins the first attempt. */
  constructor(options: ConnectOptions, timers: Timers, events: LinkEvents) {
    this.#options = options
    this.#timers = timers
    this.#events = events
    this.#dial()
  }

  /** The live connection, if there is one. */
  get live(): Connection | undefined {
    return this.#liveSinceMs === undefined ? undefined : this.#connection
  }

  /** Ends the connection and all attempts; nothing is told any more. */
  close(): void {
    this.#isClosed = true
    this.#cancelPause()
    this.#connection?.close()
    this.#connection = undefined
    this.#liveSinceMs = undefined
  }

  #dial(): void {
    const {
      host = '127.0.0.1',
      port,
      username,
      password,
      tls = false,
      connectDeadlineMs,
      frameBytesMax,
    } = this.#options
    const connection: Connection = new Connection({
      host,
      port,
      username,
      password,
      tls: typeof tls === 'function' ? tls() : tls,
      choice: choiceElements(this.#options, this.#randomKey),
      deadlineMs: connectDeadlineMs ?? 10_000,
      frameBytesMax: frameBytesMax ?? 16 * 1024 * 1024,
      timers: this.#timers,
      onLive: () => {
        this.#wasLive = true
        this.#liveSinceMs = this.#timers.nowMs()
        this.#events.onLive(connection)
      },
      onMessage: this.#events.onMessage,
      onDrain: this.#events.onDrain,
      onEnd: error => this.#ended(error),
    })
    this.#connection = connection
  }

  /** What cannot be dialled with now, as certificates that are no certificates, may be better the next time. */
  #dialAgain(): void {
    try {
      this.#dial()
    } catch (error) {
      if (!(error instanceof OesError)) throw error
      this.#ended(error)
    }
  }

  #ended(error: OesError | undefined): void {
    if (this.#isClosed) return
    const cause = error ?? new OesError(ClientCode.ConnectionLost, 'The connection was closed.')
    const { pauseMinMs = 100, random = Math.random, reconnect = true } = this.#options
    const maxMs = pauseMaxMs(this.#options)
    // A connection that held for a while starts the pauses anew; one that is closed at once does not.
    if (this.#liveSinceMs !== undefined && this.#timers.nowMs() - this.#liveSinceMs >= maxMs) this.#attempts = 0
    this.#connection = undefined
    this.#liveSinceMs = undefined
    this.#events.onEnded(cause)
    if (!reconnect || !this.#wasLive || isFinal(cause)) {
      this.#isClosed = true
      this.#events.onGivenUp(cause)
      return
    }
    const pauseMs = Math.min(maxMs, pauseMinMs * 2 ** this.#attempts) * (0.5 + random() / 2)
    this.#attempts += 1
    this.#cancelPause = this.#timers.after(pauseMs, () => this.#dialAgain())
    this.#events.onPause(cause, pauseMs)
  }
}

// Failures that coming back with the same name, password and program cannot mend.
function isFinal({ reason }: OesError): boolean {
  return (
    reason === Reason.LoginFailed ||
    reason === Reason.ProtocolVersion ||
    reason === Reason.NotPermitted ||
    reason === Reason.CertificateAccount
  )
}
