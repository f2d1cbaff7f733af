// A request of a client as main hands it to a shard: who asks, for whom and when, and the message as it came. Everything
// that is stepped of it reads the same object.

import type { BytesRange } from '../protocol/order-events.ts'

/** A request as it comes out of the command ring. One object, filled over and over. */
export class RequestCommand {
  session = 0
  accountRow = 0
  /** Account of the session that asks. */
  sessionAccount = 0
  /** True where that is an administrator. */
  administrator = false
  /** µs since the epoch, stamped by main. */
  time = 0
  /** Fresh id, for a submission. */
  orderId = 0
  /** The body of the frame lies in `bytes` between `start` and `end`. */
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  /** Number and key of the session, where it has a key; 0 where not. */
  mark = 0
  readonly sessionKey: BytesRange = { bytes: new Uint8Array(0), start: 0, end: 0 }
}
