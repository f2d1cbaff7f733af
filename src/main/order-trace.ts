// What main tells the log of orders at level debug: requests on their way to a shard, and events that went out to clients.

import type { Log } from '../base/log.ts'
import { FRAME_HEADER_BYTES } from '../protocol/frames.ts'
import { Kind } from '../protocol/kinds.ts'
import { traceOf } from '../protocol/order-trace.ts'

/** Asked before anything is put together for a line. */
export interface OrderTrace {
  readonly isOn: boolean
  /** A shard has taken a request into its ring; `orderId` is 0 where it enters no order. */
  requested(request: RequestTrace): void
  /** The frame of an event, from `start` to `end`, was handed to so many sessions. */
  published(bytes: Uint8Array, start: number, end: number, sessions: number): void
}

export interface RequestTrace {
  readonly kind: number
  readonly session: number
  readonly requestId: number
  readonly account: number
  readonly shard: number
  readonly orderId: number
}

const kindNames = new Map<number, string>(Object.entries(Kind).map(([name, kind]) => [kind, name]))

export function orderTrace(log: Log): OrderTrace {
  return {
    get isOn() {
      return log.isDebug
    },
    requested({ kind, session, requestId, account, shard, orderId }) {
      const entered = orderId === 0 ? {} : { orderId }
      const request = kindNames.get(kind) ?? kind
      log.debug('a request goes to its shard', { request, session, requestId, account, shard, ...entered })
    },
    published(bytes, start, end, sessions) {
      const body = start + FRAME_HEADER_BYTES
      log.debug('an event is published', { ...traceOf(bytes, body, end - body), sessions })
    },
  }
}
