// The replaces of a shard's live orders: which of them wait for their destination's answer, under which terms, and by which
// client order id an order goes since it was replaced. Orders that were never replaced are not in here.

import type { Price, Quantity } from '../domain/money.ts'
import type { BytesRange } from '../protocol/order-events.ts'
import { CL_ORD_ID_BYTES_MAX } from '../protocol/requests.ts'

/** A replace that its destination has not answered. One object is used for one order after the other. */
export class PendingReplace {
  /** New total, what was executed included. */
  quantity: Quantity = 0
  price: Price = 0
  /** At which the new terms are to be held, in the account's currency; 0 where nothing is. */
  holdPrice: Price = 0
  shortFlag = false
  /** As text; empty for none. */
  clOrdId = ''
  /** The same as bytes. */
  readonly clOrdIdBytes: BytesRange = { bytes: new Uint8Array(CL_ORD_ID_BYTES_MAX), start: 0, end: 0 }
  /** Buying power holds the worse of the old and the new terms: the destination did not answer at once. */
  countsWorst = false
  /** The rules count other than the new terms: the worse of both, or what was there at a start. */
  rulesDiffer = false

  setClOrdId(text: string, { bytes, start, end }: BytesRange): void {
    this.clOrdId = text
    for (let i = start; i < end; i++) this.clOrdIdBytes.bytes[i - start] = bytes[i]
    this.clOrdIdBytes.end = end - start
  }
}

export class Replaces {
  readonly #pending = new Map<number, PendingReplace>()
  /** By slot: the client order id of the last replace that was carried out and had one. */
  readonly #clOrdIds = new Map<number, string>()
  readonly #spare: PendingReplace[] = []

  /** Whether nothing is known of any order: what everybody asks first. */
  get isEmpty(): boolean {
    return this.#pending.size === 0 && this.#clOrdIds.size === 0
  }

  get(slot: number): PendingReplace | undefined {
    return this.#pending.size === 0 ? undefined : this.#pending.get(slot)
  }

  /** Slots of the orders that wait. */
  slots(): IterableIterator<number> {
    return this.#pending.keys()
  }

  /** The order waits from now on; the caller fills in the terms. */
  begin(slot: number): PendingReplace {
    const pending = this.#spare.pop() ?? new PendingReplace()
    pending.countsWorst = false
    pending.rulesDiffer = false
    this.#pending.set(slot, pending)
    return pending
  }

  /** The order does not wait any more. What `begin` gave is good until the next `begin`. */
  end(slot: number): void {
    const pending = this.#pending.get(slot)
    if (pending === undefined) return
    this.#pending.delete(slot)
    this.#spare.push(pending)
  }

  /** By which client order id a replaced order goes; undefined for one that never was replaced. */
  clOrdIdOf(slot: number): string | undefined {
    return this.#clOrdIds.get(slot)
  }

  setClOrdId(slot: number, clOrdId: string): void {
    this.#clOrdIds.set(slot, clOrdId)
  }

  /** The order has ended. */
  forget(slot: number): void {
    this.end(slot)
    this.#clOrdIds.delete(slot)
  }
}
