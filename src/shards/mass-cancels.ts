// Mass cancels in a shard: each is a sweep over the live orders that were there when it was asked for, which cancels those
// of its selection, counts what comes of it, and where destinations take their time waits for the ends.
//
//   begin ─→ swept, a piece in each block ─→ all asked ─→ those still open are waited for ─→ told
//
// Every cancel is a step like that of a single order: booked, journaled, reported. What is counted is told behind the
// events of its block, so nobody hears of an end before it is durable.

import { OrderStatus } from '../domain/order-status.ts'
import { Reason } from '../domain/reasons.ts'
import { countElements, MassCancelMode, noCounts, type ShardMassCancel } from '../protocol/mass-cancel.ts'
import type { OrderCancels, SweptCancel } from './order-cancels.ts'
import type { EndWaiter, Sweep } from './order-sweeps.ts'
import type { ShardState } from './shard-state.ts'

const US_PER_MS = 1_000

/** Told how far a mass cancel has got: its counts, as a list in JSON. */
export type MassCancelListener = (token: number, isOver: boolean, counts: string) => void

export class MassCancels {
  readonly #state: ShardState
  readonly #cancels: Pick<OrderCancels, 'cancelSwept'>
  readonly #tell: MassCancelListener
  readonly #waiting = new Set<MassCancel>()

  constructor(state: ShardState, cancels: Pick<OrderCancels, 'cancelSwept'>, tell: MassCancelListener) {
    this.#state = state
    this.#cancels = cancels
    this.#tell = tell
  }

  /** Orders with ids from `idBound` on came later and are left alone. */
  begin(asked: ShardMassCancel, idBound: number): void {
    this.#state.cancelSweeps.begin(
      new MassCancel(this.#state, this.#cancels, this.#tell, this.#waiting, asked, idBound),
    )
  }

  /** Time passes: whoever has waited long enough is told how it stands. */
  onTime(timeUs: number): void {
    if (this.#waiting.size === 0) return
    for (const massCancel of this.#waiting) if (massCancel.deadlineUs <= timeUs) massCancel.giveUp()
  }
}

class MassCancel implements Sweep, EndWaiter {
  readonly rows: readonly number[] | undefined
  deadlineUs = Number.POSITIVE_INFINITY
  readonly #state: ShardState
  readonly #cancels: Pick<OrderCancels, 'cancelSwept'>
  readonly #tell: MassCancelListener
  readonly #waiting: Set<MassCancel>
  readonly #asked: ShardMassCancel
  readonly #idBound: number
  readonly #cancel: SweptCancel
  readonly #venues: ReadonlyMap<string, readonly [beginUs: number, endUs: number]>
  readonly #counts = noCounts()
  /** Orders whose ends are waited for. */
  #awaited = 0
  #told = 0

  constructor(
    state: ShardState,
    cancels: Pick<OrderCancels, 'cancelSwept'>,
    tell: MassCancelListener,
    waiting: Set<MassCancel>,
    asked: ShardMassCancel,
    idBound: number,
  ) {
    this.rows = asked.rows ?? undefined
    this.#state = state
    this.#cancels = cancels
    this.#tell = tell
    this.#waiting = waiting
    this.#asked = asked
    this.#idBound = idBound
    const isForced = asked.mode === MassCancelMode.Force
    this.#cancel = { operator: asked.operator, text: asked.text, reason: Reason.CanceledInBulk, isForced }
    this.#venues = new Map(asked.venues.map(([mic, beginUs, endUs]) => [mic, [beginUs, endUs]]))
  }

  visit(slot: number): boolean {
    if (!this.#isMeant(slot)) return false
    const { orders } = this.#state
    const { mode } = this.#asked
    const counts = this.#counts
    counts.matched += 1
    const isPending = orders.status[slot] === OrderStatus.PendingCancel
    if (isPending) counts.pending += 1
    if (mode === MassCancelMode.Count) return false
    if (isPending && mode === MassCancelMode.Cancel) {
      this.#await(slot)
      return false
    }
    const orderId = orders.orderId[slot]
    const refused = this.#cancels.cancelSwept(slot, this.#cancel)
    if (refused !== Reason.None) counts.refused.set(refused, (counts.refused.get(refused) ?? 0) + 1)
    else if (orders.find(orderId) === slot) this.#await(slot)
    else this.#count(orders.status[slot] as OrderStatus) // the slot is free, and nothing has used it since
    return true
  }

  advanced(isSwept: boolean): void {
    if (!isSwept) return this.#say(false)
    if (this.#awaited === 0) return this.giveUp()
    this.deadlineUs = this.#state.timeUs + this.#asked.waitMs * US_PER_MS
    this.#waiting.add(this)
    this.#say(false)
  }

  ended(status: OrderStatus): void {
    this.#awaited -= 1
    this.#count(status)
    if (this.#awaited === 0 && this.#waiting.has(this)) this.giveUp()
  }

  /** Tells how it stands, and is over. */
  giveUp(): void {
    this.#waiting.delete(this)
    if (this.#awaited > 0) this.#state.awaitedEnds.forget(this)
    this.#say(true)
  }

  #isMeant(slot: number): boolean {
    const { orders, listings } = this.#state
    const { orderId, ticker, others } = this.#asked
    if (orders.orderId[slot] >= this.#idBound) return false
    if (orderId !== 0 && orders.orderId[slot] !== orderId) return false
    const listing = listings.all[orders.listing[slot]]
    if (ticker !== '' && listing.text !== ticker) return false
    const range = this.#venues.get(listing.venue?.mic ?? '') ?? others
    if (range === null) return false
    const acceptedUs = orders.acceptedUs[slot]
    return acceptedUs >= range[0] && acceptedUs <= range[1]
  }

  #await(slot: number): void {
    if (this.#asked.waitMs > 0 && this.#state.awaitedEnds.await(slot, this)) this.#awaited += 1
  }

  #count(status: OrderStatus): void {
    if (status === OrderStatus.Canceled) this.#counts.canceled += 1
    else this.#counts.done += 1
  }

  #say(isOver: boolean): void {
    const counts = this.#counts
    counts.open = counts.matched - counts.canceled - counts.done
    const { matched, canceled, done } = counts
    const sum = matched + canceled + done
    if (!isOver && sum === this.#told) return
    this.#told = sum
    this.#tell(this.#asked.token, isOver, JSON.stringify(countElements(counts)))
  }
}
