// Recalls cancel what a lost session or an account without a sign of life leaves behind. Those of sessions are swept for
// together, since each concerns all accounts: who comes while a sweep is under way is served by the next. A recall
// takes only orders that are older than itself, by their ids, so a session may come back and send new ones at once.

import type { TimeInForce } from '../domain/time-in-force.ts'
import { isRecalled, type Recall, RecallScope } from '../protocol/recall.ts'
import type { OrderCancels } from './order-cancels.ts'
import type { Sweep } from './order-sweeps.ts'
import type { ShardState } from './shard-state.ts'

interface Asked extends Recall {
  readonly token: number
  /** Orders canceled so far. */
  canceled: number
}

export class RecallSweep {
  readonly #state: ShardState
  readonly #cancels: Pick<OrderCancels, 'cancelUnsolicited'>
  readonly #ended: (token: number, canceled: number) => void
  /** Of sessions, by the session's number: served by the sweep that is under way, and by the one after it. */
  #sessions = new Map<number, Asked[]>()
  #nextSessions = new Map<number, Asked[]>()
  readonly #sweep: Sweep
  /** Recalls that came while orders waited for the market of their ticker: they hold for those as well. */
  readonly #whileParked: Asked[] = []

  /** @param ended told when a recall has been everywhere, and how many orders it has canceled. */
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
      visit: slot => this.#visit(this.#sessions.get(state.orders.session[slot]), slot),
      advanced: isOver => {
        if (isOver) this.#over()
      },
    }
  }

  begin(token: number, recall: Recall): void {
    const asked = { ...recall, token, canceled: 0 }
    if (this.#state.parked.accounts > 0) this.#whileParked.push(asked)
    else this.#whileParked.length = 0
    if (recall.scope === RecallScope.Account) {
      const all = [asked]
      this.#state.cancelSweeps.begin({
        rows: [recall.target],
        visit: slot => this.#visit(all, slot),
        advanced: isOver => {
          if (isOver) this.#ended(token, asked.canceled)
        },
      })
      return
    }
    const isUnderWay = this.#sessions.size > 0
    const sessions = isUnderWay ? this.#nextSessions : this.#sessions
    const same = sessions.get(recall.target)
    if (same === undefined) sessions.set(recall.target, [asked])
    else same.push(asked)
    if (!isUnderWay) this.#state.cancelSweeps.begin(this.#sweep)
  }

  /** An order lives that has waited since before, perhaps, what it belongs to was recalled. */
  resumed(slot: number): void {
    if (this.#whileParked.length === 0) return
    const { orders, parked } = this.#state
    const own = this.#whileParked.filter(({ scope, target }) =>
      scope === RecallScope.Session ? target === orders.session[slot] : target === orders.accountRow[slot],
    )
    this.#visit(own, slot)
    if (parked.accounts === 0) this.#whileParked.length = 0
  }

  #visit(all: readonly Asked[] | undefined, slot: number): boolean {
    if (all === undefined) return false
    const { orders } = this.#state
    const orderId = orders.orderId[slot]
    const timeInForce = orders.timeInForce[slot] as TimeInForce
    const asked = all.find(
      ({ alsoCancel, lastOrderId }) => orderId <= lastOrderId && isRecalled(alsoCancel, timeInForce),
    )
    if (asked === undefined || !this.#cancels.cancelUnsolicited(slot, asked.reason)) return false
    asked.canceled += 1
    return true
  }

  #over(): void {
    for (const all of this.#sessions.values()) for (const { token, canceled } of all) this.#ended(token, canceled)
    this.#sessions = this.#nextSessions
    this.#nextSessions = new Map()
    if (this.#sessions.size > 0) this.#state.cancelSweeps.begin(this.#sweep)
  }
}
