// The sweep of the kill switch: cancels the live orders that are halted. Who asks is answered when a sweep has been
// everywhere since; those who ask while one is under way are served by the next together, so many who ask at once cost
// no more than two, and none keeps another from its end.

import { Reason } from '../domain/reasons.ts'
import type { OrderCancels } from './order-cancels.ts'
import type { Sweep } from './order-sweeps.ts'
import type { ShardState } from './shard-state.ts'

/** One who asked. */
interface Asker {
  readonly token: number
  /** Orders canceled since. */
  canceled: number
}

export class HaltSweep {
  readonly #state: ShardState
  readonly #cancels: Pick<OrderCancels, 'cancelUnsolicited'>
  readonly #ended: (token: number, canceled: number) => void
  /** Answered by the sweep that is under way, and by the one after it. */
  #askers: Asker[] = []
  #nextAskers: Asker[] = []
  readonly #sweep: Sweep

  /** @param ended told when all that was live and halted when the bearer of the token asked has been canceled. */
  constructor(
    state: ShardState,
    cancels: Pick<OrderCancels, 'cancelUnsolicited'>,
    ended: (token: number, canceled: number) => void,
  ) {
    this.#state = state
    this.#cancels = cancels
    this.#ended = ended
    this.#sweep = {
      rows: undefined,
      visit: slot => this.#visit(slot),
      advanced: isOver => {
        if (isOver) this.#over()
      },
    }
  }

  /** What is live now and halted will be canceled. What comes later is refused, or is not halted. */
  begin(token: number): void {
    const asker = { token, canceled: 0 }
    if (this.#askers.length > 0) {
      this.#nextAskers.push(asker)
      return
    }
    this.#askers.push(asker)
    this.#state.haltSweeps.begin(this.#sweep)
  }

  #visit(slot: number): boolean {
    const { orders, halts } = this.#state
    if (!halts.covers(orders.accountRow[slot], orders.routedTo[slot])) return false
    if (!this.#cancels.cancelUnsolicited(slot, Reason.CanceledByHalt)) return false
    for (const asker of this.#askers) asker.canceled += 1
    for (const asker of this.#nextAskers) asker.canceled += 1
    return true
  }

  #over(): void {
    for (const { token, canceled } of this.#askers) this.#ended(token, canceled)
    this.#askers = this.#nextAskers
    this.#nextAskers = []
    if (this.#askers.length > 0) this.#state.haltSweeps.begin(this.#sweep)
  }
}
