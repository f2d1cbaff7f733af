// Every failure the SDK tells, with a code that stays the same when texts change. A refusal of the server carries the
// reason's number and name; trouble on this side of the wire has a code of its own, listed here.

import { reasonName, reasonText } from '../domain/reasons.ts'

/** Codes of failures that no server told. The first four say that nothing was sent. */
export const ClientCode = {
  /** An argument cannot be put into a message. */
  InvalidArgument: 'INVALID_ARGUMENT',
  /** There is no connection at the moment. */
  NotConnected: 'NOT_CONNECTED',
  /** As many calls as allowed wait for their turn already. */
  TooManyCalls: 'TOO_MANY_CALLS',
  /** The deadline passed, or the client was closed, while the call still waited for its turn. */
  NotSent: 'NOT_SENT',
  /** No connection could be made. */
  ConnectionFailed: 'CONNECTION_FAILED',
  /** The connection ended before the answer came. */
  ConnectionLost: 'CONNECTION_LOST',
  /** Nothing was heard from the server for three heartbeat intervals. */
  ServerSilent: 'SERVER_SILENT',
  /** The answer did not come in time. */
  DeadlinePassed: 'DEADLINE_PASSED',
  /** The client was closed by its owner. */
  ClientClosed: 'CLIENT_CLOSED',
  /** An account report sequence is missing. */
  SequenceGap: 'SEQUENCE_GAP',
  /** The server sent something that is not part of the protocol. */
  MalformedAnswer: 'MALFORMED_ANSWER',
} as const
export type ClientCode = (typeof ClientCode)[keyof typeof ClientCode]

/** A failure of the SDK. Programs switch over `code` (or `reason`), people read `message`. */
export class OesError extends Error {
  override name = 'OesError'
  /** A `ClientCode`, or the name of the server's reason. Stable. */
  readonly code: string
  /** The number of the server's reason; 0 where the failure is of this side. */
  readonly reason: number
  /** What the text was filled in with, in order. */
  readonly params: readonly unknown[]

  constructor(
    code: string,
    message: string,
    details: { reason?: number; params?: readonly unknown[]; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.reason = details.reason ?? 0
    this.params = details.params ?? []
  }
}

/** The error for a refusal of the server; the server's text wins over the one known here. */
export function refusal(reason: number, params: readonly unknown[], text: string): OesError {
  return new OesError(reasonName(reason), text || reasonText(reason, params), { reason, params })
}
