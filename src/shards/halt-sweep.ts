// Sweeps cancel the live orders that are halted: one walk round and round the order table, a part of it at a time, so that
// nothing else waits for a hundred thousand cancels. Who asks is answered when the walk has been everywhere since; so
// many who ask at once cost no more than one, and none keeps another from its end.

import type { OrderDesk } from './order-desk.ts'
import type { ShardState } from './shard-state.ts'

/** Slots looked at in one go, and orders canceled in one go: what takes about as long as a block of other commands. */
const LOOKED_AT_MAX = 4096
const CANCELED_MAX = 256

/** One who asked. */
interface Sweep {
  readonly token: number
  /** Slots not looked at yet. */
  left: number
  /** Orders canceled so far. */
  canceled: number
}

export class HaltSweep {
  readonly #state: ShardState
  readonly #desk: Pick<OrderDesk, 'cancelHalted'>
  #slot = 0
  /** In the order in which they end. */
  readonly #sweeps: Sweep[] = []
  #timeUs = 0

  constructor(state: ShardState, desk: Pick<OrderDesk, 'cancelHalted'>) {
    this.#state = state
    this.#desk = desk
  }

  /** What is live now and halted will be canceled. What comes later is refused, or is not halted. */
  begin(token: number, timeUs: number): void {
    this.#sweeps.push({ token, left: this.#state.orders.slotsUsed, canceled: 0 })
    this.#timeUs = timeUs
  }

  get isUnderWay(): boolean {
    return this.#sweeps.length > 0
  }

  /** Goes on for a while. */
  advance(): void {
    const { orders, halts } = this.#state
    let canceled = 0
    let looked = 0
    for (; looked < LOOKED_AT_MAX && canceled < CANCELED_MAX && looked < this.#sweeps.at(-1)!.left; looked++) {
      if (this.#slot >= orders.slotsUsed) this.#slot = 0
      const slot = this.#slot++
      if (!orders.isLive(slot) || !halts.covers(orders.accountRow[slot], orders.routedTo[slot])) continue
      if (this.#desk.cancelHalted(slot, this.#timeUs)) canceled += 1
    }
    for (const sweep of this.#sweeps) {
      sweep.left -= Math.min(sweep.left, looked)
      sweep.canceled += canceled
    }
  }

  /** The next that has been everywhere; undefined where none has. */
  takeEnded(): { readonly token: number; readonly canceled: number } | undefined {
    return this.#sweeps[0]?.left === 0 ? this.#sweeps.shift() : undefined
  }
}
