// How a client connects, and what it tells about its connection.

import type { OesError } from './client-error.ts'
import type { Session } from './connection.ts'
import type { SessionChoice } from './safety.ts'
import type { Timers } from './timers.ts'

/** Texts in PEM form. */
export interface TlsOptions {
  /** Authorities that are trusted to say who the server is; those that the system trusts where absent. */
  ca?: string
  /** The client's own certificate and its key. */
  certificate?: string
  key?: string
  /** Name that the server's certificate has to have; the host where absent. */
  serverName?: string
  /**
   * The very certificate that the server has to show, the first where there are several. Then neither its authority nor its
   * name nor its dates matter: for a client that has it from the server's own machine.
   */
  pin?: string
}

/** How to connect. Times are milliseconds. */
export interface ConnectOptions extends SessionChoice {
  /** Loopback where absent. */
  host?: string
  port: number
  username: string
  password: string
  /**
   * Encrypts the connection; true trusts the authorities that the system trusts. Plain where absent. A function is asked
   * before each connection, for certificates that change meanwhile; it must not throw.
   */
  tls?: boolean | TlsOptions | (() => boolean | TlsOptions)
  /** Time for a connection and its login together; 10,000 where absent. */
  connectDeadlineMs?: number
  /** Deadline of calls that name none; 5,000 where absent. */
  callDeadlineMs?: number
  /** Deadline of one page of a query; 30,000 where absent. */
  pageDeadlineMs?: number
  /** Calls that may wait for their turn when the server's limit of unanswered requests is reached; 1,024 where absent. */
  callsWaitingMax?: number
  /** Longest message taken from the server; 16 MiB where absent. */
  frameBytesMax?: number
  /** Comes back after a lost connection; true where absent. */
  reconnect?: boolean
  /** The first pause before coming back, doubled each time up to `pauseMaxMs`; 100 where absent. */
  pauseMinMs?: number
  /** 10,000 where absent. */
  pauseMaxMs?: number
  /** Told of every change of the connection. Must not throw. */
  onState?(change: StateChange): void
  /** Clock and alarms; the system's where absent. */
  timers?: Timers
  /** From 0 up to 1, to spread the pauses of many clients; `Math.random` where absent. */
  random?(): number
}

export type StateChange =
  | { state: 'live'; session: Session }
  /** The next attempt follows after `pauseMs`. */
  | { state: 'lost'; cause: OesError; pauseMs: number }
  /** The end: by `close()`, or by a cause that no repetition mends. */
  | { state: 'closed'; cause: OesError | undefined }

/** How long to wait before a busy server is asked again, and the longest pause before coming back. */
export function pauseMaxMs(options: ConnectOptions): number {
  return options.pauseMaxMs ?? 10_000
}
