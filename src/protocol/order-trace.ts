// What the log tells of an order event at level debug: the ids by which one order is followed through all threads.

import { orderStatusNames } from '../domain/order-status.ts'
import { Kind } from './kinds.ts'
import { decodeOrderEvent, type OrderEvent } from './order-events.ts'

/** The event whose body lies in `bytes` from `offset` on, `length` bytes long. */
export function traceOf(bytes: Uint8Array, offset: number, length: number): Record<string, string | number> {
  let event: OrderEvent
  try {
    event = decodeOrderEvent(bytes, offset, length)
  } catch (error) {
    // The log is not the place to fail for it.
    return { event: 'UNREADABLE', reason: String(error) }
  }
  const { account, reportSequence } = event
  switch (event.kind) {
    case Kind.OrderAccepted: {
      const { orderId, orderSequence, clOrdId } = event
      const own = clOrdId === '' ? {} : { clOrdId }
      return { event: 'ACCEPTED', account, orderId, orderSequence, reportSequence, ...own }
    }
    case Kind.ExecutionReport: {
      const { orderId, sequence, status, terms } = event
      const own = terms === undefined || terms.clOrdId === '' ? {} : { clOrdId: terms.clOrdId }
      return { event: orderStatusNames[status], account, orderId, sequence, reportSequence, ...own }
    }
    case Kind.InventorySnapshot:
      return { event: 'SNAPSHOT', account, reportSequence }
  }
}
