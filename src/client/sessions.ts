// The sessions of the server as an administrator's client sees them.

import { AlsoCancel, CancelOn } from '../protocol/kinds.ts'
import { Elements, malformed } from './elements.ts'
import type { AlsoCanceled } from './safety.ts'

/** A connection that is logged in. */
export interface LiveSession {
  /** By which the server's log names it. */
  session: number
  account: number
  accountName: string
  /** Address and port it comes from. */
  peer: string
  /** When it logged in, µs since the epoch, UTC. */
  since: number
  isAdministrator: boolean
  /** It may do nothing but read. */
  isObserver: boolean
  /** Requests without an answer yet. */
  inFlight: number
  /** Bytes that wait to be read by it. */
  outboxBytes: number
  subscriptions: number
  /** Version of TLS, as TLSv1.3; empty where the connection is plain. */
  tls: string
  /** When its orders are canceled; undefined where they never are. The last login of several with one key has chosen. */
  cancelOn: 'loss' | 'logout' | 'both' | undefined
  graceMs: number
  alsoCancel: Required<AlsoCanceled>
}

export interface SessionsPage {
  sessions: LiveSession[]
  more: boolean
}

/** Reads the answer to a request for the sessions. @throws OesError MALFORMED_ANSWER */
export function readSessions(message: Elements): SessionsPage {
  return { sessions: message.list(3).map(value => readSession(Elements.of(value))), more: message.integer(4) === 1 }
}

function readSession(row: Elements): LiveSession {
  const alsoCancel = row.integer(13)
  return {
    session: row.integer(0),
    account: row.integer(1),
    accountName: row.text(2),
    peer: row.text(3),
    since: row.integer(4),
    isAdministrator: row.integer(5) === 1,
    isObserver: row.integer(6) === 1,
    inFlight: row.integer(7),
    outboxBytes: row.integer(8),
    subscriptions: row.integer(9),
    tls: row.text(10),
    cancelOn: cancelOnOf(row.integer(11)),
    graceMs: row.integer(12),
    alsoCancel: { gtc: (alsoCancel & AlsoCancel.Gtc) !== 0, gtd: (alsoCancel & AlsoCancel.Gtd) !== 0 },
  }
}

function cancelOnOf(bits: number): LiveSession['cancelOn'] {
  switch (bits) {
    case CancelOn.Never:
      return undefined
    case CancelOn.Loss:
      return 'loss'
    case CancelOn.Logout:
      return 'logout'
    case CancelOn.Both:
      return 'both'
    default:
      throw malformed(`a session that cancels on ${bits}`)
  }
}
